# SPDX-License-Identifier: GPL-2.0-or-later
"""`netns: host` with guests: the user's own programs reach them from where netlab runs."""
import os
import signal
import sys

import pytest

from lab import Lab, fields, is_alive, wait_until, write_topology
from space import Space

TALK = """
import socket, sys
with socket.create_connection((sys.argv[1], 7777), 60) as s:
    s.sendall(b"hello")
    print(s.recv(9).decode())
"""


@pytest.fixture
def space():
    made = Space()
    yield made
    made.close()


@pytest.fixture
def make_lab(netlab, kernel, run, space, fresh_home, tmp_path):
    """As make_lab() of conftest.py, in the namespace @space and as its own."""
    def inside(*argv, **options):
        return run(*space.prefix, *argv, **options)

    def make(name="under-test", topology=None, **changes):
        topology = topology or write_topology(tmp_path / f"{name}.yaml", netns="host", **changes)
        return Lab(netlab, inside, name, topology, tmp_path / f"{name}.out")

    yield make
    inside(netlab, "down", "--all", deadline=180)


@pytest.fixture
def host_lab(make_lab):
    made = make_lab()
    made.up().ok()
    return made


def talk(space, address):
    return space.ok(sys.executable, "-c", TALK, address)


def test_a_plain_socket_reaches_the_guest(make_lab, space):
    before = space.state()
    lab = make_lab()
    lab.up().ok()
    assert talk(space, "192.168.100.224") == "hello\n"
    assert talk(space, "fd00:100::224") == "hello\n"
    assert space.aliases() == {name: f"netlab:under-test:{name}" for name in ["br0", "server.0"]}
    lab.down().ok()
    assert space.state() == before
    senders = fields(lab.output / "under-test.pcapng", "ip.src", "ip.dst",
                     only="tcp.flags.syn == 1 && tcp.flags.ack == 0 && ip")
    assert senders == [["192.168.100.50", "192.168.100.224"]]


def test_the_verbs_do_as_ever(host_lab, space):
    host_lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()
    assert "192.168.100.224/24" in host_lab.exec("server", "ip", "address").ok().stdout
    ours = host_lab.exec("host", "readlink", "/proc/self/ns/net").ok().stdout
    assert ours == space.ok("readlink", "/proc/self/ns/net")
    assert "in the network namespace that it was started in" in \
        host_lab.verb("status").ok().stdout.replace("\n ", "")


def test_kill_9_of_the_supervisor_and_up_at_once(host_lab, space):
    """QEMU may still hold its TAP then: it dies by the supervisor's death, but a little later."""
    pids = [host_lab.status()["pid"], host_lab.guest()["pid"]]
    os.kill(pids[0], signal.SIGKILL)
    wait_until(lambda: not is_alive(pids[0]), "the supervisor dies", 20)
    result = host_lab.up().ok()
    assert "removed what it left: " in result.stderr and "br0" in result.stderr
    wait_until(lambda: not is_alive(pids[1]), "its QEMU dies", 20)
    assert talk(space, "192.168.100.224") == "hello\n"
    host_lab.down().ok()
    assert space.aliases() == {}


def test_topology_host_mode(make_lab, source, space):
    """topologies/host-mode.yaml does what its comment says."""
    before = space.state()
    lab = make_lab("host-mode", topology=source / "topologies/host-mode.yaml")
    lab.up().ok()
    assert talk(space, "192.168.120.10") == "hello\n"
    spare = space.links()["spare0"]
    assert spare["master"] == "desk0" and spare["linkinfo"]["info_data"]["persist"]
    lab.down().ok()
    assert space.state() == before


def test_apply_changes_what_is_the_labs_and_nothing_else(make_lab, space):
    space.change("link", "add", "mine", "type", "bridge")
    space.change("address", "add", "10.5.0.1/24", "dev", "mine")
    before = space.state()
    links = {"spare": {"tap": True, "bridge": "br0"}}
    bridges = {"br0": {"addresses": ["10.1.0.1/24"]}}
    hosts = {"one": {"links": {"eth0": {"bridge": "br0", "addresses": ["10.1.0.2/24"]}}}}
    lab = make_lab(guests=None, bridges=bridges, capture=None)
    lab.up().ok()

    def apply(**changes):
        write_topology(lab.topology, guests=None, capture=None, netns="host", **changes)
        return lab.verb("apply", lab.topology)

    assert "nothing to change" in apply(bridges=bridges).ok().stdout
    told = apply(bridges={"br0": {"mtu": 1400}, "br1": {}}, links=links, hosts=hosts).ok().stdout
    assert "+ link spare: tap, port of br0" in told and "+ host one" in told
    assert "nothing to change" in apply(bridges={"br0": {"mtu": 1400}, "br1": {}}, links=links,
                                        hosts=hosts).ok().stdout
    assert space.aliases() == {"mine": None, **{
        name: f"netlab:under-test:{name}" for name in ["br0", "br1", "spare", "one.eth0"]}}
    space.change("link", "del", "br1")
    space.change("link", "add", "br1", "type", "bridge")
    taken = apply(bridges={"br0": {}, "br1": {"mtu": 1300}}).exited(1).stderr
    assert "br1: " in taken and "exists already, which is not this lab's" in taken
    assert space.links()["br1"]["mtu"] == 1500
    space.change("link", "del", "br1")
    apply(bridges={"br0": {}}).ok()
    assert set(space.links()) == {"lo", "mine", "br0"}
    lab.down().ok()
    assert space.state() == before
