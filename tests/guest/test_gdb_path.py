# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab path: stages that are where it says, and are hit in the order that it gives."""
import json
import pathlib
import re

import pytest

from debugging import debugging
from lab import fields, shared_lab, wait_until
from walking import TRAFFIC, walking

FRAME = re.compile(r"^(.*):(\d+) > .*\] seq (\d+) ack (\d+) len (\d+), frame (\d+)$")


@pytest.fixture(scope="module")
def walker(netlab, run, cache, kernel):
    """All tests of a guest that has booted share one, and the gdb on it."""
    del kernel  # without one, these tests are skipped
    with shared_lab(netlab, run, cache, "paths") as lab, walking(lab) as walks:
        yield walks


def check_places(stages, kernel):
    """Is each function where the listing says it is, in the source that was compiled?"""
    source = pathlib.Path(json.loads((kernel / "note.json").read_text())["source"])
    for function, file, line in [stage for found in stages.values() for stage in found]:
        text = (source / file).read_text().splitlines()[line - 1]
        assert re.search(rf"\b{function}\b", text), f"{file}:{line}: {text}"


def check_frames(lab, lines):
    """Are the frames that the lines name those that tshark finds the segments in?"""
    traced = [match.groups() for *_, packet in lines if (match := FRAME.match(packet))]
    captured = {frame: values for frame, *values in fields(
        lab.status()["capture"]["file"], "frame.number", "tcp.srcport", "tcp.seq_raw",
        "tcp.ack_raw", "tcp.len", only="tcp")}
    assert len(traced) > 20
    for _, port, seq, ack, length, frame in traced:
        assert captured[frame] == [port, seq, ack, length]


@pytest.mark.parametrize("name", TRAFFIC)
def test_every_stage_is_hit_in_its_order_by_real_traffic(walker, kernel, name):
    lines, stages = walker.walk(name)
    assert {path for path, *_ in lines} == {name}
    check_places(stages, kernel)
    functions = [function for _, _, function, _ in lines]
    assert functions.count("arp_rcv") == functions.count("arp_process"), "each once"
    if name == "tcp-receive":
        check_frames(walker.lab, lines)


def test_stages_are_chosen_and_what_is_wrong_is_told(walker):
    with walker.session() as gdb:
        assert len(gdb.run("netlab path").splitlines()) == len(TRAFFIC)
        assert "tcp-receive: 2 functions to stop at, 4 to trace" in gdb.run(
            "netlab path tcp-receive trace 1-3 8 17 off 1 stop 17")
        shown = gdb.run("netlab path tcp-receive")
        assert re.search(r"^  2  __napi_schedule .*\[trace, 0 hits\]$", shown, re.M)
        assert re.search(r"^ 17  tcp_v4_rcv .*\[stop, 0 hits\]$", shown, re.M)
        assert not re.search(r"^  1 .*\[", shown, re.M)
        assert "2 stop, 4 trace" in gdb.run("netlab path")
        breakpoints = gdb.run("info breakpoints")
        assert "tcp_v6_rcv" in breakpoints and "net_rx_action" not in breakpoints
        assert "1 function to stop at, 4" in gdb.run("netlab path tcp-receive -6 off 17")
        gdb.run("delete")
        assert "0 functions to stop at, 4" in gdb.run("netlab path tcp-receive off 9")
        for words, message in [
                ("nonsense", "no path 'nonsense': tcp-receive, "),
                ("arp -6 stop 1", "arp is of IPv4 only"),
                ("arp stop", "stop which stages?"),
                ("arp stop trace 1", "stop which stages?"),
                ("arp pause 1", "'pause' is none of stop, trace, off"),
                ("arp stop one", "'one' is no stage"),
                ("arp stop 2-1", "stage 2-1: arp has 1 to 10"),
                ("arp stop 99", "stage 99: arp has 1 to 10")]:
            said = gdb.run(f"netlab path {words}")
            assert said.startswith("netlab path: ") and message in said
        assert "stop STAGES" in gdb.run("help netlab path")
        assert "netlab path tcp-receive\n" in gdb.run("complete netlab path tcp-r")
        assert "netlab path arp trace\n" in gdb.run("complete netlab path arp t")
        assert "0 functions to stop at, 0" in gdb.run("netlab path tcp-receive off all")


def test_lines_have_the_labs_time(walker):
    with walker.session() as gdb:
        wait_until(lambda: walker.lab.guest()["halted"], "the guest is halted")
        gdb.run("python from netlab_gdb import clock; one = clock.Clock()")
        assert gdb.run("python print(one.now() == one.now())") == "True\n", "it stands still"
        wall, now = map(int, gdb.run("python import time; print(time.time_ns(), one.now())").split())
        assert now < wall


def test_before_the_guest_has_booted(make_lab):
    lab = make_lab()
    lab.up("--freeze").ok()
    with debugging(lab) as gdb:
        assert "card is not known before" in gdb.run("netlab path tcp-receive")
        said = gdb.run("netlab path tcp-receive stop 4 17")
        assert "stage 4: the card's driver: not in this kernel, or not yet" in said
        assert "tcp-receive: 2 functions to stop at" in said
