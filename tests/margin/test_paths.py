"""Bars from files and tables, what bars can do, and the statistics of drawn markets."""

import io
import math

import numpy as np
import pandas as pd
import pytest

from margin_lib.bars import COLUMNS, MAX_COLUMNS, Bars, read
from margin_lib.errors import MarginError
from margin_lib.market import Market
from tools.repo import ROOT

DATA = ROOT / "notebooks" / "data"
DAY = 86_400  # seconds
FIRST = 1_514_764_800  # 2018-01-01
PRICES = [(2, 4, 1, 3), (3, 5, 2, 4), (4, 6, 3, 5)]  # open, high, low, close of three days


# Files: each format, one after the other


def lines(rows):
    return "\n".join(",".join(map(str, row)) for row in rows)


def klines(in_second=1000, header=False):
    names = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume"
    rows = [
        ((FIRST + n * DAY) * in_second, *p, 9, (FIRST + (n + 1) * DAY) * in_second - 1, 1, 1, 1, 1)
        for n, p in enumerate(PRICES)
    ]
    return lines(([names.split(",") + ["x", "ignore"]] if header else []) + [(*r, 0) for r in rows])


def downloaded(old=False):
    """As CryptoDataDownload writes it: an address, a header, the newest first."""
    days = [(n, p) for n, p in enumerate(PRICES)][::-1]
    if old:
        names = "Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USD"
        rows = [(f"2018-01-0{n + 1}", "BTCUSD", *p, 1, 2) for n, p in days]
    else:
        names = "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD"
        rows = [
            (FIRST + n * DAY, f"2018-01-0{n + 1} 00:00:00", "BTC/USD", *p, 1, 2) for n, p in days
        ]
    return f"https://www.CryptoDataDownload.com\n{names}\n{lines(rows)}\n"


CCXT = [[(FIRST + n * DAY) * 1000, *p, 9.0] for n, p in enumerate(PRICES)]
NAMED = pd.DataFrame(CCXT, columns=["timestamp", "open", "high", "low", "close", "volume"])
DATES = pd.DatetimeIndex(["2018-01-01", "2018-01-02", "2018-01-03"])

SOURCES = {
    "klines": klines(),
    "klines in microseconds": klines(1_000_000),
    "klines in nanoseconds": klines(1_000_000_000),
    "klines with a header": klines(header=True),
    "klines with a header, in microseconds": klines(1_000_000, header=True),
    "downloaded": downloaded(),
    "downloaded, old": downloaded(old=True),
    "ccxt": pd.DataFrame(CCXT),
    "ccxt with names": NAMED,
    "ccxt stored": pd.DataFrame(CCXT).to_csv(index=False, header=False),
    "ccxt stored with names": NAMED.to_csv(),
    "dates in a column": NAMED.assign(timestamp=DATES),
    "dates of a time zone": NAMED.assign(
        timestamp=DATES.tz_localize("UTC").tz_convert("Asia/Tokyo")
    ),
    "dates in seconds": NAMED.assign(timestamp=DATES.astype("datetime64[s]")),
    "dates as objects": NAMED.assign(timestamp=pd.Series(list(DATES), dtype=object)),
    "dates as index": NAMED.drop(columns="timestamp").set_index(DATES),
    "dates as named index": NAMED.drop(columns="timestamp").set_index(DATES.rename("Date")),
    "strings": NAMED.astype(str),
    "blank lines": "\n" + klines(header=True).replace("\n", "\n\n"),
    "a byte order mark": "\ufeff" + klines(header=True),
    "spaces": "time , open, high, low, close\n"
    + lines((d.date(), *p) for d, p in zip(DATES, PRICES, strict=True)),
}


def source(given):
    return io.StringIO(given) if isinstance(given, str) else given.copy()


@pytest.mark.parametrize("given", SOURCES.values(), ids=SOURCES)
def test_every_known_format_reads_the_same(given):
    table = read(source(given))
    assert list(table) == list(COLUMNS) and table.index.name == "time"
    assert table.index.equals(DATES.tz_localize("UTC"))
    expected = [(o, low, high, close) for o, high, low, close in PRICES]
    np.testing.assert_array_equal(table.to_numpy(), expected)
    assert table.to_numpy().dtype == float
    bars = Bars.of_tables({"ETH": table})
    assert bars.hours.tolist() == [0, 24, 48] and bars.have_wicks
    assert read(table).equals(table)  # what was read can be read


def test_a_file_is_read_by_its_path_even_if_compressed(tmp_path):
    for name in ("klines.csv", "klines.csv.gz", "klines.zip"):
        pd.DataFrame(CCXT).to_csv(tmp_path / name, index=False, header=False)
        assert len(read(tmp_path / name)) == len(read(str(tmp_path / name))) == 3


def test_what_is_given_is_not_changed():
    before = NAMED.copy()
    read(NAMED)
    pd.testing.assert_frame_equal(NAMED, before)


def test_one_row_is_enough():
    assert len(read(io.StringIO("time,open,high,low,close\n2018-01-01,2,4,1,3"))) == 1


def test_the_shipped_prices_load_and_join():
    tables = {name: read(DATA / f"{name.lower()}_usd.csv", name) for name in ("BTC", "ETH", "LTC")}
    bars = Bars.of_tables(tables)
    assert bars.steps == 418 and bars.paths == 1 and bars.have_wicks
    assert bars.marks("open", 0) == {"BTC": 7450.32, "ETH": 322.15, "LTC": 62.39}
    assert bars.hours[-1] == 24 * 417
    in_btc = bars.quoted_in("BTC")
    assert list(in_btc.open) == ["ETH", "LTC"]
    assert in_btc.marks("open", 0)["ETH"] == 322.15 / 7450.32
    low = np.minimum(in_btc.open["LTC"], in_btc.close["LTC"])
    np.testing.assert_array_equal(in_btc.low["LTC"], low)


# Files: what is refused, by column, row and value


def day_file(*rows, header="date,open,high,low,close"):
    return header + "\n" + lines(rows)


def good(day, *prices):
    return (f"2018-01-{day:02}", *(prices or (2, 4, 1, 3)))


BAD_FILES = {
    "ETH must have rows, got 0": ["", "\n\n", "https://a.b\n", "time,open,high,low,close\n"],
    "ETH must have one column 'low', got ['date', 'open', 'high', 'close']": [
        day_file(("2018-01-01", 2, 4, 3), header="date,open,high,close")
    ],
    "ETH must have one column 'time', got ['open', 'high', 'low', 'close']": [
        day_file((2, 4, 1, 3), header="open,high,low,close")
    ],
    "ETH must have one column 'close', got ['date', 'open', 'high', 'low', 'close', 'close']": [
        day_file(good(1) + (3,), header="date,open,high,low,close,Close")
    ],
    "ETH time in row 2 must follow without a gap, got 2018-01-04 00:00:00+00:00": [
        day_file(good(1), good(2), good(4), good(5))
    ],
    "ETH time in row 1 must follow without a gap, got 2018-01-03 00:00:00+00:00": [
        day_file(good(1), good(3), good(4))
    ],
    "ETH time in row 2 must be in order, got 2018-01-02 00:00:00+00:00": [
        day_file(good(1), good(3), good(2)),
        day_file(good(1), good(4), good(2)),
    ],
    "ETH time in row 1 must not come twice, got 2018-01-01 00:00:00+00:00": [
        day_file(good(1), good(1), good(2)),
        day_file(good(1), good(1)),
    ],
    "ETH time in row 1 must be a time, got x": [day_file(good(1), ("x", 2, 4, 1, 3))],
    "ETH time in row 1 must be a time, got nan": [
        day_file(good(1), ("", 2, 4, 1, 3)),
        day_file((FIRST, 2, 4, 1, 3), ("", 2, 4, 1, 3), (FIRST + 2 * DAY, 2, 4, 1, 3)),
    ],
    "ETH time in row 0 must be a time, got 01/02/2018": [  # February or January?
        day_file(("01/02/2018", 2, 4, 1, 3), ("02/02/2018", 2, 4, 1, 3))
    ],
    "ETH time in row 0 must be a time, got 20180101": [day_file((20180101, 2, 4, 1, 3))],
    "ETH time in row 0 must be a time, got -1514764800": [day_file((-FIRST, 2, 4, 1, 3))],
    "ETH time in row 1 must be a time, got inf": [
        day_file((FIRST, 2, 4, 1, 3), ("inf", 2, 4, 1, 3))
    ],
    "ETH time in row 1 must be a time, got 1e30": [
        day_file((FIRST, 2, 4, 1, 3), ("1e30", 2, 4, 1, 3))
    ],
    "ETH low in row 1 must be the lowest of its bar, got 2.5": [
        day_file(good(1), good(2, 2, 4, 2.5, 3)),
        day_file(good(1), good(2, 3, 4, 2.5, 2)),
    ],
    "ETH high in row 1 must be the highest of its bar, got 2.5": [
        day_file(good(1), good(2, 3, 2.5, 1, 2)),
        day_file(good(1), good(2, 2, 2.5, 1, 3)),
    ],
}
CASES = [(message, file) for message, files in BAD_FILES.items() for file in files]


@pytest.mark.parametrize(("message", "file"), CASES, ids=[message[:40] for message, _ in CASES])
def test_what_is_wrong_is_named(message, file):
    with pytest.raises(MarginError) as error:
        read(io.StringIO(file), "ETH")
    assert str(error.value) == message


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize(
    ("bad", "rule", "got"),
    [
        ("x", "a number", "x"),
        ("", "a number", "nan"),
        ("nan", "a number", "nan"),
        ("True", "a number", "True"),
        ("1 2", "a number", "1 2"),
        ("inf", "finite", "inf"),
        ("-inf", "finite", "-inf"),
        ("0", "above 0", "0.0"),
        ("-1", "above 0", "-1.0"),
    ],
)
def test_a_price_that_is_none_is_named(column, bad, rule, got):
    name, row = ("open", "high", "low", "close")[column], [2, 4, 1, 3]
    row[column] = bad
    with pytest.raises(MarginError) as error:
        read(io.StringIO(day_file(good(1), good(2), good(3, *row))))
    assert str(error.value) == f"table {name} in row 2 must be {rule}, got {got}"


def test_rows_are_counted_as_the_file_stands_below_its_header():
    newest_first = downloaded().replace("BTC/USD,2,4,1,3", "BTC/USD,2,4,2.5,3")
    with pytest.raises(MarginError, match="table low in row 2 must"):  # the first day, last row
        read(io.StringIO(newest_first))
    no_number = downloaded().replace("BTC/USD,4,", "BTC/USD,none,")
    with pytest.raises(MarginError, match="table open in row 0 must be a number, got none"):
        read(io.StringIO(no_number))
    rows = [good(day) for day in (9, 8, 6, 5)]
    with pytest.raises(
        MarginError, match="time in row 2 must follow without a gap, got 2018-01-06"
    ):
        read(io.StringIO(day_file(*rows)))
    rows = [good(day) for day in (9, 8, 8, 7)]
    with pytest.raises(MarginError, match="time in row 2 must not come twice, got 2018-01-08"):
        read(io.StringIO(day_file(*rows)))
    with pytest.raises(MarginError, match="high in row 1 must"):
        read(io.StringIO(klines().replace(",3,5,2,4,", ",3,3.5,2,4,")))


def test_a_column_is_not_shifted_into_an_empty_one():
    file = lines([(FIRST + n * DAY, "", 4, 4, 4, 4) for n in range(2)])
    with pytest.raises(MarginError, match="open in row 0 must be a number, got nan"):
        read(io.StringIO(file))


def test_a_wide_file_is_read_or_refused_and_never_shifted():
    row = [FIRST, 2, 4, 1, 3]
    assert len(read(io.StringIO(lines([row + [1] * (MAX_COLUMNS - 5)])))) == 1
    with pytest.raises(MarginError, match=f"table must have at most {MAX_COLUMNS} columns"):
        read(io.StringIO(lines([row + [1] * (MAX_COLUMNS - 4)])))


def test_tables_that_are_refused():
    with pytest.raises(MarginError, match="must have rows"):
        read(pd.DataFrame())
    with pytest.raises(MarginError, match="open in row 0 must be a number, got True"):
        read(NAMED.assign(open=True))
    with pytest.raises(MarginError, match="time in row 1 must be a time, got NaT"):
        read(NAMED.assign(timestamp=[DATES[0], None, DATES[2]]))
    twice = NAMED.rename(columns={"timestamp": "time"}).set_index(DATES)
    with pytest.raises(MarginError, match="must have one column 'time'"):
        read(twice)


def test_tables_of_other_times_do_not_join():
    tables = {"BTC": read(NAMED), "ETH": read(NAMED[1:])}
    rule = "ETH times must be those of BTC, got 2018-01-02 .* to 2018-01-03"
    with pytest.raises(MarginError, match=rule):
        Bars.of_tables(tables)
    with pytest.raises(MarginError, match="tables must have at least one market, got {}"):
        Bars.of_tables({})


# Bars


def some_bars(steps=4, paths=None, seed=5, wicks=True, markets=("ETH", "BTC")):
    """Bars of random prices, each market with arrays of its own."""
    rng = np.random.default_rng(seed)
    shape = (steps,) if paths is None else (steps, paths)
    opened, close = ({m: rng.uniform(1, 9, shape) for m in markets} for _ in range(2))
    spread = rng.uniform(0.5, 1, shape) if wicks else 1
    low = {m: np.minimum(opened[m], close[m]) * spread for m in markets}
    high = {m: np.maximum(opened[m], close[m]) / spread for m in markets}
    return Bars(opened, low, high, close)


def test_bars_have_one_shape():
    for prices in (2.0, np.ones((2, 2, 2)), np.ones((2, 0)), np.ones((0, 2)), []):
        with pytest.raises(MarginError, match="must (have steps, and one shape|be numbers)"):
            Bars.of_marks({"ETH": prices})
    with pytest.raises(MarginError, match="one shape"):
        Bars.of_marks({"ETH": [1, 2], "BTC": [1, 2, 3]})
    with pytest.raises(MarginError, match="bars must have the same markets in each column"):
        Bars({"ETH": [1]}, {"ETH": [1]}, {"ETH": [1]}, {"BTC": [1]})
    with pytest.raises(MarginError, match="bars must have the same markets"):
        Bars({}, {}, {}, {})
    one, many = Bars.of_marks({"ETH": [1, 2]}), Bars.of_marks({"ETH": [[1, 2, 3]]})
    assert (one.steps, one.paths, many.steps, many.paths) == (2, 1, 1, 3)


@pytest.mark.parametrize(
    ("bad", "rule"),
    [(np.nan, "finite"), (np.inf, "finite"), (0, "above 0"), (-1, "above 0"), (None, "finite")],
)
def test_bars_name_the_row_of_a_bad_price(bad, rule):
    with pytest.raises(
        MarginError, match=f"mark of ETH in row 1 must be {rule}, got {bad}".replace("None", "nan")
    ):
        Bars.of_marks({"ETH": [1, bad, 2]})
    fine = {"ETH": [[1.0, 1.0], [1.0, 1.0]]}
    with pytest.raises(MarginError, match=f"ETH close in row 1 must be {rule}"):
        Bars(fine, fine, fine, {"ETH": [[1.0, 1.0], [1.0, bad]]})


@pytest.mark.parametrize(
    "bad", [["1"], ["x"], [True], [1j], [{}], [[1], [1, 2]], "1", None], ids=repr
)
def test_prices_are_numbers(bad):
    with pytest.raises(MarginError, match="mark of ETH (in row 0 )?must be"):
        Bars.of_marks({"ETH": bad})


def test_bars_name_a_low_or_high_that_is_none():
    columns = dict(zip(COLUMNS, ({"ETH": [1.0, p]} for p in (2, 1, 4, 3)), strict=True))
    assert Bars(**columns).marks("high", 1) == {"ETH": 4}
    for name, bad, rule in (("low", 2.5, "lowest"), ("high", 2.5, "highest")):
        with pytest.raises(MarginError, match=f"ETH {name} in row 1 must be the {rule} of its bar"):
            Bars(**{**columns, name: {"ETH": [1.0, bad]}})


@pytest.mark.parametrize(
    ("hours", "rule"),
    [
        ([0, 0], "hours in row 1 must rise, got 0.0"),
        ([1, 0], "hours in row 1 must rise"),
        ([0], "hours must be one for each of 2 steps"),
        ([[0, 1]], "hours must be one for each of 2 steps"),
        ([-1, 0], "hours must be at least 0"),  # funding would be paid back
        ([0, np.nan], "hours must be finite"),
        (["0", "1"], "hours must be a number"),
    ],
)
def test_hours_rise_from_the_opening_of_the_account(hours, rule):
    with pytest.raises(MarginError, match=rule):
        Bars.of_marks({"ETH": [1, 2]}, hours)


def test_wrong_types_are_named():
    for path in (5, None, [1.0, 2.0], [{"ETH": 1}, 2]):
        with pytest.raises(MarginError, match="(path|marks) must be of type"):
            Bars.of_marks(path)
    with pytest.raises(MarginError, match=r"bars open must be of type Mapping, got \[1\]"):
        Bars([1], [1], [1], [1])
    with pytest.raises(MarginError, match="tables must be of type Mapping"):
        Bars.of_tables([NAMED])


def test_of_marks_takes_a_path_in_three_forms():
    steps = [{"ETH": 2, "BTC": 5}, {"ETH": 3, "BTC": 4}]
    for path in (steps, iter(steps), {"ETH": [2, 3], "BTC": [5, 4]}):
        bars = Bars.of_marks(path, hours=[1, 3])
        assert [bars.marks(name, 1) for name in COLUMNS] == [steps[1]] * 4
        assert bars.hours.tolist() == [1, 3] and not bars.have_wicks


def test_wicks_are_seen_whatever_arrays_the_columns_share():
    flat, up, down = {"ETH": np.ones(2)}, {"ETH": np.full(2, 2.0)}, {"ETH": np.full(2, 0.5)}
    assert not Bars(flat, flat, flat, flat).have_wicks
    assert Bars(flat, flat, up, flat).have_wicks  # a short can die
    assert Bars(flat, down, flat, flat).have_wicks


@pytest.mark.parametrize("paths", [None, 3])
def test_parts_of_bars(paths):
    bars = some_bars(paths=paths)
    count = paths or 1
    whole = bars.take(slice(None))
    assert (whole.steps, whole.paths) == (4, count)
    for name in COLUMNS:
        for market in ("ETH", "BTC"):
            prices = getattr(bars, name)[market].reshape(4, -1)
            last = count - 1
            np.testing.assert_array_equal(getattr(bars.path(last), name)[market], prices[:, last])
            np.testing.assert_array_equal(
                getattr(bars.take([last]), name)[market], prices[:, [last]]
            )
            rows = getattr(bars.rows(slice(1, 3)), name)[market]
            np.testing.assert_array_equal(rows.reshape(2, -1), prices[1:3])
            assert np.shares_memory(rows, getattr(bars, name)[market])  # nothing copied
            one = bars.only([market])
            assert list(one.open) == [market] and one.hours is bars.hours
            assert getattr(one, name)[market] is getattr(bars, name)[market]
            step, path = np.array([3, 1]), np.array([0, last])
            picked = getattr(bars.pick(step, path), name)[market]
            np.testing.assert_array_equal(picked, [prices[step, path]])
    low, high = bars.extremes("ETH")
    assert low.shape == high.shape == (count,)
    np.testing.assert_array_equal(low, bars.low["ETH"].reshape(4, -1).min(axis=0))
    np.testing.assert_array_equal(high, bars.high["ETH"].reshape(4, -1).max(axis=0))
    assert bars.rows(slice(1, 3)).hours.tolist() == [1, 2]


def test_first_beyond_is_the_first_bar_that_reaches_a_price():
    columns = ([[2.0], [2], [2]], [[1.5], [1], [0.5]], [[3.0], [4], [5]], [[2.0], [2], [2]])
    bars = Bars(*({"ETH": np.repeat(column, 2, axis=1)} for column in columns))
    found = {price: bars.first_beyond("ETH", price, 1).tolist() for price in (2.5, 1.5, 1.2, 0.4)}
    assert found == {2.5: [0, 0], 1.5: [0, 0], 1.2: [1, 1], 0.4: [-1, -1]}
    found = {price: bars.first_beyond("ETH", price, -1).tolist() for price in (2.5, 4, 4.5, 6)}
    assert found == {2.5: [0, 0], 4: [1, 1], 4.5: [2, 2], 6: [-1, -1]}
    for side in (1, -1):
        assert bars.first_beyond("ETH", np.nan, side).tolist() == [-1, -1]
    assert bars.first_beyond("ETH", np.inf, -1).tolist() == [-1, -1]
    assert bars.first_beyond("ETH", np.inf, 1).tolist() == [0, 0]


@pytest.mark.parametrize("wicks", [True, False])
def test_bars_of_logarithms_are_those_that_are_drawn(wicks):
    market = Market(
        prices={"ETH": 3, "BTC": 50}, volatility=2, correlation=0.5, jumps=50, wicks=wicks
    )
    drawn, logs = (
        make(np.random.default_rng(1), 40, 7) for make in (market.draw, market._draw_logs)
    )
    assert type(drawn) is Bars and type(logs.rows(slice(2)).only(["ETH"])) is type(logs)
    assert drawn.have_wicks == logs.have_wicks == wicks
    assert (drawn.steps, drawn.paths) == (logs.steps, logs.paths) == (40, 7)

    def same(ours, theirs):
        for name in COLUMNS:
            for market in getattr(ours, name):
                np.testing.assert_allclose(
                    getattr(ours, name)[market], getattr(theirs, name)[market], rtol=1e-12
                )

    same(drawn, logs.take(slice(None)))
    same(drawn.path(3), logs.path(3))
    same(drawn.pick([3, 9], [0, 6]), logs.pick([3, 9], [0, 6]))
    same(drawn.rows(slice(2, 9)).path(1), logs.rows(slice(2, 9)).path(1))
    for name in COLUMNS:
        for m, prices in drawn.marks(name, 7).items():
            np.testing.assert_allclose(prices, logs.marks(name, 7)[m], rtol=1e-12)
    for ours, theirs in zip(drawn.extremes("ETH"), logs.extremes("ETH"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    for price in (0, 2.5, 3, 4, np.nan, np.inf):
        for side in (1, -1):
            ours, theirs = (bars.first_beyond("ETH", price, side) for bars in (drawn, logs))
            np.testing.assert_array_equal(ours, theirs)


def test_quoted_in_needs_a_market_and_others():
    for bars, market in ((some_bars(), "ADA"), (Bars.of_marks({"ETH": [1]}), "ETH")):
        with pytest.raises(MarginError, match=r"market must be one of several in"):
            bars.quoted_in(market)
    assert not Bars.of_marks({"ETH": [1], "BTC": [2]}).quoted_in("BTC").open.keys() - {"ETH"}


# Markets: what is drawn has the moments that were asked for, within four standard errors


def near(values, expected, errors=4):
    """Whether a mean lies within some of its standard errors."""
    values = np.asarray(values, dtype=float)
    error = values.std(ddof=1) / math.sqrt(values.size)
    assert abs(values.mean() - expected) < errors * error, (values.mean(), expected, error)


def returns(market, steps=1, paths=40_000, seed=1):
    """Logarithmic returns from the first price to the last, one row a market."""
    bars = market.draw(np.random.default_rng(seed), steps, paths)
    return np.array([np.log(bars.close[m][-1] / market.prices[m]) for m in market.prices])


FLAT = {"prices": {"ETH": 1}, "volatility": 0}
THREE = {"BTC": 100.0, "ETH": 10.0, "ADA": 1.0}


@pytest.mark.parametrize("wicks", [True, False])
def test_the_seed_decides_what_is_drawn(wicks):
    market = Market(prices=THREE, volatility=1, jumps=9, jump_deviation=0.1, tails=4, wicks=wicks)
    first, again, other = (
        market.draw(np.random.default_rng(seed), 5, 6).low["ETH"] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again) and not np.isin(first, other).any()
    rng = np.random.default_rng(1)
    market.draw(rng, 5, 6)
    assert not np.isin(first, market.draw(rng, 5, 6).low["ETH"]).any()


def test_hours_are_those_of_opens_or_of_single_prices():
    market = Market(prices={"ETH": 1}, volatility=1, step_hours=6)
    rng = np.random.default_rng(1)
    assert market.draw(rng, 3, 1).hours.tolist() == [6, 12, 18]
    assert Market(**FLAT, step_hours=6, wicks=True).draw(rng, 3, 1).hours.tolist() == [0, 6, 12]


@pytest.mark.parametrize("drift", [-0.5, 0.0, 0.5])
@pytest.mark.parametrize("steps", [1, 4])
def test_the_mean_price_grows_with_the_drift(drift, steps):
    market = Market(prices={"ETH": 2}, volatility=0.8, drift=drift, step_hours=8760 / steps)
    near(np.exp(returns(market, steps)), math.exp(drift))
    near(returns(market, steps, seed=2), drift - 0.32)


def test_each_market_has_its_volatility_and_drift():
    volatility = {"BTC": 0.4, "ETH": 0.9, "ADA": 1.6}
    drift = {"BTC": 0.1, "ETH": 0.0, "ADA": -0.3}
    market = Market(prices=THREE, volatility=volatility, drift=drift, step_hours=24)
    for row, name in zip(returns(market, steps=10), THREE, strict=True):
        years = 10 / 365
        mean = (drift[name] - volatility[name] ** 2 / 2) * years
        near(row, mean)
        near((row - mean) ** 2, volatility[name] ** 2 * years)


MATRIX = [[1.0, 0.7, -0.2], [0.7, 1.0, 0.3], [-0.2, 0.3, 1.0]]


@pytest.mark.parametrize("matrix", [MATRIX, np.eye(3).tolist(), 0.5, -0.5, 0.0], ids=repr)
def test_correlations_of_three_markets(matrix):
    market = Market(prices=THREE, volatility=1, correlation=matrix, step_hours=8760)
    expected = np.where(np.eye(3) == 1, 1.0, matrix) if np.ndim(matrix) == 0 else np.array(matrix)
    np.testing.assert_allclose(market.mixing() @ market.mixing().T, expected, atol=1e-12)
    found, error = np.corrcoef(returns(market)), (1 - expected**2) / math.sqrt(40_000)
    assert np.all(abs(found - expected) <= 4 * error + 1e-12)


@pytest.mark.parametrize("correlation", [1, -1])
def test_markets_that_move_as_one(correlation):
    pair = {"prices": {"BTC": 9, "ETH": 1}, "volatility": {"BTC": 1, "ETH": 2}}
    market = Market(**pair, correlation=correlation, step_hours=8760)
    first, second = returns(market) + [[0.5], [2]]  # less the mean
    np.testing.assert_allclose(second, 2 * correlation * first, atol=1e-7)


def test_three_markets_that_move_as_one():
    market = Market(prices=THREE, volatility=1, correlation=1, step_hours=8760)
    first, second, third = returns(market, paths=100)
    np.testing.assert_allclose([second, third], [first, first], atol=1e-7)


@pytest.mark.parametrize(
    ("correlation", "rule"),
    [
        (-1, "must be possible between all pairs"),  # three cannot all move against each other
        (-0.51, "must be possible"),
        (1.1, "must be possible"),
        ([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]], "must be possible"),
        ([[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]], "must be a matrix of 3 markets"),
        ([[2, 0, 0], [0, 1, 0], [0, 0, 1]], "must be a matrix of 3 markets"),
        ([[1, 0], [0, 1]], "must be a matrix of 3 markets"),
        ([0, 0, 0], "must be a matrix of 3 markets"),
        (np.nan, "must be finite"),
        ("0.5", "must be a number"),
        ([[1], [0, 1]], "must be a number"),
    ],
)
def test_impossible_correlations(correlation, rule):
    with pytest.raises(MarginError, match=f"correlation {rule}"):
        Market(prices=THREE, volatility=1, correlation=correlation)


def test_jumps_come_so_often_and_are_so_large():
    counts = returns(Market(**FLAT, jumps=3, jump_mean=1, step_hours=8760))[0]
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)  # each is 1
    near(counts, 3)
    near((counts - 3) ** 2, 3)
    sizes = returns(Market(**FLAT, jumps=3, jump_mean=0.2, jump_deviation=0.5, step_hours=8760))[0]
    near(sizes, 3 * 0.2)
    near((sizes - 0.6) ** 2, 3 * (0.2**2 + 0.5**2))
    assert abs(np.mean(sizes == 0) - math.exp(-3)) < 4 * math.sqrt(math.exp(-3) / 40_000)


def test_all_markets_jump_together_and_as_a_bar_opens():
    market = Market(prices=THREE, volatility=0, jumps=2000, jump_mean=-0.1, wicks=True)
    bars = market.draw(np.random.default_rng(1), 5, 50)
    for name, price in THREE.items():
        np.testing.assert_allclose(bars.open[name] / price, bars.open["BTC"] / 100, rtol=1e-12)
        np.testing.assert_allclose(bars.open[name], bars.close[name], rtol=1e-12)
        assert np.all(bars.open[name][1:] < bars.close[name][:-1])


def test_tails_are_fat_and_leave_the_variance():
    market = Market(prices={"ETH": 1}, volatility=1, tails=12, step_hours=8760)
    normal = returns(market, paths=300_000)[0] + 0.5
    near(normal**2, 1)
    near(normal**4, 3 + 6 / (12 - 4))
    wild = returns(Market(prices={"ETH": 1}, volatility=1, tails=3, step_hours=8760))[0] + 0.5
    assert (wild**4).mean() > 10


@pytest.mark.parametrize("tails", [None, 3.0])
def test_wicks_hold_the_open_and_the_close(tails):
    market = Market(
        prices=THREE, volatility=2, correlation=0.5, jumps=50, jump_deviation=0.2, tails=tails,
        wicks=True,
    )  # fmt: skip
    bars = market.draw(np.random.default_rng(1), 20, 500)
    for name in THREE:
        opened, low, high, close = (getattr(bars, column)[name] for column in COLUMNS)
        assert np.all(low <= np.minimum(opened, close))
        assert np.all(high >= np.maximum(opened, close))
    Bars(*(getattr(bars, name) for name in COLUMNS))  # passes the checks of all bars


@pytest.mark.parametrize("drift", [0.0, 0.8])
def test_wicks_are_those_of_a_brownian_bridge(drift):
    # chance(min <= m | close) = exp(−2 m (m − close) / σ²dt), in logarithms from the open
    market = Market(prices={"ETH": 1}, volatility=0.9, drift=drift, step_hours=720, wicks=True)
    bars = market.draw(np.random.default_rng(1), 2, 20_000)
    opened, low, high, close = (np.log(getattr(bars, name)["ETH"]) for name in COLUMNS)
    for end in (low, high):
        ranks = np.exp(-2 * (end - opened) * (end - close) / (0.9**2 * 720 / 8760))
        near(ranks, 1 / 2)
        near((ranks - 1 / 2) ** 2, 1 / 12)
        for share in (0.01, 0.1, 0.25, 0.75, 0.9, 0.99):
            near(ranks < share, share)
        assert abs(np.corrcoef(ranks.ravel(), (close - opened).ravel())[0, 1]) < 4 / 200


BAD_MARKETS = [
    ("prices", [1, 2], "prices must be of type Mapping"),
    ("prices", {}, "prices must have at least one market"),
    ("prices", {"BTC": 0}, "price of BTC must be above 0, got 0"),
    ("prices", {"BTC": "1"}, "price of BTC must be a number, got 1"),
    ("volatility", -0.1, "volatility of BTC must be at least 0"),
    ("volatility", np.nan, "volatility of BTC must be finite"),
    ("volatility", None, "volatility of BTC must be a number"),
    ("volatility", {"BTC": 1, "ETH": 1}, "volatility must have a value for ADA"),
    ("volatility", [1, 1, 1], "volatility of BTC must be a single number"),
    ("drift", np.inf, "drift of BTC must be finite"),
    ("jumps", -1, "jumps must be at least 0"),
    ("jumps", np.nan, "jumps must be finite"),
    ("jump_mean", "x", "jump mean must be a number"),
    ("jump_deviation", -1, "jump deviation must be at least 0"),
    ("tails", 2, "tails must be above 2, got 2"),
    ("tails", np.inf, "tails must be finite"),
    ("step_hours", 0, "step_hours must be above 0"),
    ("step_hours", True, "step_hours must be a number"),
]


@pytest.mark.parametrize(("name", "bad", "message"), BAD_MARKETS)
def test_bad_markets_are_refused(name, bad, message):
    with pytest.raises(MarginError, match=message):
        Market(**{"prices": THREE, "volatility": 1, name: bad})


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"rng": None}, "rng must be of type Generator, got None"),
        ({"rng": 7}, "rng must be of type Generator, got 7"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"steps": 2.5}, "steps must be a whole number, got 2.5"),
        ({"paths": np.nan}, "paths must be finite, got nan"),
        ({"paths": "3"}, "paths must be a number, got 3"),
    ],
)
def test_bad_draws_are_refused(bad, message):
    call = {"rng": np.random.default_rng(1), "steps": 2, "paths": 3, **bad}
    for make in (Market(**FLAT).draw, Market(**FLAT)._draw_logs):
        with pytest.raises(MarginError, match=message):
            make(**call)


def test_windows_are_stretches_from_every_step_at_the_prices_asked_for():
    tables = {m: read(DATA / f"{m.lower()}_usd.csv") for m in ("ETH", "LTC")}
    bars = Bars.of_tables(tables)
    stretches = bars.windows(30, {"ETH": 2000, "LTC": 5})
    assert stretches.paths == bars.steps - 29
    assert stretches.steps == 30
    assert np.allclose(stretches.open["LTC"][0], 5)
    for first in (0, 7, stretches.paths - 1):
        for name in COLUMNS:
            was = tables["ETH"][name].to_numpy()[first : first + 30]
            scale = 2000 / tables["ETH"]["open"].iloc[first]
            assert np.allclose(getattr(stretches, name)["ETH"][:, first], was * scale)
    assert stretches.hours.tolist() == [24.0 * n for n in range(30)]
    assert list(bars.windows(bars.steps, {"LTC": 1}).open) == ["LTC"]


@pytest.mark.parametrize(
    ("steps", "prices", "message"),
    [
        (4, {"ETH": 1}, "steps must be at most 3"),
        (0, {"ETH": 1}, "steps must be at least 1"),
        (2, {"ETH": 0}, "ETH price must be above 0"),
    ],
)
def test_windows_that_there_are_not(steps, prices, message):
    with pytest.raises(MarginError, match=message):
        Bars.of_marks({"ETH": [1, 2, 3]}).windows(steps, prices)
