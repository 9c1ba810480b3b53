# SPDX-License-Identifier: GPL-2.0-or-later
"""What fails, is killed or misbehaves while there is a guest."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "netns"))
from disturbed import EVERYTHING, Client, Disturbed  # noqa: E402

REQUESTS = 1000 if EVERYTHING else 100
GROWTH_KB = 8 << 10
GUEST = {
    "bridges": {"br0": {"addresses": ["192.168.100.50/24"]}},
    "guests": {"server": {"memory": "256M", "nics": [
        {"bridge": "br0", "addresses": ["192.168.100.224/24"]}]}},
    "capture": ["br0"],
}
# Of those that come with a guest: its files, sockets, process, TAP and console.
CALLS = {"clone": "EAGAIN", "execve": "ENOENT", "pipe2": "EMFILE", "socketpair": "EMFILE",
         "bind": "EADDRINUSE", "ioctl": "EBUSY", "open": "EACCES", "fcntl": "EMFILE",
         "setsid": "EPERM", "listen": "EIO", "dup2": "EMFILE", "eventfd2": "EMFILE"}


@pytest.fixture
def frozen(build, run, fresh_home, tmp_path, kernel, monkeypatch):
    """A lab whose guest is halted before its first instruction: QEMU runs, no one boots."""
    monkeypatch.setenv("ASAN_OPTIONS", os.environ["ASAN_OPTIONS"] + ":detect_leaks=0")
    lab = Disturbed(build, run, tmp_path, "frozen", GUEST)
    plain = lab.up_words()
    lab.up_words = lambda: [*plain, "--freeze", "--accel", "tcg"]
    yield lab
    lab.down()


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails(frozen, leftovers, call):
    counted = frozen.count([call])
    frozen.down().ok()
    assert leftovers() == []
    for number in range(1, len(counted) + 1):
        result = frozen.befall([call], number, CALLS[call])
        if result.returncode == 0:
            assert frozen.status().json()["guests"][0]["halted"], number
            frozen.down().ok()
        else:
            assert len(result.exited(1).stderr.splitlines()) == 1, (number, result)
        assert leftovers() == [], (number, result)


@pytest.mark.parametrize("call, process", [("clone", "@netlab-lab"), ("execve", ""),
                                           ("socketpair", "@netlab-lab"), ("clone", "@netlab")])
@pytest.mark.parametrize("what", ["SIGKILL", "SIGINT"])
def test_a_signal_while_qemu_starts(frozen, leftovers, call, process, what):
    result = frozen.befall([call], 1, what, process=process)
    assert len(result.stderr.splitlines()) <= 1, result
    if result.returncode == 0:
        frozen.down().ok()
    assert set(leftovers()) <= {str(frozen.runtime / "frozen")}, result
    frozen.up().ok()
    frozen.down().ok()
    assert leftovers() == []
