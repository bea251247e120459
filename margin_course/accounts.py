"""Accounts beside the two modes: coins as collateral, two sides of one coin, a scan of the book.

`his` is the scenario of the one with a long and a short, priced in coins; `first` the one of the
first trade, which says what a coin costs in money.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from margin_course.scenarios import Scenario, Trade
from margin_lib.account import Account, Collateral, Position
from margin_lib.contracts import Contract
from margin_lib.plans import TopUp
from margin_lib.replay import Replay, replay
from margin_lib.types import Number

COINS = "coins"  # the market of what is held beside money; its price is 1 at the start
BROKEN = 0.65  # USDe on one exchange on 2025-10-10, of a dollar: [usde] of data/events.toml


def in_dollars(his: Scenario, first: Scenario) -> Scenario:
    """His trades in the currency of the first trade, by what his first coin costs there.

    Parameters
    ----------
    his, first : Scenario      both trade a coin of the same name

    Returns
    -------
    Scenario

    Raises
    ------
    MarginError                no coin of that name

    Equation:  price of his currency = price of the coin there / price of the coin here

    >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=0.5, margin=2, leverage=4)
    >>> his = Scenario(name="a", currency="BTC", balance=5, trades=(eth,))
    >>> dear = replace(eth, price=100)
    >>> in_dollars(his, Scenario(name="b", currency="USD", balance=5, trades=(dear,))).balance
    1000.0
    """
    symbol = his.trades[0].symbol
    return his.priced_in(first.currency, first[symbol].price / his[symbol].price)


def in_coins(scenario: Scenario, share: float = 1.0, haircut: float | None = None) -> Account:
    """The cross account with a share of its balance in coins, less a haircut.

    Parameters
    ----------
    scenario : Scenario
    share : float              of the balance, 0 to 1 [1]
    haircut : float or None    0 to 1; None for the scenario's [1]

    Returns
    -------
    Account                    its coins follow the market `COINS`, at 1 when they are put in

    Equation:  what counts = balance · (1 − share + (1 − haircut) · share · price of the coin)

    >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
    >>> mine = Scenario(name="a", currency="USD", balance=4, trades=(eth,), haircut=0.25)
    >>> in_coins(mine).equity({"ETH": 8, COINS: 1}), in_coins(mine).equity({"ETH": 8, COINS: 0.5})
    (3.0, 1.5)
    """
    counted = 1 - (scenario.haircut if haircut is None else haircut)
    return scenario.account("cross").holding(COINS, share, price=1.0, ratio=counted)


def falling(scenario: Scenario, change: Number, follows: float = 1.0) -> dict[str, Any]:
    """Marks when the first coin changes, and the coins held by a share of that.

    Parameters
    ----------
    scenario : Scenario
    change : float or ndarray  of the first trade's price, above -1 [1]
    follows : float            share of it that the coins held make, 0 to 1 [1]

    Returns
    -------
    dict                       market -> price [quote per coin]

    >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
    >>> falling(Scenario(name="a", currency="USD", balance=4, trades=(eth,)), -0.5, follows=0.5)
    {'ETH': 4.0, 'coins': 0.75}
    """
    return {**scenario.marks(**{scenario.trades[0].symbol: change}), COINS: 1 + follows * change}


def hedge(trade: Trade, leverage: float, hedged: str = "both") -> Account:
    """A long and a short of one coin on one balance (hedge mode), each as large as a trade.

    Parameters
    ----------
    trade : Trade              its coin, size and price
    leverage : float           of both, at least 1 [1]
    hedged : str               what both ask of the balance, as for `Conventions`

    Returns
    -------
    Account                    its balance are the two initial margins, and nothing else

    Equation:  balance = 2 · notional / leverage

    >>> eth = Contract(symbol="ETH", maintenance=0.25)
    >>> eth = Trade(contract=eth, side="long", price=8, margin=2, leverage=4)
    >>> [hedge(eth, 2, rule).risk({"ETH": 8}).maintenance_margin for rule in ("both", "net")]
    [4.0, 0.0]
    """
    rules = replace(trade.contract.conventions, hedged=hedged)
    market, legs = trade.contract.market, []
    for side, word in ((1, "long"), (-1, "short")):
        name = f"{trade.symbol} {word}"
        contract = replace(trade.contract, symbol=name, market=market, conventions=rules)
        legs.append(_leg(trade, contract, side, leverage))
    return Account(balance=2 * trade.notional / leverage, positions=legs)


def covered(trade: Trade, money: float, counted: float) -> Account:
    """Coins that are owned, and a short of as many, on one balance.

    Parameters
    ----------
    trade : Trade              its coin, size, price and leverage
    money : float              the balance beside the coins [quote]
    counted : float            share of the coins' value that is collateral, 0 for none, to 1 [1]

    Returns
    -------
    Account

    >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
    >>> [covered(eth, 5, counted).equity({"ETH": 12}) for counted in (0, 1)]
    [1.0, 13.0]
    """
    coins = Collateral(
        coin=trade.contract.market, amount=abs(trade.quantity) * trade.contract.size, ratio=counted
    )
    short = _leg(trade, trade.contract, -1, trade.leverage)
    return Account(balance=money, positions=[short], collateral=[coins])


def _leg(trade: Trade, contract: Contract, side: int, leverage: float) -> Position:
    return Position(
        contract=contract,
        quantity=side * abs(trade.quantity),
        entry_price=trade.price,
        leverage=leverage,
    )


def topped_up(scenario: Scenario, symbol: str, changes: Iterable[float]) -> Replay:
    """One isolated trade that takes margin from the balance by itself, on a walk of its price.

    Parameters
    ----------
    scenario : Scenario        its other trades are not opened
    symbol : str
    changes : iterable         of the price since entry, step by step [1]

    Returns
    -------
    Replay

    >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=2, leverage=4)
    >>> mine = Scenario(name="a", currency="USD", balance=5, trades=(eth,))
    >>> walk = topped_up(mine, "ETH", [-0.5])
    >>> walk.end.balance, walk.end["ETH"].margin
    (0.0, 5.0)
    """
    account = scenario.account({symbol: "isolated"})
    return replay(account, [scenario.marks(**{symbol: x}) for x in changes], plan=TopUp())
