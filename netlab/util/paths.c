// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/paths.h"

#include <pwd.h>
#include <unistd.h>

#include "config.h"
#include "util/string.h"

static const char *home(void)
{
	const char *value = getenv("HOME");
	struct passwd *user;

	if (value && *value == '/')
		return value;
	user = getpwuid(getuid());
	return user ? user->pw_dir : "/";
}

/* The XDG base directory rules: a value that is not absolute counts as unset. */
static char *xdg(const char *variable, const char *below_home, const char *below)
{
	const char *base = getenv(variable);

	if (base && *base == '/')
		return xasprintf("%s/netlab/%s", base, below);
	return xasprintf("%s/%s/netlab/%s", home(), below_home, below);
}

char *path_cache(const char *below)
{
	return xdg("XDG_CACHE_HOME", ".cache", below);
}

char *path_state(const char *below)
{
	return xdg("XDG_STATE_HOME", ".local/state", below);
}

char *path_runtime(const char *below)
{
	const char *base = getenv("XDG_RUNTIME_DIR"),
		   *ours = getenv("NETLAB_RUNTIME_DIR");

	if (ours && *ours == '/')
		return xasprintf("%s/%s", ours, below);
	if (geteuid() == 0)
		return xasprintf("/run/netlab/%s", below);
	if (base && *base == '/')
		return xasprintf("%s/netlab/%s", base, below);
	return xasprintf("/tmp/netlab-%u/%s", getuid(), below);
}

static bool runs_from_build_directory(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *below;

	if (n < 0)
		return false;
	self[n] = '\0';
	below = string_after(self, NETLAB_BUILD_DIR);
	return below && *below == '/';
}

char *path_data(const char *below)
{
	const char *in_source;

	if (!runs_from_build_directory())
		return xasprintf("%s/%s", NETLAB_DATA_DIR, below);
	in_source = string_after(below, "gdb/") ? NETLAB_SOURCE_DIR "/netlab"
						: NETLAB_SOURCE_DIR;
	return xasprintf("%s/%s", in_source, below);
}

char *path_guest_program(const char *name)
{
	if (runs_from_build_directory())
		return xasprintf("%s/guest/%s", NETLAB_BUILD_DIR, name);
	return xasprintf("%s/%s", NETLAB_GUEST_DIR, name);
}
