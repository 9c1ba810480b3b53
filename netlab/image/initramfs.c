// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "image/busybox.h"
#include "image/contents.h"
#include "image/elf.h"
#include "image/images.h"
#include "util/file.h"
#include "util/log.h"
#include "util/paths.h"
#include "util/string.h"

#define IMAGE_PREFIX "busybox-"
#define IMAGE_SUFFIX ".cpio"

static void add_folders(struct contents *contents)
{
	static const char *const folders[] = {
		"bin", "dev", "etc", "mnt",     "proc",
		"run", "sys", "usr", "usr/lib", "usr/lib/netlab",
		"var",
	};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		contents_add_folder(contents, folders[i], 0755);
	contents_add_folder(contents, "root", 0700);
	contents_add_folder(contents, "tmp", 01777);
	/* One folder of programs under all its customary names. */
	contents_add_link(contents, "sbin", "bin");
	contents_add_link(contents, "usr/bin", "../bin");
	contents_add_link(contents, "usr/sbin", "../bin");
	contents_add_link(contents, "var/run", "../run");
	contents_add_link(contents, "var/tmp", "../tmp");
}

/* For the time before devtmpfs, and for kernels without it (Documentation/admin-guide). */
static void add_devices(struct contents *contents)
{
	static const struct {
		const char *path;
		mode_t permissions;
		unsigned major, minor;
	} devices[] = {
		{"dev/console", 0600, 5, 1}, {"dev/full", 0666, 1, 7},
		{"dev/kmsg", 0644, 1, 11},   {"dev/null", 0666, 1, 3},
		{"dev/ptmx", 0666, 5, 2},    {"dev/random", 0666, 1, 8},
		{"dev/tty", 0666, 5, 0},     {"dev/ttyS0", 0600, 4, 64},
		{"dev/ttyS1", 0600, 4, 65},  {"dev/urandom", 0666, 1, 9},
		{"dev/zero", 0666, 1, 5},
	};

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		contents_add_device(contents, devices[i].path, devices[i].permissions,
				    devices[i].major, devices[i].minor);
}

static void add_settings(struct contents *contents)
{
	contents_add_text(contents, "etc/passwd", "root::0:0:root:/root:/bin/sh\n");
	contents_add_text(contents, "etc/group", "root:x:0:\n");
	contents_add_text(contents, "etc/hosts",
			  "127.0.0.1 localhost\n::1 localhost ip6-localhost\n");
}

static struct error *add_own_program(struct contents *contents, const char *name,
				     const char *path)
{
	_cleanup_free_ char *file = path_guest_program(name);

	try(error_hint(elf_check_static(file), "build and install netlab whole"));
	return contents_add_program(contents, path, file);
}

static struct error *add_own_programs(struct contents *contents)
{
	static const struct {
		const char *name, *path;
	} programs[] = {
		{"init", "init"},
		{"agent", "usr/lib/netlab/agent"},
		{"epoll-echo", "bin/epoll-echo"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		try(add_own_program(contents, programs[i].name, programs[i].path));
	return NULL;
}

static void add_applets(struct contents *contents, const struct content *busybox)
{
	_cleanup_strv_ char **applets = busybox_applets(busybox->data, busybox->size);

	if (!applets)
		log_warning(
			"busybox's names were not found in it: the image has only sh");
	strv_foreach (s, applets) {
		_cleanup_free_ char *path = xasprintf("bin/%s", *s);

		if (!streq(*s, "busybox") && !streq(*s, "sh"))
			contents_add_link(contents, path, "busybox");
	}
	contents_add_link(contents, "bin/sh", "busybox");
}

static struct error *add_busybox(struct contents *contents)
{
	_cleanup_free_ char *file = NULL;
	struct content busybox;

	try(busybox_find(&file));
	try(contents_add_program(contents, "bin/busybox", file));
	busybox = contents->contents[contents->n - 1];
	add_applets(contents, &busybox);
	return NULL;
}

static struct error *collect(struct contents *contents)
{
	add_folders(contents);
	add_devices(contents);
	add_settings(contents);
	try(add_own_programs(contents));
	return add_busybox(contents);
}

struct error *initramfs_add_programs(struct contents *contents, const char *folder)
{
	static const char *const names[] = {"init", "agent", "epoll-echo"};
	static const char *const applets[] = {"modprobe", "sh"};
	_cleanup_free_ char *busybox = NULL;
	_cleanup_free_ char *busybox_path = xasprintf("%s/busybox", folder);

	contents_add_folder(contents, "dev", 0755);
	contents_add_device(contents, "dev/console", 0600, 5, 1);
	contents_add_folder(contents, folder, 0755);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", folder, names[i]);

		try(add_own_program(contents, names[i], path));
	}
	for (size_t i = 0; i < ARRAY_SIZE(applets); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", folder, applets[i]);

		contents_add_link(contents, path, "busybox");
	}
	try(busybox_find(&busybox));
	return contents_add_program(contents, busybox_path, busybox);
}

static char *image_path(const struct contents *contents)
{
	_cleanup_free_ char *below = NULL;
	char key[KEY_SIZE];

	below = xasprintf("images/" IMAGE_PREFIX "%.*s" IMAGE_SUFFIX, 2 * KEY_SHORT,
			  contents_key(contents, key));
	return path_cache(below);
}

static struct error *write_part(const struct contents *contents, const char *part)
{
	_cleanup_close_ int fd =
		open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_errno(errno, "%s", part);
	return error_object(contents_write(contents, fd), part);
}

static struct error *write_image(const struct contents *contents, const char *path)
{
	_cleanup_free_ char *part = xasprintf("%s.%d.part", path, getpid());
	_cleanup_free_ char *folder = path_cache("images");
	struct error *error;

	try(make_directories(folder, 0755));
	error = write_part(contents, part);
	if (!error && rename(part, path) < 0)
		error = error_errno(errno, "%s", path);
	if (error)
		unlink(part);
	return error;
}

struct error *initramfs_build(char **path, bool *built)
{
	_cleanup_contents_ struct contents contents = {0};
	_cleanup_free_ char *image = NULL;
	bool is_there;

	try(collect(&contents));
	image = image_path(&contents);
	is_there = file_exists(image);
	if (!is_there)
		try(write_image(&contents, image));
	if (built)
		*built = !is_there;
	*path = steal_ptr(image);
	return NULL;
}

struct error *initramfs_find(char **path)
{
	_cleanup_contents_ struct contents contents = {0};
	_cleanup_free_ char *image = NULL;

	try(collect(&contents));
	image = image_path(&contents);
	if (!file_exists(image))
		return error_hint(error_new(ENOENT, "the image is not built"),
				  "run 'netlab image build'");
	*path = steal_ptr(image);
	return NULL;
}

struct error *initramfs_list(char ***paths)
{
	struct image *images = NULL;
	size_t n = 0;

	*paths = NULL;
	try(images_list(&images, &n));
	for (size_t i = 0; i < n; i++)
		if (images[i].kind == IMAGE_INITRAMFS)
			strv_push(paths, xstrdup(images[i].path));
	images_free(images, n);
	return NULL;
}
