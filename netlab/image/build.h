/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's build under way: what build.c, buildconfig.c and buildstore.c share. */
#ifndef NETLAB_IMAGE_BUILD_H
#define NETLAB_IMAGE_BUILD_H

#include <time.h>

#include "image/recipe.h"

struct build {
	const struct recipe *recipe;
	const struct kernel_options *options;
	progress_fn progress;
	void *userdata;
	char *directory; /* of this build */
	char *output;    /* make's: the same, or the tree */
	char *fragment;  /* path in it of the options that are asked for */
	char *flags;     /* of the parts that are compiled otherwise; NULL: none */
	char *log;
	int lock;
	time_t began;
	unsigned compiled;
	char **files; /* the first of them */
	bool has_modules;
	char *version;
};

/** build_report() - what is done now, to whoever wants to be told. */
void build_report(const struct build *build, const char *what);

/**
 * build_run_make() - make @targets of the tree
 * @what: what it is, for progress
 * @steps: files that are expected to be compiled; 0: not known
 * @compiled: as make_run()'s, which also counts the files then; may be NULL
 */
must_use struct error *build_run_make(struct build *build, const char *what,
				      unsigned steps, char *const *targets,
				      unsigned *compiled);

/** build_resolve() - have the tree make its configuration out of what is asked for
 * @config: the text of what that comes to, a new string */
must_use struct error *build_resolve(struct build *build, char **config);

/** build_configure() - build_resolve(); an error where an option didn't take. */
must_use struct error *build_configure(struct build *build);

/** build_publish() - make what was built an entry of the cache. */
must_use struct error *build_publish(struct build *build);

#endif
