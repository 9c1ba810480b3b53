// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/rootdisk.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "image/aptsources.h"
#include "image/interrupt.h"
#include "image/key.h"
#include "image/staging.h"
#include "image/tool.h"
#include "util/file.h"
#include "util/paths.h"
#include "util/process.h"
#include "util/string.h"

/* Counts up whenever what is made of the same choice becomes another thing. */
#define RECIPE 2

#define SUBID_LIMIT (16u << 20)

/* What every disk has beyond the suite's essential packages and apt. */
static const char *const base_packages[] = {"iproute2", "iputils-ping", "procps"};

struct disk {
	const struct disk_choice *choice;
	char key[KEY_SIZE];
	char *image; /* its path in the cache */
	char *work;  /* a folder while it is made */
	char *log;
	progress_fn progress;
	void *userdata;
	struct interrupt interrupt;
	int lock;
};

static void disk_deinit(struct disk *disk)
{
	free(disk->image);
	free(disk->work);
	free(disk->log);
	interrupt_end(&disk->interrupt);
	close_fd(&disk->lock);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each once, sorted: in which order they were named makes no other disk. */
static char **all_packages(const struct disk_choice *choice)
{
	char **packages = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(base_packages); i++)
		strv_push(&packages, xstrdup(base_packages[i]));
	strv_foreach (name, choice->packages)
		if (!strv_contains(packages, *name))
			strv_push(&packages, xstrdup(*name));
	qsort(packages, strv_length(packages), sizeof(*packages), by_text);
	return packages;
}

static void make_key(struct disk *disk)
{
	_cleanup_strv_ char **packages = all_packages(disk->choice);
	struct key key;

	key_init(&key);
	key_add_number(&key, RECIPE);
	key_add_text(&key, disk->choice->suite);
	key_add_number(&key, disk->choice->size);
	strv_foreach (name, packages)
		key_add_text(&key, *name);
	key_finish(&key, disk->key);
}

static void name_files(struct disk *disk)
{
	_cleanup_free_ char *name =
		xasprintf("disk-%s-%.*s", disk->choice->suite, 2 * KEY_SHORT, disk->key);
	_cleanup_free_ char *image = xasprintf("images/%s.ext4", name);
	_cleanup_free_ char *work = xasprintf("builds/%s", name);
	_cleanup_free_ char *log = xasprintf("logs/%s.log", name);

	disk->image = path_cache(image);
	disk->work = path_cache(work);
	disk->log = path_cache(log);
}

static void disk_init(struct disk *disk, const struct disk_choice *choice)
{
	*disk = (struct disk){.choice = choice, .interrupt = INTERRUPT_INIT, .lock = -1};
	make_key(disk);
	name_files(disk);
}

static char *in_work(const struct disk *disk, const char *name)
{
	return xasprintf("%s/%s", disk->work, name);
}

static void report(const struct disk *disk, const char *what)
{
	if (disk->progress)
		disk->progress(what, 0, 0, disk->userdata);
}

static struct error *run(struct disk *disk, char *const *argv, const char *advice)
{
	return tool_run(&(struct tool){.argv = argv,
				       .log = disk->log,
				       .advice = advice,
				       .progress_mark = "I: ",
				       .progress = disk->progress,
				       .userdata = disk->userdata,
				       .interrupt = &disk->interrupt});
}

/* --- a Debian, in a folder ------------------------------------------------------------------ */

static bool has_program(const char *name)
{
	_cleanup_free_ char *path = find_program(name);

	return path != NULL;
}

/* Has this user a line there, as newuidmap(1) wants one? */
static bool is_named_in(const char *file)
{
	struct passwd *user = getpwuid(geteuid());
	_cleanup_free_ char *text = NULL, *lines = NULL, *line = NULL;

	error_ignore(file_read(file, SUBID_LIMIT, &text, NULL));
	if (!text || !user)
		return false;
	lines = xasprintf("\n%s", text);
	line = xasprintf("\n%s:", user->pw_name);
	return strstr(lines, line);
}

static const char *advice_for_users(void)
{
	if (geteuid() == 0 || has_program("fakechroot") ||
	    (is_named_in("/etc/subuid") && is_named_in("/etc/subgid")))
		return NULL;
	return "without root it needs a range of IDs for you in /etc/subuid and in "
	       "/etc/subgid (usermod --add-subuids, --add-subgids), or fakechroot";
}

/* As root it works without more; as another user in a user namespace of its own, else in
 * fakechroot(1), which is why what comes of it is a tar archive. */
static struct error *run_mmdebstrap(struct disk *disk, const char *tarball)
{
	_cleanup_strv_ char **packages = all_packages(disk->choice), **argv = NULL;
	_cleanup_strv_ char **sources = NULL;
	_cleanup_free_ char *include = strv_join(packages, ",");

	try(aptsources_find(disk->choice->suite, &sources));
	strv_push(&argv, xstrdup("mmdebstrap"));
	strv_push(&argv, xstrdup("--mode=auto"));
	strv_push(&argv, xstrdup("--variant=minbase"));
	strv_push(&argv, xstrdup("--format=tar"));
	strv_pushf(&argv, "--include=%s", include);
	strv_push(&argv, xstrdup(disk->choice->suite));
	strv_push(&argv, xstrdup(tarball));
	strv_foreach (line, sources)
		strv_push(&argv, xstrdup(*line));
	return run(disk, argv, advice_for_users());
}

/* "deb URI SUITE COMPONENT": the first source is the only one that debootstrap takes. */
static char *uri_of(const char *source)
{
	const char *uri = string_after(source, "deb ") ?: source;

	return xstrndup(uri, strcspn(uri, " "));
}

static struct error *run_debootstrap(struct disk *disk, const char *folder)
{
	_cleanup_strv_ char **packages = all_packages(disk->choice), **argv = NULL;
	_cleanup_strv_ char **sources = NULL;
	_cleanup_free_ char *include = strv_join(packages, ",");

	try(aptsources_find(disk->choice->suite, &sources));
	strv_push(&argv, xstrdup("debootstrap"));
	strv_push(&argv, xstrdup("--variant=minbase"));
	strv_pushf(&argv, "--include=%s", include);
	strv_push(&argv, xstrdup(disk->choice->suite));
	strv_push(&argv, xstrdup(folder));
	strv_push(&argv, uri_of(sources[0]));
	return run(disk, argv, NULL);
}

static struct error *fill(struct disk *disk, const char *folder, char **commands)
{
	_cleanup_free_ char *tarball = in_work(disk, "system.tar");

	if (!has_program("mmdebstrap"))
		return run_debootstrap(disk, folder);
	try(run_mmdebstrap(disk, tarball));
	report(disk, "unpacking the system");
	try(staging_unpack(tarball, folder, &disk->interrupt, commands));
	return remove_tree(tarball);
}

/* What names the machine that it was made on has no place in it. */
static struct error *make_anonymous(const char *folder)
{
	static const char *const names[] = {"hostname", "resolv.conf", "machine-id"};
	static const char hosts[] = "127.0.0.1 localhost\n"
				    "::1 localhost ip6-localhost\n";
	_cleanup_free_ char *path = xasprintf("%s/etc/hosts", folder);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *name = xasprintf("%s/etc/%s", folder, names[i]);

		if (unlink(name) < 0 && errno != ENOENT)
			return error_errno(errno, "%s", name);
	}
	return file_write(path, hosts, strlen(hosts));
}

/* --- the image ------------------------------------------------------------------------------ */

static struct error *run_mke2fs(struct disk *disk, const char *folder, const char *part)
{
	_cleanup_free_ char *size =
		xasprintf("%lluk", (unsigned long long)(disk->choice->size >> 10));
	/* The journal need not be written: the file is new, and so all zeros. */
	char *argv[] = {"mke2fs",
			"-q",
			"-F",
			"-t",
			"ext4",
			"-L",
			"root",
			"-m",
			"0",
			"-E",
			"lazy_journal_init=1",
			"-d",
			(char *)folder,
			(char *)part,
			size,
			NULL};

	report(disk, "making the file system");
	return run(disk, argv, "a larger 'size' may be wanted");
}

static struct error *run_debugfs(struct disk *disk, const char *part,
				 const char *commands)
{
	_cleanup_free_ char *file = in_work(disk, "commands");
	char *argv[] = {"debugfs", "-w", "-f", file, (char *)part, NULL};

	try(file_write(file, commands, strlen(commands)));
	return run(disk, argv, NULL);
}

static struct error *make_steps(struct disk *disk)
{
	_cleanup_free_ char *folder = in_work(disk, "root"), *commands = NULL;
	_cleanup_free_ char *part = in_work(disk, "disk.ext4");

	try(make_directories(disk->work, 0755));
	try(fill(disk, folder, &commands));
	try(make_anonymous(folder));
	try(run_mke2fs(disk, folder, part));
	if (commands && *commands)
		try(run_debugfs(disk, part, commands));
	return rename(part, disk->image) < 0 ? error_errno(errno, "%s", disk->image)
					     : NULL;
}

static struct error *make(struct disk *disk)
{
	struct error *error;

	try(rootdisk_check_programs());
	try(interrupt_begin(&disk->interrupt));
	try(remove_tree(disk->work));
	if (unlink(disk->log) < 0 && errno != ENOENT)
		return error_errno(errno, "%s", disk->log);
	error = make_steps(disk);
	error_ignore(remove_tree(disk->work));
	return error;
}

static struct error *make_cache_folders(void)
{
	static const char *const names[] = {"builds", "images", "logs"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_cache(names[i]);

		try(make_directories(path, 0755));
	}
	return NULL;
}

/* Ctrl-C must end the wait, so that signals are left alone here. */
static struct error *take_lock(struct disk *disk)
{
	_cleanup_free_ char *path = xasprintf("%s.lock", disk->work);
	struct error *error = lock_file(path, &disk->lock);

	if (!error || error->code != EWOULDBLOCK)
		return error;
	error_free(error);
	report(disk, "another netlab makes this disk; waiting");
	return lock_file_wait(path, &disk->lock);
}

static struct error *needs(const char *what, const char *packages)
{
	return error_hint(error_new(ENOENT, "making a disk needs %s", what),
			  "apt-get install %s", packages);
}

struct error *rootdisk_check_programs(void)
{
	bool is_root = geteuid() == 0;

	if (!has_program("mmdebstrap") && !(is_root && has_program("debootstrap")))
		return is_root ? needs("mmdebstrap or debootstrap", "mmdebstrap")
			       : needs("mmdebstrap", "mmdebstrap uidmap");
	if (!is_root && !has_program("newuidmap") && !has_program("fakechroot"))
		return needs("newuidmap or fakechroot, without root", "uidmap");
	if (!has_program("mke2fs") || !has_program("debugfs"))
		return needs("mke2fs and debugfs", "e2fsprogs");
	return NULL;
}

struct error *rootdisk_build(const struct disk_choice *choice, progress_fn progress,
			     void *userdata, char **path)
{
	_cleanup_(disk_deinit) struct disk disk;

	disk_init(&disk, choice);
	disk.progress = progress;
	disk.userdata = userdata;
	if (!file_exists(disk.image)) {
		try(make_cache_folders());
		try(take_lock(&disk));
	}
	/* Whoever held the lock may have made it. */
	if (!file_exists(disk.image))
		try(make(&disk));
	*path = steal_ptr(disk.image);
	return NULL;
}

struct error *rootdisk_find(const struct disk_choice *choice, char **path)
{
	_cleanup_(disk_deinit) struct disk disk;

	disk_init(&disk, choice);
	if (!file_exists(disk.image))
		return error_hint(error_new(ENOENT, "the disk is not made"),
				  "run 'netlab image build disk', or with the "
				  "topology in place of 'disk'");
	*path = steal_ptr(disk.image);
	return NULL;
}

/* --- a guest's ------------------------------------------------------------------------------ */

static struct error *copy_once(const char *from, const char *to)
{
	_cleanup_free_ char *part = xasprintf("%s.part", to);
	struct error *error;

	if (file_exists(to))
		return NULL;
	if (unlink(part) < 0 && errno != ENOENT)
		return error_errno(errno, "%s", part);
	error = file_copy_sparse(from, part);
	if (!error && rename(part, to) < 0)
		error = error_errno(errno, "%s", to);
	if (error)
		unlink(part);
	return error;
}

/* "disk-bookworm-0123456789abcdef.ext4" as server-0123456789abcdef.ext4 */
static struct error *own_copy(const struct guest_image_options *options, char **path)
{
	_cleanup_free_ char *folder = path_state(options->lab);
	_cleanup_free_ char *own =
		xasprintf("%s/%s%s", folder, options->guest->name, strrchr(*path, '-'));

	try(make_directories(folder, 0755));
	try(copy_once(*path, own));
	free(*path);
	*path = steal_ptr(own);
	return NULL;
}

static struct error *look_at_file(const char *path, struct guest_image *image)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[4] = {0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(errno, "root: %s", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_new(EINVAL, "root: %s: not an image of a disk", path);
	if (pread(fd, magic, sizeof(magic), 0) < 0)
		return error_errno(errno, "root: %s", path);
	image->disk_is_qcow2 = memcmp(magic, "QFI\xfb", sizeof(magic)) == 0;
	image->disk = xstrdup(path);
	return NULL;
}

struct error *rootdisk_get(const struct guest_image_options *options,
			   struct guest_image *image)
{
	const struct disk_choice *choice = &options->guest->disk;

	if (choice->file)
		return look_at_file(choice->file, image);
	try(rootdisk_build(choice, options->progress, options->userdata, &image->disk));
	if (choice->writable && !choice->overlay)
		return own_copy(options, &image->disk);
	return NULL;
}
