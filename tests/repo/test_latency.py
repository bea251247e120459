"""The measurement of the labs runs, and says what takes too long."""

import json

from benchmarks import latency


def test_kernel_and_memory_are_measured_at_a_small_size():
    kind = next(iter(latency.STARTS))
    median, worst = latency.kernel(kind, 0.05)
    assert 0 < median <= worst
    figures, _ = latency.left(kind, 0.02)
    assert figures == 0


def test_what_is_too_much_is_marked_and_counted(capsys):
    class FirstLab:
        pass

    class SecondLab:
        pass

    bounds = {"median [ms]": 25.0, "p95 [ms]": None}
    rows = [(FirstLab, 24.0, 90.0), (SecondLab, 26.0, 90.0)]
    assert latency.table("A table", bounds, rows) == 1
    *_, first, second = capsys.readouterr().out.splitlines()
    assert "!" not in first and second.count("!") == 1


def test_the_notebook_holds_a_cell_for_each_lab_and_one_for_interact():
    cells = json.loads(latency.notebook(list(latency.STARTS)))["cells"]
    assert len(cells) == 1 + 2 * len(latency.STARTS)
    for cell in cells:
        source = cell["source"].replace("%matplotlib inline", "")
        compile(source, cell["id"], "exec")


def test_without_chromium_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(latency.browser, "missing", lambda: ["No Chromium."])
    monkeypatch.setattr(latency, "table", lambda *arguments: 0)
    assert latency.main() == 1
    assert "No Chromium." in capsys.readouterr().out
