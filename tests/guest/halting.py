# SPDX-License-Identifier: GPL-2.0-or-later
"""Halts of a lab, by its control socket, and what TCP in the guests had to say about them."""
import json
import os
import pathlib
import random
import socket
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


def without_loss_probes(lab, *guests):
    """A vCPU that the machine starves looks like a lost segment: no probes for that."""
    for guest in guests:
        lab.exec(guest, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/tcp_early_retrans").ok()


class Transfer:
    """Lines of numbers from one guest to the echo server of another, and back."""

    SCRIPT = ("seq 1 {n} | md5sum; cut -d' ' -f1 /proc/uptime; "
              "seq 1 {n} | nc {to} 7777 | md5sum; cut -d' ' -f1 /proc/uptime")

    def __init__(self, lab, start_verb, guest, address, lines):
        self.process = start_verb("exec", f"{lab.name}/{guest}", "--", "sh", "-c",
                                  self.SCRIPT.format(n=lines, to=address))
        self.wanted = self.process.stdout.readline()
        self.begun = float(self.process.stdout.readline())

    def is_running(self):
        return self.process.poll() is None

    def assert_whole(self):
        """Return: how long it took, in seconds of the guest's own clock."""
        got, _ = self.process.communicate(timeout=300)
        assert self.process.returncode == 0
        assert got.splitlines()[0] + "\n" == self.wanted, "data is lost"
        return float(got.splitlines()[1]) - self.begun


def halts(control, transfer, count, longest, guests=("a", "b"), running=0.02):
    """COUNT halts of up to LONGEST seconds, of one guest or the other, while it runs."""
    chance = random.Random(SEED)
    done = 0
    while done < count and transfer.is_running():
        control.halt(chance.choice(guests), chance.uniform(0.001, longest))
        time.sleep(chance.uniform(0, running))  # the time in between, too
        done += 1
    return done
