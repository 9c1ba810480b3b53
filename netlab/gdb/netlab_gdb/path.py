# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab path: the stages of a packet's way, to stop at or to trace."""

import dataclasses
from typing import Optional

import gdb

from . import kernel, paths, stages, trace
from .commands import Command

ACTIONS = ("stop", "trace", "off")
FAMILIES = {"-4": (4,), "-6": (6,)}


class StageBreakpoint(gdb.Breakpoint):
    """Where a stage is reached: stops the guest, or prints a line and lets it go on.

    One that stops is the user's, with a number; the others are not in `info breakpoints`."""

    def __init__(self, label: str, place: stages.Place, action: str) -> None:
        super().__init__(place.location, internal=action == "trace")
        self.silent = action == "trace"
        self.label = label
        self.action = action
        self.hits = 0  # gdb's own count leaves out where the guest went on
        self.packet = trace.Packet(place.function)
        self._leave_out_rest(place.function)

    def _leave_out_rest(self, function: str) -> None:
        """Where gcc has split off a function's rest and put it back (-fpartial-inlining, as in
        arp_rcv() of Linux 6.1), gdb has that place, too: it comes by a second time there."""
        own = [one for one in self.locations if kernel.symbol_at(one.address) == function]
        for one in sorted(own, key=lambda one: one.address)[1:]:
            one.enabled = False

    def stop(self) -> bool:
        """Called by gdb: a line either way."""
        self.hits += 1
        trace.show(self.packet.line(self.label))
        return self.action == "stop"


@dataclasses.dataclass
class Request:
    """What the user wants of a path."""

    name: str
    families: tuple[int, ...]
    actions: dict[int, str]  # by the number of the stage, from 1


class Armed:
    """The breakpoints that are set at stages."""

    def __init__(self) -> None:
        self.breakpoints: dict[tuple[str, int, str], StageBreakpoint] = {}

    def at(self, name: str, number: int, place: stages.Place) -> Optional[StageBreakpoint]:
        """The one at a stage's function, where there is one that the user has not deleted."""
        found = self.breakpoints.get((name, number, place.location))
        return found if found and found.is_valid() else None

    def set(self, name: str, number: int, place: stages.Place, action: str) -> None:
        """Stop at, trace, or leave alone."""
        old = self.at(name, number, place)
        if old and old.action == action:
            return
        if old:
            old.delete()
        self.breakpoints.pop((name, number, place.location), None)
        if action != "off":
            key = (name, number, place.location)
            self.breakpoints[key] = StageBreakpoint(f"{name} {number}", place, action)

    def state(self, name: str, number: int, place: stages.Place) -> str:
        """"trace, 3 hits"; "" where none is set."""
        found = self.at(name, number, place)
        if not found:
            return ""
        hits = f"{found.hits} hit{'' if found.hits == 1 else 's'}"
        return f"{found.action}, {hits}" + ("" if found.enabled else ", disabled")

    def count(self, name: str, action: str) -> int:
        """How many of a path do that."""
        return sum(1 for (path, _, _), one in self.breakpoints.items()
                   if path == name and one.is_valid() and one.action == action)


class PathCommand(Command):
    """The way of a packet through the guest's kernel, stage by stage.

netlab path [NAME [-4|-6] [stop|trace|off STAGES]...]

Without a NAME, the paths are listed; with it, the path's stages: number, function, where it is
in this kernel, and what happens there. -4 and -6 leave out what only the other version of IP
goes through.

  stop STAGES    stop the guest there
  trace STAGES   print a line and go on: time, CPU, task, stage, packet, frame of the capture
  off STAGES     neither

STAGES are numbers and ranges, or all: netlab path tcp-receive trace all stop 20 off 1-3"""

    NAME = "path"

    def __init__(self) -> None:
        super().__init__()
        self.armed = Armed()

    def complete(self, text: str, word: str) -> list[str]:
        """Called by gdb."""
        before, _, last = text.rpartition(" ")
        known = (*ACTIONS, "all", "-4", "-6") if before.strip() else paths.PATHS
        # gdb's word begins behind a "-", too.
        return [one[len(last) - len(word):] for one in known if one.startswith(last)]

    def run(self, argument: str) -> None:
        words = gdb.string_to_argv(argument)
        if not words:
            self.list_paths()
            return
        drivers = stages.drivers_of_cards()
        wanted = parse(words, drivers)
        if wanted.actions:
            self.change(wanted, drivers)
        else:
            self.show(wanted, drivers)

    def list_paths(self) -> None:
        """All that there are, and what is set."""
        for name, path in paths.PATHS.items():
            counts = [f"{count} {action}" for action in ("stop", "trace")
                      if (count := self.armed.count(name, action))]
            print(f"{name:14}{path.what}{' [' + ', '.join(counts) + ']' if counts else ''}")

    def show(self, wanted: Request, drivers: tuple[str, ...]) -> None:
        """The path's stages."""
        path = paths.PATHS[wanted.name]
        print(f"{wanted.name}: {path.what}")
        if not drivers:
            print("(The driver of the guest's card is not known before the guest has booted.)")
        for number, stage in enumerate(paths.stages_for(path, drivers), 1):
            places = stages.places_of(stage, wanted.families, drivers)
            for i, place in enumerate(places):
                state = self.armed.state(wanted.name, number, place)
                print(f"{number if i == 0 else '':>3}  {place.function:32}{place.where()}"
                      f"{f'  [{state}]' if state else ''}")
            if not places:
                print(f"{number:>3}  (the card's driver)")
            print(f"       {stage.what}")

    def change(self, wanted: Request, drivers: tuple[str, ...]) -> None:
        """Stop, trace or neither, and say what is set now."""
        path = paths.PATHS[wanted.name]
        for number, stage in enumerate(paths.stages_for(path, drivers), 1):
            if number not in wanted.actions:
                continue
            places = stages.places_of(stage, wanted.families, drivers)
            for place in places:
                if place.file:
                    self.armed.set(wanted.name, number, place, wanted.actions[number])
            if wanted.actions[number] != "off" and not any(place.file for place in places):
                names = ", ".join(place.function for place in places) or "the card's driver"
                print(f"netlab path: stage {number}: {names}: not in this kernel, or not yet")
        stops = self.armed.count(wanted.name, "stop")
        print(f"{wanted.name}: {stops} function{'' if stops == 1 else 's'} to stop at, "
              f"{self.armed.count(wanted.name, 'trace')} to trace")


def parse(words: list[str], drivers: tuple[str, ...]) -> Request:
    """NAME [-4|-6] [ACTION STAGES...]...; gdb.GdbError where it isn't that."""
    name, rest = words[0], words[1:]
    if name not in paths.PATHS:
        raise gdb.GdbError(f"netlab path: no path '{name}': {', '.join(paths.PATHS)}")
    path = paths.PATHS[name]
    families = path.families
    while rest and rest[0] in FAMILIES:
        families = tuple(f for f in path.families if f in FAMILIES[rest[0]])
        rest = rest[1:]
        if not families:
            raise gdb.GdbError(f"netlab path: {name} is of IPv{path.families[0]} only")
    return Request(name, families, parse_actions(name, rest,
                                                 len(paths.stages_for(path, drivers))))


def parse_actions(name: str, words: list[str], count: int) -> dict[int, str]:
    """What is to be done with each stage that is named; a later word counts."""
    actions: dict[int, str] = {}
    action, used = "", True
    for word in words:
        if word in ACTIONS:
            if not used:
                break
            action, used = word, False
            continue
        if not action:
            raise gdb.GdbError(f"netlab path: '{word}' is none of {', '.join(ACTIONS)}")
        actions.update({number: action for number in numbers(name, word, count)})
        used = True
    if not used:
        raise gdb.GdbError(f"netlab path: {action} which stages? all, or as in 1 3-5")
    return actions


def numbers(name: str, word: str, count: int) -> range:
    """The stages that "all", "3", "3-5" or "3-" mean."""
    if word == "all":
        return range(1, count + 1)
    first, dash, last = word.partition("-")
    if not first.isdecimal() or not (last.isdecimal() or not last):
        raise gdb.GdbError(f"netlab path: '{word}' is no stage: all, or as in 1 3-5")
    begin = int(first)
    end = int(last) if last else count if dash else begin
    if not 1 <= begin <= end <= count:
        raise gdb.GdbError(f"netlab path: stage {word}: {name} has 1 to {count}")
    return range(begin, end + 1)
