# SPDX-License-Identifier: GPL-2.0-or-later
"""`netlab frame`: a frame of the capture, and where its packet goes in the kernel."""

import re
from typing import Any

import gdb

from . import capture, commands, index, kernel, packetbreak, packettext, pcapng, skb
from .headers import Packet

ARGUMENTS = re.compile(r"(\d{1,9})(?:\s+(\S+))?")


def is_packet(one: skb.Skb, packet: Packet) -> bool:
    """Does an skb carry this packet, as a whole or among others?"""
    wanted, segment = index.digest(packet), index.segment_of(packet)
    if index.network_layer(one.headers) is None and one.headers.layer("eth") is None:
        return False
    if segment is None or not segment.length:
        return index.digest(one.packet) == wanted
    ours = index.segment_of(one.headers)
    return (ours is not None and ours.flow == segment.flow
            and not (ours.control ^ segment.control) & 6 and bool(ours.overlap(segment)))


class FrameCommand(commands.Command):
    """Show a frame of the lab's capture, and stop where its packet comes to a function.

netlab frame N [FUNCTION]

N is the frame's number, as in Wireshark. With FUNCTION a breakpoint is set there that stops for
that packet only: for the frame itself where it is still on its way in, and for one that says the
same (a retransmission, a replay)."""

    NAME = "frame"

    def run(self, argument: str) -> None:
        """Show it, and set the breakpoint."""
        match = ARGUMENTS.fullmatch(argument)
        if not match:
            raise gdb.GdbError("netlab frame: the number of a frame is wanted, and then perhaps "
                               "a function")
        number, function = int(match.group(1)), match.group(2)
        if function:
            packetbreak.check_function(function)
        try:
            there = capture.current()
            capture.refresh(there)
            if number not in there.index.frames:
                raise gdb.GdbError(f"netlab frame: no frame {number} in {there.path}, "
                                   f"which has {there.index.reader.count}")
            frame = there.index.frames[number]
            packet = there.index.packet(frame)
        except (pcapng.CaptureError, OSError) as error:
            raise gdb.GdbError(f"netlab frame: {kernel.printable(str(error))}") from error
        print(self.text(there, frame, packet))
        if function:
            self.wait_for(there, frame, packet, function)

    @staticmethod
    def text(there: capture.Capture, frame: pcapng.Frame, packet: Packet) -> str:
        """The frame for people."""
        since = pcapng.seconds_between(there.index.first, frame)
        cut = f" ({frame.captured} captured)" if frame.captured < frame.length else ""
        head = (f"frame {frame.number} of {there.path} ({frame.interface.name}), "
                f"{frame.length} bytes{cut}, at {since:.6f} s")
        if frame.interface.link_type != pcapng.LINKTYPE_ETHERNET:
            return f"{head}\n  no Ethernet frame"
        return "\n".join([head] + packettext.lines(packet))

    @staticmethod
    def wait_for(there: capture.Capture, frame: pcapng.Frame, packet: Packet,
                 function: str) -> None:
        """Set the breakpoint, and say what it waits for."""
        if frame.interface.link_type != pcapng.LINKTYPE_ETHERNET:
            raise gdb.GdbError(f"netlab frame: frame {frame.number} is no packet of the guest's")
        packetbreak.PacketBreakpoint(function, f"for frame {frame.number}",
                                     lambda one: is_packet(one, packet))
        if packet.value("eth.src") in [card.mac for card in there.cards]:
            print("The guest has sent it: this stops for one that says the same.")
        elif frame.at < there.stopped_size:
            print(f"It was captured before the guest stopped, and may have passed {function} "
                  "already: then this stops for one that says the same.")

    def complete(self, text: str, word: str) -> Any:
        """Numbers, then a place in the program."""
        _, _, start = text.partition(" ")
        if not start:
            return gdb.COMPLETE_NONE
        found = gdb.execute(f"complete break {start}", to_string=True).splitlines()
        return [line[len("break ") + len(start) - len(word):] for line in found]
