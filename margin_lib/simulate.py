"""An account over one path, event by event, and over many at once. Both follow the same rules.

At each step:

1. Funding and interest that have come due are paid, at the marks at which the bar opens.
2. Pockets are looked at as the bar opens. One that is due is closed at the opening marks: a gap is
   filled where the market is, not at the liquidation price.
3. Pockets that live are looked at on the straight way from the open to the worst prices of the bar:
   lows for what gains with the price, highs for what loses, all at once. One that is due on the way
   is closed there.

In 2 and 3 all pockets are judged before any is closed, the shared balance first: what one returns
comes too late to save another. The straight way runs in prices, for inverse contracts in
reciprocal prices.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from margin_lib import formulas
from margin_lib.account import Account, Done, Event, Position, Risk, margin_party
from margin_lib.errors import MarginError, as_scalar, count, of_type, one_number
from margin_lib.liquidation import close_all, left_open, mark_to_market, settle
from margin_lib.paths import BLOCK, Bars, Market
from margin_lib.types import ArrayLike, Marks, Number, Truth

Known = Mapping[str, Number]  # marks that were checked
Plan = Callable[[int, Account, Marks], Done | None]  # what the owner does at a step
LIVES = np.iinfo(np.int64).max  # later than every step
MEMORY = 4_000_000  # prices that are drawn at one time,
FEWEST = 256  # but of so many paths at least: a step costs something, even with few
GIVEN = 8192  # paths at one time where the prices are there already
NEAR = 1e-9  # what is nearer than this is judged exactly


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What holding and losing a position costs.

    Parameters
    ----------
    fee_rate : float or None   liquidation fee, as for `liquidation.liquidate` [1]
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

    def __post_init__(self) -> None:
        if self.fee_rate is not None:
            one_number("fee rate", self.fee_rate, at_least=0)
        one_number("funding_hours", self.funding_hours, above=0)
        for name in ("funding", "interest"):
            of_type(name, getattr(self, name), Mapping)
        for symbol, rate in self.funding.items():
            one_number(f"funding rate of {symbol}", rate)
        for symbol, rate in self.interest.items():
            one_number(f"interest rate of {symbol}", rate, at_least=0)

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
        started = np.ceil(hours - 1e-9)
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
        """The same walk, ended after a step.

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
                               (Account, Event) as an operation of the account does, or None
    fund : float or None       what the insurance fund holds; None for a bottomless one [quote]
    traders : iterable of Position     that auto-deleveraging can close once the fund is empty

    Returns
    -------
    Replay

    Raises
    ------
    MarginError                an empty path, more than one path, a mark missing or not positive,
                               a fund below 0, a value of another type

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
        before = account
        account, closed = mark_to_market(account, opened, costs.fee_rate)
        settled = [(before, opened, event) for event in closed]
        if have_wicks:
            before = account
            low, high = bars.marks("low", step), bars.marks("high", step)
            for symbol, marks in _hit(account, opened, low, high):
                account, event = close_all(account, marks, symbol, costs.fee_rate)
                settled.append((before, marks, event))
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


def _hit(
    account: Account, opened: Known, low: Known, high: Known
) -> list[tuple[str | None, dict[str, Number]]]:
    """(symbol, marks) of each pocket that is due within a bar, and where on the way."""
    hits = []
    for symbol, positions, money in account.pockets:
        if positions:
            corner = _worst(positions, low, high)
            share = _share_of_way(positions, money, opened, corner)
            if not np.isnan(share):
                hits.append((symbol, _on_the_way(positions, opened, corner, share)))
    return hits


# One pocket: positions that share a sum of money


def _pooled(positions: Sequence[Position], money: ArrayLike, marks: Known) -> Risk:
    """Risk of positions that share a sum of money, numbers or arrays alike.

    >>> from margin_lib.account import Position
    >>> from margin_lib.contracts import Contract
    >>> eth = Position(contract=Contract(symbol="ETH"), quantity=8, entry_price=1, leverage=4)
    >>> _pooled([eth], 2, {"ETH": np.array([1.0, 0.5])}).equity
    array([ 2., -2.])
    """
    alone = (replace(position, margin=None) for position in positions)
    return sum((position.risk(position.mark(marks)) for position in alone), Risk(money))


def _worst(positions: Sequence[Position], low: Known, high: Known) -> dict[str, Number]:
    """The worst marks that a bar, or a whole path, holds for a pocket, market by market.

    >>> from margin_lib.account import Position
    >>> from margin_lib.contracts import Contract
    >>> eth = Position(contract=Contract(symbol="ETH"), quantity=8, entry_price=1, leverage=4)
    >>> _worst([eth], {"ETH": 0.5}, {"ETH": 2.0})
    {'ETH': 0.5}
    """
    corner = {}
    for market in dict.fromkeys(position.contract.market for position in positions):
        legs = [position for position in positions if position.contract.market == market]
        if len(legs) == 1:
            corner[market] = (low if legs[0].quantity > 0 else high)[market]
        else:
            falls = _pooled(legs, 0, low).cushion < _pooled(legs, 0, high).cushion
            worst: Any = np.where(falls, low[market], high[market])
            corner[market] = worst[()]
    return corner


def _on_the_way(
    positions: Sequence[Position], start: Known, end: Known, share: Number
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
    positions: Sequence[Position], money: ArrayLike, start: Known, end: Known
) -> Number:
    """How far on the straight way from start to end marks a pocket comes before it is due.

    Between two floors of any table, equity less maintenance is a straight line along the way. Its
    pieces are followed to the first zero.

    Parameters
    ----------
    positions : sequence of Position
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
    due = _pooled(positions, money, end).is_liquidatable  # decides where rounding could
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
        return _pooled(positions, money, _on_the_way(positions, start, end, at)).cushion

    reached = np.less_equal if _pooled(positions, money, end).at_equality else np.less
    for left, right in pairwise(edges):
        near, far = (cushion(left + part * (right - left)) for part in (0.25, 0.75))
        first, last = near - (far - near) / 2, far + (far - near) / 2  # of this piece
        zero = left + (right - left) * np.clip(_over(first, first - last), 0, 1)
        zero = np.where(reached(first, 0), left, np.where(reached(last, 0), zero, np.nan))
        share = np.where(np.isnan(share) & (left < right), zero, share)
    share = np.where(due & np.isnan(share), 1.0, share)
    return as_scalar(np.where(due | jumps, share, np.nan))  # a jump can make the end safe again


def _over(part: Number, whole: Number) -> Number:
    """part / whole, infinite or NaN where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(part, whole)


# Many paths at once


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What became of one account on many paths.

    Parameters
    ----------
    start : float              wallet balance before the first step: equity at the entry prices
                               [quote]
    step : Mapping             symbol -> step of its liquidation, -1 where it lived, shape (paths,)
    equity : ndarray           of the whole account at the end, shape (paths,) [quote]
    at_risk : float            money that price moves can take: isolated margins, and the balance
                               if anything is cross; NaN where it is not known [quote]

    >>> result = Outcomes(5.0, {"ETH": np.array([-1, 3])}, np.array([6.0, 3.0]))
    >>> result.liquidated.tolist(), result.loss.tolist()
    ([False, True], [-1.0, 2.0])
    """

    start: float
    step: Mapping[str, np.ndarray]
    equity: np.ndarray
    at_risk: float = np.nan

    @property
    def liquidated(self) -> np.ndarray:
        """Whether anything was liquidated on each path, shape (paths,)."""
        steps = np.array([*self.step.values(), np.full(len(self.equity), -1)])
        return np.any(steps >= 0, axis=0)

    @property
    def loss(self) -> np.ndarray:
        """Equity at the start less equity at the end, shape (paths,) [quote]."""
        return self.start - self.equity

    def summary(self, ruin: float = 0.0) -> pd.DataFrame:
        """The outcomes in numbers, each with its Monte Carlo error.

        Parameters
        ----------
        ruin : float               share of the equity at the start; who ends with no more than it
                                   is ruined [1]

        Returns
        -------
        DataFrame                  columns value and error (one standard error; NaN where none is
                                   known); NaN for the loss given liquidation where nothing is

        Raises
        ------
        MarginError                ruin is no single number, not finite

        Equations:  chance = n / N with error √(p (1 − p) / N);  mean with error s / √N;
        capital efficiency = mean profit / money at risk. Where prices have no drift it is 0 at any
        leverage, less the costs, plus what the fund pays beyond the margin

        >>> result = Outcomes(5.0, {"ETH": np.array([-1, 3])}, np.array([6.0, 3.0]))
        >>> float(result.summary().loc["chance of any liquidation", "value"])
        0.5
        """
        one_number("ruin", ruin)
        dead, equity = self.liquidated, self.equity
        rows: dict[str, Any] = {
            "chance of any liquidation": _chance(dead),
            "chance of ruin": _chance(equity <= ruin * self.start),
        }
        for symbol, step in self.step.items():
            rows[f"chance that {symbol} is liquidated"] = _chance(step >= 0)
        rows["loss given liquidation"] = _mean(self.loss[dead])
        rows["mean final equity"] = _mean(equity)
        for share in (0.05, 0.5, 0.95):
            rows[f"{share:.0%} quantile of final equity"] = (np.quantile(equity, share), np.nan)
        rows["worst final equity"] = (equity.min(), np.nan)
        share = 1 / self.at_risk if self.at_risk > 0 else np.nan
        rows["capital efficiency"] = np.multiply(_mean(-self.loss), share)
        return pd.DataFrame(rows, index=["value", "error"]).T

    def spread(self, edges: Sequence[float]) -> pd.DataFrame:
        """Share of the paths by change of the equity, apart for those with a liquidation.

        Parameters
        ----------
        edges : sequence           changes since the start, rising, between two bands; what lies
                                   on an edge counts below it [1]

        Returns
        -------
        DataFrame                  a row a band (a pandas Interval), columns "alive", "liquidated"

        >>> result = Outcomes(5.0, {"ETH": np.array([-1, 3])}, np.array([6.0, 3.0]))
        >>> result.spread([0]).to_numpy().tolist()
        [[0.0, 0.5], [0.5, 0.0]]
        """
        bands = pd.cut(self.equity / self.start - 1, [-np.inf, *edges, np.inf])
        dead = pd.Categorical(np.where(self.liquidated, "liquidated", "alive"))
        dead = dead.set_categories(["alive", "liquidated"])
        return pd.crosstab(bands, dead, normalize=True, dropna=False)


def _chance(hit: np.ndarray) -> tuple[float, float]:
    share = np.mean(hit)
    return share, np.sqrt(share * (1 - share) / len(hit))


def _mean(values: np.ndarray) -> tuple[float, float]:
    if not len(values):
        return np.nan, np.nan
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan


def simulate(
    accounts: Mapping[str, Account],
    market: Market | Bars,
    *,
    paths: int = 1000,
    steps: int = 365,
    rng: np.random.Generator | Any = None,
    costs: Costs = _NO_COSTS,
    chunk: int | None = None,
) -> dict[str, Outcomes]:
    """Hold accounts over the same many paths, by the rules at the head of this module.

    Parameters
    ----------
    accounts : Mapping         name -> Account, isolated, cross or mixed
    market : Market or Bars    what to draw the paths from, or the paths themselves
    paths, steps : int         how many of a Market's, at least 1 [1]
    rng : numpy.random.Generator   for a Market
    costs : Costs
    chunk : int or None        paths that are in memory at one time, at least 1; by default so
                               many that they have four million prices, and at least 256. What
                               is drawn depends on it [1]

    Returns
    -------
    dict                       name -> Outcomes

    Raises
    ------
    MarginError                a count that is not whole or below 1, a market without a position's
                               prices, a value of another type

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.1, leverage=5)
    >>> prices = Bars.of_marks({"ETH": [[0.09, 0.08], [0.12, 0.12]]})
    >>> simulate({"mine": account}, prices)["mine"].equity
    array([7., 3.])
    """
    of_type("market", market, (Market, Bars))
    known = market.open if isinstance(market, Bars) else market.prices
    for name, account in of_type("accounts", accounts, Mapping).items():
        for position in of_type(f"account {name}", account, Account).positions:
            if position.contract.market not in known:
                rule = f"must have prices of {position.contract.market}"
                raise MarginError("market", rule, list(known))
    of_type("costs", costs, Costs)
    if isinstance(market, Bars):
        paths, steps, most = market.paths, market.steps, GIVEN
    else:
        paths, steps = count("paths", paths), count("steps", steps)
        most = max(MEMORY // (len(known) * (4 if market.wicks else 1) * steps), FEWEST)
    chunk = count("chunk", most if chunk is None else chunk)
    parts = []
    for first in tqdm(range(0, paths, chunk), delay=1, leave=False, unit="chunk"):
        here = slice(first, min(first + chunk, paths))
        size = here.stop - first
        bars = market.take(here) if isinstance(market, Bars) else market.walk(rng, steps, size)
        parts.append([_hold(account, bars, costs) for account in accounts.values()])
    results = {}
    for (name, account), held in zip(accounts.items(), zip(*parts, strict=True), strict=True):
        step = {s: np.concatenate([part[0][s] for part in held]) for s in held[0][0]}
        equity = np.concatenate([part[1] for part in held])
        at_risk = account.locked_margin + (account.balance if account.cross else 0)
        results[name] = Outcomes(account.wallet_balance, step, equity, float(at_risk))
    return results


def _hold(account: Account, bars: Bars, costs: Costs) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Step of each position's liquidation, and final equity, of one account on all paths."""
    pockets = {p.symbol: _Pocket([p], p.margin, bars, costs) for p in account.isolated}
    dead = [(own.phase, np.where(own.phase < LIVES, own.worth, 0)) for own in pockets.values()]
    shared = _Pocket(account.cross, account.balance, bars, costs, dead)
    equity = shared.worth + sum(np.where(p.phase < LIVES, 0, p.worth) for p in pockets.values())
    phases = {p.symbol: pockets.get(p.symbol, shared).phase for p in account.positions}
    return {s: np.where(phase < LIVES, phase // 2, -1) for s, phase in phases.items()}, equity


class _Pocket:
    """Positions that share a sum of money, on many paths.

    phase : ndarray    when it is liquidated on each path: 2 · step at the open of a bar,
                       2 · step + 1 within it, LIVES for never
    worth : ndarray    money it then gives back, or its equity at the end; gifts included

    Gifts are money that reaches it after a phase: (phase, money) of each path.
    """

    def __init__(
        self,
        positions: Sequence[Position],
        money: float,
        bars: Bars,
        costs: Costs,
        gifts: Iterable[tuple[np.ndarray, np.ndarray]] = (),
    ) -> None:
        self.positions, self.costs = positions, costs
        self.bars = bars.only({p.contract.market for p in positions})  # others would only cost
        self.gifts = [(when, gift) for when, gift in gifts if gift.any()]
        self.money = np.full(bars.paths, float(money))
        self.phase = np.full(bars.paths, LIVES)
        self.worth = np.zeros(bars.paths)
        self.jumps = any(p.contract.maintenance.jumps for p in positions)
        self.payments, self.hours = costs.due(bars.hours)
        paid = costs.funding.keys() | costs.interest.keys()
        if paid.isdisjoint(p.symbol for p in positions):
            self.payments = self.hours = np.zeros(bars.steps, dtype=int)
        if positions:
            self._walk()
        lives = np.nonzero(self.phase == LIVES)[0]
        marks = _at(self.bars.marks("close", -1), lives)
        risk = _pooled(positions, self.money[lives], marks)
        self.worth[lives] = risk.equity + self._received(lives, LIVES)
        dead = np.nonzero(self.phase < LIVES)[0]  # gifts that come later are for the balance, too
        self.worth[dead] += self._received(dead, LIVES) - self._received(dead, self.phase[dead])

    def _received(self, paths: np.ndarray, before: int | np.ndarray) -> Number:
        """Gifts that have come before a phase."""
        return sum(np.where(when[paths] < before, gift[paths], 0) for when, gift in self.gifts)

    def _walk(self) -> None:
        """Block after block, with the paths that live."""
        bars = self.bars
        alive = np.arange(bars.paths)
        first_near = self._first_near()
        if first_near is not None:
            alive = np.nonzero(first_near >= 0)[0]
            step = first_near[alive]
            self._judge(bars.pick(step, alive), step, self.money[alive], alive)
        for first in range(0, bars.steps, BLOCK):
            alive = alive[self.phase[alive] == LIVES]
            if not len(alive):
                break
            block = bars.rows(slice(first, first + BLOCK))
            step = first + np.arange(block.steps)[:, None]
            if self.payments[step].any() or self.hours[step].any():
                near = block.take(alive)
                pot = self.money[alive] + np.cumsum(self._cash(near, step), axis=0)
                self.money[alive] = pot[-1]
                self._judge(near, step, pot, alive)
            else:
                busy = alive[self._in_danger(block, alive, 2 * first)]
                self._judge(block.take(busy), step, self.money[busy], busy)

    def _first_near(self) -> np.ndarray | None:
        """Step at which each path comes near the one price of a lone position; -1 for never.

        None where there is no such price: with company, payments or gifts.
        """
        (position, *others) = self.positions
        frozen_today = position.contract.conventions.maintenance_at == "today"
        if others or self.gifts or self.payments.any() or self.hours.any() or frozen_today:
            return None
        side = 1 if position.quantity > 0 else -1
        price = position.liquidation_price(self.money[0]) * (1 + side * NEAR)
        return self.bars.first_beyond(position.contract.market, price, side)

    def _in_danger(self, block: Bars, paths: np.ndarray, phase: int) -> np.ndarray:
        """Whether a pocket may be due in a block: it would be at all the worst prices at once."""
        markets = {p.contract.market for p in self.positions}
        if self.jumps or len(markets) < len(self.positions):
            return np.full(len(paths), True)  # the worst may lie between the extremes
        ends = {m: [end[paths] for end in block.extremes(m)] for m in markets}
        low, high = ({m: pair[side] for m, pair in ends.items()} for side in (0, 1))
        money = self.money[paths] + self._received(paths, phase)
        risk = _pooled(self.positions, money, _worst(self.positions, low, high))
        return risk.cushion <= NEAR * risk.notional

    def _cash(self, block: Bars, step: np.ndarray) -> np.ndarray:
        """Funding and interest of each step of a block, shape of the block."""
        funding, interest = self.costs.funding, self.costs.interest
        cash = np.zeros((block.steps, block.paths))
        for p in self.positions:
            rate, hourly = funding.get(p.symbol, 0), interest.get(p.symbol, 0)
            cash += p.funding(p.mark(block.open), rate * self.payments[step])
            cash -= formulas.interest(p.borrowed, hourly, self.hours[step])
        return cash

    def _judge(self, block: Bars, step: np.ndarray, money: np.ndarray, paths: np.ndarray) -> None:
        """Note which of the paths are due in a block, and in which of its steps first."""
        money, step = (np.broadcast_to(x, (block.steps, block.paths)) for x in (money, step))
        held = money + self._received(paths, 2 * step)
        gap = _pooled(self.positions, held, block.open).is_liquidatable
        due = gap
        if block.have_wicks:
            later = money + self._received(paths, 2 * step + 1)
            corner = _worst(self.positions, block.low, block.high)
            due = gap | self._due_within(later, block.open, corner)
        column = np.nonzero(due.any(axis=0))[0]
        at = due[:, column].argmax(axis=0), column
        gap, dead = gap[at], paths[column]
        self.phase[dead] = 2 * step[at] + ~gap
        if self.costs.fee_rate is None:
            return  # nothing comes back, at whatever price
        marks, held = _at(block.open, at), held[at]
        if not gap.all():
            held, corner = np.where(gap, held, later[at]), _at(corner, at)
            share = np.where(gap, 0, _share_of_way(self.positions, held, marks, corner))
            marks = _on_the_way(self.positions, marks, corner, share)
        risk = _pooled(self.positions, held, marks)
        self.worth[dead] = formulas.returned(risk.equity, risk.notional, self.costs.fee_rate)

    def _due_within(self, money: ArrayLike, start: Known, corner: Known) -> Truth:
        if self.jumps:
            return ~np.isnan(_share_of_way(self.positions, money, start, corner))
        return _pooled(self.positions, money, corner).is_liquidatable


def _at(marks: Mapping[str, np.ndarray], index: tuple | np.ndarray) -> dict[str, np.ndarray]:
    return {market: mark[index] for market, mark in marks.items()}
