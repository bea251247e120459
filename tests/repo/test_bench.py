"""The benchmark runs, and says when something costs more than it may."""

from benchmarks import library as bench


def test_more_than_is_allowed_is_told(monkeypatch, capsys):
    monkeypatch.setattr(bench, "tiers", lambda share: [("cheap", 1.0, 2.0), ("dear", 3.0, 2.0)])
    monkeypatch.setattr(bench, "growth", lambda share: [])
    monkeypatch.setattr(bench, "against_drawing", lambda share: [])
    assert bench.main() == 1
    cheap, dear = capsys.readouterr().out.splitlines()
    assert "TOO MUCH" not in cheap and "TOO MUCH" in dear


def test_each_measure_runs_at_a_small_size():
    for measure in (bench.tiers, bench.against_drawing, bench.growth):
        rows = list(measure(0.001))
        assert rows and all(ratio > 0 and most >= 1 for _, ratio, most in rows)
