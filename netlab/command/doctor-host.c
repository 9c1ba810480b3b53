// SPDX-License-Identifier: GPL-2.0-or-later
/* What the machine and its kernel allow. */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "command/doctor.h"
#include "command/probe.h"
#include "link/link.h"
#include "util/file.h"
#include "util/namespace.h"
#include "util/paths.h"
#include "util/string.h"
#include "vm/kvm.h"

#define MIB ((uint64_t)1 << 20)

static bool is_root(void)
{
	return geteuid() == 0;
}

struct finding look_at_network_namespaces(void)
{
	struct error *error = probe_call(namespace_enter_new);
	struct utsname system;

	if (error)
		return finding_of_error(VERDICT_FAIL, error, NULL);
	uname(&system);
	return finding(VERDICT_OK, NULL, "one was made, under Linux %s", system.release);
}

/* What namespace_enter_new() does for those who aren't root. */
static struct error *enter_as_ordinary_user(void)
{
	struct passwd *nobody = getpwnam("nobody");
	uid_t uid = nobody ? nobody->pw_uid : 65534;
	gid_t gid = nobody ? nobody->pw_gid : 65534;

	if (is_root()) {
		if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
		    setresuid(uid, uid, uid) < 0)
			return error_hint(
				error_errno(errno, "user %u can't be tried", uid),
				"this is the root of a container that has no "
				"other users");
		/* Without it /proc/self would belong to root. */
		prctl(PR_SET_DUMPABLE, 1);
	}
	return namespace_enter_new();
}

struct finding look_at_user_namespaces(void)
{
	struct error *error = probe_call(enter_as_ordinary_user);

	if (!error)
		return finding(VERDICT_OK, NULL, "ordinary users can make them");
	return finding_of_error(is_root() ? VERDICT_WARN : VERDICT_FAIL, error, NULL);
}

struct finding look_at_tun(void)
{
	struct error *error = tap_check_device();
	struct stat st;

	if (error)
		return finding_of_error(VERDICT_FAIL, error, NULL);
	if (is_root() && stat("/dev/net/tun", &st) == 0 && (st.st_mode & 0006) != 0006)
		return finding(VERDICT_OK, NULL,
			       "usable by root; mode %04o keeps ordinary users out",
			       st.st_mode & 07777);
	return finding(VERDICT_OK, NULL, "usable");
}

/* A lab in small: a bridge, and a TAP on it. */
static struct error *build_links(void)
{
	struct planned_link planned[] = {
		{.kind = LINK_BRIDGE, .name = "br0"},
		{.kind = LINK_TAP, .name = "tap0", .master = "br0"},
	};
	struct planned_node node = {.name = "host"};
	struct plan plan = {.file = "doctor",
			    .nodes = &node,
			    .n_nodes = 1,
			    .links = planned,
			    .n_links = ARRAY_SIZE(planned)};
	_cleanup_links_ struct links *links = NULL;

	try(namespace_enter_new());
	try(links_open(&links));
	return links_build(links, &plan);
}

struct finding look_at_links(void)
{
	struct error *error = probe_call(build_links);

	if (error)
		return finding_of_error(VERDICT_FAIL, error, NULL);
	return finding(VERDICT_OK, NULL, "a bridge with a TAP was made");
}

struct finding look_at_kvm(void)
{
	struct error *error = kvm_check();

	if (!error)
		return finding(VERDICT_OK, NULL, "usable");
	error = error_prefix(error, "guests run under TCG, more slowly");
	return finding_of_error(VERDICT_WARN, error, "nothing needs to be done");
}

/* The folder, or the one above it that exists; a new string. */
static char *existing_folder(const char *folder)
{
	char *path = xstrdup(folder);

	while (!file_exists(path)) {
		char *slash = strrchr(path, '/');

		if (!slash || streq(path, "/"))
			break;
		slash[slash == path] = '\0';
	}
	return path;
}

static struct finding look_at_space(const char *folder, uint64_t warn_below,
				    uint64_t fail_below, const char *hint)
{
	_cleanup_free_ char *path = existing_folder(folder);
	enum verdict verdict = VERDICT_OK;
	struct statvfs fs;
	uint64_t free_bytes;

	if (statvfs(path, &fs) < 0 || access(path, W_OK | X_OK) < 0)
		return finding(VERDICT_FAIL, "make it one that you may write to",
			       "%s can't be used: %s: %s", folder, path, strerror(errno));
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes < warn_below)
		verdict = VERDICT_WARN;
	if (free_bytes < fail_below)
		verdict = VERDICT_FAIL;
	return finding(verdict, verdict == VERDICT_OK ? NULL : hint,
		       "%" PRIu64 " MiB free for %s", free_bytes / MIB, folder);
}

/* Unpacked source 1.5 GB, build 0.8 GB, result 0.15 GB; a guest's saved state 24 MB. */
struct finding look_at_cache_space(void)
{
	_cleanup_free_ char *folder = path_cache("");

	return look_at_space(folder, 3072 * MIB, 64 * MIB,
			     "a kernel build takes 2.5 GB: free some, or set "
			     "XDG_CACHE_HOME to a folder that has it");
}

struct finding look_at_runtime_space(void)
{
	_cleanup_free_ char *folder = path_runtime("");

	return look_at_space(folder, 64 * MIB, MIB,
			     "consoles, logs and captures of running labs lie there: "
			     "free some");
}

/* Bytes that the kernel could give out without swapping; 0 where it doesn't say. */
static uint64_t available_memory(void)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *error =
		file_read("/proc/meminfo", 65536, &text, NULL);
	const char *line = error ? NULL : strstr(text, "\nMemAvailable:");

	return line ? strtoull(line + strlen("\nMemAvailable:"), NULL, 10) * 1024 : 0;
}

struct finding look_at_memory(void)
{
	const char *hint = "end other programs, or give guests little memory "
			   "(memory: 128M in the topology)";
	uint64_t bytes = available_memory();

	if (!bytes)
		return finding(VERDICT_WARN, "see to it that /proc is mounted",
			       "/proc/meminfo doesn't say how much is available");
	if (bytes < 192 * MIB)
		return finding(VERDICT_FAIL, hint, "%" PRIu64 " MiB available",
			       bytes / MIB);
	if (bytes < 768 * MIB)
		return finding(VERDICT_WARN, hint, "%" PRIu64 " MiB available",
			       bytes / MIB);
	return finding(VERDICT_OK, NULL, "%" PRIu64 " MiB available", bytes / MIB);
}
