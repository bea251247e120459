"""Notebook 08: one position under other rules, and what each venue makes of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from margin_course import text
from margin_course.lab import Controls, Lab, Presets, Shown, Tile, choice, leverage_of, slider
from margin_course.palette import CROSS, DEAD, FAINT, INK, ISOLATED, QUIET
from margin_course.picture import Parts, Picture, curve, dot, inside, label, points
from margin_course.scenarios import Scenario
from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.contracts import Conventions, Tiers
from margin_lib.venues import venue


class LadderPicture(Picture):
    """Where one trade dies under many rules, from {rule: (long dies at, short dies at)}."""

    size = (5.4, 5.8)

    def frame(self, scenario: Scenario) -> None:
        ax, trade = self.axes[0], scenario.trades[0]
        self.reach = reach = trade.price / max(trade.leverage - 1, 1)
        ax.set(xlim=(trade.price - 1.7 * reach, trade.price + 1.7 * reach), ylim=(0, 1), yticks=[])
        ax.set_xlabel(f"price of {trade.symbol} [{scenario.currency}]")
        ax.xaxis.set_major_formatter("{x:,g}")
        ax.locator_params(axis="x", nbins=4)
        ax.spines["left"].set_visible(False)
        ax.axvline(trade.price, color=FAINT, linewidth=1, zorder=0)

    def moving(self, state: Mapping[str, tuple[float, float]]) -> Parts:
        ax, trade = self.axes[0], self.scenario.trades[0]
        low, high = ax.get_xlim()
        rows = sorted(state.items(), key=lambda row: -np.nan_to_num(row[1][0], nan=-np.inf))
        step, heads = 1 / (len(rows) + 1), trade.price + 1.1 * self.reach * np.array([-1, 1])
        for place, (name, edges) in enumerate(rows, start=1):
            y = 1 - (place + 0.55) * step  # of the prices; the name stands above them
            yield label(ax, trade.price, y + 0.42 * step, name, ground=False)
            yield curve(ax, edges, [y, y], color=FAINT, linewidth=1, zorder=0)
            for edge, colour, marker in zip(edges, (ISOLATED, CROSS), "<>", strict=True):
                side, end = ("right", 0) if marker == "<" else ("left", -1)
                yield points(ax, edge, y, marker, color=colour, markersize=8, zorder=5)
                at = edge if low < edge < high else heads[end]
                words = f"  {text.price(edge)}  "
                yield inside(label(ax, at, y, words, colour, ha=side, ground=False))
        for at, colour, words in zip(heads, (ISOLATED, CROSS), ("long", "short"), strict=True):
            words = f"the {words} dies at"
            yield inside(label(ax, at, 1 - 0.5 * step, words, colour, ground=False))

    def alt(self, state: Mapping[str, tuple[float, float]]) -> str:
        told = "; ".join(
            f"{name}: long {text.price(low)}, short {text.price(high)}"
            for name, (low, high) in state.items()
        )
        return f"A ladder of rules, each with the prices at which a position is closed. {told}."


class RulesPicture(Picture):
    """What is left and what the venue asks for, just above bankruptcy, as shares of the value.

    A state holds the "account", the "plain" price at which it would die under the first rules,
    whether it dies "at" its price or only beyond, and how far the "mark" is from bankruptcy, as a
    share of the entry price.
    """

    size = (5.4, 3.8)

    @staticmethod
    def reach(scenario: Scenario) -> float:
        """How far from bankruptcy the picture goes, as a share of the entry price."""
        contract = scenario.trades[0].contract
        return 2.4 * max(contract.maintenance_rate + contract.taker_fee, 0.005)

    def frame(self, scenario: Scenario) -> None:
        ax, high = self.axes[0], self.reach(scenario)
        ax.set(xlim=(-0.1 * high, high), ylim=(-0.12 * high, high))
        ax.set_xlabel("how far the price is from where your margin is gone")
        ax.set_title("share of the value at entry", fontweight="normal", x=-0.1)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(lambda x, _: text.share(x))
        ax.locator_params(nbins=5)
        for at in (ax.axhline, ax.axvline):
            at(0, color=QUIET, linewidth=0.8, zorder=0)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, currency = self.axes[0], self.scenario.currency
        (position,) = state["account"].positions
        side, entry = np.sign(position.quantity), position.entry_price
        value, gone = position.notional(entry), entry * (1 - side / position.leverage)
        low, high = ax.get_xlim()
        x = np.linspace(low, high, 200)
        x = x[gone + side * x * entry > 0]
        risk = position.risk(gone + side * x * entry)
        left, asked = risk.equity / value, risk.maintenance_margin / value
        yield curve(ax, x, left, color=ISOLATED)
        # Words to the left of their line, and above it, cannot touch it.
        how: dict[str, Any] = {"ha": "right", "va": "bottom"}
        corner = 0.6 * high, np.interp(0.6 * high, x, left) + 0.05 * high
        yield label(ax, *corner, "what is left of\nyour margin", ISOLATED, **how)
        yield curve(ax, x, asked, color=DEAD, linestyle="--")
        at, y, how = 0.98 * high, asked[-1] + 0.02 * high, {"ha": "right", "va": "bottom"}
        if asked[-1] > high / 2:  # the other line is far from this end, then
            at, y, how = -0.08 * high, asked[0] - 0.02 * high, {"ha": "left", "va": "top"}
        yield label(ax, at, y, "what is asked for", DEAD, ground=False, **how)
        worth = f"of {text.money(value, currency, 0)}"
        yield label(ax, 0.02 * high, 0.96 * high, worth, QUIET, ha="left")
        edge = state["account"].liquidation_price(position.symbol)
        plain = state["plain"], QUIET, "first", -0.06
        for price, colour, words, up in (plain, (edge, INK, "these rules", 0.06)):
            at = side * (price - gone) / entry
            if 0 <= at <= high:
                yield ax.axvline(at, color=colour, linestyle=":", linewidth=1.5)
                words = f"{words}: {text.price(price, currency)}"
                yield inside(label(ax, at + 0.015 * high, up * high, words, colour, ha="left"))
        at = side * (edge - gone) / entry
        if 0 <= at <= high:
            fill = INK if state["at"] else "white"
            y = position.risk(edge).equity / value
            yield points(ax, at, y, "o", color=INK, markersize=10, markerfacecolor=fill, zorder=7)
        mark = state["mark"]
        yield self.hold(dot(ax, mark, np.interp(mark, x, left), ISOLATED), x="mark")

    def alt(self, state: Mapping[str, Any]) -> str:
        (position,) = state["account"].positions
        unit = self.scenario.currency
        edge = state["account"].liquidation_price(position.symbol)
        dot = "a full dot" if state["at"] else "an empty dot"
        where = "nowhere"
        if edge > 0:
            where = f"at {text.price(edge, unit)}, marked by {dot}"
        plain = "nowhere" if np.isnan(state["plain"]) else f"at {text.price(state['plain'], unit)}"
        return (
            "Two lines just above bankruptcy: what is left of the margin, and what is asked for. "
            f"They cross {where}; under the first rules that is {plain}. A dot on the first "
            f"line, {text.percent(state['mark'], sign=False)} from bankruptcy, is the price now."
        )


class CurvesPicture(Picture):
    """A few named curves, from {name: (x, y, where on the curve its name stands)}.

    Parameters
    ----------
    scenario : Scenario
    shares : bool              y is a share, shown in percent
    axes : object              settings of the axes by name: xlim, ylim, xlabel, ylabel
    """

    looks = ((ISOLATED, "-"), (CROSS, "--"), (QUIET, "-."))

    def __init__(self, scenario: Scenario, shares: bool = False, **axes: Any) -> None:
        self.shares, self.settings = shares, axes
        super().__init__(scenario)

    def frame(self, scenario: Scenario) -> None:
        ax, settings = self.axes[0], dict(self.settings)
        ax.set_title(settings.pop("ylabel", ""), fontweight="normal", x=-0.1)
        ax.set(**settings)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter("{x:,.10g}")
        ax.locator_params(axis="x", nbins=4)
        if self.shares:
            ax.yaxis.set_major_formatter(lambda y, _: text.share(y))
        ax.axhline(0, color=QUIET, linewidth=0.8)

    def moving(self, state: Mapping[str, tuple]) -> Parts:
        ax = self.axes[0]
        for (name, (x, y, at)), (colour, style) in zip(state.items(), self.looks, strict=False):
            yield curve(ax, x, y, color=colour, linestyle=style)
            yield inside(label(ax, x[at], y[at], name, colour))

    def alt(self, state: Mapping[str, tuple]) -> str:
        ends = "; ".join(f"{n} from {y[0]:,.4g} to {y[-1]:,.4g}" for n, (_, y, _) in state.items())
        return f"Curves: {ends}."


class RulesLab(Lab):
    """One position under other rules: each switch of a venue can move its liquidation price."""

    picture = RulesPicture
    starts_in = "exchange"
    folded: tuple[str, ...] = ("leverage", "size", "table", "trigger")
    on_page: tuple[str, ...] = ("mark", "measured", "fee")
    look = "which line a switch moves, and where the two lines cross then."
    measured = {"follows the price": "mark", "frozen at entry": "entry"}
    fees = ("not counted", "asked for on top", "set aside and asked for")
    tables = ("one rate", "tiers with amounts", "tiers without amounts")
    triggers = ("at equality", "only beyond it")

    def make_controls(self, scenario: Scenario) -> Controls:
        trade, rows = scenario.trades[0], list(self.measured)
        tiers = "tiers: those of Binance for ETH in USDT, whatever the coin"
        times = "the same trade, so many times"
        away = f"how far {trade.symbol} is from where your margin is gone, as a share of its entry"
        fine, reach = 0.0002, RulesPicture.reach(scenario)
        high, here = (round(round(part * reach / fine) * fine, 4) for part in (1, 0.8))
        return {
            "side": choice(f"{trade.symbol} side", ["long", "short"], trade.side, "long or short"),
            "leverage": leverage_of(trade, "the value that your margin controls"),
            "size": slider("size [times]", 1, 1, 250, 1, times, form=".0f"),
            "measured": choice("maintenance margin", rows, rows[0], "of which value it is a share"),
            "fee": choice("closing fee", self.fees, self.fees[0], "who pays for the way out"),
            "table": choice("rates", self.tables, self.tables[0], tiers),
            "trigger": choice("closed", self.triggers, self.triggers[0], "full dot, empty dot"),
            "mark": slider(
                f"{trade.symbol} from bankruptcy [%]", here, 0, high, fine, away, "market", ".2%"
            ),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        words = {rule: words for words, rule in self.measured.items()}
        rules = {name: venue(name).conventions for name in ("binance usd-m", "okx", "kucoin")}
        presets = {
            name: {"measured": words[rule.maintenance_at], "fee": self.fees[rule.closing_fee]}
            for name, rule in rules.items()
        }
        return presets | {"phemex": presets["okx"] | {"fee": self.fees[2]}}

    def compute(
        self,
        scenario: Scenario,
        side: str,
        leverage: float,
        size: float,
        measured: str,
        fee: str,
        table: str,
        trigger: str,
        mark: float,
    ) -> Shown:
        trade, unit = scenario.trades[0], scenario.currency
        symbol, margin = trade.symbol, size * trade.margin
        tiers = venue("binance usd-m").table("ETH", "USDT").tiers
        bare = Tiers(tier._replace(amount=0) for tier in tiers)
        rates = dict(zip(self.tables, (trade.contract.maintenance, tiers, bare), strict=True))
        rules = Conventions(
            maintenance_at=self.measured[measured],
            closing_fee=fee != self.fees[0],
            at_equality=trigger == self.triggers[0],
        )
        rich = replace(scenario.first_trades(1), balance=3 * margin)
        rich = rich.with_trade(symbol, side=side, leverage=leverage, margin=margin)

        def opened(maintenance: Any, conventions: Conventions) -> Account:
            contract = replace(trade.contract, maintenance=maintenance, conventions=conventions)
            return rich.with_trade(symbol, contract=contract).account("isolated")

        account = opened(rates[table], rules)
        plain = opened(rates[self.tables[0]], Conventions()).liquidation_price(symbol)
        last = account.bankruptcy_price(symbol)
        if fee == self.fees[2] and np.isfinite(last):
            value = account[symbol].notional(last)
            reserve = formulas.trading_fee(value, trade.contract.taker_fee)
            account, _ = account.add_margin(symbol, reserve)
        edge = account.liquidation_price(symbol)
        state = {"account": account, "plain": plain, "at": rules.at_equality, "mark": mark}
        now = beyond_bankruptcy(account[symbol], mark)
        risk = account[symbol].risk(now)
        closed = bool(risk.is_liquidatable)
        pocket = Tile(
            f"{symbol} at {text.price(now, unit)}",
            text.money(0.0 if closed else risk.equity, unit),
            f"closed at {text.price(edge, unit)}"
            if closed
            else f"asked for: {text.money(risk.maintenance_margin, unit)}",
            "closed" if closed else "alive",
            "isolated",
        )
        lives = f"With {pocket.name} it is {pocket.life}."
        first = Tile("the first rules", text.price(plain, unit))
        if not edge > 0:
            mine = Tile("these rules", "never", "no price closes it", "", "isolated")
            words = f"{symbol} {side}: no price closes it."
            if np.isnan(plain):
                first = first._replace(note=mine.note)
            return Shown(state, [words, lives], [pocket, mine, first])
        gap = abs(edge - plain)
        way = "sooner" if abs(edge - trade.price) < abs(plain - trade.price) else "later"
        words = "the same" if gap < 5e-5 * plain else f"yours comes {text.price(gap, unit)} {way}"
        words = "only yours ever comes" if np.isnan(gap) else words
        exactly = "closes it" if rules.at_equality else "does not close it yet, the next tick does"
        left = text.money(account[symbol].risk(edge).equity, unit)
        away = f"{text.percent(edge / trade.price - 1)} from entry"
        mine = Tile("these rules close it at", text.price(edge, unit), away, "", "isolated")
        return Shown(
            state,
            [
                f"{symbol} {side}: these rules close it at {text.price(edge, unit)}, {away}, with "
                f"{left} left.",
                f"The first rules say {text.price(plain, unit)}: {words}.",
                f"A price of exactly that {exactly}. {lives}",
            ],
            [pocket, mine, first._replace(note=words)],
        )


class TiersLab(RulesLab):
    """The same position as it grows over the borders of a table."""

    folded = ("side", "leverage", "measured", "fee", "trigger")
    on_page = ("size", "table", "measured")
    look = "the dashed line at a border, with the amounts and without them."

    def make_controls(self, scenario: Scenario) -> Controls:
        controls: dict[str, Any] = super().make_controls(scenario)
        controls["size"].value, controls["table"].value = 50, self.tables[2]
        return controls

    def make_presets(self, scenario: Scenario) -> Presets:
        return {"as large as it gets": {"size": self.controls["size"].max}}


def beyond_bankruptcy(position: Position, share: float) -> float:
    """The price so far from where the margin put in at the opening is gone, and above zero.

    Parameters
    ----------
    position : Position
    share : float              of the entry price; towards the entry
    """
    side, entry = np.sign(position.quantity), position.entry_price
    return max(entry * (1 - side / position.leverage + side * share), 1e-6 * entry)
