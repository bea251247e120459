"""What students get: all they need, nothing that the instructor keeps, no result of a cell.

`make test-student` unpacks it, sets it up and runs it.
"""

import json
import re
import zipfile

import pytest

from tools.handout import student
from tools.notebooks import run as notebooks

WHEEL = "margin_lib-0-py3-none-any.whl"
ANSWERED = re.compile(r'\bcheck\("[\d.]+", (?!None\))|= predict\((?!None\))')


@pytest.fixture(scope="module")
def content():
    return student.files(WHEEL)


@pytest.fixture
def course(content):
    return {name: json.loads(content[name]) for name in sorted(content) if name.endswith(".ipynb")}


def kept_back(content):
    """Names and cells that students must not get, in words."""
    found = []
    for name, data in content.items():
        if re.search(r"instructors|solutions|answers|tests|tools|\.ipynb_checkpoints", name):
            found.append(f"{name}: not for students")
        if not name.endswith(".ipynb"):
            continue
        for cell in json.loads(data)["cells"]:
            if cell.get("outputs") or cell.get("execution_count"):
                found.append(f"{name}: stores an output")
            if cell["cell_type"] == "code" and ANSWERED.search("".join(cell["source"])):
                found.append(f"{name}: holds an answer")
    return found


def test_nothing_is_in_it_that_an_instructor_keeps(content):
    assert kept_back(content) == []


def test_a_solution_or_an_output_would_be_noticed(root, content):
    solution = root / "instructors/solutions/01_leverage.ipynb"
    stored = root / "notebooks/01_leverage.ipynb"
    for path, complaint in ((solution, "holds an answer"), (stored, "stores an output")):
        found = kept_back({"01.ipynb": path.read_bytes()})
        assert f"01.ipynb: {complaint}" in found
    assert kept_back({"instructors/guide.md": b""})


def test_every_notebook_is_in_it_with_every_cell(root, course):
    stored = sorted((root / "notebooks").glob("*.ipynb"))
    assert [f"notebooks/{path.name}" for path in stored] == list(course)
    for path, notebook in zip(stored, course.values(), strict=True):
        sources = ["".join(cell["source"]) for cell in notebook["cells"]]
        assert sources == [cell.source for cell in notebooks.read(path).cells]


def test_every_link_leads_to_something_in_it(content, course):
    for name, notebook in course.items():
        text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
        for link in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text):
            target = link.removeprefix("../") if link.startswith("../") else f"notebooks/{link}"
            assert target in content, f"{name}: {link}"
    readme = content["README.md"].decode()
    linked = re.findall(r"\]\(([^)]+)\)", readme)
    assert linked and set(linked) <= set(content)


def test_its_readme_names_the_course_and_the_wheel(root, content):
    readme = content["README.md"].decode()
    assert readme.startswith((root / "README.md").read_text(encoding="utf-8").splitlines()[0])
    assert readme.count(WHEEL) == 3
    assert not re.search(r"[{}]", readme)


def test_the_same_content_gives_the_same_zip(content, tmp_path):
    for name in ("one.zip", "two.zip"):
        student.pack(tmp_path / name, content)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    names = zipfile.ZipFile(tmp_path / "one.zip").namelist()
    assert {name.split("/")[0] for name in names} == {student.folder_name()}


def test_what_somebody_answered_here_is_not_in_it(root, tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    for name in ("LICENSE", "LICENSE-TEXT", "notebooks/quiz.toml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    for name in (".answers.json", "results-0a1b.json"):
        (tmp_path / "notebooks" / name).write_text("{}", encoding="utf-8")
    monkeypatch.setattr(student, "ROOT", tmp_path)
    packed = [name for name in student.files(WHEEL) if name.startswith("notebooks/")]
    assert packed == ["notebooks/quiz.toml"]
