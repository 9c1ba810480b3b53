# SPDX-License-Identifier: GPL-2.0-or-later
"""A supervisor that is asked much, and by the hostile; and labs that come and go."""
import json
import os
import pathlib
import random
import re
import resource
import time

import pytest

from disturbed import EVERYTHING

CYCLES = 1000 if EVERYTHING else 50
REQUESTS = 1000 if EVERYTHING else 200
CONNECTIONS_MAX = 128
GROWTH_KB = 8 << 10
STATUS = b'{"id": 1, "request": "status"}\n'


class Supervisor:
    """What /proc says of it."""

    def __init__(self, pid):
        self.proc = pathlib.Path(f"/proc/{pid}")

    def memory_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+) kB", (self.proc / "status").read_text())[1])

    def descriptors(self):
        return len(list((self.proc / "fd").iterdir()))


@pytest.fixture
def small_asan(monkeypatch):
    """What is freed is given back: memory is to be measured."""
    monkeypatch.setenv("ASAN_OPTIONS", os.environ["ASAN_OPTIONS"] +
                       ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
                       ":malloc_context_size=0")


@pytest.fixture
def supervisor(disturbed, small_asan):
    disturbed.up().ok()
    client = disturbed.control()
    pid = client.ask("status")["result"]["pid"]
    for _ in range(100):
        client.ask("status")
    client.close()
    return Supervisor(pid)


@pytest.fixture
def unmoved(disturbed, supervisor):
    """unmoved() - another client is answered, memory is bounded, no descriptor stays open."""
    def settled():
        client = disturbed.control()
        assert client.ask("status")["result"]["state"] == "up"
        count = supervisor.descriptors()
        client.close()
        return count

    memory, descriptors = supervisor.memory_kb(), settled()

    def check():
        # What was asked before a connection was closed is worked off first.
        end = time.monotonic() + 60
        while (now := settled()) != descriptors:
            assert time.monotonic() < end, f"{now} descriptors, not {descriptors}"
        assert supervisor.memory_kb() < memory + GROWTH_KB
    return check


def test_many_requests_on_one_connection(disturbed, unmoved):
    client = disturbed.control()
    for _ in range(REQUESTS):
        assert "result" in client.ask("status")
        assert "no guest" in client.ask("exec", guest="none", argv=["true"])["error"]["message"]
        assert "error" in client.ask("drive", spec={"kind": "tcp", "to": "none:1"})
        assert "no request" in client.ask("none")["error"]["message"]
    client.close()
    unmoved()


def test_halts_and_flushes_that_can_not_be(disturbed, unmoved):
    client = disturbed.control()
    assert client.ask("watch")["result"] == {"halted_ns": 0}
    assert "runs already" in client.ask("watch")["error"]["message"]
    assert "no guest" in client.ask("halted")["error"]["message"]
    assert "no guest 'nobody'" in client.ask("halted", guest="nobody")["error"]["message"]
    flushed = disturbed.control().ask("flush")["result"]
    assert os.path.exists(flushed["file"]) and flushed["frames"] >= 0
    for _ in range(REQUESTS):
        client.send(b'{"id": 2, "request": "flush"}\n')
    client.close()
    unmoved()


def test_many_connections_one_after_the_other(disturbed, unmoved):
    for _ in range(REQUESTS):
        client = disturbed.control()
        assert "result" in client.ask("status")
        client.close()
    unmoved()


def test_verbs_again_and_again(disturbed, unmoved):
    for _ in range(REQUESTS // 10):
        disturbed.status().ok()
        disturbed.verb("exec", "disturbed/client", "--", "true").ok()
        assert "no guest" in disturbed.verb("exec", "disturbed/none", "--", "true").stderr
    unmoved()


def test_thousands_of_connections_at_a_time(disturbed, supervisor, unmoved):
    ours, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    crowd = [disturbed.control() for _ in range(min(2000, ours - 200))]
    try:
        assert "result" in disturbed.control().ask("status"), "who comes last is heard"
        assert supervisor.descriptors() < CONNECTIONS_MAX + 50
    finally:
        for client in crowd:
            client.close()
    unmoved()


GARBAGE = {
    "no JSON": b"garbage\n", "an array": b"[1, 2]\n", "nothing": b"\n" * 100,
    "no text": bytes(range(256)) + b"\n", "a deep one": b"[" * 100000 + b"\n",
    "no request": b'{"id": 1}\n', "a request of another type": b'{"id": {}, "request": []}\n',
    "a huge number": b'{"id": 1e999, "request": "status"}\n',
    "a huge line": b"a" * (20 << 20), "a huge request": b'{"id": "' + b"a" * (20 << 20) + b'"}\n',
    "huge words": b'{"id": 1, "request": "exec", "guest": "' + b"a" * (3 << 20) + b'"}\n',
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage(disturbed, unmoved, data):
    client = disturbed.control()
    try:
        client.send(data)
        client.send(STATUS)
        while (line := client.line()):
            assert json.loads(line)
            if "result" in json.loads(line):
                break
    except (BrokenPipeError, ConnectionResetError):
        pass  # it is not listened to any longer
    client.close()
    unmoved()


def test_random_bytes(disturbed, unmoved):
    generator = random.Random(1)
    for _ in range(REQUESTS):
        client = disturbed.control()
        try:
            client.send(generator.randbytes(generator.randrange(1, 3000)))
        except (BrokenPipeError, ConnectionResetError):
            pass
        client.close()
    unmoved()


def test_one_that_closes_at_every_point_of_a_request(disturbed, unmoved):
    for n in range(len(STATUS) + 1):
        client = disturbed.control()
        client.send(STATUS[:n])
        client.close()
    unmoved()


def test_one_that_stops_in_the_middle(disturbed, unmoved):
    halves = [disturbed.control() for _ in range(50)]
    for client in halves:
        client.send(STATUS[:10])
    assert "result" in disturbed.control().ask("status")
    for client in halves:
        client.send(STATUS[10:])
        assert "result" in json.loads(client.line())
        client.close()
    unmoved()


def send_until_full(client):
    """As many requests as it can take that no one reads the answers of; returns how many whole
    ones."""
    client.socket.setblocking(False)
    sent = waits = 0
    while waits < 100:
        try:
            sent += client.socket.send((STATUS * 100)[sent % len(STATUS):])
            waits = 0
        except BlockingIOError:
            waits += 1
            os.sched_yield()
    client.socket.setblocking(True)
    return sent // len(STATUS)


def test_one_that_never_reads(disturbed, supervisor, unmoved):
    memory = supervisor.memory_kb()
    client = disturbed.control()
    for _ in range(20):
        send_until_full(client)
        assert "result" in disturbed.control().ask("status")
    assert supervisor.memory_kb() < memory + GROWTH_KB
    client.close()
    unmoved()


def test_one_that_reads_late(disturbed, unmoved):
    client = disturbed.control()
    sent = send_until_full(client)
    for _ in range(sent):
        assert json.loads(client.line())["id"] == 1
    assert sent > 100
    client.close()
    unmoved()


def namespaces():
    found = set()
    for path in pathlib.Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(os.readlink(path))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            pass
    return found


def test_labs_that_come_and_go(disturbed, leftovers):
    for _ in range(CYCLES):
        disturbed.up().ok()
        inside = os.readlink(f"/proc/{disturbed.status().json()['pid']}/ns/net")
        disturbed.down().ok()
        assert inside not in namespaces()
    assert leftovers() == []
    assert {path.name for path in disturbed.output.iterdir()} == {"netlab.log",
                                                                 "disturbed.pcapng"}
