# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netlab gdb --export vscode` writes, given to the debug adapter of Eclipse CDT's extension
for Visual Studio Code, which Theia has, too. npm brings it, at the version that is locked here."""
import json
import pathlib
import shutil
import subprocess

import pytest

from dap import Editor
from debugging import meanwhile

PACKAGE = pathlib.Path(__file__).parent / "debug-adapter"
ADAPTER = "node_modules/cdt-gdb-adapter/dist/debugTargetAdapter.js"


@pytest.fixture
def adapter(tmp_path):
    """The adapter's program."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGE / name, tmp_path)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=tmp_path,
                   timeout=600, check=True)
    return tmp_path / ADAPTER


@pytest.fixture
def editor(adapter):
    opened = Editor("node", adapter)
    yield opened
    if opened.process.poll() is None:
        opened.process.kill()
        opened.process.wait(60)


def hello(lab):
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()


def attach(lab, editor, tmp_path):
    """As Visual Studio Code does with the second configuration."""
    text = lab.verb("gdb", "--export", "vscode", "-o", "-", "server").ok().stdout
    configuration = json.loads(text)["configurations"][1]
    assert configuration["type"] == "gdbtarget"
    configuration["cwd"] = configuration["cwd"].replace("${workspaceFolder}", str(tmp_path))
    editor.ask("initialize", adapterID="gdbtarget", linesStartAt1=True, pathFormat="path")
    attaching = editor.begin("attach", **configuration)
    editor.wait_for("initialized")
    editor.end(attaching)


def stopped(editor, reason):
    """The frames of the guest that has stopped."""
    said = editor.wait_for("stopped")
    assert said["reason"] == reason, said
    return editor.ask("stackTrace", threadId=said["threadId"])["stackFrames"]


def console(editor, command, frame):
    editor.printed()
    editor.ask("evaluate", expression=f">{command}", frameId=frame["id"], context="repl")
    return editor.printed()


def look(editor, frame):
    """Variables, and what netlab and the kernel say in the debug console."""
    local = editor.ask("scopes", frameId=frame["id"])["scopes"][0]
    held = editor.ask("variables", variablesReference=local["variablesReference"])["variables"]
    skb = next(variable for variable in held if variable["name"] == "skb")
    assert skb["type"] == "struct sk_buff *" and int(skb["value"], 16) > 0
    members = editor.ask("variables", variablesReference=skb["variablesReference"])["variables"]
    assert "head" in [member["name"] for member in members]
    watched = editor.ask("evaluate", expression="skb->len", frameId=frame["id"],
                         context="watch")
    assert int(watched["result"]) >= 20
    said = console(editor, "netlab skb", frame)
    assert "(argument skb of tcp_v4_rcv)" in said and "> 7777, SYN, seq " in said
    assert "Linux version 6." in console(editor, "lx-version", frame)


def step(editor):
    """Over a line, into a function, and out of it."""
    thread = {"threadId": 1}
    for command in ("next", "stepIn", "stepOut"):
        editor.ask(command, **thread)
        frames = stopped(editor, "step")
        assert frames[0]["line"] > 0


def test_a_packet_in_the_editor(built, make_lab, editor, tmp_path):
    built("debug")
    lab = make_lab()
    lab.up().ok()
    attach(lab, editor, tmp_path)
    editor.ask("configurationDone")
    # The guest runs: the adapter stops it for this, and lets it go on.
    editor.ask("setFunctionBreakpoints", breakpoints=[{"name": "tcp_v4_rcv"}])
    with meanwhile(hello, lab):
        frames = stopped(editor, "function breakpoint")
        names = [frame["name"] for frame in frames]
        assert names[0] == "tcp_v4_rcv" and "e1000_clean" in names
        source = frames[0]["source"]["path"]
        assert source.endswith("/net/ipv4/tcp_ipv4.c") and pathlib.Path(source).exists()
        look(editor, frames[0])
        step(editor)
        editor.ask("setFunctionBreakpoints", breakpoints=[])
        set_there = editor.ask("setBreakpoints", source={"path": source},
                               breakpoints=[{"line": frames[0]["line"]}])["breakpoints"]
        assert set_there[0]["verified"]
        editor.ask("continue", threadId=1)
        assert stopped(editor, "breakpoint")[0]["name"] == "tcp_v4_rcv"
        editor.ask("setBreakpoints", source={"path": source}, breakpoints=[])
        editor.ask("continue", threadId=1)
    editor.ask("pause", threadId=1)
    assert stopped(editor, "SIGINT")
    editor.ask("continue", threadId=1)
    editor.ask("disconnect")
    assert editor.close() == 0
    hello(lab)
