"""A new reader: answers everything wrongly, then rightly, and reads what the course replies."""

import re

import pytest

from tests.browser.stock import LESSONS, NAMES, code_of
from tests.support import browser
from tools.notebooks import counts

# In the reader's hands each prediction is made twice, and each exercise is tried with all that a
# reader would try. What is right is asked of the notebook itself.
READER = """
import math as _math
from margin_course import exercises as _exercises, prediction as _prediction
from margin_course.quiz import quiz as _quiz
from margin_course import load as _load

def _predicted(question, answer, unit="", opens=None, **how):
    data = _prediction.described(question, answer, unit, **how)
    if data["kind"] == "choice":
        right, wrong = data["answer"], next(o["says"] for o in data["options"] if not o["right"])
    else:
        right = repr(float(answer) * (100 if unit == "%" else 1))
        right = "never" if _math.isnan(answer) else right
        right, wrong = f"{right} %" if unit == "%" and right != "never" else right, "123456"
    for guess in (wrong, right):
        asked = _prediction.predict(question, answer, unit, opens=opens, **how)
        asked.say(guess)
        print(f"You said {asked.reply.said}: {asked.reply.words}")
    return _prediction.predict(question, answer, unit, opens=opens, **how)

def _tried(name):
    answer = _exercises.every()[name](_load("scenarios.toml"))
    if isinstance(answer, _exercises.Puzzle):
        right = [answer.shown.index(line) + 1 for line in answer.lines]
        for said in (sorted(right), right[::-1], right):
            _exercises.check(name, said)
    else:
        near = (x for x in answer.slips if not _exercises._same(x, answer.right))
        for said in (next(near, 0.123), 0.123, answer.right):
            _exercises.check(name, "never" if _math.isnan(said) else said)
    _exercises.hint(name)
    _exercises.hint(name, 2)

def _asked(name):
    for question in (asked := _quiz(name)).questions:
        rights = ["right" in option for option in question.options]
        for place in sorted(range(len(rights)), key=rights.__getitem__):
            question.answer(place)
            print(question.reply.value)
    return asked

"""


def as_a_reader(source):
    """What a reader makes of a cell."""
    source = re.sub(r"(?m)^( *)predict\(", r"\1_predicted(", source)
    source = re.sub(r'^check\(("[\d.]+"), None\)$', r"_tried(\1)", source)
    return re.sub(r'\bquiz\(("\d\d")\)', r"_asked(\1)", source)


@pytest.fixture(scope="module")
def page(chrome, course, tmp_path_factory):
    """One page for all notebooks, so that its kernel imports the library once."""
    with browser.server("lab", course, tmp_path_factory.mktemp("reader")) as address:
        page = chrome.new_page(viewport=browser.SCREEN)
        browser.open_notebook(page, address(NAMES[0]))
        yield page
        page.evaluate(browser.SHUT_DOWN)
        page.close()


def told(page, source):
    """The lines that a cell prints in the page's kernel."""
    answer = page.evaluate(browser.ASK, source)
    assert not answer["error"], answer["error"]
    return answer["told"].splitlines()


def pairs(lines):
    """What a prediction was told when it was wrong, and when it was right."""
    said = [line for line in lines if line.startswith("You said")]
    return list(zip(said[::2], said[1::2], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_gets_its_reply(page, name):
    told(page, "%reset -f")
    told(page, READER)
    guesses = compared = tried = asked = 0
    for source in code_of(name):
        lines = told(page, as_a_reader(source))
        guesses += counts.is_prediction(source)
        for wrong, right in pairs(lines):
            compared += 1
            assert "well predicted" not in wrong.lower()
            assert "well predicted." in right.lower()
        if source.startswith("check("):
            tried += 1
            assert all(lines)
            slip, far, right, first, second = (line.partition(": ")[2] for line in lines)
            assert slip.startswith("not yet. ") and far.startswith("not yet. ")
            assert right == "right." and first and second and first != second
        if "quiz(" in source:
            asked += 1
            verdicts = [re.search(r"<b[^>]*>(.+?)</b> (.+)</div>", line).groups() for line in lines]
            assert {verdict for verdict, _ in verdicts} == {"✓ Right.", "✗ Not so."}
            assert all(len(reason) > 20 for _, reason in verdicts)
    assert guesses == compared
    assert name not in LESSONS or (tried >= 3 and asked == 1)
