"""What tests share: one profile for all property tests, and where the course is."""

import pytest
from hypothesis import Phase, settings

from tests.support import widgets
from tools.repo import ROOT

# The same examples every time, however slow the machine.
settings.register_profile("course", deadline=None, derandomize=True, max_examples=60)
# A mutant that a property kills falls to the first examples: make mutants runs many.
settings.register_profile(
    "mutants",
    settings.get_profile("course"),
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile("course")


def pytest_addoption(parser):
    parser.addoption("--vectors", help="check the published examples of this JSON file instead")


@pytest.fixture(scope="session")
def root():
    """The folder of the repository."""
    return ROOT


@pytest.fixture(autouse=True)
def own_answers(request, tmp_path_factory, monkeypatch):
    """A file of answers for each test: none reads or writes that of a reader."""
    if request.path.is_relative_to(ROOT / "tests" / "margin"):
        return None  # The library runs where nothing of the course is installed.
    from margin_course import progress

    place = tmp_path_factory.mktemp("answers") / progress.place.name
    monkeypatch.setattr(progress, "place", place)
    return place


@pytest.fixture(autouse=True)
def no_widgets_left():
    with widgets.closed():
        yield
