# SPDX-License-Identifier: GPL-2.0-or-later
"""`netlab send`: what `netlab drive` does, without leaving gdb."""

import os
import re
import shlex
import signal
import sys
import threading
from typing import Any, Callable, Iterator, Optional

import gdb

from . import commands, kernel, lab

KINDS = ("tcp", "udp")
# Of each: the member of the drive's spec, and how its text becomes the value.
OPTIONS = {"--send": "send", "-s": "send", "--expect": "expect", "-e": "expect",
           "--connections": "connections", "-c": "connections", "--bytes": "bytes",
           "-b": "bytes", "--timeout": "timeout_ns", "-t": "timeout_ns"}
FLAGS = {"--ipv4": "ipv4", "-4": "ipv4", "--ipv6": "ipv6", "-6": "ipv6"}
SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
TIMES = {"us": 10**3, "ms": 10**6, "s": 10**9, "": 10**9, "min": 60 * 10**9}
# The drive has a deadline of its own, which doesn't pass while the lab is halted.
ANSWER_SECONDS = 7 * 86400
INTERRUPT_SECONDS = 0.25
USAGE = ("netlab send tcp|udp [GUEST:]PORT [--send TEXT] [--expect TEXT] [--connections N] "
         "[--bytes N] [--timeout TIME] [-4|-6] [--wait]")


class Misuse(ValueError):
    """The words of the command don't say what to send."""


def scaled(option: str, text: str, units: dict[str, int]) -> int:
    """A number with a unit."""
    match = re.fullmatch(r"(\d{1,15})([A-Za-z]*)", text)
    if not match or match.group(2) not in units:
        named = ", ".join(unit for unit in units if unit)
        raise Misuse(f"{option}: '{text}' is no number with one of {named}, or none")
    return int(match.group(1)) * units[match.group(2)]


def option_value(option: str, text: str) -> Any:
    """The value of an option, as the drive's spec has it."""
    member = OPTIONS[option]
    if member == "bytes":
        return scaled(option, text, SIZES)
    if member == "timeout_ns":
        return scaled(option, text, TIMES)
    if member == "connections":
        return scaled(option, text, {"": 1})
    return text


def target(text: str, guest: str) -> dict:
    """[GUEST:]PORT, of the guest that gdb is on where none is named."""
    name, _, port = text.rpartition(":")
    if not re.fullmatch(r"\d{1,5}", port):
        raise Misuse(f"'{text}' is no [GUEST:]PORT")
    if not 1 <= int(port) <= 65535:
        raise Misuse(f"'{text}': a port is from 1 to 65535")
    return {"guest": name or guest, "port": int(port)}


def read_options(words: Iterator[str]) -> tuple[dict, list[str], bool]:
    """The members that options give, the other words, and is --wait among them?"""
    spec: dict = {}
    others, wait = [], False
    for text in words:
        option, equals, value = text.partition("=")
        if text == "--wait":
            wait = True
        elif text in FLAGS:
            if spec.get("family", FLAGS[text]) != FLAGS[text]:
                raise Misuse("--ipv4 or --ipv6, not both")
            spec["family"] = FLAGS[text]
        elif option in OPTIONS:
            given: Optional[str] = value if equals else next(words, None)
            if given is None:
                raise Misuse(f"{option} wants a value")
            spec[OPTIONS[option]] = option_value(option, given)
        elif text.startswith("-"):
            raise Misuse(f"no option {text}")
        else:
            others.append(text)
    return spec, others, wait


def read_spec(argument: str, guest: str) -> tuple[dict, bool]:
    """The drive's spec (docs/control-protocol.md), and are we to wait for its end?"""
    try:
        words = shlex.split(argument)
    except ValueError as error:
        raise Misuse(str(error)) from error
    spec, others, wait = read_options(iter(words))
    if len(others) != 2 or others[0] not in KINDS:
        raise Misuse(USAGE)
    return {"kind": others[0], **target(others[1], guest), **spec}, wait


def answered(nanoseconds: Any) -> str:
    """When the first answer came, where one did."""
    return (f", first answer after {nanoseconds / 1e6:.3f} ms"
            if isinstance(nanoseconds, (int, float)) else "")


def result_lines(result: dict) -> list[str]:
    """What came of it (docs/drive-result.md)."""
    each = result.get("each") or []
    lines = [f"netlab send: {result.get('ok_count')} of {result.get('connections')} "
             f"{result.get('kind')} to {result.get('to')} port {result.get('port')} ok, "
             f"sent {result.get('sent')} bytes, received {result.get('received')}"
             f"{answered((result.get('rtt_ns') or {}).get('median'))}"]
    lines += [f"  {one.get('local')}: {one.get('outcome')}" for one in each if not one.get("ok")]
    return [kernel.printable(line) for line in lines]


class Loop:
    """gdb's event loop, as other threads see it. gdb 13 dies of an event that it has not come to
    at its end: it frees it when Python has gone already."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.posted: list[Callable[[], None]] = []
        self.ended = False
        gdb.events.gdb_exiting.connect(self._end)

    def post(self, call: Callable[[], None]) -> None:
        """Have it called by gdb's loop; at gdb's end no more."""
        with self.lock:
            if not self.ended:
                self.posted.append(call)
                gdb.post_event(self._next)

    def _next(self) -> None:
        with self.lock:
            call = self.posted.pop(0)
        call()

    def _end(self, event: gdb.GdbExitingEvent) -> None:
        with self.lock:
            self.ended = True
        if not self.posted:
            return
        for call in self.posted:
            call()
        if gdb.selected_inferior().pid:
            gdb.execute("detach")
        sys.stdout.flush()
        os._exit(event.exit_code)


LOOP = Loop()


class Sending(threading.Thread):
    """A drive that goes on beside gdb."""

    def __init__(self, result: Callable[[], Any], wait: bool) -> None:
        super().__init__(daemon=True)
        self.result, self.wait = result, wait
        self.stopped = threading.Event()  # the guest, after --wait
        self.lines: list[str] = []

    def begin(self) -> None:
        """Start without the signals that gdb waits for: they are its main thread's."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def run(self) -> None:
        """In the thread: nothing of gdb's is called here but LOOP's post()."""
        try:
            self.lines = result_lines(self.result())
        except (gdb.GdbError, AttributeError, TypeError) as error:
            self.lines = [f"netlab send: {error}"]
        LOOP.post(self.report)
        # QEMU 7.2 forgets an interrupt that comes while a breakpoint's condition is looked at.
        while self.wait and not self.stopped.wait(INTERRUPT_SECONDS):
            LOOP.post(self.interrupt)

    def report(self) -> None:
        """Called by gdb's event loop, be the guest stopped or running."""
        print("\n".join(self.lines), flush=True)
        self.interrupt()

    def interrupt(self) -> None:
        """Stop the guest where it was to run until now, as ^C does."""
        if self.wait and not self.stopped.is_set():
            gdb.execute("interrupt")

    def wait_for(self) -> None:
        """Let the guest run until all is done, or something else stops it."""
        try:
            gdb.execute("continue")
        finally:
            self.stopped.set()


class SendCommand(commands.Command):
    """Send traffic into a guest from the lab's host side, as netlab drive does.

netlab send tcp|udp [GUEST:]PORT [--send TEXT] [--expect TEXT] [--connections N]
    [--bytes N] [--timeout TIME] [-4|-6] [--wait]

GUEST is the one that gdb is on where none is named. It is sent beside gdb: `continue` lets the
guest answer, and what came of it is printed when it is over. With --wait the guest goes on at
once, and is stopped when it is over; a breakpoint stops it earlier."""

    NAME = "send"

    def run(self, argument: str) -> None:
        """Begin it."""
        here = lab.required()
        try:
            spec, wait = read_spec(argument, here.guest)
        except Misuse as error:
            raise gdb.GdbError(f"netlab send: {error}") from error
        sending = Sending(here.start("drive", ANSWER_SECONDS, spec=spec), wait)
        sending.begin()
        if wait:
            sending.wait_for()
        else:
            print(f"Sending to {spec['guest']}:{spec['port']}; it is answered once the guest runs.")

    def complete(self, text: str, word: str) -> list[str]:
        """The kinds, then the guest's name and options."""
        here = lab.current()
        last = text.split(" ")[-1]
        if " " not in text.lstrip():
            known = list(KINDS)
        elif last.startswith("-"):
            known = [name for name in (*OPTIONS, *FLAGS, "--wait") if name.startswith("--")]
        else:
            known = [f"{here.guest}:"] if here else []
        return [name[len(last) - len(word):] for name in sorted(known) if name.startswith(last)]
