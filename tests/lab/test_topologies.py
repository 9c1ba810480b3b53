# SPDX-License-Identifier: GPL-2.0-or-later
"""The topologies to learn from, on a kernel that has all that they want: netlab in a guest.

A guest within the guest would be slow, and proves nothing more of a network: its place is taken
by a host with the same addresses.
"""
import base64
import json
import re
import subprocess
import textwrap
import time

import pytest

DEADLINE = 180
OUTPUT = "/tmp/lab-output"


class Inner:
    """A lab within the guest."""

    def __init__(self, outer, name, text, path):
        self.outer, self.name, self.path = outer, name, path
        outer.run("sh", "-c", 'cat >"$0"', f"/tmp/{name}.yaml", input=text).ok()
        outer.run(outer.netlab, "up", f"/tmp/{name}.yaml", "-o", OUTPUT, deadline=DEADLINE).ok()

    def exec(self, node, *command, **options):
        return self.outer.run(self.outer.netlab, "exec", f"{self.name}/{node}", "--", *command,
                              deadline=DEADLINE, **options)

    def ping(self, node, address, *options):
        """-> (whether an answer came, what ping said)."""
        done = self.exec(node, "busybox", "ping", "-c", "1", "-W", "5", *options, address)
        return done.returncode == 0, done.stdout

    def down(self):
        self.outer.run(self.outer.netlab, "down", self.name)

    def capture(self, *fields, only):
        """The capture's frames as tshark reads them, once the lab is down."""
        self.down()
        encoded = self.outer.run("base64", f"{OUTPUT}/{self.name}.pcapng").ok().stdout
        self.path.write_bytes(base64.b64decode(encoded))
        words = [word for field in fields for word in ("-e", field)]
        shown = subprocess.run(["tshark", "-n", "-r", self.path, "-Y", only, "-T", "fields",
                                *words], capture_output=True, text=True, timeout=120, check=True)
        return [line.split("\t") for line in shown.stdout.splitlines()]


@pytest.fixture
def inner(outer, source, tmp_path):
    """inner(name, text=None, change=None) -> Inner, up. Without a text it is the topology of
    that name, which @change may change."""
    labs = []

    def start(name, text=None, change=None):
        text = text or (source / f"topologies/{name}.yaml").read_text()
        text = change(text) if change else text
        labs.append(Inner(outer, name, text, tmp_path / f"{name}.pcapng"))
        return labs[-1]

    yield start
    for lab in labs:
        lab.down()


def with_host(server):
    """A change: the host @server, as YAML's text, instead of the guest of that name."""
    def change(text):
        text = re.sub(r"^(guests|drive):\n(?: .*\n)+", "", text, flags=re.M)
        text = text.replace("server.0", "server.eth0")
        if "\nhosts:\n" not in text:
            text += "hosts:\n"
        return text.replace("\nhosts:\n", "\nhosts:\n" + textwrap.indent(
            f"server: {server}\n", "  "))
    return change


def test_vlans(inner):
    """Each reaches its own VLAN; the bridge's own link is the trunk, where frames have tags."""
    lab = inner("vlans")
    assert lab.ping("red1", "10.0.10.2")[0] and lab.ping("blue1", "10.0.20.2")[0]
    assert lab.ping("host", "10.0.10.1")[0] and lab.ping("host", "10.0.20.1")[0]
    # blue1 has an address of red's network, and is not found: it hears no request for it.
    assert not lab.ping("red1", "10.0.10.3", "-W", "1")[0]
    tags = lab.capture("vlan.id", "ip.dst", only='frame.interface_name == "br0" && '
                                                 "icmp.type == 8")
    assert sorted(tags) == [["10", "10.0.10.1"], ["10", "10.0.10.2"],
                            ["20", "10.0.20.1"], ["20", "10.0.20.2"]]
    assert {name for name, in lab.capture("frame.interface_name", only="vlan")} == {"br0"}
    assert {name for name, in lab.capture(
        "frame.interface_name", only="arp.dst.proto_ipv4 == 10.0.10.3")} == {"br0", "red1.eth0"}


def round_trips(text):
    return [float(ms) for ms in re.findall(r" time=([\d.]+) ms", text)]


SEND = """
import socket
sender = socket.socket(type=socket.SOCK_DGRAM)
for _ in range({n}):
    try:
        sender.sendto(b"x" * 100, ("{to}", 9))
    except ConnectionRefusedError:
        pass  # the answer to one before
"""
SENT = 2000

ECHO = """
import socket
server = socket.create_server(("", 7777))
print("listening", flush=True)
connection = server.accept()[0]
while data := connection.recv(65536):
    connection.sendall(data)
"""
WHOLE = """
import socket, threading
sent = bytes(range(256)) * 800
connection = socket.create_connection(("192.168.112.10", 7777), timeout=120)
threading.Thread(target=lambda: (connection.sendall(sent),
                                 connection.shutdown(socket.SHUT_WR))).start()
received = b""
while data := connection.recv(65536):
    received += data
print(received == sent)
"""


def netem(lab, node, link):
    shown = lab.exec(node, "tc", "-s", "-j", "qdisc", "show", "dev", link).json()
    return next(q for q in shown if q["kind"] == "netem")


def lossy(text):
    """The impairment and the offloads are the file's."""
    impair = re.search(r"impair:\n((?: {10}.*\n)+)", text)[1]
    both = ", ".join(line.strip() for line in impair.splitlines())
    return with_host("{links: {eth0: {bridge: br0, addresses: [192.168.112.10/24], "
                     f"offloads: {{tso: off, gso: off, gro: off}}, impair: {{{both}}}}}}}}}")(text)


def test_lossy_link(outer, inner):
    """2 % of 2000 frames are 40: that none of them is lost, or 200, has no chance (10^-17)."""
    lab = inner("lossy-link", change=lossy)
    times = round_trips(lab.ping("host", "192.168.112.10", "-c", "10")[1])
    assert times and min(times) >= 20, "what the host sends waits 20 ms, always"
    # Towards it, one in a hundred overtakes; all others wait 15 ms at least.
    assert sorted(times)[len(times) // 2] >= 35
    before = netem(lab, "host", "server.eth0")
    lab.exec("host", "/usr/bin/python3", "-c", SEND.format(n=SENT, to="192.168.112.10")).ok()
    after = next(state for state in (netem(lab, "host", "server.eth0") for _ in range(1000))
                 if not state["qlen"])
    lost = after["drops"] - before["drops"]
    assert 0 < lost < 200
    assert after["packets"] - before["packets"] + lost >= SENT
    both = outer.run("sh", "-c", '"$0" exec lossy-link/server -- /usr/bin/python3 -c "$1" | '
                     '{ read _; "$0" exec lossy-link/host -- /usr/bin/python3 -c "$2"; }',
                     outer.netlab, ECHO, WHOLE, deadline=DEADLINE).ok()
    assert both.stdout == "True\n", "TCP mends what is lost"
    assert netem(lab, "server", "eth0")["options"]["loss-random"]["loss"] == pytest.approx(0.005)


def test_router(inner):
    lab = inner("router", change=with_host(
        "{links: {eth0: {bridge: far, addresses: [10.2.0.10/24, 'fd00:2::10/64']}}, "
        "routes: [{to: default, via: 10.2.0.254}, {to: default, via: 'fd00:2::254'}]}"))
    assert lab.ping("host", "10.2.0.10")[0] and lab.ping("host", "fd00:2::10")[0]
    assert lab.ping("server", "10.1.0.1")[0] and lab.ping("server", "fd00:1::1")[0]
    hops = lab.capture("frame.interface_name", "ip.ttl",
                       only="icmp.type == 8 && ip.dst == 10.2.0.10")
    assert hops == [["near", "64"], ["far", "63"]]


def test_vxlan(inner):
    lab = inner("vxlan", change=with_host(
        "{links: {eth0: {bridge: overlay, addresses: [192.168.42.10/24]}}, "
        "routes: [{to: default, via: 192.168.42.1}]}"))
    assert lab.ping("host", "192.168.42.10")[0]
    frames = lab.capture("frame.interface_name", "vxlan.vni", only="vxlan && icmp")
    assert frames == [["underlay", "42"], ["underlay", "42"]], "there and back"


def test_fifty_hosts(inner):
    lab = inner("fifty-hosts")
    assert len(lab.exec("host", "ip", "-j", "link").json()) == 52
    assert lab.ping("h01", "10.50.0.50")[0] and lab.ping("host", "10.50.0.17")[0]
    # linkwatch tells of a carrier at most once a second (net/core/link_watch.c).
    end = time.monotonic() + DEADLINE
    while down := [link["ifname"] for link in lab.exec("host", "ip", "-j", "link").json()
                   if link["operstate"] == "DOWN"]:
        assert time.monotonic() < end, down


def half(number):
    """One of two labs whose segments VXLAN joins, over a cable that the test lays."""
    return json.dumps({
        "bridges": {"underlay": {"addresses": [f"10.99.0.{number}/24"], "mtu": 1550},
                    "overlay": None},
        "links": {"vx0": {"vxlan": 42, "local": f"10.99.0.{number}", "bridge": "overlay",
                          "remote": f"10.99.0.{3 - number}", "link": "underlay"}},
        "hosts": {"h": {"links": {"eth0": {
            "bridge": "overlay", "addresses": [f"192.168.42.{number}/24"]}}}},
        "capture": ["underlay"]})


def test_vxlan_between_two_labs(outer, inner):
    labs = [inner(f"half{number}", text=half(number)) for number in (1, 2)]
    one, two = (outer.run(outer.netlab, "status", lab.name, "--json").json()["pid"]
                for lab in labs)
    outer.run("ip", "link", "add", "cable", "mtu", "1550", "netns", one, "type", "veth",
              "peer", "name", "cable", "mtu", "1550", "netns", two).ok()
    for lab in labs:
        lab.exec("host", "ip", "link", "set", "cable", "master", "underlay", "up").ok()
    # The largest frame that the overlay takes fits into a datagram on the underlay.
    assert labs[0].ping("h", "192.168.42.2", "-s", "1472")[0]
    frames = labs[0].capture("ip.src", "ip.dst", "vxlan.vni", only="vxlan && icmp.type == 8")
    assert frames == [["10.99.0.1,192.168.42.1", "10.99.0.2,192.168.42.2", "42"]]
