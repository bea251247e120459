"""What the course "Isolated or cross?" adds to margin_lib; here is what notebooks import first."""

from margin_course.claims import Ledger, refusal
from margin_course.exercises import check, compare, hint, predict
from margin_course.page import (
    by_mode,
    chances,
    cited,
    glossary,
    positions,
    results,
    say,
    show,
    table,
    terms,
)
from margin_course.quiz import quiz
from margin_course.scenarios import Scenario, load
from margin_course.text import band, money, percent, price, ratio, rough, share

__all__ = [
    "Ledger",
    "Scenario",
    "band",
    "by_mode",
    "chances",
    "check",
    "cited",
    "compare",
    "glossary",
    "hint",
    "load",
    "money",
    "percent",
    "positions",
    "predict",
    "price",
    "quiz",
    "ratio",
    "refusal",
    "results",
    "rough",
    "say",
    "share",
    "show",
    "table",
    "terms",
]
