"""Print how many lines of code each room of the house holds.

    python -m tools.rooms [COMMIT]

A line of code is neither empty nor a comment nor part of a docstring. A room is a folder at the
top, or one below it. Counted in the files that git keeps, or in those of a COMMIT.
"""

import ast
import io
import subprocess
import sys
import tokenize
from collections import Counter

from tools import repo

NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
NO_CODE |= {tokenize.ENCODING, tokenize.ENDMARKER}
HOLDERS = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def lines_of_code(source: str) -> int:
    r"""Lines that do something.

    >>> lines_of_code("def f():\n    'Says it.'\n\n    # Why.\n    return (\n        1)\n")
    3
    """

    def span(start, end):
        return set(range(start, end + 1))

    code, said = set(), set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            code |= span(token.start[0], token.end[0])
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, HOLDERS) and ast.get_docstring(node) is not None:
            said |= span(node.body[0].lineno, node.body[0].end_lineno)
    return len(code - said)


def sources(commit: str | None = None) -> dict[str, str]:
    """Name of each program -> its text."""
    if commit is None:
        paths = [path for path in repo.kept() if path.suffix == ".py"]
        return {path.relative_to(repo.ROOT).as_posix(): repo.read(path) for path in paths}

    def git(*words):
        run = subprocess.run(["git", *words], cwd=repo.ROOT, capture_output=True, check=True)
        return run.stdout.decode("utf-8")

    names = git("ls-tree", "-r", "--name-only", commit).splitlines()
    return {name: git("show", f"{commit}:{name}") for name in names if name.endswith(".py")}


def rooms(texts: dict[str, str]) -> dict[str, int]:
    """Room -> lines of code, the rooms below another one included."""
    found = Counter()
    for name, text in texts.items():
        folders = name.split("/")[:-1][:2]
        for depth in range(1, len(folders) + 1):
            found["/".join(folders[:depth])] += lines_of_code(text)
    return dict(sorted(found.items()))


def main(commit=None):
    for room, count in rooms(sources(commit)).items():
        inside = "    " if "/" in room else ""
        print(f"{inside}{room + '/':{30 - len(inside)}}{count:7,}")


if __name__ == "__main__":
    main(*sys.argv[1:])
