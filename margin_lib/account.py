"""Positions and accounts as frozen values. Every operation returns a new account and what happened.

An account has one shared balance. A position with a margin of its own is isolated: it can lose that
margin and nothing else. A position without one is cross: it shares the balance with the others.
Mark prices are never stored; they come in as `marks`, a mapping from symbol to price.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from margin_lib import formulas
from margin_lib.contracts import Contract
from margin_lib.errors import MarginError, as_scalar, keep_number, number, one_number
from margin_lib.types import ArrayLike, Marks, Number, Row, Truth

MODES = ("isolated", "cross")
ROUNDING = 1e-12  # what floats may lose on the way from a margin to a quantity and back


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """So many coins, bought (above 0) or sold short (below 0) at an average price.

    Parameters
    ----------
    contract : Contract
    quantity : float           signed, not 0 [coin]
    entry_price : float        average, above 0 [quote per coin]
    leverage : float           the one chosen, at least 1 [1]
    margin : float or None     own margin if isolated, None if cross; funding can bring it
                               below 0 while profit still carries the position [quote]

    Raises
    ------
    MarginError                a value outside its range

    >>> eth = Position(contract=Contract(symbol="ETH"), quantity=100, entry_price=0.25, leverage=5)
    >>> eth.mode, eth.pnl(0.5), eth.borrowed
    ('cross', 25.0, 20.0)
    """

    contract: Contract
    quantity: float
    entry_price: float
    leverage: float
    margin: float | Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.contract, Contract):
            raise MarginError("contract", "must be a Contract", self.contract)
        keep_number(self, "quantity", f"{self.symbol} quantity")
        if self.quantity == 0:
            raise MarginError(f"{self.symbol} quantity", "must not be 0", self.quantity)
        keep_number(self, "entry_price", f"{self.symbol} entry price", above=0)
        keep_number(self, "leverage", f"{self.symbol} leverage", at_least=1)
        if self.margin is not None:
            keep_number(self, "margin", f"{self.symbol} margin")

    @property
    def symbol(self) -> str:
        """The contract's symbol."""
        return self.contract.symbol

    @property
    def units(self) -> float:
        """quantity · contract size [coin; inverse: quote], signed."""
        size = self.contract.size
        return self.quantity if size == 1 else self.quantity * size  # the default is no fraction

    @property
    def mode(self) -> str:
        """'isolated' with a margin of its own, 'cross' without."""
        return "cross" if self.margin is None else "isolated"

    @property
    def borrowed(self) -> float:
        """Loan behind the position, fixed at entry: notional − notional / leverage [quote]."""
        value = self.notional(self.entry_price)
        return formulas.borrowed(value, formulas.initial_margin(value, self.leverage))

    def mark(self, marks: Marks | None) -> Number:
        """The mark price of the position's market [quote per coin].

        Errors as for `mark`: `marks` must hold it.

        >>> eth = Contract(symbol="ETH long", market="ETH")
        >>> Position(contract=eth, quantity=4, entry_price=8, leverage=2).mark({"ETH": 6.5})
        6.5
        """
        return mark(marks, self.contract.market)

    def notional(self, price: ArrayLike) -> Number:
        """Value at a price, in the money the contract is margined in [quote; inverse: coin].

        Errors and source as for `formulas.notional`.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> short = Position(contract=eth, quantity=-4, entry_price=8, leverage=2, margin=16)
        >>> short.notional(6)
        24.0
        """
        return formulas.notional(self.units, price, self.contract.inverse)

    def pnl(self, price: ArrayLike) -> Number:
        """Profit at a price since entry, below 0 a loss [quote; inverse: coin].

        Errors and source as for `formulas.pnl`.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> short = Position(contract=eth, quantity=-4, entry_price=8, leverage=2, margin=16)
        >>> short.pnl(6)
        8.0
        """
        return formulas.pnl(self.units, self.entry_price, price, self.contract.inverse)

    def funding(self, price: ArrayLike, rate: ArrayLike) -> Number:
        """Cash of a funding payment at a price and a rate, above 0 received [quote; inverse: coin].

        Errors and source as for `formulas.funding`.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> short = Position(contract=eth, quantity=-4, entry_price=8, leverage=2, margin=16)
        >>> short.funding(6, rate=0.25)
        6.0
        """
        return formulas.funding(self.units, price, rate, self.contract.inverse)

    def maintenance_margin(self, price: ArrayLike) -> Number:
        """What equity must exceed at a price, by the contract's table and conventions.

        Parameters
        ----------
        price : array_like         mark, above 0 [quote per coin]

        Returns
        -------
        float or ndarray           [quote; inverse: coin]

        Raises
        ------
        MarginError                price not above 0, not finite

        Equation:  rate · N − amount + counted closing fee · N, with N at the price or at entry

        Source: Binance, "Leverage and margin of USDⓈ-M futures"; the closing fee: OKX.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> short = Position(contract=eth, quantity=-4, entry_price=8, leverage=2, margin=16)
        >>> short.maintenance_margin(6)
        6.0
        """
        value = self.notional(price)
        if self.contract.conventions.maintenance_at == "entry":
            value = 0 * value + self.notional(self.entry_price)  # of the shape of the price
        margin = formulas.tiered_maintenance(value, self.contract.maintenance)
        return margin + value * self.contract.counted_fee

    def liquidation_price(
        self, collateral: ArrayLike | None = None, price: float | None = None
    ) -> Number:
        """Price at which a collateral and the PnL have fallen to the maintenance margin.

        Parameters
        ----------
        collateral : array_like    what carries the position beside its own PnL; None for its own
                                   margin. A cross position has none: alone it has no price (NaN),
                                   only an account has [quote]
        price : float or None      today's mark, for a venue that freezes maintenance there [quote
                                   per coin]

        Returns, errors, equation and source as for `formulas.tiered_liquidation_price`.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> short = Position(contract=eth, quantity=-4, entry_price=8, leverage=2, margin=16)
        >>> short.liquidation_price()   # 16 − 4 (P − 8) = P
        9.6
        """
        collateral = self.margin if collateral is None else collateral
        if collateral is None:
            return math.nan
        tiers, fee = self.requirement(price)
        return formulas.tiered_liquidation_price(
            self.entry_price, self.units, collateral, tiers, fee, self.contract.inverse
        )

    def requirement(self, price: float | None = None) -> tuple[Sequence[Row], float]:
        """Table and fee that hold while the price moves: frozen sums are a row of rate 0.

        Parameters
        ----------
        price : float or None      today's mark, for a venue that freezes maintenance there; without
                                   it the entry price [quote per coin]

        Returns
        -------
        (Tiers, float)             rows, and the fee that is counted beside them [1]

        Errors as for `Position.maintenance_margin`.

        >>> from margin_lib.contracts import Conventions
        >>> frozen = Conventions(maintenance_at="entry")
        >>> eth = Contract(symbol="ETH", maintenance=0.25, conventions=frozen)
        >>> Position(contract=eth, quantity=4, entry_price=8, leverage=2).requirement()
        ([(0, 0, -8.0, None)], 0)
        """
        if self.contract.conventions.maintenance_at == "mark":
            return self.contract.maintenance, self.contract.counted_fee
        frozen = self.maintenance_margin(self.entry_price if price is None else price)
        return [(0, 0, -frozen, None)], 0

    def grown_by(self, new: "Position") -> "Position":
        """This position with more of the same side, mode and leverage, at the average entry price.

        Parameters
        ----------
        new : Position             what is added, of the same contract

        Returns
        -------
        Position                   with its own margin: who adds to it moves the money

        Raises
        ------
        MarginError                another contract, mode, leverage or side

        Equation and source as for `formulas.average_entry_price`.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> short = Position(contract=eth, quantity=-4, entry_price=8, leverage=2, margin=16)
        >>> more = Position(contract=eth, quantity=-4, entry_price=16, leverage=2, margin=32)
        >>> grown = short.grown_by(more)
        >>> grown.quantity, grown.entry_price, grown.margin
        (-8.0, 12.0, 16.0)
        """
        for name in ("contract", "mode", "leverage"):
            old_value, new_value = getattr(self, name), getattr(new, name)
            if old_value != new_value:
                rule = f"must be that of the open position, {old_value}"
                raise MarginError(f"{self.symbol} {name}", rule, new_value)
        if new.quantity * self.quantity < 0:
            rule = f"must be on the side of the open position, {self.quantity:g} (close that)"
            raise MarginError(f"{self.symbol} quantity", rule, new.quantity)
        first, second = (self.quantity, self.entry_price), (new.quantity, new.entry_price)
        entry = formulas.average_entry_price(*first, *second, self.contract.inverse)
        return replace(self, quantity=self.quantity + new.quantity, entry_price=entry)

    def risk(self, price: ArrayLike) -> "Risk":
        """Share of the position in the account it belongs to, its own margin included.

        Parameters
        ----------
        price : array_like         mark, above 0 [quote per coin]

        Returns
        -------
        Risk                       of the shape of the price [quote; inverse: coin]

        Errors as for `Position.maintenance_margin`.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> short = Position(contract=eth, quantity=-4, entry_price=8, leverage=2, margin=16)
        >>> risk = short.risk(8)
        >>> risk.equity, risk.notional, risk.initial_margin, risk.maintenance_margin
        (16.0, 32.0, 16.0, 8.0)
        """
        value = self.notional(price)
        return Risk(
            equity=(self.margin or 0) + self.pnl(price),
            notional=value,
            initial_margin=formulas.initial_margin(value, self.leverage),
            maintenance_margin=self.maintenance_margin(price),
            at_equality=self.contract.conventions.at_equality,
        )


@dataclass(frozen=True, slots=True)
class Risk:
    """How one pocket of collateral stands at given marks. Risks of one pocket add up.

    Parameters
    ----------
    equity : float or ndarray               collateral + unrealised PnL [quote]
    notional : float or ndarray             of all positions in the pocket [quote]
    initial_margin : float or ndarray       [quote]
    maintenance_margin : float or ndarray   [quote]
    at_equality : bool                      equity equal to the maintenance margin liquidates

    >>> Risk(equity=2.0, notional=10.0, initial_margin=2.0, maintenance_margin=0.5).margin_ratio
    0.25
    """

    equity: Number
    notional: Number = 0
    initial_margin: Number = 0
    maintenance_margin: Number = 0
    at_equality: bool = True

    def __add__(self, other: "Risk") -> "Risk":
        return Risk(
            self.equity + other.equity,
            self.notional + other.notional,
            self.initial_margin + other.initial_margin,
            self.maintenance_margin + other.maintenance_margin,
            self.at_equality and other.at_equality,
        )

    @property
    def available(self) -> Number:
        """Equity that no initial margin holds; below 0 nothing can be opened [quote]."""
        return self.equity - self.initial_margin

    @property
    def cushion(self) -> Number:
        """Equity above the maintenance margin: what can still be lost [quote]."""
        return self.equity - self.maintenance_margin

    @property
    def is_liquidatable(self) -> Truth:
        """Equity has fallen to the maintenance margin of something open, or is a debt."""
        fallen = np.less_equal if self.at_equality else np.less
        reached = fallen(self.equity, self.maintenance_margin)
        due = np.logical_and(np.greater(self.notional, 0), reached)
        return np.logical_or(due, np.less(self.equity, 0))[()]

    @property
    def margin_ratio(self) -> Number:
        """Maintenance margin / equity; NaN where nothing is open [1]."""
        ratio = formulas.margin_ratio(self.maintenance_margin, self.equity)
        return as_scalar(np.where(np.greater(self.notional, 0), ratio, np.nan))

    @property
    def effective_leverage(self) -> Number:
        """Notional / equity; infinite once equity is used up, 0 where nothing is open [1]."""
        ratio = formulas.margin_ratio(self.notional, self.equity)
        return as_scalar(np.where(np.greater(self.notional, 0), ratio, 0.0))


@dataclass(frozen=True, slots=True)
class Event:
    """What an operation did, with a ledger of who got how much.

    Parameters
    ----------
    kind : str                 "opened", "closed", "margin added", "margin removed", "mode
                               switched", "funding paid", "interest paid" or "liquidated"
    symbols : tuple of str     the positions concerned
    transfers : Mapping        party -> money received; the sum is zero [quote]

    >>> Event("margin added", ("ETH",), {"balance": -1.0, "margin ETH": 1.0}).received("balance")
    -1.0
    """

    kind: str
    symbols: tuple[str, ...]
    transfers: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: str, symbols: Iterable[str], *ledgers: Mapping[str, float]) -> "Event":
        """An event whose ledger is the sum of several; parties that get nothing are left out.

        Parameters
        ----------
        kind : str                 as in `Event`
        symbols : iterable of str  the positions concerned
        ledgers : Mapping          party -> money received; any number [quote; inverse: coin]

        Returns
        -------
        Event

        >>> first, second = {"balance": 2.0, "exchange": 1.0}, {"exchange": -1.0}
        >>> Event.of("closed", ["ETH"], first, second).transfers
        {'balance': 2.0}
        """
        total: dict[str, float] = {}
        for ledger in ledgers:
            for party, money in ledger.items():
                total[party] = total.get(party, 0) + money
        return cls(kind, tuple(symbols), {party: money for party, money in total.items() if money})

    def received(self, party: str) -> float:
        """Money that a party got, below 0 when it paid, 0 when it had no part [quote].

        >>> Event("closed", ("ETH",), {"balance": 2.0, "market": -2.0}).received("market")
        -2.0
        """
        return self.transfers.get(party, 0)


def margin_party(symbol: str) -> str:
    """Name of an isolated position's margin as a party in a ledger.

    Parameters
    ----------
    symbol : str

    Returns
    -------
    str

    >>> margin_party("ETH")
    'margin ETH'
    """
    return f"margin {symbol}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A shared balance and positions, isolated and cross side by side.

    Parameters
    ----------
    balance : float            shared money: not locked in isolated margin, before unrealised PnL;
                               below 0 only while a cross position is open [quote]
    positions : tuple          of Position, one a symbol

    Raises
    ------
    MarginError                a value outside its range, two positions of one symbol

    Equations:  wallet balance = balance + locked margin;  equity = wallet balance + unrealised PnL

    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, event = Account(balance=5).open(eth, quantity=100, price=0.1, leverage=5)
    >>> account.balance, account.locked_margin, event.transfers
    (3.0, 2.0, {'balance': -2.0, 'margin ETH': 2.0})
    """

    balance: float
    positions: Sequence[Position] = ()

    def __post_init__(self) -> None:
        keep_number(self, "balance", "balance")
        object.__setattr__(self, "positions", tuple(self.positions))
        symbols = [position.symbol for position in self.positions]
        if len(set(symbols)) < len(symbols):
            raise MarginError("positions", "must have one position a symbol", symbols)
        if not self.cross:
            one_number("balance", self.balance, at_least=0)

    # What the account holds

    def __getitem__(self, symbol: str) -> Position:
        """The position in `symbol`; MarginError if there is none."""
        for position in self.positions:
            if position.symbol == symbol:
                return position
        held = ", ".join(position.symbol for position in self.positions) or "nothing"
        raise MarginError("symbol", f"must be one the account holds ({held})", symbol)

    def __contains__(self, symbol: object) -> bool:
        return any(position.symbol == symbol for position in self.positions)

    @property
    def cross(self) -> tuple[Position, ...]:
        """Positions that share the balance."""
        return tuple(position for position in self.positions if position.margin is None)

    @property
    def isolated(self) -> tuple[Position, ...]:
        """Positions with a margin of their own."""
        return tuple(position for position in self.positions if position.margin is not None)

    @property
    def pockets(self) -> list[tuple[str | None, Sequence[Position], float]]:
        """(symbol, positions, money) of each pocket; the balance, without symbol, first [quote]."""
        own = ((position.symbol, [position], position.margin) for position in self.isolated)
        return [(None, self.cross, self.balance), *own]

    @property
    def locked_margin(self) -> float:
        """Sum of the isolated margins [quote]."""
        return sum(position.margin for position in self.isolated)

    @property
    def wallet_balance(self) -> float:
        """Balance + locked margin: all money, before unrealised PnL [quote]."""
        return self.balance + self.locked_margin

    # How it stands at given marks

    def risk(self, marks: Marks | None = None, symbol: str | None = None) -> Risk:
        """Risk of the pocket that carries `symbol`; of the shared balance without a symbol.

        Parameters
        ----------
        marks : Mapping            market -> mark price, a number or arrays of one shape
                                   [quote per coin]
        symbol : str or None       an isolated position stands alone, a cross one shares

        Returns
        -------
        Risk                       equity, notional, initial and maintenance margin [quote]

        Raises
        ------
        MarginError                unknown symbol, a mark missing or not a positive number

        Source: Binance futures: margin ratio of an isolated position, and of the cross account.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> long = Position(contract=eth, quantity=4, entry_price=8, leverage=2)
        >>> account = Account(balance=16, positions=[long])
        >>> account.risk({"ETH": 6}).equity, account.risk({"ETH": 6}).maintenance_margin
        (8.0, 6.0)
        """
        if symbol is not None and self[symbol].margin is not None:
            return self[symbol].risk(self[symbol].mark(marks))
        return self._shared(marks, self.cross)

    def equity(self, marks: Marks | None = None) -> Number:
        """Shared and isolated equity together: wallet balance + unrealised PnL [quote].

        Parameters and errors as for `risk`.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> account, _ = Account(balance=24).open(eth, quantity=4, price=8, leverage=2)   # locks 16
        >>> account.equity({"ETH": 6})
        16.0
        """
        own = (position.risk(position.mark(marks)).equity for position in self.isolated)
        return self.risk(marks).equity + sum(own)

    def available_balance(self, marks: Marks | None = None) -> Number:
        """Shared equity that no cross position's initial margin holds [quote].

        Parameters and errors as for `risk`.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> long = Position(contract=eth, quantity=4, entry_price=8, leverage=2)
        >>> account = Account(balance=16, positions=[long])
        >>> account.available_balance({"ETH": 8}), account.available_balance({"ETH": 6})
        (0.0, -4.0)
        """
        return self.risk(marks).available

    def liquidation_price(self, symbol: str, marks: Marks | None = None) -> Number:
        """Mark price of `symbol` at which its pocket is liquidated, the other marks held.

        Isolated: the collateral is the position's margin, and no other price matters. Cross: it is
        the balance plus the other cross positions' profit less their maintenance margin. `marks`
        may hold arrays: the result is then the boundary between life and liquidation, point by
        point.

        Parameters
        ----------
        symbol : str               an isolated position or one of the cross positions
        marks : Mapping            marks of the other cross positions; in hedge mode, and where a
                                   venue freezes maintenance at today's mark, of its own market
                                   too [quote per coin]

        Returns
        -------
        float or ndarray           NaN for "never", and the rest as for
                                   `formulas.liquidation_price` [quote per coin]

        Raises
        ------
        MarginError                unknown symbol, the mark of another cross position missing

        Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts".

        >>> eth = Contract(symbol="ETH", maintenance=0.5)
        >>> long = Position(contract=eth, quantity=4, entry_price=8, leverage=2)
        >>> account = Account(balance=17, positions=[long])
        >>> account.liquidation_price("ETH")   # 17 + 4 (P − 8) = 2 P
        7.5
        """
        position, spare = self[symbol], self.collateral_behind(symbol, marks).cushion
        market = position.contract.market
        if position.margin is None and [p.contract.market for p in self.cross].count(market) > 1:
            return self.liquidation_range(market, marks)[position.quantity < 0]
        known = marks is not None and market in marks
        return position.liquidation_price(spare, position.mark(marks) if known else None)

    def liquidation_range(self, market: str, marks: Marks | None) -> tuple[float, float]:
        """The two prices of a market beyond which the shared balance is liquidated.

        In hedge mode a long and a short follow one market: it can be liquidated in both
        directions, in one, or in none. The other marks are held.

        Parameters
        ----------
        market : str               followed by at least one cross position
        marks : Mapping            market -> mark price, of all cross positions [quote per coin]

        Returns
        -------
        (float, float)             lower and upper price, NaN for "never"; both the mark itself
                                   where the balance is liquidated already [quote per coin]

        Raises
        ------
        MarginError                no cross position follows the market; a mark missing

        Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts"
        (hedge mode).

        Equation as for `formulas.liquidation_range`.

        >>> long = Contract(symbol="long", market="ETH", maintenance=0.25)
        >>> short = Contract(symbol="short", market="ETH", maintenance=0.25)
        >>> legs = [
        ...     Position(contract=long, quantity=8, entry_price=8, leverage=2),
        ...     Position(contract=short, quantity=-4, entry_price=8, leverage=2),
        ... ]
        >>> account = Account(balance=28, positions=legs)
        >>> account.liquidation_range("ETH", {"ETH": 8})   # −4 + 4 P = 3 P
        (4.0, nan)
        """
        legs = [position for position in self.cross if position.contract.market == market]
        if not legs:
            raise MarginError("market", "must be one that a cross position follows", market)
        rest = self._shared(marks, (other for other in self.cross if other not in legs))
        rows = [(leg.entry_price, leg.units, *leg.requirement(leg.mark(marks))) for leg in legs]
        spare = rest.cushion
        inverse = legs[0].contract.inverse
        return formulas.liquidation_range(rows, spare, legs[0].mark(marks), inverse)

    def wall(
        self,
        first: str,
        second: str,
        span: Mapping[str, tuple[float, float]],
        marks: Marks | None = None,
    ) -> np.ndarray:
        """Where the shared balance is liquidated, in the plane of two cross positions' prices.

        The wall of two linear contracts is straight within a row of their tables: with one row, the
        box cuts a segment out of it. Its corners lie where one of the prices meets a side of the
        box, or one of the notionals the floor of a row.

        Parameters
        ----------
        first, second : str        symbols of two cross positions in different markets
        span : Mapping             symbol -> (low, high), the sides of the box [quote per coin]
        marks : Mapping            marks of the other cross positions [quote per coin]

        Returns
        -------
        ndarray                    shape (corners, 2), first and second price, the first rising;
                                   no corners where the wall does not cross the box

        Raises
        ------
        MarginError                an isolated position; a symbol or mark missing; an empty side

        Equation:  balance + Σ pnl = Σ maintenance margin

        Source: the definition of maintenance margin, in the prices of two markets.

        >>> eth, ltc = Contract(symbol="ETH"), Contract(symbol="LTC")
        >>> held = [
        ...     Position(contract=eth, quantity=1, entry_price=4, leverage=4),
        ...     Position(contract=ltc, quantity=2, entry_price=1, leverage=2),
        ... ]
        >>> Account(balance=2, positions=held).wall("ETH", "LTC", {"ETH": (1, 4), "LTC": (0.5, 2)})
        array([[1. , 1.5],
               [3. , 0.5]])
        """
        corners = []
        self._must_be(second, "cross")
        for one, other in ((first, second), (second, first)):
            self._must_be(one, "cross")
            low, high = (one_number(f"{one} span", side, above=0) for side in span[one])
            one_number(f"{one} span", high, above=low)
            held = self[one]
            floors = [tier.floor / abs(held.units) for tier in held.contract.maintenance[1:]]
            turn = -1 if held.contract.inverse else 1
            at = np.array([low, high, *(floor**turn for floor in floors)], dtype=float)
            at = at[(low <= at) & (at <= high)]
            reached = self.liquidation_price(other, {**(marks or {}), held.contract.market: at})
            corners.append(np.column_stack((at, reached) if one == first else (reached, at)))
        corners = np.unique(np.concatenate(corners), axis=0)
        lows, highs = np.array([span[first], span[second]], dtype=float).T
        return corners[((lows <= corners) & (corners <= highs)).all(axis=1)]

    def bankruptcy_price(self, symbol: str, marks: Marks | None = None) -> Number:
        """Mark price of `symbol` at which its pocket's equity is zero, the other marks held.

        As `liquidation_price`, without any maintenance margin.

        Parameters, returns and errors as for `liquidation_price`. Equation and source as for
        `formulas.bankruptcy_price`.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> account, _ = Account(balance=24).open(eth, quantity=4, price=8, leverage=2)   # locks 16
        >>> account.bankruptcy_price("ETH")
        4.0
        """
        position, equity = self[symbol], self.collateral_behind(symbol, marks).equity
        return formulas.bankruptcy_price(
            position.entry_price, position.units, equity, position.contract.inverse
        )

    def collateral_behind(self, symbol: str, marks: Marks | None = None) -> Risk:
        """What carries a position, itself left out: its margin, or the balance and the others.

        Its cushion is the collateral of `Position.liquidation_price`.

        Parameters
        ----------
        symbol : str
        marks : Mapping            those of the other cross positions

        Returns
        -------
        Risk

        Raises
        ------
        MarginError                unknown symbol, the mark of another cross position missing

        >>> eth = Contract(symbol="ETH", maintenance=0.02)
        >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.5, leverage=25)
        >>> account.collateral_behind("ETH").cushion
        2.0
        """
        position = self[symbol]
        if position.margin is not None:
            return Risk(position.margin)
        return self._shared(marks, (other for other in self.cross if other is not position))

    def _shared(self, marks: Marks | None, positions: Iterable[Position]) -> Risk:
        """Risk of the balance with some of the positions that share it."""
        risks = (position.risk(position.mark(marks)) for position in positions)
        return sum(risks, Risk(self.balance))

    # Operations

    def open(
        self,
        contract: Contract,
        *,
        quantity: float,
        price: float,
        leverage: float,
        mode: str = "isolated",
        margin: float | None = None,
        marks: Marks | None = None,
    ) -> "Done":
        """Open a position, or add to one that is open on the same side in the same mode.

        Parameters
        ----------
        contract : Contract
        quantity : float           signed [coin; inverse: quote]
        price : float              fill price, above 0, and the symbol's mark [quote per coin]
        leverage : float           at least 1 [1]
        mode : str                 "isolated" or "cross"
        margin : float or None     isolated: money to lock, at least the initial margin, which is
                                   also the default [quote]
        marks : Mapping            marks of the cross positions already open [quote per coin]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                not enough available balance for margin and fee; a margin
                                   below the initial margin; a position liquidated at birth, or
                                   one that takes from the cross positions what keeps them alive

        Equation:  initial margin = |quantity| · price / leverage <= available balance − fee,
        and for an isolated margin <= balance − fee: unrealised profit cannot be moved

        Source: definition of initial margin; claim T2 of the course.

        >>> eth = Contract(symbol="ETH", maintenance=0.25, taker_fee=0.125)
        >>> account, event = Account(balance=8).open(
        ...     eth, quantity=-4, price=4, leverage=4, mode="cross"
        ... )
        >>> account.balance, event.transfers
        (6.0, {'balance': -2.0, 'exchange': 2.0})
        """
        if mode not in MODES:
            raise MarginError("mode", "must be 'isolated' or 'cross'", repr(mode))
        if mode == "cross" and margin is not None:
            raise MarginError("margin", "must be None in cross: the balance is shared", margin)
        new = Position(
            contract=contract,
            quantity=quantity,
            entry_price=price,
            leverage=leverage,
            margin=0 if mode == "isolated" else None,
        )
        symbol = new.symbol
        marks = {**checked_marks(marks), contract.market: new.entry_price}
        fee = new.notional(price) * contract.taker_fee
        needed = formulas.initial_margin(new.notional(price), leverage)
        locked = needed if margin is None else one_number("margin", margin)
        self._check_leverage(new)
        if locked < needed * (1 - ROUNDING):
            raise MarginError("margin", f"must be at least the initial margin {needed:g}", margin)
        free = self.available_balance(marks)
        if mode == "isolated":
            free = min(free, self.balance)  # profit that is not realised cannot be moved
        if locked + fee > free + ROUNDING * needed:
            rule = f"must not exceed the available balance {free:g}"
            raise MarginError("margin and fee", rule, locked + fee)
        if symbol in self:
            new = self[symbol].grown_by(new)
        ledger = [_move("balance", "exchange", fee)]
        if mode == "isolated":
            locked = min(locked, free - fee)  # not an ulp more than there is
            if locked + fee > free:
                locked = math.nextafter(locked, 0)
            ledger.append(_move("balance", margin_party(symbol), locked))
        event = Event.of("opened", [symbol], *ledger)
        return self._next(event, self._put(new))._check_alive(marks, symbol, None), event

    def holding(self, coin: str, share: float, price: float) -> "Account":
        """The account with a part of its balance held in a coin: collateral that has a price.

        The coins count like a position that nobody lent for: without leverage, and without a
        maintenance margin of its own. An isolated margin stays as it is.

        Parameters
        ----------
        coin : str                 market whose price the collateral follows
        share : float              of the balance, 0 to 1 [1]
        price : float              of the coin when it is put in, above 0 [quote per coin]

        Returns
        -------
        Account

        Raises
        ------
        MarginError                a value outside its range

        Equation:  balance · (1 − share + share · price now / price then)

        >>> Account(balance=8).holding("BTC", share=0.5, price=4).equity({"BTC": 2})
        6.0
        """
        if one_number("share", share, at_least=0) > 1:
            raise MarginError("share", "must be at most 1", share)
        money, price = self.balance * share, one_number("price", price, above=0)
        if not money:
            return self
        contract = Contract(symbol=f"{coin} held", market=coin)
        held = Position(contract=contract, quantity=money / price, entry_price=price, leverage=1)
        return Account(balance=self.balance, positions=(*self.positions, held))

    def close(
        self,
        symbol: str,
        *,
        price: float,
        quantity: float | None = None,
        marks: Marks | None = None,
    ) -> "Done":
        """Close a position, or part of it, at a price; its profit or loss goes to the balance.

        Parameters
        ----------
        symbol : str
        price : float              fill price, above 0, and its market's mark [quote per coin]
        quantity : float or None   how much of the position, of its sign; None for all of it [coin]
        marks : Mapping            marks of the other cross positions [quote per coin]

        Returns
        -------
        (Account, Event)           an isolated position gives back margin in the same share

        Raises
        ------
        MarginError                more than is open, the other side, a position beyond its means
                                   (liquidate it)

        Equation:  balance grows by margin share + closed quantity · (price − entry) − fee

        Source: the profit of a part is its share of the profit.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> account, _ = Account(balance=24).open(eth, quantity=4, price=8, leverage=2)   # locks 16
        >>> account, event = account.close("ETH", price=10, quantity=1)
        >>> account.balance, account["ETH"].margin, event.transfers
        (14.0, 12.0, {'balance': 6.0, 'market': -2.0, 'margin ETH': -4.0})
        """
        position = self[symbol]
        closed = position.quantity if quantity is None else one_number("quantity", quantity)
        share = closed / position.quantity
        if abs(share - 1) <= ROUNDING:
            share = 1.0  # a residue of floats is not a position
        if not 0 < share <= 1:
            rule = f"must be part of the open quantity {position.quantity:g}"
            raise MarginError("quantity", rule, closed)
        price = one_number("price", price, above=0)
        marks = {**checked_marks(marks), position.contract.market: price}
        self._check_alive(marks, symbol)
        gain = position.pnl(price) * share
        fee = position.notional(price) * share * position.contract.taker_fee
        ledger = [{"balance": gain - fee, "market": -gain, "exchange": fee}]
        if position.margin is not None:
            freed = position.margin * share
            ledger.append(_move(margin_party(symbol), "balance", freed))
            one_number(f"{symbol} equity after the closing fee", freed + gain - fee, at_least=0)
        event = Event.of("closed", [symbol], *ledger)
        rest = [other for other in self.positions if other is not position]
        if share < 1:
            rest = self._put(replace(position, quantity=position.quantity - closed))
        after = self._next(event, rest)
        if position.margin is None:
            after._check_alive(marks, None)  # the fee must not kill what stays open
        return after, event

    def add_margin(self, symbol: str, amount: float, marks: Marks | None = None) -> "Done":
        """Move money from the balance into an isolated position's margin.

        Parameters
        ----------
        symbol : str
        amount : float             at least 0, at most the available balance [quote]
        marks : Mapping            marks of the cross positions [quote per coin]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                a cross position; more than the available balance, or what
                                   keeps the cross positions alive

        Equation:  margin grows by what the balance loses

        Source: definition of isolated margin.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> account, _ = Account(balance=24).open(eth, quantity=4, price=8, leverage=2)   # locks 16
        >>> account, event = account.add_margin("ETH", 4)
        >>> account.balance, account["ETH"].margin
        (4.0, 20.0)
        """
        self._must_be(symbol, "isolated")
        amount = one_number("amount", amount, at_least=0)
        marks = checked_marks(marks)
        free = min(self.available_balance(marks), self.balance)
        if amount > free:
            raise MarginError("amount", f"must not exceed the available balance {free:g}", amount)
        event = Event.of("margin added", [symbol], _move("balance", margin_party(symbol), amount))
        return self._next(event, self.positions)._check_alive(marks, None), event

    def remove_margin(self, symbol: str, amount: float, marks: Marks) -> "Done":
        """Move money from an isolated position's margin back to the balance.

        Parameters
        ----------
        symbol : str
        amount : float             at least 0, at most the margin [quote]
        marks : Mapping            mark of the position [quote per coin]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                a cross position; more than the margin; what is left would be
                                   liquidated at once

        Equation:  margin loses what the balance gains

        Source: definition of isolated margin.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> account, _ = Account(balance=24).open(eth, quantity=4, price=8, leverage=2)   # locks 16
        >>> account, event = account.remove_margin("ETH", 4, {"ETH": 8})
        >>> account.balance, account["ETH"].margin
        (12.0, 12.0)
        """
        self._must_be(symbol, "isolated")
        amount = one_number("amount", amount, at_least=0)
        margin = self[symbol].margin
        if amount > margin:
            raise MarginError("amount", f"must not exceed the margin {margin:g}", amount)
        event = Event.of("margin removed", [symbol], _move(margin_party(symbol), "balance", amount))
        return self._next(event, self.positions)._check_alive(checked_marks(marks), symbol), event

    def switch_mode(
        self, symbol: str, mode: str, marks: Marks, margin: float | None = None
    ) -> "Done":
        """Give a cross position a margin of its own, or an isolated one the shared balance.

        Parameters
        ----------
        symbol : str
        mode : str                 "isolated" or "cross", not the one it has
        marks : Mapping            marks of the position and of all cross positions [quote per coin]
        margin : float or None     to isolated: money to lock; default the initial margin at entry
                                   [quote]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                more margin than balance; either pocket liquidated at once

        Equation:  margin grows by what the balance loses (to isolated), and back (to cross)

        Source: definition of the two margin modes.

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> long = Position(contract=eth, quantity=4, entry_price=8, leverage=2)
        >>> account = Account(balance=16, positions=[long])
        >>> after, event = account.switch_mode("ETH", "isolated", {"ETH": 8})
        >>> after.balance, after["ETH"].margin
        (0.0, 16.0)
        """
        if mode not in MODES:
            raise MarginError("mode", "must be 'isolated' or 'cross'", repr(mode))
        self._must_be(symbol, "cross" if mode == "isolated" else "isolated")
        position = self[symbol]
        if mode == "cross":
            if margin is not None:
                raise MarginError("margin", "must be None in cross: the balance is shared", margin)
            move = _move(margin_party(symbol), "balance", position.margin)
            switched = replace(position, margin=None)
        else:
            at_entry = position.risk(position.entry_price).initial_margin
            margin = one_number("margin", at_entry if margin is None else margin, above=0)
            if margin > self.balance + ROUNDING * margin:
                raise MarginError("margin", f"must not exceed the balance {self.balance:g}", margin)
            move = _move("balance", margin_party(symbol), min(margin, self.balance))
            switched = replace(position, margin=0)
        event = Event.of("mode switched", [symbol], move)
        return self._next(event, self._put(switched))._check_alive(
            checked_marks(marks), symbol, None
        ), event

    def pay_funding(self, rates: Mapping[str, float], marks: Marks) -> "Done":
        """One funding payment: into or out of isolated margins, and the balance for cross.

        Parameters
        ----------
        rates : Mapping            symbol -> funding rate, signed; symbols left out pay nothing [1]
        marks : Mapping            marks of the positions that pay [quote per coin]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                a rate for a symbol that is not held, a mark missing

        Equation:  cash = −quantity · mark · rate (linear), as in `formulas.funding`

        Source: Binance, "Introduction to futures funding rates".

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> account, _ = Account(balance=24).open(eth, quantity=4, price=8, leverage=2)   # locks 16
        >>> account, event = account.pay_funding({"ETH": 0.125}, {"ETH": 8})
        >>> account["ETH"].margin, event.transfers
        (12.0, {'other traders': 4.0, 'margin ETH': -4.0})
        """
        marks = checked_marks(marks)
        rates = {symbol: one_number(f"{symbol} rate", rate) for symbol, rate in rates.items()}
        cash = {s: self[s].funding(self[s].mark(marks), rate) for s, rate in rates.items()}
        return self._pay("funding paid", cash, "other traders")

    def pay_interest(self, hourly_rates: Mapping[str, float], hours: float) -> "Done":
        """Interest on what is borrowed, out of isolated margins, and the balance for cross.

        Parameters
        ----------
        hourly_rates : Mapping     symbol -> rate; symbols left out pay nothing [1 per hour]
        hours : float              time since the last payment; a started hour counts [hour]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                a rate for a symbol that is not held, a value below 0

        Equation:  cash = −borrowed · hourly rate · ⌈hours⌉

        Source: Binance, "Margin interest".

        >>> eth = Contract(symbol="ETH", maintenance=0.25)
        >>> account, _ = Account(balance=24).open(eth, quantity=4, price=8, leverage=2)   # locks 16
        >>> account, event = account.pay_interest({"ETH": 0.125}, hours=1.5)   # of 16
        >>> account["ETH"].margin, event.transfers
        (12.0, {'lender': 4.0, 'margin ETH': -4.0})
        """
        hours = one_number("hours", hours, at_least=0)
        rates = {s: one_number(f"{s} rate", r, at_least=0) for s, r in hourly_rates.items()}
        cash = {s: -formulas.interest(self[s].borrowed, rate, hours) for s, rate in rates.items()}
        return self._pay("interest paid", cash, "lender")

    # How the operations are made

    def _pay(self, kind: str, cash: Mapping[str, float], counterparty: str) -> "Done":
        """Move cash (above 0: received) between each position's pocket and a counterparty."""
        ledgers = []
        for symbol, money in cash.items():
            party = "balance" if self[symbol].margin is None else margin_party(symbol)
            ledgers.append(_move(counterparty, party, money))
        event = Event.of(kind, cash, *ledgers)
        return self._next(event, self.positions), event

    def _next(self, event: Event, positions: Iterable[Position]) -> "Account":
        """The account after an event: only the event's ledger moves money."""
        after = []
        for position in positions:
            if position.margin is not None:  # a margin of 0 is no fraction
                margin = (position.margin or 0) + event.received(margin_party(position.symbol))
                position = replace(position, margin=margin)
            after.append(position)
        return Account(balance=self.balance + event.received("balance"), positions=after)

    def _put(self, new: Position) -> list[Position]:
        """All positions with a new one, in the place of the one it replaces."""
        if new.symbol not in self:
            return [*self.positions, new]
        return [new if old.symbol == new.symbol else old for old in self.positions]

    def _check_alive(self, marks: Marks, *symbols: str | None) -> "Account":
        """The account itself, unless a pocket that carries one of the symbols is liquidatable."""
        for symbol in symbols:
            risk = self.risk(marks, symbol)
            if risk.is_liquidatable:
                rule = f"must stay above the maintenance margin {risk.maintenance_margin:g}"
                raise MarginError(f"equity behind {symbol or 'cross'}", rule, risk.equity)
        return self

    def _check_leverage(self, new: Position) -> None:
        """The leverage cap of the tier that the whole position would be in."""
        held = self[new.symbol].quantity if new.symbol in self else 0
        whole = replace(new, quantity=new.quantity + held) if new.quantity + held else new
        cap = new.contract.maintenance.at(whole.notional(new.entry_price)).max_leverage
        if cap is not None and new.leverage > cap:
            raise MarginError(f"{new.symbol} leverage", f"must be at most {cap:g}", new.leverage)

    def _must_be(self, symbol: str, mode: str) -> None:
        if self[symbol].mode != mode:
            raise MarginError(f"mode of {symbol}", f"must be {mode}", self[symbol].mode)


Done = tuple[Account, Event]  # what an operation returns


def mark(marks: Marks | None, symbol: str) -> Number:
    """The mark price of a symbol: given, finite and above 0.

    Parameters
    ----------
    marks : Mapping or None    market -> price [quote per coin]
    symbol : str               the market

    Returns
    -------
    float or ndarray           [quote per coin]

    Raises
    ------
    MarginError                no mark for the symbol, or not a positive number

    >>> mark({"ETH": 0.1}, "ETH")
    0.1
    """
    if marks is None or symbol not in marks:
        raise MarginError("marks", f"must hold a price for {symbol}", marks)
    return number(f"mark of {symbol}", marks[symbol], above=0)


def checked_marks(marks: Marks | None) -> dict[str, float]:
    """The marks of one moment, which an operation needs: a single price a symbol.

    Parameters
    ----------
    marks : Mapping or None    market -> price; None for none [quote per coin]

    Returns
    -------
    dict                       the same, in numbers [quote per coin]

    Raises
    ------
    MarginError                an array, or not a positive number

    >>> checked_marks({"ETH": 2})
    {'ETH': 2.0}
    >>> checked_marks({"ETH": [1, 2]})
    Traceback (most recent call last):
    margin_lib.errors.MarginError: mark of ETH must be a single number, got [1, 2]
    """
    marks = {} if marks is None else marks
    return {s: one_number(f"mark of {s}", marks[s], above=0) for s in marks}


def _move(giver: str, taker: str, money: float) -> dict[str, float]:
    """The ledger of one payment."""
    return {giver: -money, taker: money}
