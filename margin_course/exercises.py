"""Exercises: what a reader answers, and what is said about it."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from margin_course import page, text
from margin_course.answers import Answer, Copy, Puzzle, Solution, Step, Worked, every
from margin_course.field import Field
from margin_course.prediction import TONES, read
from margin_course.scenarios import load
from margin_course.text import amount, escaped
from margin_lib.errors import MarginError, one_number

RIGHT = "right."
CHECK, HINT = "check", "hint"  # what buttons say
CLOSE = 0.01  # an answer counts as right within one part in a hundred
COMMA = "must have no comma: write 5000 for five thousand, 0.5 for a half"


def check(
    name: str, *answer: Any, path: str | Path = "scenarios.toml"
) -> "Exercise | Example | None":
    """Say whether an answer is right, and if not, what to look at again; without one, a field.

    Parameters
    ----------
    name : str                 the exercise, such as "03.1"
    answer : float, str, list, None    a number, or "never"; numbers of lines, in order
    path : str or Path         the scenarios to compute the right answer from

    Raises
    ------
    MarginError                no exercise of that name; an answer that is no number, or several,
                               which is what Python makes of 5,000
    """
    if not answer or answer[0] is None:
        return KINDS[type(_known(name)(load(path)))](name, path)
    print(f"{name}: {verdict(name, *answer, path=path)}")
    return None


def verdict(name: str, *answer: Any, path: str | Path = "scenarios.toml") -> str:
    """What `check` says of an answer: "right.", or words for what is not."""
    function = _known(name)
    in_order = len(answer) == 1 and isinstance(answer[0], list)
    given = answer[0] if in_order else _one("answer", answer)
    if given is None:
        return "no answer yet."
    truth = function(load(path))
    if isinstance(truth, Puzzle):
        return _verdict_on_order(given, truth)
    number = one_number("answer", given) if in_order else given
    return _verdict(number, truth) or f'not yet. Does hint("{name}") help?'


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


def told(name: str, said: str) -> str:
    """HTML of a verdict: a sign, a colour, and the words, which a screen reader announces."""
    sign, colour = TONES["hit" if said.startswith(RIGHT) else "miss"]
    said = said.replace(f'hint("{name}")', f"“{HINT}”")
    return page.status(f'<b style="color:{colour}">{sign}</b> {name}: {escaped(said)}')


def folds(name: str, words: str, hints: Sequence[str], more: str = "") -> str:
    """HTML of an exercise where no kernel runs: what it is made of, and its hints in folds."""
    shown = "".join(
        f"<details><summary>Hint {n}</summary>{escaped(each)}</details>"
        for n, each in enumerate(hints, start=1)
    )
    return f'<div class="exercise" data-exercise="{name}"><p>{words}</p>{more}{shown}</div>'


class Exercise(widgets.VBox):
    """A field for the answer of an exercise, a button that checks it, and one for its hints.

    Parameters
    ----------
    name, path                 as for `check`
    """

    def __init__(self, name: str, path: str | Path) -> None:
        self.name, self.path, self.hinted = name, path, 0
        self.truth = _known(name)(load(path))
        self.hints = self.truth.hints
        self.field = self.make_field()
        self.told, self.advice = widgets.HTML(), widgets.HTML()
        if page.teaching():
            self.told.value = page.status(escaped(f"{self.name}: {self.solved()}."))
        super().__init__([self.field, self.told, self.advice])

    def solved(self) -> str:
        """The right answer, for whoever teaches."""
        return amount(self.truth.right)

    def make_field(self) -> Field:
        """What takes the answer."""
        return Field(self._pressed, [CHECK, HINT], self.name, "500, 50%, never …")

    def _pressed(self, button: str, words: str) -> None:
        if button == HINT:
            self.hint()
        else:
            self.answer(words)

    def read(self, words: str) -> Any:
        """The answer in what was typed."""
        return typed(words)

    def answer(self, words: str) -> None:
        """Check what was typed, and say what `check` says."""
        try:
            said = verdict(self.name, self.read(words), path=self.path)
        except MarginError as error:
            said = f"Your {error.name} {error.rule}."
        self.told.value = told(self.name, said + (self.praise() if said == RIGHT else ""))

    def praise(self) -> str:
        """What is added to "right."."""
        return ""

    def hint(self) -> None:
        """Show one more hint, while there is one."""
        self.hinted = min(self.hinted + 1, len(self.hints))
        lines = "".join(f"<li>{escaped(each)}</li>" for each in self.hints[: self.hinted])
        self.advice.value = page.status(f"<ol>{lines}</ol>")

    def given(self) -> str:
        """HTML of what the exercise is made of, beside its text."""
        return ""

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view, and beside it the hints, each in a fold of its own."""
        words = f"{self.name}: no answer yet."
        shown = folds(self.name, words, self.hints, self.given())
        return page.still(super()._repr_mimebundle_(**how), shown, words)


class Ordering(Exercise):
    """Lines of code to put in order; the order is run, not compared with another one."""

    truth: Puzzle

    def make_field(self) -> Field:
        """What takes the order."""
        return Field(self._pressed, [CHECK, HINT], f"lines of {self.name}", lines=self.truth.shown)

    def read(self, words: str) -> list[int]:
        """The numbers of the lines, from "2,1,3"."""
        return [int(number) for number in words.split(",")]

    def solved(self) -> str:
        """An order that is right."""
        numbers = [self.truth.shown.index(line) + 1 for line in self.truth.lines]
        return f"{', '.join(map(str, numbers))} gives {amount(self.truth.right, self.truth.unit)}"

    def praise(self) -> str:
        """What the lines give."""
        return f" They give {amount(self.truth.right, self.truth.unit)}."

    def given(self) -> str:
        """The lines, mixed."""
        lines = "".join(f"<li><code>{escaped(line)}</code></li>" for line in self.truth.shown)
        return f"<ol>{lines}</ol>"


class Example(widgets.VBox):
    """A worked example, shown once in full; then copies with fields for the steps left out.

    Parameters
    ----------
    name, path                 as for `check`
    """

    def __init__(self, name: str, path: str | Path) -> None:
        self.name = name
        truth = _known(name)(load(path))
        assert isinstance(truth, Worked)
        self.truth, self.hints = truth, truth.hints
        self.fields: list[list[StepField]] = []
        parts: list[widgets.Widget] = []
        for number, copy in enumerate(truth.copies):
            parts.append(widgets.HTML(_steps(copy, number)))
            fields = [StepField(self, number, copy, step) for step in copy.missing]
            self.fields.append(fields)
            parts += fields
        self.hinted, self.advice = 0, widgets.HTML()
        if page.teaching():
            values = [
                amount(step.value, step.unit) for copy in truth.copies for step in copy.missing
            ]
            self.advice.value = page.status(escaped(f"{name}: {'; '.join(values)}."))
        parts += [Field(self._hint, [HINT]), self.advice]
        super().__init__(parts)

    def _hint(self, button: str, words: str) -> None:
        Exercise.hint(self)

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view; beside it the copies, and what they leave out in a fold."""
        words = f"{self.name}: no answer yet."
        shown = ""
        for number, copy in enumerate(self.truth.copies):
            shown += _steps(copy, number)
            if copy.missing:
                rows = "".join(_row(step, step.how, _value(step)) for step in copy.missing)
                shown += f"<details><summary>The steps left out</summary>{_table(rows)}</details>"
        shown = folds(self.name, words, self.hints, shown)
        return page.still(super()._repr_mimebundle_(**how), shown, words)


class StepField(widgets.VBox):
    """A field for one step that a copy leaves out; a wrong one is told how the step is made."""

    def __init__(self, example: Example, number: int, copy: Copy, step: Step) -> None:
        self.step, self.copy = step, copy
        # The first copy that leaves something out still says how its steps are made.
        how = f" = {step.how}" if copy.shown else ""
        label = f"{step.finds}{how}"
        self.field = Field(self.answer, [CHECK], label, "500, 50%, −3 …", step.unit)
        self.told = widgets.HTML()
        self.name = example.name
        super().__init__([self.field, self.told])

    def answer(self, button: str, words: str) -> None:
        """Check what was typed."""
        try:
            value = read(words, self.step.unit, name="answer")
        except MarginError as error:
            said = f"Your {error.name} {error.rule}."
        else:
            said = self._verdict(value)
        self.told.value = told(self.name, said)

    def _verdict(self, value: float) -> str:
        if _same(value, self.step.value):
            return RIGHT
        for other in self.copy.steps:
            if other is not self.step and _same(value, other.value):
                return f"not yet. That is {other.finds}."
        sign = " Look at the sign, too." if _same(-value, self.step.value) else ""
        return f"not yet. It is made so: {self.step.how}.{sign}"


def _value(step: Step) -> str:
    return str(amount(step.value, step.unit))


def _row(step: Step, how: str, value: str) -> str:
    return (
        f"<tr><td>{escaped(step.finds)}</td><td>{escaped(how)}</td><td>{escaped(value)}</td></tr>"
    )


def _table(rows: str) -> str:
    look = "border-collapse: separate; border-spacing: 1em 2px; text-align: left"
    return f'<table style="{look}"><tbody>{rows}</tbody></table>' if rows else ""


TITLES = "Worked in full.", "Now you finish it.", "Now all of it is yours."


def _steps(copy: Copy, number: int) -> str:
    """HTML of a copy: its case, and the steps that it shows."""
    rows = "".join(_row(step, step.how, _value(step)) for step in copy.steps[: copy.shown])
    title = TITLES[min(number, len(TITLES) - 1)]
    return f"<p><b>{title}</b> {escaped(copy.case)}</p>{_table(rows)}"


# How each kind of exercise is shown, by its answer; a new kind needs a line here, and no other.
KINDS: dict[type[Answer], type[Exercise] | type[Example]] = {
    Answer: Exercise,
    Puzzle: Ordering,
    Worked: Example,
}


def given(name: str, path: str | Path = "scenarios.toml") -> None:
    """Print what an exercise is made of, beside its text: lines to order, or a worked example."""
    truth = _known(name)(load(path))
    if isinstance(truth, Puzzle):
        for number, line in enumerate(truth.shown, start=1):
            print(f"{number}  {line}")
    if isinstance(truth, Worked):
        for copy in truth.copies:
            print(copy.case)
            for step in copy.steps[: copy.shown]:
                print(f"  {step.finds} = {step.how} = {_value(step)}")
            for step in copy.missing:
                print(f"  {step.finds} = ?")


def typed(words: str) -> float | str:
    """The answer that somebody typed into the field of an exercise.

    >>> typed("5,000 USD"), typed("-50 %"), typed("Never"), typed("4x")
    (5000.0, -0.5, 'never', 4.0)
    """
    if re.search(r"(%|per ?cent)\s*$", words):
        return read(words, "%", name="answer")
    value = read(re.sub(r"(?<=[\d.])\s*[A-Za-z]+\s*$", "", words), name="answer")
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


def _verdict_on_order(order: Any, puzzle: Puzzle) -> str:
    """What can be said of an order of lines, once it was run."""
    numbers = list(range(1, len(puzzle.lines) + 1))
    if not isinstance(order, list) or sorted(map(repr, order)) != sorted(map(repr, numbers)):
        rule = f"must be the numbers {numbers[0]} to {numbers[-1]}, each once, in a list"
        raise MarginError("answer", rule, order)
    try:
        value = puzzle.run(order)
    except NameError as error:
        at = next(
            place
            for place, number in enumerate(order, start=1)
            if re.search(rf"\b{error.name}\b", puzzle.shown[number - 1].partition("=")[2])
        )
        return f"not yet. Line {at} uses {error.name}, which no line above it has made."
    if _same(value, puzzle.right):
        return RIGHT
    slip = next((says for x, says in puzzle.slips.items() if _same(value, x)), "")
    advice = slip or "Which line comes too early?"
    return f"not yet. It runs, and gives {amount(value, puzzle.unit)}. {advice}"


def _same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-9)
