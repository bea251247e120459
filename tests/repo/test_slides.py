"""What becomes of a notebook on slides; tests/browser/test_slides.py opens them."""

import copy
import doctest
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks import run as notebooks
from tools.publish import slides

FIGURE = new_output("display_data", {"text/html": "<figure><img></figure>"})


def said(text):
    return new_output("stream", name="stdout", text=text)


@pytest.fixture
def deck():
    """The deck of a notebook with a cell of every sort."""
    cells = [
        new_markdown_cell("# 01 · One\n\nWhy?\n\n[Index](00.ipynb) · [Next](02.ipynb)"),
        new_markdown_cell("## First\n\nHow much?"),
        new_code_cell("x = 1\namount(x)", outputs=[said("1")]),
        new_code_cell('say("so")', outputs=[said("so")]),
        new_markdown_cell("On.\n\n### What happened then"),
        new_code_cell("show(picture)", outputs=[copy.deepcopy(FIGURE)]),
        new_markdown_cell("## Exercises\n\nHow.\n\n**01.1 Compute.** It?"),
        new_code_cell('check("01.1", None)', outputs=[said("01.1: no answer yet.")]),
        new_markdown_cell("## Quiz\n\nPress."),
        new_code_cell('quiz("01")', outputs=[said("a quiz")]),
        new_markdown_cell("## Key points\n\n- A\n- B\n\n[Index](00.ipynb)"),
    ]
    return slides.deck(new_notebook(cells=cells))


def test_a_notebook_becomes_columns_of_slides(deck):
    found = [(cell.metadata.slideshow.slide_type, cell.source) for cell in deck.cells]
    assert found == [
        ("slide", "# 01 · One"),
        ("-", "Why?"),
        ("slide", "## First"),
        ("-", "How much?"),
        ("-", "x = 1\namount(x)"),
        ("-", 'say("so")'),
        ("-", "On."),
        ("subslide", "### What happened then"),
        ("subslide", "show(picture)"),
        ("slide", "## Exercises"),
        ("-", "How."),
        ("subslide", "**01.1 Compute.** It?"),
        ("slide", "## Key points"),
        ("-", "- A\n- B"),
    ]


def test_a_tag_decides_otherwise():
    cells = [
        new_markdown_cell("# 01 · One"),
        new_markdown_cell("Aside.\n\nMore.", metadata={"tags": ["skip"]}),
        new_markdown_cell("A turn.\n\nOn.", metadata={"tags": ["subslide"]}),
        new_code_cell("x = 1", metadata={"tags": ["fragment", "fixed"]}),
        new_code_cell("y = 1", metadata={"tags": ["skip"]}),
    ]
    found = slides.deck(new_notebook(cells=cells)).cells
    assert [(cell.metadata.slideshow.slide_type, cell.source) for cell in found] == [
        ("slide", "# 01 · One"),
        ("subslide", "A turn."),
        ("-", "On."),
        ("fragment", "x = 1"),
    ]


def test_a_fold_stays_whole_and_a_prediction_begins_a_slide():
    fold = "<details><summary>What happened</summary>\n\nOne.\n\nTwo.\n\n</details>"
    asks = new_output("display_data", {"text/html": '<div data-prediction="{}">?</div>'})
    cells = [
        new_markdown_cell("# 01 · One"),
        new_markdown_cell("## First\n\nETH falls."),
        new_code_cell(
            "left = 1\npredict('?', left)",
            outputs=[asks],
            metadata={"jupyter": {"source_hidden": True}},
        ),
        new_markdown_cell(f"{fold}\n\nOn."),
        new_code_cell('prose_is_fresh("01.ipynb")', outputs=[said("1 of the 1 numbers")]),
    ]
    found = slides.deck(new_notebook(cells=cells)).cells
    assert [(cell.metadata.slideshow.slide_type, cell.source) for cell in found][2:] == [
        ("-", "ETH falls."),
        ("subslide", "left = 1\npredict('?', left)"),
        ("-", fold),
        ("-", "On."),
    ]
    assert "transient" in found[3].metadata


def test_code_that_only_shows_is_hidden(deck):
    hidden = [cell.source for cell in deck.cells if "transient" in cell.metadata]
    assert hidden == ['say("so")', "show(picture)"]


def test_a_page_asks_nothing_of_a_network(deck):
    page = slides.to_html(deck, "One")
    loaded = [part for part in page.split("<") if part.startswith(("script", "link", "img"))]
    assert any("reveal.js/dist/reveal.js" in part for part in loaded)
    assert not [part for part in loaded if "//" in part.split(">")[0]]
    assert "MathJax" not in page


def test_a_film_becomes_slides_of_its_frames(root):
    """On a slide nothing plays; the last frame is the film's end."""
    before = notebooks.read(root / "notebooks" / "04_cross_margin.ipynb")
    after = slides.with_films(before)
    (frames,) = [
        [cell for cell in after.cells[n : n + slides.FRAMES] if not cell.source]
        for n, cell in enumerate(after.cells, start=1)
        if "PathLab(" in cell.source
    ]
    assert len(frames) == slides.FRAMES == len(after.cells) - len(before.cells)
    pictures = [re.search(r'src="(data:[^"]+)"', cell.outputs[0].data["text/html"])[1]
                for cell in frames]  # fmt: skip
    assert len(set(pictures)) == len(frames)
    made = slides.deck(after)
    shown = [cell for cell in made.cells if cell.cell_type == "code" and not cell.source]
    assert [cell.metadata.slideshow.slide_type for cell in shown] == ["subslide"] * len(frames)
    assert all(cell.metadata.transient.remove_source for cell in shown)


def test_every_notebook_has_a_title_and_key_points_or_none(root):
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = slides.deck(notebooks.read(path)).cells
        assert cells[0].source.startswith("# "), path.name
        assert not [cell for cell in cells if slides.WAITS.match(cell.source)], path.name


def test_the_examples_of_the_tool_hold():
    assert doctest.testmod(slides).failed == 0
