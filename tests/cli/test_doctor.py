# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab doctor, on machines that lack something."""
import json
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import tempfile

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build"))
NETLAB = BUILD / "netlab/netlab"
TUN = pathlib.Path("/dev/net/tun")
DEADLINE = 60  # seconds

FACTS = ["network namespaces", "user namespaces", "/dev/net/tun", "links", "KVM", "QEMU",
         "gdb", "kernel", "kernel source", "image", "busybox", "disks", "cache folder",
         "runtime folder", "memory"]


def doctor(*arguments, prefix=(), program=NETLAB, **environment):
    return subprocess.run([*prefix, str(program), "doctor", *arguments],
                          env=os.environ | environment, capture_output=True, text=True,
                          timeout=DEADLINE, check=False)


def facts(**options):
    """The facts by name, from --json, after what holds for every report."""
    result = doctor("--json", **options)
    report = json.loads(result.stdout)
    found = {fact["name"]: fact for fact in report["facts"]}
    assert list(found) == FACTS
    assert {fact["verdict"] for fact in found.values()} <= {"ok", "warn", "fail"}
    for fact in found.values():
        assert fact["found"]
        assert fact["hint"] or fact["verdict"] == "ok", fact
    usable = all(fact["verdict"] != "fail" for fact in found.values())
    assert report["usable"] is usable
    assert result.returncode == (0 if usable else 1)
    assert result.stderr == ""
    return found


@pytest.fixture
def programs(tmp_path):
    """Puts a program of ours before all others in PATH; returns that PATH."""
    def put(name, text):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return f"{tmp_path}:{os.environ['PATH']}"

    return put


def test_one_line_for_each_fact():
    result = doctor()
    lines = result.stdout.splitlines()
    assert [line[6:26].strip() for line in lines] == FACTS
    assert {line.split()[0] for line in lines} <= {"ok", "warn", "fail"}
    failed = any(line.startswith("fail") for line in lines)
    assert result.returncode == (1 if failed else 0)


def test_this_machine():
    found = facts()
    assert found["network namespaces"]["verdict"] == "ok"
    assert os.uname().release in found["network namespaces"]["found"]
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True,
                             text=True, check=True).stdout.split()[3]
    assert found["QEMU"]["verdict"] == "ok"
    assert found["QEMU"]["found"].startswith(".".join(version.split(".")[:2]))
    assert found["gdb"]["verdict"] == "ok"


def test_words_that_it_does_not_know():
    assert doctor("now").returncode == 2
    assert doctor("--jsn").returncode == 2


def test_nothing_in_path():
    found = facts(PATH="/nonexistent")
    assert found["QEMU"]["verdict"] == "fail"
    assert "No such file" in found["QEMU"]["found"]
    assert "apt-get install qemu-system-x86" in found["QEMU"]["hint"]
    assert found["gdb"]["verdict"] == "warn"
    assert "apt-get install gdb" in found["gdb"]["hint"]


QEMUS = {
    "dies": ("kill -9 $$", "killed by SIGKILL"),
    "lacks a library": ("echo libfoo.so: cannot open >&2; exit 127",
                        "libfoo.so: cannot open: exit status 127"),
    "fails in no words of ours": (r"printf '\033[31m\377 broken\n'; exit 3",
                                  "?[31m? broken: exit status 3"),
    "says nothing": ("exit 0", "names no version"),
    "speaks nonsense": ("head -c 300 /dev/urandom", "names no version"),
    "never ends its line": ("exec tr '\\0' x </dev/zero", "killed by SIGPIPE"),
    "has no e1000": ("""[ "$1" = --version ] && { echo QEMU emulator version 7.2.9; exit; }
echo "'e1000' is not a valid device model name" >&2; exit 1""",
                     "7.2: no e1000 network card: 'e1000' is not a valid"),
    "has no qboot": ("""case $1 in
--version) echo QEMU emulator version 8.1.0;; -device) echo mac=;; *) echo /nowhere;; esac""",
                     "8.1: no qboot.rom"),
}


@pytest.mark.parametrize("script, found", QEMUS.values(), ids=QEMUS)
def test_broken_qemu(programs, script, found):
    fact = facts(PATH=programs("qemu-system-x86_64", script))["QEMU"]
    assert fact["verdict"] == "fail"
    assert found in fact["found"]


def test_gdb_without_python(programs):
    path = programs("gdb", 'case $1 in --version) echo "GNU gdb (Foo 9-1) 11.2";; '
                           '*) echo "--without-python";; esac')
    fact = facts(PATH=path)["gdb"]
    assert fact["verdict"] == "warn"
    assert fact["found"] == "11.2, without Python"


def test_busybox_that_is_not_static(tmp_path):
    shutil.copy("/bin/ls", tmp_path / "busybox")
    fact = facts(PATH=f"{tmp_path}:{os.environ['PATH']}")["busybox"]
    assert fact["verdict"] == "fail"
    assert "is not a static program" in fact["found"]
    assert "busybox-static" in fact["hint"]


def test_busybox_that_is_no_program(programs):
    fact = facts(PATH=programs("busybox", "exit 0"))["busybox"]
    assert fact["verdict"] == "fail"


def test_no_kernel_in_the_cache(tmp_path):
    found = facts(XDG_CACHE_HOME=str(tmp_path))
    assert found["kernel"]["verdict"] == "fail"
    assert "netlab kernel build" in found["kernel"]["hint"]
    assert found["image"]["verdict"] == "warn"
    assert "netlab image build" in found["image"]["hint"]


def test_full_cache_folder():
    """/proc has no block free, whoever asks."""
    fact = facts(XDG_CACHE_HOME="/proc/sys/net/netlab-cache")["cache folder"]
    assert fact["verdict"] == "fail"
    assert "/proc/sys/net/netlab-cache" in fact["found"]


@pytest.fixture
def tun_mode():
    mode = stat.S_IMODE(TUN.stat().st_mode)
    yield lambda new: os.chmod(TUN, new)
    os.chmod(TUN, mode)


@pytest.fixture
def nobody():
    """Options that run netlab as an ordinary user with a home of its own."""
    user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="netlab-test-") as folder:
        os.chmod(folder, 0o755)
        home = pathlib.Path(folder) / "home"
        home.mkdir()
        os.chown(home, user.pw_uid, user.pw_gid)
        yield {"program": shutil.copy(NETLAB, folder), "HOME": str(home),
               "XDG_CACHE_HOME": "", "XDG_RUNTIME_DIR": str(home),
               "prefix": ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                          "--clear-groups"]}


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="runs as an ordinary user anyway")


@needs_root
def test_ordinary_user_without_the_right_to_tun(nobody, tun_mode):
    tun_mode(0o600)
    found = facts(**nobody)
    assert found["network namespaces"]["verdict"] == "ok"
    for name in ("/dev/net/tun", "links"):
        assert found[name]["verdict"] == "fail"
        assert "mode 0600" in found[name]["found"]
        assert "Permission denied" in found[name]["found"]
        assert "chmod 0666 /dev/net/tun" in found[name]["hint"]


@needs_root
def test_ordinary_user(nobody, tun_mode):
    tun_mode(0o666)
    found = facts(**nobody)
    for name in ("network namespaces", "user namespaces", "/dev/net/tun", "links",
                 "cache folder", "runtime folder"):
        assert found[name]["verdict"] == "ok", found[name]


@needs_root
def test_ordinary_user_without_a_home(nobody):
    fact = facts(**nobody | {"HOME": "/nonexistent"})["cache folder"]
    assert fact["verdict"] == "fail"
    assert "/nonexistent/.cache/netlab/ can't be used: /: Permission denied" in fact["found"]


@needs_root
def test_machine_without_tun():
    found = facts(prefix=["unshare", "--mount", "sh", "-c",
                          'mount -t tmpfs none /dev/net && exec "$@"', "sh"])
    assert found["/dev/net/tun"]["verdict"] == "fail"
    assert "modprobe tun" in found["/dev/net/tun"]["hint"]


@needs_root
def test_user_namespaces_are_refused(nobody):
    """In a user namespace that allows one more, which is used up before netlab asks."""
    program = nobody["program"]
    script = ('echo 1 >/proc/sys/user/max_user_namespaces && '
              'exec unshare --user --map-user=1000 "$@"')
    found = facts(prefix=["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"],
                  program=program)
    for name in ("network namespaces", "user namespaces"):
        assert found[name]["verdict"] == "fail"
        assert "a user namespace is refused" in found[name]["found"]
