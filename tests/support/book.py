"""Accounts of any kind, drawn at random: a model of their own in plain numbers, and the library's.

The model writes out what each leg gains and asks for from what the conventions say. It knows
nothing of the library, so that one can be held against the other.
"""

import math

import numpy as np

from margin_lib.account import Account, Collateral, Position
from margin_lib.contracts import Contract, Conventions, Tiers

MARKETS = ("BTC", "ETH", "SOL")


def by_rows(value, rows):
    """rate · value − amount of the row that each value falls into."""
    asked = np.zeros_like(value)
    for floor, rate, amount in rows:
        asked = np.where(value >= floor, rate * value - amount, asked)
    return asked


class Book:
    """An account as plain numbers, and what is left of it at a price of one market."""

    def __init__(self, random):
        self.marks = {market: float(10 ** random.uniform(0, 4)) for market in MARKETS}
        self.inverse = bool(random.random() < 0.25)
        self.coins = {} if self.inverse else self.random_coins(random)
        self.rules = {
            "maintenance_at": str(random.choice(["mark", "mark", "entry", "today"])),
            "closing_fee": bool(random.random() < 0.3),
            "hedged": str(random.choice(["both", "both", "larger", "net"])),
            "profit": str(random.choice(["backs all", "backs all", "backs itself"])),
        }
        self.legs = [self.random_leg(random, n) for n in range(random.integers(1, 6))]
        scale = sum(self.worth(leg, self.marks[leg["market"]]) for leg in self.legs)
        self.balance = float(scale * random.choice([0.02, 0.1, 0.5, 1.2]) * random.uniform(0.5, 2))
        self.leverages = random.uniform(1, 30, len(self.legs))

    def random_coins(self, random):
        """Up to two coins: with one ratio or several, in debt now and then."""
        coins = {}
        for name in random.choice(["USD1", *MARKETS], random.integers(0, 3), replace=False):
            floors = [0.0, *sorted(10 ** random.uniform(2, 5, random.integers(0, 3)))]
            shares = sorted(random.uniform(0.3, 1, len(floors)), reverse=True)
            price = self.marks.setdefault(str(name), 1.0)
            coins[str(name)] = {
                "amount": float(random.uniform(-500, 5000) / price),
                "ratio": [(float(f), float(s)) for f, s in zip(floors, shares, strict=True)],
                "buying": float(random.uniform(1, 1.05)),
            }
        return coins

    def random_leg(self, random, number):
        """A position of 100 to 10,000 at its entry, some way from the mark."""
        market = str(random.choice(MARKETS))
        entry = self.marks[market] * random.uniform(0.8, 1.25)
        value = 10 ** random.uniform(2, 4)
        size = value * entry if self.inverse else value / entry
        rates = np.sort(random.uniform(0.002, 0.15, random.integers(1, 4)))
        floors = [0.0, *np.sort(10 ** random.uniform(1, 4.5, len(rates) - 1))]
        settle = "COIN" if self.inverse else "quote"
        others = [coin for coin in self.coins if coin != market]
        if others and random.random() < 0.3:
            settle = str(random.choice(others))
        if settle not in ("quote", "COIN"):  # worth as much, in another money
            size /= self.marks[settle]
            floors = [floor / self.marks[settle] for floor in floors]
        rows = Tiers.continuous(zip(map(float, floors), map(float, rates), strict=True))
        side = random.choice([-1, 1])
        coins = size / entry if self.inverse else size
        grows = random.random() < 0.3
        return {
            "symbol": f"leg {number}",
            "market": market,
            "quantity": float(size * side),
            "entry": float(entry),
            "rows": rows,
            "fee": float(random.uniform(0, 0.001)),
            "growth": 0.03 / float(coins) if grows else 0.0,
            "settle": settle,
        }

    def notional(self, leg, price):
        size = abs(leg["quantity"])
        return size / price if self.inverse else size * price

    def worth(self, leg, price):
        """Its value in the balance's money."""
        of = self.marks.get(leg["settle"], 1.0) if leg["settle"] in self.coins else 1.0
        return self.notional(leg, price) * of

    def gain(self, leg, price):
        if self.inverse:
            return leg["quantity"] * (1 / leg["entry"] - 1 / price)
        return leg["quantity"] * (price - leg["entry"])

    def asked_at(self, leg, price):
        """The price that the requirement is taken at."""
        fixed = {"entry": leg["entry"], "today": self.marks[leg["market"]]}
        at = fixed.get(self.rules["maintenance_at"])
        return price if at is None else np.full_like(price, at)

    def table(self, leg, price, share=1.0):
        """What the table asks for a share of a leg."""
        value = self.notional(leg, self.asked_at(leg, price)) * share
        coins = value if self.inverse else abs(leg["quantity"]) * share
        rows = [(floor, rate, amount) for floor, rate, amount, *_ in leg["rows"]]
        return by_rows(value, rows) + leg["growth"] * coins * value

    def fee(self, leg, price):
        counted = leg["fee"] if self.rules["closing_fee"] else 0.0
        return counted * self.notional(leg, self.asked_at(leg, price))

    def asked_together(self, legs, price):
        """What the legs of one market in one money ask for."""
        sides = [[leg for leg in legs if leg["quantity"] * side > 0] for side in (1, -1)]
        alone = [sum(self.table(x, price) + self.fee(x, price) for x in side) for side in sides]
        if self.rules["hedged"] == "both" or not all(sides):
            return sum(alone)
        if self.rules["hedged"] == "larger":
            return np.maximum(*alone)
        long, short = (sum(abs(leg["quantity"]) for leg in side) for side in sides)
        larger = sides[0] if long >= short else sides[1]
        share = abs(long - short) / max(long, short)
        return sum(self.table(leg, price, share) for leg in larger) + sum(
            self.fee(leg, price) for leg in legs
        )

    def left(self, market, price):
        """Equity that counts, less what is asked for, with one market at other prices."""
        at = {name: np.full_like(price, mark) for name, mark in self.marks.items()}
        return self.left_at({**at, market: price})

    def left_at(self, at):
        """The same with an array of prices for each market."""
        price = next(iter(at.values()))
        purses = {"": self.balance + 0 * price}
        purses |= {name: coin["amount"] + 0 * price for name, coin in self.coins.items()}
        asked = dict.fromkeys(purses, 0 * price)
        groups = {}
        for leg in self.legs:
            purse = leg["settle"] if leg["settle"] in self.coins else ""
            here = at[leg["market"]]
            gain = self.gain(leg, here)
            if self.rules["profit"] == "backs itself":
                gain = np.minimum(gain, self.table(leg, here) + self.fee(leg, here))
            purses[purse] = purses[purse] + gain
            groups.setdefault((leg["market"], purse), []).append(leg)
        for (name, purse), legs in groups.items():
            asked[purse] = asked[purse] + self.asked_together(legs, at[name])
        total = purses[""] - asked[""]
        for name, coin in self.coins.items():
            value = purses[name] * at[name]
            counted = 0 * value
            ends = [floor for floor, _ in coin["ratio"][1:]] + [math.inf]
            for (floor, share), end in zip(coin["ratio"], ends, strict=True):
                counted = counted + share * np.clip(value - floor, 0, end - floor)
            counted = np.where(value > 0, counted, value * coin["buying"])
            total = total + counted - asked[name] * coin["buying"] * at[name]
        return total

    def account(self):
        """The same for the library."""
        rules = Conventions(**self.rules)
        positions = [
            Position(
                contract=Contract(
                    symbol=leg["symbol"],
                    market=leg["market"],
                    maintenance=leg["rows"],
                    growth=leg["growth"],
                    taker_fee=leg["fee"],
                    inverse=self.inverse,
                    settle=leg["settle"],
                    conventions=rules,
                ),
                quantity=leg["quantity"],
                entry_price=leg["entry"],
                leverage=float(leverage),
            )
            for leg, leverage in zip(self.legs, self.leverages, strict=True)
        ]
        coins = [
            Collateral(coin=name, amount=c["amount"], ratio=c["ratio"], buying=c["buying"])
            for name, c in self.coins.items()
        ]
        return Account(balance=self.balance, positions=positions, collateral=coins)

    def size(self, market, price):
        """Money that passes through the sums: what rounding errors are measured by."""
        at = {**self.marks, market: price}
        held = sum(abs(c["amount"]) * at[name] for name, c in self.coins.items())
        legs = sum(
            self.worth(leg, at[leg["market"]]) + self.worth(leg, leg["entry"]) for leg in self.legs
        )
        return abs(self.balance) + held + legs


def wealth(account, marks):
    """All money at the marks, coins in full."""
    coins = sum(each.worth(each.mark(marks)) for each in account.collateral)
    gains = 0.0
    for p in account.positions:
        held = {each.coin: each for each in account.collateral}
        coin = held.get(p.contract.settle)
        gains += p.pnl(p.mark(marks)) * (coin.mark(marks) if coin else 1.0)
    return account.balance + coins + gains
