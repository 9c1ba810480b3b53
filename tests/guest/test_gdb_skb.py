# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets in a real gdb: what netlab says of an skb, and tshark of the frame that it names."""
import functools
import re
import socket

from debugging import debugging, meanwhile
from lab import ask_who_has, fields, wait_until

TAP = "server.0"
ECHO = "tcp.srcport == 7777 && tcp.len == 5"
HELLO = "--send hello --expect hello"
NAMED = re.compile(r"frames? ([0-9, -]+) of (\S+) \((\S+)\)")


# Of a frame: all that these tests want to know.
NAMES = (
    "arp.dst.proto_ipv4", "arp.src.proto_ipv4", "eth.dst", "eth.src", "frame.interface_name",
    "icmp.ident", "icmp.seq", "ip.dst", "ip.id", "ip.len", "ip.proto", "ip.src", "ip.ttl",
    "ipv6.dst", "ipv6.plen", "ipv6.src", "tcp.ack_raw", "tcp.dstport", "tcp.len", "tcp.seq_raw",
    "tcp.srcport", "tcp.window_size_value", "udp.dstport", "udp.length", "udp.payload",
    "udp.srcport")
SAID = {}  # by the capture and the frame's number


@functools.lru_cache(maxsize=None)
def capture_of(lab):
    return lab.status()["capture"]["file"]


def named_frames(text):
    """The frames that a text names, as numbers."""
    match = NAMED.search(text)
    assert match, text
    found = []
    for word in match.group(1).split(", "):
        first, _, last = word.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def tell_all(lab, numbers, *names):
    """What tshark says of frames, which it is asked for once."""
    file = capture_of(lab)
    new = ", ".join(str(number) for number in numbers if (file, number) not in SAID)
    if new:
        for number, *values in fields(file, "frame.number", *NAMES,
                                      only=f"frame.number in {{{new}}}"):
            SAID[file, int(number)] = dict(zip(NAMES, values))
    return [[SAID[file, number][name] for name in names] for number in numbers]


def tell(lab, number, *names):
    """What tshark says of a frame."""
    (row,) = tell_all(lab, [number], *names)
    return row


def skb_at(gdb, function, expression):
    """Go on to where a function gets such a packet, and what netlab says of it there."""
    gdb.run(f'netlab break {function} if-packet "{expression}"')
    stop = gdb.run("continue")
    assert f"{function.partition(':')[0]} (" in stop, stop
    said = gdb.run("netlab skb")
    gdb.run("delete")
    return said


def ipv4_line(lab, number, protocol):
    source, to, ident, ttl, length = tell(lab, number, "ip.src", "ip.dst", "ip.id", "ip.ttl",
                                          "ip.len")
    return rf"IPv4 +{source} > {to}, {protocol}, id {ident}( DF)?, ttl {ttl}, length {length}\n"


def tcp_line(lab, number):
    source, to, seq, ack, length, window = tell(
        lab, number, "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.len",
        "tcp.window_size_value")
    return (rf"TCP +{source} > {to}, [A-Z ]+, seq {seq}, ack {ack}, length {length}, "
            rf"window {window}; options nop, nop, timestamps")


def check_frame(lab, said, *lines):
    """One frame is named, and the lines about it are what the functions make of tshark's."""
    (number,) = named_frames(said)
    source, to = tell(lab, number, "eth.src", "eth.dst")
    for line in [f"Ethernet  {source} > {to}, "] + [line(lab, number) for line in lines]:
        assert re.search(line, said), (line, said)
    return number


def follow_a_segment(lab, gdb):
    """One segment on its way up: it stays the same frame, and moves through the headers."""
    gdb.run(f"netlab send tcp 7777 {HELLO}")
    places = [("e1000_receive_skb", "at the Ethernet header"),
              ("napi_gro_receive", "at the network header"),
              ("ip_rcv_core", "at the network header"),
              ("tcp_v4_rcv", "at the transport header"),
              ("tcp_rcv_established", "at the transport header")]
    seen = set()
    for function, position in places:
        said = skb_at(gdb, function, "tcp.dstport == 7777 && tcp.len == 5")
        assert position in said.splitlines()[0], said
        assert "received" in said and 'payload   5 bytes: "hello"' in said
        seen.add(check_frame(lab, said, lambda *a: ipv4_line(*a, "TCP"), tcp_line))
    (number,) = seen
    assert tell(lab, number, "tcp.len", "tcp.dstport") == ["5", "7777"]


def test_what_the_guest_receives(lab):
    with debugging(lab) as gdb:
        follow_a_segment(lab, gdb)
        gdb.run(f"netlab send tcp 7777 {HELLO} -6")
        said = skb_at(gdb, "tcp_v6_rcv", "ipv6.dst == fd00:100::/64 && tcp.len > 0")
        number = check_frame(lab, said, tcp_line)
        source, to, length = tell(lab, number, "ipv6.src", "ipv6.dst", "ipv6.plen")
        assert f"{source} > {to}, TCP" in said and f"payload length {length}" in said
        gdb.run(f"netlab send udp 7777 {HELLO}")
        said = skb_at(gdb, "udp_rcv", "udp.dstport == 7777")
        number = check_frame(lab, said, lambda *a: ipv4_line(*a, "UDP"))
        source, to, length = tell(lab, number, "udp.srcport", "udp.dstport", "udp.length")
        assert f"> UDP       {source} > {to}, length {length}\n" in said
        gdb.run("netlab send udp 7777 --send " + 3000 * "x")
        said = skb_at(gdb, "udp_rcv", "udp.length == 3008")
        idents = tell_all(lab, named_frames(said), "ip.id", "ip.proto")
        assert len(idents) == 3 and idents[0] == idents[1] == idents[2], said
        gdb.begin("detach")
        gdb.end()


def ping(lab):
    lab.exec("host", "busybox", "ping", "-c", "1", "-W", "120", "192.168.100.224").ok()


def echo_requests(lab):
    return [int(number) for number, in fields(capture_of(lab), "frame.number",
                                              only="icmp.type == 8")]


def test_what_comes_beside(lab):
    lab.drive("server:7777", "tcp", "--send", "hello", "--expect", "hello").ok()
    with debugging(lab) as gdb:
        with meanwhile(ping, lab), meanwhile(ping, lab):
            # Both are captured while the guest stands still, and the second is waited for.
            wait_until(lambda: len(echo_requests(lab)) == 2, "the echo requests")
            number = echo_requests(lab)[1]
            shown = gdb.run(f"netlab frame {number} icmp_rcv")
            assert "echo request" in shown and "may have passed" not in shown, shown
            assert "icmp_rcv (skb=" in gdb.run("continue")
            said = gdb.run("netlab skb")
            assert named_frames(said) == [number]
            ident, sequence = tell(lab, number, "icmp.ident", "icmp.seq")
            assert f"> ICMP      echo request, code 0, id {ident}, sequence {sequence}\n" in said
            assert re.search(rf"^\d+ +1 +2 +icmp_rcv for frame {number}$",
                             gdb.run("netlab break"), re.M)
            gdb.run("delete")
            # It takes its packets in order: when this one is answered, so are the echoes.
            assert "1 of 1 udp" in gdb.run(f"netlab send udp 7777 {HELLO} --wait")
        ask_who_has(lab, "192.168.100.77")
        said = skb_at(gdb, "arp_rcv", "arp.opcode == 1 && arp.dst.proto_ipv4 == 192.168.100.77")
        (number,) = named_frames(said)
        source, to = tell(lab, number, "arp.src.proto_ipv4", "arp.dst.proto_ipv4")
        assert re.search(rf"> ARP       request: {source} \(\S+\) to {to} ", said)


def test_what_the_guest_sends(lab):
    with debugging(lab) as gdb:
        gdb.run(f"netlab send tcp 7777 {HELLO}")
        for function in ("dev_hard_start_xmit", "e1000_xmit_frame"):
            said = skb_at(gdb, function, "tcp.srcport == 7777 && tcp.syn")
            assert "not in the capture: made here, has not been sent" in said, said
            assert "SYN ACK" in said and "being sent" in said
        # Nobody has written the length of its datagram yet, and the memory may hold any.
        gdb.run('netlab break ip_local_out if-packet "tcp.srcport == 7777 && tcp.push"')
        assert "ip_local_out (" in gdb.run("continue")
        header = "((struct iphdr *)(skb->head + skb->network_header))"
        for stale in (0, 40, 1500):
            gdb.run(f"set var {header}->tot_len = {socket.htons(stale)}")
            said = gdb.run("netlab skb")
            assert 'payload   5 bytes: "hello"' in said and ", length 5, window" in said, said
        gdb.run("delete")
        # The echo's skb, when its acknowledgement arrives: it has no header of its own.
        gdb.run("break tcp_ack if sk->tcp_rtx_queue.rb_node != 0 && "
                "((struct tcp_skb_cb *)skb->cb)->ack_seq != ((struct tcp_sock *)sk)->snd_una")
        assert "tcp_ack (sk=" in gdb.run("continue")
        wait_until(lambda: fields(capture_of(lab), "frame.number", only=ECHO), "the echo's frame")
        said = gdb.run("netlab skb (struct sk_buff *)sk->tcp_rtx_queue.rb_node")
        (number,) = named_frames(said)
        seq, length = tell(lab, number, "tcp.seq_raw", "tcp.len")
        assert "port 7777 > 192.168.100.50 port " in said and f"seq {seq}, length {length}" in said
        assert "no header is built yet" in said.splitlines()[0]


# Datagrams of one size, each with its number, in bursts that are answered.
BURSTS = """
import contextlib, socket
with socket.socket(type=socket.SOCK_DGRAM) as sender:
    sender.connect(("192.168.100.224", 7777))
    sender.settimeout(1)
    for first in range(0, 8000, 8):
        for number in range(first, first + 8):
            sender.send(b"%0100d" % number)
        with contextlib.suppress(TimeoutError):
            for _ in range(8):
                sender.recv(200)
"""


def merged_datagrams(gdb, feature):
    """What netlab says of an skb at udp_rcv() where GRO merges datagrams that are for a socket
    which hasn't asked for that."""
    gdb.run("tbreak udp_gro_receive")
    gdb.run("continue")
    gdb.run("set $features = &skb->dev->features")
    gdb.run(f"set var *$features |= 1ull << NETIF_F_{feature}_BIT")
    said = skb_at(gdb, "udp_rcv", "udp.dstport == 7777 && udp.length > 108")
    gdb.run(f"set var *$features &= ~(1ull << NETIF_F_{feature}_BIT)")
    return said


def check_merged_datagrams(lab, said, kinds):
    """The frames that are named have the payload, one behind another."""
    size, count, found = re.search(r"gso_size (\d+), gso_segs (\d+), gso_type ([\w ]+)",
                                   said).groups()
    numbers = named_frames(said)
    assert (size, found) == ("100", kinds) and len(numbers) == int(count) > 1, said
    assert ": merged from them" in said
    rows = tell_all(lab, numbers, "frame.interface_name", "udp.payload")
    first = int(bytes.fromhex(rows[0][1]))
    assert rows == [[TAP, (b"%0100d" % (first + i)).hex()] for i in range(int(count))]


def check_merged_segments(lab, said):
    numbers = named_frames(said)
    size, count = map(int, re.search(r"gso_size (\d+), gso_segs (\d+)", said).groups())
    seq, length = map(int, re.search(r", seq (\d+), .*length (\d+), window", said).groups())
    rows = tell_all(lab, numbers, "frame.interface_name", "tcp.seq_raw", "tcp.len")
    assert len(rows) == count > 1 and ": merged from them" in said
    assert rows == [[TAP, str(seq + i * size), str(min(size, length - i * size))]
                    for i in range(count)]


def test_what_was_merged(make_lab, start_verb):
    lab = make_lab(capture=["br0", TAP])
    lab.up().ok()
    with debugging(lab) as gdb:
        gdb.run(f"netlab send tcp 7777 {HELLO} --bytes 300K")
        check_merged_segments(
            lab, skb_at(gdb, "tcp_v4_rcv", "tcp.dstport == 7777 && tcp.len > 1448"))
        start_verb("exec", f"{lab.name}/host", "--", "/usr/bin/python3", "-c", BURSTS)
        check_merged_datagrams(lab, merged_datagrams(gdb, "GRO_UDP_FWD"), "UDP_L4")
        check_merged_datagrams(lab, merged_datagrams(gdb, "GRO_FRAGLIST"), "UDP_L4 FRAGLIST")


def test_what_can_not_be(lab):
    with debugging(lab) as gdb:
        for command, said in [
                ("netlab skb", "no skb among the arguments and locals of these functions"),
                ("netlab skb 1", "no skb at 0x1: it can't be read"),
                ("netlab skb nothing", 'No symbol "nothing" in current context'),
                ("netlab skb &init_net", "points to a struct net, not to an skb"),
                ("netlab frame", "the number of a frame is wanted"),
                ("netlab frame 999999", "no frame 999999 in "),
                ("netlab break", "No breakpoints for packets"),
                ("netlab break tcp_v4_rcv", "if-packet"),
                ("netlab break nowhere if-packet tcp", 'Function "nowhere" not defined'),
                ("netlab break tcp_sendmsg if-packet tcp", "tcp_sendmsg has no skb"),
                ("netlab break tcp_v4_rcv if-packet \"tcp.foo\"", "no field 'tcp.foo'"),
                ("netlab send tcp", "netlab send tcp|udp [GUEST:]PORT"),
                ("netlab send tcp 7777 --bytes 1x", "--bytes: '1x' is no number"),
                ("netlab send tcp 7777 --what", "no option --what"),
                ("netlab send tcp 65536", "'65536': a port is from 1 to 65535"),
                ("netlab send tcp nobody:1", "no guest 'nobody'")]:
            assert said in gdb.run(command), command
        assert gdb.run("info breakpoints").startswith("No breakpoints")
        shown = gdb.run("netlab frame 1")
        assert f"of {capture_of(lab)} (br0), " in shown and "Ethernet" in shown
        for start, whole in [("netlab send t", "netlab send tcp"),
                             ("netlab break tcp_v4_rc", "netlab break tcp_v4_rcv"),
                             ('netlab break f if-packet "tcp.dstp',
                              'netlab break f if-packet "tcp.dstport'),
                             ("netlab send tcp 7 --exp", "netlab send tcp 7 --expect"),
                             ("netlab frame 1 tcp_v4_rc", "netlab frame 1 tcp_v4_rcv")]:
            assert whole in gdb.run(f"complete {start}").splitlines(), start


def test_traffic_from_within(make_lab):
    lab = make_lab(capture=None)
    lab.up().ok()
    with debugging(lab) as gdb:
        said = gdb.run(f"netlab send tcp 7777 {HELLO} --connections 3 --wait")
        assert "netlab send: 3 of 3 tcp to 192.168.100.224 port 7777 ok, sent 15 bytes" in said
        assert "SIGINT" in said
        gdb.run("netlab break tcp_v4_rcv if-packet tcp.syn")
        said = gdb.run("netlab send tcp 9 --wait")
        assert "tcp_v4_rcv (skb=" in said and "netlab send:" not in said
        assert re.search(r"^\d+ +1 +\d+ +tcp_v4_rcv if-packet \"tcp.syn\"$",
                         gdb.run("netlab break"), re.M)
        assert "no frame number: the lab has no capture" in gdb.run("netlab skb")
        assert "the lab has no capture" in gdb.run("netlab frame 1")
        gdb.run("delete")
        said = gdb.run(f"netlab send server:7777 tcp {HELLO}")
        assert "netlab send tcp|udp" in said
        said = gdb.run(f"netlab send udp server:7777 {HELLO} --wait")
        assert "1 of 1 udp" in said and "0 of 1 tcp" in said and "Connection refused" in said
        gdb.run("netlab break *tcp_sendmsg if-packet tcp")
        said = gdb.run(f"netlab send tcp 7777 {HELLO} --wait")
        assert "knows no skb (there is none here), and stops" in said
    # What is over when gdb leaves is told, and no gdb dies of it.
    late = "python from netlab_gdb import send; send.LOOP.post(lambda: print('late'))"
    said = lab.verb("gdb", f"{lab.name}/server", "--", "-nx", "-batch", "-ex", late).ok()
    assert "late\n" in said.stdout
    assert not lab.guest()["halted"]


def test_on_the_loopback_device(lab):
    with debugging(lab) as gdb:
        gdb.run("netlab break icmp_rcv if-packet icmp")
        with meanwhile(lambda: lab.exec("server", "ping", "-c", "1", "127.0.0.1").ok()):
            assert "icmp_rcv (skb=" in gdb.run("continue")
            assert "not in the capture: on lo, which never leaves" in gdb.run("netlab skb")
            gdb.run("delete")
            gdb.begin("detach")
            gdb.end()


def test_before_the_kernel_is_mapped(make_lab):
    lab = make_lab()
    lab.up("--freeze").ok()
    with debugging(lab) as gdb:
        gdb.run("netlab break tcp_v4_rcv if-packet tcp.syn")
        assert "hw breakpoint" in gdb.run("info breakpoints")
        assert 'tcp_v4_rcv if-packet "tcp.syn"' in gdb.run("netlab break")
