# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel and the image of the build under test, booted in QEMU: what init sets up, and what
the agent does, spoken to by its protocol (docs/agent-protocol.md)."""
import base64
import json
import os
import pathlib
import re
import select
import socket
import subprocess
import tempfile
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build"))
NETLAB = str(BUILD / "netlab" / "netlab")
MAC = "52:54:00:12:34:56"
DEADLINE = 120  # seconds; an emulated guest on a busy machine is slow


def netlab_path(*words):
    result = subprocess.run([NETLAB, *words], capture_output=True, text=True, timeout=60,
                            check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def qemu_argv(agent, append):
    return ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-m", "256M", "-nodefaults",
            "-no-user-config", "-display", "none", "-bios", "qboot.rom", "-no-reboot",
            "-kernel", netlab_path("kernel", "path"),
            "-initrd", netlab_path("image", "build"),
            "-append", f"console=ttyS0 panic=-1 quiet {append}",
            "-serial", "stdio", "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=org.netlab.agent",
            "-netdev", "hubport,id=net,hubid=0", "-device", f"e1000,netdev=net,mac={MAC}"]


class Console:
    """What the first UART says, read as it comes."""

    def __init__(self, process):
        self.process = process
        self.text = ""

    def expect(self, pattern):
        """Wait for a match behind the last one."""
        end = time.monotonic() + DEADLINE
        while not (match := re.search(pattern, self.text)):
            left = end - time.monotonic()
            fd = self.process.stdout.fileno()
            assert left > 0 and select.select([fd], [], [], left)[0], (
                f"no {pattern!r} on the console:\n{self.text}")
            data = os.read(fd, 65536)
            assert data, f"the console ended without {pattern!r}:\n{self.text}"
            self.text += data.decode(errors="replace")
        self.text = self.text[match.end():]
        return match

    def type(self, text):
        os.write(self.process.stdin.fileno(), text.encode())


class Agent:
    """One connection to the agent."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(str(path))
        self.buffer = b""
        self.id = 0

    def close(self):
        self.socket.close()

    def send_line(self, line):
        self.socket.sendall(line + b"\n")

    def send(self, **request):
        self.send_line(json.dumps(request).encode())

    def receive(self):
        """The next event, but for a hello that no one asked for."""
        while (event := self.receive_any())["event"] == "hello" and "id" not in event:
            pass
        return event

    def receive_any(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            assert data, "the agent's port was closed"
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        assert len(line) <= 65536
        return json.loads(line)

    def start(self, *argv):
        self.id += 1
        self.send(do="exec", id=self.id, argv=argv)
        return self.id

    def send_input(self, number, data):
        self.send(do="input", id=number, data=base64.b64encode(data).decode())

    def finish(self, number):
        """Status and output of a command that runs alone."""
        output = {1: b"", 2: b""}
        while (event := self.receive())["event"] == "output":
            assert event["id"] == number
            output[event["stream"]] += base64.b64decode(event["data"], validate=True)
        assert event["event"] == "exit" and event["id"] == number, event
        return event["status"], output[1], output[2]

    def run(self, *argv):
        return self.finish(self.start(*argv))


class Guest:
    def __init__(self, append):
        self.folder = tempfile.TemporaryDirectory(prefix="nl")
        self.port = pathlib.Path(self.folder.name) / "agent"
        self.process = subprocess.Popen(qemu_argv(self.port, append), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0)
        self.console = Console(self.process)

    def connect(self):
        """As a host that isn't the first: see docs/agent-protocol.md, Connections."""
        agent = Agent(self.port)
        agent.socket.sendall(b"\n")
        agent.send(do="reset", id=999)
        while (hello := agent.receive_any()).get("event") != "hello" or "id" not in hello:
            pass
        assert hello["id"] == 999
        return agent, hello

    def end(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdin.close()
        self.process.stdout.close()
        self.folder.cleanup()


@pytest.fixture(scope="module")
def guest():
    guest = Guest(f"netlab.name=server stranger netlab.nic={MAC},mtu=1400,192.168.100.224/24,"
                  "fd00:100::224/64 netlab.nic=52:54:00:00:00:01,10.0.0.1/8 "
                  '-- sh -c "epoll-echo --port 7777 --udp & exit 3"')
    try:
        guest.boot = guest.console.expect(r"netlab: booted in (\d+\.\d{3}) s")
        guest.boot_text = guest.boot.string
        yield guest
    finally:
        guest.end()


@pytest.fixture
def agent(guest):
    agent, _ = guest.connect()
    yield agent
    agent.close()


def test_boot_time_is_said(guest):
    assert float(guest.boot[1]) > 0


def test_what_is_missing_is_said_in_one_line(guest):
    assert "netlab: no network card has the MAC 52:54:00:00:00:01\r\n" in guest.boot_text
    assert guest.boot_text.count("netlab: ") == 2


def test_hello(guest):
    agent, hello = guest.connect()
    try:
        assert hello["version"] == 1
        assert 0 < hello["boot_ns"] < DEADLINE * 10**9
        assert agent.run("uname", "-r") == (0, hello["kernel"].encode() + b"\n", b"")
        agent.send_line(b"")
        agent.send(do="hello", id=999)
        assert agent.receive() == hello
    finally:
        agent.close()


def test_command_s_end_is_reported(guest, agent):
    # It stood on the kernel's command line, in quotes, behind a word that no one knows.
    del agent
    guest.console.expect("netlab: sh: exit status 3")


def test_addresses(agent):
    status, output, _ = agent.run("ip", "-o", "addr", "show", "dev", "eth0")
    assert status == 0
    assert b"inet 192.168.100.224/24 brd 192.168.100.255 " in output
    ipv6 = re.search(rb"inet6 fd00:100::224/64 scope global (.*)", output)
    assert ipv6 and b"tentative" not in ipv6[1]
    link = agent.run("ip", "link", "show", "dev", "eth0")[1]
    assert b",UP" in link and b" mtu 1400 " in link
    assert b"inet 127.0.0.1/8" in agent.run("ip", "-o", "addr", "show", "dev", "lo")[1]
    assert agent.run("hostname")[1] == b"server\n"


def test_mounts(agent):
    mounts = {line.split()[1]: line.split()[2]
              for line in agent.run("cat", "/proc/mounts")[1].decode().splitlines()}
    assert mounts.items() >= {
        "/proc": "proc", "/sys": "sysfs", "/dev": "devtmpfs", "/dev/pts": "devpts",
        "/tmp": "tmpfs", "/run": "tmpfs", "/sys/kernel/debug": "debugfs",
        "/sys/kernel/tracing": "tracefs"}.items()


def test_shell_has_a_terminal(guest):
    guest.console.type("echo $((6 * 7))\n")
    guest.console.expect(r"\n42\r\n")
    # ^C reaches what runs in the foreground: the console is its controlling terminal.
    guest.console.type("sh -c 'echo rea\"\"dy; exec sleep 1000'\n")
    guest.console.expect(r"\nready\r\n")
    guest.console.type("\x03")
    guest.console.expect(r"\^C")
    guest.console.type("echo $?\n")
    guest.console.expect(r"\n130\r\n")


def test_exit_status_and_streams(agent):
    assert agent.run("true") == (0, b"", b"")
    assert agent.run("sh", "-c", "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")
    assert agent.run("sh", "-c", "kill -TERM $$") == (128 + 15, b"", b"")
    # A program in a session of its own, without a terminal, with its signals as usual.
    assert agent.run("sh", "-c", "test $$ = $(cut -d' ' -f6 /proc/$$/stat)")[0] == 0
    status, output, _ = agent.run("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")
    assert status == 0 and [
        int(mask, 16) & 0x7FFFFFFF for mask in re.findall(rb"\t(\w+)", output)] == [0, 0]


def test_missing_program(agent):
    number = agent.start("no-such-program", "x")
    assert agent.receive() == {"event": "error", "id": number,
                               "message": "no-such-program: No such file or directory"}
    assert agent.run("echo", "on")[1] == b"on\n"


def test_input(agent):
    data = os.urandom(300_000)
    number = agent.start("sha256sum")
    for at in range(0, len(data), 40_000):
        agent.send_input(number, data[at:at + 40_000])
    agent.send(do="input", id=number)
    import hashlib
    assert agent.finish(number) == (0, hashlib.sha256(data).hexdigest().encode() + b"  -\n",
                                    b"")


def test_commands_at_the_same_time(agent):
    cat = agent.start("cat")
    assert agent.run("echo", "meanwhile") == (0, b"meanwhile\n", b"")
    agent.send_input(cat, b"still here")
    agent.send(do="input", id=cat)
    assert agent.finish(cat) == (0, b"still here", b"")


def test_kill_reaches_the_group(agent):
    number = agent.start("sh", "-c", "sleep 1000 & echo $!; wait")
    child = base64.b64decode(agent.receive()["data"]).decode().strip()
    agent.send(do="kill", id=number)
    assert agent.finish(number)[0] == 128 + 9
    # The orphan is init's to reap: soon it is gone.
    assert agent.run("timeout", "20", "sh", "-c",
                     f"while test -d /proc/{child}; do :; done")[0] == 0


def test_output_waits_for_a_slow_host(guest, agent):
    size = 8_000_000
    number = agent.start("sh", "-c", f"head -c {size} /dev/zero; echo done >&2")
    # Nothing is read here until all is at rest: the pipe full, and the agent asleep over it.
    guest.console.type("until grep -q pipe_w /proc/$(pidof head)/wchan && "
                       "grep -q poll /proc/$(pidof agent)/wchan; do :; done; echo at re''st\n")
    guest.console.expect(r"\nat rest\r\n")
    status, output, errors = agent.finish(number)
    assert (status, len(output), errors) == (0, size, b"done\n")
    assert output.count(0) == size
    pid = agent.run("pidof", "agent")[1].decode().strip()
    peak = re.search(rb"VmHWM:\s+(\d+) kB", agent.run("cat", f"/proc/{pid}/status")[1])
    assert int(peak[1]) < 8192, "the agent held it all"


def test_background_process_is_not_waited_for(agent):
    assert agent.run("sh", "-c", "sleep 1000 & echo $!; exit 0")[0] == 0
    # It may not have become sleep yet.
    assert agent.run("sh", "-c", "until killall sleep; do :; done")[0] == 0


@pytest.mark.parametrize("line, words", [
    (b"nonsense", "not JSON"),
    (b"[1, 2]", "not a request"),
    (b"{}", "not a request"),
    (b'{"do": "dance"}', "dance"),
    (b'{"do": "exec", "argv": ["ls"]}', "id"),
    (b'{"do": "exec", "id": -1, "argv": ["ls"]}', "id"),
    (b'{"do": "exec", "id": 900}', "argv"),
    (b'{"do": "exec", "id": 900, "argv": []}', "argv"),
    (b'{"do": "exec", "id": 900, "argv": "ls"}', "argv"),
    (b'{"do": "exec", "id": 900, "argv": ["ls", 7]}', "argv[1]"),
    (b'{"do": "exec", "id": 900, "argv": [' + b'"a",' * 300 + b'"a"]}', "argv"),
    (b'{"do": "input", "id": 900, "data": "!!!"}', "base64"),
    (b'{"do": "input", "id": 900, "data": 5}', "base64"),
    (b'{"do":"exec","id":900,"argv":["' + b"x" * 65536 + b'"]}', "more than 65536 bytes"),
    (b"x" * 1_000_000, "more than 65536 bytes"),
    (b"\xff\xfe\x00", "not JSON"),
], ids=range(16))
def test_bad_requests(agent, line, words):
    agent.send_line(line)
    event = agent.receive()
    assert event["event"] == "error" and words in event["message"], event
    assert agent.run("echo", "on") == (0, b"on\n", b"")


def test_longest_line(agent):
    frame = b'{"do":"exec","id":901,"argv":["true","%s"]}'
    agent.send_line(frame % (b"x" * (65536 - len(frame) + 2)))
    assert agent.finish(901)[0] == 0


def test_bounded_number_of_commands(agent):
    running = [agent.start("cat") for _ in range(32)]
    refused = agent.start("cat")
    event = agent.receive()
    assert (event["event"], event["id"]) == ("error", refused)
    agent.send(do="exec", id=running[0], argv=["true"])
    assert "in use" in agent.receive()["message"]
    for number in running:
        agent.send(do="kill", id=number)
    ended = [agent.receive() for _ in running]
    assert {event["id"] for event in ended} == set(running)
    assert {event["status"] for event in ended} == {137}


def test_unread_input_is_bounded(agent):
    number = agent.start("sleep", "1000")
    for _ in range(30):
        agent.send_input(number, bytes(40_000))
    event = agent.receive()
    assert (event["event"], event["id"]) == ("error", number)
    # Nothing else comes of it, and nothing of it is left.
    assert agent.run("pidof", "sleep")[0] == 1


@pytest.mark.parametrize("_", range(5))  # what was half said is read before the end, or after
def test_host_closes_and_comes_back(guest, _):
    agent, _ = guest.connect()
    number = agent.start("sh", "-c", "echo begun; exec sleep 1000")
    assert agent.receive()["id"] == number
    agent.socket.sendall(b'{"do": "exec", "id": 7, ')
    agent.close()
    guest.console.type("while pidof sleep; do :; done; echo go''ne\n")
    guest.console.expect(r"\ngone\r\n")
    agent = Agent(guest.port)
    assert agent.receive_any()["event"] == "hello"
    assert agent.run("echo", "back")[1] == b"back\n"
    agent.close()


def test_reset(agent):
    agent.start("sleep", "1000")
    agent.start("cat", "/dev/zero")
    agent.send(do="reset", id=5)
    while (event := agent.receive())["event"] != "hello":
        assert event["event"] == "output"
    assert event["id"] == 5
    assert agent.run("pidof", "sleep")[0] == 1


def test_agent_is_started_anew(guest):
    agent, hello = guest.connect()
    agent.start("killall", "-9", "agent")
    while (again := agent.receive_any())["boot_ns"] == hello["boot_ns"]:
        pass
    assert again["event"] == "hello" and again["boot_ns"] > hello["boot_ns"]
    guest.console.expect("netlab: agent: killed by SIGKILL")
    assert agent.run("echo", "again")[1] == b"again\n"
    agent.close()


def test_epoll_echo_serves(agent):
    for address in "127.0.0.1", "::1", "192.168.100.224", "fd00:100::224":
        number = agent.start("nc", address, "7777")
        agent.send_input(number, b"hello")
        agent.send(do="input", id=number)
        assert agent.finish(number)[:2] == (0, b"hello")


def test_poweroff(guest, agent):
    agent.send(do="poweroff")
    assert guest.process.wait(DEADLINE) == 0
