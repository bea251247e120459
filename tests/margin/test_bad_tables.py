"""Bad files of prices: one clear line each, with the name of the file; and memory stays small."""

import datetime
import gzip
import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from margin_lib import bars
from margin_lib.bars import read
from margin_lib.errors import MarginError

HEADER = "time,open,high,low,close\n"
ROWS = "2018-01-01,2,4,1,3\n2018-01-02,3,5,2,4\n"
GOOD = HEADER + ROWS
SECOND = 1_514_764_800  # 2018-01-01


def zipped(*names):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as folder:
        for name in names:
            folder.writestr(name, GOOD)
    return made.getvalue()


def rows(*times):
    return (HEADER + "".join(f"{time},2,4,1,3\n" for time in times)).encode()


BAD = {
    "UTF-16": (
        "a.csv",
        GOOD.encode("utf-16"),
        "must be text in UTF-8, or be named as what packed it",
    ),
    "a stray byte": (
        "a.csv",
        GOOD.encode() + b"2018-01-03,\xff,1,1,1\n",
        "must be text in UTF-8, or",
    ),
    "packed by another name": ("a.csv", gzip.compress(GOOD.encode()), "must be text in UTF-8, or"),
    "a name of gz alone": (
        "a.csv.gz",
        GOOD.encode(),
        "must be a file that can be read, got Not a g",
    ),
    "half of a gz": (
        "a.csv.gz",
        gzip.compress(GOOD.encode() * 99)[:60],
        "must be a file that can be",
    ),
    "a name of zip alone": ("a.zip", GOOD.encode(), "must be a file that can be read, got "),
    "a zip with two files": (
        "a.zip",
        zipped("a.csv", "b.csv"),
        "must be a file that can be read, got",
    ),
    "a zip with none": ("a.zip", zipped(), "must be a file that can be read, got "),
    "a name of xz alone": ("a.csv.xz", GOOD.encode(), "must be a file that can be read, got "),
    "an open quote": (
        "a.csv",
        (GOOD + '"2018-01-03,2,4,1,3\n').encode(),
        "must be a file that can be",
    ),
    "the year 1600": (
        "a.csv",
        rows("1600-01-01", "1600-01-02"),
        "time in row 0 must be a time, got 16",
    ),
    "the year 9999": (
        "a.csv",
        rows("9999-01-01", "9999-01-02"),
        "time in row 0 must be a time, got 99",
    ),
    "the year 9999 later": (
        "a.csv",
        rows("2018-01-01", "9999-01-02"),
        "time in row 1 must be a time",
    ),
    "two units": (
        "a.csv",
        rows(SECOND, (SECOND + 86400) * 1000),
        "time in row 1 must be in the unit of row 0, got 1514851200000",
    ),
    "numbers and dates": (
        "a.csv",
        rows(SECOND, "2018-01-02"),
        "time in row 1 must be a time, got 2018",
    ),
    "dates and numbers": (
        "a.csv",
        rows("2018-01-01", SECOND),
        "time in row 0 must be a time, got 2018",
    ),
    "nothing": ("a.csv", b"", "must have rows, got 0"),
    "a NUL": (
        "a.csv",
        GOOD.replace("3,5", "\0,5").encode(),
        "open in row 1 must be a number, got ",
    ),
    "a picture": ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(99), "must be text in UTF-8, or"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("market", [None, "ETH"])
def test_what_is_wrong_is_one_line_that_names_the_file(name, market, tmp_path):
    file, content, message = BAD[name]
    (tmp_path / file).write_bytes(content)
    for path in (tmp_path / file, str(tmp_path / file)):
        with pytest.raises(MarginError) as caught:
            read(path, market)
        said = str(caught.value)
        assert said.startswith(f"{market} in {file} " if market else f"{file} ")
        assert message in said
        assert "\n" not in said and len(said) < 250


def test_a_file_that_is_not_there_and_a_folder(tmp_path):
    for path in (tmp_path / "no.csv", tmp_path):
        with pytest.raises(
            MarginError, match=f"^{path.name} must be a file that can be read, got "
        ):
            read(path)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/a.csv",
        "https://a.b/a.csv",
        "ftp://a.b/a.csv",
        "s3://a/b.csv",
        "file:///etc/passwd",
        "HTTP://a.b",
        "memory://a",
    ],
)
def test_no_address_is_ever_asked(address, monkeypatch):
    def asked(*_, **__):
        raise AssertionError("a file was opened")

    monkeypatch.setattr(pd, "read_csv", asked)
    with pytest.raises(MarginError, match="^table must be a file on this machine, got "):
        read(address)


def test_dates_of_any_age_in_a_table():
    for unit, first in (("s", "9999-01-01"), ("s", "1600-01-01"), ("ms", "9999-01-01")):
        times = np.array([first], dtype=f"datetime64[{unit}]")
        table = pd.DataFrame([[2, 4, 1, 3]], columns=["open", "high", "low", "close"])
        with pytest.raises(MarginError, match="^table time in row 0 must be a time, got "):
            read(table.set_index(pd.DatetimeIndex(times)))
    old = pd.DataFrame(
        [[datetime.datetime(1600, 1, 1), 2, 4, 1, 3]], columns=HEADER.strip().split(",")
    )
    with pytest.raises(MarginError, match="^table time in row 0 must be a time, got "):
        read(old)


# In pieces


@pytest.mark.parametrize("piece", [1, 2, 3])
def test_a_file_read_in_pieces_is_the_same(piece, monkeypatch):
    """However few rows are read at a time, and wherever a fault lies."""
    names = "unix,date,symbol,open,high,low,close,Volume BTC"
    day = "{0},2018-01-0{1} 00:00:00,BTC/USD,2,4,1,3,1"
    lines = [day.format(SECOND + n * 86400, n + 1) for n in range(7)][::-1]
    file = "\n".join(["https://www.CryptoDataDownload.com", names, *lines])
    whole = read(io.StringIO(file))
    faults = [file.replace("2018-01-01 00:00:00,BTC/USD,2", "x,BTC,none")]
    faults += [
        file.replace(str(SECOND + 86400), "x"),
        file.replace(str(SECOND), str(SECOND * 1000)),
    ]
    faults += [file.replace(lines[3] + "\n", ""), file.replace(lines[5], lines[4])]
    said = [str(refusal(fault)) for fault in faults]
    monkeypatch.setattr(bars, "ROWS_AT_ONCE", piece)
    pd.testing.assert_frame_equal(read(io.StringIO(file)), whole)
    assert [str(refusal(fault)) for fault in faults] == said
    assert "open in row 6 must be a number, got none" in said[0]


def refusal(file):
    with pytest.raises(MarginError) as caught:
        read(io.StringIO(file))
    return caught.value


MEASURE = """
import resource, sys
from margin_lib.bars import read
scale = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
read(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
table = read(sys.argv[2])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(table), (after - before) * scale)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows does not say how much memory was used")
def test_memory_is_at_most_five_times_the_file(tmp_path):
    small, large, count = tmp_path / "small.csv", tmp_path / "large.csv", 250_000
    line = "{0},7450.12,7460.34,7440.56,7455.78,12.3456,{1},91234.5,321,6.1,45678.9,0\n"
    stamps = ((1_500_000_000 + 60 * n) * 1000 for n in range(count))
    large.write_text("".join(line.format(t, t + 59_999) for t in stamps), encoding="utf-8")
    small.write_text(line.format(1_500_000_000_000, 1_500_000_059_999), encoding="utf-8")
    command = [sys.executable, "-c", MEASURE, str(small), str(large)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    rows, used = map(int, run.stdout.split())
    assert rows == count
    assert used <= 5 * large.stat().st_size


@pytest.mark.parametrize("piece", [1, 2, 10_000])
def test_numbers_and_dates_in_one_column_are_refused_in_pieces_too(piece, monkeypatch):
    head = "time,open,high,low,close"
    numbers = [f"{SECOND + 3600 * n},2,4,1,3" for n in range(2)]
    dates = [f"2018-01-01 0{n}:00:00,2,4,1,3" for n in range(2, 4)]
    monkeypatch.setattr(bars, "ROWS_AT_ONCE", piece)
    error = refusal("\n".join([head, *numbers, *dates]))
    assert error.name.endswith("time in row 2") and error.rule == "must be a time"


def test_an_empty_file_has_no_rows():
    assert str(refusal("")).endswith("must have rows, got 0")
