# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbols of the guest's modules: of those that are loaded, and of each that will be, before its
init function runs. (The kernel's own lx-symbols leaves out .init.text, Linux 6.1.)"""

import os

import gdb

from . import kernel

SECTIONS = (".text", ".init.text", ".exit.text", ".data", ".rodata", ".bss", ".init.data")
# Called with the sections in place and listed in sysfs, before the module's first instruction.
LOADING_FUNCTION = "do_init_module"


def files_in(folders: list) -> dict:
    """The modules below the folders, by their names in the kernel."""
    found = {}
    for folder in folders:
        for directory, _, names in os.walk(folder):
            for name in names:
                stem, dot, rest = name.partition(".ko")
                if dot and not rest:
                    found[stem.replace("-", "_")] = os.path.join(directory, name)
    return found


def sections_of(module: gdb.Value) -> dict:
    """Where the module's sections lie: {".text": 0xffffffffc0000000}."""
    attributes = module["sect_attrs"]
    found = {}
    for i in range(int(attributes["nsections"])):
        section = attributes["attrs"][i]
        name = section["battr"]["attr"]["name"].string()
        if name.startswith(SECTIONS):
            found[name] = int(section["address"])
    return found


def loaded_modules() -> list:
    """Every struct module in the kernel's list."""
    kind = gdb.lookup_type("struct module")
    offset = next(field.bitpos // 8 for field in kind.fields() if field.name == "list")
    head = gdb.parse_and_eval("&modules")
    found, entry = [], head["next"]
    while int(entry) != int(head):
        address = gdb.Value(int(entry) - offset)
        found.append(address.cast(kind.pointer()).dereference())
        entry = entry["next"]
    return found


class Symbols:
    """What gdb knows of the modules."""

    def __init__(self, folders: list) -> None:
        self.files = files_in(folders)
        self.known: dict = {}

    def forget(self, name: str) -> None:
        """A module that was loaded before lies elsewhere now."""
        if name in self.known:
            gdb.execute(f"remove-symbol-file -a {self.known.pop(name):#x}", to_string=True)

    def add(self, module: gdb.Value) -> None:
        """Read the symbols of a module, where we have its file."""
        name = kernel.printable(module["name"].string("utf-8", "replace"))
        sections = sections_of(module)
        # A small module may have no .text: what only init calls goes to .text.unlikely.
        if name not in self.files or not sections:
            return
        self.forget(name)
        words = [f"-s {section} {address:#x}" for section, address in sections.items()]
        gdb.execute(f"add-symbol-file {self.files[name]} {' '.join(words)}", to_string=True)
        self.known[name] = next(iter(sections.values()))


class LoadBreakpoint(gdb.Breakpoint):
    """Stops where a module is about to run, for as long as it takes to read its symbols."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(LOADING_FUNCTION, internal=True)
        self.silent = True
        self.symbols = symbols

    def stop(self) -> bool:
        """Never for the user."""
        try:
            self.symbols.add(gdb.selected_frame().read_var("mod"))
        except (gdb.error, ValueError) as error:
            print(f"netlab: no symbols of the module that is being loaded: {error}")
        return False


def add_loaded(folders: list) -> None:
    """The symbols of the modules that are loaded now."""
    symbols = Symbols(folders)
    for module in loaded_modules():
        symbols.add(module)


def follow(folders: list) -> None:
    """From here on gdb has the symbols of every module of the guest."""
    symbols = Symbols(folders)
    try:
        if not kernel.is_before_boot():
            for module in loaded_modules():
                symbols.add(module)
        LoadBreakpoint(symbols)
        gdb.execute("set breakpoint pending on", to_string=True)
    except (gdb.error, ValueError, StopIteration) as error:
        print(f"netlab: the guest's modules have no symbols: {error}")
