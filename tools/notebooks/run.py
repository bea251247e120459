"""Run notebooks and store their outputs in one normal form.

    python -m tools.notebooks.run            run and rewrite all of notebooks/ and the solutions
    python -m tools.notebooks.run --check    only say which would change
    python -m tools.notebooks.run notebooks/01*.ipynb

Two notebooks run at a time, each in a kernel of its own. One that fails stays as it is; the others
are written.
"""

import argparse
import asyncio
import json
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from margin_course import prose
from tools.notebooks import glossary, objectives
from tools.notebooks.ports import Ports
from tools.repo import ROOT

FOLDERS = "notebooks", "instructors/solutions"
AT_A_TIME = 2
CAP = 600  # seconds, as in the check of the notebooks: then nothing will come
COMPARES = "prose_is_fresh("  # the cell that compares the numbers in the text
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


class NotebookError(Exception):
    """Notebooks that did not run to their end: which one, which cell, which error."""

    def __init__(self, message: str, ran: dict[Path, NotebookNode] | None = None):
        super().__init__(message)
        self.ran = ran or {}  # those beside them that came to their end


class _OwnKernelSpec(KernelSpecManager):
    """Knows one kernel, that of the running interpreter, whatever else is installed as python3."""

    def get_kernel_spec(self, kernel_name):
        # Recent kernels warn, on every start, of a connection that never leaves this machine.
        return KernelSpec(**get_kernel_dict(extra_arguments=["--log-level=ERROR"]))


class _OwnKernel(AsyncKernelManager):
    def __init__(self, **traits):
        super().__init__(kernel_spec_manager=_OwnKernelSpec(), **traits)


class _Client(NotebookClient):
    """Computes the numbers in the text anew, before the cell that compares them."""

    path = Path()

    async def async_execute_cell(self, cell, cell_index, **how):
        if cell.source.startswith(COMPARES):
            await self._compute_prose(cell_index)
        return await super().async_execute_cell(cell, cell_index, **how)

    async def _compute_prose(self, cell_index):
        texts = [cell for cell in self.nb.cells if cell.cell_type == "markdown"]
        asked = sorted({x for cell in texts for x in prose.expressions(cell.source)})
        told = await self._ask(f"tell({asked!r})", cell_index)
        # A long line may come in pieces.
        numbers = json.loads("".join(each["text"] for each in told if each.get("name") == "stdout"))
        for cell in texts:
            cell.source = prose.refreshed(cell.source, numbers.__getitem__)
        self.new_texts = TemporaryDirectory()
        copy = Path(self.new_texts.name) / self.path.name
        copy.write_text(to_text(self.nb), encoding="utf-8", newline="\n")
        await self._ask(f"read_from({self.new_texts.name!r})", cell_index)

    async def _ask(self, call, cell_index):
        """What a function of the module prose prints in the notebook's kernel."""
        cell = new_code_cell(f"__import__('margin_course.prose').prose.{call}")
        done = await super().async_execute_cell(cell, cell_index, store_history=False)
        return done.outputs


def cell_name(number: int) -> str:
    """The id of the cell at this place, counted from 1.

    >>> cell_name(7)
    'cell-07'
    """
    return f"cell-{number:02d}"


def read(path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def to_text(notebook: NotebookNode) -> str:
    """The notebook as it stands in its file."""
    return nbformat.writes(notebook) + "\n"


def execute(path, cwd=None) -> NotebookNode:
    """Run one notebook in a fresh kernel and return it with its outputs; the file stays as it is.

    The kernel works in ``cwd``, or else in the notebook's own folder. Raises NotebookError.
    """
    return execute_all([path], cwd)[Path(path)]


def execute_all(paths, cwd=None) -> dict[Path, NotebookNode]:
    """Run several notebooks, two at a time. Raises one NotebookError that names every failure."""
    paths = [Path(path) for path in paths]
    Ports.instance()
    # The usual loop on Windows cannot wait for the sockets of a kernel.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        results = runner.run(_execute_all(paths, cwd))
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, NotebookError):
            raise failure
    pairs = zip(paths, results, strict=True)
    ran = {path: result for path, result in pairs if isinstance(result, NotebookNode)}
    if failures:
        raise NotebookError("\n\n".join(str(failure) for failure in failures), ran)
    return ran


async def _execute_all(paths, cwd):
    turns = asyncio.Semaphore(AT_A_TIME)

    async def in_turn(path):
        async with turns:
            return await _execute(path, cwd)

    return await asyncio.gather(*map(in_turn, paths), return_exceptions=True)


async def _execute(path: Path, cwd) -> NotebookNode:
    notebook = read(path)
    # A cell skipped because it is empty would keep its old outputs.
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = _Client(
        notebook,
        kernel_manager_class=_OwnKernel,
        timeout=CAP,
        startup_timeout=CAP,
        store_widget_state=False,
        resources={"metadata": {"path": str(cwd or path.resolve().parent)}},
    )
    client.path, client.new_texts = path, None
    try:
        return await client.async_execute()
    except CellExecutionError as error:
        raise NotebookError(_failure(path, notebook, f"{error.ename}: {error.evalue}")) from error
    except (CellTimeoutError, DeadKernelError) as error:
        raise NotebookError(_failure(path, notebook, str(error).strip())) from error
    finally:
        if client.new_texts:
            client.new_texts.cleanup()


def _failure(path: Path, notebook: NotebookNode, message: str) -> str:
    """Name notebook, cell and error; the cell that failed is the last one that was started."""
    started = 0
    traceback = ""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and (cell.execution_count or cell.outputs):
            started = number
            for output in cell.outputs:
                if output.output_type == "error":
                    traceback = "\n" + re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
    return f"{path}: {cell_name(started)}: {message}{traceback}"


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Bring a notebook into the one form that is stored, in place, and return it.

    A second run on any machine then gives the same file, pictures aside.
    """
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    count = 0
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = cell_name(number)
        cell.metadata = nbformat.from_dict(_kept(cell.metadata))
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = _normal_outputs(cell.outputs, count)
    return notebook


def explain(notebook: NotebookNode, words: glossary.Words) -> None:
    """Give the first use of each word of the glossary a link and its meaning, in place."""
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    running = [cell for cell in texts if "fixed" not in cell.metadata.get("tags", [])]
    explained = glossary.linked([cell.source for cell in running], words)
    for cell, source in zip(running, explained, strict=True):
        cell.source = source


def _kept(metadata) -> dict:
    """Of what is said about a cell: its tags, and whether its code is folded away."""
    kept = {"tags": metadata["tags"]} if metadata.get("tags") else {}
    if metadata.get("jupyter", {}).get("source_hidden"):
        kept["jupyter"] = {"source_hidden": True}
    return kept


def _normal_outputs(outputs, count: int) -> list:
    normal = []
    for output in outputs:
        if output.output_type == "stream":
            previous = normal[-1] if normal else None
            if previous and previous.get("name") == output.name:
                previous.text += output.text
                continue
        elif output.output_type in ("display_data", "execute_result"):
            # Without a kernel the view is an error message in place of the text/html picture.
            output.data.pop(WIDGET_VIEW, None)
            output.metadata = _alternative_texts(output.metadata)
            if output.output_type == "execute_result":
                output.execution_count = count
        normal.append(output)
    return normal


def _alternative_texts(metadata) -> NotebookNode:
    return nbformat.from_dict(
        {
            mime: {"alt": values["alt"]}
            for mime, values in metadata.items()
            if isinstance(values, dict) and "alt" in values
        }
    )


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if any differs")
    parser.add_argument(
        "paths", nargs="*", type=Path, help=f"default: all of {' and '.join(FOLDERS)}"
    )
    options = parser.parse_args(arguments)
    paths = options.paths or [
        path
        for folder in FOLDERS
        for path in sorted(Path(os.path.relpath(ROOT / folder)).glob("*.ipynb"))
    ]
    if not paths:
        print("no notebooks found", file=sys.stderr)
        return 1

    failure = None
    try:
        executed = execute_all(paths)
    except NotebookError as error:
        failure, executed = error, error.ran

    words = glossary.read(ROOT / "notebooks" / "glossary.toml")
    page = ROOT / "notebooks" / glossary.PAGE
    if not options.check:
        page.write_text(glossary.page(words), encoding="utf-8", newline="\n")
        objectives.write()
    changed = 0
    for path, notebook in executed.items():
        if path.resolve().parent == page.parent:
            explain(notebook, words)
        text = to_text(normalise(notebook))
        if text == path.read_text(encoding="utf-8"):
            continue
        changed += 1
        print(f"{path}: {'would change' if options.check else 'written'}")
        if not options.check:
            path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(executed)} notebooks ran, {changed} {'differ' if options.check else 'changed'}")
    if failure:
        left = len(paths) - len(executed)
        print(f"\n{failure}\n\n{left} failed and stay as they are", file=sys.stderr)
    return 1 if failure or options.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
