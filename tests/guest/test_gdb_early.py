# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab gdb on a guest that has not run an instruction: plain breakpoints hold from there."""
import re

import pytest

from debugging import debugging, meanwhile
from lab import wait_until

INSERTED = re.compile(r"Sending packet: \$Z([01]),([0-9a-f]+),")


def hello(lab):
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()


def hello_once_up(lab):
    """A guest that takes its time answers no ARP, which the host gives up after three seconds."""
    wait_until(lambda: lab.guest()["state"] == "up", "it has booted")
    hello(lab)


@pytest.fixture
def frozen(make_lab):
    """A lab whose guest is halted before its first instruction."""
    lab = make_lab()
    lab.up("--freeze").ok()
    return lab


class Packets:
    """What gdb says to QEMU meanwhile."""

    def __init__(self, gdb, path):
        self.gdb, self.path = gdb, path
        for command in (f"set logging file {path}", "set logging debugredirect on",
                        "set logging enabled on", "set debug remote 1"):
            gdb.run(command)

    def inserted(self):
        """{"0" (software) or "1" (hardware): addresses} of breakpoints set since last asked."""
        found = {"0": set(), "1": set()}
        for kind, address in INSERTED.findall(self.path.read_text()):
            found[kind].add(int(address, 16))
        self.path.write_text("")
        return found


def test_breakpoints_typed_at_the_first_instruction(frozen, tmp_path):
    with debugging(frozen) as gdb:
        assert "before the kernel's start" in gdb.greeting
        assert "break start_kernel" in gdb.greeting
        assert "Breakpoint 1 at" in gdb.run("break start_kernel")
        assert "Temporary breakpoint 2 at" in gdb.run("tbreak e1000_main.c:e1000_probe")
        assert "netlab:" not in gdb.run("break setup_arch if 1 == 1")
        for number, function in [(4, "tcp_init"), (5, "tcp_v4_rcv")]:
            said = gdb.run(f"break {function}")
            assert f"Breakpoint {number} at" in said
            assert f"netlab: breakpoint {number} is on from start_kernel" in said
        packets = Packets(gdb, tmp_path / "packets")
        assert "Breakpoint 1, start_kernel ()" in gdb.run("continue")
        before = packets.inserted()
        assert len(before["1"]) == 3 and not before["0"], "hardware: what fits"
        assert "Breakpoint 3, setup_arch" in gdb.run("continue")
        after = packets.inserted()
        assert len(after["0"]) == 5 and not after["1"], "software, all of them"
        assert "Breakpoint 4, tcp_init ()" in gdb.run("continue")
        assert "Temporary breakpoint 2, e1000_probe (pdev=0x" in gdb.run("continue")
        gdb.begin("continue")
        with meanwhile(hello_once_up, frozen):
            assert "Breakpoint 5, tcp_v4_rcv (skb=0x" in gdb.end()
            gdb.run("delete")
            gdb.run("detach")
    hello(frozen)


def test_few_breakpoints_stay_hardware_until_the_kernel_is_patched(frozen, tmp_path):
    with debugging(frozen) as gdb:
        for function in ("start_kernel", "setup_arch", "tcp_init"):
            assert "netlab:" not in gdb.run(f"break {function}")
        packets = Packets(gdb, tmp_path / "packets")
        assert "Breakpoint 1, start_kernel ()" in gdb.run("continue")
        assert "Breakpoint 2, setup_arch" in gdb.run("continue")
        assert not packets.inserted()["0"], "no text is written while the kernel patches it"
        assert "Breakpoint 3, tcp_init ()" in gdb.run("continue")
        packets.inserted()
        gdb.run("stepi")
        behind = packets.inserted()
        assert behind["0"] and not behind["1"], "software, behind kernel_init"
