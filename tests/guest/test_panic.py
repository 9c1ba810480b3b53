# SPDX-License-Identifier: GPL-2.0-or-later
"""on_panic: a guest whose kernel panics is stopped there, and gdb begins with why."""
import re

import pytest

from debugging import debugging
from lab import fields, wait_until


def say_hello_for_nothing(lab):
    """A datagram to the guest that no one waits for."""
    lab.exec("host", "/usr/bin/python3", "-c", "import socket; socket.socket("
             "type=socket.SOCK_DGRAM).sendto(b'x', ('192.168.100.224', 7777))").ok()


def break_pointer(lab):
    """Have udp_rcv() called with an skb at NULL: an oops in a softirq."""
    with debugging(lab) as gdb:
        gdb.run("tbreak *udp_rcv")
        gdb.begin("continue")
        say_hello_for_nothing(lab)
        assert "udp_rcv (" in gdb.end()
        gdb.run("set $rdi = 0")
        assert "has panicked, and nothing of it runs on: netlab panic" in gdb.run("continue")


def test_an_oops_halts_the_guest_where_it_panics(make_lab):
    lab = make_lab(on_panic="halt", guests={"server": {
        "memory": "256M", "cpus": 2, "run": ["epoll-echo", "--udp", "--port", "7777"],
        "nics": [{"bridge": "br0", "addresses": ["192.168.100.224/24"]}]}})
    lab.up().ok()
    break_pointer(lab)
    wait_until(lambda: lab.guest()["state"] == "panicked" and lab.guest()["halted"], "it halts")
    status = lab.verb("status").ok().stdout
    assert "guest, panicked, halted" in status
    assert re.search(r"Kernel panic .*\n.*netlab gdb under-test/server", status)
    with debugging(lab) as gdb:
        words, cpu, path = re.split(r"The path to the panic, on CPU (\d):", gdb.greeting)
        assert f"* {int(cpu) + 1} " in gdb.run("info threads")
        assert "BUG: kernel NULL pointer dereference" in words
        assert "Kernel panic - not syncing: Fatal exception in interrupt" in words
        assert "RIP: 0010:" in words and "<1>" not in words
        functions = re.findall(r"^#\d+ +(?:0x\w+ in )?(\w+) ", path, re.M)
        assert functions.index("panic") < functions.index("asm_exc_page_fault")
        assert functions.index("asm_exc_page_fault") < functions.index("ip_local_deliver")
        assert "emergency_restart" in functions[:functions.index("panic")]
        assert "netlab: guest server, Linux" in path
        assert "The path to the panic" in gdb.run("netlab panic")
        for command in ("stepi", "next", "continue"):
            said = gdb.run(command)
            assert "SIGQUIT" in said and "nothing of it runs on" in said, said
    guest, lockstep = lab.guest(), lab.status()["lockstep"]
    assert guest["halted"] and guest["state"] == "panicked", "it stands for the next debugger"
    assert lockstep["halted"] and [h["guest"] for h in lockstep["holders"]] == ["server"]
    lab.verb("resume", "under-test/server").ok()
    assert not lab.status()["lockstep"]["halted"], "the lab goes on without it"
    assert "not paused" in lab.verb("resume", "under-test/server").exited(1).stderr
    with debugging(lab) as gdb:
        assert "The path to the panic" in gdb.greeting
    lab.down().ok()
    rows = fields(lab.output / "under-test.pcapng", "syslog.msg",
                  only='frame.interface_name == "halts"')
    assert any(re.search("^server halted.*: Kernel panic - not syncing: Fatal exception in "
                         "interrupt; ", text) for text, in rows), rows


def test_a_guest_that_powers_off_and_one_that_has_not_panicked(make_lab):
    lab = make_lab(on_panic="halt")
    lab.up().ok()
    with debugging(lab) as gdb:
        assert "The path to the panic" not in gdb.greeting
        assert "this guest's kernel has not panicked" in gdb.run("netlab panic")
        assert "it takes no argument" in gdb.run("netlab panic now")
    lab.exec("server", "poweroff")
    wait_until(lambda: lab.guest()["state"] == "gone", "QEMU ends")


def test_a_panic_while_it_boots(make_lab):
    lab = make_lab(capture=None, guests={"server": {
        "memory": "128M", "kernel_arguments": "rdinit=/none init=/none"}})
    assert "is none of: continue, halt" in lab.up("--on-panic", "stop").exited(1).stderr
    result = lab.up("--on-panic", "halt").ok()
    assert "server: halted where its kernel panicked" in result.stdout
    assert re.search(r"server: .*Kernel panic - not syncing: .*; gdb: netlab gdb "
                     "under-test/server", result.stderr)
    with debugging(lab) as gdb:
        assert "kernel_init (" in gdb.greeting.partition("The path to the panic")[2]


def test_a_panic_ends_the_step_of_run(make_lab, start_verb):
    """Its traffic holds with the lab, and so does its timeout."""
    lab = make_lab(on_panic="halt", capture=None, drive=[
        {"tcp": {"to": "server:7777", "send": "x", "expect": "xyz", "timeout": "60min"}}])
    running = start_verb("run", lab.topology, "-o", lab.output, "--accel", "tcg")
    connected = "grep -q ':1E61 [0-9A-F]*:[0-9A-F]* 01 ' /proc/net/tcp /proc/net/tcp6"
    wait_until(lambda: lab.exec("server", "sh", "-c", connected).returncode == 0 or
               running.poll() is not None, "it waits for an answer")
    lab.exec("server", "sh", "-c", "echo c > /proc/sysrq-trigger").exited(1)
    _, said = running.communicate(timeout=180)
    assert running.returncode == 1
    assert re.search(r"^netlab: .*tcp to server:7777: its kernel panicked; the console's last lines:"
                     r"\n(?:.*\n){0,10}.*Kernel panic - not syncing: sysrq triggered crash\n", said,
                     re.M), said
    assert "sysrq_handle_crash" in said and "stays up" not in said


def test_a_panic_while_another_boots(make_lab):
    """Which halts with it, and is not waited for until someone lets it go on."""
    lab = make_lab(capture=None, on_panic="halt", guests={
        "server": {"memory": "128M", "kernel_arguments": "rdinit=/none init=/none"},
        "other": {"memory": "128M", "kernel_arguments": "rdinit=/bin/cat"}})
    said = lab.up().ok().stdout
    assert "server: halted where its kernel panicked" in said
    assert "other: halted on its way up, with the lab" in said
    assert lab.guest("other")["halted"]
    lab.verb("resume", "under-test/server").ok()
    wait_until(lambda: not lab.guest("other")["halted"], "it goes on")


@pytest.mark.parametrize("lockstep", ["on", "off"])
def test_run_leaves_the_lab_to_gdb(make_lab, terminal, lockstep):
    lab = make_lab(on_panic="halt", capture=None, lockstep=lockstep,
                   drive=[{"tcp": {"to": "server:7777", "send": "x", "timeout": "1s"}}],
                   guests={"server": {
                       "memory": "128M", "kernel_arguments": "rdinit=/none init=/none",
                       "nics": [{"bridge": "br0", "addresses": ["192.168.100.224/24"]}]}})
    terminal.run(lab.netlab, "run", lab.topology, "-o", lab.output, "--accel", "tcg")
    assert "Call Trace:" in terminal.wait_for("the lab stays up for gdb; ^C ends it")
    wait_until(lambda: lab.guest()["halted"], "it halts")
    with debugging(lab) as gdb:
        assert "The path to the panic" in gdb.greeting
    terminal.type("\x03")
    terminal.wait_for("@> ")
    assert terminal.last_status() == 1
