# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb as an editor drives it: over its machine interface (gdb 13's manual, chapter 27)."""
import os
import re
import select
import subprocess
import time

DEADLINE = 180


def quoted(text):
    """A console command as an argument of -interpreter-exec."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Editor:
    """One `gdb --interpreter=mi`."""

    def __init__(self, gdb="gdb"):
        self.process = subprocess.Popen([gdb, "-nx", "--interpreter=mi"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.data = ""
        self.said = ""  # all of it

    def wait_for(self, pattern):
        """Until a line matches; returns what came up to its end."""
        end = time.monotonic() + DEADLINE
        while not (found := re.search(pattern + r".*\n", self.data, re.M)):
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(end - time.monotonic(), 0))
            more = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            assert more, f"no {pattern!r} from gdb:\n{self.said}"
            self.data += more.decode(errors="replace")
            self.said += more.decode(errors="replace")
        text, self.data = self.data[:found.end()], self.data[found.end():]
        return text

    def give(self, command):
        """An MI command, or one of the console's; its result, and what came before it."""
        if not command.startswith("-"):
            command = f"-interpreter-exec console {quoted(command)}"
        self.process.stdin.write(f"7{command}\n".encode())
        self.process.stdin.flush()
        return self.wait_for(r"^7\^")

    def done(self, command):
        """The same, and it must not fail."""
        text = self.give(command)
        assert "7^error" not in text, text
        return text

    def console(self, command):
        """What a command prints to gdb's console."""
        lines = re.findall(r'^~"(.*)"$', self.done(command), re.M)
        return "".join(lines).replace("\\n", "\n").replace('\\"', '"').replace("\\t", "\t")

    def close(self):
        """Leave gdb."""
        if self.process.poll() is None:
            self.process.stdin.write(b"-gdb-exit\n")
            self.process.stdin.close()
        self.process.stdout.read()
        assert self.process.wait(DEADLINE) == 0
