// SPDX-License-Identifier: GPL-2.0-or-later
/* Topology files that are wrong, and every report that they get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "golden.h"
#include "util/buffer.h"

#define BR0              "bridges: {br0: {}}\n"
#define GUEST(s)         "guests: {a: {" s "}}\n"
#define NIC(s)           BR0 GUEST("nics: [{bridge: br0, " s "}]")
#define SERVED           NIC("addresses: [10.0.0.1/24]")
#define STEPS(s)         SERVED s "\n"
#define CASE_WITH_NUL(s) (s), sizeof(s) - 1

static const struct golden syntax[] = {
	{"", " the file is empty"},
	{"# nothing\n", " the file is empty"},
	{"---\n...\n",
	 "1:1: a topology needs bridges, guests, hosts or links; this one has none"},
	{"~", "1:1: a topology needs bridges, guests, hosts or links; this one has none"},
	{"{}",
	 "1:1: a topology needs bridges, guests, hosts or links; this one has none"},
	{"bridges:\nguests:\n",
	 "1:1: a topology needs bridges, guests, hosts or links; this one has none"},
	{"[a]", "1:1: a topology: a mapping is wanted here, not a list"},
	{"text", "1:1: a topology: a mapping is wanted here, not text"},
	{"bridges: {br0: {}\n", "2:1: missing comma in flow mapping"},
	{"bridges:\n\tbr0: {}\n", "2:1: tab character may not be used as indentation"},
	{"bridges: [}\n", "1:11: mismatched flow mapping end"},
	{BR0 "---\n" BR0, "2:1: a second document: a file holds one topology"},
	{"bridges: !!map {br0: {}}\n",
	 "1:16: a tag ('!...') has no meaning in a topology"},
	{"bridges: *none\n", "1:10: alias '*none' before an anchor '&none' ends"},
	{"bridges: &a {br0: *a}\n", "1:19: alias '*a' before an anchor '&a' ends"},
	{"bridges: {br0: {}}\na\x01: b\n", "2:2: control character 0x01"},
	{"bridges: {br0: {}} # \xc2\x9b\n", "1:22: control character 0x9b"},
	{"bridges: {\xc3\xa9: \xe9}\n", "1:14: byte 0xe9 is not UTF-8 text"},
	{"\x7f"
	 "ELF\x02\x01",
	 "1:1: control character 0x7f"},
	{"\xff\xfe"
	 "b",
	 "1:1: byte 0xff is not UTF-8 text"},
	{BR0, "fine"},
	{"\xef\xbb\xbf" BR0, "fine"},
	{"bridges:\r\n  br0: {}\r\n  br1:\r\n", "fine"},
	{"%YAML 1.2\n---\n" BR0 "...\n", "fine"},
};

static const struct golden keys[] = {
	{"bridges:\n  br0: {addreses: []}\n",
	 "2:9: unknown key 'addreses'; did you mean 'addresses'?"},
	{BR0 "zzzzzz: 1\n",
	 "2:1: unknown key 'zzzzzz'; a topology has: name, netns, "
	 "lockstep, hold_host, kernel, on_panic, bridges, links, guests, hosts, routes, "
	 "neighbours, sysctls, capture, drive, debug"},
	{BR0 "name: a\nname: b\n", "3:1: key 'name' is given twice; first in line 2"},
	{"bridges:\n  br0: {}\n  br0: {}\n",
	 "3:3: bridge 'br0' is given twice; first in line 2"},
	{"bridges: [br0]\n", "1:10: bridges: a mapping is wanted here, not a list"},
	{"bridges: br0\n", "1:10: bridges: a mapping is wanted here, not text"},
	{"bridges: {br0: []}\n", "1:16: a bridge: a mapping is wanted here, not a list"},
	{"bridges: {[x]: {}}\n", "1:11: bridge: text is wanted here, not a list"},
	{"bridges: {~: {}}\n", "1:11: bridge: text is wanted here, not nothing"},
	{"? [x]\n: y\n", "1:3: key: text is wanted here, not a list"},
	{BR0 "\"name\\0\": a\n", "2:1: key: there is a NUL in it"},
	{BR0 "name: [a]\n", "2:7: name: text is wanted here, not a list"},
	{BR0 "name:\n", "2:1: name: text is wanted here, not nothing"},
	{BR0 "name: A\n", "2:7: name: 'A' is not 1 to 32 of a-z, 0-9 and '-', beginning "
			  "with a letter or digit"},
	{"bridges:\n  br0: {addres: 1}\nguest: {}\nname: _\n",
	 "2:9: unknown key 'addres'; did you mean 'addresses'?\n"
	 "3:1: unknown key 'guest'; did you mean 'guests'?\n"
	 "4:7: name: '_' is not 1 to 32 of a-z, 0-9 and '-', beginning with a letter or "
	 "digit"},
};

static const struct golden bridges[] = {
	{"bridges: {averyverylongone: {}}\n",
	 "1:11: bridge 'averyverylongone': the name is longer than the 15 bytes that a "
	 "link's name may have"},
	{"bridges: {averyverylongon: {}}\n", "fine"},
	{"bridges: {\"\": {}}\n", "1:11: bridge '': the name is empty"},
	{"bridges: {br/0: {}}\n", "1:11: bridge 'br/0': the name has characters other "
				  "than letters, digits, '.', '_' and '-'"},
	{"bridges: {br%d: {}}\n", "1:11: bridge 'br%d': the name has characters other "
				  "than letters, digits, '.', '_' and '-'"},
	{"bridges: {..: {}}\n", "1:11: bridge '..': the name begins with a '.' or a '-'"},
	{"bridges: {lo: {}}\n",
	 "1:11: bridge 'lo': the name is a name that Linux has for itself"},
	{"bridges: {all: {}}\n",
	 "1:11: bridge 'all': the name is a name that Linux has for itself"},
	{"bridges: {br0: {addresses: 10.0.0.1/24}}\n",
	 "1:28: addresses: a list is wanted here, not text"},
	{"bridges: {br0: {addresses: [10.0.0.0/24, 10.0.0.255/24, 224.0.0.1/24]}}\n",
	 "1:29: address: 10.0.0.0/24 is the network's own address: its host bits are all "
	 "zero\n"
	 "1:42: address: 10.0.0.255/24 is the network's broadcast address: its host bits "
	 "are all one\n"
	 "1:57: address: 224.0.0.1/24 is a multicast address"},
	{"bridges: {br0: {addresses: [10.0.0.1/33, 10.0.0.1, \"fd00::1\", 10.0.0]}}\n",
	 "1:29: address: prefix of '10.0.0.1/33': '33' is not a number from 0 to 32\n"
	 "1:42: address: '10.0.0.1' has no prefix length, as in 192.168.100.1/24\n"
	 "1:52: address: 'fd00::1' has no prefix length, as in fd00:100::1/64\n"
	 "1:63: address: '10.0.0' is not an IPv4 or IPv6 address"},
	{"bridges:\n  br0: {addresses: [10.0.0.1/24]}\n"
	 "  br1: {addresses: [10.0.0.1/8]}\n",
	 "3:21: address 10.0.0.1 is given twice; first in line 2"},
	{"bridges:\n  br0: {addresses: [fe80::1/64, \"FD00:0::1/64\"]}\n"
	 "  br1: {addresses: [fe80::1/64, fd00::1/48]}\n",
	 "3:33: address fd00::1 is given twice; first in line 2"},
	{"bridges: {br0: {addresses: [fe80::1/64, fe80::1/64]}}\n",
	 "1:41: address fe80::1 is given twice; first in line 1"},
	{"bridges: {br0: {addresses: [[1]]}}\n",
	 "1:29: address: text is wanted here, not a list"},
	{"bridges: {br0: {addresses: [1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7]}}\n",
	 "1:28: addresses: 17 are more than 16"},
};

static const struct golden guests[] = {
	{"guests: {a: }\n", "fine"},
	{"guests: {a: {memory: 63M}}\n", "1:22: memory: 63M is not from 64M to 1T"},
	{"guests: {a: {memory: 2T}}\n", "1:22: memory: 2T is not from 64M to 1T"},
	{"guests: {a: {memory: lots}}\n",
	 "1:22: memory: 'lots' is not a size, as in 64K or 256M"},
	{"guests: {a: {memory: {}}}\n",
	 "1:22: memory: text is wanted here, not a mapping"},
	{"guests: {a: {cpus: 0}}\n", "1:20: cpus: '0' is not a number from 1 to 16"},
	{"guests: {a: {cpus: 17}}\n", "1:20: cpus: '17' is not a number from 1 to 16"},
	{"guests: {a: {cpus: one}}\n", "1:20: cpus: 'one' is not a number from 1 to 16"},
	{"on_panic: halt\nguests: {a: {on_panic: continue}}\n", "fine"},
	{"guests: {a: {on_panic: stop}}\n",
	 "1:24: on_panic: 'stop' is none of: continue, halt"},
	{"guests: {a: {root: host}}\n", "fine"},
	{"guests: {a: {root: busybox}}\n", "fine"},
	{"guests: {a: {root: hots}}\n",
	 "1:20: root: no root 'hots'; did you mean 'host'?"},
	{"guests: {a: {root: /}}\n", "1:20: root: no root '/'; there is: busybox, host, "
				     "disk, directory, initramfs"},
	{"guests: {a: {root: [host]}}\n", "1:20: root: text is wanted here, not a list"},
	{"guests: {a: {root: disk, files: {/a: b}}}\n", "fine"},
	{"guests: {a: {root: {disk: {suite: trixie, size: 4G, packages: [vim, g++]}}}}\n",
	 "fine"},
	{"guests: {a: {root: {disk: {}}}}\n", "fine"},
	{"guests: {a: {root: {directory: ./x}}}\n", "fine"},
	{"guests: {a: {root: directory}}\n",
	 "1:20: root: directory wants its path: {directory: PATH}"},
	{"guests: {a: {root: {}}}\n",
	 "1:20: root: one key is wanted: disk, directory or initramfs"},
	{"guests: {a: {root: {disk: {}, initramfs: x}}}\n",
	 "1:20: root: one key is wanted: disk, directory or initramfs"},
	{"guests: {a: {root: {dsk: {}}}}\n",
	 "1:21: unknown key 'dsk'; did you mean 'disk'?"},
	{"guests: {a: {root: {disk: {suite: ../x}}}}\n",
	 "1:35: suite: '../x' is no name of a suite, as bookworm is"},
	{"guests: {a: {root: {disk: {packages: [-x]}}}}\n",
	 "1:39: packages: '-x' is no name of a package"},
	{"guests: {a: {root: {disk: {packages: ['a,b']}}}}\n",
	 "1:39: packages: 'a,b' is no name of a package"},
	{"guests: {a: {root: {disk: {size: 1M}}}}\n",
	 "1:34: size: 1M is not from 512M to 1T"},
	{"guests: {a: {root: {disk: {size: big}}}}\n",
	 "1:34: size: 'big' is not a size, as in 64K or 256M"},
	{"guests: {a: {root: {disk: {file: x.img, size: 1G}}}}\n",
	 "1:34: file: it is a disk that is made already: nothing that says how to make "
	 "one "
	 "goes with it"},
	{"guests: {a: {root: {disk: {writable: off, overlay: off}}, files: {/a: b}}}\n",
	 "1:67: files: a disk that is not writable takes them with an overlay alone"},
	{"guests: {a: {files: {etc/motd: x}}}\n",
	 "1:22: files: 'etc/motd' is not an absolute path in the guest"},
	{"guests: {a: {files: {/etc/../x: x}}}\n",
	 "1:22: files: '/etc/../x' has '.' or '..' in it"},
	{"guests: {a: {files: [x]}}\n",
	 "1:21: files: a mapping is wanted here, not a list"},
	{"guests: {A: {}}\n", "1:10: guest 'A': the name is not 1 to 32 of a-z, 0-9 and "
			      "'-', beginning with a letter or digit"},
	{"guests:\n  a: {}\n  a: {}\n", "3:3: guest 'a' is given twice; first in line 2"},
	{BR0 "guests: {br0: {}}\n",
	 "2:10: guest 'br0' has the name of the bridge in line 1"},
	{BR0 GUEST("nics: [{}]"), "2:21: a network card needs the key 'bridge', or "
				  "'host' for a link with nothing but "
				  "the host on it"},
	{BR0 GUEST("nics: [{bridge: br1}]"),
	 "2:30: no bridge 'br1' is defined; did you mean 'br0'?"},
	{GUEST("nics: [{bridge: br1}]"), "1:30: no bridge 'br1' is defined"},
	{NIC("model: e1001"),
	 "2:42: QEMU has no network card 'e1001'; did you mean 'e1000'?"},
	{NIC("model: virtio-net"),
	 "2:42: QEMU has no network card 'virtio-net'; did you mean 'virtio-net-pci'?"},
	{NIC("model: zzzzzzzz"),
	 "2:42: QEMU has no network card 'zzzzzzzz'; there are e1000, e1000-82544gc, "
	 "e1000-82545em, e1000e, igb, i82550, i82551, i82557a, i82557b, i82557c, "
	 "i82558a, "
	 "i82558b, i82559a, i82559b, i82559c, i82559er, i82562, i82801, ne2k_pci, pcnet, "
	 "rtl8139, tulip, vmxnet3, virtio-net-pci, virtio-net-pci-transitional, "
	 "virtio-net-pci-non-transitional"},
	{NIC("mac: 33:33:00:00:00:01"),
	 "2:40: mac: 33:33:00:00:00:01 is a multicast MAC address"},
	{NIC("mac: x"), "2:40: mac: 'x' is not a MAC address, as in 52:54:00:12:34:56"},
	{BR0 GUEST("nics: [{bridge: br0, mac: 52:54:00:00:00:0a}, {bridge: br0, mac: "
		   "52:54:00:00:00:0A}]"),
	 "2:79: MAC address 52:54:00:00:00:0a is given twice; first in line 2"},
	{BR0 GUEST("nics: [{},{},{},{},{},{},{},{},{}]"),
	 "2:45: nics: 9 are more than the 8 that a guest may have"},
	{BR0 GUEST("nics: {bridge: br0}"),
	 "2:20: nics: a list is wanted here, not a mapping"},
	{GUEST("run: epoll-echo"), "1:19: run: a list is wanted here, not text"},
	{GUEST("run: ['a\"b', \"c\\x01\", '', [d]]"),
	 "1:20: run: a double quote can't be in a command, as that goes on the kernel's "
	 "command line\n"
	 "1:27: run: a control character can't be in a command, as that goes on the "
	 "kernel's command line\n"
	 "1:36: run: an empty word can't be in a command, as that goes on the kernel's "
	 "command line\n"
	 "1:40: run: text is wanted here, not a list"},
	{GUEST("run: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]"), "fine"},
	{GUEST("run: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]"),
	 "1:19: run: 25 words are more than the 24 that fit on the kernel's command "
	 "line"},
	{GUEST("kernel_arguments: 'quiet \"a b'"),
	 "1:32: kernel_arguments: a double quote is not closed"},
	{GUEST("kernel_arguments: quiet -- sh"),
	 "1:32: kernel_arguments: '--' ends the kernel's arguments; a command goes into "
	 "'run'"},
	{GUEST("kernel_arguments: a--b --c"), "fine"},
	{GUEST("kernel_arguments: \"a\\nb\""),
	 "1:32: kernel_arguments: there is a control character in it"},
};

static const struct golden modules[] = {
	{GUEST("modules: x"), "1:23: modules: a list is wanted here, not text"},
	{GUEST("modules: ['a b']"),
	 "1:24: modules: 'a b' is neither the name of a module nor, "
	 "with a '/' in it, a folder"},
	{GUEST("modules: [-r]"),
	 "1:24: modules: '-r' is neither the name of a module nor, "
	 "with a '/' in it, a folder"},
	{GUEST("modules: [{}]"),
	 "1:24: modules: a module has either a 'name' or a 'path'"},
	{GUEST("modules: [{name: a, path: b}]"),
	 "1:24: modules: a module has either a 'name' or a 'path'"},
	{GUEST("modules: [{name: a, load: never}]"),
	 "1:40: load: 'never' is none of: boot, later"},
	{GUEST("modules: [{name: a, load: later, parameters: {x: 1}}]"),
	 "1:24: modules: whoever loads it later gives its parameters"},
	{GUEST("modules: [{name: a, parameters: {x: 'a b'}}]"),
	 "1:50: x: a parameter's value has no blanks, quotes or control characters, and "
	 "at "
	 "most 256 bytes"},
	{GUEST("modules: [{name: a, parameters: {x.y: 1}}]"),
	 "1:47: parameters: 'x.y' is no name of a parameter"},
	{GUEST("modules: [{name: a, parameters: [x]}]"),
	 "1:46: parameters: a mapping is wanted here, not a list"},
};

static const struct golden kernels[] = {
	{"kernel: de_bug\n" BR0,
	 "1:9: kernel: 'de_bug' is no flavour of a kernel: that is "
	 "1 to 32 of letters, digits and '-', and '+' between several"},
	{"kernel: {flavour: debug, version: new}\n" BR0,
	 "1:35: version: 'new' is no version of a kernel, as 6.12 is"},
	{"kernel: {source: x, version: 6.1}\n" BR0,
	 "1:9: kernel: 'source' is a tree of one version: 'version' doesn't go with it"},
	{"kernel: {modules: x}\n" BR0, "1:9: kernel: 'modules' needs the 'vmlinux' that "
				       "they were built for; others are a "
				       "guest's"},
	{"kernel: {in_place: true}\n" BR0,
	 "1:9: kernel: 'in_place' needs the 'source' that is to be built in itself"},
	{"kernel: {source: x, in_place: true, flavour: lab}\n" BR0,
	 "1:9: kernel: 'in_place' builds the tree as it is configured: 'flavour' doesn't "
	 "go "
	 "with it"},
	{"kernel: {optimize: {net/ipv4: O0}}\n" BR0,
	 "1:21: optimize: net/ipv4: 'O0' is no level: there is O1, Og, O2, Os"},
	{"kernel: {optimize: [net]}\n" BR0,
	 "1:20: optimize: a mapping is wanted here, not a list"},
	{"kernel: {optimize: {../x: O1}}\n" BR0,
	 "1:21: optimize: '../x' is no directory of a kernel: that is one below its "
	 "tree, "
	 "as net/ipv4, or . for all of it"},
	{"kernel: {vmlinux: x, optimize: {net: O1}}\n" BR0,
	 "1:9: kernel: 'vmlinux' is a kernel that is built already: nothing that says "
	 "how "
	 "to build one goes with it"},
	{"kernel: [a]\n" BR0,
	 "1:9: kernel: a flavour or a mapping is wanted here, not a list"},
	{"kernel:\n" BR0, "1:1: kernel: text is wanted here, not nothing"},
	{"kernel: {}\n" BR0, "1:9: kernel: it needs 'flavour', 'source' or 'vmlinux'"},
	{"kernel: {bzimage: x}\n" BR0,
	 "1:9: kernel: 'bzimage' needs the 'vmlinux' that it was made from"},
	{"kernel: {vmlinux: x, source: y}\n" BR0,
	 "1:9: kernel: 'vmlinux' is a kernel that is built already: nothing that says "
	 "how "
	 "to build one goes with it"},
	{"kernel: {vmlinx: x}\n" BR0,
	 "1:10: unknown key 'vmlinx'; did you mean 'vmlinux'?"},
	{"kernel: {source: ''}\n" BR0, "1:18: source: it is empty"},
};

static const struct golden steps[] = {
	{STEPS("capture: [br0, a.0]"), "fine"},
	{STEPS("capture: br0"), "3:10: capture: a list is wanted here, not text"},
	{STEPS("capture: [br0, br0]"),
	 "3:16: link 'br0' is captured twice; first in line 3"},
	{STEPS("capture: [br1]"), "3:11: no link 'br1' is defined; did you mean 'br0'?"},
	{STEPS("capture: {links: [br0], clock: wall, console: on}"), "fine"},
	{STEPS("capture: {clock: lab}"), "3:10: a capture needs the key 'links'"},
	{STEPS("capture: {links: []}"), "3:18: links: there is none in it"},
	{STEPS("capture: {links: br0}"), "3:18: links: a list is wanted here, not text"},
	{STEPS("capture: {links: [br0], clock: noon}"),
	 "3:32: clock: 'noon' is none of: lab, wall"},
	{STEPS("capture: {links: [br0], clok: lab}"),
	 "3:25: unknown key 'clok'; did you mean 'clock'?"},
	{STEPS("capture: {links: [br0], console: maybe}"),
	 "3:34: console: 'maybe' is neither on nor off"},
	{STEPS("drive: {tcp: {}}"), "3:8: drive: a list is wanted here, not a mapping"},
	{STEPS("drive: [tcp]"), "3:9: a drive step is a mapping of one key, tcp or udp"},
	{STEPS("drive: [{tcp: {to: 'a:1'}, udp: {}}]"),
	 "3:9: a drive step is a mapping of one key, tcp or udp"},
	{STEPS("drive: [{tpc: {}}]"), "3:10: unknown key 'tpc'; did you mean 'tcp'?"},
	{STEPS("drive: [{tcp: {}}]"), "3:15: tcp needs the key 'to'"},
	{STEPS("drive: [{tcp: {to: a}}]"),
	 "3:20: to: 'a' is not GUEST:PORT, as in server:7777"},
	{STEPS("drive: [{tcp: {to: 'a:0'}}]"),
	 "3:20: to: port: '0' is not a number from 1 to 65535"},
	{STEPS("drive: [{tcp: {to: 'ab:1'}}]"),
	 "3:20: no guest 'ab' is defined; did you mean 'a'?"},
	{STEPS("drive: [{tcp: {to: 'a:1', family: ipv6}}]"),
	 "3:20: guest 'a' has no IPv6 address to drive"},
	{STEPS("drive: [{tcp: {family: ipv6, to: 'a:1'}}]"),
	 "3:34: guest 'a' has no IPv6 address to drive"},
	{STEPS("drive: [{tcp: {to: 'a:1', family: ip}}]"),
	 "3:35: family: 'ip' is no family; there are ipv4, ipv6 and any"},
	{STEPS("drive: [{udp: {to: 'a:1'}}]"),
	 "3:15: udp: udp has nothing to send: it needs send or bytes"},
	{STEPS("drive: [{udp: {to: 'a:1', bytes: 1M}}]"),
	 "3:15: udp: udp sends one datagram, of at most 65507 bytes, not 1048576"},
	{STEPS("drive: [{tcp: {to: 'a:1', bytes: 1Q, timeout: 1h, connections: -1}}]"),
	 "3:34: bytes: '1Q' is not a size: a number of bytes, or of K, M, G, T\n"
	 "3:47: timeout: '1h' is not a time: it has a unit of us, ms, s or min\n"
	 "3:64: connections: '-1' is not a number from 1 to 10000"},
	{STEPS("drive: [{tcp: {to: 'a:1', send: \"a\\0b\"}}]"),
	 "3:33: send: there is a NUL in it"},
	{STEPS("drive: [{tcp: {to: 'a:1', timeout: 0s}}]"),
	 "3:15: tcp: timeout must be more than 0 and at most a day"},
	{STEPS("debug: [{}]"), "3:9: a debug step needs the key 'guest'\n"
			       "3:9: a debug step needs the key 'at'"},
	{STEPS("debug: [{guest: b, at: x, do: backtrce, times: 0}]"),
	 "3:17: no guest 'b' is defined; did you mean 'a'?\n"
	 "3:31: do: no action 'backtrce'; there is: backtrace\n"
	 "3:48: times: '0' is not a number from 1 to 1000000"},
	{STEPS("debug: [{guest: a, at: \"x\\nshell id\"}]"),
	 "3:24: at: there is a control character in it"},
	{STEPS("debug: [{guest: a, at: x if y}]"),
	 "3:24: at: 'x if y' is not a function, nor a FILE:LINE"},
	{STEPS("debug: [{guest: a, at: 'tcp_ipv4.c:100'}, {guest: a, at: '*0xff'}]"),
	 "fine"},
};

GOLDEN_TEST(syntax)
GOLDEN_TEST(keys)
GOLDEN_TEST(bridges)
GOLDEN_TEST(guests)
GOLDEN_TEST(kernels)
GOLDEN_TEST(modules)
GOLDEN_TEST(steps)

static void assert_message(const char *text, const char *expected)
{
	_cleanup_free_ char *message = message_sized(text, strlen(text));

	assert_string_equal(message, expected);
}

static void test_excerpts(void **state)
{
	(void)state;
	assert_message("bridges:\n  br0: {adresses: []}\n",
		       "dir/t.yaml:2:9: unknown key 'adresses'; did you mean "
		       "'addresses'?\n"
		       "  br0: {adresses: []}\n"
		       "        ^");
	assert_message("bridges:\r\n  \"\xc3\xa9\": {\tx: 1}\r\n",
		       "dir/t.yaml:2:3: bridge '\xc3\xa9': the name has characters other "
		       "than letters, digits, '.', '_' and '-'\n"
		       "  \"\xc3\xa9\": {\tx: 1}\n"
		       "  ^\n"
		       "dir/t.yaml:2:10: unknown key 'x'; a bridge has: addresses, mtu, "
		       "mac, txqueuelen, stp, ageing, multicast_snooping, "
		       "vlan_filtering, vlans, offloads, impair, up\n"
		       "  \"\xc3\xa9\": {\tx: 1}\n"
		       "        \t^");
	assert_message("a: \xe9\n", "dir/t.yaml:1:4: byte 0xe9 is not UTF-8 text\n"
				    "a: ?\n"
				    "   ^");
	assert_message("bridges: {br0: {}\n",
		       "dir/t.yaml:2:1: missing comma in flow mapping");
}

static void test_long_line(void **state)
{
	_cleanup_buffer_ struct buffer text = {0};
	_cleanup_free_ char *message = NULL;
	const char *excerpt, *caret;

	(void)state;
	buffer_append(&text, "bridges: {br0: {}}  #", 20);
	for (size_t i = 0; i < 5000; i++)
		buffer_append(&text, " ", 1);
	buffer_append(&text, "\nname: '", 8);
	for (size_t i = 0; i < 5000; i++)
		buffer_append(&text, "a", 1);
	buffer_append(&text, "'", 2);
	message = message_sized((char *)text.data, text.size - 1);
	assert_true(strlen(message) < 1000);
	excerpt = strchr(message, '\n');
	assert_non_null(string_after(excerpt, "\nname: 'aaa"));
	caret = strrchr(message, '\n');
	assert_string_equal(caret, "\n      ^");
	assert_non_null(string_after(caret - 3, "..."));
}

/* What a message quotes can't drive the user's terminal. */
static void test_no_escapes(void **state)
{
	(void)state;
	assert_message("bridges: {\"\\e[31m\": {}}\n",
		       "dir/t.yaml:1:11: bridge '\\x1b[31m': the name has characters "
		       "other than letters, digits, '.', '_' and '-'\n"
		       "bridges: {\"\\e[31m\": {}}\n"
		       "          ^");
}

static void test_binary(void **state)
{
	_cleanup_free_ char *nul =
		reports_of(CASE_WITH_NUL("bridges: {br0: {}}\n\0\0\0"));
	_cleanup_free_ char *utf16 = reports_of(CASE_WITH_NUL("\xff\xfe"
							      "b\0r\0i\0"));

	(void)state;
	assert_string_equal(nul, "2:1: control character 0x00");
	assert_string_equal(utf16, "1:1: byte 0xff is not UTF-8 text");
}

static void test_many_reports(void **state)
{
	_cleanup_buffer_ struct buffer text = {0};
	_cleanup_free_ char *reports = NULL;
	size_t lines = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		buffer_append(&text, "zzzzzzzzz: 1\n", 13);
	reports = reports_of((char *)text.data, text.size);
	for (const char *at = reports; at; at = strchr(at + 1, '\n'))
		lines++;
	assert_int_equal(lines, 101);
	assert_string_equal(strrchr(reports, '\n'),
			    "\n there are more problems than these");
}

static void append_text(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

static void assert_bounded(struct buffer *text, const char *expected)
{
	_cleanup_free_ char *reports = reports_of((char *)text->data, text->size);

	assert_non_null(strstr(reports, expected));
}

static void test_laughs(void **state)
{
	_cleanup_buffer_ struct buffer text = {0};

	(void)state;
	append_text(&text, "a: &a [1,2,3,4,5,6,7,8,9]\n");
	for (char c = 'b'; c < 'z'; c++) {
		char line[64];

		snprintf(line, sizeof(line), "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c,
			 c, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
		append_text(&text, line);
	}
	assert_bounded(&text, "more than 200000 values up to here");
}

static void test_bounds(void **state)
{
	_cleanup_buffer_ struct buffer deep = {0}, tall = {0}, anchors = {0};

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		append_text(&deep, "[");
	assert_bounded(&deep, "1:33: nested more than 32 deep");
	append_text(&tall, "a: |\n");
	for (size_t i = 0; i < 300; i++)
		append_text(&tall, " x\n");
	assert_bounded(&tall, "a text of more than 256 lines");
	for (size_t i = 0; i < 300; i++) {
		char line[32];

		snprintf(line, sizeof(line), "k%zu: &k%zu v\n", i, i);
		append_text(&anchors, line);
	}
	assert_bounded(&anchors, "more than 256 anchors");
}

static void test_too_large(void **state)
{
	_cleanup_free_ char *text = xcalloc(TOPOLOGY_SIZE_LIMIT + 1, 1);
	_cleanup_topology_ struct topology *topology = NULL;
	_cleanup_error_ struct error *error = NULL;

	(void)state;
	memset(text, '#', TOPOLOGY_SIZE_LIMIT + 1);
	error = parse_sized(text, TOPOLOGY_SIZE_LIMIT + 1, &topology);
	assert_int_equal(error->code, EFBIG);
	assert_null(topology);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),    cmocka_unit_test(test_keys),
		cmocka_unit_test(test_bridges),   cmocka_unit_test(test_guests),
		cmocka_unit_test(test_kernels),   cmocka_unit_test(test_modules),
		cmocka_unit_test(test_steps),     cmocka_unit_test(test_excerpts),
		cmocka_unit_test(test_long_line), cmocka_unit_test(test_no_escapes),
		cmocka_unit_test(test_binary),    cmocka_unit_test(test_many_reports),
		cmocka_unit_test(test_laughs),    cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
