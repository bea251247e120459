"""The repository: where it is, what git keeps of it, and how its texts are written."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def read(name: str | Path) -> str:
    """The text of a file: its name in the repository, or its whole path."""
    return (ROOT / name).read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    """Write a text as git keeps it, on Windows too."""
    path.write_text(text, encoding="utf-8", newline="\n")


def kept() -> list[Path]:
    """Files that git keeps or would keep. Raises CalledProcessError outside of a git checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (ROOT / name for name in run.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def copy_to(folder: Path) -> None:
    """Write these files to another folder."""
    for path in kept():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy, follow_symlinks=False)
