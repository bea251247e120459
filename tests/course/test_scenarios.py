"""Scenario files: the articles, another file of that shape, and what a file may not say."""

import math
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from margin_course.scenarios import Scenario, Trade, load
from margin_lib.account import Account
from margin_lib.contracts import Contract, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import mark_to_market
from margin_lib.market import Market
from margin_lib.replay import replay
from margin_lib.simulate import simulate
from tests.support.strategies import NOT_SINGLE, OTHER_SCENARIOS, SCENARIOS

BOOK = load(SCENARIOS)
OTHER = load(OTHER_SCENARIOS)
BOTH = pytest.mark.parametrize("book", [BOOK, OTHER], ids=["articles", "other"])


def wall(account, symbol, marks=None):
    """Return of a symbol at which its pocket is liquidated."""
    return account.liquidation_price(symbol, marks) / account[symbol].entry_price - 1


# The articles' numbers


def test_a_thousand_dollars_at_five_times_control_five_thousand():
    trade = BOOK["leverage"]["ETH"]
    assert (BOOK["leverage"].currency, trade.margin, trade.leverage) == ("USD", 1000, 5)
    assert trade.notional == 5000
    assert BOOK["leverage"].account("isolated")["ETH"].borrowed == 4000


def test_the_trader_with_five_bitcoin():
    scenario = BOOK["isolated"]
    account = scenario.account("isolated")
    position = account["ETH"]
    assert (scenario.balance, account.balance, position.margin) == (5, 3, 2)
    assert position.notional(position.entry_price) == 10
    assert position.borrowed == 8
    bankruptcy, liquidation = account.bankruptcy_price("ETH"), account.liquidation_price("ETH")
    assert bankruptcy / position.entry_price - 1 == pytest.approx(-0.2, abs=1e-12)
    assert position.notional(bankruptcy) == pytest.approx(8, abs=1e-12)  # just the loan
    assert wall(account, "ETH") == pytest.approx(-0.1837, abs=5e-5)
    assert position.notional(liquidation) == pytest.approx(8.1633, abs=5e-5)
    assert position.pnl(0.11) == pytest.approx(1)  # gains are earned on all ten
    for drop in (-0.19, -0.2, -0.9, -0.999):
        after, events = mark_to_market(account, scenario.marks(ETH=drop))
        assert after == Account(balance=3)
        assert [event.received("margin ETH") for event in events] == [-2]


def test_the_trader_with_ten_bitcoin():
    scenario = BOOK["cross"]
    isolated, cross = scenario.account("isolated"), scenario.account("cross")
    marks = scenario.marks()
    values = {p.symbol: p.quantity * p.entry_price for p in cross.positions}
    assert scenario.balance == 10
    assert values == pytest.approx({"ETH": 8, "ADA": -12})
    assert wall(isolated, "ETH") == pytest.approx(-0.4898, abs=5e-5)
    assert wall(isolated, "ADA") == pytest.approx(0.4706, abs=5e-5)
    assert wall(cross, "ADA", marks) == pytest.approx(0.7843, abs=5e-5)
    assert math.isnan(wall(cross, "ETH", marks))
    assert isolated.balance == pytest.approx(0, abs=1e-12)


def test_the_cross_line_passes_through_the_corner_of_the_two_walls():
    scenario = BOOK["cross"]
    isolated, cross = scenario.account("isolated"), scenario.account("cross")
    corner = {symbol: wall(isolated, symbol) for symbol in ("ETH", "ADA")}
    marks = scenario.marks(**corner)
    for symbol, place in corner.items():
        assert wall(cross, symbol, marks) == pytest.approx(place, abs=1e-12)
    risk = cross.risk(marks)
    assert risk.equity == pytest.approx(risk.maintenance_margin, abs=1e-12)


def test_the_cross_line_is_straight():
    scenario = BOOK["cross"]
    etc = np.linspace(-0.9, 0.9, 7)
    line = wall(scenario.account("cross"), "ADA", scenario.marks(ETH=etc))
    np.testing.assert_allclose(np.diff(line, 2), 0, atol=1e-12)
    assert (np.diff(line) > 0).all()


# What holds for both files


def test_the_other_file_says_the_same_things_with_other_numbers():
    def compare(here, there, where):
        assert type(here) is type(there) or {type(here), type(there)} <= {int, float}, where
        if isinstance(here, dict):
            assert list(here) == list(there), where
            for key in here:
                compare(here[key], there[key], f"{where} {key}")
        elif isinstance(here, list) and isinstance(here[0], dict):
            assert len(here) == len(there), where
            for one, other in zip(here, there, strict=True):
                compare(one, other, where)
        elif isinstance(here, list):
            assert len(here) != len(there), where
            assert all(a != b for a, b in zip(here, there, strict=False)), where
        elif not isinstance(here, str):
            assert here != there, where
        elif where.endswith(("side", "symbol")):
            assert here == there, where

    one, other = (tomllib.loads(path.read_text("utf-8")) for path in (SCENARIOS, OTHER_SCENARIOS))
    compare(one, other, "")


@BOTH
@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_all_trades_open_in_both_modes(book, mode):
    for scenario in book.values():
        account = scenario.account(mode)
        fees = sum(trade.notional * trade.contract.taker_fee for trade in scenario.trades)
        margins = sum(trade.margin for trade in scenario.trades)
        assert [p.symbol for p in account.positions] == [t.symbol for t in scenario.trades]
        assert {p.mode for p in account.positions} == {mode}
        assert account.wallet_balance == pytest.approx(scenario.balance - fees)
        assert account.locked_margin == pytest.approx(margins if mode == "isolated" else 0)
        for trade in scenario.trades:
            assert abs(trade.quantity) * trade.price == pytest.approx(trade.margin * trade.leverage)
            assert (trade.quantity > 0) == (trade.side == "long")
        assert mark_to_market(account, scenario.marks()) == (account, ())


@BOTH
def test_modes_can_be_mixed_and_trades_left_out(book):
    scenario = book["cross"]
    account = scenario.account({"ADA": "cross", "ETH": "isolated"})
    assert [(p.symbol, p.mode) for p in account.positions] == [
        ("ETH", "isolated"),
        ("ADA", "cross"),
    ]
    assert [p.symbol for p in scenario.account({"ADA": "cross"}).positions] == ["ADA"]
    assert scenario.account({}) == Account(balance=scenario.balance)


@BOTH
def test_a_hedge_rescues_cross_only(book):
    scenario = book["cross"]
    marks = scenario.marks(**scenario.moves["rescue"])
    after, events = mark_to_market(scenario.account("isolated"), marks)
    assert [event.symbols for event in events] == [("ETH",)]
    account = scenario.account("cross")
    assert account["ETH"].pnl(marks["ETH"]) < 0 < account["ADA"].pnl(marks["ADA"])
    assert mark_to_market(account, marks)[1] == ()


@BOTH
def test_contagion_takes_all_in_cross_and_one_in_isolated(book):
    scenario = book["cross"]
    marks = scenario.marks(**scenario.moves["contagion"])
    after, events = mark_to_market(scenario.account("isolated"), marks)
    assert [event.symbols for event in events] == [("ADA",)]
    account = scenario.account("cross")
    assert account.risk(marks).is_liquidatable  # well beyond the line, so that one sees it there
    after, events = mark_to_market(account, marks)
    assert [event.symbols for event in events] == [("ETH", "ADA")]
    assert after == Account(balance=0)


@BOTH
def test_a_gap_leaves_less_than_nothing_and_the_fund_pays(book):
    scenario = book["cross"]
    marks = scenario.marks(**scenario.moves["gap"])
    account = scenario.account("cross")
    assert account.equity(marks) < 0
    after, events = mark_to_market(account, marks, scenario.liquidation_fee)
    assert after == Account(balance=0)
    assert events[0].received("insurance fund") == pytest.approx(account.equity(marks))


@BOTH
def test_the_paths_keep_their_character(book):
    scenario = book["cross"]
    ends = {
        (name, mode): replay(scenario.account(mode), scenario.path(name)).liquidations
        for name in ("together", "apart")
        for mode in ("isolated", "cross")
    }
    gone = {key: [event.symbols for _, event in events] for key, events in ends.items()}
    assert gone == {
        ("together", "isolated"): [("ETH",)],
        ("together", "cross"): [],
        ("apart", "isolated"): [("ADA",)],
        ("apart", "cross"): [("ETH", "ADA")],
    }


# Markets


def eth(**changes):
    values = {"side": "long", "price": 8, "margin": 2, "leverage": 5, **changes}
    return Trade(contract=Contract(symbol="ETH", maintenance=0.02), **values)


def small(**changes):
    values = {"name": "small", "currency": "BTC", "balance": 5, "trades": (eth(),), **changes}
    return Scenario(**values)


def test_marks_are_entry_prices_and_returns():
    scenario = BOOK["cross"]
    assert scenario.marks() == {t.symbol: t.price for t in scenario.trades}
    assert small().marks(ETH=-0.25) == {"ETH": 6}
    assert small().marks(ETH=[-0.25, 1])["ETH"].tolist() == [6, 16]


@pytest.mark.parametrize("bad", [-1, -1.5, float("nan"), float("inf"), "1", None, True], ids=repr)
def test_a_return_leaves_a_price(bad):
    with pytest.raises(MarginError, match="^return of ETH must be"):
        small().marks(ETH=bad)
    with pytest.raises(MarginError, match="^return of ETH must be"):
        small(moves={"up": {"ETH": bad}})
    with pytest.raises(MarginError, match="^return of ETH must be"):
        small(paths={"up": {"ETH": [0, bad]}})


def test_a_move_is_about_what_is_traded():
    for call in (
        lambda: small().marks(SOL=0.1),
        lambda: small()["SOL"],
        lambda: small().with_trade("SOL", leverage=2),
        lambda: small().account({"SOL": "cross"}),
        lambda: small(moves={"up": {"SOL": 1}}),
        lambda: small(paths={"up": {"SOL": [1]}}),
    ):
        with pytest.raises(MarginError) as caught:
            call()
        assert str(caught.value) == "symbol must be one that small trades (ETH), got SOL"


def test_a_path_is_a_list_of_marks():
    scenario = small(paths={"up": {"ETH": [0, 0.5, 1]}})
    assert scenario.path("up") == [{"ETH": 8}, {"ETH": 12}, {"ETH": 16}]
    with pytest.raises(MarginError, match="path must be one of up, got down"):
        scenario.path("down")
    steps = BOOK["cross"].path("apart")
    assert [list(marks) for marks in steps] == [["ETH", "ADA"]] * 8
    assert steps[0] == BOOK["cross"].marks()


def test_a_path_has_as_many_steps_for_each_symbol():
    trades = BOOK["cross"].trades
    for walks in ({"ETH": [0, 1], "ADA": [0]}, {}):
        with pytest.raises(MarginError, match="path up must have as many steps for each symbol"):
            small(trades=trades, paths={"up": walks})


def test_one_trade_can_be_changed_and_the_rest_stays():
    scenario = BOOK["cross"]
    changed = scenario.with_trade("ADA", side="long", leverage=3, maintenance_rate=0.1)
    assert (changed["ADA"].side, changed["ADA"].leverage, changed["ADA"].margin) == ("long", 3, 6)
    assert changed["ADA"].contract == Contract(symbol="ADA", maintenance=0.1)
    assert changed["ETH"] == scenario["ETH"]
    assert [t.symbol for t in changed.trades] == ["ETH", "ADA"]
    assert (scenario["ADA"].side, changed.balance) == ("short", scenario.balance)
    with pytest.raises(MarginError, match="leverage must be at least 1"):
        scenario.with_trade("ADA", leverage=0.5)


def test_trades_beyond_the_balance_are_refused():
    with pytest.raises(MarginError, match="margin and fee must not exceed the available balance"):
        small(trades=(eth(margin=5.1),)).account("isolated")
    with pytest.raises(MarginError, match="mode must be 'isolated' or 'cross', got 'x'"):
        small().account("x")


@pytest.mark.parametrize("bad", [*NOT_SINGLE, None, 0, -1], ids=repr)
@pytest.mark.parametrize("name", ["price", "margin", "leverage"])
def test_a_trade_is_checked_when_made(name, bad):
    with pytest.raises(MarginError, match=f"^{name} must be"):
        eth(**{name: bad})


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("balance", bad) for bad in [*NOT_SINGLE, None, 0, -1]),
        *(("funding_rate", bad) for bad in [*NOT_SINGLE, None]),
        *(("funding_hours", bad) for bad in [*NOT_SINGLE, None, 0, -1]),
        *(("hourly_interest", bad) for bad in [*NOT_SINGLE, None, -1e-9]),
        *(("liquidation_fee", bad) for bad in [*NOT_SINGLE, None, -1e-9, 1]),
        *(("haircut", bad) for bad in [*NOT_SINGLE, None, -1e-9, 1.01]),
        *(("days", bad) for bad in [*NOT_SINGLE, None, 0]),
    ],
    ids=str,
)
def test_a_scenario_is_checked_when_made(name, bad):
    with pytest.raises(MarginError, match=f"^{name} must "):
        small(**{name: bad})


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("jumps", bad) for bad in [*NOT_SINGLE, None, -1e-9]),
        *(("volatility", bad) for bad in [float("nan"), None, "1", -1e-9, {}]),
        *(("correlation", bad) for bad in [float("nan"), None, "1"]),
    ],
    ids=str,
)
def test_its_market_is_checked_when_one_is_made(name, bad):
    with pytest.raises(MarginError, match=f"^{name}( of ETH)? must "):
        small(**{name: bad}).market()


def test_a_market_is_checked_once_when_a_scenario_is_loaded(root, monkeypatch):
    made, check = [], Market.__post_init__
    monkeypatch.setattr(Market, "__post_init__", lambda self: (made.append(self), check(self)))
    scenario = load(root / "notebooks" / "scenarios.toml")["cross"]
    assert [market for market in made if market.prices == scenario.marks()]
    made.clear()
    scenario.with_trade(scenario.trades[0].symbol, leverage=3).account("isolated")
    assert not made


@BOTH
def test_a_market_starts_at_the_entry_prices_with_the_terms_of_the_file(book):
    scenario = book["cross"]
    market = scenario.market()
    assert market.prices == scenario.marks()
    assert (market.volatility, market.correlation) == (scenario.volatility, scenario.correlation)
    assert scenario.market(correlation=-0.5, step_hours=1).correlation == -0.5
    assert scenario.with_trade("ADA", side="long").market() == market


@BOTH
def test_outcomes_are_a_simulation_of_each_mode_over_the_same_markets(book):
    scenario = book["mine"]
    modes = {"mix": {"ETH": "cross", "SOL": "isolated"}, "all": "cross"}
    one, again = (scenario.outcomes(modes, paths=50, correlation=0.3) for _ in range(2))
    drawn = scenario.market(correlation=0.3).draw(np.random.default_rng(7), scenario.days, 50)
    accounts = {name: scenario.account(mode) for name, mode in modes.items()}
    for name, expected in simulate(accounts, drawn).items():
        assert np.array_equal(one[name].equity, expected.equity)
        assert np.array_equal(one[name].equity, again[name].equity)
    assert list(scenario.outcomes(paths=1)) == ["isolated", "cross"]
    other = scenario.outcomes(modes, paths=50, correlation=0.3, seed=8)
    assert not np.array_equal(one["all"].equity, other["all"].equity)


def test_correlation_hurts_in_cross_where_it_helps_the_hedge():
    hedge, twins = BOOK["cross"], BOOK["cross"].with_trade("ADA", side="long")
    lost = {
        (name, correlation): book.outcomes(paths=4000, correlation=correlation)["cross"]
        for name, book in (("hedge", hedge), ("twins", twins))
        for correlation in (-0.9, 0.9)
    }
    lost = {key: outcome.summary()["value"]["chance of ruin"] for key, outcome in lost.items()}
    assert lost["hedge", 0.9] < 0.03 < 0.15 < lost["hedge", -0.9]
    assert lost["twins", -0.9] < 0.01 < 0.08 < lost["twins", 0.9]


# Files

FILE = """
[defaults]
maintenance_rate = 0.02

[mine]
currency = "BTC"
balance = 5

[[mine.trades]]
symbol = "ETH"
side = "long"
price = 0.1
margin = 2
leverage = 5
"""


def read(folder, text):
    path = folder / "scenarios.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_a_file_becomes_scenarios(tmp_path):
    scenario = read(tmp_path, FILE)["mine"]
    assert (scenario.name, scenario.currency, scenario.balance) == ("mine", "BTC", 5)
    assert scenario["ETH"].contract == Contract(symbol="ETH", maintenance=0.02)
    assert load(str(tmp_path / "scenarios.toml")) == {"mine": scenario}
    assert read(tmp_path, "") == {}


def test_a_trade_a_scenario_and_the_defaults_say_rates_in_this_order(tmp_path):
    own = FILE.replace("balance = 5", "balance = 5\nmaintenance_rate = 0.03\ntaker_fee = 0.01")
    assert read(tmp_path, own)["mine"]["ETH"].contract == Contract(
        symbol="ETH", maintenance=0.03, taker_fee=0.01
    )
    trade = own + "maintenance_rate = 0.04\ntaker_fee = 0\n"
    assert read(tmp_path, trade)["mine"]["ETH"].contract == Contract(symbol="ETH", maintenance=0.04)
    bare = FILE.replace("[defaults]\nmaintenance_rate = 0.02", "")
    assert read(tmp_path, bare)["mine"]["ETH"].contract == Contract(symbol="ETH")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("balance = 5", "", "scenario must have the right keys: .*'balance'"),
        ("price = 0.1", "", "trade must have the right keys: .*'price'"),
        ('symbol = "ETH"', "", "contract must have the right keys: .*'symbol'"),
        ("balance = 5", "balance = 5\nballance = 6", "scenario must .*'ballance'"),
        ("balance = 5", 'balance = 5\nname = "other"', "scenario must .*'name'"),
        ("balance = 5", 'balance = 5\nkind = "other"', "scenario must .*'kind'"),
        ("price = 0.1", "price = 0.1\nfee = 6", "trade must have the right keys: .*'fee'"),
        ("price = 0.1", "price = 0.1\ncontract = 6", "trade must .*'contract'"),
        ("balance = 5", "balance = nan", "balance must be finite, got nan"),
        ("balance = 5", "balance = 0", "balance must be above 0, got 0"),
        ("balance = 5", "balance = true", "balance must be a number, got True"),
        ("balance = 5", 'balance = "5"', "balance must be a number, got 5"),
        ("leverage = 5", "leverage = 0.5", "leverage must be at least 1, got 0.5"),
        ("price = 0.1", "price = -0.1", "price must be above 0, got -0.1"),
        ("margin = 2", "margin = inf", "margin must be finite, got inf"),
        ('"long"', '"buy"', "side must be 'long' or 'short', got 'buy'"),
        ("rate = 0.02", "rate = 2", "ETH maintenance rate must be below 1, got 2"),
        ("balance = 5", "balance = 5\nmoves.up.SOL = 1", "symbol must be one that mine trades"),
        ("balance = 5", "balance = 5\nmoves.up.ETH = -1", "return of ETH must be above -1, got -1"),
        ("balance = 5", "balance = 5\npaths.up = {}", "path up must have as many steps"),
        ("balance = 5", "balance = 5\nmoves.up = 5", "move up must"),
        ("balance = 5", "balance = 5\ndays = 0", "days must be at least 1, got 0"),
        ("balance = 5", "balance = 5\nvolatility = -1", "volatility of ETH must be at least 0"),
    ],
)
def test_an_error_names_the_scenario_and_the_key(tmp_path, old, new, message):
    assert FILE.count(old) == 1
    with pytest.raises(MarginError, match=rf"^scenarios\.toml: \[mine\] {message}"):
        read(tmp_path, FILE.replace(old, new))


def test_a_number_outside_any_table_is_named(tmp_path):
    with pytest.raises(
        MarginError, match=r"^scenarios\.toml: \[balance\] scenario must be a table, got 5"
    ):
        read(tmp_path, "balance = 5\n" + FILE)


def test_a_symbol_is_traded_once(tmp_path):
    again = FILE + FILE[FILE.index("[[") :]
    with pytest.raises(MarginError, match=r"\[mine\] trades must have one trade a symbol"):
        read(tmp_path, again)


def test_labels_belong_to_every_scenario_of_a_file(tmp_path):
    path = tmp_path / "scenarios.toml"
    path.write_text('[labels]\n"leverage" = "Hebel"\n[a]\ncurrency = "EUR"\nbalance = 5\n', "utf-8")
    assert {name: dict(each.labels) for name, each in load(path).items()} == {
        "a": {"leverage": "Hebel"}
    }
    path.write_text('[labels]\n"leverage" = 5\n', "utf-8")
    with pytest.raises(
        MarginError, match=r"^scenarios\.toml: \[labels\] leverage must be words, got 5"
    ):
        load(path)


@BOTH
def test_in_another_currency_everything_but_the_price_of_money_is_the_same(book):
    scenario = book["cross"]
    tiers = [(0, 0.01, 0, 50), (5, 0.02, 0.05, 20)]
    scenario = scenario.with_trade(
        "ETH", contract=replace(scenario["ETH"].contract, maintenance=Tiers(tiers))
    )
    dollars = scenario.priced_in("USD", 20_000)
    assert dollars.currency == "USD" and dollars.balance == 20_000 * scenario.balance
    for trade in scenario.trades:
        assert dollars[trade.symbol].quantity == pytest.approx(trade.quantity)
        assert dollars[trade.symbol].leverage == trade.leverage
    for mode in ("isolated", "cross"):
        for changes in ({}, {"ETH": -0.3, "ADA": 0.2}):
            here = scenario.account(mode).equity(scenario.marks(**changes))
            there = dollars.account(mode).equity(dollars.marks(**changes))
            assert there == pytest.approx(20_000 * here)
            edges = [
                each.account(mode).liquidation_price("ETH", each.marks(**changes))
                / each["ETH"].price
                for each in (scenario, dollars)
            ]
            assert edges[0] == pytest.approx(edges[1], nan_ok=True)


def test_only_what_is_margined_in_money_can_be_priced_in_another():
    coin = replace(eth(), contract=Contract(symbol="ETH", inverse=True))
    with pytest.raises(MarginError, match="ETH contract must not be inverse"):
        small(trades=(coin,)).priced_in("USD", 2)
    with pytest.raises(MarginError, match="price must be above 0"):
        small().priced_in("USD", 0)
