# SPDX-License-Identifier: GPL-2.0-or-later
"""`netlab skb`: what an skb carries, and which frame of the capture it is."""

from typing import Optional

import gdb

from . import capture, commands, devices, findskb, kernel, memory, packettext, skb
from .index import Way

WAYS = {Way.RECEIVED: "received", Way.SENT: "being sent", Way.UNKNOWN: ""}
GSO_TYPES = ("TCPV4", "DODGY", "TCP_ECN", "TCP_FIXEDID", "TCPV6", "FCOE", "GRE", "GRE_CSUM",
             "IPXIP4", "IPXIP6", "UDP_TUNNEL", "UDP_TUNNEL_CSUM", "PARTIAL", "TUNNEL_REMCSUM",
             "SCTP", "ESP", "UDP", "UDP_L4", "FRAGLIST")


def sizes_text(one: skb.Skb) -> str:
    """Its lengths, room and references."""
    return (f"len {one.len}, data_len {one.data_len}, headroom {one.data - one.head}, "
            f"tailroom {one.end - one.tail}, users {one.users}"
            f"{', cloned' * bool(one.fields['cloned'])}")


def device_text(one: skb.Skb, device: Optional[devices.Device], way: Way) -> str:
    """Its device, the way it goes, its owner."""
    words = [f"dev {device.name}" if device else "no dev", WAYS[way]]
    if way is Way.RECEIVED:
        words.append(skb.PACKET_TYPES[one.fields["pkt_type"]])
    tag = one.fields["vlan_tci"]
    if one.fields.get("vlan_present", "vlan_all"):
        words.append(f"VLAN {tag & 0xfff} beside the data, priority {tag >> 13}")
    if one.fields["sk"]:
        words.append(f"sk {one.fields['sk']:#x}")
    if one.destructor:
        words.append(f"freed by {one.destructor}")
    return ", ".join(word for word in words if word)


def checksum_text(one: skb.Skb) -> str:
    """The state of its checksum."""
    name = skb.CHECKSUMS[one.fields["ip_summed"]]
    meaning = {
        "CHECKSUM_NONE": "no one has computed or verified it",
        "CHECKSUM_UNNECESSARY": f"verified, {one.fields['csum_level'] + 1} of them",
        "CHECKSUM_COMPLETE": f"of all that follows, computed by the card: {one.fields['csum']:#x}",
        "CHECKSUM_PARTIAL": f"to be filled in, from {one.fields['csum_start']} of the head on, "
                            f"at {one.fields['csum_offset']} behind that"}[name]
    return f"{name}: {meaning}"


def pieces_text(one: skb.Skb) -> str:
    """What is behind the linear part, and segments; "" where there is nothing to tell."""
    shared, words = one.shared, []
    if shared["nr_frags"]:
        sizes = ", ".join(str(size) for _, _, size in one.fragments())
        words.append(f"nr_frags {shared['nr_frags']} ({sizes} bytes)")
    parts = [part.len for part in one.parts()]
    if parts:
        words.append(f"frag list of {len(parts)} skbs ({', '.join(map(str, parts))} bytes)")
    if shared["gso_size"]:
        names = [name for i, name in enumerate(GSO_TYPES) if shared["gso_type"] >> i & 1]
        words.append(f"gso_size {shared['gso_size']}, gso_segs {shared['gso_segs']}, "
                     f"gso_type {' '.join(names) or 0}")
    return ", ".join(words)


def header_lines(one: skb.Skb, asked: Optional[capture.Asked]) -> list[str]:
    """The packet, with a mark where data points."""
    if one.start[1]:
        try:
            packet = one.packet
        except memory.Damaged:
            packet = one.headers
        return packettext.lines(packet, one.data - one.start[0])
    segment = asked.query.segment if asked else None
    if segment is None:
        return ["> no header is built yet"]
    (source, to, sport, dport), address = segment.flow, packettext.address
    return [f"> TCP, no header is built yet: {address(source)} port {sport} > {address(to)} "
            f"port {dport}, seq {segment.seq}, length {segment.length}"]


class SkbCommand(commands.Command):
    """Show the packet that an skb carries, and which frame of the capture it is.

netlab skb [EXPRESSION]

EXPRESSION is an skb, its address, or a queue of skbs, whose first is taken. Without one, the
skb is looked for in the arguments and locals of the selected function and its callers. `>`
marks the header that data points to."""

    NAME = "skb"

    def __init__(self) -> None:
        super().__init__(gdb.COMPLETE_EXPRESSION)

    def run(self, argument: str) -> None:
        """Show it."""
        finding = findskb.evaluate(argument) if argument else findskb.find()
        one = finding.skb
        text, asked = capture.frame_text(one, finding.sock)
        device = asked.device if asked else devices.devices().get(one.fields["dev"])
        way = asked.query.way if asked else Way.UNKNOWN
        lines = [f"skb {one.address:#x} ({finding.where}), {one.position()}", text,
                 device_text(one, device, way), sizes_text(one), checksum_text(one),
                 pieces_text(one)]
        print("\n  ".join(line for line in lines if line))
        print("\n".join(header_lines(one, asked)))
        if finding.lost:
            print(f"(optimised out: {kernel.printable(', '.join(finding.lost))})")
