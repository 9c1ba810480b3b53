# SPDX-License-Identifier: GPL-2.0-or-later
"""Each flavour boots, its card answers, and gdb stops it at a function with source lines."""
import re
import subprocess

import pytest

FLAVOURS = ["debug", "modular", "O1", "sanitize", "defconfig"]
# KASAN and lockdep under TCG: many times slower.
TIMEOUT = "900s"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_flavour(built, make_lab, flavour):
    built(flavour)
    lab = make_lab(kernel=flavour,
                   drive=[{"tcp": {"to": "server:7777", "connections": 1, "send": "hello",
                                   "expect": "hello", "timeout": "300s"}}],
                   debug=[{"guest": "server", "at": "tcp_v4_rcv", "do": "backtrace",
                           "times": 1}])
    result = lab.run(lab.netlab, "run", lab.topology, "--name", lab.name, "-o", lab.output,
                     "--accel", "tcg", "--timeout", TIMEOUT, deadline=1800).ok()
    assert re.search(r"tcp_v4_rcv .* at net/ipv4/tcp_ipv4\.c:\d+", result.stdout)
    assert re.search(r" at net/core/dev\.c:\d+", result.stdout)
    console = (lab.output / "server.console").read_text(errors="replace")
    assert not re.search(r"BUG:|WARNING:|KASAN:", console)


def producer(vmlinux, function):
    """The compiler's command line for the file of a function, as the debug info has it."""
    script = f"python print(gdb.lookup_global_symbol('{function}').symtab.producer)"
    return subprocess.run(["gdb", "-nx", "-batch", "-ex", script, vmlinux], capture_output=True,
                          text=True, timeout=300, check=True).stdout


def test_o1_is_o1_where_it_says(built):
    vmlinux = built("O1") / "vmlinux"
    last = {name: re.findall(r"-O\w+", producer(vmlinux, name))[-1]
            for name in ("tcp_v4_rcv", "schedule", "shmem_file_setup")}
    assert last == {"tcp_v4_rcv": "-O1", "schedule": "-O1", "shmem_file_setup": "-O2"}
