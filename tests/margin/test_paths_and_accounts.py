"""Accounts over many paths: closed forms, replay path by path, bounds, edges, and memory."""

import gc
import math
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from margin_lib.account import Account, Position
from margin_lib.bars import Bars
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.market import Market
from margin_lib.replay import Costs, replay
from margin_lib.simulate import Outcomes, simulate

MARKETS = ["ETH", "ADA", "SOL"]


def held(quantity, margin=None, symbol="ETH", entry=1.0, leverage=2, **terms):
    """A position, as if it had been opened long ago."""
    contract = Contract(symbol=symbol, **terms)
    return Position(
        contract=contract, quantity=quantity, entry_price=entry, leverage=leverage, margin=margin
    )


def account(*positions, balance=1.0):
    return Account(balance=balance, positions=positions)


def bars(*rows, **others):
    """Bars of ETH, (open, low, high, close), and of other markets."""
    columns = ({"ETH": row, **{m: o[n] for m, o in others.items()}} for n, row in
               enumerate(np.array(rows, dtype=float).T))  # fmt: skip
    return Bars(*columns)


def paid_by_fund(replayed):
    """What the insurance fund paid for the pockets that were below zero."""
    return sum(max(-e.received("insurance fund"), 0) for _, e in replayed.liquidations)


def both(account, path, costs=None):
    """Steps of death and equity at the end, of `simulate`; `replay` must say the same."""
    costs = costs or Costs(fee_rate=0)
    result, walk = simulate({"it": account}, path, costs=costs)["it"], replay(account, path, costs)
    died = {s: step for step, event in walk.liquidations for s in event.symbols}
    steps = {symbol: int(step[0]) for symbol, step in result.step.items()}
    assert steps == {symbol: died.get(symbol, -1) for symbol in result.step}
    assert result.equity[0] == pytest.approx(walk.equity[-1], rel=1e-12)
    assert result.shortfall[0] == pytest.approx(paid_by_fund(walk), rel=1e-12, abs=1e-12)
    return steps, result.equity[0]


# Against closed forms


def normal(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def chance_to_touch(b, nu, sigma, years):
    """That ν t + σ W falls to b < 0 within some years (reflection principle)."""
    root = sigma * math.sqrt(years)
    first = normal((b - nu * years) / root)
    return first + math.exp(2 * nu * b / sigma**2) * normal((b + nu * years) / root)


PATHS, STEPS, HOURS = 40_000, 60, 12.0
YEARS = STEPS * HOURS / 8760


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize(("sigma", "drift"), [(0.4, 0.0), (0.8, 0.5), (1.5, -0.5)])
def test_liquidations_against_the_closed_form(side, sigma, drift):
    position = held(side * 10, margin=2.0, leverage=5, maintenance=0.02)
    b = math.log(position.liquidation_price())
    nu = drift - sigma**2 / 2
    shares = {}
    for wicks in (True, False):
        market = Market(
            prices={"ETH": 1}, volatility=sigma, drift=drift, step_hours=HOURS, wicks=wicks
        )
        result = simulate(
            {"it": account(position)}, market, paths=PATHS, steps=STEPS,
            rng=np.random.default_rng(3), chunk=10_000,
        )["it"]  # fmt: skip
        shares[wicks] = result.liquidated.mean()
    exact = chance_to_touch(side * b, side * nu, sigma, YEARS)
    error = math.sqrt(exact * (1 - exact) / PATHS)
    assert abs(shares[True] - exact) < 3 * error
    # Broadie, Glasserman, Kou: looked at only now and then, as if the barrier were further away
    shift = 0.5826 * sigma * math.sqrt(YEARS / STEPS)
    seldom = chance_to_touch(side * b - shift, side * nu, sigma, YEARS)
    assert abs(shares[False] - seldom) < 4 * math.sqrt(seldom * (1 - seldom) / PATHS)
    assert shares[False] < shares[True]


# simulate is replay, for accounts that have everything at once

TIERS = Tiers.continuous([(0, 0.01), (50, 0.05), (400, 0.2)])
TABLES = [0.02, TIERS, Tiers([(0, 0.01), (80, 0.1)])]


def any_account(rng):
    """None to four positions: both sides of one market, sizes, conventions, margins of any sign."""
    positions = []
    for number in range(rng.integers(0, 5)):
        inverse = number == 3 and rng.random() < 0.5
        value, size = rng.uniform(10, 200), rng.choice([1.0, 0.1, 8.0])
        leverage = rng.choice([2.0, 3.0, 5.0])
        positions.append(
            held(
                rng.choice([1.0, -1.0]) * value / size,
                margin=rng.uniform(0.7, 2) * value / leverage if rng.random() < 0.5 else None,
                symbol=f"{number}",
                market=["ETH", "ETH", "ADA", "SOL"][number],
                leverage=leverage,
                maintenance=TABLES[rng.integers(3)],
                taker_fee=0.001,
                size=size,
                inverse=inverse,
                settle="coin",  # one unit for all of them
                conventions=Conventions(
                    maintenance_at=["mark", "entry", "today"][rng.integers(3)],
                    closing_fee=bool(rng.integers(2)),
                    at_equality=bool(rng.integers(2)),
                ),
            )
        )
    return account(*positions, balance=rng.uniform(20, 120))


def any_costs(rng):
    rates = {f"{n}": rng.choice([0.0, 0.002, 0.03, -0.01]) for n in range(3)}
    return Costs(
        fee_rate=[None, 0.0, 0.01][rng.integers(3)],
        funding=rates if rng.random() < 0.6 else {},
        funding_hours=rng.choice([3.0, 8.0, 30.0]),  # several in a bar, or none
        interest={"1": 0.0005} if rng.random() < 0.2 else {},
    )


def any_market(rng):
    return Market(
        prices=dict.fromkeys(MARKETS, 1.0),
        volatility=rng.choice([0.8, 2.0, 4.0]),
        correlation=rng.choice([-0.4, 0.0, 0.9]),
        jumps=rng.choice([0.0, 60.0]),
        jump_mean=-0.05,
        jump_deviation=0.2,
        tails=3.0 if rng.random() < 0.3 else None,
        step_hours=rng.choice([4.0, 24.0]),
        wicks=rng.random() < 0.7,
    )


def healthy(account):
    pockets = [None, *(position.symbol for position in account.isolated)]
    start = dict.fromkeys(MARKETS, 1.0)
    return not any(account.risk(start, pocket).is_liquidatable for pocket in pockets)


def phases(walk, path):
    """Where each liquidated pocket died: at the open, or within the bar."""
    for step, event in walk.liquidations:
        opened = path.marks("open", step)
        gain = sum(walk.start[s].pnl(walk.start[s].mark(opened)) for s in event.symbols)
        at_open = event.received("market") == pytest.approx(-gain, rel=1e-12, abs=1e-12)
        yield "at the open" if at_open else "within the bar"


def check_ledger(walk):
    """Each event's ledger sums to zero; what came from outside is what the wallet has gained."""
    money = walk.start.wallet_balance
    for after, events in zip(walk.accounts, walk.events, strict=True):
        for event in events:
            assert sum(event.transfers.values()) == pytest.approx(0, abs=1e-9)
            ours = [p for p in event.transfers if p == "balance" or p.startswith("margin ")]
            money += sum(event.received(party) for party in ours)
        assert after.wallet_balance == pytest.approx(money, rel=1e-9, abs=1e-9)


def test_simulate_is_replay_whatever_the_account_holds():
    met = Counter()
    for seed in range(100):
        rng = np.random.default_rng(seed)
        start, costs, market = any_account(rng), any_costs(rng), any_market(rng)
        if not healthy(start):
            continue
        drawn = market.draw(rng, steps=int(rng.choice([5, 40])), paths=2)
        result = simulate({"it": start}, drawn, costs=costs)["it"]
        again = simulate({"it": start}, drawn, costs=costs, chunk=1)["it"]
        assert np.array_equal(result.equity, again.equity)
        for path in range(2):
            walk = replay(start, drawn.path(path), costs)
            died = {s: step for step, event in walk.liquidations for s in event.symbols}
            for symbol, step in result.step.items():
                assert step[path] == again.step[symbol][path] == died.get(symbol, -1), seed
            assert result.equity[path] == pytest.approx(walk.equity[-1], rel=1e-9, abs=1e-9), seed
            paid = paid_by_fund(walk)
            assert result.shortfall[path] == pytest.approx(paid, rel=1e-9, abs=1e-9), seed
            assert again.shortfall[path] == result.shortfall[path], seed
            met["paid by the fund"] += paid > 0
            check_ledger(walk)
            met.update(phases(walk, drawn.path(path)))
            met["survived"] += not died
            met["nothing held"] += not start.positions
            met["several pockets"] += len(walk.liquidations) > 1
            met["both sides"] += {"0", "1"} <= {p.symbol for p in start.cross}
            met["negative margin"] += any(p.margin < 0 for a in walk.accounts for p in a.isolated)
            if not start.cross:  # the balance stands apart, and only gets what is returned
                assert walk.end.balance >= start.balance
    assert min(met[k] for k in ("at the open", "within the bar", "survived")) >= 30, met
    assert min(met[k] for k in ("nothing held", "several pockets", "both sides")) >= 10, met
    assert met["negative margin"] > 0, met


def test_cross_never_touches_isolated_margin_nor_isolated_the_rest():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        start, drawn = any_account(rng), any_market(rng).draw(rng, steps=30, paths=50)
        alone = {p.symbol: account(p, balance=0) for p in start.isolated}
        costs = Costs(fee_rate=0.01)
        results = simulate({"all": start, **alone}, drawn, costs=costs)
        for symbol in alone:
            np.testing.assert_array_equal(results["all"].step[symbol], results[symbol].step[symbol])
            assert np.all(results[symbol].loss <= start[symbol].margin + 1e-9)
        if not start.cross:
            own = sum(results[symbol].equity for symbol in alone)
            np.testing.assert_allclose(results["all"].equity, start.balance + own, atol=1e-9)
        assert np.all(results["all"].loss <= start.wallet_balance + 1e-9)


def test_funding_takes_an_isolated_margin_below_nothing_while_profit_carries_it():
    # 32 at 1 with a margin of 8 pay 2.5 · 3 and then 2.5 · 3 more at a price of 3
    start, path = account(held(32, margin=8.0)), Bars.of_marks({"ETH": [3, 3, 1]}, [0, 24, 48])
    costs = Costs(fee_rate=0, funding={"ETH": 5 / 64}, funding_hours=8)  # three in a bar
    walk = replay(start, path, costs)
    assert [a["ETH"].margin for a in walk.accounts[:2]] == [8.0, 8 - 22.5]
    assert both(start, path, costs) == ({"ETH": 2}, 1.0)


def test_an_account_of_nothing():
    assert both(account(), Bars.of_marks({"ETH": [1, 2]})) == ({}, 1.0)
    result = simulate({"it": account()}, Bars.of_marks({"ETH": [[1, 2]]}))["it"]
    assert result.liquidated.tolist() == [False, False]
    assert np.isnan(result.summary().loc["capital efficiency", "value"])


# At the edge: 32 ETH at 1 with 14 stand at 8 · P of maintenance when P is 0.75


@pytest.mark.parametrize("table", [0.25, Tiers([(0, 0.25), (512, 0.5)])], ids=["flat", "jumps"])
@pytest.mark.parametrize("at_equality", [True, False])
@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_a_mark_that_is_the_liquidation_price(table, at_equality, mode):
    terms = {"maintenance": table, "conventions": Conventions(at_equality=at_equality)}
    start = {
        "isolated": account(held(32, margin=14.0, **terms)),
        "cross": account(held(32, **terms), balance=14.0),
    }[mode]
    spare = 1 if mode == "isolated" else 0
    step = {"ETH": 0 if at_equality else -1}
    assert both(start, bars((0.75, 0.75, 0.75, 0.75))) == (step, spare + 6)
    ended = spare + (6 if at_equality else 14)
    assert both(start, bars((1, 0.75, 1, 1))) == (step, ended)
    assert both(start, bars((1, math.nextafter(0.75, 1), 1, 1)))[0] == {"ETH": -1}
    assert both(start, bars((1, 0.5, 1, 1)))[0] == {"ETH": 0}
    # a bar that opens beyond is closed there, even if it comes back
    assert both(start, bars((0.625, 0.5, 1, 1))) == ({"ETH": 0}, spare + 2)
    assert both(start, bars((0.25, 0.25, 1, 1))) == ({"ETH": 0}, spare)


def test_a_jump_in_the_table_kills_where_it_is():
    # a short of 32: from a notional of 64 on 16 are asked for; 8 are left of 40 there
    short = account(held(-32, margin=40.0, maintenance=Tiers([(0, 0), (64, 0.25)])))
    assert both(short, bars((1, 1, 1.99, 1))) == ({"ETH": -1}, 41)
    assert both(short, bars((1, 1, 2, 1))) == ({"ETH": 0}, 1 + 8)
    assert both(short, bars((1, 1, 3, 1))) == ({"ETH": 0}, 1 + 8)
    # a long of 32 with 22: due from 0.625 down to 0.5, where only little is asked for; not at 0.4
    long = account(held(32, margin=22.0, maintenance=Tiers([(0, 0), (16, 0.5)])))
    assert both(long, bars((1, 0.4, 1, 0.4))) == ({"ETH": 0}, 1 + 10)
    assert both(long, bars((1, 1, 1, 1), (0.4, 0.4, 0.45, 0.45))) == ({"ETH": -1}, 1 + 22 - 17.6)


@pytest.mark.parametrize(("fee_rate", "returned"), [(0, 4.0), (1 / 64, 3.625), (None, 0.0)])
def test_what_returns_comes_too_late_in_the_same_bar(fee_rate, returned):
    # both die at 0.75 (isolated: 14 − 8 = 6 = 8 · 0.75) — here with 1 / 6 of maintenance left
    terms = {"maintenance": 1 / 6}
    isolated = held(32, margin=12.0, symbol="own", market="ETH", **terms)
    shared = held(32, symbol="ETH", **terms)
    start, costs = account(isolated, shared, balance=12.0), Costs(fee_rate=fee_rate)
    edge = 20 / (32 * 5 / 6)
    assert edge == pytest.approx(0.75)
    for path in (bars((1, 0.5, 1, 1)), bars((1, 1, 1, 1), (0.75, 0.75, 0.75, 0.75))):
        steps, equity = both(start, path, costs)
        assert steps["own"] == steps["ETH"] >= 0
        assert equity == pytest.approx(2 * returned)


@pytest.mark.parametrize(("fee_rate", "lives"), [(0, True), (1 / 16, True), (None, False)])
def test_what_returns_saves_the_shared_balance_in_a_later_bar(fee_rate, lives):
    # the isolated one dies within the first bar at 0.75 with 6; the shared one needs 2 more at 0.5
    isolated = held(32, margin=14.0, symbol="own", market="ADA", maintenance=0.25)
    start = account(isolated, held(32), balance=15.0)
    ada = np.array([[1, 1], [0.5, 1], [1, 1], [1, 1]])
    path = bars((1, 1, 1, 1), (0.5, 0.5, 0.5, 0.5), ADA=ada)
    steps, equity = both(start, path, Costs(fee_rate=fee_rate))
    assert steps == {"own": 0, "ETH": -1 if lives else 1}
    back = {0: 6, 1 / 16: 4.5, None: 0}[fee_rate]
    assert equity == pytest.approx(15 + back - 16 if lives else 0)
    # at the open of the first bar, within the same bar it comes in time
    ada = np.array([[0.75], [0.75], [0.75], [0.75]])
    assert both(start, bars((1, 0.5, 1, 1), ADA=ada), Costs(fee_rate=fee_rate))[0]["ETH"] == (
        -1 if lives else 0
    )


def test_a_gap_and_a_wick_in_one_bar():
    # ADA opens beyond and is closed there; ETH dies on the way down
    start = account(
        held(32, margin=14.0, maintenance=0.25),
        held(32, margin=14.0, symbol="ADA", maintenance=0.25),
    )
    ada = np.array([[0.625], [0.5], [2], [2]])
    assert both(start, bars((1, 0.5, 2, 2), ADA=ada)) == ({"ETH": 0, "ADA": 0}, 1 + 6 + 2)


def test_both_sides_of_one_market_go_to_the_worse_end():
    long = held(48, symbol="long", market="ETH", entry=1.0)
    short = held(-32, symbol="short", market="ETH", entry=2.0)
    start = account(long, short, balance=8.0)  # 8 + 16 P + 16 above 0 always: lives
    assert both(start, bars((1, 0.01, 9, 1))) == ({"long": -1, "short": -1}, 8 + 32.0)
    assert simulate({"it": start}, bars((1, 1, 1, 1)))["it"].start == 8.0  # each at its own entry
    long = held(16, symbol="long", market="ETH", entry=1.0)
    start = account(short, long, balance=16.0)  # 64 − 16 P: dies at 4
    assert both(start, bars((1, 0.5, 8, 1))) == ({"short": 0, "long": 0}, 0.0)


# Who pays


def test_the_fund_never_goes_below_nothing_and_no_winner_pays_twice():
    losers = [held(32, margin=4.0, symbol=s, market="ETH") for s in ("a", "b", "c")]
    winners = [held(-40, margin=20.0), held(-20, margin=20.0, symbol="other", market="ETH")]
    path = bars((1, 1, 1, 1), (0.5, 0.5, 1, 1))  # each lacks 12
    walk = replay(account(*losers), path, fund=5, traders=(winner for winner in winners))
    check_ledger(walk)
    fund, log = 5, walk.log()
    for _, event in walk.liquidations:
        fund += event.received("insurance fund")
        assert fund >= 0
    totals = log.groupby("party")["received"].sum()
    assert fund == 0 and totals["insurance fund"] == -5
    # closed at 0.875: the profit from there to 0.5, once for each of the 60 that were short
    assert totals["deleveraged traders"] == pytest.approx(-60 * 0.375)
    assert totals["unpaid"] == pytest.approx(-(36 - 5 - 22.5))
    assert replay(account(*losers), path, fund=36, traders=winners).log()["party"].isin(
        ["deleveraged traders", "unpaid"]
    ).sum() == 0  # fmt: skip


def test_one_liquidation_of_two_positions_does_not_close_a_winner_twice():
    losers = [held(32, symbol=s, market="ETH") for s in ("a", "b")]
    walk = replay(account(*losers, balance=8.0), [{"ETH": 0.5}], fund=0, traders=[held(-40, 20.0)])
    totals = walk.log().groupby("party")["received"].sum()
    gap = 24 / 32  # beyond what a winner has earned, 0.5 a coin
    assert gap > 0.5 and totals["deleveraged traders"] == pytest.approx(-40 * 0.5)
    assert totals["unpaid"] == pytest.approx(-(24 - 20))


# The summary


def summary(equity, steps, start=10.0, at_risk=4.0, ruin=0.0):
    result = Outcomes(start, {"ETH": np.array(steps)}, np.array(equity, dtype=float), at_risk)
    return result, result.summary(ruin)


def test_the_summary_and_its_errors():
    _, table = summary([6, 6, 12, 0, 16], [3, 0, -1, 2, -1])
    half = math.sqrt(0.6 * 0.4 / 5)
    assert table.loc["chance of any liquidation"].tolist() == pytest.approx([0.6, half])
    assert table.loc["chance that ETH is liquidated"].tolist() == pytest.approx([0.6, half])
    assert table.loc["chance of ruin"].tolist() == pytest.approx([0.2, math.sqrt(0.2 * 0.8 / 5)])
    losses, equity = np.array([4, 4, 10.0]), np.array([6, 6, 12, 0, 16.0])
    error = losses.std(ddof=1) / math.sqrt(3)
    assert table.loc["loss given liquidation"].tolist() == pytest.approx([6, error])
    error = equity.std(ddof=1) / math.sqrt(5)
    assert table.loc["mean final equity"].tolist() == pytest.approx([8, error])
    assert table.loc["capital efficiency"].tolist() == pytest.approx([-2 / 4, error / 4])
    assert table.loc["worst final equity", "value"] == 0
    names = [f"{share} quantile of final equity" for share in ("5%", "50%", "95%")]
    assert table.loc[names, "value"].tolist() == pytest.approx([1.2, 6, 15.2])
    assert table.loc[[*names, "worst final equity"], "error"].isna().all()


def test_ruin_is_a_share_of_the_start():
    for ruin, chance in ((0, 0.2), (0.5999, 0.2), (0.6, 0.6), (-1, 0)):
        _, table = summary([6, 6, 12, 0, 16], [3, 0, -1, 2, -1], ruin=ruin)
        assert table.loc["chance of ruin", "value"] == pytest.approx(chance)
    for bad in (np.nan, "0", None, [0, 1]):
        with pytest.raises(MarginError, match="ruin must be"):
            summary([1], [-1], ruin=bad)


def test_a_summary_where_little_happened():
    _, table = summary([9, 11], [-1, -1])
    assert table.loc["loss given liquidation"].isna().all()
    assert table.loc["chance of any liquidation"].tolist() == [0, 0]
    _, table = summary([9], [3])
    assert table.loc["loss given liquidation", "value"] == 1
    assert table.loc[["loss given liquidation", "mean final equity"], "error"].isna().all()
    assert np.isnan(Outcomes(1.0, {}, np.ones(3)).summary().loc["capital efficiency", "value"])


def test_money_at_risk_is_what_prices_can_take():
    path = Bars.of_marks({"ETH": [1]})
    own, shared = held(8, margin=4.0, symbol="own", market="ETH"), held(8)
    for positions, at_risk in (([own], 4), ([shared], 3), ([own, shared], 7), ([], 0)):
        result = simulate({"it": account(*positions, balance=3.0)}, path)["it"]
        assert result.at_risk == at_risk


def test_a_fair_game_earns_nothing_whatever_the_leverage():
    market = Market(prices={"ETH": 1}, volatility=1.2, step_hours=24, wicks=True)
    accounts = {x: account(held(x, margin=1.0, leverage=x)) for x in (2, 5, 20)}
    rng, costs = np.random.default_rng(1), Costs(fee_rate=0)
    results = simulate(accounts, market, paths=20_000, steps=30, rng=rng, costs=costs)
    for result in results.values():
        value, error = result.summary().loc["capital efficiency"]
        assert abs(value) < 4 * error and result.liquidated.any()


# What is refused

GOOD = Market(prices={"ETH": 1.0}, volatility=1)
LONG = account(held(8, margin=4.0))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"accounts": [LONG]}, "accounts must be of type Mapping"),
        ({"accounts": {"it": 5}}, "account it must be of type Account, got 5"),
        ({"market": 5}, "market must be of type Market or Bars, got 5"),
        ({"market": [{"ETH": 1}]}, "market must be of type Market or Bars"),
        ({"market": Bars.of_marks({"ADA": [1]})}, r"market must have prices of ETH, got \['ADA'\]"),
        ({"market": Market(prices={"A": 1}, volatility=1)}, "market must have prices of ETH"),
        ({"rng": None}, "rng must be of type Generator, got None"),
        ({"costs": 0.1}, "costs must be of type Costs, got 0.1"),
        ({"costs": None}, "costs must be of type Costs, got None"),
    ]
    + [
        ({name: bad}, f"{name} must be {rule}, got {bad}")
        for name in ("paths", "steps", "chunk")
        for bad, rule in (
            (0, "at least 1"),
            (-1, "at least 1"),
            (2.5, "a whole number"),
            (np.nan, "finite"),
            (np.inf, "finite"),
            ("3", "a number"),
            (True, "a number"),
        )
    ],
)
def test_simulate_refuses(bad, message):
    call = {"accounts": {"it": LONG}, "market": GOOD, "rng": np.random.default_rng(1), **bad}
    accounts, market = call.pop("accounts"), call.pop("market")
    with pytest.raises(MarginError, match=message):
        simulate(accounts, market, **call)


def test_simulate_of_nobody_and_whole_floats():
    assert simulate({}, GOOD, rng=np.random.default_rng(1)) == {}
    call = {"paths": 3.0, "steps": 2.0, "chunk": 2.0, "rng": np.random.default_rng(1)}
    assert simulate({"it": LONG}, GOOD, **call)["it"].equity.shape == (3,)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"account": 5}, "account must be of type Account, got 5"),
        ({"path": 5}, "path must be of type Iterable, got 5"),
        ({"path": GOOD}, "path must be of type Iterable"),
        ({"path": [1.0]}, "marks must be of type Mapping, got 1.0"),
        ({"path": Bars.of_marks({"ADA": [1]})}, "marks must hold a price for ETH"),
        ({"path": Bars.of_marks({"ETH": [[1, 2]]})}, "path must be one"),
        ({"costs": 0.1}, "costs must be of type Costs"),
        ({"fund": np.nan}, "fund must be finite, got nan"),
        ({"fund": -1}, "fund must be at least 0, got -1"),
        ({"fund": "5"}, "fund must be a number, got 5"),
    ],
)
def test_replay_refuses(bad, message):
    call = {"account": LONG, "path": [{"ETH": 1}], **bad}
    with pytest.raises(MarginError, match=message):
        replay(**call)


@pytest.mark.parametrize(
    ("name", "bad", "message"),
    [
        ("fee_rate", -0.1, "fee rate must be at least 0, got -0.1"),
        ("fee_rate", np.nan, "fee rate must be finite"),
        ("fee_rate", "1", "fee rate must be a number"),
        ("funding", 0.1, "funding must be of type Mapping, got 0.1"),
        ("funding", None, "funding must be of type Mapping"),
        ("funding", {"ETH": np.inf}, "funding rate of ETH must be finite"),
        ("funding", {"ETH": None}, "funding rate of ETH must be a number"),
        ("funding_hours", 0, "funding_hours must be above 0"),
        ("interest", [0.1], "interest must be of type Mapping"),
        ("interest", {"ETH": -0.1}, "interest rate of ETH must be at least 0"),
    ],
)
def test_costs_refuse(name, bad, message):
    with pytest.raises(MarginError, match=message):
        Costs(**{name: bad})


# Memory


def used(function):
    """Most memory in use at one time, and what stays in use [byte]."""
    gc.collect()
    tracemalloc.start()
    function()
    gc.collect()
    stays, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most, stays


def test_memory_grows_with_the_results_only():
    market = Market(prices={"ETH": 1.0}, volatility=1, wicks=True)

    def hold(paths):
        rng = np.random.default_rng(1)
        simulate({"it": LONG}, market, paths=paths, steps=20, rng=rng, chunk=2_000)

    hold(10)
    few, many = (used(lambda paths=paths: hold(paths))[0] for paths in (20_000, 80_000))
    results = 60_000 * 24  # a step, an equity and a shortfall for each path
    assert many - few < 3 * results


def test_an_interrupted_simulation_leaves_nothing_behind(monkeypatch, capfd):
    market = Market(prices={"ETH": 1.0}, volatility=1, wicks=True)
    call = {"paths": 4_000, "steps": 50, "chunk": 1_000}
    expected = simulate({"it": LONG}, market, rng=np.random.default_rng(1), **call)["it"].equity
    draw, calls = Market._draw_logs, []

    def interrupted(self, *args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return draw(self, *args)

    def stopped():
        with pytest.raises(KeyboardInterrupt):
            simulate({"it": LONG}, market, rng=np.random.default_rng(1), **call)

    monkeypatch.setattr(Market, "_draw_logs", interrupted)
    _, stays = used(stopped)
    assert stays < 200_000 and len(calls) == 3  # a chunk has 1.6 MB
    assert capfd.readouterr() == ("", "")
    monkeypatch.undo()
    again = simulate({"it": LONG}, market, rng=np.random.default_rng(1), **call)["it"].equity
    assert np.array_equal(again, expected)
