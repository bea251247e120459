"""The measurement of the notebooks' kernels runs, and says what holds too much."""

import os

import pytest

from benchmarks import kernels
from tests.notebooks.test_notebooks import tiny_notebook
from tools.notebooks import run as notebooks


@pytest.fixture
def tiny(tmp_path):
    notebook = tiny_notebook()
    notebook.cells[0].source = 'held = b"x" * 200_000_000\nprint(12.5)'
    path = tmp_path / "tiny.ipynb"
    path.write_text(notebooks.to_text(notebook), encoding="utf-8")
    return path


@pytest.mark.skipif(os.name == "nt", reason="only Unix tells the peak of a process")
def test_the_peak_of_a_kernel_is_measured_and_a_large_one_is_told(tiny, monkeypatch, capsys):
    before = tiny.read_bytes()
    monkeypatch.setattr(kernels, "server", lambda: (90.0, 2.0, 3.0))
    monkeypatch.setattr(kernels, "LARGEST", 200)
    assert kernels.main([tiny]) == 1
    _, _, server, row, verdict = capsys.readouterr().out.splitlines()
    assert server == "| JupyterLab itself | 90 | 2 | 3 |"
    name, memory, processor, passed = row.strip("| ").split(" | ")
    assert name == "tiny" and 200 < float(memory) < 400
    assert 0 < float(processor) < 60 and 0 < float(passed) < 60
    assert verdict.startswith("TOO MUCH")
    assert tiny.read_bytes() == before
