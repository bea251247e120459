"""The solutions for instructors: one for each exercise, computed, right in any scenario."""

import copy
import re
import shutil

import pytest
from nbformat import NotebookNode

from margin_course.answers import every
from tools.notebooks import course
from tools.notebooks import run as notebooks
from tools.repo import ROOT

FOLDER = ROOT / "instructors" / "solutions"
PATHS = sorted(FOLDER.glob("*.ipynb"))
COURSE = {path.stem: path for path in course.course()[1:]}
CHECKED = re.compile(r'\bcheck\("(\d\d\.\d+)"')
# A solution computes its answer; it does not look it up.
LOOKED_UP = re.compile(r"\bevery\b|\banswers\b|\.right\b|\bEXERCISES\b|\bhint\b")


def problems(notebook: NotebookNode, names: list[str]) -> list[str]:
    """Everything that is wrong with the solutions of some exercises, in words."""
    found, said = [], []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if LOOKED_UP.search(cell.source):
            found.append(f"{cell.id}: looks the answer up")
        solved = CHECKED.findall(cell.source)
        said += solved
        printed = "".join(output.get("text", "") for output in cell.outputs)
        found += [f"{name}: is not right" for name in solved if f"{name}: right.\n" not in printed]
    if said != names:
        found.append(f"solves {said}, must solve {names}")
    return found


def exercises_of(stem: str) -> list[str]:
    return [name for name in every() if name.startswith(f"{stem[:2]}.")]


@pytest.mark.parametrize("stem", COURSE)
def test_every_exercise_has_a_solution_that_is_right(stem):
    path = FOLDER / f"{stem}.ipynb"
    assert path in PATHS
    assert problems(notebooks.read(path), exercises_of(stem)) == []


def test_every_exercise_belongs_to_a_notebook_that_asks_it():
    asked = []
    for path in COURSE.values():
        cells = [cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code"]
        asked += CHECKED.findall("\n".join(cells))
    assert asked == list(every())


@pytest.fixture
def solved():
    return notebooks.read(PATHS[0]), exercises_of(PATHS[0].stem)


def last(notebook):
    return notebook.cells[-1]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda nb: nb.cells.pop(), "must solve"),
        (lambda nb: last(nb).outputs[0].update(text="01.4: not yet.\n"), "01.4: is not right"),
        (lambda nb: last(nb).update(outputs=[]), "01.4: is not right"),
        (lambda nb: last(nb).update(source='check("01.4", every())'), "looks the answer up"),
        (lambda nb: nb.cells.append(copy.deepcopy(last(nb))), "must solve"),
    ],
)
def test_a_missing_or_a_wrong_solution_is_noticed(spoil, complaint, solved):
    notebook, names = solved
    assert problems(notebook, names) == []
    spoil(notebook)
    assert complaint in "\n".join(problems(notebook, names))


def test_they_are_right_with_other_scenarios(tmp_path):
    folder = shutil.copytree(
        FOLDER, tmp_path / "instructors/solutions", ignore=shutil.ignore_patterns(".*")
    )
    course = shutil.copytree(
        ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns("*.ipynb", ".*")
    )
    shutil.copyfile(ROOT / "tests/support/other_scenarios.toml", course / "scenarios.toml")
    for path, notebook in notebooks.execute_all(sorted(folder.glob("*.ipynb"))).items():
        assert problems(notebook, exercises_of(path.stem)) == []


def test_make_test_compares_their_outputs():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "pytest $(NBVAL) notebooks instructors/solutions\n" in makefile
    assert "instructors/solutions" in notebooks.FOLDERS
