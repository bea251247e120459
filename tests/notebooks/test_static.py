"""Where no kernel runs, as on GitHub and nbviewer: each lab leaves its picture and its words."""

import re

import nbformat
import pytest
from nbconvert import HTMLExporter

from tests.support.lessons import LABS
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"


def lab_cells():
    for path in sorted(FOLDER.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for kind in re.findall(r"\b([A-Z]\w*Lab)\(", cell.source):
                yield pytest.param(cell, id=kind)


def test_every_lab_stands_in_a_notebook():
    shown = {param.id for param in lab_cells()}
    assert set(LABS) <= shown


@pytest.mark.parametrize("template", ["lab", "classic", "basic"])
@pytest.mark.parametrize("cell", list(lab_cells()))
def test_a_lab_leaves_a_picture_with_words(cell, template):
    page = nbformat.v4.new_notebook(cells=[cell])
    body, _ = HTMLExporter(template_name=template).from_notebook_node(page)
    picture = r'<img alt="([^"]+)" src="data:image/png;base64,[A-Za-z0-9+/=]{1000,}" ?/?>'
    (words,) = re.findall(picture, body)
    assert len(words) > 40 and words.count(" ") > 8
    # The status of each pocket, what to look at, and the legend: a line for each control.
    assert re.search(r'<li class="mc-tile [^>]+><span>.+?</span>', body)
    caption = re.search(r"<figcaption>(.+?)</figcaption>", body, re.S)[1]
    assert caption.count("<li><b>") == caption.count("<li>") >= 1
    assert re.search(r"<p><b>[^<>]+:</b> [^<>]{20,}</p><details", caption)
    (tall,) = re.findall(r'base64,([A-Za-z0-9+/=]{1000,})"', body)
    assert len(tall) * 3 / 4 < 60_000
    assert "widget-view" not in body and "widget-state" not in body
