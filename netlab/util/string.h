/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings, string vectors and allocation. Out of memory ends the process: there is nothing
 * sensible that netlab could do then, and the kernel takes a lab away with its supervisor.
 */
#ifndef NETLAB_UTIL_STRING_H
#define NETLAB_UTIL_STRING_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/cleanup.h"

void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s); /* NULL stays NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/** grow() - room for one more element of @array, which holds @n; the new one is zeroed. */
#define grow(array, n)                                                       \
	do {                                                                 \
		(array) = xreallocarray((array), (n) + 1, sizeof(*(array))); \
		memset(&(array)[n], 0, sizeof(*(array)));                    \
	} while (0)

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/**
 * string_after() - what stands in @s behind @prefix
 * Return: a pointer into @s, or NULL where @s does not begin with @prefix.
 */
const char *string_after(const char *s, const char *prefix);

bool ends_with(const char *s, const char *suffix);

/**
 * printable() - what a peer said, fit for a terminal: control characters (C0, DEL, C1), line
 * separators, marks that turn the direction of text and broken UTF-8 become "?"
 * @most: bytes of @s after which it is cut, with "..." in place of the rest
 * Return: a new string; the caller frees it.
 */
char *printable(const char *s, size_t most);

/* String vectors: NULL-terminated arrays of owned strings; a NULL vector is empty. */
size_t strv_length(char *const *strv);
void strv_push(char ***strv, char *owned);
void strv_pushf(char ***strv, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char **strv_copy(char *const *strv); /* of NULL: NULL */
char *strv_join(char *const *strv, const char *separator);
bool strv_contains(char *const *strv, const char *s);
void strv_free(char **strv);
DEFINE_CLEANUP(char **, strv_free);
#define _cleanup_strv_ _cleanup_(strv_freep)

#define strv_foreach(s, strv) for (char *const *s = (strv); s && *s; s++)

/**
 * shell_quote() - @strv as one line that a POSIX shell reads back as the same words
 * Return: a new string; the caller frees it.
 */
char *shell_quote(char *const *strv);

/**
 * near_names() - the names of @candidates that resemble @name, best first
 * @most: how many at the most
 * Return: a new vector (NULL where nothing is near); the caller frees it.
 */
char **near_names(const char *name, char *const *candidates, size_t most);

#endif
