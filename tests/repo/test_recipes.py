"""instructors/adapt.md still fits the files that it changes; make test-adapt does what it says."""

import importlib
import os
import re
import shutil

import pytest

from margin_course.scenarios import load
from tests.support import recipes
from tests.support.recipes import Step

PAGE = recipes.recipes()
of_the_page = pytest.mark.skipif(recipes.ADAPTED, reason="the course has been adapted")


@of_the_page
def test_the_page_has_all_its_recipes():
    assert len(PAGE) >= 10
    for title, steps in PAGE.items():
        assert steps[-1].kind == "sh", f"{title}: ends with no command that shows whether it worked"
    assert PAGE[list(PAGE)[-1]][-1].text.strip().endswith("make test")


@of_the_page
def test_each_change_finds_its_place(tmp_path):
    """All changes of text, in order, and of the notebook that a command makes from another."""
    for title, steps in PAGE.items():
        for step in steps:
            if step.kind == "sh":
                for name, like in re.findall(r"course add (\w+) (\d\d)", step.text):
                    (old,) = (recipes.ROOT / "notebooks").glob(f"{like}_*.ipynb")
                    shutil.copy(old, tmp_path / "notebooks" / f"{name}.ipynb")
                continue
            copy = tmp_path / step.file
            if not copy.exists() and (recipes.ROOT / step.file).exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(recipes.ROOT / step.file, copy)
            if step.kind == "new":
                copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                recipes.do(step, tmp_path)
            except (OSError, ValueError) as error:
                pytest.fail(f"{title}: {step.file}: {error}")


@pytest.mark.parametrize(
    ("text", "complaint"), [("b\n", "0 places"), ("a\na\n", "2 places"), ("ba\n", "0 places")]
)
def test_a_place_that_is_missing_or_not_the_only_one_is_an_error(text, complaint, tmp_path):
    (tmp_path / "file.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=complaint):
        recipes.do(Step("diff", "file.txt", "-a\n+c\n"), tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="a command of the page is one of a Unix shell")
def test_steps_change_files_and_fail_when_a_command_fails(tmp_path):
    (tmp_path / "file.txt").write_text("a\nb\n", encoding="utf-8")
    recipes.do(Step("diff", "file.txt", " a\n-b\n+c\n+d\n"), tmp_path)
    recipes.do(Step("end", "file.txt", "e\n"), tmp_path)
    assert (tmp_path / "file.txt").read_text("utf-8") == "a\nc\nd\n\ne\n"
    recipes.do(Step("new", "other.txt", "x\n"), tmp_path)
    recipes.do(Step("sh", None, "grep -q x other.txt"), tmp_path)
    with pytest.raises(RuntimeError, match="grep"):
        recipes.do(Step("sh", None, "grep -q y other.txt\ntrue"), tmp_path)
    with pytest.raises(ValueError, match="is there already"):
        recipes.do(Step("new", "other.txt", ""), tmp_path)


@of_the_page
def test_the_lab_of_the_page_works(root):
    """In its lesson, as the recipe puts it there."""
    (step,) = [step for step in PAGE["A lab of your own"] if step.kind == "end"]
    lesson = importlib.import_module(step.file.removesuffix(".py").replace("/", "."))
    names = dict(vars(lesson))
    exec(step.text, names)
    lab = names["LossLab"](load(root / "notebooks/scenarios.toml")[names["LossLab"].starts_in])
    assert lab.summary().endswith(" takes all that is yours.")
