"""What the venues in venues.toml allow and ask for, as tables: each value with source and day."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import ipywidgets as widgets
import pandas as pd

from margin_course import page, text
from margin_lib.venues import Fact, Menu, names, venue

UNKNOWN = "?"
ADDRESS = re.compile(r"https?://[\w./~?=&%+,;:@#-]*[\w/]")
SPACE = "\u00a0"  # does not break: a number stays beside its unit


def _unbroken(number: str) -> str:
    return number.replace(" ", SPACE)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _kept(share: float) -> str:
    more = f" or {_unbroken(text.amount(share, '%'))} of the value" if share else ""
    return f"down to the initial margin{more}"


def _steps(steps: Iterable[str | float]) -> str:
    said = (each if isinstance(each, str) else _unbroken(text.amount(each, "%")) for each in steps)
    return " → ".join(said)


class Column(NamedTuple):
    """A column of a table: its heading, the fact that stands in it, and that fact in words."""

    name: str
    fact: str
    words: Callable[[Any], str]


MODES = (
    Column("modes", "modes", ", ".join),
    Column("a new account has", "default_mode", str),
    Column("chosen for each", "chosen_for", str),
    Column("switch while open", "switch_while_open", _yes),
    Column("margin can be taken out", "kept", _kept),
    Column("a pocket fills itself up", "top_up", _yes),
    Column("isolated-only markets", "isolated_only", _yes),
    Column("when a cross account fails", "cross_fails", _steps),
)
RULES = (
    Column(
        "maintenance margin is",
        "maintenance_at",
        {"mark": "a share of the value now", "entry": "frozen at entry"}.__getitem__,
    ),
    Column("closing fee", "closing_fee", {True: "asked for", False: "not counted"}.__getitem__),
    Column("taker fee", "taker_fee", lambda fee: _unbroken(text.percent(fee, 3, sign=False))),
    Column(
        "closed when equity", "at_equality", {True: "equals it", False: "is below it"}.__getitem__
    ),
    Column("the rest goes to", "rest", {"trader": "you", "fund": "the venue's fund"}.__getitem__),
)
# What a reader may want to do -> whether a menu allows it; None: not known.
MAY_I: Mapping[str, Callable[[Menu], bool | None]] = {
    "switch the mode while a position is open": lambda menu: menu.switch_while_open,
    "hold one coin isolated and another one in cross": lambda menu: (
        None if menu.chosen_for is None else menu.chosen_for != "account"
    ),
    "take margin out of a pocket": lambda menu: None if menu.kept is None else True,
    "let a pocket fill itself up from the balance": lambda menu: menu.top_up,
    "meet markets that are isolated only": lambda menu: menu.isolated_only,
    "begin in cross, if I choose nothing": lambda menu: (
        None if menu.default_mode is None else menu.default_mode == "cross"
    ),
}
EVERYTHING = "(show all of them)"
LOOK = (
    "font-size: 12px; line-height: 1.3; text-align: left; border-collapse: separate; "
    "border-spacing: 0.5em 0.4em"
)


def menus() -> pd.DataFrame:
    """What each venue says about its margin modes, in short; "?" where nothing is known.

    >>> menus().loc["hyperliquid", "switch while open"]
    'no'
    """
    return page.table(
        {"venue": name} | {column.name: _words(_known(name), column) for column in MODES[:4]}
        for name in names()
    )


def _known(name: str) -> dict[str, Fact]:
    return {fact.name: fact for fact in venue(name).facts}


def _words(known: Mapping[str, Fact], column: Column) -> str:
    return column.words(known[column.fact].value) if column.fact in known else UNKNOWN


def _day(as_of: str) -> str:
    """The day of a fact, in short.

    >>> _day("2021-02 (a sample)"), _day("undated, before 2026-11")
    ('2021-02', 'undated')
    """
    return re.split(r"[ ,]", as_of)[0]


def _cell(known: Mapping[str, Fact], column: Column) -> str:
    """HTML of a value that links to its source, and of its day."""
    if column.fact not in known:
        return UNKNOWN
    fact = known[column.fact]
    words, told = text.escaped(_words(known, column)), text.escaped(f"{fact.source}; {fact.as_of}")
    address = ADDRESS.search(fact.source)
    tag = (
        f'a href="{text.escaped(address[0])}" style="color: inherit; text-decoration: underline"'
        if address
        else "span"
    )
    day = f"<br><small>{text.escaped(_day(fact.as_of))}</small>"
    return f'<{tag} title="{told}">{words}</{tag.split()[0]}>{day}'


@dataclass(frozen=True)
class Facts:
    """Facts about venues, to read: each value links to its source and has its day below it.

    Parameters
    ----------
    columns : tuple of Column
    venues : tuple of str      the rows
    """

    columns: tuple[Column, ...]
    venues: tuple[str, ...]

    def _repr_html_(self) -> str:
        names = "".join(f'<th scope="col">{column.name}</th>' for column in self.columns)
        lines = [f'<tr><th scope="col">venue</th>{names}</tr>']
        for name in self.venues:
            known = _known(name)
            cells = "".join(f"<td>{_cell(known, column)}</td>" for column in self.columns)
            head = f'<th scope="row">{text.escaped(name)}</th>'
            lines.append(f"<tr>{head}{cells}</tr>")
        return f'<div style="overflow-x: auto"><table style="{LOOK}">{"".join(lines)}</table></div>'

    def __repr__(self) -> str:
        rows = (
            {"venue": name} | {column.name: _words(_known(name), column) for column in self.columns}
            for name in self.venues
        )
        return page.table(rows).to_string() if self.venues else ""


class WhatMayIDo(widgets.VBox):
    """The menu of modes of every venue, and a list to choose what a reader wants to do there.

    Where no kernel runs, all rows remain.
    """

    def __init__(self) -> None:
        self.want = widgets.Dropdown(
            options=[EVERYTHING, *MAY_I],
            description="I want to …",
            layout={"width": "auto", "max_width": "460px"},
        )
        self.told, self.table = widgets.HTML(), widgets.HTML()
        self.want.observe(self._show, names="value")
        self._show()
        super().__init__([self.want, self.told, self.table])

    def _show(self, _: object = None) -> None:
        self.shown, words = allowed(self.want.value)
        self.told.value = page.status(text.escaped(words))
        self.table.value = Facts(MODES, self.shown)._repr_html_()

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live list, and beside it the whole table."""
        whole = Facts(MODES, names())
        return page.still(super()._repr_mimebundle_(**how), whole._repr_html_(), repr(whole))


def allowed(want: str) -> tuple[tuple[str, ...], str]:
    """The venues on which something can be done, and what is known of the others.

    Parameters
    ----------
    want : str                 one of `MAY_I`, or `EVERYTHING`

    >>> allowed("switch the mode while a position is open")[0]
    ('bybit linear classic', 'bybit inverse classic')
    """
    if want == EVERYTHING:
        return names(), f"{len(names())} rule books. “{UNKNOWN}” means: we found no word about it."
    said = {name: MAY_I[want](venue(name).menu) for name in names()}
    of = {answer: tuple(name for name in said if said[name] is answer) for answer in (True, False)}
    unknown = len(said) - len(of[True]) - len(of[False])
    no = f"No: {', '.join(of[False])}." if of[False] else "None says no."
    return of[True], f"Yes on {len(of[True])} of {len(said)}, below. {no} Unknown: {unknown}."


def rule_books() -> Facts:
    """What goes into the liquidation price on each venue, with sources and days."""
    return Facts(RULES, names())
