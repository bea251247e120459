"""What the site and the JupyterLite site are made of; `make test-site` makes and opens them."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from pkgutil import walk_packages
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from PIL import Image

import margin_course
import margin_lib
from tools.publish import badges, feed, links, plane, site


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The gathered sources of the site."""
    folder = tmp_path_factory.mktemp("site") / "pages"
    site.gather(folder)
    return folder


@pytest.fixture
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_notebook_and_every_page_for_instructors_has_a_place(root, sources):
    for part in ("notebooks", "instructors"):
        listed = (sources / part / "contents.md").read_text(encoding="utf-8").split("```")[1]
        there = [*(root / part).rglob("*.ipynb"), *(root / part).rglob("*.md")]
        there = [path.relative_to(root / part).with_suffix("").as_posix() for path in there]
        assert sorted(listed.splitlines()[1:]) == sorted(
            name for name in there if ".ipynb_checkpoints" not in name
        )


def test_every_module_has_a_page(sources):
    pages = {path.stem for path in (sources / "library").glob("*.rst")}
    packages = [margin_lib, margin_course]
    known = {m.name for p in packages for m in walk_packages(p.__path__, f"{p.__name__}.")}
    assert pages == {name for name in known if ".answers" not in name} - {"margin_course.lessons"}


def test_notebooks_stay_as_they_are(root, sources):
    for path in (root / "notebooks").glob("*.ipynb"):
        assert (sources / "notebooks" / path.name).read_bytes() == path.read_bytes()


def test_the_first_page_needs_no_other_site(sources):
    text = (sources / "README.md").read_text(encoding="utf-8")
    assert "![" not in text and site.RUN in text
    public = badges.links(badges.repository())
    assert public["Site"] not in text.replace(f"[lite]: {public['JupyterLite']}", "")
    assert '<a href="notebooks/00_index.html"><picture>' in text


def test_the_front_door_moves(root):
    """Five seconds, once; the still picture is for who asked for less motion."""
    text = (root / "README.md").read_text(encoding="utf-8")
    (still,), (moving,) = (re.findall(rf'{tag}="(docs/[^"]+)"', text) for tag in ("srcset", "src"))
    assert (root / moving).stat().st_size < 1.5e6
    with Image.open(root / moving) as film, Image.open(root / still) as last:
        assert film.n_frames > 20 and film.info["loop"] == 1
        times = []
        for number in range(film.n_frames):
            film.seek(number)
            film.load()
            times.append(film.info["duration"])
        assert 3000 < sum(times) <= 5000
        assert last.size == film.size
    first = text.partition("## What is in it")[0]
    assert "make lab " in first and "make test " in first
    assert first.index("<picture>") < 200 and re.search(r'alt="[^"]{60,}"', first)


def test_the_film_of_the_front_door_tells_what_is_so_now(root):
    """A scenario or a preset that moved takes the film along: make pictures draws it anew."""
    lab = plane.made()
    with Image.open(plane.MOVING) as film, Image.open(plane.STILL) as still:
        assert film.info["xmp"].decode() == plane.story(lab), "make pictures"
        film.seek(film.n_frames - 1)
        last, stays, now = (
            np.asarray(picture.convert("RGB"), dtype=float)
            for picture in (film, still, plane.frame(lab))
        )
    assert (last == stays).all()
    # Colours and places; edges of letters may differ with a version of matplotlib.
    assert np.abs(last - now).mean() < 2, "make pictures"


def test_each_notebook_of_the_list_has_its_place(root):
    places = site.places()
    names = {f"notebooks/{path.stem}" for path in (root / "notebooks").glob("*.ipynb")}
    assert {name for name in names if re.search(r"/\d\d_", name)} <= set(places) <= names
    assert [place["number"] for place in places.values()] == list(range(1, len(places) + 1))


def test_the_feed_has_every_version(root):
    feed_of = Xml.fromstring(feed.feed())
    space = {"a": feed.SPACE}
    entries = feed_of.findall("a:entry", space)
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    days = re.findall(r"^## \[(\d.*)\] - (.*)$", text, re.MULTILINE)
    said = [(e.find("a:title", space).text, e.find("a:updated", space).text[:10]) for e in entries]
    assert said == days and days
    assert all("<li>" in entry.find("a:content", space).text for entry in entries)


def test_a_link_to_what_the_site_does_not_hold_leads_to_the_repository(root, tmp_path):
    (tmp_path / "README.md").touch()
    text = "[a](README.md) [b](Makefile#x) [c](nowhere.md) [d](https://e.org) [f](#g)"
    base = f"https://github.com/{badges.repository()}/blob/main"
    wanted = text.replace("(Makefile", f"({base}/Makefile")
    assert site.outward(text, Path(), tmp_path) == wanted


def test_every_word_is_in_the_glossary(root, sources):
    words = tomllib.loads((root / "notebooks/glossary.toml").read_text(encoding="utf-8"))
    lines = (sources / "notebooks/glossary.md").read_text(encoding="utf-8").splitlines()
    for word, table in words.items():
        assert lines[lines.index(f"## {word}") + 2] == table["means"]


def test_a_docstring_becomes_what_it_says():
    text = """Loss of |q| coins * rate_a, see `pnl`.

    Equation:  pnl = q · (P − E);
    inverse:  pnl = q / P

    Parameters
    ----------
    q : array_like             signed [coin]
    shown : bool               whether it is told, in words that
                               go on below
    free : anything

    Raises
    ------
    MarginError                not finite

    Source: definition.

    >>> pnl(-100)
    -25.0""".replace("\n    ", "\n")
    assert site.restructured(text.splitlines()) == [
        "Loss of \\|q\\| coins \\* rate\\_a, see ``pnl``.",
        "",
        "| **Equation**:  pnl = q · (P − E);",
        "| inverse:  pnl = q / P",
        "",
        "**Parameters**",
        "",
        "* **q** : *array\\_like* — signed [coin]",
        "* **shown** : *bool* — whether it is told, in words that go on below",
        "* **free** : *anything*",
        "",
        "**Raises**",
        "",
        "* **MarginError** — not finite",
        "",
        "**Source**: definition.",
        "",
        ">>> pnl(-100)",
        "-25.0",
        "",
    ]


def answer(uri, status, info=""):
    return {"uri": uri, "status": status, "info": info, "filename": "README.md"}


UNKNOWN = "NameResolutionError: Name or service not known"


def test_a_dead_address_is_told_from_one_that_lets_no_robot_in():
    answers = [
        answer("#part", "unchecked"),
        answer("https://a.example", "working"),
        answer("https://b.example", "broken", "404 Client Error: Not Found for url"),
        answer("https://c.example", "broken", "403 Client Error: Forbidden for url"),
        answer("https://d.example", "broken", UNKNOWN),
    ]
    lines, well = links.verdict(answers)
    assert [line for line in lines if "example" in line] == [
        "DEAD: https://b.example",
        "lets no robot in: https://c.example",
        "DEAD: https://d.example",
    ]
    assert (lines[-1], well) == ("4 addresses asked, 2 dead", False)
    assert links.verdict([answers[1], answers[3]])[1]


def test_where_nothing_answers_it_is_the_network():
    answers = [answer(f"https://{name}.example", "broken", UNKNOWN) for name in "ab"]
    assert links.verdict(answers) == (["No network: not one of 2 addresses answers."], False)


def test_the_sources_of_the_venues_are_asked_for(root):
    page = links.page([root / "margin_lib/venues.toml"])
    venues = tomllib.loads((root / "margin_lib/venues.toml").read_text(encoding="utf-8"))
    sources = [venue["source"] for venue in venues.values() if "source" in venue]
    addresses = re.findall(r"https?://[^\s,;)]+", " ".join(sources))
    assert addresses and all(f"<{address}>" in page for address in addresses)


def test_links_follow_the_one_line_that_names_the_repository(monkeypatch, tmp_path):
    line = "[binder]: https://mybinder.org/v2/gh/some-one/a.fork/HEAD\n"
    (tmp_path / "README.md").write_text(line, encoding="utf-8")
    monkeypatch.setattr(badges, "ROOT", tmp_path)
    assert site.links("notebooks/01_leverage") == {
        "binder": "https://mybinder.org/v2/gh/some-one/a.fork/HEAD?urlpath=lab/tree/"
        "notebooks/01_leverage.ipynb",
        "lite": "lite/lab/index.html?path=notebooks/01_leverage.ipynb",
    }


def test_the_workflow_only_calls_make(root):
    """It makes both sites, and publishes the folder in which they are."""
    text = (root / ".github/workflows/pages.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"].values()
    steps = [step for job in jobs for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == ["make site"]
    (upload,) = [step for step in steps if "upload-pages" in step.get("uses", "")]
    assert upload["with"]["path"] == site.SITE.relative_to(root).as_posix()


# JupyterLite


def test_lite_has_the_widgets_of_the_course(project):
    """Of what is in both set-ups, one version fits both."""
    course = {Requirement(line).name: line for line in project["project"]["dependencies"]}
    lite = {Requirement(line).name: line for line in project["dependency-groups"]["lite"]}
    for name in ("ipywidgets", "anywidget"):
        assert lite[name] == course[name]


def test_lite_loads_what_the_library_imports(root, project):
    """Every package that the library imports is named, or comes with one that is."""
    comes_with = {"PIL": "matplotlib", "IPython": "ipywidgets", "traitlets": "ipywidgets"}
    named = {Requirement(line).name for line in project["project"]["dependencies"]}
    paths = [*(root / "margin_lib").rglob("*.py"), *(root / "margin_course").rglob("*.py")]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    names = [each.name for node in nodes if isinstance(node, ast.Import) for each in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    imported = {name.partition(".")[0] for name in names}
    others = imported - sys.stdlib_module_names - {"margin_lib", "margin_course"}
    assert {comes_with.get(name, name) for name in others} <= named - {"jupyterlab"}


def test_lite_keeps_the_pyodide_that_is_tried(project):
    (line,) = [one for one in project["dependency-groups"]["lite"] if "pyodide" in one]
    assert str(Requirement(line).specifier).startswith("==")


def test_a_lesson_tells_indexes_what_it_teaches_and_how_long_that_takes(root):
    told = site.described(root / "notebooks" / "01_leverage.ipynb", "a", {"@type": "Course"})
    assert told["@type"] == "LearningResource" and told["name"] == "Leverage"
    assert re.fullmatch(r"PT\d+M", told["timeRequired"])
    assert 3 <= len(told["teaches"]) <= 4
    assert not [aim for aim in told["teaches"] if re.search(r"[\[\]<>;]", aim)]
    index = site.described(root / "notebooks" / "00_index.ipynb", "a", {})
    assert "teaches" not in index
