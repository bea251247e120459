"""What the course "Isolated or cross?" adds to margin_lib; here is what notebooks import first."""

from margin_course import shell
from margin_course.accounts import (
    BROKEN,
    covered,
    falling,
    hedge,
    in_coins,
    in_dollars,
    topped_up,
)
from margin_course.claims import CLAIMS, Ledger, only_realised_profit_counts, refusal
from margin_course.exercises import check, given, hint
from margin_course.inventory import fifteen_questions
from margin_course.lessons.cross_margin import CrossPicture
from margin_course.modes import PathLab, PathPicture, both_modes, outcomes
from margin_course.myths import card
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
from margin_course.prediction import order, predict, your_predictions
from margin_course.prose import minutes, prose_is_fresh
from margin_course.quiz import practice, quiz
from margin_course.rulebooks import WhatMayIDo, menus, rule_books
from margin_course.scenarios import Scenario, load
from margin_course.text import amount, band, money, percent, price, ratio, rough, share

__all__ = [
    "BROKEN",
    "CLAIMS",
    "CrossPicture",
    "Ledger",
    "PathLab",
    "PathPicture",
    "Scenario",
    "WhatMayIDo",
    "amount",
    "band",
    "both_modes",
    "by_mode",
    "card",
    "chances",
    "check",
    "cited",
    "covered",
    "falling",
    "fifteen_questions",
    "given",
    "glossary",
    "hedge",
    "hint",
    "in_coins",
    "in_dollars",
    "load",
    "menus",
    "minutes",
    "money",
    "only_realised_profit_counts",
    "order",
    "outcomes",
    "percent",
    "positions",
    "practice",
    "predict",
    "price",
    "prose_is_fresh",
    "quiz",
    "ratio",
    "refusal",
    "results",
    "rough",
    "rule_books",
    "say",
    "share",
    "show",
    "table",
    "terms",
    "topped_up",
    "your_predictions",
]

shell.set_up()
