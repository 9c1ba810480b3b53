/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting programs. */
#ifndef NETLAB_UTIL_PROCESS_H
#define NETLAB_UTIL_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"

struct process_options {
	char *const *argv;        /* argv[0] is looked up in PATH */
	const char *directory;    /* working directory; NULL: the caller's */
	char *const *environment; /* "NAME=value" strings to add; NULL: none */
	int input;                /* becomes 0; -1: /dev/null */
	int output;               /* becomes 1; -1: /dev/null */
	int errors;               /* becomes 2; -1: /dev/null */
	const int *inherited;     /* descriptors the child keeps, under their numbers */
	size_t n_inherited;
	bool own_group; /* a process group of its own: the terminal's ^C passes it by */
	bool keep_terminal_signals; /* leave signal dispositions as the caller has them */
	int death_signal;           /* what it gets when this process dies; 0: SIGKILL */
};

/**
 * file_limit_raise() - let this process have as many files open as its hard limit allows
 *
 * A lab of many links and hosts wants more than the usual 1024. Programs get the limit as it was
 * before from process_spawn(): some count on it (select(2)), or close all up to it.
 */
void file_limit_raise(void);

/**
 * process_spawn() - start a program that dies with this process (PR_SET_PDEATHSIG)
 * @pid: where to put its process ID; the caller reaps it
 * Return: an error when the program can't be executed (missing, not executable): what
 * execvp() said, not an exit status.
 */
must_use struct error *process_spawn(const struct process_options *options, pid_t *pid);

/** process_wait() - reap @pid; @status as of waitpid(2). */
must_use struct error *process_wait(pid_t pid, int *status);

/** process_kill() - SIGKILL and reap; @pid of 0 or less is ignored. */
void process_kill(pid_t pid);

/** process_status_text() - "exit status 1", "killed by SIGSEGV"; the caller frees it. */
char *process_status_text(int status);

/**
 * search_path() - PATH, and behind it where an ordinary user's does not lead (login.defs(5)):
 * Debian has mke2fs in /usr/sbin. A new string.
 */
char *search_path(void);

/** find_program() - is @name executable in search_path()? Where, or NULL; the caller frees it. */
char *find_program(const char *name);

#endif
