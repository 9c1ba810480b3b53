# SPDX-License-Identifier: GPL-2.0-or-later
"""A gdb session on a guest: interactive, or carrying out steps."""

import os
import sys
from typing import Callable

import gdb

from . import (backtrace, capture, commands, core, early, halts, kernel, lab, modules, panic, steps,
               unwind)
from .epoll import EpollCommand
from .frames import FrameCommand
from .modules import ModulesCommand
from .packetbreak import BreakCommand
from .panic import PanicCommand
from .path import PathCommand
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
    ModulesCommand,
    PanicCommand,
    PathCommand,
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
  quit                       {quit}"""

CORE_GREETING = """\
netlab: {core}, Linux {version}, CPU {cpu} {where}
  info threads, thread N     its CPUs
  netlab-backtrace           the whole path, over interrupt stacks, with source lines
  lx-dmesg, lx-ps, ...       the kernel's own commands: apropos lx-"""

EARLY = """
  It has not run an instruction of the kernel's: break start_kernel, break e1000_probe, ...
  The first three are hardware breakpoints; further ones are on from start_kernel."""


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
    leaving = "the guest goes on" if panic.panicked_cpu() is None else "it stands where it is"
    return GREETING.format(where=where, quit=leaving) + (EARLY if kernel.is_before_boot() else "")


def begin(options: dict) -> None:
    """What there is to do as soon as gdb has the guest."""
    early.begin()
    capture.begin()
    if "modules" in options:
        modules.follow(options["modules"])
    gdb.events.stop.connect(panic.on_stop)
    panic.show_if_there()


def interactive(options: dict) -> None:
    """Connect, and say where we are."""
    execute_all(COMMON)
    gdb.execute(f"target remote {options['socket']}", to_string=True)
    begin(options)
    print(greeting(options))


def post_mortem(options: dict) -> None:
    """Open a core, and say what it shows."""
    execute_all(COMMON)
    try:
        core.open_core(options["core"])
    except (gdb.error, gdb.GdbError) as error:
        print(f"netlab: {kernel.printable(str(error))}", file=sys.stderr, flush=True)
        gdb.execute("quit 1")
    if "modules" in options:
        modules.add_loaded(options["modules"])
    panic.show_if_there()
    print(CORE_GREETING.format(core=options["core"], version=kernel.linux_version(),
                               cpu=gdb.selected_thread().num - 1, where=place()))


class Editor:
    """A session whose prompt is an editor's, which loads vmlinux and attaches by itself:
    what concerns these is done when they are there."""

    def __init__(self, options: dict) -> None:
        self.options = options
        self.attached = False
        execute_all(COMMON)
        gdb.events.new_objfile.connect(self._on_objfile)
        gdb.events.stop.connect(self._on_stop)
        if gdb.selected_inferior().pid:
            self._attach()

    def _on_objfile(self, event: gdb.NewObjFileEvent) -> None:
        del event
        kernel.source_root.cache_clear()
        if kernel.source_root():
            gdb.events.new_objfile.disconnect(self._on_objfile)
            kernel.use_source_tree(self.options.get("source", ""))

    def _on_stop(self, event: gdb.StopEvent) -> None:
        del event
        if not self.attached:
            self._attach()

    def _attach(self) -> None:
        self.attached = True
        kernel.source_root.cache_clear()
        kernel.symbol_address.cache_clear()
        begin(self.options)


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
    elif "editor" in options:
        Editor(options)
    elif "socket" in options:
        interactive(options)
    elif "core" in options:
        post_mortem(options)
