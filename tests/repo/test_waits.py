"""No test and no tool gives up after a short time: the next machine may be ten times slower."""

import ast
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from tests.support import waiting
from tests.support.waiting import CAP, answers
from tools.repo import ROOT

WAITS = re.compile("timeout|deadline|patience", re.IGNORECASE)
CLOCK = re.compile(r"time\(\)|monotonic\(\)|perf_counter\(\)")
FILES = [
    *sorted(p for folder in ("tests", "tools", "benchmarks") for p in ROOT.glob(f"{folder}/**/*")),
    *(ROOT / name for name in ("Makefile", ".ci/run", "pyproject.toml")),
]
FILES = [path for path in FILES if path.is_file() and "__pycache__" not in path.parts]
# Who may, and how often: what it waits for is not ours, or nothing is judged by it.
MAY = {
    "tools/publish/links.py": 2,  # a stranger's server that does not answer in time is told
    "tests/support/waiting.py": 1,  # what has not ended by then is killed
}


def value(node, known):
    """What an expression comes to, as far as numbers and the names of numbers go."""
    match node:
        case ast.Constant(value=float() | int() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return known.get(name)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            parts = value(left, known), value(right, known)
            return None if None in parts else parts[0] * parts[1]
    return None


def short_waits(source):
    """(line, number) of each number of a program that is a wait, and shorter than the cap.

    Seconds or milliseconds: from 1,000 on they are taken for the latter.
    """
    tree, known = ast.parse(source), {"CAP": CAP}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            number = value(node.value, known)
            if number is not None:
                known[node.targets[0].id] = number
    for node in ast.walk(tree):
        found = []
        if isinstance(node, ast.keyword) and WAITS.search(node.arg or ""):
            found = [node.value]
        elif isinstance(node, ast.Call) and WAITS.search(ast.unparse(node.func)):
            found = node.args
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found = [node.value] if any(WAITS.search(ast.unparse(t)) for t in targets) else []
        elif isinstance(node, ast.arguments):
            named = zip(node.args[::-1], node.defaults[::-1], strict=False)
            found = [default for name, default in named if WAITS.search(name.arg)]
        # A time of day, plus so much.
        elif isinstance(node, ast.BinOp) and re.search(
            r"time\(\)|monotonic\(\)", ast.unparse(node)
        ):
            found = [node.right] if isinstance(node.op, ast.Add) else []
        for each in found:
            number = value(each, known)
            if number is not None and number < (CAP if number < 1_000 else 1_000 * CAP):
                yield node.lineno if hasattr(node, "lineno") else each.lineno, number


def short_settings(text):
    """The same, of settings in other files, and of those in texts of a program: name=30."""
    for line, words in enumerate(text.splitlines(), start=1):
        for number in re.findall(r"(?i)timeout\w*\"?(?:\s*[:=]\s*|\s+)(\d[\d_.e]*)", words):
            if float(number) < CAP:
                yield line, float(number)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_waits_for_a_short_time(path):
    name = path.relative_to(ROOT).as_posix()
    if path == ROOT / "tests/repo/test_waits.py":
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    found = [*short_settings(text), *(short_waits(text) if path.suffix == ".py" else ())]
    assert len(found) == MAY.get(name, 0), f"wait for the thing itself: {found}"


# What gives up after a minute where nothing is said: (who, how it is said).
GIVES_UP = [
    ("--nbval-cell-timeout=", "--nbval-kernel-startup-timeout="),
    ("NotebookClient", "startup_timeout="),
    ("ExecutePreprocessor.timeout", "ExecutePreprocessor.startup_timeout"),
    (".start_kernel(", ".wait_for_ready(timeout="),
]


@pytest.mark.parametrize(("who", "how"), GIVES_UP, ids=lambda words: words.strip("-.=("))
def test_a_kernel_may_take_its_time_to_start(who, how):
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in FILES}
    users = [path for path, text in texts.items() if who in text and path.name != "test_waits.py"]
    assert users and [path for path in users if how not in texts[path]] == []


def test_what_does_not_speak_http_is_no_answer():
    def greet():
        with other.accept()[0] as caller:
            caller.sendall(b"\xff\0\0\x01\x7f\n")

    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=greet).start()
        assert not answers(f"http://127.0.0.1:{other.getsockname()[1]}/")


@pytest.mark.skipif(os.name == "nt", reason="no such groups")
@pytest.mark.parametrize("how", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_group_stops_even_where_it_does_not_want_to(how, monkeypatch):
    monkeypatch.setattr(waiting, "GRACE", 1)
    stays = f"import signal; signal.signal(15, {int(how)}); print(); signal.pause()"
    command = [sys.executable, "-c", stays]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        process.stdout.readline()
        waiting.stop_group(process)
        assert process.poll() == (-signal.SIGTERM if how is signal.SIG_DFL else -signal.SIGKILL)


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(command, timeout=300)",
        "PATIENCE = 60\npage.set_default_timeout(PATIENCE * 1000)",
        "page.wait_for_selector('body', timeout=60_000)",
        "deadline = time.monotonic() + 30",
        "stop = time.time() + 2 * 60",
        "def until(true, patience=60): ...",
        "SOON = 5\nopen(address, timeout=SOON)",
        "c.ExecutePreprocessor.timeout = 60",
        "settings(deadline=200)",
    ],
)
def test_a_short_wait_is_found(source):
    assert list(short_waits(source))


@pytest.mark.parametrize(
    "source",
    [
        "until('it', true, process)",
        "page.set_default_timeout(1000 * CAP)",
        "settings(deadline=None)",
        "end = time.monotonic() + CAP",
        "took = time.monotonic() - start",
        "process.wait(timeout=600)",
    ],
)
def test_the_cap_is_no_short_wait(source):
    assert list(short_waits(source)) == []


def test_a_short_wait_in_a_setting_is_found():
    assert list(short_settings("x --nbval-cell-timeout=60\nc.timeout = 5")) == [(1, 60), (2, 5)]
    assert list(short_settings("--nbval-cell-timeout=600\ntimeout-minutes: 30")) == []
