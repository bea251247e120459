"""Labs: controls in, words and a picture out; nothing else changes."""

import html
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

from margin_course.lessons import terms
from margin_course.lessons.comparison import CloudLab
from margin_course.lessons.cross_margin import CrossLab
from margin_course.lessons.faq_checks import FundingLab, FundingPicture
from margin_course.lessons.isolated_margin import IsolatedLab
from margin_course.lessons.leverage import LeverageLab
from margin_course.lessons.real_exchanges import RulesLab
from margin_course.lessons.stress import StressLab
from margin_course.lessons.terms import TermsLab
from margin_course.scenarios import load
from margin_lib import MarginError
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
    return one._image.value == other._image.value


def extremes(control):
    if hasattr(control, "options"):
        return list(control.options)
    return [control.min, control.max]


def test_every_control_can_go_to_its_ends_and_changes_the_readout_or_says_why(lab):
    for name, control in lab.controls.items():
        seen = set()
        for value in extremes(control):
            lab.set(**{name: value})
            seen.add((lab.summary(), hash(lab._image.value)))
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
    buttons = {button.description: button for button in lab.children[1].children}
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
    values = {name: extremes(control)[0] for name, control in lab.controls.items()}
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
        words, picture = lab.summary(), lab._image.value
        control.value = control.min + control.step * int(steps / 2)
        assert lab.values()[name] == asked
        assert lab.summary() == words and lab._image.value is picture
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


def test_the_readout_shows_the_summary_and_is_announced(lab):
    for line in lab.summary().splitlines():
        assert html.escape(line) in lab._readout.value
    assert 'aria-live="polite"' in lab._readout.value


def test_every_control_has_a_label_and_a_tip(lab):
    for control in lab.controls.values():
        assert control.description
        assert control.tip
        assert control.description in lab.children[-1].value
    assert lab.look in lab.children[-1].value


# What a label says -> what it belongs to; controls stand in the order of ORDER.
ORDER = ("account", "position", "market", "view")
BELONGS = {
    "set aside": "account",
    "in the coin": "account",
    "margin added later": "account",
    " side": "position",
    " mode": "position",
    " margin [%]": "position",
    "leverage": "position",
    "maintenance rate": "position",
    "size": "position",
    "maintenance margin": "position",
    "closing fee": "position",
    "rates": "position",
    "closed": "position",
    "price change": "market",
    "correlation": "market",
    "volatility": "market",
    "funding rate": "market",
    "market": "market",
    "event": "market",
    "step": "view",
}
BARE = ("correlation", "step")  # sliders of what has no unit


def test_controls_stand_in_one_order_with_units_in_their_labels(lab):
    labels = [control.description for control in lab.controls.values()]
    parts = [{BELONGS[words] for words in BELONGS if words in label} for label in labels]
    assert all(len(part) == 1 for part in parts), f"put all of these into BELONGS: {labels}"
    places = [ORDER.index(*part) for part in parts]
    assert places == sorted(places), labels
    for control in lab.controls.values():
        if hasattr(control, "step") and control.description not in BARE:
            assert re.search(r"\[.+\]$", control.description)


def test_the_picture_on_the_page_says_what_it_shows(lab):
    assert lab._image.tooltip == lab.alt()
    for line in lab.lines:
        assert line in lab.alt()


def test_without_a_kernel_a_picture_with_words_remains(lab):
    bundle = lab._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == lab.summary()
    assert '<img alt="' in data["text/html"]
    assert 'src="data:image/png;base64,' in data["text/html"]
    assert lab.lines[0].split(" ")[0] in data["text/html"].split('src="')[0]


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
    assert "<b>Hebel [x]</b>" in lab.children[-1].value
    assert lab.children[1].children[0].description == "Anfang"
    drawn = {each.get_text() for each in lab.canvas.figure.findobj(Text)}
    assert {"geliehen", "Einstieg"} <= drawn and not {"borrowed", "at entry"} & drawn
    assert not same_picture(lab, plain)
    assert lab.summary() == plain.summary()
    lab.set(leverage=1)
    lab.children[1].children[0].click()  # a button in other words does the same
    assert lab.summary() == plain.summary()


def test_labs_leave_no_figure_in_pyplot_and_no_settings_behind(book):
    before = dict(matplotlib.rcParams)
    CrossLab(book["cross"]).set(ETH=-0.2)
    assert dict(matplotlib.rcParams) == before


def test_a_refused_setting_is_said_and_the_picture_stays(book, monkeypatch):
    monkeypatch.setattr(terms, "opening", lambda leverage, rate: leverage)
    lab = TermsLab(book["leverage"])
    picture = lab._image.value
    lab.set(leverage=20, rate=0.1)
    assert lab.summary().startswith("The exchange refuses: ")
    assert (lab._image.value == picture) is True
    lab.set(**lab.presets["start"])
    assert (lab._image.value == picture) is True


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
    assert "Notional 10.00 BTC, borrowed 8.00 BTC." in lab.summary()
    lab.set(change=-0.19)
    assert lab.lines[0] == "ETH: liquidated at 0.08163 BTC, 2.00 BTC lost, 3.00 BTC untouched."
    lab = CrossLab(book["cross"])
    assert "ETH never, ADA +78.4 %" in lab.summary()
    lab.set(ETH=-0.5, ADA=-0.4)
    assert "Isolated: ETH liquidated" in lab.summary()
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
        assert lab.lines[0].startswith(f"ETH {side}: closed at {price} USDT, ")


def test_the_amount_of_a_tier_counts_only_in_a_larger_position(root):
    kinds = RulesLab.tables[1:]
    small, large = (
        [rules_lab(root, size=size, table=kind).lines[0] for kind in kinds] for size in (1, 50)
    )
    assert small[0] == small[1]
    assert "closed at 1,808.76" in large[0]  # (900,000 - 1500) / (500 * (1 - 0.0065))
    assert "closed at 1,811.78" in large[1]


def test_the_trigger_and_a_price_that_never_comes_are_said(root):
    lab = rules_lab(root, trigger="only beyond it", leverage=1)
    assert lab.summary() == "ETH long: no price closes it."
    lab.set(measured="frozen at entry")
    assert lab.lines[1] == "The first rules say never: only yours ever comes."
    lab.set(leverage=10, measured="follows the price")
    assert lab.lines[-1] == "A price of exactly that does not close it yet, the next tick does."
    lab.set(fee="asked for on top")
    assert "yours comes 0.9095 USDT sooner" in lab.lines[1]


def test_the_shares_of_a_cloud_add_up_and_stand_in_the_readout(book):
    lab = CloudLab(book["cross"])
    lab.set(side="long", **lab.presets["move together"])
    assert sum(lab.shares.values()) == pytest.approx(1)
    for words, share in lab.shares.items():
        assert f"{words} {share:.1%}".replace("%", " %") in lab.summary()
    both = ("everything dies", "both pockets die")
    assert lab.lost["isolated"] == pytest.approx(sum(lab.shares.get(words, 0) for words in both))
    cross = [x for words, x in lab.shares.items() if re.search("cross|everything", words)]
    assert lab.lost["cross"] == pytest.approx(sum(cross))
    assert f"cross {lab.lost['cross']:.1%}".replace("%", " %") in lab.summary()


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
def test_random_moves_end_where_a_fresh_lab_would_be(kind, path, root):
    scenario = load(root / path)[STARTS[kind]]
    lab, canvas = kind(scenario), kind(scenario).canvas

    class Quick(kind):  # laying out a picture takes longer than all the rest of a lab
        __doc__ = kind.__doc__

        def picture(self, scenario):
            return canvas

    @settings(max_examples=SEQUENCES // len(FILES), phases=[Phase.generate], database=None)
    @given(moves(lab.controls))
    def run(sequence):
        for name, value in sequence:
            lab.controls[name].value = value
        fresh = Quick(scenario)
        fresh.set(**lab.values())
        assert lab.summary() == fresh.summary()
        assert lab._image.tooltip == fresh._image.tooltip or "refuses" in lab.summary()
        assert not re.search(r"\b(nan|inf|none)\b", lab.summary().lower())
        if "refuses" not in lab.summary():
            assert same_picture(lab, fresh)

    run()


def test_funding_lab_says_what_a_replay_says(book):
    lab = FundingLab(book["isolated"])
    symbol, days = lab.scenario.trades[0].symbol, FundingPicture.days
    hours = st.sampled_from([1, 5, 8, 30])

    @settings(max_examples=20)
    @given(leverage=st.floats(1, 20), rate=st.floats(-0.001, 0.001), hours=hours)
    def run(leverage, rate, hours):
        scenario = replace(lab.scenario, funding_hours=hours)
        state, _ = lab.compute(scenario, leverage=leverage, rate=rate)
        scenario = scenario.with_trade(symbol, leverage=leverage)
        path = Bars.of_marks([scenario.marks()] * days, hours=24 * np.arange(1, days + 1))
        costs = Costs(funding={symbol: rate}, funding_hours=hours)
        for mode, (_, edges, money) in state.items():
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
    assert lab.lines[0].startswith("Isolated: all alive")
    lab.set(event="beyond it")
    assert lab.lines[0].startswith(f"Isolated: {symbol} liquidated")
    assert lab.lines[1].startswith("Cross: all alive")


def test_coins_that_fall_with_the_trade_bring_the_edge_of_cross_nearer(book):
    trader = book["stress"]
    trade = trader.trades[0]
    alone = replace(trader, trades=(trade,), moves={"down": {trade.symbol: -0.4}})
    lab = StressLab(alone)
    cash = float(lab.lines[1].split()[-3].replace(",", ""))
    lab.set(coin=1.0)
    assert "Cross: all alive" not in lab.summary()
    loss = 0.4 * alone.account("cross").balance
    lab.set(coin=0.1)
    assert float(lab.lines[1].split()[-3].replace(",", "")) == pytest.approx(
        cash - 0.1 * loss, abs=0.01
    )
