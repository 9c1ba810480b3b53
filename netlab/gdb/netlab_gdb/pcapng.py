# SPDX-License-Identifier: GPL-2.0-or-later
"""A pcapng file that grows while it is read (draft-ietf-opsawg-pcapng). Pure: no gdb.

Only what is needed to find frames: blocks, interfaces, and where in the file each frame's bytes
are. Frames are numbered as Wireshark numbers them: all packet blocks, from 1, in their order in
the file, whatever their interface.
"""

import dataclasses
import os
import struct
from typing import BinaryIO, Iterator, Optional

SECTION, INTERFACE, PACKET, SIMPLE_PACKET, ENHANCED_PACKET = (
    0x0a0d0d0a, 1, 2, 3, 6)
BYTE_ORDER_MAGIC = 0x1a2b3c4d
LINKTYPE_ETHERNET = 1
OPTION_NAME, OPTION_TSRESOL = 2, 9
BLOCK_LIMIT = 16 << 20      # bytes: the largest frame is 256 KiB
INTERFACE_LIMIT = 1 << 16
FRAME_LIMIT = 2_000_000   # of which the index keeps some 500 bytes each
READ_SIZE = 1 << 20


class CaptureError(ValueError):
    """The file isn't what it should be."""


@dataclasses.dataclass(frozen=True)
class Interface:
    """What frames were captured on."""

    name: str
    link_type: int
    per_second: int  # units of its stamps


@dataclasses.dataclass(frozen=True)
class Frame:
    """A captured frame, without its bytes."""

    number: int
    interface: Interface
    stamp: int     # of the interface's units, from 1970
    at: int        # where its bytes are in the file
    captured: int  # bytes there
    length: int    # bytes it had


class Reader:
    """Reads what has been added to the file since the last time."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file: BinaryIO = open(path, "rb")  # pylint: disable=consider-using-with
        self.at = 0        # of the first block that isn't read
        self.count = 0     # frames so far
        self.order = ""    # of the section: "<" or ">"
        self.interfaces: list[Interface] = []

    def close(self) -> None:
        """The file isn't read any more."""
        self.file.close()

    def is_replaced(self) -> bool:
        """Is there another file of that name now, or was this one cut?"""
        try:
            there, ours = os.stat(self.path), os.fstat(self.file.fileno())
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino) or (
            there.st_size < self.at)

    def read(self) -> Iterator[tuple[Frame, bytes]]:
        """The frames that are new, with their bytes. A block that is only half there comes with
        the next call."""
        self.file.seek(self.at)
        data, start = b"", 0
        while True:
            size = self._block_size(data, start)
            if size and start + size <= len(data):
                block, place = data[start + 8:start + size - 4], self.at
                kind = self._kind(data, start)
                self.at += size
                start += size
                yield from self._block(kind, block, place)
                continue
            more = self.file.read(max(READ_SIZE, size))
            if not more:
                return
            data, start = data[start:] + more, 0

    def data(self, frame: Frame) -> bytes:
        """The bytes of a frame."""
        self.file.seek(frame.at)
        return self.file.read(frame.captured)

    def _kind(self, data: bytes, start: int) -> int:
        return struct.unpack_from((self.order or "<") + "I", data, start)[0]

    def _block_size(self, data: bytes, start: int) -> int:
        """The size of the block there; 0: too little of it is there to know."""
        if len(data) - start < 12:
            return 0
        if self._kind(data, start) == SECTION:
            self._begin_section(data[start + 8:start + 12])
        if not self.order:
            raise CaptureError(f"{self.path}: not a pcapng file")
        size = struct.unpack_from(self.order + "I", data, start + 4)[0]
        if size < 12 or size % 4 or size > BLOCK_LIMIT:
            raise CaptureError(f"{self.path}: the block at byte {self.at} says it has {size} bytes")
        return size

    def _begin_section(self, magic: bytes) -> None:
        for order in "<>":
            if struct.unpack(order + "I", magic)[0] == BYTE_ORDER_MAGIC:
                self.order, self.interfaces = order, []
                return
        raise CaptureError(f"{self.path}: the section at byte {self.at} has no byte order")

    def _block(self, kind: int, block: bytes, place: int) -> Iterator[tuple[Frame, bytes]]:
        if kind == INTERFACE:
            self._add_interface(block, place)
        if kind not in (PACKET, SIMPLE_PACKET, ENHANCED_PACKET):
            return
        self.count += 1
        if self.count > FRAME_LIMIT:
            raise CaptureError(f"{self.path}: more than {FRAME_LIMIT} frames")
        if kind == ENHANCED_PACKET:
            yield self._frame(block, place)

    def _add_interface(self, block: bytes, place: int) -> None:
        if len(block) < 8 or len(self.interfaces) >= INTERFACE_LIMIT:
            raise CaptureError(f"{self.path}: the interface at byte {place} can't be")
        options = dict(self._options(block, 8))
        resolution = options.get(OPTION_TSRESOL, b"\x06")[:1] or b"\x06"
        base = 2 if resolution[0] & 0x80 else 10
        name = options.get(OPTION_NAME, b"").decode("utf-8", "replace")
        self.interfaces.append(Interface(
            "".join(c if c.isprintable() else "?" for c in name),
            struct.unpack_from(self.order + "H", block)[0], base ** (resolution[0] & 0x7f)))

    def _options(self, block: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        while at + 4 <= len(block):
            code, size = struct.unpack_from(self.order + "HH", block, at)
            if code == 0 or at + 4 + size > len(block):
                return
            yield code, block[at + 4:at + 4 + size]
            at += 4 + (size + 3) // 4 * 4

    def _frame(self, block: bytes, place: int) -> tuple[Frame, bytes]:
        if len(block) < 20:
            raise CaptureError(f"{self.path}: the frame at byte {place} has no header")
        index, high, low, captured, length = struct.unpack_from(self.order + "IIIII", block)
        if index >= len(self.interfaces) or captured > len(block) - 20:
            raise CaptureError(f"{self.path}: the frame at byte {place} can't be")
        frame = Frame(self.count, self.interfaces[index], high << 32 | low, place + 28, captured,
                      length)
        return frame, block[20:20 + captured]


def seconds_between(first: Optional[Frame], frame: Frame) -> float:
    """From the first frame to another one."""
    if first is None:
        return 0.0
    return (frame.stamp / frame.interface.per_second - first.stamp / first.interface.per_second
            if frame.interface.per_second != first.interface.per_second
            else (frame.stamp - first.stamp) / frame.interface.per_second)
