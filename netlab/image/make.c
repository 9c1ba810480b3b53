// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/make.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "image/buildlog.h"
#include "image/interrupt.h"
#include "image/logged.h"
#include "util/file.h"
#include "util/process.h"
#include "util/string.h"

#define GRACE_MS      5000 /* what make gets to delete half-written files before SIGKILL */
#define VERSION_LIMIT 256

/* A running make. */
struct running {
	const struct make *make;
	struct interrupt interrupt;
	struct buildlog said;
};

static void running_deinit(struct running *running)
{
	interrupt_end(&running->interrupt);
	buildlog_deinit(&running->said);
}

/*
 * The environment must not have a say in what is built. A name without "=" is removed from it
 * (putenv(3), glibc). Dates, users and hosts would otherwise be part of the kernel.
 */
static char **make_environment(const struct make *make)
{
	static const char *const fixed[] = {
		"LC_ALL=C",
		"KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970",
		"KBUILD_BUILD_USER=netlab",
		"KBUILD_BUILD_HOST=netlab",
		"KBUILD_BUILD_VERSION=1",
		"MAKEFLAGS",
		"MAKEOVERRIDES",
		"MAKEFILES",
		"MAKELEVEL",
		"MFLAGS",
		"GNUMAKEFLAGS",
		"KCFLAGS",
		"KAFLAGS",
		"KCPPFLAGS",
		"KBUILD_CFLAGS",
		"KCONFIG_CONFIG",
		"KBUILD_OUTPUT",
		"CPATH",
		"C_INCLUDE_PATH",
	};
	char **environment = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(&environment, xstrdup(fixed[i]));
	if (make->allconfig)
		strv_pushf(&environment, "KCONFIG_ALLCONFIG=%s", make->allconfig);
	else
		strv_push(&environment, xstrdup("KCONFIG_ALLCONFIG"));
	return environment;
}

static char **make_argv(const struct make *make, char *const *targets)
{
	char **argv = NULL;

	strv_push(&argv, xstrdup("make"));
	strv_pushf(&argv, "--jobs=%u", make->jobs);
	strv_pushf(&argv, "--directory=%s", make->source);
	if (make->output)
		strv_pushf(&argv, "O=%s", make->output);
	strv_push(&argv, xstrdup("ARCH=x86_64"));
	strv_push(&argv, xstrdup("CROSS_COMPILE="));
	strv_push(&argv, xstrdup("LLVM="));
	strv_push(&argv, xstrdup("LOCALVERSION="));
	if (make->flags) {
		strv_pushf(&argv, "CFLAGS_KERNEL=%s", make->flags);
		strv_pushf(&argv, "CFLAGS_MODULE=%s", make->flags);
	}
	strv_foreach (s, targets)
		strv_push(&argv, xstrdup(*s));
	return argv;
}

static void report(const struct running *running)
{
	const struct make *make = running->make;
	const char *what = running->said.linking ? "linking the kernel" : make->what;
	unsigned done = running->said.compiled;

	if (make->progress)
		make->progress(what, done < make->estimate ? done : make->estimate,
			       make->estimate, make->userdata);
}

static void take_line(const char *line, void *userdata)
{
	struct running *running = userdata;

	buildlog_line(&running->said, line);
	report(running);
}

/* In the build's folder while make runs. */
static char *marker(const char *build)
{
	return xasprintf("%s/.netlab-unfinished", build);
}

bool make_was_cut_off(const char *build)
{
	_cleanup_free_ char *path = marker(build);

	return file_exists(path);
}

static struct error *mark_unfinished(const char *build)
{
	_cleanup_free_ char *path = marker(build);

	return file_write(path, "", 0);
}

static void mark_finished(const char *build)
{
	_cleanup_free_ char *path = marker(build);

	unlink(path);
}

static bool was_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* make deletes what it has half made when it gets SIGTERM, and passes it on. */
static struct error *run(struct running *running, char *const *targets, int *status)
{
	const struct make *make = running->make;
	_cleanup_strv_ char **argv = make_argv(make, targets);
	/* Its strings become the child's environment; the parent's stays as it is. */
	_cleanup_strv_ char **environment = make_environment(make);

	try(interrupt_begin(&running->interrupt));
	try(mark_unfinished(make->build));
	report(running);
	return logged_run(&(struct logged){.argv = argv,
					   .environment = environment,
					   .log = make->log,
					   .held = make->lock >= 0 ? &make->lock : NULL,
					   .grace_ms = GRACE_MS,
					   .line = take_line,
					   .userdata = running,
					   .interrupt = &running->interrupt},
			  status);
}

static struct error *verdict(const struct running *running, int status)
{
	_cleanup_free_ char *errors = buildlog_errors(&running->said);
	_cleanup_free_ char *how = process_status_text(status);
	const struct make *make = running->make;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	if (running->said.no_space)
		return error_new(ENOSPC, "the disk is full: %s", make->build);
	return error_hint(error_new(0, "make failed in %s (%s)%s%s", make->source, how,
				    *errors ? ":\n" : "", errors),
			  "the whole log is %s", make->log);
}

struct error *make_run(const struct make *make, char *const *targets, unsigned *compiled)
{
	_cleanup_(running_deinit) struct running running = {.make = make,
							    .interrupt = INTERRUPT_INIT};
	int status = -1;
	struct error *error = run(&running, targets, &status);

	if (status != -1 && !was_killed(status))
		mark_finished(make->build);
	try(error);
	if (compiled)
		*compiled = running.said.compiled;
	if (make->files)
		*make->files = steal_ptr(running.said.files);
	return verdict(&running, status);
}

struct error *make_check_programs(void)
{
	static const struct {
		const char *program, *package;
	} needed[] = {
		{"make", "make"},   {"gcc", "gcc"},   {"ld", "binutils"},
		{"bison", "bison"}, {"flex", "flex"}, {"bc", "bc"},
		{"lz4", "lz4"},     {"perl", "perl"}, {"python3", "python3"},
	};
	_cleanup_strv_ char **missing = NULL, **packages = NULL;
	_cleanup_free_ char *programs = NULL, *install = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		_cleanup_free_ char *path = find_program(needed[i].program);

		if (path)
			continue;
		strv_push(&missing, xstrdup(needed[i].program));
		strv_push(&packages, xstrdup(needed[i].package));
	}
	if (!missing)
		return NULL;
	programs = strv_join(missing, ", ");
	install = strv_join(packages, " ");
	return error_hint(error_new(ENOENT, "building a kernel needs %s", programs),
			  "apt-get install %s libelf-dev", install);
}

static struct error *read_first_line(int fd, char **line)
{
	char text[VERSION_LIMIT];
	ssize_t n;

	do
		n = read(fd, text, sizeof(text) - 1);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return error_new(ENOENT, "gcc does not tell its version");
	text[n] = '\0';
	*line = xstrndup(text, strcspn(text, "\n"));
	return NULL;
}

struct error *compiler_version(char **version)
{
	_cleanup_close_ int reader = -1, writer = -1;
	char *argv[] = {"gcc", "--version", NULL};
	char *environment[] = {"LC_ALL=C", NULL};
	struct error *error;
	int status;
	pid_t pid;

	try(pipe_open(&reader, &writer));
	try(process_spawn(&(struct process_options){.argv = argv,
						    .environment = environment,
						    .input = -1,
						    .output = writer,
						    .errors = -1},
			  &pid));
	close_fd(&writer);
	error = read_first_line(reader, version);
	close_fd(&reader);
	error_ignore(process_wait(pid, &status));
	return error;
}
