"""Build a course for nbgrader from the exercises: one assignment for each notebook.

    python -m tools.handout.assignment
        in build/assignment, with the student release
    python -m tools.handout.assignment --scenarios mine.toml
        with other numbers

The texts and the faulty formulas come from notebooks/, the solutions from instructors/solutions/,
what is right from margin_course/answers/. So a new exercise is in the next build by itself.
"""

import argparse
import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from margin_course import load, prose
from tools import repo
from tools.notebooks import glossary
from tools.notebooks import run as notebooks
from tools.repo import ROOT

FOLDER = ROOT / "build" / "assignment"
SCENARIOS = ROOT / "notebooks" / "scenarios.toml"
POINTS = {"Compute": 2, "Design": 3, "Find the bug": 3, "Complete": 2, "Order": 2}
# Kinds that are made of more than their text: a cell prints it, with the numbers of the class.
PRINTED = {"Complete", "Order"}

EXERCISES = re.compile(r"(?:\A|\n)## Exercises\n")
SECTION = re.compile(r"^## ", re.MULTILINE)
TASK = re.compile(r"^\*\*(\d\d\.\d+) ([^*.]+)\.\*\*", re.MULTILINE)
ASKED = re.compile(r'check\("(\d\d\.\d+)", None\)')
SOLVED = re.compile(r'^check\("(\d\d\.\d+)", (.*), path=SCENARIOS\)$', re.MULTILINE)
# In the first cell of the solutions, what an assignment does without; and what it adds.
SHOWN = re.compile(r"(?m)^(SCENARIOS = |from margin_course.exercises import check|print\().*\n?")
WORDS = "from margin_course import amount, given, hint, money, percent, table"

BEFORE = """# Assignment {title}

The exercises of `{stem}.ipynb`, for {points} points. *Above* in a text means: in that notebook.

The first cell makes the accounts that the texts speak of. Each answer goes into a variable, such as
`{variable}`, as a number: `-0.5` is a fall by half. The answer of a *Complete* is the last number
that is missing, that of an *Order* the list of its lines' numbers, such as `[2, 1, 3]`.
`hint("{name}")` helps twice. The cells with `assert` only see whether there is an answer. Whether
it is right is found when it is graded. Leave all cells in their places."""
ANSWER = """{variable} = None  # your answer in place of None, or lines of your own that compute it
### BEGIN SOLUTION
{solution}
### END SOLUTION"""
TEST = """assert {variable} is not None, "{name}: no answer yet."
### BEGIN HIDDEN TESTS
from margin_course.exercises import verdict

said = verdict("{name}", {variable})
assert said == "right.", f"{name}: {{said}}"
### END HIDDEN TESTS"""
CONFIG = """# Settings of nbgrader for this folder; instructors/assignments.md says how to use it.
c = get_config()
c.CourseDirectory.course_id = "margin"
c.ClearSolutions.code_stub = {"python": "# Lines of your own, if you need some."}
c.ExecutePreprocessor.timeout = 600
c.ExecutePreprocessor.startup_timeout = 600
"""


# One assignment


def assignment(stem: str) -> NotebookNode:
    """The source notebook of one assignment: exercises, solutions, points and hidden tests."""
    title, tasks = exercises_of(notebooks.read(ROOT / "notebooks" / f"{stem}.ipynb"))
    start, solutions = solutions_of(stem)

    number = stem[:2]
    points = sum(POINTS[task["kind"]] for task in tasks)
    words = {"title": title, "points": points, "stem": stem}
    words |= {"name": tasks[0]["name"], "variable": variable(tasks[0]["name"])}
    cells = [
        marked(new_markdown_cell(BEFORE.format(**words)), f"{number}-before"),
        marked(new_code_cell(start), f"{number}-start"),
    ]
    for task in tasks:
        name, worth = task["name"], POINTS[task["kind"]]
        words = {"name": name, "variable": variable(name), "solution": solutions[name]}
        text = TASK.sub(rf"**\1 \2** ({worth} points).", task["text"], count=1)
        cells.append(marked(new_markdown_cell(text), f"{name}-text"))
        made = [cell.source for cell in task["cells"]]
        if task["kind"] in PRINTED:
            made.append(f'given("{name}")')
        for place, source in enumerate(made, start=1):
            cells.append(marked(new_code_cell(source), f"{name}-code-{place}"))
        solution = new_code_cell(ANSWER.format(**words))
        cells.append(marked(solution, f"{name}-answer", locked=False, solution=True))
        test = new_code_cell(TEST.format(**words))
        cells.append(marked(test, f"{name}-test", grade=True, points=worth))
    return new_notebook(cells=cells, metadata=notebooks.NOTEBOOK_METADATA)


def variable(name: str) -> str:
    """The variable of an answer.

    >>> variable("03.1")
    'answer_03_1'
    """
    return f"answer_{name.replace('.', '_')}"


def marked(cell: NotebookNode, name: str, **marks) -> NotebookNode:
    """A cell with what nbgrader wants to know about it."""
    name = cell.id = name.replace(".", "-")
    usual = {"grade": False, "solution": False, "task": False, "locked": True, "schema_version": 3}
    cell.metadata["nbgrader"] = {"grade_id": name, **usual, **marks}
    return cell


def exercises_of(notebook: NotebookNode):
    """The notebook's title; and the exercises, each with its text and the cells to run."""
    cells = notebook.cells
    (at,) = [place for place, cell in enumerate(cells) if EXERCISES.search(cell.source)]
    title, tasks = cells[0].source.splitlines()[0].removeprefix("# "), []
    for cell in cells[at:]:
        if cell.cell_type == "code" and not ASKED.fullmatch(cell.source):
            tasks[-1]["cells"].append(cell)
        if cell.cell_type == "code":
            continue
        plain = prose.NUMBER.sub(r"\g<shown>", glossary.unlinked(cell.source))
        text, *next_section = SECTION.split(EXERCISES.split(plain)[-1])
        parts = TASK.split(text)
        for name, kind, asked in zip(*(parts[place::3] for place in (1, 2, 3)), strict=True):
            text = f"**{name} {kind}.**{asked.rstrip()}"
            tasks.append({"name": name, "kind": kind, "text": text, "cells": []})
        if next_section:
            break
    return title, tasks


def solutions_of(stem: str) -> tuple[str, dict[str, str]]:
    """What an assignment begins with, as its solutions do; and the lines of each solution."""
    cells = notebooks.read(ROOT / "instructors" / "solutions" / f"{stem}.ipynb").cells
    first, *others = [cell.source for cell in cells if cell.cell_type == "code"]
    start = SHOWN.sub("", first).replace("load(SCENARIOS)", 'load("scenarios.toml")')
    solutions = {}
    for source in others:
        if found := SOLVED.search(source):
            name = found[1]
            solutions[name] = SOLVED.sub(rf"{variable(name)} = \2", source).strip()
    return f"{WORDS}\n{start.strip()}", solutions


# The folder for nbgrader


def stems() -> list[str]:
    """The notebooks that have exercises: all but the index."""
    return [path.stem for path in sorted((ROOT / "instructors" / "solutions").glob("*.ipynb"))]


def build(folder: Path, scenarios: Path = SCENARIOS) -> None:
    """Write a folder for nbgrader: its settings, and the sources of all assignments.

    Raises MarginError for scenarios that no student could load.
    """
    load(scenarios)
    sources = folder / "source"
    shutil.rmtree(sources, ignore_errors=True)
    for stem in stems():
        (sources / stem).mkdir(parents=True)
        text = notebooks.to_text(assignment(stem))
        repo.write(sources / stem / f"{stem}.ipynb", text)
        shutil.copyfile(scenarios, sources / stem / "scenarios.toml")
    repo.write(folder / "nbgrader_config.py", CONFIG)


def grader(folder: Path):
    """nbgrader, at work in this folder."""
    # nbgrader calls a command of its own environment by name.
    os.environ["PATH"] = sysconfig.get_path("scripts") + os.pathsep + os.environ["PATH"]
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
    config.CourseDirectory.root = str(folder)
    config.NbGraderAPI.log_level = "ERROR"
    return NbGraderAPI(config=config)


def release(folder: Path) -> None:
    """Make what students get of every assignment. Raises RuntimeError with what nbgrader says."""
    shutil.rmtree(folder / "release", ignore_errors=True)
    api = grader(folder)
    for stem in stems():
        result = api.generate_assignment(stem)
        if not result["success"]:
            raise RuntimeError(f"{stem}: {result.get('log')}")


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenarios", type=Path, default=SCENARIOS, help="the numbers to use")
    options = parser.parse_args(arguments)
    build(FOLDER, options.scenarios)
    release(FOLDER)
    print(f"{len(stems())} assignments; for students: {FOLDER.relative_to(ROOT) / 'release'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
