"""What the benchmarks share: bounds, and a table of what was measured.

    make bench                                                       all of them
    .venv/bin/python -m pytest benchmarks/test_library.py            some of them

With `--share 0.1` a tenth of the size is measured, for a quick look: nothing is held to its bound.
"""

import math

import pytest

# Runs where freqtrade is, and nothing of this project.
collect_ignore = ["peers/freqtrade_prices.py"]


def pytest_addoption(parser):
    parser.addoption("--share", type=float, default=1.0, help="how much of a benchmark's full size")
    parser.addoption("--write", action="store_true", help="the kernels' table to classroom.md")


@pytest.fixture(scope="session")
def share(pytestconfig):
    """How much of the full size is measured."""
    return pytestconfig.getoption("--share")


@pytest.fixture
def within(record_property, share):
    """Call it with {what: (measured value, what it may be at most)}, math.inf for no bound."""

    def check(measured):
        for what, bounded in measured.items():
            record_property(what, bounded)
        over = {what: value for what, (value, most) in measured.items() if not value <= most}
        assert not over or share < 1, f"more than it may be: {over}"

    return check


def pytest_terminal_summary(terminalreporter):
    """A table for each test: a row for each of its cases, bounds beside what they bind."""
    tables = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if report.when == "call" and report.user_properties:
            test, _, case = report.location[2].partition("[")
            tables.setdefault(test, {})[case.rstrip("]")] = dict(report.user_properties)
    if terminalreporter.config.getoption("--write"):
        from benchmarks import classroom

        classroom.write(tables)
    for test, cases in tables.items():
        heads, rows = [test], [[case] for case in cases]
        for what in next(iter(cases.values())):
            values, bounds = zip(*(measured[what] for measured in cases.values()), strict=True)
            columns = {what: values}
            if min(bounds) < math.inf:
                columns["at most"] = bounds
            for head, column in columns.items():
                heads.append(head)
                for row, value in zip(rows, column, strict=True):
                    row.append(f"{value:.3g}" if value < math.inf else "")
        terminalreporter.write_line("")
        for row in (heads, [":--", *["--:"] * (len(heads) - 1)], *rows):
            terminalreporter.write_line(f"| {' | '.join(row)} |")
