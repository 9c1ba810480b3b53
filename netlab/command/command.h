/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the verbs share: their table, their options, and how they speak. Results go to stdout,
 * everything else to stderr.
 */
#ifndef NETLAB_COMMAND_COMMAND_H
#define NETLAB_COMMAND_COMMAND_H

#include <stdbool.h>

#include "util/error.h"

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_MISUSE = 2,
};

struct verb {
	const char *name;
	const char *usage;   /* what stands behind the name: "TOPOLOGY [-o DIR]" */
	const char *summary; /* one line */
	const char *details; /* further lines for --help; NULL: none */
	/* @argv[0] is "netlab" and the verb's name; returns the exit status. */
	int (*run)(const struct verb *verb, int argc, char **argv);
};

/* One per file of this folder; main.c holds the table. */
extern const struct verb verb_apply;
extern const struct verb verb_capture;
extern const struct verb verb_check;
extern const struct verb verb_clean;
extern const struct verb verb_console;
extern const struct verb verb_doctor;
extern const struct verb verb_down;
extern const struct verb verb_drive;
extern const struct verb verb_dump;
extern const struct verb verb_exec;
extern const struct verb verb_export;
extern const struct verb verb_gdb;
extern const struct verb verb_pause;
extern const struct verb verb_resume;
extern const struct verb verb_graph;
extern const struct verb verb_image;
extern const struct verb verb_kernel;
extern const struct verb verb_monitor;
extern const struct verb verb_run;
extern const struct verb verb_status;
extern const struct verb verb_up;

enum option_kind {
	OPTION_FLAG,     /* value is a bool *, set to true */
	OPTION_STRING,   /* value is a const char **, set to the argument */
	OPTION_LIST,     /* value is a char ***, a string vector that grows with each */
	OPTION_OPTIONAL, /* as OPTION_STRING, written --name[=ARGUMENT]; "" without one */
};

struct option_spec {
	enum option_kind kind;
	const char *name;     /* long name, without dashes */
	char letter;          /* short name; 0: none */
	const char *argument; /* what the argument is called; NULL for a flag */
	const char *help;
	void *value;
};

/* The row of the verbs that read a topology; @settings: a char ***, a string vector. */
#define SET_OPTION(settings)                                                     \
	{                                                                        \
		OPTION_LIST, "set", 's', "PATH=VALUE",                           \
			"as if the topology said so: server.memory=1G", settings \
	}

/**
 * options_parse() - read a verb's options; --help and -v (more to be said) are known to all
 * @specs: ends with an element without name
 * @argc, @argv: afterwards the words that are left, without the verb's name. Options may stand
 *               behind words, but not behind "--".
 * Return: -1 to go on, else the exit status: help was asked for, or the words were wrong.
 */
int options_parse(const struct verb *verb, const struct option_spec *specs, int *argc,
		  char ***argv);

/** misuse() - "netlab VERB: what" and a line on --help, to stderr. Returns EXIT_MISUSE. */
int misuse(const struct verb *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** fail() - print an error, which is freed, as "netlab: …" to stderr. Returns EXIT_FAILED. */
int fail(struct error *error);

/** finish() - fail() where there is an error, else EXIT_DONE. */
int finish(struct error *error);

/** logging_begin() - log lines to stderr: warnings always, more with -v. */
void logging_begin(void);

/** is_verbose() - was -v given? */
bool is_verbose(void);

/**
 * progress_show() - a progress_fn that shows a bar on a terminal, and elsewhere one plain line
 * for each new @what; progress_end() wipes the bar. Around other lines it is hidden.
 */
void progress_show(const char *what, unsigned done, unsigned total, void *userdata);
void progress_end(void);
void progress_hide(void);
void progress_unhide(void);

struct kernel;
struct kernel_options;

/** kernel_build_and_tell() - kernel_build() with its progress, and a line on stderr that says
 * what was compiled, where something was. */
must_use struct error *kernel_build_and_tell(const struct kernel_options *options,
					     struct kernel **kernel);

#endif
