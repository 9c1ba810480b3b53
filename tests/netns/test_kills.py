# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals at random moments of a lab's life, a moment being a system call of netlab's: so the
same seed hits the same moments. The suite takes some, tests/failures 200 for each kind."""
import os
import random
import signal
import subprocess
import time

import pytest

from disturbed import EVERYTHING, known_calls

SEED = int(os.environ.get("NETLAB_SEED", "1"))
KILLS = 200 if EVERYTHING else 10
OF_UP = 2  # messages that `netlab up` sends: "status" and "detach", which lets go
INTERRUPTS = 100 if EVERYTHING else 10


@pytest.fixture
def moments(disturbed, source, monkeypatch):
    """moments(words=None) -> all calls of `netlab up`, or of @words, in which nothing happens."""
    monkeypatch.setenv("ASAN_OPTIONS", os.environ["ASAN_OPTIONS"] + ":detect_leaks=0")
    disturbed.calls = known_calls(source)

    def count(words=None, process=""):
        disturbed.befall(disturbed.calls, 0, "-", words, process).ok()
        return len(disturbed.counted())
    return count


def choose(number, moments):
    """Moments, counted from 1; the seed tells them again."""
    print(f"NETLAB_SEED={SEED}")
    generator = random.Random(SEED)
    return sorted(generator.sample(range(1, moments + 1), min(number, moments)))


def check_clean(disturbed, leftovers, moment):
    """Nothing but the lab's folder is left, and that is no one's any more."""
    left = leftovers()
    assert set(left) <= {str(disturbed.runtime / disturbed.name)}, (moment, left)
    assert disturbed.status().exited(1).stderr.count("no lab"), moment


def check_usable(disturbed, leftovers, moment):
    check_clean(disturbed, leftovers, moment)
    disturbed.up().ok()
    disturbed.down().ok()
    assert leftovers() == [], moment


def test_sigkill_while_it_comes_up(disturbed, moments, leftovers):
    n = moments()
    disturbed.down().ok()
    for moment in choose(KILLS, n):
        result = disturbed.befall(disturbed.calls, moment, "SIGKILL")
        if result.returncode == 1:  # the supervisor was hit
            assert len(result.stderr.splitlines()) == 1, (moment, result)
        else:
            assert result.returncode in (0, -9), (moment, result)
            if disturbed.counted().count(("netlab", "sendmsg", "unix")) == OF_UP:
                disturbed.down()  # the lab was let go already
        check_usable(disturbed, leftovers, moment)


def test_sigkill_of_the_supervisor_while_it_goes_down(disturbed, moments, leftovers):
    before = moments()
    disturbed.down().ok()
    leftovers()
    n = len(disturbed.counted()) - before
    for moment in choose(KILLS, n):
        disturbed.befall(disturbed.calls, before + moment, "SIGKILL").ok()
        result = disturbed.down()
        assert result.returncode in (0, 1) and len(result.stderr.splitlines()) <= 1, moment
        check_usable(disturbed, leftovers, moment)


def test_sigkill_of_down(disturbed, moments, leftovers):
    words = [disturbed.netlab, "down", disturbed.name]
    disturbed.up().ok()
    for moment in choose(KILLS, moments(words)):
        disturbed.up().ok()
        result = disturbed.befall(disturbed.calls, moment, "SIGKILL", words)
        assert result.returncode == -9, (moment, result)
        disturbed.down()
        check_clean(disturbed, leftovers, moment)


def test_ctrl_c_while_it_comes_up(disturbed, moments, leftovers):
    n = moments(process="@netlab")
    disturbed.down().ok()
    for moment in choose(INTERRUPTS, n):
        result = disturbed.befall(disturbed.calls, moment, "SIGINT", process="@netlab")
        if result.returncode == 0:  # when all was said
            disturbed.down().ok()
        elif result.returncode != -2:  # later than the first steps, which are not guarded
            assert result.exited(1).stderr == "netlab: interrupted\n", (moment, result)
        assert leftovers() == [], moment


@pytest.mark.parametrize("words", [["exec", "disturbed/client", "--", "sleep", "0"],
                                   ["status", "disturbed"], ["down", "disturbed"]],
                         ids=lambda words: words[0])
def test_ctrl_c_of_a_verb_on_a_lab_that_is_up(disturbed, moments, leftovers, words):
    words = [disturbed.netlab, *words]
    disturbed.up().ok()
    n = moments(words, "@netlab")
    for moment in choose(INTERRUPTS, n):
        if "down" in words:
            disturbed.up().ok()
        result = disturbed.befall(disturbed.calls, moment, "SIGINT", words, "@netlab")
        assert result.returncode in (0, 1, -2), (moment, result)
        assert result.stderr in ("", "netlab: interrupted\n"), (moment, result)
        disturbed.verb("status").ok()
        if "down" in words:
            disturbed.down()
    disturbed.down()
    assert leftovers() == []


def moments_until_wait(disturbed, words):
    """How many calls of @words come before it first waits."""
    process = subprocess.Popen([disturbed.fail_call, disturbed.log, ",".join(disturbed.calls),
                                "0", "-", *words], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not disturbed.log.exists() or "epoll_wait" not in disturbed.log.read_text():
        assert time.monotonic() < end
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    process.wait(60)
    return [call for _, call, _ in disturbed.counted()].index("epoll_wait") + 1


@pytest.mark.parametrize("words", [["capture", "disturbed", "-w", "/dev/null"],
                                   ["monitor", "disturbed"]], ids=lambda words: words[0])
def test_ctrl_c_of_a_verb_that_only_ctrl_c_ends(disturbed, moments, leftovers, words):
    """Its beginning, as far as its first wait."""
    words = [disturbed.netlab, *words]
    disturbed.up().ok()
    for moment in choose(INTERRUPTS, moments_until_wait(disturbed, words)):
        result = disturbed.befall(disturbed.calls, moment, "SIGINT", words, "@netlab")
        assert result.returncode in (0, 1, -2), (moment, result)
        disturbed.status().ok()
    disturbed.down().ok()
    assert leftovers() == []
