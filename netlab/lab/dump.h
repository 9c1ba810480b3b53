/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's memory and registers, written to a file by QEMU: an ELF core with the virtual
 * addresses of the guest's kernel (dump-guest-memory with paging, QEMU 7.2), which gdb opens with
 * the kernel's vmlinux. QEMU stops the guest for as long as it takes, and lets it go on then
 * where it ran before.
 */
#ifndef NETLAB_LAB_DUMP_H
#define NETLAB_LAB_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "vm/qmp.h"

struct dump;

struct dump_handlers {
	/* How far it has come, in bytes; now and then. */
	void (*progress)(uint64_t done, uint64_t total, void *userdata);
	/* It is over; @error is owned by the callee, NULL: the file is whole. Called once. */
	void (*done)(struct error *error, void *userdata);
};

/** dump_new() - a guest's dumps, one at a time; none is under way */
struct dump *dump_new(sd_event *event);

/**
 * dump_start() - have QEMU write one
 * @path: absolute. The file is there, or is replaced, when it is whole. What a guest has in its
 *        memory is for no one else's eyes: its mode is 0600.
 * @handlers: borrowed until it is over or cancelled
 * Return: EBUSY where one is being written.
 */
must_use struct error *dump_start(struct dump *dump, struct qmp *qmp, const char *path,
				  const struct dump_handlers *handlers, void *userdata);

/** dump_is_active() - is one begun, and not over? */
bool dump_is_active(const struct dump *dump);

/** dump_completed() - QMP's DUMP_COMPLETED came, with @data */
void dump_completed(struct dump *dump, const json_t *data);

/** dump_resumed() - QMP's RESUME came */
void dump_resumed(struct dump *dump);

/** dump_lost() - QMP's connection has ended; in every state */
void dump_lost(struct dump *dump);

/**
 * dump_cancel() - no one wants what is being written: it is removed, done() is not called. QEMU can't be stopped in it: the guest stands until it is through. Again is fine.
 */
void dump_cancel(struct dump *dump);

/** dump_free() - behind dump_lost(); NULL is fine. */
void dump_free(struct dump *dump);

#endif
