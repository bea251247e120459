"""Positions and accounts as frozen values. Every operation returns a new account and what happened.

An account has one shared balance. A position with a margin of its own is isolated: it can lose that
margin and nothing else. A position without one is cross: it shares the balance with the others.
Beside the balance there may be coins as collateral. Mark prices are never stored; they come in as
`marks`, a mapping from market to price. A number outside the bounds in its line raises MarginError;
"Raises" says what else does.

All examples below know these:

>>> eth = Contract(symbol="ETH", maintenance=0.25)
>>> long = Position(contract=eth, quantity=4, entry_price=8, leverage=2)
>>> short = Position(contract=eth, quantity=-4, entry_price=8, leverage=2, margin=16)
>>> shared = Account(balance=16, positions=[long])   # cross
>>> apart = Account(balance=8, positions=[short])   # isolated
"""

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from margin_lib import formulas
from margin_lib.contracts import Contract, Tiers
from margin_lib.errors import (
    MarginError,
    as_scalar,
    each_of_type,
    keep_number,
    number,
    of_type,
    one_number,
)
from margin_lib.types import ArrayLike, Marks, Number, Row, Truth

MODES = ("isolated", "cross")
HALVINGS = int(np.finfo(np.float64).nmant)  # until floats tell no further
ROUNDING = 1e-12  # what floats may lose on the way from a margin to a quantity and back
NEAR = np.geomspace(1 / 10_000, 10_000, 10_000)  # prices as shares of an entry, close to each other


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

    >>> long.mode, long.pnl(8.5), long.borrowed
    ('cross', 2.0, 16.0)
    """

    contract: Contract
    quantity: float
    entry_price: float
    leverage: float
    margin: float | None = None

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
        return self.quantity * self.contract.size

    @property
    def mode(self) -> str:
        """'isolated' with a margin of its own, 'cross' without."""
        return "cross" if self.margin is None else "isolated"

    @property
    def own_margin(self) -> float:
        """The margin of an isolated position, 0 for a cross one [quote]."""
        return 0 if self.margin is None else self.margin

    @property
    def borrowed(self) -> float:
        """Loan behind the position, fixed at entry: notional − notional / leverage [quote]."""
        value = self.notional(self.entry_price)
        return formulas.borrowed(value, formulas.initial_margin(value, self.leverage))

    def mark(self, marks: Marks | None) -> Number:
        """The mark price of the position's market [quote per coin].

        Errors as for `mark`: `marks` must hold it.

        >>> long.mark({"ETH": 6.5})
        6.5
        """
        return mark(marks, self.contract.market)

    def notional(self, price: ArrayLike) -> Number:
        """Value at a price, in the money the contract is margined in [quote; inverse: coin].

        Source as for `formulas.notional`.

        >>> short.notional(6)
        24.0
        """
        return formulas.notional(self.units, price, self.contract.inverse)

    def pnl(self, price: ArrayLike) -> Number:
        """Profit at a price since entry, below 0 a loss [quote; inverse: coin].

        Source as for `formulas.pnl`.

        >>> short.pnl(6)
        8.0
        """
        return formulas.pnl(self.units, self.entry_price, price, self.contract.inverse)

    def break_even_price(self, paid: ArrayLike = 0, fee_rate: ArrayLike = 0) -> Number:
        """Price at which closing brings back what the position has cost [quote per coin].

        Parameters, returns, equation and source as for `formulas.break_even_price`.

        >>> long.break_even_price(paid=1)
        8.25
        """
        return formulas.break_even_price(
            self.entry_price, self.units, paid, fee_rate, self.contract.inverse
        )

    def funding(self, price: ArrayLike, rate: ArrayLike) -> Number:
        """Cash of a funding payment at a price and a rate, above 0 received [quote; inverse: coin].

        Source as for `formulas.funding`.

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

        Equation:  rate · N − amount + counted closing fee · N + growth · coins · N, with N at the
        price or at entry

        Source: Binance, "Leverage and margin of USDⓈ-M futures"; the closing fee: OKX; growth:
        Deribit, "Margin changes of 11 January 2022" (1 % + 0.005 % · position size in BTC).

        >>> short.maintenance_margin(6)
        6.0
        """
        value = self._asked_of(price)
        margin = formulas.tiered_maintenance(value, self.contract.maintenance)
        margin = margin + value * self.contract.counted_fee
        if self.contract.growth:
            coins = value if self.contract.inverse else abs(self.units)
            margin = margin + value * self.contract.growth * coins
        return margin

    def _asked_of(self, price: ArrayLike, today: ArrayLike | None = None) -> Number:
        """The notional that the maintenance margin is a share of, in the shape of the price."""
        value, rule = self.notional(price), self.contract.conventions.maintenance_at
        if rule == "entry":
            value = value - value + self.notional(self.entry_price)
        elif rule == "today" and today is not None:
            value = value - value + self.notional(today)
        return value

    def liquidation_price(
        self, collateral: ArrayLike | None = None, price: ArrayLike | None = None
    ) -> Number:
        """Price at which a collateral and the PnL have fallen to the maintenance margin.

        Parameters
        ----------
        collateral : array_like    what carries the position beside its own PnL; None for its own
                                   margin. A cross position has none: alone it has no price (NaN),
                                   only an account has [quote]
        price : array_like or None     today's mark, for a venue that freezes maintenance there; the
                                   entry price without it [quote per coin]

        Returns, equation and source as for `formulas.tiered_liquidation_price`.

        >>> short.liquidation_price()   # 16 − 4 (P − 8) = P
        9.6
        """
        collateral = self.margin if collateral is None else collateral
        if collateral is None:
            return math.nan
        contract, at = self.contract, (self.entry_price, self.units, collateral)
        if contract.conventions.maintenance_at == "mark":
            fee, growth = contract.counted_fee, contract.growth
            if growth and not contract.inverse:  # as much at every price
                fee, growth = fee + growth * abs(self.units), 0
            return formulas.tiered_liquidation_price(
                *at, contract.maintenance, fee, contract.inverse, growth
            )
        if price is None:
            price = self.entry_price
        frozen = self.maintenance_margin(price)
        return formulas.liquidation_price(*at, rate=0, amount=-frozen, inverse=contract.inverse)

    def grown_by(self, new: "Position") -> "Position":
        """This position with more of the same side and mode, at the average entry price.

        Parameters
        ----------
        new : Position             what is added, of the same contract

        Returns
        -------
        Position                   with its own margin: who adds to it moves the money; with the
                                   leverage of what is added, which is the one last chosen

        Raises
        ------
        MarginError                another contract, mode or side

        Equation and source as for `formulas.average_entry_price`.

        >>> more = Position(contract=eth, quantity=-4, entry_price=16, leverage=2, margin=32)
        >>> grown = short.grown_by(more)
        >>> grown.quantity, grown.entry_price, grown.margin
        (-8.0, 12.0, 16.0)
        """
        for name in ("contract", "mode"):
            old_value, new_value = getattr(self, name), getattr(new, name)
            if old_value != new_value:
                rule = f"must be that of the open position, {old_value}"
                raise MarginError(f"{self.symbol} {name}", rule, new_value)
        if new.quantity * self.quantity < 0:
            rule = f"must be on the side of the open position, {self.quantity:g} (close that)"
            raise MarginError(f"{self.symbol} quantity", rule, new.quantity)
        first, second = (self.quantity, self.entry_price), (new.quantity, new.entry_price)
        entry = formulas.average_entry_price(*first, *second, self.contract.inverse)
        whole = self.quantity + new.quantity
        return replace(self, quantity=whole, entry_price=entry, leverage=new.leverage)

    def risk(self, price: ArrayLike) -> "Risk":
        """Share of the position in the account it belongs to, its own margin included.

        Parameters
        ----------
        price : array_like         mark, above 0 [quote per coin]

        Returns
        -------
        Risk                       of the shape of the price [quote; inverse: coin]

        >>> risk = short.risk(8)
        >>> risk.equity, risk.notional, risk.initial_margin, risk.maintenance_margin
        (16.0, 32.0, 16.0, 8.0)
        """
        return Risk(self.own_margin) + self._stand(price)

    def _stand(self, price: Number, today: Number | None = None) -> "Risk":
        """Risk without any money; maintenance frozen at today's mark, where a venue does so."""
        rules, value, gain = self.contract.conventions, self.notional(price), self.pnl(price)
        asked_at = price if today is None or rules.maintenance_at != "today" else today
        required = self.maintenance_margin(asked_at)
        opened = value
        if rules.initial_at == "entry":
            opened = value - value + self.notional(self.entry_price)
        waits = self.margin is None and rules.profit == "backs itself"
        return Risk(
            equity=gain,
            notional=value,
            initial_margin=formulas.initial_margin(opened, self.leverage),
            maintenance_margin=required,
            at_equality=rules.at_equality,
            idle=np.maximum(gain - required, 0) if waits else 0,
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
    idle : float or ndarray                 unrealised profit in the equity that backs nothing, by
                                            conventions, before it is realised [quote]

    >>> Risk(equity=2.0, notional=10.0, initial_margin=2.0, maintenance_margin=0.5).margin_ratio
    0.25
    """

    equity: Number
    notional: Number = 0
    initial_margin: Number = 0
    maintenance_margin: Number = 0
    at_equality: bool = True
    idle: Number = 0

    def __add__(self, other: "Risk") -> "Risk":
        return Risk(
            self.equity + other.equity,
            self.notional + other.notional,
            self.initial_margin + other.initial_margin,
            self.maintenance_margin + other.maintenance_margin,
            self.at_equality and other.at_equality,
            self.idle + other.idle,
        )

    @property
    def backing(self) -> Number:
        """Equity that counts: without idle profit [quote]."""
        return self.equity - self.idle

    @property
    def available(self) -> Number:
        """Equity that counts and no initial margin holds; below 0 nothing can be opened [quote]."""
        return self.backing - self.initial_margin

    @property
    def cushion(self) -> Number:
        """Equity that counts above the maintenance margin: what can still be lost [quote]."""
        return self.backing - self.maintenance_margin

    @property
    def is_liquidatable(self) -> Truth:
        """Equity has fallen to the maintenance margin of something open, or is a debt."""
        # What is no number is not above anything, so it is never taken for safe.
        above = operator.gt if self.at_equality else operator.ge
        carried = above(self.backing, self.maintenance_margin)
        safe = (self.notional == 0) | carried
        known = (self.notional >= 0) & (self.equity >= 0)
        return (safe & known) ^ True  # "not", of a number and of an array alike

    @property
    def margin_ratio(self) -> Number:
        """Maintenance margin / equity that counts; NaN where nothing is open [1]."""
        ratio = formulas.margin_ratio(self.maintenance_margin, self.backing)
        return as_scalar(np.where(np.greater(self.notional, 0), ratio, np.nan))

    @property
    def effective_leverage(self) -> Number:
        """Notional / equity; infinite once equity is used up, 0 where nothing is open [1]."""
        ratio = formulas.margin_ratio(self.notional, self.equity)
        return as_scalar(np.where(np.greater(self.notional, 0), ratio, 0.0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Collateral:
    """Coins beside the balance that carry the cross positions, too (a unified account).

    Contracts that settle in the coin have their profit, fees and requirements in it. It answers the
    questions that are asked of a position which shares the balance, so that both can be looked at
    in one go.

    Parameters
    ----------
    coin : str                 its name, and its market's, if that is not given
    amount : float             below 0 a debt [coin]
    ratio : float or iterable  share of its value that counts, 0 to 1; or rows of (floor of the
                               value, share of what is above it), floors rising from 0 and shares
                               falling [1; floors: quote]
    buying : float             what a unit of a requirement or a debt in the coin counts, above 0:
                               the coin has to be bought for it [1]
    market : str               whose mark prices it

    Source: Bitget, "Tiered collateral ratio of the unified account"; Binance, "Multi-assets mode":
    an asset counts at the rate for selling it, a requirement at the rate for buying; both read
    2026-11-26.

    >>> coins = Collateral(coin="BTC", amount=2, ratio=[(0, 1), (100, 0.75)])
    >>> coins.worth(100), coins.risk(100).equity
    (200.0, 175.0)
    """

    coin: str
    amount: float
    ratio: float | Iterable[tuple[float, float]] = 1.0
    buying: float = 1.0
    market: str = ""
    rows: tuple[Row, ...] = field(init=False, repr=False, compare=False)
    contract: Contract = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keep_number(self, "amount", f"{self.coin} amount")
        keep_number(self, "buying", f"{self.coin} buying", above=0)
        rows: list[Row] = []
        many = isinstance(self.ratio, Iterable)
        given: Any = self.ratio if many else [(0.0, self.ratio)]
        shares = each_of_type(f"{self.coin} ratio", given, Sequence)
        if any(len(row) != 2 for row in shares):
            raise MarginError(f"{self.coin} ratio", "must be rows of floor and share", shares)
        for floor, share in shares:
            below, above, amount, _ = rows[-1] if rows else (-1.0, 1.0, 0.0, None)
            floor = one_number(f"{self.coin} floor", floor, above=below)
            share = one_number(f"{self.coin} ratio", share, at_least=0)
            if share > above:
                raise MarginError(f"{self.coin} ratio", f"must be at most {above:g}", share)
            rows.append((floor, share, amount + floor * (share - above), None))
        if not rows or rows[0][0]:
            raise MarginError(f"{self.coin} ratio", "must start with a floor of 0", self.ratio)
        object.__setattr__(self, "rows", tuple(rows))
        if many:
            object.__setattr__(self, "ratio", tuple((floor, share) for floor, share, *_ in rows))
        object.__setattr__(self, "market", self.market or self.coin)
        floors = Tiers((floor, 0) for floor, *_ in rows)
        held = Contract(
            symbol=self.symbol, market=self.market, maintenance=floors, settle=self.coin
        )
        object.__setattr__(self, "contract", held)

    @property
    def symbol(self) -> str:
        """The coin's name among the symbols of the account: "BTC held"."""
        return f"{self.coin} held"

    @property
    def quantity(self) -> float:
        """The amount, under the name that it has for a position [coin]."""
        return self.amount

    def mark(self, marks: Marks | None) -> Number:
        """The mark price of the coin [quote per coin].

        Errors as for `mark`: `marks` must hold it.

        >>> Collateral(coin="BTC", amount=2).mark({"BTC": 100})
        100
        """
        return mark(marks, self.market)

    def notional(self, price: ArrayLike) -> Number:
        """Value of the coins at a price, all of it [quote].

        Source as for `formulas.notional`.

        >>> Collateral(coin="BTC", amount=2).notional(100)
        200.0
        """
        return formulas.notional(self.amount, price)

    def worth(self, price: ArrayLike) -> Number:
        """What selling all coins brings at a price, or paying the debt costs, below 0 [quote].

        Source as for `formulas.equity_of_cash`.

        >>> Collateral(coin="BTC", amount=-2).worth(100)
        -200.0
        """
        return formulas.equity_of_cash(0, self.amount, price)

    def risk(self, price: ArrayLike) -> Risk:
        """What the coins add to the shared balance: the equity that counts of them.

        Parameters
        ----------
        price : array_like         mark, above 0 [quote per coin]

        Returns
        -------
        Risk                       of the shape of the price [quote]

        Equation and source as for `formulas.counted_collateral`.

        >>> Collateral(coin="BTC", amount=2, ratio=0.75).risk(100).equity
        150.0
        """
        return self._in_quote(Risk(self.amount), number(f"{self.coin} price", price, above=0))

    def _in_quote(self, risk: Risk, price: Number) -> Risk:
        """A risk in the coin, its amount included, as it counts beside the balance."""
        idle, buying = risk.idle * price, self.buying * price
        counted = formulas.counted_collateral(risk.backing * price, self.rows, self.buying)
        required = risk.initial_margin * buying, risk.maintenance_margin * buying
        return Risk(counted + idle, risk.notional * price, *required, risk.at_equality, idle)


def pooled_risk(money: ArrayLike, holdings: Iterable["Holding"], marks: Marks | None) -> Risk:
    """Risk of positions and coins that share a sum of money, whatever own margin they have.

    Parameters
    ----------
    money : array_like         beside the coins [quote; inverse: coin]
    holdings : iterable of Position and Collateral
    marks : Mapping            market -> mark price, numbers or arrays of one shape [quote per coin]

    Returns
    -------
    Risk                       [quote; inverse: coin]

    Raises
    ------
    MarginError                a mark missing or not a positive number

    Equation:  equity = money + Σ pnl + Σ counted coins;  requirement = Σ of each position's, less
    what its conventions (`hedged`) let the legs of one market share

    Source: as for `contracts.Conventions` and `Collateral`.

    >>> pooled_risk(16, [long, Collateral(coin="BTC", amount=2)], {"ETH": 6, "BTC": 100}).equity
    208.0
    """
    holdings = list(holdings)
    coins = [each for each in holdings if isinstance(each, Collateral)]
    legs = [each for each in holdings if isinstance(each, Position)]
    sums = _with_legs(_purses(money, coins), legs, marks)
    return _whole(sums, coins, marks)


Holding = Position | Collateral  # what shares the balance
Purses = dict[str | None, Risk]  # currency -> risk in it; None for the balance's


def _purses(money: ArrayLike, coins: Iterable[Collateral]) -> Purses:
    """The sums of money before any position."""
    return {None: Risk(money), **{each.coin: Risk(each.amount) for each in coins}}


def _with_legs(
    purses: Purses, legs: Iterable[Position], marks: Marks | None, today: Number | None = None
) -> Purses:
    """The sums with positions that share them, each in the currency that it settles in."""
    purses = dict(purses)
    hedges: dict[tuple[str, str | None, str], list[Position]] = {}
    for leg in legs:
        contract, price = leg.contract, leg.mark(marks)
        coin = contract.settle if contract.settle in purses else None
        purses[coin] = purses[coin] + leg._stand(price, today)
        rule = contract.conventions.hedged
        if rule != "both":
            hedges.setdefault((contract.market, coin, rule), []).append(leg)
    for (market, coin, _), covering in hedges.items():
        purses[coin] = purses[coin] + _relief(covering, mark(marks, market), today)
    return purses


def _whole(purses: Purses, coins: Iterable[Collateral], marks: Marks | None) -> Risk:
    """All sums together, in the balance's currency."""
    total = purses[None]
    for each in coins:
        total = total + each._in_quote(purses[each.coin], each.mark(marks))
    return total


def both_sides(legs: Iterable[Position]) -> tuple[list[Position], list[Position]]:
    """The longs and the shorts among positions.

    Parameters
    ----------
    legs : iterable of Position

    Returns
    -------
    (list, list)               longs, shorts

    >>> [[leg.quantity for leg in side] for side in both_sides([short, long])]
    [[4.0], [-4.0]]
    """
    legs = list(legs)
    return [leg for leg in legs if leg.quantity > 0], [leg for leg in legs if leg.quantity < 0]


def _relief(legs: Sequence[Position], price: Number, today: Number | None) -> Risk:
    """What the legs of one market are let off, below 0, because the two sides cover each other.

    The requirement is that of the larger side, or of what the other side does not cover; counted
    fees of closing are asked of all that is open.
    """
    sides = both_sides(legs)
    apart = [sum((leg._stand(price, today) for leg in side), Risk(0)) for side in sides]
    both = apart[0] + apart[1]
    if not all(sides):
        return Risk(0)
    if legs[0].contract.conventions.hedged == "larger":
        initial = np.maximum(*(side.initial_margin for side in apart))
        required = np.maximum(*(side.maintenance_margin for side in apart))
    else:
        held = [abs(sum(leg.units for leg in side)) for side in sides]
        share = abs(held[0] - held[1]) / max(held)  # of the larger side, that nobody covers
        initial = required = 0 * both.notional
        for leg in sides[held[1] > held[0]] if share else ():
            part = replace(leg, quantity=leg.quantity * share)
            risk = part._stand(price, today)
            fee = leg.contract.counted_fee * part._asked_of(price, today)
            initial, required = (
                initial + risk.initial_margin,
                required + risk.maintenance_margin - fee,
            )
        fees = (leg.contract.counted_fee * leg._asked_of(price, today) for leg in legs)
        required = required + sum(fees)
    let_off = initial - both.initial_margin, required - both.maintenance_margin
    return Risk(0, 0, *let_off, both.at_equality)


@dataclass(frozen=True, slots=True)
class Event:
    """What an operation did, with a ledger of who got how much.

    Parameters
    ----------
    kind : str                 "opened", "closed", "turned", "margin added", "margin removed",
                               "mode switched", "leverage set", "funding paid", "interest paid" or
                               "liquidated"
    symbols : tuple of str     the positions concerned
    transfers : Mapping        party -> money received; the sum is zero [quote; in the coin, where a
                               contract settles in one]

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


def coin_party(coin: str) -> str:
    """Name of the coins held as collateral as a party in a ledger.

    Parameters
    ----------
    coin : str

    Returns
    -------
    str

    >>> coin_party("BTC")
    'balance BTC'
    """
    return f"balance {coin}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A shared balance and positions, isolated and cross side by side.

    Parameters
    ----------
    balance : float            shared money: not locked in isolated margin, before unrealised PnL;
                               below 0 only while a cross position or a coin is there [quote]
    positions : tuple          of Position, one a symbol. All settle in the balance's currency, or,
                               if they are cross, in a coin that is among the collateral
    collateral : tuple         of Collateral, one a coin; its amount may be 0

    Equations:  wallet balance = balance + locked margin;
    equity = wallet balance + unrealised PnL + counted coins

    >>> shared.balance, shared.equity({"ETH": 9}), apart.locked_margin
    (16.0, 20.0, 16.0)
    """

    balance: float
    positions: Sequence[Position] = ()
    collateral: Sequence[Collateral] = field(default=(), repr=False)
    cross: tuple[Position, ...] = field(init=False, repr=False, compare=False)
    isolated: tuple[Position, ...] = field(init=False, repr=False, compare=False)
    _by_symbol: dict[str, Position] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keep_number(self, "balance", "balance")
        positions = each_of_type("positions", self.positions, Position)
        coins = each_of_type("collateral", self.collateral, Collateral)
        cross = tuple(position for position in positions if position.margin is None)
        isolated = tuple(position for position in positions if position.margin is not None)
        by_symbol = {position.symbol: position for position in positions}
        kept = {"positions": positions, "collateral": coins, "cross": cross, "isolated": isolated}
        for name, value in {**kept, "_by_symbol": by_symbol}.items():
            object.__setattr__(self, name, value)
        if len(by_symbol) < len(positions):
            symbols = [position.symbol for position in positions]
            raise MarginError("positions", "must have one position a symbol", symbols)
        held = {each.coin for each in coins}
        if len(held) < len(coins):
            raise MarginError("collateral", "must hold a coin once", [each.coin for each in coins])
        apart = {position.contract.settle for position in isolated}
        settled = {position.contract.settle for position in cross} - held | apart
        # Coins are priced in quote money, so a balance beside them is quote money, too.
        in_coin = any(p.contract.inverse and p.contract.settle in settled for p in positions)
        if len(settled) > 1 or apart & held or coins and in_coin:
            rule = "must settle in the balance's currency or, in cross, in coins held as collateral"
            raise MarginError("positions", rule, sorted(settled))
        if not cross and not coins:
            one_number("balance", self.balance, at_least=0)

    # What the account holds

    def __getitem__(self, symbol: str) -> Position:
        """The position in `symbol`; MarginError if there is none."""
        if symbol in self:
            return self._by_symbol[symbol]
        held = ", ".join(self._by_symbol) or "nothing"
        raise MarginError("symbol", f"must be one the account holds ({held})", symbol)

    def __contains__(self, symbol: object) -> bool:
        return isinstance(symbol, str) and symbol in self._by_symbol

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """What shares the balance: cross positions, and coins held as collateral."""
        return (*self.cross, *self.collateral)

    @property
    def pockets(self) -> list[tuple[str | None, Sequence[Position], float]]:
        """(symbol, positions, money) of each pocket; the balance, without symbol, first [quote]."""
        own = ((position.symbol, [position], position.own_margin) for position in self.isolated)
        return [(None, self.cross, self.balance), *own]

    @property
    def locked_margin(self) -> float:
        """Sum of the isolated margins [quote]."""
        return sum(position.own_margin for position in self.isolated)

    @property
    def wallet_balance(self) -> float:
        """Balance + locked margin: all money beside coins, before unrealised PnL [quote]."""
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

        >>> shared.risk({"ETH": 6}).equity, shared.risk({"ETH": 6}).maintenance_margin
        (8.0, 6.0)
        """
        if symbol is not None and self[symbol].margin is not None:
            return self[symbol].risk(self[symbol].mark(marks))
        return pooled_risk(self.balance, self.holdings, marks)

    def equity(self, marks: Marks | None = None) -> Number:
        """Shared and isolated equity together: money + unrealised PnL + counted coins [quote].

        Parameters and errors as for `risk`.

        >>> apart.equity({"ETH": 6})
        32.0
        """
        own = (position.risk(position.mark(marks)).equity for position in self.isolated)
        return self.risk(marks).equity + sum(own)

    def available_balance(self, marks: Marks | None = None) -> Number:
        """Shared equity that counts and no cross position's initial margin holds [quote].

        Parameters and errors as for `risk`.

        >>> shared.available_balance({"ETH": 8}), shared.available_balance({"ETH": 6})
        (0.0, -4.0)
        """
        return self.risk(marks).available

    def removable(self, marks: Marks | None, symbol: str | None = None) -> float:
        """How much margin can be taken out of an isolated position, or moved out of the balance.

        Parameters
        ----------
        marks : Mapping            mark of the position; of all cross positions and coins without a
                                   symbol [quote per coin]
        symbol : str or None       an isolated position; None for the shared balance

        Returns
        -------
        float                      never below 0 [quote]

        Raises
        ------
        MarginError                a cross position; a mark missing or not a positive number

        Equation:  min(margin, equity − max(initial margin at the mark, kept · notional)), and
        always more than the maintenance margin stays; of the balance: min(available balance, money
        and coins without unrealised profit), and the same

        Source: Hyperliquid documentation, "Margining" (transfer requirements: the larger of the
        initial margin and a tenth of the notional), read 2026-11-26.

        >>> account, _ = apart.add_margin("ETH", 4)
        >>> account.removable({"ETH": 8}, "ETH"), account.removable({"ETH": 8.5}, "ETH")
        (4.0, 1.0)
        """
        marks = checked_marks(marks)
        if symbol is None:
            return max(self._movable(marks), 0.0)
        self._must_be(symbol, "isolated")
        position, price = self[symbol], self[symbol].mark(marks)
        risk = position.risk(price)
        initial = formulas.initial_margin(risk.notional, position.leverage)
        kept = max(initial, position.contract.conventions.kept * risk.notional, _just_alive(risk))
        return max(min(position.own_margin, risk.equity - kept), 0.0)

    def _movable(self, marks: Marks) -> float:
        """Available money that is no unrealised profit: only that can leave the balance."""
        money, risk = pooled_risk(self.balance, self.collateral, marks).equity, self.risk(marks)
        return min(risk.available, money, risk.backing - _just_alive(risk))

    def liquidation_price(self, symbol: str, marks: Marks | None = None) -> Number:
        """Mark price of `symbol` at which its pocket is liquidated, the other marks held.

        Isolated: the collateral is the position's margin, and no other price matters. Cross: it is
        the balance plus the other cross positions' profit less their maintenance margin. All that
        stands in the market moves, the other leg of a hedge and coins held included. `marks` may
        hold arrays: the result is then the boundary between life and liquidation, point by point.

        Parameters
        ----------
        symbol : str               an isolated position or one of the cross positions
        marks : Mapping            marks of the other cross positions and coins; where something
                                   else stands in the market, and where a venue freezes maintenance
                                   at today's mark, of its own market too [quote per coin]

        Returns
        -------
        float or ndarray           in the direction in which the position loses, if the pocket can
                                   die there, else in the other; NaN for "never", and the rest as
                                   for `formulas.liquidation_price` [quote per coin]

        Raises
        ------
        MarginError                unknown symbol, a mark missing

        Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts".

        >>> shared.liquidation_price("ETH")   # 16 + 4 (P − 8) = P
        5.333333333333333
        >>> coins = [Collateral(coin="ETH", amount=4)]
        >>> unified = Account(balance=0, positions=[long], collateral=coins)
        >>> unified.liquidation_price("ETH", {"ETH": 8})   # 4 P + 4 (P − 8) = P
        4.571428571428571
        """
        position = self[symbol]
        if not self._stands_alone(position):
            return self._price(position, marks, "cushion")
        known = marks is not None and position.contract.market in marks
        spare = self.collateral_behind(symbol, marks).cushion
        return position.liquidation_price(spare, position.mark(marks) if known else None)

    def bankruptcy_price(self, symbol: str, marks: Marks | None = None) -> Number:
        """Mark price of `symbol` at which its pocket's equity is zero, the other marks held.

        As `liquidation_price`, without any maintenance margin.

        Parameters, returns and errors as for `liquidation_price`. Equation and source as for
        `formulas.bankruptcy_price`.

        >>> shared.bankruptcy_price("ETH")
        4.0
        """
        position = self[symbol]
        if not self._stands_alone(position):
            return self._price(position, marks, "equity")
        equity = self.collateral_behind(symbol, marks).equity
        return formulas.bankruptcy_price(
            position.entry_price, position.units, equity, position.contract.inverse
        )

    def liquidation_range(self, market: str, marks: Marks | None) -> tuple[Number, Number]:
        """The two prices of a market beyond which the shared balance is liquidated.

        In hedge mode a long and a short follow one market: it can be liquidated in both
        directions, in one, or in none. The other marks are held.

        Parameters
        ----------
        market : str               followed by at least one cross position
        marks : Mapping            market -> mark price, of all cross positions and coins, numbers
                                   or arrays of one shape [quote per coin]

        Returns
        -------
        (float or ndarray, same)   lower and upper price, NaN for "never"; both the mark itself
                                   where the balance is liquidated already [quote per coin]

        Raises
        ------
        MarginError                no cross position follows the market; a mark missing

        Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts"
        (hedge mode).

        Equation:  balance + Σ pnl(P) = Σ maintenance(P), the next solution on either side

        >>> held = [Position(contract=Contract(symbol=name, market="ETH", maintenance=0.25),
        ...                  quantity=quantity, entry_price=8, leverage=2)
        ...         for name, quantity in (("long", 8), ("short", -4))]
        >>> Account(balance=28, positions=held).liquidation_range("ETH", {"ETH": 8})
        (4.0, nan)
        """  # −4 + 4 P = 3 P
        if market not in [position.contract.market for position in self.cross]:
            raise MarginError("market", "must be one that a cross position follows", market)
        return self._zeros(market, marks, "cushion")

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
        span : Mapping             symbol -> (low, high), the sides of the box, above 0
                                   [quote per coin]
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

        >>> ltc = Position(contract=Contract(symbol="LTC"), quantity=4, entry_price=2, leverage=2)
        >>> two = Account(balance=16, positions=[long, ltc])   # 16 + 4 (E − 8) + 4 (L − 2) = E
        >>> two.wall("ETH", "LTC", {"ETH": (4, 8), "LTC": (1.5, 3)})
        array([[4. , 3. ],
               [6. , 1.5]])
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

    def collateral_behind(self, symbol: str, marks: Marks | None = None) -> Risk:
        """What carries a position: its margin, or the balance and what is in other markets.

        Its cushion is the collateral of `Position.liquidation_price`.

        Parameters
        ----------
        symbol : str
        marks : Mapping            those of the cross positions and coins in other markets

        Returns
        -------
        Risk

        Raises
        ------
        MarginError                unknown symbol, a mark missing

        >>> shared.collateral_behind("ETH").cushion, apart.collateral_behind("ETH").cushion
        (16.0, 16.0)
        """
        position = self[symbol]
        if position.margin is not None:
            return Risk(position.margin)
        here = position.contract.market
        rest = [each for each in self.holdings if each.contract.market != here]
        return pooled_risk(self.balance, rest, marks)

    # How prices are found

    def _stands_alone(self, position: Position) -> bool:
        """Whether nothing else of its pocket moves with its market, and the closed form holds."""
        contract = position.contract
        if position.margin is not None:
            return True
        if contract.conventions.profit != "backs all":
            return False
        if any(each.coin == contract.settle for each in self.collateral):
            return False
        others = (each for each in self.holdings if each is not position)
        return all(each.contract.market != contract.market for each in others)

    def _price(self, position: Position, marks: Marks | None, of: str) -> Number:
        """The zero of something in the losing direction, if there is one, else in the other.

        Where it is used up already, it is the price at which there would be something again.
        """
        market = position.contract.market
        gone = np.less_equal(getattr(self.risk(marks), of), 0)
        low, high = self._zeros(market, marks, of, np.where(gone, -1, 1))
        falls = np.not_equal(position.quantity > 0, gone)
        first, second = np.where(falls, low, high), np.where(falls, high, low)
        found = np.where(np.isnan(first), second, first)
        nowhere = np.inf if position.quantity > 0 else 0.0  # no price keeps it alive
        return as_scalar(np.where(np.isnan(found) & gone, nowhere, found))

    def _zeros(
        self, market: str, marks: Marks | None, of: str, turn: Number = 1
    ) -> tuple[Number, Number]:
        """Prices of a market, below and above its mark, at which a part of the risk is used up."""
        here = [position for position in self.cross if position.contract.market == market]
        rest = [position for position in self.cross if position.contract.market != market]
        coins = self.collateral
        known = {each.contract.market: each.mark(marks) for each in self.holdings}
        now = sum(price - price for price in known.values()) + known[market]  # of one shape
        inverse = here[0].contract.inverse and not coins  # straight in the reciprocal price
        fixed = _with_legs(_purses(self.balance, coins), rest, known)

        def purses(at: Number) -> tuple[Purses, Marks]:
            there = {**known, market: 1 / at if inverse else at}
            return _with_legs(fixed, here, there, now), there

        def value(at: Number) -> Number:
            sums, there = purses(at)
            return turn * getattr(_whole(sums, coins, there), of)

        def signs(at: Number) -> Number:
            """What changes its sign where a line bends, beside the floors of tables."""
            sums, there = purses(at)
            asked = dict.fromkeys((leg.contract.settle for leg in here), 0)
            profit = []
            for leg in here:
                risk = leg._stand(leg.mark(there), now)
                # In the coin it is straight in the reciprocal price, so its value is in the price.
                unit = there[market] if leg.contract.inverse and not inverse else 1
                profit.append(unit * (risk.equity - risk.maintenance_margin))
                asked[leg.contract.settle] += unit * np.sign(leg.quantity) * risk.maintenance_margin
            held = [(sums[coin.coin].backing * coin.mark(there), coin.rows) for coin in coins]
            worth = [value - floor for value, rows in held for floor, *_ in rows]
            return np.stack(np.broadcast_arrays(*asked.values(), *profit, *worth))

        kinks = [1 / at if inverse else at for leg in here for at in _floors(leg, here)]
        start = 1 / now if inverse else now
        if coins or not all(leg.contract.conventions.adds_up for leg in here):
            kinks = formulas.with_crossings(signs, kinks, start)
        if coins:  # a bend of a profit bends what coins are worth
            kinks = formulas.with_crossings(signs, kinks, start)
        low, high = formulas.nearest_zeros(value, kinks, start)
        return (1 / high, 1 / low) if inverse else (low, high)

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

        Added at another leverage, what is added asks for its own initial margin; then the whole
        position has the new leverage, and the margin that it holds stays.

        Parameters
        ----------
        contract : Contract
        quantity : float           signed [coin; inverse: quote]
        price : float              fill price, above 0 [quote per coin]
        leverage : float           at least 1 [1]
        mode : str                 "isolated" or "cross"
        margin : float or None     isolated: money to lock, at least the initial margin, which is
                                   also the default [quote]
        marks : Mapping            marks of the cross positions and coins; of the contract's market,
                                   if the fill is not at the mark [quote per coin]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                not enough available balance for `order_cost`; a position
                                   liquidated at birth, or one that takes from the cross positions
                                   what keeps them alive

        Equation:  order cost <= available balance, and for an isolated margin <= what is no
        unrealised profit, which cannot be moved

        Source: definition of initial margin; claim T2 of the course.

        >>> dear = Contract(symbol="ETH", maintenance=0.25, taker_fee=0.125)
        >>> account, event = Account(balance=8).open(
        ...     dear, quantity=-4, price=4, leverage=4, mode="cross"
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
            margin=0.0 if mode == "isolated" else None,
        )
        symbol = new.symbol
        marks = {contract.market: new.entry_price, **checked_marks(marks)}
        needed, loss, fee = _cost(new, marks)
        locked = needed if margin is None else one_number("margin", margin)
        self._check_leverage(new)
        if locked < needed * (1 - ROUNDING):
            raise MarginError("margin", f"must be at least the initial margin {needed:g}", margin)
        cost = locked + loss + fee
        if symbol in self:
            old = self[symbol]
            new = old.grown_by(new)
            if mode == "cross":
                cost += _asked_anew(old, leverage, marks)
        free = self._free(contract, mode, marks)
        if cost > free + ROUNDING * needed:
            raise MarginError("margin and fee", self._bound(free, mode, marks), cost)
        purse = self._party(new) if mode == "cross" else "balance"
        ledger = [_move(purse, "exchange", fee)]
        if mode == "isolated":
            locked = min(locked, free - fee)  # not an ulp more than there is
            if locked + fee > free:
                locked = math.nextafter(locked, 0)
            ledger.append(_move("balance", margin_party(symbol), locked))
        event = Event.of("opened", [symbol], *ledger)
        return self._next(event, self._put(new))._check_alive(marks, symbol, None), event

    def _free(self, contract: Contract, mode: str, marks: Marks) -> float:
        """What an order may cost, in the currency that its contract settles in."""
        free = self._movable(marks) if mode == "isolated" else self.available_balance(marks)
        for coin in self.collateral:
            if coin.coin == contract.settle and mode == "cross":
                return free / (coin.buying * coin.mark(marks))
        return free

    def _bound(self, free: float, mode: str, marks: Marks) -> str:
        """The rule that an order or a transfer breaks: which money it may use, and how much."""
        less = mode == "isolated" and free < self.available_balance(marks)
        money = "money that may leave the balance," if less else "available balance"
        return f"must not exceed the {money} {free:g}"

    def order_cost(
        self,
        contract: Contract,
        *,
        quantity: float,
        price: float,
        leverage: float,
        marks: Marks | None = None,
    ) -> float:
        """What an order asks of the available balance: margin, loss on being filled, and fee.

        Parameters
        ----------
        contract : Contract
        quantity : float           signed [coin; inverse: quote]
        price : float              at which it is filled, above 0 [quote per coin]
        leverage : float           at least 1 [1]
        marks : Mapping            of the contract's market; filled at the mark without it
                                   [quote per coin]

        Returns
        -------
        float                      in the currency that the contract settles in [quote]

        Errors as for `open`.

        Equation:  initial margin at the price + max(0, −pnl from the price to the mark) + fee

        Source: Aster, "Cost of an order"; OrangeX, "Open loss"; both read 2026-11-26.

        >>> Account(balance=0).order_cost(eth, quantity=4, price=8, leverage=2, marks={"ETH": 7})
        20.0
        """
        order = Position(contract=contract, quantity=quantity, entry_price=price, leverage=leverage)
        return sum(_cost(order, {contract.market: order.entry_price, **checked_marks(marks)}))

    def largest_order(
        self,
        contract: Contract,
        *,
        price: float,
        leverage: float,
        side: int = 1,
        mode: str = "isolated",
        marks: Marks | None = None,
    ) -> float:
        """The largest order that can be opened: paid for, with its fee, and alive at once.

        Parameters
        ----------
        contract : Contract
        price : float              at which it is filled, above 0 [quote per coin]
        leverage : float           at least 1; the table may cap the size for it [1]
        side : int                 1 to buy, -1 to sell [1]
        mode : str                 "isolated" or "cross"
        marks : Mapping            as for `open`

        Returns
        -------
        float                      signed; what is open on the other side is closed first [coin;
                                   inverse: quote]

        Raises
        ------
        MarginError                an unknown word or side; what `close` refuses

        Equation, solved for the quantity:  order cost = available balance; where a pocket would not
        live with so much, the largest with which it does

        Source: MetaMask mobile, pull request 27417 (2 USD at 3x with a fee of 0.045 % buy 5.9919),
        read 2026-11-26.

        >>> Account(balance=2).largest_order(eth, price=8, leverage=2)
        0.5
        """
        if side not in (1, -1):
            raise MarginError("side", "must be 1 or -1", side)
        held = self[contract.symbol].quantity if contract.symbol in self else 0.0
        least = abs(held) if held * side < 0 else 0.0  # It closes so much first, for nothing.
        account = self.close(contract.symbol, price=price, marks=marks)[0] if least else self
        one = Position(contract=contract, quantity=side, entry_price=price, leverage=leverage)
        marks = {contract.market: one.entry_price, **checked_marks(marks)}
        free = account._free(contract, mode, marks)
        if mode == "cross" and contract.symbol in account:
            free -= _asked_anew(self[contract.symbol], leverage, marks)

        def is_refused(size: float) -> bool:
            how: dict[str, Any] = {"price": price, "leverage": leverage, "mode": mode}
            try:
                self.trade(contract, quantity=side * size, **how, marks=marks)
            except MarginError:
                return True
            return False

        most = least + max(free, 0.0) / sum(_cost(one, marks))
        if is_refused(most):  # The table caps less, or a pocket dies of so much at once.
            for _ in range(HALVINGS):
                middle = (least + most) / 2
                least, most = (least, middle) if is_refused(middle) else (middle, most)
            most = least
        return side * most

    def trade(
        self,
        contract: Contract,
        *,
        quantity: float,
        price: float,
        leverage: float | None = None,
        mode: str | None = None,
        reduce_only: bool = False,
        marks: Marks | None = None,
    ) -> "Done":
        """One order as people give it: it closes what is open on the other side, the rest opens.

        Parameters
        ----------
        contract : Contract
        quantity : float           signed [coin; inverse: quote]
        price : float              fill price, above 0 [quote per coin]
        leverage : float or None   of what opens; None for that of the open position [1]
        mode : str or None         the same; None for isolated where nothing is open
        reduce_only : bool         the order is cut to what is open
        marks : Mapping            as for `open`

        Returns
        -------
        (Account, Event)           "opened", "closed", or "turned" where it did both

        Raises
        ------
        MarginError                nothing to reduce; no leverage for what opens; what `open` and
                                   `close` refuse

        Equation:  balance grows by the profit of the closed part, less both fees

        Source: NautilusTrader, issues 963 and 1083: a buy of 375.8 turns a short of 1.1 into a long
        of 374.7 at the price of the fill; read 2026-11-26.

        >>> account, event = apart.trade(eth, quantity=6, price=6, marks={"ETH": 6})
        >>> event.kind, account["ETH"].quantity, account["ETH"].entry_price, account.balance
        ('turned', 2.0, 6.0, 26.0)
        """
        quantity, held = one_number("quantity", quantity), self._by_symbol.get(contract.symbol)
        rest, account, done = quantity, self, []
        if held is not None and held.quantity * quantity < 0:
            part = math.copysign(min(abs(quantity), abs(held.quantity)), held.quantity)
            account, event = self.close(contract.symbol, price=price, quantity=part, marks=marks)
            rest, done = quantity + part, [event]
            if reduce_only or abs(rest) <= ROUNDING * abs(quantity):
                return account, event
        if reduce_only:
            raise MarginError("quantity", "must reduce what is open", quantity)
        if held is not None:
            leverage, mode = leverage or held.leverage, mode or held.mode
        if leverage is None:
            raise MarginError("leverage", "must be given where nothing is open", leverage)
        account, event = account.open(
            contract,
            quantity=rest,
            price=price,
            leverage=leverage,
            mode=mode or "isolated",
            marks=marks,
        )
        if done:
            event = Event.of("turned", [contract.symbol], done[0].transfers, event.transfers)
        return account, event

    def holding(self, coin: str, share: float, price: float, ratio: float = 1.0) -> "Account":
        """The account with a part of its balance held in a coin, as collateral.

        An isolated margin stays as it is.

        Parameters
        ----------
        coin : str                 market whose price the collateral follows
        share : float              of the balance, 0 to 1 [1]
        price : float              of the coin when it is put in, above 0 [quote per coin]
        ratio : float              as for `Collateral` [1]

        Returns
        -------
        Account

        Raises
        ------
        MarginError                coins of this name are there already

        Equation:  equity = balance · (1 − share + ratio · share · price now / price then)

        >>> Account(balance=8).holding("BTC", share=0.5, price=4).equity({"BTC": 2})
        6.0
        """
        if one_number("share", share, at_least=0) > 1:
            raise MarginError("share", "must be at most 1", share)
        money, price = self.balance * share, one_number("price", price, above=0)
        if not money:
            return self
        coins = Collateral(coin=coin, amount=money / price, ratio=ratio)
        return replace(self, balance=self.balance - money, collateral=(*self.collateral, coins))

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
        price : float              fill price, above 0 [quote per coin]
        quantity : float or None   how much of the position, of its sign; None for all of it [coin]
        marks : Mapping            marks of the other cross positions and coins; of its own market,
                                   if the fill is not at the mark [quote per coin]

        Returns
        -------
        (Account, Event)           an isolated position gives back margin in the same share

        Raises
        ------
        MarginError                more than is open, the other side, a position beyond its means
                                   (liquidate it)

        Equation:  balance grows by margin share + closed quantity · (price − entry) − fee

        Source: the profit of a part is its share of the profit.

        >>> account, event = apart.close("ETH", price=6, quantity=-1)
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
        marks = {position.contract.market: price, **checked_marks(marks)}
        self._check_alive(marks, symbol)
        gain = position.pnl(price) * share
        fee = position.notional(price) * share * position.contract.taker_fee
        purse = self._party(position) if position.margin is None else "balance"
        ledger = [{purse: gain - fee, "market": -gain, "exchange": fee}]
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
        marks : Mapping            marks of the cross positions and coins [quote per coin]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                a cross position; what keeps the cross positions alive

        Equation:  margin grows by what the balance loses

        Source: definition of isolated margin.

        >>> account, event = apart.add_margin("ETH", 4)
        >>> account.balance, account["ETH"].margin
        (4.0, 20.0)
        """
        self._must_be(symbol, "isolated")
        amount = one_number("amount", amount, at_least=0)
        marks = checked_marks(marks)
        free = self._movable(marks)
        if amount > free:
            raise MarginError("amount", self._bound(free, "isolated", marks), amount)
        event = Event.of("margin added", [symbol], _move("balance", margin_party(symbol), amount))
        return self._next(event, self.positions), event

    def remove_margin(self, symbol: str, amount: float, marks: Marks) -> "Done":
        """Move money from an isolated position's margin back to the balance.

        Parameters
        ----------
        symbol : str
        amount : float             at least 0, at most what is `removable` [quote]
        marks : Mapping            mark of the position [quote per coin]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                a cross position; what is left would be liquidated at once

        Equation:  margin loses what the balance gains

        Source as for `removable`.

        >>> account, _ = apart.add_margin("ETH", 4)
        >>> account, event = account.remove_margin("ETH", 3, {"ETH": 8})
        >>> account.balance, account["ETH"].margin, account.liquidation_price("ETH")
        (7.0, 17.0, 9.8)
        """
        amount = one_number("amount", amount, at_least=0)
        most = self.removable(marks, symbol)
        if amount > most + ROUNDING * self[symbol].own_margin:
            raise MarginError("amount", f"must not exceed what can be taken out, {most:g}", amount)
        event = Event.of("margin removed", [symbol], _move(margin_party(symbol), "balance", amount))
        after = self._next(event, self.positions)
        return after._check_alive(checked_marks(marks), symbol), event

    def set_leverage(self, symbol: str, leverage: float, marks: Marks) -> "Done":
        """Choose another leverage for an open position: margin is asked for, or freed.

        Parameters
        ----------
        symbol : str
        leverage : float           at least 1, at most the table's cap for the size [1]
        marks : Mapping            marks of the position, of all cross positions and coins
                                   [quote per coin]

        Returns
        -------
        (Account, Event)           isolated: the margin changes as the initial margin at entry does;
                                   cross: only what the position asks of the balance

        Raises
        ------
        MarginError                not enough available balance for what is asked; what is freed
                                   cannot be taken out; a pocket that is to be liquidated

        Equation:  margin grows by notional at entry / new leverage − notional at entry / old one

        Source: Bybit, "Adjusting the leverage of an open position", read 2026-11-26.

        >>> account, event = apart.set_leverage("ETH", 3.2, {"ETH": 8})
        >>> account["ETH"].leverage, account["ETH"].margin, event.transfers
        (3.2, 10.0, {'margin ETH': -6.0, 'balance': 6.0})
        """
        old, marks = self[symbol], checked_marks(marks)
        new = replace(old, leverage=leverage)
        self._check_leverage(new, whole=True)
        account = replace(self, positions=self._put(new))
        event = Event("leverage set", (symbol,))
        if old.margin is None:
            free = account.available_balance(marks)
            if new.leverage < old.leverage and free < 0:
                raise MarginError(
                    "leverage", f"must leave an available balance, not {free:g}", leverage
                )
            return account._check_alive(marks, symbol), event
        asked, held = (p.risk(p.entry_price).initial_margin for p in (new, old))
        change = account.add_margin if asked > held else account.remove_margin
        account, moved = change(symbol, abs(asked - held), marks)
        account._check_alive(marks, symbol, None)  # a little more margin may still be too little
        return account, replace(event, transfers=moved.transfers)

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

        >>> after, event = shared.switch_mode("ETH", "isolated", {"ETH": 8})
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
            move = _move(margin_party(symbol), "balance", position.own_margin)
            switched = replace(position, margin=None)
        else:
            at_entry = position.risk(position.entry_price).initial_margin
            margin = one_number("margin", at_entry if margin is None else margin, above=0)
            if margin > self.balance + ROUNDING * margin:
                raise MarginError("margin", f"must not exceed the balance {self.balance:g}", margin)
            move = _move("balance", margin_party(symbol), min(margin, self.balance))
            switched = replace(position, margin=0.0)
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

        >>> account, event = apart.pay_funding({"ETH": 0.125}, {"ETH": 8})
        >>> account["ETH"].margin, event.transfers
        (20.0, {'other traders': -4.0, 'margin ETH': 4.0})
        """
        marks = checked_marks(marks)
        rates = {symbol: one_number(f"{symbol} rate", rate) for symbol, rate in rates.items()}
        cash = {s: self[s].funding(self[s].mark(marks), rate) for s, rate in rates.items()}
        return self._pay("funding paid", cash, "other traders")

    def pay_interest(
        self, hourly_rates: Mapping[str, float], hours: float, past: float = 0
    ) -> "Done":
        """Interest on what is borrowed, out of isolated margins, and the balance for cross.

        Parameters
        ----------
        hourly_rates : Mapping     symbol -> rate; symbols left out pay nothing [1 per hour]
        hours : float              time since the last payment; a started hour counts, at least 0
                                   [hour]
        past : float               as for `formulas.interest`, where hours of the clock are charged;
                                   for the first payment alone [hour]

        Returns
        -------
        (Account, Event)

        Raises
        ------
        MarginError                a rate for a symbol that is not held, or below 0

        Equation:  cash = −borrowed · hourly rate · ⌈hours + past⌉

        Source as for `formulas.interest`.

        >>> account, event = apart.pay_interest({"ETH": 0.125}, hours=1.5)   # of 16
        >>> account["ETH"].margin, event.transfers
        (12.0, {'lender': 4.0, 'margin ETH': -4.0})
        """
        hours = one_number("hours", hours, at_least=0)
        rates = {s: one_number(f"{s} rate", r, at_least=0) for s, r in hourly_rates.items()}
        cash = {
            s: -formulas.interest(self[s].borrowed, rate, hours, past=past)
            for s, rate in rates.items()
        }
        return self._pay("interest paid", cash, "lender")

    # How the operations are made

    def _pay(self, kind: str, cash: Mapping[str, float], counterparty: str) -> "Done":
        """Move cash (above 0: received) between each position's pocket and a counterparty."""
        ledgers = []
        for symbol, money in cash.items():
            ledgers.append(_move(counterparty, self._party(self[symbol]), money))
        event = Event.of(kind, cash, *ledgers)
        return self._next(event, self.positions), event

    def _next(self, event: Event, positions: Iterable[Position]) -> "Account":
        """The account after an event: only the event's ledger moves money."""
        after = []
        for position in positions:
            received = event.received(margin_party(position.symbol))
            if received and position.margin is not None:
                position = replace(position, margin=position.margin + received)
            after.append(position)
        coins = []
        for coin in self.collateral:
            received = event.received(coin_party(coin.coin))
            coins.append(replace(coin, amount=coin.amount + received) if received else coin)
        money = self.balance + event.received("balance")
        return Account(balance=money, positions=after, collateral=coins)

    def _party(self, position: Position) -> str:
        """Who receives a position's cash: its margin, the balance, or the coins it settles in."""
        if position.margin is not None:
            return margin_party(position.symbol)
        coin = position.contract.settle
        return coin_party(coin) if any(coin == each.coin for each in self.collateral) else "balance"

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

    def _check_leverage(self, new: Position, whole: bool = False) -> None:
        """The leverage cap of the tier that the whole position would be in."""
        held = self[new.symbol].quantity if new.symbol in self and not whole else 0
        larger = replace(new, quantity=new.quantity + held) if new.quantity + held else new
        cap = new.contract.maintenance.at(larger.notional(new.entry_price)).max_leverage
        if cap is not None and new.leverage > cap:
            raise MarginError(f"{new.symbol} leverage", f"must be at most {cap:g}", new.leverage)

    def _must_be(self, symbol: str, mode: str) -> None:
        if self[symbol].mode != mode:
            raise MarginError(f"mode of {symbol}", f"must be {mode}", self[symbol].mode)


def _cost(order: Position, marks: Marks) -> tuple[float, float, float]:
    """Initial margin, loss on being filled away from the mark, and fee of an order."""
    value = order.notional(order.entry_price)
    margin = formulas.initial_margin(value, order.leverage)
    loss = formulas.deficit(order.pnl(order.mark(marks)))
    return margin, loss, value * order.contract.taker_fee


def _just_alive(risk: Risk) -> float:
    """The least equity with which a pocket lives: hardly more than its maintenance margin."""
    return risk.maintenance_margin * (1 + ROUNDING)


def _asked_anew(position: Position, leverage: float, marks: Marks) -> float:
    """What a cross position asks for in addition once it has another leverage, below 0 less."""
    price = position.mark(marks)
    asked = position.risk(price).initial_margin
    return replace(position, leverage=leverage).risk(price).initial_margin - asked


def _floors(leg: Position, legs: Sequence[Position]) -> list[float]:
    """Prices at which a position, or its part that the other side does not cover, meets a floor."""
    rules, parts = leg.contract.conventions, [1.0]
    if rules.hedged == "net":
        of = leg.contract.settle
        legs = [
            p for p in legs if p.contract.conventions.hedged == "net" and p.contract.settle == of
        ]
        sides = [sum(p.units for p in side) for side in both_sides(legs)]
        parts.append(abs(sum(sides)) / max(map(abs, sides)))
    floors = [tier.floor for tier in leg.contract.maintenance[1:]]
    values = [abs(leg.units) * part for part in parts if part]
    if rules.maintenance_at != "mark":
        return []
    turn = -1 if leg.contract.inverse else 1
    bends = []
    if leg.contract.growth and leg.contract.inverse:  # straight enough between these
        bends = list(leg.entry_price * NEAR)
    return [(floor / value) ** turn for floor in floors for value in values] + bends


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
    if not isinstance(marks, Mapping) or symbol not in marks:
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
    marks = of_type("marks", {} if marks is None else marks, Mapping)
    return {s: one_number(f"mark of {s}", marks[s], above=0) for s in marks}


def _move(giver: str, taker: str, money: float) -> dict[str, float]:
    """The ledger of one payment."""
    return {giver: -money, taker: money}
