"""Every word that labs and pictures say, in a file that is read whenever it changes.

A word, a number, an order, who is alive and who pays: what a reader meets at the start, behind
each button, and at the ends of each control stands in tests/course/said/, one file a lab.
`.venv/bin/python -m tests.course.test_said` writes them anew: then read what differs.
"""

from dataclasses import replace

import pytest
from matplotlib.text import Text

from margin_course.lab import snapped
from margin_course.scenarios import load
from tests.course.test_pictures import states
from tests.support.lessons import LABS, PICTURES
from tests.support.recipes import ADAPTED
from tests.support.strategies import SCENARIOS
from tools import repo
from tools.repo import ROOT

SAID = ROOT / "tests" / "course" / "said"
pytestmark = pytest.mark.skipif(ADAPTED, reason="an adapted course has words of its own")


def book():
    return {name: replace(each, labels={}) for name, each in load(SCENARIOS).items()}


def drawn(picture):
    """The words in a picture, in the order in which they are drawn."""
    seen = [each.get_text() for each in picture.figure.findobj(Text) if each.get_visible()]
    return " ¦ ".join(words.replace("\n", " / ") for words in seen if words)


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
        state = lab.state()
        yield f"\n## {name}"
        yield from state["words"]
        for tile in state["tiles"]:
            yield f"- {' | '.join(tile.values())}"
        yield f"alt: {state['alt']}"
        if name in lab.presets:
            yield f"drawn: {drawn(lab.canvas)}"
            for handle in state["handles"]:
                yield f"handle: {handle['name']}; {handle['text']}"
        if state["locked"]:
            yield f"locked: {', '.join(state['locked'])}"


def pictured():
    """What each picture says of a state of its own."""
    for kind, (scenario, state) in states(book()).items():
        picture = kind(scenario).plot(state)
        yield kind.__name__, f"alt: {picture.alt(state)}\ndrawn: {drawn(picture)}"


def file_of(name):
    return SAID / f"{name}.md"


def words_of(name):
    kind = LABS[name]
    lines = "\n".join(heard(kind(book()[kind.starts_in])))
    return f"# {name}\n{lines}\n"


@pytest.mark.parametrize("name", [name for name in LABS if file_of(name).exists()])
def test_a_lab_says_what_it_said(name):
    assert words_of(name).splitlines() == repo.read(file_of(name)).splitlines()


def test_a_picture_says_what_it_said():
    """One that an adapted course left out says nothing, and a new one has nothing to repeat."""
    kept = dict(part.split("\n", 1) for part in repo.read(file_of("pictures")).split("# ")[1:])
    compared = 0
    for name, words in pictured():
        if name in kept:
            assert words.splitlines() == kept[name].strip().splitlines(), name
            compared += 1
    assert compared >= len(PICTURES) - 3


def main():
    SAID.mkdir(exist_ok=True)
    for name in LABS:
        repo.write(file_of(name), words_of(name))
    repo.write(file_of("pictures"), "".join(f"# {n}\n{words}\n\n" for n, words in pictured()))


if __name__ == "__main__":
    main()
