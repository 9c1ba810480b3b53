# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal with a shell in it, for what only a terminal does: ^C, ^Z, a window closed."""
import os
import pty
import select
import signal
import time

DEADLINE = 60


class Terminal:
    """An interactive bash; what is on the screen is in `screen`."""

    def __init__(self):
        self.screen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1="@> ", TERM="dumb", HISTFILE="/dev/null")
            os.execvp("bash", ["bash", "--norc", "--noediting", "-i"])
        self.wait_for("@> ")

    def type(self, text):
        os.write(self.fd, text.encode())

    def run(self, *words):
        self.type(" ".join(map(str, words)) + "\n")

    def wait_for(self, text, seconds=DEADLINE):
        """Until @text appears behind what was waited for before; returns what came until then."""
        end = time.monotonic() + seconds
        while text not in self.screen:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.fd], [], [], left)[0], (
                f"no {text!r} within {seconds} s:\n{self.screen}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            assert data, f"no {text!r} before the end:\n{self.screen}"
            self.screen += data.decode(errors="replace").replace("\r", "")
        before, found, self.screen = self.screen.partition(text)
        return before + found

    def last_status(self):
        """The shell's $?, at its prompt."""
        self.run("echo status=$?=")
        self.wait_for("status=$?=")  # as it was typed
        self.wait_for("status=")
        return int(self.wait_for("=")[:-1])

    def close(self):
        """The window goes: whoever is in it gets SIGHUP."""
        if self.fd < 0:
            return
        os.close(self.fd)
        self.fd = -1
        try:
            os.kill(self.pid, signal.SIGHUP)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
