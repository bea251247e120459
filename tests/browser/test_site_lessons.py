"""Lessons of the guide, walked through by their minutes: each step opens what it names."""

import re

import pytest

from tests.browser.test_site_live import address, heard, opened, shown
from tests.repo.test_instructors import GUIDE, NOTEBOOKS, cited, of_the_course
from tests.support.waiting import until

LESSONS = "90 minutes", "Half a day"
ROW = re.compile(r"(?m)^\| (\d+) \| (\d+) \| (.+) \|$")


def steps(lesson):
    """(minute, words) of a plan, in its order."""
    plan = re.search(rf"(?ms)^### {lesson}.*?(?=^##)", GUIDE)[0]
    return [(int(start), words) for start, _, words in ROW.findall(plan)]


@pytest.fixture(scope="module")
def page(chrome):
    page = chrome.new_page(viewport={"width": 1366, "height": 768})
    page.heard = heard(page)
    yield page
    page.close()


def section(page, title):
    """The part of the page under a heading, scrolled to."""
    heading = page.locator("h2, h3").filter(has_text=re.compile(rf"^{re.escape(title)}\W*$"))
    heading.scroll_into_view_if_needed()
    assert heading.is_visible(), title
    return heading.locator("xpath=..")


@of_the_course
@pytest.mark.parametrize("lesson", LESSONS)
def test_each_step_opens_what_it_names_in_that_order(page, lesson):
    moved, walked = [], []
    for minute, words in steps(lesson):
        places = [each for each in cited(words) if each[1][0].isupper()]
        if not places and re.search(r"\b00\b", words):
            places = [("00", None)]
        before = -1
        for number, title in places:
            if walked[-1:] != [number]:
                page.goto(address(NOTEBOOKS[number]))
                walked.append(number)
                before = -1
            part = section(page, title) if title else page.locator("main")
            top = part.bounding_box()["y"] + page.evaluate("scrollY")
            assert top > before, f"minute {minute}: {number} {title} stands before its neighbour"
            before = top
            labs = part.locator("[data-lab]")
            for lab in (opened(page, n) for n in _numbers(page, labs)):
                first = shown(lab)
                slider = lab.locator("input[type=range]").first
                end = slider.evaluate("it => it.value === it.max")
                slider.press("ArrowLeft" if end else "ArrowRight")
                until("the lab moves", lambda lab=lab, first=first: shown(lab) != first)
                moved.append(number)
        for exercise in re.findall(r"\b\d\d\.\d\b", words):
            page.goto(address(NOTEBOOKS[exercise[:2]]))
            walked.append(exercise[:2])
            assert page.get_by_text(exercise).first.is_visible()
    # A picture that was on its way when the page was left has not failed.
    assert not [words for words in page.heard if not words.startswith("failed: ")]
    assert len(walked) >= 4 and len(moved) >= 3


def _numbers(page, labs):
    """Which labs of the page these are."""
    return labs.evaluate_all(
        "some => some.map(one => [...document.querySelectorAll('[data-lab]')].indexOf(one))"
    )
