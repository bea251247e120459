"""Which notebooks are the course's own: what git has, and nobody has changed since."""

import subprocess

from tools.repo import ROOT


def own_notebooks(root=ROOT):
    """Names of the notebooks in notebooks/ that stand there as they were committed.

    JupyterLab runs what is in a signed notebook's outputs, so a hand-in among them, or one that
    somebody has changed, is not the course's to sign. Without git nobody can tell: then none is.
    """

    def names(*words):
        command = ["git", "-C", str(root), *words, "--", "notebooks/*.ipynb"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return {name for name in listed.split("\0") if name}

    try:
        known = names("ls-tree", "-z", "--name-only", "HEAD", "notebooks/")
    except (OSError, subprocess.CalledProcessError):
        return []
    changed = names("diff", "-z", "--name-only", "--no-ext-diff", "--no-renames", "HEAD")
    own = {name for name in known - changed if name.endswith(".ipynb")}
    return sorted(name for name in own if (root / name).is_file())
