# SPDX-License-Identifier: GPL-2.0-or-later
"""What all commands of netlab's in gdb have in common: the prefix, and how they fail."""

import gdb

from . import kernel

PREFIX = "netlab"


class Prefix(gdb.Command):
    """Packets, sockets and paths of the guest's kernel, and the lab that it is in.

help netlab lists the commands; help netlab COMMAND tells about one."""

    def __init__(self) -> None:
        super().__init__(PREFIX, gdb.COMMAND_USER, gdb.COMPLETE_COMMAND, prefix=True)


class Command(gdb.Command):
    """A command `netlab NAME`: a subclass says what it does in run().

    What gdb or the guest's memory refuses becomes one line that names the command."""

    NAME = ""

    def __init__(self, completion: int = -1) -> None:
        # gdb takes a command with a complete() of its own only without a completer class.
        if completion < 0:
            super().__init__(f"{PREFIX} {self.NAME}", gdb.COMMAND_USER)
        else:
            super().__init__(f"{PREFIX} {self.NAME}", gdb.COMMAND_USER, completion)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Called by gdb."""
        del from_tty
        try:
            self.run(argument.strip())
        except gdb.GdbError:
            raise
        except (gdb.error, UnicodeDecodeError) as error:
            raise gdb.GdbError(f"netlab {self.NAME}: {kernel.printable(str(error))}") from error

    def run(self, argument: str) -> None:
        """Carry it out; gdb.GdbError where it can't be."""
        raise NotImplementedError
