"""An account over a path of prices, event by event."""

from dataclasses import dataclass

import numpy as np

from margin_lib.account import Account, Event
from margin_lib.errors import MarginError
from margin_lib.liquidation import mark_to_market


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of an account: one account and one tuple of events for every step of the path.

    Parameters
    ----------
    start : Account            before the first step
    path : tuple of Mapping    the marks, step by step
    accounts : tuple of Account    after each step
    events : tuple of tuple of Event   what happened at each step

    >>> five = Account(balance=5)
    >>> Replay(start=five, path=({"ETH": 0.1},), accounts=(five,), events=((),)).equity
    array([5.])
    """

    start: Account
    path: tuple
    accounts: tuple[Account, ...]
    events: tuple[tuple[Event, ...], ...]

    @property
    def equity(self):
        """Equity of the whole account after each step, shape (steps,) [quote]."""
        pairs = zip(self.accounts, self.path, strict=True)
        return np.array([account.equity(marks) for account, marks in pairs], dtype=float)

    @property
    def end(self):
        """The account after the last step."""
        return self.accounts[-1]

    @property
    def marks(self):
        """The marks of the last step."""
        return self.path[-1]

    @property
    def liquidations(self):
        """(step, event) for each liquidated pocket, in order."""
        return [(step, event) for step, events in enumerate(self.events) for event in events]

    @property
    def dead(self):
        """Symbols of the positions that were liquidated, in order."""
        return [symbol for _, event in self.liquidations for symbol in event.symbols]


def replay(account, path, fee_rate=None):
    """Mark an account to market at each step of a path.

    Parameters
    ----------
    account : Account
    path : iterable of Mapping symbol -> mark price, at least one step
    fee_rate : float or None   liquidation fee, as for `liquidation.liquidate` [1]

    Returns
    -------
    Replay

    Raises
    ------
    MarginError                an empty path, a mark missing or not a positive number

    Equation:  account(t + 1) = mark_to_market(account(t), marks(t + 1))

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.1, leverage=5)
    >>> replay(account, [{"ETH": 0.1}, {"ETH": 0.07}, {"ETH": 0.2}]).equity
    array([5., 3., 3.])
    """
    path = tuple(path)
    if not path:
        raise MarginError("path", "must have at least one step", path)
    start, accounts, log = account, [], []
    for marks in path:
        account, events = mark_to_market(account, marks, fee_rate)
        accounts.append(account)
        log.append(events)
    return Replay(start, path, tuple(accounts), tuple(log))


def carry(account, rates, marks, payments, fee_rate=None):
    """Hold an account at unchanged marks through a number of funding payments.

    Parameters
    ----------
    account : Account
    rates : Mapping            symbol -> funding rate of one payment [1]
    marks : Mapping            symbol -> mark price
    payments : int             how many, at least 1
    fee_rate : float or None   liquidation fee, as for `liquidation.liquidate` [1]

    Returns
    -------
    list of Account            before the first payment and after each; it ends early with the
                               account that liquidation left, if paying liquidates a position

    Raises
    ------
    MarginError                a rate for a symbol that is not held, a mark missing

    Equation:  account(n + 1) = mark_to_market(pay_funding(account(n)))

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH")
    >>> account, _ = Account(balance=5).open(eth, quantity=8, price=1, leverage=4)
    >>> [a["ETH"].margin for a in carry(account, {"ETH": 0.0625}, {"ETH": 1}, payments=2)]
    [2.0, 1.5, 1.0]
    """
    accounts = [account]
    for _ in range(payments):
        account, _ = account.pay_funding(rates, marks)
        account, events = mark_to_market(account, marks, fee_rate)
        accounts.append(account)
        if events:
            break
    return accounts
