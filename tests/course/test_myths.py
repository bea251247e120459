"""Ten sentences that surprise: each has a trial, a look at it, and an answer that follows."""

import pytest

from margin_course import myths
from margin_course.ledger import WHEN
from margin_course.myths import ANSWERS, MYTHS, card
from margin_course.prediction import reply
from margin_course.scenarios import load
from margin_lib import MarginError
from tests.support.strategies import OTHER_SCENARIOS, SCENARIOS
from tools.repo import ROOT

BOOKS = [load(p) for p in (SCENARIOS, ROOT / "tests/support/articles.toml", OTHER_SCENARIOS)]
each_book = pytest.mark.parametrize("book", BOOKS, ids=["course", "articles", "other"])
each_card = pytest.mark.parametrize("number", range(1, len(MYTHS) + 1))


def test_there_are_ten_and_all_three_answers_occur():
    kinds = [each.trial(BOOKS[0]).kind for each in MYTHS]
    assert len(MYTHS) == 10
    assert set(kinds) == set(ANSWERS)


@each_book
@each_card
def test_a_card_answers_as_its_trial_and_says_when(number, book):
    finding = MYTHS[number - 1].trial(book)
    asked = card(number, book)
    assert reply(asked.data, ANSWERS[finding.kind]).tone == "hit"
    wrong = next(words for words in ANSWERS.values() if words != ANSWERS[finding.kind])
    assert reply(asked.data, wrong).tone == "miss"
    opened = asked.opened()
    if finding.kind == WHEN:
        assert finding.when in opened
    assert "<img" in opened or "<table" in opened  # the picture or the table that decides


@each_card
def test_the_answer_hangs_on_the_account_and_not_on_its_numbers(number):
    """The same answer in the articles' account and in another one."""
    kinds = {MYTHS[number - 1].trial(book).kind for book in BOOKS}
    assert len(kinds) == 1


@pytest.mark.parametrize("number", [0, 11, -1])
def test_there_is_no_other_card(number):
    with pytest.raises(MarginError, match="card must be 1 to 10"):
        card(number, BOOKS[0])


def test_both_long_turns_every_trade():
    assert {trade.side for trade in myths.both_long(BOOKS[0]["cross"]).trades} == {"long"}
