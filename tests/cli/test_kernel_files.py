# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel built elsewhere: what of it will disappoint is said before a guest starts. The kernels
are those that netlab built, taken as anybody's files; output goes nowhere, so no guest starts."""
import json
import pathlib
import re
import subprocess

import pytest


# A vmlinux as far as the judgement goes: QEMU's entry is in a note, KASAN in a symbol.
PVH = """__asm__(".pushsection .note.Xen, \\"a\\", @note\\n"
	".long 4, 8, 18\\n.asciz \\"Xen\\"\\n.quad 0\\n.popsection");
"""
START = "void start_kernel(void) {}\n"
KASAN = "void kasan_init(void) {}\n"
LINK = ["-nostdlib", "-static", "-no-pie", "-Wl,-e,start_kernel", "-Wl,--build-id=none"]


@pytest.fixture
def toy(tmp_path):
    """toy(C) -> the vmlinux that is made of it."""
    def make(code):
        source = tmp_path / "toy.c"
        source.write_text(code + START)
        subprocess.run(["cc", *LINK, "-o", tmp_path / "vmlinux", source], check=True, timeout=120)
        return tmp_path / "vmlinux"
    return make


@pytest.fixture
def up(run, netlab, kernel, fresh_home, tmp_path):
    """up(**kernel's keys) -> stderr of an `up` that stops short of its guests."""
    def start(**files):
        topology = tmp_path / "files.yaml"
        topology.write_text(json.dumps({"kernel": {name: str(path) for name, path in
                                                   files.items()}, "guests": {"a": {}}}))
        return run(netlab, "up", topology, "-o", "/dev/null/x").exited(1).stderr
    return start


def warnings(text):
    return [line for line in text.splitlines() if "warning" in line]


def test_whole_kernel_is_taken_without_a_word(up, kernel):
    error = up(vmlinux=kernel / "vmlinux", bzimage=kernel / "bzImage")
    assert error.count("\n") == 1 and "/dev/null" in error


@pytest.mark.parametrize("option, words", [
    ("--strip-debug", "has no debug information: gdb shows no source lines"),
    ("--strip-all", "is stripped: gdb knows none of its functions")])
def test_what_gdb_will_not_find(up, kernel, tmp_path, option, words):
    stripped = tmp_path / "vmlinux"
    subprocess.run(["strip", option, "-o", stripped, kernel / "vmlinux"], check=True, timeout=120)
    [warning] = warnings(up(vmlinux=stripped, bzimage=kernel / "bzImage"))
    assert f"{stripped} {words}" in warning


def test_bzimage_of_another_build(up, kernel, run, netlab):
    other = pathlib.Path(run(netlab, "kernel", "path", "lab").ok().stdout.strip()).parent
    ids = {kernel["directory"]: kernel["build_id"] for kernel in
           run(netlab, "kernel", "list", "--json").json()}
    error = up(vmlinux=kernel / "vmlinux", bzimage=other / "bzImage")
    assert error == (f"netlab: {other}/bzImage was made from another kernel than "
                     f"{kernel}/vmlinux: its build ID is {ids[str(other)]}, that one's "
                     f"{ids[str(kernel)]}; give the two files of one build\n")
    assert "is no bzImage" in up(vmlinux=kernel / "vmlinux", bzimage=kernel / "vmlinux")


def test_modules_of_a_kernel_built_elsewhere(up, kernel, tmp_path):
    error = up(vmlinux=kernel / "vmlinux", modules=tmp_path)
    assert f"{tmp_path} has no modules.dep; modules are in a folder lib/modules/VERSION" in error
    error = up(vmlinux=kernel / "vmlinux", modules=tmp_path / "none")
    assert "none: No such file" in error


BZIMAGE_WANTED = "; give the bzImage of that build, too: it is what is started then\n"


def test_what_needs_its_bzimage(up, toy, kernel):
    def without(code):
        return up(vmlinux=toy(code))

    assert without("").endswith("vmlinux has no PVH entry (CONFIG_PVH)" + BZIMAGE_WANTED)
    assert without(PVH + KASAN).endswith(
        "vmlinux has KASAN, with which its PVH entry crashes" + BZIMAGE_WANTED)
    assert "/dev/null" in without(PVH)
    assert "/dev/null" in up(vmlinux=toy(KASAN), bzimage=kernel / "bzImage")


def test_kasan_of_a_stripped_kernel_is_in_its_config(up, toy, tmp_path):
    stripped = toy(PVH + KASAN)
    subprocess.run(["strip", "--strip-all", stripped], check=True, timeout=120)
    assert "/dev/null" in up(vmlinux=stripped)
    (tmp_path / ".config").write_text("CONFIG_X=y\nCONFIG_KASAN=y\n")
    assert "vmlinux has KASAN" in up(vmlinux=stripped)


def test_what_is_started(run, netlab, toy, kernel, fresh_home, tmp_path):
    def started(vmlinux):
        topology = tmp_path / "started.yaml"
        topology.write_text(json.dumps({
            "kernel": {"vmlinux": str(vmlinux), "bzimage": f"{kernel}/bzImage"},
            "guests": {"a": {}}}))
        script = run(netlab, "export", "qemu", topology).ok().stdout
        return re.search(r"-kernel (\S+)", script)[1]

    assert started(toy(PVH)) == str(tmp_path / "vmlinux")
    assert started(toy(PVH + KASAN)) == started(toy("")) == f"{kernel}/bzImage"
