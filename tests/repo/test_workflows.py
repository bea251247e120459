"""What GitHub runs is what make does: every target, on every Python that we name."""

import re
import tomllib

import check_jsonschema
import pytest
import yaml
from click.testing import CliRunner
from packaging.specifiers import SpecifierSet

from tools.repo import ROOT

GITHUB = ROOT / ".github"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = dict(re.findall(r"(?m)^([a-z-]+):(.*?)## ", MAKEFILE))  # name -> what it depends on
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PATHS = sorted((GITHUB / "workflows").glob("*.yml"))
# `on` is a word for true in YAML 1.1.
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in PATHS}
by_workflow = pytest.mark.parametrize("name", WORKFLOWS)

# What no workflow calls: who runs it, or why nothing does.
NOT_CALLED = {
    "help": "says what there is",
    "lab": "tests/repo/test_make.py",
    "badges": "tests/repo/test_make.py",
    "update": "tests/repo/test_update.py",
    "app": "serves until it is stopped; tests/browser open the page in Voilà",
    "results": "writes what a reader has answered; its tests are in tests/notebooks",
    "gains": "reads a class's files; its tests are in tests/notebooks",
    "cards": "writes a deck to learn from; its tests are in tests/notebooks",
    "soak": "for a night",
    "pictures": "only to be looked at",
    "notebooks": "changes files; make test-adapt does it, on a copy",
    "format": "changes files; make test says which",
    "clean": "a runner is thrown away",
}


def steps(name):
    return [step for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"]]


def runs(name):
    """The lines of commands of a workflow."""
    return [line for step in steps(name) for line in step.get("run", "").splitlines()]


def called(lines):
    """The targets in these lines that call make."""
    words = [word for line in lines if line.startswith("make ") for word in line.split()[1:]]
    return {word for word in words if re.fullmatch(r"[a-z-]+", word) and word[:6] != "set-up"}


def script():
    return (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()


@by_workflow
def test_a_workflow_runs_nothing_but_make(name):
    lines = runs(name)
    assert lines and all(re.match(r"make [a-z]|\.ci/run$", line) for line in lines)
    assert called(lines) <= set(TARGETS)
    assert called(script()) <= set(TARGETS)


@by_workflow
def test_a_workflow_may_do_little_and_ends(name):
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    assert "cancel-in-progress" in workflow["concurrency"]
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 120
        actions = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in actions)


def test_an_action_has_one_version():
    actions = {step["uses"] for name in WORKFLOWS for step in steps(name) if "uses" in step}
    assert len(actions) == len({action.split("@")[0] for action in actions})


def test_every_python_that_we_name_and_three_systems_are_tried():
    matrix = WORKFLOWS["tests"]["jobs"]["test"]["strategy"]["matrix"]
    prefix = "Programming Language :: Python :: "
    named = {line.removeprefix(prefix) for line in PROJECT["classifiers"] if "3." in line}
    assert set(matrix["python"]) == named
    assert min(named, key=lambda minor: int(minor[2:])) in SpecifierSet(PROJECT["requires-python"])
    oldest = PROJECT["requires-python"].removeprefix(">=")
    ends = {oldest, max(named, key=lambda minor: int(minor[2:]))}
    assert matrix["os"] == ["ubuntu-latest"]
    for system in ("macos-latest", "windows-latest"):
        assert {one["python"] for one in matrix["include"] if one["os"] == system} == ends


@pytest.mark.parametrize("name", ["newest", "links", "measure", "lite"])
def test_what_may_break_by_itself_is_tried_every_week(name):
    (schedule,) = WORKFLOWS[name][True]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
    assert "workflow_dispatch" in WORKFLOWS[name][True]


def test_every_target_is_run():
    done = called(script()).union(*(called(runs(name)) for name in WORKFLOWS))
    done |= {needed for name in done for needed in TARGETS[name].split() if needed in TARGETS}
    assert set(TARGETS) - done == set(NOT_CALLED)
    by_tests = {name: why for name, why in NOT_CALLED.items() if why.startswith("tests/")}
    for name, path in by_tests.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf'\bmake["(].*"{name}"', text), f"{path} does not run {name}"


PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", ".github/pull_request_template.md")),
    *sorted((ROOT / "instructors").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_of_make_is_there(page):
    named = set(re.findall(r"(?m)(?:`|^ *)make ([a-z-]+)", page.read_text(encoding="utf-8")))
    assert named <= set(TARGETS)
    assert named or page.parent.name == "instructors"


FORMS = {
    "vendor.github-workflows": PATHS,
    "vendor.github-issue-forms": sorted((GITHUB / "ISSUE_TEMPLATE").glob("[0-9]*.yml")),
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}


def complaints(schema, paths):
    """What the form of these files breaks; empty if nothing."""
    run = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", schema, *map(str, paths)])
    return run.output if run.exit_code else ""


@pytest.mark.parametrize("schema", FORMS)
def test_github_can_read_its_files(schema):
    assert FORMS[schema] and complaints(schema, FORMS[schema]) == ""


def test_a_file_that_github_cannot_read_would_be_noticed(tmp_path):
    wrong = tmp_path / "wrong.yml"
    text = PATHS[0].read_text(encoding="utf-8").replace("runs-on:", "run-on:")
    wrong.write_text(text, encoding="utf-8")
    assert "runs-on" in complaints("vendor.github-workflows", [wrong])


# Versions


def test_one_version_and_one_day():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"(?m)^## \[(\d\S*)\] - (\d{4}-\d\d-\d\d)$", changes)
    assert released[0] == (PROJECT["version"], str(citation["date-released"]))
    assert citation["version"] == PROJECT["version"]
