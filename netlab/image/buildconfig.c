// SPDX-License-Identifier: GPL-2.0-or-later
/* From the options that a recipe asks for to a tree's configuration. */
#include "image/build.h"
#include "image/buildtree.h"
#include "image/kconfig.h"
#include "util/file.h"
#include "util/string.h"

#define CONFIG_LIMIT (4u << 20)

static struct error *run_configure(struct build *build, char *const *targets)
{
	return build_run_make(build, "configuring the kernel", 0, targets, NULL);
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

struct error *build_resolve(struct build *build, char **config)
{
	_cleanup_free_ char *path = xasprintf("%s/.config", build->output);

	if (build->recipe->fragment)
		try(apply_fragment(build, path));
	return file_read(path, CONFIG_LIMIT, config, NULL);
}

struct error *build_configure(struct build *build)
{
	const char *fragment = build->recipe->fragment;
	_cleanup_free_ char *config = NULL;

	try(build_resolve(build, &config));
	build->has_modules = buildtree_has_modules(config);
	if (!fragment)
		return NULL;
	return error_object(kconfig_check(fragment, config), build->recipe->flavour);
}
