# SPDX-License-Identifier: GPL-2.0-or-later
"""While one guest of a lab stands still, so do all: with real guests, TCP and gdb."""
import os
import signal
import time

import pytest

from debugging import debugging, meanwhile, stop_in_gdb
from halting import Control, Transfer, counters, ring, without_loss_probes
from lab import wait_until


def guest(number, **more):
    return {"memory": "256M", "run": ["epoll-echo", "--port", "7777"],
            "nics": [{"model": "e1000", "bridge": "br0",
                      "addresses": [f"192.168.100.{number}/24"]}], **more}


@pytest.fixture
def pair(make_lab):
    """A lab of two guests, a and b, that is up."""
    lab = make_lab("pair", bridges={"br0": {"addresses": ["192.168.100.50/24"]}},
                   guests={"a": guest(1), "b": guest(2)})
    lab.up().ok()
    return lab


def halted(lab):
    return {g["name"]: g["halted"] for g in lab.status()["guests"]}


def uptime(lab, name):
    """Seconds that a guest has lived, as it says itself."""
    return float(lab.exec(name, "cat", "/proc/uptime").ok().stdout.split()[0])


def hello(lab, name="a"):
    lab.drive(f"{name}:7777", "tcp", "--send", "hello", "--expect", "hello").ok()


def lockstep(lab):
    return lab.status()["lockstep"]


def test_a_breakpoint_stops_all_and_their_clocks(pair):
    before = uptime(pair, "b"), time.monotonic()
    with debugging(pair, "a") as gdb:
        gdb.run("tbreak tcp_v4_rcv")
        gdb.begin("continue")
        with meanwhile(hello, pair):
            assert "tcp_v4_rcv" in gdb.end()
            wait_until(lambda: halted(pair) == {"a": True, "b": True}, "both stand still")
            state = lockstep(pair)
            assert state["halted"]
            assert state["holders"] == [{"guest": "a", "why": "debugger"}]
            assert "time stands still: held by a (debugger)" in \
                pair.verb("status", pair.name).stdout
            time.sleep(3)  # this is what must not have been
            count = state["halts"]
            gdb.run("stepi 20")
            assert lockstep(pair)["halts"] == count, "a step is no going on"
            assert halted(pair) == {"a": True, "b": True}
            gdb.begin("detach")
        gdb.end()
    wait_until(lambda: not any(halted(pair).values()), "both run")
    lived, passed = uptime(pair, "b") - before[0], time.monotonic() - before[1]
    state = lockstep(pair)
    assert passed - lived > state["halted_ns"] / 1e9 - 0.5
    assert state["halted_ns"] > 3e9
    assert state["skew_ns"]["worst"] > 0


def test_gdb_on_both(pair):
    with debugging(pair, "a") as a, debugging(pair, "b") as b:
        b.begin("continue")
        # b's user lets it run, and it does not: a's looks at his guest.
        assert lockstep(pair)["holders"] == [{"guest": "a", "why": "debugger"}]
        assert halted(pair) == {"a": True, "b": True}
        a.run("tbreak tcp_v4_rcv")
        a.begin("continue")
        wait_until(lambda: not any(halted(pair).values()), "both run")
        with meanwhile(hello, pair):
            assert "tcp_v4_rcv" in a.end()
            wait_until(lambda: all(halted(pair).values()), "both stand still")
            # b's debugger has seen nothing of that; ^C there stops it in its own right.
            assert not b.data.strip()
            assert "SIGINT" in stop_in_gdb(b, b.process.pid)
            a.begin("continue")
            wait_until(lambda: lockstep(pair)["holders"] ==
                       [{"guest": "b", "why": "debugger"}], "a waits for b")
            assert all(halted(pair).values()), "a does not run alone"
            wait_until(lambda: a.read_now() and b"held by b (debugger)" in a.data,
                       "a's user is told why")
            b.begin("detach")
            b.end()
        stop_in_gdb(a, a.process.pid)


def test_a_debugger_that_is_killed_lets_the_lab_go(pair):
    with debugging(pair, "a") as gdb:
        gdb.run("break tcp_v4_rcv")
        gdb.process.kill()
        gdb.process.wait(60)
        wait_until(lambda: not any(halted(pair).values()), "both run")
    hello(pair)
    assert not lockstep(pair)["halted"], "its breakpoints are gone"


def test_a_pause(pair):
    hello(pair)
    pair.verb("pause", "pair/b").ok()
    wait_until(lambda: halted(pair) == {"a": True, "b": True}, "both stand still")
    # A debugger comes and goes: the pause stays.
    with debugging(pair, "a") as gdb:
        assert {"guest": "b", "why": "pause"} in lockstep(pair)["holders"]
        gdb.run("detach")
    wait_until(lambda: halted(pair) == {"a": True, "b": True}, "both stand still again")
    result = pair.verb("resume", "pair/a").exited(1)
    assert result.stderr == "netlab: a: it is not paused\n"
    with debugging(pair, "b") as gdb:
        gdb.begin("continue")
        wait_until(lambda: gdb.read_now() and b"goes on with 'netlab resume b'" in gdb.data,
                   "its user is told why it doesn't")
        stop_in_gdb(gdb, gdb.process.pid)
    # What is driven into a lab that stands still holds, its timeout too.
    with meanwhile(lambda: pair.drive("a:7777", "tcp", "--send", "x", "--expect", "x",
                                      "--timeout", "3s").ok()):
        time.sleep(4)  # longer than the timeout
        pair.verb("resume", "pair/b").ok()
    assert halted(pair) == {"a": False, "b": False}


def test_a_guest_that_dies_while_the_lab_stands_still(pair):
    pair.verb("pause", "pair/a").ok()
    wait_until(lambda: halted(pair) == {"a": True, "b": True}, "both stand still")
    os.kill(pair.guest("a")["pid"], signal.SIGKILL)
    wait_until(lambda: pair.guest("a")["state"] == "gone", "a is gone")
    wait_until(lambda: not halted(pair)["b"], "b goes on")
    hello(pair, "b")
    result = pair.verb("pause", "pair/a").exited(1)
    assert result.stderr == "netlab: a: QEMU has ended\n"


@pytest.mark.parametrize("how", ["option", "key"])
def test_without_lockstep(make_lab, how):
    lab = make_lab("alone", bridges={"br0": {"addresses": ["192.168.100.50/24"]}},
                   guests={"a": guest(1), "b": guest(2)},
                   lockstep=None if how == "option" else "off")
    lab.up(*["--no-lockstep"] * (how == "option")).ok()
    lab.verb("pause", "alone/a").ok()
    wait_until(lambda: halted(lab)["a"], "a stands still")
    hello(lab, "b")
    assert not lockstep(lab)["halted"]
    assert not lockstep(lab)["enabled"]
    assert "lockstep is off: guests halt alone" in lab.verb("status", lab.name).stdout
    lab.verb("resume", "alone/a").ok()
    hello(lab, "a")


# --- TCP from one guest to the other -----------------------------------------------------------

# A machine that is busy lets a vCPU starve for some 100 ms, which looks like a lost segment. TCP
# waits for two seconds here, and the halts are longer than that.
RTO_MIN = "2s"
HALT_SECONDS = 3


@pytest.fixture
def make_patient_pair(make_lab, lab_kernel):
    """make_patient_pair(*options of up): two guests with the host's programs."""
    def make(*options):
        lab = make_lab("pair", kernel="lab", bridges={"br0": {}}, capture=None,
                       guests={"a": guest(1, root="host"), "b": guest(2, root="host")})
        lab.up(*options).ok()
        without_loss_probes(lab, "a", "b")
        for name in ("a", "b"):
            lab.exec(name, "ip", "route", "change", "192.168.100.0/24", "dev", "eth0",
                     "rto_min", RTO_MIN).ok()
        return lab
    return make


def lost_in_halts(lab, count):
    """TCP's counters of both guests, of a transfer that is halted so many times."""
    with Transfer(lab, "a", "192.168.100.2") as transfer, Control(lab) as control:
        for i in range(count):
            transfer.wait_for_more()
            control.halt("ab"[i % 2], HALT_SECONDS)
        transfer.wait_for_more()
    assert transfer.whole, "data is lost"
    return {name: value for guest in "ab" for name, value in counters(lab, guest).items() if value}


def test_tcp_sees_no_halt(make_patient_pair):
    lab = make_patient_pair()
    assert ring(lab, "a") == {"most": "4096", "now": "4096"}
    assert not lost_in_halts(lab, 4)


def test_without_lockstep_tcp_sees_the_same_halts(make_patient_pair):
    """What shows that the test above can fail."""
    assert "RetransSegs" in lost_in_halts(make_patient_pair("--no-lockstep"), 4)
