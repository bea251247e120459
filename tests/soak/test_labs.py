"""A hundred thousand moves of the labs, bad values among them: nothing breaks, nothing grows.

MOVES=2000 for fewer, of all labs together.
"""

import ctypes
import gc
import os

import numpy as np
import psutil
import pytest

from margin_course.scenarios import load
from margin_lib import MarginError
from tests.support import widgets
from tests.support.lessons import NO_NUMBER, NO_OPTION, NO_SIZE, STARTS
from tests.support.strategies import SCENARIOS

MOVES = int(os.environ.get("MOVES", "100000"))
WARM = 0.1  # of the moves: what is only built once
GROWTH = 5  # MB
EACH = 200  # moves from one look at the whole lab to the next


def move(lab, random):
    """Move one control; one move in ten is to a bad value, which is refused."""
    name = str(random.choice(list(lab.controls)))
    control = lab.controls[name]
    is_number = hasattr(control, "step")
    if random.random() < 0.1:
        bad = [*NO_NUMBER, *NO_SIZE] if is_number else NO_OPTION
        where = lab.values()
        with pytest.raises(MarginError, match=f"^{name} must be "):
            lab.set(**{name: bad[random.integers(len(bad))]})
        assert lab.values() == where
    elif is_number:
        wide = control.max - control.min
        lab.set(**{name: float(random.uniform(control.min - 0.2 * wide, control.max + 0.2 * wide))})
        assert control.min <= lab.values()[name] <= control.max
    else:
        lab.set(**{name: control.options[random.integers(len(control.options))]})


def seen(lab):
    return lab.summary(), lab.alt(), lab._screen.picture


def held():
    """Megabytes in use. What is free, and only kept for later, is given back first: with glibc."""
    gc.collect()
    if os.name == "posix" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    return psutil.Process().memory_info().rss / 1e6


@pytest.mark.parametrize("kind", STARTS, ids=lambda kind: kind.__name__)
def test_many_moves_leave_a_lab_as_a_new_one_would_be(kind):
    random, scenario = np.random.default_rng(len(kind.__name__)), load(SCENARIOS)[STARTS[kind]]
    lab, count = kind(scenario), max(MOVES // len(STARTS), EACH)
    memory = 0
    for number in range(count):
        move(lab, random)
        if number == int(WARM * count):
            memory = held()
        if number % EACH == EACH - 1:
            with widgets.closed():
                summary, *looks = seen(lab)
                anew, *others = seen(lab.at(**lab.values()))
                assert summary == anew
                # Where the exchange refuses, a picture keeps the last state of its own lab.
                assert looks == others or "refuses" in summary
    assert held() - memory <= GROWTH
