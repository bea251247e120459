"""The quiz at the end of a notebook: choose an option, and read why it is right or not."""

import html
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from margin_course import page
from margin_lib.errors import MarginError


class Question(widgets.VBox):
    """One question: a button for each option, of which one is right, and the reply to it.

    Not radio buttons: they want the arrow keys, and Jupyter keeps those for itself.

    Parameters
    ----------
    number : int
    ask : str                  the question
    options : list of dict     says, because (the reply) and, in one of them, right = true
    """

    def __init__(self, number: int, ask: str, options: Sequence[Mapping[str, Any]]) -> None:
        self.ask, self.options = ask, options
        fit = widgets.Layout(width="fit-content", max_width="100%", margin="2px 2px 2px 1.5em")
        self.buttons = [widgets.Button(description=o["says"], layout=fit) for o in options]
        for button, option in zip(self.buttons, options, strict=True):
            button.on_click(lambda _, option=option: self.answer(option))
        self.reply = widgets.HTML()
        heading = widgets.HTML(f"<b>{number}. {html.escape(ask)}</b>")
        super().__init__([heading, *self.buttons, self.reply])

    def answer(self, option: Mapping[str, Any]) -> None:
        """Reply to an option."""
        verdict = "Right." if option.get("right") else "Not so."
        says, because = html.escape(option["says"]), html.escape(option["because"])
        words = f"“{says}” <b>{verdict}</b> {because}"
        self.reply.value = page.status(words)


class Quiz(widgets.VBox):
    """The questions of one notebook, one under the other; without a kernel, as text to read."""

    def __init__(self, questions: Iterable[Mapping[str, Any]]) -> None:
        self.questions = [Question(n, **each) for n, each in enumerate(questions, start=1)]
        super().__init__(self.questions)

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view, and beside it the questions without their replies."""
        rows, lines = "", []
        for n, each in enumerate(self.questions, start=1):
            says = [option["says"] for option in each.options]
            rows += f"<li>{html.escape(each.ask)}<ul>"
            rows += "".join(f"<li>{html.escape(words)}</li>" for words in says) + "</ul></li>"
            lines += [f"{n}. {each.ask}", *(f"   ( ) {words}" for words in says)]
        return page.still(super()._repr_mimebundle_(**how), f"<ol>{rows}</ol>", "\n".join(lines))


def quiz(name: str, path: str | Path = "quiz.toml") -> Quiz:
    """The quiz of a notebook, such as "03"."""
    tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    if name not in tables:
        raise MarginError("quiz", f"must be one of {', '.join(tables)}", name)
    return Quiz(tables[name])
