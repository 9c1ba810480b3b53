# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab export links: iproute2 makes by its lines what netlab makes itself."""
import json

import pytest

TOPOLOGY = {
    "name": "lab",
    "bridges": {"br0": {"addresses": ["10.0.0.1/24", "fd00:1::1/64"], "mtu": 1400},
                "br1": {"stp": "on"}},
    "hosts": {
        "left": {"links": {
            "eth0": {"bridge": "br0", "addresses": ["10.0.0.2/24", "fd00:1::2/64"],
                     "offloads": {"gro": "off", "tso": "off"}, "txqueuelen": 77},
            "eth1": {"peer": "right/eth0", "addresses": ["10.0.1.1/31"]}},
            "routes": [{"to": "default", "via": "10.0.0.1", "metric": 7},
                       {"to": "fd00:9::/32", "via": "fd00:1::1"}],
            "neighbours": [{"address": "10.0.0.9", "mac": "52:54:00:00:00:09", "device": "eth0"}],
            "forward": "on"},
        "right": {"links": {"eth0": {"peer": "left/eth1", "addresses": ["10.0.1.0/31"],
                                     "mac": "52:54:00:00:00:01"}},
                  "sysctls": {"net.ipv4.tcp_sack": "0"}}},
}
ASK = ("ip -json -details link; ip -json address; ip -json route; ip -json -6 route; "
       "ip -json neighbour show nud permanent; cat /proc/sys/net/ipv4/tcp_sack "
       "/proc/sys/net/ipv4/conf/all/forwarding /proc/sys/net/ipv6/conf/all/forwarding")


def link_of(link):
    kind = link.get("linkinfo", {})
    data = kind.get("info_data", {})
    return {"name": link["ifname"], "kind": kind.get("info_kind"), "mtu": link["mtu"],
            "master": link.get("master"), "queue": link.get("txqlen"),
            "up": "UP" in link["flags"],
            "bridge": [data.get(key) for key in
                       ("stp_state", "forward_delay", "mcast_snooping", "vlan_filtering")]}


def address_of(address):
    return [address.get(key) for key in ("local", "prefixlen", "broadcast", "scope")]


def view(text):
    """What is the same however often it is made: no index, no derived MAC or link-local."""
    links, addresses, routes, routes6, neighbours, *switches = text.splitlines()
    return {
        "links": sorted((link_of(link) for link in json.loads(links)), key=lambda x: x["name"]),
        "addresses": sorted([link["ifname"], address_of(a)] for link in json.loads(addresses)
                            for a in link["addr_info"] if a.get("scope") != "link"),
        "routes": sorted([r["dst"], r.get("gateway", ""), r["dev"], r.get("metric", 0)]
                         for r in json.loads(routes) + json.loads(routes6)
                         if not r["dst"].startswith("fe80")),
        "neighbours": [[n["dst"], n.get("lladdr"), n["dev"]] for n in json.loads(neighbours)],
        "switches": switches,
    }


@pytest.fixture
def topology(tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text(json.dumps(TOPOLOGY))
    return path


def test_the_lines_make_what_netlab_makes(netlab, run, fresh_home, tmp_path, topology):
    nodes = ["host", "left", "right"]
    run(netlab, "up", topology, "-o", tmp_path / "out").ok()
    try:
        made = {node: view(run(netlab, "exec", node, "--", "sh", "-c", ASK).ok().stdout)
                for node in nodes}
    finally:
        run(netlab, "down").ok()
    script = tmp_path / "links"
    script.write_text(run(netlab, "export", "links", topology).ok().stdout)
    asked = " ; echo ---; ".join(f"ip netns exec lab-{node} sh -c '{ASK}'"
                                 for node in nodes[1:])
    result = run("unshare", "-m", "-n", "sh", "-ec",
                 f"mount -t tmpfs none /run; sh {script}; {ASK}; echo ---; {asked}; echo ---; "
                 f"sh {script} down; ip -json link; ip netns").ok()
    *by_hand, after = result.stdout.split("---\n")
    for node, text in zip(nodes, by_hand, strict=True):
        assert view(text) == made[node], node
    assert [link["ifname"] for link in json.loads(after)] == ["lo"]
