"""Measure the liquidation prices of a million positions in a real table of twelve tiers.

    python tools/bench.py [POSITIONS]

Time is compared with the one line of numpy that a single tier needs, memory with the input; both
in one run, so that the numbers mean the same on every machine.
"""

import sys
import time
import tracemalloc

import numpy as np

from margin_lib import formulas
from margin_lib.venues import venue

SLOWER = 25  # at most so many times the one line of numpy
MEMORY = 10  # at most so many times the memory of the input


def positions(count):
    """Entry prices, quantities and margins: both sides, up to the last tier."""
    random = np.random.default_rng(0)
    entry = random.uniform(10_000, 100_000, count)
    value = 10 ** random.uniform(3, 9.2, count)
    side, leverage = random.choice([-1.0, 1.0], count), random.uniform(1, 5, count)
    return entry, side * value / entry, value / leverage


def one_tier(entry, quantity, margin, rate=0.004):
    """The liquidation price where one maintenance rate holds for every notional."""
    return (quantity * entry - margin) / (quantity - rate * np.abs(quantity))


def seconds(function, times=7):
    """Processor time of a call, the shortest of several."""
    found = []
    for _ in range(times):
        start = time.process_time()  # so that what else the machine does counts little
        function()
        found.append(time.process_time() - start)
    return min(found)


def peak(function):
    """Most memory that a function holds at one time, its result included [byte]."""
    tracemalloc.start()
    function()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def measured(count):
    """How many times slower than one tier, and how many times the memory of the input."""
    data, tiers = positions(count), venue("binance usd-m").contract("BTC").maintenance

    def tiered():
        return formulas.tiered_liquidation_price(*data, tiers)

    slower = seconds(tiered) / seconds(lambda: one_tier(*data))
    return slower, peak(tiered) / sum(array.nbytes for array in data)


def main(count=1_000_000):
    slower, memory = measured(int(count))
    print(f"{int(count):,} liquidation prices through 12 tiers")
    print(f"time: {slower:.1f} times one tier without checks (at most {SLOWER})")
    print(f"memory: {memory:.1f} times the input (at most {MEMORY})")
    return int(slower > SLOWER or memory > MEMORY)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
