"""JupyterLab: every notebook runs, every control of every lab works, and what is seen is true."""

import pytest

from tests.browser import axe
from tests.browser.live import LiveLab
from tests.browser.stock import LABS, LESSONS, NAMES, numbered
from tests.support import browser
from tests.support.waiting import until

of_each_lab = pytest.mark.parametrize("name, kind", LABS)


class Opened:
    """A notebook in JupyterLab after a full run."""

    def __init__(self, page, address):
        self.page = page
        browser.open_notebook(page, address)
        self.cells = browser.run_all(page)
        found = []
        for number, id in browser.views(self.cells):
            self.show(number, id)
            found.append((number, LiveLab(page, page.locator(f"[data-lab='{id}']"), id)))
        kinds = [lab.told()["kind"] for _, lab in found]
        self.labs = dict(zip(numbered(kinds), found, strict=True))

    def show(self, number, id):
        self.page.evaluate(browser.SHOW, [number, id])

    def lab(self, kind):
        """A lab in sight and at its start, what is seen of it and what its kernel says."""
        number, lab = self.labs[kind]
        self.show(number, lab.id)
        return lab, *lab.restart()

    def close(self):
        self.page.evaluate(browser.SHUT_DOWN)
        self.page.close()


@pytest.fixture(scope="module")
def opened(chrome, course, tmp_path_factory):
    """Opens a notebook, unless it is the one that is open."""
    here = {}

    def close():
        for one in here.values():
            one.close()
        here.clear()

    with browser.server("lab", course, tmp_path_factory.mktemp("lab")) as address:

        def open_one(name):
            if name not in here:
                close()
                here[name] = Opened(
                    chrome.new_page(viewport=browser.SCREEN, has_touch=True), address(name)
                )
            return here[name]

        yield open_one
        close()


@pytest.mark.parametrize("name", NAMES)
def test_all_cells_run_without_complaint(opened, name):
    notebook = opened(name)
    assert not browser.complaints(notebook.cells)
    assert sorted(notebook.labs) == sorted(kind for where, kind in LABS if where == name)


@of_each_lab
def test_after_run_all_every_lab_stands_at_its_start(opened, name, kind):
    number, lab = opened(name).labs[kind]
    opened(name).show(number, lab.id)
    _, told = lab.agreed()
    assert told["values"] == told["presets"]["start"]


@of_each_lab
def test_every_slider_moves_by_keyboard_and_by_drag(opened, name, kind):
    """And where the lab starts, or as its buttons follow each other, it changes what is shown."""
    lab, _, told = opened(name).lab(kind)
    for control in told["ends"]:
        lacks = {}
        for preset, values in told["presets"].items():
            lab.button(preset).click()
            seen, now = lab.agreed(lambda told, v=values: told["values"] == told["values"] | v)
            if control not in now["locked"]:
                lacks[preset] = without_effect(lab, control, seen, now)
                if not lacks[preset]:
                    break
        assert [] in lacks.values(), f"{control} does not change the {lacks}"


def without_effect(lab, control, first, told):
    """Which of readout and picture stay as they are when a slider is moved by keys and dragged."""
    seen = [first]
    label, (low, high) = told["labels"][control], told["ends"][control]
    before = told["values"][control]
    upper = before > (low + high) / 2
    key, part = ("ArrowLeft", 0.2) if upper else ("ArrowRight", 0.8)
    lab.press(label, key, 3)
    there, told = lab.agreed(lambda told: told["values"][control] != before)
    seen.append(there)
    after = told["values"][control]
    assert after < before if upper else after > before
    lab.drag(label, part)
    goal, near = low + part * (high - low), 0.1 * (high - low)
    there, _ = lab.agreed(lambda told: abs(told["values"][control] - goal) < near)
    seen.append(there)
    return [part for part in ("words", "picture") if len({each[part] for each in seen}) == 1]


@of_each_lab
def test_lists_and_presets_go_where_they_say_and_start_goes_back(opened, name, kind):
    lab, first, told = opened(name).lab(kind)
    for control, options in told["options"].items():
        for option in [*options[1:], options[0]]:
            chosen = lab.root.locator(".widget-dropdown").filter(has_text=told["labels"][control])
            lab.unfold(chosen)
            chosen.locator("select").select_option(label=str(option))
            lab.agreed(lambda told, c=control, o=option: told["values"][c] == o)
    for preset, values in told["presets"].items():
        lab.button(preset).click()
        lab.agreed(lambda told, v=values: told["values"] == {**told["values"], **v})
    last, _ = lab.restart()
    assert last == first


@of_each_lab
def test_play_is_a_film_from_the_first_step_and_begins_anew_at_its_end(opened, name, kind):
    lab, _, told = opened(name).lab(kind)
    play = lab.root.locator(".mc-play")
    if not play.is_visible():
        pytest.skip("nothing to play")
    step = told["film"]
    low, high = told["ends"][step]
    assert told["values"][step] == low
    play.click()
    until("the film to run", lambda: low < lab.told()["values"][step] < high)
    play.click()
    _, told = lab.agreed()
    assert low < told["values"][step] < high
    play.click()
    until("its end", lambda: lab.told()["values"][step] == high)
    play.click()
    until("the beginning", lambda: lab.told()["values"][step] < high)
    play.click()
    lab.agreed()


def away(handle):
    """Pixels by which a handle can be pulled, so that its controls move and stay within."""
    by = {"x": 0, "y": 0}
    for move in handle["moves"]:
        at = handle["at"]["xy".index(move["along"])]
        value = move["a"] + move["b"] * at
        room = move["high"] - value, value - move["low"]
        way = 1 if (room[0] >= room[1]) == (move["b"] > 0) else -1
        by[move["along"]] = way * min(30, 0.6 * max(room) / abs(move["b"]))
    return by["x"], by["y"]


@pytest.mark.parametrize("how", ["mouse", "touch", "keys"])
@of_each_lab
def test_what_a_picture_shows_can_be_taken_hold_of(opened, name, kind, how):
    """Tiles, picture, sliders and summary agree afterwards, and a twin says the same."""
    lab, _, told = opened(name).lab(kind)
    if not told["handles"]:
        pytest.skip("nothing to hold")
    for number, handle in enumerate(told["handles"]):
        if number:
            _, told = lab.restart()
        before, mine = told["values"], [move["control"] for move in handle["moves"]]
        if how == "keys":
            ring, _ = lab.ring(number)
            ring.focus()
            right, down = away(handle)
            for key, times in (("ArrowRight", right), ("ArrowDown", down)):
                if times:
                    other = {"ArrowRight": "ArrowLeft", "ArrowDown": "ArrowUp"}[key]
                    for _ in range(3):
                        lab.page.keyboard.press(key if times > 0 else other)
        else:
            lab.pull(number, *away(handle), touch=how == "touch")
        moved = lambda told, m=mine, b=before: all(told["values"][c] != b[c] for c in m)  # noqa: E731
        seen, told = lab.agreed(moved)
        assert {c for c, v in told["values"].items() if v != before[c]} == set(mine)
        for move in handle["moves"]:
            steps = (told["values"][move["control"]] - move["low"]) / move["step"]
            assert (
                abs(steps - round(steps)) < 1e-6 or told["values"][move["control"]] == move["high"]
            )


@of_each_lab
def test_two_hundred_moves_end_where_the_last_one_went(opened, name, kind):
    lab, _, told = opened(name).lab(kind)
    if not told["handles"]:
        pytest.skip("nothing to hold")
    right, down = away(told["handles"][0])
    lab.pull(0, right, down, moves=200)
    before, controls = told["values"], [m["control"] for m in told["handles"][0]["moves"]]
    _, told = lab.agreed(lambda told: all(told["values"][c] != before[c] for c in controls))
    for move in told["handles"][0]["moves"] if told["handles"] else []:
        if move["control"] in controls:  # one step from where the pointer was let go, at most
            moves = lab.told()["handles"][0]["moves"]
            start = next(m for m in moves if m["control"] == move["control"])
            assert start["low"] <= told["values"][move["control"]] <= start["high"]


@of_each_lab
def test_a_lab_is_one_glance(opened, name, kind):
    """Controls, status and picture without scrolling; tracks of sliders at least 240 pixels."""
    notebook = opened(name)
    lab, *_ = notebook.lab(kind)
    for track in lab.root.locator(".noUi-target").all():
        lab.unfold(track)
    try:
        for size in ({"width": 1366, "height": 768}, {"width": 1024, "height": 768}):
            notebook.page.set_viewport_size(size)
            number, _ = notebook.labs[kind]
            notebook.show(number, lab.id)
            high, view, tracks = lab.root.evaluate(GLANCE)
            assert high <= view, size
            assert all(track >= 240 for track in tracks), (size, tracks)
    finally:
        notebook.page.set_viewport_size(browser.SCREEN)


GLANCE = """lab => {
  const grid = lab.querySelector(".mc-grid");
  const low = (part) => grid.querySelector(part).getBoundingClientRect().bottom;
  const high = Math.max(...[".mc-controls", ".mc-presets", ".mc-tiles", ".mc-stage"].map(low));
  return [
    high - grid.getBoundingClientRect().top,
    lab.closest(".jp-WindowedPanel-outer, .jp-Notebook").clientHeight,
    [...lab.querySelectorAll(".noUi-target")].map((track) => track.getBoundingClientRect().width),
  ];
}"""


@of_each_lab
def test_axe_finds_no_violation(opened, name, kind):
    notebook = opened(name)
    lab, *_ = notebook.lab(kind)
    for theme in ("Light", "Dark"):
        notebook.page.evaluate(browser.THEME, f"JupyterLab {theme}")
        body = f"body[data-jp-theme-name='JupyterLab {theme}']"
        notebook.page.wait_for_selector(body, state="attached")
        assert axe.violations(notebook.page, f"[data-lab='{lab.id}'] .mc-lab") == [], theme
    notebook.page.evaluate(browser.THEME, "JupyterLab Light")


@of_each_lab
def test_it_fits_the_screen(opened, shots, name, kind):
    notebook = opened(name)
    lab, *_ = notebook.lab(kind)
    for theme in ("Light", "Dark"):
        notebook.page.evaluate(browser.THEME, f"JupyterLab {theme}")
        body = f"body[data-jp-theme-name='JupyterLab {theme}']"
        notebook.page.wait_for_selector(body, state="attached")
        notebook.page.wait_for_selector("#jupyterlab-splash", state="detached")
        lab.root.screenshot(path=shots / f"lab_{kind}_{theme.lower()}.png")
        assert lab.root.evaluate(UNREADABLE) == []
    notebook.page.evaluate(browser.THEME, "JupyterLab Light")
    assert lab.root.evaluate(TOO_WIDE) == []
    try:
        notebook.page.set_viewport_size({"width": 1920, "height": browser.SCREEN["height"]})
        assert until("the picture in its own size", lambda: lab.root.evaluate(OWN_SIZE))
    finally:
        notebook.page.set_viewport_size(browser.SCREEN)


# Words smaller than 11 px or with a contrast below 4.5 : 1; in the picture, all are 15.7 px.
UNREADABLE = """lab => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], below) => a === 1 ? [r, g, b]
    : [r, g, b].map((value, place) => a * value + (1 - a) * below[place]);
  const ground = (part) => {
    if (!part) return [255, 255, 255];
    const colour = channels(getComputedStyle(part).backgroundColor);
    return colour[3] === 0 ? ground(part.parentElement) : over(colour, ground(part.parentElement));
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((value) => value / 255)
      .map((value) => value <= 0.04 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const found = [];
  for (const part of lab.querySelectorAll(".mc-lab *")) {
    const own = [...part.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const words = own.map((node) => node.textContent).join("").trim();
    if (!words || !part.checkVisibility()) continue;
    const { color, fontSize } = getComputedStyle(part), below = ground(part);
    const [low, high] = [light(over(channels(color), below)), light(below)].sort((x, y) => x - y);
    if (parseFloat(fontSize) < 11) found.push(`${words}: ${fontSize}`);
    if (high / low < 4.5) found.push(`${words}: ${color} on ${below}, ${(high / low).toFixed(2)}`);
  }
  const picture = lab.querySelector(".mc-picture");
  const scale = picture.getBoundingClientRect().width / picture.naturalWidth;
  if (15.6 * scale < 11) found.push(`words in the picture: ${15.6 * scale} px`);
  return found;
}"""
OWN_SIZE = """lab => {
  const picture = lab.querySelector(".mc-picture");
  return Math.abs(picture.getBoundingClientRect().width - picture.naturalWidth) < 1;
}"""
TOO_WIDE = """lab => [...lab.querySelectorAll("*")]
  .filter((part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0)
  .filter((part) => ["auto", "scroll"].includes(getComputedStyle(part).overflowX))
  .map((part) => `${part.className}: ${part.scrollWidth} in ${part.clientWidth} px`)"""


@pytest.mark.parametrize("name", LESSONS)
def test_the_quiz_replies_by_keyboard(opened, name):
    notebook = opened(name)
    *_, (number, id) = browser.views(notebook.cells, "<ol")  # before it, those that come back
    notebook.show(number, id)
    cell = notebook.page.locator(f"[data-lab='{id}']")
    options, replies = cell.locator(".widget-button"), cell.locator("[role=status]")
    options.first.focus()
    for option in options.all_inner_texts():
        notebook.page.keyboard.press("Space")
        until("a reply", lambda o=option: f"“{o}”" in " ".join(replies.all_inner_texts()))
        notebook.page.keyboard.press("Tab")
