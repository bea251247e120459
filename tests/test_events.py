"""The facts of real events: each has a day, a place, words, a source and its grade."""

import datetime
import tomllib

import pytest

NUMBERS = {"high", "low", "entry", "stop", "closed", "amount", "before", "after"}
WORDS = {"date", "where", "what", "source", "grade", "unit"}


@pytest.fixture(scope="module")
def facts(root):
    with (root / "notebooks/data/events.toml").open("rb") as file:
        return tomllib.load(file)


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
