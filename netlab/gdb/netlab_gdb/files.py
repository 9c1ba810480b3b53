# SPDX-License-Identifier: GPL-2.0-or-later
"""What a struct file is: a socket, a pipe, an epoll instance..."""

from typing import Callable, Optional

import gdb

from . import inet, kernel, memory

EPOLL_OPERATIONS = "eventpoll_fops"
SOCKET_OPERATIONS = "socket_file_ops"
NAME_MAX = 255


def operations(file: gdb.Value) -> str:
    """The symbol of its operations: "socket_file_ops"."""
    return kernel.symbol_at(int(file["f_op"])) or f"operations {int(file['f_op']):#x}"


def private(address: int, wanted: str) -> Optional[int]:
    """What a file's private_data points at; None where it has other operations than WANTED."""
    value = memory.at("file", address)
    return int(value["private_data"]) if operations(value) == wanted else None


def socket_of(address: int) -> Optional[int]:
    """The struct sock of a struct file; None where it is no socket's."""
    socket = private(address, SOCKET_OPERATIONS)
    return (int(memory.at("socket", socket)["sk"]) or None) if socket else None


def epoll_of(address: int) -> Optional[int]:
    """The struct eventpoll of a struct file; None where it is none's."""
    return private(address, EPOLL_OPERATIONS)


def socket_words(file: gdb.Value) -> str:
    """A socket with its addresses."""
    sk = int(memory.at("socket", int(file["private_data"]))["sk"])
    return f"socket {inet.brief(sk)}, sock {sk:#x}" if sk else "socket without a sock"


def eventfd_words(file: gdb.Value) -> str:
    """An eventfd with its count."""
    context = memory.at("eventfd_ctx", int(file["private_data"]))
    return f"eventfd, count {int(context['count'])}"


def pipe_words(file: gdb.Value) -> str:
    """A pipe with the buffers that are in it."""
    pipe = memory.at("pipe_inode_info", int(file["private_data"]))
    used = (int(pipe["head"]) - int(pipe["tail"])) % (1 << 32)
    return f"pipe {int(file['private_data']):#x}, buffers in use {used}"


def epoll_words(file: gdb.Value) -> str:
    """An epoll instance."""
    return f"epoll instance {int(file['private_data']):#x}"


WORDS: dict[str, Callable[[gdb.Value], str]] = {
    SOCKET_OPERATIONS: socket_words,
    EPOLL_OPERATIONS: epoll_words,
    "eventfd_fops": eventfd_words,
    "pipefifo_fops": pipe_words,
    "timerfd_fops": lambda file: "timerfd",
    "signalfd_fops": lambda file: "signalfd",
    "inotify_fops": lambda file: "inotify",
    "pidfd_fops": lambda file: "pidfd",
    "tty_fops": lambda file: "terminal",
}


def name_of(file: gdb.Value) -> str:
    """The last part of its path."""
    name = memory.at("dentry", int(file["f_path"]["dentry"]))["d_name"]
    return memory.string_at(int(name["name"]), min(int(name["len"]), NAME_MAX))


def words(address: int) -> str:
    """A struct file in words."""
    file = memory.at("file", address)
    kind = operations(file)
    if kind in WORDS:
        return WORDS[kind](file)
    return f"file {memory.optional(name_of, file) or '?'} ({kind})"
