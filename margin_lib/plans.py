"""Plans: what is done with an account while it is held, by its owner or by its venue.

A plan is any callable for `replay.replay` and `simulate.simulate`: it is called with the step, the
account and marks, and returns (Account, Event), as an operation of the account does, or None.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from margin_lib import formulas
from margin_lib.account import Account, Done, Event
from margin_lib.types import Marks


@dataclass(frozen=True, slots=True)
class TopUp:
    """Isolated positions that take margin from the balance by themselves, when they are due.

    Each time it is the initial margin at entry again, or what is left of the balance, until the
    position is as large as its margin (1x). So the loss of an "isolated" position ends where the
    balance does, or at 1x.

    Parameters
    ----------
    symbols : collection or None   of the positions that do; None for every isolated one

    Equation:  amount = min(initial margin at entry, value at entry − margin, what can be moved)

    Source: Bybit, "Auto-margin replenishment (USDT contracts)", 2023-12-04: the initial margin
    again, down to 1x; all of the balance where that is less.

    >>> from margin_lib.contracts import Contract
    >>> btc = Contract(symbol="BTC")
    >>> account, _ = Account(balance=12_000).open(btc, quantity=4, price=8_000, leverage=8)
    >>> after, event = TopUp()(0, account, {"BTC": 6_500})   # 4,000 of margin, 6,000 lost
    >>> after.balance, after["BTC"].margin
    (4000.0, 8000.0)
    """

    symbols: Collection[str] | None = None
    watches: ClassVar[bool] = True  # before each look, and not only once a step has closed

    def __call__(self, step: int, account: Account, marks: Marks) -> Done | None:
        """The account once each position lives at the marks, or has taken all that it may."""
        events: list[Event] = []
        for position in account.isolated:
            symbol = position.symbol
            if self.symbols is not None and symbol not in self.symbols:
                continue
            value = position.notional(position.entry_price)
            again = formulas.initial_margin(value, position.leverage)
            while account.risk(marks, symbol).is_liquidatable:
                room = value - account[symbol].own_margin
                amount = min(again, room, account.removable(marks))
                if amount <= 0:
                    break
                account, event = account.add_margin(symbol, amount, marks)
                events.append(event)
        if not events:
            return None
        symbols = dict.fromkeys(symbol for event in events for symbol in event.symbols)
        return account, Event.of("margin added", symbols, *(event.transfers for event in events))
