"""The comparison with other packages: its own answers, and that it runs without the packages.

What the packages answer is compared each time that `make bench` runs.
"""

import sys
from functools import partial

import numpy as np
import pytest

from benchmarks import peers

PRICES = np.array(
    [  # one path a column
        [100, 79, 100, 100],
        [80, 120, 90, 121],
        [100, 79, 119, 70],
    ],
    dtype=float,
)


@pytest.fixture
def alone(monkeypatch):
    """None of the other packages, even where they are installed."""
    for name in ("lrvx", "vectorbt"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(
    "side, liquidation, bars", [(1, 80, [1, 0, -1, 2]), (-1, 120, [-1, 1, -1, 1])]
)
def test_first_bar_at_or_beyond_the_liquidation_price(side, liquidation, bars):
    for exits in (peers.numpy_exits, partial(peers.margin_lib_exits, rate=0.25)):
        assert exits(PRICES, 100, liquidation, side)[0].tolist() == bars


def test_positions_that_a_mark_closes():
    quantity, margin = np.array([1.0, 1.0, -1.0, -1.0]), np.array([40.0, 41.0, 1.0, 39.0])
    for on_mark in (peers.numpy_on_mark, peers.margin_lib_on_mark):
        closed, _ = on_mark(quantity, np.full(4, 100.0), margin, 80.0, rate=0.25)
        assert closed == {0}
        closed, _ = on_mark(quantity, np.full(4, 100.0), margin, 112.0, rate=0.25)
        assert closed == {2, 3}


def test_table_without_the_packages(alone, capsys):
    assert peers.main(paths=20, bars=50, count=100) == 0
    printed = capsys.readouterr().out
    assert "long, 20 paths × 50 bars" in printed
    assert printed.count("not installed") == 9
    assert printed.count("same") == 10


def test_another_answer_is_told(capsys):
    functions = {"one": lambda: (np.array([1]), 1.0), "two": lambda: (np.array([2]), 1.0)}
    assert not peers.compared(functions, (), 1, "s", {})
    assert "DIFFERENT" in capsys.readouterr().out


def test_a_peer_that_is_too_fast_is_told(capsys):
    functions = {"one": lambda: (1, 1.0), "two": lambda: (1, 19.0)}
    assert not peers.compared(functions, (), 1, "s", {"two": 20})
    assert "at least 20 ×: MISSED" in capsys.readouterr().out
