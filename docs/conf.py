"""How the site looks; tools/publish/site.py gathers what stands in it."""

import hashlib
import json
import re
import struct
import textwrap
from base64 import b64decode, b64encode
from html import escape, unescape
from pathlib import Path

from docutils import nodes

from tools.notebooks import run as notebooks
from tools.publish import badges, feed, live, plane, site

project = badges.title()
root_doc = "README"
html_domain_indices = html_use_index = False
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["**/LICENSE*"]
templates_path = ["."]
html_static_path = ["style.css", str(live.FOLDER)]
html_css_files = [*live.SHEETS, "style.css"]
html_js_files = [("course.js", {"defer": "defer"})]

# The outputs are those that are stored.
nb_execution_mode = "off"
nb_render_markdown_format = "gfm"
myst_heading_anchors = 4
myst_heading_slug_func = "tools.publish.site.slug"

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints = "none"

html_theme = "pydata_sphinx_theme"
html_title = project
html_copy_source = True
html_show_sourcelink = False
html_sourcelink_suffix = ""
alone = "CONTRIBUTING", "CHANGELOG", "CODE_OF_CONDUCT", "SECURITY"
html_sidebars = {name: [] for name in alone}  # nothing below them
html_context = {"default_mode": "auto"}
html_theme_options = {
    "article_header_end": ["run.html"],
    "navbar_persistent": ["find.html"],
    "footer_start": ["license.html"],
    "footer_end": [],
    "icon_links": [
        {
            "name": "GitHub",
            "url": f"https://github.com/{badges.repository()}",
            "icon": "fa-brands fa-github",
        }
    ],
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}


def skip(app, what, name, thing, skipped, options):
    """Nothing that a class has from another package."""
    ours = ("margin_lib", "margin_course")
    theirs = not getattr(thing, "__module__", "margin_lib").startswith(ours)
    field = (getattr(thing, "__doc__", None) or "").startswith("Alias for field number")
    return True if theirs or field else None


def docstring(app, what, name, thing, options, lines):
    lines[:] = site.restructured(lines)


def links_in_outputs(app, doctree):
    """A link that a cell shows stays as it is written: lead it to the page."""
    for link in doctree.findall(nodes.reference):
        written = re.fullmatch(r"(?![a-z]+:)([^#]+)\.(?:ipynb|md)(#.*)?", link.get("refuri", ""))
        if written:
            link["refuri"] = f"{written[1]}.html{written[2] or ''}"


def live_places(app, doctree):
    """Where labs, predictions and quizzes stand in a notebook of the course."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.parent == site.SOURCES / "notebooks" and path.suffix == ".ipynb":
        raw = [node for node in doctree.findall(nodes.raw) if node.get("format") == "html"]
        shown = [node.astext() for node in raw]
        marked = live.marked(notebooks.read(path), shown, site.links(app.env.docname))
        for node, text in zip(raw, marked, strict=True):
            node.replace_self(nodes.raw("", text, format="html"))


# A number with its unit, or a day: no line ends in it.
WHOLE = re.compile(r"((?:± )?[−+]?\d[\d.,]* (?:%|[A-Z]{3,5}\b)|\b\d{4}-\d\d(?:-\d\d)?\b)")
CELLS = re.compile(r"(?<=>)[^<>]+(?=<)")
TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
KEPT = nodes.literal, nodes.literal_block, nodes.title, nodes.raw, nodes.comment


def whole_numbers(app, doctree):
    """Keep each number and its unit on one line, in sentences and in the tables of outputs."""
    for text in list(doctree.findall(nodes.Text)):
        parts = WHOLE.split(text)
        inside = isinstance(text.parent, nodes.TextElement)
        if len(parts) > 1 and inside and not isinstance(text.parent, KEPT):
            pieces = [
                nodes.inline("", part, classes=["whole"]) if number % 2 else nodes.Text(part)
                for number, part in enumerate(parts)
            ]
            text.parent.replace(text, pieces)
    for raw in list(doctree.findall(nodes.raw)):
        if raw.get("format") == "html" and "<td" in raw.astext():
            marked = TABLE.sub(lambda table: CELLS.sub(kept_whole, table[0]), raw.astext())
            raw.replace_self(nodes.raw("", marked, format="html"))


def kept_whole(words):
    return WHOLE.sub(r'<span class="whole">\1</span>', words[0])


def described(app, name, context, doctree):
    """What a search engine and a message that links to a page say of it."""
    found = doctree.findall(nodes.paragraph) if doctree else []
    found = [node.astext() for node in found if not any(node.findall(nodes.raw))]
    words = [" ".join(each.split()) for each in found if len(each) > 60] or [project]
    about = textwrap.shorten(words[0], 200, placeholder=" …")
    address = badges.links(badges.repository())["Site"]
    picture = f"{address}docs/{plane.STILL.name}"
    tags = {
        "og:title": context.get("title", project),
        "og:description": about,
        "og:type": "website",
    }
    tags |= {"og:site_name": project, "og:image": picture, "og:url": f"{address}{name}.html"}
    lines = [f'<meta name="description" content="{escape(about)}">']
    lines.append(
        f'<link rel="alternate" type="{feed.TYPE}" title="Changes" '
        f'href="{context["content_root"]}{feed.NAME}">'
    )
    for key, value in tags.items():
        lines.append(f'<meta property="{key}" content="{escape(striptags(value))}">')
    course = {"@context": "https://schema.org", "@type": "Course", "name": project}
    course |= {"url": address, "isAccessibleForFree": True}
    path = Path(app.env.doc2path(name)) if name in app.env.found_docs else None
    if name == root_doc:
        resource = course | {"description": about}
        resource["provider"] = {"@type": "Organization", "name": project, "url": address}
    elif path and path.parent == site.SOURCES / "notebooks" and path.suffix == ".ipynb":
        resource = site.described(path, f"{address}{name}.html", course) | {"description": about}
    else:
        resource = None
    if resource:
        told = json.dumps(resource, ensure_ascii=False).replace("<", "\\u003c")
        lines.append(f'<script type="application/ld+json">{told}</script>')
    context["metatags"] = "\n".join([context.get("metatags", ""), *lines])


def striptags(words):
    return re.sub(r"<[^>]+>", "", unescape(words))


def page(app, name, template, context, doctree):
    described(app, name, context, doctree)
    if name.startswith("notebooks/") and context.get("sourcename", "").endswith(".ipynb"):
        context["run"] = site.links(name)
        context["place"] = site.places().get(name)


# What a page may load and run: what stands beside it. Widths and colours stand in the tags.
POLICY = """default-src 'self'; script-src 'self'{}; style-src 'self' 'unsafe-inline';
img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'"""


CORNER = re.compile(r"<th( [^>]*)?>(?:\s|</?p>)*</th>")
VIEWPORT = re.compile(r'<meta [^>]*name="viewport"[^>]*>')


def protected(html, content=True):
    """A page with its policy: of the scripts in it, those of the theme run, by their hash.

    None in its content does, which comes from notebooks and files of data.
    """
    theme = re.sub(r"<article.*</article>", "", html, flags=re.DOTALL) if content else html
    scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", theme, re.DOTALL)
    hashes = [b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    policy = POLICY.format("".join(f" 'sha256-{each}'" for each in dict.fromkeys(hashes)))
    policy = " ".join(policy.split())
    tag = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return re.sub(r"<head>", rf"<head>\n    {tag}", html, count=1)


# What finds words while one types, which these pages leave to the page of the search.
FINDS = re.compile(r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js"></script>')
INSIDE = re.compile(r'src="data:image/png;base64,([^"]+)"')


def apart(html, folder):
    """A page whose pictures are files in *folder*, fetched when they come near to sight."""

    def file(found):
        png = b64decode(found[1])
        width, height = struct.unpack(">II", png[16:24])
        name = f"{hashlib.sha256(png).hexdigest()[:12]}.png"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(png)
        return f'src="{folder.name}/{name}" width="{width}" height="{height}" loading="lazy"'

    return INSIDE.sub(file, html)


# A table of so many columns does not fit a small screen.
WIDE = 3
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
CELL = re.compile(r"<(t[hd])\b([^>]*)>(.*?)</\1>", re.DOTALL)


def headed(html):
    """A page whose wide tables say in each cell how its column is headed.

    So style.css can show them as blocks, one for each row, where columns have no room.
    """

    def table(found):
        first = ROW.search(found[0])
        cells = CELL.findall(first[0]) if first else []
        heads = [" ".join(striptags(words.split("<br")[0]).split()) for *_, words in cells]
        if len(heads) < WIDE:
            return found[0]

        def row(line):
            names = iter(heads)

            def cell(part):
                tag, how, words = part.groups()
                head = escape(next(names, ""))
                how += f' data-head="{head}"' if tag == "td" and head else ""
                return f"<{tag}{how}>{words}</{tag}>"

            return CELL.sub(cell, line[0])

        start, end = first.span()
        marked = found[0][start:end].replace("<tr", "<tr data-heads", 1)
        return found[0][:start] + marked + ROW.sub(row, found[0][end:])

    return TABLE.sub(table, html)


def protect(app, error):
    for name in [] if error else [*app.env.found_docs, "search"]:
        path = Path(app.builder.get_outfilename(name))
        html = protected(path.read_text(encoding="utf-8"), content=name != "search")
        html = headed(apart(html, path.parent / "pictures"))
        html = html if name == "search" else FINDS.sub("", html)
        # The theme, Sphinx and docutils each say how wide a page is: once is enough.
        end = VIEWPORT.search(html).end()
        html = html[:end] + VIEWPORT.sub("", html[end:])
        # A corner of a table that says nothing is no header.
        html = CORNER.sub(r"<td\1></td>", html)
        # The fold of a cell says what it is in its words; the theme's name for it hides them.
        html = html.replace(' aria-label="Toggle hidden content"', "")
        path.write_text(html, encoding="utf-8", newline="\n")


def setup(app):
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-docstring", docstring)
    app.connect("doctree-read", links_in_outputs)
    app.connect("doctree-read", live_places)
    app.connect("doctree-read", whole_numbers)
    app.connect("html-page-context", page)
    app.connect("build-finished", protect)
