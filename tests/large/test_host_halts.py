# SPDX-License-Identifier: GPL-2.0-or-later
"""The host as peer of a guest that is held for one minute, two and a half, and a quarter of an hour.

Each length is waited for once, by labs side by side: without BPF, with the filter, and with
hold_host: off, which is the proof that what is counted can be seen. What is printed (pytest -s)
is for the eye.
"""
import contextlib
import os

import pytest

from host_halts import KINDS, NEW, held, said_in_halt, topology
from lab import DEADLINE

SECONDS = [60, 150, 1000]
# Without BPF no window is closed, as it can take two minutes then until it is.
UNFILTERED = [kind for kind in KINDS if kind != "window"]
REPEATED = {"data", "end", "connect", "accept", "probe"}
SEARCHED = {"eth:ethertype:arp", "eth:ethertype:ipv6:icmpv6"}
CROWD = 150  # neighbours: more than Linux keeps for ever (gc_thresh1)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="BPF programs are for root to load")


def up(lab, run, how):
    """As root, or where no BPF program may be loaded."""
    if how == "rto_min":
        run("unshare", "--user", "--map-root-user", lab.netlab, "up", lab.topology, "--name",
            lab.name, "-o", lab.output, "--accel", "tcg", deadline=DEADLINE).ok()
    else:
        lab.up().ok()
    assert lab.status()["halts"]["host"] == how
    lines = [f"neigh add {address} lladdr 02:00:00:00:00:01 dev br0 nud permanent"
             for i in range(CROWD) for address in (f"192.168.100.{i + 51}", f"fd00:100::1:{i}")]
    lab.exec("host", "ip", "-batch", "-", input="\n".join(lines)).ok()


@pytest.fixture
def labs(make_lab, built, run):
    """One for each way to hold the host, by its name in `netlab status`: the one whose connections
    take longest to end is first, and goes on last."""
    built("debug")
    made = {"off": make_lab(name="off", **topology(hold_host="off")),
            "rto_min": make_lab(name="unfiltered", **topology()),
            "filter": make_lab(name="filter", **topology())}
    for how, lab in made.items():
        up(lab, run, how)
    return made


def halt(labs, start_verb, seconds):
    """Halt all of them -> what the host said in each, and the kinds that it lost by that."""
    with contextlib.ExitStack() as stack:
        peers = {how: stack.enter_context(
            held(lab, start_verb, *(UNFILTERED if how == "rto_min" else KINDS)))
            for how, lab in labs.items()}
        for peer in peers.values():
            peer.begin("halted", seconds)
        for peer in peers.values():
            peer.hear("halted")
    said = {}
    for how, lab in labs.items():
        lab.down().ok()
        said[how] = said_in_halt(lab)
        print(f"\n{how}, {seconds} s: {sum(said[how].values())} frames, {said[how]}, "
              f"lost: {peers[how].lost or 'nothing'}")
    return said, {how: set(peer.lost) for how, peer in peers.items()}


@pytest.mark.parametrize("seconds", SECONDS)
def test_held_for_long(labs, start_verb, seconds):
    said, lost = halt(labs, start_verb, seconds)
    assert said["filter"] == NEW and not lost["filter"]
    assert set(said["rto_min"]) <= REPEATED and not lost["rto_min"]
    if seconds < 120:
        assert {kind: said["rto_min"][kind] for kind in ("data", "end")} == {"data": 2, "end": 4}
    else:
        assert lost["off"] >= {"connect", "accept", "orphan"}
    assert set(said["off"]) >= REPEATED | SEARCHED
