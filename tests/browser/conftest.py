"""Servers and a browser for the tests of this folder; `make test-browser` runs them."""

import gzip
import http.server
import re
import shutil
import threading
from functools import partial
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support import browser
from tools.publish.site import SITE


def pytest_sessionstart(session):
    if lacks := browser.missing():
        pytest.exit("The browser tests cannot run.\n" + "\n".join(lacks), returncode=1)


def place(nodeid):
    """File of a test, and its notebook, or else the first thing that it is tried with.

    >>> place("tests/test_lab.py::test_slider[01_leverage.ipynb-LeverageLab]")
    'tests/test_lab.py 01_leverage.ipynb'
    >>> place("tests/test_page.py::test_it_fits[dark-wide]"), place("tests/test_page.py::test_it")
    ('tests/test_page.py dark', 'tests/test_page.py')
    """
    with_what = re.findall(r"\w+\.ipynb", nodeid) or re.findall(r"\[(\w+)", nodeid)
    return " ".join([nodeid.partition("::")[0], *with_what[:1]])


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: place(item.nodeid))


class PlaceByPlace(LoadScopeScheduling):
    """So a notebook is opened once, by one of those who share the work."""

    def _split_scope(self, nodeid):
        return place(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return PlaceByPlace(config, log)


@pytest.fixture(scope="session")
def chrome():
    with browser.browser() as chrome:
        yield chrome


@pytest.fixture(scope="session")
def course(root, tmp_path_factory):
    """A copy of the notebooks, for the servers."""
    folder = tmp_path_factory.mktemp("course") / "notebooks"
    return shutil.copytree(root / "notebooks", folder)


@pytest.fixture(scope="session")
def shots(root):
    """Where pictures of the screen are kept."""
    folder = root / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Served(http.server.SimpleHTTPRequestHandler):
    """Files as GitHub Pages sends them: texts packed."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        kind = self.guess_type(path)
        if not re.match(r"text/|application/(javascript|json)", kind) or not path.is_file():
            return super().do_GET()
        packed = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Encoding", "gzip"),
            ("Content-Length", str(len(packed))),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(packed)

    def log_message(self, *words):
        pass


@pytest.fixture(scope="session")
def served():
    """The address of the site, served."""
    handler = partial(Served, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
