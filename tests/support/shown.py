"""What a widget shows."""

import ipywidgets as widgets


def html_of(widget):
    """All HTML that a widget shows, in its own parts too: a list."""
    found = [widget.value] if isinstance(widget, widgets.HTML) else []
    for child in getattr(widget, "children", ()):
        found += html_of(child)
    return found
