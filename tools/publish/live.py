"""What moves on the pages without a kernel: the script, its style sheet, and where labs stand.

The modules that draw labs and fields in a notebook serve the pages, too. A page that is opened from
the disk may load no modules, so they go into one plain script, each in a function of its own.
"""

import html
import re
from pathlib import Path

from margin_course import screen
from tools import repo
from tools.publish import labs
from tools.repo import ROOT

COURSE = ROOT / "margin_course"
DOCS = ROOT / "docs"
MODULES = [screen.SCRIPT, DOCS / "labs.js", DOCS / "course.js"]  # each after those that it needs
FOLDER = ROOT / "build" / "live"  # Sphinx copies it
LABS = "labs"  # the folder of the site
IMPORT = re.compile(r'^import (\{.+?\}) from "\./(\w+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:class|function) (\w+)", re.MULTILINE)


def bundled(modules=MODULES):
    """Modules as one script, for a browser that may load none."""
    parts = ['"use strict";', "(() => {"]
    for path in modules:
        text = repo.read(path)
        names = ", ".join(EXPORT.findall(text))
        text = IMPORT.sub(r"const \1 = \2;", text).replace("export default ", "const jupyter = ")
        text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
        parts.append(f"const {path.stem} = (() => {{\n{text}\nreturn {{ {names} }};\n}})();")
    return "\n".join([*parts, "})();", ""])


def write(folder=FOLDER):
    """Write the script and the style sheet of labs."""
    folder.mkdir(parents=True, exist_ok=True)
    repo.write(folder / "course.js", bundled())
    repo.write(folder / "labs.css", screen.looks())


def lab(shown, name, links, up="../"):
    """HTML of a stored lab, in a place where the script finds it, with the way to all of it."""
    site = html.escape(f"{up}{LABS}")
    ways = f'<a href="{html.escape(up + links["lite"])}">in your browser</a> or '
    ways += f'<a href="{html.escape(links["binder"])}">on Binder</a>'
    return (
        f'<div class="mc-lab" data-lab="{name}" data-site="{site}">{shown}'
        f'<p class="mc-every">Every control, and values between: run this notebook {ways}.</p></div>'
    )


def numbered(shown, stem):
    """(place, name) of the HTML outputs of a notebook that are labs."""
    places = [n for n, words in enumerate(shown) if labs.LEGEND in words]
    return [(place, f"{stem}-{number}") for number, place in enumerate(places, start=1)]
