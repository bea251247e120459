"""Print every package that pyproject.toml names, without its upper bound.

    python -m tools.newest > build/newest.txt

uv takes these lines in place of the bounds (UV_OVERRIDE): see make newest.
"""

import tomllib

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools import repo


def unbounded(line):
    """A requirement with nothing that keeps a newer version out."""
    needed = Requirement(line)
    lower = [bound for bound in needed.specifier if bound.operator in (">=", ">", "!=")]
    needed.specifier = SpecifierSet(",".join(map(str, lower)))
    return str(needed)


def main():
    project = tomllib.loads(repo.read("pyproject.toml"))["project"]
    extra = project["optional-dependencies"]["test"]
    print("\n".join(map(unbounded, [*project["dependencies"], *extra])))


if __name__ == "__main__":
    main()
