/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One guest of a running lab: QEMU's process, QMP, the agent, the console. */
#ifndef NETLAB_LAB_GUEST_H
#define NETLAB_LAB_GUEST_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "image/kernel.h"
#include "image/overlay.h"
#include "lab/console.h"
#include "lab/dump.h"
#include "lab/lockstep.h"
#include "link/link.h"
#include "topology/topology.h"
#include "vm/agent.h"
#include "vm/machine.h"

/*
 * GUEST_OFF: no process yet. guest_start() moves it to BOOTING.
 * GUEST_BOOTING: QEMU runs, the agent was not heard. The agent's hello moves it to UP, the
 *	console's "Kernel panic" to PANICKED, QEMU's end to GONE. With KVM, a QEMU that ends
 *	before the guest said a word, or a guest that stays silent for GUEST_KVM_SILENCE_NS,
 *	is started again with TCG, and stays BOOTING.
 * GUEST_UP: the agent answers. A panic moves it to PANICKED, QEMU's end to GONE.
 * GUEST_PANICKED: the guest's kernel stands still, QEMU runs: gdb can look. QEMU's end moves
 *	it to GONE. Nothing leads back.
 * GUEST_GONE: QEMU has ended; forever.
 *
 * Whether QEMU holds the guest (gdb, --freeze, lockstep) is apart from this: see @halted.
 */
enum guest_state {
	GUEST_OFF,
	GUEST_BOOTING,
	GUEST_UP,
	GUEST_PANICKED,
	GUEST_GONE,
};

#define GUEST_KVM_SILENCE_NS (5ull * 1000000000)

const char *guest_state_name(enum guest_state state); /* "booting", "up", … */

struct lab_guest;

/* What one guest is started with; everything is borrowed and outlives the guest. */
struct guest_options {
	const struct guest *spec;
	const struct kernel *kernel;
	const struct guest_image *image;
	const char *lab;           /* the lab's name */
	const char *rundir;        /* the lab's runtime folder, for the gdb socket */
	const char *console_log;   /* path */
	const struct links *links; /* where its TAPs are */
	struct lockstep *lockstep; /* whose member it becomes */
	enum accel accel;
	bool accel_may_fall_back; /* KVM was chosen by "auto" */
	bool freeze;
};

struct guest_handlers {
	/* The state changed, or the guest was halted or resumed. */
	void (*changed)(struct lab_guest *guest, void *userdata);
	/* The guest has read all input of its commands: there is room for more. */
	void (*drained)(struct lab_guest *guest, void *userdata);
	/* Its console has a line more. */
	void (*line)(struct lab_guest *guest, const struct console_line *line,
		     void *userdata);
	/* KVM failed, and it boots once more, with TCG. */
	void (*restarted)(struct lab_guest *guest, void *userdata);
	/* Its kernel has panicked, has said all, and is kept for a debugger. */
	void (*panicked)(struct lab_guest *guest, void *userdata);
};

/** guest_start() - start QEMU; the rest is told by @handlers. */
must_use struct error *guest_start(struct lab_guest **guest, sd_event *event,
				   const struct guest_options *options,
				   const struct guest_handlers *handlers, void *userdata);

enum guest_state guest_get_state(const struct lab_guest *guest);
const char *guest_name(const struct lab_guest *guest);
bool guest_is_halted(const struct lab_guest *guest);
bool guest_is_frozen(
	const struct lab_guest *guest); /* by --freeze, and not yet released */
bool guest_is_kept(
	const struct lab_guest *guest); /* it panicked, and is there to be looked at */

/** guest_stands_for_good() - it is kept, and halted by now: nothing makes it run again, whatever
 * its debugger says. */
bool guest_stands_for_good(const struct lab_guest *guest);

struct agent *guest_agent(struct lab_guest *guest); /* NULL where it can't be asked */
must_use struct error *guest_attach_console(struct lab_guest *guest, int fd);

/**
 * guest_resize_console() - how large the terminal is that shows it
 *
 * The guest's agent is told, now and whenever it is started anew; of a guest without one nothing
 * comes of it.
 */
void guest_resize_console(struct lab_guest *guest, unsigned rows, unsigned columns);

/** guest_stop(), guest_run() - as lockstep wants it; no debugger sees this. */
void guest_stop(struct lab_guest *guest);
void guest_run(struct lab_guest *guest);

/**
 * guest_pause() - hold it, and with it its lab, until guest_resume()
 *
 * A debugger may come meanwhile, and let it go: it runs when both do. Of one that has no QEMU
 * any more nothing comes.
 */
void guest_pause(struct lab_guest *guest);
void guest_resume(struct lab_guest *guest);
bool guest_is_paused(const struct lab_guest *guest);

/**
 * guest_halt_cause() - why it stands still, for people; borrowed
 *
 * "" where its debugger has stopped it, which knows more.
 */
const char *guest_halt_cause(const struct lab_guest *guest);

/** guest_obituary() - why it is not up: its state and the console's last lines. */
must_use struct error *guest_obituary(const struct lab_guest *guest);

/** guest_check_modules() - EREMOTEIO, with the kernel's words, where it said hello and modules
 * that it was to load at its boot are not loaded. */
must_use struct error *guest_check_modules(const struct lab_guest *guest);

/**
 * guest_set_spec() - the same guest in another topology, borrowed in place of the one before
 *
 * It is told where a card of it is up that was down, or the other way round.
 */
void guest_set_spec(struct lab_guest *guest, const struct guest *spec);

/**
 * guest_dump() - have its memory and registers written to a file; see lab/dump.h
 * @dump: set before a handler is called; for dump_cancel()
 * Return: an error where QEMU has ended, or writes one already.
 */
must_use struct error *guest_dump(struct lab_guest *guest, const char *path,
				  const struct dump_handlers *handlers, void *userdata,
				  struct dump **dump);

/** guest_to_json() - what `netlab status --json` shows of it; a new reference. */
json_t *guest_to_json(const struct lab_guest *guest);

/** guest_poweroff() - ask it to go; where it can't be asked it has to be killed. */
void guest_poweroff(struct lab_guest *guest);

/** guest_is_leaving() - was it asked to go, and can be expected to? */
bool guest_is_leaving(const struct lab_guest *guest);

/** guest_free() - kill QEMU, if it still runs, and reap it; NULL is fine. */
void guest_free(struct lab_guest *guest);
DEFINE_CLEANUP(struct lab_guest *, guest_free);

#endif
