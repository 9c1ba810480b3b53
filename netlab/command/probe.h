/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trying things in processes of their own, each with a deadline. */
#ifndef NETLAB_COMMAND_PROBE_H
#define NETLAB_COMMAND_PROBE_H

#include "util/error.h"

/**
 * probe_program() - what a program prints
 * @argv: argv[0] is looked up in PATH
 * @text: what it wrote to stdout and stderr, at most 64 KiB, with NUL bytes cut off; new
 * Return: an error when it can't be started, fails, or takes longer than 20 s.
 */
must_use struct error *probe_program(char *const *argv, char **text);

/**
 * probe_call() - what a function returns that must not run in this process, as it changes
 * the process's namespaces or user
 * Return: its error, carried over with message, object, extended ACK and hint; or one that
 * says that it died or hung.
 */
must_use struct error *probe_call(struct error *(*call)(void));

#endif
