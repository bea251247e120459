"""An account over a path, and through payments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib.account import Account
from margin_lib.contracts import Contract
from margin_lib.errors import MarginError
from margin_lib.liquidation import mark_to_market
from margin_lib.scenarios import load
from margin_lib.simulate import carry, cloud, deaths, replay
from tests.strategies import SCENARIOS, books, moves, shares

ETH = Contract(symbol="ETH", maintenance=0.02)
MARKS = {"ETH": 1.0}


def long(balance=5.0, margin=2.0):
    return Account(balance=balance).open(ETH, quantity=10, price=1, leverage=5, margin=margin)[0]


@given(books(), st.lists(moves, min_size=1, max_size=6), st.none() | shares(0.0, 0.05))
def test_a_replay_is_one_step_after_another(book, steps, fee_rate):
    account, marks = book
    path = [{symbol: price * step for symbol, price in marks.items()} for step in steps]
    walk = replay(account, path, fee_rate)
    assert walk.start == account
    for here, after, events in zip(walk.path, walk.accounts, walk.events, strict=True):
        account, expected = mark_to_market(account, here, fee_rate)
        assert (after, events) == (account, expected)
    assert walk.end == account
    assert walk.marks == path[-1]
    assert walk.equity.shape == (len(steps),)
    assert walk.equity[-1] == account.equity(path[-1])
    assert len(walk.liquidations) == sum(len(events) for events in walk.events)


def test_the_dead_do_not_come_back_with_the_price():
    walk = replay(long(), [{"ETH": price} for price in (1, 0.9, 0.7, 2)])
    np.testing.assert_allclose(walk.equity, [5, 4, 3, 3])
    assert [(step, event.symbols) for step, event in walk.liquidations] == [(2, ("ETH",))]
    assert [len(account.positions) for account in walk.accounts] == [1, 1, 0, 0]
    assert walk.dead == ["ETH"]
    assert replay(long(), [MARKS]).dead == []


def test_a_path_may_come_step_by_step():
    assert replay(long(), ({"ETH": price} for price in (1, 2))).equity.tolist() == [5, 15]


def test_a_path_has_a_step():
    with pytest.raises(MarginError, match=r"path must have at least one step, got \(\)"):
        replay(long(), [])


@pytest.mark.parametrize("bad", [0, -1, float("nan"), None, "1", [1, 2]], ids=repr)
def test_a_bad_mark_stops_a_replay(bad):
    with pytest.raises(MarginError, match="mark of ETH must be"):
        replay(long(), [MARKS, {"ETH": bad}])
    with pytest.raises(MarginError, match="marks must hold a price for ETH"):
        replay(long(), [MARKS, {}])


def test_a_bad_mark_stops_a_replay_even_when_nothing_is_open_any_more():
    with pytest.raises(MarginError, match="mark of ETH must be above 0"):
        replay(long(), [MARKS, {"ETH": 0.5}, {"ETH": 0}])


def test_carrying_pays_again_and_again():
    held = carry(long(), {"ETH": 0.0625}, MARKS, payments=2)
    assert [account["ETH"].margin for account in held] == [2, 1.375, 0.75]
    assert held[0] == long()
    assert carry(long(), {}, MARKS, payments=3) == [long()] * 4


def test_funding_alone_can_liquidate():
    held = carry(long(), {"ETH": 0.0625}, MARKS, payments=9)
    assert [len(account.positions) for account in held] == [1, 1, 1, 0]
    assert held[-1] == Account(balance=3)  # 0.125 were left, less than the 0.2 required
    assert carry(long(), {"ETH": 0.0625}, MARKS, 9, fee_rate=0)[-1].balance == 3.125


def test_a_short_earns_what_a_long_pays():
    short, _ = Account(balance=5).open(ETH, quantity=-10, price=1, leverage=5, mode="cross")
    assert [a.balance for a in carry(short, {"ETH": 0.0625}, MARKS, 2)] == [5, 5.625, 6.25]


def test_no_rate_for_what_is_not_held_and_no_payment_without_a_mark():
    with pytest.raises(MarginError, match="symbol must be one the account holds"):
        carry(long(), {"ADA": 0.1}, MARKS, 1)
    with pytest.raises(MarginError, match="marks must hold a price for ETH"):
        carry(long(), {"ETH": 0.1}, {}, 1)


def test_a_cloud_is_the_same_at_every_call_and_has_the_correlation_asked_for():
    for correlation in (-0.8, 0.0, 0.8):
        returns = cloud(0.3, correlation, count=20_000)
        assert np.array_equal(returns, cloud(0.3, correlation, count=20_000))
        logs = np.log1p(returns)
        assert np.corrcoef(logs)[0, 1] == pytest.approx(correlation, abs=0.03)
        assert logs.std(axis=1) == pytest.approx(0.3, rel=0.03)
        assert returns.mean(axis=1) == pytest.approx(0, abs=0.01)
        assert (returns > -1).all()


@pytest.mark.parametrize("bad", [(-0.1, 0), (0.3, 1.01), (0.3, -1.01), (float("nan"), 0)])
def test_a_cloud_out_of_range_is_refused(bad):
    with pytest.raises(MarginError):
        cloud(*bad)


@pytest.mark.parametrize("mode", ["isolated", "cross", {"ETH": "isolated", "ADA": "cross"}])
def test_deaths_are_those_of_one_jump_after_the_other(root, mode):
    scenario = load(root / "notebooks/scenarios.toml")["cross"]
    account, returns = scenario.account(mode), cloud(0.8, 0.2, count=60)
    dead = deaths(account, scenario.marks(ETH=returns[0], ADA=returns[1]))
    for n, (eth, ada) in enumerate(returns.T):
        jump = replay(account, [scenario.marks(ETH=eth, ADA=ada)])
        assert {symbol for symbol in dead if dead[symbol][n]} == set(jump.dead)


def test_cross_never_dies_while_every_pocket_lives(root):
    scenario = load(root / "tests/other_scenarios.toml")["cross"]
    returns = cloud(0.8, -0.5)
    marks = scenario.marks(ETH=returns[0], ADA=returns[1])
    pockets = deaths(scenario.account("isolated"), marks)
    cross = deaths(scenario.account("cross"), marks)["ETH"]
    assert cross.any()
    assert not (cross & ~np.any(list(pockets.values()), axis=0)).any()


def test_a_walk_cut_short_is_the_walk_over_the_shorter_path():
    scenario = load(SCENARIOS)["cross"]
    path = scenario.path("apart")
    for mode in ("isolated", "cross"):
        whole = replay(scenario.account(mode), path)
        for step in range(len(path)):
            assert whole.until(step) == replay(scenario.account(mode), path[: step + 1])
