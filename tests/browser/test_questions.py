"""The fifteen questions, what comes back, and exercises of the new kinds, in JupyterLab.

By mouse and by keyboard; axe looks at each of them, in light and dark.
"""

import json
import re
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe

from margin_course import concepts
from margin_course.answers import every
from margin_course.scenarios import load
from tests.support import browser
from tests.support.waiting import until
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"
BOOK = load(FOLDER / "scenarios.toml")
DATA = concepts.inventory(FOLDER / concepts.FILE)
NARROW, USUAL = {"width": 400, "height": 800}, {"width": 1366, "height": 768}
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture(scope="module")
def folder(course, tmp_path_factory):
    """The notebooks, without answers of anybody."""
    folder = tmp_path_factory.mktemp("questions") / "notebooks"
    shutil.copytree(course, folder, ignore=shutil.ignore_patterns(".answers*", "results-*"))
    return folder


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    with browser.server("lab", folder, tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def opened(chrome, address):
    """Opens a notebook and runs it; shuts all that it opened."""
    pages = []

    def open_one(name):
        page = chrome.new_page(viewport=USUAL)
        pages.append(page)
        browser.open_notebook(page, address(name))
        page.cells = browser.run_all(page)
        assert browser.complaints(page.cells) == []
        return page

    yield open_one
    for page in pages:
        page.evaluate(browser.SHUT_DOWN)
        page.close()


def shown(page, sign):
    """The output of the cell whose code has this sign, in view."""
    (number,) = [
        number
        for number, cell in enumerate(page.cells)
        if cell["cell_type"] == "code" and re.search(sign, "".join(cell["source"]))
    ]
    page.evaluate(browser.SHOW, [number, f"cell {number}"])
    output = page.locator(f"[data-lab='cell {number}'] .jp-OutputArea").first
    output.wait_for()
    return output


def kept(folder):
    """What the small file beside the notebooks holds; there is none before the first answer."""
    path = folder / ".answers.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def press(output, name):
    output.get_by_role("button", name=name, exact=True).click()


def violations(page, output):
    """What axe finds in one output, in light and in dark, and what is wider than a small page."""
    output.evaluate("node => node.setAttribute('data-axe', '')")
    found = []
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        page.evaluate(browser.THEME, theme)
        page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")
        where = {"include": [["[data-axe]"]]}
        report = Axe().run(page, context=where, options={"runOnly": RULES}).response
        found += [
            f"{theme}: {each['id']}: {node['html'][:120]}"
            for each in report["violations"]
            for node in each["nodes"]
        ]
    page.set_viewport_size(NARROW)
    wide = output.evaluate("node => node.scrollWidth - node.clientWidth")
    page.set_viewport_size(USUAL)
    return found + ([f"{wide} pixels too wide"] if wide > 1 else [])


def answer_all(page, output, form, choose):
    """Answer the fifteen questions by a function of a question; a mouse presses, or keys do."""
    for number, question in enumerate(DATA.asked(form, BOOK), start=1):
        output.get_by_text(f"{number} of 15.", exact=True).wait_for()
        press(output, choose(question))


def rightly(question):
    return question.right.says


def wrongly(question):
    return next(option.says for option in question.options if not option.right)


def test_the_fifteen_questions_before_and_after(opened, folder, shots):
    """Wrongly before, by keyboard and mouse; rightly after, but for one; and what has changed."""
    page = opened("00_index.ipynb")
    output = shown(page, r"^fifteen_questions")
    begin = output.get_by_role("button", name="begin", exact=True)
    begin.focus()
    page.keyboard.press("Enter")
    first, *others = DATA.asked("before", BOOK)
    output.get_by_text("1 of 15.", exact=True).wait_for()
    assert violations(page, output) == []
    # Focus stays at the place of the button that was pressed: the keyboard goes on from there.
    place = [option.says for option in first.options].index(wrongly(first))
    for _ in range(place):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    output.get_by_text("2 of 15.", exact=True).wait_for()
    assert page.evaluate("document.activeElement.textContent") == others[0].options[place].says
    press(output, "back")
    output.get_by_text("1 of 15.", exact=True).wait_for()
    press(output, "put away")
    begin = output.get_by_role("button", name="go on", exact=True)
    until("folded again", lambda: output.get_by_role("button").count() == 1)
    begin.click()
    for number, question in enumerate(others, start=2):
        output.get_by_text(f"{number} of 15.", exact=True).wait_for()
        press(output, wrongly(question))
    output.get_by_text("All fifteen are noted.").wait_for()
    said = output.inner_text()
    assert not set("✓✗") & set(said) and "right." not in said.lower().replace("was right is", "")
    assert len(kept(folder)["before"]) == 15
    assert violations(page, output) == []

    page = opened("06_faq_checks.ipynb")
    output = shown(page, r"^fifteen_questions")
    press(output, "begin")
    last = list(DATA.questions)[-1]
    answer_all(page, output, "after", lambda q: wrongly(q) if q.name == last else rightly(q))
    output.get_by_text("Before the course 0 of 15 were right. 14 of 15 are right now.").wait_for()
    summaries = output.locator("summary")
    until("fifteen replies", lambda: summaries.count() == 15)
    assert "before ✗ not so, now ✓ right" in summaries.first.inner_text()
    summaries.last.focus()
    page.keyboard.press("Enter")
    output.get_by_text("So do people who believe").last.wait_for()
    page.screenshot(path=shots / "questions-after.png")
    assert violations(page, output) == []
    press(output, "save my results, without a name")
    output.get_by_text("Saved as results-").wait_for()
    (path,) = folder.glob("results-*.json")
    results = json.loads(path.read_text(encoding="utf-8"))
    assert {form: len(each) for form, each in results.items()} == {"before": 15, "after": 15}


def test_what_went_wrong_comes_back(opened, folder):
    page = opened("03_isolated_margin.ipynb")
    output = shown(page, r'practice\("03"\)')
    buttons = output.get_by_role("button")
    until("questions", lambda: output.locator("b").count() >= 2 and buttons.count() >= 6)
    buttons.first.focus()
    page.keyboard.press("Space")
    until("the answer is kept", lambda: len(kept(folder).get("quiz", {})) == 1)
    assert violations(page, output) == []


def order_of(name, change=lambda lines: lines):
    return change(list(every()[name](BOOK).lines))


def lines(output):
    return output.locator(".mc-line").evaluate_all("rows => rows.map(row => row.dataset.line)")


def drag(page, output, line, onto):
    """Drag a line to where another one is, as a hand does: in many small moves."""
    rows = output.locator(".mc-line")
    held, goal = (
        rows.filter(has_text=re.compile(rf"{re.escape(each)}$")).locator("code").bounding_box()
        for each in (line, onto)
    )
    down = goal["y"] > held["y"]
    x = held["x"] + 40
    page.mouse.move(x, held["y"] + held["height"] / 2)
    page.mouse.down()
    page.mouse.move(x, goal["y"] + goal["height"] * (0.9 if down else 0.1), steps=15)
    page.mouse.up()


@pytest.mark.parametrize("name", ["02.6", "04.6"])
def test_lines_are_put_in_order_by_mouse(opened, name, shots):
    page = opened({"02": "02_terms", "04": "04_cross_margin"}[name[:2]] + ".ipynb")
    output = shown(page, rf'^check\("{re.escape(name)}"')
    wanted = order_of(name)
    assert lines(output) == list(every()[name](BOOK).shown)
    assert violations(page, output) == []
    for place, line in enumerate(wanted):
        if (now := lines(output))[place] != line:
            output.scroll_into_view_if_needed()
            drag(page, output, line, now[place])
            assert lines(output)[place] == line
    page.screenshot(path=shots / f"order-{name}.png")
    press(output, "check")
    output.get_by_text(f"{name}: right. They give").wait_for()


def test_lines_are_put_in_order_by_keyboard(opened):
    """Any order that runs and gives the number is right; one that does not is told why."""
    page = opened("02_terms.ipynb")
    output = shown(page, r'^check\("02\.6"')
    press(output, "check")
    output.get_by_text("which no line above it has made").wait_for()
    notional, needed, equity, loss, ratio = order_of("02.6")
    for place, line in enumerate([equity, loss, notional, needed, ratio]):
        button = output.get_by_role("button", name=f"up: {line}", exact=True)
        button.focus()
        while (at := lines(output).index(line)) > place:
            page.keyboard.press("Space")  # the button keeps the focus while its line moves
            until("the line has moved", lambda at=at, line=line: lines(output).index(line) < at)
    assert output.locator(".mc-said").inner_text().startswith("line ")
    check = output.get_by_role("button", name="check", exact=True)
    check.focus()
    page.keyboard.press("Enter")
    output.get_by_text("02.6: right. They give").wait_for()


@pytest.mark.parametrize("width", [USUAL, NARROW], ids=["usual", "narrow"])
def test_a_worked_example_is_completed_by_keyboard(opened, width):
    page = opened("02_terms.ipynb")
    page.set_viewport_size(width)
    output = shown(page, r'^check\("02\.5"')
    copies = every()["02.5"](BOOK).copies
    missing = [step for copy in copies for step in copy.missing]
    fields = output.get_by_role("textbox")
    until("a field for each step", lambda: fields.count() == len(missing))
    fields.first.focus()
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    output.get_by_text(f"It is made so: {missing[0].how}").wait_for()
    for place, step in enumerate(missing):
        fields.nth(place).fill(repr(float(step.value)))
        page.keyboard.press("Enter")
        until("the step is right", lambda n=place: output.get_by_text(": right.").count() > n)
    if width == USUAL:
        assert violations(page, output) == []
