# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab sock, sockets and epoll on other kernels than the default: all that
tests/guest/test_gdb_sock.py asks for, where code and structures are laid out otherwise."""
import pytest

from test_gdb_sock import *  # noqa: F401,F403  pylint: disable=wildcard-import,unused-wildcard-import

KERNELS = {
    "6.12": {"flavour": "debug", "version": "6.12"},
    "O1": {"flavour": "O1"},
}
BUILD_DEADLINE = 3 * 3600


@pytest.fixture(scope="module", params=KERNELS)
def flavour(request, netlab, run):
    """The kernel to look at, built where it isn't yet."""
    chosen = KERNELS[request.param]
    version = ["--version", chosen["version"]] if "version" in chosen else []
    run("nice", netlab, "kernel", "build", chosen["flavour"], *version,
        deadline=BUILD_DEADLINE).ok()
    return chosen
