"""The moving picture of the front door: the plane of both prices, and what two moves leave.

    python -m tools.publish.plane

It walks through moves of the scenario, five seconds long and once: who asked for less motion gets
its last picture, which stays. Both go into docs/.
"""

import sys
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
WAY = "start", "rescue", "contagion"  # presets of the lab
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


def film(lab: Any) -> tuple[list[Image.Image], list[int]]:
    """Pictures along the way, and how long each is shown [ms]."""
    places = [{name: 0.0 for name in lab.on_page}, *(lab.presets[name] for name in WAY[1:])]
    pictures, times = [], []
    for start, end in zip(places, places[1:], strict=False):
        for part in np.linspace(0, 1, STEPS):
            slow = part * part * (3 - 2 * part)  # begins and ends without a jerk
            lab.set(**{name: start[name] + slow * (end[name] - start[name]) for name in end})
            pictures.append(frame(lab))
            times.append(STEP)
        times[-1] = HOLD
    return pictures, times


def main() -> int:
    lab = ComparisonLab(load(ROOT / "notebooks" / "scenarios.toml")["cross"])
    pictures, times = film(lab)
    how: dict[str, Any] = {"save_all": True, "append_images": pictures[1:], "duration": times}
    pictures[0].save(MOVING, lossless=True, method=4, loop=1, **how)
    pictures[-1].quantize(32).save(STILL, optimize=True)
    for path in (MOVING, STILL):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
