"""Predictions and exercises. Every right answer is computed from the scenarios, none is stored."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from margin_lib import formulas, text
from margin_lib.errors import MarginError, one_number
from margin_lib.scenarios import load

CLOSE = 0.01  # an answer counts as right within one part in a hundred


def predict(value=None):
    """Commit to a number before you see the result; None while you have not.

    >>> predict()
    No prediction yet. Put a number in place of None and run this cell again.
    >>> predict(-0.25)
    Noted.
    -0.25
    """
    if value is None:
        print("No prediction yet. Put a number in place of None and run this cell again.")
    else:
        value = one_number("prediction", value)
        print("Noted.")
    return value


def compare(prediction, result, form=text.percent):
    """Prediction and result side by side.

    Parameters
    ----------
    prediction : float or None
    result : float             NaN for "never"
    form : callable            turns a number into words

    >>> compare(-0.25, -0.2)
    You said −25.00 %. It is −20.00 %: you were off by 5.00 %.
    >>> compare(None, -0.2)
    No prediction yet. It is −20.00 %.
    """
    if prediction is None:
        print(f"No prediction yet. It is {form(result)}.")
    elif math.isclose(prediction, result, rel_tol=CLOSE, abs_tol=1e-12):
        print(f"You said {form(prediction)}. It is {form(result)}: well predicted.")
    elif math.isclose(-prediction, result, rel_tol=CLOSE):
        print(f"You said {form(prediction)}. It is {form(result)}: right but for the sign.")
    elif math.isnan(result):
        print(f"You said {form(prediction)}. It is {form(result)}: no price does it.")
    else:
        off = form(abs(prediction - result)).lstrip("+")
        print(f"You said {form(prediction)}. It is {form(result)}: you were off by {off}.")


@dataclass(frozen=True)
class Answer:
    """A right answer, and what wrong ones give away.

    Parameters
    ----------
    right : float              NaN where the answer is "never"
    slips : dict               wrong answer -> what to look at again
    """

    right: float
    slips: dict = field(default_factory=dict)


EXERCISES: dict[str, Callable] = {}


def exercise(name):
    """Register a function from all scenarios to an Answer."""

    def register(function):
        EXERCISES[name] = function
        return function

    return register


def check(name, answer=None, path="scenarios.toml"):
    """Say whether an answer is right, and if not, what to look at again.

    Parameters
    ----------
    name : str                 the exercise, such as "03.1"
    answer : float, str, None  a number, or "never"
    path : str or Path         the scenarios to compute the right answer from

    Raises
    ------
    MarginError                no exercise of that name, or an answer that is no number
    """
    if name not in EXERCISES:
        raise MarginError("exercise", f"must be one of {', '.join(EXERCISES)}", name)
    if answer is None:
        print(f"{name}: no answer yet.")
        return
    given = math.nan if answer == text.NEVER else one_number("answer", answer)
    truth = EXERCISES[name](load(path))
    print(f"{name}: {_verdict(given, truth)}")


def _verdict(given, truth):
    if _same(given, truth.right):
        return "right."
    for wrong, advice in truth.slips.items():
        if _same(given, wrong):
            return f"not yet. {advice}"
    if math.isnan(given):
        return "not yet. There is such a number."
    if math.isnan(truth.right):
        return 'not yet. Could it be that it never happens? Then write "never".'
    if _same(given, -truth.right):
        return "not yet. Look at the sign."
    if _same(given, 100 * truth.right):
        return "not yet. Write a share: 0.5 for 50 %."
    return "not yet."


def _same(a, b):
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-9)


# 01 Leverage


@exercise("01.1")
def _(book):
    """Rise of the price that earns half the margin."""
    trade = book["leverage"].trades[0]
    slips = {
        0.5 * trade.leverage: "That is what a rise by half earns. Ask the other way round.",
        1 / trade.leverage: "That rise earns the whole margin. You want half of it.",
        0.5: "Without leverage, yes. But you hold more than you paid for.",
    }
    return Answer(0.5 / trade.leverage, slips)


@exercise("01.2")
def _(book):
    """Money that brings effective leverage back to the chosen one, halfway to zero."""
    scenario = book["leverage"]
    trade = scenario.trades[0]
    account = scenario.account("isolated")
    halfway = (trade.price + account.bankruptcy_price(trade.symbol)) / 2
    risk = account[trade.symbol].risk(halfway)
    slips = {
        trade.margin - risk.equity: "That restores your margin. But the position is smaller now.",
        risk.initial_margin: "That is the equity you need. Some of it is still there.",
    }
    return Answer(risk.initial_margin - risk.equity, slips)


@exercise("01.3")
def _(book):
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
    return Answer(account.bankruptcy_price(trade.symbol), slips)


# 02 Terms


@exercise("02.1")
def _(book):
    """Margin ratio three quarters of the way to the liquidation price."""
    scenario = book["leverage"]
    trade = scenario.trades[0]
    account = scenario.account("isolated")
    edge = account.liquidation_price(trade.symbol)
    risk = account[trade.symbol].risk(trade.price + 0.75 * (edge - trade.price))
    opened = account[trade.symbol].risk(trade.price)
    slips = {
        opened.maintenance_margin / risk.equity: "Take the notional at the mark price.",
        1 / risk.margin_ratio: "That is upside down: maintenance margin goes on top.",
        risk.maintenance_margin / trade.margin: "Divide by equity. The margin has had a loss.",
        opened.margin_ratio: "That is the ratio at entry.",
        0.75: "It does not grow in a straight line. Compute equity and maintenance margin there.",
    }
    return Answer(risk.margin_ratio, slips)


@exercise("02.2")
def _(book):
    """Leverage that puts the liquidation price of a long a tenth below entry."""
    rate = book["leverage"].trades[0].contract.maintenance_rate
    slips = {
        10.0: "There, equity would be zero. The exchange acts earlier.",
        1 / (0.1 + rate): "Close. The maintenance margin is a share of the lower price.",
    }
    return Answer(1 / (1 - 0.9 * (1 - rate)), slips)


@exercise("02.3")
def _(book):
    """The right liquidation price, where a formula multiplies instead of dividing."""
    trade = book["leverage"].trades[0]
    rate = trade.contract.maintenance_rate
    zero = trade.price * (1 - 1 / (1.5 * trade.leverage))
    slips = {
        zero * (1 - rate): "That is the faulty number. On which side of bankruptcy must it lie?",
        zero: "That is the bankruptcy price. Liquidation comes before it.",
        trade.price * (1 - 1 / trade.leverage) / (1 - rate): "That is for your own leverage.",
    }
    return Answer(zero / (1 - rate), slips)


# 03 Isolated margin


def wall(scenario, symbol):
    """Change of a price, since entry, that liquidates an isolated position."""
    return scenario.account("isolated").liquidation_price(symbol) / scenario[symbol].price - 1


@exercise("03.1")
def _(book):
    """Change of the price that liquidates when the margin buys half as many coins again."""
    trade = book["isolated"].trades[0]
    larger = 1.5 * trade.quantity, trade.margin
    edge = formulas.liquidation_price(trade.price, *larger, trade.contract.maintenance_rate)
    bankrupt = formulas.bankruptcy_price(trade.price, *larger)
    slips = {
        bankrupt / trade.price - 1: "That is where equity is zero. The exchange acts earlier.",
        wall(book["isolated"], trade.symbol): "That is where it was before she changed anything.",
    }
    return Answer(edge / trade.price - 1, slips)


@exercise("03.2")
def _(book):
    """Margin to add so that the liquidation price falls to three fifths of the entry price."""
    scenario = book["isolated"]
    trade = scenario.trades[0]
    there = scenario.account("isolated")[trade.symbol].risk(0.6 * trade.price)
    needed = there.maintenance_margin - there.equity
    slips = {
        -there.equity: "Equity would be zero there. Leave the maintenance margin.",
        trade.margin + needed: "That is the whole margin. A part of it is in the trade already.",
    }
    return Answer(needed, slips)


@exercise("03.3")
def _(book):
    """The right liquidation price, where a formula divides the maintenance rate by leverage."""
    scenario = book["isolated"]
    trade = scenario.trades[0]
    rate = trade.contract.maintenance_rate
    faulty = trade.price * (1 - (1 - rate) / trade.leverage)
    slips = {
        faulty: "Too near to bankruptcy. Is the rate a share of the margin, or of the notional?",
        wall(scenario, trade.symbol): "That is the change of the price. Give the price itself.",
    }
    return Answer(scenario.account("isolated").liquidation_price(trade.symbol), slips)


# 04 Cross margin


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
    return Answer(
        change(account.liquidation_price("ADA", marks)),
        {
            change(still): "That is with ETH at its entry price. ETH's loss counts, too.",
            change(own): "That is ADA with a margin of its own. Here it has the whole balance.",
            change(account.bankruptcy_price("ADA", marks)): "That is where equity is zero. "
            "The exchange acts earlier.",
        },
    )


@exercise("04.2")
def _(book):
    """Deposit with which the cross account lives through the gap move."""
    scenario = book["cross"]
    risk = scenario.account("cross").risk(scenario.marks(**scenario.moves["gap"]))
    return Answer(
        max(risk.maintenance_margin - risk.equity, 0.0),
        {-risk.equity: "Equity would be zero there. Leave the maintenance margin of both trades."},
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
    return Answer(
        account.liquidation_price("ETH", marks) / eth.price - 1,
        {
            change(loss_as_profit): "So says the faulty code. Does a short gain when ADA rises?",
            change(account.balance + risk.equity): "ADA keeps its maintenance margin. Leave it.",
        },
    )


# 05 Comparison


@exercise("05.1")
def _(book):
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
    return Answer(right, slips)


@exercise("05.2")
def _(book):
    """Margin of an ADA short as large as the ETH long, at the leverage of ADA."""
    eth, ada = book["cross"]["ETH"], book["cross"]["ADA"]
    slips = {
        eth.notional: "That is the size of the position. Its margin is smaller.",
        ada.margin: "That is what he has now. Are both positions of the same size?",
        eth.margin: "The same margin makes the same size only at the same leverage.",
    }
    return Answer(eth.notional / ada.leverage, slips)


@exercise("05.3")
def _(book):
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
    return Answer(account.liquidation_price("ADA") / ada.price - 1, slips)


# 06 FAQ checks


@exercise("06.1")
def _(book):
    """Share of the margin that a day of funding takes at twice the leverage."""
    scenario = book["isolated"]
    trade, payments = scenario.trades[0], 24 / scenario.funding_hours
    a_day = scenario.funding_rate * payments
    slips = {
        trade.leverage * a_day: "That is a day at the leverage she has now. She doubles it.",
        2 * trade.leverage * scenario.funding_rate: "That is one payment. A day has more.",
        a_day: "That is the share of the notional. You want the share of her margin.",
        2 * a_day: "Twice the leverage, yes. But the leverage itself counts, too.",
    }
    return Answer(2 * trade.leverage * a_day, slips)


@exercise("06.2")
def _(book):
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
    return Answer(risk.maintenance_margin - risk.equity, slips)


@exercise("06.3")
def _(book):
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
    return Answer(risk.margin_ratio, slips)
