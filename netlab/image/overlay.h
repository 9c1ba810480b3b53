/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one guest has beyond the image that all share: its kernel's modules and the user's own.
 * The kernel unpacks archives that stand one behind the other in an initramfs (Documentation/
 * driver-api/early-userspace/buffer-format.rst), so that a guest's is the image and a second one.
 *
 *   /lib/modules/VERSION/   the kernel's, as modprobe wants them
 *   /modules/NAME.ko        the user's own
 *   /modules/load           what init loads: guest/modules.h says how
 */
#ifndef NETLAB_IMAGE_OVERLAY_H
#define NETLAB_IMAGE_OVERLAY_H

#include "image/kernel.h"
#include "topology/topology.h"

struct guest_image {
	char *initrd;   /* the initramfs */
	char **modules; /* folders with its modules' files, for gdb; NULL: it has none */
};

void guest_image_deinit(struct guest_image *image);

/**
 * guest_image_make() - the initramfs of @guest, whose own modules are built where they changed
 * @base: the image that all guests share
 * Return: an error for a module that the kernel hasn't got, or that isn't built.
 */
must_use struct error *guest_image_make(const struct guest *guest,
					const struct kernel *kernel, const char *base,
					progress_fn progress, void *userdata,
					struct guest_image *image);

/** guest_image_has_function() - has one of its modules a function of that name? A file that
 * can't be read has none. */
bool guest_image_has_function(const struct guest_image *image, const char *name);

#endif
