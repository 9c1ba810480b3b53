// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest has at "/": its root file system, and the user's files in it. */
#include <assert.h>

#include "topology/reader.h"
#include "util/string.h"

#define SUITE_MAX   32
#define PACKAGE_MAX 64
#define TARGET_MAX  1024

/* The flavour that a root other than the image wants; guest/kernel/roots.config. */
#define ROOTS_FLAVOUR "roots"

static char *const root_names[] = {
	[ROOT_BUSYBOX] = "busybox",     [ROOT_HOST] = "host",
	[ROOT_DISK] = "disk",           [ROOT_DIRECTORY] = "directory",
	[ROOT_INITRAMFS] = "initramfs", [GUEST_ROOTS] = NULL,
};
static_assert(ARRAY_SIZE(root_names) == GUEST_ROOTS + 1, "a root without a name");

const char *guest_root_name(enum guest_root root)
{
	return root_names[root];
}

void disk_choice_init(struct disk_choice *disk)
{
	*disk = (struct disk_choice){.size = DISK_SIZE_DEFAULT,
				     .writable = true,
				     .overlay = true,
				     .suite = xstrdup(DISK_SUITE_DEFAULT)};
}

void disk_choice_deinit(struct disk_choice *disk)
{
	free(disk->suite);
	strv_free(disk->packages);
	free(disk->file);
	*disk = (struct disk_choice){0};
}

void root_deinit(struct guest *guest)
{
	free(guest->root_path);
	disk_choice_deinit(&guest->disk);
	for (size_t i = 0; i < guest->n_files; i++) {
		free(guest->files[i].target);
		free(guest->files[i].source);
	}
	free(guest->files);
}

/* --- a disk --------------------------------------------------------------------------------- */

/* Of suites and packages (Debian Policy 5.6.1): they become words of a command line. */
static bool is_debian_name(const char *text, size_t most)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789+.-";

	return strlen(text) <= most && !text[strspn(text, allowed)] &&
	       strchr("+.-", *text) == NULL;
}

static void read_suite(struct reader *reader, const char *what, const struct node *node,
		       void *into)
{
	struct disk_choice *disk = into;
	const char *text = read_line(reader, what, node);

	if (!text)
		return;
	if (!is_debian_name(text, SUITE_MAX))
		report_add(reader->reports, node->at,
			   "%s: '%s' is no name of a suite, as bookworm is", what, text);
	free(disk->suite);
	disk->suite = xstrdup(text);
}

static void read_packages(struct reader *reader, const char *what,
			  const struct node *node, void *into)
{
	struct disk_choice *disk = into;

	if (!is_list(reader, what, node))
		return;
	if (node->n_items > DISK_PACKAGES_MAX) {
		report_add(reader->reports, node->at, "%s: %zu are more than %d", what,
			   node->n_items, DISK_PACKAGES_MAX);
		return;
	}
	for (size_t i = 0; i < node->n_items; i++) {
		const char *text = read_line(reader, what, node->items[i]);

		if (text && !is_debian_name(text, PACKAGE_MAX))
			report_add(reader->reports, node->items[i]->at,
				   "%s: '%s' is no name of a package", what, text);
		else if (text)
			strv_push(&disk->packages, xstrdup(text));
	}
}

static void read_size(struct reader *reader, const char *what, const struct node *node,
		      void *into)
{
	uint64_t *size = into;
	const char *text = read_text(reader, what, node);
	struct error *error = text ? size_parse(text, size) : NULL;

	if (error)
		report_error(reader->reports, node->at, what, error);
	else if (text && (*size < DISK_SIZE_MIN || *size > DISK_SIZE_MAX))
		report_add(reader->reports, node->at, "%s: %s is not from 512M to 1T",
			   what, text);
}

static const struct field disk_fields[] = {
	{"suite", read_suite, false, 0},
	{"packages", read_packages, false, 0},
	{"size", read_size, false, offsetof(struct disk_choice, size)},
	{"file", read_file_path, false, offsetof(struct disk_choice, file)},
	{"writable", read_switch, false, offsetof(struct disk_choice, writable)},
	{"overlay", read_switch, false, offsetof(struct disk_choice, overlay)},
	{NULL},
};

static void read_disk(struct reader *reader, const char *what, const struct node *node,
		      void *into)
{
	struct guest *guest = into;
	struct disk_choice *disk = &guest->disk;

	guest->root = ROOT_DISK;
	read_mapping(reader, what, node, disk_fields, disk);
	if (!disk->file)
		return;
	if (node_value(node, "suite") || disk->packages || node_value(node, "size"))
		report_add(
			reader->reports, node_place(node, "file"),
			"file: it is a disk that is made already: nothing that says how "
			"to make one goes with it");
	free(steal_ptr(disk->suite));
}

/* --- root: ---------------------------------------------------------------------------------- */

static void read_directory(struct reader *reader, const char *what,
			   const struct node *node, void *into)
{
	struct guest *guest = into;

	guest->root = ROOT_DIRECTORY;
	read_file_path(reader, what, node, &guest->root_path);
}

static void read_initramfs(struct reader *reader, const char *what,
			   const struct node *node, void *into)
{
	struct guest *guest = into;

	guest->root = ROOT_INITRAMFS;
	read_file_path(reader, what, node, &guest->root_path);
}

static const struct field root_fields[] = {
	{"disk", read_disk, false, 0},
	{"directory", read_directory, false, 0},
	{"initramfs", read_initramfs, false, 0},
	{NULL},
};

static bool wants_path(enum guest_root root)
{
	return root == ROOT_DIRECTORY || root == ROOT_INITRAMFS;
}

static void read_root_name(struct reader *reader, const char *what,
			   const struct node *node, struct guest *guest)
{
	const char *text = read_text(reader, what, node);
	_cleanup_free_ char *near = NULL, *all = NULL;

	for (size_t i = 0; text && i < GUEST_ROOTS; i++) {
		if (!streq(text, root_names[i]))
			continue;
		if (wants_path(i))
			report_add(reader->reports, node->at,
				   "%s: %s wants its path: {%s: PATH}", what, text, text);
		guest->root = i;
		return;
	}
	if (!text)
		return;
	near = suggest(text, root_names);
	all = strv_join(root_names, ", ");
	report_add(reader->reports, node->at, "%s: no root '%s'%s%s", what, text,
		   *near ? near : "; there is: ", *near ? "" : all);
}

void read_guest_root(struct reader *reader, const char *what, const struct node *node,
		     void *into)
{
	struct guest *guest = into;

	if (node->kind != NODE_MAPPING) {
		read_root_name(reader, what, node, guest);
		return;
	}
	if (node->n_items != 2)
		report_add(reader->reports, node->at,
			   "%s: one key is wanted: disk, directory or initramfs", what);
	else
		read_mapping(reader, "a root", node, root_fields, guest);
}

/* --- files: --------------------------------------------------------------------------------- */

/* What is wrong with a path in the guest; NULL: nothing. */
static const char *target_fault(const char *path)
{
	if (*path != '/')
		return "is not an absolute path in the guest";
	if (strlen(path) > TARGET_MAX)
		return "is too long";
	while (*path) {
		size_t length;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if ((length == 1 && *path == '.') ||
		    (length == 2 && !strncmp(path, "..", 2)))
			return "has '.' or '..' in it";
		path += length;
	}
	return NULL;
}

/* "/opt//tests/" is "/opt/tests"; "" stands for "/". */
static char *tidy(const char *path)
{
	char *tidied = xcalloc(strlen(path) + 1, 1), *out = tidied;

	for (; *path; path++)
		if (*path != '/' || (path[strspn(path, "/")] && path[1] != '/'))
			*out++ = *path;
	return tidied;
}

static void read_extra_file(struct reader *reader, const struct node *key,
			    const struct node *value, struct guest *guest)
{
	const char *target = read_line(reader, "files", key);
	const char *fault = target ? target_fault(target) : NULL;
	struct extra_file *file;

	if (fault)
		report_add(reader->reports, key->at, "files: '%s' %s", target, fault);
	if (!target || fault)
		return;
	file = &guest->files[guest->n_files++];
	file->at = key->at;
	file->target = tidy(target);
	read_file_path(reader, target, value, &file->source);
}

void read_files(struct reader *reader, const char *what, const struct node *node,
		void *into)
{
	struct guest *guest = into;

	if (!is_mapping(reader, what, node))
		return;
	if (node->n_items / 2 > GUEST_FILES_MAX) {
		report_add(reader->reports, node->at,
			   "%s: %zu are more than %d; a folder counts once", what,
			   node->n_items / 2, GUEST_FILES_MAX);
		return;
	}
	guest->files = xcalloc(node->n_items / 2, sizeof(*guest->files));
	for (size_t i = 0; i + 1 < node->n_items; i += 2)
		read_extra_file(reader, node->items[i], node->items[i + 1], guest);
}

/* --- what holds between the keys ------------------------------------------------------------ */

/* Is @name one of the words of "debug+modular"? */
static bool has_flavour(const char *flavours, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = flavours; (at = strstr(at, name)); at += length)
		if ((at == flavours || at[-1] == '+') && strchr("+", at[length]))
			return true;
	return false;
}

static bool is_mounted(const struct guest *guest)
{
	return guest->root == ROOT_HOST || guest->root == ROOT_DIRECTORY ||
	       guest->root == ROOT_DISK;
}

static void add_roots_flavour(struct guest *guest)
{
	_cleanup_free_ char *old = guest->kernel.flavour;

	guest->kernel.flavour = xasprintf("%s+" ROOTS_FLAVOUR, old);
}

void check_root(struct reader *reader, struct guest *guest)
{
	const char *flavour = guest->kernel.flavour;

	if (guest->root == ROOT_DISK && !guest->disk.writable && !guest->disk.overlay &&
	    guest->n_files)
		report_add(
			reader->reports, guest->files[0].at,
			"files: a disk that is not writable takes them with an overlay "
			"alone");
	if (!is_mounted(guest) || !flavour || has_flavour(flavour, ROOTS_FLAVOUR) ||
	    has_flavour(flavour, "defconfig") ||
	    (guest->root != ROOT_DISK && has_flavour(flavour, "lab")))
		return;
	add_roots_flavour(guest);
}
