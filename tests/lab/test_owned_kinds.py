# SPDX-License-Identifier: GPL-2.0-or-later
"""`netns: host` in a guest, which stands for a whole machine: each kind of link, its owner known
from the moment it is made, as this kernel has the kinds that the host's may lack."""
import json

TOPOLOGY = {
    "name": "kinds", "netns": "host",
    "bridges": {"br0": {"addresses": ["10.1.0.1/24"], "vlan_filtering": True}},
    "hosts": {"one": {"links": {"eth0": {"bridge": "br0", "addresses": ["10.1.0.2/24"]}}}},
    "links": {
        "low": {"dummy": True, "bridge": "br0", "vlans": {"pvid": 7}},
        "tap0": {"tap": True, "owner": "daemon", "bridge": "br0"},
        "br0.7": {"vlan": 7, "link": "br0", "addresses": ["10.7.0.1/24"]},
        "vx0": {"vxlan": 42, "local": "10.1.0.1", "remote": "10.1.0.2"},
        "mv0": {"macvlan": "bridge", "link": "br0"},
        "in0": {"ifb": True, "impair": {"delay": "1ms"}},
    },
}
KINDS = {"br0": "bridge", "one.eth0": "veth", "low": "dummy", "tap0": "tun", "br0.7": "vlan",
         "vx0": "vxlan", "mv0": "macvlan", "in0": "ifb"}


def links(outer):
    return {link["ifname"]: (link.get("linkinfo", {}).get("info_kind"), link.get("ifalias"))
            for link in outer.run("ip", "-json", "-details", "link").json()}


def test_each_kind_and_its_owner(outer):
    before = links(outer)
    outer.run("sh", "-c", 'printf %s "$1" >/tmp/kinds.yaml', "sh", json.dumps(TOPOLOGY)).ok()
    made = {**before, **{n: (kind, f"netlab:kinds:{n}") for n, kind in KINDS.items()}}
    outer.run(outer.netlab, "up", "/tmp/kinds.yaml").ok()
    assert links(outer) == made
    pid = outer.run(outer.netlab, "status", "kinds", "--json").json()["pid"]
    outer.run("sh", "-c", f"kill -9 {pid}; tail --pid={pid} -f /dev/null").ok()
    assert set(links(outer)) >= set(KINDS) - {"one.eth0"}
    assert "removed what it left" in outer.run(outer.netlab, "up", "/tmp/kinds.yaml").ok().stderr
    assert links(outer) == made
    outer.run(outer.netlab, "down", "kinds").ok()
    assert links(outer) == before
