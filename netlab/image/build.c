// SPDX-License-Identifier: GPL-2.0-or-later
/* Building a kernel, from its recipe to its folder in the cache. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "image/buildtree.h"
#include "image/elf.h"
#include "image/kconfig.h"
#include "image/kconfigwhy.h"
#include "image/kernelcache.h"
#include "image/make.h"
#include "image/recipe.h"
#include "image/source.h"
#include "topology/optimize.h"
#include "util/file.h"
#include "util/lines.h"
#include "util/paths.h"
#include "util/string.h"

/* Measured on 6.1, flavour debug: objects, vmlinux and its intermediate steps; and the entry. */
#define BUILD_SPACE (900ull << 20)
#define ENTRY_SPACE (150ull << 20)

/* The same kernel again: what the bar counts up to until there is a build to learn from. */
#define COMPILED_ESTIMATE 1282

#define CONFIG_LIMIT  (4u << 20)
#define RELEASE_LIMIT 256

struct build {
	const struct recipe *recipe;
	const struct kernel_options *options;
	progress_fn progress;
	void *userdata;
	char *directory; /* of this build */
	char *output;    /* make's: the same, or the tree */
	char *fragment;  /* path in it of the options that are asked for */
	char *flags;     /* of the parts that are compiled otherwise; NULL: none */
	char *log;
	int lock;
	time_t began;
	unsigned compiled;
	char **files; /* the first of them */
	bool has_modules;
	char *version;
};

static void build_deinit(struct build *build)
{
	free(build->directory);
	free(build->output);
	strv_free(build->files);
	free(build->fragment);
	free(build->flags);
	free(build->log);
	free(build->version);
	close_fd(&build->lock);
}

static void report(const struct build *build, const char *what)
{
	if (build->progress)
		build->progress(what, 0, 0, build->userdata);
}

static struct error *cache_folder(const char *name)
{
	_cleanup_free_ char *path = path_cache(name);

	return make_directories(path, 0755);
}

static struct error *make_cache_folders(void)
{
	try(cache_folder("builds"));
	try(cache_folder("kernels"));
	try(cache_folder("logs"));
	return cache_folder("sources");
}

/* Ctrl-C must end the wait, so that signals are left alone here. */
static struct error *wait_for_lock(const struct build *build, const char *path,
				   const char *what, int *fd)
{
	struct error *error = lock_file(path, fd);

	if (!error || error->code != EWOULDBLOCK)
		return error;
	error_free(error);
	report(build, what);
	return lock_file_wait(path, fd);
}

static unsigned cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* What the newest kernel of this flavour took is the best guess. */
static unsigned estimate(const struct recipe *recipe)
{
	unsigned compiled = COMPILED_ESTIMATE;
	struct kernel **kernels = NULL;
	size_t n = 0;

	error_ignore(kernel_list(&kernels, &n));
	for (size_t i = n; i-- > 0;) {
		if (kernels[i]->compiled > COMPILED_ESTIMATE / 2 &&
		    streq(kernels[i]->flavour, recipe->flavour))
			compiled = kernels[i]->compiled;
		kernel_free(kernels[i]);
	}
	free(kernels);
	return compiled;
}

static struct error *check_space(const struct recipe *recipe)
{
	_cleanup_free_ char *cache = path_cache("");
	unsigned long long needed = BUILD_SPACE + ENTRY_SPACE, available;
	struct statvfs fs;

	if (recipe->tarball && !file_exists(recipe->source))
		needed += SOURCE_SPACE;
	if (statvfs(cache, &fs) < 0)
		return error_errno(errno, "%s", cache);
	available = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if (available >= needed)
		return NULL;
	return error_hint(error_new(ENOSPC,
				    "%s: building a kernel needs %llu MiB, there "
				    "are %llu MiB",
				    cache, needed >> 20, available >> 20),
			  "make room, or set XDG_CACHE_HOME to a larger disk");
}

static struct error *prepare_source(const struct build *build)
{
	_cleanup_free_ char *path = xasprintf("%s.lock", build->recipe->source);
	_cleanup_close_ int lock = -1;

	if (!build->recipe->tarball || file_exists(build->recipe->source))
		return NULL;
	try(wait_for_lock(build, path, "another netlab unpacks the source; waiting",
			  &lock));
	return source_unpack(build->recipe->tarball, build->recipe->source,
			     build->progress, build->userdata);
}

/* A tree's objects stay for the next build; a package's don't change, so they go. */
static struct error *prepare_directory(const struct build *build)
{
	if (build->recipe->tarball || make_was_cut_off(build->directory))
		try(remove_tree(build->directory));
	if (unlink(build->log) < 0 && errno != ENOENT)
		return error_errno(errno, "%s", build->log);
	return make_directories(build->directory, 0755);
}

static struct error *run_make(struct build *build, const char *what, unsigned steps,
			      char *const *targets, unsigned *compiled)
{
	return make_run(
		&(struct make){.source = build->recipe->source,
			       .build = build->directory,
			       .output = build->recipe->fragment ? build->output : NULL,
			       .files = compiled ? &build->files : NULL,
			       .allconfig = build->fragment,
			       .flags = build->flags,
			       .log = build->log,
			       .lock = build->lock,
			       .jobs = build->options->jobs ?: cpus(),
			       .what = what,
			       .estimate = steps,
			       .progress = build->progress,
			       .userdata = build->userdata},
		targets, compiled);
}

static struct error *read_release(struct build *build)
{
	_cleanup_free_ char *path =
		xasprintf("%s/include/config/kernel.release", build->output);

	try(file_read(path, RELEASE_LIMIT, &build->version, NULL));
	build->version[strcspn(build->version, "\n")] = '\0';
	if (!*build->version || strchr(build->version, '/'))
		return error_new(EINVAL, "%s: no kernel release", path);
	return NULL;
}

static struct error *run_configure(struct build *build, char *const *targets)
{
	return run_make(build, "configuring the kernel", 0, targets, NULL);
}

/* Over a configuration of the tree's own: what is said later of an option counts. */
static struct error *configure_over_base(struct build *build, const char *path)
{
	_cleanup_free_ char *base = NULL, *whole = NULL;

	try(run_configure(build, build->recipe->base));
	try(file_read(path, CONFIG_LIMIT, &base, NULL));
	whole = xasprintf("%s\n%s", base, build->recipe->fragment);
	try(file_write(path, whole, strlen(whole)));
	return run_configure(build, (char *[]){"olddefconfig", NULL});
}

static struct error *apply_fragment(struct build *build, const char *path)
{
	const char *fragment = build->recipe->fragment;

	try(file_write(build->fragment, fragment, strlen(fragment)));
	if (build->recipe->base)
		return configure_over_base(build, path);
	return run_configure(build, (char *[]){"allnoconfig", NULL});
}

/* The text of what it comes to. */
static struct error *resolve(struct build *build, char **config)
{
	_cleanup_free_ char *path = xasprintf("%s/.config", build->output);

	if (build->recipe->fragment)
		try(apply_fragment(build, path));
	return file_read(path, CONFIG_LIMIT, config, NULL);
}

static struct error *configure(struct build *build)
{
	const char *fragment = build->recipe->fragment;
	_cleanup_free_ char *config = NULL;

	try(resolve(build, &config));
	build->has_modules = buildtree_has_modules(config);
	if (!fragment)
		return NULL;
	return error_object(kconfig_check(fragment, config), build->recipe->flavour);
}

static struct error *compile(struct build *build)
{
	char *targets[] = {"vmlinux", "bzImage", "scripts_gdb",
			   build->has_modules ? "modules" : NULL, NULL};

	try(run_make(build, "compiling the kernel", estimate(build->recipe), targets,
		     &build->compiled));
	return read_release(build);
}

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

	try(run_make(build, "storing the modules", 0, targets, NULL));
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
static struct error *publish(struct build *build)
{
	_cleanup_free_ char *name = xasprintf(".%s.part", build->recipe->key);
	_cleanup_free_ char *part = kernelcache_directory(name);
	struct error *error;

	report(build, "storing the kernel");
	try(remove_tree(part));
	error = fill_and_publish(build, part);
	if (error)
		error_ignore(remove_tree(part));
	return error;
}

static struct error *build_steps(struct build *build)
{
	try(prepare_source(build));
	try(prepare_directory(build));
	try(configure(build));
	try(compile(build));
	return publish(build);
}

static struct error *build_kernel(struct build *build)
{
	struct error *error;

	try(check_space(build->recipe));
	error = build_steps(build);
	if (build->recipe->tarball)
		error_ignore(remove_tree(build->directory));
	return error;
}

static struct error *build_begin(struct build *build)
{
	_cleanup_free_ char *key = xstrndup(build->recipe->key, 2 * KEY_SHORT);
	_cleanup_free_ char *below = xasprintf("builds/%s", key), *lock = NULL;
	_cleanup_free_ char *log =
		xasprintf("logs/%s-%s.log", build->recipe->flavour, key);

	build->directory = path_cache(below);
	build->output = xstrdup(build->recipe->fragment ? build->directory
							: build->recipe->source);
	build->fragment = xasprintf("%s/netlab.config", build->directory);
	build->log = path_cache(log);
	build->flags = optimize_flags(build->recipe->optimize);
	lock = xasprintf("%s.lock", build->directory);
	try(make_cache_folders());
	return wait_for_lock(build, lock, "another netlab builds this kernel; waiting",
			     &build->lock);
}

/* A tree may have changed since: only make can tell. A package's source may have been cleared
 * away: gdb wants it. */
static struct error *look_up(const struct build *build, struct kernel **kernel)
{
	*kernel = NULL;
	if (!build->recipe->tarball || build->options->rebuild)
		return NULL;
	*kernel = kernelcache_find(build->recipe->key);
	return *kernel ? prepare_source(build) : NULL;
}

struct error *kernel_build(const struct kernel_options *options, progress_fn progress,
			   void *userdata, struct kernel **kernel)
{
	_cleanup_recipe_ struct recipe *recipe = NULL;
	_cleanup_kernel_ struct kernel *found = NULL;
	_cleanup_(build_deinit) struct build build = {
		.options = options,
		.progress = progress,
		.userdata = userdata,
		.lock = -1,
		.began = time(NULL),
	};

	try(recipe_new(options, &recipe));
	build.recipe = recipe;
	try(recipe_check_tree(recipe));
	try(look_up(&build, &found));
	if (!found) {
		try(make_check_programs());
		try(build_begin(&build));
		/* Whoever held the lock may have built it. */
		try(look_up(&build, &found));
	}
	if (!found) {
		try(build_kernel(&build));
		found = kernelcache_find(recipe->key);
		if (!found)
			return error_new(ENOENT, "the kernel left the cache again");
		found->was_built = true;
		found->files = steal_ptr(build.files);
	}
	*kernel = steal_ptr(found);
	return NULL;
}

void kernel_config_deinit(struct kernel_config *config)
{
	free(config->text);
	strv_free(config->refused);
	*config = (struct kernel_config){0};
}

static struct error *resolve_now(struct build *build, char **config)
{
	struct error *error;

	try(make_check_programs());
	try(build_begin(build));
	try(prepare_source(build));
	try(prepare_directory(build));
	error = resolve(build, config);
	if (build->recipe->tarball)
		error_ignore(remove_tree(build->directory));
	return error;
}

static void add_reasons(const struct recipe *recipe, struct kernel_config *config)
{
	config->refused = kconfig_refused(recipe->fragment ?: "", config->text);
	for (char **line = config->refused; line && *line; line++) {
		_cleanup_free_ char *old = *line;
		_cleanup_free_ char *name = xstrndup(old, strcspn(old, "="));
		_cleanup_free_ char *why =
			kconfig_why(recipe->source, config->text, name);

		*line = xasprintf("%s: %s", old, why);
	}
}

struct error *kernel_config(const struct kernel_options *options, progress_fn progress,
			    void *userdata, struct kernel_config *config)
{
	_cleanup_recipe_ struct recipe *recipe = NULL;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_(build_deinit) struct build build = {
		.options = options,
		.progress = progress,
		.userdata = userdata,
		.lock = -1,
	};

	try(recipe_new(options, &recipe));
	build.recipe = recipe;
	try(recipe_check_tree(recipe));
	kernel = recipe->tarball ? kernelcache_find(recipe->key) : NULL;
	if (kernel) {
		_cleanup_free_ char *path = xasprintf("%s/config", kernel->directory);

		try(file_read(path, CONFIG_LIMIT, &config->text, NULL));
	} else {
		try(resolve_now(&build, &config->text));
	}
	add_reasons(recipe, config);
	return NULL;
}
