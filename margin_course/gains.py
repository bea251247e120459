"""What a class has learnt: its answers before and after the course, counted.

Each learner hands in one file without a name, as `make results` writes it. The normalised gain is
the part of what was wrong before that is right afterwards: 0 for nothing, 1 for all of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from margin_course import files, progress
from margin_course.concepts import FORMS, Inventory
from margin_lib.errors import MarginError

SHARES = ["before", "after"]


@dataclass(frozen=True)
class Gains:
    """How a class has answered.

    Parameters
    ----------
    overall : DataFrame        the class in one column: learners, shares of right answers, gains
    questions : DataFrame      by question: shares of right answers before and after, gain, section
    beliefs : DataFrame        by belief: how many of those who could show it did, before and after;
                               the part of it that went; section
    left_out : dict            file -> why it does not count
    """

    overall: pd.DataFrame
    questions: pd.DataFrame
    beliefs: pd.DataFrame
    left_out: dict[str, str]


def of_class(folder: str | Path, inventory: Inventory) -> Gains:
    """Count the files of a folder; only learners who answered all questions twice count.

    Parameters
    ----------
    folder : str or Path       with one file of JSON a learner
    inventory : Inventory      the questions

    Raises
    ------
    MarginError                no such folder, or no file in it that counts
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MarginError("folder", "must be one with files of results", folder.name)
    learners, left_out = [], {}
    for path in sorted(folder.glob("*.json")):
        try:
            learners.append(_learner(path, inventory))
        except MarginError as error:
            left_out[path.name] = str(error)
    if not learners:
        why = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "it is empty"
        raise MarginError("folder", "must hold a learner who answered both tests", why)
    return counted(learners, inventory, left_out)


def _learner(path: Path, inventory: Inventory) -> progress.Kept:
    """The answers of one file, once it is known that they are whole."""
    kept = progress.answers(files.json(path))
    for form in FORMS:
        if missing := set(inventory.questions) - set(kept[form]):
            rule = f"must have all {len(inventory.questions)} answers {form} the course"
            raise MarginError(path.name, rule, f"{len(missing)} fewer")
    return kept


def counted(
    learners: Iterable[Mapping[str, Mapping[str, str]]],
    inventory: Inventory,
    left_out: Mapping[str, str] | None = None,
) -> Gains:
    """Count answers: for each learner, form -> question -> key of the option."""
    rows: list[dict[str, Any]] = []
    for number, kept in enumerate(learners):
        for form in FORMS:
            for name in inventory.questions:
                belief = inventory.belief(name, kept[form][name])
                rows.append(
                    {
                        "learner": number,
                        "form": form,
                        "question": name,
                        "belief": belief,
                        "right": belief == "",
                    }
                )
    answers = pd.DataFrame(rows)
    return Gains(
        _overall(answers), _by_question(answers, inventory), _by_belief(answers, inventory),
        dict(left_out or {}),
    )  # fmt: skip


def _gain(shares: pd.DataFrame) -> pd.Series:
    """(after − before) / (1 − before); NaN where nothing was wrong before."""
    missing = (1 - shares["before"]).where(shares["before"] < 1)
    return (shares["after"] - shares["before"]) / missing


def _shares(answers: pd.DataFrame, by: str) -> pd.DataFrame:
    """Share of right answers before and after."""
    return answers.pivot_table("right", by, "form", "mean")[SHARES].astype(float)


def _overall(answers: pd.DataFrame) -> pd.DataFrame:
    shares = answers.groupby("form")["right"].mean()
    alone = _gain(_shares(answers, "learner"))
    return pd.DataFrame(
        {
            "class": {
                "learners": float(answers["learner"].nunique()),
                "right before": shares["before"],
                "right after": shares["after"],
                "normalised gain of the class": _gain(shares.to_frame().T).iloc[0],
                "mean of the learners' gains": alone.mean(),
            }
        }
    )


def _by_question(answers: pd.DataFrame, inventory: Inventory) -> pd.DataFrame:
    table = _shares(answers, "question").loc[list(inventory.questions)]
    table["gain"] = _gain(table)
    about = [inventory.questions[name]["about"] for name in table.index]
    table["about"] = about
    table["section"] = [inventory.beliefs[belief].section for belief in about]
    return table.rename_axis(index=None, columns="question")


def _by_belief(answers: pd.DataFrame, inventory: Inventory) -> pd.DataFrame:
    """Of the answers that could have shown a belief, the share that did."""
    rows = {}
    for belief, told in inventory.beliefs.items():
        could = answers[answers["question"].isin(inventory.asking(belief))]
        held = could["belief"].eq(belief).groupby(could["form"]).mean()
        went = (held["before"] - held["after"]) / held["before"] if held["before"] else float("nan")
        rows[told.says] = {
            "before": held["before"],
            "after": held["after"],
            "went": went,
            "section": told.section,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(columns="belief")
