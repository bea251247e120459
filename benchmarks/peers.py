"""Find the liquidation bar of many price paths with margin_lib and two other packages, timed.

    make bench                              installs them in .venv-bench and runs this
    python -m benchmarks.peers [PATHS [BARS]]

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

from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.bars import Bars
from margin_lib.contracts import Contract
from margin_lib.simulate import simulate

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


def margin_lib_exits(prices, entry, liquidation, side, rate=RATE):
    """The course's own: checking the prices is part of the time."""
    margin = side * (entry - liquidation) + rate * liquidation
    contract = Contract(symbol="BTC", maintenance=rate)
    held = Position(
        contract=contract, quantity=side, entry_price=entry, leverage=LEVERAGE, margin=margin
    )
    account = Account(balance=0, positions=(held,))

    def liquidated():
        return simulate({"it": account}, Bars.of_marks({"BTC": prices}))["it"].step["BTC"]

    return shortest(liquidated)


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


def margin_lib_on_mark(quantity, entry, margin, mark, rate=RATE):
    """The course's own formulas."""

    def closed():
        equity = margin + formulas.pnl(quantity, entry, mark)
        required = formulas.maintenance_margin(formulas.notional(quantity, mark), rate)
        return np.flatnonzero(equity <= required)

    found, seconds = shortest(closed)
    return set(found.tolist()), seconds


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
    "margin_lib": margin_lib_exits,
    "numpy": numpy_exits,
    "vectorbt, Rust": partial(vectorbt_exits, engine="rust"),
    "vectorbt, Numba": partial(vectorbt_exits, engine="numba"),
    "lrvx": lrvx_exits,
}
ON_MARK = {"margin_lib": margin_lib_on_mark, "numpy": numpy_on_mark, "lrvx": lrvx_on_mark}


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


# How many times as long as margin_lib a peer must take at least. A mark that closes nothing costs
# lrvx little, so there the last bound does not hold, and is not asked for.
AT_LEAST = {"vectorbt, Rust": 20, "vectorbt, Numba": 20, "lrvx": 50}
AT_LEAST_ON_MARK = {"lrvx": 1000}


def compared(functions, arguments, per, unit, at_least):
    """Print one line for each function; True where all that ran gave what the first gave, and took
    as many times as long as it is said to at least."""
    first, fastest, good = None, None, True
    for name, function in functions.items():
        try:
            result, seconds = function(*arguments)
        except ImportError as error:
            print(f"    {name:16} not installed ({error.name or error})")
            continue
        if first is None:
            first, fastest = result, seconds
        same, ratio = bool(np.all(result == first)), seconds / fastest
        enough = ratio >= at_least.get(name, 0)
        good &= same and enough
        words = "same" if same else "DIFFERENT"
        words += f", at least {at_least[name]} ×" if name in at_least else ""
        words += "" if enough else ": MISSED"
        print(f"    {name:16} {seconds / per:10.2f} {unit} {ratio:10.1f} ×   {words}")
    return good


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
        agree &= compared(EXITS, arguments, 1e-9 * prices.size, "ns", AT_LEAST)
    positions = random_positions(count)
    for fall in (0.01, 0.02, 0.2):
        arguments = *positions, ENTRY * (1 - fall)
        closed = len(numpy_on_mark(*arguments)[0])
        print(
            f"{count:,} positions, mark {fall:.0%} lower, {closed:,} liquidated: time of the mark"
        )
        agree &= compared(ON_MARK, arguments, 1e-3, "ms", AT_LEAST_ON_MARK if closed else {})
    return int(not agree)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
