"""Answers of notebook 03."""

from margin_course.answers import Answer, Book, Copy, Puzzle, Step, Worked, worked
from margin_course.scenarios import Scenario
from margin_course.text import amount
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


def gap_step_by_step(book: Book) -> Worked:
    """What is left of the account after a gap, and who pays."""
    scenario = book["isolated"]
    trade, unit = scenario.trades[0], scenario.currency

    def copy(part: float, times: float, shown: int) -> Copy:
        margin, leverage = part * trade.margin, times * trade.leverage
        value, fall = margin * leverage, round(min(1.6 / leverage, 0.95), 2)
        loss = value * fall
        paid = min(margin, loss)
        return Copy(
            f"You own {amount(scenario.balance, unit)}, and set {amount(margin, unit)} aside for a "
            f"long worth {amount(value, unit)}. The price jumps down by {amount(fall, '%')}.",
            (
                Step("the loss of the position", "value · fall", loss, unit),
                Step("what you pay of it", "the loss, but no more than the margin", paid, unit),
                Step("what the insurance fund pays", "the loss − what you pay", loss - paid, unit),
                Step("what you own then", "balance − what you pay", scenario.balance - paid, unit),
            ),
            shown,
        )

    hints = (
        "Find the loss of the whole position first, and forget for a moment whose it is.",
        "The loss is value · fall. Your part ends at the margin of the trade; the wallet "
        "stays as it is.",
    )
    return worked(copy(1, 1, 4), copy(0.75, 0.8, 2), copy(0.5, 2, 0), hints=hints)


def lines_of_a_topped_up_pocket(book: Book) -> Puzzle:
    """Liquidation price of a long whose margin was raised, line by line."""
    trade = book["isolated"].trades[0]
    added, rate = 0.4 * trade.margin, trade.contract.maintenance_rate
    margin = trade.margin + added
    edge = formulas.liquidation_price(trade.price, trade.quantity, margin, rate)
    before = formulas.liquidation_price(trade.price, trade.quantity, trade.margin, rate)
    return Puzzle(
        right=float(edge),
        slips={float(before): "What you added has not counted yet."},
        hints=(
            "Which number does the last line need? Which line makes it, and from what?",
            "The coins come from the first margin alone. What you add buys none; it only stands "
            "behind them. Add it before you compute where nothing is left.",
        ),
        lines=(
            "margin = set_aside",
            "coins = margin * leverage / entry",
            "margin = margin + added",
            "zero = entry - margin / coins",
            "answer = zero / (1 - rate)",
        ),
        names={
            "set_aside": trade.margin,
            "leverage": trade.leverage,
            "entry": trade.price,
            "added": added,
            "rate": rate,
        },
        unit=book["isolated"].currency,
    )


ANSWERS = {
    "03.1": edge_with_half_as_many_coins_again,
    "03.2": margin_for_a_lower_edge,
    "03.3": bill_of_the_insurance_fund,
    "03.4": edge_with_the_undivided_rate,
    "03.5": gap_step_by_step,
    "03.6": lines_of_a_topped_up_pocket,
}
