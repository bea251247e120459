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
    data, metadata = shown[0]
    assert data["text/plain"] == metadata["image/png"]["alt"] == "two bars"
    assert data["image/png"].startswith("iVBORw0KGgo")


def test_words_in_a_figure_cannot_break_its_html():
    html = page.figure(b"", 'a "quote" <b>', ["1 < 2", "& so on"])
    assert 'alt="a &quot;quote&quot; &lt;b&gt;"' in html
    assert "1 &lt; 2<br>&amp; so on" in html


def test_the_table_of_positions_holds_both_modes(root):
    scenario = load(root / "tests/support/articles.toml")["cross"]
    account = scenario.account({"ETH": "isolated", "ADA": "cross"})
    table = page.positions(account, scenario.marks(), scenario.currency)
    assert list(table["mode"]) == ["isolated", "cross"]
    assert list(table["side"]) == ["long", "short"]
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
    assert list(table) == ["isolated", "cross"]
    value, error = outcomes["cross"].summary().loc["chance of ruin"]
    assert table.loc["chance of ruin", "cross"] == f"{value:.1%} ± {error:.1%}".replace("%", " %")
    assert "±" not in table.loc["worst final equity [BTC]", "isolated"]
    calm = page.chances(scenario.outcomes(paths=2, volatility=0), "BTC")
    assert calm.loc["loss given liquidation [BTC]", "cross"] == "none"
