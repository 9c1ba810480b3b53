# SPDX-License-Identifier: GPL-2.0-or-later
"""The host as peer of a guest that gdb holds: what its TCP says meanwhile, and what is seen of it.

host_peer.py holds the connections, and waits in the halt until TCP has repeated itself on each of
them. The same halt with hold_host: off is the proof that this shows in a capture.
"""
import os

import pytest

from host_halts import KINDS, NEW, held, said_in_halt, topology
from lab import DEADLINE, ip

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="BPF programs are for root to load")


def halt(lab, start_verb, *kinds):
    """Halt the guest until each kind was repeated; what the host sent meanwhile."""
    with held(lab, start_verb, *kinds) as peers:
        peers.step("halted", 0, *kinds)
    halts = lab.status()["halts"]
    assert halts["host"] == "off" or not peers.lost
    lab.down().ok()
    return halts, said_in_halt(lab)


def patience(lab):
    """How often, and how long, the host's TCP tries."""
    names = ["tcp_retries2", "tcp_orphan_retries", "tcp_syn_retries", "tcp_synack_retries",
             "tcp_fin_timeout"]
    values = lab.exec("host", "sh", "-c", "cd /proc/sys/net/ipv4 && cat " + " ".join(names))
    return dict(zip(names, map(int, values.ok().stdout.split())))


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
    lab = make_lab(**topology(impair={"to": {"rate": "1gbit"}},
                              sysctls={"net.ipv4.tcp_synack_retries": 20}))
    lab.up().ok()
    assert patience(lab) == {"tcp_retries2": 255, "tcp_orphan_retries": 255,
                             "tcp_syn_retries": 60, "tcp_synack_retries": 20,
                             "tcp_fin_timeout": 7200}, "but for what the topology says"
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
    assert {kind: seen[kind] for kind in ["data", "end"]} == {"data": 2, "end": 4}
