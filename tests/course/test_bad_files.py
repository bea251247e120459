"""Bad files of data: one clear line each, with file, table, key, rule and value."""

import datetime
import json
import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_course import files
from margin_course.page import glossary
from margin_course.quiz import quiz
from margin_course.scenarios import MOST_DAYS, Scenario, load
from margin_lib.errors import MarginError
from tests.support.strategies import SCENARIOS

FILE = """
[defaults]
maintenance_rate = 0.02

[a]
currency = "BTC"
balance = 5

[[a.trades]]
symbol = "ETH"
side = "long"
price = 0.1
margin = 2
leverage = 5
"""
HEAD = FILE.partition("[[")[0]


@pytest.fixture
def given_file(tmp_path):
    def write(content):
        path = tmp_path / "scenarios.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


BAD = {
    "a table of trades": (HEAD + "[a.trades]\nsymbol = 'ETH'", "[a] trades must be tables"),
    "trades = 5": (
        HEAD + "trades = 5",
        "[a] trades must be tables, each under [[a.trades]], got 5",
    ),
    "trades = [5]": (HEAD + "trades = [5]", "[a] trades must be tables"),
    "moves = 1": (HEAD + "moves = 1", "[a] moves must be of type Mapping, got 1"),
    "moves.up = 1": (HEAD + "moves.up = 1", "[a] move up must be of type Mapping, got 1"),
    "paths = 1": (HEAD + "paths = 1", "[a] paths must be of type Mapping, got 1"),
    "paths.up = 1": (HEAD + "paths.up = 1", "[a] path up must be of type Mapping, got 1"),
    "paths.up.ETH = 1": (FILE.replace("[[", "paths.up.ETH = 1\n[["), "[a] path up of ETH must be"),
    "mandate = 1": (HEAD + "mandate = 1", "[a] mandate must be of type Mapping, got 1"),
    "labels = 1": ("labels = 1\n" + FILE, "[labels] must be a table, got 1"),
    "a label = 1": ("labels.price = 1\n" + FILE, "[labels] price must be words, got 1"),
    "defaults = 1": (
        "defaults = 1\n" + HEAD.partition("[a]")[2],
        "[defaults] must be a table",
    ),
    "a scenario = 1": ("b = 1\n" + FILE, "[b] scenario must be a table, got 1"),
    "currency = 5": (FILE.replace('"BTC"', "5"), "[a] currency must be of type str, got 5"),
    "no currency": (FILE.replace('currency = "BTC"', ""), "[a] scenario must have the right keys"),
    "currency = ''": (FILE.replace('"BTC"', '""'), "[a] currency must not be empty, got ''"),
    "a symbol = 5": (FILE.replace('"ETH"', "5"), "[a] symbol must be"),
    "a side = []": (FILE.replace('"long"', "[]"), "[a] side must be 'long' or 'short', got []"),
    "days = 2.5": (HEAD + "days = 2.5", "[a] days must be a whole number, got 2.5"),
    "days = 1e9": (
        HEAD + "days = 1e9",
        f"[a] days must be at most {MOST_DAYS:,}, got 1000000000.0",
    ),
    "days = true": (HEAD + "days = true", "[a] days must be a number, got True"),
    "an unknown key": (HEAD + "dayz = 2", "[a] scenario must have the right keys"),
    "huge": (HEAD + f"days = {'9' * 400}", "[a] days must be at most 1e+100 in size, got 999"),
    "no TOML": (FILE + "moves\n", "must be TOML, got 'moves' (line 15)"),
    "an open quote": (HEAD + 'x = "abc\n', "must be TOML, got 'x = \"abc' (line 9)"),
    "twice": (FILE + "[a]\n", "must be TOML, got '[a]' (line 15)"),
    "too deep": ("x = " + "[" * 9999, "must be TOML, got "),
    "UTF-16": (FILE.encode("utf-16"), "must be text in UTF-8, got byte 0xff (line 1)"),
    "Latin-1": (
        FILE.replace("BTC", "£").encode("latin-1"),
        "must be text in UTF-8, got byte 0xa3 (l",
    ),
    "a stray byte": (FILE.encode() + b"\x80", "must be text in UTF-8, got byte 0x80 (line 15)"),
    "a NUL": (FILE + "\0", "must be TOML, got '\\x00' (line 15)"),
    "markup": (
        FILE.replace("BTC", "<b>"),
        "[a] currency must be plain words, without <, got '<b>'",
    ),
    "a break": (
        FILE.replace("BTC", "a\\nb"),
        "[a] currency must be plain words, without U+000A, got",
    ),
    "a turn": (
        FILE.replace("ETH", "\u202eETH"),
        "[a] trades symbol must be plain words, without U+2",
    ),
    "a bad table": ('["<b>"]\n', "the name of a table must be plain words, without <, got '<b>'"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_one_line_with_its_place(name, given_file):
    content, message = BAD[name]
    with pytest.raises(MarginError) as caught:
        load(given_file(content))
    said = str(caught.value)
    assert said.startswith("scenarios.toml")
    assert message in said
    assert "\n" not in said and len(said) < 250


def test_a_byte_order_mark_is_no_fault(given_file):
    assert load(given_file(b"\xef\xbb\xbf" + FILE.encode())) == load(given_file(FILE))


def test_windows_line_ends_are_no_fault(given_file):
    assert load(given_file(FILE.replace("\n", "\r\n"))) == load(given_file(FILE))


def test_a_file_that_is_not_there_and_a_folder(tmp_path):
    for path in (tmp_path / "no.toml", tmp_path):
        with pytest.raises(
            MarginError, match=f"^{path.name} must be a file that can be read, got "
        ):
            load(path)


@pytest.mark.parametrize("reader", [glossary, lambda path: quiz("01", path), load])
def test_each_reader_of_a_file_names_it(reader, tmp_path):
    path = tmp_path / "some.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(MarginError, match=r"^some\.toml must be text in UTF-8"):
        reader(path)


def test_labels_are_words_of_any_kind(given_file):
    """They are shown, never used as names: a page escapes them."""
    (scenario,) = load(given_file(f"labels.price = '<b>a | b</b>'\n{FILE}")).values()
    assert scenario.labels == {"price": "<b>a | b</b>"}


# Anything in any place

TABLES = tomllib.loads(SCENARIOS.read_text(encoding="utf-8"))
JUNK = [
    0,
    -1,
    1,
    2.5,
    1e300,
    10**400,
    math.nan,
    math.inf,
    True,
    "",
    "x",
    "long",
    "a\nb",
    "<img src=x onerror=alert(1)>",
    [],
    [1],
    [[1]],
    ["x"],
    [{}],
    {},
    {"a": 1},
    {"ETH": "x"},
    datetime.date(2026, 1, 1),
]


def places(value, way=()):
    """The way to each part of a tree, itself included."""
    yield way
    inner = enumerate(value) if isinstance(value, list) else ()
    for key, each in value.items() if isinstance(value, dict) else inner:
        yield from places(each, (*way, key))


def copied(value):
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, list) else value


WAYS = [way for way in places(TABLES) if way]


@given(st.sampled_from(WAYS), st.sampled_from(JUNK), st.sampled_from(["put", "drop", "rename"]))
def check_a_change(way, junk, how):
    tables = copied(TABLES)
    holder = tables
    for key in way[:-1]:
        holder = holder[key]
    if how == "put" or isinstance(holder, list):
        holder[way[-1]] = junk
    else:
        kept = holder.pop(way[-1])
        if how == "rename":
            holder[str(junk)] = kept
    check_tables(tables)


def check_tables(tables):
    """Scenarios, or one line that starts with the name of the file."""
    before = files.toml
    files.toml = lambda path: tables
    try:
        for scenario in load("folder/scenarios.toml").values():
            assert isinstance(scenario, Scenario)
    except MarginError as error:
        said = str(error)
        assert said.startswith("scenarios.toml")
        assert len(said) < 400
        assert not [sign for sign in said if ord(sign) < 32], repr(said)
        assert error.rule
    finally:
        files.toml = before


def test_anything_anywhere_is_read_or_refused_in_one_line():
    check_a_change()


def test_every_place_refuses_or_reads_what_does_not_belong_there():
    for way in WAYS:
        for junk in ([], "x", math.nan, 10**400):
            check_a_change.hypothesis.inner_test(way, junk, "put")


def test_strings_are_found_wherever_they_are():
    found = dict(files.strings(TABLES))
    leaves = json.dumps(TABLES)
    assert len(found) > 50
    assert all(json.dumps(words) in leaves for words in found.values())
