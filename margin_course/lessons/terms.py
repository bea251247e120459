"""Lesson 02: equity against price, and the prices that have a name."""

import numpy as np

from margin_course import text
from margin_course.lab import (
    Controls,
    Lab,
    Shown,
    change,
    fate,
    flash_crash,
    judged,
    leverage_of,
    slider,
)
from margin_course.picture import Parts, Picture, equity_frame, equity_moving
from margin_course.scenarios import Scenario
from margin_lib.replay import Replay


class TermsPicture(Picture):
    """One isolated position: equity against price, and the prices with a name."""

    def frame(self, scenario: Scenario) -> None:
        equity_frame(self.axes[0], scenario.trades[0].margin, scenario.currency)

    def moving(self, state: Replay) -> Parts:
        yield from equity_moving(self.axes[0], state)


def opening(leverage: float, rate: float) -> float:
    """Leverage, held at the largest half step at which a position of this rate can be opened."""
    return leverage if leverage * rate < 1 else np.ceil(2 / rate) / 2 - 0.5


class TermsLab(Lab):
    """Equity against price, and the prices that have a name."""

    starts_in = "leverage"
    picture = TermsPicture
    make_presets = flash_crash
    look = "where the two lines cross: that is the liquidation price."

    def make_controls(self, scenario: Scenario) -> Controls:
        trade, tip = scenario.trades[0], "lifts the dashed line"
        rate = trade.contract.maintenance_rate
        return {
            "leverage": leverage_of(trade, "tilts the equity line"),
            "rate": slider("maintenance rate [%]", rate, 0, 0.1, 0.005, tip, ".1%"),
            "change": change(trade.symbol),
        }

    def compute(self, scenario: Scenario, leverage: float, rate: float, change: float) -> Shown:
        symbol, currency = scenario.trades[0].symbol, scenario.currency
        asked, leverage = leverage, opening(leverage, rate)
        scenario = scenario.with_trade(symbol, leverage=leverage, maintenance_rate=rate)
        state = judged(scenario.account("isolated"), scenario.marks(**{symbol: change}))
        risk = state.start.risk(state.marks, symbol)
        equity = text.money(risk.equity, currency)
        maintenance = text.money(risk.maintenance_margin, currency)
        if state.dead:
            why = f"Equity {equity} against a maintenance margin of {maintenance}: too little."
        else:
            ratio = text.ratio(risk.margin_ratio)
            why = f"Equity {equity}, maintenance margin {maintenance}, margin ratio {ratio}."
        lines = [fate(state, symbol, currency), why]
        if leverage < asked:
            at = f"{asked:g}x the initial margin does not exceed the maintenance margin"
            lines.append(f"Leverage is held at {leverage:g}x: at {at}.")
        return state, lines
