"""What happens around a notebook's cells: numbers in its text, and errors in one line."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.notebooks import run as notebooks

TEXT = "It is <!--= amount(2 * x, 'USD') -->?<!--/-->, or <!--= 'so' -->?<!--/-->."


def written(folder, *cells):
    path = folder / "a.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def test_numbers_in_the_text_follow_the_cells_and_the_last_cell_agrees(tmp_path):
    code = "from margin_course import amount, prose_is_fresh\nx = 2500\nx"
    path = written(
        tmp_path,
        new_markdown_cell(TEXT),
        new_code_cell(code),
        new_code_cell('prose_is_fresh("a.ipynb")'),
        new_markdown_cell("The end: <!--= x -->7<!--/-->."),
    )
    before = path.read_text(encoding="utf-8")
    done = notebooks.execute(path)
    assert "-->5,000 USD<!--/-->, or <!--= 'so' -->so<!--/-->." in done.cells[0].source
    assert done.cells[3].source == "The end: <!--= x -->2,500<!--/-->."
    said = done.cells[2].outputs[0].text
    assert said == "3 of the 3 numbers in the text are those of this run.\n"
    assert path.read_text(encoding="utf-8") == before


def test_an_expression_that_fails_is_an_error_that_names_it(tmp_path):
    path = written(
        tmp_path,
        new_markdown_cell("It is <!--= nobody_knows -->?<!--/-->."),
        new_code_cell("from margin_course import prose_is_fresh\n1"),
        new_code_cell('prose_is_fresh("a.ipynb")'),
    )
    with pytest.raises(notebooks.NotebookError, match="nobody_knows"):
        notebooks.execute(path)


def test_a_wrong_input_is_one_line(tmp_path):
    code = "from margin_course import load\nfrom margin_lib import Account\n1"
    path = written(tmp_path, new_code_cell(code), new_code_cell("Account(balance=-5)"))
    with pytest.raises(notebooks.NotebookError) as caught:
        notebooks.execute(path)
    name, *trace = str(caught.value).splitlines()
    assert name.endswith("cell-02: MarginError: balance must be at least 0, got -5.0")
    assert trace == ["MarginError: balance must be at least 0, got -5.0"]


def test_any_other_error_keeps_its_way(tmp_path):
    path = written(tmp_path, new_code_cell("import margin_course\n1"), new_code_cell("1 / 0"))
    with pytest.raises(notebooks.NotebookError) as caught:
        notebooks.execute(path)
    assert len(str(caught.value).splitlines()) > 3


def test_normal_form_keeps_what_is_folded():
    cell = new_code_cell("1", metadata={"jupyter": {"source_hidden": True}, "collapsed": True})
    done = notebooks.normalise(new_notebook(cells=[cell]))
    assert done.cells[0].metadata == {"jupyter": {"source_hidden": True}}
