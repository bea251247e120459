"""Text from data files is text: a payload in every string of every file runs nowhere."""

import re
import tomllib
from dataclasses import replace
from html import unescape

import mistune
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from margin_course import files, page, prediction, prose
from margin_course.ledger import Claim, Ledger, found
from margin_course.quiz import Quiz
from margin_course.scenarios import load
from margin_course.text import escaped, money, price
from margin_lib.account import Account
from margin_lib.contracts import Contract
from margin_lib.errors import MarginError
from margin_lib.replay import replay
from tests.support.lessons import LABS
from tests.support.payload import PAYLOAD, SHORT, active, poisoned
from tests.support.shown import html_of
from tests.support.strategies import SCENARIOS
from tools.notebooks import glossary
from tools.repo import ROOT

BOOK = load(SCENARIOS)


def data(name):
    return tomllib.loads((ROOT / "notebooks" / name).read_text(encoding="utf-8"))


def rendered(markdown):
    """HTML of Markdown as nbconvert makes it: what is HTML already stays."""
    return mistune.create_markdown(escape=False, plugins=["table"])(markdown)


def assert_inert(*pages):
    for shown in pages:
        assert active(shown) == []
        assert "fired" in shown, "the payload is not even there"


@pytest.fixture
def said(monkeypatch):
    """What was displayed: one bundle after another."""
    shown = []

    def display(data, raw, metadata=None):
        shown.append(data)

    monkeypatch.setattr(page, "display", display)
    return shown


def test_the_payload_runs_where_it_is_not_escaped():
    for shown in (PAYLOAD, f"<b>{PAYLOAD}</b>", rendered(PAYLOAD), f'<img alt="{PAYLOAD}">'):
        assert active(shown)


def test_escaped_text_reads_as_it_was_written():
    for words in ("a < b & c", "*one* _two_ `three`", "[a](b) | c \\ d ~e~ $f$", 'it\'s "so"'):
        html, markdown = escaped(words), rendered(escaped(words, markdown=True))
        assert active(html) == active(markdown) == []
        for shown in (html, markdown):
            assert unescape(re.sub("<.*?>", "", shown)).strip() == words
        assert "<em>" not in markdown and "<code>" not in markdown and "<a" not in markdown
    assert escaped("a\nb\u202ec\0") == "a b c "
    assert escaped("max_loss, a_b", markdown=True) == "max_loss, a_b"


# Scenarios


def places(value, way=()):
    """The way to each string of a tree, and to each key."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield (*way, key), True
            yield from places(each, (*way, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*way, number))
    elif isinstance(value, str):
        yield way, False


# An adapted course may have [labels]: their words are escaped where they are shown.
STRINGS = [each for each in places(data("scenarios.toml")) if each[0][0] != "labels"]


def test_a_scenario_file_with_markup_in_any_string_is_refused(monkeypatch):
    for way, is_key in STRINGS:
        tables = data("scenarios.toml")
        holder = tables
        for step in way[:-1]:
            holder = holder[step]
        if is_key:
            holder[PAYLOAD] = holder.pop(way[-1])
        else:
            holder[way[-1]] = PAYLOAD
        monkeypatch.setattr(files, "toml", lambda path, tables=tables: tables)
        with pytest.raises(MarginError) as caught:
            load("scenarios.toml")
        assert len(str(caught.value)) < 400 and "\n" not in str(caught.value), way


def hostile(scenario):
    """A scenario that no file can hold: its currency, and all words of its labs."""
    lab = next(lab for lab in LABS.values() if lab.starts_in == scenario.name)
    made = lab(scenario)
    words = [made.look, "Look at", "start", "leverage", "price", "margin", "step", "side", "market"]
    words += [word for c in made.controls.values() for word in (c.description, c.tip)]
    return replace(scenario, currency=SHORT, labels=dict.fromkeys(words, SHORT))


@pytest.mark.parametrize("kind", LABS.values(), ids=LABS)
def test_a_lab_shows_words_and_no_markup(kind):
    lab = kind(hostile(BOOK[kind.starts_in]))
    for name, control in lab.controls.items():
        lab.set(**{name: control.options[-1] if hasattr(control, "options") else control.max})
    shown = [*html_of(lab), lab._repr_mimebundle_()["text/html"]]
    assert_inert("".join(shown))
    for each in shown:
        assert active(each) == []
    every = [lab, *lab.controls.values()]
    assert not [each for each in every if getattr(each, "description_allow_html", False)]


def test_tables_and_sentences_show_words_and_no_markup(said):
    symbol = PAYLOAD
    account, _ = Account(balance=5).open(
        Contract(symbol=symbol), quantity=100, price=0.1, leverage=5
    )
    marks = {symbol: 0.09}
    run = replay(account, [marks, marks])
    tables = [
        page.positions(account, marks, PAYLOAD),
        page.results({PAYLOAD: {PAYLOAD: run}}, PAYLOAD, PAYLOAD),
        page.table([{PAYLOAD: PAYLOAD, "a": PAYLOAD}]),
        page.by_mode(PAYLOAD, {PAYLOAD: (PAYLOAD, PAYLOAD)}),
    ]
    for made in tables:
        assert_inert(made._repr_html_(), prediction.shown(made))
    assert_inert(rendered(page.terms(account, symbol, marks, PAYLOAD)))
    for words in (money(5, PAYLOAD), price(0.1, PAYLOAD), f"**{PAYLOAD}**", PAYLOAD):
        page.say(words)
        shown = rendered(said[-1]["text/markdown"])
        assert_inert(shown)
        assert said[-1]["text/plain"] == words
    assert_inert(rendered(prose.computed("x", {"x": PAYLOAD})))
    assert_inert(page.figure(b"", PAYLOAD, [PAYLOAD, PAYLOAD]))


# The other files


def test_a_quiz_shows_words_and_no_markup():
    for name, questions in data("quiz.toml").items():
        made = Quiz(poisoned(questions))
        for question in made.questions:
            for button in question.buttons:
                button.click()
                assert_inert(*html_of(question))
        assert_inert(made._repr_mimebundle_()["text/html"]), name


def test_a_glossary_shows_words_and_no_markup(tmp_path):
    words = {PAYLOAD: poisoned(data("glossary.toml")["equity"])}
    words |= {f"word {n}": poisoned(e) for n, e in enumerate(data("glossary.toml").values())}
    assert_inert(rendered(glossary.page(words)))
    linked = glossary.linked(["The first word 1, and so on."], words)
    assert "fired" in linked[0] and "word 1" in linked[0]
    assert active(rendered(linked[0])) == []
    path = tmp_path / "glossary.toml"
    quoted = PAYLOAD.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    path.write_text("".join(f'["a{n} {quoted}"]\nmeans = "{quoted}"\n' for n in range(3)), "utf-8")
    shown = rendered(page.glossary(path))
    assert_inert(shown)
    assert shown.count("<tr>") == 4, "a row stays one row"


def test_facts_show_words_and_no_markup():
    facts = data("data/events.toml")
    sources = {name: fact["source"] for name, fact in facts.items()}
    bad = {f"{PAYLOAD}{n}": poisoned(fact) for n, fact in enumerate(facts.values())}
    with pytest.raises(MarginError, match="^source must be the address of a page, got"):
        page.cited(bad)
    for source in ("javascript:fired()", "https://a.b/)<img src=x>", "data:text/html,x", ""):
        with pytest.raises(MarginError, match="^source must be the address of a page"):
            page.cited({"a": facts["outage_low"] | {"source": source}})
    good = {
        name: fact | {"source": source}
        for (name, fact), source in zip(bad.items(), sources.values(), strict=True)
    }
    shown = rendered(page.cited(good))
    assert_inert(shown)
    assert shown.count("<tr>") == len(facts) + 1
    assert shown.count("<a href=") == len(facts)
    assert rendered(page.cited(facts)).count("<a href=") == len(facts)


def test_a_ledger_shows_words_and_no_markup():
    """The number of a trial says what a scenario calls its coins."""
    one = Claim("It is so.", "01_leverage", lambda _: found(PAYLOAD, it_holds=True))
    assert_inert(rendered(Ledger({}, {"A1": one}).table()))


def test_a_notebook_of_all_this_is_inert_as_a_page_and_as_slides(said):
    """nbconvert makes the slides; the outputs are those that notebooks store."""
    page.say(f"You keep {money(5, PAYLOAD)}.")
    lab = LABS["CrossLab"](hostile(BOOK["cross"]))
    made = Quiz(poisoned(data("quiz.toml")["01"]))
    outputs = [
        *said,
        lab._repr_mimebundle_(),
        made._repr_mimebundle_(),
        {"text/html": page.table([{"a": PAYLOAD}] * 2).to_html()},
    ]
    cells = [
        new_code_cell("x", outputs=[new_output("display_data", data=each) for each in outputs]),
        new_markdown_cell(f"It is <!--= x -->{prose.computed('x', {'x': PAYLOAD})}<!--/-->."),
        new_markdown_cell(glossary.page({"a": {"means": PAYLOAD}})),
    ]
    for template in ("basic", "reveal"):
        exporter = HTMLExporter(template_name=template)
        before, _ = exporter.from_notebook_node(new_notebook(cells=[new_code_cell("x")]))
        after, _ = exporter.from_notebook_node(new_notebook(cells=cells))
        assert len(active(after)) <= len(active(before)) + 1, template  # the widgets' own state
        assert "fired" in after
        assert not [a for name, a in active(after) if "x" in (a.get("src"), a.get("href"))]
        assert not [name for name, a in active(after) if "fired" in str(a)]
