# SPDX-License-Identifier: GPL-2.0-or-later
"""What a command is about: an expression's value, or a pointer in the frames that gdb stands in."""

from typing import Callable, Iterator, NamedTuple, Optional

import gdb

from . import kernel, memory

FRAMES_MAX = 64


class Variable(NamedTuple):
    """An argument or local that points at a struct."""

    name: str
    function: str
    level: int            # of the frame, 0 for the innermost
    struct: str           # what it points at: "sock"
    address: Optional[int]  # None: the compiler didn't keep it here

    def __str__(self) -> str:
        return f"{self.name} of {self.function} (#{self.level})"


def struct_pointed_at(kind: gdb.Type) -> str:
    """"sock" for a struct sock *, whatever its qualifiers and typedefs; "" for other types."""
    kind = kind.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_PTR:
        return ""
    target = kind.target().strip_typedefs()
    return target.name or "" if target.code == gdb.TYPE_CODE_STRUCT else ""


def symbols_of(frame: gdb.Frame) -> Iterator[tuple[gdb.Symbol, gdb.Block]]:
    """The arguments and locals that are in scope, those of the innermost block first."""
    try:
        block: Optional[gdb.Block] = frame.block()
    except RuntimeError:  # a function without debug information
        return
    while block is not None:
        for symbol in block:
            if symbol.is_argument or symbol.is_variable:
                yield symbol, block
        block = None if block.function else block.superblock


def address_in(frame: gdb.Frame, symbol: gdb.Symbol, block: gdb.Block) -> Optional[int]:
    """What a pointer holds; None where it was optimised away or can't be read."""
    try:
        value = frame.read_var(symbol, block)
        return None if value.is_optimized_out else int(value)
    except (gdb.error, ValueError):
        return None


def kernel_frames() -> Iterator[tuple[int, gdb.Frame]]:
    """The frames from the selected one outwards, as far as they are the kernel's."""
    frame: Optional[gdb.Frame] = gdb.selected_frame()
    for _ in range(FRAMES_MAX):
        if frame is None or not kernel.is_kernel_address(frame.pc()):
            return
        yield frame.level(), frame
        frame = frame.older()


def pointers(structs: set[str]) -> Iterator[Variable]:
    """The pointers at one of those structs, of the selected frame first."""
    for level, frame in kernel_frames():
        for symbol, block in symbols_of(frame):
            name = struct_pointed_at(symbol.type) if symbol.type else ""
            if name in structs:
                yield Variable(symbol.name, frame.name() or "?", level, name,
                               address_in(frame, symbol, block))


def without_value(lost: list[str]) -> str:
    """What to say of variables that would have been looked at."""
    if not lost:
        return ""
    have = "have" if len(lost) > 1 else "has"
    return f"; {', '.join(lost)} {have} no value here: not set yet, or optimised away"


def search(structs: set[str], take: Callable[[str, int], Optional[int]],
           what: str) -> tuple[str, int]:
    """The first pointer that take(struct, address) makes WHAT of, in words, and what it made.

    take() returns None for what isn't one; gdb.GdbError where none is. Both say which pointers
    further in have no value."""
    lost = []
    for variable in pointers(structs):
        if variable.address is None:
            lost.append(str(variable))
            continue
        found = memory.optional(take, variable.struct, variable.address)
        if found is not None:
            return f"{variable}{without_value(lost)}", found
    raise gdb.GdbError(f"no {what} in the arguments and locals of the current frames"
                       f"{without_value(lost)}")


def evaluate(expression: str) -> tuple[str, int]:
    """What struct an expression points at or is ("" for a bare number), and its address."""
    value = gdb.parse_and_eval(expression)
    if value.is_optimized_out:
        raise gdb.GdbError(f"{expression} was optimised away here")
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_STRUCT:
        if value.address is None:
            raise gdb.GdbError(f"{expression} is not in memory")
        return kind.name or "", int(value.address)
    if kind.code == gdb.TYPE_CODE_INT:
        return "", int(value) % (1 << 64)
    name = struct_pointed_at(value.type)
    if not name:
        raise gdb.GdbError(f"{expression} is a {value.type}, which points at no struct")
    return name, int(value)
