# SPDX-License-Identifier: GPL-2.0-or-later
"""The console: the size of its terminal, its log, and the levels of the kernel's messages."""
import fcntl
import re
import struct
import termios

from lab import wait_until

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \d+\.\d{6} (\S+) (.*)")
LEVELS = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))


def size_in_the_guest(lab):
    return lab.exec("server", "stty", "-F", "/dev/console", "size").stdout.split()


def say(lab, level, text):
    lab.exec("server", "sh", "-c", f"echo '<{level}>{text}' > /dev/kmsg").ok()


def log_of(lab, *words):
    return [LINE.fullmatch(line).groups() for line in
            lab.verb("console", f"{lab.name}/server", "--log", *words).ok().stdout.splitlines()]


def test_the_console_has_the_size_of_the_terminal(lab, terminal):
    resize(terminal, 33, 101)
    terminal.run(lab.netlab, "console", f"{lab.name}/server")
    terminal.wait_for("Ctrl-]")
    terminal.type("\nstty size | tr ' ' x\n")
    terminal.wait_for("33x101")
    # A program on the console: it hears of the change, and is not typed at.
    terminal.type("sh -c 'sleep 600 & trap \"kill $!; echo got_$((40 + 2)); exit\" WINCH; "
                  "echo rea\"\"dy; wait'\n")
    terminal.wait_for("ready")
    resize(terminal, 20, 60)
    terminal.wait_for("got_42")
    terminal.type("\x1d")
    terminal.wait_for("@> ")
    assert size_in_the_guest(lab) == ["20", "60"]


def test_the_log_has_times_and_levels(lab):
    say(lab, 3, "this is an error")
    say(lab, 6, "this is told")
    wait_until(lambda: any("this is told" in text for _, text in log_of(lab)), "it is logged")
    lines = log_of(lab)
    assert lines[0][1].startswith("[    0.000000] Linux version 6.1.")
    assert dict((text.partition("] ")[2], level) for level, text in lines)["this is told"] == "info"
    assert any(level == "-" and "netlab: booted" in text for level, text in lines)
    bad = log_of(lab, "--level", "err")
    assert "this is an error" in bad[-1][1] and bad[-1][0] == "err"
    assert {level for level, _ in bad} <= set(LEVELS[:4])
    assert {level for level, _ in log_of(lab, "--level", "debug")} <= set(LEVELS)
    raw = (lab.output / "server.console").read_text(errors="replace")
    assert "this is told" in raw and "<6>" not in raw


def test_the_log_is_followed_to_the_lab_s_end(lab, start_verb):
    process = start_verb("console", f"{lab.name}/server", "--log", "-f", "--level", "notice")
    say(lab, 5, "followed one")
    lines = iter(process.stdout.readline, "")
    assert any("followed one" in line for line in lines)
    say(lab, 6, "not this")
    say(lab, 4, "followed two")
    assert "followed two" in next(lines)
    lab.down().ok()
    process.wait(60)
    assert process.returncode == 0, process.stderr.read()


def test_the_log_of_a_panic_tells_its_level(lab):
    lab.exec("server", "sh", "-c", "echo c > /proc/sysrq-trigger").exited(1)
    wait_until(lambda: lab.guest()["state"] == "panicked", "the panic is seen", 60)
    assert any("Kernel panic - not syncing" in text for _, text in log_of(lab, "--level", "emerg"))


def test_logs_of_earlier_boots(lab):
    say(lab, 6, "the first boot")
    missing = lab.verb("console", f"{lab.name}/server", "--log", "--boot", "1").exited(1)
    assert "server: there is no log of 1 boot before the last" in missing.stderr
    lab.down().ok()
    lab.up().ok()
    assert any("the first boot" in text for _, text in log_of(lab, "--boot", "1"))
    assert not any("the first boot" in text for _, text in log_of(lab))


def test_the_log_of_a_lab_that_has_ended(make_lab):
    lab = make_lab()
    lab.verb("up", lab.topology, "--name", lab.name, "--accel", "tcg").ok()  # no --output
    lab.down().ok()
    assert log_of(lab)[0][1].startswith("[    0.000000] Linux version 6.1.")
    assert log_of(lab, "-f", "--level", "err") == log_of(lab, "--level", "err")
    missing = lab.verb("console", f"{lab.name}/client", "--log").exited(1).stderr
    assert f"no lab '{lab.name}' is up, and there is no /" in missing
    assert "client.console.log; where it was started with --output, that folder has" in missing
    for outside in ("../x", f"{lab.name}/../x"):
        assert "and there is no" not in lab.verb("console", outside, "--log").exited(1).stderr


def test_words_that_are_wrong(netlab, run):
    assert "it is one of emerg, alert" in run(
        netlab, "console", "server", "--log", "--level", "bad").exited(2).stderr
    assert "are of --log" in run(netlab, "console", "server", "-f").exited(2).stderr
    assert "how many boots ago" in run(
        netlab, "console", "server", "--log", "--boot", "x").exited(2).stderr
