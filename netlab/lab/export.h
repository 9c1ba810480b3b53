/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lab in the words of others: a shell script, a libvirt domain. Pure. */
#ifndef NETLAB_LAB_EXPORT_H
#define NETLAB_LAB_EXPORT_H

#include "image/kernel.h"
#include "image/overlay.h"
#include "topology/topology.h"
#include "vm/machine.h"

/* Everything is borrowed. */
struct export
{
	const struct topology *topology;
	struct kernel *const *kernels;    /* one for each guest */
	const struct guest_image *images; /* one for each, too */
	const char *lab;                  /* its name */
	enum accel accel;
};

/**
 * machine_of() - the part of a machine that follows from the topology
 * @machine: what it borrows from the others is theirs; nics, sockets and descriptors are the
 *           caller's to add
 */
void machine_of(const struct guest *guest, const struct kernel *kernel,
		const struct guest_image *image, struct machine *machine);

/**
 * export_links() - a shell script that makes the lab's links with iproute2, TAPs of a user's own
 * Return: the text, which the caller frees.
 */
char *export_links(const struct export *export);

/**
 * export_script() - a shell script that makes the links, runs the guests, and takes away what it
 * made when it ends
 * Return: an error where a guest's kernel command line is too long.
 */
must_use struct error *export_script(const struct export *export, char **text);

/**
 * export_domain() - a domain for libvirt, whose cards are on TAPs that have to be there
 * @gdb: path of the socket that QEMU's gdb server is to make; no comma in it
 * Return: an error where a guest's kernel command line is too long.
 */
must_use struct error *export_domain(const struct export *export, size_t guest,
				     const char *gdb, char **xml);

#endif
