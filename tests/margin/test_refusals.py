"""Every refusal says the name, the rule and the value got: one wrong call for each."""

import dataclasses

import numpy as np
import pytest

from margin_lib import formulas
from margin_lib.account import Account, Collateral, Position, both_sides, checked_marks, mark
from margin_lib.contracts import Contract, Conventions, Tier, Tiers
from margin_lib.errors import MarginError, count, each_of_type, number, of_type, one_number
from margin_lib.liquidation import close_due, liquidate, mark_to_market, part_to_close, settle
from margin_lib.portfolio import Scan
from margin_lib.spot import SpotWallet

ETH = Contract(symbol="ETH", maintenance=0.1)
CAPPED = Contract(symbol="ETH", maintenance=Tiers([(0, 0.01, 0, 20)]))
INVERSE = Contract(symbol="BTCUSD", market="BTC", inverse=True)
BTC = Collateral(coin="BTC", amount=1)
LONG = Position(contract=ETH, quantity=10, entry_price=10, leverage=5)
OWN = dataclasses.replace(LONG, margin=20)
SHARED, APART = Account(balance=40, positions=[LONG]), Account(balance=40, positions=[OWN])
PAIR = Account(
    balance=40, positions=[LONG, dataclasses.replace(LONG, contract=Contract(symbol="ADA"))]
)
MARKS = {"ETH": 10.0}
ORDER = {"quantity": 1, "price": 10, "leverage": 5}
ROWS = [(0, 0.5, 0, None)]
OF_SETTLING = "positions must settle in the balance's currency or, in cross, in coins held as"

REFUSED = {
    # numbers and kinds
    "price must be a number, got 7": lambda: number("price", "7"),
    "price must be a number, got [[1], [1, 2]]": lambda: number("price", [[1], [1, 2]]),
    "price must be finite, got inf": lambda: number("price", float("inf")),
    "price must be at most 1e+100 in size, got -1e+101": lambda: number("price", -1e101),
    "price must be above 2, got 2": lambda: number("price", 2, above=2),
    "price must be at least 2, got [3, 1]": lambda: number("price", [3, 1], at_least=2),
    "price must be below 2, got 2.0": lambda: number("price", 2.0, below=2),
    "price must be a single number, got [1]": lambda: one_number("price", [1]),
    "legs must be of type int or float, got x": lambda: of_type("legs", "x", (int, float)),
    "legs must be of type Iterable, got 5": lambda: each_of_type("legs", 5, int),
    "steps must be a whole number, got 1.5": lambda: count("steps", 1.5),
    "steps must be at least 1, got 0": lambda: count("steps", 0),
    # contracts
    "symbol must be a name, got ''": lambda: Contract(symbol=""),
    "market must be a name, got 5": lambda: Contract(symbol="ETH", market=5),
    "settle must be a name, got None": lambda: Contract(symbol="ETH", settle=None),
    "ETH maintenance rate must be below 1, got 1": lambda: Contract(symbol="ETH", maintenance=1),
    "ETH growth must be at least 0, got -1": lambda: Contract(symbol="ETH", growth=-1),
    "ETH taker fee must be below 1, got 1": lambda: Contract(symbol="ETH", taker_fee=1),
    "ETH contract size must be above 0, got 0": lambda: Contract(symbol="ETH", size=0),
    "kept must be at least 0, got -1": lambda: Conventions(kept=-1),
    "maintenance_at must be 'mark', 'entry' or 'today', got 'never'": (
        lambda: Conventions(maintenance_at="never")
    ),
    "hedged must be 'both', 'larger' or 'net', got None": lambda: Conventions(hedged=None),
    "profit must be 'backs all' or 'backs itself', got ''": lambda: Conventions(profit=""),
    "initial_at must be 'mark' or 'entry', got 'today'": lambda: Conventions(initial_at="today"),
    "tiers must be of type Sequence, got 5": lambda: Tiers([5]),
    "tiers must be rows of floor, rate, amount and leverage, got ((0,),)": lambda: Tiers([(0,)]),
    f"tiers must start with a floor of 0, got {[Tier(1, 0.5)]}": lambda: Tiers([(1, 0.5)]),
    "tiers must start with a floor of 0, got []": lambda: Tiers([]),
    "tier floor must be above 9, got 9": lambda: Tiers([(0, 0.1), (9, 0.2), (9, 0.3)]),
    "tier floor must be finite, got nan": lambda: Tiers([(0, 0.1), (float("nan"), 0.2)]),
    "tier rate must be at least 0.25, got 0.2": lambda: Tiers([(0, 0.25), (9, 0.2)]),
    "tier rate must be below 1, got 1": lambda: Tiers([(0, 1)]),
    "tier amount must be a number, got x": lambda: Tiers([(0, 0.1, "x")]),
    "tier leverage must be at least 1, got 0.5": lambda: Tiers([(0, 0.1, 0, 0.5)]),
    "notional must be at least 0, got -1": lambda: Tiers.flat(0.1).at(-1),
    # positions and coins
    "contract must be a Contract, got ETH": lambda: dataclasses.replace(LONG, contract="ETH"),
    "ETH quantity must not be 0, got 0.0": lambda: dataclasses.replace(LONG, quantity=0),
    "ETH quantity must be a number, got 1": lambda: dataclasses.replace(LONG, quantity="1"),
    "ETH entry price must be above 0, got 0": lambda: dataclasses.replace(LONG, entry_price=0),
    "ETH leverage must be at least 1, got 0.5": lambda: dataclasses.replace(LONG, leverage=0.5),
    "ETH margin must be finite, got nan": lambda: dataclasses.replace(LONG, margin=float("nan")),
    "ETH quantity must be on the side of the open position, 10 (close that), got -10.0": (
        lambda: LONG.grown_by(dataclasses.replace(LONG, quantity=-10))
    ),
    "ETH mode must be that of the open position, cross, got isolated": lambda: LONG.grown_by(OWN),
    "BTC amount must be finite, got nan": lambda: Collateral(coin="BTC", amount=float("nan")),
    "BTC buying must be above 0, got 0": lambda: Collateral(coin="BTC", amount=1, buying=0),
    "BTC ratio must be at most 1, got 1.5": lambda: Collateral(coin="BTC", amount=1, ratio=1.5),
    "BTC ratio must be at least 0, got -1": lambda: Collateral(coin="BTC", amount=1, ratio=-1),
    "BTC ratio must be at most 0.5, got 0.6": (
        lambda: Collateral(coin="BTC", amount=1, ratio=[(0, 0.5), (9, 0.6)])
    ),
    "BTC floor must be above -1, got -1": (
        lambda: Collateral(coin="BTC", amount=1, ratio=[(-1, 0.5)])
    ),
    "BTC floor must be above 0, got 0": (
        lambda: Collateral(coin="BTC", amount=1, ratio=[(0, 0.5), (0, 0.4)])
    ),
    "BTC ratio must be of type Sequence, got 5": (
        lambda: Collateral(coin="BTC", amount=1, ratio=[5])
    ),
    "BTC ratio must be rows of floor and share, got ((0, 1, 2),)": (
        lambda: Collateral(coin="BTC", amount=1, ratio=[(0, 1, 2)])
    ),
    "BTC ratio must start with a floor of 0, got [(1, 0.5)]": (
        lambda: Collateral(coin="BTC", amount=1, ratio=[(1, 0.5)])
    ),
    "BTC price must be above 0, got 0": lambda: BTC.risk(0),
    # accounts
    "balance must be at least 0, got -1.0": lambda: Account(balance=-1),
    "balance must be a single number, got [1]": lambda: Account(balance=[1]),
    "positions must be of type Position, got 5": lambda: Account(balance=1, positions=[5]),
    "collateral must be of type Collateral, got 5": lambda: Account(balance=1, collateral=[5]),
    "positions must have one position a symbol, got ['ETH', 'ETH']": (
        lambda: Account(balance=1, positions=[LONG, OWN])
    ),
    "collateral must hold a coin once, got ['BTC', 'BTC']": (
        lambda: Account(balance=1, collateral=[BTC, BTC])
    ),
    f"{OF_SETTLING} collateral, got ['BTC', 'quote']": (
        lambda: Account(balance=1, positions=[LONG, dataclasses.replace(LONG, contract=INVERSE)])
    ),
    "symbol must be one the account holds (ETH), got ADA": lambda: SHARED["ADA"],
    "symbol must be one the account holds (nothing), got ADA": lambda: Account(balance=1)["ADA"],
    "marks must hold a price for ETH, got {'BTC': 1}": lambda: mark({"BTC": 1}, "ETH"),
    "mark of ETH must be above 0, got [1, 0]": lambda: mark({"ETH": [1, 0]}, "ETH"),
    "mark of ETH must be a single number, got [1, 2]": lambda: checked_marks({"ETH": [1, 2]}),
    "mark of ETH must be above 0, got 0": lambda: checked_marks({"ETH": 0}),
    "marks must be of type Mapping, got 5": lambda: checked_marks(5),
    "market must be one that a cross position follows, got ETH": (
        lambda: APART.liquidation_range("ETH", MARKS)
    ),
    "mode must be 'isolated' or 'cross', got 'both'": (
        lambda: Account(balance=9).open(ETH, **ORDER, mode="both")
    ),
    "mode must be 'isolated' or 'cross', got None": (lambda: APART.switch_mode("ETH", None, MARKS)),
    "margin must be None in cross: the balance is shared, got 0": (
        lambda: Account(balance=9).open(ETH, **ORDER, mode="cross", margin=0)
    ),
    "margin must be a number, got 5": lambda: Account(balance=9).open(ETH, **ORDER, margin="5"),
    "margin must be at least the initial margin 2, got 1": (
        lambda: Account(balance=9).open(ETH, **ORDER, margin=1)
    ),
    "margin must be above 0, got 0": lambda: SHARED.switch_mode("ETH", "isolated", MARKS, margin=0),
    "margin must not exceed the balance 40, got 41.0": (
        lambda: SHARED.switch_mode("ETH", "isolated", MARKS, margin=41)
    ),
    "margin and fee must not exceed the available balance 1, got 2.0": (
        lambda: Account(balance=1).open(ETH, **ORDER)
    ),
    "ETH leverage must be at most 20, got 21.0": (
        lambda: Account(balance=9).open(CAPPED, quantity=1, price=10, leverage=21)
    ),
    "side must be 1 or -1, got 2": (
        lambda: SHARED.largest_order(ETH, price=10, leverage=5, side=2)
    ),
    "quantity must reduce what is open, got 1.0": (
        lambda: SHARED.trade(ETH, **ORDER, reduce_only=True)
    ),
    "leverage must be given where nothing is open, got None": (
        lambda: Account(balance=9).trade(ETH, quantity=1, price=10)
    ),
    "quantity must be a single number, got [1]": lambda: SHARED.trade(ETH, quantity=[1], price=10),
    "share must be at most 1, got 1.5": lambda: SHARED.holding("BTC", share=1.5, price=9),
    "share must be at least 0, got -1": lambda: SHARED.holding("BTC", share=-1, price=9),
    "price must be above 0, got 0": lambda: SHARED.holding("BTC", share=0.5, price=0),
    "quantity must be part of the open quantity 10, got 11.0": (
        lambda: SHARED.close("ETH", price=10, quantity=11)
    ),
    "price must be above 0, got -1": lambda: SHARED.close("ETH", price=-1),
    "ETH equity after the closing fee must be at least 0, got -50.0": (
        lambda: APART.close("ETH", price=3, marks=MARKS)
    ),
    "equity behind ETH must stay above the maintenance margin 8, got 0.0": (
        lambda: APART.close("ETH", price=8)
    ),
    "equity behind cross must stay above the maintenance margin 10, got 10.0": (
        lambda: PAIR.switch_mode("ADA", "isolated", {**MARKS, "ADA": 10}, margin=30)
    ),
    "amount must not exceed the available balance 40, got 41.0": (
        lambda: APART.add_margin("ETH", 41, MARKS)
    ),
    "amount must be at least 0, got -1": lambda: APART.add_margin("ETH", -1, MARKS),
    "amount must be at least 0, got -2": lambda: APART.remove_margin("ETH", -2, MARKS),
    "amount must not exceed what can be taken out, 0, got 1.0": (
        lambda: APART.remove_margin("ETH", 1, MARKS)
    ),
    "equity behind ETH must stay above the maintenance margin 8.5, got 5.0": (
        lambda: APART.remove_margin("ETH", 0, {"ETH": 8.5})
    ),
    "leverage must leave an available balance, not -10, got 2": (
        lambda: SHARED.set_leverage("ETH", 2, MARKS)
    ),
    "mode of ETH must be isolated, got cross": lambda: SHARED.add_margin("ETH", 1, MARKS),
    "mode of ETH must be cross, got isolated": (
        lambda: APART.switch_mode("ETH", "isolated", MARKS)
    ),
    "ETH rate must be finite, got nan": lambda: APART.pay_funding({"ETH": float("nan")}, MARKS),
    "ETH rate must be at least 0, got -1": lambda: APART.pay_interest({"ETH": -1}, hours=1),
    "hours must be at least 0, got -1": lambda: APART.pay_interest({"ETH": 0.1}, hours=-1),
    "past must be at least 0, got -1": lambda: APART.pay_interest({"ETH": 0.1}, hours=1, past=-1),
    # liquidation
    "equity behind ETH must have fallen to the maintenance margin 10, got 20.0": (
        lambda: liquidate(APART, MARKS, "ETH")
    ),
    "equity behind cross must have fallen to the maintenance margin 10, got 40.0": (
        lambda: liquidate(SHARED, MARKS)
    ),
    "closes must be above 0, got 0": lambda: close_due(SHARED, MARKS, closes=0),
    "closes must be at most 1, got 1.5": lambda: close_due(SHARED, MARKS, closes=[0.5, 1.5]),
    "closes must be a share or one of cancel orders, next tier, what is needed, worst first, "
    "everything, got 'all'": lambda: close_due(SHARED, MARKS, closes="all"),
    "closes must be of type Sequence, got None": lambda: close_due(SHARED, MARKS, closes=None),
    "fee rate must be at least 0, got -1": lambda: mark_to_market(SHARED, MARKS, fee_rate=-1),
    "lot must be at least 0, got -1": lambda: part_to_close(SHARED, MARKS, "ETH", lot=-1),
    "backstop must be at least 0, got -1": lambda: close_due(SHARED, MARKS, backstop=-1),
    "fund must be at least 0, got -1": lambda: settle(SHARED, MARKS, None, fund=-1),
    # portfolio margin, spot
    "move must be above -1, got -1": lambda: Scan(moves=[-1]),
    "moves must hold at least one, got ()": lambda: Scan(moves=()),
    "offset must be at least 0, got -1": lambda: Scan(offset=-1),
    "offset must be at most 1, got 1.5": lambda: Scan(offset=1.5),
    "contingency must be at least 0, got -1": lambda: Scan(contingency=-1),
    "market must be one that a cross position follows, got BTC": (
        lambda: Scan().alive_between(SHARED, "BTC", MARKS)
    ),
    "quote debt must be at least 0, got -1": lambda: SpotWallet(quote_debt=-1),
    "quantity must be a single number, got [2]": lambda: SpotWallet().trade([2], price=1),
    "price must be above 0, got -2": lambda: SpotWallet().trade(1, price=-2),
    "rate must be below 1, got 1": lambda: SpotWallet().trade(1, price=1, fee_rate=1),
    "hours must be at least 0, got -2": lambda: SpotWallet().accrue(-2),
    "past must be at least 0, got -2": lambda: SpotWallet().accrue(1, past=-2),
    "level must be above 0, got 0": lambda: SpotWallet().is_liquidatable(1, level=0),
    # formulas of several numbers at once
    "rate with closing fee must be below 1, got 1.0": (
        lambda: formulas.liquidation_price(10, 1, 5, rate=0.5, fee_rate=0.5)
    ),
    "rate with closing fee must be below 1, got 1.25": (
        lambda: formulas.tiered_liquidation_price(10, 1, 5, ROWS, fee_rate=0.75)
    ),
    "fee rate must be a single number, got [0.5, 0.5]": (
        lambda: formulas.tiered_liquidation_price(10, 1, 5, ROWS, fee_rate=[0.5, 0.5])
    ),
    "fee rate must be at least 0, got -0.5": (
        lambda: formulas.tiered_liquidation_price(10, 1, 5, ROWS, fee_rate=-0.5)
    ),
    "growth must be a single number, got [1, 2]": (
        lambda: formulas.tiered_liquidation_price(10, 1, 5, ROWS, growth=[1, 2])
    ),
    "entry price must be above 0, got 0": (
        lambda: formulas.tiered_liquidation_price(0, 1, 5, ROWS)
    ),
    "quantity must be finite, got nan": (
        lambda: formulas.tiered_liquidation_price(10, float("nan"), 5, ROWS)
    ),
    "collateral must be finite, got nan": (
        lambda: formulas.tiered_liquidation_price(10, 1, float("nan"), ROWS)
    ),
    "notional must be at least 0, got [1, -1]": (
        lambda: formulas.tiered_maintenance([1, -1], ROWS)
    ),
    "value must be finite, got nan": lambda: formulas.counted_collateral(float("nan"), ROWS),
    "buying must be above 0, got 0": lambda: formulas.counted_collateral(1, ROWS, buying=0),
    "now must be above 0, got 0": lambda: formulas.pieces(np.negative, [], 0),
    "added quantity must be on the side of 1, got -1": (
        lambda: formulas.average_entry_price(1, 10, -1, 10)
    ),
}


@pytest.mark.parametrize(("message", "call"), REFUSED.items(), ids=list(REFUSED))
def test_a_refusal_says_name_rule_and_value(message, call):
    with pytest.raises(MarginError) as caught:
        call()
    error = caught.value
    assert str(error) == message
    assert message.startswith(f"{error.name} {error.rule}, got ")


def test_what_lies_on_a_bound_is_accepted():
    assert SHARED.holding("BTC", share=1, price=10).balance == 0
    assert Scan(offset=1, contingency=0, moves=[-0.999]).offset == 1
    assert Tiers([(0, 0.25), (9, 0.25)])[1].rate == 0.25
    assert Collateral(coin="BTC", amount=0, ratio=[(0, 1), (9, 1), (10, 0)]).rows[1][1] == 1
    assert count("steps", 1) == 1
    exact = Account(balance=2).open(ETH, **ORDER, margin=2)[0]
    assert (exact.balance, exact["ETH"].margin) == (0, 2)
    assert Account(balance=9).open(CAPPED, quantity=1, price=10, leverage=20)[0].positions
    assert APART.add_margin("ETH", 40, MARKS)[0].balance == 0
    assert SHARED.switch_mode("ETH", "isolated", MARKS, margin=40)[0].balance == 0
    assert APART.close("ETH", price=8, marks=MARKS)[0].balance == 40
    dead = Account(balance=0, positions=[dataclasses.replace(OWN, margin=10)])
    assert liquidate(dead, MARKS, "ETH", fee_rate=0, closes=1)[0].balance == 10
    assert both_sides([LONG]) == ([LONG], [])
