"""Accounts: what they hold, how they stand, and what every operation may and may not do."""

import copy
import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from margin_lib.account import Account, Event, Position, Risk, checked_marks, margin_party, mark
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import mark_to_market
from tests.support.strategies import (
    NO_NUMBERS,
    NOT_SINGLE,
    books,
    leverages,
    moves,
    positions,
    shares,
    size,
)

ETH = Contract(symbol="ETH", maintenance=0.02, taker_fee=0.001)
ADA = Contract(symbol="ADA", maintenance=0.04)
SOL = Contract(symbol="SOL")
NAN, INF = float("nan"), float("inf")
MARKS = {"ETH": 10.0, "ADA": 2.0}


def both():
    """An isolated long of 100 on a margin of 20, and a cross short of 100 at leverage 4."""
    account, _ = Account(balance=101).open(ETH, quantity=10, price=10, leverage=5, margin=20)
    account, _ = account.open(ADA, quantity=-50, price=2, leverage=4, mode="cross")
    return account


def fuzz_positions(*symbols):
    return [Position(contract=c, quantity=1, entry_price=1, leverage=1) for c in symbols]


# Positions


def test_a_position_knows_its_symbol_its_mode_and_its_loan():
    cross, isolated = (
        Position(contract=ETH, quantity=-100, entry_price=0.25, leverage=5, margin=margin)
        for margin in (None, 0)
    )
    assert (cross.symbol, cross.mode, isolated.mode) == ("ETH", "cross", "isolated")
    assert cross.borrowed == isolated.borrowed == 20
    assert cross.notional(0.5) == 50
    assert cross.pnl(0.5) == -25


def test_a_position_at_one_times_borrows_nothing():
    assert Position(contract=ETH, quantity=3, entry_price=7, leverage=1).borrowed == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, bad) for field in ("quantity", "entry_price", "leverage") for bad in NOT_SINGLE),
        *((field, None) for field in ("quantity", "entry_price", "leverage")),
        *(("margin", bad) for bad in NOT_SINGLE),
        *(("quantity", zero) for zero in (0, -0.0)),
        *(("entry_price", bad) for bad in (0, -1)),
        *(("leverage", bad) for bad in (0.99, 0, -5)),
    ],
    ids=str,
)
def test_a_position_is_checked_when_made(field, value):
    good = {"quantity": 1, "entry_price": 1, "leverage": 1, "margin": 1}
    with pytest.raises(MarginError, match=f"^ETH {field.replace('_', ' ')} must") as caught:
        Position(contract=ETH, **{**good, field: value})
    assert f"got {value}" in str(caught.value)


def test_a_position_needs_a_contract():
    with pytest.raises(MarginError, match="contract must be a Contract, got ETH"):
        Position(contract="ETH", quantity=1, entry_price=1, leverage=1)


def test_narrow_numbers_do_not_overflow_or_lose_digits():
    first = Position(contract=ETH, quantity=np.uint8(200), entry_price=np.float32(1), leverage=1)
    both_of_them = first.grown_by(dataclasses.replace(first, quantity=np.uint8(100)))
    assert both_of_them.quantity == 300
    values = dataclasses.astuple(first)[1:4] + (Account(balance=np.int8(100)).balance,)
    assert {type(value) for value in values} == {float}


def test_positions_and_accounts_are_values():
    assert both() == both()
    assert hash(both()) == hash(both())
    assert hash(Position(contract=ETH, quantity=np.array(5), entry_price=1, leverage=1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        both().balance = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        both()["ETH"].margin = 5
    listed = Account(balance=1, positions=fuzz_positions(ETH))
    assert listed == Account(balance=1.0, positions=tuple(fuzz_positions(ETH)))
    assert hash(listed)


# Accounts


def test_an_account_adds_up():
    account = both()
    assert account.balance == pytest.approx(80.9)  # 101 - 20 - fee of 0.1
    assert account.locked_margin == 20
    assert account.wallet_balance == account.balance + account.locked_margin
    assert [p.symbol for p in account.isolated] == ["ETH"]
    assert [p.symbol for p in account.cross] == ["ADA"]
    assert "ETH" in account and "SOL" not in account
    assert account["ADA"].quantity == -50


@pytest.mark.parametrize("value", [*NOT_SINGLE, None, -1, -1e-15], ids=repr)
def test_a_balance_is_a_number_of_at_least_zero(value):
    with pytest.raises(MarginError, match="^balance must be"):
        Account(balance=value)


def test_only_a_cross_position_carries_a_negative_balance():
    cross = Position(contract=ETH, quantity=1, entry_price=1, leverage=1)
    account = Account(balance=-1, positions=(cross,))
    assert account.equity({"ETH": 3}) == 1
    with pytest.raises(MarginError, match="balance must be at least 0, got -1"):
        Account(balance=-1, positions=(dataclasses.replace(cross, margin=5),))


def test_a_symbol_is_held_once():
    message = r"^positions must have one position a symbol, got \['ETH', 'ADA', 'ETH'\]$"
    with pytest.raises(MarginError, match=message):
        Account(balance=1, positions=fuzz_positions(ETH, ADA, ETH))


@pytest.mark.parametrize(
    ("account", "held"), [(both(), "ETH, ADA"), (Account(balance=1), "nothing")]
)
def test_an_unknown_symbol_is_named_with_what_is_held(account, held):
    for ask in (
        lambda: account["SOL"],
        lambda: account.risk(MARKS, "SOL"),
        lambda: account.liquidation_price("SOL", MARKS),
        lambda: account.bankruptcy_price("SOL", MARKS),
    ):
        with pytest.raises(MarginError, match=rf"symbol must be .*\({held}\), got SOL"):
            ask()


# Risk


def test_risk_of_the_two_pockets():
    account, marks = both(), {"ETH": 9, "ADA": 3}
    assert account.risk(marks, "ETH") == Risk(10, 90, 18, 1.8)
    shared = account.risk(marks)
    assert shared == account.risk(marks, "ADA")
    assert dataclasses.astuple(shared) == pytest.approx((80.9 - 50, 150, 37.5, 6, True, 0))
    assert account.equity(marks) == pytest.approx(10 + 30.9)
    assert account.available_balance(marks) == pytest.approx(30.9 - 37.5)  # negative, and alive
    assert not shared.is_liquidatable


def test_risk_says_how_near_the_end_is():
    risk = Risk(equity=4.0, notional=10.0, initial_margin=2.0, maintenance_margin=1.0)
    assert (risk.available, risk.margin_ratio, risk.effective_leverage) == (2, 0.25, 2.5)


@pytest.mark.parametrize(("equity", "dead"), [(1 + 1e-12, False), (1, True), (0.5, True), (-1, 1)])
def test_liquidation_begins_at_equality(equity, dead):
    assert Risk(equity, notional=10.0, maintenance_margin=1.0).is_liquidatable == dead


def test_without_maintenance_liquidation_begins_at_zero():
    assert Risk(0.0, notional=10.0).is_liquidatable
    assert not Risk(1e-300, notional=10.0).is_liquidatable


@pytest.mark.parametrize("equity", [0.0, 5.0])
def test_nothing_open_cannot_be_liquidated_and_has_no_ratio(equity):
    risk = Account(balance=equity).risk()
    assert not risk.is_liquidatable
    assert math.isnan(risk.margin_ratio)
    assert risk.effective_leverage == 0
    assert risk.available == equity


def test_used_up_equity_is_infinite_danger():
    for equity in (0.0, -1.0):
        risk = Risk(equity, notional=10.0, maintenance_margin=1.0)
        assert (risk.margin_ratio, risk.effective_leverage) == (INF, INF)


@given(books())
def test_risks_of_one_pocket_add_up(book):
    account, marks = book
    total = Risk(account.balance)
    for position in account.cross:
        total = total + position.risk(marks[position.symbol])
    assert account.risk(marks) == total
    whole = total.equity + sum(p.risk(marks[p.symbol]).equity for p in account.isolated)
    assert account.equity(marks) == pytest.approx(whole, abs=1e-9 * size(account, marks))


@given(books(), st.lists(moves, min_size=2, max_size=4))
def test_marks_as_arrays_are_what_single_calls_give(book, steps):
    account, marks = book
    grid = {symbol: np.outer(price * np.array(steps), [1, 1]) for symbol, price in marks.items()}
    many = {symbol: account.risk(grid, symbol) for symbol in [None, *marks]}
    for i, step in enumerate(steps):
        here = {symbol: price * step for symbol, price in marks.items()}
        for symbol, risk in many.items():
            one = account.risk(here, symbol)
            for name in ("equity", "is_liquidatable", "margin_ratio", "effective_leverage"):
                several = np.broadcast_to(getattr(risk, name), (len(steps), 2))
                np.testing.assert_array_equal(several[i, 1], getattr(one, name))
        assert np.broadcast_to(account.equity(grid), (len(steps), 2))[i, 0] == account.equity(here)
        for symbol in marks:
            prices = account.liquidation_price(symbol, grid)
            one = account.liquidation_price(symbol, here)
            np.testing.assert_array_equal(np.broadcast_to(prices, (len(steps), 2))[i, 0], one)


@given(books())
def test_marks_may_be_any_kind_of_number(book):
    account, marks = book
    whole = {symbol: max(1, round(price)) for symbol, price in marks.items()}
    kinds = [{s: kind(p) for s, p in whole.items()} for kind in (int, np.float64, np.int32)]
    assert len({(account.risk(m), account.equity(m)) for m in kinds}) == 1
    assert len({mark_to_market(account, m)[0] for m in kinds}) == 1


# Liquidation prices


@given(books())
def test_at_its_liquidation_price_a_pocket_has_its_requirement_left(book):
    account, marks = book
    for symbol in marks:
        price = account.liquidation_price(symbol, marks)
        if price > 0:
            risk = account.risk({**marks, symbol: price}, symbol)
            scale = size(account, {**marks, symbol: price})
            assert risk.equity == pytest.approx(risk.maintenance_margin, abs=1e-9 * scale)


@given(books())
def test_at_its_bankruptcy_price_a_pocket_has_nothing_left(book):
    account, marks = book
    for symbol in marks:
        price = account.bankruptcy_price(symbol, marks)
        if price > 0:
            there = {**marks, symbol: price}
            equity = account.risk(there, symbol).equity
            assert equity == pytest.approx(0, abs=1e-9 * size(account, there))


@given(books())
def test_a_tick_before_the_price_lives_and_a_tick_behind_it_does_not(book):
    account, marks = book
    for symbol in marks:
        position, price = account[symbol], account.liquidation_price(symbol, marks)
        if price > 0 and position.notional(price) > 1e-6 * size(account, marks):
            safe = 1 if position.quantity > 0 else -1
            for tick, dead in ((1e-6 * safe, False), (-1e-6 * safe, True)):
                there = {**marks, symbol: price * (1 + tick)}
                assert account.risk(there, symbol).is_liquidatable == dead


@given(books())
def test_never_means_alive_at_every_price_and_zero_means_dead_at_every_price(book):
    account, marks = book
    for symbol in marks:
        price = account.liquidation_price(symbol, marks)
        everywhere = {**marks, symbol: account[symbol].entry_price * np.geomspace(1e-3, 1e3, 50)}
        dead = account.risk(everywhere, symbol).is_liquidatable
        if math.isnan(price):
            assert not dead.any()
        if price == 0:
            assert dead.all()


@given(books())
def test_the_mark_says_dead_exactly_where_the_price_does(book):
    account, marks = book
    for symbol in marks:
        position, price = account[symbol], account.liquidation_price(symbol, marks)
        beyond = (
            marks[symbol] <= price if position.quantity > 0 else marks[symbol] >= price
        )  # False for NaN
        assume(math.isnan(price) or abs(marks[symbol] - price) > 1e-9 * marks[symbol])
        risk = account.risk(marks, symbol)
        assume(abs(risk.equity - risk.maintenance_margin) > 1e-9 * size(account, marks))
        assert risk.is_liquidatable == beyond


@given(books(mode="isolated"), st.dictionaries(st.sampled_from(["ETH", "ADA"]), moves))
def test_an_isolated_price_hangs_on_nothing_else(book, others):
    account, marks = book
    for symbol in marks:
        alone = Account(balance=0, positions=(account[symbol],)).liquidation_price(symbol)
        np.testing.assert_equal(account.liquidation_price(symbol, others), alone)


@given(books(mode="cross", at_least=2), positions("XRP", "isolated"), moves)
def test_an_isolated_position_beside_it_does_not_move_a_cross_price(book, other, price):
    account, marks = book
    more = dataclasses.replace(account, positions=(other, *account.positions))
    for symbol in marks:
        for ask in (Account.liquidation_price, Account.bankruptcy_price):
            np.testing.assert_equal(ask(more, symbol, marks), ask(account, symbol, marks))
    assert more.risk(marks) == account.risk(marks)


@given(books(mode="cross", at_least=2), moves)
def test_a_cross_price_does_not_hang_on_its_own_mark_but_on_the_others(book, move):
    account, marks = book
    price = account.liquidation_price("ETH", marks)
    np.testing.assert_equal(account.liquidation_price("ETH", {**marks, "ETH": move}), price)
    missing = {symbol: mark for symbol, mark in marks.items() if symbol != "ADA"}
    with pytest.raises(MarginError, match="marks must hold a price for ADA"):
        account.liquidation_price("ETH", missing)


@given(books(mode="cross", at_least=2), st.sampled_from([1 / 16, 2.0, 64.0]))
def test_units_of_money_and_coins_do_not_matter(book, factor):
    """Powers of two scale without rounding."""
    account, marks = book
    money = Account(
        balance=account.balance * factor,
        positions=[
            dataclasses.replace(p, entry_price=p.entry_price * factor) for p in account.positions
        ],
    )
    larger = Account(
        balance=account.balance * factor,
        positions=[dataclasses.replace(p, quantity=p.quantity * factor) for p in account.positions],
    )
    scaled = {symbol: price * factor for symbol, price in marks.items()}
    price = account.liquidation_price("ETH", marks)
    np.testing.assert_equal(money.liquidation_price("ETH", scaled), price * factor)
    np.testing.assert_equal(larger.liquidation_price("ETH", marks), price)
    assert money.risk(scaled).margin_ratio == account.risk(marks).margin_ratio


# Opening


@given(leverages, shares(0.01, 100.0), shares(1.0, 1000.0), st.sampled_from(["isolated", "cross"]))
def test_the_default_margin_is_the_initial_margin(leverage, price, value, mode):
    contract = Contract(symbol="ETH", taker_fee=0.001)
    account, event = Account(balance=5000).open(
        contract, quantity=value / price, price=price, leverage=leverage, mode=mode
    )
    locked = value / leverage if mode == "isolated" else 0
    assert (event.kind, event.symbols) == ("opened", ("ETH",))
    assert account.locked_margin == pytest.approx(locked)
    assert account.balance == pytest.approx(5000 - locked - 0.001 * value)
    assert event.received("exchange") == pytest.approx(0.001 * value)
    assert account["ETH"].mode == mode


@given(shares(1.0, 100.0), st.integers(1, 20), shares(0.0, 0.01), shares(0.01, 1000.0), moves)
def test_the_whole_balance_can_be_used_whatever_floats_do(balance, leverage, fee, price, start):
    contract = Contract(symbol="ETH", taker_fee=fee)
    margin = balance / (1 + leverage * fee)
    order = {"quantity": margin * leverage / price, "price": price, "leverage": leverage}
    for mode in ("isolated", "cross"):
        account, _ = Account(balance=balance).open(contract, **order, mode=mode)
        assert account.wallet_balance == pytest.approx(margin, rel=1e-9)
    isolated, _ = Account(balance=balance).open(contract, **order)
    assert 0 <= isolated.balance <= 1e-11 * balance


def test_a_balance_is_not_overdrawn_by_a_rounding():
    """These numbers once left a balance of -1.4e-14."""
    contract = Contract(symbol="ETH", taker_fee=0.0008294512605775802)
    balance, leverage = 67.09550009305563, 2
    margin = balance / (1 + leverage * contract.taker_fee)
    quantity = margin * leverage / 112.07051247974002
    account, _ = Account(balance=balance).open(
        contract, quantity=quantity, price=112.07051247974002, leverage=leverage
    )
    assert account.balance == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize(
    ("balance", "quantity", "margin"),
    [
        (0.66, 0.655, 0.66 - 0.00655),  # with the fee of 0.00655 an ulp more than there is
        (1e9, 1e8, 1e9 - 1e6 + 5e-6),  # roundings grow with the sum
    ],
)
def test_a_rounding_is_taken_from_the_margin_and_not_from_the_fee(balance, quantity, margin):
    contract = Contract(symbol="ETH", taker_fee=0.01)
    account, event = Account(balance=balance).open(
        contract, quantity=quantity, price=1, leverage=10, margin=margin
    )
    assert account.balance == pytest.approx(0, abs=1e-15 * balance)
    assert account["ETH"].margin == pytest.approx(margin, rel=1e-12)
    assert event.received("exchange") == quantity * 0.01


@given(st.data())
def test_many_trades_share_out_the_whole_balance(data):
    parts = data.draw(st.lists(shares(0.1, 10.0), min_size=1, max_size=5))
    balance = sum(parts)
    for mode in ("isolated", "cross"):
        account = Account(balance=balance)
        marks = {f"C{i}": 3.0 for i in range(len(parts))}
        for i, part in enumerate(parts):
            contract = Contract(symbol=f"C{i}")
            account, _ = account.open(
                contract, quantity=part * 7 / 3, price=3, leverage=7, mode=mode, marks=marks
            )
        assert account.wallet_balance == pytest.approx(balance, rel=1e-12)


@given(positions("ETH", "cross"), moves, shares(0.1, 5.0), st.sampled_from(["isolated", "cross"]))
def test_opening_in_two_steps_is_opening_the_sum(position, move, times, mode):
    plain = dataclasses.replace(position.contract, maintenance=0)
    first, second = position.entry_price, position.entry_price * move
    more = position.quantity * times
    order = {"leverage": position.leverage, "mode": mode}
    account = Account(balance=1e5)
    account, _ = account.open(plain, quantity=position.quantity, price=first, **order)
    try:
        account, _ = account.open(plain, quantity=more, price=second, **order)
    except MarginError as error:
        assert error.name == "equity behind ETH"
        return
    whole = account["ETH"]
    assert whole.quantity == pytest.approx(position.quantity * (1 + times))
    assert whole.pnl(first) == pytest.approx(more * (first - second), rel=1e-9, abs=1e-9)
    assert len(account.positions) == 1
    assert account["ETH"].leverage == position.leverage


def test_a_larger_position_keeps_its_place_and_its_margins_add_up():
    account, event = both().open(ETH, quantity=10, price=10, leverage=5, margin=25, marks=MARKS)
    assert [p.symbol for p in account.positions] == ["ETH", "ADA"]
    assert account["ETH"].margin == 45
    assert event.received(margin_party("ETH")) == 25


# Closing


@given(books(), shares(0.01, 0.99))
def test_closing_in_parts_is_closing_the_whole(book, share):
    account, marks = book
    symbol = "ETH"
    try:
        whole, _ = account.close(symbol, price=marks[symbol], marks=marks)
    except MarginError:
        return
    first = account[symbol].quantity * share
    try:
        part, _ = account.close(symbol, price=marks[symbol], quantity=first, marks=marks)
        parts, _ = part.close(symbol, price=marks[symbol], marks=marks)
    except MarginError:  # on the way, the fee of one part can be more than the rest carries
        return
    assert parts.positions == whole.positions
    assert parts.balance == pytest.approx(whole.balance, abs=1e-9 * size(account, marks))
    if account[symbol].margin is not None:
        freed = account[symbol].margin * (1 - share)
        assert part[symbol].margin == pytest.approx(freed, abs=1e-12 * size(account, marks))


def test_a_close_pays_profit_into_the_balance_and_frees_the_margin_in_the_same_share():
    account, event = both().close("ETH", price=12, quantity=2.5)
    assert account["ETH"].quantity == 7.5
    assert account["ETH"].entry_price == 10
    assert account["ETH"].margin == 15
    assert event.kind == "closed" and event.symbols == ("ETH",)
    assert event.transfers == pytest.approx(
        {"balance": 5 + 5 - 0.03, "market": -5, "exchange": 0.03, "margin ETH": -5}
    )


@pytest.mark.parametrize("parts", [[0.1, 0.2], [0.1, 0.1, 0.1], [0.2, 0.1]], ids=str)
def test_parts_that_make_the_whole_on_paper_close_the_position(parts):
    for mode in ("isolated", "cross"):
        account, _ = Account(balance=5).open(SOL, quantity=0.3, price=1, leverage=1, mode=mode)
        for part in parts:
            account, _ = account.close("SOL", price=1, quantity=part)
        assert account.positions == ()
        assert account.locked_margin == 0
        assert account.balance == pytest.approx(5, rel=1e-14)


def test_a_close_may_not_take_the_loss_of_its_fee_from_the_balance():
    dear = Contract(symbol="ETH", taker_fee=0.05)
    account, _ = Account(balance=100).open(dear, quantity=10, price=10, leverage=5)
    with pytest.raises(MarginError, match="ETH equity after the closing fee must be at least 0"):
        account.close("ETH", price=8.2)  # equity 2, fee 4.1


@pytest.mark.parametrize("quantity", [None, 9])
def test_a_close_in_cross_may_not_kill_what_stays_open_with_its_fee(quantity):
    dear = Contract(symbol="ETH", taker_fee=0.05)
    account, _ = Account(balance=40).open(dear, quantity=10, price=10, leverage=5, mode="cross")
    account, _ = account.open(SOL, quantity=1, price=10, leverage=5, mode="cross", marks=MARKS)
    with pytest.raises(MarginError, match="equity behind cross must stay above"):
        account.close("ETH", price=6.7, quantity=quantity, marks={"SOL": 10})


# Margin in and out


@given(positions("ETH", "isolated"), shares(0.0, 1000.0))
def test_adding_margin_never_brings_the_price_nearer(position, amount):
    account = Account(balance=1000, positions=(position,))
    before = account.liquidation_price("ETH")
    account, _ = account.add_margin("ETH", amount)
    after = account.liquidation_price("ETH")
    if position.quantity > 0:
        assert np.nan_to_num(after) <= np.nan_to_num(before)
    else:
        assert after >= before


def test_moving_no_margin_changes_nothing():
    account = both()
    for moved in (account.add_margin("ETH", 0, MARKS), account.remove_margin("ETH", 0, MARKS)):
        assert moved[0] == account
        assert moved[1].transfers == {}


def test_what_is_added_can_be_removed():
    account, event = both().add_margin("ETH", 4, MARKS)
    assert (event.kind, event.symbols) == ("margin added", ("ETH",))
    assert event.transfers == {"balance": -4, "margin ETH": 4}
    account, event = account.remove_margin("ETH", 4, MARKS)
    assert (event.kind, event.symbols) == ("margin removed", ("ETH",))
    assert event.transfers == {"balance": 4, "margin ETH": -4}
    assert account == both()


def test_the_last_cent_can_be_added():
    account, _ = Account(balance=30).open(ETH, quantity=10, price=10, leverage=5)
    after, _ = account.add_margin("ETH", account.balance)
    assert after.balance == 0


def test_margin_can_be_removed_down_to_the_initial_margin_at_the_mark():
    account, _ = both().add_margin("ETH", 4, MARKS)
    assert account.removable(MARKS, "ETH") == pytest.approx(4)
    assert account.removable({"ETH": 11}, "ETH") == pytest.approx(24 + 10 - 22)
    for amount, marks in ((4.1, MARKS), (12.1, {"ETH": 11})):
        with pytest.raises(MarginError, match="amount must not exceed what can be taken out"):
            account.remove_margin("ETH", amount, marks)
    assert account.remove_margin("ETH", 4, MARKS)[0]["ETH"].margin == 20
    assert account.removable({"ETH": 9}, "ETH") == 0


def test_a_venue_may_keep_a_share_of_the_notional_behind_a_position():
    """Hyperliquid: the larger of the initial margin and a tenth of the notional stays."""
    eth = dataclasses.replace(ETH, taker_fee=0, conventions=Conventions(kept=0.1))
    for leverage, kept in ((20, 10), (5, 20)):
        account, _ = Account(balance=30).open(
            eth, quantity=10, price=10, leverage=leverage, margin=25
        )
        assert account.removable({"ETH": 10}, "ETH") == pytest.approx(25 - kept)


def test_all_of_a_margin_can_be_removed_where_profit_carries_the_position():
    after, _ = both().remove_margin("ETH", 20, {"ETH": 20})
    assert (after["ETH"].margin, after["ETH"].mode) == (0, "isolated")
    assert after.balance == both().balance + 20
    with pytest.raises(MarginError, match="what can be taken out, 20, got 20.5"):
        both().remove_margin("ETH", 20.5, {"ETH": 20})


def test_what_can_leave_the_balance_is_free_and_no_unrealised_profit():
    account, _ = Account(balance=100).open(SOL, quantity=10, price=10, leverage=5, mode="cross")
    assert account.removable({"SOL": 10}) == 80
    assert account.removable({"SOL": 20}) == 100  # of 160 available
    assert account.removable({"SOL": 1}) == 8
    assert account.removable({"SOL": 0.1}) == pytest.approx(0.8)
    assert account.removable({"SOL": 0.001}) == pytest.approx(0.008)
    short, _ = Account(balance=100).open(SOL, quantity=-9, price=10, leverage=1, mode="cross")
    assert short.removable({"SOL": 19}) == 0


@pytest.mark.parametrize("operation", ["open", "add"])
def test_isolated_margin_is_not_taken_from_what_keeps_cross_alive(operation):
    """With a leverage beyond 1 / maintenance rate, the initial margin is less than that."""
    account, _ = Account(balance=11).open(ADA, quantity=100, price=1, leverage=100, mode="cross")
    account, _ = account.open(SOL, quantity=1, price=1, leverage=1, marks={"ADA": 1})
    assert account.available_balance({"ADA": 1}) == 9
    assert account.removable({"ADA": 1}) == pytest.approx(6)
    with pytest.raises(
        MarginError, match="must not exceed the money that may leave the balance, 6"
    ):
        if operation == "open":
            account.open(SOL, quantity=8, price=1, leverage=1, marks={"ADA": 1})
        else:
            account.add_margin("SOL", 8, {"ADA": 1})


# Switching


def test_a_switch_moves_the_margin_and_back():
    account, event = both().switch_mode("ETH", "cross", MARKS)
    assert account["ETH"].mode == "cross"
    assert (event.kind, event.symbols) == ("mode switched", ("ETH",))
    assert event.transfers == {"balance": 20, "margin ETH": -20}
    account, event = account.switch_mode("ETH", "isolated", MARKS)
    assert event.transfers == {"balance": -20, "margin ETH": 20}  # the initial margin at entry
    assert account.balance == pytest.approx(both().balance)
    assert account.positions == both().positions
    account, _ = both().switch_mode("ADA", "isolated", MARKS, margin=30)
    assert account["ADA"].margin == 30


def test_the_whole_balance_can_become_a_margin():
    account, _ = Account(balance=0.3).open(SOL, quantity=0.3, price=1, leverage=1, mode="cross")
    after, _ = account.switch_mode("SOL", "isolated", {"SOL": 1}, margin=0.1 + 0.2)
    assert (after.balance, after["SOL"].margin) == (0, 0.3)


def test_what_roundings_lose_grows_with_the_sum_that_becomes_a_margin():
    account, _ = Account(balance=1e9).open(SOL, quantity=1e9, price=1, leverage=1, mode="cross")
    after, _ = account.switch_mode("SOL", "isolated", {"SOL": 1}, margin=1e9 + 1e-4)
    assert (after.balance, after["SOL"].margin) == (0, 1e9)


def test_a_margin_below_zero_goes_along_into_cross():
    account = Account(
        balance=10,
        positions=[Position(contract=ETH, quantity=1, entry_price=10, leverage=1, margin=-2)],
    )
    after, event = account.switch_mode("ETH", "cross", {"ETH": 20})
    assert after.balance == 8
    assert event.transfers == {"balance": -2, "margin ETH": 2}


def test_each_pocket_must_survive_a_switch():
    account, _ = Account(balance=41).open(ETH, quantity=10, price=10, leverage=5, mode="cross")
    account, _ = account.open(ADA, quantity=-50, price=2, leverage=5, mode="cross", marks=MARKS)
    with pytest.raises(MarginError, match="equity behind ETH must stay above"):
        account.switch_mode("ETH", "isolated", {"ETH": 8, "ADA": 2})
    with pytest.raises(MarginError, match="equity behind cross must stay above"):
        account.switch_mode("ADA", "isolated", {"ETH": 8, "ADA": 2}, margin=20)
    account, _ = account.switch_mode("ETH", "isolated", MARKS, margin=30)
    with pytest.raises(MarginError, match="equity behind ETH must stay above"):
        account.switch_mode("ETH", "cross", {"ETH": 7.5, "ADA": 2.2})


# Costs of holding


def test_funding_moves_an_isolated_price_and_the_shared_balance():
    account, event = both().pay_funding({"ETH": 0.01, "ADA": 0.01}, MARKS)
    assert account["ETH"].margin == 19
    assert account.balance == pytest.approx(both().balance + 1)  # the short receives
    assert event.transfers == pytest.approx(
        {"margin ETH": -1, "balance": 1}
    )  # what one pays the other receives: nothing is left for others
    assert account.liquidation_price("ETH") > both().liquidation_price("ETH")
    assert account.liquidation_price("ADA") > both().liquidation_price("ADA")


def test_funding_goes_to_other_traders():
    _, event = both().pay_funding({"ETH": 0.01}, {"ETH": 20})
    assert event.kind == "funding paid" and event.symbols == ("ETH",)
    assert event.transfers == {"margin ETH": -2, "other traders": 2}
    _, event = both().pay_funding({"ETH": -0.01}, {"ETH": 20})
    assert event.transfers == {"margin ETH": 2, "other traders": -2}


def test_interest_is_on_the_loan_and_by_the_started_hour():
    account, event = both().pay_interest({"ETH": 0.001, "ADA": 0.002}, 2.5)
    assert event.kind == "interest paid" and event.symbols == ("ETH", "ADA")
    assert account["ETH"].margin == pytest.approx(20 - 80 * 0.001 * 3)
    assert account.balance == pytest.approx(both().balance - 75 * 0.002 * 3)
    assert event.received("lender") == pytest.approx(0.24 + 0.45)
    same, event = both().pay_interest({"ETH": 0.001}, 0)
    assert same == both()
    assert event.transfers == {}


def test_costs_can_bring_a_margin_and_a_shared_balance_below_zero():
    account, _ = both().pay_funding({"ETH": 0.5, "ADA": -0.9}, MARKS)
    assert account["ETH"].margin == pytest.approx(-30)
    assert account.balance == pytest.approx(-9.1)
    assert account.risk({"ETH": 15}, "ETH").equity == pytest.approx(20)


# Bad input

ORDER = {"quantity": 1, "price": 10, "leverage": 5, "marks": MARKS}
PRICED = [*NOT_SINGLE, None, 0, -1]
CHOSEN = [*NOT_SINGLE, 0, -1]  # None has a meaning
SIGNED = [*NOT_SINGLE, None]

# Where a number goes in, the start of the error's name, and what it must not be.
ENTRANCES = [
    (lambda a, x: a.open(SOL, **{**ORDER, "quantity": x}), "SOL quantity", [*SIGNED, 0]),
    (lambda a, x: a.open(SOL, **{**ORDER, "price": x}), "SOL entry price", PRICED),
    (lambda a, x: a.open(SOL, **{**ORDER, "leverage": x}), "SOL leverage", [*PRICED, 0.99]),
    (lambda a, x: a.open(SOL, **ORDER, margin=x), "margin", CHOSEN),
    (lambda a, x: a.open(SOL, **{**ORDER, "marks": {"ADA": x}}), "mark of ADA", PRICED),
    (lambda a, x: a.close("ETH", price=x), "price", PRICED),
    (lambda a, x: a.close("ETH", price=10, quantity=x), "quantity", CHOSEN),
    (lambda a, x: a.close("ADA", price=2, marks={"SOL": x}), "mark of SOL", PRICED),
    (lambda a, x: a.add_margin("ETH", x, MARKS), "amount", [*SIGNED, -1]),
    (lambda a, x: a.add_margin("ETH", 1, {"ADA": x}), "mark of ADA", PRICED),
    (lambda a, x: a.remove_margin("ETH", x, MARKS), "amount", [*SIGNED, -1]),
    (lambda a, x: a.remove_margin("ETH", 1, {"ETH": x}), "mark of ETH", PRICED),
    (lambda a, x: a.switch_mode("ADA", "isolated", MARKS, margin=x), "margin", CHOSEN),
    (lambda a, x: a.switch_mode("ETH", "cross", {"ETH": x, "ADA": 2}), "mark of ETH", PRICED),
    (lambda a, x: a.pay_funding({"ETH": x}, MARKS), "ETH rate", SIGNED),
    (lambda a, x: a.pay_funding({"ETH": 0.1}, {"ETH": x}), "mark of ETH", PRICED),
    (lambda a, x: a.pay_interest({"ETH": x}, 1), "ETH rate", [*SIGNED, -1]),
    (lambda a, x: a.pay_interest({"ETH": 0.1}, x), "hours", [*SIGNED, -1]),
    (lambda a, x: a.pay_interest({}, x), "hours", [*SIGNED, -1]),
    (lambda a, x: a.risk({"ETH": x}, "ETH"), "mark of ETH", [*NO_NUMBERS, None, 0, -1, [1, 0]]),
    (lambda a, x: a.equity({"ETH": x, "ADA": 2}), "mark of ETH", [*NO_NUMBERS, None, 0, -1]),
    (lambda a, x: a.available_balance({"ADA": x}), "mark of ADA", [*NO_NUMBERS, None, 0, -1]),
]


def refused(call):
    """The error of a call on an account, which must be what it was before."""
    account = both()
    before = copy.deepcopy(account)
    with pytest.raises(MarginError) as caught:
        call(account)
    assert account == before
    return caught.value


@pytest.mark.parametrize(("call", "name", "bad"), ENTRANCES, ids=lambda x: x if str(x) == x else "")
def test_no_bad_number_gets_into_an_account(call, name, bad):
    for value in bad:
        error = refused(lambda account, value=value: call(account, value))
        assert error.name == name
        assert error.rule.startswith("must ")
        assert error.value is value or error.value == pytest.approx(value)
        assert str(error) == f"{name} {error.rule}, got {error.value}"


REFUSED = {
    "margin and fee must not exceed the available balance 55.9, got 100.0": [
        lambda a: a.open(SOL, quantity=100, price=1, leverage=1, marks=MARKS),
        lambda a: a.open(SOL, quantity=100, price=1, leverage=1, mode="cross", marks=MARKS),
        lambda a: a.open(SOL, quantity=10, price=1, leverage=1, margin=100, marks=MARKS),
    ],
    "margin and fee must not exceed the available balance 55.9, got 56.079": [
        lambda a: a.open(ETH, quantity=27.9, price=10, leverage=5, marks=MARKS),
    ],
    "margin must be at least the initial margin 2, got 1.99": [
        lambda a: a.open(SOL, **ORDER, margin=1.99),
    ],
    "margin must be None in cross: the balance is shared, got 5": [
        lambda a: a.open(SOL, **ORDER, mode="cross", margin=5),
        lambda a: a.switch_mode("ETH", "cross", MARKS, margin=5),
    ],
    "mode must be 'isolated' or 'cross', got 'Isolated'": [
        lambda a: a.open(SOL, **ORDER, mode="Isolated"),
        lambda a: a.switch_mode("ETH", "Isolated", MARKS),
    ],
    "contract must be a Contract, got SOL": [lambda a: a.open("SOL", **ORDER)],
    "ETH quantity must be on the side of the open position, 10 (close that), got -1.0": [
        lambda a: a.open(ETH, **{**ORDER, "quantity": -1}),
    ],
    "ETH quantity must be on the side of the open position, 10 (close that), got -10.0": [
        lambda a: a.open(ETH, **{**ORDER, "quantity": -10}),
    ],
    "ETH mode must be that of the open position, isolated, got cross": [
        lambda a: a.open(ETH, **ORDER, mode="cross"),
    ],
    f"ETH contract must be that of the open position, {ETH}, got {Contract(symbol='ETH')}": [
        lambda a: a.open(Contract(symbol="ETH"), **ORDER),
    ],
    "quantity must be part of the open quantity 10, got 10.1": [
        lambda a: a.close("ETH", price=10, quantity=10.1),
    ],
    "quantity must be part of the open quantity -50, got 1.0": [
        lambda a: a.close("ADA", price=2, quantity=1),
    ],
    "equity behind ETH must stay above the maintenance margin 1.6, got 0.0": [
        lambda a: a.close("ETH", price=8),
        lambda a: a.close("ETH", price=8, quantity=1),
    ],
    "amount must not exceed what can be taken out, 0, got 15.0": [
        lambda a: a.remove_margin("ETH", 15, {"ETH": 9.5}),
    ],
    "amount must not exceed the available balance 55.9, got 56.0": [
        lambda a: a.add_margin("ETH", 56, MARKS),
    ],
    "margin must not exceed the balance 80.9, got 81.0": [
        lambda a: a.switch_mode("ADA", "isolated", MARKS, margin=81),
    ],
    "mode of ADA must be isolated, got cross": [
        lambda a: a.add_margin("ADA", 1, MARKS),
        lambda a: a.remove_margin("ADA", 1, MARKS),
        lambda a: a.switch_mode("ADA", "cross", MARKS),
    ],
    "mode of ETH must be cross, got isolated": [lambda a: a.switch_mode("ETH", "isolated", MARKS)],
    "symbol must be one the account holds (ETH, ADA), got SOL": [
        lambda a: a.close("SOL", price=1),
        lambda a: a.add_margin("SOL", 1, MARKS),
        lambda a: a.remove_margin("SOL", 1, MARKS),
        lambda a: a.switch_mode("SOL", "cross", MARKS),
        lambda a: a.pay_funding({"SOL": 0.1}, MARKS),
        lambda a: a.pay_interest({"SOL": 0.1}, 1),
    ],
    "marks must hold a price for ADA, got {'ETH': 10.0}": [
        lambda a: a.add_margin("ETH", 1, {"ETH": 10}),
        lambda a: a.switch_mode("ETH", "cross", {"ETH": 10}),
        lambda a: a.pay_funding({"ADA": 0.1}, {"ETH": 10}),
        lambda a: a.equity({"ETH": 10.0}),
        lambda a: a.available_balance({"ETH": 10.0}),
    ],
    "marks must hold a price for ADA, got None": [
        lambda a: a.available_balance(),
        lambda a: a.risk(),
    ],
    "marks must hold a price for ETH, got {}": [
        lambda a: a.remove_margin("ETH", 1, {}),
        lambda a: a.remove_margin("ETH", 1, None),
        lambda a: a.pay_funding({"ETH": 0.1}, None),
        lambda a: a.risk({}, "ETH"),
    ],
}


@pytest.mark.parametrize(
    ("message", "call"), [(message, call) for message, calls in REFUSED.items() for call in calls]
)
def test_what_cannot_be_is_refused_by_name_rule_and_value(message, call):
    error = refused(call)
    number = error.value if isinstance(error.value, float) else None
    if number is not None:  # to the digits that the message shows
        message, _, shown = message.rpartition(", got ")
        assert number == pytest.approx(float(shown), abs=1e-9)
        message += f", got {number}"
    assert str(error) == message


def test_a_position_that_would_be_liquidated_at_birth_is_not_opened():
    risky = Contract(symbol="SOL", maintenance=0.2)
    for mode in ("isolated", "cross"):
        account = Account(balance=2)
        with pytest.raises(MarginError, match="equity behind SOL must stay above the maintenance"):
            account.open(risky, quantity=1, price=10, leverage=5, mode=mode)
        account.open(risky, quantity=0.999, price=10, leverage=4.995, mode=mode)


def test_a_position_beyond_its_means_cannot_be_closed_in_cross_either():
    error = refused(lambda a: a.close("ADA", price=4))
    assert (error.name, error.rule) == (
        "equity behind ADA",
        "must stay above the maintenance margin 8",
    )
    assert error.value == pytest.approx(-19.1)


def test_a_mark_is_one_positive_number_and_many_are_for_looking_only():
    assert mark({"ETH": 2}, "ETH") == 2
    assert mark({"ETH": [1, 2]}, "ETH").tolist() == [1, 2]
    assert checked_marks(None) == {}
    assert checked_marks({"ETH": np.float32(2)}) == {"ETH": 2}
    with pytest.raises(MarginError, match="mark of ETH must be a single number"):
        checked_marks({"ETH": [1, 2]})


# Conservation

CONTRACTS = {
    symbol: Contract(symbol=symbol, maintenance=rate, taker_fee=fee)
    for symbol, rate, fee in [("ETH", 0.02, 0.0004), ("ADA", 0.05, 0.0), ("SOL", 0.0, 0.01)]
}
operations = st.tuples(
    st.sampled_from(
        ["open", "close", "add", "remove", "switch", "fund", "interest", "walk", "settle"]
    ),
    st.sampled_from(sorted(CONTRACTS)),
    st.integers(1, 99).map(lambda n: n / 100),
    st.integers(70, 140).map(lambda n: n / 100),
    st.booleans(),
)


def operate(account, marks, what, symbol, share, flag):
    """One operation with sizes that are often, not always, possible."""
    held = {
        p.symbol for p in (account.isolated if what in ("add", "remove") else account.positions)
    }
    if what != "open" and held and symbol not in held:
        symbol = min(held)
    if what == "settle":
        return mark_to_market(account, marks, fee_rate=0.01 if flag else None)
    if what == "open":
        mode, side = ("isolated" if flag else "cross"), (1 if share > 0.5 else -1)
        if symbol in account:
            mode, side = account[symbol].mode, account[symbol].quantity
        order = {"quantity": math.copysign(50 * share, side), "price": marks[symbol]}
        account, event = account.open(
            CONTRACTS[symbol], **order, leverage=4, mode=mode, marks=marks
        )
    elif what == "close":
        quantity = None if flag else account[symbol].quantity * share
        account, event = account.close(symbol, price=marks[symbol], quantity=quantity, marks=marks)
    elif what == "add":
        account, event = account.add_margin(symbol, share * account.balance / 4, marks)
    elif what == "remove":
        account, event = account.remove_margin(symbol, share * (account[symbol].margin or 1), marks)
    elif what == "switch":
        mode = "cross" if account[symbol].mode == "isolated" else "isolated"
        account, event = account.switch_mode(symbol, mode, marks)
    elif what == "fund":
        account, event = account.pay_funding({symbol: (share - 0.5) / 5}, marks)
    else:
        account, event = account.pay_interest({symbol: share / 1000}, 10 * share)
    return account, (event,)


@settings(max_examples=150)
@given(st.integers(100, 2000), st.lists(operations, min_size=5, max_size=25))
def test_no_operation_makes_or_loses_money(balance, steps):
    start = account = Account(balance=balance)
    marks = dict.fromkeys(CONTRACTS, 10.0)
    outside, flow = 0.0, balance
    own = {"balance", *(margin_party(symbol) for symbol in CONTRACTS)}
    for what, symbol, share, move, flag in steps:
        if what == "walk":
            marks = {**marks, symbol: marks[symbol] * move}
            continue
        before = copy.deepcopy(account)
        try:
            after, events = operate(account, marks, what, symbol, share, flag)
        except MarginError:
            assert account == before
            continue
        assert account == before  # a value, whatever is done with it
        for event in events:
            flow += sum(map(abs, event.transfers.values()))
            assert math.fsum(event.transfers.values()) == pytest.approx(0, abs=1e-9 * flow)
            outside += sum(money for party, money in event.transfers.items() if party not in own)
        for party in own:
            change = _holds(after, party) - _holds(before, party)
            received = sum(event.received(party) for event in events)
            assert change == pytest.approx(received, abs=1e-9 * flow), party
        assert after.wallet_balance == after.balance + after.locked_margin
        assert after.wallet_balance + outside == pytest.approx(start.balance, abs=1e-9 * flow)
        assert after.cross or after.balance >= 0
        account = after


def _holds(account, party):
    if party == "balance":
        return account.balance
    return sum(p.margin for p in account.isolated if margin_party(p.symbol) == party)


def test_an_event_adds_up_ledgers_and_leaves_out_who_gets_nothing():
    event = Event.of("closed", ["A"], {"x": 1.0, "y": -1.0}, {"x": 2.0, "z": -2.0}, {"y": 1.0})
    assert event == Event("closed", ("A",), {"x": 3.0, "z": -2.0})
    assert event.received("y") == event.received("nobody") == 0
    assert Event("closed", ()).transfers == {}


def test_profit_that_is_not_realised_cannot_be_locked_in_an_isolated_margin():
    eth, ada = Contract(symbol="ETH"), Contract(symbol="ADA")
    account, _ = Account(balance=10).open(eth, quantity=10, price=1, leverage=1, mode="cross")
    marks = {"ETH": 5.0}  # equity 50, available 0 + nothing left beside the initial margin of 50
    assert account.available_balance(marks) == 0
    account, _ = Account(balance=10).open(eth, quantity=10, price=1, leverage=5, mode="cross")
    assert account.available_balance(marks) == 40
    for locked, allowed in ((10, True), (10.5, False), (40, False)):
        order = {"quantity": locked, "price": 1, "leverage": 1, "marks": marks}
        if allowed:
            assert account.open(ada, **order)[0].balance == 0
        else:
            with pytest.raises(MarginError, match="money that may leave the balance, 10"):
                account.open(ada, **order)
    both, _ = account.open(ada, quantity=5, price=1, leverage=1, marks=marks)
    with pytest.raises(MarginError, match="money that may leave the balance, 5"):
        both.add_margin("ADA", 5.5, {**marks, "ADA": 1.0})


# What a position and a risk say alone


def test_a_cross_position_has_no_price_of_its_own():
    eth = Contract(symbol="ETH")
    cross = Position(contract=eth, quantity=-2, entry_price=20, leverage=10)
    assert math.isnan(cross.liquidation_price())
    alone = dataclasses.replace(cross, margin=4)
    assert alone.liquidation_price() == Account(balance=0, positions=[alone]).liquidation_price(
        "ETH"
    )


def test_a_debt_with_nothing_open_is_liquidatable_and_no_money_is_not():
    assert Risk(equity=-1).is_liquidatable
    assert not Risk(equity=0).is_liquidatable
    assert Risk(equity=3, maintenance_margin=2).cushion == 1


SPAN = {"ETH": (0.5, 4.0), "ADA": (0.5, 3.0)}


@pytest.mark.parametrize("sides", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
@pytest.mark.parametrize("rows", [[(0, 0.02)], [(0, 0.02), (10, 0.1), (14, 0.3)]])
def test_on_the_wall_the_shared_balance_is_liquidated(sides, rows):
    held = [
        Position(
            contract=Contract(symbol=symbol, maintenance=Tiers.continuous(rows)),
            quantity=side * size,
            entry_price=1.5,
            leverage=5,
        )
        for symbol, side, size in zip(SPAN, sides, (10, 8), strict=True)
    ]
    account = Account(balance=4, positions=held)
    wall = account.wall("ETH", "ADA", SPAN)
    assert len(wall) >= 2
    # between corners the wall is straight: every point of it has lost just its cushion
    for share in np.linspace(0, 1, 7):
        x, y = (wall[:-1] + share * np.diff(wall, axis=0)).T
        risk = account.risk({"ETH": x, "ADA": y})
        assert risk.cushion == pytest.approx(0, abs=1e-9)
    assert wall[:, ::-1][np.argsort(wall[:, 1])] == pytest.approx(account.wall("ADA", "ETH", SPAN))


def test_a_wall_outside_the_box_has_no_corners_and_an_isolated_position_none():
    held = Position(contract=ETH, quantity=1, entry_price=1, leverage=2)
    ada = dataclasses.replace(held, contract=Contract(symbol="ADA"))
    assert Account(balance=100, positions=[held, ada]).wall("ETH", "ADA", SPAN).shape == (0, 2)
    with pytest.raises(MarginError, match="mode of ADA must be cross"):
        Account(balance=1, positions=[held, dataclasses.replace(ada, margin=1)]).wall(
            "ETH", "ADA", SPAN
        )
    with pytest.raises(MarginError, match=r"ETH span must be above 4, got 2"):
        Account(balance=9, positions=[held, ada]).wall("ETH", "ADA", {**SPAN, "ETH": (4, 2)})


@pytest.mark.parametrize("sides", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_the_wall_of_inverse_contracts_bends_at_the_floors_of_their_tables(sides):
    table = Tiers.continuous([(0, 0.02), (6, 0.1), (9, 0.3)])
    held = [
        Position(
            contract=Contract(symbol=symbol, maintenance=table, inverse=True, settle="coin"),
            quantity=side * size,
            entry_price=1.5,
            leverage=5,
        )
        for symbol, side, size in zip(SPAN, sides, (10, 8), strict=True)
    ]
    account = Account(balance=2, positions=held)
    wall = account.wall("ETH", "ADA", SPAN)
    assert account.risk({"ETH": wall[:, 0], "ADA": wall[:, 1]}).cushion == pytest.approx(0)
    for i, symbol in enumerate(SPAN):
        low, high = SPAN[symbol]
        for floor in (6, 9):
            at = abs(held[i].quantity) / floor
            other = account.liquidation_price(list(SPAN)[1 - i], {symbol: at})
            beyond = SPAN[list(SPAN)[1 - i]]
            if low <= at <= high and beyond[0] <= other <= beyond[1]:
                assert np.any(np.isclose(wall[:, i], at))


def test_the_sides_of_a_wall_are_prices_and_may_be_fractions():
    held = [
        Position(contract=Contract(symbol=symbol), quantity=1, entry_price=2, leverage=4)
        for symbol in SPAN
    ]
    account = Account(balance=0.5, positions=held)
    span = {"ETH": (Fraction(1, 2), Fraction(4)), "ADA": (Fraction(1, 2), Fraction(3))}
    assert account.wall("ETH", "ADA", span).tolist() == [[0.5, 3.0], [3.0, 0.5]]
    for low in (0, -1):
        with pytest.raises(MarginError, match=f"^ADA span must be above 0, got {low}$"):
            account.wall("ETH", "ADA", {**SPAN, "ADA": (low, 2)})


# Collateral that has a price


def test_coins_held_are_worth_their_price_and_lend_nothing():
    account = both()
    held = account.holding("BTC", share=0.25, price=50)
    marks = MARKS | {"BTC": 50.0}
    assert held.equity(marks) == pytest.approx(account.equity(MARKS))
    assert held.risk(marks).maintenance_margin == account.risk(MARKS).maintenance_margin
    fallen = held.equity(MARKS | {"BTC": 20.0})
    assert fallen == pytest.approx(account.equity(MARKS) - 0.25 * 0.6 * account.balance)
    assert held["ETH"] == account["ETH"]
    assert Account(balance=8).holding("BTC", share=0, price=50) == Account(balance=8)


def test_coins_of_the_market_itself_bring_its_liquidation_price_nearer():
    account, _ = Account(balance=50).open(ETH, quantity=10, price=10, leverage=5, mode="cross")
    cash = account.liquidation_price("ETH")
    coins = account.holding("ETH", share=1, price=10)
    edge = coins.liquidation_price("ETH", MARKS)
    assert cash < edge < 10
    assert coins.risk({"ETH": edge}).cushion == pytest.approx(0)


@pytest.mark.parametrize(("share", "price"), [(1.01, 1), (-0.1, 1), (0.5, 0), (NAN, 1)])
def test_coins_held_are_a_share_at_a_price(share, price):
    with pytest.raises(MarginError):
        both().holding("BTC", share=share, price=price)


@pytest.mark.parametrize("bad", ["equity", "notional", "maintenance_margin", "idle"])
def test_what_is_no_number_is_never_safe(bad):
    sums = {"equity": 2.0, "notional": 10.0, "maintenance_margin": 0.5}
    assert not Risk(**sums).is_liquidatable
    assert Risk(**{**sums, bad: math.nan}).is_liquidatable
    assert Risk(**{**sums, bad: math.nan}, at_equality=False).is_liquidatable


def test_less_than_one_unit_of_money_is_judged_like_any_other():
    assert not Risk(equity=0.5, notional=0.25, maintenance_margin=0.125).is_liquidatable
    assert Risk(equity=0.5, notional=1, maintenance_margin=0.75).is_liquidatable
    assert Risk(equity=0.5, notional=0.25, maintenance_margin=0.125).margin_ratio == 0.25
    assert Risk(equity=0.5, notional=0.25).effective_leverage == 0.5
    assert Risk(equity=0.5).effective_leverage == 0
