# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab capture on a lab that is up."""
import signal
import subprocess

from lab import fields, tshark


def start(lab, *words, **options):
    process = subprocess.Popen([lab.netlab, "capture", lab.name, *words], text=True,
                               stderr=subprocess.PIPE, **options)
    assert "capturing into" in process.stderr.readline()
    return process


def hello(lab):
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()


def test_all_links_until_ctrl_c(shared, tmp_path):
    path = tmp_path / "c.pcapng"
    process = start(shared, "-w", path)
    hello(shared)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "br0: " in err and "0 dropped" in err
    tap = shared.guest()["nics"][0]["tap"]
    seen = {row[0] for row in fields(path, "frame.interface_name", only="tcp.port == 7777")}
    assert seen == {"br0", tap}
    stamps = [float(row[0]) for row in fields(path, "frame.time_epoch")]
    assert stamps == sorted(stamps)


def test_one_link_and_a_filter(shared, tmp_path):
    path = tmp_path / "c.pcapng"
    process = start(shared, "-w", path, "-f", "tcp[tcpflags] & tcp-syn != 0", "br0")
    hello(shared)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert len(tshark(path)) == 2


def test_the_lab_ends_first(lab, tmp_path):
    path = tmp_path / "c.pcapng"
    process = start(lab, "-w", path, "br0")
    hello(lab)
    lab.down().ok()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert len(tshark(path, "-Y", "tcp.flags.syn == 1")) == 2


def test_a_killed_capture_leaves_a_readable_file(shared, tmp_path):
    path = tmp_path / "c.pcapng"
    process = start(shared, "-w", path, "br0")
    hello(shared)
    while not (path.exists() and tshark(path, "-Y", "tcp.flags.fin == 1")):
        pass
    process.kill()
    process.communicate(timeout=60)
    assert len(tshark(path, "-Y", "tcp.flags.syn == 1")) == 2


def test_into_a_pipe(shared):
    with subprocess.Popen([shared.netlab, "capture", shared.name, "-w", "-", "br0"],
                          stdout=subprocess.PIPE) as capture:
        header = capture.stdout.read(4)  # it comes when the capture runs
        assert header == b"\x0a\x0d\x0d\x0a"
        hello(shared)
        capture.send_signal(signal.SIGINT)
        rest = capture.stdout.read()
    result = subprocess.run(["tshark", "-n", "-r", "-", "-Y", "tcp.flags.syn == 1"],
                            input=header + rest, capture_output=True, timeout=60, check=True)
    assert len(result.stdout.splitlines()) == 2
    assert capture.returncode == 0


def test_bad_words(shared, tmp_path):
    result = shared.verb("capture", shared.name, "-w", tmp_path / "c", "br7").exited(1)
    assert "no link 'br7'" in result.stderr and "br0" in result.stderr
    result = shared.verb("capture", shared.name, "-w", tmp_path / "c", "-f", "tcp port").exited(1)
    assert "br0" in result.stderr
    result = shared.verb("capture", shared.name, "-w", tmp_path / "c", "--clock", "noon").exited(1)
    assert "--clock: 'noon' is neither lab nor wall" in result.stderr
