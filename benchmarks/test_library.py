"""What the library costs: against limits of the machine, and against itself at another size."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.measure import peak, seconds
from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.bars import Bars
from margin_lib.contracts import Contract
from margin_lib.liquidation import mark_to_market
from margin_lib.market import Market
from margin_lib.simulate import simulate
from margin_lib.venues import venue

STEPS, PATHS = 365, 100_000
PATHS_PER_CHUNK = 10_000  # of the drawing alone; 1,000 to 50,000 cost the same


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


def test_a_million_prices_in_twelve_tiers_against_one_line_of_numpy(within, share):
    data = positions(int(1_000_000 * share))
    table = venue("binance usd-m").contract("BTC").maintenance
    assert len(table) == 12

    def tiered():
        return formulas.tiered_liquidation_price(*data, table)

    within(
        {
            "time, in that of one tier": (seconds(tiered) / seconds(lambda: one_tier(*data)), 25),
            "memory, in that of the input": (peak(tiered) / sum(a.nbytes for a in data), 10),
        }
    )


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


def drawing(count, paths):
    """Draw the normals that the paths of so many markets need, and do nothing with them."""
    rng = np.random.default_rng(0)
    for _ in range(0, paths, PATHS_PER_CHUNK):
        rng.standard_normal((count, STEPS, min(PATHS_PER_CHUNK, paths)))


def against_drawing(count, accounts, paths):
    """Time of a simulation, in that which only drawing its random numbers takes."""
    prices = {f"coin {n}": 0.1 for n in range(count)}
    market = Market(prices=prices, volatility=0.8, correlation=0.5)

    def held():
        rng = np.random.default_rng(0)
        return simulate(accounts, market, paths=paths, steps=STEPS, rng=rng)

    return seconds(held) / seconds(lambda: drawing(count, paths))


def test_a_year_of_many_paths_against_drawing_their_numbers(within, share):
    paths = int(PATHS * share)
    one = {"isolated": account("isolated", 1)}
    both = {mode: account(mode) for mode in ("isolated", "cross")}
    within(
        {
            "1 market, isolated": (against_drawing(1, one, paths), 1.25),
            "2 markets, isolated and cross": (against_drawing(2, both, paths), 2),
        }
    )


SIZES = {
    "paths": ((1_000, 10_000, 100_000, 1_000_000), {"steps": 20}),
    "steps": ((100, 1_000, 10_000, 100_000), {"paths": 100}),
    "positions": ((1, 10, 100, 1_000), {"paths": 200}),
}


@pytest.mark.parametrize("what", SIZES)
def test_ten_times_as_much_takes_ten_times_as_long(what, within, share):
    def timed(paths=1000, steps=50, positions=1):
        moves = np.random.default_rng(0).standard_normal((steps, paths))
        prices = 0.1 * np.exp(np.cumsum(moves * 0.2 / np.sqrt(steps), axis=0))
        bars = Bars.of_marks({"coin": prices})
        accounts = {mode: account(mode, positions, market="coin") for mode in ("isolated", "cross")}
        return seconds(lambda: simulate(accounts, bars), 3)

    sizes, others = SIZES[what]
    times = [timed(**{what: max(int(size * share), 1)}, **others) for size in sizes]
    within({"at worst": (max(b / a for a, b in zip(times, times[1:], strict=False)), 11)})


# One account with many positions


@pytest.mark.parametrize("fall", [0.01, 0.5], ids=["all live", "all are liquidated"])
@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_one_mark_for_an_account_of_many_positions(mode, fall, within, share):
    """Three decades of positions: ten times as many take ten times as long."""

    def one_mark(count):
        held = account(mode, count, market="ETH").positions
        longs = [replace(p, quantity=abs(p.quantity)) for p in held]
        many = Account(balance=1000.0 * count, positions=longs)
        marks = {"ETH": longs[0].entry_price * (1 - fall)}
        return lambda: mark_to_market(many, marks)

    few, many, most = (
        seconds(one_mark(max(int(n * share), 1)), times=3) for n in (100, 1000, 10_000)
    )
    within({"10,000, in 1,000": (most / many, 12), "1,000, in 100": (many / few, 12)})


@pytest.mark.parametrize("closes", ["worst first", "what is needed", 0.5])
def test_closing_one_position_after_another(closes, within, share):
    """Ten times as many positions, of which three quarters are closed, take ten times as long."""

    def closing(count):
        held = account("cross", count, market="ETH").positions
        longs = [replace(p, quantity=abs(p.quantity)) for p in held]
        many = Account(balance=0.1 * count, positions=longs)
        marks = {"ETH": longs[0].entry_price * 0.995}
        return lambda: mark_to_market(many, marks, 0, closes)

    few, many = (seconds(closing(max(int(n * share), 1)), times=3) for n in (300, 3000))
    within({"3,000, in 300": (many / few, 12)})
