"""What one learner needs of a server: memory and time of JupyterLab and of each notebook.

Each notebook runs in a kernel of its own, one after the other. With `--write` the table goes to
instructors/classroom.md. On a quiet machine; Linux or macOS.
"""

import json
import math
import os
import time

import nbformat
import psutil
import pytest

from tests.support import browser
from tools.notebooks import run as notebooks
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"
MEMORY, PROCESSOR, CLOCK = "memory at most [MB]", "processor time [s]", "from start to end [s]"
LARGEST = 500  # MB of a kernel
# Runs in the kernel, after all else. On Linux getrusage tells the parent's peak where that was the
# larger one, so the kernel's own is read; macOS has no such file, and tells it in bytes.
ASK = """
import json, re, resource, time
from pathlib import Path
own = Path("/proc/self/status")
if own.exists():
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", own.read_text())[1]) / 1e3
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps([peak, time.process_time()]))
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="only Unix tells the peak of a process")


def measure(path, folder):
    """Most memory [MB], processor time and time by the clock [s] of a notebook's kernel."""
    notebook = notebooks.read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    longer = folder / path.name
    longer.write_text(notebooks.to_text(notebook), encoding="utf-8")
    start = time.perf_counter()
    executed = notebooks.execute(longer, cwd=path.parent)
    passed = time.perf_counter() - start
    memory, processor = json.loads(executed.cells[-1].outputs[0].text)
    return memory, processor, passed


def test_jupyterlab_itself(tmp_path, within):
    """Memory, processor time and time by the clock until it answers."""
    start = time.perf_counter()
    with browser.server("lab", FOLDER, tmp_path):
        passed = time.perf_counter() - start
        (lab,) = psutil.Process().children()
        spent, memory = lab.cpu_times(), lab.memory_info().rss / 1e6
    processor = spent.user + spent.system
    within(
        {MEMORY: (memory, math.inf), PROCESSOR: (processor, math.inf), CLOCK: (passed, math.inf)}
    )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook(path, tmp_path, within):
    memory, processor, passed = measure(path, tmp_path)
    within({MEMORY: (memory, LARGEST), PROCESSOR: (processor, math.inf), CLOCK: (passed, math.inf)})
