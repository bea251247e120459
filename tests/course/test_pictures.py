"""Pictures: they show the numbers of the accounts they are given, and paint the same way twice."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from margin_course import mandate, palette, text
from margin_course.accounts import topped_up
from margin_course.lab import judged
from margin_course.lessons.capstone import CapstoneLab, DesignPicture, MandatePicture
from margin_course.lessons.comparison import (
    FAMILIES,
    VIEWS,
    CloudLab,
    CloudPicture,
    ComparisonLab,
    LossPicture,
    PlanePicture,
    Room,
    _differences,
    _heat,
    _kinds,
    family,
    of_families,
)
from margin_course.lessons.cross_margin import CrossPicture
from margin_course.lessons.faq_checks import EdgesPicture, FundingLab, FundingPicture
from margin_course.lessons.isolated_margin import PocketsPicture
from margin_course.lessons.leverage import LeveragePicture
from margin_course.lessons.other_modes import (
    EACH,
    SCANS,
    Third,
    ThirdLab,
    ThirdPicture,
    TopUpPicture,
    edges_of,
    third_way,
)
from margin_course.lessons.real_exchanges import (
    CurvesPicture,
    LadderPicture,
    RulesLab,
    RulesPicture,
)
from margin_course.lessons.stress import (
    STAGES,
    QueueLab,
    QueuePicture,
    StressLab,
    StressPicture,
    SurvivalPicture,
    WaterfallLab,
    WaterfallPicture,
)
from margin_course.lessons.terms import TermsPicture
from margin_course.lessons.your_account import AccountPlane, YourAccountLab
from margin_course.modes import FlowPicture, PathPicture, both_modes, sides_of
from margin_course.palette import CROSS, DEAD, INK, INKS, ISOLATED, PATTERNS, REGIONS
from margin_course.picture import RING, grid, hatched, pattern, rgb
from margin_course.scenarios import load
from margin_lib.account import MODES
from margin_lib.liquidation import liquidate
from margin_lib.replay import replay
from tests.support.lessons import LABS, PICTURES

FILES = ["notebooks/scenarios.toml", "tests/support/other_scenarios.toml"]


@pytest.fixture(params=FILES)
def book(request, root):
    # Without [labels]: the tests know the words of the course.
    return {name: replace(each, labels={}) for name, each in load(root / request.param).items()}


def single(scenario, change=0.0):
    symbol = scenario.trades[0].symbol
    return replay(scenario.account("isolated"), [scenario.marks(**{symbol: change})])


def trials(task):
    bars = mandate.drawn(task, {}, 7, 100)
    designs = task.mandate["designs"].items()
    return {name: mandate.hold(mandate.Design(task, name, rows), bars) for name, rows in designs}


def states(book):
    """Every picture with a state that it can show."""
    cross = book["cross"]
    pair = both_modes(cross, [cross.marks(**cross.moves["contagion"])])
    walk = both_modes(cross, cross.path(next(iter(cross.paths))))
    return {
        LeveragePicture: (book["leverage"], single(book["leverage"], 0.1)),
        TermsPicture: (book["leverage"], single(book["leverage"], -0.1)),
        PocketsPicture: (book["isolated"], single(book["isolated"], -0.5)),
        CrossPicture: (cross, pair),
        PlanePicture: (cross, pair),
        CloudPicture: (cross, CloudLab(cross).shown.state),
        LossPicture: (cross, cross.outcomes(paths=100)),
        FlowPicture: (book["leverage"], jumped(book["leverage"]).transfers),
        PathPicture: (cross, {**walk, "step": 3}),
        AccountPlane: (book["account"], YourAccountLab(book["account"]).shown.state),
        MandatePicture: (book["capstone"], trials(book["capstone"])),
        DesignPicture: (book["capstone"], CapstoneLab(book["capstone"]).shown.state),
        FundingPicture: (
            book["isolated"],
            {mode: (range(91), [-0.2] * 91, [1.0] * 91) for mode in ("isolated", "cross")},
        ),
        EdgesPicture: (cross, {"as it is": (0.47, 0.78), "more coins": (0.43, np.nan)}),
        ThirdPicture: (cross, third_way(cross, share=1.0, ETH=-0.2, ADA=0.1)),
        TopUpPicture: (cross, topped_up(cross, "ADA", np.linspace(0, 1, 101))),
        LadderPicture: (book["exchange"], ladder(book["exchange"])),
        RulesPicture: (book["exchange"], rules_state(book["exchange"])),
        CurvesPicture: (cross, {"one": ([0.2, 0.8], [0.1, 0.9], 1)}),
        StressPicture: (book["stress"], crash(book["stress"]).shown.state),
        WaterfallPicture: (book["stress"], stage(book["stress"], 5.5)),
        QueuePicture: (book["stress"], QueueLab(book["stress"]).shown.state),
        SurvivalPicture: (
            book["stress"],
            {
                "dates": pd.date_range("2018-01-01", periods=60),
                "held": 4.0,
                "isolated": np.linspace(2, 5, 60),
                "cross": np.linspace(3, 15, 60),
            },
        ),
    }


def crash(scenario, fall=-0.9):
    """A deep fall of the first trade, told to its end."""
    symbol = scenario.trades[0].symbol
    lab = StressLab(replace(scenario, moves={"crash": {symbol: fall}}))
    lab.set(time=1.0)
    return lab


def stage(scenario, depth):
    return WaterfallLab(scenario).at(depth=depth).shown.state


def jumped(scenario):
    """The event of a long that jumps over its bankruptcy price."""
    account, (trade, *_) = scenario.account("isolated"), scenario.trades
    return liquidate(account, scenario.marks(**{trade.symbol: -0.5}), trade.symbol)[1]


def rules_state(scenario):
    account = scenario.account("isolated")
    plain = 1.001 * account.liquidation_price("ETH")
    return {"account": account, "plain": plain, "at": True, "mark": 0.01}


def ladder(scenario):
    entry, reach = scenario.trades[0].price, scenario.trades[0].price / scenario.trades[0].leverage
    return {"first": (entry - reach, entry + reach), "second": (np.nan, entry + 0.9 * reach)}


def test_every_picture_is_tried_here(book):
    assert set(states(book)) == set(PICTURES.values())


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_picture_painted_again_is_the_same_and_leaves_nothing_behind(book):
    for kind, (scenario, state) in states(book).items():
        picture = kind(scenario)
        first = picture.plot(state).png()
        count = len(picture.artists)
        kept = [(len(ax.get_children()), len(ax.containers)) for ax in picture.axes]
        assert np.array_equal(pixels(picture.plot(state).png()), pixels(first))
        assert len(picture.artists) == count
        assert [(len(ax.get_children()), len(ax.containers)) for ax in picture.axes] == kept


def test_no_picture_has_a_hatch_of_matplotlib_s(book):
    """It takes a millisecond, and its colour depends on the version."""
    for kind, (scenario, state) in states(book).items():
        picture = kind(scenario).plot(state)
        hatches = {getattr(part, "get_hatch", lambda: None)() for part in picture.figure.findobj()}
        assert hatches == {None}, kind.__name__


@pytest.mark.parametrize("kind", ["lines", "crossed"])
@pytest.mark.parametrize(
    "ends", [(0.1, 0.2, 0.7, 0.6), (-1, 0.5, 0.5, 9), (0.3, 0.4, 0.301, 0.9), (2, 2, 3, 3)]
)
def test_lines_of_a_rectangle_stay_within_it_and_within_its_axes(ends, kind):
    figure = Figure(figsize=(2, 1), dpi=100)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes((0.25, 0.2, 0.5, 0.6))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    hatched(ax, *ends, "#ffffff", kind=kind, ink=DEAD)
    canvas.draw()
    painted = np.asarray(canvas.buffer_rgba())[::-1, :, :3]
    rows, columns = np.nonzero((painted != 255).any(axis=2))
    left, low, right, high = np.clip(ends, 0, 1)
    wide, tall = 100 * (right - left), 60 * (high - low)
    if wide < 1 or tall < 1:
        assert len(rows) == 0
        return
    edges = 50 + 100 * left, 20 + 60 * low, 50 + 100 * right, 20 + 60 * high
    assert columns.min() >= edges[0] - 0.5 and columns.max() < edges[2] + 0.5
    assert rows.min() >= edges[1] - 0.5 and rows.max() < edges[3] + 0.5
    # A third of the dots lies on or beside a line of one way, more where lines cross.
    share = len(rows) / (wide * tall)
    assert 0.25 < share < 0.7 and (share > 0.45) == (kind == "crossed")
    assert (painted == rgb(DEAD)).all(axis=2).any()


TEX = "$\\bad$ _a^b"  # what TeX would stumble over


@pytest.mark.parametrize("kind", PICTURES.values(), ids=PICTURES)
def test_words_from_data_are_never_taken_for_tex(kind, root):
    book = load(root / FILES[0])
    scenario, state = states(book)[kind]
    scenario = replace(scenario, currency=TEX, labels={"price": TEX, "equity": TEX, "now": TEX})
    made = kind(scenario).plot(state)
    assert made.png().startswith(b"\x89PNG")
    said = [each for each in made.figure.findobj(Text) if each.get_text()]
    assert said and not [each.get_text() for each in said if each.get_parse_math()]


@pytest.mark.parametrize("kind", LABS.values(), ids=LABS)
def test_a_lab_bears_a_currency_that_looks_like_tex(kind, root):
    scenario = load(root / FILES[0])[kind.starts_in]
    lab = kind(replace(scenario, currency=TEX))
    assert bytes(lab._screen.picture).startswith(b"\x89PNG")


def test_every_picture_fits_a_notebook_and_shows_something(book):
    for kind, (scenario, state) in states(book).items():
        picture = kind(scenario)
        blank = pixels(picture.png())
        shown = pixels(picture.plot(state).png())
        assert shown.shape[1] <= 560
        assert (shown != blank).mean() > 0.0005


def test_the_level_of_compression_changes_the_size_and_not_the_picture(book):
    scenario, state = states(book)[CrossPicture]
    picture = CrossPicture(scenario).plot(state)
    small = picture.png(level=9)
    assert len(small) < len(picture.png())
    assert np.array_equal(pixels(small), pixels(picture.png()))


def test_a_png_holds_the_pixels_that_were_painted(book):
    scenario, state = states(book)[PocketsPicture]
    picture = PocketsPicture(scenario).plot(state)
    shown = pixels(picture.png())
    assert np.array_equal(shown, np.asarray(picture.canvas.buffer_rgba())[:, :, :3])


def labels(picture):
    every = [*picture.grounded, *picture.artists]
    return [artist for artist in every if isinstance(artist, Text)]


def words(picture):
    return [artist.get_text() for artist in labels(picture)]


def test_the_plane_says_the_walls_of_the_account(book):
    scenario, state = states(book)[PlanePicture]
    account = scenario.account("isolated")
    told = PlanePicture(scenario).plot(state).alt(state)
    for trade in scenario.trades:
        wall = account.liquidation_price(trade.symbol) / trade.price - 1
        assert text.percent(wall) in told


def test_the_line_of_the_plane_is_where_cross_equity_meets_maintenance(book):
    scenario, state = states(book)[PlanePicture]
    picture = PlanePicture(scenario).plot(state)
    (line,) = [a for a in picture.grounded if getattr(a, "get_linewidth", int)() == 3]
    account = scenario.account("cross")
    assert len(line.get_xdata()) == 2
    for x, y in zip(*line.get_data(), strict=True):
        first, second = (trade.symbol for trade in scenario.trades)
        risk = account.risk(scenario.marks(**{first: x, second: y}))
        assert risk.equity == pytest.approx(risk.maintenance_margin, abs=1e-9 * risk.notional)


def test_every_point_of_the_plane_has_the_colour_of_what_is_left_there(book):
    """Compared with accounts that are moved there, one by one."""
    rng = np.random.default_rng(1)
    for side in ("long", "short"):
        scenario = book["cross"].with_trade("ADA", side=side)
        picture = PlanePicture(scenario).plot(both_modes(scenario, [scenario.marks()]))
        pixels = next(a for a in picture.grounded if hasattr(a, "pixels")).pixels
        high, wide = pixels.shape[:2]
        low, top = picture.limits
        for row, column in rng.integers((high, wide), size=(60, 2)):
            at = [low + (n + 0.5) / size * (top - low) for n, size in ((column, wide), (row, high))]
            changes = dict(zip(("ETH", "ADA"), np.maximum(at, -0.9999), strict=True))
            runs = both_modes(scenario, [scenario.marks(**changes)])
            dead = [s in runs["isolated"].dead for s in ("ETH", "ADA")] + [bool(runs["cross"].dead)]
            which = family(int(np.dot([1, 2, 4], dead)))
            plain, ink = rgb(REGIONS[which]), rgb(INKS[which])
            marked = (0.45 * ink + 0.55 * plain).astype(np.uint8)
            assert any(np.array_equal(pixels[row, column, :3], x) for x in (plain, marked))


@pytest.mark.parametrize("view", VIEWS[1:])
def test_the_other_views_of_the_plane_say_which_account_holds_more(book, view):
    scenario = book["cross"]
    lab = ComparisonLab(scenario)
    rng = np.random.default_rng(2)
    lab.set(view=view)
    picture = lab.canvas
    x, y = grid(picture.axes[0])
    runs = lab.shown.state
    starts = [runs[mode].start for mode in ("isolated", "cross")]
    where = [*starts, runs["cross"].marks, ["ETH", "ADA"]]
    worth = _differences(*where, view, _kinds(*where, x, y), x, y)
    for row, column in rng.integers(worth.shape, size=(40, 2)):
        move = scenario.marks(ETH=max(x[row, column], -0.9999), ADA=max(y[row, column], -0.9999))
        path = [move] if view == VIEWS[1] else [move, scenario.marks()]
        ends = both_modes(scenario, path)
        more = ends["cross"].equity[-1] - ends["isolated"].equity[-1]
        assert worth[row, column] == pytest.approx(more, abs=0.01 * scenario.balance)


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["cross", "mine"])
def test_words_in_the_plane_cover_neither_each_other_nor_an_edge(book, name, side, view):
    lab = ComparisonLab(book[name])
    lab.set(side=side, view=view)
    picture = lab.canvas
    renderer, ax = picture.canvas.get_renderer(), picture.axes[0]
    boxes = [artist.get_window_extent(renderer) for artist in labels(picture)]
    for number, box in enumerate(boxes):
        assert not box.count_overlaps(boxes[number + 1 :])
        assert ax.bbox.fully_containsx(box.x0) and ax.bbox.fully_containsx(box.x1)
        assert ax.bbox.fully_containsy(box.y0) and ax.bbox.fully_containsy(box.y1)
    edges = [a for a in picture.grounded if getattr(a, "get_linewidth", int)() in (2.5, 3)]
    assert len(edges) == 3
    for edge in edges:
        path = edge.get_transform().transform_path(edge.get_path())
        assert not any(path.intersects_bbox(box, filled=False) for box in boxes)


ASKED = [{"asks": asks, "coins": share} for asks in SCANS for share in (0.0, 0.6, 1.0)]


@pytest.mark.parametrize("how", ASKED, ids=str)
def test_every_point_of_the_third_plane_has_the_colour_of_the_account_there(book, how):
    """Compared with the risk of the account at that point, where its coins have followed."""
    rng, scenario = np.random.default_rng(3), book["cross"]
    lab = ThirdLab(scenario)
    lab.set(follows=0.7, **how)
    picture, third = lab.canvas, lab.shown.state["third"]
    shown = next(a for a in picture.grounded if hasattr(a, "pixels")).pixels
    x, y = grid(picture.axes[0])
    for row, column in rng.integers(shown.shape[:2], size=(60, 2)):
        eth, ada = (max(float(a[row, column]), -0.9999) for a in (x, y))
        marks = {**scenario.marks(ETH=eth, ADA=ada), "coins": 1 + 0.7 * eth}
        dead = bool(third.risk(marks).is_liquidatable)
        light = np.array_equal(shown[row, column, :3], rgb(REGIONS[0]))
        assert light == (not dead)


@pytest.mark.parametrize("how", ASKED, ids=str)
def test_words_in_the_third_plane_cover_nothing_and_stay_in_it(book, how):
    lab = ThirdLab(book["cross"])
    for preset in lab.presets.values():
        lab.set(**{**preset, **how})
        picture, ax = lab.canvas, lab.canvas.axes[0]
        boxes = [a.get_window_extent(picture.canvas.get_renderer()) for a in labels(picture)]
        assert 2 <= len(boxes) <= 4
        for number, box in enumerate(boxes):
            assert not box.count_overlaps(boxes[number + 1 :])
            assert ax.bbox.fully_containsx(box.x0) and ax.bbox.fully_containsx(box.x1)


def test_an_account_on_cash_that_is_asked_as_cross_is_lies_on_the_line_of_cross(book):
    scenario = book["cross"]
    account = scenario.account("cross")
    (edge,) = edges_of(Third(account))
    assert edge == account.liquidation_price("ADA", scenario.marks()) / scenario["ADA"].price - 1
    lab = ThirdLab(scenario)
    lab.set(coins=0.0, asks=EACH)
    assert text.percent(edge, 1) in lab.alt()


@pytest.mark.parametrize("asks", SCANS)
def test_it_is_closed_where_its_way_crosses_the_edge(book, asks):
    scenario = book["cross"]
    state = third_way(scenario, 0.5, None, 1.0, asks, ETH=-0.6, ADA=0.9)
    third, start = state["third"], {**scenario.marks(), "coins": 1.0}
    there = third.closed_at(start, state["marks"])
    risk = third.risk(there)
    assert abs(risk.cushion) < 1e-6 * scenario.balance
    parts = [(there[m] - start[m]) / (state["marks"][m] - start[m]) for m in start]
    assert parts == pytest.approx([parts[0]] * 3)


def test_a_hundred_dots_are_the_shares_of_a_cloud(book):
    lab = CloudLab(book["cross"])
    for correlation in (-0.9, 0.0, 0.9):
        lab.set(correlation=correlation)
        counts = of_families(lab.shown.state["shares"])
        assert sum(counts) == 100
        exact = [0.0] * 4
        for kind, share in lab.shown.state["shares"].items():
            exact[family(kind)] += 100 * share
        assert np.abs(np.subtract(counts, exact)).max() < 1
        shown = [len(a.get_xdata()) for a in lab.canvas.artists if marker(a) in tuple("osDX")]
        assert sorted(n for n in shown if n > 1) == sorted(n for n in counts if n > 1)
        assert all(f"{n} {name}" in lab.alt() for n, name in zip(counts, FAMILIES, strict=True))


def test_a_full_plane_takes_no_more_words(book):
    picture = PlanePicture(book["cross"])
    room = Room(picture.axes[0])
    everywhere = np.ones_like(room.held, dtype=bool)
    here = np.zeros_like(everywhere)
    here[:3, :3] = True
    assert room.put("two words", here, INK) == []
    assert len(room.put("two words", here, INK, outside=True)) == 2
    room.held += room.full
    assert room.put("two words", everywhere, INK, outside=True) == []


def test_the_dots_of_losses_are_a_hundred_and_cross_has_full_ones_in_one_row(book):
    scenario, state = states(book)[LossPicture]
    picture = LossPicture(scenario).plot(state)
    for colour in (ISOLATED, CROSS):
        heaps = [a for a in picture.artists if marker(a) == "o"]
        heaps = [a for a in heaps if a.get_markeredgecolor() == colour]
        assert sum(len(a.get_xdata()) for a in heaps) == 100
    full = [a for a in heaps if a.get_markerfacecolor() == CROSS]
    assert all(np.all(np.abs(a.get_ydata()) < 0.5) for a in full)  # all is lost: the lowest row
    share = text.share(state["cross"].liquidated.mean())
    assert f"cross, 100 markets full: closed, {share}" in " ".join(words(picture)).replace(
        "\n", " "
    )


def test_the_dot_stays_in_sight(book):
    picture = TermsPicture(book["leverage"])
    low, high = picture.axes[0].get_ylim()
    for change, marker_there in ((0.0, "o"), (-0.6, "o"), (0.4, "^")):
        scenario = book["leverage"].with_trade("ETH", leverage=6)
        dots = [a for a in picture.plot(single(scenario, change)).artists if len(marker(a)) == 1]
        dots = [a for a in dots if marker(a) == marker_there]
        assert len(dots) == 1, change
        assert low <= dots[0].get_ydata()[0] <= high


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["INK", "QUIET", "ISOLATED", "CROSS", "YOURS", "DEAD"])
@pytest.mark.parametrize("ground", ["#ffffff"])
def test_words_in_a_colour_of_the_palette_are_readable(name, ground):
    contrast = (luminance(ground) + 0.05) / (luminance(getattr(palette, name)) + 0.05)
    assert contrast >= 4.5


def test_regions_stay_apart_in_greyscale_or_by_their_pattern():
    for one in range(4):
        for other in range(one):
            dark, light = sorted(luminance(REGIONS[n]) + 0.05 for n in (one, other))
            assert light / dark > 1.2 or PATTERNS[one] != PATTERNS[other]
    assert len(set(PATTERNS)) == 4


@pytest.mark.parametrize(("sign", "kind"), [(-1, "dots"), (1, "lines")])
def test_who_holds_more_is_told_by_a_pattern_too(sign, kind):
    shown = _heat(np.full((24, 36), 5.0 * sign), unit=5.0)[..., :3]
    light = shown.sum(axis=2)
    marked = pattern((24, 36), kind)
    assert ((light < light.max()) == marked).all()
    end = rgb(ISOLATED if sign < 0 else CROSS)
    assert np.abs(shown[~marked] - (255 + 0.85 * (end - 255.0))).max() <= 1


def test_the_two_modes_stay_apart_in_greyscale():
    dark, light = sorted(luminance(colour) + 0.05 for colour in (ISOLATED, CROSS))
    assert light / dark >= 2


def test_the_ladder_prints_every_price_and_begins_with_the_first_to_die(book):
    scenario = book["exchange"]
    state = ladder(scenario)
    picture = LadderPicture(scenario).plot(state)
    printed = [each.strip() for each in words(picture)]
    for edges in state.values():
        assert all(text.price(edge) in printed for edge in edges)
    assert "never" in printed
    heights = {artist.get_text(): artist.get_position()[1] for artist in labels(picture)}
    assert heights["the long dies at"] > heights["first"] > heights["second"]


@pytest.mark.parametrize("at", [True, False])
def test_the_lines_of_the_rules_cross_where_the_account_dies(book, at):
    scenario = book["exchange"]
    state = rules_state(scenario) | {"at": at}
    picture = RulesPicture(scenario).plot(state)
    dots = [a for a in picture.artists if getattr(a, "get_marker", str)() == "o"]
    dot, mark = dots  # where it dies, and the price now
    assert (dot.get_markerfacecolor() == INK) is at
    lines = [a for a in picture.artists if getattr(a, "get_linewidth", int)() == 2.5]
    own, asked = (line for line in lines if len(line.get_xdata()) > 100)
    (x,), (y,) = dot.get_data()
    for line in (own, asked):
        assert np.interp(x, *line.get_data()) == pytest.approx(y, rel=1e-3)
    edge = state["account"].liquidation_price("ETH")
    assert f"these rules: {text.price(edge, scenario.currency)}" in words(picture)
    (x,), (y,) = mark.get_data()
    assert x == state["mark"] and np.interp(x, *own.get_data()) == pytest.approx(y)
    assert [move[:2] for hold in picture.holds for move in hold.moves] == [("mark", "x")]


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("fee", RulesLab.fees)
def test_the_words_of_the_rules_touch_no_line(book, side, fee):
    lab = RulesLab(book["exchange"])
    for size, table, leverage in ((1, 0, 5), (200, 1, 20), (200, 2, 1)):
        lab.set(side=side, fee=fee, size=size, table=lab.tables[table], leverage=leverage)
        drawn = (a for a in lab.canvas.artists if hasattr(a, "get_xdata"))
        own, asked = (line for line in drawn if len(line.get_xdata()) > 100)
        for words, line in (("what is left of\nyour margin", own), ("what is asked for", asked)):
            box = next(a for a in labels(lab.canvas) if a.get_text() == words).get_window_extent()
            points = line.get_transform().transform(np.column_stack(line.get_data()))
            assert not any(box.padded(2).contains(x, y) for x, y in points)


def test_the_flow_is_the_ledger_of_the_event(book):
    scenario = book["leverage"]
    event = jumped(scenario)
    givers, takers = sides_of(event.transfers)
    assert sum(givers.values()) == pytest.approx(sum(takers.values()))
    picture = FlowPicture(scenario).plot(event.transfers)
    blocks = [a for a in picture.artists if hasattr(a, "get_xy") and hasattr(a, "get_height")]
    for side in (givers, takers):
        heights = {round(block.get_height(), 9) for block in blocks}
        unit = (0.86 - 0.07 * (len(side) - 1)) / sum(side.values())
        assert {round(unit * money, 9) for money in side.values()} <= heights
    for money in (*givers.values(), *takers.values()):
        assert text.money(money, scenario.currency) in " ".join(words(picture))


def test_curves_are_what_they_are_given(book):
    picture = CurvesPicture(book["cross"], shares=True, xlim=(0, 1), ylabel="share")
    picture.plot({"one": ([0.2, 0.8], [0.1, 0.9], 1)})
    assert picture.axes[0].get_xlim() == (0, 1) and picture.axes[0].get_title("left") == "share"
    assert words(picture) == ["one"]
    assert labels(picture)[0].get_position() == (0.8, 0.9)
    assert picture.axes[0].yaxis.get_major_formatter()(0.5) == "50.0 %"


def test_the_picture_of_a_crash_says_where_each_mode_dies_or_that_it_lives(book):
    scenario = book["stress"]
    lab = crash(scenario)
    state = lab.shown.state
    printed = words(lab.canvas)
    for mode in ("isolated", "cross"):
        assert f"{mode} ✕ at {text.percent(state[mode].closed, 1)}" in printed
        assert f"{mode} dies" in printed
    assert "isolated ● alive" in words(crash(scenario, -0.01).canvas)


def test_a_film_shows_only_what_has_happened_so_far(book):
    lab = crash(book["stress"])
    lab.set(between=1, time=0.99)  # one jump, at the very end
    assert [each for each in words(lab.canvas) if "✕" in each] == []
    assert [tile.life for tile in lab.shown.tiles if tile.life] == ["alive", "alive"]
    lab.set(time=1.0)
    assert len([each for each in words(lab.canvas) if "✕" in each]) == 2


def test_vessels_beside_a_crash_hold_the_money_of_the_ledger(book):
    """What left the accounts is what the market, the fund and the winners have to show for it."""
    lab = crash(book["stress"], -0.6)
    lab.set(between=1)
    state, scenario = lab.shown.state, book["stress"]
    loss = 0.6 * scenario.trades[0].notional
    fee = scenario.trades[0].contract.taker_fee * scenario.trades[0].notional
    for mode in ("isolated", "cross"):
        tally = state[mode]
        paid = scenario.balance - tally.worth + tally.fund_before - tally.fund + tally.given_up
        assert paid == pytest.approx(loss, abs=2 * fee)


def test_the_steps_of_the_waterfall_light_up_one_after_another(book):
    for depth in (0.5, 1.5, 2.5, 3.5, 4.5, 5.5):
        state = stage(book["stress"], depth)
        picture = WaterfallPicture(book["stress"]).plot(state)
        now = [a for a in labels(picture) if a.get_fontweight() == "bold"]
        names = [a.get_text() for a in now if a.get_text() in STAGES]
        assert names == [STAGES[int(depth)]]


def test_the_line_of_survival_shows_the_leverage_of_each_day(book):
    scenario, state = states(book)[SurvivalPicture]
    picture = SurvivalPicture(scenario).plot(state)
    lines = [a for a in picture.artists if len(getattr(a, "get_xdata", list)()) == 60]
    assert [line.get_ydata().tolist() for line in lines] == [
        state["isolated"].tolist(),
        state["cross"].tolist(),
    ]
    assert "held: 4.00x" in words(picture) and "Jan 18" in words(picture)


def marker(artist):
    return getattr(artist, "get_marker", lambda: "")()


# Nothing on top of anything


def places(lab):
    """Where a lab is looked at: its buttons, and both ends of each control."""
    yield from lab.presets.values()
    for name, control in lab.controls.items():
        ends = control.options if hasattr(control, "options") else (control.min, control.max)
        yield from ({name: end} for end in ends)


def written(picture):
    """All words of a picture; of ticks, those within the axes."""
    for ax in picture.axes:
        yield from (each for each in ax.get_children() if isinstance(each, Text))
        yield from (ax.xaxis.label, ax.yaxis.label)
        yield from (words for axis in (ax.xaxis, ax.yaxis) for words in at_ticks(axis))


def at_ticks(axis):
    """The words at the ticks within the axes."""
    low, high = sorted(axis.get_view_interval())
    return [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]


def everywhere(kind, root):
    """A lab's picture at the start, behind each button and at the ends: (place, picture)."""
    lab = kind(load(root / FILES[0])[kind.starts_in])
    for place in places(lab):
        lab.set(**lab.presets["start"])
        lab.set(**place)
        yield place, lab.canvas


@pytest.mark.parametrize("kind", LABS.values(), ids=LABS)
def test_words_lie_in_the_picture_and_not_on_each_other(kind, root):
    found = []
    for place, picture in everywhere(kind, root):
        frame = picture.figure.bbox
        texts = [text for text in written(picture) if text.get_text() and text.get_visible()]
        boxes = [(t.get_text(), t.get_window_extent(picture.canvas.get_renderer())) for t in texts]
        seen = [(words, box) for words, box in boxes if frame.overlaps(box)]
        for number, (words, box) in enumerate(seen):
            outside = max(-box.x0, -box.y0, box.x1 - frame.x1, box.y1 - frame.y1)
            if outside > 1:
                found.append((place, words, "sticks out"))
            for other, there in seen[number + 1 :]:
                across = min(box.x1, there.x1) - max(box.x0, there.x0)
                upwards = min(box.y1, there.y1) - max(box.y0, there.y0)
                if across > 4 and upwards > 4:
                    found.append((place, words, other))
    assert found == []


@pytest.mark.parametrize("kind", [FundingLab, StressLab], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("side", ["long", "short"])
def test_where_a_position_dies_is_in_sight_whichever_its_side(kind, side, root):
    scenario = load(root / FILES[0])[kind.starts_in]
    first, *others = scenario.trades
    rise = -0.5 if side == "long" else 0.5
    moves = {"crash": {first.symbol: rise}}
    lab = kind(replace(scenario, trades=[replace(first, side=side), *others], moves=moves))
    ax = lab.canvas.axes[0]
    low, high = ax.get_ylim()
    ends = [y for line in ax.lines for y in np.asarray(line.get_ydata(), float) if np.isfinite(y)]
    assert len(ends) > 4 and low <= min(ends) and max(ends) <= high
    names = [each for each in ax.texts if each.get_text().startswith(MODES)]
    heights = {each.get_text()[:5]: each.get_position()[1] for each in names}
    assert (heights["isola"] < heights["cross"]) == (side == "short")


@pytest.mark.parametrize("kind", LABS.values(), ids=LABS)
def test_each_line_has_a_place_for_each_of_its_numbers(kind, root):
    found = []
    for place, picture in everywhere(kind, root):
        for line in (each for each in picture.artists if isinstance(each, Line2D)):
            x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
            if x.shape != y.shape or object in (x.dtype, y.dtype):
                found.append((place, x, y))
    assert found == []


@pytest.mark.parametrize("kind", LABS.values(), ids=LABS)
def test_no_ring_around_a_handle_lies_on_the_words_of_the_horizontal_axis(kind, root):
    """Where the handle itself is in the axes: at its ends, too."""
    found = []
    for place, picture in everywhere(kind, root):
        high, renderer = picture.figure.bbox.height, picture.canvas.get_renderer()
        for ax in picture.axes:
            for words in at_ticks(ax.xaxis):
                box = words.get_window_extent(renderer)
                for hold in picture.holds:
                    x, y = hold.at[0], high - hold.at[1]
                    away = np.hypot(x - np.clip(x, box.x0, box.x1), y - np.clip(y, box.y0, box.y1))
                    if ax.axison and words.get_text() and away < RING / 2:
                        found.append((place, words.get_text()))
    assert found == []


@pytest.mark.parametrize("kind", LABS.values(), ids=LABS)
def test_a_stored_picture_is_small(kind, root):
    lab = kind(load(root / FILES[0])[kind.starts_in])
    for place in places(lab):
        lab.set(**place)
        assert len(lab.png(level=9)) < 60_000


def test_a_guess_is_marked_until_the_next_state(root):
    scenario = load(root / FILES[0])["leverage"]
    account = scenario.account("isolated")
    state = judged(account, scenario.marks(ETH=-0.1))
    picture = TermsPicture(scenario).plot(state)
    plain = picture.png()
    for x in (None, np.nan):
        assert picture.guessed(x).png() == plain
    seen = {plain}
    for x in (-0.3, 0.2, 99):  # the last one beyond the axis: at its end
        marked = picture.plot(state).guessed(x)
        assert "you" in [each.get_text().strip() for each in written(marked)]
        seen.add(marked.png())
    assert len(seen) == 4
    assert picture.plot(state).png() == plain
    assert picture.plot(judged(account, scenario.marks())).png() not in seen
