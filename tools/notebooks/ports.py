"""Ports for the kernels and servers that a check starts, out of reach of what runs beside it.

Who starts a kernel looks for free ports; the kernel takes them a moment later. A port above HIGHEST
the system gives to whoever asks for any: if another kernel starts in that moment, it may get it,
and the first one dies without a word. Below, nobody gets one unasked, and each process has a row of
ports that no other one gives away: it holds the first of them as long as it lives.
"""

import atexit
import itertools
import os
import socket
from contextlib import suppress

from jupyter_client.connect import LocalPortCache

LOWEST, HIGHEST = 10_000, 32_000
IN_A_ROW = 100
HERE = "127.0.0.1"


def held_row() -> tuple[socket.socket, range]:
    """What keeps a row of ports for this process, and those that it may give away."""
    starts = range(LOWEST, HIGHEST, IN_A_ROW)
    turn = os.getpid() % len(starts)
    for first in (*starts[turn:], *starts[:turn]):
        with suppress(OSError):
            return socket.create_server((HERE, first)), range(first + 1, first + IN_A_ROW)
    raise OSError(f"no row of ports from {LOWEST} to {HIGHEST} is left")


class Ports(LocalPortCache):
    """What Jupyter asks for ports, after `Ports.instance()` has been called once."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.held, self.row = held_row()
        atexit.register(self.held.close)
        self.turns = itertools.cycle(self.row)

    def find_available_port(self, ip: str) -> int:
        """The next port of this process that is free. Raises OSError where none is."""
        for port in itertools.islice(self.turns, len(self.row)):
            with suppress(OSError):
                socket.create_server((ip, port)).close()
                return port
        raise OSError(f"no port from {self.row[0]} to {self.row[-1]} is free at {ip}")


def free() -> int:
    """A port of this machine where a server may begin to look."""
    return Ports.instance().find_available_port(HERE)


def pytest_configure() -> None:
    """As a plug-in of pytest: for the kernels that nbval starts."""
    Ports.instance()
