# SPDX-License-Identifier: GPL-2.0-or-later
"""accel auto with a KVM that was believed to work: the guest comes up, with TCG.

NETLAB_ASSUME_KVM=1 skips the proof; what QEMU does with KVM is played by a script in its place.
"""
import os
import shutil

import pytest

QEMU = """#!/bin/sh
case "$*" in
*"-accel kvm"*) {with_kvm} ;;
esac
exec {qemu} "$@"
"""
HANGS = "exec sleep 1000"
WARNS_AND_HANGS = "echo 'qemu-system-x86_64: warning: no such flag' >&2; exec sleep 1000"
DIES = "echo 'qemu-system-x86_64: error: failed to set MSR 0x10a' >&2; exit 1"


@pytest.fixture
def qemu_with_kvm(tmp_path, monkeypatch):
    """qemu_with_kvm(script): what a QEMU that is to use KVM does."""
    def play(with_kvm):
        folder = tmp_path / "bin"
        folder.mkdir()
        qemu = shutil.which("qemu-system-x86_64")
        (folder / "qemu-system-x86_64").write_text(QEMU.format(with_kvm=with_kvm, qemu=qemu))
        (folder / "qemu-system-x86_64").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        monkeypatch.setenv("NETLAB_ASSUME_KVM", "1")
    return play


@pytest.mark.parametrize("script, why", [
    (HANGS, "it says nothing for 5 s"),
    (WARNS_AND_HANGS, "it says nothing for 5 s"),
    (DIES, "QEMU has ended (exit status 1, qemu-system-x86_64: error: failed to set MSR 0x10a)"),
], ids=["hangs", "warns and hangs", "dies"])
def test_a_kvm_that_does_not_work(make_lab, qemu_with_kvm, script, why):
    qemu_with_kvm(script)
    lab = make_lab()
    result = lab.up("--accel", "auto").ok()
    warnings = [line for line in result.stderr.splitlines() if "booting" not in line]
    assert len(warnings) == 1 and warnings[0].startswith("netlab: warning: server: with KVM, ")
    assert why in warnings[0] and "TCG" in warnings[0]
    assert lab.guest()["accel"] == "tcg"
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()


def test_kvm_that_was_asked_for_is_not_replaced(make_lab, qemu_with_kvm):
    qemu_with_kvm(DIES)
    result = make_lab().up("--accel", "kvm").exited(1)
    assert "QEMU has ended (exit status 1)" in result.stderr
    assert "failed to set MSR" in result.stderr


@pytest.mark.skipif(not os.path.exists("/dev/kvm"), reason="there is no /dev/kvm")
def test_this_machine_s_kvm_works_or_is_replaced(make_lab, monkeypatch):
    monkeypatch.setenv("NETLAB_ASSUME_KVM", "1")
    lab = make_lab()
    result = lab.up("--accel", "auto").ok()
    assert lab.guest()["accel"] == ("tcg" if result.stderr else "kvm")
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()
