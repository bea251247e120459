"""Portfolio margin: the worst of a scan, the prices that it gives, against plain arithmetic."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib.account import Account, Collateral, Position
from margin_lib.contracts import Contract
from margin_lib.errors import MarginError
from margin_lib.portfolio import NINE, Scan
from tests.support.strategies import NOT_SINGLE, shares, sides

PRICES = {"ETH": 2000.0, "BTC": 50_000.0}


def position(symbol, quantity, entry, market="", inverse=False):
    coin = "coin" if inverse else ""
    contract = Contract(
        symbol=symbol, market=market, maintenance=0.01, inverse=inverse, settle=coin
    )
    return Position(contract=contract, quantity=quantity, entry_price=entry, leverage=10)


def pair(btc, balance=10_000.0):
    """10 ETH long, and a BTC position of the same size."""
    return Account(
        balance=balance,
        positions=[position("ETH", 10, 2000), position("BTC", btc, 50_000)],
    )


def test_a_lone_position_asks_for_its_loss_at_the_far_end():
    alone = Account(balance=5000, positions=[position("ETH", -10, 2000)])
    assert Scan().requirement(alone, PRICES) == pytest.approx(0.16 * 20_000)
    assert NINE == (-0.16, -0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.12, 0.16)


def test_a_hedge_of_two_coins_asks_for_one_leg_and_two_longs_for_both():
    assert Scan().requirement(pair(-0.4), PRICES) == pytest.approx(3200)  # one coin moves alone
    assert Scan().requirement(pair(0.4), PRICES) == pytest.approx(6400)  # together


def test_the_offset_says_how_far_one_market_pays_for_another():
    hedge = pair(-0.8)  # 20,000 long, 40,000 short
    assert Scan(offset=1).requirement(hedge, PRICES) == pytest.approx(6400)
    assert Scan(offset=0).requirement(hedge, PRICES) == pytest.approx(6400)
    losers = pair(0.8)
    assert Scan(offset=0).requirement(losers, PRICES) == pytest.approx(9600)
    three = Account(
        balance=10_000,
        positions=[*pair(0.4).positions, position("LTC", -400, 100)],  # short of both together
    )
    marks = {**PRICES, "LTC": 100}
    assert Scan(offset=1).requirement(three, marks) == pytest.approx(6400)
    assert Scan(offset=0.25).requirement(three, marks) == pytest.approx(6400)


def test_both_sides_of_one_market_cancel_up_to_the_contingency():
    """Deribit: long 100 BTC in one future and short 100 in another adds 1 % of 100 BTC."""
    legs = [position("A", 100, 50_000, "BTC"), position("B", -100, 50_000, "BTC")]
    account = Account(balance=60_000, positions=legs)
    assert Scan().requirement(account, PRICES) == 0
    assert Scan(contingency=0.01).requirement(account, PRICES) == pytest.approx(50_000)
    assert Scan(contingency=0.01).liquidation_range(account, "BTC", PRICES) == pytest.approx(
        (math.nan, 60_000), nan_ok=True
    )


def test_the_risk_is_that_of_the_balance_with_the_scan_as_its_requirement():
    risk = Scan().risk(pair(-0.4), PRICES)
    assert (risk.equity, risk.notional) == (10_000, 40_000)
    assert risk.maintenance_margin == risk.initial_margin == pytest.approx(3200)
    assert not risk.is_liquidatable
    assert Scan().risk(pair(-0.4, balance=3199), PRICES).is_liquidatable


def test_isolated_positions_have_margins_of_their_own():
    own = Position(
        contract=Contract(symbol="ADA"), quantity=10, entry_price=1, leverage=2, margin=5
    )
    account = Account(balance=5000, positions=[own, position("ETH", 10, 2000)])
    assert Scan().requirement(account, {"ETH": 2000}) == pytest.approx(3200)
    with pytest.raises(MarginError, match="^market must be one that a cross position follows"):
        Scan().liquidation_range(account, "ADA", {"ETH": 2000, "ADA": 1})


@pytest.mark.parametrize("bad", [x for x in NOT_SINGLE if x != []])
@pytest.mark.parametrize("name", ["offset", "contingency"])
def test_what_is_no_number_is_refused(name, bad):
    with pytest.raises(MarginError):
        Scan(**{name: bad})


@pytest.mark.parametrize(
    "how", [{"moves": []}, {"moves": [-1]}, {"offset": 1.01}, {"offset": -0.1}]
)
def test_what_is_out_of_range_is_refused(how):
    with pytest.raises(MarginError):
        Scan(**how)


def test_a_mark_that_is_missing_is_named():
    with pytest.raises(MarginError, match="must hold a price for BTC"):
        Scan().requirement(pair(1), {"ETH": 2000})
    with pytest.raises(MarginError, match="must hold a price for BTC"):
        Scan().liquidation_range(pair(1), "ETH", {"ETH": 2000})


def test_coins_beside_the_balance_are_part_of_the_book():
    """10 ETH held and 10 sold: what the coins lose the short wins, as far as they count."""
    short = position("ETH", -10, 2000)
    for ratio, asked in ((1, 0), (0.9, 0.1 * 3200)):
        coins = [Collateral(coin="ETH", amount=10, ratio=ratio)]
        account = Account(balance=1000, positions=[short], collateral=coins)
        assert Scan().requirement(account, PRICES) == pytest.approx(asked)
        lower, upper = Scan().alive_between(account, "ETH", {})
        assert lower == 0
        if ratio == 1:
            assert upper == math.inf  # 21,000 at every price
        else:  # 1,000 + 0.9 · 10 P − 10 (P − 2,000) = 0.16 · P
            assert upper == pytest.approx(21_000 / 1.16)
            risk = Scan().risk(account, {"ETH": upper})
            assert risk.cushion == pytest.approx(0, abs=1e-8)


# Against plain arithmetic, scenario by scenario


def worst(account, marks, scan):
    """The requirement by moving every price and asking each position."""
    at = {p.contract.market: marks[p.contract.market] for p in account.cross}
    scenarios = [dict.fromkeys(at, 0.0)]
    for move in scan.moves:
        scenarios.append(dict.fromkeys(at, move))
        scenarios += [{**dict.fromkeys(at, 0.0), market: move} for market in at]
    losses = []
    for scenario in scenarios:
        gains = dict.fromkeys(at, 0.0)
        for p in account.cross:
            market = p.contract.market
            moved = at[market] * (1 + scenario[market])
            gains[market] += p.pnl(moved) - p.pnl(at[market])
        losses.append(sum(-gain if gain < 0 else -scan.offset * gain for gain in gains.values()))
    covered = 0
    for market, price in at.items():
        held = [p for p in account.cross if p.contract.market == market]
        sums = [sum(p.notional(price) for p in held if p.quantity * s > 0) for s in (1, -1)]
        covered += min(sums)
    return max(losses) + scan.contingency * covered


scans = st.builds(
    Scan,
    moves=st.lists(shares(-0.5, 0.5), min_size=1, max_size=4),
    offset=shares(0.0, 1.0),
    contingency=shares(0.0, 0.05),
)


@st.composite
def hedged_books(draw):
    """Legs in up to three markets, some of them on both sides, linear or inverse."""
    inverse = draw(st.booleans())
    legs = []
    for number in range(draw(st.integers(1, 5))):
        market = draw(st.sampled_from(["ETH", "BTC", "LTC"]))
        price, value = draw(shares(1.0, 100.0)), draw(shares(1.0, 100.0))
        size = value * price if inverse else value / price
        legs.append(position(f"leg {number}", draw(sides) * size, price, market, inverse))
    marks = {market: draw(shares(1.0, 100.0)) for market in ("ETH", "BTC", "LTC")}
    return Account(balance=draw(shares(0.0, 300.0)), positions=legs), marks


def around(account, marks):
    """Money that passes through the sums: what rounding errors are measured by."""
    return abs(account.balance) + sum(
        abs(p.pnl(p.mark(marks))) + p.notional(p.mark(marks)) + p.notional(p.entry_price)
        for p in account.cross
    )


@given(hedged_books(), scans)
def test_the_requirement_is_the_worst_of_all_scenarios(book, scan):
    account, marks = book
    found = scan.requirement(account, marks)
    assert found == pytest.approx(
        worst(account, marks, scan), rel=1e-9, abs=1e-9 * around(account, marks)
    )


@given(hedged_books(), scans)
def test_alive_between_the_two_prices_and_dead_beyond(book, scan):
    account, marks = book
    for market in {p.contract.market for p in account.cross}:
        now = marks[market]
        lower, upper = scan.liquidation_range(account, market, marks)
        if lower == upper == now:
            assert scan.risk(account, marks).cushion <= 1e-9 * around(account, marks)
            continue
        for price, beyond in ((lower, 0.999), (upper, 1.001)):
            if math.isnan(price):
                continue
            at, past = {**marks, market: price}, {**marks, market: price * beyond}
            inside = {**marks, market: price + 0.001 * (now - price)}
            slack = 1e-9 * around(account, at)
            assert scan.risk(account, at).cushion == pytest.approx(0, abs=slack)
            assert scan.risk(account, past).cushion < slack
            assert scan.risk(account, inside).cushion > -slack
        for price, side in ((lower, 1e-6), (upper, 1e6)):
            if math.isnan(price):
                far = {**marks, market: now * side}
                assert scan.risk(account, far).cushion > -1e-9 * around(account, far)


@given(hedged_books(), scans)
def test_an_array_is_its_numbers_one_by_one(book, scan):
    account, marks = book
    held = sorted({p.contract.market for p in account.cross})
    many = {m: marks[m] * np.array([0.5, 1.0, 1.5]) for m in marks}
    one_by_one = [{m: float(many[m][i]) for m in many} for i in range(3)]
    assert scan.requirement(account, many).tolist() == [
        scan.requirement(account, each) for each in one_by_one
    ]
    for side, prices in enumerate(scan.alive_between(account, held[0], many)):
        alone = [scan.alive_between(account, held[0], each)[side] for each in one_by_one]
        np.testing.assert_array_equal(np.broadcast_to(prices, 3), alone)


def test_the_boundary_of_two_coins_can_be_drawn():
    """A long and a short of one size: what it can lose on BTC follows what it has won on ETH."""
    account, scan = pair(-0.4, balance=-10_000.0), Scan()
    eth = np.linspace(500, 3000, 26)
    lower, upper = scan.alive_between(account, "BTC", {"ETH": eth})
    alive = ~np.isnan(upper)
    assert alive.any() and not alive.all()
    assert (lower[alive] == 0).all()  # a short does not die when its coin falls
    assert (np.diff(upper[alive]) > 0).all()
    for x, y in itertools.compress(zip(eth, upper, strict=True), alive):
        assert scan.risk(account, {"ETH": x, "BTC": y}).cushion == pytest.approx(0, abs=1e-8)


def test_where_no_price_lets_it_live_there_is_none():
    ruined = pair(-0.4, balance=-30_000.0)
    assert all(np.isnan(Scan().alive_between(ruined, "BTC", {"ETH": 2000.0})))
    assert Scan().liquidation_range(ruined, "BTC", PRICES) == (50_000, 50_000)
    still = Account(balance=-1, positions=pair(-0.4).positions[:1])
    flat = Scan(moves=[0])
    level = Account(balance=-1, positions=[position("a", 1, 9, "ETH"), position("b", -1, 9, "ETH")])
    assert all(np.isnan(flat.alive_between(level, "ETH", {})))
    assert flat.alive_between(still, "ETH", {}) == (2000.1, math.inf)


def test_coins_that_count_by_rows_bend_the_boundary_and_a_fine_scan_agrees():
    random, some = np.random.default_rng(3), 0
    price = np.geomspace(0.1, 1e5, 4001)
    for _ in range(40):
        legs = [
            position(market, float(random.normal(0, 10)), float(random.uniform(70, 130)))
            for market in ("ETH", "BTC")
        ]
        rows = int(random.integers(1, 4))
        floors = [0.0, *map(float, np.sort(10 ** random.uniform(1, 4, rows - 1)))]
        shares = map(float, np.sort(random.uniform(0.3, 1, rows))[::-1])
        coins = Collateral(
            coin="ETH",
            amount=float(random.uniform(-2, 25)),
            ratio=list(zip(floors, shares, strict=True)),
            buying=1.05,
        )
        balance = float(random.uniform(0, 1500))
        account = Account(balance=balance, positions=legs, collateral=[coins])
        scan = Scan(
            moves=list(random.uniform(-0.4, 0.4, 3)),
            offset=float(random.choice([1, 0.5, 0])),
            contingency=float(random.choice([0, 0.02])),
        )
        lower, upper = scan.alive_between(account, "ETH", {"BTC": 100})
        cushion = scan.risk(account, {"ETH": price, "BTC": 100}).cushion
        said = (lower < price) & (price < upper)
        assert np.all((said == (cushion > 0)) | (abs(cushion) < 1e-9 * price * 50)), (lower, upper)
        some += rows > 1 and (lower > 0 or upper < np.inf)
    assert some > 8


def test_no_moves_are_no_scan_and_the_edge_itself_is_liquidated():
    with pytest.raises(MarginError, match="^moves must hold at least one"):
        Scan(moves=[])
    long = Position(contract=Contract(symbol="ETH"), quantity=4, entry_price=8, leverage=2)
    account = Account(balance=16, positions=[long])  # 16 + 4 (P − 8) = 2 P
    assert Scan(moves=[-0.5, 0.5]).liquidation_range(account, "ETH", {"ETH": 8}) == (8, 8)


def test_an_offset_above_one_is_named():
    with pytest.raises(MarginError) as caught:
        Scan(offset=1.5)
    assert str(caught.value) == "offset must be at most 1, got 1.5"


def test_a_contingency_below_nothing_is_named():
    with pytest.raises(MarginError, match="^contingency must be at least 0, got -1"):
        Scan(contingency=-1)


def coins_and(quantity, rows, balance, amount=10.0, entry=100.0):
    """A cross position, and coins of its own market that count by rows."""
    coins = Collateral(coin="ETH", amount=amount, ratio=rows)
    return Account(
        balance=balance, positions=[position("ETH", quantity, entry)], collateral=[coins]
    )


def test_a_row_that_a_moved_price_reaches_bends_the_boundary():
    """After a fall by half, 10 coins and the long have left at 300: 1,250 + 150 − 100 − 1,300."""
    account = coins_and(1, [(0, 1), (1000, 0.5)], balance=-1300)
    lower, upper = Scan(moves=[-0.5]).alive_between(account, "ETH", {})
    assert (lower, upper) == (pytest.approx(300), math.inf)


def test_where_even_the_best_price_leaves_exactly_nothing_there_is_none():
    """10 coins count up to 100, 5 are sold: the most is left at 10."""
    rows, still = [(0, 1), (100, 0)], Scan(moves=[0])
    edge = still.alive_between(coins_and(-5, rows, balance=-90, entry=8), "ETH", {})
    assert np.isnan(edge).all()
    lower, upper = still.alive_between(coins_and(-5, rows, balance=-80, entry=8), "ETH", {})
    assert (lower, upper) == (8, 12)


def test_rows_of_coins_of_which_there_are_none_bend_nothing():
    account = coins_and(1, [(0, 1), (1000, 0.5)], balance=50, amount=0.0)
    lower, upper = Scan(moves=[-0.5]).alive_between(account, "ETH", {})  # P / 2 − 100 + 50
    assert (lower, upper) == (100, math.inf)


def test_what_has_nothing_left_at_any_price_lives_at_none():
    legs = [position("a", 1, 9, "ETH"), position("b", -1, 9, "ETH")]
    for balance, alive in ((0, False), (1, True)):
        lower, upper = Scan(moves=[0]).alive_between(
            Account(balance=balance, positions=legs), "ETH", {}
        )
        assert (lower == 0 and upper == math.inf) == alive
        assert np.isnan([lower, upper]).all() != alive


@pytest.mark.parametrize("left", [1, 2])
def test_a_price_of_a_trillionth_of_the_entry_is_never_reached(left):
    """Bought at a trillion: a price of 1 is as good as 0. Sold at 1: a trillion is infinity."""
    bought = Account(balance=1e12 - left, positions=[position("ETH", 1, 1e12)])
    sold = Account(balance=1e12 / left - 1, positions=[position("ETH", -1, 1)])
    scan = Scan(moves=[0])
    assert scan.alive_between(bought, "ETH", {})[0] == (0 if left == 1 else 2)
    assert scan.alive_between(sold, "ETH", {})[1] == (math.inf if left == 1 else 5e11)


def test_the_upper_edge_is_liquidated_too():
    short = Position(contract=Contract(symbol="ETH"), quantity=-4, entry_price=8, leverage=2)
    account = Account(balance=16, positions=[short])  # 16 + 4 (8 − P) = 2 P
    assert Scan(moves=[-0.5, 0.5]).liquidation_range(account, "ETH", {"ETH": 8}) == (8, 8)
