"""Notebooks in kernels that are treated badly: two at once, interrupted in a move, restarted.

ROUNDS=1 for one round.
"""

import os
from contextlib import contextmanager

from jupyter_client.manager import KernelManager

from tests.support.waiting import CAP
from tools.notebooks import run
from tools.repo import ROOT

ROUNDS = int(os.environ.get("ROUNDS", "5"))
FOLDER = ROOT / "notebooks"
NOTEBOOKS = [FOLDER / name for name in ("01_leverage.ipynb", "04_cross_margin.ipynb")]
LAB = """
from margin_course import load
from margin_course.lessons.isolated_margin import IsolatedLab
lab = IsolatedLab(load("scenarios.toml")["isolated"])
print(lab.summary(), lab.alt())
"""
WITHOUT_END = """
print("moves", flush=True)
while True:
    for name in ("change", "leverage"):
        for value in (lab.controls[name].min, lab.controls[name].max):
            lab.set(**{name: value})
"""
AGAIN = """
lab.set(**lab.presets["start"])
print(lab.summary(), lab.alt())
"""


def test_two_notebooks_at_once_say_what_each_says_alone():
    def said(executed):
        return [run.to_text(run.normalise(executed[path])) for path in NOTEBOOKS]

    alone = said({path: run.execute(path) for path in NOTEBOOKS})
    for _ in range(ROUNDS):
        assert said(run.execute_all(NOTEBOOKS)) == alone


class Kernel:
    """A kernel that runs one piece of code at a time."""

    def __init__(self):
        self.manager = KernelManager(kernel_spec_manager=run._OwnKernelSpec())
        self.manager.start_kernel(cwd=str(FOLDER))
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=CAP)

    def run(self, code):
        """Start a piece of code, and return what it prints first."""
        # After an error, a kernel would drop what was sent before it had told of that.
        self.sent = self.client.execute(code, stop_on_error=False)
        while True:
            message = self.answer(self.client.get_iopub_msg)
            said, kind = message["content"], message["msg_type"]
            assert kind != "error", "\n".join(said["traceback"])
            if kind == "stream" and said["name"] == "stdout":
                return said["text"]

    def ended(self):
        """How the piece that runs has ended: the name of its error, or nothing."""
        return self.answer(self.client.get_shell_msg)["content"].get("ename")

    def answer(self, get):
        """The next message about the piece that was started last."""
        while True:
            message = get(timeout=CAP)
            if message["parent_header"].get("msg_id") == self.sent:
                return message

    def restart(self):
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(timeout=CAP)


@contextmanager
def a_kernel():
    kernel = Kernel()
    try:
        yield kernel
    finally:
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=True)


def test_a_kernel_lives_on_when_a_move_is_interrupted_and_starts_anew():
    with a_kernel() as kernel:
        for _ in range(ROUNDS):
            first = kernel.run(LAB)
            assert kernel.ended() is None
            for _ in range(ROUNDS):
                assert kernel.run(WITHOUT_END).strip() == "moves"
                kernel.manager.interrupt_kernel()
                assert kernel.ended() == "KeyboardInterrupt"
                assert kernel.run(AGAIN) == first
                assert kernel.ended() is None
            kernel.restart()
