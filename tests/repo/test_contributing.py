"""What CONTRIBUTING shows works as it stands."""

import re

import pytest

from margin_course import exercises
from margin_course.scenarios import load


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
    start, picture = lab.summary(), lab._image.value
    assert re.fullmatch(r"ETH at [\d.]+x: alive, [\d.]+ % from liquidation\.", start)
    buttons = dict(zip(lab.presets, lab.children[1].children, strict=True))
    buttons["half the leverage"].click()
    assert lab.summary() != start
    assert (lab._image.value != picture) is True
    buttons["start"].click()
    assert lab.summary() == start
    assert (lab._image.value == picture) is True
    bundle = lab._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/plain"] == start
    assert start in data["text/html"]


def test_the_example_says_what_the_exchange_refuses(shown):
    lab = shown["lab"]
    high = lab.scenario.with_trade("ETH", maintenance_rate=0.1)
    refused = shown["RoomLab"](high)
    refused.set(leverage=20)
    assert refused.summary().startswith("The exchange refuses: ")


def test_the_example_is_short(sources):
    assert len(sources[0].splitlines()) <= 50


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
