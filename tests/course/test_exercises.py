"""Predictions and exercises: kind, never wrong, and computed from the scenario file."""

import html
import math
import re
from dataclasses import replace

import pytest

from margin_course import exercises, text
from margin_course.exercises import check, compare, hint, predict
from margin_course.scenarios import load
from margin_lib import Account, MarginError, liquidate

# Not notebooks/scenarios.toml: with numbers of your own, a wrong way may come near a right answer.
FILES = ["tests/support/articles.toml", "tests/support/other_scenarios.toml"]
NAMES = list(exercises.every())


@pytest.fixture(params=FILES)
def path(request, root):
    return root / request.param


def test_a_prediction_is_noted_and_handed_back(capsys):
    assert predict(-0.25) == -0.25
    assert predict() is None
    assert "No prediction yet" in capsys.readouterr().out


def test_never_is_a_prediction(capsys):
    compare(predict("never"), math.nan)
    assert "well predicted" in capsys.readouterr().out


@pytest.mark.parametrize("bad", ["a fifth", math.nan, math.inf, True, [1]])
def test_a_prediction_that_is_no_number_is_refused(bad):
    with pytest.raises(MarginError, match="prediction"):
        predict(bad)


@pytest.mark.parametrize(
    ("prediction", "result", "words"),
    [
        (-0.2, -0.2, "well predicted"),
        (-0.2001, -0.2, "well predicted"),
        (-0.3, -0.2, "off by 10.00 percentage points."),
        (0.2, -0.2, "right but for the sign"),
        (0.3, -0.2, "off by 50.00 percentage points."),
        (-0.3, math.nan, "no price does it"),
        (None, -0.2, "No prediction yet. It is −20.00 %."),
        (0.0, 0.0, "well predicted"),
        (math.nan, math.nan, "well predicted"),
        (math.nan, -0.2, "You said never. It is −20.00 %: it does happen."),
        (-20, -0.3, "did you mean −20.00 %? A share is written as 0.5 for a half."),
    ],
)
def test_comparison_says_how_far_off(prediction, result, words, capsys):
    compare(prediction, result)
    assert words in capsys.readouterr().out


def test_money_is_off_by_money_and_not_by_points(capsys):
    compare(5000, 4000, lambda value: text.money(value, "USD"))
    assert "off by 1,000.00 USD" in capsys.readouterr().out


def test_a_comma_in_a_number_is_explained(capsys, path):
    for slip in (
        lambda: predict(5, 000),
        lambda: predict((5, 000)),
        lambda: predict(1, 500, 000),
        lambda: predict(0, 5),
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


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_is_not_a_wrong_answer_but_a_field(name, path, capsys):
    assert exercises.verdict(name, None, path=path) == "no answer yet."
    field = check(name, None, path=path)
    assert capsys.readouterr().out == "" and field.told.value == ""
    bundle = field._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/plain"] == f"{name}: no answer yet."
    for advice in exercises.every()[name](load(path)).hints:
        assert f"{html.escape(advice)}</details>" in data["text/html"]


@pytest.mark.parametrize("name", NAMES)
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
