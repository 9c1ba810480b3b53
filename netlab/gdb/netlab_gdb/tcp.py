# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP connection: sequence space, congestion, timers and queues of a struct tcp_sock."""

from typing import NamedTuple

import gdb

from . import memory, segments, timers

WORD = 1 << 32
CA_STATES = ("Open", "Disorder", "CWR", "Recovery", "Loss")  # enum tcp_ca_state
# icsk_pending, include/net/inet_connection_sock.h: what the retransmit timer is for.
TIMER_EVENTS = {1: "retransmission", 2: "delayed ACK", 3: "zero window probe",
                5: "tail loss probe", 6: "reordering"}
# icsk_ack.pending, enum inet_csk_ack_state_t there.
ACK_SCHEDULED, ACK_TIMER = 1, 2
ACK_STATES = ((ACK_SCHEDULED, "scheduled"), (ACK_TIMER, "timer"), (4, "pushed"), (8, "pushed2"),
              (16, "now"), (32, "no memory"))
FIN_IS_QUEUED = ("FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK")
NAGLE_OFF, NAGLE_CORK = 1, 2
INFINITE_SSTHRESH = 0x7FFFFFFF


class Origins(NamedTuple):
    """The initial sequence numbers, and how sure they are."""

    sent: int
    received: int
    sent_from: str
    received_from: str


def sent_origin(tp: gdb.Value, state: str) -> tuple[int, str]:
    """The initial sequence number of what we send, and what it was told from.

    The kernel doesn't keep it. bytes_acked counts our SYN when we opened the connection, and
    doesn't when the peer did: what was sent since (bytes_sent, less what was sent again) tells
    which of them it is."""
    una, acked = int(tp["snd_una"]), int(tp["bytes_acked"])
    if state == "SYN_SENT":
        return una, "snd_una"
    sent = int(tp["bytes_sent"]) - int(tp["bytes_retrans"])
    fin = state in FIN_IS_QUEUED and int(tp["snd_nxt"]) == int(tp["write_seq"])
    by_sent = (int(tp["snd_nxt"]) - sent - 1 - fin) % WORD
    if by_sent == (una - acked) % WORD:
        return by_sent, "snd_una - bytes_acked (opened from here)"
    told = "snd_una - bytes_acked - 1"
    if by_sent != (una - acked - 1) % WORD:
        told += ", or 1 more if the connection was opened from here: bytes_sent doesn't tell now"
    return (una - acked - 1) % WORD, told


def origins(tp: gdb.Value, state: str) -> Origins:
    """Both initial sequence numbers."""
    sent, sent_from = sent_origin(tp, state)
    if state == "SYN_SENT":
        return Origins(sent, int(tp["rcv_nxt"]), sent_from, "rcv_nxt: no SYN has come yet")
    received = (int(tp["rcv_nxt"]) - int(tp["bytes_received"]) - 1) % WORD
    return Origins(sent, received, sent_from, "rcv_nxt - bytes_received - 1")


def sequence_lines(tp: gdb.Value, zero: Origins) -> list[str]:
    """The variables of RFC 9293 3.3.1, by the kernel's names."""
    lines = ["  sequence space   absolute   relative",
             f"    iss          {zero.sent:>10}          0   {zero.sent_from}",
             f"    irs          {zero.received:>10}          0   {zero.received_from}"]
    for names, origin in ((("snd_una", "snd_nxt", "write_seq"), zero.sent),
                          (("rcv_nxt", "copied_seq", "rcv_wup"), zero.received)):
        for name in names:
            value = int(tp[name])
            lines.append(f"    {name:<12} {value:>10} {segments.relative(value, origin):>10}")
    snd_end = (int(tp["snd_una"]) + int(tp["snd_wnd"])) % WORD
    rcv_end = (int(tp["rcv_wup"]) + int(tp["rcv_wnd"])) % WORD
    lines.append(f"    snd_wnd      {int(tp['snd_wnd']):>10}              up to "
                 f"{segments.relative(snd_end, zero.sent)}")
    lines.append(f"    rcv_wnd      {int(tp['rcv_wnd']):>10}              up to "
                 f"{segments.relative(rcv_end, zero.received)}")
    return lines


def in_flight(tp: gdb.Value) -> int:
    """tcp_packets_in_flight()."""
    return (int(tp["packets_out"]) - int(tp["sacked_out"]) - int(tp["lost_out"])
            + int(tp["retrans_out"]))


def ca_name(icsk: gdb.Value) -> str:
    """The congestion control's name."""
    operations = int(icsk["icsk_ca_ops"])
    if not operations:
        return "none"
    offset = memory.offset_of("tcp_congestion_ops", "name")
    return memory.string_at(operations + offset, 16)


def congestion_lines(tp: gdb.Value, icsk: gdb.Value) -> list[str]:
    """Congestion control and what was lost."""
    state = int(icsk["icsk_ca_state"])
    name = CA_STATES[state] if state < len(CA_STATES) else str(state)
    ssthresh = int(tp["snd_ssthresh"])
    shown = "infinite" if ssthresh >= INFINITE_SSTHRESH else ssthresh
    return [
        f"  congestion: {memory.optional(ca_name, icsk) or 'unreadable'}, state {name}, "
        f"cwnd {int(tp['snd_cwnd'])}, ssthresh {shown}, in flight {in_flight(tp)}, "
        f"mss {int(tp['mss_cache'])}",
        f"    packets out {int(tp['packets_out'])}, SACKed {int(tp['sacked_out'])}, "
        f"lost {int(tp['lost_out'])}, retransmitted {int(tp['retrans_out'])} now and "
        f"{int(tp['total_retrans'])} in all"]


def rtt_lines(tp: gdb.Value, icsk: gdb.Value) -> list[str]:
    """The round trip as it was measured. srtt_us is kept times 8, mdev_us times 4."""
    rto = timers.milliseconds(int(icsk["icsk_rto"]))
    smoothed = int(tp["srtt_us"])
    if not smoothed:
        return [f"  RTT: not measured yet; RTO {rto}"]
    return [f"  RTT: {smoothed / 8000:.3f} ms, deviation {int(tp['mdev_us']) / 4000:.3f} ms, "
            f"least {int(tp['rtt_min']['s'][0]['v']) / 1000:.3f} ms; RTO {rto}"]


def retransmit_timer(icsk: gdb.Value) -> str:
    """What it is for; the kernel lets a timer run on that nothing waits for."""
    event = int(icsk["icsk_pending"])
    timer = icsk["icsk_retransmit_timer"]
    if not event:
        return "not pending" + (" (it runs on for nothing)" if timers.is_pending(timer) else "")
    name = TIMER_EVENTS.get(event, f"event {event}")
    due = timers.until(int(icsk["icsk_timeout"]) % timers.WORD)
    return f"{name} {due}, retransmits {int(icsk['icsk_retransmits'])}, " \
           f"backoff {int(icsk['icsk_backoff'])}, probes out {int(icsk['icsk_probes_out'])}"


def ack_timer(icsk: gdb.Value) -> str:
    """The delayed ACK."""
    acknowledge = icsk["icsk_ack"]
    pending = int(acknowledge["pending"])
    if not pending:
        return "not pending"
    states = ", ".join(name for bit, name in ACK_STATES if pending & bit)
    if not pending & ACK_TIMER:
        return f"{states}; no timer"
    return f"{states}; {timers.until(int(acknowledge['timeout']) % timers.WORD)}"


def timer_lines(tp: gdb.Value, icsk: gdb.Value, sk: gdb.Value) -> list[str]:
    """Every timer of the connection's."""
    return ["  timers",
            f"    retransmit     {retransmit_timer(icsk)}",
            f"    delayed ACK    {ack_timer(icsk)}",
            f"    keepalive      {timers.timer(sk['sk_timer'])}",
            f"    pacing         {timers.hrtimer(tp['pacing_timer'])}",
            f"    compressed ACK {timers.hrtimer(tp['compressed_ack_timer'])}"]


def option_line(tp: gdb.Value) -> str:
    """What both ends agreed on, and what the socket was asked for."""
    received = tp["rx_opt"]
    words = [name for field, name in (("tstamp_ok", "timestamps"), ("sack_ok", "SACK"))
             if int(received[field])]
    if int(received["wscale_ok"]):
        words.append(f"window scale {int(received['snd_wscale'])} (the peer's) and "
                     f"{int(received['rcv_wscale'])} (ours)")
    nagle = int(tp["nonagle"])
    words += ["TCP_NODELAY"] * bool(nagle & NAGLE_OFF) + ["TCP_CORK"] * bool(nagle & NAGLE_CORK)
    words.append(f"peer's MSS at most {int(received['mss_clamp'])}, ours {int(tp['advmss'])}")
    return f"  TCP options: {', '.join(words)}"


def queue_lines(tp: gdb.Value, sk: gdb.Value, zero: Origins) -> list[str]:
    """All that waits: to be read, in order or not, to be sent, and to be acknowledged."""
    def received(skb: int) -> str:
        return segments.segment(skb, zero.received)

    def sent(skb: int) -> str:
        return segments.sent_segment(skb, zero.sent)

    unread = segments.relative(int(tp["rcv_nxt"]), int(tp["copied_seq"]))
    return (segments.listing(f"receive queue ({unread} bytes unread)",
                             segments.queue(sk["sk_receive_queue"]), received)
            + segments.listing("out of order", segments.tree(tp["out_of_order_queue"]), received)
            + segments.listing("backlog", segments.chained(int(sk["sk_backlog"]["head"])), received)
            + segments.listing("not sent yet", segments.queue(sk["sk_write_queue"]), sent)
            + segments.listing("sent, not acknowledged", segments.tree(sk["tcp_rtx_queue"]), sent))


def connection_lines(address: int, state: str) -> list[str]:
    """Everything of a connection's."""
    tp = memory.at("tcp_sock", address)
    icsk = tp["inet_conn"]
    sk = icsk["icsk_inet"]["sk"]
    zero = origins(tp, state)
    return (sequence_lines(tp, zero) + congestion_lines(tp, icsk) + rtt_lines(tp, icsk)
            + timer_lines(tp, icsk, sk) + [option_line(tp)] + queue_lines(tp, sk, zero))
