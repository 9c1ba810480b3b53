# SPDX-License-Identifier: GPL-2.0-or-later
"""A bulk transfer between two guests across a thousand halts, and across one of ten minutes.

It takes some twenty minutes. What is printed (pytest -s) is for the eye: the seconds that the
transfer took by the guest's own clock, without halts and with them.
"""
import os
import time

import pytest

from halting import Control, Transfer, counters, halts, without_loss_probes

LINES = 12_000_000  # 100 MB each way
HALTS = int(os.environ.get("NETLAB_TEST_HALTS", "1000"))
LONG_HALT = float(os.environ.get("NETLAB_TEST_LONG_HALT", "600"))


@pytest.fixture
def pair(make_lab):
    guests = {name: {"memory": "256M", "run": ["epoll-echo", "--port", "7777"],
                     "nics": [{"model": "e1000", "bridge": "br0",
                               "addresses": [f"192.168.100.{number}/24"]}]}
              for name, number in (("a", 1), ("b", 2))}
    lab = make_lab(bridges={"br0": {}}, guests=guests, capture=None)
    lab.up().ok()
    without_loss_probes(lab, "a", "b")
    return lab


def transfer_time(lab, start_verb, disturb):
    """Seconds of the guest's clock for a transfer that DISTURB is done to."""
    before = [counters(lab, guest) for guest in "ab"]
    transfer = Transfer(lab, start_verb, "a", "192.168.100.2", LINES)
    with Control(lab) as control:
        disturb(control, transfer)
    took = transfer.assert_whole()
    return took, before, [counters(lab, guest) for guest in "ab"]


def test_a_thousand_halts(pair, start_verb):
    plain, before, after = transfer_time(pair, start_verb, lambda *_: None)
    print(f"\nwithout halts: {plain:.2f} s, {before} -> {after}")
    done = []
    took, before, after = transfer_time(
        pair, start_verb,
        lambda control, transfer: done.append(halts(control, transfer, HALTS, 0.3)))
    print(f"{done[0]} halts: {took:.2f} s, {before} -> {after}, {pair.status()['lockstep']}")
    assert done[0] == HALTS, "the transfer ended before the halts: make it longer"
    assert after == before


def test_ten_minutes(pair, start_verb):
    def one_halt(control, transfer):
        time.sleep(2)  # into the middle of it
        assert transfer.is_running()
        control.halt("b", LONG_HALT)
        assert transfer.is_running()

    took, before, after = transfer_time(pair, start_verb, one_halt)
    print(f"\n{LONG_HALT} s of halt: {took:.2f} s")
    assert after == before
