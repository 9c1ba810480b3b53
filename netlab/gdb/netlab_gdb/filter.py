# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions over a packet's fields, in the manner of Wireshark's display filters. Pure: no gdb.

    expression = conjunction { ("||" | "or") conjunction }
    conjunction = term { ("&&" | "and") term }
    term       = ("!" | "not") term | "(" expression ")" | test
    test       = NAME [ ["&" NUMBER] OPERATOR VALUE ]
    OPERATOR   = "==" "!=" "<" "<=" ">" ">=" or eq ne lt le gt ge

A name alone is true where the packet has it; a flag's, where it is set. As in Wireshark, of a
field that a packet has more than once any one counts, and `!=` holds where none is equal.
"""

import dataclasses
import difflib
import ipaddress
import operator
import re
from typing import Any, Callable, Optional

from .headers import Packet, Value

NUMBER, FLAG, ETHERNET, IPV4, IPV6, PROTOCOL = (
    "number", "flag", "Ethernet address", "IPv4 address", "IPv6 address", "protocol")

NUMBERS = """
    frame.len eth.type vlan.id vlan.priority vlan.dei vlan.etype arp.opcode arp.hw.type
    arp.proto.type ip.hdr_len ip.dsfield ip.len ip.id ip.frag_offset ip.ttl ip.proto ip.checksum
    ipv6.tclass ipv6.flow ipv6.plen ipv6.nxt ipv6.hlim ipv6.fraghdr.offset ipv6.fraghdr.ident
    tcp.srcport tcp.dstport tcp.seq tcp.ack tcp.hdr_len tcp.flags tcp.window tcp.checksum
    tcp.urgent_pointer tcp.len tcp.options.mss_val tcp.options.wscale.shift
    tcp.options.timestamp.tsval tcp.options.timestamp.tsecr udp.srcport udp.dstport udp.length
    udp.checksum icmp.type icmp.code icmp.checksum icmp.ident icmp.seq icmpv6.type icmpv6.code
    icmpv6.checksum icmpv6.echo.identifier icmpv6.echo.sequence_number""".split()
FLAGS = """
    ip.flags.df ip.flags.mf ipv6.fraghdr.more tcp.flags.fin tcp.flags.syn tcp.flags.reset
    tcp.flags.push tcp.flags.ack tcp.flags.urg tcp.flags.ece tcp.flags.cwr tcp.flags.ae""".split()
# More than one name for a field, or one for several fields.
ALIASES = {
    "eth.addr": ("eth.src", "eth.dst"), "ip.addr": ("ip.src", "ip.dst"),
    "ipv6.addr": ("ipv6.src", "ipv6.dst"), "tcp.port": ("tcp.srcport", "tcp.dstport"),
    "udp.port": ("udp.srcport", "udp.dstport"),
    "tcp.syn": ("tcp.flags.syn",), "tcp.fin": ("tcp.flags.fin",),
    "tcp.rst": ("tcp.flags.reset",), "tcp.flags.rst": ("tcp.flags.reset",),
    "tcp.push": ("tcp.flags.push",), "tcp.flags.psh": ("tcp.flags.push",),
    "tcp.seq_raw": ("tcp.seq",), "tcp.ack_raw": ("tcp.ack",),
    "tcp.window_size_value": ("tcp.window",)}
PROTOCOLS = ("eth", "vlan", "arp", "ip", "ipv6", "tcp", "udp", "icmp", "icmpv6")
KINDS = {
    **{name: NUMBER for name in NUMBERS}, **{name: FLAG for name in FLAGS},
    **{name: PROTOCOL for name in PROTOCOLS},
    **{f"eth.{end}": ETHERNET for end in ("src", "dst")},
    **{f"ip.{end}": IPV4 for end in ("src", "dst")},
    **{f"ipv6.{end}": IPV6 for end in ("src", "dst")},
    **{f"arp.{end}.hw_mac": ETHERNET for end in ("src", "dst")},
    **{f"arp.{end}.proto_ipv4": IPV4 for end in ("src", "dst")},
    "icmpv6.nd.ns.target_address": IPV6, "icmpv6.nd.na.target_address": IPV6}
KINDS.update({alias: KINDS[fields[0]] for alias, fields in ALIASES.items()})

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "eq": operator.eq, "!=": operator.ne, "ne": operator.ne,
    "<": operator.lt, "lt": operator.lt, "<=": operator.le, "le": operator.le,
    ">": operator.gt, "gt": operator.gt, ">=": operator.ge, "ge": operator.ge}
WORDS = {"and": "&&", "or": "||", "not": "!"}
TOKEN = re.compile(r"\s*(?:(&&|\|\||==|!=|<=|>=|[!<>()&])|([0-9A-Za-z_.:/-]+))")
ETHERNET_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")
PORT_LIMIT = 65535
DEPTH_LIMIT = 50
LENGTH_LIMIT = 4096


class FilterError(ValueError):
    """What is wrong with an expression, and where."""

    def __init__(self, message: str, text: str, at: int) -> None:
        super().__init__(f"{message}\n  {text}\n  {' ' * at}^")
        self.at = at


@dataclasses.dataclass
class Token:
    """A word or sign of the expression, and its place."""

    text: str
    at: int
    sign: bool


def tokens_of(text: str) -> list[Token]:
    """The expression in words and signs."""
    found, at = [], 0
    text = text.rstrip()
    if len(text) > LENGTH_LIMIT:
        raise FilterError(f"an expression of more than {LENGTH_LIMIT} characters",
                          text[:40] + "...", 0)
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise FilterError(f"'{text[at]}' means nothing here", text, at)
        group = 1 if match.group(1) else 2
        word = match.group(group)
        found.append(Token(WORDS.get(word, word), match.start(group),
                           group == 1 or word in WORDS))
        at = match.end()
    return found


Test = Callable[[Packet], bool]


def test_of(name: str, compare: Optional[Callable[[Any], bool]], negated: bool) -> Test:
    """Does the packet have the field, with a value for which COMPARE holds? NEGATED: with none
    for which it doesn't."""
    fields = ALIASES.get(name, (name,))
    if compare is None and KINDS[name] == PROTOCOL:
        return lambda packet: packet.layer(name) is not None
    if compare is None:
        compare = bool if KINDS[name] == FLAG else (lambda value: True)

    def test(packet: Packet) -> bool:
        values = [value for field in fields for value in packet.values(field)]
        return bool(values) and (all if negated else any)(map(compare, values))
    return test


class Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.next = 0
        self.depth = 0

    def parse(self) -> Test:
        """The whole of it."""
        test = self.expression()
        if self.next < len(self.tokens):
            token = self.tokens[self.next]
            raise self.error(f"'{token.text}' where && or || or the end is wanted")
        return test

    def error(self, message: str, at: Optional[int] = None) -> FilterError:
        """At the token that comes next, or at AT."""
        if at is None:
            at = (self.tokens[self.next].at if self.next < len(self.tokens)
                  else len(self.text.rstrip()))
        return FilterError(message, self.text.rstrip(), at)

    def accept(self, *signs: str) -> Optional[str]:
        """Take the next token where it is one of the signs or words."""
        token = self.tokens[self.next] if self.next < len(self.tokens) else None
        if token is None or token.text not in signs:
            return None
        self.next += 1
        return token.text

    def word(self, what: str) -> Token:
        """Take the next token, which must be a word."""
        if self.next >= len(self.tokens):
            raise self.error(f"{what} is missing")
        token = self.tokens[self.next]
        if token.sign:
            raise self.error(f"'{token.text}' where {what} is wanted")
        self.next += 1
        return token

    def expression(self) -> Test:
        """Alternatives."""
        tests = [self.conjunction()]
        while self.accept("||"):
            tests.append(self.conjunction())
        return tests[0] if len(tests) == 1 else lambda packet: any(t(packet) for t in tests)

    def conjunction(self) -> Test:
        """What must all hold."""
        tests = [self.term()]
        while self.accept("&&"):
            tests.append(self.term())
        return tests[0] if len(tests) == 1 else lambda packet: all(t(packet) for t in tests)

    def term(self) -> Test:
        """A test, its negation, or an expression in parentheses."""
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise self.error(f"more than {DEPTH_LIMIT} terms in one another")
        try:
            if self.accept("!"):
                negated = self.term()
                return lambda packet: not negated(packet)
            if self.accept("("):
                inner = self.expression()
                if not self.accept(")"):
                    raise self.error("')' is missing")
                return inner
            return self.test()
        finally:
            self.depth -= 1

    def test(self) -> Test:
        """A field, and what it is compared with."""
        name = self.word("a field")
        kind = KINDS.get(name.text)
        if kind is None:
            raise self.error(f"no field '{name.text}'{nearest(name.text)}", name.at)
        mask = None
        if self.accept("&"):
            if kind != NUMBER:
                raise self.error(f"{name.text} is no number", name.at)
            mask = self.number(self.word("a number"))
        chosen = self.accept(*OPERATORS)
        if chosen is None:
            return test_of(name.text, mask and (lambda value: bool(value & mask)), False)
        if kind == PROTOCOL:
            raise self.error(f"{name.text} is a protocol: it has no value", name.at)
        value = self.word("a value")
        if name.text.endswith("port") and self.number(value) > PORT_LIMIT:
            raise self.error(f"'{value.text}' is no port: they end at {PORT_LIMIT}", value.at)
        compare = self.comparison(kind, chosen, value)
        masked = compare if mask is None else (lambda value: compare(value & mask))
        return test_of(name.text, masked, chosen in ("!=", "ne"))

    def comparison(self, kind: str, chosen: str, word: Token) -> Callable[[Value], bool]:
        """What `OPERATOR VALUE` says of a value."""
        compare = OPERATORS[chosen]
        if kind in (NUMBER, FLAG):
            number = self.number(word)
            return lambda value: compare(value, number)
        if kind == ETHERNET:
            if not ETHERNET_ADDRESS.fullmatch(word.text):
                raise self.error(f"'{word.text}' is no Ethernet address", word.at)
            wanted = bytes.fromhex(re.sub("[:-]", "", word.text))
            return lambda value: compare(value, wanted)
        return self.network(kind, chosen, word)

    def network(self, kind: str, chosen: str, word: Token) -> Callable[[Value], bool]:
        """An IP address, or a prefix of them."""
        family = ipaddress.IPv4Network if kind == IPV4 else ipaddress.IPv6Network
        try:
            network = family(word.text, strict=False)
        except ValueError as error:
            raise self.error(f"'{word.text}' is no {kind}, nor a prefix", word.at) from error
        if network.prefixlen < network.max_prefixlen and chosen not in ("==", "eq", "!=", "ne"):
            raise self.error(f"a prefix can be compared by == and != only, not {chosen}", word.at)
        compare, mask = OPERATORS[chosen], int(network.netmask)
        wanted = int(ipaddress.ip_interface(word.text).ip) & mask
        return lambda value: compare(int.from_bytes(value, "big") & mask, wanted)

    def number(self, word: Token) -> int:
        """Decimal, hexadecimal with 0x; true and false are 1 and 0."""
        text = word.text.lower()
        if text in ("true", "false"):
            return int(text == "true")
        if not re.fullmatch(r"[0-9]{1,20}|0x[0-9a-f]{1,16}", text):
            raise self.error(f"'{word.text}' is no number", word.at)
        return int(text, 16 if text.startswith("0x") else 10)


def nearest(name: str) -> str:
    """A hint for a name that doesn't exist."""
    near = difflib.get_close_matches(name, KINDS, 4)
    return f"; there is {', '.join(near)}" if near else ""


class Filter:
    """An expression, ready to be asked of packets."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if not self.text:
            raise FilterError("no expression", "", 0)
        self.matches: Test = Parser(self.text).parse()
