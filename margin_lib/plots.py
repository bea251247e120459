"""Pictures of accounts. One palette, one style; the numbers come from the accounts themselves.

A picture has a frame, drawn once, and moving parts, drawn anew for every state. The same object
serves a printed figure (`plot`) and a lab (`png`: only the moving parts are painted again).
"""

import struct
import textwrap
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import cycle
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, MaxNLocator
from matplotlib.transforms import Bbox
from PIL import Image, ImageDraw, ImageFont

from margin_lib import text
from margin_lib.account import Account, Position, Risk
from margin_lib.mandate import Trial
from margin_lib.scenarios import Scenario
from margin_lib.simulate import Outcomes, Replay
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

    `frame(scenario)` sets up the axes; `moving(state)` draws the rest and yields its artists.
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
        self.artists: list[Artist] = []

    def frame(self, scenario: Scenario) -> None:
        raise NotImplementedError

    def moving(self, state: Any) -> Parts:
        raise NotImplementedError

    def plot(self, state: Any) -> "Picture":
        """Show a state, and return the picture itself."""
        old = self.artists
        with matplotlib.rc_context(STYLE):
            self.artists = sorted(self.moving(state), key=lambda artist: artist.get_zorder())
            new = (artist for artist in self.artists if artist not in old)
            self._translate(artist for artist in new if isinstance(artist, Text))
        for artist in old:
            if artist not in self.artists:
                artist.remove()
        return self

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


class LeveragePicture(Picture):
    """Own and borrowed money, at entry and now; and what leverage does to the return."""

    panels = (1.5, 1)

    def frame(self, scenario: Scenario) -> None:
        trade = scenario.trades[0]
        money, line = self.axes
        widest = 1.35 * max(10, trade.leverage) * trade.margin
        money.set(xlim=(0, widest), ylim=(-0.6, 1.7), yticks=[0, 1])
        money.set(yticklabels=["now", "at entry"], xlabel=f"position [{scenario.currency}]")
        money.xaxis.set_major_formatter("{x:,g}")
        money.set_title("Your money and the loan")
        line.set(xlim=(-0.32, 0.32), ylim=(-1.6, 1.6))
        line.set(xlabel="price, change since entry", ylabel="return on your margin")
        line.set_title("What leverage multiplies")
        percent_axis(line.xaxis, ticks=4)
        percent_axis(line.yaxis)
        line.plot([-0.3, 0.3], [-0.3, 0.3], color=QUIET, linestyle="--", linewidth=1.2)
        label(line, 0.31, 0.01, "1x", QUIET, ha="right", va="bottom", ground=False)
        for at in (line.axhline, line.axvline):
            at(0, color=FAINT, linewidth=1, zorder=0)

    def moving(self, state: Replay) -> Parts:
        account, price = state.start, next(iter(state.marks.values()))
        position = account.positions[0]
        own, loan = position.margin, position.borrowed
        money, line = self.axes
        for y, mine in ((1, own), (0, position.risk(price).equity)):
            mine_shown = max(mine, 0)
            low, high = y - 0.25, y + 0.25
            yield block(money, 0, low, mine_shown, high, ISOLATED)
            yield block(money, mine_shown, low, mine_shown + loan, high, BORROWED, hatch="///")
            if loan > 1.5 * own:
                yield label(money, mine_shown + loan / 2, y, "borrowed")
            value = text.money(mine, self.scenario.currency)
            yield label(money, 0, y + 0.37, f"yours: {value}", ha="left", ground=False)
        prices = position.entry_price * (1 + np.linspace(-0.3, 0.3, 61))
        x = returns_from_entry(position, prices)
        yield line.plot(x, position.pnl(prices) / own, color=ISOLATED)[0]
        now = returns_from_entry(position, price), position.pnl(price) / own
        yield dot(line, *now)
        x = min(0.25, 1.3 / position.leverage)
        words = f"{position.leverage:g}x"
        how: dict[str, Any] = {"ha": "right", "va": "bottom", "ground": False}
        yield label(line, x - 0.03, x * position.leverage, words, ISOLATED, **how)


class TermsPicture(Picture):
    """One isolated position: equity against price, and the prices with a name."""

    def frame(self, scenario: Scenario) -> None:
        equity_frame(self.axes[0], scenario.trades[0].margin, scenario.currency)

    def moving(self, state: Replay) -> Parts:
        yield from equity_moving(self.axes[0], state)


class PocketsPicture(Picture):
    """Isolated margin: the pocket set aside beside the rest; and the price that decides."""

    panels = (1, 1.7)

    def frame(self, scenario: Scenario) -> None:
        bars, line = self.axes
        bars.set(xlim=(-0.6, 1.6), ylim=(0, 1.7 * scenario.balance), xticks=[0, 1])
        bars.set(xticklabels=["set aside", "untouched"], ylabel=f"[{scenario.currency}]")
        bars.set_title("Two pockets")
        equity_frame(line, scenario.trades[0].margin, scenario.currency)
        line.set_title("Equity of the pocket set aside")

    def moving(self, state: Replay) -> Parts:
        (bars, line), balance = self.axes, self.scenario.balance
        symbol, price = next(iter(state.marks.items()))
        margin, rest = state.start[symbol].margin, state.end.balance
        yield outline(bars, 0, 0, margin)
        if symbol in state.end:
            left = state.end[symbol].risk(price).equity
            yield bar(bars, 0, 0, left, ISOLATED)
            height = min(max(left, margin), 1.54 * balance)  # stays in sight
            yield label(bars, 0, height + 0.08 * balance, f"{left:,.2f}")
        else:
            yield label(bars, 0, margin / 2, "liquidated", LOSS)
            yield label(bars, 0, margin + 0.08 * balance, "0.00")
        yield bar(bars, 1, 0, rest, BORROWED)
        yield label(bars, 1, rest + 0.08 * balance, f"{rest:.2f}")
        yield from equity_moving(line, state)


class CrossPicture(Picture):
    """One balance that carries everything, beside the same trades with a pocket each."""

    size = (9, 4.2)
    panels = (1.35, 1)

    def frame(self, scenario: Scenario) -> None:
        symbols = [trade.symbol for trade in scenario.trades]
        shared, own = self.axes
        names = ["balance", *(f"{symbol} PnL" for symbol in symbols), "equity"]
        for ax, ticks in ((shared, names), (own, [f"{symbol} pocket" for symbol in symbols])):
            limits = (-0.75 * scenario.balance, 2.25 * scenario.balance)
            ax.set(xlim=(-0.6, len(ticks) - 0.4), ylim=limits)
            ax.set(xticks=range(len(ticks)), xticklabels=ticks)
            ax.axhline(0, color=QUIET, linewidth=0.8)
        shared.set_ylabel(f"[{scenario.currency}]")
        shared.set_title("Cross: one balance carries both")
        own.set_title("Isolated: each on its own margin")

    def moving(self, state: Mapping[str, Replay]) -> Parts:
        yield from self._shared(self.axes[0], state["cross"])
        yield from self._own(self.axes[1], state["isolated"])

    def _shared(self, ax: Axes, state: Replay) -> Parts:
        account, marks = state.start, state.marks
        level = account.balance
        yield bar(ax, 0, 0, level, BORROWED)
        yield self._value(ax, 0, level, level)
        for x, position in enumerate(account.positions, start=1):
            gain = position.pnl(marks[position.symbol])
            colour, hatch = (GAIN, "") if gain >= 0 else (LOSS, "...")
            yield bar(ax, x, level, level + gain, colour, hatch=hatch)
            level += gain
            yield self._value(ax, x, max(level, level - gain), gain, sign=True)
        risk = account.risk(marks)
        x = len(account.positions) + 1
        yield bar(ax, x, 0, risk.equity, CROSS)
        yield self._value(ax, x, max(risk.equity, risk.maintenance_margin), risk.equity)
        yield from self._maintenance(ax, x, risk)
        if state.liquidations:
            yield label(ax, x, -0.5 * self.scenario.balance, "liquidated", LOSS)

    def _own(self, ax: Axes, state: Replay) -> Parts:
        for x, position in enumerate(state.start.positions):
            risk = position.risk(state.marks[position.symbol])
            yield outline(ax, x, 0, position.margin)
            if position.symbol not in state.end:
                yield label(ax, x, -0.5 * self.scenario.balance, "liquidated", LOSS)
            yield bar(ax, x, 0, risk.equity, ISOLATED)
            yield self._value(ax, x, max(risk.equity, position.margin), risk.equity)
            yield from self._maintenance(ax, x, risk)

    def _maintenance(self, ax: Axes, x: float, risk: Risk) -> Parts:
        level = risk.maintenance_margin
        yield ax.plot([x - 0.42, x + 0.42], [level, level], color=LOSS, linestyle="--", zorder=5)[0]
        if risk.equity > 0:
            yield label(ax, x, -0.1 * self.scenario.balance, "maintenance", LOSS)

    def _value(self, ax: Axes, x: float, y: float, value: float, sign: bool = False) -> Artist:
        top = ax.get_ylim()[1] - 0.06 * self.scenario.balance
        y = min(y + 0.1 * self.scenario.balance, top)
        return label(ax, x, y, text.money(value, "", sign=sign))


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
        line = self.ax.plot(*zip(middle, at, strict=True), ".-", markevery=[0], color=colour)[0]
        line.set(linewidth=1, zorder=5)
        return [artist, line]


def dying(flags: Sequence[bool], symbols: Iterable[str]) -> str:
    """What dies, in words, from a flag for each isolated pocket and one for cross.

    >>> dying((True, False, False), ("ETH", "ADA")), dying((True, False, True), ("ETH", "ADA"))
    ("only ETH's pocket dies", "ETH's pocket and cross die")
    """
    names = [*(f"{symbol}'s pocket" for symbol in symbols), "cross"]
    dead = [name for name, flag in zip(names, flags, strict=True) if flag]
    if len(dead) in (0, len(names)):
        return "everything dies" if dead else "nothing dies"
    if len(dead) == 1:
        return f"only {dead[0]} dies"
    return f"{' and '.join(dead)} die" if flags[-1] else "both pockets die"


class PlanePicture(Picture):
    """Both returns at once: two walls of isolated margin, one slanted line of cross margin.

    A state may hold a "cloud", the returns of both in many markets, and "shares", what dies (in the
    words of `dying`) -> share of the markets.
    """

    size = (9, 5.8)
    limits = (-1.0, 1.5)
    start: tuple[Any, ...] = ()  # what the plane was drawn for

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        first, second = (trade.symbol for trade in scenario.trades[:2])
        ax.set(xlim=self.limits, ylim=self.limits)
        ax.set(xlabel=f"{first}, change since entry", ylabel=f"{second}, change since entry")
        for axis in (ax.xaxis, ax.yaxis):
            percent_axis(axis)
        for at in (ax.axhline, ax.axvline):
            at(0, color=FAINT, linewidth=1, zorder=0)

    def moving(self, state: Any) -> Parts:
        ax = self.axes[0]
        start = state["isolated"].start, state["cross"].start, state["cross"].marks
        if start != self.start:  # else only the cloud has moved
            self.start, self.room = start, Room(ax)
            self.plane = list(self._plane(self.room, *start))
            self.held = self.room.held
        yield from self.plane
        room, kinds = self.room, self.room.kinds
        room.held = self.held.copy()
        if "cloud" not in state:
            yield from room.put("cross: everything\ndies here", kinds >= 4, CROSS)
            return
        yield ax.plot(*state["cloud"], ".", color=QUIET, markersize=4, zorder=1)[0]
        room.take(*state["cloud"])
        symbols = [position.symbol for position in start[1].positions[:2]]
        crowded = []
        for kind in np.unique(kinds):
            flags = [bool(kind & bit) for bit in (1, 2, 4)]
            what = dying(flags, symbols)
            share = state["shares"].get(what, 0)
            words = f"{textwrap.fill(what, 15)}\n{text.share(share)}"
            told = words, kinds == kind, CROSS if flags[-1] else INK
            artists = room.put(*told)
            yield from artists
            if not artists and share >= 0.0005:  # worth a line
                crowded.append(told)
        for told in crowded:
            yield from room.put(*told, outside=True)

    def _plane(self, room: Room, isolated: Account, cross: Account, marks: dict[str, Any]) -> Parts:
        """Walls and line, and where prices stand."""
        ax, (low, high) = self.axes[0], self.limits
        pair = cross.positions[:2]
        symbols = first, second = [position.symbol for position in pair]
        changes = zip(pair, (room.x, room.y), strict=True)
        there = marks | {p.symbol: p.entry_price * np.maximum(1 + r, 1e-6) for p, r in changes}
        risks = [isolated.risk(there, symbol) for symbol in symbols] + [cross.risk(there)]
        room.part(np.tensordot([1, 2, 4], np.array([risk.is_liquidatable for risk in risks]), 1))
        yield ax.contourf(room.x, room.y, risks[-1].cushion, [-np.inf, 0], colors=[DEAD], zorder=0)
        box = {p.symbol: (p.entry_price * 1e-6, p.entry_price * (1 + high)) for p in pair}
        corners = zip(pair, cross.wall(first, second, box, marks).T, strict=True)
        line = [returns_from_entry(position, prices) for position, prices in corners]
        yield ax.plot(*line, color=CROSS, linewidth=2.5)[0]
        walls = [returns_from_entry(p, isolated.liquidation_price(p.symbol)) for p in pair]
        inward = 0.12 if pair[1].quantity < 0 else -0.12  # from where cross lives
        yield ax.axvline(walls[0], color=ISOLATED, linestyle="--")
        yield ax.axhline(walls[1], color=ISOLATED, linestyle="--")
        at = [
            (walls[0] + 0.02, (low if inward > 0 else high) + inward, "left"),
            (high - 0.02, walls[1] - inward, "right"),
        ]
        for symbol, wall, (x, y, side) in zip(symbols, walls, at, strict=True):
            words = f"isolated {symbol} dies\n{text.percent(wall)}"
            yield room.keep(label(ax, x, y, words, ISOLATED, ha=side))
        yield room.keep(dot(ax, *(returns_from_entry(p, marks[p.symbol]) for p in pair)))


class LossPicture(Picture):
    """What the same many markets left of an account in both modes, from their Outcomes."""

    size = (9, 4.2)
    edges = (-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5)

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(-1.5, 1.5), ylim=(-0.7, len(self.edges) + 1.9))
        ax.set_axis_off()
        label(ax, 0, len(self.edges) + 1, "change of\nthe account", QUIET, ground=False)

    def moving(self, state: Mapping[str, Outcomes]) -> Parts:
        ax = self.axes[0]
        tables = {mode: results.spread(self.edges) for mode, results in state.items()}
        longest = max(table.sum(axis=1).max() for table in tables.values())
        for row, interval in enumerate(tables["cross"].index):
            yield label(ax, 0, row, text.band(interval), ground=False)
        for mode, colour, side in (("isolated", ISOLATED, -1), ("cross", CROSS, 1)):
            how: dict[str, Any] = {"ha": "right" if side < 0 else "left", "ground": False}
            hit = text.share(state[mode].liquidated.mean())
            words = f"{mode.capitalize()}, share of the markets\ndark: something died, {hit}"
            yield label(ax, 0.32 * side, len(self.edges) + 1, words, colour, **how)
            for row, (alive, dead) in enumerate(tables[mode].to_numpy()):
                ends = (0.32 + np.cumsum([0, dead, alive]) / longest) * side
                for start, end, fill in zip(ends, ends[1:], (colour, BORROWED), strict=False):
                    yield block(ax, start, row - 0.35, end, row + 0.35, fill)
                share = text.share(alive + dead)
                yield label(ax, ends[-1] + 0.03 * side, row, share, **how)


class MandatePicture(Picture):
    """What many markets left of each design, against the loss and the gain of its mandate.

    A state is name -> mandate.Trial: a row each, all on one scale.
    """

    size = (9, 4.6)
    edges = np.linspace(-1, 1, 41)  # changes; what is above the last counts in its band

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(-1.02, 1.02), ylim=(0, 1.08), yticks=[])
        ax.set_xlabel(f"change of the capital after {scenario.days} days (last band: all above)")
        ax.spines["left"].set_visible(False)
        percent_axis(ax.xaxis, ticks=9)
        self.limits = -scenario.mandate["max_loss"], scenario.mandate["target"]
        ax.axvspan(-1.02, self.limits[0], color=DEAD, zorder=0)
        how: dict[str, Any] = {"ground": False}
        label(ax, self.limits[0] - 0.015, 1.04, "beyond the maximum loss", ha="right", **how)
        label(ax, self.limits[1] + 0.015, 1.04, "target reached", ha="left", **how)
        label(ax, 1, 1.04, "dark: something was liquidated", LOSS, ha="right", **how)

    def moving(self, state: Mapping[str, Trial]) -> Parts:
        ax, high = self.axes[0], 1 / len(state)
        counts = {}
        for name, trial in state.items():
            change = np.clip(trial.change, self.edges[0], self.edges[-1])
            parts = change, change[trial.outcomes.liquidated]
            counts[name] = [np.histogram(x, self.edges)[0] / len(change) for x in parts]
        unit = 0.74 * high / max(every.max() for every, _ in counts.values())
        for row, (name, pair) in enumerate(counts.items(), start=1):
            base = 1 - row * high
            for share, colour in zip(pair, (BORROWED, LOSS), strict=True):
                steps = StepPatch(base + unit * share, self.edges, baseline=base, fill=True)
                steps.set(facecolor=colour, edgecolor=INK, linewidth=0.6, zorder=3)
                yield ax.add_artist(steps)
            yield ax.axhline(base, color=INK, linewidth=0.8)
            ends = base, base + 0.78 * high
            yield ax.vlines(self.limits, *ends, color=INK, linestyle="--", linewidth=1.2, zorder=4)
            hits = state[name].kept, state[name].reached
            kept, reached = (text.percent(hit.mean(), 0, sign=False) for hit in hits)
            words = f"{name}: within the maximum loss in {kept}, target reached in {reached}"
            yield label(ax, -1, base + 0.88 * high, words, ground=False, ha="left")


class PathPicture(Picture):
    """Prices step by step, and what the same trades are worth in both modes."""

    size = (9, 4)
    panels = (1, 1)

    def frame(self, scenario: Scenario) -> None:
        prices, worth = self.axes
        steps = max(len(scenario.path(name)) for name in scenario.paths)
        for ax in self.axes:
            ax.set(xlim=(-0.2, 1.25 * (steps - 1)), xlabel="step")
            ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        returns = [
            value for walks in scenario.paths.values() for w in walks.values() for value in w
        ]
        prices.set(ylim=(min(returns) - 0.15, max(returns) + 0.15), ylabel="change since entry")
        prices.axhline(0, color=FAINT, linewidth=1, zorder=0)
        percent_axis(prices.yaxis)
        prices.set_title("The market")
        worth.set(ylim=(-0.45 * scenario.balance, 1.6 * scenario.balance))
        worth.set_ylabel(f"equity of the whole account [{scenario.currency}]")
        worth.axhline(0, color=QUIET, linewidth=0.8)
        worth.set_title("Your account")

    def moving(self, state: Mapping[str, Any]) -> Parts:
        prices, worth = self.axes
        walks, step = {mode: state[mode] for mode in LINES if mode in state}, state["step"]
        path = next(iter(walks.values())).path
        steps = np.arange(len(path))
        yield from (ax.axvline(step, color=FAINT, linewidth=6, zorder=0) for ax in self.axes)
        ends = []
        for trade, style in zip(self.scenario.trades, cycle(("-", "--", ":", "-."))):
            y = np.array([marks[trade.symbol] for marks in path]) / trade.price - 1
            yield prices.plot(steps, y, color=FAINT, linestyle=style, linewidth=1.2)[0]
            yield prices.plot(steps[: step + 1], y[: step + 1], color=INK, linestyle=style)[0]
            ends.append((y[-1], trade.symbol))
        at = -np.inf
        for end, symbol in sorted(ends):  # names of lines that end together, one above the other
            at = max(end, at + 0.07 * np.ptp(prices.get_ylim()))
            yield label(prices, steps[-1] + 0.2, at, symbol, ha="left")
        events, top = [], max(reversed(walks), key=lambda mode: walks[mode].equity[step])
        for mode, walk in walks.items():
            (colour, style), equity = LINES[mode], walk.equity
            shown = slice(None, step + 1)
            yield worth.plot(steps[shown], equity[shown], color=colour, linestyle=style)[0]
            yield worth.plot(step, equity[step], "o", color=colour, markersize=5)[0]
            # Ahead of a line there is room for its name; the lower one's goes below.
            away = (0.05 if mode == top else -0.05) * self.scenario.balance * (len(walks) - 1)
            yield label(worth, step + 0.35, equity[step] + away, mode, colour, ha="left")
            events += [(when, mode, event) for when, event in walk.liquidations if when <= step]
        for row, (when, mode, event) in enumerate(sorted(events, key=lambda each: each[:2])):
            colour, _ = LINES[mode]
            x, y = when, walks[mode].equity[when]
            yield worth.plot(x, y, "X", color=colour, markersize=11, zorder=6)[0]
            words = f"{'all' if mode == 'cross' else event.symbols[0]} liquidated"
            y = (-0.13 - 0.11 * (row % 3)) * self.scenario.balance
            yield label(worth, min(x, 0.6 * len(path)), y, words, colour, ha="left")


class FundingPicture(Picture):
    """What funding does day by day: to the liquidation price, and to the pocket that pays."""

    size = (9, 4)
    panels = (1, 1)
    days = 90

    def frame(self, scenario: Scenario) -> None:
        edge, pot = self.axes
        edge.set(xlim=(0, self.days), xlabel="days", ylim=(-1.0, 0.1))
        edge.set_ylabel("liquidation price, from entry")
        edge.set_title("The price that liquidates")
        percent_axis(edge.yaxis)
        edge.axhline(0, color=FAINT, linewidth=1)
        pot.set(xlim=(0, self.days), xlabel="days", ylim=(0, 1.7 * scenario.balance))
        pot.set_ylabel(f"[{scenario.currency}]")
        pot.set_title("The money that pays")

    def moving(self, state: Mapping[str, tuple]) -> Parts:
        edge, pot = self.axes
        for mode, (colour, style) in LINES.items():
            days, prices, money = state[mode]
            yield edge.plot(days, prices, color=colour, linestyle=style)[0]
            yield pot.plot(days, money, color=colour, linestyle=style)[0]
            words = "isolated margin" if mode == "isolated" else "shared balance"
            # Each name on the side that its line turns away from.
            up = 1 if money[-1] > money[0] else -1
            at = money[0] - 0.08 * up * self.scenario.balance
            yield label(pot, 3, at, words, colour, ha="left")
            if np.isfinite(prices[0]):
                yield label(edge, 3, prices[0] + 0.06 * up, mode, colour, ha="left")
            else:
                yield label(edge, 3, -0.95, "cross: never", colour, ha="left")


class LadderPicture(Picture):
    """Where one trade dies under many rules, from {rule: (long dies at, short dies at)}."""

    size = (9, 4.8)

    def frame(self, scenario: Scenario) -> None:
        ax, trade = self.axes[0], scenario.trades[0]
        self.reach = reach = trade.price / max(trade.leverage - 1, 1)
        ax.set(xlim=(trade.price - 1.2 * reach, trade.price + 1.5 * reach), ylim=(0, 1), yticks=[])
        ax.set_xlabel(f"price of {trade.symbol} [{scenario.currency}]")
        ax.xaxis.set_major_formatter("{x:,g}")
        ax.axvline(trade.price, color=FAINT, linewidth=1, zorder=0)

    def moving(self, state: Mapping[str, tuple[float, float]]) -> Parts:
        ax, trade = self.axes[0], self.scenario.trades[0]
        low, high = ax.get_xlim()
        rows = sorted(state.items(), key=lambda row: -np.nan_to_num(row[1][0], nan=-np.inf))
        step, heads = 1 / (len(rows) + 1), trade.price + 0.95 * self.reach * np.array([-1, 1])
        for place, (name, edges) in enumerate(rows, start=1):
            y = 1 - (place + 0.4) * step
            yield ax.plot(edges, [y, y], color=FAINT, linewidth=1, zorder=0)[0]
            yield label(ax, trade.price, y, name)
            for edge, colour, marker in zip(edges, (ISOLATED, CROSS), "<>", strict=True):
                side, end = ("right", 0) if marker == "<" else ("left", -1)
                yield ax.plot(edge, y, marker, color=colour, markersize=8, zorder=5)[0]
                at = edge if low < edge < high else heads[end]
                yield label(ax, at, y, f"  {text.price(edge)}  ", colour, ha=side, ground=False)
        for at, colour, words in zip(heads, (ISOLATED, CROSS), ("long", "short"), strict=True):
            yield label(ax, at, 1 - 0.4 * step, f"the {words} dies at", colour, ground=False)


class RulesPicture(Picture):
    """What is left and what the venue asks for, just above bankruptcy, as shares of the value.

    A state holds the "account", the "plain" prices at which it would die under the first rules,
    and whether it dies "at" its price or only beyond.
    """

    size = (9, 4.2)

    def frame(self, scenario: Scenario) -> None:
        ax, contract = self.axes[0], scenario.trades[0].contract
        high = 2.4 * max(contract.maintenance_rate + contract.taker_fee, 0.005)
        ax.set(xlim=(-0.1 * high, high), ylim=(-0.1 * high, high))
        ax.set_xlabel("price, from where your margin is gone [share of the entry price]")
        ax.set_ylabel("share of the value at entry")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(lambda x, _: text.share(x))
        for at in (ax.axhline, ax.axvline):
            at(0, color=QUIET, linewidth=0.8, zorder=0)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, currency = self.axes[0], self.scenario.currency
        (position,) = state["account"].positions
        side, entry = np.sign(position.quantity), position.entry_price
        value, gone = position.notional(entry), entry * (1 - side / position.leverage)
        low, high = ax.get_xlim()
        x = np.linspace(low, high, 200)
        x = x[gone + side * x * entry > 0]
        risk = position.risk(gone + side * x * entry)
        left, asked = risk.equity / value, risk.maintenance_margin / value
        how: dict[str, Any] = {"ha": "right", "ground": False}
        yield ax.plot(x, left, color=ISOLATED)[0]
        at = np.interp(0.9 * high, left, x) - 0.03 * high
        yield label(ax, at, 0.9 * high, "what is left of your margin", ISOLATED, **how)
        yield ax.plot(x, asked, color=LOSS, linestyle="--")[0]
        y = asked[-1] + 0.035 * high
        yield label(ax, 0.96 * high, y, "what the venue asks for", LOSS, **how)
        words = f"worth {text.money(value, currency, 0)} at entry"
        yield label(ax, 0.02 * high, 0.97 * high, words, QUIET, ha="left")
        edge = state["account"].liquidation_price(position.symbol)
        plain = state["plain"], QUIET, "first rules", -0.06
        for price, colour, words, up in (plain, (edge, INK, "these rules", 0.03)):
            at = side * (price - gone) / entry
            if 0 <= at <= high:
                yield ax.axvline(at, color=colour, linestyle=":", linewidth=1.2)
                words = f"{words} {text.price(price, currency)}"
                yield label(ax, at + 0.015 * high, up * high, words, colour, ha="left")
        at = side * (edge - gone) / entry
        if 0 <= at <= high:
            fill = INK if state["at"] else "white"
            y = position.risk(edge).equity / value
            yield ax.plot(at, y, "o", color=INK, markersize=10, markerfacecolor=fill, zorder=7)[0]


class CurvesPicture(Picture):
    """A few named curves, from {name: (x, y, where on the curve its name stands)}.

    Parameters
    ----------
    scenario : Scenario
    shares : bool              y is a share, shown in percent
    axes : object              settings of the axes by name: xlim, ylim, xlabel, ylabel
    """

    looks = ((ISOLATED, "-"), (CROSS, "--"), (QUIET, "-."))

    def __init__(self, scenario: Scenario, shares: bool = False, **axes: Any) -> None:
        self.shares, self.settings = shares, axes
        super().__init__(scenario)

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(**self.settings)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter("{x:,.10g}")
        if self.shares:
            ax.yaxis.set_major_formatter(lambda y, _: text.share(y))
        ax.axhline(0, color=QUIET, linewidth=0.8)

    def moving(self, state: Mapping[str, tuple]) -> Parts:
        ax = self.axes[0]
        for (name, (x, y, at)), (colour, style) in zip(state.items(), self.looks, strict=False):
            yield ax.plot(x, y, color=colour, linestyle=style)[0]
            yield label(ax, x[at], y[at], name, colour)


class StressPicture(Picture):
    """What a fall leaves of the whole account in both modes, on the way from entry to its end."""

    size = (9, 4)

    def frame(self, scenario: Scenario) -> None:
        ax, balance = self.axes[0], scenario.balance
        ax.set(xlim=(0.03, -1.05), ylim=(-0.2 * balance, 1.32 * balance))
        ax.set(xlabel="price, change since entry", xticks=np.arange(0, -1.1, -0.2))
        ax.set_ylabel(f"worth of the whole account [{scenario.currency}]")
        ax.xaxis.set_major_formatter(lambda value, _: text.percent(value, 0))
        ax.yaxis.set_major_formatter("{x:,g}")
        ax.axhline(0, color=QUIET, linewidth=0.8)

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, balance, changes = self.axes[0], self.scenario.balance, state["changes"]
        yield ax.axvline(changes[-1], color=QUIET, linestyle=":", linewidth=1.5, zorder=1)
        words = f"it ended here: {text.percent(changes[-1], 0)}"
        side = "right" if changes[-1] < -0.6 else "left"
        at = changes[-1] + (0.01 if side == "right" else -0.01)
        yield label(ax, at, -0.13 * balance, words, QUIET, ha=side, ground=False)
        for mode, row in (("cross", 1.12), ("isolated", 1.24)):
            (colour, style), (equity, edge) = LINES[mode], state[mode]
            yield ax.plot(changes, equity, color=colour, linestyle=style)[0]
            if np.isnan(edge):
                how: dict[str, Any] = {"ha": "right", "ground": False}
                yield label(ax, -1.04, row * balance, f"{mode}: alive", colour, **how)
                continue
            y = equity[np.argmax(np.abs(changes) >= abs(edge))]
            yield ax.plot([edge, edge], [y, row * balance], color=colour, linewidth=1)[0]
            yield ax.plot(edge, y, "X", color=colour, markersize=10, zorder=6)[0]
            words = f"{mode}: liquidated at {text.percent(edge, 1)}"
            yield label(ax, max(edge, -0.74), row * balance, words, colour, ha="left")


class SurvivalPicture(Picture):
    """The most leverage that each mode would have survived, from each day of a price table.

    A state has "dates", the starting days; the leverage of each mode, an array of the same length;
    and "held", the leverage of the account itself.
    """

    size = (9, 4.2)

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(-0.01, 1.14), ylim=(0.2, 50), yscale="log", xticks=[], xlabel="first day")
        ax.set_yticks(2.0 ** np.arange(-2, 6), minor=False)
        ax.set_yticks([], minor=True)
        ax.yaxis.set_major_formatter("{x:g}x")
        ax.set_ylabel("leverage that survives")

    def moving(self, state: Mapping[str, Any]) -> Parts:
        ax, dates = self.axes[0], state["dates"]
        x = np.linspace(0, 1, len(dates))
        for at, date in zip(x, dates, strict=True):
            if date.day == 1 and date.month % 2:
                yield ax.axvline(at, color=FAINT, linewidth=1, zorder=0)
                yield label(ax, at + 0.004, 0.25, f"{date:%b %y}", QUIET, ha="left", ground=False)
        yield ax.axhline(state["held"], color=QUIET, linestyle=":", linewidth=1.5, zorder=1)
        words = f"held: {text.ratio(state['held'])}x"
        yield label(ax, 1.01, state["held"] * 1.15, words, QUIET, ha="left", ground=False)
        apart = np.argmax(state["cross"] / state["isolated"])
        for mode, away in (("isolated", 0.7), ("cross", 1.4)):
            (colour, style), leverage = LINES[mode], np.clip(state[mode], 0.2, 45)
            yield ax.plot(x, leverage, color=colour, linestyle=style, linewidth=1.6)[0]
            side = "right" if apart > len(x) / 2 else "left"
            yield label(ax, x[apart], leverage[apart] * away, mode, colour, ha=side)
