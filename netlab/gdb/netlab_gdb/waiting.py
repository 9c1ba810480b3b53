# SPDX-License-Identifier: GPL-2.0-or-later
"""Says why a guest that was told to continue does not: the lab is held, or the guest itself."""

import gdb

from . import kernel, lab
from .halts import TIMEOUT_SECONDS


def holders(status: dict, ours: str) -> list[str]:
    """Those of our guest but its debugger, as "b (debugger)"; with lockstep, those of all."""
    lockstep = status["lockstep"]
    return [f"{h['guest']} ({h['why']})" for h in lockstep["holders"]
            if (h["guest"], h["why"]) != (ours, "debugger")
            and (lockstep["enabled"] or h["guest"] == ours)]


def reason(status: dict, ours: str) -> str:
    """Why our guest does not go on; "" where nothing keeps it."""
    held_by = holders(status, ours)
    if f"{ours} (pause)" in held_by:
        return f"the guest is paused: it goes on with 'netlab resume {ours}'"
    if held_by:
        return (f"the lab stands still, held by {', '.join(held_by)}; "
                "the guest goes on when it does")
    return ""


def on_continue(event: gdb.ThreadEvent) -> None:
    """Called by gdb."""
    del event
    ours = lab.current()
    try:
        why = reason(ours.request("status", timeout=TIMEOUT_SECONDS), ours.guest) if ours else ""
    except (gdb.GdbError, KeyError, TypeError):
        return  # the lab can't be asked
    if why:
        print(f"netlab: {kernel.printable(why)}")


def install() -> None:
    """Say it from now on."""
    gdb.events.cont.connect(on_continue)
