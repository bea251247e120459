"""Exercises: kind, never wrong, and computed from the scenario file."""

import html
import math
import re
from dataclasses import replace
from itertools import permutations
from types import SimpleNamespace

import pytest

from margin_course import exercises, prediction, text
from margin_course.answers import Answer, Puzzle, Worked
from margin_course.exercises import check, hint
from margin_course.scenarios import load
from margin_lib import Account, MarginError, liquidate
from tests.support.shown import html_of
from tools.repo import ROOT

# Not notebooks/scenarios.toml: with numbers of your own, a wrong way may come near a right answer.
FILES = ["tests/support/articles.toml", "tests/support/other_scenarios.toml"]
BOOK = load(ROOT / FILES[0])
BY_KIND = {name: type(function(BOOK)) for name, function in exercises.every().items()}
NAMES = [name for name, kind in BY_KIND.items() if kind is not Puzzle]  # that ask for a number
PLAIN = [name for name, kind in BY_KIND.items() if kind is Answer]
WORKED = [name for name, kind in BY_KIND.items() if kind is Worked]
PUZZLES = [name for name, kind in BY_KIND.items() if kind is Puzzle]


@pytest.fixture(params=FILES)
def path(request, root):
    return root / request.param


def test_a_comma_in_a_number_is_explained(capsys, path):
    for slip in (
        lambda: check("01.2", 5, 000),
        lambda: check("01.2", 5, 000, path=path),
        lambda: check("01.2", (5, 000), path=path),
    ):
        with pytest.raises(MarginError, match="must have no comma: write 5000"):
            slip()
    assert not capsys.readouterr().out


def verdict(capsys, name, answer, path):
    check(name, answer, path=path)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_the_right_answer_is_right_and_the_usual_slips_are_not(name, path, capsys):
    answer = exercises.every()[name](load(path))
    right = "never" if math.isnan(answer.right) else answer.right
    assert verdict(capsys, name, right, path) == f"{name}: right.\n"
    for wrong, advice in answer.slips.items():
        if not exercises._same(wrong, answer.right) and not math.isnan(wrong):
            assert advice in verdict(capsys, name, wrong, path)
    if not math.isnan(answer.right):
        assert "not yet" in verdict(capsys, name, 1.5 * answer.right + 0.1, path)
        assert "not yet" in verdict(capsys, name, "never", path)


@pytest.mark.parametrize("name", NAMES)
def test_a_plausible_wrong_answer_is_not_right(name, path, root, capsys):
    answer = exercises.every()[name](load(path))
    wrong = {0.95 * answer.right, 1.05 * answer.right, -answer.right, 100 * answer.right}
    wrong |= {answer.right / 100, 0.0, 1.0} - {answer.right}
    if path == root / FILES[0]:  # with other numbers, two of them may agree
        assert answer.slips
        wrong |= {slip for slip in answer.slips if not math.isclose(slip, answer.right)}
    for each in wrong - {answer.right}:
        if not math.isnan(each) and not answer.right == each == 0:
            assert "not yet" in verdict(capsys, name, each, path), each


def test_what_was_designed_works(path):
    """The library itself, not the formula of the answer, confirms what the exercises ask for."""
    book = load(path)
    right = {name: function(book).right for name, function in exercises.every().items()}
    first, hers, his = book["leverage"], book["isolated"], book["cross"]

    long = first.with_trade("ETH", leverage=right["02.2"]).account("isolated")
    assert long.liquidation_price("ETH") == pytest.approx(0.9 * first["ETH"].price)
    short = first.with_trade("ETH", leverage=right["02.3"], side="short").account("isolated")
    assert short.liquidation_price("ETH") == pytest.approx(1.1 * first["ETH"].price)

    margin = hers["ETH"].margin + right["03.2"]
    eth = replace(hers.account("isolated")["ETH"], margin=margin)
    assert Account(balance=0, positions=[eth]).liquidation_price("ETH") == pytest.approx(
        0.6 * hers["ETH"].price
    )
    _, event = liquidate(hers.account("isolated"), hers.marks(ETH=-0.5), "ETH")
    assert -event.received("insurance fund") == pytest.approx(right["03.3"])

    account, ada = his.account("cross"), his["ADA"]
    saved = replace(account, balance=account.balance + right["04.2"] * (1 + 1e-9))
    assert not saved.risk(his.marks(**his.moves["gap"])).is_liquidatable
    kept = replace(account["ADA"], quantity=(1 - right["04.3"]) * ada.quantity)
    smaller = replace(account, positions=[account["ETH"], kept])
    assert smaller.liquidation_price("ADA", his.marks()) == pytest.approx(2 * ada.price)
    pocket = replace(account["ADA"], margin=right["05.3"])
    assert Account(balance=0, positions=[pocket]).liquidation_price("ADA") == pytest.approx(
        account.liquidation_price("ADA", his.marks())
    )
    rescue = his.marks(**his.moves["rescue"])
    for name, symbol, less, more in (("06.2", "ETH", 1.001, 0.999), ("06.3", "ADA", 0.999, 1.001)):
        account.switch_mode(symbol, "isolated", rescue, margin=less * right[name])
        with pytest.raises(MarginError):
            account.switch_mode(symbol, "isolated", rescue, margin=more * right[name])


@pytest.mark.parametrize(
    ("name", "slip", "words"),
    [
        ("05.3", lambda his, right, fee: right + fee, "Off by the fee"),
        ("04.2", lambda his, right, fee: right - fee, "Off by the fee"),
        ("05.2", lambda his, right, fee: his["ETH"].notional, "Its margin is smaller"),
        ("04.1", lambda his, right, fee: -right, "sign"),
    ],
)
def test_a_slip_gives_itself_away(name, slip, words, root, tmp_path, capsys):
    """A venue with high fees: whoever forgets them hears so, and so does who takes another slip."""
    dear = (root / FILES[1]).read_text(encoding="utf-8").replace("fee = 0.0004", "fee = 0.02")
    path = tmp_path / "dear.toml"
    path.write_text(dear, encoding="utf-8")
    book = load(path)
    his = book["cross"]
    fee = his.balance - his.account("cross").balance
    assert fee > 0.5
    right = exercises.every()[name](book).right
    assert words in verdict(capsys, name, slip(his, right, fee), path)


def test_who_is_far_off_is_led_to_the_hint(path, capsys):
    assert verdict(capsys, "03.1", -0.777, path) == '03.1: not yet. Does hint("03.1") help?\n'


@pytest.mark.parametrize("name", PLAIN)
def test_no_answer_is_not_a_wrong_answer_but_a_field(name, path, capsys):
    assert exercises.verdict(name, None, path=path) == "no answer yet."
    field = check(name, None, path=path)
    assert capsys.readouterr().out == "" and field.told.value == ""
    data = field._repr_mimebundle_()
    assert data["text/plain"] == f"{name}: no answer yet."
    for advice in exercises.every()[name](load(path)).hints:
        assert f"{html.escape(advice)}</details>" in data["text/html"]


@pytest.mark.parametrize("name", PLAIN)
def test_a_field_says_what_check_says(name, path):
    field, truth = check(name, None, path=path), exercises.every()[name](load(path))
    for number in (0.123, truth.right, *truth.slips):
        words = "Never" if math.isnan(number) else repr(float(number))
        field.field.press("check", words)
        said = exercises.verdict(name, "never" if math.isnan(number) else number, path=path)
        shown = html.escape(said.replace(f'hint("{name}")', "“hint”"))
        assert f"{name}: {shown}" in field.told.value
        assert ("✓" in field.told.value) == (said == "right.")
    assert 'role="status"' in field.told.value


def test_a_field_gives_one_hint_after_the_other(path):
    field, hints = check("03.1", None, path=path), exercises.every()["03.1"](load(path)).hints
    assert field.advice.value == ""
    for shown in (1, 2):
        field.field.press("hint")
        told = [html.escape(each) in field.advice.value for each in hints]
        assert told == [n <= shown for n in (1, 2)]


@pytest.mark.parametrize("words", ["", "a fifth", "5,00,0"])
def test_a_field_answers_what_is_no_number_in_one_line(words, path):
    field = check("03.1", None, path=path)
    field.field.press("check", words)
    assert "must be a number" in field.told.value and "\n" not in field.told.value


@pytest.mark.parametrize("name", NAMES)
def test_the_right_answer_follows_the_scenario(name, root):
    answers = [exercises.every()[name](load(root / file)).right for file in FILES]
    assert answers[0] != answers[1]


@pytest.mark.parametrize("bad", ["0.2", math.nan, True, [0.2]])
def test_an_answer_that_is_no_number_is_refused(bad, path):
    with pytest.raises(MarginError, match="answer"):
        check("03.1", bad, path=path)


def test_an_unknown_exercise_is_refused(path):
    with pytest.raises(MarginError, match="exercise must be one of"):
        check("99.9", 1, path=path)


def test_sign_and_percent_slips_are_named(capsys, path):
    right = exercises.every()["03.1"](load(path)).right
    assert "sign" in verdict(capsys, "03.1", -right, path)
    assert "share" in verdict(capsys, "03.1", 100 * right, path)


# Hints


def told(capsys, name, path, *level):
    hint(name, *level, path=path)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_has_two_hints(name, path, capsys):
    first, second = told(capsys, name, path), told(capsys, name, path, 2)
    assert first.startswith(f"{name}: ") and f'hint("{name}", 2)' in first
    assert second.startswith(f"{name}: ") and first != second
    assert len(first) > 60 and len(second) > 60


@pytest.mark.parametrize("name", NAMES)
def test_no_hint_tells_the_answer(name, path, capsys):
    right = exercises.every()[name](load(path)).right
    words = told(capsys, name, path) + told(capsys, name, path, 2)
    for number in re.findall(r"\d[\d,]*(?:\.\d+)?(?: %)?", words.replace(f'"{name}"', "")):
        value = float(number.rstrip(" %").replace(",", "")) / (100 if "%" in number else 1)
        assert not math.isclose(value, abs(right), rel_tol=0.05), number


@pytest.mark.parametrize("level", [0, 3, "2", None])
def test_there_are_hints_of_two_levels_only(level, path):
    with pytest.raises(MarginError, match="level must be 1 to 2"):
        hint("03.1", level, path)


def test_a_hint_for_an_unknown_exercise_is_refused(path):
    with pytest.raises(MarginError, match="exercise must be one of"):
        hint("99.9", path=path)


# A worked example that fades


def plain(shown):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())


@pytest.mark.parametrize("name", WORKED)
def test_each_copy_leaves_out_more_than_the_one_before(name, path):
    copies = exercises.every()[name](load(path)).copies
    left_out = [len(copy.missing) for copy in copies]
    assert left_out[0] == 0 and left_out == sorted(set(left_out)) and len(copies) == 3
    assert left_out[-1] == len(copies[-1].steps) >= 4
    assert len({copy.case for copy in copies}) == 3
    finds = [tuple(step.finds for step in copy.steps) for copy in copies]
    assert finds[0] == finds[1] == finds[2]
    for one, other in ((0, 1), (1, 2), (0, 2)):  # nothing can be copied from above
        last = [copies[at].steps[-1].value for at in (one, other)]
        assert not exercises._same(*last)


@pytest.mark.parametrize("name", WORKED)
def test_each_missing_step_has_a_field_that_knows_it(name, path):
    made = check(name, None, path=path)
    shown = [field.step for fields in made.fields for field in fields]
    assert shown == [step for copy in made.truth.copies for step in copy.missing]
    for fields, copy in zip(made.fields, made.truth.copies, strict=True):
        for field in fields:
            step = field.step
            times = 100 if step.unit == "%" else 1
            field.field.press("check", repr(times * float(step.value)))
            assert plain(field.told.value) == f"✓ {name}: right."
            field.field.press("check", repr(times * float(1.3 * step.value + 0.017)))
            assert step.how in plain(field.told.value) and "✗" in field.told.value
            field.field.press("check", "a lot")
            assert "Your answer must be a number" in field.told.value
            earlier = copy.steps[0]
            same = step is earlier or exercises._same(earlier.value, step.value)
            if not same and step.unit != "%":
                field.field.press("check", repr(float(earlier.value)))
                assert f"That is {earlier.finds}." in plain(field.told.value)


@pytest.mark.parametrize("name", WORKED)
def test_the_second_copy_still_says_how_and_the_third_does_not(name, path):
    _, second, third = check(name, None, path=path).fields
    assert all(f"= {field.step.how}" in field.field.what["label"] for field in second)
    assert not any("=" in field.field.what["label"] for field in third)


def test_a_worked_example_is_what_the_library_says(path):
    """The library itself, not the steps, confirms the last one of each copy that is an account."""
    book = load(path)
    first, his = book["leverage"], book["cross"]
    copies = exercises.every()["02.5"](book).copies
    for copy, (part, times) in zip(copies, ((1, 1), (0.4, 0.8), (0.25, 1.6)), strict=True):
        trade = first["ETH"]
        change = {"margin": part * trade.margin, "leverage": times * trade.leverage}
        edge = first.with_trade("ETH", **change).account("isolated").liquidation_price("ETH")
        assert copy.steps[-1].value == pytest.approx(edge)
    for copy, (part, times) in zip(
        exercises.every()["03.5"](book).copies, ((1, 1), (0.75, 0.8), (0.5, 2)), strict=True
    ):
        hers, trade = book["isolated"], book["isolated"]["ETH"]
        leverage = times * trade.leverage
        hers = hers.with_trade("ETH", margin=part * trade.margin, leverage=leverage)
        fall = round(min(1.6 / leverage, 0.95), 2)
        free = replace(hers["ETH"].contract, taker_fee=0)
        hers = hers.with_trade("ETH", contract=free)
        end, event = liquidate(hers.account("isolated"), hers.marks(ETH=-fall), "ETH")
        assert copy.steps[-1].value == pytest.approx(end.balance)
        assert copy.steps[-2].value == pytest.approx(-event.received("insurance fund"))
    position = his.account("cross").positions
    for copy, (a, b) in zip(
        exercises.every()["04.5"](book).copies, ((1, 1), (1.25, 0.8), (0.5, 1.5)), strict=True
    ):
        sizes = [replace(p, quantity=x * p.quantity) for p, x in zip(position, (a, b), strict=True)]
        account = Account(balance=his.balance, positions=sizes)
        edge = account.liquidation_price("ADA", his.marks()) / his["ADA"].price - 1
        assert copy.steps[-1].value == pytest.approx(edge)
    for copy, change in zip(exercises.every()["05.5"](book).copies, (-0.1, 0.1, -0.2), strict=True):
        rise = float(copy.steps[1].value / -his["ADA"].notional)
        marks = his.marks(ETH=change, ADA=rise)
        cross = Account(balance=his.balance, positions=his.account("cross").positions)
        assert not cross.risk(marks).is_liquidatable
        assert copy.steps[2].value == pytest.approx(cross.equity(marks))
        fenced = his.account("isolated")
        assert fenced.risk(marks, "ADA").is_liquidatable
        assert not fenced.risk(marks, "ETH").is_liquidatable
        end, _ = liquidate(fenced, marks, "ADA")
        fees = his.balance - fenced.balance - fenced.locked_margin
        assert copy.steps[3].value == pytest.approx(end.equity(marks) + fees)


@pytest.mark.parametrize("name", [*WORKED, *PUZZLES])
def test_other_kinds_show_their_hints_and_no_answer_in_sight(name, path):
    made = check(name, None, path=path)
    data = made._repr_mimebundle_()
    assert data["text/plain"] == f"{name}: no answer yet."
    for advice in made.hints:
        assert f"{html.escape(advice)}</details>" in data["text/html"]
    in_sight = re.sub(r"(?s)<details>.*?</details>", "", data["text/html"])
    if name in WORKED:
        for copy in made.truth.copies:
            for step in copy.missing:
                assert f">{exercises._value(step)}<" not in in_sight
    else:
        assert all(f"<code>{html.escape(line)}</code>" in in_sight for line in made.truth.shown)


# Lines to put in order


def orders(puzzle):
    return [list(order) for order in permutations(range(1, len(puzzle.lines) + 1))]


@pytest.mark.parametrize("name", PUZZLES)
def test_every_order_that_runs_and_gives_the_number_is_right_and_no_other(name, path):
    puzzle, right = exercises.every()[name](load(path)), 0
    for order in orders(puzzle):
        try:
            gives = puzzle.run(order)
        except NameError:
            gives = math.nan
        said = exercises._verdict_on_order(order, puzzle)
        is_right = math.isclose(gives, puzzle.right)
        right += is_right
        assert (said == "right.") == is_right, order
        assert said.startswith("not yet. ") == (not is_right)
    assert 1 <= right < len(orders(puzzle)) / 8
    if name in ("02.6", "04.6"):  # in the others, each line needs the one before
        assert right > 1


@pytest.mark.parametrize("name", PUZZLES)
def test_lines_are_mixed_at_first_and_the_same_for_all(name, path):
    puzzle = exercises.every()[name](load(path))
    assert sorted(puzzle.shown) == sorted(puzzle.lines) and 4 <= len(puzzle.lines) <= 6
    assert exercises.every()[name](load(path)).shown == puzzle.shown
    assert not puzzle.is_solved(puzzle.shown) and puzzle.is_solved(puzzle.lines)
    numbers, _, value = exercises.Ordering.solved(SimpleNamespace(truth=puzzle)).partition(
        " gives "
    )
    assert puzzle.is_solved([puzzle.shown[int(number) - 1] for number in numbers.split(", ")])
    assert value == text.amount(puzzle.right, puzzle.unit)
    names = {word for line in puzzle.lines for word in re.findall(r"[a-z_]\w*", line)}
    assert set(puzzle.names) <= names, "a name that no line uses"


@pytest.mark.parametrize("name", PUZZLES)
def test_the_usual_slips_of_an_order_are_told(name, path):
    puzzle = exercises.every()[name](load(path))
    said = {exercises._verdict_on_order(order, puzzle) for order in orders(puzzle)}
    assert all(any(advice in each for each in said) for advice in puzzle.slips.values())
    assert any("which no line above it has made" in each for each in said)


def test_the_line_that_knows_too_little_is_named(path):
    puzzle = exercises.every()["02.6"](load(path))
    late = [puzzle.shown.index(line) + 1 for line in puzzle.lines[1:] + puzzle.lines[:1]]
    said = exercises.verdict("02.6", late, path=path)
    assert said == "not yet. Line 1 uses notional, which no line above it has made."


def test_the_answer_of_an_order_is_what_the_library_says(path):
    book = load(path)
    first, hers, his = book["leverage"], book["isolated"], book["cross"]
    right = {name: exercises.every()[name](book).right for name in PUZZLES}
    fall = -0.6 / first["ETH"].leverage
    risk = first.account("isolated").risk(first.marks(ETH=fall), "ETH")
    assert right["02.6"] == pytest.approx(risk.margin_ratio)
    eth = hers.account("isolated")["ETH"]
    more = replace(eth, margin=1.4 * hers["ETH"].margin)
    account = Account(balance=0, positions=[more])
    assert right["03.6"] == pytest.approx(account.liquidation_price("ETH"))
    cross = Account(balance=his.balance, positions=his.account("cross").positions)
    assert right["04.6"] == pytest.approx(cross.risk(his.marks(ETH=-0.1, ADA=0.2)).cushion)
    mixed = Account(balance=his.balance - his["ETH"].margin, positions=cross.positions[1:])
    edge = mixed.liquidation_price("ADA") / his["ADA"].price - 1
    assert right["05.6"] == pytest.approx(edge)


@pytest.mark.parametrize("bad", [[1, 2], [1, 1, 2, 3, 4], ["1"], [], 3, [[1]]])
def test_what_is_no_order_is_refused(bad, path):
    with pytest.raises(MarginError, match="answer must be the numbers 1 to 5"):
        check("02.6", bad, path=path)


def test_an_order_of_many_lines_is_an_order():
    lines = ("answer = 1", *(f"answer = answer + {number}" for number in range(11)))
    puzzle = Puzzle(right=56, slips={}, hints=(), lines=lines)
    right = [puzzle.shown.index(line) + 1 for line in lines]
    assert exercises._verdict_on_order(right, puzzle) == "right."
    with pytest.raises(MarginError, match="numbers 1 to 12"):
        exercises._verdict_on_order([1.0, *right[1:]], puzzle)


def test_an_order_is_pressed_as_the_page_sends_it(path):
    field = check("02.6", None, path=path)
    assert field.field.what["lines"] == list(field.truth.shown)
    right = [field.truth.shown.index(line) + 1 for line in field.truth.lines]
    field.field.press("check", ",".join(map(str, right)))
    assert "✓" in field.told.value and "right. They give" in plain(field.told.value)
    field.field.press("hint", "")
    assert html.escape(field.hints[0]) in field.advice.value


def test_what_an_exercise_is_made_of_is_printed_for_an_assignment(path, capsys):
    for name in PUZZLES:
        exercises.given(name, path)
        lines = exercises.every()[name](load(path)).shown
        printed = capsys.readouterr().out.splitlines()
        assert printed == [f"{n}  {line}" for n, line in enumerate(lines, start=1)]
    for name in WORKED:
        exercises.given(name, path)
        printed = capsys.readouterr().out
        assert printed.count(" = ?") == 2 + len(exercises.every()[name](load(path)).copies[2].steps)


def test_every_kind_of_answer_can_be_shown(path):
    kinds = {type(function(load(path))) for function in exercises.every().values()}
    assert kinds == set(exercises.KINDS)


# For whoever teaches


def words_of(widget):
    return re.sub("<[^>]+>", "", " ".join(html_of(widget)))


@pytest.mark.parametrize("name", [*NAMES, *PUZZLES])
def test_answers_stand_beside_their_questions_where_somebody_teaches(name, monkeypatch):
    """One setting of the environment; without it, nothing is told."""
    before = words_of(check(name, None, path=ROOT / FILES[0]))
    monkeypatch.setenv("TEACH", "1")
    after = words_of(check(name, None, path=ROOT / FILES[0]))
    right = exercises.every()[name](BOOK).right
    forms = [text.amount(right, unit).split()[0] for unit in ("", "%", "BTC")]
    assert any(form in after for form in forms) and len(after) > len(before)


def test_a_prediction_is_open_where_somebody_teaches(monkeypatch):
    data = prediction.described("How much?", 12345.0, "USD")
    assert "12,345" not in words_of(prediction.Prediction(data))
    monkeypatch.setenv("TEACH", "1")
    assert "12,345 USD" in words_of(prediction.Prediction(data))
