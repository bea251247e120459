"""Ask every address that the course names whether it is still there.

    python -m tools.publish.links

The pages of the site are read, and the sources that stand in margin_lib/venues.toml. Sphinx asks
each address. Prints what is dead and where it is named. An address that lets no robot in (403 and
the like) is told, but is not called dead. Where no address answers, it is the network that is not
there, and that is said. Links from page to page are not asked for: make test and test-site do that.
"""

import json
import re
import subprocess
import sys

from tools import repo
from tools.publish import site
from tools.repo import ROOT

SOURCES, FOUND = ROOT / "build" / "links-pages", ROOT / "build" / "links"
REFUSED = re.compile(r"(403|405|406|429|451) |unauthorized|service unavailable")


def page(paths):
    """A page (Markdown) with every address in these files."""
    lines = ["---", "orphan: true", "---", "# Sources", ""]
    for path in paths:
        addresses = re.findall(r"https?://[^\s\"')\]>,;]+", repo.read(path))
        lines += [f"- {path.name}: <{address}>" for address in sorted(set(addresses))]
    return "\n".join([*lines, ""])


def ask(sources, found):
    """What Sphinx's linkcheck says of each address: {uri, status, info, filename, lineno}."""
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-b", "linkcheck"]
    # Anchors are often made by a page's own script, which nobody runs here.
    settings = ["linkcheck_anchors=0", "linkcheck_timeout=20", "linkcheck_retries=2"]
    settings += ["linkcheck_rate_limit_timeout=30"]
    command += [part for setting in settings for part in ("-D", setting)]
    command += ["-d", str(found / "doctrees"), "-c", str(ROOT / "docs"), str(sources), str(found)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if not (found / "output.json").exists():
        raise RuntimeError(f"Sphinx did not ask:\n{done.stdout}{done.stderr}")
    lines = repo.read(found / "output.json").splitlines()
    return [json.loads(line) for line in lines]


def verdict(answers):
    """Lines to print, and whether all is well."""
    asked = [one for one in answers if one["uri"].startswith("http")]
    there = [one for one in asked if one["status"] in ("working", "redirected")]
    if not there:
        return [f"No network: not one of {len(asked)} addresses answers."], False
    lines, dead = [], 0
    for one in sorted(asked, key=lambda one: (one["uri"], one["filename"])):
        if one in there:
            continue
        refused = REFUSED.match(one["info"])
        dead += not refused
        word = "lets no robot in" if refused else "DEAD"
        lines += [f"{word}: {one['uri']}", f"    {one['filename']}: {one['info']}"]
    return [*lines, f"{len(asked)} addresses asked, {dead} dead"], not dead


def main():
    site.gather(SOURCES)
    repo.write(SOURCES / "sources.md", page(sorted((ROOT / "margin_lib").glob("*.toml"))))
    lines, well = verdict(ask(SOURCES, FOUND))
    print("\n".join(lines))
    return int(not well)


if __name__ == "__main__":
    sys.exit(main())
