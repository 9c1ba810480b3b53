# SPDX-License-Identifier: GPL-2.0-or-later
"""epoll-echo, run on this machine's loopback."""
import os
import pathlib
import re
import socket
import struct
import subprocess
import threading

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build"))
PROGRAM = str(BUILD / "guest" / "epoll-echo")
DEADLINE = 60
EPOLLIN, EPOLLOUT, EPOLLET = 1, 4, 1 << 31


def free_port():
    """Free for TCP and UDP, on both families."""
    with socket.socket(socket.AF_INET6) as tcp:
        tcp.bind(("::", 0))
        return tcp.getsockname()[1]


class Server:
    def __init__(self, *options):
        self.port = free_port()
        self.process = subprocess.Popen([PROGRAM, "--port", str(self.port), *options],
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == (
            f"epoll-echo: listening on port {self.port}\n")

    def connect(self, host="127.0.0.1"):
        return socket.create_connection((host, self.port), timeout=DEADLINE)

    def interests(self):
        """What the kernel has of epoll_ctl(): {fd: events}."""
        for info in pathlib.Path(f"/proc/{self.process.pid}/fdinfo").iterdir():
            found = re.findall(r"^tfd:\s+(\d+)\s+events:\s+([0-9a-f]+)", info.read_text(), re.M)
            if found:
                return {int(fd): int(events, 16) for fd, events in found}
        return {}

    def end(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


@pytest.fixture(params=["edge", "level"])
def server(request):
    server = Server("--udp", *(["--level"] if request.param == "level" else []))
    server.mode = request.param
    yield server
    assert server.process.poll() is None, "it did not survive"
    server.end()


def receive_all(connection):
    data = bytearray()
    while block := connection.recv(1 << 20):
        data += block
    return bytes(data)


def exchange(connection, data):
    """Send everything and half-close, while everything up to the end comes back."""
    def send():
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        return receive_all(connection)
    finally:
        sender.join(DEADLINE)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_echo(server, host):
    with server.connect(host) as connection:
        for word in b"hello", b"and again":
            connection.sendall(word)
            assert connection.recv(100) == word
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_megabytes_and_half_close(server):
    data = os.urandom(8 << 20)
    with server.connect() as connection:
        assert exchange(connection, data) == data


def test_a_client_that_reads_late(server):
    """It sends until nothing goes any more; then all buffers on the way are full."""
    with server.connect() as connection:
        connection.setblocking(False)
        sent = 0
        block = bytes(range(256)) * 256
        try:
            while sent < 256 << 20:
                sent += connection.send(block[sent % len(block):])
        except BlockingIOError:
            pass
        assert sent > 1 << 17
        with server.connect() as other:
            other.sendall(b"not held up")
            assert other.recv(100) == b"not held up"
        connection.settimeout(DEADLINE)
        connection.shutdown(socket.SHUT_WR)
        data = receive_all(connection)
    assert len(data) == sent
    assert data == (block * (sent // len(block) + 1))[:sent]


def test_many_connections(server):
    connections = [server.connect() for _ in range(300)]
    for number, connection in enumerate(connections):
        connection.sendall(b"%d" % number)
    for number, connection in enumerate(connections):
        assert connection.recv(100) == b"%d" % number
        connection.close()


def test_reset_is_survived(server):
    connection = server.connect()
    connection.sendall(bytes(1 << 16))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    with server.connect() as other:
        other.sendall(b"hello")
        assert other.recv(100) == b"hello"


def test_interest_is_what_the_mode_says(server):
    with server.connect() as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        accepted = server.interests()[max(server.interests())]
        # The kernel adds EPOLLERR and EPOLLHUP.
        if server.mode == "edge":
            assert accepted & (EPOLLET | EPOLLIN | EPOLLOUT) == EPOLLET | EPOLLIN | EPOLLOUT
        else:
            assert accepted & (EPOLLET | EPOLLIN | EPOLLOUT) == EPOLLIN


def test_descriptors_are_given_back(server):
    descriptors = pathlib.Path(f"/proc/{server.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(20):
        with server.connect() as connection:
            assert exchange(connection, b"x" * 1000) == b"x" * 1000
    with server.connect() as connection:
        assert exchange(connection, b"") == b""
    assert len(list(descriptors.iterdir())) == before


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"),
                                          (socket.AF_INET, "127.0.0.5"),
                                          (socket.AF_INET6, "::1")])
def test_udp_answers_from_the_address_that_was_asked(server, family, host):
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(DEADLINE)
        for size in 0, 5, 1472, 60_000:
            data = os.urandom(size)
            client.sendto(data, (host, server.port))
            answer, peer = client.recvfrom(65536)
            assert answer == data
            assert peer[:2] == (host, server.port)


def test_without_udp_there_is_none():
    server = Server()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(DEADLINE)
            client.connect(("127.0.0.1", server.port))
            client.send(b"hello")
            with pytest.raises(ConnectionRefusedError):
                client.recv(100)
    finally:
        server.end()


@pytest.mark.parametrize("words", [[], ["--port"], ["--port", "0"], ["--port", "65536"],
                                   ["--port", "7x"], ["--port", "7", "more"], ["--nonsense"]])
def test_misuse(words):
    result = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=DEADLINE,
                            check=False)
    assert result.returncode == 2
    assert "Usage:" in result.stderr


def test_port_is_taken(server):
    result = subprocess.run([PROGRAM, "--port", str(server.port)], capture_output=True,
                            text=True, timeout=DEADLINE, check=False)
    assert result.returncode == 1
    assert result.stderr == "epoll-echo: bind: Address already in use\n"
