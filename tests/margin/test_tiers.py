"""Tables, inverse contracts and conventions: one equation, other inputs."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.contracts import Contract, Conventions, Tier, Tiers
from margin_lib.errors import MarginError
from margin_lib.venues import venue
from tests.support.strategies import NO_NUMBERS, NOT_SINGLE, leverages, prices, shares, sides

SMOOTH = Tiers.continuous([(0, 0.01, 50), (100, 0.02, 20), (1000, 0.1, 5)])
JUMPY = Tiers([(0, 0.01), (100, 0.02), (1000, 0.1)])


@st.composite
def tables(draw, jump=None):
    """Tables of one to five rows, with or without jumps."""
    steps = draw(st.lists(st.tuples(shares(1, 500), shares(0.001, 0.1)), max_size=4))
    rows, floor, rate = [(0, draw(shares(0.0, 0.05)))], 0.0, 0.0
    rate = rows[0][1]
    for width, rise in steps:
        floor, rate = floor + width, rate + rise
        rows.append((floor, rate))
    jump = draw(st.booleans()) if jump is None else jump
    return Tiers(rows) if jump else Tiers.continuous(rows)


# Tables


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "tiers must start with a floor of 0"),
        ([(1, 0.01)], "tiers must start with a floor of 0"),
        ([(0, 0.01), (0, 0.02)], "tier floor must be above 0"),
        ([(0, 0.02), (5, 0.01)], "tier rate must be at least 0.02"),
        ([(0, 0.01), (-5, 0.02)], "tier floor must be above 0"),
        ([(False, 0.01)], "tier floor must be a number"),
        ([(0, 1)], "tier rate must be below 1"),
        ([(0, -0.1)], "tier rate must be at least 0"),
        ([(0, 0.01), (math.inf, 0.02)], "tier floor must be finite"),
        ([(0, 0.01, math.nan)], "tier amount must be finite"),
        ([(0, 0.01, 0, 0.5)], "tier leverage must be at least 1"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(rows, message):
    with pytest.raises(MarginError, match=message) as caught:
        Tiers(rows)
    if "start" in message:
        assert caught.value.value == [Tier(*row) for row in rows]


@pytest.mark.parametrize("bad", [*NOT_SINGLE, None, -1, -1e-12], ids=repr)
def test_a_row_is_asked_for_by_one_notional_of_at_least_zero(bad):
    with pytest.raises(MarginError, match="^notional must be "):
        JUMPY.at(bad)


@pytest.mark.parametrize("bad", [*NO_NUMBERS, None, -1, [10, -1e-12]], ids=repr)
def test_maintenance_is_of_notionals_of_at_least_zero(bad):
    with pytest.raises(MarginError, match="^notional must be "):
        formulas.tiered_maintenance(bad, JUMPY)


def test_a_floor_belongs_to_the_row_that_starts_there():
    assert [JUMPY.at(n).rate for n in (0, 99.99, 100, 999, 1000, 1e9)] == [
        *(0.01, 0.01, 0.02, 0.02, 0.1, 0.1)
    ]


def test_half_of_the_maximum_leverage_is_the_maintenance_rate():
    tiers = Tiers.half_of_max_leverage([(0, 50), (150_000, 25)])
    assert tiers == (Tier(0, 0.01, 0, 50), Tier(150_000, 0.02, 1500.0, 25))


@given(tables(jump=False), shares(0, 2000))
def test_a_continuous_table_has_no_jump_and_is_the_highest_of_its_rows(tiers, notional):
    margin = formulas.tiered_maintenance(notional, tiers)
    highest = max(tier.rate * notional - tier.amount for tier in tiers)
    assert margin == pytest.approx(highest, rel=1e-12, abs=1e-9)
    for tier in tiers[1:]:
        below = formulas.tiered_maintenance(tier.floor * (1 - 1e-12), tiers)
        assert formulas.tiered_maintenance(tier.floor, tiers) == pytest.approx(below, abs=1e-6)


def test_a_table_goes_by_notional_and_scalars_are_arrays_of_one():
    values = np.array([50.0, 100.0, 500.0, 5000.0])
    margins = formulas.tiered_maintenance(values, SMOOTH)
    assert margins == pytest.approx([0.5, 1, 9, 419])
    for value, margin in zip(values, margins, strict=True):
        assert formulas.tiered_maintenance(float(value), SMOOTH) == margin
        assert formulas.maintenance_margin(value, *SMOOTH.at(value)[1:3]) == margin


# Liquidation prices of tables


def edge(tiers, quantity, collateral, entry=1.0, **how):
    return formulas.tiered_liquidation_price(entry, quantity, collateral, tiers, **how)


def spare(tiers, quantity, collateral, price, entry=1.0, inverse=False):
    """Equity beyond the maintenance margin, straight from its definition."""
    equity = collateral + formulas.pnl(quantity, entry, price, inverse)
    value = formulas.notional(quantity, price, inverse)
    return equity - formulas.tiered_maintenance(value, tiers)


@given(tables(), sides, shares(10, 3000), shares(0.02, 1.5), st.booleans())
def test_beyond_the_price_it_is_liquidatable_and_before_it_nowhere(
    tiers, side, size, margin, inverse
):
    quantity, collateral = side * size, margin * size
    price = edge(tiers, quantity, collateral, inverse=inverse)
    dying = price * (1 - side * 1e-9)
    if 0 < price < math.inf:
        assert spare(tiers, quantity, collateral, dying, inverse=inverse) <= 1e-7 * size
    if math.isnan(price):
        safe = np.geomspace(1e-3, 1e3, 200)
    elif side > 0:
        safe = price * (1 + np.geomspace(1e-9, 1e3, 200)) if price < math.inf else np.array([])
    else:
        safe = price * (1 - np.geomspace(1e-9, 0.999, 200)) if price > 0 else np.array([])
    if len(safe):
        assert np.all(spare(tiers, quantity, collateral, safe, inverse=inverse) >= -1e-7 * size)


@given(tables(jump=False), sides, shares(10, 3000), shares(0.02, 0.9))
def test_on_a_continuous_table_equity_is_maintenance_at_the_price(tiers, side, size, margin):
    price = edge(tiers, side * size, margin * size)
    assume(0 < price < math.inf)
    assert spare(tiers, side * size, margin * size, price) == pytest.approx(0, abs=1e-9 * size)


@given(tables(), sides, shares(10, 3000), shares(0.02, 1.5), st.booleans())
def test_arrays_give_what_single_numbers_give(tiers, side, size, margin, inverse):
    quantities = side * size * np.array([1.0, 0.5, -1.0, 0.0])
    array = edge(tiers, quantities, margin * size, inverse=inverse)
    for quantity, price in zip(quantities, array, strict=True):
        assert edge(tiers, quantity, margin * size, inverse=inverse) == pytest.approx(
            price, rel=1e-12, nan_ok=True
        )


@given(shares(0, 0.05), sides, prices, shares(1, 100), shares(0.02, 0.9))
def test_a_table_of_one_row_is_the_plain_formula(rate, side, entry, size, margin):
    arguments = entry, side * size, margin * size * entry
    one_row = formulas.tiered_liquidation_price(*arguments, Tiers.flat(rate))
    flat = formulas.liquidation_price(*arguments, rate)
    assert one_row == pytest.approx(flat, nan_ok=True)


def test_where_a_table_jumps_the_first_price_that_the_market_reaches_is_returned():
    # A short of 90: its notional passes the floor of 100 at a price of 1.111. Equity is 3 there,
    # above the 1 of the first row, below the 20 of the second: it dies at the jump itself.
    cliff = Tiers([(0, 0.01), (100, 0.2)])
    assert edge(cliff, -90, 13.0) == pytest.approx(100 / 90)
    # A long of 90 at 2: it dies falling to 1.25 in the second row, although below the jump, from
    # 1.111 down, it would be safe again. It does not live to see that.
    assert edge(cliff, 90, 90.0, entry=2.0) == pytest.approx(1.25)
    assert spare(cliff, 90, 90.0, 1.1, entry=2.0) > 0


def test_no_row_liquidates_what_its_own_money_pays_for():
    assert math.isnan(edge(SMOOTH, 50, 50.0))
    assert math.isnan(edge(SMOOTH, 0, 50.0))
    assert edge(SMOOTH, -50, -60.0) == 0  # a short that no price keeps alive
    assert edge(SMOOTH, 50, -60.0, inverse=True) == math.inf


def test_more_collateral_never_brings_the_price_nearer():
    for tiers in (SMOOTH, JUMPY):
        for side in (1, -1):
            found = [edge(tiers, side * 800, money) for money in np.linspace(20, 700, 60)]
            assert np.all(np.diff(found) * side <= 1e-12)


def test_a_fee_belongs_to_a_table_and_stays_below_the_whole_value_with_its_rate():
    for fee, message in [
        (-0.01, "fee rate must be at least 0, got -0.01"),
        ([0.01, 0.02], "fee rate must be a single number, got [0.01, 0.02]"),
        (0.9, "rate with closing fee must be below 1, got 1.0"),
    ]:
        with pytest.raises(MarginError) as caught:
            edge(JUMPY, 100, 20, fee_rate=fee)
        assert str(caught.value) == message


rows_in_whole_numbers = st.lists(
    st.tuples(st.integers(1, 500), st.integers(0, 200), st.integers(-50, 200)), max_size=5
)


@given(
    rows_in_whole_numbers,
    st.sampled_from([1, -1]),
    st.integers(1, 4000),
    st.integers(-1000, 5000),
    st.booleans(),
)
def test_the_price_is_the_equation_of_its_docstring(steps, side, size, money, inverse):
    """Exactly, in fractions; the table may jump up or down at any floor."""
    rows, floor, rate = [], 0, Fraction(0)
    for width, rise, amount in [(0, 10, 0), *steps]:
        floor, rate = floor + width, rate + Fraction(rise, 2000)
        rows.append((floor, rate, Fraction(amount), None))
    found = []
    for (floor, rate, amount, _), cap in zip(rows, [*rows[1:], [math.inf]], strict=True):
        solution = (side * size - money - amount) / (side - rate) / size  # entered at a price of 1
        if side > 0 and solution >= Fraction(floor, size):
            found.append(min(solution, cap[0] / Fraction(size)))
        if side < 0 and solution <= cap[0] / Fraction(size):
            found.append(max(solution, Fraction(floor, size)))
    first = side * max((side * price for price in found), default=math.nan)
    quantity = -side * size if inverse else side * size  # a short of coins is an inverse long
    price = edge(rows, Fraction(quantity), money, entry=Fraction(1), inverse=inverse)
    if side > 0 and not first > 0:
        assert math.isnan(price)
    elif inverse:
        assert price == (1 / first if first else math.inf)
    else:
        assert price == first


def test_fractions_stay_exact():
    tiers = Tiers.continuous([(0, Fraction(1, 100)), (100, Fraction(1, 50))])
    price = edge(tiers, Fraction(300), Fraction(60), entry=Fraction(1))
    assert price == Fraction(239, 294)
    assert edge(tiers, Fraction(-300), Fraction(60), entry=Fraction(1)) == Fraction(361, 306)
    assert edge(tiers, Fraction(300), Fraction(60), Fraction(1), inverse=True) == Fraction(306, 361)
    assert formulas.tiered_maintenance(Fraction(300), tiers) == 5


# Inverse contracts


@given(sides, prices, shares(0.5, 2), shares(1, 100))
def test_an_inverse_contract_is_a_linear_one_in_the_reciprocal_price(side, entry, move, size):
    price, quantity = entry * move, side * size
    linear = formulas.pnl(-quantity, 1 / entry, 1 / price)
    assert formulas.pnl(quantity, entry, price, inverse=True) == linear
    assert linear == pytest.approx(quantity * (1 / entry - 1 / price), abs=1e-12 * size / entry)


@given(shares(1, 1000), leverages, prices)
def test_an_inverse_quantity_is_worth_margin_times_leverage_too(margin, leverage, price):
    quantity = formulas.quantity(margin, leverage, price, inverse=True)
    value = formulas.notional(quantity, price, inverse=True)
    assert value == pytest.approx(margin * leverage, rel=1e-12)


def test_inverse_profit_is_bounded_above_and_not_below():
    long = formulas.pnl(100, 10, np.array([20.0, 1e9, 5.0, 0.1]), inverse=True)
    assert long == pytest.approx([5, 10, -10, -990], abs=1e-6)


def test_an_inverse_long_at_one_can_die_and_a_short_cannot():
    coins = Account(balance=1)
    btc = Contract(symbol="BTC", inverse=True, size=100)
    order = {"price": 8000, "leverage": 1}
    long, _ = coins.open(btc, quantity=80, **order)
    short, _ = coins.open(btc, quantity=-80, **order)
    assert long["BTC"].notional(8000) == long["BTC"].margin == 1
    assert long.liquidation_price("BTC") == pytest.approx(4000)
    assert math.isnan(short.liquidation_price("BTC"))
    assert long.risk({"BTC": 4000}, "BTC").equity == pytest.approx(0)


def test_average_entries_are_arithmetic_and_harmonic():
    fills = 10, 10, 10, 20
    assert formulas.average_entry_price(*fills) == 15
    assert formulas.average_entry_price(*fills, inverse=True) == pytest.approx(40 / 3)
    coins = Account(balance=100)
    btc = Contract(symbol="BTC", inverse=True)
    for price in (10, 20):
        coins, _ = coins.open(btc, quantity=10, price=price, leverage=1)
    assert coins["BTC"].entry_price == pytest.approx(40 / 3)
    assert coins["BTC"].pnl(15) == pytest.approx(10 * (1 / 10 - 1 / 15) + 10 * (1 / 20 - 1 / 15))


def test_the_size_of_a_contract_only_changes_the_unit():
    small, large = (Contract(symbol="ETH", maintenance=0.02, size=size) for size in (1, 100))
    one, _ = Account(balance=5).open(small, quantity=100, price=0.1, leverage=5)
    hundred, _ = Account(balance=5).open(large, quantity=1, price=0.1, leverage=5)
    marks = {"ETH": 0.09}
    assert one.risk(marks, "ETH") == hundred.risk(marks, "ETH")
    assert one.liquidation_price("ETH") == hundred.liquidation_price("ETH")
    assert one.pay_funding({"ETH": 0.01}, marks)[1] == hundred.pay_funding({"ETH": 0.01}, marks)[1]


def test_funding_of_an_inverse_contract_is_paid_by_the_long_in_coin():
    assert formulas.funding(100, 50, 0.01, inverse=True) == pytest.approx(-0.02)
    assert formulas.funding(-100, 50, 0.01, inverse=True) == pytest.approx(0.02)
    assert formulas.funding(-100, 50, 0.01) == pytest.approx(50)
    btc = Contract(symbol="BTC", inverse=True)
    account, _ = Account(balance=10).open(btc, quantity=100, price=50, leverage=1)
    _, event = account.pay_funding({"BTC": 0.01}, {"BTC": 50})
    assert event.transfers == pytest.approx({"margin BTC": -0.02, "other traders": 0.02})


# Conventions


def position(side=1, fee=0.0005, rate=0.005, **rules):
    contract = Contract(
        symbol="ETH", maintenance=rate, taker_fee=fee, conventions=Conventions(**rules)
    )
    return Position(
        contract=contract, quantity=side * 10, entry_price=2000, leverage=10, margin=2000
    )


@pytest.mark.parametrize(
    ("rules", "long", "short"),
    [
        ({}, 1809.05, 2189.05),
        ({"closing_fee": True}, 1809.95, 2187.97),
        ({"maintenance_at": "entry"}, 1810, 2190),
        ({"maintenance_at": "entry", "closing_fee": True}, 1811, 2189),
    ],
)
def test_one_position_dies_at_another_price_under_each_convention(rules, long, short):
    for side, price in ((1, long), (-1, short)):
        held = position(side, **rules)
        account = Account(balance=0, positions=[held])
        found = account.liquidation_price("ETH")
        assert found == pytest.approx(price, abs=0.005)
        risk = held.risk(found)
        assert risk.equity == pytest.approx(risk.maintenance_margin, abs=1e-9 * risk.notional)


def test_frozen_today_means_the_requirement_of_the_mark_at_which_you_ask():
    held = position(maintenance_at="today", closing_fee=True)
    account = Account(balance=0, positions=[held])
    for today in (1900.0, 2000.0, 2500.0):
        price = account.liquidation_price("ETH", {"ETH": today})
        equity = held.risk(price).equity
        assert equity == pytest.approx(0.0055 * 10 * today)
    assert account.liquidation_price("ETH") == account.liquidation_price("ETH", {"ETH": 2000.0})


def test_at_equality_or_only_beyond():
    for at_equality in (True, False):
        held = position(rate=0.25, at_equality=at_equality)  # 4 · 2500 − 5000 is exact in floats
        account = Account(balance=0, positions=[held])
        price = account.liquidation_price("ETH")
        assert price == 2400  # born dead: a rate above 1 / leverage
        assert bool(account.risk({"ETH": price}, "ETH").is_liquidatable) is at_equality
        assert account.risk({"ETH": price - 1}, "ETH").is_liquidatable


def test_one_strict_contract_does_not_make_a_shared_pocket_strict_alone():
    strict, kind = (position(at_equality=at) for at in (True, False))
    assert (strict.risk(2000) + strict.risk(2000)).at_equality
    assert not (strict.risk(2000) + kind.risk(2000)).at_equality


def test_an_unknown_convention_is_refused():
    with pytest.raises(MarginError) as caught:
        Conventions(maintenance_at="yesterday")
    assert str(caught.value) == (
        "maintenance_at must be 'mark', 'entry' or 'today', got 'yesterday'"
    )


@given(leverages)
def test_leverage_is_capped_by_the_tier_of_the_whole_position(leverage):
    eth = Contract(symbol="ETH", maintenance=SMOOTH)
    rich = Account(balance=1e6)
    for value, cap in ((50, 50), (500, 20), (5000, 5)):
        order = {"quantity": value, "price": 1, "leverage": leverage}
        if leverage <= cap:
            assert rich.open(eth, **order)[0]["ETH"].leverage == leverage
        else:
            with pytest.raises(MarginError, match=f"ETH leverage must be at most {cap}"):
                rich.open(eth, **order)


def test_adding_to_a_position_can_take_it_over_the_cap():
    eth = Contract(symbol="ETH", maintenance=SMOOTH)
    account, _ = Account(balance=1e6).open(eth, quantity=80, price=1, leverage=30)
    for more in (20, 30, 80):
        with pytest.raises(MarginError) as caught:
            account.open(eth, quantity=more, price=1, leverage=30)
        assert str(caught.value) == "ETH leverage must be at most 20, got 30.0"
    account.open(eth, quantity=19.5, price=1, leverage=30)


@pytest.mark.parametrize("side", [1, -1])
def test_a_cap_may_be_reached_and_holds_from_its_floor_on(side):
    eth = Contract(symbol="ETH", maintenance=SMOOTH)
    for quantity, cap in ((99.5, 50), (100, 20), (999.5, 20), (1000, 5)):
        order = {"quantity": side * quantity, "price": 1}
        account, _ = Account(balance=1e6).open(eth, **order, leverage=cap)
        assert account["ETH"].leverage == cap
        with pytest.raises(MarginError, match=f"ETH leverage must be at most {cap}, got"):
            Account(balance=1e6).open(eth, **order, leverage=cap + 0.5)


def test_the_others_maintenance_comes_from_their_own_tables():
    eth = Contract(symbol="ETH", maintenance=SMOOTH)
    ada = Contract(symbol="ADA", maintenance=0.02)
    account = Account(
        balance=500,
        positions=[
            Position(contract=eth, quantity=1500, entry_price=1, leverage=5),
            Position(contract=ada, quantity=-900, entry_price=1, leverage=5),
        ],
    )
    price = account.liquidation_price("ADA", {"ETH": 0.9})
    risk = account.risk({"ETH": 0.9, "ADA": price})
    assert risk.equity == pytest.approx(risk.maintenance_margin, abs=1e-9 * risk.notional)
    price = account.liquidation_price("ETH", {"ADA": 1.1})
    risk = account.risk({"ETH": price, "ADA": 1.1})
    assert risk.equity == pytest.approx(risk.maintenance_margin, abs=1e-9 * risk.notional)


def test_a_table_jumps_where_the_amount_is_not_the_one_that_makes_it_continuous():
    rows = [(0, 0.01), (100, 0.02), (1000, 0.05)]
    whole = Tiers.continuous(rows)
    assert not whole.jumps and not Tiers.flat(0.02).jumps
    assert Tiers([(floor, rate) for floor, rate in rows]).jumps
    for row in (1, 2):  # one wrong amount is enough, in either direction and by a little
        for off in (-0.001, 0.001):
            wrong = [
                tier._replace(amount=tier.amount + off * (n == row)) for n, tier in enumerate(whole)
            ]
            assert Tiers(wrong).jumps
    for name in ("binance usd-m", "bybit linear"):
        assert not venue(name).contract("BTC").maintenance.jumps


def test_what_floats_lose_of_an_amount_is_no_jump():
    """At a floor of a trillion an amount of one more is as good as none."""
    for more, jumps in ((1, False), (2, True), (-1, False), (-2, True)):
        assert Tiers([(0, 0), (1e12, 0.5, 5e11 + more)]).jumps == jumps
