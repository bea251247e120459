"""The labs: controls -> a pure call -> a picture and a readout in words.

A lab holds no mathematics and no globals. To write one, subclass `Lab` and give it a picture,
controls and `compute`; CONTRIBUTING.md shows how.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
from traitlets import Bunch, TraitError, Unicode, validate

from margin_course import page, text
from margin_course.picture import Picture
from margin_course.scenarios import Scenario, Trade
from margin_lib.account import Account
from margin_lib.errors import MarginError, one_number
from margin_lib.liquidation import mark_to_market
from margin_lib.replay import Replay
from margin_lib.types import Marks

Controls = dict[str, widgets.Widget]  # by name
Presets = Mapping[str, Mapping[str, Any]]  # a button's words -> values of controls
Shown = tuple[Any, list[str]]  # the state of the picture, the lines of the readout
# JupyterLab may move a slider in one thread while a cell runs in another; matplotlib bears one.
DRAWING = threading.RLock()


class Slider(widgets.FloatSlider):
    """A slider that refuses NaN and infinity, whoever moves it: neither is beyond its ends."""

    @validate("value")
    def _validate_value(self, proposal: Bunch) -> float:
        try:
            one_number(self.description, proposal["value"])
        except MarginError as error:
            raise TraitError(str(error)) from None  # after which a widget takes its old value
        return super()._validate_value(proposal)


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
    value = one_number(words, value)
    scale: Any = {"min": min(low, value), "max": max(high, value), "step": step}
    return labelled(Slider, words, tip, value=value, readout_format=form, **scale)


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


def step_slider(steps: int) -> widgets.FloatSlider:
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

    A subclass sets `picture` (a Picture), `look` (what to look at), `make_controls(scenario)`
    -> dict of controls by name, `compute(scenario, **values)` -> (state of the picture, lines of
    the readout), and, if it likes, `make_presets(scenario)` -> {button: values} and `needs`.

    Raises
    ------
    MarginError                a scenario that lacks what the lab needs
    """

    starts_in = ""  # the scenario of the course that it is shown with
    needs: Mapping[str, int] = {"trades": 1}  # part of a scenario -> how many of it, at least
    picture: type[Picture] | Any = None
    look = ""
    _held = False  # while several controls move at once
    _shown: dict[str, Any] | None = None  # the values that picture and readout show; None: not yet

    def __init__(self, scenario: Scenario) -> None:
        scenario.must_have(type(self).__name__, self.needs)
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
        """Move controls by name, as a reader would; the rest stays where it is.

        Parameters
        ----------
        values : object            control=value: a number, which stands at the end of its slider if
                                   it lies beyond, or one of the words to choose from

        Raises
        ------
        MarginError                an unknown control, a value that is none for it: nothing moves
        """
        checked = {name: self._checked(name, value) for name, value in values.items()}
        with DRAWING:
            before = self.values()
            try:
                self._put(checked)
            except BaseException:  # stopped half way
                self._put(before)
                raise
            self._refresh()

    def _checked(self, name: str, value: Any) -> Any:
        if name not in self.controls:
            raise MarginError("control", f"must be one of {', '.join(self.controls)}", name)
        if hasattr(self.controls[name], "step"):
            return float(one_number(name, value))
        options = self.controls[name].options
        if not isinstance(value, str) or value not in options:
            raise MarginError(name, f"must be one of {', '.join(options)}", value)
        return value

    def _put(self, values: Mapping[str, Any]) -> None:
        """Controls to values, and nothing drawn."""
        try:
            self._held = True
            for name, value in values.items():
                self._asked[name] = value  # before the browser can answer
                self.controls[name].value = value
        finally:
            self._held = False

    def summary(self) -> str:
        """The readout as plain text, for a checked cell."""
        self._refresh()  # if a move broke off
        return "\n".join(self.lines)

    def alt(self) -> str:
        """What the picture shows, in words."""
        return f"{str(type(self).__doc__).splitlines()[0]} {' '.join(self.lines)}"

    def _refresh(self, _: object = None) -> None:
        with DRAWING:
            values = self.values()
            if not self._held and values != self._shown:
                self._shown = None  # a drawing that breaks off shows nothing whole
                self._show(values)
                self._shown = values

    def _show(self, values: dict[str, Any]) -> None:
        try:
            state, lines = self.compute(self.scenario, **values)
        except MarginError as error:
            self.lines = [f"The exchange refuses: {error}.", "The picture keeps its last state."]
        else:
            self.canvas.plot(state)
            self.lines = lines
            with self._image.hold_sync():  # one message
                self._image.value, self._image.tooltip = self.canvas.png(), self.alt()
        words = "<br>".join(text.escaped(line) for line in self.lines)
        self._readout.value = page.status(f"<b>{words}</b>")

    def legend(self) -> str:
        """What each control does, and what to look at, in HTML."""
        tips = [(control.description, control.tip) for control in self.controls.values()]
        safe = [map(text.escaped, pair) for pair in tips]
        rows = "".join(f"<li><b>{name}</b> {tip}</li>" for name, tip in safe)
        look = text.escaped(f"{self._say('Look at')}: {self._say(self.look)}")
        return f"<ul>{rows}</ul><p>{look}</p>"

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view, and beside it a still picture for where no kernel runs."""
        shown = page.figure(self.canvas.png(level=9), self.alt(), self.lines, self.legend())
        return page.still(super()._repr_mimebundle_(**how), shown, self.summary())


def judged(account: Account, marks: Marks) -> Replay:
    """A single moment: what the exchange does with an account at once, as a replay of one step."""
    end, events = mark_to_market(account, marks)
    return Replay(account, (dict(marks),), (end,), (events,), (0.0,))


def fate(state: Replay, symbol: str, currency: str) -> str:
    """One sentence on an isolated position: how far from liquidation, or what was lost."""
    position = state.start[symbol]
    edge = state.start.liquidation_price(symbol)
    if symbol not in state.end:
        lost = text.money(position.own_margin, currency)
        kept = text.money(state.end.balance, currency)
        return (
            f"{symbol}: liquidated at {text.price(edge, currency)}, {lost} lost, {kept} untouched."
        )
    away = edge / state.marks[symbol] - 1
    if np.isnan(away):
        return f"{symbol}: alive, and no price can liquidate it."
    return f"{symbol}: alive, {text.share(abs(away))} from liquidation."
