# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab graph of topology files, with Python's XML parser and Graphviz's dot as witnesses."""
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

SVG = "{http://www.w3.org/2000/svg}"
TWO_AND_A_ROUTER = """
name: two
bridges:
  br0: {addresses: [192.0.2.254/24]}
  br1: {}
guests:
  client: {nics: [{bridge: br0, mac: "52:54:00:00:00:01", addresses: [192.0.2.1/24]}]}
  router:
    nics:
      - {model: virtio-net-pci, bridge: br0, addresses: [192.0.2.2/24]}
      - {bridge: br1, addresses: ["2001:db8::2/64"]}
  server: {nics: [{bridge: br1, addresses: ["2001:db8::1/64"]}]}
"""


@pytest.fixture
def graph(netlab, run, tmp_path):
    """graph(text of a topology, *options) -> what netlab graph prints."""
    def draw(text, *options):
        path = tmp_path / "t.yaml"
        path.write_text(text)
        return run(netlab, "graph", path, *options).ok().stdout
    return draw


def texts(element):
    return [text.text for text in element.iter(f"{SVG}text")]


def groups(root, kind):
    return [g for g in root.iter(f"{SVG}g") if g.get("class").split()[0] == kind]


def test_svg_shows_everything(graph):
    root = ElementTree.fromstring(graph(TWO_AND_A_ROUTER))
    nodes = {texts(g)[0]: g for g in groups(root, "node")}
    assert set(nodes) == {"br0", "br1", "client", "router", "server", "host side"}
    assert nodes["router"].get("class") == "node guest"
    ids = {g.get("id"): name for name, g in nodes.items()}
    edges = {(ids[g.get("data-from")], ids[g.get("data-to")]): texts(g)
             for g in groups(root, "edge")}
    assert set(edges) == {("client", "br0"), ("router", "br0"), ("router", "br1"),
                          ("server", "br1"), ("host side", "br0")}
    assert edges["client", "br0"] == ["client.0", "e1000", "52:54:00:00:00:01", "192.0.2.1/24"]
    assert "virtio-net-pci" in edges["router", "br0"]
    assert edges["host side", "br0"] == ["br0", "192.0.2.254/24"]


def test_svg_is_for_everyone(graph):
    text = graph(TWO_AND_A_ROUTER)
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    labels = {root.find(f"{SVG}{tag}").get("id"): root.find(f"{SVG}{tag}").text
              for tag in ["title", "desc"]}
    assert root.get("aria-labelledby").split() == list(labels)
    assert list(labels.values()) == ["lab two", "2 bridges, 3 guests"]
    assert "prefers-color-scheme:dark" in text
    assert all(g.find(f"{SVG}title").text for g in groups(root, "node"))


def test_kind_of_a_virtual_link(graph):
    root = ElementTree.fromstring(graph(json.dumps({"bridges": {"br0": None}, "hosts": {
        "a": {"links": {"eth0": {"bridge": "br0"},
                        "mv": {"macvlan": "private", "link": "eth0"},
                        "v7": {"vlan": 7, "link": "mv"}, "d": {"dummy": "on"}}}}})))
    shown = [text for group in groups(root, "node") + groups(root, "edge")
             for text in texts(group)]
    assert {"macvlan private", "VLAN 7", "dummy"} <= set(shown)


def test_fifty_machines_stay_within_a_screen(graph):
    guests = {f"h{i}": {"nics": [{"bridge": "br0", "addresses": [f"10.0.0.{i + 1}/24"]}]}
              for i in range(50)}
    root = ElementTree.fromstring(graph(json.dumps(
        {"name": "fifty", "bridges": {"br0": {"addresses": ["10.0.0.254/24"]}},
         "guests": guests})))
    assert len(groups(root, "guest")) == 0 and len(groups(root, "node")) == 52
    assert int(root.get("width")) < 1920 and int(root.get("height")) < 1400


def test_the_same_file_gives_the_same_drawing(graph):
    for form in ["svg", "dot", "mermaid"]:
        assert graph(TWO_AND_A_ROUTER, "-f", form) == graph(TWO_AND_A_ROUTER, "-f", form)


def test_dot_is_what_graphviz_reads(graph, run):
    text = run("dot", "-Tjson0", input=graph(TWO_AND_A_ROUTER, "--format", "dot")).ok().stdout
    read = json.loads(text)
    labels = {node["_gvid"]: node["label"].split("\\n")[0] for node in read["objects"]}
    assert {(labels[e["tail"]], labels[e["head"]]) for e in read["edges"]} == {
        ("client", "br0"), ("router", "br0"), ("router", "br1"), ("server", "br1"),
        ("host side", "br0")}
    assert any("52:54:00:00:00:01" in e["label"] for e in read["edges"])


def test_mermaid_is_made_of_nodes_and_edges(graph):
    lines = graph(TWO_AND_A_ROUTER, "-f", "mermaid").splitlines()
    assert lines[0] == "flowchart TB"
    text = r"(?:[^\"#\[\]{}|<>`]|#\d+;|<br/>)*"
    node = re.compile(rf'\t(n\d+)\["({text})"\]:::(\w+)')
    edge = re.compile(rf'\t(n\d+) ---\|"({text})"\| (n\d+)')
    nodes = {m[1]: m[2].split("<br/>")[0] for m in map(node.fullmatch, lines) if m}
    edges = {(nodes[m[1]], nodes[m[3]]) for m in map(edge.fullmatch, lines) if m}
    assert len(nodes) == 6 and len(edges) == 5
    assert ("router", "br1") in edges
    classes = [line for line in lines if line.startswith("\tclassDef ")]
    assert len(lines) == 1 + len(nodes) + len(edges) + len(classes)


def test_a_tap_that_no_guest_has(graph):
    root = ElementTree.fromstring(graph(
        "name: t\nbridges: {br0: }\n"
        "links: {t0: {tap: on, owner: alice, bridge: br0}, t1: {tap: on}}\n"))
    nodes = {texts(g)[0]: texts(g)[1:] for g in groups(root, "node")}
    assert nodes["t0"] == ["tap", "for alice"] and nodes["t1"] == ["tap"]
    ids = {g.get("id"): texts(g)[0] for g in groups(root, "node")}
    assert {(ids[g.get("data-from")], ids[g.get("data-to")]) for g in groups(root, "edge")} >= {
        ("t0", "br0")}


def test_into_a_file(netlab, run, source, tmp_path):
    path = tmp_path / "lab.svg"
    result = run(netlab, "graph", source / "topologies/tcp-receive.yaml", "-o", path).ok()
    assert result.stdout == ""
    assert ElementTree.parse(path).getroot().tag == f"{SVG}svg"


def test_faults(netlab, run, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: x\nguests: {g: {nics: [{bridge: br7}]}}\n")
    assert "bad.yaml:2:" in run(netlab, "graph", bad).exited(1).stderr
    assert "'png' is no format" in run(netlab, "graph", bad, "-f", "png").exited(1).stderr
    assert "no lab 'not-there'" in run(netlab, "graph", "not-there").exited(1).stderr
    assert run(netlab, "graph", "a", "b").exited(2).stdout == ""


def test_what_is_set_is_drawn(graph, netlab, run):
    assert "br9" in graph(TWO_AND_A_ROUTER, "-f", "dot", "--set", "bridges.br9={}")
    assert "--set is for a file; a lab is what it is; 'netlab apply' changes one" in run(
        netlab, "graph", "--set", "bridges.br9={}").exited(1).stderr
