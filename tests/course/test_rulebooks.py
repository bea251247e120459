"""Tables of what venues allow and ask for: each value has a source and a day, and stays text."""

import re
from dataclasses import replace
from html import unescape

import pytest

from margin_course import rulebooks
from margin_course.rulebooks import EVERYTHING, MAY_I, MODES, RULES, Facts, WhatMayIDo, allowed
from margin_lib.venues import names, venue
from tests.support.payload import PAYLOAD, active

COLUMNS = [*MODES, *RULES]


def cells(shown):
    """The cells of each row of a table, as HTML."""
    rows = re.findall(r"<tr>(.*?)</tr>", shown)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


@pytest.mark.parametrize("columns", [MODES, RULES], ids=["modes", "rules"])
def test_every_value_has_its_day_and_leads_to_its_source(columns):
    first, *rows = cells(Facts(columns, names())._repr_html_())
    assert first == ["venue", *(column.name for column in columns)]
    assert [row[0] for row in rows] == list(names())
    linked = 0
    for name, row in zip(names(), rows, strict=True):
        known = {fact.name: fact for fact in venue(name).facts}
        for column, cell in zip(columns, row[1:], strict=True):
            if column.fact not in known:
                assert cell == "?"
                continue
            fact = known[column.fact]
            assert unescape(re.search(r'title="([^"]*)"', cell)[1]).startswith(fact.source)
            assert re.search(r"<small>(undated|\d{4}(-\d\d){0,2})</small>", cell)
            if address := re.search(r'href="([^"]*)"', cell):
                assert unescape(address[1]) in fact.source and not address[1].endswith((",", ")"))
                linked += 1
            assert "http" not in re.sub(r"<[^>]*>", "", cell)  # no address is read out
    assert linked > len(rows)


def test_a_number_does_not_part_from_its_unit():
    shown = Facts((*MODES, *RULES), names())._repr_html_()
    text = re.sub(r"<[^>]*>", " ", shown)
    assert re.search(r"\d\u00a0%", text) and not re.search(r"\d %", text)


@pytest.mark.parametrize("want", MAY_I)
def test_a_wish_finds_who_says_yes_and_counts_the_others(want):
    yes, words = allowed(want)
    said = {name: MAY_I[want](venue(name).menu) for name in names()}
    assert yes == tuple(name for name in names() if said[name]) and 0 < len(yes) < len(said)
    no = [name for name in names() if said[name] is False]
    unknown = sum(answer is None for answer in said.values())
    assert words.startswith(f"Yes on {len(yes)} of {len(said)}")
    assert all(name in words for name in no) and words.endswith(f"Unknown: {unknown}.")


def test_a_choice_leaves_the_rows_that_say_yes_and_all_come_back():
    table = WhatMayIDo()
    whole = table.table.value
    table.want.value = "let a pocket fill itself up from the balance"
    rows = cells(table.table.value)[1:]
    assert [row[0] for row in rows] == list(table.shown) == list(allowed(table.want.value)[0])
    assert f"Yes on {len(rows)} of {len(names())}" in table.told.value
    table.want.value = EVERYTHING
    assert table.table.value == whole and table.shown == names()


def test_without_a_kernel_the_whole_table_remains():
    table = WhatMayIDo()
    table.want.value = next(iter(MAY_I))
    data = table._repr_mimebundle_()
    assert len(cells(data["text/html"])) == 1 + len(names())
    assert all(name in data["text/plain"] for name in names())


def test_facts_of_a_hostile_file_are_text(monkeypatch):
    bad = venue("okx")
    words = [replace_fact(fact) for fact in bad.facts]
    monkeypatch.setattr(rulebooks, "venue", lambda name: replace(bad, facts=tuple(words)))
    monkeypatch.setattr(rulebooks, "names", lambda: (PAYLOAD,))
    shown = Facts(MODES, (PAYLOAD,))._repr_html_()
    assert active(shown) == [] and "fired" in shown


def replace_fact(fact):
    value = PAYLOAD if isinstance(fact.value, str) else fact.value
    value = (PAYLOAD,) if isinstance(value, tuple) else value
    return fact._replace(value=value, source=PAYLOAD, as_of=PAYLOAD)
