"""A spot margin wallet: what is held, what is owed, and who borrows what."""

import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from margin_lib.errors import MarginError
from margin_lib.spot import SpotWallet
from tests.support.strategies import NOT_SINGLE, prices, shares

amounts = shares(0.0, 100.0)
wallets = st.builds(SpotWallet, coin=amounts, quote=amounts, coin_debt=amounts, quote_debt=amounts)


def test_a_short_borrows_the_coin_and_a_long_the_money():
    start = SpotWallet(quote=1000)
    assert start.trade(-1, 2000) == SpotWallet(quote=3000, coin_debt=1)
    assert start.trade(1, 2000) == SpotWallet(coin=1, quote_debt=1000)


@pytest.mark.parametrize("quantity", [*NOT_SINGLE, None])
def test_what_is_traded_is_one_number(quantity):
    with pytest.raises(MarginError, match="^quantity must be "):
        SpotWallet(quote=1000).trade(quantity, 2000)


@given(wallets, shares(-50.0, 50.0), prices, shares(0.0, 0.01))
def test_a_trade_costs_its_fee_and_nothing_else(wallet, quantity, price, fee_rate):
    after = wallet.trade(quantity, price, fee_rate)
    fee = fee_rate * abs(quantity) * price
    scale = 1e-9 * (100 + 100 * price)
    assert after.equity(price) == pytest.approx(wallet.equity(price) - fee, abs=scale)
    assert after.coin - after.coin_debt == pytest.approx(
        wallet.coin - wallet.coin_debt + quantity, abs=1e-9
    )


@given(wallets, shares(-50.0, 50.0), prices)
def test_nothing_new_is_borrowed_while_something_is_held(wallet, quantity, price):
    after = wallet.trade(quantity, price)
    if after.coin_debt > wallet.coin_debt:
        assert after.coin == 0
    if after.quote_debt > wallet.quote_debt:
        assert after.quote == 0


def test_there_and_back_again_is_exact():
    start = SpotWallet(
        coin=Fraction(2), quote=Fraction(1000), coin_debt=Fraction(0), quote_debt=Fraction(0)
    )
    for quantity in (Fraction(1, 3), Fraction(-1, 3)):
        assert start.trade(quantity, Fraction(7000)).trade(-quantity, Fraction(7000)) == start


@pytest.mark.parametrize("side", [1, -1])
@given(price=prices, leverage=shares(1.5, 8.0), level=shares(1.02, 1.1))
def test_at_its_liquidation_price_the_level_is_reached(side, price, leverage, level):
    wallet = SpotWallet(quote=price).trade(side * leverage, price)
    edge = wallet.liquidation_price(level)
    assert wallet.level(edge) == pytest.approx(level)
    beyond, before = edge * (1 - side * 1e-9), edge * (1 + side * 1e-9)
    assert wallet.is_liquidatable(beyond, level) and not wallet.is_liquidatable(before, level)


def test_interest_counts_started_hours_and_brings_the_liquidation_price_nearer():
    long, short = (SpotWallet(quote=1000).trade(side, 2000) for side in (1, -1))
    assert long.accrue(0, quote_rate=0.5) == long
    owing = SpotWallet(coin_debt=1, quote_debt=1)
    assert owing.accrue(1) == owing
    grown = owing.accrue(1, coin_rate=1)
    assert grown == SpotWallet(coin_debt=2, coin_interest=1, quote_debt=1)
    grown = owing.accrue(1, quote_rate=1)
    assert grown == SpotWallet(coin_debt=1, quote_debt=2, quote_interest=1)
    assert long.accrue(2.01, quote_rate=0.01).quote_debt == pytest.approx(1030)
    assert short.accrue(1, coin_rate=0.01).coin_debt == pytest.approx(1.01)
    assert long.accrue(1, quote_rate=0.01).liquidation_price(1.1) > long.liquidation_price(1.1)
    assert short.accrue(1, coin_rate=0.01).liquidation_price(1.1) < short.liquidation_price(1.1)


@given(st.lists(st.integers(1, 90), min_size=1, max_size=9), st.integers(0, 100))
@example([1, 1, 1, 1, 11, 75, 90], 1)  # three hours, and in floats a little more
def test_interest_does_not_hang_on_how_a_time_is_cut(minutes, rate):
    whole = SpotWallet(coin_debt=2, quote_debt=100)
    rates = {"coin_rate": rate / 1000, "quote_rate": rate / 500}
    parts = whole
    for some in minutes:
        parts = parts.accrue(some / 60, **rates)
    once = whole.accrue(sum(minutes) / 60, **rates)
    for name in ("coin_debt", "quote_debt", "coin_interest", "quote_interest"):
        assert getattr(parts, name) == pytest.approx(getattr(once, name))
    hours = -(-sum(minutes) // 60)
    assert once.quote_debt == pytest.approx(100 * (1 + rate / 500 * hours))


def test_interest_is_repaid_first_and_a_new_loan_begins_a_new_hour():
    owing = SpotWallet(quote_debt=100).accrue(1.5, quote_rate=0.1)
    assert (owing.quote_debt, owing.quote_interest, owing.prepaid) == (120, 20, 0.5)
    part = owing.trade(-1, price=15)
    assert (part.quote_debt, part.quote_interest) == (105, 5)
    part = part.trade(-1, price=15).accrue(0.5, quote_rate=0.1)
    assert (part.quote_debt, part.quote_interest, part.prepaid) == (90, 0, 0)
    assert SpotWallet(quote=1).accrue(0.5, quote_rate=0.1).prepaid == 0
    free = SpotWallet(coin=2, quote_debt=1).accrue(0.5).trade(-1, price=9)
    assert (free.quote_debt, free.prepaid) == (0, 0)


def test_a_venue_may_charge_every_hour_of_the_clock_that_is_touched():
    """From 13:55 to 14:30 are two, at Binance; then nothing more before 15:00."""
    owing = SpotWallet(quote_debt=100).accrue(35 / 60, quote_rate=0.1, past=55 / 60)
    assert owing.quote_debt == pytest.approx(120)
    assert owing.accrue(30 / 60, quote_rate=0.1).quote_debt == pytest.approx(120)
    assert owing.accrue(31 / 60, quote_rate=0.1).quote_debt == pytest.approx(130)


@pytest.mark.parametrize("hours", [-1, *NOT_SINGLE])
def test_no_time_that_is_no_number_is_charged(hours):
    with pytest.raises(MarginError, match="^hours must be "):
        SpotWallet(quote_debt=1).accrue(hours, quote_rate=0.1)


def test_who_owes_nothing_is_never_liquidated():
    wallet = SpotWallet(coin=1)
    assert math.isnan(wallet.level(1)) and math.isnan(wallet.liquidation_price(1.1))
    assert not wallet.is_liquidatable(1e-300, 1.1)


@pytest.mark.parametrize("name", ["coin", "quote", "coin_debt", "quote_debt"])
@pytest.mark.parametrize("value", [-1, *NOT_SINGLE])
def test_a_wallet_refuses_what_cannot_be_held_or_owed(name, value):
    with pytest.raises(MarginError, match=name.replace("_", " ")):
        SpotWallet(**{name: value})


@pytest.mark.parametrize("level", [0, -1, *NOT_SINGLE])
def test_no_level_that_is_no_number_makes_a_wallet_safe(level):
    with pytest.raises(MarginError, match="^level must be "):
        SpotWallet(coin=1, quote_debt=1).is_liquidatable(1, level)


def test_a_level_may_be_below_one():
    wallet = SpotWallet(coin=1, quote_debt=2)
    assert wallet.is_liquidatable(1, 0.5) and not wallet.is_liquidatable(1, 0.25)


@pytest.mark.parametrize(("debt", "quantity"), [("quote_debt", 0.5), ("coin_debt", -0.5)])
def test_the_rest_of_a_charged_hour_stays_while_anything_is_owed(debt, quantity):
    wallet = SpotWallet(coin=0, quote=0, **{debt: 10.0}).accrue(0.25, 0.1, 0.1)
    assert wallet.trade(quantity, price=2).prepaid == wallet.prepaid == 0.75
    free = SpotWallet(coin=20, quote=20, **{debt: 10.0}).accrue(0.25, 0.1, 0.1)
    assert free.trade(-12 if debt == "quote_debt" else 12, price=1).prepaid == 0


def test_no_time_is_past_before_the_hour():
    with pytest.raises(MarginError, match="past must be at least 0"):
        SpotWallet(quote_debt=1).accrue(2, past=-1)
