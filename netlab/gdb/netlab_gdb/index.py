# SPDX-License-Identifier: GPL-2.0-or-later
"""Which captured frame a packet in the kernel is. Pure: no gdb.

Between the wire and a function of the kernel a packet's bytes change: padding goes, checksums
are filled in by a card, a router counts the hop limit down, segments are merged (GRO) or not
yet cut (TSO). So two packets are taken for the same one where their bytes from IP or ARP on are
equal, apart from checksums and hop limit; segments of TCP where they are of one flow and share
sequence space, with the same bytes there; and merged datagrams of UDP where a flow has those
with the same bytes one behind another.
"""

import collections
import dataclasses
import enum
import hashlib
from typing import Callable, Iterable, Optional

from . import headers, pcapng
from .headers import Packet

MODULUS = 1 << 32
SEGMENTS_LIMIT = 1 << 10  # that one skb is cut into


@dataclasses.dataclass(frozen=True)
class Segment:
    """What tells a TCP segment from others."""

    flow: tuple[bytes, bytes, int, int]  # addresses, ports: from, to
    seq: int
    length: int      # of the payload, in bytes
    control: int     # FIN, SYN and RST, as in the header
    ack: int
    ident: Optional[int] = None  # IPv4's; None: unknown
    stamp: Optional[int] = None  # the timestamp option's; None: it has none

    def space(self) -> int:
        """How much sequence space it takes."""
        return self.length + bin(self.control & 3).count("1")

    def distance(self, other: "Segment") -> int:
        """How far behind this one's beginning the other one begins; negative: before it."""
        return (other.seq - self.seq + MODULUS // 2) % MODULUS - MODULUS // 2

    def overlap(self, other: "Segment") -> int:
        """How many bytes of sequence space two segments share; 0 where they are apart."""
        ahead = self.distance(other)
        return max(min(self.space(), ahead + other.space()) - max(ahead, 0), 0)

    def is_repeated_by(self, other: "Segment") -> bool:
        """Does the other one say the same?"""
        return (self.seq, self.length, self.control, self.ack) == (
            other.seq, other.length, other.control, other.ack)


class Way(enum.Enum):
    """Where the guest has a packet from, as far as it can be told."""

    RECEIVED = enum.auto()
    SENT = enum.auto()    # or about to be
    UNKNOWN = enum.auto()


@dataclasses.dataclass
class Query:
    """A packet in the guest's kernel that is to be found."""

    packet: Optional[Packet]           # None: it has no header to go by
    segment: Optional[Segment] = None  # of TCP
    way: Way = Way.UNKNOWN
    queued: bool = False               # in a socket's receive queue: nothing is there twice
    part_size: int = 0  # payload in bytes of each but the last of what it is merged from; 0: alone


@dataclasses.dataclass
class Found:
    """The frames that a packet is, in their order."""

    frames: list[pcapng.Frame] = dataclasses.field(default_factory=list)
    equal: list[pcapng.Frame] = dataclasses.field(default_factory=list)  # it may be each of them
    reason: str = ""                     # why one of them was taken
    whole: bool = True                   # all of it is in them
    part: Optional[tuple[int, int]] = None  # it is these bytes of the frame's payload, [from, to)


def network_layer(packet: Packet) -> Optional[headers.Layer]:
    """Where IP or ARP begins."""
    return packet.layer("ip", "ipv6", "arp")


def digest(packet: Packet) -> Optional[bytes]:
    """Of all that stays the same on the packet's way; None: its bytes are not all there."""
    first = network_layer(packet)
    outer = packet.layer("eth")
    start = first.start if first else outer.end if outer else 0
    if len(packet.data) < packet.end:
        return None
    data = bytearray(packet.data[start:packet.end])
    if first is None:
        kind = packet.value("eth.type") or 0
        return hashlib.blake2b(bytes(data).rstrip(b"\0"), digest_size=16,
                               salt=int(kind).to_bytes(2, "big")).digest()
    for layer in packet.layers:
        for at, size in CHANGING.get(layer.name, ()):
            place = layer.start - start + at
            data[place:place + size] = bytes(size)
    return hashlib.blake2b(data, digest_size=16).digest()


def payload_digest(payload: bytes) -> bytes:
    """Of a datagram's."""
    return hashlib.blake2b(payload, digest_size=16).digest()


# Where in a header is what changes on the way: hop limits and checksums, (offset, size).
CHANGING = {"ip": ((8, 1), (10, 2)), "ipv6": ((7, 1),), "tcp": ((16, 2),), "udp": ((6, 2),)}


def flow_of(network: headers.Layer, transport: headers.Layer) -> tuple[bytes, bytes, int, int]:
    """Addresses and ports, from and to."""
    return (network.fields[f"{network.name}.src"], network.fields[f"{network.name}.dst"],
            transport.fields[f"{transport.name}.srcport"],
            transport.fields[f"{transport.name}.dstport"])


def datagram_flow(packet: Packet) -> Optional[tuple[bytes, bytes, int, int]]:
    """That of a UDP datagram; None: it is none."""
    network, udp = packet.layer("ip", "ipv6"), packet.layer("udp")
    return flow_of(network, udp) if network and udp else None


def segment_of(packet: Packet) -> Optional[Segment]:
    """The TCP segment in a packet."""
    network, tcp = packet.layer("ip", "ipv6"), packet.layer("tcp")
    if network is None or tcp is None:
        return None
    get = tcp.fields
    return Segment(flow_of(network, tcp), get["tcp.seq"], get["tcp.len"], get["tcp.flags"] & 7,
                   get["tcp.ack"], packet.value("ip.id"),
                   packet.value("tcp.options.timestamp.tsval"))


def fragment_key(packet: Packet) -> Optional[tuple]:
    """What the fragments of a packet have in common; with one that was put together again,
    too, where it is IPv4."""
    ip = packet.layer("ip")
    if ip:
        get = ip.fields
        return get["ip.src"], get["ip.dst"], get["ip.proto"], get["ip.id"]
    ident, ipv6 = packet.value("ipv6.fraghdr.ident"), packet.layer("ipv6")
    if ident is None or ipv6 is None:
        return None
    return ipv6.fields["ipv6.src"], ipv6.fields["ipv6.dst"], ident


def is_fragment(packet: Packet) -> bool:
    """Is it only a part of a packet?"""
    return bool(packet.value("ip.flags.mf") or packet.value("ip.frag_offset")
                or packet.value("ipv6.fraghdr.ident") is not None)


class Index:
    """The frames of a capture, by what they say."""

    def __init__(self, reader: pcapng.Reader) -> None:
        self.reader = reader
        self.frames: dict[int, pcapng.Frame] = {}
        self.first: Optional[pcapng.Frame] = None
        self.digests: dict[bytes, list[pcapng.Frame]] = collections.defaultdict(list)
        self.flows: dict[tuple, list[tuple[pcapng.Frame, Segment]]] = (
            collections.defaultdict(list))
        self.datagrams: dict[tuple, list[tuple[pcapng.Frame, bytes]]] = (
            collections.defaultdict(list))
        self.fragments: dict[tuple, list[pcapng.Frame]] = collections.defaultdict(list)

    def update(self) -> bool:
        """Read what the file has in addition. Return: is there any?"""
        before = self.reader.at
        for frame, data in self.reader.read():
            self.first = self.first or frame
            self.frames[frame.number] = frame
            if frame.interface.link_type == pcapng.LINKTYPE_ETHERNET:
                self._add(frame, headers.decode(data, length=frame.length))
        return self.reader.at != before

    def _add(self, frame: pcapng.Frame, packet: Packet) -> None:
        key = digest(packet)
        if key is not None:
            self.digests[key].append(frame)
        fragments = fragment_key(packet) if is_fragment(packet) else None
        if fragments is not None:
            self.fragments[fragments].append(frame)
            return
        segment = segment_of(packet)
        if segment:
            self.flows[segment.flow].append((frame, segment))
        datagrams = datagram_flow(packet)
        if datagrams:
            payload = packet.data[packet.payload:packet.end]
            self.datagrams[datagrams].append((frame, payload_digest(payload)))

    def packet(self, frame: pcapng.Frame) -> Packet:
        """A frame's headers."""
        return headers.decode(self.reader.data(frame), length=frame.length)

    def find(self, query: Query, allowed: Callable[[pcapng.Frame], bool],
             read_before: int) -> Found:
        """The frames that QUERY is, of those that are ALLOWED; READ_BEFORE: the size of the
        file when the guest stopped."""
        choice = Choice(query, read_before)
        if query.packet:
            key = digest(query.packet)
            equal = [f for f in self.digests.get(key or b"", []) if allowed(f)]
            if equal:
                return choice.of(equal)
        if query.segment:
            return self._find_segment(query, choice, allowed)
        if query.packet and query.part_size and datagram_flow(query.packet):
            found = self._find_datagrams(query, choice, allowed)
            if found.frames:
                return found
        key = fragment_key(query.packet) if query.packet else None
        parts = [f for f in self.fragments.get(key or (), []) if allowed(f)]
        return Found(parts)

    def _find_segment(self, query: Query, choice: "Choice",
                      allowed: Callable[[pcapng.Frame], bool]) -> Found:
        wanted = query.segment
        assert wanted
        near = [(f, s) for f, s in self.flows.get(wanted.flow, [])
                if allowed(f) and may_be(wanted, s, query.way) and self._same_bytes(query, f, s)]
        if not wanted.space():
            return choice.of([f for f, s in near])
        starts: dict[int, list[pcapng.Frame]] = collections.defaultdict(list)
        for frame, segment in near:
            starts[wanted.distance(segment)].append(frame)
        chosen = [choice.of(frames) for _, frames in sorted(starts.items())]
        found = Found([frame for one in chosen for frame in one.frames],
                      [frame for one in chosen for frame in one.equal],
                      next((one.reason for one in chosen if one.reason), ""),
                      covers([segment for _, segment in near], wanted))
        if len(found.frames) == 1:
            segment = next(s for f, s in near if f == found.frames[0])
            ahead = (wanted.seq - segment.seq) % MODULUS
            if ahead + wanted.length <= segment.length and wanted.length < segment.length:
                found.part = ahead, ahead + wanted.length
        return found

    def _find_datagrams(self, query: Query, choice: "Choice",
                        allowed: Callable[[pcapng.Frame], bool]) -> Found:
        """Those that UDP's GRO has merged, or that its GSO will cut."""
        assert query.packet
        payload = query.packet.data[query.packet.payload:query.packet.end]
        parts = [payload_digest(payload[at:at + query.part_size])
                 for at in range(0, len(payload), query.part_size)]
        have = [(f, d) for f, d in self.datagrams.get(datagram_flow(query.packet) or (), [])
                if allowed(f)]
        runs = {f: have[i:i + len(parts)] for i, (f, _) in enumerate(have)}
        found = choice.of([f for f, run in runs.items() if [d for _, d in run] == parts])
        return dataclasses.replace(found, frames=[f for one in found.frames
                                                  for f, _ in runs[one]])

    def _same_bytes(self, query: Query, frame: pcapng.Frame, segment: Segment) -> bool:
        """Where both have payload, is it the same?"""
        wanted = query.segment
        if query.packet is None or wanted is None:
            return True
        theirs = self.packet(frame)
        ours = query.packet.data[query.packet.payload:query.packet.end]
        other = theirs.data[theirs.payload:theirs.end]
        ahead = wanted.distance(segment)
        ours, other = (ours[ahead:], other) if ahead >= 0 else (ours, other[-ahead:])
        size = min(len(ours), len(other))
        return ours[:size] == other[:size]


def may_be(wanted: Segment, captured: Segment, way: Way) -> bool:
    """Can the captured segment be the one in the kernel, or a part of it?"""
    if (wanted.control ^ captured.control) & 6:  # SYN and RST; FIN goes with the last part
        return False
    if not wanted.space():
        if not wanted.is_repeated_by(captured):
            return False
    elif not wanted.overlap(captured):
        return False
    # One that is being sent again has a new time stamp, and new numbers of IP's, of which a card
    # that cuts a large segment counts up from the first.
    if way is Way.SENT and wanted.stamp is not None and wanted.stamp != captured.stamp:
        return False
    if way is Way.SENT and wanted.ident and captured.ident:
        return (captured.ident - wanted.ident) % 0x10000 < SEGMENTS_LIMIT
    return True


def covers(segments: list[Segment], wanted: Segment) -> bool:
    """Have the segments all of the wanted one's sequence space?"""
    reached = 0
    for ahead, space in sorted((wanted.distance(s), s.space()) for s in segments):
        if ahead <= reached:
            reached = max(reached, ahead + space)
    return reached >= wanted.space()


class Choice:
    """Takes one of several frames that say the same."""

    def __init__(self, query: Query, read_before: int) -> None:
        self.query = query
        self.read_before = read_before

    def of(self, equal: list[pcapng.Frame]) -> Found:  # pylint: disable=invalid-name
        """The frame that it is most likely."""
        if len(equal) < 2:
            return Found(list(equal))
        if self.query.queued:
            return Found(equal[:1], equal, "the first was taken: a socket queues none twice")
        before = [frame for frame in equal if frame.at < self.read_before]
        if not before:
            return Found(equal[:1], equal, "the first was taken: all came after the guest stopped")
        if len(before) < len(equal):
            return Found(before[-1:], equal, "the last before the guest stopped was taken")
        return Found(before[-1:], equal, "the last was taken")


def ranges(numbers: Iterable[int]) -> str:
    """"12-14, 20"."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
