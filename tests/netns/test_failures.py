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
# Among the requests that the kernel refuses: what they are about, where the topology has it.
REFUSED = [
    ("netlab: br0: ", "disturbed.yaml:3", "the bridge can't be made",
     "(kernel: Invalid header length)"),
    ("netlab: client/vx0: ", "disturbed.yaml:26", "the vxlan can't be made"),
    ("netlab: br0: ", "disturbed.yaml:3", "address fd00:1::254/64: can't be added"),
    ("netlab: client: ", "disturbed.yaml:46", "neighbour 10.1.0.77: can't be added"),
]


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
    lines = []
    for number in requests:
        lines.append(only_line(disturbed.befall(["sendmsg"], number, "refuse")))
        assert "Invalid argument" in lines[-1], lines[-1]
        assert "disturbed.yaml" in lines[-1] or lines[-1].startswith("netlab: lo: "), lines[-1]
        assert leftovers() == [], lines[-1]
    for what in REFUSED:
        assert any(all(text in line for text in what) for line in lines), (what, lines)


def check_success(disturbed, result, good):
    """What netlab can do without: it works, or a warning says what doesn't. When up is done, a
    supervisor whose event loop fails ends its lab, and tells its log."""
    assert all(line.startswith("netlab: warning: ") for line in result.stderr.splitlines())
    status = disturbed.status()
    if status.returncode != 0:  # it befell this request, in a supervisor that is well
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


# What the supervisor makes of the end of its lab. A folder that it can't remove is no one's: the
# next verb that looks removes it.
ENDING = {"close": "EIO", "epoll_ctl": "ENOMEM", "getdents64": "EIO", "newfstatat": "EIO",
          "openat": "EMFILE", "recvmsg": "ENOBUFS", "rmdir": "EBUSY", "sendmsg": "EIO",
          "timerfd_settime": "EINVAL", "unlink": "EBUSY", "write": "ENOSPC"}


@pytest.mark.parametrize("call", ENDING)
def test_a_call_that_fails_while_it_goes_down(disturbed, leftovers, call):
    before = len(disturbed.count([call]))
    disturbed.down().ok()
    assert leftovers() == []
    for number in some(range(before + 1, len(disturbed.counted()) + 1)):
        disturbed.befall([call], number, ENDING[call]).ok()
        result = disturbed.down()
        assert result.returncode in (0, 1), (number, result)
        assert len(result.stderr.splitlines()) <= 1, (number, result)
        if "doesn't end" in result.stderr:  # it was not even heard
            disturbed.down().ok()
        assert set(leftovers()) <= {str(disturbed.runtime / disturbed.name)}, (number, result)
        assert disturbed.verb("status").ok().stdout.startswith("no lab is up")
        assert leftovers() == [], (number, result)
