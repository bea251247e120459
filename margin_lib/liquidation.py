"""What happens after the trigger: positions are closed, and a ledger says who paid whom.

`liquidate` closes a pocket, or the part of it that a venue's rules ask for. It treats the insurance
fund as bottomless; `settle` says who pays once the fund has an end: the fund, then the winners of
the other side (auto-deleveraging), and what nobody pays is named.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, takewhile
from typing import NamedTuple

from margin_lib import formulas
from margin_lib.account import (
    ROUNDING,
    Account,
    Collateral,
    Done,
    Event,
    Position,
    Risk,
    checked_marks,
    coin_party,
    margin_party,
    pooled_risk,
)
from margin_lib.errors import MarginError, of_type, one_number
from margin_lib.types import Marks

Step = str | float  # a word of CLOSES, or a share of each position
CLOSES = ("cancel orders", "next tier", "what is needed", "worst first", "everything")
FINEST = Fraction(1, 10**9)  # of a position: the lot where any size can be traded


def liquidate(
    account: Account,
    marks: Marks,
    symbol: str | None = None,
    fee_rate: float | None = None,
    closes: Step | Sequence[Step] = "everything",
    lot: float = 0,
    backstop: float = 0,
) -> Done:
    """Close what is due of the pocket that carries `symbol`: an isolated position, or all cross.

    Positions are closed at their marks, even if those are far beyond the liquidation price. Equity
    that is left pays the fee into the insurance fund. Once nothing of the pocket is open, the rest
    returns to the balance, and equity below zero is paid by the fund.

    Parameters
    ----------
    account : Account
    marks : Mapping            market -> price at which the positions are closed
    symbol : str or None       an isolated position; a cross one, or None, for all cross positions
    fee_rate : float or None   share of closed notional for the insurance fund; None for a venue
                               that keeps all that is left once all is closed, as if it closed at
                               the bankruptcy price, and takes nothing before [1]
    closes : str, number, or a sequence of them    what the venue does, step by step, until the
                               pocket lives. "everything" at once; the other steps take the
                               positions one by one, the largest loss first: close it ("worst
                               first"), only the part that is needed ("what is needed"), the share
                               of it that a number says, or so much that it falls into the next
                               lower row of its table, and so on down to the first ("next tier").
                               "cancel orders" closes nothing: an account holds no orders. What is
                               still due after the last step is closed whole
    lot : float                quantity that closing counts in, as for `part_to_close` [contract]
    backstop : float           share of the maintenance margin, at least 0: where less equity than
                               that is left, all is taken over at once, and nothing returns [1]

    Returns
    -------
    (Account, Event)           the event names the positions that were closed or made smaller

    Raises
    ------
    MarginError                nothing to liquidate, or equity still above maintenance; an unknown
                               word, a share outside 0 to 1, a fee rate, lot or backstop below 0

    Equation:  returned = equity − min(equity, fee rate · notional), and 0 if equity < 0

    Source: Bybit, "Liquidation process (unified trading account)" (orders, then down a ladder of
    risk limits, settled at the bankruptcy price); BingX, "Liquidation of cross margin": the
    position with the largest loss first; Hyperliquid, "Liquidations": 20 % of a large position
    first, all taken over below two thirds of maintenance.

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.5, leverage=25)
    >>> after, event = liquidate(account, {"ETH": 0.25}, "ETH")
    >>> after.balance, event.transfers
    (3.0, {'margin ETH': -2.0, 'market': 25.0, 'insurance fund': -23.0})
    """
    risk = account.risk(checked_marks(marks), symbol)
    if not risk.is_liquidatable:
        rule = f"must have fallen to the maintenance margin {risk.maintenance_margin:g}"
        raise MarginError(f"equity behind {symbol or 'cross'}", rule, risk.equity)
    return close_due(account, marks, symbol, fee_rate, closes, lot, backstop)


def close_due(
    account: Account,
    marks: Marks,
    symbol: str | None = None,
    fee_rate: float | None = None,
    closes: Step | Sequence[Step] = "everything",
    lot: float = 0,
    backstop: float = 0,
) -> Done:
    """As `liquidate`, without asking whether the pocket is due.

    For who knows that it was due on the way to these marks.

    Parameters
    ----------
    account, marks, symbol, fee_rate, closes, lot, backstop : as for `liquidate`

    Returns, errors and equation as for `liquidate`.

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH")
    >>> account, _ = Account(balance=5).open(eth, quantity=8, price=1, leverage=4)
    >>> close_due(account, {"ETH": 0.875}, "ETH", fee_rate=0)[0].balance
    4.0
    """
    rules = _Rules.of(fee_rate, closes, lot, backstop)
    name = None if symbol is None or account[symbol].margin is None else symbol
    after, (event,) = _taken(account, checked_marks(marks), [name], rules)
    return after, event


def part_to_close(
    account: Account, marks: Marks, symbol: str, fee_rate: float | None = None, lot: float = 0
) -> float:
    """Least part of a position whose closing, at its mark, makes its pocket alive again.

    Closing at the mark leaves equity as it is, less the fee; only the requirement falls. So what
    equity exceeds the requirement by is a straight line in the part, between the floors of the
    maintenance table, and the first zero is taken. Where the fee is above the rate, closing more
    can make it worse; that too is found.

    Parameters
    ----------
    account : Account
    marks : Mapping            marks of all positions of the pocket
    symbol : str               an isolated position or one of the cross positions
    fee_rate : float or None   liquidation fee, None for nothing [1]
    lot : float                quantity that closing counts in; 0 for any size, to a billionth of
                               the position [contract]

    Returns
    -------
    float                      signed as the position, 0 if the pocket lives. All of it where no
                               part is enough, or where less than a lot would be left [contract]

    Raises
    ------
    MarginError                unknown symbol, a mark missing, a fee rate or lot below 0

    Equation, solved for the share x that stays open:

        equity − fee rate · (1 − x) · N = rate · x · N − amount + maintenance of the others

    Source: the definition of maintenance margin; without a fee, N · x = equity / rate.

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.25)
    >>> account, _ = Account(balance=16).open(eth, quantity=32, price=1, leverage=2)
    >>> part_to_close(account, {"ETH": 0.625}, "ETH", lot=1)   # 4 left; 0.25 · 0.625 · 25 < 4
    7.0
    """
    rules, position = _Rules.of(fee_rate, "everything", lot, 0), account[symbol]
    pocket = _Pocket(account, None if position.margin is None else symbol, checked_marks(marks))
    if not pocket.now.is_liquidatable:
        return 0.0
    return next(pocket.parts(symbol, "what is needed", rules))


def mark_to_market(
    account: Account,
    marks: Marks,
    fee_rate: float | None = None,
    closes: Step | Sequence[Step] = "everything",
    lot: float = 0,
    backstop: float = 0,
) -> tuple[Account, tuple[Event, ...]]:
    """Look at every pocket at new marks and liquidate those that are due.

    Which ones are due is decided before any is closed: money that one liquidation returns to the
    balance comes too late to save another pocket.

    Parameters and errors as for `liquidate`; a pocket that lives is no error, it is left alone.

    Returns
    -------
    (Account, tuple of Event)  one event a liquidated pocket; none when all live

    Equation:  due where equity <= maintenance margin, or only where it is below, as conventions say

    Source: Binance futures ("margin ratio", liquidation at 100 %).

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.1, leverage=5)
    >>> mark_to_market(account, {"ETH": 0.09})[1]
    ()
    >>> mark_to_market(account, {"ETH": 0.08})[0]
    Account(balance=3.0, positions=())
    """
    marks, rules = checked_marks(marks), _Rules.of(fee_rate, closes, lot, backstop)
    # The shared balance goes first: what an isolated pocket returns must not change its fate.
    due: list[str | None] = []
    if account.cross and account.risk(marks).is_liquidatable:
        due.append(None)
    due += [p.symbol for p in account.isolated if p.risk(p.mark(marks)).is_liquidatable]
    return _taken(account, marks, due, rules) if due else (account, ())


class Deleveraged(NamedTuple):
    """One winner's position that auto-deleveraging closed, or a part of it.

    Parameters
    ----------
    position : Position        as it stood before
    quantity : float           closed, signed as the position [contract]
    price : float              at which it was closed [quote per coin]
    paid : float               profit at the mark that the winner did not get [quote]

    >>> from margin_lib.contracts import Contract
    >>> short = Position(
    ...     contract=Contract(symbol="ETH"), quantity=-4, entry_price=10, leverage=2, margin=20
    ... )
    >>> Deleveraged(short, quantity=-2, price=7, paid=4).profit
    6.0
    """

    position: Position
    quantity: float
    price: float
    paid: float

    @property
    def profit(self) -> float:
        """What the closed part has earned since its entry [quote]."""
        return replace(self.position, quantity=self.quantity).pnl(self.price)


class Settlement(NamedTuple):
    """Who paid for a liquidation in the end.

    Parameters
    ----------
    event : Event              the liquidation, with the final ledger: what the fund got or paid,
                               what "deleveraged traders" and "unpaid" had to give
    fund : float               what the fund holds afterwards [quote]
    deleveraged : tuple of Deleveraged     in the order of the queue

    >>> Settlement(Event("liquidated", ("ETH",)), fund=5, deleveraged=()).fund
    5
    """

    event: Event
    fund: float
    deleveraged: tuple[Deleveraged, ...]


def settle(
    account: Account, marks: Marks, event: Event, fund: float, traders: Iterable[Position] = ()
) -> Settlement:
    """Who pays for a liquidation: the fund as far as it goes, then the winners, then nobody.

    The fund takes what the event gave it and pays what the event took from it. If it holds too
    little, winners of the other side are closed at the loser's bankruptcy price, not at the mark,
    and keep their profit up to there; where that would be a loss, at their own entry price. What
    is still missing stands in the ledger as "unpaid": the venue's loss, or that of all who trade.

    Parameters
    ----------
    account : Account          before the liquidation
    marks : Mapping            those of the liquidation
    event : Event              what `liquidate` returned
    fund : float               what the insurance fund holds before, at least 0 [quote]
    traders : iterable of Position     of other accounts; those that lose, or are on the loser's
                               side, or in another market, are left alone

    Returns
    -------
    Settlement

    Raises
    ------
    MarginError                a fund below 0, a mark missing, an event of another account

    Equations:  fund pays min(fund, deficit);
    a winner pays |closed quantity| · size · deficit / |loser's units|, at most its profit
    (in the coin for an inverse contract)

    Source: MEXC and Satis, "Automatic deleveraging system"; the limit of a winner's part: FLOX,
    test of its liquidation engine.

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH")
    >>> long = Position(contract=eth, quantity=8, entry_price=10, leverage=8, margin=10)
    >>> short = Position(contract=eth, quantity=-8, entry_price=10, leverage=2, margin=40)
    >>> account, marks = Account(balance=0, positions=(long,)), {"ETH": 8}
    >>> _, event = liquidate(account, marks, "ETH")   # 10 of margin, 16 lost
    >>> event, fund, winners = settle(account, marks, event, fund=3, traders=[short])
    >>> fund, event.received("insurance fund"), event.received("deleveraged traders")
    (0.0, -3.0, -3.0)
    >>> winners[0].quantity, winners[0].price, winners[0].profit   # bankruptcy price: 8.75
    (-4.0, 8.75, 5.0)
    """
    fund, marks = one_number("fund", fund, at_least=0), checked_marks(marks)
    received, traders = event.received("insurance fund"), list(traders)
    owed, gained = formulas.deficit(received), formulas.deficit(-received)
    missing, winners = formulas.left_after(owed, fund), []
    paid = owed - missing
    for name in event.symbols:
        loser = account[name]
        found, missing = _deleverage(loser, loser.mark(marks), owed, missing, traders)
        traders = left_open(traders, found)
        winners += found
    rest = {
        "insurance fund": owed - paid,
        "deleveraged traders": -(owed - paid - missing),
        "unpaid": -missing,
    }
    event = Event.of(event.kind, event.symbols, event.transfers, rest)
    return Settlement(event, formulas.left_after(fund, owed) + gained, tuple(winners))


def left_open(traders: Iterable[Position], deleveraged: Iterable[Deleveraged]) -> list[Position]:
    """The traders' positions after parts of them were closed; margin goes in the same share.

    Parameters
    ----------
    traders : iterable of Position
    deleveraged : iterable of Deleveraged      of these same positions

    Returns
    -------
    list of Position           without those that were closed whole

    >>> from margin_lib.contracts import Contract
    >>> short = Position(
    ...     contract=Contract(symbol="ETH"), quantity=-4, entry_price=10, leverage=2, margin=20
    ... )
    >>> [(p.quantity, p.margin) for p in left_open([short], [Deleveraged(short, -1, 7, 2)])]
    [(-3.0, 15.0)]
    """
    left = list(traders)
    for position, quantity, *_ in deleveraged:
        at = left.index(position)
        share = 1 - quantity / position.quantity
        if share <= ROUNDING:
            del left[at]
            continue
        margin = None if position.margin is None else position.margin * share
        left[at] = replace(position, quantity=position.quantity * share, margin=margin)
    return left


def deleveraging_queue(
    position: Position, price: float, traders: Iterable[Position]
) -> list[Position]:
    """The winners on the other side of a position, in the order in which they are deleveraged.

    Parameters
    ----------
    position : Position        the loser's
    price : float              mark, above 0 [quote per coin]
    traders : iterable of Position     a cross one counts with its initial margin at entry

    Returns
    -------
    list of Position           highest score first; positions without profit do not stand in it

    Raises
    ------
    MarginError                price not above 0

    Equation:  score = profit / notional at entry · notional at the mark / equity

    Source: MEXC and Satis, "Automatic deleveraging system": profit percentage times effective
    leverage.

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH")
    >>> def short(leverage):
    ...     return Position(contract=eth, quantity=-1, entry_price=10, leverage=leverage)
    >>> long = Position(contract=eth, quantity=1, entry_price=10, leverage=5)
    >>> [p.leverage for p in deleveraging_queue(long, 8, [short(2), short(10), long])]
    [10.0, 2.0]
    """

    def score(trader: Position) -> float:
        entry_value = trader.notional(trader.entry_price)
        at_entry = formulas.initial_margin(entry_value, trader.leverage)
        alone = trader if trader.margin is not None else replace(trader, margin=at_entry)
        return trader.pnl(price) / entry_value * alone.risk(price).effective_leverage

    winners = [
        trader
        for trader in traders
        if trader.contract.market == position.contract.market
        and trader.contract.inverse == position.contract.inverse
        and trader.quantity * position.quantity < 0
        and trader.pnl(price) > 0
    ]
    return sorted(winners, key=score, reverse=True)


# How it is done


@dataclass(frozen=True, slots=True)
class _Rules:
    """How a venue takes a pocket apart; as for `liquidate`."""

    fee_rate: float | None
    steps: tuple[Step, ...]
    lot: float
    backstop: float

    @classmethod
    def of(
        cls, fee_rate: float | None, closes: Step | Sequence[Step], lot: float, backstop: float
    ) -> "_Rules":
        if isinstance(closes, str | float | int):
            closes = [closes]
        steps = list(of_type("closes", closes, Sequence))
        for step in steps:
            if not isinstance(step, str):
                if one_number("closes", step, above=0) > 1:
                    raise MarginError("closes", "must be at most 1", step)
            elif step not in CLOSES:
                rule = f"must be a share or one of {', '.join(CLOSES)}"
                raise MarginError("closes", rule, repr(step))
        if fee_rate is not None:
            fee_rate = one_number("fee rate", fee_rate, at_least=0)
        lot, backstop = (
            one_number(name, value, at_least=0)
            for name, value in (("lot", lot), ("backstop", backstop))
        )
        return cls(
            fee_rate, tuple(takewhile(lambda step: step != "everything", steps)), lot, backstop
        )


def _taken(
    account: Account, marks: dict[str, float], names: Sequence[str | None], rules: _Rules
) -> tuple[Account, tuple[Event, ...]]:
    """The account after pockets are taken apart: each for itself, then put together once."""
    left: dict[str, Position | None] = {}
    balance, coins, events = account.balance, account.collateral, []
    for name in names:
        pocket = _Pocket(account, name, marks)
        event = pocket.taken(rules)
        events.append(event)
        balance += event.received("balance")
        coins = coins if name else tuple(pocket.coins.values())
        left |= {p.symbol: pocket.open.get(p.symbol) for p in pocket.held}
    positions = [left.get(p.symbol, p) for p in account.positions]
    kept = tuple(p for p in positions if p is not None)
    return Account(balance=balance, positions=kept, collateral=coins), tuple(events)


class _Pocket:
    """Positions and coins that share a sum of money, while they are closed one after another.

    An isolated position is a pocket of one, and its margin is the money. What a party receives
    stands in the ledger; `home` is the party whose money this is.
    """

    def __init__(self, account: Account, name: str | None, marks: dict[str, float]) -> None:
        self.name, self.marks = name, marks
        self.held = account.cross if name is None else (account[name],)
        self.open = {position.symbol: position for position in self.held}
        coins = account.collateral if name is None else ()
        self.coins = {each.coin: each for each in coins}
        self.start = self.money = account.balance if name is None else account[name].own_margin
        self.home = "balance" if name is None else margin_party(name)
        self.ledger: dict[str, float] = {"market": 0, "insurance fund": 0}
        self.now = self.risk()

    def risk(self, currency: str = "", cash: float = 0, *changed: Position) -> Risk:
        """How it stands; also with cash in one of its currencies, and with other sizes."""
        money, coins = self._with_cash(currency, cash)
        held = (self.open | {position.symbol: position for position in changed}).values()
        return pooled_risk(money, (*held, *coins.values()), self.marks)

    def _with_cash(self, currency: str, cash: float) -> tuple[float, dict[str, Collateral]]:
        """Money and coins once cash has come in, in coins where they are held."""
        coin = self.coins.get(currency)
        if coin is None:
            return self.money + cash, self.coins
        return self.money, {**self.coins, currency: replace(coin, amount=coin.amount + cash)}

    def taken(self, rules: _Rules) -> Event:
        """Take steps until it lives."""
        closed: list[str] = []
        if rules.backstop and self.now.equity < rules.backstop * self.now.maintenance_margin:
            rules = replace(rules, fee_rate=None, steps=())
        closings = self._closings(rules)
        while True:
            symbols, part = next(closings)
            before, fund = [self.open[s] for s in symbols], self.ledger["insurance fund"]
            self._close(symbols, part, rules.fee_rate)
            closed += symbols
            after = [self.open[s] for s in symbols if s in self.open]
            fee = self.ledger["insurance fund"] - fund
            self.now = self._surely_due(before, after, fee) or self.risk()
            if not self.open or not self.now.is_liquidatable:
                break
        if self.open:
            moved = {self.home: self.money - self.start}
            if self.name is not None:
                self.open[self.name] = replace(self.open[self.name], margin=self.money)
        else:
            moved = {"balance": self.money}
            moved[self.home] = moved.get(self.home, 0) - self.start
        return Event.of("liquidated", dict.fromkeys(closed), moved, self.ledger)

    def _surely_due(
        self, before: Sequence[Position], after: Sequence[Position], fee: float
    ) -> Risk | None:
        """The risk once positions were closed, in part or whole, and a fee was paid; else None.

        Where shares of the risk add up, theirs is taken out: adding all the others up again, each
        time, would cost the square of their number. Only what is surely due is judged by that.
        """
        if self.coins or not all(p.contract.conventions.adds_up for p in before):
            return None
        old, new = (pooled_risk(0, held, self.marks) for held in (before, after))
        value = self.now.notional - old.notional + new.notional
        asked = self.now.maintenance_margin - old.maintenance_margin + new.maintenance_margin
        guess = replace(
            self.now, equity=self.now.equity - fee, notional=value, maintenance_margin=asked
        )
        return guess if guess.cushion < -1e-6 * value < 0 else None

    def _closings(self, rules: _Rules) -> Iterator[tuple[list[str], float | None]]:
        """What is closed next: symbols, and how much of the one symbol; None for all of each."""
        order = sorted(self.held, key=lambda p: p.pnl(p.mark(self.marks)) * self._worth_of(p))
        for step in rules.steps:
            for position in order:
                if position.symbol in self.open:
                    for part in self.parts(position.symbol, step, rules):
                        yield [position.symbol], part
        yield list(self.open), None

    def parts(self, symbol: str, step: Step, rules: _Rules) -> Iterator[float]:
        """The parts of a position that a step closes, one after another."""
        whole = self.open[symbol].quantity
        if step == "worst first":
            yield whole
        elif step == "what is needed":
            yield self._needed(symbol, rules)
        elif step == "next tier":
            tiers = self.open[symbol].contract.maintenance
            for tier in reversed(tiers[1:]):
                share = tier.floor / self._required_of(symbol) if symbol in self.open else 2
                if share <= 1:
                    yield _in_lots(self.open[symbol].quantity, 1 - share, rules.lot, beyond=True)
        elif not isinstance(step, str):
            yield _in_lots(whole, step, rules.lot)

    def _required_of(self, symbol: str) -> float:
        """The notional that a position's row of the table is chosen by."""
        position = self.open[symbol]
        frozen = position.contract.conventions.maintenance_at == "entry"
        return position.notional(position.entry_price if frozen else position.mark(self.marks))

    def _worth_of(self, position: Position) -> float:
        """What a unit of the currency that a position settles in is worth in the balance's."""
        coin = self.coins.get(position.contract.settle)
        return coin.mark(self.marks) if coin else 1

    def _close(self, symbols: list[str], part: float | None, fee_rate: float | None) -> None:
        """Close a part of one position, or several whole: money moves, and the ledger says how."""
        closed = [self.open[s] for s in symbols]
        closed = closed if part is None else [replace(closed[0], quantity=part)]
        asked = sum(p.notional(p.mark(self.marks)) * self._worth_of(p) for p in closed)
        rate, most = fee_rate or 0, max(self.now.equity, 0)
        if rate * asked > most:
            rate = most / asked  # no more than there is
        for p in closed:
            rest = self.open[p.symbol].quantity - p.quantity
            if rest:
                self.open[p.symbol] = replace(self.open[p.symbol], quantity=rest)
            else:
                del self.open[p.symbol]
        for p in closed:
            fee = rate * p.notional(p.mark(self.marks)) if self.open else 0
            self._receive(p.contract.settle, p.pnl(p.mark(self.marks)), fee)
        if self.open:
            return
        for coin in self.coins.values():  # nothing is open any more: the coins are sold, too
            self.money += coin.worth(coin.mark(self.marks))
            self.ledger["market"] -= coin.worth(coin.mark(self.marks))
            self._receive(coin.coin, -coin.amount, 0)
        stays = formulas.returned(self.money, self.now.notional, fee_rate)
        self.ledger["insurance fund"] += self.money - stays
        self.money = stays

    def _receive(self, currency: str, gain: float, fee: float) -> None:
        """A profit from the market and a fee for the fund, in one of the pocket's currencies."""
        self.ledger["market"] -= gain
        self.ledger["insurance fund"] += fee
        self.money, self.coins = self._with_cash(currency, gain - fee)
        if currency in self.coins:
            party = coin_party(currency)
            self.ledger[party] = self.ledger.get(party, 0) + gain - fee

    def _needed(self, symbol: str, rules: _Rules) -> float:
        """The least part that makes it live again; all of the position where none does.

        Piece by piece, what equity exceeds the requirement by is a straight line in the part that
        is closed. So the least number of lots is the first one past a line's zero or past the edge
        of a piece; its neighbours make up for equality and for what floats lose.
        """
        position, equity = self.open[symbol], self.now.equity
        size, fee_rate = abs(position.quantity), rules.fee_rate or 0
        lot, price = rules.lot or size * FINEST, position.mark(self.marks)

        def after(quantity: float) -> Risk:
            """The pocket once a part is closed."""
            part = replace(position, quantity=quantity)
            rest = replace(position, quantity=position.quantity - quantity)
            fee = min(fee_rate * part.notional(price), max(equity, 0) / self._worth_of(position))
            guess = self._surely_due([position], [rest], fee)
            cash = part.pnl(price) - fee
            return guess or self.risk(position.contract.settle, cash, rest)

        def pieces(low: float, high: float) -> Iterator[tuple[float, float, float, float]]:
            """(low, high, and the line's values there) of each piece, in order."""
            middle = (low + high) / 2
            shares = (low + middle) / 2, middle, (middle + high) / 2
            left, mean, right = (after(position.quantity * share).cushion for share in shares)
            near, far = left + left - mean, right + right - mean
            bend = abs(left + right - mean - mean)
            best = max(near, far, mean) + 2 * bend  # more than that, no bend makes of it
            if bend > FINEST * position.notional(price) and best > 0 and high - low > FINEST:
                yield from pieces(low, middle)
                yield from pieces(middle, high)
            else:
                yield low, high, near, far

        floors = (1 - t.floor / self._required_of(symbol) for t in position.contract.maintenance)
        kinks = sorted({0, *(share for share in floors if share > 0)})  # The first floor is 0.
        most = size - lot * (1 - ROUNDING)
        for low, high, near, far in (piece for ends in pairwise(kinks) for piece in pieces(*ends)):
            if max(near, far) < -FINEST * position.notional(price):
                continue
            shares = {low} if near == far else {low, low + near / (near - far) * (high - low)}
            firsts = {math.ceil(share * size / lot) for share in shares if low <= share <= high}
            for count in sorted({first + step for first in firsts for step in (-1, 0, 1)}):
                part = count * lot if position.quantity > 0 else -count * lot
                if 0 < count * lot <= most and not after(part).is_liquidatable:
                    return part
        return position.quantity


def _in_lots(quantity: float, share: float, lot: float, beyond: bool = False) -> float:
    """A share of a quantity in whole lots, rounded up, or more than it; never more than all."""
    lot = lot or abs(quantity) * FINEST
    count = share * abs(quantity) / lot
    count = round(count, 9)  # 0.3 of 10 is a little more than 3 in floats
    count = math.floor(count) + 1 if beyond else math.ceil(count)
    part = min(count * lot, abs(quantity))
    return part if quantity > 0 else -part


def _deleverage(
    position: Position, price: float, owed: float, missing: float, traders: Iterable[Position]
) -> tuple[list[Deleveraged], float]:
    """The winners that pay for what is missing of a deficit, and what is missing after them."""
    winners, units = [], abs(position.units)
    gap = owed / units  # from the mark to the bankruptcy price (inverse: reciprocal prices)
    for trader in deleveraging_queue(position, price, traders):
        if missing <= 0 or units <= 0:
            break
        held = abs(trader.units)
        per_unit = min(gap, trader.pnl(price) / held)
        closed = min(units, held)
        paid = per_unit * closed
        if paid > missing * (1 - ROUNDING):
            paid, closed = missing, min(closed, missing / per_unit)
        share = closed / held
        at = formulas.bankruptcy_price(price, trader.units * share, paid, trader.contract.inverse)
        winners.append(Deleveraged(trader, trader.quantity * share, at, paid))
        missing, units = missing - paid, units - closed
    return winners, missing
