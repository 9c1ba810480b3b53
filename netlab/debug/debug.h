/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdb on a guest: the command line of a session, and sessions in batch that carry out a
 * topology's `debug:` steps. What runs inside gdb is netlab/gdb/.
 *
 * While gdb is attached and the guest stands at a breakpoint, QMP says STOP, and RESUME when
 * it goes on: lockstep sees a batch session like any other debugger.
 */
#ifndef NETLAB_DEBUG_DEBUG_H
#define NETLAB_DEBUG_DEBUG_H

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "image/overlay.h"
#include "topology/topology.h"
#include "util/error.h"

struct debug_session;

/* Everything is borrowed until the call returns. */
struct debug_options {
	const char *guest;            /* its name, for messages */
	const char *vmlinux;          /* ELF kernel with debug info */
	const char *kernel_directory; /* holds vmlinux-gdb.py; NULL: no lx- commands */
	const char *source; /* kernel tree, where it isn't where vmlinux says; or NULL */
	const json_t *modules;  /* folders with modules' files; NULL: none */
	const char *gdb_socket; /* QEMU's UNIX socket for gdb */
	bool editor;            /* it attaches by itself, and has its own prompt */
	const char *core;       /* of a guest, in place of the socket; NULL: none */
	const struct debug_step *steps; /* this guest's; none: an interactive session */
	size_t n_steps;
};

/**
 * debug_event_fn - something came to pass in the guest; @event is borrowed
 *
 * {"event": "armed", "hardware": BOOL, "locations": [N…]}: all breakpoints are set, the guest
 *   goes on. N: how many places step i's function has (inlined, or several of that name).
 * {"event": "hit", "step": I, "number": N, "function":, "file":, "line":, "task": {"comm":,
 *   "pid":} or null, "frames": [{"function":, "file":, "line":, "pc":, "inlined":}…],
 *   "text":, "end":}: step I (an index into options.steps) stopped the guest for the Nth
 *   time; innermost frame first; text is the backtrace for people, without newline at the
 *   end; end says why there are no more frames, and is "" at the stack's natural end.
 * {"event": "done"}: all steps are done, the guest runs, gdb has let go of it.
 *
 * The session must not be freed in it.
 */
typedef void (*debug_event_fn)(struct debug_session *session, const json_t *event,
			       void *userdata);

/**
 * debug_ended_fn - gdb is gone; called once, and not by debug_free()
 * @error: owned by the callee; NULL: all steps were done. The session may be freed in it.
 */
typedef void (*debug_ended_fn)(struct debug_session *session, struct error *error,
			       void *userdata);

struct debug_handlers {
	debug_event_fn event;
	debug_ended_fn ended;
};

/**
 * debug_start() - gdb in batch on a guest, for its steps
 *
 * It stops the guest, sets the breakpoints, reports "armed" and lets it go on: drive traffic
 * only then. It must say so within a minute. EBUSY: see debug_lock().
 */
must_use struct error *debug_start(struct debug_session **session, sd_event *loop,
				   const struct debug_options *options,
				   const struct debug_handlers *handlers, void *userdata);

/**
 * debug_free() - end the session; the guest goes on, without breakpoints. NULL is fine.
 *
 * Where gdb still runs it is asked to leave (SIGTERM), and killed where it hasn't after two
 * seconds, for which this waits.
 */
void debug_free(struct debug_session *session);
DEFINE_CLEANUP(struct debug_session *, debug_free);
#define _cleanup_debug_ _cleanup_(debug_freep)

/**
 * debug_check_steps() - do the functions exist that the steps of a topology name?
 * @guest: only that guest's steps; NULL: all
 * @image: the guest's, whose modules have functions, too; NULL: none
 * Return: an error for the first that doesn't, with the place in the topology and near names.
 */
must_use struct error *debug_check_steps(const struct topology *topology,
					 const char *guest, const char *vmlinux,
					 const struct guest_image *image);

/**
 * debug_lock() - claim a guest for a debugger
 * @lock: closing it gives the guest back, and so does the end of this process
 * Return: EBUSY where another debugger of netlab's has it; the text names its process.
 *
 * QEMU listens to one debugger and lets the next one wait without a word. A batch session
 * takes the lock itself. Whoever holds it may debug_release().
 */
must_use struct error *debug_lock(const char *gdb_socket, int *lock);

/**
 * debug_release() - let a guest run whose debugger died without detaching
 *
 * A breakpoint outlives the debugger that set it, and stops the guest for good. This attaches
 * as one would (GDB remote protocol), which takes all breakpoints away, and detaches. Only a
 * QEMU whose stub is spoken to directly needs it: a lab's relay (vm/relay.h) does the same.
 */
must_use struct error *debug_release(const char *gdb_socket);

/**
 * gdb_python_options() - what netlab.py finds as netlab_options: a Python expression, one line
 * Return: a new string, which the caller frees; NULL where a path is not UTF-8.
 */
char *gdb_python_options(const struct debug_options *options);

/**
 * gdb_argv() - the command line of gdb on a guest
 * @arguments: the user's, put at the end; NULL: none. They see an attached guest.
 * Return: argv, which the caller frees; NULL where a path is not UTF-8. With steps it needs
 * NETLAB_GDB_REPORT in its environment, as debug_start() sets it.
 */
char **gdb_argv(const struct debug_options *options, char *const *arguments);

#endif
