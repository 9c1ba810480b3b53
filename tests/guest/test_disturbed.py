# SPDX-License-Identifier: GPL-2.0-or-later
"""What fails, is killed or misbehaves while there is a guest."""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "netns"))
from disturbed import EVERYTHING, Client, Disturbed  # noqa: E402
from lab import wait_until  # noqa: E402

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


# --- a guest that is up -------------------------------------------------------------------------

class Supervisor:
    """What /proc says of it."""

    def __init__(self, pid):
        self.proc = pathlib.Path(f"/proc/{pid}")

    def memory_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+) kB", (self.proc / "status").read_text())[1])

    def descriptors(self):
        return len(list((self.proc / "fd").iterdir()))


@pytest.fixture
def busy(make_lab, monkeypatch):
    """A lab that is up, a client of its, and its supervisor, whose memory can be measured."""
    monkeypatch.setenv("ASAN_OPTIONS", os.environ["ASAN_OPTIONS"] +
                       ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
                       ":malloc_context_size=0")
    lab = make_lab("busy")
    lab.up().ok()
    client = Client(pathlib.Path(os.environ["NETLAB_RUNTIME_DIR"]) / "busy" / "control")
    yield lab, client, Supervisor(client.ask("status")["result"]["pid"])
    client.close()


def drive_spec():
    return {"kind": "tcp", "guest": "server", "port": 7777, "send": "x", "expect": "x"}


def test_many_execs_and_drives(busy):
    _, client, supervisor = busy

    def ask_all():
        assert client.ask("exec", guest="server", argv=["echo", "x"])["result"]["status"] == 0
        assert client.ask("drive", spec=drive_spec())["result"]["ok"]
        assert client.ask("status")["result"]["state"] == "up"

    for _ in range(20):
        ask_all()
    memory, descriptors = supervisor.memory_kb(), supervisor.descriptors()
    for _ in range(REQUESTS):
        ask_all()
    assert supervisor.descriptors() == descriptors
    assert supervisor.memory_kb() < memory + GROWTH_KB


def test_captures_and_monitors_that_come_and_go(busy):
    lab, _, supervisor = busy
    descriptors = supervisor.descriptors()
    for _ in range(REQUESTS // 20):
        for words in (["capture", "busy", "-w", "/dev/null"], ["monitor", "busy"]):
            process = subprocess.Popen([lab.netlab, *words], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            lab.drive("server:7777", "tcp", "--send", "x", "--expect", "x").ok()
            process.terminate()
            assert process.wait(60) in (0, 1, -15)
    assert lab.status()["state"] == "up"
    assert supervisor.descriptors() == descriptors


def test_clients_that_go_in_the_middle(busy):
    _, client, supervisor = busy
    descriptors, memory = supervisor.descriptors(), supervisor.memory_kb()
    control = pathlib.Path(os.environ["NETLAB_RUNTIME_DIR"]) / "busy" / "control"
    for request in ({"request": "exec", "guest": "server", "argv": ["sleep", "60"]},
                    {"request": "exec", "guest": "server", "argv": ["cat", "/dev/zero"]},
                    {"request": "drive", "spec": {**drive_spec(), "connections": 100}},
                    {"request": "console", "guest": "server"}) * 5:
        gone = Client(control)
        gone.send(json.dumps({"id": 1, **request}).encode() + b"\n")
        gone.close()
        assert client.ask("exec", guest="server", argv=["true"])["result"]["status"] == 0
    wait_until(lambda: supervisor.descriptors() == descriptors, "what they held is closed")
    assert supervisor.memory_kb() < memory + GROWTH_KB


def wait_until_it_holds_still(busy):
    """Until the supervisor takes no more from the guest, for all that it answers others."""
    lab, _, supervisor = busy
    other = Client(pathlib.Path(os.environ["NETLAB_RUNTIME_DIR"]) / lab.name / "control")
    most = same = 0
    while same < 1000:
        assert "result" in other.ask("status")
        now = supervisor.memory_kb()
        same = same + 1 if now <= most else 0
        most = max(now, most)
    other.close()


def test_output_that_waits_for_its_reader_comes_when_it_reads(busy):
    _, client, _ = busy
    size = 16 << 20
    client.send(json.dumps({"id": 7, "request": "exec", "guest": "server", "argv": [
        "head", "-c", str(size), "/dev/zero"]}).encode() + b"\n")
    wait_until_it_holds_still(busy)
    got = 0
    while "event" in (message := json.loads(client.line())):
        got += len(base64.b64decode(message["data"]))
    assert message == {"id": 7, "result": {"status": 0}}
    assert got == size


@pytest.mark.parametrize("words", [
    ["exec", "busy/server", "--", "sleep", "600"],
    ["drive", "busy/server:7777", "tcp", "--send", "x", "--expect", "y", "--timeout", "500s"],
], ids=lambda words: words[0])
def test_ctrl_c_of_what_runs(busy, terminal, words):
    lab, client, supervisor = busy
    descriptors = supervisor.descriptors()
    terminal.run(lab.netlab, *words)
    wait_until(lambda: supervisor.descriptors() > descriptors, "it runs", 60)
    terminal.type("\x03")
    terminal.wait_for("@> ")
    assert terminal.last_status() in (0, 1, 130)
    wait_until(lambda: supervisor.descriptors() == descriptors, "it let go", 60)
    assert client.ask("exec", guest="server", argv=["true"])["result"]["status"] == 0
