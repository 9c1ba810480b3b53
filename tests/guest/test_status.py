# SPDX-License-Identifier: GPL-2.0-or-later
"""What status says of the links of a lab that runs, with iproute2 as the witness."""
from lab import ask_who_has, ip


def test_live_state_is_what_iproute2_says(bridges):
    ip(bridges, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    ip(bridges, "link", "set", "v0", "master", "br0", "up")
    ip(bridges, "link", "set", "v1", "up")
    ip(bridges, "link", "set", "br1", "down", "mtu", "1300", "txqueuelen", "7")
    ask_who_has(bridges, "192.0.2.2")
    lives = {link["name"]: link["live"] for link in bridges.status()["links"]}
    for link in bridges.ip("-s", "link", "show", "type", "bridge"):
        live = lives[link["ifname"]]
        assert live["index"] == link["ifindex"]
        assert live["operstate"] == link["operstate"].lower()
        assert live["up"] == ("UP" in link["flags"])
        assert live["carrier"] == ("LOWER_UP" in link["flags"])
        assert (live["mtu"], live["txqueuelen"], live["mac"]) == (
            link["mtu"], link["txqlen"], link["address"])
    assert lives["br0"]["tx"]["frames"] > 0
    assert lives["br1"]["mtu"] == 1300 and not lives["br1"]["up"]


def test_a_link_that_someone_deleted(bridges):
    ip(bridges, "link", "delete", "br1")
    assert [link["live"] is None for link in bridges.status()["links"]] == [False, True]
    shown = bridges.verb("status", bridges.name).ok().stdout
    assert "br1  bridge, GONE" in shown
    assert all(len(line) < 100 for line in shown.splitlines())
