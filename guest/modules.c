// SPDX-License-Identifier: GPL-2.0-or-later
#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "root.h"

#define LINE_MAX_BYTES 16384 /* a path and all parameters that a topology can give */
#define WORDS_MAX      256
#define WHY_MAX        400  /* bytes of what is said of one */
#define FAILURES_MAX   8192 /* and of all of them */
#define LEVEL_WARNING  4

static char failures[FAILURES_MAX]; /* MODULES_FAILED, to be */
static size_t failures_size;

/* Behind what is there, in printable ASCII; what is too much is left out. */
static void append(char *text, size_t limit, const char *more)
{
	size_t n = strlen(text);

	for (; *more && n + 1 < limit; more++)
		text[n++] = *more >= ' ' && *more <= '~' ? *more : '?';
	text[n] = '\0';
}

/* --- what the kernel says of it ------------------------------------------------------------- */

/* Its messages from now on; there is no /dev yet. */
static int open_messages(void)
{
	int fd;

	if (mknod("/kmsg", S_IFCHR | 0400, makedev(1, 11)) < 0)
		return -1;
	fd = open("/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	unlink("/kmsg");
	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT\n", and lines of details behind. (Documentation/ABI/testing/
 * dev-kmsg) */
static void take_message(char *record, const char *module, char *why)
{
	char *text = strchr(record, ';');
	size_t length = strlen(module);

	if (!text)
		return;
	text[strcspn(text, "\n")] = '\0';
	text++;
	/* modprobe tries twice. */
	if (strstr(text, "taints kernel") || strstr(why, text))
		return;
	if ((strtoul(record, NULL, 10) & 7) > LEVEL_WARNING &&
	    (strncmp(text, module, length) != 0 || text[length] != ':'))
		return;
	append(why, WHY_MAX, "; ");
	append(why, WHY_MAX, text);
}

/* EPIPE: some were overwritten before they could be read. */
static void take_messages(int messages, const char *module, char *why)
{
	char record[2048];
	ssize_t n;

	while ((n = read(messages, record, sizeof(record) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		record[n] = '\0';
		take_message(record, module, why);
	}
}

static void skip_messages(int messages)
{
	if (messages >= 0)
		lseek(messages, 0, SEEK_END);
}

static void fail(const char *module, int messages, char *why,
		 void (*say)(const char *format, ...))
{
	take_messages(messages, module, why);
	say("the module %s can't be loaded: %s", module, why);
	failures_size += snprintf(failures + failures_size,
				  sizeof(failures) - failures_size, "%s: %s\n", module,
				  why);
	if (failures_size >= sizeof(failures))
		failures_size = sizeof(failures) - 1;
}

/* --- loading -------------------------------------------------------------------------------- */

/* As far as it fits; the rest is read, so that whoever writes goes on. */
static void read_first_line(int fd, char *line, size_t size)
{
	char rest[256];
	ssize_t n;
	size_t got = 0;

	while (got + 1 < size && (n = read(fd, line + got, size - 1 - got)) > 0)
		got += n;
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	while (read(fd, rest, sizeof(rest)) > 0)
		;
}

/* busybox's modprobe looks up what else a module needs. Returns its exit status. @said: the
 * first line of what it complains of. */
static int modprobe(char *const *words, char *said, size_t size)
{
	char *argv[WORDS_MAX + 2] = {"modprobe"};
	int status = -1, ends[2], null;
	pid_t pid;

	for (size_t i = 0; words[i] && i < WORDS_MAX; i++)
		argv[i + 1] = words[i];
	*said = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(null, STDIN_FILENO);
		dup2(ends[1], STDERR_FILENO);
		execv("/bin/modprobe", argv);
		execv(ROOT_OVERLAY "/modprobe", argv);
		_exit(127);
	}
	close(ends[1]);
	read_first_line(ends[0], said, size);
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

/* What the device calls itself; a module that knows it is its driver. */
static void load_driver(const char *path)
{
	char alias[512], said[WHY_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, alias, sizeof(alias) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	alias[n] = '\0';
	alias[strcspn(alias, "\n")] = '\0';
	modprobe((char *[]){alias, NULL}, said, sizeof(said));
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

/* "/modules/oops.ko" is oops. */
static void module_name(const char *path, char *name, size_t size)
{
	const char *base = strrchr(path, '/') + 1;

	snprintf(name, size, "%.*s", (int)strcspn(base, "."), base);
}

static void load_file(const char *path, const char *parameters, int messages,
		      void (*say)(const char *format, ...))
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char why[WHY_MAX] = "", name[256];

	module_name(path, name, sizeof(name));
	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0) < 0) {
		append(why, sizeof(why), strerror(errno));
		fail(name, messages, why, say);
	} else {
		say("the module %s is loaded", name);
	}
	if (fd >= 0)
		close(fd);
}

static void load_named(char *line, int messages, void (*say)(const char *format, ...))
{
	static const char prefix[] = "modprobe: ";
	char *words[WORDS_MAX + 1] = {0}, why[WHY_MAX] = "", said[WHY_MAX];
	const char *text = said;
	size_t n = 0;

	for (char *word; n < WORDS_MAX && (word = strsep(&line, " "));)
		words[n++] = word;
	if (modprobe(words, said, sizeof(said)) == 0)
		return;
	if (strncmp(said, prefix, strlen(prefix)) == 0)
		text += strlen(prefix);
	append(why, sizeof(why), *text ? text : "modprobe can't be run");
	fail(words[0], messages, why, say);
}

static void load_line(char *line, int messages, void (*say)(const char *format, ...))
{
	char *parameters = line;

	line[strcspn(line, "\n")] = '\0';
	skip_messages(messages);
	if (*line != '/') {
		load_named(line, messages, say);
		return;
	}
	strsep(&parameters, " ");
	load_file(line, parameters ? parameters : "", messages, say);
}

static void load_listed(void (*say)(const char *format, ...))
{
	FILE *list = fopen("/modules/load", "re");
	int messages = open_messages();
	char line[LINE_MAX_BYTES];

	while (list && fgets(line, sizeof(line), list))
		load_line(line, messages, say);
	if (list)
		fclose(list);
	if (messages >= 0)
		close(messages);
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

bool modules_report(void)
{
	FILE *file;
	bool good;

	if (!failures_size)
		return true;
	file = fopen(MODULES_FAILED, "we");
	if (!file)
		return false;
	good = fputs(failures, file) >= 0;
	return fclose(file) == 0 && good;
}
