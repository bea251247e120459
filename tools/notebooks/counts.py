"""What a reader meets in each notebook, in numbers: python -m tools.notebooks.counts [notebooks].

open      code cells whose code is in sight
lines     lines of code in them, comments and blank lines left out
plumbing  the share of these lines that only import, show, ask or check
f         of the open cells, those that build a sentence (an f-string)
asked     predictions
words     of the text that is in sight; the sources at the end are there to look something up
minutes   words at 200 a minute, 1.5 for a prediction, 5 for an exercise (4 to complete one, 2 to
          order one), 3 for a lab, 1 for the two questions at the beginning, 8 for the fifteen
first     the cell after which something on the page can be moved
"""

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

PLUMBING = {
    *("say", "show", "table", "positions", "results", "chances", "terms", "print", "display"),
    *("predict", "check", "hint", "quiz", "prose_is_fresh", "your_predictions"),
    *("practice", "fifteen_questions"),
}
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
WORDS_A_MINUTE, PREDICTION, EXERCISE, LAB = 200, 1.5, 5, 3  # minutes for each of the last three
SHORTER = {"Complete": 4, "Order": 2}  # kinds of exercises, and their minutes
KIND = re.compile(r"(?m)^\*\*\d\d\.\d+ ([^*.]+)\.\*\*")
# Minutes for questions that stand in no text. Before the course they are an offer, beside its time.
QUESTIONS = {r"practice\(": 1, r'fifteen_questions\("after"': 8}
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"\]\((?:[^()\s]+)(?: \"[^\"]*\")?\)")


@dataclass(frozen=True)
class Counts:
    """What stands in one notebook; the names are explained above."""

    open: int
    lines: int
    plumbing: float
    f: int
    asked: int
    words: int
    minutes: float
    first: int | None


def is_folded(cell: NotebookNode) -> bool:
    """Whether the code of a cell is out of sight until a reader asks for it."""
    source = cell.metadata.get("jupyter", {}).get("source_hidden", False)
    return source or bool(FOLDED & set(cell.metadata.get("tags", [])))


def text_in_sight(markdown: str) -> str:
    """The words that a reader sees: no comments, addresses or tags.

    >>> text_in_sight('a <!--= 2 * x -->10<!--/--> [word](b.md#c "what it means")').split()
    ['a', '10', '[word']
    """
    return re.sub(r"<[^>]*>", " ", LINK.sub(" ", COMMENT.sub("", markdown)))


def statements(source: str) -> list[tuple[ast.stmt, int]]:
    """Each statement of a cell, with how many lines of code it takes."""
    code = re.sub(r"(?m)^(\s*)[!%].*$", r"\1pass", source)
    lines = [bool(re.sub(r"#.*", "", line).strip()) for line in code.splitlines()]
    return [(node, sum(lines[node.lineno - 1 : node.end_lineno])) for node in ast.parse(code).body]


def is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def is_plumbing(statement: ast.stmt) -> bool:
    """Whether a statement only imports, shows, asks or checks."""
    if is_import(statement):
        return True
    value = getattr(statement, "value", None)
    name = getattr(value, "func", None)
    return getattr(name, "id", "") in PLUMBING or getattr(name, "attr", "") in PLUMBING


def has_f_string(source: str) -> bool:
    return any(
        isinstance(node, ast.JoinedStr)
        for statement, _ in statements(source)
        for node in ast.walk(statement)
    )


def is_prediction(source: str) -> bool:
    return bool(re.search(r"(?m)^\s*(\w+ = )?predict\(", source))


def is_lab(source: str) -> bool:
    return bool(re.search(r"(?m)^(\w+ = )?\w+Lab(\.at)?\(", source))


def questions(source: str) -> float:
    """Minutes for the questions that a cell asks."""
    return sum(each for call, each in QUESTIONS.items() if re.search(rf"(?m)^{call}", source))


def count(notebook: NotebookNode) -> Counts:
    """Count what stands in one notebook."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    in_sight = [cell.source for cell in code if not is_folded(cell)]
    sized = [pair for source in in_sight for pair in statements(source)]
    lines = sum(size for _, size in sized)
    plumbing = sum(size for statement, size in sized if is_plumbing(statement))
    said = text_in_sight(prose.partition("# References")[0])
    words = len(re.findall(r"\w+", said))
    asked = sum(is_prediction(cell.source) for cell in code)
    exercises = sum(SHORTER.get(kind, EXERCISE) for kind in KIND.findall(prose))
    labs = sum(is_lab(cell.source) for cell in code)
    minutes = PREDICTION * asked + exercises + LAB * labs
    minutes += sum(questions(cell.source) for cell in code)
    moving = (n for n, cell in enumerate(notebook.cells, start=1) if _moves(cell))
    return Counts(
        open=len(in_sight),
        lines=lines,
        plumbing=plumbing / lines if lines else 0.0,
        f=sum(map(has_f_string, in_sight)),
        asked=asked,
        words=words,
        minutes=words / WORDS_A_MINUTE + minutes,
        first=next(moving, None),
    )


def _moves(cell: NotebookNode) -> bool:
    if cell.cell_type != "code":
        return False
    asks = is_prediction(cell.source)
    return asks or is_lab(cell.source)


def main(paths: list[str]) -> None:
    """Print one row a notebook."""
    chosen = [Path(path) for path in paths] or sorted(Path("notebooks").glob("*.ipynb"))
    print(f"{'':24} open lines plumbing  f asked words minutes first")
    for path in chosen:
        c = count(nbformat.read(path, as_version=4))
        print(
            f"{path.stem:24} {c.open:4} {c.lines:5} {c.plumbing:8.0%} {c.f:2} {c.asked:5} "
            f"{c.words:5} {c.minutes:7.1f} {c.first or '-':>5}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
