"""Random accounts of any kind: orders, bars, and simulation beside replay.

BOOKS=3000 for so many accounts a test: `make soak` asks for them.
"""

import itertools
import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from margin_lib.account import Account
from margin_lib.bars import Bars
from margin_lib.contracts import Contract
from margin_lib.errors import MarginError
from margin_lib.replay import Costs, replay
from margin_lib.simulate import simulate
from tests.support.book import MARKETS, Book, wealth

BOOKS = int(os.environ.get("BOOKS", "100"))
FINE = 4001  # marks on a way


def books(seed):
    """(random numbers, model, account) of so many accounts that live at their marks."""
    random = np.random.default_rng(seed)
    for _ in range(BOOKS):
        book = Book(random)
        account = book.account()
        if not account.risk(book.marks).is_liquidatable:
            yield random, book, account


def size(book):
    return sum(book.size(market, book.marks[market]) for market in MARKETS)


def tiny(book):
    return 1e-9 * size(book)


# Orders


def test_the_largest_order_is_accepted_and_a_larger_one_is_not():
    met = Counter()
    for random, book, account in books(1):
        rules = account.positions[0].contract.conventions
        new = Contract(
            symbol="new",
            market=str(random.choice(MARKETS)),
            maintenance=float(random.choice([0, 0.02])),
            taker_fee=0.0005,
            inverse=book.inverse,
            settle="COIN" if book.inverse else "quote",
            conventions=rules,
        )
        mode = str(random.choice(["isolated", "cross", "cross"]))
        held = [p.contract for p in account.positions if mode == "cross"]
        contract = [new, *held][random.integers(1 + len(held))]
        order = {
            "leverage": float(random.uniform(1, 60)),
            "price": float(book.marks[contract.market] * random.uniform(0.98, 1.02)),
            "mode": mode,
            "marks": book.marks,
        }
        side = int(random.choice([-1, 1]))
        try:
            most = account.largest_order(contract, side=side, **order)
        except MarginError:  # What is open on the other side cannot be closed at such a price.
            with pytest.raises(MarginError):
                account.close(contract.symbol, price=order["price"], marks=book.marks)
            continue
        if not most:
            met["nothing"] += 1
            continue
        after, _ = account.trade(contract, quantity=most, **order)
        for pocket in (None, *(p.symbol for p in after.isolated)):
            assert not after.risk(book.marks, pocket).is_liquidatable
        with pytest.raises(MarginError):
            account.trade(contract, quantity=most * (1 + 1e-6), **order)
        free = (account if contract is new else after).available_balance(book.marks)
        met["all that it pays for" if abs(free) < tiny(book) else "less"] += 1
        met[mode] += 1
        met["turned"] += contract.symbol in account and account[contract.symbol].quantity * most < 0
    assert min(met[k] for k in ("isolated", "cross", "turned", "less")) > BOOKS // 20, met


# Bars


def one_bar(random, book):
    """Prices that open at the marks, may go far, and close where they opened."""
    opened = book.marks
    low = {market: price * random.uniform(0.55, 1) for market, price in opened.items()}
    high = {market: price * random.uniform(1, 1.6) for market, price in opened.items()}
    return Bars(*({m: np.array([p[m]]) for m in opened} for p in (opened, low, high, opened)))


def way(book, corner, share):
    """Prices at a share of the straight way from the marks; inverse: straight in reciprocals."""
    turn = -1 if book.inverse else 1
    return {
        m: (p**turn + share * (corner[m] ** turn - p**turn)) ** turn for m, p in book.marks.items()
    }


def test_a_pocket_dies_on_the_way_to_the_worst_corner_of_a_bar_where_a_search_says():
    met = Counter()
    shares = np.linspace(0, 1, FINE)
    for random, book, account in books(2):
        bar = one_bar(random, book)
        if book.rules["maintenance_at"] == "today":  # today is each moment that is looked at
            book.rules["maintenance_at"] = "mark"
        moved = {each.contract.market for each in account.holdings}
        sides = [
            [bar.marks(side, 0)[m] for side in (("low", "high") if m in moved else ("open",))]
            for m in book.marks
        ]
        corners = [dict(zip(book.marks, box, strict=True)) for box in itertools.product(*sides)]
        ends = [book.left_at({m: np.array([at[m]]) for m in at})[0] for at in corners]
        # Profit that backs nothing else may rise or fall: several corners are the worst then.
        worst = [at for at, end in zip(corners, ends, strict=True) if end <= min(ends) + tiny(book)]
        left = book.left_at(way(book, worst[0], shares))
        walk = replay(account, bar, Costs(fee_rate=0))
        if abs(left[-1]) <= tiny(book):
            continue
        assert bool(walk.liquidations) == (left[-1] < 0), (book.rules, left[-1])
        met["dies" if left[-1] < 0 else "lives"] += 1
        if left[-1] > 0:
            continue
        assert any(
            walk.end.balance == pytest.approx(left_over, abs=step + tiny(book))
            for left_over, step in (death(account, book, corner, shares) for corner in worst)
        )
    assert min(met["dies"], met["lives"]) > BOOKS // 20, met


def death(account, book, corner, shares):
    """What is left where a pocket dies on the way to a corner, and how much a step there is."""
    prices = way(book, corner, shares)
    at = int((book.left_at(prices) <= 0).argmax())
    near, far = (wealth(account, {m: p[i] for m, p in prices.items()}) for i in (at - 1, at))
    return max(far, 0), abs(near - far)


# Simulation


def test_simulated_is_replayed_with_costs_in_coins_and_steps():
    met = Counter()
    for random, book, account in books(3):
        own = [p.symbol for p in account.positions if not book.coins and random.random() < 0.4]
        positions = [
            replace(p, margin=0.3 * p.notional(p.entry_price)) if p.symbol in own else p
            for p in account.positions
        ]
        account = Account(
            balance=account.balance, positions=positions, collateral=account.collateral
        )
        shape = 5, 2
        closes = {
            m: p * np.exp(np.cumsum(random.normal(0, 0.15, shape), axis=0))
            for m, p in book.marks.items()
        }
        opens = {m: np.vstack([np.full(2, book.marks[m]), p[:-1]]) for m, p in closes.items()}
        low = {m: 0.95 * np.minimum(p, closes[m]) for m, p in opens.items()}
        high = {m: 1.05 * np.maximum(p, closes[m]) for m, p in opens.items()}
        symbols = [p.symbol for p in positions]
        costs = Costs(
            fee_rate=[None, 0.0, 0.01][random.integers(3)],
            funding=dict.fromkeys(symbols, float(random.normal(0, 0.003))),
            interest=dict.fromkeys(symbols, 1e-4),
            closes=["everything", "everything", ("next tier", 0.2), 0.5, "what is needed"][
                random.integers(5)
            ],
        )
        bars = Bars(opens, low, high, closes)
        result = simulate({"it": account}, bars, costs=costs)["it"]
        worth = sum(c.risk(book.marks[c.coin]).equity for c in account.collateral)
        assert result.start == pytest.approx(account.wallet_balance + worth)
        for path in range(2):
            walk = replay(account, bars.path(path), costs)
            assert result.equity[path] == pytest.approx(walk.equity[-1], abs=tiny(book))
            fallen = [(s, at) for at, event in walk.liquidations for s in event.symbols]
            for symbol, step in result.step.items():
                assert step[path] == min((at for s, at in fallen if s == symbol), default=-1)
            met["dies" if fallen else "lives"] += 1
            paid = {p.contract.settle for p in positions} & set(book.coins)
            met["in coins"] += bool(paid)
            met["in steps"] += bool(fallen) and costs.closes != "everything"
            met["smaller"] += bool(fallen) and bool(
                set(dict(fallen)) & set(dict.fromkeys(p.symbol for p in walk.end.positions))
            )
    assert min(met[k] for k in ("dies", "lives", "in coins", "in steps", "smaller")) > 0, met
