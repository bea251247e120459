"""Every number enters through `number`, and leaves as a finite float or an error that explains."""

import math
import pickle
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib.errors import MarginError, as_scalar, keep_number, number, one_number
from tests.support.strategies import NO_NUMBERS, NOT_SINGLE


def test_an_error_says_name_rule_and_value_and_keeps_them():
    error = MarginError("leverage", "must be at least 1", 0.5)
    assert str(error) == "leverage must be at least 1, got 0.5"
    assert (error.name, error.rule, error.value) == ("leverage", "must be at least 1", 0.5)
    assert isinstance(error, ValueError)


def test_an_error_survives_a_journey_between_processes():
    error = MarginError("leverage", "must be at least 1", 0.5)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is MarginError
    assert (str(copy), copy.name, copy.rule, copy.value) == (
        str(error),
        "leverage",
        "must be at least 1",
        0.5,
    )


@pytest.mark.parametrize(
    "value",
    [*NO_NUMBERS, np.True_, np.float64("inf"), None, [True], [1.0, float("nan")], ["a"]],
    ids=repr,
)
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(MarginError, match=r"^price must be (a number|finite), got ") as caught:
        number("price", value)
    assert caught.value.value is value


@pytest.mark.parametrize("value", [*NOT_SINGLE, None, np.ones(1)], ids=repr)
def test_an_array_is_no_single_number(value):
    with pytest.raises(MarginError, match="^price must be "):
        one_number("price", value)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "rule"),
    [
        ({"above": 0}, [1e-300, 5], [0, -0.0, -1], "must be above 0"),
        ({"at_least": 1}, [1, 2], [0.999, -3], "must be at least 1"),
        ({"below": 1}, [0.999, -3], [1, 2], "must be below 1"),
        ({"at_least": 0, "below": 1}, [0, 0.5], [-1e-300, 1], "must be "),
    ],
    ids=str,
)
def test_bounds_include_what_they_say(bounds, inside, outside, rule):
    for value in inside:
        assert number("x", value, **bounds) == value
    for value in outside:
        with pytest.raises(MarginError, match=rule):
            number("x", value, **bounds)
        with pytest.raises(MarginError, match=rule):  # one bad element spoils the array
            number("x", [*inside, value], **bounds)


@pytest.mark.parametrize(
    "value",
    [3.0, np.float64(3), np.int8(3), np.uint64(3), np.float32(3), np.array(3), np.longdouble(3)],
)
def test_every_kind_of_number_becomes_a_plain_float(value):
    for result in (number("x", value), one_number("x", value)):
        assert type(result) is float
        assert result == 3.0


def test_whole_numbers_and_fractions_stay_exact():
    third = Fraction(1, 3)
    assert number("x", third, above=0, below=1) is third
    assert one_number("x", third) is third
    assert type(number("x", 3)) is int
    for value in (third, 0):
        with pytest.raises(MarginError, match="must be above 1"):
            number("x", value, above=1)


def test_a_number_too_large_for_a_product_is_refused():
    for value in (1e100, np.float64(-1e100), 10**100 - 10**83, [1.0, 1e100]):
        product = number("x", value) * number("y", 1e100) * number("z", 1e100)
        assert np.all(np.isfinite(product))
    beyond = math.nextafter(1e100, math.inf)
    large = beyond, -beyond, np.float64(beyond), [1.0, beyond], np.array([-beyond, 1])
    for value in (*large, 10**400, -(10**400), Fraction(10**400), 1.7e308):
        with pytest.raises(MarginError, match=r"x must be at most 1e\+100 in size, got"):
            number("x", value)
    with pytest.raises(MarginError, match="must be a number"):
        number("x", 10**400 * np.ones(1, dtype=object))
    if np.finfo(np.longdouble).max > np.finfo(np.float64).max:
        with pytest.raises(MarginError, match="must be finite"):
            number("x", np.longdouble("1e400"))


@given(st.lists(st.floats(-1e100, 1e100)))
def test_many_numbers_become_one_array_of_their_own(values):
    given = np.array(values)
    result = number("x", given)
    assert result.dtype == np.float64
    assert result.tolist() == values
    assert not np.shares_memory(result, given)


def test_plain_turns_only_single_numbers_into_floats():
    assert type(as_scalar(np.float32(2))) is float
    many = np.ones(3)
    assert as_scalar(many) is many


def test_a_record_keeps_a_plain_float_or_what_it_had():
    record = SimpleNamespace(rate=np.array(2))
    keep_number(record, "rate", "rate", at_least=0)
    assert type(record.rate) is float
    record.rate = -1
    with pytest.raises(MarginError, match="rate must be at least 0, got -1"):
        keep_number(record, "rate", "rate", at_least=0)
    assert record.rate == -1
