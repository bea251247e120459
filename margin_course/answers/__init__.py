"""The right answers of the exercises, one module a notebook, and what wrong ones give away.

Every answer is computed from the scenarios, none is stored. A module exports `ANSWERS`, from the
name of an exercise to the function that answers it; a new module is found by itself.

Most exercises ask for one number (`Answer`). A `Worked` example is shown once in full, and then
with more and more steps left out; a `Puzzle` has lines of code to put in order. `exercises.KINDS`
says how each is shown.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from math import isclose
from pkgutil import iter_modules
from typing import Any

from margin_course.scenarios import Scenario

Book = dict[str, Scenario]  # all scenarios of a file, by name


@dataclass(frozen=True)
class Answer:
    """A right answer, what wrong ones give away, and what helps before there is one.

    Parameters
    ----------
    right : float              NaN where the answer is "never"
    slips : dict               wrong answer -> what to look at again; computed, as `right` is
    hints : tuple of str       a first nudge, then nearly the way; neither says the answer
    """

    right: float
    slips: dict[float, str] = field(default_factory=dict)
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of a worked example: what it finds, how, and its value."""

    finds: str
    how: str
    value: float
    unit: str = ""


@dataclass(frozen=True)
class Copy:
    """A case of a worked example: the case in words, its steps, and how many of them are shown."""

    case: str
    steps: tuple[Step, ...]
    shown: int

    @property
    def missing(self) -> tuple[Step, ...]:
        """The steps that are left to the reader."""
        return self.steps[self.shown :]


@dataclass(frozen=True)
class Worked(Answer):
    """A worked example that fades; its answer is the last step of its last copy.

    Parameters
    ----------
    copies : tuple of Copy     the first one shows all steps, each further one fewer
    """

    copies: tuple[Copy, ...] = ()


def worked(*copies: Copy, hints: tuple[str, ...]) -> Worked:
    """A worked example from its copies: who answers with an earlier step hears so."""
    *earlier, last = copies[-1].steps
    slips = {step.value: f"That is an earlier step: {step.finds}." for step in earlier}
    return Worked(last.value, slips, hints, copies)


@dataclass(frozen=True)
class Puzzle(Answer):
    """Lines of code to put in order, which end in a number named `answer`.

    Every order that runs and gives the right number is right, not only the one that stands here.

    Parameters
    ----------
    lines : tuple of str       in an order that works
    names : Mapping            what the lines know
    unit : str                 of the answer
    """

    lines: tuple[str, ...] = ()
    names: Mapping[str, float] = field(default_factory=dict)
    unit: str = ""

    @property
    def shown(self) -> tuple[str, ...]:
        """The lines as a reader gets them: mixed, the same each time."""
        mixed = list(self.lines)
        for seed in range(99):
            random.Random(seed).shuffle(mixed)
            if not self.is_solved(mixed):
                break
        return tuple(mixed)

    def is_solved(self, lines: Sequence[str]) -> bool:
        """Whether lines give the right answer as they stand."""
        try:
            return isclose(self.run(range(1, len(lines) + 1), lines), self.right)
        except NameError:
            return False

    def run(self, order: Iterable[int], lines: Sequence[str] | None = None) -> float:
        """What the lines give in this order of their numbers, counted from 1 as they are shown.

        Raises
        ------
        NameError                  a line uses what no line above it has made

        >>> halves = Puzzle(right=4, lines=("answer = start", "answer /= 2"), names={"start": 8})
        >>> halves.run([1, 2], halves.lines), halves.shown
        (4.0, ('answer /= 2', 'answer = start'))
        """
        known: dict[str, Any] = dict(self.names)
        rows = self.shown if lines is None else lines
        for number in order:
            exec(rows[number - 1], {"__builtins__": {}}, known)
        return float(known["answer"])


Solution = Callable[[Book], Answer]


@cache
def every() -> dict[str, Solution]:
    """All exercises: name -> function from all scenarios to an Answer, in the order of the names.

    >>> list(every())[:2]
    ['01.1', '01.2']
    """
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return dict(sorted(pair for module in modules for pair in module.ANSWERS.items()))
