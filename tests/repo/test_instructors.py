"""The pages for instructors name what is there: sections, exercises, files, commands, minutes."""

import datetime
import re

import pytest

from benchmarks import classroom
from benchmarks import test_kernels as kernels
from margin_course.answers import every
from tests.notebooks.test_structure import headings
from tests.support.recipes import ADAPTED
from tools.handout import assignment
from tools.notebooks import run as notebooks
from tools.publish import badges
from tools.repo import ROOT

FOLDER = ROOT / "instructors"
PAGES = sorted(FOLDER.glob("*.md"))
# A copy of the course may have dropped some of these, and added others with later numbers.
NOTEBOOKS = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("[01]*.ipynb"))}
GUIDE = (FOLDER / "guide.md").read_text(encoding="utf-8")
CLASSROOM = (FOLDER / "classroom.md").read_text(encoding="utf-8")
of_the_course = pytest.mark.skipif(ADAPTED, reason="an adapted course has notebooks of its own")
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


@by_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        dropped = ADAPTED and target.startswith("../notebooks/")  # by who adapted the course
        assert dropped or "://" in target or (page.parent / target.split("#")[0]).exists(), target


def cited(text):
    """(number of a notebook, title of a section), for `03 *Title?* to *Another*, *A third*`."""
    for line in text.splitlines():
        number = None
        for found in re.finditer(r"\b([01]\d)\b(?! exercise|\.)|(?<!\*)\*([^*]+)\*(?!\*)", line):
            number = found[1] or number
            if found[2] and number:
                yield number, found[2]


def test_every_section_that_the_guide_names_is_there():
    titles = {
        number: {words for _, words in headings(notebooks.read(path))}
        for number, path in NOTEBOOKS.items()
    }
    named = [each for each in cited(GUIDE) if each[1][0].isupper() and each[1] not in KINDS]
    assert len(named) > 40
    assert [f"{n} {t}" for n, t in named if n in titles and t not in titles[n]] == []


KINDS = set(assignment.POINTS)
PLACE = r"(?:\[\w+\]\(\.\./notebooks/(\w+\.ipynb)\) \*(.+)\*|.+)"  # or a reason why there is none
ASKED = re.compile(rf"(?m)^\| (\d+) \| (.+?\?) \| .+? \| {PLACE} \| (.+) \|$")
HOW = {"a run", "the table of rule books", "a venue's rule"}


@of_the_course
def test_every_question_that_people_ask_has_one_place_or_a_reason():
    asked = ASKED.findall((FOLDER / "questions.md").read_text(encoding="utf-8"))
    assert [int(number) for number, *_ in asked] == list(range(1, 43))
    assert len({question for _, question, *_ in asked}) == len(asked)
    for _, question, name, title, by in asked:
        assert bool(name) == (by in HOW), question
        if name:
            found = [words for _, words in headings(notebooks.read(ROOT / "notebooks" / name))]
            assert title in found, f"{question} {title}"
    assert sum(bool(name) for _, _, name, _, _ in asked) >= 38


def test_every_exercise_that_the_guide_names_is_there():
    named = re.findall(r"\b\d\d\.\d\b", GUIDE)
    assert len(named) > 8
    assert {name for name in named if name[:2] in NOTEBOOKS} <= set(every())


@of_the_course
def test_the_guide_says_how_to_teach_every_notebook():
    section = re.search(r"(?ms)^## Each notebook\n(.*?)^## ", GUIDE)[1]
    told = re.findall(r"(?m)^### (\d\d) ", section)
    assert [number for number in told if number in NOTEBOOKS] == list(NOTEBOOKS)


@pytest.mark.parametrize(("title", "total"), [("90 minutes", 90), ("Half a day", 210)])
def test_the_minutes_of_a_plan_follow_one_another(title, total):
    plan = re.search(rf"(?ms)^### {title}.*?(?=^##)", GUIDE)[0]
    rows = [tuple(map(int, row)) for row in re.findall(r"(?m)^\| (\d+) \| (\d+) \|", plan)]
    assert len(rows) > 5
    reached = 0
    for start, minutes in rows:
        assert start == reached
        reached += minutes
    assert reached == total


def test_the_minutes_of_a_meeting_follow_one_another():
    plan = re.search(r"(?ms)^### Two weeks.*?(?=^##)", GUIDE)[0]
    meetings = re.findall(r"(?m)^\| \d \|.*", plan)
    assert len(meetings) == 6
    for row in meetings:
        reached = 0
        for start, end in re.findall(r"\b(\d+)–(\d+) ", row):
            assert int(start) == reached < int(end), row
            reached = int(end)
        assert reached == 90, row


def test_the_forms_of_the_links_are_those_that_badges_writes():
    links = badges.links("OWNER/NAME", "HUB")
    links = {name: link.replace("owner.github", "OWNER.github") for name, link in links.items()}
    for service, link in links.items():
        assert re.search(rf"(?m)^{service} +{re.escape(link)}$", CLASSROOM), service


def test_what_is_measured_takes_the_place_of_the_table():
    rows = {"JupyterLab itself": (98.4, 2, 3), "01_leverage": (147, 1.54, 2.4)}
    new = classroom.written(CLASSROOM, rows, "2031-01-02: here.")
    assert "| 01_leverage | 147 | 1.5 | 2.4 |\n\n*Memory at most*" in new
    assert "Measured by `make bench` on 2031-01-02: here.\n\n| what runs |" in new
    assert len(re.findall(r"(?m)^\| 0\d_", new)) == 1
    assert new.startswith(CLASSROOM.partition("Measured by")[0])


@of_the_course
def test_the_measured_table_has_a_day_and_every_notebook():
    day = re.search(r"Measured by `make bench` on (\d{4}-\d\d-\d\d)", CLASSROOM)[1]
    assert datetime.date.fromisoformat(day)
    heads = kernels.MEMORY, kernels.PROCESSOR, kernels.CLOCK
    assert f"| what runs | {' | '.join(heads)} |" in CLASSROOM
    rows = re.findall(r"(?m)^\| (\S.*?) \| (\d+) \| [\d.]+ \| [\d.]+ \|$", CLASSROOM)
    names = [name for name, _ in rows]
    assert names[0] == "JupyterLab itself"
    stems = [path.stem for path in NOTEBOOKS.values()]
    assert [name for name in names if name in stems] == stems
    assert max(int(memory) for _, memory in rows) <= kernels.LARGEST
