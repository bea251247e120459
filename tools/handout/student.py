"""Pack the course for students, ready to hand out: build/student.zip.

In it are the notebooks without any output, what they read, the library as a wheel, and a README
for students. What the instructor keeps, the tests and the tools stay out.
"""

import re
import sys
import tempfile
import zipfile
from pathlib import Path

from tools import repo
from tools.handout import wheels
from tools.notebooks import run as notebooks
from tools.publish import badges
from tools.repo import ROOT

ZIP = ROOT / "build" / "student.zip"
FOR_STUDENTS = ROOT / "tools/handout/student"


def folder_name() -> str:
    """The folder in the zip: the course's name, as conda calls its environment."""
    text = repo.read("environment.yml")
    return re.search(r"^name: (\S+)$", text, re.MULTILINE)[1]


def without_outputs(path: Path) -> str:
    notebook = notebooks.read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebooks.to_text(notebook)


def files(wheel: str) -> dict[str, bytes]:
    """What students get, but for the wheel of this name: path in their folder -> content."""
    found = {name: (ROOT / name).read_bytes() for name in ("LICENSE", "LICENSE-TEXT")}
    for path in sorted((ROOT / "notebooks").rglob("*")):
        name = path.relative_to(ROOT)
        if path.is_dir() or any(part.startswith(".") for part in name.parts):
            continue
        if path.match("results-*.json"):  # what somebody here has answered
            continue
        if path.suffix == ".ipynb":
            found[name.as_posix()] = without_outputs(path).encode()
        else:
            found[name.as_posix()] = path.read_bytes()
    readme = repo.read(FOR_STUDENTS / "README.md")
    found["README.md"] = readme.format(title=badges.title(), wheel=wheel).encode()
    found["Makefile"] = (FOR_STUDENTS / "Makefile").read_bytes()
    return found


def pack(target: Path, content: dict[str, bytes]) -> None:
    """Write a zip that is the same, to the byte, for the same content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as packed:
        for name in sorted(content):
            entry = zipfile.ZipInfo(f"{folder_name()}/{name}")
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, content[name], zipfile.ZIP_DEFLATED)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        wheel = wheels.build(Path(folder))
        pack(ZIP, files(wheel.name) | {wheel.name: wheel.read_bytes()})
    print(f"{ZIP.relative_to(ROOT)}: {ZIP.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
