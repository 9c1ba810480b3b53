# SPDX-License-Identifier: GPL-2.0-or-later
"""A lab under test: netlab's verbs as methods, witnesses beside them."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import pytest

DEADLINE = 180


class Lab:
    """One lab, by name. What is started here is ended by the fixture that made it."""

    def __init__(self, netlab, run, name, topology, output):
        self.netlab, self.run, self.name = netlab, run, name
        self.topology, self.output = topology, output

    def verb(self, *words, **options):
        return self.run(self.netlab, *words, deadline=DEADLINE, **options)

    def up(self, *options):
        return self.verb("up", self.topology, "--name", self.name, "-o", self.output,
                         "--accel", "tcg", *options)

    def down(self):
        return self.verb("down", self.name)

    def status(self):
        return self.verb("status", self.name, "--json").json()

    def guest(self, name="server"):
        return next(g for g in self.status()["guests"] if g["name"] == name)

    def exec(self, node, *command, **options):
        return self.verb("exec", f"{self.name}/{node}", "--", *command, **options)

    def drive(self, target, *words):
        return self.verb("drive", f"{self.name}/{target}", *words)

    def ip(self, *words):
        """iproute2's own view of the lab's host side."""
        return self.exec("host", "ip", "-j", "-d", *words).json()


def ip(lab, *words):
    """Change something on the lab's host side."""
    lab.exec("host", "ip", *words).ok()


def ask_who_has(lab, address):
    """Have the lab's host side send something: the ARP request before a datagram."""
    lab.exec("host", "/usr/bin/python3", "-c", "import socket; "
             f"socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('{address}', 9))").ok()


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, what, seconds=DEADLINE):
    """Look again and again until @condition holds: for what gives no event to wait for."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        os.sched_yield()


def tshark(capture, *words):
    """tshark's lines on a capture, which must read without a complaint."""
    result = subprocess.run(["tshark", "-n", "-r", capture, *words], capture_output=True,
                            text=True, timeout=120, check=True)
    complaints = [line for line in result.stderr.splitlines()
                  if line and "Running as user" not in line]
    assert not complaints, complaints
    return result.stdout.splitlines()


def fields(capture, *names, only=None):
    """The named fields of each frame that the display filter @only lets through."""
    words = ["-T", "fields"] + [word for name in names for word in ("-e", name)]
    if only:
        words += ["-Y", only]
    return [line.split("\t") for line in tshark(capture, *words)]


def write_topology(path, **changes):
    """A topology like tcp-receive, with other keys put in or (None) left out; JSON is YAML."""
    topology = {
        "name": "under-test",
        "kernel": "debug",
        "bridges": {"br0": {"addresses": ["192.168.100.50/24", "fd00:100::50/64"]}},
        "guests": {"server": {
            "memory": "256M",
            "nics": [{"model": "e1000", "bridge": "br0",
                      "addresses": ["192.168.100.224/24", "fd00:100::224/64"]}],
            "run": ["epoll-echo", "--udp", "--port", "7777"]}},
        "capture": ["br0"],
    }
    topology.update(changes)
    path.write_text(json.dumps({k: v for k, v in topology.items() if v is not None}))
    return path


@contextlib.contextmanager
def own_folders(cache):
    """Runtime and state folders that several tests share; the cache stays. Their path is short,
    as a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="nl") as name, pytest.MonkeyPatch.context() as patch:
        folder = pathlib.Path(name)
        for variable, part in (("NETLAB_RUNTIME_DIR", "run"), ("XDG_STATE_HOME", "state")):
            (folder / part).mkdir(mode=0o700)
            patch.setenv(variable, str(folder / part))
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield folder


@contextlib.contextmanager
def shared_lab(netlab, run, cache, name, **changes):
    """A lab like tcp-receive that is up, for several tests, in folders of its own."""
    with own_folders(cache) as folder:
        lab = Lab(netlab, run, name, write_topology(folder / "t.yaml", **changes), folder / "out")
        try:
            lab.up().ok()
            yield lab
        finally:
            lab.down()


def interrupt(process):
    process.send_signal(signal.SIGINT)
