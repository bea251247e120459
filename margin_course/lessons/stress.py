"""Notebook 09: crashes that happened, on one trade in both modes, and who pays for them."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from margin_course import files, text
from margin_course.lab import (
    Controls,
    Lab,
    Presets,
    Shown,
    Tile,
    choice,
    equity_of,
    leverage_of,
    room,
    slider,
)
from margin_course.modes import FlowPicture, sides_of
from margin_course.palette import (
    DEAD,
    FAINT,
    INK,
    PAPER,
    QUIET,
    TOO_LITTLE,
    YOURS,
)
from margin_course.picture import (
    LINES,
    Parts,
    Picture,
    block,
    curve,
    dot,
    grip,
    hatched,
    inside,
    label,
    points,
    vessel,
)
from margin_course.scenarios import Scenario, Trade
from margin_lib import formulas
from margin_lib.account import MODES, Account, Done, Position
from margin_lib.bars import Bars
from margin_lib.liquidation import Deleveraged, deleveraging_queue, mark_to_market, settle
from margin_lib.replay import Replay, replay
from margin_lib.types import Marks, Number

FUND = 0.2  # what the insurance fund holds, as a share of the balance
WINNERS = ((0.6, 2), (0.4, 10))  # on the other side: share of the trade's size, leverage
BACKSTOP = 2 / 3  # of the maintenance margin: with less, all is taken over (Hyperliquid)
OTHERS = ("insurance fund", "deleveraged traders")


class Story(NamedTuple):
    """What is known of a fall: at a few moments, how far the price had moved.

    name : str
    when : tuple of str        the moments
    changes : tuple of float   since the first of them [1]
    """

    name: str
    when: tuple[str, ...]
    changes: tuple[float, ...]


# Name -> (moment, the fact of events.toml that says the change; "" for the price before)
TOLD = {
    "10 Oct 2025, average coin": (("20:50 UTC", ""), ("21:21 UTC", "october_average")),
    "10 Oct 2025, many small coins": (("20:50 UTC", ""), ("21:21 UTC", "october_half")),
    "10 Oct 2025, the worst coins": (("20:50 UTC", ""), ("21:21 UTC", "october_worst")),
    "10 Oct 2025, bitcoin": (("the day's high", ""), ("21:21 UTC", "october")),
    "May 2022, LUNA": (("6 May", ""), ("11 May", "luna"), ("12 May", "luna_next")),
    "Oct 2021, on one exchange": (("before", ""), ("11:34 UTC", "wick"), ("a minute later", "")),
    "Oct 2021, elsewhere": (("before", ""), ("11:34 UTC", "wick_elsewhere"), ("later", "")),
}


def change_of(fact: Mapping[str, Any]) -> float:
    """How far a price moved, by a fact of events.toml.

    >>> change_of({"high": 8, "low": 6}), change_of({"amount": -0.5})
    (-0.25, -0.5)
    """
    return float(fact["low"] / fact["high"] - 1 if "high" in fact else fact["amount"])


def events(path: str) -> dict[str, dict[str, Any]]:
    """The facts of a file such as data/events.toml, by name."""
    return files.toml(path)


def stories(facts: Mapping[str, Mapping[str, Any]]) -> list[Story]:
    """The falls that are told, with the figures of the facts."""
    return [
        Story(
            name,
            tuple(when for when, _ in known),
            tuple(change_of(facts[fact]) if fact else 0.0 for _, fact in known),
        )
        for name, known in TOLD.items()
    ]


def others(trade: Trade, balance: float) -> tuple[float, list[Position]]:
    """What the fund holds, and two winners who hold the other side of a trade, all of its size."""
    made = [
        Position(
            contract=trade.contract,
            quantity=-share * trade.quantity,
            entry_price=trade.price,
            leverage=leverage,
        )
        for share, leverage in WINNERS
    ]
    return FUND * balance, made


def enough(trades: Sequence[Position], bars: Bars) -> tuple[Number, Number]:
    """Least money with which nothing dies, on each path: in pockets, and in one balance.

    Each day counts with the low of what is long and the high of what is short, at once.

    Equation:  max over days of (maintenance − profit), of each trade alone, or of their sum
    """
    lacks = []
    for trade in trades:
        risk = trade.risk((bars.low if trade.quantity > 0 else bars.high)[trade.symbol])
        lacks.append(risk.maintenance_margin - risk.equity)
    return sum(np.max(lack, axis=0) for lack in lacks), np.max(sum(lacks), axis=0)


def hedge_taken_apart(scenario: Scenario) -> tuple[Deleveraged, dict[str, dict[str, Replay]]]:
    """A hedge over the scenario's two moments; on the way its second leg pays for a loser.

    The loser holds that leg's other side in a pocket of the same size; the fund is empty.

    Returns
    -------
    (Deleveraged, dict)        how the leg was closed; what becomes of both modes, with the hedge
                               whole and with it taken apart
    """
    leg = scenario.trades[1]
    first, second = (scenario.marks(**move) for move in list(scenario.moves.values())[:2])
    side = "long" if leg.quantity < 0 else "short"
    loser = scenario.with_trade(leg.symbol, side=side).account({leg.symbol: "isolated"})
    winner = scenario.account("cross")[leg.symbol]
    _, (event,) = mark_to_market(loser, first)
    (taken,) = settle(loser, first, event, fund=0, traders=[winner]).deleveraged

    def take(step: int, account: Account, marks: Marks) -> Done | None:
        if step == 0 and leg.symbol in account:
            return account.close(leg.symbol, price=taken.price, marks=marks)
        return None

    path, accounts = [first, second], {mode: scenario.account(mode) for mode in MODES}
    return taken, {
        "the hedge holds": {m: replay(account, path) for m, account in accounts.items()},
        "taken apart": {m: replay(account, path, plan=take) for m, account in accounts.items()},
    }


def outage(
    scenario: Scenario, fact: Mapping[str, float]
) -> tuple[float, dict[str, dict[str, Replay]]]:
    """The first trade as a short with a stop, on an exchange that works and on one that stands.

    The price falls to the fact's low, rises through the stop and past the liquidation price, and
    comes back. Leverage is chosen so that the pocket dies where the fact says.

    Returns
    -------
    (float, dict)              leverage; what becomes of both modes
    """
    trade = scenario.trades[0]
    symbol, rate = trade.symbol, trade.contract.maintenance_rate
    low, order, end = (fact[name] / fact["entry"] - 1 for name in ("low", "stop", "closed"))
    leverage = 1 / ((1 + end) * (1 + rate) - 1)
    own = {"leverage": leverage, "margin": trade.notional / leverage}
    short = scenario.first_trades(1).with_trade(symbol, side="short", **own)
    path = [short.marks(**{symbol: x}) for x in (low, order, end + 1e-9, 0)]  # a hair beyond

    def stop(step: int, account: Account, marks: Mapping[str, Any]) -> Done | None:
        if symbol in account and marks[symbol] >= path[1][symbol]:
            return account.close(symbol, price=marks[symbol], marks=marks)
        return None

    accounts = {mode: short.account(mode) for mode in MODES}
    return leverage, {
        "the stop acts": {m: replay(account, path, plan=stop) for m, account in accounts.items()},
        "the exchange stands still": {m: replay(account, path) for m, account in accounts.items()},
    }


def margined_in_the_coin(scenario: Scenario, leverage: float) -> Scenario:
    """The first trade alone, in a contract whose margin, balance and profit are the coin."""
    trade = scenario.trades[0]
    contract = replace(trade.contract, inverse=True, taker_fee=0)
    trade = replace(trade, contract=contract, leverage=leverage, margin=trade.margin / trade.price)
    balance = scenario.balance / trade.price
    alone = scenario.first_trades(1)
    return replace(alone, trades=(trade,), balance=balance, currency=trade.symbol)


def told_by_closes(scenario: Scenario, bars: Bars, names: Mapping[str, int]) -> Scenario:
    """The scenario with some paths of bars as its films: from entry, one close a step."""
    paths = {}
    for name, number in names.items():
        closes = bars.path(number).close
        paths[name] = {
            trade.symbol: np.append(0, closes[trade.symbol] / trade.price - 1)
            for trade in scenario.trades
        }
    return replace(scenario, paths=paths)


# A crash, told from one known price to the next


class StressPicture(Picture):
    """A price from one known moment to the next, and below it who has how much left.

    A state has the story, the way that is assumed ("x" from 0 to 1, "y" changes), "time", the
    liquidation price of each mode as a change ("edges"), and for each mode a Tally.
    """

    panels = (1, 1.12)
    stacked = True
    shared = False  # money stands below, not time
    pots = ("you", "fund", "winners\ngive up")
    left = {"isolated": 0.0, "cross": 3.42}  # where the pots of each mode begin
    apart = 0.98

    def frame(self, scenario: Scenario) -> None:
        prices, money = self.axes
        balance, trade, alone = scenario.balance, scenario.trades[0], scenario.first_trades(1)
        rises = [moves.get(trade.symbol, 0) for moves in scenario.moves.values()]
        for mode in MODES:
            edge = alone.account(mode).liquidation_price(trade.symbol, alone.marks())
            rises.append(float(edge) / trade.price - 1)
        self.top = max(0.2, *(1.1 * rise for rise in rises if rise < 2))
        prices.set(xlim=(-0.03, 1.4), ylim=(-1.42, self.top), xticks=[])
        prices.set_yticks(np.arange(-1, self.top, 0.5))
        prices.yaxis.set_major_formatter(lambda value, _: text.percent(value, 0))
        prices.spines["bottom"].set_visible(False)
        prices.set_title("price, change since the first moment", fontweight="normal", x=-0.15)
        money.set(xlim=(-0.62, 6.05), ylim=(-0.62 * balance, 1.42 * balance))
        money.set_axis_off()
        money.axhline(0, color=QUIET, linewidth=0.8, zorder=0)
        money.axvline(2.72, color=QUIET, linewidth=0.8, ymin=0.05, ymax=0.95, zorder=0)
        for left, (place, name) in product(self.left.values(), enumerate(self.pots)):
            at = left + self.apart * place
            label(money, at, -0.06 * balance, name, ground=False, va="top")

    def ground_of(self, state: Mapping[str, Any]) -> Hashable:
        edges = (float(edge) for edge in state["edges"].values())
        return state["story"], len(state["x"]), *edges

    def ground(self, state: Mapping[str, Any]) -> Parts:
        """What does not hang on the time: known prices, the way between, where each mode dies."""
        (ax, _), story, at = self.axes, state["story"], np.inf
        for mode, edge in sorted(state["edges"].items(), key=lambda each: -each[1]):
            colour, style = LINES[mode]
            if np.isfinite(edge) and -1 < edge < self.top:
                yield curve(ax, [-0.03, 1.02], [edge, edge], color=colour, ls=style, lw=1.2)
                # Names of lines that are close stand one below the other.
                at = min(edge, at - 0.155 * (self.top + 1.42))
                yield inside(label(ax, 1.4, at, f"{mode} dies", colour, ha="right", ground=False))
        yield ax.step(state["x"], state["y"], where="post", color=INK, ls=":", lw=1.5, zorder=4)[0]
        known = np.linspace(0, 1, len(story.changes))
        how: dict[str, Any] = {"markersize": 13, "markerfacecolor": "none", "zorder": 5}
        yield points(ax, known, story.changes, "o", markeredgecolor=INK, clip_on=False, **how)
        for place, when in zip(known, story.when, strict=True):
            align = "left" if place == 0 else "right" if place == 1 else "center"
            side = -0.02 if place == 0 else 0.02 if place == 1 else 0
            yield label(ax, place + side, -1.28, when, QUIET, ha=align, ground=False)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        prices, money = self.axes
        x, y, time, step = (state[name] for name in ("x", "y", "time", "step"))
        so_far = np.append(x[: step + 1], time), np.append(y[: step + 1], y[step])
        yield prices.step(*so_far, where="post", color=INK, zorder=5)[0]
        yield self.hold(dot(prices, time, y[step]), x="time")
        for mode, left in self.left.items():
            yield from self._money(money, mode, left, state[mode])

    def _money(self, ax: Any, mode: str, left: float, tally: "Tally") -> Parts:
        balance, colour = self.scenario.balance, LINES[mode][0]
        how: dict[str, Any] = {"ha": "left", "ground": False}
        end = f"✕ at {text.percent(tally.closed, 1)}" if tally.is_closed else "● alive"
        yield label(ax, left - 0.55, 1.32 * balance, f"{mode} {end}", colour, **how)
        whole = tally.is_closed and mode == "cross"
        full = 1.08 * balance
        pots = (
            (balance, max(tally.worth, 0), YOURS, whole),
            (tally.fund_before, tally.fund, QUIET, False),
            (0.0, tally.given_up, DEAD, False),
        )
        for place, (rim, level, fill, closed) in enumerate(pots):
            x = left + self.apart * place
            yield from vessel(ax, x, rim or 0.04 * balance, level, fill, 0, 0.66, closed, full)
            top = max(min(level, full), rim, 0.04 * balance) + 0.11 * balance
            yield label(ax, x, top, f"{level:,.0f}", ground=False)

    def alt(self, state: Mapping[str, Any]) -> str:
        unit, story, step = self.scenario.currency, state["story"], state["step"]
        known = ", ".join(
            f"{when}: {text.percent(change, 0)}"
            for when, change in zip(story.when, story.changes, strict=True)
        )
        told = []
        for mode in MODES:
            tally = state[mode]
            at = text.percent(tally.closed, 1)
            end = f"closed at {at}" if tally.is_closed else "alive"
            told.append(
                f"{mode} is {end} with {text.money(tally.worth, unit)}, the fund holds "
                f"{text.money(tally.fund, unit)}, winners gave up "
                f"{text.money(tally.given_up, unit)}"
            )
        return (
            f"{story.name}. Known prices: {known}; the way between them is assumed, a dotted "
            f"line. Now {text.percent(state['y'][step], 0)}: {'; '.join(told)}."
        )


class Tally(NamedTuple):
    """What one mode has come to: of the account, of the fund, and of those who had won.

    `closed` is the change of the price at which it was closed, NaN if it lives.
    """

    worth: float
    closed: float
    fund_before: float
    fund: float
    given_up: float

    @property
    def is_closed(self) -> bool:
        return bool(np.isfinite(self.closed))


class StressLab(Lab):
    """A crash that happened, on one trade in both modes: the scenario's first, alone.

    Parameters
    ----------
    scenario : Scenario
    stories : sequence of Story     the falls to choose from; without any, the scenario's moves
    """

    picture = StressPicture
    starts_in = "stress"
    needs = {"trades": 1, "moves": 1}
    film = "time"
    on_page = ("event", "time")
    look = "who has died when the film ends, and what filled up or ran empty beside it."

    def __init__(
        self, scenario: Scenario, stories: Sequence[Story] = (), canvas: Picture | None = None
    ) -> None:
        scenario.must_have(type(self).__name__, self.needs)
        symbol = scenario.trades[0].symbol
        self.stories = list(stories) or [
            Story(name, ("before", "after"), (0.0, move.get(symbol, 0.0)))
            for name, move in scenario.moves.items()
        ]
        self._ran: tuple[Any, Any] = (None, None)  # the last values but time, and what came of them
        super().__init__(scenario, canvas)

    def _again(self) -> Lab:
        return type(self)(self.scenario, self.stories, self.canvas)

    def make_controls(self, scenario: Scenario) -> Controls:
        trade, events = scenario.trades[0], [story.name for story in self.stories]
        coins = "what is not an isolated margin can be coins: they fall"
        between = "trades between two known prices; nobody has told how many there were"
        time = "walks from the first known moment to the last"
        return {
            "coin": slider("balance in the coin [%]", 0, 0, 1, 0.05, coins, "account", ".0%"),
            "leverage": leverage_of(trade, "sizes the trade: margin times leverage"),
            "event": choice("crash", events, events[0], "what happened", "market"),
            "between": slider("prices in between", 20, 1, 40, 1, between, "market", ".0f"),
            "time": slider("time [%]", 0, 0, 1, 1 / 60, time, "view", ".0%"),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        end = {"time": 1.0}
        return {"many prices": {"between": 40, **end}, "one jump": {"between": 1, **end}}

    def compute(self, scenario: Scenario, time: float, **terms: Any) -> Shown:
        if self._ran[0] != terms:
            self._ran = terms, self._run(scenario, **terms)
        state, runs = self._ran[1]
        symbol, unit = scenario.trades[0].symbol, scenario.currency
        step = int(np.searchsorted(state["x"], time + 1e-9, side="right")) - 1
        y, fund, words, tiles, debts = state["y"], state["fund"], [], [], []
        state = {**state, "time": time, "step": step}
        for mode, run in runs.items():
            so_far = run.until(step)
            ends = so_far.liquidations
            closed = float(y[ends[0][0]]) if ends else np.nan
            got, given = (sum(event.received(who) for _, event in ends) for who in OTHERS)
            state[mode] = Tally(so_far.equity[-1], closed, fund, fund + got, max(-given, 0.0))
            worth, paid = text.money(so_far.equity[-1], unit), max(-got - given, 0.0)
            where, owed = f"closed at {text.percent(closed, 1)}", text.money(paid, unit)
            end = f"{symbol} {where}, you keep {worth}" if ends else f"all alive, {worth}"
            words.append(f"{mode.capitalize()}: {end}.")
            debts.append(f"{mode} {owed}")
            life, note = ("closed", where) if ends else ("alive", room(so_far, [symbol]))
            if mode == "isolated":
                pocket = text.money(equity_of(so_far, [symbol]), unit)
                tiles.append(Tile(f"{symbol}'s pocket", pocket, note, life, mode))
                life, note = "", f"others paid {owed}"
            tiles.append(Tile(f"{mode}, all of it", worth, note, life, mode))
        words.append(f"Others have paid: {', '.join(debts)}.")
        return Shown(state, words, tiles)

    def _run(
        self, scenario: Scenario, event: str, leverage: float, coin: float, between: float
    ) -> tuple[dict[str, Any], dict[str, Replay]]:
        """All that does not hang on the time: the way that is assumed, and what it does."""
        story = next(each for each in self.stories if each.name == event)
        symbol = scenario.trades[0].symbol
        alone = scenario.first_trades(1).with_trade(symbol, leverage=leverage)
        trade = alone.trades[0]
        fund, winners = others(trade, scenario.balance)
        legs = len(story.changes) - 1
        x = np.linspace(0, 1, legs * int(between) + 1)
        y = np.interp(x, np.linspace(0, 1, legs + 1), story.changes)
        path = [alone.marks(**{symbol: change}) for change in y]
        starts = {m: alone.account(m).holding(symbol, coin, trade.price) for m in MODES}
        runs = {
            mode: replay(start, path, fund=fund, traders=winners) for mode, start in starts.items()
        }
        edges = {
            mode: start.liquidation_price(symbol, alone.marks()) / trade.price - 1
            for mode, start in starts.items()
        }
        return {"story": story, "x": x, "y": y, "edges": edges, "fund": fund}, runs


# Who pays whom, step by step

STAGES = (
    "you live",
    "orders\ncancelled",
    "a part\nis sold",
    "backstop",
    "fund\npays",
    "winners\npay",
)
TOLD_OF_STAGES = (
    "Nothing is due.",
    "Your open orders are cancelled. Nobody pays yet.",
    "Only so much is sold that you live on; the fund gets a fee.",
    "Everything is taken over, and what was left of your money goes to the fund.",
    "Your money is not enough: the insurance fund pays the rest.",
    "The fund is empty: winners are closed early and pay.",
)


class WaterfallPicture(FlowPicture):
    """Who pays whom when a price jumps so far, and how many steps of defence that takes.

    A state has "transfers", the "depth" in stages, the "changes" of the price at their borders.
    """

    panels = (2.5, 1)
    stacked = True

    def frame(self, scenario: Scenario) -> None:
        super().frame(scenario)
        track = self.axes[1]
        track.set(xlim=(-0.03, 1.03), ylim=(-1.0, 1.35))
        track.set_axis_off()

    def moving(self, state: Mapping[str, Any]) -> Parts:
        if any(sides_of(state["transfers"])):
            yield from super().moving(state["transfers"])
        else:
            words = "nobody pays anybody"
            yield label(self.axes[0], 0.5, 0.5, words, QUIET, ground=False)
        yield from self._track(self.axes[1], state["depth"], state["changes"])

    def _track(self, ax: Any, depth: float, changes: Sequence[float]) -> Parts:
        count = len(STAGES)
        now = stage_of(depth)
        for place, name in enumerate(STAGES):
            left, right = place / count, (place + 1) / count
            fill = FAINT if place > now else YOURS if place == 0 else TOO_LITTLE
            ink = PAPER if fill == YOURS else INK
            yield block(ax, left, 0, right, 1.15, fill, edgecolor=PAPER, linewidth=2)
            how: dict[str, Any] = {"fontweight": "bold"} if place == now else {}
            yield label(ax, (left + right) / 2, 0.575, name, ink, ground=False, **how)
        for place in (1, 3, 4, 5, 6):
            words = text.percent(changes[place], 1 if place < 5 else 0)
            yield inside(label(ax, place / count, -0.62, words, QUIET, ground=False))
        yield self.hold(dot(ax, depth / count, 0), x="depth", per=count)

    def alt(self, state: Mapping[str, Any]) -> str:
        now = stage_of(state["depth"])
        flow = "Nobody pays anybody."
        if any(sides_of(state["transfers"])):
            flow = super().alt(state["transfers"])
        name = STAGES[now].replace("\n", " ")
        return f"Six steps in a row, now at the {ORDINALS[now]}: {name}. {flow}"


ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def stage_of(depth: float) -> int:
    """Which of the STAGES a depth lies in.

    >>> stage_of(0.5), stage_of(6)
    (0, 5)
    """
    return int(min(depth, len(STAGES) - 1e-9))


class WaterfallLab(Lab):
    """How far a price jumps before anybody can sell, and who pays for it then."""

    picture = WaterfallPicture
    starts_in = "stress"
    film = "depth"
    on_page = ("mode", "depth")
    look = "who stands on the left. Each step begins when the one before it was not enough."

    def make_controls(self, scenario: Scenario) -> Controls:
        unit, balance = scenario.currency, scenario.balance
        fund = "what the exchange has put by for such days"
        jump = "the price jumps so far before the exchange can sell; each step is as wide here"
        tip = "a pocket of its own, or the whole balance behind it"
        return {
            "mode": choice("margin mode", MODES, "isolated", tip),
            "fund": slider(
                f"insurance fund [{unit}]",
                FUND * balance,
                0,
                balance / 2,
                balance / 100,
                fund,
                "market",
                ",.0f",
            ),
            "depth": slider(
                "how far it jumps [step]", 0, 0, len(STAGES), 0.05, jump, "market", ".2f"
            ),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        return {"to the backstop": {"depth": 3.5}, "to the winners": {"depth": 6.0}}

    def compute(self, scenario: Scenario, mode: str, fund: float, depth: float) -> Shown:
        trade = scenario.trades[0]
        account = scenario.first_trades(1).account(mode)
        _, winners = others(trade, scenario.balance)
        prices = borders(account, trade.symbol, trade.price, fund, 2 * FUND * scenario.balance)
        price = float(np.interp(depth, range(len(prices)), prices))
        marks, stage = {trade.symbol: price}, stage_of(depth)
        end, paid = account, {}
        if stage >= 2 and account.risk(marks, trade.symbol).is_liquidatable:
            rules: Any = {"closes": ("cancel orders", "what is needed"), "backstop": BACKSTOP}
            end, (event,) = mark_to_market(account, marks, scenario.liquidation_fee, **rules)
            event = settle(account, marks, event, fund, winners).event
            paid = dict(event.transfers)
        changes = [each / trade.price - 1 for each in prices]
        state = {"transfers": paid, "depth": depth, "changes": changes}
        return Shown(state, *self._told(scenario, account, end, marks, paid, fund, stage))

    def _told(
        self,
        scenario: Scenario,
        start: Account,
        end: Account,
        marks: Mapping[str, float],
        paid: Mapping[str, float],
        fund: float,
        stage: int,
    ) -> tuple[list[str], list[Tile]]:
        (trade, *_), unit = scenario.trades, scenario.currency
        symbol, mode = trade.symbol, start.positions[0].mode
        open_ = abs(end[symbol].quantity) if symbol in end else 0.0
        share = 1 - open_ / abs(trade.quantity)
        sold = f"{text.share(share)} sold" if share > 0 else "nothing sold"
        worth = text.money(end.equity(marks), unit)
        change = text.percent(marks[symbol] / trade.price - 1, 1)
        got, given = (paid.get(who, 0.0) for who in OTHERS)
        at = f"at {change}, {sold}"
        life, where = ("alive", at) if open_ else ("closed", f"closed at {change}")
        whole = Tile(f"{mode}, all of it", worth, where, life, mode)
        if mode == "isolated":
            pocket = end.risk(marks, symbol).equity if open_ else 0.0
            tiles = [Tile(f"{symbol}'s pocket", text.money(pocket, unit), where, life, mode)]
            whole = whole._replace(note="", life="")
        else:
            tiles = []
        tiles += [
            whole,
            Tile("insurance fund", text.money(fund + got, unit), text.money(got, unit, sign=True)),
            Tile("winners give up", text.money(max(-given, 0), unit), "of their profit"),
        ]
        if not np.isfinite(start.liquidation_price(symbol, scenario.marks())):
            return ["No price closes this trade."], tiles
        return [f"{symbol} {change}. {TOLD_OF_STAGES[stage]} You keep {worth}."], tiles


def borders(
    account: Account, symbol: str, entry: float, fund: float, winners: float
) -> list[float]:
    """Prices at which each of the STAGES begins, and the one at which the picture ends.

    Entry; the liquidation price, twice, for cancelling orders sells nothing; where less than the
    backstop's share of the maintenance margin is left; the bankruptcy price; where a fund of so
    much is empty; and where winners have paid so much.
    """
    marks = {symbol: entry}
    first, zero = (
        float(price(symbol, marks))
        for price in (account.liquidation_price, account.bankruptcy_price)
    )
    if not (np.isfinite(first) and np.isfinite(zero)):  # no price closes it
        return [entry] * (len(STAGES) + 1)
    low, high = 0.0, 1.0
    for _ in range(3):  # each time a thousand times closer
        parts = np.linspace(low, high, 1001)
        risk = account.risk({symbol: first + parts * (zero - first)}, symbol)
        found = int(np.argmax(np.less(risk.equity, BACKSTOP * risk.maintenance_margin)))
        low, high = parts[max(found - 1, 0)], parts[found]
    taken = first + high * (zero - first)
    held, far = account[symbol], entry * (0.02 if zero < entry else 50)

    def beyond(money: float) -> float:
        """Where so much more is lost than the account has."""
        price = formulas.bankruptcy_price(zero, held.units, money, held.contract.inverse)
        return float(np.nan_to_num(price, nan=far))

    empty, last = beyond(fund), beyond(fund + winners)
    return [entry, first, first, taken, zero, empty, last]


# Which winner is closed


class QueuePicture(Picture):
    """The same winners under two rules: by a queue, and everybody by the same share.

    A state has "leverage" of each winner now, in the order of the queue; how much of each is
    closed under each rule ("queue", "pro rata", shares); "need", the share of all of them.
    """

    rows = {"queue": 0.66, "pro rata": 0.09}  # where the row of each rule begins, upwards
    high = 0.25

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(-0.035, 1.035), ylim=(0, 1))
        ax.set_axis_off()
        how: dict[str, Any] = {"ha": "left", "ground": False, "va": "top"}
        label(ax, 0, 1.0, "queue: profit × leverage, the first is closed first", **how)
        label(ax, 0, 0.42, "pro rata: everybody the same share", **how)
        count = len(QueueLab.chosen)
        for place, low in product(range(count), self.rows.values()):
            left, right = place / count, (place + 0.94) / count
            block(ax, left, low, right, low + self.high, YOURS, linewidth=0, zorder=1)
        label(ax, 1, 0.05, "crossed out: closed early", DEAD, **(how | {"ha": "right"}))

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, need = self.axes[0], state["need"]
        for rule, low in self.rows.items():
            wide = 1 / len(state[rule])
            for place, part in enumerate(state[rule]):
                if part > 0:
                    ends = place * wide, low, (place + 0.94 * part) * wide, low + self.high
                    yield hatched(ax, *ends, TOO_LITTLE, kind="crossed", ink=DEAD)
            for place, leverage in enumerate(state["leverage"]):
                at = (place + 0.47) * wide
                yield label(ax, at, low + self.high / 2, f"{text.ratio(leverage)}x", zorder=8)
        yield curve(ax, [need, need], [0.62, 0.93], color=INK, linewidth=2, zorder=7)
        yield self.hold(grip(ax, need, 0.62), x="need")
        words = f"{text.percent(need, 0, sign=False)} must be closed"
        yield inside(label(ax, need, 0.55, words, ground=False))

    def alt(self, state: Mapping[str, Any]) -> str:
        told = []
        for rule in ("queue", "pro rata"):
            shares = ", ".join(
                f"{text.ratio(leverage)}x {text.percent(part, 0, sign=False)}"
                for leverage, part in zip(state["leverage"], state[rule], strict=True)
            )
            told.append(f"{rule} closes of the winners at {shares}")
        need = text.percent(state["need"], 0, sign=False)
        return f"{need} of all winners must be closed: {'; '.join(told)}."


class QueueLab(Lab):
    """Who is closed early: winners by two rules, on the same book."""

    picture = QueuePicture
    starts_in = "stress"
    on_page = ("need",)
    look = "the leverage that is written on what is closed, in either row."

    # Chosen leverage of each winner; all have sold as much, at the same price.
    chosen = (20, 10, 5, 3, 2, 1, 0.5, 0.25)

    def make_controls(self, scenario: Scenario) -> Controls:
        side = "falls" if scenario.trades[0].quantity > 0 else "rises"
        fall = f"how far the price {side} before the losers are closed"
        need = "so much of what the winners hold must be closed; drag the line"
        return {
            "fall": slider(f"the price {side} [%]", 0.1, 0.01, 0.8, 0.01, fall, "market", ".0%"),
            "need": slider("to be closed [%]", 0.15, 0, 1, 0.01, need, "market", ".0%"),
        }

    def make_presets(self, scenario: Scenario) -> Presets:
        return {
            "a small hole": {"fall": 0.1, "need": 0.15},
            "a crash": {"fall": 0.5, "need": 0.9},
        }

    def compute(self, scenario: Scenario, fall: float, need: float) -> Shown:
        trade = scenario.trades[0]
        price = trade.price * (1 - fall if trade.quantity > 0 else 1 + fall)
        value = trade.notional / len(self.chosen)
        winners = [
            Position(
                contract=trade.contract,
                quantity=-trade.quantity / len(self.chosen),
                entry_price=trade.price,
                leverage=1,
                margin=value / leverage,
            )
            for leverage in self.chosen
        ]
        loser = scenario.first_trades(1).account("cross")[trade.symbol]
        queue = deleveraging_queue(loser, price, winners)
        now = [float(winner.risk(price).effective_leverage) for winner in queue]
        by_queue = np.clip(need * len(now) - np.arange(len(now)), 0, 1)
        state = {
            "leverage": now,
            "need": need,
            "queue": by_queue,
            "pro rata": [need] * len(now),
        }
        tiles, words = [], []
        for rule, parts in (("queue", by_queue), ("pro rata", state["pro rata"])):
            closed = [each for each, part in zip(now, parts, strict=True) if part > 0]
            middle, note, said = "nobody", f"0 of {len(now)}", "nobody is closed"
            if closed:
                middle = f"{text.ratio(np.median(closed))}x"
                note = f"median, {len(closed)} of {len(now)}"
                parted = ", wholly or in part" if min(filter(None, parts)) < 1 else ""
                said = f"{len(closed)} of {len(now)} closed{parted}; median leverage {middle}"
            tiles.append(Tile(f"{rule}: closed", middle, note))
            words.append(f"{rule.capitalize()}: {said}.")
        return Shown(state, words, tiles)


# Real prices


class SurvivalPicture(Picture):
    """The most leverage that each mode would have survived, from each day of a price table.

    A state has "dates", the starting days; the leverage of each mode, an array of the same length;
    and "held", the leverage of the account itself.
    """

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(-0.01, 1.02), ylim=(0.16, 50), yscale="log", xticks=[], xlabel="first day")
        ax.set_yticks(2.0 ** np.arange(-2, 6), minor=False)
        ax.set_yticks([], minor=True)
        ax.yaxis.set_major_formatter("{x:g}x")
        ax.set_title("leverage that survives", fontweight="normal", x=-0.08)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, dates = self.axes[0], state["dates"]
        x = np.linspace(0, 1, len(dates))
        firsts = [(at, day) for at, day in zip(x, dates, strict=True) if day.day == 1]
        every = max(round(len(firsts) / 5), 1)
        for number, (at, date) in enumerate(firsts):
            if number % every == 0:
                yield ax.axvline(at, color=FAINT, linewidth=1, zorder=0)
                words = f"{date:%b %y}"
                yield inside(label(ax, at + 0.004, 0.2, words, QUIET, ha="left", ground=False))
        yield ax.axhline(state["held"], color=QUIET, linestyle=":", linewidth=1.5, zorder=1)
        words = f"held: {text.ratio(state['held'])}x"
        yield label(ax, 1.01, state["held"] * 1.2, words, QUIET, ha="right")
        apart = np.argmax(state["cross"] / state["isolated"])
        for mode, away in (("isolated", 0.65), ("cross", 1.5)):
            (colour, style), leverage = LINES[mode], np.clip(state[mode], 0.2, 45)
            yield curve(ax, x, leverage, color=colour, linestyle=style, linewidth=1.8)
            side = "right" if apart > len(x) / 2 else "left"
            yield inside(label(ax, x[apart], leverage[apart] * away, mode, colour, ha=side))

    def alt(self, state: Mapping[str, Any]) -> str:
        ends = "; ".join(
            f"{mode} {text.ratio(np.min(state[mode]), 1)}x to {text.ratio(np.max(state[mode]), 1)}x"
            for mode in MODES
        )
        return (
            f"Two lines over {len(state['dates'])} first days, the most leverage that survives: "
            f"{ends}. A dotted line: {text.ratio(state['held'])}x was held."
        )
