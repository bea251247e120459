"""Fifteen questions on what people get wrong about margin, asked before the course and after it.

The words stand in `inventory.toml`: each question, its options, and behind every wrong option the
belief that leads to it. The numbers are computed here, from the scenarios: before the course in one
form, afterwards in another, so that no number is worth learning by heart. What is right is no
matter of opinion either: each situation runs the account and says which option came true.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import floor, isclose, isnan
from pathlib import Path
from typing import Any

from margin_course import files
from margin_course.scenarios import Scenario, Trade
from margin_course.text import amount
from margin_lib.account import Account, Position
from margin_lib.contracts import Contract, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import liquidate

FILE = "inventory.toml"
FORMS = ("before", "after")
UNSURE = "?"  # the key of "I do not know", which is no option of its own
FEWEST_LEVERAGE = 1.5
PART = 0.5  # of what the maintenance rate allows: the most leverage that a question sets
TINY = 1e-9

Book = dict[str, Scenario]


@dataclass(frozen=True)
class Option:
    """One option: its key, which no order changes; its words; the belief that leads to it."""

    key: str
    says: str
    belief: str | None  # None in the right option

    @property
    def right(self) -> bool:
        """Whether it came true."""
        return self.belief is None


@dataclass(frozen=True)
class Question:
    """One question in one form, its options as they are shown, and why the right one is right."""

    name: str
    about: str  # the belief that it looks for first
    ask: str
    options: tuple[Option, ...]
    because: str

    def __getitem__(self, key: str) -> Option | None:
        """The option with this key; None for what is none, as "I do not know"."""
        return next((option for option in self.options if option.key == key), None)

    @property
    def right(self) -> Option:
        """The right option."""
        return next(option for option in self.options if option.right)


@dataclass(frozen=True)
class Belief:
    """What people believe, where the course clears it, and who was seen to believe it."""

    says: str
    section: str  # a notebook and its heading, as in a link
    seen: str

    @property
    def notebook(self) -> str:
        """The number of the notebook that clears it."""
        return self.section[:2]


@dataclass(frozen=True)
class Inventory:
    """The data of `inventory.toml`, once it is known to be whole."""

    forms: Mapping[str, Mapping[str, float]]
    beliefs: Mapping[str, Belief]
    questions: Mapping[str, Mapping[str, Any]]

    def asked(self, form: str, book: Book) -> list[Question]:
        """The questions in one form, computed from the scenarios.

        An option whose words are those of another one, as odd numbers can bring about, is left out.

        Parameters
        ----------
        form : str                 "before" or "after"
        book : Mapping             all scenarios, by name

        Raises
        ------
        MarginError                another form
        """
        if form not in self.forms:
            raise MarginError("form", f"must be one of {', '.join(self.forms)}", form)
        made = Made(book, **self.forms[form])
        return [self._question(name, form, made) for name in self.questions]

    def belief(self, name: str, key: str) -> str | None:
        """The belief behind an option; "" for the right one, None for no option."""
        options = dict(_keyed(self.questions[name]))
        return options[key].get("belief", "") if key in options else None

    def held(self, given: Mapping[str, str]) -> set[str]:
        """The beliefs behind the options that somebody has chosen: question -> key."""
        known = {name: key for name, key in given.items() if name in self.questions}
        return {found for each in known.items() if (found := self.belief(*each))}

    def asking(self, belief: str) -> list[str]:
        """The questions of which an option stands for a belief."""
        return [
            name
            for name, table in self.questions.items()
            if belief in [option.get("belief") for option in table["options"]]
        ]

    def _question(self, name: str, form: str, made: "Made") -> Question:
        table = self.questions[name]
        figures, _ = SITUATIONS[name](made)
        options: dict[str, Option] = {}
        for key, each in sorted(_keyed(table), key=lambda pair: "belief" in pair[1]):
            says = each["says"].format_map(figures)
            says = says[:1].upper() + says[1:]
            options.setdefault(says, Option(key, says, each.get("belief")))
        shown = sorted(options.values(), key=lambda option: option.key)
        random.Random(f"{form} {name}").shuffle(shown)
        ask, because = (table[part].format_map(figures) for part in ("ask", "because"))
        return Question(name, table["about"], ask, tuple(shown), because)


def _keyed(table: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return list(zip("abcdef", table["options"], strict=False))


def inventory(path: str | Path = FILE) -> Inventory:
    """Read the questions and the beliefs behind their options.

    Raises
    ------
    MarginError                no such file; a question without a situation, without exactly one
                               right option, or with a belief that nobody described

    >>> inventory("notebooks/inventory.toml").beliefs["stop"].notebook
    '03'
    """
    tables = files.toml(path)
    beliefs = {name: Belief(**each) for name, each in tables["beliefs"].items()}
    for name, table in tables["questions"].items():
        found = [option.get("belief") for option in table["options"]]
        if name not in SITUATIONS:
            raise MarginError(f"question {name}", "must have a situation", list(SITUATIONS))
        if found.count(None) != 1:
            raise MarginError(f"question {name}", "must have one right option", found.count(None))
        if unknown := {*found, table["about"]} - {None, *beliefs}:
            raise MarginError(f"question {name}", "must use known beliefs", sorted(unknown))
    return Inventory(tables["forms"], beliefs, tables["questions"])


# The accounts of the questions


@dataclass(frozen=True)
class Made:
    """The accounts of one form, made of the scenarios of the course.

    Parameters
    ----------
    book : Mapping             all scenarios, by name
    leverage : float           times that of the scenario
    margin : float             of a single trade, as a share of the balance
    long, short : float        notional of the two trades of a shared balance, as shares of it
    """

    book: Book
    leverage: float
    margin: float
    long: float
    short: float

    def _leverage(self, trade: Trade, margin: float = 0, notional: float = 0) -> float:
        """A round number, and never more than the exchange allows for *margin* or *notional*."""
        table = trade.contract.maintenance
        most = PART / max(max(tier.rate for tier in table), TINY)
        wanted = min(self.leverage * trade.leverage, max(most, trade.leverage))
        step = 1 if wanted >= 3 else 0.5
        wanted = max(step * round(wanted / step), FEWEST_LEVERAGE)
        # A lower leverage never makes a larger position, so no tier beyond this one is met.
        cap = table.at(notional or margin * wanted).max_leverage or wanted
        return min(wanted, step * floor(cap / step) or cap)

    def single(self, name: str, side: str = "long") -> Scenario:
        """A scenario's first trade, with other margin and leverage."""
        scenario = self.book[name].first_trades(1)
        (trade,) = scenario.trades
        margin = self.margin * scenario.balance
        leverage = self._leverage(trade, margin=margin)
        return scenario.with_trade(trade.symbol, side=side, margin=margin, leverage=leverage)

    def pair(self, sides: tuple[str, str] = ("long", "short")) -> Scenario:
        """A long and a short on one balance, or two longs."""
        scenario = self.book["cross"].first_trades(2)
        parts = (self.long, self.short)
        for trade, side, part in zip(scenario.trades, sides, parts, strict=True):
            notional = part * scenario.balance
            leverage = self._leverage(trade, notional=notional)
            margin = notional / leverage
            change: dict[str, Any] = {"side": side, "margin": margin, "leverage": leverage}
            scenario = scenario.with_trade(trade.symbol, **change)
        return scenario


def pocket(scenario: Scenario, margin: float, **changes: Any) -> float:
    """At which change of its price an isolated position with so much margin is liquidated."""
    (trade,) = scenario.trades
    position = replace(scenario.account("isolated").positions[0], margin=margin, **changes)
    account = Account(balance=0, positions=[position])
    return float(account.liquidation_price(trade.symbol) / trade.price - 1)


def edge(account: Account, scenario: Scenario, trade: Trade, **returns: float) -> float:
    """At which change since entry a trade is liquidated, once others have moved."""
    price = account.liquidation_price(trade.symbol, scenario.marks(**returns))
    return float(price / trade.price - 1)


def move(change: float) -> str:
    """A change as a fall or a rise; "never" where there is none.

    >>> move(-0.2449), move(0.5), move(float("nan"))
    ('a fall of 24.49 %', 'a rise of 50 %', 'no move: never')
    """
    if isnan(change):
        return "no move: never"
    return f"a {'fall' if change < 0 else 'rise'} of {amount(abs(change), '%')}"


Figures = dict[str, str]
# The numbers of a question, and what its run says: the belief that came true, None for none.
Found = tuple[Figures, str | None]


def _one(scenario: Scenario) -> tuple[Trade, Figures]:
    """A single trade, and the words that every question on it uses."""
    (trade,) = scenario.trades
    return trade, {
        "coin": trade.symbol,
        "balance": amount(scenario.balance, scenario.currency),
        "margin": amount(trade.margin, scenario.currency),
        "wallet": amount(scenario.balance - trade.margin, scenario.currency),
        "value": amount(trade.notional, scenario.currency),
        "leverage": amount(trade.leverage, "x"),
    }


def _two(scenario: Scenario) -> tuple[Trade, Trade, Figures]:
    """Two trades on one balance, and the words that every question on them uses."""
    first, second = scenario.trades
    return (
        first,
        second,
        {
            "a": first.symbol,
            "b": second.symbol,
            "balance": amount(scenario.balance, scenario.currency),
            "value_a": amount(first.notional, scenario.currency),
            "value_b": amount(second.notional, scenario.currency),
            "margin_a": amount(first.margin, scenario.currency),
            "margin_b": amount(second.margin, scenario.currency),
        },
    )


def setting(made: Made) -> Found:
    """A higher leverage setting on an open trade, and no money moved."""
    scenario = made.single("leverage")
    trade, words = _one(scenario)
    ends = {
        "as_it_is": pocket(scenario, trade.margin),
        "by_setting": pocket(scenario, trade.margin / 2),
        "by_wallet": pocket(scenario, scenario.balance),
    }
    after = pocket(scenario, trade.margin, leverage=2 * trade.leverage)
    beliefs = {None: ends["as_it_is"], "setting": ends["by_setting"], "wallet": ends["by_wallet"]}
    words |= {name: move(end) for name, end in ends.items()}
    return words | {"doubled": amount(2 * trade.leverage, "x")}, _true(after, beliefs)


def promise(made: Made) -> Found:
    """The liquidation price of a cross position, after another one has lost."""
    scenario = made.pair()
    first, second, words = _two(scenario)
    account, fall = scenario.account("cross"), 0.5 * made.margin
    ends = {
        "still": edge(account, scenario, second),
        "nearer": edge(account, scenario, second, **{first.symbol: -fall}),
        "farther": edge(account, scenario, second, **{first.symbol: fall}),
    }
    marks = scenario.marks(**{first.symbol: -fall, second.symbol: ends["nearer"] * (1 + TINY)})
    dies = account.risk(marks).is_liquidatable
    words |= {name: move(end) for name, end in ends.items()}
    words |= {"fall": amount(fall, "%")}
    return words, None if dies and ends["nearer"] < ends["still"] else "promise"


def one_closed(made: Made) -> Found:
    """What a single bad position may take from a shared balance."""
    scenario = made.pair()
    first, second, words = _two(scenario)
    alone = pocket(replace(scenario, trades=(second,)), second.margin)
    rise = round(0.5 * (alone + edge(scenario.account("cross"), scenario, second)), 2)
    marks = scenario.marks(**{second.symbol: rise})
    account = scenario.account("cross")
    lost = account.balance - account.equity(marks)
    levered = second.notional * rise * second.leverage
    beliefs = {None: second.notional * rise, "one closed": second.margin, "twice": levered}
    words |= {
        "rise": amount(rise, "%"),
        "lost": amount(lost, scenario.currency),
        "levered": amount(levered, scenario.currency),
    }
    dead = account.risk(marks).is_liquidatable
    return words, "one closed" if dead else _true(lost, beliefs)


def limit(made: Made) -> Found:
    """An isolated trade in a gap: is more gone than its margin, or less?"""
    scenario = made.single("isolated")
    trade, words = _one(scenario)
    gap = round(min(1.5 / trade.leverage, 0.95), 2)
    account = scenario.account("isolated")
    end, _ = liquidate(account, scenario.marks(**{trade.symbol: -gap}), trade.symbol)
    shown = pocket(scenario, trade.margin)
    whole, shown_loss = gap * trade.notional, -shown * trade.notional
    beliefs = {None: trade.margin, "limit": whole, "promise": shown_loss}
    words |= {
        "gap": amount(gap, "%"),
        "shown": amount(-shown, "%"),
        "all_of_it": amount(whole, scenario.currency),
        "at_the_price": amount(shown_loss, scenario.currency),
    }
    return words, _true(account.wallet_balance - end.wallet_balance, beliefs)


def pockets(made: Made) -> Found:
    """Two longs in pockets of their own, whose coins fall together."""
    scenario = made.pair(("long", "long"))
    first, second, words = _two(scenario)
    fall = round(min(1.1 / min(first.leverage, second.leverage), 0.95), 2)
    marks = scenario.marks(**{trade.symbol: -fall for trade in scenario.trades})
    account = scenario.account("isolated")
    end = account
    for trade in scenario.trades:
        end, _ = liquidate(end, marks, trade.symbol)
    both, one = first.margin + second.margin, max(first.margin, second.margin)
    whole = fall * (first.notional + second.notional)
    words |= {
        "fall": amount(fall, "%"),
        "both": amount(both, scenario.currency),
        "one": amount(one, scenario.currency),
        "all_of_it": amount(whole, scenario.currency),
    }
    beliefs = {None: both, "safer": one, "limit": whole}
    return words, _true(account.wallet_balance - end.wallet_balance, beliefs)


def room(made: Made) -> Found:
    """Two settings, the same coins and the same balance: who runs out of room for new trades?"""
    scenario = made.single("leverage")
    trade, words = _one(scenario)
    high = trade.leverage
    low = FEWEST_LEVERAGE if high > FEWEST_LEVERAGE else 1
    margin = made.margin * scenario.balance
    free = []
    for leverage in (low, high):
        bought = scenario.with_trade(trade.symbol, margin=margin / leverage, leverage=leverage)
        marks = bought.marks(**{trade.symbol: -0.5 * made.margin})
        free.append(float(bought.account("cross").available_balance(marks)))
    words |= {
        "low": amount(low, "x"),
        "high": amount(high, "x"),
        "bought": amount(margin, scenario.currency),
    }
    return words, None if free[0] < free[1] else "lower" if free[1] < free[0] else "available"


def sign(made: Made) -> Found:
    """A short in a pocket of its own: which way does it die, and how far away?"""
    scenario = made.single("isolated", "short")
    trade, words = _one(scenario)
    ends = {
        None: pocket(scenario, trade.margin),
        "sign": pocket(made.single("isolated"), trade.margin),
        "twice": 1 / trade.leverage**2,
    }
    names = {None: "short_dies", "sign": "long_dies", "twice": "twice"}
    words |= {names[belief]: move(end) for belief, end in ends.items()}
    return words, liquidated_at(scenario, ends)


def twice(made: Made) -> Found:
    """Which fall takes the whole margin of a long?"""
    scenario = made.single("leverage")
    trade, words = _one(scenario)
    falls = {
        None: 1 / trade.leverage,
        "twice": 1 / trade.leverage**2,
        "wallet": min(scenario.balance / trade.notional, 1.0),
    }
    names = {None: "once", "twice": "twice", "wallet": "by_wallet"}
    words |= {names[belief]: amount(fall, "%") for belief, fall in falls.items()}
    gone = scenario.account("isolated").bankruptcy_price(trade.symbol)
    return words, _true(float(1 - gone / trade.price), falls)


def inverse(made: Made) -> Found:
    """A long in a contract that is margined in its own coin, without leverage."""
    scenario = made.single("leverage")
    trade, words = _one(scenario)
    coins = round(0.5 / made.margin, 1)  # behind a position that is worth one coin at entry
    contract = Contract(
        symbol=trade.symbol, inverse=True, maintenance=trade.contract.maintenance_rate
    )
    held = Position(
        contract=contract,
        quantity=trade.price,
        entry_price=trade.price,
        leverage=1,
        margin=coins,
    )
    end = Account(balance=0, positions=[held]).liquidation_price(trade.symbol) / trade.price - 1
    words |= {
        "coins": amount(coins, trade.symbol),
        "worth": amount(1, trade.symbol),
        "halved": move(float(end)),
    }
    return words, "linear" if isnan(end) else None


def dash(made: Made) -> Found:
    """What it means that a cross position shows no liquidation price."""
    scenario = made.pair()
    first, second, words = _two(scenario)
    account = scenario.account("cross")
    shown = account.liquidation_price(first.symbol, scenario.marks())
    jump = round(1.1 * edge(account, scenario, second), 1)
    _, event = liquidate(account, scenario.marks(**{second.symbol: jump}))
    closed = first.symbol in event.symbols
    words |= {"jump": amount(jump, "%")}
    return words, "zero" if not isnan(shown) else None if closed else "promise"


def bracket(made: Made) -> Found:
    """Maintenance margin of a position that reaches into a second tier."""
    scenario = made.single("leverage")
    trade, words = _one(scenario)
    rate = trade.contract.maintenance_rate
    border = 40 * made.margin * scenario.balance
    value = border * (1 + made.margin)
    tiers = Tiers.continuous([(0, rate), (border, 2.5 * rate)])
    asked = Position(
        contract=Contract(symbol=trade.symbol, maintenance=tiers),
        quantity=value / trade.price,
        entry_price=trade.price,
        leverage=1,
    ).maintenance_margin(trade.price)
    in_parts = rate * border + 2.5 * rate * (value - border)
    words |= {
        "border": amount(border, scenario.currency),
        "large": amount(value, scenario.currency),
        "rate": amount(rate, "%"),
        "higher": amount(2.5 * rate, "%"),
        "in_parts": amount(in_parts, scenario.currency),
        "all_higher": amount(2.5 * rate * value, scenario.currency),
        "all_lower": amount(rate * value, scenario.currency),
    }
    return words, None if isclose(asked, in_parts) else "tier"


def stop(made: Made) -> Found:
    """A stop order in a gap."""
    scenario = made.single("leverage")
    trade, words = _one(scenario)
    stopped, gap = (round(min(x / trade.leverage, 0.95), 2) for x in (0.5, 1.4))
    account = scenario.account("isolated")
    # Between two prices without a trade the stop finds nobody, so the account meets the second.
    end, _ = liquidate(account, scenario.marks(**{trade.symbol: -gap}), trade.symbol)
    small, whole = stopped * trade.notional, gap * trade.notional
    words |= {
        "stopped": amount(stopped, "%"),
        "gap": amount(gap, "%"),
        "small": amount(small, scenario.currency),
        "all_of_it": amount(whole, scenario.currency),
    }
    beliefs = {None: trade.margin, "stop": small, "limit": whole}
    return words, _true(account.wallet_balance - end.wallet_balance, beliefs)


def wallet(made: Made) -> Found:
    """An isolated trade beside a full wallet: which money stands behind it?"""
    scenario = made.single("isolated")
    trade, words = _one(scenario)
    ends = {
        None: pocket(scenario, trade.margin),
        "wallet": pocket(scenario, scenario.balance),
        "sign": pocket(made.single("isolated", "short"), trade.margin),
    }
    names = {None: "own", "wallet": "by_wallet", "sign": "short_dies"}
    words |= {names[belief]: move(end) for belief, end in ends.items()}
    return words, liquidated_at(scenario, ends)


def available(made: Made) -> Found:
    """Less than nothing is available, and equity is above the maintenance margin."""
    scenario = made.pair()
    first, second, words = _two(scenario)
    account, unit = scenario.account("cross"), scenario.currency
    end = edge(account, scenario, second)
    free = [
        float(account.available_balance(scenario.marks(**{second.symbol: rise})))
        for rise in (0, end)
    ]
    # Both what is free and what is left above the maintenance margin fall in a straight line.
    none_free = end * free[0] / (free[0] - free[1])
    marks = scenario.marks(**{second.symbol: round(0.5 * (none_free + end), 2)})
    risk, short_of = account.risk(marks), float(account.available_balance(marks))
    words |= {
        "equity": amount(risk.equity, unit),
        "needed": amount(risk.maintenance_margin, unit),
        "opening": amount(risk.initial_margin, unit),
        "free": amount(short_of, unit),
    }
    return words, None if short_of < 0 and not risk.is_liquidatable else "available"


def mixed(made: Made) -> Found:
    """One position isolated, one cross: which money stands behind the second?"""
    scenario = made.pair()
    first, second, words = _two(scenario)
    account = scenario.account({first.symbol: "isolated", second.symbol: "cross"})
    behind = account.risk(scenario.marks(), None).equity
    outside = scenario.balance - first.margin
    words |= {"outside": amount(outside, scenario.currency)}
    beliefs = {None: outside, "wallet": scenario.balance, "one closed": second.margin}
    return words, _true(float(behind), beliefs)


def _true(value: float, beliefs: Mapping[str | None, float]) -> str | None:
    """Which belief expects this value: the nearest one, None where it is what was to be shown."""
    known = {belief: x for belief, x in beliefs.items() if not isnan(x)}
    return min(known, key=lambda belief: abs(known[belief] - value))


def liquidated_at(scenario: Scenario, ends: Mapping[str | None, float]) -> str | None:
    """Which of several changes is the one at which the only trade of an account is liquidated."""
    account, (trade,) = scenario.account("isolated"), scenario.trades

    def is_border(change: float) -> bool:
        at = [scenario.marks(**{trade.symbol: part * change}) for part in (1 - 1e-6, 1 + 1e-6)]
        before, after = (account.risk(marks, trade.symbol).is_liquidatable for marks in at)
        return bool(after) and not before

    return next(belief for belief, end in ends.items() if end > -1 and is_border(end))


# What the questions of inventory.toml are about, by their names there.
SITUATIONS: dict[str, Callable[[Made], Found]] = {
    "setting": setting,
    "promise": promise,
    "one closed": one_closed,
    "limit": limit,
    "pockets": pockets,
    "room": room,
    "sign": sign,
    "twice": twice,
    "inverse": inverse,
    "dash": dash,
    "bracket": bracket,
    "stop": stop,
    "wallet": wallet,
    "available": available,
    "mixed": mixed,
}
