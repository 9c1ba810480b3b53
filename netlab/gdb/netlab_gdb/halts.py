# SPDX-License-Identifier: GPL-2.0-or-later
"""Tells the lab where its guest stands when gdb stops, for the rows of captures."""

from typing import Any

import gdb

from . import kernel, lab

# The lab's supervisor answers at once. Whoever steps through code must not wait for one that
# can't.
TIMEOUT_SECONDS = 1


def place() -> dict[str, Any]:
    """The innermost function and its line, as far as they are known."""
    try:
        frame = gdb.newest_frame()
        if not kernel.is_kernel_address(frame.pc()):
            return {}
        sal = frame.find_sal()
        found: dict[str, Any] = {"function": frame.name() or hex(frame.pc())}
        if sal.symtab:
            found.update(file=kernel.source_name(sal.symtab.filename), line=sal.line)
        return found
    except gdb.error:
        return {}


def breakpoint_number(event: gdb.StopEvent) -> dict[str, int]:
    """The first breakpoint of the user's that it stopped at; gdb's own have numbers below 0."""
    numbers = [b.number for b in getattr(event, "breakpoints", []) if b.number > 0]
    return {"breakpoint": numbers[0]} if numbers else {}


def on_stop(event: gdb.StopEvent) -> None:
    """Called by gdb, before it says where it stands."""
    ours = lab.current()
    if ours is None:
        return
    try:
        ours.request("halted", timeout=TIMEOUT_SECONDS, guest=ours.guest, **place(),
                     **breakpoint_number(event))
    except gdb.GdbError:
        pass  # the lab has gone, or is too busy: gdb's user has another business


def install() -> None:
    """Tell of every stop from now on."""
    gdb.events.stop.connect(on_stop)
