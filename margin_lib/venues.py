"""Exchanges as data: conventions, tier tables and fees, each with its source and its day.

Everything is in venues.toml, which says what its keys mean. It is read when first asked for.
"""

import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError, one_number

DOLLARS = ("USDT", "USDC")  # a table in these is one for somebody who counts in USD
TABLES = {  # how the rows of a table become tiers
    "published": Tiers,
    "continuous": Tiers.continuous,
    "half of max leverage": Tiers.half_of_max_leverage,
    "none": lambda rows: Tiers((floor, rate, 0, cap) for floor, rate, cap in rows),
}
ROUNDS: dict[str | None, Callable] = {  # how a count of ticks becomes one that is printed
    "up": lambda ticks: math.ceil(round(ticks, 9)),  # 919.1 / 0.05 is a little more than 18,382
    "nearest": round,
    None: lambda ticks: ticks,
}


class Fact(NamedTuple):
    """A value that a venue is known to have, with the place and the day it is from.

    Parameters
    ----------
    name : str                 of the value, as in venues.toml
    value : object             a word, a truth or a share of notional
    source : str               address or publication
    as_of : str                the day

    >>> Fact("taker_fee", 0.0005, "https://example.org", "2026-01-31").value
    0.0005
    """

    name: str
    value: Any
    source: str
    as_of: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A venue's maintenance table for one coin.

    Parameters
    ----------
    symbol : str               the coin
    money : str                what margin is paid in, and floors are counted in
    tiers : Tiers
    amounts : str              where the maintenance amounts come from; "none": it jumps at floors
    source, as_of : str        the place and the day it is from
    floors_in : str            "contracts" if the floors count contracts and not money
    size : float               one contract [coin; inverse: quote]
    up_to : float or None      where the source ends, counted as the floors are [contract or
                               quote; inverse: coin]

    >>> table = Table(
    ...     symbol="ETH", money="USDT", tiers=Tiers.flat(0.25), amounts="published",
    ...     source="https://example.org", as_of="2026-01-31",
    ... )
    >>> table.floors_in, table.size
    ('money', 1)
    """

    symbol: str
    money: str
    tiers: Tiers
    amounts: str
    source: str
    as_of: str
    floors_in: str = "money"
    size: float = 1
    up_to: float | None = None

    def for_units(self, units: float | None) -> Tiers:
        """The table of a position; where floors count contracts, the row of so many units.

        Parameters
        ----------
        units : float or None      size of the position, of any sign; without effect where floors
                                   count money [coin; inverse: quote]

        Returns
        -------
        Tiers                      one row where floors count contracts: it holds at every price

        Raises
        ------
        MarginError                floors count contracts, and units are missing, not finite, or
                                   more than the source goes up to

        >>> venue("okx").table("ETH").for_units(300)[0].floor
        0
        """
        if self.floors_in == "money":
            return self.tiers
        if units is None:
            rule = "must be given: the floors of this table count contracts"
            raise MarginError(f"{self.symbol} units", rule, units)
        contracts = abs(one_number(f"{self.symbol} units", units)) / self.size
        contracts = round(contracts, 9)  # 200.1 / 0.1 is a little less than 2001 in floats
        if self.up_to is not None and contracts > self.up_to:
            rule = f"must be at most {self.up_to * self.size:g}, where the source ends"
            raise MarginError(f"{self.symbol} units", rule, units)
        return Tiers([self.tiers.at(contracts)._replace(floor=0)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Menu:
    """The margin modes that a venue offers, and what each of them allows; None: not known.

    Parameters
    ----------
    modes : tuple of str       of "isolated", "cross", "portfolio"
    default_mode : str         the one of a new account
    chosen_for : str           each "position", each "market", or the whole "account"
    switch_while_open : bool   the mode can be changed while a position is open
    isolated_only : bool       there are markets without another mode
    kept : float               what must stay when isolated margin is taken out: the larger of the
                               initial margin at the mark and this share of notional [1]
    top_up : bool              isolated margin can be made to refill itself from the balance
    cross_fails : tuple        what is done once a cross account is due, as `closes` of
                               `liquidation.liquidate`
    backstop : float           as for `liquidation.liquidate`, 0 for none [1]

    >>> Menu(modes=("isolated", "cross"), default_mode="cross").switch_while_open is None
    True
    """

    modes: tuple[str, ...] | None = None
    default_mode: str | None = None
    chosen_for: str | None = None
    switch_while_open: bool | None = None
    isolated_only: bool | None = None
    kept: float | None = None
    top_up: bool | None = None
    cross_fails: tuple[str | float, ...] | None = None
    backstop: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Venue:
    """What one exchange defines, as far as it is known.

    Parameters
    ----------
    name : str
    conventions : Conventions  where nothing is known, its defaults
    taker_fee : float          of an ordinary account [1]
    inverse : bool             margined and settled in the coin
    rest : str or None         who gets what is left after a liquidation: "trader", "fund" (as if
                               closed at the bankruptcy price), None: not known
    menu : Menu                which margin modes there are, and what they allow
    rounds : str or None       how printed prices are rounded to a tick: "up", "nearest" or not
    ticks_nearer : int         how many ticks nearer to the mark they are printed than they are
    tables : tuple of Table
    facts : tuple of Fact      every value above, with its source
    source, as_of : str        of the rule for the liquidation price

    >>> venue("hyperliquid").contract("ETH").maintenance_rate
    0.02
    """

    name: str
    conventions: Conventions
    taker_fee: float
    inverse: bool
    rest: str | None
    menu: Menu
    rounds: str | None
    ticks_nearer: int
    tables: tuple[Table, ...]
    facts: tuple[Fact, ...]
    source: str
    as_of: str

    def table(self, symbol: str, money: str | None = None) -> Table:
        """The table of a coin, and of a money: None for the first, "USD" for any dollar.

        Parameters
        ----------
        symbol : str               the coin
        money : str or None        what margin is paid in

        Returns
        -------
        Table

        Raises
        ------
        MarginError                no such table; the message names the known ones

        >>> venue("binance usd-m").table("BTC", "USD").money
        'USDT'
        """
        wanted = DOLLARS if money == "USD" else (money,)
        for table in self.tables:
            if table.symbol == symbol and (money is None or table.money in wanted):
                return table
        known = ", ".join(f"{table.symbol} in {table.money}" for table in self.tables) or "nothing"
        rule = f"must be one that {self.name} has a table for ({known})"
        raise MarginError("symbol", rule, symbol if money is None else f"{symbol} in {money}")

    def contract(
        self,
        symbol: str,
        money: str | None = None,
        units: float | None = None,
        maintenance: Tiers | float | None = None,
    ) -> Contract:
        """The contract of a coin, under the venue's conventions.

        Parameters
        ----------
        symbol : str
        money : str or None        what margin is paid in; "USD" stands for any dollar
        units : float or None      size of the position, where the table counts contracts (OKX):
                                   the row follows from it, not from the price [coin]
        maintenance : Tiers, number or None    instead of the venue's own table; one contract is
                                   then one coin (inverse: one unit of quote money)

        Returns
        -------
        Contract

        Raises
        ------
        MarginError                no table for the symbol; units missing or beyond the table

        >>> venue("okx").contract("ETH", units=300).maintenance_rate
        0.015
        """
        size = 1
        if maintenance is None:
            table = self.table(symbol, money)
            maintenance, size = table.for_units(units), table.size
        return Contract(
            symbol=symbol,
            maintenance=maintenance,
            taker_fee=self.taker_fee,
            size=size,
            inverse=self.inverse,
            conventions=self.conventions,
        )

    def printed(self, price: float, quantity: float, tick: float) -> float:
        """The liquidation price that the venue prints, where the equation gives another.

        Parameters
        ----------
        price : float              from the equation; NaN ("never") stays so [quote per coin]
        quantity : float           signed [contract]
        tick : float               the least step of prices, above 0 [quote per coin]

        Returns
        -------
        float                      [quote per coin]

        Raises
        ------
        MarginError                a tick not above 0, a quantity that is not finite

        Equation:  tick · round(price / tick + side · ticks nearer), rounded as the venue does

        Source: positions that Bybit and OKX printed, in tests/reference/cases.json.

        >>> venue("bybit linear classic").printed(919.097, quantity=1, tick=0.05)
        919.1
        """
        if math.isnan(price):
            return price
        side = math.copysign(self.ticks_nearer, one_number("quantity", quantity))
        return ROUNDS[self.rounds](price / one_number("tick", tick, above=0) + int(side)) * tick


def venue(name: str) -> Venue:
    """The venue of a name, such as "binance usd-m".

    Parameters
    ----------
    name : str                 one of `names`

    Returns
    -------
    Venue

    Raises
    ------
    MarginError                no such venue; the message names the known ones

    >>> venue("binance usd-m").contract("BTC").maintenance.at(500_000).max_leverage
    100
    """
    if name not in names():
        raise MarginError("venue", f"must be one of {', '.join(names())}", repr(name))
    return _venues()[name]


def names() -> tuple[str, ...]:
    """The names of all venues.

    >>> "okx" in names()
    True
    """
    return tuple(_venues())


@cache
def _venues() -> dict[str, Venue]:
    entries = tomllib.loads(Path(__file__).with_name("venues.toml").read_text(encoding="utf-8"))
    return {name: _venue(name, entry) for name, entry in entries.items()}


def _venue(name: str, entry: dict) -> Venue:
    known = {}
    for block in (entry, *entry.get("facts", ())):
        origin = block["source"], block["as_of"]
        for key, value in block.items():
            if key not in ("source", "as_of", "facts", "tables"):
                value = tuple(value) if isinstance(value, list) else value
                known[key] = Fact(key, value, *origin)
    values = {key: fact.value for key, fact in known.items()}

    def of(kind: type) -> Any:
        names = {field.name for field in fields(kind)}
        return kind(**{key: value for key, value in values.items() if key in names})

    return Venue(
        name=name,
        conventions=of(Conventions),
        menu=of(Menu),
        taker_fee=values["taker_fee"],
        inverse=values["inverse"],
        rest=values.get("rest"),
        rounds=values.get("rounds"),
        ticks_nearer=values.get("ticks_nearer", 0),
        tables=tuple(_table(**table) for table in entry.get("tables", ())),
        facts=tuple(known.values()),
        source=entry["source"],
        as_of=entry["as_of"],
    )


def _table(rows: list, amounts: str, **known: Any) -> Table:
    return Table(tiers=TABLES[amounts](rows), amounts=amounts, **known)
