"""Cases of traders, told by what they hold: one function for each set of inputs.

A case says `see about` or `operations` where no way of computing has a name. Then the function is
the one whose parameters are the case's inputs. It does what the case tells, with operations of the
library, and returns results under the names that `expected` uses. As in adapters.py, there is no
plus and no minus: sums are the library's.
"""

import inspect
from fractions import Fraction
from functools import partial

from margin_lib import formulas
from margin_lib.account import Account, Collateral, Position, Risk, pooled_risk
from margin_lib.contracts import Contract, Conventions, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import liquidate
from tests.margin.reference.adapters import ADAPTERS, NONE, ONE, SIGNS, adapter, exact

HEDGED = Conventions(initial_at="entry")  # what the pages of BingX and Bybit say of cross
UNNAMED = ("see about", "operations")
TRIALS = []


def trial(function):
    """Register a function that is found by the names of its parameters."""
    TRIALS.append(function)
    return function


def adapter_of(vector):
    """What computes a vector: by its `calc`, or by its inputs where that names none."""
    if vector["calc"] in ADAPTERS:
        return ADAPTERS[vector["calc"]]
    if vector["calc"] in UNNAMED:
        for function in TRIALS:
            try:
                inspect.signature(function).bind(**vector["inputs"])
            except TypeError:
                continue
            return lambda inputs, function=function: function(**in_floats(inputs))
    return None


def in_floats(inputs):
    """Numbers as an account holds them: what a trader's operations give is no exact fraction."""
    if isinstance(inputs, dict):
        return {name: in_floats(value) for name, value in inputs.items()}
    if isinstance(inputs, list):
        return [in_floats(value) for value in inputs]
    return float(inputs) if isinstance(inputs, Fraction) else inputs


def coin(name="ETH", **terms):
    """A contract in which a case trades, free of fees and requirements that it does not tell."""
    return Contract(symbol=name, **terms)


def held(quantity, price, leverage=ONE, margin=None, **terms):
    """A position of a case."""
    return Position(
        contract=coin(**terms),
        quantity=quantity,
        entry_price=price,
        leverage=leverage,
        margin=margin,
    )


def at(text):
    """Two numbers that are written like 2@10000: how many, and at which price."""
    return in_floats(exact(text.split("@")))


def book(balance, legs, leverage=ONE, **terms):
    """A cross account with several legs in one market."""
    positions = [
        held(*at(leg), leverage, name=f"leg {number}", market="BTC", **terms)
        for number, leg in enumerate(legs)
    ]
    return Account(balance=balance, positions=positions)


def outcome(operation):
    """Whether an operation is done or refused."""
    try:
        operation()
    except MarginError:
        return "refused"
    return "ok"


# Named ways of computing


@adapter
def break_even(inputs):
    price = partial(formulas.break_even_price, inputs["entry_price"], paid=inputs["commission"])
    fee = inputs["exit_fee"]
    return {side: price(SIGNS[side] * inputs["size"], fee_rate=fee) for side in ("long", "short")}


@adapter
def hedge_range(inputs):
    inputs = in_floats(inputs)
    account = hedge_book(**inputs)
    lower, upper = account.liquidation_range("BTC", {"BTC": inputs["mark_price"]})
    return {"lower": lower, "upper": upper}


@adapter
def interest_clock_hours(inputs):
    opened, now = (clock(inputs[name]) for name in ("borrowed_at", "now"))
    hours = formulas.left_after(now, opened)
    cost = formulas.interest(inputs["borrowed"], inputs["hourly_rate"], hours, past=opened % 1)
    return {"interest": cost}


def clock(text):
    """A time of day in hours."""
    hour, minute = exact(text.split(":"))
    return sum([hour, minute / 60])


def hedge_book(balance, legs, mmr, taker_fee, mark_price):
    rules = Conventions(closing_fee=True)
    return book(balance, legs, maintenance=mmr, taker_fee=taker_fee, conventions=rules)


# Collateral


@trial
def multi_assets(
    usdt, usdc, usdt_bid, usdt_ask, btc_size, btc_price, btc_mmr, btc_imr, eth_size, eth_price,
    eth_mmr, eth_imr,
):  # fmt: skip
    tether = Collateral(coin="USDT", amount=usdt, ratio=usdt_bid, buying=usdt_ask)
    btc = held(btc_size, btc_price, 1 / btc_imr, name="BTC", maintenance=btc_mmr, settle="USDT")
    eth = held(eth_size, eth_price, 1 / eth_imr, maintenance=eth_mmr)
    account = Account(balance=usdc, positions=[btc, eth], collateral=[tether])
    risk = account.risk({"USDT": 1, "BTC": btc_price, "ETH": eth_price})
    return {
        "equity": risk.equity,
        "available": risk.available,
        "margin_ratio": risk.margin_ratio,
    }


@trial
def tiered_collateral(coins, index, tiers):
    coins = Collateral(coin="BTC", amount=coins, ratio=[tuple(row) for row in tiers])
    return {"collateral_value": coins.risk(index).equity}


@trial
def reserved_collateral(coins, index, ratio, reserve, usdt):
    coins = Collateral(coin="BTC", amount=coins, ratio=ratio * reserve)
    return {"equity": Account(balance=usdt, collateral=[coins]).equity({"BTC": index})}


@trial
def discounted_collateral(coins, index, discount):
    coins = Collateral(coin="BTC", amount=coins, ratio=formulas.left_after(ONE, discount))
    account = Account(balance=NONE, collateral=[coins])
    return {"available": account.available_balance({"BTC": index})}


@trial
def coins_open_a_position(coins, index, notional, leverage):
    account = Account(balance=NONE, collateral=[Collateral(coin="BTC", amount=coins)])
    marks = {"BTC": index, "ETH": ONE}
    order = {"quantity": notional, "price": ONE, "leverage": leverage, "mode": "cross"}
    after, _ = account.open(coin("ETH"), **order, marks=marks)
    before = account.available_balance(marks)
    return {"available_before": before, "opened": "ETH" in after}


@trial
def several_coins(usdc, btc, bnb):
    amounts = {"BTC": at(btc), "BNB": at(bnb)}
    coins = [Collateral(coin=name, amount=amount) for name, (amount, _) in amounts.items()]
    marks = {name: price for name, (_, price) in amounts.items()}
    return {"available": Account(balance=usdc, collateral=coins).available_balance(marks)}


# Orders


@trial
def margin_of_orders(position_notional, buy, sell, leverage):
    sides = [formulas.notional(*at(order)) for order in (buy, sell)]
    return {"initial_margin": formulas.order_margin(position_notional, *sides, leverage)}


@trial
def cost_of_an_order(size, order_price, mark_price, leverage, side="long"):
    account, quantity = Account(balance=NONE), SIGNS[side] * size
    order = {"quantity": quantity, "price": order_price, "leverage": leverage}
    return {"cost": account.order_cost(coin("BTC"), **order, marks={"BTC": mark_price})}


@trial
def largest_order(balance, leverage, taker_fee, price):
    contract = coin("BTC", taker_fee=taker_fee)
    size = Account(balance=balance).largest_order(
        contract, price=price, leverage=leverage, mode="isolated", marks={}
    )
    return {"max_notional": formulas.notional(size, price)}


@trial
def turned_round(size_signed, entry_price, fill_size, fill_price):
    account = Account(balance=10**6, positions=[held(size_signed, entry_price)])
    after, event = account.trade(
        coin(), quantity=fill_size, price=fill_price, leverage=ONE, mode="cross", marks={}
    )
    new = after["ETH"]
    return {
        "size": new.quantity,
        "entry_price": new.entry_price,
        "realised": event.received("balance"),
    }


@trial
def sized_before_the_loss(balance, size, entry_price, exit_price, leverage):
    account, _ = Account(balance=balance).open(
        coin(), quantity=size, price=entry_price, leverage=leverage
    )
    flat, _ = account.close("ETH", price=exit_price)
    orders = []
    for cash in (balance, flat.balance):
        quantity = -formulas.quantity(cash, leverage, exit_price)
        order = partial(flat.open, coin(), quantity=quantity, price=exit_price, leverage=leverage)
        orders.append(outcome(order))
    return {"balance": flat.balance, "orders": str(orders)}


@trial
def more_than_is_open(size, close):
    account = Account(balance=10**6, positions=[held(size, ONE)])
    return {"result": outcome(lambda: account.close("ETH", price=ONE, quantity=close))}


@trial
def added_at_another_leverage(margin, leverage, added_notional, added_leverage):
    account, order = Account(balance=10**6), {"price": ONE, "marks": {"ETH": ONE}}
    size = formulas.quantity(margin, leverage, ONE)
    account, _ = account.open(coin(), quantity=size, leverage=leverage, **order)
    account, _ = account.open(coin(), quantity=added_notional, leverage=added_leverage, **order)
    return {"margin": account["ETH"].margin}


# Operations


@trial
def margin_after_funding(side, size, entry_price, leverage, mmr, mark_price, funding_paid):
    order = {"quantity": SIGNS[side] * size, "price": entry_price, "leverage": leverage}
    account, _ = Account(balance=10**6).open(coin(maintenance=mmr), **order)
    rate = funding_paid / account["ETH"].notional(mark_price)
    after, _ = account.pay_funding({"ETH": rate}, {"ETH": mark_price})
    risk = after.risk({"ETH": mark_price}, "ETH")
    return {
        "margin": after["ETH"].margin,
        "equity": risk.equity,
        "liquidatable": bool(risk.is_liquidatable),
        "liquidation_price": after.liquidation_price("ETH"),
    }


@trial
def margin_taken_out(size, entry_price, mark_price, leverage, margin, mmr):
    rules = Conventions(kept=0.1)  # Hyperliquid's, whose case it is
    leg = held(size, entry_price, leverage, margin, maintenance=mmr, conventions=rules)
    account = Account(balance=NONE, positions=[leg])
    return {"max_removable": account.removable({"ETH": mark_price}, "ETH")}


@trial
def empty_accounts(balances):
    names = {-1: "minus_one", 0: "zero"}
    return {names[money]: bool(Risk(money).is_liquidatable) for money in balances}


@trial
def closed_in_part(size, entry_price, leverage, closed, price, mmr):
    account, _ = Account(balance=1000).open(
        coin(maintenance=mmr), quantity=size, price=entry_price, leverage=leverage
    )
    after, _ = account.close("ETH", price=price, quantity=closed)
    return {
        "before": account.liquidation_price("ETH"),
        "after": after.liquidation_price("ETH"),
        "margin": after["ETH"].margin,
        "balance": after.balance,
    }


@trial
def reduced_at_maintenance(size, entry_price, margin, mmr, taker_fee, closed):
    rules = Conventions(at_equality=False)
    terms = {"maintenance": mmr, "taker_fee": taker_fee, "conventions": rules}
    leg = held(size, entry_price, margin=margin, **terms)
    after, _ = Account(balance=NONE, positions=[leg]).close(
        "ETH", price=entry_price, quantity=closed
    )
    return {"margin": after["ETH"].margin, "balance": after.balance}


@trial
def moved_away(balance, size, entry_price, mark_price, leverage, transfer):
    account = Account(balance=balance, positions=[held(size, entry_price, leverage)])
    most = account.removable({"ETH": mark_price})
    return {"result": "refused" if transfer > most else "ok"}


# Long and short in one market


@trial
def available_with_a_hedge(balance, legs, leverage, mark_price):
    account = partial(book, balance, leverage=leverage, conventions=HEDGED)
    marks = {"BTC": mark_price}
    before, after = account(legs[:1]), account(legs)
    return {
        "available_before": before.available_balance(marks),
        "available_after": after.available_balance(marks),
        "available": after.available_balance(marks),
    }


@trial
def price_of_a_leg(balance, legs, mmr, taker_fee, mark_price, asked):
    account = hedge_book(balance, legs, mmr, taker_fee, mark_price)
    leg = next(p for p in account.positions if p.quantity * SIGNS[asked] > 0)
    return {asked: account.liquidation_price(leg.symbol, {"BTC": mark_price})}


@trial
def covered_leg(size, entry_price, leverage, position_mm):
    # The other leg is not printed: one of the same size covers it.
    rules = Conventions(hedged="net")
    legs = [
        held(size * side, entry_price, leverage, name=str(side), market="ETH", conventions=rules)
        for side in (1, -1)
    ]
    return {"maintenance_margin": pooled_risk(NONE, legs, {"ETH": entry_price}).maintenance_margin}


# Liquidation and tables


@trial
def down_a_tier(contracts, tier1_max):
    # Floors count contracts, so the second tier begins one above the first one's end.
    floor = sum([tier1_max, ONE])
    rows = Tiers.continuous([(0, 0.01), (floor, 0.02)])
    leg = held(contracts, ONE, maintenance=rows)
    account = Account(balance=leg.maintenance_margin(ONE), positions=[leg])
    after, _ = liquidate(account, {"ETH": ONE}, fee_rate=0, closes="next tier", lot=1)
    return {"closed": formulas.left_after(contracts, after["ETH"].quantity)}


@trial
def rate_that_grows(contracts_usd, entry_price, mark_price, mm_base, per_coin):
    rates = {"maintenance": mm_base, "growth": per_coin}
    leg = held(contracts_usd, entry_price, inverse=True, **rates)
    return {"maintenance_margin": leg.maintenance_margin(mark_price)}
