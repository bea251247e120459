"""The quiz at the end of a notebook: choose an option, and read why it is right or not."""

import html
import tomllib
from pathlib import Path

import ipywidgets as widgets

from margin_lib.errors import MarginError


class Question(widgets.VBox):
    """One question: options, of which one is right, a button, and a reply to each option.

    Parameters
    ----------
    number : int
    ask : str                  the question
    options : list of dict     says, because (the reply) and, in one of them, right = true
    """

    def __init__(self, number, ask, options):
        self.ask, self.options = ask, options
        words = [(option["says"], place) for place, option in enumerate(options)]
        wide = widgets.Layout(width="max-content", max_width="100%")
        self.choice = widgets.RadioButtons(options=words, value=None, layout=wide)
        self.button = widgets.Button(description=f"Check question {number}", layout=wide)
        self.reply = widgets.HTML()
        self.button.on_click(self.answer)
        heading = widgets.HTML(f"<b>{number}. {html.escape(ask)}</b>")
        super().__init__([heading, self.choice, self.button, self.reply])

    def answer(self, _=None):
        """Reply to the option that is chosen."""
        words = "Choose an option first."
        if self.choice.value is not None:
            option = self.options[self.choice.value]
            words = f"{'Right.' if option.get('right') else 'Not so.'} {option['because']}"
        self.reply.value = f'<div role="status" aria-live="polite">{html.escape(words)}</div>'


class Quiz(widgets.VBox):
    """The questions of one notebook, one under the other; without a kernel, as text to read."""

    def __init__(self, questions):
        self.questions = [Question(n, **each) for n, each in enumerate(questions, start=1)]
        super().__init__(self.questions)

    def _repr_mimebundle_(self, **how):
        """The live view, and beside it the questions without their answers."""
        bundle = super()._repr_mimebundle_(**how)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        rows, lines = "", []
        for n, each in enumerate(self.questions, start=1):
            says = [option["says"] for option in each.options]
            rows += f"<li>{html.escape(each.ask)}<ul>"
            rows += "".join(f"<li>{html.escape(words)}</li>" for words in says) + "</ul></li>"
            lines += [f"{n}. {each.ask}", *(f"   ( ) {words}" for words in says)]
        data["text/html"], data["text/plain"] = f"<ol>{rows}</ol>", "\n".join(lines)
        return bundle


def quiz(name, path="quiz.toml"):
    """The quiz of a notebook, such as "03"."""
    tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    if name not in tables:
        raise MarginError("quiz", f"must be one of {', '.join(tables)}", name)
    return Quiz(tables[name])
