"""Build the pages of the course, from what stands in the repository: nothing is run but the labs.

    python -m tools.publish.site

Sources are gathered in build/pages, where the pages of the library and the lists of
contents are added to them; Sphinx writes the site to build/site. docs/ says how it looks.
"""

import re
import shutil
import subprocess
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

from margin_course import prose
from tools import repo
from tools.notebooks import glossary
from tools.notebooks import run as notebooks
from tools.publish import badges, feed, labs, live, plane
from tools.repo import ROOT

SOURCES = ROOT / "build" / "pages"
SITE = ROOT / "build" / "site"
LITE = badges.LITE.split("/")[0]  # the folder in the site that tools.publish.lite fills
COPIED = ["[A-Z]*.md", "LICENSE*", "CITATION.cff", "notebooks", "instructors"]
IGNORED = shutil.ignore_patterns(".*", "__pycache__", "results-*.json")
SIGN = re.compile(r"\bfa-([a-z0-9-]+)")
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
BADGE = re.compile(r"^\[!\[Binder\].*$", re.MULTILINE)  # a picture of another site
RUN = f'[Run on Binder][binder] · <a href="{LITE}/index.html">Run without a server</a>'


def modules(package):
    """The modules of a package that have a page: not the answers."""
    paths = [*(ROOT / package).glob("*.py"), *(ROOT / package / "lessons").glob("*.py")]
    names = [path.relative_to(ROOT).with_suffix("").as_posix() for path in paths]
    return sorted(name.replace("/", ".") for name in names if not name.endswith("/__init__"))


MODULES = [*modules("margin_lib"), *modules("margin_course")]


# What stands in the site beside the files of the repository


def contents(title, words, pages):
    """A page (Markdown) that lists others."""
    return "\n".join([f"# {title}", "", words, "", "```{toctree}", *pages, "```", ""])


def front(readme):
    """README.md as the first page: its own ways in place of the public ones, and its parts."""
    index, (play, lite) = "notebooks/00_index", ("Site", "JupyterLite")
    public = badges.links(badges.repo_of(readme))
    readme = readme.replace(f'<a href="{public[play]}">', f'<a href="{index}.html">')
    readme = readme.replace(f"[play]: {public[play]}\n", f"[play]: {index}.ipynb\n")
    inside = public[lite].removeprefix(public[play])
    readme = readme.replace("[in your browser][lite]", f'<a href="{inside}">in your browser</a>')
    parts = ["notebooks/contents", "library/contents", "instructors/contents"]
    parts += ["CONTRIBUTING", "CHANGELOG", "CODE_OF_CONDUCT", "SECURITY"]
    tree = ["```{toctree}", ":hidden:", *parts, "```", ""]
    return "\n".join([BADGE.sub(RUN, readme), "", *tree])


def outward(text, here, folder):
    """Markdown whose links to what the site does not hold lead to the repository."""
    base = f"https://github.com/{badges.repository()}/blob/main/"

    def led(link):
        path = here / link[1]
        there = (ROOT / path).exists() and not (folder / path).exists()
        return f"]({base}{path.as_posix()}" if there else link[0]

    return LINK.sub(led, text)


def module_page(name):
    """A page (reStructuredText) of what one module holds."""
    return f"{name}\n{'=' * len(name)}\n\n.. automodule:: {name}\n   :members:\n"


def found(folder, ending):
    """The pages with this ending in a folder, as a list of contents names them."""
    paths = sorted(folder.rglob(f"*.{ending}"))
    return [path.relative_to(folder).with_suffix("").as_posix() for path in paths]


def gather(folder=SOURCES):
    """Make the sources of the site anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for pattern in COPIED:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_dir():
                shutil.copytree(path, folder / path.name, ignore=IGNORED)
            else:
                shutil.copy(path, folder)
    for path in folder.rglob("*.md"):
        repo.write(path, outward(repo.read(path), path.parent.relative_to(folder), folder))
    lessons, teaching = folder / "notebooks", folder / "instructors"
    pages = {
        "README.md": front(repo.read(folder / "README.md")),
        "notebooks/contents.md": contents(
            "The course",
            "Read the notebooks in this order. The labs move on these pages by their most telling "
            "controls; the links below each of them open it where all of them do.",
            [name for ending in ("ipynb", "md") for name in found(lessons, ending)],
        ),
        "library/contents.md": contents(
            "The library",
            "`margin_lib` holds the mathematics; begin with `formulas` and `account`. "
            "`margin_course` holds what the course adds to it: pictures, labs, exercises.",
            MODULES,
        ),
        "instructors/contents.md": contents(
            "For instructors",
            "How to teach the course, and a solution of every exercise.",
            [name for ending in ("md", "ipynb") for name in found(teaching, ending)],
        ),
        **{f"library/{name}.rst": module_page(name) for name in MODULES},
    }
    for name, text in pages.items():
        (folder / name).parent.mkdir(exist_ok=True)
        repo.write(folder / name, text)


# What a page says of itself to those who index it


def described(path, address, course):
    """A lesson in the words of schema.org: what it teaches, and how long that takes."""
    notebook = notebooks.read(path)
    first = notebook.cells[0].source
    aims = re.search(r"(?ms)^\*\*After this you can\*\*\n\n(.*?)\n\n", first)
    minutes = prose.TIME.search(first)
    said = {"@context": "https://schema.org", "@type": "LearningResource", "url": address}
    said |= {"name": re.sub(r"^# (\d\d · )?", "", first.splitlines()[0]), "inLanguage": "en"}
    said |= {"learningResourceType": "interactive notebook", "educationalLevel": "beginner"}
    said |= {"isAccessibleForFree": True, "isPartOf": course}
    said |= {"license": "https://creativecommons.org/licenses/by/4.0/"}
    if minutes:
        said["timeRequired"] = f"PT{minutes[1]}M"
    if aims:
        said["teaches"] = [line.strip("- ;.") for line in glossary.plain(aims[1]).splitlines()]
    return said


# Docstrings: plain text, as tests/repo/test_docstrings.py says


def marked(text):
    """Plain text as reStructuredText: `code`, and no other sign means anything."""
    parts = re.split(r"(`[^`]+`)", text)
    parts[::2] = [re.sub(r"([\\*|_`])", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f"`{part}`" for part in parts[1::2]]
    return "".join(parts)


def entry(text):
    """One line of a section: a name, perhaps its type, and what it is after two spaces or more."""
    head, _, said = re.sub(r"\n *", "  ", text).partition("  ")
    name, _, kind = head.partition(" : ")
    kind = f" : *{marked(kind)}*" if kind else ""
    said = re.sub(r" {2,}", " ", said.strip())
    return f"* **{marked(name)}**{kind}" + (f" — {marked(said)}" if said else "")


def paragraph(text):
    """One paragraph, section or example as lines of reStructuredText."""
    if text.startswith(">>>"):
        return text.splitlines()
    head, _, rest = text.partition("\n")
    if re.match(r"-+\n", rest):
        entries = re.split(r"\n(?! )", rest.partition("\n")[2])
        return [f"**{head}**", "", *map(entry, entries)]
    text = re.sub(r"^(Equations?|Source)([,:])", r"**\1**\2", marked(text))
    lines = text.splitlines()
    if text.startswith("**Eq") or any(line.startswith("    ") for line in lines):
        return [f"| {line.strip()}" for line in lines]
    return lines


def restructured(lines):
    """The lines of a docstring as reStructuredText."""
    blocks = re.split(r"\n\n+", "\n".join(lines).strip())
    return [line for block in blocks for line in [*paragraph(block), ""]]


def slug(title):
    """The anchor that Jupyter gives a heading.

    >>> slug("What you need")
    'What-you-need'
    """
    return title.replace(" ", "-")


def links(page):
    """Where a notebook of the site can be run; `page` is its name there, without an ending."""
    notebook = f"{page}.ipynb"
    return {
        "binder": badges.links(badges.repository(), page=notebook)["Binder"],
        "lite": f"{badges.LITE}?path={notebook}",
    }


# The theme's signs: of 2,000 in its fonts, a page shows a dozen


def signs(site=SITE):
    """The signs that pages name, or that the theme's looks hold themselves."""
    style = repo.read(site / "_static/styles/pydata-sphinx-theme.css")
    pages = [path for path in site.rglob("*.html") if not path.is_relative_to(site / LITE)]
    pages.append(site / "_static/scripts/pydata-sphinx-theme.js")
    named = {name for path in pages for name in SIGN.findall(repo.read(path))}
    rules = re.findall(r'((?:\.fa-[\w-]+,?)+){--fa:"\\(\w+)"', style)
    shown = {chr(int(code, 16)) for names, code in rules if named & {*SIGN.findall(names)}}
    return shown | set(re.findall(r'--pst-icon-[\w-]+:\s*"(.)"', style))


def slim(site=SITE):
    """Leave in the theme's fonts what pages show: they were half of what a page weighed."""
    shown = [ord(sign) for sign in signs(site)]
    for path in (site / "_static/vendor/fontawesome/webfonts").glob("*.woff2"):
        font = TTFont(path)
        few = subset.Subsetter()
        few.populate(unicodes=shown)
        few.subset(font)
        font.save(path)


# A notebook in the list of README.
ROW = re.compile(r"^\| \[\w+\]\((notebooks/\w+)\.ipynb\) \|.*\| (\d+) \|$", re.MULTILINE)


def places():
    """Where each notebook stands in the course, and how long it takes, as README says."""
    rows = ROW.findall(repo.read("README.md"))
    return {
        name: {"number": number, "of": len(rows), "minutes": minutes}
        for number, (name, minutes) in enumerate(rows, start=1)
    }


def main():
    gather()
    live.write()
    for path in SITE.glob("*"):
        if path.name != LITE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-j", "2", "-b", "html"]
    command += ["-d", str(ROOT / "build/doctrees"), "-c", str(ROOT / "docs")]
    made = subprocess.run([sys.executable, *command, str(SOURCES), str(SITE)])
    if made.returncode == 0:
        shutil.copy(SITE / "README.html", SITE / "index.html")
        for path in (SITE / "_static").rglob("*.map"):  # for who works on the theme
            path.unlink()
        slim()
        repo.write(SITE / feed.NAME, feed.feed())
        labs.make(SITE / live.LABS)
        for path in (plane.MOVING, plane.STILL):
            (SITE / "docs").mkdir(exist_ok=True)
            shutil.copy(path, SITE / "docs")
        print(f"{SITE.relative_to(ROOT)}/index.html")
    return made.returncode


if __name__ == "__main__":
    sys.exit(main())
