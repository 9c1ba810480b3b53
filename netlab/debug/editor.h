/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Launch configurations for editors that drive a gdb of their own. They connect by a pipe to
 * `netlab gdb --stdio`, which finds the guest when it is started and claims it: no port is open.
 */
#ifndef NETLAB_DEBUG_EDITOR_H
#define NETLAB_DEBUG_EDITOR_H

#include "debug/debug.h"

/* Everything is borrowed. */
struct editor {
	const struct debug_options *debug; /* its @editor is set */
	const char *node;                  /* "LAB/GUEST" */
	const char *netlab;                /* path of the program */
};

/* The text of a configuration, which the caller frees; NULL where a path is not UTF-8. */
typedef char *(*editor_fn)(const struct editor *editor);

/**
 * editor_vscode() - .vscode/launch.json for its C/C++ extension (cppdbg) and for CDT's (gdbtarget)
 *
 * The first gives gdb the setupCommands, then the program, then "-target-select remote" with the
 * address as it stands here (MIEngine's DebuggedProcess.cs). The other, whose adapter Theia has,
 * too, gives it the program, the preConnectCommands, then the same (cdt-gdb-adapter 1.7,
 * GDBTargetDebugSession.js), and lets the guest go on.
 */
char *editor_vscode(const struct editor *editor);

/**
 * editor_eclipse() - GUEST.launch for CDT's "GDB Hardware Debugging"
 *
 * That loads the symbols, connects, then gives gdb the initCommands
 * (GDBJtagDSFFinalLaunchSequence.java, CDT 11).
 */
char *editor_eclipse(const struct editor *editor);

#endif
