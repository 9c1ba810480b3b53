# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab graph of a lab that runs."""
import re
import xml.etree.ElementTree as ElementTree

from lab import ask_who_has, ip


def frames_sent(lab):
    return lab.ip("-s", "link", "show", "br0")[0]["stats64"]["tx"]["packets"]


def test_a_link_that_someone_deleted_is_marked(bridges):
    ip(bridges, "link", "delete", "br1")
    svg = ElementTree.fromstring(bridges.verb("graph", bridges.name).ok().stdout)
    assert "is gone" in [e.text for e in svg.iter() if e.get("class") == "alarm"]


def test_a_graph_of_the_living_lab_has_its_counters(bridges):
    ip(bridges, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    ip(bridges, "link", "set", "v0", "master", "br0", "up")
    ip(bridges, "link", "set", "v1", "up")
    ask_who_has(bridges, "192.0.2.2")
    before = frames_sent(bridges)
    dot = bridges.verb("graph", bridges.name, "-f", "dot").ok().stdout
    drawn = int(re.search(r"192.0.2.1/24.*sent (\d+) frame", dot)[1])
    assert 0 < before <= drawn <= frames_sent(bridges)
