/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a debugger and QEMU's gdb stub: each packet goes through here.
 *
 * It is what lets a lab stop a guest that someone debugs without his debugger seeing a stop,
 * and what keeps a guest that his debugger continues from running alone into a network that
 * stands still: the packet that lets the guest run waits here until the lab goes on. What the
 * debugger sees is a guest that runs, in which no time passes. Because this is done to the
 * protocol (gdb 13's manual, appendix E; QEMU 7.2's gdbstub.c), it holds for every debugger
 * and editor.
 */
#ifndef NETLAB_VM_RELAY_H
#define NETLAB_VM_RELAY_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "util/error.h"

struct relay;

/* None of them may free the relay. */
struct relay_handlers {
	/* A debugger came: QEMU stops the guest for it, if it runs. */
	void (*attached)(struct relay *relay, void *userdata);
	/* It lets the guest run, or (@step) carry out one instruction: relay_run() when
	 * that may be, relay_refuse() where it never will. */
	void (*continued)(struct relay *relay, bool step, void *userdata);
	/* It was told that the guest has stopped: a breakpoint, the end of a step, ^C. */
	void (*stopped)(struct relay *relay, void *userdata);
	/* It lets go of the guest, or died: QEMU lets the guest run, without our doing. */
	void (*detached)(struct relay *relay, void *userdata);
};

/**
 * relay_new() - wait for debuggers
 * @listener: listening stream socket where they connect, one at a time; owned from here on, on
 *            error too. One that comes while another is there is hung up on.
 * @stub: path of the socket at which QEMU's stub listens; copied
 */
must_use struct error *relay_new(struct relay **relay, sd_event *event, int listener,
				 const char *stub, const struct relay_handlers *handlers,
				 void *userdata);

/** relay_is_attached() - is a debugger there? */
bool relay_is_attached(const struct relay *relay);

/**
 * relay_run() - let QEMU have the packet by which the debugger lets the guest run
 *
 * That is the one that was told by continued(), or the last one once more where the guest was
 * stopped behind the debugger's back.
 * Return: false where there is none: the guest's running is no debugger's affair.
 */
bool relay_run(struct relay *relay);

/**
 * relay_refuse() - answer that packet ourselves: the guest stands, and nothing makes it run
 *
 * The debugger is told what QEMU says of a machine that has shut down: SIGQUIT (7.2, gdbstub.c).
 */
void relay_refuse(struct relay *relay);

/**
 * relay_tell() - a line for the user of a debugger whose packet waits here
 *
 * As console output of its target (O packets: gdb 13's manual, appendix E.3), which may come while
 * the guest runs, as far as the debugger knows.
 */
void relay_tell(struct relay *relay, const char *line);

/**
 * relay_conceal() - from here on a stop by QMP is ours, and the debugger is not told of it
 *
 * It is told where it asked for a stop (^C) itself, or a breakpoint came first. relay_run() ends
 * it.
 */
void relay_conceal(struct relay *relay);

/**
 * relay_read() - take in what QEMU's stub has said by now
 *
 * QEMU tells its stub's debugger of a stop before it answers the QMP command that came behind
 * it: after this, stopped() has been called where that stop was the debugger's.
 */
void relay_read(struct relay *relay);

/** relay_free() - hang up; NULL is fine. */
void relay_free(struct relay *relay);
DEFINE_CLEANUP(struct relay *, relay_free);

#endif
