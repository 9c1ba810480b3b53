// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/error.h"

#include <string.h>

#include "util/string.h"

static struct error *error_take(int code, char *message)
{
	struct error *error = xcalloc(1, sizeof(*error));

	error->code = code;
	error->message = message;
	return error;
}

struct error *error_new(int code, const char *format, ...)
{
	char *message;
	va_list args;

	va_start(args, format);
	message = xvasprintf(format, args);
	va_end(args);
	return error_take(code, message);
}

struct error *error_errno(int code, const char *format, ...)
{
	_cleanup_free_ char *what = NULL;
	va_list args;

	va_start(args, format);
	what = xvasprintf(format, args);
	va_end(args);
	return error_take(code, xasprintf("%s: %s", what, strerror(code)));
}

struct error *error_prefix(struct error *error, const char *format, ...)
{
	_cleanup_free_ char *context = NULL, *old = NULL;
	va_list args;

	if (!error)
		return NULL;
	va_start(args, format);
	context = xvasprintf(format, args);
	va_end(args);
	old = error->message;
	error->message = xasprintf("%s: %s", context, old);
	return error;
}

struct error *error_object(struct error *error, const char *object)
{
	if (error && !error->object)
		error->object = xstrdup(object);
	return error;
}

struct error *error_extack(struct error *error, const char *text)
{
	if (error && text && !error->extack)
		error->extack = xstrdup(text);
	return error;
}

struct error *error_hint(struct error *error, const char *format, ...)
{
	va_list args;

	if (!error || error->hint)
		return error;
	va_start(args, format);
	error->hint = xvasprintf(format, args);
	va_end(args);
	return error;
}

char *error_text(const struct error *error)
{
	return xasprintf(
		"%s%s%s%s%s%s%s%s", error->object ?: "", error->object ? ": " : "",
		error->message, error->extack ? " (kernel: " : "", error->extack ?: "",
		error->extack ? ")" : "", error->hint ? "; " : "", error->hint ?: "");
}

void error_ignore(struct error *error)
{
	error_free(error);
}

void error_free(struct error *error)
{
	if (!error)
		return;
	free(error->message);
	free(error->object);
	free(error->extack);
	free(error->hint);
	free(error);
}
