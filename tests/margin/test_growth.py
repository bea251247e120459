"""Maintenance rates that grow with the size of a position, without steps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib.account import Account, Position
from margin_lib.contracts import Contract, Tiers
from margin_lib.errors import MarginError
from tests.support.strategies import NOT_SINGLE, shares, sides


def held(quantity, growth, inverse, margin=None, maintenance=0.01, entry=50_000.0):
    contract = Contract(
        symbol="BTC", maintenance=maintenance, growth=growth, inverse=inverse, taker_fee=0.001
    )
    return Position(
        contract=contract, quantity=quantity, entry_price=entry, leverage=10, margin=margin
    )


def test_the_rate_is_that_of_the_size_in_coins():
    """Deribit, 2022: 1 % + 0.005 % for every BTC; 20 BTC ask for 1.1 % of 20 BTC."""
    assert held(20, 0.00005, inverse=False).maintenance_margin(40_000) == pytest.approx(
        0.011 * 20 * 40_000
    )
    inverse = held(1_000_000, 0.00005, inverse=True)
    assert inverse.maintenance_margin(50_000) == pytest.approx(0.011 * 20)
    assert inverse.maintenance_margin(25_000) == pytest.approx(0.012 * 40)


def test_a_position_without_growth_stays_what_it_was():
    for inverse in (False, True):
        plain = held(20, 0, inverse).maintenance_margin(40_000)
        assert plain == 0.01 * held(20, 0, inverse).notional(40_000)


@pytest.mark.parametrize("bad", [*NOT_SINGLE, -1e-9])
def test_growth_is_one_number_and_not_below_zero(bad):
    with pytest.raises(MarginError, match="BTC growth"):
        Contract(symbol="BTC", growth=bad)


@given(
    sides,
    st.booleans(),
    shares(0.0, 0.01),
    shares(0.02, 0.9),
    st.sampled_from([0.01, Tiers.continuous([(0, 0.01), (5, 0.02), (20, 0.05)])]),
)
def test_equity_meets_the_growing_margin_at_the_price(side, inverse, growth, share, rates):
    quantity = side * (500_000 if inverse else 10)
    value = held(quantity, growth, inverse).notional(50_000)
    position = held(quantity, growth, inverse, margin=share * value, maintenance=rates)
    price = position.liquidation_price()
    if math.isnan(price):
        far = 1e-6 if side > 0 else 1e12
        assert position.risk(50_000 * far).cushion > 0
        return
    slack = 1e-9 * (value + position.notional(price))
    assert position.risk(price).cushion == pytest.approx(0, abs=slack)
    if not position.risk(50_000).is_liquidatable:
        assert (price < 50_000) == (side > 0)
        assert position.risk(price * (1 + 0.01 * side)).cushion > 0
    shared = Account(
        balance=share * value, positions=[held(quantity, growth, inverse, None, rates)]
    )
    assert shared.liquidation_price("BTC") == price
    if not position.risk(50_000).is_liquidatable:
        found = shared.liquidation_range("BTC", {"BTC": 50_000})[side < 0]
        assert found == pytest.approx(price, rel=1e-9)
    many = position.liquidation_price(np.array([[share], [2 * share]]) * value)
    assert many.shape == (2, 1) and many[0, 0] == price


def test_two_inverse_legs_that_grow_meet_their_margin_to_the_last_digits():
    """The pocket's line bends between all kinks: a straight piece alone is off by a billionth."""
    random, judged = np.random.default_rng(0), 0
    for _ in range(100):
        sizes = random.uniform(1, 100, 2)  # coins at 100
        legs = [
            Position(
                contract=Contract(
                    symbol=symbol,
                    market="BTC",
                    maintenance=float(random.uniform(0.002, 0.1)),
                    growth=float(random.uniform(0, 0.03) / size),
                    inverse=True,
                ),
                quantity=float(random.choice([-1, 1]) * size * 100),
                entry_price=float(random.uniform(90, 110)),
                leverage=5.0,
            )
            for symbol, size in zip("ab", sizes, strict=True)
        ]
        balance = float(sizes.sum() * random.uniform(0.1, 0.5))
        account = Account(balance=balance, positions=legs)
        for price in account.liquidation_range("BTC", {"BTC": 100.0}):
            if price == price and price != 100:
                risk = account.risk({"BTC": price})
                assert risk.equity == pytest.approx(
                    risk.maintenance_margin, rel=0, abs=1e-12 * risk.notional
                )
                judged += 1
    assert judged > 50
