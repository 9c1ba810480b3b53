// SPDX-License-Identifier: GPL-2.0-or-later
#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "root.h"

#define LINE_MAX_BYTES 16384 /* a path and all parameters that a topology can give */
#define WORDS_MAX      256

/* busybox's modprobe looks up what else a module needs. Returns its exit status. */
static int modprobe(char *const *words, bool quietly)
{
	char *argv[WORDS_MAX + 2] = {"modprobe"};
	int status = -1, null;
	pid_t pid;

	for (size_t i = 0; words[i] && i < WORDS_MAX; i++)
		argv[i + 1] = words[i];
	pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(null, STDIN_FILENO);
		if (quietly)
			dup2(null, STDERR_FILENO);
		execv("/bin/modprobe", argv);
		execv(ROOT_OVERLAY "/modprobe", argv);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

/* What the device calls itself; a module that knows it is its driver. */
static void load_driver(const char *path)
{
	char alias[512];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, alias, sizeof(alias) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	alias[n] = '\0';
	alias[strcspn(alias, "\n")] = '\0';
	modprobe((char *[]){alias, NULL}, true);
}

static void load_drivers_on(const char *bus)
{
	char pattern[64];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/bus/%s/devices/*/modalias", bus);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		load_driver(found.gl_pathv[i]);
	globfree(&found);
}

static void load_drivers(void)
{
	struct utsname name;
	char path[256];

	uname(&name);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", name.release);
	if (access(path, R_OK) < 0)
		return;
	load_drivers_on("pci");
	/* A driver on the first bus may have brought devices on this one. */
	load_drivers_on("virtio");
}

static void load_file(const char *path, const char *parameters,
		      void (*say)(const char *format, ...))
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0) < 0)
		say("the module %s can't be loaded: %s", path, strerror(errno));
	else
		say("the module %s is loaded", path);
	if (fd >= 0)
		close(fd);
}

static void load_named(char *line, void (*say)(const char *format, ...))
{
	char *words[WORDS_MAX + 1] = {0};
	size_t n = 0;

	for (char *word; n < WORDS_MAX && (word = strsep(&line, " "));)
		words[n++] = word;
	if (modprobe(words, false) != 0)
		say("the module %s can't be loaded", words[0]);
}

static void load_listed(void (*say)(const char *format, ...))
{
	FILE *list = fopen("/modules/load", "re");
	char line[LINE_MAX_BYTES];

	while (list && fgets(line, sizeof(line), list)) {
		char *parameters = line;

		line[strcspn(line, "\n")] = '\0';
		if (*line != '/') {
			load_named(line, say);
			continue;
		}
		strsep(&parameters, " ");
		load_file(line, parameters ? parameters : "", say);
	}
	if (list)
		fclose(list);
}

void modules_load(void (*say)(const char *format, ...))
{
	if (access("/modules/load", R_OK) < 0)
		return;
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	load_drivers();
	load_listed(say);
	umount("/sys");
	umount("/proc");
}
