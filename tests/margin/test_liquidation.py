"""After the trigger: who pays whom, and what stays untouched."""

import copy
import dataclasses
import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from margin_lib import liquidation
from margin_lib.account import Account, Collateral, Event, Position
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import (
    deleveraging_queue,
    liquidate,
    mark_to_market,
    part_to_close,
    settle,
)
from tests.support.book import Book
from tests.support.strategies import NOT_SINGLE, books, leverages, moves, shares, sides, size

ETH = Contract(symbol="ETH", maintenance=0.02)
ADA = Contract(symbol="ADA", maintenance=0.05)
STRICT = Conventions(at_equality=False)
fees = st.none() | shares(0.0, 0.05)
LADDER = ("cancel orders", "next tier", 0.2, "what is needed")
ways = st.sampled_from(["everything", "worst first", "what is needed", "next tier", 0.2, LADDER])


def isolated_long(balance=3.0, margin=20.0):
    """100 coins at 1, worth 100."""
    position = Position(contract=ETH, quantity=100, entry_price=1, leverage=5, margin=margin)
    return Account(balance=balance, positions=(position,))


def cross_pair(balance=50.0):
    """A long and a short of 100 each on one balance."""
    long = Position(contract=ETH, quantity=100, entry_price=1, leverage=5)
    short = Position(contract=ADA, quantity=-50, entry_price=2, leverage=5)
    return Account(balance=balance, positions=(long, short))


def due(account, marks):
    """Symbols of the pockets that are due, None for the shared balance."""
    pockets = [None, *(p.symbol for p in account.isolated)]
    return [symbol for symbol in pockets if account.risk(marks, symbol).is_liquidatable]


@pytest.mark.parametrize(
    ("fee_rate", "returned", "fund"),
    [(None, 0, 1.5), (0, 1.5, 0), (0.01, 1.5 - 0.815, 0.815), (0.5, 0, 1.5)],
)
def test_what_is_left_pays_the_fee_and_returns(fee_rate, returned, fund):
    after, event = liquidate(isolated_long(), {"ETH": 0.815}, "ETH", fee_rate)
    assert after.positions == ()
    assert after.balance == pytest.approx(3 + returned)
    assert (event.kind, event.symbols) == ("liquidated", ("ETH",))
    assert event.received("balance") == pytest.approx(returned)
    assert event.received("insurance fund") == pytest.approx(fund)
    assert event.received("market") == pytest.approx(18.5)
    assert event.received("margin ETH") == -20


@pytest.mark.parametrize("fee_rate", [None, 0, 0.01])
def test_the_fund_pays_what_is_missing_after_a_gap(fee_rate):
    after, event = liquidate(isolated_long(), {"ETH": 0.5}, "ETH", fee_rate)
    assert after == Account(balance=3)
    assert event.transfers == {"margin ETH": -20, "market": 50, "insurance fund": -30}
    after, event = liquidate(cross_pair(), {"ETH": 0.5, "ADA": 4}, fee_rate=fee_rate)
    assert after == Account(balance=0)
    assert event.transfers == {"balance": -50, "market": 150, "insurance fund": -100}


@pytest.mark.parametrize("symbol", [None, "ETH", "ADA"])
def test_cross_goes_as_a_whole_whichever_symbol_is_named(symbol):
    marks = {"ETH": 0.8, "ADA": 2.45}
    after, event = liquidate(cross_pair(), marks, symbol, fee_rate=0.01)
    assert event.symbols == ("ETH", "ADA")
    assert after.positions == ()
    assert after.balance == pytest.approx(50 - 20 - 22.5 - 0.01 * (80 + 122.5))


def test_cross_can_end_with_something_left_with_nothing_and_below_zero():
    """The profit of one leg and the loss of the other are netted before anybody pays."""
    end = [
        liquidate(cross_pair(), {"ETH": eth, "ADA": 2.45}, fee_rate=0.005)[1].transfers
        for eth in (0.8, 0.725, 0.6)
    ]
    assert end[0]["insurance fund"] == pytest.approx(0.005 * 202.5)
    assert end[0]["balance"] == pytest.approx(7.5 - 0.005 * 202.5 - 50)
    assert end[1].get("insurance fund", 0) == pytest.approx(0, abs=1e-12)
    assert end[2]["insurance fund"] == pytest.approx(-12.5)


def test_a_margin_below_zero_is_the_funds_loss_too():
    account = isolated_long(margin=-5.0)
    after, event = liquidate(account, {"ETH": 0.9}, "ETH")
    assert after.balance == 3
    assert event.transfers == pytest.approx({"margin ETH": 5, "market": 10, "insurance fund": -15})


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        ("ETH", "equity behind ETH must have fallen to the maintenance margin 2, got 20.0"),
        (None, "equity behind cross must have fallen to the maintenance margin 0, got 3.0"),
        ("SOL", "symbol must be one the account holds (ETH), got SOL"),
    ],
)
def test_what_is_alive_or_unknown_cannot_be_liquidated(symbol, message):
    account = isolated_long()
    with pytest.raises(MarginError) as caught:
        liquidate(account, {"ETH": 1}, symbol)
    assert str(caught.value) == message
    assert account == isolated_long()


@pytest.mark.parametrize("bad", [*NOT_SINGLE, None, 0, -1], ids=repr)
def test_a_mark_is_one_positive_number(bad):
    for call in (liquidate, mark_to_market):
        for account in (isolated_long(), cross_pair()):
            with pytest.raises(MarginError, match="^mark of ETH must be"):
                call(account, {"ETH": bad, "ADA": 9})


@pytest.mark.parametrize("bad", [*NOT_SINGLE, -0.01], ids=repr)
def test_a_fee_rate_is_a_number_of_at_least_zero(bad):
    with pytest.raises(MarginError, match="^fee rate must be"):
        liquidate(isolated_long(), {"ETH": 0.8}, "ETH", fee_rate=bad)
    with pytest.raises(MarginError, match="^fee rate must be"):
        mark_to_market(isolated_long(), {"ETH": 0.8}, fee_rate=bad)


def test_a_missing_mark_is_named():
    with pytest.raises(MarginError, match="marks must hold a price for ADA"):
        mark_to_market(cross_pair(), {"ETH": 1})
    with pytest.raises(MarginError, match="marks must hold a price for ETH"):
        mark_to_market(isolated_long(), None)


# Marking to market


@given(books(), fees)
def test_exactly_the_pockets_that_are_due_are_closed(book, fee_rate):
    account, marks = book
    expected = due(account, marks)
    after, events = mark_to_market(account, marks, fee_rate)
    gone = [event.symbols for event in events]
    crossed = tuple(p.symbol for p in account.cross)
    assert gone == [crossed if symbol is None else (symbol,) for symbol in expected]
    left = {p.symbol for p in account.positions} - {s for symbols in gone for s in symbols}
    assert {p.symbol for p in after.positions} == left
    assert due(after, marks) == []


@given(books(), fees)
def test_an_account_in_which_all_live_stays_the_same(book, fee_rate):
    account, marks = book
    if not due(account, marks):
        after, events = mark_to_market(account, marks, fee_rate)
        assert after is account and events == ()


@given(books(mode="isolated"), fees)
def test_isolated_never_loses_more_than_its_margin(book, fee_rate):
    account, marks = book
    after, events = mark_to_market(account, marks, fee_rate)
    assert after.balance >= account.balance
    for event in events:
        margin = account[event.symbols[0]].margin
        assert event.received(f"margin {event.symbols[0]}") == -margin
        assert event.received("balance") >= 0
    if not any(event.received("balance") for event in events):
        assert after.balance == account.balance  # exactly


@given(books(), fees)
def test_cross_never_touches_an_isolated_pocket_nor_one_pocket_another(book, fee_rate):
    account, marks = book
    after, _ = mark_to_market(account, marks, fee_rate)
    kept = [p for p in account.isolated if not account.risk(marks, p.symbol).is_liquidatable]
    assert list(after.isolated) == kept


@given(books(), fees)
def test_a_ledger_sums_to_zero_and_says_what_the_account_got(book, fee_rate):
    account, marks = book
    after, events = mark_to_market(account, marks, fee_rate)
    tolerance = 1e-9 * size(account, marks)
    for event in events:
        assert math.fsum(event.transfers.values()) == pytest.approx(0, abs=tolerance)
    own = ["balance", *(f"margin {p.symbol}" for p in account.isolated)]
    got = sum(event.received(party) for event in events for party in own)
    assert after.wallet_balance - account.wallet_balance == pytest.approx(got, abs=tolerance)
    equity_gone = account.equity(marks) - after.equity(marks)
    fund = sum(event.received("insurance fund") for event in events)
    assert equity_gone == pytest.approx(fund, abs=tolerance)


@given(books(), shares(0.0, 0.05))
def test_the_fund_gets_at_most_its_fee_and_pays_only_a_deficit(book, fee_rate):
    account, marks = book
    for symbol in due(account, marks):
        risk = account.risk(marks, symbol)
        after, event = liquidate(account, marks, symbol, fee_rate)
        tolerance = 1e-9 * size(account, marks)
        fund = event.received("insurance fund")
        if risk.equity < 0:
            assert fund == pytest.approx(risk.equity, abs=tolerance)
        else:
            assert -tolerance <= fund <= fee_rate * risk.notional + tolerance
            _, all_kept = liquidate(account, marks, symbol)
            assert all_kept.received("insurance fund") == pytest.approx(risk.equity, abs=tolerance)


def test_equality_triggers():
    account = isolated_long(margin=51.0)
    at = Account(balance=0, positions=(account["ETH"],))
    half = {"ETH": 0.5}  # equity 51 - 50, maintenance 0.02 · 50: exactly 1 each
    assert at.risk(half, "ETH").equity == at.risk(half, "ETH").maintenance_margin == 1
    assert [e.kind for e in mark_to_market(at, half)[1]] == ["liquidated"]
    assert mark_to_market(at, {"ETH": 0.5000001})[1] == ()


def test_money_that_one_liquidation_returns_comes_too_late_for_another():
    """The isolated long returns more than the shared balance would have needed."""
    long = Position(contract=ETH, quantity=100, entry_price=1, leverage=5, margin=20)
    short = Position(contract=ADA, quantity=-50, entry_price=2, leverage=5)
    account = Account(balance=10, positions=(long, short))
    marks = {"ETH": 0.816, "ADA": 2.1}  # 1.6 left of the margin; 5 left of the balance, 5.25 needed
    after, events = mark_to_market(account, marks, fee_rate=0)
    assert [event.symbols for event in events] == [("ADA",), ("ETH",)]
    assert after.positions == ()
    assert after.balance == pytest.approx(5 + 1.6)
    rescued = Account(balance=11.6, positions=(short,))
    assert mark_to_market(rescued, marks, fee_rate=0)[1] == ()


def test_two_isolated_pockets_fall_one_by_one():
    long = Position(contract=ETH, quantity=100, entry_price=1, leverage=5, margin=20)
    short = Position(contract=ADA, quantity=-50, entry_price=2, leverage=5, margin=20)
    account = Account(balance=7, positions=(long, short))
    after, events = mark_to_market(account, {"ETH": 0.7, "ADA": 3})
    assert [event.symbols for event in events] == [("ETH",), ("ADA",)]
    assert after == Account(balance=7)
    after, events = mark_to_market(account, {"ETH": 1.1, "ADA": 3})
    assert [event.symbols for event in events] == [("ADA",)]
    assert after.positions == (long,)


# Worst first, and only what is needed


def one_long(quantity, equity, price=1.0, **how):
    """A long from 1, isolated, with so much equity at the price."""
    contract = Contract(symbol="ETH", **how)
    margin = equity - quantity * (price - 1)
    leg = Position(contract=contract, quantity=quantity, entry_price=1, leverage=1, margin=margin)
    return Account(balance=0, positions=(leg,))


@pytest.mark.parametrize(
    ("equity", "invested", "rate", "rest"),
    [(1000, 1500, 0.8, 1250), (1000, 3000, 0.5, 2000), (700, 1200, 0.6, 700 / 0.6)],
)
def test_the_published_portfolios_are_brought_back_to_the_boundary(equity, invested, rate, rest):
    """pmorissette/bt, pull request 557: without a fee, value = equity / rate."""
    account = one_long(invested, equity, maintenance=rate, conventions=STRICT)
    after, event = liquidate(account, {"ETH": 1}, "ETH", closes="what is needed")
    assert after["ETH"].quantity == pytest.approx(rest, rel=2e-9)
    assert event.received("insurance fund") == 0
    whole, _ = liquidate(account, {"ETH": 1}, "ETH", closes="what is needed", lot=1)
    assert whole["ETH"].quantity == math.floor(rest)


def test_without_a_lot_any_part_can_be_closed():
    account, marks = one_long(3, 0.75, maintenance=0.5, conventions=STRICT), {"ETH": 1}
    assert part_to_close(account, marks, "ETH") == pytest.approx(1.5, rel=1e-8)
    after, _ = mark_to_market(account, marks, closes="what is needed")
    assert after["ETH"].quantity == pytest.approx(1.5, rel=1e-8)


def test_equality_decides_about_one_lot():
    for conventions, left in ((STRICT, 2000), (Conventions(), 1999)):
        account = one_long(3000, 1000, maintenance=0.5, conventions=conventions)
        assert part_to_close(account, {"ETH": 1}, "ETH", lot=1) == 3000 - left


def test_the_fee_of_closing_counts_against_what_it_saves():
    account = one_long(1024, 96, maintenance=1 / 8, conventions=STRICT)
    # 96 - (1024 - x) / 16 = x / 8
    assert part_to_close(account, {"ETH": 1}, "ETH", fee_rate=1 / 16, lot=1) == 1024 - 512
    after, event = liquidate(account, {"ETH": 1}, "ETH", 1 / 16, "what is needed", 1)
    assert event.transfers == {"margin ETH": -32, "insurance fund": 32}
    assert after["ETH"].margin == 64
    # A fee as dear as the requirement saves nothing.
    assert part_to_close(account, {"ETH": 1}, "ETH", fee_rate=1 / 8) == 1024


def test_a_table_is_climbed_down_row_by_row():
    table = Tiers([(0, 0.01), (100, 0.1), (500, 0.5)])  # jumps at its floors
    for equity, left in ((300, 600), (60, 500), (40, 400), (5, 100), (0.5, 50), (0.005, 0)):
        account = one_long(1000, equity, maintenance=table, conventions=STRICT)
        after, _ = liquidate(account, {"ETH": 1}, "ETH", 0, "what is needed", 1)
        short = left - sum(position.quantity for position in after.positions)
        assert short == (left in (500, 100))  # a floor belongs to the row above it


def test_closing_more_can_be_worse_and_the_right_row_is_found():
    """With a fee above the low row's rate only the high row is worth leaving."""
    table = Tiers.continuous([(0, 1 / 64), (512, 1 / 2)])
    account = one_long(1024, 200, maintenance=table, conventions=STRICT)
    part = part_to_close(account, {"ETH": 1}, "ETH", fee_rate=1 / 8, lot=1)
    # 200 - (1024 - x) / 8 = x / 2 - 248
    assert 1024 - part == math.floor((200 - 128 + 248) / (1 / 2 - 1 / 8))
    assert part_to_close(account, {"ETH": 1}, "ETH", fee_rate=1 / 2, lot=1) == 1024


def test_fractions_give_an_exact_part():
    contract = Contract(symbol="ETH", maintenance=Fraction(1, 3), conventions=STRICT)
    third = Fraction(1, 3)
    leg = Position(
        contract=contract, quantity=Fraction(7), entry_price=third, leverage=1, margin=third
    )
    account, marks = Account(balance=0, positions=(leg,)), {"ETH": third}
    assert part_to_close(account, marks, "ETH", lot=Fraction(1, 7)) == Fraction(4)
    assert type(part_to_close(account, marks, "ETH", lot=Fraction(1, 7))) is Fraction


@pytest.mark.parametrize("side", [1, -1])
def test_a_rest_below_one_lot_is_closed_too(side):
    position = Position(
        contract=ETH, quantity=side * 0.3, entry_price=100, leverage=20, margin=0.25
    )
    account, marks = Account(balance=0, positions=(position,)), {"ETH": 100.0}
    for lot, part in ((0.1, 0.2), (0.07, 0.21), (0.13, 0.3), (0.4, 0.3)):
        assert part_to_close(account, marks, "ETH", lot=lot) == pytest.approx(side * part)


def test_the_fund_does_not_pay_for_a_pocket_that_stays_open():
    account = one_long(8, -1, conventions=STRICT)  # nothing required, and 1 owed
    assert part_to_close(account, {"ETH": 1}, "ETH", lot=1) == 8


def test_a_pocket_that_lives_closes_nothing():
    assert part_to_close(isolated_long(), {"ETH": 1}, "ETH") == 0


@pytest.mark.parametrize("bad", [*NOT_SINGLE, None, -0.01], ids=repr)
def test_a_lot_is_a_number_of_at_least_zero(bad):
    with pytest.raises(MarginError, match="^lot must be"):
        part_to_close(isolated_long(), {"ETH": 0.8}, "ETH", lot=bad)
    with pytest.raises(MarginError, match="^lot must be"):
        liquidate(isolated_long(), {"ETH": 0.8}, "ETH", closes="what is needed", lot=bad)


def test_an_unknown_way_of_closing_is_refused():
    rule = "closes must be a share or one of cancel orders, next tier, .*, got 'half'"
    with pytest.raises(MarginError, match=rule):
        mark_to_market(isolated_long(), {"ETH": 0.8}, closes="half")


def test_worst_first_stops_as_soon_as_the_pocket_lives():
    """FLOX, cross liquidation: BTC fell to 85, ETH never moved."""
    legs = [
        Position(
            contract=Contract(symbol=symbol, maintenance=0.05, conventions=conventions),
            quantity=50,
            entry_price=100,
            leverage=10,
        )
        for conventions in (STRICT, Conventions())
        for symbol in ("ETH", "BTC")
    ]
    marks = {"BTC": 85, "ETH": 100}
    strict = Account(balance=1000, positions=legs[:2])
    assert strict.risk(marks).equity == 250
    assert strict.risk(marks).maintenance_margin == 462.5
    after, event = liquidate(strict, marks)
    assert (after.balance, after.positions, event.symbols) == (0, (), ("ETH", "BTC"))
    after, event = liquidate(strict, marks, closes="worst first")
    assert event.symbols == ("BTC",)
    assert event.transfers == {"balance": -750, "market": 750}
    assert (after.balance, after.positions) == (250, (legs[0],))
    # 250 left and 250 required: where equality is enough, the other goes as well.
    equal = Account(balance=1000, positions=legs[2:])
    after, event = liquidate(equal, marks, closes="worst first")
    assert (event.symbols, after) == (("BTC", "ETH"), Account(balance=0))
    assert event.received("insurance fund") == 250


def test_the_worst_leg_goes_first_even_if_all_must_go():
    """FLOX, two losing longs: 1,000 end 13,000 under water."""
    legs = [
        Position(
            contract=Contract(symbol=symbol, maintenance=0.005),
            quantity=quantity,
            entry_price=entry,
            leverage=10,
        )
        for symbol, quantity, entry in (("BTC", 1, 50_000), ("ETH", 10, 3000))
    ]
    account, marks = Account(balance=1000, positions=legs), {"BTC": 45_000, "ETH": 2100}
    assert account.risk(marks).notional == 66_000
    for closes in ("worst first", "what is needed"):
        after, event = liquidate(account, marks, closes=closes)
        assert event.symbols == ("ETH", "BTC")
        assert after == Account(balance=0)
        assert event.received("insurance fund") == -13_000


def test_an_isolated_pocket_is_not_sheltered_by_its_neighbour():
    """FLOX, netting does not shelter: trigger strictly below."""
    legs = [
        Position(
            contract=Contract(symbol=symbol, maintenance=0.005, conventions=STRICT),
            quantity=quantity,
            entry_price=entry,
            leverage=10,
            margin=margin,
        )
        for symbol, quantity, entry, margin in (("BTC", 1, 50_000, 100), ("ETH", -10, 3000, 10_000))
    ]
    account = Account(balance=0, positions=legs)
    after, events = mark_to_market(account, {"BTC": 49_500, "ETH": 3000})
    assert [event.symbols for event in events] == [("BTC",)]
    assert after.positions == (legs[1],)


def test_five_positions_on_one_balance():
    """Synthetix v3, margin test: 250 of 20,000 left."""
    rows = [
        ("BTC", -1, 29_850, 31_000),
        ("ETH", 20, 2020, 1820),
        ("LINK", 2000, 5.05, 3),
        ("ARB", 5000, 2.05, 1),
        ("OP", 5000, 2.05, 1),
    ]
    legs = [
        Position(
            contract=Contract(symbol=symbol, maintenance=0.02),
            quantity=quantity,
            entry_price=entry,
            leverage=5,
        )
        for symbol, quantity, entry, _ in rows
    ]
    account, marks = Account(balance=20_000, positions=legs), {row[0]: row[3] for row in rows}
    assert account.risk(marks).equity == pytest.approx(250)
    _, event = liquidate(account, marks)
    assert event.received("insurance fund") == pytest.approx(250)
    after, event = liquidate(account, marks, fee_rate=0, closes="worst first")
    assert event.symbols == ("ARB", "OP", "LINK", "ETH", "BTC")
    assert after.balance == pytest.approx(250)
    after, event = liquidate(account, marks, fee_rate=0, closes="what is needed", lot=0.001)
    assert event.symbols == ("ARB", "OP", "LINK", "ETH", "BTC")
    assert after["BTC"].quantity == pytest.approx(-0.403)  # 250 / 0.02 / 31,000
    assert after.balance == pytest.approx(250 + 0.403 * 1150)


def test_what_is_taken_at_the_bankruptcy_price_is_taken_at_the_end():
    """Without a fee rate nothing goes to the fund while the pocket lives."""
    marks = {"ETH": 0.8, "ADA": 2.45}  # 7.5 left, 7.725 required
    after, event = liquidate(cross_pair(), marks, closes="worst first")
    assert event.symbols == ("ADA",)
    assert after.balance == pytest.approx(27.5)
    assert event.received("insurance fund") == 0


# Step by step


def stairs(quantity=3000.0, spare=0.0, conventions=STRICT):
    """A position worth as many as its size in a table of three rows, with what it needs to live."""
    rows = Tiers.continuous([(0, 0.01), (1000, 0.02), (2000, 0.04)])
    contract = Contract(symbol="ETH", maintenance=rows, conventions=conventions)
    leg = Position(contract=contract, quantity=quantity, entry_price=1, leverage=10)
    needed = leg.maintenance_margin(1)
    return Account(balance=needed + spare, positions=[leg])


@pytest.mark.parametrize(
    ("spare", "closed"),
    [
        (-1e-6, 1000),  # 3,000 in the third row: down to 2,000, which asks for 40 less
        (-39, 1000),
        (-41, 2000),  # and down to 1,000, which asks for another 20
        (-61, 3000),  # the first row has no lower one
    ],
)
@pytest.mark.parametrize("side", [1, -1])
def test_down_to_the_next_tier_and_look_again(spare, closed, side):
    """Hotbit, tiered liquidation: 3,000 contracts, the tier ends at 2,000, so 1,000 are closed."""
    account = stairs(quantity=3000 * side, spare=spare)
    after, event = liquidate(account, {"ETH": 1}, fee_rate=0, closes="next tier")
    left = after["ETH"].quantity if after.positions else 0
    assert 3000 * side - left == pytest.approx(closed * side, rel=1e-6)
    assert abs(left) < 3000 - closed or left == 0
    assert event.symbols == ("ETH",)


def test_a_tier_counts_lots_and_may_be_frozen():
    account = stairs(spare=-1)
    after, _ = liquidate(account, {"ETH": 1}, closes="next tier", lot=300)
    assert after["ETH"].quantity == 1800  # 2,000 is not below its floor, and 2,100 is no less
    frozen = stairs(spare=-1, conventions=Conventions(maintenance_at="entry", at_equality=False))
    after, _ = liquidate(frozen, {"ETH": 1 - 2 / 3000}, closes="next tier", lot=1)
    assert after["ETH"].quantity == 1999  # by what it was worth at entry


def test_a_share_goes_first_and_then_everything():
    """Hyperliquid: 20 % of a large position, and all of it if that was not enough."""
    account = Account(
        balance=20,
        positions=[Position(contract=ETH, quantity=1000, entry_price=1, leverage=5)],
    )
    after, event = liquidate(account, {"ETH": 0.999}, fee_rate=0, closes=[0.2, "everything"])
    assert after["ETH"].quantity == pytest.approx(800)
    assert after.balance == pytest.approx(20 - 0.2)
    after, event = liquidate(account, {"ETH": 0.99}, fee_rate=0, closes=[0.2, "everything"])
    assert (after.positions, event.symbols) == ((), ("ETH",))
    assert after.balance == pytest.approx(10)
    after, _ = liquidate(account, {"ETH": 0.999}, closes=[0.2], lot=150)
    assert after["ETH"].quantity == 700  # whole lots, rounded up


def test_below_the_backstop_all_is_taken_over_and_nothing_returns():
    account = Account(
        balance=20,
        positions=[Position(contract=ETH, quantity=1000, entry_price=1, leverage=5)],
    )
    how = {"fee_rate": 0, "closes": [0.2, "what is needed"], "backstop": 2 / 3}
    after, event = liquidate(account, {"ETH": 0.994}, **how)  # 14 left of 19.88 asked for
    assert after.balance > 0 and after.positions
    after, event = liquidate(account, {"ETH": 0.993}, **how)  # 13 of 19.86
    assert after == Account(balance=0)
    assert event.received("insurance fund") == pytest.approx(13)


def test_orders_are_cancelled_before_and_that_closes_nothing():
    account, marks = isolated_long(), {"ETH": 0.8}
    for closes in ("everything", "what is needed", "next tier"):
        plain = liquidate(account, marks, "ETH", 0.01, closes)
        assert liquidate(account, marks, "ETH", 0.01, ["cancel orders", closes]) == plain


@pytest.mark.parametrize("bad", [0, -0.2, 1.5, math.nan, "half", ["everything", 2], [None]])
def test_what_is_no_step_is_refused(bad):
    with pytest.raises(MarginError, match="^closes must be"):
        liquidate(isolated_long(), {"ETH": 0.8}, "ETH", closes=bad)


@pytest.mark.parametrize("bad", NOT_SINGLE)
def test_a_backstop_is_one_number(bad):
    with pytest.raises(MarginError, match="backstop"):
        mark_to_market(isolated_long(), {"ETH": 0.8}, backstop=bad)


@given(books(), fees, st.sampled_from([0.0, 0.5, 2 / 3, 2.0]))
def test_a_backstop_leaves_nothing_to_who_falls_below_it(book, fee_rate, backstop):
    account, marks = book
    for symbol in due(account, marks):
        risk = account.risk(marks, symbol)
        after, event = liquidate(account, marks, symbol, fee_rate, LADDER, backstop=backstop)
        if backstop and risk.equity < backstop * risk.maintenance_margin:
            assert event.received("insurance fund") == pytest.approx(
                risk.equity, abs=1e-9 * size(account, marks)
            )


@pytest.mark.parametrize("closes", ["everything", "worst first", "next tier", 0.2])
def test_many_positions_cost_as_much_each_as_few(closes):
    """No time is measured: what is called for each position is counted."""
    calls = []
    for count in (10, 100):
        held = [
            Position(
                contract=Contract(symbol=f"coin {number}", maintenance=0.01),
                quantity=1,
                entry_price=100,
                leverage=10,
                margin=10 if number % 2 else None,
            )
            for number in range(count)
        ]
        account, marks = Account(balance=25.2 * count, positions=held), {p.symbol: 50 for p in held}
        assert None in due(account, marks)
        seen = []
        sys.setprofile(lambda frame, event, arg, seen=seen: seen.append(event))
        after, _ = mark_to_market(account, marks, 0.001, closes)
        sys.setprofile(None)
        assert due(after, marks) == []
        calls.append(len(seen))
    assert calls[1] < 15 * calls[0]


# Against a plain count of lots, in numbers that floats add up exactly


quarters = st.integers(1, 1024).map(lambda n: n / 4)
powers = st.integers(-3, 3).map(lambda n: 2.0**n)
tables = st.integers(0, 16).map(lambda n: Tiers.flat(n / 64)) | st.sampled_from(
    [
        Tiers.continuous([(0, 1 / 64), (64, 1 / 32), (512, 1 / 8)]),
        Tiers([(0, 1 / 64), (64, 1 / 32), (512, 1 / 8)]),
    ]
)
exact_fees = st.sampled_from([0, 1 / 256, 1 / 64, 3 / 64])
lots = st.sampled_from([0.25, 0.5, 2.0, 3.0])


@st.composite
def pockets_due(draw):
    """An account with an ETH position whose pocket is due, and marks."""
    conventions = Conventions(
        maintenance_at=draw(st.sampled_from(["mark", "entry", "today"])),
        closing_fee=draw(st.booleans()),
        at_equality=draw(st.booleans()),
    )
    contract = Contract(
        symbol="ETH",
        maintenance=draw(tables),
        taker_fee=1 / 256,
        inverse=draw(st.booleans()),
        settle="coin",
        conventions=conventions,
    )
    quantity = draw(quarters) * draw(sides)
    leg = Position(contract=contract, quantity=quantity, entry_price=draw(powers), leverage=1)
    marks = {"ETH": draw(powers), "ADA": 4.0}
    equity = draw(st.integers(-8, 64)) / 64 * leg.maintenance_margin(marks["ETH"])
    collateral = equity - leg.pnl(marks["ETH"])
    if draw(st.booleans()):
        return Account(balance=5, positions=(dataclasses.replace(leg, margin=collateral),)), marks
    small = Contract(symbol="ADA", maintenance=1 / 8, settle="coin", conventions=conventions)
    other = Position(contract=small, quantity=-16, entry_price=4, leverage=1)  # 8 required
    return Account(balance=collateral + 8, positions=(leg, other)), marks


def alive_without(account, marks, part, fee_rate):
    """Whether the pocket lives once a part of the ETH position is closed."""
    position, risk, price = account["ETH"], account.risk(marks, "ETH"), marks["ETH"]
    contract = position.contract
    frozen = contract.conventions.maintenance_at == "entry"

    def worth(quantity, price):
        return abs(quantity) / price if contract.inverse else abs(quantity) * price

    value = worth(position.quantity - part, position.entry_price if frozen else price)
    row = [tier for tier in contract.maintenance if tier.floor <= value][-1]
    required = row.rate * value - row.amount + contract.counted_fee * value
    required += 0 if account.isolated else 8
    left = risk.equity - min(max(risk.equity, 0), fee_rate * worth(part, price))
    return left > required or (left == required and not contract.conventions.at_equality)


@given(pockets_due(), exact_fees, lots)
def test_the_part_to_close_is_the_one_that_counting_lots_finds(case, fee_rate, lot):
    account, marks = case
    assume(account.risk(marks, "ETH").is_liquidatable)
    whole = account["ETH"].quantity
    count = 1
    while abs(whole) - count * lot >= lot:
        if alive_without(account, marks, math.copysign(count * lot, whole), fee_rate):
            whole = math.copysign(count * lot, whole)
            break
        count += 1
    assert part_to_close(account, marks, "ETH", fee_rate, lot) == whole


@given(pockets_due(), exact_fees, lots)
def test_a_lot_less_would_not_have_been_enough(case, fee_rate, lot):
    account, marks = case
    part = part_to_close(account, marks, "ETH", fee_rate, lot)
    if account.risk(marks, "ETH").is_liquidatable and part != account["ETH"].quantity:
        assert alive_without(account, marks, part, fee_rate)
        assert not alive_without(account, marks, part - math.copysign(lot, part), fee_rate)
        assert abs(account["ETH"].quantity - part) >= lot


@given(pockets_due(), exact_fees, ways, lots)
def test_in_exact_numbers_every_ledger_sums_to_zero_exactly(case, fee_rate, closes, lot):
    account, marks = case
    after, events = mark_to_market(account, marks, fee_rate, closes, lot)
    gained = after.equity(marks) - account.equity(marks)
    assert gained == -sum(event.received("insurance fund") for event in events)
    for event in events:
        assert sum(event.transfers.values()) == 0


# Whatever way of closing: any numbers


@given(books(), fees, ways, st.sampled_from([0, 0.01, 1.0]))
def test_afterwards_every_pocket_is_alive_or_empty(book, fee_rate, closes, lot):
    account, marks = book
    after, events = mark_to_market(account, marks, fee_rate, closes, lot)
    assert due(after, marks) == []
    touched = {symbol for event in events for symbol in event.symbols}
    for position in account.positions:
        if position.symbol not in touched:
            assert after[position.symbol] == position
        elif position.symbol in after:
            rest = after[position.symbol]
            assert 0 < rest.quantity / position.quantity < 1
            assert (rest.entry_price, rest.mode) == (position.entry_price, position.mode)
            assert closes not in ("everything", "worst first")


@given(books(), fees, ways)
def test_money_is_conserved_whichever_way_is_taken(book, fee_rate, closes):
    account, marks = book
    after, events = mark_to_market(account, marks, fee_rate, closes)
    tolerance = 1e-9 * size(account, marks)
    for event in events:
        assert math.fsum(event.transfers.values()) == pytest.approx(0, abs=tolerance)
    fund = sum(event.received("insurance fund") for event in events)
    market = sum(event.received("market") for event in events)
    gone = account.equity(marks) - after.equity(marks)
    assert gone == pytest.approx(fund, abs=tolerance)
    cash = account.wallet_balance - after.wallet_balance
    assert cash == pytest.approx(fund + market, abs=tolerance)


@given(books(), fees, ways)
def test_the_fund_gets_no_more_than_is_left_and_no_credit_for_being_late(book, fee_rate, closes):
    account, marks = book
    for symbol in due(account, marks):
        left = account.risk(marks, symbol).equity
        _, event = liquidate(account, marks, symbol, fee_rate, closes)
        tolerance = 1e-9 * size(account, marks)
        fund = event.received("insurance fund")
        assert min(left, 0) - tolerance <= fund <= max(left, 0) + tolerance
        if left < 0:
            assert fund == pytest.approx(left, abs=tolerance)


@given(books(mode="isolated"), fees, ways)
def test_isolated_never_loses_more_than_its_margin_whichever_way(book, fee_rate, closes):
    account, marks = book
    after, events = mark_to_market(account, marks, fee_rate, closes)
    assert after.balance >= account.balance
    for event in events:
        (symbol,) = event.symbols
        lost = -event.received(f"margin {symbol}") - event.received("balance")
        assert lost <= max(account[symbol].margin, 0) * (1 + 1e-12) + 1e-9 * size(account, marks)


# When the fund has an end


def gap(quantity=10.0, margin=50.0, mark=40.0, **how):
    """FLOX, liquidation engine: a long from 100 that gapped far through its bankruptcy price."""
    contract = Contract(symbol="ETH", maintenance=0.005, **how)
    leg = Position(
        contract=contract, quantity=quantity, entry_price=100, leverage=20, margin=margin
    )
    account, marks = Account(balance=0, positions=(leg,)), {"ETH": mark}
    return account, marks, liquidate(account, marks, "ETH")[1]


def winner(quantity, entry=100.0, margin=100.0, **how):
    contract = Contract(symbol="ETH", **how)
    return Position(
        contract=contract, quantity=quantity, entry_price=entry, leverage=10, margin=margin
    )


@pytest.mark.parametrize(("fill", "gain"), [(99.25, 0.25), (98.75, -0.25)])
def test_the_fund_gets_the_difference_between_fill_and_bankruptcy_price(fill, gain):
    """Satis, "System gain and losses": a long from 100, bankruptcy at 99."""
    account, marks, event = gap(quantity=1, margin=1, mark=fill)
    assert account.bankruptcy_price("ETH") == 99
    settled, fund, winners = settle(account, marks, event, fund=10)
    assert (fund, winners) == (10 + gain, ())
    assert settled == event
    assert event.received("insurance fund") == gain


def test_the_fund_pays_a_deficit_it_can_pay():
    """FLOX, insurance fund absorbs deficit: 550 of 1,000."""
    account, marks, event = gap()
    assert event.received("insurance fund") == -550
    settled, fund, winners = settle(account, marks, event, 1000, [winner(-10)])
    assert (settled, fund, winners) == (event, 450, ())


def test_a_deleveraged_winner_keeps_its_profit_up_to_the_bankruptcy_price():
    """FLOX, ADL takes the forgone gain, not the whole profit: 100 + 600 - 550 = 150."""
    account, marks, event = gap()
    settled, fund, (winning,) = settle(account, marks, event, 0, [winner(-10)])
    assert winning.price == account.bankruptcy_price("ETH") == 95
    assert winning.position.margin + winning.profit == 150
    assert settled.transfers == {"margin ETH": -50, "market": 600, "deleveraged traders": -550}
    assert fund == 0


def test_the_fund_is_spared_where_winners_pay():
    """FLOX, venue: mark 85, bankruptcy 90; a deficit of 50 out of the forgone profit."""
    account, marks, event = gap(margin=100, mark=85)
    settled, _, (winning,) = settle(account, marks, event, 0, [winner(-10, margin=100_000)])
    assert settled.received("insurance fund") == 0
    assert (winning.quantity, winning.price, winning.profit, winning.paid) == (-10, 90, 100, 50)


def test_fund_then_winners_then_nobody():
    account, marks, event = gap()
    traders = [winner(-2), winner(-3, margin=10), winner(8), winner(-9, entry=30)]
    settled, fund, winners = settle(account, marks, event, 220, traders)
    # Six of ten coins are needed for the 330 that the fund has not; the two winners have five.
    assert [(w.quantity, w.price, w.paid) for w in winners] == [(-3, 95, 165), (-2, 95, 110)]
    assert fund == 0
    assert settled.transfers == {
        "margin ETH": -50,
        "market": 600,
        "insurance fund": -220,
        "deleveraged traders": -275,
        "unpaid": -55,
    }


def test_only_the_part_of_a_winner_that_is_needed_is_closed():
    account, marks, event = gap()
    _, _, winners = settle(account, marks, event, 275, [winner(-4), winner(-40, margin=10)])
    assert [(w.position.margin, w.quantity, w.paid) for w in winners] == [(10, -5, 275)]


def test_of_the_last_winner_too_only_the_part_that_is_needed_is_closed():
    account, marks, event = gap()
    _, _, (winning,) = settle(account, marks, event, 165, [winner(-10)])
    assert (winning.quantity, winning.price, winning.paid) == (-7, 95, 385)


def test_less_than_one_coin_and_less_than_one_unit_of_money_are_paid_too():
    account, marks, event = gap(quantity=0.5, margin=2.5)  # 27.5 missing
    settled, _, winners = settle(account, marks, event, 0, [winner(-0.5)])
    assert [(w.quantity, w.paid) for w in winners] == [(-0.5, 27.5)]
    settled, _, winners = settle(account, marks, event, 27, [winner(-0.5)])
    assert sum(w.paid for w in winners) == -settled.received("deleveraged traders") == 0.5
    assert settled.received("unpaid") == 0


def test_who_stands_behind_the_losers_last_coin_in_the_queue_is_left_alone():
    account, marks, event = gap()
    first, second = winner(-10, entry=60, margin=-15), winner(-10)
    assert deleveraging_queue(account["ETH"], 40, [second, first]) == [first, second]
    settled, _, winners = settle(account, marks, event, 0, [second, first])
    assert [w.position for w in winners] == [first]
    assert settled.received("unpaid") == -350


def test_a_winner_is_not_made_a_loser():
    """A short from 60 would lose at 95: it is closed at 60 and pays its 20 a coin, no more."""
    account, marks, event = gap()
    settled, _, (winning,) = settle(account, marks, event, 0, [winner(-10, entry=60)])
    assert (winning.price, winning.profit, winning.paid) == (60, 0, 200)
    assert settled.received("unpaid") == -350


def test_no_more_winners_are_closed_than_the_loser_has_coins():
    account, marks, event = gap()
    settled, _, winners = settle(
        account, marks, event, 0, [winner(-4, entry=60, margin=1), winner(-40)]
    )
    assert sum(w.quantity for w in winners) == -10
    assert settled.received("deleveraged traders") == -(9 * 0 + 6 * 55 + 4 * 20)
    assert settled.received("unpaid") == -140


def test_deleveraging_of_an_inverse_contract():
    """10,000 dollars long from 100 with 5 coins of margin: bankrupt at 10,000 / 105."""
    account, marks, event = gap(quantity=10_000, margin=5, mark=80, inverse=True)
    short = winner(-20_000, inverse=True)
    settled, _, (winning,) = settle(account, marks, event, 0, [short, winner(-20_000)])
    assert event.received("insurance fund") == pytest.approx(-20)
    assert winning.position == short
    assert winning.price == pytest.approx(account.bankruptcy_price("ETH"))
    assert winning.quantity == pytest.approx(-10_000)
    assert winning.profit == pytest.approx(5)
    assert settled.received("deleveraged traders") == pytest.approx(-20)
    assert settled.received("unpaid") == 0


def test_every_leg_of_a_shared_pocket_has_its_winners():
    marks = {"ETH": 0.5, "ADA": 4.0}
    account = cross_pair()
    _, event = liquidate(account, marks, closes="worst first")
    assert event.symbols == ("ADA", "ETH")
    long = Position(contract=ADA, quantity=25, entry_price=2, leverage=5)
    short = Position(contract=ETH, quantity=-200, entry_price=2, leverage=5)
    settled, _, winners = settle(account, marks, event, 0, [short, long])
    assert [w.position for w in winners] == [long, short]
    for won in winners:
        own = account.bankruptcy_price(won.position.symbol, marks)
        assert won.price == pytest.approx(own)
    assert [w.paid for w in winners] == pytest.approx([50, 50])
    assert settled.received("unpaid") == 0


def test_a_hedged_pocket_finds_its_winners_by_market():
    contract = Contract(symbol="ETH long", market="ETH", maintenance=0.005)
    leg = Position(contract=contract, quantity=10, entry_price=100, leverage=20, margin=50)
    account, marks = Account(balance=0, positions=(leg,)), {"ETH": 40}
    for closes in ("everything", "what is needed"):
        _, event = liquidate(account, marks, "ETH long", closes=closes)
        assert settle(account, marks, event, 0, [winner(-10)]).deleveraged[0].price == 95


def test_the_published_queue():
    """ZUBR, "Auto-deleverage ranking": ten clients, their profit in percent and leverage."""
    clients = [
        (10, 4),
        (5, 0.5),
        (20, 1.2),
        (5, 10),
        (15, 2),
        (3, 4),
        (12, 5),
        (6, 0.8),
        (11, 11),
        (7, 6),
    ]
    traders = []
    for percent, leverage in clients:
        entry = 1 / (1 - percent / 100)  # a short that has won so much at a mark of 1
        traders.append(winner(-1, entry=entry, margin=1 / leverage - (entry - 1)))
    queue = deleveraging_queue(winner(1), 1.0, traders)
    assert [traders.index(trader) + 1 for trader in queue] == [9, 7, 4, 10, 1, 5, 3, 6, 8, 2]


def test_only_winners_of_the_other_side_stand_in_the_queue():
    loser = winner(10)
    others = [winner(-1, entry=40), winner(-1, entry=39), winner(1, entry=20)]
    others.append(Position(contract=ADA, quantity=-1, entry_price=90, leverage=2))
    others.append(winner(-1, inverse=True))
    assert deleveraging_queue(loser, 40, others) == []
    assert deleveraging_queue(winner(0.5), 40, [winner(0.5, entry=20)]) == []


def test_a_cross_winner_counts_with_its_initial_margin():
    same = dataclasses.replace(winner(-1, margin=10), leverage=10)
    cross = dataclasses.replace(same, margin=None)
    richer, poorer = dataclasses.replace(same, margin=11), dataclasses.replace(same, margin=9)
    queue = deleveraging_queue(winner(1), 90, [richer, cross, poorer])
    assert queue == [poorer, cross, richer]


@pytest.mark.parametrize("bad", [*NOT_SINGLE, None, -0.01], ids=repr)
def test_a_fund_is_a_number_of_at_least_zero(bad):
    account, marks, event = gap()
    with pytest.raises(MarginError, match="^fund must be"):
        settle(account, marks, event, bad)


def test_an_event_of_another_account_is_not_settled():
    account, marks, _ = gap()
    event = Event("liquidated", ("SOL",), {"insurance fund": -1.0, "market": 1.0})
    with pytest.raises(MarginError, match="symbol must be one the account holds"):
        settle(account, marks, event, 0)


@st.composite
def settlements(draw):
    """A book, the event of each pocket that is due, a fund and other traders."""
    account, marks = draw(books())
    traders = []
    for position in account.positions:
        for _ in range(draw(st.integers(0, 3))):
            times = draw(shares(0.1, 2.0)) * draw(sides)
            margin = draw(st.none() | shares(-0.5, 1.5))
            trader = dataclasses.replace(
                position,
                quantity=position.quantity * times,
                entry_price=marks[position.symbol] * draw(moves),
                leverage=draw(leverages),
            )
            value = trader.notional(trader.entry_price)
            own = None if margin is None else margin * value
            traders.append(dataclasses.replace(trader, margin=own))
    return account, marks, traders, draw(st.just(0) | shares(0.0, 1000.0))


@given(settlements(), fees, ways)
def test_account_fund_counterparties_and_market_together_lose_nothing(case, fee_rate, closes):
    account, marks, traders, fund = case
    after, events = mark_to_market(account, marks, fee_rate, closes)
    tolerance = 1e-9 * (size(account, marks) + fund)
    start, taken, unpaid, market = fund, 0, 0, 0
    for event in events:
        settled, fund, winners = settle(account, marks, event, fund, traders)
        assert math.fsum(settled.transfers.values()) == pytest.approx(0, abs=tolerance)
        assert fund >= 0
        forgone = sum(
            dataclasses.replace(w.position, quantity=w.quantity).pnl(marks[w.position.symbol])
            - w.profit
            for w in winners
        )
        assert forgone == pytest.approx(sum(w.paid for w in winners), abs=tolerance)
        assert settled.received("deleveraged traders") == pytest.approx(-forgone, abs=tolerance)
        taken, unpaid = taken + forgone, unpaid - settled.received("unpaid")
        market += settled.received("market")
    lost = account.wallet_balance - after.wallet_balance
    assert lost + taken + unpaid == pytest.approx(fund - start + market, abs=tolerance)


@given(settlements())
def test_nobody_pays_before_the_fund_and_nothing_is_unpaid_before_the_winners(case):
    account, marks, traders, fund = case
    for symbol in due(account, marks):
        _, event = liquidate(account, marks, symbol)
        settled, left, winners = settle(account, marks, event, fund, traders)
        tolerance = 1e-9 * (size(account, marks) + fund)
        if winners or settled.received("unpaid"):
            assert left == 0
        for won in winners:
            position, loser = won.position, account[won.position.symbol]
            share = won.quantity / position.quantity
            assert position.quantity * loser.quantity < 0
            assert 0 < share <= 1
            assert won.profit >= -tolerance
            assert 0 < won.paid <= position.pnl(marks[position.symbol]) * share + tolerance
        if settled.received("unpaid") < -tolerance:
            for name in event.symbols:
                queue = deleveraging_queue(account[name], marks[name], traders)
                closed = sum(abs(w.quantity) for w in winners if w.position.symbol == name)
                there = sum(abs(trader.quantity) for trader in queue)
                assert closed == pytest.approx(min(there, abs(account[name].quantity)))


@pytest.mark.parametrize("side", [1, -1])
def test_a_share_of_less_than_one_coin_makes_it_smaller(side):
    small = Contract(symbol="ETH", maintenance=0.1)
    held = Position(contract=small, quantity=0.5 * side, entry_price=100, leverage=10, margin=5)
    after, _ = liquidate(
        Account(balance=0, positions=[held]), {"ETH": 100 - 2 * side}, "ETH", 0, closes=0.5
    )
    assert after["ETH"].quantity == pytest.approx(0.25 * side)


def test_a_share_above_one_is_named():
    with pytest.raises(MarginError) as caught:
        mark_to_market(Account(balance=1), {}, closes=2)
    assert (caught.value.rule, caught.value.value) == ("must be at most 1", 2)


# Lots, fees and steps, to the last one


def cross_of(*sizes, balance=10.0, rate=0.1, entry=10.0, **rules):
    """Longs bought at 10, each in a market of its own, on one balance."""
    held = [
        Position(
            contract=Contract(symbol=f"M{n}", maintenance=rate, **rules),
            quantity=each,
            entry_price=entry,
            leverage=10,
        )
        for n, each in enumerate(sizes)
    ]
    return Account(balance=balance, positions=held)


@pytest.mark.parametrize(("closes", "closed"), [(0.3, 3), (0.31, 4), (0.05, 1), (1, 10)])
def test_a_share_is_closed_in_whole_lots_and_in_no_lot_more(closes, closed):
    account = cross_of(10, balance=9.9)
    after, event = liquidate(account, {"M0": 10}, None, 0, closes=(closes, "everything"), lot=1)
    assert event.received("balance") == 0
    left = 10 - closed
    if left * 10 * 0.1 < 9.9:  # it lives after the first step
        assert [p.quantity for p in after.positions] == ([left] if left else [])


@pytest.mark.parametrize(("quantity", "left"), [(10, 9), (10.5, 9.5), (9, 0)])
def test_at_a_floor_one_lot_more_makes_it_fall_into_the_row_below(quantity, left):
    """100 is in the upper row, so 10 coins at 10 lose a lot; 9 have no row below to fall into."""
    rows = Tiers([(0, 0.01), (100, 0.5)])
    account = cross_of(quantity, balance=0.9 if quantity < 10 else 20, rate=rows)
    after, _ = liquidate(account, {"M0": 10}, None, 0, closes="next tier", lot=1)
    assert [p.quantity for p in after.positions] == ([left] if left else [])


def test_two_steps_pass_over_what_the_first_has_closed_whole():
    """Half of one coin in whole coins is all of it; the second half comes from the other alone."""
    account = cross_of(1, 40, balance=10.3)  # both ask for 41; after the steps 20 and 10
    after, event = liquidate(account, {"M0": 10, "M1": 10}, None, 0, (0.5, 0.5), lot=1)
    assert event.symbols == ("M0", "M1")
    assert [(p.symbol, p.quantity) for p in after.positions] == [("M1", 10)]


def test_the_fund_gets_its_fee_of_all_that_is_closed_however_many_steps_it_takes():
    account = cross_of(10, 20, 30, balance=3.0)
    marks = {"M0": 10, "M1": 10, "M2": 10}
    for closes in ("everything", "worst first", (0.5, "worst first")):
        after, event = liquidate(account, marks, None, 0.001, closes)
        if not after.positions:
            assert event.received("insurance fund") == pytest.approx(0.001 * 600)
            assert after.balance == pytest.approx(2.4)
        else:
            closed = 600 - 10 * sum(p.quantity for p in after.positions)
            assert event.received("insurance fund") == pytest.approx(0.001 * closed)
    some, event = liquidate(account, marks, None, 0.001, "worst first")
    assert not some.positions and event.symbols == ("M0", "M1", "M2")


def test_a_pocket_with_exactly_the_backstops_share_is_not_taken_over():
    account = cross_of(10, balance=5.0)  # of 10 that it must have
    after, _ = liquidate(account, {"M0": 10}, None, 0, 0.6, backstop=0.5)
    assert [p.quantity for p in after.positions] == [pytest.approx(4)]
    after, event = liquidate(account, {"M0": 10}, None, 0, 0.6, backstop=0.51)
    assert (after.balance, event.received("insurance fund")) == (0, 5)


def coin_settled():
    """Two longs that settle in coins worth 100 each, of which there are 1.5."""
    legs = [
        Position(
            contract=Contract(symbol=name, maintenance=0.1, settle="BTC"),
            quantity=1,
            entry_price=10,
            leverage=10,
        )
        for name in ("A", "B")
    ]
    coins = [Collateral(coin="BTC", amount=1.5)]
    return Account(balance=0, positions=legs, collateral=coins), {"A": 10, "B": 10, "BTC": 100}


def test_one_closing_is_enough_where_coins_carry_and_the_ledger_names_them():
    account, marks = coin_settled()  # 1 coin of requirement each
    after, event = liquidate(account, {**marks, "A": 9.9, "B": 9.95}, None, 0.01, "worst first")
    assert event.symbols == ("A",)
    assert event.received("balance BTC") == pytest.approx(-0.1 - 0.099)
    assert event.received("insurance fund") == pytest.approx(0.099)
    assert after.collateral[0].amount == pytest.approx(1.301)
    assert math.fsum(event.transfers.values()) == pytest.approx(0)


@pytest.mark.parametrize(("balance", "stays"), [(10, 10), (10.404, 10.2), (3.6, 6)])
def test_a_rate_that_grows_is_searched_only_where_its_zero_can_be(monkeypatch, balance, stays):
    """What stays open, s, asks for growth · s² · price: 10 = 0.1 · s² with nothing beside it."""
    held = Position(
        contract=Contract(symbol="ETH", growth=0.1), quantity=20, entry_price=1, leverage=2
    )
    cover = [
        Position(
            contract=Contract(symbol=name, market="BTC", conventions=Conventions(hedged="net")),
            quantity=quantity,
            entry_price=1,
            leverage=2,
        )
        for name, quantity in (("L", 1), ("S", -1))
    ]
    asked = []
    pooled = liquidation.pooled_risk
    monkeypatch.setattr(liquidation, "pooled_risk", lambda *a: asked.append(a) or pooled(*a))
    for legs in ([held], [held, *cover]):
        account = Account(balance=balance, positions=legs)
        part = part_to_close(account, {"ETH": 1, "BTC": 1}, "ETH")
        assert part == pytest.approx(20 - stays, rel=1e-7)
        assert len(asked) < 1000


def lots_until_it_lives(book, place, fee_rate, equity):
    """How many fortieths of a leg a model closes, one by one, until it lives (support/book.py)."""
    leg, marks = book.legs[place], book.marks
    market, worth = leg["market"], marks[leg["settle"]] if leg["settle"] in book.coins else 1
    for count in range(1, 40):
        rest = copy.deepcopy(book)
        share = count / 40
        rest.legs[place]["quantity"] *= 1 - share
        fee = min(fee_rate * book.notional(leg, marks[market]) * share, equity / worth)
        cash = book.gain(leg, marks[market]) * share - fee
        if worth == 1:
            rest.balance += cash
        else:
            rest.coins[leg["settle"]]["amount"] += cash
        left = rest.left(market, np.array([marks[market]]))[0]
        if left > 1e-9 * book.size(market, marks[market]):
            return count
    return 40


@pytest.mark.parametrize("batch", range(10))
def test_the_least_part_is_the_first_number_of_lots_with_which_a_model_lives(batch):
    parts = set()
    for seed in range(20 * batch, 20 * batch + 20):
        random = np.random.default_rng(seed)
        book = Book(random)
        account, marks = book.account(), dict(book.marks)
        risk = account.risk(marks)
        if risk.is_liquidatable:
            place, fee_rate = int(random.integers(len(book.legs))), float(random.choice([0, 0.002]))
            leg = book.legs[place]
            lot = abs(leg["quantity"]) / 40
            said = part_to_close(account, marks, leg["symbol"], fee_rate, lot) / leg["quantity"]
            least = lots_until_it_lives(book, place, fee_rate, max(risk.equity, 0))
            assert said * 40 == pytest.approx(least, abs=1e-6)
            parts.add(least)
    assert parts


def test_what_a_part_brings_counts_as_the_coins_that_it_comes_in():
    """A loss of 10 is paid in coins of which half counts: 12 · 50 % less 1 of what stays."""
    held = Position(
        contract=Contract(symbol="ETH", maintenance=0.1, settle="USD1"),
        quantity=10,
        entry_price=10,
        leverage=5,
    )
    account = Account(
        balance=0,
        positions=[held],
        collateral=[Collateral(coin="USD1", amount=18, ratio=0.5)],
    )
    part = part_to_close(account, {"ETH": 9, "USD1": 1}, "ETH")  # 4 counted, 9 asked for
    assert part == pytest.approx(10 * (1 - 4 / 9), rel=1e-7)
    after, _ = liquidate(account, {"ETH": 9, "USD1": 1}, None, 0, "what is needed")
    assert after["ETH"].quantity == pytest.approx(10 * 4 / 9, rel=1e-7)


def test_coins_that_are_sold_at_the_end_come_from_the_market():
    account, marks = coin_settled()
    after, event = liquidate(account, {**marks, "A": 9.9, "B": 9.8}, None, 0.01)
    assert not after.positions and after.collateral[0].amount == 0
    assert event.received("market") == pytest.approx(1.5 - 120)  # coins for money
    assert event.received("balance") + event.received("insurance fund") == pytest.approx(120)
    assert event.received("balance BTC") == pytest.approx(-1.5)


def test_a_fee_takes_what_is_left_and_no_more_where_another_position_needs_nothing():
    """Of 1 that is left, closing one coin at 50 would cost 2.5. What asks for nothing stays."""
    poor, free = (
        Position(
            contract=Contract(symbol=name, maintenance=rate, conventions=STRICT),
            quantity=1,
            entry_price=50,
            leverage=10,
        )
        for name, rate in (("ETH", 0.1), ("ADA", 0))
    )
    account = Account(balance=3, positions=[poor, free])
    after, event = liquidate(account, {"ETH": 48, "ADA": 50}, None, 0.05, "worst first")
    assert event.symbols == ("ETH",) and event.received("insurance fund") == 1
    assert (after.balance, after.positions) == (0, (free,))


def test_the_worst_is_the_largest_loss_in_money_whatever_it_is_lost_in():
    """A tenth of a coin worth 100 is more than 5."""
    account, marks = coin_settled()
    money = Position(
        contract=Contract(symbol="M", maintenance=0.1), quantity=1, entry_price=100, leverage=10
    )
    account = dataclasses.replace(account, balance=0, positions=[money, account["A"]])
    marks = {**marks, "A": 9.9, "M": 95}  # 140 − 5 of equity, 99 and 9.5 asked for
    assert not account.risk(marks).is_liquidatable
    account = dataclasses.replace(account, balance=-30)
    _, event = liquidate(account, marks, None, 0, "worst first")
    assert event.symbols == ("A",)


def test_the_row_that_a_position_falls_out_of_is_that_of_its_mark():
    """12 coins bought at 10 are worth 108 at 9: one coin less is below 100."""
    account = cross_of(12, balance=13, rate=Tiers([(0, 0.001), (100, 0.5)]))
    after, _ = liquidate(account, {"M0": 9}, None, 0, closes="next tier", lot=1)
    assert after["M0"].quantity == 11


def test_of_a_million_coins_one_may_stay():
    """At a price of 1 with 0.75 left: one coin asks for 0.5, two for more than there is."""
    half = Contract(symbol="ETH", maintenance=0.5)
    held = Position(contract=half, quantity=1e6, entry_price=1, leverage=1, margin=0.75)
    account = Account(balance=0, positions=[held])
    assert part_to_close(account, {"ETH": 1}, "ETH", lot=1) == 999_999


def test_who_has_neither_won_nor_lost_is_no_winner():
    assert deleveraging_queue(winner(1), 100, [winner(-1, entry=100)]) == []
    assert len(deleveraging_queue(winner(1), 100, [winner(-1, entry=100.5)])) == 1
