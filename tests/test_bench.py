"""The benchmark runs, and says when something costs more than it may."""

from tools import bench


def test_more_than_is_allowed_is_told(monkeypatch, capsys):
    monkeypatch.setattr(bench, "MEMORY", 0)
    assert bench.main("1000") == 1
    assert "1,000 liquidation prices through 12 tiers" in capsys.readouterr().out
