"""Lesson 06: the same funding, out of different pockets."""

from collections.abc import Mapping

import numpy as np

from margin_course import text
from margin_course.lab import Controls, Lab, Presets, Shown, leverage_of, slider
from margin_course.picture import FAINT, LINES, Parts, Picture, label, percent_axis
from margin_course.scenarios import Scenario
from margin_lib.account import MODES, Risk
from margin_lib.replay import Costs


class FundingPicture(Picture):
    """What funding does day by day: to the liquidation price, and to the pocket that pays."""

    size = (9, 4)
    panels = (1, 1)
    days = 90

    def frame(self, scenario: Scenario) -> None:
        edge, pot = self.axes
        edge.set(xlim=(0, self.days), xlabel="days", ylim=(-1.0, 0.1))
        edge.set_ylabel("liquidation price, from entry")
        edge.set_title("The price that liquidates")
        percent_axis(edge.yaxis)
        edge.axhline(0, color=FAINT, linewidth=1)
        pot.set(xlim=(0, self.days), xlabel="days", ylim=(0, 1.7 * scenario.balance))
        pot.set_ylabel(f"[{scenario.currency}]")
        pot.set_title("The money that pays")

    def moving(self, state: Mapping[str, tuple]) -> Parts:
        edge, pot = self.axes
        for mode, (colour, style) in LINES.items():
            days, prices, money = state[mode]
            yield edge.plot(days, prices, color=colour, linestyle=style)[0]
            yield pot.plot(days, money, color=colour, linestyle=style)[0]
            words = "isolated margin" if mode == "isolated" else "shared balance"
            # Each name on the side that its line turns away from.
            up = 1 if money[-1] > money[0] else -1
            at = money[0] - 0.08 * up * self.scenario.balance
            yield label(pot, 3, at, words, colour, ha="left")
            if np.isfinite(prices[0]):
                yield label(edge, 3, prices[0] + 0.06 * up, mode, colour, ha="left")
            else:
                yield label(edge, 3, -0.95, "cross: never", colour, ha="left")


class FundingLab(Lab):
    """Funding day by day: the same rate in both modes, paid out of different pockets."""

    starts_in = "isolated"
    picture = FundingPicture
    look = "the two lines on the left. They move alike; but how much room did each one have?"

    def make_controls(self, scenario: Scenario) -> Controls:
        rate, tip = scenario.funding_rate, "above 0 the longs pay the shorts"
        return {
            "leverage": leverage_of(scenario.trades[0], "makes the notional that pays"),
            "rate": slider("funding rate [%]", rate, -0.001, 0.001, 0.00005, tip, ".3%"),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        return {"the other side pays": {"rate": -scenario.funding_rate}}

    def compute(self, scenario: Scenario, leverage: float, rate: float) -> Shown:
        symbol, currency = scenario.trades[0].symbol, scenario.currency
        days = FundingPicture.days
        scenario = scenario.with_trade(symbol, leverage=leverage)
        marks = scenario.marks()
        payments, _ = Costs(funding_hours=scenario.funding_hours).due(24 * np.arange(days + 1))
        state, lines = {}, []
        for mode in MODES:
            account = scenario.account(mode)
            position, price = account[symbol], account[symbol].mark(marks)
            cash = np.cumsum(payments) * position.funding(price, rate)
            due = (account.risk(marks, symbol) + Risk(cash)).is_liquidatable
            held = slice(np.argmax(due) if due.any() else None)
            left = account.collateral_behind(symbol, marks).cushion + cash[held]
            edges = position.liquidation_price(left, price) / price - 1
            pot = account.locked_margin if mode == "isolated" else account.balance
            state[mode] = np.arange(days + 1)[held], edges, pot + cash[held]
            cash = cash[held][-1]
            way = f"{text.money(abs(cash), currency, 4)} {'received' if cash > 0 else 'paid'}"
            end = f", liquidated on day {len(edges)}" if due.any() else f" after {days} days"
            first, last = text.percent(edges[0]), text.percent(edges[-1])
            edge = f"at {first}" if first == last else f"from {first} to {last}"
            lines.append(f"{mode.capitalize()}: {way}{end}, liquidation price {edge}.")
        return state, lines
