# SPDX-License-Identifier: GPL-2.0-or-later
"""Says why a guest that was told to continue does not: another one holds the lab."""

import gdb

from . import lab
from .halts import TIMEOUT_SECONDS


def holders(ours: lab.Lab) -> list[str]:
    """Those of other guests, as "b (debugger)"; none where the lab can't be asked."""
    try:
        found = ours.request("status", timeout=TIMEOUT_SECONDS)["lockstep"]["holders"]
        return [f"{h['guest']} ({h['why']})" for h in found if h["guest"] != ours.guest]
    except (gdb.GdbError, KeyError, TypeError):
        return []


def on_continue(event: gdb.ThreadEvent) -> None:
    """Called by gdb."""
    del event
    ours = lab.current()
    held_by = holders(ours) if ours else []
    if held_by:
        print(f"netlab: the lab stands still, held by {', '.join(held_by)}; "
              "the guest goes on when it does")


def install() -> None:
    """Say it from now on. A guest that is alone in its lab waits for no one."""
    ours = lab.current()
    try:
        alone = ours is None or len(ours.status()["guests"]) < 2
    except (gdb.GdbError, KeyError, TypeError):
        alone = True
    if not alone:
        gdb.events.cont.connect(on_continue)
