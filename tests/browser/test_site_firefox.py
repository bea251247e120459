"""The pages in Firefox, where the system has one: they fit, labs move, predictions answer."""

import pytest

from tests.browser.test_site_live import NOTEBOOKS, WIDTHS
from tests.support import firefox

pytestmark = pytest.mark.skipif(not firefox.found(), reason="no Firefox on this machine")

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
PLACE = "document.querySelectorAll('[data-lab]')[{}]"
OPEN = "{0}.scrollIntoView() || {0}.querySelector('.mc-grid') !== null"
FIRST = "document.querySelector('[data-prediction]')"
ADDRESS = "{}.querySelector('.mc-picture').src"
# A control that can move, in focus; the key that moves it.
FOCUS = """(() => {{
  const place = {}, first = (kind) =>
    place.querySelector(`.mc-control:not([hidden]) ${{kind}}:not(:disabled)`);
  // Two words of a list may draw the same picture, two places of a slider do not.
  const control = first("input") ?? first("select"), list = control.options;
  control.focus();
  if (list) return control.selectedIndex === list.length - 1 ? "UP" : "DOWN";
  return control.value === control.max ? "LEFT" : "RIGHT";
}})()"""
RING = """(() => {{
  const ring = {}.querySelector(".mc-handle:not([hidden])");
  ring?.scrollIntoView({{ block: "center" }});
  const box = ring?.getBoundingClientRect();
  return box ? [box.x + box.width / 2, box.y + box.height / 2] : null;
}})()"""
GUESS = """(() => {
  const place = document.querySelector("[data-prediction]");
  const input = place.querySelector("input");
  if (input) input.value = "0.1234";
  place.querySelector("button").click();
  return place.querySelector("[role=status]").innerText;
})()"""
KEYS = {"LEFT": "\ue012", "UP": "\ue013", "RIGHT": "\ue014", "DOWN": "\ue015"}


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request, tmp_path_factory):
    look = {"layout.css.prefers-color-scheme.content-override": int(request.param == "light")}
    with firefox.page(tmp_path_factory.mktemp("firefox") / "profile", **look) as page:
        page.look = request.param
        yield page


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_page_fits_moves_and_answers(page, served, shots, path):
    page.heard.clear()
    for width in WIDTHS:
        page.size(width, 900)
        page.open(f"{served}/notebooks/{path.stem}.html")
        assert page.ask(FITS), width
        assert page.ask("document.documentElement.dataset.theme") == page.look
    for number in range(page.ask("document.querySelectorAll('[data-lab]').length")):
        place = PLACE.format(number)
        page.until(OPEN.format(place))
        first = page.ask(ADDRESS.format(place))
        page.press(KEYS[page.ask(FOCUS.format(place))])
        page.until(f"{ADDRESS.format(place)} !== {first!r}")
        if ring := page.ask(RING.format(place)):
            before = page.ask(ADDRESS.format(place))
            x, y = ring
            page.drag(ring, (x + 30, y - 30), (x - 90, y + 90), (x - 60, y + 60))
            page.until(f"{ADDRESS.format(place)} !== {before!r}")
        page.screenshot(shots / f"firefox_{path.stem}_{number}_{page.look}.png")
    if page.ask(f"{FIRST} !== null"):
        assert "You said" in page.ask(GUESS)
    assert page.heard == []
