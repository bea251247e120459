"""The site as it is read: from the disk, as nobody's server answers there."""

import http.server
import json
import re
import statistics
import threading
import tomllib
from urllib.parse import unquote, urldefrag, urljoin
from urllib.request import url2pathname

import pytest
from fontTools.ttLib import TTFont

from tests.support import browser
from tests.support.waiting import until
from tools.publish import links, site
from tools.publish.site import MODULES, SITE
from tools.repo import ROOT

PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
PAGES = [page for page in PAGES if not page.startswith(("lite/", "_modules/", "_static/"))]
WIDTHS = {"narrow": 400, "middle": 1024, "wide": 1400}

# What is wider than the page or than its own box, and in no box of its page that could be moved.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  const boxed = (node) => {
    for (let up = node; up && !up.matches(".bd-article-container, body"); up = up.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return true;
    return false;
  };
  const far = (node) => {
    const box = node.getBoundingClientRect();
    const spilt = node.clientWidth > 0 && node.scrollWidth > node.clientWidth + 1;
    return box.width > 0 && (box.right > width + 1 || spilt) && !boxed(node);
  };
  const found = [...document.querySelectorAll("main *")].filter(far).map((n) => n.outerHTML);
  if (document.documentElement.scrollWidth > width) found.push("the page scrolls sideways");
  return found.map((words) => words.slice(0, 100));
}"""
# A picture far below is fetched when a reader comes near; here all at once.
AT_ONCE = "images => images.forEach(image => { image.loading = 'eager'; })"
THERE = "images => images.every(image => image.complete)"
BLIND = "images => images.filter(i => !i.alt.includes(' ') || !i.naturalWidth).map(i => i.src)"
HREFS = "links => links.map(link => link.getAttribute('href'))"


@pytest.fixture(scope="module", params=WIDTHS.values(), ids=list(WIDTHS))
def page(chrome, request):
    """A page of one width, which remembers complaints and what is asked of the network."""
    page = chrome.new_page(viewport={"width": request.param, "height": 1000})
    page.heard = []
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("requestfailed", lambda asked: page.heard.append(f"failed: {asked.url}"))

    def console(said):
        if said.type in ("error", "warning"):
            page.heard.append(said.text)

    def asked(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            page.heard.append(f"asked for {request.url}")

    page.on("console", console)
    page.on("request", asked)
    yield page
    page.close()


def address(name):
    return (SITE / name).as_uri()


def test_the_site_is_made():
    assert {f"library/{name}.html" for name in MODULES} <= set(PAGES)
    assert len([page for page in PAGES if re.match(r"notebooks/\d\d_", page)]) >= 10
    named = {"index.html", "notebooks/glossary.html", "search.html", "instructors/contents.html"}
    assert named <= set(PAGES)


def test_every_page_is_quiet_and_fits(page):
    found = []
    for name in PAGES:
        browser.afresh(page, address(name))
        page.eval_on_selector_all("img", AT_ONCE)
        until("all pictures", lambda: page.eval_on_selector_all("img", THERE))
        found += [(name, words) for words in [*page.heard, *page.evaluate(TOO_WIDE)]]
        found += [(name, image) for image in page.eval_on_selector_all("main img", BLIND)]
    assert found == []


TABLES = """parts => parts.filter(part => {
  const wide = part.closest("article").clientWidth;
  return part.matches("table") ? part.scrollWidth > wide : part.clientWidth < wide / 2;
}).length"""


def test_no_table_of_a_notebook_is_cut_off_on_a_small_screen(chrome):
    """One with many columns shows a block for each row, and beside each value what it is."""
    page = chrome.new_page(viewport={"width": WIDTHS["narrow"], "height": 1000})
    found, headed = [], 0
    for name in (name for name in PAGES if name.startswith("notebooks/")):
        page.goto(address(name))
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        found += [name] * page.eval_on_selector_all("article :is(table, caption)", TABLES)
        headed += page.locator("[data-head]").count()
    page.close()
    assert found == [] and headed > 100


RUNS = """<script>fired.push("script")</script><img src=x onerror='fired.push("event")'>
<svg onload='fired.push("svg")'></svg><a id=bad href='javascript:fired.push("link")'>x</a>
<iframe srcdoc="<script>parent.fired.push('frame')</script>"></iframe>"""


@pytest.mark.parametrize("guarded", [True, False])
def test_nothing_in_the_content_of_a_page_runs(guarded, chrome):
    """The policy of a page holds even where text from a file would be taken for markup."""
    name = next(page for page in PAGES if page.startswith("notebooks/01_"))
    html = (SITE / name).read_text(encoding="utf-8")
    meta = re.compile(r'<meta http-equiv="Content-Security-Policy" content="[^"]*">')
    assert len(meta.findall(html)) == 1
    html = html if guarded else meta.sub("", html)
    html = html.replace("</article>", f"{RUNS}</article>", 1)
    copy = (SITE / name).with_name(f"copy-{guarded}.html")  # both may be there at one time
    copy.write_text(html, encoding="utf-8")
    page = chrome.new_page()
    try:
        page.add_init_script("window.fired = []")
        page.goto(copy.as_uri())
        page.evaluate("document.querySelector('#bad').click()")
        page.wait_for_load_state("networkidle")
        fired = page.evaluate("fired")
        theme = page.evaluate("document.documentElement.dataset.mode")
        shown = page.evaluate("DOCUMENTATION_OPTIONS.pagename")
    finally:
        page.close()
        copy.unlink()
    assert theme == "auto" and shown == name.removesuffix(".html"), "the theme's scripts do run"
    assert fired == [] if guarded else {"script", "event"} <= set(fired)


def test_every_page_says_what_it_is():
    for name in PAGES:
        html = (SITE / name).read_text(encoding="utf-8")
        assert html.count('name="viewport"') == 1, name
        (about,) = re.findall(r'<meta name="description" content="([^"]+)">', html)
        assert 10 < len(about) <= 260, name
        assert re.search(r'property="og:title" content="[^"]+"', html), name
        (told,) = re.findall(r'<script type="application/ld\+json">(.+?)</script>', html) or [None]
        kind = json.loads(told)["@type"] if told else None
        notebook = (ROOT / name).with_suffix(".ipynb")
        lesson = notebook.parent.name == "notebooks" and notebook.exists()
        front = "Course" if name in ("index.html", "README.html") else None
        assert kind == ("LearningResource" if lesson else front), name


def test_every_page_has_its_policy():
    for name in PAGES:
        html = (SITE / name).read_text(encoding="utf-8")
        (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
        (scripts,) = re.findall(r"script-src ([^;]*);", policy)
        assert "'self'" in scripts and "unsafe" not in scripts
        assert html.index("Content-Security-Policy") < html.index("<script")


def test_every_link_leads_somewhere(chrome):
    """Addresses and anchors; of other sites, only that they are named in full."""
    page = chrome.new_page()
    hrefs, ids = {}, {}
    for path in (SITE / name for name in PAGES):
        if "lite" in path.relative_to(SITE).parts[:1] or "_static" in path.parts:
            continue
        page.goto(path.as_uri())
        hrefs[path] = page.eval_on_selector_all("a[href]", HREFS)
        ids[path] = set(page.eval_on_selector_all("[id]", "nodes => nodes.map(node => node.id)"))
    page.close()
    dead = []
    for path, targets in hrefs.items():
        for target in targets:
            place, anchor = urldefrag(urljoin(path.as_uri(), target))
            if not place.startswith("file:"):
                dead += [] if place.startswith(("https://", "http://")) else [(path.name, target)]
                continue
            file = SITE.__class__(url2pathname(place.removeprefix("file://").partition("?")[0]))
            known = file not in ids or not anchor or unquote(anchor) in ids[file]
            if not file.exists() or not known:
                dead.append((path.name, target))
    assert len(hrefs) > 40 and sum(map(len, hrefs.values())) > 1000
    assert dead == []


def test_each_sign_that_a_page_shows_is_in_a_font_and_a_font_is_small():
    fonts = [*(SITE / "_static").rglob("*.woff2")]
    held = {sign for path in fonts for sign in TTFont(path).getBestCmap()}
    assert held == set(map(ord, site.signs())) and len(held) > 10
    assert all(path.stat().st_size < 10_000 for path in fonts)


def test_search_finds_what_a_reader_looks_for(page):
    page.goto(address("search.html") + "?q=liquidation+price")
    results = page.locator("#search-results li a")
    until("results", lambda: results.count() >= 5)
    found = results.evaluate_all(HREFS)
    assert any("02_terms" in link for link in found)
    assert any("glossary" in link for link in found)
    page.goto(address("search.html") + "?q=zzzznowhere")
    until("an answer", lambda: "did not match" in page.locator("#search-results").inner_text())


def test_a_reader_can_look_something_up_from_a_notebook(page):
    page.goto(address("notebooks/01_leverage.html"))
    page.locator(".search-button__button:visible, .search-button-field:visible").first.click()
    page.keyboard.type("bankruptcy price")
    page.keyboard.press("Enter")
    until("results", lambda: page.locator("#search-results li a").count() >= 3)


def test_the_dark_is_dark(page):
    page.goto(address("notebooks/05_comparison.html"))
    colour = "() => getComputedStyle(document.body).backgroundColor"
    seen = {}
    for mode in ("light", "dark"):
        page.evaluate("mode => { localStorage.mode = mode; localStorage.theme = mode; }", mode)
        page.reload()
        seen[mode] = sum(map(int, re.findall(r"\d+", page.evaluate(colour))[:3]))
    page.evaluate("() => localStorage.clear()")
    assert seen["light"] > 600 and seen["dark"] < 200


def test_every_lab_has_its_picture_readout_and_legend(page):
    labs = 0
    for name in PAGES:
        if re.match(r"notebooks/\d\d_", name):
            page.goto(address(name))
            for lab in page.locator("[data-lab]").all():
                labs += 1
                lab.scroll_into_view_if_needed()
                lab.locator(".mc-grid").wait_for()
                wide = "images => images.every(image => image.naturalWidth > 500)"
                until("a picture", lambda lab=lab, wide=wide: lab.locator("img").evaluate_all(wide))
                assert "Look at: " in lab.inner_text()
    assert labs >= 10


def test_every_notebook_can_be_run_and_kept(page):
    for name in [name for name in PAGES if re.match(r"notebooks/\d\d_", name)]:
        page.goto(address(name))
        notebook = name.replace(".html", ".ipynb")
        binder, lite, copy = page.eval_on_selector_all(".run a", HREFS)
        assert binder.startswith("https://") and binder.endswith(f"tree/{notebook}")
        assert lite == f"../lite/lab/index.html?path={notebook}"
        assert (SITE / "lite/files" / notebook).exists()
        kept = (SITE / "notebooks" / copy).resolve()
        assert kept.read_bytes() == (SITE.parent.parent / notebook).read_bytes()


def test_every_word_has_an_address(page, root):
    words = tomllib.loads((root / "notebooks/glossary.toml").read_text(encoding="utf-8"))
    page.goto(address("notebooks/glossary.html"))
    found = page.eval_on_selector_all("section[id]", "nodes => nodes.map(node => node.id)")
    assert {word.replace(" ", "-").lower() for word in words} <= set(found)


# Letters in a line of each paragraph of three lines and more.
LETTERS = """() => [...document.querySelectorAll(".bd-article section > p")].map((words) => {
  const { lineHeight } = getComputedStyle(words);
  return [words.innerText.length, words.clientHeight / parseFloat(lineHeight)];
}).filter(([, lines]) => lines > 2.5).map(([letters, lines]) => letters / lines)"""


def test_a_notebook_reads_like_a_book(page):
    """Contents of the page, where it stands, what comes before and after, lines, meanings."""
    places = site.places()
    names = [name for name in PAGES if name.removesuffix(".html") in places]
    wide = page.viewport_size["width"] > 1200
    assert len(names) == len(places) > 5
    for name in names:
        page.goto(address(name))
        place = places[name.removesuffix(".html")]
        words = "Notebook {number} of {of}, about {minutes} minutes.".format(**place)
        assert page.locator(".place").inner_text() == words
        contents = page.locator("#pst-page-toc-nav a")
        assert contents.count() >= 2 and contents.first.is_visible() == wide
        ways = page.eval_on_selector_all(".prev-next-area a", "links => links.map(a => a.target)")
        assert ways and set(ways) == {""}, "in the same tab"
        inside = page.locator("article a[target]").count()
        assert inside == 0
        letters = page.evaluate(LETTERS)
        assert not wide or 60 < statistics.median(letters) < 80 and max(letters) < 90, name
        words = page.locator("article a[href*='glossary.html#']")
        untold = words.evaluate_all("links => links.filter(a => !a.title).map(a => a.outerHTML)")
        assert untold == []


def test_a_word_says_what_it_means_by_keyboard_too(page):
    page.goto(address("notebooks/01_leverage.html"))
    word = page.locator("article a[title][href*='glossary.html#']").first
    page.keyboard.press("Tab")
    word.focus()
    shown = word.evaluate("a => getComputedStyle(a, '::after').content")
    assert shown.strip('"') == word.get_attribute("title")


IN_SIGHT = """() => [...document.querySelectorAll(
  "header, footer.prev-next-footer, .bd-sidebar, .run, .mc-controls, .mc-field, .mc-presets, button"
)].filter((part) => getComputedStyle(part).borderTopWidth !== "0px" || !part.closest(".mc-options"))
.filter((part) => part.checkVisibility()).map((part) => part.outerHTML.slice(0, 100))"""
INK = """() => [...document.querySelectorAll("article :is(p, h1, h2, li, td, .highlight span)")]
  .filter((part) => part.checkVisibility())
  .map((part) => getComputedStyle(part).color.match(/\\d+/g).slice(0, 3))
  .map((colours) => Math.max(...colours.map(Number)))"""
FOLDS = "article details:not([data-prediction] *, .mc-more, .hide) > p"
SHUT = """(folds) => [...document.querySelectorAll(folds)]
  .filter((part) => !part.checkVisibility({ contentVisibilityAuto: true }))
  .map((part) => part.innerText)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_prints_clean(page, scheme, shots):
    """Dark words on white, nothing to press, and no fold shut."""
    page.emulate_media(media="print", color_scheme=scheme)
    try:
        for name in ("index.html", "notebooks/01_leverage.html", "notebooks/05_comparison.html"):
            page.goto(address(name))
            assert page.evaluate(IN_SIGHT) == []
            assert max(page.evaluate(INK)) < 110
            assert page.evaluate(SHUT, FOLDS) == []
            assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") in (
                "rgb(255, 255, 255)",
                "rgba(0, 0, 0, 0)",
            )
        page.pdf(path=shots / f"site_05_{scheme}.pdf")
    finally:
        page.emulate_media(media="screen", color_scheme="light")


def test_the_feed_is_found(page):
    for name in ("index.html", "notebooks/01_leverage.html"):
        page.goto(address(name))
        (feed,) = page.eval_on_selector_all("link[type='application/atom+xml']", HREFS)
        assert (SITE / name).parent.joinpath(feed).resolve() == (SITE / "changes.xml").resolve()
        assert (SITE / "changes.xml").is_file()


@pytest.mark.parametrize(
    "name", ["index", "notebooks/05_comparison", "library/margin_lib.formulas"]
)
def test_pictures_to_look_at(page, shots, name):
    page.goto(address(f"{name}.html"))
    width = page.viewport_size["width"]
    page.screenshot(path=shots / f"site_{name.replace('/', '_')}_{width}.png")


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers with the number that is asked for."""

    def do_GET(self):
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *words):
        pass


def test_a_dead_link_is_found(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        pages = tmp_path / "pages"
        pages.mkdir()
        text = f"# Three\n\n[Good]({address}/200), [gone]({address}/404), [shut]({address}/403)\n"
        (pages / "README.md").write_text(text, encoding="utf-8")
        lines, well = links.verdict(links.ask(pages, tmp_path / "found"))
        server.shutdown()
    assert not well
    assert [line for line in lines if not line.startswith(" ")] == [
        f"lets no robot in: {address}/403",
        f"DEAD: {address}/404",
        "3 addresses asked, 1 dead",
    ]
