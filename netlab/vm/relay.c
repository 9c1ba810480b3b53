// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm/relay.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/string.h"
#include "vm/rsp.h"

#define READ_AT_ONCE 16384u
#define QUEUE_LIMIT  (4u << 20) /* bytes that wait for a peer that doesn't read */

/*
 * A debugger that evaluates a breakpoint's condition believes of a guest that it runs: ^C comes
 * while the guest stands, and QEMU would drop it. It is for the continue that follows, at once.
 */
#define LATE_INTERRUPT_NS 1000000000ull

/*
 * NONE: no debugger. One that connects moves it to STOPPED.
 * STOPPED: it knows that the guest has stopped. Its continue or step moves it to WAITING, its
 *	detach to LEAVING.
 * WAITING: its packet lies here. relay_run() moves it to RUNNING, ^C and relay_refuse() back to
 *	STOPPED.
 * RUNNING: QEMU has the packet. A stop that is told moves it to STOPPED, a concealed one to
 *	CONCEALED.
 * CONCEALED: the guest has stopped, and the debugger believes that it runs. relay_run() moves
 *	it to RUNNING, ^C to STOPPED.
 * INTERRUPTING: it has died while the guest ran. The guest's stop moves it to CLEANING.
 * CLEANING: it has died; its breakpoints are being taken away, then LEAVING.
 * LEAVING: QEMU has the packet that ends it all. Its answer, or an end of either connection,
 *	moves it to NONE.
 */
enum debugger_state {
	DEBUGGER_NONE,
	DEBUGGER_STOPPED,
	DEBUGGER_WAITING,
	DEBUGGER_RUNNING,
	DEBUGGER_CONCEALED,
	DEBUGGER_INTERRUPTING,
	DEBUGGER_CLEANING,
	DEBUGGER_LEAVING,
};

/* One of the two connections. */
struct leg {
	struct relay *relay;
	int fd; /* -1: closed */
	sd_event_source *source;
	struct rsp in;
	struct buffer out;
	void (*handle)(struct relay *relay, const struct rsp_unit *unit);
	void (*ended)(struct relay *relay);
};

struct relay {
	enum debugger_state state;
	bool concealing;         /* a stop by SIGINT is not the debugger's */
	bool interrupting;       /* the debugger has sent ^C, and awaits a stop */
	uint64_t late_interrupt; /* when it sent one to a guest that stands; 0: none */
	bool asking;             /* the debugger has asked why the guest stands still */
	char *stub_path;
	char *packet;    /* that lets the guest run: while WAITING, RUNNING, CONCEALED */
	char *last_stop; /* the last stop reply of QEMU's; NULL: none yet */
	int listener;
	sd_event *event;
	sd_event_source *on_connection;
	struct leg debugger, stub;
	const struct relay_handlers *handlers;
	void *userdata;
};

/* --- the two connections ------------------------------------------------------------ */

static void leg_close(struct leg *leg)
{
	leg->source = sd_event_source_disable_unref(leg->source);
	close_fd(&leg->fd);
	rsp_deinit(&leg->in);
	leg->in = (struct rsp){0};
	buffer_clear(&leg->out);
}

static void hang_up(struct relay *relay)
{
	leg_close(&relay->debugger);
	leg_close(&relay->stub);
	relay->state = DEBUGGER_NONE;
	relay->concealing = relay->interrupting = relay->asking = false;
	relay->late_interrupt = 0;
	free(steal_ptr(relay->packet));
}

/* The write end follows what is to be written; a peer that has gone is seen when reading. */
static void leg_flush(struct leg *leg)
{
	while (leg->fd >= 0 && leg->out.size) {
		ssize_t n = send(leg->fd, leg->out.data, leg->out.size,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			buffer_clear(&leg->out);
		if (n < 0)
			break;
		buffer_consume(&leg->out, n);
	}
	if (leg->source)
		sd_event_source_set_io_events(
			leg->source, leg->out.size ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void send_bytes(struct leg *leg, const char *bytes)
{
	buffer_append(&leg->out, bytes, strlen(bytes));
	leg_flush(leg);
}

static void send_packet(struct leg *leg, const char *data, size_t size)
{
	if (leg->fd < 0)
		return;
	rsp_append(&leg->out, data, size);
	leg_flush(leg);
}

static void send_text(struct leg *leg, const char *text)
{
	send_packet(leg, text, strlen(text));
}

/*
 * QEMU's stub stops a running guest for any byte but the one acknowledgement that it awaits (7.2,
 * gdb_read_byte()). Behind a detach it may have said two things: none of them is acknowledged.
 */
static bool is_acknowledged(const struct leg *leg)
{
	const struct relay *relay = leg->relay;

	return leg != &relay->stub || relay->state != DEBUGGER_LEAVING;
}

/* Returns false when the connection has ended, or makes no sense. */
static bool leg_take(struct leg *leg)
{
	struct rsp_unit unit;

	while (leg->fd >= 0) {
		_cleanup_error_ struct error *error = rsp_next(&leg->in, &unit);

		if (error)
			log_warning("gdb: %s", error->message);
		if (error || leg->out.size > QUEUE_LIMIT)
			return false;
		if (unit.kind == RSP_NOTHING)
			return true;
		if (unit.kind == RSP_PACKET && is_acknowledged(leg))
			send_bytes(leg, "+");
		leg->handle(leg->relay, &unit);
	}
	return true;
}

static void leg_read(struct leg *leg)
{
	char data[READ_AT_ONCE];
	ssize_t n;

	while (leg->fd >= 0) {
		n = recv(leg->fd, data, sizeof(data), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0)
			rsp_feed(&leg->in, data, n);
		if (n > 0 && leg_take(leg))
			continue;
		if (leg->fd >= 0)
			leg->ended(leg->relay);
		return;
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct leg *leg = userdata;

	(void)source, (void)fd;
	if (events & EPOLLOUT)
		leg_flush(leg);
	if (events & ~EPOLLOUT)
		leg_read(leg);
	return 0;
}

static struct error *leg_open(struct leg *leg, int fd)
{
	int r;

	leg->fd = fd;
	r = sd_event_add_io(leg->relay->event, &leg->source, fd, EPOLLIN, on_io, leg);
	return r < 0 ? error_errno(-r, "gdb's connection") : NULL;
}

/* --- what the debugger says --------------------------------------------------------- */

/* Does it let the guest run? vCont may tell each thread another thing. */
static bool lets_run(const char *packet, bool *step)
{
	if (string_after(packet, "vCont;")) {
		*step = strstr(packet, ";s") || strstr(packet, ";S");
		return true;
	}
	*step = *packet == 's' || *packet == 'S';
	return *step || *packet == 'c' || *packet == 'C';
}

static bool is_detach(const char *packet)
{
	return streq(packet, "D") || string_after(packet, "D;");
}

/*
 * An editor's stop button kills what the editor has started, by its own account. QEMU would end,
 * and take the guest away from its lab: the debugger leaves instead, and the guest goes on.
 */
static bool is_kill(const char *packet)
{
	return streq(packet, "k") || string_after(packet, "vKill;");
}

static void tell_stop(struct relay *relay, const char *reply)
{
	relay->state = DEBUGGER_STOPPED;
	relay->interrupting = false;
	send_text(&relay->debugger, reply);
	relay->handlers->stopped(relay, relay->userdata);
}

/* The guest stands still already: its stop is told by ourselves. */
static void tell_standing(struct relay *relay, int signal)
{
	const char *where = relay->last_stop ? relay->last_stop + 3 : "";
	_cleanup_free_ char *reply = xasprintf("T%02x%s", signal, where);

	tell_stop(relay, reply);
}

static bool take_late_interrupt(struct relay *relay)
{
	uint64_t sent = relay->late_interrupt;

	relay->late_interrupt = 0;
	return sent && monotonic_now() - sent < LATE_INTERRUPT_NS;
}

static void on_interrupt(struct relay *relay)
{
	switch (relay->state) {
	case DEBUGGER_WAITING:
	case DEBUGGER_CONCEALED:
		tell_standing(relay, SIGINT);
		break;
	case DEBUGGER_RUNNING:
		relay->interrupting = true;
		send_bytes(&relay->stub, "\3");
		break;
	case DEBUGGER_STOPPED:
		relay->late_interrupt = monotonic_now();
		break;
	case DEBUGGER_NONE:
	case DEBUGGER_INTERRUPTING:
	case DEBUGGER_CLEANING:
	case DEBUGGER_LEAVING:
		break;
	}
}

/*
 * While one vCPU steps, gdb has the others run. Where one of them stops first, QEMU 7.2 forgets that
 * the first one steps (gdb_vm_state_change()): it traps later, also when no debugger is there any
 * more; and gdb may take that for its breakpoint before a one-byte instruction, which it then has
 * carried out once more. So a vCPU steps alone: what follows "vCont;s:p1.1" is left out.
 */
static char *step_alone(const char *packet)
{
	const char *others = strstr(packet, ";c");

	if (!others || !string_after(packet, "vCont;s"))
		return xstrdup(packet);
	return xstrndup(packet, others - packet);
}

static void on_resumption(struct relay *relay, const char *packet, bool step)
{
	if (!step && take_late_interrupt(relay)) {
		tell_standing(relay, SIGINT);
		return;
	}
	relay->state = DEBUGGER_WAITING;
	free(relay->packet);
	relay->packet = step ? step_alone(packet) : xstrdup(packet);
	relay->handlers->continued(relay, step, relay->userdata);
}

static void on_debugger(struct relay *relay, const struct rsp_unit *unit)
{
	bool step;

	if (unit->kind == RSP_INTERRUPT) {
		on_interrupt(relay);
	} else if (is_kill(unit->data)) {
		send_text(&relay->debugger, "OK"); /* it hangs up then */
	} else if (streq(unit->data, "QStartNoAckMode")) {
		send_text(&relay->debugger, ""); /* not supported: we count on them */
	} else if (relay->state == DEBUGGER_STOPPED && lets_run(unit->data, &step)) {
		on_resumption(relay, unit->data, step);
	} else {
		relay->asking |= streq(unit->data, "?");
		if (is_detach(unit->data)) {
			relay->state = DEBUGGER_LEAVING;
			relay->handlers->detached(relay, relay->userdata);
		}
		send_packet(&relay->stub, unit->data, unit->size);
	}
}

/*
 * Breakpoints outlive the debugger that set them (QEMU 7.2): '?' takes them away. It may have
 * agreed on process IDs, where D alone is refused: D;1 always is understood.
 */
static void clean_up(struct relay *relay)
{
	relay->state = DEBUGGER_CLEANING;
	send_text(&relay->stub, "?");
}

static void on_debugger_end(struct relay *relay)
{
	leg_close(&relay->debugger);
	switch (relay->state) {
	case DEBUGGER_RUNNING:
		relay->state = DEBUGGER_INTERRUPTING;
		send_bytes(&relay->stub, "\3");
		break;
	case DEBUGGER_STOPPED:
	case DEBUGGER_WAITING:
	case DEBUGGER_CONCEALED:
		clean_up(relay);
		break;
	case DEBUGGER_NONE:
	case DEBUGGER_INTERRUPTING:
	case DEBUGGER_CLEANING:
	case DEBUGGER_LEAVING:
		hang_up(relay);
		break;
	}
}

/* --- what QEMU's stub says ---------------------------------------------------------- */

static void on_stop_reply(struct relay *relay, const char *reply)
{
	free(relay->last_stop);
	relay->last_stop = xstrdup(reply);
	switch (relay->state) {
	case DEBUGGER_RUNNING:
		if (relay->concealing && !relay->interrupting &&
		    string_after(reply, "T02"))
			relay->state = DEBUGGER_CONCEALED;
		else
			tell_stop(relay, reply);
		break;
	case DEBUGGER_INTERRUPTING:
		clean_up(relay);
		break;
	case DEBUGGER_CLEANING:
		relay->state = DEBUGGER_LEAVING;
		relay->handlers->detached(relay, relay->userdata);
		send_text(&relay->stub, "D;1");
		break;
	case DEBUGGER_NONE:
	case DEBUGGER_STOPPED:
	case DEBUGGER_WAITING:
	case DEBUGGER_CONCEALED:
	case DEBUGGER_LEAVING:
		/* QEMU stops a guest for its new debugger, and tells of that unasked. */
		if (relay->asking)
			send_text(&relay->debugger, reply);
		relay->asking = false;
		break;
	}
}

static void on_stub(struct relay *relay, const struct rsp_unit *unit)
{
	if (unit->kind != RSP_PACKET)
		return;
	if (unit->data[0] == 'T' && unit->size > 3) {
		on_stop_reply(relay, unit->data);
		return;
	}
	send_packet(&relay->debugger, unit->data, unit->size);
	if (relay->state == DEBUGGER_LEAVING && relay->debugger.fd < 0)
		hang_up(relay);
}

/* QEMU has ended, or has hung up. */
static void on_stub_end(struct relay *relay)
{
	hang_up(relay);
}

/* --- one debugger at a time --------------------------------------------------------- */

static struct error *connect_stub(const char *path, int *fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (made < 0)
		return error_errno(errno, "socket");
	assert(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	if (connect(made, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(errno, "QEMU's gdb stub");
	*fd = steal_fd(made);
	return NULL;
}

static struct error *begin(struct relay *relay, int debugger)
{
	int stub = -1;

	try(leg_open(&relay->debugger, debugger));
	try(connect_stub(relay->stub_path, &stub));
	return leg_open(&relay->stub, stub);
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	_cleanup_close_ int debugger = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	_cleanup_error_ struct error *error = NULL;
	struct relay *relay = userdata;

	(void)source, (void)events;
	if (debugger < 0)
		return 0;
	leg_read(&relay->debugger); /* which may have hung up before this one came */
	if (relay->debugger.fd >= 0) {
		log_warning("gdb: a second debugger of one guest was hung up on");
		return 0;
	}
	hang_up(relay); /* what an earlier one left to be cleaned up has had its time */
	error = begin(relay, steal_fd(debugger));
	if (error) {
		log_warning("gdb: %s", error->message);
		hang_up(relay);
		return 0;
	}
	relay->state = DEBUGGER_STOPPED;
	relay->handlers->attached(relay, relay->userdata);
	return 0;
}

struct error *relay_new(struct relay **result, sd_event *event, int listener,
			const char *stub, const struct relay_handlers *handlers,
			void *userdata)
{
	_cleanup_(relay_freep) struct relay *relay = xcalloc(1, sizeof(*relay));
	int r;

	relay->listener = listener;
	relay->event = sd_event_ref(event);
	relay->stub_path = xstrdup(stub);
	relay->handlers = handlers;
	relay->userdata = userdata;
	relay->debugger = (struct leg){.relay = relay,
				       .fd = -1,
				       .handle = on_debugger,
				       .ended = on_debugger_end};
	relay->stub = (struct leg){
		.relay = relay, .fd = -1, .handle = on_stub, .ended = on_stub_end};
	r = sd_event_add_io(event, &relay->on_connection, listener, EPOLLIN,
			    on_connection, relay);
	if (r < 0)
		return error_errno(-r, "waiting for debuggers");
	*result = steal_ptr(relay);
	return NULL;
}

bool relay_is_attached(const struct relay *relay)
{
	return relay->state != DEBUGGER_NONE;
}

bool relay_run(struct relay *relay)
{
	relay->concealing = false;
	if (relay->state != DEBUGGER_WAITING && relay->state != DEBUGGER_CONCEALED)
		return false;
	relay->state = DEBUGGER_RUNNING;
	send_text(&relay->stub, relay->packet);
	return true;
}

void relay_refuse(struct relay *relay)
{
	if (relay->state == DEBUGGER_WAITING)
		tell_standing(relay, SIGQUIT);
}

void relay_tell(struct relay *relay, const char *line)
{
	_cleanup_free_ char *packet =
		xasprintf("O%*s%02x", (int)(2 * strlen(line)), "", '\n');

	if (relay->state != DEBUGGER_WAITING)
		return;
	for (size_t i = 0; line[i]; i++) {
		packet[1 + 2 * i] = "0123456789abcdef"[(unsigned char)line[i] >> 4];
		packet[2 + 2 * i] = "0123456789abcdef"[line[i] & 15];
	}
	send_text(&relay->debugger, packet);
}

void relay_conceal(struct relay *relay)
{
	relay->concealing = true;
}

void relay_read(struct relay *relay)
{
	leg_read(&relay->stub);
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	relay->on_connection = sd_event_source_disable_unref(relay->on_connection);
	hang_up(relay);
	buffer_deinit(&relay->debugger.out);
	buffer_deinit(&relay->stub.out);
	close_fd(&relay->listener);
	free(relay->stub_path);
	free(relay->last_stop);
	sd_event_unref(relay->event);
	free(relay);
}
