"""No answer to a prediction is in sight before it is opened."""

import html
import re

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from margin_course.prediction import predict
from tools.notebooks import counts
from tools.notebooks import run as notebooks
from tools.repo import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
REVEALS = re.compile(r"(?m)^#+ What happened\b")
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
OPENED = re.compile(r"<p>It is <b>(.*?)</b>\.</p>")


def numbers(text: str) -> set[float]:
    """The numbers that somebody reads, without their signs.

    >>> sorted(numbers("−50.00 % of 1,000 USD, x2"))
    [50.0, 1000.0]
    """
    return {float(number.replace(",", "")) for number in NUMBER.findall(text)}


def without_folds(text: str) -> str:
    return re.sub(r"(?s)<details>.*?</details>", " ", text)


def shown(output: NotebookNode) -> str:
    """What an output says, also to whom cannot see its picture, while every fold is closed."""
    data = output.get("data", {})
    words = data.get("text/html") or data.get("text/markdown") or data.get("text/plain", "")
    words = without_folds(words or output.get("text", ""))
    said = " ".join(re.findall(r'(?:alt|aria-label|title)="([^"]*)"', words))
    return html.unescape(f"{re.sub(r'<[^>]*>', ' ', words)} {said}")


def in_sight(cell: NotebookNode) -> str:
    """What a reader sees of a cell before opening anything."""
    if cell.cell_type == "markdown":
        return counts.text_in_sight(without_folds(cell.source))
    code = cell.source.partition("\n")[0] if counts.is_folded(cell) else cell.source
    return "\n".join([code, *map(shown, cell.outputs)])


def answer_of(cell: NotebookNode) -> str | None:
    """The answer that a cell keeps in a fold, if it asks for a prediction."""
    for output in cell.get("outputs", []):
        found = OPENED.search(output.get("data", {}).get("text/html", ""))
        if found and "data-prediction" in output.data["text/html"]:
            return html.unescape(found[1])
    return None


def pieces(notebook: NotebookNode) -> list[tuple[str, NotebookNode]]:
    """Each section of level 2, cut before "What happened": (text in sight, the cell) in order."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found.append((in_sight(cell), cell))
            continue
        for part in re.split(r"(?m)^(?=#+ )", cell.source):
            text = counts.text_in_sight(without_folds(part))
            if part.startswith("## ") or REVEALS.match(part):
                found.append(("", None))  # a border
            found.append((re.sub(r"(?m)^#+ .*$", "", text), cell))
    return found


def spoilers(notebook: NotebookNode) -> list[str]:
    """Each prediction whose answer is in sight, in words."""
    found, all_pieces = [], pieces(notebook)
    borders = [place for place, (_, cell) in enumerate(all_pieces) if cell is None]
    for place, (_, cell) in enumerate(all_pieces):
        answer = answer_of(cell) if cell is not None else None
        if answer is None:
            continue
        start = max((border for border in borders if border < place), default=0)
        end = min((border for border in borders if border > place), default=len(all_pieces))
        for text, other in all_pieces[start:end]:
            seen = numbers(answer) & numbers(text)
            if seen:
                where = other.get("id", "a cell")
                found.append(f"{cell.get('id')}: the answer {answer} is in sight in {where}")
    return found


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_no_answer_is_in_sight_before_it_is_opened(path):
    assert spoilers(notebooks.read(path)) == []


def asked(answer=512.0) -> NotebookNode:
    """A cell that asks, as it is stored."""
    question = predict("What is left of your 1,000 USD?", answer, "USD", opens="It was 512.")
    data = {"text/html": question.static(), "text/plain": "Predict."}
    return new_code_cell(
        "predict(...)",
        metadata={"jupyter": {"source_hidden": True}},
        outputs=[new_output("display_data", data)],
    )


def page(*around: NotebookNode) -> list[str]:
    before = [cell for cell in around if cell.metadata.get("before")]
    after = [cell for cell in around if cell not in before]
    begin = new_markdown_cell("512 is said elsewhere.\n\n## How much in 512 days?\n\nETH falls.")
    return spoilers(new_notebook(cells=[begin, *before, asked(), *after]))


def test_a_fair_prediction_passes():
    fold = "<details><summary>What happened</summary>\n\nIt is 512 USD.\n\n</details>"
    later = new_markdown_cell("### What happened\n\nIt is 512.")
    assert page(new_markdown_cell(fold), later) == []


@pytest.mark.parametrize(
    "cell",
    [
        new_markdown_cell("So <!--= left -->512 USD<!--/--> are left."),
        new_markdown_cell("So −512.00 USD are left.", metadata={"before": True}),
        new_code_cell("left = 512"),
        new_code_cell("x", outputs=[new_output("stream", name="stdout", text="512.0")]),
        new_code_cell(
            "x",
            metadata={"jupyter": {"source_hidden": True}},
            outputs=[new_output("display_data", {"text/html": '<img alt="512 USD left">'})],
        ),
    ],
)
def test_an_answer_in_sight_is_noticed(cell):
    (found,) = page(cell)
    assert "the answer 512 USD is in sight" in found
