# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of links share: links to be held, what the running kernel can do, and a lab to
be disturbed.

A test with the mark needs("netem") is deselected where the kernel has no such thing: no skipped
test, for there is nothing to be done about it. tests/lab runs all of them, in a guest whose
kernel has everything; with NETLAB_TEST_ALL set none is deselected. One with lacks("netem"), of
what is said then, is deselected where the kernel has it.
"""
import json
import os
import signal
import subprocess

import pytest

from disturbed import Disturbed
from holder import DEADLINE, Holder

# What has to succeed in a namespace of its own where the kernel has the feature.
FEATURES = {
    "vlan": "ip link add it type veth peer other && ip link add link it it.7 type vlan id 7",
    "vlan filtering": "ip link add it type bridge vlan_filtering 1",
    "dummy": "ip link add it type dummy",
    "netem": "tc qdisc add dev lo root netem delay 1ms",
}


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(feature): one that not every kernel has")
    config.addinivalue_line("markers", "lacks(feature): a kernel without it")


def has_feature(name):
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "-r"]
    return subprocess.run([*unshare, "sh", "-c", FEATURES[name]], timeout=DEADLINE,
                          check=False, capture_output=True).returncode == 0


def pytest_collection_modifyitems(config, items):
    marks = {item: [(mark.name, mark.args[0]) for name in ("needs", "lacks")
                    for mark in item.iter_markers(name)] for item in items}
    has = {name: bool(os.environ.get("NETLAB_TEST_ALL")) or has_feature(name)
           for name in {feature for found in marks.values() for _, feature in found}}
    left = [item for item in items
            if any(has[feature] != (name == "needs") for name, feature in marks[item])]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def close(holder):
    if holder.process.poll() is None:
        holder.close()
    assert holder.process.returncode in (0, -signal.SIGKILL)


@pytest.fixture
def hold():
    holders = []

    def start(*arguments, **options):
        holders.append(Holder(*arguments, **options))
        return holders[-1]

    yield start
    for holder in holders:
        close(holder)


def start_topology(start, folder, topology):
    path = folder / "test.yaml"
    path.write_text(json.dumps(topology))
    holder = start("--topology", str(path))
    assert holder.outcome.startswith("READY"), holder.outcome
    return holder


@pytest.fixture
def build_links(hold, tmp_path):
    """build_links(**topology) -> Holder of its links."""
    return lambda **topology: start_topology(hold, tmp_path, topology)


@pytest.fixture(scope="module")
def build_for_all(tmp_path_factory):
    """As build_links, for all tests of a file."""
    holders = []

    def start(*arguments):
        holders.append(Holder(*arguments))
        return holders[-1]

    yield lambda **topology: start_topology(start, tmp_path_factory.mktemp("lab"), topology)
    for holder in holders:
        close(holder)


@pytest.fixture
def disturbed(build, run, fresh_home, tmp_path):
    """A lab to be disturbed; what is still up of it at the end is taken down."""
    lab = Disturbed(build, run, tmp_path)
    yield lab
    lab.down()
