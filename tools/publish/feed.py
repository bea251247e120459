"""A feed of changes, for who wants to hear of them: the versions of CHANGELOG.md as Atom."""

import re
from xml.etree import ElementTree as Xml

from nbconvert.filters import markdown2html

from tools import repo
from tools.publish import badges

NAME, TYPE = "changes.xml", "application/atom+xml"
SPACE = "http://www.w3.org/2005/Atom"
# What is not released has no day yet.
VERSION = re.compile(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)\n(.*?)(?=^## |\Z)", re.M | re.DOTALL)


def feed() -> str:
    """The feed, newest version first."""
    address = badges.links(badges.repository())["Site"]
    versions = VERSION.findall(repo.read("CHANGELOG.md"))
    root = Xml.Element("feed", xmlns=SPACE)
    _fill(root, badges.title(), address, f"{address}{NAME}", versions[0][1])
    Xml.SubElement(root, "link", rel="self", href=f"{address}{NAME}")
    Xml.SubElement(Xml.SubElement(root, "author"), "name").text = badges.title()
    for version, day, words in versions:
        entry = Xml.SubElement(root, "entry")
        _fill(entry, version, f"{address}CHANGELOG.html", f"{address}CHANGELOG.html#{version}", day)
        Xml.SubElement(entry, "content", type="html").text = markdown2html(words)
    Xml.indent(root)
    return Xml.tostring(root, "unicode", xml_declaration=True) + "\n"


def _fill(parent: Xml.Element, title: str, link: str, name: str, day: str) -> None:
    for tag, text in {"title": title, "id": name, "updated": f"{day}T00:00:00Z"}.items():
        Xml.SubElement(parent, tag).text = text
    Xml.SubElement(parent, "link", href=link)
