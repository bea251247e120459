"""What happens after the trigger: positions are closed, and a ledger says who paid whom."""

from margin_lib.account import Account, Event, mark, moment, pocket
from margin_lib.errors import MarginError, one_number


def liquidate(account, marks, symbol=None, fee_rate=None):
    """Close the pocket that carries `symbol`: an isolated position, or everything that is cross.

    The positions are closed at their marks. What equity is left pays the liquidation fee into the
    insurance fund, and the rest returns to the balance. Equity below zero is paid by the fund.

    Parameters
    ----------
    account : Account
    marks : Mapping            symbol -> price at which the positions are closed
    symbol : str or None       an isolated position; a cross one, or None, for all cross positions
    fee_rate : float or None   share of notional for the insurance fund; None for a venue that
                               keeps all that is left, as if it closed at the bankruptcy price [1]

    Returns
    -------
    (Account, Event)

    Raises
    ------
    MarginError                nothing to liquidate, or equity still above maintenance

    Equation:  returned = equity − min(equity, fee rate · notional), and 0 if equity < 0

    Source: Bybit, "Liquidation process (isolated margin)": settled at the bankruptcy price.

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.5, leverage=25)
    >>> after, event = liquidate(account, {"ETH": 0.25}, "ETH")
    >>> after.balance, event.transfers
    (3.0, {'margin ETH': -2.0, 'market': 25.0, 'insurance fund': -23.0})
    """
    marks = moment(marks)
    isolated = symbol is not None and account[symbol].margin is not None
    closed = (account[symbol],) if isolated else account.cross
    risk = account.risk(marks, symbol)
    if not risk.is_liquidatable:
        rule = f"must have fallen to the maintenance margin {risk.maintenance_margin:g}"
        raise MarginError(f"equity behind {symbol or 'cross'}", rule, risk.equity)
    left = max(risk.equity, 0.0)
    fee = (
        left
        if fee_rate is None
        else min(left, one_number("fee rate", fee_rate, at_least=0) * risk.notional)
    )
    returned = left - fee
    gain = sum(position.pnl(mark(marks, position.symbol)) for position in closed)
    pot = pocket(symbol) if isolated else "balance"
    collateral = closed[0].margin if isolated else account.balance
    event = Event.of(
        "liquidated",
        (position.symbol for position in closed),
        {pot: -collateral, "market": -gain, "insurance fund": collateral + gain - returned},
        {"balance": returned},
    )
    kept = tuple(position for position in account.positions if position not in closed)
    balance = account.balance + returned if isolated else returned
    return Account(balance=balance, positions=kept), event


def mark_to_market(account, marks, fee_rate=None):
    """Look at every pocket at new marks and liquidate those that are due.

    Which ones are due is decided before any is closed: money that one liquidation returns to the
    balance comes too late to save another pocket.

    Parameters, errors as for `liquidate`.

    Returns
    -------
    (Account, tuple of Event)  one event a liquidated pocket; none when all live

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.1, leverage=5)
    >>> mark_to_market(account, {"ETH": 0.09})[1]
    ()
    >>> mark_to_market(account, {"ETH": 0.08})[0]
    Account(balance=3.0, positions=())
    """
    marks = moment(marks)
    # The shared balance goes first: what an isolated pocket returns must not change its fate.
    pockets = [None] + [position.symbol for position in account.isolated]
    due = [symbol for symbol in pockets if account.risk(marks, symbol).is_liquidatable]
    events = []
    for symbol in due:
        account, event = liquidate(account, marks, symbol, fee_rate)
        events.append(event)
    return account, tuple(events)
