// SPDX-License-Identifier: GPL-2.0-or-later
/* Are there the functions that a topology's debug steps name? */
#include "debug/debug.h"

#include <ctype.h>
#include <errno.h>

#include "image/symbols.h"
#include "debug/check.h"
#include "util/string.h"

#define FUNCTION_CHARACTERS                                     \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" \
	"0123456789."

/* What stands behind FILE: in "FILE:FUNCTION" and "FILE:LINE". */
static const char *without_file(const char *at)
{
	const char *colon = strrchr(at, ':');

	return colon ? colon + 1 : at;
}

struct error *debug_check_location(const char *vmlinux, const char *at)
{
	const char *function = without_file(at);
	size_t length = strlen(function);

	if (!length || strspn(function, FUNCTION_CHARACTERS) != length)
		return error_new(EINVAL, "'%s' is not a function's name", at);
	if (isdigit((unsigned char)*function))
		return function == at
			       ? error_new(EINVAL, "'%s' is not a function's name", at)
			       : NULL;
	return symbols_check_function(vmlinux, function);
}

static struct error *check_step(const struct debug_step *step, const char *vmlinux,
				const struct guest_image *image)
{
	struct error *error = debug_check_location(vmlinux, step->at);

	if (!error || error->code != ENOENT || !image ||
	    !guest_image_has_function(image, without_file(step->at)))
		return error;
	error_free(error);
	return NULL;
}

struct error *debug_check_steps(const struct topology *topology, const char *guest,
				const char *vmlinux, const struct guest_image *image)
{
	for (size_t i = 0; i < topology->n_debugs; i++) {
		const struct debug_step *step = &topology->debugs[i];

		if (guest && !streq(step->guest, guest))
			continue;
		try(error_prefix(check_step(step, vmlinux, image), "%s:%u:%u",
				 topology->file, step->location.line,
				 step->location.column));
	}
	return NULL;
}
