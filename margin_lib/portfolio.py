"""Portfolio margin: the requirement is the worst loss of the whole book over a scan of moves.

Where each position asks for its own maintenance margin, a hedge pays twice. Here the shared balance
is asked one question: what is the most that it loses if prices move by so much? Hedges inside one
market cancel; between two markets they count as far as the venue lets them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from margin_lib import formulas
from margin_lib.account import Account, Risk, both_sides, checked_marks, mark
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
        return as_scalar(np.max(np.broadcast_arrays(*self._asked(account, marks)), axis=0))

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
        the reciprocal price for inverse contracts) between the floors of the coins' ratios; the
        tightest on either side decides

        >>> from margin_lib.account import Position
        >>> from margin_lib.contracts import Contract
        >>> eth = Contract(symbol="ETH")
        >>> long = Position(contract=eth, quantity=4, entry_price=8, leverage=2)
        >>> account = Account(balance=16, positions=[long])   # 16 + 4 (P − 8) = P
        >>> Scan(moves=[-0.25, 0.25]).alive_between(account, "ETH", {})
        (5.333333333333333, inf)
        """
        legs = [p for p in account.cross if p.contract.market == market]
        if not legs:
            raise MarginError("market", "must be one that a cross position follows", market)
        turn = -1 if legs[0].contract.inverse and not account.collateral else 1
        others = [each.mark(marks) for each in account.holdings if each.contract.market != market]
        shape = np.broadcast_shapes(*map(np.shape, others))
        now = np.full(shape, legs[0].entry_price ** turn)  # any price

        def left(at: Number) -> Number:
            there = {**marks, market: at**turn}
            equity = account.risk(there).equity
            asked = self._asked(account, there)
            return np.stack(np.broadcast_arrays(*(equity - each for each in asked)))

        def gains(at: Number) -> Number:
            there = {**marks, market: at**turn}
            return np.stack(self._gains(account, market, there))

        coins = [c for c in account.collateral if c.market == market and c.amount]
        bends: list[Number] = [
            floor / abs(coin.amount) / (1 + move)
            for coin in coins
            for floor, *_ in coin.rows[1:]
            for move in (0.0, *self.moves)
        ]
        if bends:  # a price at which a gain turns into a loss bends, too
            bends = formulas.with_crossings(gains, bends, now)
        low, high, at_low, at_high, slope = formulas.pieces(left, bends, now)
        high[-1] = np.inf
        zero = low - at_low / slope
        flat = at_low == at_high
        lower = np.where(flat | (slope < 0), low, np.maximum(low, zero))
        upper = np.where(flat | (slope > 0), high, np.minimum(high, zero))
        upper = np.where(flat & (at_low <= 0), -np.inf, upper)
        lower, upper = lower.max(axis=0), upper.min(axis=0)
        lower = np.where(lower > formulas.FARTHEST * now, lower, 0)  # A rounding of 0 is 0.
        upper = np.where(upper < now / formulas.FARTHEST, upper, np.inf)
        lives = lower < upper
        some = lives.any(axis=0)
        lower = np.where(some, np.where(lives, lower, np.inf).min(axis=0), np.nan)
        upper = np.where(some, np.where(lives, upper, -np.inf).max(axis=0), np.nan)
        if turn < 0:
            with np.errstate(divide="ignore"):
                lower, upper = 1 / upper, 1 / lower
        return as_scalar(lower), as_scalar(upper)

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
        >>> Scan(moves=[-0.25, 0.25]).liquidation_range(account, "ETH", {"ETH": 8})
        (5.333333333333333, nan)
        """
        marks = checked_marks(marks)
        lower, upper = self.alive_between(account, market, marks)
        now = mark(marks, market)
        if not lower < now < upper:
            return now, now
        return lower or np.nan, upper if upper < np.inf else np.nan

    def _asked(self, account: Account, marks: Marks) -> list[Number]:
        """What each scenario asks for; the first one is that nothing moves."""
        covered, gains = 0.0 * account.balance, []
        held = {each.contract.market: each for each in account.holdings}
        for market, one in held.items():
            price = one.mark(marks)
            gains.append(self._gains(account, market, marks))
            legs = [p for p in account.cross if p.contract.market == market]
            sides = [sum(p.notional(price) for p in side) for side in both_sides(legs)]
            covered = covered + self.contingency * np.minimum(*sides)
        together = [
            sum(np.where(each[at] < 0, -each[at], -self.offset * each[at]) for each in gains)
            for at in range(len(self.moves))
        ]
        alone = [-gain for each in gains for gain in each]
        return [covered + loss for loss in (0.0, *alone, *together)]

    def _gains(self, account: Account, market: str, marks: Marks) -> list[Number]:
        """What the shared balance gains with each move of one market, below 0 loses."""
        now, price = account.risk(marks).equity, mark(marks, market)
        moved = [{**marks, market: price * (1 + move)} for move in self.moves]
        return [account.risk(there).equity - now for there in moved]
