"""Make slides of the notebooks: build/slides, one deck each, for any browser and without a network.

    python -m tools.publish.slides
    python -m tools.publish.slides notebooks/03*.ipynb

What begins a slide follows from how a notebook is built: a section is a column of slides; a
prediction, a figure and an exercise each begin one; what was predicted appears at the next key. A
cell's own tag (slide, subslide, fragment or skip) decides otherwise. In the browser,
tools/slides/slides.js moves on what does not fit.
"""

import html
import re
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from margin_course.lab import Lab
from tools import repo
from tools.notebooks import counts
from tools.notebooks import run as notebooks
from tools.publish import labs
from tools.repo import ROOT

FOLDER = ROOT / "build" / "slides"
TOOLS = ROOT / "tools/publish/slides"

NAVIGATION = re.compile(r"^\[.*\]\(\w+\.ipynb.*\)$")
NEW_COLUMN = re.compile(r"#{1,2} ")
NEW_SLIDE = re.compile(r"###+ |\*\*(After this you can|\d\d\.\d+)\b")
# Nothing to see while nobody types, or moves the lab.
WAITS = re.compile(r"check\(|your_predictions\(|prose_is_fresh\(")
# What says a sentence or draws a picture is no lesson in mathematics; long code is none for a wall.
ONLY_SHOWS = re.compile(r"\b(say|show|judge)\(|Lab\(|^try:", re.MULTILINE)
LONGEST = 6  # lines
FRAMES = 4  # of a film
TAGS = {"slide", "subslide", "fragment", "skip"}


def with_films(notebook: NotebookNode) -> NotebookNode:
    """The notebook with frames of a film below the lab that plays it: on a slide nothing plays."""
    cells, made = [], iter(labs.programs(notebook))
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "code" and labs.shows_lab(cell):
            cells += frames(labs.lab_of(next(made)))
    return NotebookNode(notebook, cells=cells)


def frames(lab: Lab) -> list[NotebookNode]:
    """A slide for each of some places of a lab's film, after its start, as far apart as can be."""
    film = lab.state()["film"]
    if not film:
        return []
    low, high, name = film["low"], film["high"], film["control"]
    steps = round((high - low) / lab.controls[name].step)
    found = sorted({round(n * steps / FRAMES) for n in range(1, FRAMES + 1)})
    cells = []
    for step in found:
        there = lab.at(**{name: low + step * lab.controls[name].step})
        shown = new_output("display_data", data={"text/html": there.still()})
        cells.append(new_code_cell("", outputs=[shown], metadata={"tags": ["subslide"]}))
    return cells


def deck(notebook: NotebookNode) -> NotebookNode:
    """The notebook as slides: marked, cut into paragraphs, without what only a kernel needs."""
    cells, skipped = [], False
    for cell in notebook.cells:
        wish = next(iter(TAGS.intersection(cell.metadata.get("tags", []))), None)
        if wish == "skip":
            continue
        if cell.cell_type == "markdown":
            for text in paragraphs(cell.source):
                if NEW_COLUMN.match(text):
                    skipped = text == "## Quiz"
                if not skipped:
                    alone = cells and NEW_COLUMN.match(cells[-1].source)
                    cells.append(marked(new_markdown_cell(text), wish or kind(text, alone)))
                    wish = None  # of the first paragraph only
        elif not skipped and (wish or not WAITS.match(cell.source)):
            cell = without_code(cell)
            begins = "subslide" if begins_slide(cell) else "-"
            cells.append(marked(cell, wish or begins))
    cells[0].metadata.slideshow.slide_type = "slide"
    return NotebookNode(notebook, cells=cells)


def paragraphs(source: str) -> list[str]:
    """The blocks of a Markdown cell, without links to other notebooks.

    >>> paragraphs("# A\\n\\n[B](b.ipynb) · [C](c.ipynb)\\n\\n**1.1** d?")
    ['# A', '**1.1** d?']
    """
    blocks: list[str] = []
    for block in re.split(r"\n\s*\n(?![ \t])", source.strip()):
        if blocks and blocks[-1].count("<details") > blocks[-1].count("</details"):
            blocks[-1] += f"\n\n{block}"  # a fold is one block
        else:
            blocks.append(block)
    return [block for block in blocks if block and not NAVIGATION.match(block)]


def kind(text: str, below_title=False) -> str:
    """Where a paragraph stands: in a new column, on a new slide of it, or below the last one."""
    if NEW_COLUMN.match(text):
        return "slide"
    return "subslide" if NEW_SLIDE.match(text) and not below_title else "-"


def marked(cell: NotebookNode, slide_type: str) -> NotebookNode:
    cell.metadata["slideshow"] = {"slide_type": slide_type}
    return cell


def begins_slide(cell: NotebookNode) -> bool:
    """Whether a cell shows a picture, or asks for a prediction."""
    shown = [output.get("data", {}) for output in cell.outputs]
    found = re.compile(r"<img|data-prediction=")
    return any(found.search(data.get("text/html", "")) for data in shown)


def without_code(cell: NotebookNode) -> NotebookNode:
    """A cell with its code hidden, unless that is short and worth reading."""
    if (
        not cell.source
        or counts.is_folded(cell)
        or ONLY_SHOWS.search(cell.source)
        or len(cell.source.splitlines()) > LONGEST
    ):
        cell.metadata["transient"] = {"remove_source": True}
    return cell


def to_html(notebook: NotebookNode, name: str) -> str:
    from nbconvert import SlidesExporter

    exporter = SlidesExporter(
        template_name="slides",
        extra_template_basedirs=[str(TOOLS.parent)],
        reveal_url_prefix="reveal.js",
        reveal_theme="white",
    )
    text, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name}})
    return text


def write(paths, folder: Path = FOLDER) -> None:
    """Write the decks, their list, and all that they load."""
    shutil.rmtree(folder, ignore_errors=True)
    reveal = Path(str(files("sphinx_revealjs"))) / "_static" / "revealjs"
    shutil.copytree(reveal / "dist", folder / "reveal.js" / "dist", ignore=lambda *_: UNUSED)
    shutil.copyfile(reveal / "LICENSE", folder / "reveal.js" / "LICENSE")
    for name in ("slides.css", "slides.js"):
        shutil.copyfile(TOOLS / name, folder / name)
    entries = []
    for path in paths:
        notebook = notebooks.read(path)
        title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
        repo.write(folder / f"{path.stem}.html", to_html(deck(with_films(notebook)), title))
        entries.append(f'<li><a href="{path.stem}.html">{html.escape(title)}</a></li>')
    page = LIST.format(entries="\n".join(entries))
    repo.write(folder / "index.html", page)


UNUSED = {"reveal.js.map", "reveal.esm.js", "reveal.esm.js.map"}
LIST = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slides</title>
<link rel="icon" href="data:,">
<body style="font: 20px sans-serif; margin: 2em">
<h1>Slides</h1>
<p>Right: next section. Down: next slide of it. Space: next of all. F: full screen. O: overview.</p>
<ul>
{entries}
</ul>
</body>
</html>
"""


def main(arguments: list[str]) -> int:
    paths = [Path(name) for name in arguments] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    write(paths)
    print(f"{len(paths)} decks: {(FOLDER / 'index.html').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
