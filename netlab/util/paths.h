/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things lie. Every function returns a new absolute path, which the caller frees. */
#ifndef NETLAB_UTIL_PATHS_H
#define NETLAB_UTIL_PATHS_H

/** path_cache() - "$XDG_CACHE_HOME/netlab" or "~/.cache/netlab", with "/@below". */
char *path_cache(const char *below);

/**
 * path_runtime() - "$NETLAB_RUNTIME_DIR", else "/run/netlab" for root, else
 * "$XDG_RUNTIME_DIR/netlab", else "/tmp/netlab-UID", with "/@below". Call it outside of a user
 * namespace of netlab's own.
 */
char *path_runtime(const char *below);

/** path_state() - "$XDG_STATE_HOME/netlab" or "~/.local/state/netlab", with "/@below". */
char *path_state(const char *below);

/**
 * path_data() - a file that comes with netlab: "guest/kernel/debug.config", "gdb/netlab.py"
 *
 * A netlab that runs from its build directory uses the source tree's files, one that is
 * installed those under its prefix.
 */
char *path_data(const char *below);

/** path_guest_program() - a program that runs inside the guest: "init", "agent", … */
char *path_guest_program(const char *name);

#endif
