"""Liquidation prices of random accounts, against a search that knows no formula.

    python -m pytest tests/margin/test_oracle.py         ACCOUNTS=10000 for so many of them

The search has a model of its own (tests/support/book.py) and nothing of the library. It walks away
from the mark in small steps until nothing is left, and halves the last step. The library must name
the same price.
"""

import math
import os
from functools import partial

import numpy as np
import pytest

from margin_lib.liquidation import mark_to_market
from tests.support.book import MARKETS, Book, wealth

ACCOUNTS = int(os.environ.get("ACCOUNTS", "200"))
FARTHEST = 1e4  # from the mark, as a factor
STEPS = 3000  # on the way there


# The search


def first_end(left, now, factor):
    """Where nothing is left any more, walking from the mark by small factors; NaN for never."""
    path = now * factor ** (np.arange(STEPS + 1) / STEPS)
    dead = left(path) <= 0
    if not dead.any():
        return math.nan
    at = int(dead.argmax())
    alive, gone = path[at - 1], path[at]
    for _ in range(200):
        middle = (alive + gone) / 2
        if middle in (alive, gone):
            break
        if left(np.array([middle]))[0] <= 0:
            gone = middle
        else:
            alive = middle
    return gone


def check(book, market, said, searched):
    """Whether the library's price is the searched one, or one that small steps walked over."""

    def left(price):
        return book.left(market, np.array([price]))[0]

    now = book.marks[market]
    if math.isnan(said):
        assert math.isnan(searched), (said, searched)
        return
    slack = 1e-9 * book.size(market, said)
    assert abs(left(said)) <= slack or left(said * (1 - 1e-9)) * left(said * (1 + 1e-9)) <= 0
    if math.isnan(searched):
        assert not 1 / FARTHEST < said / now < FARTHEST or abs(left(said)) <= slack
    elif abs(said / searched - 1) > 1e-6:
        # What is nearer than the search's is right, if it is an end: a dip between two steps.
        assert abs(said - now) <= abs(searched - now) + 1e-9 * searched, (said, searched)
        flat = left(said) <= slack and left(searched) <= slack
        assert flat, (said, searched, left(said), left(searched))


@pytest.mark.parametrize("batch", range(10))
def test_the_library_names_the_price_that_a_search_finds(batch):
    random = np.random.default_rng(batch)
    judged = ends = 0
    for _ in range(ACCOUNTS // 10):
        book = Book(random)
        account = book.account()
        for market in {leg["market"] for leg in book.legs}:
            now = book.marks[market]
            alive = book.left(market, np.array([now]))[0]
            if abs(alive) <= 1e-6 * book.size(market, now):
                continue
            said = account.liquidation_range(market, book.marks)
            if alive < 0:
                assert said == pytest.approx((now, now), rel=1e-12)
                continue
            left = partial(book.left, market)
            searched = [first_end(left, now, factor) for factor in (1 / FARTHEST, FARTHEST)]
            for one, other in zip(said, searched, strict=True):
                check(book, market, one, other)
                ends += not math.isnan(one)
            judged += 1
            for leg in book.legs:
                if leg["market"] == market:
                    falls = leg["quantity"] > 0
                    wanted = said if falls else said[::-1]
                    wanted = wanted[1] if math.isnan(wanted[0]) else wanted[0]
                    price = account.liquidation_price(leg["symbol"], book.marks)
                    assert price == pytest.approx(wanted, rel=1e-9, nan_ok=True)
    assert judged > ACCOUNTS // 20 and ends > judged // 4


WAYS = ["everything", "worst first", "what is needed", ("next tier", 0.2), 0.5]


@pytest.mark.parametrize("batch", range(10))
def test_no_account_is_left_due_and_no_money_is_lost(batch):
    random = np.random.default_rng(100 + batch)
    closed = 0
    for _ in range(ACCOUNTS // 100):
        book = Book(random)
        account, marks = book.account(), dict(book.marks)
        for market in MARKETS:
            marks[market] *= float(10 ** random.uniform(-0.3, 0.3))
        for way in WAYS:
            after, events = mark_to_market(account, marks, 0, way)
            slack = 1e-9 * sum(book.size(market, marks[market]) for market in MARKETS)
            fund = sum(event.received("insurance fund") for event in events)
            assert wealth(after, marks) == pytest.approx(wealth(account, marks) - fund, abs=slack)
            for event in events:
                assert math.fsum(event.transfers.values()) == pytest.approx(0, abs=slack)
            left = after.risk(marks)
            assert not (after.positions and left.is_liquidatable), (way, left)
            closed += len(events)
    assert closed >= ACCOUNTS // 2000
