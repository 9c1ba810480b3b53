# SPDX-License-Identifier: GPL-2.0-or-later
"""The host as peer of a guest that gdb holds: what its TCP says meanwhile, and what is seen of it.

host_peer.py holds the connections, and waits in the halt until TCP has repeated itself on each of
them. The same halt with hold_host: off is the proof that this shows in a capture.
"""
import os
import pathlib
import subprocess

import pytest

from debugging import debugging
from lab import DEADLINE, fields, ip, wait_until

SCRIPT = pathlib.Path(__file__).parent / "host_peer.py"
KINDS = ["data", "end", "silence", "window", "connect", "accept"]
# Of the guest; the host has had no business with the second.
HELD = {"192.168.100.224", "192.168.100.225", "fd00:100::224"}
NEW = {"data": 2, "end": 2, "connect": 2}  # frames: one for each family
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="BPF programs are for root to load")


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

    def hear(self, word):
        line = self.process.stdout.readline()
        assert line == f"{word}\n", line or self.process.communicate(timeout=DEADLINE)[1]

    def step(self, name, *words):
        self.process.stdin.write(" ".join([name, *words]) + "\n")
        self.process.stdin.flush()
        self.hear(name)


def frames_in_halt(capture):
    """Of each frame that the host sent between the two marks: protocols, flags, length."""
    rows = fields(capture, "frame.number", "udp.payload", only="udp")
    begin, end = (next(int(number) for number, payload in rows if payload == text.encode().hex())
                  for text in ["the halt begins", "the halt ends"])
    return fields(capture, "frame.protocols", "tcp.flags.syn", "tcp.flags.ack", "tcp.flags.fin",
                  "tcp.len",
                  only=f"frame.number > {begin} && frame.number < {end} && "
                       "!(eth.src == 52:54:00:00:00:01)")


def kind_of(frame):
    """What a frame of the host's belongs to: one of KINDS; probes are all "probe"."""
    protocols, syn, ack, fin, length = frame
    if "tcp" not in protocols:
        return protocols
    if syn == "1":
        return "accept" if ack == "1" else "connect"
    if fin == "1":
        return "end"
    if length != "0":
        return "data"
    return "probe"


def count(frames):
    """How many of each kind."""
    kinds = [kind_of(frame) for frame in frames]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def neighbours(lab):
    """The guest's, as the host has them: addresses by state."""
    found = {}
    for entry in lab.ip("neigh", "show", "nud", "all", "dev", "br0"):
        if entry["dst"] in HELD:
            found.setdefault(" ".join(entry["state"]), set()).add(entry["dst"])
    return found


def halt(lab, start_verb, *kinds):
    """Halt the guest with the answer to its connect in its hands; what the host sent meanwhile."""
    with Peers(lab) as peers, debugging(lab) as gdb:
        gdb.run("break tcp_rcv_synsent_state_process")
        gdb.begin("continue")
        if "window" in kinds:
            peers.step("squeeze")
        start_verb("exec", f"{lab.name}/server", "--", "sh", "-c",
                   "echo hello | nc 192.168.100.50 9000")
        assert "tcp_rcv_synsent_state_process (" in gdb.end()
        if lab.status()["halts"]["host"] != "off":
            wait_until(lambda: neighbours(lab) == {"NOARP": HELD}, "the neighbours are held")
        peers.step("halted", *kinds)
        gdb.run("delete")
        gdb.run("detach")
        peers.step("resumed")
        wait_until(lambda: "NOARP" not in neighbours(lab), "the neighbours are let go")
    halts = lab.status()["halts"]
    lab.down().ok()
    return halts, count(frames_in_halt(lab.output / f"{lab.name}.pcapng"))


def topology(impair=None, **changes):
    nic = {"model": "e1000", "bridge": "br0", "mac": "52:54:00:00:00:01",
           "addresses": ["192.168.100.224/24", "192.168.100.225/24", "fd00:100::224/64"],
           **({"impair": impair} if impair else {})}
    return {"guests": {"server": {"memory": "256M", "nics": [nic],
                                  "run": ["epoll-echo", "--udp", "--port", "7777"]}},
            # However long the halt takes on a machine that is busy.
            "sysctls": {"net.ipv4.tcp_syn_retries": 20, "net.ipv4.tcp_synack_retries": 20},
            "capture": {"links": ["br0"], "clock": "wall"}, **changes}


def filtered_links(lab):
    return {link["ifname"] for link in lab.ip("link")
            if lab.exec("host", "tc", "filter", "show", "dev", link["ifname"], "egress").ok().stdout}


def make_tap_anew(lab):
    """What `apply` makes is as it was: its queue, its impairment, and the filter."""
    ip(lab, "link", "delete", "server.0")
    assert "+ link server.0" in lab.verb("apply", lab.topology, "--name", lab.name).ok().stdout
    assert "nothing to change" in lab.verb("apply", lab.topology, "--name", lab.name).ok().stdout
    assert lab.ip("link", "show", "server.0")[0]["txqlen"] == 100000
    assert "qdisc tbf" in lab.exec("host", "tc", "qdisc", "show", "dev", "server.0").ok().stdout


@needs_root
def test_filter(make_lab, start_verb):
    """Each new thing once, and nothing twice; by a TAP that was impaired, and made anew."""
    lab = make_lab(**topology(impair={"to": {"rate": "1gbit"}}))
    lab.up().ok()
    assert filtered_links(lab) == {"br0", "server.0"}
    make_tap_anew(lab)
    assert filtered_links(lab) == {"br0", "server.0"}
    halts, seen = halt(lab, start_verb, *KINDS)
    assert seen == NEW
    assert halts["host"] == "filter" and halts["dropped"] >= 2 * 9 + 2


def test_off(make_lab, start_verb):
    """The same halt as it is without netlab's doing: everything is said again."""
    lab = make_lab(**topology(hold_host="off"))
    lab.up().ok()
    halts, seen = halt(lab, start_verb, *KINDS)
    assert halts == {"host": "off", "dropped": 0}
    assert {kind for kind, times in seen.items() if times > NEW.get(kind, 0)} >= {
        "data", "end", "connect", "accept", "probe"}


def test_user_namespace(make_lab, start_verb, run):
    """Where no BPF program may be loaded: data and FINs wait; the rest is said again. No window is
    closed, as it can take two minutes then until it is."""
    lab = make_lab(**topology())
    run("unshare", "--user", "--map-root-user", lab.netlab, "up", lab.topology, "--name", lab.name,
        "-o", lab.output, "--accel", "tcg", deadline=DEADLINE).ok()
    halts, seen = halt(lab, start_verb, "silence", "connect", "accept")
    assert halts == {"host": "rto_min", "dropped": 0,
                     "reason": "the kernel refuses to load a BPF program: Operation not permitted"}
    assert {kind: seen[kind] for kind in ["data", "end"]} == {"data": 2, "end": 2}
