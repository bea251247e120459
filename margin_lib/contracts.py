"""What is traded: a contract, as a frozen value."""

from dataclasses import dataclass

from margin_lib.errors import MarginError, keep_number


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """A linear contract: one coin a unit, priced, margined and settled in the account's currency.

    Parameters
    ----------
    symbol : str               the coin whose price the contract follows
    maintenance_rate : float   maintenance margin as a share of notional, 0 <= rate < 1 [1]
    taker_fee : float          fee of a trade as a share of notional, 0 <= fee < 1 [1]

    Raises
    ------
    MarginError                empty symbol; a rate that is not finite or outside its range

    >>> Contract(symbol="ETH", maintenance_rate=0.02)
    Contract(symbol='ETH', maintenance_rate=0.02, taker_fee=0.0)
    """

    symbol: str
    maintenance_rate: float = 0.0
    taker_fee: float = 0.0

    def __post_init__(self):
        if not isinstance(self.symbol, str) or not self.symbol:
            raise MarginError("symbol", "must be a name", repr(self.symbol))
        for name in ("maintenance_rate", "taker_fee"):
            keep_number(self, name, f"{self.symbol} {name}", at_least=0, below=1)
