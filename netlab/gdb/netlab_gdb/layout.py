# SPDX-License-Identifier: GPL-2.0-or-later
"""What versions and configurations of Linux keep in different places: all in one table."""

from typing import Optional

import gdb

# Paths to the same thing, tried in this order; "a:B" is the bit of a that the enumerator B numbers.
PATHS = {
    # struct net: the tables of its sockets, where it has its own (TCP 6.1, UDP 6.2).
    "net's TCP table": ("ipv4.tcp_death_row.hashinfo",),
    "net's UDP table": ("ipv4.udp_table",),
    "net's UDP-Lite table": (),
    "net's number": ("ns.inum",),
    # struct inet_sock: a member each, bits of inet_flags since 6.6.
    "IP_FREEBIND": ("freebind", "inet_flags:INET_FLAGS_FREEBIND"),
    "IP_TRANSPARENT": ("transparent", "inet_flags:INET_FLAGS_TRANSPARENT"),
    "IP_RECVERR": ("recverr", "inet_flags:INET_FLAGS_RECVERR"),
    # spinlock_t, and rwlock_t, which struct eventpoll had in older kernels.
    "lock's word": ("rlock.raw_lock.val.counter", "raw_lock.cnts.counter"),
}


def follow(value: gdb.Value, path: str) -> gdb.Value:
    """The member of VALUE at PATH; gdb.error where it has none."""
    path, _, bit = path.partition(":")
    for name in path.split("."):
        value = value[name]
    if not bit:
        return value
    return gdb.Value((int(value) >> int(gdb.parse_and_eval(bit))) & 1)


def find(value: gdb.Value, name: str) -> Optional[gdb.Value]:
    """What PATHS calls NAME in VALUE; None where this kernel has it nowhere."""
    for path in PATHS[name]:
        try:
            return follow(value, path)
        except gdb.error:
            continue
    return None


def number(value: gdb.Value, name: str) -> int:
    """The same as a number; 0 where this kernel has it nowhere."""
    found = find(value, name)
    return 0 if found is None else int(found)
