"""Notebook 02: equity against price, and the prices that have a name."""

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
    slider,
    status,
)
from margin_course.modes import outcomes
from margin_course.palette import DEAD, FAINT, GONE, ISOLATED, QUIET
from margin_course.picture import (
    Parts,
    Picture,
    curve,
    dot,
    grip,
    inside,
    label,
    percent_axis,
    returns_from_entry,
)
from margin_course.scenarios import Scenario
from margin_lib.account import Position
from margin_lib.replay import Replay


class TermsPicture(Picture):
    """One isolated position: equity against price, and the prices with a name."""

    def frame(self, scenario: Scenario) -> None:
        ax, margin = self.axes[0], scenario.trades[0].margin
        ax.set(xlim=(-0.65, 0.45), ylim=(-0.6 * margin, 2.4 * margin))
        ax.set(xlabel="price, change since entry")
        ax.set_title(f"equity of the position [{scenario.currency}]", x=-0.12, fontweight="normal")
        percent_axis(ax.xaxis, 6)
        ax.yaxis.set_major_formatter("{x:,g}")
        ax.axhline(0, color=QUIET, linewidth=0.8)
        ax.axvline(0, color=FAINT, linewidth=1, zorder=0)

    def moving(self, state: Replay) -> Parts:
        ax, (symbol, price) = self.axes[0], first_mark(state)
        account, position = state.start, state.start[symbol]
        (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
        prices = position.entry_price * (1 + np.linspace(left, right, 61))
        risk, x = position.risk(prices), returns_from_entry(position, prices)
        way = np.sign(position.quantity)  # towards where the position earns
        end = left if way > 0 else right
        ends = [account.liquidation_price(symbol), account.bankruptcy_price(symbol)]
        liquidation, bankruptcy = (returns_from_entry(position, each) for each in ends)
        living = x * way >= liquidation * way if np.isfinite(liquidation) else x == x
        how: dict[str, Any] = {"color": ISOLATED}
        yield curve(ax, x[~living], risk.equity[~living], linestyle=":", linewidth=1.5, **how)
        yield curve(ax, x[living], risk.equity[living], **how)
        asked = risk.maintenance_margin
        yield curve(ax, x, asked, color=DEAD, linestyle="--", linewidth=2)
        if left < bankruptcy < right:
            yield ax.axvline(bankruptcy, color=DEAD, linestyle=":", linewidth=1.2)
            words = f"bankruptcy\n{text.percent(bankruptcy)}"
            align = "right" if way > 0 else "left"
            far = abs(bankruptcy - end) > 0.3
            if far:
                at = bankruptcy - 0.01 * way
                yield inside(label(ax, at, low + 0.55 * (high - low), words, DEAD, ha=align))
        if left < liquidation < right:
            yield ax.axvspan(*sorted((liquidation, end)), color=GONE, zorder=0)
            yield ax.axvline(liquidation, color=DEAD, linewidth=2)
            words = f"liquidation\n{text.percent(liquidation)}"
            side = -way if abs(liquidation - end) > 0.3 else way
            at, align = liquidation + 0.012 * side, "left" if side > 0 else "right"
            yield inside(label(ax, at, low + 0.93 * (high - low), words, DEAD, ha=align))
        yield from self._names(position, way)
        # The rate is held where the dashed line ends.
        edge = 0.97 * (right if way > 0 else left)
        there = position.risk(position.entry_price * (1 + edge))
        mark = grip(ax, edge, there.maintenance_margin, DEAD)
        yield self.hold(mark, y="rate", per=1 / there.notional)
        now = returns_from_entry(position, price)
        closed = symbol in state.dead
        y = 0.0 if closed else position.risk(price).equity
        yield self.hold(dot(ax, now, y), x="change")
        if closed:
            yield inside(label(ax, now, 0.25 * position.own_margin, "closed", DEAD, ground=False))

    def _names(self, position: Position, way: float) -> Parts:
        """Names of the two lines, on the side where the position lives."""
        ax = self.axes[0]
        edge = ax.get_xlim()[1] if way > 0 else ax.get_xlim()[0]
        margin, align = position.own_margin, "right" if way > 0 else "left"
        far = position.risk(position.entry_price * (1 + 0.9 * edge))
        y = far.maintenance_margin + 0.05 * margin
        how: dict[str, Any] = {"ha": align, "ground": False}
        yield label(ax, 0.9 * edge, y, "maintenance margin", DEAD, va="bottom", **how)
        slope = way * position.pnl(position.entry_price * 2)
        height = min(1.95, 1 + 0.26 * slope / margin) * margin
        at = (height - margin) / slope + 0.03 if slope else 0.3
        back = "left" if way > 0 else "right"
        how = {"ha": back, "va": "top", "ground": False}
        yield inside(label(ax, way * at, height, "equity", ISOLATED, **how))

    def alt(self, state: Replay) -> str:
        symbol, price = first_mark(state)
        position, unit = state.start[symbol], self.scenario.currency
        risk = position.risk(price)
        ends = [state.start.liquidation_price(symbol), state.start.bankruptcy_price(symbol)]
        liquidation, bankruptcy = (
            text.percent(returns_from_entry(position, each)) for each in ends
        )
        where = f"at {liquidation}, the liquidation price; equity is zero at {bankruptcy}"
        where = "nowhere: no price closes it" if np.isnan(ends[0]) else where
        at = text.percent(returns_from_entry(position, price))
        now = f"With the price at {at} "
        now += (
            "the position is closed"
            if state.dead
            else f"equity is {text.money(risk.equity, unit)}, the maintenance margin "
            f"{text.money(risk.maintenance_margin, unit)}"
        )
        return (
            "Equity against price, a steep line, and the maintenance margin, a flat dashed one. "
            f"They cross {where}. {now}."
        )


def opening(leverage: float, rate: float) -> float:
    """Leverage, held at the largest half step at which a position of this rate can be opened."""
    return leverage if leverage * rate < 1 else np.ceil(2 / rate) / 2 - 0.5


class TermsLab(Lab):
    """Equity against price, and the prices that have a name."""

    picture = TermsPicture
    starts_in = "leverage"
    make_presets = flash_crash
    on_page = ("leverage", "change")
    look = "where the two lines cross: that is the liquidation price."

    def make_controls(self, scenario: Scenario) -> Controls:
        trade, tip = scenario.trades[0], "lifts the dashed line"
        rate = trade.contract.maintenance_rate
        return {
            "leverage": leverage_of(trade, "tilts the equity line"),
            "rate": slider("maintenance rate [%]", rate, 0, 0.1, 0.005, tip, form=".1%"),
            "change": change(trade.symbol),
        }

    def compute(self, scenario: Scenario, leverage: float, rate: float, change: float) -> Shown:
        symbol, unit = scenario.trades[0].symbol, scenario.currency
        asked, leverage = leverage, opening(leverage, rate)
        scenario = scenario.with_trade(symbol, leverage=leverage, maintenance_rate=rate)
        state = judged(scenario.account("isolated"), scenario.marks(**{symbol: change}))
        words = outcomes({"isolated": state}, unit)
        if not state.dead:
            risk = state.start.risk(state.marks, symbol)
            equity, least = (text.money(x, unit) for x in (risk.equity, risk.maintenance_margin))
            ratio = text.ratio(risk.margin_ratio)
            words = [f"Equity {equity}, maintenance margin {least}: margin ratio {ratio}."]
        if leverage < asked:
            at = f"{asked:g}x the initial margin does not exceed the maintenance margin"
            words.append(f"Leverage is held at {leverage:g}x: at {at}.")
        return Shown(state, words, status(state, unit))
