# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab's commands in a real gdb: what all of them have in common."""
from debugging import debugging, meanwhile


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
