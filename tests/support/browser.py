"""Open notebooks in a real browser: servers of their own, and pages that run and ask a kernel.

The tests in tests/browser and benchmarks/test_latency.py share this. It needs the extra `browser`
of pyproject.toml, and Chromium (its path may be given as CHROMIUM).
"""

import importlib.util
import json
import os
import re
import secrets
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from tests.support import waiting
from tools import chromium
from tools.notebooks import ports
from tools.repo import ROOT

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREEN = {"width": 1024, "height": 1300}  # as narrow as the course promises

SETTINGS = f"app_settings_dir={ROOT / 'tools' / 'lab'}"  # no question about news
FRONT_ENDS = {
    "lab": ["jupyterlab", "--LabApp.expose_app_in_browser=True", f"--LabApp.{SETTINGS}"],
    "notebook": [
        "notebook",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--JupyterNotebookApp.{SETTINGS}",
    ],
    "voila": ["voila", "--VoilaConfiguration.show_tracebacks=True"],
}
STARTS = re.compile(r"http://127\.0\.0\.1:\d+/")  # in what a server writes about itself
ADDRESS = {
    "lab": "doc/tree/{}?reset&token={}",
    "notebook": "notebooks/{}?token={}",
    "voila": "voila/render/{}?token={}",
}


def missing():
    """What is not there, one sentence each."""
    lacks = [name for name in ("playwright", "notebook", "voila") if not _installed(name)]
    found = [f"Python has no {name}: make test-browser installs it into .venv." for name in lacks]
    if chromium.path() is None:
        names = ", ".join(chromium.NAMES)
        found.append(
            f"No Chromium: looked for {names}. Install one (on Debian: apt-get install chromium "
            "fonts-dejavu-core), or give its path as CHROMIUM."
        )
    return found


def _installed(name):
    return importlib.util.find_spec(name) is not None


@contextmanager
def browser():
    """Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        cap = 1000 * waiting.CAP  # milliseconds
        chrome = playwright.chromium.launch(
            executable_path=chromium.path(), args=FLAGS, timeout=cap
        )
        for made in ("new_page", "new_context"):
            setattr(chrome, made, _patient(getattr(chrome, made), cap))
        yield chrome
        chrome.close()


def _patient(make, cap):
    """The same, but whatever is made waits as long as tests do."""

    def made(**options):
        one = make(**options)
        one.set_default_timeout(cap)
        return one

    return made


@contextmanager
def server(kind, folder, own):
    """A server of the notebooks in `folder` until the block ends; yields name -> address.

    What it writes about itself goes into the folder `own`: its address, too.
    """
    token = secrets.token_hex(8)
    app = {"lab": "ServerApp", "notebook": "ServerApp", "voila": "Voila"}[kind]
    tokens = "Voila" if kind == "voila" else "IdentityProvider"
    command = [sys.executable, "-m", *FRONT_ENDS[kind], "--no-browser", f"--{app}.ip=127.0.0.1"]
    command += [f"--{app}.port={ports.free()}", f"--{tokens}.token={token}"]
    if kind != "voila":
        command.append(f"--ServerApp.root_dir={folder}")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")
    own = Path(own)
    own.mkdir(parents=True, exist_ok=True)
    private = {f"JUPYTER_{name}_DIR": str(own / name.lower()) for name in _FOLDERS}
    environment = {**os.environ, **private, "IPYTHONDIR": str(own / "ipython")}
    with (own / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def told():
        return STARTS.search((own / "log").read_text("utf-8"))

    try:
        try:
            base = waiting.until("the server told its address", told, process)[0]
            first = f"{base}?token={token}"
            waiting.until("the server answered", lambda: waiting.answers(first), process)
        except AssertionError as error:
            raise RuntimeError(f"{error}:\n{(own / 'log').read_text('utf-8')}") from None
        yield lambda name: base + ADDRESS[kind].format(name, token)
    finally:
        waiting.stop_group(process)


_FOLDERS = ("CONFIG", "DATA", "RUNTIME")


# A notebook in JupyterLab or Notebook 7

READY = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  return panel?.context?.isReady && panel.sessionContext?.session?.kernel?.status === "idle";
}"""
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells"
ASK = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({code, store_history: false});
  let told = "", error = "";
  future.onIOPub = ({header, content}) => {
    if (header.msg_type === "stream" && content.name === "stdout") told += content.text;
    if (header.msg_type === "error") error = content.traceback.join("\\n");
  };
  await future.done;
  return {told, error};
}"""
SHOW = """async ([number, name]) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = number;
  await notebook.scrollToItem(number, "start");
  notebook.widgets[number].node.dataset.lab = name;
}"""
SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
THEME = "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
VIEW = "application/vnd.jupyter.widget-view+json"


def open_notebook(page, address):
    """Open a notebook and wait until its kernel can be asked."""
    page.goto(address)
    page.wait_for_function(READY)


def run_all(page):
    """Run all cells, wait for the last one, and return the cells with what they put out."""
    page.evaluate(RUN_ALL)
    page.wait_for_function(READY)
    return page.evaluate(CELLS)


def complaints(cells):
    """Errors, and what went to stderr, in cells that ran; and cells that did not run."""
    found = []
    for number, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        if not cell["execution_count"]:
            found.append(f"cell {number} did not run")
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"cell {number}: {output['ename']}: {output['evalue']}")
            if output.get("name") == "stderr":
                found.append(f"cell {number}: stderr: {''.join(output['text'])}")
    return found


def views(cells, with_words='class="mc-tiles"'):
    """The labs that cells show: (number of the cell, id of the widget); "<ol" for questions."""
    return [
        (number, output["data"][VIEW]["model_id"])
        for number, cell in enumerate(cells)
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {}) and with_words in "".join(output["data"]["text/html"])
    ]


def ask(page, code):
    """Run code in the page's kernel; what it prints is JSON, and is returned."""
    answer = page.evaluate(ASK, code)
    if answer["error"]:
        raise RuntimeError(answer["error"])
    return json.loads(answer["told"])


def afresh(page, address):
    """Open a page; what another one was still fetching is no complaint of this one."""
    page.goto("about:blank")
    page.heard.clear()
    page.goto(address)
