"""Kernels and servers that checks start do not take each other's ports."""

import socket
import subprocess
import sys

import pytest
from jupyter_client.connect import LocalPortCache

from tools.notebooks import ports
from tools.notebooks.ports import HERE, HIGHEST, LOWEST, Ports
from tools.repo import ROOT

ROW = "from tools.notebooks.ports import Ports; print(*Ports.instance().row); input()"


@pytest.fixture
def own():
    made = Ports()
    yield made
    made.held.close()


def test_kernels_and_servers_are_given_ports_that_nobody_gets_unasked():
    Ports.instance()
    given = [LocalPortCache.instance().find_available_port(HERE) for _ in range(20)]
    given += [ports.free() for _ in range(20)]
    assert len(set(given)) == 40 and all(LOWEST <= port < HIGHEST for port in given)


def test_no_two_processes_give_away_the_same(own, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: 0)  # as another process with a number like ours
    other, row = ports.held_row()
    third, last = ports.held_row()
    with other, third:
        assert not set(row) & set(last) and not set(own.row) & set(row)
    beside = subprocess.Popen(
        [sys.executable, "-c", ROW], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    told = set(map(int, beside.stdout.readline().split()))
    beside.communicate(b"\n")
    assert len(told) == len(own.row) and not told & set(own.row)


def test_one_that_is_taken_is_left_out(own):
    taken = next(own.turns) + 1
    with socket.create_server((HERE, taken)):
        found = {own.find_available_port(HERE) for _ in own.row}
    assert found == set(own.row) - {taken}


def test_where_none_is_free_none_is_asked_twice(own, monkeypatch):
    asked = []

    def refuse(address):
        asked.append(address[1])
        raise OSError

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(OSError, match=f"no port from {own.row[0]} to .* is free at 127.0.0.1"):
        own.find_available_port(HERE)
    assert sorted(asked) == list(own.row)
    with pytest.raises(OSError, match="no row of ports from 10000 to 32000 is left"):
        ports.held_row()
