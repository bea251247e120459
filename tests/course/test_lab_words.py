"""What labs say, beside what the account does: each word that a single sign could turn round."""

import re
from dataclasses import replace

import numpy as np
import pytest

from margin_course import page, text
from margin_course.lessons.faq_checks import FundingLab, FundingPicture
from margin_course.lessons.stress import BACKSTOP, STAGES, StressLab, borders, told_by_closes
from margin_course.scenarios import load
from margin_lib.account import Account
from margin_lib.bars import Bars
from margin_lib.contracts import Contract
from margin_lib.replay import Costs, replay
from tests.support.strategies import SCENARIOS
from tools.notebooks import run as notebooks

BOOK = load(SCENARIOS)


@pytest.mark.parametrize(("side", "rate"), [("long", 1e-3), ("long", -1e-3), ("short", 1e-3)])
def test_funding_is_paid_by_longs_above_zero_and_received_below(side, rate):
    scenario = BOOK["isolated"]
    symbol = scenario.trades[0].symbol
    lab = FundingLab(scenario.with_trade(symbol, side=side))
    lab.set(rate=rate, leverage=2)
    pays = rate > 0 if side == "long" else rate < 0
    for line in lab.summary().splitlines():
        assert (" paid" in line) == pays
        assert (" received" in line) != pays


@pytest.mark.parametrize("hours", [1, 8, 24])
def test_the_day_on_which_funding_closes_a_pocket_is_that_of_a_replay(hours):
    scenario = replace(BOOK["isolated"], funding_hours=hours)
    symbol, days = scenario.trades[0].symbol, FundingPicture.days
    lab, closed = FundingLab(scenario), 0
    for leverage in (5.3, 9.7, 14.9, 19.3):  # nothing is due to the last digit
        lab.set(leverage=leverage, rate=lab.controls["rate"].max)
        held = scenario.with_trade(symbol, leverage=leverage)
        path = Bars.of_marks([held.marks()] * (days + 1), hours=24 * np.arange(days + 1))
        costs = Costs(funding={symbol: lab.controls["rate"].max}, funding_hours=hours)
        for mode, line in zip(("isolated", "cross"), lab.summary().splitlines(), strict=True):
            ends = [step for step, _ in replay(held.account(mode), path, costs).liquidations]
            said = [int(day) for day in re.findall(r"on day (\d+)", line)]
            assert said == ends
            assert ends or f"after {days} days" in line
            closed += len(ends)
    assert closed, "nothing was closed: the test sees no day"


def test_others_pay_what_is_missing_after_a_jump_and_nothing_before():
    trader = BOOK["stress"]
    trade = trader.trades[0]
    position = trader.first_trades(1).account("isolated")[trade.symbol]
    falls = {"mild": -0.02, "deep": -0.9}
    moves = {name: {trade.symbol: fall} for name, fall in falls.items()}
    lab = StressLab(replace(trader, moves=moves))
    for name, fall in falls.items():
        lab.set(event=name, between=1, time=1.0)
        missing = max(-(trade.margin + position.pnl(trade.price * (1 + fall))), 0)
        assert (missing > 0) == (name == "deep")
        line = next(line for line in lab.summary().splitlines() if "Others have paid" in line)
        assert f"isolated {text.money(missing, trader.currency)}" in line


def test_where_no_price_closes_a_trade_each_stage_begins_at_its_entry():
    account, _ = Account(balance=1000).open(
        Contract(symbol="ETH"), quantity=1, price=2.0, leverage=1, mode="cross"
    )
    assert not np.isfinite(account.liquidation_price("ETH", {"ETH": 2.0}))
    assert borders(account, "ETH", 2.0, 1.0, 1.0) == [2.0] * (len(STAGES) + 1)


@pytest.mark.parametrize("leverage", [1.7, 2.9, 5.3, 9.7, 14.9])
@pytest.mark.parametrize("quantity", [1, -1])
def test_the_backstop_takes_over_exactly_where_too_little_is_left(quantity, leverage):
    account, _ = Account(balance=1000).open(
        Contract(symbol="ETH", maintenance=0.02),
        quantity=quantity,
        price=2.0,
        leverage=leverage,
        mode="isolated",
    )
    _, first, _, taken, zero, *_ = borders(account, "ETH", 2.0, 1.0, 1.0)
    before = taken - 2e-9 * (zero - first)
    risk = account.risk({"ETH": np.array([before, taken])}, "ETH")
    left = risk.equity < BACKSTOP * risk.maintenance_margin
    assert list(left) == [False, True]


def test_a_film_of_closes_begins_at_entry_and_ends_at_the_last_close():
    scenario = BOOK["cross"]
    bars = scenario.market().draw(np.random.default_rng(1), steps=3, paths=2)
    film = told_by_closes(scenario, bars, {"the second": 1})
    path = film.path("the second")
    assert len(path) == 4 and path[0] == scenario.marks()
    for step in range(3):
        closes = {symbol: float(close[step, 1]) for symbol, close in bars.close.items()}
        assert path[step + 1] == pytest.approx(closes)


def test_a_table_of_results_reads_from_start_to_end():
    account, _ = Account(balance=5).open(
        Contract(symbol="ETH"), quantity=10, price=1, leverage=5, mode="cross"
    )
    run = replay(account, [{"ETH": 1.0}, {"ETH": 0.9}])
    (cell,) = page.results({"down": {"cross": run}}, "BTC")["cross: worth [BTC]"]
    assert cell == "5.00 → 4.00"
    (cell,) = page.results({"up": {"cross": replay(account, [{"ETH": 1.2}])}}, "BTC")[
        "cross: worth [BTC]"
    ]
    assert cell == "7.00"


def test_the_normal_form_keeps_nothing_else_of_a_cell():
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    said = {"collapsed": True, "trusted": True, "editable": False, "execution": {"a": "b"}}
    cells = [
        new_code_cell("1", metadata={**said, "tags": ["a"], "jupyter": {"outputs_hidden": True}}),
        new_markdown_cell("x", metadata=said),
    ]
    done = notebooks.normalise(new_notebook(cells=cells, metadata={"widgets": {}}))
    assert [dict(cell.metadata) for cell in done.cells] == [{"tags": ["a"]}, {}]
    assert done.metadata == notebooks.NOTEBOOK_METADATA
