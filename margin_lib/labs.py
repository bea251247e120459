"""The labs: controls -> a pure call -> a picture and a readout in words.

A lab holds no mathematics and no globals. To write one, subclass `Lab` and give it a picture,
controls and `compute`; CONTRIBUTING.md shows how.
"""

import html
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import numpy as np
from traitlets import Unicode

from margin_lib import formulas, mandate, page, plots, text
from margin_lib.account import MODES, Account, Risk
from margin_lib.contracts import Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.scenarios import SEED, Scenario, Trade
from margin_lib.simulate import Costs, Replay, replay, simulate
from margin_lib.types import Marks
from margin_lib.venues import venue

Controls = dict[str, widgets.Widget]  # by name
Presets = Mapping[str, Mapping[str, Any]]  # a button's words -> values of controls
Shown = tuple[Any, list[str]]  # the state of the picture, the lines of the readout

MARKETS, SHOWN = 4000, 400  # of a cloud: those that are counted, those that are drawn
# JupyterLab may move a slider in one thread while a cell runs in another; matplotlib bears one.
DRAWING = threading.RLock()


def labelled(kind: Any, words: str, tip: str, **settings: Any) -> Any:
    """A control with words beside it; `tip` is its legend."""
    layout, style = {"width": "380px"}, {"description_width": "170px"}
    control = kind(description=words, layout=layout, style=style, **settings)
    control.tip = tip
    return control


def slider(
    words: str, value: float, low: float, high: float, step: float, tip: str, form: str = ".2f"
) -> widgets.FloatSlider:
    """A slider with its unit in its label, wide enough for where it starts; `tip` is its legend.

    No sign in `form` for what is not below 0: a browser's 0 may be a hair less, and would be −0.
    """
    scale: Any = {"min": min(low, value), "max": max(high, value), "step": step}
    kind = widgets.FloatSlider
    return labelled(kind, words, tip, value=value, readout_format=form, **scale)


def leverage_of(trade: Trade, tip: str, high: float = 20) -> widgets.FloatSlider:
    """The slider of a trade's leverage."""
    return slider("leverage [x]", trade.leverage, 1, high, 0.5, tip, ".1f")


def change(symbol: str, low: float = -0.6, high: float = 0.4) -> widgets.FloatSlider:
    """The slider of a price, as a change since entry."""
    tip = f"moves the price of {symbol}; 0 % is where you bought or sold"
    return slider(f"{symbol} price change [%]", 0.0, low, high, 0.01, tip, ".0%")


def choice(words: str, options: Sequence[str], value: str, tip: str) -> widgets.Dropdown:
    """A list to choose from."""
    return labelled(widgets.Dropdown, words, tip, options=options, value=value)


def flash_crash(lab: "Lab", scenario: Scenario) -> Presets:
    """The preset of a falling price, as deep as the slider goes."""
    return {"flash crash": {"change": lab.controls["change"].min}}


def walk(steps: int) -> widgets.FloatSlider:
    """The slider of a step along a path, and a button that plays it, from where it stands."""
    control = slider("step", steps - 1, 0, steps - 1, 1, "walks along the market", ".0f")
    control.play = widgets.Play(min=0, max=steps - 1, value=steps - 1, interval=400)
    widgets.link((control, "value"), (control.play, "value"))
    return control


class Screen(widgets.Image):
    """A picture whose tooltip is its alternative text: ipywidgets wants a description for that."""

    description = Unicode("").tag(sync=True)


class Lab(widgets.VBox):
    """What all labs share: layout, picture, readout, summary, presets, reset, static picture.

    Parameters
    ----------
    scenario : Scenario        where the lab starts

    A subclass sets `picture` (a plots.Picture), `look` (what to look at), `make_controls(scenario)`
    -> dict of controls by name, `compute(scenario, **values)` -> (state of the picture, lines of
    the readout), and, if it likes, `make_presets(scenario)` -> {button: values}.
    """

    picture: type[plots.Picture] | Any = None
    look = ""
    _held = False  # while several controls move at once
    _shown: dict[str, Any] | None = None  # the values that picture and readout show

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.controls = self.make_controls(scenario)
        for control in self.controls.values():
            control.description, control.tip = map(self._say, (control.description, control.tip))
        self._asked = {name: control.value for name, control in self.controls.items()}
        self.presets = {"start": self.values(), **self.make_presets(scenario)}
        with DRAWING:
            self.canvas = self.picture(scenario)
        self.lines: list[str] = []
        # Never wider than the page, less a margin of its own; nor blown up to fill a wide one.
        size = widgets.Layout(max_width="calc(100% - 4px)", align_self="flex-start")
        self._image = Screen(format="png", layout=size)
        self._readout = widgets.HTML()
        fit = widgets.Layout(width="auto")
        buttons = []
        for name, values in self.presets.items():
            buttons.append(widgets.Button(description=self._say(name), layout=fit))
            buttons[-1].on_click(lambda _, values=values: self.set(**values))
        parts = [(control, getattr(control, "play", None)) for control in self.controls.values()]
        inputs = [part for pair in parts for part in pair if part]
        rows = widgets.Box(inputs, layout=widgets.Layout(flex_flow="row wrap"))
        legend = widgets.HTML(self.legend())
        super().__init__([rows, widgets.HBox(buttons), self._image, self._readout, legend])
        for control in self.controls.values():
            control.observe(self._refresh, names="value")
        self._refresh()

    def _say(self, words: str) -> str:
        return text.translated(words, self.scenario.labels)

    def make_controls(self, scenario: Scenario) -> Controls:
        raise NotImplementedError

    def make_presets(self, scenario: Scenario) -> Presets:
        return {}

    def compute(self, scenario: Scenario, **values: Any) -> Shown:
        raise NotImplementedError

    def values(self) -> dict[str, Any]:
        """The value of each control, by name; what `set` asked for while a slider stands there."""
        return {name: self._value(name, control) for name, control in self.controls.items()}

    def _value(self, name: str, control: widgets.Widget) -> Any:
        # A browser answers every value that it is sent with the nearest step of its slider.
        if not hasattr(control, "step"):
            return control.value
        asked = min(max(self._asked[name], control.min), control.max)
        return asked if abs(control.value - asked) < control.step / 2 else control.value

    def set(self, **values: Any) -> None:
        """Move controls by name, as a reader would; the rest stays where it is."""
        for name in values:
            if name not in self.controls:
                raise MarginError("control", f"must be one of {', '.join(self.controls)}", name)
        self._held = True
        try:
            for name, value in values.items():
                self._asked[name] = value  # before the browser can answer
                self.controls[name].value = value
        finally:
            self._held = False
        self._refresh()

    def summary(self) -> str:
        """The readout as plain text, for a checked cell."""
        return "\n".join(self.lines)

    def alt(self) -> str:
        """What the picture shows, in words."""
        return f"{str(type(self).__doc__).splitlines()[0]} {' '.join(self.lines)}"

    def _refresh(self, _: object = None) -> None:
        with DRAWING:
            values = self.values()
            if not self._held and values != self._shown:
                self._shown = values
                self._show(values)

    def _show(self, values: dict[str, Any]) -> None:
        try:
            state, self.lines = self.compute(self.scenario, **values)
        except MarginError as error:
            self.lines = [f"The exchange refuses: {error}.", "The picture keeps its last state."]
        else:
            self.canvas.plot(state)
            with self._image.hold_sync():  # one message
                self._image.value, self._image.tooltip = self.canvas.png(), self.alt()
        words = "<br>".join(html.escape(line) for line in self.lines)
        self._readout.value = page.status(f"<b>{words}</b>")

    def legend(self) -> str:
        """What each control does, and what to look at, in HTML."""
        tips = [(control.description, control.tip) for control in self.controls.values()]
        rows = "".join(f"<li><b>{name}</b> {tip}</li>" for name, tip in tips)
        look = f"{self._say('Look at')}: {self._say(self.look)}"
        return f"<ul>{rows}</ul><p>{look}</p>"

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view, and beside it a still picture for where no kernel runs."""
        shown = page.figure(self.canvas.png(level=9), self.alt(), self.lines, self.legend())
        return page.still(super()._repr_mimebundle_(**how), shown, self.summary())


def fate(state: Replay, symbol: str, currency: str) -> str:
    """One sentence on an isolated position: how far from liquidation, or what was lost."""
    position = state.start[symbol]
    edge = state.start.liquidation_price(symbol)
    if symbol not in state.end:
        lost = text.money(position.margin, currency)
        kept = text.money(state.end.balance, currency)
        return (
            f"{symbol}: liquidated at {text.price(edge, currency)}, {lost} lost, {kept} untouched."
        )
    away = edge / state.marks[symbol] - 1
    if np.isnan(away):
        return f"{symbol}: alive, and no price can liquidate it."
    return f"{symbol}: alive, {text.share(abs(away))} from liquidation."


class LeverageLab(Lab):
    """Own money, borrowed money, and what leverage multiplies."""

    picture = plots.LeveragePicture
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
        state = replay(account, [marks])
        position = account[symbol]
        gain = position.pnl(marks[symbol])
        lines = [
            f"Position {text.money(position.notional(position.entry_price), currency)}: "
            f"{text.money(position.margin, currency)} yours, "
            f"{text.money(position.borrowed, currency)} borrowed.",
            f"Price {text.percent(change)}, your money {text.percent(gain / position.margin)} "
            f"({text.money(gain, currency, sign=True)}).",
        ]
        if state.dead:
            lines.append("The exchange does not wait for this: see notebook 02.")
        return state, lines


def opening(leverage: float, rate: float) -> float:
    """Leverage, held at the largest half step at which a position of this rate can be opened."""
    return leverage if leverage * rate < 1 else np.ceil(2 / rate) / 2 - 0.5


class TermsLab(Lab):
    """Equity against price, and the prices that have a name."""

    picture = plots.TermsPicture
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
        state = replay(scenario.account("isolated"), [scenario.marks(**{symbol: change})])
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


class IsolatedLab(Lab):
    """Two pockets: what is set aside for one trade, and what is not."""

    picture = plots.PocketsPicture
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
        state = replay(account, [scenario.marks(**{symbol: change})])
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


def side_of(trade: Trade) -> widgets.Dropdown:
    """The list to choose a trade's side from."""
    tip = "one long and one short, or both on one side"
    return choice(f"{trade.symbol} side", ["long", "short"], trade.side, tip)


def both_modes(scenario: Scenario, path: Iterable[Marks]) -> dict[str, Any]:
    """The same trades in both modes over the same path."""
    return {mode: replay(scenario.account(mode), path) for mode in MODES}


def outcomes(states: Mapping[str, Replay], currency: str) -> list[str]:
    """A sentence a mode: what became of the account."""
    lines = []
    for mode, state in states.items():
        equity = text.money(state.equity[-1], currency)
        words = f"{' and '.join(state.dead)} liquidated" if state.dead else "all alive"
        lines.append(f"{mode.capitalize()}: {words}, {equity} left.")
    return lines


def distances(states: Mapping[str, Replay]) -> list[str]:
    """A sentence a mode: how far each price is from liquidating what lives."""
    lines = []
    for mode, state in states.items():
        alive = [position.symbol for position in state.end.positions]
        edges = {s: state.end.liquidation_price(s, state.marks) / state.marks[s] - 1 for s in alive}
        moves = ", ".join(f"{symbol} {text.percent(edge, 1)}" for symbol, edge in edges.items())
        if alive:
            lines.append(f"{mode.capitalize()} is liquidated by one more move of: {moves}.")
    return lines


class CrossLab(Lab):
    """One balance for all positions, beside a pocket for each."""

    picture: type[plots.Picture] = plots.CrossPicture
    look = "the last bar on the left against its dashed line. Nothing else decides in cross."

    def make_controls(self, scenario: Scenario) -> Controls:
        return {trade.symbol: change(trade.symbol, -0.95, 1.5) for trade in scenario.trades}

    def make_presets(self, scenario: Scenario) -> Presets:
        return scenario.moves

    def compute(self, scenario: Scenario, **changes: float) -> Shown:
        state = both_modes(scenario, [scenario.marks(**changes)])
        risk = state["cross"].start.risk(state["cross"].marks)
        return state, [
            *outcomes(state, scenario.currency),
            *distances(state),
            f"Cross equity {text.money(risk.equity, scenario.currency)} against a maintenance "
            f"margin of {text.money(risk.maintenance_margin, scenario.currency)}.",
        ]


class ComparisonLab(CrossLab):
    """Both returns at once: two walls of isolated margin, one line of cross margin."""

    picture = plots.PlanePicture
    look = "which edge the dot crosses first. A wall kills one position, the line kills all."

    def make_controls(self, scenario: Scenario) -> Controls:
        return {"side": side_of(scenario.trades[1]), **super().make_controls(scenario)}

    def compute(self, scenario: Scenario, side: str, **changes: float) -> Shown:
        scenario = scenario.with_trade(scenario.trades[1].symbol, side=side)
        return super().compute(scenario, **changes)


class CloudLab(Lab):
    """Many possible markets at once: which of them cross a wall, and which the line?

    A plane has room for two trades: the scenario's first two, alone in the account.
    """

    picture = plots.PlanePicture
    look = "how the cloud lies: along the line, or across it. Points outside the frame count, too."
    shares: dict[str, float] | Any = None  # what dies -> share of the markets
    lost: dict[str, float] | Any = None  # mode -> share of the markets in which all positions die

    def make_controls(self, scenario: Scenario) -> Controls:
        alike, wide = "1: prices move alike", "sets how wide the cloud is"
        now = scenario.volatility
        return {
            "side": side_of(scenario.trades[1]),
            "correlation": slider("correlation", scenario.correlation, -1, 1, 0.05, alike),
            "volatility": slider("volatility [% a year]", now, 0.05, 1.5, 0.05, wide, ".0%"),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        kinds = {"move together": 0.9, "independent": 0.0, "move apart": -0.9}
        return {words: {"correlation": value} for words, value in kinds.items()}

    def compute(
        self, scenario: Scenario, side: str, correlation: float, volatility: float
    ) -> Shown:
        scenario = scenario.first(2).with_trade(scenario.trades[1].symbol, side=side)
        terms = {"correlation": correlation, "volatility": volatility}
        market = scenario.market(step_hours=24 * scenario.days, **terms)
        bars = market.draw(np.random.default_rng(SEED), steps=1, paths=MARKETS)  # each one jump
        state = both_modes(scenario, [scenario.marks()])
        results = simulate({mode: walk.start for mode, walk in state.items()}, bars)
        steps = results["isolated"].step
        dead = [*(step >= 0 for step in steps.values()), results["cross"].liquidated]
        kinds = np.bincount(np.dot([1, 2, 4], dead), minlength=8)
        self.shares = {
            plots.dying([bool(kind & bit) for bit in (1, 2, 4)], steps): count / MARKETS
            for kind, count in enumerate(kinds)
            if count
        }
        state["shares"] = self.shares
        state["cloud"] = [bars.close[t.symbol][0, :SHOWN] / t.price - 1 for t in scenario.trades]
        often = sorted(self.shares.items(), key=lambda item: -item[1])
        regions = (f"{words} {text.share(x)}" for words, x in often)
        self.lost = {"isolated": np.all(dead[:-1], axis=0).mean(), "cross": np.mean(dead[-1])}
        all_die = (f"{mode} {text.share(x)}" for mode, x in self.lost.items())
        return state, [
            f"{MARKETS:,} markets, {scenario.days} days later: {', '.join(regions)}.",
            f"All positions die: {', '.join(all_die)}.",
        ]


class PathLab(Lab):
    """The same account, step by step along one market.

    Parameters
    ----------
    scenario : Scenario        if it has no paths: one to the liquidation prices and back
    modes : sequence of str    those to compare
    """

    picture = plots.PathPicture
    look = "what is gone when prices come back: a position that was closed does not recover."

    def __init__(self, scenario: Scenario, modes: Sequence[str] = MODES) -> None:
        self.modes = modes
        super().__init__(scenario if scenario.paths else there_and_back(scenario))

    def make_controls(self, scenario: Scenario) -> Controls:
        names = list(scenario.paths)
        steps = max(len(scenario.path(name)) for name in names)
        return {
            "path": choice("market", names, names[0], "one of the scenario's markets"),
            "step": walk(steps),
        }

    def compute(self, scenario: Scenario, path: str, step: float) -> Shown:
        path = scenario.path(path)
        last = len(path) - 1
        beyond, step = step > last, min(int(step), last)
        walks = {mode: replay(scenario.account(mode), path) for mode in self.modes}
        so_far = {mode: walk.until(step) for mode, walk in walks.items()}
        lines = [*outcomes(so_far, scenario.currency), *distances(so_far)]
        if beyond:
            lines.append(f"The step is held at {last}: this market ends there.")
        return {**walks, "step": step}, lines


def there_and_back(scenario: Scenario) -> Scenario:
    """The scenario with a path on which each price passes its wall and returns."""
    account = scenario.account("isolated")
    parts, walks = np.array([0, 0.3, 0.6, 0.9, 1.05, 0.6, 0.3, 0]), {}
    for trade in scenario.trades:
        wall = account.liquidation_price(trade.symbol) / trade.price - 1
        walks[trade.symbol] = parts * (wall if np.isfinite(wall) else -0.5)
    return replace(scenario, paths={"there and back": walks})


class FundingLab(Lab):
    """Funding day by day: the same rate in both modes, paid out of different pockets."""

    picture = plots.FundingPicture
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
        days = plots.FundingPicture.days
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


class RulesLab(Lab):
    """One position under other rules: each switch of a venue can move its liquidation price."""

    picture = plots.RulesPicture
    look = "which line a switch moves, and where the two lines cross then."
    measured = {"follows the price": "mark", "frozen at entry": "entry"}
    fees = ("not counted", "asked for on top", "set aside and asked for")
    tables = ("one rate", "tiers with amounts", "tiers without amounts")
    triggers = ("at equality", "only beyond it")

    def make_controls(self, scenario: Scenario) -> Controls:
        trade, rows = scenario.trades[0], list(self.measured)
        tiers = "tiers: those of Binance for ETH in USDT, whatever the coin"
        return {
            "side": choice(f"{trade.symbol} side", ["long", "short"], trade.side, "long or short"),
            "leverage": leverage_of(trade, "the value that your margin controls"),
            "size": slider("size [times]", 1, 1, 50, 1, "the same trade, so many times", ".0f"),
            "measured": choice("maintenance margin", rows, rows[0], "of which value it is a share"),
            "fee": choice("closing fee", self.fees, self.fees[0], "who pays for the way out"),
            "table": choice("rates", self.tables, self.tables[0], tiers),
            "trigger": choice("closed", self.triggers, self.triggers[0], "full dot, empty dot"),
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
        rich = replace(scenario, balance=3 * margin)
        rich = rich.with_trade(symbol, side=side, leverage=leverage, margin=margin)

        def opened(maintenance: Tiers | float, conventions: Conventions) -> Account:
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
        state = {"account": account, "plain": plain, "at": rules.at_equality}
        if not edge > 1e-9 * trade.price:  # rounding may leave a price where there is none
            return state, [f"{symbol} {side}: no price closes it."]
        gap = abs(edge - plain)
        way = "sooner" if abs(edge - trade.price) < abs(plain - trade.price) else "later"
        words = "the same" if gap < 5e-5 * plain else f"yours comes {text.price(gap, unit)} {way}"
        words = "only yours ever comes" if np.isnan(gap) else words
        exactly = "closes it" if rules.at_equality else "does not close it yet, the next tick does"
        left = text.money(account[symbol].risk(edge).equity, unit)
        return state, [
            f"{symbol} {side}: closed at {text.price(edge, unit)}, "
            f"{text.percent(edge / trade.price - 1)} from entry, with {left} left.",
            f"The first rules say {text.price(plain, unit)}: {words}.",
            f"A price of exactly that {exactly}.",
        ]


class StressLab(Lab):
    """A fall that happened, on one trade in both modes: the scenario's first, alone."""

    picture = plots.StressPicture
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
        alone = scenario.first(1).with_trade(symbol, leverage=leverage, margin=margin)
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
            jump = replay(start, path[-1:])
            fund = sum(event.received("insurance fund") for _, event in jump.liquidations)
            debts.append(f"{mode} {text.money(max(-fund, 0), currency)}")
        lines = outcomes(walks, currency)
        return state, [*lines, f"Had it jumped there, others would pay: {', '.join(debts)}."]


class CapstoneLab(Lab):
    """A design of your own against its mandate, in a few hundred markets."""

    picture = plots.MandatePicture
    look = "what lies in the shaded part, and how much of it is dark."

    def make_controls(self, scenario: Scenario) -> Controls:
        kinds = scenario.mandate["visible"].items()
        self.markets = {name: mandate.drawn(scenario, kind, paths=SHOWN) for name, kind in kinds}
        controls: Controls = {}
        for trade in scenario.trades:
            s, share = trade.symbol, trade.margin / scenario.balance
            where, size = "whose money stands behind it", "own money, as a share of the capital"
            controls |= {
                f"{s} mode": choice(f"{s} {trade.side}, mode", MODES, MODES[0], where),
                f"{s} margin": slider(f"{s} margin [%]", share, 0.01, 0.4, 0.01, size, ".0%"),
                f"{s} leverage": leverage_of(trade, "times the margin is what you hold", high=10),
            }
            controls[f"{s} leverage"].description = f"{s} leverage [x]"
        names, tip = list(self.markets), "what prices are like"
        controls["market"] = choice("market", names, names[0], tip)
        for control in controls.values():  # a row for each coin, where the page has room for it
            control.layout = {"width": "32%", "min_width": "250px"}
            control.style = {"description_width": "120px"}
        return controls

    def make_presets(self, scenario: Scenario) -> Presets:
        return {
            name: {f"{s} {k}": v for s, row in rows.items() for k, v in row.items() if k != "side"}
            for name, rows in scenario.mandate["designs"].items()
        }

    def compute(self, scenario: Scenario, market: str, **values: Any) -> Shown:
        rows = {
            t.symbol: {"side": t.side}
            | {k: values[f"{t.symbol} {k}"] for k in ("mode", "margin", "leverage")}
            for t in scenario.trades
        }
        trial = mandate.hold(mandate.Design(scenario, "yours", rows), self.markets[market])
        start = mandate.at_start(trial.design)
        kept, worst, reached, *rest = mandate.measured(trial)
        lines = [f"{item.what}: {item.words} ({item.must})" for item in (kept, reached)]
        lines += ["; ".join(f"{i.what}: {i.words}" for i in group) for group in (rest, start)]
        lines[0] += f"; {worst.what}: {worst.words}"
        return {"yours": trial}, [f"{line[0].upper()}{line[1:]}." for line in lines]
