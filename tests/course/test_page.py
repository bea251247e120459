"""What a page shows: every output has words that can be read, and compared, without it."""

import pytest

from margin_course import page
from margin_course.lessons.isolated_margin import PocketsPicture
from margin_course.scenarios import load
from margin_lib.replay import replay


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: a list of (data, metadata)."""
    calls = []

    def display(data, raw, metadata=None):
        assert raw
        calls.append((data, metadata))

    monkeypatch.setattr(page, "display", display)
    return calls


def test_a_sentence_is_readable_with_and_without_markdown(shown):
    page.say("**2** BTC")
    assert shown == [({"text/markdown": "**2** BTC", "text/plain": "**2** BTC"}, None)]


def test_a_picture_carries_its_words(shown, root):
    trader = load(root / "tests/support/articles.toml")["isolated"]
    state = replay(trader.account("isolated"), [trader.marks()])
    page.show(PocketsPicture(trader).plot(state), "two bars")
    data, _ = shown[0]
    assert data["text/plain"] == "two bars"
    assert '<img alt="two bars" src="data:image/png;base64,iVBORw0KGgo' in data["text/html"]


def test_words_in_a_figure_cannot_break_its_html():
    html = page.figure(b"", 'a "quote" <b>', ["1 < 2", "& so on"])
    assert 'alt="a &quot;quote&quot; &lt;b&gt;"' in html
    assert "1 &lt; 2<br>&amp; so on" in html


def test_the_table_of_positions_holds_both_modes(root):
    scenario = load(root / "tests/support/articles.toml")["cross"]
    account = scenario.account({"ETH": "isolated", "ADA": "cross"})
    table = page.positions(account, scenario.marks(), scenario.currency)
    assert list(table["held"]) == ["isolated long", "cross short"]
    assert list(table["margin [BTC]"]) == ["4.00", "6.00"]
    assert list(table["borrowed [BTC]"]) == ["4.00", "6.00"]
    assert list(table["from here"]) == ["−48.98 %", "+47.06 %"]


def test_never_stands_in_the_table_where_no_price_liquidates(root):
    scenario = load(root / "tests/support/articles.toml")["cross"]
    table = page.positions(scenario.account("cross"), scenario.marks(), scenario.currency)
    assert table.loc["ETH", "liquidation price"] == table.loc["ETH", "from here"] == "never"


def test_an_account_without_positions_has_an_empty_table(root):
    scenario = load(root / "tests/support/articles.toml")["cross"]
    assert len(page.positions(scenario.account({}), {}, "BTC")) == 0


def test_the_table_of_chances_has_a_column_an_account_and_errors(root):
    scenario = load(root / "tests/support/articles.toml")["cross"]
    outcomes = scenario.outcomes(paths=400)
    table = page.chances(outcomes, scenario.currency)
    assert list(table) == ["isolated", "cross"] and table.columns.name == "in many markets"
    value, error = outcomes["cross"].summary().loc["chance of ruin"]
    assert table.loc["chance of ruin", "cross"] == f"{value:.1%} ± {error:.1%}".replace("%", " %")
    assert "±" not in table.loc["worst final equity [BTC]", "isolated"]
    assert table.loc["capital efficiency", "cross"].endswith(" %")
    calm = page.chances(scenario.outcomes(paths=2, volatility=0), "BTC")
    assert calm.loc["loss given liquidation [BTC]", "cross"] == "none"


def test_the_terms_of_a_position_say_how_each_is_made(root):
    """The articles' long: 100 ETH bought at 0.1 BTC with 5x, and the price at 0.09."""
    account = load(root / "tests/support/articles.toml")["isolated"].account("isolated")
    table = page.terms(account, "ETH", {"ETH": 0.09}, "BTC")
    assert table.splitlines() == [
        "| term | how it is made | now |",
        "|:--|:--|--:|",
        "| mark price | what the venue says | 0.09000 BTC |",
        "| notional | quantity · mark price | 9.00 BTC |",
        "| leverage | you choose | 5x |",
        "| initial margin | notional at entry / leverage | 2.00 BTC |",
        "| margin | what you put in | 2.00 BTC |",
        "| borrowed | notional at entry − initial margin | 8.00 BTC |",
        "| equity | margin + profit or loss | 1.00 BTC |",
        "| effective leverage | notional / equity | 9.00x |",
        "| maintenance margin | maintenance rate · notional | 0.18 BTC |",
        "| margin ratio | maintenance margin / equity | 0.180 |",
        "| liquidation price | where equity = maintenance margin | 0.08163 BTC |",
        "| bankruptcy price | where equity = 0 | 0.08000 BTC |",
    ]


def test_the_table_of_positions_counts_at_the_marks_that_are_given(root):
    scenario = load(root / "tests/support/articles.toml")["cross"]
    account = scenario.account({"ETH": "isolated", "ADA": "cross"})
    table = page.positions(account, scenario.marks(ETH=-0.1, ADA=0.1), "BTC")
    assert table.columns.name == "position" and table.index.name is None
    assert table.T.to_dict() == {
        "ETH": {
            "held": "isolated long",
            "notional [BTC]": "7.20",
            "margin [BTC]": "4.00",
            "borrowed [BTC]": "4.00",
            "PnL [BTC]": "−0.80",
            "liquidation price": "0.05102",
            "from here": "−43.31 %",
        },
        "ADA": {
            "held": "cross short",
            "notional [BTC]": "13.20",
            "margin [BTC]": "6.60",
            "borrowed [BTC]": "6.00",
            "PnL [BTC]": "−1.20",
            "liquidation price": "0.00007353",
            "from here": "+33.69 %",
        },
    }


def test_a_figure_is_tiles_a_picture_its_words_and_a_legend():
    plain = {"name": "n", "mode": "", "life": "", "money": "1 BTC", "note": ""}
    dead = {"name": "m", "mode": "cross", "life": "closed", "money": "2 BTC", "note": "o"}
    assert page.figure(b"x", "a", ["b", "c"], "<p>l</p>", [plain, dead]) == (
        '<figure class="mc-still" style="margin:0"><ul class="mc-tiles">'
        '<li class="mc-tile mc-plain mc-still"><span>n</span> <strong>1 BTC</strong></li>'
        '<li class="mc-tile mc-cross mc-closed"><span>m</span> <b>closed</b> '
        "<strong>2 BTC</strong> <span>o</span></li></ul>"
        '<img alt="a" src="data:image/png;base64,eA==">'
        "<figcaption>b<br>c<p>l</p></figcaption></figure>"
    )
    assert page.figure(b"x", "a", []) == (
        '<figure class="mc-still" style="margin:0"><img alt="a" '
        'src="data:image/png;base64,eA=="><figcaption></figcaption></figure>'
    )
    assert page.status("x") == '<div role="status" aria-live="polite">x</div>'


def test_facts_are_cited_with_all_that_is_known_of_them():
    fact = {"date": "2021-10-21", "where": "A", "what": "w", "grade": "P"}
    fact["source"] = "http://www.a.org"
    known = {
        "prices": fact | {"entry": 1, "high": 20, "low": 16, "stop": 15, "closed": 14},
        "money": fact | {"amount": 1234.5, "unit": "BTC"},
        "share": fact | {"amount": -0.5},
        "rule": fact | {"before": 2, "after": 3, "unit": "%"},
    }
    head = ["| day and place | what | figures | source |", "|:--|:--|--:|:--|"]

    def row(figures):
        return f"| 2021-10-21, A | w | {figures} | [P: a.org](http://www.a.org) |"

    rows = {
        "prices": row("1.000 → 20.00 → 16.00 → 15.00 → 14.00, −20.00 %"),
        "money": row("1,234.5 BTC"),
        "share": row("−50.00 %"),
        "rule": row("2% → 3%"),
    }
    assert page.cited(known).splitlines() == [*head, *rows.values()]
    assert page.cited(known, ["rule", "prices"]).splitlines() == [
        *head,
        rows["rule"],
        rows["prices"],
    ]


def test_the_glossary_is_in_the_order_of_the_alphabet_whatever_the_case(tmp_path):
    path = tmp_path / "glossary.toml"
    path.write_text(
        '[b]\nmeans = "m"\nformula = "f"\nunit = "u"\nvenues = "v"\n[A]\nmeans = "n"\n'
        '[c]\nmeans = "o"\n',
        encoding="utf-8",
    )
    assert page.glossary(path).splitlines() == [
        "| term | meaning | formula | unit and sign | venues also say |",
        "|:--|:--|:--|:--|:--|",
        "| **A** | n |  |  |  |",
        "| **b** | m | f | u | v |",
        "| **c** | o |  |  |  |",
    ]
