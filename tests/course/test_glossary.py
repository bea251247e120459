"""One glossary: it has every word of the field that the course uses, in the one spelling."""

import re
import tomllib
from pathlib import Path

import pytest

from margin_course.claims import CLAIMS
from tools.notebooks import glossary as page
from tools.notebooks import run as notebooks
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"
PATH = FOLDER / "glossary.toml"
TERMS = tomllib.loads(PATH.read_text(encoding="utf-8"))
PATHS = sorted(FOLDER.glob("*.ipynb"))
# What code, plots and prose must call by these names.
WORDS = """
    quantity, entry price, mark price, notional, wallet balance, equity, unrealised PnL,
    initial margin, maintenance margin, maintenance rate, maintenance amount, margin ratio,
    margin level, available balance, leverage, effective leverage, liquidation price,
    bankruptcy price, liquidation fee, insurance fund, auto-deleveraging, funding, interest, tier,
    one-way mode, hedge mode, reduce-only, isolated margin, cross margin, collateral, long, short
"""
# Words of the field: where the course uses one, the glossary must have it.
FIELD = """
    auto-deleverag, available balance, bankruptcy price, bracket, collateral, contract size,
    correlation, cross margin, effective leverage, entry price, equity, exposure, funding, haircut,
    hedge mode, impact price, index price, initial margin, insurance fund, interest,
    isolated margin, last price, leverage, limit order, liquidation fee, liquidation price,
    liquidity, lot size,
    maintenance amount, maintenance margin, maintenance rate, maker, margin call, margin level,
    margin loan, margin mode, margin ratio, mark price, market order, notional, one-way mode,
    open interest, oracle, perpetual, PnL, portfolio margin, reduce-only, risk limit, ruin,
    slippage, spread betting, stop-loss, taker, tick size, tier, trailing stop, unrealised,
    volatility, wallet balance, wick
"""


def listed(text: str) -> list[str]:
    return [" ".join(word.split()) for word in text.split(",")]


def prose(markdown: str) -> str:
    """Markdown without code, addresses and quotations of what a venue or a source prints.

    >>> prose("a `liq price` and [liq price](liq.html) of “liq price”").split()
    ['a', 'and', 'liq', 'price', 'of']
    """
    for hidden in (r"(?s)```.*?```", r"`[^`]*`", r"(?<=\])\([^)]*\)", r"https?://\S+", r"“[^”]*”"):
        markdown = re.sub(hidden, " ", markdown)
    return markdown.replace("[", " ").replace("]", " ")


def shown(path: Path) -> str:
    """All prose of a notebook: its Markdown, and the sentences that its cells say."""
    texts = []
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "markdown":
            texts.append(cell.source)
        else:
            texts += [
                output.data["text/markdown"]
                for output in cell.outputs
                if "text/markdown" in output.get("data", {})
            ]
    return prose("\n\n".join(texts))


def texts() -> dict[str, str]:
    quiz = tomllib.loads((FOLDER / "quiz.toml").read_text(encoding="utf-8"))
    asked = [
        [each["ask"], *(o["says"] + " " + o["because"] for o in each["options"])]
        for questions in quiz.values()
        for each in questions
    ]
    return {path.name: shown(path) for path in PATHS} | {
        "quiz.toml": "\n".join("\n".join(words) for words in asked),
        "claims.py": "\n".join(claim.says for claim in CLAIMS.values()),
        "glossary.toml": "\n".join(entry["means"] for entry in TERMS.values()),
        "answers": "\n".join(
            path.read_text(encoding="utf-8")
            for path in sorted(ROOT.glob("margin_course/answers/*.py"))
        ),
    }


TEXTS = texts()


def says(text: str, word: str) -> bool:
    """Whether a text uses a word; letters case does not count, unless the word is an abbreviation.

    >>> says("The Mark price.", "mark price"), says("pnl", "PNL")
    (True, False)
    """
    flags = 0 if re.search(r"[A-Z]", word) else re.IGNORECASE
    return bool(re.search(rf"(?<![\w-]){re.escape(word)}", text, flags))


def other_spellings(text: str) -> list[str]:
    return [word for entry in TERMS.values() for word in entry.get("never", []) if says(text, word)]


@pytest.mark.parametrize("place", TEXTS)
def test_each_word_has_one_spelling(place):
    assert other_spellings(TEXTS[place]) == []


@pytest.mark.parametrize(
    "slip", ["unrealized PnL", "your P&L", "the liq price", "a mark-price", "to auto-deleverage"]
)
def test_another_spelling_is_noticed(slip):
    assert other_spellings(f"This is {slip}.")


@pytest.mark.parametrize("word", listed(FIELD))
def test_no_word_of_the_field_is_missing(word):
    used = [place for place, text in TEXTS.items() if place != "answers" and says(text, word)]
    assert not used or any(word in term or term in word for term in TERMS), f"used in {used}"


@pytest.mark.parametrize("word", listed(WORDS))
def test_the_words_of_the_course_are_in_it(word):
    assert word in TERMS


@pytest.mark.parametrize("term", TERMS)
def test_an_entry_is_complete(term):
    entry = TERMS[term]
    assert set(entry) <= {"means", "formula", "unit", "venues", "never"}
    assert entry["means"].endswith(".") and len(entry["means"]) > 20
    assert "unit" in entry or "formula" not in entry, "what has a formula has a unit"
    assert not any("|" in str(value) for value in entry.values()), (
        "it would end a cell of the table"
    )
    assert term not in entry.get("never", [])


def test_the_page_has_every_term_in_order():
    text = page.page(TERMS)
    assert re.findall(r"(?m)^## (.+)$", text) == sorted(TERMS, key=str.lower)
    assert all(entry["means"] in text for entry in TERMS.values())
    assert (FOLDER / page.PAGE).read_text(encoding="utf-8") == text, "run `make notebooks`"


def texts_of(path: Path) -> list[str]:
    cells = [cell for cell in notebooks.read(path).cells if cell.cell_type == "markdown"]
    return [cell.source for cell in cells if "fixed" not in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_the_first_use_of_each_word_leads_to_its_meaning(path):
    assert texts_of(path) == page.linked(texts_of(path), TERMS), "run `make notebooks`"
    assert f"]({page.PAGE})" in texts_of(path)[0]


def test_a_word_is_linked_once_and_not_where_it_is_explained():
    words = {"tick": {"means": "A step."}, "mark price": {"means": "A “price”."}}
    words["price"] = {"means": "What it costs."}
    texts = ["# A tick\n\n`tick` [tick](a.md)\n\nThe **tick** is small.", "A tick, a mark price."]
    first, second = page.linked([*texts], words)
    assert first == texts[0]
    assert second == 'A tick, a [mark price](glossary.md#mark-price "A “price”.").'
    assert page.linked([first, second], words) == [first, second]


def test_what_is_computed_holds_no_link():
    """Else the text would differ from what its expression says, at every run."""
    text = "her views: <!--= views -->ETH long<!--/-->, a long"
    (linked,) = page.linked([text], {"long": {"means": "A."}})
    assert linked == text.replace("a long", 'a [long](glossary.md#long "A.")')
    assert page.linked([linked], {"long": {"means": "A."}}) == [linked]


@pytest.mark.parametrize(
    ("text", "linked"),
    [("as long as", False), ("how long", False), ("a long trade", True), ("Go short!", True)],
)
def test_everyday_words_are_no_words_of_the_field(text, linked):
    words = {"long": {"means": "A."}, "short": {"means": "B."}}
    assert (page.linked([text], words) != [text]) == linked
