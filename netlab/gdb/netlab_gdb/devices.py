# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's network devices, as its kernel lists them."""

import dataclasses

import gdb

from . import kernel, memory, structs

NAME_SIZE, ETHERNET_ADDRESS_SIZE = 16, 6


@dataclasses.dataclass(frozen=True)
class Device:
    """A struct net_device."""

    name: str
    mac: bytes  # b"" where its addresses are of another size


def read_device(address: int) -> Device:
    """The device at an address."""
    layout = structs.layout_of("struct net_device")
    name = structs.read(address + layout.offset("name"), NAME_SIZE).split(b"\0")[0]
    size = structs.read(address + layout.offset("addr_len"), 1)[0]
    mac = b""
    if size == ETHERNET_ADDRESS_SIZE:
        mac = structs.read(structs.word(address + layout.offset("dev_addr")), size)
    return Device(kernel.printable(name.decode("utf-8", "replace")), mac)


def devices() -> dict[int, Device]:
    """All devices of all network namespaces, by their addresses."""
    namespaces = kernel.symbol_address("net_namespace_list")
    if namespaces is None:
        raise gdb.GdbError("this kernel has no network")
    net = structs.layout_of("struct net")
    device = structs.layout_of("struct net_device")
    found = {}
    for namespace in memory.list_nodes(namespaces):
        head = namespace - net.offset("list") + net.offset("dev_base_head")
        for node in memory.list_nodes(head):
            address = node - device.offset("dev_list")
            found[address] = read_device(address)
    return found
