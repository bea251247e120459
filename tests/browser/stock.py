"""Which notebooks there are, and which labs stand in them."""

import json
import re

from tools.notebooks.course import course
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))
LESSONS = [path.name for path in course()[1:]]  # with predictions, exercises and a quiz


def code_of(name):
    """The sources of the notebook's code cells."""
    cells = json.loads((FOLDER / name).read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def numbered(kinds):
    """Each kind, the later ones of a kind with their number.

    >>> numbered(["ThirdLab", "QueueLab", "ThirdLab"])
    ['ThirdLab', 'QueueLab', 'ThirdLab 2']
    """
    before = [kinds[:place].count(kind) for place, kind in enumerate(kinds)]
    return [kind if not n else f"{kind} {n + 1}" for kind, n in zip(kinds, before, strict=True)]


def labs_of(name):
    """The kinds of the labs that a notebook shows, in its order."""
    return [kind for code in code_of(name) for kind in re.findall(r"\b([A-Z]\w*Lab)\(", code)]


# (notebook, class of the lab), in the order of the course
LABS = [(name, kind) for name in NAMES for kind in numbered(labs_of(name))]
