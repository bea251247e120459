"""The quizzes: one right option, a reply to each, and something to read without a kernel."""

import html
import re
import tomllib

import ipywidgets as widgets
import pytest

from margin_course import concepts, progress
from margin_course.quiz import Question, Quiz, practice, quiz
from margin_lib import MarginError
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
PROSE_NUMBER = re.compile(
    r"\d[\d,.]*(?:[\s\u00a0\u202f\\,]*(?:%|per ?cent\b|(?:BTC|ETH|ADA|USD[TC]?)\b)|[x×](?!\w))"
)


def typed_numbers(markdown: str) -> list[str]:
    """Numbers with a unit in prose. Code, links and headings may hold them.

    >>> typed_numbers("# The 5 BTC trader\\n`2 BTC` at 5x, [2 %](a) or 0.5 % of L1")
    ['5x', '0.5 %']
    """
    for skipped in (
        r"(?s)```.*?```",
        r"`[^`]*`",
        r"!?\[[^\]]*\]\([^)]*\)",
        r"(?m)^#+ .*$",
        r"<[^>]*>",
        r"https?://\S+",
    ):
        markdown = re.sub(skipped, " ", markdown)
    return [number[0] for number in PROSE_NUMBER.finditer(markdown)]


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
    data = made._repr_mimebundle_()
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
    data = made._repr_mimebundle_()
    assert "a &lt; b?" in data["text/html"] and "1 &lt; 2" in data["text/html"]
    (question,) = made.questions
    question.buttons[0].click()
    assert "“1 &lt; 2”" in question.reply.value
    assert "&lt;b&gt;" in question.reply.value


def test_an_unknown_quiz_is_refused():
    with pytest.raises(MarginError, match="quiz must be one of 01"):
        quiz("99", PATH)


# What comes back


def asks(made):
    return [question.ask for question in made.questions]


def first_choice(name, at, right):
    """Press an option of a question in the quiz of its notebook."""
    question = quiz(name, PATH).questions[at - 1]
    for button, option in zip(question.buttons, question.options, strict=True):
        if bool(option.get("right")) == right:
            button.click()
            return


EARLIER = list(TABLES)[1:]


@pytest.mark.parametrize("name", EARLIER)
def test_two_questions_on_earlier_notebooks_come_back(name):
    earlier = [q["ask"] for other, each in TABLES.items() if other < name for q in each]
    asked = asks(practice(name, PATH))
    assert len(set(asked)) == 2 and set(asked) <= set(earlier)
    assert asks(practice(name, PATH)) == asked


def test_they_are_other_ones_in_other_notebooks():
    assert len({ask for name in EARLIER for ask in asks(practice(name, PATH))}) > len(EARLIER)


def test_what_went_wrong_comes_first_until_it_goes_right():
    for at in (1, 2, 3):
        first_choice("03", at, right=at == 2)
    wrong = {TABLES["03"][0]["ask"], TABLES["03"][2]["ask"]}
    again = practice("06", PATH)
    assert set(asks(again)) == wrong
    for question in again.questions:
        for button, option in zip(question.buttons, question.options, strict=True):
            if option.get("right"):
                button.click()
    assert not wrong & set(asks(practice("06", PATH)))


def test_a_second_choice_does_not_count():
    question = quiz("01", PATH).questions[0]
    for button in question.buttons:
        button.click()
    kept = progress.kept()["quiz"]
    assert kept == {"01.1": "right" if question.options[0].get("right") else "wrong"}


def test_of_a_question_without_a_name_nothing_is_kept():
    options = [{"says": "You.", "because": "Yes.", "right": True}]
    Question(1, "Who pays?", options).answer(0)
    assert not progress.kept()["quiz"]


def test_then_comes_what_the_test_before_the_course_found_believed():
    data = concepts.inventory(FOLDER / concepts.FILE)
    for name in data.asking("available"):
        key = next(k for k in "abc" if data.belief(name, k) == "available")
        progress.note("before", name, key)
    (about,) = (q["ask"] for q in TABLES["04"] if "available" in q.get("about", []))
    assert about in asks(practice("06", PATH))
    first_choice("01", 1, right=False)
    assert asks(practice("06", PATH)) == [TABLES["01"][0]["ask"], about]
    first_choice(
        "04", TABLES["04"].index(next(q for q in TABLES["04"] if q["ask"] == about)) + 1, True
    )
    assert about not in asks(practice("06", PATH))[:1]


def test_without_a_kernel_they_are_the_same_for_every_reader():
    def still():
        return practice("06", PATH)._repr_mimebundle_()

    empty = {key: still()[key] for key in ("text/html", "text/plain")}
    first_choice("01", 1, right=False)
    assert TABLES["01"][0]["ask"] in asks(practice("06", PATH))
    assert {key: still()[key] for key in empty} == empty


@pytest.mark.parametrize("name", ["01", "99"])
def test_there_is_nothing_to_come_back_to(name):
    with pytest.raises(MarginError, match="practice must be for a notebook that has others"):
        practice(name, PATH)


def test_what_a_question_is_about_is_a_known_belief():
    known = concepts.inventory(FOLDER / concepts.FILE).beliefs
    about = [
        belief for questions in TABLES.values() for q in questions for belief in q.get("about", [])
    ]
    assert set(about) <= set(known) and len(about) > 12
