# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab sock: all that the kernel knows of one socket."""

import re
from typing import Optional

import gdb

from . import commands, files, inet, layout, memory, segments, tables, tasks, tcp, timers, variables

# Structs that begin with struct sock_common.
SOCKS = {"sock", "sock_common", "inet_sock", "inet_connection_sock", "tcp_sock", "tcp6_sock",
         "udp_sock", "udp6_sock", "raw_sock", "raw6_sock", "unix_sock", "netlink_sock",
         "packet_sock", "request_sock", "inet_request_sock", "tcp_request_sock",
         "inet_timewait_sock", "tcp_timewait_sock"}
# Structs that point at one.
HOLDERS = {"socket", "sk_buff", "file"}
DESCRIPTOR = re.compile(r"fd\s+(\d+)$")
SHUTDOWN = ((1, "no more reading"), (2, "no more writing"))
# enum sock_flags
FLAGS = {0: "dead", 3: "SO_KEEPALIVE", 4: "SO_LINGER", 6: "SO_BROADCAST", 10: "SO_DEBUG"}


def sock_of(struct: str, address: int) -> Optional[int]:
    """The struct sock that a pointer at STRUCT leads to; None where it leads to none."""
    if struct == "file":
        return files.socket_of(address)
    if struct in HOLDERS:
        return int(memory.at(struct, address)["sk"]) or None
    return address


def plausible_sock(struct: str, address: int) -> Optional[int]:
    """The same for a variable that may not have been set yet."""
    found = sock_of(struct, address)
    return found if found and inet.looks_like_socket(found) else None


def find(argument: str) -> tuple[str, int]:
    """What the user means: in words, and the struct sock's address."""
    if not argument:
        return variables.search(SOCKS | HOLDERS, plausible_sock, "socket")
    descriptor = DESCRIPTOR.match(argument)
    if descriptor:
        opened = tasks.file_of(int(descriptor[1]))
        found = files.socket_of(opened.file)
        if found is None:
            raise gdb.GdbError(f"{opened} is no socket")
        return str(opened), found
    struct, address = variables.evaluate(argument)
    if struct and struct not in SOCKS | HOLDERS:
        raise gdb.GdbError(f"{argument} points at a struct {struct}, which has no socket")
    found = sock_of(struct, address)
    if struct and not found:
        raise gdb.GdbError(f"{argument}: this struct {struct} has no socket")
    if not inet.looks_like_socket(found):
        raise gdb.GdbError(f"{argument}: there is no socket at {found:#x}")
    return argument, found


# --- what all full sockets have ------------------------------------------------------------------

def lock_words(sk: gdb.Value) -> str:
    """lock_sock(): who may touch it now."""
    if int(sk["sk_lock"]["owned"]):
        return "owned by a task: what arrives goes to the backlog"
    return "taken in a softirq" if tasks.is_locked(sk["sk_lock"]["slock"]) else "free"


def buffer_line(sk: gdb.Value) -> str:
    """Memory that it has and may have, in bytes."""
    return (f"  buffers: receive {int(sk['sk_backlog']['rmem_alloc']['counter'])} of "
            f"{int(sk['sk_rcvbuf'])}, send {int(sk['sk_wmem_queued'])} of {int(sk['sk_sndbuf'])} "
            f"(in the device's hands {int(sk['sk_wmem_alloc']['refs']['counter']) - 1}), "
            f"forward {int(sk['sk_forward_alloc'])}, drops {int(sk['sk_drops']['counter'])}")


def option_words(sk: gdb.Value, common: inet.Common) -> list[str]:
    """The options that are set."""
    flags = int(common.value["skc_flags"])
    words = [name for bit, name in FLAGS.items() if flags & 1 << bit]
    words += ["SO_REUSEADDR"] * bool(int(common.value["skc_reuse"]))
    words += ["SO_REUSEPORT"] * bool(int(common.value["skc_reuseport"]))
    words += ["IPV6_V6ONLY"] * bool(int(common.value["skc_ipv6only"]))
    bound = int(common.value["skc_bound_dev_if"])
    words += [f"bound to interface {bound}"] * bool(bound)
    if common.family in (inet.AF_INET, inet.AF_INET6):
        inet_sock = memory.at("inet_sock", common.address)
        words += [name for name in ("IP_FREEBIND", "IP_TRANSPARENT", "IP_RECVERR")
                  if layout.number(inet_sock, name)]
        words += [f"TOS {int(inet_sock['tos']):#x}"] * bool(int(inet_sock["tos"]))
    words += [name for bit, name in SHUTDOWN if int(sk["sk_shutdown"]) & bit]
    words += [f"error {int(sk['sk_err'])}"] * bool(int(sk["sk_err"]))
    return words


def owner_words(sk: gdb.Value) -> str:
    """Who has a descriptor for it."""
    socket = int(sk["sk_socket"])
    if not socket:
        return "none: not accepted yet, or closed"
    owners, _ = tasks.all_files()
    file = int(memory.at("socket", socket)["file"])
    return ", ".join(map(str, owners.get(file, ()))) or "no task's descriptor"


def waiter_lines(sk: gdb.Value) -> list[str]:
    """Who is woken when something happens to it."""
    queue = int(sk["sk_wq"])
    if not queue:
        return ["  waiters: none (it has no file)"]
    found, trouble = tasks.waiters(memory.at("socket_wq", queue)["wait"])
    lines = [f"  waiters: {len(found) or 'none'}"] + [f"    {waiter}" for waiter in found]
    return lines + ([f"    damaged: {trouble}"] if trouble else [])


def common_lines(common: inet.Common, sk: gdb.Value) -> list[str]:
    """What all kinds of full sockets have."""
    options = ", ".join(option_words(sk, common)) or "none set"
    return [f"  owner: {memory.optional(owner_words, sk) or 'unreadable'}",
            f"  lock: {lock_words(sk)}; network namespace {inet.namespace_number(common.net())}",
            buffer_line(sk), f"  options: {options}"]


# --- the kinds -----------------------------------------------------------------------------------

def child_line(request: int) -> str:
    """A connection in the accept queue."""
    child = int(memory.at("request_sock", request)["sk"])
    return f"sock {child:#x} {inet.brief(child)}"


def request_line(request: int) -> str:
    """A connection in the SYN queue."""
    value = memory.at("request_sock", request)
    return (f"request_sock {request:#x} {inet.ends(inet.Common(request))}, "
            f"SYN-ACK sent {int(value['num_retrans']) + 1} times, "
            f"timer {timers.timer(value['rsk_timer'])}")


def listener_lines(address: int, sk: gdb.Value) -> list[str]:
    """Those who wait for accept(2), and those whose handshake isn't done."""
    queue = memory.at("inet_connection_sock", address)["icsk_accept_queue"]
    waiting = memory.chain(int(queue["rskq_accept_head"]), "request_sock", "dl_next")
    return (segments.listing(f"accept queue ({int(sk['sk_ack_backlog'])} of at most "
                             f"{int(sk['sk_max_ack_backlog'])})", waiting, child_line)
            + segments.listing(f"SYN queue ({int(queue['qlen']['counter'])})",
                               tables.requests_of(address), request_line))


def udp_lines(address: int, sk: gdb.Value) -> list[str]:
    """Datagrams that wait to be read."""
    udp = memory.at("udp_sock", address)
    lines = [f"  UDP: corked bytes {int(udp['len'])}, encapsulation {int(udp['encap_type'])}"]
    lines += segments.listing("receive queue", segments.queue(sk["sk_receive_queue"]),
                              segments.datagram)
    return lines + segments.listing("reader's queue", segments.queue(udp["reader_queue"]),
                                    segments.datagram)


def full_lines(common: inet.Common) -> list[str]:
    """A struct sock."""
    sk = memory.at("sock", common.address)
    lines = common_lines(common, sk)
    protocol = int(sk["sk_protocol"])
    is_ip = common.family in (inet.AF_INET, inet.AF_INET6)
    if is_ip and protocol == inet.IPPROTO_TCP and common.state == "LISTEN":
        lines += listener_lines(common.address, sk)
    elif is_ip and protocol == inet.IPPROTO_TCP:
        lines += tcp.connection_lines(common.address, common.state)
    elif is_ip and protocol in (inet.IPPROTO_UDP, inet.IPPROTO_UDPLITE):
        lines += udp_lines(common.address, sk)
    else:
        lines += segments.listing("receive queue", segments.queue(sk["sk_receive_queue"]),
                                  segments.datagram)
    return lines + waiter_lines(sk)


def request_lines(common: inet.Common) -> list[str]:
    """A struct request_sock: a handshake that isn't done."""
    request = memory.at("tcp_request_sock", common.address)
    base = request["req"]["req"]
    sent, received = int(request["snt_isn"]), int(request["rcv_isn"])
    return ["  a request_sock: the SYN-ACK waits for its ACK; no struct sock yet",
            f"  listener: sock {int(common.value['skc_listener']):#x}",
            f"  iss {sent} (snt_isn), irs {received} (rcv_isn), rcv_nxt {int(request['rcv_nxt'])} "
            f"(relative {segments.relative(int(request['rcv_nxt']), received)})",
            f"  SYN-ACK: sent again {int(base['num_retrans'])} times, timeouts "
            f"{int(base['num_timeout'])}, timer {timers.timer(base['rsk_timer'])}, "
            f"mss {int(base['mss'])}"]


def timewait_lines(common: inet.Common) -> list[str]:
    """A struct inet_timewait_sock: what is left of a connection."""
    value = memory.at("tcp_timewait_sock", common.address)
    return ["  a timewait sock: the struct sock is gone",
            f"  rcv_nxt {int(common.value['skc_tw_rcv_nxt'])}, snd_nxt "
            f"{int(common.value['skc_tw_snd_nxt'])}, rcv_wnd {int(value['tw_rcv_wnd'])} "
            "(absolute; the initial numbers are gone)",
            f"  timer: {timers.timer(value['tw_sk']['tw_timer'])}"]


KIND_LINES = {inet.FULL: full_lines, inet.REQUEST: request_lines, inet.TIMEWAIT: timewait_lines}


def title(common: inet.Common) -> str:
    """The first line: what it is, its state, and between whom."""
    mapped = " (IPv4-mapped)" if common.is_mapped() else ""
    kind = ""
    if common.kind == inet.FULL:
        number = int(memory.at("sock", common.address)["sk_type"])
        kind = f" {inet.TYPES.get(number, f'type {number}')}"
    family = inet.FAMILIES.get(common.family, f"family {common.family}")
    return f"{common.protocol_name()} {family}{kind} {common.state} {inet.ends(common)}{mapped}"


def describe(address: int) -> list[str]:
    """A socket of any kind, in lines."""
    common = inet.Common(address)
    return [title(common)] + KIND_LINES[common.kind](common)


class SockCommand(commands.Command):
    """Show a socket: addresses, state, sequence space, queues, timers, and who waits for it.

netlab sock [EXPR | fd N]

EXPR points at a struct sock, tcp_sock, inet_sock, socket, file or sk_buff (its sk), or is the
address of a struct sock, as netlab sockets lists them. fd N is a descriptor of the current task.
Without either, it is the socket in the arguments and locals of the selected frame, or of the
next one outwards that has one.

Sequence numbers are absolute, and relative to the initial ones, as Wireshark shows them."""

    NAME = "sock"

    def __init__(self) -> None:
        super().__init__(gdb.COMPLETE_EXPRESSION)

    def run(self, argument: str) -> None:
        what, address = find(argument)
        print("\n".join([f"{what}: sock {address:#x}", *describe(address)]))
