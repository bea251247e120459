"""What is traded, by which rules: contracts, maintenance tiers, conventions; frozen values.

What is outside the bounds in its parameter's line raises MarginError.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from margin_lib.errors import MarginError, each_of_type, keep_number, one_number


class Tier(NamedTuple):
    """One row of a maintenance table: what holds from a notional on.

    Parameters
    ----------
    floor : float              notional from which the row holds, at least 0 [quote; inverse: coin]
    rate : float               maintenance margin rate, 0 <= rate < 1 [1]
    amount : float             maintenance amount, deducted [quote; inverse: coin]
    max_leverage : float or None   the cap, at least 1, None for no cap [1]

    >>> Tier(floor=50_000, rate=0.01, amount=250)
    Tier(floor=50000, rate=0.01, amount=250, max_leverage=None)
    """

    floor: float
    rate: float
    amount: float = 0
    max_leverage: float | None = None

    def amount_above(self, floor: float, rate: float) -> float:
        """Maintenance amount of the next row that leaves no jump at its floor.

        Parameters
        ----------
        floor : float              of the next row [quote; inverse: coin]
        rate : float               of the next row [1]

        Returns
        -------
        float                      [quote; inverse: coin]

        Equation, solved for it:  next rate · floor − it = rate · floor − amount

        Source: Binance, "Leverage and margin of USDⓈ-M futures" (maintenance amount).

        >>> Tier(0, 0.25).amount_above(100, 0.5)
        25.0
        """
        return self.amount + floor * (rate - self.rate)


class Tiers(tuple[Tier, ...]):
    """A maintenance table: rows of rising floors, the first at 0.

    Maintenance margin of a notional N is rate · N − amount of its row, the last one whose floor is
    not above N. With the amounts that `continuous` computes, the margin has no jump at a floor;
    a table without amounts (OKX, KuCoin, CoinEx) jumps there.

    Parameters
    ----------
    rows : iterable of Tier    or of tuples (floor, rate, amount, max_leverage); at least one, the
                               first floor 0, floors and rates that rise, 0 <= rate < 1, caps of at
                               least 1

    Source: Binance, "Leverage and margin of USDⓈ-M futures".

    >>> Tiers([(0, 0.01), (100, 0.02, 1)]).at(150).rate
    0.02
    """

    def __new__(cls, rows: Iterable[Sequence]) -> "Tiers":
        rows = each_of_type("tiers", rows, Sequence)
        if not all(2 <= len(row) <= len(Tier._fields) for row in rows):
            raise MarginError("tiers", "must be rows of floor, rate, amount and leverage", rows)
        tiers = super().__new__(cls, (Tier(*row) for row in rows))
        if not tiers or tiers[0].floor != 0:
            raise MarginError("tiers", "must start with a floor of 0", list(tiers))
        for tier in tiers:
            one_number("tier floor", tier.floor)
            one_number("tier rate", tier.rate, at_least=0, below=1)
            one_number("tier amount", tier.amount)
            if tier.max_leverage is not None:
                one_number("tier leverage", tier.max_leverage, at_least=1)
        for lower, upper in pairwise(tiers):
            one_number("tier floor", upper.floor, above=lower.floor)
            one_number("tier rate", upper.rate, at_least=lower.rate)
        return tiers

    @classmethod
    def flat(cls, rate: float) -> "Tiers":
        """One row for every notional: a rate, 0 <= rate < 1 [1].

        >>> Tiers.flat(0.25)
        (Tier(floor=0, rate=0.25, amount=0, max_leverage=None),)
        """
        return cls([Tier(0, rate)])

    @classmethod
    def continuous(cls, rows: Iterable[Sequence]) -> "Tiers":
        """Rows of (floor, rate) or (floor, rate, max_leverage); the amounts follow.

        Parameters
        ----------
        rows : iterable            rising floors [quote; inverse: coin], rates [1], maybe caps [1]

        Returns
        -------
        Tiers                      amounts in the unit of the floors

        Equation:  amount(n) = amount(n − 1) + floor(n) · (rate(n) − rate(n − 1))

        Source: Binance, "Leverage and margin of USDⓈ-M futures" (maintenance amount).

        >>> [tier.amount for tier in Tiers.continuous([(0, 0.25), (100, 0.5), (1000, 0.75)])]
        [0, 25.0, 275.0]
        """
        tiers: list[Tier] = []
        for floor, rate, *cap in rows:
            amount = tiers[-1].amount_above(floor, rate) if tiers else 0
            tiers.append(Tier(floor, rate, amount, *cap))
        return cls(tiers)

    @classmethod
    def half_of_max_leverage(cls, rows: Iterable[tuple[float, float]]) -> "Tiers":
        """Rows of (floor, max_leverage): maintenance is half the initial margin at that leverage.

        Parameters
        ----------
        rows : iterable            rising floors [quote; inverse: coin], falling leverage caps [1]

        Returns
        -------
        Tiers                      with the leverage caps

        Equation:  rate = 1 / (2 · max leverage), amounts as in `continuous`

        Source: Hyperliquid documentation, "Margining" and "Margin tiers".

        >>> Tiers.half_of_max_leverage([(0, 25)])[0].rate
        0.02
        """
        return cls.continuous((floor, 1 / (2 * cap), cap) for floor, cap in rows)

    @property
    def jumps(self) -> bool:
        """Whether the maintenance margin jumps at a floor, as in a table without amounts."""
        return any(
            abs(upper.amount - lower.amount_above(upper.floor, upper.rate)) > 1e-12 * upper.floor
            for lower, upper in pairwise(self)
        )

    def at(self, notional: float) -> Tier:
        """The row of a notional; at a floor, the row that starts there.

        Parameters
        ----------
        notional : float           at least 0 [quote; inverse: coin]

        Returns
        -------
        Tier

        >>> Tiers.continuous([(0, 0.25), (100, 0.5)]).at(100).rate
        0.5
        """
        notional = one_number("notional", notional, at_least=0)
        return max(tier for tier in self if tier.floor <= notional)


PLAIN = "both", "backs all"
WORDS = {
    "maintenance_at": ("mark", "entry", "today"),
    "initial_at": ("mark", "entry"),
    "hedged": ("both", "larger", "net"),
    "profit": ("backs all", "backs itself"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Conventions:
    """What venues define differently, and every number depends on.

    Parameters
    ----------
    maintenance_at : str       "mark": maintenance margin follows the mark price (Binance, dYdX);
                               "entry": frozen at the entry price (Bybit classic, KuCoin, MEXC);
                               "today": frozen at today's mark when a price is asked for (Bitget)
    closing_fee : bool         the taker fee of closing counts in the requirement (OKX, Gate)
    at_equality : bool         liquidated when equity equals the requirement, not only below it
    initial_at : str           "mark": initial margin follows the mark price (Binance); "entry":
                               it stays what it was at entry (BingX, older pages of Bybit)
    hedged : str               what the legs of one market ask of the balance: "both", each its own
                               (BingX); "larger", only what the larger side asks (Kraken); "net",
                               what is not covered by the other side, and every leg's counted fee
                               (Bybit)
    profit : str               what unrealised profit of a cross position carries: "backs all" that
                               shares the balance (most venues); "backs itself": only its own
                               maintenance margin, until it is realised (BitMEX)
    kept : float               share of the notional that stays behind an isolated position when
                               margin is taken out, where it is more than the initial margin, at
                               least 0: 0.1 at Hyperliquid [1]

    Sources, read 2026-11-26: BingX and Bybit, worked examples of hedge mode (available balance
    4,200 and 440); Kraken, "Margin requirements of multi-collateral futures"; Bybit, "Maintenance
    margin of hedged positions"; BitMEX, "Isolated and cross margin" (realised profit alone helps
    another position); Hyperliquid documentation, "Margining" (transfer requirements).

    >>> Conventions(maintenance_at="entry").closing_fee
    False
    """

    maintenance_at: str = "mark"
    closing_fee: bool = False
    at_equality: bool = True
    initial_at: str = "mark"
    hedged: str = "both"
    profit: str = "backs all"
    kept: float = 0.0

    def __post_init__(self) -> None:
        for name, words in WORDS.items():
            if getattr(self, name) not in words:
                *most, last = map(repr, words)
                rule = f"must be {', '.join(most)} or {last}"
                raise MarginError(name, rule, repr(getattr(self, name)))
        keep_number(self, "kept", "kept", at_least=0)

    @property
    def adds_up(self) -> bool:
        """Whether a pocket's risk is the sum of its legs', each as if it stood alone."""
        return (self.hedged, self.profit) == PLAIN


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """What one unit of quantity is, and what it asks for.

    Parameters
    ----------
    symbol : str               name of the contract in the account, not empty, one position each
    market : str               whose price it follows; the symbol, if not given. In hedge mode
                               the long and the short are two contracts of one market
    maintenance : Tiers or number   a table, or one rate for every notional, 0 <= rate < 1 [1]
    growth : float             what the maintenance rate gains with every coin of the position, at
                               least 0: a rate without steps [1 per coin]
    taker_fee : float          fee of a trade as a share of notional, 0 <= fee < 1 [1]
    size : float               of one unit of quantity, above 0 [coin; inverse: quote]
    inverse : bool             False: margined and settled in the quote currency. True: in the
                               coin, while the unit is worth a fixed sum of quote money
    settle : str               currency of its margin and its profit; if not given, "quote", and
                               the market's coin where it is inverse
    conventions : Conventions

    >>> Contract(symbol="ETH", maintenance=0.02).maintenance_rate
    0.02
    >>> Contract(symbol="BTCUSD", market="BTC", inverse=True).settle
    'BTC'
    """

    symbol: str
    market: str = ""
    maintenance: Tiers | Any = Tiers.flat(0)  # Any: a number goes in, a table comes out
    growth: float = 0.0
    taker_fee: float = 0.0
    size: float = 1.0
    inverse: bool = False
    settle: str = ""
    conventions: Conventions = field(default_factory=Conventions)

    def __post_init__(self) -> None:
        if not isinstance(self.symbol, str) or not self.symbol:
            raise MarginError("symbol", "must be a name", repr(self.symbol))
        for name in ("market", "settle"):
            if not isinstance(getattr(self, name), str):
                raise MarginError(name, "must be a name", repr(getattr(self, name)))
        market = self.market or self.symbol
        object.__setattr__(self, "market", market)
        object.__setattr__(self, "settle", self.settle or (market if self.inverse else "quote"))
        if not isinstance(self.maintenance, Tiers):
            name = f"{self.symbol} maintenance rate"
            rate = one_number(name, self.maintenance, at_least=0, below=1)
            object.__setattr__(self, "maintenance", Tiers.flat(rate))
        keep_number(self, "growth", f"{self.symbol} growth", at_least=0)
        keep_number(self, "taker_fee", f"{self.symbol} taker fee", at_least=0, below=1)
        keep_number(self, "size", f"{self.symbol} contract size", above=0)

    @property
    def maintenance_rate(self) -> float:
        """Maintenance margin rate of the first tier [1]."""
        return self.maintenance[0].rate

    @property
    def counted_fee(self) -> float:
        """Closing fee that the requirement counts: the taker fee or nothing [1]."""
        return self.taker_fee if self.conventions.closing_fee else 0
