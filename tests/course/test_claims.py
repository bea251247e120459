"""Judging claims: the verdict follows from the cases, and no claim is forgotten."""

import ast
import tomllib

import nbformat
import numpy as np
import pytest

from margin_course import claims
from margin_course.claims import Ledger, readable, refusal, verdict
from margin_lib import Account, MarginError
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"
COURSE = FOLDER / "claims.toml"
LEDGER_NOTEBOOK = "06_faq_checks"
TWO = """
[A1]
says = "Fences hold."
run_in = "03_isolated_margin"
[B2]
says = "Hedges help."
run_in = "04_cross_margin"
"""


@pytest.fixture
def shown(monkeypatch):
    """All that was said, in order."""
    words = []
    monkeypatch.setattr(claims, "say", words.append)
    return words


@pytest.fixture
def ledger(tmp_path, shown):
    path = tmp_path / "claims.toml"
    path.write_text(TWO, encoding="utf-8")
    return Ledger(path)


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
    assert verdict(cases) == words


def test_one_verdict_out_of_numpy_counts_like_one_out_of_python():
    assert verdict({"a": np.float64(2) > 1, "b": np.bool_(False)}) == "holds when a"


def test_a_claim_without_a_case_has_no_verdict():
    with pytest.raises(MarginError, match="cases must not be empty"):
        verdict({})


@pytest.mark.parametrize("outcome", [float("nan"), 1, 0, None, "refused", [True], np.ones(2) > 0])
def test_an_outcome_is_true_or_false_and_nothing_that_only_counts_as_such(outcome):
    with pytest.raises(MarginError, match="case a must be True or False"):
        verdict({"a": outcome})


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


def test_a_judged_claim_is_shown_with_verdict_number_and_cases(ledger, shown):
    ledger.judge("A1", "2 BTC", the_price_walks=True, it_jumps=False)
    assert shown == [
        "**A1** Fences hold. → **holds when the price walks** (2 BTC)  \n"
        "*Tried: the price walks: yes · it jumps: no*"
    ]


def test_an_unknown_id_is_refused_with_the_known_ones(ledger, shown):
    with pytest.raises(MarginError, match="claim must be one of A1, B2, got Q9"):
        ledger.judge("Q9", "2 BTC", a=True)
    assert not shown


def test_a_claim_that_could_not_be_judged_stays_open(ledger, shown):
    for cases in ({}, {"a": float("nan")}):
        with pytest.raises(MarginError):
            ledger.judge("A1", "2 BTC", **cases)
    assert not shown
    assert not ledger.rows


def test_the_table_refuses_to_appear_while_a_claim_is_missing(ledger, shown):
    ledger.judge("B2", "2 BTC", a=True)
    for operation in (ledger.show, ledger.counts):
        with pytest.raises(MarginError, match=r"missing, got \['A1'\]"):
            operation()
    assert len(shown) == 1


def test_the_table_has_a_row_a_claim_in_the_order_of_the_file(ledger, shown):
    ledger.judge("B2", "4 BTC", a=False)
    ledger.judge("A1", "2 BTC", a=True)
    ledger.show()
    assert shown[-1].splitlines() == [
        "| id | claim | run in | verdict | deciding number |",
        "|---|---|---|---|---|",
        "| A1 | Fences hold. | [03](03_isolated_margin.ipynb) | **holds** | 2 BTC |",
        "| B2 | Hedges help. | [04](04_cross_margin.ipynb) | **needs correcting** | 4 BTC |",
    ]


def test_judged_again_a_claim_gets_the_new_verdict(ledger):
    ledger.judge("A1", "2 BTC", a=True)
    ledger.judge("B2", "2 BTC", a=True)
    assert ledger.counts() == {"holds": 2, "holds when": 0, "needs correcting": 0}
    ledger.judge("A1", "1 BTC", a=False)
    ledger.judge("B2", "1 BTC", a=False, b=True)
    assert ledger.counts() == {"holds": 0, "holds when": 1, "needs correcting": 1}


@pytest.mark.parametrize("entry", ['says = "a"', 'says = "a"\nrun_in = "b"\nverdict = "holds"'])
def test_a_claim_has_words_and_a_notebook_and_no_verdict(entry, tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(f"[A1]\n{entry}\n", encoding="utf-8")
    with pytest.raises(MarginError, match="claim A1 must have says and run_in"):
        Ledger(path)


# The course's own claims

IDS = ["L1-3", "T1-4", "I1-6", "X1-7", "D1-5", "S1-3", "F1-5", "Z1-1"]


def course():
    return tomllib.loads(COURSE.read_text(encoding="utf-8"))


def test_the_course_judges_all_the_claims():
    expected = [f"{i[0]}{n}" for i in IDS for n in range(int(i[1]), int(i[3]) + 1)]
    assert list(course()) == expected
    assert len(expected) == 34


def test_every_claim_fits_into_a_table_and_ends_like_a_sentence():
    for claim, entry in course().items():
        assert entry["says"].endswith("."), claim
        assert "|" not in entry["says"], claim
        assert len(entry["says"]) <= 110, claim


def test_every_claim_is_run_in_a_notebook_that_exists():
    missing = {
        e["run_in"] for e in course().values() if not (FOLDER / f"{e['run_in']}.ipynb").exists()
    }
    assert not missing


def judgements():
    """All calls of `judge` in the notebook of the ledger, as syntax trees."""
    notebook = nbformat.read(FOLDER / f"{LEDGER_NOTEBOOK}.ipynb", as_version=4)
    trees = [ast.parse(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if getattr(call.func, "attr", "") == "judge"]


def test_the_ledger_notebook_judges_every_claim_once():
    assert sorted(call.args[0].value for call in judgements()) == sorted(course())


def test_no_verdict_and_no_number_is_typed():
    # A plain True would be an opinion, a plain string a number that follows no scenario.
    for call in judgements():
        given = [call.args[1], *(case.value for case in call.keywords)]
        names = [node for value in given for node in ast.walk(value) if isinstance(node, ast.Name)]
        typed = [value for value in given if isinstance(value, ast.Constant)]
        assert names and not typed, call.args[0].value
