"""What a class has learnt, from a folder with one file of results a learner: make gains FOLDER=…

Prints three tables, and writes them to build/gains-….csv.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from margin_course import concepts, gains
from margin_lib.errors import MarginError
from tools.repo import ROOT

BUILD = ROOT / "build"


def shown(table: pd.DataFrame) -> str:
    """A table as text; shares and gains with two decimals."""
    return str(table.to_string(float_format=lambda x: f"{x:.2f}", na_rep="–"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the files of a class are")
    folder = parser.parse_args(arguments).folder
    try:
        found = gains.of_class(folder, concepts.inventory(ROOT / "notebooks" / concepts.FILE))
    except MarginError as error:
        print(error)
        return 1
    BUILD.mkdir(exist_ok=True)
    for name in ("overall", "questions", "beliefs"):
        table = getattr(found, name)
        print(f"{shown(table)}\n")
        table.to_csv(BUILD / f"gains-{name}.csv", encoding="utf-8")
    for name, why in found.left_out.items():
        print(f"left out: {name}: {why}")
    print(f"The same in {BUILD.relative_to(ROOT)}/gains-….csv.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
