# SPDX-License-Identifier: GPL-2.0-or-later
"""A gdb session on a guest: interactive, or carrying out steps."""

import os
from typing import Callable

import gdb

from . import backtrace, capture, commands, halts, kernel, lab, modules, steps, unwind
from .epoll import EpollCommand
from .frames import FrameCommand
from .packetbreak import BreakCommand
from .report import Report
from .send import SendCommand
from .skbcommand import SkbCommand
from .sock import SockCommand
from .sockets import SocketsCommand

COMMON = (
    "set architecture i386:x86-64",
    "set print frame-arguments scalars",
    "set print entry-values if-needed",
    "set backtrace limit 1024",
)
BATCH = (
    "set confirm off",
    "set pagination off",
    "set width 0",
    "set height 0",
    "set debuginfod enabled off",
    "set print symbol off",
    "set print inferior-events off",
    "set breakpoint pending off",
)

# Each is `netlab NAME`.
COMMANDS: tuple[Callable[[], commands.Command], ...] = (
    BreakCommand,
    EpollCommand,
    FrameCommand,
    SendCommand,
    SkbCommand,
    SockCommand,
    SocketsCommand,
)

GREETING = """\
{where}
  break FUNCTION, continue   stop the guest where a packet comes by; QEMU holds its clock
  netlab-backtrace           the whole path, over interrupt stacks, with source lines
  help netlab                packets, sockets, paths
  lx-dmesg, lx-ps, ...       the kernel's own commands: apropos lx-
  quit                       the guest goes on"""

EARLY = """
  It has not run an instruction of the kernel's: set the first breakpoints with hbreak
  (hbreak start_kernel). Others can be set from there."""


def execute_all(commands: tuple[str, ...]) -> None:
    """Run gdb commands, quietly."""
    for command in commands:
        gdb.execute(command, to_string=True)


def place() -> str:
    """Where the guest is: "at tcp_v4_rcv (net/ipv4/tcp_ipv4.c:1953), in ksoftirqd/0"."""
    if kernel.is_before_boot():
        return "before the kernel's start"
    frame = gdb.newest_frame()
    if not kernel.is_kernel_address(frame.pc()):
        where = f"in user space at {frame.pc():#x}"
    else:
        sal = frame.find_sal()
        file = kernel.source_name(sal.symtab.filename) if sal.symtab else "?"
        where = f"at {frame.name() or hex(frame.pc())} ({file}:{sal.line})"
    task = kernel.current_task()
    return f"{where}, in {task['comm']}[{task['pid']}]" if task else where


def greeting(options: dict) -> str:
    """What the user of an interactive session should know."""
    version = kernel.linux_version()
    linux = f", Linux {version}" if version else ""
    where = f"netlab: guest {options.get('guest', '')}{linux}, stopped {place()}"
    return GREETING.format(where=where) + (EARLY if kernel.is_before_boot() else "")


def interactive(options: dict) -> None:
    """Connect, and say where we are."""
    execute_all(COMMON)
    gdb.execute(f"target remote {options['socket']}", to_string=True)
    capture.begin()
    if "modules" in options:
        modules.follow(options["modules"])
    print(greeting(options))


def batch(options: dict) -> None:
    """Carry out the steps and leave gdb; its exit status is 0 when all are done."""
    report = Report()
    execute_all(COMMON + BATCH)
    done = steps.run_steps(report, options["socket"], options["steps"],
                           options.get("modules", []))
    os.close(report.fd)
    gdb.execute(f"quit {0 if done else 1}")


def start(options: dict) -> None:
    """What the command line of netlab asks for."""
    unwind.install()
    backtrace.BacktraceCommand()
    commands.Prefix()
    for command in COMMANDS:
        command()
    if "socket" in options:
        lab.use(options["socket"], options.get("guest", ""))
        halts.install()
    kernel.use_source_tree(options.get("source", ""))
    if "steps" in options:
        batch(options)
    elif "socket" in options:
        interactive(options)
