"""How tests wait: until the thing happens, or until the process that should do it has ended.

Some machines are ten times slower than others, and do three things at once. So no test says how
long a thing takes. CAP says that nothing will come any more.
"""

import http.client
import os
import signal
import subprocess
import time
import urllib.request

CAP = 600  # seconds
GRACE = 30  # seconds; a server of Jupyter may never come to its end, so then it is killed


def until(what, true, process=None):
    """Ask again and again until the answer is true, and return it.

    AssertionError when `process` has ended before, or nothing has come for ten minutes.
    """
    end = time.monotonic() + CAP
    while True:
        # Asked once more after the end of the process: that may have been its last act.
        ended = process is not None and process.poll() is not None
        if answer := true():
            return answer
        assert not ended, f"the process ended before {what}"
        assert time.monotonic() < end, f"waited {CAP} s for {what}"
        time.sleep(0.1)


def answers(address):
    """Whether a server answers at this address; what does not speak its language is another."""
    try:
        with urllib.request.urlopen(address, timeout=CAP) as reply:
            return reply.status == 200
    except (OSError, http.client.HTTPException):
        return False


def stop_group(process):
    """Stop a process that leads a group, and all that it has started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=GRACE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
