"""Hypothesis strategies: contracts, positions and accounts of ordinary sizes."""

from hypothesis import strategies as st

from margin_lib.account import Account, Position
from margin_lib.contracts import Contract
from tools.repo import ROOT

SCENARIOS = ROOT / "tests/support/articles.toml"
OTHER_SCENARIOS = ROOT / "tests/support/other_scenarios.toml"

# What no number of the library may be, whatever its range.
NO_NUMBERS = [float("nan"), float("inf"), float("-inf"), "7", b"7", True, 1j, [[1], [1, 2]], {}]
NOT_SINGLE = [*NO_NUMBERS, [1.0, 2.0], (1.0,), []]


def shares(low, high):
    """Floats in [low, high]; none so near to 0 that even a power of two rounds it."""
    return st.floats(low, high).map(lambda share: share if abs(share) > 1e-9 else 0.0)


prices = shares(0.01, 1000.0)
moves = shares(0.5, 2.0)  # a mark over an entry price
leverages = shares(1.0, 50.0)
rates = shares(0.0, 0.1)
sides = st.sampled_from([1.0, -1.0])


@st.composite
def positions(draw, symbol="ETH", mode=None):
    """A position worth 1 to 1,000 at entry, whose own margin, if any, may be anything near."""
    price, leverage, value = draw(prices), draw(leverages), draw(shares(1.0, 1000.0))
    mode = mode or draw(st.sampled_from(["isolated", "cross"]))
    return Position(
        contract=Contract(
            symbol=symbol, maintenance=draw(rates), taker_fee=draw(shares(0.0, 0.01))
        ),
        quantity=draw(sides) * value / price,
        entry_price=price,
        leverage=leverage,
        margin=draw(shares(-0.5, 1.5)) * value if mode == "isolated" else None,
    )


@st.composite
def books(draw, mode=None, at_least=1):
    """An account with one to three positions in any state, and marks of them all."""
    symbols = ["ETH", "ADA", "SOL"][: draw(st.integers(at_least, 3))]
    held = tuple(draw(positions(symbol, mode)) for symbol in symbols)
    marks = {position.symbol: position.entry_price * draw(moves) for position in held}
    return Account(balance=draw(shares(0.0, 1000.0)), positions=held), marks


def size(account, marks):
    """Money that passes through the sums of an account: what rounding errors are measured by."""
    values = (
        position.notional(price)
        for position in account.positions
        for price in (position.entry_price, marks[position.symbol])
    )
    return abs(account.balance) + sum(abs(p.margin or 0) for p in account.positions) + sum(values)
