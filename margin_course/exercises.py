"""Predictions and exercises: what a reader answers, and what is said about it."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from margin_course import page, text
from margin_course.answers import Answer, Solution, every
from margin_course.field import Field
from margin_course.prediction import TONES, read
from margin_course.scenarios import load
from margin_course.text import escaped
from margin_lib.errors import MarginError, one_number

RIGHT = "right."
CHECK, HINT = "check", "hint"  # what buttons say
CLOSE = 0.01  # an answer counts as right within one part in a hundred
COMMA = "must have no comma: write 5000 for five thousand, 0.5 for a half"


def predict(*value: float | str | None) -> float | None:
    """Commit to a number, or to "never", before you see the result; None while you have not.

    Raises
    ------
    MarginError                no number; or several, which is what Python makes of 5,000

    >>> predict()
    No prediction yet. Put a number in place of None and run this cell again.
    >>> predict(-0.25)
    Noted. Now run the cells below.
    -0.25
    """
    number = _one("prediction", value)
    if number is None:
        print("No prediction yet. Put a number in place of None and run this cell again.")
    else:
        print("Noted. Now run the cells below.")
    return number


def compare(
    prediction: float | None, result: float, form: Callable[[float], str] = text.percent
) -> None:
    """Prediction and result side by side.

    Parameters
    ----------
    prediction : float or None
    result : float             NaN for "never", in both
    form : callable            turns a number into words

    >>> compare(-0.25, -0.2)
    You said −25.00 %. It is −20.00 %: you were off by 5.00 percentage points.
    >>> compare(None, -0.2)
    No prediction yet. It is −20.00 %.
    """
    if prediction is None:
        print(f"No prediction yet. It is {form(result)}.")
    else:
        found = _distance(prediction, result, form)
        print(f"You said {form(prediction)}. It is {form(result)}: {found}")


def _distance(prediction: float, result: float, form: Callable[[float], str]) -> str:
    """How near a prediction came, in words."""
    if _same(prediction, result):
        return "well predicted."
    if math.isnan(result):
        return "no price does it."
    if math.isnan(prediction):
        return "it does happen."
    if _same(-prediction, result):
        return "right but for the sign."
    off = form(abs(prediction - result)).lstrip("+")
    if not off.endswith("%"):
        return f"you were off by {off}."
    if abs(prediction) > 2 > abs(result):  # 20 where 20 % was meant
        return f"did you mean {form(prediction / 100)}? A share is written as 0.5 for a half."
    return f"you were off by {off[:-1]}percentage points."


def check(
    name: str, *answer: float | str | None, path: str | Path = "scenarios.toml"
) -> "Exercise | None":
    """Say whether an answer is right, and if not, what to look at again; without one, a field.

    Parameters
    ----------
    name : str                 the exercise, such as "03.1"
    answer : float, str, None  a number, or "never"
    path : str or Path         the scenarios to compute the right answer from

    Raises
    ------
    MarginError                no exercise of that name; an answer that is no number, or several,
                               which is what Python makes of 5,000
    """
    if _one("answer", answer) is None:
        return Exercise(name, path)
    print(f"{name}: {verdict(name, *answer, path=path)}")
    return None


def verdict(name: str, *answer: float | str | None, path: str | Path = "scenarios.toml") -> str:
    """What `check` says of an answer: "right.", or words for what is not."""
    function = _known(name)
    given = _one("answer", answer)
    if given is None:
        return "no answer yet."
    return _verdict(given, function(load(path))) or f'not yet. Does hint("{name}") help?'


def hint(name: str, level: int = 1, path: str | Path = "scenarios.toml") -> None:
    """A hint for an exercise: level 1 is a nudge, level 2 is nearly the way.

    Raises
    ------
    MarginError                no exercise of that name, or no hint of that level
    """
    hints = _known(name)(load(path)).hints
    if level not in range(1, len(hints) + 1):
        raise MarginError("level", f"must be 1 to {len(hints)}", level)
    further = f' Still stuck? hint("{name}", {level + 1})' if level < len(hints) else ""
    print(f"{name}: {hints[level - 1]}{further}")


class Exercise(widgets.VBox):
    """A field for the answer of an exercise, a button that checks it, and one for its hints.

    Parameters
    ----------
    name, path                 as for `check`
    """

    def __init__(self, name: str, path: str | Path) -> None:
        self.name, self.path, self.hinted = name, path, 0
        self.hints = _known(name)(load(path)).hints
        self.field = Field(self._pressed, [CHECK, HINT], name, "500, 50%, never …")
        self.told, self.advice = widgets.HTML(), widgets.HTML()
        super().__init__([self.field, self.told, self.advice])

    def _pressed(self, button: str, words: str) -> None:
        if button == HINT:
            self.hint()
        else:
            self.answer(words)

    def answer(self, text: str) -> None:
        """Check what was typed, and say what `check` says."""
        try:
            said = verdict(self.name, typed(text), path=self.path)
        except MarginError as error:
            said, tone = f"Your {error.name} {error.rule}.", "miss"
        else:
            tone = "hit" if said == RIGHT else "miss"
            said = said.replace(f'hint("{self.name}")', f"“{HINT}”")
        sign, colour = TONES[tone]
        mark = f'<b style="color:{colour}">{sign}</b>'
        self.told.value = page.status(f"{mark} {self.name}: {escaped(said)}")

    def hint(self) -> None:
        """Show one more hint, while there is one."""
        self.hinted = min(self.hinted + 1, len(self.hints))
        lines = "".join(f"<li>{escaped(each)}</li>" for each in self.hints[: self.hinted])
        self.advice.value = page.status(f"<ol>{lines}</ol>")

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view, and beside it the hints, each in a fold of its own."""
        folds = "".join(
            f"<details><summary>Hint {n}</summary>{escaped(each)}</details>"
            for n, each in enumerate(self.hints, start=1)
        )
        words = f"{self.name}: no answer yet."
        shown = f'<div class="exercise" data-exercise="{self.name}"><p>{words}</p>{folds}</div>'
        return page.still(super()._repr_mimebundle_(**how), shown, words)


def typed(words: str) -> float | str:
    """The answer that somebody typed into the field of an exercise.

    >>> typed("5,000 USD"), typed("-50 %"), typed("Never"), typed("4x")
    (5000.0, -0.5, 'never', 4.0)
    """
    if re.search(r"(%|per ?cent)\s*$", words):
        return read(words, "%")
    value = read(re.sub(r"(?<=[\d.])\s*[A-Za-z]+\s*$", "", words))
    return text.NEVER if math.isnan(value) else value


def _known(name: str) -> Solution:
    if name not in every():
        raise MarginError("exercise", f"must be one of {', '.join(every())}", name)
    return every()[name]


def _one(name: str, given: Any) -> float | None:
    """The number of a call with none or one; several are what Python makes of 5,000."""
    while isinstance(given, tuple):  # An answer may have been stored in a name before.
        if len(given) > 1:
            raise MarginError(name, COMMA, given)
        given = given[0] if given else None
    if given is None or given == text.NEVER:
        return None if given is None else math.nan
    return one_number(name, given)


def _verdict(given: float, truth: Answer) -> str | None:
    """What can be said of an answer; None if it is wrong in a way that nobody foresaw."""
    if _same(given, truth.right):
        return RIGHT
    for wrong, advice in truth.slips.items():
        if _same(given, wrong):
            return f"not yet. {advice}"
    if math.isnan(given):
        return "not yet. It does happen: look for the number."
    if math.isnan(truth.right):
        return 'not yet. Could it be that it never happens? Then write "never".'
    if _same(given, -truth.right):
        return "not yet. Look at the sign."
    if _same(abs(given), abs(100 * truth.right)):
        return "not yet. Write a share, with its sign: 0.5 for 50 %, -0.5 for a fall by half."
    return None


def _same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-9)
