"""A field, or lines to order, and buttons: a press comes with what was done, in one message."""

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
from traitlets import Bool, Dict

from margin_course.screen import looks, script

# Which button, and the words in the field; or the numbers of the lines, as "2,1,3".
Press = Callable[[str, str], None]


class Field(anywidget.AnyWidget):
    """A field and buttons, as `field.js` draws them for a page without a kernel, too.

    Not the Text of ipywidgets: it sends what is typed letter by letter, so that on a busy machine
    the Enter key comes before the last letters.

    Parameters
    ----------
    pressed : callable         called with the button's words and those in the field
    buttons : list of str      the first one is pressed by the Enter key, too
    label : str                of the field
    example : str or None      of what to type; None for buttons alone
    unit : str                 of what is typed
    lines : list of str or None    to put in order, in place of a field
    column : bool              the buttons one under the other
    """

    _esm = script("field")
    _css = looks("field")
    what = Dict().tag(sync=True)
    closed = Bool(False).tag(sync=True)

    def __init__(
        self,
        pressed: Press,
        buttons: Sequence[str],
        label: str = "",
        example: str | None = None,
        unit: str = "",
        lines: Sequence[str] | None = None,
        column: bool = False,
    ) -> None:
        what: dict[str, Any] = {"label": label, "example": example, "unit": unit}
        what |= {"lines": lines and list(lines), "column": column, "buttons": list(buttons)}
        super().__init__(what=what)
        self.pressed = pressed
        self.on_msg(lambda _, said, __: self.press(said["button"], said["words"]))

    def ask(self, buttons: Sequence[str]) -> None:
        """Show other buttons."""
        self.what = self.what | {"buttons": list(buttons)}

    def press(self, button: str, words: str = "") -> None:
        """Press a button, as a reader would."""
        if not self.closed:
            self.pressed(button, words)
