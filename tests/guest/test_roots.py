# SPDX-License-Identifier: GPL-2.0-or-later
"""The user's files in a guest, and an initramfs of the user's own: one boot of both. (Other roots
want another kernel: tests/lab, tests/large.)"""
import fcntl
import lzma
import shutil
import subprocess

from lab import wait_until


def write_initramfs(folder, target):
    """A system whose /bin and /lib are links, and that has an init."""
    for name in ("usr/bin", "usr/lib", "etc"):
        (folder / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "usr/bin")
    for name in ("sh", "cat", "stat", "readlink", "ls", "tr"):
        (folder / "usr/bin" / name).symlink_to("busybox")
    (folder / "bin").symlink_to("usr/bin")
    (folder / "lib").symlink_to("usr/lib")
    (folder / "init").write_text("#!/bin/sh\necho the init of the archive\n")
    (folder / "init").chmod(0o755)
    names = "".join(f"{path.relative_to(folder)}\n" for path in sorted(folder.rglob("*")))
    archive = subprocess.run(["cpio", "--create", "--format=newc", "--quiet", "--owner=0:0"],
                             cwd=folder, input=names.encode(), stdout=subprocess.PIPE, check=True)
    target.write_bytes(lzma.compress(archive.stdout))  # debug's kernel can't read xz


def write_files(folder):
    (folder / "tests/deep").mkdir(parents=True)
    (folder / "tests/deep/run").write_text("#!/bin/sh\necho it runs\n")
    (folder / "tests/deep/run").chmod(0o4750)
    (folder / "tests/link").symlink_to("deep/run")
    (folder / "motd").write_text("hello\n")


def console(lab, guest):
    return (lab.output / f"{guest}.console").read_text(errors="replace")


def test_initramfs_and_files_of_the_user_s(make_lab, tmp_path):
    write_initramfs(tmp_path / "own", tmp_path / "own.cpio.xz")
    write_files(tmp_path)
    nic = {"bridge": "br0", "addresses": ["192.168.100.224/24"]}
    run = ["epoll-echo", "--port", "7777"]
    files = {"/etc/motd": "motd", "/opt/tests": "tests", "/bin/own": "tests/deep/run",
             "/tmp/motd": "motd"}
    lab = make_lab(guests={
        "given": {"root": {"initramfs": "own.cpio.xz"}, "files": files, "nics": [nic], "run": run},
        "plain": {"files": files}})
    lab.up().ok()
    for guest in ("given", "plain"):
        said = lab.exec(guest, "sh", "-c", "cat /etc/motd /tmp/motd; own; /opt/tests/link; "
                        "stat -c %a:%u:%g /opt/tests/deep/run; readlink /opt/tests/link; "
                        "ls /netlab/files 2>/dev/null || echo moved").ok().stdout
        assert said == "hello\nhello\nit runs\nit runs\n4750:0:0\ndeep/run\nmoved\n", guest
    said = lab.exec("given", "sh", "-c", "readlink /bin; readlink /lib; tr '\\0' ' ' </proc/1/cmdline; "
                    "cat /init").ok().stdout
    assert said.startswith("usr/bin\nusr/lib\n/netlab/init ")
    assert "the init of the archive" in said
    assert "the init of the archive" not in console(lab, "given")
    lab.drive("given:7777", "tcp", "--send", "hi", "--expect", "hi").ok()
    wait_until(lambda: "given:/root# " in console(lab, "given"), "a shell on the console")


def test_disk_that_another_writes_to(make_lab, kernel, tmp_path):
    """Refused in netlab's words and QEMU's. A lock on this byte is how a QEMU says that it has the
    image for itself (block/file-posix.c)."""
    guest = {"root": {"disk": {"file": "disk.img", "overlay": "off"}}}
    lab = make_lab(kernel={"vmlinux": str(kernel / "vmlinux")}, guests={"a": guest}, capture=None)
    with open(tmp_path / "disk.img", "wb") as file:
        file.truncate(1 << 20)
        file.flush()
        with open(file.name, "rb") as held:
            fcntl.lockf(held, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 201)
            error = lab.up().exited(1).stderr
    assert f"a: root: {{disk: {{file: {tmp_path}/disk.img}}}}: another guest has this disk" in error
    assert 'Failed to get "write" lock' in error
