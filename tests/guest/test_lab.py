# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of a lab: up, status, exec, drive, console, down, and what happens to it."""
import json
import os
import pty
import resource
import select
import signal
import subprocess

import pytest

from lab import is_alive, wait_until, write_topology


def test_up_makes_the_network_that_the_topology_describes(shared):
    links = {link["ifname"]: link for link in shared.ip("link")}
    guest = shared.guest()
    tap = links[guest["nics"][0]["tap"]]
    assert links["br0"]["linkinfo"]["info_kind"] == "bridge"
    assert tap["linkinfo"]["info_kind"] == "tun"
    assert tap["master"] == "br0"
    assert {"UP", "LOWER_UP"} <= set(tap["flags"])
    addresses = {(a["local"], a["prefixlen"]) for link in shared.ip("address", "show", "br0")
                 for a in link["addr_info"]}
    assert {("192.168.100.50", 24), ("fd00:100::50", 64)} <= addresses


def test_the_links_are_not_in_our_own_namespace(shared):
    ours = json.loads(subprocess.run(["ip", "-j", "link"], capture_output=True, check=True).stdout)
    assert "br0" not in {link["ifname"] for link in ours}


def test_the_guest_configures_what_the_topology_says(shared):
    shown = shared.exec("server", "ip", "address").ok().stdout
    assert "192.168.100.224/24" in shown
    assert "fd00:100::224/64" in shown
    assert shared.exec("server", "hostname").ok().stdout.strip() == "server"
    assert shared.guest()["nics"][0]["mac"] in shown


def test_status_tells_the_boot_time_and_the_exact_command_line(shared):
    guest = shared.guest()
    running = open(f"/proc/{guest['pid']}/cmdline", "rb").read().split(b"\0")[:-1]
    assert [word.decode() for word in running] == guest["qemu"]
    assert 0 < guest["boot_ns"] < 60e9
    assert guest["kernel"] == shared.exec("server", "uname", "-r").ok().stdout.strip()
    assert "server" in shared.verb("status").ok().stdout
    assert " ".join(guest["qemu"][:2]) in shared.verb("status", "-v").ok().stdout


def test_exec_carries_streams_and_exit_status(shared):
    result = shared.exec("server", "sh", "-c", "echo out; echo err >&2; exit 7").exited(7)
    assert (result.stdout, result.stderr) == ("out\n", "err\n")
    shared.exec("server", "sh", "-c", "kill -9 $$").exited(128 + signal.SIGKILL)
    text = "".join(f"line {i}\n" for i in range(20000))
    assert shared.exec("server", "cat", input=text).ok().stdout == text
    assert "can't be started" in shared.exec("server", "no-such-command").exited(1).stderr \
        or "No such file" in shared.exec("server", "no-such-command").stderr
    assert "no guest 'sever'" in shared.exec("sever", "true").exited(1).stderr


def test_clean_leaves_what_a_lab_is_made_of(make_lab, kernel, monkeypatch, tmp_path):
    folder = tmp_path / "cache/netlab/kernels" / kernel.name
    folder.mkdir(parents=True)
    for file in kernel.iterdir():
        (folder / file.name).symlink_to(file)
    os.utime(folder, (0, 0))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lab = make_lab()
    assert " to go " in lab.verb("clean", "-n").ok().stdout
    lab.up().ok()
    [image] = (tmp_path / "cache/netlab/images").iterdir()
    assert {(entry["name"], entry["verdict"]) for entry in
            lab.verb("clean", "--unused", "0", "--json").json()} == {
                (folder.name, "in use"), (image.name, "in use")}
    lab.down().ok()
    assert " kept " in lab.verb("clean", "kernels").ok().stdout  # it was used
    lab.verb("clean", "--unused", "0").ok()
    assert not folder.exists() and not image.exists()


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_drive_tcp(shared, family):
    result = shared.drive("server:7777", "tcp", family, "--send", "hello", "--expect", "hello",
                       "--connections", "10", "--bytes", "100K", "--json").json()
    assert result["ok"] and result["ok_count"] == 10
    assert result["sent"] == result["received"] == 10 * (5 + 100 * 1024)
    assert result["connect_ns"]["min"] > 0
    for connection in result["each"]:
        assert connection["outcome"] == "ok"


def test_drive_udp(shared):
    result = shared.drive("server:7777", "udp", "--send", "hello", "--expect", "hello",
                       "--json").json()
    assert result["ok"] and result["received"] == 5


def test_drive_says_what_did_not_hold(shared):
    wrong = shared.drive("server:7777", "tcp", "--send", "hello", "--expect", "help!")
    assert wrong.exited(1).stdout.count("help!")
    refused = shared.drive("server:7", "tcp", "--send", "hello", "--expect", "hello")
    assert "refused" in refused.exited(1).stdout
    assert "--connections" in shared.drive("server:7777", "tcp", "-c", "0").exited(1).stderr


def test_two_labs_side_by_side(make_lab):
    labs = [make_lab("one"), make_lab("two")]
    for lab in labs:
        lab.up().ok()
    assert "several labs" in labs[0].verb("exec", "server", "--", "true").exited(1).stderr
    for lab in labs:
        lab.drive("server:7777", "tcp", "--send", "hi", "--expect", "hi").ok()
    labs[0].down().ok()
    labs[1].drive("server:7777", "tcp", "--send", "hi", "--expect", "hi").ok()


def test_a_name_that_is_taken(shared):
    result = shared.up().exited(1)
    assert "is up already" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    shared.drive("server:7777", "tcp", "--send", "hi", "--expect", "hi").ok()


def test_down_leaves_nothing(lab):
    pids = [lab.status()["pid"], lab.guest()["pid"]]
    lab.down().ok()
    assert not any(is_alive(pid) for pid in pids)
    assert "no lab" in lab.down().exited(1).stderr


@pytest.mark.parametrize("victim", ["supervisor", "qemu"])
def test_kill_9_leaves_nothing(lab, victim):
    supervisor, qemu = lab.status()["pid"], lab.guest()["pid"]
    os.kill(supervisor if victim == "supervisor" else qemu, signal.SIGKILL)
    if victim == "supervisor":
        wait_until(lambda: not is_alive(qemu), "QEMU dies with its supervisor", 20)
        assert "no lab is up" in lab.verb("status").ok().stdout
        lab.up().ok()
    else:
        wait_until(lambda: lab.guest()["state"] == "gone", "the supervisor notices", 20)
        assert "gone" in lab.exec("server", "true").exited(1).stderr
        said = lab.verb("status", lab.name).ok().stdout
        assert "server  guest, gone, tcg, Linux 6." in said
        assert f"netlab drive {lab.name}/server" not in said
    lab.down().ok()


@pytest.mark.parametrize("delay", [0.01, 0.1, 0.3, 0.8])
def test_ctrl_c_while_it_comes_up(make_lab, delay):
    lab = make_lab()
    process = subprocess.Popen([lab.netlab, "up", lab.topology, "--accel", "tcg", "--name",
                                lab.name, "-o", lab.output], stderr=subprocess.PIPE)
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0, err
    assert "no lab is up" in lab.verb("status").ok().stdout


def test_a_guest_that_is_not_up_in_time(make_lab):
    result = make_lab().up("--timeout", "200ms").exited(1)
    assert "not up yet" in result.stderr


def test_a_qemu_that_dies_at_once(make_lab):
    lab = make_lab(guests={"server": {"memory": "1T", "nics": []}})
    result = lab.up().exited(1)
    assert "can't give a guest so much memory" in result.stderr


def test_a_panic_is_reported_and_does_not_loop(lab):
    qemu = lab.guest()["pid"]
    result = lab.exec("server", "sh", "-c", "echo c > /proc/sysrq-trigger").exited(1)
    assert "the guest's kernel panicked" in result.stderr
    wait_until(lambda: lab.guest()["state"] == "panicked", "the panic is seen", 60)
    guest = lab.guest()
    assert "Kernel panic" in guest["panic"] and guest["pid"] == qemu
    assert "Kernel panic" in lab.verb("status").ok().stdout
    assert "panicked" in lab.exec("server", "true").exited(1).stderr


def test_a_panic_ends_a_command_that_runs(lab):
    result = lab.exec("server", "sh", "-c", "echo c > /proc/sysrq-trigger; sleep 600")
    assert "the guest's kernel panicked" in result.exited(1).stderr


def test_a_guest_that_powers_off(lab):
    lab.exec("server", "poweroff")
    wait_until(lambda: lab.guest()["state"] == "gone", "QEMU ends", 60)
    lab.down().ok()


def test_mtu_of_cards(make_lab):
    """That of the bridge or their own, as far as the driver goes; the console says how far."""
    lab = make_lab(capture=None, bridges={"br0": {"mtu": 9000}, "br1": {}}, guests={"server": {
        "nics": [{"bridge": "br0"}, {"bridge": "br1", "mtu": 1300, "model": "virtio-net-pci"},
                 {"bridge": "br1"},
                 {"bridge": "br1", "mtu": 20000, "mac": "52:54:00:00:00:77"}]
    }})
    lab.up().ok()
    cards = {card["mac"]: lab.exec("server", "sh", "-c", "grep -l $0 /sys/class/net/*/address | "
                                   "sed 's/address/mtu/' | xargs cat", card["mac"]).ok().stdout
             for card in lab.guest()["nics"]}
    assert list(cards.values()) == ["9000\n", "1300\n", "1500\n", "1500\n"]
    assert "card 52:54:00:00:00:77: MTU 20000: Invalid argument" in (
        lab.output / "server.console").read_text(errors="replace")


@pytest.mark.parametrize("direction", ["to", "from"])
def test_rate_of_a_card(make_lab, direction):
    """No faster than was said, and whole: 300 kB at 4 Mbit/s take 0.6 s at least."""
    lab = make_lab(capture=None, guests={"server": {
        "nics": [{"bridge": "br0", "addresses": ["192.168.100.224/24"],
                  "impair": {direction: {"rate": "4mbit"}}}],
        "run": ["epoll-echo", "--port", "7777"]}})
    lab.up().ok()
    result = lab.drive("server:7777", "tcp", "--bytes", "300000", "--send", "a", "--expect", "a",
                       "--timeout", "120", "--json").json()
    assert result["received"] == 300001
    assert result["duration_ns"] > 0.9 * 300000 * 8 / 4e6 * 1e9


def test_the_console_is_interactive(shared):
    near, far = pty.openpty()
    process = subprocess.Popen([shared.netlab, "console", f"{shared.name}/server"], stdin=far,
                               stdout=far, stderr=far, start_new_session=True)
    os.close(far)
    seen = b""

    def read_until(text):
        nonlocal seen
        while text not in seen:
            assert select.select([near], [], [], 30)[0], seen
            seen += os.read(near, 4096)

    read_until(b"Ctrl-]")
    os.write(near, b"\necho $((6 * 7))_answer\n")
    read_until(b"42_answer")
    os.write(near, b"\x1d")
    assert process.wait(30) == 0
    os.close(near)
    assert "42_answer" in (shared.output / "server.console").read_text(errors="replace")


def test_what_waits_for_a_halted_guest_says_so(make_lab):
    lab = make_lab()
    lab.up("--freeze").ok()
    result = lab.drive("server:7777", "tcp", "--send", "x", "--timeout", "100ms")
    assert "server is halted, by gdb, --freeze or pause" in result.exited(1).stderr


def test_frozen_until_gdb_lets_it_go(make_lab):
    lab = make_lab()
    lab.up("--freeze").ok()
    guest = lab.guest()
    assert guest["halted"] and guest["state"] == "booting"
    lab.verb("gdb", f"{lab.name}/server", "--", "-batch", "-ex", "detach").ok()
    wait_until(lambda: lab.guest()["state"] == "up", "it boots")


# Behind it the supervisor's files have no room for another byte.
FILL = """import json, os, resource, socket, subprocess, sys
_, netlab, lab, when = sys.argv
def status():
    return json.loads(subprocess.run([netlab, "status", lab, "--json"], capture_output=True,
                                     check=True).stdout)
resource.prlimit(status()["pid"], resource.RLIMIT_FSIZE, (1, 1))
if when == "frames":
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.sendto(b"", ("10.9.0.2", 9))
    while status()["capture"]["running"]:
        os.sched_yield()
capture = status()["capture"]
print(capture["running"], capture.get("failure"), [link["written"] for link in capture["links"]])
"""
NO_ROOM = "the capture can't be written: File too large"


@pytest.mark.parametrize("when, hosts, seen", [
    # A bridge without a port carries no frame: what is left to write are its statistics.
    ("the end", {}, "True None [0]\n"),
    ("frames", {"a": {"links": {"eth0": {"bridge": "br0", "addresses": ["10.9.0.2/24"]}}}},
     f"False {NO_ROOM} []\n"),
])
def test_a_capture_without_room(make_lab, when, hosts, seen):
    lab = make_lab(bridges={"br0": {"addresses": ["10.9.0.1/24"]}}, hosts=hosts, guests=None)
    result = lab.verb(
        "run", lab.topology, "--name", lab.name, "-o", lab.output, "--", "/usr/bin/python3", "-c",
        FILL, lab.netlab, lab.name, when,
        preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN)).exited(1)
    assert result.stdout.startswith(seen), result.stderr
    assert result.stderr.endswith(f"under-test.pcapng: {NO_ROOM}\n")


def test_down_tells_of_a_capture_without_room(make_lab):
    full, last = [make_lab(name, bridges={"br0": {}}, guests=None) for name in ("full", "last")]
    last.up().ok()
    for words, down in [(["full"], "lab full is down\n"),
                        (["--all"], "lab full is down\nlab last is down\n")]:
        full.up().ok()
        resource.prlimit(full.status()["pid"], resource.RLIMIT_FSIZE, (1, 1))
        result = full.verb("down", *words).exited(1)
        assert result.stdout == down
        assert result.stderr == f"netlab: {full.output}/full.pcapng: {NO_ROOM}\n"


def test_a_topology_without_guests(make_lab):
    lab = make_lab(guests=None)
    lab.up().ok()
    assert lab.status()["guests"] == []
    assert [link["name"] for link in lab.status()["links"]] == ["br0"]


def test_no_kernel_in_the_cache(netlab, run, fresh_home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    topology = write_topology(tmp_path / "t.yaml")
    result = run(netlab, "up", topology).exited(1)
    assert "netlab kernel build" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_card_that_is_to_be_down_has_no_carrier(make_lab):
    lab = make_lab("pulled", guests={"server": {"memory": "256M", "nics": [
        {"bridge": "br0", "up": False}, {"model": "virtio-net-pci", "bridge": "br0", "up": False},
        {"bridge": "br0"}]}})
    lab.up().ok()
    for card, carrier in [("eth0", "0"), ("eth1", "0"), ("eth2", "1")]:
        lab.exec("server", "ip", "link", "set", card, "up").ok()
        path = f"/sys/class/net/{card}/carrier"
        wait_until(lambda: lab.exec("server", "cat", path).stdout.strip() == carrier, path)
    up = {link["ifname"]: "UP" in link["flags"] for link in lab.ip("link")}
    assert (up["server.0"], up["server.1"], up["server.2"]) == (False, False, True)
