"""Kernels and servers that checks start do not take each other's ports."""

import socket

import pytest
from jupyter_client.connect import LocalPortCache

from tools.notebooks import ports
from tools.notebooks.ports import HIGHEST, LOWEST, Ports


@pytest.fixture
def own():
    return Ports()


def test_a_kernel_is_given_ports_of_its_own():
    Ports.instance()
    given = [LocalPortCache.instance().find_available_port("127.0.0.1") for _ in range(50)]
    given += [ports.free() for _ in range(50)]
    assert len(set(given)) == 100 and all(LOWEST <= port < HIGHEST for port in given)


def test_one_that_is_taken_is_left_out(own):
    start = next(own.numbers)
    with socket.create_server(("127.0.0.1", LOWEST + (start + 1) % (HIGHEST - LOWEST))) as taken:
        assert own.find_available_port("127.0.0.1") != taken.getsockname()[1]


def test_after_the_last_comes_the_first_and_none_is_asked_twice(own, monkeypatch):
    asked = []

    def refuse(address):
        asked.append(address[1])
        raise OSError

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(OSError, match="no port from 10000 to 32000 is free at 127.0.0.1"):
        own.find_available_port("127.0.0.1")
    assert sorted(asked) == list(range(LOWEST, HIGHEST))
