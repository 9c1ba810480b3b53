# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab's gdb commands for packets, on kernels that are compiled otherwise, and newer."""
import pytest

from debugging import debugging
from test_gdb_skb import follow_a_segment


@pytest.mark.parametrize("flavour, version", [("O1", "6.1"), ("debug", "6.12")])
def test_a_segment_stays_its_frame(built, make_lab, flavour, version):
    built(flavour, "--version", version)
    lab = make_lab(kernel={"flavour": flavour, "version": version})
    lab.up().ok()
    with debugging(lab) as gdb:
        assert f"Linux {version}." in gdb.greeting
        follow_a_segment(lab, gdb)
        gdb.begin("detach")
        gdb.end()
