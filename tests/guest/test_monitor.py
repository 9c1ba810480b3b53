# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab monitor: iproute2 makes things happen in a lab without guests."""
import json
import signal
import subprocess
import time

import pytest

from lab import ip

DEADLINE = 60
DUMMY = "02:00:00:00:00:07"


class Monitor:
    """A monitor that runs, and is ended with the test."""

    def __init__(self, lab, *options):
        self.process = subprocess.Popen([lab.netlab, "monitor", lab.name, *options], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert "watching lab" in self.process.stderr.readline()

    def until(self, text):
        """The lines up to the one that holds @text; one that ends without it fails."""
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if text in line:
                return lines
        raise AssertionError(f"no {text!r} in {lines}")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.rest()

    def rest(self):
        out, err = self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == 0, err
        return out


@pytest.fixture
def watch():
    running = []

    def start(lab, *options):
        running.append(Monitor(lab, *options))
        return running[-1]

    yield start
    for monitor in running:
        monitor.process.kill()
        monitor.process.communicate(timeout=DEADLINE)


def test_events_as_they_happen(bridges, watch):
    monitor = watch(bridges)
    ip(bridges, "link", "set", "br0", "mtu", "1400")
    monitor.until("link br0: mtu 1500 -> 1400\n")
    ip(bridges, "address", "add", "198.51.100.1/24", "dev", "br1")
    monitor.until("address br1: 198.51.100.1/24\n")
    ip(bridges, "neighbour", "add", "198.51.100.9", "lladdr", DUMMY, "dev", "br1")
    monitor.until(f"neighbour br1: 198.51.100.9 at {DUMMY} permanent\n")
    ip(bridges, "link", "delete", "br1")
    monitor.until("address br1: 198.51.100.1/24 gone\n")
    monitor.until("link br1: gone\n")
    monitor.end()


def test_a_port_comes_and_goes(bridges, watch):
    monitor = watch(bridges)
    ip(bridges, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    monitor.until("link v0: new veth, down")
    ip(bridges, "link", "set", "v0", "master", "br1", "up")
    ip(bridges, "link", "set", "v1", "up")
    monitor.until("port v0: forwarding\n")
    ip(bridges, "link", "set", "v0", "nomaster")
    monitor.until("port v0: of no bridge any more\n")
    assert not [line for line in monitor.until("port of no bridge") if "v0: gone" in line]


def test_json(bridges, watch):
    monitor = watch(bridges, "--json")
    ip(bridges, "link", "set", "br0", "mtu", "1400")
    event = json.loads(monitor.until('"mtu":1400')[-1])
    now = bridges.ip("link", "show", "br0")[0]
    assert {key: event[key] for key in ["event", "node", "link", "gone", "new", "kind", "up"]} == {
        "event": "link", "node": "host", "link": "br0", "gone": False, "new": False,
        "kind": "bridge", "up": True}
    assert (event["index"], event["mtu"], event["mac"], event["txqueuelen"]) == (
        now["ifindex"], now["mtu"], now["address"], now["txqlen"])
    assert abs(event["time_ns"] / 1e9 - time.time()) < DEADLINE
    ip(bridges, "address", "add", "2001:db8::1/64", "dev", "br1", "nodad")
    event = json.loads(monitor.until("2001:db8::1")[-1])
    assert event["event"] == "address" and event["address"] == "2001:db8::1/64"
    for line in monitor.end().splitlines():
        json.loads(line)


def test_it_ends_with_the_lab(bridges, watch):
    monitor = watch(bridges)
    bridges.down().ok()
    assert "link br0: gone" in monitor.rest()


def test_events_that_were_lost_are_said(bridges, watch):
    monitor = watch(bridges)
    monitor.process.send_signal(signal.SIGSTOP)
    # Each is told of twice; the socket has room for some hundred of them.
    bridges.exec("host", "sh", "-c", "for i in 1 2; do for m in $(seq 1000 1400); do "
                 "echo link set br0 mtu $m; done; done | ip -batch -").ok()
    monitor.process.send_signal(signal.SIGCONT)
    monitor.until("some events were lost")
    ip(bridges, "link", "set", "br0", "mtu", "1499")
    assert "mtu 1400 -> 1499" in monitor.until("1499")[-1]
