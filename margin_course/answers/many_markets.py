"""Answers of notebook 07."""

from math import sqrt

from margin_course.answers import Answer, Book

YEAR = 365  # days


def spread_over_the_days(book: Book) -> Answer:
    """Spread of the return over the scenario's days."""
    scenario = book["cross"]
    part = scenario.days / YEAR
    right = scenario.volatility * sqrt(part)
    slips = {
        scenario.volatility
        * part: "The spread grows with the root of the time, not with the time.",
        scenario.volatility: "That is the spread over a whole year.",
        scenario.volatility / sqrt(YEAR): "That is the spread over one day.",
        scenario.volatility
        * sqrt(scenario.days): "That takes the volatility for one day's spread.",
        sqrt(part): "That is the factor. What does it multiply?",
    }
    hints = (
        "Which part of a year do the trades last? A quarter of the time makes half of the spread.",
        "Divide the days by those of a year. Multiply the volatility by the root of that.",
    )
    return Answer(right, slips, hints)


def short_with_the_least_spread(book: Book) -> Answer:
    """Value of the ADA short that spreads the gain or loss of both trades the least."""
    scenario = book["cross"]
    eth, correlation = scenario["ETH"], scenario.correlation
    slips = {
        eth.notional: "That would be so if the prices moved exactly alike. They do not.",
        correlation * eth.margin: "Gains and losses come from what a position is worth.",
        correlation**2 * eth.notional: "The correlation counts once.",
        (1 - correlation) * eth.notional: "The more alike they move, the more a short offsets.",
        scenario["ADA"].notional: "That is what you hold now. Would a smaller one spread less?",
        eth.notional / correlation: "A short larger than the long adds more than it offsets.",
    }
    hints = (
        "Only the part of ADA's moves that is like ETH's offsets anything. How large is that?",
        "E and A are what the trades are worth, the squared spread is E² + A² − 2 · r · E · A "
        "times a constant. For which A is that least?",
    )
    return Answer(correlation * eth.notional, slips, hints)


def weight_of_the_own_move(book: Book) -> Answer:
    """What the own move of a correlated price must be multiplied by."""
    r = book["cross"].correlation
    slips = {
        1 - r: "So says the simulator. Its second price is too calm.",
        1 - r**2: "The squares must add up to one. What is the number itself?",
        sqrt(1 - r): "The squares of both weights must add up to one.",
        1.0: "Then the second price would be wilder than the first.",
        r: "That is the weight of the first move.",
    }
    hints = (
        "Spreads of moves that have nothing to do with each other add up by their squares.",
        "The squared spread of the second price is r² + w², and it must be one. Solve for w.",
    )
    return Answer(sqrt(1 - r**2), slips, hints)


ANSWERS = {
    "07.1": spread_over_the_days,
    "07.2": short_with_the_least_spread,
    "07.3": weight_of_the_own_move,
}
