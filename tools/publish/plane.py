"""The moving picture of the front door: the plane of both prices, and what two moves leave.

    python -m tools.publish.plane

It walks through moves of the scenario, five seconds long and once. Each begins at the start, for no
price brings back what was closed. Who asked for less motion gets its last picture, which stays.
Both go into docs/. In the film stands a sum of all that it tells, so that a test sees when the
scenario has gone on without it.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from margin_course import load, text
from margin_course.lessons.comparison import ComparisonLab
from margin_course.palette import CROSS, ISOLATED, PAPER
from margin_course.picture import font
from tools.repo import ROOT

FOLDER = ROOT / "docs"
MOVING, STILL = FOLDER / "plane.webp", FOLDER / "plane.png"
WAY = "rescue", "contagion"  # presets of the lab
STEPS, STEP, HOLD = 16, 80, 1200  # pictures of a move, and how long one is shown [ms]
BAND = 58  # pixels above the plane, for the words


def frame(lab: Any) -> Image.Image:
    """What the lab shows now: its words above its picture."""
    lab.png()
    plane = Image.fromarray(np.asarray(lab.canvas.canvas.buffer_rgba())).convert("RGB")
    whole = Image.new("RGB", (plane.width, plane.height + BAND), PAPER)
    whole.paste(plane, (0, BAND))
    draw = ImageDraw.Draw(whole)
    unit = lab.scenario.currency
    for row, (mode, colour) in enumerate((("isolated", ISOLATED), ("cross", CROSS))):
        run = lab.shown.state[mode]
        life = f"✕ {' and '.join(run.dead)} closed" if run.dead else "● everything lives"
        words = f"{mode}: {life}, {text.money(run.equity[-1], unit)} left"
        draw.text((10, 8 + 24 * row), words, colour, font(True))
    return whole.quantize(32, dither=Image.Dither.NONE).convert("RGB")


def walk(lab: Any) -> Iterator[int]:
    """Take the lab along the way; at each place, how long it is shown [ms]."""
    for end in (lab.presets[name] for name in WAY):
        for part in np.linspace(0, 1, STEPS):
            slow = part * part * (3 - 2 * part)  # begins and ends without a jerk
            lab.set(**{name: slow * change for name, change in end.items()})
            yield HOLD if part == 1 else STEP


def story(lab: Any) -> str:
    """A sum of all that the film tells: places, times, words."""
    told = [[time, sorted(lab.values().items()), lab.summary()] for time in walk(lab)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def made() -> Any:
    """The lab that the film shows."""
    return ComparisonLab(load(ROOT / "notebooks" / "scenarios.toml")["cross"])


def main() -> int:
    lab = made()
    times, pictures = zip(*((time, frame(lab)) for time in walk(lab)), strict=True)
    how: dict[str, Any] = {"save_all": True, "append_images": pictures[1:], "duration": times}
    how["xmp"] = story(lab).encode()
    pictures[0].save(MOVING, lossless=True, method=4, loop=1, **how)
    pictures[-1].quantize(32).save(STILL, optimize=True)
    for path in (MOVING, STILL):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
