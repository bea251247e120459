"""The parts that every notebook of the course has, in the order in which a reader meets them."""

import ast
import copy
import re
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from margin_course.answers import Puzzle, Worked, every
from margin_course.scenarios import load
from tools.notebooks import counts
from tools.notebooks import run as notebooks
from tools.notebooks.course import is_lesson
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"
EVERY = sorted(FOLDER.glob("*.ipynb"))
ALL = [path for path in EVERY if is_lesson(path)]
PAGES = [path for path in EVERY if path not in ALL]  # a tool each, without a lesson's parts
PATHS = [path for path in ALL if not path.stem.startswith("00")]
BOOK = load(FOLDER / "scenarios.toml")
ANSWERS = {"Complete": Worked, "Order": Puzzle}
FEWEST, MOST = 3, 8  # predictions
OPEN, LINES = 15, 6  # open cells, and lines in each
FOLD = re.compile(r"<details><summary>What happened</summary>")
REVEALS = re.compile(r"(?m)^#+ What happened\b")
CLOSING = ["Exercises", "Quiz", "Key points"]
KINDS = {"Compute", "Design", "Find the bug"}
FADING = {"02", "03", "04", "05"}  # notebooks with a worked example that fades, and lines to order


def by_path(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


def prose(notebook: NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def headings(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Level and text of every heading."""
    text = re.sub(r"(?s)```.*?```", "", prose(notebook))
    return [(len(signs), words) for signs, words in re.findall(r"(?m)^(#+) +(.+?) *$", text)]


def sections(notebook: NotebookNode) -> dict[str, list[tuple[str, NotebookNode]]]:
    """What stands under each heading of level 2: pieces of text, and code cells."""
    found = {"": []}
    place = found[""]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            place.append((cell.source, cell))
            continue
        first, *others = re.split(r"(?m)^## ", cell.source)
        place.append((first, None))
        for other in others:
            title, _, text = other.partition("\n")
            place = found[title.strip()] = [(text, None)]
    return found


def text_of(section) -> str:
    return "\n".join(text for text, code in section if code is None)


def code_of(section) -> list[str]:
    return [text for text, code in section if code is not None]


def navigation(path: Path) -> set[str]:
    """Where a notebook leads: the one before, the one after, the index, the glossary."""
    place = ALL.index(path)
    near = {other.name for other in ALL[max(place - 1, 0) : place + 2]} - {path.name}
    return near | ({"00_index.ipynb", "glossary.md"} - {path.name})


def problems(notebook: NotebookNode, path: Path) -> list[str]:
    """Every part that is missing or out of place, in words."""
    return [
        *opening_problems(notebook, path),
        *heading_problems(notebook),
        *prediction_problems(notebook, path),
        *question_problems(notebook, path),
        *code_problems(notebook),
        *lab_problems(notebook),
        *closing_problems(notebook, path),
        *import_problems(notebook),
    ]


def page_problems(notebook: NotebookNode, path: Path) -> list[str]:
    """The same for a page: one title, ways out, code folded away, numbers that are computed."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    codes = [cell.source for _, cell in enumerate_code(notebook)]
    ways = {"00_index.ipynb", "glossary.md"}
    found = [*heading_problems(notebook), *code_problems(notebook), *import_problems(notebook)]
    found = [each for each in found if each != "does not import hint"]
    if not texts[0].startswith("# "):
        found.append("no title at its head")
    if any(ways not in lines_of_links(each) for each in (texts[0], texts[-1])):
        found.append(f"its first and its last text need a line of links to {sorted(ways)}")
    if codes[-1] != f'prose_is_fresh("{path.name}")':
        found.append("the last cell does not compare the numbers in the text")
    if not any(map(counts.is_lab, codes)):
        found.append("no lab")
    return found


def bullets(text: str, after: str) -> int:
    block = text.partition(after)[2].strip("\n").split("\n\n")[0]
    return len(re.findall(r"(?m)^- ", block))


def lines_of_links(text: str) -> list[set[str]]:
    """The targets of each line that is made of links."""
    return [
        set(re.findall(r"\]\(([^)]+)\)", line))
        for line in text.splitlines()
        if re.fullmatch(r"(\[[^]]+\]\([^)]+\)( · )?)+", line)
    ]


def opening_problems(notebook, path):
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    first, last = texts[0], texts[-1]
    if not first.startswith(f"# {path.name[:2]} · "):
        yield "the title does not begin with the number"
    for where, text in (("first", first), ("last", last)):
        if navigation(path) not in lines_of_links(text):
            yield f"the {where} cell has no line of links to {sorted(navigation(path))}"
    if not 3 <= bullets(first, "**After this you can**\n") <= 4:
        yield "must begin with 3 or 4 objectives"
    if "**You need**" not in first:
        yield "no prerequisites"
    if not re.search(r"\*\*Time:\*\* \d+ minutes\.", first):
        yield "no minutes"


def heading_problems(notebook):
    found = headings(notebook)
    if [words for level, words in found if level == 1] != [found[0][1]]:
        yield "must have one title, at the top"
    for (above, _), (below, words) in zip(found, found[1:], strict=False):
        if below > above + 1:
            yield f"heading {words!r} jumps from level {above} to {below}"
    names = [words for _, words in found]
    yield from (f"two headings {w!r}" for w in sorted({w for w in names if names.count(w) > 1}))


def prediction_problems(notebook, path):
    asked = [name for name, cell in enumerate_code(notebook) if counts.is_prediction(cell.source)]
    if not FEWEST <= len(asked) <= MOST:
        yield f"{len(asked)} predictions, must be {FEWEST} to {MOST}"
    for title, section in sections(notebook).items():
        if title in CLOSING:
            continue
        for place, (_, cell) in enumerate(section):
            if cell is None or not counts.is_prediction(cell.source):
                continue
            after = "".join(text for text, code in section[place + 1 :] if code is None)
            if not FOLD.search(after) and not REVEALS.search(after):
                yield f"section {title!r}: nothing says what happened"
    last, before = [cell.source for _, cell in enumerate_code(notebook)][:-3:-1]
    if last != f'prose_is_fresh("{path.name}")':
        yield "the last cell does not compare the numbers in the text"
    if before != "your_predictions()":
        yield "nothing says what became of the predictions"


def question_problems(notebook, path):
    """What was learnt before comes back at once; what was believed is asked before and after."""
    number, code = path.name[:2], [cell.source for _, cell in enumerate_code(notebook)]
    calls = [re.findall(r'(?m)^(?:practice|fifteen_questions)\("\w+"\)$', each) for each in code]
    if number > "01" and calls[0] != [f'practice("{number}")']:
        yield "does not begin with two questions on earlier notebooks"
    if number == "06" and ['fifteen_questions("after")'] not in calls[len(calls) // 2 :]:
        yield "does not ask the fifteen questions again"


def code_problems(notebook):
    """Code is in sight only where it teaches."""
    open_cells = [
        (name, cell) for name, cell in enumerate_code(notebook) if not counts.is_folded(cell)
    ]
    if len(open_cells) > OPEN:
        yield f"{len(open_cells)} open cells, must be at most {OPEN}"
    for name, cell in open_cells:
        if len(cell.source.splitlines()) > LINES:
            yield f"{name}: an open cell of more than {LINES} lines"
        if counts.has_f_string(cell.source):
            yield f"{name}: an f-string in an open cell"
    for name, cell in enumerate_code(notebook):
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if hidden != ("hide-input" in cell.metadata.get("tags", [])):
            yield f"{name}: folded in Jupyter or on the site, not in both"
    if counts.count(notebook).plumbing > 0.1:
        yield "more than a tenth of the code in sight only imports, shows, asks or checks"


def enumerate_code(notebook):
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            yield notebooks.cell_name(number), cell


def lab_problems(notebook):
    if not any(counts.is_lab(cell.source) for _, cell in enumerate_code(notebook)):
        yield "no lab"
    if "What you should have seen" not in prose(notebook):
        yield "nothing says what you should have seen"


def closing_problems(notebook, path):
    number, found = path.name[:2], sections(notebook)
    order = [title for title in found if title in CLOSING]
    if order != CLOSING or [t for t in list(found)[-4:] if t in CLOSING] != CLOSING:
        yield f"must end in {', '.join(CLOSING)}"
        return
    section = found["Exercises"]
    asked = re.findall(r"(?m)^\*\*(\d\d\.\d) (.+?)\.\*\* ", text_of(section))
    names = [f"{number}.{place}" for place in range(1, len(asked) + 1)]
    if [name for name, _ in asked] != names or not 3 <= len(asked) <= 6:
        yield f"exercises are {asked}, must be 3 to 6, counted from {number}.1"
    kinds, found_kinds = (
        KINDS | (set(ANSWERS) if number in FADING else set()),
        {k for _, k in asked},
    )
    if not kinds <= found_kinds <= KINDS | set(ANSWERS) or asked[0][1] != "Compute":
        yield f"exercises must be of the kinds {sorted(kinds)}, and begin with Compute"
    for name, kind in asked:
        made = every()[name](BOOK) if name in every() else None
        if kind in ANSWERS and made and not isinstance(made, ANSWERS[kind]):
            yield f"{name}: its answer is none to {kind.lower()}"
    checked = [code for code in code_of(section) if code.startswith("check(")]
    if checked != [f'check("{name}", None)' for name in names]:
        yield "each exercise needs a cell of its own that checks None"
    for name in names:
        if f'hint("{name}")' in text_of(section):
            yield f"{name}: its hint must stand behind the button"
    if not any(code.endswith(f'quiz("{number}")') for code in code_of(found["Quiz"])):
        yield "no quiz"
    if not 3 <= bullets("\n" + text_of(found["Key points"]), "\n") <= 4:
        yield "must have 3 key points"


def import_problems(notebook):
    """Names that are imported and not used; `hint` is there for the reader."""
    code = "\n".join(cell.source for _, cell in enumerate_code(notebook))
    rooms = re.findall(r"(?m)^(?:from|import) (\w+(?:\.lessons)?)", code)
    for room in set(rooms):
        if rooms.count(room) > 1:
            yield f"imports from {room} in more than one line"
    tree = ast.parse("\n".join(cell.source for _, cell in enumerate_code(notebook)))
    names = {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if "hint" not in names:
        yield "does not import hint"
    yield from (f"imports {name} and does not use it" for name in sorted(names - used - {"hint"}))


def test_the_index_offers_the_fifteen_questions_in_its_first_half():
    cells = notebooks.read(FOLDER / "00_index.ipynb").cells
    (place,) = (at for at, cell in enumerate(cells) if "fifteen_questions(" in cell.source[-40:])
    assert cells[place].source == 'fifteen_questions("before")' and place < len(cells) / 2
    shown = cells[place].outputs[0].data["text/html"]
    assert shown.count("<details>") == 1 and "<ol>" in shown.partition("<details>")[2]


@by_path(PATHS)
def test_a_notebook_has_all_its_parts(path):
    found = problems(notebooks.read(path), path)
    assert not found, "\n".join(found)


@by_path(PAGES)
def test_a_page_has_all_its_parts(path):
    found = page_problems(notebooks.read(path), path)
    assert not found, "\n".join(found)


@by_path(PAGES)
def test_a_page_is_in_the_readme_and_the_index(path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"](notebooks/{path.name})" in readme
    assert f"]({path.name})" in prose(notebooks.read(FOLDER / "00_index.ipynb"))


@by_path(PAGES)
@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[Glossary](glossary.md)", "", "line of links"),
        ("prose_is_fresh(", "print(", "does not compare"),
        ("# Your account", "Look\n\n# Your account", "no title"),
        ("YourAccountLab(load", "str(load", "no lab"),
        ("import load", "import load, money", "imports money"),
    ],
)
def test_a_missing_part_of_a_page_is_noticed(path, old, new, complaint):
    notebook = copy.deepcopy(notebooks.read(path))
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
    assert complaint in "\n".join(page_problems(notebook, path))


def without(words):
    def spoil(notebook):
        for cell in notebook.cells:
            cell.source = cell.source.replace(words, "")

    return spoil


def add(text):
    return lambda notebook: notebook.cells.insert(3, new_markdown_cell(text))


def with_hint(words):
    def spoil(notebook):
        for cell in notebook.cells:
            cell.source = cell.source.replace(words, f'{words} *Stuck?* `hint("03.2")`')

    return spoil


def no_lab(notebook):
    notebook.cells = [cell for cell in notebook.cells if "Lab(trader" not in cell.source]


def one_prediction(notebook):
    asked = [cell for cell in notebook.cells if counts.is_prediction(cell.source)]
    notebook.cells = [cell for cell in notebook.cells if cell not in asked[1:]]


def unfold(notebook):
    for cell in notebook.cells:
        cell.metadata = NotebookNode()


def fold_for_jupyter(notebook):
    cell = next(cell for cell in notebook.cells if counts.is_folded(cell))
    del cell.metadata["tags"]


def new_open_cell(source):
    return lambda notebook: notebook.cells.insert(4, new_code_cell(source))


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (without("# 03 · "), "title does not begin"),
        (without(" · [Index](00_index.ipynb)"), "no line of links"),
        (without("**After this you can**"), "objectives"),
        (without("**You need**"), "no prerequisites"),
        (without("**Time:**"), "no minutes"),
        (one_prediction, "1 predictions, must be"),
        (without("<summary>What happened</summary>"), "nothing says what happened"),
        (without("_isolated_margin.ipynb"), "does not compare the numbers"),
        (without("your_predictions()"), "what became of the predictions"),
        (without('practice("03")'), "two questions on earlier"),
        (no_lab, "no lab"),
        (without("What you should have seen"), "nothing says what you should"),
        (unfold, "open cells, must be at most"),
        (unfold, "more than a tenth"),
        (new_open_cell('f"{eth.price}"'), "an f-string in an open cell"),
        (new_open_cell("1\n" * 7), "an open cell of more than 6 lines"),
        (fold_for_jupyter, "folded in Jupyter or on the site, not in both"),
        (new_open_cell("from margin_lib import replay"), "from margin_lib in more than one"),
        (without("## Exercises\n"), "must end in"),
        (without("**03.2 Design.** "), "must be 3 to 6"),
        (without("Compute.** "), "must be 3 to 6"),
        (without("03.6 Order"), "exercises must be of the kinds"),
        (without("03.5 Complete.** "), "exercises must be of the kinds"),
        (without('check("03.2", None)'), "a cell of its own that checks None"),
        (with_hint("liquidation price lies two fifths below the entry price?"), "03.2: its hint"),
        (without('quiz("03")'), "no quiz"),
        (without("- An isolated position can lose its own margin"), "3 key points"),
        (add("# Another title"), "one title"),
        (add("#### Deep"), "jumps from level"),
        (add("## Key points"), "two headings"),
        (without("    hint,\n"), "does not import hint"),
        (no_lab, "imports PathLab"),
    ],
)
def test_a_missing_part_is_noticed(spoil, complaint):
    path = FOLDER / "03_isolated_margin.ipynb"
    notebook = copy.deepcopy(notebooks.read(path))
    spoil(notebook)
    assert complaint in "\n".join(problems(notebook, path))


@by_path(PATHS)
def test_the_minutes_are_those_of_the_index_and_of_the_readme(path):
    first = notebooks.read(path).cells[0].source
    minutes = re.search(r"\*\*Time:\*\* (\d+) minutes", first)[1]
    index = prose(notebooks.read(FOLDER / "00_index.ipynb"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for text, target in ((index, path.name), (readme, f"notebooks/{path.name}")):
        (row,) = [line for line in text.splitlines() if f"]({target})" in line and "|" in line]
        row = re.sub(r"<!--.*?-->", "", row)
        assert row.rstrip(" |").rpartition("|")[2].strip() == minutes


def test_the_readme_and_the_index_state_the_minutes_of_the_course():
    firsts = [notebooks.read(path).cells[0].source for path in ALL if "01" <= path.name[:2] <= "06"]
    total = sum(int(re.search(r"\*\*Time:\*\* (\d+) minutes", first)[1]) for first in firsts)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    index = re.sub(r"<!--.*?-->", "", prose(notebooks.read(FOLDER / "00_index.ipynb")))
    assert f"01 to 06 are the course, {total} minutes together" in readme
    assert f"Together they take {total} minutes" in index


@by_path(ALL)
def test_the_minutes_are_measured(path):
    """Words at 200 a minute, 1.5 minutes a prediction, 5 an exercise, 3 a lab; within a fifth."""
    notebook = notebooks.read(path)
    stated = int(re.search(r"\*\*Time:\*\* (\d+) minutes", notebook.cells[0].source)[1])
    measured = counts.count(notebook).minutes
    assert 0.8 <= stated / measured <= 1.2, measured


# Pictures and links


@by_path(EVERY)
def test_every_picture_has_words(path):
    for name, cell in enumerate_code(notebooks.read(path)):
        for output in cell.outputs:
            data = output.get("data", {})
            assert "image/png" not in data, "JupyterLab shows it without words"
            for image in re.findall(r"<img[^>]*>", data.get("text/html", "")):
                assert re.search(r'alt="[^"]{20,}', image), name
    assert "![](" not in prose(notebooks.read(path))
    assert "<img" not in prose(notebooks.read(path))


def anchors(path: Path) -> set[str]:
    return {words.replace(" ", "-") for _, words in headings(notebooks.read(path))}


@by_path(EVERY)
def test_every_link_into_a_notebook_finds_its_heading(path):
    notebook = notebooks.read(path)
    shown = [prose(notebook)]
    for _, cell in enumerate_code(notebook):
        shown += [o.data.get("text/markdown", "") for o in cell.outputs if "data" in o]
    for target in re.findall(r"\]\(([^)\s]+)\)", "\n".join(shown)):
        file, _, anchor = target.partition("#")
        if "://" in target or not anchor:
            continue
        other = (path.parent / file) if file else path
        assert other.suffix == ".ipynb" and other.exists(), target
        assert anchor in anchors(other), target
