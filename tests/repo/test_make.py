"""What make does for a reader: it sets up, survives an interruption, and opens the course."""

import ast
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.waiting import CAP, answers, stop_group, until
from tools import setup
from tools.lab import __main__ as opener
from tools.notebooks import ports
from tools.repo import ROOT

VENV = Path(sys.prefix)  # of the set-up that runs the tests
# A server stops by a signal to its group.
on_unix = pytest.mark.skipif(os.name == "nt", reason="not made for Windows")
PYTHON = Path(sys.executable).as_posix()
# The smallest course: set up by the same Makefile, in the same steps.
PROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "waits"
backend-path = ["."]

[project]
name = "small"
version = "1"
dependencies = ["numpy>=2.0,<3", "packaging>=24"]
optional-dependencies = { more = ["tornado>=6"] }

[tool.setuptools]
py-modules = []
"""
# Its build waits while a file stands there: packages that are near come too fast to interrupt.
WAITS = """
import time
from pathlib import Path
from setuptools.build_meta import *
while Path("wait").exists():
    time.sleep(0.1)
"""


def clean():
    """The environment without what an outer make or pytest, or its ARGS, put there."""
    given = "ARGS|REPO|HUB|BRANCH|SCENARIOS|FOLDER|PYTHON|UV_OVERRIDE"
    ours = re.compile(f"MAKE|MFLAGS|PYTEST_|({given})$")
    return {name: value for name, value in os.environ.items() if not ours.match(name)}


def make(folder, *words, **environment):
    """Run make to its end."""
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env=clean() | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def small(tmp_path):
    """A folder with this Makefile, and a course that needs two packages."""
    folder = tmp_path / "a small course"
    for name in ("Makefile", "tools/setup.py", "tools/repo.py", "tools/publish/badges.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("README.md", "notebooks/00_index.ipynb"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "waits.py").write_text(WAITS, encoding="utf-8")
    return folder


def can_import(folder, *names):
    python = folder / ".venv" / setup.BIN / "python"
    code = f"import {', '.join(names)}"
    return subprocess.run([python, "-c", code], capture_output=True).returncode == 0


# Set up, interrupted, and set up again


@on_unix
def test_a_set_up_that_was_interrupted_begins_afresh_and_ends(small):
    """Ctrl-C while Python, uv and the packages come, and a machine that goes off."""
    log, wait = small / "log", small / "wait"
    wait.touch()
    moments = [("1 of 3", signal.SIGINT), ("2 of 3", signal.SIGINT), ("3 of 3", signal.SIGINT)]
    moments += [("3 of 3", signal.SIGKILL)]
    for words, how in moments:
        with log.open("w", encoding="utf-8") as output:
            running = subprocess.Popen(
                ["make", "set-up", f"PYTHON={PYTHON}"],
                cwd=small,
                env=clean(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(words, lambda words=words: words in log.read_text("utf-8"), running)
        os.killpg(running.pid, how)
        running.wait()
        assert running.returncode != 0
        assert (small / ".venv" / "begun").exists()
    wait.unlink()
    ended = make(small, "set-up", f"PYTHON={PYTHON}")
    assert ended.returncode == 0, ended.stderr
    assert "did not end: it is thrown away" in ended.stdout
    assert can_import(small, "numpy", "packaging") and not can_import(small, "tornado")

    # What is there takes no time and no network; what is new is added to it.
    again = make(small, "set-up", f"PYTHON={PYTHON}", UV_OFFLINE="1", PIP_NO_INDEX="1")
    assert (again.returncode, again.stdout) == (0, "")
    more = make(small, "set-up-more", f"PYTHON={PYTHON}")
    assert more.returncode == 0 and "1 of 3" not in more.stdout
    assert can_import(small, "numpy", "tornado")


def test_a_set_up_says_what_it_does(small, monkeypatch, capsys):
    monkeypatch.setattr(setup, "ROOT", small)
    ran = []

    def run(*command):
        ran.append(" ".join(map(str, command)))

    monkeypatch.setattr(setup, "run", run)
    setup.main(small / ".venv", "more")
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "Setting up .venv: once, a minute or two, about 500 MB.",
        "1 of 3: a Python of its own",
        "2 of 3: uv, which fetches packages",
        "3 of 3: packages of the course, more",
    ]
    assert len(ran) == 3 and ran[-1].endswith("--editable .[more]")
    setup.main(small / ".venv", "more")
    assert len(ran) == 3 and capsys.readouterr().out == ""
    # In another place its commands would call the Python of the first one: made anew.
    (small / ".venv").rename(small / ".venv-moved")
    setup.main(small / ".venv-moved", "more")
    assert capsys.readouterr().out.splitlines() == [
        said[0].replace("venv", "venv-moved"),
        *said[1:],
    ]


def test_two_at_once_set_up_once(small, monkeypatch):
    monkeypatch.setattr(setup, "ROOT", small)
    ran, both = [], threading.Barrier(2, timeout=CAP)
    monkeypatch.setattr(setup, "with_home", both.wait)  # each has seen that nothing is there
    monkeypatch.setattr(setup, "run", lambda *command: ran.append(command))
    threads = [threading.Thread(target=setup.main, args=[small / ".venv"]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ran) == 3 and setup.state_of(small / ".venv")["parts"] == []


def test_a_set_up_that_fails_says_so_in_a_sentence(small, monkeypatch):
    monkeypatch.setattr(setup, "ROOT", small)

    def run(*command):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(setup, "run", run)
    with pytest.raises(SystemExit, match="^The set-up did not end: see above. The next call"):
        setup.main(small / ".venv")
    assert (small / ".venv" / "begun").exists()


def test_a_python_that_is_too_old_is_told(monkeypatch):
    ast.parse(Path(setup.__file__).read_text("utf-8"), feature_version=(3, 7))
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; .* is 3\.9\.18\. Name"):
        setup.supported()


# What a caller writes


@pytest.mark.parametrize("name", ["no-such-python", "python3 -I", 'p"; touch made; "', "$(x)`y`"])
def test_a_python_that_is_not_there_is_told_in_one_sentence(small, name):
    for target in ("lab", "badges", "test-browser"):
        told = make(small, "-s", target, f"PYTHON={name}")
        first, *others = told.stderr.splitlines()
        assert first == (
            f"There is no program '{name}'. Name a Python 3.11 or newer: "
            f"make {target} PYTHON=python3.12"
        )
        assert told.returncode != 0 and all(line.startswith("make") for line in others)
    assert not (small / "made").exists() and not (small / ".venv").exists()


@on_unix
def test_a_python_in_a_folder_with_spaces_will_do(small):
    (small / "my pythons").mkdir()
    (small / "my pythons" / "python").symlink_to(PYTHON)
    told = make(small, "-s", "badges", f"PYTHON={small}/my pythons/python")
    assert told.returncode == 0 and "Binder" in told.stdout


def test_what_a_caller_writes_is_no_text_for_the_shell(small):
    given = "PYTHON", "ARGS", "REPO", "HUB", "BRANCH", "SCENARIOS", "FOLDER"
    marked = [f"{name}=caller{place}" for place, name in enumerate(given)]
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?m)^([a-z-]+):.*##", text):
        printed = make(ROOT, "-n", target, *marked)
        assert printed.returncode == 0 and printed.stdout, target
        assert not re.search(r"caller\d", printed.stdout), target


@pytest.mark.parametrize("words", ['a/b"; touch made; "', "a/$(touch made)", "`touch made`"])
def test_a_command_in_an_argument_is_not_run(small, words):
    for name in ("REPO", "HUB", "BRANCH"):
        for how in ([f"{name}={words}"], []):
            make(small, "badges", f"PYTHON={PYTHON}", *how, **{name: words})
    make(small, "badges", f"PYTHON={PYTHON}", "REPO=$(shell touch made)")
    assert not (small / "made").exists()


def test_arguments_reach_jupyterlab_word_by_word():
    found = list(opener.flags({"ARGS": "--port=9000 --x='a b'", "DISPLAY": ":0"}))
    assert found[-2:] == ["--port=9000", "--x=a b"] and "--no-browser" not in found
    assert ("--no-browser" in opener.flags({})) == (sys.platform == "linux")


# make lab


@on_unix
@pytest.mark.skipif(not (VENV / "done.json").exists(), reason="not the Python of a make set-up")
@pytest.mark.parametrize("home", ["writable", "not writable"])
def test_make_lab_answers_without_a_screen(home, tmp_path):
    port = ports.free()
    environment = clean()
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):  # would call for a browser
        environment.pop(name, None)
    environment["HOME"] = str(tmp_path) if home == "writable" else os.devnull
    # The port that it looks at first may be taken, by another course that is open.
    taken = socket.create_server(("127.0.0.1", port))
    log = tmp_path / "log"
    address = re.compile(r"(http://\S+:\d+)/lab/tree/notebooks/00_index\.ipynb\?token=(\w+)")
    with log.open("w", encoding="utf-8") as output:
        server = subprocess.Popen(
            ["make", "lab", f"VENV={os.path.relpath(VENV, ROOT)}", f"ARGS=--ServerApp.port={port}"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        printed = until("the address", lambda: address.search(log.read_text("utf-8")), server)
        assert not printed[1].endswith(f":{port}")
        status = f"{printed[1]}/api/status?token={printed[2]}"
        until("an answer", lambda: answers(status), server)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{log.read_text('utf-8')}") from None
    finally:
        stop_group(server)
        taken.close()
