# SPDX-License-Identifier: GPL-2.0-or-later
"""A root that the guest's kernel can't mount."""
import json


def test_kernel_without_9p_says_so(netlab, run, kernel, fresh_home, tmp_path):
    del kernel
    (tmp_path / "poor.yaml").write_text(json.dumps({"guests": {"a": {"root": "host"}}}))
    error = run(netlab, "up", tmp_path / "poor.yaml", "-o", fresh_home / "out", "--accel",
                "tcg", deadline=180).exited(1).stderr
    assert "the host's files are not the root: 9p: No such device" in error
    assert "the flavour lab has it" in error
