"""Measure what one learner needs of a server: memory and time of JupyterLab and of each notebook.

    python -m benchmarks.kernels [NOTEBOOK ...]

Each notebook runs in a kernel of its own, one after the other. Prints the table of
instructors/classroom.md: the most memory a kernel held, its processor time, and the seconds from
starting the kernel to the last output. On a quiet machine; Linux or macOS. Fails where a kernel
holds more than LARGEST.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from tests.support import browser
from tools.notebooks import run as notebooks

FOLDER = notebooks.ROOT / "notebooks"
LARGEST = 500  # MB of a kernel
# Runs in the kernel, after all else. On Linux the peak is told in kB, on macOS in bytes.
ASK = """
import json, resource, sys, time
unit = 1e6 if sys.platform == "darwin" else 1e3
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
print(json.dumps([peak, time.process_time()]))
"""
HEADS = "what runs", "memory at most [MB]", "processor time [s]", "from start to end [s]"


def measure(path):
    """Most memory [MB], processor time and time by the clock [s] of a notebook's kernel."""
    notebook = notebooks.read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    with tempfile.TemporaryDirectory() as folder:
        longer = Path(folder) / Path(path).name
        longer.write_text(notebooks.to_text(notebook), encoding="utf-8")
        start = time.perf_counter()
        executed = notebooks.execute(longer, cwd=Path(path).resolve().parent)
        passed = time.perf_counter() - start
    memory, processor = json.loads(executed.cells[-1].outputs[0].text)
    return memory, processor, passed


def server():
    """Memory [MB], processor time and time by the clock [s] until JupyterLab answers."""
    import psutil

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as own, browser.server("lab", FOLDER, own):
        passed = time.perf_counter() - start
        (lab,) = psutil.Process().children()
        times = lab.cpu_times()
        return lab.memory_info().rss / 1e6, times.user + times.system, passed


def row(*cells):
    return f"| {' | '.join(cells)} |"


def main(paths):
    paths = [Path(path) for path in paths] or sorted(FOLDER.glob("*.ipynb"))
    print(row(*HEADS), row(":--", *["--:"] * 3), sep="\n")
    print(row("JupyterLab itself", *[f"{x:.0f}" for x in server()]), flush=True)
    largest = 0
    for path in paths:
        memory, *seconds = measure(path)
        largest = max(largest, memory)
        print(row(path.stem, f"{memory:.0f}", *[f"{x:.1f}" for x in seconds]), flush=True)
    if largest > LARGEST:
        print(f"TOO MUCH: a kernel may hold {LARGEST} MB")
    return int(largest > LARGEST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
