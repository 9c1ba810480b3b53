# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab inside gdb: gdb -iex 'python netlab_options = {...}' -x netlab.py VMLINUX

netlab_options holds:
  socket   gdb's UNIX socket of the guest; without it, only the commands are loaded
  core     in place of that: the file of a guest's core
  guest    its name, for the greeting
  source   the kernel's source tree, where it is not where vmlinux says
  modules  folders with the files of the guest's modules
  editor   who it is has a prompt of his own, and attaches by himself
  steps    [{"at": FUNCTION, "times": N}]: a batch session, reporting to NETLAB_GDB_REPORT
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from netlab_gdb import session  # noqa: E402  pylint: disable=wrong-import-position

session.start(globals().get("netlab_options", {}))
