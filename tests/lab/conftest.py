# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that netlab runs in: the kernel "lab", and the host's own files at "/". What runs in
it comes from the build directory and the source tree, which it sees under the same paths."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

DEADLINE = 180
NAME = "lab-under-test"


class Outer:
    """The guest."""

    def __init__(self, netlab, run, environment, build, source):
        self.netlab, self.run_here, self.environment = netlab, run, environment
        self.build, self.source = build, source

    def verb(self, *words, **options):
        options.setdefault("deadline", DEADLINE)
        return self.run_here(self.netlab, *words, env=self.environment, **options)

    def run(self, *command, **options):
        """Run a command in the guest, in the source tree -> Finished."""
        return self.verb("exec", f"{NAME}/outer", "--", "env", "-C", self.source,
                         f"NETLAB_BUILD={self.build}", *command, **options)


@pytest.fixture(scope="module")
def home():
    path = pathlib.Path(tempfile.mkdtemp(prefix="nl"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def outer(netlab, run, build, source, home):
    """The guest, booted once for the tests of a file. It keeps what they leave in it."""
    path = subprocess.run([netlab, "kernel", "path", "lab"], capture_output=True, text=True,
                          timeout=60, check=False)
    if path.returncode != 0:
        pytest.skip(f"no lab kernel: {path.stderr.strip()}")
    topology = home / "outer.yaml"
    topology.write_text(json.dumps({"guests": {"outer": {
        "kernel": "lab", "root": "host", "memory": "1G", "cpus": 2}}}))
    (home / "run").mkdir(mode=0o700)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(home / "run"),
                   "XDG_STATE_HOME": str(home / "state")}
    made = Outer(netlab, run, environment, build, source)
    made.verb("up", topology, "--name", NAME, "-o", home / "out", "--accel", "tcg").ok()
    yield made
    made.verb("down", NAME).ok()
