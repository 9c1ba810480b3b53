# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab dump, and gdb on what it wrote: the same as on the guest that it is of."""
import os
import re
import signal

from debugging import debugging, meanwhile
from lab import wait_until

LOOK = ("netlab-backtrace", "print *skb", "print jiffies_64", "print $rsp", "lx-ps",
        "info symbol $rip")


def hello(lab):
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()


def gdb_on(lab, core, *commands, of=None):
    """What gdb prints of the core for the commands."""
    words = [word for command in commands for word in ("-ex", command)]
    return lab.verb("gdb", "--core", core, *(of or [f"{lab.name}/server"]), "--", "-batch", "-nx",
                    "-iex", "set width 0", *words)


def another_build(vmlinux, path):
    """The same kernel (and vDSOs) with other build IDs."""
    note = re.compile(rb"(\x04\0{3}\x14\0{3}\x03\0{3}GNU\0)(.{20})", re.S)
    path.write_bytes(note.sub(lambda found: found[1] + found[2][::-1], vmlinux.read_bytes()))
    return path


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_core_shows_what_the_guest_showed(lab, kernel, tmp_path):
    folder = tmp_path / "cores"
    folder.mkdir()
    core = folder / "server core"
    with debugging(lab) as gdb:
        gdb.run("tbreak tcp_v4_rcv")
        gdb.begin("continue")
        with meanwhile(hello, lab):
            gdb.end()
            live = "".join(gdb.run(command) for command in LOOK)
            written = lab.verb("dump", f"{lab.name}/server", core).ok()
            assert lab.guest()["halted"], "it is gdb's to let it go on"
            gdb.begin("detach")
        gdb.end()
    assert live.count("\n") > 40 and "tcp_v4_rcv (skb=" in live
    assert written.stdout == f"netlab gdb --core '{core}' under-test/server\n"
    assert os.stat(core).st_mode & 0o777 == 0o600 and files_in(folder) == ["server core"]

    result = gdb_on(lab, core, *LOOK).ok()
    assert live in result.stdout
    assert re.search(r"netlab: .*/server core, Linux 6\.\S+, CPU 0 at tcp_v4_rcv "
                     r"\(net/ipv4/tcp_ipv4.c:\d+\), in ", result.stdout)
    lab.down().ok()
    ended = gdb_on(lab, core).exited(1)
    assert "no lab 'under-test' is up; where its lab has ended, --vmlinux FILE" in ended.stderr
    by_file = gdb_on(lab, core, "print linux_banner", of=["--vmlinux", kernel / "vmlinux"]).ok()
    assert "CPU 0 " in by_file.stdout and '"Linux version 6.' in by_file.stdout
    other = another_build(kernel / "vmlinux", tmp_path / "vmlinux")
    assert gdb_on(lab, core, of=["--vmlinux", other]).exited(1).stderr.endswith(
        f"netlab: {core} is of another kernel than {other}\n")
    refused = gdb_on(lab, other, of=["--vmlinux", kernel / "vmlinux"]).exited(1)
    assert "is not a core dump" in refused.stderr and "Traceback" not in refused.stderr


def test_what_goes_wrong_leaves_no_file(lab, start_verb, tmp_path):
    folder = tmp_path / "cores"
    folder.mkdir()
    node, core = f"{lab.name}/server", folder / "core"
    assert "missing/: No such file" in lab.verb("dump", node, folder / "missing/x").exited(1).stderr
    assert ": /tmp: it is there, and no regular file" in lab.verb("dump", node, "/tmp").stderr
    assert "no guest 'client'" in lab.verb("dump", f"{lab.name}/client", core).exited(1).stderr
    lab.verb("dump", node).exited(2)
    assert files_in(folder) == []

    qemu = lab.guest()["pid"]
    os.kill(qemu, signal.SIGSTOP)  # so it doesn't answer
    killed = start_verb("dump", node, core)
    wait_until(lambda: files_in(folder), "the file is there")
    assert "another dump of it" in lab.verb("dump", node, core).exited(1).stderr
    killed.kill()
    wait_until(lambda: not files_in(folder), "the supervisor removes it")
    os.kill(qemu, signal.SIGCONT)
    wait_until(lambda: lab.verb("dump", node, core).returncode == 0, "it can be dumped again")
    assert files_in(folder) == ["core"]
    assert not lab.guest()["halted"], "it ran, and goes on"
    hello(lab)

    core.unlink()
    os.kill(qemu, signal.SIGSTOP)
    failing = start_verb("dump", node, core)
    wait_until(lambda: files_in(folder), "the file is there")
    os.kill(qemu, signal.SIGKILL)
    assert "QEMU closed the connection" in failing.communicate(timeout=60)[1]
    assert failing.returncode == 1 and files_in(folder) == []
    assert "QEMU has ended" in lab.verb("dump", node, core).exited(1).stderr


def test_misuse(netlab, run, tmp_path):
    core = tmp_path / "core"
    assert "of which kernel?" in run(netlab, "gdb", "--core", core).exited(2).stderr
    assert "of which kernel?" in run(netlab, "gdb", "--core", core, "--", "-batch").exited(2).stderr
    assert "--vmlinux is of --core" in run(netlab, "gdb", "--vmlinux", core).exited(2).stderr
    missing = run(netlab, "gdb", "--core", core, "--vmlinux", core).exited(1)
    assert f"{core}: No such file" in missing.stderr
