# SPDX-License-Identifier: GPL-2.0-or-later
"""Modules in a guest: a card's driver, and guest/modules/oops from its source to the crash."""
import re
import subprocess

import pytest

from debugging import debugging, meanwhile
from lab import wait_until


@pytest.fixture
def example(source):
    """The example's folder."""
    return source / "guest/modules/oops"


@pytest.fixture
def victim(built, make_lab, example):
    """The example's lab, up: its card's driver is a module."""
    built("modular")
    lab = make_lab(topology=example / "oops.yaml")
    lab.up().ok()
    return lab


def gdb_says(terminal, command, *words):
    """Type a command; what gdb says up to its next prompt, in which the words are."""
    terminal.run(command)
    said = terminal.wait_for("(gdb) ")
    for word in words:
        assert word in said
    return said


def console(lab):
    return (lab.output / "victim.console").read_text(errors="replace")


def test_card_whose_driver_is_a_module(victim):
    loaded = victim.exec("victim", "cat", "/proc/modules").ok().stdout
    assert loaded.startswith("e1000 ") and "oops" not in loaded
    victim.exec("host", "busybox", "ping", "-c", "1", "-W", "60",
                "192.168.100.224").ok()


def test_module_is_loaded_with_its_parameters(victim):
    victim.exec("victim", "insmod", "/modules/oops.ko", "where=1").ok()
    assert "oops: wrote 42" in victim.exec("victim", "dmesg").ok().stdout
    assert victim.exec("victim", "cat", "/sys/module/oops/parameters/where").stdout == "1\n"
    victim.exec("victim", "rmmod", "oops").ok()


def test_modules_are_loaded_at_boot_in_order(built, make_lab, example):
    built("modular")
    guest = {"memory": "256M", "modules": [
        "dummy", {"path": str(example), "parameters": {"where": 7}}]}
    lab = make_lab(kernel="modular", guests={"victim": guest}, capture=None)
    lab.up().ok()
    names = [line.split()[0] for line in
             lab.exec("victim", "cat", "/proc/modules").ok().stdout.splitlines()]
    assert names == ["oops", "dummy"]  # the newest first
    assert lab.exec("victim", "cat", "/sys/module/oops/parameters/where").stdout == "7\n"


def test_modules_that_are_not_loaded(built, make_lab, example, run):
    built("modular")
    guest = {"memory": "256M", "modules": [
        {"name": "dummy", "parameters": {"numdummies": "many"}},
        {"path": str(example), "parameters": {"where": "there"}}]}
    lab = make_lab(kernel="modular", guests={"victim": guest}, capture=None)
    dummy = ("dummy: can't load module dummy (kernel/drivers/net/dummy.ko): Invalid argument; "
             "dummy: `many' invalid for parameter `numdummies'")
    oops = "oops: Invalid argument; oops: `there' invalid for parameter `where'"
    assert lab.up().exited(1).stderr.splitlines()[-1] == (
        f"netlab: victim: not loaded at its boot: the module {dummy}; the module {oops}; "
        "with 'load: later', a module is there to be loaded by hand")
    assert "no lab is up" in lab.verb("status").ok().stdout
    lab.up("--freeze").ok()
    run("gdb", "-nx", "-batch", "-ex", f"target remote {lab.guest('victim')['gdb']}", "-ex",
        "detach").ok()
    wait_until(lambda: "kernel" in lab.guest("victim"), "the guest's agent")
    assert lab.guest("victim")["modules_failed"] == [dummy, oops]
    assert f"module not loaded: {oops}" in lab.verb("status", lab.name).ok().stdout


def test_step_in_a_driver_that_is_a_module(built, make_lab):
    built("modular")
    lab = make_lab(kernel="modular",
                   drive=[{"udp": {"to": "server:7777", "send": "hello", "expect": "hello"}}],
                   debug=[{"guest": "server", "at": "e1000_clean", "do": "backtrace",
                           "times": 1}])
    result = lab.run(lab.netlab, "run", lab.topology, "--name", lab.name, "-o", lab.output,
                     "--accel", "tcg", deadline=300).ok()
    assert "at drivers/net/ethernet/intel/e1000/e1000_main.c:" in result.stdout
    assert "at net/core/dev.c:" in result.stdout


def test_the_whole_way_to_the_line_that_crashed(victim, example, terminal, netlab, run):
    terminal.run(netlab, "gdb", f"{victim.name}/victim")
    terminal.wait_for("(gdb) ")
    gdb_says(terminal, "set confirm off")
    gdb_says(terminal, "set width 0")
    gdb_says(terminal, "set pagination off")
    gdb_says(terminal, "break crash_init", "(crash_init) pending")
    gdb_says(terminal, "break oops_enter")
    terminal.run("continue")
    terminal.wait_for("Continuing.")
    loader = subprocess.Popen(
        [netlab, "exec", f"{victim.name}/victim", "--", "insmod", "/modules/oops.ko"])
    try:
        stopped = terminal.wait_for("(gdb) ", 180)
        assert "crash_init () at " in stopped and f"{example}/oops.c:" in stopped
        gdb_says(terminal, "next")
        gdb_says(terminal, "info source", f"Located in {example}/oops.c")
        terminal.run("continue")
        terminal.wait_for("oops_enter")
        terminal.wait_for("(gdb) ", 180)
        gdb_says(terminal, "netlab-backtrace", "crash_write", "oops.c:", "crash_init",
                 "do_init_module")
        gdb_says(terminal, "detach")
        terminal.run("quit")
        loader.wait(timeout=180)
    finally:
        loader.kill()
        loader.wait()
    wait_until(lambda: victim.guest("victim")["halted"], "it halts at its panic")
    assert "BUG: kernel NULL pointer dereference, address: 0000000000000000" in console(victim)
    assert "RIP: 0010:crash_write+" in console(victim)
    assert victim.guest("victim")["state"] == "panicked"


def test_modules_of_a_guest_and_the_oops_of_one(victim, example):
    """Without gdb when it happens: afterwards it tells all the same."""
    with debugging(victim, "victim") as gdb:
        listed = gdb.run("netlab modules")
        assert re.search(r"^e1000  live, \d+ bytes at 0xffffffff\w+  /.*/e1000.ko$", listed, re.M)
        assert " .text 0x" in listed and ".init.text 0x" in listed and "oops" not in listed
        assert "e1000_main.c" in gdb.run("info line e1000_clean")
    victim.exec("victim", "insmod", "/modules/oops.ko", "where=1").ok()
    with debugging(victim, "victim") as gdb:
        assert re.search(r"^oops  live, .*/oops.ko$", gdb.run("netlab modules"), re.M)
        assert "<crash_write>" in gdb.run("print &crash_write")
        gdb.run("tbreak module_memfree")  # it is off the list by then
        gdb.begin("continue")
        with meanwhile(victim.exec, "victim", "rmmod", "oops"):
            assert "module_memfree (" in gdb.end()
            assert "oops  " not in gdb.run("netlab modules")
            assert "No symbol" in gdb.run("print &crash_write")
            gdb.run("delete")
            gdb.run("detach")
    victim.exec("victim", "insmod", "/modules/oops.ko").exited(1)
    wait_until(lambda: victim.guest("victim")["halted"], "it halts at its panic")
    with debugging(victim, "victim") as gdb:
        path = gdb.greeting.partition("The path to the panic")[2]
        assert f"at {example}/oops.c:" in path
        functions = re.findall(r"^#\d+ +(?:0x\w+ in )?(\w+) ", path, re.M)
        assert functions.index("panic") < functions.index("crash_write")
        assert functions.index("crash_write") < functions.index("do_init_module")


def test_module_before_the_kernel_has_run(built, make_lab, example, terminal, netlab):
    """A guest that stands at its first instruction: a breakpoint in a module that init loads."""
    built("modular")
    guest = {"memory": "256M", "modules": [{"path": str(example), "parameters": {"where": 1}}]}
    lab = make_lab(kernel="modular", guests={"victim": guest}, capture=None)
    lab.up("--freeze").ok()
    terminal.run(netlab, "gdb", f"{lab.name}/victim")
    terminal.wait_for("(gdb) ")
    gdb_says(terminal, "set confirm off")
    gdb_says(terminal, "set width 0")
    gdb_says(terminal, "set pagination off")
    gdb_says(terminal, "hbreak crash_write", "pending")
    terminal.run("continue")
    stopped = terminal.wait_for("(gdb) ", 120)
    assert "crash_write (target=" in stopped and "value=42" in stopped
    gdb_says(terminal, "delete")
    terminal.run("quit")
