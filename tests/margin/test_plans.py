"""Plans: auto top-up takes from the balance what an isolated position needs, and tells it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib.account import Account, Position
from margin_lib.bars import Bars
from margin_lib.contracts import Contract, Conventions
from margin_lib.plans import TopUp
from margin_lib.replay import replay
from margin_lib.simulate import simulate
from tests.support.strategies import shares, sides

FROZEN = Conventions(maintenance_at="entry")  # Bybit's rule in 2023
BTC = Contract(symbol="BTC", maintenance=0.005, conventions=FROZEN)
ETH = Contract(symbol="ETH", maintenance=0.01)


def bybit():
    """10,000 USDT, of which 4,000 are the margin of 5 BTC at 8,000 and 10x."""
    return Account(balance=10_000).open(BTC, quantity=5, price=8000, leverage=10)[0]


def test_the_initial_margin_again_and_then_what_is_left():
    """Bybit: it dies at 7,240 at first; 4,000 more make that 6,440, the last 2,000 make 6,040."""
    account, plan = bybit(), TopUp()
    assert account.liquidation_price("BTC") == pytest.approx(7240)
    assert plan(0, account, {"BTC": 7241}) is None
    account, event = plan(0, account, {"BTC": 7240})
    assert account.liquidation_price("BTC") == pytest.approx(6440)
    assert event.kind == "margin added"
    assert event.transfers == {"balance": -4000, "margin BTC": 4000}
    account, event = plan(1, account, {"BTC": 6440})
    assert (account.balance, account["BTC"].margin) == (0, 10_000)
    assert account.liquidation_price("BTC") == pytest.approx(6040)
    assert plan(2, account, {"BTC": 6040}) is None  # nothing is left to take


def test_several_times_at_one_look_are_one_event():
    account, event = TopUp()(0, bybit(), {"BTC": 6100})
    assert (account.balance, event.symbols) == (0, ("BTC",))
    assert event.transfers == {"balance": -6000, "margin BTC": 6000}


def test_down_to_1x_and_no_further():
    account = Account(balance=100_000)
    account, _ = account.open(BTC, quantity=5, price=8000, leverage=3)
    after, _ = TopUp()(0, account, {"BTC": 1})
    assert after["BTC"].margin == pytest.approx(40_000)  # as much as the position is worth
    assert TopUp()(1, after, {"BTC": 1}) is None


def test_only_the_symbols_that_it_is_for():
    account, _ = bybit().open(ETH, quantity=-1, price=100, leverage=10)
    marks = {"BTC": 7240, "ETH": 200}
    after, event = TopUp(symbols=["ETH"])(0, account, marks)
    assert event.symbols == ("ETH",) and after["BTC"] == account["BTC"]
    after, event = TopUp()(0, account, marks)
    assert event.symbols == ("BTC", "ETH")


def test_what_carries_a_cross_position_is_not_taken():
    held = Position(contract=ETH, quantity=10, entry_price=100, leverage=1)
    account = Account(balance=6000, positions=[held])
    account, _ = account.open(BTC, quantity=5, price=8000, leverage=10, marks={"ETH": 100})
    after, _ = TopUp()(0, account, {"BTC": 7240, "ETH": 100})
    assert after.balance == pytest.approx(1000)  # ETH's initial margin stays
    assert TopUp()(0, after, {"BTC": 6000, "ETH": 100}) is None


def test_in_a_replay_it_acts_before_each_look():
    path = [{"BTC": price} for price in (8000, 7200, 6400, 8000)]
    plain, topped = replay(bybit(), path), replay(bybit(), path, plan=TopUp())
    assert plain.dead == ["BTC"] and plain.end.balance == 6000
    assert topped.dead == [] and topped.end.equity(topped.marks) == 10_000
    kinds = [[event.kind for event in events] for events in topped.events]
    assert kinds == [[], ["margin added"], ["margin added"], []]
    deeper = replay(bybit(), [*path[:3], {"BTC": 6000}], plan=TopUp())
    assert deeper.dead == ["BTC"] and deeper.end == Account(balance=0)  # all 10,000 are gone


def test_it_sees_the_worst_price_within_a_bar():
    price = np.array([[8000.0], [8000.0]])
    low = np.array([[8000.0], [6500.0]])
    bars = Bars(open={"BTC": price}, high={"BTC": price}, low={"BTC": low}, close={"BTC": price})
    assert replay(bybit(), bars).dead == ["BTC"]
    topped = replay(bybit(), bars, plan=TopUp())
    assert topped.dead == [] and topped.end["BTC"].margin == 8000


def test_a_plan_that_does_not_watch_is_asked_once_a_step():
    seen = []
    replay(bybit(), [{"BTC": 8000}] * 3, plan=lambda *asked: seen.append(asked[0]))
    assert seen == [0, 1, 2]


@given(sides, shares(2.0, 20.0), shares(0.0, 2.0), st.integers(0, 10**6))
def test_over_many_paths_it_is_an_isolated_position_with_more_margin(side, leverage, more, seed):
    """Top-up is slow isolation: what dies, and where, is what more margin at once would give."""
    value = 100.0
    margin = value / leverage
    balance = more * margin
    account, _ = Account(balance=margin + balance).open(
        ETH, quantity=side, price=value, leverage=leverage
    )
    steps = np.random.default_rng(seed).normal(0, 0.15, (12, 40))
    bars = Bars.of_marks({"ETH": value * np.exp(np.cumsum(steps, axis=0))})
    topped = simulate({"it": account}, bars, plan=TopUp())["it"]
    whole = min(margin + balance, value)
    wide = Account(
        balance=margin + balance - whole,
        positions=[
            Position(
                contract=ETH, quantity=side, entry_price=value, leverage=leverage, margin=whole
            )
        ],
    )
    at_once = simulate({"it": wide}, bars)["it"]
    slack = 1e-9 * value * np.exp(np.abs(steps).sum())
    np.testing.assert_array_equal(topped.step["ETH"], at_once.step["ETH"])
    np.testing.assert_allclose(topped.equity, at_once.equity, atol=slack)
    np.testing.assert_allclose(topped.shortfall, at_once.shortfall, atol=slack)
    assert topped.start == at_once.start and math.isnan(topped.at_risk)


def test_without_top_ups_a_plan_changes_nothing():
    paths = np.random.default_rng(0).uniform(6000, 9000, (5, 30))
    bars = Bars.of_marks({"BTC": paths})
    plain = simulate({"it": bybit()}, bars)["it"]
    slow = simulate({"it": bybit()}, bars, plan=lambda step, account, marks: None)["it"]
    np.testing.assert_array_equal(plain.step["BTC"], slow.step["BTC"])
    np.testing.assert_allclose(plain.equity, slow.equity)
    np.testing.assert_allclose(plain.shortfall, slow.shortfall)
