// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/string.h"

#include <stdint.h>

static void *checked(void *p)
{
	if (!p)
		abort();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ?: 1, size ?: 1));
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	return checked(reallocarray(p, n ?: 1, size ?: 1));
}

char *xstrdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *xvasprintf(const char *format, va_list args)
{
	char *s;

	if (vasprintf(&s, format, args) < 0)
		abort();
	return s;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	s = xvasprintf(format, args);
	va_end(args);
	return s;
}

const char *string_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool ends_with(const char *s, const char *suffix)
{
	size_t length = strlen(s), end = strlen(suffix);

	return length >= end && streq(s + length - end, suffix);
}

/* The bytes of the UTF-8 sequence at @s and the character it stands for; 0: it is broken. */
static size_t utf8_decode(const char *s, uint32_t *character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = *s;
	size_t length = first < 0x80   ? 1
			: first < 0xc0 ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
			: first < 0xf8 ? 4
				       : 0;

	*character = length > 1 ? first & (0x7f >> length) : first;
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (s[i] & 0x3f);
	}
	return length && *character >= least[length] ? length : 0;
}

static bool is_printable(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !(c >= 0x200e && c <= 0x200f) &&
	       !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069) &&
	       !(c >= 0xd800 && c < 0xe000) && c < 0x110000;
}

char *printable(const char *s, size_t most)
{
	size_t left = strnlen(s, most + 1);
	bool cut = left > most;
	char *text = xcalloc(left + sizeof("..."), 1), *out = text;
	const char *end = s + (cut ? most : left);

	while (s < end) {
		uint32_t character;
		size_t length = utf8_decode(s, &character);

		if (length && s + length > end)
			break;
		if (length && is_printable(character))
			out = mempcpy(out, s, length);
		else
			*out++ = '?';
		s += length ?: 1;
	}
	strcpy(out, cut ? "..." : "");
	return text;
}

size_t strv_length(char *const *strv)
{
	size_t n = 0;

	while (strv && strv[n])
		n++;
	return n;
}

void strv_push(char ***strv, char *owned)
{
	size_t n = strv_length(*strv);

	*strv = xreallocarray(*strv, n + 2, sizeof(char *));
	(*strv)[n] = owned;
	(*strv)[n + 1] = NULL;
}

void strv_pushf(char ***strv, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	strv_push(strv, xvasprintf(format, args));
	va_end(args);
}

char **strv_copy(char *const *strv)
{
	char **copy = NULL;

	strv_foreach (s, strv)
		strv_push(&copy, xstrdup(*s));
	return copy;
}

char *strv_join(char *const *strv, const char *separator)
{
	char *joined = xstrdup("");

	strv_foreach (s, strv) {
		char *longer =
			xasprintf("%s%s%s", joined, s == strv ? "" : separator, *s);

		free(joined);
		joined = longer;
	}
	return joined;
}

bool strv_contains(char *const *strv, const char *wanted)
{
	strv_foreach (s, strv)
		if (streq(*s, wanted))
			return true;
	return false;
}

void strv_free(char **strv)
{
	strv_foreach (s, strv)
		free(*s);
	free(strv);
}

static bool is_shell_safe(const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-+=,./:@%";

	return *s && s[strspn(s, safe)] == '\0';
}

/* Room for @s in single quotes, each quote within it taking four bytes. */
static char *quote_word(const char *s)
{
	char *quoted = xcalloc(strlen(s) * 4 + 3, 1), *out = quoted;

	*out++ = '\'';
	for (; *s; s++) {
		if (*s == '\'')
			out = stpcpy(out, "'\\''");
		else
			*out++ = *s;
	}
	*out = '\'';
	return quoted;
}

char *shell_quote(char *const *strv)
{
	_cleanup_strv_ char **words = NULL;

	strv_foreach (s, strv)
		strv_push(&words, is_shell_safe(*s) ? xstrdup(*s) : quote_word(*s));
	return strv_join(words, " ");
}

/* Levenshtein's distance; @row has room for strlen(b) + 1 counts. */
static unsigned distance(const char *a, const char *b, unsigned *row)
{
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned above = row[j + 1];
			unsigned best = diagonal + (a[i] != b[j]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			diagonal = above;
			row[j + 1] = best;
		}
	}
	return row[n];
}

/* A name that merely contains what was asked for is near too, however long it is. */
static unsigned remoteness(const char *name, const char *candidate)
{
	unsigned *row = xcalloc(strlen(candidate) + 1, sizeof(*row));
	unsigned far = distance(name, candidate, row);

	free(row);
	if (strlen(name) >= 4 && strstr(candidate, name) && far > 2)
		far = 2;
	return far;
}

struct near {
	unsigned remoteness;
	const char *name;
};

static int near_compare(const void *a, const void *b)
{
	const struct near *x = a, *y = b;

	if (x->remoteness != y->remoteness)
		return x->remoteness < y->remoteness ? -1 : 1;
	return strcmp(x->name, y->name);
}

char **near_names(const char *name, char *const *candidates, size_t most)
{
	unsigned limit = strlen(name) / 3 + 1;
	_cleanup_free_ struct near *near = NULL;
	char **names = NULL;
	size_t n = 0;

	strv_foreach (s, candidates) {
		unsigned far = remoteness(name, *s);

		if (far > limit)
			continue;
		grow(near, n);
		near[n++] = (struct near){far, *s};
	}
	if (n)
		qsort(near, n, sizeof(*near), near_compare);
	for (size_t i = 0; i < n && strv_length(names) < most; i++)
		if (!strv_contains(names, near[i].name))
			strv_push(&names, xstrdup(near[i].name));
	return names;
}
