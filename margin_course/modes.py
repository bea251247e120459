"""What lessons on both modes share: the same trades, isolated and cross, over the same prices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.ticker import MaxNLocator

from margin_course import text
from margin_course.lab import (
    Controls,
    Lab,
    Presets,
    Shown,
    Tile,
    change,
    choice,
    closed_at,
    judged,
    pockets,
    status,
    step_slider,
)
from margin_course.palette import BORROWED, DEAD, FAINT, INK, QUIET, YOURS
from margin_course.picture import (
    LINES,
    Parts,
    Picture,
    below_rings,
    block,
    curve,
    dot,
    grip,
    inside,
    label,
    percent_axis,
    points,
)
from margin_course.scenarios import Scenario, Trade
from margin_lib.account import MODES
from margin_lib.replay import Replay, replay
from margin_lib.types import Marks


def side_of(trade: Trade) -> widgets.Dropdown:
    """The list to choose a trade's side from."""
    tip = "one long and one short, or both on one side"
    return choice(f"{trade.symbol} side", ["long", "short"], trade.side, tip)


def both_modes(scenario: Scenario, path: Iterable[Marks]) -> dict[str, Replay]:
    """The same trades in both modes over the same path."""
    return {mode: replay(scenario.account(mode), path) for mode in MODES}


def outcomes(runs: Mapping[str, Replay], currency: str) -> list[str]:
    """A sentence a mode: what was closed where, and what you keep."""
    lines = []
    for mode, run in runs.items():
        worth = text.money(run.equity[-1], currency)
        closed = [
            f"{text.listed(symbols)} closed {closed_at(run, symbols)}"
            for _, symbols, _ in pockets(run.start)
            if symbols[0] in run.dead
        ]
        end = f"{'; '.join(closed)}, you keep {worth}" if closed else f"all alive, {worth}"
        lines.append(f"{mode.capitalize()}: {end}.")
    return lines


def status_of_both(runs: Mapping[str, Replay], currency: str) -> list[Tile]:
    """Tiles of both accounts: each pocket, and the whole of each."""
    return [
        tile
        for mode, run in runs.items()
        for tile in status(run, currency, f"{mode}, all of it", mode)
    ]


class FlowPicture(Picture):
    """Who pays whom when a pocket is closed, from the transfers of its event.

    On the left stand those who give, on the right those who receive, each as high as its money. A
    state is {party: received}, below 0 for who gives; what is given is what is received.
    """

    names = {
        "market": "the market",
        "balance": "your balance",
        "deleveraged traders": "winners,\nclosed early",
    }

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.set_axis_off()
        how: dict[str, Any] = {"fontweight": "bold", "ground": False, "va": "top"}
        label(ax, 0.0, 1.0, "who pays", ha="left", **how)
        label(ax, 1.0, 1.0, "who gets it", ha="right", **how)

    def moving(self, state: Mapping[str, float]) -> Parts:
        ax = self.axes[0]
        sides = sides_of(state)
        total = sum(sides[0].values()) or 1.0
        tops: list[dict[str, float]] = []
        for side, (left, right) in zip(sides, ((0.3, 0.36), (0.64, 0.7)), strict=True):
            high, gap = 0.86, 0.07
            unit = (high - gap * max(len(side) - 1, 0)) / total
            tops.append({})
            for party, money in side.items():
                tops[-1][party] = high
                low = high - unit * money
                yield block(ax, left, low, right, high, self._colour(party), linewidth=0)
                words = f"{self._name(party)}\n{self.scenario.money(money)}"
                at, align = (left - 0.02, "right") if left < 0.5 else (right + 0.02, "left")
                y = min(max((low + high) / 2, 0.06), 0.84)
                colour = self._colour(party) if self._colour(party) != BORROWED else INK
                name = label(ax, at, y, words, colour, ha=align, ground=False)
                yield inside(name)
                high = low - gap
        yield from self._ribbons(ax, sides, tops, total)

    def _ribbons(
        self, ax: Any, sides: list[dict[str, float]], tops: list[dict[str, float]], total: float
    ) -> Parts:
        units = [(0.86 - 0.07 * max(len(side) - 1, 0)) / total for side in sides]
        x = np.linspace(0.36, 0.64, 30)
        bend = (1 - np.cos(np.linspace(0, np.pi, 30))) / 2
        for giver, given in sides[0].items():
            for taker, taken in sides[1].items():
                money = given * taken / total
                starts, ends = tops[0][giver], tops[1][taker]
                upper = starts + bend * (ends - starts)
                below = upper - money * (units[0] + bend * (units[1] - units[0]))
                colour = self._colour(giver)
                yield ax.fill_between(x, below, upper, color=colour, alpha=0.35, linewidth=0)
                tops[0][giver] -= money * units[0]
                tops[1][taker] -= money * units[1]

    def _colour(self, party: str) -> str:
        own = party == "balance" or party.startswith("margin ")
        return YOURS if own else {"market": BORROWED, "unpaid": DEAD}.get(party, QUIET)

    def _name(self, party: str) -> str:
        if party.startswith("margin "):
            return f"your margin\nof {party.removeprefix('margin ')}"
        return self.names.get(party, party)

    def alt(self, state: Mapping[str, float]) -> str:
        told = [
            ", ".join(
                f"{self._name(party)} {self.scenario.money(money)}" for party, money in side.items()
            ).replace("\n", " ")
            for side in sides_of(state)
        ]
        return f"A flow of money. Who pays: {told[0]}. Who gets it: {told[1]}."


def sides_of(transfers: Mapping[str, float]) -> list[dict[str, float]]:
    """Who gives how much, and who receives how much.

    >>> sides_of({"margin ETH": -2.0, "market": 25.0, "insurance fund": -23.0})[1]
    {'market': 25.0}
    """
    least = 1e-9 * sum(map(abs, transfers.values()))
    return [{p: abs(x) for p, x in transfers.items() if x * way > least} for way in (-1, 1)]


class MovesLab(Lab):
    """A slider for the price of each coin; the scenario's moves are the buttons."""

    def make_controls(self, scenario: Scenario) -> Controls:
        return {trade.symbol: change(trade.symbol, -0.95, 1.4) for trade in scenario.trades}

    def make_presets(self, scenario: Scenario) -> Presets:
        return scenario.moves

    def compute(self, scenario: Scenario, **changes: float) -> Shown:
        marks, unit = scenario.marks(**changes), scenario.currency
        runs = {mode: judged(scenario.account(mode), marks) for mode in MODES}
        return Shown(runs, outcomes(runs, unit), status_of_both(runs, unit))


class PathPicture(Picture):
    """Prices step by step, and below them what the same trades are worth in both modes.

    A state has a Replay for each mode, and the "step" that is reached: between two whole steps
    prices are on their way.
    """

    panels = (1, 1.5)
    stacked = True

    def frame(self, scenario: Scenario) -> None:
        prices, worth = self.axes
        steps = max(len(scenario.path(name)) for name in scenario.paths)
        returns = [x for walks in scenario.paths.values() for w in walks.values() for x in w]
        ticks = MaxNLocator(7, integer=True).tick_values(0, steps - 1)
        for ax in self.axes:
            ax.set(xlim=(-0.03 * (steps - 1), 1.22 * (steps - 1)))
            ax.set_xticks([tick for tick in ticks if 0 <= tick < steps])
        below_rings(worth)
        worth.axhline(0, color=QUIET, linewidth=0.8)
        prices.set(ylim=(min(returns), max(returns)))  # leaves room for the widest words
        prices.yaxis.set_animated(True)  # each path is as high as it goes
        percent_axis(prices.yaxis, 3)
        how: dict[str, Any] = {"x": -0.12, "fontweight": "normal"}
        prices.set_title("prices, change since entry", **how)
        balance = scenario.balance
        runs = (both_modes(scenario, scenario.path(name)) for name in scenario.paths)
        most = max(max(run.equity) for both in runs for run in both.values())
        self.unit = max(balance, most / 1.4)  # of money; heights are laid out in it
        worth.set(ylim=(-0.62 * self.unit, 1.5 * self.unit), xlabel="step")
        worth.set_yticks([0, balance], ["0", f"{balance:,g}"])
        worth.set_title(f"worth of the account [{scenario.currency}]", **how)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        prices, worth = self.axes
        runs, step = {mode: state[mode] for mode in LINES if mode in state}, state["step"]
        path = next(iter(runs.values())).path
        steps = np.arange(len(path))
        yield from (ax.axvline(step, color=FAINT, linewidth=5, zorder=0) for ax in self.axes)
        so_far = np.append(steps[steps < step], step)
        trades = self.scenario.trades
        changes = [np.array([marks[t.symbol] for marks in path]) / t.price - 1 for t in trades]
        low, high = np.min([0, *map(np.min, changes)]), np.max([0, *map(np.max, changes)])
        prices.set_ylim(low - 0.15 * (high - low or 1), high + 0.15 * (high - low or 1))
        yield prices.yaxis
        yield prices.axhline(0, color=QUIET, linewidth=0.8)
        ends = []
        for trade, y, style in zip(trades, changes, cycle(("-", "--", ":", "-."))):
            yield curve(prices, steps, y, color=FAINT, linestyle=style, linewidth=1.5)
            now = np.interp(so_far, steps, y)
            yield curve(prices, so_far, now, color=INK, linestyle=style)
            ends.append((y[-1], trade.symbol))
            yield dot(prices, step, now[-1])
        at = -np.inf
        for end, symbol in sorted(ends):  # names of lines that end together, one above the other
            at = max(end, at + 0.17 * np.ptp(prices.get_ylim()))
            x = steps[-1] + 0.025 * np.ptp(prices.get_xlim())
            yield inside(label(prices, x, at, symbol, ha="left", ground=False))
        yield self.hold(grip(worth, step, worth.get_ylim()[0]), x="step")
        yield from self._worth(worth, runs, steps, so_far)

    def _worth(self, ax: Any, runs: Mapping[str, Any], steps: np.ndarray, so_far: Any) -> Parts:
        unit, step = self.unit, so_far[-1]
        now = {mode: np.interp(so_far, steps, run.equity) for mode, run in runs.items()}
        at, heights = -np.inf, {}
        for mode in sorted(runs, key=lambda mode: now[mode][-1]):  # names, one above the other
            heights[mode] = at = max(now[mode][-1], at + 0.28 * unit)
        lines = 0
        for mode, run in runs.items():
            (colour, style), equity = LINES[mode], now[mode]
            yield curve(ax, so_far, equity, color=colour, linestyle=style)
            yield dot(ax, step, equity[-1], colour)
            x = step + 0.025 * np.ptp(ax.get_xlim())
            yield inside(label(ax, x, heights[mode], mode, colour, ha="left"))
            for when, event in run.liquidations:
                if when > step:
                    continue
                y = run.equity[when]
                yield points(ax, when, y, "X", color=colour, markersize=12, zorder=8)
                words = f"{mode}: {' and '.join(event.symbols)} closed"
                x, y = 0.5 * (lines // 2) * steps[-1], (-0.14 - 0.22 * (lines % 2)) * unit
                yield label(ax, x, y, words, colour, ha="left", ground=False)
                lines += 1

    def alt(self, state: Mapping[str, Any]) -> str:
        runs, step = {mode: state[mode] for mode in LINES if mode in state}, state["step"]
        path, unit = next(iter(runs.values())).path, self.scenario.currency
        marks = path[int(step)]
        prices = ", ".join(
            f"{t.symbol} {text.percent(marks[t.symbol] / t.price - 1, 0)}"
            for t in self.scenario.trades
        )
        so_far = {mode: run.until(int(step)) for mode, run in runs.items()}
        return (
            f"A market of {len(path)} steps, above, and the worth of the account, below. "
            f"In step {int(step)}: {prices}. {' '.join(outcomes(so_far, unit))}"
        )


class PathLab(Lab):
    """The same account, step by step along one market.

    Parameters
    ----------
    scenario : Scenario        if it has no paths: one to the liquidation prices and back
    modes : sequence of str    those to compare
    """

    picture = PathPicture
    starts_in = "cross"
    film = "step"
    on_page = ("path", "step")
    look = "what is gone when prices come back: a position that was closed does not recover."

    def __init__(
        self,
        scenario: Scenario,
        modes: Sequence[str] = MODES,
        canvas: Picture | None = None,
    ) -> None:
        self.modes = modes
        super().__init__(scenario if scenario.paths else there_and_back(scenario), canvas)

    def _again(self) -> Lab:
        return type(self)(self.scenario, self.modes, self.canvas)

    def make_controls(self, scenario: Scenario) -> Controls:
        names = list(scenario.paths)
        steps = max(len(scenario.path(name)) for name in names)
        return {
            "path": choice("market", names, names[0], "one of the scenario's markets", "market"),
            "step": step_slider(steps),
        }

    def compute(self, scenario: Scenario, path: str, step: float) -> Shown:
        path = scenario.path(path)
        last = len(path) - 1
        beyond, step = step > last, min(step, last)
        runs = {mode: replay(scenario.account(mode), path) for mode in self.modes}
        so_far = {mode: run.until(int(step)) for mode, run in runs.items()}
        words = outcomes(so_far, scenario.currency)
        if beyond:
            words.append(f"The step is held at {last}: this market ends there.")
        tiles = status_of_both(so_far, scenario.currency)
        return Shown({**runs, "step": step}, words, tiles)


def there_and_back(scenario: Scenario) -> Scenario:
    """The scenario with a path on which each price passes its wall and returns."""
    account = scenario.account("isolated")
    parts, walks = np.array([0, 0.3, 0.6, 0.9, 1.05, 0.6, 0.3, 0]), {}
    for trade in scenario.trades:
        wall = account.liquidation_price(trade.symbol) / trade.price - 1
        walks[trade.symbol] = parts * (wall if np.isfinite(wall) else -0.5)
    return replace(scenario, paths={"there and back": walks})
