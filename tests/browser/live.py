"""A lab on a page: what a reader sees and does, beside what its kernel says."""

import json
import re

from tests.support import browser
from tests.support.waiting import until

SEEN = """async (lab) => {
  const image = lab.querySelector(".mc-picture");
  if (!image?.complete || !image.naturalWidth) return null;
  const bytes = await (await fetch(image.src)).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const shown = (kind, part, read) => Object.fromEntries(
    [...lab.querySelectorAll(kind)].map((control) => [
      control.querySelector(".widget-label").innerText, read(control.querySelector(part)),
    ]));
  return {
    picture: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    alt: image.alt,
    words: lab.querySelector(".mc-words").innerText,
    tiles: [...lab.querySelectorAll(".mc-tile")].map((tile) => [
      tile.className.includes("mc-closed"), tile.innerText.split(/\\s+/).join(" "),
    ]),
    sliders: shown(".widget-slider", ".widget-readout", (part) => part.innerText),
    lists: shown(".widget-dropdown", "select", 
      (part) => part.selectedOptions[0].innerText.replaceAll("\u00a0", " ")),
  };
}"""
# The twin is a lab of the same scenario that only ever was told where to go.
LAB = """
import hashlib as _hashlib, json as _json
from ipywidgets.widgets.widget import _instances
from margin_course import lab as _lab_module
def _state(lab):
    with _lab_module.DRAWING:  # the lab may be moved in another thread, now
        picture, state = _hashlib.sha256(bytes(lab._screen.picture)).hexdigest(), lab.state()
        return {{
            "values": lab.values(), "drawn": lab._shown == lab.values(), "words": lab.summary(),
            "alt": lab.alt(), "picture": picture,
        }} | {{part: state[part] for part in ("tiles", "handles", "locked")}}
_lab = _instances[{id!r}]
"""
TOLD = """
print(_json.dumps(_state(_lab) | {{
    "kind": type(_lab).__name__,
    "film": _lab.film,
    "labels": {{n: c.description for n, c in _lab.controls.items()}},
    "presets": _lab.presets,
    "options": {{n: list(c.options) for n, c in _lab.controls.items() if hasattr(c, "options")}},
    "ends": {{n: [c.min, c.max] for n, c in _lab.controls.items() if hasattr(c, "step")}},
}}))
"""
TWIN = """
_twins = globals().setdefault("_twins", {{}})
if {id!r} not in _twins:
    # What some labs are made with.
    _more = [getattr(_lab, name) for name in ("modes", "stories") if hasattr(_lab, name)]
    _twins[{id!r}] = type(_lab)(_lab.scenario, *_more)
_twin = _twins[{id!r}]
_twin.set(**_twin.presets["start"])
_twin.set(**_lab.values())
print(_json.dumps(_state(_twin)))
"""


def plain(words):
    """Words without regard to where lines break."""
    return " ".join(words.split())


def number(shown):
    """The value that a slider shows, and half of its last digit.

    >>> number("−12.5%")
    (-0.125, 0.0005)
    """
    digits = re.fullmatch(r"([+−-]?)([\d,]+)(\.\d*)?(%?)", shown.strip())
    sign, whole, part, unit = digits.groups(default="")
    scale = 0.01 if unit else 1
    value = float(whole.replace(",", "") + part) * scale
    return -value if sign in ("−", "-") else value, scale * 0.5 / 10 ** max(len(part) - 1, 0)


def tile(told):
    """What a tile shows, from what the kernel says: whether it is closed, and its words."""
    signs = {"alive": "●", "closed": "✕", "passed": "✓", "missed": "✗"}
    life = told["life"] and f"{signs[told['life']]} {told['life']}"
    words = [told["name"], life, told["money"], told["note"]]
    return [told["life"] == "closed", plain(" ".join(words))]


class View:
    """A lab as a reader has it, wherever the page is served."""

    def __init__(self, page, root):
        self.page, self.root = page, root

    def seen(self):
        """What is on the page, or None while a picture is on its way."""
        return self.root.evaluate(SEEN)

    def handle(self, label):
        """What is dragged of a slider, brought into sight."""
        slider = self.root.locator(".widget-slider").filter(
            has=self.page.get_by_text(label, exact=True)
        )
        handle = slider.locator(".noUi-handle")
        self.unfold(handle)
        handle.scroll_into_view_if_needed()
        return slider.locator(".noUi-base"), handle

    def unfold(self, part):
        """Open the fold of controls that a part of the lab may stand in."""
        if not part.is_visible():
            self.root.locator(".mc-unfold").click()
            part.wait_for()

    def press(self, label, key, times=1):
        """Move a slider by keyboard."""
        _, handle = self.handle(label)
        handle.focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def drag(self, label, part):
        """Drag a slider to a part of its way."""
        base, handle = self.handle(label)
        start, track = handle.bounding_box(), base.bounding_box()
        x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
        end = track["x"] + part * track["width"]
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move((x + end) / 2, y, steps=3)
        mouse.move(end, y, steps=3)
        mouse.up()

    def ring(self, number):
        """A handle in the picture, and the middle of it on the screen."""
        ring = self.root.locator(".mc-handle:not([hidden])").nth(number)
        ring.scroll_into_view_if_needed()
        box = ring.bounding_box()
        return ring, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def pull(self, number, right, down, moves=12, touch=False):
        """Drag a handle by so many pixels, by mouse or with a finger."""
        _, (x, y) = self.ring(number)
        way = [(x + right * n / moves, y + down * n / moves) for n in range(1, moves + 1)]
        if not touch:
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            for at in way:
                self.page.mouse.move(*at)
            self.page.mouse.up()
            return
        finger = self.page.context.new_cdp_session(self.page)
        for kind, at in [("touchStart", (x, y)), *(("touchMove", at) for at in way)]:
            points = [{"x": at[0], "y": at[1]}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        finger.detach()


class LiveLab(View):
    """A lab whose kernel can be asked."""

    def __init__(self, page, root, id):
        super().__init__(page, root)
        self.id = id

    def told(self):
        """What the kernel says of the lab."""
        return browser.ask(self.page, (LAB + TOLD).format(id=self.id))

    def settled(self, changed=lambda told: True):
        """Wait until the page shows what the kernel holds, and return both, (seen, told).

        `changed` says whether the kernel already holds what was asked of it.
        """
        last = {}

        def same():
            seen, told = self.seen(), self.told()
            last.update(seen=seen, told=told)
            if not seen or not told["drawn"] or not changed(told):
                return None
            if plain(seen["words"]) != plain(told["words"]):
                return None
            if (seen["picture"], seen["alt"]) != (told["picture"], told["alt"]):
                return None
            if seen["tiles"] != [tile(each) for each in told["tiles"]]:
                return None
            for name, label in told["labels"].items():
                value = told["values"][name]
                if label in seen["sliders"]:
                    shown, off = number(seen["sliders"][label])
                    if abs(shown - value) > 1.01 * off:
                        return None
                    if re.match(r"[−-]0*\.?0*%?$", seen["sliders"][label]):
                        raise AssertionError(f"{label}: {seen['sliders'][label]}")
                elif label in seen["lists"] and seen["lists"][label] != str(value):
                    return None
            return seen, told

        try:
            return until("page and kernel to agree", same)
        except AssertionError as error:
            raise AssertionError(f"{error}: {json.dumps(last, indent=1)}") from None

    def agreed(self, changed=lambda told: True):
        """The same, and a lab that was set to these values says and draws the same."""

        def still():
            seen, told = self.settled(changed)
            twin = browser.ask(self.page, (LAB + TWIN).format(id=self.id))
            return (seen, told, twin) if told["values"] == twin["values"] else None

        seen, told, twin = until("the lab to stand still", still)
        assert told["words"] == twin["words"], (told, twin)
        if not told["words"].startswith("The exchange refuses"):  # else the last picture stays
            assert told["picture"] == twin["picture"], (told, twin)
        return seen, told

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def restart(self):
        """Back to where the scenario starts."""
        self.button("start").click()
        return self.agreed(lambda told: told["values"] == told["presets"]["start"])
