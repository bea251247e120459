"""The table in instructors/classroom.md: make bench ARGS="--write -k kernels" puts it there."""

import datetime
import os
import platform
import re
from collections.abc import Mapping, Sequence

from tools.repo import ROOT

PATH = ROOT / "instructors" / "classroom.md"
SAID = re.compile(r"(?s)Measured by `make bench` on .*?\n\n(?=\| what runs)")
ROW = re.compile(r"(?m)^\| (\w[\w ]*) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|\n")


def written(text: str, rows: Mapping[str, Sequence[float]], said: str) -> str:
    """The page with these rows in its table, and what is said above it.

    Parameters
    ----------
    text : str
    rows : Mapping             what runs -> memory [MB], processor time, time by the clock [s]
    said : str                 when and where it was measured
    """
    table = "".join(
        f"| {name} | {memory:.0f} | {processor:.1f} | {clock:.1f} |\n"
        for name, (memory, processor, clock) in rows.items()
    )
    places = list(ROW.finditer(text))
    text = text[: places[0].start()] + table + text[places[-1].end() :]
    return SAID.sub(lambda _: f"Measured by `make bench` on {said}\n\n", text)


def here() -> str:
    """The day and the machine; the load says how much else it had to do."""
    load = os.getloadavg()[0]
    return (
        f"{datetime.date.today()}: {platform.system()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {load:.1f} processes that wanted to run. Where more want to run "
        "than there are cores,\nthe last column grows; memory stays."
    )


def write(tables: Mapping[str, Mapping[str, Mapping[str, tuple[float, float]]]]) -> None:
    """Put what test_kernels.py has measured into the page; `tables`: test -> case -> what."""
    (lab,) = tables["test_jupyterlab_itself"].values()
    measured = {"JupyterLab itself": lab, **tables["test_notebook"]}
    rows = {name: [value for value, _ in each.values()] for name, each in measured.items()}
    PATH.write_text(written(PATH.read_text(encoding="utf-8"), rows, here()), encoding="utf-8")
