# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways of a packet through Linux, stage by stage: a table, and nothing that needs gdb.

A stage is a function and one sentence of what happens there. Names are those of Linux 6.1 to
6.12; "new_name|old_name" is one function that was renamed, the newest name first. A name that
begins with @ is a column of DRIVERS, by the driver of the guest's card.
"""

import dataclasses
from typing import Optional


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stop on the way."""

    what: str
    ipv4: str
    ipv6: Optional[str] = None  # None: the same function
    # A card whose driver gives its frames to GRO, or (False) one whose driver doesn't; None: any.
    gro: Optional[bool] = None

    def names(self, family: int) -> str:
        """The function's names for that version of IP."""
        return self.ipv6 if family == 6 and self.ipv6 is not None else self.ipv4


@dataclasses.dataclass(frozen=True)
class Path:
    """A way, from its first stage to its last."""

    what: str
    stages: tuple[Stage, ...]
    families: tuple[int, ...] = (4, 6)


def step(names: str, what: str) -> Stage:
    """A stage that IPv4 and IPv6 share."""
    return Stage(what, names)


def pair(ipv4: str, ipv6: str, what: str) -> Stage:
    """A stage with a function for each version of IP."""
    return Stage(what, ipv4, ipv6)


# --- cards --------------------------------------------------------------------------------------

INTEL = "drivers/net/ethernet/intel"
# By the name of the driver: its functions that take the interrupt, poll, empty the ring of
# received frames, and fill that of frames to send.
DRIVERS = {
    "e1000": {"interrupt": f"{INTEL}/e1000/e1000_main.c:e1000_intr",
              "poll": "e1000_clean",
              "receive": f"{INTEL}/e1000/e1000_main.c:e1000_clean_rx_irq",
              "transmit": f"{INTEL}/e1000/e1000_main.c:e1000_xmit_frame"},
    "e1000e": {"interrupt": f"{INTEL}/e1000e/netdev.c:e1000_intr_msix_rx",
               "poll": "e1000e_poll",
               "receive": f"{INTEL}/e1000e/netdev.c:e1000_clean_rx_irq",
               "transmit": f"{INTEL}/e1000e/netdev.c:e1000_xmit_frame"},
    "igb": {"interrupt": "igb_msix_ring", "poll": "igb_poll", "receive": "igb_clean_rx_irq",
            "transmit": "igb_xmit_frame"},
    "virtio_net": {"interrupt": "skb_recv_done", "poll": "virtnet_poll",
                   "receive": "drivers/net/virtio_net.c:receive_buf",
                   "transmit": "drivers/net/virtio_net.c:start_xmit"},
    "vmxnet3": {"interrupt": "vmxnet3_msix_rx", "poll": "vmxnet3_poll_rx_only",
                "receive": "vmxnet3_rq_rx_complete", "transmit": "vmxnet3_xmit_frame"},
    "8139cp": {"interrupt": "cp_interrupt", "poll": "cp_rx_poll", "receive": "cp_rx_skb",
               "transmit": "cp_start_xmit"},
    "8139too": {"interrupt": "rtl8139_interrupt", "poll": "rtl8139_poll",
                "receive": "rtl8139_rx", "transmit": "rtl8139_start_xmit"},
    "pcnet32": {"interrupt": "pcnet32_interrupt", "poll": "pcnet32_poll",
                "receive": "pcnet32_rx_entry", "transmit": "pcnet32_start_xmit"},
}
# vmxnet3 has LRO, which is on unless packets are forwarded, and leaves GRO out then
# (vmxnet3_rq_rx_complete(), Linux 6.1 to 6.12).
WITHOUT_GRO = ("8139too", "pcnet32", "vmxnet3")

# --- what paths have in common ------------------------------------------------------------------

ARRIVAL = (
    step("@interrupt", "The card's interrupt: the driver masks it and asks to be polled."),
    step("__napi_schedule",
         "Puts the card's NAPI on this CPU's poll list and raises NET_RX_SOFTIRQ."),
    step("net_rx_action",
         "The softirq: polls one card after another, up to netdev_budget (300) frames or 2 jiffies."),
    step("@poll", "The driver's NAPI poll: first what was sent, then what was received."),
    step("@receive", "Takes frames from the ring and gives each an skb."),
)
GRO = (
    Stage("GRO gets the frame; behind the Ethernet header, which eth_type_trans() has pulled.",
          "gro_receive_skb|napi_gro_receive", gro=True),
    Stage("Looks for a packet of the same flow that GRO holds back, to merge the new one with.",
          "dev_gro_receive", gro=True),
    Stage("Compares the IP headers; only packets that differ in nothing but length and ID merge.",
          "inet_gro_receive", "ipv6_gro_receive", gro=True),
)
UPWARD = (
    Stage("The poll is over: a list of packets goes up, those that GRO merged as one each.",
          "netif_receive_skb_list_internal", gro=True),
    Stage("A packet goes up, one at a time: this driver doesn't use GRO.",
          "netif_receive_skb", gro=False),
    step("__netif_receive_skb_core",
         "A copy for packet sockets, then VLANs, bridges (rx_handler), then the protocol."),
)
INTERNET = (
    pair("ip_rcv_core", "ip6_rcv_core",
         "Checks the IP header: version, length, checksum (IPv4); trims what Ethernet padded."),
    pair("ip_rcv_finish_core", "ip6_rcv_finish_core",
         "Finds the route: for us, to be forwarded, or nowhere; early demux may save the search."),
)
DELIVERY = (
    pair("ip_local_deliver", "ip6_input", "It is for this host: fragments are put together here."),
    pair("ip_protocol_deliver_rcu", "ip6_protocol_deliver_rcu",
         "Raw sockets get a copy, then the handler of the IP header's protocol is called."),
)
WAKE_UP = (
    step("sock_def_readable", "The socket has something to read: who waits for it is woken."),
    step("ep_poll_callback",
         "It was an epoll instance: the file goes to its ready list, and its waiters are woken."),
)
COLLECT = (
    step("ep_send_events",
         "In the process again: files on the ready list are asked for their events."),
)
DEVICE = (
    step("__dev_queue_xmit", "Chooses the card's queue, and gives the frame to its qdisc."),
    step("sch_direct_xmit", "The qdisc let it go: takes the queue's lock."),
    step("dev_hard_start_xmit", "A copy for packet sockets; segments what the card can't."),
    step("@transmit", "The driver: maps it for DMA, fills a descriptor, and tells the card."),
)
LINK = (
    pair("ip_output", "ip6_output", "The route's output function: netfilter's POST_ROUTING."),
    pair("ip_finish_output2", "ip6_finish_output2",
         "Finds the next hop's neighbour entry, and puts the Ethernet header in front."),
)

# --- the paths ----------------------------------------------------------------------------------

TCP_RECEIVE = Path("a segment of an open connection arrives, and the process that waits reads it", (
    *ARRIVAL, *GRO,
    Stage("Compares the TCP headers: sequence, ACK, options; PSH ends the merging.",
          "tcp4_gro_receive", "tcp6_gro_receive", gro=True),
    *UPWARD, *INTERNET,
    pair("tcp_v4_early_demux", "tcp_v6_early_demux",
         "Finds the connection before the route, which it has cached (ip_early_demux)."),
    *DELIVERY,
    pair("tcp_v4_rcv", "tcp_v6_rcv",
         "TCP: checks the checksum, finds the socket; to its backlog if a process has it locked."),
    pair("tcp_v4_do_rcv", "tcp_v6_do_rcv", "The socket's own: chooses by its state."),
    step("tcp_rcv_established",
         "Header prediction: what comes in order takes the short way; other segments the long one."),
    step("tcp_queue_rcv",
         "In order: to the receive queue, or merged with its last skb; rcv_nxt moves on."),
    step("tcp_data_ready", "Enough for the reader (SO_RCVLOWAT)? Then tells the socket's owner."),
    *WAKE_UP, *COLLECT,
    step("tcp_recvmsg", "recv(): locks the socket, and looks at the receive queue."),
    step("skb_copy_datagram_iter", "Copies from the skb to user memory; copied_seq moves on."),
    step("__tcp_cleanup_rbuf|tcp_cleanup_rbuf",
         "Has reading opened the window, or is an ACK due? Then it is sent now."),
))

TCP_ACCEPT = Path("a connection comes in: SYN, SYN-ACK, ACK, accept()", (
    pair("tcp_v4_rcv", "tcp_v6_rcv", "The SYN: its socket is the listening one."),
    pair("tcp_v4_do_rcv", "tcp_v6_do_rcv", "State LISTEN: SYN cookies are looked at first."),
    step("tcp_rcv_state_process", "All states but ESTABLISHED: here LISTEN and a SYN."),
    pair("tcp_v4_conn_request", "tcp_v6_conn_request", "No broadcast, no multicast."),
    step("tcp_conn_request",
         "Room in the accept queue? A request socket, its options and initial sequence number."),
    pair("tcp_v4_send_synack", "tcp_v6_send_synack",
         "The SYN-ACK; a timer sends it again where no ACK comes."),
    step("tcp_check_req", "The ACK found the request socket: is it the one that was asked for?"),
    pair("tcp_v4_syn_recv_sock", "tcp_v6_syn_recv_sock", "A socket of its own for the connection."),
    step("tcp_create_openreq_child", "Copies the listening socket; state SYN_RECV."),
    step("inet_csk_complete_hashdance", "The request socket leaves the hash, to the accept queue."),
    step("tcp_child_process",
         "The ACK is processed by the new socket: ESTABLISHED. The listener is told."),
    *WAKE_UP, *COLLECT,
    step("inet_csk_accept", "accept(): takes the first socket of the accept queue."),
))

TCP_CONNECT = Path("the guest opens a connection: connect(), SYN, SYN-ACK, ACK", (
    step("__sys_connect", "connect(): the address comes from user memory."),
    step("inet_stream_connect", "Locks the socket: is it unconnected? Then SYN_SENT is waited for."),
    pair("tcp_v4_connect", "tcp_v6_connect", "Route and source address; state SYN_SENT."),
    pair("inet_hash_connect", "inet6_hash_connect", "A source port that makes the four unique."),
    step("tcp_connect", "Builds the SYN; starts the timer that repeats it."),
    step("__tcp_transmit_skb", "The TCP header and its options, on a clone of the skb."),
    pair("__ip_queue_xmit", "inet6_csk_xmit", "Route, then the IP header."),
    *LINK, *DEVICE,
    pair("tcp_v4_rcv", "tcp_v6_rcv", "The SYN-ACK: the socket is found by the four."),
    pair("tcp_v4_do_rcv", "tcp_v6_do_rcv", "SYN_SENT."),
    step("tcp_rcv_state_process", "All states but ESTABLISHED."),
    step("tcp_rcv_synsent_state_process", "Does it acknowledge our SYN? Options, window scale."),
    step("tcp_finish_connect", "ESTABLISHED; congestion control and buffers begin."),
    step("sock_def_wakeup", "connect() is woken; a nonblocking socket is writable now."),
    step("tcp_send_ack", "The third segment of the handshake."),
))

TCP_SEND = Path("the guest writes to a connection, and the ACK comes back", (
    step("tcp_sendmsg", "send(): locks the socket."),
    step("tcp_sendmsg_locked", "Copies from user memory to skbs on the write queue."),
    step("tcp_push", "PSH on the last one; Nagle and autocorking decide whether to wait."),
    step("__tcp_push_pending_frames", "Sends what may be sent."),
    step("tcp_write_xmit",
         "As much as congestion window, the peer's window and pacing let go."),
    step("__tcp_transmit_skb", "The TCP header and its options, on a clone of the skb."),
    pair("__ip_queue_xmit", "inet6_csk_xmit", "Route (cached in the socket), then the IP header."),
    pair("ip_local_out", "ip6_xmit", "Length and checksum; netfilter's LOCAL_OUT."),
    *LINK, *DEVICE,
    step("tcp_ack", "A segment that acknowledges: windows, RTT, congestion control."),
    step("tcp_clean_rtx_queue", "Frees what is acknowledged from the retransmit queue."),
))

UDP_RECEIVE = Path("a datagram arrives, and the process that waits reads it", (
    *ARRIVAL, *GRO,
    Stage("Merges only for sockets that asked for it (UDP_GRO).",
          "udp4_gro_receive", "udp6_gro_receive", gro=True),
    *UPWARD, *INTERNET, *DELIVERY,
    pair("__udp4_lib_rcv", "__udp6_lib_rcv", "UDP: length, checksum, and the socket of the port."),
    pair("udp_unicast_rcv_skb", "udp6_unicast_rcv_skb", "One socket gets it."),
    pair("udp_queue_rcv_one_skb", "udpv6_queue_rcv_one_skb", "The socket's filter, if any."),
    step("__udp_enqueue_schedule_skb", "Room in the receive buffer? Then to the receive queue."),
    *WAKE_UP, *COLLECT,
    step("__skb_recv_udp", "recv(): takes the first datagram of the queue."),
))

UDP_SEND = Path("the guest sends a datagram", (
    pair("udp_sendmsg", "udpv6_sendmsg", "send(): address, route, source address."),
    pair("ip_make_skb", "ip6_make_skb", "Copies from user memory to an skb, without a lock."),
    pair("udp_send_skb", "udp_v6_send_skb", "The UDP header and its checksum."),
    pair("ip_send_skb", "ip6_send_skb", "The IP layer's way out."),
    *LINK, *DEVICE,
))

EPOLL_WAIT = Path("a file is watched, waited for, and reported by epoll", (
    step("do_epoll_ctl", "epoll_ctl(): finds the file's item in the instance's tree."),
    step("ep_insert", "EPOLL_CTL_ADD: a new item, polled once: it may be ready already."),
    step("ep_ptable_queue_proc", "Hangs ep_poll_callback() into the file's wait queue."),
    step("do_epoll_wait", "epoll_wait(): checks the arguments."),
    step("ep_poll", "Sleeps exclusively on the instance's wait queue while nothing is ready."),
    *WAKE_UP,
    step("ep_autoremove_wake_function", "The waiter is taken off the wait queue and made runnable."),
    *COLLECT,
    step("sock_poll", "The file's own poll(): what holds now counts, not what was reported."),
))

RESOLVE = (
    step("neigh_resolve_output", "A frame for a neighbour whose address isn't known."),
    step("__neigh_event_send", "State INCOMPLETE: the frame waits at the entry (arp_queue)."),
    step("neigh_probe", "Asks; a timer asks again, up to ucast_solicit and mcast_solicit times."),
)
LEARN = (
    step("__neigh_update", "The entry is REACHABLE; the frames that wait are sent."),
)

ARP = Path("the guest asks for an IPv4 neighbour's address, and is answered", (
    *RESOLVE,
    step("arp_solicit", "Chooses the source address (arp_announce)."),
    step("arp_create", "The request: an skb with its ARP and Ethernet headers."),
    step("arp_xmit", "Out, through netfilter's ARP hook."),
    step("@transmit", "The driver sends it, to everyone."),
    step("arp_rcv", "An ARP packet: not for others, no loopback; the header is whole."),
    step("arp_process", "The reply: whose address is it?"),
    *LEARN,
), families=(4,))

ARP_REPLY = Path("a neighbour asks for the guest's address, and is answered", (
    step("__netif_receive_skb_core", "A frame of type 0x0806."),
    step("arp_rcv", "An ARP packet: not for others, no loopback; the header is whole."),
    step("arp_process", "A request: is the address one of ours (arp_ignore)?"),
    step("neigh_event_ns", "Who asks tells its own address: it is learnt."),
    step("arp_create", "The reply, to who asked."),
    step("arp_xmit", "Out, through netfilter's ARP hook."),
    step("@transmit", "The driver sends it."),
), families=(4,))

NDISC = Path("the guest asks for an IPv6 neighbour's address, and is answered", (
    *RESOLVE,
    step("ndisc_solicit", "Chooses source and destination: the solicited-node multicast group."),
    step("ndisc_send_ns", "The neighbour solicitation, with our link-layer address."),
    step("ndisc_send_skb", "The IPv6 header, hop limit 255, and the checksum."),
    step("@transmit", "The driver sends it."),
    step("icmpv6_rcv", "ICMPv6: checksum, then by type."),
    step("ndisc_rcv", "Neighbour discovery: a hop limit of 255 proves that it is of this link."),
    step("ndisc_recv_na", "The neighbour advertisement: target, flags, link-layer address."),
    *LEARN,
), families=(6,))

NDISC_REPLY = Path("a neighbour asks for the guest's IPv6 address, and is answered", (
    step("icmpv6_rcv", "ICMPv6: checksum, then by type."),
    step("ndisc_rcv", "Neighbour discovery: a hop limit of 255 proves that it is of this link."),
    step("ndisc_recv_ns", "The neighbour solicitation: is the target one of our addresses?"),
    step("__neigh_update", "Who asks tells its own address: it is learnt."),
    step("ndisc_send_na", "The neighbour advertisement, with our link-layer address."),
    step("ndisc_send_skb", "The IPv6 header, hop limit 255, and the checksum."),
    step("@transmit", "The driver sends it."),
), families=(6,))

PATHS = {
    "tcp-receive": TCP_RECEIVE,
    "tcp-accept": TCP_ACCEPT,
    "tcp-connect": TCP_CONNECT,
    "tcp-send": TCP_SEND,
    "udp-receive": UDP_RECEIVE,
    "udp-send": UDP_SEND,
    "epoll-wait": EPOLL_WAIT,
    "arp": ARP,
    "arp-reply": ARP_REPLY,
    "ndisc": NDISC,
    "ndisc-reply": NDISC_REPLY,
}


def stages_for(path: Path, drivers: tuple[str, ...]) -> list[Stage]:
    """Those of the path's stages that packets of such cards go through."""
    gro = [driver not in WITHOUT_GRO for driver in drivers] or [True]
    return [stage for stage in path.stages if stage.gro is None or stage.gro in gro]


def names_in(stage: Stage, family: int, drivers: tuple[str, ...]) -> list[str]:
    """The names of the stage's functions: one, or one for each driver."""
    names = stage.names(family)
    if not names.startswith("@"):
        return [names]
    return [DRIVERS[driver][names[1:]] for driver in drivers if driver in DRIVERS]
