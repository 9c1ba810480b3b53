# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that test_traffic.py starts inside a namespace: peer.py tcp|udp ADDRESS BEHAVIOUR.

It prints its port, and serves every connection in one loop, until it is killed.
"""
import selectors
import socket
import struct
import sys

selector = selectors.DefaultSelector()
pending = {}


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    close(connection)


def close(connection):
    selector.unregister(connection)
    pending.pop(connection, None)
    connection.close()


def watch(connection):
    wanted = selectors.EVENT_READ
    if len(pending[connection]) > 1 << 20:
        wanted = selectors.EVENT_WRITE
    elif pending[connection]:
        wanted |= selectors.EVENT_WRITE
    selector.modify(connection, wanted, serve)


def echo(connection, data, change=lambda data: data):
    pending[connection] += change(data)
    watch(connection)


def half_close(connection, data):
    del data
    connection.shutdown(socket.SHUT_WR)
    selector.modify(connection, selectors.EVENT_READ, serve)


ON_DATA = {
    "echo": echo,
    "wrong": lambda connection, data: echo(connection, data, lambda _: b"help!\x00"),
    "flip": lambda connection, data: echo(connection, data,
                                          lambda data: data[:-1] + bytes([data[-1] ^ 1])),
    "silent": lambda connection, data: None,
    "discard": lambda connection, data: None,
    "linger": echo,
    "part": lambda connection, data: (connection.send(data[:3]), close(connection)),
    "reset": lambda connection, data: reset(connection),
    "half-close": half_close,
}


def serve(connection, events):
    if events & selectors.EVENT_WRITE:
        sent = connection.send(pending[connection])
        del pending[connection][:sent]
        watch(connection)
    if not events & selectors.EVENT_READ:
        return
    try:
        data = connection.recv(65536)
    except OSError:
        close(connection)
        return
    if data:
        ON_DATA[BEHAVIOUR](connection, data)
    elif BEHAVIOUR == "linger":
        selector.unregister(connection)  # and never closed
    else:
        close(connection)


def accept(listener, _):
    connection, _ = listener.accept()
    pending[connection] = bytearray()
    selector.register(connection, selectors.EVENT_READ, serve)
    if BEHAVIOUR == "close":
        close(connection)


def answer(peer, _):
    data, sender = peer.recvfrom(65536)
    if BEHAVIOUR == "echo":
        peer.sendto(data, sender)
    elif BEHAVIOUR == "wrong":
        peer.sendto(b"help!", sender)


KIND, ADDRESS, BEHAVIOUR = sys.argv[1:]
FAMILY = socket.AF_INET6 if ":" in ADDRESS else socket.AF_INET
server = socket.socket(FAMILY, socket.SOCK_STREAM if KIND == "tcp" else socket.SOCK_DGRAM)
server.bind((ADDRESS, 0))
if KIND == "tcp":
    server.listen(4096)
selector.register(server, selectors.EVENT_READ, accept if KIND == "tcp" else answer)
print(server.getsockname()[1], flush=True)
while True:
    for key, ready in selector.select():
        if key.fileobj.fileno() >= 0:
            key.data(key.fileobj, ready)
