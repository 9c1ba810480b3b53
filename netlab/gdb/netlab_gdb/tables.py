# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's hash tables of sockets: TCP's connections and listeners, UDP's and raw sockets."""

from typing import Callable, Iterator

import gdb

from . import inet, kernel, layout, memory

BUCKETS_MAX = 1 << 22  # of one table: what alloc_large_system_hash() gives to a large machine
BUCKETS_AT_ONCE = 1 << 15
SOCKETS_MAX = 1 << 20
RAW_TABLES = ("raw_v4_hashinfo", "raw_v6_hashinfo")

Nodes = Callable[[int], Iterator[int]]


def networks() -> Iterator[int]:
    """Every struct net."""
    head = kernel.symbol_address("net_namespace_list")
    if head is None:
        raise gdb.GdbError("vmlinux has no symbol net_namespace_list: no network to look in")
    offset = memory.offset_of("net", "list")
    return (node - offset for node in memory.list_nodes(head))


def distinct(name: str, symbol: str) -> list[int]:
    """The tables of all namespaces, each once: some have one of their own."""
    found: dict[int, None] = {}
    for net in networks():
        address = layout.number(memory.at("net", net), name)
        address = address or kernel.symbol_address(symbol) or 0
        if address:
            found[address] = None
    return list(found)


def firsts(table: int, count: int, stride: int, offset: int) -> Iterator[int]:
    """The first entries of the buckets of a table, without the empty ones (0, or odd: nulls)."""
    if count > BUCKETS_MAX:
        raise memory.Damaged(f"the table at {table:#x} has {count} buckets, which can't be")
    for begin in range(0, count, BUCKETS_AT_ONCE):
        part = min(BUCKETS_AT_ONCE, count - begin)
        data = memory.read(table + begin * stride, part * stride)
        for at in range(offset, len(data), stride):
            first = int.from_bytes(data[at:at + 8], "little")
            if first and not first & 1:
                yield first


def entries(heads: Iterator[int], nodes: Nodes, member: str) -> Iterator[int]:
    """The sockets in buckets, linked by a member of struct sock_common."""
    offset = memory.offset_of("sock_common", member)
    seen: set[int] = set()
    for first in heads:
        for node in nodes(first):
            if node in seen:
                raise memory.Damaged(f"{node - offset:#x} is in it twice")
            if len(seen) == SOCKETS_MAX:
                raise memory.Damaged(f"it has more than {SOCKETS_MAX} sockets")
            seen.add(node)
            yield node - offset


def connections(table: int) -> Iterator[int]:
    """TCP: every connection of a struct inet_hashinfo, small sockets among them."""
    info = memory.at("inet_hashinfo", table)
    stride = memory.struct("inet_ehash_bucket").sizeof
    heads = firsts(int(info["ehash"]), int(info["ehash_mask"]) + 1, stride,
                   memory.offset_of("inet_ehash_bucket", "chain.first"))
    return entries(heads, memory.nulls_nodes, "skc_nulls_node")


def listeners(table: int) -> Iterator[int]:
    """TCP: every socket that listens, of a struct inet_hashinfo."""
    info = memory.at("inet_hashinfo", table)
    heads = firsts(int(info["lhash2"]), int(info["lhash2_mask"]) + 1,
                   memory.struct("inet_listen_hashbucket").sizeof,
                   memory.offset_of("inet_listen_hashbucket", "nulls_head.first"))
    return entries(heads, memory.nulls_nodes, "skc_nulls_node")


def datagram_sockets(table: int) -> Iterator[int]:
    """UDP: every bound socket of a struct udp_table."""
    value = memory.at("udp_table", table)
    heads = firsts(int(value["hash"]), int(value["mask"]) + 1,
                   memory.struct("udp_hslot").sizeof,
                   memory.offset_of("udp_hslot", "head.first"))
    return entries(heads, memory.hlist_nodes, "skc_node")


def raw_sockets(table: int) -> Iterator[int]:
    """Raw IP: every socket of a struct raw_hashinfo."""
    heads = memory.at("raw_hashinfo", table)["ht"]
    count = heads.type.range()[1] + 1
    return entries(firsts(int(heads.address), count, 8, 0), memory.hlist_nodes, "skc_node")


def all_connections() -> Iterator[int]:
    """TCP's of every namespace."""
    for table in distinct("net's TCP table", "tcp_hashinfo"):
        yield from connections(table)


def walks() -> Iterator[tuple[str, Callable[[], Iterator[int]]]]:
    """What to call for the sockets of each table, and the table's name."""
    for table in distinct("net's TCP table", "tcp_hashinfo"):
        yield "TCP's listeners", lambda table=table: listeners(table)
        yield "TCP's connections", lambda table=table: connections(table)
    for name, symbol in (("UDP", "udp_table"), ("UDP-Lite", "udplite_table")):
        for table in distinct(f"net's {name} table", symbol):
            yield f"{name}'s sockets", lambda table=table: datagram_sockets(table)
    for symbol in RAW_TABLES:
        address = kernel.symbol_address(symbol)
        if address:
            yield "raw sockets", lambda address=address: raw_sockets(address)


def requests_of(listener: int) -> Iterator[int]:
    """The SYN queue: struct request_sock in the table of connections."""
    for address in all_connections():
        common = memory.at("sock_common", address)
        is_request = int(common["skc_state"]) == inet.TCP_NEW_SYN_RECV
        if is_request and int(common["skc_listener"]) == listener:
            yield address
