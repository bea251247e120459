"""Notebook 09: a design of your own against its mandate, in a few hundred markets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from margin_course import mandate, text
from margin_course.lab import Controls, Lab, Presets, Shown, Tile, choice, leverage_of, slider
from margin_course.mandate import Trial
from margin_course.palette import DEAD, GONE, INK, ISOLATED
from margin_course.picture import Parts, Picture, dots, hundred, label, percent_axis
from margin_course.scenarios import Scenario
from margin_lib.account import MODES

MARKETS = 400  # that the lab holds a design in


class MandatePicture(Picture):
    """What 100 markets left of each design, against the loss and the gain of its mandate.

    A state is name -> mandate.Trial: a row each, all on one scale. A full dot: something was
    closed there.
    """

    size = (5.4, 3.4)
    edges = np.linspace(-1, 1, 21)  # changes; what is above the last counts in its band
    deep = 22  # dots above each other, at most

    def frame(self, scenario: Scenario) -> None:
        ax = self.axes[0]
        ax.set(xlim=(-1.03, 1.03), ylim=(0, 1.1), yticks=[])
        ax.set_xlabel(f"change of the capital after {scenario.days} days (last: all above)")
        ax.spines["left"].set_visible(False)
        percent_axis(ax.xaxis, ticks=5)
        self.limits = -mandate.demand(scenario, "max_loss"), mandate.demand(scenario, "target")
        ax.axvspan(-1.03, self.limits[0], color=GONE, zorder=0)
        how: dict[str, Any] = {"ground": False}
        label(ax, self.limits[0] - 0.02, 1.05, "loses too much", DEAD, ha="right", **how)
        label(ax, self.limits[1] + 0.02, 1.05, "target reached", ha="left", **how)
        for at in self.limits:
            ax.axvline(at, color=INK, linestyle="--", linewidth=1.2, zorder=1)

    def moving(self, state: Mapping[str, Trial]) -> Parts:
        ax, high = self.axes[0], 1 / len(state)
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        tall = self.axes[0].bbox.height / 1.1 * high
        size = min(10.5, 0.78 * tall / self.deep * 72 / 100 * 1.35)
        for row, (name, trial) in enumerate(state.items(), start=1):
            base = 1 - row * high
            change = np.clip(trial.change, self.edges[0], self.edges[-1])
            dead = trial.outcomes.liquidated
            table = np.array(
                [np.histogram(change[at], self.edges)[0] for at in (dead, ~dead)], dtype=float
            )
            counts = np.reshape(hundred((table / table.sum()).ravel()), table.shape)
            # A tall heap is drawn closer.
            step = min(0.8 * high / self.deep, 0.76 * high / max(counts.sum(axis=0).max(), 1))
            for full, before, some in ((True, 0 * counts[0], counts[0]), (False, *counts)):
                x = np.repeat(middles, some)
                y = [b + n for b, count in zip(before, some, strict=True) for n in range(count)]
                if len(x):
                    at = base + (np.array(y) + 0.75) * step
                    yield dots(ax, x, at, DEAD if full else ISOLATED, size, full)
            yield ax.axhline(base, color=INK, linewidth=0.8)
            hits = trial.kept, trial.reached
            kept, reached = (text.percent(hit.mean(), 0, sign=False) for hit in hits)
            # Where few markets end: at the left and at the right.
            how: dict[str, Any] = {"ground": False, "va": "top"}
            y = base + (0.98 if len(state) == 1 else 0.86) * high
            kept, reached = f"{name}: limit\nkept in {kept}", f"reached\nin {reached}"
            yield label(ax, -1, y, kept, ha="left", **how)
            yield label(ax, 1, y, reached, ha="right", **how)

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


class CapstoneLab(Lab):
    """A design of your own against its mandate, in a few hundred markets."""

    picture = MandatePicture
    starts_in = "capstone"
    needs = {"trades": 1, "mandate": 1}
    look = "what lies in the shaded part, and how many of its dots are full."

    @property
    def on_page(self) -> tuple[str, ...]:
        return ("market", *(f"{trade.symbol} mode" for trade in self.scenario.trades))

    def rows(self) -> Sequence[Sequence[str]]:
        parts = ("mode", "margin", "leverage")
        return [[f"{trade.symbol} {part}" for part in parts] for trade in self.scenario.trades]

    def make_controls(self, scenario: Scenario) -> Controls:
        kinds = mandate.part(scenario, "visible").items()
        self.markets = {name: mandate.drawn(scenario, kind, paths=MARKETS) for name, kind in kinds}
        controls: Controls = {}
        for trade in scenario.trades:
            s, share = trade.symbol, trade.margin / scenario.balance
            where, size = "whose money stands behind it", "own money, as a share of the capital"
            controls |= {
                f"{s} mode": choice(f"{s} {trade.side}", MODES, MODES[0], where),
                f"{s} margin": slider(f"{s} margin [%]", share, 0.01, 0.4, 0.01, size, form=".0%"),
                f"{s} leverage": leverage_of(trade, "times the margin is what you hold", high=10),
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
        trial = mandate.hold(mandate.Design(scenario, "yours", rows), self.markets[market])
        start = mandate.at_start(trial.design)
        kept, worst, reached, *rest = mandate.measured(trial)
        lines = [f"{item.what}: {item.words} ({item.must})" for item in (kept, reached)]
        lines += ["; ".join(f"{i.what}: {i.words}" for i in group) for group in (rest, start)]
        lines[0] += f"; {worst.what}: {worst.words}"
        words = [f"{line[0].upper()}{line[1:]}." for line in lines]
        missed = [item.what for item in [kept, reached, *rest, *start] if not item.passed]
        tiles = [
            Tile(i.what, i.form(i.value), f"{'passed' if i.passed else 'missed'}: {i.must}")
            for i in (kept, reached)
        ]
        demands = f"{len(rest) + len(start) + 2} demands"
        tiles.append(Tile("missed", f"{len(missed)}", f"of {demands}"))
        return Shown({"yours": trial}, words, tiles)
