"""Time and memory of a call. A ratio within one run means the same on every machine."""

import time
import timeit
import tracemalloc


def seconds(function, times=5):
    """Processor time of a call, the shortest of several: what else runs counts little."""
    return min(timeit.repeat(function, timer=time.process_time, number=1, repeat=times))


def peak(function):
    """Most memory that a function holds at one time, its result included [byte]."""
    tracemalloc.start()
    function()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most
