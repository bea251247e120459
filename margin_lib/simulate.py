"""Accounts over many paths at once, by the rules at the head of `margin_lib.replay`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from margin_lib import formulas
from margin_lib.account import Account, Collateral, Holding, Position, pooled_risk
from margin_lib.bars import STEPS_PER_BLOCK, Bars
from margin_lib.errors import MarginError, count, of_type, one_number
from margin_lib.market import Market
from margin_lib.replay import (
    _NO_COSTS,
    CheckedMarks,
    Costs,
    Plan,
    _on_the_way,
    _share_of_way,
    _worst,
    replay,
)
from margin_lib.types import ArrayLike, Marks, Truth

Progress = Callable[[range], Iterable[int]]  # A bar around the chunks, such as tqdm.
Gift = tuple[np.ndarray, np.ndarray]  # Of each path: the phase after which it comes, the money.
Ends = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]  # Steps, equity and shortfall.
NEVER = np.iinfo(np.int64).max  # As a phase, it is later than every step.
PRICES_PER_CHUNK = 4_000_000  # So many are drawn at one time.
MIN_PATHS_PER_CHUNK = 256  # A step costs something even with few paths.
GIVEN_PATHS_PER_CHUNK = 8192  # For prices that are in memory already.
SCREEN = 1e-9  # What is nearer to a liquidation than this share of its price is judged exactly.


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What became of one account on many paths.

    Parameters
    ----------
    start : float or ndarray   wallet balance before the first step, equity at the entry prices,
                               and what coins held count as the first bar opens, shape (paths,)
                               [quote]
    step : Mapping             symbol -> step of its liquidation, -1 where it lived, shape (paths,)
    equity : ndarray           of the whole account at the end, shape (paths,) [quote]
    at_risk : float            money that price moves can take: isolated margins, coins held, and
                               the balance if anything is cross; NaN where it is not known [quote]
    shortfall : ndarray or number  what the pockets were below zero as they were closed, at least
                               0: the insurance fund pays it; shape (paths,) [quote]

    >>> result = Outcomes(5.0, {"ETH": np.array([-1, 3])}, np.array([6.0, 3.0]))
    >>> result.liquidated.tolist(), result.loss.tolist()
    ([False, True], [-1.0, 2.0])
    """

    start: float | np.ndarray
    step: Mapping[str, np.ndarray]
    equity: np.ndarray
    at_risk: float = np.nan
    shortfall: np.ndarray | float = 0.0

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
        MarginError                ruin is no single number, or not finite

        Equations:  chance = n / N with error √(p (1 − p) / N);  mean with error s / √N;
        capital efficiency = mean profit / money at risk. Where prices have no drift it is 0 at any
        leverage, less the costs, plus what the fund pays beyond the margin

        >>> result = Outcomes(5.0, {"ETH": np.array([-1, 3])}, np.array([6.0, 3.0]))
        >>> float(result.summary().loc["chance of any liquidation", "value"])
        0.5
        """
        one_number("ruin", ruin)
        dead, equity = self.liquidated, self.equity
        rows: dict[str, tuple[float, float] | np.ndarray] = {
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
    rng: np.random.Generator | None = None,
    costs: Costs = _NO_COSTS,
    plan: Plan | None = None,
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
    plan : callable or None    as for `replay.replay`, which then holds every account over every
                               path: a thousand times slower. So it is where a venue closes step by
                               step, and where funding or interest is paid in coins
    chunk : int or None        paths that are in memory at one time, at least 1; by default so
                               many that they have four million prices, and at least 256. What
                               is drawn depends on it [1]
    progress : callable        goes round the chunks, as `tqdm.tqdm` does; by default silent

    Returns
    -------
    dict                       name -> Outcomes

    Raises
    ------
    MarginError                a count that is not whole, a market without the prices of a
                               position, a value of another type

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
        paths, steps, most = market.paths, market.steps, GIVEN_PATHS_PER_CHUNK
    else:
        paths, steps = count("paths", paths), count("steps", steps)
        prices_of_a_path = len(known) * (4 if market.wicks else 1) * steps
        most = max(PRICES_PER_CHUNK // prices_of_a_path, MIN_PATHS_PER_CHUNK)
    chunk = count("chunk", most if chunk is None else chunk)
    parts = []
    for first in progress(range(0, paths, chunk)):
        here = slice(first, min(first + chunk, paths))
        size = here.stop - first
        bars = (
            market.take(here) if isinstance(market, Bars) else market._draw_logs(rng, steps, size)
        )
        parts.append([_hold(account, bars, costs, plan) for account in accounts.values()])
    first = market.marks("open", 0) if isinstance(market, Bars) else market.prices
    each = zip(accounts.items(), zip(*parts, strict=True), strict=True)
    return {name: _joined(account, chunks, first, plan) for (name, account), chunks in each}


def _joined(account: Account, chunks: Sequence[Ends], first: Marks, plan: Plan | None) -> Outcomes:
    """Outcomes of an account on all paths, of its ends on some."""
    steps, equities, shortfalls = zip(*chunks, strict=True)
    step = {s: np.concatenate([part[s] for part in steps]) for s in steps[0]}
    equity, shortfall = np.concatenate(equities), np.concatenate(shortfalls)
    money = account.locked_margin + (account.balance if account.cross else 0)
    start = pooled_risk(account.wallet_balance, account.collateral, first).equity
    at_risk = np.mean(pooled_risk(money, account.collateral, first).equity)
    return Outcomes(start, step, equity, float(at_risk) if plan is None else np.nan, shortfall)


def _hold(account: Account, bars: Bars, costs: Costs, plan: Plan | None) -> Ends:
    """What becomes of one account on all paths: side by side, or one by one where it must be."""
    coins = {each.coin for each in account.collateral}
    paid = {p.symbol for p in account.cross if p.contract.settle in coins}
    in_coins = paid & {*costs.funding, *costs.interest}
    in_steps = costs.closes != "everything" or costs.backstop
    if plan is not None or in_steps or in_coins:
        return _replayed(account, bars, costs, plan)
    return _side_by_side(account, bars, costs)


def _side_by_side(account: Account, bars: Bars, costs: Costs) -> Ends:
    """What becomes of one account on all paths: its pockets, one after the other."""
    own = {p.symbol: _outcome(_Pocket([p], bars, costs), p.own_margin) for p in account.isolated}
    gifts = [(held.phase, np.where(held.phase < NEVER, held.worth, 0)) for held in own.values()]
    shared = _outcome(_Pocket(account.holdings, bars, costs, gifts), account.balance)
    phases = {p.symbol: own.get(p.symbol, shared).phase for p in account.positions}
    step = {s: np.where(phase < NEVER, phase // 2, -1) for s, phase in phases.items()}
    alive = (np.where(held.phase < NEVER, 0, held.worth) for held in own.values())
    shortfall = shared.shortfall + sum(held.shortfall for held in own.values())
    return step, shared.worth + sum(alive), shortfall


def _replayed(account: Account, bars: Bars, costs: Costs, plan: Plan | None) -> Ends:
    """What becomes of an account, path by path."""
    walks = [replay(account, bars.path(path), costs, plan) for path in range(bars.paths)]
    falls = [[(s, at) for at, e in walk.liquidations for s in e.symbols] for walk in walks]
    firsts = [dict(reversed(fall)) for fall in falls]
    step = {p.symbol: np.array([at.get(p.symbol, -1) for at in firsts]) for p in account.positions}
    equity = np.array([walk.end.equity(walk.marks) for walk in walks])
    paid = [[event.received("insurance fund") for _, event in walk.liquidations] for walk in walks]
    return step, equity, np.array([sum(map(formulas.deficit, each)) for each in paid])


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """What becomes of positions that share a sum of money, on each path; shape (paths,).

    phase : ndarray            when they are liquidated: 2 · step at the open of a bar, 2 · step + 1
                               within it, NEVER for never
    worth : ndarray            money that they then give back, or their equity at the end; gifts
                               included [quote]
    shortfall : ndarray        how far they were below zero as they were closed [quote]
    """

    phase: np.ndarray
    worth: np.ndarray
    shortfall: np.ndarray

    @classmethod
    def alive(cls, paths: int) -> "_Held":
        """Nothing is liquidated yet."""
        return cls(np.full(paths, NEVER), np.zeros(paths), np.zeros(paths))


def _outcome(pocket: "_Pocket", money: float) -> _Held:
    """What becomes of a pocket that begins with so much money."""
    held = _Held.alive(pocket.paths)
    cash = np.full(pocket.paths, float(money))  # Funding and interest change it from path to path.
    if pocket.positions:
        pocket.follow(cash, held)
    lives = np.nonzero(held.phase == NEVER)[0]
    risk = pooled_risk(cash[lives], pocket.positions, _at(pocket.bars.marks("close", -1), lives))
    held.worth[lives] = risk.equity + pocket.received(lives, NEVER)
    dead = np.nonzero(held.phase < NEVER)[0]  # Gifts that come later are for the balance, too.
    held.worth[dead] += pocket.received(dead, NEVER) - pocket.received(dead, held.phase[dead])
    return held


class _Pocket:
    """Positions that share a sum of money, the paths that they meet, and what is paid on the way.

    Gifts are money that reaches it: what isolated positions gave back.
    """

    def __init__(
        self, positions: Sequence[Holding], bars: Bars, costs: Costs, gifts: Sequence[Gift] = ()
    ) -> None:
        self.positions, self.costs, self.paths = positions, costs, bars.paths
        # Who is closed sells its coins, and gets all that they are worth.
        self.sold = [
            replace(p, ratio=1.0, buying=1.0) if isinstance(p, Collateral) else p for p in positions
        ]
        self.bars = bars.only({p.contract.market for p in positions})  # Others would only cost.
        self.gifts = [(when, gift) for when, gift in gifts if gift.any()]
        self.jumps = any(p.contract.maintenance.jumps for p in positions)
        self.payments, self.hours = costs.due(bars.hours)
        paid = costs.funding.keys() | costs.interest.keys()
        if paid.isdisjoint(p.symbol for p in positions):
            self.payments = self.hours = np.zeros(bars.steps, dtype=int)

    def received(self, paths: np.ndarray, before: int | np.ndarray) -> np.ndarray | int:
        """Gifts that have come before a phase."""
        return sum(np.where(when[paths] < before, gift[paths], 0) for when, gift in self.gifts)

    def follow(self, cash: np.ndarray, held: _Held) -> None:
        """Block after block with the paths that live: changes their cash, and notes who dies."""
        bars = self.bars
        alive = np.arange(self.paths)
        first_near = self._first_near(cash[0])
        if first_near is not None:
            alive = np.nonzero(first_near >= 0)[0]
            step = first_near[alive]
            self._judge(bars.pick(step, alive), step, cash[alive], alive, held)
        for first in range(0, bars.steps, STEPS_PER_BLOCK):
            alive = alive[held.phase[alive] == NEVER]
            if not len(alive):
                break
            block = bars.rows(slice(first, first + STEPS_PER_BLOCK))
            step = first + np.arange(block.steps)[:, None]
            pot = cash[alive]
            if self.payments[step].any() or self.hours[step].any():
                pot = pot + np.cumsum(self._paid(block.take(alive), step), axis=0)
                cash[alive] = pot[-1]
            least = pot.reshape(-1, len(alive)).min(axis=0) + self.received(alive, 2 * first)
            near = self._in_danger(block, alive, least)
            busy = alive[near]
            self._judge(block.take(busy), step, pot[..., near], busy, held)

    def _first_near(self, cash: float) -> np.ndarray | None:
        """Step at which each path comes near the one price of a lone position; -1 for never.

        None where there is no such price: with company, payments or gifts.
        """
        (position, *others) = self.positions
        if others or self.gifts or self.payments.any() or self.hours.any():
            return None
        if not isinstance(position, Position):
            return None
        if position.contract.conventions.maintenance_at == "today":
            return None
        side = 1 if position.quantity > 0 else -1
        price = position.liquidation_price(cash) * (1 + side * SCREEN)
        return self.bars.first_beyond(position.contract.market, price, side)

    def _in_danger(self, block: Bars, paths: np.ndarray, money: np.ndarray) -> np.ndarray:
        """Whether a pocket may be due in a block: it would be at all the worst prices at once."""
        markets = {p.contract.market for p in self.positions}
        if self.jumps or len(markets) < len(self.positions):
            return np.full(len(paths), True)  # The worst may lie between the extremes.
        ends = {m: [end[paths] for end in block.extremes(m)] for m in markets}
        low, high = ({m: pair[side] for m, pair in ends.items()} for side in (0, 1))
        risk = pooled_risk(money, self.positions, _worst(self.positions, low, high))
        return risk.cushion <= SCREEN * risk.notional

    def _paid(self, block: Bars, step: np.ndarray) -> np.ndarray:
        """Funding and interest of each step of a block, shape of the block."""
        funding, interest = self.costs.funding, self.costs.interest
        cash = np.zeros((block.steps, block.paths))
        for p in (each for each in self.positions if isinstance(each, Position)):
            rate, hourly = funding.get(p.symbol, 0), interest.get(p.symbol, 0)
            cash += p.funding(p.mark(block.open), rate * self.payments[step])
            cash -= formulas.interest(p.borrowed, hourly, self.hours[step])
        return cash

    def _judge(
        self, block: Bars, step: np.ndarray, money: np.ndarray, paths: np.ndarray, held: _Held
    ) -> None:
        """Note which of the paths are due in a block, in which of its steps first, and how."""
        money, step = (np.broadcast_to(x, (block.steps, block.paths)) for x in (money, step))
        pot = money + self.received(paths, 2 * step)
        gap = due = pooled_risk(pot, self.positions, block.open).is_liquidatable
        if block.have_wicks:
            later = money + self.received(paths, 2 * step + 1)
            corner = _worst(self.positions, block.low, block.high)
            due = gap | self._due_within(later, block.open, corner)
        column = np.nonzero(due.any(axis=0))[0]
        at = due[:, column].argmax(axis=0), column
        gap, dead = gap[at], paths[column]
        held.phase[dead] = 2 * step[at] + ~gap
        # On the way through a bar a pocket is closed with something left.
        marks, pot = _at(block.open, at), pot[at]
        closed = pooled_risk(pot, self.sold, marks)
        held.shortfall[dead] = np.where(gap, formulas.deficit(closed.equity), 0)
        if self.costs.fee_rate is None:
            return  # Nothing comes back, at whatever price.
        if not gap.all():
            pot, corner = np.where(gap, pot, later[at]), _at(corner, at)
            share = np.where(gap, 0, _share_of_way(self.positions, pot, marks, corner))
            marks = _on_the_way(self.positions, marks, corner, share)
        risk = pooled_risk(pot, self.sold, marks)
        held.worth[dead] = formulas.returned(risk.equity, risk.notional, self.costs.fee_rate)

    def _due_within(self, money: ArrayLike, start: CheckedMarks, corner: CheckedMarks) -> Truth:
        if self.jumps:
            return ~np.isnan(_share_of_way(self.positions, money, start, corner))
        return pooled_risk(money, self.positions, corner).is_liquidatable


def _at(marks: Mapping[str, np.ndarray], index: tuple | np.ndarray) -> dict[str, np.ndarray]:
    return {market: mark[index] for market, mark in marks.items()}
