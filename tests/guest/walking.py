# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab path against real traffic: are all stages of a path hit, in the order it gives?"""
import contextlib
import re
import subprocess

from debugging import debugging, meanwhile
from lab import ip

GUEST = {4: "192.168.100.224", 6: "fd00:100::224"}
# An address of the host's that the guest has not spoken to yet, and one more.
FRESH = {4: "192.168.100.60", 6: "fd00:100::60"}
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
    listener.settimeout(180)
    print("listens", flush=True)
    for _ in range(2):
        listener.accept()[0].close()
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
    lab.exec("server", "ping", "-c", "1", "-W", "180", FRESH[family]).ok()


def ask_from_host(lab, family):
    on_host(lab, ASK, GUEST[family], FRESH[family])


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
        told = not packet or packet[0] == "(" or (family_of(packet) in (family, None) and about.search(packet))
        if at < len(stages) and function == stages[at][0] and told:
            at += 1
    return at


def next_stages(lines, stages, about):
    """The stages that are still to be hit, by the version of IP."""
    found = {family: walked(lines, stages[family], family, about) for family in stages}
    return {family: stages[family][at] for family, at in found.items()
            if at < len(stages[family])}


def walk(lab, name):
    """Send what goes through a path, over IPv4 and IPv6, and follow it through all its stages.

    The guest is stopped at the last one, again and again, until all were seen in their order.
    Return: the lines, and the stages by the version of IP."""
    def send():
        for family in stages:
            TRAFFIC[name](lab, family)

    with debugging(lab) as gdb:
        stages = {family: found for family in (4, 6) if (found := stages_of(gdb, name, family))}
        last = len(next(iter(stages.values())))
        gdb.run(f"netlab path {name} trace all stop {last}")
        seen = ""
        with meanwhile(send):
            while missing := next_stages(LINE.findall(seen), stages, ABOUT[name]):
                try:
                    seen += gdb.run("continue")
                except AssertionError as error:
                    raise AssertionError(f"waits for {missing}") from error
            assert f"{name}: 0 functions" in gdb.run(f"netlab path {name} off all")
            gdb.close()
    return LINE.findall(seen), stages


@contextlib.contextmanager
def ready(lab):
    """Within it the lab has what the traffic wants: neighbours, and who listens."""
    for family, address in FRESH.items():
        ip(lab, "address", "add", f"{address}/{24 if family == 4 else 64}", "dev", "br0",
           *(["nodad", "preferred_lft", "0"] if family == 6 else []))
    with subprocess.Popen([lab.netlab, "exec", f"{lab.name}/host", "--", "/usr/bin/python3", "-c",
                           LISTEN], stdout=subprocess.PIPE) as listener:
        try:
            assert listener.stdout.readline() == b"listens\n"
            yield lab
        finally:
            listener.kill()
