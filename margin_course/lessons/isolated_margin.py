"""Notebook 03: two pockets, what is set aside for one trade, and what is not."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from margin_course import text
from margin_course.lab import (
    Controls,
    Lab,
    Presets,
    Shown,
    change,
    equity_of,
    first_mark,
    flash_crash,
    judged,
    leverage_of,
    slider,
    status,
)
from margin_course.modes import outcomes
from margin_course.palette import BORROWED, DEAD, GONE, ISOLATED, QUIET, YOURS
from margin_course.picture import (
    Parts,
    Picture,
    dot,
    grip,
    inside,
    label,
    percent_axis,
    vessel,
)
from margin_course.scenarios import Scenario
from margin_lib.replay import Replay


class PocketsPicture(Picture):
    """Isolated margin: the pocket set aside beside the rest; and the price that decides."""

    panels = (1.5, 1)

    def frame(self, scenario: Scenario) -> None:
        pots, axis = self.axes
        balance = scenario.balance
        pots.set(xlim=(-0.55, 1.55), ylim=(-0.36 * balance, 1.55 * balance))
        pots.set_axis_off()
        pots.axhline(0, color=QUIET, linewidth=0.8, zorder=0)
        axis.set(xlim=(0, 1), ylim=(-0.66, 0.46), xticks=[])
        axis.spines["bottom"].set_visible(False)
        percent_axis(axis.yaxis, 6)
        axis.set_title(f"price of {scenario.trades[0].symbol}", x=-0.2)

    def moving(self, state: Replay) -> Parts:
        pots, balance, unit = self.axes[0], self.scenario.balance, self.scenario.currency
        symbol, price = first_mark(state)
        position, closed = state.start[symbol], symbol in state.dead
        level, rest = equity_of(state, [symbol]), state.end.balance
        full = 1.22 * balance
        risk = position.risk(price)
        asked = 0 if closed else risk.maintenance_margin
        yield from vessel(pots, 0, position.own_margin, level, ISOLATED, asked, 0.7, closed, full)
        yield from vessel(pots, 1, state.start.balance, rest, BORROWED, wide=0.7)
        tops = max(position.own_margin, min(level, full)), rest
        for x, (top, money) in enumerate(zip(tops, (level, rest), strict=True)):
            words = text.money(money, unit)
            yield inside(label(pots, x, top + 0.12 * balance, words, ground=False))
        words, colour = ("✕ closed", DEAD) if closed else ("● alive", YOURS)
        how: dict[str, Any] = {"ground": False}
        yield label(pots, 0, -0.13 * balance, "set aside", fontweight="bold", **how)
        yield label(pots, 0, -0.26 * balance, words, colour, **how)
        yield label(pots, 1, -0.13 * balance, "untouched", fontweight="bold", **how)
        yield from self._axis(state, symbol, price)

    def _axis(self, state: Replay, symbol: str, price: Any) -> Parts:
        """The price, and the price below which (for a short: above which) the pocket is closed."""
        ax, position = self.axes[1], state.start[symbol]
        low, high = ax.get_ylim()
        edge = state.start.liquidation_price(symbol) / position.entry_price - 1
        way = np.sign(position.quantity)
        yield ax.axhline(0, color=QUIET, linewidth=0.8, zorder=1)
        if low < edge < high:
            zone = (low, edge) if way > 0 else (edge, high)
            yield ax.axhspan(*zone, color=GONE, zorder=0)
            yield ax.axhline(edge, color=DEAD, linewidth=3)
            words = f"closed at\n{text.percent(edge)}"
            below = -1 if abs(edge - (low if way > 0 else high)) > 0.25 else 1
            va = "top" if below * way < 0 else "bottom"
            yield label(ax, 0.6, edge + 0.03 * below * way, words, DEAD, va=va, ground=False)
            yield self.hold(grip(ax, 0.88, edge, DEAD), y="added", per=self._slope(position))
        now = price / position.entry_price - 1
        yield self.hold(dot(ax, 0.25, now), y="change")

    def _slope(self, position: Any) -> float:
        """Margin per change of the price at which the pocket is closed [quote]."""
        more = 1e-6 * self.scenario.balance
        first, second = (position.liquidation_price(position.own_margin + x) for x in (0, more))
        return more * position.entry_price / (second - first) if second != first else 0.0

    def alt(self, state: Replay) -> str:
        symbol, price = first_mark(state)
        position, unit = state.start[symbol], self.scenario.currency
        level, rest = (text.money(x, unit) for x in (equity_of(state, [symbol]), state.end.balance))
        edge = state.start.liquidation_price(symbol) / position.entry_price - 1
        line = f"the line at {text.percent(edge)} where the first vessel is closed"
        line = "no line, for no price closes the first vessel" if np.isnan(edge) else line
        at = text.percent(price / position.entry_price - 1, 0)
        life = "closed" if state.dead else "alive"
        return (
            f"Two vessels: what is set aside holds {level} and is {life}, the untouched rest holds "
            f"{rest}. Beside them the price of {symbol} at {at}, and {line}."
        )


class IsolatedLab(Lab):
    """Two pockets: what is set aside for one trade, and what is not."""

    picture = PocketsPicture
    starts_in = "isolated"
    on_page = ("added", "change")
    look = "the right vessel. No price moves it; only you do, when you add margin."

    def make_controls(self, scenario: Scenario) -> Controls:
        trade, balance = scenario.trades[0], scenario.balance
        unit, step = scenario.currency, balance / 100
        first, later = "the margin at the start", "moves money across by hand"
        words, part = f"set aside [{unit}]", "account"
        more = f"margin added later [{unit}]"
        return {
            "margin": slider(words, trade.margin, step, balance, step, first, part),
            "added": slider(more, 0, 0, balance, step, later, part),
            "leverage": leverage_of(trade, "sizes the position"),
            "change": change(trade.symbol),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        fifth = scenario.balance / 5
        adding = {f"add {scenario.money(fifth)}": {"added": fifth}}
        return {**adding, **flash_crash(self, scenario)}

    def locked(self, values: Mapping[str, Any], shown: Shown) -> Sequence[str]:
        return ("added",) if shown.state.dead else ()  # a closed pocket takes no margin

    def compute(
        self, scenario: Scenario, margin: float, added: float, leverage: float, change: float
    ) -> Shown:
        symbol, unit = scenario.trades[0].symbol, scenario.currency
        scenario = scenario.with_trade(symbol, margin=margin, leverage=leverage)
        account = scenario.account("isolated")
        possible = min(added, account.balance)
        account, _ = account.add_margin(symbol, possible)
        state = judged(account, scenario.marks(**{symbol: change}))
        words = outcomes({"isolated": state}, unit)
        if not state.dead:
            ends = account.liquidation_price(symbol), account.bankruptcy_price(symbol)
            edge, end = (text.price(each, unit) for each in ends)
            known = f"liquidation price {edge}, bankruptcy price {end}"
            known = "no price closes it" if np.isnan(ends[0]) else known
            position = account[symbol]
            own = text.money(position.own_margin, unit)
            held = text.money(position.notional(position.entry_price), unit)
            words = [f"{own} behind {held}: {known}."]
        if possible < added:
            limit = text.money(possible, unit)
            words.append(f"Margin added is held at {limit}: the balance has no more.")
        return Shown(state, words, status(state, unit))
