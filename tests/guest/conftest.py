# SPDX-License-Identifier: GPL-2.0-or-later
"""Labs for the tests of this folder. They run under TCG, so that they mean the same anywhere."""
import subprocess

import pytest

from lab import Lab, shared_lab, write_topology
from terminal import Terminal


@pytest.fixture
def make_lab(netlab, kernel, run, fresh_home, tmp_path):
    """make_lab(name, **changes of the topology) -> Lab, taken down at the end."""
    labs = []

    def make(name="under-test", topology=None, **changes):
        topology = topology or write_topology(tmp_path / f"{name}.yaml", **changes)
        labs.append(Lab(netlab, run, name, topology, tmp_path / f"{name}.out"))
        return labs[-1]

    yield make
    for lab in labs:
        lab.verb("down", lab.name)


@pytest.fixture
def lab_kernel(netlab, run):
    """The flavour "lab" is built: it has what the host's own files need as a root."""
    found = run(netlab, "kernel", "path", "lab")
    if found.returncode != 0:
        pytest.skip(f"no lab kernel: {found.stderr.strip()}")


@pytest.fixture
def lab(make_lab):
    """A lab like tcp-receive that is up."""
    made = make_lab()
    made.up().ok()
    return made


@pytest.fixture(scope="module")
def shared(netlab, kernel, run, cache):
    """A lab like tcp-receive that is up, for those tests of a module that leave it as it is."""
    del kernel  # without one, these tests are skipped
    with shared_lab(netlab, run, cache, "shared") as made:
        yield made


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


@pytest.fixture
def bridges(make_lab):
    """A lab that is two bridges."""
    lab = make_lab("bridges", guests=None, capture=None,
                   bridges={"br0": {"addresses": ["192.0.2.1/24"]}, "br1": {}})
    lab.up().ok()
    return lab
