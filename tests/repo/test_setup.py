"""What a reader meets first: the files at the top, make lab, Binder, the two lists of packages."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.parse
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tools import newest, repo
from tools.publish import badges, binder
from tools.repo import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# repo2docker asks Unix who runs it.
on_unix = pytest.mark.skipif(os.name == "nt", reason="not made for Windows")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def bounds(lines) -> dict[str, str]:
    requirements = map(Requirement, lines)
    return {needed.name.lower(): str(needed.specifier) for needed in requirements}


def conda_bounds() -> dict[str, str]:
    # python and pip are conda's to name; a package never does.
    return bounds(line for line in CONDA["dependencies"] if not re.match(r"(python|pip)\b", line))


def conda_python() -> str:
    (line,) = [line for line in CONDA["dependencies"] if line.startswith("python")]
    return line.removeprefix("python=")


LAYOUT = [
    "README.md",
    "LICENSE",
    "LICENSE-TEXT",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "environment.yml",
    "pyproject.toml",
    "Makefile",
    "margin_lib/__init__.py",
    "notebooks/00_index.ipynb",
    "notebooks/scenarios.toml",
    "binder/postBuild",
]


@pytest.mark.parametrize("path", LAYOUT)
def test_layout(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("script", [".ci/run", "binder/postBuild"])
def test_script_is_executable(script):
    assert os.access(ROOT / script, os.X_OK)


def test_conda_and_pip_install_the_same():
    assert conda_bounds() == bounds(PROJECT["dependencies"])
    assert all("<" in bound and ">=" in bound for bound in conda_bounds().values())


def test_every_package_of_the_library_is_installed():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    folders = {path.parent.relative_to(ROOT) for path in ROOT.glob("margin_*/**/*.py")}
    packages = {".".join(folder.parts) for folder in folders}
    assert set(settings["setuptools"]["packages"]) == packages


def test_newest_takes_away_upper_bounds_and_nothing_else():
    """make newest asks for every package that make test asks for."""
    declared = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    run = subprocess.run(
        [sys.executable, "-m", "tools.newest"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    asked = bounds(run.stdout.splitlines())
    assert asked == {name: re.sub(",?<[^,]*,?", "", b) for name, b in bounds(declared).items()}
    marked = newest.unbounded("a>=1,!=1.5,<2; python_version < '3.14'")
    assert Requirement(marked) == Requirement("a!=1.5,>=1; python_version < '3.14'")


def test_conda_uses_one_channel_and_one_python():
    assert CONDA["channels"] == ["conda-forge"]
    assert re.fullmatch(r"3\.\d+", conda_python()), "Binder reads x.y and nothing finer"
    assert conda_python() in Requirement(f"python{PROJECT['requires-python']}").specifier


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_installed_version_is_within_the_bounds(line):
    needed = Requirement(line)
    version = importlib.metadata.version(needed.name)
    assert needed.specifier.contains(version, prereleases=True), f"{needed.name} {version}"


# Binder; make binder-check does more


@on_unix
def test_binder_builds_what_we_mean():
    assert binder.picked() == conda_python()


@on_unix
def test_binder_needs_a_postbuild(tmp_path):
    shutil.copytree(ROOT / "binder", tmp_path / "binder")
    (tmp_path / "binder" / "postBuild").unlink()
    with pytest.raises(binder.BinderError, match="does not say .*postBuild"):
        binder.picked(tmp_path)


def test_binders_environment_is_the_course_without_its_server_at_minor_versions():
    lines = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["app"]]
    needed = {Requirement(line).name: Requirement(line) for line in lines}
    pins = binder.pins()
    assert set(pins) == set(needed) - {"jupyterlab"}, "JupyterLab is in Binder's own image"
    for name, minor in pins.items():
        assert needed[name].specifier.contains(f"{minor}.99"), f"{name} {minor}"
    for line in binder.environment():
        assert re.fullmatch(r"[a-z-]+=\d+\.\d+", line), f"{line}: not held at a minor version"


def test_binder_opens_the_index_in_jupyterlab():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    link = badges.links(badges.repo_of(readme))["Binder"]
    assert f"[binder]: {link}\n" in readme


def test_every_way_into_the_course_follows_the_repository(copy):
    text = (copy / "README.md").read_text(encoding="utf-8")
    for owner in (badges.repo_of(text), "some-one/some.name"):
        changed, links = badges.with_repo(text, owner), badges.links(owner)
        for name, service in badges.WAYS.items():
            assert f"\n[{name}]: {links[service]}\n" in changed
        assert f'<a href="{links["Site"]}"><picture>' in changed


# Links


NAMED = "README.md", badges.INDEX


@pytest.fixture
def copy(tmp_path) -> Path:
    """The two files that name the repository, and what writes them."""
    for name in (*NAMED, "Makefile", "tools/publish/badges.py", "tools/repo.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def written(folder) -> str:
    return "".join((folder / name).read_text(encoding="utf-8") for name in NAMED)


def test_badges_rewrites_its_lines_and_twice_gives_the_same(copy):
    before = written(copy)
    repo, new = badges.repo_of(before), "some-one/a.course"
    moved = before.replace(*(badges.links(each)["Site"] for each in (repo, new)))
    for _ in range(2):
        assert badges.main([new, str(copy)]) == 0
        assert written(copy) == moved.replace(repo, new) != before


@pytest.mark.parametrize(
    "name",
    [
        "",
        "name",
        "owner/",
        "/name",
        "a/b/c",
        "-owner/name",
        "own er/name",
        "o/..",
        "o/n.git",
        "ö/n",
    ],
)
def test_badges_refuses_what_is_no_repository(name, copy, capsys):
    before = written(copy)
    assert badges.main([name, str(copy)]) == 1
    assert "REPO: must be owner/name" in capsys.readouterr().err
    assert written(copy) == before


def opened(link):
    """Address and arguments of a link."""
    parts = urllib.parse.urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(urllib.parse.parse_qsl(parts.query))


def test_each_service_is_asked_for_the_index_of_this_repository():
    links = badges.links("Some-One/a.course", "https://hub.example.edu/", "spring")
    index = "notebooks/00_index.ipynb"
    assert (ROOT / index).exists()
    assert opened(links["Binder"]) == (
        "https://mybinder.org/v2/gh/Some-One/a.course/HEAD",
        {"urlpath": f"lab/tree/{index}"},
    )
    # nbgitpuller makes a folder with the repository's name; the path begins with it.
    assert opened(links["JupyterHub"]) == (
        "https://hub.example.edu/hub/user-redirect/git-pull",
        {
            "repo": "https://github.com/Some-One/a.course",
            "branch": "spring",
            "urlpath": f"lab/tree/a.course/{index}",
        },
    )
    assert opened(links["JupyterLite"]) == (
        "https://some-one.github.io/a.course/lite/lab/index.html",
        {"path": index},
    )
    assert links["Site"] == "https://some-one.github.io/a.course/"
    assert links["Colab"] == (
        f"https://colab.research.google.com/github/Some-One/a.course/blob/spring/{index}"
    )
    assert links["Install"] == "pip install git+https://github.com/Some-One/a.course@spring"


def test_a_repository_that_is_a_site_has_no_folder_in_its_address():
    assert badges.links("Some-One/some-one.github.io")["Site"] == "https://some-one.github.io/"


def test_make_badges_prints_the_links_and_writes_only_when_told(copy):
    before = written(copy)

    def make(*words):
        command = ["make", "-s", "badges", f"PYTHON={Path(sys.executable).as_posix()}", *words]
        ours = re.compile("MAKE|MFLAGS|REPO$|HUB$|BRANCH$|PYTHON$")
        environment = {k: v for k, v in os.environ.items() if not ours.match(k)}
        return subprocess.check_output(command, cwd=copy, env=environment, text=True)

    printed = make("HUB=https://h.example", "BRANCH=spring")
    links = badges.links(badges.repo_of(before), "https://h.example", "spring")
    for service, link in links.items():
        assert re.search(rf"(?m)^{service} +{re.escape(link)}$", printed)
    assert written(copy) == before
    assert "mybinder.org/v2/gh/some/one/HEAD" in make("REPO=some/one")
    assert written(copy) != before


def test_badges_refuses_a_readme_without_the_link():
    with pytest.raises(ValueError, match="must hold one line"):
        badges.with_repo("no link here\n", "owner/name")


@pytest.fixture
def kept_files() -> list[Path]:
    try:
        return repo.kept()
    except subprocess.CalledProcessError:
        pytest.skip("not a git checkout")


def test_the_repository_is_named_where_badges_writes_it_and_nowhere_else(kept_files):
    repo = badges.repo_of((ROOT / "README.md").read_text(encoding="utf-8"))
    named = [
        path.relative_to(ROOT).as_posix()
        for path in kept_files
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if repo.lower() in line.lower()
    ]
    assert set(named) == set(NAMED)


@pytest.mark.usefixtures("kept_files")
def test_a_fork_under_another_name_passes(tmp_path):
    """After make badges the old name is nowhere, and no test that could know it misses it."""
    repo.copy_to(tmp_path)
    old = badges.repo_of((tmp_path / "README.md").read_text(encoding="utf-8"))
    how = {"cwd": tmp_path, "capture_output": True, "text": True}
    subprocess.run(["git", "init", "-q"], check=True, **how)
    search = ["git", "grep", "--untracked", "-l", "-i", "-F", old]
    assert subprocess.run(search, **how).stdout.splitlines() == list(NAMED)
    new = f"some-one/{tmp_path.name}"  # named in no file, this one included
    subprocess.run([sys.executable, "-m", "tools.publish.badges", new], check=True, **how)
    assert subprocess.run(search, **how).stdout == ""
    tests = [f"tests/repo/test_{part}.py" for part in ("setup", "site", "instructors")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    # Those that start a server, make or repo2docker are slow, and ask for no name.
    command += ["-k", "not fork and not make_ and not binder_builds and not binder_needs"]
    how["env"] = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    run = subprocess.run(command, **how)
    assert run.returncode == 0, run.stdout + run.stderr


def test_readme_links_to_every_notebook():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(notebooks/(\w+\.ipynb)\)", readme))
    assert linked == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
