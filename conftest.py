"""What the examples in docstrings share: those of a module stand on the examples at its head."""

import doctest

import pytest


@pytest.fixture(autouse=True)
def names_of_the_module(request, doctest_namespace):
    """Run a module's own examples before those of its functions, which use their names."""
    test = getattr(request.node, "dtest", None)
    if test is not None and test.name != (module := test.globs["__name__"]):
        head = request.node.parent.obj.__doc__ or ""
        names = dict(test.globs)
        for example in doctest.DocTestParser().get_examples(head, module):
            exec(example.source, names)
        doctest_namespace.update(names)
