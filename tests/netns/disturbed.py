# SPDX-License-Identifier: GPL-2.0-or-later
"""A lab without guests whose making is disturbed, call by call: see fail-call.c."""
import json
import os
import pathlib
import re
import socket
import struct

NAME = "disturbed"
EVERYTHING = os.environ.get("NETLAB_FAILURES") == "all"  # tests/failures

TOPOLOGY = {
    "bridges": {"br0": {"addresses": ["10.1.0.254/24", "fd00:1::254/64"], "mtu": 1400,
                        "stp": "on"}},
    "hosts": {
        "client": {
            "links": {"eth0": {"bridge": "br0", "addresses": ["10.1.0.2/24", "fd00:1::2/64"],
                               "mac": "02:00:00:00:00:02", "offloads": {"tso": "off"}},
                      "vx0": {"vxlan": 7, "local": "10.1.0.2", "remote": "10.1.0.3",
                              "addresses": ["10.7.0.1/24"]},
                      "mv0": {"macvlan": "bridge", "link": "eth0"}},
            "routes": [{"to": "default", "via": "10.1.0.254"}],
            "neighbours": [{"address": "10.1.0.77", "mac": "02:00:00:00:00:77",
                            "device": "eth0"}],
            "sysctls": {"net.ipv4.tcp_sack": 0}},
        "server": {"forward": True,
                   "links": {"eth0": {"bridge": "br0", "addresses": ["10.1.0.3/24"]}}},
    },
    "capture": ["br0"],
}


def known_calls(source):
    """The names of all system calls that fail-call knows."""
    text = (source / "tests/netns/fail-call.c").read_text()
    return re.findall(r"CALL\(([a-z0-9_]+)\)", text.partition("#define CALL")[2])[1:]


class Disturbed:
    """The lab, and netlab's verbs on it."""

    def __init__(self, build, run, folder, name=NAME, topology=None):
        self.netlab = build / "netlab" / "netlab"
        self.fail_call = build / "tests" / "netns" / "fail-call"
        self.run, self.name, self.log, self.output = run, name, folder / "calls", folder / "out"
        self.runtime = pathlib.Path(os.environ["NETLAB_RUNTIME_DIR"])
        self.topology = folder / f"{name}.yaml"
        self.topology.write_text(json.dumps(topology or TOPOLOGY, indent=1))

    def verb(self, *words, **options):
        return self.run(self.netlab, *words, **options)

    def up_words(self):
        return [self.netlab, "up", self.topology, "--name", self.name, "-o", self.output]

    def up(self):
        return self.run(*self.up_words())

    def down(self):
        return self.verb("down", self.name)

    def befall(self, calls, number, what, words=None, process="", **options):
        """Run `netlab up`, or @words, while @what befalls the call of that number."""
        return self.run(self.fail_call, self.log, ",".join(calls) + process, number, what,
                        *(words or self.up_words()), **options)

    def counted(self):
        """What fail-call has counted so far: for each call its process, name and the family of
        its socket."""
        return [tuple(line.split()[1:]) for line in self.log.read_text().splitlines()]

    def count(self, calls, **options):
        """The calls of a netlab up that goes well. The lab is up then."""
        self.befall(calls, 0, "-", **options).ok()
        return self.counted()

    def status(self):
        return self.verb("status", self.name, "--json")

    def control(self):
        """A connection to its control socket."""
        return Client(self.runtime / self.name / "control")


def shape_of(result):
    """What of a status makes the lab the one that was asked for."""
    status = result.json()
    links = [(link["node"], link["name"], (link.get("live") or {}).get("up"))
             for link in status["links"]]
    return status["state"], links, status["capture"]["running"]


class Client:
    """A connection to the lab's control socket."""

    def __init__(self, path, seconds=60):
        self.socket = socket.socket(socket.AF_UNIX)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self.socket.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))
        self.socket.connect(str(path))
        self.pending = b""

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next line; b"" at the end of the connection."""
        while b"\n" not in self.pending:
            data = self.socket.recv(65536)
            if not data:
                return b""
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return line

    def ask(self, request, **arguments):
        """One request -> its answer; events before it are passed over."""
        self.send(json.dumps({"id": 1, "request": request, **arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self.line())
            if "event" not in answer:
                return answer

    def close(self):
        self.socket.close()
