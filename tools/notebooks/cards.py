"""A deck of cards for Anki, from the glossary and the quizzes: make cards writes build/cards.txt.

One card a line: front, back and tags, with tabs between them. Text from the data is text on the
card: nothing of it is markup, and no tab or break in it begins another field or another card.
"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from margin_course.text import escaped
from tools import repo
from tools.repo import ROOT

DECK = ROOT / "build" / "cards.txt"
# What Anki reads from the first lines of a file.
HEAD = ["#separator:tab", "#html:true", "#deck:Isolated or cross?", "#columns:Front\tBack\tTags"]
HEAD += ["#tags column:3"]

Card = tuple[str, str, str]


def of_words(glossary: dict) -> Iterator[Card]:
    """A card for each word: what does it mean, and how is it made?"""
    for term, word in glossary.items():
        back = escaped(word["means"])
        if word.get("formula"):
            back += f"<br><i>{escaped(word['formula'])}</i>"
        yield f"What is “{escaped(term)}”?", back, "glossary"


def of_questions(quizzes: dict) -> Iterator[Card]:
    """A card for each question of a quiz: its options, and which one is right and why."""
    for number, questions in quizzes.items():
        for each in questions:
            options = "".join(f"<li>{escaped(option['says'])}</li>" for option in each["options"])
            (right,) = (option for option in each["options"] if option.get("right"))
            back = f"{escaped(right['says'])}<br><i>{escaped(right['because'])}</i>"
            yield f"{escaped(each['ask'])}<ul>{options}</ul>", back, f"notebook-{number}"


def deck(folder: Path = ROOT / "notebooks") -> str:
    """The whole deck as the text of a file."""
    glossary, quizzes = (
        tomllib.loads(repo.read(folder / name)) for name in ("glossary.toml", "quiz.toml")
    )
    cards = [*of_words(glossary), *of_questions(quizzes)]
    return "\n".join([*HEAD, *("\t".join(card) for card in cards), ""])


def main() -> int:
    DECK.parent.mkdir(exist_ok=True)
    text = deck()
    repo.write(DECK, text)
    count = len(text.splitlines()) - len(HEAD)
    print(f"{DECK.relative_to(ROOT)}: {count} cards. In Anki: File → Import.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
