"""Notebook 04: one balance for all positions, beside a pocket for each."""

from collections.abc import Mapping
from typing import Any

from margin_course import text
from margin_course.lab import equity_of
from margin_course.modes import MovesLab
from margin_course.palette import BORROWED, CROSS, DEAD, ISOLATED, QUIET, YOURS
from margin_course.picture import Parts, Picture, grip, inside, label, vessel
from margin_course.scenarios import Scenario
from margin_lib.replay import Replay


class CrossPicture(Picture):
    """Both accounts as vessels: level is equity, rim what was put in, red what must stay."""

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set_axis_off()
        count = len(scenario.trades)
        self.rest = scenario.balance - sum(trade.margin for trade in scenario.trades)
        places = count + (self.rest > 1e-9 * scenario.balance)
        self.cross_at = places + 0.55
        self.top = 1.72 * scenario.balance
        self.full = 1.3 * scenario.balance  # the highest level that is drawn
        ax.set(xlim=(-0.62, self.cross_at + 0.85), ylim=(-0.42 * scenario.balance, self.top))
        middle = 0.58 * self.top + 0.42 * scenario.balance
        how: dict[str, Any] = {"fontweight": "bold", "ground": False, "va": "top"}
        label(ax, -0.6, self.top, "isolated:\na pocket each", ISOLATED, ha="left", **how)
        label(ax, self.cross_at, self.top, "cross:\none for all", CROSS, **how)
        at = self.cross_at - 0.78
        ax.plot([at, at], [-0.3 * scenario.balance, middle], color=QUIET, linewidth=0.8)
        ax.axhline(0, color=QUIET, linewidth=0.8, zorder=0)

    def moving(self, state: Mapping[str, Replay]) -> Parts:
        ax, balance = self.axes[0], self.scenario.balance
        isolated, cross = state["isolated"], state["cross"]
        for x, position in enumerate(isolated.start.positions):
            symbol, price = position.symbol, isolated.marks[position.symbol]
            closed = symbol in isolated.dead
            level = equity_of(isolated, [symbol])
            risk = position.risk(price)
            asked = 0 if closed else risk.maintenance_margin
            yield from vessel(
                ax, x, position.own_margin, level, ISOLATED, asked, 0.74, closed, self.full
            )
            shown = min(level, self.full)
            yield self._money(x, max(shown, position.own_margin), level)
            yield from self._name(x, symbol, closed)
            slope = position.pnl(2 * position.entry_price)  # what a doubled price would earn
            yield self.hold(grip(ax, x, shown), y=symbol, per=1 / slope, here=risk.equity)
        if self.rest > 1e-9 * balance:
            x = len(isolated.start.positions)
            yield from vessel(ax, x, self.rest, self.rest, BORROWED, wide=0.74)
            yield self._money(x, self.rest, self.rest)
            yield label(ax, x, -0.16 * balance, "rest", ground=False)
        closed = bool(cross.dead)
        risk = cross.start.risk(cross.marks)
        level = 0.0 if closed else risk.equity
        asked = 0 if closed else risk.maintenance_margin
        x = self.cross_at
        yield from vessel(ax, x, balance, level, CROSS, asked, 1.15, closed, self.full)
        yield self._money(x, max(min(level, self.full), balance), level)
        yield from self._name(x, text.listed(p.symbol for p in cross.start.positions), closed)

    def _money(self, x: float, y: float, money: float) -> Any:
        words = self.scenario.money(money)
        ax = self.axes[0]
        return inside(label(ax, x, y + 0.13 * self.scenario.balance, words, ground=False))

    def _name(self, x: float, name: str, closed: bool) -> Parts:
        ax, balance = self.axes[0], self.scenario.balance
        yield inside(label(ax, x, -0.16 * balance, name, ground=False, fontweight="bold"))
        words, colour = ("✕ closed", DEAD) if closed else ("● alive", YOURS)
        yield label(ax, x, -0.29 * balance, words, colour, ground=False)

    def alt(self, state: Mapping[str, Replay]) -> str:
        told = []
        for position in state["isolated"].start.positions:
            level = self.scenario.money(equity_of(state["isolated"], [position.symbol]))
            told.append(f"{position.symbol}'s pocket holds {level}")
        cross = state["cross"]
        risk = cross.start.risk(cross.marks)
        level, asked = (self.scenario.money(x) for x in (risk.equity, risk.maintenance_margin))
        all_of_it = "is empty" if cross.dead else f"holds {level}, red up to {asked}"
        return f"Vessels. Isolated: {', '.join(told)}. Cross: one vessel for all {all_of_it}."


class CrossLab(MovesLab):
    """One balance for all positions, beside a pocket for each."""

    picture = CrossPicture
    starts_in = "cross"
    look = "the level of the one vessel against its red mark. Nothing else decides in cross."

    @property
    def on_page(self) -> tuple[str, ...]:
        return tuple(trade.symbol for trade in self.scenario.trades[:2])
