"""How long a reader waits for a lab, and what a lab leaves behind.

First in this process: what a move of each lab costs, and what 500 moves leave in memory. Then in
JupyterLab: from running a lab's cell to its first picture, and from pressing a key to the next one;
the same figure drawn by @interact takes its turns in between, so that both meet the same machine.
So does an empty picture on the same way: below what that takes nobody can come.
"""

import gc
import itertools
import json
import math
import statistics
import time

import matplotlib
import numpy as np
import psutil
import pytest
from matplotlib import pyplot  # noqa: TID251, to see that no lab leaves a figure in it
from matplotlib.figure import Figure

from margin_course.scenarios import load
from tests.support import browser
from tests.support.lessons import STARTS
from tools.repo import ROOT

SCENARIOS = ROOT / "notebooks" / "scenarios.toml"
MOVES, LEAK_MOVES, KEYS, TURNS = 100, 500, 60, 5

matplotlib.use("agg")
by_lab = pytest.mark.parametrize("kind", STARTS, ids=lambda kind: kind.__name__)


def made(kind):
    return kind(load(SCENARIOS)[STARTS[kind]])


def walk(lab):
    """Move the sliders of a lab for ever, one step at a time, to and fro; yields after each."""
    ways = []
    for control in lab.controls.values():
        if hasattr(control, "step"):
            steps = round((control.max - control.min) / control.step)
            way = np.linspace(control.min, control.max, min(steps, 20) + 1)
            ways.append((control, itertools.cycle([*way, *way[-2:0:-1]])))
    for control, way in itertools.cycle(ways):
        control.value = next(way)
        yield


def telling(kind):
    """What the slider in sight is called whose steps seldom leave the picture as it is."""
    lab = made(kind)

    def idle(control):
        start, pictures = control.value, []
        for value in np.arange(control.min, control.max + control.step / 2, control.step):
            control.value = value
            pictures.append(lab._screen.picture)
        control.value = start
        return sum(map(bytes.__eq__, pictures, pictures[1:])) / len(pictures)

    named = lab.controls.items()
    sliders = [c for name, c in named if hasattr(c, "step") and name not in lab.folded]
    return min((each for each in sliders if not each.disabled), key=idle).description


def p95(values):
    return float(np.quantile(values, 0.95))


def kernel(kind, share=1.0):
    """Processor time of each of many moves [ms]."""
    lab = made(kind)
    moves, found = walk(lab), []
    for _ in range(10):  # what is only built once
        next(moves)
    while len(found) < MOVES * share:
        picture, start = lab._screen.picture, time.process_time()
        next(moves)
        spent = time.process_time() - start
        if lab._screen.picture is not picture:
            found.append(1000 * spent)
    return found


@by_lab
def test_a_move_in_the_kernel(kind, within, share):
    spent = kernel(kind, share)
    within({"median [ms]": (statistics.median(spent), 12), "p95 [ms]": (p95(spent), math.inf)})


def left(kind, share=1.0):
    """Figures and memory [MB] that moves leave behind."""
    moves = walk(made(kind))

    def state():
        gc.collect()
        figures = sum(isinstance(thing, Figure) for thing in gc.get_objects())
        return figures + len(pyplot.get_fignums()), psutil.Process().memory_info().rss / 1e6

    def go(count):
        for _ in range(count):
            next(moves)

    go(max(int(100 * share), 1))
    figures, memory = state()
    go(max(int(LEAK_MOVES * share), 1))
    more, larger = state()
    return more - figures, larger - memory


@by_lab
def test_what_many_moves_leave_behind(kind, within, share):
    figures, memory = left(kind, share)
    within({"figures": (figures, 0), "memory [MB]": (memory, 5)})


# In JupyterLab

SETUP = """
%matplotlib inline
import ipywidgets
import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from margin_course import lab as labs, load, picture as pictures
from margin_course.lessons.leverage import LeverageLab

book = load({scenarios!r})
LeverageLab(book["leverage"])  # what only the first lab of a kernel pays
made = {{}}


def by_interact(lab):
    '''The figure and words of a lab as @interact gives them: drawn anew, into the output.'''

    def draw(**values):
        shown = lab.compute(lab.scenario, **values)
        picture = object.__new__(type(lab.canvas))
        picture.scenario, picture.holds = lab.scenario, []
        with matplotlib.rc_context(pictures.STYLE):
            figure = plt.figure(figsize=picture.size, dpi=pictures.DPI, layout="constrained")
            ratios = "height_ratios" if picture.stacked else "width_ratios"
            shape = (len(picture.panels), 1) if picture.stacked else (1, len(picture.panels))
            axes = figure.subplots(*shape, **{{ratios: picture.panels}})
            picture.figure, picture.axes = figure, np.atleast_1d(axes)
            picture.frame(lab.scenario)
            list(picture.ground(shown.state))
            list(picture.moving(shown.state))
            plt.show()
        print(*shown.words, sep="\\n")

    ipywidgets.interact(draw, **lab.make_controls(lab.scenario))


class EmptyPicture(pictures.Picture):
    def frame(self, scenario):
        self.axes[0].set(xlim=(0, 21), ylim=(0, 400))
        self.axes[0].set_axis_off()

    def moving(self, state):  # one line, so that no two pictures are the same
        yield pictures.bar(self.axes[0], state, 0, 1, "black")

    def alt(self, state):
        return "nothing"


class EmptyLab(labs.Lab):
    picture = EmptyPicture

    def make_controls(self, scenario):
        return {{"leverage": labs.leverage_of(scenario.trades[0], "moves a line")}}

    def compute(self, scenario, leverage):
        return labs.Shown(leverage, ["nothing"])
"""
FLOOR = "made['EmptyLab'] = EmptyLab(book['leverage'])\nmade['EmptyLab']"
LAB = """from {module} import {kind}

made["{kind}"] = {kind}(book["{scenario}"])
made["{kind}"]"""
INTERACT = "by_interact(made['{kind}'])"

# Resolves with the milliseconds from the run of a cell, or from a key, to a picture in the cell.
RUN = """async (number) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = number;
  const cell = notebook.widgets[number].node;
  const start = performance.now();
  const picture = new Promise((resolve) => {
    const done = (event) => {
      if (event.target.tagName !== "IMG" || !cell.contains(event.target)) return;
      document.removeEventListener("load", done, true);
      resolve(performance.now() - start);
    };
    document.addEventListener("load", done, true);
  });
  window.jupyterapp.commands.execute("notebook:run-cell");
  return await picture;
}"""
ARM = """(cell) => {
  const before = new Set([...cell.querySelectorAll("img")].map((image) => image.src));
  window.waited = new Promise((resolve) => {
    let start = null;
    document.addEventListener("keydown", (event) => start = event.timeStamp,
                              {capture: true, once: true});
    const done = (event) => {
      if (start === null || event.target.tagName !== "IMG" || !cell.contains(event.target)) return;
      if (before.has(event.target.src)) return;
      document.removeEventListener("load", done, true);
      resolve(performance.now() - start);
    };
    document.addEventListener("load", done, true);
    setTimeout(() => { document.removeEventListener("load", done, true); resolve(null); }, 20000);
  });
}"""

# Resolves when no picture has come for a while: an output may be put up twice.
QUIET = """() => new Promise((resolve) => {
  let timer;
  const again = () => { clearTimeout(timer); timer = setTimeout(done, 300); };
  const done = () => { document.removeEventListener("load", again, true); resolve(); };
  document.addEventListener("load", again, true);
  again();
})"""
# How far along its way a handle is, from 0 to 1.
PART = """(handle) => {
  const [way, here] = [handle.closest(".noUi-base"), handle].map((e) => e.getBoundingClientRect());
  return (here.x + here.width / 2 - way.x) / way.width;
}"""


def notebook(kinds):
    """A notebook with a cell for each lab, and one for the same under @interact."""
    sources = [SETUP.format(scenarios=str(SCENARIOS))]
    for kind in kinds:
        names = {"kind": kind.__name__, "module": kind.__module__, "scenario": STARTS[kind]}
        sources += [LAB.format(**names), INTERACT.format(**names)]
    sources.append(FLOOR)
    cells = [
        {
            "id": f"cell-{number}",
            "cell_type": "code",
            "source": source,
            "metadata": {},
            "execution_count": None,
            "outputs": [],
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells})


class Keys:
    """Presses keys on a slider of a cell, to and fro, and takes the time."""

    def __init__(self, page, number, label):
        self.page, self.key = page, "ArrowRight"
        page.evaluate(browser.SHOW, [number, number])
        self.cell = page.locator(f"[data-lab='{number}']")
        named = page.get_by_text(label, exact=True)
        self.handle = self.cell.locator(".widget-slider").filter(has=named).locator(".noUi-handle")

    def show(self):
        """Bring the slider into sight and under the keys."""
        self.handle.scroll_into_view_if_needed()
        self.handle.focus()

    def press(self):
        """Milliseconds from the key to the picture."""
        part = self.handle.evaluate(PART)
        if not 0.01 < part < 0.99:
            self.key = "ArrowRight" if part < 0.5 else "ArrowLeft"
        self.page.wait_for_function(browser.READY)
        self.page.evaluate(QUIET)
        self.cell.evaluate(ARM)
        self.page.keyboard.press(self.key)
        waited = self.page.evaluate("window.waited")
        if waited is None:
            raise RuntimeError(f"{self.key} brought no new picture")
        return waited


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with that notebook, run through."""
    if lacks := browser.missing():
        pytest.fail("\n".join(lacks))
    folder = tmp_path_factory.mktemp("course")
    own = tmp_path_factory.mktemp("own")
    (folder / "latency.ipynb").write_text(notebook(STARTS), encoding="utf-8")
    with browser.browser() as chrome, browser.server("lab", folder, own) as address:
        page = chrome.new_page(viewport=browser.SCREEN)
        browser.open_notebook(page, address("latency.ipynb"))
        wrong = browser.complaints(browser.run_all(page))
        assert not wrong, "\n".join(wrong)
        yield page
        page.evaluate(browser.SHUT_DOWN)


def turns(page, number, label, share):
    """Milliseconds of each first picture, and of each key for the lab, @interact, and nothing."""
    first = []
    for _ in range(TURNS):
        page.evaluate(browser.SHOW, [number, number])
        page.wait_for_function(browser.READY)
        first.append(page.evaluate(RUN, number))
    page.wait_for_function(browser.READY)
    found = {"lab": [], "interact": [], "floor": []}
    nothing = 1 + 2 * len(STARTS), "leverage [x]"
    places = ("lab", number, label, 1), ("interact", number + 1, label, 4), ("floor", *nothing, 1)
    for _ in range(TURNS):
        for name, cell, slider, parts in places:
            keys = Keys(page, cell, slider)
            keys.show()
            keys.press()  # the first one after a change of place
            for _ in range(max(int(KEYS * share / TURNS / parts), 1)):
                found[name].append(keys.press())
    return first, *found.values()


@by_lab
def test_in_jupyterlab(kind, page, within, share):
    number, label = 1 + 2 * list(STARTS).index(kind), telling(kind)
    first, lab, interact, empty = turns(page, number, label, share)
    median, waits, floor = map(statistics.median, (lab, interact, empty))
    within(
        {
            "first picture [ms]": (statistics.median(first), 1000),
            "key to picture, median [ms]": (median, 45),
            "p95 [ms]": (p95(lab), 90),
            "an empty picture [ms]": (floor, math.inf),
            "times that": (median / floor, 1.5),
            "with @interact [ms]": (waits, math.inf),
            # A fifth, or as near to the floor as that lets it come.
            "share of that": (median / waits, max(0.2, 1.5 * floor / waits)),
        }
    )


# 200 moves of a handle in one second, and how long after the last one its picture is there.
DRAG = """async (ring) => {
  const {x, y, width, height} = ring.getBoundingClientRect();
  const at = {x: x + width / 2, y: y + height / 2};
  const say = (kind, by) => ring.dispatchEvent(new PointerEvent(kind, {
    clientX: at.x + by, clientY: at.y + by, pointerId: 1, bubbles: true, button: 0,
  }));
  ring.setPointerCapture = () => {};
  const image = ring.parentElement.querySelector("img");
  let pictures = 0, shown = 0;
  const count = () => { pictures += 1; shown = performance.now(); };
  image.addEventListener("load", count);
  say("pointerdown", 0);
  const start = performance.now();
  for (let n = 1; n <= 200; n++) {
    say("pointermove", 0.2 * n);
    await new Promise((go) => setTimeout(go, Math.max(0, start + 5 * n - performance.now())));
  }
  const last = performance.now();
  say("pointermove", 50);
  say("pointerup", 50);
  await new Promise((go) => setTimeout(go, 1500));
  image.removeEventListener("load", count);
  return [shown - last, pictures];
}"""


def test_two_hundred_moves_in_a_second_leave_no_queue(page, within):
    kind = next(kind for kind in STARTS if kind.__name__ == "ComparisonLab")
    number = 1 + 2 * list(STARTS).index(kind)
    page.evaluate(browser.SHOW, [number, number])
    waited = []
    for _ in range(TURNS):
        page.wait_for_function(browser.READY)
        page.locator(f"[data-lab='{number}']").get_by_role("button", name="start").click()
        page.evaluate(QUIET)
        ring = page.locator(f"[data-lab='{number}'] .mc-handle").first
        after, pictures = ring.evaluate(DRAG)
        waited.append(after)
        assert 10 <= pictures <= 201
    within({"last move to its picture [ms]": (statistics.median(waited), 100)})
