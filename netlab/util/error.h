/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one error object. A function that can fail returns struct error *: NULL means done.
 * The caller owns what it gets: it forwards it, or frees it.
 */
#ifndef NETLAB_UTIL_ERROR_H
#define NETLAB_UTIL_ERROR_H

#include <stdarg.h>

#include "util/cleanup.h"

struct error {
	int code;      /* errno value; 0 where none applies */
	char *message; /* what went wrong, one line or several (a YAML report); owned */
	char *object;  /* the link, guest, file it is about; NULL where none; owned */
	char *extack; /* the kernel's extended ACK, its own words; NULL where none; owned */
	char *hint;   /* what to do about it; NULL where none; owned */
};

#define must_use __attribute__((warn_unused_result))

/**
 * error_new() - an error that says what went wrong
 * @code: errno value, positive; 0 where none applies. Its text is not added to @format.
 */
must_use struct error *error_new(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** error_errno() - as error_new(), with ": " and the text of @code behind the message. */
must_use struct error *error_errno(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * error_prefix() - put "context: " before the message of @error
 * Return: @error itself; NULL stays NULL, so that a call can be wrapped without a test.
 */
must_use struct error *error_prefix(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** error_object() - name the object @error is about, unless one is named already. */
must_use struct error *error_object(struct error *error, const char *object);

/** error_extack() - add the kernel's own words; @text may be NULL. */
must_use struct error *error_extack(struct error *error, const char *text);

/** error_hint() - add what to do about it; the first hint given stays. */
must_use struct error *error_hint(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * error_text() - the whole error for people: "object: message (kernel: extack); hint"
 * Return: a new string without a newline at its end; the caller frees it.
 */
char *error_text(const struct error *error);

/** error_ignore() - drop an error whose loss is intended; NULL is fine. */
void error_ignore(struct error *error);

/** error_free() - NULL is fine. */
void error_free(struct error *error);

DEFINE_CLEANUP(struct error *, error_free);
#define _cleanup_error_ _cleanup_(error_freep)

/* Forwards a failure to the caller. */
#define try(call)                                  \
	do {                                       \
		struct error *try_error_ = (call); \
		if (try_error_)                    \
			return try_error_;         \
	} while (0)

#endif
