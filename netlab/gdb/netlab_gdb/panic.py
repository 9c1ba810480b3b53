# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest whose kernel has panicked: what it said, and the path that led there."""

import os
import re
from typing import Optional

import gdb

from . import backtrace, commands, kernel, lab

NO_CPU = -1  # PANIC_CPU_INVALID, include/linux/panic.h
TAIL_BYTES = 64 << 10  # of the console's log: an oops has some 100 lines
LINES_LIMIT = 200
# What the kernel begins with, by arch/x86/mm/fault.c, arch/x86/kernel/dumpstack.c, lib/bug.c,
# mm/kasan/report.c and kernel/panic.c (Linux 6.1).
FIRST_LINE = re.compile(r"BUG: |kernel BUG at |general protection fault|Oops: |divide error: "
                        r"|invalid opcode: |stack guard page was hit|Kernel panic - not syncing")
PANIC_LINE = re.compile(r"Kernel panic - not syncing")
SEPARATION = 80  # lines at most between an oops and the panic that it becomes
LEVEL = re.compile(r"^<\d+>")  # console_msg_format=syslog


def panicked_cpu() -> Optional[int]:
    """The CPU whose panic() the kernel is in; None: it has none, or can't be asked."""
    try:
        cpu = int(gdb.parse_and_eval("panic_cpu.counter"))
    except gdb.error:
        return None
    return None if cpu == NO_CPU else cpu


def select_cpu(cpu: int) -> None:
    """QEMU's stub and its cores number the vCPUs' threads from 1."""
    for thread in gdb.selected_inferior().threads():
        if thread.num == cpu + 1:
            thread.switch()


def last_words(lines: list[str]) -> list[str]:
    """Of the console's LINES those that tell of the last panic, and of the oops before it."""
    panics = [i for i, line in enumerate(lines) if PANIC_LINE.search(line)]
    # "---[ end Kernel panic - not syncing" is the same one's.
    starts = [i for i in panics if "end Kernel panic" not in lines[i]]
    if not starts:
        return []
    before = range(max(starts[-1] - SEPARATION, 0), starts[-1] + 1)
    first = min(i for i in before if FIRST_LINE.search(lines[i]))
    return lines[first:first + LINES_LIMIT]


def console_lines() -> list[str]:
    """The end of the guest's console; none where there is no lab that logs it."""
    current = lab.current()
    if current is None:
        return []
    guests = current.status()["guests"]
    path = next((g["console"] for g in guests if g["name"] == current.guest), "")
    try:
        with open(path, "rb") as log:
            log.seek(max(os.fstat(log.fileno()).st_size - TAIL_BYTES, 0))
            text = log.read().decode("utf-8", "replace")
    except OSError as error:
        raise gdb.GdbError(f"the console's log: {error}") from error
    return [kernel.printable(LEVEL.sub("", line)) for line in text.splitlines()]


def show(cpu: int) -> None:
    """What the kernel said, and the path to its panic on CPU, which is selected."""
    words = last_words(console_lines())
    if words:
        print("\n".join(words))
    select_cpu(cpu)
    print(f"The path to the panic, on CPU {cpu}:")
    print(backtrace.kernel_backtrace().text())


def show_if_there() -> None:
    """The same, where the kernel has panicked."""
    cpu = panicked_cpu()
    if cpu is not None:
        show(cpu)


def on_stop(event: gdb.StopEvent) -> None:
    """QEMU tells a debugger of a machine that has shut down by SIGQUIT (7.2, gdbstub.c), and the
    lab answers by it whatever would let such a one run."""
    if getattr(event, "stop_signal", "") == "SIGQUIT" and panicked_cpu() is not None:
        print("netlab: the guest's kernel has panicked, and nothing of it runs on: netlab panic "
              "tells why")


class PanicCommand(commands.Command):
    """Show a guest's panic: what its kernel said of it, and the path that led there.

netlab panic

The kernel's words are from the console's log, from the oops on where the panic began with one.
The path is the backtrace of the CPU that panicked, over the exception to the line of the bug;
that CPU is selected."""

    NAME = "panic"

    def run(self, argument: str) -> None:
        """Carry it out."""
        if argument:
            raise gdb.GdbError("netlab panic: it takes no argument")
        cpu = panicked_cpu()
        if cpu is None:
            raise gdb.GdbError("netlab panic: this guest's kernel has not panicked")
        show(cpu)
