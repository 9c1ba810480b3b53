/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's parts: docs/agent-protocol.md says what it speaks. */
#ifndef GUEST_AGENT_H
#define GUEST_AGENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PORT_NAME    "org.netlab.agent"
#define PORT_UART    "ttyS1" /* where the kernel has no virtio */
#define LINE_LIMIT   65536   /* bytes of a line from the host, without its newline */
#define OUT_LIMIT    262144  /* bytes that wait for the host before we read no more */
#define INPUT_LIMIT  1048576 /* bytes that wait for a command to read them */
#define EXECS_MAX    32
#define ARGV_MAX     256
#define OUTPUT_CHUNK 16384 /* bytes of a command's output in one event */

/* A growing run of bytes; zero-initialised it is empty. */
struct bytes {
	char *data;
	size_t size, capacity;
};

void bytes_append(struct bytes *bytes, const void *data, size_t size);
void bytes_consume(struct bytes *bytes, size_t size);
void bytes_free(struct bytes *bytes);

/*
 * The connection to the host. A virtio port whose host end is closed reports POLLHUP for as
 * long as it is: polled like a pipe it would never let us sleep. So it is watched for changes,
 * by an epoll instance of its own, edge-triggered, which is itself polled.
 */
struct port {
	int fd;
	int changes; /* the epoll instance */
	bool readable, writable;
	bool connected; /* the host's end is open */
	struct bytes in, out;
	size_t begun;  /* bytes of @out that end a line whose beginning was sent */
	bool skipping; /* within a line that was too long */
};

/** port_open() - find the port, waiting for it to appear; @path: this one, NULL: ours.
 * Returns false with errno. */
bool port_open(struct port *port, const char *path);

/** port_update() - look what changed; returns false when the port is gone for good. */
bool port_update(struct port *port);

/** port_receive() - read what there is, as far as there is room in port->in. */
bool port_receive(struct port *port);

/** port_flush() - write what the host takes. */
bool port_flush(struct port *port);

/** port_forget() - the host is gone: drop what it said, read or not, and what it was not sent. */
void port_forget(struct port *port);

/** port_drop_output() - drop what was not sent, but for the rest of a line that was begun. */
void port_drop_output(struct port *port);

/** port_has_room() - may more be said now? */
bool port_has_room(const struct port *port);

/** port_say() - queue @event, whose reference it takes, as one line. */
void port_say(struct port *port, json_t *event);

/** port_say_error() - queue an error event; @id 0: about no command. */
void port_say_error(struct port *port, json_int_t id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A command that runs. */
struct exec {
	bool used;
	json_int_t id;
	pid_t pid;            /* leads its session and process group */
	int input;            /* its standard input, our end; -1: closed */
	int output[2];        /* its standard output and error, our ends; -1: ended */
	struct bytes pending; /* for its input */
	bool input_ends;      /* close its input once that is written */
};

extern struct exec execs[EXECS_MAX];

/** exec_find() - the command of that id, or NULL. */
struct exec *exec_find(json_int_t id);

/** exec_start() - run @argv; says an error event where it can't. */
void exec_start(struct port *port, json_int_t id, char *const *argv);

/** exec_input() - more for its standard input; @data NULL: that was all. */
void exec_input(struct port *port, struct exec *exec, const void *data, size_t size);

/** exec_write() - write what its input takes now. */
void exec_write(struct exec *exec);

/** exec_read() - one chunk of @stream (1 or 2) to the host. */
void exec_read(struct port *port, struct exec *exec, int stream);

/** exec_ended() - process @pid ended with @status (waitpid(2)): say the rest of its output,
 * and how it ended. */
void exec_ended(struct port *port, pid_t pid, int status);

/** exec_kill() - SIGKILL to its process group. */
void exec_kill(const struct exec *exec);

/** exec_kill_all() - kill and forget every command: whoever asked for them is gone. */
void exec_kill_all(void);

#endif
