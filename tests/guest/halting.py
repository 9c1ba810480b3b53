# SPDX-License-Identifier: GPL-2.0-or-later
"""Halts of a lab, by its control socket, and what TCP in the guests had to say about them."""
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import time

SEED = 20260101
COUNTED = ("RetransSegs", "TCPTimeouts", "TCPLossProbes", "TCPDSACKOldSent", "TCPDSACKRecv",
           "TCPSpuriousRTOs", "TCPFastRetrans", "TCPSackRecovery")


class Control:
    """One connection to the lab's control socket."""

    def __init__(self, lab):
        folder = pathlib.Path(os.environ.get("NETLAB_RUNTIME_DIR", "/run/netlab"))
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(str(folder / lab.name / "control"))
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def ask(self, request, **arguments):
        message = {"id": 1, "request": request, **arguments}
        self.socket.sendall(json.dumps(message).encode() + b"\n")
        answer = json.loads(self.lines.readline())
        assert "result" in answer, answer
        return answer["result"]

    def halt(self, guest, seconds):
        """Hold GUEST so long, and come back when its lab runs again."""
        self.ask("pause", guest=guest)
        time.sleep(seconds)  # the halt's length is what is under test
        self.ask("resume", guest=guest)
        while self.ask("status")["lockstep"]["halted"]:
            os.sched_yield()


def counters(lab, guest):
    """TCP's counters of a guest that tell of loss, by name."""
    found = {}
    text = lab.exec(guest, "cat", "/proc/net/snmp", "/proc/net/netstat").ok().stdout
    lines = text.splitlines()
    for names, values in zip(lines[::2], lines[1::2]):
        found.update(zip(names.split()[1:], values.split()[1:]))
    return {name: int(found[name]) for name in COUNTED}


def ring(lab, guest):
    """The receive ring of a guest that has ethtool: how large it is now, and can be at most."""
    shown = lab.exec(guest, "ethtool", "-g", "eth0").ok().stdout
    return dict(zip(["most", "now"], re.findall(r"^RX:\s*(\d+)$", shown, re.M)))


def without_loss_probes(lab, *guests):
    """A vCPU that the machine starves looks like a lost segment: no probes for that."""
    for guest in guests:
        lab.exec(guest, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/tcp_early_retrans").ok()


CLIENT = """
import hashlib, select, socket, sys, threading, time
block = bytes(range(256)) * 256
sent, back, count = hashlib.sha256(), hashlib.sha256(), 0
connection = socket.create_connection(("{to}", 7777))
def receive():
    told = 0
    global count
    while part := connection.recv(65536):
        back.update(part)
        count += len(part)
        if count > told + {more}:
            told = count
            print("more", flush=True)
thread = threading.Thread(target=receive)
thread.start()
begun = time.monotonic()
while not select.select([sys.stdin], [], [], 0)[0]:
    connection.sendall(block)
    sent.update(block)
connection.shutdown(socket.SHUT_WR)
thread.join()
print("whole" if sent.digest() == back.digest() else "changed", count, time.monotonic() - begun)
"""


class Transfer:
    """Data from one guest to the echo server of another and back, until the end of the scope.

    The guest has Python. Then there are: whole; bytes; seconds, by the guest's own clock."""

    def __init__(self, lab, guest, to, more=100_000):
        words = ["exec", f"{lab.name}/{guest}", "--", "/usr/bin/python3", "-c",
                 CLIENT.format(to=to, more=more)]
        self.process = subprocess.Popen([lab.netlab, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.whole, self.bytes, self.seconds = False, 0, 0.0

    def __enter__(self):
        return self

    def wait_for_more(self):
        """Until data has come back since the last time."""
        assert self.process.stdout.readline() == "more\n"

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
        output, _ = self.process.communicate(timeout=300)
        words = (output.splitlines() or [""])[-1].split()
        if len(words) == 3:
            self.whole = words[0] == "whole"
            self.bytes, self.seconds = int(words[1]), float(words[2])


def halts(control, count, longest, guests=("a", "b"), running=0.02):
    """COUNT halts of up to LONGEST seconds each, of one guest or another."""
    chance = random.Random(SEED)
    for _ in range(count):
        control.halt(chance.choice(guests), chance.uniform(0.001, longest))
        time.sleep(chance.uniform(0, running))  # the time in between, too
