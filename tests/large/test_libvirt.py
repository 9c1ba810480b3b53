# SPDX-License-Identifier: GPL-2.0-or-later
"""A domain that `export libvirt` wrote, started by virsh: its card answers, and gdb stops it.

libvirt's QEMU driver runs within virsh (qemu:///embed), as an ordinary user of a user namespace:
no daemon, no user libvirt-qemu, and nothing outside of the test's own folder. The shell is the
first process of a process namespace: it reaps each QEMU, for whose end libvirt waits.
"""
import os
import re
import select
import subprocess

import pytest

from lab import write_topology

# No daemon for logs, no confinement that wants root.
SETTINGS = """security_driver = "none"
stdio_handler = "file"
namespaces = []
cgroup_controllers = []
"""
START = """
mount -t tmpfs none /run
sh links.sh
unshare -U --map-user=1000 --map-group=1000 virsh -c "qemu:///embed?root=$1"
echo ended
"""
SEND = """import socket, time
end = time.monotonic() + 500
while True:
    try:
        with socket.create_connection(("192.168.100.224", 7777), 120) as s:
            s.sendall(b"libvirt")
            print(s.recv(100).decode())
            break
    except OSError:
        assert time.monotonic() < end
"""


class Virsh:
    """virsh in a network namespace that has the lab's links. Commands go to its input."""

    def __init__(self, folder, root):
        names = ["HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"]
        self.process = subprocess.Popen(
            ["unshare", "-n", "-m", "-p", "--kill-child", "--mount-proc", "sh", "-ec", START,
             "sh", root], cwd=folder, text=True,
            env={**os.environ, **{name: str(folder / "home") for name in names}},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def create(self, domain):
        self.process.stdin.write(f"create {domain}\n")
        self.process.stdin.flush()
        said = ""
        while " created from " not in said:
            assert "error:" not in said, said
            assert select.select([self.process.stdout], [], [], 600)[0], said
            said += os.read(self.process.stdout.fileno(), 65536).decode() or "error: end"

    def popen(self, *argv):
        """A process in that network namespace."""
        return subprocess.Popen(["nsenter", "-n", "-t", str(self.process.pid), *map(str, argv)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self):
        try:
            self.process.communicate("destroy under-test.server\nquit\n", timeout=600)
        finally:
            self.process.kill()
            self.process.communicate(timeout=60)


@pytest.fixture
def virsh(netlab, run, built, fresh_home, tmp_path):
    built("debug")
    root = fresh_home / "v"  # a path that sockets have room for
    (root / "etc").mkdir(parents=True)
    (root / "etc/qemu.conf").write_text(SETTINGS)
    (tmp_path / "home").mkdir()
    topology = write_topology(tmp_path / "under-test.yaml")
    for form, name in [("links", "links.sh"), ("libvirt", "domain.xml")]:
        (tmp_path / name).write_text(
            run(netlab, "export", form, topology, "--accel", "tcg").ok().stdout)
    virsh = Virsh(tmp_path, root)
    yield virsh
    virsh.end()


def test_a_domain_that_virsh_starts(virsh, built, tmp_path):
    virsh.create("domain.xml")
    stub = re.search(r"unix:(/\S+/server\.gdb),", (tmp_path / "domain.xml").read_text())[1]
    gdb = virsh.popen("gdb", "-nx", "-batch", built("debug") / "vmlinux",
                      "-ex", f"target remote {stub}", "-ex",
                      "hbreak tcp_v4_rcv", "-ex", "echo armed\\n", "-ex", "continue",
                      "-ex", "backtrace 3", "-ex", "delete", "-ex", "detach")
    sender = None
    try:
        while "armed" not in (line := gdb.stdout.readline()):
            assert line  # gdb ends, and so does this, where it can't connect
        sender = virsh.popen("/usr/bin/python3", "-c", SEND)
        said, _ = gdb.communicate(timeout=600)
        assert re.search(r"#0 +tcp_v4_rcv .* at \S+/net/ipv4/tcp_ipv4\.c:\d+", said), said
        assert sender.communicate(timeout=600)[0] == "libvirt\n"
    finally:
        for process in filter(None, (gdb, sender)):
            process.kill()
            process.communicate(timeout=60)
