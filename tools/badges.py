"""Write the repository's owner and name into the Binder link of README.md.

    python tools/badges.py OWNER/NAME [README]

That link is the only line of the repository where the two stand.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
LINK = re.compile(
    r"^(?P<before>\[binder\]: https://mybinder\.org/v2/gh/)"
    r"(?P<repo>[^/\s]+/[^/\s]+)"
    r"(?P<after>/HEAD\S*)$",
    re.MULTILINE,
)
# What GitHub allows: an owner of letters, digits and single hyphens; a name with dots as well.
OWNER = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}"
NAME = r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}(?<!\.git)"
REPO = re.compile(f"{OWNER}/{NAME}")


def repo_of(text: str) -> str:
    """The owner/name that README names now."""
    links = LINK.findall(text)
    if len(links) != 1:
        raise ValueError(f"README: must hold one line '[binder]: …/HEAD…', got {len(links)}")
    return links[0][1]


def with_repo(text: str, repo: str) -> str:
    """The same text with the link of another repository."""
    if not REPO.fullmatch(repo):
        raise ValueError(f"REPO: must be owner/name, as in the address on GitHub, got {repo!r}")
    repo_of(text)
    return LINK.sub(rf"\g<before>{repo}\g<after>", text)


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    readme = Path(arguments[1]) if len(arguments) == 2 else README
    try:
        text = readme.read_text(encoding="utf-8")
        changed = with_repo(text, arguments[0])
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if changed != text:
        readme.write_text(changed, encoding="utf-8", newline="\n")
    print(f"{readme.name}: {repo_of(changed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
