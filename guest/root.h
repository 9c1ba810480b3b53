/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is at "/": the image, which is an initramfs; or, over it, the host's files or a folder of
 * the user's, read-only through 9p, under a layer in memory that takes what is written; or a
 * disk; or an initramfs of the user's own, beside which ours lies in ROOT_OVERLAY.
 */
#ifndef GUEST_ROOT_H
#define GUEST_ROOT_H

#include <stdbool.h>

/* Where the initramfs is seen from a root that was mounted: our own programs are in it. */
#define ROOT_INITRAMFS "/run/initramfs"

#define ROOT_OVERLAY "/netlab" /* netlab/image/overlay.h says what is there */

enum root_kind {
	ROOT_IMAGE,
	ROOT_SHARED,
	ROOT_DISK,
	ROOT_GIVEN,
};

struct root {
	enum root_kind kind;
	bool read_only;
};

/** root_of() - what the value of netlab.root= on the kernel's command line means; NULL: none. */
struct root root_of(const char *value);

/** root_is_mounted() - over the initramfs, that is. */
bool root_is_mounted(const struct root *root);

/**
 * root_prepare() - mount the new root, and make it the working directory
 *
 * What is mounted on relative paths from here on, moves with it. A disk can be written to.
 * Return: what can't be mounted, with errno; NULL: nothing.
 */
const char *root_prepare(const struct root *root);

/**
 * root_switch() - make the working directory "/", and the initramfs ROOT_INITRAMFS in it
 * Return: false with errno.
 */
bool root_switch(void);

/** root_seal() - no more writing to a disk; false with errno. */
bool root_seal(const struct root *root);

#endif
