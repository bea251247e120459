"""The screen of a lab: a picture that a reader can take hold of, with its status and its words."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bytes, Dict

from margin_course import palette

HERE = Path(__file__).parent
PARTS = re.compile(r'import \{[^}]*\} from "\./part\.js";\n')

Move = Callable[[Mapping[str, float], str], None]  # values of controls, and the question's token


def looks(name: str) -> str:
    """A style sheet of this folder, with the colours of the palette."""
    return palette.variables() + (HERE / f"{name}.css").read_text(encoding="utf-8")


def script(name: str) -> str:
    """A script of this folder for a notebook, which loads no second one: with `part` in it."""
    text, part = ((HERE / f"{each}.js").read_text(encoding="utf-8") for each in (name, "part"))
    return PARTS.sub(lambda _: part.replace("export ", ""), text)


class Screen(anywidget.AnyWidget):
    """Shows states, and says where its reader wants the controls.

    Parameters
    ----------
    moved : callable           called with {control: value} and a token, which the next state must
                               carry: the page waits for it before it asks for another one
    """

    _esm = script("screen")
    _css = looks("screen")
    state = Dict().tag(sync=True)
    picture = Bytes().tag(sync=True)

    def __init__(self, moved: Move) -> None:
        super().__init__()
        self.on_msg(lambda _, said, __: moved(said["values"], said["token"]))

    def show(self, state: Mapping[str, Any], picture: bytes) -> None:
        """Show a state and its picture, in one message."""
        with self.hold_sync():
            self.state, self.picture = dict(state), picture
