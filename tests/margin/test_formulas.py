"""The mathematics: balance equations, limits, symmetries, arrays."""

import inspect
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from margin_lib import formulas
from margin_lib.errors import MarginError
from tests.support.strategies import NO_NUMBERS, leverages, moves, prices, rates, shares, sides

# What a spot margin account holds and owes.
SPOT = {
    "coin": 4.0,
    "quote": 1.0,
    "coin_debt": 0.5,
    "quote_debt": 5.0,
    "coin_interest": 0.01,
    "quote_interest": 0.1,
}
# Each function with arguments that it accepts.
GOOD = {
    "quantity": {"margin": 2.0, "leverage": 5.0, "price": 0.1},
    "notional": {"quantity": -4.0, "price": 0.5},
    "pnl": {"quantity": -4.0, "entry_price": 0.5, "price": 0.25},
    "average_entry_price": {
        "quantity": -4.0,
        "entry_price": 0.5,
        "added_quantity": -1.0,
        "added_price": 0.75,
    },
    "initial_margin": {"notional": 10.0, "leverage": 5.0},
    "borrowed": {"notional": 10.0, "own_money": 2.0},
    "maintenance_margin": {"notional": 10.0, "rate": 0.02, "amount": 0.05},
    "margin_ratio": {"maintenance_margin": 0.5, "equity": 2.0},
    "liquidation_price": {
        "entry_price": 0.1,
        "quantity": 100.0,
        "collateral": 2.0,
        "rate": 0.02,
        "amount": 0.01,
        "fee_rate": 0.001,
    },
    "bankruptcy_price": {
        "entry_price": 0.1,
        "quantity": 100.0,
        "collateral": 2.0,
        "fee_rate": 0.001,
    },
    "funding": {"quantity": 3.0, "mark_price": 2.0, "rate": -0.001, "periods": 0.5},
    "interest": {
        "borrowed": 8.0,
        "period_rate": 0.25,
        "hours": 5.5,
        "period": 4.0,
        "at_opening": 1.0,
        "past": 0.5,
    },
    "break_even_price": {"entry_price": 0.1, "quantity": 100.0, "paid": 0.5, "fee_rate": 0.001},
    "order_margin": {"held": -10.0, "buying": 2.0, "selling": 5.0, "leverage": 2.0},
    "trading_fee": {"notional": 10.0, "rate": 0.001},
    "net_pnl": {"quantity": -4.0, "entry_price": 0.5, "price": 0.25, "fee_rate": 0.001},
    "margin_level": {"equity": 2.0, "maintenance_margin": 0.5},
    "equity_of_cash": {"cash": 12.0, "quantity": -4.0, "price": 0.5},
    "spot_margin_level": {"price": 2.0, **SPOT},
    "spot_liquidation_price": {"level": 1.1, **SPOT},
    "deficit": {"equity": -2.0},
    "returned": {"equity": 3.0, "notional": 100.0, "fee_rate": 0.01},
    "left_after": {"means": 5.0, "deficit": 2.0},
}
TIERED = {
    "tiered_maintenance",
    "tiered_liquidation_price",
    "nearest_zeros",
    "pieces",
    "with_crossings",
    "counted_collateral",
}  # they have a file of their own
ABOVE_ZERO = {
    "price",
    "entry_price",
    "added_price",
    "mark_price",
    "bankruptcy_price",
    "fill_price",
    "margin",
    "level",
    "period",
}
AT_LEAST_ZERO = {
    "notional",
    "own_money",
    "maintenance_margin",
    "borrowed",
    "period_rate",
    "hours",
    "periods",
    "at_opening",
    "past",
    "buying",
    "selling",
    "floor",
    "deficit",
    *SPOT,
}
ARGUMENTS = [(name, argument) for name in GOOD for argument in GOOD[name]]

values = shares(1.0, 1000.0)
collaterals = shares(-2.0, 2.0)


def call(name, **changes):
    return getattr(formulas, name)(**{**GOOD[name], **changes})


def test_no_formula_is_forgotten_here():
    public = {
        name
        for name, item in vars(formulas).items()
        if inspect.isfunction(item) and item.__module__ == formulas.__name__
        if not name.startswith("_")
    }
    assert public - TIERED == set(GOOD)


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_no_argument_lets_a_bad_number_through(name, argument):
    spoiled = [[GOOD[name][argument], bad] for bad in (math.nan, math.inf, -math.inf, "7", None)]
    missing = [] if (name, argument) == ("returned", "fee_rate") else [None]  # there it is a rule
    for bad in [*NO_NUMBERS, *missing, *spoiled]:
        with pytest.raises(MarginError, match="must be (a number|finite)") as caught:
            call(name, **{argument: bad})
        assert caught.value.name == argument.replace("_", " ")


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_no_argument_leaves_its_range(name, argument):
    bad = []
    if argument in ABOVE_ZERO:
        bad = [0, -1]
    elif argument in AT_LEAST_ZERO or argument == "fee_rate":
        bad = [-1, -1e-12]
    elif argument == "leverage":
        bad = [0.999, 0, -5]
    elif argument == "rate" and name != "funding":
        bad = [-0.01, 1, 1.5]
    if (name, argument) == ("net_pnl", "fee_rate"):
        bad += [1, 1.5]
    for value in bad:
        with pytest.raises(MarginError, match="must be") as caught:
            call(name, **{argument: value})
        assert caught.value.name == argument.replace("_", " ")


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_range_that_begins_at_a_number_includes_it(name, argument):
    if argument in AT_LEAST_ZERO or argument in ("fee_rate", "rate"):
        call(name, **{argument: 0})
    elif argument == "leverage":
        call(name, leverage=1)


@pytest.mark.parametrize("name", GOOD)
def test_one_number_in_is_one_float_out_and_arrays_agree_with_it(name):
    one = call(name)
    assert type(one) is float
    for argument, value in GOOD[name].items():
        many = call(name, **{argument: np.array([value, value])})
        assert isinstance(many, np.ndarray)
        assert many.tolist() == [one, one]
    grids = {argument: np.full((2, 3), value) for argument, value in GOOD[name].items()}
    grid = call(name, **grids)
    assert grid.shape == (2, 3)
    assert (grid == one).all()


@pytest.mark.parametrize("name", GOOD)
def test_fractions_in_are_an_exact_fraction_out(name):
    exact = call(name, **{key: Fraction(str(value)) for key, value in GOOD[name].items()})
    assert type(exact) is Fraction
    assert float(exact) == pytest.approx(call(name), rel=1e-12)


@given(st.lists(st.tuples(prices, sides, values, collaterals, rates), min_size=1, max_size=5))
def test_an_array_of_prices_is_what_single_calls_give(rows):
    entry, side, value, share, rate = map(np.array, zip(*rows, strict=True))
    many = formulas.liquidation_price(entry, side * value / entry, share * value, rate)
    for i, result in enumerate(many):
        one = formulas.liquidation_price(
            entry[i], side[i] * value[i] / entry[i], share[i] * value[i], rate[i]
        )
        assert one == result or (math.isnan(one) and math.isnan(result))


# Sizes and profits


@given(values, leverages, prices)
def test_quantity_is_worth_margin_times_leverage(margin, leverage, price):
    q = formulas.quantity(margin, leverage, price)
    assert formulas.notional(q, price) == pytest.approx(margin * leverage, rel=1e-12)
    assert formulas.initial_margin(formulas.notional(q, price), leverage) == pytest.approx(margin)


def test_a_thousand_at_five_times_is_five_thousand():
    assert formulas.notional(formulas.quantity(1000, 5, 2000), 2000) == 5000


@given(values, leverages, prices, moves)
def test_leverage_multiplies_gains_and_losses_alike(margin, leverage, price, move):
    q = formulas.quantity(margin, leverage, price)
    gain = formulas.pnl(q, price, price * move)
    assert gain / margin == pytest.approx(leverage * (move - 1), rel=1e-9, abs=1e-12)
    assert formulas.pnl(-q, price, price * move) == -gain


@given(prices, prices, prices, values, values, sides)
def test_the_average_price_gives_the_profit_of_the_parts(first, second, mark, q1, q2, side):
    average = formulas.average_entry_price(side * q1, first, side * q2, second)
    parts = formulas.pnl(side * q1, first, mark) + formulas.pnl(side * q2, second, mark)
    size = q1 * (first + mark) + q2 * (second + mark)
    assert formulas.pnl(side * (q1 + q2), average, mark) == pytest.approx(parts, abs=1e-12 * size)
    assert min(first, second) * (1 - 1e-12) <= average <= max(first, second) * (1 + 1e-12)


@pytest.mark.parametrize("added", [-10, -5, [1, -1]], ids=str)
def test_two_sides_have_no_average_price(added):
    with pytest.raises(MarginError) as caught:
        formulas.average_entry_price(10, 10, added, 20)
    assert str(caught.value) == f"added quantity must be on the side of 10, got {added}"


def test_nothing_has_no_average_price_but_a_first_trade_has():
    with pytest.raises(MarginError, match="added quantity"):
        formulas.average_entry_price(0, 10, 0, 20)
    assert formulas.average_entry_price(0, 10, -5, 20) == 20


def test_the_rest_of_a_value_is_borrowed_and_never_less_than_nothing():
    assert formulas.borrowed(10, 2) == 8
    assert formulas.borrowed(10, 10) == 0
    assert formulas.borrowed([10, 10], [12, 4]).tolist() == [0, 6]


def test_a_maintenance_amount_is_deducted():
    assert formulas.maintenance_margin(100, 0.02) == 2
    assert formulas.maintenance_margin(100, 0.02, 0.5) == 1.5


# Ratios


def test_the_margin_ratio_grows_as_equity_falls():
    ratios = formulas.margin_ratio(1, [4, 2, 1, 0.5, 0, -1])
    assert ratios.tolist() == [0.25, 0.5, 1, 2, math.inf, math.inf]


def test_no_equity_is_infinite_danger_even_without_a_requirement():
    assert formulas.margin_ratio(0, 0) == math.inf
    assert formulas.margin_ratio(0, -1) == math.inf
    assert formulas.margin_ratio(0, 1) == 0


def test_a_trace_of_equity_is_no_overflow():
    assert formulas.margin_ratio(10, 5e-324) == math.inf


def test_a_trace_of_a_requirement_is_no_overflow_either():
    assert formulas.margin_level(10, 5e-324) == math.inf


# Liquidation


@given(prices, sides, values, collaterals, rates, shares(0.0, 0.1), shares(0.0, 0.01))
def test_at_the_liquidation_price_equity_is_the_requirement(
    entry, side, value, share, rate, amount_share, fee_rate
):
    q, collateral, amount = side * value / entry, share * value, amount_share * value
    price = formulas.liquidation_price(entry, q, collateral, rate, amount, fee_rate)
    assume(price > 0)
    equity = collateral + formulas.pnl(q, entry, price)
    required = formulas.maintenance_margin(formulas.notional(q, price), rate + fee_rate, amount)
    assert equity == pytest.approx(required, abs=1e-9 * (value + abs(q) * price))


@given(prices, sides, values, shares(1.0001, 3.0), rates)
def test_where_there_is_no_price_one_side_always_lives_and_the_other_never(
    entry, side, value, share, rate
):
    q, collateral = side * value / entry, side * share * value
    price = formulas.liquidation_price(entry, q, collateral, rate)
    everywhere = entry * np.geomspace(1e-6, 1e6, 200)
    room = collateral + formulas.pnl(q, entry, everywhere) - rate * abs(q) * everywhere
    assert (side * room > 0).all()
    assert math.isnan(price) if side > 0 else price == 0


@given(prices, sides, values, shares(0.0, 0.99), rates)
def test_maintenance_is_reached_before_bankruptcy(entry, side, value, share, rate):
    q = side * value / entry
    liquidation = formulas.liquidation_price(entry, q, share * value, rate)
    bankruptcy = formulas.bankruptcy_price(entry, q, share * value)
    assert side * (liquidation - bankruptcy) >= 0
    assert bankruptcy == formulas.liquidation_price(entry, q, share * value, 0)
    assert bankruptcy == pytest.approx(entry * (1 - side * share), rel=1e-9)


@given(prices, values, shares(0.0, 0.99))
def test_long_and_short_mirror_each_other_without_maintenance(entry, value, share):
    q, margin = value / entry, share * value
    below = entry - formulas.liquidation_price(entry, q, margin, 0)
    above = formulas.liquidation_price(entry, -q, margin, 0) - entry
    assert above == pytest.approx(below, rel=1e-9, abs=1e-12 * entry)


@given(prices, sides, values, collaterals, rates, st.sampled_from([0.25, 2.0, 1024.0]))
def test_units_do_not_matter(entry, side, value, share, rate, factor):
    """Powers of two scale without rounding: coins, prices, money."""
    q, money = side * value / entry, share * value
    price = formulas.liquidation_price(entry, q, money, rate)
    same = [
        formulas.liquidation_price(entry, factor * q, factor * money, rate),
        formulas.liquidation_price(factor * entry, q, factor * money, rate) / factor,
        formulas.liquidation_price(factor * entry, q / factor, money, rate) / factor,
    ]
    np.testing.assert_array_equal(same, price)


@given(prices, sides, values, collaterals, rates, shares(0.0, 2.0))
def test_more_collateral_never_brings_the_price_nearer(entry, side, value, share, rate, more):
    q = side * value / entry
    before = formulas.liquidation_price(entry, q, share * value, rate)
    after = formulas.liquidation_price(entry, q, (share + more) * value, rate)
    if side > 0:
        assert np.nan_to_num(after) <= np.nan_to_num(before)
    else:
        assert after >= before


@given(prices, sides, values, shares(0.01, 0.9), shares(0.0, 0.05), shares(0.001, 0.04))
def test_a_higher_requirement_brings_the_price_nearer(entry, side, value, share, rate, more):
    q, money = side * value / entry, share * value
    price = formulas.liquidation_price(entry, q, money, rate)
    assert side * (formulas.liquidation_price(entry, q, money, rate + more) - price) > 0
    assert side * (formulas.liquidation_price(entry, q, money, rate, 0, more) - price) > 0
    assert side * (formulas.liquidation_price(entry, q, money, rate, more * value) - price) < 0


def test_own_money_for_everything_makes_a_long_immortal_and_no_short():
    assert math.isnan(formulas.liquidation_price(100, 2, 200, 0.02))
    assert formulas.liquidation_price(100, -2, 200, 0) == 200


def test_a_short_that_no_price_keeps_alive_is_at_zero():
    assert formulas.liquidation_price(100, -2, -200, 0.02) == 0
    assert formulas.liquidation_price(100, -2, -500, 0.02) == 0


@pytest.mark.parametrize("collateral", [-5, 0, 5])
def test_no_quantity_no_liquidation(collateral):
    assert math.isnan(formulas.liquidation_price(100, 0, collateral, 0.02))
    assert math.isnan(formulas.liquidation_price(100, [1, 0], collateral, 0.02)[1])


def test_requirement_and_closing_fee_stay_below_the_whole_value_together():
    with pytest.raises(MarginError, match="rate with closing fee must be below 1"):
        formulas.liquidation_price(100, 1, 10, 0.6, fee_rate=0.4)


# Costs


@given(prices, values, shares(-0.01, 0.01))
def test_what_longs_pay_shorts_receive(price, value, rate):
    q = value / price
    assert formulas.funding(q, price, rate) == -formulas.funding(-q, price, rate)
    assert formulas.funding(q, price, rate) * rate <= 0


@pytest.mark.parametrize(
    ("hours", "started"), [(0, 0), (0.01, 1), (1, 1), (1.0001, 2), (23.5, 24), (24, 24)]
)
def test_a_started_hour_counts(hours, started):
    assert formulas.interest(100, 0.125, hours) == 12.5 * started


def test_a_charge_at_opening_and_one_for_every_started_period():
    charges = [formulas.interest(100, 0.01, hours, 4, 1) for hours in (0, 0.1, 4, 4.1, 12)]
    assert charges == [1, 2, 2, 3, 4]


def test_what_is_left_out_costs_nothing():
    trade = {"quantity": -4, "entry_price": 0.5, "price": 0.25}
    assert formulas.net_pnl(**trade) == formulas.pnl(**trade)


# Other ways to show the same: each is the balance equation of another function


@given(prices, sides, values, collaterals)
def test_cash_and_coins_are_the_equity_that_profit_gives(entry, side, value, share):
    q, money = side * value / entry, share * value
    for inverse in (False, True):
        cash = money - formulas.equity_of_cash(0, q, entry, inverse)
        for mark in (entry, entry * 1.25):
            equity = money + formulas.pnl(q, entry, mark, inverse)
            assert formulas.equity_of_cash(cash, q, mark, inverse) == pytest.approx(
                equity, rel=1e-9, abs=1e-9 * (value + abs(q) / entry)
            )


@given(values, shares(0.01, 1.0), rates)
def test_ratio_and_level_say_the_same(value, share, rate):
    assume(rate > 1e-6)
    equity, required = share * value, formulas.maintenance_margin(value, rate)
    ratio = formulas.margin_ratio(required, equity)
    assert formulas.margin_level(equity, required) * ratio == pytest.approx(1)


def test_nothing_open_and_nothing_required_is_undefined():
    assert math.isnan(formulas.margin_level(2, 0))
    assert math.isnan(formulas.spot_margin_level(2, coin=1))
    level = formulas.margin_level([2, -1], [0, 0.5])
    assert math.isnan(level[0]) and level[1] == -2


@given(prices, sides, values, shares(0.01, 1.0), rates)
def test_closing_at_the_bankruptcy_price_with_its_fee_leaves_nothing(
    entry, side, value, share, fee
):
    for inverse in (False, True):
        q = side * (value * entry if inverse else value / entry)
        price = formulas.bankruptcy_price(entry, q, share * value, inverse, fee)
        if 0 < price < math.inf:
            left = share * value + formulas.net_pnl(q, entry, price, fee, inverse)
            assert left == pytest.approx(
                0, abs=1e-9 * (value + formulas.notional(q, price, inverse))
            )


@given(shares(1.0, 2.0), st.tuples(*[shares(0.0, 100.0)] * 6))
def test_the_margin_level_at_the_spot_liquidation_price_is_the_level(level, money):
    wallet = dict(zip(SPOT, money, strict=True))
    price = formulas.spot_liquidation_price(level, **wallet)
    assume(1e-3 < price < 1e6)
    assume(money[2] + money[3] + money[4] + money[5] > 1)
    net = abs(money[0] - level * (money[2] + money[4]))
    assume(net > 1e-3)
    assert formulas.spot_margin_level(price, **wallet) == pytest.approx(level, rel=1e-6)


@pytest.mark.parametrize("owed", ["coin", "quote"])
def test_unpaid_interest_is_owed_like_the_debt(owed):
    held = {"coin": 4, "quote": 1, "coin_debt": 0.5, "quote_debt": 5}
    later = {**held, f"{owed}_interest": 0.25}
    whole = {**held, f"{owed}_debt": held[f"{owed}_debt"] + 0.25}
    for function in (formulas.spot_margin_level, formulas.spot_liquidation_price):
        assert function(1.5, **later) == function(1.5, **whole) != function(1.5, **held)


def test_a_spot_account_dies_on_its_own_side():
    long = {"coin": 10, "quote_debt": 18_000}
    short = {"quote": 22_000, "coin_debt": 10}
    for wallet, beyond in ((long, -1), (short, 1)):
        price = formulas.spot_liquidation_price(1.05, **wallet)
        assert formulas.spot_margin_level(price + beyond, **wallet) < 1.05
        assert formulas.spot_margin_level(price - beyond, **wallet) > 1.05
    assert math.isnan(formulas.spot_liquidation_price(1.1, coin=1, quote=2, quote_debt=1))
    assert formulas.spot_liquidation_price(1.1, quote=1, coin_debt=1, quote_debt=2) == 0
    assert math.isnan(formulas.spot_liquidation_price(2, coin=2, quote=1, coin_debt=1))


@given(values, values)
def test_a_deficit_is_paid_as_far_as_the_means_go(means, loss):
    missing = formulas.deficit(means - loss)
    assert missing == max(loss - means, 0)
    assert formulas.left_after(means, missing) == max(means - missing, 0)
    assert formulas.left_after(-means, missing) == -means


def test_what_has_cost_nothing_breaks_even_at_its_entry():
    assert formulas.break_even_price(100, 2) == 100


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("buying", lambda bad: formulas.counted_collateral(5, [(0, 1, 0, None)], buying=bad)),
        ("now", lambda bad: formulas.nearest_zeros(np.negative, [], bad)),
        ("now", lambda bad: formulas.pieces(np.negative, [], bad)),
        ("now", lambda bad: formulas.with_crossings(np.negative, [], bad)),
    ],
)
@pytest.mark.parametrize("bad", [0, -1, math.nan])
def test_what_must_be_above_zero_is_refused_by_name(name, call, bad):
    with pytest.raises(MarginError) as caught:
        call(bad)
    assert caught.value.name == name


def test_a_rounding_begins_no_hour_and_a_moment_does():
    late = 0.1 + 0.2  # a little more than 0.3
    assert formulas.interest(100, 0.01, late, period=0.3) == 1
    assert formulas.interest(100, 0.01, 3 * 0.1, period=0.1) == 3
    assert formulas.interest(100, 0.01, [1 + 0.9e-6, 1 + 1.1e-6]).tolist() == [1, 2]
    assert formulas.interest(100, 0.01, [0.9e-6, 1.1e-6, 0]).tolist() == [0, 1, 0]
    assert formulas.interest(100, 0.01, 0.3, past=0.7) == 1 == formulas.interest(100, 0.01, 0.3)


def test_a_short_of_an_inverse_contract_dies_where_a_growing_rate_has_outgrown_it():
    """q · x = coins at a price 1 / x; with all of the coins behind it: q · x = rate · q · x +
    growth · (q · x)², so at the notional (1 − rate) / growth, as the price falls."""
    sold = {"entry_price": 100.0, "quantity": -1000.0, "collateral": 10.0, "inverse": True}
    rows = [(0, 0.01, 0, None)]
    price = formulas.tiered_liquidation_price(**sold, tiers=rows, growth=0.001)
    assert price == pytest.approx(1000 / (0.99 / 0.001))
    assert math.isnan(formulas.tiered_liquidation_price(**sold, tiers=rows))
    half = [(0, 0.01, 0, None), (20.0, 0.51, 10.0, None)]  # from 20 coins on: 0.51 N − 10
    price = formulas.tiered_liquidation_price(**sold, tiers=half, growth=0.001)
    assert 1000 / price == pytest.approx((0.49 + math.sqrt(0.49**2 + 4 * 0.001 * 10)) / 0.002)
    jump = [(0, 0.01, 0, None), (20.0, 0.99, 0, None)]  # dead at once where it jumps: 20 < 20.2
    assert 1000 / formulas.tiered_liquidation_price(**sold, tiers=jump, growth=0.001) == 20
    long = formulas.tiered_liquidation_price(100, 10, 1000, rows, growth=0.001)  # in money
    assert long == pytest.approx(0.99 / 0.001 / 10)
    assert math.isnan(formulas.tiered_liquidation_price(100, 0, 1000, rows, growth=0.001))


@pytest.mark.parametrize("inverse", [True, False])
def test_a_row_that_the_rate_has_outgrown_hides_no_end_on_the_losing_side(inverse):
    """A short of an inverse contract, and a long: both have an end on either side of the entry."""
    rows = [(0, 0.01, 0, None), (300.0, 0.05, 12.0, None), (900.0, 0.2, 147.0, None)]
    axis = np.geomspace(1, 1e5, 200_001)  # the notional, at which equity is 20 more than it − 100
    asked, growth = np.zeros_like(axis), 0.001
    for floor, rate, amount, _ in rows:
        asked = np.where(axis >= floor, rate * axis - amount, asked)
    lives = axis[axis - 80 > asked + growth * axis**2]
    sold = {"quantity": -1000.0, "entry_price": 10.0} if inverse else {}
    held = sold or {"quantity": 1.0, "entry_price": 100.0}
    for collateral in (20.0, [20.0, 20.0]):
        price = formulas.tiered_liquidation_price(
            **held, collateral=collateral, tiers=rows, growth=growth, inverse=inverse
        )
        reached = 1000 / price if inverse else price
        assert reached == pytest.approx(lives.min(), rel=1e-4)


def test_a_growth_below_nothing_is_refused_by_name():
    with pytest.raises(MarginError, match="^growth must be at least 0, got -1"):
        formulas.tiered_liquidation_price(100, 1, 10, [(0, 0.01, 0, None)], growth=-1)


def test_a_growing_rate_is_outgrown_by_less_than_one_unit_of_money_too():
    """A long of 0.01 with money for all of it dies where 0.99 N = 100 N², in the first row."""
    first, second = (0, 0.01, 0, None), (0.02, 0.5, 0.0098, None)
    for rows in ([first], [first, second]):
        price = formulas.tiered_liquidation_price(0.001, 10, 0.01, rows, growth=100)
        assert price == pytest.approx(0.99 / 100 / 10)


def test_each_of_several_accounts_has_crossings_of_its_own():
    zeros = np.array([3.0, 4.0])
    found = formulas.with_crossings(lambda price: (price - zeros)[None], [5.0], now=[2.5, 2.5])
    assert {np.shape(each) for each in found} == {(), (2,)}
    assert [3, 4] in [np.asarray(each).tolist() for each in found]


@given(price=prices, margin=st.floats(0.01, 1e6), rate=rates)
def test_what_own_money_pays_for_is_never_closed_however_it_is_rounded(price, margin, rate):
    """At 1x a long's margin is its value; of a quotient times its divisor, all but a hair."""
    quantity = margin / price
    assert math.isnan(formulas.liquidation_price(price, quantity, margin, rate))
    assert math.isnan(formulas.tiered_liquidation_price(price, quantity, margin, [(0, rate, 0, 1)]))
    assert math.isnan(formulas.bankruptcy_price(price, quantity, margin))
    assert formulas.liquidation_price(price, -quantity, -margin, rate) == 0  # and never alive
    both = formulas.liquidation_price([price] * 2, quantity, [margin, 0.5 * margin], rate)
    assert np.isnan(both).tolist() == [True, False]


@given(coins=st.floats(1e-3, 1e15), owed=st.floats(1e-3, 1e6))
def test_the_price_of_a_small_coin_has_all_its_digits(coins, owed):
    price = formulas.spot_liquidation_price(1, coin=coins, quote_debt=owed)
    assert price * coins == pytest.approx(owed, rel=1e-14)
    price = formulas.spot_liquidation_price(1, coin_debt=coins, quote=owed)
    assert price * coins == pytest.approx(owed, rel=1e-14)


@pytest.mark.parametrize("left", [1, 2])
def test_a_price_of_a_trillionth_of_todays_is_never_reached(left):
    """At a trillion a price of 1 is as good as 0, at 1 a trillion as good as infinity."""
    low, _ = formulas.nearest_zeros(lambda price: price - left, [], now=1e12)
    assert low == 2 if left == 2 else math.isnan(low)
    _, high = formulas.nearest_zeros(lambda price: 1e12 / left - price, [], now=1)
    assert high == 5e11 if left == 2 else math.isnan(high)
    found = formulas.with_crossings(lambda price: (price - left)[None], [], now=1e12)
    assert (2 in found) == (left == 2) and 1 not in found
    found = formulas.with_crossings(lambda price: (1e12 / left - price)[None], [], now=1.0)
    assert (5e11 in found) == (left == 2) and 1e12 not in found


@pytest.mark.parametrize(
    "value",
    [
        lambda price: np.where(price < 2, 2 - price, 1),  # used up just before it jumps up
        lambda price: np.where(price < 2, 1, price - 2),  # used up where it jumps down
    ],
)
def test_at_a_jump_it_is_used_up_for_a_moment(value):
    low, high = formulas.nearest_zeros(value, [2], now=3)
    assert low == 2 and math.isnan(high)
    low, high = formulas.nearest_zeros(value, [2], now=1)
    assert math.isnan(low) and high == 2


def test_what_rises_slowly_is_never_used_up():
    for now in (0.5, 1, 7):
        assert np.isnan(formulas.nearest_zeros(lambda price: 1 + price / 2, [0.25, 2], now)).all()
