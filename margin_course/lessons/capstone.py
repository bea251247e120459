"""Lesson 11: designs of an account, judged in many markets."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.patches import StepPatch

from margin_course import mandate, text
from margin_course.lab import Controls, Lab, Presets, Shown, choice, leverage_of, slider
from margin_course.mandate import Trial
from margin_course.picture import BORROWED, DEAD, INK, LOSS, Parts, Picture, label, percent_axis
from margin_course.scenarios import Scenario
from margin_lib.account import MODES

PATHS = 400  # markets of a kind that the lab draws


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
        self.limits = -mandate.demand(scenario, "max_loss"), mandate.demand(scenario, "target")
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


class CapstoneLab(Lab):
    """A design of your own against its mandate, in a few hundred markets."""

    starts_in = "capstone"
    needs = {"trades": 1, "mandate": 1}
    picture = MandatePicture
    look = "what lies in the shaded part, and how much of it is dark."

    def make_controls(self, scenario: Scenario) -> Controls:
        kinds = mandate.part(scenario, "visible").items()
        self.markets = {name: mandate.drawn(scenario, kind, paths=PATHS) for name, kind in kinds}
        controls: Controls = {}
        for trade in scenario.trades:
            s, share = trade.symbol, trade.margin / scenario.balance
            where, size = "whose money stands behind it", "own money, as a share of the capital"
            controls |= {
                f"{s} mode": choice(f"{s} {trade.side}, mode", MODES, MODES[0], where),
                f"{s} margin": slider(f"{s} margin [%]", share, 0.01, 0.4, 0.01, size, ".0%"),
                f"{s} leverage": leverage_of(trade, "times the margin is what you hold", high=10),
            }
            controls[f"{s} leverage"].description = f"{s} leverage [x]"
        names, tip = list(self.markets), "what prices are like"
        controls["market"] = choice("market", names, names[0], tip)
        for control in controls.values():  # a row for each coin, where the page has room for it
            control.layout = {"width": "32%", "min_width": "250px"}
            control.style = {"description_width": "120px"}
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
        return {"yours": trial}, [f"{line[0].upper()}{line[1:]}." for line in lines]
