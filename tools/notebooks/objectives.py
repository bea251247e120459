"""What serves each objective, and at which level: the tables of the guide, from objectives.toml.

`make notebooks` writes them between two comments of instructors/guide.md.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from margin_course import concepts
from margin_course.text import escaped
from tools import repo
from tools.repo import ROOT

FILE = ROOT / "notebooks" / "objectives.toml"
GUIDE = ROOT / "instructors" / "guide.md"
LEVELS = {1: "●", 2: "●●", 3: "●●●"}
BEGIN, END = "<!-- made from notebooks/{} -->", "<!-- the end of what was made -->"
Data = Mapping[str, Any]


def read(path: Path = FILE) -> dict[str, Any]:
    """The objectives of each notebook, by its number; and the levels of all exercises."""
    return tomllib.loads(repo.read(path))


def serving(data: Data, exercise: str) -> list[str]:
    """The objectives that an exercise serves."""
    return [
        objective["says"]
        for objective in data.get(exercise[:2], [])
        if exercise in objective.get("exercises", [])
    ]


def exercises(data: Data, beliefs: Mapping[str, concepts.Belief]) -> str:
    """All exercises as a Markdown table: level, objective, and the belief that each meets."""
    lines = ["| exercise | level | serves | meets the belief |", "|:--|:--|:--|:--|"]
    for name, each in data["levels"].items():
        belief = beliefs[each["belief"]].says if "belief" in each else ""
        cells = name, LEVELS[each["level"]], "; ".join(serving(data, name)), belief
        lines.append(f"| {' | '.join(escaped(cell, markdown=True) for cell in cells)} |")
    return "\n".join(lines)


def questions(inventory: concepts.Inventory) -> str:
    """The fifteen questions as a Markdown table: what each is about, and where that is cleared."""
    heads = "question", "looks for", "seen at", "other options", "cleared in"
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(':--' for _ in heads)}|"]
    for name, table in inventory.questions.items():
        about = inventory.beliefs[table["about"]]
        found = [option.get("belief") for option in table["options"]]
        others = dict.fromkeys(x for x in found if x not in (None, table["about"]))
        heading = about.section.partition("#")[2].replace("-", " ")
        cells = (name, about.says, about.seen, ", ".join(others))
        shown = " | ".join(escaped(cell, markdown=True) for cell in cells)
        lines.append(f"| {shown} | {about.notebook} *{escaped(heading, markdown=True)}* |")
    return "\n".join(lines)


def made(guide: str, data: Data, inventory: concepts.Inventory) -> str:
    """The guide with both tables written anew."""
    tables = {
        "objectives.toml": exercises(data, inventory.beliefs),
        concepts.FILE: questions(inventory),
    }
    for name, table in tables.items():
        begin = BEGIN.format(name)
        between = re.compile(rf"(?s){re.escape(begin)}\n.*?{re.escape(END)}")
        if not between.search(guide):
            raise ValueError(f"the guide has no place for the table of {name}")
        guide = between.sub(lambda _, b=begin, t=table: f"{b}\n\n{t}\n\n{END}", guide)
    return guide


def write() -> None:
    """Write the tables into the guide."""
    inventory = concepts.inventory(ROOT / "notebooks" / concepts.FILE)
    repo.write(GUIDE, made(repo.read(GUIDE), read(), inventory))
