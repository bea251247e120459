"""What a class has learnt: counted on made-up classes whose gains are known."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from margin_course import concepts, gains
from margin_lib import MarginError
from tools.notebooks import gains as tool
from tools.repo import ROOT

DATA = concepts.inventory(ROOT / "notebooks" / concepts.FILE)
NAMES = list(DATA.questions)


def key(name, belief=""):
    """The key of the option that stands for a belief; of the right one without."""
    return next(k for k in "abc" if DATA.belief(name, k) == belief)


def wrong(name):
    return next(k for k in "abc" if DATA.belief(name, k))


def learner(before, after):
    """Somebody with so many right answers, the first ones."""
    return {
        form: {name: key(name) if at < count else wrong(name) for at, name in enumerate(NAMES)}
        for form, count in (("before", before), ("after", after))
    }


def value(found, row):
    return found.overall.loc[row, "class"]


def test_the_gain_of_a_class_is_that_of_its_means():
    found = gains.counted([learner(5, 10), learner(0, 9)], DATA)
    assert value(found, "learners") == 2
    assert value(found, "right before") == pytest.approx(5 / 30)
    assert value(found, "right after") == pytest.approx(19 / 30)
    assert value(found, "normalised gain of the class") == pytest.approx(14 / 25)
    assert value(found, "mean of the learners' gains") == pytest.approx((5 / 10 + 9 / 15) / 2)


def test_each_question_has_its_own_gain():
    found = gains.counted([learner(0, 15), learner(0, 3), learner(3, 3), learner(3, 2)], DATA)
    table = found.questions
    assert list(table.index) == NAMES
    first, third, last = table.iloc[0], table.iloc[2], table.iloc[-1]
    assert (first["before"], first["after"], first["gain"]) == (0.5, 1.0, 1.0)
    assert (third["before"], third["after"], third["gain"]) == (0.5, 0.75, 0.5)
    assert (last["before"], last["after"], last["gain"]) == (0.0, 0.25, 0.25)
    assert set(table["about"]) == set(DATA.beliefs)


def test_a_class_that_knew_it_has_no_gain_to_speak_of():
    found = gains.counted([learner(15, 15)], DATA)
    assert math.isnan(value(found, "normalised gain of the class"))
    assert found.questions["gain"].isna().all()


def test_a_loss_is_below_zero():
    found = gains.counted([learner(10, 5)], DATA)
    assert value(found, "normalised gain of the class") == pytest.approx(-1)


def test_a_belief_is_counted_where_it_could_show():
    """Of two learners, one holds a belief wherever it is asked for, and loses it."""
    (belief, asking) = next((b, a) for b in DATA.beliefs if len(a := DATA.asking(b)) > 1)
    holds = {name: key(name, belief) if name in asking else key(name) for name in NAMES}
    free = {name: key(name) for name in NAMES}
    class_ = [{"before": holds, "after": free}, {"before": free, "after": free}]
    row = gains.counted(class_, DATA).beliefs.loc[DATA.beliefs[belief].says]
    assert (row["before"], row["after"], row["went"]) == (0.5, 0.0, 1.0)
    others = gains.counted(class_, DATA).beliefs.drop(DATA.beliefs[belief].says)
    assert (others["before"] == 0).all() and others["went"].isna().all()


def test_who_does_not_know_is_not_right_and_believes_nothing():
    unsure = dict.fromkeys(NAMES, concepts.UNSURE)
    found = gains.counted([{"before": unsure, "after": learner(0, 15)["after"]}], DATA)
    assert value(found, "right before") == 0
    assert (found.beliefs["before"] == 0).all()


@pytest.mark.parametrize(("before", "gain"), [(0.3, 0.0), (0.3, 0.4), (0.5, 0.8), (0.2, 1.0)])
def test_a_drawn_class_has_the_gain_that_it_was_drawn_with(before, gain):
    rng = np.random.default_rng(1)
    chance = {"before": before, "after": before + gain * (1 - before)}
    class_ = [
        {
            form: {n: key(n) if rng.random() < p else wrong(n) for n in NAMES}
            for form, p in chance.items()
        }
        for _ in range(400)
    ]
    found = value(gains.counted(class_, DATA), "normalised gain of the class")
    assert found == pytest.approx(gain, abs=0.03)


# A folder


def write(folder, name, content):
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")


def test_a_folder_is_read_and_what_is_not_whole_is_named(tmp_path):
    folder = tmp_path / "class"
    write(folder, "results-a.json", learner(5, 10))
    write(folder, "results-b.json", learner(0, 5))
    write(folder, "half.json", learner(0, 5) | {"after": {}})
    write(folder, "broken.json", "{")
    write(folder, "list.json", "[1]")
    write(folder, "notes.txt", "not one of them")
    found = gains.of_class(folder, DATA)
    assert value(found, "learners") == 2
    assert set(found.left_out) == {"half.json", "broken.json", "list.json"}
    assert "must have all 15 answers after the course" in found.left_out["half.json"]
    assert "must be JSON" in found.left_out["broken.json"]


@pytest.mark.parametrize("content", [{}, {"half.json": "{}"}])
def test_a_folder_without_a_learner_is_refused(content, tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    for name, text in content.items():
        write(folder, name, text)
    with pytest.raises(MarginError, match="must hold a learner"):
        gains.of_class(folder, DATA)
    with pytest.raises(MarginError, match="must be one with files"):
        gains.of_class(tmp_path / "nowhere", DATA)


def test_make_gains_prints_the_tables_and_writes_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "BUILD", tmp_path / "build")
    write(tmp_path / "notebooks", concepts.FILE, (ROOT / "notebooks" / concepts.FILE).read_text())
    folder = tmp_path / "class"
    write(folder, "a.json", learner(5, 10))
    write(folder, "b.json", "{")
    assert tool.main([str(folder)]) == 0
    said = capsys.readouterr().out
    assert "normalised gain of the class" in said and "left out: b.json" in said
    overall = pd.read_csv(tmp_path / "build/gains-overall.csv", index_col=0)
    assert overall.loc["normalised gain of the class", "class"] == pytest.approx(0.5)
    assert tool.main([str(tmp_path / "nowhere")]) == 1
