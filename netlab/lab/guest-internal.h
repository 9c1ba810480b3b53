/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One guest, as the files that make it up share it: private to lab/guest*.c. */
#ifndef NETLAB_LAB_GUEST_INTERNAL_H
#define NETLAB_LAB_GUEST_INTERNAL_H

#include "lab/guest.h"
#include "vm/qmp.h"
#include "vm/relay.h"

struct lab_guest {
	struct guest_options options;
	enum guest_state state;
	enum accel accel;
	bool halted;
	bool shut_down; /* QEMU keeps it, and nothing makes it run again */
	bool frozen;
	bool leaving;           /* it was asked to power off */
	bool disk_failed;       /* that was said */
	bool attaching;         /* a debugger came, and has not let it run yet */
	unsigned rows, columns; /* of the terminal at its console; 0: not known */
	struct error
		*failure; /* why it could not be started again; NULL: it was not tried */
	sd_event *event;
	pid_t pid;
	int exit_status; /* of waitpid(), once GUEST_GONE */
	char **argv;
	char *cmdline;
	char *gdb_path;        /* where debuggers connect */
	char *stub_path;       /* where QEMU listens to the relay */
	char *kernel_release;  /* as the agent says */
	uint64_t boot_ns;      /* as the agent says */
	char **modules_failed; /* as the agent says; NULL: none */
	char *panic;           /* the console's line; NULL: none */
	sd_event_source *child;
	sd_event_source *silence;
	struct console *console;
	struct qmp *qmp;
	struct dump *dump;
	struct agent *agent;
	struct relay *relay;
	struct lockstep_member *member;
	const struct guest_handlers *handlers;
	void *userdata;
};

/**
 * guest_join_lockstep() - it has begun: debuggers may come, and its lab stands still with it
 * @debuggers: listening socket for them; owned from here on, on error too
 */
must_use struct error *guest_join_lockstep(struct lab_guest *guest, int debuggers);

/** guest_leave_lockstep() - its debugger is hung up on, and it holds nobody any more. */
void guest_leave_lockstep(struct lab_guest *guest);

#endif
