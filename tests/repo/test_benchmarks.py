"""The benchmarks run, their own answers are right, and what is more than it may be fails."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from benchmarks import test_kernels as kernels
from benchmarks import test_latency as latency
from benchmarks import test_peers as peers
from tests.notebooks.test_notebooks import tiny_notebook
from tools.notebooks import run as notebooks
from tools.repo import ROOT

PRICES = np.array(
    [  # one path a column
        [100, 79, 100, 100],
        [80, 120, 90, 121],
        [100, 79, 119, 70],
    ],
    dtype=float,
)
# Bounds that hold, one that does not, and a NaN, which is within nothing.
BOUNDS = """
import math, pytest

@pytest.mark.parametrize("dear", [1, 3, math.nan], ids=["cheap", "dear", "nan"])
def test_two(dear, within):
    within({"ratio": (dear, 2), "free": (9, math.inf)})
"""


def run(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8")


def test_they_run_at_a_small_size_and_say_what_they_measured():
    """As make bench does: the whole folder is looked through."""
    which = "library or test_peers or (kernel and LeverageLab) or (behind and LeverageLab)"
    ran = run("benchmarks", "-k", which, "--share", "0.001")
    assert ran.returncode == 0, ran.stdout
    for row in ("positions", "long-numpy", "numpy-0.02", "LeverageLab"):
        assert f"\n| {row} | " in ran.stdout


def test_what_is_more_than_it_may_be_fails_unless_only_a_share_is_measured(tmp_path):
    shutil.copy(ROOT / "benchmarks" / "conftest.py", tmp_path)
    (tmp_path / "test_bounds.py").write_text(BOUNDS, encoding="utf-8")
    ran = run(cwd=tmp_path)
    assert ran.returncode == 1
    assert "2 failed, 1 passed" in ran.stdout
    assert "| test_two | ratio | at most | free |\n| :-- | --: | --: | --: |\n" in ran.stdout
    assert "\n| cheap | 1 | 2 | 9 |\n" in ran.stdout
    assert "\n| dear | 3 | 2 | 9 |\n" in ran.stdout
    assert run("--share", "0.5", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "side, liquidation, bars", [(1, 80, [1, 0, -1, 2]), (-1, 120, [-1, 1, -1, 1])]
)
def test_first_bar_at_or_beyond_the_liquidation_price(side, liquidation, bars):
    for exits in (peers.numpy_exits, partial(peers.margin_lib_exits, rate=0.25)):
        assert exits(PRICES, 100, liquidation, side)().tolist() == bars


def test_positions_that_a_mark_closes():
    quantity, margin = np.array([1.0, 1.0, -1.0, -1.0]), np.array([40.0, 41.0, 1.0, 39.0])
    for on_mark in (peers.numpy_on_mark, peers.margin_lib_on_mark):
        for mark, closed in ((80.0, [0]), (112.0, [2, 3])):
            assert (
                on_mark(quantity, np.full(4, 100.0), margin, mark, rate=0.25)().tolist() == closed
            )


@pytest.mark.skipif(os.name == "nt", reason="only Unix tells the peak of a process")
def test_the_peak_of_a_kernel_is_measured(tmp_path):
    notebook = tiny_notebook()
    notebook.cells[0].source = 'held = b"x" * 200_000_000\nprint(12.5)'
    path, folder = tmp_path / "tiny.ipynb", tmp_path / "longer"
    folder.mkdir()
    path.write_text(notebooks.to_text(notebook), encoding="utf-8")
    before = path.read_bytes()
    memory, processor, passed = kernels.measure(path, folder)
    assert 200 < memory < 400 and processor > 0 and passed > 0
    assert path.read_bytes() == before


def test_the_notebook_holds_a_cell_for_each_lab_and_one_for_interact():
    cells = json.loads(latency.notebook(list(latency.STARTS)))["cells"]
    assert len(cells) == 1 + 2 * len(latency.STARTS) + 1  # the last one measures the floor
    for cell in cells:
        source = cell["source"].replace("%matplotlib inline", "")
        compile(source, cell["id"], "exec")
