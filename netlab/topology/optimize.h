/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How parts of a kernel are compiled, where that isn't as the kernel's Makefile has it. Pure. */
#ifndef NETLAB_TOPOLOGY_OPTIMIZE_H
#define NETLAB_TOPOLOGY_OPTIMIZE_H

#include "util/error.h"

/**
 * optimize_check() - is @word "DIRECTORY=LEVEL"?
 *
 * DIRECTORY is below the kernel's tree, "." all of it; LEVEL is O1, Og, O2 or Os. O1 and Og leave
 * functions that have one caller what they are: functions.
 */
must_use struct error *optimize_check(const char *word);

/** optimize_directory() - the DIRECTORY of a word that was checked; a new string. */
char *optimize_directory(const char *word);

/**
 * optimize_flags() - the compiler's flags for @words, as an expression of make's
 *
 * kbuild puts CFLAGS_KERNEL and CFLAGS_MODULE behind all other flags (Documentation/kbuild/
 * kbuild.rst) and expands them for each file: $(obj) is its directory then. So nothing in the
 * tree is touched, and only what is compiled otherwise is compiled anew. What starts before the
 * kernel, or runs in user space, stays as it is. Of two words on a file the later one counts.
 * Return: a new string; NULL where there are no words.
 */
char *optimize_flags(char *const *words);

#endif
