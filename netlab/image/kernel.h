/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels: built from a fragment in guest/kernel/ into the cache, found there, listed.
 *
 * A kernel in the cache is a folder $XDG_CACHE_HOME/netlab/kernels/FLAVOUR-VERSION-KEY/ with
 * vmlinux, bzImage, config, vmlinux-gdb.py and scripts/gdb/, and note.json, which says what it
 * was built from; one with modules also has lib/modules/ and build/. It appears by rename, so that it is whole or not there.
 */
#ifndef NETLAB_IMAGE_KERNEL_H
#define NETLAB_IMAGE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

#define KERNEL_FLAVOUR_DEFAULT "debug"

struct kernel {
	char *flavour;   /* NULL, as version, where it was built elsewhere */
	char *version;   /* kernelrelease: "6.1.192" */
	char *directory; /* its folder; absolute */
	char *vmlinux;   /* absolute paths of its files */
	char *bzimage;   /* NULL where there is none */
	bool lacks_pvh;  /* vmlinux can't be started as it is, bzimage can */
	char *source;    /* the tree it was built from; NULL where not known */
	char *modules;   /* lib/modules/VERSION with its modules; NULL: it has none */
	char *build;     /* what modules are built against: make's O=; NULL: none */

	/* From note.json: all but build_id are unknown of a kernel built elsewhere. */
	char *tarball;     /* the package's, which @source is unpacked from; NULL: none */
	char *compiler;    /* first line of gcc --version */
	char *date;        /* when it was built: "2026-11-21T03:05:00Z" */
	char *build_id;    /* of vmlinux, hexadecimal; NULL where it has none */
	char *key;         /* over what it was built from, hexadecimal */
	unsigned seconds;  /* that the build took */
	unsigned compiled; /* files that were compiled for it */

	/* Of kernel_build() alone: */
	bool was_built; /* now; otherwise it was only looked up */
	char **files;   /* the files that were compiled, without ".o", but what packs the
			 * kernel; as many as buildlog.h names. NULL: none */
};

void kernel_free(struct kernel *kernel);
DEFINE_CLEANUP(struct kernel *, kernel_free);
#define _cleanup_kernel_ _cleanup_(kernel_freep)

struct kernel_options {
	const char *flavour; /* "debug", "O1+modular"; NULL: KERNEL_FLAVOUR_DEFAULT */
	const char *version; /* of Debian's linux-source, "6.12"; NULL: 6.1 */
	const char
		*source; /* a kernel tree; NULL: Debian's linux-source of that version */
	char *const
		*optimize; /* topology/optimize.h's words; NULL: as the flavour says */
	unsigned jobs;     /* make -j; 0: one for each CPU */
	bool in_place;     /* build @source as it is configured, in itself; no flavour */
	bool rebuild;      /* build even if the cache has it */
};

/* What a build is doing: @done of @total steps (compiled files, estimated; 0: unknown). */
typedef void (*progress_fn)(const char *what, unsigned done, unsigned total,
			    void *userdata);

/**
 * kernel_find() - a kernel that the cache has
 * Return: ENOENT, with the command that builds it as the hint, where it was never built.
 */
must_use struct error *kernel_find(const struct kernel_options *options,
				   struct kernel **kernel);

/**
 * kernel_build() - find it, or build it and publish it in the cache
 *
 * Two builds of the same kernel wait for one another. An interrupted one leaves nothing but a
 * folder that the next build clears. Compiler errors are part of the error's message, with the
 * path of the whole log.
 */
must_use struct error *kernel_build(const struct kernel_options *options,
				    progress_fn progress, void *userdata,
				    struct kernel **kernel);

/* What a flavour's options come to. */
struct kernel_config {
	char *text;     /* the .config */
	char **refused; /* "CONFIG_X=m (it is n): why"; NULL: all took */
};

void kernel_config_deinit(struct kernel_config *config);

/**
 * kernel_config() - the configuration that a kernel was built with or, where it wasn't, would be
 *
 * The latter is left to the tree's own Makefile; a package's source is unpacked for it.
 */
must_use struct error *kernel_config(const struct kernel_options *options,
				     progress_fn progress, void *userdata,
				     struct kernel_config *config);

/** kernel_list() - every kernel of the cache, newest first. Both are owned by the caller. */
must_use struct error *kernel_list(struct kernel ***kernels, size_t *n);

/**
 * kernel_from_files() - a kernel built elsewhere
 * @bzimage: NULL: none
 * @modules: lib/modules/VERSION, as `make modules_install` makes it; NULL: none
 * Return: an error when @vmlinux is not an x86-64 ELF kernel, when it can't be started as it is
 * and there is no @bzimage (image/entry.h), or when that was made from another one (build IDs).
 */
must_use struct error *kernel_from_files(const char *vmlinux, const char *bzimage,
					 const char *modules, struct kernel **kernel);

/**
 * kernel_warning() - what will disappoint whoever debugs it, as one line: it is stripped, or has
 * no debug information. (KASLR is no such thing: netlab always says nokaslr.)
 * Return: a new string; NULL: nothing.
 */
char *kernel_warning(const struct kernel *kernel);

#endif
