# SPDX-License-Identifier: GPL-2.0-or-later
"""What lies in a socket's queues: segments and datagrams, each a struct sk_buff."""

from typing import Iterable, Iterator

import gdb

from . import memory

SHOWN = 32  # of one queue
WORD = 1 << 32
TCP_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
# TCP_SKB_CB(skb)->sacked, include/net/tcp.h
MARKS = ((0x01, "SACKed"), (0x02, "retransmitted and not acknowledged"), (0x04, "lost"),
         (0x80, "was retransmitted"))



def relative(sequence: int, origin: int) -> int:
    """A sequence number as Wireshark shows it."""
    return (sequence - origin) % WORD


def flags_of(control: gdb.Value) -> list[str]:
    """The TCP flags of a struct tcp_skb_cb."""
    bits = int(control["tcp_flags"])
    return [name for bit, name in enumerate(TCP_FLAGS) if bits & 1 << bit]


def control_of(skb: gdb.Value) -> gdb.Value:
    """TCP_SKB_CB(skb)."""
    return memory.at("tcp_skb_cb", int(skb["cb"].address))


def segment(address: int, origin: int) -> str:
    """A TCP segment in one line."""
    skb = memory.at("sk_buff", address)
    control = control_of(skb)
    first, end = int(control["seq"]), int(control["end_seq"])
    flags = flags_of(control)
    length = (end - first - len({"SYN", "FIN"} & set(flags))) % WORD  # those have a number each
    words = [f"skb {address:#x}", f"seq {relative(first, origin)}:{relative(end, origin)}",
             f"({first}:{end})", f"len {length}", *flags]
    return " ".join(words)


def sent_segment(address: int, origin: int) -> str:
    """The same, with what the peer and the timers have made of it."""
    marks = int(control_of(memory.at("sk_buff", address))["sacked"])
    said = ", ".join(name for bit, name in MARKS if marks & bit)
    return segment(address, origin) + (f" [{said}]" if said else "")


def datagram(address: int) -> str:
    """A datagram in one line."""
    return f"skb {address:#x} len {int(memory.at('sk_buff', address)['len'])}"


def queue(head: gdb.Value) -> Iterator[int]:
    """The skbs of a struct sk_buff_head."""
    return memory.list_nodes(int(head.address))


def tree(root: gdb.Value) -> Iterator[int]:
    """The skbs of a red-black tree, by their sequence numbers."""
    offset = memory.offset_of("sk_buff", "rbnode")
    return (node - offset for node in memory.tree_nodes(int(root["rb_node"])))


def chained(first: int) -> Iterator[int]:
    """The skbs from FIRST on, as in sk_backlog."""
    return memory.chain(first, "sk_buff", "next")


def listing(title: str, skbs: Iterable[int], line) -> list[str]:
    """A queue: its title with the number of entries, a line for each, and what is wrong."""
    found, trouble = memory.collect(skbs)
    lines = [f"  {title}: {len(found) or 'empty'}"]
    for address in found[:SHOWN]:
        lines.append(f"    {memory.optional(line, address) or f'skb {address:#x}: unreadable'}")
    if len(found) > SHOWN:
        lines.append(f"    and {len(found) - SHOWN} more")
    if trouble:
        lines.append(f"    damaged: {trouble}")
    return lines
