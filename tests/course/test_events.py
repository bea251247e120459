"""The facts of real events: each has a day, a place, words, a source and its grade."""

import datetime
import tomllib
from dataclasses import replace

import pytest

from margin_course.lessons.stress import StressLab
from margin_course.scenarios import load
from tools.repo import ROOT

PATH = ROOT / "notebooks" / "data" / "events.toml"

NUMBERS = {"high", "low", "entry", "stop", "closed", "amount", "before", "after"}
WORDS = {"date", "where", "what", "source", "grade", "unit"}


def read():
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


def with_events(scenario):
    """The scenario with all falls of the events as its moves, as notebook 09 gives it its lab."""
    moves = {}
    for name, fact in read().items():
        if "high" in fact and "low" in fact or "amount" in fact and "unit" not in fact:
            change = fact["low"] / fact["high"] - 1 if "high" in fact else fact["amount"]
            words = f"{fact['date']:%Y} {name.replace('_', ' ')}"
            moves[words] = {scenario.trades[0].symbol: change}
    return replace(scenario, moves=moves)


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
        assert fact["grade"] in ("P", "S", "U"), name


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


@pytest.mark.parametrize("file", ["notebooks/scenarios.toml", "tests/support/other_scenarios.toml"])
def test_the_lab_shows_every_event_and_deeper_falls_cost_no_less(file, root):
    scenario = with_events(load(root / file)["stress"])
    lab = StressLab(scenario)
    left = {}
    for name, move in scenario.moves.items():
        lab.set(event=name)
        change = next(iter(move.values()))
        left[change] = [float(line.split()[-2].replace(",", "")) for line in lab.lines[:2]]
        assert all(
            line.startswith(f"{mode}: ")
            for mode, line in zip(
                ("Isolated", "Cross", "Had it jumped there, others would pay"),
                lab.lines,
                strict=True,
            )
        )
    worse_first = [left[change] for change in sorted(left)]
    for worse, better in zip(worse_first, worse_first[1:], strict=False):
        assert worse[1] <= better[1]
