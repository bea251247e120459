"""Notebook 11: a design of your own against its mandate, in a thousand markets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from margin_course import mandate, text
from margin_course.lab import Controls, Lab, Presets, Shown, Tile, choice, leverage_of, slider
from margin_course.mandate import Design, Item, Trial
from margin_course.palette import BORROWED, CROSS, DEAD, GONE, INK, ISOLATED, QUIET, YOURS
from margin_course.picture import (
    DPI,
    Parts,
    Picture,
    block,
    dots,
    grip,
    hatched,
    hundred,
    label,
    percent_axis,
)
from margin_course.scenarios import Scenario
from margin_lib.account import MODES
from margin_lib.bars import Bars

WIDEST, HIGHEST = 0.4, 10.0  # the most margin, a share of the capital, and the most leverage


class MandatePicture(Picture):
    """What 100 markets left of each design, against the loss and the gain of its mandate.

    A state is name -> mandate.Trial: a row each, all on one scale. A full dot: something was
    closed there.
    """

    size = (5.4, 3.4)
    band, beside = 0.1, 2  # changes in one band, at most, and dots beside each other there
    line = 20  # pixels that the words of a row take

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[-1]
        ax.set(xlim=(-1.03, 1.03), ylim=(0, 1.15), yticks=[])
        ax.set_xlabel(f"change of the capital after {scenario.days} days (last: all above)")
        ax.spines["left"].set_visible(False)
        percent_axis(ax.xaxis, ticks=5)
        limit, target = -mandate.demand(scenario, "max_loss"), mandate.demand(scenario, "target")
        ends = (-1, limit), (limit, target), (target, 1)
        parts = [np.linspace(a, b, max(round((b - a) / self.band), 1) + 1) for a, b in ends]
        self.edges = np.unique(np.concatenate(parts))  # limit and target lie between two bands
        ax.axvspan(-1.03, limit, color=GONE, zorder=0)
        how: dict[str, Any] = {"ground": False, "va": "bottom"}
        label(ax, limit - 0.02, 1.02, "loses too much", DEAD, ha="right", **how)
        label(ax, target + 0.02, 1.02, "target reached", ha="left", **how)
        for at in (limit, target):
            ax.axvline(at, color=INK, linestyle="--", linewidth=1.2, zorder=1)

    def moving(self, state: Mapping[str, Trial]) -> Parts:
        ax, high = self.axes[-1], 1 / len(state)
        origin, unit = ax.transData.transform([(0, 0), (self.band / self.beside, 1)])
        across, upward = unit - origin  # pixels of a dot, and of 1 upwards
        left, wide = self.edges[:-1], np.diff(self.edges) / self.beside
        for row, (name, trial) in enumerate(state.items(), start=1):
            base, (dead, alive) = 1 - row * high, self.counts(trial)
            tall = dead + alive
            nth = np.arange(tall.max())  # dot of a band, from below
            layers = -(-len(nth) // self.beside)
            step = min(across, (high * upward - self.line) / layers)  # pixels of a layer
            size = 0.86 * min(across, 1.8 * step) * 72 / DPI
            closed = nth < dead[:, None]
            for full, which in ((True, closed), (False, ~closed & (nth < tall[:, None]))):
                band, place = np.nonzero(which)
                if len(band):
                    x = left[band] + (place % self.beside + 0.5) * wide[band]
                    y = base + (place // self.beside + 0.5) * step / upward
                    yield dots(ax, x, y, DEAD if full else ISOLATED, size, full)
            yield ax.axhline(base, color=INK, linewidth=0.8)
            # Where few markets end: at the left and at the right.
            how: dict[str, Any] = {"ground": False, "va": "top"}
            kept, reached = (text.rough(hit.mean()) for hit in (trial.kept, trial.reached))
            yield label(ax, -1.02, base + high, f"{name}: kept {kept}", ha="left", **how)
            yield label(ax, 1.02, base + high, f"reached {reached}", ha="right", **how)

    def counts(self, trial: Trial) -> np.ndarray:
        """Of 100 markets, how many end in each band where something was closed, and elsewhere."""
        change = np.clip(trial.change, self.edges[0], self.edges[-1])
        dead = trial.outcomes.liquidated
        table = np.array([np.histogram(change[at], self.edges)[0] for at in (dead, ~dead)], float)
        return np.reshape(hundred((table / table.sum()).ravel()), table.shape)

    def alt(self, state: Mapping[str, Trial]) -> str:
        told = "; ".join(
            f"{name}: the limit is kept in {text.rough(trial.kept.mean())} of the markets, the "
            f"target reached in {text.rough(trial.reached.mean())}, something closed in "
            f"{text.rough(trial.outcomes.liquidated.mean())}"
            for name, trial in state.items()
        )
        return (
            "Heaps of 100 dots by the change of the capital, full where something was closed. "
            f"{told}."
        )


class DesignPicture(MandatePicture):
    """A design as areas to take hold of, and what the markets left of it.

    Each coin is a rectangle, as wide as its margin and as high as its leverage: its area is what
    is held, your own money below, the loan above. An isolated one has a fence around it. Beyond
    the dashed curve it is as much as the mandate demands. A state is name -> Trial of one design.
    """

    size = (5.4, 3.7)
    panels = (1, 1.35)
    stacked, shared = True, False
    gap = 0.07  # between the rectangles of two coins
    top = HIGHEST + 3.5  # so that words stand above the highest rectangle

    def frame(self, scenario: Scenario) -> None:
        super().frame(scenario)
        ax, symbols = self.axes[0], [trade.symbol for trade in scenario.trades]
        self.left = {symbol: n * (WIDEST + self.gap) for n, symbol in enumerate(symbols)}
        ax.set(xlim=(-0.01, len(symbols) * (WIDEST + self.gap) - self.gap / 2))
        ax.set(ylim=(0, self.top), yticks=(1, 5, 10))
        ax.yaxis.set_major_formatter("{x:g}x")
        parts = WIDEST / 2, WIDEST
        ticks = [left + part for left in self.left.values() for part in parts]
        ax.set_xticks(ticks, [text.rough(part) for part in parts] * len(symbols))
        held = mandate.demand(scenario, "exposure")
        ax.set_title("margin × leverage = what you hold")
        margins = np.linspace(held / HIGHEST, WIDEST)
        for left in self.left.values():
            ax.plot(left + margins, held / margins, color=INK, linestyle="--", linewidth=1.2)
            ax.axvline(left, color=QUIET, linewidth=0.8)

    def moving(self, state: Mapping[str, Trial]) -> Parts:
        yield from super().moving(state)
        ax, (trial,) = self.axes[0], state.values()
        held = mandate.demand(self.scenario, "exposure")
        for symbol, row in trial.design.positions.items():
            fenced, left = row["mode"] == "isolated", self.left[symbol]
            colour = ISOLATED if fenced else CROSS
            x, y = left + min(row["margin"], WIDEST), min(row["leverage"], HIGHEST)
            yield hatched(ax, left, 1, x, y, BORROWED, kind="lines", ink=QUIET)
            yield block(ax, left, 0, x, 1, colour, linewidth=0)
            if fenced:
                fence = {"edgecolor": colour, "linewidth": 3, "zorder": 4}
                yield block(ax, left, 0, x, y, "none", **fence)
            words = f"{symbol} {row['side']}: {text.rough(row['margin'] * row['leverage'])}"
            how: dict[str, Any] = {"ha": "right", "va": "top"}
            yield label(ax, left + WIDEST, self.top, words, colour, **how)
            # How much is asked, where no rectangle covers the place.
            end = left + WIDEST, held / WIDEST + 0.3
            if x < left + 0.6 * WIDEST or y < end[1]:
                how |= {"va": "bottom", "ground": False}
                yield label(ax, *end, text.rough(held), QUIET, **how)
            corner = grip(ax, x, y, colour)
            yield self.hold(corner, x=f"{symbol} margin", y=f"{symbol} leverage")

    def alt(self, state: Mapping[str, Trial]) -> str:
        ((_, trial),) = state.items()
        held = "; ".join(
            f"{symbol} {row['side']}, {row['mode']}, {text.rough(row['margin'])} of the capital at "
            f"{row['leverage']:g}x"
            for symbol, row in trial.design.positions.items()
        )
        return f"Rectangles, leverage by margin: {held}. {super().alt(state)}"


# The report card


class Card:
    """A report card: a line for each demand, a column for each design.

    designs : Mapping          name -> its items, all in one order
    """

    def __init__(self, designs: Mapping[str, Sequence[Item]]) -> None:
        self.designs = designs

    def __repr__(self) -> str:
        lines = []
        for name, items in self.designs.items():
            lines.append(f"{name}: {passed(items)}")
            lines += [f"  {line(item)}" for item in items]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        first, *_ = self.designs.values()
        heads = "".join(
            f'<th scope="col" style="text-align:left">{text.escaped(name)}<br>'
            f'<span style="font-weight:normal">{passed(items)}</span></th>'
            for name, items in self.designs.items()
        )
        rows = ""
        for number, item in enumerate(first):
            cells = "".join(cell(items[number]) for items in self.designs.values())
            rows += f'<tr><th scope="row" style="text-align:left">{item.what}</th>'
            rows += f'<td style="text-align:left">{item.must}</td>{cells}</tr>'
        return (
            '<table class="dataframe"><thead><tr><td></td><th scope="col" style="text-align:left">'
            f"must be</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        )


def passed(items: Sequence[Item]) -> str:
    """How many demands are met."""
    return f"{sum(item.passed for item in items)} of {len(items)} passed"


def line(item: Item) -> str:
    """One demand in words: verdict, number, bound."""
    note = f" ({item.note})" if item.note else ""
    return f"{item.verdict}: {item.what} {item.measured}{note}, must be {item.must}"


def cell(item: Item) -> str:
    """One demand in a table: colour, sign and word, the number, and what else there is to say."""
    colour = YOURS if item.passed else DEAD
    look = f"background:{colour};color:#fff;border-radius:3px;padding:0 6px;white-space:nowrap"
    note = f'<br><span style="font-size:0.85em">{text.escaped(item.note)}</span>'
    return (
        f'<td style="text-align:left"><b style="{look}">{item.verdict}</b> '
        f'<span style="white-space:nowrap">{item.measured}</span>'
        f"{note if item.note else ''}</td>"
    )


def report(designs: Design | Sequence[Design], markets: Mapping[str, Bars]) -> Card:
    """The report card of a design, or of several: each demand where it is met worst."""
    every = [designs] if isinstance(designs, Design) else designs
    return Card(
        {
            each.name: mandate.judged(each, {k: mandate.hold(each, b) for k, b in markets.items()})
            for each in every
        }
    )


class CapstoneLab(Lab):
    """A design of your own against its mandate, in the markets that everybody may look at."""

    picture = DesignPicture
    starts_in = "capstone"
    needs = {"trades": 1, "mandate": 1}
    look = "what lies in the shaded part, and how many of its dots are full."

    def __init__(
        self,
        scenario: Scenario,
        markets: Mapping[str, Bars] | None = None,
        canvas: Picture | None = None,
    ) -> None:
        scenario.must_have(type(self).__name__, self.needs)
        self.markets = mandate.visible(scenario) if markets is None else markets
        super().__init__(scenario, canvas)

    def _again(self) -> Lab:
        return type(self)(self.scenario, self.markets, self.canvas)

    @property
    def on_page(self) -> tuple[str, ...]:
        first = self.scenario.trades[0].symbol
        return f"{first} mode", f"{first} leverage"

    def rows(self) -> Sequence[Sequence[str]]:
        parts = ("mode", "margin", "leverage")
        return [[f"{trade.symbol} {part}" for part in parts] for trade in self.scenario.trades]

    def make_controls(self, scenario: Scenario) -> Controls:
        controls: Controls = {}
        for trade in scenario.trades:
            s, share = trade.symbol, trade.margin / scenario.balance
            where, size = "whose money stands behind it", "own money, as a share of the capital"
            own = slider(f"{s} margin [%]", share, 0.01, WIDEST, 0.01, size, form=".0%")
            controls |= {
                f"{s} mode": choice(f"{s} {trade.side}", MODES, MODES[0], where),
                f"{s} margin": own,
                f"{s} leverage": leverage_of(trade, "times the margin is what you hold", HIGHEST),
            }
            controls[f"{s} leverage"].description = f"{s} leverage [x]"
        names, tip = list(self.markets), "what prices are like"
        controls["market"] = choice("market", names, names[0], tip, "market")
        return controls

    def make_presets(self, scenario: Scenario) -> Presets:
        return {
            name: {f"{s} {k}": v for s, row in rows.items() for k, v in row.items() if k != "side"}
            for name, rows in mandate.part(scenario, "designs").items()
        }

    def compute(self, scenario: Scenario, market: str, **values: Any) -> Shown:
        rows = {
            t.symbol: {"side": t.side}
            | {k: values[f"{t.symbol} {k}"] for k in ("mode", "margin", "leverage")}
            for t in scenario.trades
        }
        design = Design(scenario, "yours", rows)
        trial = mandate.hold(design, self.markets[market])
        *start, kept, reached, often, others = mandate.judged(design, {market: trial})
        items = [kept, reached, often, others, *start]
        missed = [item.what for item in items if not item.passed]
        tiles = [
            Tile(item.what, item.form(item.value), item.must, item.verdict.split()[1])
            for item in (kept, reached, often)
        ]
        note = f"missed: {', '.join(missed)}" if missed else "all of them, in these markets"
        whole = f"{len(items) - len(missed)} of {len(items)}"
        tiles.append(Tile("demands", whole, note, "missed" if missed else "passed"))
        return Shown({market: trial}, list(map(line, items)), tiles)
