"""Add a notebook to the course, or take notebooks out, with all that belongs to them.

    python -m tools.notebooks.course add 12_my_market LIKE
        a copy of notebook LIKE (03, say) to rewrite
    python -m tools.notebooks.course drop 07 08 09 10 11

To a notebook belong its answers, its solutions, its quiz, its objectives, its rows in README.md and
in the index, and the links between neighbours. Run `make notebooks` afterwards.
"""

import re
import sys
from functools import partial

from margin_course import prose
from tools import repo
from tools.notebooks import run as notebooks
from tools.repo import ROOT

INDEX, GLOSSARY = "00_index.ipynb", "glossary.md"
# Other notebooks are pages, without the parts of a lesson.
LESSON = re.compile(r"\d\d_\w+")
# The heading and the head of a table without rows.
EMPTY = re.compile(r"(?m)^#+ .*\n\n?\|.*\n\|[:|-]+\|(?:\n|\Z)(?!\|)")
LINKS = re.compile(r"(?m)^\[[^]]+\]\([^)]+\)( · \[[^]]+\]\([^)]+\))+$")


def folder(name):
    return ROOT / name


def is_lesson(path):
    """Whether a notebook is a lesson: predictions, exercises, a quiz, neighbours."""
    return bool(LESSON.fullmatch(path.stem))


def course():
    """The lessons, in their order."""
    return [path for path in sorted(folder("notebooks").glob("*.ipynb")) if is_lesson(path)]


def stem_of(number):
    """The name of the notebook with this number."""
    (path,) = folder("notebooks").glob(f"{number}_*.ipynb")
    return path.stem


def title(path):
    """The number and the words of a notebook's title."""
    return re.match(r"# (\d\d) · (.+)", notebooks.read(path).cells[0].source).groups()


def answers_of(number):
    """The module that holds the answers of a notebook's exercises."""
    (path,) = (
        path
        for path in folder("margin_course/answers").glob("*.py")
        if f'    "{number}.1": ' in repo.read(path)
    )
    return path


def questions(number):
    """The questions of a notebook, as they stand in quiz.toml, with the heading before them."""
    text = repo.read(folder("notebooks/quiz.toml"))
    return re.search(rf"(?ms)^# {number} .*?(?=^# \d\d |\Z)", text)[0]


def objectives(text, number):
    """The objectives of a notebook, as they stand in objectives.toml, and the levels after them."""
    found = re.search(rf"(?ms)^# {number} .*?(?=^# )", text)
    levels = re.findall(rf'(?m)^"{number}\.\d+" = .*\n', text)
    return found[0] if found else "", "".join(levels)


def edit(path, function):
    """Change the Markdown of a notebook, cell by cell."""
    notebook = notebooks.read(path)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = function(cell.source)
    repo.write(path, notebooks.to_text(notebook))


def without_rows(text, stem):
    """The text without the lines that are a row of a table about this notebook."""
    about = f"{stem}.ipynb)"
    lines = [line for line in text.split("\n") if line[:1] != "|" or about not in line]
    return EMPTY.sub("", "\n".join(lines))


def without_links(stem, text):
    """The text with words in place of links to this notebook; with_links mends lines of links.

    A link of a number alone, as in "notebook 07", leaves no number behind that leads nowhere.
    """
    link = re.compile(rf"\[([^]]+)\]\({stem}\.ipynb[^)]*\)")

    def words(found):
        return re.sub(r"(?i)\b(notebook )?\d\d\b", "another notebook", found[1])

    lines = text.split("\n")
    return "\n".join(x if LINKS.fullmatch(x) else link.sub(words, x) for x in lines)


def with_links():
    """Write the line of links at the top and at the end of every notebook anew."""
    paths = course()
    for place, path in enumerate(paths):
        near = []
        if place:
            before = "Index" if place == 1 else " ".join(title(paths[place - 1]))
            near.append(f"[← {before}]({paths[place - 1].name})")
        if place > 1:
            near.append(f"[Index]({INDEX})")
        near.append(f"[Glossary]({GLOSSARY})")
        if path != paths[-1]:
            near.append(f"[{' '.join(title(paths[place + 1]))} →]({paths[place + 1].name})")
        edit(path, partial(LINKS.sub, " · ".join(near)))


def drop(number):
    stem = stem_of(number)
    quiz = folder("notebooks/quiz.toml")
    text = repo.read(quiz).replace(questions(number), "").rstrip() + "\n"
    repo.write(quiz, text)
    purposes = folder("notebooks/objectives.toml")
    text = repo.read(purposes)
    for each in objectives(text, number):
        text = text.replace(each, "") if each else text
    repo.write(purposes, text)
    for path in (
        answers_of(number),
        folder(f"instructors/solutions/{stem}.ipynb"),
        folder(f"notebooks/{stem}.ipynb"),
    ):
        path.unlink()
    readme = folder("README.md")
    text = without_rows(repo.read(readme), stem)
    repo.write(readme, text)
    edit(folder(f"notebooks/{INDEX}"), lambda source: without_rows(source, stem))
    for path in folder("notebooks").glob("*.ipynb"):
        edit(path, partial(without_links, stem))


def add(stem, like):
    number, old = stem[:2], stem_of(like)
    if not re.fullmatch(r"\d\d_[a-z_]+", stem) or list(folder("notebooks").glob(f"{number}_*")):
        raise ValueError(f"{stem}: must be NN_name, with a number that is free")
    words = stem[3:].replace("_", " ").capitalize()
    _, before = title(folder(f"notebooks/{old}.ipynb"))
    for where in ("notebooks", "instructors/solutions"):
        text = repo.read(folder(f"{where}/{old}.ipynb"))
        text = re.sub(rf"\b{like}\.(?=\d)", f"{number}.", text)
        text = re.sub(rf'\b(quiz|practice)\(\\"{like}\\"\)', rf'\1(\\"{number}\\")', text)
        text = text.replace(f"# {like} · {before}", f"# {number} · {words}")
        text = text.replace(f'prose_is_fresh(\\"{old}', f'prose_is_fresh(\\"{stem}')
        repo.write(folder(f"{where}/{stem}.ipynb"), text)
    answers = repo.read(answers_of(like))
    answers = answers.replace(f'    "{like}.', f'    "{number}.')
    repo.write(folder(f"margin_course/answers/{stem[3:]}.py"), answers)
    quiz = folder("notebooks/quiz.toml")
    copied = questions(like).replace(f"[[{like}]]", f"[[{number}]]")
    copied = re.sub(r"\A# .*", f"# {number} {words}", copied)
    text = repo.read(quiz).rstrip() + "\n\n" + copied.rstrip() + "\n"
    repo.write(quiz, text)
    purposes = folder("notebooks/objectives.toml")
    text = repo.read(purposes)
    copied, levels = objectives(text, like)
    copied = copied.replace(f"[[{like}]]", f"[[{number}]]").replace(f'"{like}.', f'"{number}.')
    copied = re.sub(r"\A# .*", f"# {number} {words}", copied)
    text = re.sub(r"(?m)^(?=# Level)", lambda _: copied, text)
    repo.write(purposes, text + levels.replace(f'"{like}.', f'"{number}.'))
    rows(stem, words, old)


def rows(stem, words, like):
    """A row for the new notebook below the last one, in README.md and in the index."""
    first = notebooks.read(folder(f"notebooks/{like}.ipynb")).cells[0].source
    minutes = prose.TIME.search(first)[1]
    last = max(path.stem for path in course() if path.stem != stem)

    def below(text, row):
        (line,) = [x for x in text.split("\n") if x[:1] == "|" and f"{last}.ipynb)" in x]
        return text.replace(line, f"{line}\n{row}")

    cells = f"What is the question of {words.lower()}? | {minutes} |"
    readme = folder("README.md")
    text = below(repo.read(readme), f"| [{stem}](notebooks/{stem}.ipynb) | {cells}")
    repo.write(readme, text)
    computed = f'<!--= minutes("{stem}.ipynb") -->{minutes}<!--/-->'
    row = f"| [{stem[:2]} {words}]({stem}.ipynb) | {cells.replace(minutes, computed)}"
    edit(
        folder(f"notebooks/{INDEX}"),
        lambda source: below(source, row) if f"{last}.ipynb) |" in source else source,
    )


def main(arguments):
    match arguments:
        case ["add", stem, like]:
            add(stem, like)
        case ["drop", *numbers] if numbers:
            for number in numbers:
                drop(number)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    with_links()
    print(f"{len(course())} notebooks; now: make notebooks")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
