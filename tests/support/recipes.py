"""The recipes of instructors/adapt.md, read from the page itself.

A recipe is a section of the page. Its blocks of code are done in order. The last file that the text
before a block names is the file that the block is about:

    diff            in that file: the lines with a minus (and without a sign) become the others
    sh              commands, from the top folder
    anything else   "New file": the whole file; otherwise it goes to the end of the file

In a notebook a diff is about the text of one cell.
"""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.notebooks import run as notebooks
from tools.repo import ROOT

PAGE = ROOT / "instructors" / "adapt.md"
ADAPTED = PAGE.read_text(encoding="utf-8").startswith("# Adapted.")  # nothing to do any more


class Step(NamedTuple):
    kind: str  # diff, sh, new, end
    file: str | None
    text: str


def recipes(page=PAGE) -> dict[str, list[Step]]:
    """The steps of each section that has any, by heading."""
    found = {}
    for section in re.split(r"(?m)^## ", page.read_text(encoding="utf-8"))[1:]:
        title, _, body = section.partition("\n")
        steps = []
        place = 0
        for block in re.finditer(r"(?ms)^```(\w+)\n(.*?)^```$", body):
            before, kind = body[place : block.start()], block[1]
            place = block.end()
            files = re.findall(r"`([\w./-]+\.\w+)`", before)
            if kind not in ("diff", "sh"):
                kind = "new" if "New file" in before else "end"
            if kind != "sh" and not files:
                raise ValueError(f"{title}: no file is named before\n{block[2]}")
            steps.append(Step(kind, files[-1] if files else None, block[2]))
        if steps:
            found[title] = steps
    return found


def sides(diff: str) -> tuple[str, str]:
    """What a diff replaces, and by what.

    >>> sides(" a\\n-b\\n+c\\n")
    ('a\\nb\\n', 'a\\nc\\n')
    """
    lines = [(line[:1] or " ", line[1:]) for line in diff.splitlines()]
    return tuple("".join(f"{text}\n" for sign, text in lines if sign in " " + s) for s in "-+")


def replaced(text: str, diff: str) -> str:
    old, new = sides(diff)
    whole = re.findall(rf"(?m)^{re.escape(old)}", text)
    if len(whole) != 1:
        raise ValueError(f"{len(whole)} places, must be one:\n{old}")
    return re.sub(rf"(?m)^{re.escape(old)}", lambda _: new, text)


def change(path: Path, diff: str) -> None:
    if path.suffix != ".ipynb":
        path.write_text(replaced(path.read_text("utf-8"), diff), encoding="utf-8", newline="\n")
        return
    notebook = notebooks.read(path)
    old, _ = sides(diff)
    (cell,) = (cell for cell in notebook.cells if f"\n{old}" in f"\n{cell.source}\n")
    cell.source = replaced(f"{cell.source}\n", diff).removesuffix("\n")
    path.write_text(notebooks.to_text(notebook), encoding="utf-8", newline="\n")


def do(step: Step, root: Path) -> None:
    """One step, in a copy of the repository."""
    if step.kind == "sh":
        run = subprocess.run(["bash", "-ec", step.text], cwd=root, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(f"{step.text}\n{run.stdout[-6000:]}\n{run.stderr[-3000:]}")
        return
    path = root / step.file
    if step.kind == "diff":
        change(path, step.text)
    elif step.kind == "new":
        if path.exists():
            raise ValueError(f"{step.file} is there already")
        path.write_text(step.text, encoding="utf-8", newline="\n")
    else:
        gap = "\n\n\n" if path.suffix == ".py" else "\n\n"
        text = path.read_text("utf-8").rstrip("\n") + gap + step.text
        path.write_text(text, encoding="utf-8", newline="\n")
