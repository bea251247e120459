"""Exchanges as data: sources and days, tables that make sense, published prices reproduced."""

import dataclasses
import math
import re
import subprocess
import sys
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_course import scenarios
from margin_lib import formulas, venues
from margin_lib.account import Account, Position
from margin_lib.contracts import Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.venues import Fact, venue
from tests.support.strategies import ROOT, prices, shares, sides

FILE = ROOT / "margin_lib" / "venues.toml"
TABLES = [(venue(name), table) for name in venues.names() for table in venue(name).tables]
NAMED = pytest.mark.parametrize(
    ("place", "table"), TABLES, ids=[f"{v.name} {t.symbol} in {t.money}" for v, t in TABLES]
)
COURSE = """
[mine]
currency = "USDT"
balance = 1000
"""
TRADE = """
[[mine.trades]]
symbol = "ETH"
side = "long"
price = 2000
margin = 100
leverage = 5
"""


# Sources


def leaves(entry, inside=()):
    """Every value of the file, with the tables around it, from the innermost outwards."""
    if isinstance(entry, dict):
        for value in entry.values():
            yield from leaves(value, (entry, *inside))
    elif isinstance(entry, list):
        for value in entry:
            yield from leaves(value, inside)
    else:
        yield entry, inside


def test_every_value_of_the_file_has_a_source_and_a_day():
    found = list(leaves(tomllib.loads(FILE.read_text(encoding="utf-8"))))
    assert len(found) > 300
    for value, inside in found:
        assert re.search(r"[./]", inside[0]["source"]), value
        assert re.search(r"\b20[12]\d\b", inside[0]["as_of"]), value


@pytest.mark.parametrize("name", venues.names())
def test_a_venue_tells_where_each_convention_is_from(name):
    place = venue(name)
    facts = {fact.name: fact for fact in place.facts}
    assert {"maintenance_at", "closing_fee", "inverse", "taker_fee"} <= set(facts)
    assert all(fact.source and fact.as_of for fact in place.facts)
    assert place.conventions.maintenance_at == facts["maintenance_at"].value
    assert place.conventions.closing_fee is facts["closing_fee"].value
    assert place.inverse is facts["inverse"].value
    assert place.taker_fee == facts["taker_fee"].value
    assert place.rest == (facts["rest"].value if "rest" in facts else None)
    assert place.rest in (None, "trader", "fund")
    for rule in ("maintenance_at", "closing_fee"):
        assert facts[rule] == Fact(rule, facts[rule].value, place.source, place.as_of)


def test_what_is_not_known_is_left_to_the_default_and_says_so():
    facts = {fact.name for fact in venue("gate").facts}
    assert "at_equality" not in facts and venue("gate").conventions.at_equality
    assert not venue("dydx").conventions.at_equality
    assert venue("dydx").rest is None


def test_the_file_is_read_when_asked_for_and_then_once():
    code = """
import margin_lib, margin_lib.venues as venues
print(venues._venues.cache_info().currsize, end=" ")
print(venues.venue("okx") is venues.venue("okx"), venues._venues.cache_info().misses)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == "0 True 1\n"


@pytest.mark.parametrize("name", ["mtgox", "", None, 5, [], {}], ids=repr)
def test_an_unknown_venue_is_refused_with_the_known_ones(name):
    with pytest.raises(MarginError, match=r"^venue must be one of binance usd-m, .*, dydx, got "):
        venue(name)


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("hyperliquid", {"symbol": "XYZ"}, r"hyperliquid .*BTC in USDC, ETH in USDC.*, got XYZ$"),
        ("gate", {"symbol": "BTC"}, r"gate has a table for \(nothing\), got BTC$"),
        ("okx", {"symbol": "ETH", "money": "BTC"}, r"ETH in USDT.*, got ETH in BTC$"),
        ("binance coin-m", {"symbol": "BTC", "money": "USD"}, r"BTC in BTC.*, got BTC in USD$"),
        ("okx", {"symbol": "ETH"}, "^ETH units must be given: .* count contracts, got None$"),
        ("okx", {"symbol": "ETH", "units": 801}, "^ETH units must be at most 800, where"),
        ("okx", {"symbol": "ETH", "units": math.nan}, "^ETH units must be finite, got nan$"),
        ("dydx", {"symbol": "ETH", "maintenance": 1}, "^ETH maintenance rate must be below 1"),
    ],
)
def test_what_a_venue_has_no_table_for_is_refused_by_name(name, how, message):
    with pytest.raises(MarginError, match=message):
        venue(name).contract(**how)


def test_a_table_that_counts_contracts_and_has_no_end_holds_for_any_size():
    table = replace(venue("okx").table("ETH"), up_to=None)
    assert table.for_units(1e9)[0].rate == table.tiers[-1].rate


def test_a_table_is_chosen_by_the_money():
    binance = venue("binance usd-m")
    assert binance.table("ETH") is binance.table("ETH", "USDT") is binance.table("ETH", "USD")
    assert binance.contract("ETH", "BTC").maintenance[1].floor == 5


# The menu of modes


@pytest.mark.parametrize("name", venues.names())
def test_the_menu_says_what_it_knows_and_nothing_else(name):
    menu, facts = venue(name).menu, {fact.name: fact for fact in venue(name).facts}
    for field in dataclasses.fields(menu):
        value = getattr(menu, field.name)
        if field.name in facts:
            assert value == facts[field.name].value
            assert facts[field.name].source and facts[field.name].as_of
        else:
            assert value in (None, 0.0)
    assert set(menu.modes or ()) <= {"isolated", "cross", "portfolio"}
    assert menu.default_mode is None or menu.default_mode in (menu.modes or ())
    assert menu.chosen_for in (None, "position", "market", "account")
    assert all(answer in (None, True, False) for answer in (menu.switch_while_open, menu.top_up))
    assert menu.kept is None or 0 <= menu.kept < 1
    assert 0 <= menu.backstop < 1


def test_what_venues_are_known_to_differ_in():
    def of(key):
        return {name: getattr(venue(name).menu, key) for name in venues.names()}

    assert of("chosen_for")["bybit linear"] == "account"
    assert of("chosen_for")["binance usd-m"] == "market"
    assert of("default_mode")["hyperliquid"] == "cross"
    assert of("kept")["hyperliquid"] == 0.1
    assert of("kept")["binance coin-m"] == 0
    assert of("kept")["dydx"] is None
    assert of("cross_fails")["hyperliquid"] == (0.2, "everything")
    assert of("backstop")["hyperliquid"] == pytest.approx(2 / 3)
    assert set(of("switch_while_open").values()) == {True, False, None}


# What is printed


@pytest.mark.parametrize(
    ("name", "price", "quantity", "tick", "printed"),
    [
        ("bybit linear classic", 919.0970119, 0.1, 0.05, 919.1),
        ("bybit linear classic", 913.1047619, -0.1, 0.05, 913.15),
        ("bybit linear classic", 919.1, 1, 0.05, 919.1),  # on the tick, whatever floats make of it
        ("okx", 11198.23376279407, -93740, 0.01, 11198.22376279407),
        ("okx", 50.5, 3, 0.5, 51.0),
        ("dydx", 50.123, 3, 0.5, 50.123),
        ("okx", math.nan, 3, 0.5, math.nan),
    ],
)
def test_a_price_is_printed_as_the_venue_does(name, price, quantity, tick, printed):
    found = venue(name).printed(price, quantity, tick)
    assert found == pytest.approx(printed, rel=1e-12, nan_ok=True)


def test_prices_are_rounded_to_the_nearest_tick_where_a_venue_does():
    place = replace(venue("dydx"), rounds="nearest")
    assert [place.printed(price, 1, 0.5) for price in (10.2, 10.3)] == [10.0, 10.5]


@pytest.mark.parametrize(("quantity", "tick"), [(1, 0), (1, -1), (math.nan, 1), (1, math.inf)])
def test_a_price_cannot_be_printed_without_a_side_and_a_tick(quantity, tick):
    with pytest.raises(MarginError):
        venue("okx").printed(10.0, quantity, tick)


# Tables


@NAMED
def test_amounts_are_those_of_continuity_or_there_are_none(place, table):
    rows = [(tier.floor, tier.rate, tier.max_leverage) for tier in table.tiers]
    amounts = [tier.amount for tier in table.tiers]
    if table.amounts == "none":
        assert not any(amounts)
    else:
        follow = [tier.amount for tier in Tiers.continuous(rows)]
        assert amounts == pytest.approx(follow, rel=1e-12)
    assert table.up_to is None or table.up_to > table.tiers[-1].floor


@NAMED
def test_margins_meet_at_the_joints_unless_there_are_no_amounts(place, table):
    for tier in table.tiers[1:]:
        below, at = formulas.tiered_maintenance(
            np.array([tier.floor * (1 - 1e-12), tier.floor]), table.tiers
        )
        if table.amounts == "none":
            assert at > below * 1.1
        else:
            assert at == pytest.approx(below, rel=1e-10)


@NAMED
def test_rates_rise_and_leverage_falls(place, table):
    caps = [tier.max_leverage for tier in table.tiers]
    assert caps == sorted(caps, reverse=True)
    for tier in table.tiers:
        assert tier.rate < 1 / tier.max_leverage  # nobody is liquidated at birth


def test_the_amounts_that_the_source_of_coin_m_prints():
    amounts = [tier.amount for tier in venue("binance coin-m").table("BTC").tiers]
    assert (amounts[3], amounts[4], amounts[6]) == pytest.approx((0.56, 1.81, 11.81))


def test_hyperliquid_goes_by_the_largest_leverage():
    for table in venue("hyperliquid").tables:
        for tier in table.tiers:
            assert tier.rate == 0.5 / tier.max_leverage


@pytest.mark.parametrize(
    ("coins", "rate", "cap"), [(1, 0.01, 75), (200, 0.01, 75), (-200.1, 0.015, 50), (800, 0.02, 20)]
)
def test_where_floors_count_contracts_the_row_follows_from_the_size(coins, rate, cap):
    contract = venue("okx").contract("ETH", units=coins)
    assert contract.size == 0.1
    assert contract.maintenance == Tiers([(0, rate, 0, cap)])


# Positions in these tables


def position(place, table, side, value, leverage, price=100.0, **rules):
    """An isolated position worth `value` at entry, in the money of the table."""
    if table.floors_in == "contracts":
        value *= table.size * price
    units = value * price if place.inverse else value / price
    contract = place.contract(table.symbol, table.money, units)
    return Position(
        contract=replace(contract, conventions=replace(place.conventions, **rules)),
        quantity=side * units / table.size,
        entry_price=price,
        leverage=leverage,
        margin=value / leverage,
    )


def middles(table):
    """A value inside each row, and the row."""
    ends = [*(tier.floor for tier in table.tiers[1:]), table.up_to or 2 * table.tiers[-1].floor]
    return [((tier.floor + end) / 2, tier) for tier, end in zip(table.tiers, ends, strict=True)]


@NAMED
@pytest.mark.parametrize("side", [1, -1])
def test_leverage_caps_are_enforced_when_opening(place, table, side):
    for value, tier in middles(table):
        held = position(place, table, side, value, tier.max_leverage)
        rich = Account(balance=100 * held.notional(100))
        order = {"quantity": held.quantity, "price": 100}
        opened, _ = rich.open(held.contract, leverage=tier.max_leverage, **order)
        assert opened[table.symbol].leverage == tier.max_leverage
        with pytest.raises(MarginError, match=f"leverage must be at most {tier.max_leverage:g}"):
            rich.open(held.contract, leverage=tier.max_leverage + 1, **order)


@st.composite
def held(draw, **rules):
    """A position in a real table: any value up to its end, any leverage that its row allows."""
    place, table = draw(st.sampled_from(TABLES))
    end = table.up_to or 3 * table.tiers[-1].floor
    value = end * 10 ** draw(shares(-5, -0.1))
    leverage = 1 + draw(shares(0, 1)) * (table.tiers.at(value).max_leverage - 1)
    return position(place, table, draw(sides), value, leverage, draw(prices), **rules)


def dies_and_lives(trade, price):
    """Whether it is liquidatable one tick beyond the price, and one tick before it."""
    tick = price * 1e-6 * math.copysign(1, trade.quantity)
    return trade.risk(price - tick).is_liquidatable, trade.risk(price + tick).is_liquidatable


@given(held())
def test_at_the_price_equity_is_maintenance_and_a_tick_decides(trade):
    price = trade.liquidation_price(trade.margin)
    if math.isnan(price):
        assert not trade.risk(np.geomspace(1e-6, 1e6, 99)).is_liquidatable.any()
        return
    risk = trade.risk(price)
    size = max(risk.notional, trade.notional(trade.entry_price))
    assert risk.equity == pytest.approx(risk.maintenance_margin, abs=1e-9 * size)
    if price > 1e-9 * trade.entry_price:  # below it is zero, but for rounding: nothing is borrowed
        assert dies_and_lives(trade, price) == (True, False)


@given(st.sampled_from([t for t in TABLES if t[0].name == "kucoin"]), sides, shares(0.01, 0.99))
def test_where_a_table_jumps_a_tick_beyond_the_price_is_deadly(found, side, share):
    place, table = found
    trade = position(place, table, side, share * table.up_to, 50, maintenance_at="mark")
    price = trade.liquidation_price(trade.margin)
    assert dies_and_lives(trade, price) == (True, False)


@given(st.lists(held(), min_size=2, max_size=5))
def test_single_numbers_give_what_arrays_give(trades):
    for trade in trades:
        contract, fee = trade.contract, trade.contract.counted_fee
        factors = np.array([1.0, -1.0, 0.5, 0.0, 100.0])
        entry, units, rules = trade.entry_price, trade.units * factors, contract.maintenance
        array = formulas.tiered_liquidation_price(
            entry, units, trade.margin, rules, fee, contract.inverse
        )
        one = [
            formulas.tiered_liquidation_price(
                entry, float(unit), trade.margin, rules, fee, contract.inverse
            )
            for unit in units
        ]
        assert array == pytest.approx(one, rel=1e-14, nan_ok=True)


def test_a_long_array_is_an_array_of_single_numbers():
    contract = venue("binance usd-m").contract("BTC")
    units = np.geomspace(0.1, 30_000, 140_000).reshape(2, -1) * np.array([[1], [-1]])
    money = np.abs(units[:, :1]) * 9000
    array = formulas.tiered_liquidation_price(50_000.0, units, money, contract.maintenance)
    assert array.shape == units.shape
    for place in [(0, 0), (1, 0), (0, 65_535), (0, 65_536), (1, 69_999)]:
        one = formulas.tiered_liquidation_price(
            50_000.0, units[place], money[place[0], 0], contract.maintenance
        )
        assert array[place] == pytest.approx(one, rel=1e-14, nan_ok=True)


# Published prices

# 10 ETH at 2,000, 10x; every venue's own fee. Without a rate: the venue's own table.
BOUNDARIES = [
    ("binance usd-m", 0.005, 1809.05, 2189.05),
    ("dydx", 0.005, 1809.05, 2189.05),
    ("okx", 0.005, 1809.95, 2187.97),
    ("gate", 0.005, 1809.95, 2187.97),
    ("kucoin", 0.005, 1810.00, 2190.00),
    ("bybit linear classic", 0.005, 1810.00, 2190.00),
    ("bybit linear", None, 1809.05, 2189.05),
    ("hyperliquid", None, 1836.73, 2156.86),
]


def price_of(contract, quantity, entry, money, **others):
    """Liquidation price of a cross position, beside others given as symbol=(position, mark)."""
    first = Position(contract=contract, quantity=quantity, entry_price=entry, leverage=1)
    account = Account(balance=money, positions=[first, *(p for p, _ in others.values())])
    return account.liquidation_price(contract.symbol, {s: mark for s, (_, mark) in others.items()})


@pytest.mark.parametrize(("name", "rate", "long", "short"), BOUNDARIES)
def test_one_position_dies_at_another_price_at_each_venue(name, rate, long, short):
    contract = venue(name).contract("ETH", maintenance=rate)
    assert price_of(contract, 10, 2000, 2000) == pytest.approx(long, abs=0.005)
    assert price_of(contract, -10, 2000, 2000) == pytest.approx(short, abs=0.005)


def test_binance_worked_example_with_the_brackets_of_its_day():
    # Binance FAQ b3c689c1f50a44cabb3a84e663b81d93; brackets of 2021: gist.github.com/mattj161
    # 21bec86528700b7e4cb025730485a2a7 and gist.github.com/highfestiva
    # b71e76f51eed84d56c1be8ebbcc286b5.
    binance = venue("binance usd-m")
    eth_rows = [(0, 0.005), (10_000, 0.0065), (100_000, 0.01), (500_000, 0.02)]
    eth_rows += [(1_000_000, 0.05), (2_000_000, 0.1), (5_000_000, 0.125)]
    btc_rows = [(0, 0.004), (50_000, 0.005), (250_000, 0.01), (1_000_000, 0.025)]
    eth = binance.contract("ETH", maintenance=Tiers.continuous(eth_rows))
    btc = binance.contract("BTC", maintenance=Tiers.continuous(btc_rows))
    money = 1_535_443.01
    assert price_of(eth, 3683.979, 1456.84, money) == pytest.approx(1114.78, abs=0.005)
    beside = Position(contract=eth, quantity=3683.979, entry_price=1456.84, leverage=1)
    found = price_of(btc, 109.488, 32481.98, money, ETH=(beside, 1335.18))
    assert found == pytest.approx(26316.89, abs=0.005)


def test_binance_coin_m_in_its_own_table():
    # dev.binance.vision, topic 6292: 100,000 contracts of 100 USD, amount 11.81 BTC
    contract = venue("binance coin-m").contract("BTC")
    assert contract.inverse and contract.size == 100
    assert price_of(contract, 100_000, 45_000, 101) == pytest.approx(33578.859744834, abs=1e-6)


def test_okx_sample_response():
    # OKX API v5, GET /api/v5/tradingBot/signal/positions: 1.5 contracts of 0.1 ETH
    contract = venue("okx").contract("ETH", maintenance=0.008)
    entry, mark, ratio = 1597.74, 1584.33, 11.719278420807477
    equity = ratio * 0.15 * mark * (0.008 + 0.0005)
    money = equity - 0.15 * (mark - entry)
    assert price_of(contract, 0.15, entry, money) == pytest.approx(1438.7380360728976, rel=1e-9)


def test_bybit_as_it_was_and_as_it_is():
    # freqtrade, tests/exchange/test_exchange.py: a short at 10, 5x, rate 1 %
    contract = venue("bybit linear classic").contract("ETH", maintenance=0.01)
    assert price_of(contract, -1, 10, 2) == pytest.approx(11.9)
    # Bybit's help page: 60,000 USD at 50,000, 10x, 0.5 %; its formulas of 2024 and of 2026
    value, margin = 1.2, 0.12
    old = venue("bybit inverse classic").contract("BTC", maintenance=0.005)
    new = venue("bybit inverse").contract("BTC")
    assert price_of(old, 60_000, 50_000, margin) == pytest.approx(
        60_000 / (value + margin - 0.005 * value)
    )
    assert price_of(new, 60_000, 50_000, margin) == pytest.approx(60_000 * 1.005 / (value + margin))
    assert price_of(new, -60_000, 50_000, margin) == pytest.approx(
        60_000 * 0.995 / (value - margin)
    )


@pytest.mark.parametrize(
    ("quantity", "entry", "margin", "cap", "price"),
    [
        (437.0, 0.11586, 25.29769, 20, 0.05945697),
        (-0.00145, 68139.0, 19.72573, 50, 80933.61590987),
        (-0.0327, 2552.0, 20.833393, 50, 3157.53150453),
        (0.00077, 62739.0, 24.137992, 50, 31708.03843631),
    ],
)
def test_hyperliquid_live_prices(quantity, entry, margin, cap, price):
    # freqtrade, tests/exchange/test_hyperliquid.py: positions of October 2024, caps of that day
    tiers = Tiers.half_of_max_leverage([(0, cap)])
    contract = venue("hyperliquid").contract("BTC", maintenance=tiers)
    assert price_of(contract, quantity, entry, margin) == pytest.approx(price, rel=1.5e-4)


def test_kucoin_gate_and_dydx_worked_examples():
    # kucoin.com/support/4408061803033: short, 5 lots of 0.001 BTC, 100x, 0.4 %
    kucoin = venue("kucoin").contract("BTC", maintenance=0.004)
    assert price_of(kucoin, -0.005, 28_000, 1.4) == pytest.approx(28_168)
    # freqtrade, tests/exchange/test_exchange.py, gate: long at 10, 3x, 1 %, fee 0.06 %
    gate = replace(venue("gate").contract("ETH", maintenance=0.01), taker_fee=0.0006)
    assert price_of(gate, 1, 10, 10 / 3) == pytest.approx(6.738090425173506)
    # dYdX documentation, liquidations: equity 1,000, other markets ask for 175
    dydx = venue("dydx")
    eth, btc = (dydx.contract(symbol, maintenance=0.05) for symbol in ("ETH", "BTC"))
    other = Position(contract=btc, quantity=3.5, entry_price=1000, leverage=1)
    found = price_of(eth, -1.5, 3000, 1000, BTC=(other, 1000))
    assert found == pytest.approx(3380.95, abs=0.005)


# Venues in scenarios


def load(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return scenarios.load(path)["mine"]["ETH"].contract


def test_a_scenario_or_a_trade_names_its_venue(tmp_path):
    binance = venue("binance usd-m").contract("ETH")
    assert load(tmp_path, COURSE + 'venue = "binance usd-m"' + TRADE) == binance
    assert load(tmp_path, COURSE + TRADE + 'venue = "binance usd-m"') == binance
    outer = 'venue = "gate"\nmaintenance_rate = 0.5'
    assert load(tmp_path, COURSE + outer + TRADE + 'venue = "binance usd-m"') == binance
    defaults = "[defaults]\nmaintenance_rate = 0.5\ntaker_fee = 0.5\n"
    assert load(tmp_path, defaults + COURSE + 'venue = "binance usd-m"' + TRADE) == binance


def test_a_rate_beside_the_venue_counts_before_the_venues(tmp_path):
    lines = '\nvenue = "gate"\nmaintenance_rate = 0.25\ntaker_fee = 0.125'
    own = load(tmp_path, COURSE + TRADE + lines)
    assert own.conventions == Conventions(closing_fee=True)
    assert (own.maintenance_rate, own.taker_fee) == (0.25, 0.125)
    nearer = load(tmp_path, COURSE + 'venue = "gate"' + TRADE + "maintenance_rate = 0.25")
    assert (nearer.maintenance_rate, nearer.taker_fee) == (0.25, 0.0005)


def test_the_size_of_a_trade_chooses_the_row_where_floors_count_contracts(tmp_path):
    small = load(tmp_path, COURSE + 'venue = "okx"' + TRADE)
    assert small == venue("okx").contract("ETH", units=0.25)
    large = TRADE.replace("margin = 100", "margin = 100_000")
    assert load(tmp_path, COURSE + 'venue = "okx"' + large).maintenance_rate == 0.015


def test_an_inverse_venue_counts_in_coin(tmp_path):
    text = COURSE.replace("USDT", "BTC") + 'venue = "binance coin-m"' + TRADE
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("ETH", "BTC"), encoding="utf-8")
    trade = scenarios.load(path)["mine"]["BTC"]
    assert trade.contract == venue("binance coin-m").contract("BTC")
    assert trade.quantity == 100 * 5 * 2000 / 100


@pytest.mark.parametrize(
    ("scenario", "trade", "message"),
    [
        ('venue = "mtgox"', "", r"venue must be one of binance usd-m"),
        ("", 'venue = "gate"', r"symbol must be one that gate has a table for"),
        ('venue = "binance coin-m"', "", r"symbol must be .* got ETH in USDT$"),
        ("", 'venue = "okx"\nmaintenance_rate = 2', r"ETH maintenance rate must be"),
    ],
)
def test_a_venue_that_does_not_fit_is_refused_with_the_scenarios_name(
    tmp_path, scenario, trade, message
):
    with pytest.raises(MarginError, match=rf"^mine\.toml: \[mine\] {message}"):
        load(tmp_path, COURSE + scenario + TRADE + trade)
