# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbols of the guest's modules: of those that are loaded, and of each that will be, before its
init function runs. (The kernel's own lx-symbols leaves out .init.text, Linux 6.1.)"""

import os
import shlex
from typing import Optional

import gdb

from . import commands, kernel

# Called with the sections in place and listed in sysfs, before the module's first instruction.
LOADING_FUNCTION = "do_init_module"
SECTIONS_LIMIT = 256  # of a module; what the guest's memory says is not trusted
MODULES_LIMIT = 4096
COLUMNS = 96


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


def has_field(value: gdb.Value, name: str) -> bool:
    """Has this kernel's structure that member?"""
    return any(field.name == name for field in value.type.strip_typedefs().fields())


def extent_of(module: gdb.Value) -> tuple[int, int]:
    """Where its code and data begin, and how many bytes they have."""
    if has_field(module, "core_layout"):  # until Linux 6.3
        layout = module["core_layout"]
        return int(layout["base"]), int(layout["size"])
    memory = module["mem"]  # by enum mod_mem_type, the text first
    first, last = memory.type.range()
    return int(memory[0]["base"]), sum(int(memory[i]["size"]) for i in range(first, last + 1))


def section_of(attribute: gdb.Value) -> tuple[str, int]:
    """Name and address of a section, as sysfs has it."""
    if has_field(attribute, "battr"):  # until Linux 6.13: struct module_sect_attr
        return attribute["battr"]["attr"]["name"].string(), int(attribute["address"])
    return attribute["attr"]["name"].string(), int(attribute["private"])


def sections_of(module: gdb.Value) -> dict:
    """Where the module's sections lie: {".text": 0xffffffffc0000000}."""
    if not has_field(module, "sect_attrs") or not int(module["sect_attrs"]):
        return {".text": extent_of(module)[0]}
    attributes = module["sect_attrs"]
    if has_field(attributes.dereference(), "nsections"):
        count = int(attributes["nsections"])
    else:
        count = SECTIONS_LIMIT  # a NULL as the last one's name
    found = {}
    for i in range(min(count, SECTIONS_LIMIT)):
        attribute = attributes["attrs"][i]
        if not has_field(attribute, "battr") and not int(attribute["attr"]["name"]):
            break
        name, address = section_of(attribute)
        found[kernel.printable(name)] = address
    return found


def name_of(module: gdb.Value) -> str:
    """Its name, fit for a terminal."""
    return kernel.printable(module["name"].string("utf-8", "replace"))


def state_of(module: gdb.Value) -> str:
    """"live"; "coming", while its init function runs; "going", "unformed"."""
    return str(module["state"]).rpartition("_")[2].lower()


def loaded_modules() -> list:
    """Every struct module in the kernel's list."""
    kind = gdb.lookup_type("struct module")
    offset = next(field.bitpos // 8 for field in kind.fields() if field.name == "list")
    head = gdb.parse_and_eval("&modules")
    found, entry = [], head["next"]
    while int(entry) != int(head) and len(found) < MODULES_LIMIT:
        address = gdb.Value(int(entry) - offset)
        found.append(address.cast(kind.pointer()).dereference())
        entry = entry["next"]
    return found


class Symbols:
    """What gdb knows of the modules."""

    def __init__(self) -> None:
        self.files: dict = {}
        self.known: dict = {}  # address by which gdb removes what it has of a module, by name
        self.load_breakpoint: Optional[LoadBreakpoint] = None

    def add_folders(self, folders: list) -> None:
        """Look for files there, too."""
        self.files.update(files_in(folders))

    def forget(self, name: str) -> None:
        """A module that was loaded before lies elsewhere now, or nowhere."""
        if name in self.known:
            gdb.execute(f"remove-symbol-file -a {self.known.pop(name):#x}", to_string=True)

    def add(self, module: gdb.Value) -> None:
        """Read the symbols of a module, where we have its file."""
        name = name_of(module)
        sections = sections_of(module)
        # A small module may have no .text: what only init calls goes to .text.unlikely.
        if name not in self.files or not sections:
            return
        self.forget(name)
        words = [f"-s {section} {address:#x}" for section, address in sections.items()]
        gdb.execute(f"add-symbol-file {shlex.quote(self.files[name])} {' '.join(words)}",
                    to_string=True)
        self.known[name] = next(iter(sections.values()))

    def add_missing(self) -> list:
        """Of all that are loaded; what isn't any more is forgotten. Returns those there are."""
        modules = loaded_modules()
        names = [name_of(module) for module in modules]
        for name in [name for name in self.known if name not in names]:
            self.forget(name)
        for name, module in zip(names, modules):
            if self.known.get(name) not in sections_of(module).values():
                self.add(module)
        return modules

    def follow(self) -> None:
        """From here on, of each that will be loaded; again is fine."""
        if self.load_breakpoint is None:
            self.load_breakpoint = LoadBreakpoint(self)
            gdb.execute("set breakpoint pending on", to_string=True)


class LoadBreakpoint(gdb.Breakpoint):
    """Stops where a module is about to run, for as long as it takes to read its symbols."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(LOADING_FUNCTION, internal=True)
        self.silent = True
        self.symbols = symbols

    def stop(self) -> bool:
        """Never for the user."""
        try:
            self.symbols.add(gdb.selected_frame().read_var("mod").dereference())
        except (gdb.error, ValueError) as error:
            print(f"netlab: no symbols of the module that is being loaded: {error}")
        return False


_SYMBOLS = Symbols()


def add_loaded(folders: list) -> None:
    """The symbols of the modules that are loaded now."""
    _SYMBOLS.add_folders(folders)
    _SYMBOLS.add_missing()


def follow(folders: list) -> None:
    """From here on gdb has the symbols of every module of the guest."""
    try:
        _SYMBOLS.add_folders(folders)
        if not kernel.is_before_boot():
            _SYMBOLS.add_missing()
        _SYMBOLS.follow()
    except (gdb.error, ValueError, StopIteration) as error:
        print(f"netlab: the guest's modules have no symbols: {error}")


# --- netlab modules -----------------------------------------------------------------------------

def is_running_target() -> bool:
    """Is it a guest that may load modules, and no core?"""
    connection = gdb.selected_inferior().connection
    return connection is not None and connection.type == "remote"


def check_kernel() -> None:
    """gdb.GdbError where this kernel can have no modules, or nothing is known of them."""
    if kernel.symbol_address(LOADING_FUNCTION) is None:
        raise gdb.GdbError("netlab modules: this kernel has none: it was built without "
                           "CONFIG_MODULES")
    try:
        gdb.lookup_type("struct module")
    except gdb.error as error:
        raise gdb.GdbError("netlab modules: this vmlinux has no debug information") from error


def wrapped(words: list[str], indent: str) -> str:
    """Words in lines of COLUMNS at most."""
    lines = [""]
    for word in words:
        if lines[-1] and len(indent) + len(lines[-1]) + 2 + len(word) > COLUMNS:
            lines.append("")
        lines[-1] += ("  " if lines[-1] else "") + word
    return "\n".join(indent + line for line in lines)


class ModulesCommand(commands.Command):
    """List the guest's modules and where their symbols come from, and read those that are missing.

netlab modules [DIR...]

Files of modules (NAME.ko) are looked for in the folders that the topology's modules are in, and in
each DIR and below. From then on gdb has the symbols of each module that is loaded, before its
init function runs: a breakpoint there, which can be set before, is one from its first line.
Of each module its state is shown, its address and size, its file, and all its sections."""

    NAME = "modules"

    def __init__(self) -> None:
        super().__init__(gdb.COMPLETE_FILENAME)

    def run(self, argument: str) -> None:
        """Carry it out."""
        folders = [os.path.expanduser(word) for word in shlex.split(argument)]
        for folder in folders:
            if not os.path.isdir(folder):
                raise gdb.GdbError(f"netlab modules: {folder}: no such folder")
        check_kernel()
        _SYMBOLS.add_folders(folders)
        if is_running_target():
            _SYMBOLS.follow()
        if kernel.is_before_boot():
            raise gdb.GdbError("netlab modules: the kernel has not started, and has none yet")
        modules = _SYMBOLS.add_missing()
        if not modules:
            print("no module is loaded")
        for module in modules:
            self._show(module)

    @staticmethod
    def _show(module: gdb.Value) -> None:
        name = name_of(module)
        base, size = extent_of(module)
        file = _SYMBOLS.files.get(name, "no file: netlab modules DIR")
        print(f"{name}  {state_of(module)}, {size} bytes at {base:#x}  {file}")
        print(wrapped([f"{section} {address:#x}"
                       for section, address in sections_of(module).items()], "    "))
