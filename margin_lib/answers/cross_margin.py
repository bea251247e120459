"""Answers of notebook 04."""

from margin_lib import formulas
from margin_lib.exercises import Answer, exercise


@exercise("04.1")
def _(book):
    """Change of ADA that liquidates the cross account when ETH has fallen by a fifth."""
    scenario = book["cross"]
    account, entry = scenario.account("cross"), scenario["ADA"].price
    marks = scenario.marks(ETH=-0.2)

    def change(price):
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


@exercise("04.2")
def _(book):
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
    return Answer(
        max(risk.maintenance_margin - risk.equity, 0.0),
        {
            -risk.equity: "Equity would be zero there. Leave both maintenance margins.",
            opened.maintenance_margin - risk.equity: (
                "That is the maintenance margin at entry. Take it at the prices of the move."
            ),
        },
        hints,
    )


@exercise("04.3")
def _(book):
    """The right change of ETH, where a formula takes the short's loss for a profit."""
    scenario = book["cross"]
    account, eth, ada = scenario.account("cross"), scenario["ETH"], scenario["ADA"]
    edge = account.liquidation_price("ADA", scenario.marks())
    marks = scenario.marks(ADA=(edge / ada.price - 1) / 2)
    risk = account["ADA"].risk(marks["ADA"])

    def change(collateral):
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
