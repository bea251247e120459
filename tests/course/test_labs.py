"""Labs: controls in, words and a picture out; nothing else changes."""

import html
import itertools
import json
import os
import re
import threading
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from margin_course import modes
from margin_course.lab import PARTS
from margin_course.lessons import terms
from margin_course.lessons.comparison import PRICES, CloudLab, FirstLab
from margin_course.lessons.cross_margin import CrossLab
from margin_course.lessons.faq_checks import FundingLab, FundingPicture
from margin_course.lessons.isolated_margin import IsolatedLab
from margin_course.lessons.leverage import LeverageLab
from margin_course.lessons.real_exchanges import RulesLab
from margin_course.lessons.stress import (
    FUND,
    QueueLab,
    StressLab,
    WaterfallLab,
    enough,
    hedge_taken_apart,
    margined_in_the_coin,
    outage,
)
from margin_course.lessons.terms import TermsLab
from margin_course.scenarios import load
from margin_lib import MarginError
from margin_lib.account import MODES, Account
from margin_lib.bars import Bars
from margin_lib.replay import Costs, replay
from tests.support.lessons import STARTS

FILES = ["notebooks/scenarios.toml", "tests/support/other_scenarios.toml"]
SEQUENCES = int(os.environ.get("SEQUENCES", 16))  # of random moves for each lab


@pytest.fixture(params=FILES, scope="module")
def book(request, root):
    # Without [labels]: the tests know the words of the course.
    return {name: replace(each, labels={}) for name, each in load(root / request.param).items()}


@pytest.fixture(params=STARTS, ids=lambda kind: kind.__name__, scope="module")
def one_lab(request, book):
    return request.param(book[STARTS[request.param]])


@pytest.fixture
def lab(one_lab):
    """A lab at its start; laying out a new one for every test would take most of the time."""
    one_lab.set(**one_lab.presets["start"])
    return one_lab


def same_picture(one, other):
    """A bool, so that a failing test does not print the difference of two pictures."""
    return one._screen.picture == other._screen.picture


def extremes(control):
    if hasattr(control, "options"):
        return list(control.options)
    return [control.min, control.max]


def test_every_control_can_go_to_its_ends_and_changes_the_readout_or_says_why(lab):
    for name, control in lab.controls.items():
        seen = set()
        for value in extremes(control):
            lab.set(**{name: value})
            seen.add((lab.summary(), hash(lab._screen.picture)))
            assert not re.search(r"\bnan\b", lab.summary().lower())
        assert len(seen) > 1, f"{name} does nothing"
        lab.set(**lab.presets["start"])


def test_presets_and_start_go_where_they_say(lab):
    start = lab.summary()
    for values in lab.presets.values():
        lab.set(**values)
        for control, value in values.items():
            assert lab.controls[control].value == pytest.approx(value)
    lab.set(**lab.presets["start"])
    assert lab.summary() == start


def test_buttons_press_the_presets(lab):
    buttons = {button.description: button for button in lab._buttons.children}
    assert set(buttons) == set(lab.presets)
    name = list(lab.presets)[-1]
    buttons[name].click()
    for control, value in lab.presets[name].items():
        assert lab.controls[control].value == pytest.approx(value)


def test_moving_one_control_by_hand_is_the_same_as_set(lab):
    twin = type(lab)(lab.scenario)
    name, control = list(lab.controls.items())[-1]
    control.value = extremes(control)[0]
    twin.set(**{name: extremes(control)[0]})
    assert lab.summary() == twin.summary()
    assert same_picture(lab, twin)


def test_set_moves_several_controls_with_one_drawing(lab, monkeypatch):
    drawn = []
    compute = type(lab).compute

    def counted(self, scenario, **values):
        drawn.append(values)
        return compute(self, scenario, **values)

    monkeypatch.setattr(type(lab), "compute", counted)
    values = {name: extremes(control)[-1] for name, control in lab.controls.items()}
    lab.set(**values)
    assert drawn == [lab.values()]


def test_an_unknown_control_is_refused_before_anything_moves(lab):
    before = lab.values()
    name = next(iter(before))
    with pytest.raises(MarginError, match="control must be one of"):
        lab.set(**{name: extremes(lab.controls[name])[0], "nonsense": 1})
    assert lab.values() == before


def test_what_a_browser_answers_changes_nothing(lab):
    """It sends back the nearest step of its slider, for every value that it is sent."""
    for name, control in lab.controls.items():
        if not hasattr(control, "step"):
            continue
        steps = (control.max - control.min) / control.step
        asked = control.min + control.step * (int(steps / 2) + 0.3)
        lab.set(**{name: asked})
        words, picture = lab.summary(), lab._screen.picture
        control.value = control.min + control.step * int(steps / 2)
        assert lab.values()[name] == asked
        assert lab.summary() == words and lab._screen.picture is picture
        control.value += control.step  # but a reader's step counts
        assert lab.values()[name] == control.value != asked
        lab.set(**lab.presets["start"])


def test_a_lab_moved_in_two_threads_stays_whole(book):
    """JupyterLab moves sliders in one thread while cells run in another."""
    lab = CrossLab(book["cross"])
    symbol = book["cross"].trades[0].symbol
    control = lab.controls[symbol]

    def slide():
        for step in range(15):
            control.value = control.min + step * control.step

    other = threading.Thread(target=slide)
    other.start()
    for step in range(15):
        lab.set(**{symbol: control.max - step * control.step})
    other.join()
    fresh = CrossLab(book["cross"])
    fresh.set(**lab.values())
    assert lab.summary() == fresh.summary()
    assert same_picture(lab, fresh)


def test_the_screen_shows_the_words_and_the_picture_of_one_state(lab):
    lab.set(**list(lab.presets.values())[-1])
    shown = lab._screen.state
    assert "\n".join(shown["words"]) == lab.summary()
    assert shown["alt"] == lab.alt()
    assert shown["controls"] == lab.values()
    assert bytes(lab._screen.picture) == lab.png()


def test_every_control_has_a_label_and_a_tip(lab):
    for control in lab.controls.values():
        assert control.description
        assert control.tip
        assert control.description in lab._legend.value
    assert lab.look in lab._legend.value


BARE = ("correlation", "prices in between", "step")  # sliders of what has no unit


def test_controls_stand_in_one_order_with_units_in_their_labels(lab):
    places = [PARTS.index(control.part) for control in lab.controls.values()]
    assert places == sorted(places)
    for control in lab.controls.values():
        if hasattr(control, "step") and control.description not in BARE:
            assert re.search(r"\[.+\]$", control.description)


def test_a_picture_writes_its_own_alternative_text(lab):
    texts = set()
    for values in lab.presets.values():
        lab.set(**values)
        assert lab.alt() == lab.canvas.alt(lab.canvas.state)
        assert 40 < len(lab.alt()) < 900 and not re.search(r"\bnan\b", lab.alt())
        texts.add(lab.alt())
    assert len(texts) > 1 or len(lab.presets) == 1


def test_without_a_kernel_a_picture_with_words_remains(lab):
    data = lab._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == lab.summary()
    assert '<img alt="' in data["text/html"]
    assert 'src="data:image/png;base64,' in data["text/html"]
    for words in [*lab.lines, *(tile.money for tile in lab.shown.tiles)]:
        assert html.escape(words) in data["text/html"]


def test_labels_are_said_in_other_words(book):
    german = {
        "leverage": "Hebel",
        "borrowed": "geliehen",
        "at entry": "Einstieg",
        "start": "Anfang",
    }
    plain = LeverageLab(book["leverage"])
    lab = LeverageLab(replace(book["leverage"], labels=german))
    assert lab.controls["leverage"].description == "Hebel [x]"
    assert "<b>Hebel [x]</b>" in lab._legend.value
    assert lab._buttons.children[0].description == "Anfang"
    drawn = {each.get_text() for each in lab.canvas.figure.findobj(Text)}
    assert {"geliehen", "Einstieg"} <= drawn and not {"borrowed", "at entry"} & drawn
    assert not same_picture(lab, plain)
    assert lab.summary() == plain.summary()
    lab.set(leverage=1)
    lab._buttons.children[0].click()  # a button in other words does the same
    assert lab.summary() == plain.summary()


def test_labs_leave_no_figure_in_pyplot_and_no_settings_behind(book):
    before = dict(matplotlib.rcParams)
    CrossLab(book["cross"]).set(ETH=-0.2)
    assert dict(matplotlib.rcParams) == before


def test_a_refused_setting_is_said_and_the_picture_stays(book, monkeypatch):
    monkeypatch.setattr(terms, "opening", lambda leverage, rate: leverage)
    lab = TermsLab(book["leverage"])
    picture = lab._screen.picture
    lab.set(leverage=20, rate=0.1)
    assert lab.summary().startswith("The exchange refuses: ")
    assert (lab._screen.picture == picture) is True
    lab.set(**lab.presets["start"])
    assert (lab._screen.picture == picture) is True


def test_leverage_that_cannot_be_opened_is_held_and_said(book):
    lab = TermsLab(book["leverage"])
    for leverage, rate, held in ((20, 0.1, 9.5), (10, 0.1, 9.5), (20, 0.08, 12), (20, 0.05, 19.5)):
        lab.set(leverage=leverage, rate=rate)
        assert f"Leverage is held at {held:g}x: at {leverage}x " in lab.lines[-1]
    for leverage, rate in ((9.5, 0.1), (12, 0.08), (20, 0.045), (20, 0)):
        lab.set(leverage=leverage, rate=rate)
        assert "held" not in lab.summary()


def test_adding_more_than_there_is_is_held_and_said(book):
    lab = IsolatedLab(book["isolated"])
    lab.set(added=book["isolated"].balance)
    assert "the balance has no more" in lab.summary()


def test_the_numbers_of_the_articles_stand_in_the_readouts(root):
    book = load(root / "tests/support/articles.toml")
    lab = IsolatedLab(book["isolated"])
    assert "2.00 BTC behind 10.00 BTC: liquidation price 0.08163 BTC, " in lab.summary()
    lab.set(change=-0.19)
    assert lab.lines[0] == "Isolated: ETH closed at −18.4 %, you keep 3.00 BTC."
    lab = CrossLab(book["cross"])
    assert lab.shown.tiles[-1].note == "ETH never, ADA +78.4 %"
    lab.set(ETH=-0.5, ADA=-0.4)
    assert "Isolated: ETH closed at −49.0 %" in lab.summary()
    assert "Cross: all alive" in lab.summary()


def rules_lab(root, **values):
    lab = RulesLab(load(root / "tests/support/articles.toml")["exchange"])
    lab.set(**values)
    return lab


@pytest.mark.parametrize(
    ("venue", "long", "short"),
    [
        ("start", "1,809.05", "2,189.05"),
        ("binance usd-m", "1,809.05", "2,189.05"),
        ("okx", "1,809.95", "2,187.97"),
        ("kucoin", "1,810.00", "2,190.00"),
        ("phemex", "1,809.05", "2,189.06"),
    ],
)
def test_the_rules_of_each_venue_give_its_published_boundary(root, venue, long, short):
    lab = rules_lab(root)
    for side, price in (("long", long), ("short", short)):
        lab.set(**lab.presets["start"])
        lab.set(**lab.presets[venue] | {"side": side})
        assert lab.lines[0].startswith(f"ETH {side}: these rules close it at {price} USDT, ")


def test_the_amount_of_a_tier_counts_only_in_a_larger_position(root):
    kinds = RulesLab.tables[1:]
    small, large = (
        [rules_lab(root, size=size, table=kind).lines[0] for kind in kinds] for size in (1, 50)
    )
    assert small[0] == small[1]
    assert "close it at 1,808.76" in large[0]  # (900,000 - 1500) / (500 * (1 - 0.0065))
    assert "close it at 1,811.78" in large[1]


def test_the_trigger_and_a_price_that_never_comes_are_said(root):
    lab = rules_lab(root, trigger="only beyond it", leverage=1)
    assert lab.lines[0] == "ETH long: no price closes it."
    lab.set(measured="frozen at entry")
    assert lab.lines[1] == "The first rules say never: only yours ever comes."
    lab.set(leverage=10, measured="follows the price")
    assert "A price of exactly that does not close it yet, the next tick does." in lab.lines[-1]
    lab.set(fee="asked for on top")
    assert "yours comes 0.9095 USDT sooner" in lab.lines[1]


def test_some_controls_of_the_rules_are_folded_until_they_are_asked_for(root):
    lab = rules_lab(root)
    folded = [lab.controls[name] for name in lab.folded]
    in_sight = [each for each in lab._controls.children if hasattr(each, "tip")]
    assert len(in_sight) == 4 and not set(in_sight) & set(folded)
    assert [*in_sight, *folded] == [*{each: 0 for each in [*in_sight, *lab.controls.values()]}]
    box = lab._controls.children[-1]
    assert list(box.children) == folded and box.layout.display == "none"
    assert lab._more.description == "▸ more: leverage, size, rates, closed"
    lab._more.value = True
    assert box.layout.display == "" and lab._more.description == "▾ fewer controls"


def test_a_control_that_moves_by_itself_is_unfolded(root):
    lab = rules_lab(root, measured="frozen at entry", mark=0.002)
    assert not lab._more.value
    assert lab.at(size=7)._more.value and not lab._more.value
    lab.set(size=7)
    assert lab._more.value


def test_a_button_that_changes_nothing_says_so(lab):
    for name, button in zip(lab.presets, lab._buttons.children, strict=True):
        lab.set(**lab.presets[name])
        button.click()
        assert f"{name} changes nothing: " in html.unescape(lab._reply.value)
        control = next(iter(lab.controls))
        ends = [v for v in extremes(lab.controls[control]) if v != lab.values()[control]]
        lab.set(**{control: ends[-1]})
        assert lab._reply.value == ""
        lab.set(**lab.presets["start"])


def test_the_mark_is_dragged_until_the_rules_close_it(root):
    lab = rules_lab(root)
    (handle,) = lab.state()["handles"]
    assert [move["control"] for move in handle["moves"]] == ["mark"]
    edge = lab.shown.state["account"].liquidation_price("ETH")
    for side, presets in itertools.product(("long", "short"), lab.presets.values()):
        lab.set(**{"side": side, **presets, "mark": 0.012})
        assert lab.shown.tiles[0].life == "alive"
        edge = lab.shown.state["account"].liquidation_price("ETH")
        share = abs(edge / 2000 - 1)
        bound = 1 / lab.values()["leverage"] - share
        for mark, life in ((bound + 0.0002, "alive"), (bound - 0.0002, "closed")):
            lab.set(mark=mark)
            assert lab.shown.tiles[0].life == life, (side, presets)


def test_the_shares_of_a_cloud_add_up_and_stand_in_the_readout(book):
    lab = CloudLab(book["cross"])
    lab.set(side="long", **lab.presets["move together"])
    assert sum(lab.shares.values()) == pytest.approx(1)
    for words, share in lab.shares.items():
        assert f"{words} in {share:.1%}".replace("%", " %") in lab.summary()
    gone = [x for words, x in lab.shares.items() if re.match("nothing|all die|cross loses", words)]
    assert lab.lost["cross"] == pytest.approx(sum(gone))
    assert lab.shown.tiles[1].money == f"{lab.lost['cross']:.1%}".replace("%", " %")


def moves(controls):
    """Any controls in any order, each to any of its values."""
    return st.lists(
        st.one_of(
            st.tuples(
                st.just(name),
                st.sampled_from(list(control.options))
                if hasattr(control, "options")
                else st.floats(control.min, control.max),
            )
            for name, control in controls.items()
        ),
        min_size=1,
        max_size=6,
    )


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("kind", STARTS, ids=lambda kind: kind.__name__)
def test_random_moves_end_where_a_fresh_lab_would_be_and_no_lines_contradict(kind, path, root):
    scenario = load(root / path)[STARTS[kind]]
    lab, other = kind(scenario), kind(scenario)

    @settings(max_examples=SEQUENCES // len(FILES), phases=[Phase.generate], database=None)
    @given(moves(lab.controls))
    def run(sequence):
        for name, value in sequence:
            lab.controls[name].value = value
        fresh = other.at(**lab.values())
        assert lab.summary() == fresh.summary()
        assert lab.alt() == fresh.alt() or "refuses" in lab.summary()
        assert not re.search(r"\b(nan|inf|none)\b", lab.summary().lower())
        if "refuses" not in lab.summary():
            assert same_picture(lab, fresh)
            contradict_nothing(lab)

    run()


def test_funding_lab_says_what_a_replay_says(book):
    lab = FundingLab(book["isolated"])
    symbol, days = lab.scenario.trades[0].symbol, FundingPicture.days
    hours = st.sampled_from([1, 5, 8, 30])

    @settings(max_examples=20)
    @given(leverage=st.floats(1, 20), rate=st.floats(-0.001, 0.001), hours=hours)
    def run(leverage, rate, hours):
        scenario = replace(lab.scenario, funding_hours=hours)
        state = lab.compute(scenario, leverage=leverage, rate=rate).state
        scenario = scenario.with_trade(symbol, leverage=leverage)
        path = Bars.of_marks([scenario.marks()] * days, hours=24 * np.arange(1, days + 1))
        costs = Costs(funding={symbol: rate}, funding_hours=hours)
        for mode in MODES:
            _, edges, money = state[mode]
            walk = replay(scenario.account(mode), path, costs)
            held = [a for a in (walk.start, *walk.accounts) if symbol in a]
            pots = [a.locked_margin if mode == "isolated" else a.balance for a in held]
            assert money == pytest.approx(np.array(pots))
            prices = np.array([a.liquidation_price(symbol, scenario.marks()) for a in held])
            assert edges == pytest.approx(prices / scenario.marks()[symbol] - 1, nan_ok=True)

    run()


def test_a_lab_starts_at_the_numbers_of_its_scenario_even_beyond_its_usual_range(book):
    scenario = replace(book["isolated"], funding_rate=0.002).with_trade("ETH", leverage=25)
    for kind in (FundingLab, IsolatedLab):
        assert kind(scenario).controls["leverage"].value == 25
    assert FundingLab(scenario).controls["rate"].value == 0.002
    terms = book["leverage"].with_trade("ETH", leverage=2, maintenance_rate=0.2)
    assert TermsLab(terms).controls["rate"].value == 0.2


def test_a_fall_is_lived_through_where_its_edge_lies_beyond_it(book):
    trader = book["stress"]
    symbol = trader.trades[0].symbol
    edge = trader.account("isolated").liquidation_price(symbol) / trader[symbol].price - 1
    moves = {"short of it": {symbol: 0.99 * edge}, "beyond it": {symbol: 1.01 * edge}}
    lab = StressLab(replace(trader, moves=moves))
    lab.set(time=1.0)
    assert lab.lines[0].startswith("Isolated: all alive")
    lab.set(event="beyond it")
    assert lab.lines[0].startswith(f"Isolated: {symbol} closed at ")
    assert lab.lines[1].startswith("Cross: all alive")


def test_coins_that_fall_with_the_trade_bring_the_edge_of_cross_nearer(book):
    trader = book["stress"]
    trade = trader.trades[0]
    alone = replace(trader, trades=(trade,), moves={"down": {trade.symbol: -0.4}})
    lab = StressLab(alone)
    lab.set(time=1.0)
    cash = float(lab.lines[1].split()[-2].replace(",", ""))
    lab.set(coin=1.0)
    assert "Cross: all alive" not in lab.summary()
    loss = 0.4 * alone.account("cross").balance
    lab.set(coin=0.1)
    assert float(lab.lines[1].split()[-2].replace(",", "")) == pytest.approx(
        cash - 0.1 * loss, abs=0.01
    )


# Who pays for a jump


def ledger(lab, mode, depth):
    """What each party received, however far the price jumped."""
    lab.set(mode=mode, depth=depth)
    return lab.shown.state["transfers"]


def test_nothing_of_a_loss_disappears_at_any_step_of_the_waterfall(book):
    lab = WaterfallLab(book["stress"])
    for mode in MODES:
        for depth in np.linspace(0, 6, 61):
            paid = ledger(lab, mode, depth)
            assert sum(paid.values()) == pytest.approx(0, abs=1e-6)


def test_each_step_begins_where_the_one_before_it_was_not_enough(book):
    scenario = book["stress"]
    lab, fund = WaterfallLab(scenario), FUND * scenario.balance
    in_cross = scenario.first_trades(1).account("cross").balance  # less the fee of opening
    for mode, own in (("isolated", scenario.trades[0].margin), ("cross", in_cross)):
        assert not any(ledger(lab, mode, 1.5).values())
        part = ledger(lab, mode, 2.5)
        assert 0 < -min(part.values()) < own
        assert lab.shown.state["transfers"]["insurance fund"] > 0  # it earns a fee
        assert " 0.0 %, " not in lab.shown.tiles[0].note and "alive" in lab.shown.tiles[0].life
        taken = ledger(lab, mode, 3.5)
        assert min(taken.values()) == pytest.approx(-own)
        assert taken["insurance fund"] > part["insurance fund"]
        assert ledger(lab, mode, 4.5)["insurance fund"] == pytest.approx(-fund / 2)
        assert not ledger(lab, mode, 4.5).get("deleveraged traders")
        last = ledger(lab, mode, 6.0)
        assert last["insurance fund"] == pytest.approx(-fund)
        assert last["deleveraged traders"] == pytest.approx(-2 * fund)
        assert last.get("unpaid", 0) == pytest.approx(0, abs=1e-6)


def test_the_waterfall_of_a_short_runs_upwards_and_one_that_never_dies_stays(book):
    scenario = book["stress"]
    symbol = scenario.trades[0].symbol
    short = WaterfallLab(scenario.with_trade(symbol, side="short"))
    short.set(depth=6.0)
    changes = short.shown.state["changes"]
    assert changes == sorted(changes) and changes[-1] > 0
    safe = WaterfallLab(scenario.with_trade(symbol, leverage=1, maintenance_rate=0))
    safe.set(mode="cross", depth=6.0)
    assert safe.summary() == "No price closes this trade."
    assert not safe.shown.state["transfers"]


@pytest.mark.parametrize("need", [0, 0.03, 0.15, 0.5, 0.8, 1])
def test_both_rules_close_as_much_of_the_winners(book, need):
    lab = QueueLab(book["stress"])
    for fall in (0.01, 0.3, 0.8):
        lab.set(need=need, fall=fall)
        state = lab.shown.state
        assert np.mean(state["queue"]) == pytest.approx(np.mean(state["pro rata"]))
        assert np.mean(state["queue"]) == pytest.approx(need)
        assert all(np.diff(state["queue"]) <= 0)  # nobody before who stands ahead


def test_a_queue_closes_high_leverage_only_while_the_hole_is_small(book):
    lab = QueueLab(book["stress"])
    whole = np.median(lab.shown.state["leverage"])
    lab.set(need=0.1)
    state = lab.shown.state
    first = [x for x, part in zip(state["leverage"], state["queue"], strict=True) if part]
    assert np.median(first) > 2 * whole
    lab.set(need=1.0)
    assert np.median(lab.shown.state["leverage"]) == whole
    lab.set(fall=0.5)  # a short at 10x whose price has halved holds 5 for each 6 of its own
    assert pytest.approx(lab.shown.state["leverage"][1]) == 5 / 6


# Crashes that happened to others


def test_a_hedge_that_is_taken_apart_keeps_its_profit_up_to_the_losers_bankruptcy(book):
    scenario = book["stress"]
    leg = scenario.trades[1]
    taken, runs = hedge_taken_apart(scenario)
    loser = scenario.with_trade(leg.symbol, side="long").account({leg.symbol: "isolated"})
    assert taken.price == pytest.approx(loser.bankruptcy_price(leg.symbol))
    first = scenario.marks(**scenario.moves["first"])
    assert taken.profit + taken.paid == pytest.approx(
        scenario.account("cross")[leg.symbol].pnl(first[leg.symbol])
    )
    assert not runs["the hedge holds"]["cross"].dead
    ends = [runs[name]["cross"].equity[-1] for name in ("the hedge holds", "taken apart")]
    assert ends[0] - ends[1] > taken.paid  # what the loser did not pay, and what the leg still won


def test_the_rules_are_tried_on_the_first_trade_alone(book):
    scenario = book["exchange"]
    first, second = scenario.trades[0], book["cross"].trades[1]
    alone, beside = (
        RulesLab(replace(scenario, trades=trades)) for trades in ([first], [first, second])
    )
    for place in alone.presets.values():
        alone.set(**place)
        beside.set(**place)
        assert alone.summary() == beside.summary() and alone.alt() == beside.alt()


def test_an_outage_takes_a_stop_and_leaves_the_liquidation_price(book):
    scenario = book["stress"]
    fact = {"entry": 100, "low": 70, "stop": 90, "closed": 104}
    leverage, runs = outage(scenario, fact)
    symbol = scenario.trades[0].symbol
    assert leverage > 1
    for run in runs["the stop acts"].values():
        assert not run.dead
        profit = 0.1 * scenario.trades[0].notional * (1 - 0)
        fee = scenario.trades[0].contract.taker_fee
        assert run.equity[-1] - scenario.balance == pytest.approx(profit, abs=2 * fee * profit * 10)
    assert runs["the exchange stands still"]["isolated"].dead == [symbol]


def test_a_long_margined_in_its_coin_is_one_more_leverage(book):
    scenario = book["stress"]
    trade = scenario.trades[0]
    rate = trade.contract.maintenance_rate
    coins = margined_in_the_coin(scenario, leverage=1).account("isolated")
    change = coins.liquidation_price(trade.symbol) / trade.price - 1
    assert change == pytest.approx((1 + rate) / 2 - 1)
    dollars = scenario.with_trade(trade.symbol, leverage=2).account("isolated")
    other = dollars.liquidation_price(trade.symbol) / trade.price - 1
    assert change == pytest.approx(other, abs=0.01)


def test_enough_money_is_what_a_replay_needs(book):
    """A thousandth less than enough is liquidated, a thousandth more lives."""
    scenario = book["stress"]
    rng = np.random.default_rng(3)
    drawn = scenario.market().draw(rng, steps=20, paths=5)
    pair = scenario.account("cross").positions
    _, shared = enough(pair, drawn)
    for number, money in enumerate(shared):
        less, more = (
            replay(Account(balance=part * money, positions=pair), drawn.path(number))
            for part in (0.999, 1.001)
        )
        assert less.dead and not more.dead


# What a reader takes hold of


def test_most_labs_can_be_taken_hold_of():
    book = load("notebooks/scenarios.toml")
    held = {kind.__name__ for kind, table in STARTS.items() if kind(book[table]).state()["handles"]}
    assert len(held) >= 7


def pulled(lab, number, along, pixels):
    """What the page asks for when a handle is pulled by so many pixels."""
    handle = lab.state()["handles"][number]
    at = dict(zip("xy", handle["at"], strict=True))
    at[along] += pixels
    return {m["control"]: m["a"] + m["b"] * at[m["along"]] for m in handle["moves"]}


def test_a_handle_that_is_not_moved_asks_for_what_there_is(lab):
    """It stands where its control is, unless what it shows has an end."""
    for number, handle in enumerate(lab.state()["handles"]):
        wanted = pulled(lab, number, "x", 0)
        for move in handle["moves"]:
            value = lab.values()[move["control"]]
            assert wanted[move["control"]] == pytest.approx(value, abs=2 * move["step"])


def test_what_is_dragged_goes_where_the_pointer_goes(lab):
    """The handle is then where it was dragged to, to a step of its control."""
    handles = lab.state()["handles"]
    for number, handle in enumerate(handles):
        for along in {move["along"] for move in handle["moves"]}:
            for pixels in (-12, 12):
                lab.set(**lab.presets["start"])
                before = lab.state()["handles"][number]["at"]["xy".index(along)]
                move = next(m for m in handle["moves"] if m["along"] == along)
                wanted = pulled(lab, number, along, pixels)[move["control"]]
                if not move["low"] <= wanted <= move["high"]:
                    continue
                lab._dragged({move["control"]: wanted}, "token")
                shown = lab._screen.state
                assert shown["token"] == "token"
                assert abs(shown["controls"][move["control"]] - wanted) <= 0.51 * move["step"]
                if len(shown["handles"]) == len(handles):  # else what was held is closed now
                    after = shown["handles"][number]["at"]["xy".index(along)]
                    assert abs(after - before - pixels) <= 1.5 + abs(move["step"] / move["b"])


def test_a_drag_to_where_it_stands_is_answered_too(lab):
    for token, handle in enumerate(lab.state()["handles"]):
        same = {move["control"]: lab.values()[move["control"]] for move in handle["moves"]}
        lab._dragged(same, str(token))
        assert lab._screen.state["token"] == str(token)


def test_a_drag_beyond_the_ends_ends_there(lab):
    for handle in lab.state()["handles"]:
        for move in handle["moves"]:
            lab._dragged({move["control"]: 1e9}, "far")
            assert lab.values()[move["control"]] == move["high"]
            lab.set(**lab.presets["start"])


def test_a_lab_elsewhere_leaves_this_one_where_it_is(lab):
    words, values, picture = lab.summary(), lab.values(), lab._screen.picture
    there = list(lab.presets.values())[-1]
    other = lab.at(**there)
    assert {name: other.values()[name] for name in there} == pytest.approx(dict(there))
    assert other.presets["start"] == other.values()
    assert lab.summary() == words and lab.values() == values
    assert (lab._screen.picture == picture) is True
    assert (lab.png() == bytes(picture)) is True
    fresh = type(lab)(lab.scenario)
    fresh.set(**there)
    assert other.summary() == fresh.summary()


def test_a_state_is_plain_data(lab):
    assert json.loads(json.dumps(lab.state())) == lab.state()


# What a readout says


def amount(words):
    """The first number of some words.

    >>> amount("−1,234.50 USD")
    -1234.5
    """
    found = re.search(r"[−+-]?[\d,]+(\.\d+)?", words)
    return float(found[0].replace("−", "-").replace(",", "")) if found else None


STATUS = ("LeverageLab", "TermsLab", "IsolatedLab", "CrossLab", "ComparisonLab", "PathLab")


def contradict_nothing(lab):
    """No two lines of a lab's readout say what cannot both be."""
    tiles, words = lab.shown.tiles, lab.summary()
    for tile in tiles:
        if tile.life == "closed" and "all of it" not in tile.name:
            assert amount(tile.money) == 0  # a dead pocket shows no equity
        if tile.life == "closed":
            assert tile.note.startswith("closed ") and "alive" not in tile.note
            assert "closes it" not in tile.note
            symbol = tile.name.split("'")[0]
            assert not re.search(rf"\b{symbol}\b[^.;]*\balive\b", words)
    if type(lab).__name__ not in STATUS:
        return
    for mode in MODES:
        mine = [tile for tile in tiles if tile.mode == mode and "pocket" in tile.name]
        whole = [tile for tile in tiles if tile.name in ("account", f"{mode}, all of it")]
        for tile in whole:
            kept = amount(tile.money)
            assert f"{abs(kept):,.2f}" in words or "closed" not in words
            if "since" in tile.note:  # kept less what was won is what was there
                there = kept - amount(tile.note)
                fees = 0.02 * lab.scenario.balance  # of opening, at most
                assert lab.scenario.balance - fees <= there <= lab.scenario.balance + 0.02
            if mine and mode == "isolated":
                assert sum(amount(t.money) for t in mine) <= kept + 0.02


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("kind", STARTS, ids=lambda kind: kind.__name__)
def test_no_two_lines_contradict_each_other_where_buttons_lead(kind, path, root):
    lab = kind(load(root / path)[STARTS[kind]])
    for values in lab.presets.values():
        lab.set(**values)
        contradict_nothing(lab)


def test_margin_that_comes_after_the_end_changes_nothing(book):
    lab = IsolatedLab(book["isolated"])
    lab.set(change=-0.5)
    words, tiles, picture = lab.summary(), lab.shown.tiles, lab._screen.picture
    assert lab.controls["added"].disabled
    assert lab.state()["locked"] == ["added"]
    assert "added" not in [m["control"] for h in lab.state()["handles"] for m in h["moves"]]
    lab.controls["added"].value = 1.0
    lab.set(added=0.5)
    lab._dragged({"added": 2.0}, "late")
    assert (lab.values()["added"], lab.controls["added"].value) == (0, 0)
    assert (lab.summary(), lab.shown.tiles) == (words, tiles)
    assert (lab._screen.picture == picture) is True
    lab.set(change=0.0)
    lab.controls["added"].value = 1.0
    assert not lab.controls["added"].disabled and lab.values()["added"] == 1.0


@pytest.mark.parametrize("name", ["rescue", "contagion", "gap"])
def test_the_moves_of_a_scenario_lie_well_inside_their_regions(book, name):
    """Not within a tenth of a wall or of the line."""
    scenario = book["cross"]
    first, second = (trade.symbol for trade in scenario.trades)
    move = scenario.moves[name]
    accounts = {mode: scenario.account(mode) for mode in MODES}

    def fate(x, y):
        marks = scenario.marks(**{first: x, second: y})
        risks = [accounts["isolated"].risk(marks, symbol) for symbol in (first, second)]
        return [bool(risk.is_liquidatable) for risk in [*risks, accounts["cross"].risk(marks)]]

    here = fate(move[first], move[second])
    around = np.linspace(0, 2 * np.pi, 64)
    for x, y in zip(0.1 * np.cos(around), 0.1 * np.sin(around), strict=True):
        assert fate(max(move[first] + x, -0.999), move[second] + y) == here
    told = {"rescue": [True, False, False], "contagion": [False, True, True], "gap": [True] * 3}
    assert here == told[name]


def test_a_film_begins_at_the_first_step_and_goes_on_between_steps(book):
    lab = modes.PathLab(book["cross"])
    film = lab.state()["film"]
    assert lab.values()["step"] == film["low"] == 0
    assert (film["high"] - film["low"]) / film["rate"] >= 4
    seen = set()
    for step in np.arange(0, 2, lab.controls["step"].step):
        lab.set(step=step)
        seen.add(bytes(lab._screen.picture))
    assert len(seen) == len(np.arange(0, 2, lab.controls["step"].step))


def test_prices_that_come_back_bring_no_closed_position_back(book):
    lab = FirstLab(book["cross"])
    account = book["cross"].account("isolated")
    eth, ada = (trade.symbol for trade in book["cross"].trades)
    fall = account.liquidation_price(eth) / account[eth].entry_price - 1
    lab.set(**{eth: 1.1 * fall, ada: 0.9 * fall})
    assert {tile.life for tile in lab.shown.tiles if eth in tile.name} == {"closed"}
    lab.set(prices=PRICES[1])
    isolated, cross = lab.summary().splitlines()
    assert f"{eth} stays closed" in isolated and "all alive" in cross
    assert "Prices have come back" in lab.alt()
    (handle,) = lab.state()["handles"]
    for move, at in zip(handle["moves"], handle["at"], strict=True):
        assert abs(move["a"] + move["b"] * at) < move["step"] / 2
    lab._dragged({eth: 0.1, ada: 0.0}, "again")  # whoever takes the dot again starts anew
    assert lab.values()["prices"] == PRICES[0] and lab.values()[eth] == pytest.approx(0.1)
    assert "all alive" in lab.summary().splitlines()[0]
    lab.set(prices=PRICES[1])
    lab.controls[ada].value = 0.2  # by its slider
    assert lab.values()["prices"] == PRICES[0]
