"""A field to type into, and buttons: what is pressed comes with what was typed, in one message."""

from collections.abc import Callable, Sequence
from pathlib import Path

import anywidget
from traitlets import Bool, Dict

HERE = Path(__file__).parent

Press = Callable[[str, str], None]  # which button, and the words in the field


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
    """

    _esm = HERE / "field.js"
    _css = HERE / "field.css"
    what = Dict().tag(sync=True)
    closed = Bool(False).tag(sync=True)

    def __init__(
        self,
        pressed: Press,
        buttons: Sequence[str],
        label: str = "",
        example: str | None = None,
        unit: str = "",
    ) -> None:
        what = {"label": label, "example": example, "unit": unit, "buttons": list(buttons)}
        super().__init__(what=what)
        self.pressed = pressed
        self.on_msg(lambda _, said, __: self.press(said["button"], said["words"]))

    def press(self, button: str, words: str = "") -> None:
        """Press a button, as a reader would."""
        if not self.closed:
            self.pressed(button, words)
