# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's part of a backtrace: whole, over all its stacks, and bounded."""

import dataclasses
import re
from typing import Optional

import gdb

from . import kernel, unwind

FRAME_LIMIT = 256  # the deepest honest kernel stack is far from it; a corrupt one has no end
STACK_LIMIT = 8    # task, softirq, interrupt, NMI, exceptions: each once

FRAME_LINE = re.compile(r"^#\d+\s+")
UNREADABLE = re.compile(r" <error: Cannot access memory at address 0x[0-9a-f]+>")


@dataclasses.dataclass
class Backtrace:
    """Frames, innermost first, as data and as gdb prints them."""

    frames: list[dict] = dataclasses.field(default_factory=list)
    lines: list[str] = dataclasses.field(default_factory=list)
    end: str = ""  # why there are no more: a sentence; "" at the natural end

    def text(self) -> str:
        """All of it, for people: one line per frame."""
        numbered = [f"#{i:<3}{line}" for i, line in enumerate(self.lines)]
        return "\n".join(numbered + ([f"({self.end})"] if self.end else []))


def describe(frame: gdb.Frame, pc: int) -> dict:
    """A frame at PC as data. Names that the debug info doesn't tell are null."""
    place = frame.find_sal()
    return {
        "function": frame.name(),
        "file": kernel.source_name(place.symtab.filename) if place.symtab else None,
        "line": place.line or None,
        "pc": f"{pc:#x}",
        "inlined": frame.type() == gdb.INLINE_FRAME,
    }


def older_frame(frame: gdb.Frame) -> Optional[gdb.Frame]:
    """The frame that called FRAME, without gdb's end marker at address 0."""
    older = frame.older()
    return older if older and older.pc() else None


def end_at(frame: gdb.Frame, count: int, limit: int) -> str:
    """Why FRAME, behind COUNT others, is not to be shown; "" where it is."""
    pc = frame.pc()
    if count >= limit:
        return f"more than {limit} frame{'' if limit == 1 else 's'}: the rest is left out"
    if not kernel.is_kernel_address(pc):
        return f"the stack leads out of the kernel, to {pc:#x}"
    if frame.name() is None:
        return f"the stack leads to {pc:#x}, which is no function"
    return ""


def end_after(frame: gdb.Frame) -> str:
    """What to say behind the oldest FRAME that gdb can tell."""
    user = unwind.interrupted_user_pc(frame.pc(), int(frame.read_register("rsp")))
    if user is not None:
        return f"entered from user space at {user:#x}"
    reason = frame.unwind_stop_reason()
    if reason in (gdb.FRAME_UNWIND_NO_REASON, gdb.FRAME_UNWIND_OUTERMOST):
        return ""
    if kernel.symbol_at(frame.pc() - 1) in unwind.FIRST_FUNCTIONS:
        return ""
    return gdb.frame_stop_reason_string(reason)


def printed(skip: int, count: int) -> list[str]:
    """gdb's own lines for COUNT frames behind the first SKIP ones, without numbers."""
    text = gdb.execute(f"backtrace -no-filters {skip + count}", to_string=True)
    lines = [line for line in text.splitlines() if FRAME_LINE.match(line)]
    root = kernel.source_root()
    # A char * that points nowhere (x86_64_start_kernel's is physical) is shown as a number.
    plain = [UNREADABLE.sub("", FRAME_LINE.sub("", line)) for line in lines[skip:]]
    return [line.replace(f" at {root}", " at ") if root else line for line in plain]


def walk_stack(trace: Backtrace, skip: int, limit: int) -> Optional[unwind.Registers]:
    """Add the frames of one stack, without the first SKIP.

    Return: the registers to go on with where gdb stopped because the stack was switched.
    """
    frame: Optional[gdb.Frame] = gdb.newest_frame()
    for _ in range(skip):
        frame = older_frame(frame) if frame else None
    count = len(trace.frames)
    trace.end = ""
    following = None
    shown = []
    while frame:
        reason = end_at(frame, len(trace.frames), limit)
        if reason:
            trace.end = reason
            break
        shown.append(frame.pc())
        trace.frames.append(describe(frame, unwind.interrupted_pc(frame.newer(), frame)))
        older = older_frame(frame)
        if older is None:
            trace.end = end_after(frame)
            if frame.unwind_stop_reason() == gdb.FRAME_UNWIND_INNER_ID:
                following = unwind.frame_registers(frame)
        frame = older
    pairs = zip(printed(skip, len(shown)), shown, trace.frames[count:])
    trace.lines += [line.replace(f"{pc:#x}", data["pc"], 1) for line, pc, data in pairs]
    return following


def kernel_backtrace(limit: int = FRAME_LIMIT) -> Backtrace:
    """The backtrace of the stopped vCPU, from where it is to where it entered the kernel."""
    trace = Backtrace()
    registers, skip = None, 0
    for _ in range(STACK_LIMIT):
        before = len(trace.frames)
        with unwind.rerooted(registers):
            registers = walk_stack(trace, skip, limit)
        if registers is None or len(trace.frames) == before:
            break
        skip = 2  # the artificial frame, and the one that we have already
    return trace


class BacktraceCommand(gdb.Command):
    """Show the kernel's backtrace, over interrupt stacks, up to where it was entered.

netlab-backtrace [COUNT]

Unlike `backtrace`, it goes on where an interrupt switched stacks, and it ends where user
space entered the kernel. At most COUNT frames are shown (256 where none is given)."""

    def __init__(self) -> None:
        super().__init__("netlab-backtrace", gdb.COMMAND_STACK)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Called by gdb."""
        del from_tty
        limit = int(gdb.parse_and_eval(argument)) if argument else FRAME_LIMIT
        print(kernel_backtrace(max(limit, 1)).text())
