"""Spot margin: coins and money really borrowed. Who sells short owes coins, not money.

What is outside the bounds in its parameter's line raises MarginError.
"""

from dataclasses import dataclass, replace

from margin_lib import formulas
from margin_lib.errors import keep_number, one_number
from margin_lib.types import ArrayLike, Number, Truth


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotWallet:
    """What one isolated pair of a spot margin account holds and owes; interest is in the debts.

    Parameters
    ----------
    coin, coin_debt : float    held and owed, at least 0 [coin]
    quote, quote_debt : float  the same in quote money [quote]
    coin_interest, quote_interest : float      part of each debt that is interest and bears none,
                               at least 0 [coin; quote]
    prepaid : float            time ahead that interest has been charged for: the rest of a started
                               hour, at least 0 [hour]

    Source: Binance, "Margin level and margin call" (spot margin).

    >>> wallet = SpotWallet(quote=1000).trade(-1, price=2000)   # sell a coin that is not there
    >>> wallet.coin_debt, wallet.quote, wallet.level(2000)
    (1.0, 3000.0, 1.5)
    """

    coin: float = 0
    quote: float = 0
    coin_debt: float = 0
    quote_debt: float = 0
    coin_interest: float = 0
    quote_interest: float = 0
    prepaid: float = 0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            keep_number(self, name, name.replace("_", " "), at_least=0)

    def trade(self, quantity: float, price: float, fee_rate: float = 0) -> "SpotWallet":
        """Buy (above 0) or sell coins; what is missing is borrowed, what comes in repays first.

        What is repaid is interest first.

        Parameters
        ----------
        quantity : float           signed [coin]
        price : float              of the fill, above 0 [quote per coin]
        fee_rate : float           of the notional, 0 <= fee rate < 1, paid in quote [1]

        Returns
        -------
        SpotWallet

        Equation:  coin − coin debt grows by the quantity,
        quote − quote debt by −quantity · price − fee

        Source: Binance, "Margin auto-borrow and auto-repay".

        >>> long = SpotWallet(quote=1000).trade(1, price=2000)   # at 2x
        >>> long.coin, long.quote, long.quote_debt
        (1.0, 0.0, 1000.0)
        """
        bought = one_number("quantity", quantity)
        fee = formulas.trading_fee(formulas.notional(bought, price), fee_rate)
        paid = formulas.equity_of_cash(fee, bought, price)
        coin, coin_debt, coin_interest = _moved(
            self.coin, self.coin_debt, self.coin_interest, bought
        )
        quote, quote_debt, quote_interest = _moved(
            self.quote, self.quote_debt, self.quote_interest, -paid
        )
        return SpotWallet(
            coin=coin,
            quote=quote,
            coin_debt=coin_debt,
            quote_debt=quote_debt,
            coin_interest=coin_interest,
            quote_interest=quote_interest,
            prepaid=self.prepaid if coin_debt or quote_debt else 0,
        )

    def accrue(
        self, hours: float, coin_rate: float = 0, quote_rate: float = 0, past: float = 0
    ) -> "SpotWallet":
        """Add the interest of a time to the debts: simple, for every hour that has started.

        However a time is cut into calls, the interest is the same.

        Parameters
        ----------
        hours : float              since the last call, at least 0 [hour]
        coin_rate, quote_rate : float      of what is borrowed, at least 0 [1 per hour]
        past : float               as for `formulas.interest`, at least 0, for the first call after
                                   borrowing, where hours of the clock are charged [hour]

        Returns
        -------
        SpotWallet

        Equation:  debt grows by (debt − interest in it) · rate · ⌈hours + past − prepaid⌉

        Source as for `formulas.interest`.

        >>> owed = SpotWallet(coin=1, quote_debt=1000).accrue(1.5, quote_rate=0.25)
        >>> owed.quote_debt, owed.accrue(0.5, quote_rate=0.25).quote_debt
        (1500.0, 1500.0)
        """
        hours = one_number("hours", hours, at_least=0) + one_number("past", past, at_least=0)
        time = max(hours - self.prepaid, 0)
        coins, money = self.coin_debt - self.coin_interest, self.quote_debt - self.quote_interest
        coin, quote = (
            formulas.interest(coins, coin_rate, time),
            formulas.interest(money, quote_rate, time),
        )
        paid_for = self.prepaid + formulas.interest(1, 1, time)
        return replace(
            self,
            coin_debt=self.coin_debt + coin,
            coin_interest=self.coin_interest + coin,
            quote_debt=self.quote_debt + quote,
            quote_interest=self.quote_interest + quote,
            prepaid=max(paid_for - hours, 0) if coins or money else 0,
        )

    def equity(self, price: ArrayLike) -> Number:
        """What would be left if all were sold and every debt repaid [quote].

        Equation:  equity = (quote − quote debt) + (coin − coin debt) · price

        Source: Binance, "Margin level and margin call" (spot margin).

        >>> SpotWallet(coin=1, quote_debt=1000).equity(1500)
        500.0
        """
        return formulas.equity_of_cash(
            self.quote - self.quote_debt, self.coin - self.coin_debt, price
        )

    def level(self, price: ArrayLike) -> Number:
        """Margin level at a price; NaN where nothing is owed [1].

        Equation and source as for `formulas.spot_margin_level`.

        >>> SpotWallet(coin=1, quote_debt=1000).level(1500)
        1.5
        """
        return formulas.spot_margin_level(price, **self._sides())

    def liquidation_price(self, level: ArrayLike) -> Number:
        """Price at which the margin level has fallen to a level [quote per coin].

        Returns, equation and source as for `formulas.spot_liquidation_price`.

        >>> SpotWallet(quote=3000, coin_debt=1).liquidation_price(1.25)
        2400.0
        """
        return formulas.spot_liquidation_price(level, **self._sides())

    def is_liquidatable(self, price: ArrayLike, level: float) -> Truth:
        """Something is owed, and the margin level has fallen to the one given.

        Parameters
        ----------
        price : array_like         above 0 [quote per coin]
        level : float              at which the venue liquidates, above 0 [1]

        Returns
        -------
        bool or ndarray of bool    False where nothing is owed

        Equation:  margin level <= level

        Source: Binance, "How to calculate margin liquidation price" (spot margin).

        >>> SpotWallet(coin=1, quote_debt=1000).is_liquidatable([1250, 1251], level=1.25).tolist()
        [True, False]
        """
        one_number("level", level, above=0)
        return self.level(price) <= level  # nothing owed: NaN, never

    def _sides(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in ("coin", "quote", "coin_debt", "quote_debt")}


def _moved(held: float, owed: float, interest: float, change: float) -> tuple[float, float, float]:
    """Held, owed and interest after money came in (repays) or went out (borrowed where missing)."""
    if change >= 0:
        left = (formulas.left_after(each, change) for each in (owed, interest))
        return held + formulas.left_after(change, owed), *left
    return formulas.left_after(held, -change), owed + formulas.left_after(-change, held), interest
