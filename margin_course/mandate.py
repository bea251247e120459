"""A mandate: what is asked of an account, designs that try to do it, and the card that judges them.

The demands, the kinds of markets and the designs stand in scenarios.toml, as the table `mandate` of
a scenario. Margins of a design, and amounts of money in a mandate, are shares of the capital.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from margin_course import text
from margin_course.scenarios import SEED, SIDES, Scenario
from margin_lib.account import Account, Done
from margin_lib.bars import Bars, read
from margin_lib.errors import MarginError, of_type, one_number
from margin_lib.replay import Costs, replay
from margin_lib.simulate import Outcomes, simulate
from margin_lib.types import Marks

PATHS = 1000  # markets of a kind, for the lab, the card and the exam alike
REPLAYED = 200  # of them at most, where an owner acts: each is replayed alone
VERDICTS = {True: "✓ passed", False: "✗ missed"}


def demand(task: Scenario, name: str) -> float:
    """One number of a scenario's mandate; MarginError if it says none.

    >>> task = Scenario(name="a", currency="BTC", balance=5, trades=(), mandate={"kept": 0.95})
    >>> demand(task, "kept")
    0.95
    """
    return one_number(name, _said(task, name))


def part(task: Scenario, name: str) -> Mapping[str, Any]:
    """One table of a scenario's mandate, such as its designs; MarginError if it says none.

    >>> task = Scenario(name="a", currency="BTC", balance=5, trades=(), mandate={"visible": {}})
    >>> part(task, "visible")
    {}
    """
    return of_type(f"{name} in the mandate of {task.name}", _said(task, name), Mapping)


def _said(task: Scenario, name: str) -> Any:
    if name not in task.mandate:
        raise MarginError(f"mandate of {task.name}", f"must say {name}", list(task.mandate))
    return task.mandate[name]


@dataclass(frozen=True)
class Design:
    """An account that shall fulfil the mandate of a scenario.

    Parameters
    ----------
    task : Scenario            with a mandate
    name : str                 decides which unseen markets the design will meet
    positions : Mapping        symbol -> {side, mode, margin, leverage}; symbols that are left out
                               are not traded
    top_up : Mapping           {near, add}: once a price is as `near` to the liquidation price of an
                               isolated position, `add` goes from the balance to its margin; empty
                               for an owner who does nothing

    Raises
    ------
    MarginError                other keys than these, an account that cannot be opened

    >>> from margin_lib.contracts import Contract
    >>> from margin_course.scenarios import Trade
    >>> eth = Trade(contract=Contract(symbol="ETH"), side="long", price=8, margin=1, leverage=1)
    >>> task = Scenario(name="a", currency="BTC", balance=5, trades=(eth,))
    >>> rows = {"ETH": {"side": "short", "mode": "isolated", "margin": 0.4, "leverage": 3}}
    >>> bold = Design(task, "bold", rows)
    >>> bold.account["ETH"].quantity, bold.account.balance
    (-0.75, 3.0)
    """

    task: Scenario
    name: str
    positions: Mapping[str, Mapping[str, Any]]
    top_up: Mapping[str, float] = field(default_factory=dict)
    account: Account = field(init=False)  # with all positions opened

    def __post_init__(self) -> None:
        for symbol, terms in of_type("positions", self.positions, Mapping).items():
            if set(terms) != {"side", "mode", "margin", "leverage"}:
                rule = "must have a side, a mode, a margin and a leverage"
                raise MarginError(f"position {symbol}", rule, list(terms))
        if set(self.top_up) not in (set(), {"near", "add"}):
            raise MarginError("top_up", "must say near and add", list(self.top_up))
        book = self.task
        for symbol, terms in self.positions.items():
            margin = one_number(f"margin of {symbol}", terms["margin"], above=0) * book.balance
            changes = {"side": terms["side"], "leverage": terms["leverage"], "margin": margin}
            book = book.with_trade(symbol, **changes)
        modes = {symbol: terms["mode"] for symbol, terms in self.positions.items()}
        object.__setattr__(self, "account", book.account(modes))

    @property
    def costs(self) -> Costs:
        """What holding costs in the markets: funding, as the scenario says."""
        rates = dict.fromkeys(self.positions, self.task.funding_rate)
        return Costs(funding=rates, funding_hours=self.task.funding_hours)

    def plan(self, step: int, account: Account, marks: Marks) -> Done | None:
        """Top up the first position that is near its liquidation price: for `simulate.replay`."""
        for position in account.isolated:
            away = account.liquidation_price(position.symbol) / position.mark(marks) - 1
            if abs(away) < self.top_up["near"]:  # a NaN is not near
                free = min(account.available_balance(marks), account.balance)
                amount = min(self.top_up["add"] * self.task.balance, free)
                if amount > 0:
                    return account.add_margin(position.symbol, amount, marks)
        return None


# Markets


def drawn(
    task: Scenario, terms: Mapping[str, Any], seed: int | list[int] = SEED, paths: int = PATHS
) -> Bars:
    """Markets of one kind, day by day: what `terms` say differs from the scenario."""
    rng = np.random.default_rng(seed)
    return task.market(wicks=True, **terms).draw(rng, task.days, paths)


def history(task: Scenario, folder: str | Path = ".") -> Bars:
    """Every stretch of the real prices that is as long as the task, begun at its entry prices.

    The mandate names a file for each market, in this folder. It may say another one, seen from
    there, as `history_folder`: nothing else leads out of it.

    Raises
    ------
    MarginError                a file outside of that folder, or one that `bars.read` refuses
    """
    place = of_type("history_folder", task.mandate.get("history_folder", "."), str)
    base = (Path(folder) / place).resolve()
    files = {}
    for symbol, file in part(task, "history").items():
        files[symbol] = (base / of_type(f"history of {symbol}", file, str)).resolve()
        if base not in files[symbol].parents:
            raise MarginError(f"history of {symbol}", "must stay in its folder", file)
    bars = Bars.of_tables({symbol: read(file, symbol) for symbol, file in files.items()})
    return bars.windows(task.days, task.marks())


def visible(task: Scenario) -> dict[str, Bars]:
    """Name -> the markets that everybody may look at; lab and card hold designs in the same."""
    return {name: drawn(task, terms) for name, terms in part(task, "visible").items()}


def unseen(task: Scenario, name: str) -> dict[str, Bars]:
    """Name -> the markets that a design of this name has not seen: other seeds, other kinds."""
    kinds = part(task, "unseen").items()
    return {
        kind: drawn(task, terms, [crc32(name.encode()), number])
        for number, (kind, terms) in enumerate(kinds)
    }


# Judging


@dataclass(frozen=True, eq=False)
class Trial:
    """What became of a design in many markets.

    design : Design
    outcomes : Outcomes        of its account
    """

    design: Design
    outcomes: Outcomes

    @property
    def others(self) -> np.ndarray:
        """What the insurance fund paid in each market, shape (paths,) [quote]."""
        return np.asarray(self.outcomes.shortfall)

    @property
    def change(self) -> np.ndarray:
        """Of the capital in each market, fees and funding included, shape (paths,) [1]."""
        return self.outcomes.equity / self.design.task.balance - 1

    @property
    def kept(self) -> np.ndarray:
        """Whether the maximum loss was kept in each market, shape (paths,)."""
        return self.change >= -demand(self.design.task, "max_loss")

    @property
    def reached(self) -> np.ndarray:
        """Whether the target was reached in each market, shape (paths,)."""
        return self.change >= demand(self.design.task, "target")


def hold(design: Design, bars: Bars) -> Trial:
    """Hold a design in many markets; of an owner who acts, in the first `REPLAYED` of them."""
    account, costs = design.account, design.costs
    if not design.top_up:
        return Trial(design, simulate({"it": account}, bars, costs=costs)["it"])
    numbers = range(min(bars.paths, REPLAYED))
    replays = [replay(account, bars.path(n), costs, design.plan) for n in numbers]
    when = [{s: step for step, e in each.liquidations for s in e.symbols} for each in replays]
    step = {p.symbol: np.array([w.get(p.symbol, -1) for w in when]) for p in account.positions}
    equity = np.array([each.equity[-1] for each in replays])
    paid = [
        sum(max(-event.received("insurance fund"), 0) for _, event in each.liquidations)
        for each in replays
    ]
    outcomes = Outcomes(account.wallet_balance, step, equity, shortfall=np.array(paid))
    return Trial(design, outcomes)


@dataclass(frozen=True)
class Item:
    """One demand of a mandate, and what a design makes of it.

    what : str                 in words
    value, error : float       measured, and its Monte Carlo error (NaN where there is none)
    bound : float              what the mandate says
    least : bool               whether the bound is the least that passes, or the most
    form : callable            a number in words
    note : str                 what else there is to say: the worst market, the kind of markets

    >>> Item("loss within the limit", 0.94, 0.006, 0.95, least=True).words
    '✗ missed: 94 % ± 0.6 % (close)'
    """

    what: str
    value: float
    error: float = np.nan
    bound: float = np.nan
    least: bool = False
    form: Callable[[float], str] = text.rough
    note: str = ""

    @property
    def room(self) -> float:
        """How far the value is on the side that passes; below 0 beyond the bound."""
        return self.value - self.bound if self.least else self.bound - self.value

    @property
    def passed(self) -> bool:
        """Whether the demand is met; a NaN never does."""
        return self.room >= 0

    @property
    def must(self) -> str:
        """The demand in words."""
        return f"at {'least' if self.least else 'most'} {self.form(self.bound)}"

    @property
    def verdict(self) -> str:
        """Sign and word."""
        return VERDICTS[self.passed]

    @property
    def measured(self) -> str:
        """The number with its error; where two errors could turn the verdict, it is close."""
        error = "" if np.isnan(self.error) else f" ± {self.form(self.error)}"
        return (
            self.form(self.value) + error + (" (close)" if abs(self.room) < 2 * self.error else "")
        )

    @property
    def words(self) -> str:
        """Verdict and number."""
        return f"{self.verdict}: {self.measured}"


def at_start(design: Design) -> list[Item]:
    """What can be said of a design before it meets a market, as a list of Items."""
    task, account, marks = design.task, design.account, design.task.marks()
    exposure = {p.symbol: p.units * marks[p.symbol] / task.balance for p in account.positions}
    views = {s: SIDES[side] * exposure.get(s, 0) for s, side in part(task, "views").items()}
    least = min(views, key=lambda symbol: views[symbol])
    gross = sum(map(abs, exposure.values())) * task.balance / account.equity(marks)
    costs, hours = design.costs, np.array([24.0 * task.days])
    payments = costs.due(hours)[0].sum()
    paid = task.balance - account.wallet_balance
    for position in account.positions:
        paid -= position.funding(marks[position.symbol], task.funding_rate * payments)
    return [
        Item(
            "smallest view held", views[least], np.nan, demand(task, "exposure"), True, note=least
        ),
        Item("leverage of all", gross, bound=demand(task, "leverage"), form=multiple),
        Item("costs, held to the end", paid / task.balance, bound=demand(task, "costs")),
    ]


def multiple(value: float) -> str:
    """A leverage in words.

    >>> multiple(2.8)
    '2.80x'
    """
    return f"{text.ratio(value)}x"


def measured(trial: Trial) -> list[Item]:
    """What a design did in many markets, as a list of Items."""
    task, steps = trial.design.task, trial.outcomes.step

    def mean(what: str, values: np.ndarray, name: str, least: bool = False, note: str = "") -> Item:
        error = float(np.std(values) / np.sqrt(len(values)))
        return Item(what, float(np.mean(values)), error, demand(task, name), least, note=note)

    dead = {symbol: step >= 0 for symbol, step in steps.items()}
    often = max(dead, key=lambda symbol: dead[symbol].mean(), default="")
    worst = f"the worst: {text.rough(trial.change.min())}"
    never = np.zeros(len(trial.change))
    return [
        mean("loss within the limit", trial.kept, "kept", True, worst),
        mean("target reached", trial.reached, "reached", True),
        mean("liquidated most often", dead.get(often, never), "liquidated", note=often),
        mean("others pay, on average", trial.others / task.balance, "others"),
    ]


def judged(design: Design, trials: Mapping[str, Trial]) -> list[Item]:
    """All demands; of what was measured, the kind of markets in which each is met worst."""
    cards = {kind: measured(trial) for kind, trial in trials.items()}
    items = at_start(design)
    for column in zip(*cards.values(), strict=True):
        kind, item = min(zip(cards, column, strict=True), key=lambda pair: pair[1].room)
        items.append(replace(item, note=", ".join(filter(None, [kind, item.note]))))
    return items
