# SPDX-License-Identifier: GPL-2.0-or-later
"""The skb that the stopped functions have in hand."""

import dataclasses
from typing import Iterator, Optional

import gdb

from . import kernel, skb, structs

FRAME_LIMIT = 32
# What list_for_each_entry_safe() looks ahead with: not the skb that a function is at.
LOOKING_AHEAD = ("next", "tmp", "n", "prev")


@dataclasses.dataclass
class Finding:
    """An skb, and where it was found."""

    skb: skb.Skb
    where: str  # "argument skb of ip_rcv"
    sock: int = 0  # the socket that the same function has in hand; 0: none
    lost: list[str] = dataclasses.field(default_factory=list)  # nearer, but optimised out


def struct_name(kind: gdb.Type) -> str:
    """The structure that a value is or points to, by way of two pointers at the most: "sk_buff"."""
    for _ in range(2):
        kind = kind.strip_typedefs()
        if kind.code == gdb.TYPE_CODE_PTR:
            kind = kind.target().strip_typedefs()
    return kind.tag or "" if kind.code == gdb.TYPE_CODE_STRUCT else ""


def address_of(value: gdb.Value) -> int:
    """Of the structure that a value is or points to."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_STRUCT:
        return int(value.address) if value.address is not None else 0
    if kind.code == gdb.TYPE_CODE_PTR and (
            kind.target().strip_typedefs().code == gdb.TYPE_CODE_PTR):
        return int(value.dereference())
    return int(value)


def first_in_queue(head: int) -> int:
    """The first skb of an sk_buff_head; 0: it is empty."""
    following = structs.word(head + structs.layout_of("struct sk_buff_head").offset("next"))
    return 0 if following == head else following


def symbols(frame: gdb.Frame) -> list[gdb.Symbol]:
    """The function's arguments and locals in scope, arguments first."""
    try:
        block: Optional[gdb.Block] = frame.block()
    except RuntimeError:
        return []  # a function without debug information
    found: list[gdb.Symbol] = []
    while block is not None and not block.is_static and not block.is_global:
        found += [s for s in block if s.is_argument or s.is_variable]
        if block.function is not None:
            break
        block = block.superblock
    return sorted(found, key=lambda symbol: not symbol.is_argument)


def symbol_value(symbol: gdb.Symbol, frame: gdb.Frame) -> Optional[gdb.Value]:
    """What a variable holds; an argument's value at the call where only that is known; None:
    optimised out."""
    try:
        value = symbol.value(frame)
        if not value.is_optimized_out:
            return value
        if symbol.is_argument and frame == gdb.selected_frame():
            value = gdb.parse_and_eval(f"{symbol.name}@entry")
            return None if value.is_optimized_out else value
    except (gdb.error, TypeError):
        pass
    return None


def skb_at(kind: str, value: gdb.Value) -> Optional[skb.Skb]:
    """The skb that a value of this structure means, where it can be one."""
    try:
        address = address_of(value)
        if kind == "sk_buff_head" and address:
            address = first_in_queue(address)
        if not kernel.is_kernel_address(address):
            return None
        found = skb.Skb(address)
        return None if found.problem() else found
    except (gdb.error, OverflowError):
        return None


def in_frame(frame: gdb.Frame, lost: list[str]) -> Optional[Finding]:
    """The skb among what one function has; LOST gets the names of what is optimised out."""
    name = frame.name() or "?"
    have = [(s, struct_name(s.type)) for s in symbols(frame)]
    for symbol, kind in have:
        if kind not in ("sk_buff", "sk_buff_head") or symbol.name in LOOKING_AHEAD:
            continue
        value = symbol_value(symbol, frame)
        if value is None:
            if symbol.is_argument:
                lost.append(f"{symbol.name} of {name}")
            continue
        found = skb_at(kind, value)
        if found:
            what = "argument" if symbol.is_argument else "local"
            first = "the first of " if kind == "sk_buff_head" else ""
            return Finding(found, f"{first}{what} {symbol.name} of {name}", sock_of(frame),
                           list(lost))
    return None


def in_function(frame: gdb.Frame, lost: list[str]) -> Optional[Finding]:
    """The skb of a function, or where it is inlined of that which it is a part of."""
    found = in_frame(frame, lost)
    while found is None and frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
        found = in_frame(frame, lost)
    return found


def sock_of(frame: gdb.Frame) -> int:
    """Address of the struct sock that is an argument of the function; 0: none is."""
    for symbol in symbols(frame):
        if symbol.is_argument and struct_name(symbol.type) == "sock":
            value = symbol_value(symbol, frame)
            return address_of(value) if value is not None else 0
    return 0


def frames_from(frame: Optional[gdb.Frame]) -> Iterator[gdb.Frame]:
    """A frame and its callers in the kernel."""
    for _ in range(FRAME_LIMIT):
        if frame is None or not kernel.is_kernel_address(frame.pc()):
            return
        yield frame
        frame = frame.older()


def find() -> Finding:
    """The skb of the selected frame, or of the nearest of its callers that has one."""
    lost: list[str] = []
    for frame in frames_from(gdb.selected_frame()):
        found = in_frame(frame, lost)
        if found:
            return found
    message = "no skb among the arguments and locals of these functions"
    if lost:
        message += f"; optimised out: {', '.join(lost)}"
    raise gdb.GdbError(f"{message}. `netlab skb EXPRESSION` takes one")


def evaluate(expression: str) -> Finding:
    """The skb that an expression of gdb's means: one, its address, or a queue's first."""
    value = gdb.parse_and_eval(expression)
    if value.is_optimized_out:
        raise gdb.GdbError(f"{expression} is optimised out here")
    kind = struct_name(value.type)
    code = value.type.strip_typedefs().code
    if kind not in ("sk_buff", "sk_buff_head") and code not in (gdb.TYPE_CODE_INT,
                                                                gdb.TYPE_CODE_PTR):
        raise gdb.GdbError(f"{expression} is of type {value.type}: no skb, nor a queue of them")
    if kind not in ("", "sk_buff", "sk_buff_head"):
        raise gdb.GdbError(f"{expression} points to a struct {kind}, not to an skb")
    address = address_of(value) & (1 << 64) - 1
    if kind == "sk_buff_head":
        address = first_in_queue(address)
        if not address:
            raise gdb.GdbError(f"{expression} is an empty queue")
    return Finding(skb.read(address), expression, sock_of(gdb.selected_frame()))
