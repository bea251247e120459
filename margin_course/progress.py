"""What a reader has answered so far, in one small file beside the notebooks.

It holds which options were chosen, and nothing of who chose them. Notebooks ask it what to come
back to; without it, or where it cannot be read, they ask as if nobody had answered anything.
"""

import json
import os
import secrets
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

# Where a kernel works is the folder of its notebook.
place = Path(".answers.json")
PARTS = ("before", "after", "quiz")

Kept = dict[str, dict[str, str]]  # part -> question -> the key of what was chosen


def kept() -> Kept:
    """All that is kept: of each part, what was answered to which question.

    What is no file of answers is none: a reader is never stopped by it.
    """
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    return answers(found)


def answers(found: Any) -> Kept:
    """Of some JSON, what can be answers.

    >>> answers({"before": {"stop": "b", "sign": 3}, "name": "Ann"})
    {'before': {'stop': 'b'}, 'after': {}, 'quiz': {}}
    """
    parts = found if isinstance(found, dict) else {}
    each = {part: parts.get(part) for part in PARTS}
    return {
        part: {name: key for name, key in table.items() if isinstance(key, str)}
        if isinstance(table, dict)
        else {}
        for part, table in each.items()
    }


def note(part: str, name: str, key: str | None) -> bool:
    """Keep what was answered to a question, or forget it (None); False where nothing can be kept.

    Either the whole file is written anew, or it stays as it was.
    """
    now = kept()
    now[part].pop(name, None)
    if key is not None:
        now[part][name] = key
    return _write(place, now)


def forget(part: str) -> bool:
    """Forget all answers of a part; False where nothing can be kept."""
    return _write(place, kept() | {part: {}})


def export(folder: str | Path) -> Path:
    """Write the answers to the fifteen questions, before and after, into a file of their own.

    Its name is drawn, so that the files of a class can lie in one folder; who answered does not
    stand in it.

    Raises
    ------
    OSError                    the folder cannot be written to
    """
    now = kept()
    path = Path(folder) / f"results-{secrets.token_hex(4)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_text({part: now[part] for part in ("before", "after")}), encoding="utf-8")
    return path


def _text(content: Any) -> str:
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _write(path: Path, content: Kept) -> bool:
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False
        ) as new:
            new.write(_text(content))
        os.replace(new.name, path)
    except OSError:
        return False
    return True
