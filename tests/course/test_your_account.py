"""your_account: what is typed or pasted becomes an account; what it says is that account's."""

import json
import math
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from margin_course.account_form import AccountForm, number_of, one_line, parsed
from margin_course.lessons.your_account import (
    BOOKS,
    MONEY,
    SHARED,
    YourAccountLab,
    book,
    first_death,
    left,
    markets,
    middle,
    purses,
)
from margin_course.scenarios import load
from margin_lib.account import Account
from margin_lib.errors import MarginError
from margin_lib.exchanges import READERS
from margin_lib.venues import names, venue
from tests.margin.test_exchanges import BINANCE_3, OKX, OKX_ROW, SAMPLES
from tests.support.payload import PAYLOAD, active
from tools.repo import ROOT

SCENARIO = load(ROOT / "notebooks" / "scenarios.toml")["account"]


@pytest.fixture
def lab():
    return YourAccountLab(SCENARIO)


def words_of(widget):
    return re.sub(r"<[^>]*>", " ", widget.value).strip()


def paste(lab, answer, **missing):
    form = lab.form
    for name, value in missing.items():
        form.missing[name].value = value
    form.paste.value = answer if isinstance(answer, str) else json.dumps(answer)
    form._try(form.pasted)
    return words_of(lab.said)


def typed(lab, number, **values):
    row = lab.form.rows.children[number]
    for name, value in values.items():
        row.fields[name].value = value
    lab.form._try(lab.form.typed)
    return words_of(lab.said)


# The form


def test_the_example_is_the_account_of_the_scenario(lab):
    account = lab.statement.account
    first, *others = SCENARIO.trades
    assert account.wallet_balance == pytest.approx(SCENARIO.balance)
    assert account[first.symbol].margin == pytest.approx(first.margin)
    assert [p.symbol for p in account.cross] == [trade.symbol for trade in others]
    for trade in SCENARIO.trades:
        held = account[trade.symbol]
        assert held.quantity == pytest.approx(trade.quantity)
        assert held.contract.maintenance == trade.contract.maintenance


@pytest.mark.parametrize(
    ("words", "value"),
    [("5", 5), (" 1,234.5 ", 1234.5), ("5x", 5), ("−3", -3), ("0.4%", 0.004), ("1 000", 1000)],
)
def test_numbers_are_read_as_people_type_them(words, value):
    assert number_of(words, "size") == pytest.approx(value)


@pytest.mark.parametrize("words", ["", "abc", "1,5", "1,00", "nan", "inf", "1e999", "5 USD", "--1"])
def test_what_is_no_number_is_refused_and_never_guessed(words):
    with pytest.raises(MarginError, match="size must be"):
        number_of(words, "size")


def test_a_size_may_be_coins_or_money_and_an_inverse_contract_is_quote_money(lab):
    typed(lab, 0, size="0.1", **{"size in": "coins"})
    coins = lab.statement.account["BTC"].quantity
    typed(lab, 0, size="6000", **{"size in": "money"})
    assert lab.statement.account["BTC"].quantity == pytest.approx(coins) == 0.1
    form = lab.form
    form.rows.children = form.rows.children[:1]
    form.venue.value, form.balance.value = "binance coin-m", "0.5"
    said = typed(lab, 0, **{"size in": "coins", "size": "0.1"})
    account = lab.statement.account
    assert "binance coin-m, BTC" in said and lab.unit == "BTC"
    assert account["BTC"].units == pytest.approx(6000)
    assert account["BTC"].margin == pytest.approx(0.01)


def test_rows_come_and_go_and_an_empty_one_is_none(lab):
    lab.form.add()
    lab.form._try(lab.form.typed)
    assert len(lab.statement.account.positions) == 3
    for row in list(lab.form.rows.children):
        lab.form.remove(row)
    lab.form._try(lab.form.typed)
    assert words_of(lab.said) == "✕ positions must be at least one: add a position."
    with pytest.raises(MarginError) as refused:
        lab.form.typed()
    assert (refused.value.name, refused.value.value) == ("positions", "none")
    assert len(lab.statement.account.positions) == 1  # the last that could be shown stays


def test_a_press_that_overtakes_the_last_words_is_made_good(lab):
    """A kernel may hear of the press first, of what was typed before it a moment later."""
    form = lab.form
    form.add(coin="SOL", size="10", entry="150", leverage="5")
    form.rows.children[-1].fields["size"].value = "20"
    assert "SOL" not in lab.statement.account  # nothing was pressed yet
    form._try(form.typed)
    assert words_of(lab.said).startswith("✕ maintenance margin of SOL must be told")
    form.rows.children[-1].fields["rate"].value = "1"
    assert lab.statement.account["SOL"].units == 20 and "✕" not in words_of(lab.said)
    form.balance.value = "5000"
    assert lab.statement.account.balance == 5000
    form._try(form.pasted)
    assert words_of(lab.said).startswith("✕ paste must hold an answer")
    form.paste.value = json.dumps(SAMPLES["okx"])
    assert words_of(lab.said).startswith("Read as OKX")
    read = lab.statement
    form.rows.children[0].fields["leverage"].value = "3"
    assert lab.statement is read  # the rows are not what was pressed last


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"coin": ""}, "coin must be told"),
        ({"coin": "XYZ"}, "maintenance margin of XYZ must be told"),
        ({"entry": ""}, "entry price of BTC must be told"),
        ({"entry": "-5"}, "entry price of BTC must be above 0"),
        ({"size": "much"}, "size of BTC must be a number"),
        ({"leverage": "0.5"}, "leverage [x] of BTC must be at least 1"),
        ({"coin": "ETH"}, "one position a symbol|ETH"),
        ({"entry": "0"}, "entry price of BTC must be above 0"),
        ({"size": "0"}, "size of BTC must be above 0"),
        ({"mark": "much"}, "price now of BTC must be a number"),
        ({"mark": "0"}, "price now of BTC must be above 0"),
        ({"leverage": ""}, "leverage [x] of BTC must be told"),
        ({"margin": "much"}, "own margin of BTC must be a number"),
        ({"rate": "-1"}, "maintenance of BTC must be at least 0"),
        ({"rate": "100"}, "maintenance of BTC must be below 100"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_lost(lab, change, says):
    before, shown = lab.statement, lab.summary()
    said = typed(lab, 0, **change)
    if change == {"coin": "ETH"}:  # twice the same coin: two legs of one market
        assert len(lab.statement.account.positions) == 3
        return
    assert said.startswith(f"✕ {says}") and "\n" not in said and not said.endswith("None.")
    assert lab.statement is before and lab.summary() == shown
    row = lab.form.rows.children[0].values()
    assert row == {**row, **change}


def test_the_fields_above_the_rows_are_named_when_they_are_wrong(lab):
    form = lab.form
    for field, words, says in [
        (form.money, " ", "currency must be told"),
        (form.balance, "much", "balance must be a number"),
    ]:
        field.value, before = words, field.value
        form._try(form.typed)
        assert words_of(lab.said).startswith(f"✕ {says}")
        field.value = before


def test_a_rate_of_ones_own_stands_for_a_table_that_is_missing(lab):
    typed(lab, 0, coin="XYZ", rate="2")
    held = lab.statement.account["XYZ"]
    assert held.contract.maintenance_rate == pytest.approx(0.02)


@pytest.mark.parametrize("name", ["bybit linear", "okx"])
def test_the_form_begins_with_the_exchange_of_the_first_trade(name):
    """The one whose table of its coin the trade has; one that has it for another coin is none."""
    tables = venue(name).tables
    symbol, tiers = next((t.symbol, t.tiers) for t in tables if len(t.tiers) > 1)
    first, *others = (trade for trade in SCENARIO.trades if trade.symbol != symbol)
    contract = replace(first.contract, symbol=symbol, market=symbol, maintenance=tiers)

    def begins(contract):
        trades = [replace(first, contract=contract), *others]
        return AccountForm(print, print, replace(SCENARIO, trades=trades)).venue.value

    assert begins(contract) == name
    assert begins(replace(contract, symbol="XYZ", market="XYZ")) == names()[0]


def test_the_button_that_saves_sends_the_picture_under_its_name(lab, monkeypatch):
    sent = []
    monkeypatch.setattr(lab.saver, "send", lambda *what: sent.append(what))
    lab.saver._handle_custom_msg({}, [])
    ((said, (picture,)),) = sent
    assert said == {"name": "your_account.png"} and picture == lab.card()


# What is pasted


@pytest.mark.parametrize("kind", SAMPLES)
def test_each_kind_is_read(lab, kind):
    balance = {"bybit": "0.01"}.get(kind, "")
    said = paste(lab, SAMPLES[kind], balance=balance)
    assert said.startswith("Read as ") and "✕" not in said
    told = float(balance) if balance else None
    wanted = READERS[kind](SAMPLES[kind], told)[0]
    assert lab.statement.account == wanted.account
    assert lab.statement.printed.keys() == wanted.printed.keys()


def test_python_prints_are_read_too(lab):
    assert paste(lab, repr(SAMPLES["ccxt"])).startswith("Read as ccxt")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("", "paste must hold an answer"),
        ("{", "paste must be JSON"),
        ("[" * 100_000, "paste must be JSON"),
        ("1" * 2_000_000, "paste must be shorter"),
        ("[]", "paste must be one of these answers"),
        ("__import__('os').system('true')", "paste must be JSON"),
        (SAMPLES["bybit"], "BTC balance behind BTCUSD must be told"),
        ([{**OKX_ROW, "pos": "0"}], "positions must be open"),
        ([{**OKX_ROW, "upl": ""}], "contract size of DOGE-USDT-SWAP must be told"),
    ],
)
def test_a_wrong_paste_is_one_line(lab, answer, says):
    before = lab.statement
    said = paste(lab, answer)
    assert said.startswith(f"✕ {says}") and "\n" not in said
    assert lab.statement is before


def test_what_an_answer_does_not_say_can_be_said_beside_it(lab):
    assert "Read as OKX" in paste(lab, [{**OKX_ROW, "upl": ""}], size="1000")
    assert lab.statement.account["DOGE-USDT-SWAP"].contract.size == 1000
    assert "Read as Bybit" in paste(lab, SAMPLES["bybit"], size="", mode="isolated")
    row = {**SAMPLES["ccxt"]["positions"][0], "info": {}}
    assert "venue must be" in paste(lab, [row], balance="900")
    assert "balance must be a number" in paste(lab, [row], balance="much")
    assert "size of a contract must be above 0" in paste(lab, [row], balance="900", size="0")
    assert "venue must be" in paste(lab, [row], size="")
    assert "Read as ccxt" in paste(lab, [row | {"maintenanceMargin": 8.19}], house="okx")


def test_several_currencies_are_several_accounts(lab):
    usdc = OKX_ROW | {"instId": "DOGE-USDC-SWAP", "ccy": "USDC"}
    paste(lab, {"code": "0", "data": [OKX_ROW, usdc]})
    assert list(lab.which.options) == ["USDT", "USDC"] and lab.which.layout.display == ""
    lab.which.value = "USDC"
    assert lab.unit == "USDC" and "USDC" in lab.summary()
    assert "money added [USDC]" in lab.controls["added"].description


def test_names_in_an_answer_are_words_and_no_markup(lab):
    row = SAMPLES["hyperliquid"]["assetPositions"][0]["position"] | {"coin": PAYLOAD}
    state = SAMPLES["hyperliquid"] | {"assetPositions": [{"position": row}]}
    paste(lab, state)
    assert lab.statement.coins[PAYLOAD]
    shown = lab._repr_mimebundle_()["text/html"]
    for html in (shown, lab.said.value, lab.facts.value, lab._legend.value):
        assert active(html) == []
    said = paste(lab, [{**BINANCE_3, "symbol": PAYLOAD}])
    assert active(lab.said.value) == [] and said.startswith("✕ symbol must be one")


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_words_are_read_or_refused_in_one_line(words):
    try:
        parsed(words)
    except MarginError as error:
        assert "\n" not in one_line(error)


# What it says


def test_books_hold_the_same_money(lab):
    account, marks = lab.statement.account, lab.statement.marks
    for how in BOOKS:
        assert book(account, how, marks).wallet_balance == pytest.approx(account.wallet_balance)
    assert not book(account, BOOKS[1], marks).cross
    assert not book(account, BOOKS[2], marks).isolated
    poor = Account(balance=100, positions=account.positions)
    with pytest.raises(MarginError, match="all isolated would take"):
        book(poor, BOOKS[1], marks)


def test_an_own_margin_of_today_holds_what_is_lost_already(lab):
    typed(lab, 1, mark="2900")
    account, marks = lab.statement.account, lab.statement.marks
    held = book(account, BOOKS[1], marks)
    risk = held.risk(marks, "ETH")
    assert risk.equity == pytest.approx(risk.initial_margin) and not risk.is_liquidatable


def test_the_largest_positions_stand_on_the_plane(lab):
    typed(lab, 2, size="90000", leverage="50")
    assert lab.values()["across"] == "ADA" and lab.values()["upwards"] == "BTC"


def test_a_book_that_cannot_be_is_said_and_the_picture_stays(lab):
    lab.form.balance.value = "500"
    lab.form._try(lab.form.typed)
    lab.set(book=BOOKS[1])
    assert lab.summary().startswith("The exchange refuses: all isolated would take")
    assert "more margin than there is" in lab.facts.value


@pytest.mark.parametrize("how", BOOKS)
def test_the_first_death_alone_is_the_liquidation_price(lab, how):
    marks = lab.statement.marks
    account = book(lab.statement.account, how, marks)
    for position in account.positions:
        price = float(account.liquidation_price(position.symbol, marks))
        change = price / marks[position.symbol] - 1
        found = first_death(account, marks, [position.symbol], rising=change > 0)
        assert found.change == pytest.approx(change, rel=1e-6)
        assert found.who == ((position.symbol,) if position.margin is not None else (SHARED,))


def test_all_together_is_where_some_pocket_dies_and_none_before(lab):
    account, marks = lab.statement.account, lab.statement.marks
    found = first_death(account, marks, markets(account), rising=False)

    def dead(change):
        there = {market: mark * (1 + change) for market, mark in marks.items()}
        return [name for name, (s, *_) in purses(account).items()
                if account.risk(there, s).is_liquidatable]  # fmt: skip

    assert dead(found.change * (1 + 1e-6)) == list(found.who)
    assert dead(found.change * (1 - 1e-6)) == []


def test_the_top_up_is_the_liquidation_price_of_that_account(lab):
    lab.set(pocket="BTC", added=200)
    added = lab.values()["added"]
    account = lab.statement.account
    margin = account["BTC"].margin + added
    price = account["BTC"].liquidation_price(margin)
    edge = price / lab.statement.marks["BTC"] - 1
    assert f"{100 * edge:.1f} %".replace("-", "−") in lab.summary()


def test_what_can_be_taken_out_is_the_librarys(lab):
    lab.set(pocket=SHARED)
    free = lab.statement.account.removable(lab.statement.marks)
    assert lab.summary().endswith(f"{free:,.0f} USDT can be taken out of the shared balance now.")


def test_the_dot_and_the_tiles_agree(lab):
    for first, second in ((-0.5, 0.0), (0.0, -0.5), (-0.5, -0.5), (0.5, 0.5)):
        lab.set(first=first, second=second)
        closed = [tile.name for tile in lab.shown.tiles if tile.life == "closed"]
        words = lab.alt().rpartition(": ")[2]
        assert ("lives" in words) == (not closed)
        for name in closed:
            assert name.partition(",")[0].partition(":")[0] in words or "all is closed" in words


def test_a_dead_account_is_dead_from_the_start(lab):
    typed(lab, 0, mark="30000")
    tile = lab.shown.tiles[0]
    assert (tile.life, tile.note) == ("closed", "closed at the prices of now")
    assert "now: BTC" in lab.facts.value
    assert "BTC closed" in lab.summary()


def test_one_coin_alone_has_money_upwards(lab):
    paste(lab, OKX)
    assert lab.values()["upwards"] == MONEY and lab.controls["second"].disabled
    assert lab.controls["second"].description == "no second price [%]"
    lab.set(added=lab.controls["added"].max, first=1.4)
    assert lab.summary()


def test_printed_prices_stand_beside_ours(lab):
    paste(lab, OKX)
    assert "0.1795" in lab.facts.value and "the same" in lab.facts.value


def test_a_picture_to_keep_holds_the_plane_and_the_words(lab):
    image = Image.open(BytesIO(lab.card()))
    assert image.width >= 540 and image.height > 500
    other = lab.at(everything=-0.5)
    assert lab.card() != other.card()


def test_another_account_starts_anew_and_at_keeps_it(lab):
    lab.set(everything=-0.5, book=BOOKS[2])
    paste(lab, OKX)
    assert lab.values() == lab.presets["start"]
    other = lab.at(first=0.5)
    assert other.statement is lab.statement and other.values()["first"] == 0.5
    live = lab.of(READERS["okx"](OKX), "Read live.")
    assert words_of(live.said).startswith("Read live.")


def test_words_for_regions_and_a_place_for_them():
    assert left(["BTC", "ETH"], ["BTC", "ETH", SHARED]) == "BTC\nand ETH die"
    mask = np.zeros((40, 40), dtype=bool)
    assert middle(mask) is None
    mask[10:30, 5:35] = True
    row, column = middle(mask)
    assert 12 <= row <= 27 and 12 <= column <= 28


def test_never_is_said_where_no_price_kills(lab):
    paste(lab, [BINANCE_3], balance="25")
    assert "never" in lab.facts.value and not math.isfinite(
        float(lab.statement.account.liquidation_price("ADAUSDT", lab.statement.marks))
    )
