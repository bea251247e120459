"""Answers of notebook 05."""

import math

from margin_course.answers import Answer, Book
from margin_lib import formulas


def common_rise_that_liquidates(book: Book) -> Answer:
    """Common rise of both prices that liquidates the hedged cross account."""
    scenario = book["cross"]
    account, entry = scenario.account("cross"), scenario["ADA"].price
    opened = account.risk(scenario.marks())
    grows = sum(position.quantity * position.entry_price for position in account.positions)
    needs = opened.maintenance_margin
    right = (account.balance - needs) / (needs - grows) if needs > grows else math.nan
    slips = {
        account.liquidation_price("ADA", scenario.marks()) / entry - 1: (
            "That is with ETH standing still. Here ETH rises, too, and pays."
        ),
        scenario.account("isolated").liquidation_price("ADA") / entry - 1: (
            "That is ADA's own wall, in isolated. Here the account is cross."
        ),
    }
    if grows < 0:
        slips[-account.balance / grows] = "Equity is zero there. The exchange acts earlier."
    hints = (
        "When both prices rise by the same share, one trade gains and one loses. Which of them is "
        "larger?",
        "With the share x: equity = balance + x · (sum of the exposures), maintenance margin = (1 "
        "+ x) · (what it is at entry). They meet where? If only below zero, then never.",
    )
    return Answer(right, slips, hints)


def margin_of_a_short_of_equal_size(book: Book) -> Answer:
    """Margin of an ADA short as large as the ETH long, at the leverage of ADA."""
    eth, ada = book["cross"]["ETH"], book["cross"]["ADA"]
    slips = {
        eth.notional: "That is the size of the position. Its margin is smaller.",
        ada.margin: "That is what you have now. Are both positions of the same size?",
        eth.margin: "The same margin makes the same size only at the same leverage.",
    }
    hints = (
        "If both prices move by the same share, what must be equal, so that gain and loss cancel?",
        "The short must be worth as much as the long, whatever its margin. And margin = notional /"
        " leverage.",
    )
    return Answer(eth.notional / ada.leverage, slips, hints)


def pocket_that_lasts_as_long_as_cross(book: Book) -> Answer:
    """Margin of a pocket for ADA that lasts as long as the cross account, with ETH unchanged."""
    scenario = book["cross"]
    account, ada = scenario.account("cross"), scenario["ADA"]
    others = account["ETH"].risk(scenario["ETH"].price).maintenance_margin
    right = account.balance - others
    slips = {
        account.balance: "Close. In cross ETH needs a part of it, too.",
        scenario.balance - others: "Off by the fee: opening both trades has cost something.",
        ada.margin: "That is what the pocket holds now. Its wall comes sooner.",
        right - ada.margin: "That is what you must add. How much is in it then?",
    }
    hints = (
        "Where does the cross account die when ADA alone rises? What must a pocket hold to die "
        "at that very price?",
        "A pocket dies when margin + PnL is ADA's maintenance margin. The cross account dies when "
        "balance + PnL is that and ETH's maintenance margin. Compare the two.",
    )
    return Answer(right, slips, hints)


def ada_edge_of_a_mixed_account(book: Book) -> Answer:
    """The right change of ADA in a mixed account, where a tool counts the fenced margin, too."""
    scenario = book["cross"]
    account, ada = scenario.account({"ETH": "isolated", "ADA": "cross"}), scenario["ADA"]
    all_money = formulas.liquidation_price(
        ada.price, ada.quantity, account.wallet_balance, ada.contract.maintenance_rate
    )
    everything = scenario.account("cross").liquidation_price("ADA", scenario.marks())
    advice = {
        all_money: "So says the faulty tool. Whose money is behind ETH's fence?",
        everything: "That is with both positions in cross. Here ETH has a fence.",
        account.bankruptcy_price("ADA"): "Equity is zero there. The exchange acts earlier.",
    }
    slips = {price / ada.price - 1: words for price, words in advice.items()}
    hints = (
        "ETH is isolated here. What of your money may ADA use?",
        "Put mixed.balance, the money outside of ETH's pocket, in place of the collateral in the "
        "code. Then run it again.",
    )
    return Answer(account.liquidation_price("ADA") / ada.price - 1, slips, hints)


ANSWERS = {
    "05.1": common_rise_that_liquidates,
    "05.2": margin_of_a_short_of_equal_size,
    "05.3": pocket_that_lasts_as_long_as_cross,
    "05.4": ada_edge_of_a_mixed_account,
}
