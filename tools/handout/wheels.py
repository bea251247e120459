"""Build the library as a wheel: for students, and for JupyterLite."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.repo import ROOT

# What the wheel is made of, and nothing else: no left-over of an earlier build.
LIBRARY = ["pyproject.toml", "README.md", "LICENSE", "margin_lib", "margin_course"]
NO_CACHE = shutil.ignore_patterns("__pycache__", ".*")


def build(folder: Path) -> Path:
    """The library as a wheel, built from a copy of nothing but the library."""
    with tempfile.TemporaryDirectory() as copy:
        for name in LIBRARY:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, Path(copy, name), ignore=NO_CACHE)
            else:
                shutil.copy(ROOT / name, copy)
        # Every file gets the same date, so that the same course gives the same zip.
        dated = os.environ | {"SOURCE_DATE_EPOCH": "315532800"}
        command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel"]
        subprocess.run([*command, "--out-dir", str(folder), copy], check=True, env=dated)
    (wheel,) = folder.glob("*.whl")
    return wheel
