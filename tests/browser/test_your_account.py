"""your_account in JupyterLab and as an app: type, paste each kind, paste wrongly, save; axe."""

import json
from contextlib import contextmanager
from io import BytesIO

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from tests.margin.test_exchanges import SAMPLES
from tests.support import browser
from tests.support.waiting import until

NAME = "your_account.ipynb"
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
BALANCE = {"binance": "25", "bybit": "0.01"}  # what these answers do not tell
PAINTED = "image => image.complete && image.naturalWidth > 0"


class Page:
    """The tool on a page, as a reader has it."""

    def __init__(self, page):
        self.page, self.root = page, page.locator(".mc-lab").first
        picture = self.root.locator(".mc-picture")
        until("the picture", lambda: picture.count() and picture.evaluate(PAINTED))

    def said(self):
        return self.root.locator(".mc-said").inner_text()

    def wait_for(self, words, part=".mc-said"):
        until(words, lambda: words in self.root.locator(part).inner_text())

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def rows(self):
        return self.root.locator(".mc-position")

    def paste(self, words, balance=""):
        field = self.root.get_by_label("what the exchange answers")
        if not field.is_visible():
            self.root.get_by_text("Or paste what your exchange answers", exact=True).click()
        field.fill(words)
        told = self.root.locator(".widget-accordion, .jupyter-widget-accordion")
        told.get_by_label("balance beside own margins").fill(balance)
        self.press("read what I pasted")


@contextmanager
def opened(kind, chrome, course, own):
    with browser.server(kind, course, own) as address:
        page = chrome.new_page(viewport={"width": 1366, "height": 768}, accept_downloads=True)
        if kind == "lab":
            browser.open_notebook(page, address(NAME))
            cells = browser.run_all(page)
            assert not browser.complaints(cells)
            for number, id in browser.views(cells):
                page.evaluate(browser.SHOW, [number, id])
        else:
            page.goto(address(NAME))
        yield Page(page)
        if kind == "lab":
            page.evaluate(browser.SHUT_DOWN)
        page.close()


@pytest.fixture(scope="module", params=["lab", "voila"])
def tool(request, chrome, course, tmp_path_factory):
    own = tmp_path_factory.mktemp(request.param)
    with opened(request.param, chrome, course, own) as one:
        yield one


def test_a_position_is_typed_and_taken_out_again(tool):
    many = tool.rows().count()
    tool.press("add a position")
    until("a row", lambda: tool.rows().count() == many + 1)
    row = tool.rows().last
    for label, words in {
        "coin": "SOL", "size": "10", "entry price": "150", "leverage [x]": "5",
        "maintenance [%]": "1",
    }.items():  # fmt: skip
        row.get_by_label(label, exact=True).fill(words)
    tool.press("show my account")
    tool.wait_for("SOL", ".mc-facts")
    until("a tile", lambda: "SOL, own margin" in tool.root.locator(".mc-tiles").inner_text())
    row.get_by_role("button", name="remove").click()
    until("the row to go", lambda: tool.rows().count() == many)
    tool.press("show my account")
    until("it to go", lambda: "SOL" not in tool.root.locator(".mc-facts").inner_text())


@pytest.mark.parametrize("kind", SAMPLES)
def test_each_kind_of_answer_is_read(tool, kind):
    tool.paste(json.dumps(SAMPLES[kind]), BALANCE.get(kind, ""))
    first = {"binance": "Binance", "okx": "OKX"}.get(kind, kind if kind == "ccxt" else kind.title())
    tool.wait_for(f"Read as {first}")
    names = {
        "binance": "DOGEUSDT", "bybit": "BTCUSD", "okx": "DOGE-USDT-SWAP", "hyperliquid": "ETH",
        "ccxt": "DOGE-USDT-SWAP",
    }  # fmt: skip
    tool.wait_for(names[kind], ".mc-facts")
    tool.wait_for("At today's prices", ".mc-words")


def test_a_wrong_paste_is_one_line_and_nothing_is_lost(tool):
    tool.paste(json.dumps(SAMPLES["okx"]))
    tool.wait_for("Read as OKX")
    facts = tool.root.locator(".mc-facts").inner_text()
    for words, says in (
        ('{"a": 1', "paste must be JSON"),
        ("[1, 2]", "paste must be one of these answers"),
        (json.dumps(SAMPLES["bybit"]), "balance behind BTCUSD must be told"),
        ('[{"positionAmt": "1", "symbol": "<img src=x onerror=alert(1)>"}]', "symbol must be one"),
    ):
        tool.paste(words)
        tool.wait_for(says)
        assert "\n" not in tool.said().strip()
        assert tool.root.get_by_label("what the exchange answers").input_value() == words
        assert tool.root.locator(".mc-facts").inner_text() == facts
    assert tool.root.locator(".mc-said img").count() == 0


def test_a_picture_is_saved(tool):
    tool.root.locator(".mc-save").scroll_into_view_if_needed()
    with tool.page.expect_download() as waited:
        tool.press("save this as a picture")
    assert waited.value.suggested_filename == "your_account.png"
    with open(waited.value.path(), "rb") as file:
        image = Image.open(BytesIO(file.read()))
    assert image.format == "PNG" and image.width >= 540 and image.height > 400


def test_axe_finds_no_violation_while_a_paste_is_open(tool):
    tool.paste("[]")
    tool.wait_for("paste must be one of these answers")
    found = Axe().run(tool.page, context={"include": [[".mc-lab"]]}, options={"runOnly": RULES})
    told = [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found.response["violations"]]
    assert told == []


@pytest.mark.parametrize("wide", [1366, 400])
def test_nothing_is_wider_than_the_page(tool, wide):
    tool.page.set_viewport_size({"width": wide, "height": 768})
    until(
        "room",
        lambda: tool.root.evaluate(
            "lab => lab.getBoundingClientRect().width <= innerWidth"
            " && [...lab.querySelectorAll('.mc-form *')].every(each =>"
            " each.getBoundingClientRect().right <= innerWidth + 1)"
        ),
    )
    tool.page.set_viewport_size({"width": 1366, "height": 768})
