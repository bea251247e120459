"""The claims ledger: what articles say, what the runs say, and the number that decides."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from margin_course import files
from margin_course.page import say
from margin_course.text import escaped
from margin_lib.errors import MarginError

HOLDS, WHEN, WRONG = "holds", "holds when", "needs correcting"


def readable(name: str) -> str:
    """The name of a case as words.

    >>> readable("the_hedge_works")
    'the hedge works'
    """
    return name.replace("_", " ")


def verdict(cases: Mapping[str, bool]) -> str:
    """What the cases say about a claim: true in all of them, in some, or in none.

    Parameters
    ----------
    cases : Mapping            name -> did the claim hold there; underscores read as spaces

    Raises
    ------
    MarginError                no case, or an outcome that is neither True nor False

    >>> verdict({"the_hedge_works": True, "it_breaks": True})
    'holds'
    >>> verdict({"the_hedge_works": True, "it_breaks": False})
    'holds when the hedge works'
    >>> verdict({"the_hedge_works": False, "it_breaks": False})
    'needs correcting'
    """
    if not cases:
        raise MarginError("cases", "must not be empty", cases)
    for name, outcome in cases.items():
        if not isinstance(outcome, bool | np.bool_):  # a NaN or a message would count as True
            raise MarginError(f"case {name}", "must be True or False", outcome)
    good = [readable(name) for name, outcome in cases.items() if outcome]
    if len(good) == len(cases):
        return HOLDS
    return f"{WHEN} {' or '.join(good)}" if good else WRONG


def refusal(operation: Callable, *arguments: Any, **named: Any) -> str | None:
    """What the exchange answers when it refuses an operation; None when it does it.

    >>> from margin_lib.account import Account
    >>> refusal(Account, balance=1), refusal(Account, balance=-1 / 3)
    (None, 'balance must be at least 0, got −0.3333')
    """
    try:
        operation(*arguments, **named)
    except MarginError as error:
        value = f"{error.value:.4g}" if isinstance(error.value, float) else str(error.value)
        return f"{error.name} {error.rule}, got {value.replace('-', '−')}"
    return None


def _safe(words: str) -> str:
    return escaped(words, markdown=True)


class Ledger:
    """Judges claims and refuses to be shown before all of them are judged.

    Parameters
    ----------
    path : str or Path         TOML: id -> {says = "the claim", run_in = "notebook"}

    Raises
    ------
    MarginError                a claim without words or notebook, an unknown id, cases that
                               `verdict` refuses, or a claim left out when the table is asked for
    """

    def __init__(self, path: str | Path) -> None:
        self.claims = files.toml(path)
        for claim, entry in self.claims.items():
            if set(entry) != {"says", "run_in"}:
                raise MarginError(f"claim {claim}", "must have says and run_in", list(entry))
            if not re.fullmatch(r"\w+", str(entry["run_in"])):
                raise MarginError(f"claim {claim}", "must be run in a notebook", entry["run_in"])
        self.rows: dict[str, tuple[str, str]] = {}

    def judge(self, claim: str, number: str, **cases: bool) -> None:
        """Judge one claim by the cases in which it was tried, and show both.

        Parameters
        ----------
        claim : str                its id; judged again, it gets the new verdict
        number : str               the number that decides, with its unit, computed
        cases : bool               name -> did the claim hold there; see `verdict`
        """
        if claim not in self.claims:
            raise MarginError("claim", f"must be one of {', '.join(self.claims)}", claim)
        words = verdict(cases)
        self.rows[claim] = words, number
        tried = (f"{readable(name)}: {'yes' if true else 'no'}" for name, true in cases.items())
        says = _safe(self.claims[claim]["says"])
        say(
            f"**{_safe(claim)}** {says} → **{words}** ({_safe(number)})  \n"
            f"*Tried: {' · '.join(tried)}*"
        )

    def counts(self) -> dict[str, int]:
        """How many claims hold, hold when something is the case, and need correcting."""
        self._must_be_complete()
        verdicts = [words for words, _ in self.rows.values()]
        holds, wrong = verdicts.count(HOLDS), verdicts.count(WRONG)
        return {HOLDS: holds, WHEN: len(verdicts) - holds - wrong, WRONG: wrong}

    def show(self) -> None:
        """The whole ledger as one table, with a link to where each claim was run."""
        self._must_be_complete()
        lines = ["| id | claim | run in | verdict | deciding number |", "|---|---|---|---|---|"]
        for claim, entry in self.claims.items():
            words, number = self.rows[claim]
            place = f"[{entry['run_in'][:2]}]({entry['run_in']}.ipynb)"
            row = _safe(claim), _safe(entry["says"]), place, f"**{words}**", _safe(number)
            lines.append(f"| {' | '.join(row)} |")
        say("\n".join(lines))

    def _must_be_complete(self) -> None:
        missing = [claim for claim in self.claims if claim not in self.rows]
        if missing:
            raise MarginError("ledger", "must have a verdict for every claim; missing", missing)
