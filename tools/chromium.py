"""Where Chromium is: the browser that tests pages and prints handouts."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def path() -> str | None:
    """The path of Chromium, given as CHROMIUM or found under one of its names, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
