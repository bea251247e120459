"""The course in the reader's browser: what is in the site, and a real kernel that starts from it.

A reader's browser fetches Pyodide from a public address. Here its core comes from the npm registry,
its pure packages from PyPI. Those that are compiled are in neither: empty ones of the same name and
version take their place. So this shows that a kernel starts, finds margin_lib and the course's
files, and shows a slider; not that numpy computes there.
"""

import email
import functools
import hashlib
import http.server
import io
import json
import shutil
import subprocess
import sys
import tarfile
import threading
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.support import browser
from tools.publish import lite

KERNEL = "@jupyterlite/pyodide-kernel-extension"
EXTENSION = lite.SITE / "extensions" / KERNEL / "static"
ASKED = """\
import importlib.metadata, importlib.util, ipywidgets
print(importlib.metadata.version("margin-lib"), importlib.util.find_spec("margin_lib").origin)
print(open("scenarios.toml").readline(), end="")
ipywidgets.IntSlider(description="moves")"""

RUN = """async (code) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.type === "code");
  notebook.activeCell.model.sharedModel.setSource(code);
  await window.jupyterapp.commands.execute("notebook:run-cell");
}"""


def packages():
    text = (lite.SITE / "jupyter-lite.json").read_text(encoding="utf-8")
    settings = json.loads(text)["jupyter-config-data"]["litePluginSettings"]
    return settings[f"{KERNEL}:kernel"]["loadPyodideOptions"]["packages"]


def schema():
    return json.loads((EXTENSION / "schema/kernel.v0.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """The core of the Pyodide that the site asks for, with its list of packages."""
    if not shutil.which("npm"):
        pytest.skip("no npm: Pyodide's core comes from there")
    folder = tmp_path_factory.mktemp("pyodide")
    version = schema()["properties"]["pyodideUrl"]["default"].split("/v")[1].split("/")[0]
    npm = ["npm", "pack", "--silent", f"pyodide@{version}"]
    subprocess.run(npm, cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package"


@pytest.fixture(scope="module")
def lock(core):
    return json.loads((core / "pyodide-lock.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_site_holds_the_course(root):
    files = lite.SITE / "files"
    for path in (root / "notebooks").rglob("*"):
        if path.is_file() and ".ipynb_checkpoints" not in path.parts:
            copy = files / path.relative_to(root)
            if path.suffix == ".ipynb":
                assert [c["id"] for c in json.loads(copy.read_text("utf-8"))["cells"]]
            else:
                assert copy.read_bytes() == path.read_bytes()
    assert not (files / "instructors").exists()


def test_each_wheel_is_where_the_kernel_looks():
    wheels = [name for name in packages() if name.endswith(".whl")]
    names = {parse_wheel_filename(Path(wheel).name)[0] for wheel in wheels}
    assert names == {"margin-lib", *lite.BROUGHT}
    for wheel in wheels:
        path = (EXTENSION / wheel).resolve()
        assert path.name.endswith("-py3-none-any.whl") and lite.SITE in path.parents
        assert zipfile.ZipFile(path).testzip() is None


def test_the_wheel_asks_for_nothing_that_a_browser_lacks():
    """So that a reader may install it anew there."""
    (wheel,) = (lite.SITE / "pypi").glob("margin_lib-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [name for name in packed.namelist() if name.endswith("/METADATA")]
        about = email.message_from_bytes(packed.read(name))
    here = {"sys_platform": "emscripten", "extra": ""}
    asked = map(Requirement, about.get_all("Requires-Dist"))
    names = {each.name for each in asked if not each.marker or each.marker.evaluate(here)}
    assert names and names <= {*lite.needed(), *lite.BROUGHT}


def test_the_wheel_alone_can_be_imported(root, tmp_path):
    """With all its data, from the wheel and nowhere else."""
    (wheel,) = (lite.SITE / "pypi").glob("margin_lib-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "from margin_course import lessons, load, __file__ as at; from margin_lib import venues; "
    )
    code += "from margin_course.answers import every; "
    code += "print(at, len(every()), len(load('scenarios.toml')), len(venues.names()))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root / "notebooks",
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert run.stdout.startswith(str(tmp_path)), run.stderr


def test_pyodide_has_what_the_course_needs(lock, project):
    """In versions that the course allows, and for a Python that it allows."""
    assert SpecifierSet(project["requires-python"]).contains(lock["info"]["python"])
    bounds = {Requirement(line).name: Requirement(line) for line in project["dependencies"]}
    needed = [name for name in packages() if not name.endswith(".whl")]
    assert set(needed) == set(bounds) - {"jupyterlab", *lite.BROUGHT}
    for name in needed:
        assert bounds[name].specifier.contains(lock["packages"][name]["version"]), name
    assert "pillow" in lock["packages"]["matplotlib"]["depends"]


# A kernel


def wanted(lock):
    """What the kernel and the site's settings load of Pyodide's list."""
    found, names = {}, ["micropip", "ipython", "jedi", *lite.needed()]
    while names:
        name = canonicalize_name(names.pop())
        if name not in found:
            found[name] = lock["packages"][name]
            names += found[name]["depends"]
    return found


def empty_wheel(package):
    """A wheel of this name and version, with modules that hold nothing."""
    packed = io.BytesIO()
    about = f"{package['name'].replace('-', '_')}-{package['version']}.dist-info"
    names = f"Name: {package['name']}\nVersion: {package['version']}\n"
    with zipfile.ZipFile(packed, "w") as wheel:
        for module in {name.partition(".")[0] for name in package["imports"]}:
            wheel.writestr(f"{module}/__init__.py", "")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\n{names}")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        wheel.writestr(f"{about}/RECORD", "")
    return packed.getvalue()


@pytest.fixture(scope="module")
def pyodide(core, lock, tmp_path_factory):
    """Name of a file -> its content: what the reader's browser would fetch."""
    folder = tmp_path_factory.mktemp("wheels")
    packages = wanted(lock)
    pure = [one for one in packages.values() if "none-any" in one["file_name"]]
    pip = [Path(sys.prefix).parent / ".venv-lite/bin/python", "-m", "pip", "--quiet", "download"]
    pip += ["--no-deps", "--only-binary=:all:", "--python-version", lock["info"]["python"]]
    pip += ["--platform", "any"]  # pure ones: for this machine pip knows compiled ones, too
    pip += ["--dest", folder, *(f"{one['name']}=={one['version']}" for one in pure)]
    subprocess.run(pip, check=True)
    fetched = {parse_wheel_filename(path.name)[0]: path for path in folder.iterdir()}
    files = {path.name: path.read_bytes() for path in core.iterdir() if path.is_file()}
    for name, one in packages.items():
        content = fetched[name].read_bytes() if name in fetched else empty_wheel(one)
        files[one["file_name"]] = content
        one["sha256"] = hashlib.sha256(content).hexdigest()
    files["pyodide-lock.json"] = json.dumps(lock).encode()
    return files


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def base():
    """The address of a plain server of the site."""
    handler = functools.partial(Quiet, directory=lite.SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}


def test_a_kernel_starts_with_the_library(chrome, base, pyodide, shots, project):
    context = chrome.new_context(viewport=browser.SCREEN)
    asked, errors = [], []
    context.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)

    def fetch(route):
        path = Path(route.request.url.partition("?")[0])
        known = "/pyodide/" in route.request.url and path.name in pyodide
        asked.append((known, route.request.url))
        if not known:
            return route.abort()
        kind = TYPES.get(path.suffix, "application/octet-stream")
        allowed = {"access-control-allow-origin": "*"}
        return route.fulfill(body=pyodide[path.name], content_type=kind, headers=allowed)

    context.route(lambda url: not url.startswith(base), fetch)
    settings = json.loads((lite.SITE / "jupyter-lite.json").read_text(encoding="utf-8"))
    settings["jupyter-config-data"]["exposeAppInBrowser"] = True  # so that a test can ask it
    context.route(f"{base}jupyter-lite.json*", lambda route: route.fulfill(json=settings))
    page = context.new_page()
    page.goto(f"{base}lab/index.html?path=notebooks/01_leverage.ipynb")
    page.wait_for_function(browser.READY)
    page.evaluate(RUN, ASKED)
    cell = page.locator(".jp-Notebook .jp-CodeCell").first
    cell.locator(".widget-slider").wait_for()
    version, first = cell.locator(".jp-OutputArea-output").first.inner_text().splitlines()
    page.screenshot(path=shots / "lite.png")
    context.close()
    assert version.startswith(f"{project['version']} ") and "site-packages/margin_lib" in version
    assert first == (lite.SITE / "files/notebooks/scenarios.toml").read_text("utf-8").split("\n")[0]
    assert [url for known, url in asked if not known] == []
    assert errors == []
