"""Every word that labs, pictures, fields and buttons say, in a file that is read when it changes.

A word, a number, an order, who is alive and who pays: what a reader meets at the start, behind
each button, and at the ends of each control stands in tests/course/said/, one file a lab.
`.venv/bin/python -m tests.course.test_said` writes them anew: then read what differs.
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import ipywidgets as widgets
import pytest
from matplotlib.text import Text

from margin_course import concepts, exercises, prediction, progress
from margin_course.claims import Ledger
from margin_course.field import Field
from margin_course.inventory import DONT_KNOW, fifteen_questions
from margin_course.lab import snapped
from margin_course.quiz import Quiz, listed
from margin_course.scenarios import load
from tests.course.test_pictures import states
from tests.support.lessons import LABS
from tests.support.recipes import ADAPTED
from tests.support.strategies import SCENARIOS
from tools import repo
from tools.repo import ROOT

# One with another venue or another lab says other words, and it should.
pytestmark = pytest.mark.skipif(ADAPTED, reason="an adapted course says words of its own")
SAID = ROOT / "tests" / "course" / "said"


def book():
    return {name: replace(each, labels={}) for name, each in load(SCENARIOS).items()}


def drawn(picture):
    """The words in a picture, in the order in which they are drawn."""
    seen = [each.get_text() for each in picture.figure.findobj(Text) if each.get_visible()]
    return " ¦ ".join(words.replace("\n", " / ") for words in seen if words)


def corners(x, y):
    """The first and the last of some points, and how many there are."""
    ends = [f"({number(x[at])}, {number(y[at])})" for at in ((0, -1) if len(x) > 1 else (0,))]
    return f"{len(x)} {' to '.join(ends)}"


def number(x):
    return f"{round(float(x), 4) + 0:.4g}"


def shapes(picture):
    """Lines, signs and areas of a picture, by where they begin and end; colours are none of it."""
    seen = []
    for ax in picture.axes:
        for line in ax.lines:
            kind = {"default": "line"}.get(line.get_drawstyle(), line.get_drawstyle())
            kind = kind if line.get_marker() in ("None", "") else f"signs {line.get_marker()}"
            seen.append(f"{kind} {corners(*line.get_data())}" if len(line.get_xdata()) else kind)
        for patch in ax.patches:
            box = patch.get_patch_transform().transform_path(patch.get_path()).get_extents()
            seen.append(f"area {corners(*box.get_points().T)}")
    return " ¦ ".join(seen)


def places(lab):
    """Where a lab is heard: name -> values of its controls."""
    yield from lab.presets.items()
    for name, control in lab.controls.items():
        if hasattr(control, "options"):
            for option in control.options:
                yield f"{name} {option}", lab.presets["start"] | {name: option}
            continue
        for part in (0, 0.6, 1):
            value = snapped(control, control.min + part * (control.max - control.min))
            yield f"{name} {value:.6g}", lab.presets["start"] | {name: value}


def control_of(name, control):
    if hasattr(control, "options"):
        ends = f"one of {', '.join(control.options)}"
    else:
        numbers = (control.min, control.max, control.step)
        ends = "{:.6g} to {:.6g} by {:.6g}".format(*numbers) + f", as {control.readout_format}"
    said = f"{control.description}; {control.tip}; {control.part}; {ends}"
    return f"{name}: {said}; at {control.value}"


def heard(lab):
    """All that a lab says, a line each."""
    yield f"look at: {lab.look}"
    yield f"offers: {lab.starts_in}; film {lab.film}; on page {lab.on_page}; folded {lab.folded}"
    yield f"rows: {[list(row) for row in lab.rows()]}"
    yield from (control_of(*each) for each in lab.controls.items())
    for name, values in lab.presets.items():
        yield f"button {name}: {values}"
    for name, values in places(lab):
        lab.set(**lab.presets["start"])
        lab.set(**values)
        yield f"\n## {name}"
        yield from shown(lab, name in lab.presets)


def shown(lab, with_picture):
    """What a lab says where it stands."""
    state = lab.state()
    yield from state["words"]
    for tile in state["tiles"]:
        yield f"- {' | '.join(tile.values())}"
    yield f"alt: {state['alt']}"
    if with_picture:
        yield f"drawn: {drawn(lab.canvas)}"
        yield f"shapes: {shapes(lab.canvas)}"
        for handle in state["handles"]:
            yield f"handle: {handle['name']}; {handle['text']}"
    if state["locked"]:
        yield f"locked: {', '.join(state['locked'])}"


def mirrored(kind):
    """What a lab says of the other sides, at a thousand times the price: less than a coin each."""
    scenario = book()[kind.starts_in]
    other = {"long": "short", "short": "long"}
    trades = [replace(t, side=other[t.side], price=1000 * t.price) for t in scenario.trades]
    lab = kind(replace(scenario, trades=trades))
    for name, values in lab.presets.items():
        lab.set(**lab.presets["start"])
        lab.set(**values)
        yield f"\n## the other sides, {name}"
        yield from shown(lab, with_picture=True)


def pictured():
    """What each picture says of a state of its own."""
    for kind, (scenario, state) in states(book()).items():
        picture = kind(scenario).plot(state)
        yield (
            kind.__name__,
            f"alt: {picture.alt(state)}\ndrawn: {drawn(picture)}\nshapes: {shapes(picture)}",
        )


def situations():
    """The figures of the fifteen questions in both forms, and which belief comes true."""
    asked = concepts.inventory(ROOT / "notebooks" / concepts.FILE)
    for form, terms in FORMS.items():
        for name in asked.questions:
            judges = {each: mock.Mock(wraps=getattr(concepts, each)) for each in JUDGES}
            with mock.patch.multiple(concepts, **judges):
                figures, true = concepts.SITUATIONS[name](concepts.Made(book(), **terms))
            words = [f"{key}: {value}" for key, value in figures.items()]
            for call in (call for judge in judges.values() for call in judge.mock_calls):
                said = {belief: number(x) for belief, x in call.args[1].items()}
                words.append(f"beliefs: {said}")
            yield f"{form}, {name}", "\n".join([*words, f"true: {true}"])


def judged():
    """What is said of guesses, by where they lie; and what comes of each claim."""
    for truth, unit in ((2.5, "BTC"), (-0.4, "%"), (0.0, "%"), (float("nan"), "")):
        zones = prediction.zones(truth, unit)
        ends = [[z and round(z, 9) for z in (zone["from"], zone["to"])] for zone in zones]
        words = [
            f"{end}: {zone['tone']}, {zone['says']}" for end, zone in zip(ends, zones, strict=True)
        ]
        yield f"guesses at {truth} {unit}", "\n".join(words)
    ledger = Ledger(book())
    for name, found in ledger.found.items():
        yield name, f"{ledger.claims[name].says}\n{found.verdict}\n{found.number}"


def seen(widget):
    """What stands in a widget and in all within it, a line each; looks are none of it."""
    parts = {name: getattr(widget, name, None) for name in SHOWN}
    parts = {name: what for name, what in parts.items() if what and what != UNSEEN}
    lines = [f"{type(widget).__name__}: {parts}"] if parts else []
    return [*lines, *(line for part in getattr(widget, "children", ()) for line in seen(part))]


def buttons(widget):
    """All buttons in a widget, in order."""
    within = [button for part in getattr(widget, "children", ()) for button in buttons(part)]
    return [widget, *within] if isinstance(widget, widgets.Button) else within


def pressed():
    """What fields and buttons say at first, and after each answer or press."""
    lab = LABS["YourAccountLab"](book()["account"])
    form = lab.form
    yield "form", "\n".join(line for line in seen(form) if "<style>" not in line)
    yield "tables", lab.tables().replace("<t", "\n<t")
    form.rows.children[0].fields["leverage"].value = "0.5"
    for press in ("show my account", "add a position", "remove", "read what I pasted"):
        next(button for button in buttons(form) if button.description == press).click()
        coins = [row.values()["coin"] for row in form.rows.children]
        yield f"form, {press}", f"coins: {coins}\n{lab.said.value}"
    for row, guesses in GUESSED.items():
        data = prediction.described(*row)
        asked = prediction.Prediction(data, "So it is.")
        plain = asked._repr_mimebundle_()["text/plain"]
        yield row[0], "\n".join([*seen(asked), asked.static(), plain])
        for guess in guesses:
            asked = prediction.Prediction(data, "So it is.")
            asked.say(guess)
            closed = "closed" if asked.field.closed else "open"
            yield f"{row[0]} {guess}", f"{asked.told.value}\n{closed}"
    asked = Quiz([{"ask": "Who pays?", "options": QUESTION}] * 2)
    for press in ((0, 0), (1, 1), (1, 0)):
        asked.questions[press[0]].buttons[press[1]].click()
        yield f"a quiz, press {press}", "\n".join(seen(asked))
    yield "a quiz where no kernel runs", "\n".join(listed(asked.data))


def fields(widget):
    """All fields in a widget, in order."""
    within = [field for part in getattr(widget, "children", ()) for field in fields(part)]
    return [widget, *within] if isinstance(widget, Field) else within


def exercised():
    """What an exercise of each kind says at first, and of each answer."""
    for name, answers in EXERCISED.items():
        made = exercises.check(name, path=SCENARIOS)
        bundle = made._repr_mimebundle_()
        before = seen(made)
        yield name, "\n".join([*before, bundle["text/html"], bundle["text/plain"]])
        for answer in answers:
            for field in fields(made):
                if exercises.CHECK in field.what["buttons"]:
                    field.press(exercises.CHECK, answer)
            yield f"{name} {answer}", "\n".join(x for x in seen(made) if x not in before)
        for number in range(1, 4):
            fields(made)[-1].press(exercises.HINT)
            yield f"{name}, hint {number}", made.advice.value


def asked():
    """What the fifteen questions say on the way through both forms."""
    for form in FORMS:
        test = fifteen_questions(form, ROOT / "notebooks" / concepts.FILE, SCENARIOS)
        yield f"{form}, at first", "\n".join([*seen(test), test._repr_mimebundle_()["text/plain"]])
        test.go_on()
        for number, question in enumerate(test.asked):
            yield f"{form}, {number + 1}", "\n".join(seen(test))
            pressed = question.right.says if number % 3 else question.options[number % 2].says
            test.field.press(DONT_KNOW if number % 5 == 4 else pressed)
        yield f"{form}, at last", "\n".join(seen(test))


EXERCISED = {
    "01.1": ("1", "never", "-5000", "about 3", "5,000 USD"),
    "02.6": ("1,2,3,4,5", "3,2,1,4,5", "3,2,1,5,4"),
    "02.5": ("1", "-1", "never", "much"),
}
SHOWN = ("description", "value", "options", "placeholder", "tooltip", "titles", "what", "closed")
UNSEEN = "\u200b"  # what ipywidgets puts where nothing is told
GUESSED = {
    ("How much?", 2.5, "BTC"): ("2.5", "-2.5", "2.6", "9", "never", "", "about 3"),
    ("How far?", -0.4, "%"): ("-40 %", "40 %", "0.5"),
    ("When?", float("nan")): ("never", "3"),
    ("Does it?", True): ("yes", "no", "perhaps"),
    ("How does it change?", "larger"): ("larger", "the same"),
}
QUESTION = [
    {"says": "You do.", "because": "It is your margin.", "right": True},
    {"says": "<The fund>.", "because": "It pays later."},
]
JUDGES = ("_true", "liquidated_at")  # of a situation: they know what each belief expects
FORMS = {
    "before": {"leverage": 0.8, "margin": 0.5, "long": 0.6, "short": 0.75},
    "after": {"leverage": 1.3, "margin": 0.3, "long": 0.45, "short": 1.0},
}
OTHERS = {
    "pictures": pictured,
    "situations": situations,
    "judged": judged,
    "pressed": pressed,
    "exercised": exercised,
    "asked": asked,
}


def file_of(name):
    return SAID / f"{name}.md"


def words_of(name):
    kind = LABS[name]
    lines = "\n".join([*heard(kind(book()[kind.starts_in])), *mirrored(kind)])
    return f"# {name}\n{lines}\n"


@pytest.mark.parametrize("name", [name for name in LABS if file_of(name).exists()])
def test_a_lab_says_what_it_said(name):
    assert words_of(name).splitlines() == repo.read(file_of(name)).splitlines()


@pytest.mark.parametrize("name", OTHERS)
def test_what_else_is_said(name):
    """What an adapted course left out says nothing, and what is new has nothing to repeat."""
    parts = (part.split("\n", 1) for part in f"\n{repo.read(file_of(name))}".split("\n# ")[1:])
    kept = {head: words.strip().splitlines() for head, words in parts}
    compared = 0
    for head, words in OTHERS[name]():
        if head in kept:
            assert words.splitlines() == kept[head], head
            compared += 1
    assert compared > len(kept) / 2


def main():
    SAID.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        progress.place = Path(folder) / progress.place.name  # not the answers of who runs this
        for name in LABS:
            repo.write(file_of(name), words_of(name))
        for name, said in OTHERS.items():
            repo.write(file_of(name), "".join(f"# {head}\n{words}\n\n" for head, words in said()))


if __name__ == "__main__":
    main()
