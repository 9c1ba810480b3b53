# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic over the loopback link of a namespace, against peers of every behaviour."""
import json
import os
import pathlib
import re
import resource
import selectors
import subprocess
import sys
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build"))
HELPER = BUILD / "tests/netns/traffic-helper"
PEER = pathlib.Path(__file__).with_name("peer.py")
DEADLINE = 60  # seconds until anything counts as hung
BOTH = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])


def first_line(stream):
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        assert selector.select(DEADLINE), "nothing is said"
    return stream.readline().rstrip("\n")


class Driver:
    """A process that drives traffic in a namespace of its own."""

    def __init__(self, **popen):
        self.process = subprocess.Popen([str(HELPER)], stdin=subprocess.PIPE, bufsize=1,
                                        stdout=subprocess.PIPE, text=True, **popen)
        self.others = []
        assert first_line(self.process.stdout) == "entered"
        subprocess.run(self.inside("ip", "link", "set", "lo", "up"), check=True,
                       timeout=DEADLINE)

    def inside(self, *command):
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "-t", str(self.process.pid), *user, "--net", *command]

    def run(self, *command):
        return subprocess.run(self.inside(*command), check=True, timeout=DEADLINE, text=True,
                              stdout=subprocess.PIPE).stdout

    def start(self, *command, **popen):
        self.others.append(subprocess.Popen(self.inside(*command), **popen))
        return self.others[-1]

    def peer(self, kind, address, behaviour):
        """Starts a peer; returns its port."""
        process = self.start(sys.executable, str(PEER), kind, address, behaviour,
                             stdout=subprocess.PIPE, text=True)
        return int(first_line(process.stdout))

    def drive(self, kind, to, port, connections=1, bytes=0, timeout=20, **texts):
        request = {"kind": kind, "to": to, "port": port, "connections": connections,
                   "bytes": bytes, "timeout_ms": int(timeout * 1000), **texts}
        self.process.stdin.write(json.dumps(request) + "\n")
        return json.loads(first_line(self.process.stdout))

    def close(self):
        self.process.stdin.close()
        for other in self.others:
            other.kill()
            other.communicate(timeout=DEADLINE)
        assert self.process.wait(DEADLINE) == 0
        self.process.stdout.close()


@pytest.fixture(name="driver")
def fixture_driver():
    driver = Driver()
    yield driver
    driver.close()


def outcomes(result):
    return [each["outcome"] for each in result["each"]]


@BOTH
def test_tcp_hello(driver, address):
    port = driver.peer("tcp", address, "echo")
    result = driver.drive("tcp", address, port, send="hello", expect="hello")
    assert outcomes(result) == ["ok"]
    assert result["ok"] is True
    assert (result["kind"], result["to"], result["port"]) == ("tcp", address, port)
    assert [result[key] for key in ("connections", "ok_count", "failed_count", "sent",
                                    "received")] == [1, 1, 0, 5, 5]
    [each] = result["each"]
    assert each["closed"] == "orderly"
    shown = f"[{address}]" if ":" in address else address
    assert each["remote"] == f"{shown}:{port}"
    assert each["local"].startswith(f"{shown}:") and each["local"] != each["remote"]
    assert 0 < each["connect_ns"] < each["duration_ns"] <= result["duration_ns"]
    assert 0 < each["rtt_ns"] < each["duration_ns"]
    assert result["rtt_ns"] == {key: each["rtt_ns"] for key in ("min", "median", "max")}
    tcp = each["tcp"]
    assert tcp["state"] == "established"
    assert tcp["rtt_us"] > 0 and tcp["snd_cwnd"] > 0 and tcp["total_retrans"] == 0
    assert tcp["pmtu"] in (65535, 65536)  # of the loopback link, by IPv4 and by IPv6
    assert result["text"].splitlines()[0].startswith(
        f"tcp to {shown}:{port}: 1 of 1 connection ok, 5 bytes sent, 5 received, ")


@BOTH
def test_tcp_many_with_bytes(driver, address):
    port = driver.peer("tcp", address, "echo")
    result = driver.drive("tcp", address, port, connections=50, bytes=100000, send="hello",
                          expect="hello")
    assert outcomes(result) == ["ok"] * 50
    assert result["sent"] == result["received"] == 50 * 100005
    assert len({each["local"] for each in result["each"]}) == 50
    assert result["connect_ns"]["min"] <= result["connect_ns"]["median"]
    assert "50 of 50 connections ok" in result["text"]
    assert len(result["text"].splitlines()) == 3


def test_tcp_thousands(driver):
    limits = resource.prlimit(driver.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(driver.process.pid, resource.RLIMIT_NOFILE, (256, limits[1]))
    port = driver.peer("tcp", "127.0.0.1", "echo")
    result = driver.drive("tcp", "127.0.0.1", port, connections=900, send="hello",
                          expect="hello", timeout=40)
    assert set(outcomes(result)) == {"ok"}


def test_too_many_for_the_limit_of_files(driver):
    resource.prlimit(driver.process.pid, resource.RLIMIT_NOFILE, (256, 1000))
    result = driver.drive("tcp", "127.0.0.1", 1, connections=2000, send="hello")
    assert result["error"].startswith(
        "2000 connections are too many: at most 1000 files may be open; ")


def test_tcp_without_expectation_waits_for_acknowledgement(driver):
    port = driver.peer("tcp", "127.0.0.1", "discard")
    result = driver.drive("tcp", "127.0.0.1", port, bytes=3000000, send="hello")
    [each] = result["each"]
    assert (each["outcome"], each["sent"], each["received"]) == ("ok", 3000005, 0)
    assert each["tcp"]["bytes_acked"] >= 3000005  # and the SYN, as Linux counts it
    assert each["tcp"]["state"] == "established"
    assert each["closed"] == "orderly"


def test_tcp_nothing_to_send(driver):
    port = driver.peer("tcp", "127.0.0.1", "echo")
    result = driver.drive("tcp", "127.0.0.1", port, connections=3)
    assert outcomes(result) == ["ok"] * 3
    assert result["rtt_ns"] is None


def wire_rows(file, port):
    """Of each client port, in order: its frames' source port, SYN, FIN, RST and length."""
    text = subprocess.run(
        ["tshark", "-r", str(file), "-Y", f"tcp.port == {port}", "-T", "fields",
         "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "tcp.flags.syn", "-e",
         "tcp.flags.fin", "-e", "tcp.flags.reset", "-e", "tcp.len"],
        capture_output=True, text=True, timeout=DEADLINE, check=False).stdout
    connections = {}
    for row in ([int(word) for word in line.split("\t")] for line in text.splitlines()):
        client = row[1] if row[0] == port else row[0]
        connections.setdefault(client, []).append([row[0], *row[2:]])
    return connections


def test_tcp_handshake_and_fins_on_the_wire(driver, tmp_path):
    port = driver.peer("tcp", "127.0.0.1", "echo")
    file = tmp_path / "wire.pcapng"
    shark = driver.start("tshark", "-i", "lo", "-w", str(file), "-f", f"tcp port {port}",
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert any("Capture started" in line for line in shark.stderr)
    assert driver.drive("tcp", "127.0.0.1", port, send="hello", expect="hello")["ok"]
    end, seen = time.monotonic() + DEADLINE, {}
    while time.monotonic() < end and sum(r[2] for rows in seen.values() for r in rows) < 2:
        seen = wire_rows(file, port) if file.exists() else {}
    shark.terminate()
    shark.wait(DEADLINE)
    shark.stderr.close()
    (client, rows), = seen.items()
    for side in (client, port):
        ours = [row for row in rows if row[0] == side]
        assert [sum(row[field] for row in ours) for field in (1, 2, 3, 4)] == [1, 1, 0, 5]


@BOTH
def test_tcp_refused(driver, address):
    result = driver.drive("tcp", address, 9, connections=3, send="hello", expect="hello")
    assert outcomes(result) == ["connect: Connection refused"] * 3
    assert (result["ok"], result["failed_count"]) == (False, 3)
    assert result["connect_ns"] is None


@pytest.mark.parametrize("behaviour, outcome", [
    ("wrong", 'expected "hello", got "help!\\x00"'),
    ("close", 'expected "hello", the peer closed without an answer'),
    ("part", 'expected "hello", got "hel" and the end'),
    ("half-close", 'expected "hello", the peer closed without an answer'),
    ("reset", "receiving: Connection reset by peer"),
    ("silent", "timeout after 0.3 s while receiving"),
])
def test_tcp_misbehaviour(driver, behaviour, outcome):
    port = driver.peer("tcp", "127.0.0.1", behaviour)
    result = driver.drive("tcp", "127.0.0.1", port, send="hello", expect="hello",
                          timeout=0.3 if behaviour == "silent" else 20)
    [got] = outcomes(result)
    # A peer that closes at once may be heard of as a reset, when our text meets no socket.
    allowed = {outcome}
    if behaviour == "close":
        allowed |= {"receiving: Connection reset by peer", "sending: Broken pipe",
                    "sending: Connection reset by peer"}
    assert got in allowed
    assert not result["ok"]
    assert got in result["text"]


def test_tcp_pattern_is_verified(driver):
    port = driver.peer("tcp", "127.0.0.1", "flip")
    result = driver.drive("tcp", "127.0.0.1", port, send="hello", expect="hello",
                          bytes=10000)
    [outcome] = outcomes(result)
    assert (re.fullmatch(r"byte \d+ of the answer is 0x\w\w, not 0x\w\w as sent", outcome) or
            outcome == 'expected "hello", got "helln"')


def test_tcp_peer_that_never_closes(driver):
    port = driver.peer("tcp", "127.0.0.1", "linger")
    result = driver.drive("tcp", "127.0.0.1", port, send="hello", expect="hello", timeout=0.5)
    [each] = result["each"]
    assert (each["outcome"], each["closed"]) == ("ok", "left open by the peer")
    assert each["duration_ns"] >= 500_000_000


def test_tcp_retransmissions_are_told(driver):
    """Every SYN is dropped: the deadline ends it, and TCP_INFO says what was tried."""
    driver.run("ip", "link", "add", "hole", "type", "veth", "peer", "name", "bottom")
    driver.run("ip", "addr", "add", "192.0.2.1/24", "dev", "hole")
    for link in ("hole", "bottom"):
        driver.run("ip", "link", "set", link, "up")
    driver.run("ip", "neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", "hole",
               "nud", "permanent")
    result = driver.drive("tcp", "192.0.2.2", 7, send="hello", expect="hello", timeout=1.5)
    [each] = result["each"]
    assert each["outcome"] == "timeout after 1.5 s while connecting"
    assert each["tcp"]["state"] == "syn-sent"
    assert each["tcp"]["total_retrans"] == 1
    assert "1 retransmitted" in result["text"]


def test_no_route(driver):
    result = driver.drive("tcp", "198.51.100.1", 7, connections=2, send="hello")
    assert outcomes(result) == ["connect: Network is unreachable"] * 2


@BOTH
def test_udp_hello_and_bytes(driver, address):
    port = driver.peer("udp", address, "echo")
    result = driver.drive("udp", address, port, connections=4, bytes=50000, send="hello",
                          expect="hello")
    assert outcomes(result) == ["ok"] * 4
    assert result["sent"] == result["received"] == 4 * 50005
    assert result["each"][0]["tcp"] is None
    assert result["rtt_ns"]["min"] > 0


def test_udp_without_expectation(driver):
    port = driver.peer("udp", "127.0.0.1", "silent")
    result = driver.drive("udp", "127.0.0.1", port, bytes=30000, send="hello")
    assert outcomes(result) == ["ok"]
    assert (result["sent"], result["received"]) == (30005, 0)


@BOTH
def test_udp_refused(driver, address):
    result = driver.drive("udp", address, 9, send="hello", expect="hello")
    assert outcomes(result) == ["receiving: Connection refused (ICMP: port unreachable)"]


@pytest.mark.parametrize("behaviour, outcome", [
    ("wrong", 'expected "hello", got "help!"'),
    ("silent", "timeout after 0.3 s while receiving"),
])
def test_udp_misbehaviour(driver, behaviour, outcome):
    port = driver.peer("udp", "127.0.0.1", behaviour)
    result = driver.drive("udp", "127.0.0.1", port, send="hello", expect="hello", timeout=0.3)
    assert outcomes(result) == [outcome]
