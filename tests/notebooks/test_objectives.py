"""Every objective of every notebook is served, and every exercise has its level and its purpose."""

import copy
import html
import re
import tomllib

import pytest

from margin_course import concepts
from margin_course.answers import every
from tests.notebooks.test_structure import PATHS
from tests.support.recipes import ADAPTED
from tools.notebooks import counts, objectives
from tools.notebooks import run as notebooks
from tools.repo import ROOT, read

DATA = objectives.read()
INVENTORY = concepts.inventory(ROOT / "notebooks" / concepts.FILE)
QUIZZES = tomllib.loads(read("notebooks/quiz.toml"))
LESSONS = [path for path in PATHS if path.name[:2] in DATA]
by_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
ASKED = re.compile(r"<b>Predict\.</b> (.*?)</p>")
EXERCISE = re.compile(r"(?m)^\*\*(\d\d\.\d) [^*.]+\.\*\* (●*)")


def said(notebook) -> list[str]:
    """The objectives, as a notebook says them, without links and emphasis."""
    first = re.sub(r'\]\([^)\s]+(?: "[^"]*")?\)', "]", notebook.cells[0].source)
    block = first.partition("**After this you can**\n")[2].strip("\n").split("\n\n")[0]
    return [re.sub(r"[\[\]*]", "", line[2:].rstrip(".;")) for line in block.splitlines()]


def predicted(notebook) -> list[str]:
    """The questions of its predictions, as they are shown."""
    shown = [
        output.get("data", {}).get("text/html", "")
        for cell in notebook.cells
        if cell.cell_type == "code" and counts.is_prediction(cell.source)
        for output in cell.outputs
    ]
    return [html.unescape(question) for text in shown for question in ASKED.findall(text)]


def problems(notebook, number, data) -> list[str]:
    """Everything in which a notebook and what is said of it differ, in words."""
    found = []
    told = data[number]
    if [each["says"] for each in told] != said(notebook):
        found.append(f"the objectives are {said(notebook)}")
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    exercises = dict(EXERCISE.findall(text))
    known = {
        "predictions": predicted(notebook),
        "exercises": list(exercises),
        "quiz": list(range(1, len(QUIZZES[number]) + 1)),
    }
    for kind, names in known.items():
        served = [name for each in told for name in each.get(kind, [])]
        found += [f"{kind}: there is no {name!r}" for name in served if name not in names]
        if kind != "quiz":
            found += [f"{kind}: {name!r} serves nothing" for name in names if name not in served]
    for each in told:
        if not any(each.get(kind) for kind in known):
            found.append(f"nothing serves {each['says']!r}")
    for name, dots in exercises.items():
        level = data["levels"].get(name, {}).get("level")
        if objectives.LEVELS.get(level) != dots:
            found.append(f"{name}: level {level}, and shows {dots!r}")
    return found


@by_lesson
def test_every_objective_is_served_and_everything_serves_one(path):
    found = problems(notebooks.read(path), path.name[:2], DATA)
    assert not found, "\n".join(found)


@pytest.mark.skipif(ADAPTED, reason="an adapted course has notebooks of its own")
def test_no_notebook_is_forgotten():
    assert PATHS == LESSONS


def test_every_exercise_has_a_level_and_its_belief_is_known():
    levels, numbers = DATA["levels"], {path.name[:2] for path in LESSONS}
    assert set(levels) == {name for name in every() if name[:2] in numbers}
    for name, each in levels.items():
        assert each["level"] in objectives.LEVELS
        assert set(each) <= {"level", "belief"} and each.get("belief") in {None, *INVENTORY.beliefs}
        assert objectives.serving(DATA, name), name
    found = [each["level"] for each in levels.values()]
    assert min(map(found.count, objectives.LEVELS)) >= 4


def without_serving(kind):
    def spoil(data, notebook):
        data["03"][0].pop(kind, None)

    return spoil


def serves_nothing(data, notebook):
    data["03"][1] = {"says": data["03"][1]["says"]}


def other_level(data, notebook):
    data["levels"]["03.1"]["level"] = 3


def gone(data, notebook):
    data["03"][0]["predictions"].append("What is left of it?")


def other_words(data, notebook):
    notebook.cells[0].source = notebook.cells[0].source.replace("who pays", "who is paid")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (without_serving("predictions"), "predictions: 'How much do you borrow?' serves nothing"),
        (without_serving("exercises"), "exercises: '03.1' serves nothing"),
        (serves_nothing, "nothing serves 'find what is left"),
        (other_level, "03.1: level 3, and shows '●●'"),
        (gone, "there is no 'What is left of it?'"),
        (other_words, "the objectives are"),
    ],
)
def test_what_is_missing_is_named(spoil, complaint):
    (path,) = (path for path in PATHS if path.name.startswith("03"))
    data, notebook = copy.deepcopy(DATA), notebooks.read(path)
    assert problems(notebook, "03", data) == []
    spoil(data, notebook)
    assert complaint in "\n".join(problems(notebook, "03", data))


def test_the_tables_of_the_guide_are_those_of_the_data():
    guide = read("instructors/guide.md")
    assert objectives.made(guide, DATA, INVENTORY) == guide, "run make notebooks"
    for name in DATA["levels"]:
        assert re.search(rf"(?m)^\| {re.escape(name)} \| ●+ \| \S", guide), name
    for name in INVENTORY.questions:
        assert f"\n| {name} | " in guide


def test_a_guide_without_their_place_is_noticed():
    with pytest.raises(ValueError, match="no place for the table of objectives.toml"):
        objectives.made("# Guide", DATA, INVENTORY)
