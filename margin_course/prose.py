"""Numbers in a notebook's text: each stands between two comments, and the first holds its formula.

    Your coins are worth <!--= amount(value, "USD") -->5,000 USD<!--/-->.

Nobody sees the comments where the text is shown. `make notebooks` computes each number after the
last cell has run, and writes it anew. The last cell of a notebook reads the text once more and
says whether every number agrees with what was run.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython import get_ipython

from margin_course.text import amount, escaped

NUMBER = re.compile(r"<!--= (?P<expression>.+?) -->(?P<shown>.*?)<!--/-->", re.DOTALL)
TIME = re.compile(r"\*\*Time:\*\* (\d+) minutes")
CONTEXT = 60  # characters of the sentence that are shown around a number

# Where the texts of the notebooks stand. `make notebooks` puts the new ones elsewhere at first.
folder = Path()


@dataclass(frozen=True)
class Stale:
    """A number in the text that is not what its expression gives now."""

    before: str  # the words in front of it
    shown: str
    now: str

    def __str__(self) -> str:
        return f"… {self.before}{self.shown} → {self.now}"


def expressions(markdown: str) -> list[str]:
    """The expressions of a text, in order.

    >>> expressions("a <!--= 2 * x -->10<!--/--> b")
    ['2 * x']
    """
    return [found["expression"] for found in NUMBER.finditer(markdown)]


def computed(expression: str, names: Mapping[str, Any]) -> str:
    """What stands for an expression in the text: words as they are, a number as an amount.

    Text from a data file is never markup, so it is escaped.

    >>> computed("2 * x", {"x": 2500}), computed("'a < b'", {})
    ('5,000', 'a &lt; b')
    """
    value = eval(expression, dict(names))  # the notebook's own text, in the notebook's own kernel
    return escaped(value if isinstance(value, str) else amount(value), markdown=True)


def refreshed(markdown: str, number: Callable[[str], str]) -> str:
    """The text with every number computed anew.

    >>> refreshed("a <!--= 2 * x -->10<!--/--> b", {"2 * x": "12"}.__getitem__)
    'a <!--= 2 * x -->12<!--/--> b'
    """
    return NUMBER.sub(
        lambda found: f"<!--= {found['expression']} -->{number(found['expression'])}<!--/-->",
        markdown,
    )


def compared(texts: Iterable[str], names: Mapping[str, Any]) -> tuple[int, list[Stale]]:
    """How many numbers stand in the texts, and which of them are not what they should be.

    >>> count, stale = compared(["You hold <!--= 2 * x -->10<!--/--> ETH."], {"x": 6})
    >>> count, str(stale[0])
    (1, '… You hold 10 → 12')
    """
    count, stale = 0, []
    for text in texts:
        for found in NUMBER.finditer(text):
            count += 1
            try:
                now = computed(found["expression"], names)
            except Exception as error:  # a reader may have deleted what the sentence speaks of
                now = f"{type(error).__name__}: {error}"
            if now != found["shown"]:
                line = re.sub(r"<!--.*?-->|<[^>]*>", "", text[: found.start()]).rpartition("\n")[2]
                stale.append(Stale(line[-CONTEXT:], found["shown"], now))
    return count, stale


def markdown_of(path: str | Path) -> list[str]:
    """The texts of a notebook's Markdown cells."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def prose_is_fresh(notebook: str) -> None:
    """Say how many numbers in a notebook's text are what this run has computed, and which are not.

    Parameters
    ----------
    notebook : str             the name of its file, such as "01_leverage.ipynb"
    """
    try:
        texts = markdown_of(folder / notebook)
    except FileNotFoundError:
        print("The text of this page is not at hand, so nobody compared its numbers.")
        return
    shell = get_ipython()
    count, stale = compared(texts, shell.user_ns if shell else {})
    print(f"{count - len(stale)} of the {count} numbers in the text are those of this run.")
    if stale:
        print("These sentences still speak of other numbers:")
        print(*stale, sep="\n")


def minutes(notebooks: str) -> int:
    """The minutes that notebooks say they take, together.

    Parameters
    ----------
    notebooks : str            the name of a file, or a pattern of names, such as "0[1-6]*.ipynb"
    """
    texts = ["\n".join(markdown_of(path)) for path in Path().glob(notebooks)]
    return sum(int(found[1]) for text in texts if (found := TIME.search(text)))


def tell(asked: Iterable[str]) -> None:
    """Print what each expression gives in this notebook, for `make notebooks`."""
    print(json.dumps({each: computed(each, get_ipython().user_ns) for each in asked}))


def read_from(place: str) -> None:
    """Compare with the texts in another folder, where `make notebooks` has put the new ones."""
    global folder
    folder = Path(place)
