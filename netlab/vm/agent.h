/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's agent (guest/agent.c), as its client, on the event loop: newline-delimited JSON,
 * documented in docs/agent-protocol.md. The guest is not trusted.
 */
#ifndef NETLAB_VM_AGENT_H
#define NETLAB_VM_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "util/error.h"

struct agent;

#define AGENT_VERSION 1

/* Longest line in either direction, in bytes without its newline. */
#define AGENT_LINE_LIMIT 65536

struct agent_hello {
	uint64_t
		boot_ns; /* from the guest's power-on to the agent's start, guest's clock */
	const char *kernel; /* uname's release, fit for a terminal; borrowed */
	unsigned version;   /* of the protocol */
	char *const *
		modules_failed; /* "NAME: WHY" of each module that was not loaded at boot,
				      * fit for a terminal; borrowed; NULL: none */
};

/* Each of them may free the agent. */
struct agent_handlers {
	/* The agent is there; called again when it was restarted or answers agent_greet(). */
	void (*hello)(struct agent *agent, const struct agent_hello *hello,
		      void *userdata);
	/* The queue towards the guest is empty again: agent_exec_input() has room. May be
	 * NULL. */
	void (*drained)(struct agent *agent, void *userdata);
	/* The connection ended or the guest spoke nonsense too often; @error owned by the
	 * callee, NULL at an orderly end. Called once, behind the done() of all execs. */
	void (*closed)(struct agent *agent, struct error *error, void *userdata);
};

/**
 * agent_new() - wait for the agent's hello on @fd
 * @fd: a connected stream socket, owned from here on, on error too
 * @handlers: copied
 */
must_use struct error *agent_new(struct agent **agent, sd_event *event, int fd,
				 const struct agent_handlers *handlers, void *userdata);

/** agent_free() - close; done() is called with ECANCELED for what runs, closed() is not. */
void agent_free(struct agent *agent);
DEFINE_CLEANUP(struct agent *, agent_free);

/**
 * agent_abandon() - the guest is beyond help: hear and say nothing any more
 * @why: what done() of all that runs is told, with ENOTCONN. closed() is not called.
 */
void agent_abandon(struct agent *agent, const char *why);

/** agent_greet() - ask for another hello: of a guest that was restored from a saved state. */
must_use struct error *agent_greet(struct agent *agent);

/**
 * agent_hold() - stop (or go on) listening to the guest, for a reader of output() that can't
 * keep up; the guest's programs then wait in their write()
 */
void agent_hold(struct agent *agent, bool hold);

/* One command that runs in the guest. */
struct agent_exec;

/* Each of them may cancel the exec or free the agent. */
struct agent_exec_handlers {
	/* @stream is 1 or 2. */
	void (*output)(struct agent_exec *exec, int stream, const void *data, size_t size,
		       void *userdata);
	/* It ended: exit status 0..255, 128 + signal; or it never ran, or the agent is gone or
	 * was restarted: @error, owned by the callee. Called once; the exec is freed after it
	 * returns. */
	void (*done)(struct agent_exec *exec, int status, struct error *error,
		     void *userdata);
};

/**
 * agent_exec_start() - run @argv in the guest
 * Return: an error where the agent is not there yet or gone (ENOTCONN), @argv is too long for
 * a line (E2BIG) or not UTF-8 (EILSEQ), or the guest doesn't read (ENOBUFS). The exec belongs
 * to the agent until done() was called or agent_exec_cancel().
 */
must_use struct error *agent_exec_start(struct agent_exec **exec, struct agent *agent,
					char *const *argv,
					const struct agent_exec_handlers *handlers,
					void *userdata);

/**
 * agent_exec_input() - bytes for its standard input; @size 0 closes it
 * Return: ENOBUFS where the queue towards the guest has no room for all of it: nothing is
 * sent then, and drained() tells when to try again. An empty queue has room for
 * AGENT_INPUT_MAX bytes.
 */
must_use struct error *agent_exec_input(struct agent_exec *exec, const void *data,
					size_t size);

#define AGENT_INPUT_MAX 524288

/** agent_exec_cancel() - kill it (SIGKILL to its process group) and forget it; no done(). */
void agent_exec_cancel(struct agent_exec *exec);

/** agent_resize() - the size of the terminal that shows the guest's console. */
must_use struct error *agent_resize(struct agent *agent, unsigned rows, unsigned columns);

/** agent_poweroff() - ask the guest's init to power off cleanly. */
must_use struct error *agent_poweroff(struct agent *agent);

#endif
