# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab sockets: the IP sockets of the guest, a line each, like ss(8)."""

from typing import Iterator, NamedTuple, Optional

import gdb

from . import commands, inet, kernel, memory, tables, tasks

HEADINGS = ("Proto", "State", "Recv-Q", "Send-Q", "Local", "Peer", "Socket", "Process")
LISTENING = ("-l", "--listening")
WORDS = (*LISTENING, "tcp", "udp", "raw", *(inet.SS_STATES.get(state, state).lower()
                                             for state in inet.STATES[1:]))


class Row(NamedTuple):
    """A socket in the list."""

    net: Optional[int]
    words: tuple[str, ...]  # as HEADINGS

    def is_listening(self) -> bool:
        """Does it wait for whoever comes? As ss(8) has it: TCP's LISTEN, or without a peer."""
        return self.words[1] in ("LISTEN", "UNCONN")

    def matches(self, word: str) -> bool:
        """Is WORD a protocol, state, address, port, address of the struct, or process of it?"""
        ends = [part for end in self.words[4:6] for part in
                (end, end.rpartition(":")[0].strip("[]"), end.rpartition(":")[2])]
        process = self.words[7]
        names = [*self.words[:2], self.words[6], process.partition("[")[0], *ends]
        return word.lower() in [name.lower() for name in names]


def queues(common: inet.Common) -> tuple[int, int]:
    """Bytes that wait to be read and sent; of a listener, connections and their limit."""
    if common.kind != inet.FULL:
        return 0, 0
    sk = memory.at("sock", common.address)
    if common.state == "LISTEN":
        return int(sk["sk_ack_backlog"]), int(sk["sk_max_ack_backlog"])
    if int(sk["sk_protocol"]) == inet.IPPROTO_TCP:
        tp = memory.at("tcp_sock", common.address)
        return ((int(tp["rcv_nxt"]) - int(tp["copied_seq"])) % (1 << 32),
                (int(tp["write_seq"]) - int(tp["snd_una"])) % (1 << 32))
    received = int(sk["sk_backlog"]["rmem_alloc"]["counter"])
    if int(sk["sk_protocol"]) == inet.IPPROTO_UDP:
        received -= int(memory.at("udp_sock", common.address)["forward_deficit"])
    return received, int(sk["sk_wmem_alloc"]["refs"]["counter"]) - 1


def process(common: inet.Common, owners: dict[int, list[tasks.OpenFile]]) -> str:
    """Who has it open, or why no one can."""
    if common.kind != inet.FULL:
        return f"({common.kind} sock)"
    socket = int(memory.at("sock", common.address)["sk_socket"])
    if not socket:
        return ""
    return ", ".join(map(str, owners.get(int(memory.at("socket", socket)["file"]), ())))


def row(address: int, owners: dict[int, list[tasks.OpenFile]]) -> Row:
    """A socket of any kind."""
    common = inet.Common(address)
    received, sent = queues(common)
    local, peer = common.endpoints()
    name = common.protocol_name().lower().removesuffix("v6")
    return Row(common.net(), (name, inet.SS_STATES.get(common.state, common.state),
                              str(received), str(sent), local.short(), peer.short(),
                              f"{address:#x}", process(common, owners)))


def all_rows(trouble: list[str]) -> Iterator[Row]:
    """Every socket; what can't be told goes to TROUBLE."""
    owners, damage = tasks.all_files()
    trouble += [f"the tasks' files: {damage}"] * bool(damage)
    for name, walk in tables.walks():
        addresses, damage = memory.collect(walk())
        trouble += [f"{name}: {damage}"] * bool(damage)
        for address in addresses:
            try:
                yield row(address, owners)
            except gdb.error as error:
                trouble.append(f"{name}: {address:#x}: {kernel.printable(str(error))}")


def table(rows: list[Row]) -> list[str]:
    """Aligned, with its heading."""
    lines = [HEADINGS, *(row.words for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    return ["  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip()
            for line in lines]


def show(rows: list[Row]) -> None:
    """A table for each network namespace."""
    nets: dict[Optional[int], list[Row]] = {}
    for found in rows:
        nets.setdefault(found.net, []).append(found)
    for net, members in nets.items():
        if len(nets) > 1:
            print(f"network namespace {inet.namespace_number(net)} (struct net {net or 0:#x})")
        print("\n".join(table(members)))


class SocketsCommand(commands.Command):
    """List the guest's TCP, UDP and raw sockets, of all network namespaces, like ss(8).

netlab sockets [-l | --listening] [WORD...]

-l shows those that wait for anyone: TCP's listeners, and unconnected ones. Each WORD must be the
protocol (tcp, udp, raw), state (estab, time-wait, ...), address, port, command or struct's
address of a socket for it to be shown.

Recv-Q and Send-Q are bytes that wait to be read and to be acknowledged; of a listener, the
connections that wait for accept(2), and how many may."""

    NAME = "sockets"

    def run(self, argument: str) -> None:
        words = argument.split()
        for word in words:
            if word.startswith("-") and word not in LISTENING:
                raise gdb.GdbError(f"unknown option {word}: netlab sockets has -l, --listening")
        trouble: list[str] = []
        rows = list(all_rows(trouble))
        wanted = [word for word in words if word not in LISTENING]
        shown = [found for found in rows
                 if all(found.matches(word) for word in wanted)
                 and (len(wanted) == len(words) or found.is_listening())]
        show(shown)
        if not shown:
            print(f"none of the guest's {len(rows)} sockets is so" if rows else "no sockets")
        for line in trouble:
            print(f"damaged: {line}")

    def complete(self, text: str, word: str) -> list[str]:
        """Called by gdb, for which a word ends at a hyphen."""
        typed = text.split()[-1] if text and not text[-1].isspace() else ""
        done = len(typed) - len(word)
        return [candidate[done:] for candidate in WORDS if candidate.startswith(typed)]
