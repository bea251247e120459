"""What leaves the course is made from hostile data here: slides, assignment, zip, handout, results.

tests/course/test_payload.py has what a notebook shows; test_cards.py and test_handouts.py the rest.
"""

import io
import json
import zipfile
from dataclasses import replace

import mistune
import pytest
from nbformat.v4 import new_output

from margin_course import concepts, gains, progress, prose
from margin_course.gains import FORMS
from margin_course.lessons.stress import WaterfallLab
from margin_course.lessons.terms import TermsLab
from margin_course.scenarios import load
from margin_lib.errors import MarginError
from tests.support.payload import PAYLOAD, SHORT, active
from tests.support.strategies import SCENARIOS
from tools import repo
from tools.handout import assignment, sheets, student
from tools.notebooks import gains as make_gains
from tools.notebooks import run as notebooks
from tools.publish import slides
from tools.repo import ROOT

BOOK = load(SCENARIOS)
LESSON = ROOT / "notebooks" / f"{assignment.stems()[0]}.ipynb"


def hostile(kind):
    """A lab whose currency and words are the payload."""
    scenario = BOOK[kind.starts_in]
    made = kind(scenario)
    words = [made.look, "Look at", "start", *(c.description for c in made.controls.values())]
    return kind(replace(scenario, currency=SHORT, labels=dict.fromkeys(words, SHORT)))


@pytest.fixture
def lesson(monkeypatch):
    """The first lesson as hostile data would leave it: its labs, and a number in every text."""
    made, read = notebooks.read(LESSON), notebooks.read
    number = f"It is <!--= x -->{prose.computed('x', {'x': PAYLOAD})}<!--/-->."
    said = hostile(TermsLab)
    data = {"text/html": said.still(), "text/plain": said.summary()}
    for cell in made.cells:
        if cell.cell_type == "markdown" and not cell.source.startswith("#"):
            cell.source += f"\n\n{number}"
        elif cell.cell_type == "code" and "mc-still" in str(cell.outputs):
            cell.outputs = [new_output("display_data", data)]
    monkeypatch.setattr(notebooks, "read", lambda path: made if path == LESSON else read(path))
    return made


def rendered(markdown):
    return mistune.create_markdown(escape=False, plugins=["table"])(markdown)


def of_the_payload(page):
    """What the payload would have left, beside what the page itself runs."""
    return [each for each in active(page) if "fired" in str(each) or each[1].get("src") == "x"]


def test_slides_show_words_and_no_markup(lesson):
    deck = slides.deck(lesson)
    film = slides.frames(hostile(WaterfallLab))
    assert len(film) > 2
    for cell in film:
        (shown,) = (output.data["text/html"] for output in cell.outputs)
        assert active(shown) == [] and "fired" in shown
    page = slides.to_html(deck, "a lesson")
    assert "fired" in page and of_the_payload(page) == []
    assert of_the_payload(f"{page}{PAYLOAD}"), "the test would see nothing"


def test_a_handout_shows_words_and_no_markup(lesson):
    page = sheets.sheet(LESSON)
    assert "fired" in page and active(page) == []


def test_an_assignment_shows_words_and_no_markup(lesson):
    made = assignment.assignment(LESSON.stem)
    texts = [cell.source for cell in made.cells if cell.cell_type == "markdown"]
    shown = [rendered(text) for text in texts]
    assert [page for page in shown if "fired" in page], "the payload is not even there"
    assert [active(page) for page in shown] == [[] for _ in shown]


def test_an_assignment_is_not_made_from_scenarios_that_nobody_could_load(tmp_path):
    path = tmp_path / "scenarios.toml"
    text = SCENARIOS.read_text(encoding="utf-8")
    path.write_text(text.replace('currency = "BTC"', f"currency = '{SHORT}'", 1), encoding="utf-8")
    with pytest.raises(MarginError, match=r"^scenarios\.toml: .*currency must be plain words"):
        assignment.build(tmp_path / "made", path)
    assert not (tmp_path / "made").exists()


def test_students_get_no_output_of_hostile_data(lesson, tmp_path):
    lesson.cells[0].source += f"\n\n{prose.computed('x', {'x': PAYLOAD})}"
    student.pack(tmp_path / "a.zip", student.files("a.whl"))
    packed = zipfile.ZipFile(io.BytesIO((tmp_path / "a.zip").read_bytes()))
    (name,) = (name for name in packed.namelist() if name.endswith(LESSON.name))
    cells = json.loads(packed.read(name))["cells"]
    assert not [cell for cell in cells if cell.get("outputs")]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert "fired" in "".join(texts)
    assert of_the_payload("".join(rendered(text) for text in texts)) == []
    assert [text for text in map(str, packed.namelist()) if ".." in text] == []


def test_results_and_what_is_made_of_them_hold_no_words_of_a_stranger(
    own_answers, monkeypatch, tmp_path, capsys
):
    """A learner's file comes from a stranger: what is no option counts as not known."""
    asked = concepts.inventory(ROOT / "notebooks" / concepts.FILE)
    kept = {form: dict.fromkeys([*asked.questions, PAYLOAD], PAYLOAD) for form in FORMS}
    repo.write(own_answers, json.dumps(kept))
    path = progress.export(tmp_path / "class")
    assert "fired" in repo.read(path), "the payload is not even there"
    monkeypatch.setattr(make_gains, "ROOT", tmp_path)
    monkeypatch.setattr(make_gains, "BUILD", tmp_path / "build")
    monkeypatch.setattr(make_gains.concepts, "inventory", lambda path: asked)
    assert make_gains.main([str(tmp_path / "class")]) == 0
    tables = [repo.read(made) for made in (tmp_path / "build").glob("*.csv")]
    assert len(tables) == 3
    assert "fired" not in capsys.readouterr().out + "".join(tables)
    found = gains.of_class(tmp_path / "class", asked)
    assert found.questions["before"].eq(0).all()
