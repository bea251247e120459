"""What happens after the trigger: positions are closed, and a ledger says who paid whom.

`liquidate` closes a pocket, or the part of it that a venue's rules ask for. It treats the insurance
fund as bottomless; `settle` says who pays once the fund has an end: the fund, then the winners of
the other side (auto-deleveraging), and what nobody pays is named.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from margin_lib import formulas
from margin_lib.account import ROUNDING, Account, Done, Event, Position, checked_marks, margin_party
from margin_lib.errors import MarginError, one_number
from margin_lib.types import Marks

CLOSES = ("everything", "worst first", "what is needed")
FINEST = Fraction(1, 10**9)  # of a position: the lot where any size can be traded


def liquidate(
    account: Account,
    marks: Marks,
    symbol: str | None = None,
    fee_rate: float | None = None,
    closes: str = "everything",
    lot: float = 0,
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
    closes : str               "everything" at once; cross positions one by one, the largest loss
                               first ("worst first"), until the pocket is alive; in the same order,
                               but of each only the part that is needed ("what is needed")
    lot : float                for "what is needed", as for `part_to_close` [contract]

    Returns
    -------
    (Account, Event)           the event names the positions that were closed or made smaller

    Raises
    ------
    MarginError                nothing to liquidate, or equity still above maintenance; an unknown
                               word, a fee rate or lot below 0

    Equation:  returned = equity − min(equity, fee rate · notional), and 0 if equity < 0

    Source: Bybit, "Liquidation process (isolated margin)": settled at the bankruptcy price;
    BingX, "Liquidation of cross margin": the position with the largest loss first.

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.5, leverage=25)
    >>> after, event = liquidate(account, {"ETH": 0.25}, "ETH")
    >>> after.balance, event.transfers
    (3.0, {'margin ETH': -2.0, 'market': 25.0, 'insurance fund': -23.0})
    """
    marks = checked_marks(marks)
    if closes not in CLOSES:
        raise MarginError("closes", f"must be one of {', '.join(CLOSES)}", repr(closes))
    risk = account.risk(marks, symbol)
    if not risk.is_liquidatable:
        rule = f"must have fallen to the maintenance margin {risk.maintenance_margin:g}"
        raise MarginError(f"equity behind {symbol or 'cross'}", rule, risk.equity)
    if closes == "everything":
        return close_all(account, marks, symbol, fee_rate)
    closed: list[str] = []
    ledgers = []
    for position in sorted(_carried(account, symbol), key=lambda p: p.pnl(p.mark(marks))):
        if closed and not account.risk(marks).is_liquidatable:
            break
        name, part = position.symbol, position.quantity
        if closes == "what is needed":
            part = part_to_close(account, marks, name, fee_rate, lot)
        account, ledger = _close(account, marks, {name: part}, fee_rate)
        closed.append(name)
        ledgers.append(ledger)
    return account, Event.of("liquidated", closed, *ledgers)


def close_all(
    account: Account, marks: Marks, symbol: str | None = None, fee_rate: float | None = None
) -> Done:
    """Close the pocket that carries `symbol` at given marks, without asking whether it is due.

    For who knows that it was due on the way to these marks.

    Parameters
    ----------
    account, marks, symbol, fee_rate : as for `liquidate`

    Returns, errors and equation as for `liquidate`.

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH")
    >>> account, _ = Account(balance=5).open(eth, quantity=8, price=1, leverage=4)
    >>> close_all(account, {"ETH": 0.875}, "ETH", fee_rate=0)[0].balance
    4.0
    """
    parts = {position.symbol: position.quantity for position in _carried(account, symbol)}
    account, ledger = _close(account, checked_marks(marks), parts, fee_rate)
    return account, Event.of("liquidated", parts, ledger)


def part_to_close(
    account: Account, marks: Marks, symbol: str, fee_rate: float | None = None, lot: float = 0
) -> float:
    """Least part of a position whose closing, at its mark, makes its pocket alive again.

    Closing at the mark leaves equity as it is, less the fee; only the requirement falls. So there
    is one closed form for each row of the maintenance table, and the best row is taken. Where the
    fee is above the rate, closing more can make it worse; that too is found.

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

    Equation, solved for the share x that stays open, row by row:

        equity − fee rate · (1 − x) · N = rate · x · N − amount + maintenance of the others

    Source: the definition of maintenance margin; without a fee, N · x = equity / rate.

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.25)
    >>> account, _ = Account(balance=16).open(eth, quantity=32, price=1, leverage=2)
    >>> part_to_close(account, {"ETH": 0.625}, "ETH", lot=1)   # 4 left; 0.25 · 0.625 · 25 < 4
    7.0
    """
    position, marks = account[symbol], checked_marks(marks)
    lot = one_number("lot", lot, at_least=0) or abs(position.quantity) * FINEST
    if not account.risk(marks, symbol).is_liquidatable:
        return 0 * position.quantity
    for count in _lots(account, marks, position, _rate(fee_rate), lot):
        part = count * lot if position.quantity > 0 else -count * lot
        after, _ = _close(account, marks, {symbol: part}, fee_rate)
        if not after.risk(marks, symbol).is_liquidatable:
            return part
    return position.quantity


def mark_to_market(
    account: Account,
    marks: Marks,
    fee_rate: float | None = None,
    closes: str = "everything",
    lot: float = 0,
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
    marks = checked_marks(marks)
    # The shared balance goes first: what an isolated pocket returns must not change its fate.
    due = [symbol for symbol, *_ in account.pockets if account.risk(marks, symbol).is_liquidatable]
    events = []
    for symbol in due:
        account, event = liquidate(account, marks, symbol, fee_rate, closes, lot)
        events.append(event)
    return account, tuple(events)


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


def _carried(account: Account, symbol: str | None) -> tuple[Position, ...]:
    """The positions of the pocket that carries a symbol."""
    if symbol is None or account[symbol].margin is None:
        return account.cross
    return (account[symbol],)


def _rate(fee_rate: float | None) -> float:
    """The fee rate of a pocket that stays open: None is nothing there."""
    return 0 if fee_rate is None else one_number("fee rate", fee_rate, at_least=0)


def _close(
    account: Account, marks: Marks, parts: Mapping[str, float], fee_rate: float | None
) -> tuple[Account, dict[str, float]]:
    """The account after parts (symbol -> quantity) of one pocket are closed, and the ledger."""
    symbol = next(iter(parts))
    carried, risk = _carried(account, symbol), account.risk(marks, symbol)
    own, rate = carried[0].margin, _rate(fee_rate)
    pot, collateral = ("balance", account.balance) if own is None else (margin_party(symbol), own)
    closed = [replace(account[name], quantity=part) for name, part in parts.items()]
    gain = sum(part.pnl(part.mark(marks)) for part in closed)
    if all(parts.get(position.symbol) == position.quantity for position in carried):
        home, stays = "balance", formulas.returned(risk.equity, risk.notional, fee_rate)
    else:
        fee = rate * sum(part.notional(part.mark(marks)) for part in closed)
        home, stays = pot, collateral + gain - min(fee, max(risk.equity, 0))
    ledger = {pot: -collateral, "market": -gain, "insurance fund": collateral + gain - stays}
    ledger[home] = ledger.get(home, 0) + stays
    positions = []
    for position in account.positions:
        rest = position.quantity - parts.get(position.symbol, 0)
        if rest == position.quantity:
            positions.append(position)
        elif rest:
            margin = None if own is None else stays
            positions.append(replace(position, quantity=rest, margin=margin))
    balance = 0 if own is None else account.balance
    if home == "balance":
        balance += stays
    return Account(balance=balance, positions=positions), ledger


def _lots(
    account: Account, marks: Marks, position: Position, fee_rate: float, lot: float
) -> list[int]:
    """How many lots may be the least that is enough, fewest first.

    What equity exceeds the requirement by is a straight line within a row of the table. So the
    least number is the first one past a line's zero or past a floor; its neighbours make up for
    equality and for what floats lose.
    """
    contract, price = position.contract, position.mark(marks)
    risk, size = account.risk(marks, position.symbol), abs(position.quantity)
    spare = risk.equity - (risk.maintenance_margin - position.maintenance_margin(price))
    frozen = contract.conventions.maintenance_at == "entry"
    required_of = position.notional(position.entry_price if frozen else price)
    fee = fee_rate * position.notional(price)
    shares = []
    for tier in contract.maintenance:
        shares.append(tier.floor / required_of)
        slope = (tier.rate + contract.counted_fee) * required_of - fee
        if slope:
            shares.append((spare + tier.amount - fee) / slope)
    firsts = {math.ceil((1 - min(max(share, 0), 1)) * size / lot) for share in shares}
    counts = {first + step for first in firsts for step in (-1, 0, 1)}
    most = size - lot * (1 - ROUNDING)
    return sorted(count for count in counts if count > 0 and count * lot <= most)


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
