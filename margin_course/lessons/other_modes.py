"""Notebook 10: coins as collateral, a scan of the whole book, margin that tops itself up."""

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from margin_course import text
from margin_course.accounts import BROKEN, COINS, falling, in_coins
from margin_course.lab import Controls, Lab, Presets, Shown, Tile, change, choice, judged, slider
from margin_course.modes import outcomes
from margin_course.palette import BORROWED, CROSS, DEAD, INK, ISOLATED, PAPER, QUIET, YOURS
from margin_course.picture import (
    Parts,
    Picture,
    Raster,
    Room,
    curve,
    dot,
    grid,
    inside,
    label,
    percent_axis,
    plane,
    regions,
    returns_from_entry,
    trail,
)
from margin_course.scenarios import Scenario
from margin_lib.account import MODES, Account, Position, Risk
from margin_lib.portfolio import Scan
from margin_lib.replay import Replay
from margin_lib.types import Marks

EACH = "each trade's own"
SCANS = {EACH: None, "the worst of a scan": Scan(), "a scan, nothing offset": Scan(offset=0)}


class Third(NamedTuple):
    """An account that is neither mode alone: what it holds, and what it is asked for.

    account : Account
    scan : Scan or None        the requirement; None for each position's own maintenance margin
    """

    account: Account
    scan: Scan | None = None

    def risk(self, marks: Marks) -> Risk:
        """How it stands."""
        return self.scan.risk(self.account, marks) if self.scan else self.account.risk(marks)

    def lives_between(self, second: Position, marks: Mapping) -> tuple[Any, Any]:
        """The prices of a position between which the account lives; `marks` may hold arrays."""
        if self.scan:
            return self.scan.alive_between(self.account, second.contract.market, marks)
        edge = np.asarray(self.account.liquidation_price(second.symbol, marks), dtype=float)
        never = np.isnan(edge)
        if second.quantity > 0:
            return np.where(never, 0.0, edge), np.full_like(edge, np.inf)
        return np.zeros_like(edge), np.where(never, np.inf, edge)

    def closed_at(self, entry: Mapping[str, float], end: Mapping[str, float]) -> dict[str, float]:
        """The first marks on the straight way from entry to the end at which it is due."""
        parts = np.linspace(0.0, 1.0, 201)
        way = {market: price + parts * (end[market] - price) for market, price in entry.items()}
        risk = self.risk(way)
        first = int(np.argmax(risk.is_liquidatable))
        before, after = risk.cushion[max(first - 1, 0)], risk.cushion[first]
        late = before / (before - after) if first and before > after else 1.0
        part = max(parts[first] - (1 - late) * parts[1], 0.0)  # straight between two points
        return {market: price + part * (end[market] - price) for market, price in entry.items()}


@lru_cache(maxsize=64)
def edges_of(third: Third) -> tuple[float, ...]:
    """Changes of the second price that close an account while all else stands at its entry."""
    second = third.account.positions[1]
    marks = {p.contract.market: p.entry_price for p in third.account.positions} | {COINS: 1.0}
    marks.pop(second.contract.market)
    ends = map(float, third.lives_between(second, marks))
    return tuple(end / second.entry_price - 1 for end in ends if 0 < end < np.inf)


def third_way(
    scenario: Scenario,
    share: float = 0.0,
    haircut: float | None = None,
    follows: float = 1.0,
    asks: str = EACH,
    **changes: float,
) -> dict[str, Any]:
    """The state of `ThirdPicture`: an account in the plane, beside both modes on cash.

    Parameters
    ----------
    scenario : Scenario
    share, haircut : as for `accounts.in_coins`
    follows : as for `accounts.falling`
    asks : str                 what is asked for: one of `SCANS`
    changes : float            symbol -> change of its price [1]
    """
    third = Third(in_coins(scenario, share, haircut), SCANS[asks])
    first = scenario.trades[0].symbol
    marks = {**falling(scenario, changes.get(first, 0.0), follows), **scenario.marks(**changes)}
    runs = {mode: judged(scenario.account(mode), scenario.marks(**changes)) for mode in MODES}
    risk = third.risk(marks)
    return {**runs, "third": third, "follows": follows, "marks": marks, "risk": risk}


class ThirdPicture(Picture):
    """Where an account lives in the plane, beside the line of cross and the walls of isolated."""

    limits = (-1.0, 1.4)

    def frame(self, scenario: Scenario) -> None:
        plane(self.axes[0], [trade.symbol for trade in scenario.trades], self.limits)

    def ground_of(self, state: Mapping[str, Any]) -> Hashable:
        runs = [state[mode].start for mode in MODES]
        others = tuple(state["marks"].values())[2:-1]
        return (*runs, state["third"], state["follows"], others)

    def ground(self, state: Mapping[str, Any]) -> Parts:
        ax, third, cross = self.axes[0], state["third"], Third(state["cross"].start)
        self.pair = cross.account.positions[:2]
        room, (x, y) = Room(ax), grid(ax)
        x, second = x[0], self.pair[1]
        ends = [each.lives_between(second, self._marks(state, x)) for each in (third, cross)]
        low, high = ends[0]
        line = np.full_like(x, np.nan)  # of cross, where it is drawn

        def alive(columns: Any, changes: np.ndarray) -> np.ndarray:
            price = second.entry_price * (1 + changes)
            return (low[columns] < price) & (price < high[columns])

        yield Raster(ax, regions(np.where(alive(slice(None), y), 0, 3)))
        lives = alive(np.searchsorted(x, room.x[0]).clip(max=x.size - 1), room.y)
        room.part(lives)
        yield from self._walls(room, state["isolated"].start)
        for both, colour, wide in zip(ends, (INK, CROSS), (6.0, 2.8), strict=True):
            for edge in both:
                at = returns_from_entry(second, _seen(edge))
                yield curve(ax, x, at, color=colour, linewidth=wide, zorder=2 + (wide < 5))
                room.take(x[np.isfinite(at)], at[np.isfinite(at)])
                if colour == CROSS and np.isfinite(at).any():
                    line = at
        here = slice(*np.searchsorted(room.y[:, 0], (-0.1, 0.1)))  # where a dot stands at first
        room.held[here, slice(*np.searchsorted(room.x[0], (-0.1, 0.1)))] += room.full
        seen = np.flatnonzero((abs(line - 0.2) < 1) & (abs(x - 0.2) < 1))
        if seen.size:
            near = (abs(room.x - x[seen[-1]]) < 0.12) & (abs(room.y - line[seen[-1]]) < 0.12)
            yield from room.put("cross, on cash", near, CROSS, outside=True)
        told = ("this account\nlives", lives, YOURS), ("this account\nis closed", ~lives, DEAD)
        for words, where, colour in told:
            if where.any():
                yield from room.put(words, where, colour)

    def _walls(self, room: Room, isolated: Account) -> Parts:
        """The walls of isolated margin, the first one with its name."""
        ax = self.axes[0]
        how: dict[str, Any] = {"color": ISOLATED, "linestyle": "--", "linewidth": 1.8, "zorder": 2}
        first, second = (
            returns_from_entry(p, isolated.liquidation_price(p.symbol)) for p in self.pair
        )
        yield ax.axvline(first, **how)
        yield ax.axhline(second, **how)
        along = np.linspace(*self.limits, 99)
        if np.isfinite(second):
            room.take(along, np.full_like(along, second))
        if np.isfinite(first):
            room.take(np.full_like(along, first), along)
            words = label(ax, first, self.limits[0] + 0.1, "isolated", ISOLATED)
            yield room.keep(inside(words))

    def _marks(self, state: Mapping[str, Any], x: np.ndarray) -> dict[str, Any]:
        """Marks along the plane: the first price as its axis says, the coins as they follow it."""
        first, second = (position.contract.market for position in self.pair)
        change = np.maximum(x, -1 + 1e-6)
        there = {**state["marks"], first: self.pair[0].entry_price * (1 + change)}
        there[COINS] = 1 + state["follows"] * change
        there.pop(second)
        return there

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, marks = self.axes[0], state["marks"]
        x, y = (returns_from_entry(p, marks[p.contract.market]) for p in self.pair)
        yield trail(ax, x, y)
        first, second = (position.symbol for position in self.pair)
        yield self.hold(dot(ax, x, y), x=first, y=second)

    def alt(self, state: Mapping[str, Any]) -> str:
        pair, marks, third = state["cross"].start.positions[:2], state["marks"], state["third"]
        first, second = (position.symbol for position in pair)
        at = ", ".join(
            f"{p.symbol} {text.percent(marks[p.contract.market] / p.entry_price - 1, 0)}"
            for p in pair
        )
        ends = " and ".join(text.percent(edge, 1) for edge in edges_of(third))
        fate = "is closed" if state["risk"].is_liquidatable else "lives"
        where = f"which {second} alone meets at {ends}, " if ends else ""
        return (
            f"A plane: the change of {first} across, of {second} upwards. A black edge of this "
            f"account, {where}beside the orange line of cross and dashed walls of isolated on "
            f"cash. The dot is at {at}, where this account {fate}."
        )


def _seen(edge: np.ndarray) -> np.ndarray:
    """An edge where there is one, NaN where there is none."""
    return np.where((edge > 0) & np.isfinite(edge), edge, np.nan)


class ThirdLab(Lab):
    """An account that is neither mode alone: coins as collateral, and a scan of the whole book."""

    picture = ThirdPicture
    starts_in = "cross"
    needs = {"trades": 2}
    look = (
        "the black edge of this account, beside the orange line of cross. Which way does it turn?"
    )

    @property
    def on_page(self) -> tuple[str, ...]:
        return tuple(trade.symbol for trade in self.scenario.trades[:2])

    def make_controls(self, scenario: Scenario) -> Controls:
        first = scenario.trades[0].symbol
        share = {"part": "account", "form": ".0%"}
        held = "the part of the balance that is held in a coin; the rest is cash"
        cut = "the part of the coin's value that does not count"
        alike = f"100 %: the coin moves as {first} does; 0 %: it stands still"
        asks = "what must be there for the account to live"
        return {
            "coins": slider("held in a coin [%]", 1.0, 0, 1, 0.05, held, **share),
            "haircut": slider("haircut [%]", scenario.haircut, 0, 0.6, 0.01, cut, **share),
            "follows": slider(f"coin follows {first} [%]", 1.0, 0, 1, 0.05, alike, **share),
            "asks": choice("the exchange asks for", list(SCANS), EACH, asks, "account"),
            **{trade.symbol: change(trade.symbol, -0.95, 1.4) for trade in scenario.trades},
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        # A coin that is worth less by itself counts as if it had the rest for a haircut.
        broken = {"coins": 1.0, "haircut": round(1 - BROKEN, 2), "follows": 0.0}
        first = scenario.trades[0].symbol
        return {
            f"{first} falls by half": {first: -0.5},
            "cash instead": {"coins": 0.0},
            "a stablecoin breaks": broken,
        }

    def locked(self, values: Mapping[str, Any], shown: Shown) -> list[str]:
        return ["haircut", "follows"] if values["coins"] == 0 else []

    def compute(
        self,
        scenario: Scenario,
        coins: float,
        haircut: float,
        follows: float,
        asks: str,
        **changes: float,
    ) -> Shown:
        state = third_way(scenario, coins, haircut, follows, asks, **changes)
        runs: dict[str, Replay] = {mode: state[mode] for mode in MODES}
        third, marks, risk = state["third"], state["marks"], state["risk"]
        unit = scenario.currency
        if risk.is_liquidatable:
            entry = {**falling(scenario, 0.0), **scenario.marks()}
            there = third.closed_at(entry, marks)
            at = ", ".join(
                f"{t.symbol} {text.percent(there[t.contract.market] / t.price - 1, 1)}"
                for t in scenario.trades
                if changes[t.symbol]
            )
            where = f"at {at}" if at else "at the start"
            left = text.amount(third.account.equity(there), unit)
            mine = f"This account: closed {where}, when {left} still counted."
            tile = Tile("this account", text.amount(0, unit), f"closed {where}", "closed")
        else:
            counted, asked = (text.amount(x, unit) for x in (risk.equity, risk.maintenance_margin))
            mine = f"This account lives: {counted} count, {asked} are asked for."
            tile = Tile("this account", counted, f"{asked} are asked for", "alive")
        tiles = [tile, *(_whole(mode, run, unit) for mode, run in runs.items())]
        return Shown(state, [mine, *outcomes(runs, unit)], tiles)


def _whole(mode: str, run: Replay, unit: str) -> Tile:
    """All of an account on cash, in one tile."""
    dead, worth = run.dead, text.amount(run.equity[-1], unit)
    life = "closed" if len(dead) == len(run.start.positions) else "alive"
    note = f"closed {text.listed(dead)}" if dead else "nothing closed"
    return Tile(f"{mode} on cash, all of it", worth, note, life, mode)


class TopUpPicture(Picture):
    """An isolated pocket that fills itself from the balance, step by step, until both are empty.

    A state is the Replay of one trade, whose price moves one way against it.
    """

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(0, 1), ylim=(0, 1.18 * scenario.balance), yticks=[0, scenario.balance])
        ax.set_yticklabels(["0", f"{scenario.balance:,g}"])
        ax.set_xlabel("price, change against you")
        ax.set_title(f"your money [{scenario.currency}]", x=-0.1, fontweight="normal")
        percent_axis(ax.xaxis)

    def moving(self, state: Replay) -> Parts:
        ax, (position,) = self.axes[0], state.start.positions
        symbol, balance = position.symbol, self.scenario.balance
        prices = np.array([marks[position.contract.market] for marks in state.path])
        x = abs(returns_from_entry(position, prices))
        held = [account for account in state.accounts if symbol in account]
        pocket = np.array([a[symbol].own_margin for a in held])
        rest = np.array([a.balance for a in held])
        shown = x[: len(held)]
        how: dict[str, Any] = {"step": "post", "linewidth": 0}
        yield ax.fill_between(shown, 0, pocket, color=ISOLATED, alpha=0.85, **how)
        yield ax.fill_between(shown, pocket, pocket + rest, color=BORROWED, **how)
        first = np.flatnonzero(pocket > pocket[0] * (1 + 1e-9))
        end = shown[first[0]] if first.size else shown[-1]
        how = {"color": INK, "linestyle": ":", "linewidth": 1.5, "zorder": 5}
        yield curve(ax, [end, end], [0, 1.04 * balance], **how)
        words = label(
            ax, end + 0.02, 1.09 * balance, "without top-up:\nclosed here", INK, ha="left"
        )
        yield inside(words)
        middle = shown[2 * len(shown) // 3]
        yield label(ax, middle, 0.3 * balance, "in the pocket", PAPER, ground=False)
        rested = shown[len(shown) // 4]
        yield label(ax, rested, 0.75 * balance, "outside", INK, ground=False)
        if symbol in state.dead:
            yield ax.axvline(shown[-1], color=DEAD, linewidth=3, zorder=5)
            words = label(ax, shown[-1], 0.55 * balance, "✕ closed", DEAD, ha="right")
            yield inside(words)
        yield ax.axhline(balance, color=QUIET, linewidth=0.8, zorder=4)

    def alt(self, state: Replay) -> str:
        (position,), unit = state.start.positions, self.scenario.currency
        held = [account for account in state.accounts if position.symbol in account]
        last, market = held[-1], position.contract.market
        at = state.path[len(held) - 1][market] / position.entry_price - 1
        money = [
            text.money(x, unit) for x in (position.own_margin, last[position.symbol].own_margin)
        ]
        end = "closed" if position.symbol in state.dead else "alive"
        return (
            f"Steps: the margin of {position.symbol}'s pocket grows from {money[0]} to {money[1]} "
            f"while its price changes by {text.percent(at, 0)}, the money outside shrinks to "
            f"{text.money(last.balance, unit)}; then it is {end}."
        )
