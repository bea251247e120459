"""The sources for nbgrader: every exercise, with points, a solution, and a test that can fail.

`make test-assignment` hands them to nbgrader itself.
"""

import copy
import doctest
import re
import shutil

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from margin_course.answers import every
from tools.handout import assignment

FILES = ["notebooks/scenarios.toml", "tests/support/other_scenarios.toml"]


@pytest.fixture(params=FILES)
def folder(request, root, tmp_path, monkeypatch):
    """Where an assignment runs, with its scenarios."""
    shutil.copyfile(root / request.param, tmp_path / "scenarios.toml")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module", params=assignment.stems())
def source(request):
    return assignment.assignment(request.param)


def run(notebook):
    """Run the code cells here; return the names of the tests that failed."""
    names, failed = {}, []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            exec(cell.source, names)
        except AssertionError:
            failed.append(cell.id)
    return failed


def marked(notebook, ending):
    return [c for c in notebook.cells if c.metadata.nbgrader.grade_id.endswith(ending)]


def test_the_solutions_pass_with_any_scenarios(source, folder, capsys):
    assert run(source) == []


def test_a_changed_answer_does_not(source, folder, capsys):
    for place in range(len(marked(source, "-answer"))):
        notebook = copy.deepcopy(source)
        cell = marked(notebook, "-answer")[place]
        variable = cell.source.split()[0]
        cell.source += f"\nif isinstance({variable}, list):\n    {variable} = {variable}[::-1]"
        cell.source += (
            f'\nelse:\n    {variable} = 1.03 * {variable} + 1 if {variable} != "never" else 1'
        )
        assert run(notebook) == [cell.id.replace("-answer", "-test")]


def test_points_are_given_for_every_exercise_and_once():
    found = []
    for stem in assignment.stems():
        notebook = assignment.assignment(stem)
        tests = marked(notebook, "-test")
        found += [cell.id.removesuffix("-test").replace("-", ".") for cell in tests]
        points = sum(cell.metadata.nbgrader.points for cell in tests)
        assert f"for {points} points" in notebook.cells[0].source
        ids = [cell.metadata.nbgrader.grade_id for cell in notebook.cells]
        assert len(ids) == len(set(ids))
    assert found == list(every())


def test_only_the_answers_are_open(source):
    for cell in source.cells:
        mark = cell.metadata.nbgrader
        assert mark.solution == cell.id.endswith("-answer") == (not mark.locked)
        assert mark.grade == cell.id.endswith("-test") == ("points" in mark)


def test_what_must_be_hidden_is_between_the_marks(source):
    for kind, ending in (("SOLUTION", "-answer"), ("HIDDEN TESTS", "-test")):
        for cell in marked(source, ending):
            before, rest = cell.source.split(f"### BEGIN {kind}\n")
            assert rest.endswith(f"\n### END {kind}")
            assert before.count("\n") <= 1 and "verdict" not in before
    assert not any("check(" in cell.source for cell in source.cells)


def test_it_begins_with_what_its_solutions_begin_with(source):
    """But not with the way to the numbers, nor with what tells an answer right from a wrong one."""
    first = source.cells[1].source
    assert first.startswith(assignment.WORDS) and 'load("scenarios.toml")' in first
    assert not re.search(r"SCENARIOS|check|print\(|solutions", first)


def test_the_folder_holds_the_numbers_that_were_asked_for(root, tmp_path):
    assignment.build(tmp_path, root / FILES[1])
    for stem in assignment.stems():
        numbers = tmp_path / "source" / stem / "scenarios.toml"
        assert numbers.read_bytes() == (root / FILES[1]).read_bytes()
    assert (tmp_path / "nbgrader_config.py").exists()


def test_the_section_is_read_up_to_the_next_one():
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# 07 · Seven\n\nWords."),
            new_code_cell("a = 1"),
            new_markdown_cell(
                "Before.\n\n## Exercises\n\nType. You may use `a`.\n\n"
                '**07.1 Compute.** [One](glossary.md#one "A.") or <!--= 2 * a -->2<!--/-->? `h`'
            ),
            new_code_cell('check("07.1", None)'),
            new_markdown_cell("**07.2 Find the bug.** Two?\n\n## Quiz\n\n**07.3 Design.** No."),
            new_code_cell("quiz()"),
        ]
    )
    title, tasks = assignment.exercises_of(notebook)
    assert title == "07 · Seven"
    assert [(task["name"], task["kind"]) for task in tasks] == [
        ("07.1", "Compute"),
        ("07.2", "Find the bug"),
    ]
    assert tasks[0]["text"] == "**07.1 Compute.** One or 2? `h`"
    assert tasks[1]["text"] == "**07.2 Find the bug.** Two?"
    assert tasks[1]["cells"] == []


def test_the_examples_of_the_tool_hold():
    assert doctest.testmod(assignment).failed == 0
