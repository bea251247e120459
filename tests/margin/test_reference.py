"""Published examples: each recomputed by the library, within its own tolerance."""

import ast
import inspect
import json
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from margin_lib import formulas
from margin_lib.contracts import Tiers
from margin_lib.venues import venue
from tests.margin.reference.adapters import ADAPTERS, exact
from tests.margin.reference.trials import TRIALS, UNNAMED, adapter_of

FOLDER = Path(__file__).parent / "reference"
VECTORS = FOLDER / "vectors.json"
CASES = FOLDER / "cases.json"
TABLES = json.loads((FOLDER / "tiers.json").read_text(encoding="utf-8"))["tables"]


def read(path):
    """The vectors of a file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def pytest_generate_tests(metafunc):
    if "vector" in metafunc.fixturenames:
        other = metafunc.config.getoption("--vectors", default=None)
        vectors = read(other) if other else [*read(VECTORS), *read(CASES)]
        metafunc.parametrize("vector", vectors, ids=[vector["id"] for vector in vectors])


def computed(vector):
    """What the library says to the inputs of a vector."""
    adapter = adapter_of(vector)
    if adapter is None:
        pytest.fail(f"no adapter for calc {vector['calc']!r}, only for {', '.join(ADAPTERS)}")
    return adapter(exact(vector["inputs"]))


def distance(expected, actual):
    """How far a finite result is from the expected number, exactly; infinite if not finite.

    A price of 0 is never reached: sources print "never" as 0 too, where equity lasts to exactly 0.
    """
    if not math.isfinite(actual):
        return 0 if expected == 0 and math.isnan(actual) else math.inf
    return abs(Fraction(actual) - expected)


def agrees(expected, actual, tolerance):
    """Whether a result is what was published: an outcome, a number, or null for none at all."""
    if expected is None:
        return actual is None or not math.isfinite(actual)
    if isinstance(expected, bool | str) or isinstance(actual, bool | str):
        return type(expected) is type(actual) and expected == actual
    kind, width = tolerance.split(":")
    scale = {"abs": 1, "rel": abs(expected)}[kind]
    return distance(expected, actual) <= Fraction(width) * scale


def differences(vector, results):
    """What a vector expects and the library does not give."""
    return [
        f"{name}: expected {expected}, got {results.get(name, 'no such result')}"
        for name, expected in vector["expected"].items()
        if name not in results or not agrees(exact(expected), results[name], vector["tolerance"])
    ]


# Cases whose source does not hold what it asks for, and why; what is right stands in a test below.
WRONG = {
    "deribit-101": "the mark is printed rounded to its tick, and the margins were not made with it",
    "bybit-hedged-mm-001": "neither the leg that covers this one nor the fee is printed",
}


def test_published(vector):
    found = differences(vector, computed(vector))
    assert not found or vector["id"] in WRONG, (
        f"{vector['id']} ({vector['formula']}; {vector['source']}): {found}"
    )


def case(identity):
    """One of the cases."""
    return next(case for case in read(CASES) if case["id"] == identity)


def test_what_is_right_where_a_source_is_not():
    deribit, bybit = (case(identity) for identity in WRONG)
    size = {"mark_price": str(30 / 0.603420186)}  # size_currency, printed in the same answer
    printed = {**deribit, "inputs": {**deribit["inputs"], **size}, "tolerance": "abs:1e-9"}
    assert not differences(printed, computed(printed))
    assert differences(deribit, computed(deribit))
    # A covered leg asks for nothing but its counted fee, and of that there is none here.
    assert computed(bybit) == {"maintenance_margin": 0}
    assert differences(bybit, computed(bybit))


def test_prices_are_printed_as_the_venues_print_them():
    """OKX one tick nearer to the mark, Bybit rounded up: beside the equation in the cases."""
    okx, bybit = case("okx-iso-002"), case("bybit-classic-001")
    at = float(computed(okx)["liquidation_price"])
    tick = float(okx["inputs"]["tick"])
    printed = float(okx["printed"]["liquidation_price"])
    assert venue("okx").printed(at, quantity=-1, tick=tick) == pytest.approx(printed, rel=1e-12)
    for name, price in bybit["printed"].items():
        at = venue("bybit linear classic").printed(float(computed(bybit)[name]), 1, tick=0.05)
        assert at == pytest.approx(float(price), rel=1e-12)


# The comparison itself


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance"),
    [
        ("1", Fraction(1), "abs:0"),
        ("0.1", Fraction(1, 10), "abs:0"),
        ("-3", -3.0, "abs:0"),
        ("100", 99.5, "abs:0.5"),
        ("100", 99, "rel:0.01"),
        ("-100", -101, "rel:0.01"),
        (None, math.nan, "abs:0"),
        (None, math.inf, "abs:0"),
        (True, True, "abs:0"),
        ("0", math.nan, "abs:0"),
    ],
)
def test_what_is_within_the_tolerance_agrees(expected, actual, tolerance):
    assert agrees(exact(expected), actual, tolerance)


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance"),
    [
        ("0.1", 0.1, "abs:0"),  # the float is not the number
        ("100", 99.4, "abs:0.5"),
        ("100", 98.9, "rel:0.01"),
        ("100", math.nan, "rel:1"),
        ("100", math.inf, "rel:1"),
        ("0", math.inf, "abs:1"),
        (None, 0.0, "abs:0"),
        (True, False, "abs:0"),
        (True, 1, "abs:0"),
        ("1", True, "abs:0"),
    ],
)
def test_what_is_beyond_the_tolerance_does_not(expected, actual, tolerance):
    assert not agrees(exact(expected), actual, tolerance)


def test_a_result_that_is_not_given_is_a_difference():
    vector = {"expected": {"price": "1"}, "tolerance": "abs:0"}
    assert differences(vector, {"margin": 1}) == ["price: expected 1, got no such result"]


def test_an_unknown_calc_fails_and_says_so():
    with pytest.raises(pytest.fail.Exception, match="no adapter for calc 'astrology'"):
        computed({"calc": "astrology", "inputs": {}})


def test_another_file_of_this_form_can_be_checked(tmp_path):
    vector = {**read(VECTORS)[0], "id": "another"}
    path = tmp_path / "others.json"
    others = [vector, {**vector, "id": "strange", "calc": "astrology"}]
    path.write_text(json.dumps(others), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "published"]
    run = subprocess.run(
        [*command, "tests/margin/test_reference.py::test_published", "--vectors", path],
        cwd=FOLDER.parents[2],
        capture_output=True,
        text=True,
    )
    assert "1 failed, 1 passed" in run.stdout
    assert "no adapter for calc 'astrology'" in run.stdout


def wrong(expected):
    """Something else than a vector expects."""
    if isinstance(expected, bool):
        return not expected
    return "7" if expected is None else None


def test_every_expected_value_counts():
    for vector in read(VECTORS):
        results = computed(vector)
        for name in vector["expected"]:
            spoiled = {**vector["expected"], name: wrong(vector["expected"][name])}
            assert len(differences({**vector, "expected": spoiled}, results)) == 1, vector["id"]


def test_exact_inputs_give_exact_results():
    for vector in read(VECTORS):
        results = computed(vector)
        for name in vector["expected"]:
            kept = isinstance(results[name], (Fraction, int))
            assert kept or not math.isfinite(results[name]), (vector["id"], name, results[name])


def test_the_files_are_whole():
    vectors, cases = read(VECTORS), read(CASES)
    assert (len(vectors), len(cases)) == (131, 51)
    assert len({vector["id"] for vector in [*vectors, *cases]}) == 131 + 51
    named = {vector["calc"] for vector in [*vectors, *cases]} - set(UNNAMED)
    assert named == set(ADAPTERS)
    assert all(vector["source"] and vector["mode_conventions"] for vector in vectors)
    assert all(case["source"] and case["about"] and case["date"] for case in cases)


def test_each_case_without_a_name_is_told_by_its_inputs_alone():
    asked = [case for case in read(CASES) if case["calc"] in UNNAMED]
    found = set()
    for each in asked:
        fits = [trial for trial in TRIALS if set(each["inputs"]) <= set(parameters(trial))]
        fits = [trial for trial in fits if not needed(trial) - set(each["inputs"])]
        assert len(fits) == 1, each["id"]
        found |= set(fits)
    assert found == set(TRIALS)


def parameters(function):
    """The parameters of a function by name."""
    return inspect.signature(function).parameters


def needed(function):
    """Names of the parameters without a default."""
    given = parameters(function).items()
    return {name for name, parameter in given if parameter.default is parameter.empty}


def test_no_margin_formula_hides_in_an_adapter():
    for name in ("adapters.py", "trials.py"):
        tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
        sums = [node for node in ast.walk(tree) if isinstance(node, (ast.Add, ast.Sub))]
        assert not sums, name


def test_the_readme_names_every_file():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in FOLDER.glob("*.*") if path.name != "README.md"}
    assert all(f"`{name}`" in text for name in files)


# Other inputs than the published ones, of the same form


LONG, SHORT = {"side": "long"}, {"side": "short"}
FILLS = [{"qty": "10", "price": "10"}, {"qty": "10", "price": "20"}, {"qty": "20", "price": "30"}]
TWO = [{"floor": "0", "mmr": "0.01"}, {"floor": "100", "mmr": "0.02"}]
HALF = {"entry_price": "100", "size": "1", "leverage": "2"}
NEIGHBOURS = [
    # "Never": own money pays for everything.
    ("linear_bankruptcy", {**LONG, "price": "40", "leverage": "1"}, {"bankruptcy_price": None}),
    ("linear_liq_rate_at_entry", {**LONG, **HALF, "leverage": "1"}, {"liquidation_price": None}),
    ("linear_liq_wallet", {**LONG, **HALF, "wallet_balance": "200"}, {"liquidation_price": None}),
    ("inverse_bankruptcy", {**LONG, "price": "100", "leverage": "1"}, {"bankruptcy_price": "50"}),
    ("inverse_liq", {**SHORT, "entry_price": "100", "leverage": "1"}, {"liquidation_price": None}),
    (
        "hl_doc_formula",
        {**LONG, **HALF, "margin": "100", "max_leverage": "5"},
        {"liquidation_price": None},
    ),
    ("spot_margin_liq", {"level": "1.1", "coin": "1"}, {"liquidation_price": None}),
    ("spot_margin_level", {"coin": "1", "price": "9"}, {"level_pct": None}),
    # The other side.
    (
        "linear_liq_fee_in_denominator",
        {**SHORT, **HALF, "mmr": "0.2", "taker_fee": "0.05"},
        {"liquidation_price": "120"},
    ),
    (
        "linear_liq_im_mm_entry",
        {**LONG, **HALF, "multiplier": "0.1", "mmr": "0.1"},
        {"liquidation_price": "60", "initial_margin": "5"},
    ),
    ("mexc_long", {**SHORT, **HALF, "mmr": "0.1"}, {"liquidation_price": "140"}),
    (
        "cross_single_const_mm_at_entry",
        {**SHORT, **HALF, "mmr": "0.1", "wallet_balance": "30"},
        {"bankruptcy_price": "130", "liquidation_price": "120"},
    ),
    (
        "inverse_im_mm_liq",
        {**SHORT, "contracts": "100", "entry_price": "100", "leverage": "2", "mmr": "0.25"},
        {"liquidation_price": "400/3", "maintenance_margin": "0.25"},
    ),
    (
        "coinm_liq",
        {
            **SHORT,
            "contracts": "10",
            "contract_usd": "10",
            "entry_price": "100",
            "wallet_balance": "0.5",
            "mmr": "0.25",
        },
        {"liquidation_price": "150"},
    ),
    (
        "hl_raw_usd",
        {**SHORT, "size": "1", "raw_usd": "150", "max_leverage": "2"},
        {"liquidation_price": "120"},
    ),
    (
        "dydx_account",
        {
            "quote_balance": "-900",
            "size_signed": "1",
            "oracle_price": "1000",
            "imf": "0.05",
            "mmf": "0.1",
        },
        {"equity": "100", "free_collateral": "50", "leverage": "10", "liquidation_price": "1000"},
    ),
    (
        "dydx_account",
        {"quote_balance": "7", "size_signed": "0", "oracle_price": "10", "imf": "0.1", "mmf": "0"},
        {"equity": "7", "free_collateral": "7", "leverage": "0", "liquidation_price": None},
    ),
    (
        "isolated_risk",
        {**SHORT, **HALF, "mmr": "0.1", "mark_price": "110"},
        {"upnl": "-10", "risk_pct": "25"},
    ),
    (
        "isolated_risk",
        {**SHORT, **HALF, "mmr": "0.1", "mark_price": "110", "margin": "30"},
        {"risk_pct": "50"},
    ),
    (
        "fund_delta",
        {**SHORT, "size": "2", "bankruptcy_price": "10", "fill_price": "11"},
        {"fund_delta": "-2"},
    ),
    (
        "funding_cash",
        {**SHORT, "size": "2", "mark_price": "10", "rate": "-0.1"},
        {"cash_flow": "-2"},
    ),
    # A table instead of one rate, and other positions.
    (
        "linear_liq_wallet",
        {**LONG, "wallet_balance": "40", "entry_price": "1", "size": "200", "tiers": TWO},
        {"liquidation_price": "160/196"},
    ),
    ("maintenance", {"notional": "200", "tiers": TWO}, {"maintenance_margin": "4"}),
    (
        "tier_lookup",
        {"notional": "99.99", "tiers": TWO},
        {"tier": "1", "mmr": "0.01", "max_leverage": None},
    ),
    ("tier_lookup", {"notional": "100", "brackets": TWO}, {"tier": "2", "mmr": "0.02"}),
    ("tier_cums", {"tiers": TWO}, {"tier1": "0", "tier2": "1"}),
    (
        "linear_liq_wallet_multi",
        {
            **SHORT,
            **HALF,
            "wallet_balance": "30",
            "others": [
                {**LONG, **HALF, "mark_price": "90", "mmr": "0.1"},
                {**SHORT, **HALF, "mark_price": "90", "mmr": "0.1"},
            ],
        },
        {"liquidation_price": "112"},
    ),
    ("avg_entry_linear", {"fills": FILLS}, {"entry_price": "22.5"}),
    ("avg_entry_inverse", {"fills": FILLS[:1]}, {"entry_price": "10"}),
    ("not_liquidatable_cross", {**SHORT, **HALF, "mode": "isolated"}, {"liquidation_price": "150"}),
    # Money that is there, or is not.
    (
        "fund_pays",
        {"size": "10", "entry_price": "100", "mark_price": "40", "margin": "50", "fund": "100"},
        {"deficit": "550", "fund_after": "0", "unpaid": "450"},
    ),
    (
        "fund_pays",
        {
            **SHORT,
            "size": "1",
            "entry_price": "100",
            "mark_price": "40",
            "margin": "50",
            "fund": "100",
        },
        {"deficit": "0", "fund_after": "100"},
    ),
    (
        "adl_account",
        {"winner_equity": "100", "winner_upnl": "600", "deficit": "700"},
        {"winner_equity_after": "100"},
    ),
    (
        "interest_hourly",
        {"borrowed": "24", "daily_rate": "0.01", "minutes": "60"},
        {"interest": "0.01"},
    ),
    (
        "interest_4h",
        {"borrowed": "10", "rate_per_period": "0.01", "minutes": "240"},
        {"interest": "0.2"},
    ),
    (
        "interest_4h",
        {"borrowed": "10", "rate_per_period": "0.01", "minutes": "0"},
        {"interest": "0.1"},
    ),
]


@pytest.mark.parametrize(("calc", "inputs", "expected"), NEIGHBOURS)
def test_neighbours_of_the_published_examples(calc, inputs, expected):
    vector = {"calc": calc, "inputs": inputs, "expected": expected, "tolerance": "abs:0"}
    assert not differences(vector, computed(vector))


ROW = {"symbol": "BTC", "size_signed": "1", "entry_price": "100", "mark_price": "90"}
FIVE = {"brackets": [{"floor": "0", "mmr": "0.05"}], "positions": [ROW]}


@pytest.mark.parametrize(
    ("balance", "trigger", "liquidated"),
    [("14.5", "le", True), ("14.5", "lt", False), ("14.4", "lt", True), ("14.6", "le", False)],
)
def test_the_trigger_decides_at_equality(balance, trigger, liquidated):
    inputs = {**FIVE, "wallet_balance": balance, "trigger": trigger}
    results = ADAPTERS["portfolio"](exact(inputs))
    assert results["account_liquidated"] is results["BTC_liquidated"] is liquidated
    alone = {**ROW, "isolated_margin": balance}
    inputs = {**inputs, "mode": "isolated", "wallet_balance": "0", "positions": [alone]}
    results = ADAPTERS["portfolio"](exact(inputs))
    assert (results["account_liquidated"], results["BTC_liquidated"]) == (False, liquidated)


def test_positions_of_both_modes_stand_side_by_side():
    eth = {**ROW, "symbol": "ETH", "size_signed": "-2", "mode": "isolated", "leverage": "4"}
    inputs = {**FIVE, "wallet_balance": "70", "positions": [ROW, eth]}  # 50 of it are ETH's
    results = ADAPTERS["portfolio"](exact(inputs))
    assert results["ETH_pnl"] == 20
    assert results["equity"] == 70 - 10 + 20
    assert results["maintenance_margin"] == Fraction("4.5") + 9
    assert results["available"] == 80 - 90 - 45
    assert not results["account_liquidated"]


# Maintenance tables


def name_of(table):
    return f"{table['exchange']} {table['market']} {table['as_of'][:10]}"


def load(table):
    """A printed table as Tiers; a rate that is not printed counts as 0 (tables of caps only)."""
    rows = [exact(row) for row in table["tiers"]]
    return Tiers(
        (
            row["floor"],
            row["maintenance_margin_rate"] or Fraction(0),
            row.get("maintenance_amount") or Fraction(0),
            row.get("max_leverage"),
        )
        for row in rows
    )


def jump(tiers, number):
    """How much maintenance margin rises where a row begins."""
    floor = tiers[number].floor
    return formulas.tiered_maintenance(floor, tiers) - formulas.tiered_maintenance(
        floor, tiers[:number]
    )


@pytest.mark.parametrize("table", TABLES, ids=name_of)
def test_every_printed_table_loads_with_its_rows(table):
    tiers = load(table)
    assert len(tiers) == len(table["tiers"])
    for tier, row in zip(tiers, table["tiers"], strict=True):
        assert tiers.at(tier.floor) == tier
        if row["cap"] is not None and row is not table["tiers"][-1]:
            assert tiers.at(Fraction(row["cap"])).floor == Fraction(row["cap"])
        if row.get("max_leverage") is not None:
            assert tier.max_leverage == Fraction(row["max_leverage"])


@pytest.mark.parametrize("table", TABLES, ids=name_of)
def test_a_table_is_continuous_exactly_where_it_prints_amounts(table):
    tiers = load(table)
    rises = [b for b in range(1, len(tiers)) if tiers[b].rate > tiers[b - 1].rate]
    assert bool(table["continuous"]) == bool(table["published_amounts"])
    for number in rises:
        assert (jump(tiers, number) == 0) == bool(table["continuous"])


@pytest.mark.parametrize(
    "table", [table for table in TABLES if table["published_amounts"]], ids=name_of
)
def test_printed_amounts_are_those_that_follow_from_floors_and_rates(table):
    tiers = load(table)
    assert tiers == Tiers.continuous((t.floor, t.rate, t.max_leverage) for t in tiers)


@pytest.mark.parametrize(
    "table",
    [table for table in TABLES if "maintenance_amount_computed" in table["tiers"][0]],
    ids=name_of,
)
def test_amounts_that_are_not_printed_follow_too(table):
    tiers = Tiers.continuous((t.floor, t.rate) for t in load(table))
    for tier, row in zip(tiers, table["tiers"], strict=True):
        assert float(tier.amount) == pytest.approx(float(row["maintenance_amount_computed"]))


@pytest.mark.parametrize(
    "table", [table for table in TABLES if table["exchange"] == "hyperliquid"], ids=name_of
)
def test_half_of_the_initial_margin_at_the_cap_is_the_printed_rate(table):
    tiers = load(table)
    made = Tiers.half_of_max_leverage((t.floor, t.max_leverage) for t in tiers)
    assert [float(t.rate) for t in made] == pytest.approx([float(t.rate) for t in tiers], rel=1e-9)


def test_there_are_as_many_tables_as_the_file_promises():
    assert len(TABLES) == 38
    assert len({(t["exchange"], t["market"], t["source"]) for t in TABLES}) == 38
