"""The list of mutants that no test can notice stays true of the code."""

import ast
import tomllib

import pytest

from tools import repo
from tools.mutants import EQUAL, TABLE, WithoutLooks, why_equal

KNOWN = tomllib.loads(repo.read(EQUAL))["equal"]


@pytest.mark.parametrize("each", KNOWN, ids=lambda each: f"{each['module']}: {each['becomes']}")
def test_each_is_a_line_of_the_code(each):
    text = repo.read(each["module"].replace(".", "/") + ".py")
    lines = [line.strip() for line in ast.unparse(ast.parse(text)).splitlines()]
    assert each["was"] in lines
    assert each["becomes"] not in each["was"]
    assert each["why"].endswith(".")


def test_where_a_picture_is_drawn_colours_and_places_are_looks_and_words_are_none():
    def rest(code, draws=True):
        return ast.dump(WithoutLooks(TABLE["margin_course"].looks, draws).visit(ast.parse(code)))

    code = "label(ax, 0.5, y, words, DEAD, ha='left')"
    for same in ("label(ax, 2, y, words, ha='left')", "label(ax, 0.5, y, words, INK)"):
        assert rest(same) == rest(code)
        assert rest(same, draws=False) != rest(code, draws=False)
    for other in ("label(ax, 0.5, x, words, DEAD)", "label(ax, 0.5, y, None, DEAD)", "label(ax)"):
        assert rest(other) != rest(code)


def test_a_mutant_is_known_by_its_module_its_line_and_its_change():
    known = [{"module": "a.b", "was": "x = 1", "becomes": "-1", "why": "No."}]
    diff = "--- a/b.py\n+++ a/b.py\n@@ -1,2 +1,2 @@\n def f():\n-    x = 1\n+    x = {}\n"
    assert why_equal("a.b.x_f__mutmut_1", diff.format("-1"), known) == "No."
    assert why_equal("a.b.x_f__mutmut_1", diff.format("2"), known) is None
    assert why_equal("a.c.x_f__mutmut_1", diff.format("-1"), known) is None
    other = diff.replace("x = 1", "y = 1")
    assert why_equal("a.b.x_f__mutmut_1", other.format("-1"), known) is None
