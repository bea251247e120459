"""Mandates: a design is an account, many markets are each one alone, a card says what it counts."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from margin_course import mandate, palette
from margin_course.lessons.capstone import CapstoneLab, line, report
from margin_course.mandate import Design, Item, at_start, drawn, hold, judged, measured
from margin_course.scenarios import load
from margin_lib import MarginError
from margin_lib.bars import Bars
from margin_lib.replay import Costs, replay
from tests.support.strategies import NOT_SINGLE, OTHER_SCENARIOS, ROOT, SCENARIOS

TASKS = {path.stem: load(path)["capstone"] for path in (SCENARIOS, OTHER_SCENARIOS)}
TASK = TASKS["articles"]
COURSE = load(ROOT / "notebooks/scenarios.toml")["capstone"]
JUMPS = {"jumps": 60, "jump_deviation": 0.3}
NOTEBOOKS = ROOT / "notebooks"
FAIR = {"side": "long", "mode": "isolated", "margin": 0.2, "leverage": 3}


@pytest.fixture(params=TASKS)
def task(request):
    return TASKS[request.param]


def design(task, name, top_up=None):
    return Design(task, name, task.mandate["designs"][name], top_up or {})


def designs(task):
    return [design(task, name) for name in task.mandate["designs"]]


def alone(task, **terms):
    """A design with one position."""
    return Design(task, "one", {"BTC": FAIR | terms})


def bare(task, **changes):
    """A task without fees and funding."""
    trades = (replace(t, contract=replace(t.contract, taker_fee=0.0)) for t in task.trades)
    return replace(task, trades=tuple(trades), funding_rate=0.0, **changes)


# Designs


def test_a_design_opens_what_it_says(task):
    for each in designs(task):
        assert {p.symbol for p in each.account.positions} == set(each.positions)
        for symbol, row in each.positions.items():
            position, price = each.account[symbol], task[symbol].price
            assert position.mode == row["mode"]
            assert (position.quantity > 0) == (row["side"] == "long")
            held = row["margin"] * task.balance * row["leverage"]
            assert position.notional(price) == pytest.approx(held)
            if row["mode"] == "isolated":
                assert position.margin == pytest.approx(row["margin"] * task.balance)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"side": "up"}, "side"),
        ({"mode": "both"}, "mode"),
        ({"margin": 0}, "margin of BTC"),
        ({"margin": 1.5}, "margin"),
        ({"leverage": 0.5}, "leverage"),
        ({"stop": 0.1}, "position BTC must have"),
    ],
)
def test_what_is_no_account_is_no_design(changes, words):
    with pytest.raises(MarginError, match=words):
        alone(TASK, **changes)


def test_an_unknown_coin_and_half_a_rule_are_refused():
    with pytest.raises(MarginError, match="symbol"):
        Design(TASK, "moon", {"MOON": FAIR})
    with pytest.raises(MarginError, match="top_up must say near and add"):
        Design(TASK, "half", {"BTC": FAIR}, {"near": 0.1})


def test_a_position_without_a_word_is_refused():
    row = {key: value for key, value in FAIR.items() if key != "mode"}
    with pytest.raises(MarginError, match="position BTC must have a side"):
        Design(TASK, "one", {"BTC": row})


# Markets


def test_drawn_markets_follow_their_seed_and_their_terms(task):
    one, same, other = (drawn(task, {}, seed, 5).close["BTC"] for seed in (3, 3, 4))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    alike = drawn(task, {"correlation": 1.0, "volatility": 0.8}, 3, 5).close
    for symbol in alike:
        ratio = alike[symbol] / task[symbol].price
        assert ratio == pytest.approx(alike["BTC"] / task["BTC"].price)


def test_unseen_markets_follow_the_name_and_differ_from_visible_ones(task):
    one, same = (mandate.unseen(task, "mine") for _ in range(2))
    other, seen = mandate.unseen(task, "mine, changed"), mandate.visible(task)
    assert set(one) == set(task.mandate["unseen"])
    for kind in one:
        assert np.array_equal(one[kind].close["BTC"], same[kind].close["BTC"])
        for bars in (*other.values(), *seen.values()):
            assert not np.array_equal(one[kind].close["BTC"], bars.close["BTC"])


def test_real_prices_keep_their_shape_and_start_at_the_entry_prices(task):
    bars = mandate.history(task, NOTEBOOKS)
    assert bars.steps == task.days
    table = mandate.read(NOTEBOOKS / "data/eth_usd.csv")
    assert bars.paths == len(table) - task.days + 1
    assert bars.open["ETH"][0] == pytest.approx(task["ETH"].price)
    last = table.iloc[-task.days :]
    for name in ("open", "low", "high", "close"):
        found = getattr(bars, name)["ETH"][:, -1] / task["ETH"].price
        assert found == pytest.approx(last[name].to_numpy() / last["open"].iloc[0])


def test_a_task_longer_than_the_history_is_refused():
    with pytest.raises(MarginError, match="steps must be at most"):
        mandate.history(replace(TASK, days=1000), NOTEBOOKS)


@pytest.mark.parametrize(
    "file", ["../data/btc_usd.csv", "/etc/hostname", "data/../../x.csv", ".", ""]
)
def test_a_history_stays_in_its_folder(file):
    terms = {**TASK.mandate, "history": {"BTC": file}}
    with pytest.raises(MarginError, match="^history of BTC must stay in its folder, got"):
        mandate.history(replace(TASK, mandate=terms), NOTEBOOKS)


def test_a_link_does_not_lead_out_of_the_folder_of_a_history(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.csv").write_text("a", encoding="utf-8")
    try:
        (tmp_path / "inside" / "a.csv").symlink_to(tmp_path / "secret.csv")
    except OSError:
        pytest.skip("no links here")
    terms = {**TASK.mandate, "history": {"BTC": "a.csv"}}
    with pytest.raises(MarginError, match="^history of BTC must stay in its folder, got a.csv"):
        mandate.history(replace(TASK, mandate=terms), tmp_path / "inside")


def test_the_author_of_a_mandate_may_name_another_folder():
    files = {symbol: file.removeprefix("data/") for symbol, file in TASK.mandate["history"].items()}
    terms = {**TASK.mandate, "history": files, "history_folder": "../data"}
    there = mandate.history(replace(TASK, mandate=terms), NOTEBOOKS / "data")
    assert there.paths == mandate.history(TASK, NOTEBOOKS).paths
    with pytest.raises(MarginError, match="^history_folder must be of type str, got 5"):
        mandate.history(replace(TASK, mandate={**terms, "history_folder": 5}), NOTEBOOKS)


def test_a_history_that_is_not_named_is_asked_for():
    terms = {key: value for key, value in TASK.mandate.items() if key != "history"}
    with pytest.raises(MarginError, match="mandate of capstone must say history"):
        mandate.history(replace(TASK, mandate=terms))


# Holding


def walks(each, bars):
    """The same markets one by one, by replay."""
    return [replay(each.account, bars.path(n), each.costs) for n in range(bars.paths)]


@pytest.mark.parametrize("kind", ["drawn", "jumps", "real"])
def test_many_markets_are_the_same_as_one_by_one(task, kind):
    if kind == "real":
        bars = mandate.history(task, NOTEBOOKS).take(slice(0, 120, 6))
    else:
        bars = drawn(task, JUMPS if kind == "jumps" else {}, 5, 25)
    fund = 0.0
    for each in designs(task):
        trial = hold(each, bars)
        for path, walk in enumerate(walks(each, bars)):
            assert trial.outcomes.equity[path] == pytest.approx(walk.equity[-1])
            dead = {s for s, step in trial.outcomes.step.items() if step[path] >= 0}
            assert dead == set(walk.dead)
            paid = sum(max(-e.received("insurance fund"), 0) for _, e in walk.liquidations)
            assert trial.others[path] == pytest.approx(paid, abs=1e-6)
            fund += paid
    assert (fund > 0) == (kind == "jumps") or kind == "real"


def test_a_rule_that_never_acts_changes_nothing(task):
    bars = drawn(task, {}, 5, 20)
    idle = {"near": 1e-9, "add": 0.1}
    for name in task.mandate["designs"]:
        plain, acting = hold(design(task, name), bars), hold(design(task, name, idle), bars)
        assert acting.outcomes.equity == pytest.approx(plain.outcomes.equity)
        for symbol, step in plain.outcomes.step.items():
            assert np.array_equal(acting.outcomes.step[symbol], step)


def test_topping_up_moves_money_once_a_price_is_near():
    task = bare(TASK)
    mine = Design(task, "topped", {"BTC": FAIR}, {"near": 0.2, "add": 0.05})
    edge = mine.account.liquidation_price("BTC") / task["BTC"].price
    marks = [task.marks(BTC=x) for x in (0.0, edge / 0.9 - 1, edge * 0.99 - 1)]
    walk = replay(mine.account, marks, plan=mine.plan)
    assert [[e.kind for e in events] for events in walk.events][:2] == [[], ["margin added"]]
    assert walk.accounts[1]["BTC"].margin == pytest.approx(0.25 * task.balance)
    assert walk.dead == []
    assert replay(mine.account, marks).dead == ["BTC"]


def test_topping_up_stops_with_the_balance():
    risky = {"BTC": FAIR | {"leverage": 10}}
    mine = Design(bare(TASK), "all in", risky, {"near": 0.9, "add": 0.6})
    marks = [TASK.marks(BTC=x) for x in (-0.05, -0.06, -0.07)]
    walk = replay(mine.account, marks, plan=mine.plan)
    assert [account.balance for account in walk.accounts] == pytest.approx([0.2e5, 0, 0])
    assert walk.events[2] == ()


def test_an_owner_who_acts_is_replayed_in_fewer_markets(monkeypatch):
    monkeypatch.setattr(mandate, "REPLAYED", 4)
    bars = drawn(TASK, {}, 5, 10)
    trial = hold(design(TASK, "fences", {"near": 0.1, "add": 0.05}), bars)
    assert len(trial.outcomes.equity) == len(trial.others) == 4


# Judging


def at_the_end(task, **moves):
    """One market a row: prices jump at once."""
    marks = task.marks(**moves)
    count = len(next(iter(moves.values())))
    return Bars.of_marks({s: [np.broadcast_to(p, count).astype(float)] for s, p in marks.items()})


def items(cards):
    return {item.what: item for item in cards}


def test_the_start_of_a_card_by_hand():
    found = items(at_start(design(bare(TASK), "twins")))
    assert found["smallest view held"].value == pytest.approx(0.4)
    assert found["smallest view held"].note == "LTC"
    assert found["leverage of all"].value == pytest.approx(1.2 + 1.2 + 0.4)
    assert found["costs, held to the end"].value == pytest.approx(0, abs=1e-12)


def test_costs_are_fees_and_what_longs_pay_and_shorts_get():
    task = bare(TASK, days=10)
    task = replace(task, funding_rate=0.001, funding_hours=8)
    found = items(at_start(design(task, "twins")))
    assert found["costs, held to the end"].value == pytest.approx(30 * 0.001 * (1.2 + 1.2 - 0.4))
    walk = replay(
        design(task, "twins").account,
        [task.marks()] * 241,  # an hour each, the last payment included
        design(task, "twins").costs,
    )
    assert 1 - walk.equity[-1] / task.balance == pytest.approx(30 * 0.001 * 2.0)


def test_a_view_that_is_not_held_or_held_against_counts(task):
    assert items(at_start(alone(task)))["smallest view held"].value == 0
    rows = task.mandate["designs"]["fences"]
    against = Design(task, "against", rows | {"LTC": rows["LTC"] | {"side": "long"}})
    assert items(at_start(against))["smallest view held"].value < 0


def test_shares_are_counted_by_hand():
    task = bare(TASK)
    mine = alone(task, margin=0.2, leverage=4)  # dies near −24 %
    bars = at_the_end(task, BTC=np.array([0.2, 0.05, -0.1, -0.5]))
    trial = hold(mine, bars)
    assert trial.change == pytest.approx([0.16, 0.04, -0.08, -0.2])
    assert trial.others == pytest.approx([0, 0, 0, (0.4 - 0.2) * task.balance])
    found = items(measured(trial))
    assert found["loss within the limit"].value == 1
    assert found["target reached"].value == 0.25
    assert found["target reached"].error == pytest.approx(math.sqrt(0.25 * 0.75 / 4))
    assert found["loss within the limit"].note == "the worst: −20 %"
    assert found["liquidated most often"].value == 0.25
    assert found["liquidated most often"].note == "BTC"
    assert found["others pay, on average"].value == pytest.approx(0.2 / 4)
    deep = hold(alone(task, mode="cross", margin=0.6, leverage=4), bars)
    assert items(measured(deep))["loss within the limit"].value == 0.75


@pytest.mark.parametrize(
    ("value", "bound", "least", "passed"),
    [
        (0.95, 0.95, True, True),
        (0.94, 0.95, True, False),
        (0.02, 0.02, False, True),
        (0.03, 0.02, False, False),
        (0.03, math.nan, False, False),
        (math.nan, 0.02, False, False),
        (math.nan, 0.02, True, False),
    ],
)
def test_a_bound_that_is_just_met_is_met_and_a_nan_never_passes(value, bound, least, passed):
    assert Item("it", value, bound=bound, least=least).passed is passed


def test_words_of_an_item():
    close = Item("it", 0.94, 0.006, 0.95, True)
    assert close.words == "✗ missed: 94 % ± 0.6 % (close)"
    assert close.must == "at least 95 %"
    assert Item("it", 0.9, 0.006, 0.95, True).words == "✗ missed: 90 % ± 0.6 %"
    assert Item("it", 0.01, bound=0.02).words == "✓ passed: 1.0 %"
    assert Item("it", 0.0999, bound=0.02).measured == "10.0 %"


def test_a_card_shows_each_demand_where_it_is_met_worst(task):
    bars = {"here": drawn(task, {}, 1, 50), "there": drawn(task, JUMPS, 1, 50)}
    for each in designs(task):
        trials = {kind: hold(each, prices) for kind, prices in bars.items()}
        found = judged(each, trials)
        assert [item.what for item in found[:3]] == [item.what for item in at_start(each)]
        for item in found[3:]:
            rooms = {kind: items(measured(trials[kind]))[item.what].room for kind in bars}
            kind = item.note.split(",")[0]
            assert item.room == rooms[kind] == min(rooms.values())


def test_a_card_says_the_same_in_colour_by_sign_and_in_words(task):
    bars = {"here": drawn(task, {}, 1, 50), "there": drawn(task, JUMPS, 1, 50)}
    card = report(designs(task), bars)
    rows = re.findall("<tr>.*?</tr>", card._repr_html_())[1:]
    assert len(rows) == 7
    every = [card.designs[each.name] for each in designs(task)]
    for row, *line_of in zip(rows, *every, strict=True):
        cells = re.findall(r'<b style="background:(#\w+).*?>(.) (\w+)</b> (.*?)[<(]', row)
        for (colour, sign, word, number), item in zip(cells, line_of, strict=True):
            assert (colour == palette.YOURS) == (sign == "✓") == (word == "passed") == item.passed
            assert item.measured.startswith(number.strip())
    told = repr(card)
    for item in sum(every, []):
        assert line(item) in told


def test_a_name_of_a_design_is_text_on_its_card():
    mine = Design(TASK, "<b>mine</b>", TASK.mandate["designs"]["fences"])
    assert "<b>mine" not in report(mine, {"a": drawn(TASK, {}, 1, 5)})._repr_html_()


def test_lab_and_card_count_the_same_markets(task):
    lab, looked = CapstoneLab(task), mandate.visible(task)
    for name, values in lab.presets.items():
        for kind, bars in looked.items():
            lab.set(**{**values, "market": kind})
            shown = next(iter(lab.shown.state.values())).design
            card = report(replace(shown, name=name), {kind: bars}).designs[name]
            assert sorted(map(line, card)) == sorted(lab.lines)


@pytest.mark.parametrize("name", ["exposure", "max_loss", "kept", "others"])
def test_a_demand_that_is_missing_is_named(name):
    demands = {key: value for key, value in TASK.mandate.items() if key != name}
    mine = design(TASK, "fences")
    mine = Design(replace(TASK, mandate=demands), "mine", mine.positions)
    with pytest.raises(MarginError, match=f"mandate of capstone must say {name}"):
        [*at_start(mine), *measured(hold(mine, drawn(mine.task, {}, 1, 5)))]


@pytest.mark.parametrize("bad", NOT_SINGLE)
def test_a_demand_that_is_no_number_is_refused(bad):
    with pytest.raises(MarginError, match="max_loss"):
        mandate.demand(replace(TASK, mandate={"max_loss": bad}), "max_loss")


def missed(task, name, rows):
    """What a design misses in its exam, each demand where it is met worst."""
    mine = Design(task, name, rows)
    trials = {kind: hold(mine, bars) for kind, bars in mandate.unseen(task, name).items()}
    return [item.what for item in judged(mine, trials) if not item.passed]


@pytest.mark.parametrize("name", ["three designs", "mine", "copied", "a", "b"])
def test_none_of_the_three_designs_of_the_course_passes_an_exam(name):
    """Whoever copies one of them does not pass either; and what each misses, notebook 11 says."""
    rows = COURSE.mandate["designs"]
    assert "loss within the limit" in missed(COURSE, name, rows["twins"])
    assert missed(COURSE, name, rows["hedge"]) == ["loss within the limit"]
    assert missed(COURSE, name, rows["fences"]) == ["others pay, on average"]


def test_two_of_them_pass_where_everybody_looks():
    """So nobody sees before the exam why they fail."""
    looked = mandate.visible(COURSE)
    cards = report(designs(COURSE), looked).designs
    good = [name for name, card in cards.items() if all(item.passed for item in card)]
    assert good == ["hedge", "fences"]


@pytest.mark.parametrize("name", ["one in cross", "mine", "a", "b"])
def test_the_exam_can_be_passed(name):
    rows = {
        symbol: {"side": side, "mode": "isolated", "margin": 0.09, "leverage": 4.5}
        for symbol, side in COURSE.mandate["views"].items()
    }
    rows["BTC"] |= {"mode": "cross", "margin": 0.2, "leverage": 2}
    assert missed(COURSE, name, rows) == []


def test_costs_of_a_design_are_those_of_its_scenario(task):
    found = alone(task).costs
    assert found == Costs(funding={"BTC": task.funding_rate}, funding_hours=task.funding_hours)
