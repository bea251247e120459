"""From the inputs of a published example to calls of the library: no margin formula lives here.

Each adapter takes the `inputs` of a vector, its numbers as exact fractions, and returns results
under the names that `expected` uses; a vector may ask for some of them only. Signs, percent and
minutes are translated here. There is no plus and no minus: sums are the library's.
"""

import math
from dataclasses import replace
from fractions import Fraction
from functools import partial, reduce
from itertools import count

from margin_lib import formulas
from margin_lib.account import Account, Position, Risk
from margin_lib.contracts import Contract, Conventions, Tier, Tiers
from margin_lib.venues import venue

NONE, ONE = Fraction(0), Fraction(1)
LONE = "the position"  # where an example has but one, without a name
SIGNS = {"long": 1, "buy": 1, "short": -1, "sell": -1}

ENTRY = ("entry_price", "price", "mark_price", "oracle_price")
MARK = ("exit_price", "mark_price", "oracle_price", "price", "entry_price")
SIZE = ("size_signed", "size", "contracts", "contracts_usd", "qty")
OWN_MARGIN = ("margin", "isolated_wallet", "isolated_margin", "position_margin")
TABLE = ("tiers", "brackets")

ADAPTERS = {}


def adapter(function):
    """Register a function under the `calc` that it is named after."""
    ADAPTERS[function.__name__] = function
    return function


# Inputs


def exact(value):
    """Numbers of JSON, also those in strings, as fractions; names and None stay what they are.

    >>> exact({"side": "long", "size": "0.1", "tiers": [{"floor": "1e3"}]})
    {'side': 'long', 'size': Fraction(1, 10), 'tiers': [{'floor': Fraction(1000, 1)}]}
    """
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    try:
        return Fraction(str(value))
    except ValueError:
        return value


def first(inputs, names, otherwise=None):
    """The first of several inputs that is given."""
    return next((inputs[name] for name in names if inputs.get(name) is not None), otherwise)


def signed(inputs):
    """Signed quantity: turned by the side, if there is one; 1 where any size gives the same."""
    size = first(inputs, SIZE, ONE)
    if inputs.get("side") is None:
        return size
    return abs(size) * SIGNS[inputs["side"].lower()]


def table(inputs):
    """The maintenance table of an example, or its one rate and amount."""
    rows = first(inputs, TABLE, [{**inputs, "floor": NONE}])
    return Tiers(
        (
            row["floor"],
            first(row, ("mmr", "mmf"), NONE),
            first(row, ("maintenance_amount",), NONE),
            row.get("max_leverage"),
        )
        for row in rows
    )


def position(inputs, *, inverse=False, maintenance=None, **conventions):
    """The position of an example, with its own margin if one is given."""
    contract = Contract(
        symbol=inputs.get("symbol", LONE),
        maintenance=table(inputs) if maintenance is None else maintenance,
        taker_fee=first(inputs, ("taker_fee",), NONE),
        size=first(inputs, ("multiplier", "contract_usd", "contract_size"), ONE),
        inverse=inverse,
        conventions=Conventions(**conventions),
    )
    return Position(
        contract=contract,
        quantity=signed(inputs),
        entry_price=first(inputs, ENTRY),
        leverage=first(inputs, ("leverage",), ONE),
        margin=first(inputs, OWN_MARGIN),
    )


def at_entry(held):
    """The risk of a position at its entry price."""
    return held.risk(held.entry_price)


def fenced(held):
    """A position in isolated mode: with its initial margin, where none is given."""
    return held if held.margin is not None else replace(held, margin=at_entry(held).initial_margin)


def account(inputs, **rules):
    """An account with one position, isolated; or, with a balance, cross and among `others`."""
    held, balance = position(inputs, **rules), first(inputs, ("wallet_balance", "balance"))
    if balance is None or inputs.get("mode") == "isolated":
        return Account(balance=NONE, positions=[fenced(held)])
    others = [position(row, **rules) for row in named(inputs.get("others", []))]
    return Account(balance=balance, positions=[replace(held, margin=None), *others])


def named(rows):
    """Positions of an example, each under a name of its own."""
    numbers = count(start=1)
    return [{"symbol": f"position {next(numbers)}", **row} for row in rows]


def marks_of(rows):
    """Mark prices of an example's positions."""
    return {row["symbol"]: first(row, MARK) for row in named(rows)}


def prices(inputs, **rules):
    """What an account with one position says of it at its entry, at its mark and at its end."""
    inputs = in_one_money(from_mark(inputs))
    book = account(inputs, **rules)
    held, marks = book.positions[0], marks_of(inputs.get("others", []))
    mark = first(inputs, ("mark_price", *ENTRY))
    now = book.risk({**marks, held.contract.market: mark}, held.symbol)
    fee = first(inputs, ("taker_fee",), exact(venue("binance usd-m").taker_fee))
    paid = formulas.trading_fee(at_entry(held).notional, fee)
    dead = book.bankruptcy_price(held.symbol, marks)
    return {
        "upnl": held.pnl(mark),
        "isolated_margin": now.equity,
        "margin_ratio": now.margin_ratio,
        "margin_level": formulas.margin_level(now.equity, now.maintenance_margin),
        "break_even": formulas.break_even_price(
            held.entry_price, held.units, paid, inverse=held.contract.inverse
        ),
        "liquidation_price": book.liquidation_price(held.symbol, marks),
        "bankruptcy_price": dead,
        "zero_equity_price": dead,
        "position_value": at_entry(held).notional,
        "initial_margin": at_entry(held).initial_margin,
        "maintenance_margin": now.maintenance_margin,
        "position_margin": held.margin,
    }


def from_mark(inputs):
    """An example that prints its profit in place of the entry price: it is bought at the mark."""
    if first(inputs, ENTRY) is not inputs.get("mark_price"):
        return inputs
    return {"entry_price": inputs["mark_price"], **inputs}


def in_one_money(inputs):
    """An example whose margin is printed in another money, converted at its rate."""
    if "inr_rate" not in inputs:
        return inputs
    return {"margin": inputs["margin_inr"] / inputs["inr_rate"], **inputs}


# Liquidation and bankruptcy

for calc, rules in {
    "linear_bankruptcy": {},
    "linear_margin": {},
    "linear_liq_wallet": {},
    "linear_liq_wallet_multi": {},
    "linear_liq_fee_in_denominator": {"closing_fee": True},
    "linear_liq_rate_at_entry": {"maintenance_at": "entry"},
    "linear_liq_im_mm_entry": {"maintenance_at": "entry"},
    "cross_single_const_mm_at_entry": {"maintenance_at": "entry"},
    "mexc_long": {"maintenance_at": "entry"},
    "inverse_bankruptcy": {"inverse": True},
    "inverse_initial_margin": {"inverse": True},
    "inverse_im_mm_liq": {"inverse": True, "maintenance_at": "entry"},
    "coinm_liq": {"inverse": True},
    "kraken_inverse_epp": {"inverse": True},
}.items():
    ADAPTERS[calc] = partial(prices, **rules)


@adapter
def inverse_liq(inputs):
    # OKX counts the fee of closing, and both follow the mark; without a fee it is Bybit's rule.
    if "taker_fee" in inputs:
        return prices(inputs, inverse=True, closing_fee=True)
    return prices(inputs, inverse=True, maintenance_at="entry")


@adapter
def hl_doc_formula(inputs):
    return prices(inputs, maintenance=half_of_max_leverage(inputs))


def half_of_max_leverage(inputs):
    """Hyperliquid's table: rows of floor and leverage cap, or one cap for all."""
    rows = first(inputs, TABLE, [{**inputs, "floor": NONE}])
    return Tiers.half_of_max_leverage((row["floor"], row["max_leverage"]) for row in rows)


@adapter
def hl_raw_usd(inputs):
    held = position({"price": ONE, **inputs}, maintenance=half_of_max_leverage(inputs))
    money = formulas.equity_of_cash(inputs["raw_usd"], held.units, held.entry_price)
    mark = first(inputs, ("position_value",), held.entry_price * abs(held.units)) / abs(held.units)
    return {
        "liquidation_price": held.liquidation_price(money),
        "margin_used": formulas.equity_of_cash(inputs["raw_usd"], held.units, mark),
        "upnl": held.pnl(mark),
    }


@adapter
def hl_account(inputs):
    frozen = {"maintenance_at": "today", "leverage": ONE, "mmr": inputs["mmr"]}
    rows = [
        {"symbol": row["coin"], "price": row["notional"] / abs(row["size"]), **row, **frozen}
        for row in inputs["positions"]
    ]
    held = [position(row, maintenance_at="today") for row in rows]
    return account_prices(inputs["account_value"], held, marks_of(rows))


def account_prices(equity, held, marks):
    """Liquidation price of each position of an account that is bought at its marks."""
    book = Account(balance=equity, positions=held)
    return {p.symbol: book.liquidation_price(p.symbol, marks) for p in held}


@adapter
def dydx_doc_liq(inputs):
    rest = Risk(inputs["equity"], maintenance_margin=first(inputs, ["other_maintenance"], NONE))
    held = position(inputs)
    price = held.liquidation_price(rest.cushion)
    return {"liquidation_price": price, "equity_at_liquidation": held.maintenance_margin(price)}


@adapter
def compare_two(inputs):
    alone = prices(inputs, maintenance_at="entry")["liquidation_price"]
    shared = dydx_doc_liq(inputs)["liquidation_price"]
    return {"isolated_style_estimate": alone, "true_cross_liquidation_price": shared}


@adapter
def kucoin_sample(inputs):
    # Margin and maintenance hold fees that no contract states: they are sums here.
    units = signed(inputs) * first(inputs, ("multiplier",), ONE)
    entry = inputs["posCost"] / units
    price = partial(formulas.liquidation_price, entry, units, rate=NONE)
    held = position({**inputs, "entry_price": entry})
    return {
        "liquidation_price": price(inputs["posMargin"], amount=-inputs["posMaint"]),
        "bankruptcy_price": formulas.bankruptcy_price(entry, units, inputs["posInit"]),
        "upnl": held.pnl(first(inputs, MARK, entry)),
    }


@adapter
def dydx_account(inputs):
    price, cash = inputs["oracle_price"], inputs["quote_balance"]
    equity = formulas.equity_of_cash(cash, signed(inputs), price)
    if not signed(inputs):
        risk, price, side = Risk(equity), math.nan, 0
    else:
        held = position({"leverage": 1 / inputs["imf"], **inputs})
        risk = Account(balance=equity, positions=[held]).risk({held.symbol: price})
        price, side = held.liquidation_price(equity), 1 if held.quantity > 0 else -1
    return {
        "equity": risk.equity,
        "notional": risk.notional,
        "free_collateral": risk.available,
        "initial_margin": risk.initial_margin,
        "initial_risk": risk.initial_margin,
        "margin_usage": formulas.margin_ratio(risk.initial_margin, risk.equity),
        "maintenance_margin": risk.maintenance_margin,
        "leverage": side * risk.effective_leverage,
        "liquidation_price": price,
    }


@adapter
def okx_from_ratio(inputs):
    held, mark = position(inputs, closing_fee=True), inputs["mark_price"]
    required = held.maintenance_margin(mark)
    equity = required * inputs["margin_ratio"]  # theirs falls to 1
    return {
        "maintenance_margin": formulas.tiered_maintenance(
            held.notional(mark), held.contract.maintenance
        ),
        "upnl": held.pnl(mark),
        "equity": equity,
        "liquidation_price": replace(held, entry_price=mark).liquidation_price(equity),
    }


@adapter
def bitget_const(inputs):
    mark, printed = inputs["mark_price"], position(inputs)
    value = printed.notional(mark)
    if "maintenance_margin" in inputs:  # it is printed itself
        inputs = {"mmr": inputs["maintenance_margin"] / value, **inputs}
        inputs = {"leverage": value / inputs["initial_margin"], **inputs}
    held = replace(position(inputs, maintenance_at="today", closing_fee=True), entry_price=mark)
    required = held.maintenance_margin(mark)
    equity = inputs.get("equity") or required / inputs["margin_ratio"]
    return {
        "maintenance_margin": required,
        "initial_margin": held.risk(mark).initial_margin,
        "upnl": printed.pnl(mark),
        "equity": equity,
        "liquidation_price": held.liquidation_price(equity, mark),
    }


@adapter
def not_liquidatable_cross(inputs):
    held = position(inputs)
    held = fenced(held) if inputs.get("mode") == "isolated" else replace(held, margin=None)
    return {"liquidation_price": held.liquidation_price()}


@adapter
def aboard_bankruptcy(inputs):
    rows = [{"taker_fee": inputs["taker_fee"], **row} for row in named(inputs["positions"])]
    marks = marks_of(rows)
    book = Account(balance=inputs["balance"], positions=[position(row) for row in rows])
    whole, results = book.risk(marks), {}
    for held in book.positions:
        name, mark, fee = held.symbol, marks[held.symbol], held.contract.taker_fee
        required = held.maintenance_margin(mark)
        part = whole.equity * required / whole.maintenance_margin
        price = formulas.bankruptcy_price(mark, held.units, part, fee_rate=fee)
        results[f"{name}_bankruptcy_price"] = results[name] = price
        results[f"{name}_pnl"] = (
            formulas.net_pnl(held.units, held.entry_price, price, fee) if price > 0 else math.nan
        )
    return results


@adapter
def spot_margin_liq(inputs):
    level = first(inputs, ["level"])
    if level is None:  # what is owed, its maintenance margin, and the fee of selling for both
        level = math.prod(sum([ONE, inputs[name]]) for name in ("mmr", "taker_fee"))
    return {"liquidation_price": formulas.spot_liquidation_price(level, **wallet(inputs))}


@adapter
def spot_margin_level(inputs):
    level = formulas.spot_margin_level(inputs["price"], **wallet(inputs))
    return {"level": level, "level_pct": 100 * level}


def wallet(inputs):
    """What a spot margin account holds and owes."""
    names = ("coin", "quote", "coin_debt", "quote_debt", "coin_interest", "quote_interest")
    return {name: first(inputs, [name], NONE) for name in names}


# Margins and sizes


@adapter
def inverse_margin(inputs):
    at_leverage = at_entry(position(inputs, inverse=True)).initial_margin
    return {"margin": formulas.maintenance_margin(at_leverage, inputs["rate"])}


@adapter
def coinm_maintenance(inputs):
    risk = at_entry(position(inputs, inverse=True))
    return {"notional_coin": risk.notional, "maintenance_margin": risk.maintenance_margin}


@adapter
def maintenance(inputs):
    margin = formulas.tiered_maintenance(inputs["notional"], table(inputs))
    return {"maintenance_margin": margin}


@adapter
def maintenance_sum(inputs):
    rows = [row.values() if isinstance(row, dict) else row for row in inputs["rows"]]
    return {"maintenance_margin": sum(formulas.maintenance_margin(*row) for row in rows)}


@adapter
def maintenance_amount_step(inputs):
    names = ("prev_mmr", "prev_maintenance_amount")
    below = Tier(NONE, *(first(inputs, [name], NONE) for name in names))
    return {"maintenance_amount": below.amount_above(inputs["floor"], inputs["mmr"])}


@adapter
def tier_cums(inputs):
    tiers = Tiers.continuous((row["floor"], row["mmr"]) for row in first(inputs, TABLE))
    return {f"tier{number}": tier.amount for number, tier in enumerate(tiers, start=1)}


@adapter
def tier_lookup(inputs):
    tiers = table(inputs)
    tier = tiers.at(first(inputs, ("notional", *SIZE)))
    return {
        "tier": next(number for number, row in enumerate(tiers, start=1) if row == tier),
        "floor": tier.floor,
        "mmr": tier.rate,
        "maintenance_amount": tier.amount,
        "max_leverage": tier.max_leverage,
    }


@adapter
def size_from_margin_linear(inputs):
    leverage = first(inputs, ["leverage"], ONE)
    return {"size": formulas.quantity(inputs["margin"], leverage, first(inputs, ENTRY))}


@adapter
def margin_ratio(inputs):
    if "marks" in inputs:  # of an account, at several marks
        held = position(inputs, closing_fee=True)
        book = Account(balance=inputs["balance"], positions=[held])
        return {
            f"risk_{mark}": book.risk({held.contract.market: mark}).margin_ratio
            for mark in inputs["marks"]
        }
    risk = fenced(position(inputs)).risk(first(inputs, MARK))
    return {"margin_ratio": 1 / risk.effective_leverage}


@adapter
def isolated_risk(inputs):
    book, mark = account(inputs, maintenance_at="entry"), first(inputs, MARK)
    held = book.positions[0]
    if "mark_value" in inputs:
        mark = inputs["mark_value"] / abs(held.units)
    risk = book.risk({held.symbol: mark}, held.symbol)
    return {
        "maintenance_margin": risk.maintenance_margin,
        "initial_margin": at_entry(held).initial_margin,
        "upnl": held.pnl(mark),
        "equity": risk.equity,
        "margin_ratio": risk.margin_ratio,
        "risk_pct": 100 * risk.margin_ratio,
    }


# Profit


@adapter
def linear_pnl(inputs):
    return {"pnl": position(inputs).pnl(first(inputs, MARK))}


@adapter
def inverse_pnl(inputs):
    return {"pnl": position(inputs, inverse=True).pnl(first(inputs, MARK))}


@adapter
def inverse_roe(inputs):
    held = position(inputs, inverse=True)
    gain = held.pnl(first(inputs, MARK))
    margin = first(inputs, OWN_MARGIN, at_entry(held).initial_margin)
    return {"pnl": gain, "roe_pct": 100 * gain / margin}


@adapter
def avg_entry_linear(inputs):
    return average(inputs["fills"], inverse=False)


@adapter
def avg_entry_inverse(inputs):
    return average(inputs["fills"], inverse=True)


def average(fills, inverse):
    """One position of several fills, each added to those before."""
    held = [position(fill, inverse=inverse) for fill in fills]
    whole = reduce(Position.grown_by, held)
    return {"entry_price": whole.entry_price, "size": abs(whole.quantity)}


# Funding, interest, and who pays


@adapter
def funding_cash(inputs):
    share = first(inputs, ["time_in_ratio"], ONE)
    cash = formulas.funding(signed(inputs), first(inputs, MARK), inputs["rate"], periods=share)
    return {"cash_flow": cash}


@adapter
def funding_simple(inputs):
    # The money that changes hands counts above zero where the shorts receive it.
    short = {"side": "short", **inputs}
    return {"funding": funding_cash(short)["cash_flow"]}


@adapter
def interest_hourly(inputs):
    rate = first(inputs, ("hourly_rate", "rate_per_period"))
    rate = inputs["daily_rate"] / 24 if rate is None else rate
    return {"interest": formulas.interest(inputs["borrowed"], rate, hours(inputs))}


@adapter
def interest_4h(inputs):
    rate, time = inputs["rate_per_period"], hours(inputs)
    return {"interest": formulas.interest(inputs["borrowed"], rate, time, period=4, at_opening=1)}


def hours(inputs):
    """How long a loan has run."""
    return inputs["hours"] if "hours" in inputs else inputs["minutes"] / 60


@adapter
def fund_delta(inputs):
    # The fund takes the position over at the bankruptcy price, where its owner has nothing left.
    at = inputs["bankruptcy_price"], inputs["fill_price"]
    return {"fund_delta": formulas.pnl(signed(inputs), *at)}


@adapter
def fund_pays(inputs):
    held = position({"margin": inputs.get("balance"), **inputs})
    risk = fenced(held).risk(first(inputs, MARK))
    missing, fund = formulas.deficit(risk.equity), first(inputs, ["fund"], NONE)
    return {
        "balance": formulas.returned(risk.equity, risk.notional, NONE),
        "fund": -missing,  # of a fund without an end
        "deficit": missing,
        "fund_after": formulas.left_after(fund, missing),
        "unpaid": formulas.left_after(missing, fund),
    }


@adapter
def adl_account(inputs):
    profit = formulas.left_after(inputs["winner_upnl"], inputs["deficit"])
    after = sum([Risk(profit)], Risk(inputs["winner_equity"]))
    return {"winner_equity_after": after.equity}


# Whole accounts


@adapter
def portfolio(inputs):
    # The wallet balance is all money, that of isolated margins included.
    rows = [inherit(inputs, row) for row in named(inputs["positions"])]
    at_equality = inputs.get("trigger", "le") != "lt"
    held = [of_mode(position(row, at_equality=at_equality), row) for row in rows]
    marks = {p.contract.market: first(row, MARK) for p, row in zip(held, rows, strict=True)}
    wallet, cross = inputs["wallet_balance"], [p for p in held if p.mode == "cross"]
    locked = sum([p.margin for p in held if p.mode == "isolated"], NONE)
    total = pooled(wallet, held, marks, at_equality)
    pot = (
        pooled(formulas.left_after(wallet, locked), cross, marks, at_equality)
        if locked
        else (pooled(wallet, cross, marks, at_equality))
    )
    results = {
        "equity": total.equity,
        "upnl": sum([p.pnl(p.mark(marks)) for p in held], NONE),
        "notional": total.notional,
        "initial_margin": total.initial_margin,
        "maintenance_margin": total.maintenance_margin,
        "available": total.available,
        "margin_ratio": total.margin_ratio,
        "effective_leverage": total.effective_leverage,
        "account_liquidated": bool(pot.is_liquidatable),
    }
    for p in held:
        risk = p.risk(p.mark(marks))
        carrier = pot if p.mode == "cross" else risk
        results[f"{p.symbol}_pnl"] = p.pnl(p.mark(marks))
        results[f"{p.symbol}_notional"] = risk.notional
        results[f"{p.symbol}_initial_margin"] = risk.initial_margin
        results[f"{p.symbol}_maintenance_margin"] = risk.maintenance_margin
        results[f"{p.symbol}_liquidated"] = bool(carrier.is_liquidatable)
    return results


def pooled(money, held, marks, at_equality):
    """Risk of positions that share a sum of money, whatever their own margins."""
    shared = (replace(p, margin=None) for p in held)
    return sum((p.risk(p.mark(marks)) for p in shared), Risk(money, at_equality=at_equality))


def inherit(inputs, row):
    """A position's row, completed by what the example says of all positions."""
    names = ("mode", "leverage", "taker_fee")
    if not {"mmr", *TABLE} & row.keys():
        names = (*names, "mmr", "maintenance_amount", *TABLE)
    return {**{name: inputs[name] for name in names if name in inputs}, **row}


def of_mode(held, row):
    """A position in the mode of its row: isolated too where only its own margin is given."""
    isolated = row.get("mode", "isolated" if held.margin is not None else "cross") == "isolated"
    return fenced(held) if isolated else replace(held, margin=None)
