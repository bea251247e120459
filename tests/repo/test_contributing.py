"""What CONTRIBUTING shows works as it stands; paths that pages name are there."""

import re

import pytest

from margin_course import exercises
from margin_course.scenarios import load
from tools.repo import ROOT


@pytest.fixture
def sources(root):
    """The examples: of a lab, of an exercise."""
    text = (root / "CONTRIBUTING.md").read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.S)


@pytest.fixture
def shown(root, sources, monkeypatch):
    """What the example of a lab defines, run where a notebook runs."""
    *lines, last = sources[0].strip().splitlines()
    monkeypatch.chdir(root / "notebooks")
    names = {}
    exec("\n".join(lines), names)
    return names | {"lab": eval(last, names)}


def test_the_example_of_a_lab_is_one(shown):
    lab = shown["lab"]
    start, picture = lab.summary(), lab._screen.picture
    assert re.fullmatch(r"At [\d.]+x the price may fall by [\d.]+ %\.", start)
    buttons = dict(zip(lab.presets, lab._buttons.children, strict=True))
    buttons["half the leverage"].click()
    assert lab.summary() != start
    assert (lab._screen.picture != picture) is True
    buttons["start"].click()
    assert lab.summary() == start
    assert (lab._screen.picture == picture) is True
    data = lab._repr_mimebundle_()
    assert data["text/plain"] == start
    assert start in data["text/html"]


def test_the_example_says_what_the_exchange_refuses(shown):
    lab = shown["lab"]
    high = lab.scenario.with_trade("ETH", maintenance_rate=0.1)
    refused = shown["RoomLab"](high)
    refused.set(leverage=20)
    assert refused.summary().startswith("The exchange refuses: ")


def test_the_example_is_short(sources):
    assert len([line for line in sources[0].splitlines() if line.strip()]) <= 40


def test_the_example_of_an_exercise_is_one(root, sources, monkeypatch, capsys):
    made = {}
    exec(sources[1], made)
    monkeypatch.setattr(exercises, "every", lambda: made["ANSWERS"])
    path = root / "notebooks/scenarios.toml"
    leverage = load(path)["leverage"]["ETH"].leverage
    exercises.check("01.5", -0.25 / leverage, path=path)
    exercises.check("01.5", -0.25 * leverage, path=path)
    exercises.hint("01.5", 2, path)
    said = capsys.readouterr().out.splitlines()
    assert [line.split(".")[1] for line in said] == [
        "5: right",
        "5: not yet",
        "5: Return on margin = leverage · price change",
    ]


PAGES = ["README.md", "CONTRIBUTING.md", ".github/pull_request_template.md", "docs/conf.py"]
PAGES += sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "instructors").glob("*.md"))
TOP = sorted({path.relative_to(ROOT).parts[0] for path in ROOT.glob("*/*")} | {".github", ".ci"})
NAMED = re.compile(rf"[`\s(\"]((?:{'|'.join(map(re.escape, TOP))})/[\w./-]*\w/?)")
MADE = re.compile(r"build/|\.venv|our_class|margin_lib\.egg-info")  # by a command of the page


def named(text):
    """The paths in a text, as they are written from the top folder."""
    return sorted({path for path in NAMED.findall(text) if not MADE.match(path)})


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_there(root, page):
    text = (root / page).read_text(encoding="utf-8")
    lost = [p for p in named(text) if not (root / p).exists() and "our_class" not in p]
    assert lost == []


def test_a_path_that_is_not_there_would_be_found():
    assert named("open `margin_lib/none.py`, or (tools/none/) here") == [
        "margin_lib/none.py",
        "tools/none/",
    ]


def test_the_map_leads_to_ten_places(root):
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = re.search(r"(?ms)^## Where to look\n(.*?)^## ", text)[1]
    rows = re.findall(r"(?m)^\| (?!to change|-)(.*)", section)
    assert len(rows) == 10 and all(re.search(r"`[\w./]+`", row) for row in rows)
    for path in re.findall(r"`([\w./]+)`", section):
        assert (root / path).exists() or path.startswith(".venv"), path
