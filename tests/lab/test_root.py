# SPDX-License-Identifier: GPL-2.0-or-later
"""A root that the guest's kernel can't mount."""
import json
import pathlib
import shutil


def test_kernel_without_9p_says_so(netlab, run, kernel, fresh_home, tmp_path):
    (tmp_path / "poor.yaml").write_text(json.dumps({"guests": {"a": {
        "root": "host", "kernel": {"vmlinux": str(kernel / "vmlinux")}}}}))
    error = run(netlab, "up", tmp_path / "poor.yaml", "-o", fresh_home / "out", "--accel",
                "tcg", deadline=180).exited(1).stderr
    assert "the root can't be mounted: 9p: No such device" in error
    assert "the flavour roots has it" in error


def write_root(folder):
    """A root of ten lines: busybox, and a file of its own."""
    (folder / "bin").mkdir(parents=True)
    busybox = shutil.copy("/bin/busybox", folder / "bin")
    for name in ("sh", "cat", "ls", "mount", "stat"):
        (folder / "bin" / name).symlink_to("busybox")
    (folder / "mine").write_text("from the folder\n")
    return pathlib.Path(busybox)


def test_folder_of_the_user_s(outer, fresh_home, run, netlab, tmp_path):
    """Read-only, with what the guest writes in its memory."""
    del outer  # there is a lab kernel
    write_root(tmp_path / "root")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/run").write_text("#!/bin/sh\necho it runs\n")
    (tmp_path / "tests/run").chmod(0o750)
    (tmp_path / "t.yaml").write_text(json.dumps({"name": "folder", "guests": {"a": {
        "kernel": "lab", "root": {"directory": "root"},
        "files": {"/bin/own": "tests/run", "/opt/tests": "tests"}}}}))
    before = sorted(tmp_path.rglob("*"))
    run(netlab, "up", tmp_path / "t.yaml", "-o", fresh_home / "out", "--accel", "tcg",
        deadline=180).ok()
    try:
        said = run(netlab, "exec", "folder/a", "--", "sh", "-c",
                   "cat /mine; own; stat -c %a:%U /opt/tests/run; echo gone >/mine; cat /mine; "
                   "ls /run/initramfs/init /dev/vport* >/dev/null && echo whole",
                   deadline=180).ok().stdout
        assert said == "from the folder\nit runs\n750:UNKNOWN\ngone\nwhole\n"
    finally:
        run(netlab, "down", "folder", deadline=180).ok()
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "root/mine").read_text() == "from the folder\n"
