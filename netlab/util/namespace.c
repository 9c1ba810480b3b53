// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "util/file.h"
#include "util/string.h"

/* What /proc says of a switch that forbids user namespaces: its number, -1 where it has none. */
static long sysctl_number(const char *name)
{
	_cleanup_free_ char *path = xasprintf("/proc/sys/%s", name), *text = NULL;
	_cleanup_error_ struct error *error = file_read(path, 64, &text, NULL);

	return error ? -1 : strtol(text, NULL, 10);
}

/* The distributions' three ways to forbid user namespaces, each with its own switch. */
static struct error *explain_refusal(int code)
{
	struct error *error = error_errno(code, "a user namespace is refused");

	if (sysctl_number("kernel/unprivileged_userns_clone") == 0)
		return error_hint(error, "sysctl kernel.unprivileged_userns_clone is 0: "
					 "set it to 1, or run netlab as root");
	if (sysctl_number("kernel/apparmor_restrict_unprivileged_userns") == 1)
		return error_hint(
			error, "AppArmor forbids it: set sysctl "
			       "kernel.apparmor_restrict_unprivileged_userns to 0, allow "
			       "netlab in a profile, or run it as root");
	if (sysctl_number("user/max_user_namespaces") == 0)
		return error_hint(error,
				  "sysctl user.max_user_namespaces is 0: raise it, or "
				  "run netlab as root");
	return error_hint(error, "run netlab as root");
}

static struct error *write_map(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(errno, "%s", path);
	return error_object(write_all(fd, text, strlen(text)), path);
}

static struct error *become_root_inside(uid_t uid, gid_t gid)
{
	_cleanup_free_ char *users = xasprintf("0 %u 1\n", uid);
	_cleanup_free_ char *groups = xasprintf("0 %u 1\n", gid);

	try(write_map("/proc/self/setgroups", "deny"));
	try(write_map("/proc/self/uid_map", users));
	return write_map("/proc/self/gid_map", groups);
}

struct error *namespace_enter_new(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid != 0) {
		if (unshare(CLONE_NEWUSER) < 0)
			return explain_refusal(errno);
		try(become_root_inside(uid, gid));
	}
	if (unshare(CLONE_NEWNET) < 0)
		return uid ? explain_refusal(errno)
			   : error_errno(errno, "a network namespace is refused");
	return NULL;
}

static bool same_namespace(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino;
}

static struct error *open_namespace(pid_t pid, const char *kind, int *fd)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/ns/%s", pid, kind);

	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? error_errno(errno, "%s", path) : NULL;
}

struct error *namespace_join(pid_t pid)
{
	_cleanup_close_ int user = -1, net = -1;

	try(open_namespace(pid, "user", &user));
	try(open_namespace(pid, "net", &net));
	if (!same_namespace(user, "/proc/self/ns/user") && setns(user, CLONE_NEWUSER) < 0)
		return error_errno(errno, "the lab's user namespace can't be joined");
	if (!same_namespace(net, "/proc/self/ns/net") && setns(net, CLONE_NEWNET) < 0)
		return error_errno(errno, "the lab's network namespace can't be joined");
	return NULL;
}

struct error *namespace_visit(int fd, struct error *(*there)(void *userdata),
			      void *userdata)
{
	_cleanup_close_ int home = -1;
	struct error *error;

	if (fd < 0)
		return there(userdata);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || setns(fd, CLONE_NEWNET) < 0)
		return error_errno(errno, "a network namespace can't be joined");
	error = there(userdata);
	if (setns(home, CLONE_NEWNET) == 0)
		return error;
	error_free(error);
	return error_errno(errno, "a network namespace can't be left");
}

struct error *namespace_join_net(const char *path)
{
	_cleanup_close_ int net = open(path, O_RDONLY | O_CLOEXEC);

	if (net >= 0 && same_namespace(net, "/proc/self/ns/net"))
		return NULL;
	if (net < 0 || setns(net, CLONE_NEWNET) < 0)
		return error_errno(errno, "the network namespace %s can't be joined",
				   path);
	return NULL;
}
