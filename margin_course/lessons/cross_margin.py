"""Lesson 04: one balance for all trades."""

from collections.abc import Mapping

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from margin_course import text
from margin_course.modes import MovesLab
from margin_course.picture import (
    BORROWED,
    CROSS,
    GAIN,
    ISOLATED,
    LOSS,
    QUIET,
    Parts,
    Picture,
    bar,
    label,
    outline,
)
from margin_course.scenarios import Scenario
from margin_lib.account import Risk
from margin_lib.replay import Replay


class CrossPicture(Picture):
    """One balance that carries everything, beside the same trades with a pocket each."""

    size = (9, 4.2)
    panels = (1.35, 1)

    def frame(self, scenario: Scenario) -> None:
        symbols = [trade.symbol for trade in scenario.trades]
        shared, own = self.axes
        names = ["balance", *(f"{symbol} PnL" for symbol in symbols), "equity"]
        for ax, ticks in ((shared, names), (own, [f"{symbol} pocket" for symbol in symbols])):
            limits = (-0.75 * scenario.balance, 2.25 * scenario.balance)
            ax.set(xlim=(-0.6, len(ticks) - 0.4), ylim=limits)
            ax.set(xticks=range(len(ticks)), xticklabels=ticks)
            ax.axhline(0, color=QUIET, linewidth=0.8)
        shared.set_ylabel(f"[{scenario.currency}]")
        shared.set_title("Cross: one balance carries both")
        own.set_title("Isolated: each on its own margin")

    def moving(self, state: Mapping[str, Replay]) -> Parts:
        yield from self._shared(self.axes[0], state["cross"])
        yield from self._own(self.axes[1], state["isolated"])

    def _shared(self, ax: Axes, state: Replay) -> Parts:
        account, marks = state.start, state.marks
        level = account.balance
        yield bar(ax, 0, 0, level, BORROWED)
        yield self._value(ax, 0, level, level)
        for x, position in enumerate(account.positions, start=1):
            gain = position.pnl(marks[position.symbol])
            colour, hatch = (GAIN, "") if gain >= 0 else (LOSS, "...")
            yield bar(ax, x, level, level + gain, colour, hatch=hatch)
            level += gain
            yield self._value(ax, x, max(level, level - gain), gain, sign=True)
        risk = account.risk(marks)
        x = len(account.positions) + 1
        yield bar(ax, x, 0, risk.equity, CROSS)
        yield self._value(ax, x, max(risk.equity, risk.maintenance_margin), risk.equity)
        yield from self._maintenance(ax, x, risk)
        if state.liquidations:
            yield label(ax, x, -0.5 * self.scenario.balance, "liquidated", LOSS)

    def _own(self, ax: Axes, state: Replay) -> Parts:
        for x, position in enumerate(state.start.positions):
            risk = position.risk(state.marks[position.symbol])
            yield outline(ax, x, 0, position.own_margin)
            if position.symbol not in state.end:
                yield label(ax, x, -0.5 * self.scenario.balance, "liquidated", LOSS)
            yield bar(ax, x, 0, risk.equity, ISOLATED)
            yield self._value(ax, x, max(risk.equity, position.own_margin), risk.equity)
            yield from self._maintenance(ax, x, risk)

    def _maintenance(self, ax: Axes, x: float, risk: Risk) -> Parts:
        level = risk.maintenance_margin
        yield ax.plot([x - 0.42, x + 0.42], [level, level], color=LOSS, linestyle="--", zorder=5)[0]
        if risk.equity > 0:
            yield label(ax, x, -0.1 * self.scenario.balance, "maintenance", LOSS)

    def _value(self, ax: Axes, x: float, y: float, value: float, sign: bool = False) -> Artist:
        top = ax.get_ylim()[1] - 0.06 * self.scenario.balance
        y = min(y + 0.1 * self.scenario.balance, top)
        return label(ax, x, y, text.money(value, "", sign=sign))


class CrossLab(MovesLab):
    """One balance for all positions, beside a pocket for each."""

    starts_in = "cross"
    picture = CrossPicture
    look = "the last bar on the left against its dashed line. Nothing else decides in cross."
