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


# 03 Isolated margin


@exercise("03.1")
def _(book):
    """Change of the price that liquidates when leverage is doubled."""
    trade = book["isolated"].trades[0]
    doubled = book["isolated"].with_trade(trade.symbol, leverage=2 * trade.leverage)
    account = doubled.account("isolated")
    edge = account.liquidation_price(trade.symbol) / trade.price - 1
    bankrupt = account.bankruptcy_price(trade.symbol) / trade.price - 1
    return Answer(edge, {bankrupt: "That is where equity is zero. The exchange acts earlier."})


@exercise("03.2")
def _(book):
    """Margin to add so that the liquidation price falls to half the entry price."""
    scenario = book["isolated"]
    trade = scenario.trades[0]
    half = scenario.account("isolated")[trade.symbol].risk(trade.price / 2)
    needed = half.maintenance_margin - half.equity
    without = -half.equity
    return Answer(needed, {without: "Equity would be zero there. Leave the maintenance margin."})


@exercise("03.3")
def _(book):
    """The right liquidation price, where a formula divides the maintenance rate by leverage."""
    trade = book["isolated"].trades[0]
    return Answer(book["isolated"].account("isolated").liquidation_price(trade.symbol))
