"""Write one page to hand out for each lesson: picture, three points, two questions.

    python -m tools.handout.sheets

The picture is that of the first lab in the notebook, as it is stored; the points are its key
points; the questions are the first two of its quiz. Writes pages to build/handouts, and a PDF of
each where there is a Chromium.
"""

import re
import shutil
import sys
from html import escape

from margin_course import files
from tools import chromium
from tools.notebooks import course, glossary
from tools.notebooks import run as notebooks
from tools.publish import badges
from tools.repo import ROOT, write

OUT = ROOT / "build" / "handouts"
TEN_MINUTES = 600_000  # milliseconds: then no browser will start
STILL = re.compile(r'(?s)<figure class="mc-still".*?(<img alt="[^"]*" src="data:[^"]*">)')
LOOK = """@page { size: A4; margin: 18mm }
body { font: 11pt/1.4 system-ui, sans-serif; max-width: 44em; margin: 2em auto }
h1 { font-size: 20pt; margin: 0 } h2 { font-size: 13pt; margin: 1.2em 0 .3em }
img { display: block; max-width: 100%; max-height: 78mm; margin: 1em auto }
ol, ul { margin: .3em 0; padding-left: 1.5em } li { margin: .25em 0 }
.options { list-style: none; padding-left: 1.5em } .options li::before { content: "☐ " }
footer { margin-top: 1.5em; font-size: 9.5pt }
@media print { body { margin: 0; max-width: none } }"""


def picture(notebook):
    """The stored picture of the first lab, with its alternative text, as HTML; "" without a lab."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            found = STILL.search(output.get("data", {}).get("text/html", ""))
            if found:
                return found[1]
    return ""


def points(notebook):
    """The key points of a notebook, as plain words."""
    texts = [cell.source for cell in notebook.cells if cell.source.startswith("## Key points")]
    return re.findall(r"(?m)^- (.+)$", glossary.plain("\n".join(texts)))


def listed(words, kind="ul", name=""):
    rows = "".join(f"<li>{escape(each)}</li>" for each in words)
    return f'<{kind} class="{name}">{rows}</{kind}>'


def sheet(path):
    """The page of one lesson."""
    number, title = course.title(path)
    notebook = notebooks.read(path)
    parts = [f"<h1>{number} · {escape(title)}</h1>", picture(notebook)]
    parts += ["<h2>What to keep</h2>", listed(points(notebook), "ol")]
    asked = files.toml(ROOT / "notebooks" / "quiz.toml").get(number, [])[:2]
    if asked:
        parts.append("<h2>Could you tell somebody?</h2>")
    for question in asked:
        parts.append(f"<p>{escape(question['ask'])}</p>")
        parts.append(listed([option["says"] for option in question["options"]], name="options"))
    site = badges.links(badges.repository())["Site"]
    parts.append(
        f"<footer>{escape(badges.title())} · the lab moves, and the questions answer, at "
        f"{escape(site)} · CC BY 4.0</footer>"
    )
    head = f'<meta charset="utf-8"><title>{number} · {escape(title)}</title><style>{LOOK}</style>'
    return (
        f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'
    )


def lessons():
    """The lessons that have something to keep."""
    return [path for path in course.course() if path.name != course.INDEX]


def print_all(pages):
    """A PDF beside each page; False where there is no Chromium."""
    if chromium.path() is None:
        return False
    from playwright.sync_api import sync_playwright  # not needed to write the pages

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.path(), timeout=TEN_MINUTES)
        tab = browser.new_page()
        for page in pages:
            tab.goto(page.as_uri())
            tab.pdf(path=page.with_suffix(".pdf"), prefer_css_page_size=True)
        browser.close()
    return True


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    pages = []
    for path in lessons():
        pages.append(OUT / f"{path.stem}.html")
        write(pages[-1], sheet(path))
    printed = print_all(pages)
    print(f"{len(pages)} handouts in {OUT.relative_to(ROOT)}")
    if not printed:
        print("No Chromium was found, so there are no PDFs: print the pages from any browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
