"""What moves on the pages of the site, without a kernel: labs, predictions, quizzes."""

import hashlib
import json
import math
import random
import re
import statistics

import pytest

from margin_course import picture as pictures
from margin_course.prediction import described, reply
from margin_course.text import amount
from margin_lib.errors import MarginError
from tests.support import browser
from tests.support.waiting import CAP, until
from tools.notebooks import run as notebooks
from tools.publish import labs, live
from tools.publish.site import SITE

LABS = SITE / live.LABS
NOTEBOOKS = sorted(labs.NOTEBOOKS.glob("*.ipynb"))
PROGRAMS = {
    labs.key(program): program
    for path in NOTEBOOKS
    for program in labs.programs(notebooks.read(path))
}
WIDTHS = (400, 1024, 1400)


def told(name):
    """What is stored under a name."""
    text = (LABS / f"{name}.js").read_text(encoding="utf-8")
    said, data = re.fullmatch(r"marginCourse\.told\((\".+?\"), (.+)\);\n", text).groups()
    assert json.loads(said) == name
    return json.loads(data)


def places(name):
    """(other, place, state) of all that is stored of a lab."""
    lengths = [len(control["values"]) for control in told(f"{name}/lab")["controls"]]
    for path in (LABS / name).glob("*-*.js"):
        other, first = map(int, path.stem.split("-"))
        for number, state in enumerate(told(f"{name}/{path.stem}")):
            place = []
            for length in reversed(lengths[1:]):
                number, at = divmod(number, length)
                place.append(at)
            yield other, [first, *reversed(place)], state


def heard(page):
    """Remember what a page complains of."""
    found = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("requestfailed", lambda asked: found.append(f"failed: {asked.url}"))
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    return found


@pytest.fixture(scope="module", params=WIDTHS)
def page(chrome, request):
    page = chrome.new_page(viewport={"width": request.param, "height": 900})
    page.heard = heard(page)
    yield page
    page.close()


def address(path):
    return (SITE / "notebooks" / f"{path.stem}.html").as_uri()


def opened(page, number=0):
    """A lab of the page that is open, once it moves."""
    place = page.locator("[data-lab]").nth(number)
    place.scroll_into_view_if_needed()
    place.locator(".mc-grid").wait_for(timeout=1000 * CAP)
    return place


def shown(lab):
    """Words and picture of a lab."""
    return lab.locator(".mc-words").inner_text(), lab.locator(".mc-picture").get_attribute("src")


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_state_is_what_the_lab_says(name):
    """Words exactly, everywhere; tiles, handles and the picture at three places."""
    lab = labs.lab_of(PROGRAMS[name])
    where = labs.grid(lab)
    every = list(places(name))
    count = math.prod(len(values) for values in where.values.values())
    assert len(every) == count * len(where.others)
    wrong = []
    for other, place, state in every:
        values = where.at(other, place)
        lab.set(**lab.presets["start"])
        try:
            words = [*lab.compute(lab.scenario, **values).words]
        except MarginError:  # the exchange refuses
            words = lab.at(**values).summary().split("\n")
        if state["words"] != words or state["controls"] != pytest.approx(values):
            wrong.append((values, state["words"], words))
    assert wrong == []
    for other, place, state in random.Random(name).sample(every, min(3, len(every))):
        there = lab.at(**where.at(other, place))
        fresh = there.state()
        picture = labs.webp(there)
        assert state["picture"] == f"{hashlib.sha256(picture).hexdigest()[:12]}.webp"
        assert (LABS / name / state["picture"]).read_bytes() == picture
        assert [state[part] for part in ("tiles", "alt")] == [fresh["tiles"], fresh["alt"]]
        # A page has no handle for a control that it does not show.
        held = [h for h in fresh["handles"] if {m["control"] for m in h["moves"]} & {*where.values}]
        assert [h["at"] for h in state["handles"]] == [h["at"] for h in held]


RING = "handle => parseFloat(getComputedStyle(handle, '::before').width)"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_every_lab_moves(page, path):
    """By each control with keys, by the handle with a drag, by each button."""
    browser.afresh(page, address(path))
    for number in range(page.locator("[data-lab]").count()):
        lab = opened(page, number)
        known = {
            (tuple(sorted(state["controls"].items())), "\n".join(state["words"]))
            for _, _, state in places(lab.get_attribute("data-lab"))
        }
        said = {words for _, words in known}
        first = shown(lab)
        assert first[0] in said
        moved = 0
        for control in lab.locator(".mc-control :is(input, select):visible").all():
            if control.is_disabled():
                continue
            control.focus()
            at = int(control.evaluate("c => c.selectedIndex ?? c.value"))
            end = int(control.evaluate("c => c.options ? c.options.length - 1 : c.max"))
            listed = control.evaluate("c => c.matches('select')")
            ahead, back = ("ArrowDown", "ArrowUp") if listed else ("ArrowRight", "ArrowLeft")
            # Two words of a list may say the same where the lab stands, never all of them.
            keys = [back] * at + [ahead] * end if listed else [back if at == end else ahead]
            before, seen = shown(lab), set()
            for key in keys:
                stood = lab.get_attribute("data-shown")
                page.keyboard.press(key)
                until("the move", lambda lab=lab, old=stood: lab.get_attribute("data-shown") != old)
                seen.add(shown(lab))
                if seen - {before}:
                    break
            assert seen - {before}, control.evaluate("c => c.labels[0].innerText")
            assert shown(lab)[0] in said
            moved += 1
        assert moved
        for button in lab.locator(".mc-preset").all():
            button.dispatch_event("click")
        handle = lab.locator(".mc-handle:visible")
        if handle.count():
            box = handle.first.bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            before = shown(lab)
            # The ring is as large beside the words of its picture, however wide that is shown.
            ring = handle.first.evaluate(RING)
            wide = lab.locator(".mc-picture").bounding_box()["width"]
            assert ring == pytest.approx(wide * pictures.RING / 540, abs=2) and box["width"] >= 24
            handle.first.focus()
            for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"):
                page.keyboard.press(key)
                page.keyboard.press(f"Shift+{key}")
            page.mouse.move(x, y)
            page.mouse.down()
            for step in range(1, 6):
                page.mouse.move(x + 12 * step, y - 12 * step)
            page.mouse.up()
            until("a word of the lab", lambda lab=lab, said=said: shown(lab)[0] in said)
        picture = lab.locator(".mc-picture")
        until("a picture", lambda picture=picture: picture.evaluate("p => p.naturalWidth") == 540)
        assert picture.get_attribute("alt").count(" ") > 5
    assert page.heard == []


def test_a_film_plays_to_its_end(page):
    (path,) = [path for path in NOTEBOOKS if path.stem.startswith("03")]
    page.goto(address(path))
    lab = opened(page, 1)
    lab.locator(".mc-play").click()
    slider = lab.locator("input[type=range]:visible")
    until("the end", lambda: slider.input_value() == slider.get_attribute("max"))
    until("pause is over", lambda: lab.locator(".mc-play").inner_text() == "▶ Play")


def test_without_javascript_there_is_all_to_read(chrome):
    context = chrome.new_context(java_script_enabled=False, viewport={"width": 400, "height": 900})
    page = context.new_page()
    for path in NOTEBOOKS:
        page.goto(address(path))
        for place in page.locator("[data-lab]").all():
            assert place.locator("figure img").is_visible()
            assert place.locator(".mc-every a").count() == 2
        for place in page.locator("[data-prediction]").all():
            assert place.locator("details").is_visible()
            assert not place.locator("details > p").first.is_visible()
    context.close()


def test_a_prediction_opens_its_answer(page):
    (path,) = [path for path in NOTEBOOKS if path.stem.startswith("01")]
    browser.afresh(page, address(path))
    places = page.locator("[data-prediction]")
    surprises = 0
    for number, place in enumerate(places.all()):
        data = json.loads(place.get_attribute("data-prediction"))
        answer = place.locator("details")
        assert not answer.is_visible()
        if data["kind"] == "number":
            place.locator("input").fill("much")
            place.locator("input").press("Enter")
            until("a refusal", lambda place=place: "must be a number" in place.inner_text())
            assert not answer.is_visible()
            guess = "-0.123"
            place.locator("input").fill(guess)
            place.locator("input").press("Enter")
        else:
            guess = data["options"][number % len(data["options"])]["says"]
            place.get_by_role("button", name=guess, exact=True).click()
        wanted = reply(data, guess)
        surprises += wanted.tone != "hit"
        words = place.locator("[role=status]").inner_text()
        assert f"You said {wanted.said}." in words and wanted.words in words
        assert answer.is_visible() and data["answer"] in answer.inner_text()
        assert place.locator("button:enabled").count() == 0
    total = places.count()
    tally = page.locator("[data-tally]").inner_text()
    assert f"You made {total} of {total} predictions" in tally
    assert ("greatest surprise" in tally) == (surprises > 0)
    assert page.heard == []


def test_the_quiz_counts_first_tries(page):
    (path,) = [path for path in NOTEBOOKS if path.stem.startswith("01")]
    page.goto(address(path))
    questions = json.loads(page.locator("[data-quiz]").get_attribute("data-quiz"))
    for number, question in enumerate(questions):
        place = page.locator(".mc-question").nth(number)
        for option in question["options"]:
            assert option["because"] not in place.inner_text()
            place.get_by_role("button", name=option["says"], exact=True).click()
            verdict = place.locator("[role=status]").inner_text()
            assert option["because"] in verdict
            assert ("Right." if option.get("right") else "Not so.") in verdict
    first = sum(bool(question["options"][0].get("right")) for question in questions)
    score = page.locator(".mc-score").inner_text()
    assert score == f"{first} of {len(questions)} right at the first try."


def test_the_page_reads_a_guess_as_the_library_does(chrome, tmp_path):
    """Numbers in words, and what is said of a guess: the script beside Python."""
    tried = tmp_path / "tried.js"
    line = 'import { amount, reply } from "./answers.js";\nglobalThis.tried = { amount, reply };\n'
    tried.write_text(line, encoding="utf-8")
    page = chrome.new_page()
    page.evaluate(live.bundled(tried))
    units, source = ("USD", "%", "x", "", "BTC"), random.Random(7)
    numbers = [source.choice((1, -1)) * 10 ** source.uniform(-7, 8) for _ in range(500)]
    numbers += [0.0, 0.125, 1234.125, 2.5, 0.0999996, 99.995, -1e-12, 0.045, 1.005, 1.015]
    pairs = [(number, unit) for number in numbers for unit in units]
    said = page.evaluate("pairs => pairs.map(([n, u]) => tried.amount(n, u))", pairs)
    assert said == [amount(number, unit) for number, unit in pairs]
    guesses = "500|500 usd|$500|5,000|1,234,567.5|5 000|5_000|-0.5|− 0,5|50%|-50 %|50 percent|50|5x"
    guesses += "|.5|1e3|never|“Never”.||a lot|5 BTC|inf|nan|1e999|5,00,0|--5|0|1,000|5.|+5|5..|1 2"
    truths = [(500.0, "USD", None), (500.0, "USD", 1000.0), (-0.5, "%", None), (1 / 3, "%", None)]
    truths += [(math.nan, "USD", None), (0.0, "USD", None), (5.0, "x", None), (-3.25, "BTC", None)]
    for truth, unit, of in truths:
        data = described("How much?", truth, unit, of=of)
        for guess in guesses.split("|"):
            call = "([data, guess]) => { try { return tried.reply(data, guess); } "
            call += "catch (error) { return error.message; } }"
            found = page.evaluate(call, [data, guess])
            try:
                wanted = {k: v for k, v in vars(reply(data, guess)).items()}
            except MarginError as error:
                wanted = error.rule
            assert found == (wanted if isinstance(wanted, str) else pytest.approx(wanted)), guess
    page.close()


LINE = {"offline": False, "latency": 20, "downloadThroughput": 1.25e6, "uploadThroughput": 1.25e6}
# As soon as there is a lab, to it; as soon as it moves, one move; when its picture is shown, when?
FIRST_MOVE = """
const wait = setInterval(() => {
  const control = document.querySelector("[data-lab] .mc-control:not([hidden]) :is(input, select)");
  const picture = document.querySelector("[data-lab] .mc-picture");
  if (!control) return void document.querySelector("[data-lab]")?.scrollIntoView();
  clearInterval(wait);
  const before = picture.src;
  new MutationObserver(async () => {
    if (picture.src === before || globalThis.moved) return;
    globalThis.moved = NaN;
    await picture.decode();
    requestAnimationFrame(() => { globalThis.moved = performance.now(); });
  }).observe(picture, { attributeFilter: ["src"] });
  globalThis.asked = performance.now();
  const [name, end] = control.options
    ? ["selectedIndex", control.options.length - 1] : ["value", Number(control.max)];
  control[name] = Number(control[name]) + (Number(control[name]) === end ? -1 : 1);
  control.dispatchEvent(new Event("input"));
}, 1);
"""
# What the move itself fetched.
FETCHED = """performance.getEntriesByType("resource").filter((one) => one.startTime >= asked)
  .reduce((sum, one) => sum + one.transferSize, 0)"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def cold(chrome, address, line=None):
    """A page that nobody opened before, up to its first moved picture.

    (first paint, moved [ms], all that was fetched, what the move fetched [kB])
    """
    context = chrome.new_context(viewport={"width": 1024, "height": 900})
    page = context.new_page()
    told = context.new_cdp_session(page)
    told.send("Network.enable")
    if line:
        told.send("Network.emulateNetworkConditions", line)
    weight = []
    told.on("Network.loadingFinished", lambda event: weight.append(event["encodedDataLength"]))
    page.add_init_script(FIRST_MOVE)
    page.goto(address, wait_until="commit")
    until("the first move", lambda: page.evaluate("globalThis.moved > 0"))
    moved = page.evaluate(FETCHED) / 1e3
    found = page.evaluate(PAINTED), page.evaluate("moved"), sum(weight) / 1e3, moved
    context.close()
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_the_first_move_of_a_cold_page(chrome, served, path):
    """From the address to the moved picture a second over a line of 10 Mb/s, and 500 kB.

    The times are printed. Held to is what the line takes for all that was fetched: how long a busy
    machine takes says nothing of a page.
    """
    address = f"{served}/notebooks/{path.stem}.html"
    if "data-lab" not in (SITE / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8"):
        return
    paint, moved, whole, weight = cold(chrome, address, LINE)
    print(f"{path.stem}: {whole:.0f} kB, {weight:.0f} of them for the move;", end=" ")
    print(f"first paint after {paint:.0f} ms, first moved picture after {moved:.0f}")
    assert 0 < weight < whole < 500
    assert 1e3 * whole / LINE["downloadThroughput"] < 1


# How long 200 moves take whose pictures are there, and beside them the same pictures in an image
# of its own, which nothing else does anything with [ms].
MOVES = """async (count) => {
  const lab = document.querySelector("[data-lab]");
  const slider = lab.querySelector(".mc-range:not([hidden]) input");
  const picture = lab.querySelector(".mc-picture");
  const frame = () => new Promise((go) => requestAnimationFrame(go));
  const changed = () => new Promise((go) => {
    const seen = new MutationObserver(() => { seen.disconnect(); go(); });
    seen.observe(picture, { attributeFilter: ["src"] });
  });
  const put = (value) => { slider.value = value; slider.dispatchEvent(new Event("input")); };
  let at = Number(slider.value), step = -1;
  const max = Number(slider.max), stored = new Map([[at, picture.src]]); // value -> its picture
  const walk = async () => {
    if (!(0 <= at + step && at + step <= max)) step = -step;
    at += step;
    const done = changed();
    put(at);
    await done;
    await picture.decode();
    stored.set(at, picture.src);
  };
  while (stored.size <= max) await walk(); // so that all of them are there
  const spare = lab.appendChild(new Image());
  const moves = [], floor = [];
  while (moves.length < count) {
    let start = performance.now();
    await walk();
    await frame();
    moves.push(performance.now() - start);
    start = performance.now();
    spare.src = stored.get(at);
    await spare.decode();
    await frame();
    floor.push(performance.now() - start);
  }
  return [moves, floor];
}"""


def test_a_move_that_was_fetched_ahead_costs_little_beside_its_picture(chrome, served):
    page = chrome.new_page(viewport={"width": 1024, "height": 900})
    (path,) = [path for path in NOTEBOOKS if path.stem.startswith("05")]
    page.goto(f"{served}/notebooks/{path.stem}.html")
    opened(page)
    moves, floor = page.evaluate(MOVES, 200)
    page.close()
    for name, times in (("moves", moves), ("pictures alone", floor)):
        middle, slow = statistics.median(times), sorted(times)[int(0.95 * len(times))]
        print(f"200 {name}: {middle:.0f} ms, 95 % below {slow:.0f}, the longest {max(times):.0f}")
    assert statistics.median(moves) < 3 * statistics.median(floor)


def test_the_whole_site_is_not_heavy():
    whole = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    print(f"whole site {whole / 1e6:.1f} MB")
    assert whole < 80e6
