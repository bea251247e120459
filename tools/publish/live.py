"""What moves on the pages without a kernel: the script, its style sheets, and where it begins.

The modules that draw labs and fields in a notebook serve the pages, too. A page that is opened from
the disk may load no modules, so they go into one plain script, each in a function of its own.
"""

import html
import json
import re
import tomllib

from margin_course import prediction, screen
from margin_course.quiz import Quiz, practice, quiz
from margin_course.text import NEVER
from tools import repo
from tools.publish import labs
from tools.repo import ROOT

DOCS = ROOT / "docs"
# Each after those that it needs.
MODULES = [screen.HERE / f"{name}.js" for name in ("part", "screen", "field")]
MODULES += [DOCS / f"{name}.js" for name in ("labs", "answers")]
FOLDER = ROOT / "build" / "live"  # Sphinx copies it
LABS = "labs"  # the folder of the site
SHEETS = ["screen.css", "field.css"]
IMPORT = re.compile(r'^import (\{.+?\}) from "\./(\w+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:class|function) (\w+)", re.MULTILINE)

# What the script knows from the course, so that both say the same.
KNOWN = {
    "tones": {tone: sign for tone, (sign, _) in prediction.TONES.items()},
    "predict": prediction.PREDICT,
    "showMe": prediction.SHOW_ME,
    "examples": prediction.EXAMPLES,
    "quotes": prediction.QUOTES,
    "share": prediction.SHARE,
    "never": NEVER,
}


def bundled(*last):
    """The modules as one script, for a browser that may load none; the last ones begin."""
    known = json.dumps(KNOWN, ensure_ascii=False)
    parts = ['"use strict";', "(() => {", f"const known_js = {{ known: {known} }};"]
    for path in [*MODULES, *last]:
        text = repo.read(path)
        names = ", ".join(EXPORT.findall(text))
        text = IMPORT.sub(r"const \1 = \2_js;", text).replace("export default ", "const jupyter = ")
        text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
        parts.append(f"const {path.stem}_js = (() => {{\n{text}\nreturn {{ {names} }};\n}})();")
    return "\n".join([*parts, "})();", ""])


def write(folder=FOLDER):
    """Write the script, and the style sheets that are a notebook's, too."""
    folder.mkdir(parents=True, exist_ok=True)
    repo.write(folder / "course.js", bundled(DOCS / "course.js"))
    for name in SHEETS:
        repo.write(folder / name, screen.looks(name.removesuffix(".css")))


# Where it begins


def marked(notebook, outputs, links):
    """The HTML outputs of a notebook's page, with marks by which the script finds its places.

    Parameters
    ----------
    notebook : NotebookNode
    outputs : list of str      the HTML that its cells show, in their order
    links : dict               where the notebook runs, "lite" and "binder", from the site's root
    """
    programs = iter(labs.programs(notebook))
    quizzes, tally = _quizzes(), _html(prediction.Tally())
    lite, binder = html.escape(f"../{links['lite']}"), html.escape(links["binder"])
    ways = f'<a href="{lite}">in your browser</a> or <a href="{binder}">on Binder</a>'
    for shown in outputs:
        plain = shown.strip()
        if labs.LEGEND in shown:
            place = f'data-lab="{labs.key(next(programs))}" data-site="../{LABS}"'
            every = f'<p class="mc-every">Every control, and values between: run this {ways}.</p>'
            yield f'<div class="mc-lab" {place}>{shown}{every}</div>'
        elif plain in quizzes:
            yield f'<div data-quiz="{_attribute(quizzes[plain])}">{plain}</div>'
        elif plain == tally:
            yield f"<div data-tally>{plain}</div>"
        elif plain.startswith('<div class="exercise"'):
            words = (
                f'<p class="mc-every">A field that checks your number: run this {ways}.</p></div>'
            )
            yield words.join(plain.rsplit("</div>", 1))
        else:
            yield shown


def _html(widget):
    """What a widget of the course shows where no kernel runs."""
    return widget._repr_mimebundle_()["text/html"]


def _quizzes():
    """The questions of each quiz, by what it shows where no kernel runs."""
    path = ROOT / "notebooks/quiz.toml"
    names = list(tomllib.loads(repo.read(path)))
    earlier = [practice(name, path).usual for name in names[1:]]
    asked = [*map(Quiz, earlier), *(quiz(name, path) for name in names)]
    return {_html(each): each.data for each in asked}


def _attribute(data):
    return html.escape(json.dumps(data, ensure_ascii=False))
