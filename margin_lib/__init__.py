"""Margin of leveraged positions, isolated and cross: small, exact, and nothing but mathematics.

It needs numpy and pandas, and knows nothing of the course that stands on it (`margin_course`).
"""

from margin_lib import formulas
from margin_lib.account import Account, Collateral, Event, Position, Risk
from margin_lib.bars import Bars
from margin_lib.contracts import Contract, Conventions, Tier, Tiers
from margin_lib.errors import MarginError
from margin_lib.liquidation import liquidate, mark_to_market, part_to_close, settle
from margin_lib.market import Market
from margin_lib.plans import TopUp
from margin_lib.portfolio import Scan
from margin_lib.replay import Costs, Replay, replay
from margin_lib.simulate import Outcomes, simulate
from margin_lib.spot import SpotWallet
from margin_lib.venues import Venue, venue

__all__ = [
    "Account",
    "Bars",
    "Collateral",
    "Contract",
    "Conventions",
    "Costs",
    "Event",
    "MarginError",
    "Market",
    "Outcomes",
    "Position",
    "Replay",
    "Risk",
    "Scan",
    "SpotWallet",
    "Tier",
    "Tiers",
    "TopUp",
    "Venue",
    "formulas",
    "liquidate",
    "mark_to_market",
    "part_to_close",
    "replay",
    "settle",
    "simulate",
    "venue",
]
