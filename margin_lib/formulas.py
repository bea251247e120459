"""The mathematics: each function is one balance equation, for single numbers and arrays alike.

Quantities are signed: above zero for a long position, below zero for a short one. Money is in the
account's currency (quote), prices are in quote per coin. What is no finite number, or outside the
bounds in its parameter's line, raises MarginError ("Raises" says what else does), so a NaN in a
result always means "never" or "undefined", not a mistake on the way.
Given fractions (`fractions.Fraction`) and whole numbers, results are exact fractions.

An inverse contract is margined in the coin, and its quantity counts quote money. Its profit
q · (1/E − 1/P) is −q · (1/P − 1/E): that of a linear contract in the reciprocal price, with the
side turned. So every function has one equation, and `inverse=True` turns its inputs.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

import numpy as np

from margin_lib.errors import MarginError, as_scalar, number, one_number
from margin_lib.types import ArrayLike, Number, Row

FARTHEST = 1e-12  # of today's price: a price further off is none, but a rounding of 0 or infinity
FINE = round(1 / 1e-6)  # parts of an hour: less is no time, but what floats lose


def _turned(quantity: Number, price: Number, inverse: bool) -> tuple[Number, Number]:
    """Quantity and price of the linear contract that an inverse one is in the reciprocal price."""
    return -quantity if inverse else quantity, _on_axis(price, inverse)


def _on_axis(price: Number, inverse: bool) -> Number:
    """What profit is a straight line in: the price, or the reciprocal one."""
    return 1 / price if inverse else price


def quantity(
    margin: ArrayLike, leverage: ArrayLike, price: ArrayLike, inverse: bool = False
) -> Number:
    """Quantity that a margin controls at a leverage.

    Equation:  notional(quantity, price) = margin · leverage

    Parameters
    ----------
    margin : array_like        own money put in, above 0 [quote; inverse: coin]
    leverage : array_like      chosen leverage, at least 1 [1]
    price : array_like         entry price, above 0 [quote per coin]
    inverse : bool             margined in the coin: the margin is in coin, the result in quote

    Returns
    -------
    float or ndarray           size of a long; put a minus before it for a short [coin; inverse:
                               quote]

    Source: definition of leverage; claim L1 of the course.

    >>> quantity(1000, 5, 2000)
    2.5
    """
    margin = number("margin", margin, above=0)
    leverage = number("leverage", leverage, at_least=1)
    return as_scalar(margin * leverage / _on_axis(number("price", price, above=0), inverse))


def notional(quantity: ArrayLike, price: ArrayLike, inverse: bool = False) -> Number:
    """Value of a position at a price, in the money that it is margined in.

    Equation:  notional = |quantity| · price;  inverse:  |quantity| / price

    Parameters
    ----------
    quantity : array_like      signed [coin; inverse: quote]
    price : array_like         above 0 [quote per coin]
    inverse : bool             margined in the coin

    Returns
    -------
    float or ndarray           never negative [quote; inverse: coin]

    Source: definition.

    >>> notional(-100, 0.1)
    10.0
    """
    price = number("price", price, above=0)
    quantity, price = _turned(number("quantity", quantity), price, inverse)
    return as_scalar(abs(quantity) * price)


def pnl(
    quantity: ArrayLike, entry_price: ArrayLike, price: ArrayLike, inverse: bool = False
) -> Number:
    """Profit (above 0) or loss (below 0) of a position since its entry.

    Equation:  pnl = quantity · (price − entry_price);
    inverse:  pnl = quantity · (1 / entry_price − 1 / price)

    Parameters
    ----------
    quantity : array_like      signed [coin; inverse: quote]
    entry_price : array_like   above 0 [quote per coin]
    price : array_like         above 0 [quote per coin]
    inverse : bool             margined in the coin

    Returns
    -------
    float or ndarray           [quote; inverse: coin]

    Source: definition of a linear and of an inverse contract.

    >>> pnl(-100, 0.25, 0.5)
    -25.0
    >>> pnl(100, 0.25, 0.5, inverse=True)
    200.0
    """
    entry_price = number("entry price", entry_price, above=0)
    price = number("price", price, above=0)
    quantity, price = _turned(number("quantity", quantity), price, inverse)
    return as_scalar(quantity * (price - _on_axis(entry_price, inverse)))


def trading_fee(notional: ArrayLike, rate: ArrayLike) -> Number:
    """Fee of one trade, opening or closing.

    Equation:  fee = rate · notional

    Parameters
    ----------
    notional : array_like      of what is traded, at its fill price, at least 0 [quote]
    rate : array_like          taker or maker fee, 0 <= rate < 1 [1]

    Returns
    -------
    float or ndarray           [quote]

    Source: definition.

    >>> trading_fee(1000, 0.25)
    250.0
    """
    notional = number("notional", notional, at_least=0)
    return as_scalar(notional * number("rate", rate, at_least=0, below=1))


def net_pnl(
    quantity: ArrayLike,
    entry_price: ArrayLike,
    price: ArrayLike,
    fee_rate: ArrayLike = 0,
    inverse: bool = False,
) -> Number:
    """Profit or loss of closing a position at a price, the fee of closing paid.

    Equation:  net pnl = pnl(price) − fee rate · notional(price)

    Parameters
    ----------
    quantity, entry_price, price, inverse : as for `pnl`
    fee_rate : array_like      of closing, 0 <= fee rate < 1 [1]

    Returns
    -------
    float or ndarray           [quote; inverse: coin]

    Source: ABOARD, "Multi-positions bankruptcy price calculation": profit after the closing fee.

    >>> net_pnl(100, 0.25, 0.5, fee_rate=0.01)
    24.5
    """
    gain = pnl(quantity, entry_price, price, inverse)
    rate = number("fee rate", fee_rate, at_least=0, below=1)
    return as_scalar(gain - trading_fee(notional(quantity, price, inverse), rate))


def average_entry_price(
    quantity: ArrayLike,
    entry_price: ArrayLike,
    added_quantity: ArrayLike,
    added_price: ArrayLike,
    inverse: bool = False,
) -> Number:
    """Entry price of a position after more was bought (or sold short) at another price.

    Equation:  (quantity + added) · entry = quantity · entry_price + added · added_price;
    inverse: the same in reciprocal prices (the harmonic mean)

    Parameters
    ----------
    quantity, added_quantity : array_like      signed, of the same side [coin; inverse: quote]
    entry_price, added_price : array_like      above 0 [quote per coin]
    inverse : bool             margined in the coin

    Returns
    -------
    float or ndarray           [quote per coin]

    Raises
    ------
    MarginError                nothing in all, or two sides

    Source: the profit of the whole is the sum of the profits of its parts.

    >>> average_entry_price(10, 10, 10, 20)
    15.0
    """
    first = number("quantity", quantity)
    second = number("added quantity", added_quantity)
    first_price = number("entry price", entry_price, above=0)
    second_price = number("added price", added_price, above=0)
    if np.any(np.sign(first) * np.sign(second) < 0) or np.any(first + second == 0):
        raise MarginError("added quantity", f"must be on the side of {quantity}", added_quantity)
    paid = first * _on_axis(first_price, inverse) + second * _on_axis(second_price, inverse)
    return as_scalar(_on_axis(paid / (first + second), inverse))


def initial_margin(notional: ArrayLike, leverage: ArrayLike) -> Number:
    """Least collateral that opens a position.

    Equation:  initial margin = notional / leverage

    Parameters
    ----------
    notional : array_like      at least 0 [quote]
    leverage : array_like      chosen leverage, at least 1 [1]

    Returns
    -------
    float or ndarray           [quote]

    Source: definition; claim T2 of the course.

    >>> initial_margin(10, 5)
    2.0
    """
    notional = number("notional", notional, at_least=0)
    return as_scalar(notional / number("leverage", leverage, at_least=1))


def order_margin(
    held: ArrayLike, buying: ArrayLike, selling: ArrayLike, leverage: ArrayLike
) -> Number:
    """Initial margin of a position and its open orders: that of the larger side they can lead to.

    Equation:  initial margin = max(|held + buying|, |held − selling|) / leverage

    Parameters
    ----------
    held : array_like          value of the position, below 0 for a short [quote]
    buying, selling : array_like       of all buy and all sell orders, at least 0 [quote]
    leverage : array_like      chosen leverage, at least 1 [1]

    Returns
    -------
    float or ndarray           [quote]

    Source: Binance, "Initial margin of open orders" (one-way mode), read 2026-11-26.

    >>> order_margin(10_000, buying=1900, selling=2200, leverage=2)
    5950.0
    """
    held = number("held", held)
    longer = abs(held + number("buying", buying, at_least=0))
    shorter = abs(held - number("selling", selling, at_least=0))
    return initial_margin(np.maximum(longer, shorter), leverage)


def counted_collateral(value: ArrayLike, ratios: Sequence[Row], buying: ArrayLike = 1) -> Number:
    """What coins count as collateral: each part of their value by the ratio of its row.

    Equation:  counted = ratio(V) · V − amount(V) for a value V above 0, a table without jumps;
    buying · V for a debt

    Parameters
    ----------
    value : array_like         of the coins, below 0 for a debt in them [quote]
    ratios : sequence          rows of (floor, ratio, amount, None), as `contracts.Tiers`, with
                               ratios that fall
    buying : array_like        what a unit of debt counts, above 0 [1]

    Returns
    -------
    float or ndarray           [quote]

    Source: Bitget, "Tiered collateral ratio of the unified account"; Binance, "Multi-assets mode"
    (rates for selling and for buying); both read 2026-11-26.

    >>> counted_collateral([200, -200], [(0, 1, 0, None), (100, 0.75, -25, None)], buying=1.25)
    array([ 175., -250.])
    """
    value = number("value", value)
    debt = value * number("buying", buying, above=0)
    return as_scalar(np.where(value > 0, _by_rows(value, ratios), debt))


def borrowed(notional: ArrayLike, own_money: ArrayLike) -> Number:
    """What the exchange lends in the margin-loan form.

    Equation:  borrowed = notional − own money

    Parameters
    ----------
    notional : array_like      at entry, at least 0 [quote]
    own_money : array_like     margin put in at entry, at least 0 [quote]

    Returns
    -------
    float or ndarray           0 where own money pays for everything [quote]

    Source: claim L3 of the course.

    >>> borrowed(10, 2)
    8.0
    """
    notional = number("notional", notional, at_least=0)
    return as_scalar(_positive(notional - number("own money", own_money, at_least=0)))


def maintenance_margin(notional: ArrayLike, rate: ArrayLike, amount: ArrayLike = 0) -> Number:
    """Least equity that keeps a position open.

    Equation:  maintenance margin = rate · notional − amount

    Parameters
    ----------
    notional : array_like      at the mark price, at least 0 [quote]
    rate : array_like          maintenance margin rate, 0 <= rate < 1 [1]
    amount : array_like        maintenance amount, deducted [quote]

    Returns
    -------
    float or ndarray           [quote]

    Source: Binance, "Leverage and margin of USDⓈ-M futures": notional · rate − amount.

    >>> maintenance_margin(10, 0.25)
    2.5
    """
    rate = number("rate", rate, at_least=0, below=1)
    notional = number("notional", notional, at_least=0)
    return as_scalar(rate * notional - number("amount", amount))


def tiered_maintenance(notional: ArrayLike, tiers: Sequence[Row]) -> Number:
    """Maintenance margin by a table: rate and amount of the row that each notional falls into.

    Equation:  maintenance margin = rate(N) · N − amount(N)

    Parameters
    ----------
    notional : array_like      at the mark price, never the margin; at least 0 [quote]
    tiers : contracts.Tiers

    Returns
    -------
    float or ndarray           [quote]

    Source: Binance, "Leverage and margin of USDⓈ-M futures".

    >>> tiered_maintenance(200, [(0, 0.25, 0, None), (100, 0.5, 25, None)])
    75.0
    """
    return as_scalar(_by_rows(number("notional", notional, at_least=0), tiers))


def _by_rows(value: Number, rows: Sequence[Row]) -> Number:
    """rate · value − amount of the row that each value falls into."""
    if not isinstance(value, np.ndarray):  # The rows below a number's own need no look.
        reached = (row for row in reversed(rows) if value >= row[0])
        return next((rate * value - amount for _, rate, amount, _ in reached), 0)
    result = 0
    for floor, rate, amount, _ in rows:
        result = np.where(value >= floor, rate * value - amount, result)
    return result


def margin_ratio(maintenance_margin: ArrayLike, equity: ArrayLike) -> Number:
    """How near liquidation is: danger is 1.

    Equation:  margin ratio = maintenance margin / equity

    Parameters
    ----------
    maintenance_margin : array_like    at least 0 [quote]
    equity : array_like                signed [quote]

    Returns
    -------
    float or ndarray           infinite once equity is used up [1]

    Source: Binance futures ("margin ratio", liquidation at 100 %).

    >>> margin_ratio(0.5, 2)
    0.25
    >>> margin_ratio(0.5, -1)
    inf
    """
    maintenance = number("maintenance margin", maintenance_margin, at_least=0)
    equity = number("equity", equity)
    return as_scalar(_over(maintenance, equity, np.inf))


def margin_level(equity: ArrayLike, maintenance_margin: ArrayLike) -> Number:
    """The margin ratio turned over, as other venues show it: danger is falling to 1.

    Equation:  margin level = equity / maintenance margin

    Parameters
    ----------
    equity : array_like                signed [quote]
    maintenance_margin : array_like    closing fee included where a venue does, at least 0 [quote]

    Returns
    -------
    float or ndarray           below 0 with equity below 0; NaN where nothing is required [1]

    Source: OKX API v5, `mgnRatio` of a position.

    >>> margin_level(2, 0.5)
    4.0
    """
    required = number("maintenance margin", maintenance_margin, at_least=0)
    return as_scalar(_over(number("equity", equity), required, np.nan))


def _over(part: Number, whole: Number, otherwise: float) -> Number:
    """part / whole where there is a whole, above 0."""
    some = np.greater(whole, 0)
    with np.errstate(over="ignore"):
        return np.where(some, part / np.where(some, whole, 1), otherwise)


def equity_of_cash(
    cash: ArrayLike, quantity: ArrayLike, price: ArrayLike, inverse: bool = False
) -> Number:
    """Equity of an account that books a position as money paid and coins got.

    At the entry price it is the collateral of the other functions, which book a position by its
    profit: both say the same.

    Equation:  equity = cash + quantity · price;  inverse:  equity = cash − quantity / price

    Parameters
    ----------
    cash : array_like          signed; what a long paid for its coins is below 0 in it [quote;
                               inverse: coin]
    quantity : array_like      signed [coin; inverse: quote]
    price : array_like         above 0 [quote per coin]
    inverse : bool             margined in the coin

    Returns
    -------
    float or ndarray           [quote; inverse: coin]

    Source: dYdX v4 (quote balance plus size times oracle price); Hyperliquid (`rawUsd`).

    >>> equity_of_cash(1100, -1, 1000)
    100.0
    """
    price = number("price", price, above=0)
    quantity, price = _turned(number("quantity", quantity), price, inverse)
    return as_scalar(number("cash", cash) + quantity * price)


def liquidation_price(
    entry_price: ArrayLike,
    quantity: ArrayLike,
    collateral: ArrayLike,
    rate: ArrayLike,
    amount: ArrayLike = 0,
    fee_rate: ArrayLike = 0,
    inverse: bool = False,
) -> Number:
    """Mark price at which equity has fallen to the maintenance margin.

    Equation, solved for the price P:

        collateral + pnl(P) = (rate + fee_rate) · notional(P) − amount

    In isolated margin the collateral is the position's own margin. In cross margin it is the
    shared balance plus the profit of the other positions less their maintenance margin. Where a
    venue freezes the maintenance margin, `rate` is 0 and `amount` is minus the frozen sum.

    Parameters
    ----------
    entry_price : array_like   above 0 [quote per coin]
    quantity : array_like      signed; nothing liquidates where it is 0 [coin; inverse: quote]
    collateral : array_like    signed [quote; inverse: coin]
    rate : array_like          maintenance margin rate, 0 <= rate < 1 [1]
    amount : array_like        maintenance amount [quote; inverse: coin]
    fee_rate : array_like      closing fee, where a venue counts it in the requirement, at least 0
                               and with the rate below 1 [1]
    inverse : bool             margined in the coin

    Returns
    -------
    float or ndarray           a long lives above the price, a short below it. NaN: no price
                               liquidates ("never"). 0 for a short, infinity for an inverse long:
                               no price keeps it alive [quote per coin]

    Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts", and the
    same for COIN-M.

    >>> round(liquidation_price(0.1, 100, collateral=2, rate=0.02), 6)
    0.081633
    >>> liquidation_price(0.1, 100, collateral=10, rate=0.02)   # own money pays for everything
    nan
    >>> liquidation_price(8000, 8000, collateral=1, rate=0, inverse=True)   # a long at 1x can die
    4000.0
    """
    entry, q, money = _checked(entry_price, quantity, collateral, inverse)
    rate = number("rate", rate, at_least=0, below=1)
    rate = number("rate with closing fee", rate + number("fee rate", fee_rate, at_least=0), below=1)
    reached = (q * entry - money - number("amount", amount)) / (1 - rate * np.sign(q))
    return _price(reached, q, q * entry, inverse)


def tiered_liquidation_price(
    entry_price: ArrayLike,
    quantity: ArrayLike,
    collateral: ArrayLike,
    tiers: Sequence[Row],
    fee_rate: float = 0,
    inverse: bool = False,
    growth: float = 0,
) -> Number:
    """Mark price at which equity has fallen to the maintenance margin of a table.

    Each row of the table has its own solution. A row counts only where the position's notional
    falls into it: beyond its floor there is no liquidation in this row, and up to its cap the
    position is liquidated from the row's solution on. The price is the first of these that the
    market reaches: the highest for a long, the lowest for a short. On a table without jumps that
    is the only one. On a table that jumps at its floors, prices beyond it may be safe again; the
    position does not live to see them.

    Parameters
    ----------
    entry_price, quantity, collateral, inverse : as for `liquidation_price`
    tiers : contracts.Tiers    or rows of (floor, rate, amount, max_leverage)
    fee_rate : float           as for `liquidation_price`, a single number, at least 0 [1]
    growth : float             what the rate gains with each unit of notional, a single number, at
                               least 0 [1 per unit]

    Returns as for `liquidation_price`.

    Equation:  max over rows of min(solution, price at the cap), rows with
    solution >= price at the floor; mirrored for a short. With growth the solution is the root of
    collateral + pnl(P) = rate · N − amount + growth · N² that equity meets first

    Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts".

    >>> rows = [(0, 0.25, 0, None), (100, 0.5, 25, None)]
    >>> tiered_liquidation_price(1.0, 400, 150, rows)
    1.125
    """
    entry, q, money = _checked(entry_price, quantity, collateral, inverse)
    one_number("fee rate", fee_rate)  # the same table must hold for a whole array
    fee = number("fee rate", fee_rate, at_least=0)
    growth = one_number("growth", growth, at_least=0)

    def prices(entry: Number, q: Number, money: Number) -> Number:
        debt = q * entry - money
        end = _outgrown(debt, tiers, fee, growth) if growth else np.inf
        long, short = (_reached(debt, side, tiers, fee, growth, end) for side in (1, -1))
        if growth:  # What never dies as it loses can still outgrow its equity as it gains.
            long = np.where(long > 0, long, end)
        return _price(np.where(q > 0, long, short), q, q * entry, inverse)

    return _in_parts(prices, entry, q, money)


def _reached(
    debt: Number, side: int, tiers: Sequence[Row], fee: float, growth: float, end: Number
) -> Number:
    """Where positions of one side die on the axis x = side · notional, on which equity is x − debt.

    Both sides die towards the left, and each row of the table lies to the right of the one before
    it, or of the one after it for a short. So the first price that the market reaches is in the
    rightmost row that counts: one at whose left end the position is dead. With a growing rate, a
    long is dead beyond an end on the right, too: rows there do not count.
    """
    rows, cap = [], np.inf
    for floor, rate, amount, _ in reversed(tiers):
        slope = 1 - side * number("rate with closing fee", rate + fee, below=1)
        left, right = sorted((side * floor, side * cap))
        dead_from = left * slope + amount
        if growth:
            dead_from = np.where(left < end, dead_from - growth * left**2, np.inf)
        rows.append((dead_from, right, slope, amount))
        cap = floor
    rows = rows[::-side]
    # Its number is that of the borders passed, where a later border takes the earlier ones along.
    # Counting is several times faster than choosing (`np.where`) among the solutions of all rows.
    borders = accumulate((row[0] for row in rows[:0:-1]), np.minimum if growth else min)
    row = sum((debt >= border for border in borders), start=np.int16(0))
    if np.ndim(row):
        columns = np.array([each[1:] for each in rows], dtype=float).T
        right, slope, amount = (np.take(column, row) for column in columns)
    else:  # an array would make whole numbers inexact
        _, right, slope, amount = rows[row]
    owed = debt - amount
    if growth:  # The smaller root of growth · x² − slope · x + owed, in a form without a loss.
        bend = np.multiply(slope, slope) - 2 * 2 * growth * owed
        slope = (slope + np.sqrt(np.maximum(bend, 0))) / 2
    return np.minimum(owed / slope, right)


def _outgrown(debt: Number, tiers: Sequence[Row], fee: float, growth: float) -> Number:
    """The rightmost point of the axis of `_reached` at which a long lives; 0 for none."""
    last, cap = 0, np.inf
    for floor, rate, amount, _ in reversed(tiers):
        slope, owed = 1 - rate - fee, debt - amount
        bend = np.multiply(slope, slope) - 2 * 2 * growth * owed
        end = (slope + np.sqrt(np.maximum(bend, 0))) / 2 / growth  # the larger root
        lives = (bend >= 0) & (end > floor)
        last, cap = np.maximum(last, np.where(lives, np.minimum(end, cap), 0)), floor
    return last


def _in_parts(function: Callable[..., Number], *values: Number, size: int = 65_536) -> Number:
    """A function of numbers or arrays; long arrays in parts that stay in the processor's cache."""
    shape = np.broadcast_shapes(*(np.shape(value) for value in values))
    count = math.prod(shape)
    if count <= size:
        return function(*values)
    flat = [np.broadcast_to(value, shape).reshape(-1) for value in values]
    starts = range(0, count, size)
    parts = [function(*(value[start : start + size] for value in flat)) for start in starts]
    return np.concatenate(parts).reshape(shape)


def _checked(
    entry_price: ArrayLike, quantity: ArrayLike, collateral: ArrayLike, inverse: bool
) -> tuple[Number, Number, Number]:
    """Entry price, quantity and collateral as numbers, of the linear contract."""
    entry = number("entry price", entry_price, above=0)
    q, entry = _turned(number("quantity", quantity), entry, inverse)
    return entry, q, number("collateral", collateral)


def _price(reached: Number, q: Number, term: Number, inverse: bool) -> Number:
    """Price of side · notional, a difference of terms like this one: a rounding of 0 is 0.

    A long that would have to fall to 0 or below never gets there; a short that would have to is
    alive at no price.
    """
    hair = FARTHEST * abs(term)
    falls = np.logical_and(np.greater(q, 0), np.greater(reached, hair))
    rises = np.logical_and(np.less(q, 0), np.less(reached, -hair))
    price = _over(np.where(np.logical_or(falls, rises), abs(reached), 0), abs(q), np.nan)
    if inverse:
        price = _over(1, price, np.inf)
    return as_scalar(np.where(np.logical_or(falls, np.less(q, 0)), price, np.nan))


def nearest_zeros(
    value: Callable[[Number], Number], kinks: Iterable[ArrayLike], now: ArrayLike
) -> tuple[Number, Number]:
    """Where something that is a straight line between kinks is used up first, on either side.

    It may jump at its kinks. Each line is drawn through two points well within its piece, so that
    no rounding decides on which side of a jump they are; the zero that is found is corrected once.

    Parameters
    ----------
    value : callable           of an array of prices, with one dimension before those of `now`
    kinks : iterable           prices of the kinks, above 0 [quote per coin]
    now : array_like           price from which it is followed, above 0 [quote per coin]

    Returns
    -------
    (float or ndarray, same)   nearest zeros below and above, NaN for none; both `now` itself where
                               nothing is left there. A price of 0 is none [quote per coin]

    Equation:  value(P) = 0

    Source: a straight line through two points.

    >>> nearest_zeros(lambda price: 2 - abs(price - 3), [3], now=2.5)
    (1.0, 5.0)
    """
    left, right, at_left, at_right, slope = pieces(value, kinks, now)
    now = np.asarray(now)
    zero = left - at_left / slope

    def first(hit: np.ndarray, *columns: np.ndarray) -> list[np.ndarray]:
        at = hit.argmax(axis=0)[None]
        found = [np.take_along_axis(column, at, axis=0)[0] for column in columns]
        return [np.where(hit.any(axis=0), found[0], np.nan), *found[1:]]

    dead = at_right <= 0
    below = (right <= now) & (dead | (at_left <= 0) & (zero > FARTHEST * now))
    falls = first(below[::-1], np.where(dead, right, zero)[::-1], slope[::-1], dead[::-1])
    dead, ends = at_left <= 0, at_right <= 0
    ends[-1] = (slope[-1] < 0) & (zero[-1] < now / FARTHEST)
    above = (left >= now) & (dead | ends)
    rises = first(above, np.where(dead, left, zero), slope, dead)
    root, slope, edge = np.stack([falls, rises], axis=1)
    for _ in range(2):  # A bend between close kinks leaves a billionth after one step alone.
        there = np.where(root == root, root, now)
        step = value(there) / slope
        small = (edge == 0) & (abs(step) < 1e-6 * there)
        root = np.where(small, root - step, root)
    gone = value(now[None])[0] <= 0
    root = np.where(gone, now, root)
    return as_scalar(root[0]), as_scalar(root[1])


def pieces(
    value: Callable[[Number], Number], kinks: Iterable[Number], now: ArrayLike
) -> tuple[np.ndarray, ...]:
    """The straight lines that something is made of, between 0, kinks and today's price.

    Parameters
    ----------
    value, kinks, now : as for `nearest_zeros`; values may have dimensions in front of the pieces'

    Returns
    -------
    (ndarray, ...)             left and right end of each piece [quote per coin], the value just
                               within both, and the slope, 1 for a level line. The last piece has no
                               end; its right one is only where it is looked at

    Equation:  slope = (value at the right − value at the left) / (right − left)

    Source: a straight line through two points.

    >>> [column.tolist() for column in pieces(lambda price: 2 - abs(price - 3), [3.0], now=3.0)]
    [[0.0, 3.0, 3.0], [3.0, 3.0, 6.0], [-1.0, 2.0, 2.0], [2.0, 2.0, -1.0], [1.0, 1.0, -1.0]]
    """
    now = number("now", now, above=0)
    left = np.sort(np.stack(np.broadcast_arrays(0 * now, now, *kinks)), axis=0)
    right = np.concatenate([left[1:], 2 * left[-1:]])
    quarter = (right - left) / 2 / 2
    values = value(np.concatenate([left + quarter, right - quarter]))
    near, far = np.split(values, 2, axis=-left.ndim)
    at_left, at_right = near - (far - near) / 2, far + (far - near) / 2
    slope = (at_right - at_left) / np.where(right > left, right - left, 1)
    return left, right, at_left, at_right, np.where(slope == 0, 1, slope)


def with_crossings(
    values: Callable[[Number], Number], kinks: Iterable[ArrayLike], now: ArrayLike
) -> list[Number]:
    """Kinks, and with them the prices at which any of several values changes its sign between two.

    Parameters
    ----------
    values : callable          as for `nearest_zeros`, with one dimension more in front: the values
    kinks : iterable           of these values, above 0 [quote per coin]
    now : array_like           any price beside them, above 0 [quote per coin]

    Returns
    -------
    list                       kinks; `now` stands for those that are none [quote per coin]

    Equation:  value(P) = 0

    Source: a straight line through two points.

    >>> found = with_crossings(lambda price: np.stack([price - 3, price + 1]), [4.0], now=2.5)
    >>> sorted({float(price) for price in found})
    [2.5, 3.0, 4.0]
    """
    left, right, at_left, _, slope = pieces(values, kinks, now)
    now = np.asarray(now)
    zero = left - at_left / slope
    right[-1] = now / FARTHEST
    inside = (zero > np.maximum(left, FARTHEST * now)) & (zero < right)
    found = np.where(inside, zero, now)
    return [*kinks, *found.reshape(-1, *now.shape)]


def bankruptcy_price(
    entry_price: ArrayLike,
    quantity: ArrayLike,
    collateral: ArrayLike,
    inverse: bool = False,
    fee_rate: ArrayLike = 0,
) -> Number:
    """Mark price at which equity is zero: the liquidation price without any maintenance margin.

    Equation, solved for the price P:  collateral + pnl(P) = fee rate · notional(P)

    Parameters and returns as for `liquidation_price`. With the fee rate of closing, it is
    the price at which closing leaves exactly nothing.

    Source: Bybit, "Bankruptcy price".

    >>> round(bankruptcy_price(0.1, 100, collateral=2), 6)
    0.08
    """
    return liquidation_price(
        entry_price, quantity, collateral, rate=0, fee_rate=fee_rate, inverse=inverse
    )


def break_even_price(
    entry_price: ArrayLike,
    quantity: ArrayLike,
    paid: ArrayLike = 0,
    fee_rate: ArrayLike = 0,
    inverse: bool = False,
) -> Number:
    """Price at which closing a position brings back what it has cost: its profit is that sum.

    Equation, solved for the price P:  pnl(P) − fee rate · notional(P) = paid

    Parameters
    ----------
    entry_price, quantity, inverse : as for `liquidation_price`
    paid : array_like          fees and funding so far, below 0 where more was received [quote;
                               inverse: coin]
    fee_rate : array_like      of closing, where it counts, 0 <= fee rate < 1 [1]

    Returns
    -------
    float or ndarray           NaN where no price is high enough [quote per coin]

    Source: NautilusTrader, issue 4166 (with the fee of closing); Binance, `breakEvenPrice` of a
    position (without it); both read 2026-11-26.

    >>> break_even_price(100, 2, paid=1)
    100.5
    """
    return bankruptcy_price(entry_price, quantity, -number("paid", paid), inverse, fee_rate)


def spot_margin_level(
    price: ArrayLike,
    coin: ArrayLike = 0,
    quote: ArrayLike = 0,
    coin_debt: ArrayLike = 0,
    quote_debt: ArrayLike = 0,
    coin_interest: ArrayLike = 0,
    quote_interest: ArrayLike = 0,
) -> Number:
    """What a spot margin account holds over what it owes: liquidation where it falls to a level.

    Equation:  level = (quote + coin · P) / (quote owed + coin owed · P), owed with interest

    Parameters
    ----------
    price : array_like         P, above 0 [quote per coin]
    coin, coin_debt, coin_interest : array_like        held, borrowed, unpaid; at least 0 [coin]
    quote, quote_debt, quote_interest : array_like     the same in quote money [quote]

    Returns
    -------
    float or ndarray           NaN where nothing is owed [1]

    Source: Binance, "How to calculate margin liquidation price" (spot margin).

    >>> spot_margin_level(2000, coin=1, quote_debt=1000)
    2.0
    """
    price = number("price", price, above=0)
    coin, quote, coin_owed, quote_owed = _held_and_owed(
        coin, quote, coin_debt, quote_debt, coin_interest, quote_interest
    )
    return as_scalar(_over(quote + coin * price, quote_owed + coin_owed * price, np.nan))


def spot_liquidation_price(
    level: ArrayLike,
    coin: ArrayLike = 0,
    quote: ArrayLike = 0,
    coin_debt: ArrayLike = 0,
    quote_debt: ArrayLike = 0,
    coin_interest: ArrayLike = 0,
    quote_interest: ArrayLike = 0,
) -> Number:
    """Price at which the margin level of a spot account has fallen to a level.

    Equation, solved for the price P:  quote + coin · P = level · (quote owed + coin owed · P)

    Parameters
    ----------
    level : array_like         at which the venue liquidates, such as 1.1, above 0 [1]
    coin, quote, coin_debt, quote_debt, coin_interest, quote_interest : as for `spot_margin_level`

    Returns
    -------
    float or ndarray           below it an account dies that gains with the price, above it one
                               that owes coins. NaN: no price liquidates ("never"), or none makes
                               a difference. 0: no price keeps it alive [quote per coin]

    Source: Binance, "How to calculate margin liquidation price" (spot margin).

    >>> round(spot_liquidation_price(1.1, coin=1, quote_debt=20_000), 6)
    22000.0
    >>> spot_liquidation_price(1.25, quote=3000, coin_debt=1)
    2400.0
    """
    level = number("level", level, above=0)
    coin, quote, coin_owed, quote_owed = _held_and_owed(
        coin, quote, coin_debt, quote_debt, coin_interest, quote_interest
    )
    coins, owed = coin - level * coin_owed, level * quote_owed - quote
    return _price(owed, coins, level * quote_owed, inverse=False)


def _held_and_owed(*sums: ArrayLike) -> tuple[Number, Number, Number, Number]:
    """Coins and quote money held, and both owed with their interest."""
    names = "coin", "quote", "coin debt", "quote debt", "coin interest", "quote interest"
    coin, quote, coin_debt, quote_debt, coin_interest, quote_interest = (
        number(names[place], each, at_least=0) for place, each in enumerate(sums)
    )
    return coin, quote, coin_debt + coin_interest, quote_debt + quote_interest


def funding(
    quantity: ArrayLike,
    mark_price: ArrayLike,
    rate: ArrayLike,
    inverse: bool = False,
    periods: ArrayLike = 1,
) -> Number:
    """Cash that one funding payment brings the holder of a position.

    Equation:  cash = −(side of the quantity) · notional(mark price) · rate · periods

    Parameters
    ----------
    quantity : array_like      signed [coin; inverse: quote]
    mark_price : array_like    above 0 [quote per coin]
    rate : array_like          signed; above 0 the longs pay the shorts [1 per period]
    inverse : bool             margined in the coin
    periods : array_like       at least 0; less than 1 where a venue pays by the time held [1]

    Returns
    -------
    float or ndarray           above 0 received, below 0 paid [quote; inverse: coin]

    Source: Binance, "Introduction to futures funding rates"; by the time held: freqtrade, its
    test of funding fees at Kraken.

    >>> funding(-2, 3000, 0.001)
    6.0
    """
    quantity = number("quantity", quantity)
    value = notional(quantity, number("mark price", mark_price, above=0), inverse)
    rate = number("rate", rate) * number("periods", periods, at_least=0)
    return as_scalar(-np.sign(quantity) * value * rate)


def interest(
    borrowed: ArrayLike,
    period_rate: ArrayLike,
    hours: ArrayLike,
    period: ArrayLike = 1,
    at_opening: ArrayLike = 0,
    past: ArrayLike = 0,
) -> Number:
    """Interest on a margin loan: simple, for every period that has started.

    A venue that charges every hour of the clock that is touched counts from the full hour before
    the loan: `past` says how long before.

    Equation:  interest = borrowed · rate · (charges at opening + ⌈(hours + past) / period⌉), where
    less than a millionth of an hour begins no period

    Parameters
    ----------
    borrowed : array_like      at least 0 [quote]
    period_rate : array_like   at least 0 [1 per period]
    hours : array_like         time since borrowing, at least 0 [hour]
    period : array_like        above 0: 1 at Binance, 4 at Kraken [hour]
    at_opening : array_like    charges as soon as the loan is taken, at least 0: 1 at Kraken [1]
    past : array_like          time from the full hour (or period) of the clock to borrowing, where
                               hours of the clock are charged, as at Binance; 0, at least, where
                               the time since borrowing is [hour]

    Returns
    -------
    float or ndarray           [quote]

    Source: Binance, "How to calculate margin interest" (support article 360030157812, read
    2026-11-26): a loan from 13:20 to 14:15 pays for two hours; freqtrade, its test of interest at
    Kraken: one charge at opening and one for every started 4 hours.

    >>> interest(8, 0.25, 1.5)
    4.0
    >>> interest(8, 0.25, 1.5, period=4, at_opening=1)
    4.0
    >>> interest(8, 0.25, hours=35 / 60, past=55 / 60)   # from 13:55 to 14:30
    4.0
    """
    borrowed = number("borrowed", borrowed, at_least=0)
    time = number("hours", hours, at_least=0) + number("past", past, at_least=0)
    started = -((1 - FINE * time) // (FINE * number("period", period, above=0)))
    charges = number("at opening", at_opening, at_least=0) + started
    return as_scalar(borrowed * number("period rate", period_rate, at_least=0) * charges)


def deficit(equity: ArrayLike) -> Number:
    """What is missing once losses are larger than the collateral: the fund's or the winners' part.

    Equation:  deficit = max(−equity, 0)

    Parameters
    ----------
    equity : array_like        at the price at which the position was closed, signed [quote]

    Returns
    -------
    float or ndarray           [quote]

    Source: definition.

    >>> deficit(-550), deficit(20)
    (550.0, 0.0)
    """
    return as_scalar(_positive(-number("equity", equity)))


def left_after(means: ArrayLike, deficit: ArrayLike) -> Number:
    """What is left of a fund, or of a winner's profit, once it has paid what it can of a deficit.

    Equation:  left = means − min(deficit, max(means, 0))

    Parameters
    ----------
    means : array_like         of the fund, or profit; a loss, below 0, pays for nothing [quote]
    deficit : array_like       at least 0 [quote]

    Returns
    -------
    float or ndarray           [quote]

    Source: FLOX, test of its liquidation engine: the fund first, then the winners' profit.

    >>> left_after(1000, 550), left_after(100, 550), left_after(-5, 550)
    (450.0, 0.0, -5.0)
    """
    means = number("means", means)
    paid = np.minimum(number("deficit", deficit, at_least=0), _positive(means))
    return as_scalar(means - paid)


def returned(equity: ArrayLike, notional: ArrayLike, fee_rate: ArrayLike | None) -> Number:
    """What a liquidated pocket gives back to its owner once all of it is closed.

    Equation:  returned = max(equity − fee rate · notional, 0)

    Parameters
    ----------
    equity : array_like        at the prices at which it was closed, signed [quote]
    notional : array_like      that was closed, at least 0 [quote]
    fee_rate : array_like or None      liquidation fee, at least 0; None for a venue that keeps
                               what is left, as if it closed at the bankruptcy price [1]

    Returns
    -------
    float or ndarray           [quote]

    Source: Bybit, "Liquidation process (isolated margin)", for None; Hyperliquid documentation,
    "Liquidations", for what is left and returned.

    >>> returned(2, 100, 0.01), returned(2, 100, None), returned(-3, 100, 0.01)
    (1.0, 0.0, 0.0)
    """
    equity = number("equity", equity)
    if fee_rate is None:
        return as_scalar(0 * equity)
    fee = number("notional", notional, at_least=0) * number("fee rate", fee_rate, at_least=0)
    return as_scalar(_positive(equity - fee))


def _positive(value: Number) -> Number:
    """The value where it is above 0, elsewhere a 0 of its own kind: exact among fractions."""
    return np.maximum(value, abs(0 * value))
