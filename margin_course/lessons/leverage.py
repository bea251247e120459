"""Lesson 01: own money, borrowed money, and what leverage multiplies."""

from typing import Any

import numpy as np

from margin_course import text
from margin_course.lab import Controls, Lab, Shown, change, flash_crash, judged, leverage_of
from margin_course.picture import (
    BORROWED,
    FAINT,
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
from margin_course.scenarios import Scenario
from margin_lib.replay import Replay


class LeveragePicture(Picture):
    """Own and borrowed money, at entry and now; and what leverage does to the return."""

    panels = (1.5, 1)

    def frame(self, scenario: Scenario) -> None:
        trade = scenario.trades[0]
        money, line = self.axes
        widest = 1.35 * max(10, trade.leverage) * trade.margin
        money.set(xlim=(0, widest), ylim=(-0.6, 1.7), yticks=[0, 1])
        money.set(yticklabels=["now", "at entry"], xlabel=f"position [{scenario.currency}]")
        money.xaxis.set_major_formatter("{x:,g}")
        money.set_title("Your money and the loan")
        line.set(xlim=(-0.32, 0.32), ylim=(-1.6, 1.6))
        line.set(xlabel="price, change since entry", ylabel="return on your margin")
        line.set_title("What leverage multiplies")
        percent_axis(line.xaxis, ticks=4)
        percent_axis(line.yaxis)
        line.plot([-0.3, 0.3], [-0.3, 0.3], color=QUIET, linestyle="--", linewidth=1.2)
        label(line, 0.31, 0.01, "1x", QUIET, ha="right", va="bottom", ground=False)
        for at in (line.axhline, line.axvline):
            at(0, color=FAINT, linewidth=1, zorder=0)

    def moving(self, state: Replay) -> Parts:
        account, price = state.start, next(iter(state.marks.values()))
        position = account.positions[0]
        own, loan = position.own_margin, position.borrowed
        money, line = self.axes
        for y, mine in ((1, own), (0, position.risk(price).equity)):
            mine_shown = max(mine, 0)
            low, high = y - 0.25, y + 0.25
            yield block(money, 0, low, mine_shown, high, ISOLATED)
            yield block(money, mine_shown, low, mine_shown + loan, high, BORROWED, hatch="///")
            if loan > 1.5 * own:
                yield label(money, mine_shown + loan / 2, y, "borrowed")
            value = text.money(mine, self.scenario.currency)
            yield label(money, 0, y + 0.37, f"yours: {value}", ha="left", ground=False)
        prices = position.entry_price * (1 + np.linspace(-0.3, 0.3, 61))
        x = returns_from_entry(position, prices)
        yield line.plot(x, position.pnl(prices) / own, color=ISOLATED)[0]
        now = returns_from_entry(position, price), position.pnl(price) / own
        yield dot(line, *now)
        x = min(0.25, 1.3 / position.leverage)
        words = f"{position.leverage:g}x"
        how: dict[str, Any] = {"ha": "right", "va": "bottom", "ground": False}
        yield label(line, x - 0.03, x * position.leverage, words, ISOLATED, **how)


class LeverageLab(Lab):
    """Own money, borrowed money, and what leverage multiplies."""

    starts_in = "leverage"
    picture = LeveragePicture
    make_presets = flash_crash
    look = "the hatched part. No price changes it; all of the change is yours."

    def make_controls(self, scenario: Scenario) -> Controls:
        trade = scenario.trades[0]
        return {
            "leverage": leverage_of(trade, "says how much you borrow", high=10),
            "change": change(trade.symbol, -0.3, 0.3),
        }

    def compute(self, scenario: Scenario, leverage: float, change: float) -> Shown:
        symbol, currency = scenario.trades[0].symbol, scenario.currency
        scenario = scenario.with_trade(symbol, leverage=leverage)
        account, marks = scenario.account("isolated"), scenario.marks(**{symbol: change})
        state = judged(account, marks)
        position = account[symbol]
        gain = position.pnl(marks[symbol])
        lines = [
            f"Position {text.money(position.notional(position.entry_price), currency)}: "
            f"{text.money(position.own_margin, currency)} yours, "
            f"{text.money(position.borrowed, currency)} borrowed.",
            f"Price {text.percent(change)}, your money {text.percent(gain / position.own_margin)} "
            f"({text.money(gain, currency, sign=True)}).",
        ]
        if state.dead:
            lines.append("The exchange does not wait for this: see notebook 02.")
        return state, lines
