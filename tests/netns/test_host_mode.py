# SPDX-License-Identifier: GPL-2.0-or-later
"""`netns: host`: labs in a network namespace that is someone's, as iproute2 sees them there."""
import fcntl
import json
import os
import pathlib
import pwd
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile

import pytest

from space import DEADLINE, Space

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build"))
HOLDER = BUILD / "tests/netns/link-holder"
TUN = pathlib.Path("/dev/net/tun")

OWNER = "65534" if os.geteuid() == 0 else "0"  # without root, no one else is in there
BASE = {
    "bridges": {"br0": {"addresses": ["10.1.0.1/24", "fd00:1::1/64"]}},
    "hosts": {"one": {"links": {"eth0": {"bridge": "br0", "addresses": ["10.1.0.2/24"]}}}},
    "links": {"tap0": {"tap": True, "owner": OWNER, "bridge": "br0"}},
    "routes": [{"to": "10.9.0.0/16", "via": "10.1.0.2"}],
    "neighbours": [{"address": "10.1.0.77", "mac": "02:00:00:00:00:77"}],
    "sysctls": {"net.ipv4.conf.br0.rp_filter": 2},
}
MADE = {"br0", "one.eth0", "tap0"}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="runs as an ordinary user anyway")


@pytest.fixture
def space():
    made = Space()
    yield made
    made.close()


class Labs:
    """netlab, run inside a Space."""

    def __init__(self, space, netlab, run, folder):
        self.space, self.netlab, self.run, self.folder = space, netlab, run, folder

    def verb(self, *words, **options):
        return self.run(*self.space.prefix, self.netlab, *words, deadline=DEADLINE, **options)

    def file(self, name="mine", **changes):
        path = self.folder / f"{name}.yaml"
        topology = {"name": name, "netns": "host", **BASE, **changes}
        path.write_text(json.dumps({k: v for k, v in topology.items() if v is not None}))
        return path

    def up(self, name="mine", **changes):
        return self.verb("up", self.file(name, **changes), "-o", self.folder / "out")

    def status(self, name):
        return self.verb("status", name, "--json").json()

    def kill_supervisor(self, name="mine"):
        """As if the machine were out of memory: SIGKILL, and nothing tidies up."""
        pid = self.status(name)["pid"]
        fd = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        with os.fdopen(fd):
            os.waitid(os.P_PIDFD, fd, os.WEXITED | os.WNOWAIT)


@pytest.fixture
def labs(space, netlab, run, fresh_home, tmp_path):
    del fresh_home
    made = Labs(space, netlab, run, tmp_path)
    yield made
    made.verb("down", "--all")


def test_links_are_in_the_namespace_with_their_owner(labs, space):
    labs.up().ok()
    assert space.aliases() == {name: f"netlab:mine:{name}" for name in MADE}
    assert space.ok("cat", "/proc/sys/net/ipv4/conf/br0/rp_filter") == "2\n"
    routes = space.ip("route", "show", "10.9.0.0/16")
    assert [(r["gateway"], r["dev"]) for r in routes] == [("10.1.0.2", "br0")]
    assert labs.status("mine")["netns"] == "host"


def test_the_users_own_programs_reach_a_host(labs, space):
    """A plain socket, of a process that has never heard of netlab."""
    labs.up().ok()
    server = subprocess.Popen(
        [*space.prefix, labs.netlab, "exec", "mine/one", "--", sys.executable, "-c",
         "import socket\n"
         "s = socket.create_server(('10.1.0.2', 7)); print('ready', flush=True)\n"
         "c = s.accept()[0]; c.sendall(c.recv(9))"], stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout.readline() == "ready\n"
        answer = space.ok(sys.executable, "-c",
                          "import socket; s = socket.create_connection(('10.1.0.2', 7), 60)\n"
                          "s.sendall(b'hello'); print(s.recv(9).decode())")
        assert answer == "hello\n"
        assert server.wait(DEADLINE) == 0


def test_down_leaves_exactly_what_was_there(labs, space):
    space.change("link", "add", "theirs", "type", "bridge")
    space.change("link", "set", "theirs", "up", "alias", "uplink")
    space.change("address", "add", "10.7.0.1/24", "dev", "theirs", "nodad")
    before = space.state()
    labs.up().ok()
    during = space.state()
    theirs = [link["ifname"] for link in before["links"]]
    assert [link for link in during["links"] if link["ifname"] in theirs] == before["links"]
    assert during["settings"] == before["settings"]
    labs.verb("down", "mine").ok()
    assert space.state() == before


def test_a_failed_up_leaves_exactly_what_was_there(labs, space):
    before = space.state()
    result = labs.up(links={**BASE["links"], "late": {"tap": True, "owner": "no-such-user"}})
    assert "late: " in result.exited(1).stderr
    assert "owner: there is no user 'no-such-user'" in result.stderr
    assert space.state() == before


FOREIGN = {
    "bridge": (["link", "add", "tap0", "type", "bridge"], "a link of kind 'bridge'"),
    "bridge with an alias": (["link", "add", "tap0", "alias", "uplink", "type", "bridge"],
                             "a link of kind 'bridge', with the alias 'uplink'"),
    "veth": (["link", "add", "tap0", "type", "veth", "peer", "x"], "a link of kind 'veth'"),
    "persistent TAP": (["tuntap", "add", "tap0", "mode", "tap"], "a TAP or TUN"),
}


@pytest.mark.parametrize("command, whose", FOREIGN.values(), ids=FOREIGN)
def test_a_name_that_someone_else_has(labs, space, command, whose):
    """It is named before anything is made, and neither touched nor used."""
    space.change(*command)
    if "alias" in command:  # the kernel takes none with the request that makes a link
        space.change("link", "set", "tap0", "alias", "uplink")
    before, index = space.state(), space.next_index()
    error = labs.up().exited(1).stderr
    assert f"tap0: {labs.folder}/mine.yaml:1: a link of that name exists already, " \
        f"which is not netlab's: {whose}; choose another name" in error
    assert space.state() == before
    assert space.next_index() == index + 1, "links were made and deleted again"
    assert "no lab is up" in labs.verb("status").ok().stdout


@pytest.mark.parametrize("name", ["br0", "one.eth0", "tap0"])
def test_a_name_that_is_someone_elses_other_name(labs, space, name):
    """Only the kernel's refusal tells then: what follows in the same datagram touches no one."""
    space.change("link", "add", "theirs", "type", "bridge")
    space.change("link", "property", "add", "dev", "theirs", "altname", name)
    before = space.state()
    assert f"{name}: " in (error := labs.up().exited(1).stderr)
    assert "a link of that name exists already" in error
    assert space.state() == before


HOLD_TAP = """
import fcntl, struct, sys
tun = open("/dev/net/tun", "r+b", buffering=0)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"tap0", 0x1002))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_process_that_holds_a_tap_is_named(labs, space):
    with subprocess.Popen([*space.prefix, sys.executable, "-c", HOLD_TAP], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == "held\n"
        error = labs.up().exited(1).stderr
        assert f"a TAP or TUN, held by process {holder.pid} (python3" in error
        assert set(space.aliases()) == {"tap0"}
        holder.stdin.close()


def test_networks_that_overlap_are_warned_of(labs, space):
    space.change("link", "add", "theirs", "type", "bridge")
    space.change("link", "set", "theirs", "up")
    space.change("address", "add", "10.1.7.1/16", "dev", "theirs")
    space.change("address", "add", "10.2.0.1/24", "dev", "theirs")
    warning, = labs.up().ok().stderr.splitlines()
    assert "br0: its network 10.1.0.1/24 overlaps that of theirs, 10.1.7.1/16: " in warning


@pytest.mark.parametrize("then", ["up", "down"])
def test_after_the_supervisor_was_killed(labs, space, then):
    before = space.state()
    labs.up().ok()
    labs.kill_supervisor()
    shown = labs.verb("status").ok().stdout
    assert "lab mine, dead: its supervisor was killed" in shown
    assert "br0" in shown and "'netlab down mine'" in shown
    dead = labs.status("mine")
    assert (dead["lab"], dead["state"]) == ("mine", "dead")
    assert {"name": "br0", "kind": "bridge"} in dead["links"]
    assert "dead ones have left links in this network namespace: mine" in \
        labs.verb("down").exited(1).stderr
    if then == "up":
        result = labs.up().ok()
        assert "removed what it left: br0" in result.stderr
        assert set(space.aliases()) == MADE
        assert labs.status("mine")["state"] == "up"
    assert ("is down" if then == "up" else "was dead; removed what it left: br0") in \
        labs.verb("down", "mine").ok().stdout
    assert space.state() == before
    assert "no lab 'mine' is up" in labs.verb("down", "mine").exited(1).stderr
    assert "no lab is up" in labs.verb("status").ok().stdout


def test_down_all_takes_the_dead_too(labs, space):
    before = space.state()
    labs.up().ok()
    labs.kill_supervisor()
    labs.up("other", **OTHER).ok()
    shown = labs.verb("down", "--all").ok().stdout
    assert "lab other is down" in shown and "lab mine was dead" in shown
    assert space.state() == before


OTHER = {"bridges": {"br1": {}}, "hosts": None, "links": None, "routes": None,
         "neighbours": None, "sysctls": None}


def test_two_labs_in_one_namespace(labs, space):
    labs.up().ok()
    labs.up("other", **OTHER).ok()
    assert set(space.aliases()) == MADE | {"br1"}
    assert space.aliases()["br1"] == "netlab:other:br1"
    labs.verb("down", "mine").ok()
    assert set(space.aliases()) == {"br1"}
    labs.verb("down", "other").ok()
    assert space.aliases() == {}


@pytest.mark.parametrize("fate", ["living", "dead"])
def test_a_name_that_another_lab_has(labs, space, fate):
    labs.up("other", **{**OTHER, "bridges": {"br0": {}}}).ok()
    if fate == "dead":
        labs.kill_supervisor("other")
    before = space.state()
    error = labs.up().exited(1).stderr
    assert "br0: " in error
    assert "a link of that name exists already: a link of kind 'bridge' of lab 'other'" in error
    assert "'netlab down other'" in error
    assert space.state() == before
    labs.verb("down", "other").ok()
    labs.up().ok()


@pytest.mark.parametrize("alias", ["netlab:mine", "netlab:mine:", "netlab:mine:br0:x",
                                   "netlab:mine2:br0", "netlab: mine:br0", "x netlab:mine:br0"])
def test_an_alias_that_only_looks_like_one(labs, space, alias):
    space.change("link", "add", "theirs", "type", "bridge")
    space.change("link", "set", "theirs", "alias", alias)
    labs.up().ok()
    labs.kill_supervisor()
    labs.up().ok()
    labs.verb("down", "mine").ok()
    assert space.aliases() == {"theirs": alias}


@pytest.mark.parametrize("fate", ["living", "dead"])
def test_a_link_that_was_put_into_the_labs_group(labs, space, fate):
    """Its group makes deletion quick; its alias says what is deleted."""
    labs.up().ok()
    group = space.links()["br0"]["group"]
    space.change("link", "add", "theirs", "group", group, "type", "bridge")
    if fate == "dead":
        labs.kill_supervisor()
    labs.verb("down", "mine").ok()
    assert set(space.aliases()) == {"theirs"}


def test_a_link_that_was_renamed_or_regrouped_is_still_the_labs(labs, space):
    labs.up().ok()
    labs.kill_supervisor()
    space.change("link", "set", "br0", "down")
    space.change("link", "set", "br0", "name", "renamed")
    space.change("link", "set", "tap0", "group", "7")
    labs.verb("down", "mine").ok()
    assert space.aliases() == {}


def test_a_lab_with_another_runtime_folder_is_not_taken_for_dead(labs, space, monkeypatch,
                                                                 fresh_home):
    labs.up().ok()
    pid, mine = labs.status("mine")["pid"], os.environ["NETLAB_RUNTIME_DIR"]
    (fresh_home / "run2").mkdir(mode=0o700)
    monkeypatch.setenv("NETLAB_RUNTIME_DIR", str(fresh_home / "run2"))
    said = f"lab 'mine' is up in this network namespace already: its supervisor is process {pid}"
    assert said in labs.up().exited(1).stderr
    assert said in labs.verb("down", "mine").exited(1).stderr
    assert "no lab is up" in labs.verb("status").ok().stdout
    assert set(space.aliases()) == MADE
    monkeypatch.setenv("NETLAB_RUNTIME_DIR", mine)
    labs.verb("down", "mine").ok()


# --- a TAP for a program that the user starts ----------------------------------------------------

@pytest.fixture
def tun_for_all():
    mode = stat.S_IMODE(TUN.stat().st_mode)
    if os.geteuid() == 0:
        os.chmod(TUN, 0o666)
    yield
    if os.geteuid() == 0:
        os.chmod(TUN, mode)


# Who has 10.1.0.1? Asked until there is an answer, as a host does: the bridge forwards nothing by
# a port before it has noticed that it has a carrier.
USE_TAP = """
import fcntl, os, select, struct
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"tap0", 0x1002))
frame = bytes.fromhex("ffffffffffff020000000099" "0806" "0001080006040001"
                      "020000000099" "0a010063" "000000000000" "0a010001")
answer = b""
while answer[12:14] != b"\\x08\\x06" or answer[20:22] != b"\\0\\2":
    if not select.select([tun], [], [], 0.2)[0]:
        os.write(tun, frame)
        continue
    answer = os.read(tun, 2000)
print(".".join(map(str, answer[28:32])))
"""


def as_user(name):
    user = pwd.getpwnam(name)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@needs_root
def test_a_tap_for_its_owner(labs, space, tun_for_all):
    """As QEMU would open it: an ordinary user attaches, is on the bridge, and may come again."""
    labs.up().ok()
    data = space.links()["tap0"]["linkinfo"]["info_data"]
    assert (data["type"], data["persist"], data["user"]) == ("tap", True, "nobody")
    assert space.links()["tap0"]["master"] == "br0"
    for _ in range(2):
        answer = space.ok(*as_user("nobody"), sys.executable, "-c", USE_TAP)
        assert answer == "10.1.0.1\n", "the bridge's address answers ARP"
        assert "tap0" in space.links()
    refused = space.run(*as_user("daemon"), sys.executable, "-c", USE_TAP)
    assert "Operation not permitted" in refused.stderr
    labs.verb("down", "mine").ok()
    assert space.aliases() == {}


def test_a_tap_is_its_makers_where_no_owner_is_named(labs, space):
    labs.up(links={"tap0": {"tap": True, "addresses": ["10.3.0.1/24"]}}).ok()
    data = space.links()["tap0"]["linkinfo"]["info_data"]
    assert data["persist"] and data["user"] in ("root", 0)


def test_status_and_graph_show_a_tap(labs):
    labs.up().ok()
    tap = next(link for link in labs.status("mine")["links"] if link["name"] == "tap0")
    assert (tap["kind"], tap["persistent"], tap["owner"], tap["bridge"]) == (
        "tap", True, OWNER, "br0")
    assert f"tap0  tap for {OWNER}, " in labs.verb("status").ok().stdout
    drawn = labs.verb("graph", "mine", "-f", "dot").ok().stdout
    assert "tap0" in drawn and f"for {OWNER}" in drawn


def test_a_tap_in_a_labs_own_namespace(labs, space):
    before = space.state()
    labs.up(netns=None).ok()
    assert space.state() == before
    data = json.loads(labs.verb("exec", "mine/host", "--", "ip", "-j", "-d", "link", "show",
                                "tap0").ok().stdout)[0]
    assert data["linkinfo"]["info_data"]["persist"]
    assert "ifalias" not in data
    labs.verb("down", "mine").ok()


def test_many_links_go_in_few_requests(labs, space, tmp_path):
    """A request for each of them would be one grace period of the kernel's for each."""
    before = space.state()
    many = {f"t{i}": {"tap": True, "bridge": "br0"} for i in range(60)}
    labs.up(links=many).ok()
    labs.kill_supervisor()
    options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    labs.run(*space.prefix, "strace", "-o", tmp_path / "trace", "-e", "trace=sendmsg",
             labs.netlab, "down", "mine", env={**os.environ, "ASAN_OPTIONS": options}).ok()
    assert space.state() == before
    assert len((tmp_path / "trace").read_text().splitlines()) < 10


# --- who may, and when it ends in the middle -----------------------------------------------------

@pytest.fixture
def for_all(netlab):
    """netlab and a folder of its own where an ordinary user can reach them."""
    with tempfile.TemporaryDirectory(prefix="netlab-test-") as folder:
        os.chmod(folder, 0o755)
        home = pathlib.Path(folder, "home")
        home.mkdir(mode=0o700)
        shutil.chown(home, "nobody")
        yield pathlib.Path(shutil.copy(netlab, folder)), home


@needs_root
def test_ordinary_user(labs, space, run, for_all):
    netlab, home = for_all
    topology = home.parent / "mine.yaml"
    shutil.copy(labs.file(), topology)
    topology.chmod(0o644)
    before = space.state()
    result = run(*space.prefix, *as_user("nobody"), "env", f"NETLAB_RUNTIME_DIR={home}",
                 f"XDG_STATE_HOME={home}", netlab, "up", topology).exited(1)
    assert len(result.stderr.splitlines()) == 1
    assert "netns: host needs CAP_NET_ADMIN in the network namespace that netlab runs in, " \
        "and user 65534 hasn't got it" in result.stderr
    assert "run netlab as root, or leave 'netns: host' out" in result.stderr
    assert space.state() == before


@needs_root
def test_an_owner_that_is_not_in_the_user_namespace(labs, run, for_all, tun_for_all):
    netlab, home = for_all
    topology = home.parent / "mine.yaml"
    shutil.copy(labs.file(netns=None, links={"tap0": {"tap": True, "owner": "daemon"}},),
                topology)
    topology.chmod(0o644)
    error = run(*as_user("nobody"), "env", f"NETLAB_RUNTIME_DIR={home}",
                f"XDG_STATE_HOME={home}", netlab, "up", topology).exited(1).stderr
    assert "tap0: " in error
    assert "owner: user 'daemon' is not in the lab's user namespace" in error
    assert "leave 'owner' out, and it is you" in error


def killed_at(space, call, number, topology):
    """The holder's first line with SIGKILL at its `number`th `call`; "" where that killed it."""
    options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # it can't while traced
    result = subprocess.run(
        [*space.prefix, "strace", "-o", "/dev/null", "-e", f"trace={call}", "-e",
         f"inject={call}:signal=KILL:when={number}", HOLDER, "--shared", "mine",
         "--topology", topology],
        env={**os.environ, "ASAN_OPTIONS": options}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=DEADLINE, check=False)
    return result.stdout


@pytest.mark.parametrize("call", ["sendmsg", "ioctl"])
def test_killed_at_any_request(labs, space, call):
    """Whatever is left then has an alias: down finds it, and nothing stays."""
    before, seen, left = space.state(), set(), 0
    for number in range(1, 200):
        outcome = killed_at(space, call, number, labs.file())
        # Non-persistent TAPs and veths go with the process, a little later.
        aliases = {name: alias for name, alias in space.aliases().items() if alias}
        assert {name for name, link in space.links().items()
                if link.get("linkinfo", {}).get("info_kind") == "bridge"} <= set(aliases)
        seen |= set(aliases)
        left += bool(aliases)
        labs.verb("down", "mine")
        assert space.state() == before, f"at {call} number {number}"
        if outcome:
            break
    assert outcome.startswith("READY"), "the last one is not killed"
    assert left and {"br0"} <= seen
