# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with root: host and the kernel lab: what it has, and netlab at work in it."""
import json
import pathlib
import re

import pytest

BOOT_ID = "/proc/sys/kernel/random/boot_id"
LINK_TESTS = 600  # seconds until tests of links, emulated, count as hung


def test_it_is_another_machine_with_the_hosts_files(outer, tmp_path):
    (tmp_path / "note").write_text("from the host\n")
    assert outer.run("cat", tmp_path / "note").ok().stdout == "from the host\n"
    assert outer.run("cat", "/etc/os-release").ok().stdout == pathlib.Path(
        "/etc/os-release").read_text()
    assert outer.run("cat", BOOT_ID).ok().stdout != pathlib.Path(BOOT_ID).read_text()


def test_what_it_writes_stays_in_it(outer, tmp_path):
    (tmp_path / "old").write_text("old\n")
    (tmp_path / "gone").write_text("gone\n")
    outer.run("sh", "-ec", 'cd "$1"; echo new >>old; rm gone; mkdir folder', "sh",
              tmp_path).ok()
    assert outer.run("ls", tmp_path).ok().stdout.split() == ["folder", "old"]
    assert outer.run("cat", tmp_path / "old").ok().stdout == "old\nnew\n"
    assert {path.name for path in tmp_path.iterdir()} == {"old", "gone"}
    assert (tmp_path / "old").read_text() == "old\n"


def test_agent_console_and_own_programs(outer):
    """The programs of the image are there, behind those of the host."""
    found = outer.run("sh", "-c", "command -v epoll-echo; command -v cat").ok().stdout
    assert found.split() == ["/run/initramfs/bin/epoll-echo", "/usr/bin/cat"]
    processes = outer.run("/run/initramfs/bin/ps", "-o", "args").ok().stdout.splitlines()
    assert "/run/initramfs/usr/lib/netlab/agent" in processes
    assert "-bash" in processes, "a shell of the host's on the console"


def inside(outer, script):
    """A shell script in a network namespace of its own, in the guest."""
    return outer.run("unshare", "-n", "sh", "-ec", script).ok().stdout


@pytest.mark.parametrize("kind, words", [
    ("bridge", "vlan_filtering 1"), ("veth", "peer name other"), ("vlan", "id 7"),
    ("vxlan", "id 7 dstport 4789 dev lower"), ("macvlan", "mode bridge"),
    ("ipvlan", "mode l2"), ("dummy", ""), ("ifb", ""), ("vrf", "table 7"),
    ("bond", "mode 802.3ad")])
def test_kernel_has_link(outer, kind, words):
    link = "link lower" if kind in ("vlan", "macvlan", "ipvlan") else ""
    shown = inside(outer, f"ip link add lower type dummy; "
                   f"ip link add name it {link} type {kind} {words}; "
                   "ip -json -details link show dev it")
    assert json.loads(shown)[0]["linkinfo"]["info_kind"] == kind


@pytest.mark.parametrize("kind, words", [
    ("netem", "delay 10ms loss 1%"), ("tbf", "rate 1mbit burst 10k latency 50ms"),
    ("fq", ""), ("fq_codel", ""), ("htb", "")])
def test_kernel_has_qdisc(outer, kind, words):
    shown = inside(outer, f"ip link add it type dummy; "
                   f"tc qdisc add dev it root {kind} {words}; tc -json qdisc show dev it")
    assert json.loads(shown)[0]["kind"] == kind


@pytest.mark.parametrize("kind, words", [
    ("u32", "match u32 0 0"), ("matchall", ""), ("bpf", "bytecode '1,6 0 0 4294967295,'")])
@pytest.mark.parametrize("qdisc", ["ingress", "clsact"])
def test_kernel_has_filter(outer, qdisc, kind, words):
    shown = inside(outer, f"ip link add it type dummy; ip link add ifb type ifb; "
                   f"tc qdisc add dev it {qdisc}; "
                   f"tc filter add dev it ingress protocol all {kind} {words} "
                   "action mirred egress redirect dev ifb; "
                   "tc -json filter show dev it ingress")
    filters = [f for f in json.loads(shown) if "actions" in f.get("options", {})]
    assert [(f["kind"], f["options"]["actions"][0]["kind"]) for f in filters] == [
        (kind, "mirred")]


def test_kernel_compiles_bpf(outer):
    assert outer.run("cat", "/proc/sys/net/core/bpf_jit_enable").ok().stdout == "1\n"


def test_lab_in_the_guest(outer):
    """netlab up, seen by the iproute2 of the guest; after netlab down its folder is gone."""
    netlab = outer.netlab
    text = json.dumps({"bridges": {"br0": {"addresses": ["192.168.100.50/24"]}, "br1": {}}})
    outer.run("sh", "-c", 'printf %s "$1" >/tmp/inner.yaml', "sh", text).ok()
    outer.run(netlab, "up", "/tmp/inner.yaml").ok()
    links = outer.run(netlab, "exec", "inner/host", "--", "ip", "-json", "-details",
                      "address").json()
    bridges = {link["ifname"]: [a["local"] for a in link["addr_info"]
                                if a["family"] == "inet"]
               for link in links if link.get("linkinfo", {}).get("info_kind") == "bridge"}
    assert bridges == {"br0": ["192.168.100.50"], "br1": []}
    assert "br0" not in outer.run("ip", "link").ok().stdout
    outer.run(netlab, "down", "inner").ok()
    assert outer.run("ls", "-A", "/run/netlab").ok().stdout == ""


@pytest.mark.parametrize("words", [
    ["tests/netns/test_link_kinds.py"],
    # A full bridge is as full anywhere, and a user as ordinary: both take long here.
    ["tests/netns/test_link.py", "-k", "not full_bridge and not ordinary_user"],
], ids=["kinds", "link"])
def test_tests_of_links_in_the_guest(outer, words):
    """The tests of netlab/link/ on the kernel lab, which has all that some of them need."""
    result = outer.run("NETLAB_TEST_ALL=1", "/usr/bin/python3", "-m", "pytest", *words,
                       deadline=LINK_TESTS).ok()
    summary = result.stdout.splitlines()[-1]
    assert re.fullmatch(r"=+ \d+ passed(, \d+ deselected)? in .*", summary), result.stdout


@pytest.mark.parametrize("name", ["vlans", "vxlan", "lossy-link"])
def test_iproute2_takes_the_exported_links(outer, source, netlab, run, tmp_path, kernel, name):
    script = tmp_path / "links"
    script.write_text(run(netlab, "export", "links", source / f"topologies/{name}.yaml").ok().stdout)
    shown = inside(outer, f"sh {script}; ip -json link; sh {script} down; ip -json link; ip netns")
    up, down, *namespaces = shown.splitlines()
    assert len(json.loads(up)) > 2
    assert [link["ifname"] for link in json.loads(down) if link["ifname"] != "lo"] == []
    assert not namespaces
