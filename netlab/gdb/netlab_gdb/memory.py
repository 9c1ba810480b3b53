# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's memory, which is hostile: any pointer may lead nowhere, any list may have no end.

Every walk here is bounded, notices that it comes back to where it was, and says so with Damaged.
"""

import functools
from typing import Any, Callable, Iterable, Iterator, Optional

import gdb

from . import kernel

ADDRESSES = 1 << 64
ENTRIES_MAX = 65536  # of one list or tree
FETCHED_AT_ONCE = 4096  # bytes: a structure up to this size is read as a whole


class Damaged(gdb.error):
    """The guest's memory can't be followed further; the text says where and why."""


def is_in_kernel(address: int, size: int) -> bool:
    """Are all those bytes in the kernel's half of the address space?"""
    return kernel.is_kernel_address(address) and address + size <= ADDRESSES


def read(address: int, size: int) -> bytes:
    """SIZE bytes of the kernel's memory."""
    if not is_in_kernel(address, size):
        raise Damaged(f"{address:#x} is no address of the kernel's")
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except gdb.error as error:
        raise Damaged(f"the memory at {address:#x} can't be read") from error


def read_word(address: int) -> int:
    """A pointer, or another 8 bytes."""
    return int.from_bytes(read(address, 8), "little")


def read_words(address: int, count: int) -> list[int]:
    """An array of pointers, read at once."""
    data = read(address, 8 * count)
    return [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data), 8)]


@functools.lru_cache(maxsize=None)
def struct(name: str) -> gdb.Type:
    """struct NAME; gdb.error where the kernel has none."""
    return gdb.lookup_type(f"struct {name}")


def at(name: str, address: int) -> gdb.Value:
    """The struct NAME at an address, read now unless it is large."""
    if not is_in_kernel(address, struct(name).sizeof):
        raise Damaged(f"{address:#x} is no address of the kernel's: no struct {name} there")
    value = gdb.Value(address).cast(struct(name).pointer()).dereference()
    if struct(name).sizeof <= FETCHED_AT_ONCE:
        try:
            value.fetch_lazy()
        except gdb.error as error:
            raise Damaged(f"the struct {name} at {address:#x} can't be read") from error
    return value


@functools.lru_cache(maxsize=None)
def offset_of(name: str, path: str) -> int:
    """Bytes from the start of struct NAME to its member PATH ("sk_wq.wait")."""
    member = gdb.Value(0).cast(struct(name).pointer()).dereference()
    for part in path.split("."):
        member = member[part]
    return int(member.address)


def container_of(address: int, name: str, path: str) -> int:
    """Address of the struct NAME whose member PATH lies at ADDRESS."""
    return address - offset_of(name, path)


def bounded(step: Callable[[int], int], first: int, ends: Callable[[int], bool],
            limit: int = ENTRIES_MAX) -> Iterator[int]:
    """FIRST, step(FIRST), ... up to where ends() holds."""
    seen: set[int] = set()
    address = first
    while not ends(address):
        if address in seen:
            raise Damaged(f"it comes back to {address:#x}, without an end")
        if len(seen) == limit:
            raise Damaged(f"it has more than {limit} entries")
        seen.add(address)
        following = step(address)
        yield address
        address = following


def list_nodes(head: int) -> Iterator[int]:
    """The entries of a struct list_head (or struct sk_buff_head) at HEAD, without it."""
    return bounded(read_word, read_word(head), lambda node: node == head)


def hlist_nodes(first: int) -> Iterator[int]:
    """The entries of a struct hlist_head whose first one is given."""
    return bounded(read_word, first, lambda node: node == 0)


def nulls_nodes(first: int) -> Iterator[int]:
    """The entries of a struct hlist_nulls_head: its end is an odd number."""
    return bounded(read_word, first, lambda node: node == 0 or bool(node & 1))


def chain(first: int, name: str, member: str) -> Iterator[int]:
    """The structs NAME from FIRST on, each pointing at the next by MEMBER, up to NULL."""
    offset = offset_of(name, member)
    return bounded(lambda address: read_word(address + offset), first, lambda node: node == 0)


def tree_nodes(root: int) -> Iterator[int]:
    """The nodes of a red-black tree in their order; ROOT is its topmost node's address, or 0."""
    right, left = offset_of("rb_node", "rb_right"), offset_of("rb_node", "rb_left")
    seen: set[int] = set()
    waiting: list[int] = []
    node = root
    while node or waiting:
        while node:
            if node in seen:
                raise Damaged(f"the tree comes back to {node:#x}")
            if len(seen) == ENTRIES_MAX:
                raise Damaged(f"the tree has more than {ENTRIES_MAX} nodes")
            seen.add(node)
            waiting.append(node)
            node = read_word(node + left)
        node = waiting.pop()
        yield node
        node = read_word(node + right)


def collect(entries: Iterable[Any]) -> tuple[list, str]:
    """What a walk gives, and what stopped it before its end ("" where nothing did)."""
    found = []
    try:
        for entry in entries:
            found.append(entry)
    except gdb.error as error:
        return found, kernel.printable(str(error))
    return found, ""


def text(value: gdb.Value) -> str:
    """An array of characters of the guest's, fit for a terminal."""
    return kernel.printable(value.string("utf-8", "replace").split("\0")[0])


def string_at(address: int, size: int) -> str:
    """The same, at an address, of at most SIZE bytes."""
    return kernel.printable(read(address, size).split(b"\0")[0].decode("utf-8", "replace"))


def optional(function: Callable[..., Any], *arguments: Any) -> Optional[Any]:
    """function(...), or None where the guest's memory or debug information doesn't have it."""
    try:
        return function(*arguments)
    except gdb.error:
        return None
