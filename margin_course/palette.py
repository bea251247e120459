"""The colours of the course, once: the same colour is the same thing in every picture and tile.

Dark and light enough to stay apart in greyscale; those that are used for words have at least
4.5 : 1 on white.
"""

INK = "#1a1a1a"
QUIET = "#5c5c5c"
FAINT = "#d9d9d9"
PAPER = "#ffffff"

ISOLATED = "#0a3d7a"
CROSS = "#c2500a"
YOURS = "#1f7a5c"  # your own money; also what is won, and what is alive
DEAD = "#9b1d3c"  # what was closed, what is lost, and the margin below which that happens
BORROWED = "#c9cdd3"
GONE = "#f7e4e8"  # where nothing is left: a ground for words, lighter than DEAD
TOO_LITTLE = "#f3ccd5"  # the part of a vessel below the maintenance margin

# Four kinds of regions: nothing dies; isolated alone loses; cross loses all; everything is gone.
REGIONS = ("#e6f3ec", "#bdd2ee", "#f6c795", "#c4788a")
INKS = (YOURS, ISOLATED, CROSS, DEAD)  # of words in them, and of the patterns
PATTERNS = ("", "dots", "lines", "crossed")  # that tell them apart without colour

# How good a guess was. A sign and words say the same.
HIT, NEAR, MISS = "#1b7837", "#8c6d00", "#b2182b"

# What style sheets use.
NAMED = {
    "pen": INK,
    "isolated": ISOLATED,
    "cross": CROSS,
    "yours": YOURS,
    "dead": DEAD,
    "hit": HIT,
    "near": NEAR,
    "miss": MISS,
}


def variables() -> str:
    """The named colours as variables of a style sheet.

    >>> variables().splitlines()[:2]
    [':root {', '  --mc-pen: #1a1a1a;']
    """
    lines = (f"  --mc-{name}: {colour};\n" for name, colour in NAMED.items())
    return f":root {{\n{''.join(lines)}}}\n"
