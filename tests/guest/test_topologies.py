# SPDX-License-Identifier: GPL-2.0-or-later
"""The topologies to learn from, as tshark sees them."""
import pytest

from lab import fields

SYN = "tcp.flags.syn == 1 && tcp.flags.ack == 0"


@pytest.fixture
def run_topology(netlab, source, run, kernel, fresh_home, tmp_path):
    def run_it(name):
        result = run(netlab, "run", source / "topologies" / f"{name}.yaml", "-o", tmp_path,
                     "--accel", "tcg", deadline=180).ok()
        assert "1 of 1 connection ok, 5 bytes sent, 5 received" in result.stdout
        return tmp_path / f"{name}.pcapng"
    return run_it


def test_host_only_ipv4(run_topology):
    capture = run_topology("host-only-ipv4")
    assert fields(capture, "ip.src", "ip.dst", only=SYN) == [["192.168.110.1", "192.168.110.10"]]


def test_host_only_ipv6(run_topology):
    capture = run_topology("host-only-ipv6")
    assert fields(capture, "ipv6.src", "ipv6.dst", only=SYN) == [["fd00:110::1", "fd00:110::10"]]
    assert ["ff02::1:ff00:10"] in fields(capture, "ipv6.dst",
                                         only="icmpv6.nd.ns.target_address == fd00:110::10")
    assert not fields(capture, "frame.number", only="ip || arp")


def test_link_local(run_topology):
    capture = run_topology("link-local")
    assert fields(capture, "frame.interface_name", "ip.src", "ip.dst", only=SYN) == [
        ["peer.0", "169.254.7.1", "169.254.7.2"]]


def test_two_guests(run_topology):
    """What reaches the relay leaves it for the server, by a connection of its own."""
    capture = run_topology("two-guests")
    syns = fields(capture, "frame.interface_name", "ip.src", "ip.dst", only=SYN)
    assert [syn[1:] for syn in syns if syn[0] == "server.0"] == [
        ["192.168.111.1", "192.168.111.10"], ["192.168.111.20", "192.168.111.10"]]
    assert [syn[1:] for syn in syns if syn[0] == "relay.0"] == [
        ["192.168.111.1", "192.168.111.20"], ["192.168.111.20", "192.168.111.10"]]


def test_router(netlab, source, run, kernel, fresh_home, tmp_path):
    result = run(netlab, "run", source / "topologies/router.yaml", "-o", tmp_path, "--accel",
                 "tcg", deadline=180).ok()
    assert result.stdout.count("1 of 1 connection ok, 5 bytes sent, 5 received") == 2
    capture = tmp_path / "router.pcapng"
    assert fields(capture, "frame.interface_name", "ip.ttl", only=f"ip && {SYN}") == [
        ["near", "64"], ["far", "63"]]
    assert fields(capture, "frame.interface_name", "ipv6.hlim", only=f"ipv6 && {SYN}") == [
        ["near", "64"], ["far", "63"]]


def test_vxlan(run_topology):
    capture = run_topology("vxlan")
    assert ["42"] in fields(capture, "vxlan.vni", only=SYN)
