"""The quizzes: one right option, a reply to each, and something to read without a kernel."""

import html
import tomllib

import ipywidgets as widgets
import pytest

from margin_course.quiz import Quiz, quiz
from margin_lib import MarginError
from tests.notebooks.test_notebooks import typed_numbers
from tools.notebooks import course
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"
PATH = FOLDER / "quiz.toml"
TABLES = tomllib.loads(PATH.read_text(encoding="utf-8"))
LONGEST = 80  # characters of an option: a button is one line
QUESTIONS = [
    pytest.param(question, id=f"{name}-{n}")
    for name, questions in TABLES.items()
    for n, question in enumerate(questions, start=1)
]


@pytest.mark.parametrize("path", course.course()[1:], ids=lambda path: path.name)
def test_every_notebook_has_three_to_five_questions(path):
    assert 3 <= len(TABLES[path.name[:2]]) <= 5


@pytest.mark.parametrize("question", QUESTIONS)
def test_one_option_is_right_and_each_has_a_reply(question):
    options = question["options"]
    assert question["ask"].strip().endswith("?")
    assert 3 <= len(options) <= 4
    assert sum(option.get("right", False) for option in options) == 1
    assert len({option["says"] for option in options}) == len(options)
    assert len({option["because"] for option in options}) == len(options)
    for option in options:
        assert set(option) <= {"says", "because", "right"}
        assert len(option["says"]) <= LONGEST
        assert len(option["because"]) > 30 and option["because"].endswith((".", "?"))


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_number_of_a_scenario_is_typed(question):
    words = [question["ask"], *(o["says"] + " " + o["because"] for o in question["options"])]
    assert [number for each in words for number in typed_numbers(each)] == []


def test_the_right_option_is_not_always_in_one_place():
    places = [
        [option.get("right", False) for option in question["options"]].index(True)
        for questions in TABLES.values()
        for question in questions
    ]
    assert max(map(places.count, set(places))) < 0.6 * len(places)


@pytest.mark.parametrize("name", TABLES)
def test_choosing_an_option_shows_its_reply(name):
    for question in quiz(name, PATH).questions:
        assert question.reply.value == ""
        for button, option in zip(question.buttons, question.options, strict=True):
            button.click()
            said = html.unescape(question.reply.value)
            assert ("Right." in said) == bool(option.get("right"))
            assert ("Not so." in said) != ("Right." in said)
            assert option["says"] in said and option["because"] in said
            others = [o["because"] for o in question.options if o is not option]
            assert not [words for words in others if words in said]


@pytest.mark.parametrize("name", TABLES)
def test_it_is_made_of_buttons_that_say_what_they_are(name):
    """Tab and space reach and press a button in every front end; a reply is announced."""
    for question in quiz(name, PATH).questions:
        first, *middle, last = question.children
        assert isinstance(first, widgets.HTML) and question.ask in html.unescape(first.value)
        assert {type(part) for part in middle} == {widgets.Button}
        assert [part.description for part in middle] == [o["says"] for o in question.options]
        assert not any(part.disabled for part in middle)
        middle[0].click()
        assert last is question.reply and 'role="status"' in last.value


@pytest.mark.parametrize("name", TABLES)
def test_without_a_kernel_there_are_questions_and_no_answers(name):
    made = quiz(name, PATH)
    for question in made.questions:
        question.buttons[0].click()
    bundle = made._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    for question in TABLES[name]:
        assert question["ask"] in data["text/plain"]
        for option in question["options"]:
            assert option["says"] in data["text/plain"]
            for words in (data["text/plain"], data["text/html"]):
                assert option["because"] not in words
    assert "Right." not in data["text/plain"] + data["text/html"]


def test_words_cannot_break_the_page():
    options = [{"says": "1 < 2", "because": "<b>"}, {"says": "no", "because": "&", "right": True}]
    made = Quiz([{"ask": "a < b?", "options": options}])
    bundle = made._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "a &lt; b?" in data["text/html"] and "1 &lt; 2" in data["text/html"]
    (question,) = made.questions
    question.buttons[0].click()
    assert "“1 &lt; 2”" in question.reply.value
    assert "&lt;b&gt;" in question.reply.value


def test_an_unknown_quiz_is_refused():
    with pytest.raises(MarginError, match="quiz must be one of 01"):
        quiz("99", PATH)
