/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lockstep (lab/lockstep.h) of real guests, on the event loop. */
#ifndef NETLAB_LAB_HALTS_H
#define NETLAB_LAB_HALTS_H

#include <systemd/sd-event.h>

#include "lab/guest.h"
#include "lab/lockstep.h"
#include "util/error.h"

struct halts;

/* ns of CLOCK_REALTIME, as QEMU stamped its event: about a millisecond ago. */
struct halts_handlers {
	/* @by: the guest whose doing it is */
	void (*halted)(const struct lab_guest *by, uint64_t ns, void *userdata);
	void (*resumed)(uint64_t ns, void *userdata);
};

/** halts_new() - @enabled: see lockstep_new(); @handlers: borrowed. */
must_use struct error *halts_new(struct halts **halts, sd_event *event, bool enabled,
				 const struct halts_handlers *handlers, void *userdata);

/** halts_lockstep() - what guests join; borrowed. */
struct lockstep *halts_lockstep(const struct halts *halts);

/** halts_free() - its guests are gone before; NULL is fine. */
void halts_free(struct halts *halts);
DEFINE_CLEANUP(struct halts *, halts_free);

#endif
