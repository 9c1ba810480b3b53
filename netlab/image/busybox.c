// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/busybox.h"

#include <errno.h>

#include "image/elf.h"
#include "util/process.h"
#include "util/string.h"

#define APPLET_NAME_MAX 32

/* Debian's busybox and busybox-static both own /bin/busybox: only one of them is static. */
struct error *busybox_find(char **path)
{
	_cleanup_free_ char *found = find_program("busybox");

	if (!found)
		return error_hint(error_new(ENOENT, "there is no busybox"),
				  "apt-get install busybox-static");
	try(error_hint(elf_check_static(found), "apt-get install busybox-static"));
	*path = steal_ptr(found);
	return NULL;
}

static bool is_applet_name(const char *name, size_t length)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-[.";

	return length && length <= APPLET_NAME_MAX && strspn(name, allowed) == length &&
	       *name != '.';
}

char **busybox_applets(const char *program, size_t size)
{
	static const char beginning[] = "\0[\0[[";
	const char *end = program + size, *last = "";
	const char *at = memmem(program, size, beginning, sizeof(beginning));
	char **names = NULL;

	for (at = at ? at + 1 : end; at < end;) {
		size_t length = strnlen(at, end - at);

		if (at + length == end || !is_applet_name(at, length) ||
		    strcmp(at, last) <= 0)
			break;
		strv_push(&names, xstrdup(at));
		last = at;
		at += length + 1;
	}
	return names;
}
