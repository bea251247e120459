"""The bar that liquidates on many price paths, and a mark that closes positions: against others.

One position, isolated, long or short, one flat maintenance rate, no fee, one price per bar: it is
closed at the first bar at or beyond its liquidation price. Every package gives the number of that
bar on each path (-1: never), and all must agree. Then one new mark is put to many positions.

Where the packages model something else:

- vectorbt has no margin. The position is paid in full and closed by a stop loss at the
  liquidation price, whose distance it takes as a share of the entry price; rounding can move that
  price by a last digit. Nothing limits a loss to a margin.
- lrvx closes below the maintenance margin, not at it. It rounds quantity, entry price and margin to
  1e-8, which is coarse for a cheap coin. Where a loss exceeds the margin and no insurance fund
  pays, it also closes winners (auto-deleveraging); that is switched off here. An account of its
  own for each position makes it isolated. Each liquidation costs it a walk over all positions.

The packages are the extra `bench`, in a set-up of their own; where one is missing its test is
skipped.
"""

import contextlib
import math

import numpy as np
import pytest

from benchmarks.measure import seconds
from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.bars import Bars
from margin_lib.contracts import Contract
from margin_lib.simulate import simulate

RATE = 0.005  # maintenance rate
BATCH = 50  # positions in one engine of lrvx: about the fastest, measured from 1 to 200
PATHS, BARS, POSITIONS = 1_000, 10_000, 200_000
ENTRY, LEVERAGE = 60_000.0, 3
SHARE_OF_TIME = "time of margin_lib, in that of this"

# Each of the following makes ready, and gives a function to be timed.


# One position on many paths


def margin_lib_exits(prices, entry, liquidation, side, rate=RATE):
    """The course's own: checking the prices is part of the time."""
    margin = side * (entry - liquidation) + rate * liquidation
    contract = Contract(symbol="BTC", maintenance=rate)
    held = Position(
        contract=contract, quantity=side, entry_price=entry, leverage=LEVERAGE, margin=margin
    )
    account = Account(balance=0, positions=(held,))
    return lambda: simulate({"it": account}, Bars.of_marks({"BTC": prices}))["it"].step["BTC"]


def numpy_exits(prices, entry, liquidation, side):
    """Plain numpy: the first bar at or beyond the liquidation price."""

    def first():
        beyond = prices <= liquidation if side > 0 else prices >= liquidation
        return np.where(beyond.any(axis=0), beyond.argmax(axis=0), -1)

    return first


def vectorbt_exits(prices, entry, liquidation, side, engine):
    """vectorbt: an entry before the first bar, and a stop loss at the liquidation price."""
    with contextlib.suppress(ImportError):
        import lrvx  # noqa: F401 - after numba, which vectorbt loads, Linux cannot load it any more
    vectorbt = pytest.importorskip("vectorbt")
    bars, paths = prices.shape
    # It never stops in the bar of the entry, so that bar is one of its own.
    prices = np.vstack([np.full(paths, entry), prices])
    enter = np.zeros((bars + 1, 1), dtype=bool)
    enter[0] = True

    def stopped(stop=bars + 1):
        orders = vectorbt.Portfolio.from_signals(
            prices[:stop],
            entries=enter[:stop],
            size=1.0,
            init_cash=entry,
            direction="longonly" if side > 0 else "shortonly",
            sl_stop=abs(liquidation / entry - 1),
            max_orders=2 * paths,  # halves its time
            engine=engine,
        ).order_records
        last = orders[orders["idx"] > 0]
        found = np.full(paths, -1)
        found[last["col"]] = last["idx"] - 1
        return found

    stopped(2)  # compiles, where that is still to be done
    return stopped


def rust_exits(*case):
    return vectorbt_exits(*case, engine="rust")


def numba_exits(*case):
    return vectorbt_exits(*case, engine="numba")


def lrvx_exits(prices, entry, liquidation, side, rate=RATE):
    """lrvx: each bar's prices put to engines of several positions, each in a market of its own."""
    lrvx = pytest.importorskip("lrvx")
    margin = side * (entry - liquidation) + rate * liquidation

    def closed():
        found = np.full(prices.shape[1], -1)
        for start in range(0, len(found), BATCH):
            batch = prices[:, start : start + BATCH]
            numbers = range(batch.shape[1])
            engine = lrvx.LiquidationEngine().add_tier(0, rate)
            engine.set_adl_enabled(False)
            for number in numbers:
                engine.open_position(number, number, side, entry, margin)
            for bar, row in enumerate(batch):
                marks = list(zip(numbers, row.tolist(), strict=True))
                for number in engine.on_marks(marks)["liquidated"]:
                    found[start + number] = bar
        return found

    return closed


def random_paths(bars, paths):
    """Prices of random walks from the entry price, bars × paths."""
    steps = np.random.default_rng(0).standard_normal((bars, paths)) * 0.5 / np.sqrt(bars)
    return ENTRY * np.exp(np.cumsum(steps, axis=0))


@pytest.fixture(scope="module", params=[1, -1], ids=["long", "short"])
def paths(request, share):
    """A position of either side: prices, entry price, liquidation price, side."""
    side = request.param
    prices = random_paths(max(int(BARS * share), 50), max(int(PATHS * share), 20))
    return prices, ENTRY, ENTRY * (1 - side / LEVERAGE) / (1 - side * RATE), side


@pytest.mark.parametrize(
    ("other", "most"),
    [
        pytest.param(numpy_exits, math.inf, id="numpy"),
        pytest.param(rust_exits, 1 / 20, id="vectorbt, Rust"),
        pytest.param(numba_exits, 1 / 20, id="vectorbt, Numba"),
        pytest.param(lrvx_exits, 1 / 50, id="lrvx"),
    ],
)
def test_the_bar_of_the_liquidation_on_many_paths(other, most, paths, within):
    other, ours = other(*paths), margin_lib_exits(*paths)
    assert np.array_equal(other(), ours())
    within({SHARE_OF_TIME: (seconds(ours, 3) / seconds(other, 3), most)})


# Many positions in one market, one new mark


def margin_lib_on_mark(quantity, entry, margin, mark, rate=RATE):
    """The course's own formulas."""

    def closed():
        equity = margin + formulas.pnl(quantity, entry, mark)
        required = formulas.maintenance_margin(formulas.notional(quantity, mark), rate)
        return np.flatnonzero(equity <= required)

    return closed


def numpy_on_mark(quantity, entry, margin, mark, rate=RATE):
    """Plain numpy: the positions whose equity is at or below their maintenance margin."""

    def closed():
        equity = margin + quantity * (mark - entry)
        return np.flatnonzero(equity <= rate * np.abs(quantity) * mark)

    return closed


def lrvx_on_mark(quantity, entry, margin, mark, rate=RATE):
    """lrvx: one call of on_mark, which can be made once; opening the positions is not timed."""
    lrvx = pytest.importorskip("lrvx")
    engine = lrvx.LiquidationEngine().add_tier(0, rate)
    engine.set_adl_enabled(False)
    for account, position in enumerate(zip(quantity, entry, margin, strict=True)):
        engine.open_position(account, 1, *position)
    return lambda: sorted(engine.on_mark(1, mark)["liquidated"])


def random_positions(count):
    """Quantities, entry prices and margins of long and short positions, leverage 2 to 50."""
    random = np.random.default_rng(0)
    quantity = random.choice([-1.0, 1.0], count) * random.uniform(0.01, 1, count)
    entry = np.full(count, ENTRY)
    return quantity, entry, np.abs(quantity) * entry / random.uniform(2, 50, count)


@pytest.mark.parametrize("fall", [0.01, 0.02, 0.2])
@pytest.mark.parametrize(
    ("other", "most"),
    [
        pytest.param(numpy_on_mark, math.inf, id="numpy"),
        pytest.param(lrvx_on_mark, 1 / 1000, id="lrvx"),
    ],
)
def test_the_positions_that_one_mark_closes(other, most, fall, within, share):
    book = *random_positions(max(int(POSITIONS * share), 100)), ENTRY * (1 - fall)
    other, ours, found = other(*book), margin_lib_on_mark(*book), []
    theirs = seconds(lambda: found.append(other()), 1)  # a second mark would find nothing to close
    assert np.array_equal(found[0], ours())
    if not len(found[0]):  # a mark that closes nothing costs lrvx little
        most = math.inf
    within({SHARE_OF_TIME: (seconds(ours, 3) / theirs, most)})
