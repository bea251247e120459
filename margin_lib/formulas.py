"""The mathematics: each function is one balance equation, for single numbers and arrays alike.

Quantities are signed: above zero for a long position, below zero for a short one. Money is in the
account's currency (quote), prices are in quote per coin. Inputs that are no finite number raise
MarginError, so a NaN in a result always means "never" or "undefined", not a mistake on the way.
Given fractions (`fractions.Fraction`) and whole numbers, results are exact fractions.

An inverse contract is margined in the coin, and its quantity counts quote money. Its profit
q · (1/E − 1/P) is −q · (1/P − 1/E): that of a linear contract in the reciprocal price, with the
side turned. So every function has one equation, and `inverse=True` turns its inputs.
"""

import numpy as np

from margin_lib.errors import MarginError, number, plain


def _turned(quantity, price, inverse):
    """Quantity and price of the linear contract that an inverse one is in the reciprocal price."""
    return (-quantity, 1 / price) if inverse else (quantity, price)


def quantity(margin, leverage, price, inverse=False):
    """Quantity that a margin controls at a leverage.

    Equation:  notional(quantity, price) = margin · leverage

    Parameters
    ----------
    margin : array_like        own money put in [quote]
    leverage : array_like      chosen leverage, at least 1 [1]
    price : array_like         entry price, above 0 [quote per coin]

    Returns
    -------
    float or ndarray           size of a long; put a minus before it for a short [coin]

    Raises
    ------
    MarginError                margin or price not above 0, leverage below 1, not finite

    Source: definition of leverage; claim L1 of the course.

    >>> quantity(1000, 5, 2000)
    2.5
    """
    margin = number("margin", margin, above=0)
    leverage = number("leverage", leverage, at_least=1)
    _, price = _turned(0, number("price", price, above=0), inverse)
    return plain(margin * leverage / price)


def notional(quantity, price, inverse=False):
    """Value of a position at a price, in the money that it is margined in.

    Equation:  notional = |quantity| · price;  inverse:  |quantity| / price

    Parameters
    ----------
    quantity : array_like      signed [coin]
    price : array_like         above 0 [quote per coin]

    Returns
    -------
    float or ndarray           never negative [quote]

    Raises
    ------
    MarginError                price not above 0; not finite

    Source: definition.

    >>> notional(-100, 0.1)
    10.0
    """
    price = number("price", price, above=0)
    quantity, price = _turned(number("quantity", quantity), price, inverse)
    return plain(abs(quantity) * price)


def pnl(quantity, entry_price, price, inverse=False):
    """Profit (above 0) or loss (below 0) of a position since its entry.

    Equation:  pnl = quantity · (price − entry_price);
    inverse:  pnl = quantity · (1 / entry_price − 1 / price)

    Parameters
    ----------
    quantity : array_like      signed [coin]
    entry_price : array_like   above 0 [quote per coin]
    price : array_like         above 0 [quote per coin]

    Returns
    -------
    float or ndarray           [quote]

    Raises
    ------
    MarginError                a price not above 0; not finite

    Source: definition of a linear and of an inverse contract.

    >>> pnl(-100, 0.25, 0.5)
    -25.0
    >>> pnl(100, 0.25, 0.5, inverse=True)
    200.0
    """
    entry_price = number("entry price", entry_price, above=0)
    price = number("price", price, above=0)
    _, entry_price = _turned(0, entry_price, inverse)
    quantity, price = _turned(number("quantity", quantity), price, inverse)
    return plain(quantity * (price - entry_price))


def average_entry_price(quantity, entry_price, added_quantity, added_price, inverse=False):
    """Entry price of a position after more was bought (or sold short) at another price.

    Equation:  (quantity + added) · entry = quantity · entry_price + added · added_price;
    inverse: the same in reciprocal prices (the harmonic mean)

    Parameters
    ----------
    quantity, added_quantity : array_like      signed, of the same side [coin]
    entry_price, added_price : array_like      above 0 [quote per coin]

    Returns
    -------
    float or ndarray           [quote per coin]

    Raises
    ------
    MarginError                a price not above 0; nothing in all, or two sides; not finite

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
    _, first_price = _turned(0, first_price, inverse)
    _, second_price = _turned(0, second_price, inverse)
    mean = (first * first_price + second * second_price) / (first + second)
    return plain(_turned(0, mean, inverse)[1])


def initial_margin(notional, leverage):
    """Least collateral that opens a position.

    Equation:  initial margin = notional / leverage

    Parameters
    ----------
    notional : array_like      at least 0 [quote]
    leverage : array_like      chosen leverage, at least 1 [1]

    Returns
    -------
    float or ndarray           [quote]

    Raises
    ------
    MarginError                leverage below 1, notional below 0, not finite

    Source: definition; claim T2 of the course.

    >>> initial_margin(10, 5)
    2.0
    """
    notional = number("notional", notional, at_least=0)
    return plain(notional / number("leverage", leverage, at_least=1))


def borrowed(notional, own_money):
    """What the exchange lends in the margin-loan form.

    Equation:  borrowed = notional − own money

    Parameters
    ----------
    notional : array_like      at entry [quote]
    own_money : array_like     margin put in at entry [quote]

    Returns
    -------
    float or ndarray           0 where own money pays for everything [quote]

    Raises
    ------
    MarginError                below 0; not finite

    Source: claim L3 of the course.

    >>> borrowed(10, 2)
    8.0
    """
    notional = number("notional", notional, at_least=0)
    return plain(np.maximum(notional - number("own money", own_money, at_least=0), 0))


def maintenance_margin(notional, rate, amount=0):
    """Least equity that keeps a position open.

    Equation:  maintenance margin = rate · notional − amount

    Parameters
    ----------
    notional : array_like      at the mark price [quote]
    rate : array_like          maintenance margin rate, 0 <= rate < 1 [1]
    amount : array_like        maintenance amount, deducted [quote]

    Returns
    -------
    float or ndarray           [quote]

    Raises
    ------
    MarginError                rate outside its range, notional below 0, not finite

    Source: Binance, "Leverage and margin of USDⓈ-M futures": notional · rate − amount.

    >>> maintenance_margin(10, 0.25)
    2.5
    """
    rate = number("rate", rate, at_least=0, below=1)
    notional = number("notional", notional, at_least=0)
    return plain(rate * notional - number("amount", amount))


def tiered_maintenance(notional, tiers):
    """Maintenance margin by a table: rate and amount of the row that each notional falls into.

    Equation:  maintenance margin = rate(N) · N − amount(N)

    Parameters
    ----------
    notional : array_like      at the mark price, never the margin [quote]
    tiers : contracts.Tiers

    Returns
    -------
    float or ndarray           [quote]

    Raises
    ------
    MarginError                notional below 0, not finite

    Source: Binance, "Leverage and margin of USDⓈ-M futures".

    >>> tiered_maintenance(200, [(0, 0.25, 0, None), (100, 0.5, 25, None)])
    75.0
    """
    notional = number("notional", notional, at_least=0)
    margin = 0
    for floor, rate, amount, _ in tiers:
        margin = np.where(notional >= floor, rate * notional - amount, margin)
    return plain(margin)


def margin_ratio(maintenance_margin, equity):
    """How near liquidation is: danger is 1.

    Equation:  margin ratio = maintenance margin / equity

    Parameters
    ----------
    maintenance_margin : array_like    at least 0 [quote]
    equity : array_like                signed [quote]

    Returns
    -------
    float or ndarray           infinite once equity is used up [1]

    Raises
    ------
    MarginError                maintenance below 0; not finite

    Source: Binance futures ("margin ratio", liquidation at 100 %).

    >>> margin_ratio(0.5, 2)
    0.25
    >>> margin_ratio(0.5, -1)
    inf
    """
    maintenance = number("maintenance margin", maintenance_margin, at_least=0)
    equity = number("equity", equity)
    alive = np.greater(equity, 0)
    with np.errstate(over="ignore"):
        ratio = maintenance / np.where(alive, equity, 1)
    return plain(np.where(alive, ratio, np.inf))


def liquidation_price(entry_price, quantity, collateral, rate, amount=0, fee_rate=0, inverse=False):
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
    fee_rate : array_like      closing fee, where a venue counts it in the requirement [1]
    inverse : bool             margined in the coin

    Returns
    -------
    float or ndarray           a long lives above the price, a short below it. NaN: no price
                               liquidates ("never"). 0 for a short, infinity for an inverse long:
                               no price keeps it alive [quote per coin]

    Raises
    ------
    MarginError                a price not above 0, a rate outside its range, not finite

    Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts", and the
    same for COIN-M.

    >>> round(liquidation_price(0.1, 100, collateral=2, rate=0.02), 6)
    0.081633
    >>> liquidation_price(0.1, 100, collateral=10, rate=0.02)   # own money pays for everything
    nan
    >>> liquidation_price(8000, 8000, collateral=1, rate=0, inverse=True)   # a long at 1x can die
    4000.0
    """
    tier = 0, number("rate", rate, at_least=0, below=1), number("amount", amount), None
    return tiered_liquidation_price(entry_price, quantity, collateral, [tier], fee_rate, inverse)


def tiered_liquidation_price(entry_price, quantity, collateral, tiers, fee_rate=0, inverse=False):
    """Mark price at which equity has fallen to the maintenance margin of a table.

    Each row of the table has its own solution. A row counts only where the position's notional
    falls into it: beyond its floor there is no liquidation in this row, and up to its cap the
    position is liquidated from the row's solution on. The price is the first of these that the
    market reaches: the highest for a long, the lowest for a short. On a table without jumps that
    is the only one. On a table that jumps at its floors, prices beyond it may be safe again; the
    position does not live to see them.

    Parameters
    ----------
    entry_price, quantity, collateral, fee_rate, inverse : as for `liquidation_price`
    tiers : contracts.Tiers    or rows of (floor, rate, amount, max_leverage)

    Returns and raises as `liquidation_price`.

    Equation:  max over rows of min(solution, price at the cap), rows with
    solution >= price at the floor; mirrored for a short

    Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts".

    >>> rows = [(0, 0.25, 0, None), (100, 0.5, 25, None)]
    >>> tiered_liquidation_price(1.0, 400, 150, rows)
    1.125
    """
    entry = number("entry price", entry_price, above=0)
    q = number("quantity", quantity)
    fee = number("fee rate", fee_rate, at_least=0)
    money = number("collateral", collateral)
    q, entry = _turned(q, entry, inverse)
    side, coins = np.sign(q), np.where(np.equal(q, 0), 1, np.abs(q))
    value, best = (q * entry - money) / coins, -np.inf
    caps = [*(floor for floor, *_ in tiers[1:]), np.inf]
    for (floor, rate, amount, _), cap in zip(tiers, caps, strict=True):
        rate = number("rate with closing fee", rate + fee, below=1)
        # Prices times the side: on this axis long and short both die towards the left.
        solution = (value - amount / coins) / (1 - rate * side)
        at_floor, at_cap = floor / coins, cap / coins
        left = np.where(np.less(side, 0), -at_cap, at_floor)
        right = np.where(np.less(side, 0), -at_floor, at_cap)
        dies_at = np.where(solution >= left, np.minimum(solution, right), -np.inf)
        best = np.maximum(best, dies_at)
    price = np.where(np.less(side, 0), abs(best), np.where(np.greater(best, 0), best, np.nan))
    price = np.where(np.equal(side, 0), np.nan, price)
    if inverse:
        price = np.where(np.equal(price, 0), np.inf, 1 / np.where(np.equal(price, 0), 1, price))
    return plain(price)


def liquidation_range(legs, collateral, price, inverse=False):
    """The prices, below and above today's, at which several positions of one market die together.

    Between two floors of any of their tables, equity less maintenance is a straight line in the
    price. From today's price the lines are followed, downwards and upwards, to the first zero.

    Parameters
    ----------
    legs : iterable            of (entry price, quantity, tiers, fee rate), quantities not 0
    collateral : float         what carries them beside their own PnL [quote; inverse: coin]
    price : float              today's, above 0 [quote per coin]
    inverse : bool             margined in the coin

    Returns
    -------
    (float, float)             below and above; NaN for "never"; both `price` itself where they
                               are liquidated already [quote per coin]

    Raises
    ------
    MarginError                a price not above 0, no quantity, not finite

    Equation:  collateral + Σ pnl(P) = Σ maintenance(P), the next solution on either side

    Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts" (hedge mode).

    >>> flat = [(0, 0.25, 0, None)]
    >>> liquidation_range([(1.0, 8, flat, 0), (1.0, -8, flat, 0)], collateral=6, price=1.0)
    (nan, 1.5)
    """
    now = number("price", price, above=0)
    collateral, now = number("collateral", collateral), _turned(0, now, inverse)[1]
    turned = []
    for entry, quantity, tiers, fee in legs:
        entry = number("entry price", entry, above=0)
        turned.append((*_turned(number("quantity", quantity), entry, inverse), tiers, fee))
    floors = {tier[0] / abs(q) for q, _, tiers, _ in turned for tier in tiers}
    borders = [*sorted(floors), np.inf]

    def line(at):
        """Equity less maintenance around a price: value at a price of 0, and slope."""
        value, slope = collateral, 0
        for q, entry, tiers, fee in turned:
            _, rate, amount, _ = [tier for tier in tiers if tier[0] <= abs(q) * at][-1]
            value, slope = value - q * entry + amount, slope + q - (rate + fee) * abs(q)
        return value, slope

    def first_zero(parts, inwards):
        """Where the line first reaches zero, part by part, each from its edge nearer to `now`."""
        for left, right in parts:
            value, slope = line((left + min(right, 2 * left + 1)) / 2)  # rounding decides at left
            near = right if inwards else left
            if value + slope * near <= 0:
                return near
            if slope and left < -value / slope < right:
                return -value / slope
        return np.nan

    parts = list(zip(borders, borders[1:], strict=False))
    lower = first_zero([(a, min(b, now)) for a, b in reversed(parts) if a < now], inwards=True)
    upper = first_zero([(max(a, now), b) for a, b in parts if b > now], inwards=False)
    lower, upper = plain(lower), plain(upper)
    return (1 / upper, 1 / lower) if inverse else (lower, upper)


def bankruptcy_price(entry_price, quantity, collateral, inverse=False):
    """Mark price at which equity is zero: the liquidation price without any maintenance margin.

    Equation, solved for the price P:  collateral + pnl(P) = 0

    Parameters, returns and errors as for `liquidation_price`.

    Source: Bybit, "Bankruptcy price".

    >>> round(bankruptcy_price(0.1, 100, collateral=2), 6)
    0.08
    """
    return liquidation_price(entry_price, quantity, collateral, rate=0, inverse=inverse)


def funding(quantity, mark_price, rate, inverse=False):
    """Cash that one funding payment brings the holder of a position.

    Equation:  cash = −(side of the quantity) · notional(mark price) · rate

    Parameters
    ----------
    quantity : array_like      signed [coin]
    mark_price : array_like    above 0 [quote per coin]
    rate : array_like          signed; above 0 the longs pay the shorts [1]

    Returns
    -------
    float or ndarray           above 0 received, below 0 paid [quote]

    Raises
    ------
    MarginError                price not above 0; not finite

    Source: Binance, "Introduction to futures funding rates".

    >>> funding(-2, 3000, 0.001)
    6.0
    """
    value = notional(quantity, number("mark price", mark_price, above=0), inverse)
    return plain(-np.sign(quantity) * value * number("rate", rate))


def interest(borrowed, hourly_rate, hours):
    """Interest on a margin loan: simple, for every hour that has started.

    Equation:  interest = borrowed · hourly rate · ⌈hours⌉

    Parameters
    ----------
    borrowed : array_like      at least 0 [quote]
    hourly_rate : array_like   at least 0 [1 per hour]
    hours : array_like         time since borrowing, at least 0 [hour]

    Returns
    -------
    float or ndarray           [quote]

    Raises
    ------
    MarginError                anything below 0; not finite

    Source: Binance, "Margin interest": simple interest by the started hour.

    >>> interest(8, 0.25, 1.5)
    4.0
    """
    borrowed = number("borrowed", borrowed, at_least=0)
    hours = number("hours", hours, at_least=0)
    started = -(-hours // 1)
    return plain(borrowed * number("hourly rate", hourly_rate, at_least=0) * started)
