# SPDX-License-Identifier: GPL-2.0-or-later
"""What the suite says of a test that leaves something behind: a test of tests/conftest.py, run
in namespaces of its own."""
import shutil

import pytest

CASES = {
    "an orphan": ("subprocess.run('setsid sleep 600 >&- 2>&- &', shell=True, check=True)",
                  "(sleep) sleep 600"),
    "a process that ignores signals": (
        "subprocess.Popen(['sh', '-c', 'trap \"\" TERM; sleep 600 & wait'])", "(sh) sh -c"),
    "a link": ("subprocess.run(['ip', 'link', 'add', 'left0', 'type', 'bridge'], check=True)",
               "left0"),
    "a namespace": ("subprocess.run(['ip', 'netns', 'add', 'left'], check=True)",
                    "mounted namespace /run/netns/left"),
    "a lab's folder": ("runtime.mkdir(parents=True, exist_ok=True); (runtime / 'lab').mkdir()", "netlab/lab"),
}


@pytest.fixture
def run_in_namespaces(source, run, tmp_path):
    """Run a test, given as its one line, beside the real conftest.py."""
    def run_line(line):
        text = (source / "tests/conftest.py").read_text()
        assert "LEFTOVER_SECONDS = 10\n" in text
        (tmp_path / "conftest.py").write_text(text.replace("SECONDS = 10\n", "SECONDS = 3\n"))
        shutil.copy(source / "tests/pytest.ini", tmp_path)
        (tmp_path / "test_it.py").write_text(
            f"import subprocess\n\ndef test_it(runtime):\n    {line}\n")
        script = ("mount -t tmpfs tmpfs /run && "
                  "exec /usr/bin/python3 -m pytest --quiet test_it.py")
        return run("unshare", "--map-root-user", "--net", "--mount", "sh", "-c", script,
                   cwd=tmp_path)
    return run_line


def test_a_tidy_test_passes(run_in_namespaces):
    run_in_namespaces("subprocess.run(['ip', 'link'], check=True)").ok()


def test_what_dies_soon_is_waited_for(run_in_namespaces):
    run_in_namespaces("subprocess.run('setsid sleep 1 >&- 2>&- &', shell=True)").ok()


@pytest.mark.parametrize("line, named", CASES.values(), ids=CASES.keys())
def test_what_is_left_is_named(run_in_namespaces, line, named):
    result = run_in_namespaces(line).exited(1)
    assert "left behind:" in result.stdout
    assert named in result.stdout
