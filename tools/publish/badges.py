"""Write the repository's owner and name where they stand, and print all links.

    python -m tools.publish.badges [OWNER/NAME [FOLDER]]

They stand in the Binder link of README.md, from which all links follow, and in the cell of notebook
00 that fetches the course. Without OWNER/NAME nothing is written. FOLDER is another copy of the
repository. The environment may name your HUB (the address of a JupyterHub) and the BRANCH that a
hub and Colab open.
"""

import os
import re
import sys
from pathlib import Path
from urllib.parse import urlencode

from tools.repo import ROOT, read, write

INDEX = "notebooks/00_index.ipynb"
ACCOUNT = "notebooks/your_account.ipynb"  # opened as an app
LITE = "lite/lab/index.html"  # in the site
LINK = re.compile(
    r"^(?P<before>\[binder\]: https://mybinder\.org/v2/gh/)"
    r"(?P<repo>[^/\s]+/[^/\s]+)"
    r"(?P<after>/HEAD\S*)$",
    re.MULTILINE,
)
# Other addresses of README that follow, by their name there.
WAYS = {"play": "Site", "lite": "JupyterLite", "colab": "Colab", "account": "App"}
# What GitHub allows: an owner of letters, digits and single hyphens; a name with dots as well.
OWNER = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}"
NAME = r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}(?<!\.git)"
REPO = re.compile(f"{OWNER}/{NAME}")
HUB, BRANCH = "https://hub.example.edu", "main"
CLONE = re.compile(r"(git clone --quiet --depth 1 )https://github\.com/([^/\s]+/[^/\s]+)")


def repo_of(text: str) -> str:
    """The owner/name that README names now."""
    links = LINK.findall(text)
    if len(links) != 1:
        raise ValueError(f"README: must hold one line '[binder]: …/HEAD…', got {len(links)}")
    return links[0][1]


def repository() -> str:
    """The owner/name of this course."""
    return repo_of(read(ROOT / "README.md"))


def title() -> str:
    """The course's own title, as README.md has it."""
    return read(ROOT / "README.md").splitlines()[0].removeprefix("# ")


def with_repo(text: str, repo: str) -> str:
    """The same text with the links of another repository."""
    if not REPO.fullmatch(repo):
        raise ValueError(f"REPO: must be owner/name, as in the address on GitHub, got {repo!r}")
    old, new = links(repo_of(text)), links(repo)
    text = LINK.sub(rf"\g<before>{repo}\g<after>", text)
    for name, service in WAYS.items():
        text = text.replace(f"[{name}]: {old[service]}\n", f"[{name}]: {new[service]}\n")
    return text.replace(f'<a href="{old["Site"]}">', f'<a href="{new["Site"]}">')


def links(repo: str, hub: str = HUB, branch: str = BRANCH, page: str = INDEX) -> dict[str, str]:
    """Where a page of a repository opens, by the service that runs it."""
    owner, name = repo.split("/")
    pages = f"https://{owner.lower()}.github.io/"
    if name.lower() != f"{owner}.github.io".lower():  # the site of an owner has no folder
        pages += f"{name}/"
    # nbgitpuller fetches the repository into a folder of its name, and opens a path of the server.
    pull = {
        "repo": f"https://github.com/{repo}",
        "branch": branch,
        "urlpath": f"lab/tree/{name}/{page}",
    }
    return {
        "Binder": f"https://mybinder.org/v2/gh/{repo}/HEAD?urlpath=lab/tree/{page}",
        "App": f"https://mybinder.org/v2/gh/{repo}/HEAD?urlpath=voila/render/{ACCOUNT}",
        "JupyterHub": f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{urlencode(pull)}",
        "JupyterLite": f"{pages}{LITE}?path={page}",
        "Site": pages,
        "Colab": f"https://colab.research.google.com/github/{repo}/blob/{branch}/{page}",
        "Install": f"pip install git+https://github.com/{repo}@{branch}",
    }


def main(arguments: list[str]) -> int:
    if len(arguments) > 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[1]) if len(arguments) == 2 else ROOT
    readme, index = folder / "README.md", folder / INDEX
    try:
        text = read(readme)
        changed = with_repo(text, arguments[0]) if arguments else text
        repo = repo_of(changed)
        cell = rf"\1https://github.com/{repo}"
        written = {readme: changed, index: CLONE.sub(cell, read(index))}
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for path, words in written.items() if arguments else ():
        write(path, words)
    hub, branch = os.environ.get("HUB") or HUB, os.environ.get("BRANCH") or BRANCH
    print(f"{readme.name}: {repo}\n")
    for service, link in links(repo, hub, branch).items():
        print(f"{service:12} {link}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
