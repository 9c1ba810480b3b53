# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/bench/links still works: one round of few links. It says nothing about speed."""
import pathlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree

WAYS = ["netlab", "ip", "ip -batch", "ip expert"]


def test_links(build, source, tmp_path):
    plot = tmp_path / "links.svg"
    result = subprocess.run(
        [str(source / "tests" / "bench" / "links"), "--build", str(build), "--taps", "1,10",
         "--hosts", "0", "--rounds", "1", "--plot", str(plot)],
        capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    for n in (1, 10):
        table = result.stdout.partition(f"\n{n} TAPs on a bridge: ")[2].split("\n")[1:5]
        assert [line[2:12].strip() for line in table] == WAYS
        for line in table:
            up, down = re.findall(r"(?:up|down) +([\d.]+) \(", line)
            assert float(up) > 0 and float(down) > 0
    assert re.search(r"a topology of 300 TAPs .* planned: [\d.]+ ms", result.stdout)
    texts = [text.text for text in ElementTree.parse(plot).iter("{http://www.w3.org/2000/svg}text")]
    assert all(texts.count(way) == 2 for way in WAYS)


def test_a_way_that_fails_is_no_figure(build, tmp_path):
    """link-bench ends, and says why, where a link is refused or a program fails."""
    program = pathlib.Path(build) / "tests" / "bench" / "link-bench"
    taken = tmp_path / "taken.yaml"
    taken.write_text("bridges: {br0: {}}\n")
    for commands, complaint in ((f"load {taken}\nrun ip link add br0 type bridge\nbuild\n",
                                 f"br0: {taken}:1: a link of that name exists already"),
                                ("run false\n", "false: exit status 1"),
                                ("build\n", "no topology is loaded")):
        result = subprocess.run([str(program)], input=commands, capture_output=True, text=True,
                                timeout=60, check=False)
        assert result.returncode == 1
        assert complaint in result.stderr


def test_rows(build):
    program = pathlib.Path(build) / "tests" / "bench" / "row-bench"
    result = subprocess.run([str(program), "2000", "1"], capture_output=True, text=True,
                            timeout=60, check=True)
    lines = result.stdout.splitlines()
    assert len(lines) == 6 and all(" ns a frame" in line for line in lines)
    assert [line for line in lines if "bytes a row" in line] == lines[2:]
