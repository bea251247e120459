"""The facts of real events: each has a day, a place, words, a source and its grade."""

import datetime
import tomllib
from itertools import pairwise

import pytest

from margin_course.lessons.stress import TOLD, StressLab, change_of, stories
from margin_course.scenarios import load
from margin_lib.account import MODES
from tools.repo import ROOT

PATH = ROOT / "notebooks" / "data" / "events.toml"

NUMBERS = {"high", "low", "entry", "stop", "closed", "amount", "before", "after"}
WORDS = {"date", "where", "what", "source", "grade", "unit"}


def read():
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def facts():
    return read()


def test_every_fact_has_a_day_a_place_words_and_a_source(facts):
    assert facts
    for name, fact in facts.items():
        assert set(fact) <= NUMBERS | WORDS, name
        assert isinstance(fact["date"], datetime.date), name
        assert fact["where"] and fact["what"], name
        assert fact["source"].startswith(("https://", "http://")), name
        assert fact["grade"] in ("P", "S", "U", "W"), name


def test_figures_are_possible(facts):
    for name, fact in facts.items():
        if "low" in fact:
            assert 0 < fact["low"] < fact.get("high", fact.get("entry", float("inf"))), name
        if "amount" in fact and "unit" not in fact:
            assert -1 < fact["amount"] < 0, name  # a change
        if "before" in fact:
            assert fact["unit"] and fact["after"] > 0, name


def test_another_word_on_a_fact_has_another_source(facts):
    others = [name for name in facts if name.endswith("_other")]
    assert others
    for name in others:
        assert facts[name]["source"] != facts[name.removesuffix("_other")]["source"], name


def test_a_copy_of_somebody_elses_words_is_graded_as_weak(facts):
    """Mirrors and copies of newspapers are no source of their own; a primary one is the venue's."""
    copies = ("followin.io", "binance.bh", "cach3.com", "ouchyi.blue", "blogspot.", "t.me")
    for name, fact in facts.items():
        if any(site in fact["source"] for site in copies):
            assert fact["grade"] == "W", name
        if fact["grade"] == "P":
            assert fact["where"].lower().partition(".")[0] in fact["source"], name


def test_stories_have_the_figures_of_the_facts(facts):
    told = {story.name: story for story in stories(facts)}
    assert list(told) == list(TOLD)
    for name, points in TOLD.items():
        assert told[name].changes[0] == 0 and len(points) == len(told[name].when) >= 2
        for (when, fact), says, change in zip(
            points, told[name].when, told[name].changes, strict=True
        ):
            assert when == says
            assert change == (change_of(facts[fact]) if fact else 0)
    wick = told["Oct 2021, on one exchange"].changes
    assert wick == (0, facts["wick"]["low"] / facts["wick"]["high"] - 1, 0)


FILES = ["notebooks/scenarios.toml", "tests/support/other_scenarios.toml"]


@pytest.mark.parametrize("file", FILES)
def test_the_lab_shows_every_story_and_deeper_falls_cost_no_less(file, root, facts):
    lab = StressLab(load(root / file)["stress"], stories(facts))
    left = {}
    for story in lab.stories:
        lab.set(event=story.name, time=1.0)
        worth = [float(line.split()[-2].replace(",", "")) for line in lab.lines[:2]]
        if story.changes[-1] != 0:
            left[min(story.changes)] = worth
        kinds = "Isolated", "Cross", "Others have paid"
        assert all(line.startswith(f"{k}: ") for k, line in zip(kinds, lab.lines, strict=True))
    worse_first = [left[change] for change in sorted(left)]
    for worse, better in pairwise(worse_first):
        assert worse[1] <= better[1]


@pytest.mark.parametrize("file", FILES)
def test_the_known_prices_say_who_dies_and_the_way_between_them_who_pays(file, root, facts):
    """However many prices lie in between, the same pockets die; a jump costs others the most."""
    lab = StressLab(load(root / file)["stress"], stories(facts))
    for story in lab.stories:
        ends = set()
        for between in (1, 3, 17, 40):
            lab.set(event=story.name, between=between, time=1.0)
            paid = [lab.shown.state[mode].fund - lab.shown.state[mode].given_up for mode in MODES]
            ends.add(tuple(lab.shown.state[mode].is_closed for mode in MODES))
            if between == 1:
                jumped = paid
            assert all(one <= other + 1e-6 for one, other in zip(jumped, paid, strict=True))
        assert len(ends) == 1, story.name
