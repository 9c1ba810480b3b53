# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb on a real guest: debug steps, whole backtraces, and debuggers that go away.

The kernel is NETLAB_TEST_VMLINUX, or what `netlab kernel path` says.
"""
import json
import os
import pathlib
import queue
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build"))
TOOLS = BUILD / "tests" / "guest"
GUEST = "192.168.100.224"
LINK = ("ip link set lo up && ip tuntap add tap0 mode tap && "
        "ip address add 192.168.100.50/24 dev tap0 && ip link set tap0 up && ")
ECHO = f"""
import socket
with socket.create_connection(("{GUEST}", 7777), timeout=20) as connection:
    connection.sendall(b"hello")
    assert connection.recv(5) == b"hello"
"""
PATH = ["e1000_clean", "tcp_v4_rcv", "sock_def_readable", "ep_poll_callback"]
# What an interrupt can meet that gcc has not compiled: static calls, what is patched in.
WITHOUT_LINES = re.compile(r"__SCT__|_?paravirt_|copy_user_generic_|__raw_callee_save_")
FIRST = {"secondary_startup_64", "secondary_startup_64_no_verify", "ret_from_fork"}
DEADLINE = 60


def find_vmlinux():
    """The kernel to test with, or None."""
    if "NETLAB_TEST_VMLINUX" in os.environ:
        return pathlib.Path(os.environ["NETLAB_TEST_VMLINUX"])
    found = subprocess.run([BUILD / "netlab" / "netlab", "kernel", "path"],
                           capture_output=True, text=True, timeout=60, check=False)
    path = pathlib.Path(found.stdout.strip())
    return path if found.returncode == 0 else None


@pytest.fixture(scope="module")
def vmlinux():
    """The debug kernel."""
    path = find_vmlinux()
    if not path:
        pytest.skip("no debug kernel")
    return path


def cpio_entry(name, mode, data=b""):
    """One file of a cpio archive (newc)."""
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields)
    head += name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


@pytest.fixture(scope="module")
def initrd(tmp_path_factory):
    """An image with nothing in it but the echo server."""
    path = tmp_path_factory.mktemp("image") / "init.cpio"
    program = (TOOLS / "echo-init").read_bytes()
    path.write_bytes(cpio_entry("init", 0o100755, program) + cpio_entry("TRAILER!!!", 0))
    return path


class Guest:
    """A machine with an e1000 on a TAP, in a network namespace of its own."""

    def __init__(self, vmlinux, initrd, append="", frozen=False):
        self.vmlinux = vmlinux
        self.folder = tempfile.mkdtemp(prefix="nlg")
        self.socket = self.folder + "/gdb.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.socket)
        listener.listen()
        self.console = b""
        qemu = ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-m", "256",
                "-nodefaults", "-display", "none", "-no-reboot", "-kernel", vmlinux,
                "-initrd", initrd, "-append", f"console=ttyS0 {append}", "-serial", "stdio",
                "-chardev", f"socket,fd={listener.fileno()},server=on,wait=off,id=gdb",
                "-gdb", "chardev:gdb", "-device", "e1000,netdev=n0,romfile=",
                "-netdev", "tap,ifname=tap0,script=no,downscript=no,id=n0"]
        self.process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", LINK + 'exec "$@"', "sh",
             *map(str, qemu + ["-S"] * frozen)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()])
        listener.close()
        if not frozen:
            self.wait_until_up()

    def read_until(self, wanted):
        """Read the console until it has said WANTED."""
        end = time.monotonic() + DEADLINE
        while wanted not in self.console:
            left = end - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert data, f"no {wanted} on the console:\n{self.console.decode()}"
            self.console += data

    def wait_until_up(self):
        """Until it listens and its link is there."""
        self.read_until(b"echo-init: ready")
        self.read_until(b"eth0: link becomes ready")

    def echo(self):
        """A TCP connection, "hello" there and back: does the guest run?"""
        subprocess.run(["nsenter", f"--net=/proc/{self.process.pid}/ns/net",
                        "/usr/bin/python3", "-c", ECHO], timeout=DEADLINE, check=True)

    def steps(self, *functions):
        """A debug session as the supervisor runs it."""
        return Session(self, functions)

    def close(self):
        """Take all of it away."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder)


class Session:
    """debug-steps at work. Its events are taken at once: a full pipe would halt the guest."""

    def __init__(self, guest, functions):
        self.process = subprocess.Popen(
            [TOOLS / "debug-steps", guest.vmlinux, guest.socket, *functions],
            stdout=subprocess.PIPE, text=True)
        self.armed = None
        self.events = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put({"event": "eof"})

    def next(self):
        """The next event."""
        return self.events.get(timeout=DEADLINE)

    def so_far(self):
        """The events that have come since."""
        return [self.next() for _ in range(self.events.qsize())]

    def gdb(self):
        """Process ID of the gdb that it runs."""
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return int(children.split()[0])

    def __enter__(self):
        event = self.next()
        assert event["event"] == "armed", event
        self.armed = event
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def rest(self):
        """All events until it has ended."""
        events = []
        while not events or events[-1]["event"] not in ("ended", "eof"):
            events.append(self.next())
        return events


@pytest.fixture(name="make_guest")
def fixture_make_guest(vmlinux, initrd):
    """make_guest(append, frozen) -> Guest"""
    guests = []

    def make(**options):
        guests.append(Guest(vmlinux, initrd, **options))
        return guests[-1]
    yield make
    for guest in guests:
        guest.close()


@pytest.fixture(scope="module", name="idle_guest")
def fixture_idle_guest(vmlinux, initrd):
    """A guest that sleeps in epoll_wait() and that no test harms."""
    guest = Guest(vmlinux, initrd)
    yield guest
    guest.close()


def functions_of(hit):
    """Names of a hit's functions, outermost first."""
    return [frame["function"] for frame in reversed(hit["frames"])]


def is_in_a_system_call(hit):
    """Has an interrupt led there, out of a system call?"""
    outermost, *others = functions_of(hit)
    return outermost == "entry_SYSCALL_64" and "asm_common_interrupt" in others


def check_backtrace(hit):
    """A backtrace that hides nothing and guesses nothing."""
    assert "??" not in hit["text"]
    assert "corrupt" not in hit["text"]
    for frame in hit["frames"]:
        assert frame["function"], hit["text"]
        assert WITHOUT_LINES.match(frame["function"]) or (frame["file"] and frame["line"]), \
            hit["text"]
    lines = hit["text"].splitlines()
    assert [line.split()[0] for line in lines[:len(hit["frames"])]] == \
        [f"#{i}" for i in range(len(hit["frames"]))]
    outermost = hit["frames"][-1]["function"]
    if hit["end"]:
        assert hit["end"].startswith("entered from user space at 0x"), hit["text"]
        assert outermost.startswith(("entry_SYSCALL", "asm_")), hit["text"]
    else:
        assert outermost in FIRST, hit["text"]


def test_whole_path_from_card_to_epoll(idle_guest):
    with idle_guest.steps("ep_poll_callback") as session:
        idle_guest.echo()
        hit, done, ended = session.rest()
    assert (hit["function"], hit["file"]) == ("ep_poll_callback", "fs/eventpoll.c")
    check_backtrace(hit)
    path = iter(functions_of(hit))
    assert all(function in path for function in PATH), hit["text"]
    assert "at net/ipv4/tcp_ipv4.c:" in hit["text"]
    assert (done["event"], ended["error"]) == ("done", None)
    idle_guest.echo()


def test_each_step_counts_for_itself(idle_guest):
    with idle_guest.steps("tcp_v4_rcv=3", "tcp_v4_rcv", "ep_poll_callback=2") as session:
        idle_guest.echo()
        idle_guest.echo()
        events = session.rest()
    numbers = [(e["step"], e["number"]) for e in events if e["event"] == "hit"]
    assert sorted(numbers) == [(0, 1), (0, 2), (0, 3), (1, 1), (2, 1), (2, 2)]
    assert events[-1]["error"] is None


def test_backtraces_cross_stacks(make_guest):
    guest = make_guest(append="busy")
    hits = []
    with guest.steps("e1000_main.c:e1000_intr=100000") as session:
        # What an interrupt meets is chance: until one has met a system call.
        while not any(is_in_a_system_call(hit) for hit in hits):
            assert len(hits) < 1000
            guest.echo()
            hits += session.so_far()
        os.kill(session.process.pid, signal.SIGTERM)
        session.process.wait(DEADLINE)
    for hit in hits:
        check_backtrace(hit)


def test_inlined_function(idle_guest):
    with idle_guest.steps("ip_rcv_core", "napi_poll") as session:
        idle_guest.echo()
        events = session.rest()
    hits = {event["function"]: event for event in events if event["event"] == "hit"}
    assert events[-1]["error"] is None
    assert hits["napi_poll"]["frames"][0]["inlined"]
    check_backtrace(hits["napi_poll"])


def test_frozen_guest(make_guest):
    guest = make_guest(frozen=True)
    with guest.steps("start_kernel", "ep_poll_callback") as session:
        assert session.armed["hardware"]
        guest.wait_until_up()
        guest.echo()
        events = session.rest()
    assert [e.get("function") for e in events[:-2]] == ["start_kernel", "ep_poll_callback"]
    assert events[-1]["error"] is None


def test_frozen_guest_with_more_steps_than_debug_registers(make_guest):
    guest = make_guest(frozen=True)
    steps = ["ep_poll_callback", "tcp_v4_rcv", "sock_def_readable", "e1000_clean",
             "ip_list_rcv"]
    with guest.steps(*steps) as session:
        guest.wait_until_up()
        guest.echo()
        events = session.rest()
    assert {e["step"] for e in events if e["event"] == "hit"} == set(range(5))
    assert events[-1]["error"] is None


@pytest.mark.parametrize("who", ["session", "gdb"])
def test_a_session_that_is_ended_leaves_the_guest_running(idle_guest, who):
    with idle_guest.steps("ep_poll_callback") as session:
        os.kill(session.process.pid if who == "session" else session.gdb(), signal.SIGTERM)
        session.process.wait(DEADLINE)
        idle_guest.echo()


def test_a_gdb_that_is_ended_as_it_lets_the_guest_go_on(idle_guest):
    for _ in range(5):
        with idle_guest.steps("ep_poll_callback") as session:
            os.kill(session.gdb(), signal.SIGTERM)
            session.process.wait(DEADLINE)
    idle_guest.echo()


def test_a_killed_gdb_leaves_the_guest_running(idle_guest):
    with idle_guest.steps("ep_poll_callback") as session:
        os.kill(session.gdb(), signal.SIGKILL)
        assert "killed by SIGKILL" in session.rest()[-1]["error"]
        idle_guest.echo()


def failure(guest, place):
    """What a session ends with that can't begin."""
    session = guest.steps(place)
    try:
        return session.rest()[-1]["error"]
    finally:
        session.__exit__()


def test_a_function_that_does_not_exist(idle_guest):
    error = failure(idle_guest, "ep_poll_callbak")
    assert "ep_poll_callbak" in error
    idle_guest.echo()


@pytest.mark.parametrize("place", ["*$_shell(\"touch x\")", "tcp_v4_rcv if $_shell(\"x\")"])
def test_only_names_of_functions(idle_guest, place):
    error = failure(idle_guest, place)
    assert "is not a function's name" in error


def test_a_guest_that_dies(make_guest):
    guest = make_guest()
    with guest.steps("ep_poll_callback") as session:
        guest.process.kill()
        error = session.rest()[-1]["error"]
    assert "lost the guest" in error and "\n" not in error


def gdb(guest, *commands):
    """An interactive session's output."""
    words = [word for command in commands for word in ("-ex", command)]
    return subprocess.run(
        [TOOLS / "debug-steps", "--interactive", guest.vmlinux, guest.socket, "-nx", "-batch",
         *words], capture_output=True, text=True, timeout=DEADLINE, check=True).stdout


def test_interactive_session(idle_guest):
    out = gdb(idle_guest, "lx-version", "lx-ps", "lx-dmesg", "netlab-backtrace 3",
              "list tcp_v4_rcv")
    assert "netlab: guest guest, Linux 6." in out
    assert "ksoftirqd/0" in out
    assert "Run /init as init process" in out
    assert "#0  " in out
    assert "int tcp_v4_rcv(struct sk_buff *skb)" in out
    idle_guest.echo()


def test_interactive_session_on_a_frozen_guest(make_guest):
    guest = make_guest(frozen=True)
    out = gdb(guest, "hbreak start_kernel", "continue", "netlab-backtrace")
    assert "before the kernel's start" in out
    assert "start_kernel () at init/main.c:" in out
    assert "too long" not in out
    guest.wait_until_up()
