# SPDX-License-Identifier: GPL-2.0-or-later
"""How to get from a kernel stack to the one below it.

gdb alone loses its way in two places:

- The entry code (entry_64.S) has no call frame information, and its frame pointer is marked
  for the kernel's own unwinder. gdb guesses, and shows what lies on the stack as `??`. But
  wherever the entry code calls C, the stack pointer points to struct pt_regs: the registers
  of what was interrupted. EntryUnwinder reads them.

- An interrupt runs on a stack of its own. gdb takes an older frame at a lower address for a
  corrupt stack and stops. rerooted() shows gdb the frame where it stopped as the second one,
  below an artificial first frame, so that it has nothing to compare with.
"""

import contextlib
from typing import Iterator, Optional

import gdb
from gdb.unwinder import Unwinder, register_unwinder

from . import kernel

# struct pt_regs of x86-64 (arch/x86/include/asm/ptrace.h), in its order.
PT_REGS = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8",
           "rax", "rcx", "rdx", "rsi", "rdi", None, "rip", "cs", "eflags", "rsp", "ss")
PT_REGS_CS = 8 * PT_REGS.index("cs")
PT_REGS_RIP = 8 * PT_REGS.index("rip")
SELECTORS = (0x10, 0x33, 0x23)  # __KERNEL_CS, __USER_CS, __USER32_CS
USER_MODE = 3

GENERAL = tuple(name for name in PT_REGS if name and name not in ("cs", "eflags", "ss"))
# First frames of their stacks: what they were called from is not there.
FIRST_FUNCTIONS = ("ret_from_fork", "ret_from_fork_asm", "secondary_startup_64",
                   "secondary_startup_64_no_verify", "pvh_start_xen")

Registers = dict[str, int]
# gdb's sign of the end: without any rip, commands that look for the caller fail.
OUTERMOST: Registers = {"rip": 0, "rsp": 0, "rbp": 0}


class FrameId:
    """What gdb tells one frame from another by."""

    def __init__(self, sp: int, pc: int) -> None:
        self.sp = gdb.Value(sp)
        self.pc = gdb.Value(pc)


def word_type() -> gdb.Type:
    """The type of a register's worth of bits."""
    return gdb.lookup_type("unsigned long")


def read_word(address: int) -> Optional[int]:
    """Eight bytes of the guest's memory; None where nothing is mapped."""
    try:
        return int.from_bytes(gdb.selected_inferior().read_memory(address, 8), "little")
    except gdb.MemoryError:
        return None


def is_entry_code(pc: int) -> bool:
    """Does the call that returns to PC stand in the kernel's entry code?"""
    start = kernel.symbol_address("__entry_text_start")
    end = kernel.symbol_address("__entry_text_end")
    return start is not None and end is not None and start < pc <= end


def find_pt_regs(sp: int) -> Optional[int]:
    """Address of the pt_regs at SP, or one word above it (error_entry's callees)."""
    for address in (sp, sp + 8):
        if read_word(address + PT_REGS_CS) in SELECTORS:
            return address
    return None


def interrupted_user_pc(pc: int, sp: int) -> Optional[int]:
    """Where user space was when it entered the kernel through the entry frame PC, SP."""
    regs = find_pt_regs(sp) if is_entry_code(pc) else None
    if regs is None or (read_word(regs + PT_REGS_CS) or 0) & USER_MODE != USER_MODE:
        return None
    return read_word(regs + PT_REGS_RIP)


def read_pt_regs(address: int) -> Registers:
    """What the pt_regs at ADDRESS hold, by gdb's names of the registers."""
    words = ((name, read_word(address + 8 * i)) for i, name in enumerate(PT_REGS) if name)
    return {name: word for name, word in words if word is not None}


def interrupted_pc(younger: Optional[gdb.Frame], frame: gdb.Frame) -> int:
    """Where FRAME really is, which EntryUnwinder shows one byte further where it was
    interrupted, that is where the frame YOUNGER is of the entry code."""
    shown = frame.pc()
    return shown - 1 if younger and is_entry_code(younger.pc()) else shown


class EntryUnwinder(Unwinder):
    """Unwinds the kernel's entry code, and the artificial first frame of rerooted()."""

    def __init__(self) -> None:
        super().__init__("netlab-kernel-entry")
        self.root: Optional[Registers] = None

    def __call__(self, pending: gdb.PendingFrame) -> Optional[gdb.UnwindInfo]:
        pc = int(pending.read_register("rip"))
        if pending.level() == 0:
            return self._first(pending, pc) if self.root else None
        if not kernel.is_kernel_address(pc):
            return None
        sp = int(pending.read_register("rsp"))
        if kernel.symbol_at(pc - 1) in FIRST_FUNCTIONS:
            return self._saved(pending, FrameId(sp, pc), OUTERMOST)
        regs = find_pt_regs(sp) if is_entry_code(pc) else None
        return self._entry(pending, pc, regs) if regs is not None else None

    def _first(self, pending: gdb.PendingFrame, pc: int) -> gdb.UnwindInfo:
        # 1 is a lower address than that of any stack.
        return self._saved(pending, FrameId(1, pc), self.root)

    def _entry(self, pending: gdb.PendingFrame, pc: int, address: int) -> gdb.UnwindInfo:
        regs = read_pt_regs(address)
        if regs.pop("cs", USER_MODE) & USER_MODE == USER_MODE:
            regs = OUTERMOST  # user space: its stack is not the kernel's
        elif "rip" in regs:
            # gdb takes an older frame's pc for a return address, and looks up the byte
            # before it. At a branch's target behind a `ret`, that is the epilogue's: no
            # frame any more. interrupted_pc() takes it back.
            regs["rip"] += 1
        return self._saved(pending, FrameId(address, pc), regs)

    @staticmethod
    def _saved(pending: gdb.PendingFrame, frame_id: FrameId,
               registers: Registers) -> gdb.UnwindInfo:
        info = pending.create_unwind_info(frame_id)
        for name in GENERAL:
            if name in registers:
                value = gdb.Value(registers[name])
                info.add_saved_register(name, value.cast(word_type()))
        return info


unwinder = EntryUnwinder()


def install() -> None:
    """Let gdb use the unwinder from now on."""
    register_unwinder(None, unwinder, replace=True)
    gdb.invalidate_cached_frames()


def frame_registers(frame: gdb.Frame) -> Registers:
    """The registers as FRAME has them, without those that are lost."""
    registers = {}
    for name in GENERAL:
        try:
            registers[name] = int(frame.read_register(name).cast(word_type()))
        except (gdb.error, ValueError):
            pass
    return registers


@contextlib.contextmanager
def rerooted(registers: Optional[Registers]) -> Iterator[None]:
    """Within it, gdb's second frame is the one that has REGISTERS (None: nothing changes).

    Nothing is written to the guest. gdb.Frame objects don't outlive it.
    """
    unwinder.root = registers
    gdb.invalidate_cached_frames()
    try:
        yield
    finally:
        unwinder.root = None
        gdb.invalidate_cached_frames()
