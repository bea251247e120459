"""What a page of the course shows: sentences, tables, pictures; all readable without a kernel."""

import html
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import display

from margin_course import files, text
from margin_lib.account import Account
from margin_lib.errors import MarginError
from margin_lib.replay import Replay
from margin_lib.simulate import Outcomes

# Signs in Markdown that begin HTML, a picture, or a link to other things than pages and files.
ACTIVE = re.compile(r"<(?!br>)|!(?=\[)|\](?=:|\(\s*(?!https?:)[\w+.-]+:)", re.IGNORECASE)


def teaching() -> bool:
    """Whether answers stand beside their questions: where the environment sets TEACH."""
    return bool(os.environ.get("TEACH"))


def say(words: str) -> None:
    """Show a sentence (Markdown) whose numbers were computed where it stands.

    It may hold no HTML but line breaks, no pictures, and links to pages alone: names and
    currencies come from a file.
    """
    shown = ACTIVE.sub(lambda sign: f"&#{ord(sign[0])};", words)
    display({"text/markdown": shown, "text/plain": html.unescape(words)}, raw=True)


def show(picture: Any, alt: str | None = None) -> None:
    """Show a picture with its alternative text, which the checks compare.

    Parameters
    ----------
    picture : Picture          after `plot(state)`
    alt : str or None          what the picture shows, in words and numbers; None: in its own
    """
    alt = picture.alt(picture.state) if alt is None else alt
    # As HTML: JupyterLab shows a bare image without its alternative text.
    display({"text/html": figure(picture.png(level=9), alt, ()), "text/plain": alt}, raw=True)


def status(words: str) -> str:
    """HTML that a screen reader announces when it changes."""
    return f'<div role="status" aria-live="polite">{words}</div>'


def still(bundle: dict[str, Any], shown: str, plain: str) -> dict[str, Any]:
    """The bundle of a widget, and beside its live view HTML and text for where no kernel runs."""
    return bundle | {"text/html": shown, "text/plain": plain}


def figure(
    png: bytes,
    alt: str,
    caption: Iterable[str],
    legend: str = "",
    tiles: Sequence[Mapping[str, str]] = (),
) -> str:
    """HTML of a lab where no kernel runs: status, picture with alternative text, words, legend."""
    kinds = {"name": "span", "life": "b", "money": "strong", "note": "span"}
    shown = "".join(
        f'<li class="mc-tile mc-{tile["mode"] or "plain"} mc-{tile["life"] or "still"}">'
        + " ".join(
            f"<{kind}>{text.escaped(tile[part])}</{kind}>"
            for part, kind in kinds.items()
            if tile[part]
        )
        + "</li>"
        for tile in tiles
    )
    status = f'<ul class="mc-tiles">{shown}</ul>' if shown else ""
    image = f'<img alt="{text.escaped(alt)}" src="data:image/png;base64,{b64encode(png).decode()}">'
    words = "<br>".join(text.escaped(line) for line in caption)
    return (
        f'<figure class="mc-still" style="margin:0">{status}{image}'
        f"<figcaption>{words}{legend}</figcaption></figure>"
    )


def table(rows: Iterable[Mapping]) -> pd.DataFrame:
    """A table to read, from one mapping a row; the first column names the rows."""
    frame = pd.DataFrame(rows)
    return _one_header(frame.set_index(frame.columns[0]))


def _one_header(frame: pd.DataFrame) -> pd.DataFrame:
    """The name of the rows beside those of the columns: pandas would give it a line of its own."""
    return frame.rename_axis(index=None, columns=frame.index.name)


def by_mode(first: str, rows: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """A table of two columns, isolated and cross, from {what: (isolated, cross)}.

    >>> by_mode("lost", {"in the move": ["4 BTC", "10 BTC"]}).loc["in the move", "cross"]
    '10 BTC'
    """
    return table([{first: what, "isolated": i, "cross": c} for what, (i, c) in rows.items()])


def results(
    runs: Mapping[str, Mapping[str, Replay]], currency: str, first: str = "market"
) -> pd.DataFrame:
    """What became of each account, from {name: {mode: Replay}}: the dead, and the equity by step.

    >>> from margin_lib import Account
    >>> from margin_lib import replay
    >>> run = replay(Account(balance=5), [{"ETH": 1}, {"ETH": 2}])
    >>> results({"up": {"cross": run}}, "BTC").loc["up"].tolist()
    ['nothing', '5.00 → 5.00']
    """
    rows = []
    for name, run in runs.items():
        row = {first: name}
        for mode, state in run.items():
            worth = [state.equity[0], state.equity[-1]] if len(state.path) > 1 else state.equity
            row[f"{mode}: liquidated"] = text.listed(state.dead) or "nothing"
            row[f"{mode}: worth [{currency}]"] = " → ".join(text.money(e, "") for e in worth)
        rows.append(row)
    return table(rows)


def chances(outcomes: Mapping[str, Outcomes], currency: str) -> pd.DataFrame:
    """What many markets did to accounts, from {name: Outcomes}, with Monte Carlo errors.

    >>> import numpy as np
    >>> from margin_lib.simulate import Outcomes
    >>> mine = Outcomes(5.0, {"ETH": np.array([-1, 3])}, np.array([6.0, 3.0]))
    >>> chances({"mine": mine}, "BTC").loc["chance that ETH is liquidated", "mine"]
    '50.0 % ± 35.4 %'
    """
    columns: dict[str, dict[str, str]] = {}
    for name, each in outcomes.items():
        column = columns[name] = {}
        for what, row in each.summary().iterrows():
            bare = what.startswith(("chance", "capital"))  # shares, the others are money
            value, error = (text.share(x) if bare else text.money(x, "") for x in row)
            value = "none" if value == text.NEVER else value
            what = what if bare else f"{what} [{currency}]"
            column[what] = value if error == text.NEVER else f"{value} ± {error}"
    return pd.DataFrame(columns).rename_axis(columns="in many markets")


def positions(account: Account, marks: Mapping[str, float], currency: str) -> pd.DataFrame:
    """The positions of an account at given marks, as a table to read."""
    rows = []
    for position in account.positions:
        price = marks[position.symbol]
        edge = account.liquidation_price(position.symbol, marks)
        own = (
            position.risk(price).initial_margin if position.margin is None else position.own_margin
        )
        rows.append(
            {
                "held": f"{position.mode} {'long' if position.quantity > 0 else 'short'}",
                f"notional [{currency}]": text.money(position.notional(price), ""),
                f"margin [{currency}]": text.money(own, ""),
                f"borrowed [{currency}]": text.money(position.borrowed, ""),
                f"PnL [{currency}]": text.money(position.pnl(price), "", sign=True),
                "liquidation price": text.price(edge),
                "from here": text.percent(edge / price - 1),
            }
        )
    symbols = [position.symbol for position in account.positions]
    return _one_header(pd.DataFrame(rows, index=pd.Index(symbols, name="position")))


def terms(account: Account, symbol: str, marks: Mapping[str, float], currency: str) -> str:
    """The words of one isolated position as a Markdown table: how each is made, and how much.

    >>> from margin_lib import Account, Contract
    >>> account, _ = Account(balance=5).open(
    ...     Contract(symbol="ETH"), quantity=100, price=0.1, leverage=5
    ... )
    >>> print(terms(account, "ETH", {"ETH": 0.09}, "BTC").splitlines()[8])
    | equity | margin + profit or loss | 1.00 BTC |
    """
    position, risk = account[symbol], account.risk(marks, symbol)
    opened = position.risk(position.entry_price)
    end, zero = account.liquidation_price(symbol), account.bankruptcy_price(symbol)

    def money(value: float) -> str:
        return text.money(value, currency)

    rows = [
        ("mark price", "what the venue says", text.price(marks[symbol], currency)),
        ("notional", "quantity · mark price", money(risk.notional)),
        ("leverage", "you choose", f"{position.leverage:g}x"),
        ("initial margin", "notional at entry / leverage", money(opened.initial_margin)),
        ("margin", "what you put in", money(position.own_margin)),
        ("borrowed", "notional at entry − initial margin", money(position.borrowed)),
        ("equity", "margin + profit or loss", money(risk.equity)),
        ("effective leverage", "notional / equity", f"{text.ratio(risk.effective_leverage)}x"),
        ("maintenance margin", "maintenance rate · notional", money(risk.maintenance_margin)),
        ("margin ratio", "maintenance margin / equity", text.ratio(risk.margin_ratio, 3)),
        ("liquidation price", "where equity = maintenance margin", text.price(end, currency)),
        ("bankruptcy price", "where equity = 0", text.price(zero, currency)),
    ]
    lines = ["| term | how it is made | now |", "|:--|:--|--:|"]
    safe = [[text.escaped(cell, markdown=True) for cell in row] for row in rows]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in safe])


def glossary(path: str | Path = "glossary.toml") -> str:
    """The words of the course as a Markdown table, in the order of the alphabet."""
    lines = [
        "| term | meaning | formula | unit and sign | venues also say |",
        "|:--|:--|:--|:--|:--|",
    ]
    words = files.toml(path)
    for term in sorted(words, key=str.lower):
        row = [words[term].get(key, "") for key in ("means", "formula", "unit", "venues")]
        term, *row = (text.escaped(each, markdown=True) for each in (term, *row))
        lines.append(f"| **{term}** | {' | '.join(row)} |")
    return "\n".join(lines)


def _link(words: str, address: str) -> str:
    """Markdown of a link to a page of the web, named by words and its site."""
    found = re.fullmatch(r"https?://(?:www\.)?([\w.:-]+)(/[\w.~/?=&%+,;@#:-]*)?", address)
    if not found:
        raise MarginError("source", "must be the address of a page", repr(address))
    return f"[{text.escaped(words, markdown=True)}: {found[1]}]({address})"


def cited(facts: Mapping[str, Mapping[str, Any]], names: Iterable[str] | None = None) -> str:
    """Facts as a Markdown table: what happened when and where, the figures, and who says so.

    Parameters
    ----------
    facts : Mapping            name -> fact, as in data/events.toml
    names : iterable or None   which ones; None for all

    >>> fact = {"date": "2021-10-21", "where": "A", "what": "BTC", "high": 20, "low": 16}
    >>> facts = {"wick": fact | {"source": "https://a.org/b", "grade": "S"}}
    >>> print(cited(facts).splitlines()[2])
    | 2021-10-21, A | BTC | 20.00 → 16.00, −20.00 % | [S: a.org](https://a.org/b) |
    """
    lines = ["| day and place | what | figures | source |", "|:--|:--|--:|:--|"]
    for name in facts if names is None else names:
        fact = facts[name]
        known = [fact[key] for key in ("entry", "high", "low", "stop", "closed") if key in fact]
        figures = [" → ".join(text.price(each) for each in known)]
        if "high" in fact:
            figures.append(text.percent(fact["low"] / fact["high"] - 1))
        if "amount" in fact:
            amount, unit = fact["amount"], fact.get("unit")
            figures.append(f"{amount:,g} {unit}" if unit else text.percent(amount))
        if "before" in fact:
            figures.append(f"{fact['before']:g}{fact['unit']} → {fact['after']:g}{fact['unit']}")
        place = f"{fact['date']}, {fact['where']}"
        cells = place, fact["what"], ", ".join(filter(None, figures))
        safe = (text.escaped(cell, markdown=True) for cell in cells)
        lines.append(f"| {' | '.join((*safe, _link(fact['grade'], fact['source'])))} |")
    return "\n".join(lines)
