"""Every recipe of instructors/adapt.md, done on one copy of the repository, in their order.

What is named at the end of the page must then pass: make test, but for what no recipe touches.
make test itself only looks whether each place that the page changes is there
(tests/repo/test_recipes.py).
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support import recipes
from tools import repo
from tools.publish import badges

PAGE = recipes.recipes()
# What no recipe touches, and passes here as it does in the course: the mathematics (the recipe of a
# venue runs the tests of its tables), what make does, and how speed is measured.
UNTOUCHED = "tests/margin", "tests/repo/test_make.py", "tests/repo/test_benchmarks.py"
pytestmark = pytest.mark.skipif(recipes.ADAPTED, reason="the course has been adapted")


@pytest.fixture(scope="session", autouse=True)
def own_settings():
    """make in the copy must not take itself for a part of the make that runs the tests."""
    ours = ("PYTEST_", "MAKE", "MFLAGS", "ARGS")
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(ours)}
    os.environ["ARGS"] = " ".join(f"--ignore={name}" for name in UNTOUCHED)
    yield
    del os.environ["ARGS"]
    os.environ.update(kept)


@pytest.fixture(scope="session")
def copy(tmp_path_factory) -> Path:
    """What git keeps of this repository, as a repository of its own."""
    copy = tmp_path_factory.mktemp("adapt") / "course"
    repo.copy_to(copy)
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    subprocess.run(["make", "-s", "set-up-test"], cwd=copy, check=True)
    return copy


def names(repo, copy):
    """The files of the copy in which this repository is named."""
    search = ["git", "grep", "--untracked", "-l", "-i", "-F", repo]
    return subprocess.run(search, cwd=copy, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("title", PAGE)
def test_recipe(title, copy):
    for step in PAGE[title]:
        recipes.do(step, copy)


def test_the_old_name_is_gone(copy):
    old, new = (
        badges.repo_of((folder / "README.md").read_text(encoding="utf-8"))
        for folder in (recipes.ROOT, copy)
    )
    assert names(old, copy) == []
    assert names(new, copy) == ["README.md", badges.INDEX]
