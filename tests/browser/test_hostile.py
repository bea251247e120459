"""Text of data files that would run if it were taken for markup, in a JupyterLab that trusts it."""

import tomllib

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.support import browser
from tests.support.payload import PAYLOAD, SHORT, poisoned
from tests.support.waiting import until
from tools.notebooks.run import NOTEBOOK_METADATA
from tools.repo import ROOT

QUESTIONS = poisoned(tomllib.loads((ROOT / "notebooks/quiz.toml").read_text("utf-8"))["01"])

BOOK = str(ROOT / "notebooks" / "scenarios.toml")
WORDS = f"BAD, SHORT, BOOK = {PAYLOAD!r}, {SHORT!r}, {BOOK!r}\n"
HOSTILE = [
    """from dataclasses import replace
from margin_course import load, predict, say, table
from margin_course.lessons.cross_margin import CrossLab
from margin_course.quiz import Quiz
lab = CrossLab(load(BOOK)["cross"])
words = [lab.look, "Look at", "start", *(c.description for c in lab.controls.values())]
CrossLab(replace(lab.scenario, currency=SHORT, labels=dict.fromkeys(words, SHORT)))""",
    f"Quiz({QUESTIONS!r})",
    "table([{BAD: BAD, 'a': BAD}])",
    "say(f'You keep {BAD}.')",
    "predict(BAD, BAD, options=[BAD, 'nothing'], replies={'nothing': BAD})",
]
TRUSTED = "from IPython.display import HTML\nHTML(BAD)"


@pytest.fixture(scope="module")
def page(chrome, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    for name, codes in (("hostile", HOSTILE), ("trusted", [TRUSTED])):
        sources = [WORDS + codes[0], *codes[1:]]
        cells = [new_code_cell(source) for source in sources]
        made = new_notebook(cells=cells, metadata=NOTEBOOK_METADATA)
        nbformat.write(made, folder / f"{name}.ipynb")
    with browser.server("lab", folder, tmp_path_factory.mktemp("server")) as address:
        page = chrome.new_page(viewport=browser.SCREEN)
        page.add_init_script("window.ran = 0; window.fired = () => { window.ran += 1 }")

        def opened(name):
            browser.open_notebook(page, address(f"{name}.ipynb"))
            cells = browser.run_all(page)
            for number in range(len(cells)):
                page.evaluate(browser.SHOW, [number, f"cell-{number}"])
            return page, cells

        yield opened
        page.evaluate(browser.SHUT_DOWN)
        page.close()


def test_nothing_that_a_data_file_says_runs_in_a_notebook_that_is_trusted(page):
    shown, cells = page("hostile")
    assert not browser.complaints(cells)
    for number in range(len(HOSTILE)):
        words = shown.locator(f"[data-lab='cell-{number}'] .jp-OutputArea")
        until("the words are there", lambda words=words: "onerror" in words.inner_text())
    option = shown.locator("[data-lab='cell-1'] button").first
    option.click()  # an answer brings words of its own
    until("the reply is there", lambda: shown.locator("[data-lab='cell-1'] [role=status]").count())
    shown.wait_for_load_state("networkidle")
    assert shown.evaluate("ran") == 0
    assert shown.locator(".jp-OutputArea img[src='x']").count() == 0


def test_the_same_words_do_run_where_somebody_takes_them_for_markup(page):
    shown, _ = page("trusted")
    until("it runs", lambda: shown.evaluate("ran") > 0)
