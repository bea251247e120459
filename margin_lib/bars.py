"""Prices over time, step by step: bars from a file, or from marks.

A bar says where a price opened, how low and how high it went, and where it closed. A single price
is a bar that goes nowhere, so a path of marks is a path of bars too. Arrays have one row a step;
many paths stand side by side in columns.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import pandas as pd

from margin_lib.errors import MarginError, as_scalar, count, number, of_type, one_number
from margin_lib.types import ArrayLike, Marks, Number

# What a file that cannot be read raises, packed or not.
SPOILT: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
try:
    from lzma import LZMAError
except ImportError:  # a Python may be built without it, as some are for a browser
    pass
else:
    SPOILT += (LZMAError,)

STEPS_PER_BLOCK = 32  # So few that their prices stay in the processor's cache.
COLUMNS = ("open", "low", "high", "close")
# The columns of public files without a header: Binance's klines, and ccxt's fetch_ohlcv.
KLINE_COLUMNS = ("time", "open", "high", "low", "close", "volume")
# A unit's numbers are below this, until the year 5138; those of ns until 2255.
MAX_TIME_OF_UNIT = {"s": 1e11, "ms": 1e14, "us": 1e17, "ns": 9e18}
EARLIEST_TIME = 1e8  # A smaller number is no time: perhaps it is a date, 20180101.
MAX_COLUMNS = 50
ROWS_AT_ONCE = 10_000  # Of a file; as strings they take many times what they take as numbers.
TIME_COLUMNS = ("time", "timestamp", "unix", "open_time", "open time", "date", "datetime")
Indices = Sequence[int] | np.ndarray  # Numbers of paths or steps; 0 is the first.
Prices = Mapping[str, np.ndarray]  # Market -> array.


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Bars:
    """Prices of one or more markets, step by step, on one path or on many.

    Parameters
    ----------
    open, low, high, close : Mapping   market -> array, shape (steps,) or (steps, paths), all of one
                                       shape [quote per coin]
    hours : array_like         when each bar opens, shape (steps,), counted from when the account
                               is opened, at least 0, rising; default 0, 1, 2, … [hour]

    Raises
    ------
    MarginError                no steps; other shapes; a price that is not above 0 or not finite; a
                               low that is not the lowest, a high that is not the highest: says
                               which row, counted from 0

    >>> eth = np.array([2.0, 3.0])
    >>> Bars(*({"ETH": prices} for prices in (eth, eth - 1, eth + 1, eth))).steps
    2
    """

    open: Prices
    low: Prices
    high: Prices
    close: Prices
    hours: np.ndarray

    def __init__(
        self, open: Marks, low: Marks, high: Marks, close: Marks, hours: ArrayLike | None = None
    ) -> None:
        columns = open, low, high, close
        for name, column in zip(COLUMNS, columns, strict=True):
            of_type(f"bars {name}", column, Mapping)
        if not open or len({frozenset(column) for column in columns}) != 1:
            raise MarginError("bars", "must have the same markets in each column", list(columns))
        checked: dict[int, np.ndarray] = {}  # One array in four places is looked at once.
        for name, column in zip(COLUMNS, columns, strict=True):
            for m, prices in column.items():
                if id(prices) not in checked:
                    words = f"mark of {m}" if open is close else f"{m} {name}"
                    checked[id(prices)] = _prices(words, prices)
            made = {m: checked[id(prices)] for m, prices in column.items()}
            object.__setattr__(self, name, made)
        shapes = {getattr(self, name)[m].shape for name in COLUMNS for m in open}
        if len(shapes) != 1 or not all(min(shapes)) or len(min(shapes)) > 2:
            raise MarginError("bars", "must have steps, and one shape for all prices", shapes)
        for m in self.open if self.have_wicks else ():
            ends = self.open[m], self.close[m]
            wrong = self.low[m] > np.minimum(*ends)
            _refuse(f"{m} low", wrong, "must be the lowest of its bar", self.low[m])
            wrong = self.high[m] < np.maximum(*ends)
            _refuse(f"{m} high", wrong, "must be the highest of its bar", self.high[m])
        hours = np.arange(self.steps) if hours is None else hours
        hours = np.asarray(number("hours", hours, at_least=0), dtype=float)
        if hours.shape != (self.steps,):
            raise MarginError("hours", f"must be one for each of {self.steps} steps", hours.shape)
        _refuse("hours", np.diff(hours, prepend=-np.inf) <= 0, "must rise", hours)
        object.__setattr__(self, "hours", hours)

    @classmethod
    def of_marks(cls, path: Iterable[Marks] | Marks, hours: ArrayLike | None = None) -> "Bars":
        """Bars of single prices: they open, stay and close there.

        Parameters
        ----------
        path : iterable of Mapping, or Mapping     market -> price, step by step; or market ->
                                   array of shape (steps,) or (steps, paths) [quote per coin]
        hours : as for `Bars`

        Returns
        -------
        Bars

        Raises
        ------
        MarginError                as for `Bars`; a step without a price that the first one has

        >>> Bars.of_marks([{"ETH": 2}, {"ETH": 3}]).close["ETH"]
        array([2., 3.])
        """
        if not isinstance(path, Mapping):
            path = list(of_type("path", path, Iterable))
            if not path:
                raise MarginError("path", "must have at least one step", path)
            first = of_type("marks", path[0], Mapping)
            path = {m: [_mark(marks, m) for marks in path] for m in first}
        return cls(path, path, path, path, hours)

    @classmethod
    def of_tables(cls, tables: Mapping[str, pd.DataFrame]) -> "Bars":
        """Bars of the tables that `read` returns.

        Parameters
        ----------
        tables : Mapping           market -> table, all of the same times

        Returns
        -------
        Bars                       arrays of shape (steps,); hours are counted from the first row

        Raises
        ------
        MarginError                no tables, tables of different times, and as for `Bars`

        >>> table = pd.DataFrame([[1514764800000, 2, 4, 1, 3, 9]])   # a row of ccxt
        >>> Bars.of_tables({"ETH": read(table)}).high["ETH"]
        array([4.])
        """
        if not of_type("tables", tables, Mapping):
            raise MarginError("tables", "must have at least one market", tables)
        times = [table.index for table in tables.values()]
        for market, index in zip(tables, times, strict=True):
            if not index.equals(times[0]):
                rule = f"must be those of {next(iter(tables))}"
                raise MarginError(f"{market} times", rule, f"{index.min()} to {index.max()}")
        hours = (times[0] - times[0][0]) / pd.Timedelta(hours=1)
        prices = {name: {m: t[name].to_numpy() for m, t in tables.items()} for name in COLUMNS}
        return cls(**prices, hours=hours)

    @property
    def steps(self) -> int:
        """How many bars there are [1]."""
        return len(next(iter(self.open.values())))

    @property
    def paths(self) -> int:
        """How many paths stand side by side; 1 where arrays have no columns [1]."""
        return (*next(iter(self.open.values())).shape, 1)[1]

    @property
    def have_wicks(self) -> bool:
        """Whether prices move within a bar."""
        return any(p is not side[m] for m, p in self.open.items() for side in (self.low, self.high))

    def marks(self, name: str, step: int) -> dict[str, Number]:
        """The marks at one of a step's four prices.

        Parameters
        ----------
        name : str                 "open", "low", "high" or "close"
        step : int                 0 is the first, -1 the last

        Returns
        -------
        dict                       market -> float, or array of shape (paths,) [quote per coin]

        >>> Bars.of_marks([{"ETH": 2}, {"ETH": 3}]).marks("close", 1)
        {'ETH': 3.0}
        """
        return {m: as_scalar(self._price(p[step])) for m, p in getattr(self, name).items()}

    def extremes(self, market: str) -> tuple[np.ndarray, np.ndarray]:
        """Lowest low and highest high of a market on each path.

        Parameters
        ----------
        market : str

        Returns
        -------
        (ndarray, ndarray)         low and high, shape (paths,) [quote per coin]

        >>> Bars.of_marks({"ETH": [[1, 2], [3, 4]]}).extremes("ETH")
        (array([1., 2.]), array([3., 4.]))
        """
        low, high = self.low[market].min(axis=0), self.high[market].max(axis=0)
        return np.atleast_1d(self._price(low)), np.atleast_1d(self._price(high))

    def first_beyond(self, market: str, price: float, side: float) -> np.ndarray:
        """First step at which each path reaches a price.

        Parameters
        ----------
        market : str
        price : float              [quote per coin]
        side : number              above 0: the low is at the price or below it, what a long fears;
                                   below 0: the high is there or above it [1]

        Returns
        -------
        ndarray                    0 is the first step, -1 for never, shape (paths,) [1]

        >>> Bars.of_marks({"ETH": [[4, 4], [2, 3]]}).first_beyond("ETH", 2.5, side=1)
        array([ 1, -1])
        """
        edge = self._kept(price)
        prices = (self.low if side > 0 else self.high)[market].reshape(self.steps, -1)
        step = np.full(self.paths, -1)
        for first in range(0, self.steps, STEPS_PER_BLOCK):
            block = prices[first : first + STEPS_PER_BLOCK]
            far = block.min(axis=0) <= edge if side > 0 else block.max(axis=0) >= edge
            new = np.nonzero(far & (step < 0))[0]
            beyond = block[:, new] <= edge if side > 0 else block[:, new] >= edge
            step[new] = first + beyond.argmax(axis=0)
        return step

    def take(self, paths: slice | Indices) -> "Bars":
        """Indices of the paths.

        Parameters
        ----------
        paths : slice or sequence of int       which, 0 is the first

        Returns
        -------
        Bars                       arrays of shape (steps, paths), of so many as are taken

        >>> Bars.of_marks({"ETH": [[1, 2], [3, 4]]}).take([1]).close["ETH"]
        array([[2.],
               [4.]])
        """
        columns = self._map(lambda kept: self._price(kept.reshape(self.steps, -1)[:, paths]))
        return Bars._made(columns, self.hours)

    def only(self, markets: Iterable[str]) -> "Bars":
        """The bars of some of the markets, nothing copied.

        Parameters
        ----------
        markets : iterable of str

        Returns
        -------
        Bars                       arrays of the same shape

        >>> list(Bars.of_marks({"ETH": [1], "ADA": [2]}).only(["ADA"]).close)
        ['ADA']
        """
        columns = [{m: getattr(self, name)[m] for m in markets} for name in COLUMNS]
        return self._made(columns, self.hours)

    def rows(self, steps: slice) -> "Bars":
        """Indices of the steps, nothing copied.

        Parameters
        ----------
        steps : slice              which, 0 is the first

        Returns
        -------
        Bars                       arrays of shape (steps,) or (steps, paths), with their hours

        >>> Bars.of_marks({"ETH": [1, 2, 3]}).rows(slice(1, 3)).hours
        array([1., 2.])
        """
        columns = self._map(lambda kept: kept[steps])
        return self._made(columns, self.hours[steps])

    def pick(self, steps: Indices, paths: Indices) -> "Bars":
        """One step of each of some paths, side by side.

        Parameters
        ----------
        steps, paths : sequence of int     a step for each path, 0 is the first

        Returns
        -------
        Bars                       arrays of shape (1, paths); the hour is that of the first step

        >>> Bars.of_marks({"ETH": [[1, 2], [3, 4]]}).pick([1, 0], [0, 1]).close["ETH"]
        array([[3., 2.]])
        """
        columns = self._map(
            lambda kept: self._price(kept.reshape(self.steps, -1)[steps, paths])[None]
        )
        return Bars._made(columns, self.hours[:1])

    def path(self, number: int) -> "Bars":
        """One of the paths.

        Parameters
        ----------
        number : int               which, 0 is the first

        Returns
        -------
        Bars                       arrays of shape (steps,)

        >>> Bars.of_marks({"ETH": [[1, 2], [3, 4]]}).path(1).close["ETH"]
        array([2., 4.])
        """
        columns = self._map(lambda kept: self._price(kept.reshape(self.steps, -1)[:, number]))
        return Bars._made(columns, self.hours)

    def windows(self, steps: int, prices: Mapping[str, float]) -> "Bars":
        """Stretches of so many steps, one from every step, side by side, opened at given prices.

        Parameters
        ----------
        steps : int                length of each stretch, at least 1 [1]
        prices : Mapping           market -> price at which each one opens, above 0; markets that
                                   it leaves out fall away [quote per coin]

        Returns
        -------
        Bars                       arrays of shape (steps, stretches)

        Raises
        ------
        MarginError                a length that is not whole, or more than there are steps

        Equation:  price · given price / first price of the stretch

        >>> Bars.of_marks({"ETH": [1, 2, 3]}).windows(2, {"ETH": 6}).close["ETH"]
        array([[ 6.,  6.],
               [12.,  9.]])
        """
        if count("steps", steps) > self.steps:
            raise MarginError("steps", f"must be at most {self.steps}", steps)
        starts = np.arange(self.steps - steps + 1)
        rows = starts + np.arange(steps)[:, None]
        scale = {m: one_number(f"{m} price", prices[m], above=0) for m in prices}
        scale = {m: price / self.open[m][starts] for m, price in scale.items()}
        prices = {n: {m: getattr(self, n)[m][rows] * scale[m] for m in scale} for n in COLUMNS}
        return Bars(**prices, hours=self.hours[:steps] - self.hours[0])

    def quoted_in(self, market: str) -> "Bars":
        """The other markets' prices counted in one of them, which falls away.

        Opens and closes are of one moment and can be divided. Lows and highs are not: no file says
        what the other price was then. So a bar's low and high are those of its open and close, and
        what happened between them is left out.

        Parameters
        ----------
        market : str               whose coin is the new quote

        Returns
        -------
        Bars                       arrays of the same shape [coin of that market per coin]

        Raises
        ------
        MarginError                an unknown market, or no other one

        Equation:  new price = price / price of the market

        >>> Bars.of_marks({"ETH": [200, 300], "BTC": [400, 400]}).quoted_in("BTC").close["ETH"]
        array([0.5 , 0.75])
        """
        rest = [name for name in self.open if name != market]
        if market not in self.open or not rest:
            raise MarginError("market", f"must be one of several in {list(self.open)}", market)
        opened, close = ({m: p[m] / p[market] for m in rest} for p in (self.open, self.close))
        low = {m: np.minimum(opened[m], close[m]) for m in rest}
        high = {m: np.maximum(opened[m], close[m]) for m in rest}
        return Bars(opened, low, high, close, self.hours)

    def _price(self, kept: np.ndarray) -> np.ndarray:
        """Prices of what the arrays hold: prices, here."""
        return kept

    def _kept(self, price: float) -> float:
        """What the arrays hold for a price."""
        return price

    def _map(self, change: Callable[[np.ndarray], np.ndarray]) -> list[Prices]:
        """Columns of changed arrays; one array in several places is changed once."""
        arrays = {id(p): p for name in COLUMNS for p in getattr(self, name).values()}
        made = {key: change(array) for key, array in arrays.items()}
        return [{m: made[id(p)] for m, p in getattr(self, n).items()} for n in COLUMNS]

    @classmethod
    def _made(cls, columns: Iterable[Prices], hours: np.ndarray) -> Self:
        """Bars of arrays that need no check."""
        bars = object.__new__(cls)
        for name, value in zip((*COLUMNS, "hours"), (*columns, hours), strict=True):
            object.__setattr__(bars, name, value)
        return bars


def _mark(marks: Marks, market: str) -> float:
    if market not in of_type("marks", marks, Mapping):
        raise MarginError("marks", f"must hold a price for {market}", marks)
    return one_number(f"mark of {market}", marks[market], above=0)


def _prices(name: str, values: ArrayLike) -> np.ndarray:
    """An array of prices: the first that is not finite or not above 0 is named by its row."""
    try:
        prices = np.asarray(values)
        fits = prices.ndim and prices.dtype.kind in "iufO"  # Fractions are objects.
        prices = prices.astype(float, copy=False) if fits else None
    except (TypeError, ValueError):
        prices = None
    if prices is None:
        raise MarginError(name, "must be numbers", values)
    for first in range(0, len(prices), STEPS_PER_BLOCK):
        block = prices[first : first + STEPS_PER_BLOCK]
        if block.size and not (block.min() > 0 and block.max() < np.inf):
            _refuse(name, ~np.isfinite(prices), "must be finite", prices)
            _refuse(name, prices <= 0, "must be above 0", prices)
    return prices


def _refuse(name: str, wrong: np.ndarray, rule: str, values: Any, first: int = 0) -> None:
    """MarginError for the first row in which something is wrong."""
    if np.any(wrong):
        at = np.argwhere(wrong)[0]
        raise MarginError(f"{name} in row {first + at[0]}", rule, np.asarray(values)[tuple(at)])


def read(source: str | Path | IO | pd.DataFrame, market: str | None = None) -> pd.DataFrame:
    """A table of bars, read and checked: nothing is guessed, filled or sorted.

    Known are Binance's public klines (with or without a header), files of CryptoDataDownload (a
    line with an address above the header, the newest row first) and tables of ccxt's fetch_ohlcv
    (times in milliseconds); and any table with columns named as these. A file that is newest
    first throughout is read from its end. Dates are in ISO 8601; numbers are seconds,
    milliseconds, microseconds or nanoseconds since 1970, by their size, from March 1973 on.

    Parameters
    ----------
    source : str, Path, file or DataFrame      a file on this machine, packed as its name says, or
                               what is open already; or the table itself, in which an index of
                               dates is the column of times
    market : str or None       named in errors

    Returns
    -------
    DataFrame                  columns open, low, high, close; times (UTC) as its index, evenly
                               spaced

    Raises
    ------
    MarginError                an address; no file of CSV in UTF-8; no rows; a column that is
                               missing or doubled; a time that cannot be read, is counted in
                               another unit, comes twice, is out of order, or not the shortest step
                               from the row above; a price as for `Bars`. Says which row: 0 is the
                               first below the header, as the file stands, blank lines not counted

    >>> table = pd.DataFrame([[1514764800000, 2, 4, 1, 3, 9]])   # a row of ccxt
    >>> read(table)["low"].tolist()
    [1.0]
    """
    label = market or "table"
    if isinstance(source, str | Path):
        if re.match(r"[\w+.-]+:/", str(source)) and not re.match(r"[A-Za-z]:/", str(source)):
            raise MarginError(label, "must be a file on this machine", source)
        label = f"{market} in {Path(source).name}" if market else Path(source).name
    first, prices, times = 0, [], []
    for table in _pieces(source, label):
        prices.append(_floats(table, label, first))
        times.append(_stamps(table, label, first))
        first += len(table)
    if not first:
        raise MarginError(label, "must have rows", first)
    table = np.concatenate(prices)
    prices.clear()
    opened, low, high, close = ({label: column} for column in table.T)
    Bars(opened, low, high, close)  # Refuses wrong prices, and says in which row.
    index = _index(times, label)
    steps = np.diff(index.asi8)
    newest_first = len(steps) and max(steps) < 0
    steps = -steps if newest_first else steps
    for wrong, rule in (
        (steps == 0, "must not come twice"),
        (steps < 0, "must be in order"),
        (steps != min(steps, default=0), "must follow without a gap"),
    ):
        _refuse(f"{label} time", np.append(False, wrong), rule, index)
    bars = pd.DataFrame(table, index=index, columns=list(COLUMNS), copy=False)
    return bars[::-1] if newest_first else bars


def _pieces(source: str | Path | IO | pd.DataFrame, label: str) -> Iterator[pd.DataFrame]:
    """A table, or the cells of a CSV file as strings, some rows at a time: with small names."""
    if isinstance(source, pd.DataFrame):
        if isinstance(source.index, pd.DatetimeIndex):
            source = source.reset_index(names=TIME_COLUMNS[0], allow_duplicates=True)
        yield from _named([source], label)
        return
    form: dict[str, Any] = {"header": None, "names": range(MAX_COLUMNS), "dtype": str}
    try:
        with pd.read_csv(source, **form, chunksize=ROWS_AT_ONCE) as pieces:
            yield from _named(pieces, label)
    except UnicodeDecodeError as error:
        rule = "must be text in UTF-8, or be named as what packed it, such as .gz"
        raise MarginError(label, rule, f"byte 0x{error.object[error.start]:02x}") from None
    except MarginError:
        raise
    except SPOILT as error:
        why = str(getattr(error, "strerror", None) or error).strip().splitlines()[0]
        raise MarginError(label, "must be a file that can be read", why) from None


def _named(pieces: Iterable[pd.DataFrame], label: str) -> Iterator[pd.DataFrame]:
    """Pieces of a table, with the names of its first row, or those of a file without names."""
    names, kept = None, None
    for piece in pieces:
        if not isinstance(piece.index, pd.RangeIndex) and all(_is_whole(name) for name in piece):
            # pandas made an index of what is too much.
            raise MarginError(label, f"must have at most {MAX_COLUMNS} columns", piece.shape[1])
        if names is None and all(_is_whole(name) for name in piece):
            if "://" in str(piece.iloc[:1, :1].to_numpy()):
                piece = piece[1:]
            if not len(piece):
                continue
            first = piece.iloc[0]
            if pd.isna(pd.to_numeric(first.iloc[0], errors="coerce")):
                piece, kept = piece[1:], first.notna().to_numpy()
                names = list(first[kept])
            else:
                names = [*KLINE_COLUMNS, *range(piece.shape[1])][: piece.shape[1]]
        if kept is not None:
            piece = piece.loc[:, kept]
        if names is not None:
            piece = piece.set_axis(names, axis=1)
        yield piece.rename(columns=lambda name: str(name).strip().lower())


def _is_whole(name: object) -> bool:
    return isinstance(name, int | np.integer)


def _floats(table: pd.DataFrame, label: str, first: int) -> np.ndarray:
    """Prices of some rows, shape (rows, 4)."""
    for name in (_time_column(table), *COLUMNS) if len(table) else ():
        if list(table).count(name) != 1:
            raise MarginError(label, f"must have one column {name!r}", list(table))
    prices = np.empty((len(table), len(COLUMNS)))
    for place, name in enumerate(COLUMNS if len(table) else ()):
        cells = table[name].to_numpy()
        column = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float)
        wrong = np.isnan(column) | [isinstance(x, bool | np.bool_) for x in cells]
        _refuse(f"{label} {name}", wrong, "must be a number", cells, first)
        prices[:, place] = column
    return prices


def _time_column(table: pd.DataFrame) -> str:
    return next((name for name in TIME_COLUMNS if name in table), TIME_COLUMNS[0])


def _stamps(table: pd.DataFrame, label: str, first: int) -> np.ndarray | pd.DatetimeIndex:
    """Times of some rows: numbers as they stand, dates as times in UTC."""
    if not len(table):
        return np.empty(0)
    column = table[_time_column(table)]
    numbers = None
    if not pd.api.types.is_datetime64_any_dtype(column):
        numbers = pd.to_numeric(column, errors="coerce")
        numbers = numbers.where(numbers < MAX_TIME_OF_UNIT["ns"])
    if numbers is not None and not numbers.isna().all():
        wrong = ~(numbers >= EARLIEST_TIME).to_numpy()
        _refuse(f"{label} time", wrong, "must be a time", column.to_numpy(), first)
        return numbers.to_numpy()
    times = pd.DatetimeIndex(pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True))
    seconds = times.as_unit("s").asi8  # What is no time at all is far below all of them.
    wrong = np.abs(seconds.astype(float)) > MAX_TIME_OF_UNIT["ns"] / 1e9
    _refuse(f"{label} time", wrong, "must be a time", column.to_numpy(), first)
    return times.as_unit("ns")


def _index(pieces: list[np.ndarray | pd.DatetimeIndex], label: str) -> pd.DatetimeIndex:
    """Times of all rows, of numbers or of dates: see `read`."""
    pieces = [piece for piece in pieces if len(piece)]
    dates = [piece for piece in pieces if isinstance(piece, pd.DatetimeIndex)]
    if len(dates) == len(pieces):
        return dates[0].append(dates[1:]).rename("time")
    rows = np.cumsum([0, *map(len, pieces)])
    if dates:
        at = next(row for row, piece in zip(rows, pieces, strict=False) if piece is dates[0])
        raise MarginError(f"{label} time in row {at}", "must be a time", dates[0][0])
    numbers = np.concatenate(pieces)
    limits = list(MAX_TIME_OF_UNIT.values())
    units = np.searchsorted(limits, numbers, side="right")
    _refuse(f"{label} time", units != units[0], "must be in the unit of row 0", numbers)
    unit = list(MAX_TIME_OF_UNIT)[units[0]]
    return pd.DatetimeIndex(pd.to_datetime(numbers, unit=unit, utc=True), name="time").as_unit("ns")
