"""What CONTRIBUTING shows works as it stands."""

import re

import pytest


@pytest.fixture
def shown(root, monkeypatch):
    """What the example of a lab defines, run where a notebook runs."""
    (source,) = re.findall(
        r"```python\n(.*?)```", (root / "CONTRIBUTING.md").read_text("utf-8"), re.S
    )
    *lines, last = source.strip().splitlines()
    monkeypatch.chdir(root / "notebooks")
    names = {}
    exec("\n".join(lines), names)
    return names | {"lab": eval(last, names)}


def test_the_example_of_a_lab_is_one(shown):
    lab = shown["lab"]
    start, picture = lab.summary(), lab._image.value
    assert re.fullmatch(r"ETH at [\d.]+x: alive, [\d.]+ % from liquidation\.", start)
    buttons = {button.description: button for button in lab.children[1].children}
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


def test_the_example_is_short(shown, root):
    (source,) = re.findall(
        r"```python\n(.*?)```", (root / "CONTRIBUTING.md").read_text("utf-8"), re.S
    )
    assert len(source.splitlines()) <= 50
