# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab check, as a user and as a program sees it."""
import json
import os
import pathlib
import re
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
NETLAB = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build")) / "netlab" / "netlab"
KEY = re.compile(r'(?:\{|OFFLOAD\()"([a-z_-]+)",\s*(?:read_\w+, (?:true|false)|OFFLOAD_)')
PLACE = re.compile(r"^(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?P<what>.+)$")

BAD = """\
name: bad
bridges:
  br0: {addreses: [10.0.0.1/24]}
guests:
  server:
    nics:
      - {model: e1001, bridge: br1}
"""
BAD_REPORTS = [
    (3, 9, "unknown key 'addreses'; did you mean 'addresses'?"),
    (7, 17, "QEMU has no network card 'e1001'; did you mean 'e1000'?"),
    (7, 32, "no bridge 'br1' is defined; did you mean 'br0'?"),
]


def check(*words, cwd=None):
    return subprocess.run([NETLAB, "check", *map(str, words)], cwd=cwd, text=True,
                          capture_output=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return path


@pytest.mark.parametrize("path", sorted((SOURCE / "topologies").glob("*.yaml")),
                         ids=lambda path: path.stem)
def test_our_own_topologies(path):
    done = check(path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}: ok\n", "")


def test_reports_point_at_what_they_mean(bad):
    done = check(bad)
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 3 * len(BAD_REPORTS)
    for (line, column, what), (place, source, caret) in zip(
            BAD_REPORTS, zip(lines[::3], lines[1::3], lines[2::3])):
        assert place == f"{bad}:{line}:{column}: {what}"
        assert source == BAD.splitlines()[line - 1]
        assert caret == " " * (column - 1) + "^"


def test_no_colours_and_no_words_of_the_library(tmp_path):
    path = tmp_path / "syntax.yaml"
    path.write_text("bridges:\n\tbr0: {}\n")
    done = check(path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (f"{path}:2:1: tab character may not be used as indentation\n"
                           "\tbr0: {}\n^\n")


def test_every_file_is_checked(bad, tmp_path):
    good = tmp_path / "good.yaml"
    good.write_text("bridges: {br0: {}}\n")
    done = check(bad, good, tmp_path / "missing.yaml")
    assert done.returncode == 1
    assert done.stdout == f"{good}: ok\n"
    assert done.stderr.count(f"{bad}:") == len(BAD_REPORTS)
    assert f"{tmp_path}/missing.yaml: No such file or directory\n" in done.stderr


def test_the_path_is_shown_as_given(bad):
    done = check("bad.yaml", cwd=bad.parent)
    assert PLACE.match(done.stderr.splitlines()[0])["file"] == "bad.yaml"


def test_json(bad, tmp_path):
    good = tmp_path / "good.yaml"
    good.write_text("bridges: {br0: {}}\n")
    done = check(good, "--json", bad, tmp_path / "missing.yaml")
    assert done.returncode == 1
    assert done.stderr == ""
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"file": str(good), "ok": True, "errors": []},
        {"file": str(bad), "ok": False,
         "errors": [dict(zip(("line", "column", "message"), report))
                    for report in BAD_REPORTS]},
        {"file": f"{tmp_path}/missing.yaml", "ok": False,
         "errors": [{"line": 0, "column": 0, "message": "No such file or directory"}]},
    ]


def test_json_of_a_path_that_is_no_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    with open(path, "w") as file:
        file.write("name: x\nbridges: {br0: {}}\n")
    done = subprocess.run([os.fsencode(NETLAB), b"check", b"--json", path],
                          capture_output=True, timeout=60)
    assert done.returncode == 0
    assert json.loads(done.stdout)["ok"] is True


@pytest.mark.parametrize("content, what", [
    (b"", "the file is empty"),
    (b"bridges: {br0: {}}\n\0", ":2:1: control character 0x00"),
    (b"\x7fELF\x02\x01\x01\0", ":1:1: control character 0x7f"),
    (b"name: \xe9\n", ":1:7: byte 0xe9 is not UTF-8 text"),
    (b"[" * 1_000_000, ":1:33: nested more than 32 deep"),
    (b"a: '" + b"\n" * 1_000_000 + b" x'", "a text of more than 256 lines"),
    (b"#" * ((4 << 20) + 1), "larger than 4194304 bytes"),
], ids=["empty", "nul", "elf", "latin1", "deep", "tall", "large"])
def test_hostile_files(tmp_path, content, what):
    path = tmp_path / "hostile.yaml"
    path.write_bytes(content)
    done = check(path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert what in done.stderr
    assert len(done.stderr) < 1000


def test_laughs(tmp_path):
    path = tmp_path / "laughs.yaml"
    lines = ["a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    for before, name in zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz"):
        lines.append(f"{name}: &{name} [{', '.join(['*' + before] * 9)}]")
    path.write_text("\n".join(lines))
    done = check(path)
    assert done.returncode == 1
    assert "more than 200000 values up to here" in done.stderr


def test_what_is_no_file(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = check(fifo, tmp_path, "/dev/zero")
    assert done.returncode == 1
    assert done.stderr == (f"{fifo}: not a regular file\n{tmp_path}: Is a directory\n"
                           "/dev/zero: not a regular file\n")


def test_misuse():
    done = check()
    assert done.returncode == 2
    assert "which TOPOLOGY?" in done.stderr
    assert check("--jsn", "x").returncode == 2


def test_manual_lists_every_key():
    """netlab-topology(5) knows all keys that the program names."""
    manual = (SOURCE / "docs" / "netlab-topology.5").read_text()
    sources = (SOURCE / "netlab" / "topology").glob("*.c")
    keys = set()
    for source in sources:
        keys |= set(KEY.findall(source.read_text()))
    assert len(keys) > 70
    for key in keys:
        assert re.search(rf"^\.It Cm (?:[\w-]+ , )*{key}\b", manual, re.MULTILINE), key


def test_examples_of_the_manual(tmp_path):
    manual = (SOURCE / "docs" / "netlab-topology.5").read_text()
    examples = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed",
                          manual.partition(".Sh EXAMPLES")[2], re.MULTILINE | re.DOTALL)
    assert len(examples) == 5
    for number, example in enumerate(examples):
        path = tmp_path / f"example-{number}.yaml"
        path.write_text(example)
        assert check(path).stdout == f"{path}: ok\n"


def test_settings_are_checked_with_the_file(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text("guests: {a: {}}\n")
    assert check(path, "--set", "a.memory=1G").stdout == f"{path}: ok\n"
    done = check(path, "-s", "a.cpus=2", "-s", "a.cpus=99")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "--set a.cpus=99: cpus: '99' is not a number from 1 to 16\n"
    [error] = json.loads(check(path, "-s", "a.cpus=99", "--json").stdout)["errors"]
    assert error == {"line": 0, "column": 0, "set": "a.cpus=99",
                     "message": "cpus: '99' is not a number from 1 to 16"}
