/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one guest has beyond the image that all share: its kernel's modules, the user's own modules
 * and files, and its root file system. The kernel unpacks archives that stand one behind the
 * other in an initramfs (Documentation/driver-api/early-userspace/buffer-format.rst), so that a
 * guest's is the image, or the user's own initramfs, and a second one.
 *
 *   /lib/modules/VERSION/   the kernel's, as modprobe wants them
 *   /modules/NAME.ko        the user's own
 *   /modules/load           what init loads: guest/modules.h says how
 *   /netlab/files/          the user's files, which init moves to the guest's root; below it also
 *                           /lib/modules/ where that root is the user's initramfs, whose /lib
 *                           may be a link
 *   /netlab/init, agent, …  beside the user's initramfs: it keeps what it has of these names
 */
#ifndef NETLAB_IMAGE_OVERLAY_H
#define NETLAB_IMAGE_OVERLAY_H

#include "image/kernel.h"
#include "topology/topology.h"

#define OVERLAY_FOLDER "/netlab" /* guest/root.h has the same */

struct guest_image {
	char *initrd;   /* the initramfs */
	char **modules; /* folders with its modules' files, for gdb; NULL: it has none */
	char *disk;     /* the image of its disk; NULL: it has none */
	bool disk_is_qcow2; /* and not raw */
};

void guest_image_deinit(struct guest_image *image);

/* Everything is borrowed. */
struct guest_image_options {
	const struct guest *guest;
	const struct kernel *kernel;
	const char *lab;  /* its name */
	const char *base; /* the image that all guests share */
	progress_fn progress;
	void *userdata;
};

/**
 * guest_image_make() - what a guest boots from; what it is made of, is made where it changed
 * Return: an error for a module that the kernel hasn't got, or that isn't built; for a file that
 * isn't there; for a disk that can't be made.
 */
must_use struct error *guest_image_make(const struct guest_image_options *options,
					struct guest_image *image);

/** guest_image_has_function() - has one of its modules a function of that name? A file that
 * can't be read has none. */
bool guest_image_has_function(const struct guest_image *image, const char *name);

#endif
