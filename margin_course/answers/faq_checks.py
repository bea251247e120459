"""Answers of notebook 06."""

from margin_course.answers import Answer, Book


def funding_share_at_twice_the_leverage(book: Book) -> Answer:
    """Share of the margin that a day of funding takes at twice the leverage."""
    scenario = book["isolated"]
    trade, payments = scenario.trades[0], 24 / scenario.funding_hours
    a_day = scenario.funding_rate * payments
    slips = {
        trade.leverage * a_day: "That is a day at the leverage of now. You double it.",
        2 * trade.leverage * scenario.funding_rate: "That is one payment. A day has more.",
        a_day: "That is the share of the notional. You want the share of your margin.",
        2 * a_day: "Twice the leverage, yes. But the leverage itself counts, too.",
    }
    hints = (
        "Funding is charged on the notional, several times a day. How large is the notional beside"
        " your margin, when the leverage has doubled?",
        "Per payment: rate · leverage, with your new leverage. Times the payments of a day, which "
        "are 24 / funding hours.",
    )
    return Answer(2 * trade.leverage * a_day, slips, hints)


def pocket_that_survives_the_rescue(book: Book) -> Answer:
    """Least margin that makes a pocket for ETH live in the rescue move."""
    scenario = book["cross"]
    marks = scenario.marks(**scenario.moves["rescue"])
    risk = scenario.account("cross")["ETH"].risk(marks["ETH"])
    slips = {
        scenario["ETH"].margin: "That is the initial margin at entry. ETH has lost much since.",
        -risk.equity: "Equity would be zero there. Leave the maintenance margin.",
        risk.maintenance_margin: "That must be left after the loss. The pocket pays the loss, too.",
        risk.initial_margin: "That opens a position at this price. This one carries a loss.",
    }
    hints = (
        "The exchange asks whether the new pocket would be liquidated at once. So what must it "
        "hold in this move?",
        "The equity of the pocket is its margin + the PnL of ETH. It has to reach the maintenance "
        "margin at the price of the move. Solve for the margin.",
    )
    return Answer(risk.maintenance_margin - risk.equity, slips, hints)


def most_margin_to_fence_off(book: Book) -> Answer:
    """Most margin that may be fenced off for ADA in the rescue move, so that ETH lives."""
    scenario = book["cross"]
    account, marks = scenario.account("cross"), scenario.marks(**scenario.moves["rescue"])
    risk = account["ETH"].risk(marks["ETH"])
    stays = risk.maintenance_margin - risk.equity
    slips = {
        stays: "That must stay behind for ETH. How much may go?",
        account.balance + risk.equity: "ETH's equity would be zero. Leave its maintenance margin.",
        scenario["ADA"].margin: "That is ADA's initial margin at entry. Ask what ETH can spare.",
        scenario.balance - stays: "Off by the fee: opening both trades has cost something.",
        account.balance - risk.maintenance_margin: "ETH has a loss as well. Who pays it?",
    }
    hints = (
        "What is fenced off for ADA no longer stands behind ETH. What does ETH need?",
        "Balance that stays + PnL of ETH must reach ETH's maintenance margin, at the prices of the "
        "move. The rest of the balance may go.",
    )
    return Answer(account.balance - stays, slips, hints)


def margin_ratio_of_a_short(book: Book) -> Answer:
    """The right margin ratio, where a page takes the wrong margin and the wrong sign."""
    scenario = book["cross"]
    account, marks = scenario.account("cross"), scenario.marks(**scenario.moves["rescue"])
    risk = account.risk(marks)
    wrong_sign = 2 * account.balance - risk.equity
    slips = {
        risk.initial_margin / wrong_sign: "So says the page. Which margin must equity cover?",
        risk.initial_margin / risk.equity: "The sign is right now. But which margin belongs there?",
        risk.maintenance_margin / wrong_sign: "The margin is right now. Does a profit cost equity?",
        risk.maintenance_margin / account.balance: "Equity is the balance and all profits.",
        1 / risk.margin_ratio: "That is upside down: maintenance margin goes on top.",
    }
    hints = (
        "Which margin does liquidation look at: the one that opens a trade, or the one that keeps "
        "it open?",
        "The ratio is maintenance margin / equity, and equity is the balance plus all profits and "
        "losses, a loss with its minus.",
    )
    return Answer(risk.margin_ratio, slips, hints)


ANSWERS = {
    "06.1": funding_share_at_twice_the_leverage,
    "06.2": pocket_that_survives_the_rescue,
    "06.3": most_margin_to_fence_off,
    "06.4": margin_ratio_of_a_short,
}
