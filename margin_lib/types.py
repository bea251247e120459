"""Names for what goes into the mathematics and what comes out, in the hints of all modules.

`X | Any` in a hint is an X for whoever looks at it, and may be what its docstring says beside that.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

# One number, or many in an array or a list; several of them broadcast, as in numpy.
ArrayLike = float | Fraction | np.ndarray | Sequence[float] | Sequence[Sequence[float]]
# What comes out: a float, an array where one went in, a fraction among fractions. Which of them,
# the caller knows and a hint cannot say; numpy's own functions have Any in this place, too.
Number = Any
Truth = Any  # True or False; an array of them where an array went in
Marks = Mapping[str, ArrayLike]  # market -> mark price
Row = tuple[float, float, float, float | None]  # of a maintenance table, as `contracts.Tier`
