"""Mistakes that other margin code was shipped with, each with tests that would have caught it.

The number is that of the mistake. 8 is about a stop order and a liquidation in one bar. There are
no orders here; its test is of what can meet in a bar here: gap, wick and several pockets.
"""

import ast
import dataclasses
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib import formulas, venues
from margin_lib.account import Account, Position
from margin_lib.bars import Bars
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import liquidate, mark_to_market, part_to_close, settle
from margin_lib.replay import Costs, replay
from margin_lib.simulate import simulate
from margin_lib.spot import SpotWallet
from tests.support.strategies import ROOT, books, leverages, shares

NAN = float("nan")
ETH = Contract(symbol="ETH", maintenance=0.02)
ADA = Contract(symbol="ADA", maintenance=0.05)
SOL = Contract(symbol="SOL", maintenance=0.02)
SIDES = pytest.mark.parametrize("side", [1, -1])
MODES = pytest.mark.parametrize("mode", ["isolated", "cross"])
ROWS = Tiers.continuous([(0, 0.01), (500, 0.05), (2000, 0.2)])


def cross(contract, quantity, entry_price, leverage=5.0):
    return Position(
        contract=contract, quantity=quantity, entry_price=entry_price, leverage=leverage
    )


def isolated(contract, quantity, entry_price, margin, leverage=5.0):
    position = cross(contract, quantity, entry_price, leverage)
    return dataclasses.replace(position, margin=margin)


def test_sign_of_the_other_legs_profit():
    """1. A losing short beside a long must bring the long's price nearer, a winning one away."""
    account = Account(balance=50, positions=(cross(ETH, 10, 10), cross(ADA, -50, 2)))
    alone = account.liquidation_price("ETH", {"ADA": 2})
    assert account.liquidation_price("ETH", {"ADA": 2.2}) > alone
    assert account.liquidation_price("ETH", {"ADA": 1.8}) < alone
    # 50 - 10 + 10 (P - 10) = 0.2 P + 5.5
    assert account.liquidation_price("ETH", {"ADA": 2.2}) == pytest.approx(65.5 / 9.8)


@SIDES
@MODES
def test_the_tier_is_that_of_the_notional_not_of_the_margin(side, mode):
    """2. A margin of 100 at 10x is a notional of 1,000: the second row, and its leverage cap."""
    table = Tiers.continuous([(0, 0.01, 20), (500, 0.05, 10)])
    contract = dataclasses.replace(ETH, maintenance=table)
    account, _ = Account(balance=100).open(
        contract, quantity=100 * side, price=10, leverage=10, mode=mode
    )
    assert account.risk({"ETH": 10}, "ETH").maintenance_margin == pytest.approx(30)  # not 10
    # 100 + 100 side (P - 10) = 5 P - 20, where the second row holds
    price = (1000 - 120 * side) / (100 - 5 * side)
    assert account.liquidation_price("ETH") == pytest.approx(price)
    with pytest.raises(MarginError, match="leverage must be at most 10"):
        Account(balance=100).open(contract, quantity=100 * side, price=10, leverage=12.5, mode=mode)


def test_the_tier_of_a_large_position():
    """2. A margin of 500,000 at 20x: the row of 10 million, where the rate is twice as high."""
    table = [(0, 0.004, 0, 150), (300_000, 0.005, 300, 100), (3_000_000, 0.01, 12_000, 50)]
    coins = formulas.quantity(500_000, 20, 60_000)
    price = formulas.tiered_liquidation_price(60_000, coins, 500_000, table)
    assert price == pytest.approx(57_503.03, abs=0.005)  # by the row of the margin: 57,284.59


@SIDES
@MODES
@pytest.mark.parametrize("rate", [0.11, 0.1])
def test_liquidation_price_past_the_entry_at_birth(side, mode, rate):
    """3. Maintenance not below the initial margin: such a position is never opened."""
    risky = Contract(symbol="ETH", maintenance=rate)
    account = Account(balance=10)
    with pytest.raises(MarginError, match="equity behind ETH must stay above the maintenance"):
        account.open(risky, quantity=10 * side, price=10, leverage=10, mode=mode)


@given(leverages, st.sampled_from([1, -1]))
def test_maintenance_divided_by_leverage(leverage, side):
    """4. The requirement is a share of notional, whatever leverage was chosen."""
    position = isolated(ETH, side * 10, 10, margin=30, leverage=leverage)
    assert position.risk(9).maintenance_margin == pytest.approx(0.02 * 90)
    account = Account(balance=1, positions=(position,))
    same = dataclasses.replace(position, leverage=1)
    assert account.liquidation_price("ETH") == Account(
        balance=1, positions=(same,)
    ).liquidation_price("ETH")


@SIDES
@pytest.mark.parametrize("maintenance", [0.0, 0.02, 0.09])
@pytest.mark.parametrize("leverage", [2, 5, 10])
def test_used_margin_is_the_initial_margin(side, maintenance, leverage):
    """5. Leverage decides what is used, and so how much can be opened; maintenance does not."""
    contract = dataclasses.replace(ETH, maintenance=maintenance)
    held, _ = Account(balance=60).open(
        contract, quantity=10 * side, price=10, leverage=leverage, mode="cross"
    )
    assert held.available_balance({"ETH": 10}) == pytest.approx(60 - 100 / leverage)
    fenced, _ = Account(balance=60).open(
        contract, quantity=10 * side, price=10, leverage=leverage, mode="isolated"
    )
    assert fenced.locked_margin == pytest.approx(100 / leverage)
    assert fenced.balance == pytest.approx(60 - 100 / leverage)
    for mode in ("isolated", "cross"):
        most = {"price": 10, "leverage": leverage, "mode": mode}
        Account(balance=60).open(contract, quantity=6 * leverage * side, **most)
        with pytest.raises(MarginError, match="must not exceed the available balance"):
            Account(balance=60).open(contract, quantity=6.01 * leverage * side, **most)


def bar(*marks):
    """One bar of ETH and ADA: open, low, high, close of each."""
    prices = zip(*marks, strict=True)
    return Bars(*({"ETH": np.array([eth]), "ADA": np.array([ada])} for eth, ada in prices))


@SIDES
@MODES
def test_a_wick_that_the_close_does_not_show_liquidates(side, mode):
    """6. The low kills a long and the high a short, though the bar ends where it began."""
    margin = 20 if mode == "isolated" else None
    held = dataclasses.replace(cross(ETH, side * 10, 10.0), margin=margin)
    account = Account(balance=20 if mode == "cross" else 0, positions=(held,))
    calm, spiked = bar((10, 9, 11, 10), [1] * 4), bar((10, 8, 12, 10), [1] * 4)
    for prices, dead in ((calm, []), (spiked, ["ETH"])):
        assert replay(account, prices).dead == dead
        assert simulate({"it": account}, prices)["it"].liquidated.tolist() == [bool(dead)]


@SIDES
@pytest.mark.parametrize("closes", ["everything", "worst first", "what is needed"])
@pytest.mark.parametrize("fee_rate", [None, 0.0, 0.05])
def test_a_gap_is_filled_where_the_market_is_and_costs_no_more_than_the_margin(
    fee_rate, closes, side
):
    """7. Not at the liquidation price that the bar jumped over, and not beyond the margin."""
    account = Account(balance=7, positions=(isolated(ETH, 100 * side, 1, margin=18),))
    assert account.liquidation_price("ETH") == pytest.approx((100 - 18 * side) / (100 - 2 * side))
    after, event = liquidate(account, {"ETH": 1 - 0.5 * side}, "ETH", fee_rate, closes)
    assert after == Account(balance=7)
    assert event.transfers == {"margin ETH": -18, "market": 50, "insurance fund": -32}
    shared = Account(balance=18, positions=(cross(ETH, 100 * side, 1),))
    after, event = liquidate(shared, {"ETH": 1 - 0.5 * side}, "ETH", fee_rate, closes)
    assert after == Account(balance=0)
    assert event.transfers == {"balance": -18, "market": 50, "insurance fund": -32}


@SIDES
@MODES
@pytest.mark.parametrize("closes", ["everything", "worst first", "what is needed"])
def test_a_fee_above_the_maintenance_rate_takes_what_is_left_and_no_more(closes, mode, side):
    """7. It must not turn what is left into a gain, nor into a debt."""
    if mode == "isolated":
        account = Account(balance=7, positions=(isolated(ETH, 100 * side, 1, margin=18),))
    else:
        account = Account(balance=18, positions=(cross(ETH, 100 * side, 1),))
    after, event = liquidate(account, {"ETH": 1 - 0.17 * side}, "ETH", 0.05, closes)
    assert after == Account(balance=account.balance if mode == "isolated" else 0)
    assert event.received("insurance fund") == pytest.approx(1)  # of a fee of 4.15 or 5.85


@MODES
def test_in_one_bar_the_open_comes_first_and_then_the_way_to_its_worst(mode):
    """8. A bar that opens beyond the price fills at its open; otherwise on the way, never at the
    low. Two pockets that are due in one bar are both judged as the bar found them."""
    margin = 20 if mode == "isolated" else None
    held = dataclasses.replace(cross(ETH, 10, 10.0), margin=margin)
    account = Account(balance=20 if mode == "cross" else 0, positions=(held,))
    edge = account.liquidation_price("ETH")
    for opened, filled in ((8.1, 8.1), (9, edge)):
        walk = replay(account, bar((opened, 5, 11, 10), [1] * 4), Costs(fee_rate=0))
        lost = walk.liquidations[0][1].received("market")
        assert lost == pytest.approx(10 * (10 - filled))
    other = cross(ADA, 100, 1.0)
    both = Account(balance=20, positions=(isolated(ETH, 10, 10.0, 20), other))
    # ETH gives back 1.6, which would carry ADA: it comes too late
    fall = bar((10, 5, 10, 10), (1, 0.84, 1, 1))
    walk = replay(both, fall, Costs(fee_rate=0))
    assert walk.dead == ["ADA", "ETH"]
    result = simulate({"it": both}, fall, costs=Costs(fee_rate=0))["it"]
    assert [step.tolist() for step in result.step.values()] == [[0], [0]]
    assert result.equity[0] == pytest.approx(walk.equity[-1])


@given(shares(0.19, 0.99), st.sampled_from([None, 0.0, 0.01]), st.sampled_from([1, -1]))
def test_an_isolated_loss_larger_than_the_margin(fall, fee_rate, side):
    """9. The margin is the most that can be lost, whatever maintenance and fee are."""
    account = Account(balance=7, positions=(isolated(ETH, 100 * side, 1, margin=18),))
    after, events = mark_to_market(account, {"ETH": 1 - fall * side}, fee_rate)
    assert len(events) == 1
    assert after == Account(balance=7)
    assert events[0].received("margin ETH") == -18


@given(shares(0.01, 0.83), st.sampled_from([None, 0.0, 0.01]), st.sampled_from([0, 1]))
def test_an_isolated_loss_larger_than_the_margin_when_only_a_part_is_closed(price, fee_rate, lot):
    """9. Nor does closing a part of it take from the balance."""
    account = Account(balance=7, positions=(isolated(ETH, 100, 1, margin=18),))
    after, _ = liquidate(account, {"ETH": price}, "ETH", fee_rate, "what is needed", lot)
    assert after.balance >= 7
    assert after.equity({"ETH": price}) >= 7


@MODES
def test_shorts_at_one_times_are_not_exempt(mode):
    """10. A price can rise without bounds: a short dies at any leverage, a long at 1x never."""
    account, _ = Account(balance=100).open(ETH, quantity=-10, price=10, leverage=1, mode=mode)
    assert account.liquidation_price("ETH") == pytest.approx(200 / 10.2)
    assert mark_to_market(account, {"ETH": 19.7})[1]
    assert not mark_to_market(account, {"ETH": 19.5})[1]
    account, _ = Account(balance=100).open(ETH, quantity=10, price=10, leverage=1, mode=mode)
    assert math.isnan(account.liquidation_price("ETH"))
    assert not mark_to_market(account, {"ETH": 0.001})[1]


@MODES
@SIDES
def test_no_mode_switches_liquidation_off(mode, side):
    """11. Isolated positions die beside any balance, cross ones once theirs is used up."""
    account, _ = Account(balance=20).open(ETH, quantity=10 * side, price=10, leverage=5, mode=mode)
    if mode == "isolated":
        account = dataclasses.replace(account, balance=1e6)
    marks = {"ETH": 10 - 2 * side}
    assert account.risk(marks, "ETH").is_liquidatable
    after, events = mark_to_market(account, marks)
    assert after.positions == ()
    assert len(events) == 1


def test_the_other_positions_maintenance_counts():
    """12. Room that the other positions' maintenance has used up is not there."""
    account = Account(balance=30, positions=(cross(ETH, 10, 10), cross(ADA, 50, 2)))
    # 30 + 10 (P - 10) = 0.2 P + 5, where the 5 are ADA's
    price = account.liquidation_price("ETH", {"ADA": 2})
    assert price == pytest.approx(75 / 9.8)
    assert mark_to_market(account, {"ETH": price * 0.999999, "ADA": 2})[1]
    assert not mark_to_market(account, {"ETH": price * 1.000001, "ADA": 2})[1]
    # Bankruptcy asks for no maintenance, neither its own nor the other's.
    assert account.bankruptcy_price("ETH", {"ADA": 2}) == pytest.approx(7)


LONG = Contract(symbol="ETH long", market="ETH", maintenance=ROWS)
SHORT = Contract(symbol="ETH short", market="ETH", maintenance=ROWS)


@MODES
@pytest.mark.parametrize("fills", [(1, 1), (8, 1), (2, 16)])
def test_maintenance_does_not_grow_with_the_number_of_fills(fills, mode):
    """13. In hedge mode either side asks for what one fill of its size would ask for."""
    account = Account(balance=8192)
    for contract, count, side in zip((LONG, SHORT), fills, (1, -1), strict=True):
        how = {"price": 1, "leverage": 2, "mode": mode}
        for _ in range(count):
            account, _ = account.open(contract, quantity=1024 * side / count, **how)
    assert len(account.positions) == 2
    for symbol in ("ETH long", "ETH short"):
        assert account[symbol].maintenance_margin(1) == pytest.approx(0.05 * 1024 - 20)
        pocket = account.risk({"ETH": 1}, symbol).maintenance_margin
        assert pocket == pytest.approx(31.2 if mode == "isolated" else 62.4)
    # What is closed in parts asks for less each time, and in the end for nothing.
    for symbol, part in (("ETH long", 256), ("ETH short", -256)):
        for left in (768, 512, 256):
            account, _ = account.close(symbol, price=1, quantity=part)
            required = account[symbol].maintenance_margin(1)
            assert required == pytest.approx(formulas.tiered_maintenance(left, ROWS))
        account, _ = account.close(symbol, price=1, quantity=part)
    assert account == Account(balance=8192)


@SIDES
@MODES
def test_a_position_is_never_flipped_in_passing(side, mode):
    """13. More than is open cannot be sold at once; the new side is a new position, with its own
    entry and its own liquidation price."""
    account, _ = Account(balance=40).open(ETH, quantity=10 * side, price=10, leverage=5, mode=mode)
    with pytest.raises(MarginError, match="must be on the side of the open position"):
        account.open(ETH, quantity=-10 * side, price=10, leverage=5, mode=mode)
    with pytest.raises(MarginError, match="must be part of the open quantity"):
        account.close("ETH", price=10, quantity=20 * side)
    flat, _ = account.close("ETH", price=10)
    turned, _ = flat.open(ETH, quantity=-10 * side, price=10, leverage=5, mode=mode)
    fresh, _ = Account(balance=40).open(ETH, quantity=-10 * side, price=10, leverage=5, mode=mode)
    assert turned == fresh
    assert (turned.liquidation_price("ETH") - 10) * side > 0


@SIDES
def test_orders_that_reduce_may_not_be_larger_than_what_is_open(side):
    """14. Nor of the other side, nor of nothing."""
    account, _ = Account(balance=100).open(ETH, quantity=10 * side, price=10, leverage=5)
    for quantity in (10.000001, 20, -5, 0):
        with pytest.raises(MarginError, match="quantity must be part of the open quantity -?10"):
            account.close("ETH", price=10, quantity=quantity * side)


@SIDES
@MODES
def test_orders_that_reduce_lock_no_margin(side, mode):
    """14. They go through where nothing is available, and make margin free."""
    account, _ = Account(balance=20).open(ETH, quantity=10 * side, price=10, leverage=5, mode=mode)
    marks = {"ETH": 10 - side}
    assert account.available_balance(marks) <= 0
    after, _ = account.close("ETH", price=10 - side, quantity=4 * side)
    assert after["ETH"].quantity == 6 * side
    assert after.wallet_balance == pytest.approx(16)
    assert after.balance == pytest.approx(4 if mode == "isolated" else 16)
    assert after.available_balance(marks) > account.available_balance(marks)


@given(shares(0.1, 120.0))
def test_added_margin_never_raises_a_longs_price(amount):
    """15. It moves away from the market, down to "never", and not below 0."""
    account = Account(balance=200, positions=(isolated(ETH, 10, 10, margin=20),))
    after, _ = account.add_margin("ETH", amount)
    price = after.liquidation_price("ETH")
    assert price < account.liquidation_price("ETH") or math.isnan(price)
    assert math.isnan(price) == (amount >= 80)  # the whole value is own money: never, not below 0


@given(shares(0.1, 120.0), st.booleans())
def test_added_margin_never_lowers_a_shorts_price(amount, inverse):
    """15. The same for a short, which has no "never" before an inverse one at 1x."""
    contract = dataclasses.replace(ETH, inverse=inverse)
    size = 1000 if inverse else 10
    account = Account(balance=200, positions=(isolated(contract, -size, 10, margin=20),))
    after, _ = account.add_margin("ETH", amount)
    price = after.liquidation_price("ETH")
    assert price > account.liquidation_price("ETH") or math.isnan(price)
    assert math.isnan(price) == (inverse and amount >= 80)


def test_mark_and_entry_are_not_mixed():
    """16. Maintenance follows the mark; the loan and the margin after a switch, the entry."""
    position = cross(ETH, 10, 10)
    assert position.risk(20).maintenance_margin == pytest.approx(0.02 * 200)
    assert position.risk(20).initial_margin == pytest.approx(200 / 5)
    assert position.borrowed == pytest.approx(80)
    account = Account(balance=90, positions=(position,))
    after, _ = account.switch_mode("ETH", "isolated", {"ETH": 20})
    assert after["ETH"].margin == pytest.approx(20)
    paid, _ = account.pay_funding({"ETH": 0.01}, {"ETH": 20})
    assert paid.balance == pytest.approx(88)
    # The price at which it dies does not hang on where its mark is now.
    assert account.liquidation_price("ETH", {"ETH": 20}) == account.liquidation_price("ETH")


@SIDES
def test_the_margin_of_an_inverse_position_is_that_of_its_entry(side):
    """16. 1,000 of quote money are 100 coins at 10, and 50 at 20: the margin locked stays 20."""
    inverse = Contract(symbol="ETH", maintenance=0.02, inverse=True)
    opened, _ = Account(balance=90).open(inverse, quantity=1000 * side, price=10, leverage=5)
    assert opened.locked_margin == pytest.approx(20)
    assert opened["ETH"].borrowed == pytest.approx(80)
    moved = 20 if side > 0 else 9
    shared = Account(balance=90, positions=(cross(inverse, 1000 * side, 10),))
    after, _ = shared.switch_mode("ETH", "isolated", {"ETH": moved})
    assert after["ETH"].margin == pytest.approx(20)
    risk = shared.risk({"ETH": moved})
    assert risk.initial_margin == pytest.approx(1000 / moved / 5)
    assert risk.maintenance_margin == pytest.approx(0.02 * 1000 / moved)


def test_more_bought_at_another_price_counts_with_its_own_entry():
    """16. After an update the new entry counts, not the old one and not the mark."""
    account, _ = Account(balance=100).open(ETH, quantity=10, price=10, leverage=5)
    account, _ = account.open(ETH, quantity=10, price=20, leverage=5)
    assert account["ETH"].entry_price == 15
    assert account.locked_margin == pytest.approx(20 + 40)
    # 60 + 20 (P - 15) = 0.4 P
    assert account.liquidation_price("ETH") == pytest.approx(240 / 19.6)


@SIDES
@pytest.mark.parametrize("rate", [0.01, -0.01])
@pytest.mark.parametrize("inverse", [False, True])
def test_funding_is_in_the_margin_and_has_the_right_sign(side, rate, inverse):
    """17. Above 0 the long pays, and what is paid brings liquidation nearer."""
    contract = dataclasses.replace(ETH, inverse=inverse)
    size = 1000 * side if inverse else 10 * side  # worth 100 either way
    account = Account(balance=5, positions=(isolated(contract, size, 10, margin=20),))
    after, event = account.pay_funding({"ETH": rate}, {"ETH": 10})
    assert after.balance == 5
    assert after["ETH"].margin == pytest.approx(20 - side * rate * 100)
    assert event.received("other traders") == pytest.approx(side * rate * 100)
    nearer = (after.liquidation_price("ETH") - account.liquidation_price("ETH")) * side > 0
    assert nearer == (side * rate > 0)
    shared = Account(balance=20, positions=(cross(contract, size, 10),))
    paid, _ = shared.pay_funding({"ETH": rate}, {"ETH": 10})
    assert paid.balance == pytest.approx(20 - side * rate * 100)
    assert paid.liquidation_price("ETH") == pytest.approx(after.liquidation_price("ETH"))


def test_the_liquidation_fee_is_a_share_of_the_closed_notional_at_the_mark():
    """18. Not of the margin, of the quantity, of the notional at entry or of what stays open."""
    account = Account(balance=0, positions=(isolated(ETH, 20, 10, margin=50),))
    _, event = liquidate(account, {"ETH": 7.625}, "ETH", fee_rate=0.01)
    assert event.received("insurance fund") == pytest.approx(0.01 * 20 * 7.625)
    part = part_to_close(account, {"ETH": 7.625}, "ETH", fee_rate=0.01, lot=1)
    _, event = liquidate(account, {"ETH": 7.625}, "ETH", 0.01, "what is needed", lot=1)
    assert 0 < part < 20
    assert event.received("insurance fund") == pytest.approx(0.01 * part * 7.625)
    # In the coin, for a contract that is margined in the coin.
    inverse = Contract(symbol="ETH", maintenance=0.02, inverse=True)
    account = Account(balance=0, positions=(isolated(inverse, 1000, 10, margin=10),))
    _, event = liquidate(account, {"ETH": 9.2}, "ETH", fee_rate=0.001)
    assert event.received("insurance fund") == pytest.approx(0.001 * 1000 / 9.2)


def test_the_liquidation_fee_is_not_inside_the_threshold():
    """18. Only a venue that says so counts a fee in the requirement; then it is its taker fee."""
    beside = dataclasses.replace(ETH, taker_fee=0.001)
    account = Account(balance=0, positions=(isolated(beside, 10, 10, margin=20),))
    price = account.liquidation_price("ETH")
    assert price == pytest.approx(80 / 9.8)
    for fee_rate in (None, 0, 0.05):
        assert mark_to_market(account, {"ETH": price * 1.000001}, fee_rate)[1] == ()
        assert len(mark_to_market(account, {"ETH": price * 0.999999}, fee_rate)[1]) == 1
    counted = dataclasses.replace(beside, conventions=Conventions(closing_fee=True))
    account = Account(balance=0, positions=(isolated(counted, 10, 10, margin=20),))
    assert account.liquidation_price("ETH") == pytest.approx(80 / 9.79)


@given(shares(0.8167, 0.836), st.sampled_from([0, 0.001, 0.25, 3.0]), st.sampled_from([0, 0.01]))
def test_a_partial_liquidation_neither_leaves_a_shortage_nor_takes_too_much(price, lot, fee_rate):
    """19. What stays open is the most that its equity carries, to a lot."""
    strict = dataclasses.replace(ETH, conventions=Conventions(at_equality=False))
    account = Account(balance=0, positions=(isolated(strict, 100, 1, margin=18.4),))
    marks = {"ETH": price}
    if not account.risk(marks, "ETH").is_liquidatable:
        return
    after, _ = liquidate(account, marks, "ETH", fee_rate, "what is needed", lot)
    left = sum(position.quantity for position in after.positions)
    # equity - fee rate · (100 - left) · price = 0.02 · left · price
    equity = 18.4 + 100 * (price - 1)
    exact = (equity - fee_rate * 100 * price) / ((0.02 - fee_rate) * price)
    step = lot or 1e-7
    if exact < step:
        assert left == 0
    else:
        assert exact - step - 1e-9 <= left <= exact + 1e-9 or (left == 0 and exact < 2 * step)


def test_dust_goes_with_the_rest_and_a_lot_is_never_rounded_to_nothing():
    """19. Less than a lot is not left open, and closing nothing is no answer."""
    account = Account(balance=0, positions=(isolated(ETH, 2.5, 10, margin=0.55),))
    marks = {"ETH": 9.95}  # 0.425 left, 0.4975 required: 2.13 coins could stay
    assert part_to_close(account, marks, "ETH", lot=1) == 1
    assert part_to_close(account, marks, "ETH", lot=0.1) == pytest.approx(0.4)
    assert part_to_close(account, marks, "ETH", lot=2) == 2.5  # less than a lot would be left


def test_a_health_that_rises_and_falls_is_not_searched_by_halves():
    """19. In the low row closing costs more than it frees: to close everything would not do."""
    table = Tiers.continuous([(0, 0.01), (500, 0.5)])
    risky = Contract(symbol="ETH", maintenance=table)
    account = Account(balance=0, positions=(isolated(risky, 1000, 1, margin=170),))
    part = part_to_close(account, {"ETH": 1}, "ETH", fee_rate=0.2, lot=1)
    # 170 - 0.2 (1000 - x) > 0.5 x - 245 up to x = 716, and > 0.01 x down to x = 158
    assert part == 1000 - 716
    after, _ = liquidate(account, {"ETH": 1}, "ETH", 0.2, "what is needed", lot=1)
    assert not after.risk({"ETH": 1}, "ETH").is_liquidatable
    assert part_to_close(account, {"ETH": 1}, "ETH", fee_rate=0.2, lot=580) == 1000
    # The middle of it does not do either: only 693 to 730 can stay open.
    table = Tiers.continuous([(0, 0.01), (700, 0.5)])
    risky = Contract(symbol="ETH", maintenance=table)
    account = Account(balance=0, positions=(isolated(risky, 1000, 1, margin=130.05),))
    # 130.05 - 0.4 (1000 - x) > 0.5 x - 343 up to x = 730.5, and > 0.01 x down to x = 692.2
    assert part_to_close(account, {"ETH": 1}, "ETH", fee_rate=0.4, lot=1) == 1000 - 730


@MODES
def test_no_float_residue_is_left_after_closes(mode):
    """20. 0.1 + 0.2 closed in parts leaves no dust that would have a margin level of -1e20."""
    account = Account(balance=10)
    for quantity in (0.1, 0.2):
        account, _ = account.open(SOL, quantity=quantity, price=7, leverage=3, mode=mode)
    for _ in range(3):
        account, _ = account.close("SOL", price=7, quantity=0.1)
    assert account.positions == ()
    assert account.locked_margin == 0
    risk = account.risk()
    assert (risk.notional, risk.initial_margin, risk.maintenance_margin) == (0, 0, 0)
    assert math.isnan(risk.margin_ratio)
    assert not risk.is_liquidatable
    assert account.balance == pytest.approx(10, rel=1e-14)


@MODES
def test_no_float_residue_is_left_after_partial_liquidations(mode):
    """20. Nor is dust left by liquidations, part by part."""
    account, _ = Account(balance=2).open(SOL, quantity=0.3, price=7, leverage=20, mode=mode)
    start, fund, market = account.wallet_balance, 0, 0
    for price in (6.75, 6.7, 6.68, 6.6, 0.02):
        account, events = mark_to_market(account, {"SOL": price}, 0.001, "what is needed", 0.1)
        fund += sum(event.received("insurance fund") for event in events)
        market += sum(event.received("market") for event in events)
        for position in account.positions:
            assert position.quantity >= 0.1 * (1 - 1e-12)
        assert account.wallet_balance + fund + market == pytest.approx(start, rel=1e-14)
    assert account.positions == ()
    risk = account.risk()
    assert (risk.notional, risk.initial_margin, risk.maintenance_margin) == (0, 0, 0)
    assert math.isnan(risk.margin_ratio)
    assert not risk.is_liquidatable


def test_a_flat_account_is_exactly_flat():
    """20. Nothing required, no ratio, healthy."""
    account, _ = Account(balance=20).open(ETH, quantity=10, price=10, leverage=5)
    account, _ = liquidate(account, {"ETH": 8}, "ETH")
    assert account == Account(balance=0)
    assert not account.risk().is_liquidatable
    assert math.isnan(account.risk().margin_ratio)
    assert account.risk().effective_leverage == 0


@given(books(mode="cross"))
def test_a_negative_balance_neither_crashes_nor_runs_on(book):
    """21. Equity used up ends in one liquidation and a balance of 0, never below."""
    account, marks = book
    account = dataclasses.replace(account, balance=-account.balance)
    after, events = mark_to_market(account, marks)
    if account.equity(marks) <= 0:
        assert after == Account(balance=0)
        assert len(events) == 1
    elif not events:
        assert after == account
    assert after.cross or after.balance >= 0
    for symbol in marks:
        assert not np.isinf(account.liquidation_price(symbol, marks))


def test_no_account_without_cross_positions_has_a_negative_balance():
    """21. Not even by a closing fee."""
    with pytest.raises(MarginError, match="balance must be at least 0"):
        Account(balance=-1)
    # A closing fee that only maintenance could pay does not leave a debt behind.
    dear = Contract(symbol="ETH", taker_fee=0.5)
    account = Account(balance=10, positions=(cross(dear, 10, 10),))
    with pytest.raises(MarginError, match="balance must be at least 0"):
        account.close("ETH", price=9.5)


@SIDES
@MODES
@pytest.mark.parametrize("inverse", [False, True])
def test_liquidation_and_bankruptcy_are_two_prices_on_one_side_of_the_entry(side, mode, inverse):
    """22. From the entry on the way to ruin: liquidation first, then bankruptcy."""
    contract = dataclasses.replace(ETH, inverse=inverse)
    size = 1000 * side if inverse else 10 * side
    account, _ = Account(balance=20).open(contract, quantity=size, price=10, leverage=5, mode=mode)
    liquidation, bankruptcy = account.liquidation_price("ETH"), account.bankruptcy_price("ETH")
    assert side * 10 > side * liquidation > side * bankruptcy
    assert account.risk({"ETH": bankruptcy}, "ETH").equity == pytest.approx(0)
    assert account.risk({"ETH": liquidation}, "ETH").equity > 1


@SIDES
def test_both_prices_depend_on_the_margin_mode(side):
    """22. Money outside the pocket moves the prices of a cross position and of no isolated one."""
    both = []
    for balance in (20, 50):
        shared = Account(balance=balance, positions=(cross(ETH, 10 * side, 10),))
        fenced = Account(balance=balance, positions=(isolated(ETH, 10 * side, 10, margin=20),))
        for account in (shared, fenced):
            both.append((account.liquidation_price("ETH"), account.bankruptcy_price("ETH")))
    poor_shared, poor_fenced, rich_shared, rich_fenced = both
    assert poor_shared == poor_fenced == rich_fenced
    assert rich_shared[0] * side < poor_shared[0] * side
    assert rich_shared[1] == pytest.approx(10 - 5 * side)


def test_cross_bankruptcy_does_not_count_isolated_legs():
    """23. Neither their margin nor their profit carries the shared balance."""
    alone = Account(balance=30, positions=(cross(ETH, 10, 10),))
    beside = Account(balance=30, positions=(isolated(ADA, 50, 2, margin=20), cross(ETH, 10, 10)))
    marks = {"ETH": 7, "ADA": 5}  # the isolated leg has won 150
    assert beside.bankruptcy_price("ETH", marks) == alone.bankruptcy_price("ETH", marks) == 7
    assert beside.liquidation_price("ETH", marks) == alone.liquidation_price("ETH", marks)
    after, events = mark_to_market(beside, marks)
    assert [event.symbols for event in events] == [("ETH",)]
    assert after.positions == (beside["ADA"],)


@pytest.mark.parametrize("fee_rate", [None, 0.0, 0.005])
@SIDES
def test_the_later_the_liquidation_the_less_the_fund_gets(side, fee_rate):
    """24. Past the bankruptcy price it pays; it is never credited with a margin that is gone."""
    account = Account(balance=7, positions=(isolated(ETH, 10 * side, 10, margin=20),))
    bankruptcy, received = account.bankruptcy_price("ETH"), []
    for distance in (-0.15, -0.05, 0, 0.05, 1, 3):
        price = bankruptcy - side * distance
        _, event = liquidate(account, {"ETH": price}, "ETH", fee_rate)
        fund = event.received("insurance fund")
        left = account.risk({"ETH": price}, "ETH").equity
        assert min(left, 0) - 1e-12 <= fund <= max(left, 0) + 1e-12
        received.append(fund)
        settled = settle(account, {"ETH": price}, event, fund=100)
        assert settled.fund == pytest.approx(100 + fund)
    late = received[2:]
    assert late == sorted(late, reverse=True)
    assert received[2] == pytest.approx(0, abs=1e-12)
    assert received[-1] == pytest.approx(-30)


@SIDES
def test_the_maintenance_amount_is_deducted(side):
    """25. Without it the margin jumps at every floor, and the price lies nearer than it is."""
    contract = dataclasses.replace(ETH, maintenance=ROWS)
    position = isolated(contract, 1000 * side, 1, margin=200)
    for tier in ROWS[1:]:
        price = tier.floor / 1000
        below = position.maintenance_margin(math.nextafter(price, 0))
        assert position.maintenance_margin(price) == pytest.approx(below, rel=1e-12)
    assert position.maintenance_margin(1) == pytest.approx(0.05 * 1000 - 20)
    assert position.maintenance_margin(3) == pytest.approx(0.2 * 3000 - 320)
    # 200 + 1000 side (P - 1) = 50 P - 20
    price = (1000 - 220 * side) / (1000 - 50 * side)
    assert position.liquidation_price() == pytest.approx(price)
    account = Account(balance=200, positions=(dataclasses.replace(position, margin=None),))
    assert account.liquidation_price("ETH") == pytest.approx(price)
    assert account.risk({"ETH": 1}).maintenance_margin == pytest.approx(30)
    found = account.liquidation_range("ETH", {"ETH": 1})
    assert found[0 if side > 0 else 1] == pytest.approx(price)


def test_not_a_number_is_never_safe():
    """26. It is refused at the door, before any comparison that it would pass."""
    account = Account(balance=30, positions=(cross(ETH, 10, 10),))
    wallet = SpotWallet(coin=1, quote_debt=1000)
    for call in (
        lambda: account.risk({"ETH": NAN}),
        lambda: account.risk({"ETH": [10, NAN]}),
        lambda: mark_to_market(account, {"ETH": NAN}),
        lambda: mark_to_market(account, {"ETH": 1}, NAN),
        lambda: part_to_close(account, {"ETH": 1}, "ETH", lot=NAN),
        lambda: account.open(ADA, quantity=1, price=NAN, leverage=5, marks={"ETH": 10}),
        lambda: account.open(ADA, quantity=NAN, price=1, leverage=5, marks={"ETH": 10}),
        lambda: account.open(ADA, quantity=1, price=1, leverage=NAN, marks={"ETH": 10}),
        lambda: account.open(ADA, quantity=1, price=1, leverage=5, marks={"ETH": NAN}),
        lambda: account.close("ETH", price=10, quantity=NAN),
        lambda: account.close("ETH", price=NAN),
        lambda: account.pay_funding({"ETH": NAN}, {"ETH": 10}),
        lambda: account.pay_interest({"ETH": 0.1}, NAN),
        lambda: account.liquidation_range("ETH", {"ETH": NAN}),
        lambda: dataclasses.replace(account, balance=NAN),
        lambda: isolated(ETH, 10, 10, margin=NAN),
        lambda: Contract(symbol="ETH", maintenance=NAN),
        lambda: Tiers([(0, 0.01, NAN)]),
        lambda: wallet.is_liquidatable(NAN, level=1.1),
        lambda: wallet.is_liquidatable(1000, level=NAN),
        lambda: formulas.liquidation_price(10, 1, NAN, 0.02),
        lambda: formulas.tiered_liquidation_price(10, 1, [1, NAN], [(0, 0.02, 0, None)]),
        lambda: formulas.margin_ratio(NAN, 1),
    ):
        with pytest.raises(MarginError, match="must be finite"):
            call()


@pytest.mark.parametrize("name", venues.names())
def test_a_venues_numbers_have_a_source_and_a_day(name):
    """27. They age; who reads one sees from when it is."""
    place = venues.venue(name)
    for dated in (place, *place.facts, *place.tables):
        assert re.search(r"[./]", dated.source)
        assert re.search(r"\b20[12]\d\b", dated.as_of)
    known = {fact.name for fact in place.facts}
    assert {"taker_fee", "maintenance_at", "closing_fee", "inverse"} <= known


# 2 halves a leverage; 9 and 10 are digits that are kept, 1e-12 what floats may lose, 65,536 a block
# of an array; 1e-6 is as far as a zero is corrected; beyond 1e100 products are not finite. None of
# them is a rate, a fee, a cap or a time.
# A seed, a number of paths, and the most days that they are drawn for.
NUMBERS_OF_CODE = {0, 1, 2, 9, 10, 1e-6, 1e-12, 1e100, 65_536} | {7, 10_000, 3_650}


@pytest.mark.parametrize(
    "module",
    [
        *(f"margin_lib/{part}" for part in ("errors", "contracts", "formulas", "spot", "account")),
        *(f"margin_lib/{part}" for part in ("liquidation", "venues")),
        "margin_course/scenarios",
    ],
)
def test_no_venues_number_stands_in_the_code(module):
    """27. What a venue sets is an argument, or a line of data with a day."""
    code = ast.parse((ROOT / f"{module}.py").read_text(encoding="utf-8"))
    numbers = {
        node.value
        for node in ast.walk(code)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }
    assert numbers <= NUMBERS_OF_CODE
