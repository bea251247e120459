"""Ask freqtrade for liquidation prices: JSON on standard input, one price a question comes out.

Runs in an environment of its own, which has freqtrade and nothing of this project (see
test_freqtrade.py, which starts it). freqtrade is called as it is installed, without a network: an
exchange is made without its constructor, and holds the tables and marks of the question.
"""

import importlib
import json
import sys
from types import SimpleNamespace

from freqtrade.enums import MarginMode, RunMode, TradingMode


def exchange(name, mode):
    """An exchange of freqtrade that knows nothing yet."""
    parent = getattr(importlib.import_module(f"freqtrade.exchange.{name}"), name.capitalize())

    class Offline(parent):
        def close(self):
            """Nothing was opened."""

        def exchange_has(self, endpoint):
            return True

        @property
        def markets(self):
            return self.known_markets

        def fetch_funding_rates(self, pairs):
            return {pair: {"markPrice": self.known_marks[pair]} for pair in pairs}

    made = Offline.__new__(Offline)
    made.trading_mode, made.margin_mode = TradingMode.FUTURES, MarginMode(mode)
    made._config = {"dry_run": True, "runmode": RunMode.DRY_RUN}
    made._leverage_tiers, made.known_markets, made.known_marks = {}, {}, {}
    return made


def price(asked, tables, question):
    """The liquidation price of one position, asked for as freqtrade's bot does."""
    asked._leverage_tiers = {
        pair: [
            {"minNotional": floor, "maintenanceMarginRate": rate, "maintAmt": amount}
            for floor, rate, amount, _ in rows
        ]
        for pair, rows in tables.items()
    }
    limits = {"leverage": {"max": question["max_leverage"]}}
    market = {"inverse": False, "taker": question["taker_fee"], "limits": limits}
    asked.known_markets = dict.fromkeys(tables, market)
    asked.known_marks = question["marks"]
    return asked.dry_run_liquidation_price(
        **question["position"],
        wallet_balance=question["wallet_balance"],
        open_trades=[SimpleNamespace(**trade) for trade in question["open_trades"]],
    )


if __name__ == "__main__":
    exchanges, answers, asked = {}, [], json.load(sys.stdin)
    for question in asked["questions"]:
        key = question["exchange"], question["mode"]
        if key not in exchanges:
            exchanges[key] = exchange(*key)
        answers.append(price(exchanges[key], asked["tables"][question["venue"]], question))
    json.dump(answers, sys.stdout)
