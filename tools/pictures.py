"""One sheet of all labs and pictures, for whoever looks at a change: build/pictures.png.

    python -m tools.pictures

Each lab at its start, at its buttons, and at both ends of each control; then what notebooks print.
"""

import io
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from PIL import Image, ImageDraw

from margin_course import lessons, load, modes
from margin_course.lab import Lab
from tools.repo import ROOT

SHEET = ROOT / "build" / "pictures.png"
# A figure without tiles: those of labs are painted anew.
PRINTED = re.compile(r'<figure[^>]*><img alt="[^"]*" src="data:image/png;base64,([^"]+)"')
WIDE, HIGH, LINE, GAP = 405, 390, 16, 6  # of a picture on the sheet, three quarters of its size
ACROSS, GROUND = 8, "#cccccc"


def labs() -> list[type[Lab]]:
    """Every lab that a lesson shows, in the order of the course."""
    names = [f"{lessons.__name__}.{each.name}" for each in iter_modules(lessons.__path__)]
    made = [
        thing for module in [*map(import_module, names), modes] for thing in vars(module).values()
    ]
    kinds = [each for each in made if isinstance(each, type) and issubclass(each, Lab)]
    return [kind for kind in dict.fromkeys(kinds) if kind.picture]


def places(lab: Lab) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where a lab is looked at: name -> values."""
    yield from ((name, dict(values)) for name, values in lab.presets.items())
    for name, control in lab.controls.items():
        ends = control.options if hasattr(control, "options") else (control.min, control.max)
        yield from ((f"{name} {end}", {name: end}) for end in ends)


def everywhere(lab: Lab) -> Iterator[tuple[str, bytes]]:
    """A lab at each of these places: name, and its picture as PNG."""
    for name, values in places(lab):
        lab.set(**lab.presets["start"])
        lab.set(**values)
        yield f"{type(lab).__name__}: {name}", lab.png()


def figures() -> Iterator[tuple[str, bytes]]:
    """The printed pictures that notebooks store: name of the notebook, PNG."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("data", {}).get("text/html", ""))
                if found := PRINTED.match(text):
                    yield path.stem, b64decode(found[1])


def tile(name: str, png: bytes) -> Image.Image:
    """A picture under its name."""
    shown = Image.open(io.BytesIO(png)).convert("RGB")
    shown.thumbnail((WIDE, HIGH))
    made = Image.new("RGB", (WIDE + GAP, HIGH + LINE + GAP), GROUND)
    ImageDraw.Draw(made).text((4, 2), name, "black", font_size=12)
    made.paste(shown, (0, LINE))
    return made


def main() -> None:
    book = load(ROOT / "notebooks" / "scenarios.toml")
    groups = [list(everywhere(kind(book[kind.starts_in]))) for kind in labs()] + [list(figures())]
    rows = [group[n : n + ACROSS] for group in groups for n in range(0, len(group), ACROSS)]
    wide, high = WIDE + GAP, HIGH + LINE + GAP
    sheet = Image.new("RGB", (ACROSS * wide, len(rows) * high), GROUND)
    for line, row in enumerate(rows):
        for place, each in enumerate(row):
            sheet.paste(tile(*each), (place * wide, line * high))
    SHEET.parent.mkdir(exist_ok=True)
    sheet.quantize(128).save(SHEET, optimize=True)
    print(f"{SHEET.relative_to(ROOT)}: {sum(map(len, groups))} pictures")


if __name__ == "__main__":
    main()
