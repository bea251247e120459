"""Set up what a command of the Makefile needs: a Python of its own, with packages.

    python -m tools.setup .venv                  what readers need
    python -m tools.setup .venv test browser     these parts of pyproject.toml, too

A part is an extra of pyproject.toml or one of its dependency groups. What is there already is left
as it is, so that a second call takes no time and no network. While packages are on their way, a
file `begun` stands in the folder. A set-up that did not end has left it there, and is thrown away.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = "Scripts" if os.name == "nt" else "bin"


def state_of(folder):
    """What the folder was set up with; nothing, if a set-up did not end."""
    done = folder / "done.json"
    if (folder / "begun").exists() or not done.exists():
        return {}
    return json.loads(done.read_text(encoding="utf-8"))


def wanted(folder, parts):
    """What the folder is to be set up with: these parts, and what it has already."""
    # A change of pyproject.toml is installed; a folder that was moved is made anew.
    had = state_of(folder).get("parts", [])
    text = (ROOT / "pyproject.toml").read_bytes()
    known = {"folder": str(folder), "pyproject": hashlib.sha256(text).hexdigest()}
    return dict(known, parts=sorted(set(had) | set(parts)))


def make(folder, parts):
    """Bring the folder to where it has these parts, from wherever it was left."""
    begun, python = folder / "begun", folder / BIN / "python"
    new = wanted(folder, parts)
    if begun.exists():
        say(f"The last set-up of {folder.name} did not end: it is thrown away.")
    fresh = state_of(folder).get("folder") != str(folder)
    if fresh:
        supported()
        shutil.rmtree(str(folder), ignore_errors=True)
        folder.mkdir(parents=True)
    begun.touch()
    if fresh:
        say(f"Setting up {folder.name}: once, a minute or two, about 500 MB.")
        say("1 of 3: a Python of its own")
        run(sys.executable, "-m", "venv", folder)
        say("2 of 3: uv, which fetches packages")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
    say("3 of 3: packages of " + ", ".join(["the course"] + new["parts"]))
    run(python, "-m", "uv", "pip", "install", "--python", python, *asked(new["parts"]))
    (folder / "done.json").write_text(json.dumps(new), encoding="utf-8")
    begun.unlink()


def asked(parts):
    """What uv is asked to install."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # A group is for what must not have the course beside it.
    if set(parts) & set(project.get("dependency-groups", {})):
        return [word for part in parts for word in ("--group", part)]
    return ["--editable", f".[{','.join(parts)}]" if parts else "."]


def supported():
    """Refuse a Python that is too old, in one sentence."""
    if sys.version_info < (3, 11):  # noqa: UP036
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"This course needs Python 3.11 or newer; {sys.executable} is {version}. "
            "Name another one, for example: make lab PYTHON=python3.12"
        )


def say(words):
    print(words, flush=True)


def run(*command):
    """Run a command in the top folder, and let it speak."""
    subprocess.run([str(word) for word in command], cwd=str(ROOT), check=True)


def with_home(environment=os.environ, spare=ROOT / ".venv"):
    """Where the home folder cannot be written, what programs keep there goes elsewhere."""
    try:
        tempfile.TemporaryFile(dir=os.path.expanduser("~")).close()
    except OSError:
        environment["HOME"] = f"{spare}-home"
        environment.pop("XDG_CACHE_HOME", None)
        os.makedirs(environment["HOME"], exist_ok=True)


def main(folder, *parts):
    folder = Path(os.path.abspath(folder))
    if state_of(folder) == wanted(folder, parts):
        return
    with_home()
    # One set-up of a folder at a time, and another waits for it, as long as it takes. The system
    # frees this lock however a process ends.
    lock = sqlite3.connect(f"{folder}.lock", timeout=1e6)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        if state_of(folder) != wanted(folder, parts):
            make(folder, parts)
    except subprocess.CalledProcessError:
        sys.exit("The set-up did not end: see above. The next call begins afresh.")
    except KeyboardInterrupt:
        sys.exit("Interrupted. The next call begins afresh.")
    finally:
        lock.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
