"""Why an exchange prints another liquidation price than its rules give: tried, not supposed.

Each known reason is a change of the account. It is one if with it, and no free number, the library
gives the price that is printed.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from margin_lib.account import Account, Position
from margin_lib.contracts import Tiers
from margin_lib.exchanges import PRINTED_MARGIN, PRINTED_PRICE, TABLE, Statement
from margin_lib.venues import names, venue

EXACT = 1e-6  # what figures of eight digits leave open
ROUNDED = 2e-4  # what figures of four or five digits leave open
NEAR, FAR = 5e-6, 5e-5  # of a rate: what digits of printed figures leave open, and too much


class Difference(NamedTuple):
    """A printed liquidation price beside that of the venue's rules.

    Parameters
    ----------
    symbol : str
    printed, ours : float      NaN for never [quote per coin]
    why : str                  in words
    explained : bool           by something that was tried; False: nothing known gives that price

    >>> Difference("ETH", 1808.0, 1808.0, "the same", True).explained
    True
    """

    symbol: str
    printed: float
    ours: float
    why: str
    explained: bool


def difference(statement: Statement, symbol: str) -> Difference:
    """The printed price of a position, ours, and what lies between them.

    Parameters
    ----------
    statement : Statement
    symbol : str               one of its positions

    Returns
    -------
    Difference

    Raises
    ------
    MarginError                an unknown symbol

    >>> from margin_lib.exchanges import binance
    >>> row = {"symbol": "ETHUSDT", "positionAmt": "2", "entryPrice": "2000", "markPrice": "2000",
    ...        "leverage": "10", "marginType": "isolated", "isolatedWallet": "400",
    ...        "liquidationPrice": "1818.1818"}
    >>> difference(binance([row])[0], "ETHUSDT").why
    'its tier asks 1 % where our table of 2026-09-29 asks 0.4 %: it is of another day'
    """
    printed = statement.printed[symbol] if symbol in statement.account else math.nan
    ours = _price(statement.account, statement, symbol)
    if statement.basis.get(symbol) == PRINTED_PRICE:
        rate = statement.account[symbol].contract.maintenance_rate
        told = (
            f"at the price that it prints it asks {_percent(rate)}; we have no table of this coin"
        )
        return Difference(symbol, printed, ours, told, True)
    if math.isnan(printed):
        return Difference(symbol, printed, ours, *_unprinted(statement, symbol, ours))
    found = _same(printed, ours)
    if found is not None:
        own = ", with the maintenance margin that it prints"
        words = found + (own if statement.basis.get(symbol) == PRINTED_MARGIN else "")
        return Difference(symbol, printed, ours, words, True)
    tries = sorted(_tries(statement, symbol, printed), key=lambda each: (len(each[0]), each[1]))
    for exact in (True, False):
        for words, _, account in tries:
            near = _same(printed, _price(account, statement, symbol), exact)
            if near is not None:
                told = " and ".join(words), near.removeprefix("the same").strip(", ")
                return Difference(symbol, printed, ours, "; ".join(filter(None, told)), True)
    return Difference(symbol, printed, ours, _missing(statement, symbol, printed), False)


def _price(account: Account, statement: Statement, symbol: str) -> float:
    return float(account.liquidation_price(symbol, statement.marks))


def _percent(rate: float) -> str:
    return f"{100 * rate:.4g} %"


def _same(printed: float, price: float, exact: bool = True) -> str | None:
    """In which way a price is the printed one, or None."""
    if not math.isfinite(price):
        return None
    far, tick = abs(price - printed), _tick(printed)
    if far <= EXACT * printed:
        return "the same"
    if far <= tick and far <= 10 * ROUNDED * printed:
        return "the same, printed to a whole tick"
    if not exact and far <= ROUNDED * printed:
        return "within what the digits of the printed figures leave open"
    return None


def _tick(printed: float) -> float:
    """One unit of the last digit that is printed."""
    _, _, behind = repr(printed).partition(".")
    return 10.0 ** -len(behind if behind != "0" else "")


def _unprinted(statement: Statement, symbol: str, ours: float) -> tuple[str, bool]:
    position = statement.account[symbol]
    mark = statement.marks[position.contract.market]
    if math.isnan(ours):
        return "never, in both: no price of this coin alone closes it", True
    if position.quantity * (ours - mark) > 0:
        return "it prints none: this leg gains there, the other one loses", True
    return "it prints none; by its rules there is one", False


def _tries(
    statement: Statement, symbol: str, printed: float
) -> Iterator[tuple[list[str], bool, Account]]:
    """Accounts changed by known reasons: what was changed, whether a rate was fitted, itself."""
    position = statement.account[symbol]
    rules = position.contract.conventions
    fees = [rules.closing_fee, not rules.closing_fee]
    others = (at for at in ("mark", "entry", "today") if at != rules.maintenance_at)
    times = [rules.maintenance_at, *others]
    margins: list[tuple[list[str], float | None]] = [([], position.margin)]
    if position.margin is not None:
        mark = statement.marks[position.contract.market]
        gain = float(position.pnl(mark))
        end = position.entry_price * (1 - math.copysign(1 / position.leverage, position.quantity))
        fee = float(position.notional(end)) * position.contract.taker_fee if end > 0 else 0.0
        margins += [
            (["the margin that it prints holds the open profit"], position.margin - gain),
            (["the margin that it prints leaves out the open profit"], position.margin + gain),
            (["the margin that it prints holds the fee of closing"], position.margin - fee),
        ]
    for fee_counts, at, (margin_words, margin) in product(fees, times, margins):
        words = list(margin_words)
        if fee_counts != rules.closing_fee:
            words.append(f"it {'counts' if fee_counts else 'leaves out'} the fee of closing")
        if at != rules.maintenance_at:
            when = {"mark": "with the price", "entry": "frozen at entry", "today": "frozen today"}
            words.append(f"its maintenance margin is {when[at]}")
        changed = replace(rules, closing_fee=fee_counts, maintenance_at=at)
        contract = replace(position.contract, conventions=changed)
        held = replace(position, contract=contract, margin=margin)
        yield words, False, _with(statement.account, held)
        for other, tiers in [] if words else _tiers_behind(statement, held, printed):
            held = replace(held, contract=replace(contract, maintenance=tiers))
            yield [other], True, _with(statement.account, held)


def _with(account: Account, held: Position) -> Account:
    positions = [held if p.symbol == held.symbol else p for p in account.positions]
    return replace(account, positions=positions)


def _spare(statement: Statement, held: Position, printed: float) -> float:
    """Equity of the pocket at the printed price, beyond what its other positions ask for."""
    marks = {**statement.marks, held.contract.market: printed}
    account = _with(statement.account, held)
    risk = account.risk(marks, held.symbol)
    return float(risk.cushion) + float(held.maintenance_margin(printed))


def _tiers_behind(
    statement: Statement, held: Position, printed: float
) -> Iterator[tuple[str, Tiers]]:
    """The row of another table with which the printed price is right, if tables have its rate.

    Equations:  rate · N(there) − amount = equity there;  at the mark, what the exchange prints
    """
    rules, mark = held.contract.conventions, statement.marks[held.contract.market]
    now, fee = float(held.notional(mark)), held.contract.counted_fee
    at = {"mark": printed, "entry": held.entry_price}.get(rules.maintenance_at, mark)
    there = float(held.notional(at))
    asked = _spare(statement, held, printed) - fee * there
    basis, told = statement.basis[held.symbol], held.contract.maintenance
    if basis == PRINTED_MARGIN:
        printed_margin = told[0].rate * now
        rate = (printed_margin - asked) / (now - there) if abs(now - there) > 1e-6 * now else 0.0
        near = min(_rates(), key=lambda each: abs(each - rate))
        amount = near * now - printed_margin
        if abs(rate - near) < _slack(printed, mark - printed) and amount > 0:
            words = f"its tier asks {_percent(near)} less {amount:,.2f} {statement.currency}"
            yield words, Tiers([(0, near, amount)])
    elif basis.startswith(TABLE):
        rate = asked / there
        near = min(_rates(), key=lambda each: abs(each - rate))
        if abs(rate - near) < _slack(printed, printed):
            ours, day = told.at(there).rate, basis.removeprefix(TABLE)
            words = f"its tier asks {_percent(near)} where our table of {day} asks "
            yield words + f"{_percent(ours)}: it is of another day", Tiers.flat(near)


@cache
def _rates() -> tuple[float, ...]:
    """All rates above 0 that stand in a maintenance table of some venue."""
    tables = [table for name in names() for table in venue(name).tables]
    return tuple(sorted({tier.rate for table in tables for tier in table.tiers if tier.rate}))


def _slack(printed: float, way: float) -> float:
    """How far from a known rate a rate may be that was found over a way of prices."""
    return min(NEAR + _tick(printed) / abs(way), FAR)


def _missing(statement: Statement, symbol: str, printed: float) -> str:
    position = statement.account[symbol]
    asked: Any = position.maintenance_margin(printed)
    more = asked - _spare(statement, position, printed)
    money = f"{abs(more):,.2f} {statement.currency} {'more' if more > 0 else 'less'}"
    if position.margin is None:
        return (
            f"unexplained: it would be right with {money} in the shared balance, so with other "
            "positions, orders or coins than this answer shows"
        )
    return f"unexplained: it would be right with {money} of margin"
