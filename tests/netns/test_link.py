# SPDX-License-Identifier: GPL-2.0-or-later
"""Links as iproute2 sees them, in network namespaces that netlab makes for itself."""
import os
import pathlib
import pwd
import shutil
import stat
import struct
import subprocess
import tempfile

import pytest

from holder import DEADLINE, HOLDER

TUN = pathlib.Path("/dev/net/tun")
LAB = ("bridge", "br0", "192.168.100.50/24,fd00:100::50/64",
       "tap", "server0", "br0", "tap", "client0", "br0")


@pytest.fixture
def lab(hold):
    holder = hold(*LAB)
    assert holder.outcome.startswith("READY"), holder.outcome
    return holder


def test_all_links_and_nothing_else(lab):
    assert set(lab.links()) == {"lo", "br0", "server0", "client0"}


def test_bridge(lab):
    bridge = lab.links()["br0"]
    data = bridge["linkinfo"]["info_data"]
    assert bridge["linkinfo"]["info_kind"] == "bridge"
    assert {"UP", "LOWER_UP"} <= set(bridge["flags"])
    assert bridge["mtu"] == 1500
    assert data["stp_state"] == 0
    assert data["forward_delay"] == 0
    assert data["mcast_snooping"] == 0
    assert bridge["inet6_addr_gen_mode"] == "none"


def test_taps(lab):
    links = lab.links()
    for name in ("server0", "client0"):
        tap = links[name]
        kind = tap["linkinfo"]
        assert kind["info_kind"] == "tun"
        assert kind["info_data"]["type"] == "tap"
        assert kind["info_data"]["pi"] is False
        assert kind["info_data"]["vnet_hdr"] is True
        assert kind["info_data"]["persist"] is False
        assert kind["info_slave_data"]["state"] == "forwarding"
        assert tap["master"] == "br0"
        assert tap["txqlen"] == 4096
        assert tap["qdisc"] == "noqueue"
        assert tap["mtu"] == 1500
        assert {"UP", "LOWER_UP"} <= set(tap["flags"])
        assert tap["inet6_addr_gen_mode"] == "none"
        assert lab.addresses(name) == {}


def test_loopback_is_up(lab):
    assert "UP" in lab.links()["lo"]["flags"]
    assert "127.0.0.1" in lab.addresses("lo")


def test_addresses(lab):
    addresses = lab.addresses("br0")
    v4 = addresses.pop("192.168.100.50")
    assert v4["prefixlen"] == 24
    assert v4["broadcast"] == "192.168.100.255"
    v6 = addresses.pop("fd00:100::50")
    assert v6["prefixlen"] == 64
    (local, link_local), = addresses.items()
    assert local.startswith("fe80::")
    for address in (v6, link_local):
        assert address.get("nodad") is True
        assert "tentative" not in address
        assert "dadfailed" not in address


def test_addresses_are_usable_at_once(lab):
    program = ("import socket\n"
               "for f, a in ((socket.AF_INET, '192.168.100.50'),"
               " (socket.AF_INET6, 'fd00:100::50')):\n"
               "    s = socket.create_server((a, 0), family=f)\n"
               "    socket.create_connection(s.getsockname()[:2], 5).close()\n")
    result = lab.inside("/usr/bin/python3", "-c", program)
    assert result.returncode == 0, result.stderr


def test_host_finds_its_neighbours_at_once(lab):
    """Frames that the host sends right after the build reach every port."""
    program = ("import socket\n"
               "for f, a in ((socket.AF_INET, '192.168.100.224'),"
               " (socket.AF_INET6, 'fd00:100::224')):\n"
               "    socket.socket(f, socket.SOCK_DGRAM).sendto(b'hello', (a, 9))\n")
    result = lab.inside("/usr/bin/python3", "-c", program)
    assert result.returncode == 0, result.stderr
    for tap in ("server0", "client0"):
        seen = tshark(lab.frames(tap, 0.5), "arp.dst.proto_ipv4", "icmpv6.nd.ns.target_address")
        assert ["192.168.100.224", ""] in seen
        assert ["", "fd00:100::224"] in seen


@pytest.mark.parametrize("addresses", ["10.1.2.1/31", "10.1.2.1/32", "10.1.2.1/30"])
def test_broadcast_address_only_where_the_network_has_one(hold, addresses):
    holder = hold("bridge", "br0", addresses)
    found = holder.addresses("br0")["10.1.2.1"]
    expected = {"10.1.2.1/30": "10.1.2.3"}.get(addresses)
    assert found.get("broadcast") == expected


def test_link_local_address_that_the_topology_gives(hold):
    holder = hold("bridge", "br0", "fe80::1/64")
    assert holder.outcome.startswith("READY"), holder.outcome
    assert "fe80::1" in holder.addresses("br0")


def test_mac_of_a_bridge_is_its_own_and_stays(hold):
    def mac(*arguments):
        holder = hold(*arguments)
        links = holder.links()
        ports = {links[n]["address"] for n in links if n.startswith("tap")}
        assert links["br0"]["address"] not in ports
        return links["br0"]["address"]

    alone = mac("bridge", "br0")
    assert int(alone[:2], 16) & 3 == 2, "locally administered, unicast"
    assert mac("bridge", "br0", "tap", "tap0", "br0", "tap", "tap1", "br0") == alone
    assert hold("bridge", "br1").links()["br1"]["address"] != alone


def test_descriptors(lab):
    assert lab.ask("fd server0") == "fd nonblock cloexec vnet_hdr=10"
    assert lab.ask("fd br0") == "fd none"
    assert lab.ask("fd nobody") == "fd none"


def tshark(frames, *fields):
    """One list of field values for each frame, as tshark reads them."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as capture:
        capture.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            capture.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
        capture.flush()
        arguments = [word for field in fields for word in ("-e", field)]
        result = subprocess.run(
            ["tshark", "-r", capture.name, "-T", "fields", *arguments],
            capture_output=True, text=True, timeout=DEADLINE, check=True)
    return [line.split("\t") for line in result.stdout.splitlines()]


MLDV2_REPORT, ROUTER_SOLICITATION = "143", "133"


def test_silence_of_the_host(lab):
    """
    The only frames of the host's own are the bridge's MLD reports: none comes from a port, and
    no router or duplicate address is looked for. Solicitations would repeat every 4 s.
    """
    links = lab.links()
    seen = tshark(lab.frames("server0", 5), "eth.src", "icmpv6.type")
    assert [links["br0"]["address"], MLDV2_REPORT] in seen, "nothing was captured"
    assert {tuple(row) for row in seen} == {(links["br0"]["address"], MLDV2_REPORT)}


def test_tap_without_bridge_is_point_to_point(hold):
    holder = hold("tap", "alone0", "")
    assert "UP" in holder.links()["alone0"]["flags"]
    types = {row[0] for row in tshark(holder.frames("alone0", 2), "icmpv6.type")}
    assert types <= {MLDV2_REPORT}, "no router is looked for"


def in_namespace_of(holder):
    user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
    return ["nsenter", "-t", str(holder.pid), *user, "-n"]


def test_namespace_without_ipv6(hold):
    """An administrator's "no IPv6" is heeded: IPv4 works, an IPv6 address is refused."""
    outer = hold("bridge", "br0")
    switch = "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"
    assert outer.inside("sh", "-c", switch).returncode == 0
    v4 = hold("bridge", "br1", "10.1.2.1/24", "tap", "tap1", "br1", "--here",
              prefix=in_namespace_of(outer))
    assert v4.outcome.startswith("READY"), v4.outcome
    assert set(outer.addresses("br1")) == {"10.1.2.1"}
    v6 = hold("bridge", "br2", "fd00::1/64", "--here", prefix=in_namespace_of(outer))
    assert "br2: test.yaml:1: address fd00::1/64: can't be added: Permission denied" in v6.outcome
    assert "br2" not in outer.links()


def test_second_build_joins_the_first(hold):
    holder = hold("bridge", "br0", "tap", "tap0", "br0", "also", "tap", "tap1", "br0")
    assert holder.outcome.startswith("READY"), holder.outcome
    assert holder.links()["tap1"]["master"] == "br0"


def test_delete(lab):
    assert lab.ask("delete") == "DELETED"
    assert set(lab.links()) == {"lo"}


# Each: what is built, the error's text, and the links that an earlier call had made.
FAILURES = {
    "bridge twice": (
        ("bridge", "br0", "bridge", "br0"),
        "br0: test.yaml:2: a link of that name exists already", set()),
    "bridge of an earlier call": (
        ("bridge", "br0", "tap", "tap0", "br0", "also", "bridge", "br1", "bridge", "br0"),
        "br0: test.yaml:2: a link of that name exists already", {"br0", "tap0"}),
    "tap of an earlier call": (
        ("bridge", "br0", "tap", "tap0", "br0",
         "also", "tap", "tap1", "br0", "tap", "tap0", "br0"),
        "tap0: test.yaml:2: a link of that name exists already", {"br0", "tap0"}),
    "tap named as a bridge": (
        ("bridge", "br0", "tap", "br0", "br0"),
        "br0: test.yaml:2: a link of that name exists already", set()),
    "tap named as the loopback": (
        ("tap", "lo", ""), "lo: test.yaml:1: a link of that name exists already", set()),
    "no such master": (
        ("bridge", "br0", "tap", "tap0", "br0", "tap", "tap1", "br7"),
        "tap1: test.yaml:3: no bridge 'br7' to be a port of", set()),
    "a master that is no bridge": (
        ("tap", "tap0", "", "tap", "tap1", "tap0"),
        "tap1: test.yaml:2: can't be configured: Operation not supported", set()),
    "address twice": (
        ("bridge", "br0", "10.0.0.1/24,10.0.0.1/24"),
        "br0: test.yaml:1: address 10.0.0.1/24: can't be added: File exists "
        "(kernel: ipv4: Address already assigned)", set()),
    "address twice in the second link": (
        ("bridge", "br0", "fd00::1/64", "bridge", "br1", "10.0.0.1/24,10.0.0.1/24"),
        "br1: test.yaml:2: address 10.0.0.1/24: can't be added: File exists "
        "(kernel: ipv4: Address already assigned)", set()),
    "multicast address": (
        ("tap", "tap0", "", "bridge", "br0", "ff02::1/64"),
        'br0: test.yaml:2: address ff02::1/64: can\'t be added: Cannot assign requested '
        'address (kernel: ipv6: Cannot assign multicast address without '
        '"IFA_F_MCAUTOJOIN" flag)', set()),
}


@pytest.mark.parametrize("arguments, text, left", FAILURES.values(), ids=FAILURES)
def test_failure_takes_all_of_its_links_with_it(hold, arguments, text, left):
    holder = hold(*arguments)
    code, _, said = holder.outcome.removeprefix("FAILED ").partition(": ")
    assert int(code) > 0
    # Kernels before 6.1 have fewer words, never other ones.
    assert said == text or said == text.partition(" (kernel: ")[0]
    assert set(holder.links()) == {"lo"} | left


def test_foreign_persistent_tap_is_not_taken_over(hold):
    """TUNSETIFF attaches to a persistent TAP that exists, unless it is told not to."""
    outer = hold("bridge", "br0")
    made = outer.inside("ip", "tuntap", "add", "theirs0", "mode", "tap")
    assert made.returncode == 0, made.stderr
    inner = hold("bridge", "br1", "tap", "theirs0", "br1", "--here",
                 prefix=in_namespace_of(outer))
    assert "theirs0: test.yaml:2: a link of that name exists already" in inner.outcome
    assert set(outer.links()) == {"lo", "br0", "theirs0"}
    assert "master" not in outer.links()["theirs0"]


def test_full_bridge(hold):
    ports = [word for i in range(1024) for word in ("tap", f"tap{i}", "br0")]
    holder = hold("bridge", "br0", *ports)
    assert "tap1023: test.yaml:1025: bridge br0 has 1023 ports, and no bridge takes more" \
        in holder.outcome
    assert set(holder.links()) == {"lo"}


def namespace_of(pid):
    return os.readlink(f"/proc/{pid}/ns/net")


def processes_in(namespace):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and namespace_of(entry.name) == namespace:
                found.append(entry.name)
        except OSError:
            pass
    return found


def test_sigkill_leaves_nothing(lab):
    before = set(os.listdir("/sys/class/net"))
    namespace = namespace_of(lab.pid)
    assert processes_in(namespace) == [str(lab.pid)]
    lab.process.kill()
    lab.process.wait(DEADLINE)
    assert processes_in(namespace) == []
    assert set(os.listdir("/sys/class/net")) == before


def test_end_of_a_holder_in_anothers_namespace(hold):
    """Descriptors closed, its TAPs are gone; its bridge stays with the namespace."""
    outer = hold("bridge", "br0")
    inner = hold("bridge", "br1", "tap", "tap1", "br1", "--here",
                 prefix=in_namespace_of(outer))
    assert inner.outcome.startswith("READY"), inner.outcome
    assert set(outer.links()) == {"lo", "br0", "br1", "tap1"}
    inner.close()
    assert set(outer.links()) == {"lo", "br0", "br1"}


@pytest.fixture
def holder_for_all():
    """The program where an ordinary user can reach it; a build folder may be private."""
    with tempfile.TemporaryDirectory(prefix="netlab-test-") as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(shutil.copy(HOLDER, folder))


@pytest.fixture
def tun_mode():
    """Sets the mode of /dev/net/tun for the test, and puts it back."""
    mode = stat.S_IMODE(TUN.stat().st_mode)
    yield lambda new: os.chmod(TUN, new)
    os.chmod(TUN, mode)


def ordinary_user():
    nobody = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}",
            "--clear-groups"]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="runs as an ordinary user anyway")


@needs_root
def test_ordinary_user(hold, holder_for_all, tun_mode):
    tun_mode(0o666)
    holder = hold(*LAB, prefix=ordinary_user(), program=holder_for_all)
    assert holder.outcome.startswith("READY"), holder.outcome
    assert os.stat(f"/proc/{holder.pid}").st_uid == pwd.getpwnam("nobody").pw_uid
    assert os.readlink(f"/proc/{holder.pid}/ns/user") != os.readlink("/proc/self/ns/user")
    assert holder.links()["server0"]["master"] == "br0"
    test_silence_of_the_host(holder)


@needs_root
def test_ordinary_user_without_the_right_to_tun(hold, holder_for_all, tun_mode):
    tun_mode(0o600)
    holder = hold(*LAB, prefix=ordinary_user(), program=holder_for_all)
    assert "server0: test.yaml:2: /dev/net/tun (mode 0600, owner" in holder.outcome
    assert "Permission denied" in holder.outcome
    assert "chmod 0666 /dev/net/tun" in holder.outcome
    assert set(holder.links()) == {"lo"}


@needs_root
def test_settings_that_are_read_only(hold):
    """As in a container: routers are solicited then, and nothing worse."""
    holder = hold(*LAB, prefix=["unshare", "--mount", "sh", "-c",
                                'mount --bind -o ro /proc/sys /proc/sys && exec "$@"', "sh"])
    assert holder.outcome.startswith("READY"), holder.outcome
    test_addresses(holder)


@needs_root
def test_machine_without_tun(hold):
    """In a mount namespace where /dev/net is empty."""
    holder = hold(*LAB, prefix=["unshare", "--mount", "sh", "-c",
                                'mount -t tmpfs none /dev/net && exec "$@"', "sh"])
    assert "server0: test.yaml:2: /dev/net/tun: No such file" in holder.outcome
    assert "modprobe tun" in holder.outcome
    assert set(holder.links()) == {"lo"}
