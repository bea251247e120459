"""The fifteen questions on a page: nobody is told before the end, and then what has changed."""

import html
import json
import re

import pytest

from margin_course import inventory as pages
from margin_course import progress
from margin_course.inventory import fifteen_questions
from margin_lib import MarginError
from tests.support.recipes import ADAPTED
from tools.repo import ROOT

PATH = ROOT / "notebooks" / "inventory.toml"
SCENARIOS = ROOT / "tests/support/articles.toml"


def made(form):
    return fifteen_questions(form, PATH, SCENARIOS)


def words(test):
    text = test.told.value + test.result.value
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def buttons(test):
    return test.field.what["buttons"]


def answer(test, choose):
    """Answer all questions of a test by a function of the question."""
    test.field.press(buttons(test)[0])
    while test.place is not None:
        test.field.press(choose(test.asked[test.place]))
    return test


def rightly(question):
    return question.right.says


def wrongly(question):
    return next(option.says for option in question.options if not option.right)


def test_it_is_one_line_until_a_reader_begins():
    test = made("before")
    assert buttons(test) == ["begin"] and "Fifteen questions" in words(test)
    test.field.press("begin")
    assert words(test).startswith("1 of 15.") and test.asked[0].ask in words(test)
    assert buttons(test)[-2:] == ["I do not know", "put away"]
    test.field.press("put away")
    assert buttons(test) == ["begin"]


def test_a_reader_goes_on_where_they_were_and_may_change_their_mind():
    test = made("before")
    test.go_on()
    first = test.asked[0]
    test.field.press(wrongly(first))
    assert words(test).startswith("2 of 15.")
    test.field.press("back")
    test.field.press(rightly(first))
    assert progress.kept()["before"] == {first.name: first.right.key}
    test.field.press("put away")
    again = made("before")
    assert buttons(again) == ["go on"] and "1 are answered so far" in words(again)
    again.field.press("go on")
    assert words(again).startswith("2 of 15.")


@pytest.mark.parametrize("choose", [rightly, wrongly, lambda question: "I do not know"])
def test_nobody_is_told_before_the_end_what_was_right(choose):
    """Whatever is answered, the page says the same."""
    test = answer(made("before"), choose)
    assert words(test) == pages.NOTED and buttons(test) == ["begin again"]
    assert not {"✓", "✗"} & set(test.told.value + test.result.value)
    assert len(progress.kept()["before"]) == 15
    assert words(made("before")) == pages.NOTED


def test_afterwards_a_reader_sees_what_changed():
    before = answer(made("before"), wrongly)
    names = [question.name for question in before.asked]
    first = set(names[:10])
    after = answer(made("after"), lambda q: rightly(q) if q.name in first else wrongly(q))
    said = words(after)
    assert "Before the course 0 of 15 were right. 10 of 15 are right now." in said
    assert "67 % of what there was to gain" in said
    rows = re.findall(r"<li>.*?before (.*?), now (.*?): <i>(.*?)</li>", after.result.value)
    assert len(rows) == 15
    for name, (then, now, fold) in zip(names, rows, strict=True):
        assert "✗" in then and ("✓" in now) == (name in first)
        # An adapted course may have dropped what to read again.
        assert ADAPTED or ("Read again: notebook" in fold) == (name not in first)
        question = next(q for q in after.asked if q.name == name)
        assert question.because in html.unescape(fold)
    assert "My leverage setting decides" not in rows[0][2]  # answered rightly
    assert "A short dies" not in said or "sign" not in first


def test_a_test_without_one_before_says_so():
    test = answer(made("after"), rightly)
    assert "15 of 15 are right now. There is no whole test from before" in words(test)
    assert "– not asked" in words(test)


def test_not_to_know_is_no_belief():
    answer(made("before"), lambda question: "I do not know")
    test = answer(made("after"), lambda question: "I do not know")
    assert "0 of 15" in words(test) and "You did not know." in words(test)
    assert "people who believe" not in words(test) and "? not known" in words(test)


def test_the_results_are_saved_without_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = answer(made("after"), rightly)
    test.field.press("save my results, without a name")
    (path,) = tmp_path.glob("results-*.json")
    assert path.name in words(test)
    assert set(json.loads(path.read_text(encoding="utf-8"))) == {"before", "after"}


def test_it_can_be_done_again():
    test = answer(made("after"), wrongly)
    test.field.press("begin again")
    assert words(test).startswith("1 of 15.") and progress.kept()["after"] == {}


def test_an_answer_that_cannot_be_kept_is_known_to_the_page(monkeypatch):
    monkeypatch.setattr(progress, "_write", lambda *_: False)
    test = answer(made("before"), rightly)
    assert "could not be kept" in words(test) and test.done


@pytest.mark.parametrize("form", ["before", "after"])
def test_without_a_kernel_it_is_the_same_for_every_reader(form):
    def still():
        return made(form)._repr_mimebundle_()

    empty = {key: still()[key] for key in ("text/html", "text/plain")}
    test = answer(made(form), wrongly)
    assert {key: still()[key] for key in empty} == empty
    for question in test.asked:
        assert question.ask in empty["text/plain"]
        assert html.escape(question.because) not in empty["text/html"]


def test_words_of_the_file_are_no_markup(tmp_path):
    text = PATH.read_text(encoding="utf-8").replace("You bought {coin}", "<b>You bought {coin}")
    path = tmp_path / "inventory.toml"
    path.write_text(text, encoding="utf-8")
    test = fifteen_questions("before", path, SCENARIOS)
    test.go_on()
    assert "&lt;b&gt;You bought" in test.told.value


def test_another_form_is_refused():
    with pytest.raises(MarginError, match="form must be one of"):
        made("between")
