"""The real prices: unchanged, complete, possible, small, and described."""

import csv
import datetime
import hashlib
import math
import re

import pytest

from margin_lib import MarginError
from margin_lib.bars import read
from tools.data import prices

FILES = [prices.DATA / f"{coin.lower()}_usd.csv" for coin in prices.COINS]
README = (prices.DATA / "README.md").read_text(encoding="utf-8")
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def rows(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_readme_lists_the_files_with_their_sums():
    listed = dict(re.findall(r"^\| `(\w+\.csv)` .*`([0-9a-f]{64})` \|$", README, re.MULTILINE))
    assert listed == {path.name: digest(path) for path in prices.DATA.glob("*.csv")}
    assert set(listed) == {path.name for path in FILES}


def test_readme_names_every_other_file():
    others = {path.name for path in prices.DATA.iterdir()} - {"README.md", ".ipynb_checkpoints"}
    assert {name for name in others if name not in README} == set()


def test_folder_is_small():
    assert sum(path.stat().st_size for path in prices.DATA.iterdir() if path.is_file()) < 100_000


@each_file
def test_every_day_is_there_once(path):
    days = [datetime.date.fromisoformat(row["date"]) for row in rows(path)]
    first, last = map(datetime.date.fromisoformat, (prices.FIRST, prices.LAST))
    count = (last - first).days + 1
    assert days == [first + datetime.timedelta(days=n) for n in range(count)]
    assert f"| {count} | `{digest(path)}`" in README


@each_file
def test_prices_are_possible(path):
    impossible = []
    for row in rows(path):
        assert list(row) == ["date", *prices.FIELDS]
        start, high, low, end = (float(row[field]) for field in prices.FIELDS)
        if not (0 < low <= min(start, end) and max(start, end) <= high < math.inf):
            impossible.append(row)
    assert impossible == []


@each_file
def test_days_that_the_readme_warns_of(path):
    table = rows(path)
    flat = [row["date"] for row in table if row["high"] == row["low"]]
    pairs = zip(table, table[1:], strict=False)
    jumps = [row["date"] for before, row in pairs if row["open"] != before["close"]]
    assert flat == ["2018-08-12"]
    early = [] if path.stem == "btc_usd" else ["2017-11-14"]
    assert jumps == [*early, "2018-08-13", "2018-10-17", "2018-12-12"]


@each_file
def test_the_library_reads_a_file_and_names_a_missing_day(path, tmp_path):
    table = read(path)
    assert len(table) == len(rows(path))
    assert table["close"].tolist() == [float(row["close"]) for row in rows(path)]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    gap = tmp_path / "gap.csv"
    gap.write_text("".join(lines[:5] + lines[6:]), encoding="utf-8")
    with pytest.raises(MarginError, match="time in row 4 must follow without a gap"):
        read(gap)


def test_cut_takes_the_days_and_keeps_the_digits(tmp_path):
    source = tmp_path / prices.SOURCE
    source.parent.mkdir(parents=True)
    columns = [f"{coin}:{field}" for coin in prices.COINS for field in (*prices.FIELDS, "volume")]
    numbers = ",".join(f"{n}.50" for n in range(len(columns)))
    days = ["2017-11-08", prices.FIRST, prices.LAST, "2019-01-01"]
    lines = [",".join(["", *columns]), *(f"{day},{numbers}" for day in days)]
    source.write_bytes("\r\n".join(lines).encode())
    prices.main(tmp_path, tmp_path)
    assert (tmp_path / "eth_usd.csv").read_bytes().decode() == (
        "date,open,high,low,close\n2017-11-09,5.50,6.50,7.50,8.50\n2018-12-31,5.50,6.50,7.50,8.50\n"
    )
