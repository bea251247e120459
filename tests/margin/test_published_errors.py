"""Examples that are wrong as published: the library gives what their own inputs give."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from margin_lib import formulas
from tests.margin.reference.adapters import ADAPTERS, exact

FILE = Path(__file__).parent / "reference" / "published-errors.json"
ENTRIES = {entry["id"]: entry for entry in json.loads(FILE.read_text(encoding="utf-8"))}
VECTORS = {
    vector["id"]: vector
    for vector in json.loads((FILE.parent / "vectors.json").read_text(encoding="utf-8"))
}


def calc(name, result, **inputs):
    """One result of an adapter."""
    return ADAPTERS[name](exact(inputs))[result]


def again(identity, result, **changes):
    """A published example that recomputes, with some inputs changed."""
    vector = VECTORS[identity]
    return calc(vector["calc"], result, **{**vector["inputs"], **changes})


def kucoin(**inputs):
    return calc("linear_liq_rate_at_entry", "liquidation_price", side="long", **inputs)


def kraken(calc_name):
    """1,000 contracts at 8,000, margin 0.01, maintenance 0.00125: 1% of the value at entry."""
    held = {"side": "long", "contracts": "1000", "entry_price": "8000"}
    return calc(calc_name, "liquidation_price", margin="0.01", mmr="0.01", leverage="1", **held)


def toobit():
    """The cross account, maintenance at entry."""
    held = {"side": "short", "size": "20", "entry_price": "1600", "mark_price": "1596"}
    return calc("isolated_risk", "risk_pct", mmr="0.005", wallet_balance="350", **held)


def aax():
    """Maintenance frozen at entry, and the closing fee at the liquidation price."""
    entry, size = Fraction("7043.90"), Fraction("0.01")
    frozen = formulas.maintenance_margin(formulas.notional(size, entry), Fraction("0.005"))
    return formulas.liquidation_price(
        entry, size, Fraction("2.8316478"), rate=0, amount=-frozen, fee_rate=Fraction("0.0002")
    )


def square():
    """70,000, margin 1,000, size 0.071; maintenance 0.5% grows with the price."""
    return formulas.liquidation_price(70_000, 0.071, 1000, rate=0.005)


# id, what the library gives, recomputed and stated as numbers, how near
NUMBERS = [
    (
        "nr-05",
        lambda: kucoin(entry_price="5000", leverage="100", mmr="0.0075"),
        "4987.5",
        "4938",
        0,
    ),
    ("nr-07", lambda: again("mexc-001", "liquidation_price"), "48200", "51800", 0),
    ("nr-08", lambda: kraken("inverse_liq"), "7476.6", "7481", 0.05),
    ("nr-08", lambda: kraken("coinm_liq"), "7481.5", "7476.6", 0.05),
    ("nr-09", toobit, "37.2", "118.5", 0.05),
    ("nr-10", aax, "6797.31418", "6794.31418", 1e-5),
    (
        "nr-12",
        lambda: calc(
            "linear_bankruptcy", "bankruptcy_price", side="long", price=50_000, leverage=100
        ),
        "49500",
        "49950",
        0,
    ),
    ("nr-14", square, "56196.48", "55986", 0.005),
    ("nr-18", lambda: again("freqtrade-013", "liquidation_price"), "13.193", "13.476", 0.0005),
    ("nr-22", lambda: again("bybit-002", "liquidation_price"), "45662.1", "55248.62", 0.05),
    (
        "nr-22",
        lambda: again("bybit-002", "liquidation_price", side="short"),
        "55248.62",
        "45662.1",
        0.005,
    ),
    (
        "nr-25",
        lambda: again("binance-024", "liquidation_price", maintenance_amount="11.605"),
        "33599.42",
        "33578.86",
        0.005,
    ),
]


@pytest.mark.parametrize(("entry", "result", "right", "wrong", "near"), NUMBERS)
def test_the_library_gives_the_recomputed_number(entry, result, right, wrong, near):
    assert abs(result() - Fraction(right)) <= near
    assert abs(result() - Fraction(wrong)) > 10 * near


@pytest.mark.parametrize(("entry", "right"), [(row[0], row[2]) for row in NUMBERS])
def test_the_recomputed_number_is_that_of_the_file(entry, right):
    text = (ENTRIES[entry]["recomputed"] + ENTRIES[entry]["claim"]).replace(",", "")
    assert right in text


def test_nr_13_dividing_by_one_less_the_rate_is_not_multiplying_with_it():
    entry, leverage, rate = Fraction(50_000), Fraction(10), Fraction("0.005")
    margin = formulas.initial_margin(entry, leverage)
    got = formulas.liquidation_price(entry, Fraction(1), margin, rate)
    kept = 1 - 1 / leverage
    assert got == entry * kept / (1 - rate)
    assert got > entry * kept > (1 - rate) * entry * kept


def test_nr_15_the_maintenance_amount_is_added_and_all_of_it_divided():
    given = exact(VECTORS["binance-001"]["inputs"])
    entry, size, rate = given["entry_price"], given["size"], given["mmr"]
    balance, amount = given["wallet_balance"], given["maintenance_amount"]
    got = formulas.liquidation_price(entry, size, balance, rate, amount)
    assert got == (entry * size - balance - amount) / (size * (1 - rate))
    assert got != entry - (balance - amount) / (size * (1 - rate))


def test_nr_20_bankruptcy_lies_beyond_liquidation():
    long = {"side": "long", "entry_price": "50000", "price": "50000", "leverage": "10"}
    bankrupt = calc("linear_bankruptcy", "bankruptcy_price", **long)
    assert bankrupt == 45_000
    assert calc("linear_liq_rate_at_entry", "liquidation_price", mmr="0.005", **long) > bankrupt


def test_every_entry_says_what_and_why():
    assert len(ENTRIES) == 25
    assert all(entry["source"] and entry["claim"] and entry["why"] for entry in ENTRIES.values())
