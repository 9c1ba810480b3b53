# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's jiffies, and its timers."""

from typing import Optional

import gdb

from . import kernel

WORD = 1 << 64
HRTIMER_ENQUEUED = 1
NS_PER_MS = 1_000_000


def jiffies() -> int:
    """The guest's clock."""
    return int(gdb.parse_and_eval("(unsigned long)jiffies_64")) % WORD


def tick_ns() -> Optional[int]:
    """Nanoseconds of a jiffy; None where the kernel doesn't tell."""
    if kernel.symbol_address("tick_nsec") is None:
        return None
    nanoseconds = int(gdb.parse_and_eval("(unsigned long)tick_nsec"))
    # ntp.c rounds it by a few ns: HZ 250 is 4,000,000, HZ 300 3,333,333.
    return nanoseconds or None


def milliseconds(ticks: int) -> str:
    """A number of jiffies: "204 ms (51 jiffies)"."""
    tick = tick_ns()
    if tick is None:
        return f"{ticks} jiffies"
    return f"{round(ticks * tick / NS_PER_MS)} ms ({ticks} jiffies)"


def until(expires: int) -> str:
    """When that is: "in 204 ms (51 jiffies)"."""
    left = (expires - jiffies()) % WORD
    if left >= WORD // 2:
        return f"due since {milliseconds(WORD - left)}"
    return f"in {milliseconds(left)}" if left else "due now"


def is_pending(timer: gdb.Value) -> bool:
    """Is a struct timer_list in the timer wheel?"""
    return int(timer["entry"]["pprev"]) != 0


def timer(value: gdb.Value) -> str:
    """A struct timer_list in words."""
    if not is_pending(value):
        return "not pending"
    return until(int(value["expires"]) % WORD)


def hrtimer(value: gdb.Value) -> str:
    """A struct hrtimer in words."""
    return "pending" if int(value["state"]) & HRTIMER_ENQUEUED else "not pending"
