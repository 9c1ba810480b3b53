// SPDX-License-Identifier: GPL-2.0-or-later
/* Building a kernel, from its recipe to its folder in the cache. */
#include "image/build.h"

#include <errno.h>
#include <sched.h>
#include <sys/statvfs.h>

#include "image/kconfig.h"
#include "image/kconfigwhy.h"
#include "image/kernelcache.h"
#include "image/make.h"
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

void build_report(const struct build *build, const char *what)
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
	build_report(build, what);
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

struct error *build_run_make(struct build *build, const char *what, unsigned steps,
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

static struct error *compile(struct build *build)
{
	char *targets[] = {"vmlinux", "bzImage", "scripts_gdb",
			   build->has_modules ? "modules" : NULL, NULL};

	try(build_run_make(build, "compiling the kernel", estimate(build->recipe),
			   targets, &build->compiled));
	return read_release(build);
}

static struct error *build_steps(struct build *build)
{
	try(prepare_source(build));
	try(prepare_directory(build));
	try(build_configure(build));
	try(compile(build));
	return build_publish(build);
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
	error = build_resolve(build, config);
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
