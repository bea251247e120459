"""A contract is a checked, frozen value."""

import dataclasses

import numpy as np
import pytest

from margin_lib.account import Account, Collateral
from margin_lib.contracts import Contract, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import mark_to_market
from tests.support.strategies import NOT_SINGLE


def test_a_contract_costs_nothing_unless_told():
    assert Contract(symbol="ETH") == Contract(symbol="ETH", maintenance=0.0, taker_fee=0.0)


@pytest.mark.parametrize("symbol", ["", None, 5, ["ETH"]], ids=repr)
def test_a_symbol_is_a_name(symbol):
    with pytest.raises(MarginError) as caught:
        Contract(symbol=symbol)
    assert str(caught.value) == f"symbol must be a name, got {symbol!r}"


@pytest.mark.parametrize("size", [*NOT_SINGLE, None, 0, -1], ids=repr)
def test_a_size_is_a_number_above_zero(size):
    with pytest.raises(MarginError, match="^ETH contract size must be "):
        Contract(symbol="ETH", size=size)


@pytest.mark.parametrize("name", ["maintenance", "taker_fee"])
@pytest.mark.parametrize("value", [*NOT_SINGLE, None, -0.01, 1, 1.5], ids=repr)
def test_a_rate_is_a_share_of_less_than_one(name, value):
    words = {"maintenance": "maintenance rate", "taker_fee": "taker fee"}[name]
    with pytest.raises(MarginError, match=f"^ETH {words} must be "):
        Contract(symbol="ETH", **{name: value})


def test_rates_may_be_zero_and_are_kept_as_floats():
    contract = Contract(symbol="ETH", maintenance=np.float32(0.5), taker_fee=0)
    assert (type(contract.maintenance_rate), type(contract.taker_fee)) == (float, float)
    assert (contract.maintenance_rate, contract.taker_fee) == (0.5, 0.0)


def test_a_contract_is_a_value_that_cannot_be_changed():
    contract = Contract(symbol="ETH", maintenance=0.02)
    same = Contract(symbol="ETH", maintenance=0.02)
    assert contract == same
    assert hash(contract) == hash(same)
    with pytest.raises(dataclasses.FrozenInstanceError):
        contract.taker_fee = 0.5


ETH = Contract(symbol="ETH", maintenance=0.01)
NO_ROWS = [5, None, True, "12", [1, 2], [(1,)], [(0, 0.1, 0, 5, 5)], [{}], [None], b"12", 1j]


@pytest.mark.parametrize("bad", NO_ROWS, ids=repr)
def test_what_is_no_table_is_refused(bad):
    with pytest.raises(MarginError, match="^tier"):
        Tiers(bad)
    with pytest.raises(MarginError, match="^BTC (ratio|floor)"):
        Collateral(coin="BTC", amount=1, ratio=bad)


@pytest.mark.parametrize("bad", [5, None, True, "ETH", [1], [None], [ETH]], ids=str)
def test_what_is_no_position_and_no_coin_is_refused(bad):
    for name in ("positions", "collateral"):
        with pytest.raises(MarginError, match=f"^{name} must be of type"):
            Account(balance=1, **{name: bad})


@pytest.mark.parametrize("bad", [5, True, "ETH", [100], {"ETH"}, ("ETH", 1)], ids=str)
def test_what_is_no_mapping_of_marks_is_refused(bad):
    account, _ = Account(balance=100).open(
        ETH, quantity=1, price=100, leverage=5, mode="cross", marks=None
    )
    for call in (account.risk, account.equity, lambda marks: mark_to_market(account, marks)):
        with pytest.raises(MarginError, match="^marks must"):
            call(bad)


@pytest.mark.parametrize("bad", [["ETH"], {}, np.array([1]), None, 5], ids=str)
def test_what_is_no_symbol_is_not_held(bad):
    account, _ = Account(balance=100).open(ETH, quantity=1, price=100, leverage=5)
    assert bad not in account
    with pytest.raises(MarginError, match="^symbol must be one the account holds"):
        account[bad]
