// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Times what tests/bench/links compares, in network namespaces of its own. It obeys stdin, a
 * command on each line, and answers with the nanoseconds (CLOCK_MONOTONIC) that it took:
 *   load FILE     load and validate a topology, plan its links; also forgets the one before
 *   build         make the links of the plan, as a lab's supervisor does
 *   delete        take them away, in the same way
 *   run WORDS...  start a program and wait for its end; it must succeed
 * The first line that it prints is "READY PID"; a failure ends it with status 1.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "link/link.h"
#include "util/namespace.h"
#include "util/process.h"
#include "util/string.h"

static struct topology *topology;
static struct plan *plan;
static struct links *links;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void forget(void)
{
	plan_free(steal_ptr(plan));
	topology_free(steal_ptr(topology));
}

static struct error *load(char *path)
{
	forget();
	try(topology_load(path, &topology));
	plan = plan_new(topology);
	return NULL;
}

static struct error *build(char *unused)
{
	(void)unused;
	if (!plan)
		return error_new(EINVAL, "build: no topology is loaded");
	try(links_open(&links));
	return links_build(links, plan);
}

static struct error *take_away(char *unused)
{
	(void)unused;
	if (!links)
		return error_new(EINVAL, "delete: nothing was built");
	links_delete(links);
	links_free(steal_ptr(links));
	return NULL;
}

static char **split(char *text)
{
	char **words = NULL, *word;

	while ((word = strsep(&text, " ")))
		strv_push(&words, xstrdup(word));
	return words;
}

static struct error *run(char *text)
{
	_cleanup_strv_ char **argv = split(text);
	struct process_options options = {
		.argv = argv, .input = -1, .output = -1, .errors = STDERR_FILENO};
	_cleanup_free_ char *outcome = NULL;
	pid_t pid;
	int status;

	try(process_spawn(&options, &pid));
	try(process_wait(pid, &status));
	if (!status)
		return NULL;
	outcome = process_status_text(status);
	return error_new(ECHILD, "%s: %s", argv[0], outcome);
}

static const struct {
	const char *name;
	struct error *(*obey)(char *argument);
} commands[] = {
	{"load", load},
	{"build", build},
	{"delete", take_away},
	{"run", run},
};

static struct error *obey(char *line)
{
	const char *name;

	line[strcspn(line, "\n")] = '\0';
	name = strsep(&line, " ");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(name, commands[i].name))
			return commands[i].obey(line ?: "");
	return error_new(EINVAL, "'%s' is no command", name);
}

static struct error *serve(void)
{
	char line[4096];

	try(namespace_enter_new());
	printf("READY %d\n", getpid());
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t begin = now_ns();

		try(obey(line));
		printf("%llu\n", (unsigned long long)(now_ns() - begin));
	}
	return NULL;
}

int main(void)
{
	_cleanup_error_ struct error *error = NULL;
	_cleanup_free_ char *text = NULL;

	setlinebuf(stdout);
	error = serve();
	links_free(links);
	forget();
	if (!error)
		return 0;
	text = error_text(error);
	fprintf(stderr, "link-bench: %s\n", text);
	return 1;
}
