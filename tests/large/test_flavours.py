# SPDX-License-Identifier: GPL-2.0-or-later
"""Each flavour boots, its card answers, and gdb stops it at a function with source lines."""
import re
import subprocess

import pytest

FLAVOURS = ["debug", "modular", "O1", "sanitize", "defconfig"]
# KASAN and lockdep under TCG: many times slower.
TIMEOUT = "900s"


def check(lab):
    """Boot it, send to it, and look where it stopped."""
    result = lab.run(lab.netlab, "run", lab.topology, "--name", lab.name, "-o", lab.output,
                     "--accel", "tcg", "--timeout", TIMEOUT, deadline=1800).ok()
    assert re.search(r"tcp_v4_rcv .* at net/ipv4/tcp_ipv4\.c:\d+", result.stdout)
    assert re.search(r" at net/core/dev\.c:\d+", result.stdout)
    console = (lab.output / "server.console").read_text(errors="replace")
    assert not re.search(r"BUG:|WARNING:|KASAN:", console)


@pytest.fixture
def make_case(make_lab):
    """make_case(kernel) -> a lab that sends a segment to a guest with a breakpoint."""
    return lambda kernel: make_lab(
        kernel=kernel,
        drive=[{"tcp": {"to": "server:7777", "connections": 1, "send": "hello",
                        "expect": "hello", "timeout": "300s"}}],
        debug=[{"guest": "server", "at": "tcp_v4_rcv", "do": "backtrace", "times": 1}])


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_flavour(built, make_case, flavour):
    built(flavour)
    check(make_case(flavour))


def test_the_newer_source(built, make_case):
    built("debug", "--version", "6.12")
    check(make_case({"flavour": "debug", "version": "6.12"}))


def test_kasan_that_was_built_elsewhere(built, make_case):
    """It is seen to have KASAN, and started from its bzImage: vmlinux would crash."""
    folder = built("sanitize")
    check(make_case({"vmlinux": f"{folder}/vmlinux", "bzimage": f"{folder}/bzImage"}))


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
