"""The library where nothing of the course is installed: numpy, pandas, and what runs its tests."""

import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from tools.repo import ROOT, read

NEEDS = "numpy", "pandas"
TESTS_NEED = "pytest", "hypothesis"
PROJECT = tomllib.loads(read("pyproject.toml"))["project"]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Python of a set-up that holds these packages, within the bounds of the project."""
    folder = tmp_path_factory.mktemp("alone") / "venv"
    lines = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    asked = [line for line in lines if Requirement(line).name in (*NEEDS, *TESTS_NEED)]
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", folder, *asked], check=True)
    return folder / "bin" / "python"


def run(python, *arguments):
    return subprocess.run([python, *arguments], cwd=ROOT, capture_output=True, text=True)


def test_what_the_course_draws_with_is_not_there_and_not_missed(python):
    lacks = "[find_spec(name) for name in ('matplotlib', 'ipywidgets', 'IPython')]"
    code = f"from importlib.util import find_spec; import margin_lib; print({lacks})"
    assert run(python, "-c", code).stdout == "[None, None, None]\n"


def test_the_tests_and_examples_of_the_library_pass(python):
    """All but those that compare with the course, or check types."""
    paths = sorted((ROOT / "tests" / "margin").glob("test_*.py"))
    alone = [path for path in paths if "margin_course" not in path.read_text(encoding="utf-8")]
    assert len(alone) > len(paths) / 2
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"]
    ran = run(python, *command, "margin_lib", *map(str, alone))
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr
