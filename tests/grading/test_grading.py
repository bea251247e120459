"""nbgrader makes the releases and grades three students; `make test-assignment` runs this.

One computes every answer, one hands in the release as it is, one is right in some and slips in
others. What each of them gets must be what the answers say, to the point.
"""

import re
import shutil

import pytest

from margin_course.answers import every
from margin_course.exercises import given, verdict
from margin_course.scenarios import load
from tools.handout import assignment
from tools.notebooks import run as notebooks

LESS = assignment.stems()[:3]  # enough for the students who do not get everything


def cells_of(notebook, ending):
    """Cells by the name of their exercise: the answers, or the tests."""
    marks = (
        (cell, cell.metadata.get("nbgrader", {}).get("grade_id", "")) for cell in notebook.cells
    )
    return {
        name.removesuffix(ending).replace("-", "."): cell
        for cell, name in marks
        if name.endswith(ending)
    }


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder in which nbgrader has made all releases."""
    folder = tmp_path_factory.mktemp("nbgrader")
    assignment.build(folder)
    assignment.release(folder)
    return folder


@pytest.fixture(scope="module")
def book():
    return load(assignment.SCENARIOS)


def released(course, stem):
    return notebooks.read(course / "release" / stem / f"{stem}.ipynb")


def source(course, stem):
    return notebooks.read(course / "source" / stem / f"{stem}.ipynb")


def grade(course, student, stem, answers, spoil=None):
    """Points of one submission, by exercise, and the graded notebook.

    ``answers`` gives the lines of each answer; what it leaves out stays as it was released.
    """
    folder = course / "submitted" / student / stem
    shutil.copytree(course / "release" / stem, folder)
    notebook = released(course, stem)
    for name, cell in cells_of(notebook, "-answer").items():
        cell.source = answers.get(name, cell.source)
    if spoil:
        spoil(notebook, folder)
    (folder / f"{stem}.ipynb").write_text(notebooks.to_text(notebook), encoding="utf-8")

    api = assignment.grader(course)
    result = api.autograde(stem, student)
    assert result["success"], result.get("log")
    with api.gradebook as gradebook:
        submission = gradebook.find_submission(stem, student)
        points = {
            grade.name.removesuffix("-test").replace("-", "."): grade.auto_score
            for one in submission.notebooks
            for grade in one.grades
        }
        assert submission.score == sum(points.values())
        assert submission.max_score == sum(worth(course, stem).values())
    return points, notebooks.read(course / "autograded" / student / stem / f"{stem}.ipynb")


def worth(course, stem):
    """What each exercise of an assignment can bring."""
    tests = cells_of(source(course, stem), "-test")
    return {name: cell.metadata.nbgrader.points for name, cell in tests.items()}


def said(graded, name):
    """What the graded notebook says about an answer that got no points."""
    outputs = cells_of(graded, "-test")[name].outputs
    return "".join(output.get("evalue", "") for output in outputs)


def typed(name, value):
    """An answer as a student types it: a number, without the way to it."""
    return f"{assignment.variable(name)} = {value!r}"


def slip(name, book):
    """A wrong answer that the course knows, and what it says about it."""
    answer = every()[name](book)
    words = {wrong: verdict(name, wrong, path=assignment.SCENARIOS) for wrong in answer.slips}
    return next((wrong, said) for wrong, said in words.items() if said != "right.")


def test_every_exercise_is_in_one_release(course):
    found = [name for stem in assignment.stems() for name in worth(course, stem)]
    assert found == list(every())


def test_a_release_holds_no_solution(course):
    for stem in assignment.stems():
        text = notebooks.to_text(released(course, stem))
        for hidden in ("BEGIN", "SOLUTION", "HIDDEN", "verdict", "said =", '"output_type"'):
            assert hidden not in text, f"{stem}: {hidden}"
        for name, cell in cells_of(released(course, stem), "-answer").items():
            solution = cells_of(source(course, stem), "-answer")[name].source
            assert set(cell.source.splitlines()) & set(solution.splitlines()) == {
                f"{assignment.variable(name)} = None  # your answer in place of None, "
                "or lines of your own that compute it"
            }
        files = {path.name for path in (course / "release" / stem).iterdir()}
        assert files == {f"{stem}.ipynb", "scenarios.toml"}


@pytest.mark.parametrize("stem", assignment.stems())
def test_whoever_solves_all_gets_all(stem, course, capsys):
    answers = {n: c.source for n, c in cells_of(source(course, stem), "-answer").items()}
    points, graded = grade(course, "perfect", stem, answers)
    assert points == worth(course, stem)
    assert not any(said(graded, name) for name in points)
    course_says = printed(notebooks.read(assignment.ROOT / "notebooks" / f"{stem}.ipynb"))
    faulty = cells_of(graded, "-code-1").values()
    assert faulty
    for cell in faulty:
        if added := re.fullmatch(r'given\("(.+)"\)', cell.source):  # where the course has a field
            given(added[1], assignment.SCENARIOS)
            course_says[cell.source] = capsys.readouterr().out
        assert said_by(cell) == course_says[cell.source] != ""


def printed(notebook):
    """What each code cell says, by its source."""
    return {cell.source: said_by(cell) for cell in notebook.cells if cell.cell_type == "code"}


def said_by(cell):
    """What a cell prints, and the value that it ends with."""
    words = [[o.get("text", ""), o.get("data", {}).get("text/plain", "")] for o in cell.outputs]
    return "".join(map("".join, words))


@pytest.mark.parametrize("stem", LESS)
def test_whoever_answers_nothing_gets_nothing(stem, course):
    points, graded = grade(course, "blank", stem, {})
    assert points == dict.fromkeys(worth(course, stem), 0)
    assert all(said(graded, name) == f"{name}: no answer yet." for name in points)


@pytest.mark.parametrize("stem", LESS)
def test_whoever_slips_loses_these_points_and_hears_why(stem, course, book):
    """The first is right, the second a known slip, the third is left out, the last does not run."""
    first, second, third, *_, last = full = worth(course, stem)
    wrong, words = slip(second, book)
    right = every()[first](book).right
    answers = {first: typed(first, right), second: typed(second, wrong), last: "1 +"}
    points, graded = grade(course, "typical", stem, answers)
    assert points == dict.fromkeys(full, 0) | {first: full[first]}
    assert said(graded, second) == f"{second}: {words}"
    assert said(graded, third) == f"{third}: no answer yet."


def test_whoever_changes_tests_and_numbers_gains_nothing(course, book):
    stem = LESS[0]
    first, second, *_ = full = worth(course, stem)

    def spoil(notebook, folder):
        for cell in cells_of(notebook, "-test").values():
            cell.source = "assert True"
        root = assignment.ROOT
        shutil.copyfile(root / "tests/support/other_scenarios.toml", folder / "scenarios.toml")

    right = every()[first](book).right
    other = every()[second](load(assignment.ROOT / "tests/support/other_scenarios.toml")).right
    answers = {first: typed(first, right), second: typed(second, other)}
    points, _ = grade(course, "sly", stem, answers, spoil)
    assert points == dict.fromkeys(full, 0) | {first: full[first]}
