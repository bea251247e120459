"""What an import brings in; the directions between modules are in [tool.importlinter]."""

import os
import subprocess
import sys

from tools.repo import ROOT


def test_import_brings_in_the_mathematics_only(tmp_path):
    code = """
import sys
import margin_lib
print(sorted({"matplotlib", "ipywidgets", "IPython"} & set(sys.modules)))
"""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(tmp_path),
    }
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "[]\n", "")
    assert not list(tmp_path.iterdir()), "import margin_lib wrote something"


def test_a_python_without_lzma_will_do():
    """One may be built without it, as some are for a browser."""
    code = "import sys; sys.modules['lzma'] = None; import margin_lib, margin_course"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
