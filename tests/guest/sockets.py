# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb-sockets.c in a guest with its peer on the host's side, looked at with gdb and by others."""
import base64
import contextlib
import json
import pathlib
import re
import subprocess

from debugging import debugging, meanwhile
from lab import wait_until

PEER = pathlib.Path(__file__).with_name("peer.py")
NUMBER = "((struct tcp_skb_cb *)skb->cb)->seq"
PROC = ("tcp", "tcp6", "udp", "udp6")


class Sockets:
    """Both programs at work."""

    def __init__(self, lab, program):
        self.lab = lab
        text = base64.b64encode(program.read_bytes()).decode()
        lab.exec("server", "sh", "-c", "base64 -d > /tmp/sockets && chmod +x /tmp/sockets",
                 input=text).ok()
        self.peer = self._start("host", "/usr/bin/python3", PEER)
        assert self.peer.stdout.readline() == "ready\n"
        self.guest = self._start("server", "/tmp/sockets")
        self.numbers = {name: int(number) for name, number
                        in re.findall(r"(\w+) (\d+)", self.guest.stdout.readline())}

    def _start(self, node, *command):
        words = [self.lab.netlab, "exec", f"{self.lab.name}/{node}", "--", *command]
        return subprocess.Popen([str(word) for word in words], text=True, bufsize=1,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, word):
        """Have the peer do something, and its answer."""
        self.peer.stdin.write(f"{word}\n")
        return json.loads(self.peer.stdout.readline())

    def cat(self, path):
        """A file of the guest's."""
        return self.lab.exec("server", "cat", path).ok().stdout

    def fdinfo(self, name):
        """What the kernel says of one of the program's epoll instances."""
        text = self.cat(f"/proc/{self.numbers['pid']}/fdinfo/{self.numbers[name]}")
        return re.findall(r"tfd:\s+(\d+) events:\s+(\w+) data:\s+(\w+)", text)

    def wait_for_bytes(self, table, count):
        """Until a socket of a table has that many bytes unread."""
        wait_until(lambda: f":{count:08X} " in self.cat(f"/proc/net/{table}"),
                   f"{count} unread bytes in {table}")

    def close(self):
        """The guest's ends with the guest."""
        for process in (self.peer, self.guest):
            process.kill()
            process.communicate()


@contextlib.contextmanager
def sockets(lab, program):
    """with sockets(lab, program) as both: both.ask("first")"""
    both = Sockets(lab, program)
    try:
        yield both
    finally:
        both.close()


def stop(gdb, function, action):
    """Do what brings the guest to a function, and what gdb says there."""
    gdb.run(f"tbreak {function}")
    gdb.begin("continue")
    action()
    return gdb.end()


def address_of(listing, *words):
    """The struct's address in the one line of `netlab sockets` that has all of the words."""
    line, = [line for line in listing.splitlines() if all(word in line for word in words)]
    return re.search(r"0xffff\w+", line)[0]


def resting(gdb, both, seen):
    """While the guest has nothing to do."""
    stop(gdb, "tick_nohz_idle_enter", lambda: None)
    seen["sockets"] = gdb.run("netlab sockets")
    seen["listening"] = gdb.run("netlab sockets --listening tcp")
    seen["epoll"] = gdb.run("netlab epoll")
    for name, words in (("listener", ("LISTEN", ":9000")), ("datagrams", (":9001",)),
                        ("first", (f":{both.first}",)), ("third", (f":{both.third}",)),
                        ("opened", (":9002",))):
        seen[f"{name} address"] = address_of(seen["sockets"], *words)
        seen[name] = gdb.run(f"netlab sock {seen[f'{name} address']}")
    seen["refused"] = {command: gdb.run(command) for command in (
        "netlab sock", "netlab sock 5", "netlab sock 0", "netlab sock nothing",
        "netlab sock &jiffies_64",
        "netlab sock &init_task", "netlab sock fd 99", "netlab sockets --all",
        "netlab sockets 192.0.2.1", "netlab epoll 5", "netlab epoll &init_task")}
    seen["complete"] = gdb.run("complete netlab sockets time-w")
    seen["help"] = [gdb.run(f"help netlab {name}") for name in ("sock", "sockets", "epoll")]


def receiving(gdb, both, seen):
    """A segment that is out of order, before and after the kernel has taken it."""
    where = f"tcp_rcv_established if {NUMBER} == ((struct tcp_sock *)sk)->rcv_nxt + 100"
    stop(gdb, where, lambda: both.ask("gap"))
    seen["segment comes"] = gdb.run("netlab sock")
    gdb.run("finish")
    seen["segment came"] = gdb.run(f"netlab sock {seen['first address']}")


def small_sockets(gdb, both, seen):
    """A handshake that isn't finished, and a connection that was closed here."""
    stop(gdb, "tcp_v4_rcv if !skb->sk", lambda: both.ask("syn"))
    seen["no socket yet"] = gdb.run("netlab sock")
    stop(gdb, "inet_csk_reqsk_queue_hash_add", lambda: None)
    gdb.run("finish")
    listing = gdb.run("netlab sockets syn-recv")
    seen["request"] = gdb.run(f"netlab sock {address_of(listing, ':4711')}")
    seen["SYN queue"] = gdb.run(f"netlab sock {seen['listener address']}")
    stop(gdb, "tcp_time_wait", lambda: both.ask("close"))
    gdb.run("finish")
    listing = gdb.run("netlab sockets fin-wait-2")
    seen["timewait"] = gdb.run(f"netlab sock {address_of(listing, f':{both.second}')}")


def waking(gdb, lab, seen):
    """epoll-echo is told of a connection, and answers."""
    gdb.run("tbreak sock_def_readable if sk->__sk_common.skc_num == 7777")
    gdb.begin("continue")
    with meanwhile(hello, lab):
        gdb.end()
        stop(gdb, "ep_poll_callback", lambda: None)
        seen["callback"] = gdb.run("netlab epoll")
        gdb.run("finish")
        seen["called back"] = gdb.run(f"netlab epoll {instance(seen['callback'])}")
        stop(gdb, "tcp_poll", lambda: None)
        seen["delivery"] = gdb.run("netlab epoll")
        stop(gdb, "__tcp_push_pending_frames", lambda: None)
        seen["current"] = gdb.run("netlab sock fd 6")
        gdb.run("finish")
        seen["sent"] = gdb.run("netlab sock")
        gdb.run("delete")
        gdb.begin("detach")
    gdb.end()


def instance(text):
    """The struct eventpoll's address in what `netlab epoll` says first."""
    return re.search(r"epoll instance (0x\w+)", text)[1]


def hello(lab):
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello",
              "--timeout", "180s").ok()


def damaged(gdb, seen):
    """A ready list that leads nowhere, or back to where it was, and is whole again after."""
    outer = re.search(r"sockets\[\d+\] fd 3: epoll instance (0x\w+)", seen["epoll"])[1]
    gdb.run(f"set $first = ((struct eventpoll *){outer})->rdllist.next")
    gdb.run("set $second = $first->next")
    for name, pointer in (("a cycle", "$first"), ("user space", "(struct list_head *)0x10"),
                          ("a hole", "(struct list_head *)0xffffee0000000000"),
                          ("the end", "(struct list_head *)0xfffffffffffffff9")):
        gdb.run(f"set $first->next = {pointer}")
        seen[name] = gdb.run(f"netlab epoll {outer}")
    gdb.run("set $first->next = $second")


def look(lab, program):
    """All that is to be seen, by name; the lab is down after it."""
    seen = {}
    with sockets(lab, program) as both:
        assert both.ask("accept") == {"text": "from here"}
        both.first = both.ask("first")["port"]
        both.guest.stdout.readline()  # accepted
        both.second, both.third = both.ask("second")["port"], both.ask("third")["port"]
        both.ask("datagram")
        both.wait_for_bytes("tcp", len("waiting data"))
        both.wait_for_bytes("tcp", len("early"))
        wait_until(lambda: not re.search(r":2329 .* 07 \w+:00000000 ", both.cat("/proc/net/udp")),
                   "a datagram")
        wait_until(lambda: " 00000009:" not in both.cat("/proc/net/tcp"), "an ACK of 9 bytes")
        seen["proc"] = {name: both.cat(f"/proc/net/{name}") for name in PROC}
        seen["fdinfo"] = {name: both.fdinfo(name) for name in ("outer", "inner")}
        seen["numbers"], seen["first port"] = both.numbers, both.first
        with debugging(lab) as gdb:
            resting(gdb, both, seen)
            damaged(gdb, seen)
            receiving(gdb, both, seen)
            small_sockets(gdb, both, seen)
            waking(gdb, lab, seen)
    lab.down().ok()
    seen["capture"] = lab.output / f"{lab.name}.pcapng"
    return seen
