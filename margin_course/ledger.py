"""The ledger of claims: what articles say, what a run of each says, and the number that decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from margin_course.scenarios import Scenario
from margin_course.text import amount, escaped
from margin_lib.errors import MarginError

HOLDS, WHEN, WRONG = "holds", "holds when", "needs correcting"
Book = Mapping[str, Scenario]  # all scenarios of a file, by name


def readable(name: str) -> str:
    """The name of a case as words.

    >>> readable("the_hedge_works")
    'the hedge works'
    """
    return name.replace("_", " ")


@dataclass(frozen=True)
class Finding:
    """What the runs of a claim say: the number that decides, and the cases it was tried in.

    Parameters
    ----------
    number : str               with its unit, computed
    cases : Mapping            name -> did the claim hold there; underscores read as spaces

    Raises
    ------
    MarginError                no case, or an outcome that is neither True nor False

    >>> Finding("2 BTC", {"the_hedge_works": True, "it_breaks": True}).verdict
    'holds'
    >>> Finding("2 BTC", {"the_hedge_works": True, "it_breaks": False}).verdict
    'holds when the hedge works'
    >>> Finding("2 BTC", {"the_hedge_works": False, "it_breaks": False}).verdict
    'needs correcting'
    """

    number: str
    cases: Mapping[str, bool]

    def __post_init__(self) -> None:
        if not self.cases:
            raise MarginError("cases", "must not be empty", dict(self.cases))
        for name, outcome in self.cases.items():
            if not isinstance(outcome, bool | np.bool_):  # a NaN or a message would count as True
                raise MarginError(f"case {name}", "must be True or False", outcome)

    @property
    def kind(self) -> str:
        """Did the claim hold in all cases, in some, or in none?"""
        true = [bool(outcome) for outcome in self.cases.values()]
        return HOLDS if all(true) else WHEN if any(true) else WRONG

    @property
    def when(self) -> str:
        """The cases in which it held, in words."""
        return " or ".join(readable(name) for name, outcome in self.cases.items() if outcome)

    @property
    def verdict(self) -> str:
        """What the cases say about the claim; of one that holds in some of them, in which."""
        return f"{WHEN} {self.when}" if self.kind == WHEN else self.kind

    @property
    def tried(self) -> str:
        """All cases with a yes or a no."""
        return " · ".join(
            f"{readable(name)}: {'yes' if outcome else 'no'}"
            for name, outcome in self.cases.items()
        )


def found(number: str, **cases: bool) -> Finding:
    """A finding, its cases given by name."""
    return Finding(number, cases)


@dataclass(frozen=True)
class Claim:
    """A claim that articles make, and the trial that judges it.

    Parameters
    ----------
    says : str                 the claim, in our words
    run_in : str               the notebook in which a reader runs it
    trial : callable           from all scenarios to a `Finding`
    """

    says: str
    run_in: str
    trial: Callable[[Book], Finding]

    @property
    def place(self) -> str:
        """A link to the notebook."""
        return f"[{self.run_in[:2]}]({self.run_in}.ipynb)"


CLAIMS: dict[str, Claim] = {}  # by id, in the order in which they were written


def claim(name: str, says: str, run_in: str) -> Callable:
    """Put the function below under this name into the ledger, as the trial of a claim.

    Raises
    ------
    MarginError                a name that is taken, words that fit no table
    """
    if name in CLAIMS:
        raise MarginError("claim", "must have a name of its own", name)
    if "|" in says or not says.endswith("."):
        raise MarginError(f"claim {name}", "must be a sentence without a bar", says)

    def keep(trial: Callable[[Book], Finding]) -> Callable[[Book], Finding]:
        CLAIMS[name] = Claim(says, run_in, trial)
        return trial

    return keep


def refusal(operation: Callable, *arguments: Any, **named: Any) -> str | None:
    """What the exchange answers when it refuses an operation; None when it does it.

    >>> from margin_lib.account import Account
    >>> refusal(Account, balance=1), refusal(Account, balance=-1 / 3)
    (None, 'balance must be at least 0, got −0.3333')
    """
    try:
        operation(*arguments, **named)
    except MarginError as error:
        value: Any = error.value
        value = amount(value) if isinstance(value, float) else str(value).replace("-", "−")
        return f"{error.name} {error.rule}, got {value}"
    return None


@dataclass(frozen=True)
class Ledger:
    """Every claim with its verdict, as one table; each is run when the ledger is made.

    Parameters
    ----------
    book : Mapping             all scenarios, by name
    claims : Mapping           id -> Claim; if not given, those of 01 to 06
    """

    book: Book
    claims: Mapping[str, Claim] = field(
        default_factory=lambda: {n: each for n, each in CLAIMS.items() if each.run_in < "07"}
    )
    found: Mapping[str, Finding] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = {name: each.trial(self.book) for name, each in self.claims.items()}
        object.__setattr__(self, "found", found)

    def __getitem__(self, name: str) -> Finding:
        """The finding of one claim."""
        if name not in self.found:
            raise MarginError("claim", f"must be one of {', '.join(self.found)}", name)
        return self.found[name]

    @property
    def counts(self) -> dict[str, int]:
        """How many claims hold, hold when something is the case, and need correcting."""
        kinds = [finding.kind for finding in self.found.values()]
        return {kind: kinds.count(kind) for kind in (HOLDS, WHEN, WRONG)}

    def table(self) -> str:
        """The table, in Markdown."""
        lines = ["| id | claim | run in | verdict | deciding number |", "|---|---|---|---|---|"]
        for name, each in self.claims.items():
            finding = self.found[name]
            number = escaped(finding.number, markdown=True)  # it names what a data file names
            cells = name, each.says, each.place, f"**{finding.verdict}**", number
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/markdown": self.table(), "text/plain": self.table()}
