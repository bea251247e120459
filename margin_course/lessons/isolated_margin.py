"""Lesson 03: a pocket for one trade."""

from margin_course import text
from margin_course.lab import (
    Controls,
    Lab,
    Presets,
    Shown,
    change,
    fate,
    flash_crash,
    judged,
    leverage_of,
    slider,
)
from margin_course.picture import (
    BORROWED,
    ISOLATED,
    LOSS,
    Parts,
    Picture,
    bar,
    equity_frame,
    equity_moving,
    label,
    outline,
)
from margin_course.scenarios import Scenario
from margin_lib.replay import Replay


class PocketsPicture(Picture):
    """Isolated margin: the pocket set aside beside the rest; and the price that decides."""

    panels = (1, 1.7)

    def frame(self, scenario: Scenario) -> None:
        bars, line = self.axes
        bars.set(xlim=(-0.6, 1.6), ylim=(0, 1.7 * scenario.balance), xticks=[0, 1])
        bars.set(xticklabels=["set aside", "untouched"], ylabel=f"[{scenario.currency}]")
        bars.set_title("Two pockets")
        equity_frame(line, scenario.trades[0].margin, scenario.currency)
        line.set_title("Equity of the pocket set aside")

    def moving(self, state: Replay) -> Parts:
        (bars, line), balance = self.axes, self.scenario.balance
        symbol, price = next(iter(state.marks.items()))
        margin, rest = state.start[symbol].own_margin, state.end.balance
        yield outline(bars, 0, 0, margin)
        if symbol in state.end:
            left = state.end[symbol].risk(price).equity
            yield bar(bars, 0, 0, left, ISOLATED)
            height = min(max(left, margin), 1.54 * balance)  # stays in sight
            yield label(bars, 0, height + 0.08 * balance, f"{left:,.2f}")
        else:
            yield label(bars, 0, margin / 2, "liquidated", LOSS)
            yield label(bars, 0, margin + 0.08 * balance, "0.00")
        yield bar(bars, 1, 0, rest, BORROWED)
        yield label(bars, 1, rest + 0.08 * balance, f"{rest:.2f}")
        yield from equity_moving(line, state)


class IsolatedLab(Lab):
    """Two pockets: what is set aside for one trade, and what is not."""

    starts_in = "isolated"
    picture = PocketsPicture
    look = "the right bar. No price moves it; only you do, when you add margin."

    def make_controls(self, scenario: Scenario) -> Controls:
        trade, balance = scenario.trades[0], scenario.balance
        unit, step = scenario.currency, balance / 100
        first, later = "the margin at the start", "moves money across by hand"
        return {
            "margin": slider(f"set aside [{unit}]", trade.margin, step, balance, step, first),
            "added": slider(f"margin added later [{unit}]", 0, 0, balance, step, later),
            "leverage": leverage_of(trade, "sizes the position"),
            "change": change(trade.symbol),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        fifth = scenario.balance / 5
        adding = {f"add {text.money(fifth, scenario.currency)}": {"added": fifth}}
        return {**flash_crash(self, scenario), **adding}

    def compute(
        self, scenario: Scenario, margin: float, added: float, leverage: float, change: float
    ) -> Shown:
        symbol, currency = scenario.trades[0].symbol, scenario.currency
        scenario = scenario.with_trade(symbol, margin=margin, leverage=leverage)
        account = scenario.account("isolated")
        possible = min(added, account.balance)
        account, _ = account.add_margin(symbol, possible)
        state = judged(account, scenario.marks(**{symbol: change}))
        position = account[symbol]
        edge = text.price(account.liquidation_price(symbol), currency)
        end = text.price(account.bankruptcy_price(symbol), currency)
        lines = [
            fate(state, symbol, currency),
            f"Notional {text.money(position.notional(position.entry_price), currency)}, borrowed "
            f"{text.money(position.borrowed, currency)}.",
            f"Liquidation price: {edge}. Bankruptcy price: {end}.",
        ]
        if possible < added:
            limit = text.money(possible, currency)
            lines.append(f"Margin added is held at {limit}: the balance has no more.")
        return state, lines
