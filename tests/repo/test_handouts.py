"""One page to hand out for each lesson says what its notebook and its quiz say."""

import re
import tomllib
from html import unescape

import pytest

from tools.handout import sheets
from tools.notebooks import course
from tools.notebooks import run as notebooks
from tools.repo import ROOT

LESSONS = sheets.lessons()
by_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@by_lesson
def test_a_handout_has_a_picture_in_words_too_and_two_questions_without_replies(path):
    page = sheets.sheet(path)
    number, title = course.title(path)
    assert f"<h1>{number} · " in page and title in unescape(page)
    (alt,) = re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,', page)
    assert len(alt) > 20
    kept = sheets.points(notebooks.read(path))
    assert 3 <= len(kept) <= 4
    assert all(point in unescape(page) for point in kept)
    assert not [point for point in kept if re.search(r"[][<>`]", point)]
    assert len(re.findall(r'<ul class="options">', page)) == 2
    quiz = tomllib.loads((ROOT / "notebooks" / "quiz.toml").read_text(encoding="utf-8"))
    for question in quiz[number][:2]:
        assert question["ask"] in unescape(page)
        assert not [o for o in question["options"] if o["because"] in unescape(page)]


def test_what_data_say_is_text(monkeypatch):
    bad = "<img src=x onerror=fired()>"
    question = {"ask": bad, "options": [{"says": bad, "because": bad}]}
    number, _ = course.title(LESSONS[0])
    monkeypatch.setattr(sheets.files, "toml", lambda path: {number: [question]})
    monkeypatch.setattr(sheets, "points", lambda notebook: [bad])
    page = sheets.sheet(LESSONS[0])
    assert page.count("fired()") == 3 and bad not in page
