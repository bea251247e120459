"""The zip for students, as they use it; `make test-student` runs this.

It is unpacked, set up by its own Makefile with pip alone, and every notebook runs in what came out.
"""

import json
import os
import re
import subprocess
import zipfile

import pytest

from tools.handout import student

# Runs every notebook in the interpreter's own kernel, and stores it with its outputs.
RUN = """
import sys
from pathlib import Path
sys.path.append(sys.argv[1])
from tools.notebooks import run as notebooks
for path, notebook in notebooks.execute_all(sorted(Path("notebooks").glob("*.ipynb"))).items():
    path.write_text(notebooks.to_text(notebook), encoding="utf-8")
"""
# The first invites; the last is for the reader's own position.
WITHOUT_EXERCISES = "00_index.ipynb", "your_account.ipynb"
# make hands its own flags down, and the caller's packages must not help.
OURS = re.compile("MAKE|MFLAGS|VIRTUAL_ENV$|PYTHONPATH$|JUPYTER|IPYTHON")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    unpacked = tmp_path_factory.mktemp("student")
    with zipfile.ZipFile(student.ZIP) as packed:
        packed.extractall(unpacked)
    return unpacked / student.folder_name()


@pytest.fixture(scope="module")
def python(folder):
    """Python of the set-up that the student's Makefile makes."""
    run(folder, "make", ".venv/lab.stamp")
    return str(folder / ".venv" / "bin" / "python")


def run(folder, *command):
    environment = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_library_is_the_one_in_the_zip(folder, python):
    where = run(folder, python, "-c", "import margin_lib; print(margin_lib.__file__)")
    assert where.startswith(str(folder / ".venv"))


def test_jupyterlab_is_there(folder, python):
    run(folder, python, "-m", "jupyterlab", "--version")
    assert (folder / ".venv" / "bin" / "jupyter").exists()


def test_every_notebook_runs_and_waits_for_answers(folder, python):
    run(folder, python, "-c", RUN, str(student.ROOT))
    paths = sorted((folder / "notebooks").glob("*.ipynb"))
    assert paths
    for path in paths:
        waiting = asked = 0
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            said = "".join(o.get("name", "") for o in cell.get("outputs", ()))
            assert "stderr" not in said, f"{path.name}: {cell['source']}"
            asked += "".join(cell["source"]).startswith('check("')
            shown = [o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", ())]
            waiting += "".join(map("".join, shown)).endswith(": no answer yet.")
        assert waiting == asked
        assert asked or path.name in WITHOUT_EXERCISES


def test_an_answer_is_checked_there(folder, python):
    ask = "from margin_course import check; check('01.1', 0, path='notebooks/scenarios.toml')"
    assert run(folder, python, "-c", ask).startswith("01.1: not yet.")
