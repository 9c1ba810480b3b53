// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "command/command.h"
#include "command/node.h"
#include "lab/rundir.h"
#include "topology/drive.h"
#include "util/namespace.h"
#include "util/string.h"

#define SNAPLEN_MAX 262144

struct session {
	const char *write, *filter, *snaplen, *clock;
	const char *lab;
	char **names; /* of the links; NULL: all of the lab's */
	char *path;   /* of the file; NULL: standard output */
	json_t *status;
	const json_t **chosen; /* of the status's links, borrowed */
	char **labels;         /* what they are called */
	struct capture_link *links;
	size_t n_links;
	struct capture_options options;
	struct capture *capture; /* NULL: it has not begun */
	json_t *early;           /* what was told of halts before it began */
	bool failed;
	struct error *failure;
};

static void session_deinit(struct session *session)
{
	json_decref(session->status);
	json_decref(session->early);
	free(session->chosen);
	strv_free(session->labels);
	for (size_t i = 0; session->links && i < session->n_links; i++)
		close_fd(&session->links[i].namespace);
	free(session->links);
	free(session->path);
	error_free(session->failure);
}

static bool is_on_host_side(const json_t *link)
{
	return streq(status_text(link, "node"), NODE_HOST);
}

/* What a link is called on the command line and in the file: "br0", "h1/eth0". */
static char *label_of(const json_t *link)
{
	if (is_on_host_side(link))
		return xstrdup(status_text(link, "name"));
	return xasprintf("%s/%s", status_text(link, "node"), status_text(link, "name"));
}

static struct error *add_link(struct session *session, const char *name)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_free_ char *joined = NULL;
	json_t *link;
	size_t i;

	json_array_foreach (json_object_get(session->status, "links"), i, link) {
		strv_push(&names, label_of(link));
		if (!streq(names[i], name))
			continue;
		strv_push(&session->labels, xstrdup(name));
		grow(session->chosen, session->n_links);
		session->chosen[session->n_links++] = link;
		return NULL;
	}
	joined = strv_join(names, ", ");
	return error_new(ENODEV, "no link '%s' in lab '%s'; it has: %s", name,
			 status_text(session->status, "lab"), joined);
}

static struct error *choose_links(struct session *session)
{
	json_t *link;
	size_t i;

	if (session->names) {
		strv_foreach (name, session->names)
			try(add_link(session, *name));
		return NULL;
	}
	json_array_foreach (json_object_get(session->status, "links"), i, link)
		if (is_on_host_side(link))
			try(add_link(session, status_text(link, "name")));
	return NULL;
}

static struct error *read_options(struct session *session)
{
	uint64_t snaplen = 0;

	if (session->snaplen)
		try(error_prefix(count_parse(session->snaplen, 1, SNAPLEN_MAX, &snaplen),
				 "--snaplen"));
	if (session->clock &&
	    !capture_clock_parse(session->clock, &session->options.clock))
		return error_new(EINVAL, "--clock: '%s' is neither lab nor wall",
				 session->clock);
	session->options.snaplen = snaplen;
	session->options.filter = session->filter;
	return NULL;
}

/* In the lab's user namespace, where its hosts can be entered. */
static struct error *find_links(struct session *session)
{
	session->links = xcalloc(session->n_links, sizeof(*session->links));
	for (size_t i = 0; i < session->n_links; i++)
		session->links[i] = (struct capture_link){
			.name = status_text(session->chosen[i], "name"),
			.label = session->labels[i],
			.description = status_text(session->chosen[i], "description"),
			.namespace = -1,
		};
	for (size_t i = 0; i < session->n_links; i++)
		try(status_open_node(session->status,
				     status_text(session->chosen[i], "node"),
				     &session->links[i].namespace));
	session->options.links = session->links;
	session->options.n_links = session->n_links;
	return NULL;
}

/* Opened before the lab's namespaces are joined: with the user's own rights. */
static struct error *open_output(struct session *session, int *fd)
{
	_cleanup_free_ char *path = session->write ? xstrdup(session->write)
						   : xasprintf("%s.pcapng", session->lab);

	if (streq(path, "-")) {
		*fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return *fd < 0 ? error_errno(errno, "standard output") : NULL;
	}
	*fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (*fd < 0)
		return error_errno(errno, "%s", path);
	session->path = steal_ptr(path);
	return NULL;
}

static void on_failed(struct capture *capture, struct error *error, void *userdata)
{
	struct session *session = userdata;

	(void)capture;
	session->failed = true;
	session->failure = error;
}

static void print_statistics(const struct session *session, struct capture *capture)
{
	for (size_t i = 0; i < session->n_links; i++) {
		struct capture_statistics s;

		if (capture_get_statistics(capture, i, &s))
			fprintf(stderr, "netlab: %s: %llu frames written, %llu dropped\n",
				session->labels[i], (unsigned long long)s.written,
				(unsigned long long)s.dropped);
	}
}

/* Ctrl-C and the lab's end (its links go first) are how a capture ends; a reader that went
 * away is another. */
static bool is_natural_end(const struct error *error)
{
	return error->code == ECANCELED || error->code == ENOTCONN ||
	       error->code == EPIPE || error->code == ENODEV;
}

/* @event: what "watch" tells, as of docs/control-protocol.md. */
static void apply_event(struct capture *capture, const json_t *event)
{
	const char *name = status_text(event, "event");
	uint64_t wall = status_number(event, "ns");

	if (streq(name, "halt"))
		capture_halt(capture, status_text(event, "guest"),
			     status_text(event, "cause"), wall);
	else if (streq(name, "resume"))
		capture_resume(capture, wall);
	else if (streq(name, "halted"))
		capture_tell(capture,
			     &(struct halt_place){
				     .guest = status_text(event, "guest"),
				     .function = status_text(event, "function"),
				     .file = status_text(event, "file"),
				     .line = status_number(event, "line"),
				     .breakpoint = status_number(event, "breakpoint"),
			     });
}

static void on_event(const json_t *event, void *userdata)
{
	struct session *session = userdata;

	if (session->capture)
		apply_event(session->capture, event);
	else
		json_array_append(session->early, (json_t *)event);
}

/* The lab may stand still already. */
static void apply_state(struct capture *capture, const json_t *state)
{
	if (json_object_get(state, "guest"))
		capture_halt(capture, status_text(state, "guest"),
			     status_text(state, "cause"), status_number(state, "ns"));
}

static struct error *begin(struct session *session, struct client *client, int fd)
{
	_cleanup_close_ int owned = fd;
	_cleanup_json_ json_t *state = NULL;
	json_t *event;
	size_t i;

	session->early = json_array();
	try(client_subscribe(client, json_pack("{s:s}", "request", "watch"), on_event,
			     session, &state));
	session->options.halts = true;
	session->options.halted_ns = status_number(state, "halted_ns");
	try(capture_new(&session->capture, client_event(client), steal_fd(owned),
			&session->options, on_failed, session));
	apply_state(session->capture, state);
	json_array_foreach (session->early, i, event)
		apply_event(session->capture, event);
	return NULL;
}

static struct error *run_capture(struct session *session, struct client *client, int fd)
{
	_cleanup_error_ struct error *end = NULL;

	try(begin(session, client, fd));
	if (session->path)
		fprintf(stderr, "netlab: capturing into %s; end with Ctrl-C\n",
			session->path);
	if (session->n_links)
		end = client_wait(client, &session->failed, 0);
	if (session->failed) {
		error_free(end);
		end = steal_ptr(session->failure);
	} else {
		try(capture_finish(session->capture));
	}
	print_statistics(session, session->capture);
	return end && !is_natural_end(end) ? steal_ptr(end) : NULL;
}

static struct error *capture(struct session *session)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_close_ int fd = -1;
	struct error *error;

	try(read_options(session));
	try(client_connect(&client, session->lab));
	session->lab = client_lab(client);
	try(lab_status(client, &session->status));
	try(choose_links(session));
	try(open_output(session, &fd));
	try(namespace_join(json_integer_value(json_object_get(session->status, "pid"))));
	try(find_links(session));
	error = run_capture(session, client, steal_fd(fd));
	capture_free(session->capture); /* while its event loop is there */
	return error;
}

/* The first word is a lab's name where a lab of that name is up, else a link's. */
static struct error *sort_words(struct session *session, char **words)
{
	_cleanup_strv_ char **labs = NULL;

	try(rundir_list(&labs));
	if (words[0] && strv_contains(labs, words[0]))
		session->lab = *words++;
	session->names = words[0] ? words : NULL;
	return NULL;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(session_deinit) struct session session = {0};
	const struct option_spec specs[] = {
		{OPTION_STRING, "write", 'w', "FILE",
		 "where to; \"-\": standard output; default: LAB.pcapng", &session.write},
		{OPTION_STRING, "filter", 'f', "EXPRESSION",
		 "what to keep, as of pcap-filter(7)", &session.filter},
		{OPTION_STRING, "snaplen", 0, "BYTES", "of each frame; default: all",
		 &session.snaplen},
		{OPTION_STRING, "clock", 0, "CLOCK",
		 "of the stamps: lab, the default, or wall", &session.clock},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);
	struct error *error;

	if (status >= 0)
		return status;
	error = sort_words(&session, argv);
	return finish(error ?: capture(&session));
}

const struct verb verb_capture = {
	.name = "capture",
	.usage = "[LAB] [-w FILE|-] [-f EXPRESSION] [--snaplen BYTES]\n"
		 "                      [--clock lab|wall] [LINK...]",
	.summary = "Record what crosses a lab's links as pcapng.",
	.details = "Default: all links of its host side. A link inside a host is "
		   "HOST/LINK.\n"
		   "Live in Wireshark: netlab capture -w - | wireshark -k -i -",
	.run = run,
};
