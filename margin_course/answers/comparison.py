"""Answers of notebook 05."""

import math

from margin_course.answers import Answer, Book, Copy, Puzzle, Step, Worked, worked
from margin_course.text import amount
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


def both_modes_step_by_step(book: Book) -> Worked:
    """What each mode holds in a move that kills one pocket, step by step."""
    scenario = book["cross"]
    long, short, unit = *scenario.trades, scenario.currency
    a, b = long.symbol, short.symbol
    wall = float(scenario.account("isolated").liquidation_price(b) / short.price - 1)

    def copy(change: float, part: float, shown: int) -> Copy:
        line = scenario.account("cross").liquidation_price(b, scenario.marks(**{a: change}))
        rise = round(wall + part * (float(line) / short.price - 1 - wall), 2)
        gain, loss = long.notional * change, -short.notional * rise
        both, fenced = scenario.balance + gain + loss, scenario.balance + gain - short.margin
        return Copy(
            f"You own {amount(scenario.balance, unit)}: a long of {amount(long.notional, unit)} in "
            f"{a} on {amount(long.margin, unit)}, a short of {amount(short.notional, unit)} in {b} "
            f"on {amount(short.margin, unit)}. {a} changes by {amount(change, '%', sign=True)}, "
            f"{b} by {amount(rise, '%', sign=True)}. {b}'s pocket dies at {amount(wall, '%')}; the "
            "cross account lives.",
            (
                Step(f"the result of {a}", f"value of {a} · change", gain, unit),
                Step(f"the result of {b}", f"−value of {b} · change", loss, unit),
                Step("what the cross account holds", "balance + both results", both, unit),
                Step(
                    "what the account with pockets holds",
                    f"balance + result of {a} − margin of {b}",
                    fenced,
                    unit,
                ),
            ),
            shown,
        )

    hints = (
        "Find the two results first. Which of them still counts in full once a pocket is dead?",
        "In cross everything is added up. With pockets the dead one costs its margin, no more and "
        "no less; the other result stays.",
    )
    return worked(copy(-0.1, 0.3, 4), copy(0.1, 0.5, 2), copy(-0.2, 0.6, 0), hints=hints)


def lines_of_a_mixed_account(book: Book) -> Puzzle:
    """Where the cross short of a mixed account dies, line by line."""
    scenario = book["cross"]
    long, short = scenario.trades
    rate, coins = short.contract.maintenance_rate, -short.quantity

    def change(money: float) -> float:
        return (short.price + money / coins) / (1 + rate) / short.price - 1

    return Puzzle(
        right=change(scenario.balance - long.margin),
        slips={change(scenario.balance): "The money behind the fence has not left yet."},
        hints=(
            "Begin with the money. Which of it may the short use?",
            "Take away what is behind the fence. What is left carries each coin of the short so "
            "far. The exchange acts a little earlier; then turn the price into a change.",
        ),
        lines=(
            "behind = balance",
            "behind = behind - fenced",
            "zero = entry + behind / coins",
            "answer = zero / (1 + rate)",
            "answer = answer / entry - 1",
        ),
        names={
            "balance": scenario.balance,
            "fenced": long.margin,
            "entry": short.price,
            "coins": coins,
            "rate": rate,
        },
        unit="%",
    )


ANSWERS = {
    "05.1": common_rise_that_liquidates,
    "05.2": margin_of_a_short_of_equal_size,
    "05.3": pocket_that_lasts_as_long_as_cross,
    "05.4": ada_edge_of_a_mixed_account,
    "05.5": both_modes_step_by_step,
    "05.6": lines_of_a_mixed_account,
}
