# SPDX-License-Identifier: GPL-2.0-or-later
"""Breakpoints that are set before the kernel is mapped.

A software breakpoint is a write to the kernel's text. Until the kernel's addresses mean something
that is refused (KVM) and later, until the kernel has patched its text (alternatives, ftrace), it
may be lost. A hardware breakpoint needs no memory, but an x86 CPU has four.

gdb takes hardware breakpoints by itself for memory that it knows to be read-only. So the
kernel's text is told to be, until the kernel is up: numbers, conditions and commands of the
user's breakpoints stay theirs. What finds no debug register is disabled until start_kernel, where
all become software breakpoints.
"""

from typing import Optional

import gdb

from . import kernel

MAPPED_FUNCTION = "start_kernel"  # the first C function that all kernels have mapped
PATCHED_FUNCTION = "kernel_init"  # behind check_bugs() and ftrace_init()
DEBUG_REGISTERS = 4
OWN_REGISTERS = 1
TEXT = (("_text", "_etext"), ("_sinittext", "_einittext"))
WATCHPOINTS = (gdb.BP_HARDWARE_WATCHPOINT, gdb.BP_READ_WATCHPOINT, gdb.BP_ACCESS_WATCHPOINT)

HELD = """\
netlab: breakpoint {number} is on from {function}: until then there are hardware breakpoints only, \
and the CPU's {registers} are taken"""


class Milestone(gdb.Breakpoint):
    """Goes on from FUNCTION, from where on software breakpoints hold."""

    def __init__(self, function: str, early: "Early") -> None:
        super().__init__(function, type=gdb.BP_HARDWARE_BREAKPOINT, internal=True)
        self.silent = True
        self.early = early

    def stop(self) -> bool:
        """Never for the user."""
        self.early.end()
        return False


class Early:
    """The time until the kernel is up."""

    def __init__(self) -> None:
        self.regions = [region for pair in TEXT if (region := read_only(*pair))]
        self.held: list[gdb.Breakpoint] = []
        self.mapped = Milestone(MAPPED_FUNCTION, self)
        self.mapped.enabled = False
        self.patched = Milestone(PATCHED_FUNCTION, self)
        gdb.events.breakpoint_created.connect(self.created)
        gdb.events.breakpoint_deleted.connect(self.deleted)

    def created(self, breakpoint_: gdb.Breakpoint) -> None:
        """gdb's event: a new breakpoint gets debug registers, or has to wait."""
        used = sum(registers(other) for other in gdb.breakpoints() if other.number > 0)
        if breakpoint_.number > 0:
            if used <= DEBUG_REGISTERS - OWN_REGISTERS:
                return
            print(HELD.format(number=breakpoint_.number, function=MAPPED_FUNCTION,
                              registers=DEBUG_REGISTERS))
        self.hold(breakpoint_)

    def hold(self, breakpoint_: gdb.Breakpoint) -> None:
        """It is off until the kernel is mapped. One of the debug registers waits for that."""
        breakpoint_.enabled = False
        self.held.append(breakpoint_)
        self.mapped.enabled = True
        self.patched.enabled = False

    def deleted(self, breakpoint_: gdb.Breakpoint) -> None:
        """gdb's event."""
        if breakpoint_ in self.held:
            self.held.remove(breakpoint_)

    def end(self) -> None:
        """From here on all are software breakpoints. (It is run while a breakpoint stops, where
        none may be deleted: ours are off instead.)"""
        gdb.events.breakpoint_created.disconnect(self.created)
        gdb.events.breakpoint_deleted.disconnect(self.deleted)
        gdb.execute(f"delete mem {' '.join(self.regions)}", to_string=True)
        gdb.execute("set mem inaccessible-by-default on")
        self.mapped.enabled = self.patched.enabled = False
        for breakpoint_ in self.held:
            breakpoint_.enabled = True


def registers(breakpoint_: gdb.Breakpoint) -> int:
    """How many debug registers a breakpoint takes."""
    if not breakpoint_.enabled:
        return 0
    return 1 if breakpoint_.type in WATCHPOINTS else len(breakpoint_.locations)


def read_only(start: str, end: str) -> Optional[str]:
    """Have gdb take what is between two symbols for read-only memory.

    Return: gdb's number of that region; None where there is nothing."""
    first, behind = kernel.symbol_address(start), kernel.symbol_address(end)
    if first is None or behind is None or first >= behind:
        return None
    # All other memory is what it was.
    gdb.execute("set mem inaccessible-by-default off")
    gdb.execute(f"mem {first:#x} {behind:#x} ro", to_string=True)
    return gdb.execute("info mem", to_string=True).splitlines()[-1].split()[0]


def begin() -> None:
    """gdb is attached: is it before the kernel is mapped?"""
    if not kernel.is_before_boot():
        return
    try:
        Early()
    except (gdb.error, IndexError) as error:
        print(f"netlab: set breakpoints with hbreak until the kernel is up: {error}")
