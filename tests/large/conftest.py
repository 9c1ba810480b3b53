# SPDX-License-Identifier: GPL-2.0-or-later
"""Every flavour of kernel and every root file system, made where it isn't yet: minutes each, which is why these tests are
no part of `tests/run BUILD`. One command runs them:

    tests/run BUILD large
"""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guest"))

from lab import Lab, write_topology  # noqa: E402  pylint: disable=wrong-import-position
from terminal import Terminal  # noqa: E402  pylint: disable=wrong-import-position

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
    """make_lab(topology=None, **changes) -> Lab, taken down at the end."""
    labs = []

    def make(topology=None, **changes):
        topology = topology or write_topology(tmp_path / "large.yaml", **changes)
        labs.append(Lab(netlab, run, "large", topology, tmp_path / "large.out"))
        return labs[-1]

    yield make
    for lab in labs:
        lab.verb("down", lab.name)


@pytest.fixture
def start_verb(netlab):
    """start_verb(*words) -> Popen of a verb that runs on, ended with the test."""
    running = []

    def start(*words):
        running.append(subprocess.Popen([netlab, *map(str, words)], text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=60)


@pytest.fixture
def terminal():
    """A terminal with a shell at its prompt."""
    opened = Terminal()
    yield opened
    opened.close()
