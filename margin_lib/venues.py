"""Exchanges as data: conventions, tier tables and fees, each with its source and its day.

Everything is in venues.toml, which says what its keys mean. It is read when first asked for.
"""

import tomllib
from dataclasses import dataclass
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
    origin = entry["source"], entry["as_of"]
    facts = {}
    for key, value in entry.items():
        if isinstance(value, dict):
            facts[key] = Fact(key, **value)
        elif key not in ("source", "as_of", "tables"):
            facts[key] = Fact(key, value, *origin)
    rules = ("maintenance_at", "closing_fee", "at_equality")
    return Venue(
        name=name,
        conventions=Conventions(**{key: facts[key].value for key in rules if key in facts}),
        taker_fee=facts["taker_fee"].value,
        inverse=facts["inverse"].value,
        rest=facts["rest"].value if "rest" in facts else None,
        tables=tuple(_table(**table) for table in entry.get("tables", ())),
        facts=tuple(facts.values()),
        source=origin[0],
        as_of=origin[1],
    )


def _table(rows: list, amounts: str, **known: Any) -> Table:
    return Table(tiers=TABLES[amounts](rows), amounts=amounts, **known)
