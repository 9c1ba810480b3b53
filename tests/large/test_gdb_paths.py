# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab path where tests/guest doesn't walk: on a newer kernel, on one compiled with -O1, and
with the other cards whose drivers' stages it knows."""
import pytest

from lab import shared_lab
from walking import TRAFFIC, walking

KERNELS = {"6.12": {"flavour": "debug", "version": "6.12"}, "O1": {"flavour": "O1"}}
CARDS = ("virtio-net-pci", "e1000e", "vmxnet3", "rtl8139", "pcnet")
ADDRESSES = ["192.168.100.224/24", "fd00:100::224/64"]
BUILD_DEADLINE = 3 * 3600


def changes_of(where, netlab, run):
    """What a topology has other than that of tests/guest; its kernel is built."""
    kernel = KERNELS.get(where, {"flavour": "debug"})
    version = ["--version", kernel["version"]] if "version" in kernel else []
    run("nice", netlab, "kernel", "build", kernel["flavour"], *version,
        deadline=BUILD_DEADLINE).ok()
    if where in KERNELS:
        return {"kernel": kernel}
    return {"guests": {"server": {
        "memory": "256M", "run": ["epoll-echo", "--udp", "--port", "7777"],
        "nics": [{"model": where, "bridge": "br0", "addresses": ADDRESSES}]}}}


@pytest.fixture(scope="module", params=[*KERNELS, *CARDS])
def walker(request, netlab, run, cache):
    """A guest that all paths are walked in."""
    changes = changes_of(request.param, netlab, run)
    with shared_lab(netlab, run, cache, "paths", **changes) as lab, walking(lab) as walks:
        yield walks


@pytest.mark.parametrize("name", TRAFFIC)
def test_every_stage_is_hit_in_its_order(walker, name):
    walker.walk(name)
