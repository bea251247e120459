"""Numbers in prose: computed where they stand, compared at the end, and the reader is told."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from margin_course import prose

TEXT = (
    "You hold <!--= coins -->2.5<!--/--> ETH, "
    "worth <!--= amount(coins * price, 'USD') -->5,000 USD<!--/-->."
)
NAMES = {"coins": 2.5, "price": 2000.0, "amount": prose.amount}


def test_numbers_that_agree_are_counted_and_none_is_stale():
    assert prose.compared([TEXT, "no number"], NAMES) == (2, [])


def test_a_number_of_other_scenarios_is_named_with_its_sentence():
    count, stale = prose.compared([TEXT], NAMES | {"price": 3000.0})
    assert count == 2
    assert [str(each) for each in stale] == ["… You hold 2.5 ETH, worth 5,000 USD → 7,500 USD"]


def test_an_expression_that_cannot_be_computed_is_stale_and_says_why():
    _, (one, two) = prose.compared([TEXT], {})
    assert one.now == "NameError: name 'coins' is not defined" and "NameError" in two.now


@pytest.mark.parametrize(
    ("value", "words"),
    [("2500", "2,500"), ("0.1", "0.1"), ("float('nan')", "never"), ("'<b>'", "&lt;b&gt;")],
)
def test_what_stands_for_an_expression(value, words):
    assert prose.computed(value, {}) == words


def test_a_text_is_written_anew_and_stays_the_same_the_second_time():
    changed = NAMES | {"coins": 3}
    once = prose.refreshed(TEXT, lambda expression: prose.computed(expression, changed))
    assert "-->3<!--/--> ETH" in once and "6,000 USD" in once
    assert prose.compared([once], changed) == (2, [])
    assert prose.refreshed(once, lambda expression: prose.computed(expression, changed)) == once


def test_the_last_cell_reads_the_text_of_its_own_notebook(tmp_path, monkeypatch, capsys):
    cells = [new_markdown_cell("It is <!--= 1 + 1 -->2<!--/-->, not <!--= 1 + 2 -->4<!--/-->.")]
    cells.append(new_code_cell("prose_is_fresh('a.ipynb')"))
    nbformat.write(new_notebook(cells=cells), tmp_path / "a.ipynb")
    monkeypatch.setattr(prose, "folder", tmp_path)
    prose.prose_is_fresh("a.ipynb")
    first, told, line = capsys.readouterr().out.splitlines()
    assert first == "1 of the 2 numbers in the text are those of this run."
    assert told == "These sentences still speak of other numbers:"
    assert line == "… It is 2, not 4 → 3"


def test_a_page_without_its_file_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(prose, "folder", tmp_path)
    prose.prose_is_fresh("a.ipynb")
    assert "not at hand" in capsys.readouterr().out


def test_the_minutes_of_notebooks_are_those_that_they_state(tmp_path, monkeypatch):
    for name, time in (("01_a", "**Time:** 35 minutes."), ("02_b", "**Time:** 40 minutes.")):
        cells = [new_markdown_cell(f"# {name}\n\n{time}"), new_markdown_cell("No time.")]
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    monkeypatch.chdir(tmp_path)
    assert prose.minutes("02_b.ipynb") == 40
    assert prose.minutes("0[1-6]*.ipynb") == 75
