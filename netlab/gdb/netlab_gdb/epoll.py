# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab epoll: what an epoll instance watches, what is ready, and who waits."""

import re
from typing import Iterator, NamedTuple, Optional

import gdb

from . import commands, files, kernel, memory, tasks, variables

NOTHING = (1 << 64) - 1  # EP_UNACTIVE_PTR
WATCHED_SHOWN = 256
INSTANCES_SHOWN = 64
DESCRIPTOR = re.compile(r"fd\s+(\d+)$")
STRUCTS = {"eventpoll", "epitem", "eppoll_entry", "wait_queue_entry", "file"}
# include/uapi/linux/eventpoll.h
EVENTS = {0x1: "EPOLLIN", 0x2: "EPOLLPRI", 0x4: "EPOLLOUT", 0x8: "EPOLLERR", 0x10: "EPOLLHUP",
          0x20: "EPOLLNVAL", 0x40: "EPOLLRDNORM", 0x80: "EPOLLRDBAND", 0x100: "EPOLLWRNORM",
          0x200: "EPOLLWRBAND", 0x400: "EPOLLMSG", 0x2000: "EPOLLRDHUP",
          0x10000000: "EPOLLEXCLUSIVE", 0x20000000: "EPOLLWAKEUP", 0x40000000: "EPOLLONESHOT",
          0x80000000: "EPOLLET"}
PRIVATE = 0xF0000000  # EP_PRIVATE_BITS: how to watch, not what for
ONESHOT = 0x40000000


class Instance(NamedTuple):
    """The lists of a struct eventpoll, and what is wrong with them."""

    value: gdb.Value
    items: list[int]     # struct epitem, by file and descriptor
    ready: list[int]     # in rdllist
    overflow: list[int]  # in ovflist
    trouble: list[str]


def event_names(events: int) -> str:
    """EPOLLIN|EPOLLET."""
    names = [name for bit, name in EVENTS.items() if events & bit]
    rest = events & ~sum(EVENTS)
    names += [f"{rest:#x}"] * bool(rest)
    if events & ONESHOT and not events & ~PRIVATE:
        return "|".join(names) + " (disabled: its one event was delivered)"
    return "|".join(names) or "none"


# --- which one -----------------------------------------------------------------------------------

def instance_of(struct: str, address: int) -> Optional[int]:
    """The struct eventpoll that a pointer at STRUCT leads to; None where it leads to none."""
    if struct == "file":
        return files.epoll_of(address)
    if struct == "epitem":
        return int(memory.at("epitem", address)["ep"])
    if struct == "wait_queue_entry":
        function = int(memory.at("wait_queue_entry", address)["func"])
        if function != kernel.symbol_address("ep_poll_callback"):
            return None
        address = memory.container_of(address, "eppoll_entry", "wait")
    if struct in ("eppoll_entry", "wait_queue_entry"):
        return instance_of("epitem", int(memory.at("eppoll_entry", address)["base"]))
    return address


def looks_like_instance(address: int) -> bool:
    """Does a struct eventpoll lie there? Its file says so."""
    return files.epoll_of(int(memory.at("eventpoll", address)["file"])) == address


def plausible_instance(struct: str, address: int) -> Optional[int]:
    """instance_of() for a variable that may not have been set yet."""
    found = instance_of(struct, address)
    return found if found and looks_like_instance(found) else None


def named(argument: str) -> tuple[str, int]:
    """What the user's words mean, and the struct eventpoll's address."""
    descriptor = DESCRIPTOR.match(argument)
    if descriptor:
        opened = tasks.file_of(int(descriptor[1]))
        struct, address, what = "file", opened.file, str(opened)
    else:
        struct, address = variables.evaluate(argument)
        what = argument
        if struct and struct not in STRUCTS:
            raise gdb.GdbError(f"{argument} points at a struct {struct}, not at an epoll instance")
    found = instance_of(struct, address)
    if not found:
        raise gdb.GdbError(f"{what} is no epoll instance")
    if not memory.optional(looks_like_instance, found):
        raise gdb.GdbError(f"{what}: there is no struct eventpoll at {found:#x}")
    return what, found


def all_instances(owners: dict[int, list[tasks.OpenFile]]) -> Iterator[tuple[str, int]]:
    """Every epoll instance that a task has open, and who."""
    for file, opened in owners.items():
        found = memory.optional(files.epoll_of, file)
        if found:
            yield ", ".join(map(str, opened)), found


# --- its lists -----------------------------------------------------------------------------------

def linked(head: gdb.Value) -> Iterator[int]:
    """The items of rdllist."""
    offset = memory.offset_of("epitem", "rdllink")
    return (node - offset for node in memory.list_nodes(int(head.address)))


def overflowed(first: int) -> Iterator[int]:
    """The items of ovflist: NULL ends it, EP_UNACTIVE_PTR says that there is none."""
    if first != NOTHING:
        yield from memory.chain(first, "epitem", "next")


def read(address: int) -> Instance:
    """All lists of a struct eventpoll."""
    value = memory.at("eventpoll", address)
    offset = memory.offset_of("epitem", "rbn")
    root = int(value["rbr"]["rb_root"]["rb_node"])
    walks = {"watched files": (node - offset for node in memory.tree_nodes(root)),
             "ready list": linked(value["rdllist"]),
             "overflow list": overflowed(int(value["ovflist"]))}
    lists, trouble = [], []
    for name, walk in walks.items():
        found, damage = memory.collect(walk)
        lists.append(found)
        trouble += [f"{name}: {damage}"] * bool(damage)
    return Instance(value, *lists, trouble)


def standing(item: gdb.Value, address: int, instance: Instance) -> str:
    """Where an item is: ready, or on its way to user space, or neither."""
    words = ["ready"] * (address in instance.ready)
    words += ["in the overflow list"] * (address in instance.overflow)
    link = item["rdllink"]
    if int(link["next"]) != int(link.address) and address not in instance.ready:
        words.append("on its way to user space")
    words += ["being removed"] * bool(int(item["dying"]))
    return ", ".join(words)


def item_lines(address: int, instance: Instance) -> list[str]:
    """A watched file: what it is, what for, and whether it is ready."""
    item = memory.at("epitem", address)
    event = item["event"]
    where = standing(item, address, instance)
    described = memory.optional(files.words, int(item["ffd"]["file"])) or "unreadable"
    return [f"    fd {int(item['ffd']['fd'])}: {described}{f' [{where}]' if where else ''}",
            f"      {event_names(int(event['events']))}, data {int(event['data']):#x}, "
            f"epitem {address:#x}"]


def watched_lines(instance: Instance) -> list[str]:
    """All watched files."""
    lines = [f"  watched: {len(instance.items) or 'none'}"]
    for address in instance.items[:WATCHED_SHOWN]:
        lines += memory.optional(item_lines, address, instance) or [
            f"    epitem {address:#x}: unreadable"]
    if len(instance.items) > WATCHED_SHOWN:
        lines.append(f"    and {len(instance.items) - WATCHED_SHOWN} more")
    return lines


def descriptor_words(items: list[int]) -> str:
    """The descriptors of items: "2: fd 5, fd 7"."""
    numbers = [memory.optional(lambda item=item: int(memory.at("epitem", item)["ffd"]["fd"]))
               for item in items]
    shown = [f"fd {number}" if number is not None else "unreadable" for number in numbers]
    return f"{len(items)}: {', '.join(shown)}" if items else "empty"


def list_lines(instance: Instance) -> list[str]:
    """The ready and overflow lists, and the locks that guard them."""
    value = instance.value
    overflow = ("not in use (no events are being delivered)" if int(value["ovflist"]) == NOTHING
                else f"in use, {descriptor_words(instance.overflow)}")
    lock = "held" if tasks.is_locked(value["lock"]) else "free"
    mutex = tasks.mutex_owner(value["mtx"])
    return [f"  ready list: {descriptor_words(instance.ready)}", f"  overflow list: {overflow}",
            f"  locks: lock {lock}, mtx {f'held by {mutex}' if mutex else 'free'}"]


def waiting_lines(title: str, queue: gdb.Value) -> list[str]:
    """Those in one of its wait queues."""
    found, trouble = tasks.waiters(queue)
    lines = [f"  {title}: {len(found) or 'none'}"] + [f"    {waiter}" for waiter in found]
    return lines + ([f"    damaged: {trouble}"] if trouble else [])


def parent_lines(value: gdb.Value) -> list[str]:
    """The epoll instances that watch this one."""
    offset = memory.offset_of("epitem", "fllink")
    nodes = memory.hlist_nodes(int(value["refs"]["first"]))
    parents, trouble = memory.collect(
        int(memory.at("epitem", node - offset)["ep"]) for node in nodes)
    lines = [f"  watched itself by: epoll instance {parent:#x}" for parent in parents]
    return lines + ([f"  damaged: those that watch it: {trouble}"] if trouble else [])


def describe(address: int) -> list[str]:
    """An epoll instance in lines."""
    instance = read(address)
    value = instance.value
    return (watched_lines(instance) + list_lines(instance)
            + waiting_lines("in epoll_wait(2)", value["wq"])
            + waiting_lines("in poll(2) and the like on it", value["poll_wait"])
            + parent_lines(value) + [f"  damaged: {line}" for line in instance.trouble])


class EpollCommand(commands.Command):
    """Show an epoll instance: watched files and their events, what is ready, and who waits.

netlab epoll [EXPR | fd N]

EXPR points at a struct eventpoll, epitem, eppoll_entry, file, or at the wait_queue_entry that
ep_poll_callback() gets, or is the address of a struct eventpoll. fd N is a descriptor of the
current task. Without either, it is the instance in the arguments and locals of the selected
frame, or of the next one outwards that has one; where none has, all of the guest's are shown."""

    NAME = "epoll"

    def __init__(self) -> None:
        super().__init__(gdb.COMPLETE_EXPRESSION)

    def run(self, argument: str) -> None:
        if argument:
            self._show(*named(argument))
            return
        try:
            found = variables.search(STRUCTS, plausible_instance, "epoll instance")
        except gdb.GdbError as error:
            self._show_all(str(error))
            return
        self._show(*found)

    def _show_all(self, reason: str) -> None:
        owners, trouble = tasks.all_files()
        found = list(all_instances(owners))
        print(f"{reason}; the guest has {len(found) or 'none'}{':' if found else ''}")
        for what, address in found[:INSTANCES_SHOWN]:
            self._show(what, address)
        if len(found) > INSTANCES_SHOWN:
            print(f"and {len(found) - INSTANCES_SHOWN} more")
        if trouble:
            print(f"damaged: the tasks' files: {trouble}")

    @staticmethod
    def _show(what: str, address: int) -> None:
        print("\n".join([f"{what}: epoll instance {address:#x}", *describe(address)]))
