"""Accounts with hedged legs, coins as collateral, currencies and venues' rules: cases, properties.

What the library finds is held against the definitions: equity less requirement at a price, counted
here by hand.
"""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from margin_lib import formulas
from margin_lib.account import Account, Collateral, Position, Risk, coin_party, pooled_risk
from margin_lib.bars import Bars
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.replay import Costs, replay
from margin_lib.simulate import simulate
from tests.support.strategies import NOT_SINGLE, moves, shares, sides

TABLE = Tiers.continuous([(0, 0.01), (500, 0.05), (2000, 0.2)])
JUMPS = Tiers([(0, 0.01), (700, 0.1)])


def leg(symbol, quantity, entry=100.0, market="ETH", leverage=10, margin=None, **how):
    rules = Conventions(**{k: how.pop(k) for k in list(how) if k in Conventions.__slots__})
    contract = Contract(symbol=symbol, market=market, conventions=rules, **how)
    return Position(
        contract=contract, quantity=quantity, entry_price=entry, leverage=leverage, margin=margin
    )


def hedge(long, short, **how):
    how = {"maintenance": 0.005, **how}
    return Account(balance=50, positions=[leg("L", long, **how), leg("S", -short, **how)])


# One market moves as a whole


def test_both_legs_of_a_market_move_with_its_price():
    account = hedge(2, 1)
    for symbol in "LS":
        assert account.bankruptcy_price(symbol, {"ETH": 100}) == pytest.approx(50)
        price = account.liquidation_price(symbol, {"ETH": 100})
        assert account.risk({"ETH": price}).cushion == pytest.approx(0, abs=1e-9)


def test_a_leg_dies_where_its_pocket_does():
    account = hedge(1, 2)
    for symbol in "LS":
        assert account.liquidation_price(symbol, {"ETH": 100}) == pytest.approx(150 / 1.015)
        assert account.bankruptcy_price(symbol, {"ETH": 100}) == pytest.approx(150)
    assert math.isnan(account.liquidation_range("ETH", {"ETH": 100})[0])


def test_a_dead_pocket_has_the_price_at_which_it_would_live_again():
    account = hedge(2, 1)
    for mark in (40.0, 30.0, 1.0):
        assert account.risk({"ETH": mark}).is_liquidatable
        for symbol in "LS":
            assert account.bankruptcy_price(symbol, {"ETH": mark}) == pytest.approx(50)
    assert account.liquidation_range("ETH", {"ETH": 40.0}) == (40, 40)
    lost = dataclasses.replace(hedge(2, 2), balance=-1)
    assert [lost.bankruptcy_price(s, {"ETH": 70.0}) for s in "LS"] == [math.inf, 0]  # never alive


def test_arrays_of_marks_in_hedge_mode_are_their_numbers_one_by_one():
    other = leg("BTC", -1, market="BTC", maintenance=0.1)
    account = dataclasses.replace(hedge(3, 1), positions=(*hedge(3, 1).positions, other))
    marks = {"ETH": np.array([[80.0, 90.0, 200.0]]), "BTC": np.array([[90.0], [110.0]])}
    grid = {name: np.broadcast_to(price, (2, 3)) for name, price in marks.items()}
    low, high = account.liquidation_range("ETH", grid)
    prices = {s: account.liquidation_price(s, grid) for s in ("L", "S", "BTC")}
    zeros = {s: account.bankruptcy_price(s, grid) for s in ("L", "S", "BTC")}
    for i in range(2):
        for j in range(3):
            here = {name: price[i, j] for name, price in grid.items()}
            assert (low[i, j], high[i, j]) == pytest.approx(
                account.liquidation_range("ETH", here), nan_ok=True
            )
            for symbol, found in prices.items():
                one = account.liquidation_price(symbol, here)
                assert found[i, j] == pytest.approx(one, nan_ok=True)
                one = account.bankruptcy_price(symbol, here)
                assert zeros[symbol][i, j] == pytest.approx(one, nan_ok=True)


def test_only_other_marks_may_be_arrays():
    other = leg("BTC", -1, market="BTC", maintenance=0.1)
    account = dataclasses.replace(hedge(3, 1), positions=(*hedge(3, 1).positions, other))
    many = account.liquidation_price("L", {"ETH": 100, "BTC": [90.0, 110.0]})
    for price, mark in zip(many, (90.0, 110.0), strict=True):
        assert price == account.liquidation_price("L", {"ETH": 100, "BTC": mark})


# Coins as collateral


def test_coins_open_positions():
    account = Account(balance=60_000).holding("BTC", 1, 60_000)
    marks = {"BTC": 60_000.0}
    assert (account.balance, account.collateral[0].amount) == (0, 1)
    assert account.available_balance(marks) == 60_000
    assert account.risk(marks).effective_leverage == 0
    eth = Contract(symbol="ETH")
    for mode in ("cross", "isolated"):
        opened, _ = account.open(eth, quantity=10, price=1000, leverage=10, mode=mode, marks=marks)
        assert opened.available_balance({**marks, "ETH": 1000}) == 59_000
        assert opened.equity({**marks, "ETH": 1000}) == 60_000
    assert opened.balance == -1000  # the margin is owed, the coins carry it
    with pytest.raises(MarginError, match="available balance"):
        account.open(eth, quantity=601, price=1000, leverage=10, marks=marks)


def test_the_liquidation_price_moves_with_its_collateral():
    long = leg("ETH", 10, 2000, maintenance=0.005, maintenance_at="entry")
    account = Account(balance=0, positions=[long], collateral=[Collateral(coin="ETH", amount=2)])
    for mark in (1600.0, 2000.0, 9000.0):
        assert account.liquidation_price("ETH", {"ETH": mark}) == pytest.approx(1675)
        assert account.bankruptcy_price("ETH", {"ETH": mark}) == pytest.approx(20_000 / 12)


def test_two_assets_with_buffers_carry_contracts_of_two_currencies():
    """Binance, multi-assets mode: equity 416.02, available 76.525, margin ratio 47.98 %."""
    btc = leg("BTCUSDT", 0.5, 20_000, "BTC", 100, maintenance=0.008, settle="USDT")
    eth = leg("ETHUSDC", 20, 600, "ETH", 50, maintenance=0.01, settle="USDC")
    usdt = Collateral(coin="USDT", amount=200, ratio=0.9801, buying=0.99495)
    account = Account(balance=220, positions=[btc, eth], collateral=[usdt])
    risk = account.risk({"BTC": 20_000, "ETH": 600, "USDT": 1})
    assert risk.equity == pytest.approx(416.02)
    assert risk.available == pytest.approx(76.525)
    assert risk.margin_ratio == pytest.approx(0.47977501081678764)
    loss = account.risk({"BTC": 19_000, "ETH": 600, "USDT": 1})  # 300 below zero: bought for it
    assert loss.equity == pytest.approx(220 - 300 * 0.99495)


def test_an_index_may_hold_what_a_buffer_is_a_share_of():
    usdt = Collateral(coin="USDT", amount=200, ratio=0.99, buying=1.005)
    assert usdt.risk(0.99).equity == pytest.approx(200 * 0.9801)
    owed = dataclasses.replace(usdt, amount=-200)
    assert owed.risk(0.99).equity == pytest.approx(-200 * 0.99495)


def test_a_ratio_by_rows_counts_each_part_of_the_value():
    """Bitget: 10 BTC at 60,000 count 582,000."""
    rows = [(0, 0.975), (100_000, 0.97), (500_000, 0.965)]
    coins = Collateral(coin="BTC", amount=10, ratio=rows)
    assert coins.risk(60_000).equity == pytest.approx(582_000)
    assert coins.risk([60_000, 10_000]).equity == pytest.approx([582_000, 97_500])
    assert coins.worth(60_000) == coins.notional(60_000) == 600_000
    assert hash(coins) == hash(Collateral(coin="BTC", amount=10, ratio=tuple(rows)))
    nothing = Collateral(coin="BTC", amount=10, ratio=[(0, 1), (100, 0)])
    assert nothing.risk(60_000).equity == 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ratio": 1.01}, "BTC ratio must be at most 1, got 1.01"),
        ({"ratio": -0.1}, "BTC ratio must be at least 0"),
        ({"ratio": []}, "BTC ratio must start with a floor of 0"),
        ({"ratio": [(5, 0.9)]}, "BTC ratio must start with a floor of 0"),
        ({"ratio": [(0, 0.9), (10, 0.95)]}, "BTC ratio must be at most 0.9, got 0.95"),
        ({"ratio": [(0, 0.9), (10, 0.8), (10, 0.7)]}, "BTC floor must be above 10"),
        ({"buying": 0}, "BTC buying must be above 0"),
        *(({"amount": bad}, "BTC amount must") for bad in NOT_SINGLE),
        *(({"buying": bad}, "BTC buying must") for bad in NOT_SINGLE),
    ],
)
def test_collateral_is_checked_when_made(changes, message):
    with pytest.raises(MarginError) as caught:
        Collateral(**{"coin": "BTC", "amount": 1, **changes})
    assert str(caught.value).startswith(message)


def test_coins_are_there_once():
    coins = Collateral(coin="BTC", amount=1)
    with pytest.raises(MarginError, match="collateral must hold a coin once"):
        Account(balance=0, collateral=[coins, coins])
    with pytest.raises(MarginError, match="marks must hold a price for BTC"):
        Account(balance=0, collateral=[coins]).risk({})
    with pytest.raises(MarginError, match="symbol must be one the account holds"):
        Account(balance=0, collateral=[coins])["BTC held"]


def test_a_debt_in_the_balance_can_be_carried_by_coins():
    account = Account(balance=-10, collateral=[Collateral(coin="BTC", amount=1)])
    assert account.equity({"BTC": 50}) == 40
    assert not account.risk({"BTC": 50}).is_liquidatable
    assert account.risk({"BTC": 9}).is_liquidatable


# One currency


def test_dollars_and_coins_do_not_add_up():
    linear, inverse = (
        leg("BTCUSDT", 1, market="BTC"),
        leg("BTCUSD", 100, market="BTC", inverse=True),
    )
    rule = "positions must settle in the balance's currency or, in cross, in coins held"
    for positions in ([linear, inverse], [inverse, linear]):
        with pytest.raises(MarginError, match=rule):
            Account(balance=10, positions=positions)
    ether = leg("ETHUSD", 100, inverse=True)
    with pytest.raises(MarginError, match=r"got \['BTC', 'ETH'\]"):
        Account(balance=10, positions=[inverse, ether])
    with pytest.raises(MarginError, match=rule):  # of which currency is the balance?
        Account(balance=1, positions=[inverse], collateral=[Collateral(coin="ETH", amount=1)])
    alone = Account(balance=100, positions=[linear])
    order = {"quantity": 100, "price": 100, "leverage": 5, "marks": {"BTC": 100}}
    with pytest.raises(MarginError, match=rule):
        alone.open(inverse.contract, mode="cross", **order)


def test_a_coin_margined_contract_is_carried_by_its_coins_at_their_mark():
    inverse = leg("BTCUSD", -60_000, 60_000, "BTC", inverse=True, maintenance=0.01)
    coins = Collateral(coin="BTC", amount=1)
    account = Account(balance=0, positions=[inverse], collateral=[coins])
    for price in (30_000.0, 60_000.0, 200_000.0):  # a short of one coin: worth 60,000 whatever is
        risk = account.risk({"BTC": price})
        assert risk.equity == pytest.approx(60_000)
        assert risk.maintenance_margin == pytest.approx(600)
    assert math.isnan(account.liquidation_price("BTCUSD", {"BTC": 60_000}))
    larger = leg("BTCUSD", -180_000, 60_000, "BTC", inverse=True, maintenance=0.01)
    account = Account(balance=0, positions=[larger], collateral=[coins])
    price = account.liquidation_price("BTCUSD", {"BTC": 60_000})
    assert account.risk({"BTC": price}).cushion == pytest.approx(0, abs=1e-6)
    assert account.bankruptcy_price("BTCUSD", {"BTC": 60_000}) == pytest.approx(90_000)


def test_what_settles_in_a_coin_is_paid_in_it():
    contract = Contract(symbol="BTCUSDT", market="BTC", settle="USDT", taker_fee=0.01)
    usdt = Collateral(coin="USDT", amount=100, ratio=0.5, buying=2)
    account = Account(balance=100, collateral=[usdt])
    marks = {"BTC": 10.0, "USDT": 1.0}
    order = {"quantity": 10, "price": 10, "leverage": 2, "mode": "cross", "marks": marks}
    opened, event = account.open(contract, **order)
    assert event.transfers == {coin_party("USDT"): -1, "exchange": 1}
    assert opened.collateral[0].amount == 99
    assert opened.available_balance(marks) == pytest.approx(100 + 49.5 - 2 * 50)
    paid, event = opened.pay_funding({"BTCUSDT": 0.1}, marks)
    assert event.transfers == {"other traders": 10, coin_party("USDT"): -10}
    closed, event = paid.close("BTCUSDT", price=12, marks=marks)
    assert event.transfers == pytest.approx(
        {coin_party("USDT"): 18.8, "market": -20, "exchange": 1.2}
    )
    assert closed.collateral[0].amount == pytest.approx(107.8)
    assert closed.balance == 100
    largest = account.largest_order(contract, price=10, leverage=2, mode="cross", marks=marks)
    assert largest == pytest.approx(75 / (5 + 0.1))
    with pytest.raises(MarginError, match="must settle in"):
        account.open(contract, **{**order, "mode": "isolated"})


# Conventions


def test_initial_margin_may_stay_at_entry():
    """BingX: 6,000, then 4,200; Bybit: 440."""
    book = {"initial_at": "entry"}
    first = leg("L", 2, 10_000, **book)
    account = Account(balance=10_000, positions=[first])
    assert account.available_balance({"ETH": 9000}) == 6000
    account = Account(balance=10_000, positions=[first, leg("S", -2, 9000, **book)])
    assert account.available_balance({"ETH": 9000}) == 4200
    legs = [leg("L", 2, 10_000, leverage=100, **book), leg("S", -4, 9000, leverage=100, **book)]
    assert Account(balance=3000, positions=legs).available_balance({"ETH": 9000}) == 440
    assert first.risk([9000, 10_000]).initial_margin.tolist() == [2000, 2000]


def test_hedged_legs_may_cover_each_other():
    risks = {}
    for hedged in ("both", "larger", "net"):
        how = {"hedged": hedged, "maintenance": TABLE, "taker_fee": 0.001, "closing_fee": True}
        risks[hedged] = hedge(8, 3, **how).risk({"ETH": 100})
    assert risks["both"].maintenance_margin == pytest.approx((40 - 20) + 3 + 1.1)
    assert risks["larger"].maintenance_margin == pytest.approx(20 + 0.8)
    assert risks["net"].maintenance_margin == pytest.approx(5 + 1.1)
    found = [risk.initial_margin for risk in risks.values()]
    assert found == pytest.approx([110, 80, 50])
    assert {risk.notional for risk in risks.values()} == {1100}
    whole = hedge(3, 3, hedged="net", maintenance=0.01, taker_fee=0.001, closing_fee=True)
    assert whole.risk({"ETH": [100, 200]}).maintenance_margin.tolist() == pytest.approx([0.6, 1.2])
    alone = Account(balance=5, positions=[leg("L", 2, hedged="larger", maintenance=0.01)])
    assert alone.risk({"ETH": 100}).maintenance_margin == 2


def test_profit_may_back_its_own_position_alone():
    """A gain of ADA does not save ETH before it is realised."""
    for profit, lives in (("backs all", True), ("backs itself", False)):
        eth = leg("ETH", 10, 100, "ETH", profit=profit, maintenance=0.01)
        ada = leg("ADA", 10, 100, "ADA", profit=profit, maintenance=0.01)
        account = Account(balance=100, positions=[eth, ada])
        marks = {"ETH": 85.0, "ADA": 130.0}
        risk = account.risk(marks)
        assert risk.equity == 100 - 150 + 300
        assert bool(risk.is_liquidatable) is not lives
        assert risk.idle == (0 if lives else 300 - 13)
        edge = account.liquidation_price("ETH", marks)
        assert account.risk({**marks, "ETH": edge}).cushion == pytest.approx(0, abs=1e-9)
        assert (edge < 85) is lives
    marks = {"ETH": 95.0, "ADA": 130.0}
    assert account.available_balance(marks) == pytest.approx(100 - 50 + 13 - 95 - 130)
    alone = Account(balance=100, positions=[eth])
    for mark in (95.0, 120.0):
        assert alone.liquidation_price("ETH", {"ETH": mark}) == pytest.approx(900 / 9.9)


@pytest.mark.parametrize(
    ("word", "value"),
    [("initial_at", "today"), ("hedged", "none"), ("profit", ""), ("maintenance_at", None)],
)
def test_an_unknown_convention_is_refused(word, value):
    with pytest.raises(MarginError) as caught:
        Conventions(**{word: value})
    assert caught.value.name == word and caught.value.rule.startswith("must be '")


@pytest.mark.parametrize("kept", [-0.1, *NOT_SINGLE])
def test_what_is_kept_is_a_share(kept):
    with pytest.raises(MarginError, match="^kept must"):
        Conventions(kept=kept)


# Properties of any account

quantities = shares(0.2, 20.0)
tables = st.sampled_from([0.0, 0.02, TABLE, JUMPS])


@st.composite
def unified(draw):
    """Legs in two markets, hedged or not, one or two coins, one profit rule; marks of all."""
    rules = {
        "hedged": draw(st.sampled_from(["both", "larger", "net"])),
        "profit": draw(st.sampled_from(["backs all", "backs itself"])),
        "maintenance_at": draw(st.sampled_from(["mark", "mark", "entry", "today"])),
        "closing_fee": draw(st.booleans()),
        "taker_fee": 0.001,
    }
    # In quote money, in USDT beside it, in an abstract coin alone, or each in its coin beside it.
    settle = draw(st.sampled_from(["quote", "USDT", "coin", ""]))
    inverse = settle in ("coin", "")
    table = draw(tables)  # of both sides, so that the table's jumps are those of one contract
    positions = []
    for symbol, market in (("L", "ETH"), ("S", "ETH"), ("B", "BTC")):
        if symbol == "L" or draw(st.booleans()):
            side = {"L": 1, "S": -1}.get(symbol) or draw(sides)
            quantity = side * draw(quantities) * (100 if inverse else 1)
            how = {**rules, "maintenance": table, "settle": settle, "inverse": inverse}
            positions.append(leg(symbol, quantity, 100 * draw(shares(0.7, 1.4)), market, **how))
    coins = []
    ratios = st.sampled_from([1.0, 0.9, ((0, 0.95), (100, 0.8), (400, 0.5))])
    for coin, needed in (("ETH", not settle), ("BTC", not settle), ("USDT", settle == "USDT")):
        if needed or settle != "coin" and draw(st.booleans()):
            amount = draw(shares(-100.0, 400.0)) / (1 if coin == "USDT" else 100)
            buying = draw(st.sampled_from([1.0, 1.05]))
            coins.append(Collateral(coin=coin, amount=amount, ratio=draw(ratios), buying=buying))
    account = Account(balance=draw(shares(0.0, 900.0)), positions=positions, collateral=coins)
    marks = {"ETH": 100 * draw(shares(0.6, 1.6)), "BTC": 100 * draw(shares(0.6, 1.6)), "USDT": 1.0}
    return account, marks


def scale(account, marks):
    """Money that passes through the sums, for roundings."""
    held = sum(p.notional(p.mark(marks)) + p.notional(p.entry_price) for p in account.positions)
    return abs(account.balance) + held + sum(c.notional(c.mark(marks)) for c in account.collateral)


def counted(account, marks, market, price):
    """Cushion and equity at a price, maintenance frozen at today's mark where it is."""
    there = {**marks, market: price}
    risk = account.risk(there)
    frozen = [
        p.maintenance_margin(marks[market]) - p.maintenance_margin(price)
        for p in account.cross
        if p.contract.market == market and p.contract.conventions.maintenance_at == "today"
    ]
    return risk, sum(frozen)


@given(unified())
def test_every_stated_price_is_a_zero_and_the_pocket_dies_there(book):
    account, marks = book
    for symbol in [p.symbol for p in account.positions]:
        position = account[symbol]
        market, today = position.contract.market, position.contract.conventions
        if today.maintenance_at == "today":
            continue  # counted with the oracle of frozen sums below
        jumps = position.contract.maintenance.jumps
        for ask, of in (
            (account.liquidation_price, "cushion"),
            (account.bankruptcy_price, "equity"),
        ):
            price = ask(symbol, marks)
            if math.isnan(price) or not 1e-3 < price / marks[market] < 1e3:
                continue
            left, right = (
                getattr(account.risk({**marks, market: price * side}), of)
                for side in (1 - 1e-9, 1 + 1e-9)
            )
            room = 1e-7 * scale(account, {**marks, market: price})
            if jumps and of == "cushion":
                assert min(left, right) <= room and max(left, right) >= -room
            else:
                at = getattr(account.risk({**marks, market: price}), of)
                assert at == pytest.approx(0, abs=room)


@given(unified())
def test_between_the_two_prices_it_lives_and_just_beyond_it_does_not(book):
    account, marks = book
    assume(all(p.contract.conventions.maintenance_at != "today" for p in account.positions))
    for market in {p.contract.market for p in account.cross}:
        low, high = account.liquidation_range(market, marks)
        now = marks[market]
        if account.risk(marks).cushion <= 0:
            assert (low, high) == pytest.approx((now, now))
            continue
        inside = np.geomspace(
            low if low == low else now / 1e3, high if high == high else now * 1e3, 199
        )[1:-1]
        there = {**marks, market: inside}
        assert np.all(account.risk(there).cushion >= -1e-9 * scale(account, there))
        for edge, side in ((low, -1), (high, 1)):
            if edge == edge:
                beyond = {**marks, market: edge * (1 + side * 1e-9)}
                assert account.risk(beyond).cushion <= 1e-7 * scale(account, beyond)


@given(unified(), st.lists(shares(0.5, 2.0), min_size=2, max_size=4))
def test_an_array_of_marks_is_its_numbers(book, steps):
    account, marks = book
    many = {m: price * np.array(steps) for m, price in marks.items()}
    for symbol in [p.symbol for p in account.positions]:
        prices = np.broadcast_to(account.liquidation_price(symbol, many), len(steps))
        for i, step in enumerate(steps):
            one = account.liquidation_price(symbol, {m: p * step for m, p in marks.items()})
            assert prices[i] == pytest.approx(one, rel=1e-7, nan_ok=True)
    risk = account.risk(many)
    for i, step in enumerate(steps):
        one = account.risk({m: p * step for m, p in marks.items()})
        for name in ("equity", "cushion", "available", "notional"):
            found = np.broadcast_to(getattr(risk, name), len(steps))[i]
            assert found == pytest.approx(getattr(one, name), rel=1e-9, abs=1e-9)


@given(unified(), st.lists(st.lists(moves, min_size=3, max_size=3), min_size=4, max_size=4),
       st.sampled_from([None, 0.0, 0.01]))  # fmt: skip
def test_simulated_is_replayed_with_coins_and_every_rule(book, paths, fee_rate):
    account, marks = book
    assume(not account.risk(marks).is_liquidatable)
    factors = np.cumprod(np.array(paths).T, axis=0)
    close = {m: price * (factors if m == "ETH" else factors[:, ::-1]) for m, price in marks.items()}
    close["USDT"] = np.ones_like(factors)
    bars, costs = Bars.of_marks(close), Costs(fee_rate=fee_rate)
    simulated = simulate({"mine": account}, bars, costs=costs)["mine"]
    for path in range(bars.paths):
        walk = replay(account, bars.path(path), costs)
        room = 1e-9 * scale(account, walk.marks)
        assert simulated.equity[path] == pytest.approx(walk.equity[-1], abs=room)
        died = [step for step, _ in walk.liquidations] or [-1]
        assert {int(step[path]) for step in simulated.step.values()} == {died[0]}


@given(unified())
def test_a_pool_says_what_the_account_says(book):
    account, marks = book
    risk = pooled_risk(account.balance, account.holdings, marks)
    assert risk == account.risk(marks)
    plain = all(p.contract.conventions.hedged == "both" for p in account.positions)
    if plain and not account.collateral:
        assert risk.equity == pytest.approx(
            account.balance + sum(p.pnl(p.mark(marks)) for p in account.positions)
        )
    assert risk.idle >= 0 and risk.backing <= risk.equity
    assert isinstance(risk, Risk)


@pytest.mark.parametrize("hedged", ["both", "larger", "net"])
def test_what_is_frozen_today_is_frozen_for_what_a_hedge_lets_off_too(hedged):
    how = {"hedged": hedged, "maintenance": 0.02, "taker_fee": 0.001, "closing_fee": True}
    account = hedge(8, 3, maintenance_at="today", **how)
    for today in (98.0, 100.0, 130.0):
        asked = account.risk({"ETH": today}).maintenance_margin
        price = account.liquidation_price("L", {"ETH": today})
        assert account.risk({"ETH": price}).equity == pytest.approx(asked)


@given(shares(0.1, 3.0), shares(1e-4, 1e-2), st.booleans(), sides)
def test_a_rate_that_grows_with_the_size_is_reached_at_the_price(share, growth, inverse, side):
    how = {"maintenance": 0.01, "growth": growth, "inverse": inverse, "settle": "one"}
    long = leg("L", side * (1000 if inverse else 10), **how)
    money = share * long.notional(100.0) / 10
    alone = Account(balance=money, positions=[long])
    both = dataclasses.replace(alone, positions=(long, leg("S", -long.quantity / 4, **how)))
    for account in (alone, both):
        price = account.liquidation_price("L", {"ETH": 100.0})
        if account.risk({"ETH": 100.0}).cushion > 0 and 0.1 < price < 1e4:
            there = account.risk({"ETH": price})
            assert there.cushion == pytest.approx(0, abs=1e-6 * there.notional)


def test_small_legs_cover_each_other_and_equality_still_kills():
    rules = {"hedged": "net", "maintenance": 0.5}
    assert hedge(0.5, 0.5, **rules).risk({"ETH": 100}).maintenance_margin == 0
    exact = Account(balance=25, positions=[leg("L", 1, **rules), leg("S", -0.5, **rules)])
    assert exact.risk({"ETH": 100}) == Risk(25, 150, 5, 25)
    assert exact.risk({"ETH": 100}).is_liquidatable


def test_coins_say_what_they_are_and_refuse_what_is_no_price():
    coins = Collateral(coin="BTC", amount=2)
    assert (coins.contract.settle, coins.contract.market) == ("BTC", "BTC")
    with pytest.raises(MarginError, match="BTC price must be above 0"):
        coins.risk(0)
    with pytest.raises(MarginError, match="^price must be above 0"):
        Account(balance=1).holding("BTC", 0.5, price=0)
    with pytest.raises(MarginError, match="^value must be finite"):
        formulas.counted_collateral(math.nan, coins.rows)


def test_coins_with_just_the_requirement_are_liquidated_and_only_below_it_where_rules_say():
    """10 coins of notional ask for one, and one is there."""
    for at_equality in (True, False):
        rules = Conventions(at_equality=at_equality)
        held = Position(
            contract=Contract(symbol="X", maintenance=0.1, settle="BTC", conventions=rules),
            quantity=1,
            entry_price=10,
            leverage=5,
        )
        account = Account(
            balance=0, positions=[held], collateral=[Collateral(coin="BTC", amount=1)]
        )
        assert account.risk({"X": 10, "BTC": 100}).cushion == 0
        assert account.risk({"X": 10, "BTC": 100}).is_liquidatable == at_equality


def test_profit_that_backs_itself_ends_at_a_price_that_is_found():
    """Bought at 60: from there on profit carries nothing, and 8 are lost at 52."""
    rules = Conventions(profit="backs itself")
    held = Position(
        contract=Contract(symbol="ETH", conventions=rules), quantity=1, entry_price=60, leverage=5
    )
    account = Account(balance=8, positions=[held])
    assert account.liquidation_price("ETH", {"ETH": 100}) == pytest.approx(52)


KINDS = {
    "plain": {"maintenance": 0.02},
    "rows": {"maintenance": Tiers.continuous([(0, 0.01), (500, 0.05), (900, 0.1)])},
    "jumps": {"maintenance": Tiers([(0, 0.01), (500, 0.05), (900, 0.1)])},
    "fee counted": {"taker_fee": 0.01, "conventions": Conventions(closing_fee=True)},
    "frozen at entry": {"maintenance": 0.02, "conventions": Conventions(maintenance_at="entry")},
    "frozen today": {"maintenance": 0.02, "conventions": Conventions(maintenance_at="today")},
    "opened at entry": {"conventions": Conventions(initial_at="entry")},
    "growing": {"maintenance": 0.02, "growth": 0.001},
    "inverse": {"maintenance": 0.02, "inverse": True},
    "inverse, growing": {"maintenance": 0.02, "inverse": True, "growth": 0.001},
    "by 10": {"maintenance": 0.02, "size": 10.0},
}
ASKED = {
    "notional": lambda p, x: p.notional(x),
    "pnl": lambda p, x: p.pnl(x),
    "funding at a price": lambda p, x: p.funding(x, 0.01),
    "funding at a rate": lambda p, x: p.funding(9, x / 1000),
    "maintenance margin": lambda p, x: p.maintenance_margin(x),
    "break-even price": lambda p, x: p.break_even_price(x / 100, 0.001),
    "liquidation price": lambda p, x: p.liquidation_price(x),
    "liquidation price today": lambda p, x: p.liquidation_price(5, x),
    "equity": lambda p, x: p.risk(x).equity,
    "initial margin": lambda p, x: p.risk(x).initial_margin,
    "required": lambda p, x: p.risk(x).maintenance_margin,
    "ratio": lambda p, x: p.risk(x).margin_ratio,
    "effective leverage": lambda p, x: p.risk(x).effective_leverage,
    "available": lambda p, x: p.risk(x).available,
    "dead": lambda p, x: p.risk(x).is_liquidatable,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [1, -1])
def test_whatever_is_asked_of_a_position_an_array_is_its_numbers(kind, side):
    contract = Contract(symbol="ETH", **KINDS[kind])
    held = Position(contract=contract, quantity=side * 60, entry_price=10, leverage=5, margin=12.0)
    asked = np.array([[4.0, 8.0], [10.0, 25.0]])
    for name, call in ASKED.items():
        many = call(held, asked)
        one_by_one = [[call(held, x) for x in row] for row in asked.tolist()]
        np.testing.assert_array_equal(np.broadcast_to(many, (2, 2)), one_by_one, err_msg=name)


@pytest.mark.parametrize("amount", [3.0, -3.0, 0.0])
def test_whatever_is_asked_of_coins_an_array_is_its_numbers(amount):
    coins = Collateral(coin="BTC", amount=amount, ratio=[(0, 0.9), (30, 0.5)], buying=1.1)
    asked = np.array([4.0, 10.0, 25.0])
    for call in (
        lambda x: coins.notional(x),
        lambda x: coins.worth(x),
        lambda x: coins.risk(x).equity,
        lambda x: coins.risk(x).notional,
        lambda x: Account(balance=1, collateral=[coins]).risk({"BTC": x}).is_liquidatable,
    ):
        assert call(asked).tolist() == [call(x) for x in asked.tolist()]


def test_on_the_way_coins_that_count_by_rows_are_sold_where_the_pocket_dies():
    """10 coins count for 500 down to a price of 50, and at 30 for the debt of 300 alone."""
    coins = Collateral(coin="BTC", amount=10, ratio=[(0, 1), (500, 0)])
    held = Position(contract=Contract(symbol="ETH"), quantity=1, entry_price=100, leverage=2)
    account = Account(balance=-300, positions=[held], collateral=[coins])
    first, last = np.array([[100.0]]), np.array([[20.0]])
    still = {"ETH": first, "BTC": first}
    fallen = {"ETH": first, "BTC": last}
    bars = Bars(open=still, high=still, low=fallen, close=fallen)
    ((event,),) = replay(account, bars).events
    assert event.received("insurance fund") == pytest.approx(0)
    assert event.received("market") == pytest.approx(10 - 10 * 30)
