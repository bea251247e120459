"""One page to hand out for each lesson says what its notebook and its quiz say."""

import re
import tomllib
from html import unescape

import pytest

from tests.support.recipes import ADAPTED
from tools.handout import sheets
from tools.notebooks import course
from tools.repo import ROOT

LESSONS = sheets.lessons()
POINTS = tomllib.loads((ROOT / "instructors" / "handouts.toml").read_text(encoding="utf-8"))
by_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@pytest.mark.skipif(ADAPTED, reason="an adapted course has notebooks of its own")
def test_each_lesson_has_three_points_and_no_other_has_any():
    assert sorted(POINTS) == [course.title(path)[0] for path in LESSONS]
    for number, told in POINTS.items():
        assert len(told["points"]) == 3, number
        # Numbers belong to a scenario, and would not follow it.
        assert not [point for point in told["points"] if re.search(r"\d", point)]


@by_lesson
def test_a_handout_has_a_picture_in_words_too_and_two_questions_without_replies(path):
    page = sheets.sheet(path)
    number, title = course.title(path)
    assert f"<h1>{number} · " in page and title in unescape(page)
    (alt,) = re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,', page)
    assert len(alt) > 20
    assert len(re.findall(r'<ul class="options">', page)) == 2
    quiz = tomllib.loads((ROOT / "notebooks" / "quiz.toml").read_text(encoding="utf-8"))
    for question in quiz[number][:2]:
        assert question["ask"] in unescape(page)
        assert not [o for o in question["options"] if o["because"] in unescape(page)]


def test_what_data_say_is_text(monkeypatch):
    bad = "<img src=x onerror=fired()>"
    question = {"ask": bad, "options": [{"says": bad, "because": bad}]}
    monkeypatch.setattr(sheets.files, "toml", _file({"points": [bad]}, [question]))
    page = sheets.sheet(LESSONS[0])
    assert "fired()" in page and bad not in page


def _file(told, questions):
    """Of each file what it could say of the first lesson."""
    return lambda path: {"01": told if path.name == "handouts.toml" else questions}
