# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that gdb holds, and the host as its peer: what host_peer.py has it say meanwhile, and
what is seen of that in a capture."""
import contextlib
import pathlib
import subprocess

from debugging import debugging
from lab import DEADLINE, fields, wait_until

SCRIPT = pathlib.Path(__file__).parent / "host_peer.py"
KINDS = ["data", "end", "silence", "window", "connect", "accept"]
# Of the guest; the host has had no business with the second.
HELD = {"192.168.100.224", "192.168.100.225", "fd00:100::224"}
NEW = {"data": 2, "end": 4, "connect": 2}  # frames: for each family, one of each connection
TO_BE_CLOSED = {"08", "09"}  # CLOSE_WAIT, LAST_ACK: include/net/tcp_states.h


class Peers:
    """host_peer.py in a lab."""

    def __init__(self, lab):
        self.process = subprocess.Popen(
            [lab.netlab, "exec", f"{lab.name}/host", "--", "/usr/bin/python3", SCRIPT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        self.hear("ready")
        return self

    def __exit__(self, *failure):
        _, error = self.process.communicate(timeout=DEADLINE)  # whose end of input ends it
        assert failure[0] or (self.process.returncode, error) == (0, "")

    def hear(self, name):
        """Until that step is done -> what it says of it."""
        line = self.process.stdout.readline()
        word, *words = line.split() or [""]
        assert word == name, line or self.process.communicate(timeout=DEADLINE)[1]
        return words

    def begin(self, name, *words):
        self.process.stdin.write(" ".join([name, *map(str, words)]) + "\n")
        self.process.stdin.flush()

    def step(self, name, *words):
        self.begin(name, *words)
        return self.hear(name)


def frames_in_halt(capture):
    """Of each frame that the host sent between the two marks: protocols, flags, length."""
    rows = fields(capture, "frame.number", "udp.payload", only="udp")
    begin, end = (next(int(number) for number, payload in rows if payload == text.encode().hex())
                  for text in ["the halt begins", "the halt ends"])
    return fields(capture, "frame.protocols", "tcp.flags.reset", "tcp.flags.syn",
                  "tcp.flags.ack", "tcp.flags.fin", "tcp.len",
                  only=f"eth && frame.number > {begin} && frame.number < {end} && "
                       "!(eth.src == 52:54:00:00:00:01)")


def kind_of(frame):
    """What a frame of the host's belongs to: one of KINDS; probes are all "probe"."""
    protocols, reset, syn, ack, fin, length = frame
    if "tcp" not in protocols:
        return protocols
    if reset == "1":
        return "reset"
    if syn == "1":
        return "accept" if ack == "1" else "connect"
    if fin == "1":
        return "end"
    if length != "0":
        return "data"
    return "probe"


def said_in_halt(lab):
    """How many frames of each kind the host sent; the lab is down."""
    kinds = [kind_of(frame) for frame in frames_in_halt(lab.output / f"{lab.name}.pcapng")]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def neighbours(lab):
    """The guest's, as the host has them: addresses by state."""
    found = {}
    for entry in lab.ip("neigh", "show", "nud", "all", "dev", "br0"):
        if entry["dst"] in HELD:
            found.setdefault(" ".join(entry["state"]), set()).add(entry["dst"])
    return found


def signal_server(lab, name):
    """It is the guest's only program of that name."""
    lab.exec("server", "killall", f"-{name}", "epoll-echo").ok()


def has_closed(lab):
    """Has the guest got rid of all connections whose end it was told?"""
    rows = lab.exec("server", "cat", "/proc/net/tcp", "/proc/net/tcp6").ok().stdout.splitlines()
    return not any(row.split()[3] in TO_BE_CLOSED for row in rows)


@contextlib.contextmanager
def held(lab, start_verb, *kinds):
    """with held(lab, …) as peers: gdb holds the guest, the answer to its connect in its hands.

    Peers.step("halted", seconds, kind…) is what the host does meanwhile. Afterwards peers.lost
    is which kinds of connections didn't live through it.
    """
    with Peers(lab) as peers, debugging(lab) as gdb:
        gdb.run("break tcp_rcv_synsent_state_process")
        gdb.begin("continue")
        if "window" in kinds:
            peers.step("squeeze")
        signal_server(lab, "STOP")
        peers.step("leave")
        start_verb("exec", f"{lab.name}/server", "--", "sh", "-c",
                   "echo hello | nc 192.168.100.50 9000")
        assert "tcp_rcv_synsent_state_process (" in gdb.end()
        is_held = lab.status()["halts"]["host"] != "off"
        if is_held:
            wait_until(lambda: neighbours(lab) == {"NOARP": HELD}, "the neighbours are held")
        yield peers
        assert not is_held or neighbours(lab) == {"NOARP": HELD}
        gdb.run("delete")
        gdb.run("detach")
        signal_server(lab, "CONT")
        peers.lost = peers.step("resumed")
        wait_until(lambda: has_closed(lab), "the guest's connections end")
        peers.lost += peers.step("closed")
        wait_until(lambda: "NOARP" not in neighbours(lab), "the neighbours are let go")


def topology(impair=None, **changes):
    nic = {"model": "e1000", "bridge": "br0", "mac": "52:54:00:00:00:01",
           "addresses": ["192.168.100.224/24", "192.168.100.225/24", "fd00:100::224/64"],
           **({"impair": impair} if impair else {})}
    return {"guests": {"server": {"memory": "256M", "nics": [nic],
                                  "run": ["epoll-echo", "--udp", "--port", "7777"]}},
            "capture": {"links": ["br0"], "clock": "wall"}, **changes}
