# SPDX-License-Identifier: GPL-2.0-or-later
"""Links that a test has netlab build and hold, and what iproute2 says of them."""
import json
import os
import pathlib
import selectors
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build"))
HOLDER = BUILD / "tests/netns/link-holder"
DEADLINE = 120  # seconds until anything counts as hung, in an emulated guest too


class Holder:
    """A process that builds links in its own namespaces and keeps them until it ends."""

    def __init__(self, *arguments, prefix=(), program=HOLDER):
        self.process = subprocess.Popen(
            [*prefix, str(program), *arguments], text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.outcome = self.line()
        self.pid = self.process.pid

    def line(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(DEADLINE), "the holder says nothing"
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        return self.line()

    def frames(self, tap, seconds):
        """What leaves a TAP from its creation on, until `seconds` from now."""
        answer, frames = self.ask(f"frames {tap} {int(seconds * 1000)}"), []
        while answer != "END":
            frames.append(bytes.fromhex(answer))
            answer = self.line()
        return frames

    def namespace(self, node):
        """Where a node's network namespace can be opened."""
        if node == "host":
            return f"/proc/{self.pid}/ns/net"
        fd = self.ask(f"node {node}").removeprefix("node ")
        assert fd != "-1", f"no node {node}"
        return f"/proc/{self.pid}/fd/{fd}"

    def inside(self, *command, node="host"):
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        return subprocess.run(["nsenter", "-t", str(self.pid), *user,
                               f"--net={self.namespace(node)}", *command],
                              capture_output=True, text=True, timeout=DEADLINE)

    def json(self, *command, node="host"):
        """What a command that prints JSON says."""
        result = self.inside(*command, node=node)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout or "[]")

    def ip(self, *arguments, node="host"):
        return self.json("ip", "-j", "-d", *arguments, node=node)

    def links(self, node="host"):
        return {link["ifname"]: link for link in self.ip("link", node=node)}

    def addresses(self, name):
        found = self.ip("addr", "show", "dev", name)
        return {a["local"]: a for link in found for a in link.get("addr_info", [])}

    def close(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE)
        self.process.stdout.close()
