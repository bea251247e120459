"""Ports for the kernels and servers that a check starts, out of reach of what runs beside it.

Who starts a kernel looks for free ports; the kernel takes them a moment later. A port above HIGHEST
the system gives to whoever asks for any: if another kernel starts in that moment, it may get it,
and the first one dies without a word. Below, nobody gets one unasked. There, each process counts
through ports of its own.
"""

import itertools
import os
import socket

from jupyter_client.connect import LocalPortCache

LOWEST, HIGHEST = 10_000, 32_000
A_PROCESS = 40  # ports from one process to the next


class Ports(LocalPortCache):
    """What Jupyter asks for ports, after `Ports.instance()` has been called once."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.numbers = itertools.count(A_PROCESS * os.getpid())

    def find_available_port(self, ip: str) -> int:
        """The next port of this process that is free. Raises OSError where none is."""
        for number in itertools.islice(self.numbers, HIGHEST - LOWEST):
            port = LOWEST + number % (HIGHEST - LOWEST)
            try:
                socket.create_server((ip, port)).close()
            except OSError:
                continue
            return port
        raise OSError(f"no port from {LOWEST} to {HIGHEST} is free at {ip}")


def free() -> int:
    """A port of this machine where a server may begin to look."""
    return Ports.instance().find_available_port("127.0.0.1")


def pytest_configure() -> None:
    """As a plug-in of pytest: for the kernels that nbval starts."""
    Ports.instance()
