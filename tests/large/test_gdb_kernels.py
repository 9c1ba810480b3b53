# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab sock, sockets and epoll on other kernels than the default: all that
tests/guest/test_gdb_sock.py asks for, where code and structures are laid out otherwise."""
import pathlib

import pytest

from test_gdb_sock import *  # noqa: F401,F403  pylint: disable=wildcard-import,unused-wildcard-import

KERNELS = {"6.12": ("debug", "--version", "6.12"), "O1": ("O1",)}
BUILD_DEADLINE = 3 * 3600


@pytest.fixture(scope="module", params=KERNELS)
def flavour(request, netlab, run):
    """The kernel to look at, built where it isn't yet."""
    built = run("nice", netlab, "kernel", "build", *KERNELS[request.param],
                deadline=BUILD_DEADLINE).ok()
    return {"vmlinux": str(pathlib.Path(built.stdout.strip()) / "vmlinux")}
