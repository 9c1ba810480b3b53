# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of link with each of its settings, as iproute2 and ethtool see them."""
import json

import pytest

from holder import DEADLINE

BRIDGES = {
    "plain": None,
    "set": {"addresses": ["192.0.2.1/24", "2001:db8::1/64"], "mac": "02:00:00:00:00:b1",
            "mtu": 1400, "txqueuelen": 77, "stp": True, "ageing": "60s",
            "multicast_snooping": True},
}
GUESTS = {"server": {"nics": [
    {"bridge": "set", "txqueuelen": 50,
     "impair": {"to": {"rate": "2mbit"}, "from": {"rate": "3mbit"}}},
    {"host": {"addresses": ["198.51.100.1/24"]}, "mtu": 1300},
]}}
HOSTS = {
    "a": {
        "links": {
            "eth0": {"bridge": "plain", "mac": "02:00:00:00:00:a0", "mtu": 1450,
                     "txqueuelen": 88, "addresses": ["10.0.0.1/24", "fd00::1/64"],
                     "impair": {"to": {"rate": "4mbit"}, "from": {"rate": "5mbit"}}},
            "direct": {"peer": "b/direct", "mtu": 1350, "addresses": ["10.1.0.1/30"],
                       "impair": {"to": {"rate": "6mbit"}, "from": {"rate": "7mbit"}}},
            "private": {"macvlan": "private", "link": "eth0"},
            "vepa": {"macvlan": "vepa", "link": "eth0", "mac": "02:00:00:00:00:a1",
                     "mtu": 1280, "txqueuelen": 33, "addresses": ["10.2.0.1/24"]},
            "ifb": {"ifb": "on", "mtu": 1234, "txqueuelen": 44},
        },
        "routes": [{"to": "default", "via": "10.0.0.254"},
                   {"to": "10.9.0.0/16", "via": "10.1.0.2", "metric": 100},
                   {"to": "10.8.0.0/16", "device": "direct"},
                   {"to": "fd09::/32", "via": "fd00::2", "device": "eth0", "metric": 7}],
        "neighbours": [{"address": "10.0.0.77", "mac": "02:00:00:00:00:77"},
                       {"address": "fd00::77", "mac": "02:00:00:00:00:77",
                        "device": "eth0"}],
        "sysctls": {"net.ipv4.tcp_sack": 0, "net.ipv4.conf.eth0.rp_filter": 2},
    },
    "b": {
        "forward": True,
        "links": {
            "direct": {"addresses": ["10.1.0.2/30"]},
            "eth0": {"bridge": "plain", "addresses": ["10.0.0.2/24"]},
            "eth1": {"bridge": "plain"},
            "bridged": {"macvlan": "bridge", "link": "eth0"},
            "whole": {"macvlan": "passthru", "link": "eth1"},
            "vx0": {"vxlan": 7, "local": "10.0.0.2", "remote": "10.0.0.1", "link": "eth0",
                    "port": 8472, "mac": "02:00:00:00:00:b7", "mtu": 1300,
                    "txqueuelen": 55, "addresses": ["10.7.0.2/24", "fd07::2/64"]},
            "vx1": {"vxlan": 8, "remote": "239.1.1.1", "link": "eth0"},
            "vx2": {"vxlan": 9},
        },
    },
}


@pytest.fixture(scope="module")
def net(build_for_all):
    return build_for_all(bridges=BRIDGES, guests=GUESTS, hosts=HOSTS,
                         links={"vx": {"vxlan": 10, "bridge": "plain"}})


def links_of(net, node="host"):
    """The links of a node by name, with their addresses."""
    return {link["ifname"]: link for link in net.ip("address", node=node)}


@pytest.fixture(scope="module")
def links(net):
    return {node: links_of(net, node) for node in ("host", "a", "b")}


def data(link):
    return link["linkinfo"]["info_data"]


def settings(link):
    return link["mtu"], link["address"], link["txqlen"]


def addresses(link):
    return {f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"]
            if a["scope"] != "link"}


# --- kinds --------------------------------------------------------------------------------------

def test_nothing_but_what_was_asked_for(links):
    assert set(links["host"]) == {"lo", "plain", "set", "server.0", "server.1", "a.eth0",
                                  "b.eth0", "b.eth1", "vx", "ifb-server.0"}
    assert set(links["a"]) == {"lo", *HOSTS["a"]["links"]}
    assert set(links["b"]) == {"lo", *HOSTS["b"]["links"]}
    assert all("UP" in link["flags"] for node in links.values() for link in node.values())


def test_bridge(links):
    plain, made = links["host"]["plain"], links["host"]["set"]
    assert settings(made) == (1400, "02:00:00:00:00:b1", 77)
    assert addresses(made) == {"192.0.2.1/24", "2001:db8::1/64"}
    assert [data(made)[key] for key in ("stp_state", "ageing_time", "mcast_snooping")] == [
        1, 6000, 1]
    assert [data(plain)[key] for key in ("stp_state", "ageing_time", "mcast_snooping")] == [
        0, 30000, 0]
    assert plain["mtu"] == 1450, "a bridge without an MTU has its least port's"


def test_tap(links):
    tap = links["host"]["server.0"]
    assert data(tap)["type"] == "tap"
    assert (tap["mtu"], tap["txqlen"], tap["master"]) == (1400, 50, "set")


def test_tap_that_is_point_to_point(links):
    tap = links["host"]["server.1"]
    assert data(tap)["type"] == "tap"
    assert (tap["mtu"], tap["txqlen"]) == (1300, 4096) and "master" not in tap
    assert addresses(tap) == {"198.51.100.1/24"}


def test_veth_on_a_bridge(links):
    inner, outer = links["a"]["eth0"], links["host"]["a.eth0"]
    assert {link["linkinfo"]["info_kind"] for link in (inner, outer)} == {"veth"}
    assert (inner["link_index"], outer["link_index"]) == (outer["ifindex"], inner["ifindex"])
    assert settings(inner) == (1450, "02:00:00:00:00:a0", 88)
    assert (outer["mtu"], outer["txqlen"], outer["master"]) == (1450, 88, "plain")
    assert addresses(inner) == {"10.0.0.1/24", "fd00::1/64"} and not outer["addr_info"]


def test_veth_between_hosts(links):
    a, b = links["a"]["direct"], links["b"]["direct"]
    assert {link["linkinfo"]["info_kind"] for link in (a, b)} == {"veth"}
    assert (a["link_index"], b["link_index"]) == (b["ifindex"], a["ifindex"])
    assert (a["mtu"], b["mtu"]) == (1350, 1350), "what one end says is both ends'"
    assert (addresses(a), addresses(b)) == ({"10.1.0.1/30"}, {"10.1.0.2/30"})


@pytest.mark.parametrize("node, name, mode, lower", [
    ("a", "private", "private", "eth0"), ("a", "vepa", "vepa", "eth0"),
    ("b", "bridged", "bridge", "eth0"), ("b", "whole", "passthru", "eth1")])
def test_macvlan(links, node, name, mode, lower):
    link = links[node][name]
    assert link["linkinfo"]["info_kind"] == "macvlan"
    assert (data(link)["mode"], link["link"]) == (mode, lower)
    same = link["address"] == links[node][lower]["address"]
    assert same == (mode == "passthru")


def test_macvlan_settings(links):
    assert settings(links["a"]["vepa"]) == (1280, "02:00:00:00:00:a1", 33)
    assert addresses(links["a"]["vepa"]) == {"10.2.0.1/24"}


def test_vxlan(links):
    link = links["b"]["vx0"]
    assert link["linkinfo"]["info_kind"] == "vxlan"
    assert [data(link)[key] for key in ("id", "local", "remote", "link", "port")] == [
        7, "10.0.0.2", "10.0.0.1", "eth0", 8472]
    assert settings(link) == (1300, "02:00:00:00:00:b7", 55)
    assert addresses(link) == {"10.7.0.2/24", "fd07::2/64"}


def test_vxlan_to_a_group(links):
    link = data(links["b"]["vx1"])
    assert (link["id"], link["group"], link["port"]) == (8, "239.1.1.1", 4789)


def test_vxlan_of_nothing_but_an_identifier(links):
    assert data(links["b"]["vx2"])["id"] == 9
    assert not {"local", "remote", "group", "link"} & set(data(links["b"]["vx2"]))
    assert links["host"]["vx"]["master"] == "plain"


def test_ifb(links):
    link = links["a"]["ifb"]
    assert link["linkinfo"]["info_kind"] == "ifb"
    assert (link["mtu"], link["txqlen"]) == (1234, 44)


@pytest.mark.needs("dummy")
def test_dummy(build_links):
    net = build_links(links={"it": {
        "dummy": "on", "mtu": 9000, "mac": "02:00:00:00:00:d0", "txqueuelen": 22,
        "addresses": ["192.0.2.9/32", "2001:db8::9/128"], "offloads": {"tso": "off"}}})
    link = links_of(net)["it"]
    assert link["linkinfo"]["info_kind"] == "dummy" and "UP" in link["flags"]
    assert settings(link) == (9000, "02:00:00:00:00:d0", 22)
    assert addresses(link) == {"192.0.2.9/32", "2001:db8::9/128"}
    assert not on(net, "it", TSO)


@pytest.mark.needs("vlan")
def test_vlan(build_links):
    net = build_links(
        bridges={"br0": None}, links={"br0.7": {"vlan": 7, "link": "br0"}},
        hosts={"h": {"links": {
            "eth0": {"bridge": "br0", "mac": "02:00:00:00:00:e0"},
            "inner": {"vlan": 30, "link": "outer", "addresses": ["10.30.0.1/24"]},
            "outer": {"vlan": 4094, "link": "eth0", "mtu": 1400, "txqueuelen": 66,
                      "mac": "02:00:00:00:00:e1"}}}})
    on_bridge, h = links_of(net)["br0.7"], links_of(net, "h")
    assert (data(on_bridge)["id"], on_bridge["link"]) == (7, "br0")
    assert (data(h["outer"])["id"], h["outer"]["link"]) == (4094, "eth0")
    assert settings(h["outer"]) == (1400, "02:00:00:00:00:e1", 66)
    assert (data(h["inner"])["id"], h["inner"]["link"]) == (30, "outer")
    assert h["inner"]["address"] == "02:00:00:00:00:e1", "that of the link below"
    assert addresses(h["inner"]) == {"10.30.0.1/24"}
    assert all(data(link)["protocol"] == "802.1Q" for link in (on_bridge, h["inner"]))


def lacking(feature, topology, text):
    return pytest.param(topology, text, marks=pytest.mark.lacks(feature), id=feature)


@pytest.mark.parametrize("topology, text", [
    lacking("dummy", {"links": {"it": {"dummy": "on"}}}, "as root: modprobe dummy"),
    lacking("vlan", {"bridges": {"br0": None}, "links": {"it": {"vlan": 7, "link": "br0"}}},
            "as root: modprobe 8021q"),
    lacking("vlan filtering", {"bridges": {"br0": None, "it": {"vlan_filtering": True}}},
            "the kernel's bridges don't filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING)"),
    lacking("netem", {"bridges": {"br0": None, "it": {"impair": {"delay": "1ms"}}}},
            "as root: modprobe sch_netem")])
def test_what_the_kernel_lacks_is_said(hold, tmp_path, topology, text):
    path = tmp_path / "test.yaml"
    path.write_text(json.dumps(topology))
    holder = hold("--topology", str(path))
    assert f": it: {path}:1: " in holder.outcome and holder.outcome.endswith(f"; {text}")
    assert set(holder.links()) == {"lo"}


# --- VLANs of ports -----------------------------------------------------------------------------

def vlans_of(net):
    """{port: {VLAN: flags}}, ranges taken apart."""
    return {port["ifname"]: {
        vlan: set(entry.get("flags", []))
        for entry in port["vlans"]
        for vlan in range(entry["vlan"], entry.get("vlanEnd", entry["vlan"]) + 1)}
        for port in net.json("bridge", "-j", "vlan")}


@pytest.mark.needs("vlan filtering")
def test_vlans_of_ports(build_links):
    net = build_links(
        bridges={"br0": {"vlan_filtering": True, "vlans": {"tagged": [10, 20]}},
                 "br1": {"vlan_filtering": True}, "br2": None},
        links={"vx": {"vxlan": 1, "bridge": "br0", "vlans": {"pvid": 1, "tagged": [9]}}},
        guests={"g": {"nics": [{"bridge": "br0", "vlans": {"tagged": [10, 11, 12]}},
                               {"bridge": "br1"}]}},
        hosts={"h": {"links": {
            "access": {"bridge": "br0", "vlans": {"pvid": 10}},
            "trunk": {"bridge": "br0", "vlans": {"pvid": 5, "tagged": [5, 20],
                                                 "untagged": [30]}}}}})
    pvid, untagged = "PVID", "Egress Untagged"
    vlans = vlans_of(net)
    assert vlans["br0"] == {10: set(), 20: set()}
    assert vlans["g.0"] == {10: set(), 11: set(), 12: set()}
    assert vlans["h.access"] == {10: {pvid, untagged}}
    assert vlans["h.trunk"] == {5: {pvid}, 20: set(), 30: {untagged}}
    assert vlans["vx"] == {1: {pvid, untagged}, 9: set()}
    assert vlans["br1"] == vlans["g.1"] == {1: {pvid, untagged}}, "Linux's own"
    links = net.links()
    assert [data(links[b])["vlan_filtering"] for b in ("br0", "br1", "br2")] == [1, 1, 0]


# --- routes, neighbours, sysctls ----------------------------------------------------------------

def test_routes(net):
    routes = {route["dst"]: route for family in ("-4", "-6")
              for route in net.ip(family, "route", node="a")}
    assert (routes["default"]["gateway"], routes["default"]["dev"]) == ("10.0.0.254", "eth0")
    assert (routes["10.9.0.0/16"]["gateway"], routes["10.9.0.0/16"]["dev"],
            routes["10.9.0.0/16"]["metric"]) == ("10.1.0.2", "direct", 100)
    assert routes["10.8.0.0/16"]["dev"] == "direct" and "gateway" not in routes["10.8.0.0/16"]
    assert (routes["fd09::/32"]["gateway"], routes["fd09::/32"]["dev"],
            routes["fd09::/32"]["metric"]) == ("fd00::2", "eth0", 7)
    assert "default" not in {route["dst"] for route in net.ip("-4", "route", node="b")}


def test_neighbours(net):
    found = {n["dst"]: n for n in net.ip("neighbour", "show", "nud", "permanent", node="a")}
    assert {name: (n["lladdr"], n["dev"]) for name, n in found.items()
            if name in ("10.0.0.77", "fd00::77")} == {
        "10.0.0.77": ("02:00:00:00:00:77", "eth0"), "fd00::77": ("02:00:00:00:00:77", "eth0")}


def read(net, node, *names):
    paths = [f"/proc/sys/net/{name}" for name in names]
    return net.inside("cat", *paths, node=node).stdout.split()


def test_sysctls(net):
    assert read(net, "a", "ipv4/tcp_sack", "ipv4/conf/eth0/rp_filter") == ["0", "2"]
    assert read(net, "b", "ipv4/tcp_sack") == read(net, "host", "ipv4/tcp_sack") == ["1"]


def test_forwarding(net):
    names = ("ipv4/conf/all/forwarding", "ipv6/conf/all/forwarding",
             "ipv4/conf/eth0/forwarding", "ipv6/conf/eth0/forwarding")
    assert read(net, "b", *names) == ["1"] * 4
    assert read(net, "a", *names) == ["0"] * 4


# --- offloads -----------------------------------------------------------------------------------

RX, TX, SG = "rx-checksumming", "tx-checksumming", "scatter-gather"
TSO, GSO, GRO = ("tcp-segmentation-offload", "generic-segmentation-offload",
                 "generic-receive-offload")
NAMES = {"rx-checksum": RX, "tx-checksum": TX, "sg": SG, "tso": TSO, "gso": GSO, "gro": GRO}


def features(net, link, node="host"):
    """What each feature is, by ethtool's name."""
    shown, = net.json("ethtool", "--json", "--show-features", link, node=node)
    return {name: it["active"] for name, it in shown.items() if name != "ifname"}


def on(net, link, name, node="host"):
    return features(net, link, node)[name]


@pytest.fixture(scope="module")
def switched(build_for_all):
    every = dict.fromkeys(NAMES, "off")
    return build_for_all(
        bridges={"br0": {"offloads": {"tso": "off", "gro": "off"}}, "br1": None},
        links={"vx": {"vxlan": 1, "bridge": "br0", "offloads": {"tso": "off"}}},
        guests={"g": {"nics": [{"bridge": "br0", "offloads": {
            "tso": "off", "gro": "off", "gso": "on"}}]}},
        hosts={"none": {"links": {"eth0": {"bridge": "br0", "offloads": every}}},
               "all": {"links": {"eth0": {"bridge": "br0", "offloads": dict.fromkeys(
                   NAMES, "on")}}},
               "own": {"links": {"eth0": {"bridge": "br0"}}}})


@pytest.mark.parametrize("node, link", [("none", "eth0"), ("host", "none.eth0")])
def test_offloads_off(switched, node, link):
    """Each with all of the features that this kernel counts as its."""
    found = features(switched, link, node)
    assert not any(found[name] for name in NAMES.values())
    assert not [name for name, active in found.items() if active and (
        name.startswith(("tx-tcp", "tx-checksum-", "tx-scatter-gather")))]


@pytest.mark.parametrize("node, link", [("all", "eth0"), ("host", "all.eth0")])
def test_offloads_on(switched, node, link):
    found = features(switched, link, node)
    assert all(found[name] for name in NAMES.values())
    own = features(switched, "eth0", "own")
    assert own | {GRO: True, "rx-gro": True} == found | {"rx-gro": True}, "no others"


def test_offloads_of_a_bridge(switched):
    found = features(switched, "br0")
    assert (found[TSO], found[GRO], found[GSO]) == (False, False, True)
    assert on(switched, "br1", GRO), "the kernel's own"


def test_offloads_of_a_vxlan(switched):
    found = features(switched, "vx")
    assert (found[TSO], found[GSO]) == (False, True)


def test_offloads_of_a_tap(switched):
    found = features(switched, "g.0")
    assert (found[TSO], found[GRO], found[GSO]) == (False, False, True)


def test_tap_does_later_what_its_process_can(build_links):
    """A TAP's TSO is on once QEMU says that its guest takes it: it is asked for, till then."""
    net = build_links(guests={"g": {"nics": [{"host": None, "offloads": {"tso": "on"}}]}})
    shown, = net.json("ethtool", "--json", "--show-features", "g.0")
    assert not shown["tx-tcp-segmentation"]["active"]
    assert shown["tx-tcp-segmentation"]["requested"]


@pytest.mark.parametrize("topology, text", [
    ({"bridges": {"br0": {"offloads": {"rx-checksum": "on"}}}},
     "br0: {}:1: offload rx-checksum can't be turned on: this link has none"),
    ({"bridges": {"br0": {}}, "hosts": {"h": {"links": {
        "eth0": {"bridge": "br0"},
        "mv": {"macvlan": "bridge", "link": "eth0", "offloads": {"tso": "off"}}}}}},
     "h/mv: {}:1: offload tso can't be turned off: the kernel keeps tx-tcp-segmentation on"),
    ({"bridges": {"br0": {}}, "hosts": {"h": {"links": {
        "eth0": {"bridge": "br0", "offloads": {"gro": "off"}},
        "mv": {"macvlan": "bridge", "link": "eth0", "offloads": {"gro": "on"}}}}}},
     "h/mv: {}:1: offload gro can't be turned on: the kernel keeps rx-gro off"),
], ids=["none", "kept on", "kept off"])
def test_offload_that_can_not_be(hold, tmp_path, topology, text):
    path = tmp_path / "test.yaml"
    path.write_text(json.dumps(topology))
    holder = hold("--topology", str(path))
    assert holder.outcome.partition(": ")[2] == text.format(path)
    assert set(holder.links()) == {"lo"}


# --- impairments --------------------------------------------------------------------------------

def qdiscs(net, link, node="host"):
    return {q["kind"]: q for q in net.json("tc", "-j", "qdisc", "show", "dev", link, node=node)}


def rate(net, link, node="host"):
    """Of tbf, in bits per second."""
    return qdiscs(net, link, node)["tbf"]["options"]["rate"] * 8


def redirect(net, link):
    """Where what comes in by a link goes."""
    filters = net.json("tc", "-j", "filter", "show", "dev", link, "ingress")
    action, = [a for f in filters for a in f.get("options", {}).get("actions", [])]
    return action["kind"], action["direction"], action["to_dev"]


def test_rate_of_a_card(net):
    """To the guest by its TAP; what comes from it goes through an ifb first."""
    assert rate(net, "server.0") == 2000000
    assert redirect(net, "server.0") == ("mirred", "egress", "ifb-server.0")
    assert rate(net, "ifb-server.0") == 3000000


def test_ifbs_of_cards_with_long_names(build_links):
    impaired = {"nics": [{"bridge": "br0", "impair": {"from": {"rate": "1mbit"}}}]}
    net = build_links(bridges={"br0": None}, guests={
        "x-server-long": impaired, "y-server-long": impaired})
    targets = [redirect(net, f"{name}-server-long.0")[2] for name in "xy"]
    assert all(name.startswith("ifb-") and name.endswith("-long.0") for name in targets)
    assert len(set(targets)) == 2 and set(targets) <= set(net.links())


def test_rate_of_a_hosts_link(net):
    assert rate(net, "a.eth0") == 4000000, "to the host"
    assert rate(net, "eth0", "a") == 5000000, "from the host"


def test_rate_between_hosts(net):
    assert rate(net, "direct", "b") == 6000000, "to a"
    assert rate(net, "direct", "a") == 7000000, "from a"


def arrives(holder, tap, frame):
    """Wait until a frame leaves by a TAP."""
    return any(frame in holder.frames(tap, 0.1) for _ in range(10 * DEADLINE))


FRAME = bytes.fromhex("0200000000bb" "0200000000aa" "88b5") + b"hello".ljust(50, b".")


@pytest.mark.parametrize("kind, impairment", [
    ("tbf", {"rate": "10mbit"}),
    pytest.param("netem", {"delay": "5ms", "duplicate": "100%"}, marks=pytest.mark.needs("netem")),
    pytest.param("tbf", {"delay": "5ms", "rate": "10mbit"}, marks=pytest.mark.needs("netem")),
])
def test_frames_pass_an_impaired_card(build_links, kind, impairment):
    """Both ways: what comes in by the TAP goes through the ifb's queue, and on to the bridge."""
    impaired = {"bridge": "br0", "impair": {"to": impairment, "from": impairment}}
    net = build_links(bridges={"br0": None}, guests={"a": {"nics": [impaired]},
                                                     "b": {"nics": [{"bridge": "br0"}]}})
    for source, target, queue in [("a.0", "b.0", "ifb-a.0"), ("b.0", "a.0", "a.0")]:
        assert net.ask(f"send {source} {FRAME.hex()}") == str(len(FRAME))
        assert arrives(net, target, FRAME)
        shown = net.json("tc", "-s", "-j", "qdisc", "show", "dev", queue)
        assert next(q for q in shown if q["kind"] == kind)["packets"] >= 1


def test_no_impairment_where_none_is_wanted(net):
    for link in ("plain", "set", "b.eth0", "server.1"):
        assert not {"tbf", "netem", "clsact"} & set(qdiscs(net, link))


IMPAIR = {"delay": "20ms", "jitter": "5ms", "loss": "2.5%", "duplicate": "1%",
          "corrupt": "0.5%", "reorder": "10%", "rate": "1mbit"}


@pytest.fixture(scope="module")
def impaired(build_for_all):
    every, short = IMPAIR, {"delay": "1500us"}
    return build_for_all(
        bridges={"br0": None, "br1": {"impair": {"loss": "100%"}}},
        guests={"g": {"nics": [{"bridge": "br0", "impair": {"to": every, "from": short}}]}},
        links={"vx": {"vxlan": 1, "impair": short}},
        hosts={"a": {"links": {"eth0": {"bridge": "br0",
                                        "impair": {"to": short, "from": every}},
                               "direct": {"peer": "b/direct",
                                          "impair": {"to": short, "from": every}}}},
               "b": {"links": {"direct": {}}}})


def near(seconds):
    """As tc shows it, which counts in ticks of 64 ns."""
    return pytest.approx(seconds, abs=2e-6)


@pytest.mark.needs("netem")
@pytest.mark.parametrize("node, link", [("host", "g.0"), ("a", "eth0"), ("a", "direct")])
def test_impairment_with_everything(impaired, node, link):
    found = qdiscs(impaired, link, node)
    netem, tbf = found["netem"], found["tbf"]
    options = netem["options"]
    assert netem["root"] and tbf["parent"] == netem["handle"] + "1"
    assert (options["delay"]["delay"], options["delay"]["jitter"]) == (
        near(0.02), near(0.005))
    assert options["loss-random"]["loss"] == pytest.approx(0.025)
    assert options["duplicate"]["duplicate"] == pytest.approx(0.01)
    assert options["corrupt"]["corrupt"] == pytest.approx(0.005)
    assert options["reorder"]["reorder"] == pytest.approx(0.1)
    assert options["gap"] == 1, "without it nothing is reordered"
    assert tbf["options"]["rate"] == 1000000 / 8


@pytest.mark.needs("netem")
@pytest.mark.parametrize("node, link", [
    ("host", "ifb-g.0"), ("host", "a.eth0"), ("b", "direct"), ("host", "vx")])
def test_impairment_of_the_other_direction(impaired, node, link):
    found = qdiscs(impaired, link, node)
    options = found["netem"]["options"]
    assert "tbf" not in found and options["delay"]["delay"] == near(0.0015)
    assert not {"loss-random", "duplicate", "corrupt", "reorder"} & set(options)


@pytest.mark.needs("netem")
def test_impairment_of_a_bridge(impaired):
    assert qdiscs(impaired, "br1")["netem"]["options"]["loss-random"]["loss"] == 1
