"""Answers of notebook 03."""

from margin_course.answers import Answer, Book
from margin_course.scenarios import Scenario
from margin_lib import formulas


def wall(scenario: Scenario, symbol: str) -> float:
    """Change of a price, since entry, that liquidates an isolated position."""
    return scenario.account("isolated").liquidation_price(symbol) / scenario[symbol].price - 1


def edge_with_half_as_many_coins_again(book: Book) -> Answer:
    """Change of the price that liquidates when the margin buys half as many coins again."""
    trade = book["isolated"].trades[0]
    larger = 1.5 * trade.quantity, trade.margin
    edge = formulas.liquidation_price(trade.price, *larger, trade.contract.maintenance_rate)
    bankrupt = formulas.bankruptcy_price(trade.price, *larger)
    slips = {
        bankrupt / trade.price - 1: "That is where equity is zero. The exchange acts earlier.",
        wall(book["isolated"], trade.symbol): "That is where it was before you changed anything.",
    }
    hints = (
        "More coins on the same margin: what does each coin have behind it now?",
        "Your leverage is one and a half times as high. Let the entry price be 1, and solve 1 / "
        "leverage + change = rate · (1 + change).",
    )
    return Answer(edge / trade.price - 1, slips, hints)


def margin_for_a_lower_edge(book: Book) -> Answer:
    """Margin to add so that the liquidation price falls to three fifths of the entry price."""
    scenario = book["isolated"]
    trade = scenario.trades[0]
    there = scenario.account("isolated")[trade.symbol].risk(0.6 * trade.price)
    opened = scenario.account("isolated")[trade.symbol].risk(trade.price)
    needed = there.maintenance_margin - there.equity
    slips = {
        opened.maintenance_margin - there.equity: (
            "Take the maintenance margin at the lower price, where you want the liquidation."
        ),
        -there.equity: "Equity would be zero there. Leave the maintenance margin.",
        trade.margin + needed: "That is the whole margin. A part of it is in the trade already.",
    }
    hints = (
        "At the price you want, how much equity have you, and how much must you have there?",
        "At three fifths of the entry price: maintenance margin − equity. Both with your quantity, "
        "and with the margin that you have now.",
    )
    return Answer(needed, slips, hints)


def bill_of_the_insurance_fund(book: Book) -> Answer:
    """What the insurance fund pays when the price opens at half of the entry price."""
    scenario = book["isolated"]
    trade = scenario.trades[0]
    risk = scenario.account("isolated")[trade.symbol].risk(0.5 * trade.price)
    loss = trade.margin - risk.equity
    slips = {
        loss: "That is all of the loss. You pay a part of it yourself.",
        trade.margin: "That is your part of the loss. Who pays the rest of it?",
        risk.maintenance_margin - risk.equity: (
            "Nobody keeps a maintenance margin for a position that is closed."
        ),
    }
    hints = (
        "Find your loss first. Who pays which part of it?",
        "The loss is quantity · half of the entry price. You pay your margin, and no more. If "
        "something is left to pay, the fund pays it.",
    )
    return Answer(max(-risk.equity, 0.0), slips, hints)


def edge_with_the_undivided_rate(book: Book) -> Answer:
    """The right liquidation price, where a formula divides the maintenance rate by leverage."""
    scenario = book["isolated"]
    trade = scenario.trades[0]
    rate = trade.contract.maintenance_rate
    faulty = trade.price * (1 - (1 - rate) / trade.leverage)
    slips = {
        faulty: "Too near to bankruptcy. Is the rate a share of the margin, or of the notional?",
        wall(scenario, trade.symbol): "That is the change of the price. Give the price itself.",
    }
    hints = (
        "The maintenance rate is a share of the notional. Does the notional care about leverage?",
        "At the price P: margin + quantity · (P − entry) = rate · quantity · P. Solve for P, with "
        "the rate as it is.",
    )
    return Answer(scenario.account("isolated").liquidation_price(trade.symbol), slips, hints)


ANSWERS = {
    "03.1": edge_with_half_as_many_coins_again,
    "03.2": margin_for_a_lower_edge,
    "03.3": bill_of_the_insurance_fund,
    "03.4": edge_with_the_undivided_rate,
}
