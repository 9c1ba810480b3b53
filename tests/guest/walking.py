# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab path against real traffic: are all stages of a path hit, in the order it gives?"""
import contextlib
import itertools
import queue
import re
import subprocess

from debugging import debugging, meanwhile
from lab import ip

ROUNDS = 3  # of traffic, until a walk has to be whole
GUEST = {4: "192.168.100.224", 6: "fd00:100::224"}
NUMBERS = itertools.count(60)  # of addresses of the host's that the guest has not spoken to yet
PORTS = itertools.count(20000)  # of the datagrams that end a round
ROUND_ENDS = "udp_rcv ("
STAGE = re.compile(r"^ {0,2}(\d*) {2,}(\w+) +([\w/.+-]+):(\d+)", re.M)
LINE = re.compile(r"^\d\d:\d\d:\d\d\.\d{6} cpu \d+ \S+\[\d+\] (\S+) (\d+) (\w+)(?:: (.*))?$",
                  re.M)

# The server has to sleep in epoll_wait() when data comes, and a slow guest takes several segments
# at a time, which then share a route: so it is sent thrice.
TCP = """
import socket, subprocess, sys
with socket.create_connection((sys.argv[1], 7777), timeout=180) as connection:
    for _ in range(3):
        subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)
        connection.sendall(b"hello")
        assert connection.recv(16) == b"hello"
"""
SLEEPS = "until grep -q ep_poll /proc/$(pidof epoll-echo)/wchan; do :; done"
UDP = """
import socket, subprocess, sys
with socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
                   socket.SOCK_DGRAM) as sender:
    sender.settimeout(180)
    sender.connect((sys.argv[1], 7777))
    for _ in range(3):
        subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)
        sender.send(b"hello")
        assert sender.recv(16) == b"hello"
"""
LISTEN = """
import socket
with socket.create_server(("::", 7778), family=socket.AF_INET6,
                          dualstack_ipv6=True) as listener:
    print("listens", flush=True)
    while True:
        listener.accept()[0].close()
"""
END = """
import socket, sys
socket.socket(type=socket.SOCK_DGRAM).sendto(b"", (sys.argv[1], int(sys.argv[2])))
"""
# The frame of a neighbour that asks for the guest: whatever the host's own table has.
ASK = """
import socket, struct, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("br0", 0))
own = link.getsockname()[4]
if ":" not in sys.argv[1]:
    frame = b"\\xff" * 6 + own + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, 1) + own
    frame += socket.inet_aton(sys.argv[2]) + bytes(6) + socket.inet_aton(sys.argv[1])
else:
    source, target = (socket.inet_pton(socket.AF_INET6, a) for a in (sys.argv[2], sys.argv[1]))
    group = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:0")[:13] + target[13:]
    body = struct.pack("!BBHI", 135, 0, 0, 0) + target + b"\\1\\1" + own
    data = source + group + struct.pack("!II", len(body), 58) + body
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    body = body[:2] + struct.pack("!H", ~total & 0xffff) + body[4:]
    frame = b"\\x33\\x33" + group[12:] + own + struct.pack("!HIHBB", 0x86dd, 6 << 28, len(body),
                                                       58, 255) + source + group + body
link.send(frame)
"""


def on_host(lab, program, *arguments):
    """A Python program on the lab's host side."""
    lab.exec("host", "/usr/bin/python3", "-c", program, *arguments).ok()


def fresh(lab, family):
    """An address that the host's side has from now on."""
    number = next(NUMBERS)
    if family == 4:
        ip(lab, "address", "add", f"192.168.100.{number}/24", "dev", "br0")
        return f"192.168.100.{number}"
    ip(lab, "address", "add", f"fd00:100::{number}/64", "dev", "br0", "nodad",
       "preferred_lft", "0")
    return f"fd00:100::{number}"


def wait_in_guest(lab):
    """The words of a command that waits until the server sleeps."""
    return [lab.netlab, "exec", f"{lab.name}/server", "--", "sh", "-c", SLEEPS]


def exchange_tcp(lab, family):
    on_host(lab, TCP, GUEST[family], *wait_in_guest(lab))


def exchange_udp(lab, family):
    on_host(lab, UDP, GUEST[family], *wait_in_guest(lab))


def connect_from_guest(lab, family):
    host = {4: "192.168.100.50", 6: "fd00:100::50"}[family]
    lab.exec("server", "nc", host, "7778").ok()


def ping_from_guest(lab, family):
    lab.exec("server", "ping", "-c", "1", "-W", "180", fresh(lab, family)).ok()


def ask_from_host(lab, family):
    on_host(lab, ASK, GUEST[family], fresh(lab, family))


TRAFFIC = {
    "tcp-receive": exchange_tcp, "tcp-accept": exchange_tcp, "tcp-send": exchange_tcp,
    "epoll-wait": exchange_tcp, "udp-receive": exchange_udp, "udp-send": exchange_udp,
    "tcp-connect": connect_from_guest, "arp": ping_from_guest, "ndisc": ping_from_guest,
    "arp-reply": ask_from_host, "ndisc-reply": ask_from_host}
# What a line says of the one packet that the path is about, where it tells of any packet.
ABOUT = {"tcp-receive": re.compile(r":7777 \[PSH, ACK\] .* len 5\b| more\b|^socket"),
         "tcp-accept": re.compile(r":7777|^socket"),
         "tcp-send": re.compile(r":7777 > .* len 5\b|:7777 \[.*ACK\]|^socket"),
         "udp-receive": re.compile(r":7777 UDP len 5\b| more\b|^socket"),
         "udp-send": re.compile(r":7777 > .* UDP len 5\b|no header yet|^socket"),
         "tcp-connect": re.compile(r"7778|^socket"),
         "epoll-wait": re.compile(""), "arp": re.compile("ARP|bytes|ICMP"),
         "arp-reply": re.compile("ARP|bytes"), "ndisc": re.compile("ICMPv6|bytes"),
         "ndisc-reply": re.compile("ICMPv6|bytes")}


def stages_of(gdb, name, family):
    """The stages of the path, in their order, each (function, file, line)."""
    shown = gdb.run(f"netlab path {name} -{family}")
    if "is of IPv" in shown:
        return []
    found = STAGE.findall(shown)
    assert "not in this kernel" not in shown, shown
    assert [int(number) for number, *_ in found] == list(range(1, len(found) + 1)), shown
    return [(function, file, int(line)) for _, function, file, line in found]


def family_of(packet):
    """The version of IP that a line is about; None: it doesn't say."""
    if re.search("fd00:|fe80:|ff02:", packet):
        return 6
    return 4 if "192.168." in packet else None


def walked(lines, stages, family, about):
    """How many stages were hit one after another, by the packet in question."""
    at = 0
    for _, _, function, packet in lines:
        # What is optimised out is in parentheses.
        told = not packet or packet[0] == "(" or (
            family_of(packet) in (family, None) and about.search(packet))
        if at < len(stages) and function == stages[at][0] and told:
            at += 1
    return at


def next_stages(lines, stages, about):
    """The stages that are still to be hit, by the version of IP."""
    found = {family: walked(lines, stages[family], family, about) for family in stages}
    return {family: stages[family][at] for family, at in found.items()
            if at < len(stages[family])}


class Traffic:
    """What goes through a path, over each version of IP; then a datagram that ends the round."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.rounds = queue.Queue()
        self.error = None  # why the last round was cut short

    def begin(self, gdb, families):
        """One more round, at the end of which gdb stops."""
        port = next(PORTS)
        said = gdb.run(f'netlab break udp_rcv if-packet "udp.dstport == {port}"')
        assert said.startswith("Breakpoint"), said
        self.rounds.put((families, port))

    def over(self):
        """No more rounds."""
        self.rounds.put(None)

    def send(self):
        """As many rounds as are begun."""
        while wanted := self.rounds.get():
            families, port = wanted
            try:
                for family in families:
                    TRAFFIC[self.name](self.lab, family)
            except BaseException as error:  # pylint: disable=broad-except
                self.error = error
            on_host(self.lab, END, GUEST[4], str(port))


def follow(gdb, stages, about):
    """Go on to the round's end. Return: what gdb said until the guest was at all the stages."""
    seen = said = ""
    while next_stages(LINE.findall(seen), stages, about) and ROUND_ENDS not in said:
        said = gdb.run("continue")
        seen += said
    return seen


def follow_rounds(gdb, name, traffic):
    """Follow the traffic until it was at all the stages in one round. Return: that one's lines,
    and the stages by the version of IP."""
    stages = {family: found for family in (4, 6) if (found := stages_of(gdb, name, family))}
    last = len(next(iter(stages.values())))
    gdb.run(f"netlab path {name} trace all stop {last}")
    for _ in range(ROUNDS):
        traffic.begin(gdb, list(stages))
        seen = follow(gdb, stages, ABOUT[name])
        missing = next_stages(LINE.findall(seen), stages, ABOUT[name])
        if not missing:
            break
    if missing:
        raise AssertionError(f"waits for {missing} after\n{seen}") from traffic.error
    assert f"{name}: 0 functions" in gdb.run(f"netlab path {name} off all")
    while ROUND_ENDS not in seen:
        seen += gdb.run("continue")
    gdb.run("delete")
    return LINE.findall(seen), stages


class Walker:
    """A lab that is up, with a gdb on its guest, which all walks share."""

    def __init__(self, lab, gdb):
        self.lab, self.gdb = lab, gdb

    @contextlib.contextmanager
    def session(self):
        """The gdb that is shared; once something has failed in it, another one each time."""
        if self.gdb.process.poll() is not None:
            with debugging(self.lab) as gdb:
                yield gdb
            return
        try:
            yield self.gdb
        except BaseException:
            self.gdb.process.kill()
            self.gdb.process.wait()
            raise

    def walk(self, name):
        """Send what goes through a path, over IPv4 and IPv6, and follow it through all its stages.

        The guest is stopped at the last one, again and again, until all were seen in their
        order; then it stands at the end of the traffic. Return: the lines, and the stages by
        the version of IP."""
        traffic = Traffic(self.lab, name)
        with meanwhile(traffic.send):
            try:
                with self.session() as gdb:
                    return follow_rounds(gdb, name, traffic)
            finally:
                traffic.over()


@contextlib.contextmanager
def walking(lab):
    """with walking(lab) as walker: walker.walk("arp")"""
    with subprocess.Popen([lab.netlab, "exec", f"{lab.name}/host", "--", "/usr/bin/python3", "-c",
                           LISTEN], stdout=subprocess.PIPE) as listener:
        try:
            assert listener.stdout.readline() == b"listens\n"
            with debugging(lab) as gdb:
                yield Walker(lab, gdb)
        finally:
            listener.kill()
