"""Labs recover: bad values change nothing, and a move that broke off is drawn again."""

import math
import re
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from traitlets import TraitError

import margin_course
from margin_course.lessons.capstone import CapstoneLab
from margin_course.lessons.terms import TermsLab
from margin_course.scenarios import load
from margin_lib import MarginError
from tests.support.lessons import LABS, NO_NUMBER, NO_OPTION, NO_SIZE, STARTS
from tests.support.strategies import SCENARIOS

BOOK = load(SCENARIOS)
COURSE = str(Path(margin_course.__file__).parent)


def seen(lab):
    """All that a reader sees of a lab."""
    return lab.summary(), lab.alt(), lab._screen.picture, lab._screen.state["tiles"]


def same(one, other):
    """A bool, so that a failing test does not print the difference of two pictures."""
    return seen(one) == seen(other)


def drawn(lab):
    """How many artists the axes of a lab hold."""
    return [len(ax.get_children()) for ax in lab.canvas.axes]


def is_number(control):
    return hasattr(control, "step")


def other_values(lab):
    """Values unlike those where the lab stands, for all of its controls."""
    ends = {}
    for name, control in lab.controls.items():
        away = control.min + 0.25 * (control.max - control.min) if is_number(control) else None
        ends[name] = away if is_number(control) else control.options[-1]
    return ends


@pytest.fixture(params=STARTS, ids=lambda kind: kind.__name__, scope="module")
def lab(request):
    return request.param(BOOK[STARTS[request.param]])


# Bad values


def test_a_bad_value_names_its_control_and_changes_nothing(lab):
    lab.set(**lab.presets["start"])
    before, where = seen(lab), lab.values()
    good = other_values(lab)
    for name, control in lab.controls.items():
        for bad in [*NO_NUMBER, *NO_SIZE] if is_number(control) else NO_OPTION:
            for values in ({name: bad}, {**good, name: bad}):
                with pytest.raises(MarginError, match=f"^{name} must be ") as caught:
                    lab.set(**values)
                assert caught.value.value is bad
            assert lab.values() == where
            assert seen(lab) == before
    lab.set(**good)  # and everything still moves
    assert lab.values() == pytest.approx(good)


def test_a_number_of_another_kind_is_as_good(lab):
    for name, control in lab.controls.items():
        if is_number(control):
            for kind in (np.float32, np.float64, np.array, Fraction, lambda x: int(round(x))):
                lab.set(**lab.presets["start"])
                lab.set(**{name: kind(control.max)})
                asked = min(max(float(kind(control.max)), control.min), control.max)
                assert type(lab.values()[name]) is float
                assert lab.values()[name] == asked


def test_a_value_beyond_its_ends_stands_at_the_end(lab):
    for name, control in lab.controls.items():
        if is_number(control):
            for far, end in ((-1e9, control.min), (1e9, control.max)):
                lab.set(**lab.presets["start"])
                lab.set(**{name: far})
                assert lab.values()[name] == control.value == end


def test_no_control_takes_a_nan_by_hand(lab):
    lab.set(**lab.presets["start"])
    before, where = seen(lab), lab.values()
    for control in lab.controls.values():
        if not is_number(control):
            continue
        stood = control.value
        with pytest.raises(TraitError, match="must be finite, got nan"):
            control.value = math.nan
        with pytest.raises(TraitError, match="must be finite, got nan"):
            control.set_state({"value": math.nan})  # as a front end would
        assert control.value == stood
    assert lab.values() == where and seen(lab) == before


# Moves that break off


class Broken(BaseException):
    """What stops a move: neither a MarginError nor any other error that a lab might know."""


def breaking(call, after, error=Broken):
    """Run a call, and stop it at its so-many-th step within the course; False if it was shorter."""
    steps = 0

    def step(frame, event, argument):
        nonlocal steps
        code = frame.f_code
        # What is raised as such a generator is thrown away reaches nobody.
        if event == "call" and code.co_filename.startswith(COURSE) and "<" not in code.co_name:
            steps += 1
            if steps == after + 1:
                raise error

    before = sys.getprofile()
    sys.setprofile(step)
    try:
        call()
    except error:
        return True
    finally:
        sys.setprofile(before)
    return False


def test_a_move_that_breaks_off_anywhere_is_drawn_again(lab):
    lab.set(**lab.presets["start"])
    start, values = seen(lab), other_values(lab)
    lab.set(**values)
    there, held = seen(lab), drawn(lab)
    for after in (0, 1, 2, 3, 5, 8, 13, 34, 55, 144, 233, 610, 987):
        lab.set(**lab.presets["start"])
        assert seen(lab) == start
        breaking(lambda: lab.set(**values), after)
        if after % 2:
            lab.set(**values)  # the same again
            assert seen(lab) == there
            assert drawn(lab) == held
        else:  # whatever it shows, words and picture are of one state
            lab.set(**lab.values())
            assert seen(lab) in (start, there), after


def test_words_and_picture_agree_even_before_the_next_move(lab):
    lab.set(**lab.presets["start"])
    start, values = seen(lab), other_values(lab)
    lab.set(**values)
    there = seen(lab)
    for after in (4, 21, 89, 377):
        lab.set(**lab.presets["start"])
        breaking(lambda: lab.set(**values), after)
        lab.summary()
        assert seen(lab) in (start, there), after


def test_a_move_by_hand_that_breaks_off_is_drawn_at_the_next_one(lab):
    lab.set(**lab.presets["start"])
    name, control = next((n, c) for n, c in lab.controls.items() if is_number(c))
    there, other = control.max, control.min
    lab.set(**{name: there})
    expected = seen(lab)
    lab.set(**{name: other})
    assert breaking(lambda: setattr(control, "value", there), 6)
    lab.set(**{name: there})
    assert seen(lab) == expected


def test_a_picture_forgets_what_it_did_not_finish():
    for name, kind in LABS.items():
        lab = kind(BOOK[kind.starts_in])
        held = drawn(lab)
        values = lab.values()
        for after in (3, 9, 27):
            breaking(lambda lab=lab, values=values: lab._show(values), after)
        lab._show(values)
        assert drawn(lab) == held, name


# Scenarios that lack something


def lacking(scenario):
    """A scenario, less this or that."""
    for count in range(len(scenario.trades)):
        yield scenario.first_trades(count)
    yield replace(scenario, moves={}, paths={}, labels={})
    for left in scenario.mandate:
        rest = {name: value for name, value in scenario.mandate.items() if name != left}
        yield replace(scenario, mandate=rest)
        yield replace(scenario, mandate={**rest, left: None})


@pytest.mark.parametrize("kind", LABS.values(), ids=LABS)
def test_a_lab_works_or_says_what_its_scenario_lacks(kind):
    refused = 0
    for scenario in [*lacking(BOOK[STARTS[kind]]), *lacking(BOOK["mine"]), BOOK["leverage"]]:
        try:
            lab = kind(scenario)
        except MarginError as error:
            refused += 1
            assert error.rule and "\n" not in str(error)
            continue
        lab.set(**other_values(lab))
        assert lab.summary() and not re.search(r"\bnan\b", lab.summary())
    assert refused, "a scenario without trades has nothing to show"


def test_what_is_missing_is_named():
    first = BOOK["cross"].first_trades(1)
    for name, scenario, part, least in (
        ("ComparisonLab", first, "trades", 2),
        ("CloudLab", first, "trades", 2),
        ("StressLab", BOOK["cross"].first_trades(2), "moves", 1),
        ("LeverageLab", BOOK["leverage"].first_trades(0), "trades", 1),
        ("CapstoneLab", first, "mandate", 1),
        ("YourAccountLab", BOOK["account"].first_trades(0), "trades", 1),
    ):
        rule = f"needs at least {least} of its {part}, got {len(getattr(scenario, part))}$"
        with pytest.raises(MarginError, match=f"^{name}: scenario {scenario.name} {rule}"):
            LABS[name](scenario)


def test_a_mandate_names_what_it_does_not_say():
    task = BOOK["capstone"]
    for part in ("visible", "designs", "views", "max_loss", "target"):
        mandate = {name: value for name, value in task.mandate.items() if name != part}
        with pytest.raises(MarginError, match=f"mandate of capstone must say {part}"):
            lab = CapstoneLab(replace(task, mandate=mandate))
            lab.compute(lab.scenario, **lab.values())


def test_terms_lab_calls_nothing_alive_that_it_cannot_know():
    lab = TermsLab(BOOK["leverage"])
    for name in lab.controls:
        with pytest.raises(MarginError, match=f"^{name} must be finite, got nan"):
            lab.set(**{name: math.nan})
