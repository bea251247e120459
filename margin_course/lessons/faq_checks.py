"""Notebook 06: funding day by day, out of one pocket or out of all."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from margin_course import text
from margin_course.lab import Controls, Lab, Presets, Shown, Tile, leverage_of, slider
from margin_course.palette import QUIET
from margin_course.picture import (
    LINES,
    Parts,
    Picture,
    curve,
    grip,
    inside,
    label,
    percent_axis,
    points,
)
from margin_course.scenarios import Scenario
from margin_lib.account import MODES, Risk
from margin_lib.replay import Costs


class FundingPicture(Picture):
    """What funding does day by day: to the liquidation price, and to the money that pays.

    A state has for each mode (days, liquidation prices as changes from entry, money).
    """

    panels = (1, 1)
    days = 90

    def frame(self, scenario: Scenario) -> None:
        edge, pot = self.axes
        how: dict[str, Any] = {"fontweight": "normal", "x": -0.2}
        self.way = -1 if scenario.trades[0].quantity > 0 else 1  # in which the position loses
        edge.set(xlim=(0, self.days), xlabel="days", ylim=sorted((self.way, -0.1 * self.way)))
        edge.set_xticks([0, 30, 60, 90])
        edge.set_title("liquidation price", **how)
        percent_axis(edge.yaxis)
        edge.axhline(0, color=QUIET, linewidth=0.8)
        pot.set(xlim=(0, self.days), xlabel="days", ylim=(0, 1.5 * scenario.balance))
        pot.set_xticks([0, 30, 60, 90])
        pot.set_title(f"money that pays [{scenario.currency}]", **how)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        edge, pot = self.axes
        for mode, (colour, style) in LINES.items():
            days, prices, money = state[mode]
            yield curve(edge, days, prices, color=colour, linestyle=style)
            yield curve(pot, days, money, color=colour, linestyle=style)
            ended = len(days) <= self.days
            words = "own margin" if mode == "isolated" else "whole balance"
            # Names go away from the other line: isolated's is nearer to the price, and less money.
            up = 1 if mode == "isolated" else -1
            at = money[0] + 0.1 * -up * self.scenario.balance
            yield label(pot, 4, at, words, colour, ha="left", ground=False)
            if np.isfinite(prices[0]) and abs(prices[0]) < 0.93:
                at = prices[0] - 0.075 * up * self.way
                yield inside(label(edge, 4, at, mode, colour, ha="left", ground=False))
            else:
                x, va = 4 if mode == "isolated" else 40, "bottom" if self.way < 0 else "top"
                far = "far away" if np.isfinite(prices).any() else "never"
                words, at = f"{mode}:\n{far}", 0.88 * self.way
                yield label(edge, x, at, words, colour, ha="left", va=va, ground=False)
            if ended:
                for ax, y in ((edge, prices[-1]), (pot, money[-1])):
                    if np.isfinite(y):
                        yield points(ax, days[-1], y, "X", color=colour, markersize=12, zorder=8)
            slope = state.get("slope", {}).get(mode)
            if slope and not ended:
                # Money at the end falls in proportion to the rate.
                mark = grip(pot, days[-1], money[-1], colour)
                here = money[0] + slope * state["rate"]
                yield self.hold(mark, y="rate", per=1 / slope, here=here)

    def alt(self, state: Mapping[str, Any]) -> str:
        told = []
        for mode in LINES:
            days, prices, money = state[mode]
            before, after = (self.scenario.money(money[n], 4) for n in (0, -1))
            told.append(
                f"{mode}, {len(days) - 1} days: {from_to(prices[0], prices[-1])}, "
                f"money {before} to {after}"
            )
        return (
            f"Two panels over {self.days} days, the liquidation price and the money that pays. "
            f"{'; '.join(told)}."
        )


def from_to(first: float, last: float) -> str:
    """How a liquidation price has moved, from changes of the price; NaN where there is none.

    >>> from_to(-0.2, -0.15), from_to(-0.2, -0.2)
    ('liquidation price from −20.00 % to −15.00 %', 'liquidation price −20.00 %')
    >>> from_to(float("nan"), -0.97), from_to(float("nan"), float("nan"))
    ('no price closes it at first, −97.00 % does in the end', 'no price closes it')
    >>> from_to(-0.97, float("nan"))
    '−97.00 % closes it at first, no price does in the end'
    """
    before, after = text.percent(first), text.percent(last)
    if np.isnan([first, last]).all():
        return "no price closes it"
    if np.isnan(first):
        return f"no price closes it at first, {after} does in the end"
    if np.isnan(last):
        return f"{before} closes it at first, no price does in the end"
    return f"liquidation price {before if first == last else f'from {before} to {after}'}"


class FundingLab(Lab):
    """Funding day by day: the same rate in both modes, paid out of different pockets."""

    picture = FundingPicture
    starts_in = "isolated"
    on_page = ("leverage", "rate")
    look = "the two lines on the left. They move alike; but how much room did each one have?"

    def make_controls(self, scenario: Scenario) -> Controls:
        rate, tip = scenario.funding_rate, "above 0 the longs pay the shorts"
        words, step = "funding rate [%]", 0.00005
        return {
            "leverage": leverage_of(scenario.trades[0], "makes the notional that pays"),
            "rate": slider(words, rate, -0.001, 0.001, step, tip, "market", ".3%"),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        return {"the other side pays": {"rate": -scenario.funding_rate}}

    def compute(self, scenario: Scenario, leverage: float, rate: float) -> Shown:
        symbol, unit = scenario.trades[0].symbol, scenario.currency
        days = FundingPicture.days
        scenario = scenario.with_trade(symbol, leverage=leverage)
        marks = scenario.marks()
        payments, _ = Costs(funding_hours=scenario.funding_hours).due(24 * np.arange(days + 1))
        state: dict[str, Any] = {"rate": rate, "slope": {}}
        words, tiles = [], []
        for mode in MODES:
            account = scenario.account(mode)
            position, price = account[symbol], account[symbol].mark(marks)
            each = np.cumsum(payments) * position.funding(price, 1.0)  # at a rate of 1
            cash = each * rate
            due = (account.risk(marks, symbol) + Risk(cash)).is_liquidatable
            held = slice(np.argmax(due) if due.any() else None)
            left = account.collateral_behind(symbol, marks).cushion + cash[held]
            edges = position.liquidation_price(left, price) / price - 1
            pot = account.locked_margin if mode == "isolated" else account.balance
            state[mode] = np.arange(days + 1)[held], edges, pot + cash[held]
            state["slope"][mode] = float(each[held][-1])
            dead, cash = bool(due.any()), cash[held][-1]
            way = f"{text.money(abs(cash), unit, 4)} {'received' if cash > 0 else 'paid'}"
            end = f"closed on day {len(edges)}" if dead else f"after {days} days"
            words.append(f"{mode.capitalize()}: {way}, {end}, {from_to(*edges[[0, -1]])}.")
            money = 0.0 if dead else pot + cash
            note = end if dead else from_to(edges[-1], edges[-1])
            life = "closed" if dead else "alive"
            tiles.append(Tile(f"{mode}, day {days}", text.money(money, unit, 4), note, life, mode))
        return Shown(state, words, tiles)


class EdgesPicture(Picture):
    """Where one trade is liquidated in both modes, one row for each thing that was changed.

    A state is {what was changed: (isolated, cross)}, as changes of the price; the first row is the
    account as it is, and lines hold its two places.
    """

    rows = 6
    limits = (-0.8, 1.15)  # names stand on the left, where no short dies

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=self.limits, ylim=(self.rows - 0.4, -1), yticks=[])
        ax.set_xlabel(f"{scenario.trades[1].symbol} is liquidated at")
        percent_axis(ax.xaxis)
        ax.set_xticks([0, 0.5, 1])
        ax.axvline(0, color=QUIET, linewidth=0.8)

    def moving(self, state: Mapping[str, tuple[float, float]]) -> Parts:
        ax, (low, high) = self.axes[0], self.limits
        begin = next(iter(state.values()))
        for (mode, (colour, style)), first in zip(LINES.items(), begin, strict=True):
            if np.isfinite(first):
                yield ax.axvline(first, color=colour, linestyle=style, linewidth=1, zorder=1)
                yield inside(label(ax, first, -0.7, mode, colour))
        for row, (words, edges) in enumerate(state.items()):
            yield label(ax, low + 0.01 * (high - low), row - 0.28, words, ha="left", ground=False)
            for (colour, _), first, edge in zip(LINES.values(), begin, edges, strict=True):
                if not np.isfinite(edge):
                    continue
                if abs(edge - first) > 1e-9:
                    yield curve(ax, [first, edge], [row, row], color=colour, linewidth=3)
                at = float(np.clip(edge, low, high))
                yield points(ax, at, row, "o", color=colour, markersize=8, zorder=6)

    def alt(self, state: Mapping[str, tuple[float, float]]) -> str:
        rows = "; ".join(
            f"{words}: isolated {text.percent(a)}, cross {text.percent(b)}"
            for words, (a, b) in state.items()
        )
        return f"Where {self.scenario.trades[1].symbol} is liquidated. {rows}."
