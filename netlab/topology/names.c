// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/names.h"

#include <search.h>
#include <stddef.h>

#include "util/string.h"

/* No name that means anything is longer; comparing costs the product of two lengths. */
#define SUGGEST_LENGTH_MAX 64

static int name_compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static struct name *name_new(const char *text, struct location at, const void *value)
{
	size_t size = strlen(text) + 1;
	struct name *name = xcalloc(1, sizeof(*name) + size);

	name->at = at;
	name->value = value;
	memcpy(name->text, text, size);
	return name;
}

const struct name *names_add(struct names *names, const char *text, struct location at,
			     const void *value)
{
	struct name *name = name_new(text, at, value);
	struct name **found = tsearch(name, &names->root, name_compare);

	if (!found)
		abort();
	if (*found != name)
		return free(name), *found;
	names->n++;
	return NULL;
}

const struct name *names_find(const struct names *names, const char *text)
{
	_cleanup_free_ struct name *key = name_new(text, (struct location){0}, NULL);
	struct name **found = tfind(key, &names->root, name_compare);

	return found ? *found : NULL;
}

static void collect(const void *node, VISIT visit, void *closure)
{
	const struct name *name = *(const struct name *const *)node;
	char ***next = closure;

	if ((visit == postorder || visit == leaf) &&
	    strlen(name->text) <= SUGGEST_LENGTH_MAX)
		*(*next)++ = (char *)name->text;
}

char *names_suggest(const struct names *names, const char *text)
{
	_cleanup_free_ char **candidates = xcalloc(names->n + 1, sizeof(*candidates));
	char **next = candidates;

	twalk_r(names->root, collect, &next);
	return suggest(text, candidates);
}

char *suggest(const char *text, char *const *candidates)
{
	_cleanup_strv_ char **near = NULL;

	if (*text && strlen(text) <= SUGGEST_LENGTH_MAX)
		near = near_names(text, candidates, 1);
	return near ? xasprintf("; did you mean '%s'?", near[0]) : xstrdup("");
}

void names_deinit(struct names *names)
{
	tdestroy(names->root, free);
	*names = (struct names){0};
}
