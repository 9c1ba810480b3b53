# SPDX-License-Identifier: GPL-2.0-or-later
"""Labs for the tests of this folder."""
import pytest

from fixtures import lab_maker, start_verb, terminal  # noqa: F401  pylint: disable=unused-import
from lab import shared_lab


@pytest.fixture
def make_lab(netlab, kernel, run, fresh_home, tmp_path):
    """make_lab(name, **changes of the topology) -> Lab, taken down at the end."""
    yield from lab_maker(netlab, run, tmp_path)


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
def bridges(make_lab):
    """A lab that is two bridges."""
    made = make_lab("bridges", guests=None, capture=None,
                    bridges={"br0": {"addresses": ["192.0.2.1/24"]}, "br1": {}})
    made.up().ok()
    return made
