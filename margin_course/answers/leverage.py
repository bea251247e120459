"""Answers of notebook 01."""

import math

from margin_course.answers import Answer, Book

HOURS = (
    "How much may the interest take? And how much does it take each hour?",
    "Hours = a twentieth of the margin / (hourly rate · what you borrowed).",
)


def rise_that_earns_half(book: Book) -> Answer:
    """Rise of the price that earns half the margin."""
    trade = book["leverage"].trades[0]
    slips = {
        0.5 * trade.leverage: "That is what a rise by half earns. Ask the other way round.",
        1 / trade.leverage: "That rise earns the whole margin. You want half of it.",
        0.5: "Without leverage, yes. But you hold more than you paid for.",
    }
    hints = (
        "Leverage turns a price change into a return on your margin. Here you know the return and "
        "want the price change.",
        "Return on margin = leverage · price change. Put in 0.5 on the left, your leverage on the "
        "right, and solve.",
    )
    return Answer(0.5 / trade.leverage, slips, hints)


def money_that_restores_leverage(book: Book) -> Answer:
    """Money that brings effective leverage back to the chosen one, halfway to zero."""
    scenario = book["leverage"]
    trade = scenario.trades[0]
    account = scenario.account("isolated")
    halfway = (trade.price + account.bankruptcy_price(trade.symbol)) / 2
    risk = account[trade.symbol].risk(halfway)
    slips = {
        trade.margin - risk.equity: "That restores your margin. But the position is smaller now.",
        risk.initial_margin: "That is the equity you need. Some of it is still there.",
        risk.equity: "That is what is still there. How much more do you need?",
    }
    hints = (
        "First find equity and notional halfway down. Both have shrunk, but not alike.",
        "To be back at the chosen leverage, equity must be notional / leverage, with the notional "
        "of now. What is missing to that?",
    )
    return Answer(risk.initial_margin - risk.equity, slips, hints)


def hours_of_interest(book: Book) -> Answer:
    """Hours until the interest has taken a twentieth of the margin."""
    scenario = book["leverage"]
    trade = scenario.trades[0]
    position = scenario.account("isolated")[trade.symbol]
    pays = 0.05 * position.own_margin
    a_day, an_hour = 24 * scenario.hourly_interest, scenario.hourly_interest
    if not an_hour * position.borrowed:
        return Answer(math.nan, hints=HOURS)
    right = pays / (an_hour * position.borrowed)
    slips = {
        pays
        / (an_hour * position.own_margin): "Interest is charged on the loan, not on your margin.",
        pays / (an_hour * trade.notional): "Interest is charged on the loan, not on all you hold.",
        pays / (a_day * position.borrowed): "Those are days. Write hours.",
        position.own_margin / (an_hour * position.borrowed): "That takes all of your margin.",
    }
    return Answer(right, slips, HOURS)


def price_where_the_margin_is_gone(book: Book) -> Answer:
    """Price at which the margin is gone, where a formula counts leverage twice."""
    scenario = book["leverage"]
    trade = scenario.trades[0]
    account = scenario.account("isolated")
    twice = trade.price * (1 - 1 / trade.leverage**2)
    slips = {
        twice: "That is the faulty number. Which price change costs you the whole margin?",
        account.liquidation_price(trade.symbol): (
            "That is where the exchange acts. Here you want the price where nothing is left."
        ),
        trade.price / trade.leverage: "You divided the price. Ask for the fall that costs it all.",
        -1 / trade.leverage: "That is the change of the price. Give the price itself.",
    }
    hints = (
        "Forget the formula of the page. Which price change makes a loss as large as the whole "
        "margin?",
        "Your own share of the position is 1 / leverage. When the price has fallen by that share, "
        "your money is gone. Turn that fall into a price.",
    )
    return Answer(account.bankruptcy_price(trade.symbol), slips, hints)


ANSWERS = {
    "01.1": rise_that_earns_half,
    "01.2": money_that_restores_leverage,
    "01.3": hours_of_interest,
    "01.4": price_where_the_margin_is_gone,
}
