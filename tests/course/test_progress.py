"""The small file of answers: kept whole, harmless when it is not, and without a name."""

import json
import subprocess

import pytest

from margin_course import progress
from tools.notebooks import results
from tools.repo import ROOT

NOTHING = {"before": {}, "after": {}, "quiz": {}}


def test_answers_are_kept_and_forgotten(own_answers):
    assert progress.kept() == NOTHING
    assert progress.note("before", "stop", "b") and progress.note("quiz", "02.3", "wrong")
    assert progress.note("before", "stop", "a")
    assert progress.kept() == NOTHING | {"before": {"stop": "a"}, "quiz": {"02.3": "wrong"}}
    assert progress.note("before", "stop", None)
    assert progress.note("before", "sign", "c") and progress.forget("before")
    assert progress.kept() == NOTHING | {"quiz": {"02.3": "wrong"}}
    assert [path.name for path in own_answers.parent.iterdir()] == [own_answers.name]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"\xff\xfe", b"null", b'{"before": 3}', b'{"before": {"stop": {"a": 1}}}'],
)
def test_what_is_no_file_of_answers_stops_nobody(content, own_answers):
    own_answers.write_bytes(content)
    assert progress.kept() == NOTHING
    assert progress.note("after", "stop", "a")
    assert progress.kept()["after"] == {"stop": "a"}


def test_where_nothing_can_be_written_the_answer_is_no(own_answers, monkeypatch):
    assert progress.note("before", "stop", "a")
    monkeypatch.setattr(progress.os, "replace", lambda *_: (_ for _ in ()).throw(OSError()))
    assert not progress.note("before", "stop", "b")
    assert progress.kept()["before"] == {"stop": "a"}
    monkeypatch.setattr(progress, "place", own_answers.parent / "nowhere" / "a.json")
    assert not progress.note("before", "stop", "b")


def test_an_export_holds_the_answers_and_nothing_else(own_answers, tmp_path):
    progress.note("before", "stop", "a")
    progress.note("quiz", "02.3", "wrong")
    first, second = (progress.export(tmp_path / "out") for _ in range(2))
    assert first.name != second.name  # the files of a class lie in one folder
    assert json.loads(first.read_text(encoding="utf-8")) == {"before": {"stop": "a"}, "after": {}}


def test_a_file_does_not_tell_in_which_order_somebody_answered(own_answers, tmp_path):
    for name in ("stop", "a", "limit"):
        progress.note("before", name, "c")
    lines = progress.export(tmp_path).read_text(encoding="utf-8").splitlines()
    assert lines == ["{", ' "after": {},', ' "before": {', '  "a": "c",', '  "limit": "c",',
                     '  "stop": "c"', " }", "}"]  # fmt: skip


def test_git_takes_none_of_it():
    names = ["notebooks/.answers.json", "notebooks/.answers.json0a", "notebooks/results-ab.json"]
    run = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.split() == names


def test_make_results(own_answers, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "FOLDER", tmp_path / "build")
    (tmp_path / "notebooks").mkdir()
    assert results.main() == 1
    assert "Nothing is answered yet" in capsys.readouterr().out
    progress.note("after", "stop", "b")
    assert results.main() == 0
    assert "build/results-" in capsys.readouterr().out.replace("\\", "/")
    assert len(list((tmp_path / "build").glob("results-*.json"))) == 1
