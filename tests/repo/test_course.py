"""Adding and dropping a notebook with all that belongs to it; make test-adapt runs the outcome."""

import re
import shutil

import pytest

from tests.notebooks import test_structure
from tools.notebooks import course
from tools.notebooks import run as notebooks
from tools.repo import ROOT

NUMBERS = [path.name[:2] for path in course.course()]
PARTS = "notebooks", "instructors/solutions", "margin_course/answers"


@pytest.fixture
def copy(tmp_path, monkeypatch):
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns(".*", "__*"))
    shutil.copy(ROOT / "README.md", tmp_path)
    monkeypatch.setattr(course, "ROOT", tmp_path)
    return tmp_path


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.suffix in (".ipynb", ".py", ".toml", ".md")
    }


def problems(folder, monkeypatch):
    """What tests/notebooks/test_structure.py says of every notebook in the folder."""
    paths = [p for p in sorted((folder / "notebooks").glob("*.ipynb")) if course.is_lesson(p)]
    monkeypatch.setattr(test_structure, "ALL", paths)
    return [each for p in paths[1:] for each in test_structure.problems(notebooks.read(p), p)]


def test_added_and_dropped_again_leaves_all_as_it_was(copy, monkeypatch, capsys):
    before = files(copy)
    free = f"{int(NUMBERS[-1]) + 1:02d}"
    assert course.main(["add", f"{free}_my_market", "03"]) == 0
    assert problems(copy, monkeypatch) == []
    after = files(copy)
    new = set(after) - set(before)
    assert new == {
        f"notebooks/{free}_my_market.ipynb",
        f"instructors/solutions/{free}_my_market.ipynb",
        "margin_course/answers/my_market.py",
    }
    for name in new:
        assert not re.search(r"\b03\.\d", after[name]), name
    old = len(re.findall(r"(?m)^\[\[03\]\]", after["notebooks/quiz.toml"]))
    assert len(re.findall(rf"(?m)^\[\[{free}\]\]", after["notebooks/quiz.toml"])) == old > 2
    purposes = after["notebooks/objectives.toml"]
    assert len(re.findall(rf"(?m)^\[\[{free}\]\]", purposes)) == 4
    levels = re.findall(rf'(?m)^"{free}\.(\d)" = ', purposes)
    assert levels == re.findall(r'(?m)^"03\.(\d)" = ', purposes) and levels
    (row,) = [x for x in after["README.md"].splitlines() if f"(notebooks/{free}_" in x]
    minutes = re.search(r"\*\*Time:\*\* (\d+)", after[f"notebooks/{free}_my_market.ipynb"])[1]
    assert row.endswith(f"| {minutes} |")
    assert course.main(["drop", free]) == 0
    assert files(copy) == before
    assert f"{len(NUMBERS)} notebooks" in capsys.readouterr().out


def test_nothing_of_what_is_dropped_is_left(copy, monkeypatch):
    stems = [path.stem for path in course.course()]
    kept, gone = ([s for s in stems if (s > "07") is later] for later in (False, True))
    assert course.main(["drop", *(stem[:2] for stem in gone)]) == 0
    assert problems(copy, monkeypatch) == []
    for name, text in files(copy).items():
        numbers = "|".join(stem[:2] for stem in gone)
        words = rf"\[\[({numbers})\]\]|]\([^)]*({'|'.join(gone)})"
        assert not re.search(words, text), name
    index = files(copy)["notebooks/00_index.ipynb"]
    assert "Going further" not in index and kept[-1] in index


@pytest.mark.parametrize("name", ["01_again", "new", "99 name", "99_Name"])
def test_a_name_that_does_not_fit_is_refused(name, copy):
    before = files(copy)
    with pytest.raises(ValueError, match="must be NN_name, with a number that is free"):
        course.main(["add", name, "03"])
    assert files(copy) == before


def test_other_words_explain_how(capsys):
    assert course.main(["drop"]) == 2
    assert "tools.notebooks.course add" in capsys.readouterr().err
