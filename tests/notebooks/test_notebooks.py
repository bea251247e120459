"""The stored notebooks: what strict comparison of outputs does not see, and that it can fail.

`make test` also runs every notebook and compares each output with the stored one.
"""

import ast
import copy
import html
import os
import re
import shlex
import shutil
import subprocess
import symtable
import sys
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from margin_course import prose
from tools.notebooks import counts
from tools.notebooks import run as notebooks
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "instructors" / "solutions").glob("*.ipynb"))
LARGEST = 1_000_000  # bytes; GitHub does not show much more
LONGEST = 12  # lines of a code cell in sight, of solutions, too
FOLDED = 40  # of one that is folded, beside its imports: a list of names
FIXED = "fixed"  # tag of a cell whose numbers no scenario changes

BASE64 = re.compile(r"base64,[A-Za-z0-9+/=\s]+")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users)/|[A-Za-z]:\\+Users")
UNCHECKED = re.compile(r"nbval|pytest[-_]validate|raises[-_]exception", re.IGNORECASE)


def code_cells(notebook: NotebookNode) -> list[tuple[str, NotebookNode]]:
    return [
        (notebooks.cell_name(number), cell)
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "code"
    ]


def texts(output: NotebookNode) -> list[str]:
    """All that an output says in words, pictures left out."""
    if output.output_type == "stream":
        return [output.text]
    if output.output_type == "error":
        return [output.evalue, *output.traceback]
    return [
        BASE64.sub("", value)
        for mime, value in output.data.items()
        if isinstance(value, str) and not mime.startswith("image/")
    ]


# Guards


def problems(notebook: NotebookNode, path: Path) -> list[str]:
    """Everything that is wrong with a stored notebook, in words."""
    return [
        *file_problems(notebook, path),
        *count_problems(notebook),
        *source_problems(notebook),
        *output_problems(notebook),
    ]


def file_problems(notebook, path):
    if path.stat().st_size >= LARGEST:
        yield f"larger than {LARGEST:,} bytes"
    if "widgets" in notebook.metadata:
        yield "stores the state of widgets"
    normal = notebooks.to_text(notebooks.normalise(copy.deepcopy(notebook)))
    if path.read_text(encoding="utf-8") != normal:
        yield "not in normal form: run `make notebooks`"


def count_problems(notebook):
    for place, (name, cell) in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != place:
            yield f"{name}: execution count {cell.execution_count}, must be {place}"


def source_problems(notebook):
    for number, cell in enumerate(notebook.cells, start=1):
        name = notebooks.cell_name(number)
        if MACHINE_PATH.search(cell.source):
            yield f"{name}: the source names a path of one machine"
        if cell.cell_type != "code":
            continue
        imports = sum(n for each, n in counts.statements(cell.source) if counts.is_import(each))
        lines = len(cell.source.splitlines()) - (imports if counts.is_folded(cell) else 0)
        longest = FOLDED if counts.is_folded(cell) else LONGEST
        if not 1 <= lines <= longest:
            yield f"{name}: {lines} lines of code, must be 1 to {longest}"
        for marker in [cell.source, *cell.metadata.get("tags", [])]:
            if UNCHECKED.search(marker):
                yield f"{name}: marked as not to be checked"


def output_problems(notebook):
    for name, cell in code_cells(notebook):
        if not cell.outputs:
            yield f"{name}: no stored output, so nothing is checked"
        for output in cell.outputs:
            if output.get("name") == "stderr":
                yield f"{name}: writes to stderr"
            if output.output_type == "error":
                yield f"{name}: stores an error"
            if notebooks.WIDGET_VIEW in output.get("data", {}):
                yield f"{name}: stores the view of a widget"
            if any(map(MACHINE_PATH.search, texts(output))):
                yield f"{name}: the output names a path of one machine"


def test_there_are_notebooks():
    assert PATHS


@pytest.mark.parametrize(
    "path", [*PATHS, *SOLUTIONS], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_notebook_is_stored_as_it_should_be(path):
    found = problems(notebooks.read(path), path)
    assert not found, "\n".join(found)


def tiny_notebook() -> NotebookNode:
    """One cell that passes every guard."""
    cell = nbformat.v4.new_code_cell("print(12.5)")
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="12.5\n")]
    return notebooks.normalise(nbformat.v4.new_notebook(cells=[cell]))


def test_a_tiny_notebook_passes_the_guards(tmp_path):
    path = tmp_path / "tiny.ipynb"
    path.write_text(notebooks.to_text(tiny_notebook()), encoding="utf-8")
    assert problems(notebooks.read(path), path) == []


def spoil_state(notebook):
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}


def spoil_view(notebook):
    data = {notebooks.WIDGET_VIEW: {"model_id": "0"}, "text/plain": "Lab"}
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data)]


def spoil_error(notebook):
    notebook.cells[0].outputs = [nbformat.v4.new_output("error", ename="E", evalue="no")]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (spoil_state, "state of widgets"),
        (spoil_view, "view of a widget"),
        (spoil_error, "stores an error"),
        (lambda nb: nb.cells[0].update(outputs=[]), "no stored output"),
        (lambda nb: nb.cells[0].update(execution_count=3), "execution count 3, must be 1"),
        (lambda nb: nb.cells[0].update(id="other"), "not in normal form"),
        (lambda nb: nb.cells[0].update(source="# NBVAL_SKIP\n1"), "not to be checked"),
        (lambda nb: nb.cells[0].metadata.update(tags=["raises-exception"]), "not to be checked"),
        (lambda nb: nb.cells[0].update(source="1\n" * 13), "13 lines"),
        (lambda nb: nb.cells[0].update(source="open('/tmp/a')"), "source names a path"),
        (lambda nb: nb.cells[0].outputs[0].update(name="stderr"), "stderr"),
        (lambda nb: nb.cells[0].outputs[0].update(text="in /home/me/a"), "output names a path"),
        (lambda nb: nb.cells[0].update(source="#" * LARGEST), "larger than"),
    ],
)
def test_guard_complains(spoil, complaint, tmp_path):
    notebook = tiny_notebook()
    spoil(notebook)
    path = tmp_path / "spoilt.ipynb"
    path.write_text(notebooks.to_text(notebook), encoding="utf-8")
    assert complaint in "\n".join(problems(notebooks.read(path), path))


def test_normal_form_joins_streams_and_drops_the_live_view():
    data = {"text/html": "<b>1</b>", "text/plain": "1", notebooks.WIDGET_VIEW: {"model_id": "0"}}
    image = {"image/png": {"alt": "a line", "width": 5}, "isolated": True}
    notebook = tiny_notebook()
    notebook.cells[0].outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="1\n"),
        nbformat.v4.new_output("stream", name="stdout", text="2\n"),
        nbformat.v4.new_output("execute_result", data, metadata=image, execution_count=9),
    ]
    stream, result = notebooks.normalise(notebook).cells[0].outputs
    assert stream.text == "1\n2\n"
    assert result.data == {"text/html": "<b>1</b>", "text/plain": "1"}
    assert result.metadata == {"image/png": {"alt": "a line"}}
    assert result.execution_count == 1


def test_a_failing_notebook_is_named_and_left_alone_and_the_others_are_written(tmp_path, capsys):
    notebook = tiny_notebook()
    notebook.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    bad, good = tmp_path / "bad.ipynb", tmp_path / "good.ipynb"
    bad.write_text(notebooks.to_text(notebook), encoding="utf-8")
    good.write_text(notebooks.to_text(tiny_notebook()).replace("12.5\\n", "0\\n"), encoding="utf-8")
    before = bad.read_bytes()
    assert notebooks.main([str(bad), str(good)]) == 1
    assert bad.read_bytes() == before
    assert good.read_text(encoding="utf-8") == notebooks.to_text(tiny_notebook())
    said = capsys.readouterr()
    assert f"{good}: written" in said.out
    assert "bad.ipynb: cell-02: ZeroDivisionError: division by zero" in said.err
    assert said.err.endswith("1 failed and stay as they are\n")


# The comparison itself


def strict_check(paths: list[Path]) -> dict[str, set[str]]:
    """Run the comparison of `make test`; return the files with passed and with failed cells."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    options = shlex.split(re.search(r"^NBVAL := (.*)$", makefile, re.MULTILINE)[1])
    # Without the root folder a report would leave out the name of a file.
    reporting = ["-rA", "--color=no", f"--rootdir={paths[0].parent}"]
    # The inner run must not take itself for a worker of the outer one.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *reporting, *map(str, paths)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    lines = re.findall(r"^(PASSED|FAILED) \S*?(\w+)\.ipynb::", run.stdout, re.MULTILINE)
    return {word: {name for found, name in lines if found == word} for word in ("PASSED", "FAILED")}


def other_digit(text: str) -> str | None:
    """The text with its first visible digit changed, or None where there is none."""
    parts = re.split(r"(<style.*?</style>|<[^>]*>)", text, flags=re.DOTALL)
    for place in range(0, len(parts), 2):  # the odd ones are tags
        if digit := re.search(r"\d", parts[place]):
            changed = str((int(digit[0]) + 1) % 10)
            parts[place] = parts[place][: digit.start()] + changed + parts[place][digit.end() :]
            return "".join(parts)
    return None


def with_other_stream(notebook: NotebookNode) -> NotebookNode | None:
    notebook = copy.deepcopy(notebook)
    for _, cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "stream" and (changed := other_digit(output.text)):
                output.text = changed
                return notebook
    return None


def with_other_readout(notebook: NotebookNode) -> NotebookNode | None:
    """Change a lab's readout. A lab is an output that brings its picture and its words along."""
    notebook = copy.deepcopy(notebook)
    for _, cell in code_cells(notebook):
        for output in cell.outputs:
            data = output.get("data", {})
            if "base64," not in data.get("text/html", ""):
                continue
            for mime in ("text/html", "text/plain"):
                if changed := other_digit(data.get(mime, "")):
                    data[mime] = changed
                    return notebook
    return None


def test_the_check_can_fail(tmp_path):
    # With all notebooks: a last cell reads the text of its own, the index the minutes of others.
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    for path in sorted(PATHS, key=lambda path: path.stat().st_size):
        control = notebooks.read(path)
        copies = {
            "control": control,
            "stream": with_other_stream(control),
            "readout": with_other_readout(control),
        }
        if all(copies.values()):
            break
    else:
        pytest.fail("no notebook holds both a printed number and a lab with a readout")

    paths = []
    for name, notebook in copies.items():
        paths.append(tmp_path / f"{name}.ipynb")
        paths[-1].write_text(notebooks.to_text(notebook), encoding="utf-8")
    outcome = strict_check(paths)
    assert outcome["FAILED"] == {"stream", "readout"}
    assert "control" in outcome["PASSED"]

    # The comparison does not look at execution counts; the guard does.
    code_cells(control)[-1][1].execution_count += 1
    paths[0].write_text(notebooks.to_text(control), encoding="utf-8")
    assert any("execution count" in problem for problem in problems(control, paths[0]))


# Numbers come from scenarios.toml


def numbers(cell: NotebookNode) -> set[str]:
    """Numbers of at least three significant digits that the outputs of a cell show."""
    found = set()
    for output in cell.outputs:
        for text in texts(output):
            found |= numbers_in(text)
    return found


def numbers_in(text: str) -> set[str]:
    """Zeros at either end say nothing: a round number may well be the same in two scenarios.

    >>> sorted(numbers_in("<p class='w125'>1,234.5 or 0.816 at 100.00 % of 5,000</p>"))
    ['0.816', '1,234.5']
    """
    text = re.sub(r"<style.*?</style>|<script.*?</script>", " ", text, flags=re.DOTALL)
    text = html.unescape(re.sub(r"</?[A-Za-z][^>]*>", " ", text))
    text = re.sub(r"(?m)^\s*\d\d\.\d(?=: )", " ", text)  # the name of an exercise
    tokens = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    return {token for token in tokens if len(re.sub(r"[.,]", "", token).strip("0")) >= 3}


def typed_digits(markdown: str) -> list[str]:
    """Words with a digit that nobody computes: beside headings, links, code, dates, exercises.

    >>> typed_digits("# 5 BTC\\n**01.2 Design.** [2](a) `3` <!--= x -->4<!--/--> 5x in 2026-11")
    ['5x']
    """
    for skipped in (
        r"(?s)```.*?```",
        r"(?s)<!--= .*? -->.*?<!--/-->",
        r"`[^`]*`",
        r"!?\[[^\]]*\]\([^)\s]*(?: \"[^\"]*\")?\)",
        r"(?m)^#+ .*$",
        r"<[^>]*>",
        r"\b\d{4}-\d\d(-\d\d)?\b",
        r"(?m)^\*\*\d\d\.\d ",
        r"\*\*Time:\*\* \d+ minutes",
    ):
        markdown = re.sub(skipped, " ", markdown)
    return re.findall(r"\S*\d\S*", markdown)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_prose_types_no_number(path):
    cells = notebooks.read(path).cells
    found = [
        f"{notebooks.cell_name(number)}: {typed}"
        for number, cell in enumerate(cells, start=1)
        if cell.cell_type == "markdown" and FIXED not in cell.metadata.get("tags", [])
        for typed in typed_digits(cell.source)
    ]
    assert not found, "compute these, or tag the cell 'fixed':\n" + "\n".join(found)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_no_line_with_marks_begins_with_a_computed_number(path):
    """Markdown takes a line that begins with a comment for HTML, and shows its marks raw."""
    texts = [c.source for c in notebooks.read(path).cells if c.cell_type == "markdown"]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("<!--")]
    assert not [line for line in lines if re.search(r"[*`\[]", re.sub(r"<!--.*?-->", "", line))]


def assigned(source: str) -> set[str]:
    """Names that a cell gives a value; those within its functions and one-line loops are theirs.

    >>> sorted(assigned("!pip list\\nrow, total = 1, sum(x for x in [2])\\nfor k in (3,): pass"))
    ['k', 'row', 'total']
    """
    code = TransformerManager().transform_cell(source)
    names = symtable.symtable(code, "cell", "exec").get_symbols()
    return {name.get_name() for name in names if name.is_assigned()}


def used(expression: str) -> set[str]:
    """Names that an expression looks up."""
    return {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_name_in_the_text_means_one_thing(path):
    """Numbers in the text are computed when all cells have run: none may change what one means."""
    notebook = notebooks.read(path)
    places: dict[str, list[str]] = {}
    for number, cell in code_cells(notebook):
        for name in assigned(cell.source):
            places.setdefault(name, []).append(number)
    found = {
        f"{name}, for {expression}: {', '.join(places[name])}"
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for expression in prose.expressions(cell.source)
        for name in used(expression)
        if len(places.get(name, [])) > 1
    }
    assert not found, "give them names of their own:\n" + "\n".join(sorted(found))


def shown_in(notebook: NotebookNode) -> list[tuple[str, set[str], bool]]:
    """Each cell's name, the numbers that it shows, and whether these follow no scenario."""
    found = []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            shown = numbers(cell)
        else:
            texts_ = (each["shown"] for each in prose.NUMBER.finditer(cell.source))
            shown = set().union(*map(numbers_in, texts_))
        fixed = FIXED in cell.metadata.get("tags", [])
        found.append((notebooks.cell_name(number), shown, fixed))
    return found


def still_shown(paths: list[Path], scenarios: Path, folder: Path) -> dict[str, Path]:
    """What notebooks say with other scenarios as with those of the course, and where."""
    ignore = shutil.ignore_patterns(".ipynb_checkpoints")
    shutil.copytree(FOLDER, folder, ignore=ignore)
    shutil.copyfile(scenarios, folder / "scenarios.toml")
    stale = {}
    for path, new in notebooks.execute_all([folder / path.name for path in paths]).items():
        old = notebooks.read(FOLDER / path.name)
        for (name, before, fixed), (_, after, _) in zip(shown_in(old), shown_in(new), strict=True):
            if not fixed:
                stale |= dict.fromkeys((f"{path.name} {name}: {n}" for n in before & after), path)
        for _, cell in code_cells(new):
            if cell.source.startswith(notebooks.COMPARES) and "still speak" in cell.outputs[0].text:
                stale[f"{path.name}: the text is not that of its run"] = path
    return stale


def test_other_scenarios_give_other_numbers(tmp_path):
    """What two other files leave as it was follows none; one may hit a number by chance."""
    support = ROOT / "tests/support"
    stale = still_shown(PATHS, support / "other_scenarios.toml", tmp_path / "one")
    if stale:
        again = sorted(set(stale.values()))
        also = still_shown(again, support / "articles.toml", tmp_path / "two")
        stale = {each: path for each, path in stale.items() if each in also}
    assert not stale, "these did not follow the scenario; compute them, or tag 'fixed':\n" + (
        "\n".join(sorted(stale))
    )


# Links


def links(notebook: NotebookNode) -> set[str]:
    """Targets of the links in prose and in shown Markdown."""
    shown = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    for _, cell in code_cells(notebook):
        shown += [
            output.data.get("text/markdown", "") for output in cell.outputs if "data" in output
        ]
    return set(re.findall(r"\]\(([^)\s]+)\)", "\n".join(shown)))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path):
    targets = {link.split("#")[0] for link in links(notebooks.read(path)) if "://" not in link}
    assert not [target for target in targets if target and not (FOLDER / target).exists()]
