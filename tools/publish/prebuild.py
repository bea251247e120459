"""Let mybinder.org build the course, so that the first reader after a change need not wait.

    python -m tools.publish.prebuild [OWNER/NAME]

The repository is that of the Binder link in README.md, if none is named. Says each phase as it
begins, and stops listening when the image is there: no server is needed.
"""

import json
import sys
import urllib.request

from tools.publish import badges

SERVICE = "https://mybinder.org"
BUILT = "built", "launching", "ready"
QUIET = 300  # seconds without a word; Binder sends one every half minute


def phases(lines):
    """The phases that an event stream of BinderHub tells: (phase, message)."""
    for line in lines:
        kind, _, data = line.decode("utf-8").partition(":")
        if kind == "data":
            event = json.loads(data)
            if phase := event.get("phase"):
                yield phase, event.get("message", "").strip()


def build(repo):
    """Print each phase once; whether Binder has built the course."""
    before = None
    with urllib.request.urlopen(f"{SERVICE}/build/gh/{repo}/HEAD", timeout=QUIET) as stream:
        for phase, message in phases(stream):
            if phase != before or phase == "failed":
                print(f"{phase}: {message}", flush=True)
            if phase in (*BUILT, "failed"):
                return phase in BUILT
            before = phase
    return False


def main(repo=None):
    repo = repo or badges.repository()
    try:
        built = build(repo)
    except OSError as error:
        print(f"mybinder.org does not answer: {error}")
        built = False
    print(f"{repo}: {'built' if built else 'NOT built'}")
    return int(not built)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
