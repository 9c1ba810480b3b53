# SPDX-License-Identifier: GPL-2.0-or-later
"""Every flavour of kernel and every root file system, made where it isn't yet: minutes each, which is why these tests are
no part of `tests/run BUILD`. One command runs them:

    tests/run BUILD large
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guest"))

# pylint: disable-next=wrong-import-position,unused-import
from fixtures import lab_maker, start_verb, terminal  # noqa: E402 F401

BUILD_DEADLINE = 3 * 3600


@pytest.fixture
def built(netlab, run):
    """built(flavour, *options) -> the folder of its kernel."""
    def build(flavour, *options):
        result = run("nice", netlab, "kernel", "build", flavour, *options,
                     deadline=BUILD_DEADLINE).ok()
        return pathlib.Path(result.stdout.strip())
    return build


@pytest.fixture
def make_lab(netlab, run, fresh_home, tmp_path):
    """make_lab(name, **changes of the topology) -> Lab, taken down at the end."""
    yield from lab_maker(netlab, run, tmp_path)
