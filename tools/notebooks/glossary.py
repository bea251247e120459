"""The words of the course: a page for all of them, and a link with the meaning at each first use.

`make notebooks` writes both from notebooks/glossary.toml.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from margin_course import files
from margin_course.text import escaped

Words = Mapping[str, Mapping[str, str]]

PAGE = "glossary.md"
SAID = ("means", "formula", "unit", "venues")  # what is shown of a word
LINK = re.compile(rf'\[([^\]]+)\]\({re.escape(PAGE)}#[^\s)]+(?: "[^"]*")?\)')
# What is no running text: code, headings, rows of links, links, comments, tags.
NO_TEXT = re.compile(
    r"```.*?```|`[^`]*`|^#+ [^\n]*$|!?\[[^\]]*\]\([^)]*\)|<!--= .*?<!--/-->|<!--.*?-->"
    r"|<summary>.*?</summary>|<[^>]*>",
    re.DOTALL | re.MULTILINE,
)
BOLD = re.compile(r"\*\*[^*]+\*\*")
# Where these are everyday words.
EVERYDAY = {
    "long": r"(?<!as )(?<!how )(?<!that )long(?! as| time| ago| before| after| way| enough| run)",
    "short": r"(?<!in )short(?! for| of| time| while| text| line| quiz)",
    "stop": r"(?:(?<=\ba )|(?<=your )|(?<=the ))stop(?! working)|stop(?= order| price)",
}
INTRODUCTION = """# Glossary

The words of the course, from A to Z. The last line of each is for the day on which your venue uses
another word."""


def read(path: str | Path) -> dict[str, dict[str, str]]:
    return files.toml(path)


def anchor(term: str) -> str:
    """The address of a word on the page, as JupyterLab makes it of a heading."""
    return term.replace(" ", "-")


def page(words: Words) -> str:
    """The glossary as a page of Markdown: a heading with an address for each word.

    >>> print(page({"tick": {"means": "A step.", "unit": "money"}}).partition("word.")[2].strip())
    ## tick
    <BLANKLINE>
    A step.
    <BLANKLINE>
    - Unit and sign: money
    """
    labels = {"formula": "Formula", "unit": "Unit and sign", "venues": "Venues also say"}
    parts = [INTRODUCTION]
    for term in sorted(words, key=str.lower):
        entry = {
            key: escaped(said, markdown=True) for key, said in words[term].items() if key in SAID
        }
        parts += [f"## {escaped(term, markdown=True)}", entry["means"]]
        known = [f"- {label}: {entry[key]}" for key, label in labels.items() if key in entry]
        if known:
            parts.append("\n".join(known))
    return "\n\n".join(parts) + "\n"


def unlinked(text: str) -> str:
    """The text without links to words.

    >>> unlinked('an [equity](glossary.md#equity "What is yours.") of')
    'an equity of'
    """
    return LINK.sub(r"\1", text)


def plain(text: str) -> str:
    """Markdown as words: without the targets of links, without comments and marks of code.

    >>> plain('an [equity](glossary.md#equity "Yours.") of <!--= x -->`5`<!--/-->')
    'an equity of 5'
    """
    return re.sub(r"<!--.*?-->|`|\[([^]]+)\]\([^)]+\)", lambda found: found[1] or "", text)


def linked(texts: Iterable[str], words: Words) -> list[str]:
    """Texts in which the first use of each word leads to its meaning, and shows it on hover.

    A word in bold is explained where it stands, and needs no link.

    >>> linked(["A **tick** is a step.", "Two ticks of a wick."], {"wick": {"means": "A spike."},
    ...        "tick": {"means": "A step."}})[1]
    'Two ticks of a [wick](glossary.md#wick "A spike.").'
    """
    known: set[str] = set()
    terms = sorted(words, key=len, reverse=True)
    forms = "|".join(f"(?P<w{n}>{EVERYDAY.get(t, re.escape(t))}s?)" for n, t in enumerate(terms))
    any_word = re.compile(rf"(?<![\w-])(?:{forms})(?![\w-])", re.IGNORECASE)

    def link(found: re.Match) -> str:
        term = terms[int(str(found.lastgroup)[1:])]
        if term in known:
            return found[0]
        known.add(term)
        means = escaped(words[term]["means"], markdown=True).replace('"', "”")
        return f'[{found[0]}]({PAGE}#{anchor(term)} "{means}")'

    def explained(piece: str) -> str:
        """One piece of running text."""
        done, at = "", 0
        for bold in BOLD.finditer(piece):
            done += any_word.sub(link, piece[at : bold.start()]) + bold[0]
            known.update(terms[int(str(w.lastgroup)[1:])] for w in any_word.finditer(bold[0]))
            at = bold.end()
        return done + any_word.sub(link, piece[at:])

    results = []
    for text in map(unlinked, texts):
        pieces, at = [], 0
        for hidden in NO_TEXT.finditer(text):
            pieces += [explained(text[at : hidden.start()]), hidden[0]]
            at = hidden.end()
        results.append("".join([*pieces, explained(text[at:])]))
    return results
