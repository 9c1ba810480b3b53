# SPDX-License-Identifier: GPL-2.0-or-later
"""A lab out of netlab: the script and the domain do the same by hand."""
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from lab import write_topology

ANSWER = """import socket, sys, time
end = time.monotonic() + 120
while True:
    try:
        s = socket.create_connection(("192.168.100.224", 7777), 5)
        s.sendall(b"by hand")
        print(s.recv(100).decode())
        break
    except OSError:
        assert time.monotonic() < end
"""
# Runs a script, tells its process's number, and what links are left behind it.
RUN = 'sh "$1" & echo $!; wait $!; wait $!; ip -json link; ls -A "$TMPDIR"'


@pytest.fixture
def export(netlab, run, tmp_path, fresh_home):
    def write(form, topology=None, *words, **changes):
        topology = topology or write_topology(tmp_path / "under-test.yaml", **changes)
        text = run(netlab, "export", form, topology, "--accel", "tcg", *words).ok().stdout
        path = tmp_path / f"export.{form}"
        path.write_text(text)
        return path
    return write


def answers(pid):
    return subprocess.run(["nsenter", "-n", "-t", str(pid), "/usr/bin/python3", "-c", ANSWER],
                          capture_output=True, text=True, timeout=180, check=True).stdout


def test_the_script_does_the_same_by_hand(export, tmp_path, kernel):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(["unshare", "-n", "sh", "-c", RUN, "sh", export("qemu")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "TMPDIR": str(temporary)})
    try:
        script = int(process.stdout.readline())
        usage = [process.stdout.readline() for _ in range(4)]
        assert usage[0] == "server\n"
        assert answers(script) == "by hand\n"
        gdb = re.search(r"(/\S+\.gdb)'", usage[3])[1]
        stopped = subprocess.run(
            ["gdb", "-nx", "-batch", kernel / "vmlinux", "-ex", f"target remote {gdb}", "-ex",
             "info registers rip"], capture_output=True, text=True, timeout=60, check=True)
        assert re.search(r"^rip +0x", stopped.stdout, re.M)
        console = pathlib.Path(gdb).with_suffix(".console").read_text(errors="replace")
        assert "netlab: booted in" in console and "<6>" not in console
        os.kill(script, signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate(timeout=60)
    left, _, files = out.partition("\n")
    assert [link["ifname"] for link in json.loads(left)] == ["lo"], err
    assert files == ""


def test_a_script_whose_qemu_fails_says_so(export, run, tmp_path):
    script = export("qemu", None, "--set", "server.cpu=foo")
    result = run("unshare", "-n", "sh", script, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert "unable to find CPU model 'foo'" in result.exited(1).stderr


@pytest.mark.parametrize("name", ["router", "host-only-ipv6", "two-guests"])
def test_the_links_of_the_script(export, source, run, tmp_path, name):
    """iproute2 takes every line, and 'down' takes all of it away."""
    script = export("links", source / f"topologies/{name}.yaml", "--name", f"x{os.getpid()}")
    result = run("unshare", "-n", "-m", "sh", "-exc",
                 'mount -t tmpfs none /run; sh -x "$1"; ip -json link; '
                 'sh "$1" down; ip -json link; ip netns', "sh", script).ok()
    up, down, *namespaces = result.stdout.splitlines()
    assert len(json.loads(up)) > 1, result.stderr
    assert [link["ifname"] for link in json.loads(down)] == ["lo"]
    assert not namespaces


def test_a_domain_is_libvirt_s(export, run, kernel):
    domain = export("libvirt", None, "--set", "server.cpu=qemu64,+aes,-sse3", "--set",
                    "server.root=host", "--set", f"server.kernel={{vmlinux: {kernel}/vmlinux}}",
                    "--set", "server.qemu=[-device, \"virtio-rng-pci\"]",
                    "--set", "server.kernel_arguments=a<b&'c'")
    run("virt-xml-validate", domain, "domain").ok()
    text = domain.read_text()
    assert "<qemu:arg value='-gdb'/>" in text
    assert re.search(r"unix:/\S+/under-test/server\.gdb,server=on,wait=off", text)


def test_what_can_not_be_exported(netlab, run, source, tmp_path, kernel):
    two = source / "topologies/two-guests.yaml"
    assert "a domain is one guest; name one of: " in (
        run(netlab, "export", "libvirt", two).exited(1).stderr)
    assert "no guest 'x' in" in run(netlab, "export", "libvirt", two, "x").exited(1).stderr
    assert "'yaml' is not qemu, links or libvirt" in (
        run(netlab, "export", "yaml", two).exited(2).stderr)
    assert "--set x=1: unknown key 'x'" in (
        run(netlab, "export", "qemu", two, "--set", "x=1").exited(1).stderr)
    none = write_topology(tmp_path / "none.yaml", guests=None)
    assert "there is no guest in it" in run(netlab, "export", "libvirt", none).exited(1).stderr
