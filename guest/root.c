// SPDX-License-Identifier: GPL-2.0-or-later
#include "root.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST    "/mnt/host"
#define MEMORY  "/mnt/memory"
#define NEW     "/mnt/root"
#define DEVICE  "/dev/vda"
#define CHANGED MEMORY "/changed"
#define WORK    MEMORY "/work" /* overlayfs prepares files here */

/*
 * cache=loose: the kernel keeps what it has read of names and files, and so may not see what the
 * host changes later. With cache=none every look-up goes to the host: under TCG a Python that
 * starts again takes 1.1 s for 0.5 s, pytest --version 12.5 s for 5.3 s (medians of interleaved
 * rounds). msize: a virtio request has 128 pages, of which 9p keeps three (Linux 6.1,
 * net/9p/trans_virtio.c).
 */
#define OPTIONS_9P "trans=virtio,version=9p2000.L,cache=loose,msize=512000"

static bool make_folder(const char *path)
{
	return mkdir(path, 0755) == 0;
}

struct root root_of(const char *value)
{
	if (!value)
		return (struct root){ROOT_IMAGE, false};
	if (strcmp(value, "initramfs") == 0)
		return (struct root){ROOT_GIVEN, false};
	if (strncmp(value, "disk", 4) == 0)
		return (struct root){ROOT_DISK, strcmp(value, "disk,ro") == 0};
	return (struct root){ROOT_SHARED, false};
}

bool root_is_mounted(const struct root *root)
{
	return root->kind == ROOT_SHARED || root->kind == ROOT_DISK;
}

static const char *prepare_shared(void)
{
	if (!make_folder(HOST) || mount("host", HOST, "9p", MS_RDONLY, OPTIONS_9P) < 0)
		return "9p";
	if (!make_folder(MEMORY) || mount("tmpfs", MEMORY, "tmpfs", 0, "mode=755") < 0 ||
	    !make_folder(CHANGED) || !make_folder(WORK))
		return "tmpfs";
	if (!make_folder(NEW) ||
	    mount("overlay", NEW, "overlay", 0,
		  "lowerdir=" HOST ",upperdir=" CHANGED ",workdir=" WORK) < 0)
		return "overlay";
	return NULL;
}

/* A device that QEMU lets no one write to is refused with EACCES (blkdev_get_by_dev()). */
static const char *prepare_disk(bool read_only)
{
	if (!make_folder(NEW) || mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) < 0)
		return "devtmpfs";
	if (access(DEVICE, F_OK) < 0)
		return "virtio disk";
	if (mount(DEVICE, NEW, "ext4", 0, NULL) < 0 &&
	    (!read_only || (errno != EACCES && errno != EROFS) ||
	     mount(DEVICE, NEW, "ext4", MS_RDONLY, NULL) < 0))
		return "ext4";
	umount("/dev");
	return NULL;
}

const char *root_prepare(const struct root *root)
{
	const char *failed = root->kind == ROOT_DISK ? prepare_disk(root->read_only)
						     : prepare_shared();

	if (!failed && chdir(NEW) < 0)
		failed = NEW;
	return failed;
}

bool root_seal(const struct root *root)
{
	return root->kind != ROOT_DISK ||
	       mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0;
}

/* The initramfs itself can't be left by pivot_root(): it is mounted over. */
bool root_switch(void)
{
	const char *initramfs = &ROOT_INITRAMFS[1];

	return make_folder(initramfs) &&
	       mount("/", initramfs, NULL, MS_BIND, NULL) == 0 &&
	       mount(".", "/", NULL, MS_MOVE, NULL) == 0 && chroot(".") == 0 &&
	       chdir("/") == 0;
}
