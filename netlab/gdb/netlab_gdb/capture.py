# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's capture, and which of its frames an skb of this guest is."""

import contextlib
import dataclasses
import ipaddress
import os
import time
from typing import Any, Optional

import gdb

from . import devices, index, kernel, lab, pcapng, skb
from .index import Found, Query, Way

# Where the lab can't be told to write what it has captured: how long to wait for a frame that
# must be there, and for one that may not have been sent.
WRITTEN_SECONDS, SENT_SECONDS = 30.0, 1.0
LOOK_SECONDS = 0.02
NETWORK_LOOPBACK = "lo"


@dataclasses.dataclass
class Card:
    """A network card of the guest's, and the links that its frames are seen on."""

    mac: bytes
    addresses: list[bytes]
    links: list[str]  # the nearest first


class Capture:
    """The capture that the topology asked for, read as far as it has been written."""

    def __init__(self, path: str, cards: list[Card]) -> None:
        self.cards = cards
        try:
            self.index = index.Index(pcapng.Reader(path))
        except OSError as error:
            raise pcapng.CaptureError(f"{path}: {error.strerror}") from error
        self.path = path
        self.stopped_size = 0  # of the file when the guest stopped

    def update(self) -> bool:
        """Read on. Return: was there more?"""
        if self.index.reader.is_replaced():
            self.index.reader.close()
            self.index = index.Index(pcapng.Reader(self.path))
        return self.index.update()

    def note_stop(self) -> None:
        """The guest has stopped: what is written from here on it hasn't seen."""
        try:
            self.stopped_size = os.stat(self.path).st_size
        except OSError:
            self.stopped_size = 0

    def cards_of(self, mac: bytes) -> list[Card]:
        """The cards that a packet may have come by: that of its device, or all."""
        return [card for card in self.cards if card.mac == mac] or self.cards

    def links(self, cards: list[Card]) -> list[list[str]]:
        """The captured links of the cards, by nearness."""
        captured = {one.name for one in self.index.reader.interfaces}
        depth = max((len(card.links) for card in cards), default=0)
        levels = [[card.links[i] for card in cards if i < len(card.links)] for i in range(depth)]
        return [near for near in ([n for n in level if n in captured] for level in levels) if near]

    def find(self, query: Query, cards: list[Card]) -> Found:
        """The frames that QUERY is, on the link nearest to the guest that has them."""
        for near in self.links(cards):
            found = self.index.find(query, lambda frame, near=near: frame.interface.name in near,
                                    self.stopped_size)
            if found.frames:
                return found
        return Found()


def card_of(nic: dict) -> Card:
    """A card as `status` tells of it."""
    text = str(nic.get("mac") or "")
    try:
        mac = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        mac = b""
    addresses = [packed(str(address)) for address in nic.get("addresses") or []]
    links = [str(link) for link in (nic.get("tap"), nic.get("bridge")) if link]
    return Card(mac, addresses, links)


def packed(address: str) -> bytes:
    """"192.0.2.1/24" in network order."""
    return ipaddress.ip_interface(address).ip.packed


_CURRENT: dict[str, Capture] = {}


def current() -> Capture:
    """The capture of the lab that gdb's guest is in; CaptureError: there is none."""
    here = lab.current()
    if here is None:
        raise pcapng.CaptureError("this gdb is on no guest of a running lab")
    if here.path not in _CURRENT:
        status = here.status()
        _CURRENT.clear()
        _CURRENT[here.path] = Capture(capture_file(status), guest_cards(status, here.guest))
        _CURRENT[here.path].note_stop()
    return _CURRENT[here.path]


def capture_file(status: dict) -> str:
    """The path of the lab's capture."""
    capture: Any = status.get("capture") or {}
    if not isinstance(capture.get("file"), str):
        raise pcapng.CaptureError("the lab has no capture: its topology has no `capture:`")
    return capture["file"]


def guest_cards(status: dict, guest: str) -> list[Card]:
    """The cards of a guest."""
    nics = next((g.get("nics") or [] for g in status.get("guests") or []
                 if g.get("name") == guest), [])
    return [card_of(nic) for nic in nics]


def flush() -> bool:
    """Have the lab write all that it has captured. False: it can't be told to."""
    try:
        lab.required().request("flush")
        return True
    except gdb.GdbError:
        return False


def refresh(capture: Capture) -> bool:
    """Read all there is. Return: is it sure that nothing is missing?"""
    complete = flush()
    capture.update()
    return complete


def begin() -> None:
    """Follow the lab's capture from the first stop on, where it has one."""
    with contextlib.suppress(pcapng.CaptureError, gdb.GdbError):
        current()


def on_stop(event: gdb.StopEvent) -> None:
    """Called by gdb whenever the guest stops for the user."""
    del event
    for capture in _CURRENT.values():
        capture.note_stop()


gdb.events.stop.connect(on_stop)


@dataclasses.dataclass
class Asked:
    """An skb, and what is known of it beside its bytes."""

    skb: skb.Skb
    device: Optional[devices.Device]
    query: Query


def way_of(one: skb.Skb, cards: list[Card], device: Optional[devices.Device]) -> Way:
    """Has the guest received it, or will it send it?"""
    if device and device.name == NETWORK_LOOPBACK:
        return Way.UNKNOWN
    if one.destructor == "sock_rfree":
        return Way.RECEIVED
    packet = one.headers
    source = packet.value("eth.src")
    macs = [card.mac for card in cards] + ([device.mac] if device else [])
    if source is not None:
        return Way.SENT if source in macs else Way.RECEIVED
    address = packet.value("ip.src") or packet.value("ipv6.src")
    if address is None:
        return Way.SENT if not one.start[1] or one.fields["sk"] else Way.UNKNOWN
    return Way.SENT if any(address in card.addresses for card in cards) else Way.RECEIVED


def ask(one: skb.Skb, cards: list[Card], sock: int = 0) -> Asked:
    """What to look for. SOCK: the socket it belongs to, where the skb itself doesn't say."""
    device = devices.devices().get(one.fields["dev"])
    queued = one.destructor == "sock_rfree"
    query = Query(None, way=way_of(one, cards, device), queued=queued)
    if index.network_layer(one.headers) or one.headers.layer("eth"):
        query.packet = one.packet
        query.segment = index.segment_of(one.packet)
        query.part_size = one.shared["gso_size"]
    else:
        query.segment = skb.control_block_segment(one, one.fields["sk"] or sock, queued)
    return Asked(one, device, query)


def look(capture: Capture, asked: Asked) -> Found:
    """Find it, and where it isn't there give the capture the time to be written."""
    cards = capture.cards_of(asked.device.mac if asked.device else b"")
    complete = refresh(capture) or is_elsewhere(capture, asked)
    begin = time.monotonic()
    while True:
        found = capture.find(asked.query, cards)
        surely = found.frames or asked.query.way is Way.RECEIVED
        end = begin + (WRITTEN_SECONDS if surely else SENT_SECONDS)
        if complete or (found.frames and found.whole) or time.monotonic() > end:
            return found
        while not capture.update() and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)  # a file that grows gives no event that gdb could wait for


def is_elsewhere(capture: Capture, asked: Asked) -> bool:
    """Does it go a way on which nothing is captured?"""
    if asked.device and asked.device.name == NETWORK_LOOPBACK:
        return True
    return not capture.links(capture.cards_of(asked.device.mac if asked.device else b""))


def missing_text(capture: Capture, asked: Asked) -> str:
    """Why it is in no frame."""
    name = asked.device.name if asked.device else ""
    mac = asked.device.mac if asked.device else b""
    if name == NETWORK_LOOPBACK:
        return "not in the capture: on lo, which never leaves the guest"
    if not capture.links(capture.cards_of(mac)):
        links = [link for card in capture.cards for link in card.links]
        return f"not in the capture, which has none of {', '.join(links)}: {capture.path}"
    if asked.query.packet is None and asked.query.segment is None:
        return "not in the capture: it has no header (yet)"
    if asked.query.way is Way.SENT:
        return "not in the capture: made here, has not been sent"
    return f"not in the capture, where it should be: {capture.path}"


def found_text(capture: Capture, found: Found, way: Way) -> str:
    """"frame 14 of FILE (br0)", and what else is to be said."""
    numbers = [frame.number for frame in found.frames]
    text = (f"frame{'s' * (len(numbers) > 1)} {index.ranges(numbers)} of {capture.path} "
            f"({found.frames[0].interface.name})")
    if len(numbers) > 1:
        text += ": cut into them" if way is Way.SENT else ": merged from them"
    if not found.whole:
        text += "; not all of it is in the capture"
    if found.part:
        text += (f"; it is bytes {found.part[0]} to {found.part[1] - 1} of the payload, which was "
                 "captured before it was cut into segments")
    if found.equal:
        equal = index.ranges(frame.number for frame in found.equal)
        text += f"; {equal} are equal: {found.reason}"
    return text


def frame_text(one: skb.Skb, sock: int = 0) -> tuple[str, Optional[Asked]]:
    """Which frame it is, in words, and what was looked for."""
    asked = None
    try:
        capture = current()
        asked = ask(one, capture.cards, sock)
        found = look(capture, asked)
        text = (found_text(capture, found, asked.query.way) if found.frames
                else missing_text(capture, asked))
    except (pcapng.CaptureError, OSError, gdb.error, gdb.GdbError) as error:
        text = f"no frame number: {kernel.printable(str(error))}"
    return text, asked


def short_text(one: skb.Skb, sock: int = 0) -> str:
    """"frame 14" or "frames 14-16" for what can't wait; "": none. The lab is told to write what it
    has captured, which takes tens of ms, only for a received packet that isn't written yet."""
    try:
        capture = current()
        capture.note_stop()
        asked = ask(one, capture.cards, sock)
        cards = capture.cards_of(asked.device.mac if asked.device else b"")
        capture.update()
        found = capture.find(asked.query, cards)
        if not found.frames and asked.query.way is not Way.SENT:
            refresh(capture)
            found = capture.find(asked.query, cards)
    except (pcapng.CaptureError, OSError, gdb.error, gdb.GdbError):
        return ""
    numbers = [frame.number for frame in found.frames]
    return f"frame{'s' * (len(numbers) > 1)} {index.ranges(numbers)}" if numbers else ""
