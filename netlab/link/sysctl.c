// SPDX-License-Identifier: GPL-2.0-or-later
/* Switches of a network namespace: /proc/sys/net shows those of the process that looks. */
#include <errno.h>
#include <fcntl.h>

#include "link/node.h"
#include "util/file.h"
#include "util/string.h"

/*
 * Dots become slashes and slashes dots, so that net.ipv4.conf.eth0/5.rp_filter means the link
 * eth0.5; a name with a slash first is a path already.
 */
static void turn_into_path(char *name)
{
	char *first = strpbrk(name, "./");

	if (!first || *first == '/')
		return;
	for (char *c = name; *c; c++)
		*c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
}

/* Nothing but the network's, and nothing above it. */
static bool is_below_net(const char *path)
{
	return string_after(path, "net/") && !strstr(path, "/../") &&
	       !strstr(path, "/./") && !strstr(path, "//");
}

static struct error *open_path(const char *path, int mode, int *fd)
{
	_cleanup_free_ char *whole = xasprintf("/proc/sys/%s", path);

	*fd = open(whole, mode | O_CLOEXEC | O_NOFOLLOW);
	if (*fd >= 0)
		return NULL;
	if (errno == ENOENT || errno == EISDIR)
		return error_new(ENOENT, "the kernel has no such setting of a network "
					 "namespace");
	return error_errno(errno, "can't be %s", mode == O_RDONLY ? "read" : "set");
}

static struct error *open_setting(const char *name, int mode, int *fd)
{
	_cleanup_free_ char *path = xstrdup(name);

	turn_into_path(path);
	if (!is_below_net(path))
		return error_new(EINVAL, "not a setting of the network (net.…)");
	return open_path(path, mode, fd);
}

static struct error *write_setting(const char *name, const char *value)
{
	_cleanup_close_ int fd = -1;
	struct error *error;
	int code;

	try(open_setting(name, O_WRONLY, &fd));
	error = write_all(fd, value, strlen(value));
	if (!error)
		return NULL;
	code = error->code;
	error_free(error);
	return error_errno(code, "can't be '%s'", value);
}

struct error *sysctl_write(const char *setting)
{
	_cleanup_free_ char *name = xstrndup(setting, strcspn(setting, "="));
	const char *value = string_after(setting + strlen(name), "=");

	if (!value)
		return error_new(EINVAL, "sysctl '%s': no '=' and value", setting);
	return error_prefix(write_setting(name, value), "sysctl %s", name);
}

/* The kernel puts tabs between numbers, people a space. */
static char *squeeze(const char *text)
{
	char *value = xstrdup(text), *to = value;

	for (const char *word = text + strspn(text, " \t\n"); *word;
	     word += strspn(word, " \t\n")) {
		size_t n = strcspn(word, " \t\n");

		if (to > value)
			*to++ = ' ';
		memmove(to, word, n);
		to += n;
		word += n;
	}
	*to = '\0';
	return value;
}

struct error *sysctl_read(const char *setting, char **value)
{
	_cleanup_free_ char *name = xstrndup(setting, strcspn(setting, "="));
	_cleanup_close_ int fd = -1;
	char text[SYSCTL_VALUE_MAX + 1];
	ssize_t n;

	try(error_prefix(open_setting(name, O_RDONLY, &fd), "sysctl %s", name));
	n = read(fd, text, SYSCTL_VALUE_MAX);
	if (n < 0)
		return error_errno(errno, "sysctl %s: can't be read", name);
	text[n] = '\0';
	*value = squeeze(text);
	return NULL;
}

struct error *sysctl_forward(bool on)
{
	struct error *error;

	try(sysctl_write(on ? "net.ipv4.conf.all.forwarding=1"
			    : "net.ipv4.conf.all.forwarding=0"));
	error = sysctl_write(on ? "net.ipv6.conf.all.forwarding=1"
				: "net.ipv6.conf.all.forwarding=0");
	if (error && error->code == ENOENT)
		error_ignore(steal_ptr(error)); /* a kernel without IPv6 */
	return error;
}

static bool is_of_same_switch(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return length == strcspn(b, "=") && !strncmp(a, b, length);
}

static char **find_original(const struct node *node, const char *setting)
{
	for (char **original = node->originals; original && *original; original++)
		if (is_of_same_switch(*original, setting))
			return original;
	return NULL;
}

const char *node_original(const struct node *node, const char *setting)
{
	char **original = find_original(node, setting);

	return original ? *original : NULL;
}

/* What can't be read has none: it is a button more than a switch. */
static void remember(struct node *node, const char *setting)
{
	_cleanup_free_ char *value = NULL;
	_cleanup_error_ struct error *error = NULL;

	if (find_original(node, setting))
		return;
	error = sysctl_read(setting, &value);
	if (!error)
		strv_pushf(&node->originals, "%.*s=%s", (int)strcspn(setting, "="),
			   setting, value);
}

static void forget(struct node *node, const char *setting)
{
	char **original = find_original(node, setting);
	size_t n = strv_length(node->originals);

	if (!original || !streq(*original, setting))
		return;
	free(*original);
	*original = node->originals[n - 1];
	node->originals[n - 1] = NULL;
}

struct error *node_set_sysctl(struct node *node, const char *setting)
{
	struct error *error;

	remember(node, setting);
	error = sysctl_write(setting);
	if (!error || error->code == ENOENT)
		forget(node, setting);
	return error;
}
