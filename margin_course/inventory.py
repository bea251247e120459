"""The fifteen questions of `concepts.py` on a page: before the course, and again at its end.

Nobody is told what was right before the second test is done. Then a reader sees what has changed.
"""

from pathlib import Path
from typing import Any

import ipywidgets as widgets

from margin_course import page, progress
from margin_course.concepts import FILE, UNSURE, Question, inventory
from margin_course.field import Field
from margin_course.prediction import TONES
from margin_course.scenarios import load
from margin_course.text import escaped, percent

BEGIN, ON, AGAIN, AWAY = "begin", "go on", "begin again", "put away"  # what buttons say
BACK, DONT_KNOW, SAVE = "back", "I do not know", "save my results, without a name"
OFFER = {
    "before": "Fifteen questions, before you begin: about 8 minutes, if you like. At the end of "
    "the course you meet them again with other numbers, and see what has changed.",
    "after": "The fifteen questions again, with other numbers: about 8 minutes.",
}
NOTED = (
    "All fifteen are noted. What was right is not told yet: notebook 06 asks them again with other "
    "numbers, and then shows both."
)
NOT_KEPT = " It could not be kept in a file, so this page alone knows it."


class FifteenQuestions(widgets.VBox):
    """The fifteen questions in one form, one at a time, folded until a reader begins.

    Parameters
    ----------
    form : str                 "before" or "after"
    questions : Mapping        form -> the questions in that form; "after" needs both
    beliefs : Mapping          name -> Belief, with the section that clears it
    folder : Path              where the notebooks are
    """

    def __init__(
        self, form: str, questions: dict[str, list[Question]], beliefs: Any, folder: Path
    ) -> None:
        self.form, self.questions, self.beliefs = form, questions, beliefs
        self.folder = folder
        self.asked = questions[form]
        self.given = progress.kept()[form]
        self.place: int | None = None  # of the question that is shown; None: folded
        self.told = widgets.HTML()
        self.field = Field(self._pressed, [], column=True)
        self.result = widgets.HTML()
        super().__init__([self.told, self.field, self.result])
        self._show()

    # What a reader does

    def _pressed(self, button: str, words: str) -> None:
        if button == SAVE:
            self.save()
        elif button == AGAIN:
            self.begin_again()
        elif button in (BEGIN, ON):
            self.go_on()
        elif button == AWAY:
            self.put_away()
        elif button == BACK:
            self.back()
        else:
            self.choose(button)

    def go_on(self) -> None:
        """Show the first question that is not answered."""
        left = [n for n, each in enumerate(self.asked) if each.name not in self.given]
        self.place = left[0] if left else None
        self._show()

    def put_away(self) -> None:
        """Fold the questions; what was answered stays."""
        self.place = None
        self._show()

    def back(self) -> None:
        """Show the question before this one."""
        if self.place:
            self.place -= 1
        self._show()

    def choose(self, says: str) -> None:
        """Answer the question that is shown, by the words of an option, and show the next."""
        if self.place is None:
            return
        question = self.asked[self.place]
        key = next((option.key for option in question.options if option.says == says), UNSURE)
        self.given[question.name] = key
        self.in_file = progress.note(self.form, question.name, key)
        self.place = self.place + 1 if self.place + 1 < len(self.asked) else None
        self._show()

    def begin_again(self) -> None:
        """Forget the answers of this form, and show the first question."""
        self.given = {}
        self.in_file = progress.forget(self.form)
        self.go_on()

    def save(self) -> None:
        """Write both tests into a file without a name, beside the notebook."""
        try:
            words = f"Saved as {progress.export(Path()).name}, beside this page."
        except OSError as error:
            words = f"It could not be saved: {error.strerror}."
        self.told.value = page.status(escaped(words))

    # What is shown

    in_file = True  # whether the last answer found its way into the file

    @property
    def done(self) -> bool:
        """Whether every question has an answer."""
        return all(each.name in self.given for each in self.asked)

    def _show(self) -> None:
        self.result.value = ""
        if self.place is not None:
            question = self.asked[self.place]
            says = [option.says for option in question.options]
            back = [BACK] if self.place else []
            self.field.ask([*says, DONT_KNOW, *back, AWAY])
            number = f"<b>{self.place + 1} of {len(self.asked)}.</b>"
            self.told.value = page.status(f"{number} {escaped(question.ask)}")
        elif self.done:
            self.field.ask([AGAIN] if self.form == "before" else [SAVE, AGAIN])
            words = NOTED if self.form == "before" else "All fifteen are answered."
            self.told.value = page.status(escaped(words + ("" if self.in_file else NOT_KEPT)))
            if self.form == "after":
                self.result.value = self.report()
        else:
            self.field.ask([ON if self.given else BEGIN])
            count = f" {len(self.given)} are answered so far." if self.given else ""
            self.told.value = page.status(escaped(OFFER[self.form] + count))

    def report(self) -> str:
        """HTML of what has changed: both scores, and each question with both answers."""
        before = progress.kept()["before"]
        first = {each.name: each for each in self.questions["before"]}
        rows, right = [], {"before": 0, "after": 0}
        for question in self.asked:
            now = self._tone(question, self.given[question.name])
            then = self._tone(first[question.name], before.get(question.name))
            right["after"] += now == "hit"
            right["before"] += then == "hit"
            rows.append(self._row(question, then, now))
        shown = f"<ol>{''.join(rows)}</ol>"
        return page.status(f"<p>{escaped(self._score(right, before))}</p>") + shown

    def _score(self, right: dict[str, int], before: dict[str, str]) -> str:
        count = len(self.asked)
        words = f"{right['after']} of {count} are right now."
        if not all(each.name in before for each in self.asked):
            return words + " There is no whole test from before the course to compare with."
        words = f"Before the course {right['before']} of {count} were right. {words}"
        missing = count - right["before"]
        if missing and right["after"] > right["before"]:
            part = percent((right["after"] - right["before"]) / missing, 0, sign=False)
            words += f" That is {part} of what there was to gain."
        return words

    def _tone(self, question: Question, key: str | None) -> str | None:
        """hit, miss or near (not known) for an answer; None where there is none."""
        if key is None:
            return None
        option = question[key]
        return "near" if option is None else "hit" if option.right else "miss"

    def _row(self, question: Question, then: str | None, now: str | None) -> str:
        """One question in the report: both marks, and in the fold its words and its reason."""
        option = question[self.given[question.name]]
        belief = self.beliefs[question.about]
        head = question.ask.rpartition(". ")[2]
        words = f"<p>{escaped(question.ask)}</p><p>"
        if option is None:
            words += "You did not know. "
        elif not option.right:
            held = self.beliefs[option.belief]
            said, believed = escaped(option.says), escaped(held.says)
            words += f"You said “{said}”. So do people who believe: “{believed}” "
        words += f"It is <b>{escaped(question.right.says)}</b>. {escaped(question.because)}</p>"
        file, _, heading = belief.section.partition("#")
        if now != "hit" and (self.folder / file).exists():  # an adapted course may have dropped it
            title = escaped(heading.replace("-", " "))
            look = 'target="_blank" style="text-decoration: underline"'
            link = f'<a href="{escaped(belief.section)}" {look}>{title}</a>'
            words += f"<p>Read again: notebook {escaped(file[:2])}, {link}</p>"
        marks = f"before {_mark(then)}, now {_mark(now)}"
        summary = f"<summary>{marks}: <i>{escaped(head)}</i></summary>"
        return f"<li><details>{summary}{words}</details></li>"

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view; beside it the questions in a fold, the same for every reader."""
        offer = OFFER[self.form]
        rows, lines = "", [offer]
        for number, each in enumerate(self.asked, start=1):
            says = [option.says for option in each.options]
            rows += f"<li>{escaped(each.ask)}<ul>"
            rows += "".join(f"<li>{escaped(words)}</li>" for words in says) + "</ul></li>"
            lines += [f"{number}. {each.ask}", *(f"   ( ) {words}" for words in says)]
        fold = f"<details><summary>Read them</summary><ol>{rows}</ol></details>"
        shown = f'<div class="inventory"><p>{escaped(offer)}</p>{fold}</div>'
        return page.still(super()._repr_mimebundle_(**how), shown, "\n".join(lines))


WORDS = {"hit": "right", "near": "not known", "miss": "not so", None: "not asked"}


def _mark(tone: str | None) -> str:
    """A sign and a word for how an answer came out."""
    if tone is None:
        return f"– {WORDS[tone]}"
    sign, colour = TONES[tone]
    sign = "?" if tone == "near" else sign
    mark = f'<b style="color:{colour}">{sign}</b> {WORDS[tone]}'
    return f'<span style="white-space: nowrap">{mark}</span>'


def fifteen_questions(
    form: str, path: str | Path = FILE, scenarios: str | Path = "scenarios.toml"
) -> FifteenQuestions:
    """The test before the course, or the one after it.

    Parameters
    ----------
    form : str                 "before" or "after"
    path, scenarios : str or Path   the questions; the scenarios to compute their numbers from

    Raises
    ------
    MarginError                another form; as for `inventory` and `load`
    """
    data, book = inventory(path), load(scenarios)
    needed = data.forms if form == "after" else [form]  # at the end, both are compared
    questions = {each: data.asked(each, book) for each in needed}
    return FifteenQuestions(form, questions, data.beliefs, Path(path).parent)
