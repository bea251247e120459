"""Margin of leveraged positions, isolated and cross: small, exact, and nothing but mathematics.

`import margin_lib` brings in accounts and formulas. Pictures and sliders are in `margin_lib.plots`
and `margin_lib.labs`, and load only when asked for.
"""

from margin_lib import formulas
from margin_lib.account import Account, Event, Position, Risk
from margin_lib.contracts import Contract, Conventions, Tier, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import liquidate, mark_to_market, part_to_close, settle
from margin_lib.scenarios import Scenario, load
from margin_lib.spot import SpotWallet

__all__ = [
    "Account",
    "Contract",
    "Conventions",
    "Event",
    "MarginError",
    "Position",
    "Risk",
    "Scenario",
    "SpotWallet",
    "Tier",
    "Tiers",
    "formulas",
    "liquidate",
    "load",
    "mark_to_market",
    "part_to_close",
    "settle",
]
