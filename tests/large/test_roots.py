# SPDX-License-Identifier: GPL-2.0-or-later
"""Each root file system boots with each kernel: its card answers, the agent runs commands, the console has a root
shell, and gdb stops it at a function with source lines. And what a disk keeps."""
import os
import pwd
import re
import shutil
import subprocess
import tempfile

import pytest

from debugging import debugging  # tests/guest
from lab import wait_until

BOOTS = "600s"
NICS = [{"bridge": "br0", "addresses": ["192.168.100.224/24"]}]


@pytest.fixture(scope="module")
def disk(netlab):
    """The disk of `root: disk`, made where it isn't yet."""
    made = subprocess.run(["nice", netlab, "image", "build", "disk"], capture_output=True,
                          text=True, timeout=3600, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def make_folder(folder):
    (folder / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "bin")
    for name in ("sh", "id", "dmesg"):
        (folder / "bin" / name).symlink_to("busybox")


def make_archive(folder, path):
    names = "".join(f"{name.relative_to(folder)}\n" for name in sorted(folder.rglob("*")))
    with open(path, "wb") as archive:
        subprocess.run(["cpio", "--create", "--format=newc", "--quiet"], cwd=folder, stdout=archive,
                       input=names.encode(), check=True)


def stat_on(disk, path):
    """Mode, user and group of a file on an image, as debugfs sees it."""
    text = subprocess.run(["debugfs", "-R", f"stat {path}", disk], capture_output=True, text=True,
                          check=True).stdout
    return re.search(r"Mode: +(\d+) .*\nUser: +(\d+) +Group: +(\d+)", text, re.S).groups()


@pytest.mark.skipif(os.geteuid() != 0, reason="runs as an ordinary user anyway")
def test_disk_that_an_ordinary_user_makes(netlab):
    """nobody, who has no range of IDs: in fakechroot."""
    user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="netlab-test-") as folder:
        shutil.copy(netlab, folder)
        os.chown(folder, user.pw_uid, user.pw_gid)
        made = subprocess.run(
            ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
             "env", "-u", "XDG_CACHE_HOME", f"HOME={folder}", "PATH=/usr/local/bin:/usr/bin:/bin",
             f"{folder}/netlab", "image", "build", "disk"], capture_output=True, text=True,
            timeout=3600, check=False)
        assert made.returncode == 0, made.stderr
        disk = made.stdout.strip()
        subprocess.run(["e2fsck", "-fn", disk], capture_output=True, check=True)
        assert stat_on(disk, "/etc/shadow") == ("0640", "0", "42")
        assert stat_on(disk, "/usr/bin/su") == ("04755", "0", "0")
        shown = subprocess.run(["debugfs", "-R", "ea_list /bin/ping", disk], capture_output=True,
                               text=True, check=True).stdout
        assert "security.capability (20) = 01 00 00 02 00 20 00 00" in shown


ROOTS = {"busybox": "busybox", "host": "host", "disk": "disk",
         "directory": {"directory": "root"}, "initramfs": {"initramfs": "root.cpio"}}


# As `kernel:` says it, and as `netlab kernel build` does.
KERNELS = {**{flavour: (flavour, [flavour])
              for flavour in ("debug", "modular", "O1", "sanitize", "defconfig")},
           "6.12": ({"flavour": "debug", "version": "6.12"}, ["debug", "--version", "6.12"])}


def build_for(built, kernel, root):
    """The kernel that this root wants, as what the topology calls it."""
    said, (flavour, *options) = KERNELS[kernel]
    whole = root in ("busybox", "initramfs") or flavour == "defconfig"
    built(flavour if whole else f"{flavour}+roots", *options)
    return said


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", ROOTS)
def test_root(request, built, make_lab, tmp_path, name, kernel):
    said = build_for(built, kernel, name)
    if name == "disk":
        request.getfixturevalue("disk")
    make_folder(tmp_path / "root")
    make_archive(tmp_path / "root", tmp_path / "root.cpio")
    (tmp_path / "own").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "own").chmod(0o755)
    lab = make_lab(kernel=said, guests={"server": {
        "memory": "512M", "root": ROOTS[name], "nics": NICS, "files": {"/bin/own": "own"},
        "run": ["epoll-echo", "--port", "7777"]}})
    lab.up("--timeout", BOOTS).ok()
    assert lab.exec("server", "sh", "-c", "id -u; own").ok().stdout == "0\nmine\n"
    lab.exec("host", "busybox", "ping", "-c", "1", "-W", "60", "192.168.100.224").ok()
    console = lab.output / "server.console"
    wait_until(lambda: re.search(r"server:[^\n]*[#$] ", console.read_text(errors="replace")),
               "a shell on the console")
    with debugging(lab) as gdb:
        gdb.run("hbreak tcp_v4_rcv")
        gdb.begin("continue")
        send = subprocess.Popen([lab.netlab, "drive", f"{lab.name}/server:7777", "tcp", "--send",
                                 "hi", "--expect", "hi", "--timeout", "300s"],
                                stdout=subprocess.DEVNULL)
        gdb.end()
        where = gdb.run("backtrace 3")
        gdb.run("delete")
        gdb.run("detach")
    assert re.search(r"#0 +tcp_v4_rcv .* at \S*net/ipv4/tcp_ipv4\.c:\d+", where)
    assert send.wait(timeout=300) == 0


def crash(lab):
    lab.verb("exec", f"{lab.name}/server", "--", "sh", "-c",
             "echo lost >/root/mark; rm /etc/debian_version; sync; echo c >/proc/sysrq-trigger")
    wait_until(lambda: lab.guest()["state"] == "panicked", "a crash")


def test_crash_of_a_disk_costs_nothing(built, make_lab, disk):
    """And its files have the capabilities that their packages gave them."""
    built("debug+roots")
    lab = make_lab(kernel="debug", guests={"server": {"root": "disk", "nics": NICS}})
    before = subprocess.run(["cksum", disk], capture_output=True, check=True).stdout
    for _ in range(2):
        lab.up("--timeout", BOOTS).ok()
        look = lab.exec("server", "ls", "/root/mark", "/etc/debian_version")
        assert "No such file" in look.stderr and look.stdout == "/etc/debian_version\n"
        assert lab.exec("server", "getcap", "/bin/ping").ok().stdout == "/bin/ping cap_net_raw=ep\n"
        crash(lab)
        lab.down().ok()
    assert subprocess.run(["cksum", disk], capture_output=True, check=True).stdout == before


def test_disk_without_an_overlay_keeps_what_is_written(built, make_lab, disk):
    """In a copy of this guest's own, crash or not; and one that is read-only takes nothing."""
    built("debug+roots")
    before = subprocess.run(["cksum", disk], capture_output=True, check=True).stdout
    lab = make_lab(kernel="debug", guests={
        "server": {"root": {"disk": {"overlay": "off"}}, "nics": NICS},
        "sealed": {"root": {"disk": {"writable": "off"}}, "files": {"/etc/motd": "under-test.yaml"}}})
    lab.up("--timeout", BOOTS).ok()
    assert "Read-only file system" in lab.exec("sealed", "touch", "/x").stderr
    assert "sealed" in lab.exec("sealed", "cat", "/etc/motd").ok().stdout
    lab.exec("server", "sh", "-c", "echo kept >/root/kept").ok()
    lab.down().ok()
    lab.up("--timeout", BOOTS).ok()
    assert lab.exec("server", "cat", "/root/kept").ok().stdout == "kept\n"
    crash(lab)
    lab.down().ok()
    lab.up("--timeout", BOOTS).ok()
    assert lab.exec("server", "cat", "/root/kept", "/root/mark").ok().stdout == "kept\nlost\n"
    lab.down().ok()
    assert subprocess.run(["cksum", disk], capture_output=True, check=True).stdout == before


SMALL_LAYER = 'mount -t tmpfs -o size=600k none "$TMPDIR" && exec "$@"'


def test_disk_whose_layer_is_full(built, make_lab, disk, tmp_path, run):
    """The guest hears of it, and neither it nor its lab stands still."""
    del disk
    built("debug+roots")
    (tmp_path / "layer").mkdir()
    lab = make_lab(kernel="debug", guests={"server": {"root": "disk", "nics": NICS}})
    run("unshare", "--mount", "sh", "-c", SMALL_LAYER, "sh", lab.netlab, "up", lab.topology,
        "--name", lab.name, "-o", lab.output, "--timeout", BOOTS, deadline=900,
        env={**os.environ, "TMPDIR": str(tmp_path / "layer")}).ok()
    said = lab.exec("server", "sh", "-c", "dd if=/dev/zero of=/root/x bs=1M count=4 conv=fsync; echo on")
    assert "Input/output error" in said.stderr and said.stdout == "on\n"
    assert lab.guest()["state"] == "up" and not lab.guest()["halted"]
    assert ("warning: server: its disk fails to write: No space left on device\n"
            in (lab.output / "netlab.log").read_text())
