# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts: network namespaces of a lab, as iproute2 sees them from within."""
import pytest

from lab import fields

NET = {
    "near": {"addresses": ["10.1.0.254/24"]},
    "far": {},
}
HOSTS = {
    "client": {
        "links": {"eth0": {"bridge": "near", "addresses": ["10.1.0.2/24"], "mtu": 1400,
                           "mac": "02:00:00:00:00:02", "txqueuelen": 77,
                           "offloads": {"gro": "off", "tso": "off"}},
                  "vx0": {"vxlan": 7, "local": "10.1.0.2", "remote": "10.2.0.2",
                          "addresses": ["10.7.0.1/24"]},
                  "mv0": {"macvlan": "bridge", "link": "eth0"}},
        "routes": [{"to": "default", "via": "10.1.0.1"},
                   {"to": "10.9.0.0/16", "via": "10.1.0.1", "device": "eth0", "metric": 100}],
        "neighbours": [{"address": "10.1.0.77", "mac": "02:00:00:00:00:77", "device": "eth0"}],
        "sysctls": {"net.ipv4.tcp_sack": 0},
    },
    "router": {
        "forward": True,
        "links": {"eth0": {"bridge": "near", "addresses": ["10.1.0.1/24"]},
                  "eth1": {"bridge": "far", "addresses": ["10.2.0.1/24"]},
                  "eth2": {"peer": "server/direct", "addresses": ["10.3.0.1/30"]}},
    },
    "server": {
        "links": {"eth0": {"bridge": "far", "addresses": ["10.2.0.2/24", "fd00::2/64"]},
                  "direct": {"addresses": ["10.3.0.2/30"]},
                  "vx0": {"vxlan": 7, "local": "10.2.0.2", "remote": "10.1.0.2",
                          "addresses": ["10.7.0.2/24"]}},
        "routes": [{"to": "default", "via": "10.2.0.1"}],
    },
}


@pytest.fixture
def net(make_lab):
    lab = make_lab("net", guests=None, bridges=NET, hosts=HOSTS, capture=["near", "far"])
    lab.up().ok()
    return lab


def link_of(lab, host, name):
    return next(link for link in lab.exec(host, "ip", "-j", "-d", "link").json()
                if link["ifname"] == name)


def reaches(lab, host, address):
    return lab.exec(host, "busybox", "ping", "-c", "1", "-W", "5", address).returncode == 0


def test_links_are_what_the_topology_says(net):
    eth0 = link_of(net, "client", "eth0")
    assert (eth0["mtu"], eth0["address"], eth0["txqlen"]) == (1400, "02:00:00:00:00:02", 77)
    assert eth0["linkinfo"]["info_kind"] == "veth"
    vxlan = link_of(net, "client", "vx0")["linkinfo"]["info_data"]
    assert (vxlan["id"], vxlan["local"], vxlan["remote"], vxlan["port"]) == (
        7, "10.1.0.2", "10.2.0.2", 4789)
    macvlan = link_of(net, "client", "mv0")
    assert macvlan["linkinfo"]["info_data"]["mode"] == "bridge" and macvlan["link"] == "eth0"
    assert link_of(net, "server", "direct")["linkinfo"]["info_kind"] == "veth"
    assert {link["ifname"] for link in net.exec("host", "ip", "-j", "link").json()} == {
        "lo", "near", "far", "client.eth0", "router.eth0", "router.eth1", "server.eth0"}


def test_routes_neighbours_and_sysctls(net):
    routes = net.exec("client", "ip", "-j", "route").json()
    assert {"dst": "default", "gateway": "10.1.0.1"}.items() <= next(
        route for route in routes if route["dst"] == "default").items()
    assert next(route for route in routes if route["dst"] == "10.9.0.0/16")["metric"] == 100
    neighbours = net.exec("client", "ip", "-j", "neigh").json()
    fixed = next(n for n in neighbours if n["dst"] == "10.1.0.77")
    assert fixed["lladdr"] == "02:00:00:00:00:77" and "PERMANENT" in fixed["state"]
    assert net.exec("client", "cat", "/proc/sys/net/ipv4/tcp_sack").ok().stdout == "0\n"
    assert net.exec("server", "cat", "/proc/sys/net/ipv4/tcp_sack").ok().stdout == "1\n"
    assert net.exec("router", "cat", "/proc/sys/net/ipv6/conf/all/forwarding").stdout == "1\n"


def test_packets_find_their_way(net):
    assert reaches(net, "client", "10.2.0.2"), "through the router"
    assert reaches(net, "client", "10.7.0.2"), "through the tunnel"
    assert reaches(net, "router", "10.3.0.2"), "straight, without a bridge"
    assert reaches(net, "host", "10.1.0.2"), "from the lab's host side"
    net.down().ok()
    capture = net.output / "net.pcapng"
    assert fields(capture, "vxlan.vni", only="vxlan && icmp.type == 8")
    hops = fields(capture, "frame.interface_name", "ip.ttl",
                  only="icmp.type == 8 && ip.dst == 10.2.0.2 && !vxlan")
    assert hops == [["near", "64"], ["far", "63"]]


def test_a_refused_request_names_host_and_line_and_leaves_nothing(make_lab):
    lab = make_lab("bad", guests=None, bridges={"br0": {}}, capture=None, hosts={
        "one": {"links": {"eth0": {"bridge": "br0", "addresses": ["10.0.0.1/24"]}},
                "sysctls": {"net.ipv4.no_such_setting": 1}}})
    result = lab.up().exited(1)
    assert "one: " in result.stderr and "sysctl net.ipv4.no_such_setting" in result.stderr
    assert "no lab is up" in lab.verb("status").ok().stdout


def test_the_hosts_own_namespace_is_not_used_yet(make_lab):
    result = make_lab("later", guests=None, capture=None, netns="host").up().exited(1)
    assert "netns: host is not carried out by this version" in result.stderr


def test_fifty_hosts(make_lab, source):
    lab = make_lab("fifty", topology=source / "topologies/fifty-hosts.yaml")
    lab.up().ok()
    assert reaches(lab, "h01", "10.50.0.50")
    assert reaches(lab, "host", "10.50.0.17")
    assert len(lab.exec("host", "ip", "-j", "link").json()) == 52


def test_a_link_that_is_to_be_down_is_down_and_its_routes_rest(make_lab):
    lab = make_lab("rest", guests=None, bridges={"br0": {"up": False}}, capture=None, hosts={
        "one": {"links": {"eth0": {"bridge": "br0", "addresses": ["10.0.0.1/24"], "up": False},
                          "eth1": {"bridge": "br0", "addresses": ["10.1.0.1/24"]}},
                "routes": [{"to": "10.8.0.0/16", "via": "10.0.0.9"},
                           {"to": "10.9.0.0/16", "via": "10.1.0.9"}]}})
    lab.up().ok()
    assert "UP" not in link_of(lab, "one", "eth0")["flags"]
    assert "UP" in link_of(lab, "one", "eth1")["flags"]
    assert "UP" not in link_of(lab, "host", "br0")["flags"]
    assert "UP" in link_of(lab, "host", "one.eth0")["flags"]
    routes = [route["dst"] for route in lab.exec("one", "ip", "-j", "route").json()]
    assert sorted(routes) == ["10.1.0.0/24", "10.9.0.0/16"]
    eth0 = next(link for link in lab.status()["links"]
                if (link["node"], link["name"]) == ("one", "eth0"))
    assert eth0["up"] is False
