"""What the docstrings of the mathematics must say.

Sections are "Parameters", "Returns" and "Raises" with a line of dashes below, and paragraphs that
begin with "Equation" or "Source:". A sentence such as "Returns and errors as for `name`" stands for
the sections that it lists, if the function of that name has them; a bare name is looked up in the
same class, then in the module, and never means the function itself. A unit is in brackets: [quote],
[1 per hour].
"""

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap

import pytest

MODULES = [
    "margin_lib.errors", "margin_lib.contracts", "margin_lib.formulas", "margin_lib.spot",
    "margin_lib.account", "margin_lib.liquidation", "margin_lib.bars", "margin_lib.market",
    "margin_lib.replay", "margin_lib.simulate", "margin_lib.venues", "margin_lib.exchanges",
    "margin_lib.differences", "margin_course.scenarios",
]  # fmt: skip
SECTIONS = {
    "Parameters": r"^Parameters\n-{10}$",
    "Returns": r"^Returns\n-{7}$",
    "Raises": r"^Raises\n-{6}$",
    "Equation": r"^Equations?[,:]",
    "Source": r"^Source:",
}
WORDS = {"errors": "Raises", **{section.lower(): section for section in SECTIONS}}
REFERENCE = rf"((?:(?:{'|'.join(WORDS)}|and)\b,? )+)as for `([\w.]+)`"
UNIT = re.compile(r"\[(1|quote|coin|hour|contract|unit)\b[^\]]*\]")
NUMBER = re.compile(r"(float|number|array_like)\b")
# What is no number has no unit.
WITHOUT_UNIT = {
    "symbol", "mode", "cross", "isolated", "is_liquidatable", "jumps", "have_wicks", "end", "marks",
    "liquidations", "dead", "liquidated", "holdings", "adds_up",
}  # fmt: skip
BOUNDS = re.compile(r"above|at least|at most|below|between|<|\b0 to 1\b|rising")
# Who calls one of these, or raises, can raise MarginError for more than the bounds of a number.
CHECKS = {"mark", "checked_marks", "_check_alive", "_must_be"}


def members():
    """Every public class, function, method and property: its name, itself, where names are."""
    for name in MODULES:
        module = importlib.import_module(name)
        for key, value in vars(module).items():
            if key.startswith("_") or getattr(value, "__module__", "") != module.__name__:
                continue
            yield f"{name.partition('.')[2]}.{key}", value, (module,)
            for inner, method in vars(value).items() if inspect.isclass(value) else ():
                if inner.startswith("_"):
                    continue
                if isinstance(method, classmethod):
                    method = method.__func__
                if inspect.isfunction(method) or isinstance(method, property):
                    yield f"{name.partition('.')[2]}.{key}.{inner}", method, (value, module)


ALL = list(members())
CLASSES = [entry for entry in ALL if inspect.isclass(entry[1])]
PROPERTIES = [entry for entry in ALL if isinstance(entry[1], property)]
FUNCTIONS = [entry for entry in ALL if entry not in CLASSES and entry not in PROPERTIES]


def each(entries):
    return pytest.mark.parametrize(
        ("thing", "places"),
        [entry[1:] for entry in entries],
        ids=[entry[0] for entry in entries],
    )


def doc(thing):
    return inspect.getdoc(thing) or ""


def names(function):
    """The names of the parameters."""
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def found(thing, places, path):
    """What a docstring means by a name, and where that one's names are looked up."""
    for place in places:
        inner = (place,)
        value = place
        for part in path.split("."):
            inner, value = (value, *inner), getattr(value, part, None)
        if value is not None and value is not thing:
            return value, (*inner[:-1], *places)
    raise AssertionError(f"no `{path}`")


def references(thing, places, section):
    """The functions to which a docstring refers for a section."""
    text = " ".join(doc(thing).split())
    for words, path in re.findall(REFERENCE, text, flags=re.IGNORECASE):
        if section in {WORDS.get(word) for word in re.findall(r"\w+", words.lower())}:
            yield found(thing, places, path)


def has(thing, places, section):
    if re.search(SECTIONS[section], doc(thing), flags=re.MULTILINE):
        return True
    others = list(references(thing, places, section))
    return bool(others) and all(has(*other, section) for other in others)


def body(thing, section):
    """The text of a section with dashes, up to the next empty line at its indent."""
    _, _, rest = doc(thing).partition(f"{section}\n{'-' * len(section)}\n")
    return rest.partition("\n\n")[0]


def parameters(thing, places):
    """Name -> type and text, the parameters of other functions included."""
    entries = {}
    for other in references(thing, places, "Parameters"):
        entries.update(parameters(*other))
    for line in re.split(r"\n(?! )", body(thing, "Parameters")):
        left, _, right = line.partition(" : ")
        for name in left.split(", "):
            entries[name] = right
            for path in re.findall(r"^as for `([\w.]+)`", right):
                entries[name] = parameters(*found(thing, places, path))[name]
    return entries


def check_parameters(wanted, entries):
    assert [name for name in wanted if name not in entries] == []
    for name in wanted:
        assert UNIT.search(entries[name]) or not NUMBER.match(entries[name]), name


def calls(function):
    """(name, call) of everything that a function calls."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def checks(function):
    """Whether a function refuses more than a number outside the bounds of its line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raises = any(isinstance(node, ast.Raise) for node in ast.walk(tree))
    return raises or any(name in CHECKS for name, _ in calls(function))


def bounded(function):
    """The parameters that a function checks against bounds itself."""
    for name, call in calls(function):
        bounds = name in ("number", "one_number") and [
            word.arg for word in call.keywords if word.arg
        ]
        if bounds and getattr(call.args[1], "id", "") in names(function):
            yield call.args[1].id


@each([entry for entry in FUNCTIONS if entry[0].startswith("formulas.")])
def test_a_formula_says_everything(thing, places):
    """Its sections and an example; every parameter by name; units of numbers and result."""
    missing = [section for section in SECTIONS if not has(thing, places, section)]
    assert missing in ([], ["Raises"])
    assert ">>> " in doc(thing)
    check_parameters(names(thing), parameters(thing, places))
    returns = body(thing, "Returns")
    assert UNIT.search(returns) or not returns  # not there: it is that of the formula referred to


@each([entry for entry in FUNCTIONS if names(entry[1])])
def test_what_takes_arguments_says_what_they_are_and_what_comes_out(thing, places):
    """Every parameter is named: in the section if there is one, otherwise anywhere. The result has
    a section or a unit. Bounds stand in the line of their parameter; what else is refused stands
    under "Raises". There is an example."""
    text = doc(thing)
    if has(thing, places, "Parameters"):
        check_parameters(names(thing), parameters(thing, places))
    else:
        prose = text.partition(">>>")[0]
        assert [name for name in names(thing) if not re.search(rf"\b{name}\b", prose)] == []
    for name in bounded(thing):
        line = parameters(thing, places)[name] if has(thing, places, "Parameters") else text
        assert BOUNDS.search(" ".join(line.split())), name
    assert has(thing, places, "Returns") or UNIT.search(text)
    assert has(thing, places, "Raises") or not checks(thing)
    assert ">>> " in text


@each(CLASSES)
def test_a_class_says_what_it_holds(thing, places):
    """Every field by name, with a unit if it is a number, and an example."""
    fields = getattr(thing, "_fields", ())
    if dataclasses.is_dataclass(thing):
        fields = [field.name for field in dataclasses.fields(thing) if field.init]
    check_parameters(fields, parameters(thing, places))
    assert ">>> " in doc(thing)


@each(PROPERTIES)
def test_a_property_is_one_line_with_a_unit(thing, places):
    assert doc(thing)
    assert "\n" not in doc(thing)
    assert UNIT.search(doc(thing)) or thing.fget.__name__ in WITHOUT_UNIT


def test_the_mathematics_is_found():
    assert len(CLASSES) > 10
    assert len(PROPERTIES) > 15
    assert len(FUNCTIONS) > 60
    assert {entry[0] for entry in ALL} >= {"formulas.pnl", "scenarios.load", "account.Account.open"}
