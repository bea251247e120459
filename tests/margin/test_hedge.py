"""Hedge mode: a long and a short of one market, which can die both ways, one way, or never."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib import formulas
from margin_lib.account import Account, Collateral, Position
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import mark_to_market
from tests.support.strategies import shares

TABLE = Tiers.continuous([(0, 0.01), (500, 0.05), (2000, 0.2)])


def leg(side, size, entry=1.0, maintenance=0.02, **how):
    name = "ETH long" if side > 0 else "ETH short"
    contract = Contract(symbol=name, market="ETH", maintenance=maintenance, **how)
    return Position(contract=contract, quantity=side * size, entry_price=entry, leverage=5)


def hedged(balance, *legs):
    return Account(balance=balance, positions=legs)


def test_a_position_follows_its_market_and_keeps_its_name():
    account = hedged(100, leg(1, 300), leg(-1, 200))
    assert account["ETH long"].pnl(1.1) == pytest.approx(30)
    assert account.risk({"ETH": 1.1}).equity == pytest.approx(100 + 30 - 20)
    with pytest.raises(MarginError, match="marks must hold a price for ETH"):
        account.risk({"ETH long": 1.1})


def test_two_positions_of_one_name_are_still_refused():
    with pytest.raises(MarginError, match="positions must have one position a symbol"):
        hedged(100, leg(1, 300), leg(1, 200))


def test_a_perfect_hedge_dies_upwards_only_by_its_maintenance():
    account = hedged(6, leg(1, 100, maintenance=0.25), leg(-1, 100, maintenance=0.25))
    low, high = account.liquidation_range("ETH", {"ETH": 0.05})
    assert math.isnan(low)
    assert high == pytest.approx(6 / 50)
    assert account.liquidation_price("ETH short", {"ETH": 0.05}) == high
    assert account.liquidation_price("ETH long", {"ETH": 0.05}) == high  # their pocket is one


def test_without_maintenance_a_perfect_hedge_never_dies():
    account = hedged(6, leg(1, 100, maintenance=0), leg(-1, 100, maintenance=0))
    assert np.isnan(account.liquidation_range("ETH", {"ETH": 1.0})).all()


def test_where_it_is_liquidated_already_both_prices_are_the_mark():
    account = hedged(1, leg(1, 300), leg(-1, 200))
    assert account.liquidation_range("ETH", {"ETH": 0.9}) == (0.9, 0.9)
    assert mark_to_market(account, {"ETH": 0.9})[0].positions == ()


def test_tiers_make_a_net_long_die_upwards_too():
    account = hedged(300, leg(1, 1500, maintenance=TABLE), leg(-1, 1100, maintenance=TABLE))
    low, high = account.liquidation_range("ETH", {"ETH": 1.0})
    assert 0 < low < 1 < high
    assert account.liquidation_price("ETH long", {"ETH": 1.0}) == low
    assert account.liquidation_price("ETH short", {"ETH": 1.0}) == high


sizes = st.integers(50, 3000).map(float)
RULES = [Conventions(), Conventions(closing_fee=True), Conventions(maintenance_at="entry")]


@given(
    sizes, sizes, shares(0.7, 1.4), shares(0.7, 1.4), shares(20, 900), st.booleans(),
    st.sampled_from(RULES), st.sampled_from([TABLE, 0.02, Tiers([(0, 0.01), (700, 0.1)])]),
)  # fmt: skip
def test_between_the_two_prices_it_lives_and_beyond_them_it_is_liquidated(
    first, second, up, down, balance, inverse, rules, table
):
    how = {"maintenance": table, "conventions": rules, "taker_fee": 0.001, "inverse": inverse}
    account = hedged(balance, leg(1, first, up, **how), leg(-1, second, down, **how))
    low, high = account.liquidation_range("ETH", {"ETH": 1.0})

    def spare(prices):
        risk = account.risk({"ETH": np.asarray(prices)})
        return (risk.equity - risk.maintenance_margin) / (first + second)

    if (low, high) == (1.0, 1.0):
        assert spare(1.0) <= 1e-12
        return
    inside = np.geomspace(1e-3 if math.isnan(low) else low, 1e3 if math.isnan(high) else high, 99)
    assert np.all(spare(inside[1:-1]) > -1e-9)
    if not math.isnan(low):
        assert spare(low * (1 - 1e-9)) <= 1e-7
    if not math.isnan(high):
        assert spare(high * (1 + 1e-9)) <= 1e-7


@given(sizes, st.sampled_from([1, -1]), shares(30, 900), st.booleans())
def test_a_single_leg_has_the_price_of_the_closed_form(size, side, balance, inverse):
    account = hedged(balance, leg(side, size, maintenance=TABLE, inverse=inverse))
    if account.risk({"ETH": 1.0}).is_liquidatable:
        return
    name = account.positions[0].symbol
    found = account.liquidation_range("ETH", {"ETH": 1.0})
    dies, lives = found if side > 0 else found[::-1]
    assert dies == pytest.approx(account.liquidation_price(name), nan_ok=True)
    assert math.isnan(lives)


def test_an_isolated_leg_dies_alone():
    long = leg(1, 300)
    fenced = Position(
        contract=long.contract, quantity=300, entry_price=1.0, leverage=5, margin=60.0
    )
    account = hedged(100, fenced, leg(-1, 200))
    assert account.liquidation_price("ETH long") == pytest.approx(240 / 294)
    assert account.liquidation_range("ETH", {"ETH": 1.0})[1] == pytest.approx(300 / 204)


def test_other_markets_are_held():
    ada = Contract(symbol="ADA", maintenance=0.02)
    other = Position(contract=ada, quantity=-100, entry_price=1.0, leverage=5)
    account = hedged(100, leg(1, 300), leg(-1, 150), other)
    for mark in (0.9, 1.1):
        low, _ = account.liquidation_range("ETH", {"ETH": 1.0, "ADA": mark})
        risk = account.risk({"ETH": low, "ADA": mark})
        assert risk.equity == pytest.approx(risk.maintenance_margin, abs=1e-9 * risk.notional)


def test_a_market_that_nothing_cross_follows_is_refused():
    with pytest.raises(MarginError) as caught:
        hedged(100, leg(1, 300)).liquidation_range("BTC", {"ETH": 1.0})
    assert str(caught.value) == "market must be one that a cross position follows, got BTC"


@pytest.mark.parametrize(("spare", "low"), [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5)])
def test_equality_is_liquidated_and_half_a_unit_of_money_more_is_not(spare, low):
    """A net long of 2 without maintenance: each unit of price costs 2."""
    account = hedged(spare, leg(1, 8, maintenance=0), leg(-1, 6, maintenance=0))
    found = account.liquidation_range("ETH", {"ETH": 1.0})
    assert found == pytest.approx((low, 1.0 if spare == 0 else math.nan), nan_ok=True)


def test_who_has_just_the_requirement_at_a_floor_dies_there():
    """A long of 8 on 2: from a price of 1 on, a quarter of its value is required."""
    rows = Tiers([(0, 0), (8, 0.25)])
    assert formulas.tiered_liquidation_price(1.0, 8, 2, rows) == 1.0
    account = hedged(2, leg(1, 8, maintenance=rows))
    for now, high in ((2.0, math.nan), (1.0, 1.0)):
        found = account.liquidation_range("ETH", {"ETH": now})
        assert found == pytest.approx((1.0, high), nan_ok=True)
    assert account.liquidation_range("ETH", {"ETH": 0.9}) == (0.75, 1.0)


def test_own_money_for_everything_makes_a_net_long_immortal():
    for inverse, entry in ((False, 2.0), (True, 0.5)):
        side, how = (-1 if inverse else 1), {"maintenance": 0, "inverse": inverse}
        account = hedged(8, leg(side, 8, entry, **how), leg(-side, 4, entry, **how))
        assert np.isnan(account.liquidation_range("ETH", {"ETH": entry})).all()


def test_a_counted_fee_kills_a_perfect_hedge_sooner():
    """Twice 100 coins at rate and fee of 0.25 and 0.05: 60 of price is required."""
    how = {"maintenance": 0.25, "taker_fee": 0.05, "conventions": Conventions(closing_fee=True)}
    account = hedged(6, leg(1, 100, **how), leg(-1, 100, **how))
    low, high = account.liquidation_range("ETH", {"ETH": 0.05})
    assert math.isnan(low)
    assert high == pytest.approx(6 / 60)


def test_an_inverse_hedge_is_looked_at_from_its_own_price():
    """Twice 100 dollars at 0.25 require 50 / P coins: 2 coins of balance carry them above 25."""
    how = {"maintenance": 0.25, "inverse": True}
    account = hedged(2, leg(1, 100, 50.0, **how), leg(-1, 100, 50.0, **how))
    low, high = account.liquidation_range("ETH", {"ETH": 50.0})
    assert low == pytest.approx(25)
    assert math.isnan(high)
    assert account.liquidation_range("ETH", {"ETH": 20.0}) == pytest.approx((20, 20))


def test_frozen_today_freezes_both_legs_at_the_mark():
    how = {"maintenance": 0.1, "conventions": Conventions(maintenance_at="today")}
    account = hedged(50, leg(1, 300, **how), leg(-1, 100, **how))
    for today in (0.95, 1.0, 1.02):
        low, _ = account.liquidation_range("ETH", {"ETH": today})
        assert 50 + 200 * (low - 1) == pytest.approx(0.1 * 400 * today)


def test_a_leg_of_less_than_one_coin_dies_on_its_own_side():
    account = hedged(0.1, leg(1, 0.5, maintenance=0.1), leg(-1, 0.25, maintenance=0.1))
    low, high = account.liquidation_range("ETH", {"ETH": 1.0})
    assert account.liquidation_price("ETH long", {"ETH": 1.0}) == low < 1
    assert math.isnan(high)


@pytest.mark.parametrize("market", [None, 5])
def test_a_market_is_a_name(market):
    with pytest.raises(MarginError) as caught:
        Contract(symbol="ETH", market=market)
    assert str(caught.value) == f"market must be a name, got {market!r}"


def test_a_close_is_filled_at_its_price_and_judged_at_the_mark():
    account = hedged(50, leg(1, 300), leg(-1, 200))
    for marks in (None, {"ETH": 1.0}):
        after, event = account.close("ETH short", price=1.1, marks=marks)
        assert after.balance == pytest.approx(50 - 200 * 0.1)
        assert event.received("market") == pytest.approx(200 * 0.1)
    with pytest.raises(MarginError, match="equity behind ETH short must stay above"):
        account.close("ETH short", price=0.5)
    assert account.close("ETH short", price=0.5, marks={"ETH": 1.0})[0].balance == 150


def test_each_rule_of_hedging_is_for_the_legs_that_have_it():
    """Two legs that cover each other, beside one that is covered by nothing, in any order."""

    def named(symbol, quantity, hedged):
        rules = Conventions(hedged=hedged)
        contract = Contract(symbol=symbol, market="ETH", maintenance=0.02, conventions=rules)
        return Position(contract=contract, quantity=quantity, entry_price=1, leverage=5)

    legs = [named("a", 100, "net"), named("b", -100, "net"), named("c", -50, "larger")]
    for some in (legs, legs[::-1]):
        assert hedged(50, *some).risk({"ETH": 1}).maintenance_margin == pytest.approx(0.02 * 50)


def test_a_part_that_is_covered_in_another_money_is_not_covered():
    """The short's table bends where the part that its own money leaves uncovered meets a floor."""
    rules = Conventions(hedged="net")
    table = Tiers.continuous([(0, 0.01), (700, 0.5)])

    def named(symbol, quantity, settle):
        contract = Contract(
            symbol=symbol, market="ETH", maintenance=table, conventions=rules, settle=settle
        )
        return Position(contract=contract, quantity=quantity, entry_price=1, leverage=5)

    legs = named("a", 100, ""), named("b", -300, ""), named("c", 350, "USD1")
    coins = [Collateral(coin="USD1", amount=100)]
    account = Account(balance=75, positions=legs, collateral=coins)
    marks = {"ETH": 1.0, "USD1": 1.0}
    _, end = account.liquidation_range("ETH", marks)
    assert account.risk({**marks, "ETH": end}).cushion == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("balance", "price"), [(42.2, 22), (17.75, 27)])
def test_from_where_the_other_leg_is_the_larger_one_it_asks(balance, price):
    """10 long ask for a tenth of P; 5 short, from 20 on, for P / 4 − 4: for more from 80 / 3 on."""
    rules = Conventions(hedged="larger")
    steep = Tiers.continuous([(0, 0.01), (100, 0.05)])
    legs = [
        leg(1, 10, entry=30, maintenance=0.01, conventions=rules),
        leg(-1, 5, entry=30, maintenance=steep, conventions=rules),
    ]
    for order in (legs, legs[::-1]):  # 42.2 + 5 (22 − 30) = 2.2, 17.75 + 5 (27 − 30) = 2.75
        account = hedged(balance, *order)
        assert account.liquidation_range("ETH", {"ETH": 40})[0] == pytest.approx(price)


def test_frozen_today_freezes_the_counted_fee_of_a_covered_leg_too():
    """10 long and 4 short at 10: 6 of requirement and a fee of 1.4, wherever the price goes."""
    rules = Conventions(hedged="net", maintenance_at="today", closing_fee=True)
    how = {"entry": 10.0, "maintenance": 0.1, "taker_fee": 0.01, "conventions": rules}
    account = hedged(31.4, leg(1, 10, **how), leg(-1, 4, **how))
    risk = account.risk({"ETH": 10})
    assert (risk.equity, risk.notional) == (31.4, 140)
    assert risk.maintenance_margin == pytest.approx(7.4)
    low, high = account.liquidation_range("ETH", {"ETH": 10})  # 31.4 + 6 (P − 10) = 7.4
    assert low == pytest.approx(6) and math.isnan(high)
    alone = hedged(31.4, leg(1, 10, **how)).risk({"ETH": 10})
    assert (alone.equity, alone.notional) == (31.4, 100)


@pytest.mark.parametrize("size", [0.5, 2])
def test_what_lives_at_no_price_has_its_price_at_the_end_of_its_losing_side(size):
    account = hedged(-100, leg(1, size), leg(-1, size))
    assert account.liquidation_price("ETH long", {"ETH": 1}) == math.inf
    assert account.liquidation_price("ETH short", {"ETH": 1}) == 0
