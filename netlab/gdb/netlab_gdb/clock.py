# SPDX-License-Identifier: GPL-2.0-or-later
"""What time it is in the lab: the wall clock's, without what the lab stood still.

Where no lab answers (gdb on a core, a lab without a capture), it is the wall clock's."""

import time

import gdb

from . import lab

NANOSECONDS = 1_000_000_000
TIMEOUT_SECONDS = 5


class Clock:
    """The lab's clock, asked for each time: it is another process that halts the lab."""

    def __init__(self) -> None:
        self.is_told = lab.current() is not None

    def now(self) -> int:
        """In ns since 1970."""
        wall = time.time_ns()
        current = lab.current()
        if not self.is_told or current is None:
            return wall
        try:
            told = current.request("watch", TIMEOUT_SECONDS)
            # "ns" is when the lab was halted, where it stands still now.
            return int(told.get("ns", wall)) - int(told["halted_ns"])
        except (gdb.error, gdb.GdbError, KeyError, TypeError, ValueError, AttributeError):
            self.is_told = False
            return wall

    def text(self) -> str:
        """As Wireshark shows it: "17:05:59.123456"."""
        now = self.now()
        clock = time.strftime("%H:%M:%S", time.localtime(now // NANOSECONDS))
        return f"{clock}.{now % NANOSECONDS // 1000:06}"
