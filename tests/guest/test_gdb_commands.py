# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab's commands in a real gdb: what all of them have in common."""
from debugging import debugging, meanwhile
from lab import wait_until


def hello(lab):
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()


def test_a_session_over_pipes_stops_and_goes_on(shared):
    with debugging(shared) as gdb:
        assert "netlab: guest server" in gdb.greeting
        gdb.run("tbreak tcp_v4_rcv")
        gdb.begin("continue")
        with meanwhile(hello, shared):
            assert "tcp_v4_rcv (skb=" in gdb.end()
            assert "#0" in gdb.run("netlab-backtrace 3")
            gdb.run("delete")
            gdb.begin("detach")
        gdb.end()


def test_the_prefix_has_help(shared):
    with debugging(shared) as gdb:
        assert "Packets, sockets and paths" in gdb.run("help netlab")


def test_a_cpu_steps_alone(make_lab):
    lab = make_lab(guests={"server": {
        "memory": "256M", "cpus": 2,
        "nics": [{"bridge": "br0", "addresses": ["192.168.100.224/24"]}]}})
    lab.up().ok()
    # Both CPUs are busy, so that the timer's tick comes to both.
    lab.exec("server", "sh", "-c",
             "for i in 1 2; do while :; do :; done >/dev/null 2>&1 </dev/null & done").ok()
    with debugging(lab) as gdb:
        gdb.run("break scheduler_tick")
        assert "scheduler_tick ()" in gdb.run("continue")
        thread = gdb.run("thread")
        for _ in range(5):
            said = gdb.run("stepi 100")
            assert "Breakpoint" not in said and "SIG" not in said
        assert gdb.run("thread") == thread
        gdb.run("delete")
    wait_until(lambda: not lab.guest()["halted"], "it goes on")
    lab.exec("server", "true").ok()
