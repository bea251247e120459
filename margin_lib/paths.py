"""Prices over time: bars that were, from a file, and bars that might be, from a seeded generator.

A bar says where a price opened, how low and how high it went, and where it closed. A single price
is a bar that goes nowhere, so a path of marks is a path of bars too. Arrays have one row a step;
many paths stand side by side in columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from margin_lib.errors import MarginError, number, one_number, plain

YEAR = 8760  # hours
COLUMNS = ("open", "low", "high", "close")
# The columns of public files that have no header: Binance's klines, and ccxt's fetch_ohlcv.
KLINES = ("time", "open", "high", "low", "close", "volume")
UNITS = {"s": 1e11, "ms": 1e14, "us": 1e17}  # a unit's numbers are below this until the year 5138
TIMES = ("time", "timestamp", "unix", "open_time", "open time", "date", "datetime")


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Prices of one or more markets, step by step, on one path or on many.

    Parameters
    ----------
    open, low, high, close : Mapping   market -> array, shape (steps,) or (steps, paths), all of one
                                       shape [quote per coin]
    hours : array_like         when each bar opens, shape (steps,), counted from when the account
                               is opened, rising; default 0, 1, 2, … [hour]

    Raises
    ------
    MarginError                no steps; other shapes; a price that is not above 0 or not finite; a
                               low that is not the lowest, a high that is not the highest: says
                               which row, counted from 0

    >>> eth = np.array([2.0, 3.0])
    >>> Bars(*({"ETH": prices} for prices in (eth, eth - 1, eth + 1, eth))).steps
    2
    """

    open: Mapping
    low: Mapping
    high: Mapping
    close: Mapping
    hours: np.ndarray = None
    _logs: bool = field(default=False, init=False)  # arrays hold logarithms: see `Market.walk`

    def __post_init__(self):
        columns = [getattr(self, name) for name in COLUMNS]
        if not columns[0] or len({frozenset(column) for column in columns}) != 1:
            raise MarginError("bars", "must have the same markets in each column", columns)
        for name, column in zip(COLUMNS, columns, strict=True):
            made = {m: _prices(f"{m} {name}", prices) for m, prices in column.items()}
            object.__setattr__(self, name, made)
        shapes = {getattr(self, name)[m].shape for name in COLUMNS for m in self.open}
        if len(shapes) != 1 or not all(min(shapes)) or len(min(shapes)) > 2:
            raise MarginError("bars", "must have steps, and one shape for all prices", shapes)
        for m in self.open:
            ends = self.open[m], self.close[m]
            wrong = self.low[m] > np.minimum(*ends)
            _refuse(f"{m} low", wrong, "must be the lowest of its bar", self.low[m])
            wrong = self.high[m] < np.maximum(*ends)
            _refuse(f"{m} high", wrong, "must be the highest of its bar", self.high[m])
        hours = number("hours", np.arange(self.steps) if self.hours is None else self.hours)
        hours = np.asarray(hours, dtype=float)
        if hours.shape != (self.steps,):
            raise MarginError("hours", f"must be one for each of {self.steps} steps", hours.shape)
        _refuse("hours", np.diff(hours, prepend=-np.inf) <= 0, "must rise", hours)
        object.__setattr__(self, "hours", hours)

    @classmethod
    def of_marks(cls, path, hours=None):
        """Bars of single prices: they open, stay and close there.

        Parameters
        ----------
        path : iterable of Mapping, or Mapping     market -> price, step by step; or market ->
                                   array of shape (steps,) or (steps, paths) [quote per coin]
        hours : array_like         as for `Bars`

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
            path = list(path)
            if not path:
                raise MarginError("path", "must have at least one step", path)
            path = {m: [_mark(marks, m) for marks in path] for m in path[0]}
        path = {m: _prices(f"mark of {m}", prices) for m, prices in path.items()}
        return cls(path, path, path, path, hours)

    @classmethod
    def of_tables(cls, tables):
        """Bars of the tables that `read` returns: market -> table, all of the same times.

        Raises
        ------
        MarginError                tables of different times, and as for `Bars`

        >>> table = pd.DataFrame([[0, 2, 4, 1, 3, 9]])   # a row of ccxt
        >>> Bars.of_tables({"ETH": read(table)}).high["ETH"]
        array([4.])
        """
        times = [table.index for table in tables.values()]
        for market, index in zip(tables, times, strict=True):
            if not index.equals(times[0]):
                rule = f"must be those of {next(iter(tables))}"
                raise MarginError(f"{market} times", rule, f"{index.min()} to {index.max()}")
        hours = (times[0] - times[0][0]) / pd.Timedelta(hours=1)
        columns = ({m: t[name].to_numpy() for m, t in tables.items()} for name in COLUMNS)
        return cls(*columns, hours)

    @property
    def steps(self):
        """How many bars there are."""
        return len(next(iter(self.open.values())))

    @property
    def paths(self):
        """How many paths stand side by side; 1 where arrays have no columns."""
        return (*next(iter(self.open.values())).shape, 1)[1]

    @property
    def have_wicks(self):
        """Whether prices move within a bar."""
        return any(self.open[m] is not self.low[m] for m in self.open)

    def marks(self, name, step):
        """The marks at one of a step's four prices: market -> price, or an array of all paths.

        >>> Bars.of_marks([{"ETH": 2}, {"ETH": 3}]).marks("close", 1)
        {'ETH': 3.0}
        """
        return {m: plain(self._price(p[step])) for m, p in getattr(self, name).items()}

    def extremes(self, market):
        """Lowest low and highest high of each path, two arrays of shape (paths,)."""
        low, high = self.low[market].min(axis=0), self.high[market].max(axis=0)
        return np.atleast_1d(self._price(low)), np.atleast_1d(self._price(high))

    def first_beyond(self, market, price, side):
        """First step whose bar reaches a price from above (side > 0) or below; -1 for none."""
        edge = np.log(price) if self._logs else price
        prices = (self.low if side > 0 else self.high)[market].reshape(self.steps, -1)
        before = np.zeros(self.paths, dtype=np.int32)  # steps until then
        free = np.ones(self.paths, dtype=bool)
        for row in prices:
            free &= row > edge if side > 0 else row < edge
            before += free
        return np.where((before < self.steps) & ~np.isnan(edge), before, -1)

    def take(self, paths):
        """Some of the paths, as bars of shape (steps, paths)."""
        return self._map(lambda prices: self._price(prices.reshape(self.steps, -1)[:, paths]))

    def rows(self, steps):
        """Some of the steps (a slice), nothing copied."""
        return self._map(lambda prices: prices[steps], self.hours[steps], self._logs)

    def pick(self, steps, paths):
        """One step of each of some paths, as bars of shape (1, paths)."""
        return self._map(
            lambda p: self._price(p.reshape(self.steps, -1)[steps, paths])[None], self.hours[:1]
        )

    def path(self, number):
        """One of the paths, as bars of shape (steps,).

        >>> Bars.of_marks({"ETH": [[1, 2], [3, 4]]}).path(1).close["ETH"]
        array([2., 4.])
        """
        return self._map(lambda p: self._price(p.reshape(self.steps, -1)[:, number]))

    def quoted_in(self, market):
        """The other markets' prices counted in one of them, which falls away.

        Opens and closes are of one moment and can be divided. Lows and highs are not: no file says
        what the other price was then. So a bar's low and high are those of its open and close, and
        what happened between them is left out.

        Raises
        ------
        MarginError                an unknown market, or no other one

        >>> Bars.of_marks({"ETH": [200, 300], "BTC": [400, 500]}).quoted_in("BTC").close["ETH"]
        array([0.5, 0.6])
        """
        rest = [name for name in self.open if name != market]
        if market not in self.open or not rest:
            raise MarginError("market", f"must be one of several in {list(self.open)}", market)
        opened, close = ({m: p[m] / p[market] for m in rest} for p in (self.open, self.close))
        low = {m: np.minimum(opened[m], close[m]) for m in rest}
        high = {m: np.maximum(opened[m], close[m]) for m in rest}
        return Bars(opened, low, high, close, self.hours)

    def _price(self, array):
        return np.exp(array) if self._logs else array

    def _map(self, change, hours=None, logs=False):
        """Bars of changed arrays; one array in several places is changed once."""
        arrays = {id(p): p for name in COLUMNS for p in getattr(self, name).values()}
        made = {key: change(array) for key, array in arrays.items()}
        columns = [{m: made[id(p)] for m, p in getattr(self, n).items()} for n in COLUMNS]
        return _checked_bars(columns, self.hours if hours is None else hours, logs)


def _checked_bars(columns, hours, logs=False):
    """Bars of prices that need no check."""
    bars = object.__new__(Bars)
    for name, value in zip((*COLUMNS, "hours", "_logs"), (*columns, hours, logs), strict=True):
        object.__setattr__(bars, name, value)
    return bars


def _mark(marks, market):
    if market not in marks:
        raise MarginError("marks", f"must hold a price for {market}", marks)
    return one_number(f"mark of {market}", marks[market], above=0)


def _prices(name, values):
    """An array of prices: the first that is not finite or not above 0 is named by its row."""
    try:
        prices = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise MarginError(name, "must be numbers", values) from None
    _refuse(name, ~np.isfinite(prices), "must be finite", prices)
    _refuse(name, prices <= 0, "must be above 0", prices)
    return prices


def _refuse(name, wrong, rule, values):
    """MarginError for the first row in which something is wrong."""
    if np.any(wrong):
        at = np.argwhere(wrong)[0]
        raise MarginError(f"{name} in row {at[0]}", rule, values[tuple(at)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """Prices that might be: correlated geometric Brownian motion, with jumps and fat tails.

    Parameters
    ----------
    prices : Mapping           market -> price at the start, above 0 [quote per coin]
    volatility : float or Mapping      standard deviation of a year's logarithmic return, at least 0
    correlation : float or array_like  of the logarithmic returns: one number for every pair, or the
                               matrix in the order of `prices`
    drift : float or Mapping   growth of the mean price; 0 for a fair game [1 per year]
    jumps : float              how many a year, all markets at once, at least 0 [1 per year]
    jump_mean, jump_deviation : float  of a jump's logarithmic return [1]
    tails : float or None      degrees of freedom of Student's t, above 2; None for the normal
    step_hours : float         length of a bar, above 0 [hour]
    wicks : bool               whether a bar has a low and a high; otherwise a step is one price

    Raises
    ------
    MarginError                a value outside its range; correlations that no prices can have

    Equation:  d ln P = (drift − volatility² / 2) dt + volatility · dW + jumps. Tails: the same
    with dt drawn anew at each step, so that dW follows Student's t.

    Source: the low and high of a bar with known ends: Glasserman, "Monte Carlo methods in
    financial engineering" (2003), 6.4 (Brownian bridge).

    >>> market = Market(prices={"ETH": 100, "ADA": 1}, volatility=0.8, correlation=0.5)
    >>> market.draw(np.random.default_rng(7), steps=3, paths=2).close["ETH"].shape
    (3, 2)
    """

    prices: Mapping
    volatility: float | Mapping
    correlation: float = 0.0
    drift: float | Mapping = 0.0
    jumps: float = 0.0
    jump_mean: float = 0.0
    jump_deviation: float = 0.0
    tails: float | None = None
    step_hours: float = 24.0
    wicks: bool = False

    def __post_init__(self):
        if not self.prices:
            raise MarginError("prices", "must have at least one market", self.prices)
        for market, price in self.prices.items():
            one_number(f"price of {market}", price, above=0)
        self._of_each("volatility", at_least=0)
        self._of_each("drift")
        one_number("jumps", self.jumps, at_least=0)
        one_number("jump mean", self.jump_mean)
        one_number("jump deviation", self.jump_deviation, at_least=0)
        one_number("step_hours", self.step_hours, above=0)
        if self.tails is not None:
            one_number("tails", self.tails, above=2)
        self.mixing()

    def _of_each(self, name, **bounds):
        """One number a market, as a column."""
        given, column = getattr(self, name), []
        for market in self.prices:
            if isinstance(given, Mapping) and market not in given:
                raise MarginError(name, f"must have a value for {market}", given)
            value = given[market] if isinstance(given, Mapping) else given
            column.append([one_number(f"{name} of {market}", value, **bounds)])
        return np.array(column, dtype=float)

    def mixing(self):
        """The lower triangle L with L · Lᵀ = correlations: makes correlated numbers of free ones.

        >>> Market(prices={"A": 1, "B": 1}, volatility=1, correlation=0.6).mixing()
        array([[1. , 0. ],
               [0.6, 0.8]])
        """
        count = len(self.prices)
        matrix = number("correlation", self.correlation)
        if np.ndim(matrix) == 0:
            matrix = np.where(np.eye(count, dtype=bool), 1.0, matrix)
        fits = matrix.shape == (count, count) and np.allclose(np.diag(matrix), 1)
        if not fits or not np.allclose(matrix, matrix.T):
            raise MarginError("correlation", f"must be a matrix of {count} markets", matrix)
        values, vectors = np.linalg.eigh(matrix)
        if values[0] < -1e-9:
            raise MarginError("correlation", "must be possible between all pairs", self.correlation)
        # Cholesky refuses -1 and 1, where a market adds nothing of its own: so by a QR step.
        upper = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0))).T, mode="r")
        return np.tril(upper.T * np.where(np.diag(upper) < 0, -1, 1))

    def draw(self, rng, steps, paths):
        """Bars of many paths.

        Parameters
        ----------
        rng : numpy.random.Generator   what is drawn depends on it alone
        steps, paths : int             at least 1

        Returns
        -------
        Bars                           arrays of shape (steps, paths)

        Raises
        ------
        MarginError                    a count below 1

        >>> calm = Market(prices={"ETH": 100}, volatility=0)
        >>> calm.draw(np.random.default_rng(7), steps=1, paths=2).close["ETH"].round(9)
        array([[100., 100.]])
        """
        return self.walk(rng, steps, paths).take(slice(None))

    def walk(self, rng, steps, paths):
        """What `draw` draws, as logarithms: who needs few prices pays for few exponentials."""
        for name, value in (("steps", steps), ("paths", paths)):
            one_number(name, value, at_least=1)
        deviations, drifts = (self._of_each(name) for name in ("volatility", "drift"))
        years = self.step_hours / YEAR
        growth, spread = (drifts - deviations**2 / 2) * years, deviations**2 * years
        mix = self.mixing() * np.sqrt(spread)
        logs = np.empty((4 if self.wicks else 1, len(deviations), steps, paths))
        now = np.repeat(np.log([[price] for price in self.prices.values()]), paths, axis=1)
        for step in range(steps):  # row by row: what is at hand is fast
            move = _mixed(mix, rng.standard_normal(now.shape))
            stretch = 1.0  # of the time that passes
            if self.tails is not None:
                stretch = (self.tails - 2) / rng.chisquare(self.tails, paths)
                move *= np.sqrt(stretch)
            move += growth
            if self.jumps:
                now += self._leap(rng, years, paths)
            if self.wicks:
                logs[0, :, step] = now
                for row, sign in ((1, -1), (2, 1)):
                    fall = -2 * spread * stretch * np.log1p(-rng.random(now.shape))
                    logs[row, :, step] = now + (move + sign * np.sqrt(move**2 + fall)) / 2
            now += move
            logs[-1, :, step] = now
        columns = [dict(zip(self.prices, row, strict=True)) for row in logs]
        first = 0 if self.wicks else 1  # a bar counts from its open, a single price is its end
        hours = self.step_hours * (first + np.arange(steps))
        return _checked_bars(columns if self.wicks else columns * 4, hours, logs=True)

    def _leap(self, rng, years, paths):
        """Logarithmic return of the jumps as a bar opens: all markets jump together."""
        count = rng.poisson(self.jumps * years, paths)
        return count * self.jump_mean + np.sqrt(count) * self.jump_deviation * rng.standard_normal(
            paths
        )


def _mixed(mix, free):
    """mix @ free, without the cost of a matrix where there is one number."""
    return np.multiply(mix, free, out=free) if len(mix) == 1 else mix @ free


def read(source, market=None):
    """A table of bars, read and checked: nothing is guessed, filled or sorted.

    Known are Binance's public klines (with or without a header), files of CryptoDataDownload (a
    line with an address above the header, the newest row first) and tables of ccxt's fetch_ohlcv
    (times in milliseconds); and any table with columns named as these.

    Parameters
    ----------
    source : str, Path, file or DataFrame      what pandas.read_csv reads, or the table itself
    market : str or None       named in errors

    Returns
    -------
    DataFrame                  columns open, low, high, close; times (UTC) as its index, evenly
                               spaced

    Raises
    ------
    MarginError                a column that is missing; a time that cannot be read, is doubled,
                               out of order or missing; a price as for `Bars`: says which row,
                               counted from 0 below the header

    >>> table = pd.DataFrame([[0, 2, 4, 1, 3, 9]])   # a row of ccxt: time, open, high, low, close
    >>> read(table)["low"].tolist()
    [1.0]
    """
    words = f"{market} " if market else ""
    table = _named(source if isinstance(source, pd.DataFrame) else _cells(source))
    time = next((name for name in TIMES if name in table), TIMES[0])
    for name in (time, *COLUMNS):
        if name not in table:
            raise MarginError(f"{words}table", f"must have a column {name!r}", list(table))
    bars = table[list(COLUMNS)].apply(pd.to_numeric, errors="coerce").astype(float)
    for name in COLUMNS:
        _refuse(f"{words}{name}", bars[name].isna(), "must be a number", table[name].to_numpy())
    bars.index = pd.DatetimeIndex(_times(table[time], words), name="time")
    if len(bars) > 1 and bars.index.is_monotonic_decreasing and bars.index.is_unique:
        bars = bars[::-1]
    Bars.of_tables({market or "table": bars})
    steps = np.diff(bars.index.tz_localize(None).to_numpy())
    for wrong, rule in (
        (steps == np.timedelta64(0), "must not come twice"),
        (steps < np.timedelta64(0), "must be in order"),
        (steps != min(steps, default=0), "must follow without a gap"),
    ):
        _refuse(f"{words}time", np.append(False, wrong), rule, bars.index.astype(str).to_numpy())
    return bars


def _cells(source):
    """The cells of a CSV file as strings, a line with an address above it left out."""
    try:
        cells = pd.read_csv(source, header=None, names=range(20), dtype=str).dropna(
            axis="columns", how="all"
        )
    except pd.errors.EmptyDataError:
        cells = pd.DataFrame()
    return cells[1:] if "://" in str(cells.iloc[:1, :1].to_numpy()) else cells


def _named(table):
    """A table with small column names: from its first row, or those of a file without names."""
    if all(isinstance(name, int | np.integer) for name in table) and len(table):
        first = pd.to_numeric(table.iloc[:1, 0], errors="coerce")
        if first.isna().all():
            table = table[1:].set_axis(table.iloc[0].astype(str), axis="columns")
        else:
            table = table.set_axis([*KLINES, *range(len(table.columns))][: table.shape[1]], axis=1)
    return table.rename(columns=lambda name: str(name).strip().lower())


def _times(column, words):
    """Times: dates in words, or seconds, milliseconds or microseconds since 1970, by their size."""
    since = pd.to_numeric(column, errors="coerce")
    if since.notna().all():
        unit = next((u for u, most in UNITS.items() if since.abs().max() < most), "ns")
        return pd.to_datetime(since, unit=unit, utc=True)
    times = pd.to_datetime(column, errors="coerce", utc=True)
    _refuse(f"{words}time", times.isna(), "must be a time", column.to_numpy())
    return times
