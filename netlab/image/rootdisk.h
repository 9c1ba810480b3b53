/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks with a root file system: ext4 on an image, made from a suite of Debian's by mmdebstrap or
 * debootstrap and mke2fs, in the cache.
 */
#ifndef NETLAB_IMAGE_ROOTDISK_H
#define NETLAB_IMAGE_ROOTDISK_H

#include "image/overlay.h"

/**
 * rootdisk_get() - the disk of the guest in @options, in image->disk
 *
 * One that is to be written to and has no overlay is the guest's own: a copy that is made when the
 * guest first boots from it, $XDG_STATE_HOME/netlab/LAB/GUEST-KEY.ext4.
 */
must_use struct error *rootdisk_get(const struct guest_image_options *options,
				    struct guest_image *image);

/**
 * rootdisk_build() - find it in the cache, or make it and publish it there
 * @path: $XDG_CACHE_HOME/netlab/images/disk-SUITE-KEY.ext4, KEY over what it is made from; a new
 *        string
 *
 * Two that make the same wait for one another; a signal leaves the cache as it was. A disk that
 * a guest has booted from is never changed.
 */
must_use struct error *rootdisk_build(const struct disk_choice *choice,
				      progress_fn progress, void *userdata, char **path);

/** rootdisk_find() - as rootdisk_build(), but ENOENT, with the command that makes it as the hint,
 * where the cache hasn't got it. */
must_use struct error *rootdisk_find(const struct disk_choice *choice, char **path);

/** rootdisk_check_programs() - what is needed to make one; the error names what is missing. */
must_use struct error *rootdisk_check_programs(void);

#endif
