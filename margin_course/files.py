"""Files of data in TOML or JSON: read whole, each fault told in one line that names the file."""

import json as json_format
import re
import reprlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from margin_course.text import INVISIBLE
from margin_lib.errors import MarginError

MARKUP = re.compile(r"[<>`\[\]|\\]")  # what a name needs nowhere, and a page might act on


def toml(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Parameters
    ----------
    path : str or Path         in UTF-8, with or without a byte order mark

    Raises
    ------
    MarginError                no such file, no UTF-8, no TOML: names the file, and the line

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.toml"
    ...     _ = file.write_text("[a]\\nb 1")
    ...     toml(file)
    Traceback (most recent call last):
    margin_lib.errors.MarginError: a.toml must be TOML, got 'b 1' (line 2)
    """
    path = Path(path)
    text = _text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        number = int(found[1]) - 1 if found else text.count("\n")
        line = reprlib.repr(text.split("\n")[number].strip())
        raise MarginError(path.name, "must be TOML", f"{line} ({_line(number)})") from None
    except RecursionError:
        raise MarginError(path.name, "must be TOML", "lists in lists, too deep") from None


def json(path: str | Path) -> Any:
    """The content of a JSON file.

    Raises
    ------
    MarginError                no such file, no UTF-8, no JSON: names the file, and the line
    """
    path = Path(path)
    try:
        return json_format.loads(_text(path))
    except json_format.JSONDecodeError as error:
        raise MarginError(path.name, "must be JSON", _line(error.lineno - 1)) from None
    except RecursionError:
        raise MarginError(path.name, "must be JSON", "lists in lists, too deep") from None


def _text(path: Path) -> str:
    """What a file in UTF-8 says, with or without a byte order mark."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MarginError(path.name, "must be a file that can be read", error.strerror) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = f"byte 0x{content[error.start]:02x} ({_line(content.count(10, 0, error.start))})"
        raise MarginError(path.name, "must be text in UTF-8", at) from None


def _line(before: int) -> str:
    return f"line {before + 1}"


def strings(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """All strings in a value, keys too, each with the keys that lead to it.

    >>> list(strings({"a": ["b", 1], "c": {"d": "e"}}))
    [('a', 'a'), ('a', 'b'), ('c', 'c'), ('c d', 'd'), ('c d', 'e')]
    """
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for each in value:
            yield from strings(each, place)
    elif isinstance(value, dict):
        for key, each in value.items():
            inner = f"{place} {key}".strip()
            yield inner, key
            yield from strings(each, inner)


def plain(place: str, words: str) -> str:
    """Words that are a name, once it is known that they hold neither markup nor hidden signs.

    >>> plain("currency", "<b>")
    Traceback (most recent call last):
    margin_lib.errors.MarginError: currency must be plain words, without <, got '<b>'
    """
    if not words.strip():
        raise MarginError(one_line(place), "must not be empty", repr(words))
    if found := INVISIBLE.search(words):
        rule = f"must be plain words, without U+{ord(found[0]):04X}"
        raise MarginError(one_line(place), rule, repr(words))
    if found := MARKUP.search(words):
        rule = f"must be plain words, without {found[0]}"
        raise MarginError(one_line(place), rule, reprlib.repr(words))
    return words


def one_line(value: Any) -> Any:
    """The value itself where it is shown in one short line, or words that stand for it.

    >>> one_line(5), one_line("a\\nb"), one_line([0] * 99)
    (5, "'a\\\\nb'", '[0, 0, 0, 0, 0, 0, ...]')
    """
    try:
        shown = str(value)
    except ValueError:  # a whole number of too many digits
        shown = ""
    return value if shown and len(shown) <= 80 and not INVISIBLE.search(shown) else _cut(value)


def _cut(value: Any) -> str:
    try:
        return INVISIBLE.sub(" ", reprlib.repr(value))
    except ValueError:
        return "a number of thousands of digits"
