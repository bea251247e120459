"""The layers of margin_lib: mathematics at the bottom, pictures and controls on top."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "margin_lib"

# A module imports only from modules that stand before it.
ORDER = [
    "types",
    "errors",
    "contracts",
    "formulas",
    "spot",
    "account",
    "liquidation",
    "portfolio",
    "paths",
    "simulate",
    "venues",
    "scenarios",
    "text",
    "page",
    "mandate",
    "plots",
    "labs",
    "quiz",
    "exercises",
    "answers",
    "claims",
]
SHOWS = {"page", "mandate", "plots", "labs", "quiz", "exercises", "claims"}
ALLOWED_IN = {
    "matplotlib": SHOWS,
    "pandas": SHOWS | {"paths", "simulate"},
    "IPython": SHOWS,
    "ipywidgets": {"labs", "quiz"},
}
# The answers are one layer: "answers/leverage" has the place of "answers".
MODULES = sorted(
    path.relative_to(LIBRARY).with_suffix("").as_posix()
    for path in [*LIBRARY.glob("*.py"), *LIBRARY.glob("*/*.py")]
    if path.stem != "__init__"
)


def layer(module: str) -> str:
    return module.split("/")[0]


def imported_names(source: str) -> set[str]:
    """Full dotted names of all that a module of margin_lib imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "margin_lib" if node.level else ""
            base = ".".join(part for part in (start, node.module) if part)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return names


def names_in(module: str) -> set[str]:
    return imported_names((LIBRARY / f"{module}.py").read_text(encoding="utf-8"))


def test_names_are_found_in_every_form_of_import():
    source = """
import matplotlib.pyplot as plt
from . import errors
from .contracts import Contract
from margin_lib.paths import walk
def late():
    from matplotlib import pyplot
"""
    assert imported_names(source) == {
        "matplotlib.pyplot",
        "margin_lib.errors",
        "margin_lib.contracts.Contract",
        "margin_lib.paths.walk",
    }


def test_there_are_modules():
    assert MODULES, "margin_lib holds no module"


@pytest.mark.parametrize("module", MODULES)
def test_module_has_a_place_in_the_order(module):
    assert layer(module) in ORDER, f"place {layer(module)!r} in ORDER of {Path(__file__).name}"


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_from_below(module):
    below = ORDER[: ORDER.index(layer(module))] if layer(module) in ORDER else []
    own = {name.split(".")[1] for name in names_in(module) if name.startswith("margin_lib.")}
    above = sorted(own - set(below))
    assert not above, f"margin_lib/{module}.py imports {above}, which do not stand below it"


@pytest.mark.parametrize("module", MODULES)
def test_only_what_shows_imports_what_draws(module):
    packages = {name.split(".")[0] for name in names_in(module)}
    wrong = sorted(p for p in packages if p in ALLOWED_IN and layer(module) not in ALLOWED_IN[p])
    assert not wrong, f"margin_lib/{module}.py may not import {wrong}"


@pytest.mark.parametrize("module", [*MODULES, "__init__", "answers/__init__"])
def test_pyplot_is_imported_nowhere(module):
    # pyplot picks a backend and keeps every figure alive.
    assert not [name for name in names_in(module) if name.startswith("matplotlib.pyplot")]


def test_import_brings_in_the_mathematics_only(tmp_path):
    code = """
import sys
import margin_lib
print(sorted({"matplotlib", "ipywidgets", "IPython"} & set(sys.modules)))
"""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(tmp_path),
    }
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "[]\n", "")
    assert not list(tmp_path.iterdir()), "import margin_lib wrote something"
