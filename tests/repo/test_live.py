"""What moves on the pages: which labs stand in a notebook, and what is stored of them."""

import ast
import html
import io
import json
import re

import numpy as np
import pytest
from PIL import Image, ImageColor

from margin_course.lessons.comparison import CloudLab
from margin_course.lessons.leverage import LeverageLab
from margin_course.scenarios import load
from tests.support.recipes import ADAPTED
from tools.notebooks import run as notebooks
from tools.publish import labs, live


def stored_labs():
    for path in sorted(labs.NOTEBOOKS.glob("*.ipynb")):
        notebook = notebooks.read(path)
        shown = [
            out["data"]["text/html"]
            for cell in notebook.cells
            for out in cell.get("outputs", [])
            if labs.LEGEND in out.get("data", {}).get("text/html", "")
        ]
        for number, (said, program) in enumerate(zip(shown, labs.programs(notebook), strict=True)):
            yield pytest.param(said, program, id=f"{path.stem}-{number + 1}")


LABS = list(stored_labs())


def kept(program, wanted):
    statements = ast.parse(program).body
    (last,) = ast.parse(wanted).body
    return [ast.unparse(each) for each in labs.made_of(statements, last)]


def test_only_what_a_lab_needs_runs():
    program = """
from a import b, c
import d.e
x = b(1)
y = c(2)
x |= {"k": d.e}
print(y)
z = {n: v for n, v in x.items()}
for n in y: print(n)
x["l"] = 3
def f(): return z
"""
    first, second, third, _, fourth, _, fifth, _, sixth, seventh = (
        ast.unparse(each) for each in ast.parse(program).body
    )
    assert kept(program, "f()") == [first, second, third, fourth, fifth, seventh]
    assert kept(program, "x") == [first, second, third, fourth, sixth]
    assert kept(program, "print(1)") == []


@pytest.mark.skipif(ADAPTED, reason="an adapted course may have fewer labs")
def test_every_kind_of_lab_is_on_a_page():
    kinds = {type(labs.lab_of(param.values[1])).__name__ for param in LABS}
    assert len(LABS) >= 12 and len(kinds) >= 10


@pytest.mark.parametrize("said, program", LABS)
def test_a_page_starts_where_the_notebook_does(said, program):
    """The lines that were cut out of a notebook make the lab that it shows."""
    lab = labs.lab_of(program)
    alt = html.unescape(re.search(r'<img alt="([^"]+)"', said)[1])
    assert (
        labs.state_at(lab, where := labs.grid(lab), 0, labs.about(lab, where)["start"])["alt"]
        == alt
    )


@pytest.mark.parametrize("said, program", LABS)
def test_a_grid_holds_the_start_and_every_preset(said, program):
    lab = labs.lab_of(program)
    where = labs.grid(lab)
    told = labs.about(lab, where)
    assert where.at(0, told["start"]) == pytest.approx(lab.presets["start"])
    names = list(where.values)
    assert 1 <= len(names) <= 1 + max(3, len(lab.scenario.trades))
    for preset, moved in zip(told["presets"], lab.presets.values(), strict=True):
        place = [preset["at"].get(n, told["start"][names.index(n)]) for n in names]
        wanted = lab.at(**lab.presets["start"] | moved).values()
        assert where.at(preset["others"][0], place) == pytest.approx(wanted)
    for control, (name, values) in zip(told["controls"], where.values.items(), strict=True):
        assert len(control["shown"]) == len(set(control["shown"])) == len(values)
        if control["kind"] == "range":
            assert values == sorted(values) and len(values) <= labs.FRAMES + 10
            assert (values[0], values[-1]) == (lab.controls[name].min, lab.controls[name].max)


def test_a_locked_control_is_where_the_page_has_it():
    """A closed pocket takes no margin: so a row of states is not walked along as it stands."""
    (program,) = [param.values[1] for param in LABS if "IsolatedLab" in param.values[1]]
    lab = labs.lab_of(program)
    where = labs.grid(lab)
    locked = []
    for added in (4, 8, 2):
        state = labs.state_at(lab, where, 0, [added, 0])
        there = lab.at(**where.at(0, [added, 0])).state()
        assert state["controls"] == there["controls"] and state["words"] == there["words"]
        locked.append(state["locked"])
    assert ["added"] in locked


def test_a_move_that_starts_anew_does_so_on_the_page():
    """Prices that came back are moved again: the page puts them where the lab does."""
    (program,) = [param.values[1] for param in LABS if "FirstLab" in param.values[1]]
    lab = labs.lab_of(program)
    *prices, back = labs.about(lab, labs.grid(lab))["controls"]
    assert back["name"] == "prices" and back["resets"] == {}
    assert [price["resets"] for price in prices] == [{"prices": 0}] * len(prices)


def test_what_is_told_is_one_line_of_script():
    told = labs.script("a/lab", {"b": ["−1 %", 'c"</script>']})
    name, data = re.fullmatch(r"marginCourse\.told\((\".+?\"), (.+)\);\n", told).groups()
    assert (json.loads(name), json.loads(data)) == ("a/lab", {"b": ["−1 %", 'c"</script>']})


def test_the_script_of_the_pages_needs_no_modules():
    text = live.bundled(live.DOCS / "course.js")
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert "const { Screen } = screen_js;" in text and "return { Screen };" in text


@pytest.mark.parametrize("kind", [CloudLab, LeverageLab], ids=lambda kind: kind.__name__)
def test_a_picture_of_few_colours_keeps_those_that_mean_something(kind):
    lab = kind(load(labs.NOTEBOOKS / "scenarios.toml")[kind.starts_in])
    for place in lab.presets.values():
        lab.set(**lab.presets["start"])
        lab.set(**place)
        stored = np.asarray(Image.open(io.BytesIO(labs.webp(lab))).convert("RGB"), dtype=int)
        drawn = np.asarray(lab.canvas.canvas.buffer_rgba())[..., :3].astype(int)
        assert stored.shape == drawn.shape and len(np.unique(stored.reshape(-1, 3), axis=0)) <= 24
        for colour in map(ImageColor.getrgb, labs.MEANT):
            there = (drawn == colour).all(axis=2)
            assert np.abs(stored[there] - colour).max(initial=0) <= 12, colour
