"""Servers and a browser for the tests of this folder; `make test-browser` runs them."""

import shutil

import pytest

from tests.support import browser


def pytest_sessionstart(session):
    if lacks := browser.missing():
        pytest.exit("The browser tests cannot run.\n" + "\n".join(lacks), returncode=1)


def pytest_collection_modifyitems(items):
    """Notebook by notebook, so that each is opened once, by one of those who share the work."""

    def place(item):
        values = item.callspec.params if hasattr(item, "callspec") else {}
        return str(item.path), values.get("name", "")

    items.sort(key=place)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(" ".join(place(item))))


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
