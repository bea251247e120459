"""All labs and pictures of the course, found where they stand, and values that no lab takes."""

import math
from fractions import Fraction
from importlib import import_module
from pkgutil import iter_modules

import numpy as np

from margin_course import lessons, modes
from margin_course.lab import Lab
from margin_course.picture import Picture


def found(base):
    """Name -> class of every kind of `base` that a lesson makes, and that lessons share."""
    modules = [
        import_module(f"{lessons.__name__}.{m.name}") for m in iter_modules(lessons.__path__)
    ]
    made = [thing for module in [modes, *modules] for thing in vars(module).values()]
    kinds = [thing for thing in made if isinstance(thing, type) and issubclass(thing, base)]
    return {kind.__name__: kind for kind in kinds if kind is not base}


LABS = {name: lab for name, lab in found(Lab).items() if lab.picture}
PICTURES = found(Picture)
STARTS = {lab: lab.starts_in for lab in LABS.values()}  # lab -> the name of its scenario

NO_NUMBER = ["5", "", None, [], [5], (5, 0), {}, True, 1j, b"5", np.array([1, 2]), object()]
NO_SIZE = [math.nan, math.inf, -math.inf, 10**400, -(10**400), np.float32("nan"), Fraction(10**400)]
NO_OPTION = ["nowhere", "", None, 0, math.nan, [], ["long"], {}, np.array(["long"]), object()]
