"""The right answers of the exercises, one module a notebook, and what wrong ones give away.

Every answer is computed from the scenarios, none is stored. A module exports `ANSWERS`, from the
name of an exercise to the function that answers it; a new module is found by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

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


Solution = Callable[[Book], Answer]


@cache
def every() -> dict[str, Solution]:
    """All exercises: name -> function from all scenarios to an Answer, in the order of the names.

    >>> list(every())[:2]
    ['01.1', '01.2']
    """
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return dict(sorted(pair for module in modules for pair in module.ANSWERS.items()))
