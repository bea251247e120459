"""Take the newest course, and keep the reader's own copies beside it: make update.

What a reader has changed, and the newest course changes as well, goes to the folder mine/ first;
with a changed notebook goes all that it reads. Then git brings the course. Either all of it
happens, or nothing. Needs Python and git alone.
"""

import datetime
import os
import shutil
import subprocess
import sys

from tools.repo import ROOT

KEPT = "mine"


class NotUpdatedError(Exception):
    """Why nothing was changed, and what to do."""


def git(root, *words):
    """What git says, without the last line break."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-C", str(root), *words]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    if run.returncode:
        raise NotUpdatedError(run.stderr.strip() or f"git {words[0]} failed")
    return run.stdout.removesuffix("\n")


def names(root, *words):
    """The files that a command of git lists."""
    return [name for name in git(root, *words).split("\0") if name]


def newest(root):
    """The newest commit of the branch that this one follows, once it is here."""
    try:
        inside = git(root, "rev-parse", "--show-cdup") == ""
    except (FileNotFoundError, NotUpdatedError):
        inside = False
    if not inside:
        raise NotUpdatedError(
            "this copy came without git. Download the newest course into a folder of its own."
        )
    folder = root / git(root, "rev-parse", "--git-dir")
    if any((folder / name).exists() for name in ("MERGE_HEAD", "rebase-merge", "rebase-apply")):
        raise NotUpdatedError("git is in the middle of something here: see git status.")
    try:
        branch = git(root, "rev-parse", "--abbrev-ref", "@{upstream}")
    except NotUpdatedError:
        raise NotUpdatedError(
            "this branch follows no other one. Try git switch main first."
        ) from None
    try:
        git(root, "fetch", "--quiet")
    except NotUpdatedError as error:
        why = str(error).splitlines()[-1]
        raise NotUpdatedError(f"the newest course cannot be reached ({why})") from None
    return git(root, "rev-parse", branch)


def is_before(root, one, other):
    """Whether a commit is part of the history of another one."""
    return git(root, "merge-base", one, other) == git(root, "rev-parse", one)


def in_the_way(root, new):
    """Files with a reader's changes that the newest course changes as well."""
    incoming = set(names(root, "diff", "--name-only", "-z", "--no-renames", "HEAD", new))
    changed = set(names(root, "diff", "--name-only", "-z", "--no-renames", "HEAD"))
    known = set(names(root, "ls-tree", "-r", "-z", "--name-only", "HEAD"))
    unknown = {name for name in incoming - known if os.path.lexists(root / name)}
    return sorted(incoming & (changed | unknown)), known


def today():
    return datetime.date.today().isoformat()


def keep(root, files):
    """Copy these files, and what changed notebooks read, to a new folder. Returns its path."""
    day = today()
    folder, number = root / KEPT / day, 2
    while folder.exists():
        folder, number = root / KEPT / f"{day}-{number}", number + 1
    wanted = [root / name for name in files]
    if any(name.startswith("notebooks/") for name in files):
        wanted += [p for p in (root / "notebooks").rglob("*") if p.suffix in (".toml", ".csv")]
    for path in wanted:
        if path.is_file():
            copy = folder / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
    return folder


def update(root=ROOT):
    """Take the newest course; returns what was done, as lines to read."""
    new = newest(root)
    if is_before(root, new, "HEAD"):
        return ["You have the newest course. Nothing was changed."]
    if not is_before(root, "HEAD", new):
        raise NotUpdatedError("you have committed changes of your own. Join both with git merge.")
    files, known = in_the_way(root, new)
    kept = keep(root, files) if files else None
    try:
        for name in files:
            if name in known:
                git(root, "reset", "--quiet", "HEAD", "--", name)
                git(root, "checkout", "--quiet", "HEAD", "--", name)
            else:
                git(root, "rm", "--quiet", "--cached", "--ignore-unmatch", "--", name)
                (root / name).unlink()
        git(root, "merge", "--quiet", "--ff-only", new)
    except BaseException:
        for name in files:
            (root / name).unlink(missing_ok=True)
            if (kept / name).exists():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(kept / name, root / name)
        if kept:
            shutil.rmtree(kept)
        raise
    day = git(root, "log", "-1", "--format=%cs")
    lines = [f"This is the course of {day} now."]
    there = [name for name in files if (kept / name).exists()]
    if there:
        lines += [f"Your own copies are in {kept.relative_to(root).as_posix()}:"]
        lines += [f"    {name}" for name in there]
    rest = names(root, "diff", "--name-only", "-z", "HEAD")
    if rest:
        lines += ["Your changes stay where they are in: " + ", ".join(rest)]
    return lines


def main():
    try:
        print(*update(), sep="\n")
    except NotUpdatedError as error:
        print(f"Nothing was changed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
