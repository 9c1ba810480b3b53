# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's core (netlab dump): its memory and registers as they were at one moment."""

import gdb

from . import kernel


def notes() -> bytes:
    """The notes of the kernel that the core is of, one of which is its build ID.

    They lie in memory where this kernel has its own, or there is something else."""
    start, end = (kernel.symbol_address(name) for name in ("__start_notes", "__stop_notes"))
    if start is None or end is None:
        return b""
    return bytes(gdb.selected_inferior().read_memory(start, end - start))


def check_kernel(path: str) -> None:
    """gdb.GdbError where the core at PATH is of another kernel than the vmlinux that gdb has."""
    objects = [o for o in gdb.objfiles() if o.build_id]
    if not objects:
        return
    try:
        found = notes()
    except gdb.MemoryError:
        found = b"\0"
    if found and bytes.fromhex(objects[0].build_id) not in found:
        raise gdb.GdbError(f"{path} is of another kernel than {objects[0].filename}")


def open_core(path: str) -> None:
    """Have gdb look at the core."""
    gdb.execute(f"core-file {path}", to_string=True)
    check_kernel(path)
