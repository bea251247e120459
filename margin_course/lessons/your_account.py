"""your_account: what a reader holds, what dies first in which mode, and what exchanges print."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np
from PIL import Image, ImageDraw

from margin_course import page, text
from margin_course.account_form import AccountForm, Saver
from margin_course.lab import DRAWING, Controls, Lab, Presets, Shown, Tile, choice, judged, slider
from margin_course.palette import INK, INKS, PAPER, QUIET
from margin_course.picture import (
    Parts,
    Picture,
    Raster,
    below_rings,
    curve,
    dot,
    encode,
    font,
    grid,
    inside,
    label,
    percent_axis,
    regions,
)
from margin_course.scenarios import Scenario
from margin_lib.account import Account, Risk
from margin_lib.differences import difference
from margin_lib.errors import MarginError
from margin_lib.exchanges import Statement
from margin_lib.replay import Replay

BOOKS = ("as it is", "all isolated", "all cross")
SHARED, MONEY = "shared balance", "money added"
SLIDE, LIMITS = (-0.95, 1.4), (-1.0, 1.4)
FAR = {False: 1e-3, True: 20.0}  # of a price: how far it is looked for a death, down and up


def book(account: Account, how: str, marks: Mapping[str, float]) -> Account:
    """The same positions and the same money, in other modes: one of `BOOKS`.

    An own margin is what an exchange asks today: the initial margin, and what is lost already.
    """
    if how == BOOKS[2]:
        positions = [replace(position, margin=None) for position in account.positions]
        return Account(balance=account.wallet_balance, positions=positions)
    if how == BOOKS[1]:
        margins = {}
        for position in account.cross:
            risk = position.risk(marks[position.contract.market])
            margins[position.symbol] = float(risk.initial_margin - min(risk.equity, 0))
        left = account.balance - sum(margins.values())
        if left < 0:
            rule = f"would take {-left:.4g} more than there is, for a margin of its own each"
            raise MarginError(BOOKS[1], rule, f"{account.balance:.4g}")
        positions = [
            replace(p, margin=margins[p.symbol]) if p.margin is None else p
            for p in account.positions
        ]
        return Account(balance=left, positions=positions)
    return account


def purses(account: Account) -> dict[str, list[str]]:
    """Name of each pocket -> the symbols that it carries; the shared balance last."""
    found = {position.symbol: [position.symbol] for position in account.isolated}
    if account.cross:
        found[SHARED] = [position.symbol for position in account.cross]
    return found


def markets(account: Account) -> list[str]:
    """Names of the markets, each once."""
    return list(dict.fromkeys(position.contract.market for position in account.positions))


def by_size(statement: Statement) -> list[str]:
    """Names of the markets, those of the largest positions first."""
    value = dict.fromkeys(markets(statement.account), 0.0)
    for position in statement.account.positions:
        market = position.contract.market
        value[market] += float(position.notional(statement.marks[market]))
    return sorted(value, key=lambda market: -value[market])


class Death(NamedTuple):
    """The first pockets that die when prices move one way, and at which change; NaN: none does."""

    change: float
    who: tuple[str, ...]


def first_death(
    account: Account, marks: Mapping[str, float], moving: Iterable[str], rising: bool
) -> Death:
    """What dies first when some markets move together by one share, all others held."""
    moving, low, high = list(moving), 0.0, float(np.log(FAR[rising]))
    found = Death(np.nan, ())
    carried = purses(account)
    for closer in range(4):  # each time a thousand times closer
        ways = np.linspace(low, high, 1001)
        there = dict(marks) | {market: marks[market] * np.exp(ways) for market in moving}
        first: dict[str, int] = {}
        for name, symbols in carried.items():
            due = np.broadcast_to(account.risk(there, symbols[0]).is_liquidatable, ways.shape)
            if due.any():
                first[name] = int(np.argmax(due))
        if not first:
            return found
        at = min(first.values())
        who = tuple(name for name, place in first.items() if place == at)
        if closer and len(who) != len(found.who):
            carried = {name: carried[name] for name in who}
        found = Death(float(np.expm1(ways[at])), who)
        low, high = float(ways[max(at - 1, 0)]), float(ways[at])
        if at == 0:
            return found
    return found


def told(death: Death) -> str:
    """A death in a cell of a table."""
    if not death.who:
        return text.NEVER
    if death.change == 0:
        return f"now: {text.listed(death.who)}"
    return f"{text.percent(death.change, 1)}: {text.listed(death.who)}"


class AccountPlane(Picture):
    """What is left where two prices are, or a price and money that is added.

    A state has an "account", "marks" of now, the change of "everything", the two names "across" and
    "upwards" with where they stand ("x", "y"), and the "pocket" that money is added to.
    """

    def __init__(
        self,
        scenario: Scenario,
        across: str | None = None,
        upwards: str | None = None,
        most: float = 1.0,
    ) -> None:
        names = [trade.symbol for trade in scenario.trades]
        self.across = names[0] if across is None else across
        self.upwards = (*names, MONEY)[1] if upwards is None else upwards
        self.most = most
        super().__init__(scenario)

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        money = self.upwards == MONEY
        ax.set(xlim=LIMITS, ylim=(0, self.most) if money else LIMITS)
        ax.set_xlabel(f"{self.across}, change from now")
        name = f"{MONEY} [{scenario.currency}]" if money else f"{self.upwards}, change from now"
        ax.set_title(name, x=-0.08 if money else -0.14, fontweight="normal")
        percent_axis(ax.xaxis)
        if money:
            below_rings(ax)
        else:
            percent_axis(ax.yaxis)

    def ground_of(self, state: Mapping[str, Any]) -> Hashable:
        held = (state[key] for key in ("account", "marks", "everything", "pocket"))
        added = None if self.upwards == MONEY else state["added"]
        return repr((*held, added))

    def ground(self, state: Mapping[str, Any]) -> Parts:
        ax = self.axes[0]
        x, y = (each[1::2, 1::2] for each in grid(ax))
        carried = purses(state["account"])
        dead = [np.broadcast_to(each, x.shape) for each in self._dead(state, x, y)]
        kinds = sum(bit * (1 << place) for place, bit in enumerate(dead))
        families = np.select(
            [np.all(dead, axis=0), dead[-1] & (SHARED in carried), np.any(dead, axis=0)],
            [3, 2, 1],
        )
        high, wide = grid(ax)[0].shape
        whole = np.repeat(np.repeat(families, 2, axis=0), 2, axis=1)
        whole = np.pad(whole, ((0, high % 2), (0, wide % 2)), mode="edge")[:high, :wide]
        yield Raster(ax, regions(whole))
        if self.upwards != MONEY:
            how: dict[str, Any] = {"color": QUIET, "linewidth": 1, "linestyle": "--", "zorder": 2}
            yield curve(ax, LIMITS, LIMITS, **how)
            yield label(ax, 1.05, 1.22, "all together", QUIET, ground=False)
        for kind in np.unique(kinds):
            at = middle((kinds == kind)[::4, ::4])
            if at is not None:
                names = [name for bit, name in enumerate(carried) if kind & (1 << bit)]
                colour = INKS[int(families[kinds == kind][0])]
                row, column = (min(4 * n, s - 1) for n, s in zip(at, x.shape, strict=True))
                spot = x[row, column], y[row, column]
                yield inside(label(ax, *spot, left(names, list(carried)), colour))

    def _dead(self, state: Mapping[str, Any], x: np.ndarray, y: np.ndarray) -> list[Any]:
        """Of each pocket, where it is liquidated."""
        account, marks = state["account"], state["marks"]
        there = {market: mark * (1 + state["everything"]) for market, mark in marks.items()}
        there[self.across] = marks[self.across] * np.maximum(1 + x, 1e-6)
        added = y if self.upwards == MONEY else state["added"]
        if self.upwards != MONEY:
            there[self.upwards] = marks[self.upwards] * np.maximum(1 + y, 1e-6)
        return [
            (
                account.risk(there, symbols[0]) + Risk(added if name == state["pocket"] else 0.0)
            ).is_liquidatable
            for name, symbols in purses(account).items()
        ]

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax = self.axes[0]
        (low, high), (floor, top) = ax.get_xlim(), ax.get_ylim()
        x, y = float(np.clip(state["x"], low, high)), float(np.clip(state["y"], floor, top))
        here: dict[str, Any] = {"color": INK, "linewidth": 1, "linestyle": ":", "zorder": 5}
        yield curve(ax, [0, x], [0, y], **here)
        scale = 1 / (1 + state["everything"])
        point = dot(ax, x, y)
        self.hold(point, x="first", per=scale, here=state["x"])
        moves = self.holds.pop().moves
        if self.upwards == MONEY:
            self.hold(point, y="added", here=state["y"])
        else:
            self.hold(point, y="second", per=scale, here=state["y"])
        hold = self.holds.pop()
        self.holds.append(hold._replace(moves=(*moves, *hold.moves)))
        yield point

    def alt(self, state: Mapping[str, Any]) -> str:
        account = state["account"]
        x, y = np.array([[state["x"]]]), np.array([[state["y"]]])
        dead = [bool(np.all(each)) for each in self._dead(state, x, y)]
        names = [name for name, gone in zip(purses(account), dead, strict=True) if gone]
        money = self.upwards == MONEY
        up = text.amount(state["y"], self.scenario.currency)
        second = f"{MONEY} {up}" if money else f"{self.upwards} {text.percent(state['y'], 0)}"
        return (
            f"A plane: the change of {self.across} across, upwards {self.upwards}. The dot is at "
            f"{self.across} {text.percent(state['x'], 0)}, {second}: "
            f"{left(names, list(purses(account))).replace(chr(10), ' ')}."
        )


def left(dead: Sequence[str], every: Sequence[str]) -> str:
    """What lives and dies, in few words.

    >>> left(["BTC"], ["BTC", SHARED]), left([], ["BTC"]), left(["BTC"], ["BTC"])
    ('BTC dies', 'everything lives', 'all is closed')
    """
    if not dead:
        return "everything lives"
    if len(dead) == len(every):
        return "all is closed"
    return f"{text.listed(dead)} {'die' if len(dead) > 1 else 'dies'}".replace(" and ", "\nand ")


def middle(mask: np.ndarray) -> tuple[int, int] | None:
    """A cell far from the edges of a mask, more so sideways, for words; None in a narrow one."""
    inner, last = np.pad(mask, 1), None
    while inner.any():
        last = inner
        inner = inner & np.roll(inner, 1, 0) & np.roll(inner, -1, 0)
        for step in (-2, 2):
            inner = inner & np.roll(inner, step, 1)
        inner[[0, -1]] = inner[:, [0, 1, -2, -1]] = False
        if last is not None and not inner.any() and (mask.sum() < 25):
            return None
    if last is None:
        return None
    row, column = np.argwhere(last)[len(np.argwhere(last)) // 2]
    return int(row) - 1, int(column) - 1


class YourAccountLab(Lab):
    """An account that a reader types or pastes: what dies first, in which mode."""

    picture: Any = AccountPlane
    starts_in = "account"
    on_page = ("first", "second")
    look = "which edge the dot crosses first, then the same with another book."

    def __init__(
        self, scenario: Scenario, canvases: dict[tuple[Any, ...], Picture] | None = None
    ) -> None:
        scenario.must_have(type(self).__name__, self.needs)
        self._canvases = {} if canvases is None else canvases
        self.form = AccountForm(self._told, self._failed, scenario)
        self.statements, self.read = self.form.typed()
        self.statement = self.statements[0]
        self.said = widgets.HTML().add_class("mc-said")
        self.facts = widgets.HTML().add_class("mc-facts")
        self.which = widgets.Dropdown(description="account in", options=[""])
        self.which.observe(self._chosen, names="value")
        self.saver = Saver(self.card)
        super().__init__(scenario)
        self._offer()
        parts = [self.form, self.said, self.which, self._grid, self.facts, self.saver]
        self.children = parts

    def of(self, found: list[Statement], words: str = "") -> "YourAccountLab":
        """Another lab, of what was read: as of `exchanges.from_ccxt(exchange)`."""
        other = YourAccountLab(self.scenario, self._canvases)
        other._take(found, words)
        return other

    def _again(self) -> Lab:
        return self.of(self.statements, self.read)

    def _laid_out(self) -> widgets.VBox:
        self._grid = super()._laid_out()
        return self._grid

    # What is held

    def show(self, statement: Statement) -> None:
        """Show another account, from its start."""
        with DRAWING:
            old = self.statement, self.values(), dict(self.presets)
            self.statement = statement
            try:
                self._held, self._shown = True, None
                self._reset()
                self._held = False
                self._refresh()
            except BaseException:
                self.statement, before, self.presets = old
                self._held = True
                self._reset()
                self._put(before)
                self._held, self._shown = False, None
                self._refresh()
                raise
            finally:
                self._held = False
            self._tell()

    def _reset(self) -> None:
        """Controls as the statement wants them, at their start."""
        fresh = self.make_controls(self.scenario)
        for name, wanted in fresh.items():
            control = self.controls[name]
            if hasattr(control, "options"):
                control.options = wanted.options
            else:
                control.value = 0.0
                control.max, control.step = wanted.max, wanted.step
                control.readout_format = wanted.readout_format
            control.description = self._say(wanted.description)
            control.value = wanted.value
            self._asked[name] = wanted.value
        self.presets["start"] = {name: control.value for name, control in fresh.items()}

    def _take(self, found: list[Statement], words: str) -> None:
        self.statements, self.read = found, words
        self.show(found[0])
        self._offer()

    def _told(self, found: list[Statement], words: str) -> None:
        """The form read something."""
        try:
            self._take(found, words)
        except MarginError as error:
            self._failed(f"{error}.")

    def _failed(self, line: str) -> None:
        """The form could not read: one line says so, and nothing is lost."""
        self.said.value = page.status(f'<p class="mc-wrong">✕ {text.escaped(line)}</p>')

    def _offer(self) -> None:
        """A list of accounts, where positions settle in several currencies."""
        names = [each.currency for each in self.statements]
        self.which.layout.display = "" if len(names) > 1 else "none"
        self.which.unobserve(self._chosen, names="value")
        self.which.options = names
        self.which.value = self.statement.currency
        self.which.observe(self._chosen, names="value")
        self._tell()

    def _chosen(self, change: Any) -> None:
        for each in self.statements:
            if each.currency == change["new"] and each is not self.statement:
                self.show(each)

    @property
    def unit(self) -> str:
        """The currency of what is shown."""
        return self.statement.currency

    # The lab

    def make_controls(self, scenario: Scenario) -> Controls:
        account, unit = self.statement.account, self.statement.currency
        names, pockets = by_size(self.statement), list(purses(account))
        most = self._most()
        digits = 2 + max(0, int(np.ceil(-np.log10(most / 100))))
        up = [*names[1:], MONEY]
        first, second = names[0], up[0]
        moves = "moves it from where it is now; 0 % is now"
        return {
            "book": choice("the book", BOOKS, BOOKS[0], "the same money in other modes", "account"),
            "pocket": choice(
                "money goes to", pockets, pockets[0], "which pocket a top-up is for", "position"
            ),
            "added": slider(
                f"{MONEY} [{unit}]", 0.0, 0, most, most / 200, "what you put in", "position",
                f".{digits}f",
            ),
            "everything": slider(
                "every price changes by [%]", 0.0, -0.95, 1.0, 0.01, "moves all at once", "market",
                ".0%",
            ),
            "first": slider(alone(first), 0.0, *SLIDE, 0.01, moves, "market", ".0%"),
            "second": slider(alone(second), 0.0, *SLIDE, 0.01, moves, "market", ".0%"),
            "across": choice("across", names, first, "the coin to the right", "view"),
            "upwards": choice("upwards", up, second, "another coin, or money added", "view"),
        }  # fmt: skip

    def _most(self) -> float:
        """The end of the slider of money: all that the account holds, or what a position takes."""
        account = self.statement.account
        taken = sum(float(p.risk(p.entry_price).initial_margin) for p in account.positions)
        return float(f"{max(account.wallet_balance, taken):.2g}")

    def make_presets(self, scenario: Scenario) -> Presets:
        return {"everything halves": {"everything": -0.5}}

    def locked(self, values: Mapping[str, Any], shown: Shown) -> Sequence[str]:
        return ["second"] if self._upwards(values) == MONEY else []

    @staticmethod
    def _upwards(values: Mapping[str, Any]) -> str:
        return MONEY if values["upwards"] == values["across"] else values["upwards"]

    @property
    def canvas(self) -> Picture:
        """The picture of the two names that are chosen, laid out when it is first needed."""
        with DRAWING:
            values, most = self.values(), self.controls["added"].max
            key = (self.unit, most, values["across"], self._upwards(values))
            if key not in self._canvases:
                for other in [each for each in self._canvases if each[:2] != key[:2]]:
                    del self._canvases[other]  # of an account that is gone
                words = replace(self.scenario, currency=self.unit)
                self._canvases[key] = AccountPlane(words, *key[2:], most=most)
            return self._canvases[key]

    def _show(self, values: dict[str, Any]) -> None:
        upwards = self._upwards(values)
        names = {"first": values["across"], "second": upwards}
        for control, name in names.items():
            self.controls[control].description = self._say(alone(name))
        super()._show(values)

    def compute(self, scenario: Scenario, **values: Any) -> Shown:
        now, unit = self.statement.marks, self.unit
        everything, added, across = values["everything"], values["added"], values["across"]
        upwards = self._upwards(values)
        start = book(self.statement.account, values["book"], now)
        carried = purses(start)
        pocket = values["pocket"] if values["pocket"] in carried else SHARED
        changes = {market: everything for market in now}
        changes[across] = (1 + everything) * (1 + values["first"]) - 1
        if upwards != MONEY:
            changes[upwards] = (1 + everything) * (1 + values["second"]) - 1
        marks = {market: price * (1 + changes[market]) for market, price in now.items()}
        filled = topped_up(start, pocket, added)
        run = judged(filled, marks)
        words = [self._outcome(run, changes)]
        words.append(self._money(start, filled, pocket, added, marks, run))
        if not self.statement.balance_known:
            words.append("No balance beside the pockets was told: it counts as nothing.")
        state = {
            "account": start, "marks": dict(now), "everything": everything, "added": added,
            "pocket": pocket, "across": across, "upwards": upwards, "x": changes[across],
            "y": added if upwards == MONEY else changes[upwards],
        }  # fmt: skip
        return Shown(state, words, tiles(run, unit, now))

    def _outcome(self, run: Replay, changes: Mapping[str, float]) -> str:
        moved = {m: x for m, x in changes.items() if x}
        if not moved:
            where = "At today's prices"
        elif len(moved) == len(changes) and np.ptp(list(moved.values())) < 1e-9:
            where = f"Every price {text.percent(next(iter(moved.values())), 0)}"
        else:
            where = ", ".join(f"{m} {text.percent(x, 0)}" for m, x in moved.items())
        gone = [name for name, symbols in purses(run.start).items() if symbols[0] in run.dead]
        worth = text.amount(run.equity[-1], self.unit)
        put = text.amount(run.start.wallet_balance, self.unit)
        fate = f"{text.listed(gone)} closed" if gone else "all alive"
        more = run.equity[-1] > run.start.wallet_balance * (1 + 1e-9)
        kept = f"{put} have become {worth}" if more else f"you keep {worth} of {put}"
        return f"{where}: {fate}, {kept}."

    def _money(
        self,
        start: Account,
        filled: Account,
        pocket: str,
        added: float,
        marks: Mapping[str, float],
        run: Replay,
    ) -> str:
        """What can be taken out of a pocket, or what is bought with money that is added."""
        if pocket not in purses(start):
            free = text.amount(filled.balance, self.unit)
            return f"Beside the pockets lie {free}, which carry nothing in this book."
        symbol = purses(start)[pocket][0]
        if symbol in run.dead:
            return f"Nothing can be taken out of {_the(pocket)}: it is closed."
        if not added:
            free = filled.removable(marks, None if pocket == SHARED else symbol)
            some = text.amount(free, self.unit) if free else "Nothing"
            return f"{some} can be taken out of {_the(pocket)} now."
        before, after = (float(a.liquidation_price(symbol, marks)) for a in (start, filled))
        edges = [
            text.percent(e / marks[filled[symbol].contract.market] - 1, 1) for e in (before, after)
        ]
        more = text.amount(added, self.unit)
        return f"{more} more in {_the(pocket)}: {symbol}'s edge goes from {edges[0]} to {edges[1]}."

    # Beside the lab: what was printed, what dies first, a picture to keep

    def _tell(self) -> None:
        where = f"{self.statement.venue.name}, {self.unit}"
        words = f"{self.read} " if self.read else ""
        # First what is new, then that it is there.
        self.facts.value = self.tables()
        self.said.value = page.status(
            f"<p>{text.escaped(words)}Rules of {text.escaped(where)}.</p>"
        )

    def tables(self) -> str:
        """HTML: printed prices beside ours, and what dies first in each book."""
        return prices(self.statement) + deaths(self.statement)

    def card(self) -> bytes:
        """The picture to keep: whose account, its pockets, the plane, the sentences; as PNG."""
        with DRAWING:
            self._paint(self._drawn)
            plane = Image.fromarray(np.asarray(self.canvas.canvas.buffer_rgba())).convert("RGB")
            head = [f"{self.statement.venue.name}, {self.unit}: {self.values()['book']}"]
            head += [
                " · ".join(filter(None, (t.name, t.life, t.money, t.note)))
                for t in self.shown.tiles
            ]
            lines, face = [*head, "", *self.shown.words], font(False)
            wide = int(max(plane.width, *(face.getlength(line) + 24 for line in lines)))
            high = 24 * len(lines) + 24
            whole = Image.new("RGB", (wide, plane.height + high), PAPER)
            draw = ImageDraw.Draw(whole)
            for place, line in enumerate(lines):
                draw.text((12, 12 + 24 * place), line, INK, font(place == 0))
            whole.paste(plane, ((wide - plane.width) // 2, high))
            return encode(np.asarray(whole.convert("RGBA")), 9)

    def _repr_mimebundle_(self, **how: Any) -> Any:
        bundle = super()._repr_mimebundle_(**how)
        return bundle | {"text/html": bundle["text/html"] + self.tables()}


def _the(pocket: str) -> str:
    return f"the {SHARED}" if pocket == SHARED else f"{pocket}'s own margin"


def alone(market: str) -> str:
    """The label of the slider of one price."""
    return "no second price [%]" if market == MONEY else f"{market} alone [%]"


def topped_up(account: Account, pocket: str, added: float) -> Account:
    """The account with money from outside in one of its pockets."""
    if not added:
        return account
    if pocket == SHARED:
        return replace(account, balance=account.balance + added)
    positions = [
        replace(p, margin=p.own_margin + added) if p.symbol == pocket else p
        for p in account.positions
    ]
    return replace(account, positions=positions)


def tiles(run: Replay, unit: str, now: Mapping[str, float]) -> list[Tile]:
    """A tile for each pocket, and one for all of it."""
    shown = []
    for name, symbols in purses(run.start).items():
        mode = "cross" if name == SHARED else "isolated"
        words = f"{name}: {text.listed(symbols)}" if name == SHARED else f"{name}, own margin"
        if symbols[0] in run.dead:
            shown.append(
                Tile(words, text.amount(0.0, unit), fell(run, symbols, now), "closed", mode)
            )
            continue
        money = text.amount(float(run.end.risk(run.marks, symbols[0]).equity), unit)
        shown.append(Tile(words, money, nearest(run, symbols), "alive", mode))
    gain = run.equity[-1] - run.start.wallet_balance
    note = "no profit, no loss"
    if abs(gain) > 1e-9 * abs(run.start.wallet_balance):
        note = f"{text.amount(gain, unit, sign=True)} since it was opened"
    return [*shown, Tile("all of it", text.amount(run.equity[-1], unit), note)]


def fell(run: Replay, symbols: Sequence[str], now: Mapping[str, float]) -> str:
    """Where a pocket was closed, on the straight way from today's prices."""
    low, high, end = 0.0, 1.0, dict[str, Any](run.marks)
    for _ in range(3):  # each time a thousand times closer
        parts = np.linspace(low, high, 1001)
        way = {market: price + parts * (end[market] - price) for market, price in now.items()}
        due = np.broadcast_to(run.start.risk(way, symbols[0]).is_liquidatable, parts.shape)
        first = int(np.argmax(due))
        low, high = float(parts[max(first - 1, 0)]), float(parts[first])
    here = dict.fromkeys(run.start[symbol].contract.market for symbol in symbols)
    ends = {market: high * (end[market] / now[market] - 1) for market in here}
    moved = [f"{market} {text.percent(x, 1)}" for market, x in ends.items() if x]
    where = ", ".join(moved) or "the prices of now"
    return f"closed at {where}"


def nearest(run: Replay, symbols: Sequence[str]) -> str:
    """The smallest change of one price that closes a pocket."""
    moves: list[tuple[float, str]] = []
    for symbol in symbols:
        mark: Any = run.marks[run.start[symbol].contract.market]
        moves.append((float(run.end.liquidation_price(symbol, run.marks)) / mark - 1, symbol))
    moves = [each for each in moves if np.isfinite(each[0])]
    if not moves:
        return "no single price closes it"
    move, symbol = min(moves, key=lambda each: abs(each[0]))
    return f"{symbol} {text.percent(move, 1)} closes it"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """HTML of a table that is wider than its page at need."""
    top = "".join(f'<th scope="col">{text.escaped(each)}</th>' for each in head)
    body = "".join(
        f'<tr><th scope="row">{text.escaped(first)}</th>'
        + "".join(f"<td>{text.escaped(each)}</td>" for each in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return (
        '<div class="mc-wide" style="overflow-x:auto" tabindex="0" role="region" '
        f'aria-label="{text.escaped(caption)}">'
        f"<table><caption>{text.escaped(caption)}</caption>"
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def prices(statement: Statement) -> str:
    """Each position's printed liquidation price, ours, and what lies between them."""
    rows = []
    for position in statement.account.positions:
        found = difference(statement, position.symbol)
        mark = statement.marks[position.contract.market]
        asked = statement.printed[position.symbol]
        why = found.why if np.isfinite(asked) or not found.explained else "nothing was printed"
        side = "long" if position.quantity > 0 else "short"
        rows.append(
            [
                position.symbol,
                f"{side}, {position.mode}",
                text.price(found.printed) if np.isfinite(asked) else "none",
                text.price(found.ours),
                text.percent(found.ours / mark - 1, 1),
                why if np.isfinite(asked) else "no price was printed",
            ]
        )
    head = ("position", "mode", "it prints", "by its rules", "from now", "why they differ")
    return table(head, rows, "Liquidation prices: your exchange's, and by its own rules")


def deaths(statement: Statement) -> str:
    """What dies first, when a price moves alone and when all move together, in each book."""
    account, marks = statement.account, statement.marks
    books: dict[str, Account | str] = {}
    for how in BOOKS:
        try:
            books[how] = book(account, how, marks)
        except MarginError:
            books[how] = "more margin than there is"
    names = markets(account)
    moves = [([name], name) for name in names]
    if len(names) > 1:
        moves.append((names, "all together"))
    rows = []
    for moving, name in moves:
        for rising, verb in ((False, "fall"), (True, "rise")):
            cells = [
                made if isinstance(made, str) else told(first_death(made, marks, moving, rising))
                for made in books.values()
            ]
            rows.append([f"{name} {verb}{'s' if len(moving) == 1 else ''}", *cells])
    return table(("when", *BOOKS), rows, "What dies first, and at which change")
