"""A contract is a checked, frozen value."""

import dataclasses

import numpy as np
import pytest

from margin_lib.contracts import Contract
from margin_lib.errors import MarginError
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
