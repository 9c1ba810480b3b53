// SPDX-License-Identifier: GPL-2.0-or-later
/* What of a build goes into the cache. */
#include <errno.h>
#include <jansson.h>

#include "image/build.h"
#include "image/buildtree.h"
#include "image/elf.h"
#include "image/kernelcache.h"
#include "util/file.h"
#include "util/lines.h"
#include "util/string.h"

static struct error *copy_into(const struct build *build, const char *part,
			       const char *from, const char *to)
{
	_cleanup_free_ char *source = xasprintf("%s/%s", build->output, from);
	_cleanup_free_ char *target = xasprintf("%s/%s", part, to);

	return file_copy(source, target);
}

static struct error *copy_gdb_scripts(const struct build *build, const char *part)
{
	_cleanup_free_ char *from = xasprintf("%s/scripts/gdb/linux", build->output);
	_cleanup_free_ char *to = xasprintf("%s/scripts/gdb/linux", part);
	_cleanup_closedir_ DIR *dir = opendir(from);
	struct dirent *file;

	if (!dir)
		return error_errno(errno, "%s", from);
	try(make_directories(to, 0755));
	while ((file = readdir(dir))) {
		_cleanup_free_ char *below = NULL;
		const char *dot = strrchr(file->d_name, '.');

		if (*file->d_name == '.' || !dot || !streq(dot, ".py"))
			continue;
		below = xasprintf("scripts/gdb/linux/%s", file->d_name);
		try(copy_into(build, part, below, below));
	}
	return NULL;
}

static struct error *copy_files(const struct build *build, const char *part)
{
	static const char *const files[][2] = {
		{"vmlinux", "vmlinux"},
		{"arch/x86/boot/bzImage", "bzImage"},
		{".config", "config"},
		{"vmlinux-gdb.py", "vmlinux-gdb.py"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		try(copy_into(build, part, files[i][0], files[i][1]));
	return copy_gdb_scripts(build, part);
}

static json_t *make_note(const struct build *build, const char *build_id)
{
	const struct recipe *recipe = build->recipe;
	time_t now = time(NULL);
	char date[sizeof("2026-11-21T03:05:00Z")];
	struct tm tm;

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	return json_pack("{s:s, s:s, s:s, s:s*, s:s, s:s, s:s*, s:s, s:I, s:i}",
			 "flavour", recipe->flavour, "version", build->version, "source",
			 recipe->source, "tarball", recipe->tarball, "compiler",
			 recipe->compiler, "date", date, "build_id", build_id, "key",
			 recipe->key, "seconds", (json_int_t)(now - build->began),
			 "compiled", (int)build->compiled);
}

static struct error *write_note(const struct build *build, const char *part)
{
	_cleanup_free_ char *path = xasprintf("%s/note.json", part), *text = NULL;
	_cleanup_free_ char *vmlinux = xasprintf("%s/vmlinux", part), *build_id = NULL;
	_cleanup_json_ json_t *note = NULL;

	try(elf_build_id(vmlinux, &build_id));
	note = make_note(build, build_id);
	text = json_dumps(note, JSON_INDENT(2));
	if (!text)
		return error_new(EINVAL, "%s: a name is not UTF-8", path);
	return file_write(path, text, strlen(text));
}

/* The modules themselves, and what others can be built against. */
static struct error *store_modules(struct build *build, const char *part)
{
	_cleanup_free_ char *tree = xasprintf("%s/build", part);
	_cleanup_free_ char *target = xasprintf("INSTALL_MOD_PATH=%s", part);
	char *targets[] = {"modules_install", target, NULL};

	try(build_run_make(build, "storing the modules", 0, targets, NULL));
	try(buildtree_index(part, build->version));
	return buildtree_copy(build->output, tree);
}

static struct error *fill_and_publish(struct build *build, const char *part)
{
	const struct recipe *recipe = build->recipe;
	_cleanup_free_ char *name = xasprintf("%s-%s-%.*s", recipe->flavour,
					      build->version, KEY_SHORT, recipe->key);

	try(make_directories(part, 0755));
	try(copy_files(build, part));
	if (build->has_modules)
		try(store_modules(build, part));
	try(write_note(build, part));
	return kernelcache_publish(part, name, recipe->key);
}

/* Under a name that nothing takes for an entry, until it is whole. */
struct error *build_publish(struct build *build)
{
	_cleanup_free_ char *name = xasprintf(".%s.part", build->recipe->key);
	_cleanup_free_ char *part = kernelcache_directory(name);
	struct error *error;

	build_report(build, "storing the kernel");
	try(remove_tree(part));
	error = fill_and_publish(build, part);
	if (error)
		error_ignore(remove_tree(part));
	return error;
}
