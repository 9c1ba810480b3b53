# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's tasks, the files they have open, and who waits for what."""

from typing import Iterator, NamedTuple, Optional

import gdb

from . import kernel, layout, memory

FILES_MAX = 65536  # of one task: the pointers that are read
ALL_FILES_MAX = 1 << 20
WAITERS_MAX = 1024
MUTEX_FLAGS = 7    # the low bits of struct mutex's owner


class OpenFile(NamedTuple):
    """A descriptor of a task."""

    task: str  # "epoll-echo[75]"
    fd: int
    file: int  # address of the struct file

    def __str__(self) -> str:
        return f"{self.task} fd {self.fd}"


def label(task: gdb.Value) -> str:
    """A struct task_struct in words: "epoll-echo[75]"."""
    return f"{memory.text(task['comm'])}[{int(task['pid'])}]"


def label_at(address: int) -> str:
    """The same, of what may be none."""
    found = memory.optional(lambda: label(memory.at("task_struct", address)))
    return found or f"task {address:#x}, which can't be read"


def all_tasks() -> Iterator[gdb.Value]:
    """Every process of the guest (its first thread)."""
    offset = memory.offset_of("task_struct", "tasks")
    head = kernel.symbol_address("init_task")
    if head is None:
        raise gdb.GdbError("vmlinux has no symbol init_task: the tasks can't be told")
    for node in memory.list_nodes(head + offset):
        yield memory.at("task_struct", node - offset)


def descriptors(task: gdb.Value) -> list[int]:
    """The struct file of each descriptor of a task, 0 where it is closed."""
    if not int(task["files"]):
        return []
    table = memory.at("files_struct", int(task["files"]))["fdt"]
    table = memory.at("fdtable", int(table))
    return memory.read_words(int(table["fd"]), min(int(table["max_fds"]), FILES_MAX))


def files_of(task: gdb.Value) -> Iterator[OpenFile]:
    """What a task has open."""
    name = label(task)
    for fd, file in enumerate(descriptors(task)):
        if file:
            yield OpenFile(name, fd, file)


def user_tasks() -> Iterator[gdb.Value]:
    """Every process but the kernel's own."""
    return (task for task in all_tasks() if int(task["mm"]))


def all_files() -> tuple[dict[int, list[OpenFile]], str]:
    """Who has each struct file open, by its address; and what can't be told, "" if nothing."""
    owners: dict[int, list[OpenFile]] = {}
    count = 0
    tasks, trouble = memory.collect(user_tasks())
    for task in tasks:
        opened, damage = memory.collect(files_of(task))
        trouble = trouble or damage
        for file in opened:
            owners.setdefault(file.file, []).append(file)
        count += len(opened)
        if count > ALL_FILES_MAX:
            return owners, f"they have more than {ALL_FILES_MAX} open"
    return owners, trouble


def current() -> gdb.Value:
    """The task that the stopped vCPU runs; gdb.GdbError where it can't be told."""
    address = kernel.current_task_address()
    if address is None:
        raise gdb.GdbError("which task the vCPU runs can't be told here")
    return memory.at("task_struct", address)


def file_of(fd: int) -> OpenFile:
    """A descriptor of the current task's; gdb.GdbError where it isn't open."""
    task = current()
    opened = descriptors(task)
    if fd >= len(opened) or not opened[fd]:
        numbers = [str(number) for number, file in enumerate(opened) if file]
        raise gdb.GdbError(f"{label(task)}, the current task, has no fd {fd}: it has "
                           f"{', '.join(numbers) or 'no files'}")
    return OpenFile(label(task), fd, opened[fd])


def mutex_owner(mutex: gdb.Value) -> Optional[str]:
    """Who holds a struct mutex; None: it is free."""
    owner = int(mutex["owner"]["counter"]) % (1 << 64) & ~MUTEX_FLAGS
    return label_at(owner) if owner else None


def is_locked(lock: gdb.Value) -> bool:
    """Is a spinlock_t or rwlock_t held?"""
    return layout.number(lock, "lock's word") != 0


def waiter(entry: int) -> str:
    """One struct wait_queue_entry: who is woken, and how."""
    wait = memory.at("wait_queue_entry", entry)
    function = kernel.symbol_at(int(wait["func"])) or f"{int(wait['func']):#x}"
    private = int(wait["private"])
    if function == "ep_poll_callback":
        hook = memory.at("eppoll_entry", memory.container_of(entry, "eppoll_entry", "wait"))
        item = memory.at("epitem", int(hook["base"]))
        return (f"{function}: epoll instance {int(item['ep']):#x}, "
                f"which has it as fd {int(item['ffd']['fd'])}")
    if function == "pollwake":
        private = int(memory.at("poll_wqueues", private)["polling_task"])
    return f"{function}: {label_at(private)}" if private else function


def waiters(queue: gdb.Value) -> tuple[list[str], str]:
    """Those in a wait_queue_head_t, in words, and what stopped the list ("" where nothing)."""
    offset = memory.offset_of("wait_queue_entry", "entry")
    nodes = memory.list_nodes(int(queue["head"].address))
    return memory.collect(waiter(node - offset) for node, _ in zip(nodes, range(WAITERS_MAX)))
