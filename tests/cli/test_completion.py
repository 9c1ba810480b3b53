# SPDX-License-Identifier: GPL-2.0-or-later
"""Bash completion, as bash itself asks for it: on the real netlab's verbs and options, and on
labs and guests that a stand-in for netlab says there are."""
import json
import os
import re
import shlex

import pytest

STATUS = """{"lab": "LAB", "links": [{"name": "br0", "guests": "none"}],
 "guests": [{"state": "up", "qemu": ["-name", "x,\\"y"], "name": "server",
             "nics": [{"name": "server-0"}]},
            {"name": "client", "nics": []}]}
"""
STAND_IN = """#!/bin/sh
case "$1 $2" in
--help*) printf '  %-10s %s\\n' exec 'run' gdb 'debug' status 'show'; echo "'netlab VERB --help'";;
"status "*) sed "s/LAB/$2/" <<'END'
""" + STATUS + """END
;;
"up --help") cat <<'END'
Options:
      --name LAB                 the lab
      --freeze[=GUEST]           halted
      --accel auto|kvm|tcg       how
  -s, --set PATH=VALUE           set
  -o, --output DIR               where
  -h, --help                     this text
END
;;
esac
"""
# bash breaks the line at blanks and, by COMP_WORDBREAKS, at each of these.
BREAKS = re.compile(r"[:=]|[^:=\s]+")


def words_as_bash_breaks_them(line):
    words = BREAKS.findall(line)
    return words + [""] if not line or line[-1] in " :=" else words


@pytest.fixture
def complete(source, run, tmp_path):
    """complete(netlab, "up --na") -> the completions of the last word; @labs are those that
    are said to run."""
    def completions(netlab, line, labs=None, **popen):
        line = f"{netlab} {line}"
        # A path of the test's own has no colon in it.
        words = [str(netlab)] + words_as_bash_breaks_them(line[len(str(netlab)) + 1:])
        script = [f". {shlex.quote(str(source / 'docs/completion/netlab.bash'))}"]
        if labs is not None:
            script.append(f"_netlab_labs() {{ printf '%s\\n' {shlex.join(labs)}; }}"
                          if labs else "_netlab_labs() { :; }")
        script += [f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}",
                   f"COMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}",
                   '_netlab; ((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"']
        popen.setdefault("cwd", tmp_path)
        result = run("bash", "--norc", "-c", "\n".join(script), **popen).ok()
        assert result.stderr == ""
        return result.stdout.splitlines()
    return completions


@pytest.fixture
def stand_in(tmp_path):
    path = tmp_path / "netlab"
    path.write_text(STAND_IN)
    path.chmod(0o755)
    return path


def test_verbs_are_those_of_the_help(complete, netlab, verbs):
    assert complete(netlab, "") == list(verbs)
    for verb in verbs:
        assert verb in complete(netlab, verb[:2])


def test_options_are_those_of_the_help(complete, netlab, verbs):
    for verb, text in verbs.items():
        shown = set(re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]*)", text.partition("\nOptions:")[2]))
        assert shown, verb
        assert {o for o in complete(netlab, f"{verb} -") if o.startswith("--")} == shown, verb
        letters = set(re.findall(r"^  (-.), --", text, re.M))
        assert {o for o in complete(netlab, f"{verb} -") if len(o) == 2} == letters, verb


def test_options_of_each_kind(complete, stand_in):
    assert complete(stand_in, "up --") == ["--name", "--freeze", "--accel", "--set", "--output",
                                           "--help"]
    assert complete(stand_in, "up -") == ["--name", "--freeze", "--accel", "--set", "-s",
                                          "--output", "-o", "--help", "-h"]
    assert complete(stand_in, "up --accel ") == ["auto", "kvm", "tcg"]
    assert complete(stand_in, "up --accel k") == ["kvm"]
    assert complete(stand_in, "up --name ") == []


def test_topologies_and_their_guests(complete, stand_in, tmp_path):
    (tmp_path / "lab.yaml").write_text("name: lab\nbridges:\n  br0: {}\nguests:\n"
                                       "  # a comment\n  server:\n    memory: 1G\n  client: {}\n"
                                       "drive:\n  no: 1\n")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "folder").mkdir()
    assert complete(stand_in, "up ") == ["lab.yaml", "folder"]
    assert complete(stand_in, "up --name x l") == ["lab.yaml"]
    assert complete(stand_in, "up lab.yaml ") == []
    assert complete(stand_in, "up lab.yaml --freeze=s") == ["server"]
    assert complete(stand_in, "up lab.yaml --freeze=") == ["server", "client"]
    assert complete(stand_in, "up lab.yaml -o f") == ["folder"]
    assert complete(stand_in, "up lab.yaml --set server.mem") == ["server.memory="]
    assert "client.cpus=" in complete(stand_in, "up lab.yaml --set ")
    assert complete(stand_in, "export libvirt l") == ["lab.yaml"]
    assert complete(stand_in, "export libvirt lab.yaml ") == ["server", "client"]
    assert complete(stand_in, "apply ", labs=["one"]) == ["lab.yaml", "folder", "one"]
    assert complete(stand_in, "apply one ", labs=["one"]) == ["lab.yaml", "folder"]


def test_guests_of_the_lab_that_runs(complete, stand_in):
    assert complete(stand_in, "gdb ", labs=["one"]) == ["server", "client"]
    assert complete(stand_in, "exec ", labs=["one"]) == ["host", "server", "client"]
    assert complete(stand_in, "drive s", labs=["one"]) == ["server:"]
    assert complete(stand_in, "drive server:7777 t", labs=["one"]) == ["tcp"]
    assert complete(stand_in, "clean images ")[:2] == ["kernels", "images"]
    assert complete(stand_in, "export l") == ["links", "libvirt"]
    assert complete(stand_in, "gdb ", labs=[]) == []
    assert complete(stand_in, "dump s", labs=["one"]) == ["server"]


def test_labs(complete, stand_in):
    assert complete(stand_in, "down ", labs=["one", "two"]) == ["one", "two"]
    assert complete(stand_in, "gdb ", labs=["one", "two"]) == ["one/", "two/"]
    assert complete(stand_in, "gdb two/", labs=["one", "two"]) == ["two/server", "two/client"]


def test_labs_are_the_folders_of_the_runtime_folder(complete, stand_in, tmp_path):
    (tmp_path / "run/my-lab").mkdir(parents=True)
    environment = {**os.environ, "NETLAB_RUNTIME_DIR": str(tmp_path / "run")}
    assert complete(stand_in, "down ", env=environment) == ["my-lab"]


def test_labs_that_are_dead(complete, tmp_path):
    """What is said of them as JSON is netlab's own layout."""
    dead = tmp_path / "netlab"
    dead.write_text("#!/bin/sh\ncat <<'END'\n" + json.dumps(
        [{"lab": "alive", "state": "up"}, {"lab": "dead", "state": "dead", "links": []}],
        indent=2) + "\nEND\n")
    dead.chmod(0o755)
    assert complete(dead, "down ", labs=["alive"]) == ["alive", "dead"]
    assert complete(dead, "status d", labs=["alive"]) == ["dead"]
    assert complete(dead, "monitor ", labs=["alive"]) == ["alive"]
