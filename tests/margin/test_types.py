"""Type hints: on every function, in the wheel, and of use to code that uses the library."""

import ast
import re
import subprocess
import sys
import sysconfig
import zipfile

import pytest

from tools.handout import wheels

# What a checker must refuse is marked; it must accept all the rest.
USE = """
from fractions import Fraction

import numpy as np

from margin_course import load
from margin_lib import Account, Contract, Event, Tiers, formulas, liquidate
from margin_course.lessons.leverage import LeverageLab
from margin_lib.bars import Bars
from margin_lib.market import Market
from margin_lib import replay, simulate

eth = Contract(symbol="ETH", maintenance=0.02)
tiered = Contract(symbol="ETH", maintenance=Tiers.flat(0.02))
account, event = Account(balance=5).open(eth, quantity=100, price=0.1, leverage=5)
held = Account(balance=5, positions=[account["ETH"]])
money: float = account.balance + account["ETH"].own_margin + tiered.maintenance[0].rate
edge: float = account.liquidation_price("ETH")
edges = formulas.liquidation_price(0.1, 100, np.array([1, 2]), rate=0.02)
formulas.pnl([1, 2], Fraction(1, 3), 2) - edges[0]
marks = {"ETH": np.array([0.1, 0.2])}
worst: float = account.risk(marks, "ETH").margin_ratio.max()
account, event = liquidate(account, {"ETH": 0.05}, "ETH")
ends = replay(account, [{"ETH": 0.1}, {"ETH": 1}]).equity.tolist()
market = Market(prices={"ETH": 100}, volatility=0.8)
bars = market.draw(np.random.default_rng(7), steps=3, paths=2)
simulate({"mine": account}, bars)["mine"].liquidated.mean()
Bars.of_marks({"ETH": [[1, 2], [3, 4]]}).close["ETH"].shape
LeverageLab(load("scenarios.toml")["leverage"]).set(leverage=3)

formulas.pnl("100", 0.1, 0.2)  # refused
formulas.pnl(100, 0.1)  # refused
Account(balance="5")  # refused
Contract(symbol=5)  # refused
account.open("ETH", quantity=1, price=1, leverage=1)  # refused
account.close("ETH")  # refused
account.risk({"ETH": "dear"})  # refused
account.liquidation_price("ETH").balance + event.kinds  # refused
money = event.kind  # refused
event = account.add_margin("ETH", 1, {"ETH": 1})  # refused
simulate(account, bars)  # refused
replay(account, market)  # refused
LeverageLab("leverage")  # refused
"""


def without_hints(source):
    """Names of the functions that lack a hint for a parameter or for the result."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            known = function.args
            given = [*known.posonlyargs, *known.args, *known.kwonlyargs, known.vararg, known.kwarg]
            hints = [each.annotation for each in given if each and each.arg not in ("self", "cls")]
            if None in (*hints, function.returns):
                yield function.name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return wheels.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Python of a new set-up into which the wheel was installed; other packages are those here."""
    folder = tmp_path_factory.mktemp("user") / "venv"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install = ["pip", "install", "--quiet", "--no-deps", "--python", folder, wheel]
    subprocess.run([*uv, *install], check=True)
    (packages,) = folder.glob("[Ll]ib/**/site-packages")
    (packages / "here.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder / "bin" / "python"


def test_a_missing_hint_is_found():
    source = "def f(a: int, *b) -> int: ...\ndef g(self, *, c=0) -> int: ...\ndef h(a: int): ..."
    assert list(without_hints(source)) == ["f", "g", "h"]
    assert list(without_hints("def f(self, a: int, **b: int) -> None: ...")) == []


def test_every_function_has_hints(root):
    for path in root.glob("margin_*/**/*.py"):
        assert list(without_hints(path.read_text(encoding="utf-8"))) == [], path.name


def test_the_wheel_holds_the_marker_and_all_data(root, wheel):
    files = root.glob("margin_*/**/*")
    kinds = (".py", ".toml", ".typed", ".css", ".js")
    kept = {p.relative_to(root).as_posix() for p in files if p.suffix in kinds}
    assert {
        "margin_lib/py.typed",
        "margin_lib/venues.toml",
        "margin_course/py.typed",
        "margin_course/answers/__init__.py",
    } <= kept
    with zipfile.ZipFile(wheel) as packed:
        assert kept == {name for name in packed.namelist() if ".dist-info/" not in name}


def test_a_checker_knows_right_use_from_wrong_use_and_accepts_the_examples(python, root, tmp_path):
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    lab, answer = re.findall(r"```python\n(.*?)```", page, re.S)
    for name, text in (("use", USE), ("lab", lab), ("answer", answer)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    # The settings of margin_course/lessons/, which the example of a lab is to be copied to.
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\ndisallow_untyped_defs = true\n[mypy-lab]\ndisable_error_code = override\n"
    )
    command = [sys.executable, "-m", "mypy", "--python-executable", python]
    run = subprocess.run(
        [*command, "--cache-dir", root / ".mypy_cache" / "use", "use.py", "lab.py", "answer.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    wrong = [n for n, line in enumerate(USE.splitlines(), start=1) if "# refused" in line]
    refused = re.findall(r"(?m)^(\w+)\.py:(\d+): error: ", run.stdout)
    assert sorted({*refused}) == [("use", str(n)) for n in wrong], run.stdout + run.stderr
