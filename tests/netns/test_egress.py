# SPDX-License-Identifier: GPL-2.0-or-later
"""The filter on what the host says in a halt, frame by frame: the kernel runs it, nothing is sent.

What it does to living connections is in tests/guest/test_host_peer.py.
"""
import ipaddress
import os
import struct

import pytest

from holder import BUILD, Holder

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CARD = bytes.fromhex("525400000001")
ADDRESSES = {4: ("10.0.0.1", "10.0.0.2"), 6: ("fd00::1", "fd00::2")}
HOP_BY_HOP, ROUTING, FRAGMENT, ICMP6, DESTINATION = 0, 43, 44, 58, 60
SACK = bytes([1, 1, 5, 10, *range(8)])
TIMESTAMP = bytes([1, 1, 8, 10, *range(8)])

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="BPF programs are for root to load")


def tcp(seq, flags=ACK, data=b"", ack=1000, window=500, options=b"", port=4000, offset=None):
    """A segment; @offset: what it says of its header's size, in words."""
    words = 5 + len(options) // 4 if offset is None else offset
    return struct.pack("!HHIIBBHHH", port, 7777, seq & 0xffffffff, ack, words << 4, flags, window,
                       0, 0) + options + data


def ethernet(protocol, payload, tags=()):
    """@tags: VLANs, the outer first."""
    words = b"".join(struct.pack("!HH", 0x88a8 if i + 1 < len(tags) else 0x8100, tag)
                     for i, tag in enumerate(tags))
    return CARD + bytes.fromhex("020000000001") + words + struct.pack("!H", protocol) + payload


def ipv4(segment, tags=(), options=b"", size=None, words=None, fragment=0, protocol=6):
    """@size, @words: what it says of its own size and its header's."""
    header = struct.pack(
        "!BBHHHBBH", 0x40 | (5 + len(options) // 4 if words is None else words), 0,
        20 + len(options) + len(segment) if size is None else size, 0, fragment, 64, protocol, 0)
    addresses = b"".join(ipaddress.ip_address(a).packed for a in ADDRESSES[4])
    return ethernet(0x0800, header + addresses + options + segment, tags)


def ipv6(segment, tags=(), extensions=(), size=None, last=6):
    """@extensions: (kind, everything behind its first byte)"""
    kinds = [kind for kind, _ in extensions] + [last]
    chain = b"".join(bytes([kinds[i + 1]]) + rest for i, (_, rest) in enumerate(extensions))
    header = struct.pack("!IHBB", 6 << 28, len(chain + segment) if size is None else size,
                         kinds[0], 64)
    addresses = b"".join(ipaddress.ip_address(a).packed for a in ADDRESSES[6])
    return ethernet(0x86dd, header + addresses + chain + segment, tags)


WAYS = {
    "IPv4": ipv4,
    "IPv4 with options": lambda segment: ipv4(segment, options=bytes([1] * 40)),
    "IPv4 without a size": lambda segment: ipv4(segment, size=0),
    "IPv4 in a VLAN": lambda segment: ipv4(segment, tags=[7]),
    "IPv6": ipv6,
    "IPv6 in two VLANs": lambda segment: ipv6(segment, tags=[3, 7]),
    "IPv6 with extensions": lambda segment: ipv6(segment, extensions=[
        (HOP_BY_HOP, bytes(7)), (ROUTING, b"\2" + bytes(22)), (DESTINATION, bytes(7))]),
}


class Filter(Holder):
    """The filter, on a link that is a guest's TAP."""

    def __init__(self):
        super().__init__(program=BUILD / "tests/netns/egress-helper")
        assert self.outcome == "READY", self.outcome

    def verdict(self, frame):
        return self.ask(f"frame {frame.hex()}")

    def passes(self, frame):
        assert self.verdict(frame) == "pass"

    def steals(self, frame):
        assert self.verdict(frame) == "stolen"


@pytest.fixture
def bare():
    egress = Filter()
    yield egress
    egress.close()
    assert egress.process.returncode == 0


@pytest.fixture
def egress(bare):
    assert bare.ask("tap") == "known"
    return bare


def connect(egress, way, seq=100, **more):
    """SYN at @seq, and two bytes of data."""
    for segment in [tcp(seq, SYN, ack=0, **more), tcp(seq + 1, **more),
                    tcp(seq + 1, ACK | PSH, b"ab", **more)]:
        egress.passes(way(segment))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("seq", [100, 0xfffffffe], ids=["", "wrapping"])
def test_life_of_a_connection(egress, way, seq):
    """While the lab runs everything passes; in a halt what is new does, once."""
    connect(egress, way, seq)
    egress.passes(way(tcp(seq, SYN, ack=0)))
    connect(egress, way, seq)
    egress.ask("halt")
    egress.steals(way(tcp(seq, SYN, ack=0)))
    egress.steals(way(tcp(seq + 1, data=b"ab")))
    egress.steals(way(tcp(seq + 2, data=b"b")))
    for probe in [b"", b"b"]:  # a keep-alive, a closed window probed
        egress.steals(way(tcp(seq + 2, data=probe)))
    egress.steals(way(tcp(seq + 3)))
    egress.passes(way(tcp(seq + 2, data=b"bc")))
    egress.steals(way(tcp(seq + 3, data=b"c")))
    egress.passes(way(tcp(seq + 4, FIN | ACK)))
    egress.steals(way(tcp(seq + 4, FIN | ACK)))
    egress.steals(way(tcp(seq + 3, FIN | ACK, b"c")))
    assert egress.ask("dropped") == "9"
    for _ in range(2):
        egress.passes(way(tcp(seq + 5, RST)))
    egress.ask("go")
    egress.passes(way(tcp(seq + 4, FIN | ACK)))
    assert egress.ask("dropped") == "9"


def test_acknowledgements(egress):
    """A new one passes, by itself or on what is repeated; so do a window and a SACK."""
    connect(egress, ipv4)
    egress.ask("halt")
    egress.steals(ipv4(tcp(103, options=TIMESTAMP)))
    egress.passes(ipv4(tcp(103, ack=1001)))
    egress.steals(ipv4(tcp(103, ack=1001)))
    egress.passes(ipv4(tcp(101, data=b"ab", ack=1002)))
    egress.steals(ipv4(tcp(101, data=b"ab", ack=1002)))
    egress.steals(ipv4(tcp(103, ack=1001, window=500)))
    egress.passes(ipv4(tcp(103, ack=1002, window=0)))
    egress.steals(ipv4(tcp(103, ack=1002, window=0)))
    egress.passes(ipv4(tcp(101, data=b"ab", ack=1002, window=9)))
    egress.steals(ipv4(tcp(101, data=b"ab", ack=1002, window=8)))
    for options in [SACK, TIMESTAMP + SACK]:
        egress.passes(ipv4(tcp(103, ack=1002, window=9, options=options)))


def test_first_seen_in_the_halt(egress):
    """A connection that the host opens then, and one that was open before the filter was."""
    egress.ask("halt")
    egress.passes(ipv4(tcp(100, SYN, ack=0)))
    egress.steals(ipv4(tcp(100, SYN, ack=0)))
    egress.passes(ipv4(tcp(900, SYN | ACK, port=22)))
    egress.steals(ipv4(tcp(900, SYN | ACK, port=22)))
    egress.passes(ipv4(tcp(5000, data=b"abc", port=23)))
    egress.steals(ipv4(tcp(5000, data=b"abc", port=23)))


def test_a_port_used_again(egress):
    """Another first sequence number is another connection, be it lower or higher."""
    connect(egress, ipv6, 5000)
    egress.ask("halt")
    for seq in [100, 9000]:
        connect(egress, ipv6, seq)
        egress.steals(ipv6(tcp(seq + 1, data=b"ab")))


def test_connections_apart(egress):
    """By port, by family and by VLAN."""
    egress.ask("halt")
    for way in [ipv4, ipv6, WAYS["IPv4 in a VLAN"]]:
        for port in [1, 2]:
            connect(egress, way, port=port)
    assert egress.ask("dropped") == "0"


def test_links_that_lead_to_others_too(bare):
    """On a bridge, what goes to a card of a guest's is held, and nothing else."""
    connect(bare, ipv4)
    bare.ask("halt")
    bare.passes(ipv4(tcp(101, data=b"ab")))
    assert bare.ask(f"card {CARD.hex()}") == "known"
    bare.steals(ipv4(tcp(101, data=b"ab")))
    other = bytes.fromhex("525400000002") + ipv4(tcp(101, data=b"ab"))[6:]
    bare.passes(other)


DATA = tcp(101, data=b"ab")
NOT_UNDERSTOOD = {
    "a fragment": ipv4(DATA, fragment=0x2000),
    "a later fragment": ipv4(DATA, fragment=3),
    "UDP": ipv4(DATA, protocol=17),
    "another version": ethernet(0x0800, b"\x65" + ipv4(DATA)[15:]),
    "an IP header of 16 bytes": ipv4(DATA, words=4),
    "an IP header beyond its end": ipv4(DATA, words=15),
    "less than the IP header": ipv4(DATA, size=19),
    "more than there is": ipv4(DATA, size=len(DATA) + 21),
    "a TCP header of 16 bytes": ipv4(tcp(101, data=b"ab", offset=4)),
    "a TCP header beyond its end": ipv4(tcp(101, data=b"ab", offset=6)),
    "an IPv6 fragment": ipv6(DATA, extensions=[(FRAGMENT, bytes(7))]),
    "an extension beyond its end": ipv6(DATA, extensions=[(DESTINATION, b"\xff" + bytes(6))]),
    "an endless chain": ipv6(DATA, extensions=[(DESTINATION, bytes(7))] * 9),
    "ICMPv6": ipv6(DATA, last=ICMP6),
    "IPv6 of more than there is": ipv6(DATA, size=len(DATA) + 1),
    "three VLANs": ipv4(DATA, tags=[1, 2, 3]),
    "ARP": ethernet(0x0806, bytes(28)),
}


@pytest.mark.parametrize("frame", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_what_is_not_understood_passes(egress, frame):
    for way in [ipv4, ipv6]:
        connect(egress, way)
    egress.ask("halt")
    for _ in range(2):
        egress.passes(frame)
    for way in [ipv4, ipv6]:
        egress.steals(way(DATA))


@pytest.mark.parametrize("options", [
    bytes([8, 0, 5, 10]), bytes([8, 1, 5, 10]), bytes([8, 255, 0, 0]), bytes([0, 5, 10, 0]),
    bytes([8, 4, 0, 0, 8, 4, 0, 0]) * 5, bytes([1] * 40), bytes([1, 1, 1, 8])])
def test_options_that_lie(egress, options):
    """They are no SACK, and end in no loop: the acknowledgement is one that was sent before."""
    connect(egress, ipv4)
    egress.ask("halt")
    egress.steals(ipv4(tcp(103, options=options)))


@pytest.mark.parametrize("name, first", [
    ("IPv4", 34), ("IPv4 with options", 34), ("IPv4 in a VLAN", 15), ("IPv6", 54),
    ("IPv6 with extensions", 54), ("IPv6 in two VLANs", 15)])
def test_frames_cut_short(egress, name, first):
    """At every byte, but where the kernel refuses to run a program on so little of IP (6.16)."""
    way = WAYS[name]
    connect(egress, way)
    egress.ask("halt")
    frame = way(tcp(101, data=b"ab", options=TIMESTAMP))
    for size in range(first, len(frame)):
        egress.passes(frame[:size])
    egress.steals(frame)
