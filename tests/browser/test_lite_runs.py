"""The course in a reader's browser, run for real: every notebook, every lab, in a real Pyodide.

`make test-lite` runs it, and nothing else does: it takes a quarter of an hour. Where Pyodide's
compiled packages cannot be had, it says so and is skipped; tests/support/pyodide.py says from where
they come. That Pyodide is older than the one readers get: what they get differs in its versions.
"""

import functools
import http.server
import json
import re
import threading
import time

import pytest

from tests.browser import axe
from tests.browser.live import View
from tests.browser.stock import FOLDER, NAMES, labs_of
from tests.browser.test_elsewhere import by_drag, by_keyboard, fresh, matches, try_lab
from tests.support import browser, pyodide
from tests.support.waiting import until
from tools.publish import lite

PICTURE = re.compile(r"base64,[A-Za-z0-9+/=]+")
TEXTS = ("text/plain", "text/html", "text/markdown")
RUN_FIRST = """async (number) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = number;
  await window.jupyterapp.commands.execute("notebook:run-cell");
}"""
WRITE = """async (words) => {
  const panel = window.jupyterapp.shell.currentWidget;
  panel.content.widgets[0].model.sharedModel.setSource(words);
  await window.jupyterapp.commands.execute("docmanager:save");
}"""
FIRST = "() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.sharedModel.source"
CLEAN = "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"


class Served(http.server.SimpleHTTPRequestHandler):
    """A plain server that knows what Pyodide is made of."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The address of the site, served beside Pyodide."""
    folder = tmp_path_factory.mktemp("lite")
    try:
        pyodide.lay_out(lite.SITE, folder)
    except pyodide.MissingError as why:
        pytest.skip(f"no real Pyodide to run the course in: {why}")
    handler = functools.partial(Served, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/lite/"
        server.shutdown()


class Run:
    """A notebook after a full run in the browser, and how long everything took [s]."""

    def __init__(self, context, base, name):
        self.name, self.page, self.took = name, context.new_page(), {}
        self.asked = []  # of the network
        self.page.on("request", lambda asked: self.asked.append(asked.url))
        with self._timed("ready"):
            browser.open_notebook(self.page, f"{base}lab/index.html?path=notebooks/{name}")
            browser.ask(self.page, "print(1)")
        cells = self.page.evaluate(browser.CELLS)
        first = next(n for n, cell in enumerate(cells) if cell["cell_type"] == "code")
        with self._timed("first"):
            self.page.evaluate(RUN_FIRST, first)
        with self._timed("all"):
            self.cells = browser.run_all(self.page)
        own = base.removesuffix("lite/"), "blob:", "data:"
        self.asked = [url for url in self.asked if not url.startswith(own)]

    def _timed(self, what):
        return Timed(self.took, what)

    def show(self, number, name):
        """Bring a cell into sight; what is in it."""
        self.page.evaluate(browser.SHOW, [number, name])
        return self.page.locator(f"[data-lab='{name}']")

    def cell(self, sign):
        """The number of the first cell whose code has this sign, or None."""
        for number, cell in enumerate(self.cells):
            if cell["cell_type"] == "code" and re.search(sign, "".join(cell["source"])):
                return number
        return None

    def labs(self):
        """Each lab, in sight, with its kind."""
        kinds = labs_of(self.name)
        for (number, id), kind in zip(browser.views(self.cells), kinds, strict=True):
            yield View(self.page, self.show(number, id)), kind


class Timed:
    def __init__(self, took, what):
        self.took, self.what = took, what

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *error):
        self.took[self.what] = round(time.perf_counter() - self.start, 1)


@pytest.fixture(scope="module")
def opened(chrome, base, root):
    """Name -> the notebook after its run; one at a time is open, as it is large."""
    context = chrome.new_context(viewport=browser.SCREEN)
    last, took = {}, {}

    def run(name):
        if name not in last:
            for one in last.values():
                one.page.close()
            last.clear()
            last[name] = Run(context, base, name)
            took[name] = last[name].took
        return last[name]

    yield run
    context.close()
    (root / "build/lite-times.json").write_text(json.dumps(took, indent=1), encoding="utf-8")
    for name, times in took.items():
        print(name, *(f"{what} {seconds} s" for what, seconds in times.items()), sep=", ")


def texts(outputs):
    """All that a cell shows in words; pictures differ by their fonts."""
    found = []
    for output in outputs:
        if output["output_type"] == "stream":
            if found and found[-1][0] == output["name"]:
                found[-1][1] += "".join(output["text"])
            else:
                found.append([output["name"], "".join(output["text"])])
        for kind in TEXTS:
            if kind in output.get("data", {}):
                found.append([kind, PICTURE.sub("base64", "".join(output["data"][kind]))])
    return found


of_each_notebook = pytest.mark.parametrize("name", NAMES)


@of_each_notebook
def test_every_text_is_the_stored_one(opened, name):
    run = opened(name)
    assert browser.complaints(run.cells) == []
    stored = json.loads((FOLDER / name).read_text(encoding="utf-8"))["cells"]
    *cells, last = run.cells
    if last["source"] or len(cells) < len(stored):  # a run that ends in code opens a new cell
        cells.append(last)
    code = [(a, b) for a, b in zip(stored, cells, strict=True) if a["cell_type"] == "code"]
    assert code
    for kept, shown in code:
        assert texts(shown["outputs"]) == texts(kept["outputs"]), "".join(kept["source"])
    assert run.asked == [], "the site brings all that it needs"


@of_each_notebook
def test_every_lab_moves(opened, shots, name):
    """By key, by a drag of its slider and in its picture; its words are those of a native lab."""
    for view, kind in opened(name).labs():
        lab = fresh(kind, name)
        for move in (by_keyboard, by_drag):
            try_lab(view, lab, shots / f"lite_{kind}.png", move)
        if view.root.locator(".mc-handle:not([hidden])").count():
            before = until("the lab", view.seen)
            for right, down in ((40, -30), (-80, 60)):  # one of them is not over the edge
                view.pull(0, right, down)

            def pulled(view=view, before=before, lab=lab):
                now = view.seen()
                return now and now["picture"] != before["picture"] and matches(now, lab)

            until("picture and words to follow", pulled)


def answer(place):
    """Type a number, or press the first button."""
    place.locator(".mc-button:not(.mc-move)").first.wait_for()
    if (field := place.locator("input")).count():
        field.fill("0.1234")
        field.press("Enter")
    else:
        place.locator(".mc-button:not(.mc-move)").first.click()


@of_each_notebook
def test_a_prediction_an_exercise_and_the_quiz_reply(opened, name):
    run = opened(name)
    number = run.cell(r"(?m)^predict\(")
    if number is not None:
        place = run.show(number, "prediction")
        stored = "".join(run.cells[number]["outputs"][0]["data"]["text/html"])
        place.locator(".mc-button").first.wait_for()
        assert place.locator("input").count() == ("&quot;kind&quot;: &quot;number" in stored)
        answer(place)
        until("an answer", lambda: "You said" in place.inner_text())
    number = run.cell(r"(?m)^check\(")
    if number is not None:
        place = run.show(number, "exercise")
        answer(place)
        until("a verdict", lambda: re.search(r": (not yet|right)", place.inner_text(), re.I))
    number = run.cell(r"(?m)^quiz\(")
    if number is not None:
        place = run.show(number, "quiz")
        place.locator("button").first.click()
        until("a score", lambda: "at the first try" in place.inner_text())
    assert run.cells, name


@of_each_notebook
def test_axe_finds_no_violation_in_what_is_ours(opened, name):
    run = opened(name)
    for theme in ("Light", "Dark"):
        run.page.evaluate(browser.THEME, f"JupyterLab {theme}")
        body = f"body[data-jp-theme-name='JupyterLab {theme}']"
        run.page.wait_for_selector(body, state="attached")
        for number, _ in browser.views(run.cells)[:1] or [(0, "")]:
            run.show(number, "axe")
            ours = (".jp-Notebook .jp-RenderedMarkdown", ".jp-Notebook .jp-OutputArea-output")
            assert axe.violations(run.page, *ours) == [], theme
    run.page.evaluate(browser.THEME, "JupyterLab Light")


def test_what_is_saved_is_there_again(chrome, base):
    """In the reader's browser alone: the site's own files stay as they are."""
    name = next(name for name in NAMES if name.startswith("01"))
    context = chrome.new_context(viewport=browser.SCREEN)
    page = context.new_page()
    browser.open_notebook(page, f"{base}lab/index.html?path=notebooks/{name}")
    page.evaluate(WRITE, "# Mine now")
    until("the notebook is saved", lambda: page.evaluate(CLEAN))
    again = context.new_page()
    browser.open_notebook(again, f"{base}lab/index.html?path=notebooks/{name}")
    assert again.evaluate(FIRST) == "# Mine now"
    context.close()
