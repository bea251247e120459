"""The slides in Chromium, from files alone: all is on the slide, nothing comes from elsewhere."""

import pytest

from tools.publish import slides

DECK = "03_isolated_margin"  # of this one, pictures of the first slides are kept
FIRST = 10
# Goes to every slide, shows all that appears on it, and names what sticks out of the screen.
OUTSIDE = """() => Reveal.getSlides().flatMap((slide, number) => {
  const {h, v} = Reveal.getIndices(slide);
  Reveal.slide(h, v, 99);
  const shown = (one) => !one.closest("details:not([open]) > :not(summary)");
  const found = [...slide.querySelectorAll("*")].filter(shown).filter((one) => {
    const {left, top, right, bottom, width, height} = one.getBoundingClientRect();
    return width && height && (left < 0 || top < 0 || right > 1280 || bottom > 720);
  });
  const words = slide.innerText.trim() || slide.querySelector("img") ? [] : ["nothing"];
  return [...words, ...found.map((one) => one.tagName + " " + one.textContent.slice(0, 40))]
    .map((what) => `slide ${number + 1}: ${what}`);
})"""
SMALLEST = """() => Math.min(1, ...[...document.querySelectorAll("[style*=zoom]")]
  .map((part) => Number(part.style.zoom)))"""
SHOW = """number => {
  const {h, v} = Reveal.getIndices(Reveal.getSlides()[number]);
  Reveal.slide(h, v, 99);
}"""

TO_A_PREDICTION = """() => {
  const asks = (slide) => slide.innerText.includes("Predict.") && slide.querySelector("details");
  const {h, v} = Reveal.getIndices(Reveal.getSlides().find(asks));
  Reveal.slide(h, v, -1);
}"""


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides") / "deck"
    slides.write(sorted((root / "notebooks").glob("*.ipynb")), folder)
    return folder


@pytest.fixture
def page(chrome):
    """A page of 1280 x 720 that notes what it asks for and what it complains about."""
    page = chrome.new_page(viewport={"width": 1280, "height": 720})
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text))
    page.on("requestfailed", lambda request: page.complaints.append(request.url[:80]))
    yield page
    page.close()


def opened(page, folder, name):
    page.goto((folder / f"{name}.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    return page


def stems(root):
    return [path.stem for path in sorted((root / "notebooks").glob("*.ipynb"))]


def test_every_deck_fits_and_needs_no_network(page, folder, root):
    for name in stems(root):
        page.asked.clear()
        assert opened(page, folder, name).evaluate(OUTSIDE) == [], name
        assert page.evaluate(SMALLEST) > 0.6, f"{name}: too small to read"
        assert page.complaints == [], name
        outside = [url for url in page.asked if not url.startswith((folder.as_uri(), "data:"))]
        assert page.asked and not outside, name


def test_what_sticks_out_is_noticed(page, folder):
    opened(page, folder, DECK)
    page.add_style_tag(content=".reveal .slides pre { width: 2000px !important; }")
    assert page.evaluate(OUTSIDE)


def test_a_prediction_comes_before_its_result(page, folder):
    opened(page, folder, DECK)
    page.evaluate(TO_A_PREDICTION)
    folds = page.locator("section.present details")
    assert folds.count() and not page.locator("section.present details[open]").count()
    folds.first.locator("summary").click()
    assert folds.first.evaluate("fold => fold.open && fold.getBoundingClientRect().bottom < 720")


def test_the_list_leads_to_every_deck(page, folder, root):
    page.goto((folder / "index.html").as_uri())
    links = page.locator("a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    assert links == [f"{name}.html" for name in stems(root)]
    page.locator("a").last.click()
    page.wait_for_selector("body[data-ready]")


def test_pictures_of_the_first_slides(page, folder, shots):
    opened(page, folder, DECK)
    for number in range(FIRST):
        page.evaluate(SHOW, number)
        page.screenshot(path=shots / f"slides-{number + 1:02d}.png")
