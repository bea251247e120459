"""Pictures of accounts. One palette, one style; the numbers come from the accounts themselves.

A picture has a frame, drawn once, and moving parts, drawn anew for every state. The same object
serves a printed figure (`plot`) and a lab (`png`: only the moving parts are painted again).
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, MaxNLocator
from matplotlib.transforms import Bbox
from PIL import Image, ImageDraw, ImageFont

from margin_course import text
from margin_course.scenarios import Scenario
from margin_lib.account import Position
from margin_lib.replay import Replay
from margin_lib.types import Number

Parts = Iterator[Artist]  # what moves in a picture
# Light and dark enough to stay apart in greyscale; as text on white, at least 4.5 : 1.
INK = "#1a1a1a"
QUIET = "#5c5c5c"
FAINT = "#d9d9d9"
ISOLATED = "#0a3d7a"
CROSS = "#c2500a"
GAIN = "#1f7a5c"
LOSS = "#9b1d3c"
BORROWED = "#c9cdd3"
DEAD = "#f6e3d8"
LINES = {"isolated": (ISOLATED, "--"), "cross": (CROSS, "-")}
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
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
    "hatch.linewidth": 0.6,
    "hatch.color": QUIET,
    "lines.linewidth": 2,
}
DPI = 100


class Picture:
    """A figure that is laid out once. Subclasses say what stands still and what moves.

    Parameters
    ----------
    scenario : Scenario        fixes the limits of the axes

    `frame(scenario)` sets up the axes; `moving(state)` draws the rest and yields its artists. One
    that keeps some of them for the next state has a `forget()`, for a drawing that broke off.
    """

    # inches at 100 dots each: fits a notebook on a screen of 1024 px
    size: tuple[float, float] = (9, 3.8)
    panels: tuple[float, ...] = (1,)  # relative widths

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        with matplotlib.rc_context(STYLE):
            self.figure = Figure(figsize=self.size, dpi=DPI, layout="constrained")
            self.canvas = FigureCanvasAgg(self.figure)
            self.axes = self.figure.subplots(1, len(self.panels), width_ratios=self.panels)
            self.axes = np.atleast_1d(self.axes)
            self.frame(scenario)
            self._translate(self.figure.findobj(Text))
            self.canvas.draw()
        self.figure.set_layout_engine("none")  # solving the layout costs more than all the rest
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)
        self._framed = {artist for ax in self.axes for artist in ax.get_children()}
        self.artists: list[Artist] = []

    def frame(self, scenario: Scenario) -> None:
        raise NotImplementedError

    def moving(self, state: Any) -> Parts:
        raise NotImplementedError

    def plot(self, state: Any) -> "Picture":
        """Show a state, and return the picture itself."""
        old, self.artists = self.artists, []
        try:
            with matplotlib.rc_context(STYLE):
                new = sorted(self.moving(state), key=lambda artist: artist.get_zorder())
                self._translate(each for each in new if isinstance(each, Text) and each not in old)
            for artist in old:
                if artist not in new:
                    artist.remove()
        except BaseException:  # stopped half way: what was drawn is in nobody's list
            self._forget()
            raise
        self.artists = new
        return self

    def _forget(self) -> None:
        """Only the frame remains; what `moving` keeps between states, `forget` drops."""
        for ax in self.axes:
            for artist in ax.get_children():
                if artist not in self._framed:
                    artist.remove()
        self.forget()

    def forget(self) -> None:
        """Drop what is kept from one state to the next, if anything is."""

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

    def png(self, level: int = 1) -> bytes:
        """The state shown, as PNG: background from memory, moving parts painted on top.

        Level 1 compresses fast, for a slider; 9 small, for a file.
        """
        self.canvas.restore_region(self.background)
        for artist in self.artists:
            self.figure.draw_artist(artist)
        image = Image.fromarray(np.asarray(self.canvas.buffer_rgba()))
        return encode(np.asarray(image.convert("RGB")), level)


def encode(pixels: np.ndarray, level: int) -> bytes:
    """PNG of pixels (height, width, 3), without the filters that help photographs.

    Trying filters takes PIL half of a move, and makes a drawing larger. The format is at
    https://www.w3.org/TR/png-3/.
    """
    high, wide, _ = pixels.shape
    rows = np.zeros((high, 1 + 3 * wide), np.uint8)  # the 0 before a row: no filter
    rows[:, 1:] = pixels.reshape(high, -1)
    header = struct.pack(">2I5B", wide, high, 8, 2, 0, 0, 0)  # 8 bits of red, green and blue
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows.data, level)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def percent_axis(axis: Axis, ticks: int = 7) -> None:
    """Ticks in percent with a true minus."""
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(lambda value, _: text.percent(value, 0))


@cache
def font() -> ImageFont.FreeTypeFont:
    """The font of words in a picture."""
    return ImageFont.truetype(findfont("DejaVu Sans"), 9.5 * DPI / 72)


@lru_cache(maxsize=64)
def stamp(words: str, colour: str, align: float, ground: bool) -> np.ndarray:
    """Pixels of words: drawn at once, where matplotlib draws letter by letter."""
    lines, line = words.split("\n"), sum(font().getmetrics())
    widths = [font().getlength(each) for each in lines]
    size = round(max(widths)) + 6, line * len(lines) + 2
    image = Image.new("RGBA", size, "white" if ground else colour + "00")
    draw = ImageDraw.Draw(image)
    for row, (each, wide) in enumerate(zip(lines, widths, strict=True)):
        draw.text((3 + align * (size[0] - 6 - wide), 1 + row * line), each, colour, font())
    return np.array(image)[::-1].copy()  # as matplotlib counts: from below


class Words(Text):
    """Text that is painted from one stamp; `ground`: on white, to be read over a line."""

    ground = True

    def stamp(self) -> tuple[np.ndarray, float]:
        align = {"left": 0, "center": 0.5, "right": 1}[self.get_horizontalalignment()]
        return stamp(self.get_text(), self.get_color(), align, self.ground), align

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
    """Words beside what they mean."""
    how = {"ha": "center", "va": "center", "zorder": 6, "transform": ax.transData, **how}
    artist = Words(x, y, words, color=colour, **how)
    artist.ground = ground
    ax.add_artist(artist)
    return artist


def dot(ax: Axes, x: float, y: float) -> Artist:
    """Where things stand now; an arrow at the edge of the axes where that lies outside."""
    low, high = ax.get_ylim()
    marker = "^" if y > high else "v" if y < low else "o"
    y = np.clip(y, low, high)
    return ax.plot(x, y, marker, color=INK, markersize=9, zorder=7, clip_on=False)[0]


def block(
    ax: Axes, left: float, low: float, right: float, high: float, colour: str, **how: Any
) -> Artist:
    """A filled rectangle; no bar of matplotlib's, whose containers outlive their bars."""
    how = {"facecolor": colour, "edgecolor": INK, "linewidth": 0.8, "zorder": 3, **how}
    return ax.add_artist(Rectangle((left, low), right - left, high - low, **how))


def bar(ax: Axes, x: float, low: float, high: float, colour: str, **how: Any) -> Artist:
    """One upright bar from low to high."""
    return block(ax, x - 0.3, low, x + 0.3, high, colour, **how)


def outline(ax: Axes, x: float, low: float, high: float) -> Artist:
    """The dashed outline of a bar: what was there before."""
    how = {"edgecolor": QUIET, "linestyle": "--", "linewidth": 1.2, "zorder": 2}
    return bar(ax, x, low, high, "none", **how)


def returns_from_entry(position: Position, prices: Number) -> Number:
    """Prices as returns since the position's entry."""
    return np.divide(prices, position.entry_price) - 1


def equity_frame(ax: Axes, margin: float, currency: str) -> None:
    """Axes of "equity against price" for one isolated position."""
    ax.set(xlim=(-0.6, 0.4), ylim=(-0.6 * margin, 2.4 * margin))
    ax.set(xlabel="price, change since entry", ylabel=f"equity of the position [{currency}]")
    percent_axis(ax.xaxis)
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.axhline(0, color=QUIET, linewidth=0.8)
    ax.axvline(0, color=FAINT, linewidth=1, zorder=0)


def equity_moving(ax: Axes, state: Replay) -> Parts:
    """Equity and maintenance margin of an isolated position at every price, and where it is."""
    account, (symbol, price) = state.start, next(iter(state.marks.items()))
    position = account[symbol]
    left, right = limits = ax.get_xlim()
    prices = position.entry_price * (1 + np.linspace(*limits, 61))
    risk = position.risk(prices)
    x = returns_from_entry(position, prices)
    yield ax.plot(x, risk.equity, color=ISOLATED)[0]
    yield ax.plot(x, risk.maintenance_margin, color=LOSS, linestyle="--", linewidth=1.5)[0]
    low, high = ax.get_ylim()
    away = -np.sign(position.quantity)  # the side on which the position dies
    end = left if away < 0 else right
    edges = {
        "liquidation": (account.liquidation_price(symbol), 0.93, -away),
        "bankruptcy": (account.bankruptcy_price(symbol), 0.70, away),
    }
    for words, (edge, height, side) in edges.items():
        at = returns_from_entry(position, edge)
        if left < at < right:
            style = "--" if words == "liquidation" else ":"
            yield ax.axvline(at, color=LOSS, linestyle=style, linewidth=1.2)
            if not left < at + 0.15 * side < right:  # no room for the words
                side = -side
            y, align = low + height * (high - low), "left" if side > 0 else "right"
            words = f"{words}\n{text.percent(at)}"
            yield label(ax, at + 0.012 * side, y, words, LOSS, ha=align)
    edge = returns_from_entry(position, account.bankruptcy_price(symbol))
    if left < edge < right:
        yield ax.axvspan(*sorted((edge, end)), color=DEAD, zorder=0)
        if abs(end - edge) > 0.19:  # room for the words
            y = low + 0.85 * (high - low)
            yield label(ax, (edge + end) / 2, y, "your money\nis gone", QUIET, ground=False)
    *_, named = names = list(equity_words(ax, position))
    yield from names
    x, y = returns_from_entry(position, price), position.risk(price).equity
    yield dot(ax, x, y)
    # Beside the dot: below the line while it lives, above it when it is closed.
    words, side, up = ("now", -away, -0.04) if symbol in state.end else ("closed", away, 0.06)
    if words == "now" and -0.06 < (y - named.get_position()[1]) / (high - low) < 0.09:
        side, up = away, 0.04  # the name of the line stands where "now" would
    x = np.clip(x + 0.025 * side, left + 0.07, right - 0.07)
    if y <= high:  # above it, there is an arrow
        y = max(y, low) + up * (high - low)
        yield label(ax, x, y, words, ha="right" if side < 0 else "left", ground=False)


def equity_words(ax: Axes, position: Position) -> Iterator[Words]:
    """Names of the two lines, on the side where the position lives."""
    edge = ax.get_xlim()[1] if position.quantity > 0 else ax.get_xlim()[0]
    near, far = (position.risk(position.entry_price * (1 + part * edge)) for part in (0.6, 0.98))
    align, back = ("right", "left") if edge > 0 else ("left", "right")
    above = max(near.maintenance_margin, far.maintenance_margin) + 0.02 * np.ptp(ax.get_ylim())
    how: dict[str, Any] = {"ha": align, "va": "bottom", "ground": False}
    yield label(ax, 0.98 * edge, above, "maintenance margin", LOSS, **how)
    height = min(near.equity, 0.6 * ax.get_ylim()[1])
    at = 0.6 * edge * (height - position.margin) / (near.equity - position.margin)
    at += np.sign(edge) * 0.02  # beside the line, where nothing else stands
    yield label(ax, at, height, "equity", ISOLATED, ha=back, va="top", ground=False)
