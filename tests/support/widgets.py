"""What is made of widgets while tests run, and goes when they have."""

import sys
from contextlib import contextmanager


@contextmanager
def closed():
    """Closes the widgets that were made: ipywidgets keeps them all, each lab with its picture."""
    kept = set(live())
    yield
    for name in set(live()) - kept:
        # Closing one may close another.
        if widget := live().get(name):
            widget.close()


def live():
    """Every widget that was not closed, by its id; none where no widget was ever made."""
    module = sys.modules.get("ipywidgets.widgets.widget")
    return module._instances if module else {}
