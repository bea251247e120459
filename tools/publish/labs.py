"""Labs for pages without a kernel: every lab of a notebook, computed over a grid of its controls.

A lab names the controls that a page offers (`on_page`). Here their values are laid on round
numbers, with the start and every preset among them, and each state is stored as lab.py describes
it, beside its picture: so nothing is computed in the browser. What a lab stores lies in a folder:

    lab.js             controls and their values, presets, where it starts
    0-3.js             states with the other controls as in `others[0]`, the first one at value 3
    1f0c….webp         a picture, named by what is in it

They are scripts, not JSON: a page that is opened from the disk may load these alone. A folder is
named by all that it was made of, and kept in build/labs: only what has changed is computed again.
"""

import ast
import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import lru_cache
from importlib.metadata import version
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from IPython.core.inputtransformer2 import TransformerManager
from PIL import Image

from margin_course import palette
from margin_course.lab import Lab
from margin_course.text import translated
from tools import repo
from tools.notebooks import run as notebooks
from tools.repo import ROOT

NOTEBOOKS = ROOT / "notebooks"
STORE = ROOT / "build" / "labs"
STATES = 800  # of a lab, about: its sliders share them
FRAMES = 61  # of a film; and places of a slider, at most
FEW = 31  # frames of a film that is stored many times over
COLOURS = 24
MEANT = palette.PAPER, palette.INK, palette.ISOLATED, palette.CROSS, palette.YOURS, palette.DEAD
STRIP = 12  # pixels
PAINTED = ("matplotlib", "numpy", "pandas", "pillow")  # whose versions decide on a picture
PLAIN = TransformerManager()  # lines of the shell to Python
LEGEND = 'class="mc-more"'  # in what a lab leaves where no kernel runs


# Which labs stand in a notebook


def made_of(statements: Sequence[ast.stmt], wanted: ast.AST) -> list[ast.stmt]:
    """Those of the statements that define what `wanted` names, and what those name in turn."""
    names, kept = _names(wanted, ast.Load), []
    for statement in reversed(statements):
        bound, changed = _bound(statement), _changed(statement)
        if (bound | changed) & names:
            names = (names - bound) | _names(statement, ast.Load) | changed
            kept.append(statement)
    return kept[::-1]


def _names(tree: ast.AST, use: type) -> set[str]:
    def named(part: ast.AST) -> set[str]:
        nodes = (node for node in ast.walk(part) if isinstance(node, ast.Name))
        return {node.id for node in nodes if isinstance(node.ctx, use)}

    # What runs along in a comprehension is nobody else's.
    inner = (node.target for node in ast.walk(tree) if isinstance(node, ast.comprehension))
    own = {node.id for part in inner for node in ast.walk(part) if isinstance(node, ast.Name)}
    return named(tree) - own


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    named = {statement.name} if isinstance(statement, ast.FunctionDef | ast.ClassDef) else set()
    return named | _names(statement, ast.Store) - _changed(statement)


def _changed(statement: ast.stmt) -> set[str]:
    """Names whose value is changed, not set: `a |= b`, `a["b"] = c`."""
    kinds = ast.Subscript | ast.Attribute
    inside = (n for n in ast.walk(statement) if isinstance(n, kinds) and type(n.ctx) is ast.Store)
    parts = [part.value for part in inside]
    if isinstance(statement, ast.AugAssign):
        parts.append(statement.target)
    return {name.id for part in parts for name in ast.walk(part) if isinstance(name, ast.Name)}


def shows_lab(cell: Any) -> bool:
    """Whether a code cell shows a lab."""
    return any(LEGEND in str(out.get("data", {}).get("text/html", "")) for out in cell.outputs)


def programs(notebook: Any) -> list[str]:
    """For each lab that a notebook shows, the lines that make it; the last one is its value."""
    before: list[ast.stmt] = []
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        statements = ast.parse(PLAIN.transform_cell(cell.source)).body
        before += statements
        if shows_lab(cell):
            last = before[-1]
            lines = [*made_of(before[:-1], last), last]
            found.append("\n".join(map(ast.unparse, lines)))
    return found


def lab_of(program: str) -> Lab:
    """The lab that such lines make, in the folder of the notebooks."""
    *lines, last = ast.parse(program).body
    names: dict[str, Any] = {}
    here = Path.cwd()
    os.chdir(NOTEBOOKS)
    try:
        exec(compile(ast.Module(lines, []), "notebook", "exec"), names)
        made = eval(compile(ast.Expression(last.value), "notebook", "eval"), names)
    finally:
        os.chdir(here)
    if not isinstance(made, Lab):
        raise TypeError(f"no lab: {program}")
    return made


# The grid


class Grid(NamedTuple):
    """Where a lab is computed.

    values : dict              control of the page -> its values
    others : list of dict      values of all other controls: at the start, and after presets
    """

    values: dict[str, list[Any]]
    others: list[dict[str, Any]]

    def at(self, other: int, place: Sequence[int]) -> dict[str, Any]:
        """The values of all controls at a place of the grid."""
        chosen = (values[n] for values, n in zip(self.values.values(), place, strict=True))
        return {**self.others[other], **dict(zip(self.values, chosen, strict=True))}


def grid(lab: Lab) -> Grid:
    """The grid of a lab: all words of a list, round numbers of a slider."""
    named, others = list(lab.on_page), _others(lab, list(lab.on_page))
    sliders = [name for name in named if _slides(lab, name)]
    choices = math.prod(len(lab.controls[n].options) for n in named if n not in sliders)
    share = STATES / choices / len(others)
    many = [name for name in sliders if name != lab.film]
    most = int(share ** (1 / max(len(many), 1)))
    frames = int(min(max(share, FEW), FRAMES))
    values = {}
    for name in named:
        control = lab.controls[name]
        if name in sliders:
            wanted = [moved[name] for moved in lab.presets.values() if name in moved]
            limit = frames if name == lab.film else min(max(most, 5), FRAMES)
            values[name] = rounded(control.min, control.max, control.step, wanted, limit)
        else:
            values[name] = list(control.options)
    return Grid(values, others)


def _slides(lab: Lab, name: str) -> bool:
    return hasattr(lab.controls[name], "step")


def rounded(
    low: float, high: float, step: float, wanted: Iterable[float], most: int
) -> list[float]:
    """Round numbers from low to high, at most `most` before both ends and the wanted ones join.

    >>> rounded(-0.95, 0.4, 0.01, [-0.45], 8)
    [-0.95, -0.8, -0.6, -0.45, -0.4, -0.2, 0.0, 0.2, 0.4]
    """
    wide = next(
        step * digit * 10**power
        for power in range(20)
        for digit in (1, 2, 5)
        if (high - low) / (step * digit * 10**power) <= most - 1 + 1e-9
    )
    first, last = math.ceil(low / wide - 1e-9), math.floor(high / wide + 1e-9)
    found = [low, high, *(min(max(x, low), high) for x in wanted)]
    for number in (round(n * wide, 12) for n in range(first, last + 1)):
        if all(abs(number - x) > step / 2 for x in found):
            found.append(number)
    return sorted({float(x) + 0.0 for x in found})


def _others(lab: Lab, named: Sequence[str]) -> list[dict[str, Any]]:
    """What the other controls can be: at the start, and wherever presets lead from there."""

    def rest(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in named}

    found = [rest(lab.presets["start"])]
    for there in found:  # grows while it is walked along
        for moved in lab.presets.values():
            if (new := {**there, **rest(moved)}) not in found:
                found.append(new)
    return found


# What a page gets


def about(lab: Lab, where: Grid) -> dict[str, Any]:
    """All of a lab but its states: what lab.js holds."""
    start = lab.presets["start"]
    places = {name: {x: n for n, x in enumerate(xs)} for name, xs in where.values.items()}

    def preset(name: str, moved: Mapping[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in moved.items() if key not in places}
        at = {key: places[key][held(lab, key, x)] for key, x in moved.items() if key in places}
        others = [where.others.index({**there, **rest}) for there in where.others]
        return {"name": translated(name, lab.scenario.labels), "at": at, "others": others}

    return {
        "controls": [
            _control(lab, name, values) | {"resets": resets(lab, where, name)}
            for name, values in where.values.items()
        ],
        "presets": [preset(name, moved) for name, moved in lab.presets.items()],
        "start": [places[name][start[name]] for name in places],
    }


def resets(lab: Lab, where: Grid, name: str) -> dict[str, int]:
    """Which other controls a move of this one puts elsewhere, wherever they stand, and where."""
    found = {}
    for moved in lab.presets.values():
        there = lab.at(**lab.presets["start"] | moved)
        before = there.values()
        others = (x for x in where.values[name][::-1] if x != before[name])
        there.set(**{name: next(others, before[name])})
        for other, values in where.values.items():
            if other != name and (now := there.values()[other]) != before[other]:
                found[other] = values.index(now)
    return found


def held(lab: Lab, name: str, value: Any) -> Any:
    """A value as the control takes it: within its ends."""
    control = lab.controls[name]
    if not _slides(lab, name):
        return value
    return float(min(max(value, control.min), control.max)) + 0.0


def _control(lab: Lab, name: str, values: Sequence[Any]) -> dict[str, Any]:
    control = lab.controls[name]
    form = getattr(control, "readout_format", "")
    shown = [format(x, form).replace("-", "−") if form else x for x in values]
    kind = "range" if _slides(lab, name) else "list"
    words = {"name": name, "label": control.description, "kind": kind}
    return {**words, "values": list(values), "shown": shown}


def state_at(lab: Lab, where: Grid, other: int, place: Sequence[int]) -> dict[str, Any]:
    """The state at a place of the grid; the arrow keys go from value to value there."""
    wanted = where.at(other, place)
    lab.set(**wanted)
    for name, values in where.values.items():
        if lab.values() == wanted:
            break
        # A locked control stays where it is while no other moves.
        another = next((x for x in values if x != wanted[name]), wanted[name])
        lab.set(**wanted | {name: another})
        lab.set(**wanted)
    state = lab.state()
    steps = {n: float(np.max(np.diff(x))) for n, x in where.values.items() if _slides(lab, n)}
    for handle in state["handles"]:
        moves = [move for move in handle["moves"] if move["control"] in steps]
        handle["moves"] = [move | {"step": steps[move["control"]]} for move in moves]
    state["handles"] = [handle for handle in state["handles"] if handle["moves"]]
    return state


def webp(lab: Lab) -> bytes:
    """The picture of a lab in few colours, without loss."""
    lab.png()
    pixels = Image.fromarray(np.asarray(lab.canvas.canvas.buffer_rgba())).convert("RGB")
    wide, high = pixels.size
    # Colours that many pixels have stay as they are; so a strip of each that means something.
    with_strips = Image.new("RGB", (wide, high + STRIP * len(MEANT)))
    with_strips.paste(pixels)
    for top, colour in zip(range(high, with_strips.height, STRIP), MEANT, strict=True):
        with_strips.paste(colour, (0, top, wide, top + STRIP))
    few, made = with_strips.quantize(COLOURS, dither=Image.Dither.NONE), BytesIO()
    few.convert("RGB").crop((0, 0, wide, high)).save(made, "WEBP", lossless=True, method=1)
    return made.getvalue()


def script(name: str, data: Any) -> str:
    """A script that tells the page what is stored under a name."""
    told = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"marginCourse.told({json.dumps(name)}, {told});\n"


# Making them


def sources(program: str) -> list[Path]:
    """The files that a lab hangs on: modules that it imports, and data."""
    todo, found = [program, "import margin_lib\nfrom margin_course import lab"], set()
    while todo:
        for name in re.findall(r"(margin_(?:lib|course)[\w.]*)(?: import (.*))?", todo.pop()):
            parts = [part.strip(" ()") for part in name[1].split(",")]
            for module in (name[0], *(f"{name[0]}.{part}" for part in parts if part)):
                path = ROOT / (module.rstrip(".").replace(".", "/") + ".py")
                if path.exists() and path not in found:
                    found.add(path)
                    todo.append(repo.read(path))
    data = [NOTEBOOKS / "scenarios.toml", *(NOTEBOOKS / "data").glob("*")]
    return sorted([*found, *data, *(ROOT / "margin_lib").glob("*.toml"), Path(__file__)])


def key(program: str) -> str:
    """A name for all that a lab was made of."""
    made = hashlib.sha256(program.encode())
    for path in sources(program):
        made.update(path.read_bytes())
    made.update(repr([version(name) for name in PAINTED]).encode())
    return made.hexdigest()[:16]


@lru_cache(maxsize=4)
def _ready(program: str) -> tuple[Lab, Grid]:
    lab = lab_of(program)
    return lab, grid(lab)


def _row(name: str, program: str, folder: Path, other: int, first: int) -> int:
    """Compute and write one row of states, in a process of its own; returns how many."""
    lab, where = _ready(program)
    lengths = [range(len(values)) for values in list(where.values.values())[1:]]
    states = []
    for place in product([first], *lengths):
        state, picture = state_at(lab, where, other, place), webp(lab)
        state["picture"] = f"{hashlib.sha256(picture).hexdigest()[:12]}.webp"
        (folder / state["picture"]).write_bytes(picture)
        states.append(state)
    repo.write(folder / f"{other}-{first}.js", script(f"{name}/{other}-{first}", states))
    return len(states)


def make(target: Path) -> dict[str, int]:
    """Write the labs of all notebooks to a folder; returns how many states were computed."""
    STORE.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    names, counts = set(), {}
    with ProcessPoolExecutor(2) as pool:
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            for program in programs(notebooks.read(path)):
                name = key(program)
                names.add(name)
                if not (STORE / name).exists():
                    counts[name] = _make(name, program, pool)
    for folder in STORE.iterdir():
        if folder.name in names:
            shutil.copytree(folder, target / folder.name, copy_function=_linked)
        else:
            shutil.rmtree(folder)
    return counts


def _make(name: str, program: str, pool: Executor) -> int:
    half = STORE / f"{name}.half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    lab, where = _ready(program)
    firsts = range(len(next(iter(where.values.values()))))
    places = product(range(len(where.others)), firsts)
    rows = [pool.submit(_row, name, program, half, *place) for place in places]
    count = sum(row.result() for row in rows)
    repo.write(half / "lab.js", script(f"{name}/lab", about(lab, where)))
    half.rename(STORE / name)
    return count


def _linked(source: str, copy: str) -> None:
    """A second name for the same bytes, where the disk knows such."""
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy(source, copy)
