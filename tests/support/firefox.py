"""Firefox as the system has it, driven by WebDriver BiDi: open a page, ask it, look at it.

Playwright drives a Firefox of its own make alone, or the newest; this needs nothing but Firefox.
"""

import json
import re
import shutil
import subprocess
from base64 import b64decode
from contextlib import contextmanager

from tests.support import waiting

NAMES = ("firefox", "firefox-esr")
SPEAKS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


def found():
    """The path of Firefox, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """The one window of a Firefox."""

    def __init__(self, socket):
        self.socket, self.number, self.heard = socket, 0, []
        self.tell("session.new", capabilities={})
        self.tell("session.subscribe", events=["log.entryAdded"])
        self.context = self.tell("browsingContext.getTree")["contexts"][0]["context"]

    def tell(self, method, **params):
        """Send a command; what it returns. What the page logs meanwhile is heard."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            said = json.loads(self.socket.recv())
            if said.get("method") == "log.entryAdded" and said["params"]["level"] == "error":
                self.heard.append(said["params"]["text"])
            if said.get("id") == self.number:
                if said["type"] == "error":
                    raise RuntimeError(f"{method}: {said['error']}: {said['message']}")
                return said["result"]

    def size(self, width, height):
        viewport = {"width": width, "height": height}
        self.tell("browsingContext.setViewport", context=self.context, viewport=viewport)

    def open(self, address):
        where = {"context": self.context, "url": address, "wait": "complete"}
        self.tell("browsingContext.navigate", **where)

    def ask(self, code):
        """What an expression of JavaScript comes to, a promise awaited; plain data."""
        code = f"Promise.resolve({code}).then(JSON.stringify)"
        target = {"context": self.context}
        said = self.tell("script.evaluate", expression=code, target=target, awaitPromise=True)
        if said["type"] == "exception":
            raise RuntimeError(said["exceptionDetails"]["text"])
        return json.loads(said["result"].get("value", "null"))

    def until(self, code):
        return waiting.until(code, lambda: self.ask(code))

    def press(self, key):
        actions = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        keys = [{"type": "key", "id": "keys", "actions": actions}]
        self.tell("input.performActions", context=self.context, actions=keys)

    def drag(self, start, *way):
        """Press the mouse at a place of the window and take it along."""

        def to(place):
            return {"type": "pointerMove", "x": round(place[0]), "y": round(place[1])}

        press = [{"type": f"pointer{kind}", "button": 0} for kind in ("Down", "Up")]
        actions = [to(start), press[0], *map(to, way), press[1]]
        mouse = [{"type": "pointer", "id": "mouse", "actions": actions}]
        self.tell("input.performActions", context=self.context, actions=mouse)

    def screenshot(self, path):
        made = self.tell("browsingContext.captureScreenshot", context=self.context)
        path.write_bytes(b64decode(made["data"]))


@contextmanager
def page(profile, **settings):
    """A window of a fresh Firefox, with settings of about:config, until the block ends."""
    import websocket  # JupyterLab's server brings it

    profile.mkdir(parents=True, exist_ok=True)
    lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in settings.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    log = profile / "log"
    with log.open("w", encoding="utf-8") as told:
        process = subprocess.Popen(
            [found(), "--headless", "--no-remote", "--remote-debugging-port=0"]
            + ["--profile", str(profile)],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:

        def address():
            return SPEAKS.search(log.read_text(encoding="utf-8", errors="replace"))

        there = waiting.until("Firefox listens", address, process)[1]
        how = {"timeout": waiting.CAP, "suppress_origin": True}  # no other page asks
        socket = websocket.create_connection(f"{there}/session", **how)
        yield Page(socket)
        socket.close()
    finally:
        waiting.stop_group(process)
