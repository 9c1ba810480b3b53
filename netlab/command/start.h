/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `up` and `run` share: from a topology file and options to what a lab is started with. */
#ifndef NETLAB_COMMAND_START_H
#define NETLAB_COMMAND_START_H

#include "command/command.h"
#include "image/cache.h"
#include "lab/client.h"
#include "lab/lab.h"

struct start {
	/* As given on the command line; NULL: not given. */
	const char *name, *freeze, *accel, *output, *timeout, *on_panic;
	bool no_lockstep;
	char **settings; /* --set; owned */
	/* Made of them by start_prepare(). */
	struct topology *topology;
	struct kernel **kernels;    /* one for each guest */
	struct guest_image *images; /* one for each guest */
	struct cache_holds holds;   /* on both, until the lab has its own */
	char *output_path;
	struct lab_options options;
};

#define START_USAGE                                                               \
	"TOPOLOGY [--name LAB] [--freeze[=GUEST]] [--accel auto|kvm|tcg]\n"       \
	"                  [--no-lockstep] [--on-panic halt|continue] [-o DIR]\n" \
	"                  [--timeout TIME] [--set PATH=VALUE]..."

/* The rows of both verbs' option tables. */
#define START_OPTIONS(start)                                                        \
	SET_OPTION(&(start)->settings), {OPTION_STRING,                             \
					 "name",                                    \
					 'n',                                       \
					 "LAB",                                     \
					 "the lab's name; default: the topology's", \
					 &(start)->name},                           \
		{OPTION_OPTIONAL,                                                   \
		 "freeze",                                                          \
		 0,                                                                 \
		 "GUEST",                                                           \
		 "halt it (default: all) before its first instruction",             \
		 &(start)->freeze},                                                 \
		{OPTION_FLAG,                                                       \
		 "no-lockstep",                                                     \
		 0,                                                                 \
		 NULL,                                                              \
		 "a guest that gdb stops doesn't stop the others",                  \
		 &(start)->no_lockstep},                                            \
		{OPTION_STRING,  "accel", 0, "KIND", "auto (default), kvm or tcg",  \
		 &(start)->accel},                                                  \
		{OPTION_STRING,                                                     \
		 "on-panic",                                                        \
		 0,                                                                 \
		 "WHAT",                                                            \
		 "halt a guest whose kernel panics, or let it continue",            \
		 &(start)->on_panic},                                               \
		{OPTION_STRING,                                                     \
		 "output",                                                          \
		 'o',                                                               \
		 "DIR",                                                             \
		 "where captures and console logs go",                              \
		 &(start)->output},                                                 \
	{                                                                           \
		OPTION_STRING, "timeout", 0, "TIME",                                \
			"for all guests to be up; default: 60s", &(start)->timeout  \
	}

/** start_load() - load the topology, find kernels and image, read the options. */
must_use struct error *start_load(struct start *start, const char *path);

/**
 * start_prepare() - start_load(), look for the functions to stop at, make the output folder
 * @path: the topology file
 */
must_use struct error *start_prepare(struct start *start, const char *path);

/** start_lab() - client_start_lab(), with a line of progress while the guests boot. */
must_use struct error *start_lab(struct start *start, struct client **client);

void start_deinit(struct start *start);

#endif
