"""An account over a path, and through payments."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from margin_course.scenarios import load
from margin_lib.account import Account, Position
from margin_lib.bars import Bars
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import mark_to_market
from margin_lib.market import Market
from margin_lib.replay import Costs, replay
from margin_lib.simulate import simulate
from tests.support.strategies import SCENARIOS, books, moves, shares, sides

ETH = Contract(symbol="ETH", maintenance=0.02)
MARKS = {"ETH": 1.0}


def long(balance=5.0, margin=2.0):
    return Account(balance=balance).open(ETH, quantity=10, price=1, leverage=5, margin=margin)[0]


@given(books(), st.lists(moves, min_size=1, max_size=6), st.none() | shares(0.0, 0.05))
def test_a_replay_is_one_step_after_another(book, steps, fee_rate):
    account, marks = book
    path = [{symbol: price * step for symbol, price in marks.items()} for step in steps]
    walk = replay(account, path, Costs(fee_rate=fee_rate))
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
    with pytest.raises(MarginError, match=r"path must have at least one step, got \[\]"):
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


def held_at(price, payments, rate=0.0625, start=None, **costs):
    """An account held at one price through funding payments, one an hour."""
    path = Bars.of_marks([{"ETH": price}] * payments, hours=np.arange(1, payments + 1))
    costs = Costs(funding={"ETH": rate}, funding_hours=1, **costs)
    return replay(start or long(), path, costs)


def test_funding_is_paid_again_and_again():
    walk = held_at(1, payments=2)
    assert [account["ETH"].margin for account in walk.accounts] == [1.375, 0.75]
    assert walk.start == long()
    assert held_at(1, payments=3, rate=0).end.positions == long().positions


def test_funding_alone_can_liquidate():
    walk = held_at(1, payments=9)
    assert [len(account.positions) for account in walk.accounts] == [1, 1, 0] + [0] * 6
    assert walk.end == Account(balance=3)  # 0.125 were left, less than the 0.2 required
    assert held_at(1, payments=9, fee_rate=0).end.balance == 3.125
    kinds = [event.kind for events in walk.events for event in events]
    assert kinds == ["funding paid"] * 3 + ["liquidated"]


def test_a_short_earns_what_a_long_pays():
    short, _ = Account(balance=5).open(ETH, quantity=-10, price=1, leverage=5, mode="cross")
    assert [a.balance for a in held_at(1, 2, start=short).accounts] == [5.625, 6.25]


def test_funding_and_interest_come_due_at_their_hours():
    costs = Costs(funding={"ETH": 0.01}, funding_hours=8, interest={"ETH": 0.001})
    payments, hours = costs.due(np.array([0, 0.5, 1.5, 8, 25, 25.1]))
    assert payments.tolist() == [0, 0, 0, 1, 2, 0]
    assert hours.tolist() == [0, 1, 1, 6, 17, 1]  # 26 hours have started
    fives = np.arange(1, 12 * 24 + 1) / 12  # five-minute bars of a day
    assert [sum(due) for due in costs.due(fives)] == [3, 24]


def test_only_what_is_held_pays():
    walk = replay(long(), [MARKS] * 9, Costs(funding={"ADA": 0.1}, interest={"SOL": 0.1}))
    assert walk.events == ((),) * 9


def test_a_walk_cut_short_is_the_walk_over_the_shorter_path():
    scenario = load(SCENARIOS)["cross"]
    path = scenario.path("apart")
    for mode in ("isolated", "cross"):
        whole = replay(scenario.account(mode), path)
        for step in range(len(path)):
            assert whole.until(step) == replay(scenario.account(mode), path[: step + 1])


# Bars: gaps, wicks, and which comes first


def bars(*rows, market="ETH", hours=None):
    """Bars of (open, low, high, close)."""
    columns = np.array(rows, dtype=float).T
    return Bars(*({market: column} for column in columns), hours)


def test_a_wick_liquidates_though_the_bar_closes_where_it_opened():
    # margin 2 of 10 ETH: dies where 2 + 10 (P − 1) = 0.2 P
    edge = 8 / 9.8
    walk = replay(long(), bars((1, 0.7, 1.1, 1)), Costs(fee_rate=0))
    assert walk.dead == ["ETH"]
    assert walk.end.balance == pytest.approx(3 + 0.02 * 10 * edge)
    assert replay(long(), bars((1, edge + 1e-9, 1.1, 1))).dead == []
    short, _ = Account(balance=5).open(ETH, quantity=-10, price=1, leverage=5, margin=2)
    assert replay(short, bars((1, 0.7, 1.1, 1))).dead == []
    assert replay(short, bars((1, 0.7, 1.2, 1))).dead == ["ETH"]


def test_a_gap_is_filled_at_the_open_and_not_at_the_liquidation_price():
    walk = replay(long(), bars((1, 1, 1, 1), (0.81, 0.5, 0.9, 0.9)), Costs(fee_rate=0))
    assert walk.end.balance == pytest.approx(3 + 2 + 10 * (0.81 - 1))
    ((_, event),) = walk.liquidations
    assert event.received("market") == pytest.approx(1.9)
    walk = replay(long(), bars((1, 1, 1, 1), (0.7, 0.5, 0.9, 0.9)), Costs(fee_rate=0))
    assert walk.end.balance == 3 and walk.liquidations[0][1].received("insurance fund") < 0


def test_an_empty_fund_calls_on_the_winners():
    winner = Position(contract=ETH, quantity=-10, entry_price=1, leverage=5, margin=2)
    path = bars((1, 1, 1, 1), (0.7, 0.5, 0.9, 0.9))
    walk = replay(long(), path, fund=0.25, traders=[winner])
    log = walk.log().set_index("party")["received"]
    assert log["insurance fund"] == pytest.approx(-0.25)
    assert log["deleveraged traders"] == pytest.approx(-0.75)
    assert log.sum() == pytest.approx(0)


def test_the_owner_can_act_and_what_he_does_is_in_the_log():
    def plan(step, account, marks):
        return account.add_margin("ETH", 1, marks) if step == 1 else None

    walk = replay(long(), [MARKS] * 3, plan=plan)
    assert [account["ETH"].margin for account in walk.accounts] == [2, 3, 3]
    assert walk.log()["event"].unique().tolist() == ["margin added"]
    assert walk.log()["step"].tolist() == [1, 1]


def test_the_table_of_a_replay_says_how_each_pocket_stood():
    account, _ = long().open(
        Contract(symbol="ADA", maintenance=0.02), quantity=-4, price=1, leverage=5, mode="cross"
    )
    path = [{"ETH": 1, "ADA": 1}, {"ETH": 0.9, "ADA": 1.25}, {"ETH": 0.1, "ADA": 1}]
    table = replay(account, path).table()
    assert table["equity"].tolist() == pytest.approx([5, 3, 3])
    assert table["equity cross"].tolist() == pytest.approx([3, 2, 3])
    assert table["equity margin ETH"][:2].tolist() == pytest.approx([2, 1])
    assert np.isnan(table["equity margin ETH"][2]) and np.isnan(table["pnl ETH"][2])
    assert table["liquidation price ETH"][0] == pytest.approx(8 / 9.8)
    assert table["ratio cross"][1] == pytest.approx(0.02 * 5 / 2)


# Simulate is replay, path by path

TABLES = [
    0.02,
    Tiers.continuous([(0, 0.01), (50, 0.05), (400, 0.2)]),
    Tiers([(0, 0.01), (80, 0.1)]),
]


@st.composite
def holdings(draw):
    """An account of one to three positions in any modes, with venues' terms, that lives."""
    held = []
    for symbol in ["ETH", "ADA", "SOL"][: draw(st.integers(1, 3))]:
        contract = Contract(
            symbol=symbol,
            maintenance=draw(st.sampled_from(TABLES)),
            taker_fee=0.001,
            inverse=draw(st.sampled_from([False, False, False, True])),
            settle="coin",  # one unit for all of them
            conventions=Conventions(
                maintenance_at=draw(st.sampled_from(["mark", "mark", "entry", "today"])),
                closing_fee=draw(st.booleans()),
                at_equality=draw(st.booleans()),
            ),
        )
        value, leverage = draw(shares(10.0, 300.0)), draw(shares(1.0, 5.0))
        margin = value / leverage if draw(st.booleans()) else None
        held.append(
            Position(
                contract=contract,
                quantity=draw(sides) * value,
                entry_price=1.0,
                leverage=leverage,
                margin=margin,
            )
        )
    account = Account(balance=draw(shares(40.0, 200.0)), positions=held)
    start = dict.fromkeys(["ETH", "ADA", "SOL"], 1.0)
    pockets = [None, *(position.symbol for position in account.isolated)]
    assume(not any(account.risk(start, pocket).is_liquidatable for pocket in pockets))
    return account


@st.composite
def costs(draw):
    symbols = ["ETH", "ADA"]
    return Costs(
        fee_rate=draw(st.sampled_from([None, 0.0, 0.01])),
        funding=dict.fromkeys(symbols, draw(st.sampled_from([0.0, 0.02, -0.01]))),
        funding_hours=draw(st.sampled_from([8.0, 5.0, 36.0])),
        interest=dict.fromkeys(symbols, draw(st.sampled_from([0.0, 0.0, 0.0005]))),
    )


@st.composite
def markets(draw):
    return Market(
        prices=dict.fromkeys(["ETH", "ADA", "SOL"], 1.0),
        volatility=draw(st.sampled_from([0.5, 1.5, 4.0])),
        correlation=draw(st.sampled_from([-0.4, 0.0, 0.9])),
        jumps=draw(st.sampled_from([0.0, 30.0])),
        jump_mean=-0.1,
        jump_deviation=0.2,
        tails=draw(st.sampled_from([None, 3.0])),
        step_hours=draw(st.sampled_from([1.0, 24.0])),
        wicks=draw(st.booleans()),
    )


@settings(max_examples=60, deadline=None)
@given(holdings(), markets(), costs(), st.integers(0, 2**32), st.sampled_from([3, 40, 70]))
def test_simulate_is_replay_path_by_path(account, market, costs, seed, steps):
    drawn = market.draw(np.random.default_rng(seed), steps=steps, paths=4)
    result = simulate({"it": account}, drawn, costs=costs)["it"]
    lazy = simulate(
        {"it": account},
        market,
        steps=steps,
        paths=4,
        rng=np.random.default_rng(seed),
        costs=costs,
    )["it"]
    for path in range(4):
        walk = replay(account, drawn.path(path), costs)
        died = {symbol: step for step, event in walk.liquidations for symbol in event.symbols}
        for symbol, step in result.step.items():
            assert step[path] == died.get(symbol, -1) == lazy.step[symbol][path]
        assert result.equity[path] == pytest.approx(walk.equity[-1], rel=1e-9, abs=1e-9)
        assert lazy.equity[path] == result.equity[path]
        paid = sum(max(-e.received("insurance fund"), 0) for _, e in walk.liquidations)
        assert result.shortfall[path] == pytest.approx(paid, rel=1e-9, abs=1e-9)
        assert lazy.shortfall[path] == result.shortfall[path]


def test_the_chunk_bounds_memory_and_not_the_outcome():
    account, prices = long(), Market(prices=MARKS, volatility=2, wicks=True)
    drawn = prices.draw(np.random.default_rng(7), steps=50, paths=1000)
    whole, parts = (simulate({"it": account}, drawn, chunk=c)["it"] for c in (1000, 77))
    assert np.array_equal(whole.equity, parts.equity)
    assert np.array_equal(whole.step["ETH"], parts.step["ETH"])


def test_the_bands_of_a_spread_add_up_and_an_edge_belongs_below():
    result = simulate({"it": long()}, Bars.of_marks({"ETH": [[1.0, 0.5, 0.875, 1.5]]}))["it"]
    assert (result.equity / result.start - 1).round(12).tolist() == [0, -0.4, -0.25, 1]
    spread = result.spread([-0.3, -0.25, 0])
    assert spread["alive"].tolist() == [0, 0.25, 0.25, 0.25]
    assert spread["liquidated"].tolist() == [0.25, 0, 0, 0]
    assert [band.right for band in spread.index] == [-0.3, -0.25, 0, np.inf]


def test_a_coin_without_a_position_is_worth_its_price():
    coins = Account(balance=4.0).holding("ETH", 0.5, 2.0)
    prices = Bars.of_marks({"ETH": [[2.0, 2.0], [0.5, 8.0]]})
    result = simulate({"it": coins}, prices)["it"]
    assert result.equity.tolist() == [2.5, 10.0]
    assert not result.liquidated.any() and not result.shortfall.any()
    for path, equity in enumerate(result.equity):
        assert replay(coins, prices.path(path)).equity[-1] == equity
