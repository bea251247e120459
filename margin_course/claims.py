"""The claims that articles on margin modes make, each beside the trial that judges it.

A trial runs the accounts of the scenarios and says in which cases the claim held. Nothing is typed:
other scenarios give other numbers, and sometimes another verdict. `first` is the trader with one
trade in USD, `hers` the account with one fenced trade, `his` the one with a long and a short.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import isclose, isfinite, nan
from typing import Any

import numpy as np

from margin_course.accounts import (
    BROKEN,
    COINS,
    covered,
    falling,
    hedge,
    in_coins,
    in_dollars,
    topped_up,
)
from margin_course.ledger import CLAIMS, Book, Finding, Ledger, claim, found, refusal
from margin_course.modes import both_modes
from margin_course.scenarios import Scenario
from margin_course.text import amount, money, percent, ratio
from margin_lib import formulas
from margin_lib.account import Account
from margin_lib.contracts import Conventions
from margin_lib.liquidation import mark_to_market
from margin_lib.portfolio import Scan
from margin_lib.venues import names, venue

__all__ = ["CLAIMS", "Ledger", "refusal"]  # what a notebook asks for

HAIR = 1e-4  # how far beyond a liquidation price counts as just past it, as a share of the price
TINY = 1e-9
BOLD = 20  # leverage at which both sides of one coin are opened
Marks = dict[str, Any]  # symbol -> price, one number each


# What several trials need


def just_past(account: Account, symbol: str, marks: Marks) -> Marks:
    """The marks with one price a hair beyond its liquidation price, on the side where it loses."""
    edge, way = account.liquidation_price(symbol, marks), account[symbol].quantity
    return {**marks, symbol: edge * (1 - HAIR if way > 0 else 1 + HAIR)}


def gap(hers: Scenario) -> Marks:
    """A fall far beyond the bankruptcy price of her one trade."""
    (trade,) = hers.trades
    fall = hers.account("isolated").bankruptcy_price(trade.symbol) / trade.price - 1
    return hers.marks(**{trade.symbol: max(2 * fall, -0.99)})


def lost(account: Account, marks: Marks, fee: float | None = None) -> float:
    """Money that the account has lost once the due positions are closed; see `mark_to_market`."""
    after, _ = mark_to_market(account, marks, fee)
    return account.wallet_balance - after.wallet_balance


def boldest_loser(his: Scenario) -> str:
    """The trade that ends his cross account by itself at the smallest move, all else unchanged."""
    account, marks = his.account("cross"), his.marks()
    room = {
        trade.symbol: abs(account.liquidation_price(trade.symbol, marks) / trade.price - 1)
        for trade in his.trades
    }
    return min((symbol for symbol in room if isfinite(room[symbol])), key=room.__getitem__)


def carried(his: Scenario) -> Marks:
    """Both prices past the point where one trade alone would end the account; the other gains."""
    loser = boldest_loser(his)
    edge = his.account("cross").liquidation_price(loser, his.marks()) / his[loser].price - 1
    return his.marks(**{trade.symbol: 1.05 * edge for trade in his.trades})


def only_realised_profit_counts(account: Account) -> Account:
    """The account at a venue where open profit carries no other position."""
    rules = Conventions(profit="backs itself")
    positions = [
        replace(p, contract=replace(p.contract, conventions=rules)) for p in account.positions
    ]
    return replace(account, positions=positions)


def needed(scenario: Scenario, walk: Sequence[Marks]) -> tuple[float, float]:
    """Money that keeps every trade open on a walk: in a pocket each, and in one balance.

    A pocket needs the worst moment of its trade, a balance the worst moment of the sum.
    """
    trades = scenario.account("cross").positions
    risks = [[trade.risk(marks[trade.symbol]) for trade in trades] for marks in walk]
    lack = [[risk.maintenance_margin - risk.equity for risk in moment] for moment in risks]
    alone = sum(max(0.0, *each) for each in zip(*lack, strict=True))
    return alone, max(0.0, *(sum(moment) for moment in lack))


def lead_of_cross(scenario: Scenario, walk: Sequence[Marks]) -> float:
    """By how much cross ends ahead of isolated; below 0 it is behind."""
    ends = both_modes(scenario, walk)
    return float(ends["cross"].equity[-1] - ends["isolated"].equity[-1])


def deep_rescue(his: Scenario) -> Marks:
    """The rescue move, at the least deep enough to kill the pocket of his first trade."""
    marks, symbol = his.marks(**his.moves["rescue"]), his.trades[0].symbol
    wall = (1 - HAIR) * his.account("isolated").liquidation_price(symbol)
    return {**marks, symbol: min(marks[symbol], wall)}


# Leverage


@claim("L1", "Leverage lets a small sum control a position several times its size.", "01_leverage")
def a_small_sum_controls_more(book: Book) -> Finding:
    first = book["leverage"]
    (trade,) = first.trades
    (bought,) = first.account("isolated").positions
    value = bought.notional(bought.entry_price)
    words = f"{first.money(trade.margin)} control {first.money(value)}"
    return found(words, the_trade_is_open=value > trade.margin)


@claim("L2", "Leverage enlarges losses by the same factor as gains.", "01_leverage")
def losses_grow_as_gains_do(book: Book) -> Finding:
    first = book["leverage"]
    account = first.account("isolated")
    (bought,) = account.positions
    half = (bought.entry_price - account.liquidation_price(bought.symbol)) / 2
    up, down = (bought.pnl(bought.entry_price + s) / bought.margin for s in (half, -half))
    _, month = account.pay_interest({bought.symbol: first.hourly_interest}, hours=30 * 24)
    fees = 2 * bought.notional(bought.entry_price) * bought.contract.taker_fee
    cost = (fees + month.received("lender")) / bought.margin
    return found(
        f"{percent(up)} and {percent(down)}; after a month's costs {percent(up - cost)} and "
        f"{percent(down - cost)}",
        costs_are_left_out=isclose(up, -down),
        a_month_of_costs_is_paid=isclose(up - cost, cost - down),
    )


@claim("L3", "What you do not pay yourself is borrowed from the exchange.", "01_leverage")
def the_rest_is_borrowed(book: Book) -> Finding:
    """Who gets what she pays: a lender, or other traders?"""
    first = book["leverage"]
    account, unit = first.account("isolated"), first.currency
    (bought,) = account.positions
    _, loan = account.pay_interest({bought.symbol: first.hourly_interest}, hours=30 * 24)
    _, perpetual = account.pay_funding({bought.symbol: first.funding_rate}, first.marks())
    return found(
        f"{money(bought.borrowed, unit)}; a month costs {money(loan.received('lender'), unit)}",
        it_is_a_margin_loan=loan.received("lender") > 0,
        it_is_a_perpetual_contract=perpetual.received("lender") > 0,
    )


# Terms


@claim("T1", "Leverage is a multiplier that says how much may be borrowed.", "02_terms")
def leverage_says_how_much_is_borrowed(book: Book) -> Finding:
    hers = book["isolated"]
    (trade,) = hers.trades
    calmer = hers.with_trade(trade.symbol, leverage=(1 + trade.leverage) / 2)
    held, less = (
        each.account("isolated")[trade.symbol].borrowed / trade.margin for each in (hers, calmer)
    )
    lower = calmer[trade.symbol].leverage
    return found(
        f"for each {hers.currency} of your own you borrow {ratio(held)}; at {lower:g}x it is "
        f"{ratio(less)}",
        leverage_is_high=isclose(held, trade.leverage - 1),
        leverage_is_low=isclose(less, lower - 1),
    )


@claim("T2", "Initial margin is the least collateral that opens a position.", "02_terms")
def initial_margin_is_the_least(book: Book) -> Finding:
    hers = book["isolated"]
    (trade,) = hers.trades
    least = formulas.initial_margin(trade.notional, trade.leverage)
    order = {"quantity": trade.quantity, "price": trade.price, "leverage": trade.leverage}
    empty = Account(balance=hers.balance)
    answers = [
        refusal(empty.open, trade.contract, **order, margin=m) for m in (least, 0.99 * least)
    ]
    return found(
        f"{hers.money(least)} open it; less: “{answers[1] or 'done'}”",
        you_bring_exactly_that=answers[0] is None,
        you_bring_a_little_less=answers[1] is not None,
    )


@claim(
    "T3",
    "Maintenance margin is the least equity that keeps it open; below it you get a margin call.",
    "02_terms",
)
def below_maintenance_comes_a_call(book: Book) -> Finding:
    """A hair past the liquidation price: is there time to pay?"""
    hers = book["isolated"]
    fenced, (trade,) = hers.account("isolated"), hers.trades
    near = just_past(fenced, trade.symbol, hers.marks())
    paid, _ = replace(fenced, balance=fenced.balance + trade.margin).add_margin(
        trade.symbol, trade.margin
    )
    alive = [trade.symbol in mark_to_market(account, near)[0] for account in (paid, fenced)]
    words = ["alive" if lives else "closed" for lives in alive]
    floor = fenced.risk(near, trade.symbol).maintenance_margin
    return found(
        f"a hair below {hers.money(floor, 4)} of equity the trade is {words[1]}; "
        f"topped up in time, {words[0]}",
        a_broker_waits_until_you_have_paid=alive[0],
        an_exchange_acts_at_once=alive[1],
    )


@claim(
    "T4",
    "In a liquidation the exchange closes the position and the collateral is lost in full.",
    "02_terms",
)
def the_collateral_is_lost_in_full(book: Book) -> Finding:
    hers = book["isolated"]
    fenced, (trade,) = hers.account("isolated"), hers.trades
    near = just_past(fenced, trade.symbol, hers.marks())
    kept, returned = (
        lost(fenced, near, fee) / trade.margin for fee in (None, hers.liquidation_fee)
    )
    jumped = lost(fenced, gap(hers), hers.liquidation_fee) / trade.margin
    return found(
        f"{percent(kept, sign=False)} or {percent(returned, sign=False)} of the margin lost",
        the_venue_keeps_what_is_left=isclose(kept, 1),
        it_returns_what_is_left=isclose(returned, 1),
        the_price_jumps_past_bankruptcy=isclose(jumped, 1),
    )


# Isolated margin


@claim(
    "I1",
    "In isolated margin you lose at most what you allocated, however violent the move.",
    "03_isolated_margin",
)
def at_most_what_was_allocated(book: Book) -> Finding:
    """Take the fund away, and it depends on the move after all."""
    hers = book["isolated"]
    fenced, (trade,) = hers.account("isolated"), hers.trades
    near, far = just_past(fenced, trade.symbol, hers.marks()), gap(hers)
    crashed, (event,) = mark_to_market(fenced, far)
    pocket = fenced[trade.symbol]
    return found(
        f"in a jump to {percent(far[trade.symbol] / trade.price - 1)} the fund pays "
        f"{hers.money(-event.received('insurance fund'))}",
        the_price_moves_in_small_steps=-pocket.pnl(near[trade.symbol]) <= pocket.margin,
        a_fund_pays_for_the_jump=crashed.balance >= fenced.balance,
        nobody_pays_for_it=-pocket.pnl(far[trade.symbol]) <= pocket.margin,
    )


@claim(
    "I2",
    "A part of the balance, levered, gives a position of several times that part; the rest of it "
    "is a loan.",
    "03_isolated_margin",
)
def a_part_of_the_balance_levered(book: Book) -> Finding:
    hers = book["isolated"]
    (trade,) = hers.trades
    fallen = 0.8 * trade.margin  # the collateral was another coin, and that lost a fifth
    edge = formulas.liquidation_price(
        trade.price, trade.quantity, fallen, trade.contract.maintenance_rate
    )
    return found(
        f"{hers.money(trade.notional)}; if other collateral loses a fifth, leverage is "
        f"{ratio(trade.notional / fallen)}x, with liquidation at {percent(edge / trade.price - 1)}",
        all_is_counted_in_one_currency=isclose(trade.notional, trade.leverage * trade.margin),
        the_collateral_is_another_coin=isclose(trade.notional, trade.leverage * fallen),
    )


@claim("I3", "Gains are earned on the whole position, not on the margin.", "03_isolated_margin")
def gains_come_from_the_whole(book: Book) -> Finding:
    hers = book["isolated"]
    (held,) = hers.account("isolated").positions
    value, unit = held.notional(held.entry_price), hers.currency
    earned = held.pnl(1.1 * held.entry_price)
    words = f"a rise by a tenth earns {money(earned, unit)}, a tenth of {money(value, unit)}"
    return found(words, the_price_rises_by_a_tenth=isclose(earned, value / 10))


@claim(
    "I4",
    "If it is liquidated, the allocated part is gone and the main wallet is untouched.",
    "03_isolated_margin",
)
def the_wallet_is_untouched(book: Book) -> Finding:
    hers = book["isolated"]
    fenced, (trade,), unit = hers.account("isolated"), hers.trades, hers.currency
    near = just_past(fenced, trade.symbol, hers.marks())
    ends = [mark_to_market(fenced, near, fee)[0].balance for fee in (None, hers.liquidation_fee)]
    return found(
        f"{money(fenced.balance, unit)} before, {money(ends[0], unit)} or "
        f"{money(ends[1], unit)} after",
        the_venue_keeps_what_is_left=ends[0] == fenced.balance,
        it_returns_what_is_left=ends[1] == fenced.balance,
    )


@claim(
    "I5",
    "The risk of each trade is exact, and one bad trade cannot empty the account.",
    "03_isolated_margin",
)
def one_bad_trade_cannot_empty_it(book: Book) -> Finding:
    """One bad trade in each account; then two trades on one side, and both prices fall."""
    hers, his = book["isolated"], book["cross"]
    after, _ = mark_to_market(hers.account("isolated"), gap(hers))
    twins = his
    for trade in his.trades:
        twins = twins.with_trade(trade.symbol, side="long")
    crash = his.marks(**{trade.symbol: -0.9 for trade in his.trades})
    both, _ = mark_to_market(twins.account("isolated"), crash)
    return found(
        f"{hers.money(after.wallet_balance)} left after one bad trade; "
        f"{his.money(both.wallet_balance)} after two longs that fall together",
        one_trade_goes_bad=after.wallet_balance > TINY,
        two_longs_fall_together=both.wallet_balance > TINY,
    )


@claim(
    "I6",
    "Money does not come to the rescue by itself; you have to add margin by hand.",
    "03_isolated_margin",
)
def money_waits_for_you(book: Book) -> Finding:
    hers = book["isolated"]
    fenced, (trade,) = hers.account("isolated"), hers.trades
    near = just_past(fenced, trade.symbol, hers.marks())
    topped_up, _ = fenced.add_margin(trade.symbol, min(fenced.balance, trade.margin))
    alive = [trade.symbol in mark_to_market(account, near)[0] for account in (fenced, topped_up)]
    return found(
        f"{hers.money(fenced.balance)} lay idle while the trade was closed",
        nobody_acts=not alive[0],
        you_add_margin_in_time=alive[1],
    )


# Cross margin


@claim(
    "X1",
    "In cross margin the whole balance is collateral for every open position.",
    "04_cross_margin",
)
def the_whole_balance_is_behind_each(book: Book) -> Finding:
    """How much can one trade lose before the account is closed, alone and beside another one?"""
    his = book["cross"]
    symbol = his.trades[0].symbol
    lonely, pair = his.account({symbol: "cross"}), his.account("cross")
    (own, marks) = lonely[symbol], his.marks()
    spare = pair.risk(marks).cushion + own.risk(marks[symbol]).maintenance_margin
    alone = lonely.risk(marks).cushion + own.risk(marks[symbol]).maintenance_margin
    return found(
        f"{symbol} alone may use {his.money(alone)}; beside the other trade, which must "
        f"keep its maintenance margin, {his.money(spare)}",
        it_is_the_only_position=isclose(alone, lonely.balance),
        another_one_must_stay_open=isclose(spare, pair.balance),
    )


@claim(
    "X2",
    "Profit on one position offsets loss on another, so short swings are survived more often.",
    "04_cross_margin",
)
def profit_offsets_loss(book: Book) -> Finding:
    his = book["cross"]
    alive = {
        name: {mode: len(run.end.positions) for mode, run in both_modes(his, walk).items()}
        for name, walk in {n: his.path(n) for n in ("together", "apart")}.items()
    }
    marks = carried(his)  # the gain of one trade must carry the loss of the other
    up = marks[his.trades[0].symbol] / his.trades[0].price - 1
    strict, _ = mark_to_market(only_realised_profit_counts(his.account("cross")), marks)
    fenced, _ = mark_to_market(his.account("isolated"), marks)
    return found(
        "; ".join(
            f"{name}: cross keeps {kept['cross']} trades, isolated {kept['isolated']}"
            for name, kept in alive.items()
        )
        + f"; with both at {percent(up, 0)} and open profit left out, cross keeps "
        f"{len(strict.positions)}, isolated {len(fenced.positions)}",
        prices_move_together_and_open_profit_counts=(
            alive["together"]["cross"] > alive["together"]["isolated"]
        ),
        prices_move_apart=alive["apart"]["cross"] > alive["apart"]["isolated"],
        only_realised_profit_counts=len(strict.positions) > len(fenced.positions),
    )


@claim(
    "X3",
    "One balance can carry a long and a short whose exposures add up to more than itself.",
    "04_cross_margin",
)
def one_balance_carries_both(book: Book) -> Finding:
    his = book["cross"]
    sizes = (his.money(t.quantity * t.price, sign=True) for t in his.trades)
    held = his.account("cross").risk(his.marks()).notional
    words = f"{' and '.join(sizes)} on {his.money(his.balance)}"
    return found(words, both_trades_are_open=held > his.balance)


@claim(
    "X4",
    "When the hedge works, nothing is liquidated while net equity stays above maintenance.",
    "04_cross_margin",
)
def net_equity_decides(book: Book) -> Finding:
    """One trade has lost more than the balance; the other one's open profit makes up for it."""
    his, marks = book["cross"], carried(book["cross"])
    account = his.account("cross")
    risk, strict = account.risk(marks), only_realised_profit_counts(account)
    moves = ", ".join(f"{t.symbol} {percent(marks[t.symbol] / t.price - 1, 0)}" for t in his.trades)
    enough = risk.equity > risk.maintenance_margin
    return found(
        f"at {moves}: net equity {his.money(risk.equity)} against "
        f"{his.money(risk.maintenance_margin)}",
        open_profit_counts=enough and not risk.is_liquidatable,
        only_realised_profit_counts=enough and not strict.risk(marks).is_liquidatable,
    )


@claim(
    "X5",
    "When both positions go wrong past maintenance, the whole balance is lost.",
    "04_cross_margin",
)
def the_whole_balance_is_lost(book: Book) -> Finding:
    his = book["cross"]
    account, loser, unit = his.account("cross"), boldest_loser(his), his.currency
    crash, jump = (his.marks(**his.moves[name]) for name in ("contagion", "gap"))
    crash = just_past(account, loser, crash)  # there the exchange acts while money is left
    kept, returned, far = (
        mark_to_market(account, marks, fee)[0].balance
        for marks, fee in ((crash, None), (crash, his.liquidation_fee), (jump, his.liquidation_fee))
    )
    deficit = max(-account.risk(jump).equity, 0.0)
    return found(
        f"left: {money(kept, unit)} where the rest is kept, {money(returned, unit)} where it is "
        f"returned; in the gap a deficit of {money(deficit, unit)} falls on the fund",
        the_venue_keeps_what_is_left=kept < TINY,
        it_returns_what_is_left=returned < TINY,
        prices_jump_past_the_point_where_money_is_left=far < TINY,
    )


@claim("X6", "Idle money helps by itself, and hedges need less capital.", "04_cross_margin")
def hedges_need_less(book: Book) -> Finding:
    """To open, and to live through a walk."""
    hers, his, unit = book["isolated"], book["cross"], book["cross"].currency
    fenced, shared, (trade,) = hers.account("isolated"), hers.account("cross"), hers.trades
    near = just_past(fenced, trade.symbol, hers.marks())
    pockets, balance = needed(his, his.path("together"))
    fences, pair = his.account("isolated"), his.account("cross")
    to_open = pair.risk(his.marks()).initial_margin
    return found(
        f"to live through: {money(balance, unit)} instead of {money(pockets, unit)}; "
        f"to open: {money(to_open, unit)} and {money(fences.locked_margin, unit)}",
        some_money_is_idle=trade.symbol in mark_to_market(shared, near)[0],
        the_trades_are_already_open=balance < pockets,
        they_are_still_to_be_opened=to_open < 0.999 * fences.locked_margin,
    )


@claim(
    "X7",
    "One position can endanger everything: there is no limit per trade.",
    "04_cross_margin",
)
def one_position_endangers_everything(book: Book) -> Finding:
    """One price goes as wrong as it can, the other stands still."""
    his = book["cross"]
    account = his.account("cross")
    worst = {
        t.side: his.marks(**{t.symbol: 9.0 if t.side == "short" else -0.999}) for t in his.trades
    }
    left = {side: mark_to_market(account, marks)[0] for side, marks in worst.items()}
    words = (
        f"{t.symbol}, a {t.side} of {his.money(t.notional)}, leaves "
        f"{his.money(left[t.side].equity(worst[t.side]))}"
        for t in his.trades
    )
    return found(
        "; ".join(words),
        **{f"the_{side}_goes_wrong": not after.positions for side, after in left.items()},
    )


# Comparison


@claim(
    "D1",
    "Collateral: the allocated margin in isolated, the whole balance in cross.",
    "05_comparison",
)
def what_stands_behind_a_position(book: Book) -> Finding:
    """One price rises half of the way to its wall. What does the collateral of the other feel?"""
    his = book["cross"]
    other, mover = his.trades[0], his.trades[1]
    fences, pair, begin = his.account("isolated"), his.account("cross"), his.marks()
    half = (fences.liquidation_price(mover.symbol) + mover.price) / 2
    later = {**begin, mover.symbol: half}
    felt = [
        account.risk(later, other.symbol).equity - account.risk(begin, other.symbol).equity
        for account in (fences, pair)
    ]
    move, unit = percent(half / mover.price - 1), his.currency
    return found(
        f"{mover.symbol} at {move}: the collateral behind {other.symbol} changes by "
        f"{money(felt[0], unit)} isolated, {money(felt[1], unit)} cross",
        in_isolated_it_feels_nothing=felt[0] == 0,
        in_cross_it_feels_all_of_it=isclose(felt[1], pair[mover.symbol].pnl(half)),
    )


@claim(
    "D2",
    "Risk control: a limit per trade in isolated, only one for the account in cross.",
    "05_comparison",
)
def where_the_limit_is(book: Book) -> Finding:
    his, unit = book["cross"], book["cross"].currency
    (short,) = (trade for trade in his.trades if trade.side == "short")
    tenfold = his.marks(**{short.symbol: 9.0})
    bill = -his.account("cross")[short.symbol].pnl(tenfold[short.symbol])
    fenced, shared = (
        run.start.wallet_balance - run.equity[-1] for run in both_modes(his, [tenfold]).values()
    )
    return found(
        f"{short.symbol}, tenfold, loses {money(bill, unit)}: isolated pays {money(fenced, unit)}, "
        f"cross {money(shared, unit)} of it",
        isolated_pays_the_margin_of_the_trade=isclose(fenced, short.margin),
        cross_pays_up_to_the_balance=short.margin < shared <= his.account("cross").balance,
    )


@claim(
    "D3",
    "Flexibility: transfers by hand in isolated, none needed in cross.",
    "05_comparison",
)
def who_moves_the_money(book: Book) -> Finding:
    hers, his, unit = book["isolated"], book["cross"], book["cross"].currency
    deep, symbol = deep_rescue(his), his.trades[0].symbol
    fences = his.account("isolated")
    lack = -fences.risk(deep, symbol).cushion
    answer = refusal(fences.add_margin, symbol, lack)
    idle = hers.account("isolated").balance > TINY and money_waits_for_you(book).kind == "holds"
    return found(
        f"{symbol} needs {money(lack, unit)}: {answer or 'done by hand'}; cross needs no transfer",
        some_money_is_idle=idle,
        all_of_it_is_at_work=answer is None and not both_modes(his, [deep])["cross"].dead,
    )


@claim("D4", "Best for: single bold trades in isolated, hedged books in cross.", "05_comparison")
def best_for(book: Book) -> Finding:
    hers, his = book["isolated"], book["cross"]
    near = just_past(hers.account("isolated"), hers.trades[0].symbol, hers.marks())
    bold = [-lead_of_cross(hers, walk) for walk in ([gap(hers)], [near, hers.marks()])]
    hedge = [lead_of_cross(his, his.path(name)) for name in ("together", "apart")]
    fails, recovers = (hers.money(x) for x in bold)
    works, breaks = (his.money(x) for x in hedge)
    return found(
        f"isolated ahead by {fails} or {recovers}; cross ahead by {works} or {breaks}",
        a_bold_trade_fails=bold[0] > TINY,
        a_bold_trade_recovers=bold[1] > TINY,
        a_hedge_works=hedge[0] > TINY,
        a_hedge_breaks=hedge[1] > TINY,
    )


@claim(
    "D5",
    "Liquidation: sooner but partial in isolated, later but total in cross.",
    "05_comparison",
)
def sooner_or_later(book: Book) -> Finding:
    his = book["cross"]
    fences, pair, begin, loser = (
        his.account("isolated"), his.account("cross"), his.marks(), boldest_loser(his),
    )  # fmt: skip
    walls = [a.liquidation_price(loser, begin) / begin[loser] - 1 for a in (fences, pair)]
    partial, _ = mark_to_market(fences, just_past(fences, loser, begin))
    lonely = just_past(pair, loser, begin)
    whole, _ = mark_to_market(pair, lonely)
    (other,) = (p for p in pair.positions if p.symbol != loser)
    saved = pair.risk(lonely).equity > other.risk(begin[other.symbol]).maintenance_margin
    later = abs(walls[0]) < abs(walls[1]) and other.symbol in partial
    return found(
        f"{percent(walls[0])} closes {loser} in isolated, {percent(walls[1])} everything in cross; "
        f"if the worst goes first, {other.symbol} {'lives on' if saved else 'dies as well'}",
        the_venue_closes_everything_at_once=later and not whole.positions,
        it_closes_the_worst_first=later and not saved,
    )


@claim(
    "S1",
    "Isolated suits high leverage, strict limits, and a known largest loss per trade.",
    "05_comparison",
)
def isolated_suits_bold_trades(book: Book) -> Finding:
    hers, unit = book["isolated"], book["isolated"].currency
    (trade,) = hers.trades
    ends = both_modes(hers, [gap(hers)])
    costs = [hers.balance - ends[mode].equity[-1] for mode in ("isolated", "cross")]
    calmer = hers.with_trade(trade.symbol, leverage=(1 + trade.leverage) / 2)
    room = [
        s.account("isolated").liquidation_price(trade.symbol) / trade.price - 1
        for s in (hers, calmer)
    ]
    return found(
        f"a jump costs {money(costs[0], unit)} isolated, {money(costs[1], unit)} cross; "
        f"liquidation at {percent(room[0])}, with less leverage at {percent(room[1])}",
        you_ask_how_much_can_be_lost=costs[0] < costs[1],
        you_ask_how_far_the_price_may_go=room[0] <= room[1],
    )


@claim("S2", "Cross suits correlated assets and offsetting positions.", "05_comparison")
def cross_suits_correlated_assets(book: Book) -> Finding:
    """A short becomes a long. The two coins are as correlated as before."""
    his = book["cross"]
    twins = his
    for trade in his.trades:
        twins = twins.with_trade(trade.symbol, side="long")
    needs = [needed(each, each.path("together")) for each in (his, twins)]
    opposite, same = (many - one for many, one in needs)
    return found(
        f"on opposite sides cross saves {his.money(opposite)}; on the same side cross "
        f"saves {his.money(same)}",
        the_positions_are_on_opposite_sides=opposite > 0.01 * his.balance,
        they_are_on_the_same_side=same > 0.01 * his.balance,
    )


@claim(
    "S3",
    "Both can be used at once: isolated for bold bets, cross for hedged ones.",
    "05_comparison",
)
def both_at_once(book: Book) -> Finding:
    his = book["cross"]
    bold, kept = his.trades[0].symbol, his.trades[1].symbol
    both = his.account({bold: "isolated", kept: "cross"})
    fall = just_past(both, bold, his.marks())
    after, _ = mark_to_market(both, fall)
    return found(
        f"{bold} isolated, {kept} cross: {' and '.join(p.symbol for p in after.positions)} lives "
        f"on, with {his.money(after.equity(fall))} in the account",
        one_account_holds_both={p.mode for p in both.positions} == {"isolated", "cross"},
        each_has_a_fate_of_its_own=bold not in after and kept in after,
    )


# Questions that everybody asks


@claim("F1", "The mode of a position can be switched.", "06_faq_checks")
def the_mode_can_be_switched(book: Book) -> Finding:
    hers, his = book["isolated"], book["cross"]
    fenced, (trade,), entry = hers.account("isolated"), hers.trades, hers.marks()
    shared, _ = fenced.switch_mode(trade.symbol, "cross", entry)
    again, _ = shared.switch_mode(trade.symbol, "isolated", entry, margin=trade.margin)
    edges = [
        a.liquidation_price(trade.symbol, entry) / trade.price - 1 for a in (fenced, shared, again)
    ]
    pair, rescue = his.account("cross"), his.marks(**his.moves["rescue"])
    refused = [refusal(pair.switch_mode, t.symbol, "isolated", rescue) for t in his.trades]
    rules = [venue(name).menu.switch_while_open for name in names()]
    return found(
        f"liquidation {percent(edges[0])} → {percent(edges[1])} and back; "
        f"{sum(map(bool, refused))} of {len(refused)} switches refused in the rescue; "
        f"{rules.count(False)} of {len(rules)} rule books want every position closed first",
        each_pocket_can_live_on_its_own=isclose(edges[0], edges[2]),
        one_trade_carries_the_other=not any(refused),
        the_venue_wants_positions_closed_first=False not in rules,
    )


@claim(
    "F2",
    "Isolated margin does not prevent losses: the allocated amount can go in full.",
    "06_faq_checks",
)
def the_fence_does_not_protect_what_is_inside(book: Book) -> Finding:
    hers, unit = book["isolated"], book["isolated"].currency
    fenced, (trade,) = hers.account("isolated"), hers.trades
    near = just_past(fenced, trade.symbol, hers.marks())
    full, jumped = lost(fenced, near), lost(fenced, gap(hers), hers.liquidation_fee)
    return found(
        f"{money(jumped, unit)} of {money(trade.margin, unit)} lost",
        the_venue_keeps_what_is_left=isclose(full, trade.margin),
        the_price_jumps=isclose(jumped, trade.margin),
    )


@claim("F3", "Cross margin is the safer mode.", "06_faq_checks")
def cross_is_safer(book: Book) -> Finding:
    his, unit = book["cross"], book["cross"].currency
    loser, begin = boldest_loser(his), his.marks()
    walls = [
        his.account(mode).liquidation_price(loser, begin) / begin[loser] - 1
        for mode in ("isolated", "cross")
    ]
    works, breaks = (lead_of_cross(his, his.path(name)) for name in ("together", "apart"))
    return found(
        f"{loser} alone may go {percent(walls[1])} instead of {percent(walls[0])}; cross ends "
        f"ahead by {money(works, unit)} in together, {money(breaks, unit)} in apart",
        safe_means_room_to_move=abs(walls[1]) >= abs(walls[0]),
        safe_means_money_left_and_the_hedge_works=works > TINY,
        safe_means_money_left_and_the_hedge_breaks=breaks > TINY,
    )


@claim(
    "F4",
    "The liquidation price follows from margin and leverage in isolated, from the whole equity in "
    "cross.",
    "06_faq_checks",
)
def what_moves_the_liquidation_price(book: Book) -> Finding:
    his = book["cross"]
    other, mine = his.trades[0].symbol, his.trades[1].symbol
    rescue = {**his.marks(), other: his.marks(**his.moves["rescue"])[other]}

    def edge(mode: str, marks: Marks, **change: Any) -> float:
        """Where `mine` is liquidated, as a change of its price, if its position were changed so."""
        account = his.account(mode)
        held = [replace(p, **change) if p.symbol == mine else p for p in account.positions]
        price = replace(account, positions=held).liquidation_price(mine, marks)
        return float(price / his[mine].price - 1)

    begin, opened = his.marks(), his.account("cross")[mine]
    base, larger, setting = (
        edge("isolated", begin, **change)
        for change in ({}, {"quantity": 1.1 * opened.quantity}, {"leverage": opened.leverage + 1})
    )
    shared, hit = edge("cross", begin), edge("cross", rescue)
    return found(
        f"isolated: {percent(base)}, with a tenth more coins {percent(larger)}, by the setting "
        f"alone {percent(setting)}; cross: {percent(shared)}, with {other} down {percent(hit)}",
        leverage_changes_margin_or_size=larger != base and hit != shared,
        only_the_setting_changes=abs(setting - base) > TINY,
    )


@claim("F5", "Funding does not differ between the modes.", "06_faq_checks")
def funding_is_the_same(book: Book) -> Finding:
    hers, unit = book["isolated"], book["isolated"].currency
    (trade,), entry = hers.trades, hers.marks()
    cash, used = [], []
    for mode in ("isolated", "cross"):
        start = hers.account(mode)
        after, event = start.pay_funding({trade.symbol: hers.funding_rate}, entry)
        old, new = (
            a.liquidation_price(trade.symbol, entry) / trade.price - 1 for a in (start, after)
        )
        cash.append(event.received("other traders"))
        used.append((new - old) / -old)
    return found(
        f"paid: {money(cash[0], unit, 5)} isolated, {money(cash[1], unit, 5)} cross; way to "
        f"liquidation used up: {percent(used[0], 3, sign=False)} and "
        f"{percent(used[1], 3, sign=False)}",
        you_compare_the_cash=isclose(cash[0], cash[1]),
        you_compare_how_much_nearer_liquidation_comes=isclose(used[0], used[1]),
    )


@claim("Z1", "Neither mode is better; the book and the market decide.", "06_faq_checks")
def neither_is_better(book: Book) -> Finding:
    """A better mode would end ahead in some markets, and behind in none."""
    hers, his = book["isolated"], book["cross"]
    near = just_past(hers.account("isolated"), hers.trades[0].symbol, hers.marks())
    markets = [[his.marks(**move)] for move in his.moves.values()]
    markets += [his.path(name) for name in his.paths]
    leads = {
        "the long and the short": [lead_of_cross(his, walk) for walk in markets],
        "the one bold trade": [
            lead_of_cross(hers, walk) for walk in ([gap(hers)], [near, hers.marks()])
        ],
    }
    score = {
        whose: (sum(x > TINY for x in ends), sum(x < -TINY for x in ends))
        for whose, ends in leads.items()
    }
    return found(
        "; ".join(
            f"{whose}: cross ends ahead in {ahead}, isolated in {behind} of {len(leads[whose])} "
            "markets"
            for whose, (ahead, behind) in score.items()
        ),
        the_book_is_a_hedge=all(score["the long and the short"]),
        it_is_one_bold_trade=all(score["the one bold trade"]),
    )


# A third way


def in_money(book: Book) -> Scenario:
    """His two trades in the currency of the first trader."""
    return in_dollars(book["cross"], book["leverage"])


def fall_that_ends(account: Account, his: Scenario, follows: float) -> float:
    """The change of his first coin, falling, at which an account is due; NaN if it never is."""
    falls = -np.linspace(0, 0.999, 10_000)
    due = account.risk(falling(his, falls, follows)).is_liquidatable
    return float(falls[np.argmax(due)]) if np.any(due) else nan


@claim(
    "U1",
    "In a unified account all that you hold is collateral, at what it is worth.",
    "10_other_modes",
)
def all_that_you_hold_counts(book: Book) -> Finding:
    his, coins = in_money(book), book["cross"]
    begin = {**his.marks(), COINS: 1.0}
    cash, held = his.account("cross"), in_coins(his)
    worth, counted = cash.equity(begin), held.equity(begin)
    return found(
        f"{coins.money(coins.balance)}, worth {his.money(worth)}, count {his.money(counted)}",
        you_hold_money=isclose(worth, cash.balance),
        you_hold_coins=isclose(counted, worth),
    )


@claim("U2", "Coins that you hold anyway cost nothing as collateral.", "10_other_modes")
def coins_cost_nothing(book: Book) -> Finding:
    """As much money as counts of the coins, against coins that stand still, and that fall along."""
    his = in_money(book)
    as_much = replace(his, haircut=0.0, balance=his.balance * (1 - his.haircut))
    money_alone = replace(his.account("cross"), balance=as_much.balance)
    coins = in_coins(his)
    ends = [fall_that_ends(coins, his, follows) for follows in (0.0, 1.0)]
    alone = fall_that_ends(money_alone, his, 0.0)
    reach = [0.999 if x != x else abs(x) for x in (alone, *ends)]
    symbol = his.trades[0].symbol
    return found(
        f"{symbol} falling alone: {percent(ends[0])}; with the coins: {percent(ends[1])}",
        they_stand_still=reach[1] > reach[0] - 1e-3,
        they_fall_with_the_long=reach[2] > reach[0] - 1e-3,
    )


@claim("U3", "A stablecoin is as good as cash.", "10_other_modes")
def a_stablecoin_is_cash(book: Book) -> Finding:
    his = in_money(book)
    symbol, begin = his.trades[1].symbol, {**his.marks(), COINS: 1.0}
    held = in_coins(his, haircut=0.0)
    cash, whole, broken = (
        account.liquidation_price(symbol, marks) / his[symbol].price - 1
        for account, marks in (
            (his.account("cross"), begin),
            (held, begin),
            (held, {**begin, COINS: BROKEN}),
        )
    )
    return found(
        f"{symbol} alone ends it at {percent(whole)}, and at {percent(broken)} once the coin "
        f"stands at {ratio(BROKEN)}",
        it_keeps_its_price=isclose(whole, cash),
        it_loses_it=isclose(broken, cash),
    )


@claim("U4", "A long and a short of one coin cannot be liquidated.", "10_other_modes")
def both_sides_are_safe(book: Book) -> Finding:
    """Opened on the two initial margins alone; then the price goes anywhere."""
    trade = in_money(book).trades[0]
    market = trade.contract.market
    ends = {
        rule: hedge(trade, BOLD, rule).liquidation_range(market, {market: trade.price})
        for rule in ("net", "larger", "both")
    }
    rises = [amount(ends[rule][1] / trade.price - 1, "%") for rule in ("both", "larger")]
    return found(
        f"opened at {BOLD}x, both are closed by a rise of {rises[0]} where each asks, of "
        f"{rises[1]} where the larger side asks",
        the_venue_nets_them=all(x != x for x in ends["net"]),
        the_larger_side_asks=all(x != x for x in ends["larger"]),
        each_asks_for_its_own=all(x != x for x in ends["both"]),
    )


@claim(
    "U5",
    "Who owns a coin and is short of as much lives through a doubling of its price.",
    "10_other_modes",
)
def owned_and_short(book: Book) -> Finding:
    his = in_money(book)
    trade = his.trades[0]
    marks = {trade.contract.market: trade.price}
    behind = hedge(trade, BOLD).balance
    rises = [
        covered(trade, behind, counted).liquidation_range(trade.contract.market, marks)[1]
        / trade.price
        - 1
        for counted in (1 - his.haircut, 0.0)
    ]
    return found(
        f"liquidated by a rise of {amount(rises[0], '%')}; of {amount(rises[1], '%')} where the "
        "coin does not count",
        the_coin_is_collateral=not rises[0] <= 1,
        the_coin_does_not_count=not rises[1] <= 1,
    )


@claim("U6", "Portfolio margin asks for less than cross.", "10_other_modes")
def a_scan_asks_for_less(book: Book) -> Finding:
    his, scan = in_money(book), Scan()
    marks, account, unit = his.marks(), his.account("cross"), his.currency
    risk, asked = account.risk(marks), scan.requirement(account, marks)
    both = hedge(his.trades[0], BOLD)
    one_coin = scan.requirement(both, marks), both.risk(marks).maintenance_margin
    return found(
        f"{money(asked, unit)} to open and to keep; cross {money(risk.initial_margin, unit)} and "
        f"{money(risk.maintenance_margin, unit)}; long and short of one coin: "
        f"{money(one_coin[0], unit)} to keep, cross {money(one_coin[1], unit)}",
        you_open_a_long_and_a_short=asked < risk.initial_margin,
        you_keep_both_in_one_coin=one_coin[0] < one_coin[1],
        you_keep_them_in_two_coins=asked < risk.maintenance_margin,
    )


@claim("U7", "A scan of the whole book asks for less than each trade by itself.", "10_other_modes")
def a_scan_sees_the_hedge(book: Book) -> Finding:
    his, scan = in_money(book), Scan()
    marks, words, less = his.marks(), [], []
    twins = his
    for trade in his.trades:
        twins = twins.with_trade(trade.symbol, side="long")
    for name, each in (("hedged", his), ("both long", twins)):
        apart = sum(
            scan.requirement(each.account({trade.symbol: "cross"}), marks) for trade in each.trades
        )
        whole = scan.requirement(each.account("cross"), marks)
        less.append(whole < 0.999 * apart)
        words.append(f"{name}: {his.money(whole)} of {his.money(apart)}")
    return found(
        "; ".join(words), they_are_on_opposite_sides=less[0], they_are_on_the_same_side=less[1]
    )


@claim(
    "U8",
    "With automatic top-up an isolated trade still loses no more than its margin.",
    "10_other_modes",
)
def top_up_keeps_the_limit(book: Book) -> Finding:
    his = in_money(book)
    symbol, side = his.trades[1].symbol, his.trades[1].side
    bold = his.with_trade(symbol, margin=his[symbol].margin / 5, leverage=5 * his[symbol].leverage)
    walk = np.linspace(0, 9.0 if side == "short" else -0.99, 1000)
    alone = bold.account({symbol: "isolated"})
    start = alone.wallet_balance
    fixed = lost(alone, bold.marks(**{symbol: walk[-1]}))
    filled = start - topped_up(bold, symbol, walk).equity[-1]
    margin = bold[symbol].margin
    return found(
        f"{his.money(fixed)}; with top-up {his.money(filled)}",
        it_is_switched_off=fixed < margin * (1 + TINY),
        it_is_switched_on=filled < margin * (1 + TINY),
    )


@claim("U9", "A sub-account does what an isolated pocket does.", "10_other_modes")
def a_sub_account_is_a_pocket(book: Book) -> Finding:
    """The same margins as balances: in an account for each trade, then in one for both."""
    his = in_money(book)
    fences, marks = his.account("isolated"), his.marks()
    symbol = his.trades[1].symbol
    wall = fences.liquidation_price(symbol)
    shared = [replace(p, margin=None) for p in fences.positions]
    own = [p for p in shared if p.symbol == symbol]
    margins = {p.symbol: p.own_margin for p in fences.positions}
    ends = [
        Account(balance=money, positions=held).liquidation_price(symbol, marks)
        for money, held in ((margins[symbol], own), (sum(margins.values()), shared))
    ]
    words = [percent(price / his[symbol].price - 1) for price in (wall, *ends)]
    return found(
        f"{symbol} is liquidated at {words[0]} in a pocket, {words[1]} alone in a sub-account, "
        f"{words[2]} beside the other trade",
        one_trade_is_in_it=isclose(ends[0], wall),
        several_are=isclose(ends[1], wall),
    )
