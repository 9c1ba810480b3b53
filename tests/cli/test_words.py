# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab's own words: what it says without arguments, with wrong ones, and in --help."""
import re

import pytest

WRONG = [
    (["-v", "status"], "netlab: '-v': options stand behind the verb\n"),
    (["statsu"], "netlab: no verb 'statsu'; did you mean 'status'?\n"),
    (["up"], "netlab up: one TOPOLOGY is wanted\n"),
    (["up", "--nmae", "x"], "netlab up: unrecognized option '--nmae'\n"),
    (["up", "--name"], "netlab up: option '--name' requires an argument\n"),
]


def test_without_arguments_it_explains_itself(netlab, run):
    result = run(netlab).exited(2)
    assert result.stdout == ""
    assert result.stderr == run(netlab, "--help").ok().stdout


@pytest.mark.parametrize("words, first", WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_misuse(netlab, run, words, first):
    result = run(netlab, *words).exited(2)
    assert result.stderr.startswith(first)
    assert len(result.stderr.splitlines()) == 2


def test_help_fits_a_terminal(netlab, run, verbs):
    texts = {**verbs, "netlab": run(netlab, "--help").ok().stdout}
    assert not [line for text in texts.values() for line in text.splitlines() if len(line) > 90]


def test_summaries_are_sentences(netlab, run, verbs):
    text = run(netlab, "--help").ok().stdout
    summaries = dict(re.findall(r"^  ([a-z]+) +(\S.*)$", text.partition("\n\n'")[0], re.M))
    assert set(summaries) == set(verbs)
    assert not [s for s in summaries.values() if not re.fullmatch(r"[A-Zg].*\.", s)]
