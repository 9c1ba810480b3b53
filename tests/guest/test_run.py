# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab run: the demo, seen by gdb and tshark."""
import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

from lab import fields, tshark, write_topology

# What the host says again while gdb holds the guest is not looked at.
FIRST_TIME = "!tcp.analysis.retransmission && !tcp.analysis.duplicate_ack"
PATH = ["ep_poll_callback", "sock_def_readable", "tcp_v4_rcv", "e1000_clean"]
PATH6 = ["ep_poll_callback", "sock_def_readable", "tcp_v6_rcv", "e1000_clean"]


def backtrace(output):
    """Function and source line of each frame, innermost first."""
    lines = [line for line in output.splitlines() if re.match(r" *#\d+ ", line)]
    assert lines, output
    assert not [line for line in lines if "??" in line], lines
    return [re.search(r"^ *#\d+ +(?:0x[0-9a-f]+ in )?(\S+) .* at (\S+):(\d+)", line)
            for line in lines]


def assert_path(frames, path):
    names = [frame.group(1) for frame in frames]
    positions = [names.index(name) for name in path]
    assert positions == sorted(positions), names


@pytest.mark.parametrize("name, path, version", [("tcp-receive", PATH, "ip"),
                                                 ("tcp-receive-ipv6", PATH6, "ipv6")])
def test_the_demo(netlab, source, run, kernel, fresh_home, tmp_path, name, path, version):
    topology = source / "topologies" / f"{name}.yaml"
    result = run(netlab, "run", topology, "-o", tmp_path, "--accel", "tcg", deadline=180).ok()
    frames = backtrace(result.stdout)
    assert all(frames), result.stdout
    assert_path(frames, path)

    capture = tmp_path / f"{name}.pcapng"
    place = f"halted at {frames[0][1]} ({frames[0][2]}:{frames[0][3]}), breakpoint "
    assert fields(capture, "frame.number", only=f'syslog.msg contains "{place}"')
    assert str(capture) in result.stdout
    rows = fields(capture, "tcp.flags.syn", "tcp.flags.ack", "tcp.flags.fin", "tcp.payload",
                  only=f"tcp.port == 7777 && {version} && {FIRST_TIME}")
    assert [row[:3] for row in rows[:3]] == [["1", "0", "0"], ["1", "1", "0"], ["0", "1", "0"]]
    assert [row[3] for row in rows if row[3]] == [b"hello".hex()] * 2
    assert len([row for row in rows if row[2] == "1"]) == 2
    asked = fields(capture, "frame.number", only="arp.opcode == 1 || icmpv6.type == 135")
    syn = fields(capture, "frame.number", only="tcp.flags.syn == 1")
    assert asked and int(asked[0][0]) < int(syn[0][0]), "the address is asked for first"


def test_the_capture_is_what_capinfos_expects(netlab, source, run, kernel, fresh_home, tmp_path):
    run(netlab, "run", source / "topologies/tcp-receive.yaml", "-o", tmp_path, "--accel", "tcg",
        deadline=180).ok()
    shown = subprocess.run(["capinfos", tmp_path / "tcp-receive.pcapng"], capture_output=True,
                           text=True, check=True)
    assert not shown.stderr.replace("Running as user \"root\" and group \"root\"", "").strip(". \n"
           "This could be dangerous"), shown.stderr
    assert re.search(r"Name = br0", shown.stdout), shown.stdout
    assert "nanoseconds" in shown.stdout
    assert re.search(r"File timestamp precision: +nanoseconds \(9\)", shown.stdout)


def test_a_command_in_place_of_the_steps(netlab, run, kernel, fresh_home, tmp_path):
    topology = write_topology(tmp_path / "t.yaml")
    result = run(netlab, "run", topology, "-o", tmp_path, "--accel", "tcg", "--", "sh", "-c",
                 "busybox ping -c 1 192.168.100.224 && exit 9", deadline=180).exited(9)
    assert "1 packets received" in result.stdout


def test_a_function_that_does_not_exist(netlab, run, kernel, fresh_home, tmp_path):
    topology = write_topology(tmp_path / "t.yaml", debug=[
        {"guest": "server", "at": "ep_pol_callback", "do": "backtrace", "times": 1}])
    result = run(netlab, "run", topology, "-o", tmp_path).exited(1)
    assert "ep_pol_callback" in result.stderr and "ep_poll_callback" in result.stderr
    assert not list(tmp_path.glob("*.console")), "it is said before anything is started"


def test_a_function_that_is_not_reached(netlab, run, kernel, fresh_home, tmp_path):
    topology = write_topology(
        tmp_path / "t.yaml",
        drive=[{"tcp": {"to": "server:7777", "send": "x", "expect": "x"}}],
        debug=[{"guest": "server", "at": "tcp_v6_rcv", "do": "backtrace", "times": 1}])
    result = run(netlab, "run", topology, "-o", tmp_path, "--accel", "tcg", deadline=180)
    assert "tcp_v6_rcv was reached 0 of 1 times" in result.exited(1).stderr


def test_a_drive_that_fails(netlab, run, kernel, fresh_home, tmp_path):
    topology = write_topology(
        tmp_path / "t.yaml",
        drive=[{"tcp": {"to": "server:9", "send": "x", "expect": "x"}}])
    result = run(netlab, "run", topology, "-o", tmp_path, "--accel", "tcg", deadline=180)
    assert "tcp to server:9" in result.exited(1).stderr


@pytest.fixture
def open_tun():
    """/dev/net/tun as ordinary distributions have it, put back afterwards."""
    path = pathlib.Path("/dev/net/tun")
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(0o666)
    yield
    path.chmod(mode)


def closed_folders(paths):
    """The folders above @paths that keep ordinary users out, as /root does."""
    closed = [[above for above in path.parents if not above.stat().st_mode & 0o001]
              for path in paths]
    return {folders[-1] for folders in closed if folders}


def open_to_all(paths, stage):
    """A command line's beginning: in a mount namespace of its own, @paths are where they were,
    but the way to them is open."""
    script = ["set -e"]
    for i, path in enumerate(paths):
        script += [f"mkdir -p {stage}/{i}", f"mount --bind {path} {stage}/{i}"]
    script += [f"mount -t tmpfs -o mode=755 none {folder}" for folder in closed_folders(paths)]
    for i, path in enumerate(paths):
        script += [f"mkdir -p {path}", f"mount --move {stage}/{i} {path}"]
    return ["unshare", "--mount", "sh", "-c", "\n".join([*script, 'exec "$@"']), "sh"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become an ordinary user")
def test_as_an_ordinary_user(netlab, source, build, run, kernel, fresh_home, open_tun):
    home = pathlib.Path(subprocess.run(["mktemp", "-d", "/tmp/nlXXXX"], capture_output=True,
                                       text=True, check=True).stdout.strip())
    try:
        shutil.copytree(kernel, home / "cache/netlab/kernels" / kernel.name,
                        symlinks=True)
        (home / "run").mkdir(mode=0o700)
        subprocess.run(["chown", "-R", "nobody", home], check=True)
        result = run(*open_to_all([source, build.resolve()], home / "stage"), "setpriv",
                     "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env",
                     f"HOME={home}", f"XDG_CACHE_HOME={home}/cache",
                     f"NETLAB_RUNTIME_DIR={home}/run", os.path.realpath(netlab), "run",
                     source / "topologies/tcp-receive.yaml", "-o", home / "out",
                     "--accel", "tcg", deadline=180).ok()
        assert_path(backtrace(result.stdout), PATH)
        assert tshark(home / "out/tcp-receive.pcapng", "-Y", "tcp.flags.syn == 1")
    finally:
        shutil.rmtree(home)
