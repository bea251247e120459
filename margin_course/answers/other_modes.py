"""Answers of notebook 10."""

from margin_course.accounts import COINS, falling, hedge, in_coins, in_dollars
from margin_course.answers import Answer, Book
from margin_course.scenarios import Scenario


def his(book: Book) -> Scenario:
    """The trader of the notebook: long ETH and short ADA, priced in the first trader's money."""
    return in_dollars(book["cross"], book["leverage"])


def fall_of_the_coins(book: Book) -> Answer:
    """Change of the coins' price, alone, that liquidates the account which they carry."""
    scenario = his(book)
    start = falling(scenario, 0)
    risk = in_coins(scenario).risk(start)
    right = risk.maintenance_margin / risk.equity - 1
    hints = (
        "How much of the coins must still count, so that both trades may stay open?",
        "What counts falls as their price does. It has to stay as large as the maintenance margin "
        "of both trades: which part of it is that, and so which change?",
    )
    slips = {
        -1.0: "Equity would be zero there. Leave the maintenance margins.",
        -right: "They fall: mind the sign.",
        risk.initial_margin / risk.equity - 1: "That is what opens the trades. Less keeps them.",
    }
    return Answer(right, slips, hints)


def leverage_that_opens_both(book: Book) -> Answer:
    """Least leverage with which half of the coins opens both trades."""
    scenario = his(book)
    start = falling(scenario, 0)
    risk = in_coins(scenario).risk(start)
    counted, whole = risk.equity / 2, in_coins(scenario, haircut=0.0).equity(start) / 2
    hints = (
        "The initial margins of both together may be as much as counts.",
        "Initial margin = what both trades are worth / leverage. Let that be what counts of half "
        "of your coins, and solve for the leverage.",
    )
    slips = {
        risk.notional / whole: "That would be enough without the haircut.",
        risk.notional / risk.equity: "That is with all of your coins.",
        counted / risk.notional: "Turned round: leverage is what the trades are worth by it.",
        scenario.trades[0].notional / counted: "That opens ETH alone. ADA needs some, too.",
    }
    return Answer(max(risk.notional / counted, 1.0), slips, hints)


def money_for_a_tenfold_price(book: Book) -> Answer:
    """Money with which a long and a short of one coin live to ten times its price."""
    eth = his(book).trades[0]
    market = eth.contract.market
    both = {market: 10 * eth.price}
    right = hedge(eth, 20).risk(both).maintenance_margin
    hints = (
        "What do you win or lose with both on the way? What do both ask for at the end?",
        "Two sides, each worth ten times as much as at the start: 2 · rate · 10 · notional.",
    )
    slips = {
        right / 2: "Each side asks for its own here, the short, too.",
        right / 10: "That is at the price of the start. What is asked for grows with it.",
        right + 9 * eth.notional: "The long wins what the short loses.",
    }
    return Answer(right, slips, hints)


def what_counts_of_a_loss(book: Book) -> Answer:
    """What counts in the account when its first coin and its collateral have fallen."""
    scenario = his(book)
    eth, left = scenario.trades[0], 1 - scenario.haircut
    account, marks = in_coins(scenario), falling(scenario, -0.3)
    lost = account[eth.symbol].pnl(marks[eth.contract.market])
    worth = account.collateral[0].worth(marks[COINS])
    hints = (
        "The haircut is there because a coin may fall before it is sold. Is a loss a coin?",
        "Cut the haircut off what the coins are worth. Then take away all of the loss.",
    )
    slips = {
        left * (worth + lost): "So says the tool. A loss in money counts in full.",
        worth + lost: "The coins still have their haircut.",
        left * worth: "ETH has lost money, too.",
        left * worth - lost: "A loss takes away.",
    }
    return Answer(account.equity(marks), slips, hints)


ANSWERS = {
    "10.1": fall_of_the_coins,
    "10.2": leverage_that_opens_both,
    "10.3": money_for_a_tenfold_price,
    "10.4": what_counts_of_a_loss,
}
