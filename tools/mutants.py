"""Change the code in one place at a time, and see whether the tests notice.

    python -m tools.mutants [--of margin_course] [--sample 200] [--seed 1] [MUTANT ...]

mutmut makes the changes, some 6,000 mutants of the mathematics, in a copy under build/. The tests
are collected once. Then each mutant has a process of its own, two at a time, which runs the tests
that come through the changed function, the shortest first, until one fails. mutmut leaves
properties and __new__ as they are, and would copy examples along with every function; so in the
copy properties are made by a call, and the examples stand in a file of tests.

Prints the share of mutants that were killed and every one that was not; fails below the share that
is wanted. Those that do the same as the code, which no test can notice, stand in mutants.toml with
the reason, and do not count. One that takes too long counts as alive: it may be a slow machine.
Names (margin_lib.spot.*, for instance) limit the run to some mutants, --sample to so many of them,
drawn at random, always the same for a --seed, --tests to some tests (course/test_quiz.py), whose
share is a lower bound; ARGS says all of this, too.
"""

import argparse
import ast
import collections
import fnmatch
import os
import random
import re
import resource
import shlex
import shutil
import sys
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tools import repo
from tools.repo import ROOT

COPY = ROOT / "build" / "mutants"
AT_A_TIME = 2
SLOWER = 10  # so many times as long as without a change is too long ...
AT_LEAST = 20  # ... and more than so many seconds
MEMORY = 6 * 2**30  # bytes; a test that wants more fails
ALIVE, KILLED, TOO_LONG, NO_TEST = "survived", "killed", "too long", "no test comes through it"
EQUAL = Path(__file__).with_suffix(".toml")


class Row(NamedTuple):
    """What is changed, which tests should notice, and the share that they must."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    share: float
    looks: tuple[str, ...] = ()


TABLE = {
    "margin_lib": Row(
        modules=("formulas", "contracts", "spot", "account", "liquidation", "portfolio", "plans"),
        tests=("test_examples.py", "margin"),
        share=0.97,
    ),
    "margin_course": Row(
        modules=(
            *("page", "quiz", "exercises", "claims", "inventory", "concepts", "progress"),
            *("prediction", "account_form", "text", "scenarios", "lessons/*"),
        ),
        tests=("test_examples.py", "course"),
        share=0.90,
        # Looks are checked by eye and in a browser: what a thing is painted with, how a widget is
        # laid out, where an axis ends; in a picture's drawing, plain numbers, too, which are places
        # and sizes. All else counts: words, conditions, order, what alternative text says.
        looks=(
            *("color", "facecolor", "edgecolor", "alpha", "ink", "linewidth", "linestyle"),
            *("lw", "ls", "markersize", "markerfacecolor", "markeredgecolor", "zorder", "clip_on"),
            *("ha", "va", "ground", "fontweight", "xlim", "ylim", "xticks", "yticks", "nbins"),
            *("ymin", "ymax", "layout", "max_width"),
            # As arguments without a name, too.
            *("colour", "INK", "PAPER", "QUIET", "FAINT", "ISOLATED", "CROSS", "YOURS", "DEAD"),
            *("BORROWED", "GONE", "TOO_LITTLE", "how"),
        ),
    ),
}
PICTURE = re.compile(r"(Picture|Plane)ǁ(?!alt__)")  # in a mutant's name: it draws
# They compare with what stands in a file, or look at it, and would only cost.
UNWANTED = (
    "test_another_file_of_this_form_can_be_checked",
    "test_no_formula_is_forgotten_here",
    "test_no_venues_number_stands_in_the_code",
    "test_types.py",
    "test_bad_tables.py",
    "test_paths.py",
    "test_paths_and_accounts.py",
    "test_simulate.py",
    "test_books.py",
    "test_recover.py",
    "test_random_moves_end_where_a_fresh_lab_would_be_and_no_lines_contradict",
)
PYTEST = ("-q", "-x", "--tb=no", "--hypothesis-profile=mutants", "-p", "no:cacheprovider")
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


class WithoutLooks(ast.NodeTransformer):
    """A function less its looks; where it draws, one number is as good as another."""

    def __init__(self, looks, draws):
        self.looks, self.draws = looks, draws

    def visit_keyword(self, node):
        # In a picture's drawing, **how holds nothing else.
        name = node.arg or (self.draws and getattr(node.value, "id", ""))
        return None if name in self.looks else self.generic_visit(node)

    def visit_Call(self, node):
        if self.draws:
            node.args = [arg for arg in node.args if not self._is_look(arg)]
        return self.generic_visit(node)

    def _is_look(self, arg):
        """Whether it says how something looks; None stands for the usual look."""
        return getattr(arg, "id", "") in self.looks or getattr(arg, "value", "") is None

    def visit_Dict(self, node):
        pairs = [
            (key, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if str(getattr(key, "value", "")).strip("X").lower() not in self.looks
        ]
        node.keys, node.values = [key for key, _ in pairs], [value for _, value in pairs]
        return self.generic_visit(node)

    def visit_Constant(self, node):
        is_place = self.draws and type(node.value) in (int, float)
        return ast.Constant(0) if is_place else node

    def visit_UnaryOp(self, node):
        node = self.generic_visit(node)
        return node.operand if self.draws and isinstance(node.operand, ast.Constant) else node

    def visit_BinOp(self, node):
        node = self.generic_visit(node)
        if self.draws and ast.Constant in (type(node.left), type(node.right)):
            node.op = ast.Add()
        return node


def of_looks_alone(mutants, looks):
    """Those mutants that differ from what was there in nothing but looks."""
    bodies = {}
    for module in {mutant.rpartition(".")[0] for mutant in mutants}:
        tree = ast.parse(repo.read(COPY / "mutants" / f"{module.replace('.', '/')}.py"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name:
                blank = WithoutLooks(looks, PICTURE.search(node.name))
                bodies[f"{module}.{node.name}"] = [
                    ast.dump(blank.visit(part)) for part in [node.args, *node.body]
                ]
    return {
        m for m in mutants if bodies[m] == bodies[f"{m.rpartition('__mutmut_')[0]}__mutmut_orig"]
    }


def copy(name, row):
    """The code made ready for mutmut, its tests and its examples, in a folder of their own."""
    shutil.rmtree(COPY, ignore_errors=True)
    unwanted = shutil.ignore_patterns("__pycache__")
    folders = "margin_lib", "margin_course", "notebooks", "tests", "tools"
    for folder in folders:
        shutil.copytree(ROOT / folder, COPY / folder, ignore=unwanted)
    files = [file for part in row.modules for file in sorted((COPY / name).glob(f"{part}.py"))]
    examples = []
    for file in files:
        head = ast.get_docstring(ast.parse(repo.read(file)))
        tree, found = without_docstrings(with_calls(ast.parse(repo.read(file))))
        repo.write(file, ast.unparse(tree))
        module = ".".join(file.relative_to(COPY).with_suffix("").parts)
        examples += [(module, head or "", text) for text in found]
    repo.write(COPY / "tests" / "test_examples.py", RUN.format(examples))
    changed = [file.relative_to(COPY).as_posix() for file in files]
    others = [folder for folder in folders if folder != name]
    settings = f"[tool.mutmut]\nsource_paths = [{name!r}]\nalso_copy = {others}\n"
    settings += f"only_mutate = {changed}\n"
    repo.write(COPY / "pyproject.toml", repo.read(ROOT / "pyproject.toml") + "\n" + settings)


class Trial:
    """Runs pytest's tests once as they are, and then those of each mutant in a process each."""

    def __init__(self, mutants):
        self.mutants, self.found, self.running = mutants, {}, {}

    def pytest_runtestloop(self, session):
        from mutmut.mutation.trampoline import set_mutant_under_test
        from mutmut.state import state
        from mutmut.utils.format_utils import mangled_name_from_mutant_name

        set_mutant_under_test("stats")
        through, self.cost = collections.defaultdict(list), {}
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            start = time.process_time()
            self._run(item, following)
            self.cost[item] = time.process_time() - start
            for function in state()._stats:
                through[function].append(item)
            state()._stats.clear()
        if session.testsfailed:
            raise session.Failed("a test fails without any change")
        set_mutant_under_test("")
        for number, mutant in enumerate(self.mutants, start=1):
            items = sorted(through[mangled_name_from_mutant_name(mutant)], key=self.cost.get)
            if not items:
                self.found[mutant] = NO_TEST
                continue
            while len(self.running) >= AT_A_TIME:
                self._wait()
            self._start(session, mutant, items)
            if number % 100 == 0:
                print(f"\n{number} of {len(self.mutants)}", flush=True)
        while self.running:
            self._wait()
        return True

    def _start(self, session, mutant, items):
        from mutmut.mutation.trampoline import set_mutant_under_test

        process = os.fork()
        if process:
            self.running[process] = mutant
            return
        limit = int(max(SLOWER * sum(map(self.cost.get, items)), AT_LEAST) + time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        set_mutant_under_test(mutant)
        for item, following in zip(items, [*items[1:], None], strict=True):
            self._run(item, following)
            if session.testsfailed:
                os._exit(1)
        os._exit(0)

    def _run(self, item, following):
        if hasattr(item, "_initrequest"):
            item._initrequest()  # it may have run before
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)

    def _wait(self):
        process, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        result = {0: ALIVE, 1: KILLED}.get(code, TOO_LONG if code < 0 else KILLED)
        mutant = self.running.pop(process)
        self.found[mutant] = result
        if result != KILLED:  # known even if the run is broken off
            print(f"\n{mutant}: {result}", flush=True)


def results(row, names, sample, seed):
    """Name of each mutant that was tried -> what became of it. Works in the copy."""
    from mutmut import __main__ as mutmut
    from mutmut.mutation.trampoline import set_mutant_under_test

    set_mutant_under_test("mutant_generation")
    (COPY / "mutants").mkdir()
    mutmut.copy_src_dir()
    mutmut.copy_also_copy_files()
    mutmut.setup_source_paths()
    mutmut.create_mutants(AT_A_TIME)
    made, _ = mutmut.collect_source_file_mutation_data(mutant_names=[])
    mutants = sorted(
        name for _, name, _ in made if any(fnmatch.fnmatch(name, each) for each in names or "*")
    )
    if row.looks:
        looks = of_looks_alone(mutants, row.looks)
        print(f"{len(looks)} change looks alone, and are left out")
        mutants = [mutant for mutant in mutants if mutant not in looks]
    if sample:
        mutants = sorted(random.Random(seed).sample(mutants, min(sample, len(mutants))))
    print(f"{len(made)} mutants made, {len(mutants)} are tried", flush=True)
    for module in [m for m in sys.modules if m.split(".")[0] in ("margin_lib", "margin_course")]:
        del sys.modules[module]
    os.chdir("mutants")
    os.environ.setdefault("SEQUENCES", "2")
    trial = Trial(mutants)
    unwanted = [f"--ignore-glob=*/{name}" for name in UNWANTED if name.endswith(".py")]
    without = "not (" + " or ".join(n for n in UNWANTED if not n.endswith(".py")) + ")"
    tests = [f"tests/{each}" for each in row.tests]
    code = pytest.main([*PYTEST, "--rootdir=.", *unwanted, "-k", without, *tests], plugins=[trial])
    os.chdir(COPY)
    if code:
        sys.exit(int(code))
    return trial.found


def why_equal(mutant, diff, known):
    """Why a mutant does the same as the code, or None."""
    was, becomes = (re.search(rf"(?m)^[{sign}](?![{sign}]) *(.*)$", diff)[1] for sign in "-+")
    for each in known:
        same_place = mutant.startswith(f"{each['module']}.") and each["was"] == was
        if same_place and each["becomes"] in becomes and each["becomes"] not in was:
            return each["why"]
    return None


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--of", choices=TABLE, default="margin_lib")
    parser.add_argument("--sample", type=int, help="try only so many, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="another sample: of this number")
    parser.add_argument("--tests", nargs="+", help="these alone: quicker, and a lower bound")
    parser.add_argument("names", nargs="*", metavar="MUTANT")
    options = parser.parse_args(arguments)
    row = TABLE[options.of]
    row = row._replace(tests=tuple(options.tests or row.tests))
    copy(options.of, row)
    os.chdir(COPY)
    found = results(row, options.names, options.sample, options.seed)
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    known = tomllib.loads(repo.read(EQUAL))["equal"]
    left, equal = [], 0
    for name in sorted(name for name, result in found.items() if result != KILLED):
        diff = get_diff_for_mutant(name).strip()
        if why := why_equal(name, diff, known):
            equal, found[name] = equal + 1, f"the same: {why}"
        else:
            left.append(name)
        print(f"# {name}: {found[name]}\n{diff}\n")
    for result, count in collections.Counter(found.values()).most_common():
        print(f"{count:5} {result}")
    count = len(found) - equal
    share = 1 - len(left) / max(count, 1)
    print(f"{share:.1%} of {count} mutants killed (at least {row.share:.0%} wanted)")
    return int(share < row.share or not found)


if __name__ == "__main__":
    sys.exit(main([*sys.argv[1:], *shlex.split(os.environ.get("ARGS", ""))]))
