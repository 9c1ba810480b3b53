# SPDX-License-Identifier: GPL-2.0-or-later
"""Lab time and the rows of halts in captures: a real gdb halts the guest, tshark reads.

One lab lives through all of it, three captures at a time: its own, netlab capture's, and one by
the wall clock. The tests read what was left.
"""
import collections
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import types

import pytest

from debugging import debugging, meanwhile
from lab import Lab, fields, tshark, wait_until, write_topology

HALT_SECONDS = 2
TO_GUEST = "udp.dstport == 7777"
FROM_GUEST = "udp.srcport == 7777"
# Three datagrams, each on its own.
SAY = """
import socket
with socket.socket(type=socket.SOCK_DGRAM) as s:
    for text in (b"first", b"second", b"third"):
        s.sendto(text, ("192.168.100.224", 7777))
"""
Row = collections.namedtuple("Row", "number stamp text")


def hello(lab):
    lab.drive("server:7777", "udp", "--send", "hello", "--expect", "hello").ok()


def stand_in_function(gdb, function):
    """Have the guest halt in @function -> what gdb says of its first line: file and line."""
    stop = gdb.end()
    assert f"{function} (skb=" in stop, stop
    found = re.search(r" at \S*?/(net/\S+):(\d+)$", stop, re.M)
    return f"{found[1]}:{found[2]}"


def halt_in_an_exchange(lab, seen):
    """A guest that answers a datagram HALT_SECONDS late, and what the host says meanwhile."""
    with debugging(lab) as gdb:
        gdb.run("break udp_rcv")
        gdb.begin("continue")
        with meanwhile(hello, lab):
            seen.place = stand_in_function(gdb, "udp_rcv")
            seen.halted = lab.status()["lockstep"]
            lab.exec("host", "/usr/bin/python3", "-c", SAY).ok()
            gdb.run(f"shell sleep {HALT_SECONDS}")
            gdb.run("next")
            line = re.search(r"^(\d+)", gdb.run("frame").splitlines()[-1])
            seen.next_place = f"{seen.place.split(':')[0]}:{line[1]}"
            seen.flushed = flush(gdb)
            shutil.copy(seen.flushed["file"], seen.copy)
            gdb.run("delete")
            gdb.run("detach")


def flush(gdb):
    """What the request says: the file, and how many packets are in it."""
    text = gdb.run("python from netlab_gdb import lab; print(lab.required().request('flush'))")
    return {"file": re.search(r"'file': '([^']+)'", text)[1],
            "frames": int(re.search(r"'frames': (\d+)", text)[1])}


def conditions_that_are_false(lab):
    """Halts that gdb doesn't speak of."""
    with debugging(lab) as gdb:
        gdb.run("break udp_rcv if skb == 0")
        gdb.begin("continue")
        for _ in range(5):
            hello(lab)
        os.kill(gdb.process.pid, signal.SIGTERM)
        gdb.process.communicate()


def pause(lab):
    """A halt that is long enough for rows of its own."""
    lab.verb("pause", f"{lab.name}/server").ok()
    wait_until(lambda: lab.status()["lockstep"]["halted"], "it stands still")
    time.sleep(0.3)
    lab.verb("resume", f"{lab.name}/server").ok()


def live_through(lab, seen):
    """All of it; the lab is down in the end."""
    lab.up().ok()
    hello(lab)
    captures = [subprocess.Popen([lab.netlab, "capture", lab.name, "--clock", clock, "-w", path,
                                  "br0"], text=True, stderr=subprocess.PIPE)
                for clock, path in [("lab", seen.verb), ("wall", seen.wall)]]
    for capture in captures:
        assert "capturing into" in capture.stderr.readline()
    halt_in_an_exchange(lab, seen)
    conditions_that_are_false(lab)
    pause(lab)
    hello(lab)
    seen.status = lab.status()
    lab.down().ok()
    for capture in captures:
        capture.communicate(timeout=60)


@pytest.fixture(scope="module", name="seen")
def fixture_seen(netlab, kernel, run, cache, tmp_path_factory):
    """What a lab has lived through, and its captures: own, verb and wall."""
    del kernel
    folder = tmp_path_factory.mktemp("labtime")
    home = tempfile.mkdtemp(prefix="nl")
    seen = types.SimpleNamespace(verb=folder / "verb.pcapng", wall=folder / "wall.pcapng",
                                 copy=folder / "copy.pcapng", output=folder / "out",
                                 own=folder / "out" / "timed.pcapng")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETLAB_RUNTIME_DIR", home)
        patch.setenv("XDG_STATE_HOME", home)
        patch.setenv("XDG_CACHE_HOME", str(cache))
        topology = write_topology(folder / "timed.yaml",
                                  capture={"links": ["br0"], "console": "on"})
        lab = Lab(netlab, run, "timed", topology, seen.output)
        try:
            live_through(lab, seen)
        finally:
            lab.down()
            shutil.rmtree(home)
    yield seen


def halt_rows(capture):
    """The rows of halts."""
    rows = fields(capture, "frame.number", "frame.time_epoch", "syslog.msg",
                  only='frame.interface_name == "halts"')
    return [Row(int(number), float(stamp), text) for number, stamp, text in rows]


def halt_in_udp_rcv(capture):
    """The rows of the halt in the exchange, first and last: where it began, and ended."""
    rows = halt_rows(capture)
    told = next(i for i, row in enumerate(rows) if "halted at udp_rcv (" in row.text)
    begin = max(i for i in range(told + 1) if rows[i].text.startswith("server halted"))
    end = next(i for i in range(told, len(rows)) if "goes on" in rows[i].text)
    return rows[begin:end + 1]


def seconds_of(row):
    return float(re.search(r"goes on after (\d+\.\d+) s", row.text)[1])


def exchange(capture):
    """Seconds from the question that the guest was halted in to its answer."""
    begin, *_, end = halt_in_udp_rcv(capture)
    asked = fields(capture, "frame.time_epoch",
                   only=f"{TO_GUEST} && frame.number < {begin.number}")[-1]
    answered = fields(capture, "frame.time_epoch",
                      only=f"{FROM_GUEST} && frame.number > {end.number}")[0]
    return float(answered[0]) - float(asked[0])


def test_a_halt_takes_no_time_in_the_lab(seen):
    by_wall = exchange(seen.wall)
    assert by_wall >= HALT_SECONDS
    for capture in (seen.own, seen.verb):
        end = halt_in_udp_rcv(capture)[-1]
        assert seconds_of(end) >= HALT_SECONDS
        assert abs(by_wall - seconds_of(end) - exchange(capture)) < 0.5
    deltas = [float(row[0]) for row in fields(seen.own, "frame.time_delta",
                                              only='frame.interface_name == "halts"')]
    assert len(deltas) == len(halt_rows(seen.own)) and min(deltas) >= 0


def test_a_row_says_what_gdb_said(seen):
    begin, *told, _ = halt_in_udp_rcv(seen.own)
    place = f"halted at udp_rcv ({seen.place}), breakpoint 1"
    assert re.search(r"; \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", begin.text)
    # A gdb that was slow to speak has a row of its own.
    assert begin.text.startswith(f"server {place}; ") or told.pop(0).text == f"server is {place}"
    assert [row.text for row in told] == [f"server is halted at udp_rcv ({seen.next_place})"]
    assert seen.halted["halted"] and seen.halted["holders"] == [
        {"guest": "server", "why": "debugger"}]


def test_a_row_says_why(seen):
    """The user's pause, and a gdb that came, which says where the guest stood then."""
    causes = [re.search(r"^server halted(?: at [^:]+ \([^)]*\))?: (.*); ", row.text)
              for row in halt_rows(seen.own)]
    told = [cause[1] for cause in causes if cause]
    assert told.count("gdb attached") >= 2 and told[-1] == "paused" and len(set(told)) == 2


def test_without_a_plugin_it_is_in_the_list_of_packets(seen):
    lines = [line for line in tshark(seen.own) if f"halted at udp_rcv ({seen.place})" in line]
    assert len(lines) == 1 and " Syslog " in lines[0]


def test_what_the_host_says_meanwhile_belongs_to_the_halt(seen):
    for capture in (seen.own, seen.verb):
        begin, *_, end = halt_in_udp_rcv(capture)
        between = f"frame.number > {begin.number} && frame.number < {end.number} && "
        said = fields(capture, "frame.time_epoch", "udp.payload", only=f"{between}{TO_GUEST}")
        assert [bytes.fromhex(row[1]) for row in said] == [b"first", b"second", b"third"]
        assert {float(row[0]) for row in said} == {begin.stamp} == {end.stamp}
        meanwhile_there = tshark(capture, "-Y", between + 'frame.interface_name == "br0"')
        assert f"; {len(meanwhile_there)} frames came meanwhile" in end.text


def test_by_the_wall_clock_it_stands_where_it_was(seen):
    begin, *_, end = halt_in_udp_rcv(seen.wall)
    assert abs(end.stamp - begin.stamp - seconds_of(end)) < 1e-5
    said = fields(seen.wall, "frame.time_epoch", only=f"frame.number > {begin.number} && "
                  f"frame.number < {end.number} && {TO_GUEST}")
    assert all(begin.stamp < float(row[0]) < end.stamp for row in said)


def test_every_halt_is_told_of(seen):
    """In a row of its own, or in one for several; and how long they took together."""
    total, seconds = 0, 0.0
    for row in halt_rows(seen.own):
        summed = re.match(r"(\d+) halts? of less than 200 ms, (\d+\.\d+) s", row.text)
        if summed:
            total, seconds = total + int(summed[1]), seconds + float(summed[2])
        elif "goes on" in row.text:
            seconds += seconds_of(row)
        else:
            total += " halted" in row.text and "is halted" not in row.text
    lockstep = seen.status["lockstep"]
    assert total == lockstep["halts"] >= 5
    assert abs(seconds - lockstep["halted_ns"] / 1e9) < 1e-5 * total


def test_a_late_capture_has_the_labs_time(seen):
    """The one that began later calls each frame what the lab's own does."""
    wanted = {row[1]: row[0] for row in fields(seen.own, "frame.time_epoch", "ip.id",
                                               only=FROM_GUEST)}
    found = fields(seen.verb, "frame.time_epoch", "ip.id", only=FROM_GUEST)
    assert len(found) >= 5
    for stamp, name in found:
        assert abs(float(wanted[name]) - float(stamp)) < 1e-3


def test_time_never_goes_back(seen):
    for capture in (seen.own, seen.verb, seen.wall):
        stamps = [float(row[0]) for row in fields(capture, "frame.time_epoch")]
        assert stamps == sorted(stamps)
        assert not tshark(capture, "-Y", "_ws.malformed")


def test_after_a_flush_all_is_in_the_file(seen):
    assert seen.flushed["file"] == str(seen.own)
    numbers = [int(row[0]) for row in fields(seen.copy, "frame.number")]
    assert len(numbers) >= seen.flushed["frames"]
    last = fields(seen.copy, "frame.number", only=TO_GUEST)[-1]
    assert int(last[0]) <= seen.flushed["frames"]
    assert any(seen.next_place in row.text for row in halt_rows(seen.copy))


def test_the_console_is_an_interface(seen):
    rows = fields(seen.own, "syslog.level", "syslog.msg",
                  only='frame.interface_name == "server console"')
    levels = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]
    lines = (seen.output / "server.console.log").read_text().splitlines()
    said = [line.split(" ", 3)[2:] for line in lines]
    wanted = [[str(levels.index(level) if level in levels else 5), text]
              for level, text in said if text]
    assert rows == wanted[:len(rows)]
    assert len(wanted) - len(rows) <= 1, "but for the line that the end cut off"
    assert any("Linux version" in text for _, text in rows)


def test_status_says_what_the_stamps_are(seen):
    capture = seen.status["capture"]
    assert (capture["clock"], capture["console"]) == ("lab", True)
