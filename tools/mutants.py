"""Change the mathematics in one place at a time, and see whether the tests notice.

    python -m tools.mutants [MUTANT ...]

mutmut makes the changes, some 3,500 mutants, in a copy of the library under build/. For each one it
runs the tests that come through the changed function, until one fails. It leaves properties and
__new__ as they are, and would copy examples along with every function; so in the copy properties
are made by a call, and the examples stand in a file of tests.

Prints the share of mutants that were killed and every one that was not; fails below SHARE. One that
takes too long counts as alive: it may be a slow machine. Names (margin_lib.spot.*, for instance),
here or as ARGS, limit the run to some mutants.
"""

import ast
import collections
import os
import shlex
import shutil
import subprocess
import sys

from tools import repo
from tools.repo import ROOT

COPY = ROOT / "build" / "mutants"
MODULES = ("formulas", "contracts", "spot", "account", "liquidation", "portfolio", "plans")
SHARE = 0.97
RUN = """
import doctest
import importlib
import pytest

@pytest.mark.parametrize(("module", "head", "text"), {})
def test_example(module, head, text):
    names = dict(vars(importlib.import_module(module)))
    for before in doctest.DocTestParser().get_examples(head):
        exec(before.source, names)
    example = doctest.DocTestParser().get_doctest(text, names, module, None, 0)
    assert not doctest.DocTestRunner().run(example).failed
"""


def with_calls(tree):
    """A module in which no function is a property or called __new__, so that mutmut changes all."""
    for holder in [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]:
        body = []
        for node in holder.body:
            body.append(node)
            if not isinstance(node, ast.FunctionDef):
                continue
            call = None
            if [ast.unparse(decorator) for decorator in node.decorator_list] == ["property"]:
                node.decorator_list, call = [], f"{node.name} = property({node.name})"
            elif node.name == "__new__":
                node.name, call = "new", "__new__ = new"
            body += ast.parse(call).body if call else []
        holder.body = body
    return tree


def without_docstrings(tree):
    """A module without its docstrings, and the list of those that hold examples."""
    examples = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                node.body[0] = ast.Pass()
                examples += [text] if ">>>" in text else []
    return tree, examples


def copy():
    """The library made ready for mutmut, its tests and its examples, in a folder of their own."""
    shutil.rmtree(COPY, ignore_errors=True)
    unwanted = shutil.ignore_patterns("__pycache__")
    for folder in ("margin_lib", "margin_course", "notebooks", "tests", "tools"):
        shutil.copytree(ROOT / folder, COPY / folder, ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", COPY)
    examples = []
    for name in MODULES:
        file = COPY / "margin_lib" / f"{name}.py"
        head = ast.get_docstring(ast.parse(repo.read(file)))
        tree, found = without_docstrings(with_calls(ast.parse(repo.read(file))))
        repo.write(file, ast.unparse(tree))
        examples += [(f"margin_lib.{name}", head, text) for text in found]
    repo.write(COPY / "tests" / "test_examples.py", RUN.format(examples))


def mutmut(*arguments, **options):
    """Run mutmut's command line in the copy."""
    command = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()", *arguments]
    return subprocess.run(command, cwd=COPY, **options)


def results():
    """Name of each mutant that was run -> what became of it."""
    listed = mutmut("results", "--all", "true", check=True, capture_output=True, text=True)
    pairs = (line.strip().rpartition(": ") for line in listed.stdout.splitlines())
    return {name: result for name, _, result in pairs if result != "not checked"}


def main(names):
    copy()
    run = mutmut("run", *names)
    if run.returncode:
        return run.returncode
    found = results()
    left = sorted(name for name, result in found.items() if result != "killed")
    for name in left:
        shown = mutmut("show", name, capture_output=True, text=True).stdout
        print(shown.strip(), end="\n\n")
    for result, count in collections.Counter(found.values()).most_common():
        print(f"{count:5} {result}")
    share = 1 - len(left) / max(len(found), 1)
    print(f"{share:.1%} of {len(found)} mutants killed (at least {SHARE:.0%} wanted)")
    return int(share < SHARE or not found)


if __name__ == "__main__":
    sys.exit(main([*sys.argv[1:], *shlex.split(os.environ.get("ARGS", ""))]))
