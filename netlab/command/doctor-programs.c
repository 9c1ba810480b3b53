// SPDX-License-Identifier: GPL-2.0-or-later
/* What is installed, and what was built. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>

#include "command/doctor.h"
#include "command/probe.h"
#include "image/initramfs.h"
#include "image/kernel.h"
#include "image/rootdisk.h"
#include "util/file.h"
#include "util/process.h"
#include "util/string.h"

#define QEMU          "qemu-system-x86_64"
#define KERNEL_SOURCE "linux-source-6.1"

struct version {
	unsigned major, minor;
};

/* The first "N.N" in @text's first line that begins a word. */
static bool find_version(const char *text, struct version *version)
{
	_cleanup_free_ char *line = xstrndup(text, strcspn(text, "\n"));
	char *rest = line, *word;

	while ((word = strsep(&rest, " ")))
		if (sscanf(word, "%5u.%5u", &version->major, &version->minor) == 2)
			return true;
	return false;
}

/* The first folder of `qemu -L help` that holds the firmware. */
static bool has_firmware(char *folders, const char *firmware)
{
	char *folder;

	while ((folder = strsep(&folders, "\n"))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", folder, firmware);

		if (*folder == '/' && access(path, R_OK) == 0)
			return true;
	}
	return false;
}

/* Can it make the card and the board that guests get? */
static struct error *check_qemu_parts(void)
{
	char *card[] = {(char *)QEMU, (char *)"-device", (char *)"e1000,help", NULL};
	char *board[] = {(char *)QEMU, (char *)"-L", (char *)"help", NULL};
	_cleanup_free_ char *properties = NULL, *folders = NULL;

	try(error_prefix(probe_program(card, &properties), "no e1000 network card"));
	if (!strstr(properties, "mac="))
		return error_new(0, "no e1000 network card");
	try(probe_program(board, &folders));
	if (!has_firmware(folders, "qboot.rom"))
		return error_new(ENOENT, "no qboot.rom, the firmware that guests boot "
					 "with");
	return NULL;
}

struct finding look_at_qemu(void)
{
	char *argv[] = {(char *)QEMU, (char *)"--version", NULL};
	const char *hint = "install it: apt-get install qemu-system-x86";
	_cleanup_free_ char *text = NULL;
	struct version version;
	struct error *error = probe_program(argv, &text);

	if (error)
		return finding_of_error(VERDICT_FAIL, error, hint);
	if (!find_version(text, &version))
		return finding(VERDICT_FAIL, hint, QEMU " --version names no version");
	error = check_qemu_parts();
	if (error)
		return finding_of_error(
			VERDICT_FAIL,
			error_prefix(error, "%u.%u", version.major, version.minor), hint);
	if (version.major < 7)
		return finding(VERDICT_WARN, "7.2 is what netlab is tested with",
			       "%u.%u is old", version.major, version.minor);
	return finding(VERDICT_OK, NULL, "%u.%u, with e1000 and qboot.rom", version.major,
		       version.minor);
}

/* A lab runs without gdb; its `debug:` steps and `netlab gdb` don't. */
struct finding look_at_gdb(void)
{
	char *ask_version[] = {(char *)"gdb", (char *)"--version", NULL};
	char *ask_build[] = {(char *)"gdb", (char *)"--configuration", NULL};
	const char *hint = "to debug guests, install it: apt-get install gdb";
	_cleanup_free_ char *text = NULL, *build = NULL;
	struct version version;
	struct error *error = probe_program(ask_version, &text);

	if (!error)
		error = probe_program(ask_build, &build);
	if (error)
		return finding_of_error(VERDICT_WARN, error, hint);
	if (!find_version(text, &version))
		return finding(VERDICT_WARN, hint, "gdb --version names no version");
	if (!strstr(build, "--with-python="))
		return finding(VERDICT_WARN,
			       "netlab's commands need it: install Debian's gdb, not "
			       "gdb-minimal",
			       "%u.%u, without Python", version.major, version.minor);
	return finding(VERDICT_OK, NULL, "%u.%u, with Python", version.major,
		       version.minor);
}

/* A static program asks for no interpreter. */
static bool is_static(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool interpreted = false;
	GElf_Phdr header;
	size_t n = 0;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &n) < 0)
		n = 0;
	for (size_t i = 0; i < n && !interpreted; i++)
		interpreted = !gelf_getphdr(elf, i, &header) ||
			      header.p_type == PT_INTERP;
	if (elf)
		elf_end(elf);
	return n && !interpreted;
}

struct finding look_at_busybox(void)
{
	const char *hint = "guests' images are made with it: apt-get install "
			   "busybox-static";
	_cleanup_free_ char *path = find_program("busybox");

	if (!path && file_exists("/bin/busybox"))
		path = xstrdup("/bin/busybox");
	if (!path)
		return finding(VERDICT_FAIL, hint, "missing");
	if (!is_static(path))
		return finding(VERDICT_FAIL, hint, "%s is not a static program", path);
	return finding(VERDICT_OK, NULL, "%s, static", path);
}

/* `root: disk` alone wants them. */
struct finding look_at_disks(void)
{
	struct error *error = rootdisk_check_programs();

	if (error)
		return finding_of_error(VERDICT_WARN, error, NULL);
	return finding(VERDICT_OK, NULL, "can be made for guests");
}

struct finding look_at_kernel_source(void)
{
	const char *path = "/usr/src/" KERNEL_SOURCE ".tar.xz";

	if (file_exists(path))
		return finding(VERDICT_OK, NULL, "%s", path);
	return finding(VERDICT_WARN,
		       "to build a kernel: apt-get install " KERNEL_SOURCE
		       ", or netlab kernel build --source DIR",
		       "%s is missing", path);
}

struct finding look_at_kernel(void)
{
	struct kernel_options options = {0};
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error *error = kernel_find(&options, &kernel);

	if (error)
		return finding_of_error(VERDICT_FAIL, error,
					"build it: netlab kernel build");
	return finding(VERDICT_OK, NULL, "%s", kernel->directory);
}

struct finding look_at_image(void)
{
	_cleanup_strv_ char **paths = NULL;
	struct error *error = initramfs_list(&paths);

	if (error)
		return finding_of_error(VERDICT_WARN, error,
					"build it anew: netlab image build");
	if (!paths || !paths[0])
		return finding(VERDICT_WARN, "build it: netlab image build",
			       "none in the cache");
	return finding(VERDICT_OK, NULL, "%s", paths[0]);
}
