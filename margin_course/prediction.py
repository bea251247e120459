"""Predict first, then open: a question, a field, and an answer that shows itself only afterwards.

All that can be said of a question and of a guess stands in one plain dict (`described`). The widget
here reads it, and so can a page that has no kernel: it looks up the zone in which a guess lies.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from margin_course import page, palette
from margin_course.field import Field
from margin_course.text import NEVER, amount, escaped
from margin_lib.errors import MarginError

ORDER = ("larger", "the same", "smaller")
NO_YES = ("no", "yes")
HIT, NEAR, NOT_FAR = 0.01, 0.1, 0.35  # how far from the truth, as a part of it
ZERO = 1e-9
SHARE = 1.5  # a bare number beyond it was no share: 50 means 50 %
EXAMPLES = "500 or 5,000; 50 % or 0.5; -500 or -50 %; never"
TYPED = re.compile(
    r"(?P<digits>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?P<unit>[^\d\s.,].*)?", re.I
)
# A sign and words say the same. On a dark page, field.css has lighter ones.
TONES = {
    "hit": ("✓", f"var(--mc-hit, {palette.HIT})"),
    "near": ("≈", f"var(--mc-near, {palette.NEAR})"),
    "miss": ("✗", f"var(--mc-miss, {palette.MISS})"),
}
QUOTES = " \t\n\"'“”"
SUMMARY = "Predict first, then open"
PREDICT, SHOW_ME = "predict", "show me"  # what buttons say

Data = dict[str, Any]


def order(after: float, before: float) -> str:
    """How the first number compares with the second, as an answer for `predict`.

    >>> order(2, 1), order(1, 1 + 1e-12), order(1, 2)
    ('larger', 'the same', 'smaller')
    """
    if math.isclose(after, before, rel_tol=ZERO, abs_tol=ZERO):
        return "the same"
    if math.isnan(after) or math.isnan(before):
        raise MarginError("order", "must compare two numbers", (after, before))
    return "larger" if after > before else "smaller"


def read(text: str, unit: str = "", of: float | None = None, name: str = "prediction") -> float:
    """The number that somebody typed; NaN for "never".

    Parameters
    ----------
    text : str
    unit : str                 what is counted; "%" for a share
    of : float or None         what a share is a share of, where `unit` is another one [unit]
    name : str                 what a message calls it

    Raises
    ------
    MarginError                no number, or one in another unit

    >>> read("5,000 USD", "USD"), read("−50%", "%"), read("50", "%"), read("Never")
    (5000.0, -0.5, 0.5, nan)
    """
    plain = text.lstrip(QUOTES).rstrip(QUOTES + ".").replace("−", "-").replace("\u00a0", " ")
    if plain.lower() == NEVER:
        return math.nan
    plain = re.sub(r"(?<=\d)[_ ](?=\d{3}(?!\d))", "", plain.replace("$", ""))  # 5 000
    if re.match(r"[+-]?[1-9]\d{0,2}(,\d{3})+(?!\d)", plain):
        plain = plain.replace(",", "")  # 5,000
    plain = re.sub(r"^([+-]?)\s+", r"\1", plain.replace(",", "."))  # 0,5
    found = TYPED.fullmatch(plain)
    value = float(found["digits"]) if found else math.inf
    if not found or not math.isfinite(value):
        raise MarginError(name, f"must be a number, such as {EXAMPLES}", text)
    given = (found["unit"] or "").strip().lower()
    if given in ("%", "percent", "per cent"):
        if unit != "%" and of is None:
            raise MarginError(name, f"must be an amount of {unit or 'no unit'}", text)
        return value / 100 if unit == "%" or of is None else value / 100 * of
    if given and given != unit.lower():
        raise MarginError(name, f"must be in {unit or 'no unit'}", text)
    return value / 100 if unit == "%" and abs(value) > SHARE else value


def zones(truth: float, unit: str = "") -> list[Data]:
    """What is said of a guess, by where it lies; the first zone that holds it counts.

    An end that is None is open. {off} in the words stands for the distance from the truth.

    >>> next(zone["says"] for zone in zones(-0.5, "%") if zone["from"] <= 0.5 <= zone["to"])
    'Right but for the sign.'
    """
    if math.isnan(truth):
        return [_zone(None, None, "miss", "There is no such number.")]

    def around(value: float, part: float, tone: str, says: str) -> Data:
        half = max(part * abs(value), ZERO)
        return _zone(value - half, value + half, tone, says)

    found = [around(truth, HIT, "hit", "Well predicted.")]
    if abs(truth) <= ZERO:
        return [*found, _zone(None, None, "miss", "You were {off} away.")]
    found.append(around(-truth, HIT, "near", "Right but for the sign."))
    if unit == "%":
        says = "Right but for the percent sign: 0.5 and 50 % are a half."
        found += [around(value, HIT, "near", says) for value in (truth / 100, 100 * truth)]
    found.append(around(truth, NEAR, "near", "Near: {off} away."))
    found.append(around(truth, NOT_FAR, "near", "Not far: {off} away."))
    found.append(_zone(min(truth, 0), max(truth, 0), "miss", "Too little, by {off}."))
    low, high = (truth, None) if truth > 0 else (None, truth)
    found.append(_zone(low, high, "miss", "Too much, by {off}."))
    return [*found, _zone(None, None, "miss", "The other way: {off} away.")]


def _zone(low: float | None, high: float | None, tone: str, says: str) -> Data:
    return {"from": low, "to": high, "tone": tone, "says": says}


def described(
    question: str,
    answer: float | bool | str,
    unit: str = "",
    *,
    options: Sequence[str] | None = None,
    replies: Mapping[str, str] | None = None,
    of: float | None = None,
) -> Data:
    """All of a prediction in a plain dict, from which any page can ask it; see `predict`.

    >>> described("What is left?", 500.0, "USD")["answer"]
    '500 USD'
    >>> described("Is it larger?", "larger")["options"][0]
    {'says': 'larger', 'right': True, 'because': ''}
    """
    if not question.strip():
        raise MarginError("question", "must say something", question)
    if isinstance(answer, bool | np.bool_):
        answer, options = NO_YES[bool(answer)], options or NO_YES
    if isinstance(answer, str):
        options = options or ORDER
        if answer not in options:
            raise MarginError("answer", f"must be one of {', '.join(options)}", answer)
        known = replies or {}
        if not set(known) <= set(options):
            raise MarginError("replies", f"must be to {', '.join(options)}", list(known))
        return {
            "kind": "choice",
            "question": question,
            "answer": answer,
            "options": [
                {"says": each, "right": each == answer, "because": known.get(each, "")}
                for each in options
            ],
        }
    # The last digits of a sum differ from one processor to another, and would be stored.
    truth = float(f"{float(answer):.12g}")
    return {
        "kind": "number",
        "question": question,
        "unit": unit,
        "of": of,
        "answer": str(amount(truth, unit)),
        "value": None if math.isnan(truth) else truth,  # JSON has no NaN; None is "never"
        "never": "Well predicted." if math.isnan(truth) else "It does happen.",
        "zones": zones(truth, unit),
    }


@dataclass(frozen=True)
class Reply:
    """What is said of a guess: as it was understood, how good it is, in words, how surprising.

    `surprise` goes from 0 (as predicted) to 1 (the other way, or never).
    """

    said: str
    tone: str
    words: str
    surprise: float


def reply(data: Data, guess: str) -> Reply:
    """What is said of a guess, from the dict alone.

    >>> reply(described("What is left?", 500.0, "USD"), "1,000")
    Reply(said='1,000 USD', tone='miss', words='Too much, by 500 USD.', surprise=0.3333333333333333)
    """
    if data["kind"] == "choice":
        said = {option["says"]: option for option in data["options"]}
        if guess not in said:
            raise MarginError("prediction", f"must be one of {', '.join(said)}", guess)
        right, because = said[guess]["right"], said[guess]["because"]
        words = f"{'Well predicted.' if right else ''} {because}".strip()
        return Reply(guess, "hit" if right else "miss", words, 0 if right else 0.75)
    value, truth, unit = read(guess, data["unit"], data["of"]), data["value"], data["unit"]
    said = str(amount(value, unit))
    if math.isnan(value):
        return Reply(said, "hit" if truth is None else "miss", data["never"], float(bool(truth)))
    zone = next(zone for zone in data["zones"] if _holds(zone, value))
    off = 0.0 if truth is None else abs(value - truth)
    whole = 0.0 if truth is None else abs(value) + abs(truth)
    away = f"{amount(100 * off)} percentage points" if unit == "%" else amount(off, unit)
    surprise = 1.0 if truth is None else off / whole if whole else 0.0
    return Reply(said, zone["tone"], zone["says"].replace("{off}", away), surprise)


def _holds(zone: Data, value: float) -> bool:
    low, high = zone["from"], zone["to"]
    return (low is None or low <= value) and (high is None or value <= high)


def shown(content: Any) -> str:
    """HTML of what opens with an answer: words, a table, a picture, or several of them."""
    if content is None:
        return ""
    if isinstance(content, str):
        return f"<p>{escaped(content)}</p>"
    if isinstance(content, pd.DataFrame):
        apart = '<table style="border-collapse: separate; border-spacing: 1em 0"'
        return str(content.to_html(border=0)).replace("<table", apart, 1)
    if isinstance(content, list | tuple):
        return "".join(map(shown, content))
    if hasattr(content, "png"):
        return page.figure(content.png(level=9), content.alt(content.state), ())
    return str(content._repr_html_())


def scale(guess: float, truth: float, unit: str) -> str:
    """HTML of a line with two marks on it: the guess above, the truth below."""
    values = [0.0, guess, truth]
    low, high = min(values), max(values)
    if not all(map(math.isfinite, values)) or high - low < ZERO:  # "never" lies on no line
        return ""
    zero, mine, true = (20 + 360 * (value - low) / (high - low) for value in values)

    def label(x: float, y: int, words: str) -> str:
        anchor = "start" if x < 100 else "end" if x > 300 else "middle"
        return f'<text x="{x:.0f}" y="{y}" text-anchor="{anchor}">{escaped(words)}</text>'

    you, it = f"you: {amount(guess, unit)}", f"it is {amount(truth, unit)}"
    return (
        '<svg class="scale" viewBox="0 0 400 66" width="400" style="max-width:100%" '
        f'font-size="13" fill="currentColor" role="img" aria-label="{escaped(f"{you}; {it}")}">'
        '<path d="M20 33H380" stroke="currentColor"/>'
        f'<path d="M{zero:.0f} 28v10" stroke="currentColor"/>'
        f'<path d="M{mine:.0f} 31l-6 -10h12z" fill="none" stroke="currentColor" stroke-width="2"/>'
        f'<circle cx="{true:.0f}" cy="33" r="5"/>'
        f"{label(mine, 15, you)}{label(true, 58, it)}</svg>"
    )


class Prediction(widgets.VBox):
    """One question; the answer opens after a guess, or when it is asked for.

    Parameters
    ----------
    data : dict                as `described` makes it
    opens : anything, callable what is shown with the answer; a callable gets the guess, or None
    """

    def __init__(self, data: Data, opens: Any = None) -> None:
        self.data, self.opens = data, opens
        self.reply: Reply | None = None
        self.seen = False
        self.told = widgets.HTML()
        asked = widgets.HTML(f"<b>Predict.</b> {escaped(data['question'])}")
        if data["kind"] == "choice":
            names = [option["says"] for option in data["options"]]
            self.field = Field(self._pressed, [*names, SHOW_ME])
        else:
            self.field = Field(
                self._pressed, [PREDICT, SHOW_ME], "your guess", "500, 50%, never …", data["unit"]
            )
        super().__init__([asked, self.field, self.told])
        if page.teaching():
            self.show_me()

    def _pressed(self, button: str, words: str) -> None:
        if button == SHOW_ME:
            self.show_me()
        else:
            self.say(button if self.data["kind"] == "choice" else words)

    def say(self, guess: str) -> None:
        """Commit to a guess and open the answer; what is no guess is answered in one line."""
        if self.seen:
            return
        try:
            self.reply = reply(self.data, guess)
        except MarginError as error:
            self.told.value = page.status(escaped(f"Your {error.name} {error.rule}."))
            return
        sign, colour = TONES[self.reply.tone]
        truth = f" It is <b>{escaped(self.data['answer'])}</b>."
        if self.reply.said == self.data["answer"]:
            truth = ""
        words = (
            f'<b style="color:{colour}">{sign}</b> You said {escaped(self.reply.said)}.'
            f"{truth} {escaped(self.reply.words)}"
        )
        self._open(words, guess)

    def show_me(self) -> None:
        """Open the answer without a guess."""
        if not self.seen:
            self._open(f"It is <b>{escaped(self.data['answer'])}</b>.", None)

    def _open(self, words: str, guess: str | None) -> None:
        self.seen = True
        value = None
        drawn = ""
        if guess is not None and self.data["kind"] == "number":
            value = read(guess, self.data["unit"], self.data["of"])
            if self.data["value"] is not None:
                drawn = scale(value, self.data["value"], self.data["unit"])
        self.field.closed = True
        self.told.value = page.status(f"<p>{words}</p>") + drawn + self.opened(value)
        for tally in TALLIES:
            tally.refresh()

    def opened(self, guess: float | None = None) -> str:
        """HTML of what opens with the answer."""
        return shown(self.opens(guess) if callable(self.opens) else self.opens)

    def static(self) -> str:
        """HTML for where no kernel runs: the question, and the answer in a closed fold."""
        told = escaped(json.dumps(self.data, ensure_ascii=False, allow_nan=False))
        options = "".join(f"<li>{escaped(o['says'])}</li>" for o in self.data.get("options", []))
        return (
            f'<div class="prediction" data-prediction="{told}">'
            f"<p><b>Predict.</b> {escaped(self.data['question'])}</p>"
            f"{f'<ul>{options}</ul>' if options else ''}"
            f"<details><summary>{SUMMARY}</summary>"
            f"<p>It is <b>{escaped(self.data['answer'])}</b>.</p>{self.opened()}"
            "</details></div>"
        )

    def _repr_mimebundle_(self, **how: Any) -> Any:
        """The live view, and beside it a fold to open; the plain text holds no answer."""
        plain = f"Predict. {self.data['question']}"
        if self.data["kind"] == "choice":
            plain += f" ({', '.join(option['says'] for option in self.data['options'])})"
        return page.still(super()._repr_mimebundle_(**how), self.static(), plain)


ASKED: dict[str, Prediction] = {}  # by question: what was asked in this notebook
TALLIES: list["Tally"] = []


def predict(
    question: str,
    answer: float | bool | str,
    unit: str = "",
    *,
    options: Sequence[str] | None = None,
    replies: Mapping[str, str] | None = None,
    of: float | None = None,
    opens: Any = None,
) -> Prediction:
    """Ask for a prediction; the answer opens after it, or at "show me".

    Parameters
    ----------
    question : str
    answer : float, bool, str  a number (NaN: "never"), yes or no, or one of `options`
    unit : str                 of a number; "%" for a share, "x" for a multiple
    options : list of str      to choose from; larger, the same, smaller, if not given
    replies : Mapping          option -> why it is so, or not; for some of them, or all
    of : float or None         what "50 %" is a part of, where `unit` is not "%" [unit]
    opens : anything           words, a table, a picture (or a list of them) that open with the
                               answer; or a function of the guess (None without one) that makes them

    Raises
    ------
    MarginError                no question, an answer or a reply that is no option
    """
    data = described(question, answer, unit, options=options, replies=replies, of=of)
    ASKED[question] = Prediction(data, opens)
    return ASKED[question]


class Tally(widgets.HTML):
    """How many predictions came true, and which surprised most; follows every new one."""

    def __init__(self) -> None:
        super().__init__()
        self.refresh()

    def refresh(self) -> None:
        self.value = page.status(escaped(self.summary()))

    def summary(self) -> str:
        """The tally in words."""
        made = [(each.reply, each.data) for each in ASKED.values() if each.reply]
        if not made:
            return "You have not predicted anything yet on this page."
        tones = [reply.tone for reply, _ in made]
        hits, near = tones.count("hit"), tones.count("near")
        words = f"You made {len(made)} of {len(ASKED)} predictions: {hits} right, {near} near."
        most, asked = max(made, key=lambda each: each[0].surprise)
        if most.tone == "hit":
            return f"{words} Nothing has surprised you."
        return (
            f"{words} Your greatest surprise: “{asked['question']}” "
            f"You said {most.said}, it is {asked['answer']}."
        )

    def _repr_mimebundle_(self, **how: Any) -> Any:
        summary = self.summary()
        shown = f"<p>{escaped(summary)}</p>"
        return page.still(super()._repr_mimebundle_(**how), shown, summary)


def your_predictions() -> Tally:
    """What became of the predictions of this notebook."""
    tally = Tally()
    TALLIES.append(tally)
    return tally
