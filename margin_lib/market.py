"""Prices that might be: correlated random walks with jumps, from a seeded generator."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from margin_lib.bars import Bars
from margin_lib.errors import MarginError, count, number, of_type, one_number
from margin_lib.types import ArrayLike

HOURS_PER_YEAR = 8760
STEPS_PER_DRAW = 8  # So few that their numbers stay in the processor's cache.


@dataclass(frozen=True, slots=True, eq=False, init=False)
class _LogBars(Bars):
    """Bars whose arrays hold logarithms: who needs few prices pays for few exponentials.

    Their marks and extremes are prices, and so are the arrays of the bars taken from them.
    """

    def _price(self, kept: np.ndarray) -> np.ndarray:
        return np.exp(kept)

    def _kept(self, price: float) -> float:
        with np.errstate(divide="ignore"):  # A price of 0 is below all.
            return np.log(price)


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """Prices that might be: correlated geometric Brownian motion, with jumps and fat tails.

    Parameters
    ----------
    prices : Mapping           market -> price at the start, above 0 [quote per coin]
    volatility : float or Mapping      standard deviation of a year's logarithmic return, at least
                               0 [1]
    correlation : float or array_like  of the logarithmic returns: one number for every pair, or the
                               matrix in the order of `prices` [1]
    drift : float or Mapping   growth of the mean price, 0 for a fair game; jumps come on top, and
                               with tails the mean has no bound [1 per year]
    jumps : float              how many a year, all markets at once, at least 0 [1 per year]
    jump_mean, jump_deviation : float  of a jump's logarithmic return [1]
    tails : float or None      degrees of freedom of Student's t, above 2; None for the normal
                               distribution [1]
    step_hours : float         length of a bar, above 0 [hour]
    wicks : bool               whether a bar has a low and a high; otherwise a step is one price

    Raises
    ------
    MarginError                a market that a mapping leaves out; correlations that no prices can
                               have

    Equation:  d ln P = (drift − volatility² / 2) dt + volatility · dW + jumps. Tails: the same
    with dt drawn anew at each step, so that dW follows Student's t.

    Source: the low and high of a bar with known ends: Glasserman, "Monte Carlo methods in
    financial engineering" (2003), 6.4 (Brownian bridge).

    >>> market = Market(prices={"ETH": 100, "ADA": 1}, volatility=0.8, correlation=0.5)
    >>> market.draw(np.random.default_rng(7), steps=3, paths=2).close["ETH"].shape
    (3, 2)
    """

    prices: Mapping[str, float]
    volatility: float | Mapping[str, float]
    correlation: ArrayLike = 0.0
    drift: float | Mapping[str, float] = 0.0
    jumps: float = 0.0
    jump_mean: float = 0.0
    jump_deviation: float = 0.0
    tails: float | None = None
    step_hours: float = 24.0
    wicks: bool = False

    def __post_init__(self) -> None:
        if not of_type("prices", self.prices, Mapping):
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

    def _of_each(self, name: str, **bounds: float) -> np.ndarray:
        """One number a market, as a column."""
        given, column = getattr(self, name), []
        for market in self.prices:
            if isinstance(given, Mapping) and market not in given:
                raise MarginError(name, f"must have a value for {market}", given)
            value = given[market] if isinstance(given, Mapping) else given
            column.append([one_number(f"{name} of {market}", value, **bounds)])
        return np.array(column, dtype=float)

    def mixing(self) -> np.ndarray:
        """The lower triangle L with L · Lᵀ = correlations: makes correlated numbers of free ones.

        >>> Market(prices={"A": 1, "B": 1}, volatility=1, correlation=0.6).mixing()
        array([[1. , 0. ],
               [0.6, 0.8]])
        """
        markets = len(self.prices)
        matrix = number("correlation", self.correlation)
        if np.ndim(matrix) == 0:
            matrix = np.where(np.eye(markets, dtype=bool), 1.0, matrix)
        fits = matrix.shape == (markets, markets) and np.allclose(np.diag(matrix), 1)
        if not fits or not np.allclose(matrix, matrix.T):
            raise MarginError("correlation", f"must be a matrix of {markets} markets", matrix)
        values, vectors = np.linalg.eigh(matrix)
        if values[0] < -1e-9:
            raise MarginError("correlation", "must be possible between all pairs", self.correlation)
        # Cholesky refuses -1 and 1, where a market adds nothing of its own: so by a QR step.
        _, upper = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0))).T)
        return np.tril(upper.T * np.where(np.diag(upper) < 0, -1, 1))

    def draw(self, rng: np.random.Generator, steps: int, paths: int) -> Bars:
        """Bars of many paths.

        Parameters
        ----------
        rng : numpy.random.Generator   what is drawn depends on it alone
        steps, paths : int             at least 1 [1]

        Returns
        -------
        Bars                           arrays of shape (steps, paths)

        Raises
        ------
        MarginError                    a count that is not whole, no generator

        >>> calm = Market(prices={"ETH": 100}, volatility=0)
        >>> calm.draw(np.random.default_rng(7), steps=1, paths=2).close["ETH"].round(9)
        array([[100., 100.]])
        """
        return self._draw_logs(rng, steps, paths).take(slice(None))

    def _draw_logs(self, rng: object, steps: int, paths: int) -> _LogBars:
        """What `draw` draws, as logarithms."""
        if not isinstance(rng, np.random.Generator):
            raise MarginError("rng", "must be of type Generator", rng)
        steps, paths = count("steps", steps), count("paths", paths)
        deviations, drifts = (self._of_each(name) for name in ("volatility", "drift"))
        years = self.step_hours / HOURS_PER_YEAR
        growth, spread = (drifts - deviations**2 / 2) * years, deviations**2 * years
        mix = self.mixing() * np.sqrt(spread)
        logs = np.empty((4 if self.wicks else 1, steps, len(mix), paths))
        now = np.repeat(np.log([[price] for price in self.prices.values()]), paths, axis=1)
        for first in range(0, steps, STEPS_PER_DRAW):
            rows = slice(first, first + STEPS_PER_DRAW)
            shape = logs[0, rows].shape
            move = _mixed(mix, rng.standard_normal(shape))
            time = 1.0  # That passes in a step, counted in steps.
            if self.tails is not None:
                time = (self.tails - 2) / rng.chisquare(self.tails, (len(move), 1, paths))
                move *= np.sqrt(time)
            move += growth
            leap = self._leap(rng, years, (len(move), 1, paths)) if self.jumps else None
            for step, change in enumerate(move if leap is None else move + leap, start=first):
                now = np.add(now, change, out=logs[-1, step])
            if self.wicks:
                opened = logs[0, rows] = logs[-1, rows] - move
                for row, sign in ((1, -1), (2, 1)):
                    fall = -2 * spread * time * np.log1p(-rng.random(shape))
                    logs[row, rows] = opened + (move + sign * np.sqrt(move**2 + fall)) / 2
        columns = [dict(zip(self.prices, np.moveaxis(c, 1, 0), strict=True)) for c in logs]
        hours = self.step_hours * (np.arange(steps) + (not self.wicks))  # A single price is an end.
        return _LogBars._made(columns if self.wicks else columns * 4, hours)

    def _leap(self, rng: np.random.Generator, years: float, shape: tuple[int, ...]) -> np.ndarray:
        """Logarithmic return of the jumps as a bar opens: all markets jump together."""
        leaps = rng.poisson(self.jumps * years, shape)
        scatter = np.sqrt(leaps) * self.jump_deviation * rng.standard_normal(shape)
        return leaps * self.jump_mean + scatter


def _mixed(mix: np.ndarray, free: np.ndarray) -> np.ndarray:
    """mix @ free, without the threads of a matrix product, which wait for each other."""
    one = len(mix) == 1
    return np.multiply(mix, free, out=free) if one else np.einsum("ij,sjp->sip", mix, free)
