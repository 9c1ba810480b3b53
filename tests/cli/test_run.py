# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/run counts what happened, on small suites of its own; a suite that lies is a failure."""
import os
import shutil

import pytest

MESON = """project('small')
foreach name, protocol : {%s}
  test(name, find_program(name + '.sh'), protocol: protocol, timeout: 1)
endforeach
"""
GOOD = "import pytest\n\ndef test_good():\n    pass\n"
SKIPPED = "\ndef test_skipped():\n    pytest.skip('why')\n"
BAD = "\ndef test_bad():\n    assert False\n"


@pytest.fixture
def suite(source, run, tmp_path):
    """suite({name: (protocol, script)}, pytest-file, CI) -> the finished tests/run."""
    def run_suite(meson_tests, pytest_file=None, ci=False):
        (tmp_path / "tests").mkdir()
        for folder in ["cli", "netns", "guest", "lab"]:
            (tmp_path / "tests" / folder).mkdir()
        shutil.copy(source / "tests/run", tmp_path / "tests")
        kinds = ", ".join(f"'{name}': '{kind}'" for name, (kind, _) in meson_tests.items())
        (tmp_path / "meson.build").write_text(MESON % kinds)
        for name, (_, script) in meson_tests.items():
            (tmp_path / f"{name}.sh").write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / f"{name}.sh").chmod(0o755)
        if pytest_file:
            (tmp_path / "tests/cli/test_small.py").write_text(pytest_file)
        run("meson", "setup", tmp_path / "build", tmp_path).ok()
        environment = {**os.environ, "CI": "true" if ci else ""}
        return run(tmp_path / "tests/run", tmp_path / "build", env=environment)
    return run_suite


def last_line(result):
    assert result.stdout.endswith("\n")
    return result.stdout.splitlines()[-1]


def test_all_is_well(suite):
    result = suite({"unit": ("tap", 'echo 1..2; echo "ok 1 - a"; echo "ok 2 - b"'),
                    "style": ("exitcode", "exit 0")}, GOOD)
    assert last_line(result.ok()) == "4 passed, 0 failed, 0 skipped"


@pytest.mark.parametrize("kind, script, line", [
    ("exitcode", "exit 1", "0 passed, 1 failed, 0 skipped"),
    ("exitcode", "exec sleep 10", "0 passed, 1 failed, 0 skipped"),
    ("tap", 'echo 1..2; echo "ok 1 - a"; kill -SEGV $$', "1 passed, 1 failed, 0 skipped"),
    ("tap", 'echo 1..1; echo "ok 1 - a"; exit 1', "1 passed, 1 failed, 0 skipped"),
    ("tap", 'echo 1..2; echo "ok 1 - a"; echo "not ok 2 - b"', "1 passed, 1 failed, 0 skipped"),
    ("tap", 'echo 1..3; echo "ok 1 - a"', "1 passed, 1 failed, 0 skipped"),
], ids=["fails", "hangs", "crashes", "fails late", "fails a case", "ends early"])
def test_a_bad_test_is_a_failure(suite, kind, script, line):
    result = suite({"bad": (kind, script)}).exited(1)
    assert last_line(result) == line
    assert "\nfailed: meson: bad: " in result.stdout


def test_a_bad_pytest_is_a_failure(suite):
    result = suite({"good": ("exitcode", "exit 0")}, GOOD + BAD).exited(1)
    assert last_line(result) == "2 passed, 1 failed, 0 skipped"
    assert "test_bad" in result.stdout


def test_a_pytest_file_that_does_not_load_is_a_failure(suite):
    result = suite({"good": ("exitcode", "exit 0")}, "import nothing_of_that_name\n").exited(1)
    assert last_line(result) == "1 passed, 1 failed, 0 skipped"


def test_skips_count_as_failures_in_ci_only(suite, tmp_path):
    tests = {"skips": ("exitcode", "exit 77"), "good": ("exitcode", "exit 0")}
    result = suite(tests, GOOD + SKIPPED).ok()
    assert last_line(result) == "2 passed, 0 failed, 2 skipped"
    shutil.rmtree(tmp_path / "tests")
    shutil.rmtree(tmp_path / "build")
    result = suite(tests, GOOD + SKIPPED, ci=True).exited(1)
    assert last_line(result) == "2 passed, 0 failed, 2 skipped"


def test_a_suite_in_which_nothing_ran_has_failed(suite):
    result = suite({}).exited(1)
    assert last_line(result).startswith("0 passed, ")
