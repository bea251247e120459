"""Questions with options: a quiz at the end of a notebook, two earlier ones at its beginning."""

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from margin_course import concepts, files, page, progress
from margin_course.prediction import TONES
from margin_course.text import escaped
from margin_lib.errors import MarginError

RIGHT, WRONG = "right", "wrong"  # what is kept of a first choice
OFTEN = 2  # questions that come back


class Question(widgets.VBox):
    """One question: a button for each option, of which one is right, and the reply to it.

    The first option that is chosen counts; the others can be explored afterwards. Each button that
    was pressed stays marked, by a sign, a word and a colour.

    Not radio buttons: they want the arrow keys, and Jupyter keeps those for itself.

    Parameters
    ----------
    number : int
    ask : str                  the question
    options : list of dict     says, because (the reply) and, in one of them, right = true
    about : list of str        the beliefs that it looks for, as in `inventory.toml`
    name : str                 under which its first choice is kept, such as "03.2"; "" for not
    """

    def __init__(
        self,
        number: int,
        ask: str,
        options: Sequence[Mapping[str, Any]],
        about: Sequence[str] = (),
        name: str = "",
    ) -> None:
        self.ask, self.options, self.about, self.name = ask, options, about, name
        self.right: bool | None = None  # of the first choice
        self.answered = lambda: None  # told after the first choice
        fit = widgets.Layout(width="fit-content", max_width="100%", margin="2px 2px 2px 1.5em")
        self.buttons = [widgets.Button(description=o["says"], layout=fit) for o in options]
        for place, button in enumerate(self.buttons):
            button.on_click(lambda _, place=place: self.answer(place))
        self.reply = widgets.HTML()
        heading = widgets.HTML(f"<b>{number}. {escaped(ask)}</b>")
        super().__init__([heading, *self.buttons, self.reply])

    def answer(self, place: int) -> None:
        """Choose the option at this place, and reply to it."""
        option, button = self.options[place], self.buttons[place]
        right = bool(option.get("right"))
        sign, colour = TONES["hit" if right else "miss"]
        button.button_style = "success" if right else "danger"
        button.description = f"{sign} {option['says']}"
        first = self.right is None
        if first:
            self.right = right
        verdict = "Right." if right else "Not so."
        says, because = escaped(option["says"]), escaped(option["because"])
        words = f"“{says}” <b style='color:{colour}'>{sign} {verdict}</b> {because}"
        self.reply.value = page.status(words)
        if first:
            if self.name:
                progress.note("quiz", self.name, RIGHT if right else WRONG)
            self.answered()


class Quiz(widgets.VBox):
    """The questions of one notebook, one under the other, and a score; without a kernel, text."""

    def __init__(self, questions: Iterable[Mapping[str, Any]]) -> None:
        self.data = list(questions)
        self.questions = [Question(n, **each) for n, each in enumerate(self.data, start=1)]
        for question in self.questions:
            question.answered = self._count
        self.score = widgets.HTML()
        super().__init__([*self.questions, self.score])

    def _count(self) -> None:
        tried = [question.right for question in self.questions if question.right is not None]
        words = f"{sum(tried)} of {len(tried)} right at the first try"
        left = len(self.questions) - len(tried)
        self.score.value = page.status(f"<b>{words}{f', {left} to go' if left else ''}.</b>")

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view, and beside it the questions without their replies."""
        return page.still(super()._repr_mimebundle_(**how), *listed(self.data))


def listed(questions: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """Questions and their options without the replies, as HTML and as text."""
    rows, lines = "", []
    for n, each in enumerate(questions, start=1):
        says = [option["says"] for option in each["options"]]
        rows += f"<li>{escaped(each['ask'])}<ul>"
        rows += "".join(f"<li>{escaped(words)}</li>" for words in says) + "</ul></li>"
        lines += [f"{n}. {each['ask']}", *(f"   ( ) {words}" for words in says)]
    return f"<ol>{rows}</ol>", "\n".join(lines)


def quiz(name: str, path: str | Path = "quiz.toml") -> Quiz:
    """The quiz of a notebook, such as "03"."""
    return Quiz(_named(files.toml(path), name))


class Practice(Quiz):
    """Two questions on earlier notebooks. Where no kernel runs, they are the same for everybody."""

    def __init__(
        self, questions: Iterable[Mapping[str, Any]], usual: Iterable[Mapping[str, Any]]
    ) -> None:
        super().__init__(questions)
        self.usual = usual

    def _repr_mimebundle_(self, **how: Any) -> Any:
        return page.still(super()._repr_mimebundle_(**how), *listed(self.usual))


def practice(name: str, path: str | Path = "quiz.toml") -> Practice:
    """Two questions on notebooks before this one, such as "04": first those that went wrong.

    A question went wrong when its first choice did, in a quiz or here; then come those on what the
    fifteen questions before the course found believed. The others are drawn, the same each time.

    Raises
    ------
    MarginError                no quiz of that name, or none before it
    """
    tables = files.toml(path)
    earlier = [each for other in tables if other < name for each in _named(tables, other)]
    if name not in tables or len(earlier) < OFTEN:
        raise MarginError("practice", "must be for a notebook that has others before it", name)
    drawn = random.Random(f"practice {name}").sample(earlier, len(earlier))
    kept = progress.kept()
    believed = concepts.inventory(Path(path).with_name(concepts.FILE)).held(kept["before"])

    def comes_first(question: Mapping[str, Any]) -> int:
        went = kept["quiz"].get(question["name"])
        if went == WRONG:
            return 0
        return 1 if went != RIGHT and believed & set(question["about"]) else 2

    return Practice(sorted(drawn, key=comes_first)[:OFTEN], drawn[:OFTEN])


def _named(tables: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The questions of a notebook, each with the name under which its answer is kept."""
    if name not in tables:
        raise MarginError("quiz", f"must be one of {', '.join(tables)}", name)
    return [
        {"about": [], **each, "name": f"{name}.{place}"}
        for place, each in enumerate(tables[name], start=1)
    ]
