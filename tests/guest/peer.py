# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's end of gdb-sockets.c: carries out one word of each line of its input, and answers
with a line of JSON. Run in the lab's network namespace."""
import json
import socket
import struct
import sys

GUEST, HOST, NOBODY = "192.168.100.224", "192.168.100.50", "192.168.100.51"
TCP_PORT, UDP_PORT, OWN_PORT = 9000, 9001, 9002
SYN, PSH_ACK = 0x02, 0x18
ETH_P_ALL = 3


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def segment(source, port, sequence, acknowledged, flags, payload=b""):
    """An IPv4 packet with a TCP segment for the guest."""
    addresses = socket.inet_aton(source) + socket.inet_aton(GUEST)
    tcp = struct.pack("!HHIIBBHHH", port, TCP_PORT, sequence, acknowledged, 5 << 4, flags, 64,
                      0, 0) + payload
    total = checksum(addresses + struct.pack("!HH", 6, len(tcp)) + tcp)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + addresses
    return (ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
            + tcp[:16] + struct.pack("!H", total) + tcp[18:])


class Peer:
    """Its connections, and the Ethernet header and numbers of what they send."""

    def __init__(self):
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.wire.bind(("br0", 0))
        self.connections = []
        self.listener = socket.create_server((HOST, OWN_PORT))

    def accept(self):
        """The guest's connection, and what it says."""
        self.connections.append(self.listener.accept()[0])
        return {"text": self.connections[-1].recv(9, socket.MSG_WAITALL).decode()}

    def connect(self, data):
        """A connection that sends DATA, which may be none."""
        self.connections.append(socket.create_connection((GUEST, TCP_PORT)))
        if data:
            self.connections[-1].sendall(data)
        return {"port": self.connections[-1].getsockname()[1]}

    def sent(self, port, payload):
        """The frame in which PAYLOAD was sent from PORT."""
        while True:
            frame = self.wire.recv(2048)
            if frame.endswith(payload) and frame[34:36] == struct.pack("!H", port):
                return frame

    def first(self):
        """The connection that the guest accepts and never reads."""
        port = self.connect(b"waiting data")["port"]
        self.frame = self.sent(port, b"waiting data")
        return {"port": port}

    def second(self):
        """The connection that the guest will close."""
        answer = self.connect(b"")
        self.doomed = self.connections[-1]
        return answer

    def third(self):
        """The connection that the guest doesn't accept."""
        return self.connect(b"early")

    def gap(self):
        """A segment of the first connection's, 100 bytes after what it has sent."""
        port, = struct.unpack("!H", self.frame[34:36])
        sequence, acknowledged = struct.unpack("!II", self.frame[38:46])
        after = (sequence + len(b"waiting data") + 100) % (1 << 32)
        self.wire.send(self.frame[:14]
                       + segment(HOST, port, after, acknowledged, PSH_ACK, b"out of order"))
        return {}

    def syn(self):
        """A handshake that no one will finish."""
        self.wire.send(self.frame[:14] + segment(NOBODY, 4711, 1000, 0, SYN))
        return {}

    def close(self):
        """Have the guest close the second connection."""
        self.doomed.sendall(b"q")
        return {}

    def datagram(self):
        """A datagram that no one reads."""
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            sender.sendto(b"a datagram", (GUEST, UDP_PORT))
        return {}


def main():
    peer = Peer()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(getattr(peer, line.strip())()), flush=True)


main()
