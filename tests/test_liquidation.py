"""After the trigger: who pays whom, and what stays untouched."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_lib.account import Account, Position
from margin_lib.contracts import Contract
from margin_lib.errors import MarginError
from margin_lib.liquidation import liquidate, mark_to_market
from tests.strategies import NOT_SINGLE, books, shares, size

ETH = Contract(symbol="ETH", maintenance=0.02)
ADA = Contract(symbol="ADA", maintenance=0.05)
fees = st.none() | shares(0.0, 0.05)


def isolated_long(balance=3.0, margin=20.0):
    """100 coins at 1, worth 100."""
    position = Position(contract=ETH, quantity=100, entry_price=1, leverage=5, margin=margin)
    return Account(balance=balance, positions=(position,))


def cross_pair(balance=50.0):
    """A long and a short of 100 each on one balance."""
    long = Position(contract=ETH, quantity=100, entry_price=1, leverage=5)
    short = Position(contract=ADA, quantity=-50, entry_price=2, leverage=5)
    return Account(balance=balance, positions=(long, short))


def due(account, marks):
    """Symbols of the pockets that are due, None for the shared balance."""
    pockets = [None, *(p.symbol for p in account.isolated)]
    return [symbol for symbol in pockets if account.risk(marks, symbol).is_liquidatable]


@pytest.mark.parametrize(
    ("fee_rate", "returned", "fund"),
    [(None, 0, 1.5), (0, 1.5, 0), (0.01, 1.5 - 0.815, 0.815), (0.5, 0, 1.5)],
)
def test_what_is_left_pays_the_fee_and_returns(fee_rate, returned, fund):
    after, event = liquidate(isolated_long(), {"ETH": 0.815}, "ETH", fee_rate)
    assert after.positions == ()
    assert after.balance == pytest.approx(3 + returned)
    assert (event.kind, event.symbols) == ("liquidated", ("ETH",))
    assert event.received("balance") == pytest.approx(returned)
    assert event.received("insurance fund") == pytest.approx(fund)
    assert event.received("market") == pytest.approx(18.5)
    assert event.received("margin ETH") == -20


@pytest.mark.parametrize("fee_rate", [None, 0, 0.01])
def test_the_fund_pays_what_is_missing_after_a_gap(fee_rate):
    after, event = liquidate(isolated_long(), {"ETH": 0.5}, "ETH", fee_rate)
    assert after == Account(balance=3)
    assert event.transfers == {"margin ETH": -20, "market": 50, "insurance fund": -30}
    after, event = liquidate(cross_pair(), {"ETH": 0.5, "ADA": 4}, fee_rate=fee_rate)
    assert after == Account(balance=0)
    assert event.transfers == {"balance": -50, "market": 150, "insurance fund": -100}


@pytest.mark.parametrize("symbol", [None, "ETH", "ADA"])
def test_cross_goes_as_a_whole_whichever_symbol_is_named(symbol):
    marks = {"ETH": 0.8, "ADA": 2.45}
    after, event = liquidate(cross_pair(), marks, symbol, fee_rate=0.01)
    assert event.symbols == ("ETH", "ADA")
    assert after.positions == ()
    assert after.balance == pytest.approx(50 - 20 - 22.5 - 0.01 * (80 + 122.5))


def test_cross_can_end_with_something_left_with_nothing_and_below_zero():
    """The profit of one leg and the loss of the other are netted before anybody pays."""
    end = [
        liquidate(cross_pair(), {"ETH": eth, "ADA": 2.45}, fee_rate=0.005)[1].transfers
        for eth in (0.8, 0.725, 0.6)
    ]
    assert end[0]["insurance fund"] == pytest.approx(0.005 * 202.5)
    assert end[0]["balance"] == pytest.approx(7.5 - 0.005 * 202.5 - 50)
    assert end[1].get("insurance fund", 0) == pytest.approx(0, abs=1e-12)
    assert end[2]["insurance fund"] == pytest.approx(-12.5)


def test_a_margin_below_zero_is_the_funds_loss_too():
    account = isolated_long(margin=-5.0)
    after, event = liquidate(account, {"ETH": 0.9}, "ETH")
    assert after.balance == 3
    assert event.transfers == pytest.approx({"margin ETH": 5, "market": 10, "insurance fund": -15})


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        ("ETH", "equity behind ETH must have fallen to the maintenance margin 2, got 20.0"),
        (None, "equity behind cross must have fallen to the maintenance margin 0, got 3.0"),
        ("SOL", "symbol must be one the account holds (ETH), got SOL"),
    ],
)
def test_what_is_alive_or_unknown_cannot_be_liquidated(symbol, message):
    account = isolated_long()
    with pytest.raises(MarginError) as caught:
        liquidate(account, {"ETH": 1}, symbol)
    assert str(caught.value) == message
    assert account == isolated_long()


@pytest.mark.parametrize("bad", [*NOT_SINGLE, None, 0, -1], ids=repr)
def test_a_mark_is_one_positive_number(bad):
    for call in (liquidate, mark_to_market):
        for account in (isolated_long(), cross_pair()):
            with pytest.raises(MarginError, match="^mark of ETH must be"):
                call(account, {"ETH": bad, "ADA": 9})


@pytest.mark.parametrize("bad", [*NOT_SINGLE, -0.01], ids=repr)
def test_a_fee_rate_is_a_number_of_at_least_zero(bad):
    with pytest.raises(MarginError, match="^fee rate must be"):
        liquidate(isolated_long(), {"ETH": 0.8}, "ETH", fee_rate=bad)
    with pytest.raises(MarginError, match="^fee rate must be"):
        mark_to_market(isolated_long(), {"ETH": 0.8}, fee_rate=bad)


def test_a_missing_mark_is_named():
    with pytest.raises(MarginError, match="marks must hold a price for ADA"):
        mark_to_market(cross_pair(), {"ETH": 1})
    with pytest.raises(MarginError, match="marks must hold a price for ETH"):
        mark_to_market(isolated_long(), None)


# Marking to market


@given(books(), fees)
def test_exactly_the_pockets_that_are_due_are_closed(book, fee_rate):
    account, marks = book
    expected = due(account, marks)
    after, events = mark_to_market(account, marks, fee_rate)
    gone = [event.symbols for event in events]
    crossed = tuple(p.symbol for p in account.cross)
    assert gone == [crossed if symbol is None else (symbol,) for symbol in expected]
    left = {p.symbol for p in account.positions} - {s for symbols in gone for s in symbols}
    assert {p.symbol for p in after.positions} == left
    assert due(after, marks) == []


@given(books(), fees)
def test_an_account_in_which_all_live_stays_the_same(book, fee_rate):
    account, marks = book
    if not due(account, marks):
        assert mark_to_market(account, marks, fee_rate) == (account, ())


@given(books(mode="isolated"), fees)
def test_isolated_never_loses_more_than_its_margin(book, fee_rate):
    account, marks = book
    after, events = mark_to_market(account, marks, fee_rate)
    assert after.balance >= account.balance
    for event in events:
        margin = account[event.symbols[0]].margin
        assert event.received(f"margin {event.symbols[0]}") == -margin
        assert event.received("balance") >= 0
    if not any(event.received("balance") for event in events):
        assert after.balance == account.balance  # exactly


@given(books(), fees)
def test_cross_never_touches_an_isolated_pocket_nor_one_pocket_another(book, fee_rate):
    account, marks = book
    after, _ = mark_to_market(account, marks, fee_rate)
    kept = [p for p in account.isolated if not account.risk(marks, p.symbol).is_liquidatable]
    assert list(after.isolated) == kept


@given(books(), fees)
def test_a_ledger_sums_to_zero_and_says_what_the_account_got(book, fee_rate):
    account, marks = book
    after, events = mark_to_market(account, marks, fee_rate)
    tolerance = 1e-9 * size(account, marks)
    for event in events:
        assert math.fsum(event.transfers.values()) == pytest.approx(0, abs=tolerance)
    own = ["balance", *(f"margin {p.symbol}" for p in account.isolated)]
    got = sum(event.received(party) for event in events for party in own)
    assert after.wallet_balance - account.wallet_balance == pytest.approx(got, abs=tolerance)
    equity_gone = account.equity(marks) - after.equity(marks)
    fund = sum(event.received("insurance fund") for event in events)
    assert equity_gone == pytest.approx(fund, abs=tolerance)


@given(books(), shares(0.0, 0.05))
def test_the_fund_gets_at_most_its_fee_and_pays_only_a_deficit(book, fee_rate):
    account, marks = book
    for symbol in due(account, marks):
        risk = account.risk(marks, symbol)
        after, event = liquidate(account, marks, symbol, fee_rate)
        tolerance = 1e-9 * size(account, marks)
        fund = event.received("insurance fund")
        if risk.equity < 0:
            assert fund == pytest.approx(risk.equity, abs=tolerance)
        else:
            assert -tolerance <= fund <= fee_rate * risk.notional + tolerance
            _, all_kept = liquidate(account, marks, symbol)
            assert all_kept.received("insurance fund") == pytest.approx(risk.equity, abs=tolerance)


def test_equality_triggers():
    account = isolated_long(margin=51.0)
    at = Account(balance=0, positions=(account["ETH"],))
    half = {"ETH": 0.5}  # equity 51 - 50, maintenance 0.02 · 50: exactly 1 each
    assert at.risk(half, "ETH").equity == at.risk(half, "ETH").maintenance_margin == 1
    assert [e.kind for e in mark_to_market(at, half)[1]] == ["liquidated"]
    assert mark_to_market(at, {"ETH": 0.5000001})[1] == ()


def test_money_that_one_liquidation_returns_comes_too_late_for_another():
    """The isolated long returns more than the shared balance would have needed."""
    long = Position(contract=ETH, quantity=100, entry_price=1, leverage=5, margin=20)
    short = Position(contract=ADA, quantity=-50, entry_price=2, leverage=5)
    account = Account(balance=10, positions=(long, short))
    marks = {"ETH": 0.816, "ADA": 2.1}  # 1.6 left of the margin; 5 left of the balance, 5.25 needed
    after, events = mark_to_market(account, marks, fee_rate=0)
    assert [event.symbols for event in events] == [("ADA",), ("ETH",)]
    assert after.positions == ()
    assert after.balance == pytest.approx(5 + 1.6)
    rescued = Account(balance=11.6, positions=(short,))
    assert mark_to_market(rescued, marks, fee_rate=0)[1] == ()


def test_two_isolated_pockets_fall_one_by_one():
    long = Position(contract=ETH, quantity=100, entry_price=1, leverage=5, margin=20)
    short = Position(contract=ADA, quantity=-50, entry_price=2, leverage=5, margin=20)
    account = Account(balance=7, positions=(long, short))
    after, events = mark_to_market(account, {"ETH": 0.7, "ADA": 3})
    assert [event.symbols for event in events] == [("ETH",), ("ADA",)]
    assert after == Account(balance=7)
    after, events = mark_to_market(account, {"ETH": 1.1, "ADA": 3})
    assert [event.symbols for event in events] == [("ADA",)]
    assert after.positions == (long,)
