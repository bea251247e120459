"""Ten sentences about margin that surprise: true, false, or does it depend, and on what?

Each is tried as a claim is (`margin_course.ledger`), and comes with the picture or the table that
decides. `hers` is the account with one fenced trade, `his` the one with a long and a short.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isclose, isfinite, isnan
from typing import Any

import numpy as np

from margin_course.claims import carried, gap, just_past, lost, only_realised_profit_counts
from margin_course.ledger import HOLDS, WHEN, WRONG, Book, Finding, found
from margin_course.lessons.comparison import PlanePicture
from margin_course.lessons.cross_margin import CrossPicture
from margin_course.modes import PathPicture, both_modes
from margin_course.page import by_mode, table
from margin_course.prediction import Prediction, predict
from margin_course.scenarios import Scenario
from margin_course.text import money, percent
from margin_lib.errors import MarginError
from margin_lib.liquidation import mark_to_market

ANSWERS = {HOLDS: "true", WRONG: "false", WHEN: "true under a condition"}
TINY = 1e-9


@dataclass(frozen=True)
class Myth:
    """A sentence that people believe, its trial, and what shows how it came out.

    Parameters
    ----------
    says : str
    trial : callable           from all scenarios to a `Finding`
    look : callable            from all scenarios to a picture or a table
    """

    says: str
    trial: Callable[[Book], Finding]
    look: Callable[[Book], Any]


MYTHS: list[Myth] = []


def myth(says: str, look: Callable[[Book], Any]) -> Callable:
    """Put the function below among the myths, as the trial of a sentence."""

    def keep(trial: Callable[[Book], Finding]) -> Callable[[Book], Finding]:
        MYTHS.append(Myth(says, trial, look))
        return trial

    return keep


def card(number: int, book: Book) -> Prediction:
    """A card with one of the myths: choose, then see what decides, and when it holds.

    Parameters
    ----------
    number : int               1 is the first
    book : Mapping             all scenarios, by name

    Raises
    ------
    MarginError                no such card
    """
    if number not in range(1, len(MYTHS) + 1):
        raise MarginError("card", f"must be 1 to {len(MYTHS)}", number)
    each = MYTHS[number - 1]
    finding = each.trial(book)
    when = f"It holds when {finding.when}. " if finding.kind == WHEN else ""
    return predict(
        f"Card {number}. “{each.says}”",
        ANSWERS[finding.kind],
        options=list(ANSWERS.values()),
        opens=[f"{when}{finding.number}.", each.look(book)],
    )


def both_long(his: Scenario) -> Scenario:
    """The same trades, all on one side."""
    for trade in his.trades:
        his = his.with_trade(trade.symbol, side="long")
    return his


def _words(pair: tuple[float, float], currency: str, digits: int = 2) -> tuple[str, str]:
    first, second = pair
    return money(first, currency, digits), money(second, currency, digits)


# One: the leverage setting


def _settings(book: Book) -> dict[str, tuple[float, float]]:
    """Where the second trade is liquidated, isolated and cross, under each change."""
    his, marks = book["cross"], book["cross"].marks()
    symbol = his.trades[1].symbol

    def edges(part: float, **change: Any) -> tuple[float, float]:
        ends = []
        for mode in ("isolated", "cross"):
            account = his.account(mode)
            if mode == "isolated":
                change = change | {"margin": part * his[symbol].margin}
            else:
                change = {name: value for name, value in change.items() if name != "margin"}
            held = [replace(p, **change) if p.symbol == symbol else p for p in account.positions]
            edge = replace(account, positions=held).liquidation_price(symbol, marks)
            ends.append(float(edge / marks[symbol] - 1))
        return ends[0], ends[1]

    leverage = his[symbol].leverage
    return {
        "as it is": edges(1),
        "the setting one higher": edges(1, leverage=leverage + 1),
        "and the margin set free": edges(leverage / (leverage + 1), leverage=leverage + 1),
    }


def _settings_table(book: Book) -> Any:
    rows = _settings(book).items()
    symbol = book["cross"].trades[1].symbol
    return by_mode(
        f"{symbol} is liquidated at", {words: (percent(a), percent(b)) for words, (a, b) in rows}
    )


@myth("More leverage on an open trade brings its liquidation nearer.", _settings_table)
def the_setting_moves_liquidation(book: Book) -> Finding:
    edges = _settings(book)
    before, setting, freed = edges.values()
    return found(
        f"Isolated {percent(before[0])}, with a higher setting {percent(setting[0])}, with the "
        f"margin set free {percent(freed[0])}",
        the_exchange_takes_the_freed_margin_out_of_the_pocket=abs(freed[0]) < abs(before[0]) - TINY,
        only_the_setting_changes=any(
            abs(a) < abs(b) - TINY for a, b in zip(setting, before, strict=True) if isfinite(b)
        ),
    )


# Two: no liquidation price


def _other_jumps(book: Book) -> Any:
    """The second price goes as wrong as it can; the first stands still."""
    his = book["cross"]
    bad = 9.0 if his.trades[1].side == "short" else -0.999
    return his.marks(**{his.trades[1].symbol: bad})


@myth(
    "The exchange shows no liquidation price for my cross trade, so it cannot be liquidated.",
    lambda book: CrossPicture(book["cross"]).plot(both_modes(book["cross"], [_other_jumps(book)])),
)
def never_means_safe(book: Book) -> Finding:
    his = book["cross"]
    mine, other = his.trades[:2]
    account = his.account("cross")
    good = -0.5 if other.side == "short" else 0.5
    calm = his.marks(**{other.symbol: good})
    shown = account.liquidation_price(mine.symbol, calm)
    after, _ = mark_to_market(account, _other_jumps(book))
    return found(
        f"{mine.symbol} shows “{'never' if isnan(shown) else percent(shown / mine.price - 1)}” "
        f"while {other.symbol} is at {percent(good, 0)}; when {other.symbol} jumps, "
        f"{'nothing' if mine.symbol in after else mine.symbol} is closed with it",
        another_price_goes_wrong=isnan(shown) and mine.symbol in after,
    )


# Three: pockets alive, cross alive


@myth(
    "As long as each trade would live in a pocket of its own, the cross account lives.",
    lambda book: PlanePicture(book["cross"]).plot(
        both_modes(book["cross"], [book["cross"].marks()])
    ),
)
def cross_lives_while_pockets_do(book: Book) -> Finding:
    his = book["cross"]
    changes = np.linspace(-0.95, 1.5, 50)
    names = [trade.symbol for trade in his.trades]
    grid = np.meshgrid(*[changes] * len(names))
    marks = his.marks(**dict(zip(names, grid, strict=True)))
    fences, shared = his.account("isolated"), his.account("cross")
    dead = [fences.risk(marks, name).is_liquidatable for name in names]
    lives = ~np.any(dead, axis=0)
    alive = int(np.sum(lives))
    lasts = int(np.sum(lives & ~shared.risk(marks).is_liquidatable))
    return found(
        f"{alive:,} moves were tried in which every pocket lives; cross lives in {lasts:,} of them",
        on_every_move_that_was_tried=alive == lasts,
    )


# Four: prices come back


def _back(book: Book) -> Any:
    his = book["cross"]
    return both_modes(his, [his.marks(), his.marks(**his.moves["rescue"]), his.marks()])


@myth(
    "When prices are back where they began, so is my money.",
    lambda book: PathPicture(book["cross"]).plot({**_back(book), "step": 2}),
)
def prices_bring_money_back(book: Book) -> Finding:
    his, runs = book["cross"], _back(book)
    ends = {mode: run.equity[-1] for mode, run in runs.items()}
    begin = {mode: run.equity[0] for mode, run in runs.items()}
    kept = {mode: isclose(ends[mode], begin[mode]) for mode in runs}
    return found(
        f"Isolated ends with {his.money(ends['isolated'])}, cross with {his.money(ends['cross'])}",
        nothing_was_closed_on_the_way=kept["cross"],
        a_trade_was_closed_on_the_way=kept["isolated"],
    )


# Five: the hedge that is opened


def _to_open(book: Book) -> tuple[float, float]:
    his = book["cross"]
    shared = his.account("cross").risk(his.marks()).initial_margin
    return his.account("isolated").locked_margin, float(shared)


@myth(
    "A hedge takes less money to open in cross.",
    lambda book: by_mode("money", {"to open both": _words(_to_open(book), book["cross"].currency)}),
)
def hedges_open_cheaper(book: Book) -> Finding:
    pockets, shared = _to_open(book)
    return found(
        f"Initial margins are added up in both modes: {money(pockets, book['cross'].currency)} and "
        f"{money(shared, book['cross'].currency)}. What cross needs less of is money to live on",
        in_cross=shared < 0.999 * pockets,
    )


# Six: profit on the screen


@myth(
    "Profit on the screen stands behind my other trades.",
    lambda book: CrossPicture(book["cross"]).plot(
        both_modes(book["cross"], [carried(book["cross"])])
    ),
)
def open_profit_helps(book: Book) -> Finding:
    his = book["cross"]
    marks = carried(his)
    account = his.account("cross")
    alive = [
        not each.risk(marks).is_liquidatable
        for each in (account, only_realised_profit_counts(account))
    ]
    words = ["lives" if each else "dies" for each in alive]
    return found(
        f"At the same prices the account {words[0]} where open profit counts, and {words[1]} where "
        "only profit that was taken does",
        the_exchange_counts_open_profit=alive[0],
        it_counts_only_profit_that_was_taken=alive[1],
    )


# Seven: funding


def _payments(book: Book) -> tuple[float, float]:
    hers, (trade,) = book["isolated"], book["isolated"].trades
    rates = {trade.symbol: hers.funding_rate}
    _, fenced = hers.account("isolated").pay_funding(rates, hers.marks())
    _, shared = hers.account("cross").pay_funding(rates, hers.marks())
    return fenced.received("other traders"), shared.received("other traders")


@myth(
    "A trade pays the same funding, in cash, in both modes.",
    lambda book: by_mode(
        "one payment", {"cash": _words(_payments(book), book["isolated"].currency, 5)}
    ),
)
def funding_is_the_same_cash(book: Book) -> Finding:
    fenced, shared = _payments(book)
    unit = book["isolated"].currency
    return found(
        f"{money(fenced, unit, 5)} and {money(shared, unit, 5)}; what differs is the pocket that "
        "pays",
        at_one_rate=isclose(fenced, shared),
    )


# Eight: lost in full


def _losses(book: Book) -> dict[str, float]:
    hers = book["isolated"]
    fenced, (trade,) = hers.account("isolated"), hers.trades
    near = just_past(fenced, trade.symbol, hers.marks())
    return {
        "just past it, the venue keeps the rest": lost(fenced, near) / trade.margin,
        "just past it, the venue returns the rest": (
            lost(fenced, near, hers.liquidation_fee) / trade.margin
        ),
        "after a jump": lost(fenced, gap(hers), hers.liquidation_fee) / trade.margin,
    }


@myth(
    "In a liquidation I lose all that stood behind the trade.",
    lambda book: table(
        {"liquidated": words, "of the margin": percent(part, sign=False)}
        for words, part in _losses(book).items()
    ),
)
def liquidation_takes_all(book: Book) -> Finding:
    kept, returned, jumped = _losses(book).values()
    return found(
        f"Lost: {percent(kept, sign=False)}, {percent(returned, sign=False)} or "
        f"{percent(jumped, sign=False)} of the margin",
        the_venue_keeps_the_rest=isclose(kept, 1),
        it_returns_the_rest=isclose(returned, 1),
        the_price_jumps_too_far=isclose(jumped, 1),
    )


# Nine: two longs


@myth(
    "Two longs in cross protect each other.",
    lambda book: PlanePicture(both_long(book["cross"])).plot(
        both_modes(both_long(book["cross"]), [book["cross"].marks()])
    ),
)
def two_longs_protect_each_other(book: Book) -> Finding:
    """The first coin falls just past its pocket's wall; the second falls as far, or rises."""
    twins = both_long(book["cross"])
    fences, shared = twins.account("isolated"), twins.account("cross")
    walls = {t.symbol: fences.liquidation_price(t.symbol) / t.price - 1 for t in twins.trades}
    first = max(walls, key=walls.__getitem__)
    fall = walls[first] - 1e-4
    marks = [
        twins.marks(**{s: fall if s == first else sign * fall for s in walls}) for sign in (1, -1)
    ]
    needs = [shared.risk(each).is_liquidatable for each in marks]
    idle = fences.balance > TINY  # money beside the pockets helps whatever the sides
    return found(
        f"{first} falls to {percent(fall)}. Where the others fall as far, cross "
        f"{'dies' if needs[0] else 'lives'}; where they rise as far, it "
        f"{'dies' if needs[1] else 'lives'}",
        their_prices_fall_together=not needs[0] and not idle,
        their_prices_part=not needs[1],
    )


# Ten: without leverage


def _unlevered(book: Book) -> dict[str, float]:
    """Where a long without leverage is liquidated: its margin in money, and in the coin."""
    hers, (trade,) = book["isolated"], book["isolated"].trades
    ends = {}
    for words, inverse in {"in money": False, "in the coin": True}.items():
        contract = replace(trade.contract, inverse=inverse)
        margin = trade.margin / trade.price if inverse else trade.margin
        plain = replace(trade, contract=contract, side="long", margin=margin, leverage=1)
        one = replace(hers, balance=2 * margin, trades=(plain,), moves={}, paths={})
        ends[words] = one.account("isolated").liquidation_price(trade.symbol) / trade.price - 1
    return ends


@myth(
    "A long without leverage cannot be liquidated.",
    lambda book: table(
        {"margin": words, "liquidated at": percent(edge)}
        for words, edge in _unlevered(book).items()
    ),
)
def without_leverage_nothing_can_happen(book: Book) -> Finding:
    money_edge, coin_edge = _unlevered(book).values()
    return found(
        f"Margin in money: {percent(money_edge)}. Margin in the coin, which falls with the price: "
        f"{percent(coin_edge)}",
        its_margin_is_money=isnan(money_edge),
        its_margin_is_the_coin_itself=isnan(coin_edge),
    )
