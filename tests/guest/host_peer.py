# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side of host_halts.py: connections that have something to repeat in a halt.

Runs in the lab's host side, takes steps by name on stdin, and says each when it is done.
"""
import select
import socket
import struct
import sys
import time

GUEST = {socket.AF_INET: "192.168.100.224", socket.AF_INET6: "fd00:100::224"}
DEADLINE = 150
FIN_WAIT2 = 5  # include/net/tcp_states.h


def info(connection):
    """retransmissions in all, probes that no one answered; bytes unsent, the peer's window"""
    data = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    return (struct.unpack_from("I", data, 100)[0], data[3], struct.unpack_from("I", data, 144)[0],
            struct.unpack_from("I", data, 228)[0])


def retransmissions(connection):
    return info(connection)[0]


def probes(connection):
    return info(connection)[1]


def counter(path, group, name):
    """One of the whole network namespace."""
    with open(path, encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith(f"{group}:"))
    return int(values[names.index(name)])


def syn_retransmissions():
    """SYN and SYN-ACK."""
    return counter("/proc/net/netstat", "TcpExt", "TCPSynRetrans")


def resets():
    """Sent."""
    return counter("/proc/net/snmp", "Tcp", "OutRsts")


def in_state(wanted):
    """How many connections are, by its number."""
    rows = []
    for path in ["/proc/net/tcp", "/proc/net/tcp6"]:
        with open(path, encoding="ascii") as file:
            rows += file.readlines()[1:]
    return sum(int(row.split()[3], 16) == wanted for row in rows)


def wait_until(condition, what):
    """For what gives no event: TCP's own counters and states."""
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
    """Does it come back?"""
    connection.settimeout(DEADLINE)
    connection.sendall(data)
    return receive(connection, len(data)) == data


class Peers:
    """One of each kind for each family."""

    def __init__(self):
        self.by_kind = {kind: [open_to_guest(family) for family in GUEST]
                        for kind in ["data", "end", "orphan", "silence", "window"]}
        for kind in ["data", "end", "orphan", "silence"]:
            for connection in self.by_kind[kind]:
                assert echo(connection, b"before the halt")
        self.listener = socket.create_server(("192.168.100.50", 9000))
        self.marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.marker.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.sent = []
        self.syns = 0
        self.resets = resets()

    def mark(self, text):
        """A frame that the capture is told apart by, and that no neighbour is searched for."""
        self.marker.sendto(text, ("192.168.100.255", 9))

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

    def leave(self):
        """Of a server that doesn't run: its kernel takes the end, and it doesn't close."""
        for family in GUEST:
            open_to_guest(family).close()
        wait_until(lambda: in_state(FIN_WAIT2) == len(GUEST), "half-closed connections")

    def halted(self, seconds, *kinds):
        """What an application does meanwhile, for so long, and until TCP has repeated itself."""
        end = time.monotonic() + float(seconds)
        self.mark(b"the halt begins")
        self.syns = syn_retransmissions()
        for connection in self.by_kind["data"]:
            connection.sendall(b"in the halt")
        for connection in self.by_kind["end"]:
            connection.shutdown(socket.SHUT_WR)
        for connection in self.by_kind["orphan"]:
            connection.close()
        for connection in self.by_kind["silence"]:
            self.keep_alive(connection, 1 + int(seconds) // 100)
        self.by_kind["connect"] = [socket.socket(family, socket.SOCK_STREAM) for family in GUEST]
        for connection, family in zip(self.by_kind["connect"], GUEST):
            connection.setblocking(False)
            connection.connect_ex((GUEST[family], 7777))
        for kind in kinds:
            wait_until(getattr(self, f"{kind}_repeated"), kind)
        time.sleep(max(end - time.monotonic(), 0))  # the halt's length is what is under test
        self.mark(b"the halt ends")

    @staticmethod
    def keep_alive(connection, interval):
        """Probes each INTERVAL seconds, as many as there may be until it is given up."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in [(socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, interval),
                              (socket.TCP_KEEPCNT, 127)]:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)

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

    # --- does everything arrive, and every connection live?

    def data_lives(self):
        return all(receive(connection, 11) == b"in the halt"
                   for connection in self.by_kind["data"])

    def end_lives(self):
        return all(connection.recv(1) == b"" for connection in self.by_kind["end"])

    def silence_lives(self):
        return all(echo(connection, b"after the halt") for connection in self.by_kind["silence"])

    def window_lives(self):
        for connection in self.by_kind["window"]:
            connection.settimeout(DEADLINE)
        return all(len(receive(connection, sent)) == sent
                   for connection, sent in zip(self.by_kind["window"], self.sent))

    def connect_lives(self):
        for connection in self.by_kind["connect"]:
            select.select([], [connection], [], DEADLINE)
        return all(echo(connection, b"after the halt") for connection in self.by_kind["connect"])

    def accept_lives(self):
        self.listener.settimeout(DEADLINE)
        accepted, _ = self.listener.accept()
        accepted.settimeout(DEADLINE)
        return receive(accepted, 6) == b"hello\n"

    def lives(self, kind):
        try:
            return getattr(self, f"{kind}_lives")()
        except OSError:
            return False

    def resumed(self):
        """The kinds of which a connection did not live on."""
        return [kind for kind in ["data", "end", "silence", "window", "connect", "accept"]
                if not self.lives(kind)]

    def closed(self):
        """And nothing came for a connection that the host had forgotten."""
        return ["orphan"] if resets() > self.resets else []


def main():
    peers = Peers()
    print("ready", flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        print(name, *(getattr(peers, name)(*words) or []), flush=True)


if __name__ == "__main__":
    main()
