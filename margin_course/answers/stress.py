"""Answers of notebook 09."""

from margin_course.answers import Answer, Book
from margin_lib import formulas


def leverage_that_survives_the_fall(book: Book) -> Answer:
    """Highest leverage at which an isolated long survives a fall by a quarter."""
    rate = book["stress"].trades[0].contract.maintenance_rate
    right = 1 / (1 - 0.75 * (1 - rate))
    slips = {
        4.0: "There equity is zero. The exchange acts earlier.",
        1 / (0.25 + rate): "Close. The maintenance margin is a share of the fallen price.",
        1 / right: "That is the margin, as a share of the position. Turn it over.",
    }
    hints = (
        "Take an entry price of one. What is the equity of the pocket after the fall?",
        "Put that equity equal to the maintenance rate times the price that is left, and solve for "
        "the margin. The leverage is one over that margin.",
    )
    return Answer(right, slips, hints)


def balance_that_loses_its_short(book: Book) -> Answer:
    """Balance that lives through the crash although the short is taken away on the way."""
    scenario = book["stress"]
    eth, ltc = scenario.trades
    loser = scenario.with_trade(ltc.symbol, side="long").account({ltc.symbol: "isolated"})
    account, marks = scenario.account("cross"), scenario.marks(**scenario.moves["second"])
    kept = account[ltc.symbol].pnl(loser.bankruptcy_price(ltc.symbol))
    long = account[eth.symbol].risk(marks[eth.symbol])
    both = account.risk(marks)
    lack = long.maintenance_margin - long.equity
    slips = {
        lack: "The short has earned something before it was closed. That stays in the account.",
        -long.equity - kept: "Equity would be zero. Leave the maintenance margin of the long.",
        max(both.maintenance_margin - both.equity + account.balance, 0.0): (
            "That is with both trades. One of them has been taken away."
        ),
    }
    hints = (
        "What the short earned is its size times the way to the loser's bankruptcy price.",
        "Balance plus that profit less the loss of the long must reach its maintenance margin.",
    )
    return Answer(lack - kept, slips, hints)


def eth_edge_with_eth_as_collateral(book: Book) -> Answer:
    """Change of ETH that liquidates the cross account when all of its balance is ETH."""
    scenario = book["stress"]
    trade = scenario.trades[0]
    account = scenario.account({trade.symbol: "cross"})
    marks = scenario.marks()
    coins = account.holding(trade.symbol, 1, trade.price)
    edge = coins.liquidation_price(trade.symbol, marks)
    zero = formulas.bankruptcy_price(
        trade.price, trade.quantity + account.balance / trade.price, account.balance
    )
    slips = {
        account.liquidation_price(trade.symbol) / trade.price - 1: (
            "That is with dollars. The coins fall as well."
        ),
        zero / trade.price - 1: "There equity is zero. The exchange acts earlier.",
        edge / trade.price: "That is what is left of the price. Give its change.",
        edge: "That is the price. Give its change.",
    }
    hints = (
        "You own the coins of the trade, and those that the balance has bought.",
        "Balance and trade fall together: equity at price P is quantity · (P − entry) + coins · P.",
    )
    return Answer(edge / trade.price - 1, slips, hints)


def gain_of_the_fund_in_a_gap(book: Book) -> Answer:
    """What the fund gets in a gap, where a simulator closes at the liquidation price."""
    scenario = book["stress"]
    trade = scenario.trades[0]
    account = scenario.account("isolated")
    edge, end = (f(trade.symbol) for f in (account.liquidation_price, account.bankruptcy_price))
    trade = account[trade.symbol]
    slips = {
        trade.risk(edge).equity: "So says the faulty simulator. Nobody bought at that price.",
        trade.pnl(end / 2): "That is the whole loss. Your margin pays a part of it.",
        -trade.risk(end / 2).equity: "Look at the sign: does the fund get this, or pay it?",
    }
    hints = (
        "After the gap the price is half of the bankruptcy price. The position is closed there.",
        "The fund gets the margin plus the profit at that price, and the profit is a large loss.",
    )
    return Answer(trade.risk(end / 2).equity, slips, hints)


ANSWERS = {
    "09.1": leverage_that_survives_the_fall,
    "09.2": balance_that_loses_its_short,
    "09.3": eth_edge_with_eth_as_collateral,
    "09.4": gain_of_the_fund_in_a_gap,
}
