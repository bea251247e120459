"""A prediction, an exercise and the quiz in JupyterLab, by keyboard alone; and a word's meaning."""

import re

import pytest

from tests.support import browser
from tests.support.waiting import until

NAME = "01_leverage.ipynb"
NODE = "number => window.jupyterapp.shell.currentWidget.content.widgets[number].node"


@pytest.fixture(scope="module")
def page(chrome, course, tmp_path_factory):
    with browser.server("lab", course, tmp_path_factory.mktemp("predictions")) as address:
        page = chrome.new_page(viewport={"width": 1366, "height": 768})
        browser.open_notebook(page, address(NAME))
        page.cells = browser.run_all(page)
        yield page
        page.close()


def shown(page, sign, place=0):
    """The node of the cell whose code has this sign, in view."""
    found = [
        number
        for number, cell in enumerate(page.cells)
        if cell["cell_type"] == "code" and re.search(sign, "".join(cell["source"]))
    ]
    page.evaluate(browser.SHOW, [found[place], sign])
    return page.evaluate_handle(NODE, found[place]).as_element()


def said(node, sign="[role=status]"):
    return node.wait_for_selector(sign).inner_text()


ASKS = r"(?m)^predict\("


def test_enter_commits_to_all_that_was_typed(page):
    node = shown(page, ASKS)
    assert node.query_selector("[role=status]") is None and "5,000" not in node.inner_text()
    node.wait_for_selector("input").focus()
    page.keyboard.type("4,000 USD")
    page.keyboard.press("Enter")
    assert "You said 4,000 USD. It is 5,000 USD." in said(node)
    assert node.query_selector("svg.scale") and node.query_selector("input").is_disabled()


def test_a_button_is_reached_and_pressed_by_keyboard(page):
    node = shown(page, ASKS, 1)
    node.wait_for_selector("input").focus()
    page.keyboard.type("a lot")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert "must be a number" in said(node)
    node.query_selector("input").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # show me
    node.wait_for_selector("text=It is 500 USD.")


def test_a_choice_is_a_row_of_buttons(page):
    node = shown(page, ASKS, 3)
    node.wait_for_selector("text=larger").focus()
    page.keyboard.press("Enter")
    assert "You said larger. Well predicted." in said(node)


def test_what_became_of_them_stands_at_the_end(page):
    shown(page, ASKS, 2).wait_for_selector("input").focus()
    page.keyboard.type("-0.4")
    page.keyboard.press("Enter")
    node = shown(page, r"^your_predictions\(\)$")
    until("the tally", lambda: re.search(r"You made \d of 5 predictions", said(node)))


def test_an_exercise_replies_and_helps(page):
    node = shown(page, r"^check\(")
    node.wait_for_selector("input").focus()
    page.keyboard.type("50%")
    page.keyboard.press("Enter")
    assert "01.1: not yet. Without leverage, yes." in said(node)
    node.query_selector("text=hint").click()
    node.wait_for_selector("ol li")


def test_the_quiz_marks_what_was_pressed_and_counts(page):
    node = shown(page, r'quiz\("01"\)')
    first = node.wait_for_selector("button:has-text('Money: the position')")
    first.focus()
    page.keyboard.press("Space")
    node.wait_for_selector("button:has-text('✗ Money')")
    node.wait_for_selector("text=0 of 1 right at the first try, 3 to go.")


def test_a_word_leads_to_its_meaning_at_the_first_click(page):
    page.evaluate(browser.SHOW, [1, "word"])
    link = page.locator("a[href*='glossary'][title]").first
    meaning = link.get_attribute("title")
    link.click()
    text = page.locator(".jp-MarkdownViewer p", has_text=meaning).first
    text.wait_for()
    top = text.bounding_box()["y"]
    assert 0 < top < 768, "the word is not in view"
