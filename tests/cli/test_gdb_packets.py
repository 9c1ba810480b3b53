# SPDX-License-Identifier: GPL-2.0-or-later
"""What netlab's gdb commands make of bytes, with tshark as the witness."""
import random
import subprocess

import pytest

import gdbmodules
from gdbmodules import (FRAMES, capture, ethernet, frame, headers, index, interface, ipv4,
                        packet_filter, packettext, pcapng, section, tcp, udp)

ABSOLUTE = ["-o", "tcp.relative_sequence_numbers:FALSE", "-o", "ip.defragment:FALSE",
            "-o", "ipv6.defragment:FALSE"]
# Names that Wireshark has otherwise, or not.
OURS = {"tcp.syn", "tcp.fin", "tcp.rst", "tcp.push", "tcp.window", "tcp.flags.rst",
        "tcp.flags.psh", "arp.proto.type"}


def tshark(*words):
    return subprocess.run(["tshark", "-n", *ABSOLUTE, *words], capture_output=True, text=True,
                          timeout=120, check=True).stdout.splitlines()


def as_number(text):
    if text in ("True", "False"):
        return int(text == "True")
    return int(text, 16 if text.startswith("0x") else 10)


def witness_values(kind, text):
    """What tshark printed for a field, as our values."""
    texts = text.split(",") if text else []
    if kind in (packet_filter.NUMBER, packet_filter.FLAG):
        return [as_number(one) for one in texts]
    return texts


def our_values(kind, packet, name):
    values = packet.values(name)
    if kind in (packet_filter.NUMBER, packet_filter.FLAG):
        return values
    return [packettext.address(value) for value in values]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return capture(tmp_path_factory.mktemp("packets") / "c.pcapng", FRAMES)


def field_names():
    return sorted(name for name, kind in packet_filter.KINDS.items()
                  if kind != packet_filter.PROTOCOL and name not in packet_filter.ALIASES
                  and name not in OURS)


def test_every_field_is_what_wireshark_says(path):
    names = field_names()
    rows = tshark("-r", path, "-T", "fields", *(w for name in names for w in ("-e", name)))
    assert len(rows) == len(FRAMES)
    seen = set()
    for number, (data, row) in enumerate(zip(FRAMES, rows), 1):
        packet = headers.decode(data)
        assert not packet.problem
        for name, text in zip(names, row.split("\t")):
            kind = packet_filter.KINDS[name]
            assert our_values(kind, packet, name) == witness_values(kind, text), (number, name)
            seen |= {name} if text else set()
    assert seen == set(names)


EXPRESSIONS = """
tcp.dstport == 7777 && tcp.flags.syn == 1
tcp.port == 7777 and not ipv6
udp || arp
!(tcp or udp)
ip.src == 192.168.100.0/24 && ip.ttl < 10
ip.addr != 10.0.0.1 && icmp
ip && !(ip.addr != 192.168.100.50)
ipv6.dst == fd00:100::224
ipv6.addr == fd00:100::/64 && tcp.len > 0
eth.dst == 52:54:00:ee:fc:0c && vlan.id == 100
frame.len >= 60 && frame.len <= 0x40
icmp.type == 8 || icmpv6.type eq 135
tcp.seq_raw == 1000 && tcp.ack_raw ge 2000
tcp.flags & 0x12
arp.opcode == 1
ip.flags.mf == 1 or ip.frag_offset gt 0
tcp.options.mss_val == 1460
udp.srcport == 53
tcp.window_size_value lt 1000 && (tcp.flags.fin == 1 || tcp.flags.push == 1)
""".strip().splitlines()


def test_an_expression_lets_through_what_wireshark_lets_through(path):
    for text in EXPRESSIONS:
        wanted = [int(n) for n in tshark("-r", path, "-Y", text, "-T", "fields", "-e",
                                         "frame.number")]
        matches = packet_filter.Filter(text).matches
        assert wanted, text
        assert [n for n, data in enumerate(FRAMES, 1)
                if matches(headers.decode(data))] == wanted, text


def test_a_flag_alone_is_true_where_it_is_set():
    matches = packet_filter.Filter("tcp.dstport == 7777 && tcp.syn").matches
    assert [n for n, data in enumerate(FRAMES, 1) if matches(headers.decode(data))] == [1]


@pytest.mark.parametrize("text, message, at", [
    ("tcp.dstport ==", "a value is missing", 14),
    ("tcp.dstpot == 1", "no field 'tcp.dstpot'; there is tcp.dstport", 0),
    ("(tcp", "')' is missing", 4),
    ("tcp udp", "'udp' where && or ||", 4),
    ("ip.src == 1.2.3.4.5", "'1.2.3.4.5' is no IPv4 address", 10),
    ("ip.src < 10.0.0.0/8", "a prefix can be compared by == and !=", 9),
    ("tcp.seq == x1", "'x1' is no number", 11),
    ("udp.port == 65536", "'65536' is no port: they end at 65535", 12),
    ("eth.src == 1.2.3.4", "is no Ethernet address", 11),
    ("tcp == 1", "tcp is a protocol", 0),
    ("tcp && $x", "'$' means nothing here", 7),
    ("&& tcp", "'&&' where a field is wanted", 0),
    ("(" * 60 + "tcp", "more than 50 terms in one another", 50),
    ("", "no expression", 0),
])
def test_an_error_shows_the_place(text, message, at):
    with pytest.raises(packet_filter.FilterError) as caught:
        packet_filter.Filter(text)
    assert message in str(caught.value)
    assert caught.value.at == at
    assert str(caught.value).splitlines()[-1].index("^") == at + 2


def test_no_bytes_upset_the_decoder():
    chance = random.Random(1)
    for data in FRAMES:
        for size in range(len(data)):
            packettext.lines(headers.decode(data[:size]))
        for _ in range(300):
            changed = bytearray(data)
            for _ in range(chance.randint(1, 6)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            packet = headers.decode(bytes(changed), length=chance.randrange(100))
            packettext.lines(packet)
            index.digest(packet)
            index.segment_of(packet)


def test_a_short_header_says_so():
    assert headers.decode(FRAMES[1][:40]).problem == "TCP: 6 of 20 bytes"
    assert headers.decode(ethernet(b"\x41" + bytes(19))).problem == (
        "IPv4: a header length of 4 bytes")


# --- the file -----------------------------------------------------------------------------------

def numbers(reader):
    return [one.number for one, _ in reader.read()]


def test_a_file_that_grows_is_read_on(tmp_path):
    data = section() + interface() + b"".join(map(frame, FRAMES[:3]))
    file = tmp_path / "c.pcapng"
    file.write_bytes(data[:-7])
    reader = pcapng.Reader(str(file))
    assert numbers(reader) == [1, 2]
    assert numbers(reader) == []
    file.write_bytes(data)
    ((third, content),) = reader.read()
    assert (third.number, third.interface.name, content) == (3, "br0", FRAMES[2])
    assert reader.data(third) == FRAMES[2]
    assert not reader.is_replaced()
    file.write_bytes(section())
    assert reader.is_replaced()
    reader.close()


def test_frames_are_numbered_over_all_interfaces_and_sections(tmp_path):
    file = tmp_path / "c.pcapng"
    file.write_bytes(
        section() + interface(b"a") + interface(b"b", 147) + frame(FRAMES[0], 0)
        + frame(b"a row of text", 1)
        + gdbmodules.block(3, bytes([len(FRAMES[1]), 0, 0, 0]) + FRAMES[1])
        + gdbmodules.block(0xee65746c, bytes(40)) + section(">") + interface(b"c", 1, ">")
        + frame(FRAMES[2], 0, 5, None, ">"))
    reader = pcapng.Reader(str(file))
    found = [(one.number, one.interface.name, one.interface.link_type)
             for one, _ in reader.read()]
    assert found == [(1, "a", 1), (2, "b", 147), (4, "c", 1)]
    assert tshark("-r", file, "-T", "fields", "-e", "frame.number") == ["1", "2", "3", "4"]
    reader.close()


@pytest.mark.parametrize("data, message", [
    (b"GET / HTTP/1.0\r\n", "not a pcapng file"),
    (section() + b"\6\0\0\0\xff\xff\xff\x7f" + bytes(8), "the block at byte 28 says it has"),
    (section() + frame(FRAMES[0]), "the frame at byte 28 can't be"),
    (section() + interface() + gdbmodules.block(6, bytes(4)), "has no header"),
    (section() + gdbmodules.block(1, bytes(4)), "the interface at byte 28 can't be"),
])
def test_a_file_that_can_not_be_is_refused(tmp_path, data, message):
    (tmp_path / "c").write_bytes(data)
    reader = pcapng.Reader(str(tmp_path / "c"))
    with pytest.raises(pcapng.CaptureError, match=message):
        numbers(reader)
    reader.close()


def test_no_file_upsets_the_reader(tmp_path):
    chance = random.Random(2)
    whole = section() + interface() + b"".join(map(frame, FRAMES))
    file = tmp_path / "c"
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        file.write_bytes(changed)
        reader = pcapng.Reader(str(file))
        try:
            index.Index(reader).update()
        except pcapng.CaptureError:
            pass
        reader.close()


# --- which frame --------------------------------------------------------------------------------

def look_up(path, data, read_before=1 << 40, **query):
    """The numbers of the frames that a packet is."""
    there = index.Index(pcapng.Reader(str(path)))
    there.update()
    packet = headers.decode(data, whole=True)
    found = there.find(index.Query(packet, index.segment_of(packet), **query),
                       lambda frame: True, read_before)
    there.reader.close()
    return found


def found_numbers(*words, **query):
    return [one.number for one in look_up(*words, **query).frames]


def test_every_frame_is_itself(path):
    for number, data in enumerate(FRAMES, 1):
        assert number in found_numbers(path, data), number


def test_checksums_hop_limit_and_addresses_of_ethernet_may_differ(path):
    data = bytearray(FRAMES[1])
    data[0:12] = bytes(range(12))
    data[22] -= 1                   # ttl
    data[24:26] = data[50:52] = b"\xab\xcd"
    assert found_numbers(path, bytes(data)) == [2]
    data[54] ^= 1                   # payload
    assert found_numbers(path, bytes(data)) == []


SEGMENTS = [ethernet(ipv4(tcp(bytes([65 + i]) * 100, seq=1000 + 100 * i), ident=i + 1))
            for i in range(4)]


def test_a_merged_segment_is_all_its_frames(tmp_path):
    file = capture(tmp_path / "c", SEGMENTS + [FRAMES[5]])
    merged = ethernet(ipv4(tcp(b"B" * 100 + b"C" * 100 + b"D" * 100, seq=1100), ident=2))
    assert found_numbers(file, merged, way=index.Way.RECEIVED) == [2, 3, 4]
    assert look_up(file, merged).whole
    longer = ethernet(ipv4(tcp(b"D" * 100 + b"E" * 100, seq=1300), ident=4))
    assert found_numbers(file, longer) == [4]
    assert not look_up(file, longer).whole


def test_merged_datagrams_are_all_their_frames(tmp_path):
    def sent(text, ident, ports=(40000, 7777)):
        return ethernet(ipv4(udp(text, ports), 17, ident))
    burst = [sent(bytes([65 + i]) * 100, i + 1) for i in range(3)] + [sent(b"D" * 40, 4)]
    other = sent(b"A" * 100, 1, (40001, 7777))
    file = capture(tmp_path / "c", [burst[0], other, *burst[1:], FRAMES[1], *burst])
    def numbers_of(text, **query):
        return found_numbers(file, sent(text, 1), way=index.Way.RECEIVED, **query)
    texts = b"A" * 100 + b"B" * 100 + b"C" * 100 + b"D" * 40
    assert numbers_of(texts, part_size=100) == [7, 8, 9, 10]
    assert numbers_of(texts, part_size=100, read_before=200) == [1, 3, 4, 5]
    assert numbers_of(texts[100:300], part_size=100, queued=True) == [3, 4]
    assert numbers_of(texts[:299] + texts[300:], part_size=100) == []
    assert numbers_of(texts[:100] + texts[200:], part_size=100) == []
    assert numbers_of(texts) == []


def test_sequence_numbers_wrap(tmp_path):
    seq = (1 << 32) - 50
    file = capture(tmp_path / "c", [ethernet(ipv4(tcp(b"A" * 100, seq=seq))),
                                    ethernet(ipv4(tcp(b"B" * 100, seq=50), ident=2))])
    both = ethernet(ipv4(tcp(b"A" * 100 + b"B" * 100, seq=seq)))
    assert found_numbers(file, both) == [1, 2]


def test_a_segment_of_a_frame_that_was_cut_later(tmp_path):
    file = capture(tmp_path / "c", [ethernet(ipv4(tcp(b"ABCDEFGH" * 25, seq=1000), ident=9))])
    part = ethernet(ipv4(tcp((b"ABCDEFGH" * 25)[100:150], seq=1100), ident=10))
    found = look_up(file, part)
    assert [one.number for one in found.frames] == [1] and found.part == (100, 150)
    wrong = ethernet(ipv4(tcp(b"x" * 50, seq=1100), ident=10))
    assert found_numbers(file, wrong) == []


def test_of_equal_frames_the_last_before_the_stop_is_taken(tmp_path):
    file = capture(tmp_path / "c", [FRAMES[1], FRAMES[5], FRAMES[1], FRAMES[1]])
    found = look_up(file, FRAMES[1])
    assert [one.number for one in found.equal] == [1, 3, 4] and found.frames[0].number == 4
    stop = found.equal[2].at - 1
    found = look_up(file, FRAMES[1], stop)
    assert found.frames[0].number == 3 and "before the guest stopped" in found.reason
    assert found_numbers(file, FRAMES[1], stop, queued=True) == [1]
    assert found_numbers(file, FRAMES[1], 0) == [1]


def test_a_retransmission_in_hand_is_not_the_frame_that_was_sent(tmp_path):
    def sent(stamp, ident):
        option = bytes.fromhex("0101080a") + stamp.to_bytes(4, "big") + bytes(4)
        return ethernet(ipv4(tcp(b"again", options=option), ident=ident))
    file = capture(tmp_path / "c", [sent(1, 7), ethernet(ipv4(tcp(b"plain"), ident=7))])
    assert found_numbers(file, sent(1, 7), way=index.Way.SENT) == [1]
    assert found_numbers(file, sent(2, 8), way=index.Way.SENT) == []
    assert found_numbers(file, ethernet(ipv4(tcp(b"plain"), ident=3000)),
                         way=index.Way.SENT) == []


def test_a_packet_that_was_put_together_is_all_its_fragments(tmp_path):
    whole = ipv4(udp(b"f" * 3000), 17, ident=77)
    parts = [ethernet(ipv4(whole[20:1500], 17, 77, 0x2000)), FRAMES[0],
             ethernet(ipv4(whole[1500:], 17, 77, 1480 // 8))]
    file = capture(tmp_path / "c", parts)
    assert found_numbers(file, ethernet(whole)) == [1, 3]


def test_ranges_are_short():
    assert index.ranges([3, 1, 2, 9]) == "1-3, 9"
