"""Build a JupyterLite site: the course in the reader's browser, without a server.

    .venv-lite/bin/python -m tools.publish.lite

It goes into build/site/lite. When a notebook is opened there, the browser fetches Python and the
compiled packages (Pyodide) from a public address; all else, margin_lib too, comes from the site.
"""

import importlib.metadata
import json
import shutil
import subprocess
import sys
import tomllib

import nbformat
from packaging.requirements import Requirement

from tools import repo
from tools.handout import wheels
from tools.publish import badges
from tools.repo import ROOT

SITE = ROOT / "build" / "site" / "lite"
WORK = ROOT / "build" / "lite"
COPIED = ["README.md", "LICENSE", "LICENSE-TEXT", "notebooks"]
IGNORED = shutil.ignore_patterns(".*", "__pycache__")
# From where the worker of the kernel stands, in extensions/@jupyterlite/…/static.
WHEELS = "../../../../pypi"
# Pyodide has none of these, or need not: the site brings them along. comm is asked for by the
# kernel itself, psygnal and typing-extensions by anywidget.
BROUGHT = ["ipywidgets", "comm", "anywidget", "psygnal", "typing-extensions"]


def needed():
    """The packages that the library needs in a browser and Pyodide has."""
    project = tomllib.loads(repo.read("pyproject.toml"))["project"]
    lines = map(Requirement, project["dependencies"])
    here = {"sys_platform": "emscripten"}
    names = [line.name for line in lines if not line.marker or line.marker.evaluate(here)]
    return [name for name in names if name not in BROUGHT]


def settings(wheels):
    """What every kernel loads when it starts, so that a notebook need not install anything."""
    packages = [*needed(), *(f"{WHEELS}/{wheel}" for wheel in wheels)]
    kernel = {"loadPyodideOptions": {"packages": packages}}
    plugins = {"@jupyterlite/pyodide-kernel-extension:kernel": kernel}
    page = {"appName": badges.title(), "litePluginSettings": plugins}
    return {"jupyter-lite-schema-version": 0, "jupyter-config-data": page}


def gather():
    """Notebooks, wheels and settings, as JupyterLite wants to find them."""
    shutil.rmtree(WORK, ignore_errors=True)
    files, pypi = WORK / "files", WORK / "pypi"
    files.mkdir(parents=True)
    for name in COPIED:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, files / name, ignore=IGNORED)
        else:
            shutil.copy(path, files)
    for path in (files / "notebooks").glob("*.ipynb"):
        # Text in one piece: JupyterLite cannot list the headings of an output split into lines.
        notebook = nbformat.read(path, as_version=4)
        repo.write(path, json.dumps(notebook, ensure_ascii=False))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels.build(pypi)
    brought = [f"{name}=={importlib.metadata.version(name)}" for name in BROUGHT]
    # Pure ones: what is compiled for this machine is of no use in a browser.
    pure = ["--no-deps", "--only-binary=:all:", "--platform=any"]
    subprocess.run([*pip, "download", *pure, "-d", pypi, *brought], check=True)
    names = sorted(path.name for path in pypi.glob("*.whl"))
    text = json.dumps(settings(names), indent=2)
    repo.write(WORK / "jupyter-lite.json", text)


def main():
    gather()
    shutil.rmtree(SITE, ignore_errors=True)
    command = ["jupyterlite_core.app", "build", "--lite-dir", WORK, "--contents", WORK / "files"]
    command += ["--output-dir", SITE, "--apps", "lab", "--no-sourcemaps", "--log-level", "ERROR"]
    command = [sys.executable, "-m", *map(str, command)]
    made = subprocess.run(command, cwd=WORK, capture_output=True, text=True)
    for path in (SITE / "build").glob("fa-*"):
        if path.suffix in (".svg", ".eot"):  # of browsers that run no Pyodide
            path.unlink()
    print(made.stdout + made.stderr if made.returncode else f"{SITE.relative_to(ROOT)}/index.html")
    return made.returncode


if __name__ == "__main__":
    sys.exit(main())
