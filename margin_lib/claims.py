"""The claims ledger: what articles say, what the runs of the course say, and the deciding number."""

import tomllib
from pathlib import Path

from margin_lib.errors import MarginError
from margin_lib.page import say


class Ledger:
    """Judges claims and refuses to be shown before all of them are judged.

    Parameters
    ----------
    path : str or Path         TOML: id -> {says = "the claim", run_in = "notebook"}

    Raises
    ------
    MarginError                an unknown id, or a claim left out when the table is shown
    """

    def __init__(self, path):
        with Path(path).open("rb") as file:
            self.claims = tomllib.load(file)
        self.rows = {}

    def judge(self, claim, number, **cases):
        """Judge one claim by the cases in which it was tried, and show the row.

        Parameters
        ----------
        claim : str                its id
        number : str               the number that decides, with its unit, computed
        cases : bool               name -> did the claim hold there; underscores read as spaces

        The verdict follows: "holds" in all cases, "holds when …" in some, "needs correcting" in
        none.
        """
        if claim not in self.claims:
            raise MarginError("claim", "must be one of the ledger's ids", claim)
        good = [name.replace("_", " ") for name, holds in cases.items() if bool(holds)]
        if not cases:
            raise MarginError(f"cases of {claim}", "must not be empty", cases)
        if len(good) == len(cases):
            verdict = "holds"
        else:
            verdict = f"holds when {' or '.join(good)}" if good else "needs correcting"
        self.rows[claim] = verdict, number
        say(f"**{claim}** {self.claims[claim]['says']} → **{verdict}** ({number})")

    def show(self):
        """The whole ledger as one table, with a link to where each claim was run."""
        missing = [claim for claim in self.claims if claim not in self.rows]
        if missing:
            raise MarginError("ledger", "must have a verdict for every claim; missing", missing)
        lines = ["| id | claim | run in | verdict | deciding number |", "|---|---|---|---|---|"]
        for claim, entry in self.claims.items():
            verdict, number = self.rows[claim]
            place = f"[{entry['run_in'][:2]}]({entry['run_in']}.ipynb)"
            lines.append(f"| {claim} | {entry['says']} | {place} | **{verdict}** | {number} |")
        say("\n".join(lines))
