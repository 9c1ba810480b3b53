# SPDX-License-Identifier: GPL-2.0-or-later
"""The pure modules of netlab_gdb, and captures for them."""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "netlab" / "gdb"))

# pylint: disable=unused-import,wrong-import-position
from netlab_gdb import filter as packet_filter  # noqa: E402,F401
from netlab_gdb import headers, index, packettext, pcapng  # noqa: E402,F401


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


def section(order="<"):
    return block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1), order)


def interface(name=b"br0", link_type=1, order="<"):
    option = struct.pack(order + "HH", 2, len(name)) + name + bytes(-len(name) % 4)
    resolution = struct.pack(order + "HHB3x", 9, 1, 9)
    return block(1, struct.pack(order + "HHI", link_type, 0, 0) + option + resolution
                 + bytes(4), order)


def frame(data, number=0, stamp=0, length=None, order="<"):
    length = len(data) if length is None else length
    return block(6, struct.pack(order + "IIIII", number, stamp >> 32, stamp & 0xffffffff,
                                len(data), length) + data, order)


def capture(path, frames):
    path.write_bytes(section() + interface() + b"".join(map(frame, frames)))
    return path


HOST, GUEST = bytes.fromhex("02ab016afdfd"), bytes.fromhex("525400eefc0c")
A, B = bytes([192, 168, 100, 50]), bytes([192, 168, 100, 224])
A6, B6 = (bytes.fromhex("fd000100" + "00" * 10 + end) for end in ("0050", "0224"))


def ethernet(payload, kind=None, tags=()):
    kind = kind or (0x86dd if payload[0] >> 4 == 6 else 0x0800)
    words = [struct.pack("!HH", 0x8100, tag) for tag in tags]
    return GUEST + HOST + b"".join(words) + struct.pack("!H", kind) + payload


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


# pylint: disable-next=too-many-arguments
def ipv4(payload, protocol=6, ident=1, fragment=0x4000, ttl=64, options=b""):
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
                       20 + len(options) + len(payload), ident, fragment, ttl, protocol, 0, A,
                       B) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(payload, following=6, hops=64):
    return struct.pack("!IHBB16s16s", 0x60012345, len(payload), following, hops, A6,
                       B6) + payload


# pylint: disable-next=too-many-arguments
def tcp(payload=b"", seq=1000, ack=2000, flags=0x10, options=b"", ports=(40000, 7777)):
    words = (5 + len(options) // 4) << 12 | flags
    return struct.pack("!HHIIHHHH", *ports, seq, ack, words, 502, 0, 0) + options + payload


def udp(payload=b"", ports=(40000, 7777)):
    return struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload


MSS = bytes.fromhex("020405b40402080a0000000a0000000b01030307")
FRAMES = [
    ethernet(ipv4(tcp(flags=2, options=MSS))),
    ethernet(ipv4(tcp(b"hello", flags=0x18))),
    ethernet(ipv4(tcp(seq=1005, flags=0x11), ident=0xbeef, ttl=3)),
    ethernet(ipv6(tcp(b"hello", flags=0x18))),
    ethernet(ipv6(tcp(flags=4))),
    ethernet(ipv4(udp(b"datagram"), 17)),
    ethernet(ipv6(udp(b"datagram", (53, 5353)), 17)),
    ethernet(ipv4(struct.pack("!BBHHH", 8, 0, 0xf7fd, 1, 1), 1)),
    ethernet(ipv6(struct.pack("!BBHHH", 128, 0, 0, 7, 9), 58)),
    ethernet(ipv6(struct.pack("!BBHI", 135, 0, 0, 0) + B6, 58)),
    ethernet(struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + HOST + A + bytes(6) + B, 0x0806),
    ethernet(ipv4(udp(b"tagged"), 17), tags=(0x2064,)),
    ethernet(ipv4(tcp(b"x"), options=bytes.fromhex("94040000"))),
    ethernet(ipv6(bytes([6, 0, 1, 4, 0, 0, 0, 0]) + tcp(b"behind"), 0)),
    ethernet(ipv4(udp(bytes(16)), 17, fragment=0x2000)),
    ethernet(ipv4(bytes(8), 17, fragment=0x2003)),
    ethernet(ipv6(bytes.fromhex("110005a900001234") + bytes(24), 44)),
    ethernet(ipv6(bytes.fromhex("1100000100001235") + udp(bytes(8)), 44)),
    ethernet(ipv6(struct.pack("!BBHI", 136, 0, 0, 0) + B6, 58, 255)),
    ethernet(b"unknown", 0x88b5),
]
