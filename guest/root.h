/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A root that is not the initramfs: the host's files, read-only through 9p, under a layer in
 * memory that takes what is written.
 */
#ifndef GUEST_ROOT_H
#define GUEST_ROOT_H

#include <stdbool.h>

/* Where the initramfs is seen from the new root: our own programs are in it. */
#define ROOT_INITRAMFS "/run/initramfs"

/**
 * root_prepare() - mount the new root, and make it the working directory
 *
 * What is mounted on relative paths from here on, moves with it.
 * Return: what can't be mounted, with errno; NULL: nothing.
 */
const char *root_prepare(void);

/**
 * root_switch() - make the working directory "/", and the initramfs ROOT_INITRAMFS in it
 * Return: false with errno.
 */
bool root_switch(void);

#endif
