# SPDX-License-Identifier: GPL-2.0-or-later
"""Breakpoints that stop for some packets only: `netlab break`, `netlab frame`."""

import re
from typing import Any, Callable, Optional

import gdb

from . import commands, filter as packet_filter, findskb, kernel, skb

ARGUMENTS = re.compile(r"(\S+)\s+if-packet\s+(.+)", re.S)
USAGE = "netlab break FUNCTION if-packet \"EXPRESSION\""


class PacketBreakpoint(gdb.Breakpoint):
    """Stops where the function's skb is one for which WANTED holds. TEXT says which those are."""

    def __init__(self, location: str, text: str, wanted: Callable[[skb.Skb], bool]) -> None:
        # While the kernel isn't mapped nothing can be written over its instructions.
        kind = (gdb.BP_HARDWARE_BREAKPOINT if kernel.is_before_boot() else gdb.BP_BREAKPOINT)
        super().__init__(location, type=kind)
        self.text = text
        self.wanted = wanted
        self.evaluated = self.stops = 0

    def stop(self) -> bool:
        """Called by gdb for each packet. What can't be read isn't passed over in silence."""
        self.evaluated += 1
        lost: list[str] = []
        try:
            finding = findskb.in_function(gdb.selected_frame(), lost)
            matches = finding is None or self.wanted(finding.skb)
        except (gdb.error, ValueError) as error:
            print(f"netlab: breakpoint {self.number}: {kernel.printable(str(error))}")
            return True
        if finding is None:
            why = f"optimised out: {', '.join(lost)}" if lost else "there is none here"
            print(f"netlab: breakpoint {self.number} knows no skb ({why}), and stops")
        self.stops += matches
        return matches


def packet_breakpoints() -> list[PacketBreakpoint]:
    """Those that are there."""
    return [b for b in gdb.breakpoints() if isinstance(b, PacketBreakpoint)]


def check_function(location: str) -> None:
    """gdb.GdbError where a function is named that doesn't exist, or has no skb."""
    try:
        _, places = gdb.decode_line(location)
    except gdb.error as error:
        raise gdb.GdbError(f"netlab: {kernel.printable(str(error)).rstrip('.')}") from error
    if not places:
        raise gdb.GdbError(f"netlab: no function '{location}'")
    function = named_function(location)
    if function is not None and not has_skb(function, places):
        raise gdb.GdbError(f"netlab: {location} has no skb among its arguments and locals")


def named_function(location: str) -> Optional[gdb.Symbol]:
    """The function of that name; None: a line, or one without debug information."""
    for look in (gdb.lookup_global_symbol, gdb.lookup_static_symbol):
        symbol = look(location.rpartition(":")[2])
        if symbol is not None and symbol.type.code == gdb.TYPE_CODE_FUNC:
            return symbol
    return None


def has_skb(function: gdb.Symbol, places: Any) -> bool:
    """Has the function an skb, or a queue of them, when it is called?"""
    if any(findskb.struct_name(field.type) in ("sk_buff", "sk_buff_head")
           for field in function.type.fields()):
        return True
    return any(findskb.struct_name(symbol.type) in ("sk_buff", "sk_buff_head")
               for place in places for symbol in place_symbols(place))


def place_symbols(place: Any) -> list[gdb.Symbol]:
    """The locals at a place in the code."""
    block = gdb.block_for_pc(place.pc)
    return [] if block is None or block.is_global or block.is_static else list(block)


def table() -> str:
    """The breakpoints, and how often each was asked."""
    rows = [("Num", "Stopped", "Evaluated", "What")]
    for one in packet_breakpoints():
        state = "" if one.enabled else " (disabled)"
        rows.append((str(one.number), str(one.stops), str(one.evaluated),
                     f"{one.location} {one.text}{state}"))
    return "\n".join(f"{number:<7} {stops:<7} {evaluated:<9} {what}"
                     for number, stops, evaluated, what in rows)


class BreakCommand(commands.Command):
    """Stop where a function gets a packet for which an expression holds.

netlab break FUNCTION if-packet "EXPRESSION"
netlab break

EXPRESSION is one of Wireshark's display filters, over the headers that the function's skb has
then: tcp.dstport == 7777 && tcp.syn. A name alone is true where the packet has it; a flag's,
where it is set. Sequence numbers are absolute. Without arguments, the breakpoints are listed with
how often each has stopped, and for how many packets it was asked; gdb's own commands delete,
disable and ignore them."""

    NAME = "break"

    def run(self, argument: str) -> None:
        """Set one, or list them."""
        if not argument:
            print(table() if packet_breakpoints() else
                  f"No breakpoints for packets. {USAGE} sets one.")
            return
        match = ARGUMENTS.fullmatch(argument)
        if not match:
            raise gdb.GdbError(f"netlab break: {USAGE}")
        location, text = match.groups()
        text = text[1:-1] if len(text) > 1 and text[0] == text[-1] in "\"'" else text
        try:
            wanted = packet_filter.Filter(text)
        except packet_filter.FilterError as error:
            raise gdb.GdbError(f"netlab break: {error}") from error
        check_function(location)
        PacketBreakpoint(location, f"if-packet \"{wanted.text}\"",
                         lambda one: wanted.matches(one.headers))

    def complete(self, text: str, word: str) -> Any:
        """A place in the program, then fields."""
        location, _, rest = text.partition(" ")
        if not rest and text == location:
            return gdb.COMPLETE_LOCATION
        if "if-packet" not in rest:
            return ["if-packet"]
        begin = re.split(r"[\s\"'()!&|=<>]", rest)[-1]
        known = sorted(name for name in packet_filter.KINDS if name.startswith(begin))
        return [name[len(begin) - len(word):] for name in known]
