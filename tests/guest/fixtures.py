# SPDX-License-Identifier: GPL-2.0-or-later
"""Labs and what is run on them, for the tests of this folder and those of tests/large. They run
under TCG, so that they mean the same anywhere."""
import subprocess

import pytest

from lab import Lab, write_topology
from terminal import Terminal


def lab_maker(netlab, run, folder):
    """What a fixture yields from: make_lab(name, **changes of the topology) -> Lab, with its files
    in the folder, taken down at the end."""
    labs = []

    def make(name="under-test", topology=None, **changes):
        topology = topology or write_topology(folder / f"{name}.yaml", **changes)
        labs.append(Lab(netlab, run, name, topology, folder / f"{name}.out"))
        return labs[-1]

    yield make
    for lab in labs:
        lab.verb("down", lab.name)


@pytest.fixture
def start_verb(netlab):
    """start_verb(*words) -> Popen of a verb that runs on, ended with the test."""
    running = []

    def start(*words):
        running.append(subprocess.Popen([netlab, *map(str, words)], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE))
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
