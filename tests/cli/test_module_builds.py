# SPDX-License-Identifier: GPL-2.0-or-later
"""Modules of one's own, up to the image that a guest would get, with a kernel tree that takes a
second to build. (tests/large loads a real one into a real kernel.)

`up` is told to write its output where nothing can be written, so that no guest starts.
"""
import os
import pathlib
import subprocess

import pytest

NOWHERE = "/dev/null/x"

MAKEFILE = """\
all:
allnoconfig:
	sed -E '/^CONFIG_(E1000E?|IGB|8139CP|VIRTIO_NET)=y/d' "$(KCONFIG_ALLCONFIG)" >$(O)/.config
	mkdir -p $(O)/include/config
	echo 6.9.0-toy > $(O)/include/config/kernel.release
vmlinux bzImage scripts_gdb:
	echo 'int main(void) { return 0; }' | gcc -Wl,--build-id -o $(O)/vmlinux -x c -
	mkdir -p $(O)/arch/x86/boot $(O)/scripts/gdb/linux
	echo boot > $(O)/arch/x86/boot/bzImage
	echo loader > $(O)/vmlinux-gdb.py
ifdef M
modules:
	gcc $(KCFLAGS) -I$(O)/include -g -c -o $(M)/poc.ko $(M)/poc.c
else
modules:
	mkdir -p $(O)/include/generated
	echo '#define TOY 7' > $(O)/include/generated/autoconf.h
endif
modules_install:
	mkdir -p $(INSTALL_MOD_PATH)/lib/modules/6.9.0-toy/kernel
	echo toy > $(INSTALL_MOD_PATH)/lib/modules/6.9.0-toy/kernel/toy-net.ko
"""

TOPOLOGY = """\
name: toy
kernel: {source: tree, flavour: %s}
guests:
  one:
    modules: %s
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with a kernel tree, the source of a module, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tree/arch/x86").mkdir(parents=True)
    (tmp_path / "tree/Makefile").write_text(MAKEFILE)
    (tmp_path / "tree/Kconfig").write_text("")
    (tmp_path / "tree/arch/x86/Kconfig").write_text("")
    (tmp_path / "poc").mkdir()
    (tmp_path / "poc/Kbuild").write_text("obj-m := poc.o\n")
    (tmp_path / "poc/poc.c").write_text('#include "generated/autoconf.h"\nint poc = TOY;\n')
    return tmp_path


@pytest.fixture
def up(run, netlab, home):
    """up(modules, flavour="modular") -> the errors of an `up` that stops short of its guests."""
    def start(modules, flavour="modular"):
        (home / "toy.yaml").write_text(TOPOLOGY % (flavour, modules))
        return run(netlab, "up", home / "toy.yaml", "-o", NOWHERE).exited(1).stderr
    return start


def images(home):
    return sorted((home / "cache/netlab/images").glob("guest-*.cpio"))


def second_archive(image, base, target):
    """An image begins with the one that all guests share."""
    whole, shared = image.read_bytes(), base.read_bytes()
    assert whole.startswith(shared)
    target.write_bytes(whole[len(shared):])
    names = subprocess.run(["cpio", "--list", "--quiet"], stdin=open(target, "rb"),
                           capture_output=True, text=True, check=True).stdout.split()
    return names


def read_from(archive, name):
    return subprocess.run(["cpio", "--extract", "--to-stdout", "--quiet", name],
                          stdin=open(archive, "rb"), capture_output=True, text=True, check=True,
                          errors="replace").stdout


def test_module_is_built_and_put_into_the_image(home, up):
    error = up("[toy_net, {path: ./poc, parameters: {x: 1, name: a=b}}]")
    assert "building the module poc" in error and NOWHERE[:9] in error.splitlines()[-1]
    [image] = images(home)
    [base] = (home / "cache/netlab/images").glob("busybox-*.cpio")
    names = second_archive(image, base, home / "second.cpio")
    assert names == ["lib", "lib/modules", "lib/modules/6.9.0-toy", "lib/modules/6.9.0-toy/kernel",
                     "lib/modules/6.9.0-toy/kernel/toy-net.ko",
                     *[f"lib/modules/6.9.0-toy/{name}" for name in
                       sorted(path.name for path in
                              (home / "cache/netlab/kernels").glob("*/lib/modules/*/modules.*"))],
                     "modules", "modules/poc.ko", "modules/load"]
    assert read_from(home / "second.cpio", "modules/load") == (
        "toy_net\n/modules/poc.ko x=1 name=a=b\n")
    # Debug info names the file that the user has, not the copy that was compiled.
    [module] = (home / "cache/netlab/modules").glob("poc-*/poc.ko")
    lines = subprocess.run(["readelf", "--debug-dump=info", module], capture_output=True,
                           text=True, check=True).stdout
    assert f"{home}/poc/poc.c" in lines and "poc-" not in lines
    # And nothing was written there.
    assert sorted(os.listdir(home / "poc")) == ["Kbuild", "poc.c"]


def test_module_is_built_again_when_it_changed(home, up):
    up("[./poc]")
    assert "building the module" not in up("[./poc]")
    # What an earlier build left in the folder is no change.
    (home / "poc/poc.o").write_text("x")
    assert "building the module" not in up("[./poc]")
    (home / "poc/poc.c").write_text("int poc = 8;\n")
    assert "building the module poc" in up("[./poc]")
    assert len(images(home)) == 2


def test_module_for_later_is_not_loaded_by_init(home, up):
    up("[{path: poc, load: later}]")
    [image] = images(home)
    [base] = (home / "cache/netlab/images").glob("busybox-*.cpio")
    assert "modules/poc.ko" in second_archive(image, base, home / "second.cpio")
    assert read_from(home / "second.cpio", "modules/load") == ""


def test_compiler_s_errors_name_the_user_s_file(home, up):
    (home / "poc/poc.c").write_text("int poc = skbb;\n")
    error = up("[./poc]")
    assert f"{home}/poc/poc.c:1:11: error: " in error
    assert "int poc = skbb;" in error
    assert list((home / "cache/netlab/modules").glob("poc-*/")) == []
    assert images(home) == []


@pytest.mark.parametrize("modules, flavour, words", [
    ("[./none]", "modular", "none: No such file or directory"),
    ("[./]", "modular", " has no Kbuild file; for poc.c it is the line 'obj-m := poc.o'"),
    ("[./poc, poc]", "modular", "has no module 'poc'; it may be built in"),
    ("[./poc, ./poc]", "modular", "one: two modules are named poc.ko"),
    ("[e1001]", "modular", "has no module 'e1001'; it may be built in; a module of your own is a "
                           "folder, as ./e1001"),
    ("[./poc]", "debug", "no modules can be built against this kernel; take the flavour modular"),
])
def test_what_cannot_be(home, up, modules, flavour, words):
    if flavour == "debug":
        makefile = MAKEFILE.replace("sed -E '/^CONFIG_(E1000E?|IGB|8139CP|VIRTIO_NET)=y/d'", "cat")
        (home / "tree/Makefile").write_text(makefile)
    assert words in up(modules, flavour).splitlines()[-1]
    assert images(home) == []


def test_step_at_a_function_of_a_module(home, up):
    (home / "poc/poc.c").write_text("int poc_run(void) { return 0; }\n")
    def error(function):
        return up(f"[./poc]\ndebug: [{{guest: one, at: {function}, do: backtrace}}]")
    assert NOWHERE[:9] in error("poc_run").splitlines()[-1]
    assert "has no function 'poc_ran'" in error("poc_ran").splitlines()[-1]


def test_example_is_whole(source):
    """guest/modules/oops: what its README tells people to type is there."""
    folder = pathlib.Path(source) / "guest/modules/oops"
    assert {path.name for path in folder.iterdir()} == {"Kbuild", "README.md", "oops.c",
                                                        "oops.yaml"}
