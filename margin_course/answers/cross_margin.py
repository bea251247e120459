"""Answers of notebook 04."""

from margin_course.answers import Answer, Book, Copy, Puzzle, Step, Worked, worked
from margin_course.text import amount
from margin_lib import formulas
from margin_lib.account import Account


def ada_edge_after_eth_falls(book: Book) -> Answer:
    """Change of ADA that liquidates the cross account when ETH has fallen by a fifth."""
    scenario = book["cross"]
    account, entry = scenario.account("cross"), scenario["ADA"].price
    marks = scenario.marks(ETH=-0.2)

    def change(price: float) -> float:
        return price / entry - 1

    still = account.liquidation_price("ADA", scenario.marks())
    own = scenario.account("isolated").liquidation_price("ADA")
    hints = (
        "ETH's loss comes out of the balance that stands behind ADA. What else does ETH need "
        "there?",
        'Use the account: account.liquidation_price("ADA", trader.marks(ETH=-0.2)). Then turn the '
        "price into a change since entry.",
    )
    return Answer(
        change(account.liquidation_price("ADA", marks)),
        {
            change(still): "That is with ETH at its entry price. ETH's loss counts, too.",
            change(own): "That is ADA with a margin of its own. Here it has the whole balance.",
            change(account.bankruptcy_price("ADA", marks)): "That is where equity is zero. "
            "The exchange acts earlier.",
        },
        hints,
    )


def deposit_that_survives_the_gap(book: Book) -> Answer:
    """Deposit with which the cross account lives through the gap move."""
    scenario = book["cross"]
    risk = scenario.account("cross").risk(scenario.marks(**scenario.moves["gap"]))
    hints = (
        "After the move, compare two sums: the equity of the account and the maintenance margin of"
        " both trades.",
        'risk = account.risk(trader.marks(**trader.moves["gap"])) has both, as equity and '
        "maintenance_margin. What is missing, if anything?",
    )
    opened = scenario.account("cross").risk(scenario.marks())
    fee = scenario.balance - scenario.account("cross").balance
    return Answer(
        max(risk.maintenance_margin - risk.equity, 0.0),
        {
            -risk.equity: "Equity would be zero there. Leave both maintenance margins.",
            risk.maintenance_margin - risk.equity - fee: (
                "Off by the fee: opening both trades has cost something."
            ),
            opened.maintenance_margin - risk.equity: (
                "That is the maintenance margin at entry. Take it at the prices of the move."
            ),
        },
        hints,
    )


def part_to_buy_back(book: Book) -> Answer:
    """Part of the ADA short to buy back, so that the account lives when ADA alone doubles."""
    scenario = book["cross"]
    account, ada = scenario.account("cross"), scenario["ADA"]
    others = account["ETH"].risk(scenario["ETH"].price).maintenance_margin
    rate = ada.contract.maintenance_rate

    def part(money: float, rate: float) -> float:
        return max(1 - money / (ada.notional * (1 + 2 * rate)), 0.0)

    right = part(account.balance - others, rate)
    slips = {
        part(account.balance, 0): "Equity would be zero there. Leave the maintenance margins.",
        part(account.balance, rate): "ETH needs its maintenance margin, too.",
        part(account.balance - others, 0): "ADA needs a maintenance margin, at twice its price.",
        part(ada.margin, rate): "That is ADA with its own margin only. Here it has the balance.",
        1 - right: "That is the part that you may keep.",
    }
    hints = (
        "When ADA has doubled, each coin of the short has cost you its entry price. What must be "
        "left then, for both trades?",
        "Let k be the part that you keep, and N the notional of the short at entry. Then balance "
        "− k · N must cover ETH's maintenance margin and k · rate · 2 · N. You buy back 1 − k.",
    )
    return Answer(right, slips, hints)


def eth_edge_with_the_true_sign(book: Book) -> Answer:
    """The right change of ETH, where a formula takes the short's loss for a profit."""
    scenario = book["cross"]
    account, eth, ada = scenario.account("cross"), scenario["ETH"], scenario["ADA"]
    edge = account.liquidation_price("ADA", scenario.marks())
    marks = scenario.marks(ADA=(edge / ada.price - 1) / 2)
    risk = account["ADA"].risk(marks["ADA"])

    def change(collateral: float) -> float:
        rate = eth.contract.maintenance_rate
        price = formulas.liquidation_price(eth.price, eth.quantity, collateral, rate)
        return price / eth.price - 1

    loss_as_profit = account.balance - risk.equity - risk.maintenance_margin
    hints = (
        "Who gains when ADA rises: somebody who is long, or somebody who is short?",
        "The profit of a short is quantity · (price − entry), with a quantity below zero. Take "
        "away abs() in the second line of the code, and run it again.",
    )
    return Answer(
        account.liquidation_price("ETH", marks) / eth.price - 1,
        {
            change(loss_as_profit): "So says the faulty code. Does a short gain when ADA rises?",
            change(account.balance + risk.equity): "ADA keeps its maintenance margin. Leave it.",
        },
        hints,
    )


def shared_balance_step_by_step(book: Book) -> Worked:
    """Rise of the short alone that ends a cross account, step by step."""
    scenario = book["cross"]
    long, short, unit = *scenario.trades, scenario.currency
    balance, rate = scenario.balance, short.contract.maintenance_rate

    def copy(part_long: float, part_short: float, shown: int) -> Copy:
        held, sold = part_long * long.notional, part_short * short.notional
        needed = long.contract.maintenance_rate * held
        rest = balance - needed - rate * sold
        a, b = long.symbol, short.symbol
        return Copy(
            f"{amount(balance, unit)} stand behind a long of {amount(held, unit)} in {a} and a "
            f"short of {amount(sold, unit)} in {b}. The maintenance rate is {amount(rate, '%')}. "
            f"{a} stands still, and {b} rises.",
            (
                Step(f"what {a} needs to stay open", f"rate · value of {a}", needed, unit),
                Step(f"what stands behind {b}", "balance − that", balance - needed, unit),
                Step(f"what {b} can lose", f"that − rate · value of {b}", rest, unit),
                Step(
                    f"the rise of {b} that ends the account",
                    f"that / (value of {b} · (1 + rate))",
                    rest / (sold * (1 + rate)),
                    "%",
                ),
            ),
            shown,
        )

    hints = (
        "Both trades need a maintenance margin. Take them away from the balance, one by one.",
        "With the rise x, the short loses value · x, and needs rate · value · (1 + x). Both "
        "together may take what the long does not need.",
    )
    return worked(copy(1, 1, 4), copy(1.25, 0.8, 2), copy(0.5, 1.5, 0), hints=hints)


def lines_of_a_cushion(book: Book) -> Puzzle:
    """What a cross account has above its maintenance margin after a move, line by line."""
    scenario = book["cross"]
    long, short = scenario.trades
    marks = scenario.marks(**{long.symbol: -0.1, short.symbol: 0.2})
    account = Account(balance=scenario.balance, positions=scenario.account("cross").positions)
    risk = account.risk(marks)
    profit = long.quantity * (marks[long.symbol] - long.price)
    needs = short.contract.maintenance_rate * -short.quantity * marks[short.symbol]
    slips = {
        float(scenario.balance + profit - risk.maintenance_margin): (
            "Equity was made before both results were in it."
        ),
        float(risk.cushion + needs): "The difference was made before both needs were in it.",
    }
    return Puzzle(
        right=float(risk.cushion),
        slips=slips,
        hints=(
            "The last line compares two sums. Each begins with one trade, and adds the other.",
            "First the profits of both trades, then equity. First what one trade needs, then what "
            "the other one needs. Then the difference.",
        ),
        lines=(
            "profit = long * (long_mark - long_entry)",
            "profit = profit + short * (short_mark - short_entry)",
            "equity = balance + profit",
            "needed = rate * long * long_mark",
            "needed = needed - rate * short * short_mark",
            "answer = equity - needed",
        ),
        names={
            "balance": scenario.balance,
            "rate": long.contract.maintenance_rate,
            "long": long.quantity,
            "long_entry": long.price,
            "long_mark": float(marks[long.symbol]),
            "short": short.quantity,
            "short_entry": short.price,
            "short_mark": float(marks[short.symbol]),
        },
        unit=scenario.currency,
    )


ANSWERS = {
    "04.1": ada_edge_after_eth_falls,
    "04.2": deposit_that_survives_the_gap,
    "04.3": part_to_buy_back,
    "04.4": eth_edge_with_the_true_sign,
    "04.5": shared_balance_step_by_step,
    "04.6": lines_of_a_cushion,
}
