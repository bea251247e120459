"""Lesson 09: both modes in markets that really happened."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from margin_course import text
from margin_course.lab import Controls, Lab, Shown, choice, leverage_of, slider
from margin_course.modes import outcomes
from margin_course.picture import FAINT, LINES, QUIET, Parts, Picture, label
from margin_course.scenarios import Scenario
from margin_lib.account import MODES
from margin_lib.liquidation import mark_to_market
from margin_lib.replay import replay


class StressPicture(Picture):
    """What a fall leaves of the whole account in both modes, on the way from entry to its end."""

    size = (9, 4)

    def frame(self, scenario: Scenario) -> None:
        ax, balance = self.axes[0], scenario.balance
        ax.set(xlim=(0.03, -1.05), ylim=(-0.2 * balance, 1.32 * balance))
        ax.set(xlabel="price, change since entry", xticks=np.arange(0, -1.1, -0.2))
        ax.set_ylabel(f"worth of the whole account [{scenario.currency}]")
        ax.xaxis.set_major_formatter(lambda value, _: text.percent(value, 0))
        ax.yaxis.set_major_formatter("{x:,g}")
        ax.axhline(0, color=QUIET, linewidth=0.8)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, balance, changes = self.axes[0], self.scenario.balance, state["changes"]
        yield ax.axvline(changes[-1], color=QUIET, linestyle=":", linewidth=1.5, zorder=1)
        words = f"it ended here: {text.percent(changes[-1], 0)}"
        side = "right" if changes[-1] < -0.6 else "left"
        at = changes[-1] + (0.01 if side == "right" else -0.01)
        yield label(ax, at, -0.13 * balance, words, QUIET, ha=side, ground=False)
        for mode, row in (("cross", 1.12), ("isolated", 1.24)):
            (colour, style), (equity, edge) = LINES[mode], state[mode]
            yield ax.plot(changes, equity, color=colour, linestyle=style)[0]
            if np.isnan(edge):
                how: dict[str, Any] = {"ha": "right", "ground": False}
                yield label(ax, -1.04, row * balance, f"{mode}: alive", colour, **how)
                continue
            y = equity[np.argmax(np.abs(changes) >= abs(edge))]
            yield ax.plot([edge, edge], [y, row * balance], color=colour, linewidth=1)[0]
            yield ax.plot(edge, y, "X", color=colour, markersize=10, zorder=6)[0]
            words = f"{mode}: liquidated at {text.percent(edge, 1)}"
            yield label(ax, max(edge, -0.74), row * balance, words, colour, ha="left")


class SurvivalPicture(Picture):
    """The most leverage that each mode would have survived, from each day of a price table.

    A state has "dates", the starting days; the leverage of each mode, an array of the same length;
    and "held", the leverage of the account itself.
    """

    size = (9, 4.2)

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(-0.01, 1.14), ylim=(0.2, 50), yscale="log", xticks=[], xlabel="first day")
        ax.set_yticks(2.0 ** np.arange(-2, 6), minor=False)
        ax.set_yticks([], minor=True)
        ax.yaxis.set_major_formatter("{x:g}x")
        ax.set_ylabel("leverage that survives")

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, dates = self.axes[0], state["dates"]
        x = np.linspace(0, 1, len(dates))
        for at, date in zip(x, dates, strict=True):
            if date.day == 1 and date.month % 2:
                yield ax.axvline(at, color=FAINT, linewidth=1, zorder=0)
                yield label(ax, at + 0.004, 0.25, f"{date:%b %y}", QUIET, ha="left", ground=False)
        yield ax.axhline(state["held"], color=QUIET, linestyle=":", linewidth=1.5, zorder=1)
        words = f"held: {text.ratio(state['held'])}x"
        yield label(ax, 1.01, state["held"] * 1.15, words, QUIET, ha="left", ground=False)
        apart = np.argmax(state["cross"] / state["isolated"])
        for mode, away in (("isolated", 0.7), ("cross", 1.4)):
            (colour, style), leverage = LINES[mode], np.clip(state[mode], 0.2, 45)
            yield ax.plot(x, leverage, color=colour, linestyle=style, linewidth=1.6)[0]
            side = "right" if apart > len(x) / 2 else "left"
            yield label(ax, x[apart], leverage[apart] * away, mode, colour, ha=side)


class StressLab(Lab):
    """A fall that happened, on one trade in both modes: the scenario's first, alone."""

    starts_in = "stress"
    needs = {"trades": 1, "moves": 1}
    picture = StressPicture
    look = "which line has fallen further where the fall ended, and where it broke off."

    def make_controls(self, scenario: Scenario) -> Controls:
        trade, unit, step = scenario.trades[0], scenario.currency, scenario.balance / 100
        coins = "what is not an isolated margin can be coins: they fall"
        own, events = "margin of the trade", list(scenario.moves)
        return {
            "coin": slider("balance in the coin [%]", 0, 0, 1, 0.05, coins, ".0%"),
            "margin": slider(f"set aside [{unit}]", trade.margin, step, 100 * step, step, own),
            "leverage": leverage_of(trade, "sizes the trade: margin times leverage"),
            "event": choice("event", events, events[0], "how far the price falls"),
        }

    def compute(
        self, scenario: Scenario, event: str, leverage: float, margin: float, coin: float
    ) -> Shown:
        (trade, *_), currency = scenario.trades, scenario.currency
        symbol, change = trade.symbol, scenario.moves[event].get(trade.symbol, 0)
        alone = scenario.first_trades(1).with_trade(symbol, leverage=leverage, margin=margin)
        starts = {m: alone.account(m).holding(symbol, coin, trade.price) for m in MODES}
        prices = (start.liquidation_price(symbol, alone.marks()) for start in starts.values())
        edges = [price / trade.price - 1 for price in prices]
        near = [edge * side for edge in edges for side in (1 - 1e-9, 1 + 1e-9)]
        near = [edge for edge in near if edge * change > 0 and abs(edge) < abs(change)]
        changes = np.array(sorted([*np.linspace(0, change, 3), *near], key=abs))
        path = [alone.marks(**{symbol: part}) for part in changes]
        state: dict[str, Any] = {"changes": changes}
        walks, debts = {}, []
        for (mode, start), edge in zip(starts.items(), edges, strict=True):
            walks[mode] = replay(start, path)
            state[mode] = walks[mode].equity, edge if walks[mode].dead else np.nan
            _, events = mark_to_market(start, path[-1])
            fund = sum(event.received("insurance fund") for event in events)
            debts.append(f"{mode} {text.money(max(-fund, 0), currency)}")
        lines = outcomes(walks, currency)
        return state, [*lines, f"Had it jumped there, others would pay: {', '.join(debts)}."]
