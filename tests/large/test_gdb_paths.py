# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab path on other kernels than tests/guest has: a newer one, and one compiled with -O1."""
import pytest

import walking

KERNELS = {"6.12": {"flavour": "debug", "version": "6.12"}, "O1": {"flavour": "O1"}}


@pytest.mark.parametrize("name", walking.TRAFFIC)
@pytest.mark.parametrize("kernel_name", KERNELS)
def test_every_stage_is_hit_in_its_order(built, make_lab, kernel_name, name):
    wanted = KERNELS[kernel_name]
    built(wanted["flavour"], *(["--version", wanted["version"]] if "version" in wanted else []))
    lab = make_lab(kernel=wanted)
    lab.up().ok()
    with walking.ready(lab):
        walking.walk(lab, name)
