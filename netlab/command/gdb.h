/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `netlab gdb` for programs that are not gdb, and not started by netlab. */
#ifndef NETLAB_COMMAND_GDB_H
#define NETLAB_COMMAND_GDB_H

#include "debug/debug.h"

/**
 * gdb_export() - write an editor's launch configuration
 * @editor: "vscode" or "eclipse"
 * @node: "LAB/GUEST"
 * @output: the file, which must not be there; "-": standard output; NULL: where the editor looks
 */
must_use struct error *gdb_export(const char *editor, const struct debug_options *options,
				  const char *node, const char *output);

/** gdb_stdio() - be the other end of a debugger's pipe, until it hangs up. */
must_use struct error *gdb_stdio(const struct debug_options *options);

/**
 * gdb_port() - let debuggers connect to a port of 127.0.0.1, one after another, until SIGINT,
 * SIGTERM or SIGHUP
 * @port: as text; "": one that is free
 */
must_use struct error *gdb_port(const struct debug_options *options, const char *port);

#endif
