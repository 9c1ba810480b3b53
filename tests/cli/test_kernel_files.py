# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel built elsewhere: what of it will disappoint is said before a guest starts. The kernels
are those that netlab built, taken as anybody's files; output goes nowhere, so no guest starts."""
import json
import pathlib
import subprocess

import pytest


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
