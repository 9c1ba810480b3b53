# SPDX-License-Identifier: GPL-2.0-or-later
"""A gdb session of netlab's under test: a command in, what gdb printed for it out."""
import contextlib
import os
import pathlib
import select
import signal
import subprocess
import threading
import time

DEADLINE = 180

# For a gdb's command line: it dies while it holds the guest, a breakpoint in the server's way.
DIE_WITH_A_BREAKPOINT = ("-ex", "set breakpoint always-inserted on", "-ex",
                         "break ep_poll_callback", "-ex", "shell kill -9 $PPID")


class Session:
    """`netlab gdb` on a guest, over pipes. Where it stands is printed by gdb itself."""

    def __init__(self, lab, guest="server", *arguments):
        words = [lab.netlab, "gdb", f"{lab.name}/{guest}", "--", "-q", "-nx",
                 "-iex", "set pagination off", "-iex", "set confirm off", "-iex", "set width 0",
                 "-ex", "set prompt", *arguments]
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.count = 0
        self.data = b""
        self.greeting = self.run("echo")

    def begin(self, command):
        """Give a command without waiting for its end."""
        self.count += 1
        self.process.stdin.write(f"{command}\necho @{self.count}@\\n\n".encode())
        self.process.stdin.flush()

    def end(self):
        """What the command that was begun last has printed, once it is done."""
        marker = f"@{self.count}@\n".encode()
        end = time.monotonic() + DEADLINE
        while marker not in self.data:
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(end - time.monotonic(), 0))
            more = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            assert more, f"gdb has not answered:\n{self.data.decode(errors='replace')}"
            self.data += more
        text, _, self.data = self.data.partition(marker)
        return text.decode(errors="replace")

    def read_now(self):
        """Take in what it has printed by now, of a command that goes on."""
        while select.select([self.process.stdout], [], [], 0)[0]:
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                break
            self.data += more
        return True

    def run(self, command):
        """Give a command, and what it printed."""
        self.begin(command)
        return self.end()

    def close(self):
        """Leave gdb; the guest goes on."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.read()
        return self.process.wait(DEADLINE)


def stop_in_gdb(session, pid):
    """^C in a gdb whose guest runs, as far as it knows."""
    tasks = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(tasks[0]), signal.SIGINT)
    return session.end()


@contextlib.contextmanager
def debugging(lab, guest="server", *arguments):
    """with debugging(lab) as gdb: gdb.run("break tcp_v4_rcv")"""
    session = Session(lab, guest, *arguments)
    try:
        yield session
        if session.process.poll() is None:
            session.close()
    finally:
        # Where the guest runs, gdb doesn't look at what it is told.
        if session.process.poll() is None:
            session.process.kill()
        session.process.wait(DEADLINE)


@contextlib.contextmanager
def meanwhile(function, *arguments):
    """Something goes on beside (traffic that gdb holds up), and ends well before this does."""
    failed = []

    def work():
        try:
            function(*arguments)
        except BaseException as error:  # pylint: disable=broad-except
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(DEADLINE)
    assert not thread.is_alive(), "it still goes on"
    if failed:
        raise failed[0]
