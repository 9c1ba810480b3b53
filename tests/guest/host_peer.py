# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side of test_host_peer.py: connections that have something to repeat in a halt.

Runs in the lab's host side, takes steps by name on stdin, and says each when it is done.
"""
import select
import socket
import struct
import sys
import time

GUEST = {socket.AF_INET: "192.168.100.224", socket.AF_INET6: "fd00:100::224"}
DEADLINE = 150


def info(connection):
    """retransmissions in all, probes that no one answered; bytes unsent, the peer's window"""
    data = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    return (struct.unpack_from("I", data, 100)[0], data[3], struct.unpack_from("I", data, 144)[0],
            struct.unpack_from("I", data, 228)[0])


def retransmissions(connection):
    return info(connection)[0]


def probes(connection):
    return info(connection)[1]


def syn_retransmissions():
    """SYN and SYN-ACK, of the whole network namespace."""
    with open("/proc/net/netstat", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("TcpExt:"))
    return int(values[names.index("TCPSynRetrans")])


def wait_until(condition, what):
    """For what gives no event: TCP's own counters."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{what}: not within {DEADLINE} s")
        select.select([], [], [], 0.02)


def open_to_guest(family):
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(DEADLINE)
    connection.connect((GUEST[family], 7777))
    return connection


def receive(connection, size):
    data = b""
    while len(data) < size and (more := connection.recv(min(size - len(data), 1 << 20))):
        data += more
    return data


def echo(connection, data):
    connection.settimeout(DEADLINE)
    connection.sendall(data)
    assert receive(connection, len(data)) == data


class Peers:
    """One of each kind for each family."""

    def __init__(self):
        self.by_kind = {kind: [open_to_guest(family) for family in GUEST]
                        for kind in ["data", "end", "silence", "window"]}
        for kind in ["data", "end", "silence"]:
            for connection in self.by_kind[kind]:
                echo(connection, b"before the halt")
        for connection in self.by_kind["silence"]:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in [(socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1),
                                  (socket.TCP_KEEPCNT, 127)]:
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
        self.listener = socket.create_server(("192.168.100.50", 9000))
        self.marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sent = []
        self.syns = 0

    def mark(self, text):
        """A frame that the capture is told apart by."""
        self.marker.sendto(text, (GUEST[socket.AF_INET], 7777))

    def squeeze(self):
        """Send and don't read, until the guest's window is closed."""
        for connection in self.by_kind["window"]:
            connection.setblocking(False)
            self.sent.append(0)
            wait_until(lambda c=connection: self.fill(c), "a closed window")

    def fill(self, connection):
        try:
            while True:
                self.sent[-1] += connection.send(bytes(65536))
        except BlockingIOError:
            _, _, unsent, window = info(connection)
            return unsent and not window

    def halted(self, kinds):
        """What an application does meanwhile, until TCP has repeated itself."""
        self.mark(b"the halt begins")
        self.syns = syn_retransmissions()
        for connection in self.by_kind["data"]:
            connection.sendall(b"in the halt")
        for connection in self.by_kind["end"]:
            connection.shutdown(socket.SHUT_WR)
        self.by_kind["connect"] = [socket.socket(family, socket.SOCK_STREAM) for family in GUEST]
        for connection, family in zip(self.by_kind["connect"], GUEST):
            connection.setblocking(False)
            connection.connect_ex((GUEST[family], 7777))
        for kind in kinds:
            wait_until(getattr(self, f"{kind}_repeated"), kind)
        self.mark(b"the halt ends")

    def data_repeated(self):
        return all(retransmissions(connection) > 1 for connection in self.by_kind["data"])

    def end_repeated(self):
        return all(retransmissions(connection) > 1 for connection in self.by_kind["end"])

    def silence_repeated(self):
        return all(probes(connection) > 1 for connection in self.by_kind["silence"])

    def window_repeated(self):
        return all(probes(connection) > 0 for connection in self.by_kind["window"])

    def connect_repeated(self):
        return all(retransmissions(connection) > 1 for connection in self.by_kind["connect"])

    def accept_repeated(self):
        syns = sum(retransmissions(connection) for connection in self.by_kind["connect"])
        return syn_retransmissions() - self.syns > syns + 1

    def resumed(self):
        """Everything arrives, and every connection lives."""
        for connection in self.by_kind["data"]:
            assert receive(connection, 11) == b"in the halt"
        for connection in self.by_kind["end"]:
            assert connection.recv(1) == b""
        for connection in self.by_kind["connect"]:
            _, ready, _ = select.select([], [connection], [], DEADLINE)
            assert ready and not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        for connection in self.by_kind["connect"] + self.by_kind["silence"]:
            echo(connection, b"after the halt")
        for connection, sent in zip(self.by_kind["window"], self.sent):
            connection.settimeout(DEADLINE)
            assert len(receive(connection, sent)) == sent
        self.listener.settimeout(DEADLINE)
        accepted, _ = self.listener.accept()
        accepted.settimeout(DEADLINE)
        assert receive(accepted, 6) == b"hello\n"


def main():
    peers = Peers()
    print("ready", flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        getattr(peers, name)(*([words] if words else []))
        print(name, flush=True)


if __name__ == "__main__":
    main()
