# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab gdb on a lab that is up: one debugger at a time, and none that leaves a halted guest."""
import os
import pathlib
import signal
import subprocess

import pytest

from debugging import DIE_WITH_A_BREAKPOINT
from lab import is_alive, wait_until, write_topology


def gdb_of(netlab_pid):
    """The gdb that a netlab runs; None: not yet."""
    tasks = pathlib.Path(f"/proc/{netlab_pid}/task/{netlab_pid}/children")
    for pid in tasks.read_text().split() if tasks.exists() else []:
        if pathlib.Path(f"/proc/{pid}/comm").read_text() == "gdb\n":
            return int(pid)
    return None


def netlab_gdb_pid(lab):
    """The netlab that holds the guest for its gdb, as a second debugger is told."""
    result = lab.verb("gdb", f"{lab.name}/server", "--", "-batch")
    if result.returncode == 0:
        return None
    return int(result.stderr.partition("(process ")[2].partition(")")[0])


def hello(lab):
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()


def leave(terminal):
    """gdb was told to quit while it has the guest."""
    terminal.wait_for("Quit anyway? (y or n) ")
    terminal.run("y")
    terminal.wait_for("@> ")


def attach(lab, terminal):
    """Come to gdb's prompt on a terminal, the guest halted."""
    terminal.run(lab.netlab, "gdb", f"{lab.name}/server")
    terminal.wait_for("(gdb) ")
    assert lab.guest()["halted"]


@pytest.fixture
def attached(shared, terminal):
    """(lab, terminal), with gdb on the guest, that goes on after each test."""
    attach(shared, terminal)
    return shared, terminal


def test_a_second_debugger_is_told(attached):
    lab, terminal = attached
    result = lab.verb("gdb", f"{lab.name}/server").exited(1)
    assert len(result.stderr.splitlines()) == 1
    assert "server: a debugger is attached already (process " in result.stderr
    pid = int(result.stderr.partition("(process ")[2].partition(")")[0])
    assert gdb_of(pid), "it names the netlab whose gdb it is"
    terminal.run("detach")
    terminal.run("quit")
    terminal.wait_for("@> ")
    hello(lab)
    lab.verb("gdb", f"{lab.name}/server", "--", "-batch").ok()


def test_a_batch_session_holds_the_guest_as_well(netlab, run, kernel, fresh_home, tmp_path):
    topology = write_topology(
        tmp_path / "t.yaml",
        drive=[{"tcp": {"to": "server:7777", "send": "x", "expect": "x"}}],
        debug=[{"guest": "server", "at": "tcp_v6_rcv", "do": "backtrace", "times": 1}])
    with subprocess.Popen([netlab, "run", topology, "--name", "batch", "-o", tmp_path, "--accel",
                           "tcg"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"tcp to "), "the breakpoints are set"
        result = run(netlab, "gdb", "batch/server").exited(1)
        assert f"a debugger is attached already (process {process.pid})" in result.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 1


@pytest.mark.parametrize("killer", [signal.SIGKILL, signal.SIGSEGV])
def test_a_gdb_that_dies_lets_the_guest_go_on(attached, killer):
    lab, terminal = attached
    terminal.run("break ep_poll_callback")
    terminal.wait_for("(gdb) ")
    terminal.run("continue")
    terminal.wait_for("Continuing.")
    wait_until(lambda: not lab.guest()["halted"], "the guest runs")
    os.kill(gdb_of(netlab_gdb_pid(lab)), killer)
    terminal.wait_for(f"gdb: killed by {killer.name}")
    assert terminal.last_status() == 128 + killer
    hello(lab)


def test_a_netlab_that_is_killed_takes_gdb_with_it(attached):
    lab, terminal = attached
    pid = netlab_gdb_pid(lab)
    gdb = gdb_of(pid)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(gdb), "gdb ends", 30)
    terminal.wait_for("@> ")
    lab.verb("gdb", f"{lab.name}/server", "--", "-batch").ok()
    hello(lab)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_ends_netlab_ends_gdb_in_good_order(attached, number):
    lab, terminal = attached
    terminal.run("break ep_poll_callback")
    terminal.wait_for("(gdb) ")
    terminal.run("continue")
    terminal.wait_for("Continuing.")
    os.kill(netlab_gdb_pid(lab), number)
    terminal.wait_for("@> ")
    hello(lab)


def test_a_terminal_that_is_closed(attached):
    lab, terminal = attached
    terminal.run("break ep_poll_callback")
    terminal.wait_for("(gdb) ")
    pid = netlab_gdb_pid(lab)
    terminal.close()
    wait_until(lambda: not is_alive(pid), "netlab ends", 30)
    hello(lab)


def test_ctrl_c_stops_the_guest_and_ctrl_z_gdb(attached):
    lab, terminal = attached
    terminal.run("continue")
    terminal.wait_for("Continuing.")
    wait_until(lambda: not lab.guest()["halted"], "the guest runs")
    terminal.type("\x03")
    terminal.wait_for("(gdb) ")
    assert lab.guest()["halted"]
    terminal.type("\x1a")
    terminal.wait_for("Stopped")
    terminal.wait_for("@> ")
    terminal.run("fg")
    terminal.run("print 6 * 7")
    terminal.wait_for("$1 = 42")
    terminal.run("quit 5")
    leave(terminal)
    assert terminal.last_status() == 5
    hello(lab)


def test_the_exit_status_is_gdbs(shared):
    gdb, halts = ["gdb", f"{shared.name}/server", "--", "-batch"], shared.status()["lockstep"]["halts"]
    shared.verb(*gdb, "-ex", "quit 7").exited(7)
    hello(shared)
    assert shared.status()["lockstep"]["halts"] == halts + 1, "the lab stood still for gdb alone"
    shared.verb(*gdb, *DIE_WITH_A_BREAKPOINT).exited(128 + 9)
    hello(shared)


def test_down_while_gdb_holds_the_guest(lab, terminal):
    attach(lab, terminal)
    lab.down().ok()
    terminal.run("info registers rip")
    terminal.wait_for("(gdb) ")
    terminal.run("quit")
    leave(terminal)
