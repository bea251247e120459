"""Answers of notebook 02."""

from margin_course.answers import Answer, Book, Copy, Puzzle, Step, Worked, worked
from margin_course.text import amount
from margin_lib import formulas


def ratio_near_the_end(book: Book) -> Answer:
    """Margin ratio three quarters of the way to the liquidation price."""
    scenario = book["leverage"]
    trade = scenario.trades[0]
    account = scenario.account("isolated")
    edge = account.liquidation_price(trade.symbol)
    risk = account[trade.symbol].risk(trade.price + 0.75 * (edge - trade.price))
    opened = account[trade.symbol].risk(trade.price)
    rate = trade.contract.maintenance_rate
    slips = {
        opened.maintenance_margin / risk.equity: "Take the notional at the mark price.",
        1 / risk.margin_ratio: "That is upside down: maintenance margin goes on top.",
        risk.maintenance_margin / trade.margin: "Divide by equity. The margin has had a loss.",
        opened.margin_ratio: "That is the ratio at entry.",
        rate
        * trade.margin
        / risk.equity: "The rate is a share of the notional, not of the margin.",
        0.75: "It does not grow in a straight line. Compute equity and maintenance margin there.",
    }
    hints = (
        "Find the price first. Then equity and maintenance margin at that price, and divide.",
        "Equity = margin + quantity · (price − entry). Maintenance margin = rate · quantity · "
        "price. The ratio has the maintenance margin on top.",
    )
    return Answer(risk.margin_ratio, slips, hints)


def leverage_of_a_near_edge(book: Book) -> Answer:
    """Leverage that puts the liquidation price of a long a tenth below entry."""
    rate = book["leverage"].trades[0].contract.maintenance_rate
    slips = {
        10.0: "There, equity would be zero. The exchange acts earlier.",
        1 / (0.1 + rate): "Close. The maintenance margin is a share of the lower price.",
    }
    hints = (
        "Let the entry price be 1. Where is the price when you are liquidated, and what is your "
        "equity there?",
        "Per coin bought at 1: margin 1 / leverage, loss 0.1, and what is left must be rate · 0.9."
        " Solve for the leverage.",
    )
    return Answer(1 / (1 - 0.9 * (1 - rate)), slips, hints)


def leverage_of_a_short_with_a_near_edge(book: Book) -> Answer:
    """Leverage that puts the liquidation price of a short a tenth above entry."""
    rate = book["leverage"].trades[0].contract.maintenance_rate
    slips = {
        10.0: "There, equity would be zero. The exchange acts earlier.",
        1 / (1 - 0.9 * (1 - rate)): "That is for a long. While a short loses, its notional grows.",
        1 / (0.1 + rate): "Close. The maintenance margin is a share of the higher price.",
    }
    hints = (
        "As in 02.2, let the entry price be 1. What changes when the loss comes from a rise?",
        "Per coin sold at 1: margin 1 / leverage, loss 0.1, and what is left must be rate · 1.1. "
        "Solve for the leverage.",
    )
    return Answer(1 / (0.1 + 1.1 * rate), slips, hints)


def edge_by_division(book: Book) -> Answer:
    """The right liquidation price, where a formula multiplies instead of dividing."""
    trade = book["leverage"].trades[0]
    rate = trade.contract.maintenance_rate
    zero = trade.price * (1 - 1 / (1.5 * trade.leverage))
    slips = {
        zero * (1 - rate): "That is the faulty number. On which side of bankruptcy must it lie?",
        zero: "That is the bankruptcy price. Liquidation comes before it.",
        trade.price * (1 - 1 / trade.leverage) / (1 - rate): "That is for your own leverage.",
    }
    hints = (
        "For a long, liquidation comes before bankruptcy. So on which side of the printed "
        "bankruptcy price must it lie?",
        "At the price P: quantity · (P − bankruptcy price) = rate · quantity · P. The quantity "
        "drops out. Solve for P.",
    )
    return Answer(zero / (1 - rate), slips, hints)


def long_step_by_step(book: Book) -> Worked:
    """Liquidation price of a long, from its margin and its leverage."""
    scenario = book["leverage"]
    trade, unit = scenario.trades[0], scenario.currency
    rate, entry = trade.contract.maintenance_rate, trade.price

    def copy(part: float, times: float, shown: int) -> Copy:
        margin, leverage = part * trade.margin, times * trade.leverage
        value = margin * leverage
        coins = value / entry
        zero = formulas.bankruptcy_price(entry, coins, margin)
        edge = formulas.liquidation_price(entry, coins, margin, rate)
        return Copy(
            f"You buy {trade.symbol} at {amount(entry, unit)}, with {amount(margin, unit)} of your "
            f"own at {amount(leverage, 'x')}. The maintenance rate is {amount(rate, '%')}.",
            (
                Step("the value of the position", "margin · leverage", value, unit),
                Step("the number of coins", "value / entry price", coins, trade.symbol),
                Step("the bankruptcy price", "entry price − margin / coins", float(zero), unit),
                Step("the liquidation price", "bankruptcy price / (1 − rate)", float(edge), unit),
            ),
            shown,
        )

    hints = (
        "Go from step to step, as in the first copy. Which number of the step above do you need?",
        "Each coin can lose margin / coins before nothing is left. The exchange acts a little "
        "earlier: bankruptcy price / (1 − rate).",
    )
    return worked(copy(1, 1, 4), copy(0.4, 0.8, 2), copy(0.25, 1.6, 0), hints=hints)


def lines_of_a_margin_ratio(book: Book) -> Puzzle:
    """Margin ratio of a long that has lost, line by line."""
    trade = book["leverage"].trades[0]
    mark = (1 - 0.6 / trade.leverage) * trade.price
    rate = trade.contract.maintenance_rate
    equity = trade.margin + trade.quantity * (mark - trade.price)
    return Puzzle(
        right=formulas.margin_ratio(rate * trade.quantity * mark, equity),
        slips={rate * trade.quantity * mark / trade.margin: "The loss has not counted yet."},
        hints=(
            "What is the last line? It needs two numbers. Which lines make each of them?",
            "Equity begins as the margin, and then the loss is added. That must be done before you "
            "divide by it.",
        ),
        lines=(
            "notional = quantity * mark",
            "needed = rate * notional",
            "equity = margin",
            "equity = equity + quantity * (mark - entry)",
            "answer = needed / equity",
        ),
        names={
            "quantity": trade.quantity,
            "mark": mark,
            "rate": rate,
            "margin": trade.margin,
            "entry": trade.price,
        },
    )


ANSWERS = {
    "02.1": ratio_near_the_end,
    "02.2": leverage_of_a_near_edge,
    "02.3": leverage_of_a_short_with_a_near_edge,
    "02.4": edge_by_division,
    "02.5": long_step_by_step,
    "02.6": lines_of_a_margin_ratio,
}
