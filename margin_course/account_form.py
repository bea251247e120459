"""What a reader holds: typed into rows, or pasted as an exchange answers it -> statements."""

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
from traitlets import Unicode

from margin_course import text
from margin_course.scenarios import SIDES, Scenario
from margin_course.screen import script
from margin_lib import formulas
from margin_lib.account import MODES
from margin_lib.errors import MarginError, one_number
from margin_lib.exchanges import READERS, Row, Statement, kind_of, statements
from margin_lib.venues import names, venue

HERE = Path(__file__).parent
KINDS = {
    "binance": "Binance, positionRisk",
    "bybit": "Bybit, position/list",
    "okx": "OKX, account/positions",
    "hyperliquid": "Hyperliquid, clearinghouseState",
    "ccxt": "ccxt, fetch_positions",
}
SIZES = ("coins", "money")  # what a size may be counted in
LONGEST = 1_000_000  # letters of a paste
COMMAS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


def number_of(words: str, name: str, **bounds: float) -> float:
    """A number as somebody types it; with a point, and commas between thousands alone.

    >>> number_of("10,000.5 ", "size"), number_of("5x", "leverage"), number_of("0.4 %", "rate")
    (10000.5, 5.0, 0.004)
    """
    plain = words.strip().replace("\u00a0", "").replace(" ", "").replace("−", "-")
    plain = plain.removesuffix("x")
    share, plain = plain.endswith("%"), plain.removesuffix("%")
    if COMMAS.fullmatch(plain):
        plain = plain.replace(",", "")
    if not plain:
        raise MarginError(name, "must be told", "nothing")
    try:
        value = float(plain)
    except ValueError:
        raise MarginError(name, "must be a number with a point, as 1234.5", repr(words)) from None
    return float(one_number(name, value / 100 if share else value, **bounds))


def parsed(words: str) -> Any:
    """What was pasted: JSON, or what Python prints of it.

    >>> parsed("{'a': None}"), parsed('{"a": null}')
    ({'a': None}, {'a': None})
    """
    if not words.strip():
        raise MarginError("paste", "must hold an answer", "nothing")
    if len(words) > LONGEST:
        raise MarginError("paste", f"must be shorter than {LONGEST:,} letters", f"{len(words):,}")
    try:
        return json.loads(words)
    except (ValueError, RecursionError) as error:
        place = getattr(error, "lineno", None)
    try:
        return ast.literal_eval(words.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        where = f"a fault in line {place}" if place else "lists in lists, too deep"
        raise MarginError(
            "paste", "must be JSON, whole from its first bracket to its last", where
        ) from None


class PositionRow(widgets.Box):
    """One position to type in. What is left empty follows from the rest, where it can."""

    FIELDS: Mapping[str, tuple[str, str]] = {  # name -> its words, an example
        "coin": ("coin", "BTC"),
        "size": ("size", "0.5"),
        "entry": ("entry price", "60000"),
        "mark": ("price now", "as entry"),
        "leverage": ("leverage [x]", "10"),
        "margin": ("own margin", "initial"),
        "rate": ("maintenance [%]", "venue's"),
    }

    def __init__(self, removed: Callable[["PositionRow"], None], **values: str) -> None:
        def typed(name: str) -> widgets.Text:
            words, example = self.FIELDS[name]
            how: Any = {"continuous_update": False, "placeholder": example}
            return widgets.Text(values.get(name, ""), description=words, **how)

        def chosen(name: str, options: Sequence[str]) -> widgets.Dropdown:
            how: Any = {"description": name, "options": options}
            return widgets.Dropdown(value=values.get(name, options[0]), **how)

        self.fields = {
            "coin": typed("coin"),
            "side": chosen("side", list(SIDES)),
            "size": typed("size"),
            "size in": chosen("size in", SIZES),
            "entry": typed("entry"),
            "mark": typed("mark"),
            "leverage": typed("leverage"),
            "mode": chosen("mode", MODES),
            "margin": typed("margin"),
            "rate": typed("rate"),
        }
        remove = widgets.Button(description="remove", tooltip="take this position out")
        remove.on_click(lambda _: removed(self))
        super().__init__([*self.fields.values(), remove])
        self.add_class("mc-position")

    @property
    def is_filled(self) -> bool:
        """Whether somebody typed anything into it."""
        return any(self.fields[name].value.strip() for name in self.FIELDS)

    def values(self) -> dict[str, str]:
        """What stands in it, by name."""
        return {name: field.value for name, field in self.fields.items()}


def row_of(values: Mapping[str, str], inverse: bool, money: str) -> Row:
    """A typed row as an exchange would tell it."""
    coin = values["coin"].strip().upper()
    if not coin:
        raise MarginError("coin", "must be told", "nothing")

    def told(name: str, **bounds: float) -> float:
        return number_of(values[name], f"{PositionRow.FIELDS[name][0]} of {coin}", **bounds)

    entry, size = told("entry", above=0), told("size", above=0)
    mark = told("mark", above=0) if values["mark"].strip() else entry
    if (values["size in"] == "money") != inverse:  # a coin's worth of dollars, or the reverse
        size = size * entry if inverse else size / entry
    value = formulas.notional(size, entry, inverse)
    leverage = told("leverage", at_least=1)
    margin = told("margin") if values["margin"].strip() else value / leverage
    rate = values["rate"].strip().removesuffix("%")
    asked = None
    if rate:
        share = number_of(rate, f"maintenance of {coin}", at_least=0, below=100) / 100
        asked = share * formulas.notional(size, mark, inverse)
    return Row(
        *(coin, coin, coin if inverse else money, SIDES[values["side"]] * size, 1.0, entry, mark),
        *(leverage, margin if values["mode"] == "isolated" else None, float("nan"), asked),
    )


class AccountForm(widgets.VBox):
    """Two ways to say what one holds; `told` hears of the statements, `failed` of one line.

    Parameters
    ----------
    told : callable            called with statements and words on what was read
    failed : callable          called with one line that says what is missing
    scenario : Scenario        the account that stands in the form at first
    """

    def __init__(
        self,
        told: Callable[[list[Statement], str], None],
        failed: Callable[[str], None],
        scenario: Scenario,
    ) -> None:
        self.told, self.failed = told, failed
        self._pressed: Callable[[], tuple[list[Statement], str]] | None = None
        how: Any = {"continuous_update": False}
        self.venue = widgets.Dropdown(description="exchange", options=names())
        self.money = widgets.Text(scenario.currency, description="currency", **how)
        self.balance = widgets.Text("", description="balance beside own margins", **how)
        self.rows = widgets.VBox([]).add_class("mc-positions")
        self.paste = widgets.Textarea(
            description="what the exchange answers",
            placeholder='[{"symbol": "BTCUSDT", "positionAmt": "0.1", … }]',
            **how,
        )
        self.missing = {
            "balance": widgets.Text(description="balance beside own margins", **how),
            "size": widgets.Text(description="size of a contract", placeholder="0.01", **how),
            "mode": widgets.Dropdown(description="mode", options=["as it says", *MODES]),
            "house": widgets.Dropdown(
                description="exchange (ccxt)", options=["as it says", *self._houses()]
            ),
        }
        looks = (HERE / "account_form.css").read_text(encoding="utf-8")
        style = widgets.HTML(f"<style>{looks}</style>", layout={"display": "none"})
        super().__init__([style, self._typed(), self._pasted()])
        self.add_class("mc-form")
        self._follow([self.venue, self.money, self.balance], self.typed)
        self._follow([self.paste, *self.missing.values()], self.pasted)
        self._fill(scenario)

    @staticmethod
    def _houses() -> list[str]:
        return list(dict.fromkeys(name.split()[0] for name in names()))

    def _typed(self) -> widgets.Widget:
        add = widgets.Button(description="add a position")
        add.on_click(lambda _: self.add())
        look = widgets.Button(description="show my account").add_class("mc-first")
        look.on_click(lambda _: self._try(self.typed))
        whole = widgets.Box([self.venue, self.money, self.balance]).add_class("mc-whole")
        buttons = widgets.Box([look, add]).add_class("mc-buttons")
        return widgets.VBox([whole, self.rows, buttons])

    def _pasted(self) -> widgets.Widget:
        read = widgets.Button(description="read what I pasted").add_class("mc-first")
        read.on_click(lambda _: self._try(self.pasted))
        more = widgets.Box(list(self.missing.values())).add_class("mc-whole")
        shown = widgets.VBox([self.paste, more, widgets.Box([read]).add_class("mc-buttons")])
        fold = widgets.Accordion([shown], titles=["Or paste what your exchange answers"])
        return fold

    def _fill(self, scenario: Scenario) -> None:
        """The scenario's trades as rows: the first isolated, the others in cross."""
        first = scenario.trades[0].contract
        for name in names():
            tables = venue(name).tables
            if any(t.tiers == first.maintenance for t in tables if t.symbol == first.symbol):
                self.venue.value = name
                break
        here = venue(self.venue.value)
        for place, trade in enumerate(scenario.trades):
            known = any(
                (t.symbol, t.money) == (trade.symbol, scenario.currency) for t in here.tables
            )
            rate = "" if known else f"{100 * trade.contract.maintenance_rate:g}"
            self.add(
                coin=trade.symbol,
                side=trade.side,
                size=f"{trade.notional:.12g}",
                **{"size in": SIZES[1]},
                entry=f"{trade.price:.12g}",
                leverage=f"{trade.leverage:.12g}",
                mode=MODES[min(place, 1)],
                rate=rate,
            )
        self.balance.value = f"{scenario.balance - scenario.trades[0].margin:.12g}"

    def add(self, **values: str) -> None:
        """One more row, as the button does."""
        row = PositionRow(self.remove, **values)
        self._follow(row.fields.values(), self.typed)
        self.rows.children = (*self.rows.children, row)

    def remove(self, row: PositionRow) -> None:
        """Take a row out, as its button does."""
        self.rows.children = tuple(each for each in self.rows.children if each is not row)
        self._again(self.typed)

    def typed(self) -> tuple[list[Statement], str]:
        """Statements of what stands in the rows."""
        here, money = venue(self.venue.value), self.money.value.strip()
        if not money:
            raise MarginError("currency", "must be told", "nothing")
        filled = [each.values() for each in self.rows.children if each.is_filled]
        rows = [row_of(values, here.inverse, money) for values in filled]
        if not rows:
            raise MarginError("positions", "must be at least one: add a position", "none")
        balance = self.balance.value
        told = number_of(balance, "balance") if balance.strip() else None
        return statements(here.name, rows, told), ""

    def pasted(self) -> tuple[list[Statement], str]:
        """Statements of what was pasted."""
        answer = parsed(self.paste.value)
        kind = kind_of(answer)
        if not kind:
            rule = f"must be one of these answers: {'; '.join(KINDS.values())}"
            raise MarginError("paste", rule, type(answer).__name__)
        balance, size = self.missing["balance"].value, self.missing["size"].value
        how: dict[str, Any] = {
            "balance": number_of(balance, "balance") if balance.strip() else None
        }
        if size.strip():
            how["sizes"] = number_of(size, "size of a contract", above=0)
        if kind == "bybit" and self.missing["mode"].value in MODES:
            how["mode"] = self.missing["mode"].value
        if kind == "ccxt" and self.missing["house"].value in self._houses():
            how["house"] = self.missing["house"].value
        found = READERS[kind](answer, **how)
        if not found:
            raise MarginError("positions", "must be open: all of these are empty", "none")
        return found, f"Read as {KINDS[kind]}; the rows above are as you left them."

    def _follow(self, fields: Iterable[Any], read: Callable[[], Any]) -> None:
        """Once it was pressed, what changes is read again: a press can overtake the last words."""
        for field in fields:
            field.observe(lambda _: self._again(read), "value")

    def _again(self, read: Callable[[], Any]) -> None:
        if self._pressed == read:
            self._try(read)

    def _try(self, read: Callable[[], tuple[list[Statement], str]]) -> None:
        self._pressed = read
        try:
            found, words = read()
        except MarginError as error:
            self.failed(one_line(error))
        else:
            self.told(found, words)


def one_line(error: MarginError) -> str:
    """An error for a reader: what is wrong, and what was there, unless it was nothing.

    >>> one_line(MarginError("mode of BTC", "must be told", None))
    'mode of BTC must be told.'
    """
    value = text.INVISIBLE.sub(" ", str(error.value))[:80]
    there = "" if value in ("None", "'None'", "''", "nothing", "none") else f", got {value}"
    return f"{text.INVISIBLE.sub(' ', error.name)} {error.rule}{there}."


class Saver(anywidget.AnyWidget):
    """A button that saves a picture as a file of the reader's own.

    Parameters
    ----------
    made : callable            gives the picture, as PNG
    """

    # Its text: of a file, anywidget would keep every saver for as long as the kernel lives.
    _esm = script("saver")
    words = Unicode("save this as a picture").tag(sync=True)

    def __init__(self, made: Callable[[], bytes]) -> None:
        super().__init__()
        self.on_msg(lambda *_: self.send({"name": "your_account.png"}, [made()]))
