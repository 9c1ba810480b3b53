/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's machine as data, and the QEMU command line that makes it. Pure. */
#ifndef NETLAB_VM_MACHINE_H
#define NETLAB_VM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

enum accel {
	ACCEL_TCG,
	ACCEL_KVM,
};

const char *accel_name(enum accel accel); /* "tcg", "kvm" */

/* What becomes of what the guest writes to its disk. */
enum disk_access {
	DISK_OVERLAY,  /* it is gone with QEMU: a layer in an unlinked file in $TMPDIR, or
			* else /var/tmp, with as many bytes as were written */
	DISK_WRITE,    /* it is in the image */
	DISK_READ_ONLY /* it can't write */
};

struct machine_nic {
	const char *model; /* a PCI card of QEMU */
	uint8_t mac[6];
	int tap; /* descriptor of the TAP, with IFF_VNET_HDR; -1: @link is opened */
	const char *link; /* name of the TAP */
};

/* Everything is borrowed. A descriptor of -1 leaves that device out; where @sockets is set,
 * QEMU makes sockets of its own in their place. */
struct machine {
	const char *name;   /* shown in process lists: "netlab:LAB/GUEST" */
	const char *kernel; /* what QEMU starts: a PVH ELF kernel, or a bzImage */
	const char *initrd;
	const char
		*append; /* the kernel's command line, but for what concerns its clock */
	const char *board; /* QEMU's machine: "q35", "pc" */
	const char *cpu;   /* as -cpu takes it */
	uint64_t memory;   /* bytes */
	unsigned cpus;
	enum accel accel;
	unsigned
		tsc_khz; /* tsc_frequency()'s; 0: the guest's kernel measures it itself */
	const char *shared; /* folder that the guest may read, as 9p; NULL: none */
	const char *disk;   /* image of its virtio disk; NULL: none */
	bool disk_is_qcow2; /* and not raw */
	enum disk_access disk_access;
	const struct machine_nic *nics;
	size_t n_nics;
	const char *sockets; /* what their paths begin with: SOCKETS.serial, .qmp, .agent,
			      * .gdb; without commas; NULL: descriptors */
	int serial;          /* connected stream socket: the first UART */
	int qmp;             /* connected stream socket */
	int agent; /* connected stream socket: virtio-serial port "org.netlab.agent" */
	int gdb;   /* listening stream socket */
	char *const *further; /* arguments behind all others; NULL: none */
	bool freeze;          /* start halted, before the first instruction */
};

#define MACHINE_SHARED_TAG "host" /* by which a guest mounts @shared */
#define MACHINE_AGENT_PORT "org.netlab.agent"

/** machine_argv() - the command line, argv[0] "qemu-system-x86_64"; the caller frees it. */
char **machine_argv(const struct machine *machine);

/** machine_descriptors() - the descriptors that the command line names; returns how many
 * (@fds has room for 4 + n_nics). */
size_t machine_descriptors(const struct machine *machine, int *fds);

#endif
