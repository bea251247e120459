"""Lesson 05: both modes in one plane of two prices."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist

from margin_course import text
from margin_course.lab import Controls, Lab, Presets, Shown, judged, slider
from margin_course.modes import MovesLab, side_of
from margin_course.picture import (
    BORROWED,
    CROSS,
    DEAD,
    FAINT,
    INK,
    ISOLATED,
    QUIET,
    Parts,
    Picture,
    block,
    dot,
    label,
    percent_axis,
    returns_from_entry,
)
from margin_course.scenarios import SEED, Scenario
from margin_lib.account import MODES, Account
from margin_lib.simulate import Outcomes, simulate


class Room:
    """Cells of some axes, and what they hold already: finds where words cover nothing."""

    cell = 8  # dots
    full = 1000  # held where no words may be

    def __init__(self, ax: Any) -> None:
        self.ax = ax
        self.limits = ax.get_ylim(), ax.get_xlim()
        shape = (ax.bbox.size[::-1] // self.cell).astype(int)
        ends = zip(self.limits, shape, strict=True)
        y, x = (np.linspace(low, high, n) for (low, high), n in ends)
        self.y, self.x = np.meshgrid(y, x, indexing="ij")
        self.held = np.pad(np.zeros(shape - 2), 1, constant_values=self.full)  # not on a side

    def part(self, kinds: np.ndarray) -> None:
        """Note the borders between cells of different kinds."""
        self.kinds = kinds
        self.held[:-1] += self.full * (np.diff(kinds, axis=0) != 0)
        self.held[:, :-1] += self.full * (np.diff(kinds, axis=1) != 0)

    def take(self, x: np.ndarray, y: np.ndarray) -> None:
        """Note points, which words cover only where they must."""
        self.held += np.histogram2d(y, x, self.held.shape, self.limits)[0]

    def keep(self, artist: Artist) -> Artist:
        """Note an artist, and return it."""
        box = artist.get_window_extent(self.ax.figure.canvas.get_renderer())
        ends = ((corner - self.ax.bbox.min) / self.cell for corner in (box.min, box.max))
        (left, low), (right, high) = (np.maximum(end, 0).astype(int) for end in ends)
        self.held[low : high + 1, left : right + 1] += self.full
        return artist

    def put(
        self, words: str, wanted: np.ndarray, colour: str, outside: bool = False
    ) -> list[Artist]:
        """Artists: words in wanted cells (a mask), or outside with a line to them; none if full."""
        middle = x, y = self.x[wanted].mean(), self.y[wanted].mean()
        artist = label(self.ax, x, y, words, colour)
        size: Any = artist.get_window_extent(self.ax.figure.canvas.get_renderer()).size
        wide, high = np.ceil(size / self.cell).astype(int) + 1
        held = self.held + self.full * (~wanted if not outside else 0)
        total = np.pad(np.cumsum(np.cumsum(held, axis=0), axis=1), ((1, 0), (1, 0)))
        rows = total[high:] - total[:-high]
        covered = rows[:, wide:] - rows[:, :-wide]
        far = np.hypot(self.x - x, self.y - y)[high // 2 :, wide // 2 :]
        cost = covered + (30 if outside else 0.1) * far[: len(covered), : len(covered[0])]
        row, column = np.unravel_index(np.argmin(cost), cost.shape)
        if covered[row, column] >= self.full:
            artist.remove()
            return []
        box = slice(row, row + high), slice(column, column + wide)
        at = self.x[box].mean(), self.y[box].mean()
        artist.set_position(at)
        self.keep(artist)
        if not outside:
            return [artist]
        line = self.ax.plot(*zip(middle, at, strict=True), ".-", markevery=[0], color=colour)[0]
        line.set(linewidth=1, zorder=5)
        return [artist, line]


def dying(flags: Sequence[bool], symbols: Iterable[str]) -> str:
    """What dies, in words, from a flag for each isolated pocket and one for cross.

    >>> dying((True, False, False), ("ETH", "ADA")), dying((True, False, True), ("ETH", "ADA"))
    ("only ETH's pocket dies", "ETH's pocket and cross die")
    """
    names = [*(f"{symbol}'s pocket" for symbol in symbols), "cross"]
    dead = [name for name, flag in zip(names, flags, strict=True) if flag]
    if len(dead) in (0, len(names)):
        return "everything dies" if dead else "nothing dies"
    if len(dead) == 1:
        return f"only {dead[0]} dies"
    return f"{' and '.join(dead)} die" if flags[-1] else "both pockets die"


class PlanePicture(Picture):
    """Both returns at once: two walls of isolated margin, one slanted line of cross margin.

    A state may hold a "cloud", the returns of both in many markets, and "shares", what dies (in the
    words of `dying`) -> share of the markets.
    """

    size = (9, 5.8)
    limits = (-1.0, 1.5)
    start: tuple[Any, ...] = ()  # what the plane was drawn for

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        first, second = (trade.symbol for trade in scenario.trades[:2])
        ax.set(xlim=self.limits, ylim=self.limits)
        ax.set(xlabel=f"{first}, change since entry", ylabel=f"{second}, change since entry")
        for axis in (ax.xaxis, ax.yaxis):
            percent_axis(axis)
        for at in (ax.axhline, ax.axvline):
            at(0, color=FAINT, linewidth=1, zorder=0)

    def moving(self, state: Any) -> Parts:
        ax = self.axes[0]
        start = state["isolated"].start, state["cross"].start, state["cross"].marks
        if start != self.start:  # else only the cloud has moved
            self.room = Room(ax)
            self.plane = list(self._plane(self.room, *start))
            self.start, self.held = start, self.room.held
        yield from self.plane
        room, kinds = self.room, self.room.kinds
        room.held = self.held.copy()
        if "cloud" not in state:
            yield from room.put("cross: everything\ndies here", kinds >= 4, CROSS)
            return
        yield ax.plot(*state["cloud"], ".", color=QUIET, markersize=4, zorder=1)[0]
        room.take(*state["cloud"])
        symbols = [position.symbol for position in start[1].positions[:2]]
        crowded = []
        for kind in np.unique(kinds):
            flags = [bool(kind & bit) for bit in (1, 2, 4)]
            what = dying(flags, symbols)
            share = state["shares"].get(what, 0)
            words = f"{textwrap.fill(what, 15)}\n{text.share(share)}"
            told = words, kinds == kind, CROSS if flags[-1] else INK
            artists = room.put(*told)
            yield from artists
            if not artists and share >= 0.0005:  # worth a line
                crowded.append(told)
        for told in crowded:
            yield from room.put(*told, outside=True)

    def forget(self) -> None:
        self.start = ()

    def _plane(self, room: Room, isolated: Account, cross: Account, marks: dict[str, Any]) -> Parts:
        """Walls and line, and where prices stand."""
        ax, (low, high) = self.axes[0], self.limits
        pair = cross.positions[:2]
        symbols = first, second = [position.symbol for position in pair]
        changes = zip(pair, (room.x, room.y), strict=True)
        there = marks | {p.symbol: p.entry_price * np.maximum(1 + r, 1e-6) for p, r in changes}
        risks = [isolated.risk(there, symbol) for symbol in symbols] + [cross.risk(there)]
        room.part(np.tensordot([1, 2, 4], np.array([risk.is_liquidatable for risk in risks]), 1))
        yield ax.contourf(room.x, room.y, risks[-1].cushion, [-np.inf, 0], colors=[DEAD], zorder=0)
        box = {p.symbol: (p.entry_price * 1e-6, p.entry_price * (1 + high)) for p in pair}
        corners = zip(pair, cross.wall(first, second, box, marks).T, strict=True)
        line = [returns_from_entry(position, prices) for position, prices in corners]
        yield ax.plot(*line, color=CROSS, linewidth=2.5)[0]
        walls = [returns_from_entry(p, isolated.liquidation_price(p.symbol)) for p in pair]
        inward = 0.12 if pair[1].quantity < 0 else -0.12  # from where cross lives
        yield ax.axvline(walls[0], color=ISOLATED, linestyle="--")
        yield ax.axhline(walls[1], color=ISOLATED, linestyle="--")
        at = [
            (walls[0] + 0.02, (low if inward > 0 else high) + inward, "left"),
            (high - 0.02, walls[1] - inward, "right"),
        ]
        for symbol, wall, (x, y, side) in zip(symbols, walls, at, strict=True):
            words = f"isolated {symbol} dies\n{text.percent(wall)}"
            yield room.keep(label(ax, x, y, words, ISOLATED, ha=side))
        yield room.keep(dot(ax, *(returns_from_entry(p, marks[p.symbol]) for p in pair)))


class LossPicture(Picture):
    """What the same many markets left of an account in both modes, from their Outcomes."""

    size = (9, 4.2)
    edges = (-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5)

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(-1.5, 1.5), ylim=(-0.7, len(self.edges) + 1.9))
        ax.set_axis_off()
        label(ax, 0, len(self.edges) + 1, "change of\nthe account", QUIET, ground=False)

    def moving(self, state: Mapping[str, Outcomes]) -> Parts:
        ax = self.axes[0]
        tables = {mode: results.spread(self.edges) for mode, results in state.items()}
        longest = max(table.sum(axis=1).max() for table in tables.values())
        for row, interval in enumerate(tables["cross"].index):
            yield label(ax, 0, row, text.band(interval), ground=False)
        for mode, colour, side in (("isolated", ISOLATED, -1), ("cross", CROSS, 1)):
            how: dict[str, Any] = {"ha": "right" if side < 0 else "left", "ground": False}
            hit = text.share(state[mode].liquidated.mean())
            words = f"{mode.capitalize()}, share of the markets\ndark: something died, {hit}"
            yield label(ax, 0.32 * side, len(self.edges) + 1, words, colour, **how)
            for row, (alive, dead) in enumerate(tables[mode].to_numpy()):
                ends = (0.32 + np.cumsum([0, dead, alive]) / longest) * side
                for start, end, fill in zip(ends, ends[1:], (colour, BORROWED), strict=False):
                    yield block(ax, start, row - 0.35, end, row + 0.35, fill)
                share = text.share(alive + dead)
                yield label(ax, ends[-1] + 0.03 * side, row, share, **how)


MARKETS, SHOWN = 4000, 400  # of a cloud: those that are counted, those that are drawn


class ComparisonLab(MovesLab):
    """Both returns at once: two walls of isolated margin, one line of cross margin."""

    starts_in = "cross"
    needs = {"trades": 2}
    picture = PlanePicture
    look = "which edge the dot crosses first. A wall kills one position, the line kills all."

    def make_controls(self, scenario: Scenario) -> Controls:
        return {"side": side_of(scenario.trades[1]), **super().make_controls(scenario)}

    def compute(self, scenario: Scenario, side: str, **changes: float) -> Shown:
        scenario = scenario.with_trade(scenario.trades[1].symbol, side=side)
        return super().compute(scenario, **changes)


class CloudLab(Lab):
    """Many possible markets at once: which of them cross a wall, and which the line?

    A plane has room for two trades: the scenario's first two, alone in the account.
    """

    starts_in = "cross"
    needs = {"trades": 2}
    picture = PlanePicture
    look = "how the cloud lies: along the line, or across it. Points outside the frame count, too."
    shares: dict[str, float] | Any = None  # what dies -> share of the markets
    lost: dict[str, float] | Any = None  # mode -> share of the markets in which all positions die

    def make_controls(self, scenario: Scenario) -> Controls:
        alike, wide = "1: prices move alike", "sets how wide the cloud is"
        now = scenario.volatility
        return {
            "side": side_of(scenario.trades[1]),
            "correlation": slider("correlation", scenario.correlation, -1, 1, 0.05, alike),
            "volatility": slider("volatility [% a year]", now, 0.05, 1.5, 0.05, wide, ".0%"),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        kinds = {"move together": 0.9, "independent": 0.0, "move apart": -0.9}
        return {words: {"correlation": value} for words, value in kinds.items()}

    def compute(
        self, scenario: Scenario, side: str, correlation: float, volatility: float
    ) -> Shown:
        scenario = scenario.first_trades(2).with_trade(scenario.trades[1].symbol, side=side)
        terms = {"correlation": correlation, "volatility": volatility}
        market = scenario.market(step_hours=24 * scenario.days, **terms)
        bars = market.draw(np.random.default_rng(SEED), steps=1, paths=MARKETS)  # each one jump
        accounts = {mode: scenario.account(mode) for mode in MODES}
        results = simulate(accounts, bars)
        steps = results["isolated"].step
        dead = [*(step >= 0 for step in steps.values()), results["cross"].liquidated]
        kinds = np.bincount(np.dot([1, 2, 4], dead), minlength=8)
        self.shares = {
            dying([bool(kind & bit) for bit in (1, 2, 4)], steps): count / MARKETS
            for kind, count in enumerate(kinds)
            if count
        }
        marks = scenario.marks()
        state: dict[str, Any] = {mode: judged(accounts[mode], marks) for mode in MODES}
        state["shares"] = self.shares
        state["cloud"] = [bars.close[t.symbol][0, :SHOWN] / t.price - 1 for t in scenario.trades]
        often = sorted(self.shares.items(), key=lambda item: -item[1])
        regions = (f"{words} {text.share(x)}" for words, x in often)
        self.lost = {"isolated": np.all(dead[:-1], axis=0).mean(), "cross": np.mean(dead[-1])}
        all_die = (f"{mode} {text.share(x)}" for mode, x in self.lost.items())
        return state, [
            f"{MARKETS:,} markets, {scenario.days} days later: {', '.join(regions)}.",
            f"All positions die: {', '.join(all_die)}.",
        ]
