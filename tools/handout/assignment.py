"""Build a course for nbgrader from the exercises: one assignment for each notebook.

    python -m tools.handout.assignment
        in build/assignment, with the student release
    python -m tools.handout.assignment --scenarios mine.toml
        with other numbers

The texts and the faulty formulas come from notebooks/, the solutions from instructors/solutions/,
what is right from margin_course/answers/. So a new exercise is in the next build by itself.
"""

import argparse
import ast
import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.notebooks import run as notebooks
from tools.repo import ROOT

FOLDER = ROOT / "build" / "assignment"
SCENARIOS = ROOT / "notebooks" / "scenarios.toml"
POINTS = {"Compute": 2, "Design": 3, "Find the bug": 3}

EXERCISES = re.compile(r"(?:\A|\n)## Exercises\n")
SECTION = re.compile(r"^## ", re.MULTILINE)
TASK = re.compile(r"^\*\*(\d\d\.\d+) ([^*.]+)\.\*\*", re.MULTILINE)
ASKED = re.compile(r'check\("(\d\d\.\d+)", None\)')
SOLVED = re.compile(r'^check\("(\d\d\.\d+)", (.*), path=SCENARIOS\)$', re.MULTILINE)

BEFORE = """# Assignment {title}

The exercises of `{stem}.ipynb`, for {points} points. *Above* in a text means: in that notebook.

{how}

In this assignment each answer goes into a variable, such as `{variable}`. The cells with `assert`
only see whether there is an answer. Whether it is right is found when it is graded. Leave all cells
in their places."""
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
"""


# One assignment


def assignment(stem: str) -> NotebookNode:
    """The source notebook of one assignment: exercises, solutions, points and hidden tests."""
    how, tasks, before = exercises_of(notebooks.read(ROOT / "notebooks" / f"{stem}.ipynb"))
    set_up, solutions = solutions_of(stem)
    faulty = "\n".join(cell.source for task in tasks for cell in task["cells"])
    code = "\n".join([faulty, *solutions.values()])
    wanted = missing(faulty) | {"hint"} | set(re.findall(r"`(\w+)`", how))
    start = [*set_up, *slice_of(before, wanted, given=made_by(set_up))]
    # Faulty code brings its own imports: whoever calls an answer `price` must not break it.
    own = [x for x in start if x not in set_up and x.startswith("from ")]
    own = [x for x in own if made_by([x]) & missing(faulty)]
    start = tidy([line for line in start if line not in own], code)

    number = stem[:2]
    points = sum(POINTS[task["kind"]] for task in tasks)
    words = {"title": before[0].source.splitlines()[0].removeprefix("# "), "points": points}
    words |= {"stem": stem, "how": how, "variable": variable(tasks[0]["name"])}
    cells = [
        marked(new_markdown_cell(BEFORE.format(**words)), f"{number}-before"),
        marked(new_code_cell(start), f"{number}-start"),
    ]
    for task in tasks:
        name, worth = task["name"], POINTS[task["kind"]]
        words = {"name": name, "variable": variable(name), "solution": solutions[name]}
        text = TASK.sub(rf"**\1 \2** ({worth} points).", task["text"], count=1)
        cells.append(marked(new_markdown_cell(text), f"{name}-text"))
        for place, cell in enumerate(task["cells"], start=1):
            source = f"{tidy(own, cell.source)}\n{cell.source}".lstrip()
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
    """How to answer; the exercises, each with its text and the cells to run; the cells before."""
    cells = notebook.cells
    (at,) = [place for place, cell in enumerate(cells) if EXERCISES.search(cell.source)]
    how, tasks = "", []
    for cell in cells[at:]:
        if cell.cell_type == "code" and not ASKED.fullmatch(cell.source):
            tasks[-1]["cells"].append(cell)
        if cell.cell_type == "code":
            continue
        text, *next_section = SECTION.split(EXERCISES.split(cell.source)[-1])
        parts = TASK.split(text)
        how = how or parts[0].strip()
        for name, kind, asked in zip(*(parts[place::3] for place in (1, 2, 3)), strict=True):
            text = f"**{name} {kind}.**{asked.rstrip()}"
            tasks.append({"name": name, "kind": kind, "text": text, "cells": []})
        if next_section:
            break
    return how, tasks, cells[:at]


def solutions_of(stem: str) -> tuple[list[str], dict[str, str]]:
    """What all solutions begin with, as statements; and the lines of each solution."""
    cells = notebooks.read(ROOT / "instructors" / "solutions" / f"{stem}.ipynb").cells
    first, *others = [cell.source for cell in cells if cell.cell_type == "code"]
    set_up = [
        line.replace("load(SCENARIOS)", 'load("scenarios.toml")')
        for line in statements(first)
        if not line.startswith(("SCENARIOS = ", "print("))
    ]
    solutions = {}
    for source in others:
        if found := SOLVED.search(source):
            name = found[1]
            solutions[name] = SOLVED.sub(rf"{variable(name)} = \2", source).strip()
    return set_up, solutions


# What an exercise needs of the cells before it


def statements(source: str) -> list[str]:
    return [ast.get_source_segment(source, part) for part in ast.parse(source).body]


def names(tree) -> tuple[set[str], set[str]]:
    """Names that a statement reads, and names that it gives a value."""
    if isinstance(tree, ast.Import | ast.ImportFrom):
        return set(), {alias.asname or alias.name for alias in tree.names}
    inner = ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp
    own = set()  # names that exist only inside
    for part in ast.walk(tree):
        if isinstance(part, inner):
            targets = [node for loop in part.generators for node in ast.walk(loop.target)]
            own |= {node.id for node in targets if isinstance(node, ast.Name)}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id not in own]
    makes = {node.id for node in found if isinstance(node.ctx, ast.Store)}
    return {node.id for node in found if isinstance(node.ctx, ast.Load)}, makes


def made_by(lines: list[str]) -> set[str]:
    return set().union(*(names(part)[1] for line in lines for part in ast.parse(line).body))


def missing(source: str) -> set[str]:
    """Names that code reads before it has given them a value.

    >>> sorted(missing("a = b\\nc = a + sum(x for x in d)"))
    ['b', 'd', 'sum']
    """
    wanted = set()
    for statement in reversed(ast.parse(source).body):
        reads, makes = names(statement)
        wanted = (wanted - makes) | reads
    return wanted


def slice_of(cells, wanted: set[str], given=frozenset()) -> list[str]:
    """The statements of these cells that the wanted names come from, in their order.

    >>> slice_of([new_code_cell("a = 1\\nb = 2\\nc = a + d"), new_code_cell("e = 5")], {"c"})
    ['a = 1', 'c = a + d']
    """
    kept, wanted = [], wanted - given
    source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    for statement in reversed(statements(source)):
        reads, makes = names(ast.parse(statement).body[0])
        if makes & wanted:
            kept.insert(0, statement)
            wanted = (wanted - makes) | (reads - given)
    return kept


def tidy(lines: list[str], code: str = "") -> str:
    """Statements as one cell: imports first, and of them only what these lines or `code` use.

    >>> print(tidy(["from m import b", "x = b", "from m import a, hint, c", "x = b"], "a"))
    from m import a, b, hint
    <BLANKLINE>
    x = b
    """
    others = [line for line in dict.fromkeys(lines) if not line.startswith("from ")]
    used = {"hint"} | missing("\n".join([*others, code]))
    imports = {}
    for line in lines:
        (tree,) = ast.parse(line).body
        if isinstance(tree, ast.ImportFrom) and made_by([line]) & used:
            imports.setdefault(tree.module, set()).update(made_by([line]) & used)
    first = [f"from {name} import {', '.join(sorted(imports[name]))}" for name in sorted(imports)]
    return "\n".join([*first, "", *others])


# The folder for nbgrader


def stems() -> list[str]:
    """The notebooks that have exercises: all but the index."""
    return [path.stem for path in sorted((ROOT / "instructors" / "solutions").glob("*.ipynb"))]


def build(folder: Path, scenarios: Path = SCENARIOS) -> None:
    """Write a folder for nbgrader: its settings, and the sources of all assignments."""
    sources = folder / "source"
    shutil.rmtree(sources, ignore_errors=True)
    for stem in stems():
        (sources / stem).mkdir(parents=True)
        text = notebooks.to_text(assignment(stem))
        (sources / stem / f"{stem}.ipynb").write_text(text, encoding="utf-8", newline="\n")
        shutil.copyfile(scenarios, sources / stem / "scenarios.toml")
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")


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
