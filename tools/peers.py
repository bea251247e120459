"""Find the liquidation bar of many price paths with two other packages, and time them.

    make bench                              installs them in .venv-bench and runs this
    python tools/peers.py [PATHS [BARS]]

One position, isolated, long or short, one flat maintenance rate, no fee, one price per bar: it is
closed at the first bar at or beyond its liquidation price. Every function gives the number of that
bar on each path (-1: never) and the seconds of processor time that its package took. The second
table puts one new mark to many positions.

Where the packages model something else:

- vectorbt has no margin. The position is paid in full and closed by a stop loss at the
  liquidation price, whose distance it takes as a share of the entry price; rounding can move that
  price by a last digit. Nothing limits a loss to a margin.
- lrvx closes below the maintenance margin, not at it. It rounds quantity, entry price and margin to
  1e-8, which is coarse for a cheap coin. Where a loss exceeds the margin and no insurance fund
  pays, it also closes winners (auto-deleveraging); that is switched off here. An account of its
  own for each position makes it isolated. Each liquidation costs it a walk over all positions.

Both packages are imported where they are used, and this file runs without them too.
"""

import contextlib
import sys
import time
from functools import partial

import numpy as np

RATE = 0.005  # maintenance rate
BATCH = 50  # positions in one engine of lrvx: about the fastest, measured from 1 to 200
TIMES = 3  # runs, of which the shortest counts
ENTRY, LEVERAGE = 60_000.0, 3


def shortest(function):
    """What a function gives, and the processor time of the shortest of several calls."""
    found = []
    for _ in range(TIMES):
        start = time.process_time()
        result = function()
        found.append(time.process_time() - start)
    return result, min(found)


# One position on many paths


def numpy_exits(prices, entry, liquidation, side):
    """Plain numpy: the first bar at or beyond the liquidation price."""

    def first():
        beyond = prices <= liquidation if side > 0 else prices >= liquidation
        return np.where(beyond.any(axis=0), beyond.argmax(axis=0), -1)

    return shortest(first)


def vectorbt_exits(prices, entry, liquidation, side, engine="auto"):
    """vectorbt: an entry before the first bar, and a stop loss at the liquidation price."""
    with contextlib.suppress(ImportError):
        import lrvx  # noqa: F401 - after numba, which vectorbt loads, Linux cannot load it any more
    import vectorbt

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
    return shortest(stopped)


def lrvx_exits(prices, entry, liquidation, side, rate=RATE):
    """lrvx: each bar's prices put to engines of several positions, each in a market of its own."""
    import lrvx

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

    return shortest(closed)


# Many positions in one market, one new mark


def numpy_on_mark(quantity, entry, margin, mark, rate=RATE):
    """Plain numpy: the positions whose equity is at or below their maintenance margin."""

    def closed():
        equity = margin + quantity * (mark - entry)
        return np.flatnonzero(equity <= rate * np.abs(quantity) * mark)

    found, seconds = shortest(closed)
    return set(found.tolist()), seconds


def lrvx_on_mark(quantity, entry, margin, mark, rate=RATE):
    """lrvx: one call of on_mark; opening the positions is not timed."""
    import lrvx

    engine = lrvx.LiquidationEngine().add_tier(0, rate)
    engine.set_adl_enabled(False)
    for account, position in enumerate(zip(quantity, entry, margin, strict=True)):
        engine.open_position(account, 1, *position)
    start = time.process_time()
    closed = engine.on_mark(1, mark)["liquidated"]
    return set(closed), time.process_time() - start


# Comparison

EXITS = {
    "numpy": numpy_exits,
    "vectorbt, Rust": partial(vectorbt_exits, engine="rust"),
    "vectorbt, Numba": partial(vectorbt_exits, engine="numba"),
    "lrvx": lrvx_exits,
}
ON_MARK = {"numpy": numpy_on_mark, "lrvx": lrvx_on_mark}


def random_paths(bars, paths):
    """Prices of random walks from the entry price, bars × paths."""
    steps = np.random.default_rng(0).standard_normal((bars, paths)) * 0.5 / np.sqrt(bars)
    return ENTRY * np.exp(np.cumsum(steps, axis=0))


def random_positions(count):
    """Quantities, entry prices and margins of long and short positions, leverage 2 to 50."""
    random = np.random.default_rng(0)
    quantity = random.choice([-1.0, 1.0], count) * random.uniform(0.01, 1, count)
    entry = np.full(count, ENTRY)
    return quantity, entry, np.abs(quantity) * entry / random.uniform(2, 50, count)


def compared(functions, arguments, per, unit):
    """Print one line for each function; True where all that ran gave what the first gave."""
    first, agree = None, True
    for name, function in functions.items():
        try:
            result, seconds = function(*arguments)
        except ImportError as error:
            print(f"    {name:16} not installed ({error.name or error})")
            continue
        first = result if first is None else first
        same = bool(np.all(result == first))
        agree &= same
        print(f"    {name:16} {seconds / per:10.2f} {unit}   {'same' if same else 'DIFFERENT'}")
    return agree


def main(paths=1_000, bars=10_000, count=200_000):
    paths, bars = int(paths), int(bars)
    prices, agree = random_paths(bars, paths), True
    for side, word in ((1, "long"), (-1, "short")):
        liquidation = ENTRY * (1 - side / LEVERAGE) / (1 - side * RATE)
        closed = np.mean(numpy_exits(prices, ENTRY, liquidation, side)[0] >= 0)
        print(
            f"{word}, {paths:,} paths × {bars:,} bars, {closed:.0%} liquidated: time per path-bar"
        )
        arguments = prices, ENTRY, liquidation, side
        agree &= compared(EXITS, arguments, 1e-9 * prices.size, "ns")
    positions = random_positions(count)
    for fall in (0.01, 0.02, 0.2):
        arguments = *positions, ENTRY * (1 - fall)
        closed = len(numpy_on_mark(*arguments)[0])
        print(
            f"{count:,} positions, mark {fall:.0%} lower, {closed:,} liquidated: time of the mark"
        )
        agree &= compared(ON_MARK, arguments, 1e-3, "ms")
    return int(not agree)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
