# SPDX-License-Identifier: GPL-2.0-or-later
"""What `netlab gdb --export` writes, done by a gdb as the editor would do it."""
import contextlib
import json
import re
import signal
import socket
import subprocess
import urllib.parse
import xml.etree.ElementTree

from debugging import DIE_WITH_A_BREAKPOINT, meanwhile
from lab import is_alive, wait_until
from mi import Editor

JTAG = "org.eclipse.cdt.debug.gdbjtag.core."


def hello(lab):
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()


def export(lab, editor, folder, *options):
    return lab.verb("gdb", "--export", editor, *options, f"{lab.name}/server", cwd=folder)


@contextlib.contextmanager
def opened(launch):
    editor = Editor()
    try:
        launch(editor)
        yield editor
        editor.close()
    finally:
        if editor.process.poll() is None:
            editor.process.kill()
            editor.process.wait()


def like_vscode(configuration):
    """What MIEngine does with a configuration of type cppdbg, in its order."""
    def launch(editor):
        editor.done("-gdb-set mi-async on")
        for command in configuration["setupCommands"]:
            editor.done(command["text"])
        editor.done("set pagination off")
        editor.done("-gdb-set auto-solib-add on")
        editor.done("-environment-cd /tmp")
        editor.done(f"-file-exec-and-symbols {configuration['program']}")
        editor.done("show architecture")
        editor.give("-break-insert -f main")
        editor.done(f"-target-select remote {configuration['miDebuggerServerAddress']}")
        assert "*stopped" in editor.said
    return launch


def like_cdt(configuration):
    """What the CDT GDB Debug Adapter does with one of type gdbtarget."""
    target = configuration["target"]

    def launch(editor):
        editor.done("-gdb-set mi-async on")
        editor.done(f"-file-exec-and-symbols {configuration['program']}")
        editor.done("-enable-pretty-printing")
        for command in configuration["preConnectCommands"]:
            editor.done(command)
        editor.done(f"-target-select {target['type']} {' '.join(target['parameters'])}")
        assert "*stopped" in editor.said
    return launch


def like_eclipse(root):
    """What CDT's GDB Hardware Debugging does with a launch configuration."""
    value = {e.get("key"): e.get("value") for e in root}
    uri = value[JTAG + "connection"]

    def launch(editor):
        editor.done(f"-file-exec-file {value['org.eclipse.cdt.launch.PROGRAM_NAME']}")
        editor.done(f"symbol-file {value[JTAG + 'symbolsFileName']}")
        assert value[JTAG + "useRemoteTarget"] == "true" and uri.startswith("gdb:")
        address = urllib.parse.unquote(uri[len("gdb:"):])
        editor.done(f"-target-select {value[JTAG + 'protocol']} {address}")
        for command in value[JTAG + "initCommands"].splitlines():
            editor.done(command)
        assert "*stopped" in editor.said
    return launch


def work(lab, editor):
    """A breakpoint, and what netlab's commands and the kernel's own say there."""
    refused = lab.verb("gdb", f"{lab.name}/server").exited(1)
    assert "a debugger is attached already" in refused.stderr
    editor.done("-break-insert tcp_v4_rcv")
    with meanwhile(hello, lab):
        editor.done("-exec-continue")
        assert 'reason="breakpoint-hit"' in editor.wait_for(r"^\*stopped")
        assert 'func="tcp_v4_rcv"' in editor.done("-stack-list-frames")
        path = editor.console("netlab-backtrace")
        assert "tcp_v4_rcv (skb=" in path and "e1000_clean" in path
        assert "Linux version 6." in editor.console("lx-version")
        assert "Packets, sockets and paths" in editor.console("help netlab")
        editor.done("-break-delete")
        editor.done("-target-detach")
    hello(lab)


def test_the_configurations_attach(lab, kernel, tmp_path):
    folder = tmp_path / "a project"
    folder.mkdir()
    assert export(lab, "vscode", folder).ok().stdout == ".vscode/launch.json\n"
    text = (folder / ".vscode/launch.json").read_text()
    configuration, cdt = json.loads(text)["configurations"]
    assert configuration["type"] == "cppdbg" and configuration["name"] == "netlab under-test/server"
    assert configuration["program"] == str(kernel / "vmlinux")
    assert configuration["stopAtConnect"] is True
    with opened(like_vscode(configuration)) as editor:
        work(lab, editor)
    assert (cdt["type"], cdt["request"]) == ("gdbtarget", "attach")
    with opened(like_cdt(cdt)) as editor:
        work(lab, editor)

    (folder / ".vscode/launch.json").write_text("{ // mine\n}\n")
    again = export(lab, "vscode", folder).exited(1)
    assert ".vscode/launch.json: it is there already; '--output -' prints" in again.stderr
    assert (folder / ".vscode/launch.json").read_text() == "{ // mine\n}\n"
    assert export(lab, "vscode", folder, "--output", "-").ok().stdout == text

    assert export(lab, "eclipse", folder).ok().stdout == "server.launch\n"
    root = xml.etree.ElementTree.parse(folder / "server.launch").getroot()
    assert root.get("type") == "org.eclipse.cdt.debug.gdbjtag.launchConfigurationType"
    with opened(like_eclipse(root)) as editor:
        work(lab, editor)
    assert "one of vscode, eclipse" in export(lab, "emacs", folder).exited(1).stderr


def test_an_editor_that_dies_leaves_a_guest_that_runs(lab, tmp_path):
    shown = json.loads(export(lab, "vscode", tmp_path, "-o", "-").ok().stdout)
    editor = Editor()
    like_vscode(shown["configurations"][0])(editor)
    editor.done("-break-insert tcp_v4_rcv")
    editor.done("-exec-continue")
    editor.process.kill()
    editor.process.communicate(timeout=60)
    wait_until(lambda: lab.verb("gdb", f"{lab.name}/server", "--", "-batch").returncode == 0,
               "it can be debugged again")
    hello(lab)
    with opened(like_vscode(shown["configurations"][0])) as editor:
        editor.done("-break-insert tcp_v4_rcv")
        assert "(process 1) killed" in editor.console("kill")  # MIEngine's stop button
    wait_until(lambda: not lab.guest()["halted"], "it goes on")
    hello(lab)


def test_port_on_loopback(lab, kernel, start_verb):
    serving = start_verb("gdb", "--port", f"{lab.name}/server")
    address = re.fullmatch(r"target remote (127\.0\.0\.1:(\d+))\n", serving.stdout.readline())
    port = int(address[2])
    attach = ["gdb", "-nx", "-batch", kernel / "vmlinux", "-ex", f"target remote {address[1]}"]
    for _ in range(2):
        done = subprocess.run([*attach, "-ex", "print $cs", "-ex", "detach"], capture_output=True,
                              text=True, timeout=120, check=True)
        assert re.search(r"^\$1 = (16|51)$", done.stdout, re.M), done
    done = subprocess.run([*attach, *DIE_WITH_A_BREAKPOINT], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL and "Breakpoint 1 at" in done.stdout, done
    hello(lab)
    with socket.create_connection(("127.0.0.1", port)) as first:
        first.sendall(b"$?#3f")
        assert first.recv(1)  # QEMU has it: it is the one that is served
        with socket.create_connection(("127.0.0.1", port)) as second:
            second.settimeout(60)
            assert second.recv(1) == b"", "the second is hung up on"
    wait_until(lambda: not lab.guest()["halted"], "it goes on")
    assert "a debugger is attached already" in lab.verb(
        "gdb", f"{lab.name}/server").exited(1).stderr
    serving.send_signal(signal.SIGINT)
    assert serving.wait(60) == 0 and not is_alive(serving.pid)
    hello(lab)
    assert "--port=x: a port is" in lab.verb("gdb", "--port=x", f"{lab.name}/server").stderr


def test_misuse(netlab, run):
    assert "one of them" in run(netlab, "gdb", "--port", "--stdio", "server").exited(2).stderr
    assert "--output is of" in run(netlab, "gdb", "-o", "x", "server").exited(2).stderr
    refused = run(netlab, "gdb", "--export", "vscode", "server", "--", "-batch").exited(2)
    assert "no gdb is started that would take '-batch'" in refused.stderr
