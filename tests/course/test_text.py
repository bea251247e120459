"""Numbers in words."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_course import text

NAN, INF = float("nan"), float("inf")
ALL = [
    text.percent,
    text.price,
    text.ratio,
    lambda value: text.money(value, "BTC"),
    lambda value: text.money(value, "1INCH", sign=True),
]


@pytest.mark.parametrize("form", ALL)
def test_no_price_is_never_and_no_bound_is_infinite(form):
    assert form(NAN) == "never"
    assert form(INF) == "infinite"
    assert form(-INF) == "−infinite"
    assert form(np.float64(NAN)) == "never"


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("value", [0, -0.0, 1e-15, -1e-15])
def test_nothing_has_no_sign(form, value):
    if form is not text.price or value == 0:
        assert re.match(r"0(\.00)?( |$)", form(value)), form(value)


@given(st.floats(-1e9, 1e9))
def test_a_minus_is_a_true_minus(value):
    for form in ALL:
        assert "-" not in form(value)
        assert form(value).startswith("−") <= (value < 0)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0816327, "0.08163 X"),
        (0.099999, "0.1000 X"),
        (0.0999949, "0.09999 X"),
        (0.99999, "1.000 X"),
        (9.99996, "10.00 X"),
        (99.996, "100.00 X"),
        (99.994, "99.99 X"),
        (100, "100.00 X"),
        (999.999, "1,000.00 X"),
        (1632.653, "1,632.65 X"),
        (0.00005, "0.00005000 X"),
        (1.234567e-7, "0.0000001235 X"),
        (-0.5, "−0.5000 X"),
        (0, "0 X"),
        (-0.0, "0 X"),
    ],
)
def test_a_price_has_four_significant_digits_or_cents(value, words):
    assert text.price(value, "X") == words


@given(st.floats(1e-12, 99.99))
def test_a_price_says_what_four_digits_can(value):
    words = text.price(value)
    assert math.isclose(float(words), value, rel_tol=5.001e-4)
    assert len(words.replace(".", "").lstrip("0")) == 4


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (text.percent(-0.18367), "−18.37 %"),
        (text.percent(0.5), "+50.00 %"),
        (text.percent(0.5, 0, sign=False), "50 %"),
        (text.percent(-0.5, 0, sign=False), "−50 %"),
        (text.money(-1234.5, "USD"), "−1,234.50 USD"),
        (text.money(2, "BTC", sign=True), "+2.00 BTC"),
        (text.money(2, "BTC", digits=0), "2 BTC"),
        (text.money(-0.001, "BTC"), "0.00 BTC"),
        (text.money(1, "BTC-PERP"), "1.00 BTC-PERP"),
        (text.price(2), "2.000"),
        (text.ratio(0.5), "0.50"),
        (text.ratio(1234.5, 1), "1,234.5"),
        (text.ratio(-1), "−1.00"),
    ],
)
def test_numbers_read_as_in_a_book(words, expected):
    assert words == expected
