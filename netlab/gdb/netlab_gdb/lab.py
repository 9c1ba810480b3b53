# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab that the guest is in, over its control socket (docs/control-protocol.md)."""

import contextlib
import json
import os
import socket
from typing import Any, BinaryIO, Callable, Iterator, Optional

import gdb

from . import kernel

LINE_LIMIT = 32 << 20  # the supervisor's own limit of what waits to be read
TIMEOUT_SECONDS = 60


class Lab:
    """A running lab, as its supervisor tells of it."""

    def __init__(self, folder: str, guest: str) -> None:
        self.guest = guest  # the one that gdb is attached to
        self.path = os.path.join(folder, "control")

    def request(self, name: str, timeout: float = TIMEOUT_SECONDS, **arguments: Any) -> Any:
        """The result of a request; gdb.GdbError with the supervisor's words where it has none.

        TIMEOUT is in seconds, of each wait for the socket."""
        with self._telling(), self._connect(timeout) as connection:
            send(connection, 1, name, **arguments)
            with connection.makefile("rb") as lines:
                return answer(lines)["result"]

    def start(self, name: str, timeout: float, **arguments: Any) -> Callable[[], Any]:
        """Make a request that takes its time; gdb.GdbError where it is refused at once. What is
        returned waits for its result, in another thread if need be, for TIMEOUT seconds."""
        with self._telling():
            connection = self._connect(TIMEOUT_SECONDS)
            lines = connection.makefile("rb")
            # The lab looks at requests in their order: at the second it has looked at the first.
            send(connection, 1, name, **arguments)
            send(connection, 2, "status")
            first = answer(lines)

        def result() -> Any:
            with self._telling(), connection, lines:
                connection.settimeout(timeout)
                return (first if first["id"] == 1 else answer(lines))["result"]

        return result

    def status(self) -> dict:
        """What `netlab status --json` shows."""
        return self.request("status")

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """What goes wrong with the socket is gdb's to tell."""
        try:
            yield
        except (OSError, ValueError) as error:
            raise gdb.GdbError(f"the lab at {self.path}: {error}") from error

    def _connect(self, timeout: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(self.path)
        return connection


def send(connection: socket.socket, number: int, name: str, **arguments: Any) -> None:
    """Make a request."""
    message = {"id": number, "request": name, **arguments}
    connection.sendall(json.dumps(message).encode() + b"\n")


def answer(lines: BinaryIO) -> dict:
    """The next answer with a result; gdb.GdbError where it is an error."""
    while True:
        line = lines.readline(LINE_LIMIT)
        if not line.endswith(b"\n"):
            raise ValueError("the connection ended without an answer")
        message = json.loads(line)
        if "error" in message:
            raise gdb.GdbError(error_text(message["error"]))
        if "result" in message:
            return message


def error_text(error: dict) -> str:
    """An error of the supervisor's as one line, its hint on a second."""
    parts = [error.get("object"), error.get("message"), error.get("kernel")]
    lines = [": ".join(str(part) for part in parts if part)]
    lines += [str(error["hint"])] if error.get("hint") else []
    return "\n".join(kernel.printable(line) for line in lines)


_CURRENT: list[Lab] = []


def use(gdb_socket: str, guest: str) -> None:
    """gdb is attached to that socket of the guest: its lab's folder is the socket's."""
    _CURRENT[:] = [Lab(os.path.dirname(gdb_socket), guest)]


def current() -> Optional[Lab]:
    """The lab that this gdb belongs to; None: gdb was started by hand, or on a core."""
    return _CURRENT[0] if _CURRENT else None


def required() -> Lab:
    """The same; gdb.GdbError where there is none."""
    lab = current()
    if lab is None:
        raise gdb.GdbError("this gdb is on no guest of a running lab: start it by netlab gdb")
    return lab
