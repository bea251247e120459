"""What the course sets in a notebook: a wrong input is one line there, not a page of red."""

from types import TracebackType
from typing import Any

from IPython import get_ipython

from margin_lib.errors import MarginError


def one_line(
    shell: Any, kind: type, error: BaseException, trace: TracebackType, tb_offset: Any = None
) -> None:
    """Show an error as name, rule and value, without the way through the library's code."""
    shell._showtraceback(kind, error, [f"{kind.__name__}: {error}"])


def set_up() -> None:
    """Show every MarginError of this notebook in one line; outside of a notebook do nothing."""
    shell = get_ipython()
    if shell:
        shell.set_custom_exc((MarginError,), one_line)
