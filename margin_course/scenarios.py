"""scenarios.toml -> accounts and markets. The only place where a scenario's numbers come from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from margin_course import files, text
from margin_lib import formulas
from margin_lib.account import MODES, Account
from margin_lib.contracts import Contract, Tiers
from margin_lib.errors import MarginError, count, number, of_type, one_number
from margin_lib.market import Market
from margin_lib.simulate import Outcomes, simulate
from margin_lib.types import ArrayLike, Number
from margin_lib.venues import Venue, venue

_T = TypeVar("_T")
SIDES = {"long": 1, "short": -1}
MOST_DAYS = 3650  # of ten thousand paths: as much as a small machine can hold
SEED = 7  # of the markets that the course draws, where no other is asked for
RATES = {"maintenance_rate": "maintenance", "taker_fee": "taker_fee"}  # key -> what it is made into


@dataclass(frozen=True, kw_only=True, slots=True)
class Trade:
    """A trade that a scenario wants to make: so much margin at so much leverage.

    Parameters
    ----------
    contract : Contract
    side : str                 "long" or "short"
    price : float              at entry, above 0 [quote per coin]
    margin : float             own money put in, above 0 [quote; inverse: coin]
    leverage : float           at least 1 [1]

    Raises
    ------
    MarginError                another side, a number outside its range

    >>> eth = Contract(symbol="ETH")
    >>> Trade(contract=eth, side="short", price=0.1, margin=2, leverage=5).quantity
    -100.0
    """

    contract: Contract
    side: str
    price: float
    margin: float
    leverage: float

    def __post_init__(self) -> None:
        if self.side not in list(SIDES):  # what has no hash is no side either
            raise MarginError("side", "must be 'long' or 'short'", repr(self.side))
        one_number("margin", self.margin, above=0)
        one_number("leverage", self.leverage, at_least=1)
        one_number("price", self.price, above=0)

    @property
    def symbol(self) -> str:
        """The contract's symbol."""
        return self.contract.symbol

    @property
    def quantity(self) -> float:
        """Signed size: above 0 long, below 0 short [contract; of size 1: coin]."""
        inverse, size = self.contract.inverse, self.contract.size
        units = formulas.quantity(self.margin, self.leverage, self.price, inverse)
        return SIDES[self.side] * units / size

    @property
    def notional(self) -> float:
        """Value at entry: margin · leverage [quote]."""
        units = self.quantity * self.contract.size
        return formulas.notional(units, self.price, self.contract.inverse)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """Money, trades and markets under one name.

    Parameters
    ----------
    name : str                 the table of the file it was read from
    currency : str             unit of the balance, and of prices per coin
    balance : float            money before any trade, above 0 [quote]
    trades : tuple of Trade
    moves : Mapping            name -> {symbol: return}, for marks at one moment [1]
    paths : Mapping            name -> {symbol: returns}, step by step [1]
    funding_rate : float       per payment, signed [1]
    funding_hours : float      between payments, above 0; 1 if not given, as a rate an hour [hour]
    hourly_interest : float    on borrowed money [1 per hour]
    liquidation_fee : float    of notional, for venues that return the rest [1]
    haircut : float            share of a coin's value that does not count as collateral, 0 to 1 [1]
    volatility, correlation, jumps, jump_deviation : as for `Market`; a file's are checked when it
                               is loaded, others when a market is made of them
    days : int                 for how long the trades are held in such markets, at least 1, at
                               most 3,650 [1]
    mandate : Mapping          what is asked of the account, for `margin_course.mandate`
    labels : Mapping           words on pictures and sliders -> other words for them

    Raises
    ------
    MarginError                a number outside its range, two trades of one symbol, a move or a
                               path that has no marks

    >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
    >>> scenario = Scenario(name="a", currency="BTC", balance=5, trades=(eth,))
    >>> scenario["ETH"].notional
    8.0
    """

    name: str
    currency: str
    balance: float
    trades: tuple[Trade, ...]
    moves: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    paths: Mapping[str, Mapping[str, Sequence[float] | np.ndarray]] = field(default_factory=dict)
    funding_rate: float = 0.0
    funding_hours: float = 1.0
    hourly_interest: float = 0.0
    liquidation_fee: float = 0.0
    haircut: float = 0.0
    volatility: float | Any = 0.0
    correlation: float | Any = 0.0
    jumps: float = 0.0
    jump_deviation: float = 0.0
    days: int = 1
    mandate: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("name", "currency"):
            of_type(name, getattr(self, name), str)
        for name in ("moves", "paths", "mandate", "labels"):
            of_type(name, getattr(self, name), Mapping)
        one_number("balance", self.balance, above=0)
        one_number("funding_rate", self.funding_rate)
        one_number("funding_hours", self.funding_hours, above=0)
        one_number("hourly_interest", self.hourly_interest, at_least=0)
        one_number("liquidation_fee", self.liquidation_fee, at_least=0, below=1)
        if one_number("haircut", self.haircut, at_least=0) > 1:
            raise MarginError("haircut", "must be at most 1", self.haircut)
        symbols = [trade.symbol for trade in self.trades]
        if len(set(symbols)) < len(symbols):
            raise MarginError("trades", "must have one trade a symbol", symbols)
        for name, move in self.moves.items():
            self.marks(**of_type(f"move {name}", move, Mapping))
        for name in self.paths:
            self.path(name)
        if count("days", self.days) > MOST_DAYS:
            raise MarginError("days", f"must be at most {MOST_DAYS:,}", self.days)

    def __getitem__(self, symbol: str) -> Trade:
        """The trade in `symbol`; MarginError if there is none."""
        for trade in self.trades:
            if trade.symbol == symbol:
                return trade
        known = ", ".join(trade.symbol for trade in self.trades)
        raise MarginError("symbol", f"must be one that {self.name} trades ({known})", symbol)

    def account(self, mode: str | Mapping[str, str]) -> Account:
        """The account with every trade opened.

        Parameters
        ----------
        mode : str or Mapping      "isolated" or "cross" for all, or symbol -> mode; symbols that
                                   a mapping leaves out are not opened

        Returns
        -------
        Account

        Raises
        ------
        MarginError                an unknown mode or symbol, margins beyond the balance

        >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
        >>> scenario = Scenario(name="a", currency="BTC", balance=5, trades=(eth,))
        >>> account = scenario.account("isolated")
        >>> account.balance, account.locked_margin
        (3.0, 2.0)
        """
        if isinstance(mode, Mapping):
            self._must_trade(mode)
        account = Account(balance=self.balance)
        for trade in self.trades:
            chosen = mode.get(trade.symbol) if isinstance(mode, Mapping) else mode
            if chosen is not None:
                account, _ = account.open(
                    trade.contract,
                    quantity=trade.quantity,
                    price=trade.price,
                    leverage=trade.leverage,
                    mode=chosen,
                    margin=trade.margin if chosen == "isolated" else None,
                    marks=self.marks(),
                )
        return account

    def money(self, value: float, digits: int = 2, sign: bool = False) -> str:
        """An amount of the scenario's money, in words.

        Parameters
        ----------
        value : number             [quote]
        digits : int               behind the point [1]
        sign : bool                a plus before a gain

        Returns
        -------
        str                        with the currency

        >>> from margin_course import load
        >>> load("notebooks/scenarios.toml")["cross"].money(2)
        '2.00 BTC'
        """
        return text.money(value, self.currency, digits, sign)

    def marks(self, **returns: ArrayLike) -> dict[str, Number]:
        """Prices after the given returns; a symbol left out stands at its entry price.

        Parameters
        ----------
        returns : array_like       symbol=return, above -1 [1]

        Returns
        -------
        dict                       symbol -> price [quote per coin]

        Raises
        ------
        MarginError                a symbol that is not traded, a return not above -1, not finite

        Equation:  price = entry price · (1 + return)

        >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
        >>> scenario = Scenario(name="a", currency="BTC", balance=5, trades=(eth,))
        >>> scenario.marks(ETH=-0.25)
        {'ETH': 6.0}
        """
        self._must_trade(returns)
        changes = {s: number(f"return of {s}", r, above=-1) for s, r in returns.items()}
        return {t.symbol: t.price * (1 + changes.get(t.symbol, 0.0)) for t in self.trades}

    def path(self, name: str) -> list[dict[str, Number]]:
        """The marks of a named path, step by step; returns are measured from the entry prices.

        Parameters
        ----------
        name : str                 one of `paths`

        Returns
        -------
        list of dict               symbol -> price, one a step [quote per coin]

        Raises
        ------
        MarginError                an unknown name, a symbol that is not traded, a return not above
                                   -1, returns of several lengths

        >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
        >>> dip = {"dip": {"ETH": [-0.25, 0.0]}}
        >>> Scenario(name="a", currency="BTC", balance=5, trades=(eth,), paths=dip).path("dip")
        [{'ETH': 6.0}, {'ETH': 8.0}]
        """
        if name not in self.paths:
            raise MarginError("path", f"must be one of {', '.join(self.paths)}", name)
        returns = of_type(f"path {name}", self.paths[name], Mapping)
        for symbol, steps in returns.items():
            of_type(f"path {name} of {symbol}", steps, (list, tuple, np.ndarray))
        if len({len(steps) for steps in returns.values()}) != 1:
            raise MarginError(f"path {name}", "must have as many steps for each symbol", returns)
        steps = zip(*returns.values(), strict=True)
        return [self.marks(**dict(zip(returns, step, strict=True))) for step in steps]

    def market(self, **changes: Any) -> Market:
        """The market that starts at the entry prices, on the scenario's terms or on other ones.

        Parameters
        ----------
        changes : object           terms of `Market` by name, all but its prices

        Returns
        -------
        Market

        Errors and equation as for `Market`.

        >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=5)
        >>> mine = Scenario(name="a", currency="BTC", balance=5, trades=(eth,), volatility=0.8)
        >>> mine.market(jumps=2).prices, mine.market().volatility
        ({'ETH': 8.0}, 0.8)
        """
        terms = ("volatility", "correlation", "jumps", "jump_deviation")
        return Market(prices=self.marks(), **{t: getattr(self, t) for t in terms} | changes)

    def outcomes(
        self,
        modes: Sequence[str] | Mapping[str, Any] = MODES,
        paths: int = 10_000,
        seed: int = SEED,
        **changes: Any,
    ) -> dict[str, Outcomes]:
        """What becomes of the account, in several modes over the same many markets.

        Parameters
        ----------
        modes : sequence or Mapping    names of modes; or name -> mode, as for `account`
        paths : int                    how many are drawn, at least 1 [1]
        seed : int                     which are drawn
        changes : as for `market`

        Returns
        -------
        dict                           name -> simulate.Outcomes, day by day to the end

        Raises
        ------
        MarginError                    as for `account` and `market`; a number of paths that is not
                                       whole or below 1

        >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
        >>> calm = Scenario(name="a", currency="BTC", balance=5, trades=(eth,))
        >>> calm.outcomes(["isolated"], paths=2)["isolated"].liquidated.tolist()
        [False, False]
        """
        modes = modes if isinstance(modes, Mapping) else dict(zip(modes, modes, strict=True))
        accounts = {name: self.account(mode) for name, mode in modes.items()}
        rng = np.random.default_rng(seed)
        return simulate(accounts, self.market(**changes), paths=paths, steps=self.days, rng=rng)

    def with_trade(
        self, symbol: str, maintenance_rate: float | None = None, **changes: Any
    ) -> "Scenario":
        """The same scenario with one trade changed.

        Parameters
        ----------
        symbol : str               whose trade
        maintenance_rate : float or None   instead of its contract's [1]
        changes : object           of side, price, margin or leverage, as for `Trade`

        Returns
        -------
        Scenario

        Raises
        ------
        MarginError                an unknown symbol, a number outside its range

        >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
        >>> scenario = Scenario(name="a", currency="BTC", balance=5, trades=(eth,))
        >>> scenario.with_trade("ETH", side="short")["ETH"].quantity
        -1.0
        """
        if maintenance_rate is not None:
            changes["contract"] = replace(self[symbol].contract, maintenance=maintenance_rate)
        changed = replace(self[symbol], **changes)
        trades = tuple(changed if trade.symbol == symbol else trade for trade in self.trades)
        return replace(self, trades=trades)

    def priced_in(self, currency: str, price: float) -> "Scenario":
        """The same trades in another currency, of which one unit of the old one costs so much.

        Parameters
        ----------
        currency : str             the new one
        price : float              of one unit of the old currency, above 0 [quote, new]

        Returns
        -------
        Scenario                   sizes in coins, leverage and rates as before; prices, margins,
                                   balance, floors and amounts of the tables times the price

        Raises
        ------
        MarginError                an inverse contract: it is margined in its coin

        Equation:  price in the new currency = price in the old one · price of the old one

        >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
        >>> coins = Scenario(name="a", currency="BTC", balance=5, trades=(eth,))
        >>> dollars = coins.priced_in("USD", 100)
        >>> dollars.balance, dollars["ETH"].price, dollars["ETH"].quantity
        (500, 800, 1.0)
        """
        one_number("price", price, above=0)
        trades = []
        for trade in self.trades:
            old = trade.contract
            if old.inverse:
                raise MarginError(f"{trade.symbol} contract", "must not be inverse", trade.symbol)
            rows = (
                t._replace(floor=t.floor * price, amount=t.amount * price) for t in old.maintenance
            )
            contract = replace(old, maintenance=Tiers(rows))
            cost, margin = trade.price * price, trade.margin * price
            trades.append(replace(trade, contract=contract, price=cost, margin=margin))
        balance = self.balance * price
        return replace(self, currency=currency, balance=balance, trades=tuple(trades))

    def first_trades(self, count: int) -> "Scenario":
        """The same scenario with its first trades alone; moves and paths name others, and go.

        Parameters
        ----------
        count : int                how many trades stay

        Returns
        -------
        Scenario

        >>> coins = [Contract(symbol=symbol) for symbol in ("ETH", "ADA")]
        >>> pair = [Trade(contract=c, side="long", price=8, margin=2, leverage=4) for c in coins]
        >>> both = Scenario(name="a", currency="BTC", balance=5, trades=tuple(pair))
        >>> [trade.symbol for trade in both.first_trades(1).trades]
        ['ETH']
        """
        return replace(self, trades=self.trades[:count], moves={}, paths={})

    def must_have(self, who: str, parts: Mapping[str, int]) -> None:
        """Refuse to be used where something is missing.

        Parameters
        ----------
        who : str                  needs it, for the message
        parts : Mapping            "trades", "moves", "paths" or "mandate" -> at least so many [1]

        Returns nothing.

        Raises
        ------
        MarginError                the first part of which there are too few

        >>> empty = Scenario(name="a", currency="BTC", balance=5, trades=())
        >>> empty.must_have("my lab", {"trades": 1})
        Traceback (most recent call last):
        margin_lib.errors.MarginError: my lab: scenario a needs at least 1 of its trades, got 0
        """
        for part, least in parts.items():
            if len(getattr(self, part)) < least:
                rule = f"needs at least {least} of its {part}"
                raise MarginError(f"{who}: scenario {self.name}", rule, len(getattr(self, part)))

    def _must_trade(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self[symbol]


def load(path: str | Path) -> dict[str, Scenario]:
    """Read all scenarios of a file.

    Parameters
    ----------
    path : str or Path         a TOML file; the table [defaults] fills what a scenario leaves out,
                               and [labels] holds other words for pictures and sliders

    A trade, a scenario or [defaults] may say `venue = "binance usd-m"` (a name in venues.toml)
    instead of `maintenance_rate` and `taker_fee`: tiers, fee and conventions are then the venue's,
    its table the one for the scenario's currency. What is said nearer to the trade counts, and a
    rate that is said beside the venue counts before the venue's.

    Returns
    -------
    dict                       name -> Scenario

    Raises
    ------
    MarginError                no file of TOML; a key that is missing or unknown, a number outside
                               its range, a name with markup or hidden signs; the message is one
                               line, which starts with the file and the scenario

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "scenarios.toml"
    ...     _ = file.write_text('[a]\\ncurrency = "BTC"\\nbalance = 5')
    ...     load(file)["a"].balance
    5
    """
    tables, scenarios = files.toml(path), {}
    where = f"{Path(path).name}:"
    try:
        defaults = _table("[defaults]", tables.pop("defaults", {}))
        labels = _table("[labels]", tables.pop("labels", {}))
        for word, other in labels.items():
            if not isinstance(other, str):
                raise MarginError(f"[labels] {word}", "must be words", other)
        for name, table in {"defaults": defaults, **tables}.items():
            files.plain("the name of a table", name)
            for place, words in files.strings(table):
                files.plain(f"[{name}] {place}", words)
        for name, table in tables.items():
            where = f"{Path(path).name}: [{name}]"
            terms = _over(defaults, _table("scenario", table))
            scenarios[name] = _scenario(name, terms, labels)
            if scenarios[name].trades:
                scenarios[name].market()
    except MarginError as error:
        told = files.one_line(error.name), error.rule, files.one_line(error.value)
        raise MarginError(f"{where} {told[0]}", *told[1:]) from None
    return scenarios


def _table(name: str, value: Any) -> dict:
    if not isinstance(value, dict):
        raise MarginError(name, "must be a table", value)
    return value


def _over(outer: dict, inner: dict) -> dict:
    """Terms from further out, under those from further in; a venue hides rates further out."""
    hidden = RATES if "venue" in inner else ()
    return {**{key: value for key, value in outer.items() if key not in hidden}, **inner}


def _scenario(name: str, table: dict, labels: dict[str, str]) -> Scenario:
    table = dict(table)
    terms = {key: table.pop(key) for key in ("venue", *RATES) if key in table}
    currency = table.get("currency")
    rows = table.pop("trades", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MarginError("trades", f"must be tables, each under [[{name}.trades]]", rows)
    trades = tuple(_trade(terms, row, currency) for row in rows)
    return _make(Scenario, table, name=name, trades=trades, labels=labels)


def _trade(terms: dict, row: dict, currency: str | None) -> Trade:
    row = dict(row)
    own = {key: row.pop(key) for key in ("symbol", "venue", *RATES) if key in row}
    given = {RATES.get(key, key): value for key, value in _over(terms, own).items()}
    place = venue(given.pop("venue")) if "venue" in given else None
    trade = _make(Trade, row, contract=_make(Contract, given))
    return trade if place is None else _at(place, trade, given, currency)


def _at(place: Venue, trade: Trade, given: dict, currency: str | None) -> Trade:
    """The trade under a venue's terms; a rate that is given counts before the venue's."""
    coins = replace(trade, contract=replace(trade.contract, inverse=place.inverse))
    contract = place.contract(
        trade.symbol, currency, units=coins.quantity, maintenance=given.get("maintenance")
    )
    fee = given.get("taker_fee", contract.taker_fee)
    return replace(trade, contract=replace(contract, taker_fee=fee))


def _make(kind: type[_T], table: dict, **made: Any) -> _T:
    """A value of a kind; a key of the table that is missing or unknown is a MarginError."""
    try:
        return kind(**made, **table)
    except TypeError as error:
        rule = f"must have the right keys: {error}"
        raise MarginError(kind.__name__.lower(), rule, list(table)) from None
