"""Orders as people give them: turned round, cut, at another leverage, away from the mark, as large
as can be; and what may be taken out again."""

import copy
import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib import formulas
from margin_lib.account import Account, Collateral, Position, coin_party, margin_party
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.plans import TopUp
from tests.support.strategies import NOT_SINGLE, shares, sides

ETH = Contract(symbol="ETH", maintenance=0.005)
DEAR = Contract(symbol="ETH", maintenance=0.005, taker_fee=0.00045)
CAPPED = Contract(
    symbol="ETH", maintenance=Tiers.continuous([(0, 0.01, 50), (1000, 0.02, 20), (5000, 0.1, 5)])
)


def opened(quantity, price, contract=ETH, balance=1000.0, mode="isolated", leverage=10):
    account, _ = Account(balance=balance).open(
        contract, quantity=quantity, price=price, leverage=leverage, mode=mode
    )
    return account


# One order


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_a_larger_buy_turns_a_short_round(mode):
    """NautilusTrader: 374.7 long at the fill, the profit of 1.1 alone is realised."""
    short = opened(-1.1, 2.7810247713884997, mode=mode)
    account, event = short.trade(ETH, quantity=375.8, price=2.662)
    assert account["ETH"].quantity == pytest.approx(374.7, rel=1e-12)
    assert (account["ETH"].entry_price, account["ETH"].mode) == (2.662, mode)
    assert -event.received("market") == pytest.approx(0.13092724852734966, rel=1e-9)
    assert event.kind == "turned" and math.fsum(event.transfers.values()) == pytest.approx(0)
    assert account.wallet_balance == pytest.approx(1000.13092724852734966)


def test_an_order_opens_adds_or_closes_what_it_can():
    account, event = Account(balance=1000.0).trade(ETH, quantity=2, price=100, leverage=10)
    assert (event.kind, account["ETH"].mode) == ("opened", "isolated")
    account, event = account.trade(ETH, quantity=1, price=100)
    assert (event.kind, account["ETH"].quantity, account["ETH"].leverage) == ("opened", 3, 10)
    account, event = account.trade(ETH, quantity=-1, price=100)
    assert (event.kind, account["ETH"].quantity) == ("closed", 2)
    account, event = account.trade(ETH, quantity=-2 * (1 + 1e-15), price=100)
    assert (event.kind, account.positions, account.balance) == ("closed", (), 1000)
    with pytest.raises(MarginError, match="leverage must be given where nothing is open"):
        account.trade(ETH, quantity=1, price=100)


def test_the_part_that_opens_may_have_another_leverage_and_mode():
    account, _ = opened(-1, 100).trade(ETH, quantity=3, price=100, leverage=4, mode="cross")
    assert (account["ETH"].quantity, account["ETH"].leverage) == (2, 4)
    assert account["ETH"].mode == "cross" and account.balance == 1000


def test_reduce_only_is_cut_to_what_is_open():
    account, event = opened(1, 100).trade(ETH, quantity=-3, price=100, reduce_only=True)
    assert (event.kind, account.positions) == ("closed", ())
    for held in (opened(1, 100), Account(balance=9)):
        with pytest.raises(MarginError, match="quantity must reduce what is open, got 1"):
            held.trade(ETH, quantity=1, price=100, leverage=2, reduce_only=True)


def test_an_order_that_cannot_be_done_whole_leaves_everything():
    """The close alone could be done; the new side needs more than is there."""
    account = opened(4.5, 2000, balance=1000.0)
    before = copy.deepcopy(account)
    for change in ({"quantity": -50}, {"price": 0}, {"price": math.nan}, {"quantity": math.inf}):
        with pytest.raises(MarginError):
            account.trade(ETH, **{"quantity": -6, "price": 1900, **change})
    assert account == before


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_more_at_another_leverage_asks_for_its_own_margin(mode):
    """MetaMask: 3.43 stay; 15 more at 28x put 0.5357 to them."""
    account = opened(0.686, 100, balance=100.0, mode=mode, leverage=20)
    after, _ = account.open(ETH, quantity=0.15, price=100, leverage=28, mode=mode)
    assert (after["ETH"].leverage, after["ETH"].quantity) == pytest.approx((28, 0.836))
    if mode == "isolated":
        assert after["ETH"].margin == pytest.approx(3.43 + 15 / 28)
    else:
        assert after.available_balance({"ETH": 100}) == pytest.approx(100 - 83.6 / 28)


def test_more_at_a_lower_leverage_asks_anew_for_the_whole_in_cross():
    account = opened(10, 100, balance=150.0, mode="cross")
    with pytest.raises(MarginError, match="must not exceed the available balance 50"):
        account.open(ETH, quantity=1, price=100, leverage=5, mode="cross")
    after, _ = account.open(ETH, quantity=1, price=100, leverage=8, mode="cross")
    assert after.available_balance({"ETH": 100}) == pytest.approx(150 - 1100 / 8)


# A fill away from the mark


@pytest.mark.parametrize(
    ("quantity", "price", "mark", "cost"),
    [
        (1, 102_990.0, 102_988.4, 5151.1),  # Aster
        (-1, 9253.30, 9259.84, 469.205),  # OrangeX
        (1, 100.0, 101.0, 5),  # below the mark: no loss
    ],
)
def test_an_order_costs_margin_and_the_loss_of_being_filled(quantity, price, mark, cost):
    order = {"quantity": quantity, "price": price, "leverage": 20, "marks": {"ETH": mark}}
    account = Account(balance=cost + 0.001)
    assert account.order_cost(ETH, **order) == pytest.approx(cost)
    after, _ = account.open(ETH, **order)
    assert after.equity({"ETH": mark}) == pytest.approx(account.balance + quantity * (mark - price))
    with pytest.raises(MarginError, match="margin and fee must not exceed the available balance"):
        Account(balance=cost - 0.001).open(ETH, **order)


def test_an_order_costs_its_fee_too():
    order = {"quantity": 10, "price": 100, "leverage": 5}
    assert Account(balance=0).order_cost(DEAR, **order) == pytest.approx(200.45)


def test_a_stop_may_be_filled_beyond_the_liquidation_price():
    account = opened(10, 100)  # dies at 90.45
    after, _ = account.close("ETH", price=90.2, marks={"ETH": 91.0})
    assert after.balance == pytest.approx(1000 - 98)
    with pytest.raises(MarginError, match="equity behind ETH must stay above"):
        account.close("ETH", price=90.2)
    with pytest.raises(MarginError, match="equity after the closing fee must be at least 0"):
        account.close("ETH", price=89, marks={"ETH": 91.0})


# The largest order


def test_the_largest_order_pays_its_fee():
    """MetaMask: 2 USD at 3x with a fee of 0.045 % carry 5.9919."""
    account = Account(balance=2)
    for mode in ("isolated", "cross"):
        most = account.largest_order(DEAR, price=1, leverage=3, mode=mode)
        assert most == pytest.approx(5.991910920257652)
        account.open(DEAR, quantity=most, price=1, leverage=3, mode=mode)
        with pytest.raises(MarginError, match="available balance"):
            account.open(DEAR, quantity=most * (1 + 1e-9), price=1, leverage=3, mode=mode)


def test_a_table_caps_the_largest_order():
    account = Account(balance=10_000)
    for leverage, most in ((50, 1000), (30, 1000), (20, 5000), (10, 5000), (5, 50_000)):
        found = account.largest_order(CAPPED, price=10, leverage=leverage)
        assert 10 * found == pytest.approx(most)
        account.open(CAPPED, quantity=found, price=10, leverage=leverage)
    assert account.largest_order(CAPPED, price=10, leverage=51) == 0
    held, _ = account.open(CAPPED, quantity=60, price=10, leverage=50)
    assert held.largest_order(CAPPED, price=10, leverage=50) == pytest.approx(40)
    assert held.largest_order(CAPPED, price=10, leverage=50, side=-1) == pytest.approx(-160)


@pytest.mark.parametrize("side", [0, 2, "buy", math.nan])
def test_a_side_is_to_buy_or_to_sell(side):
    with pytest.raises(MarginError, match="side must be 1 or -1"):
        Account(balance=1).largest_order(ETH, price=1, leverage=1, side=side)


@given(
    shares(1.0, 1e4), shares(0.01, 1e3), st.integers(1, 50), shares(0.0, 0.01), shares(0.98, 1.02),
    sides, st.sampled_from(["isolated", "cross"]), st.booleans(), shares(-0.4, 0.4),
)  # fmt: skip
def test_the_largest_order_is_accepted_and_a_larger_one_is_not(
    balance, price, leverage, fee, gap, side, mode, inverse, held
):
    contract = Contract(symbol="ETH", taker_fee=fee, inverse=inverse)
    account, marks = Account(balance=balance), {"ETH": price * gap}
    if held:
        value = held * balance
        first = {"quantity": value * price if inverse else value / price, "price": price}
        account, _ = account.open(contract, **first, leverage=leverage, mode=mode)
    order = {"price": price, "leverage": leverage, "mode": mode, "marks": marks}
    try:
        most = account.largest_order(contract, **order, side=int(side))
        after, _ = account.trade(contract, quantity=most, **order)
    except MarginError as error:  # filled so far from the mark that nothing would be left
        assert "equity" in error.name
        return
    assert most * side >= 0
    if held:
        return
    assert after["ETH"].quantity == most
    with pytest.raises(MarginError):
        account.trade(contract, quantity=most * (1 + 1e-6), **order)


# Leverage of what is open


def test_another_leverage_frees_margin_or_asks_for_it():
    account = opened(10, 100)
    higher, event = account.set_leverage("ETH", 20, {"ETH": 100})
    assert (higher["ETH"].margin, higher["ETH"].leverage, higher.balance) == (50, 20, 950)
    assert event.kind == "leverage set" and event.transfers == {"margin ETH": -50, "balance": 50}
    lower, event = account.set_leverage("ETH", 5, {"ETH": 100})
    assert (lower["ETH"].margin, lower.balance) == (200, 800)
    assert lower.liquidation_price("ETH") < account.liquidation_price("ETH")
    same, event = account.set_leverage("ETH", 10, {"ETH": 100})
    assert same == account and event.transfers == {}


def test_margin_beside_the_initial_margin_stays():
    account, _ = opened(10, 100).add_margin("ETH", 30)
    assert account.set_leverage("ETH", 20, {"ETH": 100})[0]["ETH"].margin == 80


def test_in_cross_another_leverage_only_asks_for_more_or_less():
    account = opened(10, 100, balance=150.0, mode="cross")
    higher, event = account.set_leverage("ETH", 20, {"ETH": 100})
    assert (higher.balance, higher.available_balance({"ETH": 100})) == (150, 100)
    assert event.transfers == {}
    with pytest.raises(MarginError, match="leverage must leave an available balance, not -50"):
        account.set_leverage("ETH", 5, {"ETH": 100})
    assert account.set_leverage("ETH", 20, {"ETH": 86})[0]["ETH"].leverage == 20  # never worse


def test_what_a_leverage_would_free_must_be_free_to_go():
    account = opened(10, 100)
    with pytest.raises(MarginError, match="amount must not exceed what can be taken out, 2.5"):
        account.set_leverage("ETH", 20, {"ETH": 95})  # equity 50, of which 47.5 stay
    with pytest.raises(MarginError, match="must not exceed the available balance 50"):
        opened(10, 100, balance=150.0).set_leverage("ETH", 5, {"ETH": 100})


@pytest.mark.parametrize("leverage", [0.5, 0, -1, *NOT_SINGLE, None])
def test_no_bad_leverage_is_set(leverage):
    account = opened(10, 100)
    with pytest.raises(MarginError, match="^ETH leverage must"):
        account.set_leverage("ETH", leverage, {"ETH": 100})


def test_a_table_caps_the_leverage_of_what_is_open():
    account = opened(300, 10, contract=CAPPED, leverage=15)  # 3,000
    with pytest.raises(MarginError, match="ETH leverage must be at most 20, got 21"):
        account.set_leverage("ETH", 21, {"ETH": 10})
    assert account.set_leverage("ETH", 20, {"ETH": 10})[0]["ETH"].leverage == 20


# Open orders and break-even


def test_open_orders_reserve_the_larger_side():
    """Binance, one-way mode: 5,950."""
    assert formulas.order_margin(10_000, 1900, 2200, 2) == 5950
    assert formulas.order_margin(-10_000, 1900, 2200, 2) == 6100
    assert formulas.order_margin(1000, 0, 5000, 2) == 2000


def test_at_the_break_even_price_nothing_is_won_or_lost():
    assert formulas.break_even_price(100, 2, 0.1, 0.0005) == pytest.approx(100.10005002501251)
    assert formulas.break_even_price(100, -2, 0.1, 0.0005) == pytest.approx(99.9000499750125)
    held = opened(-2, 8.616)["ETH"]  # Binance: the fee of opening alone
    fee = formulas.trading_fee(held.notional(8.616), 0.0005)
    assert held.break_even_price(fee) == pytest.approx(8.611692)
    account, _ = opened(-2, 100, contract=DEAR).close("ETH", price=99)
    paid = 200 * DEAR.taker_fee
    edge = opened(-2, 100, contract=DEAR)["ETH"].break_even_price(paid, DEAR.taker_fee)
    even, _ = opened(-2, 100, contract=DEAR).close("ETH", price=edge)
    assert even.balance == pytest.approx(1000)
    assert account.balance > 1000


# Nothing is made or lost

CONTRACTS = {
    "ETH": Contract(symbol="ETH", maintenance=0.02, taker_fee=0.0004),
    "ADA": Contract(symbol="ADA", maintenance=0.05, conventions=Conventions(kept=0.1)),
    "BTCUSDT": Contract(symbol="BTCUSDT", market="BTC", settle="USDT", taker_fee=0.001),
}
orders = st.tuples(
    st.sampled_from(["trade", "trade", "trade", "largest", "leverage", "remove", "add", "fund"]),
    st.sampled_from(sorted(CONTRACTS)), sides, shares(0.01, 3.0), st.integers(1, 20),
    st.booleans(), shares(0.7, 1.4),
)  # fmt: skip


def given_to(account, order, marks):
    """The account after one order, and the event."""
    what, symbol, side, share, leverage, flag, _ = order
    contract, price = CONTRACTS[symbol], marks[CONTRACTS[symbol].market]
    mode = "isolated" if flag and symbol != "BTCUSDT" else "cross"
    terms = {"leverage": leverage, "mode": mode, "marks": marks}
    if symbol in account:
        terms["mode"] = account[symbol].mode
    if what == "trade":
        fill = price * (1 + share / 1000)
        return account.trade(contract, quantity=side * 20 * share, price=fill, **terms)
    if what == "largest":
        most = account.largest_order(contract, price=price, side=int(side), **terms)
        return account.trade(contract, quantity=most * min(share, 1), price=price, **terms)
    if what == "leverage":
        return account.set_leverage(symbol, leverage, marks)
    if what == "fund":
        return account.pay_funding({symbol: side * share / 100}, marks)
    if what == "add":
        return account.add_margin(symbol, share * 10, marks)
    return account.remove_margin(symbol, min(share, 1) * account.removable(marks, symbol), marks)


@pytest.mark.parametrize("mode", ["isolated", "cross"])
@pytest.mark.parametrize("leverage", [1.9, 12])
def test_no_leverage_is_set_in_a_pocket_that_is_to_be_liquidated(mode, leverage):
    account = Account(balance=60 if mode == "cross" else 100)
    account, _ = account.open(ETH, quantity=10, price=10, leverage=2, mode=mode)
    marks = {"ETH": 4.02 if mode == "cross" else 4.5}
    with pytest.raises(MarginError):
        account.set_leverage("ETH", leverage, marks)


@given(st.integers(100, 2000), st.lists(orders, min_size=5, max_size=25))
def test_orders_make_and_lose_no_money(balance, steps):
    usdt = Collateral(coin="USDT", amount=200, ratio=0.9, buying=1.1)
    account, marks = Account(balance=balance, collateral=[usdt]), {"USDT": 1.0}
    marks |= dict.fromkeys(("ETH", "ADA", "BTC"), 10.0)
    for order in steps:
        market = CONTRACTS[order[1]].market
        marks = {**marks, market: marks[market] * order[-1] ** 0.2}
        before = copy.deepcopy(account)
        try:
            after, event = given_to(account, order, marks)
        except MarginError:
            assert account == before
            continue
        assert account == before
        flow = 1 + sum(map(abs, event.transfers.values()))
        assert math.fsum(event.transfers.values()) == pytest.approx(0, abs=1e-9 * flow)
        purses = {"balance": (before.balance, after.balance)}
        amounts = before.collateral[0].amount, after.collateral[0].amount
        purses[coin_party("USDT")] = amounts
        for symbol in CONTRACTS:
            sums = [a[symbol].own_margin if symbol in a else 0 for a in (before, after)]
            purses[margin_party(symbol)] = sums
        for party, (then, now) in purses.items():
            assert now - then == pytest.approx(
                event.received(party), abs=1e-9 * flow + 1e-12 * balance
            )
        for symbol in {event.symbols[0], None}:
            if symbol is None or symbol in after:
                # Money may go into a pocket that is due already, or a position beside it be closed:
                # that need not save it. Every other order is refused there, and none kills.
                was = symbol is None or symbol in before
                was = was and before.risk(marks, symbol).is_liquidatable
                due = after.risk(marks, symbol).is_liquidatable
                spared = event.kind in ("margin added", "margin removed", "closed") and was
                assert event.kind == "funding paid" or spared or not due
        account = after


@given(shares(1.0, 50.0), sides, shares(0.0, 0.2), shares(0.6, 1.5), shares(0.0, 300.0))
def test_what_can_be_taken_out_can_be_and_nothing_more(leverage, side, kept, move, extra):
    contract = dataclasses.replace(ETH, conventions=Conventions(kept=kept))
    held = Position(
        contract=contract,
        quantity=side * 10,
        entry_price=100.0,
        leverage=leverage,
        margin=1000 / leverage + extra,
    )
    account, marks = Account(balance=0, positions=[held]), {"ETH": 100 * move}
    most = account.removable(marks, "ETH")
    risk = account.risk(marks, "ETH")
    value = risk.notional
    assert 0 <= most <= held.margin
    if most:
        assert risk.equity - most >= max(value / leverage, kept * value) - 1e-9 * value
    if risk.equity - most > 0.006 * value:
        after, _ = account.remove_margin("ETH", most, marks)
        assert after.balance == pytest.approx(most)
        edges = account.liquidation_price("ETH"), after.liquidation_price("ETH")
        if most and all(map(math.isfinite, edges)):
            assert side * (edges[1] - edges[0]) > 0  # nearer
    with pytest.raises(MarginError):
        account.remove_margin("ETH", most * (1 + 1e-9) + 1e-9 * held.margin, marks)


def test_what_can_be_taken_out_leaves_a_pocket_alive_whose_initial_margin_would_not():
    """At 100x the initial margin is 1 %, the maintenance margin 5 %."""
    steep = Contract(symbol="ETH", maintenance=0.05)
    held = Position(contract=steep, quantity=10, entry_price=10, leverage=100)
    marks = {"ETH": 10.0}
    alone = Account(balance=0, positions=[dataclasses.replace(held, margin=8.0)])
    assert alone.removable(marks, "ETH") == pytest.approx(3)
    after, _ = alone.remove_margin("ETH", alone.removable(marks, "ETH"), marks)
    assert after.balance == pytest.approx(3)
    shared = Account(balance=8, positions=[held])
    assert shared.removable(marks) == pytest.approx(3)
    other = Contract(symbol="BTC")
    most = shared.largest_order(other, price=1, leverage=1, marks=marks)
    assert most == pytest.approx(3)
    assert shared.open(other, quantity=most, price=1, leverage=1, marks=marks)[0]["BTC"].margin


def test_a_top_up_takes_nothing_that_keeps_the_cross_positions_alive():
    steep = Contract(symbol="ETH", maintenance=0.05)
    shared = Position(contract=steep, quantity=10, entry_price=10, leverage=100)
    own = Position(
        contract=Contract(symbol="BTC"), quantity=1, entry_price=10, leverage=5, margin=2
    )
    account, marks = Account(balance=8, positions=[shared, own]), {"ETH": 10.0, "BTC": 7.0}
    after, _ = TopUp()(0, account, marks)
    assert after.balance > 5 and not after.risk(marks).is_liquidatable
    assert not after.risk(marks, "BTC").is_liquidatable


def test_nothing_can_be_taken_out_of_no_margin_and_put_in_without_money():
    held = Position(contract=ETH, quantity=1, entry_price=100, leverage=10, margin=0)
    account = Account(balance=0, positions=[held])
    for change in (account.remove_margin, account.add_margin):
        after, event = change("ETH", 0, {"ETH": 150})
        assert after == account and not event.transfers


def test_the_largest_order_under_a_cap_ends_just_below_its_floor():
    rows = Tiers.continuous([(0, 0.01, 50), (1000, 0.02, 20)])
    capped = Contract(symbol="ETH", maintenance=rows)
    account = Account(balance=1000)
    for side in (1, -1):
        most = account.largest_order(capped, price=10, leverage=40, side=side)
        assert most == pytest.approx(side * 100, rel=1e-12)
        account.trade(capped, quantity=most, price=10, leverage=40)
        with pytest.raises(MarginError, match="leverage must be at most 20"):
            account.trade(capped, quantity=side * 100, price=10, leverage=40)


def test_a_residue_of_floats_turns_no_position_round_and_a_trace_does():
    short = opened(-1, 100)
    assert not short.trade(ETH, quantity=1 + 1e-13, price=100)[0].positions
    assert short.trade(ETH, quantity=1 + 1e-9, price=100)[0]["ETH"].quantity > 0


def test_what_an_order_closes_pays_for_what_it_opens():
    short = opened(-1, 100, balance=10)
    assert short.balance == 0
    assert short.largest_order(ETH, price=100, leverage=10) == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize("side", [1, -1])
def test_the_largest_order_comes_on_top_of_a_part_of_a_coin(side):
    """Half a coin at 200 holds 100 of 150: what is left buys a quarter."""
    held, _ = Account(balance=150).open(ETH, quantity=side * 0.5, price=200, leverage=1)
    assert held.largest_order(ETH, price=200, leverage=1, side=side) == pytest.approx(side * 0.25)


def test_no_share_beyond_the_whole_is_held_in_a_coin():
    with pytest.raises(MarginError, match="^share must be at most 1, got 1.5$"):
        Account(balance=100).holding("BTC", share=1.5, price=10)


def test_leverage_may_be_lowered_until_nothing_is_left_available():
    held, _ = Account(balance=100).open(ETH, quantity=1, price=200, leverage=4, mode="cross")
    assert held.set_leverage("ETH", 2, {"ETH": 200})[0].available_balance({"ETH": 200}) == 0
    with pytest.raises(MarginError, match="must leave an available balance"):
        held.set_leverage("ETH", 1.9, {"ETH": 200})


def test_the_largest_order_asks_anew_for_what_is_held_in_cross_alone():
    """1 coin at 100: at 10x it keeps 10 as its own margin, at 5x it holds 20 of a shared 30."""
    own = opened(1, 100, balance=100)
    assert own.largest_order(ETH, price=100, leverage=5) == pytest.approx(4.5)  # of 90
    shared = opened(1, 100, balance=30, mode="cross", leverage=5)
    most = shared.largest_order(ETH, price=100, leverage=10, mode="cross")
    assert most == pytest.approx(2)  # 3 coins at 10x


def test_the_same_leverage_can_be_set_even_if_nothing_is_available():
    held = opened(10, 100, balance=110.0, mode="cross")
    assert held.available_balance({"ETH": 95}) < 0
    assert held.set_leverage("ETH", 10, {"ETH": 95})[0] == held
    ada = Contract(symbol="ADA")
    own = Position(contract=ada, quantity=1, entry_price=100, leverage=2, margin=50)
    both = dataclasses.replace(held, positions=[*held.positions, own])
    assert both.set_leverage("ADA", 2, {"ETH": 95, "ADA": 100})[0] == both


@pytest.mark.parametrize("missing", [1, 2])
def test_what_floats_lose_of_a_trillion_is_one(missing):
    """A sum that is one too small is enough; one that is two too small is not."""
    trillion, eth = 1e12, Contract(symbol="ETH")
    held = Position(contract=eth, quantity=1, entry_price=trillion, leverage=1)
    rich = Position(contract=eth, quantity=1, entry_price=1, leverage=1, margin=trillion)
    poor, own = Account(balance=trillion - missing), Account(balance=0, positions=[rich])
    shared = dataclasses.replace(poor, positions=[held])
    marks, free = {"ETH": trillion}, trillion - 1  # of the own margin: 500 of 499 won stay
    order = {"quantity": 1, "price": trillion, "leverage": 1}
    for call in (
        lambda: poor.open(eth, **order),
        lambda: Account(balance=2 * trillion).open(eth, **order, margin=trillion - missing),
        lambda: shared.switch_mode("ETH", "isolated", marks, margin=trillion),
        lambda: own.remove_margin("ETH", free + missing, {"ETH": 500}),
    ):
        if missing == 1:
            assert call()[0].positions
        else:
            with pytest.raises(MarginError, match="must (not exceed|be at least)"):
                call()
    short = opened(missing - trillion, 1, contract=eth, balance=2 * trillion)
    after, _ = short.trade(eth, quantity=trillion, price=1)
    assert [p.quantity for p in after.positions] == ([] if missing == 1 else [2])


def test_nothing_is_no_order():
    for account in (opened(10, 100), Account(balance=1)):
        with pytest.raises(MarginError, match="^ETH quantity must not be 0, got 0"):
            account.trade(ETH, quantity=0, price=100, leverage=10)


def test_nothing_can_be_taken_out_of_a_loss():
    held = Position(contract=ETH, quantity=1, entry_price=100, leverage=10, margin=10)
    assert Account(balance=0, positions=[held]).removable({"ETH": 80}, "ETH") == 0
    shared = Account(balance=10, positions=[dataclasses.replace(held, margin=None)])
    assert shared.removable({"ETH": 80}) == 0


def test_the_largest_order_of_less_than_one_unit_of_money_is_exact():
    for balance in (0.5, 0.25, 0.0):
        most = Account(balance=balance).largest_order(Contract(symbol="ETH"), price=1, leverage=1)
        assert most == balance


def test_an_order_beside_another_cross_position_is_judged_at_both_marks():
    """10 ETH and 1 ADA on 300: ETH sold, turned round, or sold as far as it goes."""
    ada = Position(contract=Contract(symbol="ADA"), quantity=1, entry_price=100, leverage=2)
    held = opened(10, 100, balance=300.0, mode="cross")
    account = dataclasses.replace(held, positions=[*held.positions, ada])
    marks, order = {"ETH": 100, "ADA": 100}, {"price": 100, "leverage": 10}
    for sold, left in ((4, 6), (15, -5)):
        after, _ = account.trade(ETH, quantity=-sold, **order, marks=marks)
        assert (after["ETH"].quantity, after.balance) == (left, 300)
    most = account.largest_order(ETH, **order, side=-1, mode="cross", marks=marks)
    assert most == pytest.approx(-35)  # 250 beside what ADA asks for is 25 short
    with pytest.raises(MarginError, match="marks must hold a price for ADA"):
        account.trade(ETH, quantity=-4, price=100)
    with pytest.raises(MarginError, match="marks must hold a price for ADA"):
        account.largest_order(ETH, **order, side=-1, mode="cross")
