// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/start.h"

#include <errno.h>
#include <limits.h>

#include "image/entry.h"
#include "image/initramfs.h"
#include "debug/debug.h"
#include "lab/drivers.h"
#include "link/owner.h"
#include "util/file.h"
#include "util/log.h"
#include "util/paths.h"
#include "util/string.h"

#define START_TIMEOUT_NS (60ull * 1000000000)

/* A tree may have changed since it was built: only make can tell. */
static struct error *find_kernel(const struct kernel_choice *choice, bool was_built,
				 struct kernel **kernel)
{
	struct kernel_options options = {.in_place = choice->in_place,
					 .flavour = choice->flavour,
					 .version = choice->version,
					 .source = choice->source,
					 .optimize = choice->optimize};

	if (choice->vmlinux)
		return kernel_from_files(choice->vmlinux, choice->bzimage,
					 choice->modules, kernel);
	if (choice->source && !was_built)
		try(kernel_build_and_tell(&options, kernel));
	else
		try(kernel_find(&options, kernel));
	return choice->in_place ? entry_judge(*kernel) : NULL;
}

/* They stand at the same place, and the guests' roots ask for no other flavour. */
static bool same_kernel(const struct kernel_choice *a, const struct kernel_choice *b)
{
	return a->at.line == b->at.line && a->at.column == b->at.column &&
	       (!a->flavour || streq(a->flavour, b->flavour));
}

/* Does a guest before this one have the same kernel? */
static bool is_before(const struct topology *topology, size_t guest)
{
	for (size_t i = 0; i < guest; i++)
		if (same_kernel(&topology->guests[i].kernel,
				&topology->guests[guest].kernel))
			return true;
	return false;
}

/* Of those that netlab configured, it knows: lab has no debug information. */
static void warn_of(const struct kernel_choice *choice, const struct kernel *kernel)
{
	_cleanup_free_ char *warning = NULL;

	if (choice->flavour)
		return;
	warning = kernel_warning(kernel);
	if (warning)
		log_warning("%s", warning);
}

static struct error *find_kernels(struct start *start)
{
	const struct topology *topology = start->topology;

	start->kernels = xcalloc(topology->n_guests, sizeof(*start->kernels));
	for (size_t i = 0; i < topology->n_guests; i++)
		try(find_kernel(&topology->guests[i].kernel, is_before(topology, i),
				&start->kernels[i]));
	for (size_t i = 0; i < topology->n_guests; i++)
		if (!is_before(topology, i))
			warn_of(&topology->guests[i].kernel, start->kernels[i]);
	return NULL;
}

/* A function to stop at that doesn't exist is said now, not after the boot. */
static struct error *check_debug_steps(const struct start *start)
{
	for (size_t i = 0; i < start->topology->n_guests; i++)
		try(debug_check_steps(start->topology, start->topology->guests[i].name,
				      start->kernels[i]->vmlinux, &start->images[i]));
	return NULL;
}

/* A card whose driver the kernel lacks is a card that the guest doesn't see. */
static struct error *check_drivers(const struct start *start)
{
	for (size_t i = 0; i < start->topology->n_guests; i++)
		try(drivers_check(&start->topology->guests[i], start->kernels[i]));
	return NULL;
}

static struct error *make_images(struct start *start)
{
	const struct topology *topology = start->topology;
	_cleanup_free_ char *base = NULL;
	struct error *error = NULL;

	try(initramfs_build(&base, NULL));
	start->images = xcalloc(topology->n_guests, sizeof(*start->images));
	for (size_t i = 0; !error && i < topology->n_guests; i++)
		error = guest_image_make(
			&(struct guest_image_options){.guest = &topology->guests[i],
						      .kernel = start->kernels[i],
						      .lab = start->options.name,
						      .base = base,
						      .progress = progress_show},
			&start->images[i]);
	progress_end();
	return error;
}

static struct error *hold_cache(struct start *start)
{
	for (size_t i = 0; i < start->topology->n_guests; i++)
		try(cache_hold_guest(&start->holds, start->kernels[i],
				     &start->images[i]));
	return NULL;
}

static struct error *make_output(struct start *start)
{
	char resolved[PATH_MAX];
	_cleanup_free_ char *path = start->output ? xstrdup(start->output)
						  : path_state(start->options.name);

	try(make_directories(path, 0755));
	if (!realpath(path, resolved))
		return error_errno(errno, "%s", path);
	start->output_path = xstrdup(resolved);
	return NULL;
}

static struct error *check_freeze(const struct start *start)
{
	if (!start->freeze || !*start->freeze ||
	    topology_guest(start->topology, start->freeze))
		return NULL;
	return error_new(ENOENT, "--freeze=%s: the topology has no such guest",
			 start->freeze);
}

/* The command line's word is over that of the topology. */
static struct error *read_on_panic(const struct start *start)
{
	enum on_panic on_panic;

	if (!start->on_panic)
		return NULL;
	try(error_prefix(on_panic_parse(start->on_panic, &on_panic), "--on-panic"));
	for (size_t i = 0; i < start->topology->n_guests; i++)
		start->topology->guests[i].on_panic = on_panic;
	return NULL;
}

static struct error *read_options(struct start *start)
{
	struct lab_options *options = &start->options;

	options->name = start->name ?: start->topology->name;
	options->freeze = start->freeze;
	options->no_lockstep = start->no_lockstep;
	options->timeout_ns = START_TIMEOUT_NS;
	if (!lab_name_valid(options->name))
		return error_new(
			EINVAL, "--name %s: a lab's name has 1 to 32 of a-z, 0-9 and '-'",
			options->name);
	if (start->accel)
		try(error_prefix(accel_choice_parse(start->accel, &options->accel),
				 "--accel"));
	if (start->timeout)
		try(error_prefix(duration_parse(start->timeout, &options->timeout_ns),
				 "--timeout"));
	try(read_on_panic(start));
	return check_freeze(start);
}

struct error *start_lab(struct start *start, struct client **client)
{
	struct error *error = client_start_lab(client, &start->options);

	progress_end();
	return error;
}

struct error *start_load(struct start *start, const char *path)
{
	try(topology_load_set(path, start->settings, &start->topology));
	try(read_options(start));
	try(find_kernels(start));
	try(check_drivers(start));
	if (!start->topology->n_guests)
		return NULL;
	try(make_images(start));
	return hold_cache(start);
}

struct error *start_prepare(struct start *start, const char *path)
{
	try(start_load(start, path));
	if (start->topology->netns == NETNS_HOST)
		try(error_prefix(owner_check_permission(), "%s", path));
	try(check_debug_steps(start));
	try(make_output(start));
	start->options.topology = start->topology;
	start->options.kernels = start->kernels;
	start->options.images = start->images;
	start->options.output = start->output_path;
	return NULL;
}

void start_deinit(struct start *start)
{
	for (size_t i = 0; start->kernels && i < start->topology->n_guests; i++)
		kernel_free(start->kernels[i]);
	free(start->kernels);
	cache_holds_deinit(&start->holds);
	for (size_t i = 0; start->images && i < start->topology->n_guests; i++)
		guest_image_deinit(&start->images[i]);
	free(start->images);
	free(start->output_path);
	topology_free(start->topology);
	strv_free(start->settings);
}
