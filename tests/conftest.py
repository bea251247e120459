"""One profile for all property tests: the same examples every time, however slow the machine."""

from hypothesis import settings

settings.register_profile("course", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("course")
