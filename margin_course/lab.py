"""What all labs share: controls -> a pure call -> status, a picture and a sentence.

A lab holds no mathematics and no globals. To write one, subclass `Lab` and give it a picture,
controls and `compute`; CONTRIBUTING.md shows how.

The state of a lab is plain data, so a page without a kernel can show it as well:

    controls    name -> value
    tiles       name, mode, life, money and note of each pocket, and of the whole account
    words       the same in a sentence or two
    alt         what the picture shows, in words
    size        of the picture [px, px]
    handles     where it can be taken hold of: `at` [px, px], the control behind each axis, with
                value = a + b · px; `low`, `high` and `step` of that control
    locked      controls that change nothing now
    film        the control that plays, from `low` to `high` at so much a second; or None
"""

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np
from traitlets import Bunch, TraitError, validate

from margin_course import page, text
from margin_course.picture import Picture
from margin_course.scenarios import Scenario, Trade
from margin_course.screen import Screen
from margin_lib.account import Account
from margin_lib.errors import MarginError, one_number
from margin_lib.liquidation import mark_to_market
from margin_lib.replay import Replay
from margin_lib.types import Marks

Controls = dict[str, widgets.Widget]  # by name
Presets = Mapping[str, Mapping[str, Any]]  # a button's words -> values of controls

PARTS = ("account", "position", "market", "view")  # what a control belongs to, in this order
FILM = 6.0  # seconds that a film takes
# JupyterLab may move a slider in one thread while a cell runs in another; matplotlib bears one.
DRAWING = threading.RLock()


class Tile(NamedTuple):
    """The status of one pocket, or of the whole account.

    name : str
    money : str                what is in it
    note : str                 how far from liquidation, or where it was closed
    life : str                 "alive" or "closed"; of a demand "passed" or "missed"; or ""
    mode : str                 "isolated", "cross" or "": its colour
    """

    name: str
    money: str
    note: str = ""
    life: str = ""
    mode: str = ""


class Shown(NamedTuple):
    """What `compute` returns.

    state : Any                of the picture
    words : list of str        the readout: sentences
    tiles : sequence of Tile
    """

    state: Any
    words: Sequence[str]
    tiles: Sequence[Tile] = ()


# Controls


class Slider(widgets.FloatSlider):
    """A slider that refuses NaN and infinity, whoever moves it: neither is beyond its ends."""

    @validate("value")
    def _validate_value(self, proposal: Bunch) -> float:
        try:
            one_number(self.description, proposal["value"])
        except MarginError as error:
            raise TraitError(str(error)) from None  # after which a widget takes its old value
        return super()._validate_value(proposal)


def control(kind: Any, words: str, tip: str, part: str, **settings: Any) -> Any:
    """A control with words above it; `tip` says what it does, `part` what it belongs to."""
    made = kind(description=words, **settings)
    made.tip, made.part = tip, part
    return made


def slider(
    words: str,
    value: float,
    low: float,
    high: float,
    step: float,
    tip: str,
    part: str = "position",
    form: str = ".2f",
) -> widgets.FloatSlider:
    """A slider with its unit in its label, wide enough for where it starts.

    No sign in `form` for what is not below 0: a browser's 0 may be a hair less, and would be −0.
    """
    value = one_number(words, value)
    scale: Any = {"min": min(low, value), "max": max(high, value), "step": step}
    return control(Slider, words, tip, part, value=value, readout_format=form, **scale)


def leverage_of(trade: Trade, tip: str, high: float = 20) -> widgets.FloatSlider:
    """The slider of a trade's leverage."""
    return slider("leverage [x]", trade.leverage, 1, high, 0.5, tip, "position", ".1f")


def change(symbol: str, low: float = -0.6, high: float = 0.4) -> widgets.FloatSlider:
    """The slider of a price, as a change since entry."""
    tip = f"moves the price of {symbol}; 0 % is where you bought or sold"
    return slider(f"{symbol} price change [%]", 0.0, low, high, 0.01, tip, "market", ".0%")


def choice(
    words: str, options: Sequence[str], value: str, tip: str, part: str = "position"
) -> widgets.Dropdown:
    """A list to choose from."""
    return control(widgets.Dropdown, words, tip, part, options=options, value=value)


def step_slider(steps: int) -> widgets.FloatSlider:
    """The slider of a step along a path; between two steps, prices are on their way."""
    fine = max(0.1, round((steps - 1) / 60, 1))
    tip = "walks along the market"
    return slider("step", 0, 0, steps - 1, fine, tip, "view", ".1f")


def flash_crash(lab: "Lab", scenario: Scenario) -> Presets:
    """The preset of a falling price, as deep as the slider goes."""
    return {"flash crash": {"change": lab.controls["change"].min}}


def snapped(slider: Any, value: float) -> float:
    """The step of a slider that is nearest to a value."""
    low, high, step = slider.min, slider.max, slider.step
    steps = round((min(max(value, low), high) - low) / step)
    return float(min(round(low + steps * step, 12), high))


class Lab(widgets.VBox):
    """What all labs share: layout, picture, status, summary, presets, handles, static picture.

    Parameters
    ----------
    scenario : Scenario        where the lab starts
    canvas : Picture or None   to draw on; several labs of one scenario may share it, for every
                               state is painted whole

    A subclass sets `picture` (a Picture), `starts_in` (the table of scenarios.toml that it is made
    for), `look` (what to look at), `make_controls(scenario)` -> dict of controls by name,
    `compute(scenario, **values)` -> Shown, and, if it likes, `make_presets(scenario)` -> {button:
    values}, `locked(values, shown)` -> names of controls that change nothing now, `film` (the
    control that plays), `folded` (the controls that stand in a fold until they are asked for),
    `on_page` (the controls that a page without a kernel offers), `needs`.

    Raises
    ------
    MarginError                a scenario that lacks what the lab needs
    """

    picture: type[Picture] | Any = None
    starts_in = ""  # the scenario of the course that it is shown with
    needs: Mapping[str, int] = {"trades": 1}  # part of a scenario -> how many of it, at least
    look = ""
    film = ""
    folded: tuple[str, ...] = ()
    on_page: tuple[str, ...] = ()
    _held = False  # while several controls move at once
    _shown: dict[str, Any] | None = None  # the values that picture and readout show; None: not yet

    def __init__(self, scenario: Scenario, canvas: Picture | None = None) -> None:
        scenario.must_have(type(self).__name__, self.needs)
        self.scenario = scenario
        self.controls = self.make_controls(scenario)
        for control in self.controls.values():
            control.description, control.tip = map(self._say, (control.description, control.tip))
        self._asked = {name: control.value for name, control in self.controls.items()}
        self.presets = {"start": self.values(), **self.make_presets(scenario)}
        self.shown: Shown = Shown(None, [])
        self._screen = Screen(self._dragged)
        self._canvas = canvas
        super().__init__([self._laid_out()])
        self.add_class("mc-lab")
        for control in self.controls.values():
            control.observe(self._refresh, names="value")
        self._refresh()

    def _laid_out(self) -> widgets.VBox:
        buttons = []
        for name in self.presets:
            buttons.append(widgets.Button(description=self._say(name), layout={"width": "auto"}))
            buttons[-1].on_click(lambda _, name=name: self._press(name))
        rows = [[self.controls[name] for name in row] for row in self.rows()]
        boxes = [widgets.Box(row).add_class("mc-row") for row in rows]
        named = {*self.folded, *(name for row in self.rows() for name in row)}
        single = [each for name, each in self.controls.items() if name not in named]
        self._controls = widgets.Box([*boxes, *single, *self._fold()]).add_class("mc-controls")
        if boxes:
            self._controls.add_class("mc-rows")
        self._buttons = widgets.Box(buttons).add_class("mc-presets")
        self._reply = widgets.HTML()
        offers = widgets.Box([self._buttons, self._reply]).add_class("mc-offers")
        self._legend = widgets.HTML(self.legend()).add_class("mc-look")
        parts = [self._controls, offers, self._screen, self._legend]
        return widgets.VBox(parts).add_class("mc-grid")

    def _fold(self) -> list[widgets.Widget]:
        """A button, and the controls that it unfolds; nothing where none are folded."""
        if not self.folded:
            return []
        inside = widgets.Box([self.controls[name] for name in self.folded])
        inside.add_class("mc-controls").add_class("mc-folded")
        self._more = widgets.ToggleButton(layout={"width": "auto"}).add_class("mc-unfold")

        def turn(_: object = None) -> None:
            names = ", ".join(
                re.sub(r" \[.*\]$", "", self.controls[name].description) for name in self.folded
            )
            words = "fewer controls" if self._more.value else f"more: {names}"
            self._more.description = f"{'▾' if self._more.value else '▸'} {self._say(words)}"
            # A kernel in the browser sends no None: it would change nothing there.
            inside.layout.display = "" if self._more.value else "none"

        self._more.observe(turn, names="value")
        turn()
        return [self._more, inside]

    def _press(self, name: str) -> None:
        """What a button does; one that changes nothing says so."""
        before = self.values()
        self.set(**self.presets[name])
        if self.values() == before:
            words = f"{name} changes nothing: all of it stands here already."
            self._reply.value = page.status(text.escaped(self._say(words)))

    def _say(self, words: str) -> str:
        return text.translated(words, self.scenario.labels)

    def make_controls(self, scenario: Scenario) -> Controls:
        raise NotImplementedError

    def make_presets(self, scenario: Scenario) -> Presets:
        return {}

    def compute(self, scenario: Scenario, **values: Any) -> Shown:
        raise NotImplementedError

    def locked(self, values: Mapping[str, Any], shown: Shown) -> Sequence[str]:
        """Names of the controls that change nothing now."""
        return ()

    def rows(self) -> Sequence[Sequence[str]]:
        """Names of controls that stand in one row, where there is a row for each coin."""
        return ()

    @property
    def canvas(self) -> Picture:
        """The picture, laid out when it is first needed."""
        with DRAWING:
            if self._canvas is None:
                self._canvas = self.picture(self.scenario)
            return self._canvas

    def values(self) -> dict[str, Any]:
        """The value of each control, by name; what `set` asked for while a slider stands there."""
        return {name: self._value(name, control) for name, control in self.controls.items()}

    def _value(self, name: str, control: widgets.Widget) -> Any:
        # A browser answers every value that it is sent with the nearest step of its slider.
        if not hasattr(control, "step"):
            return control.value
        asked = min(max(self._asked[name], control.min), control.max)
        return asked if abs(control.value - asked) < control.step / 2 else control.value

    def at(self, **values: Any) -> "Lab":
        """Another lab of the same scenario, which stands there; this one stays where it is."""
        other = self._again()
        other.set(**values)
        other.presets = {**other.presets, "start": other.values()}
        return other

    def _again(self) -> "Lab":
        return type(self)(self.scenario, canvas=self.canvas)

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
            if any(name in self.folded and before[name] != self._asked[name] for name in checked):
                self._more.value = True  # what moves is in sight
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
        return "\n".join(self.shown.words)

    def state(self) -> dict[str, Any]:
        """What the lab shows, as plain data: see the head of this module."""
        with DRAWING:
            self._paint(self._drawn)
            values = self.values()
            film = self.controls.get(self.film)
            return {
                "controls": values,
                "tiles": [self._tile(tile) for tile in self.shown.tiles],
                "words": list(self.shown.words),
                "alt": self.alt(),
                "size": [int(x) for x in self.canvas.figure.bbox.size],
                "handles": [self._handle(hold, values) for hold in self._open_holds()],
                "locked": list(self._locked),
                "film": film
                and {
                    "control": self.film,
                    "low": film.min,
                    "high": film.max,
                    "rate": (film.max - film.min) / FILM,
                },
            }

    def png(self, level: int = 1) -> bytes:
        """The picture of this state, as PNG; level 9 is small, 1 fast."""
        with DRAWING:
            self._paint(self._drawn)
            return self.canvas.png(level)

    @property
    def lines(self) -> list[str]:
        """The sentences of the readout."""
        return list(self.shown.words)

    def alt(self) -> str:
        """What the picture shows, in words."""
        return self.canvas.alt(self._drawn)

    def legend(self) -> str:
        """What to look at, and, folded away, what each control does; in HTML."""
        tips = [(control.description, control.tip) for control in self.controls.values()]
        rows = "".join(f"<li><b>{text.escaped(n)}</b> {text.escaped(t)}</li>" for n, t in tips)
        look = f"<b>{text.escaped(self._say('Look at'))}:</b> {text.escaped(self._say(self.look))}"
        what = text.escaped(self._say("What each control does"))
        more = f'<details class="mc-more"><summary>{what}</summary><ul>{rows}</ul></details>'
        return f"<p>{look}</p>{more}"

    # From controls to what is shown

    _locked: Sequence[str] = ()
    _drawn: Any = None  # the state that the picture shows

    def _refresh(self, _: object = None) -> None:
        with DRAWING:
            values = self.values()
            if self._held or values == self._shown:
                return
            if self._shown and self._only_locked(values, self._shown):
                self._put(self._shown)
                return
            self._shown = None  # a drawing that breaks off shows nothing whole
            self._show(values)
            self._shown = values

    def _only_locked(self, values: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
        return all(values[name] == shown[name] for name in values if name not in self._locked)

    def _show(self, values: dict[str, Any]) -> None:
        try:
            shown = self.compute(self.scenario, **values)
            locked = tuple(self.locked(values, shown))
        except MarginError as error:
            if self._drawn is None:  # there is nothing yet that could stay
                raise
            words = [f"The exchange refuses: {error}.", "The picture keeps its last state."]
            tile = Tile("the exchange", "refuses", str(error))
            shown, locked = Shown(self._drawn, words, [tile]), ()
        self._paint(shown.state)
        self._reply.value = ""
        picture = self.canvas.png()
        self.shown, self._locked, self._drawn = shown, locked, shown.state
        for name, control in self.controls.items():
            if control.disabled != (name in locked):
                control.disabled = name in locked
        for button, moved in zip(self._buttons.children, self.presets.values(), strict=True):
            if button.disabled != (set(moved) <= set(locked)):
                button.disabled = set(moved) <= set(locked)
        self._screen.show(self.state() | {"token": self._token}, picture)

    def _paint(self, state: Any) -> None:
        """Another lab may have drawn on the same canvas since."""
        if self.canvas.state is not state:
            self.canvas.plot(state)

    # From the picture to the controls

    _token = ""  # of the question that is being answered

    def _dragged(self, values: Mapping[str, float], token: str) -> None:
        """A reader wants controls there; the answer carries the token, moved or not."""
        with DRAWING:
            self._token = token
            before = self._shown
            known = {name: value for name, value in values.items() if name in self.controls}
            self.set(**{name: snapped(self.controls[name], x) for name, x in known.items()})
            if self._shown is before:
                self._screen.show(self.state() | {"token": token}, self._screen.picture)

    def _open_holds(self) -> list[Any]:
        closed = set(self._locked)
        holds = (
            hold._replace(
                moves=tuple(m for m in hold.moves if m[0] in self.controls and m[0] not in closed)
            )
            for hold in self.canvas.holds
        )
        return [hold for hold in holds if hold.moves]

    def _handle(self, hold: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        moves, told = [], []
        for name, along, b, here in hold.moves:
            control = self.controls[name]
            ends = {"low": control.min, "high": control.max, "step": control.step}
            a = values[name] - b * here
            moves.append({"control": name, "along": along, "a": a, "b": b} | ends)
            told.append(f"{control.description}: {format(values[name], control.readout_format)}")
        names = " and ".join(self.controls[move["control"]].description for move in moves)
        return {"at": list(hold.at), "name": names, "text": ", ".join(told), "moves": moves}

    def _tile(self, tile: Tile) -> dict[str, str]:
        words = {"name": self._say(tile.name), "note": self._say(tile.note)}
        return {**tile._asdict(), **words}

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view, and beside it a still picture for where no kernel runs."""
        return page.still(super()._repr_mimebundle_(**how), self.still(), self.summary())

    def still(self) -> str:
        """HTML of tiles, picture and words as they are now, for where nothing moves."""
        tiles = [self._tile(tile) for tile in self.shown.tiles]
        return page.figure(self.png(level=9), self.alt(), self.shown.words, self.legend(), tiles)


# What became of accounts: tiles and words


def judged(account: Account, marks: Marks) -> Replay:
    """A single moment: what the exchange does with an account at once, as a replay of one step."""
    end, events = mark_to_market(account, marks)
    return Replay(account, (dict(marks),), (end,), (events,), (0.0,))


def pockets(account: Account) -> list[tuple[str, list[str], str]]:
    """(mode, symbols, name) of each pocket that carries positions."""
    found = [("isolated", [p.symbol], f"{p.symbol}'s pocket") for p in account.isolated]
    if account.cross:
        symbols = [position.symbol for position in account.cross]
        found.append(("cross", symbols, f"cross: {text.listed(symbols)}"))
    return found


def closed_at(run: Replay, symbols: Sequence[str]) -> str:
    """Where a pocket was closed: its step; of a single move, the changes on the way there."""
    if len(run.path) > 1:
        return f"in step {next(n for n, e in run.liquidations if symbols[0] in e.symbols)}"
    positions = [run.start[symbol] for symbol in symbols]
    entry = {p.symbol: p.entry_price for p in run.start.positions}
    end: dict[str, Any] = dict(run.marks)
    low, high = 0.0, 1.0
    for _ in range(3):  # each time a thousand times closer
        parts = np.linspace(low, high, 1001)
        way = {s: price + parts * (end[s] - price) for s, price in entry.items()}
        due = np.asarray(run.start.risk(way, symbols[0]).is_liquidatable)
        first = int(np.argmax(due))
        low, high = parts[max(first - 1, 0)], parts[first]
    moved = [(p.symbol, high * (end[p.symbol] / p.entry_price - 1)) for p in positions]
    if len(moved) == 1:
        return f"at {text.percent(moved[0][1], 1)}"
    return f"at {', '.join(f'{symbol} {text.percent(x, 1)}' for symbol, x in moved if x)}"


def room(run: Replay, symbols: Sequence[str]) -> str:
    """How far each price is from closing a living pocket, in words."""
    moves = {}
    marks: dict[str, Any] = dict(run.marks)
    for symbol in symbols:
        edge: Any = run.end.liquidation_price(symbol, marks) / marks[symbol] - 1
        moves[symbol] = text.percent(edge, 1)
    if all(move == text.NEVER for move in moves.values()):
        return "no price closes it"
    if len(moves) == 1:
        return f"{next(iter(moves.values()))} closes it"
    return ", ".join(f"{symbol} {move}" for symbol, move in moves.items())


def first_mark(run: Replay) -> tuple[str, Any]:
    """The first symbol and its mark: of a scenario with one trade, all there is."""
    return next(iter(run.marks.items()))


def equity_of(run: Replay, symbols: Sequence[str]) -> float:
    """What is in a pocket: 0 once it is closed, for what returned is in the balance."""
    if any(symbol in run.dead for symbol in symbols):
        return 0.0
    return float(run.end.risk(run.marks, symbols[0]).equity)


def status(run: Replay, currency: str, name: str = "account", mode: str = "") -> list[Tile]:
    """A tile for each pocket of an account, and one for the whole of it."""
    tiles = []
    every = pockets(run.start)
    for kind, symbols, words in every:
        dead = symbols[0] in run.dead
        note = f"closed {closed_at(run, symbols)}" if dead else room(run, symbols)
        money = text.money(equity_of(run, symbols), currency)
        tiles.append(Tile(words, money, note, "closed" if dead else "alive", kind))
    worth = run.equity[-1]
    gain = text.money(worth - run.start.wallet_balance, currency, sign=True)
    if len(every) == 1 and every[0][0] == "cross":
        return [tiles[0]._replace(name="cross, all of it", money=text.money(worth, currency))]
    return [*tiles, Tile(name, text.money(worth, currency), f"{gain} since the start", "", mode)]
