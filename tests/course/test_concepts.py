"""The fifteen questions: right by a run, wrong by a belief, other numbers each time."""

import re
from dataclasses import replace
from unittest import mock

import pytest

from margin_course import concepts
from margin_course.concepts import FORMS, SITUATIONS, UNSURE, Made, inventory
from margin_course.scenarios import load
from margin_lib import MarginError
from margin_lib.contracts import Contract
from tests.notebooks.test_structure import anchors
from tests.support.recipes import ADAPTED
from tools.repo import ROOT

PATH = ROOT / "notebooks" / concepts.FILE
FILES = ["notebooks/scenarios.toml", "tests/support/articles.toml"]
FILES += ["tests/support/other_scenarios.toml"]
DATA = inventory(PATH)
BELIEFS = 14  # that are documented


@pytest.fixture(params=FILES)
def book(request, root):
    return load(root / request.param)


def test_there_are_fifteen_questions_and_each_belief_is_met():
    assert len(DATA.questions) == 15
    assert len(DATA.beliefs) == BELIEFS
    met = [option.get("belief") for q in DATA.questions.values() for option in q["options"]]
    assert set(met) == {None, *DATA.beliefs}


def test_each_question_asks_for_a_belief_and_each_belief_has_its_question():
    for name, table in DATA.questions.items():
        assert name in DATA.asking(table["about"])
        assert set(table) == {"about", "ask", "options", "because"}
        assert len(table["options"]) == 3
    asked = {table["about"] for table in DATA.questions.values()}
    assert asked == set(DATA.beliefs)


@pytest.mark.parametrize("name", DATA.beliefs)
def test_a_section_clears_each_belief(name):
    file, _, heading = DATA.beliefs[name].section.partition("#")
    if ADAPTED and not (ROOT / "notebooks" / file).exists():
        pytest.skip("an adapted course may have dropped the notebook")
    assert heading in anchors(ROOT / "notebooks" / file)
    assert len(DATA.beliefs[name].seen) > 20


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("form", FORMS)
def test_a_run_says_which_option_is_right(name, form, book):
    figures, came_true = SITUATIONS[name](Made(book, **DATA.forms[form]))
    assert came_true is None
    text = " ".join(
        [DATA.questions[name]["ask"], DATA.questions[name]["because"]]
        + [option["says"] for option in DATA.questions[name]["options"]]
    )
    assert not set(re.findall(r"\{(\w+)\}", text)) - set(figures)


def test_a_run_can_say_that_a_belief_comes_true(book):
    """A situation in which the belief is right is told apart: its numbers decide, not its words."""
    scenario = Made(book, **DATA.forms["before"]).single("isolated")
    (trade,) = scenario.trades
    own = concepts.pocket(scenario, trade.margin)
    assert concepts.liquidated_at(scenario, {"sign": own, None: -own}) == "sign"
    assert concepts.liquidated_at(scenario, {"wallet": -1.0, None: own}) is None  # no price is 0
    assert concepts._true(3.0, {None: 1.0, "limit": 2.9}) == "limit"


@pytest.mark.parametrize("form", FORMS)
def test_three_options_stand_apart_and_one_is_right(form, book):
    for question in DATA.asked(form, book):
        assert len({option.says for option in question.options}) == 3, question
        assert [option.right for option in question.options].count(True) == 1
        assert question.right.key in "abc" and question[UNSURE] is None
        assert question.right.belief is None
        assert "{" not in question.ask + question.because
        assert not re.search(r"\bnan\b", question.ask + question.because)
        assert question.ask.endswith("?") and question.because.endswith(".")
        assert all(len(option.says) <= 70 for option in question.options)


def test_the_right_option_has_no_usual_place_nor_the_same_one_twice(book):
    places = {
        form: [
            [option.right for option in question.options].index(True)
            for question in DATA.asked(form, book)
        ]
        for form in FORMS
    }
    for each in places.values():
        assert max(map(each.count, range(3))) <= 8
    assert places["before"] != places["after"]


def test_numbers_differ_before_and_after_and_follow_the_scenarios(root):
    """Nothing can be learnt by heart: of fifteen questions, fifteen have other numbers."""
    books = [load(root / file) for file in (FILES[0], FILES[2])]
    asked = [[q.ask + q.right.says for q in DATA.asked(f, b)] for f in FORMS for b in books]
    for one, other in ((0, 2), (1, 3), (0, 1), (2, 3)):
        assert not set(asked[one]) & set(asked[other])


@pytest.mark.parametrize("leverage", [1, 1.5, 3, 20, 45])
def test_every_leverage_of_a_scenario_gives_questions(leverage, root):
    from dataclasses import replace

    book = load(root / FILES[0])
    for name in ("leverage", "isolated", "cross"):
        scenario = book[name]
        trades = [replace(t, leverage=leverage, margin=t.margin / 2) for t in scenario.trades]
        book[name] = replace(scenario, trades=tuple(trades), moves={}, paths={})
    for form in FORMS:
        made = Made(book, **DATA.forms[form])
        assert [n for n, run in SITUATIONS.items() if run(made)[1] is not None] == []
        assert len(DATA.asked(form, book)) == 15


@pytest.mark.parametrize("caps", [(50, 25, 10), (7.5, 4, 2)])
def test_no_question_asks_for_more_leverage_than_the_table_allows(caps, root):
    """A larger trade meets a lower cap, wherever its tier begins."""
    from dataclasses import replace

    from margin_lib import Tier, Tiers

    for share in (0.01, 0.5, 1, 5):
        book = load(root / FILES[0])
        for name in ("leverage", "isolated", "cross"):
            scenario, floors = book[name], [0, share, 3 * share]
            rows = [
                Tier(floor * scenario.balance, 0.01 * (n + 1), max_leverage=cap)
                for n, (floor, cap) in enumerate(zip(floors, caps, strict=True))
            ]
            trades = [
                replace(t, contract=replace(t.contract, maintenance=Tiers(rows)))
                for t in scenario.trades
            ]
            book[name] = replace(scenario, trades=tuple(trades), moves={}, paths={})
        for form in FORMS:
            made = Made(book, **DATA.forms[form])
            single = [
                made.single(name, side)
                for name in ("leverage", "isolated")
                for side in ("long", "short")
            ]
            for scenario in [*single, made.pair(), made.pair(("long", "long"))]:
                for mode in ("isolated", "cross"):
                    scenario.account(mode)


def test_an_option_that_says_the_same_as_another_is_left_out(root, monkeypatch):
    same = dict.fromkeys(("as_it_is", "by_wallet"), "a fall")
    table = DATA.questions["setting"]
    figures, _ = SITUATIONS["setting"](Made(load(root / FILES[0]), **DATA.forms["before"]))
    monkeypatch.setitem(SITUATIONS, "setting", lambda made: (figures | same, None))
    options = [{"says": "{as_it_is}"}, {"says": "{by_wallet}", "belief": "wallet"}]
    options.append({"says": "{by_setting}", "belief": "setting"})
    short = concepts.Inventory(DATA.forms, DATA.beliefs, {"setting": table | {"options": options}})
    (question,) = short.asked("before", load(root / FILES[0]))
    assert len(question.options) == 2 and question.right.key == "a"


def test_beliefs_are_read_from_keys():
    assert DATA.belief("stop", "a") == "stop" and DATA.belief("stop", "b") == ""
    assert DATA.belief("stop", UNSURE) is None
    assert DATA.held({"stop": "a", "sign": "b", "gone": "a"}) == {"stop"}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[questions.stop]", "[questions.halt]", "question halt must have a situation"),
        ('belief = "stop"', 'belief = "halt"', "must use known beliefs, got ['halt']"),
        (', belief = "stop"', "", "must have one right option, got 2"),
    ],
)
def test_a_fault_of_the_file_is_named(old, new, complaint, tmp_path):
    path = tmp_path / "inventory.toml"
    path.write_text(PATH.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(MarginError, match=re.escape(complaint)):
        inventory(path)


def test_an_unknown_form_is_refused(book):
    with pytest.raises(MarginError, match="form must be one of before, after"):
        DATA.asked("between", book)


@pytest.mark.parametrize("form", FORMS)
def test_a_run_is_compared_with_beliefs_that_the_file_knows(form, book):
    judges = {each: mock.Mock(wraps=getattr(concepts, each)) for each in ("_true", "liquidated_at")}
    with mock.patch.multiple(concepts, **judges):
        for run in SITUATIONS.values():
            run(Made(book, **DATA.forms[form]))
    calls = [call for judge in judges.values() for call in judge.mock_calls]
    compared = {belief for call in calls for belief in call.args[1]}
    assert None in compared and compared - {None} <= set(DATA.beliefs)


@pytest.mark.parametrize("wanted", [1.5, 2.5, 3, 7, 20])
def test_a_leverage_is_a_round_number_an_odd_one_too(wanted, book):
    """Halves below 3x; never more than half of what the maintenance rate allows."""
    contract = Contract(symbol="ETH", maintenance=0.04)
    trade = replace(book["leverage"].trades[0], contract=contract, leverage=wanted)
    made = replace(Made(book, **DATA.forms["before"]), leverage=1.0)
    assert made._leverage(trade) == wanted
    assert replace(made, leverage=9.0)._leverage(trade) == max(12, wanted)
