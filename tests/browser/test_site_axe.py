"""No page of the site breaks WCAG 2.2 AA, in light and in dark, its labs and answers open."""

import re

import pytest

from tests.browser import axe
from tests.browser.test_site import PAGES, WIDTHS, address
from tests.browser.test_site_live import opened

# On a small screen, the pages that are made of other parts than all others.
NARROW = [name for name in PAGES if re.match("index|search|notebooks/0[05]", name)]


@pytest.mark.parametrize("width", ["narrow", "wide"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(chrome, scheme, width):
    page = chrome.new_page(viewport={"width": WIDTHS[width], "height": 1000}, color_scheme=scheme)
    found = {}
    for name in PAGES if width == "wide" else NARROW:
        page.goto(address(name))
        for number in range(page.locator("[data-lab]").count()):
            opened(page, number)
        # Answers as they look when they are open.
        for last in page.locator("[data-prediction] .mc-button:last-child").all():
            last.dispatch_event("click")
        for group in page.locator(".mc-question").all():
            for option in group.locator("button").all():
                option.dispatch_event("click")
        if told := axe.violations(page):
            found[name] = told
    page.close()
    assert found == {}
