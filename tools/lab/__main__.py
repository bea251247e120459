"""Open the course in JupyterLab: what make lab does, once all is set up.

    python -m tools.lab [ARGUMENT ...]

Arguments, and the words of ARGS in the environment, are passed on to JupyterLab.
"""

import os
import shlex
import subprocess
import sys

from tools import setup
from tools.lab.own import own_notebooks
from tools.repo import ROOT


def flags(environment=os.environ):
    """What JupyterLab is told on every machine, and on this one."""
    # The notebook as the default address, not as an argument: that would hide the folders around
    # it and leave it out of the printed address. tools/lab switches off the question about news.
    yield "--LabApp.default_url=/lab/tree/notebooks/00_index.ipynb"
    yield "--LabApp.app_settings_dir=tools/lab"
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield "--allow-root"
    screen = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if sys.platform == "linux" and not screen:
        yield "--no-browser"
    yield from shlex.split(environment.get("ARGS", ""))


def main(arguments):
    setup.with_home()
    # Without a signature JupyterLab hides part of the stored HTML.
    if notebooks := own_notebooks():
        sign = [sys.executable, "-m", "nbformat.sign", "--log-level=ERROR", *notebooks]
        subprocess.run(sign, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    command = [sys.executable, "-m", "jupyterlab", *flags(), *arguments]
    try:
        return subprocess.run(command, cwd=ROOT).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
