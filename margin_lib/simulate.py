"""Accounts over many paths at once, by the rules at the head of `margin_lib.replay`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.bars import BLOCK, Bars
from margin_lib.errors import MarginError, count, of_type, one_number
from margin_lib.market import Market
from margin_lib.replay import _NO_COSTS, Costs, Known, _on_the_way, _pooled, _share_of_way, _worst
from margin_lib.types import ArrayLike, Number, Truth

Progress = Callable[[range], Iterable[int]]  # a bar around the chunks, such as tqdm
LIVES = np.iinfo(np.int64).max  # later than every step
MEMORY = 4_000_000  # prices that are drawn at one time,
FEWEST = 256  # but of so many paths at least: a step costs something, even with few
GIVEN = 8192  # paths at one time where the prices are there already
NEAR = 1e-9  # what is nearer than this is judged exactly


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
    progress: Progress = iter,
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
    progress : callable        goes round the chunks, as `tqdm.tqdm` does; by default silent

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
    for first in progress(range(0, paths, chunk)):
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
