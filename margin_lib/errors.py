"""The one error of margin_lib, and the checks of numbers that raise it."""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TypeVar

import numpy as np

from margin_lib.types import ArrayLike, Number

_T = TypeVar("_T")
Bound = float | None
LARGEST = 1e100  # Three such numbers, multiplied, are still finite.


class MarginError(ValueError):
    """A value that breaks a rule: says the name, the rule and the value got.

    Parameters
    ----------
    name, rule : str           of the value, what it breaks
    value : object             what was given

    >>> raise MarginError("leverage", "must be at least 1", 0.5)
    Traceback (most recent call last):
    margin_lib.errors.MarginError: leverage must be at least 1, got 0.5
    """

    def __init__(self, name: str, rule: str, value: object) -> None:
        super().__init__(f"{name} {rule}, got {value}")
        self.name, self.rule, self.value = name, rule, value

    def __reduce__(self) -> tuple:  # It must travel between processes.
        return MarginError, (self.name, self.rule, self.value)


def number(
    name: str, value: ArrayLike, *, above: Bound = None, at_least: Bound = None, below: Bound = None
) -> Number:
    """`value` as a float (or float64 array), once it is known to be finite and within bounds.

    Every number enters the library through here, so NaN and infinity never reach a comparison.
    Whole numbers and fractions stay what they are: with them the library computes exactly.

    Parameters
    ----------
    name : str                 of the value, for the message
    value : array_like         any shape [unit of its own]
    above, at_least, below : number or None    bounds, none if not given [unit of the value]

    Returns
    -------
    float, int, Fraction or ndarray    of the same shape [unit of the value]

    Raises
    ------
    MarginError                when any element is no number, not finite, above `LARGEST` in size,
                               or outside the bounds

    >>> number("price", 2, above=0)
    2
    >>> number("price", Fraction(1, 3), above=0)
    Fraction(1, 3)
    >>> number("price", float("nan"), above=0)
    Traceback (most recent call last):
    margin_lib.errors.MarginError: price must be finite, got nan
    """
    single = float(value) if type(value) is np.float64 else value
    if type(single) is float or type(single) is int or type(single) is Fraction:  # No bool.
        _within(name, value, single, single, above, at_least, below)
        return single
    try:
        array = np.asarray(value)
    except ValueError:  # A ragged list is none.
        raise MarginError(name, "must be a number", value) from None
    if array.dtype.kind not in "iuf":
        raise MarginError(name, "must be a number", value)
    with np.errstate(over="ignore"):  # A wider float may be too large for float64.
        array = array.astype(np.float64)
    if array.size:
        ends = float(array.min()), float(array.max())  # Both are NaN where any element is.
        _within(name, value, *ends, above, at_least, below)
    return as_scalar(array)


def _within(
    name: str,
    value: ArrayLike,
    lowest: float | Fraction,
    highest: float | Fraction,
    above: Bound,
    at_least: Bound,
    below: Bound,
) -> None:
    if not -LARGEST <= lowest <= highest <= LARGEST:
        finite = -math.inf < lowest <= highest < math.inf
        rule = f"must be at most {LARGEST:g} in size" if finite else "must be finite"
        raise MarginError(name, rule, value)
    if above is not None and not lowest > above:
        raise MarginError(name, f"must be above {above:g}", value)
    if at_least is not None and not lowest >= at_least:
        raise MarginError(name, f"must be at least {at_least:g}", value)
    if below is not None and not highest < below:
        raise MarginError(name, f"must be below {below:g}", value)


def one_number(name: str, value: ArrayLike, **bounds: float) -> float:
    """`number` for a value that must not be an array.

    Parameters
    ----------
    name : str                 of the value, for the message
    value : number             [unit of its own]
    bounds : number            above, at_least and below, as for `number` [unit of the value]

    Returns
    -------
    float, int or Fraction     [unit of the value]

    Raises
    ------
    MarginError                an array, or what `number` refuses

    >>> one_number("leverage", [1, 2], at_least=1)
    Traceback (most recent call last):
    margin_lib.errors.MarginError: leverage must be a single number, got [1, 2]
    """
    result = as_scalar(number(name, value, **bounds))
    if isinstance(result, np.ndarray):
        raise MarginError(name, "must be a single number", value)
    return result


def of_type(name: str, value: _T, kind: type | tuple[type, ...]) -> _T:
    """`value` itself, once it is known to be of a type, or of one of several.

    Parameters
    ----------
    name : str                 of the value, for the message
    value : object
    kind : type or tuple of type       what it may be

    Returns
    -------
    object                     the value

    Raises
    ------
    MarginError                a value of another type

    >>> of_type("prices", [2, 3], dict)
    Traceback (most recent call last):
    margin_lib.errors.MarginError: prices must be of type dict, got [2, 3]
    """
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        words = " or ".join(each.__name__ for each in kinds)
        raise MarginError(name, f"must be of type {words}", value)
    return value


def each_of_type(name: str, values: Iterable, kind: type) -> tuple:
    """Several values, once each of them is known to be of a type.

    Parameters
    ----------
    name : str                 of them together, for the message
    values : iterable
    kind : type                what each must be

    Returns
    -------
    tuple                      the values

    Raises
    ------
    MarginError                what cannot be gone through, or holds a value of another type

    >>> each_of_type("legs", [1, "2"], int)
    Traceback (most recent call last):
    margin_lib.errors.MarginError: legs must be of type int, got 2
    """
    return tuple(of_type(name, value, kind) for value in of_type(name, values, Iterable))


def count(name: str, value: ArrayLike) -> int:
    """`value` as an int, once it is known to be a whole number of at least 1.

    Parameters
    ----------
    name : str                 of the value, for the message
    value : number             at least 1 [1]

    Returns
    -------
    int                        [1]

    Raises
    ------
    MarginError                not whole, or what `one_number` refuses

    >>> count("steps", 2.5)
    Traceback (most recent call last):
    margin_lib.errors.MarginError: steps must be a whole number, got 2.5
    """
    value = one_number(name, value, at_least=1)
    if value != int(value):
        raise MarginError(name, "must be a whole number", value)
    return int(value)


def keep_number(record: object, attribute: str, name: str, **bounds: float) -> None:
    """Turn an attribute of a frozen record into the float that `one_number` makes of it.

    Narrow numbers would lose digits or overflow later, and a 0-d array could still be changed.

    Parameters
    ----------
    record : object            a frozen dataclass
    attribute : str            which of its attributes
    name : str                 what a message calls it
    bounds : number            above, at_least and below, as for `number` [unit of the value]

    Returns nothing. Errors as for `one_number`.

    >>> from types import SimpleNamespace
    >>> record = SimpleNamespace(balance=5)
    >>> keep_number(record, "balance", "balance")
    >>> record.balance
    5.0
    """
    value = one_number(name, getattr(record, attribute), **bounds)
    object.__setattr__(record, attribute, value)


def as_scalar(value: Number) -> Number:
    """A float for a single number, a fraction if it is one, the array itself for many.

    Parameters
    ----------
    value : array_like         any shape [unit of its own]

    Returns
    -------
    float, Fraction or ndarray     [unit of the value]

    >>> as_scalar(np.array(1.5)), as_scalar(np.array(Fraction(1, 3))), as_scalar(2)
    (1.5, Fraction(1, 3), 2.0)
    """
    if isinstance(value, (int, float)):  # NumPy's float64, too
        return float(value)
    if np.ndim(value):
        return value
    value = np.asarray(value).item()
    return value if isinstance(value, Fraction) else float(value)
