/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who stops whom: while one guest of a lab stands still, all do, and time in the lab with them.
 *
 * Each guest is a member. One that is held (by its debugger, by the user, by QEMU itself)
 * halts the lab; when no member is held any more, the lab goes on. Stopping the others takes a
 * millisecond or so, in which they run on: how far each is ahead of the lab's clock (its lead)
 * is known from QEMU's own stamps of its STOP and RESUME events, and the one that is ahead is
 * let run that much later, so that leads don't add up.
 *
 * A debugger's single step is not a going on: the others wait, and what it took is a lead.
 *
 * Pure but for the handlers: events in, commands out. All times are ns of CLOCK_REALTIME, which
 * QMP stamps its events with.
 */
#ifndef NETLAB_LAB_LOCKSTEP_H
#define NETLAB_LAB_LOCKSTEP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

/* Why a member has to stand still; several at once are possible. */
enum lockstep_hold {
	LOCKSTEP_DEBUGGER = 1 << 0,
	LOCKSTEP_USER = 1 << 1,  /* netlab pause */
	LOCKSTEP_OTHER = 1 << 2, /* QEMU: a panic, a dump */
};

/* A debugger's step that has not ended by then lets the lab go on: the guest waits for something */
#define LOCKSTEP_STEP_NS (50ull * 1000000)

struct lockstep;
struct lockstep_member;

struct lockstep_handlers {
	/* Stop or run one guest, by commands whose effect is told by lockstep_stopped() and
	 * lockstep_started(); each stop() is answered once. They may call back at once. */
	void (*stop)(void *guest, void *userdata);
	void (*run)(void *guest, void *userdata);
	/* The lab stands still since @ns; it goes on since @ns. */
	void (*halted)(uint64_t ns, void *userdata);
	void (*resumed)(uint64_t ns, void *userdata);
	uint64_t (*now)(void *userdata);
};

/**
 * lockstep_new() - without members, running
 * @enabled: false: each guest stops and runs alone, and the lab never halts
 */
struct lockstep *lockstep_new(bool enabled, const struct lockstep_handlers *handlers,
			      void *userdata);

/**
 * lockstep_join() - a guest has begun
 * @guest: what the handlers are given
 * @name: borrowed, for lockstep_to_json()
 * @running: false: QEMU waits for a debugger before the first instruction (--freeze). It
 *           doesn't hold the lab until it has run.
 */
struct lockstep_member *lockstep_join(struct lockstep *lockstep, void *guest,
				      const char *name, bool running);

/** lockstep_leave() - a guest has ended; the member is freed. NULL is fine. */
void lockstep_leave(struct lockstep_member *member);

/** lockstep_stopped() - QEMU's event: the guest stands still since @ns. */
void lockstep_stopped(struct lockstep_member *member, uint64_t ns);

/** lockstep_started() - QEMU's event: the guest runs since @ns. */
void lockstep_started(struct lockstep_member *member, uint64_t ns);

/**
 * lockstep_answered() - QEMU has carried out a stop() of the handlers'
 *
 * Its STOP, where there was one, comes before that.
 */
void lockstep_answered(struct lockstep_member *member);

/** lockstep_hold() - from here on it must not run; it is stopped where it does. */
void lockstep_hold(struct lockstep_member *member, enum lockstep_hold why);

/**
 * lockstep_release() - that reason is gone
 *
 * Whoever releases a guest as its debugger lets it go on whatever QEMU stopped it for.
 */
void lockstep_release(struct lockstep_member *member, enum lockstep_hold why);

/** lockstep_detached() - as a release by the debugger, and QEMU runs the guest by itself. */
void lockstep_detached(struct lockstep_member *member);

/** lockstep_step() - run it for one instruction, at whose end it stops by itself. */
void lockstep_step(struct lockstep_member *member);

/** lockstep_is_halted() - does the lab stand still? */
bool lockstep_is_halted(const struct lockstep *lockstep);

/** lockstep_holder() - a guest that halts the lab, as of lockstep_join(); NULL where none does. */
void *lockstep_holder(const struct lockstep *lockstep);

/** lockstep_is_held() - must the guest stand still, for that reason? */
bool lockstep_is_held(const struct lockstep_member *member, enum lockstep_hold why);

/**
 * lockstep_keepers() - who keeps the guest from running, other than its own pause
 *
 * Return: "a (debugger), b (pause)", to be freed; NULL where no one does.
 */
char *lockstep_keepers(const struct lockstep_member *member);

/** lockstep_next() - when lockstep_wake() is due; 0: it isn't. */
uint64_t lockstep_next(const struct lockstep *lockstep);

/** lockstep_wake() - that time has come. */
void lockstep_wake(struct lockstep *lockstep);

/** lockstep_end() - let all run that aren't held themselves, and leave them alone. */
void lockstep_end(struct lockstep *lockstep);

/** lockstep_to_json() - `lockstep` of docs/control-protocol.md; a new reference. */
json_t *lockstep_to_json(const struct lockstep *lockstep);

/** lockstep_free() - with its members; NULL is fine. */
void lockstep_free(struct lockstep *lockstep);
DEFINE_CLEANUP(struct lockstep *, lockstep_free);

#endif
