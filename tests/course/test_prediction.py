"""Predictions: what a field takes, what is said of a guess, and that no answer is in sight."""

import html
import json
import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_course import prediction
from margin_course.prediction import described, order, predict, read, reply, scale, your_predictions
from margin_course.text import amount
from margin_lib import MarginError

NAN = math.nan


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch):
    monkeypatch.setattr(prediction, "ASKED", {})
    monkeypatch.setattr(prediction, "TALLIES", [])


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("500", "USD", 500),
        (" 500 usd ", "USD", 500),
        ("$500", "USD", 500),
        ("5,000", "USD", 5000),
        ("1,234,567.5", "USD", 1234567.5),
        ("5 000", "USD", 5000),
        ("5_000", "USD", 5000),
        ("-0.5", "%", -0.5),
        ("−0.5", "%", -0.5),
        ("- 0,5", "%", -0.5),
        ("50%", "%", 0.5),
        ("-50 %", "%", -0.5),
        ("−50 percent", "%", -0.5),
        ("50", "%", 0.5),
        ("-18.37", "%", -0.1837),
        ("1", "%", 1),
        ("0.5 %", "%", 0.005),
        ("5x", "x", 5),
        ("5 X", "x", 5),
        (".5", "", 0.5),
        ("1e3", "USD", 1000),
        ("never", "USD", NAN),
        ("Never", "%", NAN),
        ("“never”.", "", NAN),
        ('"never"', "", NAN),
    ],
)
def test_what_a_field_takes(text, unit, value):
    assert read(text, unit) == pytest.approx(value, nan_ok=True)


def test_what_is_nearly_nothing_has_no_sign_and_no_other_way():
    for nothing in (0, prediction.ZERO, -prediction.ZERO):
        assert [zone["tone"] for zone in prediction.zones(nothing)] == ["hit", "miss"]


@pytest.mark.parametrize("unit", ["USD", "%"])
@pytest.mark.parametrize(
    ("guess", "truth", "anchors"),
    [(0.1, 1.0, ["start", "end"]), (1.0, 0.5, ["end", "middle"]), (0.5, 1.0, ["middle", "end"])],
)
def test_the_words_of_a_scale_stay_on_it_and_bear_their_unit(guess, truth, anchors, unit):
    found = re.findall(r'text-anchor="(\w+)">(.*?)</text>', scale(guess, truth, unit))
    assert [anchor for anchor, _ in found] == anchors
    assert [words for _, words in found] == [
        f"you: {amount(guess, unit)}",
        f"it is {amount(truth, unit)}",
    ]


def test_a_share_of_an_amount_is_an_amount():
    assert read("50 %", "USD", of=1000) == 500


@pytest.mark.parametrize(
    "text", ["", "a lot", "5 BTC", "50 %", "inf", "nan", "1e999", "5,00,0", "--5"]
)
def test_what_it_refuses(text):
    with pytest.raises(MarginError, match="prediction must be") as refused:
        read(text, "USD")
    assert refused.value.value == text


@pytest.mark.parametrize(
    ("truth", "unit", "guess", "tone", "words"),
    [
        (500, "USD", "500", "hit", "Well predicted."),
        (500, "USD", "504", "hit", "Well predicted."),
        (500, "USD", "-500", "near", "Right but for the sign."),
        (500, "USD", "540", "near", "Near: 40 USD away."),
        (500, "USD", "400", "near", "Not far: 100 USD away."),
        (500, "USD", "900", "miss", "Too much, by 400 USD."),
        (500, "USD", "100", "miss", "Too little, by 400 USD."),
        (500, "USD", "-100", "miss", "The other way: 600 USD away."),
        (-500, "USD", "-900", "miss", "Too much, by 400 USD."),
        (-500, "USD", "-100", "miss", "Too little, by 400 USD."),
        (-500, "USD", "100", "miss", "The other way: 600 USD away."),
        (500, "USD", "never", "miss", "It does happen."),
        (NAN, "USD", "never", "hit", "Well predicted."),
        (NAN, "USD", "500", "miss", "There is no such number."),
        (0, "USD", "0", "hit", "Well predicted."),
        (0, "USD", "5", "miss", "You were 5 USD away."),
        (-0.5, "%", "-50", "hit", "Well predicted."),
        (-0.5, "%", "50 %", "near", "Right but for the sign."),
        (-0.5, "%", "-0.5 %", "near", "Right but for the percent sign: 0.5 and 50 % are a half."),
        (0.0058, "%", "0.58", "near", "Right but for the percent sign: 0.5 and 50 % are a half."),
        (-0.5, "%", "-10%", "miss", "Too little, by 40 percentage points."),
        (9, "x", "5", "miss", "Too little, by 4x."),
    ],
)
def test_what_is_said_of_a_guess(truth, unit, guess, tone, words):
    said = reply(described("What?", truth, unit), guess)
    assert (said.tone, said.words) == (tone, words)


@pytest.mark.parametrize(("guess", "truth"), [(NAN, 5.0), (5.0, NAN), (math.inf, 5.0), (0.0, 0.0)])
def test_what_has_no_place_on_a_line_is_drawn_on_none(guess, truth):
    assert prediction.scale(guess, truth, "USD") == ""
    assert "you: 4 USD" in prediction.scale(4.0, 5.0, "USD")


@given(
    truth=st.floats(-1e9, 1e9) | st.just(NAN),
    guess=st.floats(-1e12, 1e12),
    unit=st.sampled_from(["", "USD", "%", "x"]),
)
def test_every_guess_has_a_reply_that_json_can_carry(truth, guess, unit):
    data = described("What?", truth, unit)
    carried = json.loads(json.dumps(data, allow_nan=False))
    said = reply(carried, f"{guess!r}")
    assert said == reply(data, f"{guess!r}")
    assert said.tone in prediction.TONES and 0 <= said.surprise <= 1
    assert "{" not in said.words


@given(truth=st.floats(-1e6, 1e6), unit=st.sampled_from(["", "USD", "%", "x"]))
def test_the_truth_is_a_hit_and_surprises_nobody(truth, unit):
    typed = f"{100 * truth!r} %" if unit == "%" else f"{truth!r}"
    said = reply(described("What?", truth, unit), typed)
    assert said.tone == "hit" and said.surprise == pytest.approx(0, abs=1e-9)


def test_choices():
    data = described("And then?", order(2, 1), replies={"smaller": "It grows with the price."})
    assert reply(data, "larger").words == "Well predicted."
    wrong = reply(data, "smaller")
    assert (wrong.tone, wrong.words) == ("miss", "It grows with the price.")
    assert described("So?", True)["answer"] == "yes"
    assert described("Who?", "ETH", options=["ETH", "ADA", "nothing"])["answer"] == "ETH"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: described(" ", 5),
        lambda: described("Who?", "BTC", options=["ETH", "ADA"]),
        lambda: described("So?", "larger", replies={"lager": "No."}),
        lambda: reply(described("So?", "larger"), "bigger"),
        lambda: order(NAN, 1),
    ],
)
def test_what_cannot_be_asked(wrong):
    with pytest.raises(MarginError):
        wrong()


def in_sight(page: str) -> str:
    """What a reader of HTML sees while every fold is closed."""
    page = re.sub(r"(?s)<details>.*?</details>", " ", page)
    return html.unescape(re.sub(r"<[^>]*>", " ", page))


@pytest.mark.parametrize("answer", [512.0, NAN, "larger", True])
def test_no_answer_is_in_sight_before_it_is_opened(answer):
    asked = predict(
        "What is left?", answer, "USD", opens=["Because 512.", pd.DataFrame({"a": [512]})]
    )
    data = asked._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert "512" not in data["text/plain"] + in_sight(data["text/html"]) + asked.told.value
    assert "never" not in in_sight(data["text/html"])
    assert asked.data["answer"] in html.unescape(data["text/html"])
    assert "What is left?" in data["text/plain"] and "What is left?" in in_sight(data["text/html"])


def test_the_answer_opens_after_a_commitment_and_only_one_counts():
    asked = predict("What is left?", 500.0, "USD", opens="The loan does not share.")
    asked.field.press("predict", "a lot")
    assert "must be a number" in asked.told.value and "500 USD" not in asked.told.value
    asked.field.press("predict", "900")
    words = in_sight(asked.told.value)
    assert "✗ You said 900 USD. It is 500 USD . Too much, by 400 USD." in " ".join(words.split())
    assert "The loan does not share." in words and "<svg" in asked.told.value
    assert 'role="status"' in asked.told.value and asked.field.closed
    asked.say("500")
    assert "900" in asked.told.value


def test_what_was_said_rightly_is_not_said_twice():
    asked = predict("What is left?", 500.0, "USD")
    asked.say("500 usd")
    words = " ".join(in_sight(asked.told.value.partition("<svg")[0]).split())
    assert words == "✓ You said 500 USD. Well predicted."


def test_a_press_comes_with_what_was_typed():
    asked = predict("What is left?", 500.0, "USD")
    asked.field._handle_custom_msg({"button": "predict", "words": "500"}, [])
    assert asked.reply.tone == "hit"


def test_show_me_opens_and_counts_for_nothing():
    asked = predict("What is left?", 500.0, "USD")
    tally = your_predictions()
    asked.field.press("show me")
    assert "It is <b>500 USD</b>" in asked.told.value
    assert tally.summary().startswith("You have not predicted")


def test_a_choice_is_made_of_buttons():
    asked = predict("And then?", "larger")
    assert asked.field.what["buttons"] == [*prediction.ORDER, "show me"]
    assert asked.field.what["example"] is None
    asked.field.press("smaller")
    assert "You said smaller. It is <b>larger</b>." in asked.told.value


def test_what_opens_may_follow_the_guess():
    asked = predict("What is left?", 500.0, "USD", opens=lambda guess: f"guess {guess}")
    assert "guess None" in asked.static()
    asked.say("900")
    assert "guess 900.0" in asked.told.value


def test_the_tally_follows_and_names_the_greatest_surprise():
    one, two, three = (predict(f"Question {n}?", 100.0 * n, "USD") for n in (1, 2, 3))
    tally = your_predictions()
    one.say("100")
    assert "1 of 3 predictions: 1 right, 0 near. Nothing has surprised you." in html.unescape(
        tally.value
    )
    two.say("210")
    three.say("-1000")
    assert tally.summary() == (
        "You made 3 of 3 predictions: 1 right, 1 near. Your greatest surprise: “Question 3?” "
        "You said −1,000 USD, it is 300 USD."
    )


def test_words_cannot_break_the_page():
    asked = predict("Is <b> & 'a' > \"b\"?", "<i>", options=["<i>", "</details>"])
    assert "<b> &" not in asked.static() and "<i>" not in asked.static()
    told = re.search(r'data-prediction="([^"]*)"', asked.static())[1]
    assert json.loads(html.unescape(told)) == asked.data


def test_never_is_drawn_on_no_line():
    for guess, truth in ((NAN, -0.49), (-0.49, NAN), (NAN, 0.5)):
        assert scale(guess, truth, "%") == ""
    assert "you: −50 %" in scale(-0.5, -0.49, "%")


def test_digits_that_no_reader_sees_are_not_stored():
    """They differ from one processor to another, and stored outputs are compared."""
    for answer in (0.1 + 0.2, 3 * 0.1, 0.3 - 5e-17):
        data = described("How much?", answer, "BTC")
        assert data == described("How much?", 0.3, "BTC") and data["value"] == 0.3
