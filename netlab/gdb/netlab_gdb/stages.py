# SPDX-License-Identifier: GPL-2.0-or-later
"""The stages of a path in the guest's own kernel: which of the names it has, and where."""

import dataclasses
from typing import Iterator, Optional

import gdb

from . import kernel, paths


@dataclasses.dataclass(frozen=True)
class Place:
    """A function of a stage, as this kernel has it."""

    location: str               # what `break` takes: FUNCTION or FILE:FUNCTION
    families: tuple[int, ...]   # versions of IP that it is a stage of
    file: str = ""              # "": this kernel has none of the names
    line: int = 0               # where it begins; where all copies are inlined: of a call
    whole: bool = True          # there is a copy of its own, beside those that were inlined
    inlined: tuple[str, ...] = ()  # the functions that it was inlined in
    absent: tuple[str, ...] = ()   # the stage's names that this kernel doesn't have

    @property
    def function(self) -> str:
        """Its name alone."""
        return self.location.rpartition(":")[2]

    def where(self) -> str:
        """"net/ipv4/tcp_ipv4.c:1953, inlined in ...", or that it isn't there."""
        if not self.file:
            return "not in this kernel"
        copies = f", {'also ' if self.whole else ''}inlined in {', '.join(self.inlined)}"
        other = f" ({', '.join(self.absent)} elsewhere)" if self.absent else ""
        return f"{self.file}:{self.line}{copies if self.inlined else ''}{other}"


def inlined_function(pc: int, name: str) -> Optional[gdb.Symbol]:
    """The function NAME whose code PC is, be it inlined there."""
    block = gdb.block_for_pc(pc)
    while block and not (block.function and block.function.name == name):
        block = block.superblock
    return block.function if block else None


def find(location: str) -> Optional[Place]:
    """Where the function is; None where this kernel has none of that name."""
    try:
        _, sals = gdb.decode_line(location)
    except gdb.error:
        return None
    name = location.rpartition(":")[2]
    own, copy, inlined = None, None, []
    for sal in sals or ():
        function = inlined_function(sal.pc, name)
        if function is None:
            continue
        around = kernel.symbol_at(sal.pc).partition(".")[0]  # without gcc's .constprop.0
        if around == name:
            own = own or function
        elif around not in inlined:
            copy = copy or function
            inlined.append(around)
    shown = own or copy
    if shown is None:
        return None
    return Place(location, (), kernel.source_name(shown.symtab.filename), shown.line,
                 own is not None, tuple(inlined))


def choose(names: str, families: tuple[int, ...]) -> Place:
    """The first of a stage's names ("new|old") that this kernel has."""
    absent: list[str] = []
    for location in names.split("|"):
        place = find(location)
        if place:
            return dataclasses.replace(place, families=families, absent=tuple(absent))
        absent.append(location)
    return Place(names, families)


def places_of(stage: paths.Stage, families: tuple[int, ...],
              drivers: tuple[str, ...]) -> list[Place]:
    """The stage's functions for the versions of IP."""
    wanted: dict[str, tuple[int, ...]] = {}
    for family in families:
        for names in paths.names_in(stage, family, drivers):
            wanted[names] = wanted.get(names, ()) + (family,)
    return [choose(names, versions) for names, versions in wanted.items()]


def devices() -> Iterator[gdb.Value]:
    """Every struct net_device of the guest's first network namespace."""
    kind = gdb.lookup_type("struct net_device")
    offset = next(field.bitpos // 8 for field in kind.fields() if field.name == "dev_list")
    head = gdb.parse_and_eval("&init_net.dev_base_head")
    entry = head["next"]
    while int(entry) not in (int(head), 0):
        yield gdb.Value(int(entry) - offset).cast(kind.pointer()).dereference()
        entry = entry["next"]


def drivers_of_cards() -> tuple[str, ...]:
    """The names of the drivers of the guest's cards; () before they are there."""
    if kernel.is_before_boot():
        return ()
    found: list[str] = []
    for device in devices():
        parent = device["dev"]["parent"]
        driver = parent["driver"] if int(parent) else parent
        name = kernel.printable(driver["name"].string()) if int(driver) else ""
        if name and name not in found:
            found.append(name)
    return tuple(found)
