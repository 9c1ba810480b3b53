# SPDX-License-Identifier: GPL-2.0-or-later
"""How a batch session speaks with the netlab that started it.

It writes JSON lines to the descriptor that NETLAB_GDB_REPORT names. It is asked to stop by
SIGTERM, or by that descriptor losing its reader.
"""

import json
import os
import select
import signal
import threading
from typing import Any

import gdb

VARIABLE = "NETLAB_GDB_REPORT"


class Stopped(Exception):
    """No one wants this session any more."""


class Report:
    """The way out, and the watch over whether there is still someone who listens."""

    def __init__(self) -> None:
        self.fd = int(os.environ[VARIABLE])
        os.set_inheritable(self.fd, False)
        self.stopping = threading.Event()
        self.interruptible = False
        self.lock = threading.Lock()
        self.wake_reader, wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        # Python's handler runs when gdb runs Python again, which it doesn't while the guest
        # runs. The wake-up descriptor is written from the signal handler itself.
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: None)
        threading.Thread(target=self._watch, daemon=True).start()

    def send(self, event: str, **members: Any) -> None:
        """Write one line; Stopped is raised where no one reads it."""
        data = json.dumps({"event": event, **members}).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self.fd, data):]
        except BrokenPipeError:
            self.stopping.set()
            raise Stopped from None

    def allow_interrupt(self, allowed: bool) -> None:
        """May gdb be interrupted? Only while it waits for the guest."""
        with self.lock:
            if allowed and self.stopping.is_set():
                raise Stopped
            self.interruptible = allowed

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self.wake_reader, select.POLLIN)
        poll.register(self.fd, 0)  # POLLERR: the reading end is closed
        poll.poll()
        with self.lock:
            self.stopping.set()
            if self.interruptible:
                # Not SIGINT: gdb passes one that comes just before it lets the guest run on at
                # once, and QEMU ignores it, as the guest still stands.
                gdb.post_event(lambda: gdb.execute("interrupt"))
