# SPDX-License-Identifier: GPL-2.0-or-later
"""Every netlink request and system call of `netlab up` fails in turn. Then either the lab works
all the same, or netlab says in one line what failed, and nothing is left.

The suite takes the first, the last and some between of each call; tests/failures takes all."""
import errno
import os

import pytest

from disturbed import EVERYTHING, shape_of

# The error that each call fails with: one that the kernel has for it where that is simple.
NETWORK = {"accept4": "EMFILE", "bind": "EIO", "getsockname": "EIO", "getsockopt": "EIO",
           "ioctl": "EIO", "listen": "EIO", "recvfrom": "ENOBUFS", "recvmsg": "ENOBUFS",
           "sendmsg": "EIO", "sendto": "EIO", "setns": "EPERM", "setsockopt": "ENOPROTOOPT",
           "socket": "EMFILE", "unshare": "ENOSPC"}
# LeakSanitizer makes these too when netlab ends, and can't do without.
OTHERS = {"clone": "EAGAIN", "close": "EIO", "close_range": "EIO", "dup2": "EMFILE",
          "dup3": "EMFILE", "epoll_create1": "EMFILE", "epoll_ctl": "ENOMEM",
          "eventfd2": "EMFILE", "fcntl": "EMFILE", "getdents64": "EIO", "mkdir": "ENOSPC",
          "newfstatat": "EIO", "open": "EMFILE", "openat": "EMFILE", "pidfd_open": "EMFILE",
          "prctl": "EINVAL", "read": "EIO", "readlink": "EACCES", "rmdir": "EIO",
          "setsid": "EPERM", "signalfd4": "EMFILE", "socketpair": "EMFILE",
          "timerfd_create": "EMFILE", "timerfd_settime": "EINVAL", "unlink": "EIO",
          "wait4": "ECHILD", "write": "ENOSPC"}
# Where the two processes can't say to each other why, netlab says what it can see.
CUT_OFF = ("the supervisor died", "has ended")
# libpcap's own words for some of its calls have no reason in them.
UNREASONED = ("SO_TIMESTAMPNS",)
SOME = 4


def some(numbers):
    """Of many a few, spread, among them the first and the last."""
    if EVERYTHING or len(numbers) <= SOME:
        return numbers
    step = (len(numbers) - 1) / (SOME - 1)
    return [numbers[round(i * step)] for i in range(SOME)]


@pytest.fixture
def good(disturbed):
    """What the lab is like when nothing befalls it."""
    disturbed.up().ok()
    shape = shape_of(disturbed.status())
    disturbed.down().ok()
    assert shape[0] == "up" and len(shape[1]) == 7
    return shape


def only_line(result):
    lines = result.exited(1).stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("netlab: "), result.stderr
    return lines[0]


def test_each_request_that_the_kernel_refuses(disturbed, leftovers):
    counted = disturbed.count(["sendmsg"])
    requests = [n for n, (_, _, family) in enumerate(counted, 1) if family == "netlink"]
    disturbed.down().ok()
    assert len(requests) > 30
    for number in requests:
        line = only_line(disturbed.befall(["sendmsg"], number, "refuse"))
        assert "Invalid argument" in line, line
        assert "disturbed.yaml" in line or line.startswith("netlab: lo: "), line
        assert leftovers() == [], line


@pytest.mark.parametrize("number, object, words", [
    (4, "br0: ", ["disturbed.yaml:3", "the bridge can't be made"]),
    (7, "client/vx0: ", ["disturbed.yaml:26", "the vxlan can't be made"]),
    (20, "br0: ", ["disturbed.yaml:3", "address fd00:1::254/64: can't be added"]),
    (36, "client: ", ["disturbed.yaml:46", "neighbour 10.1.0.77: can't be added"]),
])
def test_what_is_said_of_a_refused_request(disturbed, number, object, words):
    line = only_line(disturbed.befall(["sendmsg"], number, "refuse"))
    assert line.startswith(f"netlab: {object}"), line
    for text in words + ["Invalid argument (kernel: Invalid header length)"]:
        assert text in line, line


def check_success(disturbed, result, good):
    """What netlab can do without: it works, or a warning says what doesn't. When up is done, a
    supervisor whose event loop fails ends its lab, and tells its log."""
    assert all(line.startswith("netlab: warning: ") for line in result.stderr.splitlines())
    status = disturbed.status()
    if status.returncode != 0:
        assert "the event loop failed" in (disturbed.output / "netlab.log").read_text()
        return
    shape = shape_of(status)
    assert shape == good or "warning: the capture ends" in result.stderr, (shape, result)
    disturbed.down().ok()


def check_failure(result, reason):
    line = only_line(result)
    assert any(text in line for text in (reason, *CUT_OFF, *UNREASONED)), line


def check_each(disturbed, leftovers, good, call, error):
    counted = disturbed.count([call])
    disturbed.down().ok()
    for number in some(range(1, len(counted) + 1)):
        result = disturbed.befall([call], number, error)
        if result.returncode == 0:
            check_success(disturbed, result, good)
        else:
            check_failure(result, os.strerror(getattr(errno, error)))
        left = leftovers()
        assert left == [], (number, result)


@pytest.mark.parametrize("call", NETWORK)
def test_a_call_of_the_networks_that_fails(disturbed, leftovers, good, call):
    check_each(disturbed, leftovers, good, call, NETWORK[call])


@pytest.mark.parametrize("call", OTHERS)
def test_another_call_that_fails(disturbed, leftovers, good, call, monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", os.environ["ASAN_OPTIONS"] + ":detect_leaks=0")
    check_each(disturbed, leftovers, good, call, OTHERS[call])
