# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab apply: a living lab follows its topology, as iproute2 sees it from within."""
import json
import signal
import socket
import subprocess

import pytest

from lab import wait_until, write_topology

BRIDGES = {"br0": {"addresses": ["10.1.0.254/24", "fd00:1::fe/64"]}, "br1": {}}


def hosts():
    """A fresh copy, to be changed."""
    return {
        "one": {"links": {"eth0": {"bridge": "br0", "addresses": ["10.1.0.1/24", "fd00:1::1/64"]},
                          "p": {"peer": "two/p", "addresses": ["10.9.0.1/30"]},
                          "vx0": {"vxlan": 7, "local": "10.1.0.1", "remote": "10.1.0.2",
                                  "addresses": ["10.7.0.1/24"]},
                          "mv0": {"macvlan": "bridge", "link": "eth0"}},
                "routes": [{"to": "default", "via": "10.1.0.254"},
                           {"to": "fd00:8::/64", "via": "fd00:1::fe", "metric": 7}],
                "neighbours": [{"address": "10.1.0.77", "mac": "02:00:00:00:00:77",
                                "device": "eth0"}],
                "sysctls": {"net.ipv4.tcp_sack": 0}},
        "two": {"links": {"eth0": {"bridge": "br0", "addresses": ["10.1.0.2/24"]},
                          "p": {"addresses": ["10.9.0.2/30"]}}},
    }


@pytest.fixture
def net(make_lab):
    lab = make_lab("net", guests=None, bridges=BRIDGES, hosts=hosts(), capture=None)
    lab.up().ok()
    return lab


def write(lab, **changes):
    """The lab's topology anew, with other keys."""
    everything = {"guests": None, "bridges": BRIDGES, "hosts": hosts(), "capture": None}
    write_topology(lab.topology, **{**everything, **changes})


def apply(lab, *options):
    return lab.verb("apply", lab.topology, "--name", lab.name, *options)


def lines(lab, *options):
    """What it changes: the lines, without the one that sums them up."""
    return apply(lab, *options).ok().stdout.splitlines()[:-1]


def settle(lab):
    """Apply once more: there must be nothing left to do."""
    assert apply(lab).ok().stdout == f"lab {lab.name}: nothing to change\n"


def ip(lab, node, *words):
    return lab.exec(node, "ip", "-j", "-d", *words).json()


def link(lab, node, name):
    return next((one for one in ip(lab, node, "link") if one["ifname"] == name), None)


def addresses(lab, node, name):
    shown = ip(lab, node, "address", "show", "dev", name)
    return {f"{a['local']}/{a['prefixlen']}" for a in shown[0]["addr_info"]
            if a["scope"] == "global"}


def routes(lab, node, *family):
    return {(r["dst"], r.get("gateway")) for r in
            lab.exec(node, "ip", "-j", *family, "route", "show", "proto", "static").json()}


def sysctl(lab, node, path):
    return lab.exec(node, "cat", f"/proc/sys/net/{path}").ok().stdout.strip()


def reaches(lab, node, address):
    return lab.exec(node, "busybox", "ping", "-c", "1", "-W", "5", address).returncode == 0


def everything(lab):
    """All that could have been changed, by iproute2, without what changes by itself."""
    return [{
        "links": [(one["ifindex"], one["ifname"], one["mtu"], one["address"], one.get("master"),
                   one["txqlen"], "UP" in one["flags"]) for one in ip(lab, node, "link")],
        "addresses": {one["ifname"]: {a["local"] for a in one["addr_info"]}
                      for one in ip(lab, node, "address")},
        "routes": {(r["dst"], r.get("gateway"), r["dev"]) for family in ["-4", "-6"]
                   for r in lab.exec(node, "ip", "-j", family, "route").json()},
        "neighbours": {n["dst"] for n in ip(lab, node, "neigh", "show", "nud", "permanent")},
    } for node in ["host", "one", "two"]]


# --- what is the same stays ---------------------------------------------------------------------

def test_the_same_topology_changes_nothing(net):
    before = everything(net)
    settle(net)
    assert everything(net) == before


def test_fifty_hosts_stay_as_they_are(make_lab, source):
    lab = make_lab("fifty-hosts", topology=source / "topologies/fifty-hosts.yaml")
    lab.up().ok()
    settle(lab)


def test_the_lab_is_that_of_the_topologys_name_or_the_one_that_is_named(net, make_lab):
    assert "nothing to change" in net.verb("apply", "net", net.topology).ok().stdout
    assert "no lab 'under-test'" in net.verb("apply", net.topology).exited(1).stderr
    same = make_lab("under-test", topology=net.topology)
    same.up().ok()
    assert "nothing to change" in net.verb("apply", net.topology).ok().stdout
    assert net.verb("apply", "net", net.topology, "--name", "net").returncode == 2


# --- each kind of change ------------------------------------------------------------------------

def test_settings_of_a_link(net):
    changed = hosts()
    changed["two"]["links"]["eth0"].update(
        mtu=1400, mac="02:00:00:00:00:99", txqueuelen=77, addresses=["10.1.0.3/24"])
    write(net, hosts=changed)
    mac = link(net, "two", "eth0")["address"]
    assert [line for line in lines(net) if not line.startswith("- address fe80:")] == [
        "- address 10.1.0.2/24 of two/eth0",
        "~ two.eth0: txqueuelen 1000 -> 77",
        f"~ two/eth0: mac {mac} -> 02:00:00:00:00:99",
        "~ two/eth0: txqueuelen 1000 -> 77",
        "~ two.eth0: mtu 1500 -> 1400",
        "~ two/eth0: mtu 1500 -> 1400",
        "~ br0: mtu 1500 -> 1400",
        "+ address fe80::ff:fe00:99/64 of two/eth0",
        "+ address 10.1.0.3/24 of two/eth0",
    ]
    eth0 = link(net, "two", "eth0")
    assert (eth0["mtu"], eth0["address"], eth0["txqlen"]) == (1400, "02:00:00:00:00:99", 77)
    assert link(net, "host", "two.eth0")["mtu"] == 1400
    assert addresses(net, "two", "eth0") == {"10.1.0.3/24"}
    assert reaches(net, "one", "10.1.0.3")
    settle(net)


def test_dry_run_changes_nothing(net):
    before = everything(net)
    write(net, hosts={}, bridges={"br0": {"mtu": 9000}, "br9": {}})
    planned = lines(net, "--dry-run")
    assert "~ br0: mtu 1500 -> 9000" in planned and "- host one" in planned
    assert everything(net) == before
    assert lines(net) == planned
    settle(net)


def test_json_says_the_same(net):
    write(net, bridges={**BRIDGES, "br1": {"mtu": 9000}, "br2": {}})
    result = apply(net, "--json").json()
    assert result["applied"] is True
    assert result["changes"] == [
        {"action": "set", "object": "mtu", "node": "host", "link": "br1", "before": "1500",
         "after": "9000", "text": "~ br1: mtu 1500 -> 9000"},
        {"action": "add", "object": "link", "node": "host", "link": "br2", "before": None,
         "after": "bridge", "text": "+ link br2: bridge"}]
    assert apply(net, "--dry-run", "--json").json() == {"applied": False, "changes": []}


def test_addresses_routes_neighbours_and_sysctls(net):
    changed = hosts()
    changed["one"]["links"]["eth0"]["addresses"] = ["10.1.0.1/24", "10.1.0.9/24", "fd00:1::9/64"]
    changed["one"].update(
        routes=[{"to": "default", "via": "10.1.0.2"}, {"to": "10.8.0.0/16", "via": "10.9.0.2"}],
        neighbours=[{"address": "10.1.0.78", "mac": "02:00:00:00:00:78", "device": "eth0"}],
        sysctls={"net.ipv4.tcp_sack": 1, "net.ipv4.tcp_dsack": 0})
    changed["two"]["forward"] = True
    write(net, hosts=changed)
    assert lines(net) == [
        "- route default via 10.1.0.254 of one/eth0",
        "- route fd00:8::/64 via fd00:1::fe of one/eth0",
        "- neighbour 10.1.0.77 at 02:00:00:00:00:77 of one/eth0",
        "- address fd00:1::1/64 of one/eth0",
        "~ one: sysctl net.ipv4.tcp_sack=0 -> net.ipv4.tcp_sack=1",
        "~ one: sysctl net.ipv4.tcp_dsack=1 -> net.ipv4.tcp_dsack=0",
        "~ two: forward off -> on",
        "+ address 10.1.0.9/24 of one/eth0",
        "+ address fd00:1::9/64 of one/eth0",
        "+ neighbour 10.1.0.78 at 02:00:00:00:00:78 of one/eth0",
        "+ route default via 10.1.0.2 of one",
        "+ route 10.8.0.0/16 via 10.9.0.2 of one",
    ]
    assert addresses(net, "one", "eth0") == {"10.1.0.1/24", "10.1.0.9/24", "fd00:1::9/64"}
    assert routes(net, "one") == {("default", "10.1.0.2"), ("10.8.0.0/16", "10.9.0.2")}
    assert not routes(net, "one", "-6")
    assert [n["dst"] for n in ip(net, "one", "neigh", "show", "nud", "permanent")] == [
        "10.1.0.78"]
    assert sysctl(net, "one", "ipv4/tcp_dsack") == "0"
    assert sysctl(net, "two", "ipv4/conf/all/forwarding") == "1"
    assert sysctl(net, "two", "ipv6/conf/all/forwarding") == "1"
    settle(net)
    write(net)
    apply(net).ok()
    assert sysctl(net, "two", "ipv4/conf/all/forwarding") == "0"
    settle(net)


def test_sysctls_go_back_to_what_they_were(net):
    changed = hosts()
    changed["one"]["sysctls"] = {"net.ipv4.conf.vx0.rp_filter": 2}
    write(net, hosts=changed)
    assert lines(net) == [
        "~ one: sysctl net.ipv4.tcp_sack=0 -> net.ipv4.tcp_sack=1",
        "~ one: sysctl net.ipv4.conf.vx0.rp_filter=0 -> net.ipv4.conf.vx0.rp_filter=2"]
    assert sysctl(net, "one", "ipv4/tcp_sack") == "1"
    settle(net)
    del changed["one"]["sysctls"], changed["one"]["links"]["vx0"]
    write(net, hosts=changed)
    apply(net).ok()
    settle(net)


def test_hosts_and_links_come_and_go(net):
    first = link(net, "one", "eth0")
    changed = hosts()
    del changed["two"], changed["one"]["links"]["p"], changed["one"]["links"]["vx0"]
    changed["alpha"] = {"links": {"eth0": {"bridge": "br2", "addresses": ["10.2.0.3/24"]},
                                  "up": {"peer": "one/up", "addresses": ["10.5.0.1/30"]}},
                        "routes": [{"to": "default", "via": "10.2.0.254"}]}
    changed["one"]["links"]["up"] = {"addresses": ["10.5.0.2/30"]}
    write(net, hosts=changed, bridges={"br0": BRIDGES["br0"],
                                       "br2": {"addresses": ["10.2.0.254/24"]}})
    told = lines(net)
    assert {"- host two", "- link br1: bridge", "- link one/p: veth", "- link one/vx0: vxlan",
            "+ host alpha", "+ link br2: bridge, 10.2.0.254/24",
            "+ link alpha/eth0: veth, 10.2.0.3/24"} <= set(told)
    assert {one["ifname"] for one in ip(net, "host", "link")} == {
        "lo", "br0", "br2", "one.eth0", "alpha.eth0"}
    assert {one["ifname"] for one in ip(net, "one", "link")} == {"lo", "eth0", "mv0", "up"}
    assert link(net, "one", "eth0")["ifindex"] == first["ifindex"], "it is the same link"
    assert reaches(net, "alpha", "10.1.0.254") and reaches(net, "one", "10.5.0.1")
    settle(net)
    status = net.status()
    assert [node["name"] for node in status["nodes"]] == ["host", "one", "alpha"]
    assert "no guest 'two'" in net.exec("two", "true").exited(1).stderr
    assert "alpha" in net.verb("graph", net.name, "-f", "mermaid").ok().stdout
    write(net)
    apply(net).ok()
    assert {one["ifname"] for one in ip(net, "one", "link")} == {"lo", "eth0", "mv0", "p", "vx0"}
    assert reaches(net, "one", "10.7.0.1") and reaches(net, "one", "10.9.0.2")
    settle(net)


def test_a_link_that_is_to_be_another_one_is_made_anew(net):
    changed = hosts()
    changed["one"]["links"]["vx0"]["vxlan"] = 8
    changed["one"]["links"]["mv0"]["link"] = "p"
    write(net, hosts=changed)
    assert lines(net) == ["- link one/vx0: vxlan", "- link one/mv0: macvlan",
                          "+ link one/vx0: vxlan, 10.7.0.1/24", "+ link one/mv0: macvlan, on p"]
    assert link(net, "one", "vx0")["linkinfo"]["info_data"]["id"] == 8
    assert link(net, "one", "mv0")["link"] == "p"
    settle(net)


def test_a_port_moves_and_its_bridges_change(net):
    changed = hosts()
    changed["two"]["links"]["eth0"]["bridge"] = "br1"
    write(net, hosts=changed, bridges={
        "br0": {**BRIDGES["br0"], "stp": True, "ageing": "20s"},
        "br1": {"addresses": ["10.1.0.253/24"], "multicast_snooping": True}})
    assert lines(net) == [
        "~ br0: stp off -> on", "~ br0: ageing 300s -> 20s",
        "~ br1: multicast_snooping off -> on", "~ two.eth0: bridge br0 -> br1",
        "+ address 10.1.0.253/24 of br1"]
    assert link(net, "host", "two.eth0")["master"] == "br1"
    br0 = link(net, "host", "br0")["linkinfo"]["info_data"]
    assert (br0["stp_state"], br0["ageing_time"]) == (1, 2000)
    assert br0["forward_delay"] >= 200
    assert link(net, "host", "br1")["linkinfo"]["info_data"]["mcast_snooping"] == 1
    settle(net)
    write(net)
    apply(net).ok()
    br0 = link(net, "host", "br0")["linkinfo"]["info_data"]
    assert (br0["stp_state"], br0["ageing_time"], br0["forward_delay"]) == (0, 30000, 0)
    assert reaches(net, "one", "10.1.0.2")
    settle(net)


def test_links_go_down_and_come_back_with_all_they_had(net):
    before = everything(net)
    changed = hosts()
    changed["one"]["links"]["eth0"]["up"] = False
    write(net, hosts=changed)
    assert lines(net) == ["~ one/eth0: state up -> down"]
    eth0 = link(net, "one", "eth0")
    assert "UP" not in eth0["flags"]
    assert addresses(net, "one", "eth0") == {"10.1.0.1/24", "fd00:1::1/64"}
    assert not routes(net, "one")
    settle(net)
    write(net)
    assert "~ one/eth0: state down -> up" in lines(net)
    assert reaches(net, "one", "10.1.0.254")
    settle(net)
    assert everything(net) == before


def root_qdisc(lab, node, device):
    shown = lab.exec(node, "tc", "-j", "qdisc", "show", "dev", device, "root").json()
    return shown[0]["kind"], shown[0]["options"].get("rate")


def test_an_impairment_comes_changes_and_goes(net):
    for rate, told, seen in [("1mbit", "none -> rate 1mbit", ("tbf", 125000)),
                             ("8mbit", "rate 1mbit -> rate 8mbit", ("tbf", 1000000)),
                             (None, "rate 8mbit -> none", ("noqueue", None))]:
        changed = hosts()
        if rate:
            changed["one"]["links"]["eth0"]["impair"] = {"to": {"rate": rate}}
        write(net, hosts=changed)
        assert lines(net) == [f"~ one.eth0: impair {told}"]
        assert root_qdisc(net, "host", "one.eth0") == seen
        settle(net)


# --- drift --------------------------------------------------------------------------------------

@pytest.mark.parametrize("node, words, told", [
    ("one", "address del 10.1.0.1/24 dev eth0", "+ address 10.1.0.1/24 of one/eth0"),
    ("one", "address add 10.1.0.66/24 dev eth0", "- address 10.1.0.66/24 of one/eth0"),
    ("one", "link set eth0 down", "~ one/eth0: state down -> up"),
    ("one", "link set eth0 mtu 1300", "~ one/eth0: mtu 1300 -> 1500"),
    ("one", "route add 10.66.0.0/16 via 10.1.0.2", "- route 10.66.0.0/16 via 10.1.0.2 of one/eth0"),
    ("one", "route del default", "+ route default via 10.1.0.254 of one"),
    ("one", "neigh flush all nud permanent",
     "+ neighbour 10.1.0.77 at 02:00:00:00:00:77 of one/eth0"),
    ("one", "neigh add 10.1.0.5 lladdr 02:00:00:00:00:05 dev eth0",
     "- neighbour 10.1.0.5 at 02:00:00:00:00:05 of one/eth0"),
    ("one", "link del vx0", "+ link one/vx0: vxlan, 10.7.0.1/24"),
    ("host", "link del one.eth0", "+ link one/eth0: veth, 10.1.0.1/24, fd00:1::1/64"),
    ("host", "link del br0", "+ link br0: bridge, 10.1.0.254/24, fd00:1::fe/64"),
    ("host", "link set one.eth0 nomaster", "~ one.eth0: bridge none -> br0"),
    ("host", "link set br1 name other", "- link other: bridge"),
    ("host", "-6 address flush dev br0", "+ address fd00:1::fe/64 of br0"),
])
def test_what_someone_changed_is_put_right(net, node, words, told):
    net.exec(node, "ip", *words.split()).ok()
    assert told in lines(net)
    settle(net)
    assert reaches(net, "one", "10.1.0.254") and reaches(net, "two", "10.9.0.1")
    assert routes(net, "one") == {("default", "10.1.0.254")}


def test_a_link_that_someone_made_in_place_of_ours_is_made_anew(net):
    net.exec("host", "ip", "link", "del", "br0").ok()
    net.exec("host", "ip", "link", "add", "br0", "type", "bridge").ok()
    told = lines(net)
    assert "- link br0: bridge" in told
    assert "+ link br0: bridge, 10.1.0.254/24, fd00:1::fe/64" in told
    assert reaches(net, "one", "10.1.0.254")
    settle(net)


def test_what_others_made_is_left_alone(net):
    for words in ["link add mine type bridge", "link set mine up",
                  "address add 10.55.0.1/24 dev mine", "route add 10.56.0.0/16 via 10.55.0.9",
                  "route add 10.57.0.0/16 via 10.1.0.9 proto bird"]:
        net.exec("host", "ip", *words.split()).ok()
    before = everything(net)
    settle(net)
    assert everything(net) == before


# --- refusals -----------------------------------------------------------------------------------

def test_a_topology_that_is_wrong_is_told_with_its_line(net):
    before = everything(net)
    net.topology.write_text("bridges: {br0: {mtu: 1}}\n")
    result = apply(net).exited(1)
    assert f"{net.topology}:1:22: mtu: " in result.stderr and not result.stdout
    assert everything(net) == before


def test_no_lab_and_no_file(make_lab, tmp_path):
    lab = make_lab("none", guests=None, capture=None)
    result = apply(lab).exited(1)
    assert "none" in result.stderr and "no lab" in result.stderr
    result = lab.verb("apply", tmp_path / "missing.yaml").exited(1)
    assert "missing.yaml: No such file" in result.stderr


def test_what_is_fixed_is_named_with_its_place_and_nothing_is_changed(net):
    before = everything(net)
    write(net, bridges={**BRIDGES, "br1": {"mtu": 9000}}, capture=["br0"], guests={
        "late": {"nics": [{"bridge": "br0"}]}})
    result = apply(net).exited(1)
    assert ": guest 'late' is new" in result.stderr
    assert f"{net.topology}:1:" in result.stderr
    assert "the capture has begun with other links" in result.stderr
    assert f"netlab down net && netlab up {net.topology}" in result.stderr
    assert everything(net) == before


def test_what_the_kernel_refuses_is_told_and_can_be_mended(net):
    changed = hosts()
    changed["two"].update(sysctls={"net.ipv4.no_such_thing": 1},
                          routes=[{"to": "10.99.0.0/16", "via": "10.1.0.9"}])
    write(net, hosts=changed, bridges={**BRIDGES, "br1": {"mtu": 9000}})
    result = apply(net).exited(1)
    assert "two: " in result.stderr and "net.ipv4.no_such_thing" in result.stderr
    assert "(after 1 of 3 changes, which stay)" in result.stderr
    del changed["two"]["sysctls"]
    write(net, hosts=changed, bridges={**BRIDGES, "br1": {"mtu": 9000}})
    assert lines(net) == ["+ route 10.99.0.0/16 via 10.1.0.9 of two"]
    settle(net)


def test_a_killed_verb_leaves_a_lab_that_can_be_applied_to(net):
    changed = hosts()
    for n in range(40):
        changed[f"h{n}"] = {"links": {"eth0": {"bridge": "br1"}}}
    write(net, hosts=changed)
    verb = subprocess.Popen([net.netlab, "apply", net.topology, "--name", net.name],
                            stdout=subprocess.PIPE)
    verb.send_signal(signal.SIGKILL)
    verb.communicate(timeout=60)
    apply(net).ok()
    settle(net)
    assert len(ip(net, "host", "link")) == 3 + 2 + 40


# --- a guest that keeps running -------------------------------------------------------------------

GUEST = {"memory": "256M", "run": ["epoll-echo", "--port", "7777"]}


def server(**card):
    keys = {"bridge": "br0", "addresses": ["10.1.0.10/24"], **card}
    return {"server": {**GUEST, "nics": [{k: v for k, v in keys.items() if v is not None}]}}


@pytest.fixture
def guest(make_lab):
    lab = make_lab("net", guests=server(), bridges=BRIDGES, hosts=hosts(), capture=None)
    lab.up().ok()
    return lab


def carrier(lab):
    return lab.exec("server", "cat", "/sys/class/net/eth0/carrier").ok().stdout.strip()


def boot(lab):
    """What another boot would change."""
    return (lab.exec("server", "cat", "/proc/sys/kernel/random/boot_id").ok().stdout,
            lab.guest()["pid"])


def test_a_guests_card_moves_to_another_bridge(guest):
    before = boot(guest)
    assert reaches(guest, "one", "10.1.0.10")
    changed = hosts()
    changed["three"] = {"links": {"eth0": {"bridge": "br1", "addresses": ["10.1.0.3/24"]}}}
    write(guest, hosts=changed, guests=server(bridge="br1", mtu=1400))
    told = lines(guest)
    assert {"~ server.0: bridge br0 -> br1", "~ server.0: mtu 1500 -> 1400"} <= set(told)
    assert reaches(guest, "three", "10.1.0.10")
    assert guest.guest()["nics"][0]["bridge"] == "br1"
    settle(guest)
    write(guest, guests=server(bridge="br1", impair={"to": {"rate": "8mbit"}}))
    apply(guest).ok()
    assert root_qdisc(guest, "host", "server.0") == ("tbf", 1000000)
    settle(guest)
    write(guest, guests=server())
    apply(guest).ok()
    settle(guest)
    assert guest.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").returncode == 0
    assert boot(guest) == before


@pytest.mark.parametrize("model", ["e1000", "virtio-net-pci"])
def test_a_guest_sees_its_cable_pulled(make_lab, model):
    lab = make_lab("net", guests=server(model=model), bridges=BRIDGES, hosts=hosts(),
                   capture=None)
    lab.up().ok()
    before = boot(lab)
    assert carrier(lab) == "1"
    write(lab, guests=server(model=model, up=False))
    assert lines(lab) == ["~ server.0: state up -> down"]
    wait_until(lambda: carrier(lab) == "0", "the guest sees no carrier")
    assert "UP" not in link(lab, "host", "server.0")["flags"]
    settle(lab)
    write(lab, guests=server(model=model))
    assert lines(lab) == ["~ server.0: state down -> up"]
    wait_until(lambda: carrier(lab) == "1", "the guest sees a carrier")
    assert reaches(lab, "one", "10.1.0.10")
    assert boot(lab) == before


@pytest.mark.parametrize("model", ["e1000", "virtio-net-pci"])
def test_a_tap_that_someone_deleted_is_made_again_below_its_guest(make_lab, model):
    lab = make_lab("net", guests=server(model=model), bridges=BRIDGES, hosts=hosts(),
                   capture=None)
    lab.up().ok()
    before = boot(lab)
    lab.exec("host", "ip", "link", "del", "server.0").ok()
    assert lines(lab) == ["+ link server.0: tap, port of br0"]
    assert reaches(lab, "one", "10.1.0.10")
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()
    settle(lab)
    assert boot(lab) == before


def test_a_guests_machine_is_fixed(guest):
    before = everything(guest)
    other = server(mac="02:00:00:00:00:aa", model="virtio-net-pci", addresses=["10.1.0.11/24"])
    other["server"].update(memory="128M", cpus=2, run=["epoll-echo", "--port", "8888"])
    other["server"]["nics"].append({"bridge": "br1"})
    write(guest, guests=other, bridges={**BRIDGES, "br1": {"mtu": 9000}})
    error = apply(guest).exited(1).stderr
    for what in ["256M of memory, not 128M", "1 CPUs, not 2", "another command",
                 "1 cards, not 2", "is e1000, not virtio-net-pci", "not 02:00:00:00:00:aa",
                 "given its addresses when the guest booted"]:
        assert what in error
    assert everything(guest) == before
    write(guest, guests=None)
    assert "guest 'server' is up, and is not in it" in apply(guest).exited(1).stderr


def test_a_link_that_is_captured_is_not_made_anew(make_lab):
    links = {"vx": {"vxlan": 7, "local": "10.1.0.254", "remote": "10.1.0.9"}}
    lab = make_lab("net", guests=None, bridges=BRIDGES, hosts=hosts(), links=links,
                   capture=["vx"])
    lab.up().ok()
    links["vx"]["vxlan"] = 8
    write(lab, links=links, bridges={**BRIDGES, "br1": {"mtu": 9000}}, capture=["vx"])
    error = apply(lab).exited(1).stderr
    assert "vx: it would have to be made anew, and is being captured" in error
    assert "netlab down net" in error
    assert link(lab, "host", "br1")["mtu"] == 1500
    assert lab.status()["capture"]["running"]


def test_a_link_of_a_host_that_is_captured_is_not_made_anew(make_lab):
    lab = make_lab("net", guests=None, bridges=BRIDGES, hosts=hosts(), capture=["one/vx0"])
    lab.up().ok()
    changed = hosts()
    changed["one"]["links"]["vx0"]["vxlan"] = 8
    write(lab, hosts=changed, capture=["one/vx0"])
    assert "vx0: it would have to be made anew" in apply(lab).exited(1).stderr
    changed = hosts()
    changed["one"]["links"]["vx0"]["mtu"] = 1300
    write(lab, hosts=changed, capture=["one/vx0"])
    assert lines(lab) == ["~ one/vx0: mtu 1500 -> 1300"]
    assert lab.status()["capture"]["running"]


def test_a_card_moves_off_its_bridge_and_back(guest):
    before = boot(guest)
    write(guest, guests=server(bridge=None, host={"addresses": ["10.1.0.200/24"]}),
          bridges={"br0": {}, "br1": {}})
    apply(guest).ok()
    assert addresses(guest, "host", "server.0") == {"10.1.0.200/24"}
    assert "master" not in link(guest, "host", "server.0")
    assert reaches(guest, "host", "10.1.0.10")
    settle(guest)
    write(guest, guests=server())
    apply(guest).ok()
    assert not ip(guest, "host", "address", "show", "dev", "server.0")[0]["addr_info"]
    assert reaches(guest, "one", "10.1.0.10")
    settle(guest)
    assert boot(guest) == before


def test_requests_over_the_socket_are_trusted_in_nothing(net, runtime):
    def ask(**request):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(runtime / net.name / "control"))
            client.sendall(json.dumps({"id": 1, "request": "apply", **request}).encode() + b"\n")
            return json.loads(client.makefile().readline())["error"]

    before = everything(net)
    text = net.topology.read_text().replace('"br1": {}', '"br1": {"mtu": 9000}')
    assert "no file and text" in ask()["message"]
    assert "no file and text" in ask(file="x", text=7)["message"]
    assert "dry_run" in ask(file="x", text=text, dry_run=1)["message"]
    assert ask(file="x", text="bridges: [")["message"].startswith("x:2:1: ")
    assert everything(net) == before
