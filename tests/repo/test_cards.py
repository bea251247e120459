"""Cards for Anki: one line each, whole, and no markup out of the data."""

import tomllib

from tests.support.recipes import ADAPTED
from tools.notebooks import cards
from tools.repo import ROOT

FOLDER = ROOT / "notebooks"


def lines(text):
    head = [line for line in text.splitlines() if line.startswith("#")]
    return head, [line.split("\t") for line in text.splitlines()[len(head) :]]


def test_each_word_and_each_question_has_a_card():
    head, deck = lines(cards.deck())
    assert head == cards.HEAD and "#separator:tab" in head
    glossary = tomllib.loads((FOLDER / "glossary.toml").read_text(encoding="utf-8"))
    quizzes = tomllib.loads((FOLDER / "quiz.toml").read_text(encoding="utf-8"))
    assert len(deck) == len(glossary) + sum(map(len, quizzes.values()))
    assert all(len(card) == 3 and all(card) for card in deck)
    # In an adapted course one notebook may begin as a copy of another.
    assert ADAPTED or len({front for front, _, _ in deck}) == len(deck)
    assert {tags for _, _, tags in deck} == {"glossary", *(f"notebook-{n}" for n in quizzes)}


def test_a_card_holds_no_markup_of_the_data_and_stays_one_line(tmp_path):
    bad = "<b>\\t1\\n2</b> \\u2028 & #tag"
    (tmp_path / "glossary.toml").write_text(
        f'["{bad}"]\nmeans = "{bad}"\nformula = "{bad}"', encoding="utf-8"
    )
    option = f'says = "{bad}", because = "{bad}"'
    (tmp_path / "quiz.toml").write_text(
        f'[[01]]\nask = "{bad}"\noptions = [{{{option}, right = true}}, {{says = "no"}}]',
        encoding="utf-8",
    )
    _, deck = lines(cards.deck(tmp_path))
    assert len(deck) == 2 and all(len(card) == 3 for card in deck)
    text = "".join(sum(deck, []))
    assert "<b>" not in text and "&lt;b&gt;" in text and "\u2028" not in text


def test_the_right_option_is_on_the_back_alone():
    front, back, _ = next(
        card for card in lines(cards.deck())[1] if card[0].startswith("You choose more leverage")
    )
    assert back.startswith("Nothing. Each price change only weighs more")
    assert "✓" not in front and "Right" not in front


def test_make_cards_writes_the_deck(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cards, "ROOT", tmp_path)
    monkeypatch.setattr(cards, "DECK", tmp_path / "build" / "cards.txt")
    assert cards.main() == 0
    assert (tmp_path / "build/cards.txt").read_text(encoding="utf-8") == cards.deck()
    assert "cards" in capsys.readouterr().out
