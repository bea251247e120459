"""What lessons on both modes share: the same trades, isolated and cross, over the same prices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.ticker import MaxNLocator

from margin_course import text
from margin_course.lab import Controls, Lab, Presets, Shown, change, choice, judged, step_slider
from margin_course.picture import FAINT, INK, LINES, QUIET, Parts, Picture, label, percent_axis
from margin_course.scenarios import Scenario, Trade
from margin_lib.account import MODES
from margin_lib.replay import Replay, replay
from margin_lib.types import Marks


class PathPicture(Picture):
    """Prices step by step, and what the same trades are worth in both modes."""

    size = (9, 4)
    panels = (1, 1)

    def frame(self, scenario: Scenario) -> None:
        prices, worth = self.axes
        steps = max(len(scenario.path(name)) for name in scenario.paths)
        for ax in self.axes:
            ax.set(xlim=(-0.2, 1.25 * (steps - 1)), xlabel="step")
            ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        returns = [value for path in scenario.paths.values() for p in path.values() for value in p]
        prices.set(ylim=(min(returns) - 0.15, max(returns) + 0.15), ylabel="change since entry")
        prices.axhline(0, color=FAINT, linewidth=1, zorder=0)
        percent_axis(prices.yaxis)
        prices.set_title("The market")
        worth.set(ylim=(-0.45 * scenario.balance, 1.6 * scenario.balance))
        worth.set_ylabel(f"equity of the whole account [{scenario.currency}]")
        worth.axhline(0, color=QUIET, linewidth=0.8)
        worth.set_title("Your account")

    def moving(self, state: Mapping[str, Any]) -> Parts:
        prices, worth = self.axes
        walks, step = {mode: state[mode] for mode in LINES if mode in state}, state["step"]
        path = next(iter(walks.values())).path
        steps = np.arange(len(path))
        yield from (ax.axvline(step, color=FAINT, linewidth=6, zorder=0) for ax in self.axes)
        ends = []
        for trade, style in zip(self.scenario.trades, cycle(("-", "--", ":", "-."))):
            y = np.array([marks[trade.symbol] for marks in path]) / trade.price - 1
            yield prices.plot(steps, y, color=FAINT, linestyle=style, linewidth=1.2)[0]
            yield prices.plot(steps[: step + 1], y[: step + 1], color=INK, linestyle=style)[0]
            ends.append((y[-1], trade.symbol))
        at = -np.inf
        for end, symbol in sorted(ends):  # names of lines that end together, one above the other
            at = max(end, at + 0.07 * np.ptp(prices.get_ylim()))
            yield label(prices, steps[-1] + 0.2, at, symbol, ha="left")
        events, top = [], max(reversed(walks), key=lambda mode: walks[mode].equity[step])
        for mode, walk in walks.items():
            (colour, style), equity = LINES[mode], walk.equity
            shown = slice(None, step + 1)
            yield worth.plot(steps[shown], equity[shown], color=colour, linestyle=style)[0]
            yield worth.plot(step, equity[step], "o", color=colour, markersize=5)[0]
            # Ahead of a line there is room for its name; the lower one's goes below.
            away = (0.05 if mode == top else -0.05) * self.scenario.balance * (len(walks) - 1)
            yield label(worth, step + 0.35, equity[step] + away, mode, colour, ha="left")
            events += [(when, mode, event) for when, event in walk.liquidations if when <= step]
        for row, (when, mode, event) in enumerate(sorted(events, key=lambda each: each[:2])):
            colour, _ = LINES[mode]
            x, y = when, walks[mode].equity[when]
            yield worth.plot(x, y, "X", color=colour, markersize=11, zorder=6)[0]
            words = f"{'all' if mode == 'cross' else event.symbols[0]} liquidated"
            y = (-0.13 - 0.11 * (row % 3)) * self.scenario.balance
            yield label(worth, min(x, 0.6 * len(path)), y, words, colour, ha="left")


def side_of(trade: Trade) -> widgets.Dropdown:
    """The list to choose a trade's side from."""
    tip = "one long and one short, or both on one side"
    return choice(f"{trade.symbol} side", ["long", "short"], trade.side, tip)


def both_modes(scenario: Scenario, path: Iterable[Marks]) -> dict[str, Any]:
    """The same trades in both modes over the same path."""
    return {mode: replay(scenario.account(mode), path) for mode in MODES}


def outcomes(states: Mapping[str, Replay], currency: str) -> list[str]:
    """A sentence a mode: what became of the account."""
    lines = []
    for mode, state in states.items():
        equity = text.money(state.equity[-1], currency)
        words = f"{' and '.join(state.dead)} liquidated" if state.dead else "all alive"
        lines.append(f"{mode.capitalize()}: {words}, {equity} left.")
    return lines


def distances(states: Mapping[str, Replay]) -> list[str]:
    """A sentence a mode: how far each price is from liquidating what lives."""
    lines = []
    for mode, state in states.items():
        alive = [position.symbol for position in state.end.positions]
        edges = {s: state.end.liquidation_price(s, state.marks) / state.marks[s] - 1 for s in alive}
        moves = ", ".join(f"{symbol} {text.percent(edge, 1)}" for symbol, edge in edges.items())
        if alive:
            lines.append(f"{mode.capitalize()} is liquidated by one more move of: {moves}.")
    return lines


class MovesLab(Lab):
    """A slider for the price of each coin; the scenario's moves are the buttons."""

    def make_controls(self, scenario: Scenario) -> Controls:
        return {trade.symbol: change(trade.symbol, -0.95, 1.5) for trade in scenario.trades}

    def make_presets(self, scenario: Scenario) -> Presets:
        return scenario.moves

    def compute(self, scenario: Scenario, **changes: float) -> Shown:
        marks = scenario.marks(**changes)
        state = {mode: judged(scenario.account(mode), marks) for mode in MODES}
        risk = state["cross"].start.risk(state["cross"].marks)
        return state, [
            *outcomes(state, scenario.currency),
            *distances(state),
            f"Cross equity {text.money(risk.equity, scenario.currency)} against a maintenance "
            f"margin of {text.money(risk.maintenance_margin, scenario.currency)}.",
        ]


class PathLab(Lab):
    """The same account, step by step along one market.

    Parameters
    ----------
    scenario : Scenario        if it has no paths: one to the liquidation prices and back
    modes : sequence of str    those to compare
    """

    starts_in = "cross"
    picture = PathPicture
    look = "what is gone when prices come back: a position that was closed does not recover."

    def __init__(self, scenario: Scenario, modes: Sequence[str] = MODES) -> None:
        self.modes = modes
        super().__init__(scenario if scenario.paths else there_and_back(scenario))

    def make_controls(self, scenario: Scenario) -> Controls:
        names = list(scenario.paths)
        steps = max(len(scenario.path(name)) for name in names)
        return {
            "path": choice("market", names, names[0], "one of the scenario's markets"),
            "step": step_slider(steps),
        }

    def compute(self, scenario: Scenario, path: str, step: float) -> Shown:
        path = scenario.path(path)
        last = len(path) - 1
        beyond, step = step > last, min(int(step), last)
        walks = {mode: replay(scenario.account(mode), path) for mode in self.modes}
        so_far = {mode: walk.until(step) for mode, walk in walks.items()}
        lines = [*outcomes(so_far, scenario.currency), *distances(so_far)]
        if beyond:
            lines.append(f"The step is held at {last}: this market ends there.")
        return {**walks, "step": step}, lines


def there_and_back(scenario: Scenario) -> Scenario:
    """The scenario with a path on which each price passes its wall and returns."""
    account = scenario.account("isolated")
    parts, walks = np.array([0, 0.3, 0.6, 0.9, 1.05, 0.6, 0.3, 0]), {}
    for trade in scenario.trades:
        wall = account.liquidation_price(trade.symbol) / trade.price - 1
        walks[trade.symbol] = parts * (wall if np.isfinite(wall) else -0.5)
    return replace(scenario, paths={"there and back": walks})
