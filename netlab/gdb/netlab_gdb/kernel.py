# SPDX-License-Identifier: GPL-2.0-or-later
"""What the debugger can tell about the kernel in the guest: addresses, sources, tasks."""

import functools
import os
from typing import Optional

import gdb

KERNEL_HALF = 1 << 63  # x86-64: addresses from here on are the kernel's
CR0_PAGING = 1 << 31


def is_kernel_address(address: int) -> bool:
    """Is it in the half of the address space that the kernel lives in?"""
    return address >= KERNEL_HALF


@functools.lru_cache(maxsize=None)
def symbol_address(name: str) -> Optional[int]:
    """Where the linker put a symbol; None where vmlinux has no such symbol."""
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
    except gdb.error:
        return None


@functools.lru_cache(maxsize=4096)
def symbol_at(address: int) -> str:
    """Name of the ELF symbol that an address belongs to; "" where there is none."""
    text = gdb.execute(f"info symbol {address:#x}", to_string=True)
    return "" if text.startswith("No symbol") else text.split()[0]


@functools.lru_cache(maxsize=None)
def source_root() -> str:
    """The tree that vmlinux was compiled from, as its debug info has it; "" if unknown."""
    symbol = gdb.lookup_global_symbol("start_kernel")
    name = symbol.symtab.filename if symbol and symbol.symtab else ""
    root, found, _ = name.rpartition("init/main.c")
    return root if found and os.path.isabs(root) else ""


def source_name(filename: str) -> str:
    """A source file's name below the kernel tree: "net/ipv4/tcp.c"."""
    root = source_root()
    if root and filename.startswith(root):
        return filename[len(root):]
    return filename[2:] if filename.startswith("./") else filename


def use_source_tree(directory: str) -> None:
    """Find the sources in DIRECTORY where the tree that vmlinux names is not there."""
    root = source_root().rstrip("/")
    if root and directory and not os.path.isdir(root):
        gdb.execute(f"set substitute-path {root} {directory}")


def register(name: str) -> Optional[int]:
    """A register of the stopped vCPU; None where the target has none of that name."""
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)${name}"))
    except gdb.error:
        return None


def is_before_boot() -> bool:
    """Is the vCPU still where the kernel's addresses mean nothing (paging is off)?

    Software breakpoints can't be written to memory then: KVM refuses them.
    """
    cr0 = register("cr0")
    return cr0 is not None and not cr0 & CR0_PAGING


def printable(text: str) -> str:
    """What the guest says of itself, fit for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


# Where the per-CPU areas have it: in pcpu_hot since Linux 6.2.
CURRENT_TASK = ("current_task", "pcpu_hot")


def current_task_address() -> Optional[int]:
    """The struct task_struct that the stopped vCPU runs; None where that can't be told."""
    offset = next(filter(None, map(symbol_address, CURRENT_TASK)), None)
    bases = (register("gs_base"), register("k_gs_base"))  # in user space they are swapped
    base = next((base for base in bases if base and is_kernel_address(base)), None)
    if offset is None or base is None:
        return None
    try:
        memory = gdb.selected_inferior().read_memory((base + offset) % (1 << 64), 8)
    except gdb.error:
        return None
    return int.from_bytes(memory, "little")


def current_task() -> Optional[dict]:
    """The task that the stopped vCPU runs: {"comm": "ksoftirqd/0", "pid": 13}."""
    address = current_task_address()
    if address is None:
        return None
    try:
        pointer = gdb.lookup_type("struct task_struct").pointer()
        task = gdb.Value(address).cast(pointer).dereference()
        comm = task["comm"].string("utf-8", "replace", length=16).split("\0")[0]
        return {"comm": printable(comm), "pid": int(task["pid"])}
    except gdb.error:
        return None


def linux_version() -> str:
    """The release of the kernel in vmlinux ("6.1.192"); "" where it doesn't say."""
    try:
        banner = gdb.parse_and_eval("(const char *)linux_banner").string()
    except (gdb.error, UnicodeDecodeError):
        return ""
    words = banner.split()
    return words[2] if len(words) > 2 else ""
