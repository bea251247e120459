"""Portfolio margin: the requirement is the worst loss of the whole book over a scan of moves.

Where each position asks for its own maintenance margin, a hedge pays twice. Here the shared balance
is asked one question: what is the most that it loses if prices move by so much? Hedges inside one
market cancel; between two markets they count as far as the venue lets them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from margin_lib.account import Account, Risk, checked_marks, mark
from margin_lib.errors import MarginError, as_scalar, one_number
from margin_lib.types import Marks, Number

NINE = tuple(step / 100 for step in range(-16, 17, 4))


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """The moves that a venue looks at, and what it lets cancel.

    Parameters
    ----------
    moves : sequence of float  of a price, above -1; each market alone, and all together [1]
    offset : float             share of a gain in one market that pays for a loss in another, 0 to 1
    contingency : float        asked on top, as a share of the notional that a position of the same
                               market covers, at least 0 [1]

    Raises
    ------
    MarginError                no moves, a value outside its range

    Source: Deribit, "Portfolio Margin" (a range such as ±16 % in nine steps, the worst counts),
    https://support.deribit.com/hc/en-us/articles/25944756247837, read 2026-11; the contingency for
    offsetting futures: https://www.deribit.com/pages/docs/portfoliomargin.

    >>> from margin_lib.account import Position
    >>> from margin_lib.contracts import Contract
    >>> def held(symbol, quantity):
    ...     contract = Contract(symbol=symbol)
    ...     return Position(contract=contract, quantity=quantity, entry_price=8, leverage=2)
    >>> pair = Account(balance=16, positions=[held("ETH", 100), held("BTC", -100)])
    >>> Scan(moves=[-0.25, 0, 0.25]).requirement(pair, {"ETH": 8, "BTC": 8})   # one moves alone
    200.0
    """

    moves: Sequence[float] = NINE
    offset: float = 1.0
    contingency: float = 0.0

    def __post_init__(self) -> None:
        moves = tuple(one_number("move", move, above=-1) for move in self.moves)
        if not moves:
            raise MarginError("moves", "must hold at least one", self.moves)
        object.__setattr__(self, "moves", moves)
        if one_number("offset", self.offset, at_least=0) > 1:
            raise MarginError("offset", "must be at most 1", self.offset)
        one_number("contingency", self.contingency, at_least=0)

    def requirement(self, account: Account, marks: Marks) -> Number:
        """What the shared balance must hold: the worst loss, and the contingency.

        Parameters
        ----------
        account : Account          its cross positions; isolated ones have margins of their own
        marks : Mapping            market -> price, numbers or arrays of one shape [quote per coin]

        Returns
        -------
        float or ndarray           [quote; inverse: coin]

        Raises
        ------
        MarginError                a mark missing or not a positive number

        Equation:  max over scenarios (one is that nothing moves) of Σ loss − offset · Σ gain,
        + contingency · covered notional

        >>> Scan().requirement(Account(balance=5), {})
        0.0
        """
        lines = self._lines(account)
        at = {market: _axis(account, market, mark(marks, market)) for market in lines[0]}
        needed = [sum((line[m] * at[m] for m in line), 0.0) for line in lines]
        return as_scalar(np.max(np.broadcast_arrays(*needed), axis=0))

    def risk(self, account: Account, marks: Marks) -> Risk:
        """Risk of the shared balance with this requirement in place of its positions' margins.

        Parameters and errors as for `requirement`.

        Returns
        -------
        Risk                       [quote; inverse: coin]

        >>> Scan().risk(Account(balance=5), {}).cushion
        5.0
        """
        needed = self.requirement(account, marks)
        return replace(account.risk(marks), initial_margin=needed, maintenance_margin=needed)

    def alive_between(self, account: Account, market: str, marks: Marks) -> tuple[Number, Number]:
        """The prices of a market between which the shared balance lives, the others held.

        With an array for another market's marks, the two arrays are the boundary between life and
        liquidation in the plane of the two prices.

        Parameters
        ----------
        account : Account
        market : str               followed by at least one cross position
        marks : Mapping            of the other markets, as for `requirement`

        Returns
        -------
        (float, float)             lower and upper price, or arrays: 0 and infinity for no bound;
                                   NaN where it lives at no price [quote per coin]

        Raises
        ------
        MarginError                no cross position follows the market; a mark missing

        Equation:  equity > requirement. Within a scenario both are straight lines in the price (in
        the reciprocal price for inverse contracts), so the tightest line on either side decides

        >>> from margin_lib.account import Position
        >>> from margin_lib.contracts import Contract
        >>> eth = Contract(symbol="ETH")
        >>> long = Position(contract=eth, quantity=4, entry_price=8, leverage=2)
        >>> account = Account(balance=16, positions=[long])   # 16 + 4 (P − 8) = 0.2 · 4 P
        >>> Scan(moves=[-0.2, 0.2]).alive_between(account, "ETH", {})
        (5.0, inf)
        """
        legs = [p for p in account.cross if p.contract.market == market]
        if not legs:
            raise MarginError("market", "must be one that a cross position follows", market)
        marks = {**marks, market: legs[0].entry_price}  # any price: its own part is taken out again
        lines, weights = self._lines(account), _weights(account)
        at = {m: _axis(account, m, mark(marks, m)) for m in weights}
        rest = account.risk(marks).equity - weights[market] * at[market]
        lower, upper = 0.0, np.inf
        for line in lines:
            spare = rest - sum(line[m] * at[m] for m in line if m != market)
            slope = weights[market] - line[market]
            if slope > 0:
                lower = np.maximum(lower, -spare / slope) + 0.0  # not −0
            else:
                reached = -spare / slope if slope else np.where(spare > 0, np.inf, -np.inf)
                upper = np.minimum(upper, reached)
        lives = lower < upper
        ends = [np.where(lives, end, np.nan) for end in (lower, upper)]
        if _inverse(account):
            with np.errstate(divide="ignore"):
                ends = [1 / end for end in reversed(ends)]
        return as_scalar(ends[0]), as_scalar(ends[1])

    def liquidation_range(self, account: Account, market: str, marks: Marks) -> tuple[float, float]:
        """The two prices of a market beyond which the shared balance is liquidated.

        Parameters and errors as for `alive_between`, with today's mark of the market itself, and
        numbers alone.

        Returns
        -------
        (float, float)             lower and upper price, NaN for "never"; both the mark itself
                                   where the balance is liquidated already [quote per coin]

        Equation as for `alive_between`.

        >>> from margin_lib.account import Position
        >>> from margin_lib.contracts import Contract
        >>> eth = Contract(symbol="ETH")
        >>> long = Position(contract=eth, quantity=4, entry_price=8, leverage=2)
        >>> account = Account(balance=16, positions=[long])
        >>> Scan(moves=[-0.2, 0.2]).liquidation_range(account, "ETH", {"ETH": 8})
        (5.0, nan)
        """
        marks = checked_marks(marks)
        lower, upper = self.alive_between(account, market, marks)
        now = mark(marks, market)
        if not lower < now < upper:
            return now, now
        return lower or np.nan, upper if upper < np.inf else np.nan

    def _lines(self, account: Account) -> list[dict[str, float]]:
        """What each scenario asks for, market -> per unit of its axis; the first: nothing moves."""
        weights, covered = _weights(account), _weights(account, covered=True)
        still = {market: self.contingency * share for market, share in covered.items()}
        lines = [still]
        for move in self.moves:
            step = 1 / (1 + move) - 1 if _inverse(account) else move
            loss = {market: -weight * step for market, weight in weights.items()}
            lines += [{**still, market: still[market] + own} for market, own in loss.items()]
            counted = {m: own if own > 0 else self.offset * own for m, own in loss.items()}
            lines.append({m: still[m] + own for m, own in counted.items()})
        return lines


def _inverse(account: Account) -> bool:
    """Whether the account is margined in the coin: its positions are lines in reciprocal prices."""
    return any(position.contract.inverse for position in account.cross)


def _axis(account: Account, market: str, price: Number) -> Number:
    """The price, or its reciprocal, in which positions of a market are straight lines."""
    return 1 / price if _inverse(account) else price


def _weights(account: Account, covered: bool = False) -> dict[str, float]:
    """Units of each market on that axis: net and signed, or those that the other side covers."""
    net: dict[str, float] = {}
    gross: dict[str, float] = {}
    for position in account.cross:
        market, units = position.contract.market, position.units
        net[market] = net.get(market, 0) + (-units if position.contract.inverse else units)
        gross[market] = gross.get(market, 0) + abs(units)
    return {m: (gross[m] - abs(net[m])) / 2 for m in net} if covered else net
