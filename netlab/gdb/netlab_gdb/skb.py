# SPDX-License-Identifier: GPL-2.0-or-later
"""An skb of the guest's kernel: what its fields say, and the packet that is in it."""

import functools
from typing import Iterator, Optional

import gdb

from . import headers, index, kernel, memory, structs
from .headers import Packet
from .structs import struct

CHECKSUMS = ("CHECKSUM_NONE", "CHECKSUM_UNNECESSARY", "CHECKSUM_COMPLETE", "CHECKSUM_PARTIAL")
PACKET_TYPES = ("to this host", "broadcast", "multicast", "to another host", "outgoing",
                "looped back", "to user space", "to the kernel")
POSITIONS = {"eth": "Ethernet", "vlan": "VLAN", "ip": "network", "ipv6": "network",
             "arp": "network"}
UNSET = 0xffff       # of a header's offset
HEADERS_SIZE = 256   # bytes that all headers of a packet fit in, but for the oddest
END_LIMIT = 1 << 20  # bytes of an skb's linear part
DATA_LIMIT = 1 << 19
PART_LIMIT = 256     # skbs in a frag list
ETHERNET_SIZE, ETHERNET_LEAST = 14, 60
IPPROTO_TCP, IPPROTO_UDP = 6, 17
AF_INET6 = 10
MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:192.0.2.1
TIME_WAIT, NEW_SYN_RECV = 6, 12  # states whose struct sock is none


class Skb:
    """An sk_buff, as it was when it was read."""

    def __init__(self, address: int) -> None:
        self.address = address
        self.fields = struct("struct sk_buff", address)
        get = self.fields
        self.head, self.data = get["head"], get["data"]
        self.tail, self.end = self.head + get["tail"], self.head + get["end"]
        self.len, self.data_len = get["len"], get["data_len"]

    def problem(self) -> str:
        """Why this can't be an skb; "" where it can."""
        if not kernel.is_kernel_address(self.head):
            return f"its head is {self.head:#x}"
        if not self.head <= self.data <= self.tail <= self.end < self.head + END_LIMIT:
            return "its head, data, tail and end are not in order"
        if self.tail - self.data != self.len - self.data_len:
            return f"len {self.len} and data_len {self.data_len} contradict data and tail"
        return ""

    @functools.cached_property
    def shared(self) -> structs.Struct:
        """Its skb_shared_info, behind the linear part."""
        return struct("struct skb_shared_info", self.end)

    @functools.cached_property
    def users(self) -> int:
        """References to it."""
        return int.from_bytes(self.fields.bytes("users"), "little")

    @functools.cached_property
    def destructor(self) -> str:
        """The function that is called when it is freed; ""."""
        address = self.fields["destructor"]
        return kernel.symbol_at(address) if kernel.is_kernel_address(address) else ""

    # --- where its headers are ------------------------------------------------------------------

    def header(self, name: str) -> Optional[int]:
        """Address of the mac, network or transport header; None where it isn't set."""
        offset = self.fields[f"{name}_header"]
        if offset in (0, UNSET) or self.head + offset > self.tail:
            return None
        return self.head + offset

    @functools.cached_property
    def start(self) -> tuple[int, str]:
        """Address and name of the outermost header that is there; no name: there is none."""
        mac, network = self.header("mac"), self.header("network")
        if mac is not None and (network is None or network < mac
                                or network - mac >= ETHERNET_SIZE):
            return mac, "eth"
        if network is not None:
            # Between eth_header() and dev_queue_xmit() only data knows the header.
            if mac is None and network - self.data == ETHERNET_SIZE:
                return self.data, "eth"
            return network, self._network_name(network)
        if self.header("transport") == self.data and self.fields["sk"]:
            name = headers.PROTOCOLS.get(socket_protocol(self.fields["sk"]), "")
            if name:
                return self.data, name
        return self.data, "eth" if self._is_ethernet() else ""

    def _network_name(self, address: int) -> str:
        name = headers.ETHERTYPES.get(self.fields.number("protocol"), "")
        if name in ("ip", "ipv6", "") and address < self.tail:
            version = structs.read(address, 1)[0] >> 4
            return {4: "ip", 6: "ipv6"}.get(version, "")
        return name

    def _is_ethernet(self) -> bool:
        """Does an Ethernet header begin at data (a driver that has just received it)?"""
        if self.tail - self.data < ETHERNET_SIZE:
            return False
        return int.from_bytes(structs.read(self.data + 12, 2), "big") in headers.ETHERTYPES

    def position(self) -> str:
        """Where data points, in words."""
        packet, start = self.headers, self.start[0]
        if not self.start[1]:
            return "at the payload: no header is built yet"
        for layer in packet.layers:
            if layer.start == self.data - start:
                return f"at the {POSITIONS.get(layer.name, 'transport')} header"
        behind = self.data - start - packet.payload
        if behind >= 0:
            return "at the payload" + (f", {behind} bytes of it gone" if behind else "")
        return f"{self.data - start} bytes behind the outermost header"

    # --- its bytes ------------------------------------------------------------------------------

    @property
    def length(self) -> int:
        """Bytes from its outermost header on."""
        return self.tail - self.start[0] + self.data_len

    def _decode(self, data: bytes) -> Packet:
        start, name = self.start
        network = self.header("network")
        # What is appended to a segment isn't in its headers; padding is cut off by IP. Before a
        # packet that is sent has its device, nobody has written its length (__ip_local_out() does,
        # net/ipv4/ip_output.c): what lies there is what the memory held before.
        whole = (self.data_len > 0 and self.length > ETHERNET_LEAST) or (
            network is not None and (self.data > network or not self.fields["dev"]))
        return headers.decode(data, name, max(self.length, len(data)), whole)

    @functools.cached_property
    def headers(self) -> Packet:
        """The packet, of which only the first bytes were read: all of them at once."""
        start = self.start[0]
        return self._decode(structs.read(start, min(self.tail - start, HEADERS_SIZE)))

    @functools.cached_property
    def packet(self) -> Packet:
        """The packet with all its bytes that can be read."""
        data = structs.read(self.start[0], self.tail - self.start[0])
        return self._decode(data + b"".join(self.pieces(DATA_LIMIT)))

    def fragments(self) -> list[tuple[int, int, int]]:
        """Its frags: (struct page, offset, bytes)."""
        layout = structs.layout_of("struct skb_shared_info")
        kind = gdb.lookup_type("skb_frag_t").strip_typedefs()
        piece = structs.layout_of(f"struct {kind.tag}")
        at, _, _ = layout.place("frags")
        found = []
        for i in range(min(self.shared["nr_frags"], 64)):
            frag = piece.read(self.end + at // 8 + i * piece.size)
            found.append((frag.get("bv_page", "netmem", "page"),
                          frag.get("bv_offset", "offset", "page_offset"),
                          frag.get("bv_len", "len", "size")))
        return found

    def parts(self) -> Iterator["Skb"]:
        """The skbs of its frag list."""
        address = self.shared["frag_list"]
        for _ in range(PART_LIMIT):
            if not kernel.is_kernel_address(address):
                return
            part = Skb(address)
            if part.problem():
                return
            yield part
            address = part.fields["next"]

    def pieces(self, limit: int, nested: bool = False) -> Iterator[bytes]:
        """What is behind the linear part, to LIMIT bytes or what can't be read. NESTED: it is
        itself of a frag list, and the kernel puts none into another."""
        if not self.data_len:
            return
        for page, offset, size in self.fragments():
            if page & 1 or limit <= 0:  # net_iov: a device's memory
                return
            yield structs.read(structs.page_address(page) + offset, min(size, limit))
            limit -= size
        for part in self.parts() if not nested else ():
            if limit <= 0:
                return
            yield structs.read(part.data, min(part.tail - part.data, limit))
            yield from part.pieces(limit - (part.tail - part.data), True)
            limit -= part.len


def socket_protocol(address: int) -> int:
    """IPPROTO_* of a struct sock; 0 where it is a request or in TIME-WAIT, that have none."""
    common = struct("struct sock_common", address)
    if common["skc_state"] in (TIME_WAIT, NEW_SYN_RECV):
        return 0
    layout = structs.layout_of("struct sock")
    at, size, _ = layout.place("sk_protocol")
    return int.from_bytes(structs.read(address + at // 8, size // 8), "little")


def socket_ends(address: int) -> tuple[tuple[bytes, int], tuple[bytes, int]]:
    """A socket's own address and port, and its peer's."""
    common = struct("struct sock_common", address)
    own, peer = common.bytes("skc_rcv_saddr"), common.bytes("skc_daddr")
    if common["skc_family"] == AF_INET6:
        own, peer = (plain(common.bytes(f"skc_v6_{name}")) for name in ("rcv_saddr", "daddr"))
    return (own, common["skc_num"]), (peer, common.number("skc_dport"))


def plain(address: bytes) -> bytes:
    """IPv4's address where IPv6's is one in disguise."""
    return address[12:] if address.startswith(MAPPED) else address


def control_block_segment(skb: Skb, sock: int, queued: bool) -> Optional[index.Segment]:
    """What TCP notes of a segment beside it (TCP_SKB_CB), where it has no header (yet, or any
    more); None: it isn't TCP's."""
    if not sock or socket_protocol(sock) != IPPROTO_TCP:
        return None
    note = skb.fields.inner("cb", "struct tcp_skb_cb")
    control = note["tcp_flags"] & 7
    space = skb.len + bin(control & 3).count("1")
    if (note["end_seq"] - note["seq"]) % (1 << 32) != space:
        return None
    own, peer = socket_ends(sock)
    source, to = (peer, own) if queued else (own, peer)
    return index.Segment((source[0], to[0], source[1], to[1]), note["seq"], skb.len, control,
                         note["ack_seq"])


def read(address: int) -> Skb:
    """The skb at an address; gdb.GdbError where there is none."""
    try:
        skb = Skb(address)
    except memory.Damaged as error:
        raise gdb.GdbError(f"no skb at {address:#x}: it can't be read") from error
    problem = skb.problem()
    if problem:
        raise gdb.GdbError(f"no skb at {address:#x}: {problem}")
    return skb
