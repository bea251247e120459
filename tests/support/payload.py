"""A text that runs wherever it is taken for markup, and what it would leave in a page."""

from html.parser import HTMLParser

PAYLOAD = (
    "'\"><img src=x onerror=fired()></p></b></td><script>fired()</script>"
    "<svg onload=fired()>[a](javascript:fired()) ![b](x) <javascript:fired()> | c | `d` **e**\n"
    "# f\n\n<details ontoggle=fired() open>"
)


SHORT = "<img src=x onerror=fired()>"  # for a picture, which must have room for it


class Page(HTMLParser):
    """The elements of a page."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.feed(page)

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))


def active(page):
    """What in a page would run, or come from the payload: a list of elements."""
    found = []
    for name, attributes in Page(page).elements:
        runs = any(key.startswith("on") for key in attributes)
        leads = any(
            str(value).strip().lower().startswith("javascript:") for value in attributes.values()
        )
        if runs or leads or name in ("script", "svg") or attributes.get("src") == "x":
            found.append((name, attributes))
    return found


def poisoned(value):
    """A value of a data file with the payload in every string."""
    if isinstance(value, str):
        return PAYLOAD
    if isinstance(value, list):
        return [poisoned(each) for each in value]
    return {k: poisoned(v) for k, v in value.items()} if isinstance(value, dict) else value
