# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures in a network namespace, as tshark and capinfos read them."""
import os
import pathlib
import resource
import selectors
import signal
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build"))
HELPER = BUILD / "tests/netns/capture-helper"
DEADLINE = 60  # seconds until anything counts as hung

# Numbered frames of an Ethertype for local experiments, from each link in turn.
SEND = """
import socket, struct, sys
count, size, links = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
senders = []
for link in links:
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((link, 0))
    senders.append(sender)
number = 0
while count == 0 or number < count:
    head = b"\\xff" * 6 + b"\\x02\\0\\0\\0\\0\\x01" + b"\\x88\\xb5" + struct.pack("!I", number)
    senders[number % len(senders)].send(head.ljust(size, b"."))
    number += 1
    if number == 100:
        print("sending", flush=True)
"""


class Helper:
    """A capture in a namespace of its own, begun with start()."""

    def __init__(self, file, *links, text_filter="", snaplen=0, ring=0, **popen):
        popen.setdefault("stdout", subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [str(HELPER), str(file), text_filter, str(snaplen), str(ring), *links],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, **popen)
        assert self.line() == "entered"

    def line(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            assert selector.select(DEADLINE), "the helper says nothing"
        return self.process.stderr.readline().rstrip("\n")

    def inside(self, *command):
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "-t", str(self.process.pid), *user, "--net", *command]

    def run(self, *command):
        return subprocess.run(self.inside(*command), check=True, timeout=DEADLINE, text=True,
                              stdout=subprocess.PIPE).stdout

    def make_links(self, *pairs):
        """veth pairs without IPv6, so that they say nothing of themselves."""
        for a, b in pairs:
            self.run("ip", "link", "add", a, "type", "veth", "peer", "name", b)
            for link in (a, b):
                self.run("ip", "link", "set", link, "addrgenmode", "none", "up")

    def start(self):
        self.process.stdin.write("start\n")
        assert self.line() == "capturing"

    def refused(self):
        self.process.stdin.write("start\n")
        line = self.line()
        assert self.process.wait(DEADLINE) == 1
        return line

    def send(self, count, size, *links):
        self.run(sys.executable, "-c", SEND, str(count), str(size), *links)

    def finish(self):
        """The statistics of each link: received, dropped, written."""
        self.process.stdin.write("finish\n")
        _, errors = self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == 0, errors
        return [[int(word) for word in line.split()[2:]] for line in errors.splitlines()]

    def close(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate(timeout=DEADLINE)


@pytest.fixture(name="helper")
def fixture_helper():
    made = []

    def make(*arguments, **named):
        made.append(Helper(*arguments, **named))
        return made[-1]

    yield make
    for one in made:
        one.close()


def read(*command):
    """What a reader says of a capture; it may not complain."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE,
                            check=False)
    complaints = [line for line in result.stderr.splitlines()
                  if not line.startswith("Running as user")]
    assert (result.returncode, complaints) == (0, []), result.stderr
    return result.stdout


def frames(file):
    """Each frame's interface, stamp in ns, length on the wire, captured bytes and number."""
    rows = []
    text = read("tshark", "-r", str(file), "-T", "fields", "-e", "frame.interface_name",
                "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len",
                "-e", "data.data")
    for line in text.splitlines():
        link, stamp, length, captured, data = line.split("\t")
        seconds, fraction = stamp.split(".")
        assert len(fraction) == 9
        rows.append((link, int(seconds) * 10**9 + int(fraction), int(length), int(captured),
                     int(data[:8], 16) if data else None))
    return rows


def test_links_names_and_statistics(helper, tmp_path):
    file = tmp_path / "two.pcapng"
    one = helper(file, "va", "wa")
    one.make_links(("va", "vb"), ("wa", "wb"))
    one.start()
    one.send(500, 200, "va", "wb")
    statistics = one.finish()
    assert statistics == [[250, 0, 250], [250, 0, 250]]

    got = frames(file)
    assert [row[4] for row in got] == list(range(500))
    assert [row[0] for row in got] == ["va", "wa"] * 250
    stamps = [row[1] for row in got]
    assert stamps == sorted(stamps)
    assert any(stamp % 1000 for stamp in stamps), "stamps are of whole microseconds"

    about = read("capinfos", str(file))
    for text in ("File type:           Wireshark/... - pcapng", "nanoseconds (9)",
                 "Number of packets:   500", "made by a test", "Name = va", "Name = wa",
                 "Description = a link of the test", "Encapsulation = Ethernet",
                 "Number of stat entries = 1", "Capture application: netlab"):
        assert text in about, f"{text!r} is not in:\n{about}"
    assert "Strict time order:   True" in about


def test_drops_are_counted(helper, tmp_path):
    """What the ring can't hold is in the statistics block, as Wireshark dissects it."""
    file = tmp_path / "drops.pcapng"
    one = helper(file, "va")
    one.make_links(("va", "vb"))
    one.start()
    sender = subprocess.Popen(one.inside(sys.executable, "-c", SEND, "10000", "1514", "va"))
    one.process.send_signal(signal.SIGSTOP)
    assert sender.wait(DEADLINE) == 0
    one.process.send_signal(signal.SIGCONT)
    [[received, dropped, written]] = one.finish()
    assert received == 10000 and dropped > 0 and written == received - dropped
    assert len(frames(file)) == written
    prefix = "pcapng.options.option.data.interface."
    names = ["received", "dropped", "dropped_by_os"]
    text = read("tshark", "-r", str(file), "-X", "read_format:MIME Files Format", "-T",
                "fields", *[word for name in names for word in ("-e", prefix + name)])
    assert text.split() == ["10000", str(dropped), str(dropped)]


def test_every_frame_of_a_flood(helper, tmp_path):
    file = tmp_path / "flood.pcapng"
    one = helper(file, "va", "vb", ring=64 << 20)  # holds all of it, however slow the machine
    one.make_links(("va", "vb"))
    one.start()
    one.send(10000, 1514, "va")
    assert one.finish() == [[10000, 0, 10000]] * 2
    got = frames(file)
    for link in ("va", "vb"):
        assert [row[4] for row in got if row[0] == link] == list(range(10000))
    stamps = [row[1] for row in got]
    assert stamps == sorted(stamps)


def test_last_frames_come_without_further_traffic(helper, tmp_path):
    """The file is complete while the capture goes on, with no frame to push the last out."""
    file = tmp_path / "live.pcapng"
    one = helper(file, "va")
    one.make_links(("va", "vb"))
    one.start()
    size = file.stat().st_size
    one.send(3, 60, "va")
    wanted = size + 3 * (32 + 60)
    watch = subprocess.Popen(["tail", "-c", "+1", "-f", str(file)], stdout=subprocess.PIPE)
    try:
        assert len(watch.stdout.read(wanted)) == wanted
    finally:
        watch.kill()
        watch.communicate()
    assert [row[4] for row in frames(file)] == [0, 1, 2]


def test_killed_capture_leaves_a_readable_file(helper, tmp_path):
    file = tmp_path / "killed.pcapng"
    one = helper(file, "va", "vb")
    one.make_links(("va", "vb"))
    one.start()
    sender = subprocess.Popen(
        one.inside(sys.executable, "-c", SEND, "0", "100", "va"), stdout=subprocess.PIPE)
    try:
        assert sender.stdout.readline() == b"sending\n"
        with subprocess.Popen(["tail", "-c", "+1", "-f", str(file)],
                              stdout=subprocess.PIPE) as watch:
            watch.stdout.read(100000)  # it writes, and the traffic goes on
            one.process.send_signal(signal.SIGKILL)
            one.process.wait(DEADLINE)
            watch.kill()
    finally:
        sender.kill()
        sender.communicate()
    numbers = [row[4] for row in frames(file) if row[0] == "va"]
    assert len(numbers) > 100
    assert numbers == list(range(len(numbers)))


def test_snaplen_and_filter(helper, tmp_path):
    file = tmp_path / "cut.pcapng"
    one = helper(file, "va", snaplen=64, text_filter="ether[14:4] >= 10")
    one.make_links(("va", "vb"))
    one.start()
    one.send(20, 300, "va")
    assert one.finish() == [[10, 0, 10]]
    assert [row[2:] for row in frames(file)] == [(300, 64, n) for n in range(10, 20)]
    assert "ether[14:4] >= 10" in read("capinfos", str(file))


def test_bridge_shows_what_its_ports_say_to_each_other(helper, tmp_path):
    file = tmp_path / "bridge.pcapng"
    one = helper(file, "br0")
    one.make_links(("va", "vb"), ("wa", "wb"))
    one.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    one.run("ip", "link", "set", "br0", "addrgenmode", "none", "up")
    for port in ("vb", "wb"):
        one.run("ip", "link", "set", port, "master", "br0")
    one.start()
    one.send(5, 60, "va")
    one.finish()
    numbers = [row[4] for row in frames(file) if row[4] is not None]  # not the bridge's own
    assert numbers == [0, 1, 2, 3, 4]


def test_into_a_pipe(helper, tmp_path):
    reader = subprocess.Popen(["tshark", "-r", "-", "-T", "fields", "-e", "data.data"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    one = helper("-", "va", stdout=reader.stdin)
    reader.stdin.close()
    reader.stdin = None
    one.make_links(("va", "vb"))
    one.start()
    one.send(10, 60, "va")
    one.finish()
    out, _ = reader.communicate(timeout=DEADLINE)
    assert [int(line[:8], 16) for line in out.splitlines()] == list(range(10))


def test_reader_that_goes_is_an_end(helper):
    reading, writing = os.pipe()
    one = helper("-", "va", stdout=writing)
    os.close(writing)
    one.make_links(("va", "vb"))
    one.start()
    os.close(reading)
    one.send(1, 60, "va")
    lines = [one.line(), one.line()]
    assert lines[1] == "failed 32 the reader of the capture has gone"
    assert one.process.wait(DEADLINE) == 1


def test_full_disk_leaves_whole_blocks(helper, tmp_path):
    file = tmp_path / "full.pcapng"

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))

    one = helper(file, "va", preexec_fn=limit)
    one.make_links(("va", "vb"))
    one.start()
    one.send(500, 100, "va")
    lines = [one.line(), one.line()]
    assert lines[1] == "failed 27 the capture can't be written: File too large"
    assert one.process.wait(DEADLINE) == 1
    got = frames(file)
    assert [row[4] for row in got] == list(range(len(got)))
    assert 10000 - (32 + 100) < file.stat().st_size <= 10000


def test_link_that_goes(helper, tmp_path):
    file = tmp_path / "gone.pcapng"
    one = helper(file, "va", "wa")
    one.make_links(("va", "vb"), ("wa", "wb"))
    one.start()
    one.send(10, 60, "va", "wa")
    one.run("ip", "link", "del", "va")
    lines = [one.line() for _ in range(3)]
    assert lines[2].startswith("failed ") and "va: " in lines[2], lines
    assert one.process.wait(DEADLINE) == 1
    assert [row[4] for row in frames(file)] == list(range(10))


@pytest.mark.parametrize("link, text_filter, message", [
    ("nosuch", "", "failed 19 nosuch: there is no such link"),
    ("any", "", "failed 19 any: there is no such link"),
    ("lo", "", "failed 100 lo: the link is down, and can't be captured on"),
    ("va", "tcp and nonsense", 'failed 22 va: filter "tcp and nonsense": '),
])
def test_refused(helper, tmp_path, link, text_filter, message):
    one = helper(tmp_path / "refused.pcapng", link, text_filter=text_filter)
    one.make_links(("va", "vb"))
    assert one.refused().startswith(message)
