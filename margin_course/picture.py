"""What all pictures share: one style, one way to paint, and a small vocabulary of shapes.

A picture has a frame, drawn once; a ground, drawn when what it hangs on changes; and moving parts,
drawn anew for every state. The same object serves a printed figure (`plot`) and a lab (`png`: only
the moving parts are painted again). It knows nothing of widgets: it says what can be taken hold of,
and a lab makes handles of that.
"""

import struct
import zlib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, MaxNLocator
from matplotlib.transforms import Bbox
from PIL import Image, ImageDraw, ImageFont

from margin_course import text
from margin_course.palette import (
    BORROWED,
    CROSS,
    DEAD,
    GONE,
    INK,
    INKS,
    ISOLATED,
    PAPER,
    PATTERNS,
    QUIET,
    REGIONS,
    TOO_LITTLE,
)
from margin_course.scenarios import Scenario
from margin_lib.account import Position
from margin_lib.types import Number

Parts = Iterator[Artist]  # what moves in a picture

LINES = {"isolated": (ISOLATED, "--"), "cross": (CROSS, "-")}
DPI = 100
RING = 30  # px across around a handle, as in screen.css
POINTS = 11.3  # 15.7 px: still 11 px where a page of 400 px shows the picture 380 px wide

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": POINTS,
    "axes.titlesize": POINTS,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    # A currency may be called $: between two of them, matplotlib would look for TeX.
    "text.parse_math": False,
    "lines.linewidth": 2.5,
}


class Hold(NamedTuple):
    """A place of a picture that can be taken hold of, and what moves with it.

    at : (float, float)        where it is [px from the left, px from the top]
    moves : tuple              (control, "x" or "y", value per pixel, pixel at which the control
                               has the value that the picture shows)
    """

    at: tuple[float, float]
    moves: tuple[tuple[str, str, float, float], ...]


class Picture:
    """A figure that is laid out once. Subclasses say what stands still and what moves.

    Parameters
    ----------
    scenario : Scenario        fixes the limits of the axes

    `frame(scenario)` sets up the axes; `moving(state)` draws the rest and yields its artists;
    `alt(state)` says in words what is seen. Where much hangs on little, `ground_of(state)` names
    what it hangs on, and `ground(state)` yields what is drawn below the moving parts.
    """

    # inches at 100 dots each: fits beside its controls, and below them in a view of 640 px
    size: tuple[float, float] = (5.4, 4)
    panels: tuple[float, ...] = (1,)  # relative widths; heights, where they are stacked
    stacked, shared = False, True  # one below the other; then with one horizontal axis

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        with matplotlib.rc_context(STYLE):
            self.figure = Figure(figsize=self.size, dpi=DPI, layout="constrained")
            self.canvas = FigureCanvasAgg(self.figure)
            count, ratios = len(self.panels), self.panels
            if self.stacked:
                self.axes = self.figure.subplots(count, 1, sharex=self.shared, height_ratios=ratios)
            else:
                self.axes = self.figure.subplots(1, count, width_ratios=ratios)
            self.axes = np.atleast_1d(self.axes)
            self.frame(scenario)
            self._translate(self.figure.findobj(Text))
            self.canvas.draw()
        self.figure.set_layout_engine("none")  # solving the layout costs more than all the rest
        self.still = self.background = self.canvas.copy_from_bbox(self.figure.bbox)
        self._framed = {artist for ax in self.axes for artist in ax.get_children()}
        self.ground_key: Hashable = None
        self.grounded: list[Artist] = []
        self.artists: list[Artist] = []
        self.holds: list[Hold] = []
        self.state: Any = None

    def frame(self, scenario: Scenario) -> None:
        raise NotImplementedError

    def moving(self, state: Any) -> Parts:
        raise NotImplementedError

    def alt(self, state: Any) -> str:
        raise NotImplementedError

    def ground_of(self, state: Any) -> Hashable:
        return None

    def ground(self, state: Any) -> Parts:
        yield from ()

    def plot(self, state: Any) -> "Picture":
        """Show a state, and return the picture itself."""
        old, self.artists, self.holds, self.state = self.artists, [], [], None
        try:
            with matplotlib.rc_context(STYLE):
                key = self.ground_of(state)
                if key != self.ground_key:
                    self._lay(state)
                    self.ground_key = key
                new = sorted(self.moving(state), key=lambda artist: artist.get_zorder())
                self._translate(each for each in new if isinstance(each, Text) and each not in old)
            for artist in old:
                if artist not in new:
                    artist.remove()
        except BaseException:  # stopped half way: what was drawn is in nobody's list
            self._forget()
            raise
        self.artists, self.state = new, state
        return self

    def guessed(self, x: float | None, words: str = "you") -> "Picture":
        """Mark what a reader expected, beside what is; the next state is drawn without it.

        Parameters
        ----------
        x : float or None      on the horizontal axis of the last panel; None or NaN: no mark
        words : str            beside it
        """
        if x is None or not np.isfinite(x):
            return self
        ax = self.axes[-1]
        (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
        at, middle = float(np.clip(x, left, right)), (left + right) / 2
        side = "left" if at < middle else "right"
        with matplotlib.rc_context(STYLE):
            line = ax.axvline(at, color=INK, linestyle="-.", linewidth=1.8, zorder=5)
            y = low + 0.04 * (high - low)
            name = inside(label(ax, at, y, f" {words} ", ha=side, va="bottom", fontweight="bold"))
            self._translate([name])
        self.artists = [*self.artists, line, name]
        return self

    def _lay(self, state: Any) -> None:
        """The ground of a state, painted on the frame and kept as pixels."""
        for artist in self.grounded:
            artist.remove()
        self.grounded = sorted(self.ground(state), key=lambda artist: artist.get_zorder())
        self._translate(artist for artist in self.grounded if isinstance(artist, Text))
        self.canvas.restore_region(self.still)
        for artist in self.grounded:
            self.figure.draw_artist(artist)
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)

    def _forget(self) -> None:
        """Only the frame remains."""
        for ax in self.axes:
            for artist in ax.get_children():
                if artist not in self._framed:
                    artist.remove()
        self.ground_key, self.grounded, self.background = None, [], self.still

    def _translate(self, texts: Iterable[Text]) -> None:
        labels = self.scenario.labels
        if not labels:
            return
        for each in texts:
            each.set_text(text.translated(each.get_text(), labels))
        for axis in (axis for ax in self.axes for axis in (ax.xaxis, ax.yaxis)):
            if isinstance(axis.get_major_locator(), FixedLocator):  # words at ticks
                names = [each.get_text() for each in axis.get_ticklabels()]
                axis.set_ticklabels([text.translated(name, labels) for name in names])

    def hold(
        self,
        artist: Any,
        x: str | None = None,
        y: str | None = None,
        per: float = 1.0,
        here: float | None = None,
    ) -> Any:
        """Let a reader drag an artist, and with it a control; returns the artist.

        Parameters
        ----------
        artist : Artist            a line of one point
        x, y : str or None         the controls that move with it, across and upwards
        per : float                how far the control moves for 1 on the axis
        here : float or None       where on the axis the control stands, if not at the artist
        """
        ax, (place,) = artist.axes, artist.get_xydata()
        at = ax.transData.transform(place)
        origin, unit = ax.transData.transform([(0, 0), (1, 1)])
        high, moves = self.figure.bbox.height, []
        for axis, control in enumerate((x, y)):
            if control is not None and per and np.isfinite(per):
                scale = unit[axis] - origin[axis]
                now = at[axis] if here is None else origin[axis] + here * scale
                way = -1 if axis else 1  # pixels of a screen count downwards
                now = high - now if axis else now
                moves.append((control, "xy"[axis], float(way * per / scale), float(now)))
        if moves:
            spot = float(round(at[0], 1)), float(round(high - at[1], 1))
            self.holds.append(Hold(spot, tuple(moves)))
        return artist

    def png(self, level: int = 1) -> bytes:
        """The state shown, as PNG: background from memory, moving parts painted on top.

        Level 1 compresses fast, for a slider; 9 small, for a file.
        """
        self.canvas.restore_region(self.background)
        for artist in self.artists:
            self.figure.draw_artist(artist)
        return encode(np.asarray(self.canvas.buffer_rgba()), level)


def encode(pixels: np.ndarray, level: int) -> bytes:
    """PNG of pixels (height, width, 4), without the filters that help photographs.

    Trying filters takes PIL half of a move, and makes a drawing larger. The format is at
    https://www.w3.org/TR/png-3/.
    """
    high, wide, _ = pixels.shape
    rows = np.zeros((high, 1 + 3 * wide), np.uint8)  # the 0 before a row: no filter
    for colour in range(3):
        rows[:, 1 + colour :: 3] = pixels[:, :, colour]
    header = struct.pack(">2I5B", wide, high, 8, 2, 0, 0, 0)  # 8 bits of red, green and blue
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows.data, level)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def percent_axis(axis: Axis, ticks: int = 5) -> None:
    """Ticks in percent with a true minus."""
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(lambda value, _: text.percent(value, 0))


def below_rings(ax: Axes) -> None:
    """Words at the ticks of the horizontal axis, clear of the ring around a handle upon it."""
    ax.tick_params(axis="x", pad=(RING / 2 + 2) * 72 / DPI)


# Words


@cache
def font(bold: bool) -> ImageFont.FreeTypeFont:
    """The font of words in a picture."""
    weight = "bold" if bold else "normal"
    path = findfont(FontProperties(family="DejaVu Sans", weight=weight))
    return ImageFont.truetype(path, POINTS * DPI / 72)


@lru_cache(maxsize=256)
def stamp(words: str, colour: str, align: float, ground: bool, bold: bool) -> np.ndarray:
    """Pixels of words: drawn at once, where matplotlib draws letter by letter."""
    face = font(bold)
    lines, line = words.split("\n"), sum(face.getmetrics())
    widths = [face.getlength(each) for each in lines]
    size = round(max(widths)) + 8, line * len(lines) + 4
    image = Image.new("RGBA", size, colour + "00")
    draw = ImageDraw.Draw(image)
    if ground:  # nearly white: what lies below shines through a little
        image.paste((255, 255, 255, 0), (0, 0, *size))
        draw.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), 4, (255, 255, 255, 232))
    for row, (each, wide) in enumerate(zip(lines, widths, strict=True)):
        draw.text((4 + align * (size[0] - 8 - wide), 2 + row * line), each, colour, face)
    return np.array(image)[::-1].copy()  # as matplotlib counts: from below


class Words(Text):
    """Text that is painted from one stamp; `ground`: on white, to be read over a line."""

    ground = True

    def stamp(self) -> tuple[np.ndarray, float]:
        align = {"left": 0, "center": 0.5, "right": 1}[self.get_horizontalalignment()]
        bold = self.get_fontweight() == "bold"
        return stamp(self.get_text(), self.get_color(), align, self.ground, bold), align

    def get_window_extent(self, renderer: Any = None, dpi: Any = None) -> Bbox:
        pixels, align = self.stamp()
        (high, wide), x = pixels.shape[:2], 3 * (2 * align - 1)
        up = {"bottom": 0, "center": 0.5, "top": 1}[self.get_verticalalignment()]
        x, y = self.get_transform().transform(self.get_position()) + (x, 0)
        return Bbox.from_bounds(round(x - align * wide), round(y - up * high), wide, high)

    def draw(self, renderer: Any) -> None:
        box = self.get_window_extent()
        renderer.draw_image(renderer.new_gc(), box.x0, box.y0, self.stamp()[0])


def label(
    ax: Axes, x: float, y: float, words: str, colour: str = INK, ground: bool = True, **how: Any
) -> Words:
    """Words beside what they mean; always inside the picture."""
    how = {"ha": "center", "va": "center", "zorder": 6, "transform": ax.transData, **how}
    artist = Words(x, y, words, color=colour, **how)
    artist.ground = ground
    ax.add_artist(artist)
    return artist


def inside(artist: Words) -> Words:
    """Words moved as little as keeps them inside the picture."""
    box, axes = artist.get_window_extent(), artist.axes
    figure: Any = axes and axes.figure  # which matplotlib 3.9 knows, too
    figure = figure.bbox
    x = max(2 - box.x0, 0) + min(figure.width - 2 - box.x1, 0)
    y = max(2 - box.y0, 0) + min(figure.height - 2 - box.y1, 0)
    if x or y:
        transform = artist.get_transform()
        at = transform.transform(artist.get_position()) + (x, y)
        x, y = transform.inverted().transform(at)
        artist.set_position((x, y))
    return artist


class Room:
    """Cells of some axes, and what they hold already: finds where words cover nothing."""

    cell = 8  # dots
    full = 1000  # held where no words may be

    def __init__(self, ax: Any) -> None:
        self.ax = ax
        self.limits = ax.get_ylim(), ax.get_xlim()
        shape = (ax.bbox.size[::-1] // self.cell).astype(int)
        ends = zip(self.limits, shape, strict=True)
        y, x = (np.linspace(low, high, n) for (low, high), n in ends)
        self.y, self.x = np.meshgrid(y, x, indexing="ij")
        self.held = np.pad(np.zeros(shape - 2), 1, constant_values=self.full)  # not on a side

    def part(self, kinds: np.ndarray) -> None:
        """Note the borders between cells of different kinds."""
        self.kinds = kinds
        self.held[:-1] += self.full * (np.diff(kinds, axis=0) != 0)
        self.held[:, :-1] += self.full * (np.diff(kinds, axis=1) != 0)

    def take(self, x: np.ndarray, y: np.ndarray) -> None:
        """Note points, which words cover only where they must."""
        self.held += np.histogram2d(y, x, self.held.shape, self.limits)[0]

    def keep(self, artist: Artist) -> Artist:
        """Note an artist, and return it."""
        box = artist.get_window_extent(self.ax.figure.canvas.get_renderer())
        ends = ((corner - self.ax.bbox.min) / self.cell for corner in (box.min, box.max))
        (left, low), (right, high) = (np.maximum(end, 0).astype(int) for end in ends)
        self.held[low : high + 1, left : right + 1] += self.full
        return artist

    def put(
        self, words: str, wanted: np.ndarray, colour: str, outside: bool = False
    ) -> list[Artist]:
        """Artists: words in wanted cells (a mask), or outside with a line to them; none if full."""
        middle = x, y = self.x[wanted].mean(), self.y[wanted].mean()
        artist = label(self.ax, x, y, words, colour)
        size: Any = artist.get_window_extent(self.ax.figure.canvas.get_renderer()).size
        wide, high = np.ceil(size / self.cell).astype(int) + 1
        held = self.held + self.full * (~wanted if not outside else 0)
        total = np.pad(np.cumsum(np.cumsum(held, axis=0), axis=1), ((1, 0), (1, 0)))
        rows = total[high:] - total[:-high]
        covered = rows[:, wide:] - rows[:, :-wide]
        far = np.hypot(self.x - x, self.y - y)[high // 2 :, wide // 2 :]
        if not covered.size:  # wider than the axes
            artist.remove()
            return []
        cost = covered + (30 if outside else 0.1) * far[: len(covered), : len(covered[0])]
        row, column = np.unravel_index(np.argmin(cost), cost.shape)
        if covered[row, column] >= self.full:
            artist.remove()
            return []
        box = slice(row, row + high), slice(column, column + wide)
        at = self.x[box].mean(), self.y[box].mean()
        artist.set_position(at)
        self.keep(artist)
        if not outside:
            return [artist]
        how: Any = {"marker": ".", "markevery": [0], "color": colour, "linewidth": 1, "zorder": 5}
        return [artist, curve(self.ax, *zip(middle, at, strict=True), **how)]


class Raster(Artist):
    """Pixels that fill some axes, rows from below, shape (high, wide, 4)."""

    def __init__(self, ax: Axes, pixels: np.ndarray) -> None:
        super().__init__()
        self.pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
        self.set_zorder(0)
        ax.add_artist(self)

    def draw(self, renderer: Any) -> None:
        box: Any = self.axes and self.axes.bbox
        renderer.draw_image(renderer.new_gc(), round(box.x0), round(box.y0), self.pixels)


def grid(ax: Axes) -> tuple[np.ndarray, np.ndarray]:
    """What the pixels of some axes stand for, x and y, rows from below, each (high, wide)."""
    high, wide = (round(size) for size in (ax.bbox.height, ax.bbox.width))
    (left, right), (low, top) = ax.get_xlim(), ax.get_ylim()
    x = left + (np.arange(wide) + 0.5) / wide * (right - left)
    y = low + (np.arange(high) + 0.5) / high * (top - low)
    return np.broadcast_to(x, (high, wide)), np.broadcast_to(y[:, None], (high, wide))


def plane(ax: Axes, symbols: Sequence[str], limits: tuple[float, float]) -> None:
    """Axes for two prices at once: the change of the first across, of the second upwards."""
    ax.set(xlim=limits, ylim=limits, xlabel=f"{symbols[0]}, change since entry")
    ax.set_title(f"{symbols[1]}, change since entry", x=-0.14, fontweight="normal")
    for axis in (ax.xaxis, ax.yaxis):
        percent_axis(axis)


def rgb(colour: str) -> np.ndarray:
    """A colour as three numbers from 0 to 255."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.uint8)


def regions(families: np.ndarray) -> np.ndarray:
    """Pixels (high, wide, 4) of the four kinds of regions, 0 to 3: colour and pattern of each."""
    marked = _patterns(families.shape) >> families & 1
    return _region_colours()[2 * families + marked].view(np.uint8).reshape(*families.shape, 4)


@cache
def _region_colours() -> np.ndarray:
    """Of each kind of regions its colour, and that of its pattern: four bytes in one number."""
    pairs = [(rgb(region), rgb(ink)) for region, ink in zip(REGIONS, INKS, strict=True)]
    each = [(*mixed, 255) for plain, ink in pairs for mixed in (plain, 0.45 * ink + 0.55 * plain)]
    return np.array(each).astype(np.uint8).view(np.uint32).ravel()


@lru_cache(maxsize=8)
def _patterns(shape: tuple[int, int]) -> Any:
    """The patterns of all four, a bit for each."""
    return sum(pattern(shape, kind).astype(np.uint8) << n for n, kind in enumerate(PATTERNS))


@lru_cache(maxsize=32)
def pattern(shape: tuple[int, ...], kind: str) -> np.ndarray:
    """A mask (high, wide): "dots", "lines", "crossed" or nothing, to tell areas without colour."""
    y, x = np.indices(shape)
    if kind == "dots":
        return (x % 12 < 2) & (y % 12 < 2) | (x % 12 // 2 == 3) & (y % 12 // 2 == 3)
    if kind == "lines":
        return (x + y) % 12 < 2
    if kind == "crossed":
        return ((x + y) % 12 < 2) | ((x - y) % 12 < 2)
    return np.zeros(shape, dtype=bool)


# Shapes


def curve(ax: Axes, x: Any, y: Any, **how: Any) -> Artist:
    """A line through points: a plot of matplotlib's, which takes three times as long."""
    return ax.add_artist(Line2D(np.atleast_1d(x), np.atleast_1d(y), **how))


def points(ax: Axes, x: Any, y: Any, marker: str, **how: Any) -> Artist:
    """A sign at each point, and no line."""
    return curve(ax, x, y, marker=marker, linestyle="none", **how)


def dot(ax: Axes, x: float, y: float, colour: str = INK) -> Artist:
    """Where things stand now; an arrow at the edge of the axes where that lies outside."""
    low, high = ax.get_ylim()
    marker = "^" if y > high else "v" if y < low else "o"
    y = np.clip(y, low, high)
    how: Any = {"markersize": 10, "zorder": 7, "clip_on": False, "markeredgecolor": PAPER}
    return points(ax, x, y, marker, color=colour, **how)


def trail(ax: Axes, x: float, y: float) -> Artist:
    """The way from where prices started to a dot in the plane."""
    how: Any = {"color": INK, "linewidth": 1, "linestyle": ":", "zorder": 5}
    return curve(ax, [0, x], [0, y], **how)


def grip(ax: Axes, x: float, y: float, colour: str = INK) -> Artist:
    """A small mark where something can be taken hold of that is no dot itself."""
    how: Any = {"markersize": 6, "zorder": 7, "clip_on": False, "markeredgecolor": PAPER}
    return points(ax, x, y, "s", color=colour, **how)


def block(
    ax: Axes, left: float, low: float, right: float, high: float, colour: str, **how: Any
) -> Artist:
    """A filled rectangle; no bar of matplotlib's, whose containers outlive their bars."""
    how = {"facecolor": colour, "edgecolor": INK, "linewidth": 0.8, "zorder": 3, **how}
    return ax.add_artist(Rectangle((left, low), right - left, high - low, **how))


class Hatched(Rectangle):
    """A rectangle with lines from `hatch`: a hatch of matplotlib's takes a millisecond."""

    lines: tuple[str, str]  # which way, and their colour

    def draw(self, renderer: Any) -> None:
        super().draw(renderer)
        axes: Any = self.axes
        box = Bbox.intersection(self.get_window_extent(), axes.bbox)
        if box is None:
            return
        left, low, right, high = (round(end) for end in box.extents)
        high_and_wide = round(axes.figure.bbox.height), round(axes.figure.bbox.width)
        part = hatch(high_and_wide, *self.lines)[low:high, left:right]
        if part.size:
            renderer.draw_image(renderer.new_gc(), left, low, part)


@lru_cache(maxsize=32)
def hatch(shape: tuple[int, int], kind: str, ink: str) -> np.ndarray:
    """Thin slanting lines, one way or "crossed", as pixels (high, wide, 4) from below."""
    y, x = np.indices(shape)
    ways = (x - y, x + y) if kind == "crossed" else (x - y,)
    far = np.min([abs((way + 4) % 9 - 4) for way in ways], axis=0) / np.sqrt(2)
    cover = np.clip(255 * (1.1 - far), 0, 255)
    return np.dstack([np.broadcast_to(rgb(ink), (*shape, 3)), cover]).astype(np.uint8)


def hatched(
    ax: Axes,
    left: float,
    low: float,
    right: float,
    high: float,
    colour: str,
    *,
    kind: str,
    ink: str,
    **how: Any,
) -> Artist:
    """A filled rectangle with lines of a kind of `hatch`, in a colour of their own."""
    how = {"facecolor": colour, "linewidth": 0, "zorder": 3, **how}
    artist = Hatched((left, low), right - left, high - low, **how)
    artist.lines = kind, ink
    return ax.add_artist(artist)


def bar(ax: Axes, x: float, low: float, high: float, colour: str, **how: Any) -> Artist:
    """One upright bar from low to high."""
    return block(ax, x - 0.3, low, x + 0.3, high, colour, **how)


def loan(ax: Axes, x: float, low: float, high: float) -> Artist:
    """What is borrowed, as an upright bar: grey and hatched in every picture."""
    how: dict[str, Any] = {"kind": "lines", "ink": QUIET, "linewidth": 0.8, "edgecolor": QUIET}
    return hatched(ax, x - 0.3, low, x + 0.3, high, BORROWED, **how)


def outline(ax: Axes, x: float, low: float, high: float) -> Artist:
    """The dashed outline of a bar: what was there before."""
    how = {"edgecolor": QUIET, "linestyle": "--", "linewidth": 1.2, "zorder": 2}
    return bar(ax, x, low, high, "none", **how)


def vessel(
    ax: Axes,
    x: float,
    rim: float,
    level: float,
    colour: str,
    asked: float = 0.0,
    wide: float = 0.7,
    closed: bool = False,
    full: float = np.inf,
) -> Parts:
    """An account as a vessel: its level is equity, its rim what was put in, red what must stay.

    Parameters
    ----------
    ax : Axes                  upwards: money
    x, wide : float            middle and width
    rim, level, asked : float  money put in, equity, maintenance margin
    closed : bool              an empty vessel, crossed out
    full : float               the highest level that is drawn; more is broken off
    """
    left, right = x - wide / 2, x + wide / 2
    if closed:
        yield block(ax, left, 0, right, rim, GONE, linewidth=0, zorder=2)
        for ends in ((0.12, 0.88), (0.88, 0.12)):
            y = rim * np.array(ends)
            yield curve(ax, [left + 0.12 * wide, right - 0.12 * wide], y, color=DEAD, zorder=4)
    elif level > 0:
        yield block(ax, left, 0, right, min(level, full), colour, linewidth=0)
        if level > full:
            for y in (0.9 * full, 0.94 * full):
                cut = [left, right], [y, y + 0.03 * full]
                yield curve(ax, *cut, color=PAPER, linewidth=3, zorder=5)
        zone = min(asked, level)
        how: Any = {"kind": "crossed", "ink": QUIET, "zorder": 4}
        yield hatched(ax, left, 0, right, zone, TOO_LITTLE, **how)
        if asked > 0:
            over = [left - 0.09 * wide, right + 0.09 * wide]
            yield curve(ax, over, [asked, asked], color=DEAD, linewidth=3, zorder=5)
    glass = [left, left, right, right], [rim, 0, 0, rim]
    yield curve(ax, *glass, color=QUIET, linewidth=3, zorder=4, solid_capstyle="round")


def hundred(shares: Sequence[float]) -> list[int]:
    """Of 100, as whole numbers that add up: what is cut off most is given back first.

    >>> hundred([1 / 3, 1 / 3, 1 / 3])
    [34, 33, 33]
    """
    exact = 100 * np.asarray(shares, dtype=float) / sum(shares)
    whole = np.floor(exact + 1e-9).astype(int)
    late = np.argsort(whole - exact, kind="stable")[: 100 - whole.sum()]
    whole[late] += 1
    return whole.tolist()


def dots(ax: Axes, x: np.ndarray, y: np.ndarray, colour: str, size: float, full: bool) -> Artist:
    """Many dots of one kind, full or hollow: in greyscale, too, one sees which."""
    how: Any = {"markeredgecolor": colour, "markeredgewidth": 1.2, "zorder": 4}
    fill = colour if full else PAPER
    return points(ax, x, y, "o", markersize=size, markerfacecolor=fill, **how)


def returns_from_entry(position: Position, prices: Number) -> Number:
    """Prices as returns since the position's entry."""
    return np.divide(prices, position.entry_price) - 1
