"""Mistakes that other margin code was shipped with, each with a test that would have caught it."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import liquidate, mark_to_market, part_to_close, settle
from tests.strategies import books, leverages, shares

NAN = float("nan")
ETH = Contract(symbol="ETH", maintenance=0.02)
ADA = Contract(symbol="ADA", maintenance=0.05)
SOL = Contract(symbol="SOL", maintenance=0.02)


def cross(contract, quantity, entry_price, leverage=5.0):
    return Position(
        contract=contract, quantity=quantity, entry_price=entry_price, leverage=leverage
    )


def isolated(contract, quantity, entry_price, margin, leverage=5.0):
    position = cross(contract, quantity, entry_price, leverage)
    return dataclasses.replace(position, margin=margin)


def test_sign_of_the_other_legs_profit():
    """A losing short beside a long must bring the long's price nearer, a winning one away."""
    account = Account(balance=50, positions=(cross(ETH, 10, 10), cross(ADA, -50, 2)))
    alone = account.liquidation_price("ETH", {"ADA": 2})
    assert account.liquidation_price("ETH", {"ADA": 2.2}) > alone
    assert account.liquidation_price("ETH", {"ADA": 1.8}) < alone
    # 50 - 10 + 10 (P - 10) = 0.2 P + 5.5
    assert account.liquidation_price("ETH", {"ADA": 2.2}) == pytest.approx(65.5 / 9.8)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_liquidation_price_past_the_entry_at_birth(side, mode):
    """Maintenance above the initial margin: such a position is never opened."""
    risky = Contract(symbol="ETH", maintenance=0.11)
    account = Account(balance=10)
    with pytest.raises(MarginError, match="equity behind ETH must stay above the maintenance"):
        account.open(risky, quantity=10 * side, price=10, leverage=10, mode=mode)


@given(leverages, st.sampled_from([1, -1]))
def test_maintenance_divided_by_leverage(leverage, side):
    """The requirement is a share of notional, whatever leverage was chosen."""
    position = isolated(ETH, side * 10, 10, margin=30, leverage=leverage)
    assert position.risk(9).maintenance_margin == pytest.approx(0.02 * 90)
    account = Account(balance=1, positions=(position,))
    same = dataclasses.replace(position, leverage=1)
    assert account.liquidation_price("ETH") == Account(
        balance=1, positions=(same,)
    ).liquidation_price("ETH")


@given(shares(0.01, 0.82), st.sampled_from([None, 0.0, 0.01]))
def test_an_isolated_loss_larger_than_the_margin(price, fee_rate):
    account = Account(balance=7, positions=(isolated(ETH, 100, 1, margin=18),))
    after, events = mark_to_market(account, {"ETH": price}, fee_rate)
    assert after.balance >= 7
    if events:
        assert after.wallet_balance - account.wallet_balance >= -18


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_shorts_at_one_times_are_not_exempt(mode):
    account, _ = Account(balance=100).open(ETH, quantity=-10, price=10, leverage=1, mode=mode)
    assert account.liquidation_price("ETH") == pytest.approx(200 / 10.2)
    assert mark_to_market(account, {"ETH": 19.7})[1]
    assert not mark_to_market(account, {"ETH": 19.5})[1]


def test_isolated_does_not_switch_liquidation_off():
    account, _ = Account(balance=1e6).open(ETH, quantity=10, price=10, leverage=5)
    assert mark_to_market(account, {"ETH": 8})[1]


def test_the_other_positions_maintenance_counts():
    account = Account(balance=30, positions=(cross(ETH, 10, 10), cross(ADA, 50, 2)))
    # 30 + 10 (P - 10) = 0.2 P + 5, where the 5 are ADA's
    assert account.liquidation_price("ETH", {"ADA": 2}) == pytest.approx(75 / 9.8)
    # Bankruptcy asks for no maintenance, neither its own nor the other's.
    assert account.bankruptcy_price("ETH", {"ADA": 2}) == pytest.approx(7)


def test_orders_that_reduce_may_not_be_larger_than_what_is_open():
    account, _ = Account(balance=100).open(ETH, quantity=10, price=10, leverage=5)
    for quantity in (10.000001, 20, -5, 0):
        with pytest.raises(MarginError, match="quantity must be part of the open quantity 10"):
            account.close("ETH", price=10, quantity=quantity)


def test_orders_that_reduce_lock_no_margin():
    account, _ = Account(balance=20).open(ETH, quantity=10, price=10, leverage=5)
    assert account.balance == 0
    after, _ = account.close("ETH", price=10, quantity=4)
    assert after.balance == pytest.approx(8)


@given(shares(0.1, 120.0))
def test_added_margin_never_raises_a_longs_price(amount):
    account = Account(balance=200, positions=(isolated(ETH, 10, 10, margin=20),))
    after, _ = account.add_margin("ETH", amount)
    price = after.liquidation_price("ETH")
    assert price < account.liquidation_price("ETH") or math.isnan(price)
    assert math.isnan(price) == (amount >= 80)  # the whole value is own money: never, not below 0


def test_mark_and_entry_are_not_mixed():
    """Maintenance follows the mark; the loan and the default margin after a switch, the entry."""
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


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("rate", [0.01, -0.01])
def test_funding_is_in_the_margin_and_has_the_right_sign(side, rate):
    account = Account(balance=5, positions=(isolated(ETH, 10 * side, 10, margin=20),))
    after, _ = account.pay_funding({"ETH": rate}, {"ETH": 10})
    assert after.balance == 5
    assert after["ETH"].margin == pytest.approx(20 - side * rate * 100)
    nearer = (after.liquidation_price("ETH") - account.liquidation_price("ETH")) * side > 0
    assert nearer == (side * rate > 0)


def test_no_float_residue_is_left_after_closes():
    """0.1 + 0.2 closed in parts leaves no dust that would have a margin level of -1e20."""
    for mode in ("isolated", "cross"):
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


def test_a_flat_account_is_exactly_flat():
    account, _ = Account(balance=20).open(ETH, quantity=10, price=10, leverage=5)
    account, _ = liquidate(account, {"ETH": 8}, "ETH")
    assert account == Account(balance=0)
    assert not account.risk().is_liquidatable
    assert math.isnan(account.risk().margin_ratio)
    assert account.risk().effective_leverage == 0


@given(books(mode="cross"))
def test_a_negative_balance_neither_crashes_nor_runs_on(book):
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
    with pytest.raises(MarginError, match="balance must be at least 0"):
        Account(balance=-1)
    # A closing fee that only maintenance could pay does not leave a debt behind.
    dear = Contract(symbol="ETH", taker_fee=0.5)
    account = Account(balance=10, positions=(cross(dear, 10, 10),))
    with pytest.raises(MarginError, match="balance must be at least 0"):
        account.close("ETH", price=9.5)


def test_liquidation_and_bankruptcy_are_two_prices_on_one_side_of_the_entry():
    for side in (1, -1):
        account, _ = Account(balance=20).open(ETH, quantity=10 * side, price=10, leverage=5)
        liquidation, bankruptcy = account.liquidation_price("ETH"), account.bankruptcy_price("ETH")
        assert side * 10 > side * liquidation > side * bankruptcy
        assert account.risk({"ETH": bankruptcy}, "ETH").equity == pytest.approx(0)
        assert account.risk({"ETH": liquidation}, "ETH").equity > 1


def test_cross_bankruptcy_does_not_count_isolated_legs():
    alone = Account(balance=30, positions=(cross(ETH, 10, 10),))
    beside = Account(balance=30, positions=(isolated(ADA, 50, 2, margin=20), cross(ETH, 10, 10)))
    marks = {"ETH": 7, "ADA": 5}  # the isolated leg has won 150
    assert beside.bankruptcy_price("ETH", marks) == alone.bankruptcy_price("ETH", marks) == 7
    after, events = mark_to_market(beside, marks)
    assert [event.symbols for event in events] == [("ETH",)]
    assert after.positions == (beside["ADA"],)


def test_not_a_number_is_never_safe():
    account = Account(balance=30, positions=(cross(ETH, 10, 10),))
    for call in (
        lambda: account.risk({"ETH": NAN}),
        lambda: account.risk({"ETH": [10, NAN]}),
        lambda: mark_to_market(account, {"ETH": NAN}),
        lambda: account.open(ADA, quantity=1, price=NAN, leverage=5, marks={"ETH": 10}),
        lambda: account.open(ADA, quantity=NAN, price=1, leverage=5, marks={"ETH": 10}),
        lambda: account.open(ADA, quantity=1, price=1, leverage=NAN, marks={"ETH": 10}),
        lambda: account.close("ETH", price=10, quantity=NAN),
        lambda: account.pay_funding({"ETH": NAN}, {"ETH": 10}),
        lambda: dataclasses.replace(account, balance=NAN),
        lambda: Contract(symbol="ETH", maintenance=NAN),
        lambda: formulas.liquidation_price(10, 1, NAN, 0.02),
        lambda: formulas.margin_ratio(NAN, 1),
    ):
        with pytest.raises(MarginError, match="must be finite"):
            call()


@pytest.mark.parametrize("closes", ["everything", "worst first", "what is needed"])
@pytest.mark.parametrize("fee_rate", [None, 0.0, 0.05])
def test_a_gap_is_filled_where_the_market_is_and_costs_no_more_than_the_margin(fee_rate, closes):
    """Not at the liquidation price that the bar jumped over, and not beyond the margin."""
    account = Account(balance=7, positions=(isolated(ETH, 100, 1, margin=18),))
    assert account.liquidation_price("ETH") == pytest.approx(82 / 98)
    after, event = liquidate(account, {"ETH": 0.5}, "ETH", fee_rate, closes)
    assert after == Account(balance=7)
    assert event.transfers == {"margin ETH": -18, "market": 50, "insurance fund": -32}
    # A fee above the maintenance rate must not turn what is left into a gain or a debt.
    after, event = liquidate(account, {"ETH": 0.83}, "ETH", 0.05, closes)
    assert after == Account(balance=7)
    assert event.received("insurance fund") == pytest.approx(1)


@given(shares(0.01, 0.83), st.sampled_from([None, 0.0, 0.01]), st.sampled_from([0, 1]))
def test_an_isolated_loss_larger_than_the_margin_when_only_a_part_is_closed(price, fee_rate, lot):
    account = Account(balance=7, positions=(isolated(ETH, 100, 1, margin=18),))
    after, _ = liquidate(account, {"ETH": price}, "ETH", fee_rate, "what is needed", lot)
    assert after.balance >= 7
    assert after.equity({"ETH": price}) >= 7


def test_the_liquidation_fee_is_a_share_of_the_closed_notional_at_the_mark():
    """Not of the margin, of the quantity, of the notional at entry or of what stays open."""
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
    """Only a venue that says so counts a fee in the requirement; then it is its taker fee."""
    account = Account(balance=0, positions=(isolated(ETH, 10, 10, margin=20),))
    price = account.liquidation_price("ETH")
    for fee_rate in (None, 0, 0.05):
        assert mark_to_market(account, {"ETH": price * 1.000001}, fee_rate)[1] == ()
        assert len(mark_to_market(account, {"ETH": price * 0.999999}, fee_rate)[1]) == 1
    counted = dataclasses.replace(ETH, taker_fee=0.001, conventions=Conventions(closing_fee=True))
    account = Account(balance=0, positions=(isolated(counted, 10, 10, margin=20),))
    assert account.liquidation_price("ETH") == pytest.approx(80 / 9.79)


@given(shares(0.8167, 0.836), st.sampled_from([0, 0.001, 0.25, 3.0]), st.sampled_from([0, 0.01]))
def test_a_partial_liquidation_neither_leaves_a_shortage_nor_takes_too_much(price, lot, fee_rate):
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
    account = Account(balance=0, positions=(isolated(ETH, 2.5, 10, margin=0.55),))
    marks = {"ETH": 9.95}  # 0.425 left, 0.4975 required: 2.13 coins could stay
    assert part_to_close(account, marks, "ETH", lot=1) == 1
    assert part_to_close(account, marks, "ETH", lot=0.1) == pytest.approx(0.4)
    assert part_to_close(account, marks, "ETH", lot=2) == 2.5  # less than a lot would be left


def test_a_health_that_rises_and_falls_is_not_searched_by_halves():
    """In the low row closing costs more than it frees: to close everything would not do."""
    table = Tiers.continuous([(0, 0.01), (500, 0.5)])
    risky = Contract(symbol="ETH", maintenance=table)
    account = Account(balance=0, positions=(isolated(risky, 1000, 1, margin=170),))
    part = part_to_close(account, {"ETH": 1}, "ETH", fee_rate=0.2, lot=1)
    # 170 - 0.2 (1000 - x) > 0.5 x - 245 up to x = 716, and > 0.01 x down to x = 158
    assert part == 1000 - 716
    after, _ = liquidate(account, {"ETH": 1}, "ETH", 0.2, "what is needed", lot=1)
    assert not after.risk({"ETH": 1}, "ETH").is_liquidatable
    assert part_to_close(account, {"ETH": 1}, "ETH", fee_rate=0.2, lot=580) == 1000


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_no_float_residue_is_left_after_partial_liquidations(mode):
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


@pytest.mark.parametrize("fee_rate", [None, 0.0, 0.005])
@pytest.mark.parametrize("side", [1, -1])
def test_the_later_the_liquidation_the_less_the_fund_gets(side, fee_rate):
    """Past the bankruptcy price it pays; it is never credited with a margin that is gone."""
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
