# SPDX-License-Identifier: GPL-2.0-or-later
"""netlab modules, on kernels without modules, and on the structures of several Linux versions.
With a guest: tests/large/test_modules.py."""
import subprocess

import pytest

# A "kernel" that is its list of two modules, as its own debug information tells.
COMMON = r"""
#include <stddef.h>
struct list_head { struct list_head *next, *prev; };
struct attribute { const char *name; };
enum module_state { MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING };
"""
LINUX_6_1 = COMMON + r"""
struct bin_attribute { struct attribute attr; size_t size; void *private; };
struct module_sect_attr { struct bin_attribute battr; unsigned long address; };
struct module_sect_attrs { int grp; unsigned nsections; struct module_sect_attr attrs[4]; };
struct module_layout { void *base; unsigned size; };
struct module { enum module_state state; struct list_head list; char name[56];
                struct module_layout core_layout, init_layout;
                struct module_sect_attrs *sect_attrs; };
#define SECTION(n, a) {{{n}}, a}
#define EXTENT .core_layout = {(void *)0x10000000, 4096}
"""
LINUX_6_12 = LINUX_6_1.replace("struct module_layout core_layout, init_layout;", r"""
    struct module_memory { void *base; unsigned size; } mem[7];""").replace(
        ".core_layout = {(void *)0x10000000, 4096}",
        ".mem = {{(void *)0x10000000, 1000}, {(void *)0x30000000, 3096}}")
LINUX_6_14 = COMMON + r"""
struct bin_attribute { struct attribute attr; size_t size; void *private; };
struct module_sect_attrs { int grp; struct bin_attribute attrs[4]; };
struct module { enum module_state state; struct list_head list; char name[56];
    struct module_memory { void *base; unsigned size; } mem[7];
    struct module_sect_attrs *sect_attrs; };
#define SECTION(n, a) {{n}, 0, (void *)a}
#define EXTENT .mem = {{(void *)0x10000000, 1000}, {(void *)0x30000000, 3096}}
"""
# A kernel without sysfs has no list of sections.
WITHOUT_SYSFS = LINUX_6_12.replace("struct module_sect_attrs *sect_attrs;", "")
MODULES = r"""
#ifdef SECTIONS
struct module_sect_attrs first_sections = {SECTIONS
    .attrs = {SECTION(".text", 0x10000000), SECTION(".init.text", 0x20000000),
              SECTION(".data", 0x30000000)}};
#define FIRST_SECTIONS .sect_attrs = &first_sections,
#else
#define FIRST_SECTIONS
#endif
extern struct list_head modules;
extern struct module second;
struct module first = {.state = MODULE_STATE_COMING, .list = {&second.list, &modules},
    .name = "first_one", FIRST_SECTIONS EXTENT};
struct module second = {.list = {&modules, &first.list}, .name = "second"};
struct list_head modules = {&first.list, &second.list};
__attribute__((noinline)) int do_init_module(struct module *mod) { return mod->state; }
int main(void) { return do_init_module(&first); }
"""
MODULE = r"""
int counter = 1;
__attribute__((section(".init.text"))) int first_init(void) { return counter; }
int first_work(void) { return counter + 1; }
"""


def compiled(path, text, *options):
    source = path.with_suffix(".c")
    source.write_text(text)
    subprocess.run(["gcc", "-g", "-O1", "-fno-pic", *options, "-o", path, source], check=True,
                   timeout=120, capture_output=True)
    return path


@pytest.fixture
def ask(source):
    """ask(kernel, *commands) -> what gdb prints, without a guest."""
    def ask_gdb(kernel, *commands):
        words = [word for command in commands for word in ("-ex", command)]
        return subprocess.run(["gdb", "-nx", "-batch", kernel, "-x",
                               source / "netlab/gdb/netlab.py", *words],
                              capture_output=True, text=True, timeout=120, check=False)
    return ask_gdb


@pytest.mark.parametrize("shape,sections", [
    (LINUX_6_1, "-DSECTIONS=.nsections=3,"), (LINUX_6_12, "-DSECTIONS=.nsections=3,"),
    (LINUX_6_14, "-DSECTIONS="), (WITHOUT_SYSFS, "-UNONE")],
    ids=["6.1", "6.12", "6.14", "without-sysfs"])
def test_the_structures_of_each_version(ask, tmp_path, shape, sections):
    kernel = compiled(tmp_path / "vmlinux", shape + MODULES, "-no-pie", sections)
    folder = tmp_path / "my modules"
    folder.mkdir()
    compiled(folder / "first-one.ko", MODULE, "-c")
    done = ask(kernel, "netlab modules", f"netlab modules '{folder}'", "print &first_work",
               "info line first_init", "netlab modules")
    assert done.stderr == "" or "warning" in done.stderr, done
    before, _, after = done.stdout.partition("first-one.ko\n")
    assert "first_one  coming, 4096 bytes at 0x10000000  no file: netlab modules DIR\n" in before
    assert "second  live, 0 bytes at 0x0  no file" in before
    assert f"at 0x10000000  {folder}/" in before
    assert "(int (*)(void)) 0x10000000 <first_work>" in after
    if "SECTIONS" in sections:
        assert "    .text 0x10000000  .init.text 0x20000000  .data 0x30000000\n" in after
        assert "starts at address 0x20000000 <first_init>" in after


def test_a_kernel_without_modules_says_so(ask, kernel):
    done = ask(kernel / "vmlinux", "netlab modules", "netlab modules /no-such-folder",
               "help netlab modules")
    assert "this kernel has none: it was built without CONFIG_MODULES" in done.stderr
    assert "netlab modules [DIR...]" in done.stdout


def test_folders_that_are_not_there(ask, tmp_path):
    kernel = compiled(tmp_path / "vmlinux", LINUX_6_12.replace("\n#define EXTENT", "\n#define NONE")
                      + "struct list_head modules = {&modules, &modules};"
                      "int do_init_module(struct module *mod) { return mod->state; }"
                      "int main(void) { return 0; }", "-no-pie")
    done = ask(kernel, "netlab modules /no-such-folder", "netlab modules")
    assert "netlab modules: /no-such-folder: no such folder" in done.stderr
    assert done.stdout == "no module is loaded\n"
