"""An account over a path of prices, event by event."""

from dataclasses import dataclass

import numpy as np

from margin_lib.account import Account, Event
from margin_lib.errors import MarginError, one_number
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

    def until(self, step):
        """The same walk, ended after a step (0 is the first)."""
        stop = step + 1
        return Replay(self.start, self.path[:stop], self.accounts[:stop], self.events[:stop])

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


def cloud(volatility, correlation, count=400):
    """Changes of two prices in many possible markets, the same ones at every call.

    Parameters
    ----------
    volatility : float         standard deviation of each logarithmic return, at least 0 [1]
    correlation : float        of the two logarithmic returns, -1 to 1 [1]
    count : int                number of markets

    Returns
    -------
    ndarray                    shape (2, count), simple returns above -1, mean 0 in the long run

    Raises
    ------
    MarginError                a value outside its range

    Equation:  return = exp(volatility · z − volatility²/2) − 1, z normal with the correlation

    >>> together = cloud(0.3, 1.0, count=3)
    >>> bool((together[0] == together[1]).all())
    True
    """
    volatility = one_number("volatility", volatility, at_least=0)
    correlation = one_number("correlation", correlation, at_least=-1)
    if correlation > 1:
        raise MarginError("correlation", "must be at most 1", correlation)
    first, own = np.random.default_rng(7).standard_normal((2, count))
    second = correlation * first + np.sqrt(1 - correlation**2) * own
    return np.expm1(volatility * np.array([first, second]) - volatility**2 / 2)


def deaths(account, marks):
    """Which positions one jump to each of many marks liquidates.

    Parameters
    ----------
    account : Account
    marks : Mapping            symbol -> array of marks, all of one shape

    Returns
    -------
    dict                       symbol -> array of bool

    >>> from margin_lib.contracts import Contract
    >>> eth = Contract(symbol="ETH", maintenance=0.02)
    >>> account, _ = Account(balance=5).open(eth, quantity=100, price=0.1, leverage=5)
    >>> deaths(account, {"ETH": [0.09, 0.08]})["ETH"].tolist()
    [False, True]
    """
    symbols = (position.symbol for position in account.positions)
    return {symbol: np.asarray(account.risk(marks, symbol).is_liquidatable) for symbol in symbols}
