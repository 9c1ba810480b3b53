# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab sock, sockets and epoll in a real gdb: what they say of a guest's sockets is what
/proc, fdinfo and tshark say of the same ones."""
import ipaddress
import re
import struct

import pytest

from lab import fields, shared_lab
from sockets import look

SS_STATES = {"01": "ESTAB", "07": "UNCONN", "0A": "LISTEN"}


@pytest.fixture(scope="module")
def flavour():
    """The kernel to look at, as a topology names it."""
    return "debug"


@pytest.fixture(scope="module")
def seen(netlab, run, build, kernel, flavour, cache):
    """Everything that was printed of one guest, and what witnesses say of it."""
    del kernel  # without one, these tests are skipped
    with shared_lab(netlab, run, cache, "sockets", kernel=flavour) as lab:
        yield look(lab, build / "tests" / "guest" / "gdb-sockets")


def number(text, name):
    """The absolute and the relative number of a line of the sequence space."""
    return tuple(map(int, re.search(rf"^ +{name} +(\d+) +(\d+)", text, re.M).groups()))


def section(text, title):
    """The lines below a title that are further in."""
    found = re.search(rf"^( *){re.escape(title)}.*\n((?:\1  .*\n)*)", text, re.M)
    assert found, f"no {title} in:\n{text}"
    return [line.strip() for line in found[2].splitlines()]


# --- netlab sockets ------------------------------------------------------------------------------

def endpoint(text):
    """0100007F:0050, as ss(8) has it."""
    address, port = text.split(":")
    octets = b"".join(struct.pack("<I", int(address[i:i + 8], 16))
                      for i in range(0, len(address), 8))
    number_of_port = int(port, 16) or "*"
    parsed = ipaddress.ip_address(octets)
    return f"[{parsed}]:{number_of_port}" if parsed.version == 6 else f"{parsed}:{number_of_port}"


def in_proc(proc):
    """/proc/net/tcp and the others, as netlab sockets has them."""
    for table, text in proc.items():
        for line in text.splitlines()[1:]:
            words = line.split()
            sent, received = (int(count, 16) for count in words[4].split(":"))
            yield (table.removesuffix("6"), SS_STATES[words[3]], received, sent,
                   endpoint(words[1]), endpoint(words[2]))


def in_list(text):
    """The same of netlab sockets. How many may wait, of a listener, /proc doesn't say."""
    for line in text.splitlines()[1:]:
        proto, state, received, sent, local, peer = line.split()[:6]
        yield (proto, state, int(received), 0 if state == "LISTEN" else int(sent), local, peer)


def test_all_sockets_are_those_of_proc(seen):
    listed = sorted(in_list(seen["sockets"]))
    assert listed == sorted(in_proc(seen["proc"]))
    assert len(listed) == 8


def test_the_listeners_are_listed_alone(seen):
    assert {line[4] for line in in_list(seen["listening"])} == {"0.0.0.0:9000", "[::]:7777"}


def test_a_socket_has_its_process(seen):
    line, = [line for line in seen["sockets"].splitlines() if ":9001" in line]
    assert line.endswith(f"sockets[{seen['numbers']['pid']}] fd {seen['numbers']['datagrams']}")


# --- netlab sock ---------------------------------------------------------------------------------

def test_the_initial_numbers_are_tsharks(seen):
    port = seen["first port"]
    syn, = fields(seen["capture"], "tcp.seq_raw", "tcp.options.wscale.shift",
                  only=f"tcp.srcport == {port} && tcp.flags.syn == 1")
    answer, = fields(seen["capture"], "tcp.seq_raw", "tcp.options.wscale.shift",
                     only=f"tcp.dstport == {port} && tcp.flags.syn == 1")
    assert number(seen["first"], "irs")[0] == int(syn[0])
    assert number(seen["first"], "iss")[0] == int(answer[0])
    assert f"window scale {syn[1]} (the peer's) and {answer[1]} (ours)" in seen["first"]


def test_a_connection_that_the_guest_opened_is_numbered_from_its_syn(seen):
    syn, = fields(seen["capture"], "tcp.seq_raw", only="tcp.dstport == 9002 && tcp.flags.syn == 1")
    data, = fields(seen["capture"], "tcp.seq_raw", "tcp.seq", "tcp.len",
                   only="tcp.dstport == 9002 && tcp.len > 0")
    raw, relative, length = map(int, data)
    assert number(seen["opened"], "iss")[0] == int(syn[0])
    assert "(opened from here)" in seen["opened"]
    assert number(seen["opened"], "snd_nxt") == (raw + length, relative + length)
    assert number(seen["opened"], "rcv_nxt")[1] == 1


def test_the_window_is_tsharks(seen):
    frames = fields(seen["capture"], "tcp.window_size", "tcp.ack_raw", "tcp.ack",
                    only=f"tcp.dstport == {seen['first port']} && tcp.ack == 13")
    window, raw, relative = map(int, frames[0])
    assert int(re.search(r"rcv_wnd +(\d+)", seen["first"])[1]) == window
    assert number(seen["first"], "rcv_nxt") == (raw, relative)
    assert f"up to {relative + window}" in seen["first"]


def queued(frame):
    """A segment as it stands in a queue, from tcp.seq_raw, tcp.seq and tcp.len."""
    raw, relative, length = map(int, frame)
    return f"seq {relative}:{relative + length} ({raw}:{raw + length}) len {length} PSH ACK"


def test_queues_are_the_captures_segments(seen):
    waiting, beyond = fields(seen["capture"], "tcp.seq_raw", "tcp.seq", "tcp.len",
                             only=f"tcp.srcport == {seen['first port']} && tcp.len > 0")
    for text in (seen["segment comes"], seen["segment came"]):
        line, = section(text, "receive queue (12 bytes unread): 1")
        assert line.endswith(queued(waiting))
    assert "out of order: empty" in seen["segment comes"]
    line, = section(seen["segment came"], "out of order: 1")
    assert line.endswith(queued(beyond))
    assert "seq 113:125 " in line


def test_what_was_sent_waits_for_its_acknowledgement(seen):
    frame = fields(seen["capture"], "tcp.seq_raw", "tcp.seq", "tcp.len",
                   only="tcp.srcport == 7777 && tcp.len > 0")[0]
    line, = section(seen["current"], "not sent yet: 1")
    assert line.endswith(queued(frame))
    line, = section(seen["sent"], "sent, not acknowledged: 1")
    assert line.endswith(queued(frame))
    assert "not sent yet: empty" in seen["sent"]
    assert [number(seen["sent"], name)[1] for name in ("snd_una", "snd_nxt", "write_seq")] == [
        1, 6, 6]
    assert "in flight 1" in seen["sent"]
    assert re.search(r"retransmit +(tail loss probe|retransmission) in \d+ ms \(\d+ jiffies\)",
                     seen["sent"])
    assert "lock: owned by a task" in seen["sent"]


def test_the_socket_is_found_where_gdb_stands(seen):
    assert seen["segment comes"].startswith(
        f"sk of tcp_rcv_established (#0): sock {seen['first address']}\n")
    assert re.match(r"sk of \w+ \(#\d\): sock 0x", seen["sent"])
    assert re.match(r"epoll-echo\[\d+\] fd 6: sock 0x", seen["current"])
    assert "(IPv4-mapped)" in seen["current"]


def test_what_has_no_value_is_named(seen):
    assert seen["no socket yet"].startswith(
        "no socket in the arguments and locals of the current frames; ")
    assert "sk of tcp_v4_rcv (#0)" in seen["no socket yet"]
    assert "no value here: not set yet, or optimised away" in seen["no socket yet"]


def test_a_socket_has_those_who_wait_for_it(seen):
    line, = section(seen["first"], "waiters: 1")
    outer = re.search(r"sockets\[\d+\] fd 3: epoll instance (0x\w+)", seen["epoll"])[1]
    assert line == f"ep_poll_callback: epoll instance {outer}, which has it as fd 13"


def test_a_listener_has_its_two_queues(seen):
    waiting, = section(seen["listener"], "accept queue (1 of at most 4): 1")
    assert waiting.startswith(f"sock {seen['third address']} TCP ESTABLISHED")
    assert "SYN queue (0): empty" in seen["listener"]
    line, = section(seen["SYN queue"], "SYN queue (1): 1")
    assert "192.168.100.224:9000 - 192.168.100.51:4711, SYN-ACK sent 1 times" in line
    assert "owner: none: not accepted yet" in seen["third"]


def test_a_handshake_and_a_closed_connection_are_told_apart(seen):
    assert re.search(r"iss \d+ \(snt_isn\), irs 1000 \(rcv_isn\), rcv_nxt 1001 \(relative 1\)",
                     seen["request"])
    assert f"listener: sock {seen['listener address']}" in seen["request"]
    assert "a timewait sock: the struct sock is gone" in seen["timewait"]
    fin, = fields(seen["capture"], "tcp.seq_raw", only="tcp.srcport == 9000 && tcp.flags.fin == 1")
    assert f"snd_nxt {int(fin[0]) + 1}, " in seen["timewait"]
    assert re.search(r"timer: in \d+ ms", seen["timewait"])


def test_a_datagram_waits_to_be_read(seen):
    line, = section(seen["datagrams"], "receive queue: 1")
    assert line.endswith("len 10")


# --- netlab epoll --------------------------------------------------------------------------------

FLAGS = {"EPOLLIN": 0x1, "EPOLLOUT": 0x4, "EPOLLERR": 0x8, "EPOLLHUP": 0x10, "EPOLLRDHUP": 0x2000,
         "EPOLLONESHOT": 1 << 30, "EPOLLET": 1 << 31}


def watched(seen, name):
    """The items of one of the program's instances: (fd, events, data), as in fdinfo."""
    title = f"sockets[{seen['numbers']['pid']}] fd {seen['numbers'][name]}: "
    _, _, text = seen["epoll"].partition(title)
    items = re.findall(r"^    fd (\d+): .*\n      ([A-Z|]+).* data 0x(\w+)",
                       text.split("sockets[")[0], re.M)
    return sorted((fd, f"{sum(FLAGS[flag] for flag in flags.split('|')):x}", data)
                  for fd, flags, data in items)


def test_watched_files_are_those_of_fdinfo(seen):
    for name in ("outer", "inner"):
        assert watched(seen, name) == sorted(seen["fdinfo"][name])


def test_what_is_watched_says_how_it_stands(seen):
    text = seen["epoll"]
    assert re.search(r"fd 7: pipe 0x\w+, buffers in use 1\n +EPOLLONESHOT \(disabled", text)
    assert re.search(r"fd 9: pipe 0x\w+, buffers in use 1 \[ready\]\n", text)
    assert "fd 11: eventfd, count 7 [ready]" in text
    assert "ready list: 3: fd 9, fd 4, fd 13" in text
    inner = re.search(r"fd 4: epoll instance (0x\w+) \[ready\]", text)[1]
    outer = re.search(r"watched itself by: epoll instance (0x\w+)", text)[1]
    assert re.search(rf"sockets\[\d+\] fd 3: epoll instance {outer}\n", text)
    assert re.search(rf"sockets\[\d+\] fd 4: epoll instance {inner}\n", text)


def test_a_callback_makes_a_file_ready(seen):
    assert seen["callback"].startswith("wait of ep_poll_callback (#0): epoll instance 0x")
    waiter, = section(seen["callback"], "in epoll_wait(2): 1")
    assert waiter.startswith("ep_autoremove_wake_function: epoll-echo[")
    assert "ready list: empty" in seen["callback"]
    assert "ready list: 1: fd 4" in seen["called back"]
    assert "[ready]" in seen["called back"]


def test_a_delivery_uses_the_overflow_list(seen):
    assert "overflow list: not in use" in seen["callback"]
    assert "overflow list: in use, empty" in seen["delivery"]
    assert re.search(r"mtx held by epoll-echo\[\d+\]", seen["delivery"])
    assert "mtx free" in seen["callback"]


def test_damage_is_noticed(seen):
    assert re.search(r"damaged: ready list: it comes back to 0x\w+, without an end",
                     seen["a cycle"])
    assert "damaged: ready list: 0x10 is no address of the kernel's" in seen["user space"]
    assert "damaged: ready list: 0xfffffffffffffff9 is no address" in seen["the end"]
    assert "damaged: ready list: the memory at 0xffffee0000000000 can't be read" in seen["a hole"]


# --- what all of them have -----------------------------------------------------------------------

def test_what_can_not_be_shown_is_said_in_one_line(seen):
    said = {command: text.strip() for command, text in seen["refused"].items()}
    assert said == {
        "netlab sock": "no socket in the arguments and locals of the current frames",
        "netlab sock 5": "5: there is no socket at 0x5",
        "netlab sock 0": "0: there is no socket at 0x0",
        "netlab sock nothing": 'netlab sock: No symbol "nothing" in current context.',
        "netlab sock &jiffies_64": "&jiffies_64 is a u64 *, which points at no struct",
        "netlab sock &init_task": "&init_task points at a struct task_struct, which has no socket",
        "netlab sock fd 99": "swapper/0[0], the current task, has no fd 99: it has no files",
        "netlab sockets --all": "unknown option --all: netlab sockets has -l, --listening",
        "netlab sockets 192.0.2.1": "none of the guest's 8 sockets is so",
        "netlab epoll 5": "5: there is no struct eventpoll at 0x5",
        "netlab epoll &init_task":
            "&init_task points at a struct task_struct, not at an epoll instance"}


def test_help_and_completion(seen):
    assert seen["complete"] == "netlab sockets time-wait\n"
    for text, name in zip(seen["help"], ("sock", "sockets", "epoll")):
        assert f"\nnetlab {name} [" in text
