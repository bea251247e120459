"""Accounts beside the two modes, against plain arithmetic."""

import tomllib

import numpy as np
import pytest

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
from margin_course.scenarios import load
from margin_lib import MarginError
from tests.support.strategies import OTHER_SCENARIOS, SCENARIOS
from tools.repo import ROOT

BOOKS = [load(path) for path in (SCENARIOS, OTHER_SCENARIOS)]
each_book = pytest.mark.parametrize("book", BOOKS, ids=["course", "other"])


def his(book):
    return in_dollars(book["cross"], book["leverage"])


@each_book
def test_his_first_coin_costs_what_it_costs_the_first_trader(book):
    scenario = his(book)
    assert scenario["ETH"].price == pytest.approx(book["leverage"]["ETH"].price)
    assert scenario.currency == book["leverage"].currency
    with pytest.raises(MarginError, match="symbol must be one"):
        in_dollars(book["cross"].with_trade("ETH"), book["mine"].first_trades(0))


@each_book
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_what_counts_is_the_cash_and_the_coins_less_the_haircut(book, share):
    scenario = his(book)
    balance = scenario.account("cross").balance
    for change in (-0.9, 0.0, 0.5):
        marks = {**scenario.marks(), COINS: 1 + change}
        counted = balance * (1 - share + share * (1 - scenario.haircut) * (1 + change))
        assert in_coins(scenario, share).equity(marks) == pytest.approx(counted)


@each_book
def test_coins_that_follow_make_the_same_edge_as_holding_the_first_coin(book):
    scenario = his(book)
    along = scenario.account("cross").holding("ETH", 1.0, scenario["ETH"].price, 0.9)
    edge = along.liquidation_price("ETH", scenario.marks()) / scenario["ETH"].price - 1
    near = falling(scenario, np.array([edge - 1e-9, edge + 1e-9]))
    due = in_coins(scenario, haircut=0.1).risk(near).is_liquidatable
    assert due.tolist() == [True, False]


@each_book
def test_a_hedge_dies_where_what_is_asked_has_grown_to_its_balance(book):
    eth = his(book)["ETH"]
    rate = eth.contract.maintenance_rate
    marks = {"ETH": eth.price}
    for rule, sides in (("both", 2), ("larger", 1)):
        low, high = hedge(eth, 20, rule).liquidation_range("ETH", marks)
        assert np.isnan(low)
        assert high / eth.price == pytest.approx(2 / 20 / (sides * rate))
    assert np.isnan(hedge(eth, 20, "net").liquidation_range("ETH", marks)).all()


@each_book
@pytest.mark.parametrize("counted", [0.0, 0.5, 0.95, 1.0])
def test_an_owned_coin_carries_its_short_as_far_as_it_counts(book, counted):
    eth = his(book)["ETH"]
    rate, notional = eth.contract.maintenance_rate, eth.notional
    account = covered(eth, 0.1 * notional, counted)
    # money + counted · N (1 + x) − N x = rate · N (1 + x)
    rise = (0.1 + counted - rate) / (1 - counted + rate)
    low, high = account.liquidation_range("ETH", {"ETH": eth.price})
    assert np.isnan(low) and high / eth.price - 1 == pytest.approx(rise)


@each_book
def test_a_pocket_that_fills_itself_loses_what_lies_outside_as_well(book):
    scenario = his(book)
    margin, leverage = scenario["ADA"].margin / 5, 5 * scenario["ADA"].leverage
    bold = scenario.with_trade("ADA", margin=margin, leverage=leverage)
    walk = topped_up(bold, "ADA", np.linspace(0, 1, 1001))
    money = bold.account({"ADA": "isolated"}).wallet_balance
    assert walk.dead == ["ADA"] and walk.equity[-1] < 0.01 * money
    held = [account["ADA"].own_margin for account in walk.accounts if "ADA" in account]
    steps = np.diff(held)
    assert np.all(steps >= 0) and np.max(steps) == pytest.approx(margin)
    assert all(
        account.wallet_balance == pytest.approx(money)
        for account in walk.accounts
        if "ADA" in account
    )


def test_the_broken_coin_is_that_of_the_table_of_events():
    facts = tomllib.loads((ROOT / "notebooks/data/events.toml").read_text(encoding="utf-8"))
    assert facts["usde"]["low"] == BROKEN
