# SPDX-License-Identifier: GPL-2.0-or-later
"""The `debug:` steps of a topology: stop where a function is called, report, go on."""

import dataclasses
import re
from typing import Any, Optional

import gdb

from . import backtrace, kernel, modules
from .report import Report, Stopped

# A function, or FILE:FUNCTION, or FILE:LINE. gdb's other ways to name a place can run code.
LOCATION = re.compile(r"(?:[\w./+-]+:)?[A-Za-z_][\w.]*|[\w./+-]+:\d+")
HARDWARE_BREAKPOINTS = 4  # debug registers of an x86 CPU
# By then the kernel has patched its own text (ftrace, alternatives).
BOOTED_FUNCTION = "kernel_init"


class StepError(Exception):
    """A step can't be done; what the reader is told beside the message."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members = {"code": code, "message": message, **members}


@dataclasses.dataclass
class Step:
    """One step, and how far it has come."""

    index: int
    at: str
    times: int
    hits: int = 0
    breakpoint: Optional[gdb.Breakpoint] = None

    def matches(self, stopped_at: list) -> bool:
        """Is it this step's breakpoint that the guest stopped at?"""
        return bool(self.breakpoint) and any(b.number == self.breakpoint.number
                                             for b in stopped_at)


def locations_of(step: Step) -> int:
    """How many places the step's location means; none is an error."""
    if not LOCATION.fullmatch(step.at):
        raise StepError("bad-location", f"'{step.at}' is not a function's name",
                        function=step.at, step=step.index)
    try:
        rest, places = gdb.decode_line(step.at)
    except gdb.error as error:
        raise StepError("no-function", str(error).rstrip("."), function=step.at,
                        step=step.index) from error
    if rest or not places:
        raise StepError("no-function", f"no function '{step.at}'", function=step.at,
                        step=step.index)
    return len(places)


class Runner:
    """Carries the steps out, one stop after another."""

    def __init__(self, report: Report, steps: list[dict]) -> None:
        self.report = report
        self.steps = [Step(i, str(s["at"]), int(s.get("times", 1)))
                      for i, s in enumerate(steps)]
        self.stop: Optional[gdb.StopEvent] = None
        self.exited = False
        gdb.events.stop.connect(self._on_stop)
        gdb.events.exited.connect(self._on_exited)

    def run(self) -> None:
        """All steps. When it returns, the guest stands still without a breakpoint."""
        counts = [locations_of(step) for step in self.steps]
        early = kernel.is_before_boot()
        if early and sum(counts) > HARDWARE_BREAKPOINTS:
            self._run_to(BOOTED_FUNCTION)
            early = False
        for step in self.steps:
            step.breakpoint = self._breakpoint(step.at, early)
        self.report.send("armed", hardware=early, locations=counts)
        while any(step.breakpoint for step in self.steps):
            self._continue()
            self._report_stop()

    def clear(self) -> None:
        """Take all breakpoints away."""
        for step in self.steps:
            if step.breakpoint:
                step.breakpoint.delete()
                step.breakpoint = None

    @staticmethod
    def _breakpoint(at: str, hardware: bool) -> gdb.Breakpoint:
        kind = gdb.BP_HARDWARE_BREAKPOINT if hardware else gdb.BP_BREAKPOINT
        return gdb.Breakpoint(at, type=kind)

    def _run_to(self, function: str) -> None:
        stop = self._breakpoint(function, True)
        while stop.hit_count == 0:
            self._continue()
        stop.delete()

    def _continue(self) -> None:
        self.stop = None
        self.report.allow_interrupt(True)
        try:
            gdb.execute("continue", to_string=True)
        finally:
            self.report.allow_interrupt(False)
        if self.exited:
            raise StepError("guest-ended", "the guest ended")
        if self.report.stopping.is_set():
            raise Stopped

    def _report_stop(self) -> None:
        stopped_at = getattr(self.stop, "breakpoints", [])
        hit = [step for step in self.steps if step.matches(stopped_at)]
        if not hit:
            return  # someone else stopped the guest (QMP); it goes on
        trace = backtrace.kernel_backtrace()
        for step in hit:
            self._report_hit(step, trace)

    def _report_hit(self, step: Step, trace: backtrace.Backtrace) -> None:
        top = trace.frames[0] if trace.frames else {}
        step.hits += 1
        if step.hits >= step.times and step.breakpoint:
            step.breakpoint.delete()
            step.breakpoint = None
        self.report.send("hit", step=step.index, number=step.hits,
                         function=top.get("function"), file=top.get("file"),
                         line=top.get("line"), task=kernel.current_task(),
                         frames=trace.frames, text=trace.text(), end=trace.end)

    def _on_stop(self, event: gdb.StopEvent) -> None:
        self.stop = event

    def _on_exited(self, event: gdb.ExitedEvent) -> None:
        del event
        self.exited = True


def run_steps(report: Report, socket: str, steps: list[dict], folders: list) -> bool:
    """Connect to the guest, carry the steps out, let the guest run. The folders have the files
    of its modules.

    Return: is all done?
    """
    runner = Runner(report, steps)
    connected = False
    try:
        gdb.execute(f"target remote {socket}", to_string=True)
        connected = True
        if folders and not kernel.is_before_boot():
            modules.add_loaded(folders)
        runner.run()
        leave(runner)
        report.send("done")
        return True
    except StepError as error:
        failure = error.members
    except (Stopped, KeyboardInterrupt):
        failure = {}
    except gdb.error as error:
        failure = describe_failure(error, connected)
    leave(runner)
    if failure and not report.stopping.is_set():
        report.send("error", **failure)
    return False


def describe_failure(error: gdb.error, connected: bool) -> dict:
    """What gdb's ERROR means for the session."""
    text = " ".join(str(error).split())
    if alive():
        return {"code": "gdb", "message": text}
    if connected:
        return {"code": "connection-lost", "message": f"lost the guest: {text}"}
    return {"code": "no-connection", "message": text}


def alive() -> bool:
    """Is there still a guest at the other end?"""
    return bool(gdb.selected_inferior().pid)


def leave(runner: Runner) -> None:
    """Detach: the guest goes on without breakpoints."""
    runner.clear()
    if alive():
        try:
            gdb.execute("detach", to_string=True)
        except gdb.error:
            pass  # the guest has gone
