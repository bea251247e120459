"""Numbers in words, one way everywhere: a true minus, units, and "never" for a NaN."""

import html
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

NEVER = "never"
# Control characters, line separators, and what hides or turns round the words beside it.
INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
MARKS = re.compile(r"[`*\[\]|\\~$]|(?<!\w)_|_(?!\w)")  # of Markdown; a_name is none


def percent(value: float, digits: int = 2, sign: bool = True) -> str:
    """A share as a percentage.

    >>> percent(-0.18367), percent(28.41, 0), percent(0.5, 0, sign=False), percent(float("nan"))
    ('−18.37 %', '+2,841 %', '50 %', 'never')
    """
    return _number(value, lambda x: f"{x:{'+' if sign else ''},.{digits}%}"[:-1], "%")


def share(value: float) -> str:
    """A part of a whole, to a tenth of a percent.

    >>> share(0.348)
    '34.8 %'
    """
    return percent(value, 1, sign=False)


def rough(value: float) -> str:
    """A share as exactly as some thousand markets can tell it.

    >>> rough(0.0723), rough(0.7234), rough(-1)
    ('7.2 %', '72 %', '−100 %')
    """
    return percent(value, 1 if abs(value) < 0.1 else 0, sign=False)


def money(value: float, currency: str, digits: int = 2, sign: bool = False) -> str:
    """An amount with its unit.

    >>> money(-1234.5, "USD"), money(2, "BTC", sign=True)
    ('−1,234.50 USD', '+2.00 BTC')
    """
    return _number(value, lambda x: f"{x:{'+' if sign else ''},.{digits}f}", currency)


class Shown(str):
    """Words that a notebook shows as they are, without quotation marks around them."""

    def __repr__(self) -> str:
        return str(self)


def amount(value: float, unit: str = "", sign: bool = False) -> Shown:
    """A number as one writes it in a sentence: no zeros behind the point that say nothing.

    Money has no decimals, or at least two; a share (unit "%") and a multiple ("x") as many as say
    something.

    >>> amount(5000, "USD"), amount(28.8, "USD"), amount(2.5), amount(1632.653)
    (5,000 USD, 28.80 USD, 2.5, 1,632.65)
    >>> amount(-0.18367, "%"), amount(0.5, "%", sign=True), amount(11 / 3, "x")
    (−18.37 %, +50 %, 3.67x)
    """
    is_money = unit not in ("", "%", "x")

    def form(x: float) -> str:
        decimals = 2 if unit == "x" else _decimals(x)
        words = f"{x:{'+' if sign else ''},.{decimals}f}"
        whole, _, behind = words.partition(".")
        behind = behind.rstrip("0")
        if is_money and behind:
            behind = behind.ljust(2, "0")
        return f"{whole}.{behind}" if behind else whole

    words = _number(100 * value if unit == "%" else value, form, unit)
    return Shown(words.removesuffix(" x") + "x" if unit == "x" and words.endswith(" x") else words)


def price(value: float, currency: str = "") -> str:
    """A price with four significant digits, or cents where those say more.

    >>> price(0.0816327, "BTC"), price(1632.653), price(float("nan"), "BTC")
    ('0.08163 BTC', '1,632.65', 'never')
    """
    return _number(value, lambda x: f"{x:,.{_decimals(x)}f}", currency)


def ratio(value: float, digits: int = 2) -> str:
    """A bare number, such as a margin ratio or a leverage.

    >>> ratio(0.5), ratio(float("inf"))
    ('0.50', 'infinite')
    """
    return _number(value, lambda x: f"{x:,.{digits}f}")


def band(interval: Any) -> str:
    """A band of changes (a pandas Interval), as of `Outcomes.spread`.

    >>> import pandas as pd
    >>> band(pd.Interval(-0.5, 0)), band(pd.Interval(0.5, math.inf)), band(pd.Interval(-2, -1))
    ('−50 % to 0 %', 'above +50 %', 'all is lost')
    """
    if interval.right <= -1:
        return "all is lost"
    low, high = (percent(end, 0) for end in (interval.left, interval.right))
    return f"{low} to {high}" if math.isfinite(interval.right) else f"above {low}"


def listed(words: Iterable[str]) -> str:
    """Words in a row, as one says them.

    >>> listed([]), listed(["BTC"]), listed(["BTC", "ETH"]), listed(["BTC", "ETH", "ADA"])
    ('', 'BTC', 'BTC and ETH', 'BTC, ETH and ADA')
    """
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def escaped(words: str, markdown: bool = False) -> str:
    """Words from a file of data as part of a page: text there, and never markup.

    All that becomes HTML or Markdown goes through here. Signs that would be markup are written as
    character references; breaks and invisible signs become spaces, so that a row stays one row.

    Parameters
    ----------
    words : str
    markdown : bool            whether they stand in Markdown, whose signs mean nothing in HTML;
                               there, quotes are just quotes

    >>> escaped('<b title="x">'), escaped("a | *b*", markdown=True)
    ('&lt;b title=&quot;x&quot;&gt;', 'a &#124; &#42;b&#42;')
    """
    words = html.escape(INVISIBLE.sub(" ", words), quote=not markdown)
    return MARKS.sub(lambda sign: f"&#{ord(sign[0])};", words) if markdown else words


def translated(words: str, labels: Mapping[str, str]) -> str:
    """Words with every label replaced that `labels` names, longer ones first.

    >>> translated("ETH price change [%]", {"price": "Preis", "price change": "Preisänderung"})
    'ETH Preisänderung [%]'
    """
    if not labels:
        return words
    known = "|".join(map(re.escape, sorted(labels, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)({known})(?!\w)", lambda found: labels[found[0]], words)


def _decimals(x: float) -> int:
    """Decimals that show four significant digits, or cents."""
    if x == 0:
        return 0
    exponent = int(f"{x:.3e}".partition("e")[2])  # of the rounded number: 0.099999 becomes 0.1000
    return max(3 - exponent, 2)


def _number(value: float, form: Callable[[float], str], unit: str = "") -> str:
    value = float(value)
    if math.isnan(value):
        return NEVER
    if math.isinf(value):
        return "infinite" if value > 0 else "−infinite"
    text = form(value)
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")  # no minus before zero
    return f"{text.replace('-', '−')} {unit}".strip()
