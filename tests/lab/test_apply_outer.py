# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab apply on the kernel lab: what an ordinary kernel may lack, VLANs, netem, ifb, dummies."""
import json

import pytest


class Inner:
    """A lab without guests, in the guest."""

    def __init__(self, outer):
        self.outer = outer

    def write(self, **topology):
        text = json.dumps({"name": "inner", **topology})
        self.outer.run("sh", "-c", 'printf %s "$1" >/tmp/inner.yaml', "sh", text).ok()

    def verb(self, *words):
        return self.outer.run(self.outer.netlab, *words)

    def apply(self, *options):
        return self.verb("apply", "/tmp/inner.yaml", *options)

    def lines(self):
        return self.apply().ok().stdout.splitlines()[:-1]

    def settle(self):
        assert self.apply().ok().stdout == "lab inner: nothing to change\n"

    def exec(self, node, *command):
        return self.verb("exec", f"inner/{node}", "--", *command)


@pytest.fixture
def inner(outer):
    lab = Inner(outer)
    yield lab
    lab.verb("down", "inner")


def vlans(lab, port):
    shown = lab.exec("host", "bridge", "-j", "vlan", "show", "dev", port).json()
    return {(v["vlan"], *sorted(v.get("flags", []))) for v in shown[0]["vlans"]} if shown else set()


def everyone(**of_port):
    return {"one": {"links": {"eth0": {"bridge": "br0", "addresses": ["10.1.0.1/24"], **of_port}}}}


def test_vlans_of_ports(inner):
    inner.write(bridges={"br0": {}, "br1": {"vlan_filtering": True}}, hosts=everyone())
    inner.verb("up", "/tmp/inner.yaml").ok()
    inner.settle()
    filtering = {"br0": {"vlan_filtering": True, "vlans": {"pvid": 1, "tagged": [10]}},
                 "br1": {"vlan_filtering": True}}
    inner.write(bridges=filtering, hosts=everyone(vlans={"pvid": 10, "tagged": [20]}))
    assert inner.lines() == [
        "~ br0: vlan_filtering off -> on",
        "~ br0: vlans 1 pvid untagged -> 1 pvid untagged, 10",
        "~ one.eth0: vlans 1 pvid untagged -> 10 pvid untagged, 20"]
    assert vlans(inner, "one.eth0") == {(10, "Egress Untagged", "PVID"), (20,)}
    assert vlans(inner, "br0") == {(1, "Egress Untagged", "PVID"), (10,)}
    inner.settle()
    inner.exec("host", "bridge", "vlan", "add", "dev", "one.eth0", "vid", "30").ok()
    assert inner.lines() == [
        "~ one.eth0: vlans 10 pvid untagged, 20, 30 -> 10 pvid untagged, 20"]
    changed = everyone(vlans={"untagged": [7, 8]})
    changed["one"]["links"]["eth0"]["bridge"] = "br1"
    inner.write(bridges=filtering, hosts=changed)
    assert inner.lines() == ["~ one.eth0: bridge br0 -> br1"]
    assert vlans(inner, "one.eth0") == {(7, "Egress Untagged"), (8, "Egress Untagged")}
    inner.settle()
    inner.write(bridges={"br0": {}, "br1": {}}, hosts=everyone())
    inner.apply().ok()
    inner.settle()
    inner.write(bridges=filtering, hosts=everyone())
    inner.apply().ok()
    assert vlans(inner, "one.eth0") == {(1, "Egress Untagged", "PVID")}
    inner.settle()


def qdiscs(lab, node, device):
    shown = lab.exec(node, "tc", "-j", "qdisc", "show", "dev", device).json()
    return {q["kind"]: q["options"] for q in shown}


def test_impairments_of_both_directions(inner):
    inner.write(bridges={"br0": {}}, hosts=everyone(
        impair={"to": {"delay": "10ms", "jitter": "2ms", "loss": "1%", "duplicate": "0.5%",
                       "corrupt": "0.25%", "reorder": "2%", "rate": "8mbit"}}))
    inner.verb("up", "/tmp/inner.yaml").ok()
    inner.settle()
    inner.write(bridges={"br0": {}}, hosts=everyone(impair={"to": {"delay": "20ms"}}))
    assert inner.lines() == [
        "~ one.eth0: impair delay 10ms, jitter 2ms, loss 1%, duplicate 0.5%, corrupt 0.25%, "
        "reorder 2%, rate 8mbit -> delay 20ms"]
    assert qdiscs(inner, "host", "one.eth0")["netem"]["delay"]["delay"] == 0.02
    inner.settle()
    inner.exec("host", "tc", "qdisc", "del", "dev", "one.eth0", "root").ok()
    assert inner.lines() == ["~ one.eth0: impair none -> delay 20ms"]
    inner.write(bridges={"br0": {}}, hosts=everyone())
    assert inner.lines() == ["~ one.eth0: impair delay 20ms -> none"]
    assert set(qdiscs(inner, "host", "one.eth0")) == {"noqueue"}
    inner.settle()


def test_links_of_all_kinds(inner):
    def links(**change):
        made = {"low": {"dummy": True, "addresses": ["10.2.0.1/24"]},
                "i": {"ifb": True},
                "v7": {"vlan": 7, "link": "low", "addresses": ["10.7.0.1/24"]},
                "v8": {"vlan": 8, "link": "v7"},
                "m": {"macvlan": "private", "link": "br0"},
                "x": {"vxlan": 5, "local": "10.2.0.1", "remote": "10.2.0.9", "link": "low",
                      "bridge": "br0"}}
        for name, keys in change.items():
            made[name] = {**made[name], **keys}
        return made

    inner.write(bridges={"br0": {}}, links=links())
    inner.verb("up", "/tmp/inner.yaml").ok()
    inner.settle()
    inner.write(bridges={"br0": {}}, links=links(low={"mtu": 9000}))
    assert set(inner.lines()) == {
        "~ low: mtu 1500 -> 9000", "~ v7: mtu 1500 -> 9000", "~ v8: mtu 1500 -> 9000",
        "~ x: mtu 1450 -> 8950", "~ br0: mtu 1450 -> 8950", "~ m: mtu 1450 -> 8950"}
    inner.settle()
    inner.exec("host", "ip", "link", "del", "low").ok()
    told = inner.lines()
    assert {"+ link low: dummy, 10.2.0.1/24", "+ link v7: vlan, on low, 10.7.0.1/24",
            "+ link v8: vlan, on v7"} <= set(told)
    inner.settle()
    inner.write(bridges={"br0": {}},
                links=links(low={"mtu": 9000}, v7={"vlan": 9}, m={"macvlan": "vepa"}))
    assert set(inner.lines()) == {
        "- link v7: vlan", "- link m: macvlan", "- link v8: vlan",
        "+ link v7: vlan, on low, 10.7.0.1/24", "+ link m: macvlan, on br0",
        "+ link v8: vlan, on v7"}
    shown = {one["ifname"]: one for one in
             inner.exec("host", "ip", "-j", "-d", "link").json()}
    assert shown["v7"]["linkinfo"]["info_data"]["id"] == 9
    assert shown["m"]["linkinfo"]["info_data"]["mode"] == "vepa"
    inner.settle()
    inner.write(bridges={"br0": {}})
    inner.apply().ok()
    assert [one["ifname"] for one in inner.exec("host", "ip", "-j", "link").json()] == [
        "lo", "br0"]
    inner.settle()


def test_what_comes_in_by_a_guests_card(inner, cache):
    """Through an ifb, which comes and goes. The guest is never let go: its TAP is what counts."""
    def write(**impair):
        inner.write(bridges={"br0": {}}, guests={"g": {"memory": "64M", "nics": [
            {"bridge": "br0", **({"impair": impair} if impair else {})}]}})

    def actions():
        shown = inner.exec("host", "tc", "-j", "filter", "show", "dev", "g.0", "ingress").json()
        return [a["to_dev"] for f in shown for a in f.get("options", {}).get("actions", [])]

    write()
    inner.outer.run("env", f"XDG_CACHE_HOME={cache}", inner.outer.netlab, "up",
                    "/tmp/inner.yaml", "--freeze", "--accel", "tcg").ok()
    inner.settle()
    write(**{"from": {"delay": "5ms"}})
    assert inner.lines() == ["+ link ifb-g.0: ifb"]
    assert actions() == ["ifb-g.0"]
    assert qdiscs(inner, "host", "ifb-g.0")["netem"]["delay"]["delay"] == 0.005
    inner.settle()
    write(**{"from": {"delay": "7ms"}, "to": {"loss": "1%"}})
    assert inner.lines() == ["~ g.0: impair none -> loss 1%",
                             "~ ifb-g.0: impair delay 5ms -> delay 7ms"]
    inner.settle()
    inner.exec("host", "ip", "link", "del", "ifb-g.0").ok()
    assert inner.lines() == ["- redirect to ifb-g.0 of g.0", "+ link ifb-g.0: ifb"]
    assert actions() == ["ifb-g.0"]
    inner.exec("host", "tc", "qdisc", "del", "dev", "g.0", "clsact").ok()
    assert inner.lines() == ["+ redirect to ifb-g.0 of g.0"]
    assert actions() == ["ifb-g.0"]
    inner.settle()
    write()
    assert inner.lines() == ["- redirect to ifb-g.0 of g.0", "- link ifb-g.0: ifb",
                             "~ g.0: impair loss 1% -> none"]
    assert set(qdiscs(inner, "host", "g.0")) == {"noqueue", "clsact"}
    inner.settle()
