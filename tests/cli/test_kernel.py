# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab kernel and netlab image, with a cache of each test's own.

Most of it is shown with a kernel tree that takes a second to build: its Makefile has kbuild's
targets and files, and nothing of a kernel in it. One test interrupts the real one.
"""
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETLAB_BUILD", SOURCE / "build"))
NETLAB = str(BUILD / "netlab" / "netlab")
DEADLINE = 120
FLAVOURS = ["O1", "debug", "defconfig", "lab", "modular", "roots", "sanitize"]

MAKEFILE = """\
all:
allnoconfig:
	cp "$(KCONFIG_ALLCONFIG)" $(O)/.config
	mkdir -p $(O)/include/config
	echo 6.9.0-toy > $(O)/include/config/kernel.release
vmlinux bzImage scripts_gdb: $(O)/vmlinux
$(O)/vmlinux: toy.c
	@echo "  CC      toy.o"
	gcc -Wl,--build-id -o $@ toy.c
	mkdir -p $(O)/arch/x86/boot $(O)/scripts/gdb/linux
	echo boot > $(O)/arch/x86/boot/bzImage
	echo constants > $(O)/scripts/gdb/linux/constants.py
	echo loader > $(O)/vmlinux-gdb.py
	env | sort > $(O)/scripts/gdb/linux/environment.py
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "netlab"


@pytest.fixture
def tree(tmp_path):
    tree = tmp_path / "tree"
    (tree / "arch/x86").mkdir(parents=True)
    (tree / "Makefile").write_text(MAKEFILE)
    (tree / "Kconfig").write_text("")
    (tree / "arch/x86/Kconfig").write_text("")
    (tree / "toy.c").write_text("int main(void) { return 0; }\n")
    return tree


def netlab(*words, status=0, **options):
    result = subprocess.run([NETLAB, *map(str, words)], capture_output=True, text=True,
                            timeout=DEADLINE, check=False, stdin=subprocess.DEVNULL, **options)
    assert result.returncode == status, f"{words}: {result.returncode}\n{result.stderr}"
    return result


def kernels():
    return json.loads(netlab("kernel", "list", "--json").stdout)


def start(*words):
    return subprocess.Popen([NETLAB, *map(str, words)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, bufsize=1)


def wait_for_line(process, words):
    """Until a line on its stderr has those words."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if select.select([process.stderr], [], [], 1)[0]:
            line = process.stderr.readline()
            assert line, f"it ended before it said {words!r}"
            if words in line:
                return line
    raise AssertionError(f"it never said {words!r}")


def processes_of(folder):
    """PIDs of processes with that folder in their arguments or as working directory."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "cmdline").read_bytes() or str(
                    os.readlink(process / "cwd")).startswith(str(folder)):
                found.append(int(process.name))
        except OSError:
            pass
    return found


def wait_for_file(is_there, process):
    """Until make has come that far; nothing tells us but the file itself."""
    end = time.monotonic() + DEADLINE
    while not is_there():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        select.select([], [], [], 0.05)


# --- what isn't there ---------------------------------------------------------------------------

def test_nothing_is_built(cache):
    listed = netlab("kernel", "list").stdout.splitlines()
    assert listed[:3] == ["no kernel is built", "", "TO BUILD   WHAT IT IS"]
    assert [line.split()[0] for line in listed[3:]] == FLAVOURS
    assert "debug      a small Linux for QEMU whose network stack" in listed[4]
    assert kernels() == []
    error = netlab("kernel", "path", status=1).stderr
    assert error == "netlab: the debug kernel is not built; run 'netlab kernel build'\n"
    assert netlab("image", "list").stdout == ""
    error = netlab("image", "path", status=1).stderr
    assert error == "netlab: the image is not built; run 'netlab image build'\n"
    assert not cache.exists()


@pytest.mark.parametrize("words", [
    ["kernel"], ["kernel", "make"], ["kernel", "build", "a", "b"], ["kernel", "list", "debug"],
    ["kernel", "build", "--jobs", "0"], ["kernel", "build", "--jobs", "many"],
    ["kernel", "build", "--source", "x", "--version", "6.1"],
    ["kernel", "build", "--in-place"], ["kernel", "build", "--source", "x", "--in-place", "lab"],
    ["image"], ["image", "burn"], ["image", "build", "disk", "more"], ["image", "list", "disk"]])
def test_misuse(cache, words):
    assert "--help" in netlab(*words, status=2).stderr
    assert not cache.exists()


@pytest.mark.parametrize("flavour", ["nosuch", "../kernel/debug", ""])
def test_unknown_flavour(cache, flavour):
    error = netlab("kernel", "build", flavour, status=1).stderr
    assert f"no kernel flavour '{flavour}'; there is {', '.join(FLAVOURS)}" in error
    assert not cache.exists()


def test_version_of_the_package(cache):
    error = netlab("kernel", "build", "--version", "99.9", status=1).stderr
    assert error == ("netlab: /usr/src/linux-source-99.9.tar.xz: No such file or directory; "
                     "apt-get install linux-source-99.9\n")
    for version in "6", "6.", "6.1.2", "../6.1", "":
        error = netlab("kernel", "build", "--version", version, status=1).stderr
        assert f"'{version}' is no version of a kernel, as 6.1 is" in error
    assert not cache.exists()


def test_bad_optimize(cache, tree):
    def error(words):
        return netlab("kernel", "build", "--source", tree, "--optimize", words, status=1).stderr
    assert "net: 'O0' is no level: there is O1, Og, O2, Os" in error("arch/x86=O1,net=O0")
    assert f"{tree} has no directory net to optimize" in error("net=O1")
    assert not cache.exists()


def test_bad_source(cache, tmp_path, tree):
    assert "No such file" in netlab("kernel", "build", "--source", tmp_path / "x",
                                    status=1).stderr
    (tree / "Kconfig").unlink()
    assert f"{tree} is no kernel source: it has no Kconfig" in netlab(
        "kernel", "build", "--source", tree, status=1).stderr
    assert not cache.exists()


def test_missing_program_is_named_with_its_package(cache, tree, tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in "make", "gcc", "ld", "bison", "bc", "perl", "python3":
        (folder / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(folder))
    error = netlab("kernel", "build", "--source", tree, status=1).stderr
    assert "needs flex, lz4; apt-get install flex lz4" in error


# --- a build ------------------------------------------------------------------------------------

def test_build_and_look_up(cache, tree):
    folder = pathlib.Path(netlab("kernel", "build", "--source", tree).stdout.strip())
    assert folder.parent == cache / "kernels"
    assert folder.name.startswith("debug-6.9.0-toy-")
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "vmlinux", "bzImage", "config", "vmlinux-gdb.py", "note.json",
        "scripts/gdb/linux/constants.py", "scripts/gdb/linux/environment.py"}
    assert (folder / "config").read_text() == (SOURCE / "guest/kernel/debug.config").read_text()
    assert netlab("kernel", "path", "--source", tree).stdout == f"{folder}/vmlinux\n"
    [listed] = kernels()
    note = json.loads((folder / "note.json").read_text())
    assert listed["flavour"] == "debug" and listed["version"] == "6.9.0-toy"
    assert listed["source"] == note["source"] == str(tree)
    assert listed["tarball"] is None and "tarball" not in note
    build_id = subprocess.run(["file", "-b", folder / "vmlinux"], capture_output=True, text=True,
                              check=True).stdout
    assert f"BuildID[sha1]={listed['build_id']}" in build_id
    # Debian's kernel is another one.
    assert "not built" in netlab("kernel", "path", status=1).stderr


def test_columns_of_long_names(cache, tree):
    del cache
    netlab("kernel", "build", "debug+roots", "--source", tree)
    head, row = netlab("kernel", "list").stdout.splitlines()[:2]
    assert row.startswith("debug+roots ")
    assert head.index("VERSION") == row.index("6.9.0-toy")


def test_tree_that_changed_replaces_its_kernel(cache, tree):
    first = netlab("kernel", "build", "--source", tree).stdout.strip()
    before = kernels()
    (tree / "toy.c").write_text("int main(void) { return 7; }\n")
    assert netlab("kernel", "build", "--source", tree).stdout.strip() == first
    after = kernels()
    assert len(after) == 1 and after[0]["build_id"] != before[0]["build_id"]
    (tree / "Makefile").write_text(MAKEFILE.replace("6.9.0-toy", "6.9.1-toy"))
    second = netlab("kernel", "build", "--source", tree).stdout.strip()
    assert second != first
    assert [kernel["directory"] for kernel in kernels()] == [second]
    assert [path.name for path in (cache / "kernels").iterdir()] == [os.path.basename(second)]


def test_what_was_compiled_is_said(cache, tree):
    words = ["kernel", "build", "--source", tree]
    assert "debug kernel, 6.9.0-toy: compiled 1 file: toy in" in netlab(*words).stderr
    assert "debug kernel, 6.9.0-toy: nothing to compile in" in netlab(*words).stderr


TOPOLOGY = """\
name: toy
kernel: {source: ../tree}
guests:
  one: {}
  two: {}
  three: {kernel: {source: ../tree, optimize: {arch: O1}}}
debug:
  - {guest: one, at: nosuch, do: backtrace}
"""


def test_up_builds_what_changed(cache, tree, tmp_path):
    """As far as the debug step of a function that the toy doesn't have: no guest starts. Two
    guests of one kernel have it built once."""
    (tmp_path / "lab").mkdir()
    topology = tmp_path / "lab/toy.yaml"
    topology.write_text(TOPOLOGY)
    error = netlab("up", topology, status=1).stderr
    assert error.count("debug kernel, 6.9.0-toy: compiled 1 file: toy in") == 2
    assert "nosuch" in error.splitlines()[-1]
    (tree / "toy.c").write_text("int main(void) { return 7; }\n")
    assert netlab("up", topology, status=1).stderr.count("compiled 1 file: toy in") == 2
    error = netlab("up", topology, status=1).stderr
    assert "compiled" not in error and error.count("nothing to compile in") == 2


@pytest.mark.parametrize("trace", [".config", "include/config/auto.conf",
                                   "arch/x86/include/generated/asm/x.h"])
def test_tree_that_was_configured_in_place(cache, tree, trace):
    (tree / trace).parent.mkdir(parents=True, exist_ok=True)
    (tree / trace).write_text("")
    error = netlab("kernel", "build", "--source", tree, status=1).stderr
    assert error.count("\n") == 1
    assert f"{tree} was configured in place (it has " in error
    assert "run 'make mrproper' in it, or build what is configured there: --in-place" in error
    assert not cache.exists()


IN_PLACE = """\
all:
vmlinux bzImage scripts_gdb: vmlinux
vmlinux: toy.c
	@echo "  CC      toy.o"
	gcc -Wl,--build-id -o $@ toy.c
	mkdir -p arch/x86/boot scripts/gdb/linux include/config
	echo 6.9.0-own > include/config/kernel.release
	echo boot > arch/x86/boot/bzImage
	echo "$(O)" > scripts/gdb/linux/constants.py
	echo loader > vmlinux-gdb.py
"""


def test_in_place(cache, tree):
    (tree / "Makefile").write_text(IN_PLACE)
    words = ["--source", tree, "--in-place"]
    error = netlab("kernel", "build", *words, status=1).stderr
    assert f"{tree} is not configured: it has no .config; run 'make defconfig" in error
    (tree / ".config").write_text("CONFIG_OWN=y\n")
    error = netlab("kernel", "path", *words, status=1).stderr
    assert f"the own kernel is not built; run 'netlab kernel build --source {tree} " in error
    assert error.endswith(" --in-place'\n")
    folder = pathlib.Path(netlab("kernel", "build", *words).stdout.strip())
    assert folder.name.startswith("own-6.9.0-own-")
    assert (folder / "config").read_text() == "CONFIG_OWN=y\n"
    assert (folder / "scripts/gdb/linux/constants.py").read_text() == "\n"
    before = sorted(path for path in tree.rglob("*"))
    assert "nothing to compile" in netlab("kernel", "build", *words).stderr
    topology = tree.parent / "own.yaml"
    topology.write_text(f"kernel: {{source: {tree}, in_place: true}}\nguests: {{a: {{}}}}\n")
    script = netlab("export", "qemu", topology).stdout
    assert f"-kernel {folder}/bzImage" in script  # what has no PVH entry is started from there
    assert sorted(path for path in tree.rglob("*")) == before


def test_environment_has_no_say(cache, tree, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "--dry-run")
    monkeypatch.setenv("KCFLAGS", "-O0")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    folder = pathlib.Path(netlab("kernel", "build", "--source", tree).stdout.strip())
    environment = (folder / "scripts/gdb/linux/environment.py").read_text().splitlines()
    assert "LC_ALL=C" in environment
    assert "KBUILD_BUILD_USER=netlab" in environment
    assert not [line for line in environment if line.startswith("KCFLAGS")]


def test_optimize_makes_another_kernel(cache, tree):
    (tree / "Makefile").write_text(MAKEFILE.replace("echo constants",
                                                    "echo '$(CFLAGS_KERNEL)'"))
    plain = netlab("kernel", "build", "--source", tree).stdout.strip()
    words = ["--source", tree, "--optimize", "arch/x86=O1"]
    error = netlab("kernel", "path", *words, status=1).stderr
    assert f"run 'netlab kernel build --source {tree} --optimize arch/x86=O1'" in error
    other = netlab("kernel", "build", *words).stdout.strip()
    assert other != plain
    assert netlab("kernel", "path", *words).stdout == f"{other}/vmlinux\n"
    assert len(kernels()) == 2


def test_base_goes_before_the_flavour_s_options(cache, tree):
    (tree / "Makefile").write_text(MAKEFILE + """\
x86_64_defconfig kvm_guest.config:
	mkdir -p $(O)/include/config
	echo 6.9.0-toy > $(O)/include/config/kernel.release
	echo CONFIG_$@=y >> $(O)/.config
olddefconfig:
	echo CONFIG_LAST=y >> $(O)/.config
""")
    folder = pathlib.Path(netlab("kernel", "build", "--source", tree, "--jobs", "1",
                                 "defconfig").stdout.strip())
    own = (SOURCE / "guest/kernel/defconfig.config").read_text()
    assert (folder / "config").read_text() == (
        f"CONFIG_x86_64_defconfig=y\nCONFIG_kvm_guest.config=y\n\n{own}CONFIG_LAST=y\n")


def test_config(cache, tree):
    (tree / "Makefile").write_text(MAKEFILE.replace(
        'cp "$(KCONFIG_ALLCONFIG)" $(O)/.config',
        'sed "s/CONFIG_E1000=y/# CONFIG_E1000 is not set/" $(KCONFIG_ALLCONFIG) >$(O)/.config'))
    (tree / "Kconfig").write_text('config E1000\n\ttristate "A card"\n'
                                  '\tdepends on PCI && MAGIC\n')
    shown = netlab("kernel", "config", "--source", tree, status=1)
    assert "CONFIG_NET=y\n# " not in shown.stderr and "CONFIG_PCI=y\n" in shown.stdout
    assert shown.stderr.splitlines()[-1] == (
        "netlab: did not take: CONFIG_E1000=y (it is n): it depends on PCI && MAGIC; off: "
        "CONFIG_MAGIC")
    assert not list(cache.glob("kernels/*"))
    (tree / "Makefile").write_text(MAKEFILE)
    assert "did not take" not in netlab("kernel", "config", "--source", tree).stderr
    difference = netlab("kernel", "config", "--source", tree, "sanitize",
                        "--diff", "debug").stdout
    assert "CONFIG_KASAN n -> y\n" in difference
    assert "CONFIG_PCI" not in difference


def test_modules_and_what_they_are_built_against(cache, tree):
    """What a module needs of make's output is kept, and no more than that."""
    (tree / "Makefile").write_text(MAKEFILE.replace(
        'cp "$(KCONFIG_ALLCONFIG)"', "sed -E '/^CONFIG_(E1000E?|IGB|8139CP|VIRTIO_NET)=y/d' "
        '"$(KCONFIG_ALLCONFIG)" >') + """\
modules:
	mkdir -p $(O)/scripts/mod $(O)/include/config/net $(O)/include/generated
	touch $(O)/scripts/mod/modpost $(O)/scripts/mod/modpost.o $(O)/include/config/NET
	touch $(O)/include/config/auto.conf $(O)/include/generated/autoconf.h
	touch $(O)/Module.symvers
	chmod +x $(O)/scripts/mod/modpost
modules_install:
	mkdir -p $(INSTALL_MOD_PATH)/lib/modules/6.9.0-toy/kernel
	ln -s $(O) $(INSTALL_MOD_PATH)/lib/modules/6.9.0-toy/build
	echo toy > $(INSTALL_MOD_PATH)/lib/modules/6.9.0-toy/kernel/toy.ko
""")
    folder = pathlib.Path(netlab("kernel", "build", "--source", tree,
                                 "modular").stdout.strip())
    modules = folder / "lib/modules/6.9.0-toy"
    assert (modules / "kernel/toy.ko").read_text() == "toy\n"
    assert (modules / "modules.dep").exists() and not (modules / "build").is_symlink()
    kept = {str(path.relative_to(folder / "build")) for path in (folder / "build").rglob("*")
            if path.is_file()}
    assert kept == {".config", "Module.symvers", "scripts/mod/modpost",
                    "include/config/auto.conf", "include/config/kernel.release",
                    "include/generated/autoconf.h"}
    assert os.access(folder / "build/scripts/mod/modpost", os.X_OK)


def test_junk_in_the_cache(cache, tree):
    folder = netlab("kernel", "build", "--source", tree).stdout.strip()
    junk = cache / "kernels"
    (junk / "file").write_text("x")
    (junk / "empty").mkdir()
    (junk / "loop").symlink_to("loop")
    for name, note in [("a", ""), ("b", "[]"), ("c", "{}"), ("d", '{"flavour": 7}'),
                       ("e", "x" * 100_000), ("f", pathlib.Path(folder, "note.json").read_text())]:
        (junk / name).mkdir()
        (junk / name / "note.json").write_text(note)
    (junk / "g" / "note.json").mkdir(parents=True)
    assert [kernel["directory"] for kernel in kernels()] == [folder]
    images = cache / "images"
    (images / "busybox-folder.cpio").mkdir(parents=True)
    (images / "busybox-x.cpio.part").write_text("x")
    (images / "disk-x.ext4").write_text("x")
    os.utime(images / "disk-x.ext4", (0, 0))
    image = netlab("image", "build").stdout.strip()
    assert netlab("image", "list").stdout.split() == [image, f"{images}/disk-x.ext4"]
    assert json.loads(netlab("image", "list", "--json").stdout) == [
        {"path": image, "kind": "initramfs"}, {"path": f"{images}/disk-x.ext4", "kind": "disk"}]


# --- a build that fails -------------------------------------------------------------------------

def failed(tree, rules):
    (tree / "Makefile").write_text(MAKEFILE.split("$(O)/vmlinux: toy.c")[0] + rules)
    return netlab("kernel", "build", "--source", tree, status=1).stderr


def assert_no_kernel(cache):
    assert kernels() == []
    assert list((cache / "kernels").iterdir()) == []


def test_compiler_s_errors_are_shown(cache, tree):
    (tree / "toy.c").write_text("int main(void) { return skbb; }\n")
    error = netlab("kernel", "build", "--source", tree, status=1).stderr
    assert "toy.c:1:25: error: ‘skbb’ undeclared" in error or (
        "toy.c:1:25: error: 'skbb' undeclared" in error)
    assert "return skbb;" in error
    log = pathlib.Path(error.split("the whole log is ")[1].strip())
    assert "skbb" in log.read_text()
    assert_no_kernel(cache)
    (tree / "toy.c").write_text("int main(void) { return 0; }\n")
    netlab("kernel", "build", "--source", tree)
    assert "skbb" not in log.read_text()


def test_option_that_does_not_take(cache, tree):
    (tree / "Makefile").write_text(MAKEFILE.replace(
        'cp "$(KCONFIG_ALLCONFIG)" $(O)/.config',
        'sed "s/CONFIG_E1000=y/# CONFIG_E1000 is not set/" $(KCONFIG_ALLCONFIG) >$(O)/.config'))
    error = netlab("kernel", "build", "--source", tree, status=1).stderr
    assert "did not take CONFIG_E1000=y (it is n);" in error
    assert_no_kernel(cache)


def test_full_disk_while_it_builds(cache, tree):
    error = failed(tree, "$(O)/vmlinux: toy.c\n"
                         "\t@echo 'cc1: fatal error: x.o: No space left on device' >&2; false\n")
    assert error.splitlines()[-1].startswith("netlab: the disk is full: ")
    assert_no_kernel(cache)


def test_too_little_space_to_begin(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    script = f"mount -t tmpfs -o size=64m none {small} && exec {NETLAB} kernel build"
    result = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
                            env={**os.environ, "XDG_CACHE_HOME": str(small)}, timeout=DEADLINE,
                            capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "building a kernel needs 2650 MiB, there are " in result.stderr
    assert result.stderr.count("\n") == 1


# --- a build that is interrupted ----------------------------------------------------------------

HANGING = """\
$(O)/vmlinux: toy.c
	@echo "  CC      toy.o"
	%s
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(cache, tree, number):
    (tree / "Makefile").write_text(MAKEFILE.split("$(O)/vmlinux: toy.c")[0] + HANGING %
                                   "echo half > $@; sleep 1000; true")
    process = start("kernel", "build", "--source", tree)
    wait_for_file(lambda: list(cache.glob("builds/*/vmlinux")), process)
    process.send_signal(number)
    _, error = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    assert error.splitlines()[-1] == f"netlab: interrupted by {number.name}"
    assert processes_of(cache) == []
    assert_no_kernel(cache)
    # make took back what was half made, so that it isn't taken for done.
    assert not list(cache.glob("builds/*/vmlinux"))


def test_what_ignores_the_interruption_is_killed(cache, tree):
    (tree / "Makefile").write_text(MAKEFILE.split("$(O)/vmlinux: toy.c")[0] + HANGING %
                                   "trap '' TERM INT; echo half > $@; sleep 1000; sleep 1000")
    process = start("kernel", "build", "--source", tree)
    wait_for_file(lambda: list(cache.glob("builds/*/vmlinux")), process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=DEADLINE)
    assert "interrupted by SIGINT" in error
    assert processes_of(cache) == []


def test_second_build_waits_for_the_first(cache, tree):
    fifo = tree / "go-on"
    os.mkfifo(fifo)
    (tree / "Makefile").write_text(MAKEFILE.replace("gcc -Wl", "cat go-on; gcc -Wl"))
    first = start("kernel", "build", "--source", tree)
    wait_for_line(first, "compiling the kernel")
    second = start("kernel", "build", "--source", tree)
    wait_for_line(second, "another netlab builds this kernel; waiting")
    third = start("kernel", "build", "--source", tree)
    wait_for_line(third, "waiting")
    third.send_signal(signal.SIGINT)
    third.communicate(timeout=DEADLINE)
    assert third.returncode == -signal.SIGINT
    fifo.write_text("now\n")
    folders = {process.communicate(timeout=DEADLINE)[0] for process in (first, second)}
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(folders) == 1 and len(kernels()) == 1


def test_killed_build_holds_its_lock_to_the_last_compiler(cache, tree):
    fifo = tree / "go-on"
    os.mkfifo(fifo)
    (tree / "Makefile").write_text(MAKEFILE.split("$(O)/vmlinux: toy.c")[0] + HANGING %
                                   "echo half > $@; cat go-on; echo late > $(O)/late")
    process = start("kernel", "build", "--source", tree)
    wait_for_file(lambda: list(cache.glob("builds/*/vmlinux")), process)
    process.kill()
    process.communicate(timeout=DEADLINE)
    (tree / "Makefile").write_text(MAKEFILE)
    second = start("kernel", "build", "--source", tree)
    wait_for_line(second, "another netlab builds this kernel; waiting")
    fifo.write_text("now\n")
    second.communicate(timeout=DEADLINE)
    assert second.returncode == 0
    # What the killed one left half written is not taken for done.
    [kernel] = kernels()
    assert pathlib.Path(kernel["vmlinux"]).read_bytes()[:4] == b"\x7fELF"
    assert not list(cache.glob("builds/*/late"))
    assert processes_of(cache) == []


def test_real_kernel_interrupted(tmp_path, monkeypatch):
    """The source that Debian's kernel was built from, out of tree; ^C among the compilers."""
    built = [kernel for kernel in kernels() if kernel["tarball"]]
    assert built, "run 'netlab kernel build' first"
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    process = start("kernel", "build", "--source", built[0]["source"])
    wait_for_file(lambda: list(cache.glob("netlab/builds/*/kernel/bounds.s")), process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=DEADLINE)
    assert error.splitlines()[-1] == "netlab: interrupted by SIGINT"
    assert processes_of(cache) == []
    assert kernels() == []


# --- the image ----------------------------------------------------------------------------------

def test_image(cache):
    built = netlab("image", "build", "-v")
    path = built.stdout.strip()
    assert "written" in built.stderr
    assert "was there" in netlab("image", "build", "-v").stderr
    assert netlab("image", "path").stdout.strip() == path
    assert [path.name for path in (cache / "images").iterdir()] == [os.path.basename(path)]
    names = subprocess.run(["cpio", "--list", "--verbose", "--numeric-uid-gid", "--quiet"],
                           stdin=open(path, "rb"), capture_output=True, text=True, check=True,
                           env={**os.environ, "TZ": "UTC"}).stdout.splitlines()
    assert any(line.startswith("crw------- ") and "5,   1" in line and
               line.endswith(" dev/console") for line in names)
    assert any(line.endswith(" bin/ls -> busybox") for line in names)
    assert all(" 0        0 " in line and "Jan  1  1970" in line for line in names)
    first = pathlib.Path(path).read_bytes()
    pathlib.Path(path).unlink()
    assert netlab("image", "build").stdout.strip() == path
    assert pathlib.Path(path).read_bytes() == first


def test_image_without_static_busybox(cache, tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    error = netlab("image", "build", status=1).stderr
    assert error == "netlab: there is no busybox; apt-get install busybox-static\n"
    shutil.copy("/bin/ls", folder / "busybox")
    error = netlab("image", "build", status=1).stderr
    assert error == (f"netlab: {folder}/busybox is not a static program; "
                     "apt-get install busybox-static\n")
    assert not list(cache.glob("images/*"))
