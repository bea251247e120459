"""The mathematics: each function is one balance equation, for single numbers and arrays alike.

Quantities are signed: above zero for a long position, below zero for a short one. Money is in the
account's currency (quote), prices are in quote per coin. Inputs that are no finite number raise
MarginError, so a NaN in a result always means "never" or "undefined", not a mistake on the way.
"""

import numpy as np

from margin_lib.errors import MarginError, number, plain


def quantity(margin, leverage, price):
    """Coins that a margin controls at a leverage.

    Equation:  quantity · price = margin · leverage

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
    return margin * leverage / number("price", price, above=0)


def notional(quantity, price):
    """Value of a position at a price.

    Equation:  notional = |quantity| · price

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
    return abs(number("quantity", quantity)) * number("price", price, above=0)


def pnl(quantity, entry_price, price):
    """Profit (above 0) or loss (below 0) of a position since its entry.

    Equation:  pnl = quantity · (price − entry_price)

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

    Source: definition of a linear contract.

    >>> pnl(-100, 0.25, 0.5)
    -25.0
    """
    entry_price = number("entry price", entry_price, above=0)
    price = number("price", price, above=0)
    return number("quantity", quantity) * (price - entry_price)


def average_entry_price(quantity, entry_price, added_quantity, added_price):
    """Entry price of a position after more was bought (or sold short) at another price.

    Equation:  (quantity + added) · entry = quantity · entry_price + added · added_price

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
    return (first * first_price + second * second_price) / (first + second)


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
    return number("notional", notional, at_least=0) / number("leverage", leverage, at_least=1)


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
    return plain(np.maximum(notional - number("own money", own_money, at_least=0), 0.0))


def maintenance_margin(notional, rate, amount=0.0):
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
    return rate * number("notional", notional, at_least=0) - number("amount", amount)


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
    equity = np.asarray(number("equity", equity))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return plain(np.where(equity > 0, maintenance / equity, np.inf))


def liquidation_price(entry_price, quantity, collateral, rate, amount=0.0, fee_rate=0.0):
    """Mark price at which equity has fallen to the maintenance margin.

    Equation, solved for the price P:

        collateral + quantity · (P − entry_price) = (rate + fee_rate) · |quantity| · P − amount

    In isolated margin the collateral is the position's own margin. In cross margin it is the
    shared balance plus the profit of the other positions less their maintenance margin.

    Parameters
    ----------
    entry_price : array_like   above 0 [quote per coin]
    quantity : array_like      signed; nothing liquidates where it is 0 [coin]
    collateral : array_like    signed [quote]
    rate : array_like          maintenance margin rate, 0 <= rate < 1 [1]
    amount : array_like        maintenance amount [quote]
    fee_rate : array_like      closing fee, where a venue counts it in the requirement [1]

    Returns
    -------
    float or ndarray           NaN: no price liquidates ("never"). 0: a short that no price keeps
                               alive. A long lives above the price, a short below [quote per coin]

    Raises
    ------
    MarginError                a price not above 0, a rate outside its range, not finite

    Source: Binance, "How to calculate liquidation price of USDⓈ-M futures contracts".

    >>> round(liquidation_price(0.1, 100, collateral=2, rate=0.02), 6)
    0.081633
    >>> liquidation_price(0.1, 100, collateral=10, rate=0.02)   # own money pays for everything
    nan
    """
    entry = number("entry price", entry_price, above=0)
    q = number("quantity", quantity)
    rate = number("rate", rate, at_least=0, below=1)
    rate = number("rate with closing fee", rate + number("fee rate", fee_rate, at_least=0), below=1)
    money = number("collateral", collateral) + number("amount", amount)
    with np.errstate(divide="ignore", invalid="ignore"):
        price = np.divide(q * entry - money, q - rate * np.abs(q))
    price = np.where(price > 0, price, np.where(np.less(q, 0), 0.0, np.nan))
    return plain(np.where(np.equal(q, 0), np.nan, price))


def bankruptcy_price(entry_price, quantity, collateral):
    """Mark price at which equity is zero: the liquidation price without any maintenance margin.

    Equation, solved for the price P:  collateral + quantity · (P − entry_price) = 0

    Parameters, returns and errors as for `liquidation_price`.

    Source: Bybit, "Bankruptcy price".

    >>> round(bankruptcy_price(0.1, 100, collateral=2), 6)
    0.08
    """
    return liquidation_price(entry_price, quantity, collateral, rate=0.0)


def funding(quantity, mark_price, rate):
    """Cash that one funding payment brings the holder of a position.

    Equation:  cash = −quantity · mark price · rate

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
    mark_price = number("mark price", mark_price, above=0)
    return -number("quantity", quantity) * mark_price * number("rate", rate)


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
    return plain(borrowed * number("hourly rate", hourly_rate, at_least=0) * np.ceil(hours))
