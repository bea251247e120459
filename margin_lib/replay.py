"""An account over one path, event by event.

At each step:

1. Funding and interest that have come due are paid, at the marks at which the bar opens.
2. Pockets are looked at as the bar opens. One that is due is closed at the opening marks: a gap is
   filled where the market is, not at the liquidation price.
3. Pockets that live are looked at on the straight way from the open to the worst prices of the bar:
   lows for what gains with the price, highs for what loses, all at once. One that is due on the way
   is closed there. What a venue that closes step by step leaves open is looked at once more, at
   those worst prices.

In 2 and 3 all pockets are judged before any is closed, the shared balance first: what one returns
comes too late to save another. A plan that watches (auto top-up) acts before each look. The
straight way runs in prices, for inverse contracts in reciprocal prices.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd

from margin_lib import formulas
from margin_lib.account import (
    HALVINGS,
    Account,
    Collateral,
    Done,
    Event,
    Holding,
    Position,
    margin_party,
    pooled_risk,
)
from margin_lib.bars import Bars
from margin_lib.errors import MarginError, as_scalar, of_type, one_number
from margin_lib.liquidation import Step, _Rules, close_due, left_open, mark_to_market, settle
from margin_lib.types import ArrayLike, Marks, Number

Plan = Callable[[int, Account, Marks], Done | None]  # What the owner does at a step.
CheckedMarks = Mapping[str, Number]  # Market -> mark, checked before.
INSIDE = 1e-9  # Of a piece: so far from its ends no rounding decides on which side of a jump it is.
STRAIGHT = 1e-9  # Of its fall: a value that is no further from a straight line is one.


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What holding and losing a position costs.

    Parameters
    ----------
    fee_rate : float or None   liquidation fee, as for `liquidation.liquidate` [1]
    closes : str, number, or a sequence of them    what the venue does, step by step: the same
    lot : float                quantity that closing counts in, at least 0 [contract]
    backstop : float           share of the maintenance margin below which all is taken over, at
                               least 0 [1]
    funding : Mapping          symbol -> funding rate, signed; paid by those that are held [1]
    funding_hours : float      from one payment to the next, above 0 [hour]
    interest : Mapping         symbol -> rate on what is borrowed, by the started hour [1 per hour]

    Raises
    ------
    MarginError                a value outside its range

    >>> Costs(funding={"ETH": 0.001}, funding_hours=8).due(np.array([0.0, 8.0, 24.0]))[0].tolist()
    [0, 1, 2]
    """

    fee_rate: float | None = None
    funding: Mapping[str, float] = field(default_factory=dict)
    funding_hours: float = 1.0
    interest: Mapping[str, float] = field(default_factory=dict)
    closes: Step | Sequence[Step] = "everything"
    lot: float = 0
    backstop: float = 0

    def __post_init__(self) -> None:
        _Rules.of(*self._ways)
        one_number("funding_hours", self.funding_hours, above=0)
        for name in ("funding", "interest"):
            of_type(name, getattr(self, name), Mapping)
        for symbol, rate in self.funding.items():
            one_number(f"funding rate of {symbol}", rate)
        for symbol, rate in self.interest.items():
            one_number(f"interest rate of {symbol}", rate, at_least=0)

    @property
    def _ways(self) -> tuple[float | None, Step | Sequence[Step], float, float]:
        """How a venue closes: fee rate, closes, lot and backstop, as `liquidate` takes them."""
        return self.fee_rate, self.closes, self.lot, self.backstop

    def due(self, hours: np.ndarray) -> tuple[np.ndarray, ...]:
        """Funding payments, and hours of interest, that come due at each of several times.

        Equation:  ⌊hours / funding hours⌋ payments and ⌈hours⌉ of interest so far, less those that
        came due before

        Parameters
        ----------
        hours : ndarray            since the account was opened, rising, shape (steps,) [hour]

        Returns
        -------
        (ndarray, ndarray)         payments [1] and started hours [hour], whole, shape (steps,)

        >>> payments, hours = Costs(funding_hours=8).due(np.array([0.0, 1.5, 24.0]))
        >>> payments.tolist(), hours.tolist()
        ([0, 0, 3], [0, 2, 22])
        """
        payments = np.floor(hours / self.funding_hours + 1e-9)
        started = formulas.interest(1, 1, hours)
        return tuple(np.diff(count, prepend=0).astype(int) for count in (payments, started))

    def _paid(
        self, account: Account, marks: Marks, payments: int, hours: int
    ) -> tuple[Account, list[Event]]:
        """The account after what has come due, and the events."""
        held = [position.symbol for position in account.positions]
        funding = {s: rate * payments for s, rate in self.funding.items() if s in held}
        interest = {s: rate for s, rate in self.interest.items() if s in held}
        events = []
        if payments and funding:
            account, event = account.pay_funding(funding, marks)
            events.append(event)
        if hours and interest:
            account, event = account.pay_interest(interest, hours)
            events.append(event)
        return account, events


_NO_COSTS = Costs()


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of an account: one account and one tuple of events for every step of the path.

    Parameters
    ----------
    start : Account            before the first step
    path : tuple of Mapping    the marks at which each step ends
    accounts : tuple of Account    after each step
    events : tuple of tuple of Event   what happened at each step
    hours : tuple of float     when each step opened [hour]

    >>> five = Account(balance=5)
    >>> replay(five, [{"ETH": 0.1}]).equity
    array([5.])
    """

    start: Account
    path: tuple[dict[str, Number], ...]
    accounts: tuple[Account, ...]
    events: tuple[tuple[Event, ...], ...]
    hours: tuple[float, ...]

    @property
    def equity(self) -> np.ndarray:
        """Equity of the whole account after each step, shape (steps,) [quote]."""
        pairs = zip(self.accounts, self.path, strict=True)
        return np.array([account.equity(marks) for account, marks in pairs], dtype=float)

    @property
    def end(self) -> Account:
        """The account after the last step."""
        return self.accounts[-1]

    @property
    def marks(self) -> Marks:
        """The marks of the last step."""
        return self.path[-1]

    def until(self, step: int) -> "Replay":
        """The same replay, ended after a step.

        Parameters
        ----------
        step : int                 the last that is kept, 0 is the first

        Returns
        -------
        Replay

        >>> replay(Account(balance=5), [{"ETH": 2}, {"ETH": 4}]).until(0).marks
        {'ETH': 2.0}
        """
        stop = step + 1
        path, accounts = self.path[:stop], self.accounts[:stop]
        return Replay(self.start, path, accounts, self.events[:stop], self.hours[:stop])

    @property
    def liquidations(self) -> list[tuple[int, Event]]:
        """(step, event) for each liquidated pocket, in order."""
        steps = enumerate(self.events)
        return [(step, e) for step, events in steps for e in events if e.kind == "liquidated"]

    @property
    def dead(self) -> list[str]:
        """Symbols of the positions that were liquidated, in order."""
        return [symbol for _, event in self.liquidations for symbol in event.symbols]

    def table(self) -> pd.DataFrame:
        """One row a step: prices, equity, maintenance, ratio; PnL and liquidation prices.

        The shared balance is one pocket, "cross"; each isolated position is one of its own.

        >>> replay(Account(balance=5), [{"ETH": 0.1}]).table()["equity"].tolist()
        [5.0]
        """
        rows = []
        for hour, marks, account in zip(self.hours, self.path, self.accounts, strict=True):
            row = {"hour": hour, **{f"price {market}": mark for market, mark in marks.items()}}
            row["equity"] = account.equity(marks)
            pockets = {
                "cross": None,
                **{margin_party(p.symbol): p.symbol for p in account.isolated},
            }
            for name, symbol in pockets.items():
                risk = account.risk(marks, symbol)
                row[f"equity {name}"] = risk.equity
                row[f"maintenance {name}"] = risk.maintenance_margin
                row[f"ratio {name}"] = risk.margin_ratio
            for position in account.positions:
                row[f"pnl {position.symbol}"] = position.pnl(position.mark(marks))
                edge = account.liquidation_price(position.symbol, marks)
                row[f"liquidation price {position.symbol}"] = edge
            rows.append(row)
        return pd.DataFrame(rows).rename_axis("step")

    def log(self) -> pd.DataFrame:
        """One row a transfer: when, what, for which positions, who got how much (sums to zero).

        >>> replay(Account(balance=5), [{"ETH": 0.1}]).log().empty
        True
        """
        rows = [
            (step, self.hours[step], event.kind, " ".join(event.symbols), party, money)
            for step, events in enumerate(self.events)
            for event in events
            for party, money in event.transfers.items()
        ]
        columns = ["step", "hour", "event", "positions", "party", "received"]
        return pd.DataFrame(rows, columns=columns)


def replay(
    account: Account,
    path: Bars | Iterable[Marks],
    costs: Costs = _NO_COSTS,
    plan: Plan | None = None,
    fund: float | None = None,
    traders: Iterable[Position] = (),
) -> Replay:
    """Hold an account over one path, by the rules at the head of this module.

    Parameters
    ----------
    account : Account
    path : Bars, or iterable of Mapping    of one path; a market -> price mapping is a bar that
                               goes nowhere
    costs : Costs
    plan : callable or None    what the owner does: called with step, account and the marks at
                               which the step closed, once everything else has happened; returns
                               (Account, Event) as an operation of the account does, or None. If
                               it has a true attribute `watches`, it is called before each look,
                               too, with the marks at which pockets are about to be looked at
    fund : float or None       what the insurance fund holds, at least 0; None for a bottomless
                               one [quote]
    traders : iterable of Position     that auto-deleveraging can close once the fund is empty

    Returns
    -------
    Replay

    Raises
    ------
    MarginError                an empty path, more than one, a mark that is missing or not above 0,
                               a value of another type

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.1, leverage=5)
    >>> replay(account, [{"ETH": 0.1}, {"ETH": 0.07}, {"ETH": 0.2}]).equity
    array([5., 3., 3.])
    """
    of_type("account", account, Account)
    of_type("costs", costs, Costs)
    if fund is not None:
        one_number("fund", fund, at_least=0)
    bars = path if isinstance(path, Bars) else Bars.of_marks(path)
    if bars.paths != 1:
        raise MarginError("path", "must be one: choose with Bars.path", bars.paths)
    bars = bars.path(0)
    start, accounts, closes, log = account, [], [], []
    traders = list(traders)
    payments, hours = costs.due(bars.hours)
    have_wicks = bars.have_wicks
    for step in range(bars.steps):
        opened, close = bars.marks("open", step), bars.marks("close", step)
        account, events = costs._paid(account, opened, payments[step], hours[step])
        account = _watched(plan, step, account, [opened], events)
        before = account
        account, closed = mark_to_market(account, opened, *costs._ways)
        settled = [(before, opened, event) for event in closed]
        if have_wicks:
            low, high = bars.marks("low", step), bars.marks("high", step)
            corners = ({**opened, **_worst([p], low, high)} for p in account.isolated)
            account = _watched(plan, step, account, corners, events)
            before = account
            for symbol, marks, corner in _hit(account, opened, low, high):
                account, event = close_due(account, marks, symbol, *costs._ways)
                settled.append((before, marks, event))
                left = symbol in account if symbol else account.cross
                if left and account.risk(corner, symbol).is_liquidatable:
                    held = account
                    account, event = close_due(account, corner, symbol, *costs._ways)
                    settled.append((held, corner, event))
        for before, marks, event in settled:
            if fund is not None:
                event, fund, winners = settle(before, marks, event, fund, traders)
                traders = left_open(traders, winners)
            events.append(event)
        done = plan(step, account, close) if plan else None
        if done is not None:
            account, event = done
            events.append(event)
        accounts.append(account)
        closes.append(close)
        log.append(tuple(events))
    return Replay(start, tuple(closes), tuple(accounts), tuple(log), tuple(bars.hours.tolist()))


def _watched(
    plan: Plan | None, step: int, account: Account, looks: Iterable[Marks], events: list[Event]
) -> Account:
    """The account after a plan that watches has acted at each of several marks."""
    for marks in looks if getattr(plan, "watches", False) else ():
        done = plan(step, account, marks) if plan else None
        if done is not None:
            account, event = done
            events.append(event)
    return account


def _hit(
    account: Account, opened: CheckedMarks, low: CheckedMarks, high: CheckedMarks
) -> list[tuple[str | None, dict[str, Number], dict[str, Number]]]:
    """(symbol, marks, end) of each pocket due within a bar: where on the way, and where it ends."""
    hits = []
    for symbol, positions, money in account.pockets:
        if positions:
            held = positions if symbol else account.holdings
            corner = _worst(held, low, high)
            share = _share_of_way(held, money, opened, corner)
            if not np.isnan(share):
                hits.append((symbol, _on_the_way(held, opened, corner, share), corner))
    return hits


# One pocket: positions and coins that share a sum of money


def _worst(
    positions: Sequence[Holding], low: CheckedMarks, high: CheckedMarks
) -> dict[str, Number]:
    """The worst marks that a bar, or a whole path, holds for a pocket, market by market.

    What settles in a coin is worth more or less with that coin, so coins are looked at last, with
    all that settles in them, at the worst marks of the others; and then again, as they may settle
    in each other.

    >>> from margin_lib.account import Position
    >>> from margin_lib.contracts import Contract
    >>> eth = Position(contract=Contract(symbol="ETH"), quantity=8, entry_price=1, leverage=4)
    >>> _worst([eth], {"ETH": 0.5}, {"ETH": 2.0})
    {'ETH': 0.5}
    """
    coins = {each.coin: each for each in positions if isinstance(each, Collateral)}
    here: dict[str, dict[str, Holding]] = {}
    for each in positions:
        paid_in = coins.get(each.contract.settle, each)
        moved = here.setdefault(each.contract.market, {})
        moved |= {each.symbol: each, paid_in.symbol: paid_in}
        here.setdefault(paid_in.contract.market, {})[each.symbol] = each
    corner: dict[str, Number] = {}
    last = [coin.market for coin in coins.values()]
    for market in (*sorted(here, key=last.__contains__), *last):
        legs = list(here[market].values())
        if len(legs) == 1:
            corner[market] = (low if legs[0].quantity > 0 else high)[market]
        else:
            ends = ({**low, **corner, market: side[market]} for side in (low, high))
            falls, rises = (pooled_risk(0, legs, end).cushion for end in ends)
            corner[market] = as_scalar(np.where(falls < rises, low[market], high[market]))
    return corner


def _on_the_way(
    positions: Sequence[Holding], start: CheckedMarks, end: CheckedMarks, share: Number
) -> dict[str, Number]:
    """Marks at a share of the straight way from start to end."""
    marks = {}
    for position in positions:
        market, inverse = position.contract.market, position.contract.inverse
        if market not in marks:
            first, last = (1 / m[market] if inverse else m[market] for m in (start, end))
            reached = first + share * (last - first)
            marks[market] = 1 / reached if inverse else reached
    return marks


def _share_of_way(
    positions: Sequence[Holding], money: ArrayLike, start: CheckedMarks, end: CheckedMarks
) -> Number:
    """How far on the straight way from start to end marks a pocket comes before it is due.

    Between two floors of any table, equity less maintenance bends at most once towards death along
    the way. Its pieces are followed to the first zero; where it is no straight line, halving finds
    it.

    Parameters
    ----------
    positions : sequence of Position and Collateral
    money : array_like         that they share [quote]
    start, end : Mapping       market -> mark, at `start` all alive

    Returns
    -------
    float or ndarray           0 to 1; NaN where the end is reached alive [1]

    Equation:  money + Σ pnl = Σ maintenance at the marks start + share · (end − start)

    >>> from margin_lib.account import Position
    >>> from margin_lib.contracts import Contract
    >>> eth = Position(contract=Contract(symbol="ETH"), quantity=8, entry_price=1, leverage=4)
    >>> _share_of_way([eth], 2, {"ETH": 1.0}, {"ETH": 0.5})
    0.5
    """
    due = pooled_risk(money, positions, end).is_liquidatable  # It decides where rounding could.
    jumps = any(position.contract.maintenance.jumps for position in positions)
    if not (jumps or np.any(due)):
        return as_scalar(np.full(np.shape(due), np.nan))
    cuts: list[Number] = [0.0, 1.0]
    for position in positions:
        first, last = (position.notional(position.mark(marks)) for marks in (start, end))
        for tier in position.contract.maintenance[1:]:
            at = _over(tier.floor - first, last - first)
            cuts.append(np.where((at > 0) & (at < 1), at, 1.0))
    edges = np.sort(np.broadcast_arrays(*cuts, due)[:-1], axis=0)
    share = np.full(edges.shape[1:], np.nan)

    def cushion(at: Number) -> Number:
        return pooled_risk(money, positions, _on_the_way(positions, start, end, at)).cushion

    reached = np.less_equal if pooled_risk(money, positions, end).at_equality else np.less
    for left, right in pairwise(edges):
        inside = INSIDE * (right - left)
        near, far = left + inside, right - inside
        first, last = cushion(near), cushion(far)
        new = np.isnan(share) & (left < right)
        zero = _zero(cushion, near, far, first, last)
        zero = np.where(reached(first, 0), left, np.where(reached(last, 0), zero, np.nan))
        share = np.where(new, zero, share)
    share = np.where(due & np.isnan(share), 1.0, share)
    return as_scalar(np.where(due | jumps, share, np.nan))  # After a jump the end may be safe.


def _zero(
    value: Callable[[Number], Number], left: Number, right: Number, first: Number, last: Number
) -> Number:
    """Where a value that falls from above 0 to below it between two ends is 0."""
    share = np.clip(_over(first, first - last), 0, 1)
    zero = left + (right - left) * np.where(np.isnan(share), 0, share)
    falls = (first > 0) & (last < 0)
    if not np.any(falls & (abs(value(zero)) > STRAIGHT * (first - last))):
        return zero
    for _ in range(HALVINGS):
        middle = (left + right) / 2
        lives = value(middle) > 0
        left, right = np.where(lives, middle, left), np.where(lives, right, middle)
    return right


def _over(part: Number, whole: Number) -> Number:
    """part / whole, infinite or NaN where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(part, whole)
