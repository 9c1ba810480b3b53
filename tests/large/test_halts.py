# SPDX-License-Identifier: GPL-2.0-or-later
"""A bulk transfer between two guests across a thousand halts, and across one of ten minutes.

It takes some twenty minutes, and a machine that does nothing else: a vCPU that starves looks like
a lost segment. What is printed (pytest -s) is for the eye.
"""
import os
import time

import pytest

from halting import Control, Transfer, counters, halts, ring, without_loss_probes

HALTS = int(os.environ.get("NETLAB_TEST_HALTS", "1000"))
LONG_HALT = float(os.environ.get("NETLAB_TEST_LONG_HALT", "600"))
PLAIN_SECONDS = 20
CARD_HALTS = 100
MODELS = ["e1000", "e1000e", "virtio-net-pci"]


@pytest.fixture
def make_pair(make_lab, built):
    """make_pair(model) -> a lab of two guests with such cards."""
    def make(model):
        built("lab")
        guests = {name: {"memory": "256M", "root": "host", "run": ["epoll-echo", "--port", "7777"],
                         "nics": [{"model": model, "bridge": "br0",
                                   "addresses": [f"192.168.100.{number}/24"]}]}
                  for name, number in (("a", 1), ("b", 2))}
        lab = make_lab(kernel="lab", bridges={"br0": {}}, guests=guests, capture=None)
        lab.up().ok()
        without_loss_probes(lab, "a", "b")
        return lab
    return make


@pytest.fixture
def pair(make_pair):
    return make_pair("e1000")


def disturbed(lab, what, disturb):
    """What a transfer that DISTURB(control) is done to adds to TCP's counters of loss."""
    before = [counters(lab, guest) for guest in "ab"]
    with Transfer(lab, "a", "192.168.100.2") as transfer, Control(lab) as control:
        transfer.wait_for_more()
        disturb(control)
        transfer.wait_for_more()
    assert transfer.whole, "data is lost"
    after = [counters(lab, guest) for guest in "ab"]
    added = {name: sum(b[name] - a[name] for a, b in zip(before, after)) for name in after[0]}
    print(f"\n{what}: {transfer.bytes / transfer.seconds / 1e6:.2f} MB/s by the guest's clock "
          f"({transfer.bytes / 1e6:.1f} MB in {transfer.seconds:.1f} s), {added}")
    return added


def test_a_thousand_halts(pair):
    plain = disturbed(pair, "no halt", lambda _: time.sleep(PLAIN_SECONDS))
    added = disturbed(pair, f"{HALTS} halts", lambda control: halts(control, HALTS, 0.3))
    print(pair.status()["lockstep"])
    assert all(added[name] <= plain[name] for name in plain)


def test_ten_minutes(pair):
    added = disturbed(pair, f"a halt of {LONG_HALT:g} s",
                      lambda control: control.halt("b", LONG_HALT))
    assert not any(added.values())


@pytest.mark.parametrize("model", MODELS)
def test_cards(make_pair, model):
    """What is under way when a guest stops is not lost, whatever its card: what was repeated, as
    a vCPU had starved, the receiver had already (RFC 2883)."""
    pair = make_pair(model)
    assert ring(pair, "a")["now"] == ring(pair, "a")["most"]
    added = disturbed(pair, f"{model}, {CARD_HALTS} halts",
                      lambda control: halts(control, CARD_HALTS, 0.3))
    assert added["RetransSegs"] <= added["TCPDSACKRecv"]
