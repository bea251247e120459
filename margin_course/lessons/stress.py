"""Notebook 08: falls that happened, on one trade in both modes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from margin_course import text
from margin_course.lab import (
    Controls,
    Lab,
    Shown,
    Tile,
    choice,
    equity_of,
    leverage_of,
    room,
    slider,
)
from margin_course.palette import FAINT, QUIET
from margin_course.picture import LINES, Parts, Picture, inside, label
from margin_course.scenarios import Scenario
from margin_lib.account import MODES
from margin_lib.liquidation import mark_to_market
from margin_lib.replay import replay


class StressPicture(Picture):
    """What a fall leaves of the whole account in both modes, on the way from entry to its end."""

    def frame(self, scenario: Scenario) -> None:
        ax, balance = self.axes[0], scenario.balance
        symbol = scenario.trades[0].symbol
        falls = [move.get(symbol, 0) for move in scenario.moves.values()]
        low, high = min([-0.3, *falls]), max([0, *falls])
        ax.set(xlim=(high + 0.02, low - 0.02), ylim=(-0.24 * balance, 1.42 * balance))
        ax.set(xlabel="price, change since entry")
        ax.locator_params(axis="x", nbins=5)
        ax.set_title(f"worth of the account [{scenario.currency}]", fontweight="normal", x=-0.15)
        ax.xaxis.set_major_formatter(lambda value, _: text.percent(value, 0))
        ax.yaxis.set_major_formatter("{x:,g}")
        ax.locator_params(axis="y", nbins=4)
        ax.axhline(0, color=QUIET, linewidth=0.8)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, balance, changes = self.axes[0], self.scenario.balance, state["changes"]
        end = changes[-1]
        yield ax.axvline(end, color=QUIET, linestyle=":", linewidth=1.5, zorder=1)
        words = f"it ended here: {text.percent(end, 0)}"
        side, away = ("right", 0.01) if end < 0.5 * ax.get_xlim()[1] else ("left", -0.01)
        how: dict[str, Any] = {"ha": side, "ground": False}
        yield inside(label(ax, end + away, -0.15 * balance, words, QUIET, **how))
        for mode, row in (("cross", 1.17), ("isolated", 1.33)):
            (colour, style), (equity, edge) = LINES[mode], state[mode]
            yield ax.plot(changes, equity, color=colour, linestyle=style)[0]
            how = {"ha": "left", "ground": False}
            if np.isnan(edge):
                yield label(ax, 0, row * balance, f"{mode}: ● alive", colour, **how)
                continue
            y = equity[np.argmax(np.abs(changes) >= abs(edge))]
            yield ax.plot([edge, edge], [y, row * balance], color=FAINT, linewidth=1, zorder=0)[0]
            yield ax.plot(edge, y, "X", color=colour, markersize=12, zorder=6)[0]
            words = f"{mode}: ✕ closed at {text.percent(edge, 1)}"
            yield inside(label(ax, 0, row * balance, words, colour, **how))

    def alt(self, state: Mapping[str, Any]) -> str:
        unit, told = self.scenario.currency, []
        for mode in MODES:
            equity, edge = state[mode]
            end = "alive" if np.isnan(edge) else f"closed at {text.percent(edge, 1)}"
            told.append(f"{mode} is {end} and ends with {text.money(equity[-1], unit)}")
        fall = text.percent(state["changes"][-1], 0)
        return f"Worth of the account on a fall to {fall}: {'; '.join(told)}."


class SurvivalPicture(Picture):
    """The most leverage that each mode would have survived, from each day of a price table.

    A state has "dates", the starting days; the leverage of each mode, an array of the same length;
    and "held", the leverage of the account itself.
    """

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(-0.01, 1.02), ylim=(0.16, 50), yscale="log", xticks=[], xlabel="first day")
        ax.set_yticks(2.0 ** np.arange(-2, 6), minor=False)
        ax.set_yticks([], minor=True)
        ax.yaxis.set_major_formatter("{x:g}x")
        ax.set_title("leverage that survives", fontweight="normal", x=-0.08)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, dates = self.axes[0], state["dates"]
        x = np.linspace(0, 1, len(dates))
        firsts = [(at, day) for at, day in zip(x, dates, strict=True) if day.day == 1]
        every = max(round(len(firsts) / 5), 1)
        for number, (at, date) in enumerate(firsts):
            if number % every == 0:
                yield ax.axvline(at, color=FAINT, linewidth=1, zorder=0)
                words = f"{date:%b %y}"
                yield inside(label(ax, at + 0.004, 0.2, words, QUIET, ha="left", ground=False))
        yield ax.axhline(state["held"], color=QUIET, linestyle=":", linewidth=1.5, zorder=1)
        words = f"held: {text.ratio(state['held'])}x"
        yield label(ax, 1.01, state["held"] * 1.2, words, QUIET, ha="right")
        apart = np.argmax(state["cross"] / state["isolated"])
        for mode, away in (("isolated", 0.65), ("cross", 1.5)):
            (colour, style), leverage = LINES[mode], np.clip(state[mode], 0.2, 45)
            yield ax.plot(x, leverage, color=colour, linestyle=style, linewidth=1.8)[0]
            side = "right" if apart > len(x) / 2 else "left"
            yield inside(label(ax, x[apart], leverage[apart] * away, mode, colour, ha=side))

    def alt(self, state: Mapping[str, Any]) -> str:
        ends = "; ".join(
            f"{mode} {text.ratio(np.min(state[mode]), 1)}x to {text.ratio(np.max(state[mode]), 1)}x"
            for mode in MODES
        )
        return (
            f"Two lines over {len(state['dates'])} first days, the most leverage that survives: "
            f"{ends}. A dotted line: {text.ratio(state['held'])}x was held."
        )


class StressLab(Lab):
    """A fall that happened, on one trade in both modes: the scenario's first, alone."""

    picture = StressPicture
    starts_in = "stress"
    needs = {"trades": 1, "moves": 1}
    on_page = ("event", "leverage", "coin")
    look = "which line has fallen further where the fall ended, and where it broke off."

    def make_controls(self, scenario: Scenario) -> Controls:
        trade, unit, step = scenario.trades[0], scenario.currency, scenario.balance / 100
        coins = "what is not an isolated margin can be coins: they fall"
        own, events = "margin of the trade", list(scenario.moves)
        words, part = f"set aside [{unit}]", "account"
        return {
            "coin": slider("balance in the coin [%]", 0, 0, 1, 0.05, coins, part, ".0%"),
            "margin": slider(words, trade.margin, step, 100 * step, step, own, part),
            "leverage": leverage_of(trade, "sizes the trade: margin times leverage"),
            "event": choice("event", events, events[0], "how far the price falls", "market"),
        }

    def compute(
        self, scenario: Scenario, event: str, leverage: float, margin: float, coin: float
    ) -> Shown:
        (trade, *_), unit = scenario.trades, scenario.currency
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
        words, tiles, debts = [], [], []
        for (mode, start), edge in zip(starts.items(), edges, strict=True):
            run = replay(start, path)
            dead, worth = bool(run.dead), text.money(run.equity[-1], unit)
            state[mode] = run.equity, edge if dead else np.nan
            _, events = mark_to_market(start, path[-1])
            fund = sum(event.received("insurance fund") for event in events)
            owed = text.money(max(-fund, 0), unit)
            debts.append(f"{mode} {owed}")
            where = f"closed at {text.percent(edge, 1)}"
            end = f"{symbol} {where}, you keep {worth}" if dead else f"all alive, {worth}"
            words.append(f"{mode.capitalize()}: {end}.")
            life, note = ("closed", where) if dead else ("alive", room(run, [symbol]))
            if mode == "isolated":
                pocket = text.money(equity_of(run, [symbol]), unit)
                tiles.append(Tile(f"{symbol}'s pocket", pocket, note, life, mode))
                life, note = "", f"others pay {owed} after a jump"
            tiles.append(Tile(f"{mode}, all of it", worth, note, life, mode))
        words.append(f"Had it jumped there, others would pay: {', '.join(debts)}.")
        return Shown(state, words, tiles)
