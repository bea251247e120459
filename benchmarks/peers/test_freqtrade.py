"""Liquidation prices of random accounts: freqtrade's beside the library's, in one run.

    python -m pytest -s benchmarks/peers/test_freqtrade.py

freqtrade is asked with the numbers that its own bot passes on, in an environment of its own (it is
under the GPL: it is called, and nothing of it stands here). Where it gives another price, the same
question is put again with one of its inputs repaired at a time, then two, and so on: the repairs
that bring agreement name the reason. An account that no repair explains fails the test.
"""

import collections
import itertools
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np

from margin_lib import formulas
from margin_lib.account import Account, Position
from margin_lib.contracts import Tiers
from margin_lib.venues import venue

FREQTRADE = "freqtrade==2026.9"
COUNT = 2000  # accounts of each kind
WITHIN = 1e-9  # of the price
COINS = {"BTC": 60_000.0, "ETH": 2500.0, "ADA": 0.4}
FLAT = {coin: Tiers.flat(0.005) for coin in COINS}  # gate has no table in venues.toml

# What freqtrade is told -> the source that says what is right.
BINANCE = "https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93"
HYPERLIQUID = "https://hyperliquid.gitbook.io/hyperliquid-docs/trading"
REASONS = {
    "row by margin": f"the table's row is looked up by margin, not by notional: {BINANCE}",
    "shorts as longs": f"profit of other shorts has the sign of a long's (UPNL): {BINANCE}",
    "no amount": "the maintenance amount of the row is left out: Bybit v5/market/risk-limit prints "
    f"a deduction for every row; {HYPERLIQUID}/margin-tiers (maintenance deduction)",
    "first cap": f"the first row's leverage cap holds at every size: {HYPERLIQUID}/margin-tiers",
    "others left out": "profit and maintenance of the other positions are left out of the account: "
    f"{HYPERLIQUID}/liquidations (account value less maintenance margin required)",
}
KINDS = {  # (exchange, mode) -> the venue, and what may have to be repaired
    ("binance", "isolated"): ("binance usd-m", ["row by margin"]),
    ("binance", "cross"): ("binance usd-m", ["row by margin", "shorts as longs"]),
    ("gate", "isolated"): ("gate", []),
    ("bybit", "isolated"): ("bybit linear classic", ["row by margin", "no amount"]),
    ("hyperliquid", "isolated"): ("hyperliquid", ["first cap", "no amount"]),
    ("hyperliquid", "cross"): ("hyperliquid", ["first cap", "no amount", "others left out"]),
}


def tables(name):
    """Coin -> maintenance table of a venue; the classic Bybit has those of today's."""
    if name == "gate":
        return FLAT
    listed = venue(name.removesuffix(" classic")).tables
    return {table.symbol: table.tiers for table in listed if table.money in ("USDT", "USDC")}


def random_account(random, name, mode):
    """An account that lives, the position that is asked about first, and its marks."""
    while True:
        coins = [coin for coin in COINS if coin in tables(name)]
        random.shuffle(coins)
        held, marks, needed = [], {}, 0.0
        for coin in coins[: random.integers(1, 4) if mode == "cross" else 1]:
            tiers, side = tables(name)[coin], random.choice([-1, 1])
            value = 10 ** random.uniform(2, 8)
            leverage = random.uniform(1, min(tiers.at(value).max_leverage or 100, 100))
            entry = COINS[coin] * random.uniform(0.5, 2)
            margin = value / leverage if mode == "isolated" else None
            contract = venue(name).contract(coin, maintenance=tiers)
            held.append(
                Position(
                    contract=contract,
                    quantity=side * value / entry,
                    entry_price=entry,
                    leverage=leverage,
                    margin=margin,
                )
            )
            # The bot fetches marks for the others; to its own position it gives the entry price.
            marks[coin] = entry * random.uniform(0.9, 1.1) if len(held) > 1 else entry
            needed += value / leverage
        balance = needed * random.uniform(1, 3) if mode == "cross" else 0.0
        account = Account(balance=balance, positions=held)
        if not account.risk(marks, coins[0]).is_liquidatable:
            return account, marks


def question(account, marks, exchange, mode):
    """What freqtrade's bot would ask: margin as the stake, sizes without a sign."""
    first, *_ = account.positions
    trades = [
        {
            "pair": p.symbol,
            "open_rate": p.entry_price,
            "is_short": bool(p.quantity < 0),
            "amount": abs(p.quantity),
            "stake_amount": p.notional(p.entry_price) / p.leverage,
            "leverage": p.leverage,
        }
        for p in account.positions
    ]
    return {
        "exchange": exchange,
        "mode": mode,
        "venue": KINDS[exchange, mode][0],
        "taker_fee": first.contract.taker_fee,
        "max_leverage": first.contract.maintenance[0].max_leverage,
        "marks": marks,
        "position": trades[0],
        "wallet_balance": account.balance if mode == "cross" else trades[0]["stake_amount"],
        "open_trades": trades if mode == "cross" else [],
    }


def repaired(asked, account, marks, price, names):
    """The question with some of its inputs as the sources say."""
    first, *others = account.positions
    position, trades = dict(asked["position"]), [dict(trade) for trade in asked["open_trades"]]
    wallet, cap = asked["wallet_balance"], asked["max_leverage"]
    frozen = first.contract.conventions.maintenance_at == "entry"
    value = first.notional(first.entry_price if frozen or math.isnan(price) else price)
    row = first.contract.maintenance.at(0 if math.isnan(price) and not frozen else value)
    if "row by margin" in names:
        position["stake_amount"] = max(row.floor, 1e-9)
        for trade, other in zip(trades[1:], others, strict=True):
            trade["stake_amount"] = other.notional(other.mark(marks))
    if "shorts as longs" in names:
        wallet += sum(2 * p.pnl(p.mark(marks)) for p in others if p.quantity < 0)
    if "first cap" in names:
        cap = row.max_leverage
    if "no amount" in names and asked["exchange"] == "bybit":
        own = formulas.initial_margin(value, first.leverage) + row.amount
        position["leverage"] = value / own  # its formula knows no other way to more margin
    elif "no amount" in names:
        wallet += row.amount
        position["stake_amount"] += row.amount
    if "others left out" in names:
        wallet += sum(p.risk(p.mark(marks)).cushion for p in others)
    changed = {"position": position, "open_trades": trades}
    return {**asked, **changed, "wallet_balance": wallet, "max_leverage": cap}


def ask(questions):
    """freqtrade's answers, all in one run."""
    script = Path(__file__).with_name("freqtrade_prices.py")
    known = {
        name: {coin: list(tiers) for coin, tiers in tables(name).items()}
        for name, _ in KINDS.values()
    }
    own = ["-m", "uv", "run", "--quiet", "--no-project", "--isolated", "--with", FREQTRADE]
    run = subprocess.run(
        [sys.executable, *own, "python", script],
        input=json.dumps({"tables": known, "questions": questions}),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return json.loads(run.stdout)


def same(ours, theirs):
    """Whether two prices are one; a price at or below 0 is never reached."""
    if math.isnan(ours):
        return theirs <= 0
    return abs(ours - theirs) <= WITHIN * ours


def compared(kind, count=COUNT, seed=0):
    """Reasons -> number of accounts of a kind; the empty tuple where both give one price."""
    exchange, mode = kind
    name, repairs = KINDS[kind]
    random = np.random.default_rng(seed)
    subsets = [s for size in range(len(repairs) + 1) for s in itertools.combinations(repairs, size)]
    prices, questions = [], []
    for _ in range(count):
        account, marks = random_account(random, name, mode)
        price = account.liquidation_price(account.positions[0].symbol, marks)
        asked = question(account, marks, exchange, mode)
        prices.append(price)
        questions += [repaired(asked, account, marks, price, names) for names in subsets]
    answers = np.reshape(ask(questions), (count, len(subsets)))
    found = collections.Counter()
    for ours, row in zip(prices, answers, strict=True):
        reasons = (names for names, theirs in zip(subsets, row, strict=True) if same(ours, theirs))
        found[next(reasons, ("unexplained",))] += 1
    return found


def test_every_difference_from_freqtrade_has_a_reason():
    total = collections.Counter()
    for kind in KINDS:
        found = compared(kind)
        print(f"\n{' '.join(kind)}: {COUNT:,} accounts")
        for names, count in found.most_common():
            print(f"{count:8,}  {' and '.join(names) or 'the same price'}")
        total.update(found)
    print()
    for name, source in REASONS.items():
        print(f"{name}: {source}")
    assert ("unexplained",) not in total
    assert {name for names in total for name in names} == set(REASONS)
    assert total[()] > 0.25 * sum(total.values())
