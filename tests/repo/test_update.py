"""make update: the newest course, and the reader's own copies beside it; or nothing at all."""

import os
import re
import subprocess

import pytest

from tools import update
from tools.lab import __main__ as lab
from tools.lab.own import own_notebooks
from tools.repo import ROOT

FILES = {
    "README.md": "one",
    "margin_lib/a.py": "a = 1",
    "notebooks/01.ipynb": "first",
    "notebooks/02.ipynb": "second",
    "notebooks/scenarios.toml": "balance = 5",
    "notebooks/data/eth.csv": "1",
    ".gitignore": "mine/",
}
TODAY = "2026-03-01"


def git(folder, *words):
    named = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *named, "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(autouse=True)
def one_day(monkeypatch):
    """No test here lasts beyond midnight."""
    monkeypatch.setattr(update, "today", lambda: TODAY)


def state(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    write(folder, FILES)
    publish(folder, {})
    return folder


def publish(folder, files):
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")


@pytest.fixture
def mine(published, tmp_path):
    git(tmp_path, "clone", "-q", str(published), "mine")
    return tmp_path / "mine"


def test_what_a_reader_has_run_is_kept_and_the_course_is_new(published, mine):
    write(mine, {"notebooks/01.ipynb": "first, run", "notebooks/scenarios.toml": "balance = 6"})
    publish(published, {"notebooks/01.ipynb": "better", "notebooks/03.ipynb": "third"})
    with pytest.raises(subprocess.CalledProcessError):
        git(mine, "pull", "-q")  # what a reader would try
    said = update.update(mine)
    there = state(mine)
    kept = f"mine/{TODAY}"
    assert there["notebooks/01.ipynb"] == "better" and there["notebooks/03.ipynb"] == "third"
    assert there[f"{kept}/notebooks/01.ipynb"] == "first, run"
    # It runs as it did: its scenarios are the reader's, its prices are there.
    assert there[f"{kept}/notebooks/scenarios.toml"] == "balance = 6"
    assert there[f"{kept}/notebooks/data/eth.csv"] == "1"
    # What the course did not change stays where it is.
    assert there["notebooks/scenarios.toml"] == "balance = 6"
    assert said[1:] == [
        f"Your own copies are in {kept}:",
        "    notebooks/01.ipynb",
        "Your changes stay where they are in: notebooks/scenarios.toml",
    ]
    assert said[0] == f"This is the course of {git(mine, 'log', '-1', '--format=%cs')} now."
    assert git(mine, "status", "--porcelain") == "M notebooks/scenarios.toml"


def test_nothing_of_one_s_own_is_nothing_to_keep(published, mine):
    publish(published, {"README.md": "two"})
    assert len(update.update(mine)) == 1
    assert state(mine) == {**FILES, "README.md": "two"}


def test_the_newest_course_stays_as_it_is(mine):
    write(mine, {"notebooks/01.ipynb": "run"})
    before = state(mine)
    assert update.update(mine) == ["You have the newest course. Nothing was changed."]
    assert state(mine) == before


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"notebooks/03.ipynb": "third"}, {"notebooks/03.ipynb": "own third"}),
        ({"notebooks/02.ipynb": None}, {"notebooks/02.ipynb": "run"}),
        ({"README.md": "two"}, {"README.md": "mine"}),
        ({"notebooks/data/eth.csv": "2"}, {"notebooks/data/eth.csv": "3"}),
        ({"a b ü/c.txt": "1"}, {"a b ü/c.txt": "2"}),
    ],
)
@pytest.mark.parametrize("staged", [False, True])
def test_whatever_is_in_the_way_is_kept(theirs, ours, staged, published, mine):
    write(mine, ours)
    if staged:
        git(mine, "add", "--all")
    publish(published, theirs)
    update.update(mine)
    there = state(mine)
    for name, text in theirs.items():
        assert there.get(name) == text
    for name, text in ours.items():
        assert there[f"mine/{TODAY}/{name}"] == text


def test_what_a_reader_has_deleted_comes_back(published, mine):
    write(mine, {"notebooks/01.ipynb": None})
    publish(published, {"notebooks/01.ipynb": "better"})
    said = update.update(mine)
    assert state(mine)["notebooks/01.ipynb"] == "better"
    assert not [line for line in said if "01.ipynb" in line]


def test_a_second_update_on_one_day_keeps_both(published, mine):
    for text in ("two", "three"):
        write(mine, {"README.md": f"my {text}"})
        publish(published, {"README.md": text})
        update.update(mine)
    there = state(mine)
    assert there[f"mine/{TODAY}/README.md"] == "my two"
    assert there[f"mine/{TODAY}-2/README.md"] == "my three"


def refused(folder, words):
    before = state(folder)
    with pytest.raises(update.NotUpdatedError, match=words):
        update.update(folder)
    assert state(folder) == before


def test_a_copy_without_git_is_told(tmp_path):
    write(tmp_path, FILES)
    refused(tmp_path, "came without git")


def test_an_own_branch_or_own_commits_are_told(published, mine):
    publish(published, {"README.md": "two"})
    git(mine, "switch", "-q", "-c", "own")
    refused(mine, "follows no other one")
    git(mine, "switch", "-q", "main")
    publish(mine, {"README.md": "mine"})
    refused(mine, "committed changes of your own")


def test_without_a_network_nothing_is_changed(published, mine):
    write(mine, {"notebooks/01.ipynb": "run"})
    published.rename(published.with_name("gone"))
    refused(mine, "cannot be reached")


def test_a_merge_in_the_middle_is_told(published, mine):
    publish(published, {"README.md": "two"})
    publish(mine, {"README.md": "mine"})
    git(mine, "fetch", "-q")
    with pytest.raises(subprocess.CalledProcessError):
        git(mine, "merge", "-q", "origin/main")
    refused(mine, "in the middle of something")


@pytest.mark.parametrize("error", [KeyboardInterrupt, update.NotUpdatedError("disk full")])
@pytest.mark.parametrize("at", ["reset", "checkout", "merge"])
def test_what_breaks_off_leaves_everything_as_it_was(at, error, published, mine, monkeypatch):
    write(mine, {"notebooks/01.ipynb": "run", "notebooks/03.ipynb": "own"})
    publish(published, {"notebooks/01.ipynb": "better", "notebooks/03.ipynb": "third"})
    before, known = state(mine), update.git

    def breaking(root, *words):
        if words[0] == at:
            raise error
        return known(root, *words)

    monkeypatch.setattr(update, "git", breaking)
    with pytest.raises((KeyboardInterrupt, update.NotUpdatedError)):
        update.update(mine)
    monkeypatch.setattr(update, "git", known)
    assert state(mine) == before
    update.update(mine)
    assert state(mine)["notebooks/01.ipynb"] == "better"


def test_make_update_says_what_it_did(published, tmp_path):
    """The real one, on a clone of what git keeps of this repository."""
    names = ("Makefile", "tools/update.py", "tools/repo.py")
    publish(published, {name: (ROOT / name).read_text("utf-8") for name in names})
    git(tmp_path, "clone", "-q", str(published), "reader")
    write(tmp_path / "reader", {"notebooks/01.ipynb": "run"})
    publish(published, {"notebooks/01.ipynb": "better"})
    environment = {k: v for k, v in os.environ.items() if "MAKE" not in k and k != "MFLAGS"}
    command = ["make", "-s", "update"]
    how = {"cwd": tmp_path / "reader", "env": environment, "capture_output": True, "text": True}
    run = subprocess.run(command, **how)
    assert run.returncode == 0, run.stderr
    said = r"Your own copies are in (mine/\d{4}-\d\d-\d\d):\n    notebooks/01\.ipynb\n"
    (kept,) = re.findall(said, run.stdout)
    assert (tmp_path / "reader" / kept / "notebooks/01.ipynb").read_text("utf-8") == "run"
    run = subprocess.run(command, **how)
    assert run.stdout == "You have the newest course. Nothing was changed.\n"
    published.rename(published.with_name("gone"))
    run = subprocess.run(command, **how)
    assert run.returncode != 0
    assert run.stderr.startswith("Nothing was changed: the newest course cannot be reached (")
    assert "Traceback" not in run.stderr


def test_each_readme_says_how_to_get_the_newest_course():
    assert "make update" in (ROOT / "README.md").read_text("utf-8")
    # A zip has no git: there, newer notebooks stand beside the old ones.
    assert "newer" in (ROOT / "tools/handout/student/README.md").read_text("utf-8")


# What make lab signs


def test_only_the_courses_own_unchanged_notebooks_are_signed(published, mine, monkeypatch):
    assert own_notebooks(mine) == ["notebooks/01.ipynb", "notebooks/02.ipynb"]
    write(mine, {"notebooks/01.ipynb": "run", "notebooks/handed_in.ipynb": "evil"})
    assert own_notebooks(mine) == ["notebooks/02.ipynb"]
    git(mine, "add", "--all")  # not yet the course's
    assert own_notebooks(mine) == ["notebooks/02.ipynb"]
    write(mine, {"notebooks/02.ipynb": None})
    assert own_notebooks(mine) == []
    (mine / "notebooks/02.ipynb").symlink_to(mine / "notebooks/handed_in.ipynb")
    assert own_notebooks(mine) == []


def test_without_git_nothing_is_signed(tmp_path, monkeypatch):
    write(tmp_path, FILES)
    assert own_notebooks(tmp_path) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_notebooks(ROOT) == []


@pytest.mark.parametrize("own", [[], ["notebooks/02.ipynb"]])
def test_make_lab_signs_these_and_no_others(own, monkeypatch):
    commands = []

    class Done:
        returncode = 0

    def run(command, **_):
        commands.append(command)
        return Done

    monkeypatch.setattr(lab.subprocess, "run", run)
    monkeypatch.setattr(lab, "own_notebooks", lambda: own)
    monkeypatch.setattr(lab.setup, "with_home", lambda: None)
    assert lab.main([]) == 0
    signed = [command for command in commands if "nbformat.sign" in command]
    assert [command[4:] for command in signed] == ([own] if own else [])
    assert "jupyterlab" in commands[-1]
