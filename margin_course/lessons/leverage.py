"""Notebook 01: own money, borrowed money, and what leverage multiplies."""

from typing import Any

import numpy as np

from margin_course import text
from margin_course.lab import (
    Controls,
    Lab,
    Shown,
    change,
    first_mark,
    flash_crash,
    judged,
    leverage_of,
    status,
)
from margin_course.modes import outcomes
from margin_course.palette import DEAD, FAINT, GONE, QUIET, YOURS
from margin_course.picture import (
    Parts,
    Picture,
    bar,
    below_rings,
    curve,
    dot,
    grip,
    inside,
    label,
    loan,
    percent_axis,
)
from margin_course.scenarios import Scenario
from margin_lib.replay import Replay


class LeveragePicture(Picture):
    """Own and borrowed money, at entry and now; and what leverage does to the return."""

    panels = (1, 1.15)

    def frame(self, scenario: Scenario) -> None:
        trade = scenario.trades[0]
        money, line = self.axes
        self.most = 1.55 * max(10, trade.leverage) * trade.margin
        money.set(xlim=(-0.5, 1.5), ylim=(0, self.most), yticks=[])
        money.set_xticks([0, 1], ["at entry", "now"])
        below_rings(money)
        money.spines["left"].set_visible(False)
        money.set_title("Your money", x=0.02)
        line.set(xlim=(-0.34, 0.34), ylim=(-1.42, 1.62), xlabel="price change")
        line.set_title("Return on your money", x=-0.2)
        percent_axis(line.xaxis, ticks=4)
        percent_axis(line.yaxis, ticks=7)
        line.plot([-0.3, 0.3], [-0.3, 0.3], color=QUIET, linestyle="--", linewidth=1.2)
        label(line, 0.31, 0.2, "1x", QUIET, ha="right", va="top", ground=False)
        for at in (line.axhline, line.axvline):
            at(0, color=FAINT, linewidth=1, zorder=0)

    def moving(self, state: Replay) -> Parts:
        account, (symbol, price) = state.start, first_mark(state)
        position = account.positions[0]
        own, entry = position.own_margin, position.entry_price
        money, line = self.axes
        closed = symbol in state.dead
        worths = own, 0.0 if closed else position.risk(price).equity
        loans = position.borrowed, 0.0 if closed else position.borrowed
        for x, (mine, borrowed) in enumerate(zip(worths, loans, strict=True)):
            top = borrowed + mine
            yield loan(money, x, 0, borrowed)
            yield bar(money, x, borrowed, top, YOURS)
            if borrowed > 0.09 * self.most:
                yield label(money, x, borrowed / 2, "borrowed")
            words = "closed" if closed and x else f"{self.scenario.money(mine, 0)}\nyours"
            colour = DEAD if closed and x else YOURS
            yield inside(label(money, x, top + 0.055 * self.most, words, colour, va="bottom"))
        yield self.hold(grip(money, 0, own + position.borrowed), y="leverage", per=1 / own)
        size = position.quantity * entry
        value = position.borrowed + own + position.pnl(price)
        yield self.hold(
            grip(money, 1, sum(worths[1:]) + loans[1]), y="change", per=1 / size, here=value
        )
        x = np.linspace(-0.3, 0.3, 61)
        returns = position.pnl(entry * (1 + x)) / own
        lost = account.liquidation_price(symbol) / entry - 1
        alive = (x - lost) * np.sign(position.quantity) > 0 if np.isfinite(lost) else x > -1
        yield curve(line, x[alive], returns[alive], color=YOURS)
        if -0.3 < lost < 0.3:
            away = -np.sign(position.quantity)
            yield line.axvspan(*sorted((lost, 0.34 * away)), color=GONE, zorder=0)
            yield curve(line, [lost, 0.34 * away], [-1, -1], color=DEAD)
            # Beside the end of the line, where no dot comes.
            words = f"closed: {text.percent(-1, 0)}"
            how: dict[str, Any] = {"ha": "left" if away < 0 else "right", "ground": False}
            yield inside(label(line, lost - 0.06 * away, -1.2, words, DEAD, **how))
        now = price / entry - 1
        yield self.hold(dot(line, now, -1 if closed else position.pnl(price) / own), x="change")
        x = min(0.26, 1.2 / position.leverage)
        words, up = f"{position.leverage:g}x", "bottom" if position.leverage > 1.5 else "top"
        y = x * position.leverage * np.sign(position.quantity)
        how = {"ha": "right", "va": up, "ground": False}
        if position.leverage > 1.2:
            yield label(line, x - 0.02, y, words, YOURS, **how)

    def alt(self, state: Replay) -> str:
        position, (_, price) = state.start.positions[0], first_mark(state)
        own, borrowed = (self.scenario.money(x) for x in (position.own_margin, position.borrowed))
        times = f"{position.leverage:g} times " if position.leverage != 1 else ""
        left = self.scenario.money(0 if state.dead else position.risk(price).equity)
        moved = text.percent(price / position.entry_price - 1, 0)
        now = "the position is closed" if state.dead else f"{left} yours on the same loan"
        return (
            f"Two columns. At entry {own} yours on {borrowed} borrowed; now, with the price at "
            f"{moved}, {now}. Beside them the return on your money against the price change: a "
            f"line {times}as steep as without a loan."
        )


class LeverageLab(Lab):
    """Own money, borrowed money, and what leverage multiplies."""

    picture = LeveragePicture
    starts_in = "leverage"
    make_presets = flash_crash
    on_page = ("leverage", "change")
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
        words = [
            f"{text.money(position.own_margin, currency)} yours on "
            f"{text.money(position.borrowed, currency)} borrowed. Price {text.percent(change, 0)}: "
        ]
        if state.dead:
            words = [*outcomes({"isolated": state}, currency)]
            words.append("Why the exchange does not wait for zero: notebook 02.")
        else:
            words[0] += (
                f"your money {text.percent(gain / position.own_margin)} "
                f"({text.money(gain, currency, sign=True)})."
            )
        return Shown(state, words, status(state, currency))
