# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines: CPUs, memory, boards, cards and arguments of QEMU's own, as the guest sees them."""
import pytest

from lab import write_topology

NICS = [{"model": model, "host": {"addresses": [f"10.0.{i}.1/24"]},
         "addresses": [f"10.0.{i}.2/24"]}
        for i, model in enumerate(["e1000", "e1000e", "virtio-net-pci", "rtl8139", "vmxnet3",
                                   "pcnet", "e1000-82545em"])]
DRIVERS = ["e1000", "e1000e", "virtio_net", "8139cp", "vmxnet3", "pcnet32", "e1000"]
SERVER = {"memory": "256M", "run": ["epoll-echo", "--udp", "--port", "7777"]}
# The driver of each card by its MAC address: what the guest's kernel bound to it.
BOUND = ('cd /sys/class/net; for n in *; do [ ! -e $n/device ] || '
         'echo $(cat $n/address) $(basename $(readlink -f $n/device/driver)); done')


def test_the_command_line_sets_the_machine(make_lab):
    lab = make_lab()
    lab.up("--set", "server.memory=384M", "--set", "server.cpus=3", "--set",
           "server.cpu=qemu64,+rdrand", "--set", "guests.server.machine=pc", "--set",
           "server.qemu=[-device, virtio-rng-pci]", "--set", "server.kernel_arguments=one=two").ok()
    assert lab.exec("server", "nproc").ok().stdout == "3\n"
    total = int(lab.exec("server", "cat", "/proc/meminfo").ok().stdout.split()[1])
    assert 300 << 10 < total < 384 << 10
    cpuinfo = lab.exec("server", "cat", "/proc/cpuinfo").ok().stdout
    assert "QEMU Virtual CPU" in cpuinfo and "rdrand" in cpuinfo
    pci = lab.exec("server", "cat", "/proc/bus/pci/devices").ok().stdout
    assert "80861237" in pci  # the host bridge of i440FX
    assert "1af41005" in pci  # virtio-rng
    assert "one=two" in lab.exec("server", "cat", "/proc/cmdline").ok().stdout
    lab.drive("server:7777", "tcp", "--send", "hi", "--expect", "hi").ok()


def test_every_card_has_its_driver_and_answers(make_lab):
    lab = make_lab(guests={"server": {**SERVER, "nics": NICS}})
    assert "no driver" not in lab.up().ok().stderr
    bound = dict(line.split() for line in
                 lab.exec("server", "sh", "-c", BOUND).ok().stdout.splitlines())
    cards = lab.guest()["nics"]
    assert [bound[card["mac"]] for card in cards] == DRIVERS
    for i, _ in enumerate(cards):  # each is alone on its link, so that there is no other way
        lab.exec("host", "/usr/bin/python3", "-c", "import socket; s = socket.create_connection("
                 f"('10.0.{i}.2', 7777), 60); s.sendall(b'x'); assert s.recv(1)").ok()


def test_a_card_without_a_driver_is_said_before_the_boot(make_lab):
    nics = NICS[:1] + [{"model": "i82559er", "host": {}}]
    lab = make_lab(guests={"server": {**SERVER, "nics": nics}})
    warnings = [line for line in lab.up().ok().stderr.splitlines() if "warning" in line]
    assert warnings == ["netlab: warning: server: its kernel (debug) has no driver for card 1, "
                        "i82559er: CONFIG_E100 is not set; the guest won't see it"]


@pytest.mark.parametrize("setting, words, line", [
    ("server.cpu=foo", "cpu: foo: QEMU knows no such CPU", "unable to find CPU model 'foo'"),
    ("server.cpu=host", "cpu: host: this CPU is there with KVM alone", "requires KVM"),
    ("server.cpu=max,+foo", "cpu: max,+foo: the CPU has no such property",
     "'max-x86_64-cpu.foo' not found"),
    ("server.memory=1T", "memory: 1048576M: this machine can't give", "cannot set up guest memory"),
    ("server.nics.0.model=igb", "model: igb: this QEMU has no such card",
     "'igb' is not a valid device model name"),
    ("server.qemu=[-device, foo]", "qemu: -device foo: this QEMU has no such device",
     "'foo' is not a valid device model name"),
    ("server.qemu=[-device, 'virtio-rng-pci,foo=1']",
     "qemu: -device virtio-rng-pci,foo=1: a device has no such property",
     "Property 'virtio-rng-pci.foo' not found"),
    ("server.qemu=[-foo]", "qemu: -foo: QEMU has no such option", "-foo: invalid option"),
])
def test_what_qemu_refuses(make_lab, setting, words, line):
    lab = make_lab()
    stderr = lab.up("--set", setting).exited(1).stderr
    assert f"server: {words}" in stderr
    said = [text for text in stderr.splitlines() if text.startswith("qemu-system-x86_64: ")]
    assert len(said) == 1 and line in said[0]
    assert "no lab is up" in lab.verb("status").ok().stdout


def test_a_setting_that_is_wrong(netlab, run, tmp_path):
    topology = write_topology(tmp_path / "t.yaml")
    result = run(netlab, "up", topology, "--set", "server.cpus=99")
    assert result.exited(1).stderr == (
        "netlab: --set server.cpus=99: cpus: '99' is not a number from 1 to 16\n")
    result = run(netlab, "run", topology, "-s", "server.qemu=[-gdb, 'tcp::1234']")
    assert result.exited(1).stderr == (
        "netlab: --set server.qemu=[-gdb, 'tcp::1234']: qemu: '-gdb' is not for a topology: "
        "'netlab gdb' speaks to netlab's own\n")
