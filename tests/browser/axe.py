"""What axe finds on a page against WCAG 2.2 AA, and of two rules more."""

from axe_playwright_python.sync_playwright import Axe

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# A name that holds the words in sight is asked for by WCAG, but axe tries this rule still; a header
# of a table without words is its own advice.
MORE = ["label-content-name-mismatch", "empty-table-header"]
OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {rule: {"enabled": True} for rule in MORE},
    "resultTypes": ["violations"],
}


def violations(page, *within):
    """(rule, its first places) of each violation, on all of a page or within these selectors."""
    where = {"include": [[each] for each in within]} if within else None
    found = Axe().run(page, context=where, options=OPTIONS).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"][:5]]) for each in found]
