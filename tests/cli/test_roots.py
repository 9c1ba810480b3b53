# SPDX-License-Identifier: GPL-2.0-or-later
"""Root file systems and the user's files, as far as the images that a guest would get: with a
kernel tree that takes a second to build, and a mmdebstrap that puts a Debian of five files on a
disk. (tests/large makes a real one, and boots from it.)

`up` is told to write its output where nothing can be written, so that no guest starts.
"""
import io
import json
import lzma
import os
import pathlib
import pwd
import select
import shutil
import signal
import subprocess
import tarfile
import tempfile

import pytest

from test_module_builds import MAKEFILE, NOWHERE, second_archive

# version 2, and 1 << 13 may be used: cap_net_raw=ep of struct vfs_cap_data, <linux/capability.h>
CAPABILITY = b"\1\0\0\2" b"\0\x20\0\0" + bytes(12)

MEMBERS = [  # name, type, mode, owner, content
    ("./", tarfile.DIRTYPE, 0o755, 0, b""),
    ("./dev/", tarfile.DIRTYPE, 0o755, 0, b""),
    ("./dev/null", tarfile.CHRTYPE, 0o666, 0, b""),
    ("./etc/", tarfile.DIRTYPE, 0o755, 0, b""),
    ("./etc/hostname", tarfile.REGTYPE, 0o644, 0, b"builder\n"),
    ("./usr/", tarfile.DIRTYPE, 0o755, 0, b""),
    ("./usr/su", tarfile.REGTYPE, 0o4755, 0, b"su\n"),
    ("./usr/ping", tarfile.REGTYPE, 0o755, 0, b"ping\n"),
    ("./bin", tarfile.SYMTYPE, 0o777, 0, b""),
    ("./home/", tarfile.DIRTYPE, 0o755, 0, b""),
    ("./home/a b", tarfile.REGTYPE, 0o640, 1000, b"of a user\n"),
]

APT_GET = """\
echo 'http://mirror.test/debian/ bookworm main'
echo 'http://mirror.test/debian/ bookworm-updates main'
"""

MMDEBSTRAP = """\
printf '%s\\n' "$@" >>"$0.words"
echo 'I: downloading packages with apt...' >&2
for word; do
	case $word in
	*/system.tar) cp "${0%/*}/debian.tar" "$word" ;;
	esac
done
"""


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def write_debian(path):
    with tarfile.open(path, "w") as archive:
        for name, kind, mode, owner, content in MEMBERS:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.uid, member.gid = kind, mode, owner, owner
            member.size = len(content)
            member.linkname = "usr" if kind == tarfile.SYMTYPE else ""
            if content == b"ping\n":
                member.pax_headers["SCHILY.xattr.security.capability"] = CAPABILITY.decode()
            archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with a kernel tree, programs of ours before all others, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    (tmp_path / "tree/arch/x86").mkdir(parents=True)
    (tmp_path / "tree/Makefile").write_text(MAKEFILE)
    (tmp_path / "tree/Kconfig").write_text("")
    (tmp_path / "tree/arch/x86/Kconfig").write_text("")
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin/apt-get", APT_GET)
    program(tmp_path / "bin/mmdebstrap", MMDEBSTRAP)
    write_debian(tmp_path / "bin/debian.tar")
    return tmp_path


@pytest.fixture
def up(run, netlab, home):
    """up(**keys of a guest) -> the errors of an `up` that stops short of its guest."""
    def start(**keys):
        (home / "toy.yaml").write_text(json.dumps(
            {"name": "toy", "kernel": {"source": "tree", "flavour": "modular"},
             "guests": {"one": keys}}))
        return run(netlab, "up", home / "toy.yaml", "-o", NOWHERE).exited(1).stderr
    return start


def last(errors):
    return errors.splitlines()[-1]


def image(home, pattern):
    [path] = (home / "cache/netlab/images").glob(pattern)
    return path


# --- files and archives ---------------------------------------------------------------------------

def listing(archive):
    """What cpio says of each member of an archive: its mode by its name."""
    shown = subprocess.run(["cpio", "--list", "--verbose", "--numeric-uid-gid", "--quiet"],
                           stdin=open(archive, "rb"), capture_output=True, text=True, check=True)
    return {line.split(None, 8)[8]: line.split()[0] for line in shown.stdout.splitlines()}


def test_files_keep_their_modes(home, up):
    (home / "tests/deep").mkdir(parents=True)
    (home / "tests/deep/run").write_text("")
    (home / "tests/deep/run").chmod(0o4750)
    (home / "tests/link").symlink_to("deep/run")
    (home / "motd").write_text("hello\n")
    assert NOWHERE in last(up(files={"/etc/motd": "motd", "/opt/tests": "./tests"}))
    second_archive(image(home, "guest-*.cpio"), image(home, "busybox-*.cpio"),
                   home / "second.cpio")
    found = listing(home / "second.cpio")
    assert found["netlab/files/opt/tests/deep/run"] == "-rwsr-x---"
    assert found["netlab/files/opt/tests/link -> deep/run"] == "lrwxrwxrwx"
    assert found["netlab/files/etc/motd"].startswith("-rw")
    assert found["netlab/files/opt"] == "drwxr-xr-x"


@pytest.mark.parametrize("files, what", [
    ({"/a": "nothing"}, "files: {home}/nothing: No such file or directory"),
    ({"/a": "bin/fifo"}, "files: {home}/bin/fifo: neither a file, a folder nor a link"),
    ({"/a": "bin"}, "files: {home}/bin/fifo: neither a file, a folder nor a link"),
    ({"/": "toy.yaml"}, "files: {home}/toy.yaml: it is to be '/', and is no folder"),
])
def test_files_that_can_not_be_had(home, up, files, what):
    os.mkfifo(home / "bin/fifo")
    assert last(up(files=files)) == "netlab: one: " + what.format(home=home)
    assert not list(home.glob("cache/netlab/images/guest-*"))


def test_more_than_fits_into_the_guest(home, up):
    with open(home / "large", "wb") as file:
        file.truncate(40 << 20)
    assert "memory: 64M are too little to unpack an initramfs of 4" in (
        last(up(memory="64M", files={"/large": "large"})))


def cpio_of(folder):
    names = "".join(f"{path.relative_to(folder)}\n" for path in sorted(folder.rglob("*")))
    return subprocess.run(["cpio", "--create", "--format=newc", "--quiet"], cwd=folder,
                          input=names.encode(), stdout=subprocess.PIPE, check=True).stdout


def test_initramfs_of_the_user_s(home, up):
    (home / "given/usr").mkdir(parents=True)
    (home / "given/lib").symlink_to("usr")
    (home / "given/init").write_text("mine\n")
    plain = cpio_of(home / "given")
    (home / "given.xz").write_bytes(lzma.compress(plain))
    assert NOWHERE in last(up(root={"initramfs": "given.xz"}))
    made = image(home, "guest-*.cpio")
    assert made.read_bytes().startswith(plain)
    (home / "plain").write_bytes(plain)
    names = second_archive(made, home / "plain", home / "second.cpio")
    assert {"netlab/init", "netlab/agent", "netlab/sh", "dev/console"} <= set(names)
    # Theirs stays: no init of ours in its place, and modules go where a link may be in the way.
    assert not {"init", "lib", "bin", "usr"} & set(names)
    assert "netlab/files/lib/modules/6.9.0-toy/kernel/toy-net.ko" in names
    (home / "given.xz").write_bytes(plain)
    up(root={"initramfs": "given.xz"})
    assert image(home, "guest-*.cpio") == made


@pytest.mark.parametrize("content, what", [
    (None, "No such file or directory"),
    (b"", "no cpio archive"),
    (b"070707 old\n", "no cpio archive in the format newc; cpio --create"),
    (lzma.compress(b"nothing of the kind"), "no cpio archive in the format newc"),
    (lzma.compress(b"070701" + bytes(100000))[:80], "{home}/given: "),
], ids=["missing", "empty", "old", "other", "short"])
def test_initramfs_that_is_none(home, up, content, what):
    if content is not None:
        (home / "given").write_bytes(content)
    error = last(up(root={"initramfs": "given"}))
    assert error.startswith(f"netlab: one: {home}/given: ")
    assert what.format(home=home) in error
    assert not list(home.glob("cache/netlab/images/guest-*"))


def test_folder_that_is_none(home, up, run, netlab):
    assert last(up(root={"directory": "nothing"})) == (
        f"netlab: one: root: {home}/nothing: No such file or directory")
    assert last(up(root={"directory": "toy.yaml"})) == (
        f"netlab: one: root: {home}/toy.yaml: Not a directory")
    here = run(netlab, "up", "toy.yaml", "-o", NOWHERE, cwd=home).exited(1).stderr
    assert last(here) == f"netlab: one: root: {home}/toy.yaml: Not a directory"


# --- disks ----------------------------------------------------------------------------------------

def stat_on(disk, path):
    """Mode, user and group of a file on an image, as debugfs sees it."""
    text = subprocess.run(["debugfs", "-R", f'stat "{path}"', disk], capture_output=True,
                          text=True, check=True).stdout.split()
    mode, *owners = [text[text.index(f"{word}:") + 1] for word in ("Mode", "User", "Group")]
    return [int(mode, 8), *map(int, owners)]


def check_disk(disk, folder):
    subprocess.run(["e2fsck", "-fn", disk], capture_output=True, check=True)
    subprocess.run(["debugfs", "-R", f"ea_get -f {folder}/value /usr/ping security.capability",
                    disk], capture_output=True, check=True)
    assert (folder / "value").read_bytes() == CAPABILITY
    assert stat_on(disk, "/usr/su") == [0o4755, 0, 0]
    assert stat_on(disk, "/home/a b") == [0o640, 1000, 1000]
    assert stat_on(disk, "/") == [0o755, 0, 0]
    assert stat_on(disk, "/dev") == [0o755, 0, 0]
    names = subprocess.run(["debugfs", "-R", "ls -p /etc", disk], capture_output=True, text=True,
                           check=True).stdout
    assert "/hosts/" in names and "hostname" not in names
    assert "/null/" not in subprocess.run(["debugfs", "-R", "ls -p /dev", disk], text=True,
                                          capture_output=True, check=True).stdout


def test_disk(home, netlab, run):
    assert "the disk is not made; run 'netlab image build disk', or " in (
        last(run(netlab, "image", "path", "disk").exited(1).stderr))
    built = run(netlab, "image", "build", "disk").ok()
    disk = pathlib.Path(built.stdout.strip())
    assert "netlab: downloading packages with apt\n" in built.stderr
    assert disk.stat().st_size == 2 << 30 and disk.stat().st_blocks < 1 << 17
    check_disk(disk, home)
    words = (home / "bin/mmdebstrap.words").read_text().split("\n")
    assert "--include=iproute2,iputils-ping,procps" in words
    assert words[-3:] == ["deb http://mirror.test/debian/ bookworm main",
                          "deb http://mirror.test/debian/ bookworm-updates main", ""]
    assert not list((home / "cache/netlab/builds").glob("disk-*[!k]"))
    assert run(netlab, "image", "path", "disk").ok().stdout == built.stdout
    assert run(netlab, "image", "build", "disk").ok().stderr == ""


def test_disk_is_made_again_where_it_is_another(home, netlab, run):
    def paths(*disks):
        (home / "t.yaml").write_text(json.dumps({"guests": {
            f"g{i}": {"root": {"disk": disk}} for i, disk in enumerate(disks)}}))
        return run(netlab, "image", "build", home / "t.yaml").ok().stdout.split()

    base, one = paths({}, {"packages": []})
    assert pathlib.Path(base).name.startswith("busybox-")
    assert paths({"packages": ["vim", "gdb", "procps"]}, {"packages": ["gdb", "vim"]}) == [
        base, paths({"packages": ["gdb", "vim"]})[1]]
    others = paths({"packages": ["vim"]}, {"suite": "trixie"}, {"size": "1G"})[1:]
    assert len({one, *others}) == 4
    assert "/disk-trixie-" in others[1]


@pytest.fixture
def nobody(home, netlab):
    """build(PATH) -> what came of `image build disk` by an ordinary user, and the folder `bin` of
    the programs that are this user's own: those of `home`."""
    if os.geteuid() != 0:
        pytest.skip("runs as an ordinary user anyway")
    user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="netlab-test-") as folder:
        own = pathlib.Path(folder)
        own.chmod(0o755)
        shutil.copytree(home / "bin", own / "bin")
        for path in (own, own / "bin"):
            os.chown(path, user.pw_uid, user.pw_gid)
        program = shutil.copy(netlab, own)

        def build(path=""):
            return subprocess.run(
                [shutil.which("setpriv"), f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                 "--clear-groups", program, "image", "build", "disk"], text=True, check=False,
                env={**os.environ, "HOME": folder, "XDG_CACHE_HOME": "",
                     "PATH": f"{own}/bin{path}"}, capture_output=True, timeout=60)
        yield build, own / "bin"


def test_disk_without_root(home, nobody):
    """With the PATH of Debian's users, which leads to no mke2fs."""
    build, folder = nobody
    program(folder / "fakechroot", "")
    done = build(":/usr/local/bin:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    disk = pathlib.Path(done.stdout.strip())
    assert disk.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    check_disk(disk, home)


def test_disk_that_an_ordinary_user_can_not_make(nobody):
    build, folder = nobody
    assert last(build().stderr) == (
        "netlab: making a disk needs newuidmap or fakechroot, without root; apt-get install uidmap")
    program(folder / "newuidmap", "")
    program(folder / "mmdebstrap", "echo 'E: no mode' >&2\nexit 25\n")
    assert "E: no mode; without root it needs a range of IDs for you in /etc/subuid" in build().stderr
    program(folder / "fakechroot", "")
    assert "E: no mode; the whole log is " in build().stderr


def test_disk_that_fails(home, netlab, run):
    program(home / "bin/mmdebstrap", "echo 'E: no such suite' >&2\nexit 25\n")
    error = run(netlab, "image", "build", "disk").exited(1).stderr
    assert "mmdebstrap failed (exit status 25):\nE: no such suite; the whole log is " in error
    program(home / "bin/mmdebstrap", MMDEBSTRAP)
    (home / "bin/debian.tar").write_text("no archive")
    assert "system.tar: " in run(netlab, "image", "build", "disk").exited(1).stderr
    program(home / "bin/apt-get", "exit 0\n")
    assert "apt has no sources of packages" in (
        run(netlab, "image", "build", "disk").exited(1).stderr)
    assert not list((home / "cache/netlab/images").iterdir())
    assert not list((home / "cache/netlab/builds").glob("disk-*[!k]"))


def test_disk_whose_maker_leaves_a_process(home, netlab, run):
    """It has the output open, and is ended."""
    program(home / "bin/mmdebstrap", MMDEBSTRAP + "sleep 1000 &\n")
    run(netlab, "image", "build", "disk").ok()


HIDE = """\
mount -t tmpfs none /usr/sbin
mount -t tmpfs none /sbin
PATH=$1
shift
exec "$@"
"""


def test_disk_without_the_programs(netlab, run, home):
    def build():
        return last(run("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                        HIDE, "sh", home / "few", netlab, "image", "build", "disk").exited(1).stderr)
    (home / "few").mkdir()
    assert build() == ("netlab: making a disk needs mmdebstrap or debootstrap; "
                       "apt-get install mmdebstrap")
    program(home / "few/mmdebstrap", MMDEBSTRAP)
    assert build() == ("netlab: making a disk needs mke2fs and debugfs; "
                       "apt-get install e2fsprogs")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_disk_that_is_interrupted(home, netlab, number, run):
    """The signal reaches mmdebstrap, which takes away what it made."""
    program(home / "bin/mmdebstrap",
            "trap 'kill -9 $!; echo \"I: cleaning\"; exit 1' TERM\n"
            "sleep 1000 &\necho 'I: begun'\nwait\n")
    process = subprocess.Popen([netlab, "image", "build", "disk"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        said = ""
        while "begun" not in said:
            assert select.select([process.stderr], [], [], 60)[0]
            said += os.read(process.stderr.fileno(), 4096).decode()
        process.send_signal(number)
        assert f"interrupted by {number.name}" in process.communicate(timeout=60)[1]
        assert process.returncode == 1
    finally:
        process.kill()
        process.wait()
    assert "cleaning" in next((home / "cache/netlab/logs").glob("disk-*.log")).read_text()
    assert not list((home / "cache/netlab/images").iterdir())
    assert not list((home / "cache/netlab/builds").glob("disk-*[!k]"))
    program(home / "bin/mmdebstrap", MMDEBSTRAP)
    run(netlab, "image", "build", "disk").ok()


def test_disk_that_is_a_file(home, up):
    assert last(up(root={"disk": {"file": "nothing"}})) == (
        f"netlab: one: root: {home}/nothing: No such file or directory")
    assert last(up(root={"disk": {"file": "tree"}})).startswith(
        f"netlab: one: root: {home}/tree: not an image of a disk")
    assert NOWHERE in last(up(root={"disk": {"file": "bin/debian.tar"}}))


def test_disk_that_keeps_what_is_written(home, up, run, monkeypatch):
    """A copy of its own, made once; the cached one stays as it is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    kept = {"disk": {"overlay": "off", "size": "512M"}}
    up(root=kept)
    cached = image(home, "disk-*.ext4")
    [own] = (home / "state/netlab/toy").iterdir()
    assert own.name == f"one-{cached.stem.rpartition('-')[2]}.ext4"
    run("cmp", own, cached).ok()
    assert own.stat().st_blocks < 1 << 16
    with open(own, "r+b") as file:
        file.write(b"written")
    up(root=kept)
    with open(own, "rb") as file:
        assert file.read(7) == b"written"
    with open(cached, "rb") as file:
        assert file.read(7) == bytes(7)


def test_exported_disk(home, netlab, run, up):
    up(root="disk")
    disk = image(home, "disk-*.ext4")
    script = run(netlab, "export", "qemu", home / "toy.yaml", "--accel", "tcg").ok().stdout
    assert f"if=none,id=disk,file={disk},format=raw,snapshot=on" in script
    domain = home / "domain.xml"
    domain.write_text(run(netlab, "export", "libvirt", home / "toy.yaml").ok().stdout)
    assert "<transient/>" in domain.read_text() and f"<source file='{disk}'/>" in domain.read_text()
    run("virt-xml-validate", domain, "domain").ok()
