"""Notebook 7 and Voilà: every notebook runs; every lab moves and says what is true."""

from contextlib import ExitStack

import pytest

from tests.browser.live import View, number, plain
from tests.browser.stock import FOLDER, NAMES, labs_of
from tests.support import browser
from tests.support.waiting import until
from tools.notebooks import run as notebooks
from tools.publish import labs

STDERR = "[data-mime-type='application/vnd.jupyter.stderr']"


@pytest.fixture(scope="module")
def served(course, tmp_path_factory):
    """Front end -> function that gives a notebook's address; a server starts when it is needed."""
    with ExitStack() as running:
        started = {}

        def serve(kind):
            if kind not in started:
                own = tmp_path_factory.mktemp(kind)
                started[kind] = running.enter_context(browser.server(kind, course, own))
            return started[kind]

        yield serve


@pytest.fixture
def page(chrome):
    page = chrome.new_page(viewport=browser.SCREEN)
    yield page
    page.close()


def fresh(kind, name):
    """A lab of this kind, made here as the notebook makes it."""
    made = map(labs.lab_of, labs.programs(notebooks.read(FOLDER / name)))
    return next(lab for lab in made if type(lab).__name__ == kind)


def matches(seen, lab):
    """Whether a lab that is set to the values on the page says what the page says."""
    for name, control in lab.controls.items():
        if control.description in seen["sliders"]:
            value, _ = number(seen["sliders"][control.description])
            lab.set(**{name: value})
        else:
            shown = seen["lists"][control.description]
            lab.set(**{name: {str(option): option for option in control.options}[shown]})
    return plain(seen["words"]) == plain(lab.summary())


def by_keyboard(view, label, up):
    view.press(label, "ArrowRight" if up else "ArrowLeft", 3)


def by_drag(view, label, up):
    view.drag(label, 0.8 if up else 0.2)


def try_lab(view, lab, shot, move):
    """Move the last slider of a lab: picture and words follow, and are true."""
    root = view.root
    root.scroll_into_view_if_needed()
    before = until("the lab", view.seen)
    label = list(before["sliders"])[-1]
    control = {each.description: each for each in lab.controls.values()}[label]
    value, _ = number(before["sliders"][label])
    move(view, label, up=2 * value < control.min + control.max)

    def moved():
        now = view.seen()
        changed = now and all(now[part] != before[part] for part in ("picture", "sliders"))
        return changed and matches(now, lab)

    until("picture and words to follow", moved)
    root.screenshot(path=shot)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_7(served, page, shots, name):
    browser.open_notebook(page, served("notebook")(name))
    cells = browser.run_all(page)
    assert not browser.complaints(cells)
    kinds = labs_of(name)
    for (cell, id), kind in zip(browser.views(cells), kinds, strict=True):
        page.evaluate(browser.SHOW, [cell, id])
        view = View(page, page.locator(f"[data-lab='{id}']"))
        # Not by keyboard: Notebook 7 keeps the arrows for itself, and walks through the cells.
        try_lab(view, fresh(kind, name), shots / f"notebook_{kind}.png", by_drag)
    page.evaluate(browser.SHUT_DOWN)


@pytest.mark.parametrize("name", NAMES)
def test_voila(served, page, shots, name):
    page.goto(served("voila")(name))
    kinds = labs_of(name)
    found = page.locator(".mc-lab")
    until("the labs", lambda: found.count() == len(kinds))
    assert page.locator(STDERR).all_inner_texts() == []
    assert page.locator("h1").count() > 0
    for root, kind in zip(found.all(), kinds, strict=True):
        try_lab(View(page, root), fresh(kind, name), shots / f"voila_{kind}.png", by_keyboard)
