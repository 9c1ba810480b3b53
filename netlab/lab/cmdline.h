/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel command line that tells a guest who it is. Pure. */
#ifndef NETLAB_LAB_CMDLINE_H
#define NETLAB_LAB_CMDLINE_H

#include "topology/topology.h"

/* x86's COMMAND_LINE_SIZE, with the NUL (arch/x86/include/asm/setup.h, Linux 6.1). */
#define CMDLINE_SIZE 2048

/**
 * cmdline_build() - console, name, root, cards ("netlab.nic=MAC,mtu=BYTES,ADDRESS/PREFIX,…" for
 * each, the MTU where it is set) and, behind " -- ", the command that init starts
 * @watched: by a supervisor, that is: the console's messages bring their levels, see
 *           lab/levels.h, and `on_panic` takes effect, see lab/panic.h
 * @line: a new string, which the caller frees
 * Return: an error when it does not fit into CMDLINE_SIZE.
 */
must_use struct error *cmdline_build(const struct guest *guest, bool watched,
				     char **line);

#endif
