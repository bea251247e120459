"""Notebook 05: the same account in both modes, on the plane of both prices and in many markets."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from margin_course import text
from margin_course.lab import (
    Controls,
    Lab,
    Presets,
    Shown,
    Tile,
    choice,
    judged,
    slider,
)
from margin_course.modes import MovesLab, both_modes, side_of, status_of_both
from margin_course.palette import CROSS, INK, INKS, ISOLATED, QUIET
from margin_course.picture import (
    Parts,
    Picture,
    Raster,
    Room,
    curve,
    dot,
    dots,
    grid,
    hundred,
    label,
    pattern,
    percent_axis,
    plane,
    points,
    regions,
    returns_from_entry,
    rgb,
    trail,
)
from margin_course.scenarios import SEED, Scenario
from margin_lib.account import MODES, Account
from margin_lib.simulate import Outcomes, simulate

MARKETS, SHOWN = 4000, 400  # of a cloud: those that are counted, those that are drawn
SAME = "both the same"
VIEWS = ("what is left", "who holds more now", "who holds more when prices are back")


def family(kind: int) -> int:
    """Which of the four kinds of regions: 0 nothing dies, 1 isolated loses, 2 cross, 3 all."""
    if kind < 4:
        return int(kind > 0)
    return 3 if kind == 7 else 2


FAMILY = np.array([family(kind) for kind in range(8)], np.uint8)


def what_is_left(kind: int, symbols: Sequence[str], rest: bool = False) -> str:
    """What lives and dies in a region, in words; `rest`: isolated has money beside its pockets.

    >>> what_is_left(1, ("ETH", "ADA"))
    'isolated loses ETH, cross is complete'
    """
    dead = [symbol for bit, symbol in enumerate(symbols) if kind & (1 << bit)]
    alive = [symbol for symbol in symbols if symbol not in dead]
    if kind == 0:
        return "everything lives"
    if kind < 4:
        return f"isolated loses {' and '.join(dead)}, cross is complete"
    if kind == 7:
        return "all die, isolated keeps its rest" if rest else "nothing is left"
    return f"cross loses all, isolated keeps {' and '.join(alive)}"


def in_region(kind: int, symbols: Sequence[str], rest: bool = False) -> list[str]:
    """The same on the plane, in two lines, and ever narrower for narrow regions.

    >>> in_region(1, ("ETH", "ADA"))[-1]
    'isolated\\nloses\\nETH'
    """
    first, _, second = what_is_left(kind, symbols, rest).partition(", ")
    whole = f"{first},\n{second}" if second else first
    if 4 <= kind < 7:
        left = " and ".join(s for bit, s in enumerate(symbols) if not kind & (1 << bit))
        return [whole, f"cross gone,\n{left} left", f"cross\ngone,\n{left} left"]
    slim = first.replace(" loses ", "\nloses\n").replace(" is ", "\nis ")
    return [whole, slim]


class PlanePicture(Picture):
    """Both prices at once: which regions leave what, or which account holds more there.

    A state has the "isolated" and the "cross" Replay of one moment. It may name a "view" (of
    `VIEWS`).
    """

    limits = (-1.0, 1.4)
    speaks = True  # words in the regions

    def frame(self, scenario: Scenario) -> None:
        plane(self.axes[0], [trade.symbol for trade in scenario.trades], self.limits)

    def ground_of(self, state: Mapping[str, Any]) -> Hashable:
        isolated, cross = state["isolated"].start, state["cross"].start
        others = [(s, x) for s, x in state["cross"].marks.items()][2:]
        return repr((isolated, cross, others, state.get("view", VIEWS[0])))

    def ground(self, state: Mapping[str, Any]) -> Parts:
        """Regions, walls and line, and words in the regions."""
        ax = self.axes[0]
        isolated, cross = state["isolated"].start, state["cross"].start
        marks, view = state["cross"].marks, state.get("view", VIEWS[0])
        self.pair = cross.positions[:2]
        symbols = [position.symbol for position in self.pair]
        room = Room(ax)
        self.kinds = _kinds(isolated, cross, marks, symbols, *grid(ax))
        room.part(_kinds(isolated, cross, marks, symbols, room.x, room.y))
        if view == VIEWS[0]:
            yield Raster(ax, regions(FAMILY[self.kinds]))
        else:
            worth = _differences(isolated, cross, marks, symbols, view, self.kinds, *grid(ax))
            yield Raster(ax, _heat(worth, self.scenario.balance))
        yield from self._edges(isolated, cross, marks)
        # Where prices start, a dot stands at first.
        here = slice(*np.searchsorted(room.y[:, 0], (-0.1, 0.1)))
        room.held[here, slice(*np.searchsorted(room.x[0], (-0.1, 0.1)))] += room.full
        rest = isolated.balance > 1e-9 * isolated.wallet_balance
        if not self.speaks:
            return
        told, crowded = [], []
        for kind in map(int, np.unique(room.kinds)):
            wanted = room.kinds == kind
            words, colour = in_region(kind, symbols, rest), INKS[family(kind)]
            if view != VIEWS[0]:
                words, colour = self._more(worth[self.kinds == kind])
            told.append((words, wanted, colour))
        for words, wanted, colour in sorted(told, key=lambda each: each[1].sum()):
            for narrower in words:
                if artists := room.put(narrower, wanted, colour):
                    yield from artists
                    break
            else:
                crowded.append((words[len(words) // 2], wanted, colour))
        for each in crowded:
            if each[1].mean() > 0.004 and each[0] != SAME:
                yield from room.put(*each, outside=True)

    def _more(self, worth: np.ndarray) -> tuple[list[str], str]:
        """Which account holds more in a region, in words and a colour."""
        unit, far = self.scenario.currency, worth[np.argmax(np.abs(worth))]
        if abs(far) < 1e-6 * self.scenario.balance:
            return [SAME], QUIET
        name, colour = ("isolated", ISOLATED) if far < 0 else ("cross", CROSS)
        flat = np.ptp(worth) < 1e-6 * self.scenario.balance
        some = f"{'' if flat else 'up to '}{text.money(abs(far), unit)}"
        slim = some.replace("up to ", "up to\n").replace(f" {unit}", f"\n{unit}")
        return [f"{name} holds\n{some} more", f"{name} +\n{some}", f"{name}\n{slim}\nmore"], colour

    def _edges(self, isolated: Account, cross: Account, marks: Mapping[str, Any]) -> Parts:
        """Two walls of isolated margin, one slanted line of cross margin."""
        ax, (_, high) = self.axes[0], self.limits
        first, second = (position.symbol for position in self.pair)
        box = {p.symbol: (p.entry_price * 1e-6, p.entry_price * (1 + high)) for p in self.pair}
        corners = zip(self.pair, cross.wall(first, second, box, marks).T, strict=True)
        line = [returns_from_entry(position, prices) for position, prices in corners]
        yield curve(ax, *line, color=CROSS, linewidth=3, zorder=2)
        at = (ax.axvline, ax.axhline)
        for position, draw in zip(self.pair, at, strict=True):
            edge = isolated.liquidation_price(position.symbol)
            wall = returns_from_entry(position, edge)
            yield draw(wall, color=ISOLATED, linestyle="--", zorder=2)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, marks = self.axes[0], state["cross"].marks
        x, y = (returns_from_entry(p, marks[p.symbol]) for p in self.pair)
        yield trail(ax, x, y)
        first, second = (position.symbol for position in self.pair)
        yield self.hold(dot(ax, x, y), x=first, y=second)

    def alt(self, state: Mapping[str, Any]) -> str:
        pair, marks = state["cross"].start.positions[:2], state["cross"].marks
        isolated, symbols = state["isolated"].start, [position.symbol for position in pair]
        walls = ", ".join(
            f"{p.symbol} {text.percent(isolated.liquidation_price(p.symbol) / p.entry_price - 1)}"
            for p in pair
        )
        view = state.get("view", VIEWS[0])
        told = f"A plane: the change of {symbols[0]} across, of {symbols[1]} upwards. "
        told += f"Dashed walls of isolated margin at {walls}; a slanted line of cross margin. "
        if view != VIEWS[0]:
            told += f"Colours say {view}: blue isolated, orange cross. "
        at = ", ".join(
            f"{p.symbol} {text.percent(marks[p.symbol] / p.entry_price - 1, 0)}" for p in pair
        )
        dead = [s in state["isolated"].dead for s in symbols] + [bool(state["cross"].dead)]
        rest = isolated.balance > 1e-9 * isolated.wallet_balance
        here = what_is_left(int(np.dot([1, 2, 4], dead)), symbols, rest)
        if len(state["cross"].path) > 1:
            return f"{told}Prices have come back, the dot is at {at}: {here}."
        return told + f"The dot is at {at}, where {here}."


def _risks(
    isolated: Account, cross: Account, marks: Mapping, symbols: Sequence[str], x: Any, y: Any
) -> list[Any]:
    """Risks of both pockets and of cross, at changes x and y of the two prices."""
    changes = dict(zip(symbols, (x, y), strict=True))
    entry = {p.symbol: p.entry_price for p in cross.positions}
    there = dict(marks) | {s: entry[s] * np.maximum(1 + r, 1e-6) for s, r in changes.items()}
    return [isolated.risk(there, symbol) for symbol in symbols] + [cross.risk(there)]


def _kinds(*where: Any) -> np.ndarray:
    """What dies at every point: 1 the first pocket, 2 the second, 4 cross, and their sums."""
    dead = [risk.is_liquidatable for risk in _risks(*where)]
    return dead[0] + 2 * dead[1] + 4 * dead[2]


def _differences(
    isolated: Account,
    cross: Account,
    marks: Mapping,
    symbols: Sequence[str],
    view: str,
    kinds: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
) -> np.ndarray:
    """How much more cross holds than isolated at every point [quote].

    Positions beside the two stand at their marks, and count alike in both.
    """
    risks = _risks(isolated, cross, marks, symbols, x, y)
    if view == VIEWS[1]:
        pockets = [risk.equity for risk in risks[:2]]
        shared = risks[2].equity
    else:  # what lives is worth what it was at entry
        pockets = [isolated[symbol].own_margin for symbol in symbols]
        shared = cross.wallet_balance
    own = sum(np.where(kinds & bit, 0, x) for bit, x in zip((1, 2), pockets, strict=True))
    others = [p for p in isolated.isolated if p.symbol not in symbols]
    beside = sum(isolated.risk(marks, p.symbol).equity for p in others) + isolated.balance
    return np.where(kinds & 4, 0, shared) - own - beside


def _heat(worth: np.ndarray, unit: float) -> np.ndarray:
    """Pixels from blue (isolated holds more) over white to orange (cross does)."""
    share = np.clip(np.abs(worth) / unit, 0, 1)[..., None] ** 0.6
    end = np.where((worth < 0)[..., None], rgb(ISOLATED), rgb(CROSS))
    pixels = np.full((*worth.shape, 4), 255, np.uint8)
    pixels[..., :3] = 255 + share * 0.85 * (end - 255.0)
    for sign, kind in ((-1, "dots"), (1, "lines")):
        marked = (np.sign(worth) == sign) & (share[..., 0] > 0.02) & pattern(worth.shape, kind)
        pixels[marked, :3] = (0.55 * pixels[marked, :3]).astype(np.uint8)
    return pixels


class ComparisonLab(MovesLab):
    """Both prices at once: what is left, and which account holds more."""

    picture: Any = PlanePicture
    starts_in = "cross"
    needs = {"trades": 2}
    look = "which edge the dot crosses first. A wall kills one position, the line kills all."

    @property
    def on_page(self) -> tuple[str, ...]:
        return (*(trade.symbol for trade in self.scenario.trades[:2]), "view")

    def make_controls(self, scenario: Scenario) -> Controls:
        return {
            "side": side_of(scenario.trades[1]),
            **super().make_controls(scenario),
            "view": choice("the plane shows", VIEWS, VIEWS[0], "colours of the plane", "view"),
        }

    def compute(self, scenario: Scenario, side: str, view: str, **changes: float) -> Shown:
        scenario = scenario.with_trade(scenario.trades[1].symbol, side=side)
        shown = super().compute(scenario, **changes)
        return shown._replace(state={**shown.state, "view": view})


PRICES = ("as you put them", "back at the start")


class FirstLab(MovesLab):
    """The plane for a first look: a dot to drag, and a button that lets both prices come back.

    Prices that come back have been where the dot was: a position that was closed there stays
    closed. Whoever moves a price again starts anew.
    """

    picture: Any = PlanePicture
    starts_in = "cross"
    needs = {"trades": 2}
    look = "which edge the dot crosses first. A wall kills one position, the line kills all."

    def __init__(self, scenario: Scenario, canvas: Picture | None = None) -> None:
        super().__init__(scenario, canvas)
        for trade in scenario.trades:
            self.controls[trade.symbol].observe(self._moved, names="value")

    def _moved(self, _: object) -> None:
        if not self._held:
            self.set(prices=PRICES[0])

    def set(self, **values: Any) -> None:
        prices = {} if "prices" in values or not values else {"prices": PRICES[0]}
        super().set(**values, **prices)

    @property
    def on_page(self) -> tuple[str, ...]:
        return (*(trade.symbol for trade in self.scenario.trades[:2]), "prices")

    def make_controls(self, scenario: Scenario) -> Controls:
        tip = "a position that was closed on the way stays closed"
        prices = choice("prices are", PRICES, PRICES[0], tip, "market")
        return {**super().make_controls(scenario), "prices": prices}

    def make_presets(self, scenario: Scenario) -> Presets:
        return {"prices come back": {"prices": PRICES[1]}}

    def compute(self, scenario: Scenario, prices: str, **changes: float) -> Shown:
        there = super().compute(scenario, **changes)
        if prices == PRICES[0]:
            return there
        runs = both_modes(scenario, [scenario.marks(**changes), scenario.marks()])
        unit, words = scenario.currency, []
        for mode, run in runs.items():
            worth, dead = text.money(run.equity[-1], unit), text.listed(run.dead)
            stay = "stays" if len(run.dead) == 1 else "stay"
            fate = f"{dead} {stay} closed" if dead else "all alive"
            words.append(f"{mode.capitalize()}: prices are back, {fate}, you keep {worth}.")
        tiles = status_of_both(runs, unit)
        tiles = [t._replace(note="closed on the way") if t.life == "closed" else t for t in tiles]
        return Shown(runs, words, tiles)

    def _handle(self, hold: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        if values["prices"] == PRICES[1]:  # the dot is not where its sliders are
            values = {**values, **dict.fromkeys(self.scenario.marks(), 0.0)}
        return super()._handle(hold, values)


class CloudPicture(PlanePicture):
    """Many possible markets on the plane, and of each hundred, how many end in which region.

    A state has the two Replays, the "cloud" (the returns of both prices in some markets) and the
    "shares" (kind of region -> share of the markets).
    """

    panels = (1.75, 1)
    speaks = False

    def frame(self, scenario: Scenario) -> None:
        super().frame(scenario)
        of = self.axes[1]
        percent_axis(self.axes[0].xaxis, 3)
        of.set(xlim=(-0.7, 9.7), ylim=(-7.2, 10.4))
        of.set_axis_off()
        label(of, -0.6, 10.2, "of 100 markets", ha="left", fontweight="bold", ground=False)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, of = self.axes
        how: dict[str, Any] = {"color": INK, "markersize": 3.5, "zorder": 1, "alpha": 0.55}
        x, y = state["cloud"]
        yield points(ax, x, y, ".", **how)
        counts = of_families(state["shares"])
        places, y = np.repeat(np.arange(4), counts), -1.6
        rows, columns = 9 - np.arange(100) // 10 - 0.3, np.arange(100) % 10
        for which, (count, name) in enumerate(zip(counts, FAMILIES, strict=True)):
            at = places == which
            if count:
                marker, size = MARKERS[which]
                yield points(of, columns[at], rows[at], marker, color=INKS[which], markersize=size)
            yield points(of, -0.2, y - 0.35, MARKERS[which][0], color=INKS[which], markersize=8)
            yield label(of, 0.5, y - 0.35, f"{count} {name}", ha="left", ground=False)
            y -= 1.3

    def alt(self, state: Mapping[str, Any]) -> str:
        counts = of_families(state["shares"])
        of = ", ".join(f"{count} {name}" for count, name in zip(counts, FAMILIES, strict=True))
        return f"A cloud of markets on the plane of both prices. Of 100 markets: {of}."


FAMILIES = ("all live", "isolated loses", "cross is gone", "both are gone")
MARKERS = (("o", 7.5), ("s", 7.5), ("D", 6.5), ("X", 9))


def of_families(shares: Mapping[int, float]) -> list[int]:
    """How many of 100 markets end in each of the four kinds of regions."""
    each = [0.0] * 4
    for kind, share in shares.items():
        each[family(kind)] += share
    return hundred(each)


class CloudLab(Lab):
    """Many possible markets at once: which of them cross a wall, and which the line?

    A plane has room for two trades: the scenario's first two, alone in the account.
    """

    picture = CloudPicture
    starts_in = "cross"
    needs = {"trades": 2}
    on_page = ("side", "correlation")
    look = "how the cloud lies: along the line, or across it. Points outside the frame count, too."
    shares: dict[str, float] | Any = None  # what is left -> share of the markets
    lost: dict[str, float] | Any = None  # mode -> share of the markets in which all positions die

    def make_controls(self, scenario: Scenario) -> Controls:
        alike, wide = "1: prices move alike", "sets how wide the cloud is"
        now, how = scenario.volatility, {"part": "market"}
        wide_now = float(np.mean(list(now.values()))) if isinstance(now, Mapping) else now
        return {
            "side": side_of(scenario.trades[1]),
            "correlation": slider("correlation", scenario.correlation, -1, 1, 0.05, alike, **how),
            "volatility": slider(
                "volatility [% a year]", wide_now, 0.05, 1.5, 0.05, wide, form=".0%", **how
            ),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        kinds = {"move together": 0.9, "independent": 0.0, "move apart": -0.9}
        return {words: {"correlation": value} for words, value in kinds.items()}

    def compute(
        self, scenario: Scenario, side: str, correlation: float, volatility: float
    ) -> Shown:
        scenario = scenario.first_trades(2).with_trade(scenario.trades[1].symbol, side=side)
        terms = {"correlation": correlation, "volatility": volatility}
        market = scenario.market(step_hours=24 * scenario.days, **terms)
        bars = market.draw(np.random.default_rng(SEED), steps=1, paths=MARKETS)  # each one jump
        accounts = {mode: scenario.account(mode) for mode in MODES}
        runs = {mode: judged(account, scenario.marks()) for mode, account in accounts.items()}
        results = simulate(accounts, bars)
        steps = results["isolated"].step
        dead = [*(step >= 0 for step in steps.values()), results["cross"].liquidated]
        kinds = np.bincount(np.dot([1, 2, 4], dead), minlength=8) / MARKETS
        found = {kind: float(share) for kind, share in enumerate(kinds) if share}
        rest = runs["isolated"].start.balance > 1e-9 * scenario.balance
        self.shares = {
            what_is_left(kind, list(steps), rest): share for kind, share in found.items()
        }
        self.lost = {
            "isolated": float(np.all(dead[:-1], axis=0).mean()),
            "cross": float(np.mean(dead[-1])),
        }
        some = [bars.close[t.symbol][0, :SHOWN] / t.price - 1 for t in scenario.trades]
        often = sorted(self.shares.items(), key=lambda item: -item[1])
        shown = [(words, text.share(x) if x >= 0.0005 else "under 0.1 %") for words, x in often]
        regions = "; ".join(f"{words} in {share}" for words, share in shown)
        tiles = [
            Tile(f"{mode}: all die", text.share(x), f"of {MARKETS:,} markets", "", mode)
            for mode, x in self.lost.items()
        ]
        words = [f"{MARKETS:,} markets, {scenario.days} days later: {regions}."]
        return Shown({**runs, "shares": found, "cloud": some}, words, tiles)


class LossPicture(Picture):
    """What the same many markets left of an account in both modes, from their Outcomes.

    Each dot is one of 100 markets; a full one: something was closed there.
    """

    size = (5.4, 4.6)
    edges = (-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5)
    deep = 4  # dots above each other

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        self.rows = len(self.edges) + 1
        ax.set(xlim=(-2.7, 2.7), ylim=(-0.55, self.rows + 1.2))
        ax.set_axis_off()
        label(ax, 0, self.rows + 0.45, "change of\nthe account", QUIET, ground=False)

    def moving(self, state: Mapping[str, Outcomes]) -> Parts:
        ax = self.axes[0]
        tables = {mode: results.spread(self.edges) for mode, results in state.items()}
        for row, interval in enumerate(tables["cross"].index):
            yield label(ax, 0, row, text.band(interval), ground=False)
        for mode, colour, side in (("isolated", ISOLATED, -1), ("cross", CROSS, 1)):
            how: dict[str, Any] = {"ha": "right" if side < 0 else "left", "ground": False}
            hit = text.share(state[mode].liquidated.mean())
            words = f"{mode}, 100 markets\nfull: closed, {hit}"
            yield label(ax, 0.62 * side, self.rows + 0.45, words, colour, **how)
            table = tables[mode].to_numpy()  # (alive, dead) a row
            counts = np.reshape(hundred(table.ravel()), table.shape)
            for row, (alive, dead) in enumerate(counts):
                places = np.arange(alive + dead)
                x = side * (0.78 + 0.11 * (places // self.deep))
                y = row + 0.2 * (places % self.deep - (self.deep - 1) / 2)
                for part, full in ((places < dead, True), (places >= dead, False)):
                    if part.any():
                        yield dots(ax, x[part], y[part], colour, 6, full)
                if alive + dead:
                    end = side * (0.86 + 0.11 * ((alive + dead - 1) // self.deep + 1))
                    yield label(ax, end, row, f"{alive + dead}", colour, **how)

    def alt(self, state: Mapping[str, Outcomes]) -> str:
        often = {mode: text.share(each.liquidated.mean()) for mode, each in state.items()}
        lost = {m: text.share(float(np.mean(x.equity <= 0))) for m, x in state.items()}
        told = ", ".join(
            f"{mode}: something was closed in {often[mode]}, all is lost in {lost[mode]}"
            for mode in state
        )
        return f"Two heaps of 100 dots, by how much the account gained or lost. {told}."
