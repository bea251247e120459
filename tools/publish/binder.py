"""Check what Binder and Colab would make of this repository, as far as can be tried without them.

    python -m tools.publish.binder [FOLDER]

1. Asks repo2docker what it would build: which builder, Python, files.
2. Installs the versions that binder/environment.yml holds, from PyPI, in a set-up of its own.
3. Runs binder/postBuild there, on a copy of the repository without any setting of this machine.
4. In that copy: byte code stands ready, the notebooks are trusted, and say what they say here.
5. Runs the cell that fetches the course and the first one, alone, in a set-up with what Colab has.

What stays untried: conda's own solving, and the machines of both. FOLDER (default build/binder) is
made anew.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

from tools import repo
from tools.notebooks import run as notebooks
from tools.publish import badges
from tools.repo import ROOT

ENVIRONMENT = "binder/environment.yml"
FROM_PYPI = {"matplotlib-base": "matplotlib"}  # what a package of conda-forge is called there
# Binder's image has these already.
ITS_OWN = ["pip", "jupyterlab>=4.4,<5"]
COLABS = {"ipywidgets": "7.7"}  # Colab's own; the rest as for Binder, but for what the cell brings
BROUGHT = {"anywidget"}
TRUSTED = """
import sys
from nbformat import read
from nbformat.sign import NotebookNotary

notary = NotebookNotary()
sys.exit(not all(notary.check_signature(read(path, 4)) for path in sys.argv[1:]))
"""

# Their words, that is: another matplotlib draws other pixels.
SAME = """
import sys
from pathlib import Path
from tools.notebooks import run as notebooks


def words(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            yield output.get("text"), data.get("text/plain"), data.get("text/markdown")


changed = [
    path.name
    for path, new in notebooks.execute_all(sys.argv[1:]).items()
    if list(words(notebooks.normalise(new))) != list(words(notebooks.read(path)))
]
sys.exit(f"says something else here: {', '.join(changed)}" if changed else 0)
"""


class BinderError(Exception):
    """Binder would not do what we mean."""


def run(*command, **how):
    """The output of a command; if it fails, a BinderError that shows it."""
    done = subprocess.run(command, capture_output=True, text=True, **how)
    if done.returncode:
        raise BinderError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def environment():
    """The packages of Binder's environment, as conda writes them: name=x.y."""
    return yaml.safe_load(repo.read(ENVIRONMENT))["dependencies"]


def pins():
    """The same for PyPI, without Python: {name: x.y}."""
    pairs = [line.split("=") for line in environment()]
    return {FROM_PYPI.get(name, name): minor for name, minor in pairs if name != "python"}


def picked(root=ROOT):
    """What repo2docker says that it would build. BinderError where that is not what we mean."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    told = run(*command, cwd=root)
    (python,) = [line.removeprefix("python=") for line in environment() if "python=" in line]
    for must in (
        rf"Building conda environment for python={re.escape(python)}\b",
        rf'--file "{re.escape(ENVIRONMENT)}"',
        r"(?m)^RUN \./binder/postBuild$",
    ):
        if not re.search(must, told):
            raise BinderError(f"repo2docker does not say {must!r}:\n{told}")
    return python


def new_python(folder, packages):
    """A set-up of its own with these packages."""
    uv = sys.executable, "-m", "uv"
    python = folder / "bin" / "python"
    run(*uv, "venv", "--python", sys.executable, folder)
    run(*uv, "pip", "install", "--python", python, *packages)
    return python


def build(folder):
    """A copy of the repository in `folder`, set up as Binder would: its Python, how to run it."""
    shutil.rmtree(folder, ignore_errors=True)
    repo.copy_to(folder / "repo")
    asked = [f"{name}=={minor}.*" for name, minor in pins().items()]
    python = new_python(folder / "venv", [*ITS_OWN, *asked])
    home = folder / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    for name in ("PYTHONDONTWRITEBYTECODE", "XDG_CACHE_HOME", "XDG_DATA_HOME", "IPYTHONDIR"):
        kept.pop(name, None)
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    how = {"cwd": folder / "repo", "env": {**kept, "HOME": str(home), "PATH": path}}
    run("./binder/postBuild", **how)
    return python, how


def check(python, how):
    """What is not as it should be, in the copy."""
    copy = Path(how["cwd"])
    library = {path.stem for path in copy.glob("margin_*/**/*.py")}
    ready = {path.name.split(".")[0] for path in copy.glob("margin_*/**/__pycache__/*.pyc")}
    if missing := library - ready:
        yield f"no byte code of {', '.join(sorted(missing))}"
    if not (python.parent.parent / "share/jupyter/lab/settings/overrides.json").exists():
        yield "JupyterLab would ask about news"
    if not list(Path(how["env"]["HOME"]).glob(".cache/matplotlib/fontlist*")):
        yield "no list of fonts"
    paths = sorted(copy.glob("notebooks/*.ipynb"))
    for script, complaint in ((TRUSTED, "a notebook is not trusted"), (SAME, "")):
        try:
            run(python, "-c", script, *paths, **how)
        except BinderError as error:
            yield complaint or str(error).splitlines()[-1]


def colab(folder, how):
    """What the cell that fetches the course says, and then the first one, as in Colab."""
    copy = Path(how["cwd"])
    named = "-c", "user.name=nobody", "-c", "user.email=nobody@example.org"
    run("git", "init", "--quiet", **how)
    run("git", "add", "--all", **how)
    run("git", *named, "commit", "--quiet", "--message", "the course", **how)
    cells = notebooks.read(copy / badges.INDEX).cells
    first, *others = [cell.source for cell in cells if cell.cell_type == "code"]
    (fetch,) = filter(badges.CLONE.search, [first, *others])
    there = folder / "content"
    there.mkdir()
    local = badges.CLONE.sub(rf"\1file://{copy}", fetch)
    repo.write(there / "cells.ipy", f"{local}\n\n{first}\n")
    there_already = {name: minor for name, minor in pins().items() if name not in BROUGHT} | COLABS
    asked = [f"{name}=={minor}.*" for name, minor in there_already.items()]
    python = new_python(folder / "colab", ["pip", "ipython", *asked])
    return run(python, "-m", "IPython", "cells.ipy", **{**how, "cwd": there})


def main(folder="build/binder"):
    try:
        print(f"repo2docker builds conda's Python {picked()} from {ENVIRONMENT}")
        start = time.monotonic()
        python, how = build((ROOT / folder).resolve())
        print(f"set up with {pins()}: {time.monotonic() - start:.0f} s here, without Docker")
        problems = list(check(python, how))
        said = colab((ROOT / folder).resolve(), how)
        if "The library is here." not in said:
            problems.append(f"in Colab: {said}")
    except (BinderError, subprocess.CalledProcessError) as error:
        problems = [str(error)]
    print("\n".join(problems) or "all is as it should be: postBuild, notebooks, Colab's cell")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
