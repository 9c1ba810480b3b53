# SPDX-License-Identifier: GPL-2.0-or-later
"""Structures of the guest's kernel, read whole by one access to its memory: gdb.Value reads
field by field, which a condition that is asked for each packet can't afford."""

import functools

import gdb

from . import kernel, memory

MAX_PHYSMEM_BITS, SECTION_SIZE_BITS, PAGE_SHIFT = 46, 27, 12  # x86-64, 4 levels of page tables
SECTIONS_PGSHIFT = 64 - (MAX_PHYSMEM_BITS - SECTION_SIZE_BITS)
SECTION_MAP_MASK = ~0x3f
DIRECT_MAP, VMEMMAP = 0xffff888000000000, 0xffffea0000000000  # without KASLR


def read(address: int, size: int) -> bytes:
    """SIZE bytes of the guest's memory, which may be none."""
    return memory.read(address, size) if size > 0 else b""


word = memory.read_word


class Layout:
    """Where the members of a structure are, those of its unnamed structs and unions too."""

    def __init__(self, name: str) -> None:
        kind = gdb.lookup_type(name).strip_typedefs()
        self.name = name
        self.size = kind.sizeof
        self.places: dict[str, tuple[int, int, bool]] = {}  # bits: first, how many; signed?
        self._add(kind, 0)

    def _add(self, kind: gdb.Type, base: int) -> None:
        for field in kind.fields():
            if not hasattr(field, "bitpos"):
                continue
            inner = field.type.strip_typedefs()
            if not field.name:
                self._add(inner, base + field.bitpos)
            elif field.name not in self.places:
                size = field.bitsize or 8 * inner.sizeof
                signed = inner.code == gdb.TYPE_CODE_INT and inner.is_signed
                self.places[field.name] = (base + field.bitpos, size, signed)

    def place(self, name: str) -> tuple[int, int, bool]:
        """Of a member: its first bit, how many it has, is it signed?"""
        if name not in self.places:
            raise gdb.GdbError(f"this kernel's {self.name} has no {name}")
        return self.places[name]

    def offset(self, name: str) -> int:
        """Of a member, in bytes."""
        return self.place(name)[0] // 8

    def read(self, address: int) -> "Struct":
        """The structure at an address."""
        return Struct(self, address, read(address, self.size))


class Struct:
    """A structure's bytes, as they were when it was read."""

    def __init__(self, layout: Layout, address: int, data: bytes) -> None:
        self.layout, self.address, self.data = layout, address, data
        self.bits = int.from_bytes(data, "little")

    def __getitem__(self, name: str) -> int:
        at, size, signed = self.layout.place(name)
        value = self.bits >> at & (1 << size) - 1
        return value - (1 << size) if signed and value >> size - 1 else value

    def get(self, *names: str, default: int = 0) -> int:
        """The first of the members that this kernel's structure has."""
        return next((self[name] for name in names if name in self.layout.places), default)

    def bytes(self, name: str) -> bytes:
        """A member as it lies in memory: what is in network order, texts."""
        at, size, _ = self.layout.place(name)
        return self.data[at // 8:(at + size) // 8]

    def number(self, name: str) -> int:
        """A member in network byte order."""
        return int.from_bytes(self.bytes(name), "big")

    def inner(self, name: str, kind: str) -> "Struct":
        """A structure within this one."""
        layout = layout_of(kind)
        at = self.layout.offset(name)
        return Struct(layout, self.address + at, self.data[at:at + layout.size])


@functools.lru_cache(maxsize=None)
def layout_of(name: str) -> Layout:
    """Of a type by its name: "struct sk_buff"."""
    return Layout(name)


def struct(kind: str, address: int) -> Struct:
    """The structure of that type at an address."""
    return layout_of(kind).read(address)


def page_address(page: int) -> int:
    """Where a struct page's memory is mapped (page_address() without highmem)."""
    base = variable("page_offset_base", DIRECT_MAP)
    return base + (page_number(page) << PAGE_SHIFT)


def variable(name: str, otherwise: int) -> int:
    """An unsigned long variable of the kernel's, which it may lack."""
    address = kernel.symbol_address(name)
    return otherwise if address is None else word(address)


def page_number(page: int) -> int:
    """page_to_pfn() of include/asm-generic/memory_model.h, for the two models x86-64 has."""
    size = gdb.lookup_type("struct page").sizeof
    if is_vmemmap():
        return (page - variable("vmemmap_base", VMEMMAP)) // size
    number = word(page) >> SECTIONS_PGSHIFT
    layout = layout_of("struct mem_section")
    roots = kernel.symbol_address("mem_section")
    if roots is None:
        raise gdb.GdbError("this kernel's memory model isn't known: no mem_section")
    if gdb.parse_and_eval("&mem_section").type.target().code != gdb.TYPE_CODE_ARRAY:
        per_root = (1 << PAGE_SHIFT) // layout.size  # CONFIG_SPARSEMEM_EXTREME
        root = word(word(roots) + number // per_root * 8)
        section = root + number % per_root * layout.size
    else:
        section = roots + number * layout.size
    table = layout.read(section)["section_mem_map"] & SECTION_MAP_MASK
    return (page - table) // size


@functools.lru_cache(maxsize=None)
def is_vmemmap() -> bool:
    """Are all struct pages one array (CONFIG_SPARSEMEM_VMEMMAP)?"""
    return kernel.symbol_address("vmemmap_populate") is not None or (
        kernel.symbol_address("vmemmap_base") is not None)
