"""Judging claims: the verdict follows from the cases, and no claim is forgotten."""

import re

import numpy as np
import pytest

from margin_course.claims import CLAIMS, carried, just_past, only_realised_profit_counts
from margin_course.ledger import Claim, Finding, Ledger, claim, found, readable, refusal
from margin_course.scenarios import load
from margin_lib import Account, MarginError
from tests.support.recipes import ADAPTED
from tests.support.strategies import OTHER_SCENARIOS, SCENARIOS
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"
FILES = [SCENARIOS, ROOT / "tests/support/articles.toml", OTHER_SCENARIOS]
BOOKS = [load(path) for path in FILES]
each_book = pytest.mark.parametrize("book", BOOKS, ids=["course", "articles", "other"])
each_claim = pytest.mark.parametrize("name", list(CLAIMS))


# Verdicts


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        ({"a_b": True}, "holds"),
        ({"a_b": False}, "needs correcting"),
        ({"a_b": True, "c": True}, "holds"),
        ({"a_b": False, "c": False}, "needs correcting"),
        ({"a_b": True, "c": False}, "holds when a b"),
        ({"a_b": False, "c": True}, "holds when c"),
        ({"a_b": True, "c": False, "d_e_f": True}, "holds when a b or d e f"),
    ],
)
def test_the_verdict_says_in_which_cases_the_claim_held(cases, words):
    assert Finding("2 BTC", cases).verdict == words


def test_all_cases_are_told_with_a_yes_or_a_no():
    finding = found("2 BTC", the_price_walks=True, it_jumps=False)
    assert finding.tried == "the price walks: yes · it jumps: no"


def test_one_outcome_out_of_numpy_counts_like_one_out_of_python():
    assert found("", a=np.float64(2) > 1, b=np.bool_(False)).verdict == "holds when a"


def test_a_claim_without_a_case_has_no_verdict():
    with pytest.raises(MarginError, match="cases must not be empty"):
        found("2 BTC")


@pytest.mark.parametrize("outcome", [float("nan"), 1, 0, None, "refused", [True], np.ones(2) > 0])
def test_an_outcome_is_true_or_false_and_nothing_that_only_counts_as_such(outcome):
    with pytest.raises(MarginError, match="case a must be True or False"):
        found("2 BTC", a=outcome)


def test_a_name_reads_as_words():
    assert readable("it_returns_the_rest") == "it returns the rest"


# What the exchange refuses


def test_an_operation_that_is_done_is_not_refused():
    assert refusal(Account, balance=5) is None


def test_a_refusal_says_name_rule_and_value():
    assert refusal(Account(balance=5).add_margin, "ETH", 1) == (
        "symbol must be one the account holds (nothing), got ETH"
    )


def test_a_refusal_shows_few_digits_and_a_true_minus():
    assert refusal(Account, balance=-2 / 3) == "balance must be at least 0, got −0.6667"


def test_a_mistake_in_the_call_is_not_taken_for_a_refusal():
    with pytest.raises(TypeError):
        refusal(Account, no_such_argument=1)


# The ledger


def ledger(**findings):
    """A ledger of made-up claims."""
    claims = {
        name: Claim(f"{name} is so.", "03_isolated_margin", lambda _, found=each: found)
        for name, each in findings.items()
    }
    return Ledger({}, claims)


def test_the_table_has_a_row_a_claim_with_verdict_number_and_place():
    two = ledger(A1=found("2 BTC", a=True), B2=found("4 BTC", a=False))
    assert two.table().splitlines() == [
        "| id | claim | run in | verdict | deciding number |",
        "|---|---|---|---|---|",
        "| A1 | A1 is so. | [03](03_isolated_margin.ipynb) | **holds** | 2 BTC |",
        "| B2 | B2 is so. | [03](03_isolated_margin.ipynb) | **needs correcting** | 4 BTC |",
    ]
    assert two._repr_mimebundle_()["text/markdown"] == two.table()


def test_verdicts_are_counted_by_kind():
    three = ledger(A=found("", a=True), B=found("", a=False), C=found("", a=True, b=False))
    assert three.counts == {"holds": 1, "holds when": 1, "needs correcting": 1}


def test_one_finding_is_looked_up_and_an_unknown_id_refused_with_the_known_ones():
    two = ledger(A1=found("2 BTC", a=True), B2=found("4 BTC", a=False))
    assert two["B2"].number == "4 BTC"
    with pytest.raises(MarginError, match="claim must be one of A1, B2, got Q9"):
        two["Q9"]


@pytest.mark.parametrize("says", ["No full stop", "A bar | in it."])
def test_words_that_fit_no_table_are_refused(says):
    with pytest.raises(MarginError, match="claim Q9 must be a sentence without a bar"):
        claim("Q9", says, "03_isolated_margin")
    assert "Q9" not in CLAIMS


def test_an_id_is_given_once():
    with pytest.raises(MarginError, match="claim must have a name of its own, got L1"):
        claim("L1", "Again.", "03_isolated_margin")


# The course's own claims

IDS = ["L1-3", "T1-4", "I1-6", "X1-7", "D1-5", "S1-3", "F1-5", "Z1-1", "U1-9"]
PLACES = {
    "L": "01_leverage", "T": "02_terms", "I": "03_isolated_margin", "X": "04_cross_margin",
    "D": "05_comparison", "S": "05_comparison", "F": "06_faq_checks", "Z": "06_faq_checks",
    "U": "10_other_modes",
}  # fmt: skip


def test_the_course_judges_all_the_claims():
    expected = [f"{i[0]}{n}" for i in IDS for n in range(int(i[1]), int(i[3]) + 1)]
    assert list(CLAIMS) == expected
    assert len(expected) == 43


def test_the_ledger_of_the_course_ends_before_what_goes_further():
    ledger = Ledger(BOOKS[0])
    assert list(ledger.claims) == [name for name in CLAIMS if PLACES[name[0]] < "07"]
    further = {name: each for name, each in CLAIMS.items() if name.startswith("U")}
    assert (
        "| U1 | " in Ledger(BOOKS[0], further).table()
        and "| L1 | " not in Ledger(BOOKS[0], further).table()
    )


def test_every_claim_fits_into_a_table_and_has_its_place():
    for name, each in CLAIMS.items():
        assert len(each.says) <= 110, name
        assert each.run_in == PLACES[name[0]], name
        assert ADAPTED or (FOLDER / f"{each.run_in}.ipynb").exists(), name


@each_book
@each_claim
def test_every_trial_runs_and_says_a_number_under_every_scenario_file(name, book):
    finding = CLAIMS[name].trial(book)
    assert any(digit in finding.number for digit in "0123456789"), finding
    assert not re.search(r"\bnan\b", finding.number)
    assert finding.kind != "needs correcting", "no claim of the course failed in every case"


@each_claim
def test_no_number_of_a_trial_is_typed(name):
    _, articles, other = (CLAIMS[name].trial(book).number for book in BOOKS)
    assert articles != other


def test_a_when_names_what_can_be_otherwise():
    """Each condition has a case beside it that failed; none only says the claim again."""
    for name, each in CLAIMS.items():
        finding = each.trial(BOOKS[1])
        if finding.kind == "holds when":
            assert sum(map(bool, finding.cases.values())) < len(finding.cases), name
            said = set(each.says.lower().rstrip(".").split())
            for case, outcome in finding.cases.items():
                assert not outcome or not set(readable(case).split()) <= said, (name, case)


# What the trials build on


@each_book
def test_a_hair_past_the_edge_is_past_it(book):
    account, marks = book["cross"].account("cross"), book["cross"].marks()
    for symbol in ("ETH", "ADA"):
        edge = account.liquidation_price(symbol, marks)
        if edge == edge:
            assert account.risk(just_past(account, symbol, marks)).is_liquidatable


@each_book
def test_open_profit_carries_the_account_only_where_it_counts(book):
    account, marks = book["cross"].account("cross"), carried(book["cross"])
    assert not account.risk(marks).is_liquidatable
    assert only_realised_profit_counts(account).risk(marks).is_liquidatable
    assert only_realised_profit_counts(account).equity(marks) == account.equity(marks)
