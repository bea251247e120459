"""Measure the library against limits and against itself, as ratios within one run.

    python -m benchmarks.library [SHARE]

Ratios mean the same on every machine, seconds do not. SHARE of the full size (default 1) is for a
quick look. Prints a table, and fails where something costs more than it may.
"""

import sys
import time
import tracemalloc

import numpy as np

from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.bars import Bars
from margin_lib.contracts import Contract
from margin_lib.market import Market
from margin_lib.simulate import simulate
from margin_lib.venues import venue

STEPS, PATHS = 365, 100_000
CHUNK = 10_000  # of the drawing alone; 1,000 to 50,000 cost the same


def seconds(function, times=5):
    """Processor time of a call, the shortest of several: what else runs counts little."""
    found = []
    for _ in range(times):
        start = time.process_time()
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


# Liquidation prices in a real table


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


def tiers(share):
    """A million liquidation prices in twelve tiers, against one line of numpy with one tier."""
    data = positions(int(1_000_000 * share))
    table = venue("binance usd-m").contract("BTC").maintenance

    def tiered():
        return formulas.tiered_liquidation_price(*data, table)

    words = f"{len(data[0]):,} liquidation prices, {len(table)} tiers"
    slower = seconds(tiered) / seconds(lambda: one_tier(*data))
    yield f"{words}: time, in that of one tier", slower, 25
    yield f"{words}: memory, in that of the input", peak(tiered) / sum(a.nbytes for a in data), 10


# Accounts over many paths


def account(mode, count=2, leverage=5.0, market=None):
    """Long and short positions in turn, each with its own market, or all in one."""
    held = [
        Position(
            contract=Contract(symbol=f"coin {n}", market=market or "", maintenance=0.02),
            quantity=100.0 * (-1) ** n,
            entry_price=0.1,
            leverage=leverage,
            margin=10 / leverage if mode == "isolated" else None,
        )
        for n in range(count)
    ]
    return Account(balance=5.0 * count, positions=held)


def market(count):
    return Market(prices={f"coin {n}": 0.1 for n in range(count)}, volatility=0.8, correlation=0.5)


def drawing(count, paths, chunk):
    """Draw the normals that the paths of so many markets need, and do nothing with them."""
    rng = np.random.default_rng(0)
    for _ in range(0, paths, chunk):
        rng.standard_normal((count, STEPS, min(chunk, paths)))


def held(accounts, source, paths):
    return simulate(accounts, source, paths=paths, steps=STEPS, rng=np.random.default_rng(0))


def against_drawing(share):
    """Simulations, against the time that only drawing their random numbers takes."""
    paths = int(PATHS * share)
    one = {"isolated": account("isolated", 1)}
    both = {mode: account(mode) for mode in ("isolated", "cross")}
    for count, accounts, most in ((1, one, 1.25), (2, both, 2)):
        words = f"{paths:,} paths × {STEPS} days, {count} market(s), {' and '.join(accounts)}"
        source = market(count)
        ratio = seconds(lambda s=source, a=accounts: held(a, s, paths)) / seconds(
            lambda c=count: drawing(c, paths, CHUNK)
        )
        yield f"{words}: time, in that of drawing", ratio, most


def growth(share):
    """Ten times as much of something, against as much."""

    def timed(paths=1000, steps=50, count=1):
        moves = np.random.default_rng(0).standard_normal((steps, paths))
        prices = 0.1 * np.exp(np.cumsum(moves * 0.2 / np.sqrt(steps), axis=0))
        bars = Bars.of_marks({"coin": prices})
        accounts = {mode: account(mode, count, market="coin") for mode in ("isolated", "cross")}
        return seconds(lambda: simulate(accounts, bars), 3)

    for what, sizes in {
        "paths": (1_000, 10_000, 100_000, 1_000_000),
        "steps": (100, 1_000, 10_000, 100_000),
        "count": (1, 10, 100, 1_000),
    }.items():
        fixed = {"paths": {"steps": 20}, "steps": {"paths": 100}, "count": {"paths": 200}}[what]
        times = [timed(**{**fixed, what: max(int(size * share), 1)}) for size in sizes]
        worst = max(b / a for a, b in zip(times, times[1:], strict=False))
        name = {"count": "positions"}.get(what, what)
        yield f"ten times the {name}, {sizes[0]:,} to {sizes[-1]:,}: time, at worst", worst, 11


def main(share=1.0):
    failed = 0
    for measure in (tiers, against_drawing, growth):
        for words, ratio, most in measure(float(share)):
            failed += ratio > most
            verdict = "" if ratio <= most else "   TOO MUCH"
            print(f"{words:78} {ratio:6.2f}   at most {most:5.2f}{verdict}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
