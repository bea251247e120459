"""One position under every convention: the same words, ten different prices.

10 ETH at 2,000 with 10x: 2,000 of own margin, maintenance 0.5%, taker fee 0.05%, no maintenance
amount. An inverse position is 20,000 of quote money, margined with 1 ETH.
"""

from dataclasses import replace
from fractions import Fraction

import pytest

from margin_lib import MarginError, formulas
from margin_lib.account import Account, Position
from margin_lib.contracts import Contract, Conventions, Tiers

COINS, ENTRY, LEVERAGE = Fraction(10), Fraction(2000), Fraction(10)
RATE, FEE = Fraction("0.005"), Fraction("0.0005")
WORTH = formulas.notional(COINS, ENTRY)


def opened(side, *, inverse=False, maintenance=RATE, **conventions):
    """The position in isolated mode, with its initial margin."""
    contract = Contract(
        symbol="ETH",
        maintenance=maintenance,
        taker_fee=FEE,
        inverse=inverse,
        conventions=Conventions(**conventions),
    )
    size = WORTH if inverse else COINS
    held = Position(contract=contract, quantity=side * size, entry_price=ENTRY, leverage=LEVERAGE)
    return replace(held, margin=held.risk(ENTRY).initial_margin)


def frozen_at_entry(side):
    return opened(side, maintenance_at="entry").liquidation_price()


def growing_with_the_price(side):
    return opened(side).liquidation_price()


def closing_fee_beside_the_rate(side):
    return opened(side, closing_fee=True).liquidation_price()


def closing_fee_in_margin_and_trigger(side):
    """The margin holds the fee of closing at the bankruptcy price as well (Phemex)."""
    held = opened(side, closing_fee=True)
    last = Account(balance=0, positions=[held]).bankruptcy_price("ETH")
    reserve = formulas.trading_fee(held.notional(last), FEE)
    return replace(held, margin=held.margin + reserve).liquidation_price()


def half_of_the_margin_at_maximum_leverage(side):
    return opened(
        side, maintenance=Tiers.half_of_max_leverage([(0, Fraction(25))])
    ).liquidation_price()


def bankruptcy(side):
    return Account(balance=0, positions=[opened(side)]).bankruptcy_price("ETH")


def inverse_frozen_at_entry(side):
    return opened(side, inverse=True, maintenance_at="entry").liquidation_price()


def inverse_without_maintenance(side):
    held = opened(side, inverse=True, maintenance=0)
    account = Account(balance=0, positions=[held])
    assert held.liquidation_price() == account.bankruptcy_price("ETH")
    return held.liquidation_price()


def spot_margin(side):
    """A long owes what it did not pay itself; a short owes coins and holds margin and proceeds."""
    held = opened(side)
    long = {"coin": COINS, "quote_debt": held.borrowed}
    short = {"coin_debt": COINS, "quote": held.margin + WORTH}
    return formulas.spot_liquidation_price(Fraction("1.05"), **(long if side > 0 else short))


def nine_tenths_of_the_margin_lost(side):
    """Maintenance is a tenth of the initial margin, frozen (BingX standard)."""
    tenth = formulas.initial_margin(Fraction("0.1"), LEVERAGE)
    return opened(side, maintenance=tenth, maintenance_at="entry").liquidation_price()


TABLE = [
    (frozen_at_entry, "1810.00", "2190.00"),
    (growing_with_the_price, "1809.05", "2189.05"),
    (closing_fee_beside_the_rate, "1809.95", "2187.97"),
    (closing_fee_in_margin_and_trigger, "1809.05", "2189.06"),
    (half_of_the_margin_at_maximum_leverage, "1836.73", "2156.86"),
    (bankruptcy, "1800.00", "2200.00"),
    (inverse_frozen_at_entry, "1826.48", "2209.94"),
    (inverse_without_maintenance, "1818.18", "2222.22"),
    (spot_margin, "1890.00", "2095.24"),
    (nine_tenths_of_the_margin_lost, "1820.00", "2180.00"),
]


@pytest.mark.parametrize(("convention", "long", "short"), TABLE)
def test_to_the_cent(convention, long, short):
    assert f"{float(convention(1)):.2f}" == long
    assert f"{float(convention(-1)):.2f}" == short


def test_the_same_words_are_ninety_apart():
    longs = [convention(1) for convention, *_ in TABLE]
    assert max(longs) - min(longs) == 90


@pytest.mark.parametrize("maintenance_at", ["mark", "entry"])
@pytest.mark.parametrize("inverse", [False, True])
def test_a_risk_has_the_shape_of_the_prices(maintenance_at, inverse):
    rules = Conventions(maintenance_at=maintenance_at)
    eth = Contract(symbol="ETH", maintenance=0.005, inverse=inverse, conventions=rules)
    held = Position(contract=eth, quantity=10, entry_price=2000.0, leverage=10, margin=1.0)
    prices = [1900.0, 2000.0, 2100.0]
    risk = held.risk(prices)
    assert risk.maintenance_margin.shape == risk.equity.shape == (3,)
    for price, maintenance in zip(prices, risk.maintenance_margin, strict=True):
        assert maintenance == held.risk(price).maintenance_margin
    with pytest.raises(MarginError, match="price"):
        held.maintenance_margin(float("nan"))
